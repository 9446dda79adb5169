"""The Logs API: from HTTP to the entries of an organization and back. What is asked for is decided in `logs`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Final, Protocol, TypeAlias, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.http.exchange import json_answer, read_object
from coveo_enrich.sandbox.logs.entries import LogEntry, LogQuery, counted, page_of, read_page, read_query

__all__ = ["AdmitToLogs", "LogsApi", "ReadLogs"]

AdmitToLogs: TypeAlias = Callable[[Request], str]
"""Lets a request pass whose key may read logs, and gives the id of the organization that it names."""

_LOGS: Final = "/logs/v1/organizations/{organization}"


T = TypeVar("T")


class ReadLogs(Protocol):
    """Reads the logs."""

    def __call__(self, organization_id: str, query: LogQuery, read: Callable[[Iterator[LogEntry]], T], /) -> Future[T]:
        """What ``read`` makes of the entries of an organization that are asked for, the newest first."""
        ...


class LogsApi:
    """The calls of the Logs API."""

    def __init__(self, admit: AdmitToLogs, logged: ReadLogs) -> None:
        self._admit = admit
        self._logged = logged

    def routes(self) -> list[Route]:
        """The routes, which are beside those of the Push API."""
        return [
            Route(_LOGS, self._entries, methods=["POST"]),
            Route(f"{_LOGS}/facets", self._facets, methods=["POST"]),
            Route(f"{_LOGS}/facetsStats", self._facets_with_counts, methods=["POST"]),
        ]

    async def _entries(self, request: Request) -> Response:
        organization_id = self._admit(request)
        query = read_query(request.query_params, await read_object(request))
        page = read_page(request.query_params)
        request_id = str(uuid.uuid4())
        answer = self._logged(organization_id, query, lambda entries: page_of(entries, page, request_id))
        model = await asyncio.wrap_future(answer)
        return json_answer(model)

    async def _facets(self, request: Request) -> Response:
        return json_answer({facet: list(values) for facet, values in (await self._counts(request)).items()})

    async def _facets_with_counts(self, request: Request) -> Response:
        return json_answer(await self._counts(request))

    async def _counts(self, request: Request) -> dict[str, dict[str, int]]:
        organization_id = self._admit(request)
        query = read_query(request.query_params, await read_object(request))
        return await asyncio.wrap_future(self._logged(organization_id, query, counted))
