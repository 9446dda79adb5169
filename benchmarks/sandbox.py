"""How fast a large catalog loads into the sandbox, and how much memory the sandbox takes for it.

    python benchmarks/sandbox.py
    python benchmarks/sandbox.py --items 50000 --bytes 500

It runs ``python -m coveo_enrich.sandbox`` in a process of its own, loads products of a fixed size into it with a
`StreamClient`, waits until they are indexed, and checks their number. The peak memory is that of the sandbox's process
alone, as Linux tells it; elsewhere it is not measured.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from coveo_enrich import CoveoSource, StreamClient

GOAL_MEGABYTES = 300


def products(number: int, size: int) -> Iterator[dict[str, Any]]:
    """Products of about ``size`` bytes each, with texts, a number, a list, and metadata that has no field."""
    for index in range(number):
        product: dict[str, Any] = {
            "documentId": f"product://{index:08}",
            "objecttype": "Product",
            "ec_name": f"Kayak {index}",
            "ec_product_id": f"kayak-{index}",
            "ec_price": index % 1_000 + 0.99,
            "ec_images": [f"images/{index}-{view}.jpg" for view in range(3)],
            "no_such_field": index,
        }
        left = size - len(json.dumps({**product, "ec_description": ""}))
        yield {**product, "ec_description": ("A kayak for calm water. " * (left // 24 + 1))[: max(0, left)]}


@contextlib.contextmanager
def running_sandbox(*options: str) -> Generator[tuple[int, dict[str, str]]]:
    """A sandbox in a process of its own: its process id, and the environment that points there."""
    command = [sys.executable, "-m", "coveo_enrich.sandbox", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        settings: dict[str, str] = {}
        for line in process.stdout or ():
            if line.startswith("Ready"):
                break
            name, is_setting, value = line.strip().rpartition(" ")[2].partition("=")
            if is_setting:
                settings[name] = value
        try:
            yield process.pid, settings
        finally:
            process.terminate()


def count(settings: dict[str, str]) -> int:
    """Items in the source, once all that was sent is indexed."""
    path = f"/rest/organizations/{settings['COVEO_ORGANIZATION_ID']}/sources/{settings['COVEO_SOURCE_ID']}"
    request = urllib.request.Request(  # noqa: S310 - the sandbox's own URL
        settings["COVEO_PLATFORM_URL"] + path, headers={"Authorization": f"Bearer {settings['COVEO_API_KEY']}"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - the same
        number: int = json.load(answer)["information"]["numberOfDocuments"]
    return number


def peak_megabytes(process_id: int) -> float:
    """The most memory that a process ever had, in millions of bytes; not a number where the system does not tell."""
    status = Path(f"/proc/{process_id}/status")
    if not status.exists():
        return math.nan
    (line,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def main() -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="How a large catalog loads into the sandbox.")
    parser.add_argument("--items", type=int, default=500_000)
    parser.add_argument("--bytes", type=int, default=2_000, help="size of an item; default: %(default)s")
    parser.add_argument("--data", metavar="FILE", help="let the sandbox keep the items in this file")
    options = parser.parse_args()
    with running_sandbox(*(["--data", options.data] if options.data else [])) as (process_id, settings):
        source = CoveoSource(
            organization_id=settings["COVEO_ORGANIZATION_ID"],
            source_id=settings["COVEO_SOURCE_ID"],
            api_key=settings["COVEO_API_KEY"],
            api_url=settings["COVEO_API_URL"],
            platform_url=settings["COVEO_PLATFORM_URL"],
        )
        at_start, started = peak_megabytes(process_id), perf_counter()
        with StreamClient(source) as client:
            receipt = client.load(products(options.items, options.bytes))
        closed = perf_counter()
        found = count(settings)
        indexed, peak = perf_counter(), peak_megabytes(process_id)
    print(receipt)
    print(f"sent in {closed - started:.1f} s, indexed {indexed - closed:.1f} s later: {found:,} items")
    print(
        f"memory of the sandbox: {at_start:.0f} MB at the start, {peak:.0f} MB at its peak (goal: {GOAL_MEGABYTES} MB)"
    )
    return 0 if found == options.items and not peak > GOAL_MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
