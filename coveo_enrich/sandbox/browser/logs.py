"""The page of the logs: which entries it asks for, and how it shows them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

import attrs

from coveo_enrich.sandbox.browser.values import moment
from coveo_enrich.sandbox.logs.entries import LogEntry, LogQuery
from coveo_enrich.sandbox.values import Source

__all__ = ["PAGE_SIZE", "RESULTS", "LogLine", "lines_of", "log_query"]

PAGE_SIZE: Final = 50
RESULTS: Final = ("COMPLETED", "WARNING")
"""How what is logged went: every result that the sandbox logs."""

_EVER: Final = 2**62


@attrs.frozen
class LogLine:
    """An entry of the logs, as it is shown."""

    time: str
    task: str
    operation: str
    result: str
    name: str
    ordering_id: int
    error: str | None


def log_query(source: Source, result: str, name: str) -> LogQuery:
    """The entries of a source.

    Args:
        source: The source.
        result: One of `RESULTS`; anything else means all.
        name: The item or file that they are about; empty for all.
    """
    allowed = {"sourceIds": frozenset({source.source_id})}
    if result in RESULTS:
        allowed["results"] = frozenset({result})
    return LogQuery(0, _EVER, allowed, {}, re.compile(re.escape(name)) if name else None)


def lines_of(entries: Iterable[LogEntry], page: int) -> tuple[list[LogLine], int, bool]:
    """A page of entries, or the last one where it is beyond that; which one it is; and whether there are more."""
    left = iter(entries)
    number = 1
    shown = list(islice(left, PAGE_SIZE))
    while number < page and (further := list(islice(left, PAGE_SIZE))):
        shown, number = further, number + 1
    return [_line(entry) for entry in shown], number, next(left, None) is not None


def _line(entry: LogEntry) -> LogLine:
    event = entry.event
    name, error = event.name, event.error
    return LogLine(moment(entry.time), event.task, event.operation, event.result, name, event.ordering_id, error)
