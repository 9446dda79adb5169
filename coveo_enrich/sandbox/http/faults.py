"""Faults to order: what goes wrong, at which request, how often. Carrying them out is the front door's work."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias, get_args
from xml.sax.saxutils import escape

import attrs

from coveo_enrich.sandbox.push.containers import BUCKET

__all__ = [
    "Answer",
    "BrokenConnection",
    "Delay",
    "Effect",
    "Faults",
    "Hang",
    "LostReply",
    "Moment",
    "Operation",
    "Throttle",
    "operation_of",
]

Operation: TypeAlias = Literal[
    "open",
    "chunk",
    "close",
    "files",
    "update",
    "merge",
    "delete_older_than",
    "status",
    "upload",
    "source",
    "fields",
    "mappings",
    "metadata",
    "catalogs",
    "logs",
    "search",
]
Moment: TypeAlias = Literal["before", "middle"]

_OPERATIONS = get_args(Operation)
_MOMENTS = get_args(Moment)
_SOURCE = r"/organizations/[^/]+/sources/[^/]+"
_PATHS: tuple[tuple[str, re.Pattern[str], Operation], ...] = (
    ("POST", re.compile(rf"/push/v1{_SOURCE}/stream/open"), "open"),
    ("POST", re.compile(rf"/push/v1{_SOURCE}/stream/[^/]+/chunk"), "chunk"),
    ("POST", re.compile(rf"/push/v1{_SOURCE}/stream/[^/]+/close"), "close"),
    ("POST", re.compile(r"/push/v1/organizations/[^/]+/files"), "files"),
    ("PUT", re.compile(rf"/push/v1{_SOURCE}/stream/update"), "update"),
    ("PUT", re.compile(rf"/push/v1{_SOURCE}/stream/merge"), "merge"),
    ("POST", re.compile(rf"/push/v1{_SOURCE}/stream/deleteolderthan/[^/]+"), "delete_older_than"),
    ("POST", re.compile(rf"/push/v1{_SOURCE}/status"), "status"),
    ("PUT", re.compile(rf"/{BUCKET}/.+"), "upload"),
    ("GET", re.compile(rf"/rest{_SOURCE}"), "source"),
    ("", re.compile(r"/rest/organizations/[^/]+/indexes/(page/)?fields(/.*)?"), "fields"),
    ("", re.compile(rf"/rest{_SOURCE}/mappings(/.*)?"), "mappings"),
    ("", re.compile(rf"/rest{_SOURCE}/metadata(/status)?"), "metadata"),
    ("", re.compile(r"/rest/organizations/[^/]+/catalog(s|configurations)(/.*)?"), "catalogs"),
    ("POST", re.compile(r"/logs/v1/organizations/[^/]+(/facets(Stats)?)?"), "logs"),
    ("", re.compile(r"/rest/search/v2(/fields|/values)?"), "search"),
)
_CODES = {
    400: "INVALID_JSON",
    401: "INVALID_TOKEN",
    403: "ACCESS_DENIED",
    404: "ORGANIZATION_NOT_FOUND",
    412: "INVALID_PARAMETER",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "TOO_MANY_REQUESTS",
}
_STATUSES = range(200, 600)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_STORAGE_CODES = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


def operation_of(method: str, path: str) -> Operation | None:
    """What a request asks for; `None` when it is nothing that the sandbox does."""
    for wanted, pattern, operation in _PATHS:
        if wanted in (method, "") and pattern.fullmatch(path):
            return operation
    return None


def _check_status(_instance: object, _attribute: object, status: int) -> None:
    if status not in _STATUSES:
        raise ValueError(f"a status is 200 to 599; got {status!r}")


def _check_headers(_instance: object, _attribute: object, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value) or name.lower() == "content-length":
            raise ValueError(f"the header {name!r} cannot be sent so; Content-Length follows from the body")


def _check_body(_instance: object, _attribute: object, body: str) -> None:
    try:
        body.encode()
    except UnicodeEncodeError:
        raise ValueError("the body holds half of a surrogate pair") from None


@attrs.frozen
class Answer:
    """An error in the place of what was asked for, which does not happen."""

    status: int = attrs.field(validator=_check_status)
    headers: Mapping[str, str] = attrs.field(validator=_check_headers)
    body: str = attrs.field(validator=_check_body)

    @classmethod
    def of(
        cls,
        operation: Operation,
        status: int,
        *,
        error_code: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> Answer:
        """An error in the words of whoever answers to ``operation``: the storage for an upload, Coveo for the rest."""
        if body is not None:
            return cls(status, dict(headers or {}), body)
        if operation == "upload":
            code = escape(error_code or _STORAGE_CODES.get(status, "InternalError"))
            text = f"<Error><Code>{code}</Code><Message>Ordered by the test.</Message></Error>"
            return cls(status, _with_type("application/xml", headers), text)
        error = {"message": "Ordered by the test.", "errorCode": error_code or _CODES.get(status)}
        text = json.dumps({key: value for key, value in error.items() if value is not None})
        return cls(status, _with_type("application/json", headers), text)


def _with_type(content_type: str, headers: Mapping[str, str] | None) -> dict[str, str]:
    given = dict(headers or {})
    says_it = any(name.lower() == "content-type" for name in given)
    return given if says_it else {"Content-Type": content_type, **given}


def _check_moment(_instance: object, _attribute: object, when: Moment) -> None:
    if when not in _MOMENTS:
        raise ValueError(f"when is one of {', '.join(_MOMENTS)}; got {when!r}")


@attrs.frozen
class BrokenConnection:
    """The connection ends before anything happens, or within the body of the request, or within that of the reply.

    Attributes:
        when: ``before`` or ``middle``.
    """

    when: Moment = attrs.field(default="before", validator=_check_moment)


@attrs.frozen
class LostReply:
    """What was asked for happens, then the connection is reset in the place of the reply."""


@attrs.frozen
class Hang:
    """The request is taken in, and nothing happens until its client gives up."""


def _check_seconds(_instance: object, _attribute: object, seconds: float) -> None:
    if not 0 <= seconds < math.inf:
        raise ValueError(f"seconds is 0 or more, and finite; got {seconds}")


def _check_rate(_instance: object, _attribute: object, bytes_per_second: float) -> None:
    if not 0 < bytes_per_second < math.inf:
        raise ValueError(f"bytes_per_second is more than 0, and finite; got {bytes_per_second}")


@attrs.frozen
class Delay:
    """The request waits before anything happens."""

    seconds: float = attrs.field(validator=_check_seconds)


@attrs.frozen
class Throttle:
    """The request's body is read slowly; where it has none, the reply's is written slowly."""

    bytes_per_second: float = attrs.field(validator=_check_rate)


# A slowed request goes on to the order behind; each of the others decides what becomes of it.
_Slowness: TypeAlias = Delay | Throttle
Effect: TypeAlias = _Slowness | Answer | BrokenConnection | LostReply | Hang


@attrs.define
class _Order:
    operation: Operation
    effect: Effect
    after: int
    times: int | None

    @property
    def is_done(self) -> bool:
        return self.times == 0

    def meets(self) -> bool:
        """Whether the fault strikes the request that just came, which is counted."""
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._lock = threading.Lock()

    def order(self, operation: Operation, effect: Effect, *, times: int | None, after: int) -> None:
        """Let ``effect`` strike ``times`` requests (`None`: all), after ``after`` others that it leaves alone.

        Raises:
            ValueError: An operation that is not known, or a negative number.
        """
        if operation not in _OPERATIONS:
            raise ValueError(f"an operation is one of {', '.join(_OPERATIONS)}; got {operation!r}")
        if after < 0 or (times is not None and times < 1):
            raise ValueError("after is 0 or more, and times is 1 or more, or None for all")
        with self._lock:
            self._orders.append(_Order(operation, effect, after, times))

    def take(self, operation: Operation) -> list[Effect]:
        """What strikes this request, in the order of being ordered; the last may decide what becomes of it."""
        with self._lock:
            struck = list(self._strike(operation))
            self._orders = [order for order in self._orders if not order.is_done]
        return struck

    def _strike(self, operation: Operation) -> Iterator[Effect]:
        """Orders behind the one that decides do not count the request."""
        for order in self._orders:
            if order.operation == operation and order.meets():
                yield order.effect
                if not isinstance(order.effect, Delay | Throttle):
                    return
