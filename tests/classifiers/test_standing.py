"""What the runs and queries of an enricher keep to together when they ask a classifier."""

from __future__ import annotations

import os
import pickle

import pytest

from coveo_enrich.classifiers.standing import Standing


def test_a_service_is_asked_no_faster_than_it_declares() -> None:
    """Law 7: evenly, by all who ask together; places are for pictures, not for calls: a batch of four takes four."""
    standing = Standing(8, 2.0)
    assert [round(standing.seconds_to_turn(pictures), 1) for pictures in (1, 1, 4, 1)] == [0, 0.5, 2.5, 3]
    slow = Standing(8, 0.5)
    assert [round(slow.seconds_to_turn(1)) for _ in range(3)] == [0, 2, 4]


def test_without_a_pace_nobody_waits() -> None:
    """A classifier that declares none is asked as often as calls at once allow."""
    standing = Standing(8, None)
    assert [standing.seconds_to_turn(16) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_no_more_calls_are_under_way_than_are_allowed() -> None:
    """A call begins when another ends, or not at all when nobody waits for it any more."""
    standing = Standing(2, None)
    first = standing.begin_call(0.0, lambda: True)
    second = standing.begin_call(0.0, lambda: True)
    assert standing.begin_call(0.0, lambda: True) is None
    assert first is not None
    first()
    assert standing.begin_call(0.0, lambda: True) is not None
    assert second is not None


def test_the_longest_pause_counts() -> None:
    """A shorter pause that is asked for later does not end one that goes on."""
    standing = Standing(2, None)
    standing.keep_quiet(60)
    standing.keep_quiet(1)
    assert standing.seconds_quiet > 50


def test_another_process_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that were under way at a fork are the parent's: the child has all of its own."""
    standing = Standing(1, None)
    assert standing.begin_call(0.0, lambda: True) is not None
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert standing.begin_call(0.0, lambda: True) is not None


def test_a_pickle_has_its_settings_only() -> None:
    """It crosses processes without the calls and pauses of this one."""
    standing = Standing(1, 5.0)
    standing.keep_quiet(60)
    assert standing.begin_call(0.0, lambda: True) is not None
    copy: Standing = pickle.loads(pickle.dumps(standing))  # noqa: S301 - pickled here
    assert copy.seconds_quiet <= 0
    assert copy.begin_call(0.0, lambda: True) is not None
