"""The Field API: from HTTP to the fields of an organization and back. What a field may be is decided in `fields`."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Callable
from typing import TypeAlias

import attrs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.access import Privilege
from coveo_enrich.sandbox.exchange import json_answer, read_list, read_object
from coveo_enrich.sandbox.fields import Field, field_from_model, field_model
from coveo_enrich.sandbox.organizations import Organization
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["Admit", "FieldApi"]

_DIGITS = re.compile(r"[0-9]{1,18}")

Admit: TypeAlias = Callable[[Request, Privilege], Organization]
"""Lets a request pass whose key has this privilege, and gives the organization that it names."""


class FieldApi:
    """The calls of the Field API."""

    def __init__(self, admit: Admit) -> None:
        self._admit = admit

    def routes(self, platform: str) -> list[Route]:
        """The routes under the path of an organization."""
        fields = f"{platform}/indexes/fields"
        return [
            Route(fields, self._create, methods=["POST"]),
            Route(f"{fields}/search", self._search, methods=["POST"]),
            Route(f"{platform}/indexes/page/fields", self._list, methods=["GET"]),
            Route(f"{fields}/batch/create", self._create_all, methods=["POST"]),
            Route(f"{fields}/batch/create/results", self._create_each, methods=["POST"]),
            Route(f"{fields}/{{field}}", self._read, methods=["GET"]),
            Route(f"{fields}/{{field}}", self._replace, methods=["PUT"]),
            Route(f"{fields}/{{field}}", self._delete, methods=["DELETE"]),
        ]

    async def _create(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_CREATE")
        organization.create_fields([_field(await read_object(request))])
        return Response(status_code=204)

    async def _create_all(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_CREATE")
        organization.create_fields([_field(model) for model in await read_list(request)])
        return Response(status_code=204)

    async def _create_each(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_CREATE")
        results = [_result(organization, model) for model in await read_list(request)]
        answer = {
            "batchOperationId": str(uuid.uuid4()),
            "status": "COMPLETED",
            "batchOperationResourcesStatus": results,
        }
        return json_answer(answer)

    async def _search(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_VIEW")
        query = await read_object(request)
        found = [field for field in organization.fields() if _passes(field, query.get("filters"))]
        return json_answer(_page(found, query.get("page", 0), query.get("perPage", 100)))

    async def _list(self, request: Request) -> Response:
        organization, query = self._admit(request, "FIELD_VIEW"), request.query_params
        found = [field for field in organization.fields() if _passes(field, {"origin": query.get("origin")})]
        return json_answer(_page(found, _number(query.get("page", "0")), _number(query.get("perPage", "100"))))

    async def _read(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_VIEW")
        return json_answer(field_model(organization.field(request.path_params["field"])))

    async def _replace(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_EDIT")
        model = await read_object(request)
        before = organization.field(request.path_params["field"])
        if before.system:  # who reads a field of Coveo's and writes it back says so without meaning to change it
            model = {**model, "system": False}
        organization.replace_field(attrs.evolve(_field({**model, "name": before.name}), system=before.system))
        return Response(status_code=204)

    async def _delete(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_EDIT")
        organization.delete_field(request.path_params["field"])
        return Response(status_code=204)


def _field(model: Json) -> Field:
    if not isinstance(model, dict):
        raise Refused(400, "INVALID_PARAMETER", "A field is an object.")
    try:
        return field_from_model(model)
    except ValueError as error:
        raise Refused(400, "INVALID_PARAMETER", str(error)[:500]) from None


def _result(organization: Organization, model: Json) -> dict[str, Json]:
    """Make one field of several, and say how that went."""
    try:
        organization.create_fields([_field(model)])
    except Refused as refused:
        error: Json = {"errorCode": refused.code, "message": refused.message}
        return {"resourceModel": model, "operationResult": "ERROR", "errorDetails": error, "successful": False}
    return {"resourceModel": model, "operationResult": "SUCCESS", "errorDetails": None, "successful": True}


def _passes(field: Field, filters: Json) -> bool:
    if not isinstance(filters, dict):
        return True
    names, origin, name = filters.get("fieldNames"), filters.get("origin"), filters.get("name")
    if isinstance(names, list) and names and field.name not in names:
        return False
    if isinstance(name, str) and name.lower() not in field.name:
        return False
    if filters.get("type") not in (None, field.type):
        return False
    return origin not in ("USER", "SYSTEM") or (origin == "SYSTEM") == field.system


def _page(found: list[Field], page: Json, per_page: Json) -> dict[str, Json]:
    number = _whole_number("page", page, range(sys.maxsize))
    size = _whole_number("perPage", per_page, range(1, 1_001))
    items: list[Json] = [field_model(field) for field in found[number * size : (number + 1) * size]]
    return {"items": items, "totalEntries": len(found), "totalPages": -(-len(found) // size)}


def _whole_number(name: str, number: Json, allowed: range) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number not in allowed:
        raise Refused(400, "INVALID_PARAMETER", f"{name} is from {allowed[0]} to {allowed[-1]}.")
    return number


def _number(text: str) -> int | str:
    """The number in a query's text, or the text when it is none."""
    return int(text) if _DIGITS.fullmatch(text) else text
