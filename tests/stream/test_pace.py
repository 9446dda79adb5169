"""A client keeps to the calls that Coveo allows in five minutes. No time passes here but by waiting."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from loading import broken_off, operations, products
from typing_extensions import override
from updating import FAR_BEYOND, Clock, patient, pausing_by
from wires import in_thread, joined

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich._http import HttpSender
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream.receipts import Receipt

WINDOW = 300


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that the client goes by."""
    return Clock(monkeypatch)


@pytest.fixture
def calls(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each call was made; uploads are none."""
    made: list[float] = []
    send: Callable[..., Any] = HttpSender.send

    def noting(sender: HttpSender, operation: str, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - as it is
        if operation != "upload a chunk":
            made.append(clock.now)
        return send(sender, operation, *arguments, **more)

    monkeypatch.setattr(HttpSender, "send", noting)
    return made


def _most_in_a_window(calls: list[float]) -> int:
    return max(sum(begin <= one < begin + WINDOW for one in calls) for begin in calls)


OPERATIONS: dict[str, Callable[[StreamClient], Receipt]] = {
    "load": lambda client: client.load(products(90)),
    "replace": lambda client: client.replace(products(90)),
    "update": lambda client: client.update(products(90)),
    "merge": lambda client: client.merge(products(90)),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
@pytest.mark.parametrize("allowed", [1, 3, 7])
def test_no_window_has_more_calls_than_allowed(
    source: CoveoSource,
    clock: Clock,
    calls: list[float],
    operation: Callable[[StreamClient], Receipt],
    allowed: int,
) -> None:
    """In any five minutes, wherever they begin: as many as allowed and no more; uploads do not count."""
    with patient(source, calls_per_five_minutes=allowed) as client:
        receipt = operation(client)
    assert receipt.complete
    assert len(calls) > allowed
    assert _most_in_a_window(calls) == allowed
    assert receipt.paced_seconds == sum(clock.waits) == WINDOW * ((len(calls) - 1) // allowed)
    assert receipt.retry_seconds == 0


def test_the_pace_is_the_clients(source: CoveoSource, calls: list[float]) -> None:
    """Coveo counts the organization's calls, so operations one after the other share it; each receipt has its own."""
    with patient(source, calls_per_five_minutes=4) as client:
        waited = [client.update(products(3)).paced_seconds for _ in range(5)]
    assert _most_in_a_window(calls) == 4
    assert waited == [0, 0, 300, 0, 300]


def test_tries_count(sandbox: CoveoSandbox, source: CoveoSource, calls: list[float]) -> None:
    """Each of them is a call to Coveo."""
    sandbox.fail("update", 503, times=5)
    with patient(source, calls_per_five_minutes=2) as client:
        receipt = client.update(products(3))
    assert len(calls) == operations(sandbox).count("files") + operations(sandbox).count("update") == 7
    assert _most_in_a_window(calls) == 2
    assert receipt.paced_seconds == 900


def test_nothing_waits_as_long_as_the_window_has_room(source: CoveoSource, clock: Clock, calls: list[float]) -> None:
    """Calls may come in bursts: here the last one that is allowed is the last one made."""
    with patient(source, calls_per_five_minutes=16) as client:
        receipt = client.update(products(85))
    assert len(calls) == 2 * len(receipt.chunks) == 16
    assert clock.waits == []
    assert receipt.paced_seconds == 0


def test_the_default_is_what_coveo_allows(source: CoveoSource, clock: Clock, calls: list[float]) -> None:
    """250 calls in five minutes, the 251st a window later."""
    with StreamClient(source, max_chunk_bytes=60, concurrency=1) as client:
        client.update({"documentId": f"product://{number:04}"} for number in range(126))
    assert len(calls) == 252
    assert clock.waits == [WINDOW]
    assert calls.count(calls[0]) == 250


def test_coveo_has_no_reason_to_refuse(
    sandbox: CoveoSandbox, source: CoveoSource, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a sandbox that counts as Coveo does and whose clock goes with the client's: not one 429."""
    sandbox.limit_calls(per_5_minutes=5)
    passing = time.sleep

    def both(seconds: float) -> None:
        passing(seconds)
        sandbox.advance(minutes=seconds / 60)

    monkeypatch.setattr(time, "sleep", both)
    pausing_by(monkeypatch, both)
    with patient(source, calls_per_five_minutes=5) as client:
        receipt = client.replace(products(90))
    assert receipt.complete
    assert 429 not in [request.status for request in sandbox.requests()]
    assert receipt.paced_seconds == sum(clock.waits) > 0


def test_threads_share_the_pace(source: CoveoSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """With uploads at once, each call has a place of its own: no two wait for the same one."""
    waits: list[float] = []
    pausing_by(monkeypatch, waits.append)
    with patient(source, concurrency=4, calls_per_five_minutes=4) as client:
        receipt = client.update(products(85))
    assert len(receipt.chunks) == 8
    # 16 calls: the first 4 at once, then 4 a window; as nobody really waits here, the places grow from wait to wait.
    assert sorted(round(wait / WINDOW) for wait in waits) == [1] * 4 + [2] * 4 + [3] * 4
    assert receipt.paced_seconds == pytest.approx(sum(waits))


def test_who_waits_for_a_turn_is_told_to_stop(source: CoveoSource) -> None:
    """A catalog that breaks off ends the wait at once, and nobody sits out the five minutes."""
    waiting = threading.Event()

    class Watch(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            if "waiting" in record.getMessage():
                waiting.set()

    def catalog() -> Iterator[dict[str, str]]:
        yield from products(15)
        assert waiting.wait(FAR_BEYOND)
        yield from broken_off(0, OSError("disk gone"))

    log, watch = logging.getLogger("coveo_enrich.calls"), Watch()
    log.addHandler(watch)
    try:
        with StreamClient(source, max_chunk_bytes=600, calls_per_five_minutes=1) as client:
            outcome = joined(in_thread(lambda: client.update(catalog())))
    finally:
        log.removeHandler(watch)
    assert isinstance(outcome, OSError)


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "250", None])
def test_a_pace_that_cannot_be_is_refused(source: CoveoSource, number: Any) -> None:  # noqa: ANN401
    """A whole number, 1 or more; the refusal names what was given."""
    with pytest.raises(ConfigurationError, match="calls_per_five_minutes must be a whole number, 1 or more; got "):
        StreamClient(source, calls_per_five_minutes=number, retry=RetryPolicy())
