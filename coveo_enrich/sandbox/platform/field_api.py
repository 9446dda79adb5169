"""The Field API: from HTTP to the fields of an organization and back.

What a field may be is decided in `fields`, which of them a list holds in `field_search`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.access import Privilege
from coveo_enrich.sandbox.http.exchange import json_answer, read_list, read_object
from coveo_enrich.sandbox.http.paging import number_in
from coveo_enrich.sandbox.platform.batch_results import batch_results
from coveo_enrich.sandbox.platform.field_search import found_fields
from coveo_enrich.sandbox.platform.fields import Field, field_from_model, field_model
from coveo_enrich.sandbox.platform.organizations import Organization
from coveo_enrich.sandbox.refusals import Refused, missing_parameter
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["Admit", "FieldApi"]

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
            Route(f"{fields}/batch/update", self._replace_all, methods=["PUT"]),
            Route(f"{fields}/batch/update/results", self._replace_each, methods=["PUT"]),
            Route(f"{fields}/batch/delete", self._delete_all, methods=["DELETE"]),
            Route(f"{fields}/batch/delete/results", self._delete_each, methods=["DELETE"]),
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
        models = await read_list(request)
        return json_answer(batch_results(models, lambda model: organization.create_fields([_field(model)])))

    async def _search(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_VIEW")
        return json_answer(found_fields(organization.fields(), await read_object(request)))

    async def _list(self, request: Request) -> Response:
        organization, given = self._admit(request, "FIELD_VIEW"), request.query_params
        query: dict[str, Json] = {key: given[key] for key in ("sortBy", "order") if key in given}
        query |= {key: number_in(given[key]) for key in ("page", "perPage") if key in given}
        query["filters"] = {"name": given.get("filter"), "origin": given.get("origin"), "type": given.get("type")}
        return json_answer(found_fields(organization.fields(), query))

    async def _read(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_VIEW")
        return json_answer(field_model(organization.field(request.path_params["field"])))

    async def _replace(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_EDIT")
        model = {**await read_object(request), "name": request.path_params["field"]}
        organization.replace_fields([_changed_field(organization, model)])
        return Response(status_code=204)

    async def _replace_all(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_EDIT")
        organization.replace_fields([_changed_field(organization, model) for model in await read_list(request)])
        return Response(status_code=204)

    async def _replace_each(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_EDIT")
        models = await read_list(request)
        return json_answer(
            batch_results(models, lambda model: organization.replace_fields([_changed_field(organization, model)]))
        )

    async def _delete(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_EDIT")
        organization.delete_fields([request.path_params["field"]])
        return Response(status_code=204)

    async def _delete_all(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_EDIT")
        organization.delete_fields(_named_fields(request))
        return Response(status_code=204)

    async def _delete_each(self, request: Request) -> Response:
        organization = self._admit(request, "FIELD_EDIT")
        models: list[Json] = [{"name": name} for name in _named_fields(request)]
        return json_answer(batch_results(models, lambda model: organization.delete_fields([_name(model)])))


def _field(model: Json) -> Field:
    if not isinstance(model, dict):
        raise Refused(400, "INVALID_PARAMETER", "A field is an object.")
    try:
        return field_from_model(model)
    except ValueError as error:
        raise Refused(400, "INVALID_PARAMETER", str(error)[:500]) from None


def _changed_field(organization: Organization, model: Json) -> Field:
    """The field as the model wants it, which stays Coveo's own if it was.

    Who reads a field of Coveo's and writes it back says ``system`` without meaning to change it.
    """
    is_system = organization.field(_name(model)).system
    said = {**model, "system": False} if is_system and isinstance(model, dict) else model
    return attrs.evolve(_field(said), system=is_system)


def _name(model: Json) -> str:
    name = model.get("name") if isinstance(model, dict) else None
    if not isinstance(name, str):
        raise Refused(400, "INVALID_PARAMETER", "A field is an object with a name.")
    return name


def _named_fields(request: Request) -> list[str]:
    names = [name for name in request.query_params.get("fields", "").split(",") if name]
    if not names:
        raise missing_parameter("fields")
    return names
