"""The requests for logs to the letter, and answers that no sandbox would give. Nothing waits here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import attrs
import httpx
import pytest
from passing_time import PassingTime
from pytest_httpx import HTTPXMock

from coveo_enrich import CoveoSource, RetryPolicy
from coveo_enrich.errors import AccessRefused, ConfigurationError, CoveoRefused
from coveo_enrich.index import IndexingLog, IndexingReport
from coveo_enrich.index.answer import Answer
from coveo_enrich.index.logs.calls import entries_in, ranges
from coveo_enrich.stream import ChunkReceipt, Receipt

STAMP = 1_779_492_959_825
START, WEEK_LATER = "2026-05-22T23:35:58.825Z", "2026-05-29T23:35:58.825Z"
EMPTY: dict[str, Any] = {"documentLogEntries": [], "hasNextPage": False}


@pytest.fixture
def source() -> CoveoSource:
    """A source in Europe whose ids have to be quoted."""
    return CoveoSource(
        organization_id="my org/1", source_id="src/1", api_key="xx-push", platform_key="xx-broad", region="eu"
    )


@pytest.fixture
def log(source: CoveoSource) -> Iterator[IndexingLog]:
    """A log that never waits."""
    with IndexingLog(source, retry=RetryPolicy(attempts=2, first_wait_seconds=0), poll_seconds=0) as one:
        yield one


def sent(*stamps: int, operation: Any = "update") -> Receipt:  # noqa: ANN401 - any operation
    """The receipt of a batch for each stamp."""
    chunks = (
        ChunkReceipt(
            number=number, items=1, size=9, first_id="a://1", last_id="a://1", attempts=1, seconds=0, ordering_id=stamp
        )
        for number, stamp in enumerate(stamps, start=1)
    )
    return Receipt(
        operation=operation, organization_id="my org/1", source_id="src/1", all_sent=True, chunks=tuple(chunks)
    )


def entry(result: str = "COMPLETED", *, stamp: object = str(STAMP), error: str = "", **more: object) -> dict[str, Any]:
    """An entry as Coveo gives it, of a batch unless said otherwise."""
    return {
        "id": "b5e8767e",
        "datetime": "2026-05-22T23:36:10.000Z",
        "guid": f"{result} {stamp} {error} {more}",
        "task": "STREAMING_EXTENSION",
        "operation": "BATCH_FILE",
        "result": result,
        "sourceId": "src/1",
        "organizationId": "my org/1",
        "requestId": "r-1",
        "meta": {"orderingid": stamp, **({"error": error} if error else {})},
        **more,
    }


def item(name: str, result: str = "WARNING", *, stamp: object = "0", **more: object) -> dict[str, Any]:
    """An entry of an item."""
    return entry(result, stamp=stamp, error="bad", **{"id": name, "operation": "UPDATE", **more})


def page(*entries: object, more: object = False) -> dict[str, Any]:
    """A page of entries."""
    return {"documentLogEntries": list(entries), "hasNextPage": more}


def wait(
    mock: HTTPXMock, log: IndexingLog, batches: Sequence[dict[str, Any]], failures: Sequence[dict[str, Any]] = (EMPTY,)
) -> IndexingReport:
    """Have Coveo answer one look at a batch with these pages, and one look at items."""
    for one in (*batches, *failures):
        mock.add_response(json=one)
    return log.wait(sent(STAMP), timeout=0)


def asked(request: httpx.Request) -> tuple[dict[str, list[str]], Any]:
    """The query and the body of a request."""
    return parse_qs(request.url.query.decode()), json.loads(request.content)


@pytest.fixture(autouse=True)
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    """A minute after the stamp; no time passes but by waiting."""
    return PassingTime(monkeypatch, now=STAMP / 1_000 + 60)


def test_two_requests_are_one_look(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """A look asks the Push API's host twice, ids quoted, with the broader key, from the stamp for seven days."""
    assert wait(httpx_mock, log, [page(entry())]).is_complete
    batches, failures = httpx_mock.get_requests()
    for request in (batches, failures):
        assert request.method == "POST"
        path = "https://api-eu.cloud.coveo.com/logs/v1/organizations/my%20org%2F1?"
        assert str(request.url).startswith(path)
        assert request.headers["Authorization"] == "Bearer xx-broad"
        assert request.headers["Content-Type"] == "application/json"
    assert asked(batches) == (
        {"from": [START], "to": [WEEK_LATER], "page": ["0"], "perPage": ["100"]},
        {
            "sourcesIds": ["src/1"],
            "tasks": ["STREAMING_EXTENSION"],
            "operations": ["BATCH_FILE"],
            "results": ["COMPLETED", "WARNING", "ERROR", "REJECTED"],
        },
    )
    assert asked(failures) == (
        {"from": [START], "to": ["2026-05-23T00:36:10.000Z"], "page": ["0"], "perPage": ["100"]},
        {
            "sourcesIds": ["src/1"],
            "excludeOperations": ["BATCH_FILE"],
            "results": ["WARNING", "ERROR", "REJECTED"],
        },
    )


def test_a_run_of_weeks_is_asked_for_in_pieces(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """The time of a run of weeks is asked for in pieces of seven days at most, to a day behind the last stamp."""
    days = 86_400_000
    stamps = (STAMP, STAMP + 10 * days)
    told = [entry(), page(), entry(stamp=str(stamps[1]), datetime="2026-06-01T23:36:00Z")]
    httpx_mock.add_response(json=page(told[0]))
    httpx_mock.add_response(json=page(told[2]))
    httpx_mock.add_response(json=EMPTY)
    httpx_mock.add_response(json=EMPTY)
    report = log.wait(sent(*stamps), timeout=0)
    assert [batch.state for batch in report.batches] == ["accepted", "accepted"]
    pieces = [(query["from"][0], query["to"][0]) for query, _ in map(asked, httpx_mock.get_requests())]
    assert pieces == [
        (START, WEEK_LATER),
        (WEEK_LATER, "2026-06-02T23:35:59.825Z"),
        (START, WEEK_LATER),
        (WEEK_LATER, "2026-06-02T00:36:00.000Z"),
    ]


@pytest.mark.parametrize("days", [0, 1, 7, 7.001, 14, 100])
def test_pieces_of_time_join(days: float) -> None:
    """Pieces of time leave no gap from start to end, each at most seven days long."""
    start = datetime(2026, 5, 22, tzinfo=UTC)
    pieces = list(ranges(start, start + timedelta(days=days)))
    assert [piece.end for piece in pieces[:-1]] == [piece.start for piece in pieces[1:]]
    assert (pieces[0].start, pieces[-1].end) == (start, start + timedelta(days=days))
    assert all(piece.end - piece.start <= timedelta(days=7) for piece in pieces)


@pytest.mark.parametrize("result", ["WARNING", "ERROR", "REJECTED"])
def test_a_batch_with_a_problem_is_refused(httpx_mock: HTTPXMock, log: IndexingLog, result: str) -> None:
    """A batch with a warning is refused, with the text of meta.error."""
    report = wait(httpx_mock, log, [page(entry(result, error="no batch"))])
    assert [(batch.state, batch.error) for batch in report.batches] == [("refused", "no batch")]


def test_a_problem_outweighs_a_success(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """Of two entries of a batch a problem counts, in either order; an error that comes twice is told once."""
    told = [entry(), entry("WARNING", error="late"), entry("WARNING", error="late", guid="x"), entry("ERROR")]
    report = wait(httpx_mock, log, [page(*told)])
    assert [(batch.state, batch.error) for batch in report.batches] == [("refused", "late; ERROR")]


@pytest.mark.parametrize("stamp", [str(STAMP), STAMP, float(STAMP)])
def test_a_stamp_is_text_or_number(httpx_mock: HTTPXMock, log: IndexingLog, stamp: object) -> None:
    """An orderingid is read as a text, a number, or a number with a point."""
    assert wait(httpx_mock, log, [page(entry(stamp=stamp))]).is_complete


def test_entries_of_other_sources_and_batches_do_not_count(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """An entry of another source, stamp or operation says nothing of a batch, whatever the filter let through."""
    others = [
        entry(sourceId="another"),
        entry(stamp="1779492959826"),
        entry(stamp="0"),
        entry(operation="UPDATE"),
        entry(meta={}),
    ]
    report = wait(httpx_mock, log, [page(*others)])
    assert [batch.state for batch in report.batches] == ["pending"]


def test_failures_of_other_sources_and_batches_do_not_count(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """Failures count that have no stamp, as of items, or that of a batch of the receipt; others do not."""
    told = [
        item("a://mine"),
        item("a://too", stamp=str(STAMP)),
        item("a://unstamped", "REJECTED", meta={"error": "no"}, task="MAPPING"),
        item("a://late", "ERROR", task="INDEXING"),
        item("a://other-batch", stamp="1779492959826"),
        item("a://other-source", sourceId="another"),
        item("a://fine", "COMPLETED"),
        item("a://skipped", "SKIPPED"),
        entry("WARNING", error="a batch"),
    ]
    report = wait(httpx_mock, log, [page(entry())], [page(*told)])
    assert [one.document_id for one in report.failed_items] == ["a://mine", "a://too", "a://unstamped", "a://late"]
    assert [one.error for one in report.failed_items] == ["bad", "bad", "no", "bad"]
    assert [one.task for one in report.failed_items[2:]] == ["MAPPING", "INDEXING"]


def test_pages_are_followed_and_each_entry_is_told_once(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """An entry that comes again on the next page, with another requestId, is told once."""
    first, second, third = (item(f"a://{number}") for number in range(3))
    without_guid = {**item("a://4"), "guid": None}
    pages = [
        page(first, second, without_guid, more=True),
        page({**second, "requestId": "r-2"}, {**without_guid, "requestId": "r-2"}, third),
    ]
    report = wait(httpx_mock, log, [page(entry())], pages)
    assert [one.document_id for one in report.failed_items] == ["a://0", "a://1", "a://4", "a://2"]
    numbers = [asked(request)[0]["page"] for request in httpx_mock.get_requests()]
    assert numbers == [["0"], ["0"], ["1"]]


@pytest.mark.parametrize("again", [page(item("a://1"), more=True), page(more=True)], ids=["the same", "empty"])
def test_a_failure_behind_pages_without_anything_new_is_found(
    httpx_mock: HTTPXMock, log: IndexingLog, again: dict[str, Any]
) -> None:
    """Law 9: pages are read as long as Coveo says that there is a next one, also behind one with nothing new."""
    pages = [page(item("a://1"), more=True), *[again] * 9, page(item("a://2"))]
    report = wait(httpx_mock, log, [page(more=True), page(entry())], pages)
    assert [batch.state for batch in report.batches] == ["accepted"]
    assert [one.document_id for one in report.failed_items] == ["a://1", "a://2"]
    assert report.unread == ""


@pytest.mark.parametrize("again", [page(item("a://1"), more=True), page(more=True)], ids=["the same", "empty"])
def test_pages_that_never_end_are_left_and_that_is_said(
    httpx_mock: HTTPXMock, log: IndexingLog, again: dict[str, Any]
) -> None:
    """Law 9: after ten pages in a row without anything new the report is not complete, and says why."""
    report = wait(httpx_mock, log, [page(entry())], [page(item("a://1"), more=True), *[again] * 10])
    assert [one.document_id for one in report.failed_items] == ["a://1"]
    assert "could not be read to their end" in str(report)
    report = attrs.evolve(report, failed_items=())
    assert (report.is_settled, report.is_complete, report.unread != "") == (True, False, True)


def test_pages_of_ever_new_entries_are_left_too(httpx_mock: HTTPXMock, log: IndexingLog, passing: PassingTime) -> None:
    """Reading ends after a hundred pages, before the calls of five minutes are used up."""
    numbers = count()
    httpx_mock.add_callback(
        lambda _: httpx.Response(200, json=page(entry(stamp="1", guid=str(next(numbers))), more=True)),
        is_reusable=True,
    )
    report = log.wait(sent(STAMP), timeout=0)
    assert (len(httpx_mock.get_requests()), passing.waits) == (200, [])
    assert "could not be read to their end" in str(report)


def test_logs_of_a_push_of_long_ago_are_not_asked_for(
    httpx_mock: HTTPXMock, source: CoveoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push of more than 14 days ago is unknown at once, without a call."""
    PassingTime(monkeypatch, now=STAMP / 1_000 + 15 * 86_400)
    with IndexingLog(source) as log:
        report = log.wait(sent(STAMP))
    assert httpx_mock.get_requests() == []
    assert [batch.state for batch in report.batches] == ["unknown"]
    assert "do not go back that far" in str(report)
    assert (report.is_settled, report.is_complete) == (False, False)


@pytest.mark.parametrize("stamp", [10**18, -(10**18), 10**15, STAMP + 20 * 86_400_000])
def test_a_stamp_of_no_time_is_not_looked_for(httpx_mock: HTTPXMock, log: IndexingLog, stamp: int) -> None:
    """A batch whose stamp is no time at which it can have been sent is unknown; the others are followed."""
    httpx_mock.add_response(json=page(entry()), is_reusable=True)
    report = log.wait(sent(stamp, STAMP), timeout=0)
    assert [batch.state for batch in report.batches] == ["unknown", "accepted"]
    assert report.batches[0].error
    calls = len(httpx_mock.get_requests())
    assert [batch.state for batch in log.wait(sent(stamp), timeout=0).batches] == ["unknown"]
    assert len(httpx_mock.get_requests()) == calls


def test_of_a_long_push_the_logs_are_asked_for_as_far_as_they_go_back(
    httpx_mock: HTTPXMock, source: CoveoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long push, a batch of more than 14 days ago is unknown and not waited for."""
    days = 86_400_000
    passing = PassingTime(monkeypatch, now=STAMP / 1_000 + 15 * 86_400)
    late = entry(stamp=str(STAMP + 2 * days), datetime="2026-05-24T23:36:10.000Z")
    for told in ([late], [late], []):
        httpx_mock.add_response(json=page(*told))
    with IndexingLog(source) as log:
        report = log.wait(sent(STAMP, STAMP + 2 * days))
    assert [batch.state for batch in report.batches] == ["unknown", "accepted"]
    assert asked(httpx_mock.get_requests()[0])[0]["from"] == ["2026-05-23T23:35:59.825Z"]
    assert passing.waits == [30.0]


def test_a_poll_of_nothing_does_not_spin(httpx_mock: HTTPXMock, log: IndexingLog, passing: PassingTime) -> None:
    """With `poll_seconds=0` waits grow from 0.05 to one second, and the last look is at the end of the time."""
    httpx_mock.add_response(json=EMPTY, is_reusable=True)
    log.wait(sent(STAMP), timeout=5)
    assert passing.waits == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1, 1, 1, 0.45])


def test_the_time_ends_a_look_that_would_have_to_wait_longer(
    httpx_mock: HTTPXMock, source: CoveoSource, passing: PassingTime
) -> None:
    """A second try that would come after the end of the time is not made: what the look before found is returned."""
    httpx_mock.add_response(json=page(entry()))
    httpx_mock.add_response(status_code=504)
    httpx_mock.add_response(json=EMPTY)
    with IndexingLog(source, retry=RetryPolicy(attempts=6, first_wait_seconds=200)) as log:
        report = log.wait(sent(STAMP, STAMP + 1), timeout=100)
    assert [batch.state for batch in report.batches] == ["accepted", "pending"]
    assert passing.waits == [30.0]


def test_failures_that_there_is_no_time_to_read_are_said_to_be_unread(
    httpx_mock: HTTPXMock, source: CoveoSource, passing: PassingTime
) -> None:
    """Law 9: without time for the failures the report says `unread`: accepted batches are no word on items."""
    httpx_mock.add_response(json=page(entry()))
    httpx_mock.add_response(json=page(entry()))
    httpx_mock.add_response(status_code=504)
    with IndexingLog(source, retry=RetryPolicy(attempts=6, first_wait_seconds=200)) as log:
        report = log.wait(sent(STAMP), timeout=100)
    assert (report.is_settled, report.is_complete) == (True, False)
    assert "as the time was over" in str(report)
    assert passing.waits == [30.0]


def test_the_first_look_is_always_finished(httpx_mock: HTTPXMock, source: CoveoSource, passing: PassingTime) -> None:
    """The first look is finished with its tries and its look for items, however short the time is."""
    for told in (page(entry()), EMPTY):
        httpx_mock.add_response(status_code=504)
        httpx_mock.add_response(json=told)
    with IndexingLog(source, retry=RetryPolicy(attempts=6, first_wait_seconds=200)) as log:
        assert log.wait(sent(STAMP), timeout=1).is_complete
    assert len(passing.waits) == 2


def test_a_wait_for_the_pace_ends_with_the_time(
    httpx_mock: HTTPXMock, source: CoveoSource, passing: PassingTime
) -> None:
    """When the calls of five minutes are used up, what is known is returned at the end of the time."""
    httpx_mock.add_response(json=EMPTY, is_reusable=True)
    with IndexingLog(source, calls_per_five_minutes=2) as log:
        report = log.wait(sent(STAMP), timeout=100)
    assert [batch.state for batch in report.batches] == ["pending"]
    assert sum(passing.waits) == 60


def test_no_key_is_in_a_report(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """Law 13: an error that repeats the key is told without it, of batches and of items."""
    report = wait(
        httpx_mock,
        log,
        [page(entry("WARNING", error="not for xx-broad"))],
        [page(item("a://1", meta={"error": "xx-broad"}))],
    )
    assert "xx-broad" not in report.to_json()
    assert report.batches[0].error == "not for (the key)"


def test_the_key_that_was_sent_is_the_one_that_is_not_shown(httpx_mock: HTTPXMock) -> None:
    """Law 13: also where it changes with every call, and in an error that Coveo answers with a 200."""
    keys = count()
    rotating = CoveoSource(
        organization_id="my org/1", source_id="src/1", api_key="xx", platform_key=lambda: f"key-{next(keys)}"
    )
    httpx_mock.add_callback(
        lambda asked: httpx.Response(
            200, json={"errorCode": asked.headers["Authorization"], "message": asked.headers["Authorization"]}
        )
    )
    with IndexingLog(rotating) as log, pytest.raises(CoveoRefused) as raised:
        log.wait(sent(STAMP))
    assert "key-" not in f"{raised.value} {raised.value!r}"
    assert str(raised.value).count("(the key)") == 2


@pytest.mark.parametrize("more", ["true", 1, None])
def test_only_true_means_another_page(httpx_mock: HTTPXMock, log: IndexingLog, more: object) -> None:
    """Only `true` as `hasNextPage` leads to another page."""
    assert wait(httpx_mock, log, [page(entry(), more=more)]).is_complete


ODD: list[Any] = [
    None,
    "text",
    7,
    [],
    {},
    {"meta": None, "sourceId": "src/1"},
    {**entry(), "guid": "1", "meta": "orderingid"},
    {**entry(), "guid": "2", "meta": {"orderingid": {"a": 1}}},
    {**entry(), "guid": 3, "operation": None},
]


def test_odd_entries_break_nothing(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """Odd entries are passed over, and the good one among them counts."""
    report = wait(httpx_mock, log, [page(*ODD, entry(), *ODD)], [page(*ODD)])
    assert [batch.state for batch in report.batches] == ["accepted"]
    assert report.failed_items == ()


def test_an_entry_whose_time_cannot_be_read_counts(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """An entry with a time that cannot be read counts; items are then looked for by the batch's stamp."""
    assert wait(httpx_mock, log, [page(entry(datetime="just now"))]).is_complete
    query, _ = asked(httpx_mock.get_requests()[1])
    assert query["to"] == ["2026-05-23T00:35:59.825Z"]


@pytest.mark.parametrize("body", [{}, {"documentLogEntries": None}, {"documentLogEntries": {}}, {"logs": []}])
def test_an_answer_without_entries_is_an_error(httpx_mock: HTTPXMock, log: IndexingLog, body: object) -> None:
    """An answer without `documentLogEntries` raises, and is not taken for an empty log."""
    httpx_mock.add_response(json=body)
    with pytest.raises(CoveoRefused, match="documentLogEntries"):
        log.wait(sent(STAMP))


def test_the_last_look_is_the_one_that_counts(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """When all is settled the logs are read once more, so that a later warning is in the report."""
    httpx_mock.add_response(json=page(entry()))
    httpx_mock.add_response(json=page(entry("WARNING", error="late"), entry()))
    httpx_mock.add_response(json=EMPTY)
    assert [batch.state for batch in log.wait(sent(STAMP)).batches] == ["refused"]


def test_it_waits_until_the_last_batch_is_told_of(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """`wait` goes on until the last batch is told of, also when another one is."""
    other = entry(stamp="1779492959826")
    for told in ([], [entry()], [entry(), other], [entry(), other], []):
        httpx_mock.add_response(json=page(*told))
    report = log.wait(sent(STAMP, STAMP + 1))
    assert [batch.state for batch in report.batches] == ["accepted", "accepted"]
    assert report.is_complete


def test_the_sample_of_the_documentation_is_read() -> None:
    """A warning as Coveo documents it is read, with its orderingid as text and its error."""
    sample = {**entry("WARNING", stamp="1716387965000", error="…"), "datetime": "2026-05-22T23:35:59.825Z"}
    (read,), more = entries_in(Answer({"documentLogEntries": [sample], "hasNextPage": False}))
    assert (read.result, read.ordering_id, read.error, more) == ("WARNING", "1716387965000", "…", False)
    assert read.moment == datetime(2026, 5, 22, 23, 35, 59, 825_000, tzinfo=UTC)
    assert attrs.evolve(read, time="2026-05-22T23:35:59").moment == datetime(2026, 5, 22, 23, 35, 59, tzinfo=UTC)


def test_a_program_is_named_and_its_certificates_are_trusted(
    httpx_mock: HTTPXMock, source: CoveoSource, tmp_path: Path
) -> None:
    """The User-Agent has the program's name, and a bundle of certificates that is not there is told."""
    httpx_mock.add_response(json=page(entry()), is_reusable=True)
    with IndexingLog(source, poll_seconds=0, user_agent_suffix="acme-pim/7") as log:
        log.wait(sent(STAMP), timeout=0)
    assert httpx_mock.get_requests()[0].headers["User-Agent"].endswith("acme-pim/7")
    with (
        IndexingLog(source, ca_bundle=tmp_path / "none.pem") as log,
        pytest.raises(ConfigurationError, match=r"none\.pem"),
    ):
        log.wait(sent(STAMP), timeout=0)


def test_the_privileges_are_named(httpx_mock: HTTPXMock, log: IndexingLog) -> None:
    """A 403 of the logs names both privileges, which belong together."""
    httpx_mock.add_response(status_code=403, json={"errorCode": "ACCESS_DENIED"})
    with pytest.raises(AccessRefused, match="Organization, Organization: View, and"):
        log.wait(sent(STAMP), timeout=0)
