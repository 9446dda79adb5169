"""What a field must be in Coveo so that what is sent into it does not vanish, as a value.

Whether the field exists, and making it, is no matter here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

import attrs

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index.fields.names import check_field_name

__all__ = ["ExistingFieldType", "FieldNeed", "IndexFieldType", "needs_by_name"]

IndexFieldType = Literal["STRING", "LONG", "LONG_64", "DOUBLE", "DATE"]
"""A type of field, in Coveo's own words (platform.cloud.coveo.com, Field API)."""

ExistingFieldType = Literal["STRING", "LONG", "LONG_64", "DOUBLE", "DATE", "VECTOR"]
"""A type of a field that somebody else made."""

_TYPES: Final[tuple[str, ...]] = get_args(IndexFieldType)
_EXISTING: Final[tuple[str, ...]] = get_args(ExistingFieldType)
_OF_TEXT_ONLY: Final = ("multi_value", "hierarchical", "free_text")


def _check_type(_instance: object, _attribute: object, value: IndexFieldType) -> None:
    if value not in _TYPES:
        raise ConfigurationError(f"a field's type must be one of {', '.join(_TYPES)}; got {value!r}")


def _check_also_fits(_instance: object, _attribute: object, value: tuple[object, ...]) -> None:
    for one in value:
        if one not in _EXISTING:
            raise ConfigurationError(f"also_fits are of {', '.join(_EXISTING)}; got {one!r}")


@attrs.frozen
class FieldNeed:
    """A field that has to be there, and what it has to do.

    Attributes:
        name: The field's name: a small letter, then at most 254 small letters, digits and underscores.
        type: What it holds, as Coveo calls it; default ``STRING``.
        facet: Whether results are grouped by it; default no. A field of another type than ``STRING`` always is.
        multi_value: Whether it holds several values, each of them a facet value; only ``STRING``, default no.
        hierarchical: Whether ``|`` parts the levels of a value; only ``STRING``, default no.
        free_text: Whether a search without the field's name finds its words; only ``STRING``, default no.
        also_fits: Other types that hold all its values, so that a field of one of them will do where it is there
            already; it is created as ``type``. Default none.

    Raises:
        ConfigurationError: Coveo has no such field.
    """

    name: str = attrs.field(validator=check_field_name)
    type: IndexFieldType = attrs.field(default="STRING", kw_only=True, validator=_check_type)
    facet: bool = attrs.field(default=False, kw_only=True)
    multi_value: bool = attrs.field(default=False, kw_only=True)
    hierarchical: bool = attrs.field(default=False, kw_only=True)
    free_text: bool = attrs.field(default=False, kw_only=True)
    also_fits: tuple[ExistingFieldType, ...] = attrs.field(default=(), kw_only=True, validator=_check_also_fits)

    def __attrs_post_init__(self) -> None:
        odd = [option for option in _OF_TEXT_ONLY if getattr(self, option)]
        if self.type != "STRING" and odd:
            raise ConfigurationError(f"the field {self.name}: {', '.join(odd)} needs the type STRING, not {self.type}")


def needs_by_name(needs: Iterable[FieldNeed]) -> dict[str, FieldNeed]:
    """Needs by the names of their fields; of one name, all that they need together.

    Raises:
        ConfigurationError: Two need one field with different types.
    """
    joined: dict[str, FieldNeed] = {}
    for need in needs:
        joined[need.name] = _both(joined[need.name], need) if need.name in joined else need
    return joined


def _both(one: FieldNeed, other: FieldNeed) -> FieldNeed:
    if one.type != other.type:
        raise ConfigurationError(f"the field {one.name} is needed as {one.type} and as {other.type}: it has one type")
    options = {option: getattr(one, option) or getattr(other, option) for option in ("facet", *_OF_TEXT_ONLY)}
    also_fits = tuple(kind for kind in one.also_fits if kind in other.also_fits)
    return attrs.evolve(one, **options, also_fits=also_fits)
