"""One call to Coveo's API: authorised, repeated while that can help, its refusal named.

Shared by the folders that talk to Coveo. Which calls make up an operation is not decided here.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from coveo_enrich.errors import AccessRefused, CoveoRefused, NoReply
from coveo_enrich.retry import TRANSIENT_STATUSES, RetryPolicy, retry_after_seconds, seconds_before_retry

if TYPE_CHECKING:
    from coveo_enrich._http import HttpSender, Reply

__all__ = [
    "AuthorisedCall",
    "CoveoCall",
    "CoveoCaller",
    "Pause",
    "error_of",
    "json_object",
    "seconds_until_retry",
]

Pause = Callable[[float], None]
"""Waits so many seconds, or raises when the work was told to stop."""

_LONGEST_DETAIL: Final = 300

# docs.coveo.com/en/95 and docs.coveo.com/en/63
_ADVICE: Final[Mapping[int | str, str]] = {
    "INVALID_TOKEN": "Check the API key: it is wrong, expired, disabled, or belongs to another organization.",
    "ORGANIZATION_IS_PAUSED": "Resume the organization in the Coveo console first.",
    "ORGANIZATION_NOT_FOUND": "Check the organization id and the region.",
    "SOURCE_DOES_NOT_EXIST": "Check the source id, and that the source belongs to this organization and region.",
    "DOCUMENT_LIMIT_EXCEEDED": "The organization's item entitlement is reached.",
    "TOO_MANY_DOCUMENTS_DAILY": "The organization's daily item limit is reached: try again tomorrow.",
    401: "Check the API key; Coveo also answers 401 for a missing privilege and for a wrong region.",
    403: "The API key is valid but lacks a privilege: pushing needs Sources, Edit on this source.",
    404: "Check the organization id, the source id and the region.",
}


@attrs.frozen
class CoveoCall:
    """One request to Coveo, without its authorisation and without a body.

    Attributes:
        operation: What it does, as errors name it.
        method: The HTTP method.
        url: The whole URL.
    """

    operation: str
    method: str
    url: str


@attrs.frozen
class AuthorisedCall:
    """A call, and the key that it is sent with."""

    call: CoveoCall
    api_key: str = attrs.field(repr=False)


@attrs.frozen
class _Answer:
    status: int
    error_code: str | None
    detail: str


class CoveoCaller:
    """Sends calls with one API key."""

    def __init__(self, sender: HttpSender, api_key: Callable[[], str], retry: RetryPolicy) -> None:
        self._sender = sender
        self._api_key = api_key
        self._retry = retry

    def send(self, call: CoveoCall, *, pause: Pause) -> Mapping[str, Any]:
        """Send a call that may safely be repeated, and return the JSON object that Coveo answered.

        Raises:
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            NoReply: Nothing was answered, several times over.
        """
        failures = 0
        while True:
            outcome = self.try_once(self.authorised(call))
            if not isinstance(outcome, NoReply) and outcome.ok:
                return _parse_object(call, outcome)
            failures += 1
            wait = self.wait_after(outcome, failures)
            if wait is None:
                raise error_of(call, outcome)
            pause(wait)

    def authorised(self, call: CoveoCall) -> AuthorisedCall:
        """A call with the key that it needs now."""
        return AuthorisedCall(call, self._api_key())

    def try_once(self, request: AuthorisedCall) -> Reply | NoReply:
        """Send a call once; that nothing was answered is an outcome like others."""
        call, key = request.call, request.api_key
        headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        try:
            reply = self._sender.send(call.operation, call.method, call.url, headers=headers)
        except NoReply as error:
            return error
        # Proxies and error pages repeat what they were sent, and an answer ends up in messages.
        return attrs.evolve(reply, body=reply.body.replace(key.encode("ascii"), b"(the key)"))

    def wait_after(self, outcome: Reply | NoReply, failures: int) -> float | None:
        """Seconds to wait before the call is repeated, or `None` when repeating cannot help."""
        if not isinstance(outcome, NoReply) and not _is_transient(outcome):
            return None
        return seconds_until_retry(self._retry, outcome, failures)


def seconds_until_retry(policy: RetryPolicy, outcome: Reply | NoReply, failures: int) -> float | None:
    """What `seconds_before_retry` says now, to this outcome."""
    header = None if isinstance(outcome, NoReply) else outcome.headers.get("retry-after")
    retry_after = retry_after_seconds(header, now=datetime.now(UTC))
    # Chance spreads clients over time; it guards nothing.
    jitter = random.random()  # noqa: S311
    return seconds_before_retry(policy, failures=failures, retry_after=retry_after, jitter=jitter)


def _is_transient(reply: Reply) -> bool:
    """Whether the same call may be answered differently a little later."""
    return reply.status in TRANSIENT_STATUSES and _read_answer(reply).error_code != "TOO_MANY_DOCUMENTS_DAILY"


def error_of(call: CoveoCall, outcome: Reply | NoReply) -> CoveoRefused | NoReply:
    """The error that tells of an outcome."""
    if isinstance(outcome, NoReply):
        return outcome
    answer = _read_answer(outcome)
    advice = _ADVICE.get(answer.error_code or "", "") or _ADVICE.get(answer.status, "")
    kind = AccessRefused if answer.status in (401, 403) else CoveoRefused
    return kind(call.operation, answer.status, answer.error_code, answer.detail, advice)


def _parse_object(call: CoveoCall, reply: Reply) -> Mapping[str, Any]:
    """The JSON object in a reply."""
    body = json_object(reply.body)
    if body is None:
        raise CoveoRefused(
            call.operation,
            reply.status,
            None,
            "the body is not a JSON object",
        )
    return body


def _read_answer(reply: Reply) -> _Answer:
    body = json_object(reply.body)
    if body is None:
        return _Answer(reply.status, None, _start_of(reply.body))
    code, message = body.get("errorCode"), body.get("message")
    return _Answer(reply.status, str(code) if code else None, str(message or "")[:_LONGEST_DETAIL])


def json_object(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object in a body; `None` when it holds anything else."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _start_of(body: bytes) -> str:
    text = " ".join(body[: 4 * _LONGEST_DETAIL].decode("utf-8", "replace").split())
    return text[:_LONGEST_DETAIL]
