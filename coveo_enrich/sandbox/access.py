"""Who may call, and which organization and source there are: decided from the request's words alone.

What an API key may do, and call budgets, belong here too once the sandbox knows them.
"""

from __future__ import annotations

import hmac

import attrs

from coveo_enrich.sandbox.refusals import Refused

__all__ = ["Account", "check_json", "check_organization", "check_source", "check_token"]

_SCHEME = "bearer "


@attrs.frozen
class Account:
    """The one organization that the sandbox serves, with its one source and its one key."""

    organization_id: str
    source_id: str
    api_key: str = attrs.field(repr=False)


def check_token(account: Account, authorization: str | None) -> None:
    """Let only the account's key pass.

    Raises:
        Refused: 401, as ``UNAUTHORIZED`` without a bearer token and as ``INVALID_TOKEN`` with a wrong one.
    """
    if authorization is None or not authorization.lower().startswith(_SCHEME):
        raise Refused(401, "UNAUTHORIZED", "The request has no bearer token in its Authorization header.")
    token = authorization[len(_SCHEME) :].strip()
    if not hmac.compare_digest(token.encode(), account.api_key.encode()):
        raise Refused(401, "INVALID_TOKEN", "The token is expired, disabled or of another organization.")


def check_organization(account: Account, organization_id: str) -> None:
    """Let only the account's organization pass.

    Raises:
        Refused: 404 ``ORGANIZATION_NOT_FOUND``.
    """
    if organization_id != account.organization_id:
        raise Refused(404, "ORGANIZATION_NOT_FOUND", "There is no such organization here.")


def check_source(account: Account, source_id: str) -> None:
    """Let only the account's source pass.

    Raises:
        Refused: 412 ``SOURCE_DOES_NOT_EXIST``.
    """
    if source_id != account.source_id:
        raise Refused(412, "SOURCE_DOES_NOT_EXIST", "There is no such source in this organization.")


def check_json(content_type: str | None) -> None:
    """Let only a request pass that says that it carries JSON; Coveo wants it also where there is no body.

    Raises:
        Refused: 415 ``UNSUPPORTED_MEDIA_TYPE``.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type must be application/json.")
