"""What the catalog of a source keeps from being found, told before the push: pure.

Only products are results of a search. An item whose ``objecttype`` the catalog configuration does not list is not a
product, so no search finds it; an attribute that only variants or availabilities hold finds no product
(docs.coveo.com/en/n8of5561, /en/o64d1129). Of items without ``objecttype`` nothing is documented, and nothing said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from coveo_enrich.errors import shown
from coveo_enrich.index.catalog.source_catalog import KINDS, SourceCatalog

__all__ = ["CatalogNote", "notes_of"]

CatalogNoteKind = Literal["only in variants", "unlisted type", "no catalog", "not looked at"]

_OF_ALL_KINDS: Final = frozenset({"objecttype", "permanentid"})
_HIDING: Final = ("unlisted type", "no catalog")


@attrs.frozen
class CatalogNote:
    """Something about the catalog of a source that keeps items from being found.

    Attributes:
        kind: ``only in variants``, a field that only variants or availabilities hold, so that no product is found by
            it; ``unlisted type``, an ``objecttype`` whose items no search finds; ``no catalog``, when the source has no
            catalog entity, so that no search finds items with an ``objecttype``; ``not looked at``.
        name: The field or type; for ``not looked at`` the reason; else empty.
    """

    kind: CatalogNoteKind
    name: str = ""

    @property
    def hides_items(self) -> bool:
        """Whether no search finds what it is about."""
        return self.kind in _HIDING

    def __str__(self) -> str:
        if self.kind == "only in variants":
            what = "no product in the sample has it; put it on the products if shoppers should find them by it"
            return f"{self.name}: {what}"
        if self.kind == "unlisted type":
            return f"{self.name}: no search finds items of this objecttype; list it in the catalog configuration"
        if self.kind == "no catalog":
            return "no search finds items with an objecttype; create a catalog entity for the source"
        return self.name


def notes_of(items: Sequence[Mapping[str, Any]], catalog: SourceCatalog) -> Iterator[CatalogNote]:
    """What the catalog says of items.

    Args:
        items: The fields of each item that have a value, by their names in small letters.
        catalog: The catalog of the source.
    """
    types = list(dict.fromkeys(map(_type_of, items)))
    if catalog.reason:
        yield CatalogNote("not looked at", catalog.reason)
    elif catalog.types is None and any(types):
        yield CatalogNote("no catalog")
    yield from _of_unlisted(types, catalog)
    yield from _of_fields_without_products(items, catalog)


def _of_unlisted(types: Iterable[str], catalog: SourceCatalog) -> Iterator[CatalogNote]:
    if catalog.types is not None:
        for own in types:
            if own and not catalog.is_of_kind(own, *KINDS):
                yield CatalogNote("unlisted type", shown(own))


def _of_fields_without_products(items: Iterable[Mapping[str, Any]], catalog: SourceCatalog) -> Iterator[CatalogNote]:
    holders: dict[str, set[str]] = {}
    for item in items:
        for field in item:
            holders.setdefault(field, set()).add(_type_of(item))
    for field, owners in sorted(holders.items()):
        is_of_all_kinds = field in catalog.ids or field in _OF_ALL_KINDS
        if not is_of_all_kinds and all(catalog.is_of_kind(own, "variant", "availability") for own in owners):
            yield CatalogNote("only in variants", field)


def _type_of(item: Mapping[str, Any]) -> str:
    return str(item.get("objecttype", ""))
