"""The fields of each organization, which is there as soon as it is named: who may name it is not decided here.

What a field may be is decided in `coveo_enrich.sandbox.fields`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from coveo_enrich.sandbox.fields import Field, field_from_model, field_model, standard_fields
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["Organization", "Organizations"]

Save = Callable[[str, str, Mapping[str, Json] | None], None]


class Organization:
    """The fields of one organization.

    Args:
        save: Remembers the model of a field of that name, or forgets it when there is none.
    """

    def __init__(self, fields: Iterable[Field], save: Callable[[str, Mapping[str, Json] | None], None]) -> None:
        # A new one takes the place of the old one with each change, as what was accepted before goes on using it.
        self._fields: Mapping[str, Field] = {field.name: field for field in fields}
        self._save = save
        self._lock = threading.Lock()

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

    def replace_field(self, field: Field) -> None:
        """Put the field in the place of the one of its name.

        Raises:
            Refused: 404.
        """
        with self._lock:
            self.field(field.name)
            self._fields = {**self._fields, field.name: field}
        self._save(field.name, field_model(field))

    def delete_field(self, name: str) -> None:
        """Remove a field. What the index holds in it stays until its items are sent again.

        Raises:
            Refused: 404, or 412 when it is one of Coveo's own.
        """
        with self._lock:
            if self.field(name).system:
                raise Refused(412, "INVALID_PARAMETER", "A field that Coveo made cannot be deleted.")
            self._fields = {other: field for other, field in self._fields.items() if other != name}
        self._save(name, None)


class Organizations:
    """Every organization that was named, with its fields.

    Args:
        models: The models of fields that were remembered, each with its organization.
        save: Remembers the model of a field of an organization, or forgets it when there is none.
    """

    def __init__(self, models: Iterable[tuple[str, dict[str, Json]]], save: Save) -> None:
        self._by_id: dict[str, Organization] = {}
        self._save = save
        self._remembered: dict[str, dict[str, Field]] = {}
        for organization_id, model in models:
            field = _from_memory(model)
            self._remembered.setdefault(organization_id, {})[field.name] = field

    def of(self, organization_id: str) -> Organization:
        """The organization of that id."""

        def save(name: str, model: Mapping[str, Json] | None) -> None:
            self._save(organization_id, name, model)

        if organization_id not in self._by_id:
            fields = {field.name: field for field in standard_fields()}
            fields |= self._remembered.get(organization_id, {})
            self._by_id.setdefault(organization_id, Organization(fields.values(), save))
        return self._by_id[organization_id]


def _from_memory(model: dict[str, Json]) -> Field:
    is_system = model.get("system") is True
    return attrs.evolve(field_from_model({**model, "system": False}), system=is_system)
