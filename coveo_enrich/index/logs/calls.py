"""The requests to the Logs API, and what their answers hold (docs.coveo.com/en/p8tb2371, /en/59).

Pure: values in, values out. What is asked for, and what follows, is decided in `coveo_enrich.index.logs.following`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, cast
from urllib.parse import quote, urlencode

import attrs

from coveo_enrich._calls import LONGEST_LIST, CoveoCall
from coveo_enrich.index.answer import Answer
from coveo_enrich.index.json_parts import object_of
from coveo_enrich.index.place import CoveoPlace

__all__ = ["BATCHES", "FAILURES", "LogEntry", "TimeRange", "entries_in", "logs_call", "ranges"]

BATCHES: Final[Mapping[str, Sequence[str]]] = {
    "tasks": ("STREAMING_EXTENSION",),
    "operations": ("BATCH_FILE",),
    "results": ("COMPLETED", "WARNING", "ERROR", "REJECTED"),
}
"""Finds whether batches were accepted."""

FAILURES: Final[Mapping[str, Sequence[str]]] = {
    "excludeOperations": ("BATCH_FILE",),
    "results": ("WARNING", "ERROR", "REJECTED"),
}
"""Finds the items that were not."""

_OPERATION: Final = "read the logs"
_PRIVILEGES: Final = "Organization, Organization: View, and Content, Sources: View"
_PER_PAGE: Final = 100
_WIDEST: Final = timedelta(days=7)


@attrs.frozen
class TimeRange:
    """A time to look at, at most seven days long."""

    start: datetime
    end: datetime


@attrs.frozen
class LogEntry:
    """What one entry says.

    Attributes:
        key: The same for two that are the same entry.
        name: The item's URI.
        source_id: The source.
        task: The part of the pipeline.
        operation: What it did.
        result: How that went.
        ordering_id: The orderingId of its call, as text; ``0`` or empty where it says none.
        error: What is wrong; empty when nothing is said.
        time: Its moment, as Coveo writes it.
    """

    key: str
    name: str
    source_id: str
    task: str
    operation: str
    result: str
    ordering_id: str
    error: str
    time: str

    @property
    def moment(self) -> datetime | None:
        """Its moment; `None` when it cannot be read."""
        try:
            moment = datetime.fromisoformat(self.time)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def ranges(start: datetime, end: datetime) -> Iterator[TimeRange]:
    """A time in pieces that can be asked for."""
    while end - start > _WIDEST:
        yield TimeRange(start, start + _WIDEST)
        start += _WIDEST
    yield TimeRange(start, end)


def logs_call(place: CoveoPlace, filters: Mapping[str, Sequence[str]], when: TimeRange, page: int) -> CoveoCall:
    """Ask for a page of the entries of a source.

    Args:
        place: The source.
        filters: What else the entries must be.
        when: When they were written.
        page: Which page, counted from 0.
    """
    query = urlencode({"from": _iso(when.start), "to": _iso(when.end), "page": page, "perPage": _PER_PAGE})
    url = f"{place.push_host}/logs/v1/organizations/{quote(place.organization_id, safe='')}?{query}"
    # The key is spelt so. Another spelling is no error: it brings the entries of every source.
    body = json.dumps({"sourcesIds": [place.source_id], **filters})
    return CoveoCall(_OPERATION, "POST", url, body.encode(), privilege=_PRIVILEGES, max_bytes=LONGEST_LIST)


def entries_in(answer: Answer) -> tuple[list[LogEntry], bool]:
    """Read the answer to `logs_call`, which holds a list: its entries, and whether there are more behind them."""
    models = cast("list[object]", answer.body["documentLogEntries"])
    return [_entry(object_of(model), answer) for model in models], answer.body.get("hasNextPage") is True


def _entry(model: Mapping[str, object], answer: Answer) -> LogEntry:
    meta = {key.lower(): value for key, value in object_of(model.get("meta")).items()}
    return LogEntry(
        key=_text(model.get("guid")) or _whole(model),
        name=answer.without_key(_text(model.get("id"))),
        source_id=_text(model.get("sourceId")),
        task=_text(model.get("task")),
        operation=_text(model.get("operation")),
        result=_text(model.get("result")),
        ordering_id=_stamp(meta.get("orderingid")),
        error=answer.without_key(_text(meta.get("error"))),
        time=_text(model.get("datetime")),
    )


def _whole(model: Mapping[str, object]) -> str:
    """All of an entry but the id of the request for it, which is another every time."""
    return json.dumps({key: value for key, value in model.items() if key != "requestId"}, sort_keys=True)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _stamp(value: object) -> str:
    """A stamp in digits, however it came."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else _text(value)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
