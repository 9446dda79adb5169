"""How often each value of a field occurs among what a search finds: facets, groups and lists of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import attrs

from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.expressions import folded
from coveo_enrich.sandbox.search.item import Value, listed

__all__ = ["FacetOrder", "FacetRequest", "FacetResult", "FacetValue", "Tally"]

FacetOrder: TypeAlias = Literal["occurrences", "alphanumeric", "alphanumericDescending"]

_Path: TypeAlias = tuple[str, ...]


@attrs.frozen(kw_only=True)
class FacetRequest:
    """What is asked about a field.

    Attributes:
        facet_id: The caller's name of it.
        field: The field.
        count: How many values are wanted; of a hierarchy, on each level.
        order: The order of the values.
        delimiter: What separates the levels of a hierarchy; `None` when there are none.
        selected: What a result has to have one of: values, or in a hierarchy the levels down to one.
    """

    facet_id: str
    field: str
    count: int = 8
    order: FacetOrder = "occurrences"
    delimiter: str | None = None
    selected: frozenset[_Path] = frozenset()


@attrs.frozen
class FacetValue:
    """A value.

    Attributes:
        value: The value; in a hierarchy, its last level.
        count: How many items have it.
        is_selected: Whether a result has to have it, or another one that is selected.
        children: The next level of a hierarchy.
        has_more: Whether there are more children than were asked for.
    """

    value: str
    count: int
    is_selected: bool = False
    children: tuple[FacetValue, ...] = ()
    has_more: bool = False


@attrs.frozen
class FacetResult:
    """The values of a field.

    Attributes:
        request: What was asked.
        values: The values.
        total: How many values there are, with those beyond what was asked for.
    """

    request: FacetRequest
    values: tuple[FacetValue, ...]
    total: int

    @property
    def has_more(self) -> bool:
        """Whether there are more values than were asked for."""
        return self.total > len(self.values)


class Tally:
    """Counts the values of one field, as far as it is a facet, of one value or of several: no other field has any.

    In a hierarchy a value counts for its own level only, so that an item has to list all those above it too.
    """

    def __init__(self, request: FacetRequest, fields: Mapping[str, Field]) -> None:
        field = fields.get(request.field)
        self._request = request
        self._is_facet = field is not None and _is_facet(field, is_hierarchy=request.delimiter is not None)
        self._selected = {tuple(map(folded, path)) for path in request.selected}
        self._counts: dict[_Path, int] = {}
        self._names: dict[_Path, str] = {}

    def admits(self, item: Mapping[str, Value]) -> bool:
        """Whether an item, given by the values of its fields, has one of the values that are selected."""
        return not self._selected or not self._selected.isdisjoint(self._paths(item))

    def count(self, item: Mapping[str, Value], times: int = 1) -> None:
        """Count the values of an item, or of so many items that have the same."""
        if self._is_facet:
            for path, name in self._paths(item).items():
                self._counts[path] = self._counts.get(path, 0) + times
                self._names.setdefault(path, name)

    def result(self) -> FacetResult:
        """What was counted."""
        by_parent: dict[_Path, list[_Path]] = {}
        for path in self._counts:
            by_parent.setdefault(path[:-1], []).append(path)
        values, _ = self._level(by_parent, ())
        return FacetResult(self._request, values, len(by_parent.get((), ())))

    def _level(self, by_parent: Mapping[_Path, list[_Path]], parent: _Path) -> tuple[tuple[FacetValue, ...], bool]:
        paths = self._ordered(by_parent.get(parent, []))
        shown = paths[: self._request.count]
        return tuple(self._value(by_parent, path) for path in shown), len(paths) > len(shown)

    def _value(self, by_parent: Mapping[_Path, list[_Path]], path: _Path) -> FacetValue:
        children, has_more = self._level(by_parent, path)
        return FacetValue(self._names[path], self._counts[path], path in self._selected, children, has_more)

    def _ordered(self, paths: Iterable[_Path]) -> list[_Path]:
        by_name = sorted(paths, reverse=self._request.order == "alphanumericDescending")
        return (
            sorted(by_name, key=lambda path: -self._counts[path]) if self._request.order == "occurrences" else by_name
        )

    def _paths(self, item: Mapping[str, Value]) -> dict[_Path, str]:
        """The values of an item, each with the name of its last level."""
        delimiter = self._request.delimiter
        found: dict[_Path, str] = {}
        for value in _texts(item.get(self._request.field)):
            levels = [value] if delimiter is None else value.split(delimiter)
            found.setdefault(tuple(map(folded, levels)), levels[-1])
        return found


def _is_facet(field: Field, *, is_hierarchy: bool) -> bool:
    return (field.facet or field.multi_value) and (field.hierarchical or not is_hierarchy)


def _texts(value: Value | None) -> list[str]:
    return [f"{one:.15g}" if isinstance(one, float) else str(one) for one in listed(value)]
