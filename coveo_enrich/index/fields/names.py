"""What Coveo takes for the name of a field. What a field holds, and whether it is there, is no matter here."""

from __future__ import annotations

import re
from typing import Any, Final

from coveo_enrich.errors import ConfigurationError

__all__ = ["RESERVED", "check_field_name", "is_field_name"]

_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,254}")  # platform.cloud.coveo.com, Field API

RESERVED: Final = frozenset(
    {
        "compressedbinarydata",
        "compressedbinarydatafileid",
        "compressiontype",
        "data",
        "documentid",
        "fileextension",
        "orderingid",
        "parentid",
        "permissions",
    }
)
"""Keys of an item that say what it is and are no fields: docs.coveo.com/en/162."""


def is_field_name(name: str) -> bool:
    """Whether a field can have such a name, be it reserved or not."""
    return _FIELD_NAME.fullmatch(name) is not None


def check_field_name(_instance: object, _attribute: object, value: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """Raise unless a field can have such a name: the validator of every value that holds one."""
    if not isinstance(value, str) or not is_field_name(value):
        raise ConfigurationError(
            f"{value!r} is no Coveo field name: a lower-case letter, then letters, digits and underscores"
        )
