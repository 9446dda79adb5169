"""A replace: exactly the new items, by updates and a deletion; whatever goes wrong, nothing is deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loading import broken_off, document_ids, fill, operations, products
from updating import batches_in, paths, patient, sandbox_values

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import (
    CoveoEnrichError,
    CoveoRefused,
    DeletionRefused,
    EmptyLoad,
    InvalidItem,
    NoReply,
    ShrinkingLoad,
    SourceSizeUnknown,
)
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation


def _ids(count: int) -> list[str]:
    return [product["documentId"] for product in products(count)]


def test_the_source_becomes_exactly_these_items(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """The promise of a replace: old and new together until 15 minutes have passed, then exactly the new ones."""
    old = fill(client, 20)
    receipt = client.replace(iter(products(30)))
    assert list(sandbox_values(sandbox, "title")) == [*old, *_ids(30)]
    sandbox.advance(minutes=14)
    assert list(sandbox_values(sandbox, "title")) == [*old, *_ids(30)]
    sandbox.advance(minutes=1)
    assert list(sandbox_values(sandbox, "title")) == _ids(30)
    assert (receipt.operation, receipt.items, receipt.complete) == ("replace", 30, True)
    assert receipt.older_than == min(chunk.ordering_id or 0 for chunk in receipt.chunks)
    assert receipt.ending is not None


def test_items_that_stay_are_renewed(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """An item that is in both is in its new form at once, and stays."""
    client.load([{**product, "ec_brand": "Acme"} for product in products(10)])
    client.replace(products(6, first=5))
    assert len(document_ids(sandbox)) == 6
    assert set(sandbox_values(sandbox, "ec_brand").values()) == {None}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_bound_is_the_smallest_stamp(sandbox: CoveoSandbox, source: CoveoSource, concurrency: int) -> None:
    """Law 4: of the stamps of overlapping calls the smallest, whichever chunk has it; no item of this run goes."""
    with patient(source, concurrency=concurrency) as client:
        receipt = client.replace(products(90))
    stamps = [chunk.ordering_id for chunk in receipt.chunks if chunk.ordering_id]
    assert len(stamps) == len(receipt.chunks) > concurrency
    assert paths(sandbox, "delete_older_than")[0].endswith(f"/{min(stamps)}")
    assert document_ids(sandbox) == _ids(90)


def test_the_size_of_the_source_is_asked_first(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: the size of the source is asked for before anything is sent; the receipt has what was expected."""
    fill(client, 20)
    before = len(operations(sandbox))
    receipt = client.replace(products(15))
    assert operations(sandbox)[before] == "source"
    assert (receipt.expected_items, receipt.expected_from) == (20, "items in the source now")


@pytest.mark.parametrize("given", [None, 20])
def test_a_shrinking_catalog_deletes_nothing(sandbox: CoveoSandbox, client: StreamClient, given: int | None) -> None:
    """Law 3: less than half of what is there, or of what was to be expected, and every old item stays."""
    old = fill(client, 20)
    with pytest.raises(ShrinkingLoad, match="allow_shrink=True") as caught:
        client.replace(products(9), expected_items=given)
    assert "delete_older_than" not in operations(sandbox)
    assert document_ids(sandbox) == [*old, *_ids(9)]
    receipt = caught.value.receipt
    assert (receipt.items, receipt.all_sent, receipt.complete, receipt.older_than) == (9, True, False, None)
    assert receipt.expected_from == ("items in the source now" if given is None else "expected_items")
    (note,) = caught.value.__notes__
    assert note == "1 of 1 chunks with 9 items were confirmed and take effect. Nothing was deleted for being older."


def test_a_shrinking_catalog_can_be_finished(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: once somebody has looked, the error's receipt is enough; nothing is sent again."""
    fill(client, 20)
    with pytest.raises(ShrinkingLoad) as caught:
        client.replace(products(9))
    sent = operations(sandbox).count("update")
    receipt = client.delete_older_than(caught.value.receipt, allow_shrink=True)
    assert document_ids(sandbox) == _ids(9)
    assert operations(sandbox).count("update") == sent
    assert receipt.older_than == caught.value.receipt.ordering_ids[0]


@pytest.mark.parametrize("count", [10, 20])
def test_half_of_the_source_is_enough(sandbox: CoveoSandbox, client: StreamClient, count: int) -> None:
    """Law 3: a replace by exactly half of the items passes; the guard is for less."""
    fill(client, 20)
    assert client.replace(products(count)).complete
    assert document_ids(sandbox) == _ids(count)


def test_a_catalog_may_be_allowed_to_shrink(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: the size is not even asked for, and the receipt says that the guard was not used."""
    fill(client, 20)
    asked = operations(sandbox).count("source")
    receipt = client.replace(products(3), allow_shrink=True)
    assert document_ids(sandbox) == _ids(3)
    assert operations(sandbox).count("source") == asked
    assert (receipt.expected_items, receipt.expected_from) == (None, "allow_shrink=True")


def test_without_the_size_nothing_is_sent(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: when it cannot be had, the replace raises before it asks for a container."""
    sandbox.fail("source", 403, times=None)
    with pytest.raises(SourceSizeUnknown, match="expected_items="):
        client.replace(products(3))
    assert operations(sandbox) == ["source"]


@pytest.mark.parametrize("allow_shrink", [False, True])
@pytest.mark.parametrize("kind", [list, iter], ids=["list", "generator"])
def test_nothing_does_not_replace_everything(
    sandbox: CoveoSandbox, client: StreamClient, kind: Callable[[list[object]], object], *, allow_shrink: bool
) -> None:
    """Law 3: no item at all raises, whatever was allowed, and deletes nothing."""
    old = fill(client, 20)
    with pytest.raises(EmptyLoad, match="nothing deleted") as caught:
        client.replace(kind([]), allow_shrink=allow_shrink)  # type: ignore[arg-type]
    assert document_ids(sandbox) == old
    assert "delete_older_than" not in operations(sandbox)
    assert caught.value.receipt.items == 0


def test_skipped_items_keep_the_old_ones(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Laws 4 and 9: what was skipped is still in the source in its old form; the receipt says that nothing goes."""
    old = fill(client, 10)
    receipt = client.replace([*products(10), {"documentId": old[0], "ec_price": float("inf")}], skip_invalid=True)
    assert document_ids(sandbox) == [*old, *_ids(10)]
    assert "delete_older_than" not in operations(sandbox)
    assert (receipt.items, receipt.skipped, receipt.older_than, receipt.complete) == (10, 1, None, False)
    assert "older items: kept" in str(receipt)
    assert "skipped: 1 item" in str(receipt)


def test_all_items_skipped_delete_nothing(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Laws 3 and 4: a catalog of mistakes does not empty the source."""
    old = fill(client, 10)
    receipt = client.replace([{}, {}], skip_invalid=True, allow_shrink=True)
    assert document_ids(sandbox) == old
    assert (receipt.items, receipt.skipped, receipt.complete) == (0, 2, False)


@pytest.mark.parametrize("bad", [{"title": "no id"}, products(1)[0]], ids=["invalid", "repeated"])
def test_an_invalid_item_stops_a_replace(sandbox: CoveoSandbox, client: StreamClient, bad: dict[str, str]) -> None:
    """Law 5: unless skipping was asked for, it raises, and nothing is deleted."""
    old = fill(client, 10)
    with pytest.raises(InvalidItem) as caught:
        client.replace([*products(30), bad])
    assert caught.value.position == 31
    assert "delete_older_than" not in operations(sandbox)
    assert set(old) <= set(document_ids(sandbox))


def test_a_catalog_that_breaks_off_deletes_nothing(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """The promise of a replace: old and new items, each in one of its forms, and a note that says so."""
    old = fill(client, 10)
    with pytest.raises(OSError, match="disk gone") as caught:
        client.replace(broken_off(30, OSError("disk gone")))
    assert "delete_older_than" not in operations(sandbox)
    assert set(old) <= set(document_ids(sandbox))
    assert "Nothing was deleted for being older." in caught.value.__notes__[0]


@pytest.mark.parametrize("operation", ["files", "upload", "update"])
@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_one_chunk_that_fails_deletes_nothing(
    sandbox: CoveoSandbox, source: CoveoSource, operation: Operation, after: int, concurrency: int
) -> None:
    """Law 4: a chunk that fails, whichever and wherever, leaves every old item."""
    with patient(source, concurrency=concurrency) as client:
        old = fill(client, 10)
        sandbox.fail(operation, 400, times=None, after=after if operation != "upload" else after + 1)
        with pytest.raises(CoveoEnrichError) as caught:
            client.replace(products(60))
    assert "delete_older_than" not in operations(sandbox)
    assert set(old) <= set(document_ids(sandbox))
    assert not caught.value.receipt.all_sent
    with pytest.raises(DeletionRefused, match="not every chunk was sent and confirmed"):
        client.delete_older_than(caught.value.receipt, allow_shrink=True)


@pytest.mark.parametrize("way", ["lose_reply", "break_connection"])
def test_a_lost_reply_to_the_deletion_is_repeated(sandbox: CoveoSandbox, client: StreamClient, way: str) -> None:
    """Law 7: deleting what is older than a stamp twice comes to the same as once."""
    fill(client, 20)
    getattr(sandbox, way)("delete_older_than")
    receipt = client.replace(products(15))
    assert receipt.complete
    first, second = paths(sandbox, "delete_older_than")
    assert first == second
    assert document_ids(sandbox) == _ids(15)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_deletion_that_failed_for_a_moment_is_repeated(
    sandbox: CoveoSandbox, client: StreamClient, status: int
) -> None:
    """Law 7: a deletion that met two passing errors is done in the end."""
    fill(client, 20)
    sandbox.fail("delete_older_than", status, times=2)
    assert client.replace(products(15)).complete
    assert document_ids(sandbox) == _ids(15)


def test_a_deletion_that_was_refused_can_be_asked_for_again(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """The promise of a replace: old and new items are there; the error's receipt finishes it without sending again."""
    old = fill(client, 20)
    sandbox.fail("delete_older_than", 403)
    with pytest.raises(CoveoRefused, match="delete older items") as caught:
        client.replace(products(15))
    assert document_ids(sandbox) == [*old, *_ids(15)]
    assert "Nothing was deleted for being older." in caught.value.__notes__[0]
    client.delete_older_than(caught.value.receipt, expected_items=caught.value.receipt.expected_items)
    assert document_ids(sandbox) == _ids(15)


def test_a_deletion_that_stays_in_doubt_is_not_denied(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 7: every reply was lost although Coveo did delete: no note may say that nothing was deleted."""
    with patient(source, attempts=2) as client:
        fill(client, 20)
        sandbox.lose_reply("delete_older_than", times=None)
        with pytest.raises(NoReply) as caught:
            client.replace(products(15))
    assert document_ids(sandbox) == _ids(15)
    assert "Nothing was deleted" not in "".join(caught.value.__notes__)


def test_a_log_in_page_does_not_confirm_a_deletion(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 7: a success that is not Coveo's raises, and the note does not claim to know."""
    sandbox.fail("delete_older_than", 200, body="<html>Please log in</html>", times=None)
    with pytest.raises(CoveoRefused) as caught:
        client.replace(products(3))
    assert "was asked for and not confirmed" in "".join(caught.value.__notes__)
    assert caught.value.receipt.complete is False


@pytest.mark.parametrize("body", ["{}", '{"orderingId": ""}', '{"orderingId": "soon"}', ""])
def test_without_a_stamp_nothing_is_deleted(sandbox: CoveoSandbox, client: StreamClient, body: str) -> None:
    """Law 4: a chunk confirmed without an orderingId leaves the bound unknown, and no clock takes its place."""
    old = fill(client, 10)
    sandbox.fail("update", 202, body=body)
    with pytest.raises(DeletionRefused, match="orderingId") as caught:
        client.replace(products(15))
    assert "delete_older_than" not in operations(sandbox)
    assert set(old) <= set(document_ids(sandbox))
    assert (caught.value.receipt.items, caught.value.receipt.all_sent) == (15, True)


def test_a_dry_replace_shows_what_would_be_sent(sandbox: CoveoSandbox, client: StreamClient, tmp_path: Path) -> None:
    """A dry replace keeps its chunks and its guard, and touches nothing in the source."""
    old = fill(client, 20)
    before = operations(sandbox)
    receipt = client.replace(products(15), dry_run=tmp_path)
    assert [item for batch in batches_in(tmp_path) for item in batch["addOrUpdate"]] == products(15)
    assert (receipt.items, receipt.dry_run, receipt.complete) == (15, True, True)
    with pytest.raises(ShrinkingLoad):
        client.replace(products(9), dry_run=True)
    with pytest.raises(EmptyLoad):
        client.replace([], dry_run=True)
    assert operations(sandbox) == [*before, *["source"] * 3]
    assert document_ids(sandbox) == old


def test_a_replace_takes_any_length_of_time(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """In a replace of four hours each chunk is applied within the hour of its own container."""

    def catalog() -> Iterator[dict[str, str]]:
        for product in products(60):
            yield product
            if product["documentId"].endswith("0"):
                sandbox.advance(minutes=40)

    with patient(source) as client:
        receipt = client.replace(catalog())
    assert (receipt.items, receipt.complete) == (60, True)
    assert document_ids(sandbox) == _ids(60)
