"""A load whose first chunk may have expired is not closed, as what that chunk held would be deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from loading import document_ids, fill, operations, products

from coveo_enrich import StreamClient
from coveo_enrich.errors import ChunksExpired
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import load


class Clock:
    """The time that a load and the sandbox go by, moved by hand."""

    def __init__(self, sandbox: CoveoSandbox) -> None:
        self._sandbox = sandbox
        self._ahead = 0.0

    def advance(self, minutes: float) -> None:
        """Let so many minutes pass."""
        self._ahead += 60 * minutes
        self._sandbox.advance(minutes=minutes)

    def monotonic(self) -> float:
        """Seconds by a clock that never goes back."""
        return time.monotonic() + self._ahead


@pytest.fixture
def clock(sandbox: CoveoSandbox, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Takes the place of the real time in loads."""
    one = Clock(sandbox)
    monkeypatch.setattr(load, "time", SimpleNamespace(monotonic=one.monotonic, time=time.time, sleep=time.sleep))
    return one


def _slowly(clock: Clock, minutes: float, after: int) -> Iterator[dict[str, Any]]:
    yield from products(after)
    clock.advance(minutes)
    yield from products(20, first=after + 1)


def test_a_load_of_almost_an_hour_is_closed(sandbox: CoveoSandbox, client: StreamClient, clock: Clock) -> None:
    """57 minutes after its first container a load is closed, and every item is there."""
    assert client.load(_slowly(clock, 57, after=30)).items == len(document_ids(sandbox)) == 50


def test_a_load_over_the_hour_is_refused(sandbox: CoveoSandbox, client: StreamClient, clock: Clock) -> None:
    """Law 2: with a chunk that may be gone the close would delete its items: it raises, and the source is as it was."""
    old = fill(client, 40)
    with pytest.raises(ChunksExpired, match=r"59 minutes ago.*replace") as caught:
        client.load(_slowly(clock, 59, after=30))
    assert operations(sandbox)[operations(sandbox).index("close") + 1 :].count("close") == 0
    assert document_ids(sandbox) == old
    assert "the source is as it was" in "".join(caught.value.__notes__)
    assert caught.value.receipt.stream_id
    assert not caught.value.receipt.complete


def test_it_is_refused_with_the_next_item_and_not_at_the_end(client: StreamClient, clock: Clock) -> None:
    """Hours of making items are not spent on a load that can no longer be closed."""
    with client.open_stream() as stream:
        for product in products(30):
            stream.add(product)
        clock.advance(60)
        with pytest.raises(ChunksExpired):
            stream.add({"documentId": "product://one-more"})
        stream.abandon()


def test_time_before_the_first_chunk_does_not_count(sandbox: CoveoSandbox, client: StreamClient, clock: Clock) -> None:
    """Nothing expires before a container was asked for."""
    assert client.load(_slowly(clock, 120, after=3)).items == len(document_ids(sandbox)) == 23


def test_the_last_moment_counts(sandbox: CoveoSandbox, client: StreamClient, clock: Clock) -> None:
    """What expires between the last item and the close is seen too."""
    stream = client.open_stream().__enter__()
    for product in products(30):
        stream.add(product)
    clock.advance(61)
    with pytest.raises(ChunksExpired):
        stream.__exit__(None, None, None)
    assert "close" not in operations(sandbox)
    assert document_ids(sandbox) == []
