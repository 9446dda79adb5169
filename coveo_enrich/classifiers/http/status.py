"""Failures that a service reports inside an answer, and how they become errors and values.

Many services answer HTTP 200 and say in the body that nothing worked. What an HTTP status means is decided in
`coveo_enrich.classifiers.service_calls`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping
from typing import Any, Final, cast, get_args

import attrs

from coveo_enrich.classifiers.values import Failure, FailureKind
from coveo_enrich.errors import (
    ClassifierError,
    ConfigurationError,
    CoveoEnrichError,
    ImageRejected,
    ServiceUnavailable,
    Throttled,
    shown,
)

__all__ = ["LIKE_HTTP", "OF_ONE_PICTURE", "StatusInside", "error_of", "failure_of", "value_at"]


OF_ONE_PICTURE: Final[dict[object, FailureKind]] = {
    429: "throttled",
    500: "transient",
    502: "transient",
    503: "transient",
    504: "transient",
}
"""What HTTP statuses inside an answer mean beside one picture: 403 and 404 may be what its own host answered."""

LIKE_HTTP: Final[dict[object, FailureKind]] = {
    401: "configuration",
    402: "configuration",
    403: "configuration",
    404: "configuration",
    405: "configuration",
    **OF_ONE_PICTURE,
}
"""What they mean beside the whole answer."""

_MAY_PASS: Final = ("transient", "throttled")


def value_at(answer: object, path: str) -> object:
    """What stands at keys joined by dots, such as ``status.code``; `None` when nothing does. No key: the whole."""
    for key in path.split(".") if path else ():
        if not isinstance(answer, Mapping):
            return None
        answer = cast("Mapping[str, object]", answer).get(key)
    return answer


def _codes(ok: object) -> Any:  # noqa: ANN401 - a converter
    return frozenset({ok}) if isinstance(ok, str) else ok


def _check_kinds(_instance: object, _attribute: attrs.Attribute[Any], kinds: Mapping[object, object]) -> None:
    odd = next((kind for kind in kinds.values() if kind not in get_args(FailureKind)), None)
    if odd is not None:
        raise ConfigurationError(f"kinds are {', '.join(get_args(FailureKind))}; got {odd!r}")


@attrs.frozen(kw_only=True)
class StatusInside:
    """Where an answer says whether it worked, and what it says then. Paths are keys joined by dots.

    Attributes:
        code: The path of the code, such as ``status.code``; an answer without one worked.
        ok: The codes that mean success; default none, for services that only name errors.
        kinds: What other codes mean; a code that is not here is ``permanent``: this picture will never work.
        message: The path of the text that goes with the code.
        retry_after: The seconds to wait before another try where that may help: their path, or how many.

    Raises:
        ConfigurationError: A kind is none.
    """

    code: str
    ok: Container[object] = attrs.field(default=(), converter=_codes)
    kinds: Mapping[object, FailureKind] = attrs.field(factory=dict[object, FailureKind], validator=_check_kinds)
    message: str | None = None
    retry_after: str | float | None = None

    def failure(self, answer: object) -> Failure | None:
        """What the answer says went wrong; `None` when it worked."""
        code = _plain(value_at(answer, self.code))
        if code is None or code in self.ok:
            return None
        said = value_at(answer, self.message) if self.message else None
        reason = f"{shown(str(code))}: {shown(str(said))}" if said else shown(str(code))
        kind = self.kinds.get(code, "permanent")
        return Failure(kind, reason, retry_after=self.seconds(answer) if kind in _MAY_PASS else None)

    def knows(self, answer: object) -> bool:
        """Whether the code in an answer is one whose meaning is given."""
        return _plain(value_at(answer, self.code)) in self.kinds

    def seconds(self, answer: object) -> float | None:
        """The wait that the answer asks for."""
        value = value_at(answer, self.retry_after) if isinstance(self.retry_after, str) else self.retry_after
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            seconds = float(value)
        except (ValueError, OverflowError):
            return None
        return seconds if 0 <= seconds < math.inf else None


def failure_of(error: CoveoEnrichError) -> Failure:
    """The value that stands for an error."""
    if isinstance(error, Throttled):
        return Failure("throttled", error.reason, retry_after=error.retry_after)
    if isinstance(error, ServiceUnavailable):
        return Failure("transient", error.reason, retry_after=error.retry_after)
    if isinstance(error, ConfigurationError):
        return Failure("configuration", str(error))
    return Failure("permanent", str(error))


def error_of(failure: Failure) -> ClassifierError | ConfigurationError:
    """The error that stands for a failure."""
    if failure.kind == "throttled":
        return Throttled(failure.reason, failure.retry_after)
    if failure.kind == "transient":
        return ServiceUnavailable(failure.reason, failure.retry_after)
    if failure.kind == "configuration":
        return ConfigurationError(failure.reason)
    return ImageRejected(failure.reason)


def _plain(value: object) -> Any:  # noqa: ANN401 - compared, and nothing else
    """A code as it is compared: a number in text is the number, and what is no code at all a text."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else value  # noqa: PLR2004 - no code is longer
    if value is None or isinstance(value, bool | int | float):
        return value
    return json.dumps(value, default=str)
