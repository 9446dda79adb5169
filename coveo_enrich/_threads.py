"""Threads whose caller may get Ctrl-C at any moment, and still stop them.

`concurrent.futures`, and whatever else waits by `threading.Condition`, has a moment in which Ctrl-C leaves a lock taken
that the threads need: they hang, and with them the program that waits for their end. Here the caller's thread only ever
makes single steps that Ctrl-C cannot divide, and no long ones. What the threads do is not known here.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar, cast

import attrs

__all__ = ["Event", "Task", "Threads"]

Result = TypeVar("Result")

_LONGEST_WAIT: Final = 0.2
"""Seconds. Ctrl-C that comes in the moment before a wait begins is seen only when it ends."""
_TRIES_TO_JOIN: Final = 20


@attrs.define(eq=False)
class Task(Generic[Result]):
    """Something for a thread to do.

    Attributes:
        work: What is done.
        ended: Whether it was done, well or not.
        value: What came of it.
        error: What it raised.
    """

    work: Callable[[], Result]
    ended: bool = attrs.field(default=False, init=False)
    value: Result | None = attrs.field(default=None, init=False)
    error: BaseException | None = attrs.field(default=None, init=False)

    @classmethod
    def done(cls, value: Result) -> Task[Result]:
        """One that has ended, with what came of it."""
        task = cls(_no_work)
        task.value, task.ended = value, True
        return task

    def run(self) -> None:
        """Do it; whatever it raises is kept."""
        try:
            self.value = self.work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the task is waited for
            self.error = error
        self.ended = True

    def result(self) -> Result:
        """What came of it, once it has ended; raises what it raised."""
        if self.error is not None:
            raise self.error
        return cast("Result", self.value)


def _no_work() -> Any:  # noqa: ANN401 - nobody calls it
    raise NotImplementedError


class Threads:
    """At most ``count`` threads, started when there is something to do.

    For one caller: only the thread that begins tasks may wait for them, and stop them.

    Args:
        count: The most tasks that are done at once.
        name: What their names begin with.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._threads: list[threading.Thread] = []
        self._to_do = SimpleQueue[Task[Any] | None]()
        self._an_end = SimpleQueue[None]()
        self._stopped = False

    def begin(self, task: Task[Any]) -> None:
        """Have a task done as soon as a thread is free.

        Raises:
            RuntimeError: They were stopped, or the system starts no more threads.
        """
        if self._stopped:
            raise RuntimeError("these threads were stopped")
        if len(self._threads) < self._count:
            self._start_thread()
        self._to_do.put(task)

    def wait_for_one(self, tasks: Collection[Task[Any]]) -> None:
        """Wait until one of these tasks, all of which were begun, has ended."""
        while not any(task.ended for task in tasks):
            with contextlib.suppress(Empty):
                self._an_end.get(timeout=_LONGEST_WAIT)

    def stop(self) -> None:
        """Begin nothing more, and wait until every thread is gone; what is being done is waited for."""
        self._stopped = True
        for _ in self._threads:
            self._to_do.put(None)
        for thread in self._threads:
            _join(thread)
        self._threads = []

    def _start_thread(self) -> None:
        # A daemon, so that one that Ctrl-C hit while it was being started cannot keep the program from ending.
        thread = threading.Thread(target=self._do, name=f"{self._name}_{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.remove(thread)
            raise

    def _do(self) -> None:
        while (task := self._to_do.get()) and not self._stopped:
            task.run()
            if self._an_end.empty():  # one word is enough: whoever takes it looks at every task after that
                self._an_end.put(None)


def _join(thread: threading.Thread) -> None:
    for _ in range(_TRIES_TO_JOIN):
        try:
            thread.join()
        except RuntimeError:  # Ctrl-C came while it was being started
            time.sleep(0.01)
        else:
            return


class Event:
    """Something that happens once, and that threads wait for; like `threading.Event`, but for Ctrl-C."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: list[threading.Lock] = []

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def set(self) -> None:
        """Let it happen."""
        self._is_set = True
        for one in tuple(self._waiting):
            with contextlib.suppress(RuntimeError):  # another thread was quicker
                one.release()

    def wait(self, seconds: float) -> bool:
        """Wait until it happens, so long at most; returns whether it has happened."""
        mine = threading.Lock()
        mine.acquire()
        self._waiting.append(mine)
        deadline = time.monotonic() + seconds
        try:
            while not self._is_set and (left := deadline - time.monotonic()) > 0:
                mine.acquire(timeout=min(left, _LONGEST_WAIT))
        finally:
            self._waiting.remove(mine)
        return self._is_set
