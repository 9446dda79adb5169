"""One call to Coveo's API: authorised, paced, repeated while that can help, its refusal named.

Shared by the folders that talk to Coveo. Which calls make up an operation is not decided here.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from coveo_enrich.errors import AccessRefused, CoveoRefused, NoReply
from coveo_enrich.retry import (
    TRANSIENT_STATUSES,
    Pace,
    RetryBudget,
    RetryPolicy,
    read_http_date,
    require_count,
    retry_after_seconds,
    seconds_before_retry,
)

if TYPE_CHECKING:
    from coveo_enrich._http import HttpSender, Interrupt, Reply

__all__ = [
    "CALLS_PER_FIVE_MINUTES",
    "LONGEST_LIST",
    "AuthorisedCall",
    "Connections",
    "CoveoCall",
    "CoveoCaller",
    "Patience",
    "Pause",
    "error_code_of",
    "error_of",
    "is_of_coveo",
    "json_object",
]

_log = logging.getLogger("coveo_enrich.calls")

Pause = Callable[[float], None]
"""Waits so many seconds, or raises when the work was told to stop."""

CALLS_PER_FIVE_MINUTES: Final = 250  # docs.coveo.com/en/o64d1129

LONGEST_LIST: Final = 32_000_000
"""Bytes of an answer that lists things: a page of a hundred items with long texts is some megabytes."""

_LONGEST_DETAIL: Final = 300

# docs.coveo.com/en/95 and docs.coveo.com/en/63
_ADVICE: Final[Mapping[int | str, str]] = {
    "INVALID_TOKEN": "Check the API key: it is wrong, expired, disabled, or belongs to another organization or region.",
    "ORGANIZATION_IS_PAUSED": "Resume the organization in the Coveo console first.",
    "ORGANIZATION_NOT_FOUND": "Check the organization id and the region.",
    "SOURCE_DOES_NOT_EXIST": "Check the source id, and that the source belongs to this organization and region.",
    "DOCUMENT_LIMIT_EXCEEDED": "The organization's item entitlement is reached.",
    "TOO_MANY_DOCUMENTS_DAILY": "The organization's daily item limit is reached: try again tomorrow.",
    401: "Check the API key; Coveo also answers 401 for a missing privilege and for a wrong region.",
    403: "The API key is valid but lacks a privilege: pushing needs Sources, Edit; reading the size Sources, View.",
    404: "Check the organization id, the source id and the region.",
}


@attrs.frozen
class CoveoCall:
    """One request to Coveo, without its authorisation.

    Attributes:
        operation: What it does, as errors name it.
        method: The HTTP method.
        url: The whole URL.
        body: Its JSON; `None` for a call without a body.
        privilege: What the key must be allowed to do, as Coveo's console calls it; empty for pushing.
        max_bytes: The longest answer that is read, default 1,000,000.
    """

    operation: str
    method: str
    url: str
    body: bytes | None = None
    privilege: str = ""
    max_bytes: int = 1_000_000


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
    request_id: str | None


class Patience:
    """How long one run waits, between tries and for its turn: by its policy, within its budget, at its pace."""

    def __init__(self, policy: RetryPolicy, pace: Pace) -> None:
        self._policy = policy
        self._pace = pace
        self._budget = RetryBudget(policy.budget_seconds)
        self._paced_seconds = 0.0
        self._lock = threading.Lock()

    @property
    def retry_seconds(self) -> float:
        """Seconds that were waited between tries."""
        return self._budget.spent

    @property
    def paced_seconds(self) -> float:
        """Seconds that calls waited for their turn."""
        return self._paced_seconds

    def wait_for_turn(self, operation: str, pause: Pause) -> None:
        """Wait until another call stays within the calls that Coveo allows."""
        seconds = self._pace.take(time.monotonic())
        if not seconds:
            return
        with self._lock:
            self._paced_seconds += seconds
        _log.warning(
            "%s: waiting %.0f s, to stay within the calls that Coveo allows in five minutes",
            operation,
            seconds,
            extra={"coveo_operation": operation, "coveo_wait_seconds": seconds},
        )
        pause(seconds)

    def wait_after(self, operation: str, outcome: Reply | NoReply, failures: int) -> float | None:
        """Seconds to wait before the next try, or `None` when it is time to give up."""
        seconds = seconds_before_retry(
            self._policy,
            failures=failures,
            retry_after=None if isinstance(outcome, NoReply) else _pause_asked_for(outcome),
            jitter=random.random(),  # noqa: S311 - chance spreads clients over time; it guards nothing
        )
        if seconds is None or not self._budget.take(seconds):
            return None
        status = None if isinstance(outcome, NoReply) else outcome.status
        _log.warning(
            "%s: %s; trying again in %.1f s",
            operation,
            outcome.reason if isinstance(outcome, NoReply) else f"answered {outcome.status}",
            seconds,
            extra={
                "coveo_operation": operation,
                "coveo_status": status,
                "coveo_failures": failures,
                "coveo_wait_seconds": seconds,
            },
        )
        return seconds


def _pause_asked_for(reply: Reply) -> float | None:
    """Seconds; a date is read by the clock of who wrote it, which may differ from this machine's."""
    now = read_http_date(reply.headers.get("date")) or datetime.now(UTC)
    return retry_after_seconds(reply.headers.get("retry-after"), now=now)


class Connections:
    """Connections and a pace, made on first use in each process, so that they pickle.

    Args:
        calls_per_five_minutes: How many calls are made in any five minutes, 1 or more.
        ca_bundle: A file or folder of certificates to trust instead of the usual ones.
        user_agent_suffix: What the user's program is called.

    Raises:
        ConfigurationError: ``calls_per_five_minutes`` is out of its range.
    """

    def __init__(
        self, calls_per_five_minutes: int, *, ca_bundle: str | Path | None, user_agent_suffix: str | None
    ) -> None:
        require_count("calls_per_five_minutes", calls_per_five_minutes, 1)
        self._calls_per_five_minutes = calls_per_five_minutes
        self._ca_bundle = ca_bundle
        self._user_agent_suffix = user_agent_suffix

    @cached_property
    def sender(self) -> HttpSender:
        """What sends requests."""
        from coveo_enrich._http import HttpSender  # noqa: PLC0415 - httpx is loaded by the first request

        return HttpSender(user_agent_suffix=self._user_agent_suffix, ca_bundle=self._ca_bundle)

    @cached_property
    def pace(self) -> Pace:
        """What says when the next call's turn is."""
        return Pace(self._calls_per_five_minutes)

    def close(self) -> None:
        """Release connections; the next call makes new ones."""
        if "sender" in self.__dict__:
            self.sender.close()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name not in ("sender", "pace")}


class CoveoCaller:
    """Sends calls with one API key."""

    def __init__(self, sender: HttpSender, api_key: Callable[[], str], patience: Patience) -> None:
        self._sender = sender
        self._api_key = api_key
        self._patience = patience

    def send(self, call: CoveoCall, *, pause: Pause, interrupt: Interrupt | None = None) -> Mapping[str, Any]:
        """Send a call that may safely be repeated, and return the JSON object that Coveo answered.

        Raises:
            CoveoRefused: Coveo answered with an error that repeating does not cure, or with no JSON object.
            NoReply: Nothing was answered, several times over.
        """
        return _parse_object(call, self.reply_to(call, pause=pause, interrupt=interrupt))

    def reply_to(
        self,
        call: CoveoCall,
        *,
        pause: Pause,
        interrupt: Interrupt | None = None,
        watch: Callable[[Reply | NoReply], object] | None = None,
    ) -> Reply:
        """Send a call that may safely be repeated, and return the 2xx that came back.

        Args:
            call: What to send.
            pause: Waits between tries.
            interrupt: What may break it off.
            watch: Told what came of each try.

        Raises:
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            NoReply: Nothing was answered, several times over.
        """
        failures = 0
        while True:
            request = self.authorised(call)
            self.wait_for_turn(call, pause)
            outcome = self.try_once(request, interrupt=interrupt)
            if watch:
                watch(outcome)
            if not isinstance(outcome, NoReply) and outcome.ok:
                return outcome
            failures += 1
            wait = self.wait_after(call, outcome, failures)
            if wait is None:
                raise error_of(call, outcome)
            pause(wait)

    def authorised(self, call: CoveoCall) -> AuthorisedCall:
        """A call with the key that it needs now."""
        return AuthorisedCall(call, self._api_key())

    def wait_for_turn(self, call: CoveoCall, pause: Pause) -> None:
        """Wait until a call stays within the calls that Coveo allows; comes before each `try_once`."""
        self._patience.wait_for_turn(call.operation, pause)

    def try_once(self, request: AuthorisedCall, *, interrupt: Interrupt | None = None) -> Reply | NoReply:
        """Send a call once; that nothing was answered is an outcome like others."""
        call, key = request.call, request.api_key
        headers = {
            "Authorization": f"Bearer {key}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        try:
            reply = self._sender.send(
                call.operation,
                call.method,
                call.url,
                headers=headers,
                content=call.body,
                max_bytes=call.max_bytes,
                interrupt=interrupt,
            )
        except NoReply as error:
            return error
        return attrs.evolve(reply, secret=key)

    def wait_after(self, call: CoveoCall, outcome: Reply | NoReply, failures: int) -> float | None:
        """Seconds to wait before the call is repeated, or `None` when repeating cannot help."""
        if not _may_pass(outcome):
            return None
        return self._patience.wait_after(call.operation, outcome, failures)


def _may_pass(reply: Reply | NoReply) -> bool:
    """Whether the same call may be answered differently a little later."""
    if isinstance(reply, NoReply):
        from coveo_enrich._http import NoReplyTooLong  # noqa: PLC0415 - httpx is loaded by the first request

        return not isinstance(reply, NoReplyTooLong)
    if reply.ok:
        return not is_of_coveo(reply)
    return reply.status in TRANSIENT_STATUSES and _read_answer(reply).error_code != "TOO_MANY_DOCUMENTS_DAILY"


def error_of(call: CoveoCall, outcome: Reply | NoReply) -> CoveoRefused | NoReply:
    """The error that tells of an outcome."""
    if isinstance(outcome, NoReply):
        return outcome
    answer = _read_answer(outcome)
    advice = _ADVICE.get(answer.error_code or "", "") or _advice_for(call, answer.status)
    kind = AccessRefused if answer.status in (401, 403) else CoveoRefused
    # Proxies and error pages repeat what they were sent.
    code, detail, request_id = (
        _shown(text, outcome.secret) for text in (answer.error_code, answer.detail, answer.request_id)
    )
    return kind(call.operation, answer.status, code, detail or "", advice, request_id)


def _advice_for(call: CoveoCall, status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED and call.privilege:
        return (
            "Check the API key; Coveo also answers 401 for a wrong region, and for a missing privilege, which here "
            f"would be: {call.privilege}."
        )
    if status == HTTPStatus.FORBIDDEN and call.privilege:
        return (
            f"The API key is valid but lacks a privilege: {call.privilege}. Add it to the key in the Coveo console, or "
            "give a key that has it as platform_key (COVEO_PLATFORM_KEY)."
        )
    return _ADVICE.get(status, "")


def is_of_coveo(reply: Reply) -> bool:
    """Whether a success can be Coveo's own: with a JSON object, or empty. A proxy's log-in page is not."""
    return not reply.body or json_object(reply.body) is not None


def error_code_of(outcome: Reply | NoReply) -> str | None:
    """Coveo's ``errorCode`` in an answer; `None` when there is none."""
    return None if isinstance(outcome, NoReply) else _read_answer(outcome).error_code


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
    named = reply.headers.get("x-request-id")
    if body is None:
        return _Answer(reply.status, None, " ".join(reply.body.decode("utf-8", "replace").split()), named)
    code, message, request_id = body.get("errorCode"), body.get("message"), body.get("requestId") or named
    return _Answer(
        reply.status,
        str(code) if code else None,
        str(message or ""),
        str(request_id) if request_id else None,
    )


def _shown(text: str | None, secret: str) -> str | None:
    """The start of a text, fit for a message: first without the secret, of which a cut might leave a part."""
    if text is None:
        return None
    return (text.replace(secret, "(the key)") if secret else text)[:_LONGEST_DETAIL]


def json_object(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object in a body; `None` when it holds anything else."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
