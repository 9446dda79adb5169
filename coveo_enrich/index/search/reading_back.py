"""Which items are asked for together, and which of those that were found is which: pure.

Coveo puts a slash behind a URI that has no path; which it does, an item tells only once it is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from coveo_enrich.index.search.calls import FoundItem
from coveo_enrich.index.search.expressions import LONGEST, can_be_quoted, is_any_of

__all__ = ["by_id", "can_be_asked_for", "groups_of", "with_one_of"]

_IDS_A_CALL: Final = 100
_BESIDE: Final = len('"",')


def can_be_asked_for(document_id: str) -> bool:
    """Whether an expression can hold an id: by its letters, and by its length."""
    return can_be_quoted(document_id) and len(with_one_of([document_id])) <= LONGEST


def groups_of(ids: Iterable[str]) -> Iterator[list[str]]:
    """Ids in groups that each make an expression of a bearable length; those that cannot be asked for are left out."""
    group: list[str] = []
    length = room = len(is_any_of("uri", ["a", "b"]))
    for one in filter(can_be_asked_for, ids):
        own = sum(len(uri) + _BESIDE for uri in _forms(one))
        if group and (len(group) == _IDS_A_CALL or length + own > LONGEST):
            yield group
            group = []
            length = room
        group.append(one)
        length += own
    if group:
        yield group


def with_one_of(ids: Iterable[str]) -> str:
    """The expression for items of these ids."""
    return is_any_of("uri", [uri for one in ids for uri in _forms(one)])


def by_id(ids: Iterable[str], items: Iterable[FoundItem]) -> dict[str, list[FoundItem]]:
    """The items of each id, none of one that is not among them; several where other sources have items of the same id.

    An item in other letters, as which Coveo finds it too, counts only where there is none in the same.
    """
    asked_for = _ids_by_uri(list(ids))
    found: dict[str, list[FoundItem]] = {one: [] for one in asked_for.values()}
    for item in items:
        document_id = asked_for.get(item.uri, asked_for.get(item.uri.lower()))
        if document_id is not None:
            found[document_id].append(item)
    return {one: [item for item in several if item.uri in _forms(one)] or several for one, several in found.items()}


def _forms(document_id: str) -> tuple[str, str]:
    return document_id, f"{document_id}/"


def _ids_by_uri(ids: list[str]) -> dict[str, str]:
    """Each document's id by the URIs that it may have: with a slash behind it, and in small letters."""
    in_small_letters = {uri.lower(): one for one in ids for uri in reversed(_forms(one))}
    with_a_slash = {f"{one}/": one for one in ids}
    return in_small_letters | with_a_slash | {one: one for one in ids}
