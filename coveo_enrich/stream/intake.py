"""What a run takes in, as entries of chunks: checked, encoded, counted, each id once.

Which chunk an entry goes into, and what is done with it, is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coveo_enrich.errors import InvalidItem
from coveo_enrich.stream.chunks import ChunkArray, Entry
from coveo_enrich.stream.documents import ItemEncoder, require_document_id
from coveo_enrich.stream.findings import Findings
from coveo_enrich.stream.known_ids import KnownIds
from coveo_enrich.stream.partial import PartialUpdate

if TYPE_CHECKING:
    from coveo_enrich.stream.settings import StreamSettings
    from coveo_enrich.stream.spool import Spool

__all__ = ["Intake"]


class Intake:
    """Takes in what one run is given.

    Args:
        array: Where items, or operations on them, belong.
        settings: How closely they are looked at, and what becomes of invalid ones.
        spool: Where ids are kept.

    Attributes:
        position: How many items, or operations, it was given so far.
        skipped: How many of them were left out because they were invalid.
        findings: What the checks found.
    """

    def __init__(self, array: ChunkArray, settings: StreamSettings, spool: Spool) -> None:
        self.position = 0
        self.skipped = 0
        self.findings = Findings()
        self._array: ChunkArray = array
        self._settings = settings
        self._encoder = ItemEncoder(
            settings.checks, settings.dictionary_fields, settings.max_entry_bytes(array), self.findings
        )
        self._ids = KnownIds(spool.new_file)
        self._deleted = KnownIds(spool.new_file)

    def take(self, document: object) -> Entry | None:
        """An item as an entry; `None` when it is invalid, and invalid ones are to be skipped.

        Raises:
            InvalidItem: It is invalid, or an earlier item has its id.
        """
        self.position += 1
        try:
            document_id, data = self._encoder.encode(document, self.position)
            if not self._ids.add(document_id):
                raise _repeated(document_id, self.position)
        except InvalidItem as error:
            self._skip_or_raise(error)
            return None
        return self._array, data, document_id, True

    def items(self, documents: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
        """Items as entries.

        Raises:
            InvalidItem: As `take`; or an item is also to be deleted, which is never skipped.
        """
        for document in documents:
            entry = self.take(document)
            if entry is None:
                continue
            if self._deleted and entry[2] in self._deleted:
                raise _also_deleted(entry[2], self.position)
            yield entry

    def deletes(self, document_ids: Iterable[str]) -> Iterator[Entry]:
        """Ids of items to delete as entries, each once. Comes before `items`.

        Raises:
            InvalidItem: It is not an id.
        """
        for position, document_id in enumerate(document_ids, start=1):
            require_document_id(document_id, position)
            if self._deleted.add(document_id):
                entry = {"documentId": document_id, "deleteChildren": False}
                yield "delete", self._encoder.encode_entry(entry, document_id, position), document_id, True

    def operations(self, operations: Iterable[PartialUpdate | Iterable[PartialUpdate]]) -> Iterator[Entry]:
        """Operations on fields as entries.

        Raises:
            InvalidItem: It is no operation, or cannot be sent.
        """
        for operation in _flat(operations):
            self.position += 1
            try:
                yield self._operation(operation)
            except InvalidItem as error:
                self._skip_or_raise(error)

    def close(self) -> None:
        """Forget the ids."""
        self._ids.close()
        self._deleted.close()

    def _operation(self, operation: object) -> Entry:
        if not isinstance(operation, PartialUpdate):
            reason = f"an operation must be a PartialUpdate, not {type(operation).__name__}"
            raise InvalidItem(None, self.position, reason, "not-an-operation")
        document_id = operation.document_id
        data = self._encoder.encode_entry(operation.to_wire(), document_id, self.position)
        return self._array, data, document_id, operation.repeatable

    def _skip_or_raise(self, error: InvalidItem) -> None:
        if not self._settings.skip_invalid:
            raise error
        if error.document_id is not None and error.document_id in self._deleted:
            raise _also_deleted(error.document_id, self.position)
        self.skipped += 1
        self.findings.note_skipped(error)


def _repeated(document_id: str, position: int) -> InvalidItem:
    return InvalidItem(document_id, position, "an earlier item of this run has the same documentId", "repeated-id")


def _also_deleted(document_id: str, position: int) -> InvalidItem:
    return InvalidItem(document_id, position, "it is also among the ids to delete", "also-deleted")


def _flat(operations: Iterable[PartialUpdate | Iterable[PartialUpdate]]) -> Iterator[object]:
    for one in operations:
        if isinstance(one, Iterable) and not isinstance(one, str | bytes | Mapping):
            yield from one
        else:
            yield one
