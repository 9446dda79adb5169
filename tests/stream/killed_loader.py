"""A program of its own for `test_killed`: sends a generated catalog to the source that the environment names.

Arguments: the operation (load, replace or update), the version of the items, the first number, and how many items. It
writes a line before it begins, so that nothing is killed earlier, and one that says what came of it.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from typing import Any

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import CoveoEnrichError

__all__ = ["catalog", "send"]


def catalog(version: str, first: int, count: int) -> Iterator[dict[str, Any]]:
    """So many items."""
    for number in range(first, first + count):
        yield {"documentId": f"product://{number:06}", "title": f"{version} of {number}"}


def send(source: CoveoSource, operation: str, items: Iterator[dict[str, Any]]) -> bool:
    """Send items in many chunks; returns whether that is complete."""
    with StreamClient(source, max_chunk_bytes=5_000, retry=RetryPolicy(first_wait_seconds=0)) as client:
        if operation == "load":
            return client.load(items).complete
        if operation == "replace":
            return client.replace(items).complete
        return client.update(items).complete


def _main(operation: str, version: str, first: int, count: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started this may have had it ignored
    print("begin", flush=True)  # noqa: T201 - to the process that waits for it
    try:
        told = str(send(CoveoSource.from_env(), operation, catalog(version, first, count)))
    except (CoveoEnrichError, KeyboardInterrupt) as error:
        told = f"{type(error).__name__}: {error} " + " ".join(getattr(error, "__notes__", []))
    print(told, flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
