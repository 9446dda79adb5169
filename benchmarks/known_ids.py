"""What it costs to remember the ids of a run, beside a Python set: the limit is 16 bytes of memory an id.

    python benchmarks/known_ids.py
    python benchmarks/known_ids.py --ids 1000000

Each runs in a process of its own, as the peak of a process's memory never falls. Making the ids is timed apart and
taken off.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from time import perf_counter

import attrs

LIMIT = 16


@attrs.frozen
class Figures:
    """What one process measured: seconds of adding, bytes of memory at the peak, bytes on disk."""

    seconds: float
    memory: int
    disk: int


def main() -> None:
    """Measure both in processes of their own, or one of them in this one."""
    parser = argparse.ArgumentParser(description="What it costs to remember the ids of a run.")
    parser.add_argument("--ids", type=int, default=10_000_000)
    parser.add_argument("--measure", choices=["KnownIds", "set"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is None:
        compare(options.ids)
    else:
        figures = measure_known_ids(options.ids) if options.measure == "KnownIds" else measure_set(options.ids)
        print(figures.seconds, figures.memory, figures.disk)


def compare(ids: int) -> None:
    """Print both, and how they compare."""
    known, plain = _in_own_process("KnownIds", ids), _in_own_process("set", ids)
    for name, figures in (("KnownIds", known), ("set", plain)):
        print(
            f"{name:10}{ids:,} ids: {figures.seconds:.1f} s, {figures.seconds / ids * 1e6:.2f} microseconds an id, "
            f"peak memory {figures.memory / 1e6:,.0f} MB, {figures.memory / ids:.1f} bytes an id, "
            f"on disk {figures.disk / 1e6:,.0f} MB"
        )
    print(
        f"KnownIds takes {known.seconds / plain.seconds:.1f} times as long as set.add and "
        f"{known.memory / plain.memory:.2f} of its memory (limit: {LIMIT} bytes an id)"
    )


def measure_known_ids(ids: int) -> Figures:
    """Add ids to `KnownIds`, all of them new."""
    from coveo_enrich.stream.known_ids import KnownIds  # noqa: PLC0415 - not in the process that measures a set

    known = KnownIds(tempfile.TemporaryFile)
    before = _peak_memory()
    seconds = _adding(known.add, ids)
    memory = _peak_memory() - before
    disk = known._ids._written  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a figure that no one else needs
    known.close()
    return Figures(seconds, memory, disk)


def measure_set(ids: int) -> Figures:
    """Add the same ids to a set."""
    known: set[str] = set()
    before = _peak_memory()
    seconds = _adding(known.add, ids)
    return Figures(seconds, _peak_memory() - before, 0)


def _adding(add: Callable[[str], object], ids: int) -> float:
    start = perf_counter()
    for number in range(ids):
        add(_id(number))
    both = perf_counter() - start
    start = perf_counter()
    for number in range(ids):
        _id(number)
    return both - (perf_counter() - start)


def _id(number: int) -> str:
    return f"product://shop.example/{number:012}"


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _in_own_process(measure: str, ids: int) -> Figures:
    command = [sys.executable, __file__, "--measure", measure, "--ids", str(ids)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this script
    seconds, memory, disk = done.stdout.split()
    return Figures(float(seconds), int(memory), int(disk))


if __name__ == "__main__":
    main()
