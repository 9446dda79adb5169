"""When to ask again, and after how long.

Pure decisions: no clock, no chance and no socket of their own, so that every one of them can be tested by hand. What
counts as transient differs from service to service and is decided beside the calls of that service.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import attrs

from coveo_enrich.errors import ConfigurationError

__all__ = ["TRANSIENT_STATUSES", "RetryPolicy", "is_success", "retry_after_seconds", "seconds_before_retry"]

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
    step. A pause that the service asks for (``Retry-After``) is kept instead.

    Attributes:
        attempts: Tries in all, the first one included; 1 or more, default 6.
        first_wait_seconds: Wait before the second try; 0 or more, default 1.
        longest_wait_seconds: No single wait is longer, default 300, Coveo's window for counting calls. A service that
            asks for a longer one is not asked again.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    attempts: int = attrs.field(default=6, kw_only=True)
    first_wait_seconds: float = attrs.field(default=1.0, kw_only=True)
    longest_wait_seconds: float = attrs.field(default=300.0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.attempts >= 1:
            raise ConfigurationError(f"attempts must be 1 or more; got {self.attempts!r}")
        if not (self.first_wait_seconds >= 0 and self.longest_wait_seconds >= 0):
            raise ConfigurationError("first_wait_seconds and longest_wait_seconds must be 0 or more")


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
    if retry_after is not None:
        return retry_after if retry_after <= policy.longest_wait_seconds else None
    doublings = min(failures - 1, _MOST_DOUBLINGS)
    wait = min(policy.first_wait_seconds * 2.0**doublings, policy.longest_wait_seconds)
    return wait * (1 - jitter / 2)


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """Read a ``Retry-After`` header, which holds seconds or a date; `None` when it holds neither.

    Args:
        header: The header's text; `None` when the reply had none.
        now: The time now, with its zone.
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        return None
    return max(0.0, (when - now).total_seconds())
