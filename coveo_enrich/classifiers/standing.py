"""What everybody who asks one classifier keeps to together: calls at once, its pace, and pauses that it asks for.

Who asks, how patiently, and about which pictures, is the matter of `coveo_enrich.classifiers.asking`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import attrs

from coveo_enrich.retry import Pace

__all__ = ["Standing"]


@attrs.define
class _Here:
    """How things stand in one process."""

    calls: threading.Semaphore
    pace: Pace | None
    quiet_until: float = 0.0
    process: int = attrs.field(factory=os.getpid)


class Standing:
    """Shared by the runs and queries of an enricher. Safe for threads; each process has its own.

    Args:
        calls_at_once: The most calls under way at once.
        images_per_second: How many pictures the classifier is asked about in a second; `None`: as many as there are.
    """

    def __init__(self, calls_at_once: int, images_per_second: float | None) -> None:
        self._settings = (calls_at_once, images_per_second)
        self._here = self._new()

    def __reduce__(self) -> tuple[type[Standing], tuple[int, float | None]]:
        return Standing, self._settings

    @property
    def seconds_quiet(self) -> float:
        """How long the service still wants to be left alone; 0 or less when it does not."""
        return self._now().quiet_until - time.monotonic()

    def keep_quiet(self, seconds: float) -> None:
        """The service asks for a pause, which is for every call."""
        here = self._now()
        here.quiet_until = max(here.quiet_until, time.monotonic() + seconds)

    def seconds_to_turn(self, pictures: int) -> float:
        """How long a call about so many pictures has to wait for its turn, which is taken."""
        pace = self._now().pace
        return pace.take(time.monotonic(), pictures) if pace else 0.0

    def begin_call(self, wait: float, left: Callable[[], bool]) -> Callable[[], None] | None:
        """Wait until another call may be under way; returns what ends it, or `None` when nobody waits any more.

        Args:
            wait: How often, in seconds, it is looked whether somebody does.
            left: Whether nobody does.
        """
        calls = self._now().calls
        while not calls.acquire(timeout=wait):
            if left():
                return None
        return calls.release

    def _now(self) -> _Here:
        if self._here.process != os.getpid():  # what calls of the parent held at the fork would never be given back
            self._here = self._new()
        return self._here

    def _new(self) -> _Here:
        calls_at_once, images_per_second = self._settings
        # Evenly: of bursts, the end of one and the start of the next come together.
        pace = None if images_per_second is None else Pace(1, 1 / images_per_second)
        return _Here(threading.Semaphore(calls_at_once), pace)
