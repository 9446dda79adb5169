"""What is in the index, in SQLite, written and read by one thread of its own.

Coveo answers at once and indexes later; here everything happens in its order, and who asks what is in the index waits
until all that was accepted before is done. What the index keeps of an item is decided in
`coveo_enrich.sandbox.indexing`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import attrs

from coveo_enrich.sandbox.batches import BatchRejectedError, read_batch
from coveo_enrich.sandbox.fields import Field
from coveo_enrich.sandbox.indexing import Rejected, indexed_fields, sent_item

__all__ = ["Dropped", "Index", "UploadedFile"]

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE items (document_id TEXT PRIMARY KEY, ordering_id INTEGER NOT NULL, fields TEXT NOT NULL);
CREATE TABLE dropped (document_id TEXT, key TEXT, reason TEXT NOT NULL, file_id TEXT NOT NULL);
CREATE INDEX dropped_by_document ON dropped (document_id);
CREATE TABLE files (file_id TEXT PRIMARY KEY, items INTEGER NOT NULL);
"""


@attrs.frozen
class Dropped:
    """Something that was sent and that is not in the index.

    Attributes:
        document_id: The item; `None` when it has no id that can be told, or when a whole file is meant.
        key: The metadata key as it was sent; `None` when the whole item or file was rejected.
        reason: Why.
        file_id: The file it came in.
    """

    document_id: str | None
    key: str | None
    reason: str
    file_id: str


@attrs.frozen
class UploadedFile:
    """A file that is to be indexed, and removed then."""

    file_id: str
    path: Path


class Index:
    """The index of the one source."""

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="coveo-sandbox-index")
        self._database = self._thread.submit(_database, path).result()
        self._last_load: Future[None] | None = None

    def load(self, files: Sequence[UploadedFile], fields: Mapping[str, Field], ordering_id: int) -> None:
        """Make the source the union of the files; of two items with the same id the later one stays. Does not wait."""
        self._last_load = self._thread.submit(self._load, files, fields, ordering_id)

    def items(self) -> Future[list[dict[str, Any]]]:
        """Every item with the fields that were kept, by ``documentId``."""
        return self._read(self._items)

    def dropped(self) -> Future[list[Dropped]]:
        """What was dropped of what was last sent."""
        return self._read(self._dropped)

    def count(self) -> Future[int]:
        """How many items there are."""
        return self._read(self._count)

    def items_by_file(self) -> Future[dict[str, int]]:
        """How many items of each file were taken up; files that were not processed are missing."""
        return self._read(self._items_by_file)

    def stop(self) -> None:
        """Finish what is being done, and close."""
        self._thread.submit(self._database.close).result()
        self._thread.shutdown()

    def _read(self, query: Callable[[], T]) -> Future[T]:
        last_load = self._last_load

        def read() -> T:
            if last_load is not None:
                last_load.result()  # done by now: this raises what went wrong in it, which nobody else would hear of
            return query()

        return self._thread.submit(read)

    def _load(self, files: Sequence[UploadedFile], fields: Mapping[str, Field], ordering_id: int) -> None:
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute("DELETE FROM items")
            self._database.execute("DELETE FROM dropped")
            for file in files:
                self._index_file(file, fields, ordering_id)
        for file in files:
            file.path.unlink()

    def _index_file(self, file: UploadedFile, fields: Mapping[str, Field], ordering_id: int) -> None:
        """Index the file, or nothing of it when it is not a batch."""
        count = 0
        self._database.execute("SAVEPOINT file")
        try:
            with file.path.open(encoding="utf-8", newline="") as text:
                for read in read_batch(text):
                    item = sent_item(read.value, read.size)
                    if isinstance(item, Rejected):
                        self._drop(item.document_id, None, item.reason, file.file_id)
                        continue
                    kept = indexed_fields(item.metadata, fields)
                    self._put(item.document_id, kept.values, ordering_id)
                    for key, reason in kept.dropped:
                        self._drop(item.document_id, key, reason, file.file_id)
                    count += 1
        except BatchRejectedError as error:
            count = 0
            self._database.execute("ROLLBACK TO file")
            self._drop(None, None, str(error), file.file_id)
        self._database.execute("RELEASE file")
        self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (file.file_id, count))

    def _put(self, document_id: str, values: Mapping[str, Any], ordering_id: int) -> None:
        """Put the item in the place of an older one, of which nothing stays: not its fields, nor what was dropped."""
        self._database.execute("DELETE FROM dropped WHERE document_id = ?", (document_id,))
        self._database.execute(
            "INSERT OR REPLACE INTO items VALUES (?, ?, ?)", (document_id, ordering_id, json.dumps(values))
        )

    def _drop(self, document_id: str | None, key: str | None, reason: str, file_id: str) -> None:
        row = (_storable(document_id), _storable(key), _storable(reason), file_id)
        self._database.execute("INSERT INTO dropped VALUES (?, ?, ?, ?)", row)

    def _items(self) -> list[dict[str, Any]]:
        rows = self._database.execute("SELECT document_id, fields FROM items ORDER BY document_id")
        return [{"documentId": document_id, **json.loads(fields)} for document_id, fields in rows]

    def _dropped(self) -> list[Dropped]:
        return [
            Dropped(*row)
            for row in self._database.execute("SELECT document_id, key, reason, file_id FROM dropped ORDER BY rowid")
        ]

    def _count(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM items").fetchone()[0]
        return count

    def _items_by_file(self) -> dict[str, int]:
        return dict(self._database.execute("SELECT file_id, items FROM files").fetchall())


def _database(path: Path) -> sqlite3.Connection:
    # The thread that makes the connection is the only one to use it; transactions are begun by hand.
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.executescript(_SCHEMA)
    return database


def _storable(text: str | None) -> str | None:
    """The text without lone surrogates, which JSON can say and SQLite cannot hold."""
    return text if text is None else text.encode("utf-8", "backslashreplace").decode()
