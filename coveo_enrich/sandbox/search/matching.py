"""Whether an item is what an expression asks for. Pure: no HTTP, store or clock."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TypeAlias

import attrs

from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.expressions import (
    And,
    AtLeast,
    Compare,
    Exists,
    Expression,
    Not,
    Or,
    Phrase,
    Range,
    folded,
    words,
    words_of_folded,
)
from coveo_enrich.sandbox.search.item import View, listed

__all__ = ["Candidate", "Test", "lexicon_of", "test_of"]

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_DAY = re.compile(r"([0-9]{4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})(?:[@T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?Z?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_OF_DAY = 24 * 60 * 60 * 1000 - 1
# Coveo's own fields that hold addresses and marks: "product" is not to find whatever has a product:// address.
_NO_WORDS = frozenset(
    {"clickableuri", "ec_images", "ec_in_stock", "ec_thumbnails", "language", "objecttype", "source", "uri"}
)


@attrs.define
class Candidate:
    """An item that may be found.

    Attributes:
        item: The item.
        lexicon: The fields that free text is looked for in.
    """

    item: View
    lexicon: Sequence[str]

    def has(self, phrase: tuple[str, ...]) -> bool:
        """Whether the words stand in its free text, one after the other."""
        if not all(word in self._joined for word in phrase):
            return False
        if len(phrase) == 1:
            return phrase[0] in self._words
        return any(_contains(text, phrase) for text in self._texts)

    def is_called(self, phrase: tuple[str, ...]) -> bool:
        """Whether they stand in its title."""
        return self._title_words.issuperset(phrase) and _contains(self._title, phrase)

    def _values(self, name: str) -> Iterable[str | float]:
        """Of a dictionary field, what stands under any key: only a test of the field looks at one of them."""
        dictionary = self.item.dictionaries.get(name)
        return listed(self.item.values.get(name)) if dictionary is None else dictionary.values()

    @cached_property
    def _folded(self) -> list[str]:
        return [folded(text) for name in self.lexicon for text in _texts(self._values(name))]

    @cached_property
    def _joined(self) -> str:
        # Most items have not the word, and are known by this without their texts being split into words.
        return "\n".join(self._folded)

    @cached_property
    def _texts(self) -> list[tuple[str, ...]]:
        return list(map(words_of_folded, self._folded))

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(word for text in self._texts for word in text)

    @cached_property
    def _title(self) -> tuple[str, ...]:
        return words(self.item.title)

    @cached_property
    def _title_words(self) -> frozenset[str]:
        return frozenset(self._title)


Test: TypeAlias = Callable[[Candidate], bool]


def lexicon_of(fields: Mapping[str, Field]) -> list[str]:
    """The fields that free text is looked for in."""
    return [name for name, field in fields.items() if field.merge_with_lexicon and name not in _NO_WORDS]


def test_of(expression: Expression, fields: Mapping[str, Field]) -> Test:  # noqa: PLR0911 - one for each kind
    """Whether an item is found."""
    match expression:
        case Phrase(phrase):
            return lambda candidate: candidate.has(phrase)
        case Exists(name):
            return _test_of_field(name, fields, bool)
        case Compare(name):
            return _test_of_field(name, fields, _comparison(expression, fields.get(name)))
        case Range(name, low, high):
            return _test_of_field(name, fields, _between(low, high, fields.get(name)))
        case Not(part):
            wrong = test_of(part, fields)
            return lambda candidate: not wrong(candidate)
        case And(parts):
            tests = [test_of(part, fields) for part in dict.fromkeys(parts)]
            return lambda candidate: all(test(candidate) for test in tests)
        case Or(parts):
            tests = [test_of(part, fields) for part in dict.fromkeys(parts)]
            return lambda candidate: any(test(candidate) for test in tests)
        case AtLeast(number, parts):
            tests = [test_of(part, fields) for part in parts]
            return lambda candidate: sum(test(candidate) for test in tests) >= number


_FieldTest: TypeAlias = Callable[[Sequence[str | float]], bool]


def _test_of_field(name: str, fields: Mapping[str, Field], test: _FieldTest) -> Test:
    """A field that there is not, or that is not for queries, holds nothing."""
    field = fields.get(name)
    if field is None or not field.include_in_query:
        return lambda _candidate: False
    return lambda candidate: test(listed(candidate.item.values.get(name)))


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


def _texts(values: Iterable[str | float]) -> list[str]:
    return [one for one in values if isinstance(one, str)]


def _numbers(values: Iterable[str | float]) -> list[float]:
    return [value for value in values if not isinstance(value, str)]


def _contains(text: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    if len(phrase) == 1:
        return phrase[0] in text
    return any(text[at : at + len(phrase)] == phrase for at in range(len(text) - len(phrase) + 1))
