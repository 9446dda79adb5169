"""What an uploaded file does to a source: its entries are carried out one after the other, in the order of the file.

Nothing of a file happens when it turns out not to be a batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from coveo_enrich.sandbox.indexing.batches import BatchRejectedError, Call, Entry, PassedOver, read_batch
from coveo_enrich.sandbox.indexing.changes import apply_change, merged, sent_change, sent_deletion
from coveo_enrich.sandbox.indexing.indexing import (
    MAX_ITEM_BYTES,
    Indexed,
    Kept,
    Rejected,
    UnfitError,
    indexed_fields,
    object_type,
    sent_item,
)
from coveo_enrich.sandbox.indexing.sampling import Sampling
from coveo_enrich.sandbox.indexing.store import Store
from coveo_enrich.sandbox.logs.entries import Event, file_event, indexed_event, rejected_event
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.platform.mappings import Mappings
from coveo_enrich.sandbox.values import Dropped

__all__ = ["Abandoned", "Intake", "UploadedFile", "process_file", "reject_file"]

# Items are written together, as many as take about so much room.
_MAX_HELD_BYTES = 4_000_000
_MAX_HELD_ITEMS = 1_000
_MAX_UNMEASURED_BYTES = 30_000


class Abandoned(Exception):
    """The sandbox is being stopped, and nobody can see any more what would become of the file."""


@attrs.frozen
class UploadedFile:
    """A file that is to be processed, and removed then."""

    file_id: str
    path: Path


@attrs.frozen
class Intake:
    """Files that were accepted.

    Attributes:
        call: What they were sent to.
        ordering_id: The orderingId that was given for it.
        files: The files, in their order.
        fields: The fields that there were when they were accepted, by name.
        logged_at: The time of its entries in the logs, in milliseconds since 1970; `None` when nothing is logged.
        mappings: The mapping rules that there were then.
        refusal: Why nothing of the files is carried out; `None` when it is.
    """

    call: Call
    ordering_id: int
    files: tuple[UploadedFile, ...]
    fields: Mapping[str, Field]
    logged_at: int | None = None
    mappings: Mappings = attrs.field(kw_only=True, factory=Mappings)
    refusal: str | None = attrs.field(kw_only=True, default=None)


def process_file(
    store: Store, source: int, intake: Intake, file: UploadedFile, is_abandoned: Callable[[], bool]
) -> int:
    """Carry out the file, or report why it is no batch.

    Args:
        store: Where the items are.
        source: The store's number of the source.
        intake: What the file belongs to.
        file: The file.
        is_abandoned: Asked now and then.

    Returns:
        How many of its entries were taken up.

    Raises:
        Abandoned: When ``is_abandoned`` said so.
    """
    try:
        with store.transaction(), file.path.open(encoding="utf-8", newline="") as text:
            writer = _Writer(store, source, intake, file.file_id)
            for entry in read_batch(text, intake.call):
                if is_abandoned():
                    raise Abandoned
                writer.take(entry)
            writer.end()
            return writer.taken
    except BatchRejectedError as error:
        reject_file(store, source, intake, file, str(error))
        return 0


def reject_file(store: Store, source: int, intake: Intake, file: UploadedFile, reason: str) -> None:
    """Report that nothing of a file is carried out."""
    store.drop(source, intake.ordering_id, [Dropped(None, None, reason, file.file_id)])
    if intake.logged_at is not None:
        store.log(source, intake.logged_at, [file_event(file.file_id, intake.ordering_id, reason)])


@attrs.define
class _Held:
    """What is to be written about one item.

    Attributes:
        values: What the index keeps of it; `None` as long as nobody asked, or when it is not there.
        is_changed: Whether the values are to be written.
        size: Bytes that they take at most.
        measured: Bytes that they took when they were last measured.
        dropped: What is to be reported: key and reason.
        forgotten: Keys whose older reports are done with; `None` means all.
    """

    values: Mapping[str, Indexed] | None = None
    is_changed: bool = False
    size: int = 0
    measured: int = 0
    dropped: list[tuple[str | None, str]] = attrs.field(factory=list[tuple[str | None, str]])
    forgotten: set[str] | None = attrs.field(factory=set[str])


class _Writer:
    """Carries out entries, and holds back what they write until it is worth a trip."""

    def __init__(self, store: Store, source: int, intake: Intake, file_id: str) -> None:
        self._store = store
        self._source = source
        self._ordering_id = intake.ordering_id
        self._fields = intake.fields
        self._mappings = intake.mappings
        self._sampling = Sampling(store, source)
        self._file_id = file_id
        self._is_late = store.newest(source) > intake.ordering_id
        self._held: dict[str, _Held] = {}
        self._reports: list[Dropped] = []
        self._logged_at = intake.logged_at
        self._events: list[Event] = []
        self._passed_over: list[str] = []
        self._held_bytes = 0
        self._steps: dict[str, Callable[[Entry], bool]] = {
            "addOrUpdate": self._put,
            "addOrMerge": self._merge,
            "partialUpdate": self._change,
            "delete": self._delete,
        }
        self.taken = 0

    def take(self, entry: Entry | PassedOver) -> None:
        """Carry out an entry, or report why not."""
        if isinstance(entry, Entry):
            self.taken += self._steps[entry.key](entry)
            self._held_bytes += entry.size
        else:
            self._report(None, None, entry.reason)
            self._passed_over.append(entry.reason)
        held = max(len(self._held) + len(self._reports), len(self._events))
        if self._held_bytes > _MAX_HELD_BYTES or held > _MAX_HELD_ITEMS:
            self._flush()

    def end(self) -> None:
        """Write what is left, and that the file is done."""
        self._log(file_event(self._file_id, self._ordering_id, "; ".join(self._passed_over) or None))
        self._flush()

    def _log(self, event: Event) -> None:
        if self._logged_at is not None:
            self._events.append(event)

    def _report(self, document_id: str | None, key: str | None, reason: str) -> None:
        if document_id is None:
            self._reports.append(Dropped(document_id, key, reason, self._file_id))
        else:
            self._held.setdefault(document_id, _Held()).dropped.append((key, reason))

    def _flush(self) -> None:
        """Write what is held back."""
        held = self._held
        store = self._store
        source = self._source
        store.forget_dropped(source, (name for name, item in held.items() if item.forgotten is None))
        store.forget_dropped_keys(source, ((name, key) for name, item in held.items() for key in item.forgotten or ()))
        items = ((name, item.values) for name, item in held.items() if item.is_changed and item.values is not None)
        store.put(source, self._ordering_id, items)
        reports = (Dropped(name, *dropped, self._file_id) for name, item in held.items() for dropped in item.dropped)
        store.drop(source, self._ordering_id, [*reports, *self._reports])
        if self._logged_at is not None:
            store.log(source, self._logged_at, self._events)
        self._sampling.flush()
        self._held = {}
        self._held_bytes = 0
        self._reports = []
        self._events = []

    def _put(self, entry: Entry) -> bool:
        item = sent_item(entry.value, entry.size)
        if isinstance(item, Rejected):
            return self._reject(item)
        if self._is_outdated(item.document_id):
            return False
        rules = self._mappings.rules_for(object_type(item.metadata))
        kept = indexed_fields(item.metadata, self._fields, rules)
        self._sampling.put(item.document_id, item.metadata, entry.size)
        self._held[item.document_id] = _Held(
            kept.values, is_changed=True, size=entry.size, dropped=list(kept.dropped), forgotten=None
        )
        self._log(indexed_event(item.document_id, self._ordering_id, "UPDATE"))
        return True

    def _merge(self, entry: Entry) -> bool:
        item = sent_item(entry.value, entry.size)
        if isinstance(item, Rejected):
            return self._reject(item)
        if self._is_outdated(item.document_id):
            return False
        held = self._current(item.document_id)
        values = held.values or {}
        rules = self._mappings.rules_for(object_type(item.metadata) or object_type(values))
        kept = merged(values, item.metadata, self._fields, rules)
        if not self._renew(item.document_id, held, kept, set(item.metadata), entry.size):
            return False
        self._sampling.add(item.document_id, item.metadata, entry.size)
        return True

    def _change(self, entry: Entry) -> bool:
        change = sent_change(entry.value, entry.size)
        if isinstance(change, Rejected):
            return self._reject(change)
        if self._is_outdated(change.document_id):
            return False
        held = self._current(change.document_id)
        if held.values is None:
            return self._reject(Rejected(change.document_id, "there is no such item to update", change.key))
        rules = self._mappings.rules_for(object_type(held.values))
        try:
            kept = apply_change(held.values, change, self._fields, rules)
        except UnfitError as reason:
            return self._reject(Rejected(change.document_id, str(reason), change.key))
        if not self._renew(change.document_id, held, kept, {change.key}, entry.size):
            return False
        self._sampling.add(change.document_id, {change.key: change.value}, entry.size)
        return True

    def _delete(self, entry: Entry) -> bool:
        deletion = sent_deletion(entry.value, entry.size)
        if isinstance(deletion, Rejected):
            return self._reject(deletion)
        self._flush()
        name = deletion.document_id
        children = self._store.starting_with(self._source, name) if deletion.with_children else []
        for document_id in {name, *children}:
            if not self._is_outdated(document_id):
                self._store.delete(self._source, self._ordering_id, document_id)
                self._log(indexed_event(document_id, self._ordering_id, "DELETE"))
        return True

    def _reject(self, rejected: Rejected) -> bool:
        self._report(rejected.document_id, rejected.key, rejected.reason)
        self._log(rejected_event(rejected.document_id, rejected.reason))
        return False

    def _is_outdated(self, document_id: str) -> bool:
        """Whether something that was ordered later came before; Coveo ignores the older one, and so is it here."""
        return self._is_late and self._store.touched_after(self._source, document_id, self._ordering_id)

    def _current(self, document_id: str) -> _Held:
        """The item as it is now, which is held from here on."""
        held = self._held.setdefault(document_id, _Held())
        if held.values is None:
            fields = self._store.item(self._source, document_id)
            if fields is not None:
                held.values = json.loads(fields)
                held.size = len(fields)
                held.measured = len(fields)
                self._held_bytes += len(fields)
        return held

    def _renew(self, document_id: str, held: _Held, kept: Kept, keys: set[str], growth: int) -> bool:
        """Hold the item as it is after a change, unless that made it too large."""
        size = held.size + growth
        # A large item is not measured anew for every small change to it.
        if size > MAX_ITEM_BYTES and size - held.measured > _MAX_UNMEASURED_BYTES:
            size = _bytes_of(kept.values)
            held.measured = size if size <= MAX_ITEM_BYTES else size - growth
        if size > MAX_ITEM_BYTES:
            return self._reject(Rejected(document_id, f"the item would have more than {MAX_ITEM_BYTES:,} bytes"))
        held.values = kept.values
        held.is_changed = True
        held.size = size
        if held.forgotten is not None:
            held.forgotten |= keys
        lower = {key.lower() for key in keys}
        held.dropped = [(key, reason) for key, reason in held.dropped if key is None or key.lower() not in lower]
        held.dropped += kept.dropped
        self._log(indexed_event(document_id, self._ordering_id, "UPDATE"))
        return True


def _bytes_of(values: Mapping[str, Indexed]) -> int:
    return len(json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass"))
