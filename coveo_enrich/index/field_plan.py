"""What has to be done so that nothing that is pushed vanishes: needs beside what is there, as a value.

Pure. Reading what is there, and doing what a plan says, is `coveo_enrich.index.fields`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from coveo_enrich.index.catalog import CatalogNote
from coveo_enrich.index.field_names import RESERVED
from coveo_enrich.index.field_settings import FieldConflict, FieldSettings, shortcomings
from coveo_enrich.index.mapping_rules import MappingRule
from coveo_enrich.index.needs import FieldNeed
from coveo_enrich.index.tables import table_of

__all__ = ["FieldPlan", "plan_of", "rule_conflicts"]


@attrs.frozen(kw_only=True)
class FieldPlan:
    """What `FieldClient.apply` would do, and what it leaves to you. Prints as text, and as a table in a notebook.

    Attributes:
        to_create: Fields that are not there.
        to_map: Fields for which the source gets a mapping rule, as it is known not to index them by their names.
        right: Fields that do all that is needed.
        conflicts: What is there and does not do what is needed; never changed.
        reserved: Names that are keys of an item, for which there is nothing to do.
        catalog: What the catalog of the source keeps from being found, of a plan for documents; or that it could not be
            looked at.
    """

    to_create: tuple[FieldNeed, ...] = ()
    to_map: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    conflicts: tuple[FieldConflict, ...] = ()
    reserved: tuple[str, ...] = ()
    catalog: tuple[CatalogNote, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether what is pushed now is indexed as it is needed: nothing to do, no conflict, no items kept hidden."""
        hides_items = any(note.hides_items for note in self.catalog)
        return not (self.to_create or self.to_map or self.conflicts or hides_items)

    @property
    def loses_values(self) -> bool:
        """Whether values that are pushed now would not be indexed at all."""
        return bool(self.to_create) or any(conflict.loses_values for conflict in self.conflicts)

    def to_json(self) -> str:
        """The same as a JSON object, with ``is_ready`` and ``loses_values``."""
        told = {**attrs.asdict(self), "is_ready": self.is_ready, "loses_values": self.loses_values}
        return json.dumps(told, default=str)

    def __str__(self) -> str:
        lines = [f"{state}: {what}" for state, what in _rows(self)]
        return "\n".join(lines) if lines else "no fields are needed"

    def _repr_html_(self) -> str:
        return table_of(_rows(self))


def plan_of(
    needs: Iterable[FieldNeed],
    fields: Mapping[str, FieldSettings],
    rules: Iterable[MappingRule],
    unmapped: Iterable[str],
) -> FieldPlan:
    """Compare needs with what is there.

    Args:
        needs: Fields that are needed; of one name, all that they need together.
        fields: The organization's fields, by name.
        rules: The mapping rules of the source.
        unmapped: Names of metadata that the source is known to have received and not indexed.
    """
    wanted: dict[str, FieldNeed] = {}
    for need in needs:
        wanted[need.name] = _both(wanted[need.name], need) if need.name in wanted else need
    conflicts = {name: tuple(_conflicts(need, fields.get(name), rules)) for name, need in wanted.items()}
    ruled, vanished = {rule.field for rule in rules}, set(unmapped)
    reserved = tuple(name for name in wanted if name in RESERVED)
    there = [name for name in wanted if name in fields and name not in RESERVED]
    to_map = tuple(name for name in there if name in vanished and name not in ruled and not conflicts[name])
    return FieldPlan(
        to_create=tuple(need for name, need in wanted.items() if name not in fields and name not in RESERVED),
        to_map=to_map,
        right=tuple(name for name in there if not conflicts[name] and name not in to_map),
        conflicts=tuple(conflict for name in wanted if name not in RESERVED for conflict in conflicts[name]),
        reserved=reserved,
    )


def _both(one: FieldNeed, other: FieldNeed) -> FieldNeed:
    options = ("facet", "multi_value", "hierarchical", "free_text")
    return attrs.evolve(one, **{option: getattr(one, option) or getattr(other, option) for option in options})


def _conflicts(need: FieldNeed, field: FieldSettings | None, rules: Iterable[MappingRule]) -> Iterator[FieldConflict]:
    if field is not None:
        yield from shortcomings(need, field)
    yield from rule_conflicts(need.name, rules)


def rule_conflicts(name: str, rules: Iterable[MappingRule]) -> Iterator[FieldConflict]:
    """The rules that fill a field with something else than the metadata of its name."""
    for rule in rules:
        if rule.field == name and not rule.reads(name):
            where = f"mapping rule for {rule.type}" if rule.type else "mapping rule"
            breaks = f"the source fills the field with something else than the metadata {name}"
            yield FieldConflict(name, where, list(rule.content), [f"%[{name}]"], breaks, loses_values=True)


def _rows(plan: FieldPlan) -> Iterator[tuple[str, str]]:
    for need in plan.to_create:
        yield "to create", f"{need.name}, {_in_words(need)}"
    for name in plan.to_map:
        yield "to map", f"{name}, from the metadata {name}"
    for conflict in plan.conflicts:
        yield "in conflict", str(conflict)
    for name in plan.right:
        yield "right", name
    for name in plan.reserved:
        yield "reserved", f"{name}, a key of an item"
    for note in plan.catalog:
        yield note.kind, str(note)


def _in_words(need: FieldNeed) -> str:
    options: dict[str, Any] = {
        "facet": need.facet,
        "multi-value": need.multi_value,
        "hierarchical": need.hierarchical,
        "free text search": need.free_text,
    }
    return ", ".join([need.type, *(option for option, wanted in options.items() if wanted)])
