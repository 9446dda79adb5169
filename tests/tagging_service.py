"""A service over real sockets that says about each picture what a test wants, and notes which it was asked about."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

from wires import read_request

__all__ = ["TaggingService"]


class TaggingService:
    """Takes ``{"image": URL}`` and gives JSON; talked to by a `wires.Host`.

    Args:
        says: From the file name of a picture to what is said about it; `None` for an answer of 422.
    """

    def __init__(self, says: Callable[[str], object]) -> None:
        self.says: Callable[[str], object] = says
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket) -> None:
        """Talk to one connection until it ends."""
        try:
            while request := read_request(connection):
                picture = str(json.loads(request.body)["image"]).rpartition("/")[2]
                with self._lock:
                    self.asked.append(picture)
                connection.sendall(_reply(self.says(picture)))
        finally:  # whoever waits for an answer is not left waiting by a mistake in a test
            connection.shutdown(socket.SHUT_RDWR)


def _reply(said: object) -> bytes:
    status = "422 Unprocessable Content" if said is None else "200 OK"
    body = json.dumps({} if said is None else said).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
