"""The calls about fields and mapping rules, and what their answers say (platform.cloud.coveo.com, Field, Source API).

Pure: which of them are made, and in which order, is decided in `coveo_enrich.index.fields.reading` and
`coveo_enrich.index.fields.client`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from coveo_enrich._calls import LONGEST_LIST, CoveoCall
from coveo_enrich.index.fields.needs import FieldNeed
from coveo_enrich.index.fields.settings import FieldSettings, field_model
from coveo_enrich.index.json_parts import objects_of
from coveo_enrich.index.place import CoveoPlace, organization_url, source_url

__all__ = [
    "FIELDS_A_CALL",
    "add_rule_call",
    "create_fields_call",
    "fields_in",
    "mappings_call",
    "metadata_call",
    "pages_in",
    "search_fields_call",
    "ways_in",
]

FIELDS_A_CALL: Final = 500
"""As many as Coveo's own client creates at once; no limit is documented."""
_PAGE: Final = 1_000


def search_fields_call(place: CoveoPlace, names: Sequence[str], page: int) -> CoveoCall:
    """List fields of these names, a thousand at a time; the answer may hold others too."""
    body = {"page": page, "perPage": _PAGE, "sortBy": "name", "order": "ASC", "filters": {"fieldNames": list(names)}}
    url, privilege = f"{_fields(place)}/search", "Search, Fields: View"
    return CoveoCall("list the fields", "POST", url, _encoded(body), privilege=privilege, max_bytes=LONGEST_LIST)


def create_fields_call(place: CoveoPlace, needs: Iterable[FieldNeed]) -> CoveoCall:
    """Create fields, all of them or none."""
    models = [field_model(need) for need in needs]
    return CoveoCall(
        "create fields", "POST", f"{_fields(place)}/batch/create", _encoded(models), privilege="Search, Fields: Create"
    )


def mappings_call(place: CoveoPlace) -> CoveoCall:
    """Read all mapping rules of the source."""
    url = f"{source_url(place)}/mappings"
    return CoveoCall("read the mappings", "GET", url, privilege="Content, Sources: View", max_bytes=LONGEST_LIST)


def add_rule_call(place: CoveoPlace, field: str, metadata: Iterable[str]) -> CoveoCall:
    """Add the rule that fills a field with metadata of these names, and leave all others alone."""
    body = {"field": field, "content": [f"%[{one}]" for one in metadata]}
    url = f"{source_url(place)}/mappings/common/rules?rebuild=false"
    return CoveoCall(f"map the field {field}", "POST", url, _encoded(body), privilege="Content, Sources: Edit")


def metadata_call(place: CoveoPlace, page: int) -> CoveoCall:
    """Read a page of the report about the metadata that the source received, if there is one."""
    url = f"{source_url(place)}/metadata?page={page}&perPage=100"
    privilege = "Content, Source metadata: View"
    return CoveoCall("read the metadata report", "GET", url, privilege=privilege, max_bytes=LONGEST_LIST)


def fields_in(answer: Mapping[str, Any]) -> Iterator[FieldSettings]:
    """The fields in an answer to `search_fields_call`."""
    yield from map(FieldSettings.of_model, _items_in(answer))


def ways_in(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each metadata in an answer to `metadata_call`, as it is spelled, with how it was indexed.

    That is ``NONE``, ``FIELD`` or ``MAPPING``.
    """
    for item in _items_in(answer):
        yield str(item.get("key") or ""), str(item.get("indexedBy") or "")


def pages_in(answer: Mapping[str, Any]) -> int:
    """How many pages there are of what an answer is one page of."""
    pages = answer.get("totalPages")
    return pages if isinstance(pages, int) and not isinstance(pages, bool) else 1


def _items_in(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a page of a list holds."""
    return objects_of(answer.get("items"))


def _fields(place: CoveoPlace) -> str:
    return f"{organization_url(place)}/indexes/fields"


def _encoded(body: object) -> bytes:
    return json.dumps(body).encode()
