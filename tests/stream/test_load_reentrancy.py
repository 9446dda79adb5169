"""A stream serves one thread at a time, and nothing is added to it behind the back of what is being sent."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from loading import document_ids, fill, operations, products

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import StreamStateError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import ChunkReceipt, LoadStream

LATE = {"documentId": "late://1"}


class Adding:
    """An ``on_chunk`` that adds an item to the stream that calls it."""

    def __init__(self) -> None:
        self.stream: LoadStream | None = None

    def __call__(self, _chunk: ChunkReceipt) -> None:
        """Adds it."""
        assert self.stream is not None
        self.stream.add(LATE)


@pytest.mark.parametrize("count", [3, 40], ids=["at the end", "in the middle"])
def test_nothing_is_added_from_on_chunk(sandbox: CoveoSandbox, source: CoveoSource, count: int) -> None:
    """Law 2: an item that came while a chunk was told of raises; nothing is closed, and the source is as it was."""
    adding = Adding()
    retry = RetryPolicy(first_wait_seconds=0)
    with (
        StreamClient(source, max_chunk_bytes=600, concurrency=1, retry=retry, on_chunk=adding) as client,
        pytest.raises(StreamStateError),
    ):
        _add_all(client, adding, count)
    assert "close" not in operations(sandbox)
    assert document_ids(sandbox) == []


def _add_all(client: StreamClient, adding: Adding, count: int) -> None:
    with client.open_stream() as stream:
        adding.stream = stream
        for product in products(count):
            stream.add(product)


def test_a_producer_that_was_not_joined_is_refused(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 2: what a thread adds after the block ended raises in that thread, while the load ends complete."""
    errors: list[StreamStateError] = []
    held: list[LoadStream] = []

    def add_late() -> None:
        try:
            held[0].add(LATE)
        except StreamStateError as error:
            errors.append(error)

    def have_a_thread_add(_chunk: ChunkReceipt) -> None:
        thread = threading.Thread(target=add_late)
        thread.start()
        thread.join()

    with StreamClient(source, on_chunk=have_a_thread_add) as client, client.open_stream() as stream:
        held.append(stream)
        for product in products(3):
            stream.add(product)
    assert [str(error) for error in errors] == ["nothing can be added to a load that is about to be closed"]
    assert stream.receipt.items == len(document_ids(sandbox)) == 3


@pytest.mark.parametrize("count", [3, 40], ids=["at the end", "in the middle"])
def test_abandoning_from_on_chunk_is_quiet(sandbox: CoveoSandbox, source: CoveoSource, count: int) -> None:
    """Law 2: giving up on the news of a chunk leaves the block without an error, and the source as it was."""
    held: list[LoadStream] = []

    def give_up(_chunk: ChunkReceipt) -> None:
        if held[0].state.value == "open":
            held[0].abandon()

    with StreamClient(source, max_chunk_bytes=600, concurrency=1) as client:
        old = fill(client, 4)
    with StreamClient(source, max_chunk_bytes=600, concurrency=1, on_chunk=give_up) as client:
        with client.open_stream(allow_shrink=True) as stream:
            held.append(stream)
            added: list[dict[str, Any]] = []
            for product in products(count):
                if stream.state.value in ("new", "open"):
                    stream.add(product)
                    added.append(product)
        with pytest.raises(StreamStateError):
            _ = stream.receipt
    assert operations(sandbox).count("close") == 1
    assert document_ids(sandbox) == old
