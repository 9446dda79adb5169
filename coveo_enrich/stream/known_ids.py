"""The document ids of a run, remembered in little memory, so that an id that comes twice is found.

A Python set takes a hundred bytes and more for each id; ten million of them would cost over a gigabyte. Here an id
takes some 14: its hash and the place of its text in a temporary file. What a repeated id means is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Final

__all__ = ["KnownIds"]

_HASH_BYTES: Final = 4
_PLACE_BYTES: Final = 5  # up to a terabyte of ids
_ENTRY_BYTES: Final = _HASH_BYTES + _PLACE_BYTES
_HASH_BITS: Final = 8 * _HASH_BYTES
_HASH_MASK: Final = (1 << _HASH_BITS) - 1
_ENTRIES_PER_BUCKET: Final = 16  # more take a little less memory, and longer to search
_BUFFER_BYTES: Final = 8_192  # small, as it counts among the bytes of every id of a small run
_END: Final = b"\xff"  # no UTF-8 text holds it, so no id is the start of another


class KnownIds:
    """A set of ids that only grows: exact, and at most 16 bytes of memory an id from ten thousand ids on.

    A hash table whose buckets are plain bytes, searched by C. It grows by splitting one bucket at a time (linear
    hashing), so there is no moment at which a table and its larger successor are both in memory. Equal hashes
    prove nothing: the ids themselves are compared. Not thread-safe.

    Args:
        new_file: Makes the temporary file, when ids are too many to be kept without.
    """

    def __init__(self, new_file: Callable[[], IO[bytes]]) -> None:
        self._ids = _IdFile(new_file)
        self._count = 0
        self._buckets = [b""]
        self._unsplit = 1  # buckets when the current round of splits began: a power of two
        self._mask = 1  # twice as many, less one: the bits of a hash that name a bucket

    def __len__(self) -> int:
        return self._count

    def __contains__(self, document_id: str) -> bool:
        number = hash(document_id) & _HASH_MASK
        key = number.to_bytes(_HASH_BYTES, "little")
        record = document_id.encode("utf-8", "surrogatepass") + _END
        return self._holds(self._buckets[self._bucket(number)], key, record)

    def add(self, document_id: str) -> bool:
        """Remember an id; whether it was new.

        Raises:
            OSError: The temporary file cannot be written.
        """
        number = hash(document_id) & _HASH_MASK
        at, key = self._bucket(number), number.to_bytes(_HASH_BYTES, "little")
        record = document_id.encode("utf-8", "surrogatepass") + _END
        bucket = self._buckets[at]
        if key in bucket and self._holds(bucket, key, record):
            return False
        # Hash and place as one number: the hash in the bytes that come first.
        entry = number | self._ids.append(record) << _HASH_BITS
        self._buckets[at] = bucket + entry.to_bytes(_ENTRY_BYTES, "little")
        self._count += 1
        if not self._count % _ENTRIES_PER_BUCKET:
            self._split_next()
        return True

    def close(self) -> None:
        """Forget the ids and delete the temporary file, for good; closing again does nothing."""
        self._ids.close()
        self._buckets.clear()

    def _bucket(self, number: int) -> int:
        at = number & self._mask
        return at if at < len(self._buckets) else at - self._unsplit

    def _holds(self, bucket: bytes, key: bytes, record: bytes) -> bool:
        at = bucket.find(key)
        while at >= 0:
            # Elsewhere than at the start of an entry, the bytes of a key are there by chance.
            if at % _ENTRY_BYTES == 0 and self._ids.holds(record, _place(bucket, at)):
                return True
            at = bucket.find(key, at + 1)
        return False

    def _split_next(self) -> None:
        """Move the entries whose next bit of the hash is set into a new bucket."""
        at = len(self._buckets) - self._unsplit
        byte, bit = divmod(self._unsplit.bit_length() - 1, 8)
        bucket = self._buckets[at]
        halves: tuple[list[bytes], list[bytes]] = ([], [])
        for start in range(0, len(bucket), _ENTRY_BYTES):
            halves[bucket[start + byte] >> bit & 1].append(bucket[start : start + _ENTRY_BYTES])
        self._buckets[at] = b"".join(halves[0])
        self._buckets.append(b"".join(halves[1]))
        if len(self._buckets) == 2 * self._unsplit:
            self._unsplit *= 2
            self._mask = 2 * self._unsplit - 1


def _place(bucket: bytes, at: int) -> int:
    return int.from_bytes(bucket[at + _HASH_BYTES : at + _ENTRY_BYTES], "little")


class _IdFile:
    """The texts of the ids, one behind the other: the last ones in memory, the others in a temporary file."""

    def __init__(self, new_file: Callable[[], IO[bytes]]) -> None:
        self._new_file = new_file
        self._buffer = bytearray()
        self._written = 0
        self._file: IO[bytes] | None = None

    def append(self, record: bytes) -> int:
        """Keep a record; its place."""
        place = self._written + len(self._buffer)
        self._buffer += record
        if len(self._buffer) > _BUFFER_BYTES:
            self._flush()
        return place

    def holds(self, record: bytes, place: int) -> bool:
        """Whether it is this record that begins at that place."""
        if self._file is None or place >= self._written:
            return self._buffer.startswith(record, place - self._written)
        self._file.seek(place)
        return self._file.read(len(record)) == record

    def close(self) -> None:
        """Delete the file."""
        self._buffer.clear()
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        if self._file is None:
            self._file = self._new_file()
        self._file.seek(self._written)
        self._file.write(self._buffer)
        self._written += len(self._buffer)
        self._buffer.clear()
