"""A look at the fields before anything is sent: what is sent into a field that is not there vanishes without an error.

What fields have to be, and whether they are, is known to `coveo_enrich.index`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

import attrs

from coveo_enrich.errors import ConfigurationError, FieldsNotReady
from coveo_enrich.index.fields import FieldClient
from coveo_enrich.index.needs import FieldNeed
from coveo_enrich.retry import RetryPolicy
from coveo_enrich.stream.source import CoveoSource

__all__ = ["FieldCheck", "Preflight"]

FieldCheck: TypeAlias = Literal["check", "ignore"]


def _several(needs: Any) -> tuple[FieldNeed, ...]:  # noqa: ANN401 - whatever a caller passes
    try:
        given: tuple[Any, ...] = tuple(needs)
    except TypeError:
        given = (needs,)
    if not all(isinstance(one, FieldNeed) for one in given):
        raise ConfigurationError(f"needs are FieldNeed values, as FieldMapping.needs() gives them; got {needs!r:.200}")
    return given


@attrs.frozen
class Preflight:
    """What a client checks before its operations.

    Attributes:
        source: Where items go.
        retry: How patiently calls are repeated.
        needs: The fields that items fill.
        ca_bundle: As `StreamClient` takes it.
        user_agent_suffix: As `StreamClient` takes it.
    """

    source: CoveoSource
    retry: RetryPolicy
    needs: tuple[FieldNeed, ...] = attrs.field(converter=_several)
    ca_bundle: str | Path | None = None
    user_agent_suffix: str | None = None

    def check(self, fields: FieldCheck | None) -> None:
        """Raise unless nothing that is sent would vanish.

        Args:
            fields: Whether to look; `None`: when there are needs.

        Raises:
            ConfigurationError: It is to be looked, and nothing is needed.
            FieldsNotReady: A field is not there, or would not take what is sent.
            AccessRefused: The key may not look.
            CoveoRefused: Coveo answered with another error.
            NoReply: Nothing was answered, several times over.
        """
        if fields not in ("check", "ignore", None):
            raise ConfigurationError(f"fields must be 'check' or 'ignore'; got {fields!r}")
        if fields == "check" and not self.needs:
            raise ConfigurationError("fields='check' needs to know the fields: StreamClient(…, needs=mapping.needs())")
        if fields == "ignore" or not self.needs:
            return
        with FieldClient(
            self.source, retry=self.retry, ca_bundle=self.ca_bundle, user_agent_suffix=self.user_agent_suffix
        ) as client:
            plan = client.plan(self.needs)
        if plan.loses_values:
            raise FieldsNotReady(str(plan))
