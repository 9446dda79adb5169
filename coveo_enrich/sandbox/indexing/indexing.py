"""What the index keeps of an item, and why it drops the rest: pure functions, no file, store or clock.

Coveo drops metadata without a word. Here every piece that is dropped has a reason, so that a test can see it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import attrs

from coveo_enrich.sandbox.platform.fields import Field, FieldType
from coveo_enrich.sandbox.platform.mappings import NO_RULES, RulesByField, first_yielded
from coveo_enrich.sandbox.strict_json import AmbiguousObject, Json
from coveo_enrich.sandbox.values import NO_VALUE

__all__ = [
    "MAX_ITEM_BYTES",
    "RESERVED_KEYS",
    "Indexed",
    "Kept",
    "Rejected",
    "Scalar",
    "SentItem",
    "UnfitError",
    "fields_filled_by",
    "fitted",
    "indexed_fields",
    "object_type",
    "sent_item",
    "sent_object",
]

MAX_ITEM_BYTES = 3_000_000

RESERVED_KEYS = frozenset(
    {
        "compressedbinarydata",
        "compressedbinarydatafileid",
        "compressiontype",
        "data",
        "documentid",
        "fileextension",
        "orderingid",
        "parentid",
        "permissions",
    }
)

Scalar: TypeAlias = str | int | float
Indexed: TypeAlias = str | int | float | list[str] | list[float] | dict[str, Scalar]

# A scheme, "://" and something after it, without blanks or control characters; lone surrogates are no text at all.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s\x00-\x1f\x7f\ud800-\udfff]+")
_NO_FIELD = "there is no field of that name"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LIMITS: dict[FieldType, int] = {"LONG": 2**31, "LONG_64": 2**63, "DATE": 2**63}


@attrs.frozen
class SentItem:
    """An item that can be indexed: its id, and what it says about itself."""

    document_id: str
    metadata: Mapping[str, Json]


@attrs.frozen
class Rejected:
    """An entry that cannot be carried out at all.

    Attributes:
        document_id: The item; `None` when it has no id that can be told.
        reason: Why.
        key: The field of a partial update; `None` when a whole item was meant.
    """

    document_id: str | None
    reason: str
    key: str | None = None


@attrs.frozen
class Kept:
    """What is left of an item's metadata.

    Attributes:
        values: Field name to value.
        dropped: The metadata key as it was sent, and why it is not in the index.
    """

    values: Mapping[str, Indexed]
    dropped: tuple[tuple[str, str], ...]


class UnfitError(Exception):
    """A value that its field cannot hold; the text says why."""


def sent_item(item: Json, size: int) -> SentItem | Rejected:
    """The item as Coveo takes it up, or why it does not.

    Args:
        item: The parsed item.
        size: The bytes it took in the file.
    """
    sent = sent_object(item, size)
    if isinstance(sent, Rejected):
        return sent
    document_id, keys = sent
    return SentItem(document_id, {key: value for key, value in keys.items() if key.lower() not in RESERVED_KEYS})


def sent_object(entry: Json, size: int) -> tuple[str, dict[str, Json]] | Rejected:
    """The id and all the keys of an entry of any array of a batch, or why Coveo does not take it.

    Args:
        entry: The parsed entry.
        size: The bytes it took in the file.
    """
    if not isinstance(entry, dict):
        return Rejected(None, "INVALID_JSON: an item is an object")
    document_id = next((value for key, value in entry.items() if key.lower() == "documentid"), None)
    if not isinstance(document_id, str):
        return Rejected(None, "the item has no documentId, or one that is not a text")
    if not _URI.fullmatch(document_id):
        return Rejected(document_id, 'the documentId is not a URI: it needs a scheme, "://", and no blanks')
    if isinstance(entry, AmbiguousObject):
        return Rejected(document_id, f"INVALID_JSON: the key {entry.repeated} comes twice, case aside")
    if size > MAX_ITEM_BYTES:
        return Rejected(document_id, f"the item has {size:,} bytes, more than {MAX_ITEM_BYTES:,}")
    return document_id, entry


def indexed_fields(metadata: Mapping[str, Json], fields: Mapping[str, Field], rules: RulesByField = NO_RULES) -> Kept:
    """What the index keeps of ``metadata``.

    A field for which there is a rule is filled by that alone, and any other by the metadata of its name.

    Args:
        metadata: What the item says.
        fields: The fields that there are, by name.
        rules: The rules for items of its type, by the field that they fill.
    """
    values: dict[str, Indexed] = {}
    dropped: list[tuple[str, str]] = []
    taken = _fill_by_rules(metadata, fields, rules, values, dropped) if rules else frozenset[str]()
    for key, value in metadata.items():
        field = fields.get(key.lower())
        if field is None or field.name in rules:
            if key not in taken:
                dropped.append((key, _why_dropped(value, field)))
            continue
        try:
            values[field.name] = fitted(value, field)
        except UnfitError as reason:
            dropped.append((key, str(reason)))
    return Kept(values, tuple(dropped))


def _fill_by_rules(
    metadata: Mapping[str, Json],
    fields: Mapping[str, Field],
    rules: RulesByField,
    values: dict[str, Indexed],
    dropped: list[tuple[str, str]],
) -> frozenset[str]:
    """Fill what there are rules for; returns the metadata that was used."""
    taken: set[str] = set()
    for name, candidates in rules.items():
        if name not in fields:
            continue  # it was deleted after its rule was made
        found = first_yielded(candidates, metadata)
        taken.update(found.keys)
        try:
            if found.value is not None:
                values[name] = fitted(found.value, fields[name])
        except UnfitError as reason:
            dropped.append((found.keys[0] if found.keys else name, f"in the field {name}: {reason}"))
    return frozenset(taken)


def _why_dropped(value: Json, field: Field | None) -> str:
    return NO_VALUE if _is_nothing(value) else _no_place(field)


def _no_place(field: Field | None) -> str:
    return _NO_FIELD if field is None else f"a rule fills the field {field.name} otherwise"


def _is_nothing(value: Json) -> bool:
    """Whether a value is none, with which nothing is lost."""
    return value is None or value in ("", [])


def fields_filled_by(key: str, fields: Mapping[str, Field], rules: RulesByField) -> list[Field]:
    """The fields that take over a metadata as it is.

    Raises:
        UnfitError: There is none.
    """
    by_rules = [
        fields[name]
        for name, candidates in rules.items()
        if name in fields and any(key in rule.copies for rule in candidates)
    ]
    own = fields.get(key.lower())
    found = by_rules if own is None or own.name in rules else [*by_rules, own]
    if not found:
        raise UnfitError(_no_place(own))
    return found


def object_type(metadata: Mapping[str, object]) -> object:
    """What decides which rules are for the item."""
    return next((value for key, value in metadata.items() if key.lower() == "objecttype"), None)


def fitted(value: Json, field: Field) -> Indexed:
    """The value as the index keeps it in the field.

    Raises:
        UnfitError: The field cannot hold it.
    """
    if isinstance(value, str) and value and field.type == "STRING" and not (field.multi_value or field.key_value):
        return value  # what most values are, so that catalogs go through faster
    if _is_nothing(value):
        raise UnfitError(NO_VALUE)
    if field.key_value:
        return _dictionary(value, field)
    if isinstance(value, dict):
        raise UnfitError("only a dictionary field holds an object")
    if field.type == "VECTOR":
        return _vector(value)
    if field.type == "STRING":
        return _text_or_texts(value, field)
    return _scalar(value, field.type)


def _dictionary(value: Json, field: Field) -> dict[str, Scalar]:
    if not isinstance(value, dict):
        raise UnfitError("a dictionary field holds an object")
    return {key: _scalar(entry, field.type) for key, entry in value.items()}


def _vector(value: Json) -> list[float]:
    if not isinstance(value, list):
        raise UnfitError("a VECTOR field holds an array of numbers")
    return [_number(entry) for entry in value]


def _text_or_texts(value: Json, field: Field) -> str | list[str]:
    texts = [_text(entry) for entry in value] if isinstance(value, list) else [_text(value)]
    joined = field.separator.join(texts)
    kept = [part.strip() for part in joined.split(field.separator) if part.strip()] if field.multi_value else joined
    if not kept:
        raise UnfitError(NO_VALUE)
    return kept


def _scalar(value: Json, type_: FieldType) -> Scalar:
    if type_ == "STRING":
        return _text(value)
    if type_ == "DATE":
        return _date(value)
    if type_ in _LIMITS:
        return _whole_number(value, type_)
    return _number(value)


def _text(value: Json) -> str:
    if value is None or isinstance(value, dict | list):
        raise UnfitError("a STRING field holds texts, numbers and booleans, or arrays of them")
    if isinstance(value, float):
        return str(_number(value))
    return str(value)


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError(f"a number is needed, not {_kind(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UnfitError("the number is too large")
    return number


def _whole_number(value: Json, type_: FieldType) -> int:
    number = _number(value)
    if not number.is_integer():
        raise UnfitError(f"a {type_} field holds whole numbers")
    whole = value if isinstance(value, int) else int(number)
    if not -_LIMITS[type_] <= whole < _LIMITS[type_]:
        raise UnfitError(f"the number is too large for a {type_} field")
    return whole


def _date(value: Json) -> int:
    """Milliseconds since 1970, which is how the index holds a date."""
    if not isinstance(value, str):
        return _whole_number(value, "DATE")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise UnfitError("a DATE field holds a date such as 2002-01-31T11:53:12Z, or milliseconds") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)


def _kind(value: Json) -> str:
    names: dict[type, str] = {bool: "a boolean", str: "a text", list: "an array", dict: "an object"}
    return names.get(type(value), "null" if value is None else type(value).__name__)
