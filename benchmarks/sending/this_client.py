"""One operation of this library's client on a catalog file, as its users write it.

    python benchmarks/sending/this_client.py FILE --operation load --json fast --checks full

The source comes from the environment, as `CoveoSource.from_env` says.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Literal

DEFAULT_CHUNK_BYTES = 128_000_000


def main() -> None:
    """Send a file, and print what was sent."""
    parser = argparse.ArgumentParser(description="One operation of this library's client.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--operation", choices=("load", "update"), default="load")
    parser.add_argument("--json", choices=("fast", "stdlib"), default="fast")
    parser.add_argument("--checks", choices=("full", "trusted"), default="full")
    parser.add_argument("--max-chunk-bytes", type=int, default=DEFAULT_CHUNK_BYTES)
    options = parser.parse_args()
    if options.json == "stdlib":
        sys.modules["orjson"] = None  # type: ignore[assignment] # Python's way to say that it is not installed
    print(json.dumps(send(options.file, options.operation, options.checks, options.max_chunk_bytes)))


def send(file: Path, operation: str, checks: Literal["full", "trusted"], max_chunk_bytes: int) -> dict[str, int]:
    """Send a file, and return what the receipt says."""
    from coveo_enrich import CoveoSource, StreamClient  # noqa: PLC0415 - after the JSON library is chosen
    from coveo_enrich.catalog import read_products  # noqa: PLC0415 - the same

    with StreamClient(CoveoSource.from_env(), checks=checks, max_chunk_bytes=max_chunk_bytes) as client:
        receipt = (client.load if operation == "load" else client.update)(read_products(file))
    return {"items": receipt.items, "chunks": len(receipt.chunks), "bytes": receipt.size}


if __name__ == "__main__":
    main()
