"""The catalog configuration of a source, asked for (docs.coveo.com/en/n8of5561).

What it says of documents is `coveo_enrich.index.catalog.notes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused
from coveo_enrich.index.catalog.source_catalog import KINDS, USUAL_IDS, SourceCatalog
from coveo_enrich.index.json_parts import object_of
from coveo_enrich.index.place import CoveoPlace, organization_url

__all__ = ["read_catalog"]


def read_catalog(place: CoveoPlace, send: Callable[[CoveoCall], Mapping[str, Any]]) -> SourceCatalog:
    """Ask for the catalog of the source; that the key may not look is a value, as most may not.

    Raises:
        CoveoRefused: Coveo answered with another error.
        NoReply: Nothing was answered, several times over.
    """
    url = f"{organization_url(place)}/catalogconfigurations/source/{quote(place.source_id, safe='')}"
    call = CoveoCall("read the catalog configuration", "GET", url, privilege="Commerce, Catalogs: View")
    try:
        return _catalog_in(send(call))
    except CoveoRefused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return SourceCatalog()
        if refused.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return SourceCatalog(reason=str(refused))
        raise


def _catalog_in(answer: Mapping[str, Any]) -> SourceCatalog:
    kinds = {kind: object_of(answer.get(kind)) for kind in KINDS}
    types = {kind: str(one["objectType"]) for kind, one in kinds.items() if one.get("objectType")}
    if not types:
        return SourceCatalog(reason="the catalog configuration names no objecttype")
    ids = {str(kinds[kind].get(key) or usual).lower() for (kind, key), usual in USUAL_IDS.items()}
    return SourceCatalog(types=types, ids=frozenset(ids))
