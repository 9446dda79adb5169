"""What everybody who asks one classifier keeps to together: calls at once, its pace, and pauses that it asks for.

Who asks, how patiently, and about which pictures, is the matter of `coveo_enrich.classifiers.asking`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import attrs

from coveo_enrich.retry import Pace

__all__ = ["Standing"]

_LOOK_AGAIN_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 3_600.0
"""A service that asks for more may be asked again then: an enricher may live for months."""


class _Places:
    """So many places, given to those who wait in the order in which they came."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting = deque[threading.Lock]()
        self._deciding = threading.Lock()

    @contextmanager
    def one(self, left: Callable[[], bool]) -> Generator[bool]:
        """A place, as soon as there is one; `False` when nobody waits for it any more."""
        is_mine = self._take(left)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._give_on()

    def _take(self, left: Callable[[], bool]) -> bool:
        turn = threading.Lock()
        with self._deciding:
            if self._free:
                self._free -= 1
                return True
            turn.acquire()
            self._waiting.append(turn)
        while not turn.acquire(timeout=_LOOK_AGAIN_SECONDS):
            if left():
                with self._deciding:
                    if turn in self._waiting:
                        self._waiting.remove(turn)
                        return False
                return True  # it was given a moment ago
        return True

    def _give_on(self) -> None:
        with self._deciding:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


@attrs.define
class _Here:
    """How things stand in one process."""

    calls: _Places
    turn: _Places
    pace: Pace | None
    quiet_until: float = 0.0
    process: int = attrs.field(factory=os.getpid)


class Standing:
    """Shared by the runs and queries of an enricher. Safe for threads; each process has its own.

    Args:
        calls_at_once: The most calls under way at once.
        images_per_second: How many pictures the classifier is asked about in a second; `None`: as many as there are.

    Attributes:
        has_answered: Whether the classifier has said something about a picture yet.
    """

    def __init__(self, calls_at_once: int, images_per_second: float | None) -> None:
        self._settings = (calls_at_once, images_per_second)
        self._here = self._new()
        self.has_answered = False

    def __reduce__(self) -> tuple[type[Standing], tuple[int, float | None]]:
        return Standing, self._settings

    @property
    def seconds_quiet(self) -> float:
        """How long the service still wants to be left alone; 0 or less when it does not."""
        return self._now().quiet_until - time.monotonic()

    def keep_quiet(self, seconds: float) -> None:
        """The service asks for a pause, which is for every call; of one of more than an hour, an hour is kept."""
        here = self._now()
        here.quiet_until = max(here.quiet_until, time.monotonic() + min(seconds, _LONGEST_PAUSE_SECONDS))

    @contextmanager
    def call(self, left: Callable[[], bool]) -> Generator[bool]:
        """Another call, as soon as it may be under way, in the order of asking; `False` when nobody waits any more.

        Args:
            left: Whether nobody does.
        """
        with self._now().calls.one(left) as is_mine:
            yield is_mine

    @contextmanager
    def turn(self, pictures: int, left: Callable[[], bool]) -> Generator[float | None]:
        """The turn of a call that is under way: how long it has to wait for it; `None` when nobody waits any more.

        One call at a time waits for its turn, so that those who leave take no turns of others with them.

        Args:
            pictures: How many pictures the call is about.
            left: Whether nobody waits any more.
        """
        here = self._now()
        if here.pace is None:
            yield 0.0
            return
        with here.turn.one(left) as is_mine:
            yield here.pace.take(time.monotonic(), pictures) if is_mine else None

    def _now(self) -> _Here:
        if self._here.process != os.getpid():  # what calls of the parent held at the fork would never be given back
            self._here = self._new()
        return self._here

    def _new(self) -> _Here:
        calls_at_once, images_per_second = self._settings
        # Evenly: of bursts, the end of one and the start of the next come together.
        pace = None if images_per_second is None else Pace(1, 1 / images_per_second)
        return _Here(_Places(calls_at_once), _Places(1), pace)
