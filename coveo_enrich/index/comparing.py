"""Whether what Coveo gives back is what was sent, past the forms that it gives values: pure.

A flag comes back as a text, a list without the multi-value option as one text with ``;``, a URI with a slash behind it
(docs.coveo.com/en/162, and what real sources answer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

__all__ = ["same_id", "same_value"]


def same_value(sent: Any, found: Any) -> bool:  # noqa: ANN401 - whatever an item holds
    """Whether a value that was found is one that was sent."""
    if isinstance(sent, Mapping):
        return isinstance(found, Mapping) and dict(cast("Mapping[str, Any]", sent)) == dict(
            cast("Mapping[str, Any]", found)
        )
    if isinstance(sent, bool):
        return str(found).strip().lower() == str(sent).lower()
    return sorted(_texts(sent)) == sorted(_texts(found))


def same_id(document_id: str, uri: str) -> bool:
    """Whether a URI that was found is that of a document."""
    return document_id.rstrip("/").lower() == uri.rstrip("/").lower()


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - whatever an item holds
    if isinstance(value, list | tuple | set | frozenset):
        return [text for part in cast("Sequence[Any]", value) for text in _texts(part)]
    if value is None:
        return []
    if isinstance(value, str):
        return [part.strip().rstrip("/") for part in value.split(";") if part.strip()]
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
