"""A classification service over real sockets that behaves, picture by picture, as a test says."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wires import Request, read_request

from coveo_enrich.classifiers.http import HttpService
from coveo_enrich.classifiers.values import Label

__all__ = ["ScriptedService", "Talk", "answer", "reset_after", "says", "service_at", "url_of"]

Talk = Callable[[socket.socket], object]
"""What is done with a connection after a request was read from it."""


def answer(
    body: object,
    *,
    status: str = "200 OK",
    kind: str = "application/json",
    length: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A whole reply, with a Content-Length that may be a lie; other bodies than bytes are sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": kind, "Content-Length": str(len(content) if length is None else length)}
    head = "".join(f"{name}: {value}\r\n" for name, value in {**named, **(headers or {})}.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content


def says(what: bytes, *, then_ends: bool = False) -> Talk:
    """Send this, and end the connection or wait for more requests."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(what)
        if then_ends:
            connection.shutdown(socket.SHUT_RDWR)

    return talk


def reset_after(what: bytes) -> Talk:
    """Send this, then break the connection."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(what)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return talk


def url_of(picture: str) -> str:
    """Where a picture is."""
    return f"https://shop.example.com/{picture}"


class ScriptedService:
    """Does about each picture what it was told, one after the other; then says that it is ``kayak`` and which.

    Args:
        scripts: What is done when it is asked about a picture, the first time, the second time, and so on.
    """

    def __init__(self, **scripts: Iterable[Talk]) -> None:
        self._scripts = {picture: iter(talks) for picture, talks in scripts.items()}
        self._lock = threading.Lock()
        self.asked: list[str] = []
        self.requests: list[Request] = []

    def __call__(self, connection: socket.socket) -> None:
        """Talk to one connection until it ends."""
        while connection.fileno() >= 0 and (request := read_request(connection)):
            picture = json.loads(request.body)["u"].rpartition("/")[2]
            self._talk_about(picture, request)(connection)

    def _talk_about(self, picture: str, request: Request) -> Talk:
        with self._lock:
            self.asked.append(picture)
            self.requests.append(request)
            return next(self._scripts.get(picture, iter(())), says(answer({"name": f"kayak {picture}"})))


def _one_label(answered: Any) -> list[Label]:  # noqa: ANN401 - JSON
    """The name in an answer."""
    return [Label(answered["name"])]


def service_at(url: str, **more: Any) -> HttpService:  # noqa: ANN401 - as HttpService takes it
    """The service at an address, as a classifier is told of it."""
    return HttpService(url, json={"u": "{image_url}"}, parse=_one_label, **more)
