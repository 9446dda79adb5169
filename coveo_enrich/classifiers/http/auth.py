"""How a service is shown a key: in a header, in the query, by HTTP Basic, or in the body.

Each of these adds to a request that is about to be sent, and says which texts may stand in no message. A token that
has to be fetched first is a callable key.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any, Final, Protocol

import attrs

from coveo_enrich._secrets import Key, check_key, refuse_to_pickle
from coveo_enrich.classifiers.service_calls import key_for_call
from coveo_enrich.errors import ConfigurationError

__all__ = ["Auth", "BasicAuth", "BodyAuth", "Credentials", "HeaderAuth", "QueryAuth"]

_INSTEAD: Final = "give a callable that returns it, such as a function of a module that reads it from the environment"
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@attrs.frozen(kw_only=True)
class Credentials:
    """What is added to one request. Holds keys in clear, and lives only as long as the request.

    Attributes:
        headers: Headers.
        query: Parameters of the query.
        body: Fields of a JSON or form body.
        secrets: What may stand in no message.
    """

    headers: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    query: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    body: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)


class Auth(Protocol):
    """How a service is shown a key."""

    def credentials(self) -> Credentials:
        """What is added to a request.

        Raises:
            ConfigurationError: A callable raised, or returned something that is not a key.
        """
        ...


def _check_header(_instance: object, _attribute: attrs.Attribute[str], value: str) -> None:
    if not _HEADER.fullmatch(value):
        raise ConfigurationError(f"{value!r} cannot be the name of a header")


def _check_prefix(_instance: object, _attribute: attrs.Attribute[str], value: str) -> None:
    if not (value.isascii() and value.isprintable()):
        raise ConfigurationError(f"{value!r} cannot stand in a header")


@attrs.frozen(slots=False)
class HeaderAuth:
    """A key in a header.

    Attributes:
        key: The key, as text or as a callable without arguments that returns it, called for each request.
        header: The header; default ``Authorization``.
        prefix: The word before the key; default ``Bearer``, empty for none.
    """

    key: Key = attrs.field(repr=False, eq=False, validator=check_key)
    header: str = attrs.field(default="Authorization", kw_only=True, validator=_check_header)
    prefix: str = attrs.field(default="Bearer", kw_only=True, validator=_check_prefix)

    def credentials(self) -> Credentials:
        """What is added to a request."""
        key = key_for_call("key", self.key)
        return Credentials(headers={self.header: f"{self.prefix} {key}".strip()}, secrets=(key,))

    def __getstate__(self) -> dict[str, Any]:
        refuse_to_pickle("HeaderAuth", self.key, instead=_INSTEAD)
        return self.__dict__.copy()


@attrs.frozen(slots=False)
class QueryAuth:
    """A key in the query of the URL, where proxies and access logs see it: for services that take it nowhere else.

    Attributes:
        key: The key, as text or as a callable that returns it.
        parameter: The name of the parameter; default ``api_key``.
    """

    key: Key = attrs.field(repr=False, eq=False, validator=check_key)
    parameter: str = attrs.field(default="api_key", kw_only=True)

    def credentials(self) -> Credentials:
        """What is added to a request."""
        key = key_for_call("key", self.key)
        return Credentials(query={self.parameter: key}, secrets=(key,))

    def __getstate__(self) -> dict[str, Any]:
        refuse_to_pickle("QueryAuth", self.key, instead=_INSTEAD)
        return self.__dict__.copy()


def _check_username(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    check_key(instance, attribute, value)
    if isinstance(value, str) and ":" in value:
        raise ConfigurationError("username must have no colon: HTTP Basic ends it there")


@attrs.frozen(slots=False)
class BasicAuth:
    """HTTP Basic: a user name, which some services call the API key, and a password.

    Attributes:
        username: As text or as a callable that returns it.
        password: As text or as a callable that returns it.
    """

    username: Key = attrs.field(repr=False, eq=False, validator=_check_username)
    password: Key = attrs.field(repr=False, eq=False, validator=check_key)

    def credentials(self) -> Credentials:
        """What is added to a request."""
        username, password = key_for_call("username", self.username), key_for_call("password", self.password)
        encoded = b64encode(f"{username}:{password}".encode("ascii")).decode("ascii")
        return Credentials(
            headers={"Authorization": f"Basic {encoded}"}, secrets=(encoded.rstrip("="), password, username)
        )

    def __getstate__(self) -> dict[str, Any]:
        refuse_to_pickle("BasicAuth", self.username, self.password, instead=_INSTEAD)
        return self.__dict__.copy()


@attrs.frozen(slots=False)
class BodyAuth:
    """A key in a field at the top of the JSON or form body.

    Attributes:
        key: The key, as text or as a callable that returns it.
        field: The name of the field; default ``api_key``.
    """

    key: Key = attrs.field(repr=False, eq=False, validator=check_key)
    field: str = attrs.field(default="api_key", kw_only=True)

    def credentials(self) -> Credentials:
        """What is added to a request."""
        key = key_for_call("key", self.key)
        return Credentials(body={self.field: key}, secrets=(key,))

    def __getstate__(self) -> dict[str, Any]:
        refuse_to_pickle("BodyAuth", self.key, instead=_INSTEAD)
        return self.__dict__.copy()
