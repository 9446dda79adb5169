"""What the clients of this folder share: the way to the platform host, and when its connections are released.

What a client asks for is its own matter.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import PlatformCalls
from coveo_enrich.retry import RetryPolicy

__all__ = ["PlatformClient", "require_seconds"]


class PlatformClient:
    """A client of one source's organization; the parameters are described where a user meets them."""

    def __init__(
        self,
        place: CoveoPlace,
        retry: RetryPolicy | None,
        calls_per_five_minutes: int,
        *,
        ca_bundle: str | Path | None,
        user_agent_suffix: str | None,
    ) -> None:
        self._place = place
        self._calls = PlatformCalls(
            place, retry, calls_per_five_minutes, ca_bundle=ca_bundle, user_agent_suffix=user_agent_suffix
        )

    def close(self) -> None:
        """Release connections; the next call makes new ones."""
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._place!r})"


def require_seconds(name: str, value: object) -> None:
    """Raise `ConfigurationError` unless a value is a time that can be waited."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ConfigurationError(f"{name} must be 0 or more seconds; got {value!r}")
