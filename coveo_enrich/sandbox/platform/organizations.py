"""The fields of each organization and the mapping rules of its sources; both are there as soon as they are named.

Who may name them is not decided here. What a field may be is decided in `fields`, what a rule does in `mappings`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import attrs

from coveo_enrich.sandbox.platform.fields import Field, field_from_model, field_model, standard_fields
from coveo_enrich.sandbox.platform.mapping_models import mappings_from_model, mappings_model
from coveo_enrich.sandbox.platform.mappings import Mappings, Rule
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["Organization", "Organizations", "SourceMappings"]

Save = Callable[[str, str, Mapping[str, Json] | None], None]
SaveMappings = Callable[[str, str, Mapping[str, Json]], None]


class Organization:
    """The fields of one organization, and the mapping rules of its sources.

    Args:
        fields: The fields.
        save: Remembers the model of a field of that name, or forgets it when there is none.
        mappings: The rules of sources that have some, by the source's id.
        save_mappings: Remembers the rules of a source.
    """

    def __init__(
        self,
        fields: Iterable[Field],
        save: Callable[[str, Mapping[str, Json] | None], None],
        mappings: Mapping[str, Mappings],
        save_mappings: Callable[[str, Mapping[str, Json]], None],
    ) -> None:
        # A new one takes the place of the old one with each change, as what was accepted before goes on using it.
        self._fields: Mapping[str, Field] = {field.name: field for field in fields}
        self._save = save
        self._save_mappings = save_mappings
        self._lock = threading.Lock()
        self._mappings = {source_id: self._source_mappings(source_id, rules) for source_id, rules in mappings.items()}

    @property
    def by_name(self) -> Mapping[str, Field]:
        """The fields as they are now; this mapping does not change any more."""
        return self._fields

    def fields(self) -> list[Field]:
        """Every field, by name."""
        return sorted(self._fields.values(), key=lambda field: field.name)

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            Refused: 404.
        """
        field = self._fields.get(name)
        if field is None:
            raise Refused(404, "FIELD_NOT_FOUND", "There is no such field.")
        return field

    def create_fields(self, fields: Sequence[Field]) -> None:
        """Add fields, all or none.

        Raises:
            Refused: 412 ``FIELD_ALREADY_EXISTS``.
        """
        with self._lock:
            new: dict[str, Field] = {}
            for field in fields:
                if field.name in self._fields or field.name in new:
                    raise Refused(412, "FIELD_ALREADY_EXISTS", f"There is already a field {field.name}.")
                new[field.name] = field
            self._fields = {**self._fields, **new}
        for field in fields:
            self._save(field.name, field_model(field))

    def replace_fields(self, fields: Sequence[Field]) -> None:
        """Put each field in the place of the one of its name, all or none.

        Raises:
            Refused: 404.
        """
        with self._lock:
            for field in fields:
                self.field(field.name)
            self._fields = {**self._fields, **{field.name: field for field in fields}}
        for field in fields:
            self._save(field.name, field_model(field))

    def delete_fields(self, names: Collection[str]) -> None:
        """Remove fields, all or none. What the index holds in them stays until its items are sent again.

        Raises:
            Refused: 404, or 412 when one of them is Coveo's own.
        """
        with self._lock:
            if any(self.field(name).system for name in names):
                raise Refused(412, "INVALID_PARAMETER", "A field that Coveo made cannot be deleted.")
            self._fields = {name: field for name, field in self._fields.items() if name not in names}
        for name in names:
            self._save(name, None)

    def mappings(self, source_id: str) -> SourceMappings:
        """The mapping rules of a source."""
        if source_id not in self._mappings:
            self._mappings.setdefault(source_id, self._source_mappings(source_id, Mappings()))
        return self._mappings[source_id]

    def _source_mappings(self, source_id: str, mappings: Mappings) -> SourceMappings:
        return SourceMappings(mappings, self, lambda model: self._save_mappings(source_id, model))


class SourceMappings:
    """The mapping rules of one source.

    Args:
        mappings: The rules that there are.
        organization: The one whose fields they fill.
        save: Remembers the model of the rules.
    """

    def __init__(
        self, mappings: Mappings, organization: Organization, save: Callable[[Mapping[str, Json]], None]
    ) -> None:
        self._mappings = mappings
        self._organization = organization
        self._save = save
        self._lock = threading.Lock()

    @property
    def now(self) -> Mappings:
        """The rules as they are now; this value does not change any more."""
        return self._mappings

    def change(self, change: Callable[[Mappings], Mappings]) -> None:
        """Put other rules in the place of those that there are.

        Args:
            change: From the rules as they are to the new ones.

        Raises:
            Refused: 412 for a field that there is not, or that two rules for the same items fill.
        """
        with self._lock:
            new = change(self._mappings)
            for rules in (new.common, *(each.rules for each in new.types)):
                _check_fields_once(rules)
            before = set(_all_rules(self._mappings))
            self._check_fields(rule for rule in _all_rules(new) if rule not in before)
            self._mappings = new
            self._save(mappings_model(new))

    def _check_fields(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            if rule.field not in self._organization.by_name:
                raise Refused(
                    412, "FIELD_NOT_FOUND", f"There is no field {rule.field[:300]}: it is made before its rule."
                )


def _all_rules(mappings: Mappings) -> list[Rule]:
    return [*mappings.common, *(rule for each in mappings.types for rule in each.rules)]


def _check_fields_once(rules: Sequence[Rule]) -> None:
    if len({rule.id for rule in rules}) < len(rules):
        raise Refused(412, "MAPPING_ALREADY_EXISTS", "Two rules have the same id.")
    if len({rule.field for rule in rules}) < len(rules):
        raise Refused(412, "MAPPING_ALREADY_EXISTS", "There is already a rule for that field.")


class Organizations:
    """Every organization that was named, with its fields and the mapping rules of its sources.

    Args:
        models: The models of fields that were remembered, each with its organization.
        save: Remembers the model of a field of an organization, or forgets it when there is none.
        mappings: The models of rules that were remembered, each with its organization and source.
        save_mappings: Remembers the rules of a source of an organization.
    """

    def __init__(
        self,
        models: Iterable[tuple[str, dict[str, Json]]],
        save: Save,
        mappings: Iterable[tuple[str, str, dict[str, Json]]],
        save_mappings: SaveMappings,
    ) -> None:
        self._by_id: dict[str, Organization] = {}
        self._save = save
        self._save_mappings = save_mappings
        self._remembered: dict[str, dict[str, Field]] = {}
        self._remembered_mappings: dict[str, dict[str, Mappings]] = {}
        for organization_id, source_id, model in mappings:
            self._remembered_mappings.setdefault(organization_id, {})[source_id] = mappings_from_model(model)
        for organization_id, model in models:
            field = _from_memory(model)
            self._remembered.setdefault(organization_id, {})[field.name] = field

    def of(self, organization_id: str) -> Organization:
        """The organization of that id."""

        def save(name: str, model: Mapping[str, Json] | None) -> None:
            self._save(organization_id, name, model)

        def save_mappings(source_id: str, model: Mapping[str, Json]) -> None:
            self._save_mappings(organization_id, source_id, model)

        if organization_id not in self._by_id:
            fields = {field.name: field for field in standard_fields()}
            fields |= self._remembered.get(organization_id, {})
            mappings = self._remembered_mappings.get(organization_id, {})
            organization = Organization(fields.values(), save, mappings, save_mappings)
            self._by_id.setdefault(organization_id, organization)
        return self._by_id[organization_id]


def _from_memory(model: dict[str, Json]) -> Field:
    is_system = model.get("system") is True
    return attrs.evolve(field_from_model({**model, "system": False}), system=is_system)
