"""A shallow merge: the given fields of items, and items that do not exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from loading import operations, products
from updating import batches_in, patient, sandbox_values

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import InvalidItem
from coveo_enrich.sandbox import CoveoSandbox


def test_only_the_given_fields_are_replaced(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """What an item does not bring stays, and so does every item that is not named."""
    client.load([{**product, "ec_brand": "Acme", "ec_color": ["Red"]} for product in products(3)])
    receipt = client.merge([{"documentId": "product://0002", "ec_color": ["Blue", "Green"]}])
    assert sandbox_values(sandbox, "ec_color") == {
        "product://0001": ["Red"],
        "product://0002": ["Blue", "Green"],
        "product://0003": ["Red"],
    }
    assert set(sandbox_values(sandbox, "ec_brand").values()) == {"Acme"}
    assert sandbox_values(sandbox, "title")["product://0002"] == "Kayak 2"
    assert (receipt.operation, receipt.items, receipt.complete) == ("merge", 1, True)


def test_an_item_that_is_not_there_is_made(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Which a partial update does not do."""
    client.merge(products(15))
    assert [item["documentId"] for item in sandbox.items()] == [product["documentId"] for product in products(15)]


def test_a_dictionary_is_replaced_as_a_whole(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """The merge is shallow: entries that are not given are gone."""
    sandbox.create_field("stock", key_value=True)
    with patient(source, dictionary_fields=["stock"]) as client:
        client.load([{"documentId": "product://0001", "stock": {"s1": "1", "s2": "2"}}])
        client.merge([{"documentId": "product://0001", "stock": {"s2": "5"}}])
    assert sandbox_values(sandbox, "stock") == {"product://0001": {"s2": "5"}}


def test_a_merge_has_its_own_array_and_call(sandbox: CoveoSandbox, client: StreamClient, tmp_path: Path) -> None:
    """Law 5: addOrMerge in every chunk, none over the limit, and as many calls to stream/merge as chunks."""
    client.merge(products(30), dry_run=tmp_path)
    batches = batches_in(tmp_path)
    assert [list(batch) for batch in batches] == [["addOrMerge"]] * len(batches)
    assert [item for batch in batches for item in batch["addOrMerge"]] == products(30)
    receipt = client.merge(products(30))
    assert operations(sandbox).count("merge") == len(receipt.chunks) == len(batches) == 3
    assert "update" not in operations(sandbox)


def test_a_lost_reply_to_a_merge_is_sent_again(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 4: setting the same fields twice comes to the same as once."""
    sandbox.lose_reply("merge")
    assert client.merge(products(3)).complete
    assert len(sandbox.items()) == 3
    assert [operations(sandbox).count(name) for name in ("files", "upload", "merge")] == [2, 2, 2]


def test_two_merges_of_one_item_in_one_run_are_refused(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 6: their order would be chance."""
    with pytest.raises(InvalidItem, match="an earlier item of this run has the same documentId") as caught:
        client.merge([*products(2), *products(1)])
    assert caught.value.position == 3
    assert operations(sandbox) == []


def test_a_merge_skips_what_is_invalid_when_that_is_wanted(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 9: counted and named; the rest is merged."""
    receipt = client.merge([*products(2), {"title": "no id"}], skip_invalid=True)
    assert (receipt.items, receipt.skipped, receipt.findings[0].code) == (2, 1, "no-id")
    assert len(sandbox.items()) == 2
