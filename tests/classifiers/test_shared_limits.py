"""What the runs and queries of an enricher keep to together when they ask a classifier."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from coveo_enrich._threads import Event
from coveo_enrich.classifiers import fair_slots, shared_limits
from coveo_enrich.classifiers.shared_limits import Caller, SharedLimits


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who waits for a slot look again at once whether it gives up."""
    monkeypatch.setattr(fair_slots, "_LOOK_AGAIN_SECONDS", 0.01)


class Clock:
    """A clock that goes on only while somebody waits."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def caller(self, *, meanwhile: Callable[[], None] | None = None, longest_pause: float = 60) -> Caller:
        """Somebody whose waits take no time; what happens during the first of them may be given."""
        happenings = [meanwhile] if meanwhile else []

        class Skipping(Event):
            def wait(_self, seconds: float) -> bool:  # noqa: N805 - the clock is `self`
                self.now += seconds
                if happenings:
                    happenings.pop()()
                return _self.is_set()

        return Caller(Skipping(), longest_pause)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of the limits."""
    clock = Clock()
    monkeypatch.setattr(shared_limits, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def stopped() -> Caller:
    """Somebody who does not wait any more."""
    caller = Caller(Event(), 60)
    caller.stopped.set()
    return caller


def calls_at(limits: SharedLimits, clock: Clock, *pictures: int) -> list[float]:
    """When calls about so many pictures were made, one after the other, in seconds from now."""
    begun = clock.now
    times: list[float] = []
    for several in pictures:
        with limits.call(several, clock.caller()) as may_call:
            assert may_call
            times.append(round(clock.now - begun, 1))
    return times


def test_a_service_is_asked_no_faster_than_it_declares(clock: Clock) -> None:
    """Law 7: evenly, by all who ask together; places are for pictures, not for calls: a batch of four takes four."""
    assert calls_at(SharedLimits(8, 2.0), clock, 1, 1, 4, 1) == [0, 0.5, 2.5, 3]
    assert calls_at(SharedLimits(8, 0.5), clock, 1, 1, 1) == [0, 2, 4]


def test_without_a_pace_nobody_waits(clock: Clock) -> None:
    """A classifier that declares none is asked as often as calls at once allow."""
    assert calls_at(SharedLimits(8, None), clock, 16, 16, 16) == [0, 0, 0]


def test_a_pause_is_followed_by_an_even_pace(clock: Clock) -> None:
    """Law 7: a call that a pause held back goes when it ends, and the next one keeps its distance to that one."""
    limits = SharedLimits(8, 2.0)
    limits.keep_quiet(10)
    assert calls_at(limits, clock, 1, 1, 1) == [10, 10.5, 11]


def test_a_pause_that_is_asked_for_while_a_call_waits_is_kept(clock: Clock) -> None:
    """Law 7: the call waits for its end, and the next one keeps its distance."""
    limits = SharedLimits(8, 2.0)
    assert calls_at(limits, clock, 1) == [0]
    begun = clock.now
    with limits.call(1, clock.caller(meanwhile=lambda: limits.keep_quiet(10))) as may_call:
        assert (may_call, round(clock.now - begun, 1)) == (True, 10.5)
    assert calls_at(limits, clock, 1) == [0.5]


def test_a_pause_longer_than_a_caller_waits_takes_nothing_of_the_pace(clock: Clock) -> None:
    """Law 7: when a long pause is over, the pace goes on, and does not first make up for pictures never asked about."""
    limits = SharedLimits(8, 0.1)
    limits.keep_quiet(600)
    for _ in range(5):
        with limits.call(16, clock.caller()) as may_call:
            assert not may_call
    clock.now += 600
    assert calls_at(limits, clock, 1, 1) == [0, 10]


def test_who_leaves_takes_no_turns_along(clock: Clock) -> None:
    """A run that is left in the middle of its waiting, and one that was left before, hold up nobody's next call."""
    limits = SharedLimits(8, 0.1)

    def leave() -> None:
        leaving.stopped.set()

    leaving = clock.caller(meanwhile=leave)
    for caller in (leaving, stopped(), stopped()):
        with limits.call(16, caller) as may_call:
            assert not may_call
    assert calls_at(limits, clock, 1) == [0]


def test_no_more_calls_are_under_way_than_are_allowed() -> None:
    """A call begins when another ends, or not at all when nobody waits for it any more."""
    limits = SharedLimits(2, None)
    with limits.call(1, waits()) as first, limits.call(1, waits()) as second, limits.call(1, stopped()) as third:
        assert (first, second, third) == (True, True, False)
    with limits.call(1, waits()) as again:
        assert again


def waits() -> Caller:
    """Somebody who waits."""
    return Caller(Event(), 60)


def test_the_longest_pause_counts() -> None:
    """A shorter pause that is asked for later does not end one that goes on."""
    limits = SharedLimits(2, None)
    limits.keep_quiet(60)
    limits.keep_quiet(1)
    assert limits.seconds_quiet > 50


def test_an_absurd_pause_ends_after_an_hour() -> None:
    """A pause of years is kept for an hour: an enricher lives for months, and its service may have been mended."""
    limits = SharedLimits(1, None)
    limits.keep_quiet(1e9)
    assert 3_590 < limits.seconds_quiet <= 3_600


def test_another_process_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that were under way at a fork are the parent's: the child has all of its own."""
    limits = SharedLimits(1, None)
    with limits.call(1, waits()):
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with limits.call(1, waits()) as in_child:
            assert in_child


def test_a_pickle_has_its_settings_only(clock: Clock) -> None:
    """A copy for another process keeps to the same numbers, and knows nothing of the calls and pauses of this one."""
    limits = SharedLimits(1, 5.0)
    limits.keep_quiet(60)
    with limits.call(1, clock.caller()):
        copy: SharedLimits = pickle.loads(pickle.dumps(limits))  # noqa: S301 - pickled here
    assert copy.seconds_quiet <= 0
    with copy.call(1, clock.caller()) as first, copy.call(1, stopped()) as second:
        assert (first, second) == (True, False)
    assert calls_at(copy, clock, 1, 1) == [0.2, 0.4]
