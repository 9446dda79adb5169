"""The calls of the metadata report: from HTTP to `report` and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.backend import Backend
from coveo_enrich.sandbox.http.exchange import json_answer
from coveo_enrich.sandbox.http.paging import number_in, page_of, sorted_by
from coveo_enrich.sandbox.metadata.report import MetadataReports, reported
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.values import Source

__all__ = ["AdmitToSource", "MetadataApi"]

AdmitToSource: TypeAlias = Callable[[Request], Source]
"""Lets a request pass whose key may see the metadata of the source that it names, and gives that."""

_SHORTEST_FILTER = 2
_SORTABLE = ("key", "count", "origin", "isMapped", "indexedBy")


class MetadataApi:
    """The calls of the metadata report."""

    def __init__(self, admit: AdmitToSource, backend: Backend) -> None:
        self._admit = admit
        self._backend = backend
        self._reports = MetadataReports()

    def routes(self, source: str) -> list[Route]:
        """The routes under the path of a source."""
        return [
            Route(f"{source}/metadata", self._start, methods=["POST"]),
            Route(f"{source}/metadata", self._read, methods=["GET"]),
            Route(f"{source}/metadata/status", self._status, methods=["GET"]),
        ]

    async def _start(self, request: Request) -> Response:
        source = self._admit(request)
        sample = await asyncio.wrap_future(self._backend.samples(source))
        if not sample:
            raise Refused(412, "INVALID_PARAMETER", "No item of the source was sampled: there is nothing to report.")
        organization = self._backend.organization(source.organization_id)
        mappings = organization.mappings(source.source_id).now
        now = self._backend.clock.now()
        report = await asyncio.to_thread(reported, sample, organization.by_name, mappings, now)
        self._reports.start(source, report)
        return Response(status_code=204)

    async def _status(self, request: Request) -> Response:
        source = self._admit(request)
        sample = await asyncio.wrap_future(self._backend.samples(source))
        is_coming, is_there = self._reports.status(source, self._backend.clock.now())
        return json_answer(
            {"sampleAvailable": bool(sample), "reportGenerationInProgress": is_coming, "reportAvailable": is_there}
        )

    async def _read(self, request: Request) -> Response:
        query = request.query_params
        report = self._reports.report(self._admit(request), self._backend.clock.now())
        if report is None:
            raise Refused(404, "METADATA_REPORT_NOT_FOUND", "There is no report: it is asked for with POST first.")
        part = query.get("filter")
        if part is not None and len(part) < _SHORTEST_FILTER:
            raise Refused(400, "INVALID_PARAMETER", f"filter has {_SHORTEST_FILTER} characters or more.")
        found = [item for item in report.items if (part or "").lower() in str(item["key"]).lower()]
        listed = sorted_by(found, query.get("sortBy", "key"), query.get("order", "ASC"), _SORTABLE)
        page = page_of(listed, number_in(query.get("page", "0")), number_in(query.get("perPage", "100")))
        return json_answer({**page, **report.head()})
