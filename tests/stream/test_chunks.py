"""Items on their way into chunk files: sizes to the byte."""

from __future__ import annotations

import json
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.stream.chunks import MAX_CHUNK_BYTES, Chunk, ChunkWriter, Entry, wrapper_bytes

CHUNK_WRAPPER_BYTES = wrapper_bytes("addOrUpdate")


def _file() -> IO[bytes]:
    return TemporaryFile(buffering=0)


def _item(text: str) -> bytes:
    return json.dumps({"t": text}, ensure_ascii=False).encode()


ITEMS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(_item), min_size=1, max_size=40)


def _write(items: Sequence[bytes], limit: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    writer = ChunkWriter(1, limit, _file())
    for item in items:
        entry: Entry = ("addOrUpdate", item, "product://1", True)
        if not writer.write(entry):
            chunks.append(writer.finish())
            writer = ChunkWriter(len(chunks) + 1, limit, _file())
            assert writer.write(entry)
    return [*chunks, writer.finish()]


def _bytes_of(chunk: Chunk) -> bytes:
    return b"".join(chunk.pieces())


def _limit(items: Sequence[bytes], fill: int, slack: int) -> int:
    """A limit that every item keeps and that the first ``fill`` items, commas included, meet but for ``slack``."""
    together = sum(len(item) + 1 for item in items[:fill]) - 1
    return CHUNK_WRAPPER_BYTES + max(together + slack, *(len(item) for item in items), 0)


@given(ITEMS, st.integers(1, 40), st.integers(-2, 2))
def test_no_chunk_is_over_the_limit_and_no_item_is_lost(items: list[bytes], fill: int, slack: int) -> None:
    """Law 5: for any items and any limit, every chunk is within it, and the chunks hold exactly the items in order."""
    limit = _limit(items, fill, slack)
    chunks = _write(items, limit)
    sent = [_bytes_of(chunk) for chunk in chunks]
    assert all(len(data) == chunk.size <= limit for data, chunk in zip(sent, chunks, strict=True))
    batches = [json.loads(data) for data in sent]
    assert [item for batch in batches for item in batch["addOrUpdate"]] == [json.loads(item) for item in items]
    assert all(list(batch) == ["addOrUpdate"] for batch in batches)
    assert [chunk.items for chunk in chunks] == [len(batch["addOrUpdate"]) for batch in batches]
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    for chunk in chunks:
        chunk.discard()


@given(ITEMS, st.integers(1, 40), st.integers(-2, 2))
def test_a_chunk_ends_only_where_the_next_item_would_break_the_limit(items: list[bytes], fill: int, slack: int) -> None:
    """Law 5: no room is given away, as every chunk costs calls: one item more would have been too much."""
    limit = _limit(items, fill, slack)
    chunks = _write(items, limit)
    first_of_next = 0
    for chunk in chunks[:-1]:
        first_of_next += chunk.items
        assert chunk.size + 1 + len(items[first_of_next]) > limit
    for chunk in chunks:
        chunk.discard()


def test_the_wrapper_is_counted() -> None:
    """Law 5: what stands around the items counts as bytes too: eighteen of them."""
    assert len('{"addOrUpdate":[]}') == CHUNK_WRAPPER_BYTES
    assert len('{"addOrMerge":[]}') == wrapper_bytes("addOrMerge")
    assert len('{"partialUpdate":[]}') == wrapper_bytes("partialUpdate")


def test_commas_are_counted() -> None:
    """Law 5: two items that fit but for the comma between them go into two chunks; with one byte more, into one."""
    tight = CHUNK_WRAPPER_BYTES + 20
    items = [b'{"a":"bc"}', b'{"d":"ef"}']
    for limit, count in [(tight, 2), (tight + 1, 1)]:
        chunks = _write(items, limit)
        assert len(chunks) == count
        for chunk in chunks:
            chunk.discard()


def test_size_is_bytes_and_not_characters() -> None:
    """Law 5: an accented letter counts as the bytes that are sent."""
    item = _item("é" * 10)
    writer = ChunkWriter(1, CHUNK_WRAPPER_BYTES + len(item), _file())
    assert writer.write(("addOrUpdate", item, "product://1", True))
    chunk = writer.finish()
    assert (chunk.size, chunk.items) == (CHUNK_WRAPPER_BYTES + len(item), 1)
    assert len(_bytes_of(chunk)) == chunk.size > len(_bytes_of(chunk).decode())
    chunk.discard()


def test_every_reading_gives_the_same_bytes() -> None:
    """Law 6: an upload that is repeated sends the same bytes, also when the one before broke off in the middle."""
    items = [_item("x" * 100_000) for _ in range(8)]
    (chunk,) = _write(items, MAX_CHUNK_BYTES)
    whole = _bytes_of(chunk)
    broken_off = chunk.pieces()
    next(broken_off)
    assert _bytes_of(chunk) == whole
    assert len(list(chunk.pieces())) > 1
    chunk.discard()


def test_the_limit_is_coveos() -> None:
    """Law 5: a file of Coveo's Stream API is at most 256 MB."""
    assert MAX_CHUNK_BYTES == 256_000_000


def test_a_discarded_chunk_cannot_be_sent() -> None:
    """After its file is gone a chunk raises, rather than sending nothing as if that were its content."""
    (chunk,) = _write([b"{}"], 100)
    chunk.discard()
    with pytest.raises(ValueError, match="closed file"):
        _bytes_of(chunk)


def test_a_chunk_shows_no_file() -> None:
    """Its repr is its number, items and size."""
    (chunk,) = _write([b"{}"], 100)
    assert repr(chunk) == (
        "Chunk(number=1, items=1, deletes=0, size=20, first_id='product://1', last_id='product://1', repeatable=True)"
    )
    chunk.discard()
