"""Chunks on their way to Coveo, a few at a time, from threads.

Keeps at most so many chunks under way and hands back what each of them came to. What is done with a chunk, and what its
failure means, is not decided here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

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
        self._thread_names = f"coveo-enrich-upload-{id(self):x}"
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix=self._thread_names)
        self._under_way: dict[Future[Outcome], Chunk] = {}
        self._handing_over: Chunk | None = None
        self.interrupt = interrupt

    def start(self, deliver: Callable[[Chunk], Outcome], chunk: Chunk) -> None:
        """Begin with a chunk. There must be a place for it: see `wait_for_place`."""
        self._handing_over = chunk  # Ctrl-C may come at any moment, and no chunk may be forgotten
        self._under_way[self._threads.submit(deliver, chunk)] = chunk
        self._handing_over = None

    def wait_for_place(self, note: Callable[[Outcome], object]) -> None:
        """Wait until another chunk may begin; notes those that ended, then raises for one that failed."""
        self._wait_for(self._concurrency - 1, note)

    def wait_for_all(self, note: Callable[[Outcome], object]) -> None:
        """Wait until no chunk is under way; notes those that ended, then raises for one that failed."""
        self._wait_for(0, note)

    def pause(self, seconds: float) -> None:
        """Wait, in one of the threads; raises as soon as everything is told to stop."""
        self.interrupt.wait(seconds)

    def stop(self) -> list[tuple[Chunk, Outcome | BaseException]]:
        """Break off what is under way, wait until every thread is gone, and hand back each chunk with its outcome."""
        self.interrupt.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._join_unknown_threads()
        left = [(chunk, _result_of(future)) for future, chunk in self._under_way.items()]
        if self._handing_over and self._handing_over not in self._under_way.values():
            left.append((self._handing_over, CancelledError()))
        self._handing_over = None
        self._under_way.clear()
        return left

    def _wait_for(self, still_under_way: int, note: Callable[[Outcome], object]) -> None:
        self._note_ended(note)
        while len(self._under_way) > still_under_way:
            wait(self._under_way, return_when=FIRST_COMPLETED)
            self._note_ended(note)

    def _note_ended(self, note: Callable[[Outcome], object]) -> None:
        # Noted first and taken away after, so that whatever interrupts this, `stop` hands back what is not noted yet.
        ended = [future for future in self._under_way if future.done()]
        for future in sorted(ended, key=_has_failed):
            note(future.result())
            if chunk := self._under_way.pop(future, None):  # unless what was noted stopped everything
                chunk.discard()

    def _join_unknown_threads(self) -> None:
        """Wait for a thread that Ctrl-C kept from becoming known to the pool."""
        for thread in threading.enumerate():
            if thread.name.startswith(self._thread_names):
                thread.join()


def _has_failed(future: Future[Outcome]) -> bool:
    return future.exception() is not None


def _result_of(future: Future[Outcome]) -> Outcome | BaseException:
    try:
        return future.exception() or future.result()
    except CancelledError as error:
        return error
