"""How much of a service's time is used: throughput of a run against a service of 200 ms a call.

The possible is ``concurrency / latency`` calls a second, times the pictures of a call; the target is 0.9 of it, for
calls about one picture. The service runs in a process of its own, whose processor time is printed beside the client's.

    python benchmarks/classify.py
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from coveo_enrich import Enricher, FieldMapping, FieldRule, ProductImage
from coveo_enrich.classifiers import Classification, Color

LATENCY: Final = 0.2
SECONDS: Final = 6
"""How long a run takes at least."""
CONCURRENCIES: Final = (8, 16, 32)
BATCHES: Final = (1, 16)


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
                print(measured(Path(folder), concurrency, max_batch), flush=True)


def measured(folder: Path, concurrency: int, max_batch: int) -> str:
    """Enrich products of one picture each, and say what share of the possible that was."""
    possible = concurrency * max_batch / LATENCY
    count = int(possible * SECONDS)
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(b"picture")
    ours, theirs = multiprocessing.Pipe()
    service = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    service.start()
    enricher = Enricher(
        Tagger(ours.recv(), max_batch),
        FieldMapping([FieldRule("ec_color", reads="color")]),
        image_root=folder,
        concurrency=concurrency,
    )
    begun, cpu = time.perf_counter(), time.process_time()
    failed = sum(len(one.failures) for one in enricher.enrich(products(count)))
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    ours.send(None)
    calls, pictures, served = ours.recv()
    service.join()
    return (
        f"{concurrency:2} calls at once of {max_batch:2}: {count / seconds:6.0f} pictures/s of {possible:6.0f} "
        f"possible = {count / seconds / possible:.2f}; {count:,} pictures, {calls:,} calls, {pictures - count} asked "
        f"about again, {failed} failures; of processor {cpu / seconds:.0%}, the service {served / seconds:.0%}"
    )


def products(count: int) -> Iterator[dict[str, str]]:
    """Products of a picture each."""
    for number in range(count):
        yield {"documentId": f"product://{number}", "ec_images": f"{number}.jpg"}


def serve(caller: Connection) -> None:
    """Answer each call after 200 ms until the caller says so; then tell calls, pictures and seconds of processor."""
    asked: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            pictures = len(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            asked.append(pictures)
            time.sleep(LATENCY)
            body = json.dumps(["yellow"] * pictures).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.serve_forever)
        before = time.process_time()
        caller.send(server.server_address[1])
        caller.recv()
        caller.send((len(asked), sum(asked), time.process_time() - before))
        server.shutdown()
        running.result()


if __name__ == "__main__":
    main()
