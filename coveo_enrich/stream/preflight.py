"""A look at the fields before anything is sent: what is sent into a field that is not there vanishes without an error.

What fields have to be, and whether they are, is known to `coveo_enrich.index`.
"""

from __future__ import annotations

import logging
from typing import Any, Literal, TypeAlias

import attrs

from coveo_enrich.errors import ConfigurationError, FieldsNotReady
from coveo_enrich.index.fields.needs import FieldNeed, needs_by_name
from coveo_enrich.index.fields.reading import Send, plan_for_needs
from coveo_enrich.stream.source import CoveoSource

__all__ = ["FieldCheck", "Preflight"]

_log = logging.getLogger("coveo_enrich.stream")

FieldCheck: TypeAlias = Literal["check", "ignore"]


def _several(needs: Any) -> tuple[FieldNeed, ...]:  # noqa: ANN401 - whatever a caller passes
    try:
        given: tuple[Any, ...] = tuple(needs)
    except TypeError:
        given = (needs,)
    if not all(isinstance(one, FieldNeed) for one in given):
        raise ConfigurationError(f"needs are FieldNeed values, as FieldMapping.needs() gives them; got {needs!r:.200}")
    return tuple(needs_by_name(given).values())


@attrs.frozen
class Preflight:
    """What a client checks before its operations.

    Attributes:
        source: Where items go.
        needs: The fields that items fill.
    """

    source: CoveoSource
    needs: tuple[FieldNeed, ...] = attrs.field(converter=_several)

    def check(self, fields: FieldCheck | None, send: Send) -> None:
        """Raise unless nothing that is sent would vanish; what is only less useful than needed is logged.

        Args:
            fields: Whether to look; `None`: when there are needs.
            send: Makes a call with the key of the platform.

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
        plan = plan_for_needs(self.needs, self.source, send)
        if plan.loses_values:
            raise FieldsNotReady(str(plan), bool(plan.to_create or plan.to_map))
        for conflict in plan.conflicts:
            _log.warning("a field is not as it is needed: %s", conflict, extra={"coveo_field": conflict.field})
