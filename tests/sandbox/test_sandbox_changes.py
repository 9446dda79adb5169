"""Partial updates and merges against a plain model of them: the pure part."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import untimed

from coveo_enrich.sandbox.indexing.changes import FieldChange, apply_change, merged, sent_change
from coveo_enrich.sandbox.indexing.indexing import UnfitError, indexed_fields
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.strict_json import Json

FIELDS = {
    "words": Field(name="words", multi_value=True),
    "word": Field(name="word"),
    "prices": Field(name="prices", type="DOUBLE", key_value=True),
}

words = st.sampled_from(["red", "green", "blue", "black"])
lists = st.lists(words, min_size=1, max_size=4)
keys = st.sampled_from(["", "a", "b", "c"])
prices = st.dictionaries(keys, st.floats(allow_nan=False, allow_infinity=False), max_size=4)
changes = st.one_of(
    st.tuples(st.sampled_from(["arrayAppend", "arrayRemove"]), st.just("words"), lists),
    st.tuples(st.just("fieldValueReplace"), st.just("words"), st.none() | lists),
    st.tuples(st.just("fieldValueReplace"), st.just("word"), st.none() | words),
    st.tuples(st.just("dictionaryPut"), st.just("prices"), prices),
    st.tuples(st.just("dictionaryRemove"), st.just("prices"), keys | st.lists(keys, max_size=3)),
)
items = st.fixed_dictionaries({}, optional={"words": lists, "word": words, "prices": prices.filter(bool)})


def _model(item: dict[str, Any], operator: str, field: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """What Coveo's words say, in the plainest way; a field with nothing in it is no field."""
    after = dict(item)
    if operator == "fieldValueReplace":
        after[field] = value
    elif operator == "arrayAppend":
        after[field] = after.get(field, []) + value
    elif operator == "arrayRemove":
        after[field] = [entry for entry in after.get(field, []) if entry not in value]
    elif operator == "dictionaryPut":
        after[field] = {**after.get(field, {}), **value}
    else:
        gone = [value] if isinstance(value, str) else value
        after[field] = {key: entry for key, entry in after.get(field, {}).items() if key not in gone}
    return {name: kept for name, kept in after.items() if kept}


@untimed
@given(items, st.lists(changes, max_size=8))
def test_changes_do_what_the_model_does(item: dict[str, Any], steps: list[tuple[str, str, Any]]) -> None:
    """Changes, one after the other on any item, do what the model does, and leave the item before as it was."""
    values = item
    for operator, field, value in steps:
        entry = {"documentId": "p://1", "operator": operator, "field": field.upper(), "value": value}
        change = sent_change(entry, 10)
        assert isinstance(change, FieldChange)
        before = json.dumps(values)
        kept = apply_change(values, change, FIELDS)
        assert json.dumps(values) == before
        assert kept.dropped == ()
        assert kept.values == _model(values, operator, field, value)
        values = dict(kept.values)


@untimed
@given(items, items)
def test_a_merge_is_an_update_of_the_top_level(item: dict[str, Any], given_now: dict[str, Any]) -> None:
    """A merge replaces what it gives, as a Python dict does; merging again changes nothing."""
    kept = merged(item, given_now, FIELDS)
    assert kept.values == {**item, **given_now}
    assert merged(kept.values, given_now, FIELDS) == kept


@untimed
@given(items)
def test_a_merge_into_nothing_is_the_item_itself(item: dict[str, Any]) -> None:
    """A merge into nothing creates the item."""
    assert merged({}, item, FIELDS) == indexed_fields(item, FIELDS)


@pytest.mark.parametrize("operator", ["arrayAppend", "arrayRemove", "dictionaryPut", "dictionaryRemove"])
@pytest.mark.parametrize("field", ["word", "nobody"])
def test_an_operator_needs_its_kind_of_field(operator: str, field: str) -> None:
    """An operator for lists or dictionaries on a field with a text raises."""
    change = sent_change({"documentId": "p://1", "operator": operator, "field": field, "value": ["a"]}, 10)
    assert isinstance(change, FieldChange)
    with pytest.raises(UnfitError):
        apply_change({"word": "red"}, change, FIELDS)


def test_the_case_of_keys_operators_and_fields_does_not_matter() -> None:
    """Case makes no difference in keys, operators and fields: Coveo's own Java client sends ARRAYAPPEND."""
    entry: Json = {"DocumentID": "p://1", "OPERATOR": "ARRAYAPPEND", "Field": "Words", "VALUE": ["red"]}
    assert sent_change(entry, 10) == FieldChange("p://1", "arrayappend", "Words", ["red"])
