"""The routes: from HTTP to `coveo_enrich.sandbox.backend` and back, in Coveo's words. Nothing is decided here."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TypeAlias
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coveo_enrich.sandbox.access import Account, check_json, check_organization, check_source, check_token
from coveo_enrich.sandbox.backend import Backend, Receipt
from coveo_enrich.sandbox.containers import BUCKET, REQUIRED_HEADERS, Container
from coveo_enrich.sandbox.fields import Field, field_from_model, field_model
from coveo_enrich.sandbox.refusals import Refused, StorageRefused
from coveo_enrich.sandbox.strict_json import Json, parse
from coveo_enrich.sandbox.uploads import check_length, check_method, check_signed

__all__ = ["build_app"]

# Bodies of Coveo's own calls are small; large ones belong into a container.
_MAX_BODY_BYTES = 1_000_000

_Model: TypeAlias = dict[str, Json]


def build_app(backend: Backend, account: Account) -> ASGIApp:
    """The sandbox as an ASGI application."""
    coveo = _Coveo(backend, account)
    stream = "/push/v1/organizations/{organization}/sources/{source}/stream"
    platform = "/rest/organizations/{organization}"
    fields = f"{platform}/indexes/fields"
    return Starlette(
        routes=[
            Route(f"{stream}/open", coveo.open_stream, methods=["POST"]),
            Route(f"{stream}/{{stream}}/chunk", coveo.add_chunk, methods=["POST"]),
            Route(f"{stream}/{{stream}}/close", coveo.close_stream, methods=["POST"]),
            Route(f"/{BUCKET}/{{key:path}}", _Storage(backend)),
            Route(f"{platform}/sources/{{source}}", coveo.source, methods=["GET"]),
            Route(fields, coveo.create_field, methods=["POST"]),
            Route(f"{fields}/search", coveo.search_fields, methods=["POST"]),
            Route(f"{fields}/{{field}}", coveo.field, methods=["GET"]),
        ],
        exception_handlers={Refused: _refused, HTTPException: _no_such_call, ClientDisconnect: _nobody_there},
    )


class _Coveo:
    """Coveo's own calls: Push and Platform API."""

    def __init__(self, backend: Backend, account: Account) -> None:
        self._backend = backend
        self._account = account

    async def open_stream(self, request: Request) -> Response:
        await self._admit_to_source(request)
        stream_id, container = self._backend.open_stream()
        return _json({"streamId": stream_id, **_container(container)}, 201)

    async def add_chunk(self, request: Request) -> Response:
        await self._admit_to_source(request)
        return _json(_container(self._backend.add_chunk(request.path_params["stream"])))

    async def close_stream(self, request: Request) -> Response:
        await self._admit_to_source(request)
        return _json(_receipt(self._backend.close_stream(request.path_params["stream"])))

    async def source(self, request: Request) -> Response:
        self._admit(request)
        if request.path_params["source"] != self._account.source_id:
            raise Refused(404, "SOURCE_NOT_FOUND", "There is no such source.")
        count = await asyncio.wrap_future(self._backend.index.count())
        information = {"numberOfDocuments": count, "sourceStatus": {"type": "PUSH_READY"}}
        name = self._account.source_id
        return _json({"id": name, "name": name, "sourceType": "CATALOG", "information": information})

    async def create_field(self, request: Request) -> Response:
        model = await self._admitted_model(request)
        try:
            field = field_from_model(model)
        except ValueError as error:
            raise Refused(400, "INVALID_PARAMETER", str(error)) from None
        self._backend.create_field(field)
        return Response(status_code=204)

    async def search_fields(self, request: Request) -> Response:
        model = await self._admitted_model(request)
        return _json(_field_page(self._backend.fields(), model))

    async def field(self, request: Request) -> Response:
        self._admit(request)
        return _json(field_model(self._backend.field(request.path_params["field"])))

    def _admit(self, request: Request) -> None:
        check_token(self._account, request.headers.get("authorization"))
        check_organization(self._account, request.path_params["organization"])

    async def _admit_to_source(self, request: Request) -> None:
        """Admit a call that says all in its path; a body is read, as it may be there, and passed over."""
        self._admit(request)
        check_json(request.headers.get("content-type"))
        check_source(self._account, request.path_params["source"])
        await _body(request)

    async def _admitted_model(self, request: Request) -> _Model:
        self._admit(request)
        check_json(request.headers.get("content-type"))
        try:
            model = parse(await _body(request))
        except ValueError as error:
            raise Refused(400, "INVALID_JSON", f"The request body is not valid JSON: {str(error)[:200]}") from None
        if not isinstance(model, dict):
            raise Refused(400, "INVALID_JSON", "The request body is not an object.")
        return model


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


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_BODY_BYTES:
            raise Refused(413, None, "Request Entity Too Large")
    return bytes(body)


def _container(container: Container) -> _Model:
    headers: _Model = dict(REQUIRED_HEADERS)
    return {"uploadUri": container.upload_uri, "fileId": container.file_id, "requiredHeaders": headers}


def _receipt(receipt: Receipt) -> _Model:
    return {"orderingId": str(receipt.ordering_id), "requestId": receipt.request_id}


def _field_page(fields: list[Field], query: _Model) -> _Model:
    """A page of the fields that the query's filters let through."""
    page = _whole_number(query, "page", 0, range(sys.maxsize))
    per_page = _whole_number(query, "perPage", 100, range(1, 1_001))
    found = [field_model(field) for field in fields if _passes(field, query.get("filters"))]
    pages = -(-len(found) // per_page)
    items: list[Json] = list(found[page * per_page : (page + 1) * per_page])
    return {"items": items, "totalEntries": len(found), "totalPages": pages}


def _whole_number(query: _Model, name: str, default: int, allowed: range) -> int:
    number = query.get(name, default)
    if not isinstance(number, int) or number not in allowed:
        raise Refused(400, "INVALID_PARAMETER", f"{name} is from {allowed[0]} to {allowed[-1]}.")
    return number


def _passes(field: Field, filters: Json) -> bool:
    if not isinstance(filters, dict):
        return True
    names, origin = filters.get("fieldNames"), filters.get("origin")
    if isinstance(names, list) and names and field.name not in names:
        return False
    return origin not in ("USER", "SYSTEM") or (origin == "SYSTEM") == field.system


def _xml(refused: StorageRefused) -> str:
    code, message = escape(refused.code), escape(refused.message)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return _error(error.status, error.code, error.message)


async def _no_such_call(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _error(error.status_code, None, error.detail)


async def _nobody_there(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


def _error(status: int, code: str | None, message: str) -> Response:
    return _json({"message": message} if code is None else {"message": message, "errorCode": code}, status)


def _json(content: object, status: int = 200) -> Response:
    # Starlette's own writes other characters than ASCII as they are, and fails on a lone surrogate in a description.
    return Response(json.dumps(content), status, media_type="application/json")
