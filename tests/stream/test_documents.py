"""An item, checked and encoded: what is accepted, and the reason why the rest is not."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.errors import InvalidItem
from coveo_enrich.stream.documents import MAX_ITEM_BYTES, encode_item

ID = "product://001-red"

# Keys in lower case, as two that differ by case are a clash; JSON has no number that is none.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
KEYS = st.from_regex(r"[a-z_]{1,10}", fullmatch=True)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)


def _item(**fields: object) -> dict[str, object]:
    return {"documentId": ID, **fields}


def _refused(document: object, *, max_bytes: int = MAX_ITEM_BYTES) -> InvalidItem:
    with pytest.raises(InvalidItem) as caught:
        encode_item(document, position=7, max_bytes=max_bytes)
    assert caught.value.position == 7
    return caught.value


def _sent(**fields: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    return json.loads(encode_item(_item(**fields), position=1).data)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_an_item_arrives_as_it_was(fields: dict[str, object]) -> None:
    """Law 5: what JSON can say is sent unchanged, keys in their order, as UTF-8 without blanks."""
    document = _item(**fields)
    encoded = encode_item(document, position=1)
    assert encoded.document_id == ID
    assert json.loads(encoded.data.decode("utf-8")) == document
    assert list(json.loads(encoded.data)) == list(document)


def test_text_is_sent_as_utf8() -> None:
    """Law 5: letters are not escaped, so that a size counts what is sent."""
    assert encode_item(_item(title="Vélo 自転車 🚲"), position=1).data == (
        '{"documentId":"product://001-red","title":"Vélo 自転車 🚲"}'.encode()
    )


@pytest.mark.parametrize("document", [None, "product://1", 3, ["documentId"], {"documentId"}, b"{}", object()])
def test_only_a_mapping_is_an_item(document: object) -> None:
    """Anything else is named by its type."""
    error = _refused(document)
    assert error.document_id is None
    assert f"must be a mapping, not {type(document).__name__}" in error.reason


@pytest.mark.parametrize("document", [{}, {"title": "Kayak"}, {"documentId": None}])
def test_an_item_needs_an_id(document: Mapping[str, object]) -> None:
    """Without documentId Coveo could not tell it from others."""
    error = _refused(document)
    assert error.document_id is None
    assert "it has no documentId" in error.reason


@pytest.mark.parametrize("key", ["DocumentId", "documentid", "DOCUMENTID", "documentID"])
def test_an_id_in_another_case_is_pointed_out(key: str) -> None:
    """The message names the key that was meant, and the right one."""
    assert _refused({key: ID}).reason == f"it has no documentId (it has {key!r}: write documentId)"


@pytest.mark.parametrize(
    "document_id",
    [
        "",
        " ",
        "001-red",
        "product:001",
        "product:/001",
        "product://",
        "://001",
        "1product://001",
        "product://001 red",
        " product://001",
        "product://001 ",
        "product://001\n",
        "product://0\t1",
        "product://0\x001",
        "product://0\x7f1",
        "product://0\u00a01",
        "product://0\u20281",
        "produit-é://1",
        42,
        3.5,
        True,
        b"product://001",
        ["product://001"],
    ],
)
def test_an_id_is_a_uri_without_blanks(document_id: object) -> None:
    """Coveo wants a scheme, :// and a rest; the refusal shows what was given."""
    error = _refused({"documentId": document_id})
    assert error.document_id == str(document_id)
    assert "must be a URI without blanks" in error.reason


@pytest.mark.parametrize(
    "document_id",
    ["product://1", "https://shop.example/p/1?color=red#top", "x+y.z-1://é", "P://" + "9" * 500, "p://a://b"],
)
def test_uris_of_every_kind_are_ids(document_id: str) -> None:
    """The id is taken as it is: nothing is normalised."""
    assert encode_item({"documentId": document_id}, position=1).document_id == document_id


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "not JSON compliant"),
        (float("inf"), "not JSON compliant"),
        ([1, {"a": float("-inf")}], "not JSON compliant"),
        ("\ud83d", "half of a surrogate pair"),
        (["ok", "\udc00"], "half of a surrogate pair"),
        ({"\ud800": 1}, "half of a surrogate pair"),
        ({1, 2}, "set has no JSON form"),
        (frozenset({1}), "frozenset has no JSON form"),
        (b"bytes", "bytes has no JSON form"),
        (object(), "object has no JSON form"),
        (1j, "complex has no JSON form"),
        (iter([1]), "list_iterator has no JSON form"),
        (Decimal("NaN"), "not JSON compliant"),
        (Decimal("sNaN"), "not JSON compliant"),
        (Decimal("Infinity"), "not JSON compliant"),
        (Decimal("-Infinity"), "not JSON compliant"),
        (10**5000, "digits"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else type(value).__name__,
)
def test_what_json_cannot_say_is_refused(value: object, why: str) -> None:
    """Law 5: the refusal names the item, the field and the reason, and is never another kind of error."""
    error = _refused(_item(title="fine", odd=value))
    assert error.document_id == ID
    assert "'odd'" in error.reason
    assert why in error.reason


def test_a_value_that_holds_itself_is_refused() -> None:
    """A circle has no end in JSON."""
    circle: list[object] = []
    circle.append(circle)
    assert "'odd'" in _refused(_item(odd=circle)).reason


def test_nesting_without_measure_is_refused() -> None:
    """What is nested too deeply to be written is an invalid item, not a RecursionError."""
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]
    assert "nested too deeply" in _refused(_item(odd=deep)).reason


def test_nesting_of_mappings_without_measure_is_refused() -> None:
    """The same for mappings that are no dicts, which take another way through the encoder."""
    deep: object = 1
    for _ in range(20_000):
        deep = MappingProxyType({"a": deep})
    assert "nested too deeply" in _refused(_item(odd=deep)).reason


@pytest.mark.parametrize("key", [1, None, True, ("a", "b"), b"color", float("nan")])
def test_keys_are_text(key: object) -> None:
    """Law 5: a key that is no text is refused, rather than turned into one."""
    assert _refused({"documentId": ID, key: 1}).reason == f"its key {key!r} is not text"


@pytest.mark.parametrize("inner", [{1: "a", "1": "b"}, {None: 1}, {True: 1}, {2.5: 1}])
def test_keys_are_text_at_every_depth(inner: Mapping[object, object]) -> None:
    """Law 5: a key inside a value is refused too if it is no text: as text it could meet one that is there."""
    assert "'specs'" in _refused(_item(specs=inner)).reason


@pytest.mark.parametrize(
    "fields",
    [
        {"Color": 1, "color": 2},
        {"ec_name": 1, "x": 1, "EC_NAME": 2},
        {"DOCUMENTID": "product://2"},
        {"ÉTÉ": 1, "été": 2},
    ],
)
def test_keys_that_differ_by_case_clash(fields: dict[str, object]) -> None:
    """Coveo answers INVALID_JSON to such a file, for all of its items: here the one item is refused."""
    error = _refused({"documentId": ID, **fields})
    assert error.document_id == ID
    assert "differ only by case" in error.reason
    assert "INVALID_JSON" in error.reason


def test_an_item_may_be_as_large_as_the_limit() -> None:
    """Law 5: exactly 3,000,000 bytes pass, one more does not."""
    frame = len(encode_item(_item(t=""), position=1).data)
    encoded = encode_item(_item(t="x" * (MAX_ITEM_BYTES - frame)), position=1)
    assert len(encoded.data) == MAX_ITEM_BYTES == 3_000_000
    error = _refused(_item(t="x" * (MAX_ITEM_BYTES - frame + 1)))
    assert error.document_id == ID
    assert "3,000,001 bytes" in error.reason
    assert "the limit is 3,000,000" in error.reason


def test_the_limit_of_an_item_counts_bytes() -> None:
    """Law 5: letters of two bytes fill it twice as fast."""
    frame = len(encode_item(_item(t=""), position=1).data)
    encode_item(_item(t="é" * 50), position=1, max_bytes=frame + 100)
    assert "the limit is" in _refused(_item(t="é" * 50), max_bytes=frame + 99).reason


def test_decimals_are_numbers() -> None:
    """Prices of a database arrive as JSON numbers: whole ones without a point."""
    assert _sent(a=Decimal("19.90"), b=Decimal("20.00"), c=Decimal("-0.5"), d=Decimal("1E+3")) == {
        "documentId": ID,
        "a": 19.9,
        "b": 20,
        "c": -0.5,
        "d": 1000,
    }
    assert b'"b":20}' in encode_item(_item(b=Decimal("20.00")), position=1).data


def test_dates_are_iso_text() -> None:
    """Days and moments arrive in ISO 8601, a moment with its zone."""
    moment = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert _sent(day=date(2026, 3, 1), moment=moment) == {
        "documentId": ID,
        "day": "2026-03-01",
        "moment": "2026-03-01T12:30:00+00:00",
    }


def test_sequences_and_mappings_of_other_kinds_are_json_too() -> None:
    """Tuples are lists; read-only and ordered mappings are objects, at any depth and as the item itself."""
    inner = MappingProxyType({"a": (1, MappingProxyType({"b": (2,)}))})
    document = MappingProxyType(OrderedDict[str, object](documentId=ID, inner=inner))
    assert json.loads(encode_item(document, position=1).data) == {"documentId": ID, "inner": {"a": [1, {"b": [2]}]}}


def test_the_item_is_left_as_it_was() -> None:
    """Encoding changes nothing of what the caller handed over."""
    document = _item(price=Decimal(1), tags=("a", "b"))
    encode_item(document, position=1)
    assert document == {"documentId": ID, "price": Decimal(1), "tags": ("a", "b")}
