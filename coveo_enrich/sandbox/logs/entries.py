"""The entries of the Logs API, and which of them a request asks for: pure, no store, clock or HTTP.

Coveo logs what becomes of files and items, and says nothing of metadata that it drops; so no entry tells of it.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import MAXYEAR, UTC, datetime, timedelta
from itertools import islice
from typing import Final, Literal

import attrs

from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

__all__ = [
    "LOG_DAYS",
    "Event",
    "LogEntry",
    "LogPage",
    "LogQuery",
    "counted",
    "file_event",
    "indexed_event",
    "page_of",
    "read_page",
    "read_query",
    "rejected_event",
]

LOG_DAYS: Final = 14
"""How many days Coveo keeps an entry."""

_WIDEST = timedelta(days=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DEFAULT_PAGE_SIZE = 50
_NUMBER = re.compile(r"[0-9]{1,9}")
_TASKS = frozenset(
    {
        "CONSUMING",
        "CONSUMING_BATCH",
        "CRAWLING",
        "EXTENSION",
        "INDEXING",
        "MAPPING",
        "PREINDEXING",
        "PROCESSING",
        "STREAMING",
        "STREAMING_BATCH",
        "STREAMING_EXTENSION",
        "VALIDATION",
    }
)
_OPERATIONS = frozenset(
    {"ADD", "ADD_BY_REFERENCE", "BATCH_FILE", "DELETE", "DELETE_AND_CHILDREN", "DELETE_OLDER_THAN", "UPDATE"}
)
_RESULTS = frozenset({"COMPLETED", "ERROR", "REJECTED", "SKIPPED", "WARNING"})


@attrs.frozen
class Event:
    """What an entry says.

    Attributes:
        task: The part of the pipeline.
        operation: What it did.
        result: How that went.
        name: The item's URI, or the id of a file; empty when it has none that can be told.
        ordering_id: The orderingId of the call; 0 where Coveo does not say it.
        error: What is wrong; `None` when nothing is.
    """

    task: Literal["STREAMING_EXTENSION", "INDEXING"]
    operation: Literal["BATCH_FILE", "UPDATE", "DELETE"]
    result: Literal["COMPLETED", "WARNING"]
    name: str
    ordering_id: int
    error: str | None = None


def file_event(file_id: str, ordering_id: int, problem: str | None) -> Event:
    """A file was taken up; ``problem`` says what is wrong with it."""
    result: Literal["COMPLETED", "WARNING"] = "COMPLETED" if problem is None else "WARNING"
    return Event("STREAMING_EXTENSION", "BATCH_FILE", result, file_id, ordering_id, problem)


def rejected_event(document_id: str | None, reason: str) -> Event:
    """An item of a file was not taken up; such entries do not say of which call."""
    return Event("STREAMING_EXTENSION", "UPDATE", "WARNING", document_id or "", 0, reason)


def indexed_event(document_id: str, ordering_id: int, operation: Literal["UPDATE", "DELETE"]) -> Event:
    """What was asked for is done to an item."""
    return Event("INDEXING", operation, "COMPLETED", document_id, ordering_id)


@attrs.frozen
class LogEntry:
    """An event, with its place and its time.

    Attributes:
        number: Its place among all entries.
        time: Milliseconds since 1970.
        organization_id: The organization.
        source_id: The source.
        event: What it says.
    """

    number: int
    time: int
    organization_id: str
    source_id: str
    event: Event

    def model(self, request_id: str) -> dict[str, Json]:
        """The entry as Coveo tells it to the request of this id."""
        event = self.event
        meta: dict[str, Json] = {"orderingid": str(event.ordering_id)}
        return {
            "id": event.name,
            "datetime": (_EPOCH + self.time * _MILLISECOND).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "guid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.number}/{self.time}")),
            "task": event.task,
            "operation": event.operation,
            "result": event.result,
            "sourceId": self.source_id,
            "organizationId": self.organization_id,
            "requestId": request_id,
            "resourceId": "",
            "meta": meta if event.error is None else {**meta, "error": event.error},
        }


# Facet -> what it is of an entry, and the values that there are (`None`: any). The resource of an entry is the
# extension that it is about; there is none here.
_FACETS: Final[Mapping[str, tuple[Callable[[LogEntry], str], frozenset[str] | None]]] = {
    "tasks": (lambda entry: entry.event.task, _TASKS),
    "operations": (lambda entry: entry.event.operation, _OPERATIONS),
    "sourceIds": (lambda entry: entry.source_id, None),
    "resourceIds": (lambda _entry: "", None),
    "results": (lambda entry: entry.event.result, _RESULTS),
}
# A body's key -> its facet. That of the sources is spelt so; `sourceIds`, like any other key, is passed over.
_ALLOWING: Final = {"sourcesIds" if facet == "sourceIds" else facet: facet for facet in _FACETS}
_EXCLUDING: Final = {f"exclude{facet[0].upper()}{facet[1:]}": facet for facet in _FACETS}


@attrs.frozen
class LogQuery:
    """Which entries are asked for.

    Attributes:
        start: The earliest time, in milliseconds since 1970.
        end: The latest time, likewise.
        allowed: The values that an entry may have, by facet.
        excluded: The values that it may not have, by facet, of facets that have no values that it may have.
        names: What the id of an entry must be; `None` means anything.
    """

    start: int
    end: int
    allowed: Mapping[str, frozenset[str]]
    excluded: Mapping[str, frozenset[str]]
    names: re.Pattern[str] | None

    def passes(self, entry: LogEntry) -> bool:
        """Whether an entry is asked for; its time is taken for granted."""
        if any(_FACETS[facet][0](entry) not in values for facet, values in self.allowed.items()):
            return False
        if any(_FACETS[facet][0](entry) in values for facet, values in self.excluded.items()):
            return False
        return self.names is None or self.names.fullmatch(entry.event.name) is not None


@attrs.frozen
class LogPage:
    """Which of the entries that are asked for."""

    number: int
    size: int


def read_query(query: Mapping[str, str], body: Mapping[str, Json]) -> LogQuery:
    """What the query string and the body of a request ask for.

    Raises:
        Refused: 400 ``INVALID_PARAMETER``.
    """
    start, end = _moment(query, "from"), _moment(query, "to")
    if not start <= end <= start + _WIDEST:
        raise _invalid("to is not before from, and at most 7 days after it.")
    allowed, excluded = _values(body, _ALLOWING), _values(body, _EXCLUDING)
    return LogQuery(
        (start - _EPOCH) // _MILLISECOND,
        (end - _EPOCH) // _MILLISECOND,
        allowed,
        {facet: values for facet, values in excluded.items() if facet not in allowed},
        _names(query.get("documentId"), query.get("documentIdMatching", "EXACT")),
    )


def read_page(query: Mapping[str, str]) -> LogPage:
    """Which page the query string of a request asks for.

    Raises:
        Refused: 400 ``INVALID_PARAMETER``.
    """
    return LogPage(_number(query, "page", 0, least=0), _number(query, "perPage", _DEFAULT_PAGE_SIZE, least=1))


def page_of(entries: Iterable[LogEntry], page: LogPage, request_id: str) -> dict[str, Json]:
    """A page of entries, as the Logs API answers."""
    start = page.number * page.size
    found = list(islice(entries, start, start + page.size + 1))
    models: list[Json] = [entry.model(request_id) for entry in found[: page.size]]
    return {"documentLogEntries": models, "hasNextPage": len(found) > page.size}


def counted(entries: Iterable[LogEntry]) -> dict[str, dict[str, int]]:
    """How often each value of each facet occurs."""
    counts: dict[str, Counter[str]] = {facet: Counter() for facet in _FACETS}
    for entry in entries:
        for facet, (value_of, _) in _FACETS.items():
            counts[facet][value_of(entry)] += 1
    return {facet: {value: count for value, count in sorted(of.items()) if value} for facet, of in counts.items()}


def _moment(query: Mapping[str, str], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(query[name])
    except KeyError:
        raise _invalid(f"The parameter {name} is missing.") from None
    except ValueError:
        raise _invalid(f"{name} is a moment such as 2026-05-22T23:35:59.825Z.") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # In the first and last year some moments of another zone, and a week more, are beyond what can be counted.
    if not _EPOCH.year <= aware.year < MAXYEAR:
        raise _invalid(f"{name} is a moment after 1970.")
    return aware


def _number(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = query.get(name, str(default))
    if not _NUMBER.fullmatch(text) or int(text) < least:
        raise _invalid(f"{name} is a whole number, {least} or more.")
    return int(text)


def _values(body: Mapping[str, Json], facets: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The values that a body names, by facet; an empty array names none, and is as good as no array."""
    read = {facet: _texts(key, body.get(key), _FACETS[facet][1]) for key, facet in facets.items()}
    return {facet: texts for facet, texts in read.items() if texts}


def _texts(key: str, value: Json, known: frozenset[str] | None) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        raise _invalid(f"{key} is an array of texts.")
    texts = frozenset(text for text in value if isinstance(text, str))
    if any(not isinstance(text, str) for text in value) or (known is not None and texts - known):
        raise _invalid(f"{key} is an array of {', '.join(sorted(known)) if known else 'texts'}.")
    return texts


def _names(document_id: str | None, matching: str) -> re.Pattern[str] | None:
    if matching not in ("EXACT", "PARTIAL", "WILDCARD"):
        raise _invalid("documentIdMatching is EXACT, PARTIAL or WILDCARD.")
    if not document_id:
        return None
    if matching == "WILDCARD":
        return _with_wildcards(document_id)
    around = ".*" if matching == "PARTIAL" else ""
    return re.compile(f"{around}{re.escape(document_id)}{around}", re.DOTALL)


def _with_wildcards(text: str) -> re.Pattern[str]:
    """``*`` stands for one character or more, ``?`` for one."""
    first, *others = (re.escape(part).replace(r"\?", ".") for part in text.split("*"))
    # Atomic, so that a text of many stars takes no longer than one of few.
    middle = "".join(f"(?>.+?{part})" for part in others[:-1])
    return re.compile(first + middle + "".join(f".+{part}" for part in others[-1:]), re.DOTALL)


def _invalid(message: str) -> Refused:
    return Refused(400, "INVALID_PARAMETER", message)
