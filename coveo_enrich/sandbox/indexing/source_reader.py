"""What people who look into a source want to know of it: only as many rows as they look at, and counts.

It reads the tables of `coveo_enrich.sandbox.indexing.store`, and never changes them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import attrs

from coveo_enrich.sandbox.values import LIKE_NO_LOSS, Dropped, Source, StoredItem, is_no_loss

__all__ = ["DroppedGroup", "SourceReader"]


@attrs.frozen
class DroppedGroup:
    """Pieces that were dropped for the same reason.

    Attributes:
        reason: Why.
        key: The metadata key of all of them; `None` when they are whole items or files.
        count: How many there are.
    """

    reason: str
    key: str | None
    count: int

    @property
    def is_empty(self) -> bool:
        """Whether they had no value, so that nothing is lost."""
        return is_no_loss(self.reason)


class SourceReader:
    """Reads what is stored of one source; nothing when nothing was ever sent to it.

    Args:
        database: The tables.
        source: The source.
    """

    def __init__(self, database: sqlite3.Connection, source: Source) -> None:
        self._database = database
        self._source_id = source.source_id
        name = (source.organization_id, source.source_id)
        row = database.execute("SELECT key FROM sources WHERE organization_id = ? AND source_id = ?", name).fetchone()
        self._key: int | None = row and row[0]

    def item(self, document_id: str) -> StoredItem | None:
        """An item as it was last indexed, whether searches find it so already or not."""
        row = self._database.execute(
            "SELECT ordering_id, indexed, fields FROM items WHERE source = ? AND document_id = ?",
            (self._key, document_id),
        ).fetchone()
        return row and StoredItem(self._source_id, document_id, row[0], row[1], json.loads(row[2]))

    def items(self) -> Iterator[StoredItem]:
        """Every item, as in `item`, in no order."""
        rows = self._database.execute(
            "SELECT document_id, ordering_id, indexed, fields FROM items WHERE source = ?", (self._key,)
        )
        for document_id, ordering_id, indexed, fields in rows:
            yield StoredItem(self._source_id, document_id, ordering_id, indexed, json.loads(fields))

    def said(self, document_id: str) -> dict[str, Any]:
        """The metadata that was sent with an item; nothing when it is not among those that are remembered."""
        row = self._database.execute(
            "SELECT metadata FROM samples WHERE source = ? AND document_id = ?", (self._key, document_id)
        ).fetchone()
        return dict(json.loads(row[0])) if row else {}

    def filled_fields(self) -> dict[str, int]:
        """How many items have a value in each field; fields without any are missing."""
        rows = self._database.execute(
            "SELECT entry.key, count(*) FROM items, json_each(items.fields) AS entry WHERE source = ?"
            " GROUP BY entry.key",
            (self._key,),
        )
        return dict(rows.fetchall())

    def dropped_of(self, document_id: str, most: int) -> list[Dropped]:
        """What was dropped of an item, as far as so many pieces, in the order in which it was sent."""
        rows = self._database.execute(
            "SELECT document_id, key, reason, file_id FROM dropped WHERE source = ? AND document_id = ?"
            " ORDER BY rowid LIMIT ?",
            (self._key, document_id, most),
        )
        return [Dropped(*row) for row in rows]

    def dropped_groups(self, first: int, size: int) -> list[DroppedGroup]:
        """So many groups of what was dropped, by reason and key, from number ``first`` (0) on.

        The largest come first, and those of empty values last.
        """
        rows = self._database.execute(
            "SELECT reason, key, count(*) FROM dropped WHERE source = ? GROUP BY reason, key"
            " ORDER BY reason LIKE ?, 3 DESC, reason, key LIMIT ? OFFSET ?",
            (self._key, LIKE_NO_LOSS, size, first),
        )
        return [DroppedGroup(*row) for row in rows]

    def count_dropped_groups(self) -> int:
        """How many groups there are."""
        return self._count("SELECT count(*) FROM (SELECT 1 FROM dropped WHERE source = ? GROUP BY reason, key)")

    def dropped_in_group(self, reason: str, key: str | None, first: int, size: int) -> list[Dropped]:
        """So many pieces of a group, in the order in which they were sent, from number ``first`` (0) on."""
        rows = self._database.execute(
            "SELECT document_id, key, reason, file_id FROM dropped WHERE source = ? AND reason = ? AND key IS ?"
            " ORDER BY rowid LIMIT ? OFFSET ?",
            (self._key, reason, key, size, first),
        )
        return [Dropped(*row) for row in rows]

    def count_in_group(self, reason: str, key: str | None) -> int:
        """How many pieces a group has."""
        return self._count("SELECT count(*) FROM dropped WHERE source = ? AND reason = ? AND key IS ?", reason, key)

    def _count(self, query: str, *parameters: str | None) -> int:
        number: int = self._database.execute(query, (self._key, *parameters)).fetchone()[0]
        return number
