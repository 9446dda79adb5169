"""What the tests of updates share: time that passes only by waiting, and looks at what the sandbox was asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coveo_enrich import CoveoSource, PartialUpdate, RetryPolicy, StreamClient
from coveo_enrich._threads import Task, Threads
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream.receipts import ChunkReceipt
from coveo_enrich.stream.workers import ChunkWorkers

__all__ = [
    "FAR_BEYOND",
    "Clock",
    "appends",
    "batches_in",
    "ending_together",
    "paths",
    "patient",
    "pausing_by",
    "replaces",
    "sandbox_values",
    "unwaited",
]

FAR_BEYOND = 60
"""Seconds after which what should have happened never will."""


class Clock:
    """A time that passes only by waiting; stands still between two waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        self.waits: list[float] = []
        monkeypatch.setattr("coveo_enrich._calls.time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(time, "sleep", self._pass)
        pausing_by(monkeypatch, self._pass)

    def _pass(self, seconds: float) -> None:
        if seconds:
            self.waits.append(seconds)
            self.now += seconds


def unwaited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that will be asked for, none of which is waited."""
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", asked.append)
    pausing_by(monkeypatch, asked.append)
    return asked


def pausing_by(monkeypatch: pytest.MonkeyPatch, does: Callable[[float], object]) -> None:
    """Have the threads that send chunks do something in the place of waiting."""

    def pause(_workers: ChunkWorkers, seconds: float) -> None:
        does(seconds)

    monkeypatch.setattr(ChunkWorkers, "pause", pause)


def ending_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the chunks that are under way all end before anyone looks at the first."""
    wait_for_one = Threads.wait_for_one

    def wait_for_all(threads: Threads, tasks: Collection[Task[Any]]) -> None:
        for task in tasks:
            wait_for_one(threads, [task])

    monkeypatch.setattr(Threads, "wait_for_one", wait_for_all)


def patient(
    source: CoveoSource,
    *,
    attempts: int = 6,
    concurrency: int = 1,
    on_chunk: Callable[[ChunkReceipt], object] | None = None,
    **more: Any,  # noqa: ANN401 - any setting
) -> StreamClient:
    """A client that repeats without waiting; its chunks hold about ten small items, and go one after the other."""
    policy = RetryPolicy(attempts=attempts, first_wait_seconds=0)
    return StreamClient(source, max_chunk_bytes=600, retry=policy, concurrency=concurrency, on_chunk=on_chunk, **more)


def appends(count: int, value: str = "Red") -> list[PartialUpdate]:
    """So many operations, each of which adds a value to the colours of another item."""
    return [PartialUpdate.append_values(f"product://{n:04}", "ec_color", [value]) for n in range(1, count + 1)]


def replaces(count: int, value: str = "new") -> list[PartialUpdate]:
    """So many operations, each of which gives another item a title."""
    return [PartialUpdate.replace_value(f"product://{n:04}", "title", value) for n in range(1, count + 1)]


def sandbox_values(sandbox: CoveoSandbox, field: str) -> dict[str, Any]:
    """What each item in the source has in a field, by id; `None` where it has nothing."""
    return {item["documentId"]: item.get(field) for item in sandbox.items()}


def paths(sandbox: CoveoSandbox, operation: str) -> list[str]:
    """The paths of all requests of an operation."""
    return [request.path for request in sandbox.requests() if request.operation == operation]


def batches_in(folder: Path) -> list[Mapping[str, list[dict[str, Any]]]]:
    """What stands in the chunk files of a folder, in their order."""
    return [json.loads(file.read_bytes()) for file in sorted(folder.iterdir())]
