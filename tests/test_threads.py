"""Threads whose caller gets Ctrl-C: they are stopped all the same, whatever it was in the middle of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ctrl_c import CtrlC, at_every_step

from coveo_enrich import _threads
from coveo_enrich._threads import Event, Task, Threads

FAR_BEYOND = 30
"""Seconds after which what should have happened never will."""


@pytest.fixture
def threads() -> Iterator[Threads]:
    """Two of them; none is left after the test."""
    two = Threads(2, "test-threads")
    yield two
    two.stop()
    assert not [one for one in threading.enumerate() if one.name.startswith("test-threads")]


def test_what_a_task_came_to_is_kept(threads: Threads) -> None:
    """A task that ended has its value, or raises what it raised."""
    good, bad = Task(lambda: 6 * 7), Task(lambda: 1 // 0)
    for task in (good, bad):
        threads.begin(task)
        threads.wait_for_one([task])
    assert good.result() == 42
    with pytest.raises(ZeroDivisionError):
        bad.result()


def test_no_more_tasks_are_done_at_once_than_there_are_threads(threads: Threads) -> None:
    """Of four tasks two are begun; the others begin when those end."""
    begun = list[int]()
    gate = threading.Event()

    def work(number: int) -> Callable[[], object]:
        def do() -> None:
            begun.append(number)
            gate.wait(FAR_BEYOND)

        return do

    tasks = [Task(work(number)) for number in range(4)]
    for task in tasks:
        threads.begin(task)
    while len(begun) < 2:
        time.sleep(0.001)
    assert sorted(begun) == [0, 1]
    gate.set()
    for task in tasks:
        threads.wait_for_one([task])
    assert sorted(begun) == [0, 1, 2, 3]


def test_what_was_not_begun_is_never_done(threads: Threads) -> None:
    """Stopping waits for what is being done and drops the rest, which has no outcome."""
    gate, both_begun = threading.Event(), threading.Barrier(3)

    def work() -> bool:
        both_begun.wait(FAR_BEYOND)
        return gate.wait(FAR_BEYOND)

    tasks = [Task[Any](work), Task[Any](work), Task[Any](lambda: pytest.fail("it was done"))]
    for task in tasks:
        threads.begin(task)
    both_begun.wait(FAR_BEYOND)
    stopping = threading.Timer(0.05, gate.set)
    stopping.start()
    threads.stop()
    stopping.join()
    assert [(task.value, task.error) for task in tasks] == [(True, None), (True, None), (None, None)]


def test_nothing_is_begun_once_they_were_stopped(threads: Threads) -> None:
    """Who begins a task too late hears of it, and does not wait for ever."""
    threads.stop()
    with pytest.raises(RuntimeError, match="were stopped"):
        threads.begin(Task(int))


def test_a_thread_that_cannot_be_started_is_an_error_and_no_thread(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the system starts no more threads, who begins a task hears of it, and stopping takes no time."""

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="new thread"):
            threads.begin(Task(int))
    begun = time.monotonic()
    threads.stop()
    assert time.monotonic() - begun < FAR_BEYOND


def test_ctrl_c_at_any_step_of_beginning_and_waiting_leaves_no_thread() -> None:
    """Law 11: whichever step it comes at, the threads are stopped at once, and none of them hangs."""

    def scenario(ctrl_c: CtrlC) -> None:
        threads = Threads(2, "test-struck")
        tasks = [Task(lambda: time.sleep(0.001)) for _ in range(3)]
        try:
            with ctrl_c:
                for task in tasks:
                    threads.begin(task)
                for task in tasks:
                    threads.wait_for_one([task])
        except KeyboardInterrupt:
            pass
        stopping = threading.Thread(target=threads.stop)
        stopping.start()
        stopping.join(FAR_BEYOND)
        assert not stopping.is_alive()
        assert not [one for one in threading.enumerate() if one.name.startswith("test-struck")]

    assert at_every_step(scenario, [_threads.__file__]) > 100


def test_ctrl_c_at_any_step_of_waiting_for_an_event_hinders_nobody() -> None:
    """Law 11: whichever step it comes at, the event can be set, and another thread that waits for it goes on."""

    def scenario(ctrl_c: CtrlC) -> None:
        event, others = Event(), list[bool]()
        other = threading.Thread(target=lambda: others.append(event.wait(FAR_BEYOND)))
        other.start()
        try:
            with ctrl_c:
                event.wait(0.001)
        except KeyboardInterrupt:
            pass
        event.set()
        other.join(FAR_BEYOND)
        assert others == [True]

    assert at_every_step(scenario, [_threads.__file__]) > 20


@pytest.mark.parametrize("seconds", [0, -1, 0.01])
def test_an_event_that_does_not_happen_is_waited_for_so_long(seconds: float) -> None:
    """Waiting ends when the time is over, and says that it did not happen."""
    assert not Event().wait(seconds)


def test_an_event_that_happened_is_not_waited_for() -> None:
    """Once it has happened, waiting ends at once; it may happen twice."""
    event = Event()
    event.set()
    event.set()
    assert event.is_set()
    assert event.wait(1_000)
