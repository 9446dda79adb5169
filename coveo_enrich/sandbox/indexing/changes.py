"""What updates do to an item beside replacing it: pure functions, no file, store or clock.

They work on what the index keeps of an item: what was dropped when it was sent is not there to be changed, and a field
that was made since then is filled by what is sent from then on, as nothing is processed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

import attrs

from coveo_enrich.sandbox.indexing.indexing import (
    Indexed,
    Kept,
    Rejected,
    Scalar,
    UnfitError,
    fields_filled_by,
    fitted,
    indexed_fields,
    sent_object,
)
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.platform.mappings import NO_RULES, RulesByField, first_yielded
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["Deletion", "FieldChange", "apply_change", "merged", "sent_change", "sent_deletion"]

Values: TypeAlias = Mapping[str, Indexed]


@attrs.frozen
class Deletion:
    """An entry of ``delete``.

    Attributes:
        document_id: The item.
        with_children: Whether items whose id starts with this one go too.
    """

    document_id: str
    with_children: bool


@attrs.frozen
class FieldChange:
    """An entry of ``partialUpdate``.

    Attributes:
        document_id: The item.
        operator: The operator, in lower case.
        key: The field as it was sent.
        value: What the operator works with; `None` when there is none.
    """

    document_id: str
    operator: str
    key: str
    value: Json


def sent_deletion(entry: Json, size: int) -> Deletion | Rejected:
    """The deletion as Coveo takes it up, or why it does not.

    Args:
        entry: The parsed entry.
        size: The bytes it took in the file.
    """
    sent = sent_object(entry, size)
    if isinstance(sent, Rejected):
        return sent
    document_id, keys = sent
    with_children = _lower(keys).get("deletechildren", False)
    if not isinstance(with_children, bool):
        return Rejected(document_id, "deleteChildren is true or false")
    return Deletion(document_id, with_children)


def sent_change(entry: Json, size: int) -> FieldChange | Rejected:
    """The partial update as Coveo takes it up, or why it does not.

    Args:
        entry: The parsed entry.
        size: The bytes it took in the file.
    """
    sent = sent_object(entry, size)
    if isinstance(sent, Rejected):
        return sent
    document_id, keys = sent
    given = _lower(keys)
    key, operator = given.get("field"), given.get("operator")
    if not isinstance(key, str):
        return Rejected(document_id, "the partial update has no field, or one that is not a text")
    # Coveo writes arrayAppend, and its own Java client sends ARRAYAPPEND.
    if not isinstance(operator, str) or operator.lower() not in _OPERATORS:
        return Rejected(document_id, "the partial update has no operator that Coveo knows", key)
    return FieldChange(document_id, operator.lower(), key, given.get("value"))


def apply_change(
    values: Values, change: FieldChange, fields: Mapping[str, Field], rules: RulesByField = NO_RULES
) -> Kept:
    """The item after the partial update, of every field that takes over what it names.

    Args:
        values: What the index keeps of the item.
        change: The partial update.
        fields: The fields there are, by name.
        rules: The mapping rules for the item.

    Raises:
        UnfitError: The operator does not go with the field or with the value, so that the item stays as it is.
    """
    kept = Kept(values, ())
    for field in fields_filled_by(change.key, fields, rules):
        kept = _changed_field(kept, change, field)
    return kept


def _changed_field(kept: Kept, change: FieldChange, field: Field) -> Kept:
    dropped = kept.dropped
    try:
        value = _OPERATORS[change.operator](kept.values.get(field.name), change.value, field)
    except _ReplacedByNothing as reason:
        value, dropped = None, (*dropped, (change.key, str(reason)))
    rest = {name: old for name, old in kept.values.items() if name != field.name}
    return Kept(rest if value is None else {**rest, field.name: value}, dropped)


def merged(
    values: Values, metadata: Mapping[str, Json], fields: Mapping[str, Field], rules: RulesByField = NO_RULES
) -> Kept:
    """The item after a shallow merge: what is given takes the place of what was there, kept or dropped.

    What a rule makes of metadata that is not given is left as it was.
    """
    given = indexed_fields(metadata, fields, rules)
    replaced = {name for key in metadata for name in _filled_by(key, fields, rules)}
    replaced |= {name for name, candidates in rules.items() if first_yielded(candidates, metadata).keys}
    rest = {name: value for name, value in values.items() if name not in replaced}
    new = {name: value for name, value in given.values.items() if name not in rest}
    return Kept({**rest, **new}, given.dropped)


def _filled_by(key: str, fields: Mapping[str, Field], rules: RulesByField) -> list[str]:
    try:
        return [field.name for field in fields_filled_by(key, fields, rules)]
    except UnfitError:
        return [] if key.lower() in rules else [key.lower()]


class _ReplacedByNothing(Exception):
    """What was there is gone, and what was to take its place does not fit; the text says why."""


def _replace(_old: Indexed | None, value: Json, field: Field) -> Indexed | None:
    if value is None:
        return None
    try:
        return fitted(value, field)
    except UnfitError as reason:
        raise _ReplacedByNothing(str(reason)) from None


def _append(old: Indexed | None, value: Json, field: Field) -> Indexed:
    return [*_texts(old), *_sent_texts(value, field)]


def _remove(old: Indexed | None, value: Json, field: Field) -> Indexed | None:
    gone = set(_sent_texts(value, field))
    return [text for text in _texts(old) if text not in gone] or None


def _sent_texts(value: Json, field: Field) -> list[str]:
    if not field.multi_value:
        raise UnfitError("array operators are for multi-value fields")
    if not isinstance(value, list):
        raise UnfitError("an array operator takes an array")
    return _texts(fitted(value, field))


def _texts(kept: Indexed | None) -> list[str]:
    """What a multi-value field holds, which is one text when it was indexed before the field held several."""
    if isinstance(kept, str):
        return [kept]
    return cast("list[str]", kept) if isinstance(kept, list) else []


def _put_keys(old: Indexed | None, value: Json, field: Field) -> Indexed | None:
    _check_dictionary(field)
    return {**_entries(old), **_entries(fitted(value, field))} or None


def _remove_keys(old: Indexed | None, value: Json, field: Field) -> Indexed | None:
    _check_dictionary(field)
    keys = [value] if isinstance(value, str) else value
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise UnfitError("dictionaryRemove takes a key or an array of keys")
    gone = {key for key in keys if isinstance(key, str)}
    return {key: entry for key, entry in _entries(old).items() if key not in gone} or None


def _check_dictionary(field: Field) -> None:
    if not field.key_value:
        raise UnfitError("dictionary operators are for dictionary fields")


def _entries(kept: Indexed | None) -> dict[str, Scalar]:
    return kept if isinstance(kept, dict) else {}


def _lower(keys: Mapping[str, Json]) -> dict[str, Json]:
    return {key.lower(): value for key, value in keys.items()}


_OPERATORS: dict[str, Callable[[Indexed | None, Json, Field], Indexed | None]] = {
    "arrayappend": _append,
    "arrayremove": _remove,
    "fieldvaluereplace": _replace,
    "dictionaryput": _put_keys,
    "dictionaryremove": _remove_keys,
}
