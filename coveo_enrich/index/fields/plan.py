"""What has to be done so that nothing that is pushed vanishes: needs beside what is there, as a value.

Pure. Reading what is there is `coveo_enrich.index.fields.reading`, doing what a plan says
`coveo_enrich.index.fields.client`.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from coveo_enrich.index.catalog.notes import CatalogNote
from coveo_enrich.index.fields.mapping_rules import MappingRule
from coveo_enrich.index.fields.names import RESERVED
from coveo_enrich.index.fields.needs import FieldNeed, needs_by_name
from coveo_enrich.index.fields.settings import FieldConflict, FieldSettings, shortcomings
from coveo_enrich.index.tables import table_of

__all__ = ["FieldPlan", "metadata_of", "plan_of", "rule_conflicts", "without_mixed"]


@attrs.frozen(kw_only=True)
class FieldPlan:
    """What `FieldClient.apply` would do, and what it leaves to you. Prints as text, and as a table in a notebook.

    Attributes:
        to_create: Fields that are not there.
        to_map: Fields for which the source gets a mapping rule, as it is known not to index them by their names.
        right: Fields that do all that is needed.
        conflicts: What is there and does not do what is needed; never changed.
        reserved: Keys of documents that say what an item is and are no fields: there is nothing to do.
        spellings: The keys of documents for fields of which a key is not written as the field is, for mapping rules, in
            which capitals count.
        catalog: What the catalog of the source keeps from being found, of a plan for documents; or that it could not be
            looked at.
    """

    to_create: tuple[FieldNeed, ...] = ()
    to_map: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    conflicts: tuple[FieldConflict, ...] = ()
    reserved: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    catalog: tuple[CatalogNote, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether what is pushed now is indexed as it is needed: nothing to do, no conflict, no items kept hidden.

        A field that only variants hold is indexed, and may be meant for them: what ``catalog`` says of it leaves a plan
        ready.
        """
        hides_items = any(note.hides_items for note in self.catalog)
        return not (self.to_create or self.to_map or self.conflicts or hides_items)

    @property
    def loses_values(self) -> bool:
        """Whether values that are pushed now would not be indexed at all, as far as is known."""
        return bool(self.to_create or self.to_map) or any(conflict.loses_values for conflict in self.conflicts)

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
    rules: Sequence[MappingRule],
    unmapped: Iterable[str],
    spellings: tuple[str, ...] | None = None,
) -> FieldPlan:
    """Compare needs with what is there.

    Args:
        needs: Fields that are needed; of one name, all that they need together.
        fields: The organization's fields, by name.
        rules: The mapping rules of the source.
        unmapped: Names of metadata that the source is known to have received and not indexed, as they were spelled.
        spellings: The metadata of fields of which some is not spelled as the field is; `None` when it is not known how
            any is spelled.

    Raises:
        ConfigurationError: Two need one field with different types.
    """
    wanted = needs_by_name(needs)
    metadata = metadata_of(wanted, spellings or ())
    not_indexed, ruled = set(unmapped), {rule.field for rule in rules if not rule.type}
    vanishing = {name for name in wanted if name not in ruled and not not_indexed.isdisjoint(metadata[name])}
    conflicts = {
        name: (
            *_conflicts(need, fields.get(name), vanishing),
            *rule_conflicts(name, metadata[name], rules, any_case=spellings is None),
        )
        for name, need in wanted.items()
    }
    to_create = tuple(need for name, need in wanted.items() if name not in fields and name not in RESERVED)
    # A field still to be created cannot show in the report; map it only if an existing field shows that the source
    # needs rules.
    known = wanted if vanishing & fields.keys() else fields
    to_map = tuple(
        name
        for name in wanted
        if name in vanishing and name in known and not (conflicts[name] or _is_coveos(name, fields.get(name)))
    )
    return FieldPlan(
        to_create=to_create,
        to_map=to_map,
        right=tuple(name for name in wanted if name in fields and not conflicts[name] and name not in to_map),
        conflicts=tuple(conflict for several in conflicts.values() for conflict in several),
        spellings=spellings or (),
    )


def metadata_of(names: Iterable[str], spellings: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The metadata that fills each field: what is spelled otherwise, or what is called as the field is.

    Args:
        names: The fields.
        spellings: The metadata of fields of which some is not spelled as the field is.
    """
    spelled: dict[str, tuple[str, ...]] = {}
    for one in spellings:
        spelled[one.lower()] = (*spelled.get(one.lower(), ()), one)
    return {name: spelled.get(name, (name,)) for name in names}


def without_mixed(plan: FieldPlan, mixed: Iterable[FieldConflict]) -> FieldPlan:
    """The same with keys whose values no one field holds among its conflicts: nothing is done for them."""
    by_name = {conflict.field: conflict for conflict in mixed}
    for need in plan.to_create:
        if need.name in by_name:
            by_name[need.name] = attrs.evolve(by_name[need.name], breaks=_NOT_MADE, loses_values=True)
    return attrs.evolve(
        plan,
        to_create=tuple(need for need in plan.to_create if need.name not in by_name),
        to_map=tuple(name for name in plan.to_map if name not in by_name),
        right=tuple(name for name in plan.right if name not in by_name),
        conflicts=(*by_name.values(), *plan.conflicts),
    )


_NOT_MADE: Final = "no field is created for it, and its values are not indexed; a FieldNeed decides its type"


def _conflicts(need: FieldNeed, field: FieldSettings | None, vanishing: Container[str]) -> Iterator[FieldConflict]:
    if need.name in RESERVED:
        breaks = "it is a key of an item, and what it holds goes into no field"
        yield FieldConflict(need.name, "name", need.name, "another name", breaks, loses_values=True)
        return
    if field is not None:
        yield from shortcomings(need, field)
        if need.name in vanishing and _is_coveos(need.name, field):
            breaks = "its values may not be indexed; fields that Coveo maps itself are never mapped here"
            yield FieldConflict(need.name, "indexedBy", "NONE", "FIELD", breaks)


def _is_coveos(name: str, field: FieldSettings | None) -> bool:
    """Whether the catalog configuration, or Coveo itself, says what fills a field (docs.coveo.com/en/n8of7021)."""
    return name.startswith("ec_") or (field is not None and field.system)


def rule_conflicts(
    name: str, metadata: Sequence[str], rules: Iterable[MappingRule], *, any_case: bool = False
) -> Iterator[FieldConflict]:
    """The rules that do not surely fill a field with the metadata that is meant for it.

    Args:
        name: The field.
        metadata: The metadata for it, in each of its spellings.
        rules: The rules of the source.
        any_case: Whether the metadata may be spelled with other capitals: then a rule that reads it so loses nothing.
    """
    for rule in rules:
        if rule.field == name and not all(map(rule.copies, metadata)):
            where = f"mapping rule for {rule.type}" if rule.type else "mapping rule"
            called = ", ".join(metadata)
            breaks = f"the source may fill the field with something else than the metadata {called}, or with nothing"
            # A rule for one type of item says nothing of the others.
            is_lost = not rule.type and not all(rule.reads(one, any_case=any_case) for one in metadata)
            needs = tuple(f"%[{one}]" for one in metadata)
            yield FieldConflict(name, where, rule.content, needs, breaks, loses_values=is_lost)


def _rows(plan: FieldPlan) -> Iterator[tuple[str, str]]:
    for need in plan.to_create:
        yield "to create", f"{need.name}, {_in_words(need)}"
    for name, metadata in metadata_of(plan.to_map, plan.spellings).items():
        yield "to map", f"{name}, from the metadata {', '.join(metadata)}"
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
