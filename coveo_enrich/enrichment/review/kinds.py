"""What a merchandiser would look for in a product, and how much there is to doubt in it.

Pure functions of what a run gave; how it is shown is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from coveo_enrich.enrichment.product import EnrichedProduct, FieldChange
from coveo_enrich.enrichment.review.text import tried
from coveo_enrich.enrichment.rules.fields import is_missing

__all__ = ["KIND_NAMES", "Kind", "doubt_of", "is_contested", "is_empty", "kinds_of", "kinds_of_change"]

Kind = Literal["contested", "changed", "filled", "unscored", "failed", "unmapped", "not-asked", "kept", "unchanged"]

KIND_NAMES: Final[dict[Kind, str]] = {
    "contested": "Contested",
    "changed": "Changed",
    "filled": "Filled",
    "unscored": "Not scored",
    "failed": "Failed",
    "unmapped": "Not in vocabulary",
    "not-asked": "Not asked",
    "kept": "Kept",
    "unchanged": "Unchanged",
}
"""What each kind is called, in the order in which they are offered."""

_NOT_KNOWN: Final = 0.5


def doubt_of(enriched: EnrichedProduct) -> float:
    """How much there is to doubt in a product: 0, nothing, to 2.

    It is what its least sure change lacks in confidence, and 1 more when something speaks against a value. A failure, a
    word outside the vocabulary, and a change that was not scored, count as a confidence of one half.
    """
    doubts = [_NOT_KNOWN if change.confidence is None else 1.0 - change.confidence for change in enriched.changes]
    if enriched.failures or enriched.unmapped:
        doubts.append(_NOT_KNOWN)
    return max(doubts, default=0.0) + bool(enriched.conflicts)


def kinds_of(enriched: EnrichedProduct) -> frozenset[Kind]:
    """The kinds that a product is of: one at least."""
    return frozenset(_kinds(enriched))


def kinds_of_change(enriched: EnrichedProduct, change: FieldChange) -> Iterator[Kind]:
    """The kinds that one change is of."""
    if is_contested(enriched, change.field):
        yield "contested"
    yield "filled" if is_empty(change.before) else "changed"
    if change.confidence is None:
        yield "unscored"


def is_empty(before: object) -> bool:
    """Whether a field had no value; one that cannot even be compared is a value."""
    return tried(is_missing, before, otherwise=False)


def is_contested(enriched: EnrichedProduct, field: str) -> bool:
    """Whether something speaks against the value of a field."""
    return any(conflict.field == field.lower() for conflict in enriched.conflicts)


def _kinds(enriched: EnrichedProduct) -> Iterator[Kind]:
    for change in enriched.changes:
        yield from kinds_of_change(enriched, change)
    if enriched.conflicts:
        yield "contested"
    if enriched.failures:
        yield "failed"
    if enriched.unmapped:
        yield "unmapped"
    if enriched.not_asked:
        yield "not-asked"
    if enriched.kept:
        yield "kept"
    if not enriched.changes:
        yield "unchanged"
