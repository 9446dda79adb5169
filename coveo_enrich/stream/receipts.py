"""What was sent, as plain values to keep: to print, to log, to check later.

What the findings mean is said in `coveo_enrich.stream.checks`; what follows from a receipt in
`coveo_enrich.stream.protocol`.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Final, Literal

import attrs

from coveo_enrich.errors import shown
from coveo_enrich.stream.endpoints import Acknowledgement
from coveo_enrich.stream.findings import Finding

__all__ = ["ChunkReceipt", "Operation", "Receipt", "UnconfirmedChunk"]

Operation = Literal["load", "replace", "update", "partial update", "merge", "delete older than"]

_WITH_ENDING: Final = ("load", "replace", "delete older than")
_MOST_SHOWN: Final = 10


@attrs.frozen(kw_only=True)
class ChunkReceipt:
    """One chunk that was taken: by Coveo's storage in a load, by Coveo itself in an update.

    Attributes:
        number: Its place in the run, counted from 1.
        items: How many items, or operations on items, it held.
        deletes: How many ids of items to delete it held.
        size: Bytes of it, wrapper and commas included.
        first_id: The id of its first entry.
        last_id: The id of its last entry.
        attempts: Uploads that it took, 1 or more; 0 in a dry run.
        seconds: From the first call made for it to the last answer, waits included.
        ordering_id: Coveo's stamp for it, in milliseconds since 1970; `None` in a load, which has one stamp for all.
        request_id: Coveo's id for the request that made it take effect; `None` in a load.
    """

    number: int
    items: int
    deletes: int = 0
    size: int
    first_id: str
    last_id: str
    attempts: int
    seconds: float
    ordering_id: int | None = None
    request_id: str | None = None


@attrs.frozen(kw_only=True)
class UnconfirmedChunk:
    """A chunk of which it is not known that Coveo took it.

    Attributes:
        number: Its place in the run, counted from 1.
        items: How many items, or operations on items, it held.
        deletes: How many ids of items to delete it held.
        first_id: The id of its first entry.
        last_id: The id of its last entry.
        may_be_applied: Whether Coveo may have taken it all the same. `False`: certainly not.
        reason: What came back last.
        document_ids: The items whose operations it held, where sending them again is not safe (``arrayAppend``); else
            empty.
    """

    number: int
    items: int
    deletes: int = 0
    first_id: str
    last_id: str
    may_be_applied: bool
    reason: str
    document_ids: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Receipt:
    """What an operation did. Coveo has received it; that it is indexed shows a little later.

    Attributes:
        operation: ``"load"``, ``"replace"``, ``"update"``, ``"partial update"``, ``"merge"`` or
            ``"delete older than"``.
        organization_id: The organization.
        source_id: The source.
        all_sent: Whether everything that was given was sent and confirmed, and nothing skipped.
        dry_run: Whether nothing was sent.
        items: Items, or operations on items, that were confirmed; those of a load count once it is closed.
        deletes: Ids of items to delete that were confirmed.
        skipped: Items that were left out because they were invalid; which and why is in ``findings``.
        chunks: The chunks that were taken, by number.
        unconfirmed: The chunks of which it is not known that Coveo took them, and those that it certainly did not.
        findings: What the checks found, grouped, with examples.
        stream_id: The stream of a load; `None` for other operations, and when none was opened.
        ending: Coveo's answer to the call that ended a load (close) or a replace (delete older than).
        older_than: Items whose last operation is older than this are deleted, in milliseconds since 1970; `None` when
            nothing older is deleted.
        expected_items: What the guard against a shrinking catalog expected; `None` when it was not used.
        expected_from: Where that number came from.
        seconds: How long it took.
        retry_seconds: Seconds waited between tries, added up over the uploads under way at once.
        paced_seconds: Seconds that calls waited for their turn, added up likewise.
    """

    operation: Operation
    organization_id: str
    source_id: str
    all_sent: bool
    dry_run: bool = False
    items: int = 0
    deletes: int = 0
    skipped: int = 0
    chunks: tuple[ChunkReceipt, ...] = ()
    unconfirmed: tuple[UnconfirmedChunk, ...] = ()
    findings: tuple[Finding, ...] = ()
    stream_id: str | None = None
    ending: Acknowledgement | None = None
    older_than: int | None = None
    expected_items: int | None = None
    expected_from: str | None = None
    seconds: float = 0.0
    retry_seconds: float = 0.0
    paced_seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether the operation did all that it is for: a load is closed, a replace has older items deleted too."""
        return self.all_sent and (self.ending is not None or self.operation not in _WITH_ENDING)

    @property
    def size(self) -> int:
        """Bytes of the chunks that were taken."""
        return sum(chunk.size for chunk in self.chunks)

    @property
    def ordering_ids(self) -> tuple[int, ...]:
        """Every stamp that Coveo gave, in milliseconds since 1970."""
        return tuple(answer.ordering_id for answer in self._answers() if answer.ordering_id is not None)

    @property
    def request_ids(self) -> tuple[str, ...]:
        """Coveo's id of every request that took effect."""
        return tuple(answer.request_id for answer in self._answers() if answer.request_id is not None)

    def to_json(self) -> str:
        """The receipt as a JSON object, with a key for each attribute, and ``complete``."""
        return json.dumps({**attrs.asdict(self), "complete": self.complete}, ensure_ascii=False)

    def __str__(self) -> str:
        return "\n".join(f"{name}: {text}" if name else text for name, text in self._lines())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in self._lines()
        )
        return f"<table>{rows}</table>"

    def _answers(self) -> Iterator[ChunkReceipt | Acknowledgement]:
        yield from self.chunks
        if self.ending:
            yield self.ending

    def _lines(self) -> Iterator[tuple[str, str]]:
        dry = "dry run, nothing was sent: " if self.dry_run else ""
        done = self.operation.replace("delete older than", "deletion of older items")
        yield "", f"{dry}{done} of source {self.source_id}: {self._what_was_sent()}"
        if self.stream_id:
            yield "stream", self.stream_id
        if self.expected_from:
            number = "not used" if self.expected_items is None else _count(self.expected_items, "item")
            yield "guard", f"{number} ({self.expected_from})"
        if self.older_than is not None:
            yield "older items", f"those before {self.older_than} are deleted"
        elif self.operation == "replace":
            yield "older items", "deleted" if self.complete else "kept"
        if self.skipped:
            yield "skipped", _count(self.skipped, "item")
        for chunk in self.unconfirmed[:_MOST_SHOWN]:
            name = "not confirmed" if chunk.may_be_applied else "not sent"
            yield name, f"chunk {chunk.number}, {shown(chunk.first_id)} to {shown(chunk.last_id)}: {chunk.reason}"
        for finding in self.findings[:_MOST_SHOWN]:
            yield finding.severity, f"{finding.message} ({_count(finding.count, 'time')})"

    def _what_was_sent(self) -> str:
        items, chunks = _count(self.items, "item"), _count(len(self.chunks), "chunk")
        deletes = f" and {_count(self.deletes, 'delete')}" if self.deletes else ""
        state = "complete" if self.complete else "incomplete"
        return f"{items}{deletes} in {chunks}, {self.size:,} bytes, {self.seconds:.1f} s, {state}"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
