"""What was sent, as far as it can be followed: the shape of a receipt, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["SentBatch", "SentBatches"]


class SentBatch(Protocol):
    """A batch that Coveo took: a `coveo_enrich.stream.ChunkReceipt`, for example."""

    @property
    def number(self) -> int:
        """Its place, counted from 1."""
        ...

    @property
    def ordering_id(self) -> int | None:
        """The orderingId that Coveo gave it."""
        ...


class SentBatches(Protocol):
    """What was sent: a `coveo_enrich.stream.Receipt`, for example."""

    @property
    def operation(self) -> str:
        """What was done, such as ``update``."""
        ...

    @property
    def organization_id(self) -> str:
        """The organization."""
        ...

    @property
    def source_id(self) -> str:
        """The source."""
        ...

    @property
    def chunks(self) -> Sequence[SentBatch]:
        """The batches that Coveo took."""
        ...
