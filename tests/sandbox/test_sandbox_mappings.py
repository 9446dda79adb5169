"""Mapping rules: what an item becomes under them, from one rule to loads, updates and merges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import Caller, batch, untimed

from coveo_enrich.sandbox.indexing.indexing import Kept, indexed_fields
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.platform.mappings import Mappings, Rule, TypeMappings

FIELDS = {
    field.name: field
    for field in (Field(name="color"), Field(name="colors", multi_value=True), Field(name="seats", type="LONG"))
}


def kept(metadata: Mapping[str, Any], *rules: Rule, **typed: Rule) -> Kept:
    """What the index keeps of an item under common rules, and under one rule for each named type."""
    mappings = Mappings(rules, tuple(TypeMappings(name, (rule,)) for name, rule in typed.items()))
    return indexed_fields(metadata, FIELDS, mappings.rules_for(metadata.get("objecttype")))


def test_a_rule_fills_a_field_from_metadata_of_another_name() -> None:
    """A rule fills a field from metadata of another name, which then is not reported as dropped."""
    found = kept({"hue": "Yellow"}, Rule("color", ("%[hue]",)))
    assert found == Kept({"color": "Yellow"}, ())


@pytest.mark.parametrize(
    ("metadata", "color"),
    [
        ({"hue": "Yellow", "shade": "Lemon"}, "Yellow"),
        ({"shade": "Lemon"}, "Lemon"),
        ({"hue": None, "shade": "Lemon"}, "Lemon"),
        ({"hue": "", "shade": "Lemon"}, "Lemon"),
        ({"hue": [], "shade": "Lemon"}, "Lemon"),
        ({}, "unknown"),
    ],
)
def test_the_first_content_that_gives_a_value_wins(metadata: dict[str, object], color: str) -> None:
    """Entries are tried in order, an empty value is none, and a text always gives itself."""
    rule = Rule("color", ("%[hue]", "%[shade]", "unknown", "%[never]"))
    assert kept(metadata, rule).values == {"color": color}


def test_metadata_of_an_entry_that_was_not_used_is_reported() -> None:
    """Metadata of an entry that was not used is in no field, and is reported."""
    found = kept({"hue": "Yellow", "shade": "Lemon"}, Rule("color", ("%[hue]", "%[shade]")))
    assert found == Kept({"color": "Yellow"}, (("shade", "there is no field of that name"),))


@pytest.mark.parametrize(("entry", "color"), [("%[hue:crawler]", "Yellow"), ("%[hue:converter]", None)])
def test_what_was_sent_has_the_origin_crawler(entry: str, color: str | None) -> None:
    """No other step adds metadata here, so that any other origin has none."""
    assert kept({"hue": "Yellow"}, Rule("color", (entry,))).values.get("color") == color


@pytest.mark.parametrize(
    ("metadata", "color"),
    [
        ({"hue": "Yellow", "finish": "matt"}, "Yellow, matt"),
        ({"hue": ["Red", "Blue"], "finish": 7}, "Red;Blue, 7"),
        ({"hue": "Yellow"}, "plain"),
        ({"hue": {"a": "b"}, "finish": "matt"}, "plain"),
    ],
)
def test_an_entry_of_several_parts_needs_them_all(metadata: dict[str, object], color: str) -> None:
    """An entry of several parts joins them; if one is missing or an object, the next entry is tried."""
    assert kept(metadata, Rule("color", ("%[hue], %[finish]", "plain"))).values == {"color": color}


def test_metadata_alone_keeps_its_kind() -> None:
    """Metadata alone in an entry keeps its kind: a list stays a list and a number a number."""
    found = kept({"hues": ["Red", "Blue"], "places": 2}, Rule("colors", ("%[hues]",)), Rule("seats", ("%[places]",)))
    assert found == Kept({"colors": ["Red", "Blue"], "seats": 2}, ())


def test_a_rule_takes_the_place_of_the_metadata_of_the_fields_name() -> None:
    """A field with a rule is not filled by its name, also when the rule gives nothing: that is reported."""
    reason = "a rule fills the field color otherwise"
    rule = Rule("color", ("%[hue]",))
    assert kept({"color": "Red", "hue": "Blue"}, rule) == Kept({"color": "Blue"}, (("color", reason),))
    assert kept({"color": "Red"}, rule) == Kept({}, (("color", reason),))


def test_metadata_that_a_rule_reads_fills_the_field_of_its_own_name_too() -> None:
    """Metadata that a rule reads for another field fills the field of its own name too."""
    found = kept({"color": "Red"}, Rule("colors", ("%[color]",)))
    assert found == Kept({"color": "Red", "colors": ["Red"]}, ())


def test_names_in_rules_are_written_as_they_are_sent() -> None:
    """Case matters in the names of a rule, though not in the mapping by name."""
    assert kept({"Hue": "Red"}, Rule("color", ("%[hue]",))).dropped == (("Hue", "there is no field of that name"),)


def test_a_value_that_does_not_fit_is_reported_by_its_metadata() -> None:
    """A value that does not fit its field is reported by its metadata, a fixed text by the field."""
    (dropped,) = kept({"places": "two"}, Rule("seats", ("%[places]",))).dropped
    assert dropped[0] == "places"
    assert "seats" in dropped[1]
    assert kept({}, Rule("seats", ("two",))).dropped[0][0] == "seats"


def test_a_rule_of_a_type_takes_the_place_of_the_common_one() -> None:
    """A rule of an objecttype, spelled exactly so, comes before the common one, which stands where it gives nothing."""
    common, variant = Rule("color", ("%[hue]",)), Rule("color", ("%[shade]",))
    said = {"hue": "Yellow", "shade": "Lemon"}
    assert kept({**said, "objecttype": "Variant"}, common, Variant=variant).values == {"color": "Lemon"}
    assert kept({"hue": "Yellow", "objecttype": "Variant"}, common, Variant=variant).values == {"color": "Yellow"}
    for other in ("Product", "variant", ["Variant"]):
        assert kept({**said, "objecttype": other}, common, Variant=variant).values == {"color": "Yellow"}
    assert kept(said, Variant=variant).values == {}


def test_a_rule_whose_field_is_gone_does_nothing() -> None:
    """A rule whose field was deleted does nothing, and what it read is reported."""
    found = kept({"hue": "Yellow"}, Rule("gone", ("%[hue]",)))
    assert found == Kept({}, (("hue", "there is no field of that name"),))


@untimed
@given(
    st.dictionaries(st.sampled_from(["color", "hue", "shade"]), st.none() | st.text(max_size=3) | st.integers()),
    st.lists(st.sampled_from(["%[hue]", "%[shade]", "%[hue]-%[shade]", "%[", "]%[]", "text"]), min_size=1).map(tuple),
)
def test_nothing_that_an_item_says_is_lost_without_a_reason(said: dict[str, Any], content: tuple[str, ...]) -> None:
    """Whatever the rule, each metadata is part of a field's value, or reported."""
    rule = Rule("color", content)
    found = kept(said, rule)
    used = {key for key in rule.reads if "color" in found.values and str(said.get(key)) in str(found.values["color"])}
    assert set(said) <= used | {key for key, _ in found.dropped}


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox with a rule that fills ``kayak`` from ``kayak_type``."""
    with Caller.running() as caller:
        caller.sandbox.create_field("kayak", multi_value=True)
        add_rule(caller, "kayak", "%[kayak_type]")
        yield caller


def add_rule(coveo: Caller, field: str, *content: str, under: str = "common") -> str:
    """Make a rule over HTTP: its id."""
    path = f"{coveo.organization_path}/sources/{coveo.sandbox.connection['source_id']}/mappings/{under}/rules"
    answer = coveo.post(path, json={"field": field, "content": content})
    assert answer.status_code == 201
    return str(answer.json()["id"])


ITEM = {"documentId": "product://1", "kayak_type": "single seat"}


def test_what_was_sent_before_a_rule_stays_as_it_is(coveo: Caller) -> None:
    """A rule is for what is sent from then on: items that are there stay as they are."""
    coveo.sandbox.create_field("use")
    coveo.load(batch({**ITEM, "used_for": "touring"}))
    add_rule(coveo, "use", "%[used_for]")
    assert coveo.sandbox.items() == [{"documentId": "product://1", "kayak": ["single seat"]}]
    assert [piece.key for piece in coveo.sandbox.dropped()] == ["used_for"]
    coveo.load(batch({**ITEM, "used_for": "touring"}))
    assert coveo.sandbox.items() == [{"documentId": "product://1", "kayak": ["single seat"], "use": "touring"}]
    assert coveo.sandbox.dropped() == []


def test_rules_are_those_of_one_source() -> None:
    """Sources of one organization share fields, and have rules of their own."""
    with Caller.running(restricted=False) as coveo:
        coveo.sandbox.create_field("kayak")
        add_rule(coveo, "kayak", "%[kayak_type]")
        path = f"{coveo.organization_path}/sources/another/mappings"
        assert coveo.http.get(path, headers=coveo.headers).json() == {"common": {"rules": []}, "types": []}


def test_a_partial_update_changes_what_a_rule_filled(coveo: Caller) -> None:
    """A partial update that names the metadata changes the field that a rule fills from it."""
    coveo.update(addOrUpdate=[ITEM])
    change = {"documentId": "product://1", "field": "kayak_type"}
    coveo.update(partialUpdate=[{**change, "operator": "arrayAppend", "value": ["touring"]}])
    assert coveo.sandbox.items()[0]["kayak"] == ["single seat", "touring"]
    coveo.update(partialUpdate=[{**change, "operator": "fieldValueReplace", "value": "tandem"}])
    assert coveo.sandbox.items()[0]["kayak"] == ["tandem"]
    coveo.update(partialUpdate=[{**change, "field": "kayak", "operator": "fieldValueReplace", "value": "solo"}])
    assert coveo.sandbox.items()[0]["kayak"] == ["tandem"]
    assert [piece.reason for piece in coveo.sandbox.dropped()] == ["a rule fills the field kayak otherwise"]


def test_a_merge_changes_what_a_rule_filled(coveo: Caller) -> None:
    """A merge goes by the rules, and what a rule made of other metadata stays."""
    coveo.sandbox.create_field("state")
    add_rule(coveo, "state", "%[condition]", "new")
    coveo.update(addOrUpdate=[{**ITEM, "condition": "used"}])
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "kayak_type": "tandem"}])
    assert coveo.sandbox.items() == [{"documentId": "product://1", "kayak": ["tandem"], "state": "used"}]
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "condition": "repaired"}])
    assert coveo.sandbox.items()[0]["state"] == "repaired"


def test_a_merge_brings_all_parts_of_an_entry_or_changes_nothing(coveo: Caller) -> None:
    """A merge with only a part of what a rule joins leaves the old value."""
    coveo.sandbox.create_field("look")
    add_rule(coveo, "look", "%[hue], %[finish]", "plain")
    coveo.update(addOrUpdate=[{"documentId": "product://1", "hue": "Red", "finish": "matt"}])
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "hue": "Blue", "finish": "glossy"}])
    assert coveo.sandbox.items()[0]["look"] == "Blue, glossy"
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "hue": "Green"}])
    assert coveo.sandbox.items()[0]["look"] == "Blue, glossy"
    assert [piece.key for piece in coveo.sandbox.dropped()] == ["hue"]


def test_a_merge_goes_by_the_type_that_the_item_has(coveo: Caller) -> None:
    """A merge goes by the objecttype that the item has, though it does not repeat it."""
    path = f"{coveo.organization_path}/sources/{coveo.sandbox.connection['source_id']}/mappings/types"
    rules = [{"field": "kayak", "content": ["%[variant_type]"]}]
    assert coveo.post(path, json={"type": "Variant", "rules": rules}).status_code == 201
    coveo.update(addOrUpdate=[{"documentId": "product://1", "objecttype": "Variant", "variant_type": "solo"}])
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "variant_type": "tandem"}])
    coveo.update("merge", addOrMerge=[{"documentId": "product://2", "variant_type": "tandem"}])
    assert [item.get("kayak") for item in coveo.sandbox.items()] == [["tandem"], None]
