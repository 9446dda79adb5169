"""Where an organization and a source are found, as the calls of this folder need it.

`coveo_enrich.CoveoSource` is one; nothing else of it is known here.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote

__all__ = ["CoveoPlace", "organization_url", "source_url"]


class CoveoPlace(Protocol):
    """An organization, a source, the hosts that answer for them, and the keys."""

    @property
    def organization_id(self) -> str:
        """The organization's id."""
        ...

    @property
    def source_id(self) -> str:
        """The source's id."""
        ...

    @property
    def push_host(self) -> str:
        """The host that answers ``/push/v1`` and ``/logs/v1``."""
        ...

    @property
    def platform_host(self) -> str:
        """The host that answers ``/rest``."""
        ...

    @property
    def search_host(self) -> str:
        """The host that answers searches."""
        ...

    def read_api_key(self) -> str:
        """The key that may push."""
        ...

    def read_platform_key(self) -> str:
        """The key for the platform host."""
        ...


def organization_url(place: CoveoPlace) -> str:
    """Where the platform host has what belongs to the organization."""
    return f"{place.platform_host}/rest/organizations/{quote(place.organization_id, safe='')}"


def source_url(place: CoveoPlace) -> str:
    """Where it has what belongs to the source."""
    return f"{organization_url(place)}/sources/{quote(place.source_id, safe='')}"
