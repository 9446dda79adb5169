"""The page of items: cards, facets, and what is chosen. Pure; what is found is decided in `finding`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs

from coveo_enrich.sandbox.browser.addresses import address, unfit
from coveo_enrich.sandbox.browser.finding import LAST_PAGE, LEVELS, MORE_VALUES, PAGE_SIZE, Findings, ItemsQuery
from coveo_enrich.sandbox.browser.paging import Pager, pager
from coveo_enrich.sandbox.browser.pictures import Picture, first_picture
from coveo_enrich.sandbox.browser.provenance import provenance_of
from coveo_enrich.sandbox.browser.texts import shortened
from coveo_enrich.sandbox.browser.values import ShownField, shown_field, title_of
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.facets import FacetResult, FacetValue
from coveo_enrich.sandbox.values import Source, StoredItem

__all__ = ["Card", "Chip", "Choice", "Facet", "Results", "results_of"]

_LONGEST_TITLE: Final = 200
_LONGEST_VALUE: Final = 200
_LONGEST_SAID: Final = 120
_MOST_ROWS: Final = 5
_OPEN_FACETS: Final = 6
# Not worth a line on a card: the same for most items of a catalog.
_DULL: Final = frozenset({"objecttype", "ec_in_stock"})


@attrs.frozen
class Card:
    """An item in the list.

    Attributes:
        title: What it is called.
        document_id: Its id.
        address: Its page.
        picture: Its picture, if it names any.
        rows: Some of its fields, what is enriched first.
    """

    title: str
    document_id: str
    address: str
    picture: Picture | None
    rows: tuple[ShownField, ...]


@attrs.frozen
class Choice:
    """A value of a facet, as a link that chooses it or takes it back.

    Attributes:
        text: The value; of a hierarchy, its last level.
        count: How many items have it.
        is_chosen: Whether it is chosen.
        address: The page with or without it.
        problem: Why there is no such page, as no address can hold the value; `None` when there is one.
        below: The next level, under what is chosen.
    """

    text: str
    count: int
    is_chosen: bool
    address: str
    problem: str | None
    below: tuple[Choice, ...] = ()


@attrs.frozen
class Facet:
    """A facet.

    Attributes:
        field: Its field.
        choices: Its values.
        is_open: Whether they are shown at once.
        more: The page with more of its values; `None` when there are no more, or they are there.
        total: How many values there are.
    """

    field: str
    choices: tuple[Choice, ...]
    is_open: bool
    more: str | None
    total: int


@attrs.frozen
class Chip:
    """Something that narrows the list, and the page without it."""

    name: str
    value: str
    address: str


@attrs.frozen
class Results:
    """What the page of items shows.

    Attributes:
        total: How many items were found.
        first: The number of the first item that is shown, from 1 on.
        cards: The items.
        facets: The facets.
        chips: What is chosen.
        clear: The page without anything that narrows it.
        other_view: The page with all that is in the index, or with what searches find, whichever this one is not.
        only_enriched: The page with enriched items only; `None` when it is this one, or none of these is enriched.
        pager: The way to the other pages.
        is_cut: Whether there are items beyond the last page.
        readable: The page without what could not be read; `None` when everything could.
        said: What is searched for and chosen, in short; empty when nothing is.
    """

    total: int
    first: int
    cards: tuple[Card, ...]
    facets: tuple[Facet, ...]
    chips: tuple[Chip, ...]
    clear: str
    other_view: str
    only_enriched: str | None
    pager: Pager
    is_cut: bool
    readable: str | None
    said: str


def results_of(findings: Findings, query: ItemsQuery, fields: Mapping[str, Field], source: Source) -> Results:
    """What the page shows of what was found."""

    def address_of(other: ItemsQuery) -> str:
        return address("/", source, other.pairs())

    last, mistakes = findings.last_page, findings.mistakes
    chips = tuple(_chips(query, fields, source))
    readable = attrs.evolve(
        query,
        words="" if mistakes.words else query.words,
        expression="" if mistakes.expression else query.expression,
    )
    return Results(
        total=findings.total,
        first=(findings.page - 1) * PAGE_SIZE + 1,
        cards=tuple(_card(item, fields, source) for item in findings.items),
        facets=tuple(_facets(findings.facets, query, source)),
        chips=chips,
        clear=address_of(ItemsQuery(is_all=query.is_all)),
        other_view=address_of(attrs.evolve(query, is_all=not query.is_all, page=1)),
        only_enriched=_only_enriched(findings, query, source),
        pager=pager(
            findings.page,
            lambda page: address_of(attrs.evolve(query, page=page)),
            last=last,
            has_more=findings.page < last,
        ),
        is_cut=findings.page == last and findings.total > LAST_PAGE * PAGE_SIZE,
        readable=address_of(readable) if mistakes else None,
        said=_said(query, chips),
    )


def _said(query: ItemsQuery, chips: Iterable[Chip]) -> str:
    parts = [query.words.strip(), query.expression.strip(), *(f"{chip.name}: {chip.value}" for chip in chips)]
    return shortened(", ".join(filter(None, parts)), _LONGEST_SAID)


def _card(item: StoredItem, fields: Mapping[str, Field], source: Source) -> Card:
    provenance = provenance_of(item.fields)
    shown = [
        shown_field(name, item.fields[name], field, provenance)
        for name, field in fields.items()
        if name in item.fields and (name in provenance.marks or _is_worth_a_row(field))
    ]
    rows = sorted(shown, key=lambda row: (row.origin != "enriched", fields[row.name].system, row.name))
    return Card(
        title=shortened(title_of(item), _LONGEST_TITLE),
        document_id=item.document_id,
        address=address("/browse/item", source, [("id", item.document_id)]),
        picture=first_picture(item.fields),
        rows=tuple(_deepest(row, fields[row.name]) for row in rows[:_MOST_ROWS]),
    )


def _is_worth_a_row(field: Field) -> bool:
    return field.name == "ec_price" or (field.facet and field.type != "DATE" and field.name not in _DULL)


def _deepest(row: ShownField, field: Field) -> ShownField:
    """Of a hierarchy, only what has nothing below it in the item: "Apparel|Shoes" says "Apparel", too."""
    if not field.hierarchical:
        return row
    texts = [value.text for value in row.values]
    deepest = [value for value in row.values if not any(text.startswith(f"{value.text}{LEVELS}") for text in texts)]
    return attrs.evolve(row, values=tuple(attrs.evolve(value, text=_readable(value.text)) for value in deepest))


def _readable(value: str) -> str:
    """A hierarchical value for people."""
    return value.replace(LEVELS, " › ")  # noqa: RUF001 - the usual sign between levels


def _chips(query: ItemsQuery, fields: Mapping[str, Field], source: Source) -> Iterator[Chip]:
    for name, value in query.chosen:
        has_levels = name in fields and fields[name].hierarchical
        without = address("/", source, query.without_value(name, value).pairs())
        yield Chip(name, shortened(_readable(value) if has_levels else value, _LONGEST_VALUE), without)
    if query.having:
        without = address("/", source, attrs.evolve(query, having="", page=1).pairs())
        yield Chip("only items with", shortened(query.having, _LONGEST_VALUE), without)


def _facets(results: Iterable[FacetResult], query: ItemsQuery, source: Source) -> Iterator[Facet]:
    for number, result in enumerate(results):
        name = result.request.field
        more = _at_facet(name, attrs.evolve(query, more=name, page=1), source)
        yield Facet(
            field=name,
            choices=tuple(_choice(value, (), name, query, source) for value in result.values[:MORE_VALUES]),
            is_open=number < _OPEN_FACETS or query.more == name or bool(query.values_of(name)),
            more=more if result.has_more and query.more != name else None,
            total=result.total,
        )


def _choice(value: FacetValue, above: tuple[str, ...], field: str, query: ItemsQuery, source: Source) -> Choice:
    path = (*above, value.value)
    whole = LEVELS.join(path)
    other = query.without_value(field, whole) if value.is_selected else query.with_value(field, whole)
    is_open = value.is_selected or query.has_below(field, whole)
    children = value.children[:MORE_VALUES] if is_open else ()
    below = tuple(_choice(child, path, field, query, source) for child in children)
    text = shortened(value.value, _LONGEST_VALUE)
    return Choice(text, value.count, value.is_selected, _at_facet(field, other, source), unfit(whole), below)


def _at_facet(field: str, query: ItemsQuery, source: Source) -> str:
    """The page of a query, at a facet, so that the keys go on there."""
    return f"{address('/', source, query.pairs())}#facet-{field}"


def _only_enriched(findings: Findings, query: ItemsQuery, source: Source) -> str | None:
    """Those that have the field which tells of enrichment."""
    names = (provenance_of(item.fields).field for item in findings.items)
    name = next((name for name in names if name), None)
    if name is None or name == query.having:
        return None
    return address("/", source, attrs.evolve(query, having=name, page=1).pairs())
