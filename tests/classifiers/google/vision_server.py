"""A Google Vision on loopback that has its limits, and answers each picture by what is in it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler
from typing import Any

from wires import answering_http

__all__ = ["VisionServer", "label_of", "vision_server"]

MOST_PICTURES = 16
MOST_BYTES = 10_000_000


def label_of(data: bytes) -> str:
    """The label that a picture of these bytes gets."""
    return hashlib.sha256(data).hexdigest()


class VisionServer:
    """Labels each picture by its bytes; refuses what Google refuses.

    Attributes:
        errors: Errors that it has in store for pictures, by their labels: each gets its own once, inside a success.
        batches: How many pictures each call was about.
        refused: The statuses of the calls that it refused.
        answered: The label of every picture that was answered.
    """

    def __init__(self) -> None:
        self.port = 0
        self.errors: dict[str, dict[str, Any]] = {}
        self.batches: list[int] = []
        self.refused: list[int] = []
        self.answered: list[str] = []
        self._one_at_a_time = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def reply(self, body: bytes) -> tuple[int, object]:
        """Status and JSON for the body of a request."""
        requests = json.loads(body)["requests"]
        with self._one_at_a_time:
            if len(body) > MOST_BYTES or len(requests) > MOST_PICTURES:
                self.refused.append(413 if len(body) > MOST_BYTES else 400)
                return self.refused[-1], {"error": {"status": "INVALID_ARGUMENT", "message": "too much at once"}}
            self.batches.append(len(requests))
            return 200, {"responses": [self._response(base64.b64decode(one["image"]["content"])) for one in requests]}

    def _response(self, data: bytes) -> dict[str, Any]:
        label = label_of(data)
        if label in self.errors:
            return {"error": self.errors.pop(label)}
        self.answered.append(label)
        return {"labelAnnotations": [{"description": label, "score": 0.75}]}


@contextlib.contextmanager
def vision_server() -> Generator[VisionServer]:
    """Serves on a free port of loopback until the block ends."""
    server = VisionServer()
    with answering_http(_handler(server)) as server.port:
        yield server


def _handler(server: VisionServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_POST(self) -> None:
            status, answer = server.reply(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    return Handler
