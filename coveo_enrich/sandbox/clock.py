"""The sandbox's time: the real one, plus what a test has moved it forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["Clock", "milliseconds"]


class Clock:
    """Time that can be moved forward, never back: Coveo's order of operations rests on it.

    Args:
        ahead: How far it is ahead of the real time to begin with.
    """

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self._ahead = ahead

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of the real time."""
        return self._ahead

    def now(self) -> datetime:
        """The time in the sandbox, in UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move the time forward.

        Raises:
            ValueError: ``by`` is negative, or leads too far.
        """
        if by < timedelta():
            raise ValueError(f"the sandbox's time only moves forward; got {by}")
        if by > _FURTHEST:
            raise ValueError(f"the sandbox's time moves {_FURTHEST.days:,} days at most; got {by}")
        ahead = self._ahead + by
        try:
            _ = datetime.now(UTC) + ahead + _FURTHEST
        except OverflowError:
            raise ValueError("the sandbox's time cannot go further") from None
        self._ahead = ahead


def milliseconds(moment: datetime) -> int:
    """The moment as Coveo counts time: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


# Ten years: moved so far a hundred times, it is still a date that Python knows.
_FURTHEST = timedelta(days=3650)
