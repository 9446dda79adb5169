"""The page of one item: its fields, what was sent for it and is not in the index, and what a machine wrote. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from coveo_enrich.sandbox.browser.addresses import web_address
from coveo_enrich.sandbox.browser.pictures import Picture, pictures_of
from coveo_enrich.sandbox.browser.provenance import Provenance, provenance_of
from coveo_enrich.sandbox.browser.texts import shortened
from coveo_enrich.sandbox.browser.values import ShownField, moment, shown_field, title_of
from coveo_enrich.sandbox.platform.catalogs import Catalogs
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.search.item import searched_fields, view
from coveo_enrich.sandbox.values import Dropped, StoredItem, is_no_loss

__all__ = ["MOST_DROPPED", "Item", "LostMark", "Unindexed", "item_of"]

MOST_DROPPED: Final = 500
"""Pieces of one item."""

_LONGEST_SAID: Final = 1_000
_LONGEST_NAME: Final = 300
_MOST_LOST: Final = 100


@attrs.frozen
class Unindexed:
    """Something that was sent for an item and is not in the index.

    Attributes:
        key: The metadata key; `None` when the whole item was rejected.
        said: What was sent; empty when that is not remembered.
        reason: Why.
    """

    key: str | None
    said: str
    reason: str

    @property
    def is_empty(self) -> bool:
        """Whether it had no value, so that nothing is lost."""
        return is_no_loss(self.reason)


@attrs.frozen
class LostMark:
    """A field that a machine filled, and that the item has not.

    Attributes:
        name: The field.
        words: Who filled it, and how sure.
        reason: Why it is not there, as far as that is known.
    """

    name: str
    words: str
    reason: str


@attrs.frozen
class Item:
    """What the page of an item shows.

    Attributes:
        title: What it is called.
        document_id: Its id.
        is_indexed: Whether it is in the index at all.
        link: Where it leads, when that is an address of the web.
        ordering_id: The orderingId of the last operation on it; 0 when it is not in the index.
        indexed: Since when searches find it so.
        is_found: Whether they do already.
        is_hidden: Whether no search finds it, by its ``objecttype``: it is no product of its source's catalog.
        pictures: Its pictures.
        fields: The fields that were sent and kept, by name.
        own: The fields that Coveo fills itself.
        provenance: The field that tells of enrichment; `None` when there is none.
        lost: What a machine wrote, and is not in the index; the first hundred of it.
        lost_left_out: How much of it is not among them.
        unindexed: What was sent and is not in the index.
    """

    title: str
    document_id: str
    is_indexed: bool
    link: str | None
    ordering_id: int
    indexed: str
    is_found: bool
    is_hidden: bool
    pictures: tuple[Picture, ...]
    fields: tuple[ShownField, ...]
    own: tuple[ShownField, ...]
    provenance: str | None
    lost: tuple[LostMark, ...]
    lost_left_out: int
    unindexed: tuple[Unindexed, ...]

    @property
    def is_cut(self) -> bool:
        """Whether there may be more that was sent in vain."""
        return len(self.unindexed) == MOST_DROPPED

    @property
    def enriched(self) -> tuple[ShownField, ...]:
        """The fields of which something is told."""
        return tuple(field for field in self.fields if field.origin)


def item_of(
    stored: StoredItem,
    dropped: Iterable[Dropped],
    said: Mapping[str, Any],
    *,
    fields: Mapping[str, Field],
    catalogs: Catalogs,
    now: int,
) -> Item:
    """What the page of an item shows.

    Args:
        stored: The item; without fields and with orderingId 0 when it is not in the index.
        dropped: What was dropped of it.
        said: The metadata that was sent with it, as far as that is remembered.
        fields: The fields of its organization, by name.
        catalogs: The catalogs of its organization.
        now: The time, in milliseconds since 1970.
    """
    seen = view(stored, {})
    known = searched_fields(fields)
    provenance = provenance_of(stored.fields)
    unindexed = tuple(Unindexed(one.key, _said(said, one.key), one.reason) for one in dropped)
    lost = [name for name in provenance.marks if name not in stored.fields]
    own = [name for name in seen.values if name not in stored.fields and stored.ordering_id]
    return Item(
        title=shortened(title_of(stored), _LONGEST_NAME),
        document_id=stored.document_id,
        is_indexed=stored.ordering_id > 0,
        link=web_address(str(stored.fields.get("clickableuri", ""))),
        ordering_id=stored.ordering_id,
        indexed=moment(stored.indexed),
        is_found=stored.indexed <= now,
        is_hidden=not catalogs.is_result(stored),
        pictures=pictures_of(stored.fields),
        fields=tuple(shown_field(*field, known.get(field[0]), provenance) for field in sorted(stored.fields.items())),
        own=tuple(shown_field(name, seen.values[name], known.get(name), Provenance()) for name in sorted(own)),
        provenance=provenance.field,
        lost=tuple(_lost(lost[:_MOST_LOST], provenance, unindexed, fields)),
        lost_left_out=len(lost[_MOST_LOST:]),
        unindexed=unindexed,
    )


def _lost(
    names: Iterable[str], provenance: Provenance, unindexed: Iterable[Unindexed], fields: Mapping[str, Field]
) -> Iterable[LostMark]:
    reasons = {one.key.lower(): one.reason for one in unindexed if one.key is not None}
    for name in names:
        absent = "it was taken out since" if name in fields else "there is no field of that name"
        yield LostMark(shortened(name, _LONGEST_NAME), provenance.marks[name].words, reasons.get(name.lower(), absent))


def _said(said: Mapping[str, Any], key: str | None) -> str:
    if key is None or key not in said:
        return ""
    value = said[key]
    return shortened(
        value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False), _LONGEST_SAID
    )
