"""Deleting what a full update left behind, on the strength of its receipt and of nothing else."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import attrs
import pytest
from loading import broken_off, document_ids, fill, operations, products
from updating import appends, paths, patient, replaces

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import AccessRefused, CoveoRefused, DeletionRefused, ShrinkingLoad, SourceSizeUnknown
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream.receipts import Receipt


def _ids(count: int) -> list[str]:
    return [product["documentId"] for product in products(count)]


def test_what_an_update_left_behind_is_deleted(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """The second half of a replace: exactly the items of the update remain, 15 minutes later."""
    old = fill(client, 20)
    updated = client.update(products(30))
    receipt = client.delete_older_than(updated)
    assert {item["documentId"] for item in sandbox.items()} == {*old, *_ids(30)}
    assert document_ids(sandbox) == _ids(30)
    assert paths(sandbox, "delete_older_than")[0].endswith(f"/{min(updated.ordering_ids)}")
    assert receipt.operation == "delete older than"
    assert receipt.older_than == min(updated.ordering_ids)
    assert (receipt.expected_items, receipt.expected_from) == (50, "items in the source now")


def test_a_deletion_that_was_confirmed_is_complete(client: StreamClient) -> None:
    """Its receipt says that it did all that it is for, with Coveo's answer."""
    receipt = client.delete_older_than(client.update(products(3)))
    assert receipt.ending is not None
    assert receipt.complete
    assert json.loads(receipt.to_json())["complete"]
    assert str(receipt).startswith("deletion of older items of source sandbox-catalog: ")
    assert "incomplete" not in str(receipt)


def test_a_receipt_that_travelled_is_as_good(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 14: a job that was ended between the two halves goes on with what it kept."""
    fill(client, 4)
    receipt = pickle.loads(pickle.dumps(client.update(products(15))))  # noqa: S301 - our own bytes
    client.delete_older_than(receipt)
    assert document_ids(sandbox) == _ids(15)


REFUSED: dict[str, tuple[Callable[[StreamClient], Receipt], str]] = {
    "load": (lambda client: client.load(products(3)), "the receipt is of a load"),
    "merge": (lambda client: client.merge(products(3)), "the receipt is of a merge"),
    "partial update": (lambda client: client.update_partially(replaces(3)), "the receipt is of a partial update"),
    "deletion": (
        lambda client: client.delete_older_than(client.update(products(3))),
        "the receipt is of a delete older than",
    ),
    "dry run": (lambda client: client.update(products(3), dry_run=True), "dry run"),
    "dry replace": (lambda client: client.replace(products(3), dry_run=True), "dry run"),
    "skipped": (lambda client: client.update([*products(3), {}], skip_invalid=True), "1 items were skipped"),
    "skipped replace": (lambda client: client.replace([*products(3), {}], skip_invalid=True), "1 items were skipped"),
    "no item": (lambda client: client.update([]), "no item was sent"),
    "only deletes": (lambda client: client.update([], delete=["product://0001"]), "no item was sent"),
    "other source": (
        lambda client: attrs.evolve(client.update(products(3)), source_id="other"),
        "the receipt is of source other in organization sandbox",
    ),
    "other organization": (
        lambda client: attrs.evolve(client.update(products(3)), organization_id="other"),
        "the receipt is of source sandbox-catalog in organization other",
    ),
}


@pytest.mark.parametrize(("made", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_receipt_that_shows_too_little_is_refused(
    sandbox: CoveoSandbox, client: StreamClient, made: Callable[[StreamClient], Receipt], reason: str
) -> None:
    """Law 4: only a complete update of whole items of this source will do; whatever is allowed, nothing is asked."""
    receipt = made(client)
    before = operations(sandbox)
    with pytest.raises(DeletionRefused, match=f"older items are not deleted: .*{reason}"):
        client.delete_older_than(receipt, allow_shrink=True)
    assert operations(sandbox) == before


def test_a_receipt_with_a_chunk_in_doubt_is_refused(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 4: an update of whole items has none unless it failed; a partial one is refused for being partial."""
    client.load(products(3))
    sandbox.lose_reply("update")
    doubtful = attrs.evolve(client.update_partially(appends(3)), operation="update", items=3, all_sent=True)
    with pytest.raises(DeletionRefused, match="not every chunk was sent and confirmed"):
        client.delete_older_than(doubtful, allow_shrink=True)
    assert "delete_older_than" not in operations(sandbox)


def test_the_receipt_of_an_update_that_broke_off_is_refused(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 4: chunks were confirmed, but not every one; the receipt comes from the error."""
    sandbox.fail("update", 400, after=1)
    with patient(source) as client:
        with pytest.raises(CoveoRefused) as caught:
            client.update(products(36))
        assert caught.value.receipt.items
        with pytest.raises(DeletionRefused, match="not every chunk was sent and confirmed"):
            client.delete_older_than(caught.value.receipt, allow_shrink=True)
    assert "delete_older_than" not in operations(sandbox)


def test_the_receipt_of_a_catalog_that_broke_off_is_refused(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 4: every chunk that was begun is confirmed, and still the catalog was not sent."""
    with patient(source) as client:
        with pytest.raises(CoveoRefused) as caught:
            client.update(broken_off(36, CoveoRefused("read the catalog", 500, None, "")))
        with pytest.raises(DeletionRefused, match="not every chunk was sent and confirmed"):
            client.delete_older_than(caught.value.receipt, allow_shrink=True)
    assert "delete_older_than" not in operations(sandbox)


def test_a_chunk_without_a_stamp_is_refused(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 4: an update is complete without it, and a deletion is not possible."""
    sandbox.fail("update", 202, body="{}", after=1)
    receipt = client.update(products(30))
    assert receipt.complete
    with pytest.raises(DeletionRefused, match="orderingId"):
        client.delete_older_than(receipt, allow_shrink=True)


def test_the_guard_holds(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: an update of less than half deletes nothing, unless that is allowed; the size is read at the time."""
    old = fill(client, 40)
    receipt = client.update(products(15))
    with pytest.raises(ShrinkingLoad) as caught:
        client.delete_older_than(receipt)
    assert (caught.value.items, caught.value.expected) == (15, 55)
    assert document_ids(sandbox) == [*old, *_ids(15)]
    client.delete_older_than(receipt, allow_shrink=True)
    assert document_ids(sandbox) == _ids(15)


@pytest.mark.parametrize(("expected", "stopped"), [(30, False), (31, True)])
def test_the_guard_takes_a_number(sandbox: CoveoSandbox, client: StreamClient, *, expected: int, stopped: bool) -> None:
    """Law 3: twice as many as were sent are the most; the source is not asked then."""
    receipt = client.update(products(15))
    if stopped:
        with pytest.raises(ShrinkingLoad, match="expected_items"):
            client.delete_older_than(receipt, expected_items=expected)
    else:
        client.delete_older_than(receipt, expected_items=expected)
    assert ("delete_older_than" in operations(sandbox)) is not stopped
    assert "source" not in operations(sandbox)


def test_without_the_size_nothing_is_deleted(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: when it cannot be had, the deletion is not asked for."""
    receipt = client.update(products(3))
    sandbox.fail("source", 403, times=None)
    with pytest.raises(SourceSizeUnknown):
        client.delete_older_than(receipt)
    assert "delete_older_than" not in operations(sandbox)


def test_an_error_carries_a_receipt(client: StreamClient) -> None:
    """What any operation raises says what was done until then: here, that nothing was deleted."""
    fill(client, 40)
    receipt = client.update(products(15))
    with pytest.raises(ShrinkingLoad) as caught:
        client.delete_older_than(receipt)
    assert caught.value.receipt is not None
    assert caught.value.receipt.older_than is None
    assert caught.value.__notes__


def test_an_error_does_not_speak_of_chunks(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """A deletion sends none, so its note says nothing of chunks that were not sent."""
    receipt = client.update(products(3))
    sandbox.fail("delete_older_than", 400)
    with pytest.raises(CoveoRefused) as caught:
        client.delete_older_than(receipt)
    (note,) = caught.value.__notes__
    assert "0 of 0 chunks" not in note
    assert "was not sent" not in note


def test_a_dry_deletion_asks_for_the_size_and_no_more(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """It gives the bound that would be used, and deletes nothing."""
    old = fill(client, 20)
    updated = client.update(products(15))
    before = operations(sandbox)
    receipt = client.delete_older_than(updated, expected_items=20, dry_run=True)
    assert client.delete_older_than(updated, allow_shrink=True, dry_run=True).older_than == receipt.older_than
    assert operations(sandbox) == before
    assert (receipt.older_than, receipt.dry_run) == (min(updated.ordering_ids), True)
    assert document_ids(sandbox) == [*old, *_ids(15)]


def test_a_deletion_that_failed_is_not_complete(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 9: the receipt of the error does not say that all was done."""
    receipt = client.update(products(3))
    sandbox.fail("delete_older_than", 403, times=None)
    with pytest.raises(AccessRefused) as caught:
        client.delete_older_than(receipt)
    assert caught.value.receipt.complete is False
    assert "incomplete" in str(caught.value.receipt)
