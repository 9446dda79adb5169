"""Whether what Coveo gives back is what was sent, past the forms that it gives values: pure.

A list comes back as a list or, without the multi-value option, as one text with ``;``; a text with ``;`` in a field
with that option as a list; what is nothing in a list, as nothing; a flag as a text, a number in a field of texts as a
text, a date in milliseconds, and a URI with a slash behind it (docs.coveo.com/en/162, and what real sources answer).
Apart from that values are compared to the letter, and lists in their order, which nothing that Coveo documents changes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from coveo_enrich._json import NotJson, normal
from coveo_enrich.index.fields.values import is_something

__all__ = ["same_value"]

_JOIN: Final = ";"
_LARGEST_SENT: Final = 2**64
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,299})(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,4})?")
_PLAIN_FROM, _PLAIN_TO = 1e-3, 1e7
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def same_value(sent: Any, found: Any, *, is_uri: bool = False) -> bool:  # noqa: ANN401 - whatever an item holds
    """Whether a value that was found is one that was sent; objects, of which a search shows a part only, are not asked.

    Args:
        sent: What was sent.
        found: What a search shows; `None` for nothing.
        is_uri: Whether a slash at the end is no matter.
    """
    plain = _plain(sent)
    if not (is_something(plain) and is_something(found)):
        return is_something(plain) == is_something(found)
    if isinstance(found, list):
        return _are_same(_single(plain), _single(cast("list[object]", found)))
    if is_uri:
        return str(plain).rstrip("/") == str(found).rstrip("/")
    if isinstance(plain, list):
        return _is_joined(cast("list[object]", plain), found)
    return _is_same(plain, found)


def _plain(value: object) -> object:
    """A value in the form in which it is sent, without what is nothing in a list; as it is when it cannot be sent."""
    try:
        sent = normal(value)
    except NotJson:
        sent = value
    listed = isinstance(sent, list | tuple)
    return [one for one in cast("Sequence[object]", sent) if is_something(one)] if listed else sent


def _single(value: object) -> list[object]:
    """The values that a field of several values makes of it."""
    parts: list[object] = []
    for one in cast("list[object]", value) if isinstance(value, list) else [value]:
        parts += [part.strip() for part in one.split(_JOIN) if part.strip()] if isinstance(one, str) else [one]
    return parts


def _is_joined(sent: list[object], found: object) -> bool:
    """Whether a list came back as one text."""
    if not isinstance(found, str):
        return len(sent) == 1 and _is_same(sent[0], found)
    return _JOIN.join(map(str, sent)) == found or _are_same(sent, [part for part in found.split(_JOIN) if part])


def _are_same(sent: Sequence[object], found: Sequence[object]) -> bool:
    return len(sent) == len(found) and all(map(_is_same, sent, found))


def _is_same(sent: object, found: object) -> bool:
    """Whether single values are the same: as flags or numbers where one of them is that, else as texts."""
    if isinstance(sent, bool) or isinstance(found, bool):
        return str(sent).lower() == str(found).lower()
    if isinstance(sent, str) and isinstance(found, str):
        return sent == found
    one, other = _number(sent), _number(found)
    if one is not None and other is not None and _are_equal(one, other):
        return True
    return isinstance(sent, str) and other is not None and _milliseconds(sent) == other


def _are_equal(sent: float, found: float) -> bool:
    # A field of decimal numbers keeps of a long one what a double holds.
    return sent == found or (isinstance(found, float) and abs(sent) < _LARGEST_SENT and float(sent) == found)


def _number(value: object) -> int | float | None:
    """A number, or the one that a text is the usual form of: neither ``007`` nor ``1e3`` is, which are other texts."""
    if not isinstance(value, str):
        return value if isinstance(value, int | float) else None
    written = _NUMBER.fullmatch(value)
    if not written:
        return None
    if value.lstrip("-").isdecimal():
        return int(value)
    number = float(value)
    return None if written[3] and _PLAIN_FROM <= abs(number) < _PLAIN_TO else number


def _milliseconds(text: str) -> int | None:
    """The moment that a text says, as the index holds it; `None` when it says none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(milliseconds=1)
