"""What a search of the browser finds: a page of items, and the counts of facets, with the sandbox's own search.

However many items there are, only a batch and the best of those that were found are held at a time, and where nothing
is to be searched for they are only counted.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from operator import itemgetter
from typing import Final

import attrs

from coveo_enrich.sandbox.browser.addresses import Pairs
from coveo_enrich.sandbox.browser.counting import ItemCounter
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.expressions import EVERYTHING, And, Exists, Expression, QueryError, folded
from coveo_enrich.sandbox.search.facets import FacetRequest, FacetResult
from coveo_enrich.sandbox.search.query_language import ParsedExpression, parse_expression
from coveo_enrich.sandbox.search.search import Query, search
from coveo_enrich.sandbox.values import StoredItem

__all__ = [
    "LAST_PAGE",
    "LEVELS",
    "MORE_VALUES",
    "PAGE_SIZE",
    "Findings",
    "ItemsQuery",
    "Mistakes",
    "find",
    "read_items_query",
]

PAGE_SIZE: Final = 24
LAST_PAGE: Final = 200
"""The furthest page: some 5,000 results, as far as Coveo's own search goes."""
LEVELS: Final = "|"
"""What parts the levels of a hierarchical value."""
MORE_VALUES: Final = 100
"""Of a facet of which more values are wanted."""

_FACET: Final = "f."
_MOST_FACETS: Final = 20
_MOST_CHOSEN: Final = 100
_VALUES: Final = 8
_BATCH: Final = 1_000
# A search tells an item's address as Coveo writes it, which is not its id; no field has this name.
_ID: Final = ""
_EVERYTHING: Final = ParsedExpression(EVERYTHING)


@attrs.frozen(kw_only=True)
class ItemsQuery:
    """What the page of items is asked for, as it stands in the address of the page.

    Attributes:
        words: Keywords, as the Search API takes them in ``q``.
        expression: An expression, as it takes them in ``aq``.
        chosen: The values of facets that are chosen, each with its field.
        having: A field that items have to have; empty when there is none.
        more: The facet of which more values are wanted; empty when there is none.
        is_all: Whether all that is in the index is wanted, and not only what searches find.
        page: The page, from 1 on.
    """

    words: str = ""
    expression: str = ""
    chosen: tuple[tuple[str, str], ...] = ()
    having: str = ""
    more: str = ""
    is_all: bool = False
    page: int = 1

    @property
    def is_narrow(self) -> bool:
        """Whether it asks for less than everything."""
        return bool(self.words.strip() or self.expression.strip() or self.chosen or self.having)

    def values_of(self, field: str) -> frozenset[str]:
        """The values of a field that are chosen."""
        return frozenset(value for name, value in self.chosen if name == field)

    def with_value(self, field: str, value: str) -> ItemsQuery:
        """The same with another value, in the place of those above it in a hierarchy; from the first page on."""
        whole = folded(value)
        left = (one for one in self.chosen if one[0] != field or not whole.startswith(folded(f"{one[1]}{LEVELS}")))
        return attrs.evolve(self, chosen=(*left, (field, value)), page=1)

    def without_value(self, field: str, value: str) -> ItemsQuery:
        """The same without a value, in whatever letters; from the first page on."""
        left = (one for one in self.chosen if one[0] != field or folded(one[1]) != folded(value))
        return attrs.evolve(self, chosen=tuple(left), page=1)

    def has_below(self, field: str, value: str) -> bool:
        """Whether a value below this one in a hierarchy is chosen."""
        return any(folded(chosen).startswith(folded(f"{value}{LEVELS}")) for chosen in self.values_of(field))

    def pairs(self) -> Pairs:
        """The parameters that say so."""
        yield "q", self.words or None
        yield "aq", self.expression or None
        for field, value in self.chosen:
            yield f"{_FACET}{field}", value
        yield "has", self.having or None
        yield "more", self.more or None
        yield "all", "yes" if self.is_all else None
        yield "page", str(self.page) if self.page > 1 else None


@attrs.frozen
class Mistakes:
    """What is wrong with the words of a query and with its expression; `None` where nothing is."""

    words: str | None = None
    expression: str | None = None

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return self.words is not None or self.expression is not None


@attrs.frozen
class Findings:
    """What was found.

    Attributes:
        total: How many items.
        page: The page that is shown, which is the last one where the one that was asked for is beyond it.
        items: The items of the page.
        facets: The values of facets that items have; first those that divide them well.
        mistakes: What of the query could not be read, and was left out.
    """

    total: int
    page: int
    items: tuple[StoredItem, ...]
    facets: tuple[FacetResult, ...]
    mistakes: Mistakes

    @property
    def last_page(self) -> int:
        """The last page that can be looked at."""
        return _last_page(self.total)


def read_items_query(pairs: Iterable[tuple[str, str]], page: int) -> ItemsQuery:
    """What the parameters of an address ask for."""
    listed = list(pairs)
    given = dict(listed)
    chosen = dict.fromkeys((name.removeprefix(_FACET), value) for name, value in listed if name.startswith(_FACET))
    return ItemsQuery(
        words=given.get("q", ""),
        expression=given.get("aq", ""),
        chosen=tuple((field, value) for field, value in chosen if value)[:_MOST_CHOSEN],
        having=given.get("has", ""),
        more=given.get("more", ""),
        is_all=given.get("all") == "yes",
        page=min(page, LAST_PAGE),
    )


def find(items: Iterable[StoredItem], fields: Mapping[str, Field], query: ItemsQuery) -> Findings:
    """What is found among the items.

    Args:
        items: The items of a source.
        fields: The fields of its organization, by name.
        query: What is asked for.
    """
    expression, mistakes = _expression(query)
    counter = ItemCounter(_requests(fields, query), fields)
    matching = _matching(items, fields, expression)
    ranked = ((-score, item.document_id, item) for score, item in matching if counter.count(item))
    # The items are counted as they are drawn here.
    best = heapq.nsmallest(query.page * PAGE_SIZE, ranked, key=itemgetter(0, 1))
    page = min(query.page, _last_page(counter.total))
    shown = tuple(item for _, _, item in best[(page - 1) * PAGE_SIZE : page * PAGE_SIZE])
    return Findings(counter.total, page, shown, tuple(sorted(counter.facets(), key=_dullness)), mistakes)


def _dullness(facet: FacetResult) -> tuple[bool, int]:
    """What sorts facets: those in which few items have the same come last, and before them those of many values."""
    is_scattered = any(value.count == 1 for value in facet.values[_VALUES - 1 : _VALUES]) and facet.total > _VALUES
    return is_scattered, facet.total if facet.total > MORE_VALUES else 0


def _matching(
    items: Iterable[StoredItem], fields: Mapping[str, Field], expression: ParsedExpression
) -> Iterator[tuple[float, StoredItem]]:
    """The items that the expression finds, each with how well it fits."""
    if expression == _EVERYTHING:
        yield from ((0, item) for item in items)
        return
    left = iter(items)
    while batch := {item.document_id: item for item in islice(left, _BATCH)}:
        named = (attrs.evolve(item, fields={**item.fields, _ID: item.document_id}) for item in batch.values())
        wanted = Query(expression=expression.condition, boosts=expression.boosts, count=len(batch))
        for hit in search(named, fields, wanted).hits:
            yield hit.score, batch[str(hit.item.values[_ID])]


def _expression(query: ItemsQuery) -> tuple[ParsedExpression, Mistakes]:
    """What is asked for as far as it can be read, and what cannot."""
    parts = [_parsed(query.words), _parsed(query.expression)]
    mistakes = Mistakes(*(str(part) if isinstance(part, QueryError) else None for part in parts))
    read = [part for part in parts if not isinstance(part, QueryError)]
    boosts = tuple(boost for part in read for boost in part.boosts)
    having: list[Expression] = [Exists(query.having.lower())] if query.having else []
    conditions = [*(part.condition for part in read if part.condition != EVERYTHING), *having]
    return ParsedExpression(And(tuple(conditions)), boosts), mistakes


def _parsed(text: str) -> ParsedExpression | QueryError:
    try:
        return parse_expression(text)
    except QueryError as error:
        return error


def _requests(fields: Mapping[str, Field], query: ItemsQuery) -> list[FacetRequest]:
    """What to count: what is asked for, and other facets as far as there is room; hierarchies come first."""
    asked = [*(name for name, _ in query.chosen), *([query.more] if query.more in fields else [])]
    facets = sorted(filter(_is_counted, fields.values()), key=lambda one: (not one.hierarchical, one.system, one.name))
    others = [field.name for field in facets if field.name not in asked]
    wanted = {*asked, *others[: max(0, _MOST_FACETS - len(set(asked)))]}
    in_order = dict.fromkeys([*(field.name for field in facets), *asked])
    return [_request(name, fields.get(name), query) for name in in_order if name in wanted]


def _is_counted(field: Field) -> bool:
    """Every number is a facet with Coveo; single values of the standard ones, such as prices, help nobody."""
    is_own_number = not field.system and field.type in ("LONG", "LONG_64", "DOUBLE")
    return field.facet and (field.type == "STRING" or is_own_number)


def _request(name: str, field: Field | None, query: ItemsQuery) -> FacetRequest:
    has_levels = field is not None and field.hierarchical
    chosen = query.values_of(name)
    return FacetRequest(
        facet_id=name,
        field=name,
        count=sys.maxsize if query.more == name else _VALUES,
        delimiter=LEVELS if has_levels else None,
        selected=frozenset(tuple(value.split(LEVELS)) if has_levels else (value,) for value in chosen),
    )


def _last_page(total: int) -> int:
    return max(1, min(LAST_PAGE, -(-total // PAGE_SIZE)))
