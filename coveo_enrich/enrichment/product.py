"""A product after it was looked at: as it came, what changed and why, what failed.

Values only: how they come about is in `coveo_enrich.enrichment.decide` and `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from coveo_enrich.classifiers.values import Failure, check_confidence

__all__ = ["EnrichedProduct", "FieldChange", "Observation", "UnmappedValue"]


@attrs.frozen
class Observation:
    """What speaks for a value: who saw what, where, and how surely.

    Attributes:
        image: The picture, as the product names it.
        seen: The word that the classifier used.
        confidence: 0 to 1; `None` when it was not scored.
        classifier: Who said so.
    """

    image: str
    seen: str
    confidence: float | None = attrs.field(validator=check_confidence)
    classifier: str


@attrs.frozen
class FieldChange:
    """One field that was filled.

    Attributes:
        field: The field.
        before: Its value before; `None` when the product had none.
        after: Its value now: a text, or a list of texts.
        confidence: What the rule measured against its ``min_confidence``: 0 to 1, or `None` when not scored. Shares of
            one picture that mean the same value are added up; of a list, it is that of the least sure new value.
        evidence: What speaks for it, the surest first.
    """

    field: str
    before: Any
    after: str | tuple[Any, ...]
    confidence: float | None
    evidence: tuple[Observation, ...]


@attrs.frozen
class UnmappedValue:
    """Something seen surely enough that the field's vocabulary has no word for: not written, but reported."""

    field: str
    observation: Observation


@attrs.frozen
class EnrichedProduct:
    """One product of a run. Whatever failed for it, it is here, and `document` is whole.

    Attributes:
        product: The product as it came in.
        changes: The fields that were filled.
        failures: What went wrong while its pictures were looked at.
        unmapped: What was seen but is in no vocabulary.
        kept: The fields that were left as they are because the product has a value.
        images: The references of all its pictures, in order.
        looked_at: How many of them were looked at: the first ``max_images`` of the enricher, or none when nothing could
            change.
        people_labels: Labels about people that were kept out of the decision.
    """

    product: Mapping[str, Any]
    changes: tuple[FieldChange, ...] = ()
    failures: tuple[Failure, ...] = ()
    unmapped: tuple[UnmappedValue, ...] = ()
    kept: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    looked_at: int = 0
    people_labels: int = 0

    @property
    def document(self) -> Mapping[str, Any]:
        """The whole product with its new values, ready for a stream; the product itself when nothing changed."""
        if not self.changes:
            return self.product
        filled = {change.field: _plain(change.after) for change in self.changes}
        return {**self.product, **filled}

    @property
    def document_id(self) -> str | None:
        """The product's ``documentId``, when it has one that is text."""
        value = self.product.get("documentId") if isinstance(self.product, Mapping) else None  # pyright: ignore[reportUnnecessaryIsInstance]  # a catalog may hold anything
        return value if isinstance(value, str) else None


def _plain(value: str | tuple[Any, ...]) -> str | list[Any]:
    return value if isinstance(value, str) else list(value)
