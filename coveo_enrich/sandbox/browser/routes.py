"""The routes of the content browser: they ask the backend for what a page needs, and write the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import attrs
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coveo_enrich.sandbox.access import Account
from coveo_enrich.sandbox.backend import Backend, SandboxStream
from coveo_enrich.sandbox.browser.addresses import address, page_number
from coveo_enrich.sandbox.browser.finding import (
    LAST_PAGE,
    PAGE_SIZE,
    Findings,
    ItemsQuery,
    find,
    read_items_query,
)
from coveo_enrich.sandbox.browser.item import MOST_DROPPED, Item, item_of
from coveo_enrich.sandbox.browser.items import results_of
from coveo_enrich.sandbox.browser.logs import RESULTS, lines_of, log_query
from coveo_enrich.sandbox.browser.organization import SourceRow, field_rows, rule_groups, source_rows
from coveo_enrich.sandbox.browser.paging import Cut, Pager, cut, pager
from coveo_enrich.sandbox.browser.texts import python_text
from coveo_enrich.sandbox.clock import milliseconds
from coveo_enrich.sandbox.http.listening import is_loopback, named_host
from coveo_enrich.sandbox.indexing.source_reader import DroppedGroup, SourceReader
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.platform.organizations import Organization
from coveo_enrich.sandbox.values import Dropped, Source, StoredItem

__all__ = ["ContentBrowser"]

T = TypeVar("T")

_FOLDER: Final = Path(__file__).parent
_ROWS: Final = 50
_STREAMS: Final = 20
_SOURCE: Final = ("organization", "source")
_FIELDS: Final = 200
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src http: https: data:;"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@attrs.frozen
class _Look:
    """A look at a source: the request, the source, and how many sources there are."""

    request: Request
    row: SourceRow
    is_alone: bool

    @property
    def source(self) -> Source:
        """The source."""
        return self.row.source

    def given(self, name: str) -> str:
        """A parameter; empty when it is missing."""
        return self.request.query_params.get(name, "")

    @property
    def page(self) -> int:
        """The page that is asked for."""
        return page_number(self.given("page"))

    def pager(self, shown: Cut, path: str, **parameters: str | None) -> Pager:
        """The way to the other pages of a list."""
        return _pager(shown, self.page_address(path, **parameters))

    def page_address(self, path: str, **parameters: str | None) -> Callable[[int], str]:
        """The addresses of the pages of a list."""
        return lambda page: address(path, self.source, [*parameters.items(), ("page", str(page))])


_Page: TypeAlias = Callable[[_Look], Awaitable[Response]]
_Show: TypeAlias = Callable[[Request], Awaitable[Response]]


class ContentBrowser:
    """The pages, made of what is there when they are asked for.

    Args:
        account: For what a client has to be told to push here; no key is shown.
        backend: What is looked at.
        is_local: Whether the pages are for this machine alone: a page of the web, whose name leads here by a trick with
            its address, is not to read them.
    """

    def __init__(self, account: Account, backend: Backend, *, is_local: bool) -> None:
        self._account = account
        self._is_local = is_local
        self._backend = backend
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals["page_of"] = address  # pyright: ignore[reportArgumentType] # it is told of jinja2's own only
        self._templates.filters["python_text"] = python_text

    def routes(self) -> list[Route]:
        """The routes of the pages, which are no addresses of Coveo's."""
        pages: dict[str, _Page] = {
            "/": self._items,
            "/browse/item": self._item,
            "/browse/dropped": self._dropped,
            "/browse/streams": self._streams,
            "/browse/logs": self._logs,
            "/browse/fields": self._fields,
            "/browse/mappings": self._mappings,
        }
        shows: dict[str, _Show] = {
            **{path: partial(self._of_source, page) for path, page in pages.items()},
            "/browse/sources": self._sources,
            "/browse/style.css": self._style,
            "/browse": self._nowhere,
            "/browse/{path:path}": self._nowhere,
        }
        return [Route(path, partial(self._show, show), methods=["GET"]) for path, show in shows.items()]

    async def _show(self, show: _Show, request: Request) -> Response:
        if self._is_local and not is_loopback(named_host(request.headers.get("host", ""))):
            said = "The pages of this sandbox are at localhost or 127.0.0.1 only.\n"
            return Response(said, 403, headers=_HEADERS, media_type="text/plain")
        return await show(request)

    async def _style(self, _request: Request) -> Response:
        return Response((_FOLDER / "style.css").read_bytes(), headers=_HEADERS, media_type="text/css")

    async def _nowhere(self, _request: Request) -> Response:
        return self._problem("There is no such page in this sandbox.")

    async def _sources(self, request: Request) -> Response:
        rows = _named(request, await self._rows())
        return self._all_sources(request, rows) if rows or not any(_asked(request)) else self._no_source()

    async def _of_source(self, show: _Page, request: Request) -> Response:
        """A page about the source that is named, or the only one; which one is asked where there are several."""
        rows = await self._rows()
        named = _named(request, rows)
        if len(named) == 1:
            return await show(_Look(request, named[0], len(rows) == 1))
        return self._all_sources(request, named) if named or not any(_asked(request)) else self._no_source()

    def _all_sources(self, request: Request, rows: list[SourceRow]) -> Response:
        part = cut(page_number(request.query_params.get("page")), len(rows), _ROWS)
        shown = rows[part.rows]
        organizations = {row.source.organization_id for row in shown}
        numbers = {name: len(self._backend.organization(name).by_name) for name in organizations}
        asked = [(name, value or None) for name, value in zip(_SOURCE, _asked(request), strict=True)]
        pages = _pager(part, lambda page: address("/browse/sources", None, [*asked, ("page", str(page))]))
        connection = self._connection(request, None)
        return self._page("sources.html", rows=shown, fields=numbers, connection=connection, pager=pages)

    async def _items(self, look: _Look) -> Response:
        if look.row.is_empty:
            connection = self._connection(look.request, look.source)
            return self._page("empty.html", look, tab="items", connection=connection)
        query = read_items_query(look.request.query_params.multi_items(), look.page)
        fields = self._organization(look).by_name
        found = await self._found(look.source, fields, query)
        context: dict[str, Any] = {
            "query": query,
            "mistakes": found.mistakes,
            "results": results_of(found, query, fields, look.source),
            "example": next((name for name in ("ec_brand", "ec_color") if name in fields), "title"),
            "last_page": LAST_PAGE,
            "page_size": PAGE_SIZE,
        }
        return self._page("items.html", look, tab="items", **context)

    async def _found(self, source: Source, fields: Mapping[str, Field], query: ItemsQuery) -> Findings:
        def find_among(items: Iterable[StoredItem]) -> Findings:
            return find((item for item in items if item.source_id == source.source_id), fields, query)

        if query.is_all:
            return await self._read(source, lambda reader: find_among(reader.items()))
        return await asyncio.wrap_future(self._backend.searched(source.organization_id, find_among))

    async def _item(self, look: _Look) -> Response:
        document_id = look.given("id")
        fields = self._organization(look).by_name
        catalogs = self._backend.catalogs.of(look.source.organization_id)
        now = milliseconds(self._backend.clock.now())

        def read(reader: SourceReader) -> Item | None:
            stored = reader.item(document_id)
            dropped = reader.dropped_of(document_id, MOST_DROPPED)
            if stored is None and not dropped:
                return None
            said = reader.said(document_id)
            nothing = StoredItem(look.source.source_id, document_id, 0, 0, {})
            return item_of(stored or nothing, dropped, said, fields=fields, catalogs=catalogs, now=now)

        item = await self._read(look.source, read)
        if item is None:
            return self._problem("There is no such item in this source, and nothing was dropped of one.", look)
        return self._page("item.html", look, tab="items", item=item)

    async def _dropped(self, look: _Look) -> Response:
        if "reason" in look.request.query_params:
            return await self._dropped_of(look, look.given("reason"), look.request.query_params.get("key"))

        def read(reader: SourceReader) -> tuple[list[DroppedGroup], Cut]:
            shown = cut(look.page, reader.count_dropped_groups(), _ROWS)
            return reader.dropped_groups(shown.first, shown.size), shown

        groups, shown = await self._read(look.source, read)
        pages = look.pager(shown, "/browse/dropped")
        return self._page("dropped.html", look, tab="dropped", groups=groups, pager=pages)

    async def _dropped_of(self, look: _Look, reason: str, key: str | None) -> Response:
        def read(reader: SourceReader) -> tuple[list[Dropped], int, Cut]:
            total = reader.count_in_group(reason, key)
            shown = cut(look.page, total, _ROWS)
            return reader.dropped_in_group(reason, key, shown.first, shown.size), total, shown

        pieces, total, shown = await self._read(look.source, read)
        pages = look.pager(shown, "/browse/dropped", reason=reason, key=key)
        context: dict[str, Any] = {"reason": reason, "key": key, "pieces": pieces, "total": total, "pager": pages}
        return self._page("dropped_group.html", look, tab="dropped", **context)

    async def _streams(self, look: _Look) -> Response:
        streams = await asyncio.to_thread(self._backend.streams, look.source)
        if look.given("stream"):
            return self._stream(look, streams)
        shown = cut(look.page, len(streams), _STREAMS)
        pages = look.pager(shown, "/browse/streams")
        return self._page("streams.html", look, tab="streams", pager=pages, streams=streams[::-1][shown.rows])

    def _stream(self, look: _Look, streams: list[SandboxStream]) -> Response:
        named = next((stream for stream in streams if stream.stream_id == look.given("stream")), None)
        if named is None:
            return self._problem("There is no such stream in this source.", look)
        shown = cut(look.page, len(named.containers), _STREAMS)
        context: dict[str, Any] = {
            "stream": named,
            "containers": named.containers[shown.rows],
            "first": shown.first,
            "pager": look.pager(shown, "/browse/streams", stream=named.stream_id),
        }
        return self._page("stream.html", look, tab="streams", **context)

    async def _logs(self, look: _Look) -> Response:
        result = look.given("result")
        name = look.given("id").strip()
        query = log_query(look.source, result, name)
        lines, page, has_more = await asyncio.wrap_future(
            self._backend.logged(look.source.organization_id, query, partial(lines_of, page=look.page))
        )
        to_page = look.page_address("/browse/logs", result=result or None, id=name or None)
        pages = pager(page, to_page, last=None, has_more=has_more)
        context: dict[str, Any] = {
            "lines": lines,
            "result": result,
            "results": ("", *RESULTS),
            "name": name,
            "pager": pages,
        }
        return self._page("logs.html", look, tab="logs", **context)

    async def _fields(self, look: _Look) -> Response:
        filled = await self._read(look.source, lambda reader: reader.filled_fields())
        rows = field_rows(self._organization(look).fields(), filled, look.source)
        shown = cut(look.page, len(rows), _FIELDS)
        pages = look.pager(shown, "/browse/fields")
        return self._page("fields.html", look, tab="fields", rows=rows[shown.rows], pager=pages)

    async def _mappings(self, look: _Look) -> Response:
        organization = self._organization(look)
        mappings = organization.mappings(look.source.source_id).now
        return self._page("mappings.html", look, tab="mappings", groups=rule_groups(mappings, organization.by_name))

    async def _rows(self) -> list[SourceRow]:
        sizes = await asyncio.wrap_future(self._backend.sizes())
        return source_rows(sizes, self._backend.stream_states())

    async def _read(self, source: Source, read: Callable[[SourceReader], T]) -> T:
        return await asyncio.wrap_future(self._backend.look(source, read))

    def _organization(self, look: _Look) -> Organization:
        return self._backend.organization(look.source.organization_id)

    def _connection(self, request: Request, source: Source | None) -> Mapping[str, str]:
        """What a client has to be told to push here, but for the key."""
        source = source or self._account.source
        here = str(request.base_url).rstrip("/")
        return {
            "organization_id": source.organization_id,
            "source_id": source.source_id,
            "api_url": here,
            "platform_url": here,
        }

    def _no_source(self) -> Response:
        return self._problem("There is no such source in this sandbox, or nothing was sent to it yet.")

    def _problem(self, message: str, look: _Look | None = None) -> Response:
        return self._page("problem.html", look, status=404, message=message)

    def _page(
        self,
        template: str,
        look: _Look | None = None,
        *,
        tab: str = "",
        status: int = 200,
        **context: Any,  # noqa: ANN401 - whatever the template shows
    ) -> Response:
        html = self._templates.get_template(template).render(look=look, tab=tab, **context)
        # A catalog may hold halves of surrogate pairs, which are no characters; the store writes them in keys so, too.
        return Response(html.encode("utf-8", "backslashreplace"), status, headers=_HEADERS, media_type="text/html")


def _pager(shown: Cut, address_of: Callable[[int], str]) -> Pager:
    return pager(shown.page, address_of, last=shown.last, has_more=shown.page < shown.last)


def _asked(request: Request) -> list[str]:
    """The organization and the source that are named; empty where they are not."""
    return [request.query_params.get(name, "") for name in _SOURCE]


def _named(request: Request, rows: list[SourceRow]) -> list[SourceRow]:
    """The sources that are named, which are all of them where nothing is."""
    organization_id, source_id = _asked(request)
    return [
        row
        for row in rows
        if organization_id in ("", row.source.organization_id) and source_id in ("", row.source.source_id)
    ]
