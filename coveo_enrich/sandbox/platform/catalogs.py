"""The catalogs of an organization: which objects a source holds, and which of them a search may find. Pure values.

A catalog joins a source with a configuration, which names the ``objecttype`` of products, variants and availabilities.
Only products are results. Coveo wants the data again after a change: here a change is for what is sent from then on.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Literal, TypeAlias, TypeVar

import attrs

from coveo_enrich.sandbox.refusals import Refused, invalid_parameter
from coveo_enrich.sandbox.values import StoredItem

__all__ = [
    "LONGEST_NAME",
    "AvailabilityFilter",
    "Catalog",
    "CatalogConfiguration",
    "Catalogs",
    "ObjectKind",
    "usual_configuration",
]

AvailabilityFilter: TypeAlias = Literal["ALWAYS", "WHEN_SPECIFIED"]

T = TypeVar("T")

LONGEST_NAME = 50
_PRODUCT = "Product"


def _new_id() -> str:
    return str(uuid.uuid4())


@attrs.frozen
class ObjectKind:
    """Products, variants or availabilities.

    Attributes:
        object_type: The ``objecttype`` by which they are known.
        id_field: The field with the id of one.
        available_skus_field: Of availabilities, the field with the ids of what is available.
    """

    object_type: str
    id_field: str
    available_skus_field: str | None = None


@attrs.frozen(kw_only=True)
class CatalogConfiguration:
    """What a catalog is made of.

    Attributes:
        name: Its name.
        product: Products.
        variant: Variants; `None` when there are none.
        availability: Availabilities; `None` when there are none.
        fields_mapping: Standard field to the field that takes its place. It is kept, and does nothing.
        availability_filter: Coveo's ``availabilityFilterStrategy``: whether products without an availability are found.
            It is kept, and does nothing.
        id: Its id.
    """

    name: str
    product: ObjectKind
    variant: ObjectKind | None = None
    availability: ObjectKind | None = None
    fields_mapping: Mapping[str, str] = attrs.field(factory=dict[str, str])
    availability_filter: AvailabilityFilter = "ALWAYS"
    id: str = attrs.field(factory=_new_id)


def usual_configuration(name: str, product: str, variant: str | None, availability: str | None) -> CatalogConfiguration:
    """A configuration with Coveo's own fields for the ids; `None` for a kind that there is not."""
    variants = None if variant is None else ObjectKind(variant, "ec_variant_id")
    stores = None if availability is None else ObjectKind(availability, "ec_availability_id", "ec_available_items")
    return CatalogConfiguration(
        name=name[:LONGEST_NAME],
        product=ObjectKind(product, "ec_product_id"),
        variant=variants,
        availability=stores,
    )


@attrs.frozen
class Catalog:
    """A source with its configuration, which Coveo calls a catalog entity.

    Attributes:
        name: Its name.
        source_id: The source.
        configuration_id: The configuration.
        id: Its id.
    """

    name: str
    source_id: str
    configuration_id: str
    id: str = attrs.field(factory=_new_id)


# From which orderingId on, and which objecttype was that of products then; none when there was no catalog.
_History = tuple[tuple[int, str | None], ...]
_FROM_THE_START: _History = ((0, _PRODUCT),)


@attrs.frozen
class Catalogs:
    """The catalogs of an organization, and what they were.

    Attributes:
        configurations: The configurations, by id.
        catalogs: The catalogs, by id; a source has one at most.
        history: Of each source that was named, which objecttype was that of products, from which orderingId on.
    """

    configurations: Mapping[str, CatalogConfiguration] = attrs.field(factory=dict[str, CatalogConfiguration])
    catalogs: Mapping[str, Catalog] = attrs.field(factory=dict[str, Catalog])
    history: Mapping[str, _History] = attrs.field(factory=dict[str, _History])

    def is_result(self, item: StoredItem) -> bool:
        """Whether a search may find the item: it is a product, or does not say what it is."""
        object_type = item.fields.get("objecttype")
        return object_type is None or object_type == self._product_type(item.source_id, item.ordering_id)

    def catalog_of(self, source_id: str) -> Catalog | None:
        """The catalog of a source."""
        return next((each for each in self.catalogs.values() if each.source_id == source_id), None)

    def with_source(self, source_id: str) -> Catalogs:
        """The same; a source that was not named before has the usual catalog, as if it had had it ever since."""
        if source_id in self.history:
            return self
        configuration = usual_configuration(source_id, _PRODUCT, "Variant", "Availability")
        catalog = Catalog(source_id[:LONGEST_NAME], source_id, configuration.id)
        named = attrs.evolve(self, history={**self.history, source_id: _FROM_THE_START})
        return named.with_configuration(configuration).with_catalog(catalog)

    def with_configuration(self, configuration: CatalogConfiguration) -> Catalogs:
        """The same with this configuration, in the place of the one of its id."""
        return attrs.evolve(self, configurations={**self.configurations, configuration.id: configuration})

    def without_configuration(self, configuration_id: str) -> Catalogs:
        """The same without a configuration.

        Raises:
            Refused: 412 when a catalog has it.
        """
        if any(each.configuration_id == configuration_id for each in self.catalogs.values()):
            raise invalid_parameter("A catalog has this configuration.")
        return attrs.evolve(self, configurations=_without(self.configurations, configuration_id))

    def with_catalog(self, catalog: Catalog) -> Catalogs:
        """The same with this catalog, in the place of the one of its id.

        Raises:
            Refused: 412 when there is no such configuration, or the source has another catalog.
        """
        if catalog.configuration_id not in self.configurations:
            raise invalid_parameter("There is no such catalog configuration.")
        other = self.catalog_of(catalog.source_id)
        if other is not None and other.id != catalog.id:
            raise Refused(412, "CATALOG_ALREADY_EXISTS", "The source has a catalog.")
        return attrs.evolve(self, catalogs={**self.catalogs, catalog.id: catalog})

    def without_catalog(self, catalog_id: str) -> Catalogs:
        """The same without a catalog; its configuration stays."""
        return attrs.evolve(self, catalogs=_without(self.catalogs, catalog_id))

    def without_catalog_of(self, source_id: str) -> Catalogs:
        """The same without the catalog of a source."""
        catalog = self.catalog_of(source_id)
        return self if catalog is None else self.without_catalog(catalog.id)

    def configured(self, source_id: str, configuration: CatalogConfiguration) -> Catalogs:
        """The same with a catalog of this source that has this configuration, and in the place of its old one."""
        old = self.catalog_of(source_id)
        if old is None:
            catalog = Catalog(configuration.name, source_id, configuration.id)
            return self.with_configuration(configuration).with_catalog(catalog)
        return self.with_configuration(attrs.evolve(configuration, id=old.configuration_id))

    def remembering(self, ordering_id: int) -> Catalogs:
        """The same, and what is different now counts from this orderingId on."""
        types = {
            each.source_id: self.configurations[each.configuration_id].product.object_type
            for each in self.catalogs.values()
        }
        sources = {*self.history, *types}
        return attrs.evolve(self, history={one: self._history(one, ordering_id, types.get(one)) for one in sources})

    def _history(self, source_id: str, ordering_id: int, now: str | None) -> _History:
        history = self.history.get(source_id, _FROM_THE_START)
        return history if history[-1][1] == now else (*history, (ordering_id, now))

    def _product_type(self, source_id: str, ordering_id: int) -> str | None:
        history = self.history.get(source_id, _FROM_THE_START)
        return next((name for since, name in reversed(history) if since <= ordering_id), None)


def _without(named: Mapping[str, T], name: str) -> dict[str, T]:
    return {each: value for each, value in named.items() if each != name}
