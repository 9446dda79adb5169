"""One request out, one reply in: broken off, held to limits, in a forked process, its certificates and its secrets."""

from __future__ import annotations

import contextlib
import errno
import gzip
import logging
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from wires import (
    OK,
    Host,
    Identity,
    Request,
    answer_by_half,
    answering,
    everything_said,
    forget_environment,
    in_thread,
    joined,
    read_a_byte,
    read_request,
    resolve,
    silent_after,
)

from coveo_enrich import __version__, _http
from coveo_enrich._http import HttpSender, Interrupt, Interrupted, NoReplyTooLong, Reply
from coveo_enrich.errors import ConfigurationError, NoReply

MORE_THAN_ANY_BUFFER = bytes(64_000_000)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no proxy and no certificates."""
    forget_environment(monkeypatch)


@pytest.fixture
def sender() -> Iterator[HttpSender]:
    """A sender."""
    with contextlib.closing(HttpSender()) as one:
        yield one


@pytest.fixture
def endless_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time-out: what ends, another thread has ended."""
    monkeypatch.setattr(_http, "_TIMEOUT", httpx.Timeout(None))


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A certificate for a made-up host."""
    return Identity.made("coveo.test", tmp_path_factory.mktemp("identity"))


def get(sender: HttpSender, url: str, interrupt: Interrupt | None = None) -> Reply:
    """A request without a body."""
    return sender.send("look", "GET", url, headers={}, interrupt=interrupt)


def answer_until_the_end(connection: socket.socket) -> None:
    """Begin a reply that is whole when the connection ends."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf")


class OnDemand:
    """Answers when it is told to; never to what is called ``/never``."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.answer = threading.Event()
        self.ended = threading.Semaphore(0)

    def __call__(self, connection: socket.socket) -> None:
        """Talk to a connection."""
        while request := read_request(connection):
            self.asked.release()
            if "/never" in request.line:
                connection.recv(1)
                break
            self.answer.wait()
            connection.sendall(OK)
        self.ended.release()


# Breaking off


@pytest.mark.usefixtures("endless_patience")
@pytest.mark.parametrize(
    ("scheme", "begin", "body"),
    [
        ("http", read_request, b""),
        ("http", answer_by_half, b""),
        ("http", answer_until_the_end, b""),
        ("http", read_a_byte, MORE_THAN_ANY_BUFFER),
        ("https", read_a_byte, b""),
    ],
    ids=["a reply", "the rest of a reply", "the end of a reply", "room to send", "a handshake"],
)
def test_whatever_a_request_waits_for_it_is_broken_off(
    sender: HttpSender, scheme: str, begin: Callable[[socket.socket], object], body: bytes
) -> None:
    """Without any time-out it would wait for ever; told to stop it ends, and half a reply is none."""
    interrupt = Interrupt()
    with silent_after(begin) as (host, begun):
        url = f"{scheme}://127.0.0.1:{host.port}/"
        request = in_thread(lambda: sender.send("x", "PUT", url, headers={}, content=body, interrupt=interrupt))
        assert begun.acquire(timeout=60)
        interrupt.set()
        assert isinstance(joined(request), Interrupted)


@pytest.mark.usefixtures("endless_patience")
@pytest.mark.parametrize("answers", [0, 1])
def test_a_request_through_a_tunnel_is_broken_off(
    identity: Identity, monkeypatch: pytest.MonkeyPatch, answers: int
) -> None:
    """The same inside TLS, inside the tunnel of a proxy, the first time that it is used and later."""
    interrupt, begun = Interrupt(), threading.Semaphore(0)

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with identity.serving(connection) as inside:
            for _ in range(answers):
                read_request(inside)
                inside.sendall(OK)
            read_request(inside)
            begun.release()
            inside.recv(1)

    with Host(talk) as proxy, contextlib.closing(HttpSender(ca_bundle=identity.certificate)) as sender:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        for _ in range(answers):
            assert get(sender, "https://coveo.test/").ok
        request = in_thread(lambda: get(sender, "https://coveo.test/", interrupt))
        assert begun.acquire(timeout=60)
        interrupt.set()
        assert isinstance(joined(request), Interrupted)


def test_a_pause_ends_with_an_interrupt() -> None:
    """Who waits so long, perhaps before another try, is told to stop at once; who does not need to wait, goes on."""
    interrupt = Interrupt()
    interrupt.wait(0)
    pause = in_thread(lambda: interrupt.wait(1_000))
    interrupt.set()
    assert isinstance(joined(pause), Interrupted)


def test_nothing_is_sent_after_an_interrupt(sender: HttpSender) -> None:
    """A request that comes too late raises at once and makes no connection."""
    interrupt = Interrupt()
    interrupt.set()
    with Host(read_request) as host:
        with pytest.raises(Interrupted):
            get(sender, host.url, interrupt)
        assert host.connections == []


@pytest.mark.usefixtures("endless_patience")
@pytest.mark.parametrize("moment", ["before the connection is made", "while it is made"])
def test_an_interrupt_meets_a_connection_that_is_being_made(
    sender: HttpSender, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Between the beginning of a request and its connection: the connection ends unused."""
    interrupt, connect, received = Interrupt(), socket.create_connection, list[bytes]()

    def interrupted(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        if moment == "before the connection is made":
            interrupt.set()
        connection = connect(address)
        interrupt.set()
        return connection

    with Host(lambda connection: received.append(connection.recv(1))) as host, monkeypatch.context() as patch:
        patch.setattr(socket, "create_connection", interrupted)
        with pytest.raises(Interrupted):
            get(sender, host.url, interrupt)
    assert received == [b""]


@pytest.mark.usefixtures("endless_patience")
def test_a_connection_that_was_kept_is_broken_off_and_not_used_again(sender: HttpSender) -> None:
    """A second request on a connection makes none, and is broken off all the same; a third gets a new one."""
    interrupt, host_says = Interrupt(), OnDemand()
    host_says.answer.set()
    with Host(host_says) as host:
        assert get(sender, host.url, interrupt).ok
        request = in_thread(lambda: get(sender, f"{host.url}/never", interrupt))
        assert host_says.asked.acquire(timeout=60)
        assert host_says.asked.acquire(timeout=60)
        assert len(host.connections) == 1
        interrupt.set()
        assert isinstance(joined(request), Interrupted)
        assert get(sender, host.url).ok
        assert len(host.connections) == 2


@pytest.mark.usefixtures("endless_patience")
def test_only_its_own_requests_are_broken_off(sender: HttpSender) -> None:
    """Of two runs on one sender, both waiting, one is told to stop; the other gets its reply."""
    interrupt, other, host_says = Interrupt(), Interrupt(), OnDemand()
    with Host(host_says) as host:
        first = in_thread(lambda: get(sender, f"{host.url}/never", interrupt))
        second = in_thread(lambda: get(sender, host.url, other))
        third = in_thread(lambda: get(sender, host.url))
        for _ in range(3):
            assert host_says.asked.acquire(timeout=60)
        interrupt.set()
        assert isinstance(joined(first), Interrupted)
        host_says.answer.set()
        assert joined(second) == joined(third) == Reply(200, {"content-length": "2"}, b"ok")


@pytest.mark.usefixtures("endless_patience")
def test_what_is_over_cannot_be_broken_off(sender: HttpSender) -> None:
    """An interrupt that comes after its request leaves the connection alone, which serves another run meanwhile."""
    interrupt, host_says = Interrupt(), OnDemand()
    host_says.answer.set()
    with Host(host_says) as host:
        assert get(sender, host.url, interrupt).ok
        host_says.answer.clear()
        request = in_thread(lambda: get(sender, host.url))
        assert host_says.asked.acquire(timeout=60)
        assert host_says.asked.acquire(timeout=60)
        interrupt.set()
        host_says.answer.set()
        assert isinstance(joined(request), Reply)
        assert len(host.connections) == 1


def test_an_error_of_the_body_stands_before_an_interrupt(sender: HttpSender) -> None:
    """What the producer of a body raises comes out, and the connection, shut in between, is not used again."""
    interrupt = Interrupt()
    requests: list[Request] = []

    def body() -> Iterator[bytes]:
        yield b"x"
        interrupt.set()
        raise KeyError("disk")

    with Host(answering(requests)) as host:
        with pytest.raises(KeyError, match="disk"):
            sender.send("x", "PUT", host.url, headers={"Content-Length": "2"}, content=body(), interrupt=interrupt)
        assert get(sender, host.url).ok
        assert len(host.connections) == 2


def test_an_interrupt_at_any_moment_ends_in_a_reply_or_in_interrupted(sender: HttpSender) -> None:
    """Many threads and two runs, one of which is told to stop at some moment: the other notices nothing."""
    requests: list[Request] = []
    with Host(answering(requests)) as host, ThreadPoolExecutor(8) as threads:
        for seed in range(30):
            doomed, spared = Interrupt(), Interrupt()
            moment = random.Random(seed).randrange(40)  # noqa: S311 - guards nothing

            def ask(number: int, doomed: Interrupt = doomed, spared: Interrupt = spared, at: int = moment) -> object:
                if number == at:
                    doomed.set()
                try:
                    return get(sender, host.url, doomed if number % 2 else spared)
                except Interrupted as interrupted:
                    return interrupted

            outcomes = list(threads.map(ask, range(40)))
            assert {type(outcome) for outcome in outcomes[::2]} == {Reply}
            assert {type(outcome) for outcome in outcomes[1::2]} <= {Reply, Interrupted}
            with pytest.raises(Interrupted):
                get(sender, host.url, doomed)


@pytest.mark.parametrize("header", ["Connection: close\r\n", ""], ids=["by the host", "by the sender"])
def test_a_connection_that_is_closed_ends(header: str) -> None:
    """What makes connections breakable keeps none of them open: the host sees the end that its reply announced."""
    requests: list[Request] = []
    ended = threading.Semaphore(0)

    def talk(connection: socket.socket) -> None:
        answering(requests, OK.replace(b"Content", f"{header}Content".encode()))(connection)
        ended.release()

    with Host(talk) as host, contextlib.closing(HttpSender()) as sender:
        assert get(sender, host.url, Interrupt()).ok
        if not header:
            sender.close()
        assert ended.acquire(timeout=60)


def test_a_machine_out_of_handles_is_no_reply(sender: HttpSender, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that cannot be made breakable is not used, and nothing was sent."""
    real, here = socket.socket.dup, threading.current_thread()

    def dup(one: socket.socket) -> socket.socket:
        if threading.current_thread() is here:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(one)

    with Host(read_request) as host, monkeypatch.context() as patch:
        patch.setattr(socket.socket, "dup", dup)
        with pytest.raises(NoReply, match="Too many open files") as caught:
            get(sender, host.url)
    assert not caught.value.sent


# Deadlines


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def upload(pieces: int, seconds_a_piece: float, content_length: int | None) -> tuple[Reply, list[Request]]:
    """Send pieces of 100,000 bytes to a host that takes so long for each."""
    clock, requests = Clock(), list[Request]()

    def body() -> Iterator[bytes]:
        for _ in range(pieces):
            yield bytes(100_000)
            clock.now += seconds_a_piece

    with Host(answering(requests)) as host, contextlib.closing(HttpSender(clock=clock)) as sender:
        headers = {"Content-Length": str(pieces * 100_000)}
        reply = sender.send("upload", "PUT", host.url, headers=headers, content=body(), content_length=content_length)
        return reply, requests


def test_an_upload_may_take_a_minute_and_a_second_for_every_100_000_bytes() -> None:
    """Ten pieces may take 70 seconds; what stands before the last of them took 63 of them."""
    reply, requests = upload(10, 7, content_length=1_000_000)
    assert reply.ok
    assert [len(request.body) for request in requests] == [1_000_000]


def test_an_upload_that_is_too_slow_ends() -> None:
    """It is no reply, to a request that was sent, and the error says how far it came."""
    with pytest.raises(NoReply, match="too slow: 900,000 of 1,000,000 bytes went out in 70 seconds") as caught:
        upload(10, 7.8, content_length=1_000_000)
    assert caught.value.sent


def test_a_body_of_unknown_length_has_no_deadline() -> None:
    """Without a length to go by, each piece has its time-out and the whole has none."""
    reply, _ = upload(3, 100_000, content_length=None)
    assert reply.ok


def test_a_body_in_one_piece_has_no_deadline() -> None:
    """There is no moment between pieces to look at the clock."""
    requests: list[Request] = []
    with Host(answering(requests)) as host, contextlib.closing(HttpSender(clock=Clock())) as sender:
        assert sender.send("x", "PUT", host.url, headers={}, content=b"whole", content_length=5).ok
    assert [request.body for request in requests] == [b"whole"]


def dripping(head: bytes, drop: bytes, clock: Clock) -> Callable[[socket.socket], object]:
    """Answer for ever, so many bytes every ten seconds."""

    def talk(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        while True:
            clock.now += 10
            connection.sendall(drop)

    return talk


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n"),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["its body", "its headers", "one provisional answer after another"],
)
def test_an_answer_that_drips_ends_after_two_minutes(head: bytes, drop: bytes) -> None:
    """However often a little more comes: it is no reply, to a request that was sent, and the next one has its own."""
    clock = Clock()
    with (
        Host(dripping(head, drop, clock)) as host,
        Host(answering([])) as another,
        contextlib.closing(HttpSender(clock=clock)) as sender,
    ):
        with pytest.raises(NoReply, match="the answer was not whole after 120 seconds") as caught:
            get(sender, host.url)
        assert caught.value.sent
        assert get(sender, another.url).ok


def test_an_answer_may_take_two_minutes() -> None:
    """From the end of the request: neither the time that it took to send nor that of the request before counts."""
    clock = Clock()

    def talk(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(OK[:-1])
            clock.now += 119
            connection.sendall(OK[-1:])

    def body() -> Iterator[bytes]:
        clock.now += 1_000
        yield b"x"

    with Host(talk) as host, contextlib.closing(HttpSender(clock=clock)) as sender:
        for _ in range(3):
            assert sender.send("x", "PUT", host.url, headers={"Content-Length": "1"}, content=body()).body == b"ok"


# Sizes


def answer_with(body: bytes, header: str = "X: y") -> bytes:
    """A reply."""
    return f"HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    "answer",
    [
        answer_with(bytes(1_000_001)),
        answer_with(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(3_000_000),
    ],
    ids=["announced", "compressed", "not announced"],
)
def test_an_answer_over_a_megabyte_is_none(sender: HttpSender, answer: bytes) -> None:
    """Counted as decoded, and not kept: what became of the request is not known."""
    with Host(answering([], answer)) as host:
        with pytest.raises(NoReplyTooLong, match="the answer is longer than 1,000,000 bytes") as caught:
            get(sender, host.url)
        assert caught.value.sent
        assert str(caught.value) == "look: the answer is longer than 1,000,000 bytes (127.0.0.1)"


@pytest.mark.parametrize("most", [10, 2_000_000])
def test_how_much_of_an_answer_is_read_is_the_matter_of_its_request(sender: HttpSender, most: int) -> None:
    """A request says how long its answer may be, less or more than that of others."""
    with Host(answering([], answer_with(bytes(most)))) as host:
        assert len(sender.send("x", "GET", host.url, headers={}, max_bytes=most).body) == most
        with pytest.raises(NoReplyTooLong, match=f"longer than {most - 1:,} bytes"):
            sender.send("x", "GET", host.url, headers={}, max_bytes=most - 1)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (answer_with(bytes(1_000_000)), bytes(1_000_000)),
        (answer_with(gzip.compress(b"{}"), "Content-Encoding: gzip"), b"{}"),
        (answer_with(b"not gzip", "Content-Encoding: gzip"), b""),
        (answer_with(b"{}", "Content-Encoding: br"), b""),
    ],
    ids=["a megabyte", "compressed", "garbage", "compressed in a way that nobody asked for"],
)
def test_an_answer_is_asked_for_as_it_is_and_taken_as_it_comes(sender: HttpSender, answer: bytes, body: bytes) -> None:
    """No compression is asked for; one that comes all the same is undone, or the status counts alone."""
    requests: list[Request] = []
    with Host(answering(requests, answer)) as host:
        assert get(sender, host.url).body == body
    assert requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("content", [b"whole", [b"wh", b"ole"]], ids=["whole", "in pieces"])
@pytest.mark.parametrize(("announced", "words"), [(4, "longer than the 4 bytes"), (6, "1 bytes shorter than the 6")])
def test_a_body_of_another_length_than_announced_is_no_reply(
    sender: HttpSender, content: bytes | list[bytes], announced: int, words: str
) -> None:
    """Part of it may have gone out; the error is one of this library, and says what is wrong."""
    with Host(answering([])) as host:
        with pytest.raises(NoReply, match=words) as caught:
            sender.send("upload", "PUT", host.url, headers={"Content-Length": str(announced)}, content=content)
        assert caught.value.sent
        assert get(sender, host.url).ok


# Requests that cannot be


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://host:port/",
        "ftp://127.0.0.1/",
        "/relative",
        "http://",
        "http://a..b/",
        f"http://{'a' * 64}/",
    ],
)
def test_a_url_that_cannot_be_asked_is_a_configuration_error(sender: HttpSender, url: str) -> None:
    """Law 7: another try cannot help, so it is no `NoReply`; the error shows no query."""
    query = "?signature=5e11"
    with pytest.raises(ConfigurationError, match=r"^look: ") as caught:
        get(sender, url + query)
    assert "5e11" not in everything_said(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("X", "5e11\r\nY: z"), ("X", "5e11é"), ("X Y", "5e11"), ("X", " 5e11"), ("Content-Length", "5e11")],
)
def test_a_header_that_cannot_be_sent_is_a_configuration_error(sender: HttpSender, name: str, value: str) -> None:
    """Law 7: another try cannot help; the error names the operation and the host, and quotes nothing."""
    with Host(read_request) as host:
        with pytest.raises(ConfigurationError, match=r"look: no such request can be sent to 127\.0\.0\.1") as caught:
            sender.send("look", "GET", host.url, headers={name: value})
        assert "5e11" not in everything_said(caught.value)


def test_what_a_producer_raises_comes_out(sender: HttpSender) -> None:
    """A `ValueError` of a body is not taken for one of its URL."""

    def body() -> Iterator[bytes]:
        yield b"x"
        raise ValueError("closed file")

    with Host(read_request) as host, pytest.raises(ValueError, match=r"^closed file$"):
        sender.send("x", "PUT", host.url, headers={"Content-Length": "2"}, content=body())


# Secrets


@pytest.mark.parametrize(
    "answer",
    [
        b"Authorization: Bearer 5e11\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n5e11\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5e11\r\n\r\n",
    ],
    ids=["a status line", "a header", "a length"],
)
def test_what_is_not_http_is_not_quoted(sender: HttpSender, answer: bytes) -> None:
    """Law 13: a peer that shows the request it got does not bring the key into the error, nor into those behind it."""
    with Host(answering([], answer)) as host:
        with pytest.raises(NoReply, match="RemoteProtocolError: the connection ended too early") as caught:
            get(sender, host.url)
        assert caught.value.sent
        assert "5e11" not in everything_said(caught.value)


def test_what_hinders_a_connection_is_told() -> None:
    """The words of the network itself stay: they say what to look at."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with contextlib.closing(HttpSender()) as sender, pytest.raises(NoReply, match=r"ConnectError: .+") as caught:
        get(sender, f"http://127.0.0.1:{port}/")
    assert not caught.value.sent


@pytest.mark.parametrize(
    "query", ["X-Amz-Signature=5e11", "Expires=1&Signature=5e11", "x-amz-security-token=5e11", "sig=5e11"]
)
def test_no_query_is_logged(sender: HttpSender, caplog: pytest.LogCaptureFixture, query: str) -> None:
    """Law 13: whoever signed, httpx's record of a request shows where it went, and that there was a query."""
    with caplog.at_level(logging.INFO, logger="httpx"), Host(answering([])) as host:
        url = host.url
        get(sender, f"{url}/key?{query}")
        get(sender, f"{url}/none")
    signed, plain = (record for record in caplog.records if record.name == "httpx")
    assert f"GET {url}/key?… " in signed.getMessage()
    assert "5e11" not in repr(vars(signed))
    assert f"GET {url}/none " in plain.getMessage()


# Forked processes

ASK = """
import os, signal, sys, threading
from coveo_enrich._http import HttpSender, Interrupt

signal.alarm(60)
sender, url = HttpSender(), sys.argv[1]

def ask(who, **more):
    for n in range(20):
        answer = sender.send("look", "GET", f"{url}/{who}/{n}", headers={}, **more).body
        assert answer == f"GET /{who}/{n} HTTP/1.1".encode(), (who, n, answer)

def forked(work):
    child = os.fork()
    if child:
        return child
    signal.alarm(30)  # the parent's is not inherited
    try:
        work()
        os._exit(0)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)

def ended_well(child):
    assert os.waitpid(child, 0)[1] == 0
"""


def run_forking(script: str) -> list[list[str]]:
    """Run a program against a host that answers with the request's line; the lines that each connection brought."""
    lines: list[list[str]] = []

    def talk(connection: socket.socket) -> None:
        mine: list[str] = []
        lines.append(mine)
        while request := read_request(connection):
            mine.append(request.line.split()[1])
            connection.sendall(answer_with(request.line.encode()))

    with Host(talk) as host:
        command = [sys.executable, "-W", "error", "-c", f"{ASK}{script}\nsender.close()", host.url]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - nothing from outside
    assert (ran.returncode, ran.stderr) == (0, "")
    return lines


forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@forking
def test_a_forked_process_makes_connections_of_its_own() -> None:
    """Children of one that was used get the answers to their own questions, and it keeps its connection meanwhile."""
    lines = run_forking("""
ask("parent")
children = [forked(lambda who=who: ask(who)) for who in ("one", "two", "three")]
ask("parent")
for child in children:
    ended_well(child)
ask("parent")
""")
    who = [{line.split("/")[1] for line in of_one} for of_one in lines]
    assert sorted(who, key=sorted) == [{"one"}, {"parent"}, {"three"}, {"two"}]


@forking
def test_a_lock_that_is_held_while_a_process_is_forked_does_not_stop_the_child() -> None:
    """Another thread may be just about to borrow a connection, or to begin a request that can be broken off."""
    lines = run_forking("""
interrupt = Interrupt()
with sender._loopback._lock, sender._outside._lock, interrupt._lock:
    child = forked(lambda: (ask("child", interrupt=interrupt), interrupt.set()))
ended_well(child)
ask("parent", interrupt=interrupt)
""")
    assert [len(of_one) for of_one in lines] == [20, 20]


@forking
def test_a_forked_process_breaks_off_nothing_of_the_other() -> None:
    """It closes its copies of everything and sets the interrupt of a request under way, which goes on all the same."""
    lines = run_forking("""
interrupt = Interrupt()
ask("parent")

def body():
    yield b"x"
    ended_well(forked(lambda: (interrupt.set(), sender.close())))
    yield b"y"

assert sender.send("put", "PUT", url, headers={"Content-Length": "2"}, content=body(), interrupt=interrupt).ok
ask("parent", interrupt=interrupt)
""")
    assert [len(of_one) for of_one in lines] == [41]


@forking
def test_an_interrupt_that_is_set_is_set_in_a_forked_process() -> None:
    """What was told to stop does not begin again there."""
    run_forking("""
from coveo_enrich._http import Interrupted

interrupt = Interrupt()
interrupt.set()

def refused():
    try:
        ask("child", interrupt=interrupt)
    except Interrupted:
        return
    raise AssertionError

ended_well(forked(refused))
""")


# User-Agent


@pytest.mark.parametrize(
    ("suffix", "sent"),
    [(None, f"coveo-enrich/{__version__}"), ("acme/1.2 (x)", f"coveo-enrich/{__version__} acme/1.2 (x)")],
)
def test_a_sender_says_who_it_is(suffix: str | None, sent: str) -> None:
    """The library and its version, and after it what the user adds."""
    requests: list[Request] = []
    with Host(answering(requests)) as host, contextlib.closing(HttpSender(user_agent_suffix=suffix)) as sender:
        get(sender, host.url)
    assert [request.headers["user-agent"] for request in requests] == [sent]


@pytest.mark.parametrize("suffix", ["", " ", " acme", "acme ", "a\r\nX: y", "a\tb", "\x00", "\x7f", "acmé", 7, b"acme"])
def test_a_suffix_that_cannot_stand_in_a_header_is_refused(suffix: Any) -> None:  # noqa: ANN401 - whatever was set
    """Law 12: when the sender is made."""
    with pytest.raises(ConfigurationError, match="user_agent_suffix"):
        HttpSender(user_agent_suffix=suffix)


# Certificates


@contextlib.contextmanager
def serving(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> Generator[tuple[str, list[Request]]]:
    """A host named ``coveo.test`` behind TLS; its URL and what it was asked."""
    requests: list[Request] = []

    def talk(connection: socket.socket) -> None:
        with identity.serving(connection) as inside:
            answering(requests)(inside)

    resolve(monkeypatch, identity.name)
    with Host(talk) as host:
        yield f"https://{identity.name}:{host.port}/", requests


@pytest.fixture
def folder(identity: Identity, tmp_path: Path) -> Path:
    """Two authorities, of which the second is the right one, and what else lies about in such a folder."""
    Identity.made("another.test", tmp_path)
    (tmp_path / "our-own.crt").write_bytes(b"# ours, \xc3\xa9tablie en 2026\n" + identity.certificate.read_bytes())
    (tmp_path / "README").write_bytes(b"\xff\x00")
    (tmp_path / "more").mkdir()
    return tmp_path


@pytest.mark.parametrize("spelt", [str, Path])
def test_a_bundle_makes_a_private_authority_trusted(
    identity: Identity, monkeypatch: pytest.MonkeyPatch, spelt: Callable[[Path], str | Path]
) -> None:
    """A host whose certificate a file vouches for is talked to."""
    with (
        serving(identity, monkeypatch) as (url, requests),
        contextlib.closing(HttpSender(ca_bundle=spelt(identity.certificate))) as sender,
    ):
        assert get(sender, url).ok
    assert len(requests) == 1


def test_a_folder_of_certificates_is_a_bundle(
    identity: Identity, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every PEM file in it counts, whatever its name, and other files do no harm."""
    with (
        serving(identity, monkeypatch) as (url, requests),
        contextlib.closing(HttpSender(ca_bundle=folder)) as sender,
    ):
        assert get(sender, url).ok
    assert len(requests) == 1


def test_a_host_that_nobody_vouches_for_is_refused(
    sender: HttpSender, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Laws 7 and 12: it gets no request; that is a configuration error with advice, for trying again cannot help."""
    with serving(identity, monkeypatch) as (url, requests):
        with pytest.raises(ConfigurationError, match=r"look: .*coveo\.test is not trusted.*ca_bundle"):
            get(sender, url)
        assert requests == []


def test_a_bundle_stands_in_place_of_the_certificates_of_the_environment(
    identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the environment vouches for is not trusted when the bundle does not."""
    another = Identity.made("another.test", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(identity.certificate))
    with (
        serving(identity, monkeypatch) as (url, requests),
        contextlib.closing(HttpSender(ca_bundle=another.certificate)) as sender,
    ):
        with pytest.raises(ConfigurationError, match="not trusted"):
            get(sender, url)
        assert requests == []


@pytest.mark.parametrize(
    "kind", ["missing", "empty folder", "no certificates", "garbage", "a key", "a null", "a number"]
)
def test_a_bundle_that_cannot_be_used_is_named(kind: str, tmp_path: Path, identity: Identity) -> None:
    """Law 12: when the sender is made, with the path."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("nothing")
    (tmp_path / "garbage").write_text("-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n")
    bundles: dict[str, Any] = {
        "missing": tmp_path / "missing.pem",
        "empty folder": tmp_path / "empty",
        "no certificates": tmp_path / "text",
        "garbage": tmp_path / "garbage",
        "a key": identity.key,
        "a null": "\0",
        "a number": 7,
    }
    with pytest.raises(ConfigurationError) as caught:
        HttpSender(ca_bundle=bundles[kind])
    assert f"ca_bundle: {bundles[kind]} " in str(caught.value)
