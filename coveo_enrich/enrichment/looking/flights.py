"""The same thing wanted by several threads at once is done once, and all of them get what came of it.

Nothing is remembered afterwards: that is a cache's part. Which things are the same is the callers' to say, by keys.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

import attrs

from coveo_enrich._threads import Event, Task

__all__ = ["Flights"]

Result = TypeVar("Result")

_LOOK_AGAIN_SECONDS: Final = 0.5


class _AtWork:
    """Lives as long as the call that does the work, however that ends: Ctrl-C may come at its last step too."""


@attrs.define(eq=False)
class _Flight(Generic[Result]):
    task: Task[Result]
    at_work: weakref.ref[_AtWork]
    landed: Event = attrs.field(factory=Event, init=False)
    is_shared: bool = attrs.field(default=False, init=False)


def _never() -> bool:
    return False


class Flights(Generic[Result]):
    """Work that is under way. Safe for threads; each process has its own."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Flight[Result]] = {}

    def do(self, key: Hashable, work: Callable[[], Result], *, left: Callable[[], bool] = _never) -> Result:
        """Do the work, or wait for who does it already; what came of it, or raises what it raised.

        What a caller that was told to leave makes of its work counts for it alone, and so does Ctrl-C: of those who
        wait, one begins anew.

        Args:
            key: What the work is about. Work must not wait for other work of the same key.
            work: What is done, in the thread of the first who asks.
            left: Whether this caller was told to leave. It then waits for no one, at most half a second late, and does
                its work itself, which is expected to know and to end soon.
        """
        at_work = _AtWork()
        mine = _Flight(Task(work), weakref.ref(at_work))
        place = (os.getpid(), key)  # threads that were at work do not come along into a fork
        while (flight := self._under_way.setdefault(place, mine)) is not mine:
            if flight.at_work() is not None:  # else Ctrl-C came before it was forgotten
                _wait_for(flight, left)
                if flight.is_shared:
                    return flight.task.result()
                if left():
                    return work()
            self._forget(place, flight)
        try:
            mine.task.run()
            mine.is_shared = not left() and isinstance(mine.task.error, Exception | None)
        finally:
            self._forget(place, mine)
            mine.landed.set()
        return mine.task.result()

    def _forget(self, place: Hashable, flight: _Flight[Result]) -> None:
        if self._under_way.get(place) is flight:
            self._under_way.pop(place, None)

    def __reduce__(self) -> tuple[type[Flights[Result]], tuple[()]]:
        return type(self), ()


def _wait_for(flight: _Flight[Any], left: Callable[[], bool]) -> None:
    while flight.at_work() is not None and not left():
        if flight.landed.wait(_LOOK_AGAIN_SECONDS):
            return
