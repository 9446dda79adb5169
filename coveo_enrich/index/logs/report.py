"""What the logs say of something that was sent, as plain values: to print, to keep, to act on.

How it is found out is in `coveo_enrich.index.logs.following`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from html import escape
from typing import Final, Literal

import attrs

from coveo_enrich.errors import shown

__all__ = ["BatchOutcome", "BatchState", "FailedItem", "IndexingReport"]

BatchState = Literal["accepted", "refused", "pending", "unknown"]

_SHOWN: Final = 20


@attrs.frozen(kw_only=True)
class BatchOutcome:
    """What became of one batch.

    Attributes:
        number: The place of its chunk in the receipt, counted from 1.
        ordering_id: Coveo's stamp for it, in milliseconds since 1970; `None` when Coveo gave none.
        state: ``accepted``; ``refused``, or taken with a warning; ``pending``, when the logs do not say yet;
            ``unknown``, when they cannot tell, as Coveo gave it no stamp, or one of no time that can be, or no longer
            keeps the logs of its time.
        error: What is wrong with it; empty when nothing is.
    """

    number: int
    ordering_id: int | None
    state: BatchState
    error: str = ""

    def __str__(self) -> str:
        text = f"batch {self.number} is {self.state}"
        return f"{text}: {shown(self.error)}" if self.error else text


@attrs.frozen(kw_only=True)
class FailedItem:
    """An entry of the logs that tells of trouble with an item.

    Attributes:
        document_id: The item; empty when the entry names none.
        error: What is wrong; empty when the entry does not say.
        task: The part of Coveo's pipeline, such as ``STREAMING_EXTENSION``.
        operation: What it did, such as ``UPDATE``.
        result: ``WARNING``, ``ERROR`` or ``REJECTED``.
        time: When, as Coveo writes it.
    """

    document_id: str
    error: str
    task: str
    operation: str
    result: str
    time: str

    def __str__(self) -> str:
        what = f"{shown(self.document_id) or 'an item without id'}: {self.task} {self.operation} {self.result}"
        return f"{what}: {shown(self.error)}" if self.error else what


@attrs.frozen(kw_only=True)
class IndexingReport:
    """What the logs say of what a receipt confirms. Prints as text.

    Attributes:
        operation: What was done, such as ``update``.
        source_id: The source.
        batches: Each batch that was confirmed, by number; empty for a load, and where there was none.
        failed_items: Entries about items of the source that failed meanwhile, the first thousand that Coveo gives. Most
            of them do not say of which batch they are, so those of other pushes of that time may be among them.
        has_more_failures: Whether there are more.
        unread: Why there may be more in the logs than stands here; empty when they were read to their end.
        must_be_read_back: Whether the logs say nothing of it, as of a load: only what Coveo shows of the items tells.
    """

    operation: str
    source_id: str
    batches: tuple[BatchOutcome, ...] = ()
    failed_items: tuple[FailedItem, ...] = ()
    has_more_failures: bool = False
    unread: str = ""
    must_be_read_back: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether the logs have said of every batch whether it was accepted or refused."""
        return not self.must_be_read_back and all(batch.state in ("accepted", "refused") for batch in self.batches)

    @property
    def is_complete(self) -> bool:
        """Whether there are batches, all were accepted, no item failed, and the logs were read to their end.

        That all is indexed, it does not say.
        """
        accepted = bool(self.batches) and all(batch.state == "accepted" for batch in self.batches)
        return accepted and not self.failed_items and not self.unread and not self.must_be_read_back

    def to_json(self) -> str:
        """The report as a JSON object, with a key for each attribute, ``is_settled`` and ``is_complete``."""
        told = {**attrs.asdict(self), "is_settled": self.is_settled, "is_complete": self.is_complete}
        return json.dumps(told, ensure_ascii=False)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def _lines(self) -> Iterator[str]:
        yield f"{self.operation} of source {self.source_id}: {self._summary()}"
        troubled = [batch for batch in self.batches if batch.state != "accepted"]
        yield from map(str, troubled[:_SHOWN])
        if len(troubled) > _SHOWN:
            yield f"and {len(troubled) - _SHOWN:,} more batches"
        yield from map(str, self.failed_items[:_SHOWN])
        if len(self.failed_items) > _SHOWN:
            at_least = "at least " if self.has_more_failures else ""
            yield f"and {at_least}{len(self.failed_items) - _SHOWN:,} more failures"

    def _summary(self) -> str:
        if self.must_be_read_back:
            return "Coveo's logs do not tell of a load; read it back, with CoveoSearch.verify"
        if not self.batches:
            return "no batch was confirmed, so there is nothing to follow"
        states = Counter(batch.state for batch in self.batches)
        others = "".join(f", {count:,} {state}" for state, count in states.items() if state != "accepted")
        failures = f"{len(self.failed_items):,}{' and more' if self.has_more_failures else ''} failures of items"
        unread = f"; {self.unread}" if self.unread else ""
        return f"{states['accepted']:,} of {len(self.batches):,} batches accepted{others}; {failures}{unread}"
