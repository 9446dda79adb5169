"""The fields of the organization: Coveo's model of one, and those that are there from the start.

Which option of a field does what to a value is decided in `coveo_enrich.sandbox.indexing.indexing`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import attrs

from coveo_enrich.sandbox.strict_json import Json

__all__ = ["Field", "FieldType", "field_from_model", "field_model", "standard_fields"]

FieldType: TypeAlias = Literal["STRING", "LONG", "LONG_64", "DOUBLE", "DATE", "VECTOR"]

_TYPES = get_args(FieldType)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,254}")
_WIRE_NAMES = {
    "name": "name",
    "type": "type",
    "description": "description",
    "facet": "facet",
    "multi_value": "multiValueFacet",
    "separator": "multiValueFacetTokenizers",
    "hierarchical": "hierarchicalFacet",
    "merge_with_lexicon": "mergeWithLexicon",
    "include_in_query": "includeInQuery",
    "include_in_results": "includeInResults",
    "sort": "sort",
    "key_value": "keyValue",
    "system": "system",
}
_TEXTS = ("name", "type", "description", "separator")
_OFF = (
    "automaticFacetsCandidate",
    "keepAccentsDisplayValueFacet",
    "keepDistinctDisplayValueFacet",
    "multilingual",
    "ranking",
    "smartDateFacet",
    "stemming",
    "useCacheForComputedFacet",
    "useCacheForNestedQuery",
    "useCacheForNumericQuery",
    "useCacheForSort",
)
_UNSAID = ("automaticFacetsCandidateTags", "dateFormat", "label", "projectIds")
_KEPT: dict[str, Json] = {**dict.fromkeys(_OFF, False), **dict.fromkeys(_UNSAID)}


def _check_name(_instance: object, _attribute: object, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"a field's name is a lower-case letter, then up to 254 of a-z, 0-9 and _; got {name[:300]!r}")


def _check_kept(_instance: object, _attribute: object, kept: Mapping[str, Json]) -> None:
    for key, value in kept.items():
        if key in _OFF and not isinstance(value, bool):
            raise ValueError(f"{key} is true or false")
        if key in ("dateFormat", "label") and not isinstance(value, str):
            raise ValueError(f"{key} is a text")
        if key == "projectIds" and not _is_list_of_texts(value):
            raise ValueError(f"{key} is an array of texts")


def _is_list_of_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_not_text(field: Field) -> bool:
    return field.type != "STRING"


@attrs.frozen(kw_only=True)
class Field:
    """A field, by the options of Coveo's Field API.

    Attributes:
        name: A lower-case letter, then up to 254 of a-z, 0-9 and ``_``.
        type: ``STRING``, ``LONG`` (32 bits), ``LONG_64``, ``DOUBLE``, ``DATE`` or ``VECTOR``.
        description: For people.
        facet: Coveo's ``facet``; always on for other types than ``STRING``.
        multi_value: Coveo's ``multiValueFacet``: the field holds a list. ``STRING`` only.
        separator: Coveo's ``multiValueFacetTokenizers``: the character at which a multi-value text is split.
        hierarchical: Coveo's ``hierarchicalFacet``. ``STRING`` only.
        merge_with_lexicon: Coveo's ``mergeWithLexicon``, "Free text search" in its console. ``STRING`` only.
        include_in_query: Coveo's ``includeInQuery``.
        include_in_results: Coveo's ``includeInResults``.
        sort: Coveo's ``sort``; on for other types than ``STRING`` unless it is said otherwise.
        key_value: Coveo's ``keyValue``: a dictionary field.
        system: One that Coveo made.
        kept: Options that make no difference here, by Coveo's names; those that are missing have Coveo's default.
    """

    name: str = attrs.field(validator=[attrs.validators.instance_of(str), _check_name])
    type: FieldType = attrs.field(default="STRING", validator=attrs.validators.in_(_TYPES))
    description: str = attrs.field(default="", validator=attrs.validators.instance_of(str))
    facet: bool = attrs.field(
        default=attrs.Factory(_is_not_text, takes_self=True), validator=attrs.validators.instance_of(bool)
    )
    multi_value: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    separator: str = attrs.field(
        default=";", validator=[attrs.validators.instance_of(str), attrs.validators.min_len(1)]
    )
    hierarchical: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    merge_with_lexicon: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    include_in_query: bool = attrs.field(default=True, validator=attrs.validators.instance_of(bool))
    include_in_results: bool = attrs.field(default=True, validator=attrs.validators.instance_of(bool))
    sort: bool = attrs.field(
        default=attrs.Factory(_is_not_text, takes_self=True), validator=attrs.validators.instance_of(bool)
    )
    key_value: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    system: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    kept: Mapping[str, Json] = attrs.field(factory=dict[str, Json], validator=_check_kept, hash=False)

    def __attrs_post_init__(self) -> None:
        if self.kept.get("multilingual") and not self.key_value:
            raise ValueError("multilingual is for dictionary fields, which have keyValue")
        if self.type == "STRING":
            return
        for option in ("multi_value", "hierarchical", "merge_with_lexicon"):
            if getattr(self, option):
                raise ValueError(f"{_WIRE_NAMES[option]} is for STRING fields only; {self.name} is a {self.type} field")


def field_model(field: Field) -> dict[str, Json]:
    """The field as the Field API writes it: every option, whether it was given or not."""
    options: dict[str, Json] = {wire: getattr(field, name) for name, wire in _WIRE_NAMES.items()}
    return {**options, **_KEPT, **field.kept}


def field_from_model(model: Mapping[str, Json]) -> Field:
    """The field that the Field API is told to make. Keys that Coveo does not know are passed over.

    Raises:
        ValueError: A name, type or option that Coveo does not know.
    """
    if model.get("system"):
        raise ValueError("system cannot be set")
    said = {key: value for key, value in model.items() if value is not None}
    _check_options(said)
    if said["type"] != "STRING":
        said.pop("facet", None)  # fixed, so that it does not matter what is said of it
    given: dict[str, Any] = {name: said[wire] for name, wire in _WIRE_NAMES.items() if wire in said}
    try:
        return Field(**given, kept={key: said[key] for key in _KEPT if key in said})
    except (TypeError, ValueError) as error:
        # attrs puts more into its errors than what is wrong.
        raise ValueError(str(error.args[0])) from None


def _check_options(said: Mapping[str, Json]) -> None:
    """Say in Coveo's words what attrs would say in Python's."""
    if said.get("type") not in _TYPES:
        raise ValueError(f"type is one of {', '.join(_TYPES)}")
    for name, wire in _WIRE_NAMES.items():
        kind, words = (str, "a text") if name in _TEXTS else (bool, "true or false")
        if not isinstance(said.get(wire, kind()), kind):
            raise ValueError(f"{wire} is {words}")  # noqa: TRY004 - of what a caller says
    if said.get("multiValueFacetTokenizers") == "":
        raise ValueError("multiValueFacetTokenizers is a text of at least one character")


def _text(name: str, *, facet: bool = False, multi_value: bool = False, hierarchical: bool = False) -> Field:
    return Field(
        name=name,
        facet=facet,
        multi_value=multi_value,
        hierarchical=hierarchical,
        merge_with_lexicon=True,
        system=True,
    )


def _number(name: str) -> Field:
    return Field(name=name, type="DOUBLE", system=True)


def _date(name: str) -> Field:
    return Field(name=name, type="DATE", system=True)


def standard_fields() -> tuple[Field, ...]:
    """The fields that a Catalog source brings, and ``ec_color``.

    Coveo does not say which of them are facets or hold lists: those that its articles fill with lists hold lists here.
    """
    texts = ("author", "clickableuri", "language", "permanentid", "source", "title", "uri")
    commerce_texts = ("ec_description", "ec_item_group_id", "ec_listing", "ec_name", "ec_product_id", "ec_shortdesc")
    commerce_ids = ("ec_availability_id", "ec_variant_id")
    facets = ("ec_brand", "ec_gender", "ec_in_stock", "objecttype")
    lists = ("ec_available_items", "ec_images", "ec_thumbnails")
    return (
        *(_text(name) for name in (*texts, *commerce_texts, *commerce_ids)),
        *(_text(name, facet=True) for name in facets),
        *(_text(name, multi_value=True) for name in lists),
        _text("ec_category", facet=True, multi_value=True, hierarchical=True),
        _text("ec_color", facet=True, multi_value=True),
        *(_number(name) for name in ("ec_cogs", "ec_price", "ec_promo_price", "ec_rating")),
        *(_date(name) for name in ("date", "modifieddate")),
    )
