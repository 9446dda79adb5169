"""What every operation on a source has while it is under way, and the account that it gives of itself.

How an operation proceeds is in `coveo_enrich.stream.load` and `coveo_enrich.stream.updates`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from coveo_enrich._calls import CoveoCaller, Patience
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.stream.chunks import ChunkArray
from coveo_enrich.stream.delivery import Delivery
from coveo_enrich.stream.intake import Intake
from coveo_enrich.stream.pipeline import ChunkPipeline
from coveo_enrich.stream.protocol import ExpectedItems, StreamEvent
from coveo_enrich.stream.receipts import Operation, Receipt
from coveo_enrich.stream.spool import Spool
from coveo_enrich.stream.transfer import ChunkTransfer
from coveo_enrich.stream.workers import ChunkWorkers

if TYPE_CHECKING:
    from coveo_enrich._http import HttpSender
    from coveo_enrich.retry import Pace
    from coveo_enrich.stream.endpoints import Acknowledgement
    from coveo_enrich.stream.settings import StreamSettings
    from coveo_enrich.stream.source import CoveoSource

__all__ = ["Connection", "Run"]

_ARRAYS: Final[Mapping[Operation, ChunkArray]] = {"merge": "addOrMerge", "partial update": "partialUpdate"}

_log = logging.getLogger("coveo_enrich.stream")


def _nothing(_event: StreamEvent, /) -> None: ...


@attrs.frozen
class Connection:
    """What the operations of one client share.

    Attributes:
        source: Where the items go.
        sender: Sends requests.
        pace: Says when the next call's turn is.
    """

    source: CoveoSource
    sender: HttpSender
    pace: Pace


class Run:
    """One operation under way.

    Args:
        operation: What it is called.
        connection: Where the items go, and how to reach it.
        settings: The settings of this run.
        delivery: Makes what sends chunks, when the first one is ready.
        watch: Told, in the caller's thread, when a chunk is begun and when it was taken.

    Attributes:
        operation: What it is called.
        patience: How long it waits.
        caller: Makes calls to Coveo.
        transfer: Uploads chunks.
        intake: Takes in items.
        chunks: What became of them.
    """

    def __init__(
        self,
        operation: Operation,
        connection: Connection,
        settings: StreamSettings,
        delivery: Callable[[], Delivery],
        watch: Callable[[StreamEvent], object] = _nothing,
    ) -> None:
        from coveo_enrich._http import Interrupt  # noqa: PLC0415 - httpx is loaded by the first operation

        self.operation: Operation = operation
        self._source = connection.source
        self._settings = settings
        self.patience = Patience(settings.retry, connection.pace)
        self.caller = CoveoCaller(connection.sender, connection.source.read_api_key, self.patience)
        workers = ChunkWorkers(settings.concurrency, Interrupt())
        self.transfer = ChunkTransfer(connection.sender, self.patience, self.caller, workers)
        self._spool = Spool()
        self.intake = Intake(_ARRAYS.get(operation, "addOrUpdate"), settings, self._spool)
        self.chunks = ChunkPipeline(operation, settings, workers, self._spool, delivery=delivery, watch=watch)
        self._begun = time.monotonic()

    def stop(self) -> None:
        """Break off what is under way; leaves no thread and no file behind."""
        self.chunks.stop()
        self.intake.close()
        self._spool.close()

    def fail(self, error: BaseException, receipt: Receipt, note: str) -> None:
        """Have an error that leaves the operation say what was done until then."""
        error.add_note(note)
        if isinstance(error, CoveoEnrichError) and error.receipt is None:
            error.receipt = receipt
        _log.info("%s: %s", self.operation, note, extra=self._described())

    def receipt(
        self,
        *,
        all_sent: bool,
        items: int,
        expected: ExpectedItems | None = None,
        stream_id: str | None = None,
        ending: Acknowledgement | None = None,
        older_than: int | None = None,
    ) -> Receipt:
        """The account as of now."""
        chunks = tuple(chunk for _, chunk in sorted(self.chunks.taken.items()))
        return Receipt(
            operation=self.operation,
            organization_id=self._source.organization_id,
            source_id=self._source.source_id,
            all_sent=all_sent,
            dry_run=self._settings.dry_run,
            items=items,
            deletes=sum(chunk.deletes for chunk in chunks),
            skipped=self.intake.skipped,
            chunks=chunks,
            unconfirmed=tuple(chunk for _, chunk in sorted(self.chunks.unconfirmed.items())),
            findings=self.intake.findings.values(),
            stream_id=stream_id,
            ending=ending,
            older_than=older_than,
            expected_items=expected.number if expected else None,
            expected_from=expected.origin if expected else None,
            seconds=time.monotonic() - self._begun,
            retry_seconds=self.patience.retry_seconds,
            paced_seconds=self.patience.paced_seconds,
        )

    def log_end(self, receipt: Receipt) -> None:
        """Say that the operation is done."""
        _log.info(
            "%s: %d items in %d chunks, %.1f s",
            self.operation,
            receipt.items,
            len(receipt.chunks),
            receipt.seconds,
            extra={**self._described(), "coveo_items": receipt.items, "coveo_seconds": receipt.seconds},
        )
        for finding in receipt.findings:
            # Not the message: it quotes values of items.
            _log.warning(
                "%s: %s %s in field %s, %d times",
                self.operation,
                finding.severity,
                finding.code,
                finding.field,
                finding.count,
                extra={**self._described(), "coveo_finding": finding.code, "coveo_field": finding.field},
            )

    def _described(self) -> dict[str, object]:
        return {"coveo_operation": self.operation, "coveo_source_id": self._source.source_id}
