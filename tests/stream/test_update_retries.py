"""What goes wrong in an update: what is sent again, what is not, and what is said of each chunk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from loading import operations, products
from updating import appends, ending_together, patient, pausing_by, replaces, sandbox_values, unwaited

from coveo_enrich import CoveoSource, PartialUpdate, RetryPolicy, StreamClient
from coveo_enrich.errors import AccessRefused, CoveoEnrichError, CoveoRefused, NoReply, UploadRefused
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation

Trouble = Callable[[CoveoSandbox], object]

LOSSES: dict[str, Trouble] = {
    "reply lost": lambda box: box.lose_reply("update"),
    "broken before": lambda box: box.break_connection("update"),
    "broken in the middle": lambda box: box.break_connection("update", when="middle"),
    "500": lambda box: box.fail("update", 500),
    "502": lambda box: box.fail("update", 502, body="<html>Bad gateway</html>"),
    "504": lambda box: box.fail("update", 504),
    "408": lambda box: box.fail("update", 408),
}


@pytest.fixture
def one_by_one(source: CoveoSource) -> Iterator[StreamClient]:
    """A client that sends chunks of about ten items one after the other, and repeats without waiting."""
    with patient(source) as client:
        yield client


@pytest.mark.parametrize("trouble", LOSSES.values(), ids=LOSSES.keys())
def test_after_a_lost_reply_the_chunk_is_sent_again(
    sandbox: CoveoSandbox, one_by_one: StreamClient, trouble: Trouble
) -> None:
    """Law 4: the same bytes in a new container, another update; every item is there once, and nothing is in doubt."""
    trouble(sandbox)
    receipt = one_by_one.update(products(30), delete=["product://9999"])
    assert sandbox_values(sandbox, "title") == {item["documentId"]: item["title"] for item in products(30)}
    assert [operations(sandbox).count(name) for name in ("files", "upload", "update")] == [4, 4, 4]
    sizes = [request.body_size for request in sandbox.requests() if request.operation == "upload"]
    assert sizes[0] == sizes[1] == receipt.chunks[0].size
    assert [chunk.attempts for chunk in receipt.chunks] == [2, 1, 1]
    assert (receipt.complete, receipt.unconfirmed, receipt.items) == (True, (), 30)


@pytest.mark.parametrize("trouble", LOSSES.values(), ids=LOSSES.keys())
def test_a_partial_update_that_may_be_repeated_is(
    sandbox: CoveoSandbox, one_by_one: StreamClient, trouble: Trouble
) -> None:
    """Law 4: only arrayAppend may not be applied twice; the other operators are sent again like whole items."""
    one_by_one.load(products(10))
    trouble(sandbox)
    receipt = one_by_one.update_partially(replaces(10))
    assert set(sandbox_values(sandbox, "title").values()) == {"new"}
    assert (receipt.complete, receipt.unconfirmed, len(receipt.chunks)) == (True, (), 2)


@pytest.mark.parametrize("operation", ["files", "update", "merge"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_call_that_was_not_served_is_repeated(
    sandbox: CoveoSandbox, one_by_one: StreamClient, operation: Operation, status: int
) -> None:
    """Law 7: three times refused for a moment; no container and no upload more than there are chunks."""
    sandbox.fail(operation, status, times=3)
    method = one_by_one.merge if operation == "merge" else one_by_one.update
    assert method(products(10)).complete
    assert len(sandbox.items()) == 10
    expected = {"files": 1, "upload": 1, "merge" if operation == "merge" else "update": 1}
    expected[operation] += 3
    assert {name: operations(sandbox).count(name) for name in expected} == expected


@pytest.mark.parametrize("operation", ["files", "upload", "update", "delete_older_than"])
@pytest.mark.parametrize("seconds", ["7", "300"])
def test_a_pause_that_was_asked_for_is_kept(
    sandbox: CoveoSandbox, source: CoveoSource, monkeypatch: pytest.MonkeyPatch, operation: Operation, seconds: str
) -> None:
    """Law 7: Retry-After in seconds is waited to the second, in place of the own wait, and stands in the receipt."""
    waits = unwaited(monkeypatch)
    sandbox.fail(operation, 429, headers={"Retry-After": seconds})
    with StreamClient(source) as client:
        receipt = client.replace(products(3))
    assert waits == [float(seconds)]
    assert receipt.retry_seconds == float(seconds)


def test_a_date_to_wait_for_is_kept(
    sandbox: CoveoSandbox, source: CoveoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 7: Retry-After may be a date: what is over leaves it at the own wait, what is to come is waited for."""
    waits = unwaited(monkeypatch)
    now = datetime.now(UTC)
    sandbox.fail("update", 503, headers={"Retry-After": format_datetime(now - timedelta(minutes=1), usegmt=True)})
    sandbox.fail("update", 503, headers={"Retry-After": format_datetime(now + timedelta(minutes=5), usegmt=True)})
    with StreamClient(source) as client:
        assert client.update(products(3)).complete
    assert 0 < waits[0] <= 1
    assert 100 < waits[1] <= 300
    assert len(waits) == 2


@pytest.mark.parametrize("header", ["301", "86400", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_pause_that_is_too_long_ends_the_update(
    sandbox: CoveoSandbox, source: CoveoSource, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    """Law 7: a service that wants more than five minutes is not asked again, and nobody waits for it."""
    waits = unwaited(monkeypatch)
    sandbox.fail("update", 429, headers={"Retry-After": header}, times=None)
    with StreamClient(source) as client, pytest.raises(CoveoRefused, match="429"):
        client.update(products(3))
    assert waits == []
    assert operations(sandbox).count("update") == 1


def test_the_budget_ends_the_update(
    sandbox: CoveoSandbox, source: CoveoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 7: a run waits no longer than its budget over all its calls; what was waited stands in the receipt."""
    waits = unwaited(monkeypatch)
    sandbox.fail("files", 429, headers={"Retry-After": "40"}, times=2)
    sandbox.fail("update", 429, headers={"Retry-After": "40"}, times=None)
    with StreamClient(source, retry=RetryPolicy(budget_seconds=100)) as client, pytest.raises(CoveoRefused) as caught:
        client.update(products(3))
    assert waits == [40.0, 40.0]
    assert caught.value.receipt.retry_seconds == 80


@pytest.mark.parametrize("operation", ["files", "update", "delete_older_than"])
def test_the_daily_limit_is_not_repeated(sandbox: CoveoSandbox, one_by_one: StreamClient, operation: Operation) -> None:
    """Law 7: TOO_MANY_DOCUMENTS_DAILY stops at once; the advice says tomorrow."""
    sandbox.fail(operation, 429, error_code="TOO_MANY_DOCUMENTS_DAILY", times=None)
    with pytest.raises(CoveoRefused, match=r"TOO_MANY_DOCUMENTS_DAILY.*tomorrow"):
        one_by_one.replace(products(3))
    assert operations(sandbox).count(operation) == 1


def test_the_daily_limit_does_not_spare_an_append(sandbox: CoveoSandbox, one_by_one: StreamClient) -> None:
    """Laws 4 and 7: a 429 leaves no doubt, whatever its code: the chunk is named as certainly not applied."""
    sandbox.fail("update", 429, error_code="TOO_MANY_DOCUMENTS_DAILY", times=None)
    with pytest.raises(CoveoRefused) as caught:
        one_by_one.update_partially(appends(3))
    (chunk,) = caught.value.receipt.unconfirmed
    assert (chunk.may_be_applied, chunk.document_ids) == (False, ())


@pytest.mark.parametrize("made", ["whole", "append"])
def test_a_container_that_expired_is_replaced_once(sandbox: CoveoSandbox, one_by_one: StreamClient, made: str) -> None:
    """Law 6: 412 INVALID_PARAMETER means that the file is gone, so the same bytes go into a new one, at once."""
    one_by_one.load(products(3))
    sandbox.fail("update", 412, error_code="INVALID_PARAMETER")
    receipt = one_by_one.update(products(3)) if made == "whole" else one_by_one.update_partially(appends(3))
    assert [operations(sandbox).count(name) for name in ("files", "update")] == [2, 2]
    assert (receipt.complete, receipt.chunks[0].attempts, receipt.retry_seconds) == (True, 2, 0)
    if made == "append":
        assert list(sandbox_values(sandbox, "ec_color").values()) == [["Red"]] * 3


def test_a_container_that_expires_between_two_tries_is_replaced(
    sandbox: CoveoSandbox, source: CoveoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 6: the sandbox itself refuses a file after an hour; the update goes on with a new container."""
    pausing_by(monkeypatch, lambda _seconds: sandbox.advance(minutes=61))
    sandbox.fail("update", 503)
    with StreamClient(source) as client:
        assert client.update(products(3)).complete
    assert [request.status for request in sandbox.requests() if request.operation == "update"] == [503, 412, 202]
    assert len(sandbox.items()) == 3


def test_a_second_412_ends_the_update(sandbox: CoveoSandbox, one_by_one: StreamClient) -> None:
    """Law 7: one new container cures an expired one; when it does not, nothing will."""
    sandbox.fail("update", 412, error_code="INVALID_PARAMETER", times=None)
    with pytest.raises(CoveoRefused, match="412 INVALID_PARAMETER") as caught:
        one_by_one.update(products(3))
    assert [operations(sandbox).count(name) for name in ("files", "update")] == [2, 2]
    assert [chunk.may_be_applied for chunk in caught.value.receipt.unconfirmed] == [False]


@pytest.mark.parametrize("operation", ["files", "update", "merge"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 412, 413, 415])
def test_a_refusal_is_not_repeated(
    sandbox: CoveoSandbox, one_by_one: StreamClient, operation: Operation, status: int
) -> None:
    """Law 7: asked once; the error names operation, status and code; the chunk is certainly not applied."""
    sandbox.fail(operation, status, error_code="SOME_CODE", times=None)
    method = one_by_one.merge if operation == "merge" else one_by_one.update
    with pytest.raises(CoveoRefused, match=f"Coveo answered {status} SOME_CODE") as caught:
        method(products(3))
    assert isinstance(caught.value, AccessRefused) is (status in (401, 403))
    assert operations(sandbox).count(operation) == 1
    assert [chunk.may_be_applied for chunk in caught.value.receipt.unconfirmed] == [False]
    assert sandbox.items() == []


def test_an_error_says_what_became_of_each_chunk(sandbox: CoveoSandbox, one_by_one: StreamClient) -> None:
    """The promise of an update: its receipt lists what was confirmed and what was not, and a note says it in words."""
    sandbox.fail("update", 400, after=1)
    with pytest.raises(CoveoRefused) as caught:
        one_by_one.update(products(36))
    receipt = caught.value.receipt
    assert [chunk.number for chunk in receipt.chunks] == [1]
    (failed,) = receipt.unconfirmed
    assert (failed.number, failed.may_be_applied) == (2, False)
    assert failed.reason == str(caught.value)
    confirmed = receipt.chunks[0]
    assert receipt.items == confirmed.items
    assert failed.first_id == f"product://{confirmed.items + 1:04}"
    assert failed.last_id == f"product://{confirmed.items + failed.items:04}"
    assert not receipt.complete
    assert not receipt.all_sent
    (note,) = caught.value.__notes__
    assert note.startswith(f"1 of 2 chunks with {confirmed.items} items were confirmed and take effect")
    assert "the rest was not sent" in note
    assert list(sandbox_values(sandbox, "title")) == [item["documentId"] for item in products(confirmed.items)]


@pytest.mark.parametrize("way", ["break_connection", "lose_reply"])
def test_a_chunk_that_stays_in_doubt_is_said_to(sandbox: CoveoSandbox, source: CoveoSource, way: str) -> None:
    """Law 4: replies lost to the end leave it open whether the chunk was applied, and the note names its ids."""
    getattr(sandbox, way)("update", times=None)
    with patient(source, attempts=3) as client, pytest.raises(NoReply, match="the reply was lost") as caught:
        client.update(products(5))
    assert [operations(sandbox).count(name) for name in ("files", "update")] == [3, 3]
    (chunk,) = caught.value.receipt.unconfirmed
    assert (chunk.may_be_applied, chunk.items, chunk.document_ids) == (True, 5, ())
    assert "not confirmed: chunk 1 (product://0001 to product://0005)" in caught.value.__notes__[0]
    assert len(sandbox.items()) == (5 if way == "lose_reply" else 0)


BEFORE_THE_CALL: dict[str, Trouble] = {
    "no container": lambda box: box.fail("files", 403, times=None),
    "no reply about a container": lambda box: box.break_connection("files", times=None),
    "storage refuses": lambda box: box.fail("upload", 400, times=None),
    "storage breaks off": lambda box: box.break_connection("upload", times=None),
    "storage loses its reply": lambda box: box.lose_reply("upload", times=None),
}


@pytest.mark.parametrize("trouble", BEFORE_THE_CALL.values(), ids=BEFORE_THE_CALL.keys())
def test_what_was_never_called_for_is_not_applied(sandbox: CoveoSandbox, source: CoveoSource, trouble: Trouble) -> None:
    """Law 4: an upload has no effect of its own, so a chunk that came no further is certainly not applied."""
    trouble(sandbox)
    with patient(source, attempts=3) as client, pytest.raises(CoveoEnrichError) as caught:
        client.update_partially(appends(3))
    (chunk,) = caught.value.receipt.unconfirmed
    assert (chunk.may_be_applied, chunk.document_ids) == (False, ())
    assert "update" not in operations(sandbox)


AFTER_A_DOUBT: dict[str, Trouble] = {
    "refused": lambda box: box.fail("update", 400, times=None),
    "daily limit": lambda box: box.fail("update", 429, error_code="TOO_MANY_DOCUMENTS_DAILY", times=None),
    "busy to the end": lambda box: box.fail("update", 503, times=None),
    "no container": lambda box: box.fail("files", 400, times=None, after=1),
    "storage refuses": lambda box: box.fail("upload", 400, times=None, after=1),
}


@pytest.mark.parametrize("trouble", AFTER_A_DOUBT.values(), ids=AFTER_A_DOUBT.keys())
def test_a_doubt_stays_whatever_comes_after_it(sandbox: CoveoSandbox, source: CoveoSource, trouble: Trouble) -> None:
    """Law 4: the first call was carried out and its reply lost; that the second was refused undoes nothing of it."""
    sandbox.lose_reply("update")
    trouble(sandbox)
    with patient(source, attempts=3) as client, pytest.raises((CoveoRefused, UploadRefused)) as caught:
        client.update(products(5))
    assert len(sandbox.items()) == 5
    assert [chunk.may_be_applied for chunk in caught.value.receipt.unconfirmed] == [True]


def test_chunks_beside_one_that_fails_keep_their_items(
    sandbox: CoveoSandbox, source: CoveoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 9: of chunks that end at the same moment, every one is accounted for: confirmed or not, never left out."""
    ending_together(monkeypatch)
    sandbox.fail("update", 400, after=5)
    with patient(source, concurrency=8) as client, pytest.raises(CoveoRefused) as caught:
        client.update(products(90))
    receipt = caught.value.receipt
    doubtful = [chunk for chunk in receipt.unconfirmed if chunk.may_be_applied]
    assert receipt.items <= len(sandbox.items()) <= receipt.items + sum(chunk.items for chunk in doubtful)
    accounted = [chunk.number for chunk in (*receipt.chunks, *receipt.unconfirmed)]
    assert sorted(accounted) == list(range(1, len(accounted) + 1))
    taken = sum(request.status == 202 for request in sandbox.requests())
    assert len(receipt.chunks) <= taken <= len(receipt.chunks) + len(doubtful)


@pytest.mark.parametrize("trouble", LOSSES.values(), ids=LOSSES.keys())
def test_an_append_whose_reply_was_lost_is_not_sent_again(
    sandbox: CoveoSandbox, one_by_one: StreamClient, trouble: Trouble
) -> None:
    """Law 4: no value is there twice, the run goes on, and the receipt names the items that are in doubt."""
    one_by_one.load(products(15))
    trouble(sandbox)
    receipt = one_by_one.update_partially(appends(15))
    colors = sandbox_values(sandbox, "ec_color")
    (doubtful,) = receipt.unconfirmed
    sure = [one for one in colors if one not in doubtful.document_ids]
    assert all(colors[one] == ["Red"] for one in sure)
    assert all(colors[one] in (None, ["Red"]) for one in doubtful.document_ids)
    assert (doubtful.number, doubtful.may_be_applied, doubtful.items) == (1, True, len(doubtful.document_ids))
    assert receipt.items == len(sure) == 15 - doubtful.items
    assert operations(sandbox).count("update") == len(receipt.chunks) + 1 > 2
    assert not receipt.complete


def test_only_items_that_are_appended_to_are_in_doubt(sandbox: CoveoSandbox, one_by_one: StreamClient) -> None:
    """Law 4: of a chunk with other operations, those may be sent again: each appended item is named, and once."""
    odd = 'product://"arrayAppend"/é\\'
    one_by_one.load([*products(3), {"documentId": odd}])
    sandbox.lose_reply("update")
    receipt = one_by_one.update_partially(
        [
            PartialUpdate.replace_value("product://0001", "title", '{"documentId":"x","operator":"arrayAppend"'),
            PartialUpdate.append_values("product://0002", "ec_color", ["Red"]),
            PartialUpdate.append_values(odd, "ec_color", ["Red"]),
            PartialUpdate.append_values("product://0002", "ec_images", ["https://images.example/1"]),
            PartialUpdate.remove_field("product://0003", "title"),
        ]
    )
    assert receipt.unconfirmed[0].document_ids == ("product://0002", odd)
    assert json.loads(receipt.to_json())["unconfirmed"][0]["document_ids"] == ["product://0002", odd]


def test_an_update_breaks_off_before_the_rest_is_read(sandbox: CoveoSandbox, one_by_one: StreamClient) -> None:
    """Law 12: a key that is refused stops an update after the first chunks, not after the catalog."""
    sandbox.fail("files", 401, times=None)
    read = 0

    def catalog() -> Iterator[dict[str, str]]:
        nonlocal read
        for product in products(1_000):
            read += 1
            yield product

    with pytest.raises(AccessRefused):
        one_by_one.update(catalog())
    assert read < 50


@pytest.mark.parametrize("page", ["<html>Please log in</html>", "OK"])
def test_a_log_in_page_does_not_confirm_an_update(sandbox: CoveoSandbox, client: StreamClient, page: str) -> None:
    """Law 4: a success that is not Coveo's is a lost reply: the same bytes go into a new container."""
    sandbox.fail("update", 200, body=page)
    assert client.update(products(3)).complete
    assert len(sandbox.items()) == 3
    assert operations(sandbox).count("update") == operations(sandbox).count("files") == 2


def test_an_append_behind_a_gateway_of_its_own_kind_may_be_applied(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 4: a status of a gateway's own above 500 does not say that nothing was appended."""
    sandbox.fail("update", 524)
    receipt = client.update_partially([PartialUpdate.append_values("product://1", "ec_color", ["Red"])])
    assert [(chunk.may_be_applied, chunk.document_ids) for chunk in receipt.unconfirmed] == [(True, ("product://1",))]
    assert operations(sandbox).count("update") == 1
