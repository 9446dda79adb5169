"""What a `StreamClient` was told about how to send: checked once, then read by every run.

Where the items go is in `coveo_enrich.stream.source`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.retry import RetryPolicy, require_count
from coveo_enrich.stream.chunks import MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, ChunkArray, wrapper_bytes
from coveo_enrich.stream.documents import MAX_ITEM_BYTES
from coveo_enrich.stream.receipts import ChunkReceipt

__all__ = ["Checks", "DryRun", "StreamSettings", "require_many"]

Checks = Literal["full", "trusted"]
"""How closely items are looked at before they are sent."""

DryRun = bool | str | os.PathLike[str]
"""Whether nothing is sent; or a folder, in which the chunk files are then kept."""

_MOST_UPLOADS: Final = 64


def require_many(name: str, value: object) -> None:
    """Raise `ConfigurationError` for one text or one mapping where many things belong."""
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        kind = type(value).__name__  # pyright: ignore[reportUnknownArgumentType]
        raise ConfigurationError(f"{name} must be an iterable, such as a list or a generator; got one {kind}")


@attrs.frozen(kw_only=True)
class StreamSettings:
    """The settings of a client, as `StreamClient` documents them, and of one run."""

    max_chunk_bytes: int
    concurrency: int
    retry: RetryPolicy
    checks: Checks
    dictionary_fields: frozenset[str]
    on_chunk: Callable[[ChunkReceipt], object] | None
    progress: bool
    skip_invalid: bool = False
    dry_run: bool = False
    keep_chunks_in: Path | None = None

    def __attrs_post_init__(self) -> None:
        require_count("max_chunk_bytes", self.max_chunk_bytes, MIN_CHUNK_BYTES, MAX_CHUNK_BYTES)
        require_count("concurrency", self.concurrency, 1, _MOST_UPLOADS)
        if self.checks not in ("full", "trusted"):
            raise ConfigurationError(f"checks must be 'full' or 'trusted'; got {self.checks!r}")

    def for_run(self, dry_run: DryRun, *, skip_invalid: bool = False, **changes: Any) -> StreamSettings:  # noqa: ANN401
        """The settings of one run."""
        folder = None if isinstance(dry_run, bool) else Path(dry_run)
        return attrs.evolve(
            self,
            skip_invalid=skip_invalid,
            dry_run=folder is not None or bool(dry_run),
            keep_chunks_in=folder,
            **changes,
        )

    def max_entry_bytes(self, array: ChunkArray) -> int:
        """The largest entry of an array that Coveo takes and a chunk can hold."""
        return min(MAX_ITEM_BYTES, self.max_chunk_bytes - wrapper_bytes(array))
