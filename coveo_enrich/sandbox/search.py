"""What a query finds among items, in which order, and how often which values occur. Pure: no HTTP, store or clock."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TypeAlias

import attrs

from coveo_enrich.sandbox.facets import FacetRequest, FacetResult, Tally
from coveo_enrich.sandbox.fields import Field
from coveo_enrich.sandbox.query_language import (
    And,
    AtLeast,
    Boost,
    Compare,
    Exists,
    Expression,
    Not,
    Or,
    Phrase,
    QueryError,
    Range,
    folded,
    words,
)
from coveo_enrich.sandbox.search_item import Value, View, searched_fields, view
from coveo_enrich.sandbox.store import StoredItem

__all__ = ["Found", "Hit", "Query", "SortKey", "search"]

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_DAY = re.compile(r"([0-9]{4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})(?:[@T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?Z?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_OF_DAY = 24 * 60 * 60 * 1000 - 1
_OF_TITLE = 2
# Coveo's own fields that hold addresses and marks: "product" is not to find whatever has a product:// address.
_NO_WORDS = frozenset(
    {"clickableuri", "ec_images", "ec_in_stock", "ec_thumbnails", "language", "objecttype", "source", "uri"}
)


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
        first: How many results are left out before the first.
        count: How many results are wanted.
        sort: The order of the results.
        facets: What is to be counted.
        contexts: Of each dictionary field, by lower-case name, the key that is looked at.
    """

    expression: Expression
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


@attrs.define
class _Candidate:
    """An item that may be found."""

    item: View
    lexicon: Sequence[str]

    @cached_property
    def texts(self) -> list[tuple[str, ...]]:
        """The words of each value that free text is looked for in."""
        return [words(text) for name in self.lexicon for text in _texts(self.item.values.get(name))]

    @cached_property
    def title(self) -> tuple[str, ...]:
        """The words of the title."""
        return words(self.item.title)


_Test: TypeAlias = Callable[[_Candidate], bool]


def search(items: Iterable[StoredItem], fields: Mapping[str, Field], query: Query) -> Found:
    """What the query finds.

    Args:
        items: The items, in any order.
        fields: The fields of the organization, by name.
        query: What is asked.

    Raises:
        QueryError: The results cannot be sorted so.
    """
    known = searched_fields(fields)
    _check_sort(query.sort, known)
    lexicon = [name for name, field in known.items() if field.merge_with_lexicon and name not in _NO_WORDS]
    test, tallies = _test_of(query.expression, known), [Tally(request, known) for request in query.facets]
    score = _score_of(query.expression, known)
    hits: list[Hit] = []
    for item in items:
        candidate = _Candidate(view(item, query.contexts), lexicon)
        if not candidate.item.is_hidden and test(candidate) and _count(candidate.item, tallies):
            hits.append(Hit(candidate.item, score(candidate)))
    shown = _sorted(hits, query.sort)[query.first : query.first + query.count]
    return Found(len(hits), tuple(shown), tuple(tally.result() for tally in tallies))


def _count(item: View, tallies: Sequence[Tally]) -> bool:
    """Count the item, and tell whether it is a result. What is selected in a facet does not narrow its own counts."""
    missing = [tally for tally in tallies if not tally.admits(item)]
    for tally in tallies:
        if not missing or missing == [tally]:
            tally.count(item)
    return not missing


def _check_sort(sort: Iterable[SortKey], fields: Mapping[str, Field]) -> None:
    for key in sort:
        if key.field is not None and not (key.field in fields and fields[key.field].sort):
            raise QueryError(f"there is no field {key.field} that results can be sorted by")


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


def _score_of(expression: Expression, fields: Mapping[str, Field]) -> Callable[[_Candidate], float]:
    """How well an item fits that is found: its words count, those of its title more, and so does what is boosted."""
    phrases = [part.words for part in _parts(expression) if isinstance(part, Phrase)]
    boosts = [(_test_of(part.part, fields), part.modifier) for part in _parts(expression) if isinstance(part, Boost)]

    def score(candidate: _Candidate) -> float:
        in_text = sum(_any_contains(candidate.texts, phrase) for phrase in phrases)
        in_title = sum(_contains(candidate.title, phrase) for phrase in phrases)
        return in_text + _OF_TITLE * in_title + sum(modifier for test, modifier in boosts if test(candidate))

    return score


def _parts(expression: Expression) -> Iterable[Expression]:
    """All that is asked for, without what is asked not to be."""
    if isinstance(expression, And | Or | AtLeast):
        for part in expression.parts:
            yield from _parts(part)
    else:
        yield expression


def _test_of(expression: Expression, fields: Mapping[str, Field]) -> _Test:  # noqa: PLR0911 - one for each kind
    """Whether an item is found."""
    match expression:
        case Phrase(phrase):
            return lambda candidate: _any_contains(candidate.texts, phrase)
        case Exists(name):
            return _test_of_field(name, fields, bool)
        case Compare(name):
            return _test_of_field(name, fields, _comparison(expression, fields.get(name)))
        case Range(name, low, high):
            return _test_of_field(name, fields, _between(low, high, fields.get(name)))
        case Not(part):
            wrong = _test_of(part, fields)
            return lambda candidate: not wrong(candidate)
        case And(parts):
            tests = [_test_of(part, fields) for part in parts]
            return lambda candidate: all(test(candidate) for test in tests)
        case Or(parts):
            tests = [_test_of(part, fields) for part in parts]
            return lambda candidate: any(test(candidate) for test in tests)
        case AtLeast(number, parts):
            tests = [_test_of(part, fields) for part in parts]
            return lambda candidate: sum(test(candidate) for test in tests) >= number
        case Boost():
            return lambda _candidate: True


_FieldTest: TypeAlias = Callable[[Sequence[str | float]], bool]


def _test_of_field(name: str, fields: Mapping[str, Field], test: _FieldTest) -> _Test:
    """A field that there is not, or that is not for queries, holds nothing."""
    field = fields.get(name)
    if field is None or not field.include_in_query:
        return lambda _candidate: False
    return lambda candidate: test(_listed(candidate.item.values.get(name)))


def _comparison(compare: Compare, field: Field | None) -> _FieldTest:
    if field is None or field.type == "VECTOR":
        return _nothing
    if field.type == "STRING":
        return _text_comparison(compare, field)
    spans = [span for span in (_span(value, field) for value in compare.values) if span is not None]
    return _number_comparison(compare, spans)


def _text_comparison(compare: Compare, field: Field) -> _FieldTest:
    wanted = frozenset(map(folded, compare.values))
    match compare.operator:
        case "==":
            return lambda values: any(folded(str(value)) in wanted for value in values)
        case "<>":
            return lambda values: bool(values) and not any(folded(str(value)) in wanted for value in values)
        case "=":
            phrases = [phrase for phrase in map(words, compare.values) if phrase]
            return lambda values: any(_contains(words(str(value)), phrase) for value in values for phrase in phrases)
        case "*=" if field.facet and field.merge_with_lexicon:
            patterns = [_wildcards(value) for value in wanted]
            return lambda values: any(pattern.fullmatch(folded(str(v))) for v in values for pattern in patterns)
        case _:
            return _nothing


def _number_comparison(compare: Compare, spans: Sequence[tuple[float, float]]) -> _FieldTest:
    tests: dict[str, Callable[[float, float, float], bool]] = {
        "=": lambda number, low, high: low <= number <= high,
        "==": lambda number, low, high: low <= number <= high,
        ">": lambda number, _low, high: number > high,
        ">=": lambda number, low, _high: number >= low,
        "<": lambda number, low, _high: number < low,
        "<=": lambda number, _low, high: number <= high,
    }
    if compare.operator == "<>":
        return lambda values: (
            bool(values) and not any(low <= value <= high for value in _numbers(values) for low, high in spans)
        )
    test = tests.get(compare.operator)
    if test is None:
        return _nothing
    return lambda values: any(test(value, low, high) for value in _numbers(values) for low, high in spans)


def _between(low: str, high: str, field: Field | None) -> _FieldTest:
    if field is None or field.type in ("STRING", "VECTOR"):
        return _nothing
    first, last = _span(low, field), _span(high, field)
    if first is None or last is None:
        return _nothing
    return lambda values: any(first[0] <= value <= last[1] for value in _numbers(values))


def _nothing(_values: Sequence[str | float]) -> bool:
    return False


def _span(text: str, field: Field) -> tuple[float, float] | None:
    """The first and last number that the text means in the field: a day is a span of milliseconds."""
    if _NUMBER.fullmatch(text):
        number = float(text) if "." in text else int(text)
        return number, number
    day = _DAY.fullmatch(text) if field.type == "DATE" else None
    if day is None:
        return None
    try:
        moment = datetime(*(int(part) for part in day.groups("0")), tzinfo=UTC)  # type: ignore[arg-type,misc] # six
    except ValueError:
        return None
    start = (moment - _EPOCH) // timedelta(milliseconds=1)
    return start, start if day[4] else start + _LAST_OF_DAY


def _wildcards(pattern: str) -> re.Pattern[str]:
    """The pattern, in which ``*`` stands for any characters, and ``?`` for one."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def _listed(value: Value | None) -> Sequence[str | float]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _texts(value: Value | None) -> list[str]:
    return [one for one in _listed(value) if isinstance(one, str)]


def _numbers(values: Iterable[str | float]) -> list[float]:
    return [value for value in values if not isinstance(value, str)]


def _any_contains(texts: Iterable[tuple[str, ...]], phrase: tuple[str, ...]) -> bool:
    return any(_contains(text, phrase) for text in texts)


def _contains(text: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    if len(phrase) == 1:
        return phrase[0] in text
    return any(text[at : at + len(phrase)] == phrase for at in range(len(text) - len(phrase) + 1))
