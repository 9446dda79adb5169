"""Which fields documents need, told by the values of a sample of them: pure.

For catalogs whose fields nobody wrote down. A mapping says better what it needs: ``FieldMapping.needs()``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

import attrs

from coveo_enrich.index.fields.names import RESERVED, is_field_name
from coveo_enrich.index.fields.needs import FieldNeed, IndexFieldType
from coveo_enrich.index.fields.settings import FieldConflict

__all__ = ["Inferred", "infer"]

_LARGEST_LONG: Final = 2**31
_NUMBERS: Final[tuple[IndexFieldType, ...]] = ("LONG", "LONG_64", "DOUBLE")


@attrs.frozen
class Inferred:
    """What documents need.

    Attributes:
        needs: A field for each key, in the order in which they were first met.
        mixed: Keys whose values no one field holds: of several types, for which the need is a text; objects, or with a
            name that no field can have, for which there is no need.
        reserved: Keys that say what an item is and are no fields.
    """

    needs: tuple[FieldNeed, ...]
    mixed: tuple[FieldConflict, ...]
    reserved: tuple[str, ...] = ()


def infer(documents: Iterable[Mapping[str, Any]]) -> Inferred:
    """Tell the fields by all values that documents have.

    A text is to be a facet and found by keyword, a list has several values, one whose values have ``|`` in them has
    levels, and a flag is a text, as Coveo gives it back as one. Nulls tell nothing.
    """
    seen: dict[str, _Seen] = {}
    for document in documents:
        for key, value in document.items():
            seen.setdefault(str(key).lower(), _Seen()).add(value)
    known = {name: one for name, one in seen.items() if one.tells and name not in RESERVED}
    fields = {name: one for name, one in known.items() if is_field_name(name) and not one.holds_objects}
    return Inferred(
        tuple(one.need(name) for name, one in fields.items()),
        tuple(_conflicts(known)),
        tuple(name for name in seen if name in RESERVED),
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
    """The values of one key."""

    def __init__(self) -> None:
        self.types: Counter[IndexFieldType] = Counter()
        self._is_list = False
        self._has_levels = False
        self.has_objects = False
        self.has_objects_in_lists = False

    def add(self, value: object) -> None:
        if isinstance(value, list | tuple):
            self._is_list = True
            parts = [part for part in cast("Sequence[object]", value) if part is not None]
            self._has_levels |= any(isinstance(part, str) and "|" in part for part in parts)
            self.has_objects_in_lists |= any(isinstance(part, Mapping | list | tuple) for part in parts)
            self.types["STRING"] += bool(parts)
        elif isinstance(value, Mapping):
            self.has_objects = True
        elif value is not None:
            self.types[_type_of(value)] += 1

    @property
    def tells(self) -> bool:
        """Whether there was any value."""
        return self.has_objects or any(self.types.values())

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
            return FieldNeed(name, type=next(kind for kind in reversed(_NUMBERS) if self.types[kind]), facet=True)
        if kinds == {"DATE"}:
            return FieldNeed(name, type="DATE", facet=True)
        return FieldNeed(
            name, facet=True, multi_value=self._is_list, hierarchical=self._is_list and self._has_levels, free_text=True
        )

    def _kinds(self) -> set[str]:
        return {"number" if kind in _NUMBERS else kind for kind, count in self.types.items() if count}


def _type_of(value: object) -> IndexFieldType:
    if isinstance(value, bool):
        return "STRING"
    if isinstance(value, int):
        return "LONG" if -_LARGEST_LONG <= value < _LARGEST_LONG else "LONG_64"
    if isinstance(value, float | Decimal):
        return "DOUBLE"
    return "DATE" if isinstance(value, date) else "STRING"
