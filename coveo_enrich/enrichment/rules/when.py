"""Which products a rule is for, by what they hold as they come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import attrs

from coveo_enrich.enrichment.rules.fields import as_text, check_field_name, key_of, parts
from coveo_enrich.errors import ConfigurationError

__all__ = ["When"]

_Wanted: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]


def _wanted(given: object) -> _Wanted:
    if not isinstance(given, Mapping) or not given:
        raise ConfigurationError(f"when must name fields and the values that they need; got {given!r}")
    fields = cast("Mapping[object, object]", given)
    return tuple((cast("str", field), _texts(field, values)) for field, values in fields.items())


def _texts(field: object, values: object) -> tuple[str, ...]:
    several = tuple(cast("list[object]", values)) if isinstance(values, list | tuple | set | frozenset) else (values,)
    texts = tuple(as_text(value) for value in several if isinstance(value, str | int | float))
    if not texts or len(texts) < len(several) or not all(texts):
        raise ConfigurationError(f"when: {field} needs values, as texts, numbers or flags; got {values!r}")
    return texts


def _check_fields(_instance: object, attribute: attrs.Attribute[Any], value: _Wanted) -> None:
    for field, _ in value:
        check_field_name(None, attribute, field)


def _levels(text: str) -> str:
    """A path of levels as it is compared: each level with a bar on both sides."""
    return "|" + "|".join(level.strip().casefold() for level in text.split("|")) + "|"


def _paths(when: When) -> _Wanted:
    return tuple((field, tuple(map(_levels, texts))) for field, texts in when.fields)


@attrs.frozen
class When:
    """Products whose fields hold certain values: every field named, one of its values each.

    Case makes no difference, lists and texts with ``;`` hold several values, and ``|`` parts the levels of one: the
    category ``Clothing|Shoes|Sneakers`` is found by ``Shoes``, by ``Clothing|Shoes`` and by all of it.

    Attributes:
        fields: Each field with the values that will do; given as a dict such as ``{"ec_category": ["Shoes"]}``.

    Raises:
        ConfigurationError: No field is named, or one without a value or by a name that Coveo does not have.
    """

    fields: _Wanted = attrs.field(converter=_wanted, validator=_check_fields)
    _paths: _Wanted = attrs.field(default=attrs.Factory(_paths, takes_self=True), init=False, repr=False, eq=False)

    def __call__(self, product: Mapping[str, Any]) -> bool:
        """Whether a product is one of them."""
        return all(_holds(product.get(key_of(product, field)), paths) for field, paths in self._paths)


def _holds(value: object, paths: tuple[str, ...]) -> bool:
    held = [_levels(as_text(part)) for part in parts(value)]
    return any(path in levels for path in paths for levels in held)
