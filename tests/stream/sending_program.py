"""A program that sends a catalog, for tests that end it from outside; the environment says where to.

    python sending_program.py load --items 10000 --say-at 5000 --stop-at 5000

Its producer says "reached" before it makes the item of one number, and makes none from that of another number on. When
it is interrupted, it prints a JSON object: what left the operation, with its notes, and which threads and temporary
files are left of it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from coveo_enrich import CoveoSource, StreamClient


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("operation")
    parser.add_argument("--items", type=int, required=True)
    parser.add_argument("--item-bytes", type=int, default=0)
    parser.add_argument("--say-at", type=int)
    parser.add_argument("--stop-at", type=int)
    parser.add_argument("--max-chunk-bytes", type=int, required=True)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--calls-per-five-minutes", type=int, default=250)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever it is for the program that started this one
    client = StreamClient(
        CoveoSource.from_env(),
        max_chunk_bytes=options.max_chunk_bytes,
        concurrency=options.concurrency,
        calls_per_five_minutes=options.calls_per_five_minutes,
    )
    files = _temporary_files()
    try:
        getattr(client, options.operation)(_products(options))
    except BaseException as error:  # noqa: BLE001 - the test looks at it
        left = {
            "error": type(error).__name__,
            "notes": getattr(error, "__notes__", []),
            "threads": [one.name for one in threading.enumerate() if one.name.startswith("coveo-enrich")],
            "files": len(_temporary_files()) - len(files),
        }
        print(json.dumps(left), flush=True)  # noqa: T201 - a program that prints


def _products(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    for number in range(options.items):
        if number == options.say_at:
            print("reached", flush=True)  # noqa: T201 - a program that prints
        if number == options.stop_at:
            stand_still()
        title = f"Kayak {number:05}"
        yield {"documentId": f"product://{number:05}", "title": title.ljust(options.item_bytes, "x")}


def stand_still() -> None:
    """Make no item any more; Ctrl-C ends it."""
    while True:
        time.sleep(0.05)  # not once and for ever: a signal in the moment before a wait begins is seen when it ends


def _temporary_files() -> list[str]:
    links: list[str] = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - the listing is one of its entries, gone a moment later
        with contextlib.suppress(FileNotFoundError):
            links.append(str(Path("/proc/self/fd", name).readlink()))
    return [link for link in links if link.endswith("(deleted)")]


if __name__ == "__main__":
    main()
