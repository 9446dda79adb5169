"""Chunks on their way to Coveo, a few at a time, from threads.

Keeps at most so many chunks under way and hands back what each of them came to. What is done with a chunk, and what its
failure means, is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from coveo_enrich._threads import Task, Threads
from coveo_enrich.stream.chunks import Chunk
from coveo_enrich.stream.receipts import ChunkReceipt, UnconfirmedChunk

if TYPE_CHECKING:
    from coveo_enrich._http import Interrupt

__all__ = ["ChunkWorkers", "Outcome"]

Outcome = ChunkReceipt | UnconfirmedChunk
"""What became of a chunk."""


class ChunkWorkers:
    """Has chunks sent in ``concurrency`` threads.

    Args:
        concurrency: The most that are under way at once.
        interrupt: Breaks off the requests that they have under way.
    """

    def __init__(self, concurrency: int, interrupt: Interrupt) -> None:
        self._concurrency = concurrency
        self._threads = Threads(concurrency, f"coveo-enrich-upload-{id(self):x}")
        self._under_way: dict[Task[Outcome], Chunk] = {}
        self.interrupt = interrupt

    def start(self, deliver: Callable[[Chunk], Outcome], chunk: Chunk) -> None:
        """Begin with a chunk. There must be a place for it: see `wait_for_place`."""
        task = Task(partial(deliver, chunk))
        self._under_way[task] = chunk  # before it begins: Ctrl-C may come at any moment, and no chunk may be forgotten
        self._threads.begin(task)

    def wait_for_place(self, note: Callable[[Outcome], object]) -> None:
        """Wait until another chunk may begin; notes those that ended, then raises for one that failed."""
        self._wait_for(self._concurrency - 1, note)

    def wait_for_all(self, note: Callable[[Outcome], object]) -> None:
        """Wait until no chunk is under way; notes those that ended, then raises for one that failed."""
        self._wait_for(0, note)

    def pause(self, seconds: float) -> None:
        """Wait, in one of the threads; raises as soon as everything is told to stop."""
        self.interrupt.wait(seconds)

    def stop(self) -> list[tuple[Chunk, Outcome | BaseException | None]]:
        """Break off what is under way, wait until every thread is gone, and hand back each chunk with its outcome.

        A chunk that no thread had begun with has none.
        """
        self.interrupt.set()
        self._threads.stop()
        left = [(chunk, task.error or task.value) for task, chunk in self._under_way.items()]
        self._under_way.clear()
        return left

    def _wait_for(self, still_under_way: int, note: Callable[[Outcome], object]) -> None:
        self._note_ended(note)
        while len(self._under_way) > still_under_way:
            self._threads.wait_for_one(self._under_way)
            self._note_ended(note)

    def _note_ended(self, note: Callable[[Outcome], object]) -> None:
        # Noted first and taken away after, so that whatever interrupts this, `stop` hands back what is not noted yet.
        ended = [task for task in self._under_way if task.ended]
        for task in sorted(ended, key=_has_failed):
            note(task.result())
            if chunk := self._under_way.pop(task, None):  # unless what was noted stopped everything
                chunk.discard()


def _has_failed(task: Task[Outcome]) -> bool:
    return task.error is not None
