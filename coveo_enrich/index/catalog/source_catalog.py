"""The catalog of a source, as a value: which ``objecttype`` its products, variants and availabilities have.

Asking for it is `coveo_enrich.index.catalog.reading`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

__all__ = ["KINDS", "USUAL_IDS", "SourceCatalog"]

KINDS: Final = ("product", "variant", "availability")
"""What an item of a catalog can be."""

USUAL_IDS: Final[Mapping[tuple[str, str], str]] = {
    ("product", "idField"): "ec_product_id",
    ("variant", "idField"): "ec_variant_id",
    ("availability", "idField"): "ec_availability_id",
    ("availability", "availableSkusField"): "ec_available_items",
}
"""The fields that hold ids where a catalog configuration names no others, by the place where it names them."""


@attrs.frozen(kw_only=True)
class SourceCatalog:
    """What is known of the catalog of a source.

    Attributes:
        types: The ``objecttype`` of each kind, ``product``, ``variant`` and ``availability``, as far as there is one;
            `None` when there is no catalog, or it could not be read.
        reason: Why it could not be read; empty when it could.
        ids: The fields that tell items of all kinds apart, by which no product is to be found.
    """

    types: Mapping[str, str] | None = None
    reason: str = ""
    ids: frozenset[str] = frozenset(USUAL_IDS.values())

    def is_of_kind(self, object_type: str, *kinds: str) -> bool:
        """Whether items of a type are of one of some kinds; where no types are known, by the usual names of them."""
        if self.types is None:
            return object_type.lower() in kinds
        return object_type in [self.types[kind] for kind in kinds if kind in self.types]
