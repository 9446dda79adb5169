"""What the runs and queries of an enricher keep to together when they ask a classifier."""

from __future__ import annotations

import os
import pickle
import threading

import pytest

from coveo_enrich.classifiers.standing import Standing


def never() -> bool:
    """Somebody waits."""
    return False


def left() -> bool:
    """Nobody waits any more."""
    return True


def turns(standing: Standing, *pictures: int) -> list[float]:
    """How long calls about so many pictures wait for their turn, one after the other."""
    waits: list[float] = []
    for several in pictures:
        with standing.turn(several, never) as wait:
            assert wait is not None
            waits.append(round(wait, 1))
    return waits


def test_a_service_is_asked_no_faster_than_it_declares() -> None:
    """Law 7: evenly, by all who ask together; places are for pictures, not for calls: a batch of four takes four."""
    assert turns(Standing(8, 2.0), 1, 1, 4, 1) == [0, 0.5, 2.5, 3]
    assert turns(Standing(8, 0.5), 1, 1, 1) == [0, 2, 4]


def test_without_a_pace_nobody_waits() -> None:
    """A classifier that declares none is asked as often as calls at once allow."""
    assert turns(Standing(8, None), 16, 16, 16) == [0, 0, 0]


def test_one_call_at_a_time_waits_for_its_turn() -> None:
    """Who leaves while another waits has taken no turn that somebody else would have to wait for."""
    standing = Standing(8, 0.1)
    with standing.turn(1, never), standing.turn(100, left) as wait:
        assert wait is None
    assert turns(standing, 1)[0] <= 10  # a hundred pictures would take a thousand seconds


def test_no_more_calls_are_under_way_than_are_allowed() -> None:
    """A call begins when another ends, or not at all when nobody waits for it any more."""
    standing = Standing(2, None)
    with standing.call(left) as first, standing.call(left) as second, standing.call(left) as third:
        assert (first, second, third) == (True, True, False)
    with standing.call(left) as again:
        assert again


def test_calls_begin_in_the_order_in_which_they_were_asked_for() -> None:
    """A run that asks again at once does not pass a query that waits."""
    standing = Standing(1, None)
    order: list[str] = []
    waiting = threading.Event()

    def look_in() -> bool:
        waiting.set()
        return False

    def query() -> None:
        with standing.call(look_in):
            order.append("query")

    thread = threading.Thread(target=query)
    with standing.call(never):
        thread.start()
        assert waiting.wait(30)
    with standing.call(never):
        order.append("run")
    thread.join(30)
    assert order == ["query", "run"]


def test_the_longest_pause_counts() -> None:
    """A shorter pause that is asked for later does not end one that goes on."""
    standing = Standing(2, None)
    standing.keep_quiet(60)
    standing.keep_quiet(1)
    assert standing.seconds_quiet > 50


def test_an_absurd_pause_ends_after_an_hour() -> None:
    """An enricher lives for months, and its service may have been mended."""
    standing = Standing(1, None)
    standing.keep_quiet(1e9)
    assert 3_590 < standing.seconds_quiet <= 3_600


def test_another_process_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that were under way at a fork are the parent's: the child has all of its own."""
    standing = Standing(1, None)
    with standing.call(left):
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with standing.call(left) as in_child:
            assert in_child


def test_a_pickle_has_its_settings_only() -> None:
    """It crosses processes without the calls and pauses of this one."""
    standing = Standing(1, 5.0)
    standing.keep_quiet(60)
    with standing.call(left):
        copy: Standing = pickle.loads(pickle.dumps(standing))  # noqa: S301 - pickled here
    assert copy.seconds_quiet <= 0
    with copy.call(left) as may_call:
        assert may_call
