"""Which fields documents need, told by the values of a sample of them: pure.

For catalogs whose fields nobody wrote down. A mapping says better what it needs: ``FieldMapping.needs()``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, cast

import attrs

from coveo_enrich.index.fields.names import RESERVED, is_field_name
from coveo_enrich.index.fields.needs import ExistingFieldType, FieldNeed, IndexFieldType
from coveo_enrich.index.fields.settings import FieldConflict, FieldSettings
from coveo_enrich.index.fields.values import as_sent, is_something

__all__ = ["Inferred", "infer"]

_LARGEST_LONG: Final = 2**31
_LARGEST_LONG_64: Final = 2**63
_NUMBERS: Final[tuple[IndexFieldType, ...]] = ("LONG", "LONG_64", "DOUBLE")


@attrs.frozen
class Inferred:
    """What documents need.

    Attributes:
        needs: A field for each key, in the order in which they were first met.
        mixed: Keys whose values no one field holds: of several types, for which the need is a text; objects, or with a
            name that no field can have, for which there is no need.
        reserved: Keys that say what an item is and are no fields.
        spellings: The keys of fields of which a key is not in small letters.
    """

    needs: tuple[FieldNeed, ...]
    mixed: tuple[FieldConflict, ...]
    reserved: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()

    def needs_in(self, fields: Mapping[str, FieldSettings]) -> list[FieldNeed]:
        """What the documents need where there are fields already.

        That a text is to be a facet and found by keyword is a guess, which is not held against a field of Coveo's own.
        """
        coveos = {name for name, field in fields.items() if field.system}
        return [
            attrs.evolve(need, facet=False, free_text=False) if need.name in coveos else need for need in self.needs
        ]


def infer(documents: Iterable[Mapping[str, Any]]) -> Inferred:
    """Tell the fields by all values that documents have, in the form in which they are sent.

    A text is to be a facet and found by keyword, a list has several values, one whose values have ``|`` in them has
    levels, and a flag is a text, as Coveo gives it back as one. What is nothing, or cannot be sent, tells nothing.
    """
    seen: dict[str, _Seen] = {}
    for document in documents:
        for key, value in document.items():
            seen.setdefault(str(key).lower(), _Seen()).add(str(key), value)
    known = {name: one for name, one in seen.items() if one.keys and name not in RESERVED}
    fields = {name: one for name, one in known.items() if is_field_name(name) and not one.holds_objects}
    return Inferred(
        tuple(one.need(name) for name, one in fields.items()),
        tuple(_conflicts(known)),
        tuple(name for name in seen if name in RESERVED),
        tuple(key for name, one in fields.items() if set(one.keys) != {name} for key in one.keys),
    )


def _conflicts(known: Mapping[str, _Seen]) -> Iterator[FieldConflict]:
    for name, one in known.items():
        if not is_field_name(name):
            breaks = "no field can have such a name, and its values are not indexed"
            yield FieldConflict(name, "name", name, "letters, digits and underscores", breaks, loses_values=True)
        elif one.has_objects:
            breaks = "objects are not indexed; a dictionary field is made in Coveo's console"
            yield FieldConflict(name, "type", "objects", "a dictionary field", breaks, loses_values=True)
        elif one.has_objects_in_lists:
            breaks = "a list with objects or lists in it is not indexed"
            yield FieldConflict(name, "type", "lists of objects", "texts, or lists of them", breaks, loses_values=True)
        elif one.is_mixed:
            yield FieldConflict(name, "type", one.in_words(), "one type", _BREAKS)


_BREAKS: Final = "only a field of texts holds them all, and no range of it can be asked for"


class _Seen:
    """The values of one key, however it is spelled."""

    def __init__(self) -> None:
        self.keys: dict[str, None] = {}
        self.types: Counter[IndexFieldType] = Counter()
        self._is_list = False
        self._has_levels = False
        self._has_only_dates = True
        self._has_only_whole = True
        self._has_long = False
        self._has_only_vectors = True
        self.has_objects = False
        self.has_objects_in_lists = False

    def add(self, key: str, value: object) -> None:
        sent = as_sent(value)
        if not is_something(sent):
            return
        self.keys[key] = None
        if isinstance(sent, list):
            self._add_list([part for part in cast("list[object]", sent) if is_something(part)])
        elif isinstance(sent, dict):
            self.has_objects = True
        else:
            self._add_single(_type_of(value, sent), sent)

    def _add_list(self, parts: list[object]) -> None:
        self._is_list = True
        self._has_levels |= any(isinstance(part, str) and "|" in part for part in parts)
        self.has_objects_in_lists |= any(isinstance(part, dict | list) for part in parts)
        self._has_only_dates = False
        self._has_only_vectors &= all(isinstance(part, int | float) and not isinstance(part, bool) for part in parts)
        self.types["STRING"] += 1

    def _add_single(self, kind: IndexFieldType, sent: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        self.types[kind] += 1
        self._has_only_vectors = False
        if kind == "STRING":
            self._has_only_dates &= _is_date(sent)
        elif kind in _NUMBERS:
            self._has_only_whole &= int(sent) == sent and _fits(sent, _LARGEST_LONG_64)
            self._has_long |= not _fits(sent, _LARGEST_LONG)

    @property
    def holds_objects(self) -> bool:
        return self.has_objects or self.has_objects_in_lists

    @property
    def is_mixed(self) -> bool:
        return len(self._kinds()) > 1

    def in_words(self) -> str:
        return ", ".join(f"{kind} in {count:,}" for kind, count in self.types.most_common() if count)

    def need(self, name: str) -> FieldNeed:
        kinds = self._kinds()
        if kinds == {"number"}:
            widest: IndexFieldType = next(kind for kind in reversed(_NUMBERS) if self.types[kind])
            return FieldNeed(name, type=widest, facet=True, also_fits=self._also_fits(widest))
        if kinds == {"DATE"}:
            return FieldNeed(name, type="DATE", facet=True)
        return FieldNeed(
            name,
            facet=True,
            multi_value=self._is_list,
            hierarchical=self._is_list and self._has_levels,
            free_text=True,
            also_fits=self._also_fits("STRING"),
        )

    def _also_fits(self, kind: IndexFieldType) -> tuple[ExistingFieldType, ...]:
        """Other types of fields that hold all values in the form in which they are sent."""
        if kind == "DOUBLE" and self._has_only_whole:
            return ("LONG_64",) if self._has_long else ("LONG", "LONG_64")
        if kind != "STRING" or self._kinds() != {"STRING"}:
            return ()
        return ("VECTOR",) if self._has_only_vectors else ("DATE",) if self._has_only_dates else ()

    def _kinds(self) -> set[str]:
        kinds = {"number" if kind in _NUMBERS else kind for kind in self.types}
        return kinds - {"STRING"} if "DATE" in kinds and self._has_only_dates else kinds


def _type_of(value: object, sent: object) -> IndexFieldType:
    given = value.value if isinstance(value, Enum) else value
    if isinstance(sent, float) or isinstance(given, Decimal):
        return "DOUBLE"
    if isinstance(sent, int) and not isinstance(sent, bool):
        return "LONG" if _fits(sent, _LARGEST_LONG) else "LONG_64"
    return "DATE" if isinstance(given, date) else "STRING"


def _fits(number: float, limit: int) -> bool:
    return -limit <= number < limit


def _is_date(sent: object) -> bool:
    try:
        return isinstance(sent, str) and bool(datetime.fromisoformat(sent))
    except ValueError:
        return False
