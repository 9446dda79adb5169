"""A time that passes only by waiting, for the clients of `coveo_enrich.index` and, where a test says so, a sandbox."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from coveo_enrich.sandbox import CoveoSandbox

__all__ = ["PassingTime"]

_MODULES = ("index.polling", "index.logs.client", "index.platform_calls", "_calls")


class PassingTime:
    """Takes the place of the clock; ``now`` is the time at first, in seconds since 1970."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: float | None = None) -> None:
        self.waits: list[float] = []
        self.sandbox: CoveoSandbox | None = None
        self._start = time.time() if now is None else now
        clock = SimpleNamespace(monotonic=self.monotonic, sleep=self.sleep, time=self.time)
        for module in _MODULES:
            monkeypatch.setattr(f"coveo_enrich.{module}.time", clock)

    def monotonic(self) -> float:
        """Seconds that were waited."""
        return sum(self.waits)

    def time(self) -> float:
        """Seconds since 1970."""
        return self._start + sum(self.waits)

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.waits.append(seconds)
        if self.sandbox:
            self.sandbox.advance(minutes=seconds / 60)
