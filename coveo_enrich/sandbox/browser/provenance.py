"""Which values of an item a machine wrote, as the item itself tells: a reading of its own, from the documentation.

An enriched item may have a text field with JSON in it: for each field who saw the values (``by``), how surely
(``confidence``), and digests of them (``values``). The field has any name, so it is known by its shape. A value whose
digest is not there is another one than was written, or is held in another form.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard

import attrs

from coveo_enrich.sandbox.browser.texts import shortened

__all__ = ["Mark", "Provenance", "provenance_of"]

_DIGEST: Final = re.compile(r"[0-9a-f]{12}")
_DIGEST_BYTES: Final = 6
_JOIN: Final = ";"
_FLAGS: Final = ("true", "false")
_MOST_CHARACTERS: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PRECISIONS: Final = ("minutes", "seconds", "milliseconds", "microseconds")
_ZONES: Final = ("", "Z", "+00:00")


@attrs.frozen
class Mark:
    """What is said of the values of a field.

    Attributes:
        by: Who saw them.
        confidence: How surely, from 0 to 1; `None` when that was not told.
        digests: The digests of the values.
    """

    by: tuple[str, ...]
    confidence: float | None
    digests: frozenset[str]

    @property
    def words(self) -> str:
        """Who says so and how sure, for people."""
        sure = "" if self.confidence is None else f", {self.confidence:.0%} sure"
        return f"{shortened(', '.join(self.by), _MOST_CHARACTERS) or 'a classifier'}{sure}"

    def wrote(self, value: object) -> bool:
        """Whether a machine wrote a value, and nobody changed it since; of several in one text, all of them."""
        parts = [part for part in value.split(_JOIN) if part.strip()] if isinstance(value, str) else [value]
        return bool(parts) and not any(self.digests.isdisjoint(_digests(_spellings(part))) for part in parts)

    def wrote_date(self, milliseconds: int) -> bool:
        """Whether a machine wrote a date, which the index holds as milliseconds since 1970, and nobody changed it.

        It is known in each ISO 8601 spelling with separators, in UTC.
        """
        return not self.digests.isdisjoint(_digests(_dates(milliseconds)))


@attrs.frozen
class Provenance:
    """What an item tells of its enrichment.

    Attributes:
        field: The field that tells it; `None` when none does.
        marks: By field.
    """

    field: str | None = None
    marks: Mapping[str, Mark] = attrs.field(factory=dict[str, Mark])


def provenance_of(fields: Mapping[str, object]) -> Provenance:
    """What an item tells of its enrichment; nothing when no field has the shape of it."""
    for name, value in fields.items():
        marks = _marks(value) if isinstance(value, str) and value.startswith("{") else {}
        if marks:
            return Provenance(name, marks)
    return Provenance()


def _marks(text: str) -> dict[str, Mark]:
    try:
        read: object = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not _is_table(read) or not all(_is_mark(entry) for entry in read.values()):
        return {}
    return {name: _mark(entry) for name, entry in read.items()}


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_mark(value: object) -> bool:
    if not _is_table(value) or not value.keys() >= {"by", "confidence", "values"}:
        return False
    digests, by = value["values"], value["by"]
    return _are_texts(by) and _are_texts(digests) and all(_DIGEST.fullmatch(digest) for digest in digests)


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)  # pyright: ignore[reportUnknownVariableType] # it is JSON


def _mark(entry: Mapping[str, Any]) -> Mark:
    confidence = entry["confidence"]
    is_number = isinstance(confidence, int | float) and not isinstance(confidence, bool) and 0 <= confidence <= 1
    return Mark(tuple(entry["by"]), float(confidence) if is_number else None, frozenset(entry["values"]))


def _digests(spellings: Iterable[str]) -> set[str]:
    return {
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).hexdigest()
        for text in spellings
    }


def _spellings(value: object) -> Iterator[str]:
    """How the value was written before the index took it: a text field holds 12.0 for what was the number 12."""
    if isinstance(value, float) and value.is_integer():
        yield str(int(value))
        return
    text = str(value).strip()
    yield text.lower() if text.lower() in _FLAGS else text
    if text.endswith(".0"):
        yield text.removesuffix(".0")


def _dates(milliseconds: int) -> Iterator[str]:
    """How a moment may have been written before the index took it."""
    yield str(milliseconds)
    try:
        moment = (_EPOCH + timedelta(milliseconds=milliseconds)).replace(tzinfo=None)
    except OverflowError:
        return
    written = {moment.isoformat(between, precision) for between in "T " for precision in _PRECISIONS}
    yield from (f"{text}{zone}" for text in written if datetime.fromisoformat(text) == moment for zone in _ZONES)
    if moment == datetime.combine(moment, datetime.min.time()):
        yield moment.date().isoformat()
