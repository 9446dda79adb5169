"""What a run takes in: each id once, everything counted, in the order in which it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import products
from updating import appends, replaces

from coveo_enrich import PartialUpdate, RetryPolicy
from coveo_enrich.errors import InvalidItem
from coveo_enrich.stream.chunks import ChunkArray
from coveo_enrich.stream.intake import Intake
from coveo_enrich.stream.settings import Checks, StreamSettings
from coveo_enrich.stream.spool import Spool


def _intake(
    array: ChunkArray = "addOrUpdate",
    *,
    skip_invalid: bool = False,
    max_chunk_bytes: int = 600,
    checks: Checks = "full",
) -> Intake:
    return Intake(
        array,
        StreamSettings(
            max_chunk_bytes=max_chunk_bytes,
            concurrency=1,
            retry=RetryPolicy(),
            checks=checks,
            dictionary_fields=frozenset(),
            on_chunk=None,
            progress=False,
            skip_invalid=skip_invalid,
        ),
        Spool(),
    )


def test_an_item_comes_out_as_an_entry() -> None:
    """Its JSON compact, in UTF-8, with nothing added; and it may be sent twice."""
    intake = _intake()
    assert intake.take({"documentId": "product://1", "title": "Vélo"}) == (
        "addOrUpdate",
        '{"documentId":"product://1","title":"Vélo"}'.encode(),
        "product://1",
        True,
    )
    assert (intake.position, intake.skipped) == (1, 0)


@pytest.mark.parametrize("checks", ["full", "trusted"])
@pytest.mark.parametrize("array", ["addOrUpdate", "addOrMerge"])
def test_items_become_entries_of_an_array(array: ChunkArray, checks: Checks) -> None:
    """In their order; whole items and merges may be applied twice."""
    entries = list(_intake(array, checks=checks).items(products(3)))
    assert [(name, document_id, again) for name, _, document_id, again in entries] == [
        (array, product["documentId"], True) for product in products(3)
    ]
    assert [json.loads(data) for _, data, _, _ in entries] == products(3)


IDS = st.integers(0, 6).map(lambda number: f"product://{number}")


@given(st.lists(IDS, max_size=30))
def test_of_items_with_one_id_the_first_is_taken(ids: list[str]) -> None:
    """Law 6: whatever the order: each id once, every other one counted as skipped, none forgotten."""
    intake = _intake(skip_invalid=True)
    taken = [entry[2] for entry in intake.items({"documentId": one} for one in ids)]
    assert taken == list(dict.fromkeys(ids))
    assert (intake.position, intake.skipped) == (len(ids), len(ids) - len(taken))
    assert sum(finding.count for finding in intake.findings.values()) == intake.skipped
    intake.close()


@given(st.lists(IDS, max_size=10), st.lists(IDS, max_size=10, unique=True))
def test_an_id_is_deleted_or_sent_never_both(deleted: list[str], sent: list[str]) -> None:
    """Law 6: the first item whose id is also to be deleted raises with its place; without one, all are entries."""
    intake = _intake()
    deletions = [entry[2] for entry in intake.deletes(iter(deleted))]
    assert deletions == list(dict.fromkeys(deleted))
    clash = next((place for place, one in enumerate(sent, start=1) if one in deleted), None)
    items = intake.items({"documentId": one} for one in sent)
    if clash is None:
        assert [entry[2] for entry in items] == sent
    else:
        with pytest.raises(InvalidItem) as caught:
            list(items)
        assert (caught.value.position, caught.value.code) == (clash, "also-deleted")
    intake.close()


def test_a_deletion_spares_children() -> None:
    """Coveo would delete every item whose id begins with it; the entry says that it must not."""
    (entry,) = _intake().deletes(["product://1"])
    assert entry == ("delete", b'{"documentId":"product://1","deleteChildren":false}', "product://1", True)


def test_a_deletion_that_fits_no_chunk_is_refused() -> None:
    """Laws 5 and 9: an entry larger than a chunk can hold must not leave the intake."""
    with pytest.raises(InvalidItem):
        list(_intake(max_chunk_bytes=50).deletes(["product://0001"]))


def test_operations_say_whether_they_may_be_repeated() -> None:
    """Law 4: only arrayAppend may not."""
    given_: list[Any] = [appends(1), replaces(1)[0], PartialUpdate.remove_field("a://1", "title")]
    entries = list(_intake("partialUpdate").operations(given_))
    assert [entry[3] for entry in entries] == [False, True, True]
    assert {entry[0] for entry in entries} == {"partialUpdate"}


def test_operations_are_counted_within_groups() -> None:
    """Law 9: an error names the place of the operation, not that of its group."""

    def given_() -> Iterator[Any]:
        yield replaces(3)
        yield replaces(1)[0]
        yield [None]

    with pytest.raises(InvalidItem) as caught:
        list(_intake("partialUpdate").operations(given_()))
    assert caught.value.position == 5


def test_one_item_may_have_many_operations() -> None:
    """Their order is kept, so their ids need not be unique."""
    assert len(list(_intake("partialUpdate").operations(replaces(1) * 5))) == 5


def test_what_was_left_out_is_named() -> None:
    """Law 9: the first few by place and id, all of them by number."""
    intake = _intake(skip_invalid=True)
    bad = [{"documentId": f"product://{number}", "title": "x" * 600} for number in range(20)]
    assert list(intake.items(bad)) == []
    (finding,) = intake.findings.values()
    assert (finding.code, finding.count, finding.severity) == ("too-large", 20, "error")
    assert [(one.position, one.document_id) for one in finding.examples] == [
        (number + 1, f"product://{number}") for number in range(5)
    ]


@pytest.mark.parametrize("skip_invalid", [False, True])
def test_what_reading_raises_is_not_an_invalid_item(*, skip_invalid: bool) -> None:
    """Law 2: a catalog that cannot be read on is never skipped over."""

    def given_() -> Iterator[dict[str, Any]]:
        yield from products(2)
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        list(_intake(skip_invalid=skip_invalid).items(given_()))
