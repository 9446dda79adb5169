"""What the index keeps of an item: the pure part."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import untimed

from coveo_enrich.sandbox.indexing.indexing import RESERVED_KEYS, Rejected, SentItem, indexed_fields, sent_item
from coveo_enrich.sandbox.platform.fields import Field, FieldType, standard_fields

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=6,
)
field_types: st.SearchStrategy[FieldType] = st.sampled_from(("STRING", "LONG", "LONG_64", "DOUBLE", "DATE", "VECTOR"))


@st.composite
def any_field(draw: st.DrawFn) -> Field:
    """A field of any kind that Coveo would make, named ``f``."""
    type_ = draw(field_types)
    return Field(
        name="f", type=type_, key_value=draw(st.booleans()), multi_value=type_ == "STRING" and draw(st.booleans())
    )


def _kept(value: Any, **options: Any) -> Any:  # noqa: ANN401 - any JSON, any option
    """The value that a field with these options keeps; `None` when it is dropped."""
    return indexed_fields({"f": value}, {"f": Field(name="f", **options)}).values.get("f")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Red;Blue", "Red;Blue"),
        (["Red", "Blue"], "Red;Blue"),
        ("  as it is ", "  as it is "),
        (7, "7"),
        (2.5, "2.5"),
        (True, "True"),
        (False, "False"),
        (["a", 1, True], "a;1;True"),
        ("", None),
        ([], None),
        (None, None),
        ({"a": "b"}, None),
        ([["a"]], None),
        ([{"a": "b"}], None),
        (["a", None], None),
        (float("inf"), None),
    ],
)
def test_a_text_field_holds_one_text(value: object, kept: object) -> None:
    """A text field joins arrays, splits nothing, and drops empty values, objects and nested arrays."""
    assert _kept(value) == kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Red;Blue", ["Red", "Blue"]),
        (["Red;Blue", "Green"], ["Red", "Blue", "Green"]),
        (" Red ;; ", ["Red"]),
        ("Red", ["Red"]),
        (7, ["7"]),
        (";", None),
        ([], None),
    ],
)
def test_a_list_field_splits_at_the_semicolon(value: object, kept: object) -> None:
    """A list field splits at `;`, also within the texts of an array."""
    assert _kept(value, multi_value=True) == kept


@pytest.mark.parametrize(
    ("type_", "value", "kept"),
    [
        ("DOUBLE", 2.5, 2.5),
        ("DOUBLE", 2, 2.0),
        ("DOUBLE", "2.5", None),
        ("DOUBLE", True, None),
        ("DOUBLE", [2.5], None),
        ("DOUBLE", float("inf"), None),
        ("DOUBLE", 10**400, None),
        ("LONG", 2**31 - 1, 2**31 - 1),
        ("LONG", 2**31, None),
        ("LONG", 2.0, 2),
        ("LONG", 2.5, None),
        ("LONG", "2", None),
        ("LONG_64", 2**31, 2**31),
        ("LONG_64", 2**63 - 1, 2**63 - 1),
        ("LONG_64", -(2**63), -(2**63)),
        ("LONG_64", 2**63, None),
        ("DATE", "2002-01-31T11:53:12Z", 1_012_477_992_000),
        ("DATE", "2002-01-31T11:53:12.5+01:00", 1_012_474_392_500),
        ("DATE", "2002-01-31", 1_012_435_200_000),
        ("DATE", 1_012_477_992_000, 1_012_477_992_000),
        ("DATE", "yesterday", None),
        ("DATE", False, None),
        ("VECTOR", [1, 0.5], [1.0, 0.5]),
        ("VECTOR", [1, "0.5"], None),
        ("VECTOR", 1, None),
    ],
)
def test_a_field_of_another_type_holds_only_that_type(type_: FieldType, value: object, kept: object) -> None:
    """A number or date field drops what does not fit, and converts no text."""
    assert _kept(value, type=type_) == kept


@pytest.mark.parametrize(
    ("type_", "value", "kept"),
    [
        ("DOUBLE", {"": 10.0, "a": 9}, {"": 10.0, "a": 9.0}),
        ("STRING", {"a": "x;y"}, {"a": "x;y"}),
        ("DOUBLE", {"a": "9"}, None),
        ("STRING", {"a": {"b": "c"}}, None),
        ("STRING", {"a": ["b"]}, None),
        ("STRING", "text", None),
    ],
)
def test_a_dictionary_field_holds_an_object_of_scalars(type_: FieldType, value: object, kept: object) -> None:
    """A dictionary field keeps an object with scalars of its type only, and drops anything else."""
    assert _kept(value, type=type_, key_value=True) == kept


def test_keys_match_fields_whatever_their_case() -> None:
    """Metadata keys are not case-sensitive, and the index knows the field's name."""
    kept = indexed_fields({"EC_Name": "Kayak"}, {field.name: field for field in standard_fields()})
    assert kept.values == {"ec_name": "Kayak"}


def test_metadata_without_a_field_is_dropped_by_the_name_it_was_sent_under() -> None:
    """Metadata without a field is reported by the name under which it was sent."""
    kept = indexed_fields({"Kayak_Type": "single seat"}, {})
    assert kept.values == {}
    assert [key for key, _ in kept.dropped] == ["Kayak_Type"]


@pytest.mark.parametrize("value", ["", [], None])
def test_nothing_is_dropped_as_nothing_where_there_is_no_field(value: Any) -> None:  # noqa: ANN401 - any JSON
    """A value that is empty is told as empty, and not as lost for want of a field."""
    assert indexed_fields({"keel": value}, {}).dropped == (("keel", "the value is empty"),)


def test_reserved_keys_are_no_metadata() -> None:
    """Reserved keys are neither indexed nor dropped, whatever their case."""
    item = sent_item({"DocumentId": "product://1", "Data": "body", "fileExtension": ".html", "ec_name": "Kayak"}, 10)
    assert item == SentItem("product://1", {"ec_name": "Kayak"})


@pytest.mark.parametrize("document_id", ["product://1", "https://shop.example.com/a?b=c#d", "a+b.c-d://é"])
def test_a_uri_is_an_id(document_id: str) -> None:
    """A URI of any scheme is an id."""
    assert sent_item({"documentId": document_id}, 10) == SentItem(document_id, {})


@pytest.mark.parametrize(
    "document_id", ["", "1", "product:1", "product://", "://1", "1p://1", "product://a b", "p://\0"]
)
def test_what_is_no_uri_is_no_id(document_id: str) -> None:
    """An id without a scheme, ``://`` and something without blanks after it is refused."""
    item = sent_item({"documentId": document_id}, 10)
    assert isinstance(item, Rejected)
    assert item.document_id == document_id


def test_an_item_may_have_three_million_bytes() -> None:
    """An item of 3,000,000 bytes is kept, and one of one more is not."""
    assert isinstance(sent_item({"documentId": "product://1"}, 3_000_000), SentItem)
    assert isinstance(sent_item({"documentId": "product://1"}, 3_000_001), Rejected)


@untimed
@given(st.dictionaries(st.sampled_from(["f", "F", "g", "h"]), json_values), any_field())
def test_every_piece_of_metadata_is_kept_or_dropped(metadata: dict[str, Any], field: Field) -> None:
    """Each piece of metadata is either kept or dropped with a reason; what is kept is strict JSON."""
    kept = indexed_fields(metadata, {"f": field})
    dropped = [key for key, _ in kept.dropped]
    matching = [key for key in metadata if key.lower() == "f"]
    assert all(reason for _, reason in kept.dropped)
    assert {key for key in metadata if key not in matching} <= set(dropped)
    if "f" not in kept.values:
        assert set(dropped) == set(metadata)
    json.dumps(kept.values, allow_nan=False)


@untimed
@given(json_values, any_field())
def test_what_is_kept_is_kept_again(value: Any, field: Field) -> None:  # noqa: ANN401 - any JSON
    """Sending what was read back changes nothing."""
    first = indexed_fields({"f": value}, {"f": field}).values
    assert indexed_fields(dict(first), {"f": field}).values == first  # type: ignore[arg-type] # a Mapping of narrower values


@untimed
@given(json_values, st.integers(min_value=0, max_value=4_000_000))
def test_any_json_is_an_item_or_rejected_with_a_reason(value: Any, size: int) -> None:  # noqa: ANN401 - any JSON
    """Any JSON is an item, or rejected with a reason."""
    item = sent_item(value, size)
    if isinstance(item, Rejected):
        assert item.reason
    else:
        assert "://" in item.document_id
        assert not {key.lower() for key in item.metadata} & RESERVED_KEYS
