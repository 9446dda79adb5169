"""The routes: from HTTP to `coveo_enrich.sandbox.backend` and back, in Coveo's words. Nothing is decided here."""

from __future__ import annotations

import asyncio
import re
from typing import Literal, TypeAlias
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coveo_enrich.sandbox.access import (
    Account,
    Privilege,
    check_json,
    check_organization,
    check_source,
    check_token,
)
from coveo_enrich.sandbox.backend import Backend
from coveo_enrich.sandbox.browser import ContentBrowser
from coveo_enrich.sandbox.http.exchange import json_answer, read_body
from coveo_enrich.sandbox.logs.api import LogsApi
from coveo_enrich.sandbox.metadata.api import MetadataApi
from coveo_enrich.sandbox.platform.catalog_api import CatalogApi
from coveo_enrich.sandbox.platform.field_api import FieldApi
from coveo_enrich.sandbox.platform.mapping_api import MappingApi
from coveo_enrich.sandbox.platform.organizations import Organization, SourceMappings
from coveo_enrich.sandbox.platform.privilege_api import PrivilegeApi
from coveo_enrich.sandbox.push.containers import BUCKET, REQUIRED_HEADERS, Container
from coveo_enrich.sandbox.push.streams import Receipt
from coveo_enrich.sandbox.push.uploads import check_length, check_method, check_signed
from coveo_enrich.sandbox.refusals import Refused, StorageRefused, invalid_parameter, missing_parameter
from coveo_enrich.sandbox.search.api import SearchApi
from coveo_enrich.sandbox.strict_json import Json
from coveo_enrich.sandbox.values import Source

__all__ = ["build_app"]

_STATUS_TYPES = ("REBUILD", "REFRESH", "INCREMENTAL", "IDLE")
_SHARD = re.compile(r"[A-Za-z0-9]{1,10}")
_EPOCH = re.compile(r"[0-9]{1,18}")
# Some four thousand years, so that the sum with the time is a number that the index can hold.
_MINUTES = re.compile(r"[0-9]{1,9}")

_Model: TypeAlias = dict[str, Json]


def build_app(backend: Backend, account: Account, *, is_local: bool) -> ASGIApp:
    """The sandbox as an ASGI application.

    Args:
        backend: What is served.
        account: Who may call.
        is_local: Whether its pages are for this machine alone.
    """
    coveo = _Coveo(backend, account)
    organization = "/push/v1/organizations/{organization}"
    source = f"{organization}/sources/{{source}}"
    stream = f"{source}/stream"
    platform = "/rest/organizations/{organization}"
    app = Starlette(
        routes=[
            Route(f"{organization}/files", coveo.create_container, methods=["POST"]),
            Route(f"{source}/status", coveo.set_status, methods=["POST"]),
            Route(f"{stream}/open", coveo.open_stream, methods=["POST"]),
            Route(f"{stream}/update", coveo.update, methods=["PUT"]),
            Route(f"{stream}/merge", coveo.merge, methods=["PUT"]),
            Route(f"{stream}/deleteolderthan/{{epoch}}", coveo.delete_older_than, methods=["POST"]),
            Route(f"{stream}/{{stream}}/chunk", coveo.add_chunk, methods=["POST"]),
            Route(f"{stream}/{{stream}}/close", coveo.close_stream, methods=["POST"]),
            Route(f"/{BUCKET}/{{key:path}}", _Storage(backend)),
            Route(f"{platform}/sources/{{source}}", coveo.source, methods=["GET"]),
            *FieldApi(coveo.admit_to_fields).routes(platform),
            *MappingApi(coveo.admit_to_mappings).routes(f"{platform}/sources/{{source}}"),
            *CatalogApi(coveo.admit_to_catalogs, account, backend.catalogs).routes(platform),
            *MetadataApi(coveo.admit_to_metadata, backend).routes(f"{platform}/sources/{{source}}"),
            *LogsApi(coveo.admit_to_logs, backend.logged).routes(),
            *PrivilegeApi(account).routes(),
            *SearchApi(account, backend).routes(),
            *ContentBrowser(account, backend, is_local=is_local).routes(),
        ],
        exception_handlers={Refused: _refused, HTTPException: _no_such_call, ClientDisconnect: _nobody_there},
    )
    app.router.redirect_slashes = False  # a path that Coveo does not have is no path
    return app


class _Coveo:
    """Coveo's own calls: Push and Platform API."""

    def __init__(self, backend: Backend, account: Account) -> None:
        self._backend = backend
        self._account = account

    async def create_container(self, request: Request) -> Response:
        organization_id = self._admit(request, "ORGANIZATION_VIEW")
        check_json(request.headers.get("content-type"))
        # The other style names the bucket in the host, which has no address here: URLs are in path style either way.
        if request.query_params.get("useVirtualHostedStyleUrl", "false").lower() not in ("true", "false"):
            raise invalid_parameter("useVirtualHostedStyleUrl is true or false.")
        await read_body(request)
        return json_answer(_container(self._backend.create_container(organization_id, _host(request))), 201)

    async def set_status(self, request: Request) -> Response:
        await self._admit_to_source(request)
        status_type = request.query_params.get("statusType")
        if not status_type:
            raise missing_parameter("statusType")
        if status_type not in _STATUS_TYPES:
            raise invalid_parameter(f"statusType is one of {', '.join(_STATUS_TYPES)}.")
        return Response(status_code=201)

    async def open_stream(self, request: Request) -> Response:
        stream_id, container = self._backend.open_stream(await self._admit_to_source(request), _host(request))
        return json_answer({"streamId": stream_id, **_container(container)}, 201)

    async def add_chunk(self, request: Request) -> Response:
        source = await self._admit_to_source(request)
        return json_answer(_container(self._backend.add_chunk(source, request.path_params["stream"], _host(request))))

    async def close_stream(self, request: Request) -> Response:
        source = await self._admit_to_source(request)
        return json_answer(_receipt(self._backend.close_stream(source, request.path_params["stream"])))

    async def update(self, request: Request) -> Response:
        return await self._send_file(request, "update")

    async def merge(self, request: Request) -> Response:
        return await self._send_file(request, "merge")

    async def delete_older_than(self, request: Request) -> Response:
        source = await self._admit_to_source(request)
        epoch = request.path_params["epoch"]
        delay = request.query_params.get("queueDelay", "15")
        if not _EPOCH.fullmatch(epoch):
            raise invalid_parameter("The path ends with milliseconds since 1970.")
        if not _MINUTES.fullmatch(delay):
            raise invalid_parameter("queueDelay is a whole number of minutes, 0 or more.")
        return json_answer(_receipt(self._backend.delete_older_than(source, int(epoch), int(delay))), 201)

    async def source(self, request: Request) -> Response:
        source = self._admit_to_platform(request, "SOURCE_VIEW")
        name = source.source_id
        count = await asyncio.wrap_future(self._backend.count(source))
        information = {"numberOfDocuments": count, "sourceStatus": {"type": "PUSH_READY"}}
        return json_answer({"id": name, "name": name, "sourceType": "CATALOG", "information": information})

    def admit_to_fields(self, request: Request, privilege: Privilege) -> Organization:
        """The organization whose fields are asked for."""
        return self._backend.organization(self._admit(request, privilege))

    def admit_to_catalogs(self, request: Request, privilege: Privilege) -> str:
        """The organization whose catalogs are asked for, or that of one of its sources."""
        if "source" in request.path_params:
            return self._admit_to_platform(request, privilege).organization_id
        return self._admit(request, privilege)

    def admit_to_logs(self, request: Request) -> str:
        """The organization whose logs are asked for."""
        self._admit(request, "ORGANIZATION_VIEW")
        return self._admit(request, "SOURCE_VIEW")

    def admit_to_mappings(self, request: Request, privilege: Privilege) -> SourceMappings:
        """The mapping rules of the source that is asked for."""
        source = self._admit_to_platform(request, privilege)
        return self._backend.organization(source.organization_id).mappings(source.source_id)

    def admit_to_metadata(self, request: Request) -> Source:
        """The source whose metadata is asked for."""
        self._admit(request, "SOURCE_EDIT")
        return self._admit_to_platform(request, "SOURCE_METADATA_VIEW")

    def _admit_to_platform(self, request: Request, privilege: Privilege) -> Source:
        """Admit a call to a source on the platform side."""
        organization_id = self._admit(request, privilege)
        source = Source(organization_id, request.path_params["source"])
        if self._account.is_restricted and source.source_id != self._account.source_id:
            raise Refused(404, "SOURCE_NOT_FOUND", "There is no such source.")
        return source

    async def _send_file(self, request: Request, call: Literal["update", "merge"]) -> Response:
        source = await self._admit_to_source(request)
        file_id = request.query_params.get("fileId")
        if not file_id:
            raise missing_parameter("fileId")
        shard = request.query_params.get("shard")
        if shard is not None and not _SHARD.fullmatch(shard):
            raise invalid_parameter("shard has 1 to 10 letters and digits.")
        return json_answer(_receipt(self._backend.update(source, call, file_id)), 202)

    def _admit(self, request: Request, privilege: Privilege) -> str:
        """Admit a call to its organization."""
        check_token(self._account, request.headers.get("authorization"), privilege)
        organization_id: str = request.path_params["organization"]
        check_organization(self._account, organization_id)
        return organization_id

    async def _admit_to_source(self, request: Request) -> Source:
        """Admit a call that says all in its URL; a body is read, as it may be there, and passed over."""
        organization_id = self._admit(request, "SOURCE_EDIT")
        check_json(request.headers.get("content-type"))
        check_source(self._account, request.path_params["source"])
        await read_body(request)
        return Source(organization_id, request.path_params["source"])


class _Storage:
    """The storage behind the upload URLs."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            await self._put(request)
        except StorageRefused as refused:
            response = Response(_xml(refused), refused.status, media_type="application/xml")
        except ClientDisconnect:
            return
        else:
            response = Response()
        await response(scope, receive, send)

    async def _put(self, request: Request) -> None:
        headers = request.headers.items()
        check_method(request.method)
        check_length(headers)
        now = self._backend.clock.now()
        at_path = self._backend.containers.at(request.scope["path"])
        query: str = request.scope["query_string"].decode("latin-1")
        container = check_signed(at_path, headers, query, now)
        with self._backend.containers.spool(container) as file:
            async for piece in request.stream():
                file.write(piece)


def _host(request: Request) -> str:
    """The name by which the caller found the sandbox, which is where it can upload too; empty when it says none."""
    return request.headers.get("host", "")


def _container(container: Container) -> _Model:
    headers: _Model = dict(REQUIRED_HEADERS)
    return {"uploadUri": container.upload_uri, "fileId": container.file_id, "requiredHeaders": headers}


def _receipt(receipt: Receipt) -> _Model:
    return {"orderingId": str(receipt.ordering_id), "requestId": receipt.request_id}


def _xml(refused: StorageRefused) -> str:
    code = escape(refused.code)
    message = escape(refused.message)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return _error(error.status, error.code, error.message)


async def _no_such_call(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    answer = _error(error.status_code, None, error.detail)
    answer.headers.update(error.headers or {})
    return answer


async def _nobody_there(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


def _error(status: int, code: str | None, message: str) -> Response:
    return json_answer({"message": message} if code is None else {"message": message, "errorCode": code}, status)
