"""When to ask again, and after how long: pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import RetryPolicy
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.retry import TRANSIENT_STATUSES, is_success, retry_after_seconds, seconds_before_retry

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def _wait(policy: RetryPolicy, failures: int, *, retry_after: float | None = None, jitter: float = 0) -> float | None:
    return seconds_before_retry(policy, failures=failures, retry_after=retry_after, jitter=jitter)


def test_waits_double_up_to_the_longest() -> None:
    """From one second, twice as long each time, never longer than the longest."""
    policy = RetryPolicy(attempts=7, longest_wait_seconds=10)
    assert [_wait(policy, failures) for failures in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_the_defaults_are_as_documented() -> None:
    """Six tries, the first wait one second, no wait over Coveo's window of five minutes."""
    assert RetryPolicy() == RetryPolicy(attempts=6, first_wait_seconds=1, longest_wait_seconds=300)


@pytest.mark.parametrize("attempts", [1, 2, 6])
def test_it_gives_up_after_so_many_attempts(attempts: int) -> None:
    """Attempts counts the first try: after the last one there is no wait, and not even Retry-After buys another."""
    policy = RetryPolicy(attempts=attempts)
    assert all(_wait(policy, failures) is not None for failures in range(1, attempts))
    assert _wait(policy, attempts) is None
    assert _wait(policy, attempts + 1, retry_after=0) is None


@given(
    attempts=st.integers(1, 5_000),
    first=st.floats(0, 1e6),
    longest=st.floats(0, 1e6),
    failures=st.integers(1, 5_000),
    jitter=st.floats(0, 1),
)
def test_a_wait_is_at_least_half_and_at_most_whole(
    attempts: int, first: float, longest: float, failures: int, jitter: float
) -> None:
    """Law 7: for every policy and number of failures, jitter takes away up to half; there is a wait until the end."""
    policy = RetryPolicy(attempts=attempts, first_wait_seconds=first, longest_wait_seconds=longest)
    wait = _wait(policy, failures, jitter=jitter)
    if failures >= attempts:
        assert wait is None
        return
    whole = _wait(policy, failures)
    assert wait is not None
    assert whole is not None
    assert whole / 2 <= wait <= whole <= longest


@pytest.mark.parametrize(("jitter", "wait"), [(0, 4), (0.5, 3), (1, 2)])
def test_chance_shortens_a_wait_by_up_to_half(jitter: float, wait: float) -> None:
    """Law 7: the random number decides between the whole wait and half of it."""
    assert _wait(RetryPolicy(), 3, jitter=jitter) == wait


@pytest.mark.parametrize("asked", [0, 0.5, 7, 300])
def test_what_the_service_asks_for_is_kept(asked: float) -> None:
    """Law 7: Retry-After stands in place of the own wait, and chance takes nothing away from it."""
    assert _wait(RetryPolicy(), 1, retry_after=asked, jitter=1) == asked


def test_a_pause_that_is_too_long_ends_the_tries() -> None:
    """Law 7: a service that asks for more than the longest wait is not asked again, rather than asked too early."""
    assert _wait(RetryPolicy(), 1, retry_after=300.1) is None


@pytest.mark.parametrize(
    "policy",
    [
        {"attempts": 0},
        {"attempts": -1},
        {"first_wait_seconds": -0.1},
        {"longest_wait_seconds": -1},
        {"first_wait_seconds": float("nan")},
    ],
)
def test_a_policy_out_of_range_is_refused(policy: dict[str, int]) -> None:
    """A number that makes no sense is a configuration error, when the policy is made."""
    with pytest.raises(ConfigurationError):
        RetryPolicy(**policy)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("2", 2.0),
        (" 120 ", 120.0),
        ("9" * 400, float("inf")),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1e3", None),
        ("٣", None),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 11:59:00 GMT", 0.0),
        ("Sun, 01 Mar 2026 12:00:30", None),
        ("Sun, 31 Feb 2026 12:00:30 GMT", None),
        ("Sun, 01 Mar 99999999999999999999 12:00:30 GMT", None),
        ("Sun, 01 Mar 2026 12:00:30 +99999999999999", None),
    ],
)
def test_retry_after_is_read(header: str | None, seconds: float | None) -> None:
    """Law 7: seconds or a date with its zone; a date gone by means at once, and garbage means nothing was asked."""
    assert retry_after_seconds(header, now=NOW) == seconds


@given(st.integers(-100_000, 100_000))
def test_a_date_is_as_good_as_seconds(seconds: int) -> None:
    """Law 7: a date is the seconds until then, and never less than none."""
    header = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert retry_after_seconds(header, now=NOW) == max(0, seconds)


@given(st.text(max_size=60))
def test_no_header_can_break_it(header: str) -> None:
    """Law 7: whatever stands in the header, it is read as a wait or as nothing."""
    seconds = retry_after_seconds(header, now=NOW)
    assert seconds is None or seconds >= 0


def test_what_is_transient() -> None:
    """Law 7: exactly these six statuses may be another a moment later."""
    assert {status for status in range(100, 600) if status in TRANSIENT_STATUSES} == {408, 429, 500, 502, 503, 504}


def test_what_is_success() -> None:
    """Success is 2xx: Coveo answers 200, 201 and 202."""
    assert [status for status in range(100, 600) if is_success(status)] == list(range(200, 300))
