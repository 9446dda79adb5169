"""How many items a source has now (docs.coveo.com, Source API: ``information.numberOfDocuments``).

The number guards a load against a catalog that shrank. What follows from it is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from coveo_enrich._calls import CoveoCall
from coveo_enrich.index.json_parts import object_of

__all__ = ["item_count_call", "parse_item_count"]


def item_count_call(platform_host: str, organization_id: str, source_id: str) -> CoveoCall:
    """Ask for the state of a source. The key must be allowed to view it."""
    path = f"/rest/organizations/{quote(organization_id, safe='')}/sources/{quote(source_id, safe='')}"
    return CoveoCall("read the size of the source", "GET", platform_host + path)


def parse_item_count(body: Mapping[str, Any]) -> int | None:
    """Read the number from the answer; `None` when the answer holds none."""
    number: object = object_of(body.get("information")).get("numberOfDocuments")
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None
