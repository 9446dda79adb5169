"""Which hosts of pictures are left alone for a while, because they did not answer.

A dead host costs a time-out for each of its pictures, and a catalog may hold thousands of them. Pure: the time is an
argument. What counts as no answer is decided in `coveo_enrich.images.reader`.
"""

from __future__ import annotations

import threading
from typing import Final

import attrs

__all__ = ["FAILURES_IN_A_ROW", "PAUSE_SECONDS", "SilentHosts"]

FAILURES_IN_A_ROW: Final = 3
"""How often a host fails to answer before it is left alone."""

PAUSE_SECONDS: Final = 60.0
"""For how long it is. One more failure after that, and it is left alone for as long again."""

_MOST_HOSTS: Final = 1_000


@attrs.frozen
class _Silence:
    failures: int
    since: float


class SilentHosts:
    """Remembers the hosts that did not answer, the latest 1,000 of them; threads share it."""

    def __init__(self) -> None:
        self._silences: dict[str, _Silence] = {}
        self._lock = threading.Lock()

    def seconds_left(self, host: str, now: float) -> float:
        """For how many more seconds a host is left alone; 0 when it may be asked.

        Args:
            host: The host, as its failures were counted.
            now: The time in seconds by a clock that never goes back.
        """
        with self._lock:
            silence = self._silences.get(host)
        if silence is None or silence.failures < FAILURES_IN_A_ROW:
            return 0.0
        return max(0.0, silence.since + PAUSE_SECONDS - now)

    def did_not_answer(self, host: str, now: float) -> None:
        """Count a failure."""
        with self._lock:
            before = self._silences.pop(host, None)
            self._silences[host] = _Silence(before.failures + 1 if before else 1, now)
            if len(self._silences) > _MOST_HOSTS:
                del self._silences[next(iter(self._silences))]

    def answered(self, host: str) -> None:
        """Forget its failures: it answered, whatever it said."""
        with self._lock:
            self._silences.pop(host, None)
