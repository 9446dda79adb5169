"""Changes to single fields: what is sent, and what cannot be."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.stream.partial import PartialUpdate, Scalar

ITEM = "product://001-red"

EVERY_OPERATION = [
    PartialUpdate.replace_value(ITEM, "ec_color", ["Red", "Blue"]),
    PartialUpdate.replace_value(ITEM, "ec_price", 12.5),
    PartialUpdate.replace_value(ITEM, "stock", {"": 0, "montreal": 3}),
    PartialUpdate.remove_field(ITEM, "ec_color"),
    PartialUpdate.append_values(ITEM, "ec_color", ["Red"]),
    PartialUpdate.remove_values(ITEM, "ec_color", ["Red", "Blue"]),
    PartialUpdate.put_entries(ITEM, "stock", {"montreal": 3}),
    PartialUpdate.remove_entries(ITEM, "stock", ["montreal"]),
]


def _untyped(value: object) -> Any:  # noqa: ANN401 - hides a type from the type checkers
    return value


def _sent(operation: PartialUpdate) -> dict[str, object]:
    return operation.to_wire()


@pytest.mark.parametrize(
    ("operation", "operator", "value"),
    [
        (PartialUpdate.replace_value(ITEM, "f", "Red"), "fieldValueReplace", "Red"),
        (PartialUpdate.replace_value(ITEM, "f", ["Red", "Blue"]), "fieldValueReplace", ["Red", "Blue"]),
        (PartialUpdate.replace_value(ITEM, "f", value=False), "fieldValueReplace", False),
        (PartialUpdate.replace_value(ITEM, "f", 0), "fieldValueReplace", 0),
        (PartialUpdate.replace_value(ITEM, "f", {"": 9, "a": 1}), "fieldValueReplace", {"": 9, "a": 1}),
        (PartialUpdate.append_values(ITEM, "f", ["Red"]), "arrayAppend", ["Red"]),
        (PartialUpdate.remove_values(ITEM, "f", ("Red", 3)), "arrayRemove", ["Red", 3]),
        (PartialUpdate.put_entries(ITEM, "f", {"": 9, "a": 1.5}), "dictionaryPut", {"": 9, "a": 1.5}),
        (PartialUpdate.remove_entries(ITEM, "f", ["a", "b"]), "dictionaryRemove", ["a", "b"]),
    ],
)
def test_each_operation_is_sent_in_coveos_form(operation: PartialUpdate, operator: str, value: object) -> None:
    """Four keys, the operator in Coveo's spelling, several values as a list, entries as a dictionary."""
    sent = _sent(operation)
    assert sent == {"documentId": ITEM, "operator": operator, "field": "f", "value": value}
    assert type(sent["value"]) is type(value)


def test_removing_a_field_sends_no_value() -> None:
    """Coveo removes a field that is replaced by nothing: the key ``value`` is left out rather than null."""
    sent = _sent(PartialUpdate.remove_field(ITEM, "ec_color"))
    assert sent == {"documentId": ITEM, "operator": "fieldValueReplace", "field": "ec_color"}


def test_a_value_is_never_removed_by_accident() -> None:
    """A missing value, as a catalog may hold, is refused; what is wanted then has a method of its own."""
    with pytest.raises(ConfigurationError, match=r"use PartialUpdate\.remove_field"):
        PartialUpdate.replace_value(ITEM, "ec_color", None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_only_what_adds_is_not_repeatable() -> None:
    """Sent twice, every operation but ``arrayAppend`` leaves the item as if sent once."""
    assert [one.operator for one in EVERY_OPERATION if not one.repeatable] == ["arrayAppend"]


def test_it_can_be_made_from_its_parts() -> None:
    """Operations that were stored as data come back by position or by name, and equal those made by a method."""
    made = PartialUpdate.append_values(ITEM, "ec_color", ["Red"])
    assert PartialUpdate(ITEM, "arrayAppend", "ec_color", ["Red"]) == made
    assert PartialUpdate(document_id=ITEM, operator="arrayAppend", field="ec_color", value=["Red"]) == made
    assert PartialUpdate(ITEM, "fieldValueReplace", "ec_color") == PartialUpdate.remove_field(ITEM, "ec_color")


def test_values_may_come_one_by_one() -> None:
    """A generator, a mapping view or a read-only mapping serves as a list or a dictionary does."""
    words = (word.title() for word in ("red", "blue"))
    assert _sent(PartialUpdate.append_values(ITEM, "f", words))["value"] == ["Red", "Blue"]
    assert _sent(PartialUpdate.replace_value(ITEM, "f", {"Red": 1}.keys()))["value"] == ["Red"]
    assert _sent(PartialUpdate.put_entries(ITEM, "f", MappingProxyType({"a": 1})))["value"] == {"a": 1}


def test_what_it_holds_is_its_own() -> None:
    """Neither a later change to what it was made of nor one to what was sent changes the operation."""
    values, entries = ["Red"], {"a": 1}
    append = PartialUpdate.append_values(ITEM, "f", values)
    put = PartialUpdate.put_entries(ITEM, "f", entries)
    values.append("Blue")
    entries["b"] = 2
    for operation in (append, put):
        sent: Any = _sent(operation)["value"]
        sent.clear()
    assert _sent(append)["value"] == ["Red"]
    assert _sent(put)["value"] == {"a": 1}


def test_decimals_and_dates_are_values() -> None:
    """What a product database gives as a price or a date is taken as it is; the encoder gives it its JSON form."""
    values: list[Scalar] = [Decimal("9.90"), datetime(2024, 5, 1, tzinfo=UTC)]
    assert _sent(PartialUpdate.replace_value(ITEM, "f", values))["value"] == values


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PartialUpdate("001-red", "fieldValueReplace", "f", 1), "document_id must be a URI"),
        (lambda: PartialUpdate("product://001 red", "fieldValueReplace", "f", 1), "document_id must be a URI"),
        (lambda: PartialUpdate("product://1\n", "fieldValueReplace", "f", 1), "document_id must be a URI"),
        (lambda: PartialUpdate("product://\ud83d", "fieldValueReplace", "f", 1), "document_id must be text without"),
        (lambda: PartialUpdate(_untyped(7), "fieldValueReplace", "f", 1), "document_id must be a URI"),
        (lambda: PartialUpdate(ITEM, _untyped("ARRAYAPPEND"), "f", ["a"]), "operator must be one of arrayAppend, "),
        (lambda: PartialUpdate(ITEM, "fieldValueReplace", "Ec_Color", 1), "field must be the name of a field"),
        (lambda: PartialUpdate(ITEM, "fieldValueReplace", "ec-color", 1), "field must be the name of a field"),
        (lambda: PartialUpdate(ITEM, "fieldValueReplace", "2d", 1), "field must be the name of a field"),
        (lambda: PartialUpdate(ITEM, "fieldValueReplace", "f\n", 1), "field must be the name of a field"),
        (lambda: PartialUpdate(ITEM, "fieldValueReplace", "f" * 256, 1), "field must be the name of a field"),
        (lambda: PartialUpdate(ITEM, "fieldValueReplace", "", 1), "field must be the name of a field"),
        (lambda: PartialUpdate(ITEM, "fieldValueReplace", _untyped(None), 1), "field must be the name of a field"),
        (lambda: PartialUpdate.append_values(ITEM, "f", "Red"), "value must be a list .*got 'Red'"),
        (lambda: PartialUpdate.remove_values(ITEM, "f", "Red"), "value must be a list .*got 'Red'"),
        (lambda: PartialUpdate.remove_entries(ITEM, "f", "a"), "value must be a list .*got 'a'"),
        (lambda: PartialUpdate(ITEM, "arrayAppend", "f"), "value must be a list .*got None"),
        (lambda: PartialUpdate(ITEM, "arrayRemove", "f", {"a": 1}), "value must be a list"),
        (lambda: PartialUpdate.append_values(ITEM, "f", []), "value must be not empty"),
        (lambda: PartialUpdate.remove_values(ITEM, "f", ()), "value must be not empty"),
        (lambda: PartialUpdate.remove_entries(ITEM, "f", []), "value must be not empty"),
        (lambda: PartialUpdate.put_entries(ITEM, "f", {}), "value must be not empty"),
        (lambda: PartialUpdate(ITEM, "dictionaryPut", "f", [("a", 1)]), "value must be a mapping"),
        (lambda: PartialUpdate(ITEM, "dictionaryPut", "f"), "value must be a mapping"),
        (
            lambda: PartialUpdate(ITEM, "dictionaryPut", "f", {1: 2}),
            "value must .* keys as texts; got 1",
        ),
        (
            lambda: PartialUpdate(ITEM, "dictionaryRemove", "f", ["a", 1]),
            "value must .* keys as texts; got 1",
        ),
        (
            lambda: PartialUpdate(ITEM, "fieldValueReplace", "f", {1: 2}),
            "value must .* keys as texts; got 1",
        ),
        (
            lambda: PartialUpdate(ITEM, "dictionaryPut", "f", {"a": [1]}),
            "value must .* nothing nested; got \\[1\\]",
        ),
        (
            lambda: PartialUpdate(ITEM, "dictionaryPut", "f", {"a": None}),
            "value must .* nothing nested; got None",
        ),
        (
            lambda: PartialUpdate(ITEM, "arrayAppend", "f", ["a", ["b"]]),
            "value must .* nothing nested; got \\['b'\\]",
        ),
        (lambda: PartialUpdate(ITEM, "arrayAppend", "f", [None]), "value must .* nothing nested; got None"),
        (
            lambda: PartialUpdate(ITEM, "fieldValueReplace", "f", [{"a": 1}]),
            "value must .* nothing nested; got {'a': 1}",
        ),
        (
            lambda: PartialUpdate(ITEM, "fieldValueReplace", "f", {"a": {}}),
            "value must .* nothing nested; got {}",
        ),
        (
            lambda: PartialUpdate(ITEM, "fieldValueReplace", "f", b"Red"),
            "value must .* nothing nested; got b'Red'",
        ),
        (
            lambda: PartialUpdate(ITEM, "fieldValueReplace", "f", float("nan")),
            "value must .* numbers that JSON has; got nan",
        ),
        (
            lambda: PartialUpdate(ITEM, "arrayAppend", "f", [Decimal("-Infinity")]),
            "value must .* numbers that JSON has",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_when_it_is_made(make: Callable[[], object], message: str) -> None:
    """The error names the argument, what is wanted, and what came, while the program still knows why it came."""
    with pytest.raises(ConfigurationError, match=rf"^PartialUpdate\.{message}"):
        make()


@pytest.mark.parametrize("name", ["f", "ec_color", "a" * 255, "x2_"])
def test_every_name_that_a_field_can_have_is_taken(name: str) -> None:
    """Coveo's rule for field names: a small letter, then at most 254 small letters, digits and underscores."""
    assert PartialUpdate.remove_field(ITEM, name).field == name


@pytest.mark.parametrize("operation", EVERY_OPERATION, ids=lambda one: one.operator)
def test_it_crosses_processes(operation: PartialUpdate) -> None:
    """Law 14: it pickles, and what comes out is the same and sends the same."""
    copy: PartialUpdate = pickle.loads(pickle.dumps(operation))  # noqa: S301 - our own bytes
    assert copy == operation
    assert _sent(copy) == _sent(operation)


def test_it_can_stand_in_a_set() -> None:
    """Operations that say the same are one, so that repeated ones can be dropped; lists do not hinder that."""
    twice = [PartialUpdate.append_values(ITEM, "f", ["Red"]) for _ in range(2)]
    assert len({*twice, PartialUpdate.remove_field(ITEM, "f")}) == 2


def test_it_does_not_change() -> None:
    """It is a value."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        EVERY_OPERATION[0].field = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_its_repr_makes_it_again() -> None:
    """A log line shows all of it, in a form that can be pasted."""
    shown = repr(PartialUpdate.append_values(ITEM, "ec_color", ["Red"]))
    assert shown == (
        "PartialUpdate(document_id='product://001-red', operator='arrayAppend', field='ec_color', value=('Red',))"
    )
