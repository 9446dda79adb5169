"""One receipt, followed through the logs: what they say of its batches, and of items of its time.

How often they are read, and until when, is decided in `coveo_enrich.index.logs.client`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from coveo_enrich.index.logs.calls import BATCHES, FAILURES, LogEntry, TimeRange, ranges
from coveo_enrich.index.logs.reading import UNREAD, LogReader
from coveo_enrich.index.logs.report import BatchOutcome, FailedItem, IndexingReport
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import PlatformCalls
from coveo_enrich.index.polling import OutOfTimeError
from coveo_enrich.index.receipts import SentBatch, SentBatches

if TYPE_CHECKING:
    from coveo_enrich._calls import Pause

__all__ = ["Failures", "Following"]

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
_NO_TIME: Final = "its orderingId is no time at which it can have been sent"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class Failures:
    """What the logs say of items.

    Attributes:
        items: Those that failed, the first thousand.
        has_more: Whether there are more.
        unread: Why there may be more in the logs; empty when they were read to their end.
    """

    items: tuple[FailedItem, ...]
    has_more: bool
    unread: str


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
        self._latest = _EPOCH + timedelta(seconds=now) + _KEPT  # more than any two clocks differ
        moments = [_moment(batch.ordering_id) for batch in receipt.chunks if batch.ordering_id is not None]
        self._sent = [moment for moment in moments if moment is not None and moment <= self._latest]
        self._told: Mapping[str, Sequence[LogEntry]] = {}
        self._unread = ""

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a batch that the logs may tell of."""
        return any(moment >= self._oldest for moment in self._sent)

    def look(self, pause: Pause) -> bool:
        """Read what the logs say of batches, and return whether they have told of all that they can tell of.

        Raises:
            OutOfTimeError: What the pause raised; then what the look before found stays.
        """
        if self.can_be_asked:
            self._told, self._unread = self._read_batches(pause)
        return all(batch.state != "pending" for batch in self._outcomes())

    def failures(self, pause: Pause) -> Failures:
        """Read which items failed in this receipt's time, and not in another batch, as far as the pause lets it."""
        failed: list[FailedItem] = []
        unread = ""
        try:
            for page in LogReader(self._place, self._calls, pause).pages(FAILURES, self._times_of_items()):
                failed += [_failed(entry) for entry in page.entries if self._is_failure(entry)]
                if len(failed) > _MOST_FAILURES:
                    break
                unread = page.unread or unread
        except OutOfTimeError:
            unread = f"{UNREAD}, as the time was over"
        return Failures(tuple(failed[:_MOST_FAILURES]), len(failed) > _MOST_FAILURES, unread)

    def report(self, failures: Failures) -> IndexingReport:
        """What is known of batches, and of the items that failed."""
        return IndexingReport(
            operation=self._receipt.operation,
            source_id=self._receipt.source_id,
            batches=tuple(self._outcomes()),
            failed_items=failures.items,
            has_more_failures=failures.has_more,
            unread=self._unread or failures.unread,
        )

    def _read_batches(self, pause: Pause) -> tuple[Mapping[str, Sequence[LogEntry]], str]:
        """What the logs say of each batch, by orderingId, and why they were not read to their end."""
        told: dict[str, list[LogEntry]] = {
            str(batch.ordering_id): [] for batch in self._receipt.chunks if batch.ordering_id is not None
        }
        unread = ""
        for page in LogReader(self._place, self._calls, pause).pages(BATCHES, self._times_of_batches()):
            unread = page.unread or unread
            for entry in page.entries:
                if entry.operation == "BATCH_FILE" and entry.ordering_id in told:
                    told[entry.ordering_id].append(entry)
        return told, unread

    def _is_failure(self, entry: LogEntry) -> bool:
        fails = entry.operation != "BATCH_FILE" and entry.result in FAILURES["results"]
        return fails and (entry.ordering_id in ("", "0") or entry.ordering_id in self._told)

    def _times_of_batches(self) -> Iterator[TimeRange]:
        return ranges(self._start, max(self._start + _IN_ONE_CALL, max(self._sent) + _BEHIND))

    def _times_of_items(self) -> Iterator[TimeRange]:
        if not self.can_be_asked:
            return
        moments = [entry.moment for of_batch in self._told.values() for entry in of_batch]
        yield from ranges(self._start, max([*self._sent, *filter(None, moments)]) + _ITEMS_BEHIND)

    @property
    def _start(self) -> datetime:
        return max(min(self._sent) - _EARLIER, self._oldest)

    def _outcomes(self) -> Iterator[BatchOutcome]:
        for batch in self._receipt.chunks:
            why_unknown = "" if batch.ordering_id is None else self._why_unknown(batch.ordering_id)
            yield _outcome(batch, self._told.get(str(batch.ordering_id), ()), why_unknown)

    def _why_unknown(self, stamp: int) -> str:
        """Why the logs cannot tell of a stamp; empty when they may."""
        moment = _moment(stamp)
        if moment is None or moment > self._latest:
            return _NO_TIME
        return _TOO_OLD if moment < self._oldest else ""


def _moment(stamp: int) -> datetime | None:
    """The moment of a stamp; `None` when it is beyond all calendars."""
    try:
        return _EPOCH + timedelta(milliseconds=max(stamp, 0))
    except OverflowError:
        return None


def _outcome(batch: SentBatch, told: Sequence[LogEntry], why_unknown: str) -> BatchOutcome:
    stamp = batch.ordering_id
    number = batch.number
    if stamp is None:
        return BatchOutcome(number=number, ordering_id=None, state="unknown")
    if not told:
        if why_unknown:
            return BatchOutcome(number=number, ordering_id=stamp, state="unknown", error=why_unknown)
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
