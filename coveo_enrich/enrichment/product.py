"""A product after it was looked at: as it came, what changed and why, what failed.

Values only: how they come about is in `coveo_enrich.enrichment.decisions` and `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from coveo_enrich.classifiers.values import Failure, check_confidence
from coveo_enrich.enrichment.rules.field_types import Value
from coveo_enrich.enrichment.rules.fields import as_text
from coveo_enrich.stream.partial import PartialUpdate

__all__ = ["Conflict", "EnrichedProduct", "FieldChange", "Observation", "ProvenanceText", "UnmappedValue"]


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
        after: Its value now: a text, number or flag, or a tuple of what a list holds.
        confidence: What the rule measured against its ``min_confidence``: 0 to 1, or `None` when not scored. Shares of
            one picture that mean the same value are added up; of a list, it is that of the least sure new value.
        evidence: What speaks for it, the surest first.
    """

    field: str
    before: Any
    after: Value | tuple[Any, ...]
    confidence: float | None
    evidence: tuple[Observation, ...]


@attrs.frozen
class UnmappedValue:
    """Something seen surely enough that the field's vocabulary, or type, has no value for: reported, not written."""

    field: str
    observation: Observation


@attrs.frozen
class Conflict:
    """A value that something trusted speaks against.

    Attributes:
        field: The field.
        value: The value that was decided for, or the tuple of them.
        against: The surest observation of each picture and classifier that speaks for another value and not for this.
        tie: Whether another value would have been as good, so that the order of the pictures decided.
    """

    field: str
    value: Value | tuple[Value, ...]
    against: tuple[Observation, ...]
    tie: bool = False


@attrs.frozen
class ProvenanceText:
    """What the provenance field of a changed product is to hold.

    Attributes:
        field: The field, as the product spells it.
        text: JSON, as `coveo_enrich.enrichment.decisions.provenance` writes it.
    """

    field: str
    text: str


@attrs.frozen
class EnrichedProduct:
    """One product of a run. Whatever failed for it, it is here, and `document` is whole.

    Attributes:
        product: The product as it came in.
        changes: The fields that were filled.
        failures: What went wrong while its pictures were looked at.
        unmapped: What was seen but is in no vocabulary.
        conflicts: Values that other pictures or classifiers speak against.
        provenance: What the provenance field is to hold; `None` when nothing changed or the mapping has none.
        kept: The fields that were left as they are because the product has a value.
        images: The references of all its pictures, in order.
        looked_at: How many of them were looked at: the first ``max_images`` of the enricher, or none when nothing could
            change.
        not_asked: How many times a classifier was not asked about one of them, as the budget was spent.
        people_labels: Labels about people that were kept out of the decision.
        of_other_type: Whether it is an item of a type that is not enriched, such as ``Availability``: it was not looked
            at.
    """

    product: Mapping[str, Any]
    changes: tuple[FieldChange, ...] = ()
    failures: tuple[Failure, ...] = ()
    unmapped: tuple[UnmappedValue, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    provenance: ProvenanceText | None = None
    kept: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    looked_at: int = 0
    not_asked: int = 0
    people_labels: int = 0
    of_other_type: bool = False

    @property
    def document(self) -> Mapping[str, Any]:
        """The whole product with its new values, ready for a stream; the product itself when nothing changed."""
        return {**self.product, **self._written} if self.changes else self.product

    @property
    def document_id(self) -> str | None:
        """The product's ``documentId``, when it has one that is text and can be read."""
        try:
            value = self.product.get("documentId")
        except Exception:  # noqa: BLE001 - a catalog may hold anything, also what is no mapping
            return None
        return value if isinstance(value, str) else None

    def partial_update(self) -> tuple[PartialUpdate, ...]:
        """The changes as operations for `StreamClient.update_partially`, each giving a field its new value.

        Raises:
            ConfigurationError: The product changed and has no ``documentId`` that is a URI, or a list that was added to
                holds something that Coveo does not take.
        """
        document_id = self.document_id or ""
        return tuple(
            PartialUpdate.replace_value(document_id, key.lower(), value) for key, value in self._written.items()
        )

    def as_row(self, *, key: str = "documentId") -> dict[str, Any]:
        """The changes as one flat row, for a table that goes back to where the product came from.

        The key, and for each changed field, say ``ec_color``: ``ec_color``, the new value, a list as one text with
        ``;`` between its values; ``ec_color.confidence``, 0 to 1 or `None`; ``ec_color.evidence``, in words. The
        provenance field too, when there is one. No field of Coveo's has a point in its name.

        Args:
            key: The field that tells products apart where they are kept, default ``documentId``; `None` stands in the
                row of a product that has none.
        """
        row: dict[str, Any] = {key: self.product.get(key) if isinstance(self.product, Mapping) else None}  # pyright: ignore[reportUnnecessaryIsInstance]  # a catalog may hold anything
        for change in self.changes:
            row[change.field] = _flat(change.after)
            row[f"{change.field}.confidence"] = change.confidence
            row[f"{change.field}.evidence"] = "; ".join(map(_in_words, change.evidence))
        return row if self.provenance is None else {**row, self.provenance.field: self.provenance.text}

    @property
    def _written(self) -> dict[str, Any]:
        filled = {change.field: _plain(change.after) for change in self.changes}
        return filled if self.provenance is None else {**filled, self.provenance.field: self.provenance.text}


def _plain(value: Value | tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever a document may hold
    return list(value) if isinstance(value, tuple) else value


def _flat(value: Value | tuple[Any, ...]) -> Value:
    return ";".join(map(as_text, value)) if isinstance(value, tuple) else value


def _in_words(seen: Observation) -> str:
    share = "not scored" if seen.confidence is None else f"{seen.confidence:.0%}"
    return f"{seen.seen} in {seen.image} ({seen.classifier}, {share})"
