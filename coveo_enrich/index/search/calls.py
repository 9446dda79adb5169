"""The calls of the Search API, and what their answers say (platform.cloud.coveo.com, Search API).

Pure: what is asked for, and how long, is decided in `coveo_enrich.index.search.client`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

import attrs

from coveo_enrich._calls import LONGEST_LIST, CoveoCall
from coveo_enrich.errors import CoveoRefused, shown
from coveo_enrich.index.json_parts import object_of, objects_of
from coveo_enrich.index.place import CoveoPlace, source_url
from coveo_enrich.index.search.expressions import is_any_of
from coveo_enrich.index.search.item_query import ItemQuery

__all__ = [
    "MOST_FOUND",
    "FewerThanCounted",
    "FoundItem",
    "FoundItems",
    "count_in",
    "facet_call",
    "facet_values_in",
    "facets_in",
    "fields_call",
    "find_call",
    "found_in",
    "items_call",
    "items_in",
    "source_call",
]

MOST_FOUND: Final = 1_000
"""Items that one call may ask for."""

_ALWAYS: Final = ("uri", "orderingid", "indexeddate")
_FACET: Final = "values"
_FIND: Final = "search for items"
_OK: Final = 200
_PRIVILEGE: Final = "Search, Execute queries: Allowed"


class FewerThanCounted(CoveoRefused):
    """Coveo gave fewer results than it counts, as an index may that is in motion."""

    @classmethod
    def of(cls, call: CoveoCall, given: int, counted: int) -> FewerThanCounted:
        """The error of the answer to a call."""
        detail = f"the body has no more than {given:,} of the {counted:,} results that it counts"
        return cls(call.operation, _OK, None, detail)


@attrs.frozen
class FoundItem:
    """An item as a search gives it.

    Attributes:
        uri: Its URI, in most cases the ``documentId`` with a slash behind it.
        ordering_id: The orderingId of the push that last wrote it; `None` when it was not given.
        fields: What it holds, by field; a field without a value is not there.
    """

    uri: str
    ordering_id: int | None
    fields: Mapping[str, Any]


@attrs.frozen
class FoundItems:
    """What a search found.

    Attributes:
        total: How many items match.
        items: The first of them, the best first.
        query: What found them; `None` when nothing did.
    """

    total: int = 0
    items: tuple[FoundItem, ...] = ()
    query: ItemQuery | None = None


def source_call(place: CoveoPlace) -> CoveoCall:
    """Ask what the source is called, which is what items say of where they come from."""
    return CoveoCall("read the name of the source", "GET", source_url(place), privilege="Content, Sources: View")


def items_call(
    place: CoveoPlace, expression: str, fields: Iterable[str], *, of_source: str | None, first: int = 0
) -> CoveoCall:
    """Search for items from some place on, past all caches, with some of their fields; of one source if it is known."""
    query = ItemQuery(expression=expression)
    return find_call(place, query, fields, of_source=of_source, most=MOST_FOUND - first, first=first)


def find_call(
    place: CoveoPlace, query: ItemQuery, fields: Iterable[str], *, of_source: str | None, most: int, first: int = 0
) -> CoveoCall:
    """Search for what a query says, past all caches; in one source, when its name is known."""
    body: dict[str, Any] = {
        **query.parameters,
        "numberOfResults": most,
        "fieldsToInclude": sorted({*_ALWAYS, *fields}),
        "maximumAge": 0,
    }
    body |= {"firstResult": first} if first else {}
    return _call(place, _FIND, body | _only_of(of_source))


def facet_call(place: CoveoPlace, field: str, *, expression: str, of_source: str | None, most: int) -> CoveoCall:
    """Ask for the values of a field, with how many items have them; of one source, when its name is known."""
    facet: dict[str, Any] = {
        "facetId": _FACET,
        "field": field,
        "type": "specific",
        "numberOfValues": most,
        "currentValues": [],
    }
    body: dict[str, Any] = {"numberOfResults": 0, "facets": [facet], "maximumAge": 0}
    body |= {"aq": expression} if expression else {}
    return _call(place, f"read the values of {shown(field)}", body | _only_of(of_source))


def fields_call(place: CoveoPlace) -> CoveoCall:
    """Ask which fields a search knows."""
    url = f"{place.search_host}/rest/search/v2/fields?organizationId={quote(place.organization_id, safe='')}"
    return CoveoCall("list the fields that a search knows", "GET", url, privilege=_PRIVILEGE, max_bytes=LONGEST_LIST)


def found_in(answer: Mapping[str, Any], query: ItemQuery) -> FoundItems:
    """What an answer to `find_call` says.

    Raises:
        CoveoRefused: A result is none.
    """
    items = tuple(items_in(answer))
    total = max(_whole_number(answer.get("totalCount")) or 0, len(items))
    return FoundItems(total, items, query if total else None)


def items_in(answer: Mapping[str, Any]) -> list[FoundItem]:
    """The items in an answer, which holds a list of results.

    Raises:
        CoveoRefused: One of them is no item.
    """
    results = objects_of(answer["results"])
    if len(results) < len(answer["results"]) or not all(isinstance(one.get("raw"), Mapping) for one in results):
        raise CoveoRefused(_FIND, _OK, None, "the body has a result without the fields of an item")
    return [_item(result) for result in results]


def count_in(answer: Mapping[str, Any]) -> int:
    """How many of the items that match can be had at all, as Coveo counts them; 0 when it does not say."""
    counts = (answer.get("totalCountFiltered"), answer.get("totalCount"))
    counted = next((number for number in map(_whole_number, counts) if number is not None), 0)
    return min(counted, MOST_FOUND)


def facet_values_in(answer: Mapping[str, Any]) -> dict[str, int]:
    """The values in an answer to `facet_call`, the most frequent first.

    Raises:
        CoveoRefused: How often a value occurs is not told.
    """
    facets = objects_of(answer.get("facets"))
    values = objects_of(facets[0].get("values") if facets else None)
    counts = {str(value.get("value")): _number_of(value) for value in values}
    return dict(sorted(counts.items(), key=lambda one: -one[1]))


def facets_in(answer: Mapping[str, Any]) -> dict[str, bool]:
    """Whether each field in an answer to `fields_call` is a facet, by name."""
    return {
        str(field.get("name") or "").removeprefix("@").lower(): bool(
            field.get("groupByField") or field.get("splitGroupByField")
        )
        for field in objects_of(answer.get("fields"))
    }


def _call(place: CoveoPlace, operation: str, body: Mapping[str, Any]) -> CoveoCall:
    url = f"{place.search_host}/rest/search/v2?organizationId={quote(place.organization_id, safe='')}"
    return CoveoCall(operation, "POST", url, json.dumps(body).encode(), privilege=_PRIVILEGE, max_bytes=LONGEST_LIST)


def _only_of(source: str | None) -> dict[str, str]:
    """A constant of all searches of a source, which is what ``cq`` is for (docs.coveo.com/en/1199)."""
    return {} if source is None else {"cq": is_any_of("source", [source])}


def _item(result: Mapping[str, Any]) -> FoundItem:
    fields = dict(object_of(result.get("raw")))
    uri = str(fields.get("uri") or result.get("uri") or "")
    return FoundItem(uri, _whole_number(fields.get("orderingid")), fields)


def _number_of(value: Mapping[str, Any]) -> int:
    number = _whole_number(value.get("numberOfResults"))
    if number is None:
        raise CoveoRefused("read the values of a field", _OK, None, "the body has a value without a number")
    return number


def _whole_number(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, float) else int(str(value))
    except (ValueError, OverflowError):
        return None
