"""Catalogs as the catalog API writes and reads them, and as they are remembered. What they do is in `catalogs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coveo_enrich.sandbox.platform.catalogs import (
    LONGEST_NAME,
    AvailabilityFilter,
    Catalog,
    CatalogConfiguration,
    Catalogs,
    ObjectKind,
)
from coveo_enrich.sandbox.refusals import not_understood
from coveo_enrich.sandbox.strict_json import Json

__all__ = [
    "catalog_from_model",
    "catalog_model",
    "catalogs_from_memory",
    "catalogs_memory",
    "check_configuration",
    "configuration_from_model",
    "configuration_model",
]

_LONGEST = 255
# No limit is documented; a source is named in a URL, which is shorter.
_LONGEST_SOURCE_ID = 100_000


def configuration_model(configuration: CatalogConfiguration) -> dict[str, Json]:
    """A configuration as the catalog API writes it."""
    kinds = {
        "product": configuration.product,
        "variant": configuration.variant,
        "availability": configuration.availability,
    }
    return {
        "id": configuration.id,
        "name": configuration.name,
        **{name: _kind_model(kind) for name, kind in kinds.items() if kind is not None},
        "fieldsMapping": dict(configuration.fields_mapping),
        "availabilityFilterStrategy": configuration.availability_filter,
    }


def catalog_model(catalog: Catalog) -> dict[str, Json]:
    """A catalog as the catalog API writes it."""
    return {
        "id": catalog.id,
        "name": catalog.name,
        "sourceId": catalog.source_id,
        "catalogConfigurationId": catalog.configuration_id,
    }


def configuration_from_model(model: Mapping[str, Json], configuration_id: str) -> CatalogConfiguration:
    """The configuration that the catalog API is told, with this id.

    Raises:
        Refused: 400 ``INVALID_PARAMETER``, when it is not what the catalog API takes.
    """
    product = _kind(model, "product")
    if product is None:
        raise not_understood("a configuration has a product")
    return CatalogConfiguration(
        name=_text(model, "name", LONGEST_NAME),
        product=product,
        variant=_kind(model, "variant"),
        availability=_kind(model, "availability"),
        fields_mapping=_fields_mapping(model.get("fieldsMapping")),
        availability_filter=_availability_filter(model.get("availabilityFilterStrategy")),
        id=configuration_id,
    )


def catalog_from_model(model: Mapping[str, Json], catalog_id: str) -> Catalog:
    """The catalog that the catalog API is told, with this id.

    Raises:
        Refused: As in `configuration_from_model`.
    """
    return Catalog(
        _text(model, "name", LONGEST_NAME),
        _text(model, "sourceId", _LONGEST_SOURCE_ID),
        _text(model, "catalogConfigurationId"),
        catalog_id,
    )


def check_configuration(configuration: CatalogConfiguration) -> None:
    """Let only a configuration pass that the catalog API would take.

    Raises:
        Refused: As in `configuration_from_model`.
    """
    configuration_from_model(configuration_model(configuration), configuration.id)


def catalogs_memory(catalogs: Catalogs) -> dict[str, Json]:
    """Catalogs as they are remembered."""
    return {
        "configurations": [configuration_model(each) for each in catalogs.configurations.values()],
        "catalogs": [catalog_model(each) for each in catalogs.catalogs.values()],
        "history": {source_id: [list(entry) for entry in history] for source_id, history in catalogs.history.items()},
    }


def catalogs_from_memory(model: Mapping[str, Any]) -> Catalogs:
    """Catalogs that were remembered, as `catalogs_memory` wrote them."""
    return Catalogs(
        {each["id"]: configuration_from_model(each, each["id"]) for each in model["configurations"]},
        {each["id"]: catalog_from_model(each, each["id"]) for each in model["catalogs"]},
        {name: tuple((since, product) for since, product in entries) for name, entries in model["history"].items()},
    )


def _kind_model(kind: ObjectKind) -> Json:
    model: dict[str, Json] = {"objectType": kind.object_type, "idField": kind.id_field}
    return model if kind.available_skus_field is None else {**model, "availableSkusField": kind.available_skus_field}


def _kind(model: Mapping[str, Json], name: str) -> ObjectKind | None:
    kind = model.get(name)
    if kind is None:
        return None
    if not isinstance(kind, dict):
        raise not_understood(f"{name} is an object")
    skus = _text(kind, "availableSkusField") if name == "availability" else None
    return ObjectKind(_text(kind, "objectType"), _text(kind, "idField"), skus)


def _fields_mapping(mapping: Json) -> dict[str, str]:
    given = {} if mapping is None else mapping
    if not isinstance(given, dict):
        raise not_understood("fieldsMapping is an object")
    return {name: _text(given, name) for name in given}


def _availability_filter(said: Json) -> AvailabilityFilter:
    match said:
        case None | "ALWAYS":
            return "ALWAYS"
        case "WHEN_SPECIFIED":
            return "WHEN_SPECIFIED"
        case _:
            raise not_understood("availabilityFilterStrategy is ALWAYS or WHEN_SPECIFIED")


def _text(model: Mapping[str, Json], key: str, longest: int = _LONGEST) -> str:
    text = model.get(key)
    if not isinstance(text, str) or not 1 <= len(text) <= longest:
        raise not_understood(f"{key[:_LONGEST]} is a text of 1 to {longest} characters")
    return text
