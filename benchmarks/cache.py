"""What it costs to look up, to claim and to keep an answer: the limit for a look-up is 30 microseconds of CPU.

    python benchmarks/cache.py
    python benchmarks/cache.py --pictures 1000000

Look-ups are spread over the whole file, and each is what a known picture takes: its URL, then the answer, decoding
included. A claim and its release, which only new pictures take, are set against what these have to write anyway: what
the URL led to, and the answer. Decoding alone is printed beside, and so are bare SQLite look-ups by several threads, on
one connection and on one for each.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

from coveo_enrich.classifiers.values import Attribute, Classification, Color, Label
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.enrichment.cache.store import KnownImage, digest_of
from coveo_enrich.enrichment.cache.stored import read_stored, stored_text

LIMIT = 30
LOOK_UPS = 20_000
_ROUNDS: Final = 3

COLORS = [Color("yellow", 0.512345, rgb=(250, 205, 20), shade="sunflower yellow"), Color("navy", 0.3, rgb=(1, 2, 80))]
LABELS = [Label(f"kayak {n}", 0.912345, raw_score=91.2345, scale=100, parents=("boat", "vehicle")) for n in range(8)]
ANSWERS: Mapping[str, Classification] = {
    "3 colours": Classification("color", colors=[*COLORS, COLORS[0]]),
    "8 labels, 2 attributes, 2 colours": Classification(
        "rich", labels=LABELS, attributes=[Attribute("material", "plastic", 0.5)] * 2, colors=COLORS
    ),
}


def main() -> None:
    """Measure each kind of answer, in a file of its own."""
    parser = argparse.ArgumentParser(description="What it costs to look up, to claim and to keep an answer.")
    parser.add_argument("--pictures", type=int, default=100_000)
    pictures: int = parser.parse_args().pictures
    for name, answer in ANSWERS.items():
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder) / "cache.sqlite", name, answer, pictures)


def measure(path: Path, name: str, answer: Classification, pictures: int) -> None:
    """Fill a cache, and print what it costs to do so and to look up."""
    with ClassificationCache(path) as cache:
        wall, cpu = timed(lambda: fill(cache, answer, pictures))
        print(f"{name}: {len(stored_text(answer))} bytes; {cache.figures()}")
        print(f"  remember and keep: {wall / pictures * 1e6:.0f} us, {cpu / pictures * 1e6:.0f} us of CPU")
        claiming = least_cpu(lambda: claim(cache))
        print(
            f"  claim and release: {claiming:.0f} us of CPU, {claiming * pictures / cpu / 1e6:.2f} x remember and keep"
        )
        text = stored_text(answer)
        decoding = least_cpu(lambda: [None for _ in range(LOOK_UPS) if not read_stored(text)])
        looking = least_cpu(lambda: look_up(cache, pictures, 1))
        print(f"  known_image and answer: {looking:.1f} us of CPU (limit {LIMIT}), of it decoding {decoding:.1f}")
        print(f"  by 8 threads: {least_cpu(lambda: in_threads(8, lambda: look_up(cache, pictures, 8))):.1f} us of CPU")
    bare(path, pictures)


def fill(cache: ClassificationCache, answer: Classification, pictures: int) -> None:
    """Keep the answer for so many pictures."""
    for url, digest in images(range(pictures)):
        cache.remember_image(url, KnownImage(digest, checked_at=cache.now()))
        cache.keep(digest, "acme/1", answer)


def claim(cache: ClassificationCache) -> None:
    """Claim new pictures, each until it would have been asked about."""
    for _, digest in images(range(LOOK_UPS)):
        if not cache.claim(digest, "new/1"):
            raise AssertionError(digest)
        cache.release(digest, "new/1")


def look_up(cache: ClassificationCache, pictures: int, share: int) -> None:
    """Look up pictures from all over the file."""
    for url, _ in images(range(0, pictures, max(1, share * pictures // LOOK_UPS))):
        known = cache.known_image(url)
        if not isinstance(known, KnownImage) or cache.answer(known.digest, "acme/1") is None:
            raise AssertionError(url)


def images(numbers: range) -> Iterator[tuple[str, str]]:
    """URLs, and digests."""
    for number in numbers:
        yield f"https://img.example/catalog/{number}.jpg", digest_of(number.to_bytes(8, "big"))


def bare(path: Path, pictures: int) -> None:
    """Look up rows without any of this library, in the two ways in which threads can share a file."""
    everywhere = range(1, pictures, max(1, pictures // (LOOK_UPS // 8)))
    shared, lock = sqlite3.connect(path, check_same_thread=False, isolation_level=None), threading.Lock()

    def on_one() -> None:
        for number in everywhere:
            with lock:
                shared.execute("SELECT value FROM answers WHERE rowid = ?", (number,)).fetchone()

    def on_own() -> None:
        own = sqlite3.connect(path, isolation_level=None)
        for number in everywhere:
            own.execute("SELECT value FROM answers WHERE rowid = ?", (number,)).fetchone()
        own.close()

    for name, work in (("one connection and a lock", on_one), ("a connection each", on_own)):
        print(f"  bare row, 8 threads, {name}: {least_cpu(lambda work=work: in_threads(8, work)):.1f} us of CPU")  # type: ignore[misc]
    shared.close()


def in_threads(count: int, work: Callable[[], object]) -> None:
    """Do the same in several threads at once."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def least_cpu(work: Callable[[], object]) -> float:
    """The least CPU that one of `LOOK_UPS` took, in microseconds: other programs only ever add to it."""
    return min(timed(work)[1] for _ in range(_ROUNDS)) / LOOK_UPS * 1e6


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that passed, and seconds of CPU."""
    wall, cpu = perf_counter(), process_time()
    work()
    return perf_counter() - wall, process_time() - cpu


if __name__ == "__main__":
    main()
