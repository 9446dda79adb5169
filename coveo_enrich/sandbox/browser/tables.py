"""What the pages read of the store's tables: only as many rows as a page shows, and counts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import attrs

from coveo_enrich.sandbox.browser.paging import Cut, cut
from coveo_enrich.sandbox.indexing.store import Dropped, Source, StoredItem

__all__ = [
    "MOST_DROPPED",
    "DroppedGroup",
    "dropped_of_group",
    "dropped_of_item",
    "filled_fields",
    "groups_of_dropped",
    "stored_item",
    "stored_items",
    "what_item_said",
]

_SOURCE: Final = "(SELECT key FROM sources WHERE organization_id = ? AND source_id = ?)"
MOST_DROPPED: Final = 500
"""Of one item."""


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


def stored_item(tables: sqlite3.Connection, source: Source, document_id: str) -> StoredItem | None:
    """An item as it was last indexed, whether searches find it so already or not."""
    row = tables.execute(
        f"SELECT ordering_id, indexed, fields FROM items WHERE source = {_SOURCE} AND document_id = ?",  # noqa: S608 - a constant
        (*attrs.astuple(source), document_id),
    ).fetchone()
    return row and StoredItem(source.source_id, document_id, row[0], row[1], json.loads(row[2]))


def stored_items(tables: sqlite3.Connection, source: Source) -> Iterator[StoredItem]:
    """Every item of a source, as in `stored_item`."""
    rows = tables.execute(
        f"SELECT document_id, ordering_id, indexed, fields FROM items WHERE source = {_SOURCE}",  # noqa: S608 - a constant
        attrs.astuple(source),
    )
    for document_id, ordering_id, indexed, fields in rows:
        yield StoredItem(source.source_id, document_id, ordering_id, indexed, json.loads(fields))


def what_item_said(tables: sqlite3.Connection, source: Source, document_id: str) -> dict[str, Any]:
    """The metadata that was sent with an item; nothing when it is not among those that are remembered."""
    row = tables.execute(
        f"SELECT metadata FROM samples WHERE source = {_SOURCE} AND document_id = ?",  # noqa: S608 - a constant
        (*attrs.astuple(source), document_id),
    ).fetchone()
    return dict(json.loads(row[0])) if row else {}


def dropped_of_item(tables: sqlite3.Connection, source: Source, document_id: str) -> list[Dropped]:
    """What was dropped of an item, up to 500 pieces."""
    rows = tables.execute(
        f"SELECT document_id, key, reason, file_id FROM dropped WHERE source = {_SOURCE} AND document_id = ?"  # noqa: S608 - a constant
        " ORDER BY rowid LIMIT ?",
        (*attrs.astuple(source), document_id, MOST_DROPPED),
    )
    return [Dropped(*row) for row in rows]


def groups_of_dropped(
    tables: sqlite3.Connection, source: Source, page: int, size: int
) -> tuple[list[DroppedGroup], Cut]:
    """A page of what was dropped, by reason and key, the largest groups first; and which one it is."""
    named = attrs.astuple(source)
    groups = f"FROM dropped WHERE source = {_SOURCE} GROUP BY reason, key"
    (total,) = tables.execute(f"SELECT count(*) FROM (SELECT 1 {groups})", named).fetchone()  # noqa: S608 - a constant
    shown = cut(page, total, size)
    rows = tables.execute(
        f"SELECT reason, key, count(*) {groups} ORDER BY 3 DESC, reason, key LIMIT ? OFFSET ?",
        (*named, size, shown.first),
    )
    return [DroppedGroup(*row) for row in rows], shown


def dropped_of_group(
    tables: sqlite3.Connection, source: Source, group: tuple[str, str | None], page: int, size: int
) -> tuple[list[Dropped], int, Cut]:
    """A page of the pieces of one group, given by its reason and key; how many there are; and which page it is."""
    named = (*attrs.astuple(source), *group)
    where = f"FROM dropped WHERE source = {_SOURCE} AND reason = ? AND key IS ?"
    (total,) = tables.execute(f"SELECT count(*) {where}", named).fetchone()
    shown = cut(page, total, size)
    rows = tables.execute(
        f"SELECT document_id, key, reason, file_id {where} ORDER BY rowid LIMIT ? OFFSET ?", (*named, size, shown.first)
    )
    return [Dropped(*row) for row in rows], total, shown


def filled_fields(tables: sqlite3.Connection, source: Source) -> dict[str, int]:
    """How many items have a value in each field; fields without any are missing."""
    rows = tables.execute(
        f"SELECT entry.key, count(*) FROM items, json_each(items.fields) AS entry WHERE source = {_SOURCE}"  # noqa: S608 - a constant
        " GROUP BY entry.key",
        attrs.astuple(source),
    )
    return dict(rows.fetchall())
