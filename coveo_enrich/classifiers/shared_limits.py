"""The limits that all who ask one classifier share: calls at once, its pace, and pauses that it asks for.

Who asks, how patiently, and about which pictures, is the matter of `coveo_enrich.classifiers.asking`.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

import attrs

from coveo_enrich._threads import Event
from coveo_enrich.classifiers.fair_slots import FairSlots

__all__ = ["Caller", "SharedLimits"]

_LONGEST_PAUSE_SECONDS: Final = 3_600.0
"""A longer pause is cut to an hour: an enricher may live for months, and the service may recover."""


@attrs.frozen
class Caller:
    """Somebody who makes calls.

    Attributes:
        stopped: Set when nobody waits for them any more.
        longest_pause_seconds: The longest pause of the service that is waited for.
        goes_first: Whether it goes before all who do not: a shopper waits for it.
    """

    stopped: Event
    longest_pause_seconds: float
    goes_first: bool = False


@attrs.define
class _InThisProcess:
    """What counts in one process: no other one sees its calls."""

    calls: FairSlots
    turn: FairSlots
    """Who may begin the next call: where there is a pace one at a time, so that who leaves takes no turn along."""
    seconds_between: float
    last_picture_at: float = -math.inf
    quiet_until: float = -math.inf
    process: int = attrs.field(factory=os.getpid)

    def due(self, begun: float, pictures: int) -> float:
        """When a call may be made: evenly, as of bursts the end of one and the start of the next come together."""
        first = max(begun, self.last_picture_at + self.seconds_between)
        return max(first + (pictures - 1) * self.seconds_between, self.quiet_until)


class SharedLimits:
    """The limits of one classifier for all runs and queries of an enricher. Safe for threads; each process has its own.

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

    def __reduce__(self) -> tuple[type[SharedLimits], tuple[int, float | None]]:
        return SharedLimits, self._settings

    @property
    def seconds_quiet(self) -> float:
        """How long the service still wants to be left alone; 0 or less when it does not."""
        return self._now().quiet_until - time.monotonic()

    def keep_quiet(self, seconds: float) -> None:
        """Let every call wait for so many seconds, as the service asks; for an hour at most."""
        here = self._now()
        here.quiet_until = max(here.quiet_until, time.monotonic() + min(seconds, _LONGEST_PAUSE_SECONDS))

    @contextmanager
    def call(self, pictures: int, caller: Caller) -> Generator[bool]:
        """A call, as soon as it may be made, in the order of asking; `False` when its caller gives up.

        Args:
            pictures: How many pictures it is about.
            caller: Who makes it.
        """
        here, gives_up = self._now(), partial(self._gives_up, caller)
        with ExitStack() as call:
            with here.turn.one(gives_up, goes_first=caller.goes_first) as has_turn:
                may_call = (
                    has_turn
                    and call.enter_context(here.calls.one(gives_up, goes_first=caller.goes_first))
                    and self._has_waited(here, pictures, caller)
                )
            yield may_call

    def _has_waited(self, here: _InThisProcess, pictures: int, caller: Caller) -> bool:
        """Wait until a call is due; what it takes of the pace it takes then, so that who gives up takes nothing."""
        begun = time.monotonic()
        while not self._gives_up(caller):
            due = here.due(begun, pictures)  # a pause may be asked for meanwhile
            seconds = due - time.monotonic()
            if seconds <= 0:
                here.last_picture_at = due
                return True
            caller.stopped.wait(seconds)
        return False

    def _gives_up(self, caller: Caller) -> bool:
        return caller.stopped.is_set() or self.seconds_quiet > caller.longest_pause_seconds

    def _now(self) -> _InThisProcess:
        if self._here.process != os.getpid():  # what calls of the parent held at the fork would never be given back
            self._here = self._new()
        return self._here

    def _new(self) -> _InThisProcess:
        calls_at_once, images_per_second = self._settings
        if images_per_second is None:
            return _InThisProcess(FairSlots(calls_at_once), FairSlots(calls_at_once), 0)
        return _InThisProcess(FairSlots(calls_at_once), FairSlots(1), 1 / images_per_second)
