"""One run of a case in a process of its own, against a sink of its own, and the turns that cases take.

What the cases are stands in `sending.cases`, what is made of the figures in `sending.figures`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Any

import attrs

from .products import LINE_BYTES
from .sink import Link, RunningSink, Tally

__all__ = ["BrokenRunError", "Case", "Figures", "Run", "Section", "measure"]


class BrokenRunError(Exception):
    """A run that measured nothing, because not everything arrived."""


@attrs.frozen
class Case:
    """What is run once in each repetition.

    Attributes:
        name: As the table shows it.
        command: The program, which prints as JSON what it sent: items, chunks, bytes, as far as it knows.
        environ: What it needs in its environment.
        puts: How many chunks have to arrive; `None` when only the program can tell.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = attrs.field(factory=dict[str, str])
    puts: int | None = None


@attrs.frozen
class Section:
    """Cases that are measured against each other, each sending the same items over the same kind of link."""

    title: str
    items: int
    cases: tuple[Case, ...]
    link: Link = attrs.field(factory=Link)


@attrs.frozen
class Run:
    """One run of a case: seconds, seconds, bytes, and what the sink counted."""

    wall: float
    cpu: float
    peak: int
    tally: Tally


Figures = dict[str, list[Run]]
"""The runs of each case, by its name, in the order of the repetitions."""


def run(case: Case, section: Section) -> Run:
    """Run a case in a process of its own, against a sink of its own.

    Raises:
        BrokenRunError: Not everything arrived.
    """
    sink = RunningSink(section.link)
    try:
        wall, usage, sent = _run_process(case, sink.url)
    finally:
        tally = sink.stop()
    wrong = list(_what_is_wrong(case, section.items, sent, tally))
    if wrong:
        raise BrokenRunError(f"{case.name}: {'; '.join(wrong)}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Run(wall, usage.ru_utime + usage.ru_stime, peak, tally)


def _run_process(case: Case, url: str) -> tuple[float, resource.struct_rusage, dict[str, Any]]:
    """Its wall time in seconds, what it used, and what it says that it sent."""
    source = {"ORGANIZATION_ID": "organization", "SOURCE_ID": "source", "API_KEY": "key"}
    hosts = {"API_URL": url, "PLATFORM_URL": url}
    environ = {**os.environ, **{f"COVEO_{name}": value for name, value in (source | hosts).items()}, **case.environ}
    with tempfile.TemporaryFile() as output:
        started = perf_counter()
        process = subprocess.Popen(case.command, env=environ, stdout=output)  # noqa: S603 - our own programs
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise BrokenRunError(f"{case.name}: its program failed")
        output.seek(0)
        return wall, usage, json.load(output)


def _what_is_wrong(case: Case, items: int, sent: Mapping[str, Any], tally: Tally) -> Iterator[str]:
    if tally.faults:
        yield f"{tally.faults} requests were torn or unknown"
    if sent.get("items") not in (None, items):
        yield f"{sent['items']:,} of {items:,} items were sent"
    if tally.puts != sent["chunks"]:
        yield f"{tally.puts} of {sent['chunks']} chunks arrived"
    if case.puts is not None and tally.puts != case.puts:
        yield f"{tally.puts} chunks arrived instead of {case.puts}"
    if tally.put_bytes != sent.get("bytes", tally.put_bytes):
        yield f"{tally.put_bytes:,} of {sent['bytes']:,} bytes arrived"
    if tally.put_bytes < items * LINE_BYTES:
        yield f"{tally.put_bytes:,} bytes arrived, and {items:,} items have {items * LINE_BYTES:,}"


def measure(section: Section, repeat: int) -> Figures:
    """Run every case of a section ``repeat`` times, the cases taking turns; every other round begins with the last.

    Raises:
        BrokenRunError: Not everything arrived.
    """
    figures: Figures = {case.name: [] for case in section.cases}
    for repetition in range(repeat):
        for case in section.cases if repetition % 2 == 0 else reversed(section.cases):
            print(f"  {section.title}, {repetition + 1} of {repeat}: {case.name}", file=sys.stderr)
            figures[case.name].append(run(case, section))
    return figures
