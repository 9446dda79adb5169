"""The ways in which what was pushed vanishes without an error: each is told before the push, or reported after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import FieldsNotReady
from coveo_enrich.index import CoveoSearch, FieldClient, FieldNeed, Verification
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


@pytest.fixture
def sandbox() -> Iterator[CoveoSandbox]:
    """An organization as Coveo gives it."""
    with CoveoSandbox() as one:
        yield one


@pytest.fixture
def source(sandbox: CoveoSandbox) -> CoveoSource:
    """Its source."""
    return CoveoSource(**sandbox.connection)


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
    """1: it is dropped although the push was accepted."""
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


def test_a_field_that_is_made_after_the_push_is_told(source: CoveoSource) -> None:
    """3: nothing is looked at again, so what was pushed before has to be pushed again."""
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
    """4 and 6: keywords do not find it, or it is no facet; what is there is not changed."""
    sandbox.create_field("kayak_type", **options)
    with FieldClient(source) as client:
        plan = client.plan(NEEDS)
        assert [conflict.setting for conflict in plan.conflicts] == [setting]
        client.apply(plan)
        assert client.plan(NEEDS).conflicts == plan.conflicts


def test_a_list_in_a_field_of_one_value_is_told_before(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """6: without the multi-value option a facet has the whole list as one value."""
    sandbox.create_field("accessories", facet=True, merge_with_lexicon=True)
    with FieldClient(source) as client:
        assert [conflict.setting for conflict in client.plan(NEEDS).conflicts] == ["multiValueFacet"]


def test_a_later_push_without_the_enrichment_is_told_after(source: CoveoSource) -> None:
    """8: a whole item replaces the enriched one."""
    make_fields(source)
    push(source)
    with StreamClient(source) as client:
        client.update([{"documentId": KAYAK, "objecttype": "Product", "ec_name": "Sea tourer"}])
    with CoveoSearch(source) as search:
        found = search.verify(SENT, timeout=0)
    assert findings(found) == {("missing field", name) for name in ("kayak_type", "accessories", "seats")}


def test_an_item_that_is_not_there_yet_is_waited_for(source: CoveoSource) -> None:
    """The index needs its time: what is not there at the first look is an item that is missing, not a mistake."""
    make_fields(source)
    with CoveoSearch(source) as search:
        assert findings(search.verify(SENT, timeout=0)) == {("missing item", "")}
    assert push(source).is_complete
