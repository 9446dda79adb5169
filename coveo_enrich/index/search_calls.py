"""The calls of the Search API, and what their answers say (platform.cloud.coveo.com, Search API).

Pure: what is asked for, and how long, is decided in `coveo_enrich.index.search`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import quote

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused
from coveo_enrich.index.place import CoveoPlace

__all__ = ["FoundItem", "facet_call", "facet_values_in", "items_call", "items_in", "require_no_error"]

_ALWAYS: Final = ("uri", "orderingid", "indexeddate")
_FACET: Final = "values"


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


def items_call(place: CoveoPlace, expression: str, fields: Iterable[str], *, most: int) -> CoveoCall:
    """Search for items, past all caches, with some of their fields."""
    body = {
        "aq": expression,
        "numberOfResults": most,
        "fieldsToInclude": sorted({*_ALWAYS, *fields}),
        "maximumAge": 0,
        "enableQuerySyntax": True,
    }
    return _call(place, "search for items", body)


def facet_call(place: CoveoPlace, field: str, *, expression: str, most: int) -> CoveoCall:
    """Ask for the values of a field, with how many items have them."""
    facet: dict[str, Any] = {
        "facetId": _FACET,
        "field": field,
        "type": "specific",
        "numberOfValues": most,
        "currentValues": [],
    }
    body: dict[str, Any] = {"numberOfResults": 0, "facets": [facet], "maximumAge": 0}
    return _call(place, f"read the values of {field}", body | ({"aq": expression} if expression else {}))


def items_in(answer: Mapping[str, Any]) -> list[FoundItem]:
    """The items in an answer."""
    return [_item(result) for result in _objects(answer.get("results"))]


def facet_values_in(answer: Mapping[str, Any]) -> dict[str, int]:
    """The values in an answer to `facet_call`, the most frequent first."""
    facets = _objects(answer.get("facets"))
    values = _objects(facets[0].get("values") if facets else None)
    counts = {str(value.get("value")): int(value.get("numberOfResults") or 0) for value in values}
    return dict(sorted(counts.items(), key=lambda one: -one[1]))


def require_no_error(call: CoveoCall, answer: Mapping[str, Any]) -> None:
    """Raise what a 200 says in its body.

    Raises:
        CoveoRefused: The search failed, although its status says otherwise.
    """
    exception = answer.get("exception")
    if isinstance(exception, Mapping):
        told = cast("Mapping[str, Any]", exception)
        raise CoveoRefused(call.operation, 200, str(told.get("code") or "") or None, str(told.get("message") or told))
    errors = _objects(answer.get("errors"))
    if errors:
        raise CoveoRefused(call.operation, 200, None, "; ".join(str(one.get("message") or one) for one in errors))


def _call(place: CoveoPlace, operation: str, body: Mapping[str, Any]) -> CoveoCall:
    url = f"{place.search_host}/rest/search/v2?organizationId={quote(place.organization_id, safe='')}"
    return CoveoCall(operation, "POST", url, json.dumps(body).encode(), privilege="Search, Execute queries: Allowed")


def _item(result: Mapping[str, Any]) -> FoundItem:
    raw = result.get("raw")
    fields = dict(cast("Mapping[str, Any]", raw)) if isinstance(raw, Mapping) else {}
    ordering_id = str(fields.get("orderingid", ""))
    uri = str(fields.get("uri") or result.get("uri") or "")
    return FoundItem(uri, int(ordering_id) if ordering_id.isdecimal() else None, fields)


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, Any]", one) for one in listed if isinstance(one, Mapping)]
