"""Slots that are given in the order of asking, so that nobody who asks again at once passes those who wait."""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from operator import attrgetter
from typing import Final

import attrs

__all__ = ["FairSlots"]

_LOOK_AGAIN_SECONDS: Final = 0.5


@attrs.frozen(eq=False)
class _Waiting:
    place: tuple[bool, int]
    is_given: threading.Lock = attrs.field(factory=threading.Lock)


class FairSlots:
    """So many slots. Safe for threads.

    Args:
        slots: How many there are.
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._waiting: list[_Waiting] = []
        self._arrivals = count()
        self._deciding = threading.Lock()

    @contextmanager
    def one(self, gives_up: Callable[[], bool], *, goes_first: bool = False) -> Generator[bool]:
        """A slot, as soon as one is free; `False` when whoever asks gives up.

        Args:
            gives_up: Whether it is not waited for any more.
            goes_first: Whether it is given before all those who do not go first.
        """
        is_mine = self._take(gives_up, goes_first=goes_first)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._give_on()

    def _take(self, gives_up: Callable[[], bool], *, goes_first: bool) -> bool:
        with self._deciding:
            if self._free:
                self._free -= 1
                return True
            mine = _Waiting((not goes_first, next(self._arrivals)))
            mine.is_given.acquire()
            insort(self._waiting, mine, key=attrgetter("place"))
        while not mine.is_given.acquire(timeout=_LOOK_AGAIN_SECONDS):
            if gives_up():
                return not self._withdraw(mine)
        return True

    def _withdraw(self, mine: _Waiting) -> bool:
        """Wait no more; `False` when the slot was given a moment ago."""
        with self._deciding:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True

    def _give_on(self) -> None:
        with self._deciding:
            if self._waiting:
                self._waiting.pop(0).is_given.release()
            else:
                self._free += 1
