"""One request out, one reply in: broken off by another thread, held to a deadline, trusted certificates, its name."""

from __future__ import annotations

import contextlib
import errno
import random
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from wires import OK, Host, Identity, Request, answering, forget_environment, in_thread, joined, read_request, resolve

from coveo_enrich import __version__, _http
from coveo_enrich._http import HttpSender, Interrupt, Interrupted, Reply
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


def read_a_byte(connection: socket.socket) -> object:
    """Look at the start of what comes, and no further."""
    return connection.recv(1)


def answer_by_half(connection: socket.socket) -> None:
    """Announce more than what comes."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")


def answer_until_the_end(connection: socket.socket) -> None:
    """Begin a reply that is whole when the connection ends."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf")


@contextlib.contextmanager
def silent_after(begin: Callable[[socket.socket], object]) -> Generator[tuple[Host, threading.Semaphore]]:
    """A host that begins and then never says another word, and what tells that it began."""
    begun, over = threading.Semaphore(0), threading.Event()

    def talk(connection: socket.socket) -> None:
        begin(connection)
        begun.release()
        over.wait()

    with Host(talk) as host:
        try:
            yield host, begun
        finally:
            over.set()


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
