"""When another look at Coveo is worth it: at a distance, within the time that a caller gives.

What is looked at, and what is made of it, is the matter of the clients.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from coveo_enrich._calls import Pause

__all__ = ["OutOfTimeError", "looks"]

_LEAST_SECONDS: Final = 0.05
_MOST_OF_THE_LEAST: Final = 1.0


class OutOfTimeError(Exception):
    """A wait would go beyond the time that was given."""


def looks(timeout: float, poll_seconds: float) -> Iterator[Pause]:
    """One look at once, further ones until the time is over, the last of them at its end.

    Args:
        timeout: For how long there are further looks, in seconds.
        poll_seconds: How long is waited before each. It is never less than 0.05 seconds before the second one, then
            twice as much and so on, up to a second: else a poll of 0 would use up all calls that Coveo allows.

    Yields:
        What waits during a look. The first look is always finished; in further ones a wait that would go beyond the
        time raises `OutOfTimeError`.
    """
    until = time.monotonic() + timeout
    yield time.sleep
    least = _LEAST_SECONDS
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(max(poll_seconds, least), left))
        least = min(2 * least, _MOST_OF_THE_LEAST)
        yield _pause_until(until)


def _pause_until(until: float) -> Pause:
    def pause(seconds: float) -> None:
        if time.monotonic() + seconds > until:
            raise OutOfTimeError
        time.sleep(seconds)

    return pause
