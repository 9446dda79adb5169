"""A field as the organization has it, and what of a need it does not meet: pure.

Which calls read and make fields is `coveo_enrich.index.fields.calls`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import attrs

from coveo_enrich.errors import shown
from coveo_enrich.index.fields.needs import FieldNeed

__all__ = ["FieldConflict", "FieldSettings", "field_model", "shortcomings"]

_WIDER: Final[Mapping[str, frozenset[str]]] = {"LONG": frozenset({"LONG_64", "DOUBLE"})}
_TEXT: Final = "it is indexed as a text: no range of it can be asked for, and it is sorted letter by letter"
_TIME: Final = "its numbers are taken for times, in milliseconds since 1970"
_BENT: Final[Mapping[tuple[str, str], str]] = {
    ("LONG", "STRING"): _TEXT,
    ("LONG_64", "STRING"): _TEXT,
    ("DOUBLE", "STRING"): _TEXT,
    ("DATE", "STRING"): _TEXT,
    ("LONG_64", "DOUBLE"): "numbers of more than 15 digits are rounded",
    ("LONG", "DATE"): _TIME,
    ("LONG_64", "DATE"): _TIME,
}
"""What becomes of values of one type in a field of another that holds them all the same."""
_LOST: Final[Mapping[tuple[str, str], str]] = {
    ("LONG_64", "LONG"): "numbers from 2,147,483,648 on are not indexed",
    ("DOUBLE", "LONG"): "numbers that are not whole are not indexed",
    ("DOUBLE", "LONG_64"): "numbers that are not whole are not indexed",
    ("DOUBLE", "DATE"): "numbers that are not whole are not indexed",
}
_OF_COVEO: Final = "; it is a field of Coveo's own, whose settings nobody can change: use another one"
_OTHER: Final = "values of another type are not indexed"


@attrs.frozen(kw_only=True)
class FieldSettings:
    """A field's settings that decide what becomes of values (platform.cloud.coveo.com, Field API).

    Attributes:
        name: The field's name.
        type: What it holds, as Coveo calls it.
        facet: Coveo's ``facet``.
        multi_value: Coveo's ``multiValueFacet``.
        hierarchical: Coveo's ``hierarchicalFacet``.
        free_text: Coveo's ``mergeWithLexicon``, "Free text search" in its console.
        in_query: Coveo's ``includeInQuery``.
        in_results: Coveo's ``includeInResults``.
        key_value: Coveo's ``keyValue``: a dictionary field, which takes objects only.
        system: Whether it is one of Coveo's own, whose settings cannot be changed.
    """

    name: str
    type: str = "STRING"
    facet: bool = False
    multi_value: bool = False
    hierarchical: bool = False
    free_text: bool = False
    in_query: bool = True
    in_results: bool = True
    key_value: bool = False
    system: bool = False

    @classmethod
    def of_model(cls, model: Mapping[str, Any]) -> FieldSettings:
        """Read what the Field API answers; what it leaves out has its default."""
        kind = str(model.get("type") or "STRING")
        return cls(
            name=str(model.get("name", "")),
            type=kind,
            facet=_flag(model, "facet", default=kind != "STRING"),
            multi_value=_flag(model, "multiValueFacet"),
            hierarchical=_flag(model, "hierarchicalFacet"),
            free_text=_flag(model, "mergeWithLexicon"),
            in_query=_flag(model, "includeInQuery", default=True),
            in_results=_flag(model, "includeInResults", default=True),
            key_value=_flag(model, "keyValue"),
            system=_flag(model, "system"),
        )


@attrs.frozen
class FieldConflict:
    """Something that exists and does not do what is needed. It is never changed by this library.

    Attributes:
        field: The field.
        setting: What is not as it should be, in the words of Coveo's API.
        has: What it is.
        needs: What it would have to be.
        breaks: What goes wrong as long as it stays so.
        loses_values: Whether values that are sent are not indexed.
    """

    field: str
    setting: str
    has: Any
    needs: Any
    breaks: str
    loses_values: bool = False

    def __str__(self) -> str:
        has, needs = _in_words(self.has), _in_words(self.needs)
        return f"{shown(self.field)}: {self.setting} is {has} and has to be {needs}, else {self.breaks}"


def _in_words(setting: object) -> str:
    return ", ".join(map(repr, cast("tuple[object, ...]", setting))) if isinstance(setting, tuple) else repr(setting)


def field_model(need: FieldNeed) -> dict[str, Any]:
    """The body that creates a field."""
    model: dict[str, Any] = {
        "name": need.name,
        "type": need.type,
        "includeInQuery": True,
        "includeInResults": True,
        "facet": need.facet or need.type != "STRING",
    }
    if need.type == "STRING":
        model |= {
            "mergeWithLexicon": need.free_text,
            "multiValueFacet": need.multi_value,
            "hierarchicalFacet": need.hierarchical,
        }
    return model


def shortcomings(need: FieldNeed, field: FieldSettings) -> Iterator[FieldConflict]:
    """What a field lacks that is needed. What it can do beyond that is no matter."""
    if field.type in need.also_fits:
        need = _in_another_type(need, field)
    elif field.type != need.type and field.type not in _WIDER.get(need.type, ()):
        types = (need.type, field.type)
        is_lost = types not in _BENT
        breaks = _BENT.get(types) or _LOST.get(types, _OTHER)
        yield FieldConflict(need.name, "type", field.type, need.type, breaks, loses_values=is_lost)
        if is_lost:
            return
    if field.key_value:
        breaks = "what is no object is not indexed"
        yield FieldConflict(need.name, "keyValue", True, False, breaks, loses_values=True)  # noqa: FBT003 - as it has them
    for setting, has, needs, breaks in (
        ("facet", field.facet or field.multi_value, need.facet, "no facet can be made of it"),
        ("multiValueFacet", field.multi_value, need.multi_value, "a list is one value in a facet"),
        ("hierarchicalFacet", field.hierarchical, need.hierarchical, "its levels are not shown as such"),
        ("mergeWithLexicon", field.free_text, need.free_text, "a search by keyword does not find it"),
        ("includeInQuery", field.in_query, True, "it cannot be used as @field in an expression"),
        ("includeInResults", field.in_results, True, "results do not show it"),
    ):
        if needs and not has:
            yield FieldConflict(need.name, setting, has, needs, f"{breaks}{_OF_COVEO if field.system else ''}")


def _in_another_type(need: FieldNeed, field: FieldSettings) -> FieldNeed:
    """What can be asked of a field of another type that holds the values as well."""
    facet = need.facet and field.type != "VECTOR"
    return attrs.evolve(need, facet=facet, multi_value=False, hierarchical=False, free_text=False)


def _flag(model: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
    value = model.get(key)
    return value if isinstance(value, bool) else default
