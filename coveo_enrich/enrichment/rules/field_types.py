"""What kind of value a field holds, and how a word becomes one.

Only what is plainly such a value: a number with its unit, or a word that may mean yes, is not guessed at.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

__all__ = ["FieldType", "Value", "typed"]

FieldType = Literal["text", "number", "flag"]

Value: TypeAlias = str | int | float
"""What is written into a field, or one of several; a flag is a `bool`, which is an `int` to Python."""

# Fifteen digits are what every JSON reader holds exactly.
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,15}\.[0-9]{1,15}")
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}


def typed(word: str, kind: FieldType) -> Value | None:
    """A word as a value of a kind; `None` when it is none: ``12`` and ``12.5`` are numbers, ``12 cm`` is not."""
    if kind == "text":
        return word
    plain = word.strip()
    if kind == "flag":
        return _FLAGS.get(plain.casefold())
    if _INTEGER.fullmatch(plain):
        return int(plain)
    return float(plain) if _DECIMAL.fullmatch(plain) else None
