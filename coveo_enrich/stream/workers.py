"""Chunks on their way to the storage, a few at a time, from threads.

Keeps at most so many uploads under way and hands back what each of them came to. What an upload is, and what its
failure means for the load, is not decided here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from coveo_enrich.stream.chunks import Chunk
from coveo_enrich.stream.receipts import ChunkReceipt

__all__ = ["Stopped", "UploadWorkers"]


class Stopped(Exception):
    """The load was told to stop; this upload is no longer wanted."""


class UploadWorkers:
    """Uploads chunks in ``concurrency`` threads."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="coveo-enrich-upload")
        self._under_way: dict[Future[ChunkReceipt], Chunk] = {}
        self._stopping = threading.Event()

    def start(self, upload: Callable[[Chunk], ChunkReceipt], chunk: Chunk) -> None:
        """Begin to upload a chunk. There must be a place for it: see `wait_for_place`."""
        self._under_way[self._threads.submit(upload, chunk)] = chunk

    def wait_for_place(self) -> list[ChunkReceipt]:
        """Wait until another upload may begin; returns the uploads that ended, raises the first that failed."""
        return self._wait_for(self._concurrency - 1)

    def wait_for_all(self) -> list[ChunkReceipt]:
        """Wait until no upload is under way; returns the uploads that ended, raises the first that failed."""
        return self._wait_for(0)

    def pause(self, seconds: float) -> None:
        """Wait, for an upload that will try again; raises `Stopped` as soon as the load is told to stop."""
        if self._stopping.wait(seconds):
            raise Stopped

    def check_wanted(self) -> None:
        """Raise `Stopped` once the load was told to stop."""
        if self._stopping.is_set():
            raise Stopped

    def stop(self) -> None:
        """Give up what is under way, and wait until every thread and file is gone."""
        self._stopping.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for chunk in self._under_way.values():
            chunk.discard()
        self._under_way.clear()

    def _wait_for(self, still_under_way: int) -> list[ChunkReceipt]:
        receipts: list[ChunkReceipt] = []
        while len(self._under_way) > still_under_way:
            done, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
            for upload in done:
                self._under_way.pop(upload).discard()
                receipts.append(upload.result())
        return receipts
