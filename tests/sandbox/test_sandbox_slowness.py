"""Delays, throttles and hangs: they hold up what was named and nothing else, and end with the connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import httpx
import pytest
from sandbox_caller import Caller, batch
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from coveo_enrich.sandbox.browser import is_page
from coveo_enrich.sandbox.clock import Clock
from coveo_enrich.sandbox.http.budgets import CallBudget
from coveo_enrich.sandbox.http.faults import Delay, Effect, Faults, Hang
from coveo_enrich.sandbox.http.front_door import FrontDoor
from coveo_enrich.sandbox.http.journal import Journal
from coveo_enrich.sandbox.http.server import HttpServer
from coveo_enrich.sandbox.push.containers import BUCKET

# What a client sees when the other side goes away; a client's own timeout is neither.
CUT_OFF = (httpx.NetworkError, httpx.RemoteProtocolError)
AN_HOUR = 3_600.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for clients that wait; they end after the sandbox, which cuts them off."""
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def coveo(pool: ThreadPoolExecutor) -> Iterator[Caller]:
    """A running sandbox, which ends before the threads."""
    del pool
    with Caller.running() as caller:
        yield caller


def _open(coveo: Caller) -> httpx.Response:
    return coveo.post(f"{coveo.stream_path}/open")


def _race(
    pool: ThreadPoolExecutor, one: Callable[[], httpx.Response], other: Callable[[], httpx.Response]
) -> tuple[httpx.Response, Future[httpx.Response]]:
    """Make two calls side by side: the answer that comes, and the call that is held up."""
    done, held_up = wait([pool.submit(one), pool.submit(other)], return_when=FIRST_COMPLETED)
    (answered,), (waiting,) = done, held_up
    return answered.result(), waiting


def test_a_delayed_call_waits_while_others_are_served(coveo: Caller, pool: ThreadPoolExecutor) -> None:
    """A delayed call waits while others are served, and the delay ends when the sandbox stops."""
    coveo.sandbox.delay("open", AN_HOUR)
    answer, waiting = _race(pool, lambda: _open(coveo), lambda: _open(coveo))
    assert answer.status_code == 201
    assert _open(coveo).status_code == 201
    assert len(coveo.sandbox.streams()) == 2
    coveo.sandbox.stop()
    with pytest.raises(CUT_OFF):
        waiting.result()


def test_a_delayed_call_is_served_in_the_end(coveo: Caller) -> None:
    """After its delay a call is served as usual."""
    coveo.sandbox.delay("upload", 0.01)
    coveo.load(batch({"documentId": "product://1"}))
    assert coveo.document_ids() == ["product://1"]


def test_a_delayed_call_meets_what_was_ordered_after_the_delay(coveo: Caller) -> None:
    """A delayed call can fail or lose its reply, too; each order counts for itself."""
    coveo.sandbox.delay("open", 0.01, times=None)
    coveo.sandbox.throttle("open", 1_000_000, times=None)
    coveo.sandbox.fail("open", 500, after=1)
    coveo.sandbox.lose_reply("open")
    assert len(coveo.sandbox.streams()) == 0
    with pytest.raises(CUT_OFF):
        _open(coveo)
    assert len(coveo.sandbox.streams()) == 1
    assert [_open(coveo).status_code for _ in range(2)] == [500, 201]


def test_an_order_that_decides_leaves_the_delay_behind_it_for_the_next_call(
    coveo: Caller, pool: ThreadPoolExecutor
) -> None:
    """A failure ordered before a delay comes at once, and leaves the delay for the next call."""
    coveo.sandbox.fail("open", 500)
    coveo.sandbox.delay("open", AN_HOUR)
    assert _open(coveo).status_code == 500
    answer, waiting = _race(pool, lambda: _open(coveo), lambda: _open(coveo))
    assert answer.status_code == 201
    coveo.sandbox.stop()
    with pytest.raises(CUT_OFF):
        waiting.result()


def test_nothing_happens_for_a_client_that_gives_up_a_delayed_call(coveo: Caller) -> None:
    """When a client gives up a delayed call, the delay ends, nothing is opened, and the request has no answer."""
    coveo.sandbox.delay("open", AN_HOUR)
    with socket.create_connection(coveo.address, timeout=30) as connection:
        head = [f"POST {coveo.stream_path}/open HTTP/1.1", f"Host: {coveo.host}"]
        headers = [f"{name}: {value}" for name, value in coveo.headers.items()]
        connection.sendall("\r\n".join([*head, *headers, "", ""]).encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    coveo.open()
    assert [request.status for request in coveo.sandbox.requests()] == [None, 201]
    assert len(coveo.sandbox.streams()) == 1


def test_a_hung_upload_does_not_keep_the_sandbox_from_stopping(coveo: Caller, pool: ThreadPoolExecutor) -> None:
    """Of two uploads one hangs: it fills no container and is cut off by a sandbox that stops and leaves no thread."""
    containers = [coveo.open(), coveo.open()]
    coveo.sandbox.hang("upload")
    body = bytes(1_000_000)
    answer, waiting = _race(pool, lambda: coveo.upload(containers[0], body), lambda: coveo.upload(containers[1], body))
    assert answer.status_code == 200
    assert sum(stream.containers[0].is_filled for stream in coveo.sandbox.streams()) == 1
    coveo.sandbox.stop()
    with pytest.raises(CUT_OFF):
        waiting.result()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("coveo-sandbox")]


def test_an_upload_that_hangs_half_sent_does_not_keep_the_sandbox_from_stopping(coveo: Caller) -> None:
    """An upload that hangs half sent does not keep the sandbox from stopping."""
    uri = httpx.URL(coveo.open()["uploadUri"])
    coveo.sandbox.hang("upload")
    with socket.create_connection(coveo.address, timeout=30) as connection:
        head = f"PUT {uri.raw_path.decode()} HTTP/1.1\r\nHost: {coveo.host}\r\nContent-Length: 1000\r\n\r\nhalf"
        connection.sendall(head.encode())
        coveo.sandbox.stop()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("coveo-sandbox")]


@contextlib.contextmanager
def _watched(app: ASGIApp, effect: Effect) -> Generator[tuple[socket.socket, threading.Event]]:
    """A connection to a server that this befalls, and what is set when its request has ended there."""
    faults, ended = Faults(), threading.Event()
    faults.order("upload", effect, times=1, after=0)
    front_door = FrontDoor(app, Clock(), faults, CallBudget(), Journal(), is_page=is_page)

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        await front_door(scope, receive, send)
        ended.set()

    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = HttpServer(watched, listener)
        server.start()
        try:
            with socket.create_connection(listener.getsockname(), timeout=30) as connection:
                yield connection, ended
        finally:
            server.stop()


@pytest.mark.parametrize("size", [0, 10, 200_000, 10_000_000])
@pytest.mark.parametrize("sent", ["all", "half"])
def test_a_client_that_gives_up_frees_a_hung_request(size: int, sent: str) -> None:
    """A hung request ends when its client leaves, sent whole or half, however large."""
    with _watched(Response(), Hang()) as (connection, ended):
        connection.sendall(f"PUT /{BUCKET}/x HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
        connection.sendall(bytes(size if sent == "all" else size // 2))
        assert not ended.is_set()
        connection.close()
        assert ended.wait(30)


def test_a_call_whose_client_gave_up_meanwhile_is_not_made() -> None:
    """A call whose client left during the delay is not made, though it came whole."""
    calls: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(scope["path"])
        await Response()(scope, receive, send)

    with _watched(app, Delay(AN_HOUR)) as (connection, ended):
        connection.sendall(f"PUT /{BUCKET}/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        connection.close()
        assert ended.wait(30)
    assert calls == []


def test_a_throttled_upload_arrives_after_others(coveo: Caller, pool: ThreadPoolExecutor) -> None:
    """An upload at a byte a second holds up no other, and ends with the sandbox."""
    containers = [coveo.open(), coveo.open()]
    coveo.sandbox.throttle("upload", 1)
    body = bytes(1_000_000)
    answer, waiting = _race(pool, lambda: coveo.upload(containers[0], body), lambda: coveo.upload(containers[1], body))
    assert answer.status_code == 200
    assert sum(stream.containers[0].is_filled for stream in coveo.sandbox.streams()) == 1
    coveo.sandbox.stop()
    with pytest.raises(CUT_OFF):
        waiting.result()


def test_a_throttled_upload_arrives_as_it_was_sent(coveo: Caller) -> None:
    """A throttled upload is stored as it was sent."""
    coveo.sandbox.throttle("upload", 1_000_000_000)
    items = [{"documentId": f"product://{number}", "ec_name": "x" * 1_000} for number in range(1_000)]
    coveo.load(batch(*items))
    assert coveo.sandbox.items() == sorted(items, key=lambda item: item["documentId"])


def test_a_throttled_reply_comes_piece_by_piece(coveo: Caller) -> None:
    """The reply to a throttled request without a body comes piece by piece."""
    coveo.sandbox.throttle("fields", 1)
    path = f"{coveo.organization_path}/indexes/fields/ec_name"
    with coveo.http.stream("GET", path, headers=coveo.headers) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw()
        assert next(pieces) == b"{"
        coveo.sandbox.stop()
        with pytest.raises(CUT_OFF):
            list(pieces)


def test_a_throttled_reply_arrives_as_it_would_without(coveo: Caller) -> None:
    """A throttled reply arrives whole."""
    path = f"{coveo.organization_path}/indexes/fields/ec_name"
    coveo.sandbox.throttle("fields", 5_000)
    slow, quick = (coveo.http.get(path, headers=coveo.headers) for _ in range(2))
    assert slow.json() == quick.json()
    assert slow.headers == quick.headers


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_a_delay_that_cannot_be_is_an_error(coveo: Caller, seconds: float) -> None:
    """A delay that would be a hang, or nothing, raises."""
    with pytest.raises(ValueError, match="seconds"):
        coveo.sandbox.delay("open", seconds)


@pytest.mark.parametrize("rate", [0, -1, float("inf"), float("nan")])
def test_a_throttle_that_cannot_be_is_an_error(coveo: Caller, rate: float) -> None:
    """A throttle that would be a hang, or nothing, raises."""
    with pytest.raises(ValueError, match="bytes_per_second"):
        coveo.sandbox.throttle("open", rate)
