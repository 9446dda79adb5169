"""A model of a source: what each operation may have made of it, going by what the operation said of itself.

Knows items and receipts; nothing of requests, faults or threads. The field ``tags`` holds several texts, ``sizes`` is a
dictionary field, and ``title`` holds one text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from coveo_enrich import PartialUpdate
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import ChunkReceipt, Receipt, UnconfirmedChunk

__all__ = [
    "Entry",
    "Held",
    "Part",
    "Parts",
    "changed",
    "held_by",
    "items_of",
    "merged",
    "note_of",
    "parts_by_note",
    "parts_by_receipt",
    "possible",
    "put",
    "removed",
    "valid_ones",
]

Fields = Mapping[str, Any]
Held = Mapping[str, Fields]
"""What a source holds, by ``documentId``."""

Change = Callable[[Fields | None], Fields | None]
"""From what the source holds of an item to what it holds then; `None` where it holds nothing."""

_CONFIRMED = re.compile(r"^(\d+) of (\d+) chunks with [\d,]+ items were confirmed and take effect(.*)", re.DOTALL)
_DOUBTFUL = re.compile(r"chunk (\d+) \(")


@attrs.frozen
class Entry:
    """One thing that an operation does to one item."""

    document_id: str
    change: Change


@attrs.frozen
class Part:
    """One chunk: what is in it, and whether it was applied, as far as one was told."""

    entries: Sequence[Entry]
    fates: tuple[bool, ...]


Parts = Sequence[Part]


def held_by(sandbox: CoveoSandbox) -> Held:
    """What the sandbox's source holds now."""
    return items_of(sandbox.items())


def items_of(documents: Iterable[Mapping[str, Any]]) -> Held:
    """Documents as a source holds them."""
    return {str(document["documentId"]): _fields(document) for document in documents}


def put(document: Mapping[str, Any]) -> Entry:
    """An item that takes the place of the one with its id."""
    return Entry(str(document["documentId"]), lambda _old: _fields(document))


def merged(document: Mapping[str, Any]) -> Entry:
    """Fields that are set in an item, which is made if need be."""
    return Entry(str(document["documentId"]), lambda old: {**(old or {}), **_fields(document)})


def removed(document_id: str) -> Entry:
    """An item that is deleted."""
    return Entry(document_id, lambda _old: None)


def changed(operation: PartialUpdate) -> Entry:
    """An operation on one field of an item, if there is such an item."""
    return Entry(operation.document_id, lambda old: None if old is None else _operated(old, operation))


def valid_ones(documents: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The documents with an id that is a URI and that no earlier one has."""
    by_id: dict[str, Mapping[str, Any]] = {}
    for document in documents:
        document_id = str(document.get("documentId", ""))
        if "://" in document_id:
            by_id.setdefault(document_id, document)
    return list(by_id.values())


def parts_by_receipt(receipt: Receipt, entries: Sequence[Entry]) -> Parts:
    """The chunks that a receipt names, which must be the first of the entries, in their order, without a gap."""
    chunks = _in_order(receipt)
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    return [Part(part, _fates(chunk)) for chunk, part in zip(chunks, _slices(chunks, entries), strict=True)]


def parts_by_note(note: str, plan: Receipt, entries: Sequence[Entry]) -> Iterator[Parts]:
    """What may have become of the chunks, by the note of an error that carries no receipt.

    Args:
        note: It says how many chunks were confirmed, and which may have been applied.
        plan: The receipt of a dry run, which makes the same chunks.
        entries: What was to be sent.
    """
    found = _CONFIRMED.match(note)
    assert found, note
    confirmed, started, rest = int(found[1]), int(found[2]), found[3]
    doubtful = {int(number) for number in _DOUBTFUL.findall(rest)}
    chunks = _in_order(plan)[:started]
    assert len(chunks) == started
    slices = list(_slices(chunks, entries))
    for taken in itertools.combinations(sorted(set(range(1, started + 1)) - doubtful), confirmed):
        yield [
            Part(part, (True, False) if number in doubtful else (number in taken,))
            for number, part in enumerate(slices, start=1)
        ]


def possible(before: Held, parts: Parts) -> list[Held]:
    """Everything that a source may hold after these chunks."""
    states = [before]
    for part in parts:
        states = [_applied(state, part) if fate else state for state in states for fate in part.fates]
    return states


def note_of(error: BaseException) -> str:
    """What the error says became of the source."""
    (note,) = getattr(error, "__notes__", ["no note"])
    if isinstance(error, CoveoEnrichError):
        assert isinstance(error.receipt, Receipt)
    return str(note)


def _fields(document: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in document.items() if name != "documentId"}


def _in_order(receipt: Receipt) -> list[ChunkReceipt | UnconfirmedChunk]:
    return sorted([*receipt.chunks, *receipt.unconfirmed], key=lambda chunk: chunk.number)


def _slices(chunks: Iterable[ChunkReceipt | UnconfirmedChunk], entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    start = 0
    for chunk in chunks:
        part = entries[start : start + chunk.items + chunk.deletes]
        assert (part[0].document_id, part[-1].document_id) == (chunk.first_id, chunk.last_id)
        start += len(part)
        yield part


def _fates(chunk: ChunkReceipt | UnconfirmedChunk) -> tuple[bool, ...]:
    if isinstance(chunk, ChunkReceipt):
        return (True,)
    return (True, False) if chunk.may_be_applied else (False,)


def _applied(before: Held, part: Part) -> Held:
    after = dict(before)
    for entry in part.entries:
        fields = entry.change(after.pop(entry.document_id, None))
        if fields is not None:
            after[entry.document_id] = fields
    return after


def _operated(fields: Fields, operation: PartialUpdate) -> Fields:
    old, value = fields.get(operation.field), operation.to_wire().get("value")
    new = value if operation.operator == "fieldValueReplace" else _OPERATORS[operation.operator](old, value)
    rest = {name: kept for name, kept in fields.items() if name != operation.field}
    return {**rest, operation.field: new} if new else rest


def _append(old: list[str] | None, values: list[str]) -> list[str]:
    return [*(old or []), *values]


def _remove(old: list[str] | None, values: list[str]) -> list[str]:
    return [value for value in old or [] if value not in values]


def _put_entries(old: dict[str, str] | None, entries: dict[str, str]) -> dict[str, str]:
    return {**(old or {}), **entries}


def _remove_entries(old: dict[str, str] | None, keys: list[str]) -> dict[str, str]:
    return {key: value for key, value in (old or {}).items() if key not in keys}


_OPERATORS: Mapping[str, Callable[[Any, Any], object]] = {
    "arrayAppend": _append,
    "arrayRemove": _remove,
    "dictionaryPut": _put_entries,
    "dictionaryRemove": _remove_entries,
}
