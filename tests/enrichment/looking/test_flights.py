"""The same thing wanted by several threads at once is done once."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable

import pytest
from ctrl_c import CtrlC, at_every_step

from coveo_enrich.enrichment.looking import flights as module
from coveo_enrich.enrichment.looking.flights import Flights

FAR_BEYOND = 30
"""Seconds after which what should have happened never will."""


class Asking(threading.Thread):
    """A thread that wants something; what it got, or what was raised."""

    def __init__(
        self, flights: Flights[str], work: Callable[[], str], left: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(daemon=True)
        self._flights, self._work, self._left = flights, work, left
        self.got: str | BaseException | None = None
        self.start()

    def run(self) -> None:
        """Want it."""
        try:
            self.got = self._flights.do("kayak.jpg", self._work, left=self._left)
        except BaseException as error:  # noqa: BLE001 - looked at
            self.got = error

    def landed(self) -> str | BaseException | None:
        """What it got, once it has."""
        self.join(FAR_BEYOND)
        assert not self.is_alive()
        return self.got


class Service:
    """Work that ends when it is told to, and counts how often it was begun."""

    def __init__(self, answer: Callable[[], str] = lambda: "a kayak") -> None:
        self._answer = answer
        self.calls = 0
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> str:
        """Do it."""
        self.calls += 1
        self.begun.set()
        assert self.may_end.wait(FAR_BEYOND)
        return self._answer()


def until_waiting(count: int) -> None:
    """Return when so many threads wait for the work of another."""
    deadline = time.monotonic() + FAR_BEYOND
    while sum(_is_waiting(thread) for thread in threading.enumerate() if isinstance(thread, Asking)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _is_waiting(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - no other way
    return any(one.f_code.co_name == "_wait_for" for one, _ in traceback.walk_stack(frame) if frame is not None)


def test_one_does_the_work_and_all_get_the_outcome() -> None:
    """Law 8: eight threads that want the same at once cost one call, and all get the same answer."""
    flights, service = Flights[str](), Service()
    first = Asking(flights, service)
    assert service.begun.wait(FAR_BEYOND)
    others = [Asking(flights, service) for _ in range(7)]
    until_waiting(7)
    service.may_end.set()
    assert [one.landed() for one in (first, *others)] == ["a kayak"] * 8
    assert service.calls == 1


def test_an_error_is_for_all_of_them() -> None:
    """Who waited gets the error of who worked, and nobody hangs."""

    def fail() -> str:
        raise LookupError("no such picture")

    flights, service = Flights[str](), Service(fail)
    first = Asking(flights, service)
    assert service.begun.wait(FAR_BEYOND)
    second = Asking(flights, service)
    until_waiting(1)
    service.may_end.set()
    assert [type(one.landed()) for one in (first, second)] == [LookupError, LookupError]
    assert service.calls == 1


def test_nothing_is_kept() -> None:
    """What comes after the outcome does the work again; different things do not wait for each other."""
    flights = Flights[int]()
    calls = list[int]()

    def work() -> int:
        calls.append(flights.do("another", lambda: len(calls)))
        return len(calls)

    assert [flights.do("one", work) for _ in range(3)] == [1, 2, 3]
    assert calls == [0, 1, 2]


def test_who_is_told_to_leave_waits_for_no_one() -> None:
    """A thread that waits while its run is left does its own work, which knows; the others are not touched by it."""
    flights, service, leaving = Flights[str](), Service(), threading.Event()
    first = Asking(flights, service)
    assert service.begun.wait(FAR_BEYOND)
    second = Asking(flights, lambda: "the run was left", leaving.is_set)
    until_waiting(1)
    leaving.set()
    assert second.landed() == "the run was left"
    assert first.is_alive()
    service.may_end.set()
    assert first.landed() == "a kayak"


def test_what_a_run_that_was_left_came_to_is_for_itself() -> None:
    """When who works is told to leave, one of those who wait begins anew: its answer is no answer for another run."""
    flights, leaving = Flights[str](), threading.Event()
    hurried, patient = Service(lambda: "the run was left"), Service()
    patient.may_end.set()
    first = Asking(flights, hurried, leaving.is_set)
    assert hurried.begun.wait(FAR_BEYOND)
    others = [Asking(flights, patient) for _ in range(3)]
    until_waiting(3)
    leaving.set()
    hurried.may_end.set()
    assert first.landed() == "the run was left"
    assert [one.landed() for one in others] == ["a kayak"] * 3
    assert 1 <= patient.calls <= 3


def test_ctrl_c_at_any_step_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever step of the work it comes at, another thread that waits for the same gets an answer of its own."""
    monkeypatch.setattr(module, "_LOOK_AGAIN_SECONDS", 0.01)

    def scenario(ctrl_c: CtrlC) -> None:
        flights = Flights[str]()
        waiting = list[Asking]()

        def work() -> str:
            waiting.append(Asking(flights, lambda: "mine"))
            until_waiting(1)
            return "a kayak"

        try:
            with ctrl_c:
                flights.do("kayak.jpg", work)
        except KeyboardInterrupt:
            pass
        assert {one.landed() for one in waiting} <= {"mine", "a kayak"}
        assert flights.do("kayak.jpg", lambda: "again") == "again"

    assert at_every_step(scenario, [module.__file__]) > 50


def test_ctrl_c_at_any_step_of_waiting_hinders_nobody() -> None:
    """Whichever step of waiting it comes at, who works ends well, and the next finds nothing in its way."""

    def scenario(ctrl_c: CtrlC) -> None:
        flights, service = Flights[str](), Service()
        first = Asking(flights, service)
        assert service.begun.wait(FAR_BEYOND)
        ending = threading.Timer(0.01, service.may_end.set)
        ending.start()
        try:
            with ctrl_c:
                flights.do("kayak.jpg", lambda: "mine")
        except KeyboardInterrupt:
            pass
        assert first.landed() == "a kayak"
        assert flights.do("kayak.jpg", lambda: "again") == "again"
        ending.join()

    assert at_every_step(scenario, [module.__file__]) > 50


def test_ctrl_c_is_not_handed_on() -> None:
    """A `KeyboardInterrupt` in the work is for who works; who waits begins anew."""

    def struck() -> str:
        raise KeyboardInterrupt

    flights, service = Flights[str](), Service(struck)
    first = Asking(flights, service)
    assert service.begun.wait(FAR_BEYOND)
    second = Asking(flights, lambda: "a kayak")
    until_waiting(1)
    service.may_end.set()
    assert isinstance(first.landed(), KeyboardInterrupt)
    assert second.landed() == "a kayak"


def test_it_travels_without_what_is_under_way() -> None:
    """Law 14: a copy in another process waits for nobody here."""
    flights = Flights[str]()
    copy = flights.do("kayak.jpg", lambda: pickle.loads(pickle.dumps(flights)).do("kayak.jpg", lambda: "copied"))  # noqa: S301 - made here
    assert copy == "copied"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_waits_for_no_thread_of_its_parent() -> None:
    """Law 14: what a thread of the parent was doing at a fork is done anew in the child."""
    flights, service = Flights[str](), Service()
    first = Asking(flights, service)
    assert service.begun.wait(FAR_BEYOND)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks while there are threads, which is the point
        child = os.fork()
    if child == 0:
        signal.alarm(FAR_BEYOND)
        os._exit(flights.do("kayak.jpg", lambda: "in the child") != "in the child")
    assert os.waitpid(child, 0)[1] == 0
    service.may_end.set()
    assert first.landed() == "a kayak"
