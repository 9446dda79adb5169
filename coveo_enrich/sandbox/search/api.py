"""The Search API: from HTTP to a search and back. What is asked is read in `request`, and found in `search`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.access import Account, check_organization, check_token
from coveo_enrich.sandbox.backend import Backend
from coveo_enrich.sandbox.http.exchange import json_answer, read_object
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.expressions import QueryError
from coveo_enrich.sandbox.search.facets import FacetResult, FacetValue
from coveo_enrich.sandbox.search.item import searched_fields
from coveo_enrich.sandbox.search.request import ResultShape, body_of_parameters, query_of, shape_of, values_query
from coveo_enrich.sandbox.search.search import Found, Hit, Query, search
from coveo_enrich.sandbox.strict_json import Json
from coveo_enrich.sandbox.values import StoredItem

__all__ = ["SearchApi"]

_TYPES = {
    "STRING": "LargeString",
    "LONG": "Long",
    "LONG_64": "Long64",
    "DOUBLE": "Double",
    "DATE": "Date",
    "VECTOR": "Vector",
}


class SearchApi:
    """The calls of the Search API."""

    def __init__(self, account: Account, backend: Backend) -> None:
        self._account = account
        self._backend = backend

    def routes(self) -> list[Route]:
        """The routes, which name the organization in a parameter, if at all."""
        return [
            Route("/rest/search/v2", self._search, methods=["GET", "POST"]),
            Route("/rest/search/v2/values", self._values, methods=["GET", "POST"]),
            Route("/rest/search/v2/fields", self._fields, methods=["GET"]),
        ]

    async def _search(self, request: Request) -> Response:
        organization_id = self._admit(request)
        body = await _body(request)
        shape, fields = shape_of(body), self._known(organization_id)
        try:
            found = await self._found(organization_id, query_of(body))
        except QueryError as error:
            return json_answer({**_answer(Found(0, (), ())), **_failure(error)})
        results = [_result(hit, fields, shape) for hit in found.hits]
        return json_answer({**_answer(found), "results": results})

    async def _values(self, request: Request) -> Response:
        organization_id = self._admit(request)
        body = await _body(request)
        try:
            found = await self._found(organization_id, values_query(body))
        except QueryError as error:
            return json_answer({"values": [], **_failure(error)})
        return json_answer({"values": [_group_value(value) for value in found.facets[0].values]})

    async def _fields(self, request: Request) -> Response:
        fields = self._known(self._admit(request)).values()
        return json_answer({"fields": [_field(field) for field in sorted(fields, key=lambda field: field.name)]})

    def _admit(self, request: Request) -> str:
        """The organization that is searched: a key belongs to one, so that it need not be named."""
        check_token(self._account, request.headers.get("authorization"), "SEARCH_API_EXECUTE_QUERY")
        organization_id = request.query_params.get("organizationId") or self._account.organization_id
        check_organization(self._account, organization_id)
        return organization_id

    def _known(self, organization_id: str) -> Mapping[str, Field]:
        return searched_fields(self._backend.organization(organization_id).by_name)

    async def _found(self, organization_id: str, query: Query) -> Found:
        fields = self._backend.organization(organization_id).by_name

        def ask(items: Iterator[StoredItem]) -> Found:
            return search(items, fields, query)

        return await asyncio.wrap_future(self._backend.searched(organization_id, ask))


async def _body(request: Request) -> dict[str, Json]:
    return await read_object(request) if request.method == "POST" else body_of_parameters(request.query_params)


def _answer(found: Found) -> dict[str, Any]:
    return {
        "totalCount": found.total,
        "totalCountFiltered": found.total,
        "duration": 0,
        "indexDuration": 0,
        "requestDuration": 0,
        "searchUid": str(uuid.uuid4()),
        "apiVersion": 2,
        "groupByResults": [_group(facet) for facet in found.facets if not facet.request.facet_id],
        "facets": [_facet(facet) for facet in found.facets if facet.request.facet_id],
        "results": [],
    }


def _failure(error: QueryError) -> dict[str, Any]:
    exception = {"code": error.code, "context": str(error)}
    return {"exception": exception, "errors": [exception]}


def _result(hit: Hit, fields: Mapping[str, Field], shape: ResultShape) -> dict[str, Any]:
    item = hit.item
    return {
        "title": item.title,
        "uri": item.uri,
        "printableUri": item.uri,
        "clickUri": item.values["clickableuri"],
        "uniqueId": f"{item.primary_id}${item.uri}",
        "primaryid": item.primary_id,
        "excerpt": "",
        "flags": "",
        "hasHtmlVersion": False,
        "score": hit.score,
        "rankingInfo": None,
        "raw": item.raw(fields, shape.include, shape.exclude),
    }


def _facet(facet: FacetResult) -> dict[str, Any]:
    request = facet.request
    return {
        "facetId": request.facet_id,
        "field": request.field,
        "moreValuesAvailable": facet.has_more,
        "values": _facet_values(facet.values, is_hierarchical=request.delimiter is not None),
        "indexScore": 0.0,
    }


def _facet_values(values: Iterable[FacetValue], *, is_hierarchical: bool) -> list[dict[str, Any]]:
    return [
        {
            "value": value.value,
            "state": "selected" if value.is_selected else "idle",
            "numberOfResults": value.count,
            **(_below(value) if is_hierarchical else {}),
        }
        for value in values
    ]


def _below(value: FacetValue) -> dict[str, Any]:
    children = _facet_values(value.children, is_hierarchical=True)
    return {"children": children, "moreValuesAvailable": value.has_more}


def _group(facet: FacetResult) -> dict[str, Any]:
    return {"field": facet.request.field, "values": [_group_value(value) for value in facet.values]}


def _group_value(value: FacetValue) -> dict[str, Any]:
    return {"value": value.value, "lookupValue": value.value, "numberOfResults": value.count}


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": f"@{field.name}",
        "description": field.description,
        "type": _TYPES[field.type],
        "fieldType": _TYPES[field.type],
        "fieldSourceType": "System" if field.system else "Custom",
        "includeInQuery": field.include_in_query,
        "includeInResults": field.include_in_results,
        "groupByField": field.facet,
        "splitGroupByField": field.multi_value,
        "sortByField": field.sort,
    }
