"""Items on their way into chunk files that never exceed the limit.

A chunk is written to a temporary file as its items come, so memory depends neither on its size nor on the catalog's,
and an upload can be repeated with the same bytes. Uploading is not done here.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from typing import IO, Final, Literal

import attrs

__all__ = [
    "MAX_CHUNK_BYTES",
    "MIN_CHUNK_BYTES",
    "Chunk",
    "ChunkArray",
    "ChunkWriter",
    "Entry",
    "wrapper_bytes",
]

ChunkArray = Literal["addOrUpdate", "addOrMerge", "partialUpdate", "delete"]
"""The arrays of a chunk, which say what is done with the entries in them (docs.coveo.com/en/p4eb0129)."""

Entry = tuple[ChunkArray, bytes, str, bool]
"""An entry of a chunk: the array it belongs to, its JSON, its id, and whether it may be applied twice."""

MAX_CHUNK_BYTES: Final = 256_000_000
"""The largest chunk that is ever sent, in bytes (docs.coveo.com/en/o64d1129: 256 MB a file)."""

MIN_CHUNK_BYTES: Final = 50
"""A smaller limit would leave no room for an item."""

_COMMA: Final = b","
_END: Final = b"]}"
_PIECE_BYTES: Final = 262_144
_APPEND: Final = re.compile(rb'\{"documentId":("(?:[^"\\]|\\.)*"),"operator":"arrayAppend"')


def wrapper_bytes(array: ChunkArray) -> int:
    """What a chunk weighs beside its entries and the commas between them, if they stand in this one array."""
    return len(_start(array)) + len(_END)


@attrs.frozen
class Chunk:
    """A finished chunk file.

    Attributes:
        number: Its place in the run, counted from 1.
        items: How many items, or operations on items, it holds.
        deletes: How many ids of items to delete it holds.
        size: Its bytes, wrapper and commas included.
        first_id: The id of its first entry.
        last_id: The id of its last entry.
        repeatable: Whether applying it twice comes to the same as once.
    """

    number: int
    items: int
    deletes: int
    size: int
    first_id: str
    last_id: str
    repeatable: bool
    _file: IO[bytes] = attrs.field(repr=False, eq=False)

    def pieces(self) -> Iterator[bytes]:
        """The chunk's bytes from the start, some at a time: every upload sends the same ones."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE_BYTES):
            yield piece

    def appended_ids(self) -> tuple[str, ...]:
        """The ids of the items to which it appends values, each once: what is not safe to send again."""
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            found = {json.loads(match[1]): None for match in _APPEND.finditer(text)}
        return tuple(found)

    def discard(self) -> None:
        """Delete the file."""
        self._file.close()


class ChunkWriter:
    """Collects the entries of one chunk in a file without a buffer. Those of one array come one after the other."""

    def __init__(self, number: int, max_bytes: int, file: IO[bytes]) -> None:
        self._number = number
        self._max_bytes = max_bytes
        self._file = file
        self._parts: list[bytes] = []
        self._written = 0
        self._size = 0
        self._array: ChunkArray | None = None
        self._entries = 0
        self._deletes = 0
        self._first_id = self._last_id = ""
        self._repeatable = True

    def write(self, entry: Entry) -> bool:
        """Add an entry; `False` when there is no room for it, and nothing was added."""
        array, data, document_id, repeatable = entry
        before = _COMMA if array == self._array else _start(array, first=self._array is None)
        size = self._size + len(before) + len(data)
        if size + len(_END) > self._max_bytes:
            return False
        self._parts += (before, data)
        self._size = size
        self._entries += 1
        self._last_id = document_id
        if array != self._array or not repeatable:
            self._note(array, document_id, repeatable=repeatable)
        # Written many at a time: each write lets another thread run, and waits to come back.
        if size - self._written >= _PIECE_BYTES:
            self._flush()
        return True

    def finish(self) -> Chunk:
        """Close the wrapper, and hand the file over."""
        self._parts.append(_END)
        self._flush()
        deletes = self._entries if self._array == "delete" else self._deletes
        return Chunk(
            self._number,
            self._entries - deletes,
            deletes,
            self._size + len(_END),
            self._first_id,
            self._last_id,
            self._repeatable,
            self._file,
        )

    def _note(self, array: ChunkArray, document_id: str, *, repeatable: bool) -> None:
        if self._array == "delete":
            self._deletes = self._entries - 1
        self._array = array
        self._first_id = self._first_id or document_id
        self._repeatable = self._repeatable and repeatable

    def _flush(self) -> None:
        left = memoryview(b"".join(self._parts))
        while left:  # a file without a buffer may take less than it is given
            left = left[self._file.write(left) :]
        self._parts.clear()
        self._written = self._size


def _start(array: ChunkArray, *, first: bool = True) -> bytes:
    return b'%s"%s":[' % (b"{" if first else b"],", array.encode())
