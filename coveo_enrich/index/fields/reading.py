"""What an organization and its source have of fields and mapping rules, read call by call, and the plan that follows.

Nothing is changed here: that is `coveo_enrich.index.fields.client`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias, cast

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused
from coveo_enrich.index.answer import lacks
from coveo_enrich.index.catalog.notes import notes_of
from coveo_enrich.index.catalog.reading import read_catalog
from coveo_enrich.index.fields.calls import (
    FIELDS_A_CALL,
    fields_in,
    mappings_call,
    metadata_call,
    pages_in,
    search_fields_call,
    ways_in,
)
from coveo_enrich.index.fields.inference import infer
from coveo_enrich.index.fields.mapping_rules import MappingRule, rules_in
from coveo_enrich.index.fields.needs import FieldNeed, needs_by_name
from coveo_enrich.index.fields.plan import FieldPlan, plan_of, without_mixed
from coveo_enrich.index.fields.settings import FieldSettings
from coveo_enrich.index.fields.values import filled_fields
from coveo_enrich.index.place import CoveoPlace

__all__ = ["Send", "fields_named", "plan_for_documents", "plan_for_needs", "read_rules"]

Send: TypeAlias = Callable[[CoveoCall], Mapping[str, Any]]
"""Makes a call that may safely be repeated; the JSON object that was answered."""

_MOST_PAGES: Final = 100
_MOST_OF_A_REPORT: Final = 20  # it is a help, and not worth the calls that a push needs
_NO_REPORT: Final = (
    HTTPStatus.OK,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.PRECONDITION_FAILED,
)
"""Statuses of a report that is not there, that the key may not read, or that does not end."""
_PAUSED: Final = "ORGANIZATION_IS_PAUSED"


def plan_for_needs(needs: Iterable[FieldNeed], place: CoveoPlace, send: Send) -> FieldPlan:
    """Compare what is needed with what is there.

    Raises:
        ConfigurationError: Two need one field with different types.
    """
    wanted = needs_by_name(needs)
    return _plan(wanted.values(), fields_named(list(wanted), place, send), place, send)


def plan_for_documents(documents: Sequence[Mapping[str, Any]], place: CoveoPlace, send: Send) -> FieldPlan:
    """Compare what documents hold with what is there."""
    inferred = infer(documents)
    fields = fields_named([need.name for need in inferred.needs], place, send)
    plan = _plan(inferred.needs_in(fields), fields, place, send, inferred.spellings)
    notes = notes_of(list(map(filled_fields, documents)), read_catalog(place, send)) if documents else ()
    return attrs.evolve(without_mixed(plan, inferred.mixed), reserved=inferred.reserved, catalog=tuple(notes))


def _plan(
    needs: Iterable[FieldNeed],
    fields: Mapping[str, FieldSettings],
    place: CoveoPlace,
    send: Send,
    spellings: tuple[str, ...] | None = None,
) -> FieldPlan:
    rules = read_rules(place, send)
    return plan_of(needs, fields, rules, _unmapped(place, send) if fields else (), spellings)


def fields_named(names: Sequence[str], place: CoveoPlace, send: Send) -> dict[str, FieldSettings]:
    """The fields of these names that there are."""
    found: dict[str, FieldSettings] = {}
    for start in range(0, len(names), FIELDS_A_CALL):
        some = names[start : start + FIELDS_A_CALL]
        for answer in _pages(lambda page, some=some: search_fields_call(place, some, page), send):  # type: ignore[misc]
            found |= {field.name: field for field in fields_in(answer) if field.name in some}
    return found


def read_rules(place: CoveoPlace, send: Send) -> tuple[MappingRule, ...]:
    """All mapping rules of the source.

    Raises:
        CoveoRefused: The answer does not hold them.
    """
    call = mappings_call(place)
    answer = send(call)
    if not isinstance(answer.get("common"), Mapping):
        raise lacks(call, "common")
    return tuple(rules_in(answer))


def _unmapped(place: CoveoPlace, send: Send) -> set[str]:
    """Metadata that the source is known not to index by its name.

    A report that says of one that it is indexed nowhere may be older than its field, and nothing tells when a field was
    made. But a report that shows any metadata indexed by its name shows a source that does so for all. Of a very long
    one nothing is made.
    """
    try:
        ways = _ways(place, send)
    except CoveoRefused as refused:
        if refused.status in _NO_REPORT and refused.error_code != _PAUSED:
            return set()
        raise
    return set() if any(way == "FIELD" for _, way in ways) else {name for name, way in ways if way == "NONE"}


def _ways(place: CoveoPlace, send: Send) -> list[tuple[str, str]]:
    """All metadata of the report, with how it was indexed; none of a report whose pages are too long to be read."""
    from coveo_enrich._http import NoReplyTooLong  # noqa: PLC0415 - httpx is loaded by the first request

    try:
        pages = list(_pages(lambda page: metadata_call(place, page), send, _MOST_OF_A_REPORT))
    except NoReplyTooLong:
        return []
    return [way for answer in pages for way in ways_in(answer)]


def _pages(call_for: Callable[[int], CoveoCall], send: Send, most: int = _MOST_PAGES) -> Iterator[Mapping[str, Any]]:
    """The pages of a list until they end or one comes again, whatever number of them is claimed.

    Raises:
        CoveoRefused: They do not end, or one is none.
    """
    before: object = None
    for page in range(most):
        call = call_for(page)
        answer = send(call)
        items = answer.get("items")
        if not isinstance(items, list):
            raise lacks(call, "items")
        yield answer
        if items == before or page + 1 >= pages_in(answer):
            return
        before = cast("object", items)
    raise CoveoRefused(call_for(0).operation, HTTPStatus.OK, None, f"the list has more than {most} pages")
