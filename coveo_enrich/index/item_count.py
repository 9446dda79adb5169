"""How many items a source has now (docs.coveo.com, Source API: ``information.numberOfDocuments``).

The number guards a load against a catalog that shrank. What follows from it is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coveo_enrich._calls import CoveoCall
from coveo_enrich.index.json_parts import object_of
from coveo_enrich.index.place import CoveoPlace, source_url

__all__ = ["item_count_call", "parse_item_count"]


def item_count_call(place: CoveoPlace) -> CoveoCall:
    """Ask for the state of a source. The key must be allowed to view it."""
    return CoveoCall("read the size of the source", "GET", source_url(place))


def parse_item_count(body: Mapping[str, Any]) -> int | None:
    """Read the number from the answer; `None` when the answer holds none."""
    number: object = object_of(body.get("information")).get("numberOfDocuments")
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None
