"""The catalogs of every organization as they are now, and their changes, which are remembered and come one at a time.

What a change does is decided in `coveo_enrich.sandbox.platform.catalogs`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from coveo_enrich.sandbox.platform.catalog_models import catalogs_from_memory, catalogs_memory
from coveo_enrich.sandbox.platform.catalogs import Catalogs
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["CatalogRegistry"]


class CatalogRegistry:
    """The catalogs of every organization.

    Args:
        remembered: What was remembered, each with its organization.
        save: Remembers the catalogs of an organization.
        next_ordering_id: The smallest orderingId that may still be given: from it on a change counts.
    """

    def __init__(
        self,
        remembered: Iterable[tuple[str, Mapping[str, Any]]],
        save: Callable[[str, Mapping[str, Json]], None],
        next_ordering_id: Callable[[], int],
    ) -> None:
        self._by_organization = {organization_id: catalogs_from_memory(model) for organization_id, model in remembered}
        self._save = save
        self._next_ordering_id = next_ordering_id
        self._lock = threading.Lock()

    def of(self, organization_id: str) -> Catalogs:
        """The catalogs of an organization as they are now; this value does not change any more."""
        return self._by_organization.get(organization_id, Catalogs())

    def with_source(self, organization_id: str, source_id: str) -> Catalogs:
        """The same, in which the source has been named."""
        if source_id in self.of(organization_id).history:
            return self.of(organization_id)
        return self.change(organization_id, lambda now: now.with_source(source_id))

    def change(self, organization_id: str, change: Callable[[Catalogs], Catalogs]) -> Catalogs:
        """Put other catalogs in the place of those of an organization.

        Args:
            organization_id: The organization.
            change: From the catalogs as they are to the new ones.

        Returns:
            The new ones.
        """
        with self._lock:
            new = change(self.of(organization_id)).remembering(self._next_ordering_id())
            self._by_organization[organization_id] = new
            self._save(organization_id, catalogs_memory(new))
            return new
