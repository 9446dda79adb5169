"""Which values of a product a machine wrote, as the product itself tells: written, read, and taken out again.

The provenance field holds JSON: for each field, digests of the values that a machine wrote, who saw them, and how
surely. A value whose digest is not there was written, or changed, by a person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

from coveo_enrich.enrichment.product import FieldChange
from coveo_enrich.enrichment.rules.fields import as_text, key_of, keys_by_field, parts
from coveo_enrich.enrichment.rules.mapping import FieldMapping
from coveo_enrich.errors import ConfigurationError

__all__ = ["Marks", "is_machine_written", "marks_of", "marks_with", "without_enrichment"]

Marks: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By field: ``values``, the digests; ``by``, the classifiers; ``confidence``, 0 to 1 or `None`."""

_FLAGS: Final = frozenset({"true", "false"})  # ``True`` to Python's csv, ``TRUE`` to spreadsheets
_DIGEST_BYTES: Final = 6  # a change by a person goes unseen once in 2.8e14


def marks_of(product: Mapping[str, Any], field: str) -> Marks:
    """What a product's provenance field says; nothing when it has none, or one that cannot be read."""
    text = product.get(key_of(product, field))
    try:
        marks: object = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return {name: mark for name, mark in _table(marks).items() if _is_mark(mark)}


def is_machine_written(value: object, mark: Mapping[str, Any] | None) -> bool:
    """Whether all of a field's value is what a machine wrote, and nothing of that is gone."""
    return mark is not None and _digests(parts(value)) == set(mark["values"])


def marks_with(marks: Marks, changes: Iterable[FieldChange]) -> str:
    """The text of the provenance field once changes are made: the values that were not there before are a machine's."""
    after = dict(marks)
    for change in changes:
        field = change.field.lower()
        machines = set(marks[field]["values"]) if field in marks else set[str]()
        persons = _digests(parts(change.before)) - machines
        after[field] = {
            "by": sorted({one.classifier for one in change.evidence}),
            "confidence": change.confidence,
            "values": sorted(_digests(parts(change.after)) - persons),
        }
    return json.dumps(after, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def without_enrichment(document: Mapping[str, Any], mapping: FieldMapping) -> Mapping[str, Any]:
    """A document without what a machine wrote into it, as far as nobody changed that since.

    Values of persons stay, also in a list with a machine's. What a machine replaced does not come back.

    Args:
        document: The document; it is not changed.
        mapping: The mapping, for the name of its provenance field.

    Returns:
        The document without such values, without fields that held nothing else, and without the provenance field; the
        document itself when it has none.

    Raises:
        ConfigurationError: The mapping keeps no provenance.
    """
    if mapping.provenance is None:
        raise ConfigurationError("the mapping keeps no provenance, so what a machine wrote cannot be told apart")
    keys = keys_by_field(document)
    if mapping.provenance not in keys:
        return document
    left = {key: value for key, value in document.items() if key != keys[mapping.provenance]}
    for field, mark in marks_of(document, mapping.provenance).items():
        if field in keys:
            _take_out(left, keys[field], set(mark["values"]))
    return left


def _table(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _is_mark(value: object) -> bool:
    digests = _table(value).get("values")
    return isinstance(digests, list) and all(isinstance(digest, str) for digest in cast("list[object]", digests))


def _take_out(document: dict[str, Any], key: str, digests: set[str]) -> None:
    held = parts(document[key])
    own = [part for part in held if _digest(part) not in digests]
    if not own:
        del document[key]
    elif len(own) < len(held):
        document[key] = own


def _digests(values: Iterable[object]) -> set[str]:
    return {_digest(value) for value in values}


def _digest(value: object) -> str:
    # Of the text, so that a value is still known when a file without types gave it back, a flag in capitals too.
    text = as_text(value)
    known = text.lower() if text.lower() in _FLAGS else text
    return hashlib.blake2b(known.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
