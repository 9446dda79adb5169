"""A Rekognition on loopback that speaks AWS's JSON protocol by botocore's key names, and answers as a test says."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Generator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

import attrs
from wires import answering_http

MOST_BYTES = 5_242_880


@attrs.frozen
class Reply:
    """One whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


@attrs.frozen
class Asked:
    """One request as it came in."""

    operation: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]


def answered(body: object) -> Reply:
    """An answer of 200."""
    return Reply(200, json.dumps(body).encode())


def refused(code: str, status: int = 400, message: str = "no", **headers: str) -> Reply:
    """An error as AWS sends it, its name behind a prefix."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(
        status, json.dumps({"__type": f"com.amazonaws.rekognition#{code}", "Message": message}).encode(), named
    )


class RekognitionServer:
    """Answers each operation by its scripts, the last one for ever; refuses pictures as the service does."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.port = 0
        self._scripts: dict[str, list[Reply]] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def script(self, operation: str, *replies: Reply) -> None:
        """Answer an operation with these, one after the other."""
        self._scripts[operation] = list(replies)

    def reply(self, asked: Asked) -> Reply:
        """What it says to a request."""
        refusal = _refusal(asked)
        if refusal is not None:
            return refusal
        scripts = self._scripts[asked.operation]
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]


def _refusal(asked: Asked) -> Reply | None:
    if not asked.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential="):
        return refused("MissingAuthenticationTokenException", 403)
    image = asked.body["Image"]
    if "Bytes" not in image:
        return None
    data = base64.b64decode(image["Bytes"], validate=True)
    if len(data) > MOST_BYTES:
        return refused("ImageTooLargeException", message="Request has image bytes that are too large")
    if not data.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        return refused("InvalidImageFormatException", message="Request has invalid image format")
    return None


def _handler(server: RekognitionServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = Asked(self.headers["X-Amz-Target"].removeprefix("RekognitionService."), body, dict(self.headers))
            server.asked.append(asked)
            reply = server.reply(asked)
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/x-amz-json-1.1", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    return Handler


@contextlib.contextmanager
def rekognition_server() -> Generator[RekognitionServer]:
    """Serves on a free port of loopback until the block ends."""
    server = RekognitionServer()
    with answering_http(_handler(server)) as server.port:
        yield server
