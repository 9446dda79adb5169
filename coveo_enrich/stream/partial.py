"""A change to one field of an item that is in the source already, as a value.

What it takes to send such changes, and what to do when a reply is lost, is not decided here; neither is whether the
item and the field exist, which only Coveo's index knows: it rejects the change later, in its logs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sized
from datetime import date
from decimal import Decimal
from numbers import Number
from typing import Final, Literal, TypeAlias, cast, get_args

import attrs

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.stream.checks import is_uri

__all__ = ["PartialUpdate", "PartialUpdateOperator", "Scalar"]

PartialUpdateOperator = Literal["arrayAppend", "arrayRemove", "fieldValueReplace", "dictionaryPut", "dictionaryRemove"]
"""What Coveo can do to one field, in its own words (docs.coveo.com/en/p4eb0515)."""

Scalar: TypeAlias = str | int | float | Decimal | date
"""A single value. A truth value is an `int` to Python, and a `datetime` is a `date`."""

_OPERATORS: Final[tuple[str, ...]] = get_args(PartialUpdateOperator)
_LISTS: Final = ("arrayAppend", "arrayRemove", "dictionaryRemove")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,254}")  # platform.cloud.coveo.com, Field API


def _own(value: object) -> object:
    """A copy that the caller's later changes do not reach; what comes value by value becomes a tuple."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(cast("Iterable[object]", value))
    return value


def _check_document_id(_instance: object, _attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not is_uri(value):
        raise _unfit("document_id", "a URI without blanks, such as product://001-red", value)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _unfit("document_id", "text without halves of surrogate pairs", value)


def _check_operator(_instance: object, _attribute: attrs.Attribute[PartialUpdateOperator], value: object) -> None:
    if value not in _OPERATORS:
        raise _unfit("operator", f"one of {', '.join(_OPERATORS)}", value)


def _check_field(_instance: object, _attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not _FIELD.fullmatch(value):
        raise _unfit("field", "the name of a field: small letters, digits and _, beginning with a letter", value)


def _check_value(instance: PartialUpdate, _attribute: attrs.Attribute[object], value: object) -> None:
    if instance.operator in _LISTS:
        _check_list(value)
    elif instance.operator == "dictionaryPut":
        _check_dictionary(value)
    else:
        _check_any(value)
    if instance.operator == "dictionaryRemove":
        _check_keys(cast("tuple[object, ...]", value))


def _check_list(value: object) -> None:
    if not isinstance(value, tuple):
        raise _unfit("value", "a list for this operator, also when it holds only one", value)
    values = cast("tuple[object, ...]", value)
    _check_something(values)
    _check_scalars(values)


def _check_dictionary(value: object) -> None:
    if not isinstance(value, dict):
        raise _unfit("value", "a mapping for this operator", value)
    entries = cast("dict[object, object]", value)
    _check_something(entries)
    _check_entries(entries)


def _check_something(values: Sized) -> None:
    if not values:
        raise _unfit("value", "not empty for this operator; leave out what would do nothing", values)


def _check_any(value: object) -> None:
    if isinstance(value, tuple):
        _check_scalars(cast("tuple[object, ...]", value))
    elif isinstance(value, dict):
        _check_entries(cast("dict[object, object]", value))
    elif value is not None:
        _check_scalars([value])


def _check_entries(entries: Mapping[object, object]) -> None:
    _check_keys(entries)
    _check_scalars(entries.values())


def _check_keys(keys: Iterable[object]) -> None:
    for key in keys:
        if not isinstance(key, str):
            raise _unfit("value", "a dictionary field's keys as texts", key)


def _check_scalars(values: Iterable[object]) -> None:
    for value in values:
        if not isinstance(value, str | Number | date):  # NumPy's numbers are Numbers as well
            raise _unfit("value", "made of texts, numbers, truth values and dates, nothing nested", value)
        if isinstance(value, float | Decimal) and not math.isfinite(value):
            raise _unfit("value", "made of numbers that JSON has", value)


def _unfit(argument: str, wanted: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"PartialUpdate.{argument} must be {wanted}; got {value!r}")


@attrs.frozen
class PartialUpdate:
    """One operation on one field of an item that is in the source (docs.coveo.com/en/p4eb0515, en/l62e0540).

    Make it by the method that says what happens, such as ``PartialUpdate.replace_value("product://1", "ec_color",
    ["Red"])``. Coveo does not create an item for it: for one that is not in the source, it writes a rejection to its
    logs. It is hashable unless its value is a mapping.

    Attributes:
        document_id: The item's ``documentId``, a URI.
        operator: What is done, as Coveo calls it.
        field: The field's name: a small letter, then at most 254 small letters, digits and underscores.
        value: What it is done with: a single value, a tuple of several, or a dictionary; `None`, which only
            ``fieldValueReplace`` takes, removes the field.

    Raises:
        ConfigurationError: One of them cannot be sent.
    """

    document_id: str = attrs.field(validator=_check_document_id)
    operator: PartialUpdateOperator = attrs.field(validator=_check_operator)
    field: str = attrs.field(validator=_check_field)
    value: object = attrs.field(default=None, converter=_own, validator=_check_value)

    @classmethod
    def replace_value(
        cls, document_id: str, field: str, value: Scalar | Iterable[Scalar] | Mapping[str, Scalar]
    ) -> PartialUpdate:
        """Give a field this value and no other, whether it had one or not.

        Args:
            document_id: The item.
            field: The field.
            value: A single value, several for a multi-value field, or a mapping for a dictionary field.

        Raises:
            ConfigurationError: One of them cannot be sent; also for `None`, as `remove_field` removes a field.
        """
        if cast("object", value) is None:
            raise _unfit("value", "a value; to remove the field, use PartialUpdate.remove_field", value)
        return cls(document_id, "fieldValueReplace", field, value)

    @classmethod
    def remove_field(cls, document_id: str, field: str) -> PartialUpdate:
        """Take a field with all its values from the item.

        Raises:
            ConfigurationError: One of the arguments cannot be sent.
        """
        return cls(document_id, "fieldValueReplace", field)

    @classmethod
    def append_values(cls, document_id: str, field: str, values: Iterable[Scalar]) -> PartialUpdate:
        """Add values to those of a multi-value field.

        This is the one operation that should not be sent twice, as Coveo does not promise to drop a value that is
        there already; `replace_value` with all the values does not have that trouble.

        Raises:
            ConfigurationError: One of the arguments cannot be sent; also for no values.
        """
        return cls(document_id, "arrayAppend", field, values)

    @classmethod
    def remove_values(cls, document_id: str, field: str, values: Iterable[Scalar]) -> PartialUpdate:
        """Take values from those of a multi-value field, and leave the others.

        Raises:
            ConfigurationError: One of the arguments cannot be sent; also for no values.
        """
        return cls(document_id, "arrayRemove", field, values)

    @classmethod
    def put_entries(cls, document_id: str, field: str, entries: Mapping[str, Scalar]) -> PartialUpdate:
        """Set entries of a dictionary field by their keys, and leave the others.

        Args:
            document_id: The item.
            field: The field.
            entries: Values by key; the key ``""`` holds the default.

        Raises:
            ConfigurationError: One of them cannot be sent; also for no entries.
        """
        return cls(document_id, "dictionaryPut", field, entries)

    @classmethod
    def remove_entries(cls, document_id: str, field: str, keys: Iterable[str]) -> PartialUpdate:
        """Take the entries with these keys from a dictionary field, and leave the others.

        Raises:
            ConfigurationError: One of the arguments cannot be sent; also for no keys.
        """
        return cls(document_id, "dictionaryRemove", field, keys)

    @property
    def repeatable(self) -> bool:
        """Whether the item is the same after sending this twice as after sending it once."""
        return self.operator != "arrayAppend"

    def to_wire(self) -> dict[str, object]:
        """What is sent: plain lists and dictionaries, and no ``value`` for a field that is removed."""
        sent: dict[str, object] = {"documentId": self.document_id, "operator": self.operator, "field": self.field}
        if self.value is not None:
            sent["value"] = _plain(self.value)
        return sent


def _plain(value: object) -> object:
    return list(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else _own(value)
