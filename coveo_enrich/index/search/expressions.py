"""Coveo's query expressions about fields: written so that no value can become a part of the syntax.

Pure. docs.coveo.com/en/1814: a double quote cannot be escaped, so a value that holds one cannot be asked for exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["LONGEST", "can_be_quoted", "is_any_of", "raised_by"]

LONGEST: Final = 4_000
"""Characters of an expression; no limit is documented, and gateways take about so many."""


def can_be_quoted(value: str) -> bool:
    """Whether a value can stand between double quotes."""
    return bool(value.strip()) and not any(letter in '"\x7f' or letter < " " for letter in value)


def is_any_of(field: str, values: Iterable[str]) -> str:
    """A field that holds exactly one of some values.

    Raises:
        ValueError: A value cannot be quoted, or there is none.
    """
    quoted: list[str] = []
    for value in values:
        if not can_be_quoted(value):
            raise ValueError(f"a value with a double quote or a control character cannot be asked for: {value!r}")
        quoted.append(f'"{value}"')
    if not quoted:
        raise ValueError(f"no value of {field} is asked for")
    return f"@{field}=={quoted[0]}" if len(quoted) == 1 else f"@{field}==({','.join(quoted)})"


def raised_by(modifier: int, expression: str) -> str:
    """What raises the items that match an expression, and keeps out none (docs.coveo.com/en/1462)."""
    return f"$qre(expression: {expression}, modifier: {modifier})"
