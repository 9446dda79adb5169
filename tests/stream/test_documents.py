"""An item, checked and encoded: what is accepted, and the reason why the rest is not."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import _json
from coveo_enrich.errors import InvalidItem
from coveo_enrich.stream.documents import MAX_ITEM_BYTES, ItemEncoder, require_document_id
from coveo_enrich.stream.findings import Example, Findings

Checks = Literal["full", "trusted"]

ID = "product://001-red"


class Product(StrEnum):
    """Ids that are members of an enum."""

    KAYAK = ID


# JSON has no number that is none, and no integer beyond 64 bits is sent.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
KEYS = st.from_regex(r"x[a-z_]{1,10}", fullmatch=True)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)
LIST_VALUES = SCALARS | st.lists(SCALARS, max_size=4)


@pytest.fixture(scope="module", autouse=True, params=["stdlib", "orjson"])
def _codec(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run every test with Python's JSON and with orjson."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "stdlib":
            patch.setattr(_json, "codec", _json.stdlib_codec)
        yield


def _encoder(
    checks: Checks = "full", *, max_bytes: int = MAX_ITEM_BYTES, findings: Findings | None = None
) -> ItemEncoder:
    return ItemEncoder(checks, {"prices"}, max_bytes, findings or Findings())


def _encoded(document: object, checks: Checks = "full") -> tuple[str, bytes]:
    return _encoder(checks).encode(document, 1)


def _item(**fields: object) -> dict[str, object]:
    return {"documentId": ID, **fields}


def _refused(document: object, *, max_bytes: int = MAX_ITEM_BYTES) -> InvalidItem:
    """Return the refusal, the same however closely items are looked at."""
    trusted, full = (_refused_by(_encoder(checks, max_bytes=max_bytes), document) for checks in ("trusted", "full"))
    assert (trusted.document_id, trusted.reason, trusted.code) == (full.document_id, full.reason, full.code)
    return full


def _refused_by(encoder: ItemEncoder, document: object) -> InvalidItem:
    with pytest.raises(InvalidItem) as caught:
        encoder.encode(document, 7)
    assert caught.value.position == 7
    return caught.value


def _sent(**fields: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    return json.loads(_encoded(_item(**fields))[1])


@given(st.dictionaries(KEYS, LIST_VALUES, max_size=6))
def test_an_item_arrives_as_it_was(fields: dict[str, object]) -> None:
    """Law 5: what Coveo can index is sent unchanged, keys in their order, as UTF-8 without blanks."""
    document = _item(**fields)
    document_id, data = _encoded(document)
    assert document_id == ID
    assert json.loads(data.decode("utf-8")) == document
    assert list(json.loads(data)) == list(document)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_a_trusted_item_is_only_encoded(fields: dict[str, object]) -> None:
    """What JSON can say is sent, whatever Coveo makes of it, and nothing is found."""
    findings = Findings()
    encoder = _encoder("trusted", findings=findings)
    assert json.loads(encoder.encode(_item(Odd=1, odd=2, orderingId="#", **fields), 1)[1])["orderingId"] == "#"
    assert findings.values() == ()


def test_text_is_sent_as_utf8() -> None:
    """Law 5: letters are not escaped, so that a size counts what is sent."""
    assert _encoded(_item(title="Vélo 自転車 🚲")) == (
        ID,
        '{"documentId":"product://001-red","title":"Vélo 自転車 🚲"}'.encode(),
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
    with pytest.raises(InvalidItem) as caught:
        require_document_id(document_id, 7)
    assert str(caught.value) == str(error)


@pytest.mark.parametrize(
    "document_id",
    ["product://1", "https://shop.example/p/1?color=red#top", "x+y.z-1://é", "P://" + "9" * 500, "p://a://b"],
)
def test_uris_of_every_kind_are_ids(document_id: str) -> None:
    """The id is taken as it is: nothing is normalised."""
    assert _encoded({"documentId": document_id})[0] == document_id
    assert require_document_id(document_id, 1) == document_id


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
        (10**5000, "beyond 64 bits"),
        (2**63, "beyond 64 bits"),
        ("a\0b", "a NUL character"),
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
    for _ in range(10_000):
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


def test_an_item_may_be_as_large_as_the_limit() -> None:
    """Law 5: exactly 3,000,000 bytes pass, one more does not."""
    frame = len(_encoded(_item(t=""))[1])
    assert len(_encoded(_item(t="x" * (MAX_ITEM_BYTES - frame)))[1]) == MAX_ITEM_BYTES == 3_000_000
    error = _refused(_item(t="x" * (MAX_ITEM_BYTES - frame + 1)))
    assert (error.document_id, error.code) == (ID, "too-large")
    assert "3,000,001 bytes" in error.reason
    assert "the limit is 3,000,000" in error.reason


def test_the_limit_of_an_item_counts_bytes() -> None:
    """Law 5: letters of two bytes fill it twice as fast."""
    frame = len(_encoded(_item(t=""))[1])
    _encoder(max_bytes=frame + 100).encode(_item(t="é" * 50), 1)
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
    assert b'"b":20}' in _encoded(_item(b=Decimal("20.00")))[1]


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
    assert json.loads(_encoded(document, "trusted")[1]) == {"documentId": ID, "inner": {"a": [1, {"b": [2]}]}}


def test_an_id_of_a_type_of_its_own_is_a_text() -> None:
    """A member of an enum of texts is an id, and comes back as a plain text."""
    document_id, data = _encoded({"documentId": Product.KAYAK})
    assert type(document_id) is str
    assert json.loads(data) == {"documentId": ID} == {"documentId": document_id}


def test_a_warning_is_noted_with_its_item() -> None:
    """The item is sent all the same, and the finding says which one it was."""
    findings = Findings()
    encoder = _encoder(findings=findings)
    for position in (1, 2):
        encoder.encode(_item(**{"kayak type": "sea"}), position)
    (finding,) = findings.values()
    assert (finding.severity, finding.code, finding.field, finding.count) == ("warning", "field-name", "kayak type", 2)
    assert finding.examples == (Example(1, ID), Example(2, ID))


def test_nothing_is_noted_about_an_item_that_is_not_sent() -> None:
    """A warning about an item that is too large would be about an item that nobody gets."""
    findings = Findings()
    _refused_by(_encoder(max_bytes=60, findings=findings), _item(**{"kayak type": "sea" * 50}))
    assert findings.values() == ()


def test_what_must_not_be_sent_is_refused_with_its_code() -> None:
    """What the full checks refuse is an invalid item like any other."""
    error = _refused_by(_encoder(), _item(Color=1, color=2))
    assert (error.document_id, error.code) == (ID, "keys-differ-by-case")
    assert "INVALID_JSON" in error.reason


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (None, "not-a-mapping"),
        ({}, "no-id"),
        ({"documentId": "1"}, "id-is-no-uri"),
        ({"documentId": ID, "a": float("nan")}, "not-json"),
        ({"documentId": "product://\ud83d"}, "not-json"),
    ],
)
def test_a_refusal_has_a_code(document: object, code: str) -> None:
    """Refusals for the same reason have the same code, so that they can be counted."""
    assert _refused(document).code == code


def test_an_entry_of_another_kind_is_encoded_the_same_way() -> None:
    """A partial update takes other values than an item, but no other JSON, and has the same limit."""
    encoder = _encoder(max_bytes=100)
    entry = {"documentId": ID, "operator": "dictionaryPut", "field": "prices", "value": {"a": Decimal("1.5")}}
    assert json.loads(encoder.encode_entry(entry, ID, 3)) == {**entry, "value": {"a": 1.5}}
    for value, code in ((float("nan"), "not-json"), ("x" * 100, "too-large")):
        with pytest.raises(InvalidItem) as caught:
            encoder.encode_entry({**entry, "value": value}, ID, 3)
        assert (caught.value.document_id, caught.value.position, caught.value.code) == (ID, 3, code)


def test_the_item_is_left_as_it_was() -> None:
    """Encoding changes nothing of what the caller handed over."""
    document = _item(price=Decimal(1), tags=("a", "b"), prices=MappingProxyType({"a": 1}))
    _encoded(document)
    assert document == _item(price=Decimal(1), tags=("a", "b"), prices=MappingProxyType({"a": 1}))
