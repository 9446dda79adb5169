"""Partial updates: single fields of items that exist, in the order in which they were given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loading import operations, products
from updating import batches_in, patient, replaces, sandbox_values

from coveo_enrich import CoveoSource, PartialUpdate, StreamClient
from coveo_enrich.errors import ConfigurationError, InvalidItem
from coveo_enrich.sandbox import CoveoSandbox

ONE = "product://0001"


def test_the_five_operators_arrive(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Each does to its field what Coveo says of it, and everything else about the item is left alone."""
    sandbox.create_field("stock", key_value=True)
    fields: dict[str, Any] = {"ec_color": ["Red"], "ec_images": ["i1", "i2"], "ec_brand": "Acme", "ec_price": 5}
    with patient(CoveoSource(**sandbox.connection), dictionary_fields=["stock"]) as loader:
        loader.load([{**products(1)[0], **fields, "stock": {"s1": "1", "s2": "2"}}])
    receipt = client.update_partially(
        [
            PartialUpdate.append_values(ONE, "ec_color", ["Blue"]),
            PartialUpdate.remove_values(ONE, "ec_images", ["i1"]),
            PartialUpdate.replace_value(ONE, "ec_price", 7.5),
            PartialUpdate.remove_field(ONE, "ec_brand"),
            PartialUpdate.put_entries(ONE, "stock", {"s3": "3"}),
            PartialUpdate.remove_entries(ONE, "stock", ["s1"]),
        ]
    )
    assert sandbox.items() == [
        {
            "documentId": ONE,
            "title": "Kayak 1",
            "ec_color": ["Red", "Blue"],
            "ec_images": ["i2"],
            "ec_price": 7.5,
            "stock": {"s2": "2", "s3": "3"},
        }
    ]
    assert (receipt.operation, receipt.items, receipt.complete) == ("partial update", 6, True)
    assert sandbox.dropped() == []


def test_order_is_kept_over_chunks(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 6: one item's operations in several chunks are applied in their order, however many uploads may overlap."""
    last = 100
    with patient(source, concurrency=8) as client:
        client.load(products(1))
        given = [PartialUpdate.replace_value(ONE, "title", f"title {number}") for number in range(1, last + 1)]
        receipt = client.update_partially(given)
    assert sandbox_values(sandbox, "title") == {ONE: f"title {last}"}
    assert len(receipt.chunks) > 10
    assert operations(sandbox)[operations(sandbox).index("files") :] == ["files", "upload", "update"] * len(
        receipt.chunks
    )
    assert sorted(receipt.ordering_ids) == list(receipt.ordering_ids)


def test_groups_of_operations_are_taken(client: StreamClient, tmp_path: Path) -> None:
    """Operations, lists, tuples and generators of them, mixed: sent in the order in which they are met."""
    one, two, three, four, five = replaces(5)

    def group() -> Iterator[PartialUpdate]:
        yield two
        yield three

    given: list[PartialUpdate | Iterable[PartialUpdate]] = [one, group(), [], (four,), [five]]
    receipt = client.update_partially(iter(given), dry_run=tmp_path)
    sent = [entry["documentId"] for batch in batches_in(tmp_path) for entry in batch["partialUpdate"]]
    assert sent == [operation.document_id for operation in (one, two, three, four, five)]
    assert receipt.items == 5


NOT_OPERATIONS: list[Any] = [
    None,
    7,
    "product://0001",
    b"product://0001",
    {"documentId": "product://0001", "operator": "arrayAppend", "field": "ec_color", "value": ["Red"]},
    ["product://0001"],
    [[replaces(1)[0]]],
]


@pytest.mark.parametrize("bad", NOT_OPERATIONS, ids=repr)
def test_what_is_no_operation_is_refused(sandbox: CoveoSandbox, client: StreamClient, bad: Any) -> None:  # noqa: ANN401
    """Law 5: with its place, and before anything of its chunk was sent; a mapping has to be made an operation."""
    with pytest.raises(InvalidItem, match="an operation must be a PartialUpdate, not") as caught:
        client.update_partially([*replaces(2), bad])
    assert (caught.value.position, caught.value.code) == (3, "not-an-operation")
    assert operations(sandbox) == []


def test_what_is_no_operation_is_skipped_when_that_is_wanted(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 9: counted and named with its place; every other operation is sent."""
    client.load(products(2))
    too_large = PartialUpdate.replace_value(ONE, "title", "x" * 600)
    receipt = client.update_partially([None, *replaces(2), too_large, "no"], skip_invalid=True)  # type: ignore[list-item]
    assert sandbox_values(sandbox, "title") == {ONE: "new", "product://0002": "new"}
    assert (receipt.items, receipt.skipped, receipt.complete) == (2, 3, False)
    assert {one.code: (one.count, one.examples[0].position) for one in receipt.findings} == {
        "not-an-operation": (2, 1),
        "too-large": (1, 4),
    }


def test_an_operation_that_fits_no_chunk_is_refused(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 5: an operation is an item to the limits: named with id, place and size."""
    with pytest.raises(InvalidItem, match="the limit is 580") as caught:
        client.update_partially([PartialUpdate.replace_value(ONE, "title", "x" * 600)])
    assert (caught.value.document_id, caught.value.position, caught.value.code) == (ONE, 1, "too-large")
    assert operations(sandbox) == []


def test_one_operation_by_itself_is_refused(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """A list was forgotten: it raises before any call."""
    with pytest.raises(ConfigurationError, match="operations must be an iterable"):
        client.update_partially(replaces(1)[0])  # type: ignore[arg-type]
    assert operations(sandbox) == []


def test_operations_on_one_item_share_a_chunk_as_they_come(client: StreamClient, tmp_path: Path) -> None:
    """Law 5: chunks of operations keep the limit and their counts, like those of items."""
    receipt = client.update_partially(replaces(50), dry_run=tmp_path)
    sizes = [len(file.read_bytes()) for file in sorted(tmp_path.iterdir())]
    assert sizes == [chunk.size for chunk in receipt.chunks]
    assert max(sizes) <= 600
    assert [chunk.items for chunk in receipt.chunks] == [len(one["partialUpdate"]) for one in batches_in(tmp_path)]
    assert receipt.items == 50


def test_an_operation_on_an_item_that_is_not_there_is_coveos_to_reject(
    sandbox: CoveoSandbox, client: StreamClient
) -> None:
    """Coveo takes it and writes a rejection to its logs, so the receipt cannot know; no item comes about by it."""
    assert client.update_partially(replaces(1)).complete
    assert sandbox.items() == []
    assert [dropped.document_id for dropped in sandbox.dropped()] == [ONE]
