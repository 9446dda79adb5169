"""When to ask again, and after how long: pure decisions."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import RetryPolicy
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.retry import (
    TRANSIENT_STATUSES,
    Pace,
    RetryBudget,
    is_success,
    read_http_date,
    retry_after_seconds,
    seconds_before_retry,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def _wait(policy: RetryPolicy, failures: int, *, retry_after: float | None = None, jitter: float = 0) -> float | None:
    return seconds_before_retry(policy, failures=failures, retry_after=retry_after, jitter=jitter)


def test_waits_double_up_to_the_longest() -> None:
    """From one second, twice as long each time, never longer than the longest."""
    policy = RetryPolicy(attempts=7, longest_wait_seconds=10)
    assert [_wait(policy, failures) for failures in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_the_defaults_are_as_documented() -> None:
    """Ten tries, the first wait one second, no wait over Coveo's window of five minutes, half an hour in all."""
    assert RetryPolicy() == RetryPolicy(
        attempts=10, first_wait_seconds=1, longest_wait_seconds=300, budget_seconds=1800
    )


def test_the_default_waits_outlast_the_window_in_which_coveo_counts_calls() -> None:
    """Law 7: 511 seconds, 383 on average; a run that used up its calls goes on in the next window."""
    waits = [_wait(RetryPolicy(), failures) for failures in range(1, 11)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, None]
    assert sum(_wait(RetryPolicy(), failures, jitter=0.5) or 0 for failures in range(1, 11)) == 511 * 0.75 > 300


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


@pytest.mark.parametrize("asked", [4, 7, 300])
def test_what_the_service_asks_for_is_kept(asked: float) -> None:
    """Law 7: a longer Retry-After stands in place of the own wait, and chance takes nothing away from it."""
    assert _wait(RetryPolicy(), 3, retry_after=asked, jitter=1) == asked


def test_a_service_that_asks_for_no_pause_does_not_get_every_try_at_once() -> None:
    """Law 7: the own wait, shortened by chance, is the least there is, whatever Retry-After says."""
    assert [_wait(RetryPolicy(), failures, retry_after=0) for failures in range(1, 5)] == [1, 2, 4, 8]
    assert _wait(RetryPolicy(), 4, retry_after=3.9, jitter=1) == 4
    assert _wait(RetryPolicy(), 4, retry_after=4.1, jitter=1) == 4.1


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
        {"budget_seconds": -1},
        {"budget_seconds": float("nan")},
        {"attempts": "5"},
        {"attempts": 5.0},
        {"attempts": True},
        {"attempts": None},
        {"first_wait_seconds": "1"},
        {"longest_wait_seconds": None},
        {"budget_seconds": timedelta(minutes=30)},
        {"budget_seconds": True},
    ],
)
def test_a_policy_out_of_range_is_refused(policy: dict[str, Any]) -> None:
    """A value that makes no sense is a configuration error that names it, when the policy is made."""
    with pytest.raises(ConfigurationError, match="".join(policy)):
        RetryPolicy(**policy)


def test_what_is_spent_stays_within_the_budget() -> None:
    """Law 7: what is more than what is left is not taken, not even in part; what is less still is."""
    budget = RetryBudget(10)
    assert [budget.take(seconds) for seconds in (4, 7, 6, 0, 0.1)] == [True, False, True, True, False]
    assert budget.spent == 10


@given(limit=st.integers(0, 100), wanted=st.lists(st.integers(0, 60)))
def test_no_waits_overdraw_a_budget(limit: int, wanted: list[int]) -> None:
    """Law 7: whatever is asked for, the sum of what is granted is what is spent, and within the limit."""
    budget = RetryBudget(limit)
    granted = [seconds for seconds in wanted if budget.take(seconds)]
    assert sum(granted) == budget.spent <= limit


def test_threads_share_a_budget() -> None:
    """Law 7: of many that ask at the same time exactly as many get something as the budget has room for."""
    budget = RetryBudget(100)
    with ThreadPoolExecutor(8) as threads:
        granted = list(threads.map(budget.take, [1.0] * 1_000))
    assert granted.count(True) == 100
    assert budget.spent == 100


def test_a_pace_lets_a_burst_through_and_then_waits_for_the_window() -> None:
    """Three calls in ten seconds: three at once, the fourth when the first is ten seconds old."""
    pace = Pace(3, 10)
    assert [pace.take(now) for now in (100, 100, 104, 104, 105, 120)] == [0, 0, 0, 6, 5, 0]


def test_a_pace_is_for_five_minutes() -> None:
    """The window is the one over which Coveo counts, unless another is named."""
    pace = Pace(250)
    assert [pace.take(0) for _ in range(251)] == [0] * 250 + [300]


@given(calls=st.integers(1, 6), window=st.integers(1, 20), arrivals=st.lists(st.integers(0, 60), max_size=60))
def test_no_window_holds_more_calls_than_it_may(calls: int, window: int, arrivals: list[int]) -> None:
    """Whenever calls arrive, in time's order or not, any window of so many seconds holds at most so many of them."""
    pace = Pace(calls, window)
    made = [now + pace.take(now) for now in arrivals]
    assert made == sorted(made)
    assert all(later - earlier >= window for earlier, later in zip(made, made[calls:], strict=False))
    assert all(when >= now for when, now in zip(made, arrivals, strict=True))


@given(calls=st.integers(1, 6), window=st.integers(1, 20), arrivals=st.lists(st.integers(0, 60), max_size=60))
def test_no_call_waits_longer_than_it_must(calls: int, window: int, arrivals: list[int]) -> None:
    """Of calls that arrive in time's order one waits only when the window before its place is full."""
    pace = Pace(calls, window)
    made: list[float] = []
    for now in sorted(arrivals):
        wait = pace.take(now)
        assert wait == 0 or now + wait == made[-calls] + window
        made.append(now + wait)


def test_threads_that_share_a_pace_get_different_places() -> None:
    """Calls that arrive together are spread over the windows that follow, none of them twice."""
    pace = Pace(5, 10)
    with ThreadPoolExecutor(8) as threads:
        waits = sorted(threads.map(pace.take, [0.0] * 100))
    assert waits == [10.0 * (n // 5) for n in range(100)]


@pytest.mark.parametrize("calls", [0, -1, 2.5, "250", None, True])
def test_a_pace_without_calls_is_refused(calls: Any) -> None:  # noqa: ANN401 - anything a caller may have set
    """A number of calls that makes no sense is a configuration error."""
    with pytest.raises(ConfigurationError, match="calls"):
        Pace(calls)


@pytest.mark.parametrize("window", [0, -1, math.nan, math.inf, "300", None, True])
def test_a_pace_without_a_window_is_refused(window: Any) -> None:  # noqa: ANN401 - anything a caller may have set
    """A window that makes no sense is a configuration error."""
    with pytest.raises(ConfigurationError, match="window_seconds"):
        Pace(250, window)


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


def test_a_date_is_read_with_its_zone() -> None:
    """A Date header says when; without a zone, or when it is garbage, or not there, it says nothing."""
    assert read_http_date("Sun, 01 Mar 2026 12:00:00 GMT") == NOW
    others = (None, "", "now", "Sun, 01 Mar 2026 12:00:00", "Sun, 31 Feb 2026 12:00:00 GMT")
    assert [read_http_date(text) for text in others] == [None] * 5


def test_what_is_transient() -> None:
    """Law 7: exactly these six statuses may be another a moment later."""
    assert {status for status in range(100, 600) if status in TRANSIENT_STATUSES} == {408, 429, 500, 502, 503, 504}


def test_what_is_success() -> None:
    """Success is 2xx: Coveo answers 200, 201 and 202."""
    assert [status for status in range(100, 600) if is_success(status)] == list(range(200, 300))
