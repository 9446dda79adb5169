"""Coveo's query expressions: from text to a tree. What a tree finds is decided in `coveo_enrich.sandbox.search`.

Whatever is not known to mean something is refused, as a query that is misread finds the wrong items without a word.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Literal, TypeAlias, cast

import attrs

__all__ = [
    "EVERYTHING",
    "And",
    "AtLeast",
    "Boost",
    "Compare",
    "Exists",
    "Expression",
    "Not",
    "Operator",
    "Or",
    "Phrase",
    "QueryError",
    "Range",
    "folded",
    "parse_expression",
    "parse_text",
    "partial",
    "words",
]

Operator: TypeAlias = Literal["=", "==", "<>", "*=", ">", ">=", "<", "<="]

_DEEPEST = 50
_BLANK = re.compile(r"\s+")
_QUOTED = re.compile(r'"([^"]*)"')
_APOSTROPHED = re.compile(r"'([^']*)'")
_WORD = re.compile(r'[^\s()"]+')
_VALUE = re.compile(r'[^\s(),"]+')
_FIELD = re.compile(r"@([A-Za-z][A-Za-z0-9_]*)")
_OPERATOR = re.compile(r"\s*(==|<>|>=|<=|[*~%/]=|=|>|<)\s*")
_RANGE = re.compile(r'([^\s(),"]+?)\.\.([^\s(),"]+)')
_EXTENSION = re.compile(r"\$([A-Za-z]+)\s*\(")
_KEY = re.compile(r"([A-Za-z]+)\s*:\s*")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_KNOWN_OPERATORS = frozenset({"=", "==", "<>", "*=", ">", ">=", "<", "<="})
_JOINING = frozenset({"AND", "OR"})
_NO_VALUES = _JOINING | {"NOT"}
_PART_OF_WORD = re.compile(r"[^\W_]+")


class QueryError(ValueError):
    """A query that cannot be carried out; the text says why, and where it is about an expression, at which place."""


@attrs.frozen
class Phrase:
    """Words that stand in an item's free text, one after the other."""

    words: tuple[str, ...]


@attrs.frozen
class Exists:
    """The item has the field."""

    field: str


@attrs.frozen
class Compare:
    """The field stands in this relation to one of the values."""

    field: str
    operator: Operator
    values: tuple[str, ...]


@attrs.frozen
class Range:
    """The field is between two values, both included."""

    field: str
    low: str
    high: str


@attrs.frozen
class Not:
    """What the part does not find."""

    part: Expression


@attrs.frozen
class And:
    """What every part finds; without parts, everything."""

    parts: tuple[Expression, ...]


@attrs.frozen
class Or:
    """What any part finds."""

    parts: tuple[Expression, ...]


@attrs.frozen
class Boost:
    """Everything; what the part finds comes earlier, or later when the modifier is negative."""

    part: Expression
    modifier: float


@attrs.frozen
class AtLeast:
    """What so many of the parts find."""

    number: int
    parts: tuple[Expression, ...]


Expression: TypeAlias = Phrase | Exists | Compare | Range | Not | And | Or | AtLeast | Boost

EVERYTHING = And(())


def folded(text: str) -> str:
    """The text without case and diacritics, which a search ignores."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in parts if not unicodedata.combining(character))


def words(text: str) -> tuple[str, ...]:
    """The words of a text as they are indexed: folded, and without punctuation."""
    return tuple(_PART_OF_WORD.findall(folded(text)))


def parse_text(text: str) -> Expression:
    """The expression for text in which nothing has a meaning: every word of it."""
    return _all_of([_phrase(word) for word in text.split()])


def parse_expression(text: str) -> Expression:
    """The expression that the text says; everything when it is blank.

    Raises:
        QueryError: It cannot be read.
    """
    return _parsed(text, 0)


def partial(expression: Expression, *, keywords: int, percent: int) -> Expression:
    """The expression, found by a part of its words when it is nothing but words, and so many of them.

    Args:
        expression: The expression.
        keywords: From how many words on.
        percent: How many of them are needed.
    """
    parts = expression.parts if isinstance(expression, And) else (expression,)
    if len(parts) < max(keywords, 2) or not all(isinstance(part, Phrase) for part in parts):
        return expression
    return AtLeast(math.ceil(len(parts) * percent / 100), parts)


def _parsed(text: str, depth: int) -> Expression:
    reader = _Reader(text)
    expression = EVERYTHING if reader.is_done() else reader.alternatives(depth)
    if not reader.is_done():
        raise reader.error("a closing parenthesis without its opening one")
    return expression


def _phrase(text: str) -> Expression:
    found = words(text)
    return Phrase(found) if found else EVERYTHING


def _all_of(parts: list[Expression]) -> Expression:
    meaning = tuple(part for part in parts if part != EVERYTHING)
    return meaning[0] if len(meaning) == 1 else And(meaning)


class _Reader:
    """The text, and how far it is read. The deeper of two operators binds closer: NOT, then AND, then OR."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def is_done(self) -> bool:
        """Whether only blanks are left."""
        self._take(_BLANK)
        return self._at == len(self._text)

    def error(self, problem: str) -> QueryError:
        """The error at this place."""
        return QueryError(f"{problem}, at character {self._at + 1}")

    def alternatives(self, depth: int) -> Expression:
        """What stands between the OR of a level."""
        if depth > _DEEPEST:
            raise self.error(f"more than {_DEEPEST} levels")
        parts = [self._conjunction(depth)]
        while self._take_word("OR"):
            parts.append(self._conjunction(depth))
        meaning = tuple(part for part in parts if part != EVERYTHING)
        return Or(meaning) if len(meaning) > 1 else _all_of(parts)

    def _conjunction(self, depth: int) -> Expression:
        parts = [self._negation(depth)]
        while not self.is_done() and not self._is_next(")") and self._peek_word() != "OR":
            self._take_word("AND")
            parts.append(self._negation(depth))
        return _all_of(parts)

    def _negation(self, depth: int) -> Expression:
        is_negative = False
        while self._take_word("NOT"):
            is_negative = not is_negative
        part = self._term(depth)
        # Punctuation is not indexed: to leave it out leaves nothing out.
        return Not(part) if is_negative and part != EVERYTHING else part

    def _term(self, depth: int) -> Expression:
        if self.is_done() or self._is_next(")"):
            raise self.error("something is missing")
        start = self._text[self._at]
        if start == "(":
            return self._group(depth)
        if start == '"':
            return _phrase(self._quoted())
        if start == "@":
            return self._field_test()
        if self._take(_EXTENSION, move=False):
            return self._extension(depth)
        return self._free_word()

    def _group(self, depth: int) -> Expression:
        self._at += 1
        part = self.alternatives(depth + 1)
        if not self._is_next(")"):
            raise self.error("a parenthesis is not closed")
        self._at += 1
        return part

    def _free_word(self) -> Expression:
        word = self._peek_word()
        if word in _JOINING:
            raise self.error(f"{word} has nothing to join")
        if word == "NEAR" or word.startswith("NEAR:"):
            raise self.error("the sandbox does not know NEAR")
        self._at += len(word)
        return _phrase(word)

    def _field_test(self) -> Expression:
        found = self._take(_FIELD)
        if found is None:
            raise self.error("a field's name is missing after @")
        field = found[1].lower()
        operator = self._operator()
        if operator is None:
            return Exists(field)
        bounds = self._take(_RANGE) if operator == "=" else None
        return Range(field, bounds[1], bounds[2]) if bounds else Compare(field, operator, self._values())

    def _operator(self) -> Operator | None:
        found = self._take(_OPERATOR)
        if found is None:
            return None
        if found[1] not in _KNOWN_OPERATORS:
            raise self.error(f"the sandbox does not know the operator {found[1]}")
        return cast("Operator", found[1])

    def _values(self) -> tuple[str, ...]:
        if not self._is_next("("):
            return (self._value(),)
        self._at += 1
        values: list[str] = []
        while not self._is_next(")"):
            values.append(self._value())
            self.is_done()
            self._at += self._is_next(",")
            self.is_done()
        self._at += 1
        if not values:
            raise self.error("a list of values is empty")
        return tuple(values)

    def _value(self) -> str:
        self._take(_BLANK)
        if self._is_next('"'):
            return self._quoted()
        found = self._take(_VALUE, move=False)
        if found is None or found[0] in _NO_VALUES or found[0][0] in "@$":
            raise self.error("a value is missing")
        self._at = found.end()
        return found[0]

    def _quoted(self) -> str:
        found = self._take(_QUOTED)
        if found is None:
            raise self.error("a quotation is not closed; a double quote cannot be escaped")
        return found[1]

    def _extension(self, depth: int) -> Expression:
        name = cast("re.Match[str]", self._take(_EXTENSION))[1].lower()
        if name != "qre":
            raise self.error(f"the sandbox does not know the query extension ${name}")
        given = self._arguments()
        if given.keys() != {"expression", "modifier"} or not _NUMBER.fullmatch(given["modifier"]):
            raise self.error("$qre takes an expression and a modifier, which is a number")
        return Boost(_parsed(given["expression"], depth + 1), float(given["modifier"]))

    def _arguments(self) -> dict[str, str]:
        given: dict[str, str] = {}
        while not self._is_next(")"):
            self._take(_BLANK)
            key = self._take(_KEY)
            if key is None:
                raise self.error("an argument of a query extension is missing")
            given[key[1].lower()] = self._argument()
            self.is_done()
            self._at += self._is_next(",")
            self.is_done()
        self._at += 1
        return given

    def _argument(self) -> str:
        found = self._take(_APOSTROPHED)
        return self._value() if found is None else found[1]

    def _peek_word(self) -> str:
        found = _WORD.match(self._text, self._at)
        return found[0] if found else ""

    def _take_word(self, word: str) -> bool:
        self._take(_BLANK)
        if self._peek_word() != word:
            return False
        self._at += len(word)
        return True

    def _is_next(self, character: str) -> bool:
        return self._text.startswith(character, self._at)

    def _take(self, pattern: re.Pattern[str], *, move: bool = True) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found and move:
            self._at = found.end()
        return found
