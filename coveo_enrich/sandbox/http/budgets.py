"""How many calls an organization may make, by the sandbox's clock: in any five minutes, and in a day of UTC."""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from datetime import UTC, date, datetime, time, timedelta

import attrs

__all__ = ["CallBudget", "Limits", "organization_of"]

_WINDOW = timedelta(minutes=5)
_DAY = timedelta(days=1)
_AT_LEAST_ONE = attrs.validators.optional([attrs.validators.instance_of(int), attrs.validators.ge(1)])
_CALL = re.compile(r"/(?:push/v1|rest|logs/v1)/organizations/([^/]+)(?:/.*)?")


def organization_of(path: str) -> str | None:
    """The organization that a call belongs to; `None` when it is none of Coveo's: the storage counts nothing."""
    match = _CALL.fullmatch(path)
    return match and match[1]


@attrs.frozen
class Limits:
    """Calls that an organization may make; `None` is no limit.

    Attributes:
        per_5_minutes: In any five minutes; 1 or more.
        per_day: From midnight to midnight, UTC; 1 or more.
    """

    per_5_minutes: int | None = attrs.field(default=None, validator=_AT_LEAST_ONE)
    per_day: int | None = attrs.field(default=None, validator=_AT_LEAST_ONE)


class _Calls:
    """The calls of one organization that were let pass."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Holds no more than the limit, so that it is full of calls whose oldest decides when the next may come.
        self._recent: deque[datetime] = deque(maxlen=limits.per_5_minutes or 0)
        self._day = date.min
        self._today = 0

    def free_at(self, now: datetime) -> datetime:
        """When the next call may come: ``now``, or later."""
        free = now
        if self._limits.per_5_minutes is not None and len(self._recent) == self._limits.per_5_minutes:
            free = max(free, self._recent[0] + _WINDOW)
        if self._limits.per_day is not None and now.date() == self._day and self._today >= self._limits.per_day:
            free = max(free, datetime.combine(self._day, time(), UTC) + _DAY)
        return free

    def add(self, now: datetime) -> None:
        self._recent.append(now)
        self._today = self._today + 1 if now.date() == self._day else 1
        self._day = now.date()


class CallBudget:
    """The calls of each organization, counted from the moment at which they were limited.

    A call that is refused does not count, so that a client which waits for as long as it is told finds a free place.
    """

    def __init__(self) -> None:
        self._limits = Limits()
        self._calls: dict[str, _Calls] = {}
        self._lock = threading.Lock()

    def limit(self, limits: Limits) -> None:
        """Put ``limits`` in the place of those before, and count anew."""
        with self._lock:
            self._limits = limits
            self._calls.clear()

    def charge(self, organization_id: str, now: datetime) -> int | None:
        """Count a call.

        Args:
            organization_id: Whose call it is.
            now: The time in the sandbox, in UTC.

        Returns:
            `None` when it may pass, otherwise the whole seconds until one may.
        """
        with self._lock:
            if self._limits == Limits():
                return None
            calls = self._calls.setdefault(organization_id, _Calls(self._limits))
            wait = calls.free_at(now) - now
            if wait:
                return math.ceil(wait.total_seconds())
            calls.add(now)
            return None
