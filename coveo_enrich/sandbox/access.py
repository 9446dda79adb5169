"""Who may call, and which organization and source there are: decided from the request's words alone."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from typing import Literal, TypeAlias, get_args

import attrs

from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.values import Source

__all__ = [
    "Account",
    "Privilege",
    "check_json",
    "check_organization",
    "check_source",
    "check_token",
    "read_privileges",
]

Privilege: TypeAlias = Literal[
    "CATALOG_EDIT",
    "CATALOG_VIEW",
    "FIELD_CREATE",
    "FIELD_EDIT",
    "FIELD_VIEW",
    "ORGANIZATION_VIEW",
    "SEARCH_API_EXECUTE_QUERY",
    "SOURCE_EDIT",
    "SOURCE_METADATA_VIEW",
    "SOURCE_VIEW",
]

_SCHEME = "bearer "
_ALL: frozenset[Privilege] = frozenset(get_args(Privilege))


def _new_key() -> str:
    return f"xx-{secrets.token_urlsafe(24)}"


@attrs.frozen
class Account:
    """The organization that the sandbox calls its own, with its source and its key.

    Attributes:
        organization_id: The organization.
        source_id: The source.
        api_key: The key, which may do everything.
        is_restricted: Whether there is nothing else; otherwise any organization and source is there as soon as it is
            named, and any other key may do everything.
    """

    organization_id: str
    source_id: str
    api_key: str = attrs.field(factory=_new_key, repr=False)
    is_restricted: bool = True
    _keys: dict[str, frozenset[Privilege]] = attrs.field(factory=dict[str, frozenset[Privilege]], repr=False)

    @property
    def source(self) -> Source:
        """The source with its organization."""
        return Source(self.organization_id, self.source_id)

    def create_key(self, privileges: Collection[Privilege]) -> str:
        """A new key, which may do only this.

        Raises:
            ValueError: A privilege that is not known.
        """
        unknown = set(privileges) - _ALL
        if unknown:
            raise ValueError(f"a privilege is one of {', '.join(sorted(_ALL))}; got {', '.join(sorted(unknown))}")
        key = _new_key()
        self._keys[key] = frozenset(privileges)
        return key

    def privileges_of(self, token: str) -> frozenset[Privilege] | None:
        """What a key may do; `None` when it is not valid."""
        known = {**self._keys, self.api_key: _ALL}
        found = (privileges for key, privileges in known.items() if hmac.compare_digest(token.encode(), key.encode()))
        return next(found, None if self.is_restricted or not token else _ALL)


def check_token(account: Account, authorization: str | None, privilege: Privilege) -> None:
    """Let only a key pass that may do this.

    Raises:
        Refused: 401, as ``UNAUTHORIZED`` without a bearer token and as ``INVALID_TOKEN`` with a wrong one; 403
            ``ACCESS_DENIED`` with one that may not.
    """
    if privilege not in read_privileges(account, authorization):
        raise Refused(403, "ACCESS_DENIED", f"The token has not the privilege {privilege}.")


def read_privileges(account: Account, authorization: str | None) -> frozenset[Privilege]:
    """What the key of a request may do.

    Raises:
        Refused: 401, as in `check_token`.
    """
    if authorization is None or not authorization.lower().startswith(_SCHEME):
        raise Refused(401, "UNAUTHORIZED", "The request has no bearer token in its Authorization header.")
    privileges = account.privileges_of(authorization[len(_SCHEME) :].strip())
    if privileges is None:
        raise Refused(401, "INVALID_TOKEN", "The token is expired, disabled or of another organization.")
    return privileges


def check_organization(account: Account, organization_id: str) -> None:
    """Let only an organization pass that there is.

    Raises:
        Refused: 404 ``ORGANIZATION_NOT_FOUND``.
    """
    if account.is_restricted and organization_id != account.organization_id:
        raise Refused(404, "ORGANIZATION_NOT_FOUND", "There is no such organization here.")


def check_source(account: Account, source_id: str) -> None:
    """Let only a source pass that there is.

    Raises:
        Refused: 412 ``SOURCE_DOES_NOT_EXIST``.
    """
    if account.is_restricted and source_id != account.source_id:
        raise Refused(412, "SOURCE_DOES_NOT_EXIST", "There is no such source in this organization.")


def check_json(content_type: str | None) -> None:
    """Let only a request pass that says that it carries JSON; Coveo wants it also where there is no body.

    Raises:
        Refused: 415 ``UNSUPPORTED_MEDIA_TYPE``.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type must be application/json.")
