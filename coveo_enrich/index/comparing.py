"""Whether what Coveo gives back is what was sent, past the forms that it gives values: pure.

A flag comes back as a text, a list without the multi-value option as one text with ``;``, a URI with a slash behind it
(docs.coveo.com/en/162, and what real sources answer).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

__all__ = ["ids_by_uri", "same_value"]


def same_value(sent: Any, found: Any) -> bool:  # noqa: ANN401 - whatever an item holds
    """Whether a value that was found is one that was sent."""
    if isinstance(sent, Mapping):
        return isinstance(found, Mapping) and dict(cast("Mapping[str, Any]", sent)) == dict(
            cast("Mapping[str, Any]", found)
        )
    if isinstance(sent, bool):
        return str(found).strip().lower() == str(sent).lower()
    if _is_number(sent):
        return _number(sent) == _number(found)
    if isinstance(sent, date):
        return _texts(found) in (_texts(sent), [sent.isoformat()])
    return sorted(_texts(sent)) == sorted(_texts(found))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _number(value: object) -> Decimal | None:
    try:
        return Decimal(str(value).strip())
    except ArithmeticError:
        return None


def ids_by_uri(ids: Iterable[str]) -> dict[str, str]:
    """Each document's id by the URIs that it may have: with a slash behind it, and in small letters."""
    several = list(ids)
    by_uri = {uri.lower(): one for one in several for uri in (f"{one}/", one)}
    for one in several:
        by_uri[f"{one}/"] = one
    return by_uri | {one: one for one in several}


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - whatever an item holds
    if isinstance(value, list | tuple | set | frozenset):
        return [text for part in cast("Sequence[Any]", value) for text in _texts(part)]
    if value is None:
        return []
    if isinstance(value, str):
        parts = [part.strip() for part in value.split(";") if part.strip()]
        return [part.rstrip("/") if "://" in part else part for part in parts]
    return [_text(value)]


def _text(value: Any) -> str:  # noqa: ANN401 - whatever an item holds
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, datetime):
        whole = value if value.tzinfo else value.replace(tzinfo=UTC)
        return str(int(whole.timestamp() * 1000))
    if isinstance(value, date):
        return _text(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
