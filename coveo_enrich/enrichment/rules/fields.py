"""A field of a product: how it may be called, the key it stands under, and the values that it holds.

What a field is to become is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from coveo_enrich._frames import plain
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index.fields import names

__all__ = ["as_text", "check_field_name", "is_missing", "key_of", "keys_by_field", "parts"]


def check_field_name(_instance: object, _attribute: object, value: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """Raise unless values may be written into a field of that name: the validator of every value that holds one."""
    names.check_field_name(_instance, _attribute, value)
    if value in names.RESERVED:
        raise ConfigurationError(f"{value!r} is a reserved key of a Coveo item, not a field")


def keys_by_field(product: Mapping[str, Any]) -> Mapping[str, str]:
    """A product's keys by the fields that they stand for.

    Coveo refuses an item with two keys that differ only by case, so an ``EC_Color`` is the field ``ec_color``. Where a
    product has both, the one in small letters counts, else the first.
    """
    return _by_field(tuple(product))


@lru_cache(maxsize=256)  # the products of a catalog have the same few sets of keys
def _by_field(names: tuple[object, ...]) -> Mapping[str, str]:
    keys: dict[str, str] = {}
    for key in names:
        if isinstance(key, str):
            field = key.lower()
            if key == field or field not in keys:
                keys[field] = key
    return keys


def key_of(product: Mapping[str, Any], field: str) -> str:
    """The key that a single field stands under in a product; the field itself when the product has none for it."""
    return field if field in product else keys_by_field(product).get(field.lower(), field)


def is_missing(value: object) -> bool:
    """Whether a field counts as not filled: absent, null, NaN or NA (a data frame's nulls), blank, a list of those."""
    value = plain(value)
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list | tuple):
        return all(is_missing(part) for part in cast("Sequence[object]", value))
    return value is None


def parts(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever the product holds
    """The values of a multi-value field: a list, or one text with ``;`` between them (docs.coveo.com/en/162)."""
    value = plain(value)
    if is_missing(value):
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return tuple(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else (value,)


def as_text(value: object) -> str:
    """A value as a file without types has it: 12.0 is ``12``, and a flag ``true`` or ``false``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
