"""How much of a service's time is used: throughput of a run against a service of 200 ms a call.

The possible is ``concurrency / latency`` calls a second, times the pictures of a call; the target is 0.9 of it.

    python benchmarks/classify.py
"""

from __future__ import annotations

import http.client
import http.server
import json
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, cast

from typing_extensions import override

from coveo_enrich import Enricher, FieldMapping, FieldRule, ProductImage
from coveo_enrich.classifiers import Classification, Color

LATENCY: Final = 0.2
SECONDS: Final = 6
"""How long a run takes at least."""
CONCURRENCIES: Final = (8, 16, 32)
BATCHES: Final = (1, 16)


class Service(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Answers each call after 200 ms, and counts."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls = 0
        self.pictures = 0
        self._lock = threading.Lock()

    def count(self, pictures: int) -> None:
        """Another call, about so many pictures."""
        with self._lock:
            self.calls += 1
            self.pictures += pictures


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        pictures = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        cast("Service", self.server).count(len(pictures))
        time.sleep(LATENCY)
        body = json.dumps(["yellow"] * len(pictures)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


class Tagger:
    """Asks the service; a connection a thread."""

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
        connection = self._connection()
        body = json.dumps([len(image.read()) for image in images])
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        words = json.loads(connection.getresponse().read())
        return [Classification(self.name, colors=[Color(word, 0.9)]) for word in words]

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._of_thread, "connection"):
            self._of_thread.connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection: http.client.HTTPConnection = self._of_thread.connection
        return connection


def main() -> None:
    """Run at each concurrency, batched and not, and print the share of the possible."""
    with tempfile.TemporaryDirectory() as folder:
        for max_batch in BATCHES:
            for concurrency in CONCURRENCIES:
                print(_measured(Path(folder), concurrency, max_batch), flush=True)


def _measured(folder: Path, concurrency: int, max_batch: int) -> str:
    possible = concurrency * max_batch / LATENCY
    products = int(possible * SECONDS)
    for number in range(products):
        (folder / f"{number}.jpg").write_bytes(b"picture")
    with Service() as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        enricher = Enricher(
            Tagger(service.server_address[1], max_batch),
            FieldMapping([FieldRule("ec_color", reads="color")]),
            image_root=folder,
            concurrency=concurrency,
        )
        begun = time.perf_counter()
        run = enricher.enrich(_products(products))
        failed = sum(len(one.failures) for one in run)
        seconds = time.perf_counter() - begun
        service.shutdown()
    return (
        f"{concurrency:2} calls at once of {max_batch:2}: {products / seconds:6.0f} pictures/s of {possible:6.0f} "
        f"possible = {products / seconds / possible:.2f}; {products:,} pictures, {service.calls:,} calls, "
        f"{service.pictures - products} asked about again, {failed} failures"
    )


def _products(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        yield {"documentId": f"product://{number}", "ec_images": f"{number}.jpg"}


if __name__ == "__main__":
    main()
