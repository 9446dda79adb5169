"""A look after the push: whether Coveo accepted what it received, and which items failed.

A 202 only says that something was received. Coveo's logs say more, a little later; that an item is found, only
`coveo_enrich.index.CoveoSearch` shows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Final, Protocol

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index.log_calls import BATCHES, FAILURES, LogEntry, TimeRange, entries_in, logs_call, ranges
from coveo_enrich.index.log_report import BatchOutcome, FailedItem, IndexingReport
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import CALLS_PER_FIVE_MINUTES
from coveo_enrich.index.platform_client import PlatformClient, require_seconds
from coveo_enrich.retry import RetryPolicy

__all__ = ["IndexingLog", "SentBatch", "SentBatches"]

_TIMEOUT_SECONDS: Final = 900.0
_POLL_SECONDS: Final = 30.0  # a call may take Coveo a minute (docs.coveo.com/en/59)
_MOST_FAILURES: Final = 1_000
# A stamp is given before anything is logged; it and the logs come from different machines.
_EARLIER: Final = timedelta(seconds=1)
# How long after its stamp a batch's entries are looked for, at least; and what one call may ask for.
_BEHIND: Final = timedelta(days=1)
_IN_ONE_CALL: Final = timedelta(days=7)
# How long after the last word of a batch the entries of its items are looked for.
_ITEMS_BEHIND: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SentBatch(Protocol):
    """A batch that Coveo took: a `coveo_enrich.stream.ChunkReceipt`, for example."""

    @property
    def number(self) -> int:
        """Its place, counted from 1."""
        ...

    @property
    def ordering_id(self) -> int | None:
        """The orderingId that Coveo gave it."""
        ...


class SentBatches(Protocol):
    """What was sent: a `coveo_enrich.stream.Receipt`, for example."""

    @property
    def operation(self) -> str:
        """What was done, such as ``update``."""
        ...

    @property
    def organization_id(self) -> str:
        """The organization."""
        ...

    @property
    def source_id(self) -> str:
        """The source."""
        ...

    @property
    def chunks(self) -> Sequence[SentBatch]:
        """The batches that Coveo took."""
        ...


class IndexingLog(PlatformClient):
    """Follows what was sent through Coveo's logs.

    Args:
        place: The source, as `coveo_enrich.CoveoSource` names it. Its ``platform_key`` is used where there is one; it
            needs the privileges to view the organization and sources.
        retry: How patiently calls are repeated; by default six tries, the second after half a minute, as a call that
            Coveo could not answer in time is not asked for again at once.
        calls_per_five_minutes: How many calls this client makes in any five minutes, 1 or more, default 250.
        poll_seconds: How long `wait` waits between two looks, 0 or more, default 30, less than which Coveo's logs are
            not made for; 0 for a sandbox.
        ca_bundle: A file or folder of certificates to trust instead of the usual ones.
        user_agent_suffix: What your program is called, added to the User-Agent header.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    def __init__(
        self,
        place: CoveoPlace,
        *,
        retry: RetryPolicy | None = None,
        calls_per_five_minutes: int = CALLS_PER_FIVE_MINUTES,
        poll_seconds: float = _POLL_SECONDS,
        ca_bundle: str | Path | None = None,
        user_agent_suffix: str | None = None,
    ) -> None:
        require_seconds("poll_seconds", poll_seconds)
        patience = retry or RetryPolicy(attempts=6, first_wait_seconds=_POLL_SECONDS)
        super().__init__(
            place, patience, calls_per_five_minutes, ca_bundle=ca_bundle, user_agent_suffix=user_agent_suffix
        )
        self._poll_seconds = poll_seconds

    def wait(self, receipt: SentBatches, *, timeout: float = _TIMEOUT_SECONDS) -> IndexingReport:
        """Read the logs until they have said of every batch whether it was accepted or refused, or the time is over.

        When they have, they are read once more, as what they say of items may come a little later. Of a load they say
        nothing: no call is made, and the report says that it has to be read back.

        Args:
            receipt: What was sent, at most 14 days ago, for which Coveo keeps its logs.
            timeout: How long Coveo is given, in seconds, default 900; 0 for one look. A call under way is not broken
                off.

        Raises:
            ConfigurationError: It is no receipt, or one of another source or of a dry run; or the timeout is no number
                of 0 or more.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error.
            NoReply: Nothing was answered, several times over.
        """
        self._require_own(receipt)
        require_seconds("timeout", timeout)
        if receipt.operation == "load":
            return IndexingReport(operation="load", source_id=receipt.source_id, must_be_read_back=True)
        until = time.monotonic() + timeout
        was_settled = False
        while True:
            entries = self._entries_of(receipt)
            batches = tuple(_outcome(batch, entries) for batch in receipt.chunks)
            is_settled = all(batch.state != "pending" for batch in batches)
            if (is_settled and was_settled) or not entries or time.monotonic() + self._poll_seconds > until:
                return self._report(receipt, batches, entries)
            was_settled = is_settled
            time.sleep(self._poll_seconds)

    def _require_own(self, receipt: SentBatches) -> None:
        if not hasattr(receipt, "chunks"):
            raise ConfigurationError(f"a receipt is wanted, such as StreamClient.update gives; got {receipt!r:.200}")
        if getattr(receipt, "dry_run", False):
            raise ConfigurationError("the receipt is of a dry run: nothing was sent, and no log tells of it")
        own = (self._place.organization_id, self._place.source_id)
        if (receipt.organization_id, receipt.source_id) != own:
            raise ConfigurationError(
                f"the receipt is of source {receipt.source_id} of {receipt.organization_id}, and this log follows "
                f"source {own[1]} of {own[0]}"
            )

    def _entries_of(self, receipt: SentBatches) -> Mapping[str, Sequence[LogEntry]]:
        """What the logs say of each batch, by orderingId; empty when no batch has one."""
        entries: dict[str, list[LogEntry]] = {str(stamp): [] for stamp in _stamps(receipt)}
        if entries:
            first, last = _moments(receipt)
            start = first - _EARLIER
            for entry in self._read(BATCHES, ranges(start, max(start + _IN_ONE_CALL, last + _BEHIND))):
                if entry.operation == "BATCH_FILE" and entry.ordering_id in entries:
                    entries[entry.ordering_id].append(entry)
        return entries

    def _report(
        self, receipt: SentBatches, batches: tuple[BatchOutcome, ...], entries: Mapping[str, Sequence[LogEntry]]
    ) -> IndexingReport:
        failures = list(islice(self._failures(receipt, entries), _MOST_FAILURES + 1))
        return IndexingReport(
            operation=receipt.operation,
            source_id=receipt.source_id,
            batches=batches,
            failed_items=tuple(failures[:_MOST_FAILURES]),
            has_more_failures=len(failures) > _MOST_FAILURES,
        )

    def _failures(self, receipt: SentBatches, entries: Mapping[str, Sequence[LogEntry]]) -> Iterator[FailedItem]:
        """The entries about items, of this receipt's time and of no other batch."""
        if not entries:
            return
        first, last = _moments(receipt)
        told = [entry.moment for of_batch in entries.values() for entry in of_batch]
        end = max([last, *(moment for moment in told if moment)]) + _ITEMS_BEHIND
        for entry in self._read(FAILURES, ranges(first - _EARLIER, end)):
            fails = entry.operation != "BATCH_FILE" and entry.result in FAILURES["results"]
            if fails and (entry.ordering_id in ("", "0") or entry.ordering_id in entries):
                yield FailedItem(
                    document_id=entry.name,
                    error=entry.error,
                    task=entry.task,
                    operation=entry.operation,
                    result=entry.result,
                    time=entry.time,
                )

    def _read(self, filters: Mapping[str, Sequence[str]], when: Iterable[TimeRange]) -> Iterator[LogEntry]:
        """Each entry of the source once."""
        seen: set[str] = set()
        for one in when:
            for page in count():
                entries, has_next = entries_in(self._calls.send(logs_call(self._place, filters, one, page)))
                new = {entry.key: entry for entry in entries if entry.key not in seen}
                seen |= new.keys()
                yield from (entry for entry in new.values() if entry.source_id == self._place.source_id)
                if not has_next or not new:  # pages that bring nothing new could go on for ever
                    break


def _stamps(receipt: SentBatches) -> list[int]:
    return [batch.ordering_id for batch in receipt.chunks if batch.ordering_id is not None]


def _moments(receipt: SentBatches) -> tuple[datetime, datetime]:
    """When Coveo took the first batch and the last, by its own stamps."""
    stamps = _stamps(receipt)
    first, last = (_EPOCH + timedelta(milliseconds=stamp) for stamp in (min(stamps), max(stamps)))
    return first, last


def _outcome(batch: SentBatch, entries: Mapping[str, Sequence[LogEntry]]) -> BatchOutcome:
    stamp = batch.ordering_id
    if stamp is None:
        return BatchOutcome(number=batch.number, ordering_id=None, state="unknown")
    told = entries[str(stamp)]
    if not told:
        return BatchOutcome(number=batch.number, ordering_id=stamp, state="pending")
    troubles = [entry for entry in told if entry.result != "COMPLETED"]
    if not troubles:
        return BatchOutcome(number=batch.number, ordering_id=stamp, state="accepted")
    error = "; ".join(dict.fromkeys(entry.error or entry.result for entry in troubles))
    return BatchOutcome(number=batch.number, ordering_id=stamp, state="refused", error=error)
