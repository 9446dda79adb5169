"""A run that is killed with -9 half-way and started again, counted at a service in a third process.

The tests do it with a few products; for a whole catalog:

    PYTHONPATH=. python tests/enrichment/killed.py --products 100000
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.client
import http.server
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from coveo_enrich import Enricher, FieldMapping, FieldRule, ProductImage
from coveo_enrich.classifiers import Classification, Label

__all__ = ["CONCURRENCY", "Killed", "killed_half_way"]

CONCURRENCY: Final = 8
_FAR_BEYOND: Final = 600.0
"""Seconds after which what should have happened never will."""


@attrs.frozen
class Killed:
    """What came of it.

    Attributes:
        products: Products of the catalog.
        before: Pictures that the service was asked about when the first run was killed.
        pictures: Different pictures that it was asked about in the end.
        twice: Those that it was asked about twice.
        more: Those that it was asked about more often than that.
        written: Products that have their value after the second run.
        seconds: How long all of it took.
    """

    products: int
    before: int
    pictures: int
    twice: int
    more: int
    written: int
    seconds: float


def killed_half_way(products: int, max_batch: int = 1) -> Killed:
    """Kill a run as soon as half of the pictures were asked about, and run it again to its end.

    It is killed in full flow; only from three quarters on does the service wait for that before it answers.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, _process("serve", str(products)) as service:
        assert service.stdout is not None
        port = int(service.stdout.readline())
        for number in range(products):
            Path(folder, f"{number}.jpg").write_bytes(b"picture %d" % number)
        arguments = ("run", folder, str(port), str(products), str(max_batch))
        with _process(*arguments) as first:
            assert service.stdout.readline() == "half\n"
            first.kill()
        before = _counts(port)["asked"]
        with _process(*arguments) as second:
            written, _ = second.communicate(timeout=_FAR_BEYOND)
        counts = _counts(port)
        service.kill()
    seconds = time.perf_counter() - begun
    return Killed(products, before, counts["pictures"], counts["twice"], counts["more"], int(written), seconds)


def _process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603 - this file


def _counts(port: int) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_FAR_BEYOND)
    connection.request("GET", "/")  # which also lets it answer on
    counts: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return counts


def _serve(products: int) -> None:
    asked = collections.Counter[str]()
    counting = threading.Lock()
    goes_on = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            goes_on.set()
            with counting:
                often = collections.Counter(asked.values())
                more = sum(pictures for times, pictures in often.items() if times > 2)
                counts = {"asked": asked.total(), "pictures": len(asked), "twice": often[2], "more": more}
            self._answer(counts)

        def do_POST(self) -> None:
            pictures = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with counting:
                before = asked.total()
                asked.update(pictures)
                after = asked.total()
            if before < products / 2 <= after:
                print("half", flush=True)  # noqa: T201 - to the process that started this one
            if after > products * 3 / 4:
                goes_on.wait(_FAR_BEYOND)
            with contextlib.suppress(ConnectionError):  # of the run that was killed
                self._answer(pictures)

        def _answer(self, what: object) -> None:
            body = json.dumps(what).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of the run that was killed."""

    with Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)  # noqa: T201 - to the process that started this one
        server.serve_forever()


class Tagger:
    """Sends pictures to the service; a connection a thread."""

    name = "tagger"

    def __init__(self, port: int, max_batch: int) -> None:
        self.max_batch = max_batch
        self._port = port
        self._of_thread = threading.local()

    def classify(self, image: ProductImage, /) -> Classification:
        """Ask about one."""
        (outcome,) = self.classify_many([image])
        return outcome

    def classify_many(self, images: Sequence[ProductImage], /) -> list[Classification]:
        """Ask about several."""
        if not hasattr(self._of_thread, "connection"):
            self._of_thread.connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection: http.client.HTTPConnection = self._of_thread.connection
        connection.request("POST", "/", json.dumps([image.read().decode() for image in images]))
        words = json.loads(connection.getresponse().read())
        return [Classification(self.name, labels=[Label(word, 0.9)]) for word in words]


def _run(folder: str, port: int, products: int, max_batch: int) -> None:
    mapping = FieldMapping([FieldRule("kind", reads="label")])
    cache = Path(folder, "cache.sqlite")
    tagger = Tagger(port, max_batch)
    enricher = Enricher(tagger, mapping, image_root=folder, cache=cache, concurrency=CONCURRENCY)
    out = enricher.enrich(_products(products))
    print(sum(one.document.get("kind") == f"picture {number}" for number, one in enumerate(out)))  # noqa: T201 - as above


def _products(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"documentId": f"product://{number}", "ec_images": [f"{number}.jpg"]}


def main() -> None:
    """Do what the arguments say: all of it, or the part of one of its processes."""
    match sys.argv[1:]:
        case ["serve", products]:
            _serve(int(products))
        case ["run", folder, port, products, max_batch]:
            _run(folder, int(port), int(products), int(max_batch))
        case _:
            parser = argparse.ArgumentParser(description=__doc__)
            parser.add_argument("--products", type=int, default=100_000)
            parser.add_argument("--batch", type=int, default=1)
            given = parser.parse_args()
            print(killed_half_way(given.products, given.batch))  # noqa: T201 - what was asked for


if __name__ == "__main__":
    main()
