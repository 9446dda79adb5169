"""What a run costs: overlap of calls to a service, products a second with a warm cache, memory of a large catalog.

    python benchmarks/enrich.py                    # all: 100,000 products warm, and 10,000 against 500,000 for memory
    python benchmarks/enrich.py overlap            # a service of 200 ms a call, at 8, 16 and 32 calls at once
    python benchmarks/enrich.py warm --products 20000
    python benchmarks/enrich.py memory

What is measured of warm runs is all but the classifier and the hosts of pictures: a request would fail, as there is no
host. The CPU time is printed too, as that is what counts on a machine that others use. A run that is killed half-way is
in ``tests/enrichment/killed.py``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import classify

from coveo_enrich import Enricher, FieldMapping, FieldRule, ProductImage, Vocabulary
from coveo_enrich.classifiers import Classification, Color, Label
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.enrichment.cache.store import KnownImage, digest_of
from coveo_enrich.enrichment.report import EnrichmentReport

MAPPING: Final = FieldMapping(
    [
        FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors(), min_confidence=0.3),
        FieldRule("kayak_type", reads="label", min_confidence=0.7),
    ]
)
SEEN: Final = Classification(
    "acme",
    labels=[Label("kayak", 0.92, parents=["boat"]), Label("paddle", 0.55), Label("water", 0.4)],
    colors=[Color("yellow", 0.6, rgb=(250, 220, 20)), Color("black", 0.2, rgb=(10, 10, 10))],
)
COUNTS: Final = (10_000, 500_000)
CATALOG: Final = "catalog.jsonl"
CACHE: Final = "cache.sqlite"


class Acme:
    """Sees the same in every picture."""

    name = "acme"

    def classify(self, image: ProductImage, /) -> Classification:  # noqa: ARG002 - whatever it is
        """Say it."""
        return SEEN


def url_of(number: int) -> str:
    """Where the picture of a product is."""
    return f"https://cdn.shop.example/images/{number:07}.jpg"


def lines(count: int) -> Iterator[str]:
    """Products of a picture each, as JSON."""
    for number in range(count):
        yield json.dumps(
            {
                "documentId": f"product://{number}",
                "objecttype": "Product",
                "ec_name": f"Kayak {number}",
                "ec_description": "A stable kayak for one person, for lakes and calm rivers. " * 8,
                "ec_price": 399.0,
                "ec_brand": "Nautic",
                "ec_category": ["Sports", "Sports|Boats", "Sports|Boats|Kayaks"],
                "ec_images": [url_of(number)],
            }
        )


def fill(path: Path, count: int) -> None:
    """Write what a first run would have kept."""
    with ClassificationCache(path) as cache:
        for number in range(count):
            digest = digest_of(b"%d" % number)
            cache.remember_image(url_of(number), KnownImage(digest, etag=f'"{number}"', checked_at=time.time()))
            cache.keep(digest, Acme.name, SEEN)


def write_lines(path: Path, count: int) -> None:
    """Write the catalog."""
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in lines(count))


def run_warm(folder: Path) -> tuple[float, float, EnrichmentReport]:
    """Enrich products from JSON lines to JSON lines; seconds, seconds of CPU, and the report."""
    begun, cpu = time.perf_counter(), time.process_time()
    with (folder / CATALOG).open() as catalog:
        run = Enricher(Acme(), MAPPING, cache=folder / CACHE).enrich(json.loads(line) for line in catalog)
        for enriched in run:
            json.dumps(enriched.document, ensure_ascii=False)
    return time.perf_counter() - begun, time.process_time() - cpu, run.report


def json_seconds(folder: Path) -> float:
    """What reading and writing the lines alone takes, in seconds of CPU."""
    cpu = time.process_time()
    with (folder / CATALOG).open() as catalog:
        for line in catalog:
            json.dumps(json.loads(line), ensure_ascii=False)
    return time.process_time() - cpu


def prepared(folder: Path, count: int) -> Path:
    """A folder with a catalog and what a first run over it would have kept."""
    write_lines(folder / CATALOG, count)
    fill(folder / CACHE, count)
    return folder


def warm(count: int) -> None:
    """Print how fast a warm run is."""
    with tempfile.TemporaryDirectory() as name:
        folder = prepared(Path(name), count)
        plain = json_seconds(folder)
        seconds, cpu, report = run_warm(folder)
    failures = sum(one.count for one in report.failures)
    print(
        f"warm run of {count:,} products: {count / seconds:,.0f} a second, {count / cpu:,.0f} a second of CPU "
        f"({seconds:.1f} s, of which JSON alone {plain:.1f} of CPU); "
        f"{report.changed:,} changed, calls {dict(report.calls)}, "
        f"hits {dict(report.hits)}, {failures} failures",
        flush=True,
    )


def memory() -> None:
    """Print the peak memory of warm runs of different lengths, each in its own process."""
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as name:
            command = [sys.executable, __file__, "one-run", "--folder", str(prepared(Path(name), count))]
            print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip(), flush=True)  # noqa: S603


def one_run(folder: Path) -> None:
    """Enrich the products of a folder, and print the peak memory."""
    seconds, _, report = run_warm(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of {report.products:,} products: {peak:.0f} MB ({seconds:.0f} s)")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["all", "overlap", "warm", "memory", "one-run"], default="all")
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="for one-run: where the catalog and the cache are")
    given = parser.parse_args()
    if given.what in ("all", "overlap"):
        classify.main()
    if given.what in ("all", "warm"):
        warm(given.products)
    if given.what in ("all", "memory"):
        memory()
    if given.what == "one-run":
        one_run(given.folder)


if __name__ == "__main__":
    main()
