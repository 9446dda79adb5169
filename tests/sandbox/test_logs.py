"""Entries of the logs, and which of them are asked for: no sandbox is running here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.sandbox.logs.entries import (
    LogEntry,
    LogPage,
    counted,
    file_event,
    indexed_event,
    page_of,
    read_page,
    read_query,
    rejected_event,
)
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

TIMES = {"from": "2026-05-22T00:00:00Z", "to": "2026-05-23T00:00:00Z"}
EVENTS = (
    file_event("file-1", 7, None),
    file_event("file-2", 8, "no batch"),
    rejected_event("product://1", "there is no such item to update"),
    indexed_event("product://2", 8, "UPDATE"),
    indexed_event("product://3/a", 8, "DELETE"),
)
ENTRIES = [
    LogEntry(number, 1_779_408_000_000 + number, "org", "src" if number < 4 else "other", event)
    for number, event in enumerate(EVENTS)
]


def numbers(body: dict[str, Json] | None = None, **query: str) -> list[int]:
    """The entries that a request finds."""
    asked = read_query({**TIMES, **query}, body or {})
    return [entry.number for entry in ENTRIES if asked.passes(entry)]


def refused(**query: str) -> bool:
    """Whether a request is refused as it should be."""
    with pytest.raises(Refused) as raised:
        read_query({**TIMES, **query}, {})
    return (raised.value.status, raised.value.code) == (400, "INVALID_PARAMETER")


def test_a_file_with_a_problem_is_a_warning() -> None:
    """A file with a problem is a WARNING with its error, orderingId as text, and the moment in milliseconds."""
    model = ENTRIES[1].model("r-1")
    assert len(str(model.pop("guid"))) == 36
    assert model == {
        "id": "file-2",
        "datetime": "2026-05-22T00:00:00.001Z",
        "task": "STREAMING_EXTENSION",
        "operation": "BATCH_FILE",
        "result": "WARNING",
        "sourceId": "src",
        "organizationId": "org",
        "requestId": "r-1",
        "resourceId": "",
        "meta": {"orderingid": "8", "error": "no batch"},
    }


def test_the_other_entries_say_what_coveo_says() -> None:
    """A good file is COMPLETED without an error; a rejected item has orderingid 0; an indexed one has its own."""
    shown = [
        (model["task"], model["operation"], model["result"], model["id"], model["meta"])
        for model in (entry.model("r") for entry in ENTRIES)
    ]
    assert shown[0] == ("STREAMING_EXTENSION", "BATCH_FILE", "COMPLETED", "file-1", {"orderingid": "7"})
    error = {"orderingid": "0", "error": "there is no such item to update"}
    assert shown[2] == ("STREAMING_EXTENSION", "UPDATE", "WARNING", "product://1", error)
    assert shown[3] == ("INDEXING", "UPDATE", "COMPLETED", "product://2", {"orderingid": "8"})
    assert shown[4] == ("INDEXING", "DELETE", "COMPLETED", "product://3/a", {"orderingid": "8"})


def test_an_entry_keeps_its_guid() -> None:
    """An entry has the same guid each time it is asked for, and no two share one."""
    guids = [entry.model("r-1")["guid"] for entry in ENTRIES]
    assert guids == [entry.model("r-2")["guid"] for entry in ENTRIES]
    assert len({str(guid) for guid in guids}) == len(ENTRIES)


def test_an_empty_body_asks_for_everything() -> None:
    """An empty body, empty arrays and keys with null ask for all entries."""
    assert numbers() == numbers({"tasks": [], "results": None}) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"tasks": ["INDEXING"]}, [3, 4]),
        ({"operations": ["BATCH_FILE", "DELETE"]}, [0, 1, 4]),
        ({"results": ["WARNING"]}, [1, 2]),
        ({"sourcesIds": ["other"]}, [4]),
        ({"resourceIds": ["an-extension"]}, []),
        ({"tasks": ["STREAMING_EXTENSION"], "operations": ["UPDATE"], "results": ["WARNING"]}, [2]),
        ({"excludeTasks": ["INDEXING"]}, [0, 1, 2]),
        ({"excludeOperations": ["BATCH_FILE"]}, [2, 3, 4]),
        ({"excludeResults": ["COMPLETED"]}, [1, 2]),
        ({"excludeSourceIds": ["src"]}, [4]),
        ({"excludeResourceIds": ["an-extension"]}, [0, 1, 2, 3, 4]),
        ({"results": ["WARNING"], "excludeOperations": ["UPDATE"]}, [1]),
    ],
)
def test_each_key_of_the_body_narrows_down(body: dict[str, Json], found: list[int]) -> None:
    """All keys of the body narrow down together; sources are `sourcesIds`, and `excludeSourceIds`."""
    assert numbers(body) == found


def test_what_is_allowed_goes_before_what_is_excluded() -> None:
    """Where a key allows a value and another excludes it, it is allowed, as Coveo says of each pair."""
    assert numbers({"results": ["WARNING"], "excludeResults": ["WARNING"]}) == [1, 2]


@pytest.mark.parametrize("key", ["sourceIds", "sourceId", "sourcesId", "SourcesIds", "excludeSourcesIds", "result"])
def test_a_key_that_is_not_there_filters_nothing(key: str) -> None:
    """The trap of the Logs API: the entries of other sources come back, and no error."""
    assert numbers({key: ["other"]}) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "body",
    [
        {"tasks": "INDEXING"},
        {"tasks": ["INDEX"]},
        {"operations": ["update"]},
        {"results": [7]},
        {"sourcesIds": [None]},
        {"excludeResults": {"a": 1}},
    ],
)
def test_what_is_no_list_of_known_values_is_refused(body: dict[str, Json]) -> None:
    """A filter that is no list, or has a value that its enumeration does not, answers 400."""
    with pytest.raises(Refused) as raised:
        read_query(TIMES, body)
    assert (raised.value.status, raised.value.code) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize(
    ("pattern", "matching", "found"),
    [
        ("product://2", "EXACT", [3]),
        ("product://", "EXACT", []),
        ("duct://", "PARTIAL", [2, 3, 4]),
        ("product://?", "WILDCARD", [2, 3]),
        ("product://*", "WILDCARD", [2, 3, 4]),
        ("product://2*", "WILDCARD", []),
        ("p*://*a", "WILDCARD", [4]),
        ("product://.", "WILDCARD", []),
        ("[pf]*", "WILDCARD", []),
        ("", "EXACT", [0, 1, 2, 3, 4]),
    ],
)
def test_entries_are_found_by_the_item(pattern: str, matching: str, found: list[int]) -> None:
    """An item is found by its whole id, a part of it, or a pattern of stars and question marks."""
    assert numbers(documentId=pattern, documentIdMatching=matching) == found


def test_the_whole_id_is_meant_unless_said_otherwise() -> None:
    """`documentIdMatching` is EXACT by default, and other words than the three are refused."""
    assert numbers(documentId="product://2") == [3]
    assert refused(documentId="product://2", documentIdMatching="exact")


def test_many_stars_take_no_time() -> None:
    """A pattern of stars that fits nothing is answered, however long it is."""
    assert numbers(documentId="*" * 40 + "!", documentIdMatching="WILDCARD") == []
    entry = LogEntry(1, 0, "org", "src", indexed_event("a" * 2_000, 1, "UPDATE"))
    assert not read_query({**TIMES, "documentId": "*a" * 200 + "!", "documentIdMatching": "WILDCARD"}, {}).passes(entry)


@pytest.mark.parametrize(
    "times",
    [
        {"from": "yesterday"},
        {"to": ""},
        {"from": "2026-05-23T00:00:01Z"},
        {"to": "2026-05-29T00:00:00.001Z"},
        {"from": "2026-05-22T00:00:00 00:00"},
        {"from": "1969-12-31"},
        {"from": "0001-01-01", "to": "0001-01-02"},
        {"from": "9999-12-31T00:00:00-23:59", "to": "9999-12-31T23:59:59-23:59"},
    ],
)
def test_times_that_cannot_be_are_refused(times: dict[str, str]) -> None:
    """Times are refused that are no moment, the wrong way round, or more than seven days apart."""
    assert refused(**times)


@pytest.mark.parametrize("missing", ["from", "to"])
def test_both_times_are_needed(missing: str) -> None:
    """`from` and `to` are both needed."""
    with pytest.raises(Refused, match="missing"):
        read_query({name: text for name, text in TIMES.items() if name != missing}, {})


def test_times_may_be_written_in_several_ways() -> None:
    """Times may name another zone, a day alone, or no zone, which is UTC; seven days to the millisecond are let in."""
    day = 86_400_000
    week = read_query({"from": "2026-05-22T02:00:00.000+02:00", "to": "2026-05-29"}, {})
    assert (week.start, week.end) == (1_779_408_000_000, 1_779_408_000_000 + 7 * day)
    assert read_query({"from": "2026-05-22T00:00:00", "to": "2026-05-22"}, {}).start == week.start


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(days=-1), timedelta(days=8)))
def test_any_times_are_read_or_refused(start: datetime, span: timedelta) -> None:
    """Any pair of texts is read as times or refused, and nothing else happens."""
    try:
        end = start + span
    except OverflowError:
        end = start
    try:
        query = read_query({"from": start.isoformat(), "to": end.isoformat()}, {})
    except Refused:
        return
    assert 0 <= query.start <= query.end <= query.start + 7 * 86_400_000


def test_pages_have_fifty_entries_from_the_first() -> None:
    """A page has fifty entries, counted from 0, unless it is asked otherwise."""
    assert read_page({}) == LogPage(0, 50)
    assert read_page({"page": "3", "perPage": "7"}) == LogPage(3, 7)


@pytest.mark.parametrize("query", [{"page": "-1"}, {"page": "x"}, {"perPage": "0"}, {"page": "٣"}, {"page": "9" * 99}])
def test_a_page_that_cannot_be_is_refused(query: dict[str, str]) -> None:
    """A page or size out of its range answers 400 with a reason."""
    with pytest.raises(Refused, match="whole number"):
        read_page(query)


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
def test_pages_together_are_all_entries(size: int) -> None:
    """Pages hold each entry once, in order; the last says that it is the last."""
    pages = [page_of(ENTRIES, LogPage(number, size), "r") for number in range(-(-len(ENTRIES) // size))]
    told = [page["documentLogEntries"] for page in pages]
    assert [model for models in told if isinstance(models, list) for model in models] == [
        entry.model("r") for entry in ENTRIES
    ]
    assert [page["hasNextPage"] for page in pages] == [True] * (len(pages) - 1) + [False]


def test_a_page_behind_the_last_is_empty() -> None:
    """A page behind the last is empty, without an error or a next page."""
    assert page_of(ENTRIES, LogPage(9, 50), "r") == {"documentLogEntries": [], "hasNextPage": False}


def test_entries_are_counted_by_facet() -> None:
    """Entries are counted by facet under Coveo's names, sourceIds among them; there are no resources."""
    assert counted(ENTRIES) == {
        "tasks": {"INDEXING": 2, "STREAMING_EXTENSION": 3},
        "operations": {"BATCH_FILE": 2, "DELETE": 1, "UPDATE": 2},
        "sourceIds": {"other": 1, "src": 4},
        "resourceIds": {},
        "results": {"COMPLETED": 3, "WARNING": 2},
    }


def test_nothing_is_counted_as_nothing() -> None:
    """Without entries every facet is there, and empty."""
    assert counted([]) == {"tasks": {}, "operations": {}, "sourceIds": {}, "resourceIds": {}, "results": {}}
