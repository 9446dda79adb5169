"""One receipt, followed through the logs: what they say of its batches, and of items of its time.

How often they are read, and until when, is decided in `coveo_enrich.index.logs.client`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from coveo_enrich.index.logs.calls import BATCHES, FAILURES, LogEntry, ranges
from coveo_enrich.index.logs.reading import LogReader
from coveo_enrich.index.logs.report import BatchOutcome, FailedItem, IndexingReport
from coveo_enrich.index.logs.sent_batches import SentBatch, SentBatches
from coveo_enrich.index.looking import OutOfTimeError
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import PlatformCalls

if TYPE_CHECKING:
    from coveo_enrich._calls import Pause

__all__ = ["Following"]

_MOST_FAILURES: Final = 1_000
# A stamp is given before anything is logged; it and the logs come from different machines.
_EARLIER: Final = timedelta(seconds=1)
# How long after its stamp a batch's entries are looked for, at least; and what one call may ask for.
_BEHIND: Final = timedelta(days=1)
_IN_ONE_CALL: Final = timedelta(days=7)
# How long after the last word of a batch the entries of its items are looked for.
_ITEMS_BEHIND: Final = timedelta(hours=1)
_KEPT: Final = timedelta(days=14)
_TOO_OLD: Final = "it was sent more than 14 days ago, and Coveo's logs do not go back that far"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Following:
    """What the logs have said of a receipt so far.

    Args:
        place: The source.
        calls: How its logs are asked.
        receipt: What was sent.
        now: The time, in seconds since 1970.
    """

    def __init__(self, place: CoveoPlace, calls: PlatformCalls, receipt: SentBatches, *, now: float) -> None:
        self._place = place
        self._calls = calls
        self._receipt = receipt
        self._oldest = _EPOCH + timedelta(seconds=now) - _KEPT
        self._sent = [_moment(batch.ordering_id) for batch in receipt.chunks if batch.ordering_id is not None]
        self._told: Mapping[str, Sequence[LogEntry]] = {}
        self._unread = ""
        self._pause: Pause = time.sleep

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a batch that the logs may tell of."""
        return any(moment >= self._oldest for moment in self._sent)

    def look(self, pause: Pause) -> bool:
        """Read what the logs say of batches, and return whether they have told of all that they can tell of.

        Raises:
            OutOfTimeError: What the pause raised; then what the look before found stays.
        """
        self._pause = pause
        if self.can_be_asked:
            reader = LogReader(self._place, self._calls, pause)
            self._told = self._batches_in(reader)
            self._unread = reader.unread
        return all(batch.state != "pending" for batch in self._outcomes())

    def report(self) -> IndexingReport:
        """What is known, with the items that failed, which are looked for now."""
        reader = LogReader(self._place, self._calls, self._pause)
        failures: list[FailedItem] = []
        with suppress(OutOfTimeError):
            for failure in islice(self._failures_in(reader), _MOST_FAILURES + 1):
                failures.append(failure)  # noqa: PERF402 - those before an error are kept
        return IndexingReport(
            operation=self._receipt.operation,
            source_id=self._receipt.source_id,
            batches=tuple(self._outcomes()),
            failed_items=tuple(failures[:_MOST_FAILURES]),
            has_more_failures=len(failures) > _MOST_FAILURES,
            unread=self._unread or reader.unread,
        )

    def _batches_in(self, reader: LogReader) -> Mapping[str, Sequence[LogEntry]]:
        """What the logs say of each batch, by orderingId."""
        told: dict[str, list[LogEntry]] = {
            str(batch.ordering_id): [] for batch in self._receipt.chunks if batch.ordering_id is not None
        }
        start = self._start
        for entry in reader.entries(BATCHES, ranges(start, max(start + _IN_ONE_CALL, max(self._sent) + _BEHIND))):
            if entry.operation == "BATCH_FILE" and entry.ordering_id in told:
                told[entry.ordering_id].append(entry)
        return told

    def _failures_in(self, reader: LogReader) -> Iterator[FailedItem]:
        """The entries about items, of this receipt's time and of no other batch."""
        if not self.can_be_asked:
            return
        moments = [entry.moment for of_batch in self._told.values() for entry in of_batch]
        end = max([*self._sent, *filter(None, moments)]) + _ITEMS_BEHIND
        for entry in reader.entries(FAILURES, ranges(self._start, end)):
            fails = entry.operation != "BATCH_FILE" and entry.result in FAILURES["results"]
            if fails and (entry.ordering_id in ("", "0") or entry.ordering_id in self._told):
                yield _failed(entry)

    @property
    def _start(self) -> datetime:
        return max(min(self._sent) - _EARLIER, self._oldest)

    def _outcomes(self) -> Iterator[BatchOutcome]:
        for batch in self._receipt.chunks:
            yield _outcome(batch, self._told.get(str(batch.ordering_id), ()), self._oldest)


def _moment(stamp: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=stamp)


def _outcome(batch: SentBatch, told: Sequence[LogEntry], oldest: datetime) -> BatchOutcome:
    stamp, number = batch.ordering_id, batch.number
    if stamp is None:
        return BatchOutcome(number=number, ordering_id=None, state="unknown")
    if not told:
        if _moment(stamp) < oldest:
            return BatchOutcome(number=number, ordering_id=stamp, state="unknown", error=_TOO_OLD)
        return BatchOutcome(number=number, ordering_id=stamp, state="pending")
    troubles = [entry for entry in told if entry.result != "COMPLETED"]
    if not troubles:
        return BatchOutcome(number=number, ordering_id=stamp, state="accepted")
    error = "; ".join(dict.fromkeys(entry.error or entry.result for entry in troubles))
    return BatchOutcome(number=number, ordering_id=stamp, state="refused", error=error)


def _failed(entry: LogEntry) -> FailedItem:
    return FailedItem(
        document_id=entry.name,
        error=entry.error,
        task=entry.task,
        operation=entry.operation,
        result=entry.result,
        time=entry.time,
    )
