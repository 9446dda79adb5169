"""Keys of services: as text or as something that returns one, kept out of every repr, message and pickle.

What a key opens, and which header carries it, is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from coveo_enrich.errors import ConfigurationError

__all__ = ["Key", "check_key", "check_optional_key", "read_key", "refuse_to_pickle"]

Key = str | Callable[[], str]
"""A key as text, or a callable without arguments that returns it, called each time the key is needed."""


def check_key(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Raise unless a value can be a key: the validator of attributes that hold one."""
    if not callable(value):
        _require_sendable(attribute.name, value)


def check_optional_key(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """As `check_key`, and there may be none."""
    if value is not None:
        check_key(instance, attribute, value)


def read_key(name: str, key: Key) -> str:
    """The key itself, for the request and nothing else.

    Raises:
        ConfigurationError: A callable returned something that is not a key.
    """
    return _require_sendable(name, key if isinstance(key, str) else key())


def refuse_to_pickle(what: str, *keys: Key | None, instead: str) -> None:
    """Raise `ConfigurationError` if one of the keys is a text, which would travel with the pickle.

    Args:
        what: What holds them, as the message names it.
        keys: The keys.
        instead: What to do instead.
    """
    if any(isinstance(key, str) for key in keys):
        raise ConfigurationError(f"this {what} holds its key as text, and text would travel with the pickle; {instead}")


def _require_sendable(name: str, key: object) -> str:
    # Checked here because an HTTP library quotes an illegal header, and so the key, in its own error.
    if isinstance(key, str) and key and key.isascii() and key.isprintable() and " " not in key:
        return key
    raise ConfigurationError(f"{name} must be text without blanks, line ends or accented letters, or a callable")
