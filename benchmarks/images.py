"""What fetching and preparing photographs costs beside bare Pillow on all cores: target 0.9 of its pictures a second.

    python benchmarks/images.py
    python benchmarks/images.py --catalog ../shared/catalog --threads 2 --rounds 9

Bare Pillow has the bytes in memory, a thread for each core, and comes to the same: a picture that fits is left alone,
another one is decoded, made smaller, put on white, turned upright and saved as JPEG. This library fetches each picture
from a server in a process of its own, whose processor time is printed, and makes it fit as a run does, in as many
threads as a run has. The two take turns, either one first; a ratio is made inside a round, and what is printed is the
median. The ratio of processor time says the same where the cores are shared with other work.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import attrs
from PIL import Image, ImageOps

from coveo_enrich.classifiers.asking import fitted
from coveo_enrich.images import ImageLimits, ImageReader

COPIES = 3
SIDE = 1024
LIMITS = ImageLimits(formats={"JPEG", "PNG"}, max_bytes=5_000_000, min_side=80, max_side=SIDE)
CORES = os.cpu_count() or 1
TARGET = 0.9
CATALOG = Path(__file__).parents[2] / "shared" / "catalog"


@attrs.frozen
class Speed:
    """What a run came to.

    Attributes:
        rate: Pictures a second.
        processor: Seconds of processor time a picture.
    """

    rate: float
    processor: float


def main() -> None:
    """Measure both in turn, and print the pictures a second and the median ratio."""
    options = arguments()
    pictures = [file.read_bytes() for file in sorted((options.catalog / "images").glob("*.*"))]
    if not pictures:
        print(f"skipped: there are no photographs in {options.catalog / 'images'}; name a folder with --catalog")
        return
    count = len(pictures) * COPIES
    print(f"{len(pictures)} photographs, {COPIES} times, to {SIDE} pixels a side")

    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(pictures, theirs), daemon=True)
    server.start()
    host = f"127.0.0.1:{ours.recv()}"
    reader = ImageReader(trusted_hosts=[host])

    def bare(place: int) -> None:
        bare_pillow(pictures[place % len(pictures)])

    def own(place: int) -> None:
        fitted(reader.image(f"http://{host}/{place % len(pictures)}"), LIMITS)

    rounds: list[tuple[Speed, Speed]] = []
    for turn in range(options.rounds):
        runs = {bare: CORES, own: options.threads}
        speeds = {work: speed(work, count, runs[work]) for work in (list(runs) if turn % 2 else reversed(runs))}
        rounds.append((speeds[bare], speeds[own]))
    ours.send(None)
    served = ours.recv()
    reader.close()
    report(rounds, options.threads, served / (len(rounds) * count))


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="What fetching and preparing photographs costs beside bare Pillow.")
    parser.add_argument("--catalog", type=Path, default=CATALOG, help="a folder with pictures in its folder images")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=8, help="of this library; default: %(default)s, as in a run")
    return parser.parse_args()


def report(rounds: Sequence[tuple[Speed, Speed]], threads: int, served: float) -> None:
    """Print the medians over the rounds."""
    for name, place, count in (("bare Pillow", 0, CORES), ("fetch + prepare", 1, threads)):
        rate = median(both[place].rate for both in rounds)
        processor = median(both[place].processor for both in rounds)
        print(f"{name:16}{rate:6.1f} pictures/s, {processor * 1000:6.1f} ms of processor a picture; {count} threads")
    for name, ratios in (
        ("ratio", [own.rate / bare.rate for bare, own in rounds]),
        ("of processor", [bare.processor / own.processor for bare, own in rounds]),
    ):
        print(f"{name:16}{median(ratios):6.2f}, from {min(ratios):.2f} to {max(ratios):.2f}; target {TARGET}")
    print(f"{'the server':16}{served * 1000:6.2f} ms of processor a picture")


def bare_pillow(data: bytes) -> bytes:
    """What a script would do."""
    image: Image.Image = Image.open(BytesIO(data))
    if image.format in LIMITS.formats and len(data) <= LIMITS.max_bytes and max(image.size) <= SIDE:
        return data
    image.thumbnail((SIDE, SIDE))
    image = ImageOps.exif_transpose(image)
    if image.mode != "RGB":
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        image = white.convert("RGB")
    out = BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def speed(work: Callable[[int], object], count: int, threads: int) -> Speed:
    """How fast pictures are done, where each is named by its place."""
    start, processor = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(count)))
    return Speed(count / (time.perf_counter() - start), (time.process_time() - processor) / count)


def serve(pictures: Sequence[bytes], caller: Connection) -> None:
    """Answer each path with its picture until the caller says so, then tell what that cost in processor seconds."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            body = pictures[int(self.path[1:])]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.serve_forever)
        before = time.process_time()
        caller.send(server.server_address[1])
        caller.recv()
        caller.send(time.process_time() - before)
        server.shutdown()
        running.result()


if __name__ == "__main__":
    main()
