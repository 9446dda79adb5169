"""The catalog API: from HTTP to the catalogs of an organization and their configurations, and back.

What they do is decided in `coveo_enrich.sandbox.platform.catalogs`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.access import Account, Privilege, check_source
from coveo_enrich.sandbox.http.exchange import json_answer, read_object
from coveo_enrich.sandbox.http.paging import number_in, page_of
from coveo_enrich.sandbox.platform.catalog_models import (
    catalog_from_model,
    catalog_model,
    configuration_from_model,
    configuration_model,
)
from coveo_enrich.sandbox.platform.catalog_registry import CatalogRegistry
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["AdmitToCatalogs", "CatalogApi"]

T = TypeVar("T")

AdmitToCatalogs: TypeAlias = Callable[[Request, Privilege], str]
"""Lets a request pass whose key has this privilege, and gives the organization that it names."""


class CatalogApi:
    """The calls of the catalog API."""

    def __init__(self, admit: AdmitToCatalogs, account: Account, catalogs: CatalogRegistry) -> None:
        self._admit = admit
        self._account = account
        self._catalogs = catalogs

    def routes(self, platform: str) -> list[Route]:
        """The routes under the path of an organization."""
        catalogs, configurations = f"{platform}/catalogs", f"{platform}/catalogconfigurations"
        return [
            Route(catalogs, self._list, methods=["GET"]),
            Route(catalogs, self._create, methods=["POST"]),
            Route(f"{catalogs}/{{id}}", self._read, methods=["GET"]),
            Route(f"{catalogs}/{{id}}", self._replace, methods=["PUT"]),
            Route(f"{catalogs}/{{id}}", self._delete, methods=["DELETE"]),
            Route(configurations, self._list_configurations, methods=["GET"]),
            Route(configurations, self._create_configuration, methods=["POST"]),
            Route(f"{configurations}/source/{{source}}", self._read_configuration_of_source, methods=["GET"]),
            Route(f"{configurations}/{{id}}", self._read_configuration, methods=["GET"]),
            Route(f"{configurations}/{{id}}", self._replace_configuration, methods=["PUT"]),
            Route(f"{configurations}/{{id}}", self._delete_configuration, methods=["DELETE"]),
        ]

    async def _list(self, request: Request) -> Response:
        catalogs = self._catalogs.of(self._to_read(request)).catalogs
        return _page(request, [catalog_model(each) for each in catalogs.values()])

    async def _create(self, request: Request) -> Response:
        organization_id = self._to_change(request)
        return json_answer(await self._put(request, organization_id, str(uuid.uuid4())), 201)

    async def _read(self, request: Request) -> Response:
        catalogs = self._catalogs.of(self._to_read(request))
        return json_answer(catalog_model(_named(catalogs.catalogs, request)))

    async def _replace(self, request: Request) -> Response:
        organization_id = self._to_change(request)
        _named(self._catalogs.of(organization_id).catalogs, request)
        return json_answer(await self._put(request, organization_id, request.path_params["id"]))

    async def _delete(self, request: Request) -> Response:
        organization_id = self._to_change(request)
        _named(self._catalogs.of(organization_id).catalogs, request)
        self._catalogs.change(organization_id, lambda now: now.without_catalog(request.path_params["id"]))
        return Response(status_code=204)

    async def _list_configurations(self, request: Request) -> Response:
        configurations = self._catalogs.of(self._to_read(request)).configurations
        return _page(request, [configuration_model(each) for each in configurations.values()])

    async def _create_configuration(self, request: Request) -> Response:
        organization_id = self._to_change(request)
        return json_answer(await self._put_configuration(request, organization_id, str(uuid.uuid4())), 201)

    async def _read_configuration(self, request: Request) -> Response:
        catalogs = self._catalogs.of(self._to_read(request))
        return json_answer(configuration_model(_named(catalogs.configurations, request)))

    async def _read_configuration_of_source(self, request: Request) -> Response:
        organization_id, source_id = self._to_read(request), request.path_params["source"]
        catalogs = self._catalogs.with_source(organization_id, source_id)
        catalog = catalogs.catalog_of(source_id)
        if catalog is None:
            raise Refused(404, "CATALOG_NOT_FOUND", "The source has no catalog.")
        return json_answer(configuration_model(catalogs.configurations[catalog.configuration_id]))

    async def _replace_configuration(self, request: Request) -> Response:
        organization_id = self._to_change(request)
        _named(self._catalogs.of(organization_id).configurations, request)
        return json_answer(await self._put_configuration(request, organization_id, request.path_params["id"]))

    async def _delete_configuration(self, request: Request) -> Response:
        organization_id = self._to_change(request)
        _named(self._catalogs.of(organization_id).configurations, request)
        self._catalogs.change(organization_id, lambda now: now.without_configuration(request.path_params["id"]))
        return Response(status_code=204)

    def _to_read(self, request: Request) -> str:
        return self._admitted(request, "CATALOG_VIEW")

    def _to_change(self, request: Request) -> str:
        return self._admitted(request, "CATALOG_EDIT")

    def _admitted(self, request: Request, privilege: Privilege) -> str:
        """The organization; its own source is there from the beginning, and its catalog too."""
        organization_id = self._admit(request, privilege)
        if organization_id == self._account.organization_id:
            self._catalogs.with_source(organization_id, self._account.source_id)
        return organization_id

    async def _put(self, request: Request, organization_id: str, catalog_id: str) -> dict[str, Json]:
        catalog = catalog_from_model(await read_object(request), catalog_id)
        check_source(self._account, catalog.source_id)
        self._catalogs.with_source(organization_id, catalog.source_id)
        self._catalogs.change(organization_id, lambda now: now.with_catalog(catalog))
        return catalog_model(catalog)

    async def _put_configuration(self, request: Request, organization_id: str, name: str) -> dict[str, Json]:
        configuration = configuration_from_model(await read_object(request), name)
        self._catalogs.change(organization_id, lambda now: now.with_configuration(configuration))
        return configuration_model(configuration)


def _page(request: Request, models: Sequence[Json]) -> Response:
    query = request.query_params
    return json_answer(page_of(models, number_in(query.get("page", "0")), number_in(query.get("pageSize", "100"))))


def _named(there: Mapping[str, T], request: Request) -> T:
    found = there.get(request.path_params["id"])
    if found is None:
        raise Refused(404, "CATALOG_NOT_FOUND", "There is no such catalog or configuration.")
    return found
