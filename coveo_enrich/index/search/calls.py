"""The calls of the Search API, and what their answers say (platform.cloud.coveo.com, Search API).

Pure: what is asked for, and how long, is decided in `coveo_enrich.index.search.client`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import quote

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused, shown
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.search.expressions import is_any_of
from coveo_enrich.index.search.item_query import ItemQuery

__all__ = [
    "MOST_FOUND",
    "FoundItem",
    "FoundItems",
    "facet_call",
    "facet_values_in",
    "facets_in",
    "fields_call",
    "find_call",
    "found_in",
    "items_call",
    "items_in",
    "name_in",
    "source_call",
]

MOST_FOUND: Final = 1_000
"""Items that one call may ask for."""

_ALWAYS: Final = ("uri", "orderingid", "indexeddate")
_FACET: Final = "values"
_OK: Final = 200
_PRIVILEGE: Final = "Search, Execute queries: Allowed"


@attrs.frozen
class FoundItem:
    """An item as a search gives it.

    Attributes:
        uri: Its URI, in most cases the ``documentId`` with a slash behind it.
        ordering_id: That of the push that it is of; `None` when it was not given.
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
    organization, source = (quote(one, safe="") for one in (place.organization_id, place.source_id))
    url = f"{place.platform_host}/rest/organizations/{organization}/sources/{source}"
    return CoveoCall("read the name of the source", "GET", url, privilege="Content, Sources: View")


def name_in(answer: Mapping[str, Any]) -> str:
    """The name in an answer to `source_call`.

    Raises:
        CoveoRefused: There is none.
    """
    name = answer.get("name")
    if not isinstance(name, str):
        raise CoveoRefused("read the name of the source", _OK, None, "the body has no name")
    return name


def items_call(place: CoveoPlace, expression: str, fields: Iterable[str], *, of_source: str | None) -> CoveoCall:
    """Search for items, past all caches, with some of their fields; of one source, when its name is known."""
    return find_call(place, ItemQuery(expression=expression), fields, of_source=of_source, most=MOST_FOUND)


def find_call(
    place: CoveoPlace, query: ItemQuery, fields: Iterable[str], *, of_source: str | None, most: int
) -> CoveoCall:
    """Search as a shopper does; in one source, when its name is known."""
    body = {
        **query.parameters,
        "numberOfResults": most,
        "fieldsToInclude": sorted({*_ALWAYS, *fields}),
        "maximumAge": 0,
    }
    return _call(place, "search for items", body | _only_of(of_source))


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
    """Ask which fields there are."""
    url = f"{place.search_host}/rest/search/v2/fields?organizationId={quote(place.organization_id, safe='')}"
    return CoveoCall("list the fields", "GET", url, privilege=_PRIVILEGE)


def found_in(answer: Mapping[str, Any], query: ItemQuery) -> FoundItems:
    """What an answer to `find_call` says."""
    items = tuple(items_in(answer))
    total = max(_whole_number(answer.get("totalCount")) or 0, len(items))
    return FoundItems(total, items, query if total else None)


def items_in(answer: Mapping[str, Any]) -> list[FoundItem]:
    """The items in an answer."""
    return [_item(result) for result in _objects(answer.get("results"))]


def facet_values_in(answer: Mapping[str, Any]) -> dict[str, int]:
    """The values in an answer to `facet_call`, the most frequent first.

    Raises:
        CoveoRefused: How often a value occurs is not told.
    """
    facets = _objects(answer.get("facets"))
    values = _objects(facets[0].get("values") if facets else None)
    counts = {str(value.get("value")): _number_of(value) for value in values}
    return dict(sorted(counts.items(), key=lambda one: -one[1]))


def facets_in(answer: Mapping[str, Any]) -> dict[str, bool]:
    """Whether each field in an answer to `fields_call` is a facet, by name."""
    return {
        str(field.get("name") or "").removeprefix("@").lower(): bool(
            field.get("groupByField") or field.get("splitGroupByField")
        )
        for field in _objects(answer.get("fields"))
    }


def _call(place: CoveoPlace, operation: str, body: Mapping[str, Any]) -> CoveoCall:
    url = f"{place.search_host}/rest/search/v2?organizationId={quote(place.organization_id, safe='')}"
    return CoveoCall(operation, "POST", url, json.dumps(body).encode(), privilege=_PRIVILEGE)


def _only_of(source: str | None) -> dict[str, str]:
    """A constant of all searches of a source, which is what ``cq`` is for (docs.coveo.com/en/1199)."""
    return {} if source is None else {"cq": is_any_of("source", [source])}


def _item(result: Mapping[str, Any]) -> FoundItem:
    raw = result.get("raw")
    fields = dict(cast("Mapping[str, Any]", raw)) if isinstance(raw, Mapping) else {}
    uri = str(fields.get("uri") or result.get("uri") or "")
    return FoundItem(uri, _whole_number(fields.get("orderingid")), fields)


def _number_of(value: Mapping[str, Any]) -> int:
    number = _whole_number(value.get("numberOfResults"))
    if number is None:
        raise CoveoRefused("read the values of a field", _OK, None, "the body has a value without a number")
    return number


def _whole_number(value: object) -> int | None:
    try:
        return int(float(str(value))) if isinstance(value, float) else int(str(value))
    except (ValueError, OverflowError):
        return None


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, Any]", one) for one in listed if isinstance(one, Mapping)]
