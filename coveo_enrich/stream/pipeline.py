"""Entries into chunk files, chunk files to where they go: reading, writing and sending at the same time.

At most one chunk file more than there are uploads at once, so a slow network holds the producer back. What an entry is,
and where chunks go, is not known here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.stream.chunks import Chunk, ChunkWriter
from coveo_enrich.stream.delivery import unconfirmed
from coveo_enrich.stream.protocol import StreamEvent
from coveo_enrich.stream.receipts import ChunkReceipt, UnconfirmedChunk

if TYPE_CHECKING:
    from coveo_enrich.stream.chunks import Entry
    from coveo_enrich.stream.delivery import Delivery
    from coveo_enrich.stream.settings import StreamSettings
    from coveo_enrich.stream.spool import Spool
    from coveo_enrich.stream.workers import ChunkWorkers, Outcome

__all__ = ["ChunkPipeline"]

_log = logging.getLogger("coveo_enrich.stream")
_LOGGED: Final = ("coveo_chunk", "coveo_items", "coveo_bytes", "coveo_attempts", "coveo_seconds")


class ChunkPipeline:
    """The chunks of one run.

    Args:
        operation: What the run is called.
        settings: Its settings.
        workers: Its threads.
        spool: Where chunks are written; whoever closes it discards those that are left.
        delivery: Where chunks go; called in the caller's thread, once, when the first chunk is ready.
        watch: Told, in the caller's thread, when a chunk is begun and when it was taken.

    Attributes:
        taken: The chunks that were taken, by number.
        unconfirmed: The chunks of which that is not known, or that were not, by number.
        started: How many chunks were begun to be sent.
    """

    def __init__(
        self,
        operation: str,
        settings: StreamSettings,
        workers: ChunkWorkers,
        spool: Spool,
        *,
        delivery: Callable[[], Delivery],
        watch: Callable[[StreamEvent], object],
    ) -> None:
        self.taken: dict[int, ChunkReceipt] = {}
        self.unconfirmed: dict[int, UnconfirmedChunk] = {}
        self.started = 0
        self._operation = operation
        self._settings = settings
        self._workers = workers
        self._spool = spool
        self._make_delivery = delivery
        self._watch = watch
        self._delivery: Delivery | None = None
        self._writer: ChunkWriter | None = None
        self._stopped = False

    def write(self, entry: Entry) -> None:
        """Add an entry, in a new chunk if the one at hand has no room for it."""
        if self._writer and self._writer.write(entry):
            return
        writer = self._next_writer()
        if writer and not writer.write(entry):
            raise ConfigurationError(f"{entry[2]} does not fit into a chunk: max_chunk_bytes is too small for it")

    def finish(self) -> None:
        """Send the last chunk, and wait until every one is taken."""
        if self._writer:
            self._send(self._writer)
        if not self._stopped:
            self._workers.wait_for_all(self._note)
        self.stop()

    def stop(self) -> None:
        """Break off what is under way; leaves no thread behind, and takes nothing more."""
        self._stopped = True
        for chunk, outcome in self._workers.stop():
            self._note_left(chunk, outcome)
        self._writer = None

    def _next_writer(self) -> ChunkWriter | None:
        if self._writer:
            self._send(self._writer)
        self._writer = None if self._stopped else self._new_writer()
        return self._writer

    def _new_writer(self) -> ChunkWriter:
        return ChunkWriter(self.started + 1, self._settings.max_chunk_bytes, self._spool.new_file(buffered=False))

    def _send(self, writer: ChunkWriter) -> None:
        self._delivery = self._delivery or self._make_delivery()
        self._workers.wait_for_place(self._note)
        if self._stopped:  # by what was told of a chunk
            return
        chunk = writer.finish()
        self.started += 1
        self._watch(StreamEvent.UPLOAD_STARTED)
        self._workers.start(self._delivery.deliver, chunk)
        self._writer = None

    def _note(self, outcome: Outcome) -> None:
        if isinstance(outcome, UnconfirmedChunk):
            self._note_unconfirmed(outcome)
            return
        self._note_taken(outcome)
        if self._settings.on_chunk:
            self._settings.on_chunk(outcome)

    def _note_left(self, chunk: Chunk, outcome: Outcome | BaseException | None) -> None:
        if chunk.number in self.taken or chunk.number in self.unconfirmed:
            return
        if isinstance(outcome, ChunkReceipt):
            self._note_taken(outcome)
        elif isinstance(outcome, UnconfirmedChunk):
            self._note_unconfirmed(outcome)
        elif not self._settings.dry_run:
            may_be_applied = self._delivery is not None and self._delivery.may_be_applied(chunk)
            reason = str(outcome or "") or "it was broken off"
            self._note_unconfirmed(unconfirmed(chunk, reason, may_be_applied=may_be_applied))

    def _note_taken(self, receipt: ChunkReceipt) -> None:
        self.taken[receipt.number] = receipt
        self._watch(StreamEvent.UPLOAD_DONE)
        values = (receipt.number, receipt.items, receipt.size, receipt.attempts, receipt.seconds)
        _log.info(
            "%s: chunk %d taken, %d items, %d bytes, %d tries, %.1f s",
            self._operation,
            *values,
            extra={"coveo_operation": self._operation, **dict(zip(_LOGGED, values, strict=True))},
        )

    def _note_unconfirmed(self, chunk: UnconfirmedChunk) -> None:
        self.unconfirmed[chunk.number] = chunk
        _log.warning(
            "%s: chunk %d is not confirmed: %s",
            self._operation,
            chunk.number,
            chunk.reason,
            extra={"coveo_operation": self._operation, "coveo_chunk": chunk.number, "coveo_items": chunk.items},
        )
