"""What a query finds among items, in which order, and how often which values occur. Pure: no HTTP, store or clock.

Whether an item is what an expression asks for is decided in `coveo_enrich.sandbox.search.matching`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.expressions import And, AtLeast, Boost, Expression, Or, Phrase, SortError, folded
from coveo_enrich.sandbox.search.facets import FacetRequest, FacetResult, Tally
from coveo_enrich.sandbox.search.item import Value, View, searched_fields, view
from coveo_enrich.sandbox.search.matching import Candidate, lexicon_of, test_of
from coveo_enrich.sandbox.values import StoredItem

__all__ = ["Found", "Hit", "Query", "SortKey", "search"]

_OF_TITLE = 2
# Coveo: a modifier of 100 adds 1,000 to the score.
_OF_BOOST = 10


@attrs.frozen
class SortKey:
    """What results are sorted by.

    Attributes:
        field: A field; `None` means how well an item fits, the best first.
        is_descending: Whether large values come first.
    """

    field: str | None
    is_descending: bool = False


@attrs.frozen(kw_only=True)
class Query:
    """What is asked.

    Attributes:
        expression: What is to be found.
        boosts: What is to come earlier or later among that.
        scores_words: Whether an item fits better by the words that it has.
        first: How many results are left out before the first.
        count: How many results are wanted.
        sort: The order of the results.
        facets: What is to be counted.
        contexts: Of each dictionary field, by lower-case name, the key that is looked at.
    """

    expression: Expression
    boosts: tuple[Boost, ...] = ()
    scores_words: bool = True
    first: int = 0
    count: int = 10
    sort: tuple[SortKey, ...] = (SortKey(None),)
    facets: tuple[FacetRequest, ...] = ()
    contexts: Mapping[str, str] = attrs.field(factory=dict[str, str])


@attrs.frozen
class Hit:
    """An item that was found, and how well it fits."""

    item: View
    score: float


@attrs.frozen
class Found:
    """What a query finds.

    Attributes:
        total: How many items.
        hits: Those that were asked for.
        facets: What was counted, in the order of the requests.
    """

    total: int
    hits: tuple[Hit, ...]
    facets: tuple[FacetResult, ...]


def search(items: Iterable[StoredItem], fields: Mapping[str, Field], query: Query) -> Found:
    """What the query finds.

    Args:
        items: The items, in any order.
        fields: The fields of the organization, by name.
        query: What is asked.

    Raises:
        SortError: The results cannot be sorted so.
    """
    known = searched_fields(fields)
    _check_sort(query.sort, known)
    lexicon = lexicon_of(known)
    test, tallies = test_of(query.expression, known), [Tally(request, known) for request in query.facets]
    score = _score_of(query, known)
    hits: list[Hit] = []
    for item in items:
        candidate = Candidate(view(item, query.contexts), lexicon)
        if test(candidate) and _count(candidate.item, tallies):
            hits.append(Hit(candidate.item, score(candidate)))
    shown = _sorted(hits, query.sort)[query.first : query.first + query.count]
    return Found(len(hits), tuple(shown), tuple(tally.result() for tally in tallies))


def _count(item: View, tallies: Sequence[Tally]) -> bool:
    """Count the item, and tell whether it is a result. What is selected in a facet does not narrow its own counts."""
    missing = [tally for tally in tallies if not tally.admits(item.values)]
    for tally in tallies:
        if not missing or missing == [tally]:
            tally.count(item.values)
    return not missing


def _check_sort(sort: Iterable[SortKey], fields: Mapping[str, Field]) -> None:
    for key in sort:
        if key.field is not None and not (key.field in fields and fields[key.field].sort):
            raise SortError(f"there is no field {key.field} that results can be sorted by")


def _sorted(hits: list[Hit], sort: Sequence[SortKey]) -> list[Hit]:
    in_order = sorted(hits, key=lambda hit: (hit.item.source_id, hit.item.uri))
    for key in reversed(sort):
        in_order = _sorted_by(in_order, key)
    return in_order


def _sorted_by(hits: list[Hit], key: SortKey) -> list[Hit]:
    """The hits in this order, otherwise as they were; those without the field come last."""
    name = key.field
    if name is None:
        return sorted(hits, key=lambda hit: -hit.score)
    having = [hit for hit in hits if name in hit.item.values]
    lacking = [hit for hit in hits if name not in hit.item.values]
    return sorted(having, key=lambda hit: _rank(hit.item.values[name]), reverse=key.is_descending) + lacking


def _rank(value: Value) -> tuple[float, str]:
    if isinstance(value, list):
        return 0, folded(";".join(map(str, value)))
    return (0, folded(value)) if isinstance(value, str) else (value, "")


def _score_of(query: Query, fields: Mapping[str, Field]) -> Callable[[Candidate], float]:
    """How well an item fits that is found: its words count, those of its title more, and what it is boosted by."""
    scored = _parts(query.expression) if query.scores_words else ()
    phrases = Counter(part.words for part in scored if isinstance(part, Phrase))
    boosts = [(test_of(boost.part, fields), _OF_BOOST * boost.modifier) for boost in query.boosts]

    def score(candidate: Candidate) -> float:
        in_text = sum(times for phrase, times in phrases.items() if candidate.has(phrase))
        in_title = sum(times for phrase, times in phrases.items() if candidate.is_called(phrase))
        return in_text + _OF_TITLE * in_title + sum(points for test, points in boosts if test(candidate))

    return score


def _parts(expression: Expression) -> Iterable[Expression]:
    """All that is asked for, without what is asked not to be."""
    if isinstance(expression, And | Or | AtLeast):
        for part in expression.parts:
            yield from _parts(part)
    else:
        yield expression
