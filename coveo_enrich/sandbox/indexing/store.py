"""What the sandbox remembers, in SQLite: fields, items, what was dropped, and what is to leave and when.

Only rows and the rules of their order are kept here; what is kept of an item is decided in
`coveo_enrich.sandbox.indexing.indexing` and `coveo_enrich.sandbox.indexing.changes`. One thread uses it: the one that
made it.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from coveo_enrich.sandbox.indexing.indexing import Indexed
from coveo_enrich.sandbox.indexing.source_reader import SourceReader
from coveo_enrich.sandbox.logs.entries import LOG_DAYS, Event, LogEntry
from coveo_enrich.sandbox.values import LIKE_NO_LOSS, Dropped, Source, SourceSize, StoredItem

__all__ = ["Store"]

_APPLICATION_ID = 0x436F_5362
_VERSION = 1
_SCHEMA = """
CREATE TABLE sources (
    key INTEGER PRIMARY KEY, organization_id TEXT NOT NULL, source_id TEXT NOT NULL,
    newest INTEGER NOT NULL DEFAULT 0, barred_until INTEGER NOT NULL DEFAULT 0,
    UNIQUE (organization_id, source_id)
);
CREATE TABLE items (
    source INTEGER NOT NULL, document_id TEXT NOT NULL, ordering_id INTEGER NOT NULL, fields TEXT NOT NULL,
    PRIMARY KEY (source, document_id)
);
CREATE INDEX items_by_age ON items (source, ordering_id);
CREATE TABLE deleted (
    source INTEGER NOT NULL, document_id TEXT NOT NULL, ordering_id INTEGER NOT NULL,
    PRIMARY KEY (source, document_id)
) WITHOUT ROWID;
CREATE TABLE removals (due INTEGER NOT NULL, source INTEGER NOT NULL, older_than INTEGER NOT NULL);
CREATE TABLE dropped (
    source INTEGER NOT NULL, ordering_id INTEGER NOT NULL,
    document_id TEXT, key TEXT, reason TEXT NOT NULL, file_id TEXT NOT NULL
);
CREATE INDEX dropped_by_document ON dropped (source, document_id);
CREATE TABLE fields (
    organization_id TEXT NOT NULL, name TEXT NOT NULL, model TEXT NOT NULL, PRIMARY KEY (organization_id, name)
);
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
# Made in files of before it too, which hold all the rest.
_LOG_SCHEMA = """
CREATE TABLE IF NOT EXISTS logs (
    number INTEGER PRIMARY KEY, source INTEGER NOT NULL, time INTEGER NOT NULL,
    task TEXT NOT NULL, operation TEXT NOT NULL, result TEXT NOT NULL,
    name TEXT NOT NULL, ordering_id INTEGER NOT NULL, error TEXT
);
CREATE INDEX IF NOT EXISTS logs_by_time ON logs (time);
"""
# The same. What an item was before its last change, until searches find the change.
_SEARCH_SCHEMA = """
CREATE TABLE IF NOT EXISTS earlier (
    source INTEGER NOT NULL, document_id TEXT NOT NULL, ordering_id INTEGER NOT NULL, fields TEXT NOT NULL,
    indexed INTEGER NOT NULL, until INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS earlier_by_time ON earlier (until);
"""
# The same. Mapping rules, and what the first items of a source said.
_MAPPING_SCHEMA = """
CREATE TABLE IF NOT EXISTS mappings (
    organization_id TEXT NOT NULL, source_id TEXT NOT NULL, model TEXT NOT NULL,
    PRIMARY KEY (organization_id, source_id)
);
CREATE TABLE IF NOT EXISTS samples (
    source INTEGER NOT NULL, document_id TEXT NOT NULL, metadata TEXT NOT NULL, PRIMARY KEY (source, document_id)
) WITHOUT ROWID;
"""
# The same. Catalogs and their configurations, of a whole organization each.
_CATALOG_SCHEMA = """
CREATE TABLE IF NOT EXISTS catalogs (organization_id TEXT PRIMARY KEY, model TEXT NOT NULL);
"""
_REMEMBER = "INSERT INTO earlier VALUES (old.source, old.document_id, old.ordering_id, old.fields, old.indexed, due());"
_LOG_MILLISECONDS = LOG_DAYS * 24 * 60 * 60 * 1000


_DroppedRow: TypeAlias = tuple[str | None, str | None, str, str]


class Store:
    """The tables. Sources are named by a number of the store's own, which `key` gives.

    Args:
        path: The file.
        index_delay: Milliseconds until searches find a change.

    Raises:
        OSError: The file is used by another sandbox, or is none of a sandbox's.
    """

    def __init__(self, path: Path, index_delay: int = 0) -> None:
        try:
            self._database = _opened(path)
        except sqlite3.Error as error:
            raise OSError(f"the sandbox cannot keep its data in {path}: {error}") from error
        self._index_delay = index_delay
        self._now = 0
        if index_delay:
            self._remember_earlier()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextlib.contextmanager
    def transaction(self) -> Generator[None]:
        """All of the block or, when it raises, nothing of it; blocks may be nested."""
        nested = self._database.in_transaction
        self._database.execute("SAVEPOINT block" if nested else "BEGIN")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK TO block" if nested else "ROLLBACK")
            if nested:
                self._database.execute("RELEASE block")
            raise
        self._database.execute("RELEASE block" if nested else "COMMIT")

    def key(self, source: Source) -> int:
        """The number of the source, which is made when there is none."""
        name = (source.organization_id, source.source_id)
        self._database.execute("INSERT OR IGNORE INTO sources (organization_id, source_id) VALUES (?, ?)", name)
        key: int = self._one("SELECT key FROM sources WHERE organization_id = ? AND source_id = ?", name)
        return key

    def sizes(self) -> list[SourceSize]:
        """Every source that something was sent to."""
        rows = self._database.execute(
            "SELECT organization_id, source_id, (SELECT count(*) FROM items WHERE source = sources.key),"
            " (SELECT count(*) FROM dropped WHERE source = sources.key AND reason NOT LIKE ?)"
            " FROM sources ORDER BY organization_id, source_id",
            (LIKE_NO_LOSS,),
        )
        return [SourceSize(Source(organization, source), *numbers) for organization, source, *numbers in rows]

    def newest(self, source: int) -> int:
        """The largest orderingId of what the source has taken in."""
        number: int = self._one("SELECT newest FROM sources WHERE key = ?", (source,))
        return number

    def last_ordering_id(self) -> int:
        """The largest orderingId of what any source has taken in."""
        number: int = self._one("SELECT coalesce(max(newest), 0) FROM sources", ())
        return number

    def barred_until(self, source: int) -> int:
        """The orderingId below which the source takes nothing in."""
        number: int = self._one("SELECT barred_until FROM sources WHERE key = ?", (source,))
        return number

    def note_newest(self, source: int, ordering_id: int) -> None:
        """Remember that the source took something in."""
        self._database.execute("UPDATE sources SET newest = max(newest, ?) WHERE key = ?", (ordering_id, source))

    def count(self, source: int) -> int:
        """How many items there are."""
        number: int = self._one("SELECT count(*) FROM items WHERE source = ?", (source,))
        return number

    def items(self, source: int) -> list[dict[str, Any]]:
        """Every item with the fields that were kept, by ``documentId``."""
        rows = self._database.execute(
            "SELECT document_id, fields FROM items WHERE source = ? ORDER BY document_id", (source,)
        )
        return [{"documentId": document_id, **json.loads(fields)} for document_id, fields in rows]

    def searchable(self, organization_id: str, now: int) -> Iterator[StoredItem]:
        """Every item of an organization as searches find it now, in no order; ``now`` is what was settled last."""
        rows = self._database.execute(
            "SELECT source_id, document_id, ordering_id, indexed, fields FROM ("
            " SELECT source, document_id, ordering_id, indexed, fields FROM items WHERE indexed <= ?1 UNION ALL"
            " SELECT source, document_id, ordering_id, indexed, fields FROM earlier WHERE indexed <= ?1"
            ") JOIN sources ON key = source WHERE organization_id = ?2",
            (now, organization_id),
        )
        for source_id, document_id, ordering_id, indexed, fields in rows:
            yield StoredItem(source_id, document_id, ordering_id, indexed, json.loads(fields))

    def _due(self) -> int:
        return self._now + self._index_delay

    def _remember_earlier(self) -> None:
        self._database.create_function("due", 0, self._due)
        for change in ("UPDATE", "DELETE"):
            self._database.execute(
                f"CREATE TEMP TRIGGER earlier_{change} BEFORE {change} ON items BEGIN {_REMEMBER} END"
            )

    def item(self, source: int, document_id: str) -> str | None:
        """The fields of one item as JSON; `None` when it is not there."""
        row = self._database.execute(
            "SELECT fields FROM items WHERE source = ? AND document_id = ?", (source, document_id)
        ).fetchone()
        return row and str(row[0])

    def touched_after(self, source: int, document_id: str, ordering_id: int) -> bool:
        """Whether something that was ordered later has been done to the item, or has deleted it."""
        number: int | None = self._one(
            "SELECT max(ordering_id) FROM (SELECT ordering_id FROM items WHERE source = ?1 AND document_id = ?2"
            " UNION ALL SELECT ordering_id FROM deleted WHERE source = ?1 AND document_id = ?2)",
            (source, document_id),
        )
        return number is not None and number > ordering_id

    def put(self, source: int, ordering_id: int, items: Iterable[tuple[str, Mapping[str, Indexed]]]) -> None:
        """Write items, in the place of those of the same ids."""
        self._database.executemany(
            "INSERT INTO items (source, document_id, ordering_id, indexed, fields) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (source, document_id) DO UPDATE"
            " SET ordering_id = excluded.ordering_id, indexed = excluded.indexed, fields = excluded.fields",
            ((source, document_id, ordering_id, self._due(), json.dumps(fields)) for document_id, fields in items),
        )

    def delete(self, source: int, ordering_id: int, document_id: str) -> None:
        """Remove an item, and what was said about it."""
        name = (source, document_id)
        self._database.execute("DELETE FROM items WHERE source = ? AND document_id = ?", name)
        self._database.execute("DELETE FROM dropped WHERE source = ? AND document_id = ?", name)
        self._database.execute("DELETE FROM samples WHERE source = ? AND document_id = ?", name)
        self._database.execute("INSERT OR REPLACE INTO deleted VALUES (?, ?, ?)", (*name, ordering_id))

    def starting_with(self, source: int, prefix: str) -> list[str]:
        """The ids of the items whose id starts so."""
        return list(self._starting_with(source, prefix))

    def _starting_with(self, source: int, prefix: str) -> Iterator[str]:
        rows = self._database.execute(
            "SELECT document_id FROM items WHERE source = ? AND document_id >= ? ORDER BY document_id",
            (source, prefix),
        )
        for (document_id,) in rows:
            if not document_id.startswith(prefix):
                return
            yield document_id

    def drop(self, source: int, ordering_id: int, dropped: Iterable[Dropped]) -> None:
        """Remember what was sent and is not in the index."""
        self._database.executemany(
            "INSERT INTO dropped VALUES (?, ?, ?, ?, ?, ?)",
            ((source, ordering_id, *_row(entry)) for entry in dropped),
        )

    def forget_dropped(self, source: int, document_ids: Iterable[str]) -> None:
        """Forget what was dropped of these items."""
        self._database.executemany(
            "DELETE FROM dropped WHERE source = ? AND document_id = ?",
            ((source, document_id) for document_id in document_ids),
        )

    def forget_dropped_keys(self, source: int, keys: Iterable[tuple[str, str]]) -> None:
        """Forget what was dropped of these keys, each given with its item; their case does not matter."""
        self._database.executemany(
            "DELETE FROM dropped WHERE source = ? AND document_id = ? AND key = ? COLLATE NOCASE",
            ((source, document_id, _storable(key)) for document_id, key in keys),
        )

    def forget_dropped_before(self, source: int, ordering_id: int) -> None:
        """Forget what was dropped of everything that was ordered before."""
        self._database.execute("DELETE FROM dropped WHERE source = ? AND ordering_id < ?", (source, ordering_id))

    def dropped(self, source: int) -> list[Dropped]:
        """What was dropped, about in the order in which it was sent."""
        rows = self._database.execute(
            "SELECT document_id, key, reason, file_id FROM dropped WHERE source = ? ORDER BY rowid", (source,)
        )
        return [Dropped(*row) for row in rows]

    def log(self, source: int, time: int, events: Iterable[Event]) -> None:
        """Add entries to the logs."""
        self._database.executemany(
            "INSERT INTO logs (source, time, task, operation, result, name, ordering_id, error)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((source, time, *_log_row(event)) for event in events),
        )

    def logged(self, organization_id: str, start: int, end: int) -> Iterator[LogEntry]:
        """The entries of an organization from a time to another, both included, the newest first."""
        rows = self._database.execute(
            "SELECT number, time, organization_id, source_id, task, operation, result, name, ordering_id, error"
            " FROM logs JOIN sources ON sources.key = logs.source"
            " WHERE organization_id = ? AND time BETWEEN ? AND ? ORDER BY time DESC, number DESC",
            (organization_id, start, end),
        )
        for number, time, organization, source, *event in rows:
            yield LogEntry(number, time, organization, source, Event(*event))

    def plan_removal(self, source: int, older_than: int, due: int) -> None:
        """Let items whose last operation is strictly older leave the source when the time ``due`` has come."""
        self._database.execute("INSERT INTO removals VALUES (?, ?, ?)", (due, source, older_than))

    def settle(self, now: int) -> None:
        """Carry out the removals that are due, and forget logs that are too old, and items that no search finds."""
        self._now = now
        self._database.execute("DELETE FROM earlier WHERE until <= ?", (now,))
        self._database.execute("DELETE FROM logs WHERE time < ?", (now - _LOG_MILLISECONDS,))
        due = self._database.execute(
            "SELECT rowid, source, older_than, due FROM removals WHERE due <= ? ORDER BY due, rowid", (now,)
        ).fetchall()
        for rowid, source, older_than, self._now in due:
            with self.transaction():
                self._remove(source, older_than)
                self._database.execute("DELETE FROM removals WHERE rowid = ?", (rowid,))
        self._now = now

    def _remove(self, source: int, older_than: int) -> None:
        self._database.execute("DELETE FROM items WHERE source = ? AND ordering_id < ?", (source, older_than))
        self._database.execute(
            "DELETE FROM samples WHERE source = ?1"
            " AND document_id NOT IN (SELECT document_id FROM items WHERE source = ?1)",
            (source,),
        )
        self.forget_dropped_before(source, older_than)
        self._database.execute(
            "UPDATE sources SET barred_until = max(barred_until, ?) WHERE key = ?", (older_than, source)
        )

    def reader(self, source: Source) -> SourceReader:
        """A reader of what is stored of a source; as it makes no source, it can be asked for any."""
        return SourceReader(self._database, source)

    def save_field(self, organization_id: str, name: str, model: Mapping[str, Any] | None) -> None:
        """Remember a field; without a model, forget it."""
        self._database.execute("DELETE FROM fields WHERE organization_id = ? AND name = ?", (organization_id, name))
        if model is not None:
            row = (organization_id, name, json.dumps(model))
            self._database.execute("INSERT INTO fields VALUES (?, ?, ?)", row)

    def fields(self) -> list[tuple[str, dict[str, Any]]]:
        """The model of every field that was remembered, with its organization."""
        rows = self._database.execute("SELECT organization_id, model FROM fields ORDER BY rowid")
        return [(organization_id, json.loads(model)) for organization_id, model in rows]

    def save_mappings(self, organization_id: str, source_id: str, model: Mapping[str, Any]) -> None:
        """Remember the mapping rules of a source."""
        row = (organization_id, source_id, json.dumps(model))
        self._database.execute("INSERT OR REPLACE INTO mappings VALUES (?, ?, ?)", row)

    def mappings(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The mapping rules that were remembered, each with its organization and source."""
        rows = self._database.execute("SELECT organization_id, source_id, model FROM mappings")
        return [(organization_id, source_id, json.loads(model)) for organization_id, source_id, model in rows]

    def save_catalogs(self, organization_id: str, model: Mapping[str, Any]) -> None:
        """Remember the catalogs of an organization."""
        row = (organization_id, json.dumps(model))
        self._database.execute("INSERT OR REPLACE INTO catalogs VALUES (?, ?)", row)

    def catalogs(self) -> list[tuple[str, dict[str, Any]]]:
        """The catalogs that were remembered, each with its organization."""
        rows = self._database.execute("SELECT organization_id, model FROM catalogs")
        return [(organization_id, json.loads(model)) for organization_id, model in rows]

    def put_samples(self, source: int, samples: Iterable[tuple[str, str]]) -> None:
        """Write what items said, as JSON, in the place of what they said before."""
        rows = ((source, document_id, metadata) for document_id, metadata in samples)
        self._database.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?)", rows)

    def sampled(self, source: int) -> set[str]:
        """The ids of the items in the sample."""
        rows = self._database.execute("SELECT document_id FROM samples WHERE source = ?", (source,))
        return {document_id for (document_id,) in rows}

    def sample(self, source: int, document_id: str) -> dict[str, Any]:
        """What an item said; nothing when it is not in the sample."""
        row = self._database.execute(
            "SELECT metadata FROM samples WHERE source = ? AND document_id = ?", (source, document_id)
        ).fetchone()
        return dict(json.loads(row[0])) if row else {}

    def samples(self, source: int) -> list[dict[str, Any]]:
        """What every item in the sample said."""
        rows = self._database.execute("SELECT metadata FROM samples WHERE source = ? ORDER BY document_id", (source,))
        return [json.loads(metadata) for (metadata,) in rows]

    def set_number(self, name: str, value: int) -> None:
        """Remember a number."""
        self._database.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (name, value))

    def number(self, name: str) -> int:
        """A number that was remembered; 0 when it was not."""
        row = self._database.execute("SELECT value FROM numbers WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _one(self, query: str, parameters: Sequence[str | int]) -> Any:  # noqa: ANN401 - whatever the query is about
        return self._database.execute(query, parameters).fetchone()[0]


def _opened(path: Path) -> sqlite3.Connection:
    # Transactions are begun by hand. Another sandbox that holds the file is not waited for.
    database = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -32000")
    database.execute("BEGIN EXCLUSIVE")
    is_new = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    marks = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if not is_new and marks != [_APPLICATION_ID, _VERSION]:
        raise sqlite3.DatabaseError("it holds something else")
    if is_new:
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {_VERSION}")
    for statement in (_LOG_SCHEMA + _SEARCH_SCHEMA + _MAPPING_SCHEMA + _CATALOG_SCHEMA).split(";"):
        database.execute(statement)
    if "indexed" not in {row[1] for row in database.execute("PRAGMA table_info(items)")}:
        database.execute("ALTER TABLE items ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0")
    database.execute("COMMIT")


def _log_row(event: Event) -> tuple[str, str, str, str | None, int, str | None]:
    name, error = _storable(event.name), _storable(event.error)
    return event.task, event.operation, event.result, name, event.ordering_id, error


def _row(dropped: Dropped) -> _DroppedRow:
    return _storable(dropped.document_id), _storable(dropped.key), _storable(dropped.reason) or "", dropped.file_id


def _storable(text: str | None) -> str | None:
    """The text without lone surrogates, which JSON can say and SQLite cannot hold."""
    return text if text is None else text.encode("utf-8", "backslashreplace").decode()
