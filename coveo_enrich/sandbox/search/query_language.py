"""Coveo's query expressions: from text to a tree. What a tree finds is decided in `coveo_enrich.sandbox.search.search`.

Whatever is not known to mean something is refused, as a query that is misread finds the wrong items without a word.
"""

from __future__ import annotations

import re
from typing import cast

import attrs

from coveo_enrich.sandbox.search.expressions import (
    EVERYTHING,
    And,
    Boost,
    Compare,
    Exists,
    Expression,
    Not,
    Operator,
    Or,
    Phrase,
    QueryError,
    Range,
    words,
)
from coveo_enrich.sandbox.search.query_extensions import ExtensionCall, extension_at

__all__ = ["ParsedExpression", "parse_expression", "parse_text"]

_DEEPEST = 50
# What a query costs is its terms times the items, and everything else waits for it.
_MOST_TERMS = 200
_MOST_VALUES = 10_000
_BLANK = re.compile(r"\s+")
_QUOTED = re.compile(r'"([^"]*)"')
_APOSTROPHED = re.compile(r"'([^']*)'")
_WORD = re.compile(r'[^\s(),"]+')
_VALUE = re.compile(r'[^\s(),"]+')
_FIELD = re.compile(r"@([A-Za-z][A-Za-z0-9_]*)")
_OPERATOR = re.compile(r"\s*(==|<>|>=|<=|[*~%/]=|=|>|<)\s*")
_RANGE = re.compile(r'([^\s(),"]+?)\.\.([^\s(),"]+)')
_MINUS = re.compile(r"(?<![^\s(])-(?=[^\s)-])")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,10}")
_LARGEST_MODIFIER = 2**31
_TOO_MANY_TERMS = f"the sandbox takes up to {_MOST_TERMS} terms"
_KNOWN_OPERATORS = frozenset({"=", "==", "<>", "*=", ">", ">=", "<", "<="})
_JOINING = frozenset({"AND", "OR"})
_NO_VALUES = _JOINING | {"NOT"}
_QRE_NEEDS = frozenset({"expression", "modifier"})
_QRE_TAKES = _QRE_NEEDS | {"isconstant"}


@attrs.frozen
class ParsedExpression:
    """What an expression says.

    Attributes:
        condition: What is to be found.
        boosts: What is to come earlier or later among that.
    """

    condition: Expression
    boosts: tuple[Boost, ...] = ()


def parse_text(text: str) -> Expression:
    """The expression for text in which nothing has a meaning: every word of it.

    Raises:
        QueryError: It has too many words.
    """
    found = text.split()
    if len(found) > _MOST_TERMS:
        raise QueryError(_TOO_MANY_TERMS)
    return _all_of([_phrase(word) for word in found])


def parse_expression(text: str) -> ParsedExpression:
    """What the text says; everything is to be found when it is blank.

    Raises:
        QueryError: It cannot be read.
    """
    reader = _Reader(text)
    return ParsedExpression(reader.whole(0), tuple(reader.boosts))


def _phrase(text: str) -> Expression:
    found = words(text)
    return Phrase(found) if found else EVERYTHING


def _all_of(parts: list[Expression]) -> Expression:
    meaning = tuple(part for part in parts if part != EVERYTHING)
    return meaning[0] if len(meaning) == 1 else And(meaning)


def _any_of(parts: list[Expression]) -> Expression:
    meaning = tuple(part for part in parts if part != EVERYTHING)
    return Or(meaning) if len(meaning) > 1 else _all_of(parts)


class _Reader:
    """The text, and how far it is read. The deeper of two operators binds closer: NOT, then AND, then OR."""

    def __init__(self, text: str, *, takes_apostrophes: bool = False) -> None:
        self._text = text
        self._at = 0
        self._takes_apostrophes = takes_apostrophes
        self.terms = 0
        self.boosts: list[Boost] = []

    def whole(self, depth: int) -> Expression:
        """What the whole text says, but for the boosts, which are in `boosts` then."""
        expression = EVERYTHING if self.is_done() else self.alternatives(depth)
        if not self.is_done():
            raise self.error("a closing parenthesis without its opening one, or a comma")
        return expression

    def is_done(self) -> bool:
        """Whether only blanks are left."""
        self._take(_BLANK)
        return self._at == len(self._text)

    def error(self, problem: str) -> QueryError:
        """The error at this place."""
        return QueryError.at(problem, self._at)

    def count_terms(self, number: int) -> None:
        """Count terms, of which there may only be so many."""
        self.terms += number
        if self.terms > _MOST_TERMS:
            raise self.error(_TOO_MANY_TERMS)

    def alternatives(self, depth: int) -> Expression:
        """What stands between the OR of a level."""
        if depth > _DEEPEST:
            raise self.error(f"more than {_DEEPEST} levels")
        parts = [self._conjunction(depth)]
        while self._take_word("OR"):
            parts.append(self._conjunction(depth))
        return _any_of(parts)

    def _conjunction(self, depth: int) -> Expression:
        parts = [self._negation(depth)]
        while not self._is_at_end_of_part(depth) and self._peek_word() != "OR":
            self._take_word("AND")
            parts.append(self._negation(depth))
        return _all_of(parts)

    def _is_at_end_of_part(self, depth: int) -> bool:
        """Whether nothing is left between these parentheses, or up to their next comma; elsewhere it is punctuation."""
        return self.is_done() or self._is_next(")") or (depth > 0 and self._is_next(","))

    def _negation(self, depth: int) -> Expression:
        is_negative = False
        while self._take_word("NOT") or self._take(_MINUS):
            is_negative = not is_negative
        part = self._term(depth)
        # Punctuation is not indexed, and a boost finds nothing: to leave it out leaves nothing out.
        return Not(part) if is_negative and part != EVERYTHING else part

    def _term(self, depth: int) -> Expression:
        if self._is_at_end_of_part(depth):
            raise self.error("something is missing")
        start = self._text[self._at]
        if start == ",":
            self._at += 1
            return EVERYTHING
        if start == "(":
            return self._group(depth)
        self.count_terms(1)
        if start == '"':
            return _phrase(self._quoted())
        if start == "@":
            return self._field_test()
        call = extension_at(self._text, self._at)
        return self._free_word() if call is None else self._extension(call, depth)

    def _group(self, depth: int) -> Expression:
        self._at += 1
        parts = [self.alternatives(depth + 1)]
        while self._is_next(","):
            self._at += 1
            parts.append(self.alternatives(depth + 1))
        if not self._is_next(")"):
            raise self.error("a parenthesis is not closed")
        self._at += 1
        return _any_of(parts)

    def _free_word(self) -> Expression:
        word = self._peek_word()
        if word in _JOINING:
            raise self.error(f"{word} has nothing to join")
        if word == "NEAR" or word.startswith("NEAR:"):
            raise self.error("the sandbox does not know NEAR")
        if word.startswith("<@-"):
            raise self.error("the sandbox does not know blocks without syntax")
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
        if bounds:
            return Range(field, bounds[1], bounds[2])
        values = self._values()
        # Whole values are looked up, however many there are; any other is a term like a word.
        self.count_terms(0 if operator in ("==", "<>") else len(values) - 1)
        return Compare(field, operator, values)

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
        if len(values) > _MOST_VALUES:
            raise self.error(f"the sandbox takes up to {_MOST_VALUES:,} values")
        return tuple(values)

    def _value(self) -> str:
        self._take(_BLANK)
        if self._is_next('"'):
            return self._quoted()
        apostrophed = self._take(_APOSTROPHED) if self._takes_apostrophes else None
        if apostrophed is not None:
            return apostrophed[1]
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

    def _extension(self, call: ExtensionCall, depth: int) -> Expression:
        if call.name != "qre":
            raise self.error(f"the sandbox does not know the query extension ${call.name}")
        self.boosts.append(self._boost(call, depth))
        self._at = call.end
        return EVERYTHING

    def _boost(self, call: ExtensionCall, depth: int) -> Boost:
        if not _QRE_NEEDS <= call.arguments.keys() <= _QRE_TAKES:
            raise self.error("$qre takes an expression and a modifier, and isConstant if need be")
        said = {name: argument.text for name, argument in call.arguments.items()}
        if said.get("isconstant", "true").lower() not in ("true", "false"):
            raise self.error("isConstant is true or false")
        if not _WHOLE_NUMBER.fullmatch(said["modifier"]) or abs(int(said["modifier"])) > _LARGEST_MODIFIER:
            raise self.error("the modifier of $qre is a whole number of 32 bits")
        reader = _Reader(said["expression"], takes_apostrophes=call.arguments["expression"].is_bare)
        part = reader.whole(depth + 1)
        self.count_terms(reader.terms)
        if reader.boosts or part == EVERYTHING:
            raise self.error("the expression of $qre finds nothing of its own")
        return Boost(part, int(said["modifier"]))

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
