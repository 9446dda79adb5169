"""The two shapes in which a request is refused: Coveo's, and that of the storage behind an upload URL."""

from __future__ import annotations

import attrs

__all__ = ["Refused", "StorageRefused", "invalid_parameter", "missing_parameter", "not_understood"]


@attrs.define(slots=False)
class Refused(Exception):
    """Coveo would answer with an error.

    Attributes:
        status: The HTTP status.
        code: Coveo's ``errorCode``; `None` where a gateway would answer and not Coveo.
        message: What is wrong.
    """

    status: int
    code: str | None
    message: str


@attrs.define(slots=False)
class StorageRefused(Exception):
    """The storage would answer with an error.

    Attributes:
        status: The HTTP status.
        code: The storage's ``<Code>``.
        message: What is wrong.
    """

    status: int
    code: str
    message: str


def invalid_parameter(message: str) -> Refused:
    """What Coveo answers to a stream, file or option that it does not know."""
    return Refused(412, "INVALID_PARAMETER", message)


def missing_parameter(name: str) -> Refused:
    """What Coveo answers to a call without a parameter that it needs."""
    return Refused(412, "MISSING_PARAMETER", f"The parameter {name} is missing.")


def not_understood(what: str) -> Refused:
    """A body that is no model of what is sent."""
    return Refused(400, "INVALID_PARAMETER", f"It cannot be understood: {what}.")
