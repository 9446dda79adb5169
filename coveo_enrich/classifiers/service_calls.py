"""One request to a classification service over HTTP, and what its status means for a picture.

For adapters that speak HTTP themselves. What stands in a request and in its answer is each adapter's matter; whether
and when a call is made again is decided in `coveo_enrich.classifiers.asking`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import attrs

from coveo_enrich._secrets import Key, read_key
from coveo_enrich.errors import (
    ConfigurationError,
    CoveoEnrichError,
    ImageRejected,
    NoReply,
    ServiceUnavailable,
    Throttled,
    shown,
)
from coveo_enrich.retry import is_success, retry_after_seconds

if TYPE_CHECKING:
    from coveo_enrich._http import HttpSender, Reply

__all__ = ["ServiceCalls", "key_for_call", "read_json", "require_success", "retry_after"]

_REFUSED: Final = frozenset({401, 402, 403, 407})
_WRONG_ADDRESS: Final = frozenset({*range(300, 400), 404, 405, 410})
_TRANSIENT: Final = frozenset({408, 425})
_SLOW_DOWN: Final = 429
_SERVER_ERRORS: Final = range(500, 600)
_ANSWER_SECONDS: Final = 60
_MAX_ANSWER_BYTES: Final = 32_000_000


class ServiceCalls:
    """Sends requests to one service, from any thread; connections are made when they are needed.

    Args:
        service: The name of the service, as messages say it.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None = None, secret: str = ""
    ) -> Reply:
        """Send one request, and return whatever was answered.

        Args:
            method: The HTTP method.
            url: An http or https URL.
            headers: Its headers.
            content: Its body.
            secret: What was sent and may stand in no message about the answer.

        Raises:
            ServiceUnavailable: Nothing came back, or not all of it.
            ConfigurationError: No such request can be sent.
        """
        try:
            reply = self._sender.send(f"ask {self._service}", method, url, headers=headers, content=content)
        except NoReply as error:
            raise ServiceUnavailable(str(error)) from error
        return attrs.evolve(reply, secret=secret)

    def close(self) -> None:
        """Release connections; the next request makes new ones."""
        sender = self.__dict__.pop("_connections", None)
        if sender is not None:
            sender.close()

    def __getstate__(self) -> dict[str, object]:
        return {"_service": self._service}

    @property
    def _sender(self) -> HttpSender:
        from coveo_enrich._http import AnswerLimits, HttpSender  # noqa: PLC0415 - httpx is loaded by the first request

        if "_connections" not in self.__dict__:
            # Of threads that come here at once, one makes the sender that all of them use.
            limits = AnswerLimits(seconds=_ANSWER_SECONDS, max_bytes=_MAX_ANSWER_BYTES)
            self.__dict__.setdefault("_connections", HttpSender(limits=limits))
        sender: HttpSender = self.__dict__["_connections"]
        return sender


def key_for_call(name: str, key: Key) -> str:
    """The key of a service.

    Raises:
        ConfigurationError: There is none, for any picture. What its callable raised is told by its kind alone, as it
            may quote what it was about to return.
    """
    try:
        return read_key(name, key)
    except CoveoEnrichError:
        raise
    except Exception as error:  # noqa: BLE001 - a function of the user's
        kind = type(error).__name__
    raise ConfigurationError(f"{name} could not be had: its callable raised {kind}")


def require_success(service: str, reply: Reply) -> None:
    """Raise what a status that is not 2xx means.

    Raises:
        ConfigurationError: 401, 402, 403: the key or the account; 407: the proxy's; 404, 405, 410 and every 3xx, as no
            redirect is followed: the address.
        Throttled: 429.
        ServiceUnavailable: 408, 425 and every 5xx.
        ImageRejected: Any other: the service cannot work with this picture.
    """
    if is_success(reply.status):
        return
    answered = f"{service} answered {reply.status}{_said(reply)}"
    if reply.status in _REFUSED:
        raise ConfigurationError(f"{answered}: check the key, and what the account may do")
    if reply.status in _WRONG_ADDRESS:
        raise ConfigurationError(f"{answered}: check the address of the service")
    if reply.status == _SLOW_DOWN:
        raise Throttled(answered, retry_after(reply))
    if reply.status in _TRANSIENT or reply.status in _SERVER_ERRORS:
        raise ServiceUnavailable(answered, retry_after(reply))
    raise ImageRejected(answered)


def retry_after(reply: Reply) -> float | None:
    """Seconds that a reply asks to wait; `None` when it does not say."""
    return retry_after_seconds(reply.headers.get("retry-after"), now=datetime.now(UTC))


def read_json(service: str, reply: Reply) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The JSON that a reply holds.

    Raises:
        ServiceUnavailable: It holds none: a page of a proxy, or an answer that was cut off.
    """
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise ServiceUnavailable(f"{service} answered {reply.status} with something that is no JSON") from error


def _said(reply: Reply) -> str:
    text = reply.body[:1000].decode("utf-8", "replace")
    if reply.secret:
        text = text.replace(reply.secret, "…")
    return f" ({shown(text.strip())})" if text.strip() else ""
