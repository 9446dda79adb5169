"""What the tests of one request share: hosts that say what a test tells them to, and a certificate."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import traceback
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import attrs
import pytest

__all__ = [
    "OK",
    "Host",
    "Identity",
    "Request",
    "answer_by_half",
    "answering",
    "answering_http",
    "everything_said",
    "forget_environment",
    "in_thread",
    "joined",
    "read_a_byte",
    "read_request",
    "resolve",
    "silent_after",
]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

_FAR_BEYOND = 60  # seconds after which what should have ended never will


@attrs.frozen
class Request:
    """What a host received."""

    line: str
    headers: dict[str, str]
    body: bytes


class Host:
    """A host on a free port of this machine; each connection is talked to in a thread of its own."""

    def __init__(self, talk: Callable[[socket.socket], object]) -> None:
        self.talk = talk
        self.connections: list[socket.socket] = []
        self._spares: list[socket.socket] = []  # TLS takes a connection out of its owner's hands
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._last_caller: object = None
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        """Where it answers in the clear."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            self._last_caller = last.getsockname()
            last.connect(("127.0.0.1", self.port))
            self._threads[0].join()
        for spare in self._spares:
            _shut(spare)
        for thread in self._threads:
            thread.join()
        for spare in self._spares:
            spare.close()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            connection, caller = self._listening.accept()
            if caller == self._last_caller:
                connection.close()
                return
            self.connections.append(connection)
            self._spares.append(connection.dup())
            self._threads.append(threading.Thread(target=self._talk, args=(connection, self._spares[-1])))
            self._threads[-1].start()

    def _talk(self, connection: socket.socket, spare: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.talk(connection)
        _shut(spare)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def read_request(connection: socket.socket) -> Request | None:
    """The next request of a connection; `None` when it ended."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return None
        head += byte
    line, *fields = head.decode("ascii").strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    body = bytearray()
    while len(body) < int(headers.get("content-length", "0")):
        piece = connection.recv(65_536)
        if not piece:
            return None
        body += piece
    return Request(line, headers, bytes(body))


def answering(requests: list[Request], reply: bytes = OK) -> Callable[[socket.socket], None]:
    """Say the same to every request, and note them all."""

    def talk(connection: socket.socket) -> None:
        while request := read_request(connection):
            requests.append(request)
            connection.sendall(reply)

    return talk


def everything_said(error: BaseException) -> str:
    """All that an error and the errors behind it show or hold."""
    said: list[str] = []
    behind: list[BaseException | None] = [error]
    while behind:
        one = behind.pop()
        if one is not None:
            said += [repr(one), repr(one.args), repr(vars(one)), *getattr(one, "__notes__", [])]
            behind += [one.__cause__, one.__context__]
    return "\n".join([*said, *traceback.format_exception(error)])


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Begin some work; what it returned or raised stands in the list when the thread has ended."""
    outcomes: list[object] = []

    def run() -> None:
        try:
            outcomes.append(work())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            outcomes.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, outcomes


def joined(begun: tuple[threading.Thread, list[object]]) -> object:
    """What the work of `in_thread` came to."""
    thread, outcomes = begun
    thread.join(_FAR_BEYOND)
    assert not thread.is_alive(), "it never ended"
    return outcomes[0]


def forget_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine that runs the tests name no proxy and no certificates."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def resolve(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a made-up name be this machine's."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str | bytes, *args: int, **kwargs: int) -> object:
        return real("127.0.0.1" if host in (name, name.encode()) else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@attrs.frozen
class Identity:
    """A certificate that signed itself, and its key."""

    name: str
    certificate: Path
    key: Path

    @classmethod
    def made(cls, name: str, folder: Path) -> Identity:
        """Make one for a host."""
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("makes a certificate with the openssl command, which is not installed")
        one = cls(name, folder / f"{name}.pem", folder / f"{name}.key")
        command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"]
        names = ["-addext", f"subjectAltName=DNS:{name}", "-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
        files = ["-keyout", str(one.key), "-out", str(one.certificate)]
        subprocess.run([*command, *names, *files], check=True, capture_output=True)  # noqa: S603 - nothing from outside
        return one

    @contextlib.contextmanager
    def serving(self, connection: socket.socket) -> Generator[ssl.SSLSocket]:
        """The inside of a connection that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        with context.wrap_socket(connection, server_side=True) as inside:
            yield inside


def read_a_byte(connection: socket.socket) -> object:
    """Look at the start of what comes, and no further."""
    return connection.recv(1)


def answer_by_half(connection: socket.socket) -> None:
    """Announce more than what comes."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")


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


@contextlib.contextmanager
def answering_http(handler: type[BaseHTTPRequestHandler]) -> Generator[int]:
    """Have a handler answer on a free port of this machine, which is given, until the block ends."""
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield listening.server_port
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
