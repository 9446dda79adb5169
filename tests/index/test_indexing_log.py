"""What was sent is followed through the logs of a sandbox. No time passes here but by waiting."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import httpx
import pytest
from passing_time import PassingTime

from coveo_enrich import CoveoSource, PartialUpdate, RetryPolicy, StreamClient
from coveo_enrich.errors import AccessRefused, ConfigurationError, CoveoRefused
from coveo_enrich.index import IndexingLog, IndexingReport
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import ChunkReceipt, Receipt


@pytest.fixture(autouse=True)
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    """The time of the log and, where a test says so, of its sandbox."""
    return PassingTime(monkeypatch)


@pytest.fixture
def log(source: CoveoSource) -> Iterator[IndexingLog]:
    """The log of the sandbox's source."""
    with IndexingLog(source) as one:
        yield one


def products(count: int) -> list[dict[str, Any]]:
    """So many small items."""
    return [{"documentId": f"product://{number:04}", "ec_name": f"Kayak {number}"} for number in range(count)]


def renamed(ids: Iterable[str]) -> list[PartialUpdate]:
    """An operation on each of these items."""
    return [PartialUpdate.replace_value(document_id, "ec_name", "Boat") for document_id in ids]


def states(report: IndexingReport) -> list[str]:
    """What became of each batch."""
    return [batch.state for batch in report.batches]


def bar(sandbox: CoveoSandbox) -> None:
    """Let the source take nothing in any more."""
    there = sandbox.connection
    future = int((datetime.now(UTC) + timedelta(days=2)).timestamp() * 1000)
    source = f"/push/v1/organizations/{there['organization_id']}/sources/{there['source_id']}"
    headers = {"Authorization": f"Bearer {there['api_key']}", "Content-Type": "application/json"}
    url = f"{sandbox.url}{source}/stream/deleteolderthan/{future}?queueDelay=0"
    httpx.post(url, headers=headers, trust_env=False).raise_for_status()


def log_calls(sandbox: CoveoSandbox) -> int:
    """How often the logs were asked."""
    return sum(request.operation == "logs" for request in sandbox.requests())


def test_a_good_update_is_accepted(client: StreamClient, log: IndexingLog) -> None:
    """Each batch of a good update is accepted, with its number and stamp, and no item failed."""
    receipt = client.update(products(30))
    report = log.wait(receipt)
    assert [(batch.number, batch.ordering_id) for batch in report.batches] == [
        (chunk.number, chunk.ordering_id) for chunk in receipt.chunks
    ]
    assert len(report.batches) > 1
    assert set(states(report)) == {"accepted"}
    assert report.failed_items == ()
    assert report.is_settled
    assert report.is_complete


@pytest.mark.parametrize("operation", ["replace", "merge", "partial"])
def test_other_operations_are_followed_too(client: StreamClient, log: IndexingLog, operation: str) -> None:
    """Other operations are followed by the stamps of their batches, without the one of a replace's deletion."""
    if operation == "replace":
        receipt = client.replace(products(3))
    else:
        client.replace(products(3))
        receipt = client.merge(products(3)) if operation == "merge" else client.update_partially(renamed(ids(3)))
    report = log.wait(receipt)
    assert states(report) == ["accepted"]
    assert report.is_complete


def ids(count: int) -> list[str]:
    """The ids of so many items."""
    return [item["documentId"] for item in products(count)]


def test_a_refused_batch_says_why(sandbox: CoveoSandbox, client: StreamClient, log: IndexingLog) -> None:
    """A refused batch comes with its error, which the report prints; those before it stay accepted."""
    bar(sandbox)
    report = log.wait(client.update(products(1)))
    assert states(report) == ["refused"]
    assert "deleteolderthan" in report.batches[0].error
    assert report.is_settled
    assert not report.is_complete
    assert f"batch 1 is refused: {report.batches[0].error}" in str(report)


def test_the_items_that_failed_are_named(client: StreamClient, log: IndexingLog) -> None:
    """Items that failed are named with their reasons, though their entries have the orderingid 0."""
    client.replace(products(2))
    report = log.wait(client.update_partially(renamed(["product://0001", "product://9", "product://8"])))
    assert states(report) == ["accepted"]
    assert [(item.document_id, item.error, item.result) for item in report.failed_items] == [
        ("product://8", "there is no such item to update", "WARNING"),
        ("product://9", "there is no such item to update", "WARNING"),
    ]
    assert report.is_settled
    assert not report.is_complete
    assert "product://9: STREAMING_EXTENSION UPDATE WARNING: there is no such item to update" in str(report)


def test_many_batches_and_failures_come_in_pages(source: CoveoSource, log: IndexingLog, sandbox: CoveoSandbox) -> None:
    """Pages of a hundred are read; of over a thousand failures the first are kept, and `has_more_failures` is true."""
    with StreamClient(source, max_chunk_bytes=1_000, calls_per_five_minutes=10_000) as client:
        receipt = client.update_partially(renamed(f"product://{number}" for number in range(1_010)))
    assert len(receipt.chunks) > 100
    report = log.wait(receipt)
    assert states(report) == ["accepted"] * len(receipt.chunks)
    assert len({item.document_id for item in report.failed_items}) == len(report.failed_items) == 1_000
    assert report.has_more_failures
    assert "1,000 and more failures of items" in str(report)
    assert log_calls(sandbox) < 20


def test_all_failures_are_there_when_they_are_few(client: StreamClient, log: IndexingLog) -> None:
    """Of more failures than a page holds all are there, and `has_more_failures` is false."""
    report = log.wait(client.update_partially(renamed(f"product://{number}" for number in range(250))))
    assert len({item.document_id for item in report.failed_items}) == 250
    assert not report.has_more_failures


def test_a_log_that_lags_is_waited_for(passing: PassingTime) -> None:
    """There is a look every half minute until each batch is told of, and one more for the items."""
    with CoveoSandbox(log_delay_seconds=100) as sandbox:
        passing.sandbox = sandbox
        source = CoveoSource(**sandbox.connection)
        with StreamClient(source) as client, IndexingLog(source) as log:
            report = log.wait(client.update_partially(renamed(["product://9"])))
    assert states(report) == ["accepted"]
    assert [item.document_id for item in report.failed_items] == ["product://9"]
    assert passing.waits == [30.0] * 5


def test_the_time_may_be_over_before(passing: PassingTime) -> None:
    """A batch not told of in time is pending; the last wait is shorter, so that there is a look at the end."""
    with CoveoSandbox(log_delay_seconds=3_600) as sandbox:
        passing.sandbox = sandbox
        source = CoveoSource(**sandbox.connection)
        with StreamClient(source) as client, IndexingLog(source, poll_seconds=60) as log:
            receipt = client.update(products(1))
            report = log.wait(receipt, timeout=150)
            assert passing.waits == [60.0, 60.0, 30.0]
            assert log_calls(sandbox) == 4 + 1
            assert states(report) == ["pending"]
            assert not report.is_settled
            assert not report.is_complete
            assert "0 of 1 batches accepted, 1 pending" in str(report)
            assert states(log.wait(receipt, timeout=0)) == ["pending"]
            assert passing.waits == [60.0, 60.0, 30.0]


def test_a_load_has_to_be_read_back(client: StreamClient, log: IndexingLog, sandbox: CoveoSandbox) -> None:
    """For a load no call is made, and the report says that it has to be read back."""
    report = log.wait(client.load(products(3), allow_shrink=True))
    assert report.must_be_read_back
    assert report.batches == ()
    assert not report.is_settled
    assert not report.is_complete
    assert "CoveoSearch" in str(report)
    assert log_calls(sandbox) == 0


def test_a_dry_run_is_refused(client: StreamClient, log: IndexingLog, sandbox: CoveoSandbox) -> None:
    """The receipt of a dry run raises ConfigurationError, and no call is made."""
    with pytest.raises(ConfigurationError, match="dry run"):
        log.wait(client.update(products(1), dry_run=True))
    assert log_calls(sandbox) == 0


@pytest.mark.parametrize("receipt", [None, 5, "update", ["product://1"], {"product://1": {}}])
def test_what_is_no_receipt_is_refused(log: IndexingLog, receipt: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """An object without `chunks` raises ConfigurationError, which says that a receipt is wanted."""
    with pytest.raises(ConfigurationError, match="receipt is wanted"):
        log.wait(receipt)


@pytest.mark.parametrize("timeout", ["5", None, True, -1, float("nan")])
def test_a_timeout_that_is_no_time_is_refused(client: StreamClient, log: IndexingLog, timeout: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """A timeout that is no number of 0 or more raises ConfigurationError, which names it."""
    with pytest.raises(ConfigurationError, match="timeout must be 0 or more seconds"):
        log.wait(client.update(products(1)), timeout=timeout)


def test_a_receipt_without_a_confirmed_batch_is_never_complete(sandbox: CoveoSandbox, log: IndexingLog) -> None:
    """Law 9: where Coveo took nothing, that nothing failed does not say that something was accepted."""
    sandbox.fail("update", 400)
    with StreamClient(CoveoSource(**sandbox.connection)) as client, pytest.raises(CoveoRefused) as raised:
        client.update(products(1))
    report = log.wait(raised.value.receipt)
    assert (report.batches, report.is_complete) == ((), False)
    assert "no batch was confirmed" in str(report)
    assert log_calls(sandbox) == 0


def test_batches_without_a_stamp_do_not_hold_up_the_others(client: StreamClient, log: IndexingLog) -> None:
    """Batches with a stamp are followed to their end, whatever others have none."""
    receipt = client.update(products(30))
    first, *others = receipt.chunks
    report = log.wait(attrs.evolve(receipt, chunks=(attrs.evolve(first, ordering_id=None), *others)))
    assert states(report) == ["unknown"] + ["accepted"] * len(others)
    assert not report.is_settled


def test_what_deleted_older_items_has_no_batches(client: StreamClient, log: IndexingLog, sandbox: CoveoSandbox) -> None:
    """The receipt of a deletion of older items has nothing to follow: the report says so, and is not complete."""
    receipt = client.delete_older_than(client.update(products(3)), expected_items=3)
    report = log.wait(receipt)
    assert report.batches == ()
    assert not report.is_complete
    assert "nothing to follow" in str(report)
    assert log_calls(sandbox) == 0


def test_entries_of_other_sources_and_pushes_are_left_out() -> None:
    """Failures of another source, of an earlier time and of a later one are not in the report."""
    with CoveoSandbox(restricted=False) as sandbox:
        source = CoveoSource(**sandbox.connection)
        other = attrs.evolve(source, source_id="another")
        with StreamClient(source) as client, StreamClient(other) as beside, IndexingLog(source) as log:
            client.update_partially(renamed(["product://earlier"]))
            sandbox.advance(minutes=5)
            receipt = client.update_partially(renamed(["product://mine"]))
            beside.update_partially(renamed(["product://beside"]))
            sandbox.advance(minutes=90)
            client.update_partially(renamed(["product://later"]))
            report = log.wait(receipt)
    assert states(report) == ["accepted"]
    assert [item.document_id for item in report.failed_items] == ["product://mine"]


def test_a_gateway_that_gives_up_is_asked_again(
    passing: PassingTime, client: StreamClient, log: IndexingLog, sandbox: CoveoSandbox
) -> None:
    """A 504 is asked again at the pace of the logs, not at once."""
    receipt = client.update(products(1))
    sandbox.fail("logs", 504, body='{"message": "Endpoint request timed out"}', times=2)
    assert log.wait(receipt).is_complete
    retries = passing.waits[:2]
    assert 15 <= retries[0] <= 30 <= retries[1] <= 60


def test_a_gateway_that_never_answers_is_an_error(
    client: StreamClient, source: CoveoSource, sandbox: CoveoSandbox
) -> None:
    """A gateway that never answers raises with its status after all tries."""
    receipt = client.update(products(1))
    sandbox.fail("logs", 504, times=None)
    patience = RetryPolicy(attempts=3, first_wait_seconds=0)
    with IndexingLog(source, retry=patience) as log, pytest.raises(CoveoRefused, match=r"read the logs.*504"):
        log.wait(receipt)
    assert log_calls(sandbox) == 3


def test_a_key_without_the_privileges_is_told_which(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """A 403 names the privileges of the logs; a broader platform_key is used for them."""
    receipt = client.update(products(1))
    narrow = CoveoSource(**{**sandbox.connection, "api_key": sandbox.create_api_key("SOURCE_EDIT")})
    with IndexingLog(narrow) as log, pytest.raises(AccessRefused, match=r"Organization: View.*Sources: View"):
        log.wait(receipt)
    broad = attrs.evolve(narrow, platform_key=sandbox.create_api_key("ORGANIZATION_VIEW", "SOURCE_VIEW"))
    with IndexingLog(broad) as log:
        assert log.wait(receipt).is_complete


def test_a_receipt_of_another_source_is_refused(source: CoveoSource, client: StreamClient) -> None:
    """A receipt of another source or organization raises: its batches would be pending for ever."""
    receipt = client.update(products(1))
    for elsewhere in (attrs.evolve(source, source_id="another"), attrs.evolve(source, organization_id="another")):
        with IndexingLog(elsewhere) as log, pytest.raises(ConfigurationError, match="another"):
            log.wait(receipt)


def test_numbers_out_of_range_are_refused(source: CoveoSource, client: StreamClient, log: IndexingLog) -> None:
    """A `poll_seconds`, `timeout` or `calls_per_five_minutes` out of its range raises, and names it."""
    receipt = client.update(products(1))
    for wrong in (-1, float("nan")):
        with pytest.raises(ConfigurationError, match="poll_seconds"):
            IndexingLog(source, poll_seconds=wrong)
        with pytest.raises(ConfigurationError, match="timeout"):
            log.wait(receipt, timeout=wrong)
    with pytest.raises(ConfigurationError, match="calls_per_five_minutes"):
        IndexingLog(source, calls_per_five_minutes=0)


def test_a_log_and_its_report_travel(
    client: StreamClient, sandbox: CoveoSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log, a receipt and a report pickle, so that another process can wait."""
    for name, value in sandbox.environ().items():
        monkeypatch.setenv(name, value)
    used = IndexingLog(CoveoSource.from_env())
    receipt = client.update_partially(renamed(["product://9"]))
    report = used.wait(receipt)
    log: IndexingLog
    log, arrived = pickle.loads(pickle.dumps((used, receipt)))  # noqa: S301 - our own
    used.close()
    with log:
        assert log.wait(arrived) == report
    assert pickle.loads(pickle.dumps(report)) == report  # noqa: S301 - our own


def test_the_json_holds_everything(client: StreamClient, log: IndexingLog) -> None:
    """The JSON has a key for each attribute, and whether all is well."""
    report = log.wait(client.update_partially(renamed(["product://9"])))
    told = json.loads(report.to_json())
    assert set(told) == {field.name for field in attrs.fields(IndexingReport)} | {"is_settled", "is_complete"}
    assert told["batches"][0]["state"] == "accepted"
    assert told["failed_items"][0]["document_id"] == "product://9"
    assert (told["is_settled"], told["is_complete"]) == (True, False)


def test_a_report_prints_on_a_screen() -> None:
    """A report prints twenty batches, twenty items and how many more; in a notebook nothing of it is markup."""
    from coveo_enrich.index import BatchOutcome, FailedItem  # noqa: PLC0415 - used here alone

    batches = [BatchOutcome(number=number, ordering_id=number, state="refused", error="<b>") for number in range(30)]
    item = FailedItem(document_id="", error="a\nb", task="INDEXING", operation="ADD", result="ERROR", time="")
    report = IndexingReport(
        operation="update", source_id="src", batches=tuple(batches), failed_items=(item,) * 25, has_more_failures=True
    )
    lines = str(report).splitlines()
    assert lines[0] == "update of source src: 0 of 30 batches accepted, 30 refused; 25 and more failures of items"
    assert lines[21] == "and 10 more batches"
    assert lines[22] == "an item without id: INDEXING ADD ERROR: a\\nb"
    assert lines[-1] == "and at least 5 more failures"
    html: str = report._repr_html_()  # pyright: ignore[reportPrivateUsage] - what notebooks call
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_the_key_is_in_no_repr(source: CoveoSource, sandbox: CoveoSandbox) -> None:
    """Law 13: the repr of a log shows its source, and no secret."""
    shown = repr(IndexingLog(source))
    assert "sandbox-catalog" in shown
    assert sandbox.connection["api_key"] not in shown


def test_a_receipt_is_read_by_its_shape(client: StreamClient, log: IndexingLog) -> None:
    """Whatever has a receipt's attributes can be followed, such as a receipt stored in another form."""
    receipt: Receipt = client.update(products(1))
    chunk: ChunkReceipt = receipt.chunks[0]
    kept = SimpleNamespace(
        operation="update",
        organization_id=receipt.organization_id,
        source_id=receipt.source_id,
        chunks=[SimpleNamespace(number=1, ordering_id=chunk.ordering_id)],
    )
    stored: Any = kept
    assert log.wait(stored).is_complete
