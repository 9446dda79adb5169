"""How often the values of facets occur, fast enough for all items of a large source.

Values are counted as they stand, and only those that differ go the way of the sandbox's own search.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.facets import FacetRequest, FacetResult, Tally
from coveo_enrich.sandbox.search.item import Value, looked_up
from coveo_enrich.sandbox.values import StoredItem

__all__ = ["ItemCounter"]

_Key: TypeAlias = str | int | float | tuple[str | float, ...] | None


class ItemCounter:
    """Counts items, and the values that they have in facets.

    Args:
        requests: The facets, with what is chosen in them.
        fields: The fields of the organization, by name.
    """

    def __init__(self, requests: Iterable[FacetRequest], fields: Mapping[str, Field]) -> None:
        self.total = 0
        """How many items have what is chosen."""
        self._facets = [_FacetCounter(request, fields) for request in requests]

    def count(self, item: StoredItem) -> bool:
        """Count the item, and tell whether it has what is chosen.

        What is chosen in a facet does not narrow the counts of its own values.
        """
        missing = [facet for facet in self._facets if facet.is_chosen_from and not facet.admits(item)]
        if len(missing) == 1:
            missing[0].count(item)
        if missing:
            return False
        self.total += 1
        for facet in self._facets:
            facet.count(item)
        return True

    def facets(self) -> tuple[FacetResult, ...]:
        """The values of the facets that have any."""
        results = (facet.result() for facet in self._facets)
        return tuple(result for result in results if result.values)


class _FacetCounter:
    """Counts the values of one facet, and knows which items have what is chosen in it."""

    def __init__(self, request: FacetRequest, fields: Mapping[str, Field]) -> None:
        self.is_chosen_from = bool(request.selected)
        self._field = request.field
        self._tally = Tally(request, fields)
        self._counts: Counter[_Key] = Counter()
        self._admitted: dict[_Key, bool] = {}

    def admits(self, item: StoredItem) -> bool:
        """Whether the item has one of the values that are chosen."""
        key = self._key(item)
        if key not in self._admitted:
            self._admitted[key] = self._tally.admits(self._values(key))
        return self._admitted[key]

    def count(self, item: StoredItem) -> None:
        """Count the values of an item."""
        self._counts[self._key(item)] += 1

    def result(self) -> FacetResult:
        """What was counted."""
        for key, times in self._counts.items():
            self._tally.count(self._values(key), times)
        return self._tally.result()

    def _key(self, item: StoredItem) -> _Key:
        """The value, as something that can be counted; of a dictionary, what a search looks at."""
        value = looked_up(item.fields.get(self._field), "")
        return tuple(value) if isinstance(value, list) else value

    def _values(self, key: _Key) -> dict[str, Value]:
        if key is None:
            return {}
        value: Any = list(key) if isinstance(key, tuple) else key
        return {self._field: value}
