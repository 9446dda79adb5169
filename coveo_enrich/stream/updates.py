"""Updates as they happen: each chunk takes effect by itself, and the rest of the source is left alone.

A replace is an update of everything, after which what is older is deleted. Whether it may be is decided in
`coveo_enrich.stream.protocol` and `coveo_enrich.stream.deletion`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Literal

from coveo_enrich._calls import error_of, is_of_coveo
from coveo_enrich.errors import CoveoRefused, NoReply, shown
from coveo_enrich.stream import endpoints
from coveo_enrich.stream.deletion import oldest_stamp
from coveo_enrich.stream.delivery import Delivery, FileDelivery, NoDelivery, acknowledgement_in, answer_of
from coveo_enrich.stream.endpoints import Acknowledgement
from coveo_enrich.stream.protocol import leaves_doubt, require_worth_it
from coveo_enrich.stream.run import Connection, Run

if TYPE_CHECKING:
    from coveo_enrich._calls import Patience
    from coveo_enrich._http import Reply
    from coveo_enrich.stream.chunks import Entry
    from coveo_enrich.stream.intake import Intake
    from coveo_enrich.stream.protocol import ExpectedItems
    from coveo_enrich.stream.receipts import Operation, Receipt
    from coveo_enrich.stream.settings import StreamSettings

__all__ = ["UpdateRun"]


class UpdateRun:
    """One update, merge or partial update; or the update of everything and the deletion that make up a replace.

    Args:
        operation: What it is called.
        connection: Where the items go, and how to reach it.
        settings: The settings of this run.
    """

    def __init__(self, operation: Operation, connection: Connection, settings: StreamSettings) -> None:
        self._source = connection.source
        self._operation: Operation = operation
        self._settings = settings
        self._run = Run(operation, connection, settings, self._delivery)
        self._expected: ExpectedItems | None = None
        self._all_sent = False
        self._deletion_asked_for = False

    @property
    def intake(self) -> Intake:
        """What makes entries of what was given."""
        return self._run.intake

    def update(self, entries: Iterable[Entry]) -> Receipt:
        """Send everything; returns when every chunk was confirmed, or is known not to be."""
        with self._explaining_failure():
            self._send(entries)
            return self._finished(self._receipt())

    def replace(self, entries: Iterable[Entry], expect: Callable[[Patience], ExpectedItems]) -> Receipt:
        """Send everything, and have everything older deleted if nothing was left out (laws 3 and 4)."""
        with self._explaining_failure():
            self._expected = expect(self._run.patience)
            self._send(entries)
            receipt = self._receipt()
            if receipt.skipped:
                return self._finished(receipt)
            require_worth_it(self._source.source_id, receipt.items, self._expected)
            ordering_id = None if receipt.dry_run else oldest_stamp(receipt, self._source)
            return self._finished(self._delete_older_than(ordering_id))

    def delete_older(self, receipt: Receipt, expect: Callable[[Patience], ExpectedItems]) -> Receipt:
        """Have everything deleted that is older than what a receipt tells of."""
        with self._explaining_failure():
            ordering_id = oldest_stamp(receipt, self._source)
            self._expected = expect(self._run.patience)
            require_worth_it(self._source.source_id, receipt.items, self._expected)
            self._all_sent = True
            return self._finished(self._delete_older_than(ordering_id))

    def _send(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._run.chunks.write(entry)
        self._run.chunks.finish()
        self._all_sent = not (self._run.chunks.unconfirmed or self._run.intake.skipped)

    def _delete_older_than(self, ordering_id: int | None) -> Receipt:
        if self._settings.dry_run or ordering_id is None:
            return self._receipt(Acknowledgement(None, None), ordering_id)
        call = endpoints.delete_older_than(self._source, ordering_id)
        outcomes: list[Reply | NoReply] = []
        self._deletion_asked_for = True
        try:
            reply = self._run.caller.reply_to(call, pause=time.sleep, watch=outcomes.append)
            if not is_of_coveo(reply):
                raise error_of(call, reply)
        except (CoveoRefused, NoReply):
            self._deletion_asked_for = any(leaves_doubt(answer_of(outcome)) for outcome in outcomes)
            raise
        return self._receipt(acknowledgement_in(reply), ordering_id)

    def _finished(self, receipt: Receipt) -> Receipt:
        self._run.stop()
        self._run.log_end(receipt)
        return receipt

    @contextlib.contextmanager
    def _explaining_failure(self) -> Generator[None]:
        try:
            yield
        except BaseException as error:
            self._run.stop()
            self._run.fail(error, self._receipt(), self._what_became_of_the_source())
            raise

    def _delivery(self) -> Delivery:
        if self._settings.dry_run:
            return NoDelivery(self._settings.keep_chunks_in)
        method: Literal["update", "merge"] = "merge" if self._operation == "merge" else "update"
        return FileDelivery(self._source, method, self._run.transfer)

    def _receipt(self, ending: Acknowledgement | None = None, older_than: int | None = None) -> Receipt:
        items = sum(chunk.items for chunk in self._run.chunks.taken.values())
        return self._run.receipt(
            all_sent=self._all_sent, items=items, expected=self._expected, ending=ending, older_than=older_than
        )

    def _what_became_of_the_source(self) -> str:
        if self._settings.dry_run:
            return "It was a dry run: nothing was sent."
        parts = [] if self._operation == "delete older than" else [self._what_was_sent()]
        if self._deletion_asked_for:
            parts.append("The deletion of older items was asked for and not confirmed.")
        elif self._operation in ("replace", "delete older than"):
            parts.append("Nothing was deleted for being older.")
        return " ".join(parts)

    def _what_was_sent(self) -> str:
        chunks = self._run.chunks
        items = sum(chunk.items for chunk in chunks.taken.values())
        text = f"{len(chunks.taken)} of {chunks.started} chunks with {items:,} items were confirmed and take effect"
        doubtful = [chunk for chunk in chunks.unconfirmed.values() if chunk.may_be_applied]
        if doubtful:
            text += "; not confirmed: " + ", ".join(
                f"chunk {chunk.number} ({shown(chunk.first_id)} to {shown(chunk.last_id)})" for chunk in doubtful
            )
        return f"{text}." if self._all_sent else f"{text}; the rest was not sent."
