"""What Coveo gives back is known as what was sent in each form that Coveo gives it, and in no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich._json import normal
from coveo_enrich.index import CoveoSearch
from coveo_enrich.index.search.calls import FoundItem
from coveo_enrich.index.search.comparing import same_value
from coveo_enrich.index.search.verification import compared
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.indexing.indexing import indexed_fields
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.item import view
from coveo_enrich.sandbox.values import StoredItem

TEXT = Field(name="f")
LIST = Field(name="f", multi_value=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
WORDS = st.lists(TEXTS.map(lambda text: text.replace(";", "").strip()).filter(bool), min_size=1)
WHOLE = st.integers(-(2**63), 2**63 - 1)
DECIMALS = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2)), None]))
SCALARS = st.one_of(TEXTS, WHOLE, DECIMALS, st.booleans(), st.dates(), MOMENTS, st.decimals(-1000, 1000, places=3))


class Shade(Enum):
    """A member is sent as its value."""

    DARK = "dark"


class OfNumPy:
    """An array, as far as it matters."""

    kind = "i"

    @property
    def dtype(self) -> OfNumPy:
        """A type that is no moment."""
        return self

    def tolist(self) -> list[int]:
        """Its values."""
        return [1, 2]


OfNumPy.__module__ = "numpy"


def read_back(sent: object, field: Field) -> Any:  # noqa: ANN401 - whatever a search gives
    """What a search of the sandbox shows of a value, by way of JSON both times; `None` when it was not indexed."""
    body = json.loads(json.dumps({"f": normal(sent)}))
    kept = indexed_fields(body, {"f": field}).values
    item = StoredItem("src", "a://1", 5, 5, kept)
    return json.loads(json.dumps(view(item, {}).raw({"f": field}, None, ()))).get("f")


@given(SCALARS | st.lists(SCALARS, min_size=1), st.sampled_from([TEXT, LIST]))
def test_a_value_is_known_in_the_form_of_a_field_of_texts(sent: object, field: Field) -> None:
    """Texts, numbers, flags, dates and lists match what a text field gives back, multi-value or not."""
    found = read_back(sent, field)
    assume(found is not None)
    assert same_value(sent, found)


@given(st.one_of(WHOLE, DECIMALS, st.decimals(allow_nan=False, allow_infinity=False, places=3)))
def test_a_number_is_known_in_the_form_of_a_field_of_decimals(sent: object) -> None:
    """A number matches what a field of decimals keeps of it: what a double holds, a whole one without its point."""
    assert same_value(sent, read_back(sent, Field(name="f", type="DOUBLE")))


@given(WHOLE)
def test_a_whole_number_is_compared_to_the_last_digit(sent: int) -> None:
    """Two whole numbers match only if all digits do, where the field holds all of them."""
    found = read_back(sent, Field(name="f", type="LONG_64"))
    assert same_value(sent, found)
    assert not same_value(sent + 1, found)


@given(MOMENTS | st.dates() | MOMENTS.map(datetime.isoformat))
def test_a_moment_is_known_in_milliseconds(sent: object) -> None:
    """A date, a datetime or its text matches the milliseconds of a field of dates."""
    found = read_back(sent, Field(name="f", type="DATE"))
    assert isinstance(found, int)
    assert same_value(sent, found)
    assert not same_value(sent, found + 1)


@given(st.lists(DECIMALS, min_size=1))
def test_a_vector_is_known(sent: list[float]) -> None:
    """A vector matches its numbers in their order."""
    assert same_value(sent, read_back(sent, Field(name="f", type="VECTOR")))


@given(TEXTS, TEXTS)
def test_two_texts_that_differ_are_told_apart(sent: str, other: str) -> None:
    """Two texts that differ in any letter do not match: a field of one value keeps blanks, ``;`` and all."""
    assume(sent != other)
    assert not same_value(sent, read_back(other, TEXT))


@given(WORDS, WORDS, st.sampled_from([TEXT, LIST]))
def test_two_lists_that_differ_are_told_apart(sent: list[str], other: list[str], field: Field) -> None:
    """Two lists that differ in their values, their number or their order do not match."""
    assume(sent != other)
    assert not same_value(sent, read_back(other, field))


@given(DECIMALS | WHOLE, DECIMALS | WHOLE)
def test_two_numbers_that_differ_are_told_apart(sent: float, other: float) -> None:
    """Two numbers do not match if they differ as doubles."""
    assume(float(sent) != float(other))
    assert not same_value(sent, read_back(other, Field(name="f", type="DOUBLE")))


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (["a", "b"], "a;b"),
        ("a;b", ["a", "b"]),
        ("a; b ", ["a", "b"]),
        ("a;b", "a;b"),
        (("a", "b"), ["a", "b"]),
        (["a"], "a"),
        ("a", ["a"]),
        ([True, 2, 2.5], "True;2;2.5"),
        ([True, 2.0], ["true", "2"]),
        ([date(2026, 1, 2), Decimal("2.5")], ["2026-01-02", "2.5"]),
        (False, "False"),
        (True, "TRUE"),
        ("true", True),
        (12.0, 12),
        (5.0, "5.0"),
        (Decimal("12.50"), 12.5),
        (3, "3"),
        ("3", 3),
        (1e20, "1e+20"),
        (Shade.DARK, "dark"),
        ([Shade.DARK], "dark"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (OfNumPy(), [1, 2]),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), 1_767_312_000_000),
        ("2026-01-02T00:00:00Z", 1_767_312_000_000),
        ("20260102", 1_767_312_000_000),
        (1e-05, "1e-05"),
        (1e7, "1.0E7"),
        ("-0.5", -0.5),
        (None, None),
        ([], None),
        ([""], None),
        ([None, float("nan")], None),
        (["a", None], ["a"]),
        (["a", "", "b"], ["a", "b"]),
        (["a", "", "b"], "a;b"),
        (["a", "", "b"], "a;;b"),
        ([0, False], [0, "false"]),
        ("", None),
        ([5], 5),
    ],
)
def test_a_value_is_known_in_each_form(sent: object, found: object) -> None:
    """A list matches its text, a flag and a number theirs or the other way, a date its milliseconds."""
    assert same_value(sent, found)


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("Yellow", "Red"),
        ("Yellow ", "Yellow"),
        ("yellow", "Yellow"),
        ("dark  red", "dark red"),
        ("Red; Blue", "Blue; Red"),
        ("Red;Blue", ["Blue", "Red"]),
        (["a", "b"], ["b", "a"]),
        (["a", "b"], "b;a"),
        (["a", "b"], "a; b"),
        (["a"], ["a", "b"]),
        (["a", None], ["b"]),
        ([""], ["a"]),
        ([0], None),
        (["a", "a"], ["a"]),
        ("https://x.example/", "https://x.example"),
        ("size 1/", "size 1"),
        ("5.0", "5"),
        ("05", "5"),
        ("007", 7),
        (7, "007"),
        ("1e3", 1000),
        (1000, "1e3"),
        ("1.0e3", 1000.0),
        ("1_0", 10),
        (True, "False"),
        (True, 1),
        (1, True),
        (1, 2),
        (2**53 + 1, 2**53),
        ("a", None),
        (None, "a"),
        ("a", 5),
        (5, "a"),
        ({1, 2}, [1, 2]),
        (float("nan"), "nan"),
        (Decimal("NaN"), "NaN"),
        (Decimal("Infinity"), 5),
        (Decimal("1e999"), 5),
        (10**400, 1e300),
        (datetime(2026, 1, 2, tzinfo=UTC), 1_767_312_000_001),
    ],
)
def test_another_value_is_told(sent: object, found: object) -> None:
    """A value that is the same in no form does not match; nor does one that JSON has no form for."""
    assert not same_value(sent, found)


def kinds(sent: Mapping[str, Any], found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is found about the fields of an item."""
    verification = compared(
        {"a://1": sent}, {"a://1": [FoundItem("a://1", 5, found)]}, given=1, stamps=set(), is_shown=lambda _type: True
    )
    assert verification.is_complete == (not verification.findings)
    return [(finding.kind, finding.field) for finding in verification.findings]


@pytest.mark.parametrize("field", ["uri", "clickableuri", "ClickableUri"])
def test_a_slash_behind_an_address_is_no_matter(field: str) -> None:
    """A slash behind it makes no difference in a field of URIs, to which Coveo adds one; in any other field it does."""
    assert kinds({field: "https://x.example"}, {field.lower(): "https://x.example/"}) == []
    assert kinds({field: "https://x.example"}, {field.lower(): "https://y.example/"}) == [("different value", field)]
    assert kinds({"page": "https://x.example"}, {"page": "https://x.example/"}) == [("different value", "page")]


@pytest.mark.parametrize(
    ("sent", "found", "kind"),
    [
        ({"": 10.0}, 10, None),
        ({"": 10.0}, 11, "different value"),
        ({"": 10.0}, None, "missing field"),
        ({"": 10.0, "a": 9.0}, 10, "cannot be compared"),
        ({"": 10.0, "a": 9.0}, 11, "different value"),
        ({"": 10.0, "a": 9.0}, None, "missing field"),
        ({"a": 9.0}, None, "cannot be compared"),
        ({"a": 9.0}, 9.0, "cannot be compared"),
        ({"": 10.0, "a": 9.0}, {"": 10, "a": "9.0"}, None),
        ({"": 10.0, "a": 9.0}, {"": 10}, "different value"),
        ({}, None, None),
    ],
)
def test_of_a_dictionary_what_is_shown_is_compared(sent: object, found: object, kind: str | None) -> None:
    """Of a dictionary the entry without a name is compared; that the others cannot be seen is no difference."""
    shown = {} if found is None else {"price": found}
    assert kinds({"price": sent}, shown) == ([(kind, "price")] if kind else [])


@given(st.dictionaries(st.sampled_from(["", "a", "b"]), DECIMALS))
def test_a_dictionary_never_differs_from_what_the_sandbox_shows_of_it(sent: dict[str, float]) -> None:
    """A dictionary beside what the sandbox shows of it is complete, or cannot be compared."""
    found = read_back(sent, Field(name="f", type="DOUBLE", key_value=True)) if sent else None
    told = kinds({"price": sent}, {} if found is None else {"price": found})
    assert told == ([("cannot be compared", "price")] if sent.keys() - {""} else [])


def test_a_dictionary_is_not_waited_for() -> None:
    """A dictionary is complete by what a search shows of it, or cannot be compared; one look is enough."""
    prices = {"product://1": {"price": {"": 10.0}}, "product://2": {"price": {"": 10.0, "gold": 9.0}}}
    with CoveoSandbox() as sandbox:
        sandbox.create_field("price", type="DOUBLE", key_value=True)
        source = CoveoSource(**sandbox.connection)
        with StreamClient(source, dictionary_fields=["price"]) as client, CoveoSearch(source, poll_seconds=0) as search:
            client.update([{"documentId": one, **fields} for one, fields in prices.items()])
            found = search.verify(prices, timeout=5)
        assert (found.items, found.matching) == (2, 1)
        assert [(one.kind, one.document_id) for one in found.findings] == [("cannot be compared", "product://2")]
        assert [request.operation for request in sandbox.requests()].count("search") == 1
