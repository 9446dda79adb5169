"""Items on their way into chunk files that never exceed the limit.

A chunk is written to a temporary file as its items come, so memory depends neither on its size nor on the catalog's,
and an upload can be repeated with the same bytes. Uploading is not done here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Final

import attrs

__all__ = [
    "CHUNK_WRAPPER_BYTES",
    "MAX_CHUNK_BYTES",
    "MIN_CHUNK_BYTES",
    "Chunk",
    "ChunkWriter",
    "size_with",
]

MAX_CHUNK_BYTES: Final = 256_000_000
"""The largest chunk that is ever sent, in bytes (docs.coveo.com/en/o64d1129: 256 MB a file)."""

MIN_CHUNK_BYTES: Final = 50
"""A smaller limit would leave no room for an item."""

_START: Final = b'{"addOrUpdate":['
_END: Final = b"]}"
_COMMA: Final = b","
_PIECE_BYTES: Final = 262_144

CHUNK_WRAPPER_BYTES: Final = len(_START) + len(_END)
"""What a chunk weighs without items."""


def size_with(written: int, item: int) -> int:
    """Bytes of the finished chunk if an item is added.

    Args:
        written: Bytes written so far, without the end of the wrapper; 0 for a chunk not begun.
        item: Bytes of the item.
    """
    before = written + len(_COMMA) if written else len(_START)
    return before + item + len(_END)


@attrs.frozen
class Chunk:
    """A finished chunk file.

    Attributes:
        number: Its place in the load, counted from 1.
        items: How many items it holds.
        size: Its bytes, wrapper and commas included.
    """

    number: int
    items: int
    size: int
    _file: IO[bytes] = attrs.field(repr=False, eq=False)

    def pieces(self) -> Iterator[bytes]:
        """The chunk's bytes from the start, some at a time: every upload sends the same ones."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE_BYTES):
            yield piece

    def discard(self) -> None:
        """Delete the file."""
        self._file.close()


class ChunkWriter:
    """Collects the items of one chunk."""

    def __init__(self, number: int, max_bytes: int) -> None:
        self._number = number
        self._max_bytes = max_bytes
        self._file = tempfile.TemporaryFile(prefix="coveo-enrich-")  # noqa: SIM115 - lives as long as its chunk
        self._written = 0
        self._items = 0

    def has_room_for(self, item: bytes) -> bool:
        """Whether the chunk stays within its limit with this item."""
        return size_with(self._written, len(item)) <= self._max_bytes

    def write(self, item: bytes) -> None:
        """Add an item for which there is room."""
        self._written += self._file.write(_COMMA if self._written else _START)
        self._written += self._file.write(item)
        self._items += 1

    def finish(self) -> Chunk:
        """Close the wrapper, and hand the file over."""
        self._written += self._file.write(_END)
        return Chunk(self._number, self._items, self._written, self._file)

    def discard(self) -> None:
        """Delete the file."""
        self._file.close()
