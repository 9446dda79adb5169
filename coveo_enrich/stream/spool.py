"""The temporary files of a run, every one of which is gone when the run is over, whatever ended it.

They are made in a thread of their own: Ctrl-C strikes in the caller's thread, and there it could come between the
making of a file and the moment from which it is known. What is written into a file is not known here.
"""

from __future__ import annotations

import contextlib
import tempfile
from typing import IO, Any, cast

from coveo_enrich._threads import Task, Threads

__all__ = ["Spool"]


class Spool:
    """Temporary files, for one thread at a time."""

    def __init__(self) -> None:
        self._thread = Threads(1, f"coveo-enrich-spool-{id(self):x}")
        self._files: list[Task[IO[bytes]]] = []

    def new_file(self, *, buffered: bool = True) -> IO[bytes]:
        """An empty file. Closing it deletes it.

        Raises:
            OSError: It cannot be made.
            RuntimeError: The system starts no more threads.
        """
        how: dict[str, Any] = {"prefix": "coveo-enrich-", "buffering": -1 if buffered else 0}
        task = Task(lambda: cast("IO[bytes]", tempfile.TemporaryFile(**how)))  # noqa: SIM115 - closed with the spool
        self._files = [*filter(_is_open, self._files), task]  # known before it is begun
        self._thread.begin(task)
        self._thread.wait_for_one([task])
        return task.result()

    def close(self) -> None:
        """Delete every file that is left; no more are made."""
        self._thread.stop()
        for task in filter(_is_open, self._files):
            with contextlib.suppress(OSError):  # what could not be written is not wanted any more
                task.result().close()
        self._files = []


def _is_open(task: Task[IO[bytes]]) -> bool:
    return task.value is not None and not task.value.closed
