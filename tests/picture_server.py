"""A host of pictures on loopback that answers each path as a test says, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs

Script = Callable[[BaseHTTPRequestHandler], None]


@attrs.frozen
class Answer:
    """A whole reply with its ``Content-Length``."""

    body: bytes = b"picture"
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        """Send it."""
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)


class PictureServer:
    """Answers by path; everything that it was asked is in ``requests``."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Message]] = []
        self.scripts: dict[str, Script] = {}
        self.port = 0

    @property
    def host(self) -> str:
        """The host and port, as they are trusted."""
        return f"127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.requests]

    def url(self, path: str, script: Script | None = None) -> str:
        """The URL of a path, answered by a script from now on."""
        if script is not None:
            self.scripts[path] = script
        return f"http://{self.host}{path}"

    def redirect(self, path: str, target: str, status: int = 302) -> str:
        """The URL of a path that redirects."""
        return self.url(path, Answer(b"", status, {"Location": target}))


@contextlib.contextmanager
def serving() -> Generator[PictureServer]:
    """Run a server for the length of a block."""
    server = PictureServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.requests.append((self.path, self.headers))
            # A client that has enough goes away; that is no failure of the server.
            with contextlib.suppress(ConnectionError):
                server.scripts.get(self.path, Answer(b"", 404))(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.port = http.server_port
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
