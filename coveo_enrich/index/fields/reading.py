"""What an organization and its source have of fields and mapping rules, read call by call, and the plan that follows.

Nothing is changed here: that is `coveo_enrich.index.fields.client`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused
from coveo_enrich.index.catalog import notes_of, read_catalog
from coveo_enrich.index.fields.calls import (
    FIELDS_A_CALL,
    fields_in,
    items_in,
    mappings_call,
    metadata_call,
    pages_in,
    search_fields_call,
    ways_in,
)
from coveo_enrich.index.fields.inference import infer
from coveo_enrich.index.fields.mapping_rules import MappingRule, rules_in
from coveo_enrich.index.fields.needs import FieldNeed, needs_by_name
from coveo_enrich.index.fields.plan import FieldPlan, held_back, plan_of
from coveo_enrich.index.fields.settings import FieldSettings
from coveo_enrich.index.place import CoveoPlace

__all__ = ["Send", "fields_named", "plan_for_documents", "plan_for_needs", "read_rules"]

Send: TypeAlias = Callable[[CoveoCall], Mapping[str, Any]]
"""Makes a call that may safely be repeated; the JSON object that was answered."""

_MOST_PAGES: Final = 100
_MOST_OF_A_REPORT: Final = 20  # it is a help, and not worth the calls that a push needs
_NO_REPORT: Final = (HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)


def plan_for_needs(needs: Iterable[FieldNeed], place: CoveoPlace, send: Send) -> FieldPlan:
    """Compare what is needed with what is there.

    Raises:
        ConfigurationError: Two need one field with different types.
    """
    wanted = needs_by_name(needs)
    fields = fields_named(list(wanted), place, send)
    rules = read_rules(place, send)
    return plan_of(wanted.values(), fields, rules, _unmapped(place, send) if fields else ())


def plan_for_documents(documents: Sequence[Mapping[str, Any]], place: CoveoPlace, send: Send) -> FieldPlan:
    """Compare what documents hold with what is there."""
    inferred = infer(documents)
    plan = held_back(plan_for_needs(inferred.needs, place, send), inferred.mixed)
    notes = tuple(notes_of(documents, read_catalog(place, send))) if documents else ()
    return attrs.evolve(plan, reserved=inferred.reserved, catalog=notes)


def fields_named(names: Sequence[str], place: CoveoPlace, send: Send) -> dict[str, FieldSettings]:
    """The fields of these names that there are."""
    found: dict[str, FieldSettings] = {}
    for start in range(0, len(names), FIELDS_A_CALL):
        some = names[start : start + FIELDS_A_CALL]
        for answer in _pages(lambda page, some=some: search_fields_call(place, some, page), send):  # type: ignore[misc]
            found |= {field.name: field for field in fields_in(answer) if field.name in some}
    return found


def read_rules(place: CoveoPlace, send: Send) -> tuple[MappingRule, ...]:
    """All mapping rules of the source."""
    return tuple(rules_in(send(mappings_call(place))))


def _unmapped(place: CoveoPlace, send: Send) -> set[str]:
    """Metadata that the source is known not to index by its name.

    A report that says of one that it is indexed nowhere may be older than its field, and nothing tells when a field was
    made. But a report that shows any metadata indexed by its name shows a source that does so for all. Of a very long
    one nothing is made.
    """
    try:
        pages = list(_pages(lambda page: metadata_call(place, page), send, _MOST_OF_A_REPORT))
    except CoveoRefused as refused:
        if refused.status in _NO_REPORT:  # or the key may not read it, or it does not end
            return set()
        raise
    ways = [way for answer in pages for way in ways_in(answer)]
    return set() if any(way == "FIELD" for _, way in ways) else {name for name, way in ways if way == "NONE"}


def _pages(call_for: Callable[[int], CoveoCall], send: Send, most: int = _MOST_PAGES) -> Iterator[Mapping[str, Any]]:
    """The pages of a list until they end or one brings nothing new, whatever number of them is claimed.

    Raises:
        CoveoRefused: They do not end.
    """
    seen: set[str] = set()
    for page in range(most):
        answer = send(call_for(page))
        yield answer
        new = {json.dumps(item, sort_keys=True) for item in items_in(answer)} - seen
        if not new or page + 1 >= pages_in(answer):
            return
        seen |= new
    raise CoveoRefused(call_for(0).operation, HTTPStatus.OK, None, f"the list has more than {most} pages")
