"""When to ask, when to ask again, and after how long.

Pure decisions: no clock, no chance, no socket and no waiting of their own, so that every one of them can be tested by
hand; what counts is told the time. What counts as transient differs from service to service and is decided beside the
calls of that service.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import attrs

from coveo_enrich.errors import ConfigurationError

__all__ = [
    "TRANSIENT_STATUSES",
    "Pace",
    "RetryBudget",
    "RetryPolicy",
    "is_success",
    "read_http_date",
    "require_count",
    "retry_after_seconds",
    "seconds_before_retry",
]

TRANSIENT_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})
"""HTTP statuses that may be another a moment later, at Coveo and at the storage behind it."""

_SUCCESS: Final = range(200, 300)
_MOST_DOUBLINGS: Final = 64  # more would leave the range of floats long after any wait made sense


def is_success(status: int) -> bool:
    """Whether an HTTP status is 2xx."""
    return status in _SUCCESS


@attrs.frozen
class RetryPolicy:
    """How patiently a call is repeated when its failure may pass.

    Waits double from ``first_wait_seconds``, each shortened at random by up to half so that clients do not march in
    step. A longer pause that the service asks for (``Retry-After``) is kept instead. By default these are waits of 1,
    2, 4 … 256 seconds: 511 seconds in all, about 380 once chance has shortened them, and so longer than the five
    minutes over which Coveo counts calls.

    Attributes:
        attempts: Tries in all, the first one included; 1 or more, default 10.
        first_wait_seconds: Wait before the second try; 0 or more, default 1.
        longest_wait_seconds: No single wait is longer; 0 or more, default 300, Coveo's window for counting calls. A
            service that asks for a longer one is not asked again.
        budget_seconds: The most that one run spends waiting between tries, over all its calls; 0 or more, default
            1,800. A run that would need more gives up.

    Raises:
        ConfigurationError: A value is out of its range, or no number.
    """

    attempts: int = attrs.field(default=10, kw_only=True)
    first_wait_seconds: float = attrs.field(default=1.0, kw_only=True)
    longest_wait_seconds: float = attrs.field(default=300.0, kw_only=True)
    budget_seconds: float = attrs.field(default=1800.0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        require_count("attempts", self.attempts, 1)
        for name in ("first_wait_seconds", "longest_wait_seconds", "budget_seconds"):
            value = getattr(self, name)
            if not (_is_number(value) and value >= 0):
                raise ConfigurationError(f"{name} must be a number, 0 or more; got {value!r}")


def require_count(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise `ConfigurationError` unless a value is a whole number within its limits."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= least and (most is None or value <= most):
        return
    limits = f"{least:,} or more" if most is None else f"from {least:,} to {most:,}"
    raise ConfigurationError(f"{name} must be a whole number, {limits}; got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class RetryBudget:
    """What one run may still spend on waiting between tries; its threads share it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._spent = 0.0
        self._lock = threading.Lock()

    @property
    def spent(self) -> float:
        """Seconds taken so far."""
        return self._spent

    def take(self, seconds: float) -> bool:
        """Take so many seconds; when that is more than is left, take none and return `False`."""
        with self._lock:
            if self._spent + seconds > self._seconds:
                return False
            self._spent += seconds
            return True


class Pace:
    """Keeps calls within so many in any window of time; threads that share it get one place after the other.

    Calls may come in bursts: nothing waits while the window has room. At most ``calls`` times are remembered.

    Args:
        calls: How many calls a window holds; 1 or more.
        window_seconds: How long a window is; more than 0, default 300, over which Coveo counts calls.

    Raises:
        ConfigurationError: A value is out of its range, or no number.
    """

    def __init__(self, calls: int, window_seconds: float = 300.0) -> None:
        require_count("calls", calls, 1)
        if not (_is_number(window_seconds) and 0 < window_seconds < math.inf):
            raise ConfigurationError(f"window_seconds must be a number, more than 0; got {window_seconds!r}")
        self._calls = calls
        self._window = window_seconds
        self._places: deque[float] = deque()
        self._latest = -math.inf
        self._lock = threading.Lock()

    def take(self, now: float) -> float:
        """Take the next place, and return how many seconds to wait before making the call.

        Args:
            now: The time in seconds by a clock that never goes back; threads may bring their times out of order.
        """
        with self._lock:
            self._latest = self._next(now)
            return self._latest - now

    def _next(self, now: float) -> float:
        place = max(now, self._latest)
        if len(self._places) == self._calls:
            place = max(place, self._places.popleft() + self._window)
        self._places.append(place)
        return place


def seconds_before_retry(
    policy: RetryPolicy, *, failures: int, retry_after: float | None, jitter: float
) -> float | None:
    """How long to wait after so many failures in a row, or `None` to give up.

    Args:
        policy: How patient to be.
        failures: Tries that failed so far, 1 or more.
        retry_after: Seconds that the service asked for; `None` when it did not.
        jitter: A random number from 0 to 1.
    """
    if failures >= policy.attempts:
        return None
    asked = retry_after or 0.0
    if asked > policy.longest_wait_seconds:
        return None
    doublings = min(failures - 1, _MOST_DOUBLINGS)
    wait = min(policy.first_wait_seconds * 2.0**doublings, policy.longest_wait_seconds)
    # Never sooner than without its wish: one that asks for no pause at all would get every try at once.
    return max(asked, wait * (1 - jitter / 2))


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """Read a ``Retry-After`` header, which holds seconds or a date; `None` when it holds neither.

    Args:
        header: The header's text; `None` when the reply had none.
        now: The time now, with its zone, by the clock that wrote the header.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    when = read_http_date(text)
    return None if when is None else max(0.0, (when - now).total_seconds())


def read_http_date(header: str | None) -> datetime | None:
    """Read a date with its zone, as it stands in a ``Date`` header; `None` when it is none."""
    try:
        when = parsedate_to_datetime(header or "")
    except (ValueError, OverflowError):
        return None
    return when if when.tzinfo else None
