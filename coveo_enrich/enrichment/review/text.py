"""What a catalog or a classifier wrote, as text of a page: escaped, and of bounded length.

Every such text goes through here. Which elements stand around it is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from html import escape
from itertools import islice
from typing import Any, Final, TypeVar

from coveo_enrich.enrichment.rules.fields import as_text

__all__ = ["attribute", "first_few", "in_words", "percent", "text", "tried"]

_MOST_LETTERS: Final = 300
# Control characters, and marks that turn the text after them around.
_UNSHOWABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

Part = TypeVar("Part")


def text(value: object) -> str:
    """A value as an element of its own, whose direction of writing does not spread."""
    return f"<bdi>{attribute(value)}</bdi>"


def attribute(value: object) -> str:
    """A value as it may stand inside an attribute with double quotes."""
    whole = in_words(value)
    shown = whole if len(whole) <= _MOST_LETTERS else whole[: _MOST_LETTERS - 1] + "…"
    return escape(_UNSHOWABLE.sub("\ufffd", shown))


def in_words(value: object) -> str:
    """A value as a file without types has it; of one that cannot be written, such as an endless number, its type."""
    return tried(as_text, value, f"{type(value).__name__} that cannot be shown")


def tried(read: Callable[[Any], Part], value: object, otherwise: Part) -> Part:
    """What reading a value gives; it may be of a class of the user's that breaks, and no value ends the page."""
    try:
        return read(value)
    except Exception:  # noqa: BLE001 - as above
        return otherwise


def percent(confidence: float | None) -> str:
    """A confidence in words."""
    return "not scored" if confidence is None else f"{confidence:.0%}"


def first_few(parts: Iterable[Part], most: int) -> tuple[list[Part], int]:
    """The first parts, and how many there are more."""
    iterator = iter(parts)
    few = list(islice(iterator, most))
    return few, sum(1 for _ in iterator)
