"""The catalog of a source: which ``objecttype`` its products, variants and availabilities have, if it has a catalog.

Only products are results of a search. What is of a type that the catalog configuration does not list is none, and an
attribute that only variants hold finds no product (docs.coveo.com/en/n8of5561, /en/o64d1129).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal, cast
from urllib.parse import quote

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused, shown
from coveo_enrich.index.fields.names import RESERVED
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.search.comparing import is_something

__all__ = ["CatalogNote", "SourceCatalog", "notes_of", "read_catalog"]

CatalogNoteKind = Literal["only in variants", "unlisted type", "no catalog", "not looked at"]

_HIDING: Final = ("unlisted type", "no catalog")
_USUAL: Final = ("product", "variant", "availability")


@attrs.frozen
class CatalogNote:
    """Something about the catalog of a source that keeps items from being found.

    Attributes:
        kind: ``only in variants``, a field by which no product is found; ``unlisted type``, an ``objecttype`` whose
            items no search finds; ``no catalog``, when the source has no catalog entity; ``not looked at``.
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
            return f"{self.name}, only variants hold it, and no product is found by it"
        if self.kind == "unlisted type":
            return f"{self.name}, the catalog configuration does not list this objecttype: no search finds such items"
        if self.kind == "no catalog":
            return "the source has no catalog entity: no search finds its items"
        return self.name


@attrs.frozen(kw_only=True)
class SourceCatalog:
    """What is known of the catalog of a source.

    Attributes:
        types: The ``objecttype`` of each kind, ``product``, ``variant`` and ``availability``, as far as there is one;
            `None` when there is no catalog, or it could not be read.
        reason: Why it could not be read; empty when it could.
        variant_id: The field with the id of a variant, by which no product is to be found.
    """

    types: Mapping[str, str] | None = None
    reason: str = ""
    variant_id: str = "ec_variant_id"

    def is_of_kind(self, object_type: str, *kinds: str) -> bool:
        """Whether items of a type are of one of some kinds; where no types are known, by the usual names of them."""
        if self.types is None:
            return object_type.lower() in kinds
        return object_type in [self.types[kind] for kind in kinds if kind in self.types]


def read_catalog(place: CoveoPlace, send: Callable[[CoveoCall], Mapping[str, Any]]) -> SourceCatalog:
    """Ask for the catalog of the source; that the key may not look is a value, as most may not.

    Raises:
        CoveoRefused: Coveo answered with another error.
        NoReply: Nothing was answered, several times over.
    """
    organization, source = (quote(one, safe="") for one in (place.organization_id, place.source_id))
    url = f"{place.platform_host}/rest/organizations/{organization}/catalogconfigurations/source/{source}"
    call = CoveoCall("read the catalog configuration", "GET", url, privilege="Commerce, Catalogs: View")
    try:
        return _catalog_in(send(call))
    except CoveoRefused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return SourceCatalog()
        if refused.status == HTTPStatus.FORBIDDEN:
            return SourceCatalog(reason=str(refused))
        raise


def notes_of(documents: Iterable[Mapping[str, Any]], catalog: SourceCatalog) -> Iterator[CatalogNote]:
    """What the catalog says of documents."""
    if catalog.reason:
        yield CatalogNote("not looked at", catalog.reason)
    elif catalog.types is None:
        yield CatalogNote("no catalog")
    types: dict[str, None] = {}
    holders: dict[str, set[str]] = {}
    for document in documents:
        fields = {str(key).lower(): value for key, value in document.items() if is_something(value)}
        own = str(fields.get("objecttype", ""))
        types[own] = None
        for field in fields.keys() - RESERVED:
            holders.setdefault(field, set()).add(own)
    yield from _unlisted(types, catalog)
    if any(catalog.is_of_kind(own, "product") for own in types):
        for field, owners in sorted(holders.items()):
            if field != catalog.variant_id and all(catalog.is_of_kind(own, "variant") for own in owners):
                yield CatalogNote("only in variants", field)


def _unlisted(types: Iterable[str], catalog: SourceCatalog) -> Iterator[CatalogNote]:
    if catalog.types is not None:
        for own in types:
            if own and not catalog.is_of_kind(own, *_USUAL):
                yield CatalogNote("unlisted type", shown(own))


def _catalog_in(answer: Mapping[str, Any]) -> SourceCatalog:
    kinds = {kind: _object(answer.get(kind)) for kind in _USUAL}
    types = {kind: str(one["objectType"]) for kind, one in kinds.items() if one.get("objectType")}
    if not types:
        return SourceCatalog(reason="the catalog configuration names no objecttype")
    return SourceCatalog(types=types, variant_id=str(kinds["variant"].get("idField") or "ec_variant_id").lower())


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
