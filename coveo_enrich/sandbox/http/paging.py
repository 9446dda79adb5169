"""Lists in pages, as Coveo's platform gives them: what a page may be, and what is on it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["number_in", "page_of", "sorted_by"]

_DIGITS = re.compile(r"[0-9]{1,18}")
_MOST = 1_000


def page_of(found: Sequence[Json], page: Json, per_page: Json) -> dict[str, Json]:
    """One page of a list, and how many there are.

    Args:
        found: The whole list.
        page: Its number, from 0 on.
        per_page: 1 to 1,000.

    Raises:
        Refused: 400 ``INVALID_PARAMETER``.
    """
    number = _whole_number("page", page, range(sys.maxsize))
    size = _whole_number("perPage", per_page, range(1, _MOST + 1))
    items = list(found[number * size : (number + 1) * size])
    return {"items": items, "totalEntries": len(found), "totalPages": -(-len(found) // size)}


def sorted_by(found: Sequence[dict[str, Json]], key: Json, order: Json, keys: Sequence[str]) -> list[dict[str, Json]]:
    """The list in the order that was asked for; what is equal stays as it stands.

    Args:
        found: The whole list.
        key: The key to sort by.
        order: ``ASC`` or ``DESC``.
        keys: Those that there are.

    Raises:
        Refused: 400 ``INVALID_PARAMETER``.
    """
    if not isinstance(key, str) or key not in keys:
        raise Refused(400, "INVALID_PARAMETER", f"sortBy is one of {', '.join(keys)}.")
    if order not in ("ASC", "DESC"):
        raise Refused(400, "INVALID_PARAMETER", "order is ASC or DESC.")
    return sorted(found, key=lambda one: _rank(one[key]), reverse=order == "DESC")


def number_in(text: str) -> int | str:
    """The number in a query's text, or the text when it is none."""
    return int(text) if _DIGITS.fullmatch(text) else text


def _rank(value: Json) -> tuple[float, str]:
    """Numbers and flags by their size, texts by their letters."""
    return (value, "") if isinstance(value, int | float) else (0, str(value or ""))


def _whole_number(name: str, number: Json, allowed: range) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number not in allowed:
        raise Refused(400, "INVALID_PARAMETER", f"{name} is from {allowed[0]} to {allowed[-1]}.")
    return number
