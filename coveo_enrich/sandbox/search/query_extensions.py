"""Calls of Coveo's query extensions, such as ``$qre(…)``: where one ends, and what its arguments say.

An argument is an expression as it stands, or a value between apostrophes, which may be left out around a number. What
an extension does is decided in `coveo_enrich.sandbox.search.query_language`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from coveo_enrich.sandbox.search.expressions import QueryError

__all__ = ["Argument", "ExtensionCall", "extension_at"]

_NAME = re.compile(r"\$([A-Za-z]+)")
_OPENING = re.compile(r"\s*\(")
_KEY = re.compile(r"\s*([A-Za-z]+)\s*:")
_PIECE = re.compile(r""" "[^"]*" | '[^']*' | . """, re.DOTALL | re.VERBOSE)
_APOSTROPHED = re.compile(r"'([^']*)'")


@attrs.frozen
class Argument:
    """An argument of a call.

    Attributes:
        text: What it says, without the apostrophes around it.
        is_bare: Whether there were none.
    """

    text: str
    is_bare: bool


@attrs.frozen
class ExtensionCall:
    """A call of a query extension.

    Attributes:
        name: Its name, in lower case.
        arguments: Its arguments, by their lower-case names.
        end: Where it ends in the text.
    """

    name: str
    arguments: Mapping[str, Argument]
    end: int


def extension_at(text: str, start: int) -> ExtensionCall | None:
    """The call of an extension at this place; `None` when there is none.

    Raises:
        QueryError: It cannot be read.
    """
    name = _NAME.match(text, start)
    if name is None:
        return None
    opening = _OPENING.match(text, name.end())
    if opening is None:
        return ExtensionCall(name[1].lower(), {}, name.end())
    arguments: dict[str, Argument] = {}
    at, end = opening.end(), start
    while not arguments or text[end] == ",":
        key = _KEY.match(text, at)
        if key is None or key[1].lower() in arguments:
            raise QueryError.at("an argument of a query extension is missing, or comes twice", at)
        end = _end_of_argument(text, key.end())
        arguments[key[1].lower()] = _argument(text[key.end() : end].strip(), key.end())
        at = end + 1
    return ExtensionCall(name[1].lower(), arguments, at)


def _end_of_argument(text: str, start: int) -> int:
    """Where the comma or parenthesis stands that ends the argument."""
    depth = 0
    for piece in _PIECE.finditer(text, start):
        if depth == 0 and piece[0] in ",)":
            return piece.start()
        depth += (piece[0] == "(") - (piece[0] == ")")
    raise QueryError.at("a query extension is not closed", start)


def _argument(text: str, place: int) -> Argument:
    quoted = _APOSTROPHED.fullmatch(text)
    if quoted is not None:
        return Argument(quoted[1], is_bare=False)
    if not text or text.startswith("'"):
        raise QueryError.at("an argument is missing, or holds an apostrophe, which cannot be escaped", place)
    return Argument(text, is_bare=True)
