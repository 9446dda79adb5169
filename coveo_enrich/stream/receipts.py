"""What was sent, as plain values to keep: to print, to log, to check later."""

from __future__ import annotations

import attrs

__all__ = ["ChunkReceipt", "LoadReceipt"]


@attrs.frozen
class ChunkReceipt:
    """One chunk that Coveo's storage took.

    Attributes:
        number: Its place in the load, counted from 1.
        items: Items in it.
        size: Bytes of it, wrapper and commas included.
        attempts: Uploads that it took, 1 or more.
    """

    number: int
    items: int
    size: int
    attempts: int


@attrs.frozen
class LoadReceipt:
    """A load that Coveo confirmed: the source becomes exactly these items.

    Coveo has received them; that they are indexed shows a little later.

    Attributes:
        stream_id: The stream that carried them.
        ordering_id: Coveo's stamp for this load, in milliseconds since 1970; `None` when Coveo gave none, or when the
            reply that carried it was lost.
        request_id: Coveo's id for the request that closed the stream.
        items: Items sent.
        chunks: The chunks, in order.
        expected_items: What the guard against a shrinking catalog measured against; `None` when it was switched off.
        expected_from: Where that number came from.
    """

    stream_id: str
    ordering_id: int | None
    request_id: str | None
    items: int
    chunks: tuple[ChunkReceipt, ...]
    expected_items: int | None
    expected_from: str

    @property
    def size(self) -> int:
        """Bytes sent, in all chunks together."""
        return sum(chunk.size for chunk in self.chunks)

    def __str__(self) -> str:
        items, chunks = _count(self.items, "item"), _count(len(self.chunks), "chunk")
        return f"load {self.stream_id}: {items} in {chunks}, {self.size:,} bytes, closed"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
