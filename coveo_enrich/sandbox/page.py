"""The status page at ``/``: what the sandbox holds, in one table that needs nothing from elsewhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from html import escape

import attrs
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from coveo_enrich.sandbox.backend import Backend

__all__ = ["SourceStatus", "StatusPage", "status_page"]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

_COLUMNS = ("Organization", "Fields", "Source", "Items", "Dropped", "Streams", "Open")

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Coveo sandbox</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
div {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ padding: .4rem .8rem; border-bottom: 1px solid #8885; text-align: left }}
td {{ max-width: 24rem; overflow-wrap: break-word }}
.number {{ text-align: right; font-variant-numeric: tabular-nums }}
</style>
<h1>Coveo sandbox</h1>
<p>What is in the index of this sandbox, once all that it accepted is processed.</p>
<div>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
<p>Dropped: metadata, items and files that were sent and are not in the index.</p>
</html>
"""


@attrs.frozen
class SourceStatus:
    """A source, as the page shows it.

    Attributes:
        organization_id: The organization that it is in.
        fields: How many fields that organization has, Coveo's own among them.
        source_id: The source.
        items: How many items it holds.
        dropped: How many pieces of what was sent are not in the index.
        streams: How many streams were opened.
        open_streams: How many of them are open.
    """

    organization_id: str
    fields: int
    source_id: str
    items: int
    dropped: int
    streams: int
    open_streams: int


class StatusPage:
    """The page, made of what is there when it is asked for."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def routes(self) -> list[Route]:
        """The route of the page."""
        return [Route("/", self._show, methods=["GET"])]

    async def _show(self, _request: Request) -> Response:
        return HTMLResponse(status_page(await self._sources()), headers=_HEADERS)

    async def _sources(self) -> list[SourceStatus]:
        sizes = {size.source: size for size in await asyncio.wrap_future(self._backend.sizes())}
        states = self._backend.stream_states()
        streams = Counter(source for source, _ in states)
        open_streams = Counter(source for source, is_open in states if is_open)
        return [
            SourceStatus(
                organization_id=source.organization_id,
                fields=len(self._backend.organization(source.organization_id).fields()),
                source_id=source.source_id,
                items=sizes[source].items if source in sizes else 0,
                dropped=sizes[source].dropped if source in sizes else 0,
                streams=streams[source],
                open_streams=open_streams[source],
            )
            for source in sorted({*sizes, *streams}, key=attrs.astuple)
        ]


def status_page(sources: Sequence[SourceStatus]) -> str:
    """The page, as HTML."""
    rows = "\n".join(f"<tr>{''.join(map(_cell, attrs.astuple(source)))}</tr>" for source in sources)
    empty = f'<tr><td colspan="{len(_COLUMNS)}">No source was used yet.</td></tr>'
    return _PAGE.format(head="".join(map(_heading, _COLUMNS)), rows=rows or empty)


def _heading(title: str) -> str:
    is_number = title not in ("Organization", "Source")
    return f'<th{_class(is_number=is_number)} scope="col">{escape(title)}</th>'


def _cell(value: str | int) -> str:
    text = f"{value:,}" if isinstance(value, int) else value
    return f"<td{_class(is_number=isinstance(value, int))}>{escape(text)}</td>"


def _class(*, is_number: bool) -> str:
    return ' class="number"' if is_number else ""
