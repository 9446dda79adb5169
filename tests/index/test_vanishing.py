"""The ways in which what was pushed vanishes without an error: each is told before the push, or reported after it."""

from __future__ import annotations

from typing import Any

import attrs
import httpx
import pytest

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import ConfigurationError, FieldsNotReady
from coveo_enrich.index import CatalogNote, CoveoSearch, FieldClient, FieldNeed, ItemQuery, Verification
from coveo_enrich.sandbox import CoveoSandbox

KAYAK = "product://kayak"
NEEDS = (
    FieldNeed("kayak_type", facet=True, free_text=True),
    FieldNeed("accessories", facet=True, free_text=True, multi_value=True),
    FieldNeed("seats", type="LONG", facet=True),
)
ITEM: dict[str, Any] = {
    "documentId": KAYAK,
    "objecttype": "Product",
    "ec_name": "Sea tourer",
    "kayak_type": "single seat",
    "accessories": ["rudder", "paddle"],
    "seats": 1,
}
SENT = {KAYAK: {name: ITEM[name] for name in ("ec_name", "kayak_type", "accessories", "seats")}}


def make_fields(source: CoveoSource) -> None:
    """Make what is needed."""
    with FieldClient(source) as client:
        client.apply(client.plan(NEEDS))


def push(source: CoveoSource) -> Verification:
    """Push the kayak, whatever its fields, and look at it."""
    with StreamClient(source) as client:
        receipt = client.update([ITEM])
    with CoveoSearch(source) as search:
        return search.verify(SENT, pushed=receipt, timeout=0)


def findings(verification: Verification) -> set[tuple[str, str]]:
    """What is not as it was sent: the kind, and the field."""
    return {(finding.kind, finding.field) for finding in verification.findings}


def test_with_its_fields_everything_is_there(source: CoveoSource) -> None:
    """Plan, apply, push, verify: nothing is lost, and a second plan has nothing to do."""
    make_fields(source)
    assert push(source).is_complete
    with FieldClient(source) as client:
        again = client.plan(NEEDS)
        assert (again.is_ready, again.right) == (True, ("kayak_type", "accessories", "seats"))
        assert not client.apply(again).must_push_again
    with CoveoSearch(source) as search:
        assert search.facet("accessories") == {"rudder": 1, "paddle": 1}


def test_metadata_without_a_field_is_told_before_and_after(source: CoveoSource) -> None:
    """1: metadata without a field is dropped although the push was accepted."""
    with StreamClient(source, needs=NEEDS) as client, pytest.raises(FieldsNotReady):
        client.update([ITEM])
    assert findings(push(source)) == {("missing field", name) for name in ("kayak_type", "accessories", "seats")}


def test_a_value_of_another_type_is_told_before_and_after(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """2: a text in a field of numbers is not indexed."""
    sandbox.create_field("kayak_type", type="LONG")
    make_fields(source)
    with FieldClient(source) as client:
        plan = client.plan(NEEDS)
    assert [(conflict.field, conflict.setting) for conflict in plan.conflicts] == [("kayak_type", "type")]
    assert plan.loses_values
    assert findings(push(source)) == {("missing field", "kayak_type")}


def test_dates_and_whole_numbers_are_right_in_the_fields_that_hold_them(
    sandbox: CoveoSandbox, source: CoveoSource
) -> None:
    """2: texts that are dates and decimals that are whole are indexed in their fields, and a plan says so."""
    sandbox.create_field("seats", type="LONG")
    item = {"documentId": KAYAK, "objecttype": "Product", "date": "2026-01-31T11:53:12Z", "seats": 2.0}
    with FieldClient(source) as client:
        assert client.plan([item]).is_ready
    with StreamClient(source) as stream, CoveoSearch(source) as search:
        stream.update([item])
        assert search.verify({KAYAK: item}, timeout=0).is_complete


def test_a_field_that_is_made_after_the_push_is_told(source: CoveoSource) -> None:
    """3: a field made after the push stays empty until the items are pushed again, which is said."""
    assert not push(source).is_complete
    with FieldClient(source) as client:
        assert client.apply(client.plan(NEEDS)).must_push_again
    with CoveoSearch(source) as search:
        assert not search.verify(SENT, timeout=0).is_complete
    assert push(source).is_complete


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"facet": True}, "mergeWithLexicon"),
        ({"merge_with_lexicon": True}, "facet"),
    ],
)
def test_a_field_that_does_too_little_is_told_before(
    sandbox: CoveoSandbox, source: CoveoSource, options: dict[str, Any], setting: str
) -> None:
    """4 and 6: a field that keywords do not find, or that is no facet, is a conflict, and is not changed."""
    sandbox.create_field("kayak_type", **options)
    with FieldClient(source) as client:
        plan = client.plan(NEEDS)
        assert [conflict.setting for conflict in plan.conflicts] == [setting]
        client.apply(plan)
        assert client.plan(NEEDS).conflicts == plan.conflicts


def test_what_no_keyword_finds_is_indexed_all_the_same(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """4: without Free text search everything is there, and a search by keyword shows that it is not found."""
    query = ItemQuery(keywords="single seat")
    sandbox.create_field("kayak_type", facet=True)
    make_fields(source)
    assert push(source).is_complete
    with CoveoSearch(source) as search:
        assert search.find(query).total == 0
    with CoveoSandbox() as right:
        there = CoveoSource(**right.connection)
        make_fields(there)
        push(there)
        with CoveoSearch(there) as search:
            assert [item.uri for item in search.find(query).items] == [f"{KAYAK}/"]


def test_a_field_that_results_do_not_show_is_told_before_and_after(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """5: a field that results do not show is indexed, and no result has it."""
    httpx.post(
        f"{source.platform_host}/rest/organizations/{source.organization_id}/indexes/fields",
        headers={"Authorization": f"Bearer {sandbox.connection['api_key']}"},
        json={
            "name": "kayak_type",
            "type": "STRING",
            "facet": True,
            "mergeWithLexicon": True,
            "includeInResults": False,
        },
        trust_env=False,
    ).raise_for_status()
    make_fields(source)
    with FieldClient(source) as client:
        assert [conflict.setting for conflict in client.plan(NEEDS).conflicts] == ["includeInResults"]
    assert findings(push(source)) == {("missing field", "kayak_type")}


def test_a_field_that_is_no_facet_is_told_after(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """6: a field that is no facet raises when its values are counted, in place of an empty answer."""
    sandbox.create_field("kayak_type", merge_with_lexicon=True)
    make_fields(source)
    push(source)
    with CoveoSearch(source) as search, pytest.raises(ConfigurationError, match="is no facet"):
        search.facet("kayak_type")


def test_a_list_in_a_field_of_one_value_is_told_before(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """6: without the multi-value option a facet has the whole list as one value."""
    sandbox.create_field("accessories", facet=True, merge_with_lexicon=True)
    with FieldClient(source) as client:
        assert [conflict.setting for conflict in client.plan(NEEDS).conflicts] == ["multiValueFacet"]
    make_fields(source)
    assert push(source).is_complete
    with CoveoSearch(source) as search:
        assert search.facet("accessories") == {"rudder;paddle": 1}


def test_a_later_push_without_the_enrichment_is_told_after(source: CoveoSource) -> None:
    """8: a whole item replaces the enriched one."""
    make_fields(source)
    push(source)
    with StreamClient(source) as client:
        client.update([{"documentId": KAYAK, "objecttype": "Product", "ec_name": "Sea tourer"}])
    with CoveoSearch(source) as search:
        found = search.verify(SENT, timeout=0)
    assert findings(found) == {("missing field", name) for name in ("kayak_type", "accessories", "seats")}


PRODUCT: dict[str, Any] = {"documentId": KAYAK, "objecttype": "Product", "ec_product_id": "k", "ec_name": "Sea tourer"}
VARIANT: dict[str, Any] = {
    "documentId": "variant://kayak-1",
    "objecttype": "Variant",
    "ec_product_id": "k",
    "ec_variant_id": "k-1",
    "kayak_type": "single seat",
}


def searches(sandbox: CoveoSandbox) -> int:
    """How often items were looked for."""
    return sum(request.operation == "search" for request in sandbox.requests())


def test_what_only_a_variant_holds_is_told_before_and_after(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """7: no product is found by what only its variant holds; the variant is not waited for, as no search shows it."""
    make_fields(source)
    with FieldClient(source) as client:
        plan = client.plan([PRODUCT, VARIANT])
    assert plan.catalog == (CatalogNote("only in variants", "kayak_type"),)
    with StreamClient(source) as client:
        receipt = client.update([PRODUCT, VARIANT])
    with CoveoSearch(source, poll_seconds=0) as search:
        sought = search.verify({KAYAK: {"kayak_type": "single seat"}}, pushed=receipt, timeout=0)
        assert findings(sought) == {("missing field", "kayak_type")}
        before = searches(sandbox)
        found = search.verify({KAYAK: PRODUCT, "variant://kayak-1": VARIANT}, pushed=receipt, timeout=5)
    assert [(one.kind, one.document_id) for one in found.findings] == [("no result of its own", "variant://kayak-1")]
    assert (found.items, found.matching, found.is_complete, found.may_change) == (2, 1, False, False)
    assert searches(sandbox) == before + 1


def test_variants_are_known_by_the_name_that_the_catalog_has_for_them(
    sandbox: CoveoSandbox, source: CoveoSource
) -> None:
    """7: variants and products are known by the names that the catalog configuration has for them."""
    sandbox.set_catalog(product="Variant", variant="Sku", availability="Shop")
    items = [{**PRODUCT, "objecttype": "Variant"}, {**VARIANT, "objecttype": "Sku"}]
    with StreamClient(source) as client:
        client.update(items)
    shop = {"shop://1": {"objecttype": "Shop"}, "product://9": {"objecttype": "Variant"}}
    with CoveoSearch(source) as search:
        found = search.verify(
            {item["documentId"]: {"objecttype": item["objecttype"]} for item in items} | shop, timeout=0
        )
    assert {(one.kind, one.document_id) for one in found.findings} == {
        ("no result of its own", "variant://kayak-1"),
        ("no result of its own", "shop://1"),
        ("missing item", "product://9"),
    }


def test_a_type_that_the_catalog_does_not_list_is_told_before_and_after(
    sandbox: CoveoSandbox, source: CoveoSource
) -> None:
    """9: items of a type that the catalog does not list are in the source, and no search finds them."""
    sandbox.set_catalog(product="product")
    make_fields(source)
    with FieldClient(source) as client:
        plan = client.plan([ITEM])
    assert plan.catalog == (CatalogNote("unlisted type", "Product"),)
    assert not plan.is_ready
    found = push(source)
    assert findings(found) == {("missing item", "")}
    assert "one that does not list its objecttype" in str(found)


def test_a_source_without_a_catalog_is_told_before_and_after(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """9: without a catalog entity no search finds the items of the source."""
    sandbox.remove_catalog()
    make_fields(source)
    with FieldClient(source) as client:
        assert client.plan([ITEM]).catalog == (CatalogNote("no catalog"),)
    found = push(source)
    assert findings(found) == {("missing item", "")}
    assert "the source has no catalog entity" in str(found)


def test_a_key_that_may_not_read_catalogs_stops_nothing(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """9: without the privilege to read catalogs the plan says so and names it; verifying goes by the usual names."""
    make_fields(source)
    key = sandbox.create_api_key("FIELD_VIEW", "SOURCE_VIEW", "SEARCH_API_EXECUTE_QUERY")
    narrow = attrs.evolve(source, platform_key=key)
    with FieldClient(narrow) as client:
        plan = client.plan([ITEM])
    assert [note.kind for note in plan.catalog] == ["not looked at"]
    assert "Catalogs: View" in str(plan)
    assert plan.is_ready
    with CoveoSearch(narrow) as search:
        found = search.verify({"variant://kayak-1": VARIANT}, timeout=0)
    assert findings(found) == {("no result of its own", "")}


def test_an_item_that_is_not_there_yet_is_waited_for(source: CoveoSource) -> None:
    """An item that the index does not show at the first look is looked for again."""
    make_fields(source)
    with CoveoSearch(source) as search:
        assert findings(search.verify(SENT, timeout=0)) == {("missing item", "")}
    assert push(source).is_complete
