"""What a query asks for, as a tree of values.

How one is written is decided in `coveo_enrich.sandbox.search.query_language`, what it finds in
`coveo_enrich.sandbox.search.search`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Literal, Self, TypeAlias

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
    "SortError",
    "folded",
    "partial",
    "words",
    "words_of_folded",
]

Operator: TypeAlias = Literal["=", "==", "<>", "*=", ">", ">=", "<", "<="]

_PART_OF_WORD = re.compile(r"[^\W_]+")


class QueryError(ValueError):
    """A query that cannot be carried out; the text says why, and where it is about an expression, at which place.

    Attributes:
        code: Coveo's code of it.
    """

    code = "InvalidSyntax"

    @classmethod
    def at(cls, problem: str, place: int) -> Self:
        """The error at this place, counted from 0."""
        return cls(f"{problem}, at character {place + 1}")


class SortError(QueryError):
    """Results cannot be sorted so."""

    code = "InvalidSortField"


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
class AtLeast:
    """What so many of the parts find."""

    number: int
    parts: tuple[Expression, ...]


Expression: TypeAlias = Phrase | Exists | Compare | Range | Not | And | Or | AtLeast

EVERYTHING = And(())


@attrs.frozen
class Boost:
    """A ranking expression: it finds nothing of its own.

    Attributes:
        part: What it is about.
        modifier: How much earlier that comes, or later when it is negative.
    """

    part: Expression
    modifier: int


def folded(text: str) -> str:
    """The text without case and diacritics, which a search ignores."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in parts if not unicodedata.combining(character))


def words(text: str) -> tuple[str, ...]:
    """The words of a text as they are indexed: folded, and without punctuation."""
    return words_of_folded(folded(text))


def words_of_folded(text: str) -> tuple[str, ...]:
    """The words of a text that is folded already."""
    return tuple(_PART_OF_WORD.findall(text))


def partial(expression: Expression, *, keywords: int, needed: int, is_percentage: bool) -> Expression:
    """The expression, found by a part of its words when it is nothing but words, and so many of them.

    Args:
        expression: The expression.
        keywords: From how many words on.
        needed: How many of them are needed, as a number or as a percentage, which is rounded up.
        is_percentage: Which of both.
    """
    parts = expression.parts if isinstance(expression, And) else (expression,)
    if len(parts) < max(keywords, 2) or not all(isinstance(part, Phrase) for part in parts):
        return expression
    number = math.ceil(len(parts) * needed / 100) if is_percentage else needed
    return AtLeast(min(number, len(parts)), parts)
