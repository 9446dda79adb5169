"""The values of an item as they are sent, and which of its fields have one: pure. What follows is no matter here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from coveo_enrich._json import NotJson, normal
from coveo_enrich.index.fields.names import RESERVED

__all__ = ["as_sent", "filled_fields", "is_something"]


def as_sent(value: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    """A value in the form in which it is sent; `None` when it has none, and no push sends it."""
    try:
        return normal(value)
    except NotJson:
        return None


def is_something(value: object) -> bool:
    """Whether a field that is sent this has a value."""
    if isinstance(value, list | tuple):
        return any(map(is_something, cast("Sequence[object]", value)))
    is_nan = isinstance(value, float) and value != value  # noqa: PLR0124 - only NaN differs from itself
    return not (value is None or value == "" or is_nan)


def filled_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a document that have a value, by name in small letters; keys that are no fields are left out."""
    sent = {str(key).lower(): as_sent(value) for key, value in document.items()}
    return {name: value for name, value in sent.items() if is_something(value) and name not in RESERVED}
