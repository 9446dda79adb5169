"""What was sent, as far as it can be followed and proven: the shape of a receipt, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

__all__ = ["Pushed", "SentBatch", "SentBatches"]


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
    """What is followed through the logs: a `coveo_enrich.stream.Receipt`, for example.

    One with a ``dry_run`` that is true is refused; a receipt that was kept in another form need not say it.
    """

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


class Pushed(Protocol):
    """What tells the items of a push from older ones: a `coveo_enrich.stream.Receipt`, for example."""

    @property
    def ordering_ids(self) -> Sequence[int]:
        """The orderingIds that Coveo gave it."""
        ...
