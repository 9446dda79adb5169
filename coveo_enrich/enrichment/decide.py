"""From what was seen to what a product's fields become: pure functions.

The same product, classifications and rules always give the same decision, so a changed rule or vocabulary is tried by
deciding again, without asking a classifier. Asking them is `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import attrs

from coveo_enrich.classifiers.values import Classification
from coveo_enrich.enrichment.product import FieldChange, Observation, UnmappedValue
from coveo_enrich.enrichment.rules import Evidence, FieldMapping, FieldRule, SeenValues

__all__ = ["Decision", "Seen", "classifiers_needed", "decide", "is_missing"]


@attrs.frozen
class Seen:
    """What one classifier said about one picture of a product."""

    image: str
    classification: Classification


@attrs.frozen
class Decision:
    """What becomes of a product's fields: which are filled, and which were left because they have a value."""

    changes: tuple[FieldChange, ...]
    unmapped: tuple[UnmappedValue, ...]
    kept: tuple[str, ...]


@attrs.frozen
class _Candidate:
    value: str
    confidence: float | None
    evidence: tuple[Observation, ...]


def decide(product: Mapping[str, Any], mapping: FieldMapping, seen: Sequence[Seen]) -> Decision:
    """Apply every rule to one product.

    Args:
        product: The product as it came in.
        mapping: The rules.
        seen: What was said about its pictures, in the order of the pictures.
    """
    changes: list[FieldChange] = []
    unmapped: list[UnmappedValue] = []
    kept: list[str] = []
    for rule in mapping.rules:
        key = _key_of(product, rule.field)
        before = product.get(key)
        if _is_kept(rule, before):
            kept.append(key)
            continue
        candidates, unknown = _candidates(rule, seen)
        unmapped += unknown
        change = _change(rule, key, before, candidates)
        if change is not None:
            changes.append(change)
    return Decision(tuple(changes), tuple(unmapped), tuple(kept))


def classifiers_needed(product: Mapping[str, Any], mapping: FieldMapping, names: Iterable[str]) -> frozenset[str]:
    """The classifiers whose answers can change anything about a product: the others are not asked, nor paid.

    Args:
        product: The product as it came in.
        mapping: The rules.
        names: All classifiers that there are.
    """
    open_rules = [rule for rule in mapping.rules if not _is_kept(rule, product.get(_key_of(product, rule.field)))]
    believed = {evidence.of for rule in open_rules for evidence in rule.reads}
    return frozenset(name for name in names if None in believed or name in believed)


def _is_kept(rule: FieldRule, value: object) -> bool:
    return rule.existing == "keep" and not is_missing(value)


def is_missing(value: object) -> bool:
    """Whether a field counts as not filled: absent, null, NaN (a data frame's null), blank, or a list of those."""
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return True
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list | tuple):
        return all(is_missing(part) for part in cast("Sequence[object]", value))
    return False


def _key_of(product: Mapping[str, Any], field: str) -> str:
    # Coveo refuses an item with two keys that differ only by case, so an `EC_Color` is the field `ec_color`.
    if field in product:
        return field
    return next((key for key in product if isinstance(key, str) and key.lower() == field), field)  # pyright: ignore[reportUnnecessaryIsInstance]  # a catalog may hold anything


def _candidates(rule: FieldRule, seen: Sequence[Seen]) -> tuple[list[_Candidate], list[UnmappedValue]]:
    unmapped: list[UnmappedValue] = []
    for evidence in rule.reads:
        candidates: dict[str, _Candidate] = {}
        for one in seen:
            found, unknown = _candidates_of_picture(rule, evidence, one)
            unmapped += unknown
            for candidate in found:
                _keep_surer(candidates, candidate)
        if candidates:
            return sorted(candidates.values(), key=_sureness, reverse=True), unmapped
    return [], unmapped


def _candidates_of_picture(
    rule: FieldRule, evidence: Evidence, seen: Seen
) -> tuple[list[_Candidate], list[UnmappedValue]]:
    if evidence.of not in (None, seen.classification.classifier):
        return [], []
    candidates: dict[str, _Candidate] = {}
    unknown: list[Observation] = []
    for observation in _observe(evidence, seen):
        value = observation.seen if rule.vocabulary is None else rule.vocabulary.match(observation.seen)
        if value is None:
            unknown.append(observation)
        else:
            candidate = _Candidate(value, observation.confidence, (observation,))
            _join(candidates, candidate, add=evidence.reads == "color")
    accepted = [candidate for candidate in candidates.values() if _accepts(rule, evidence, candidate.confidence)]
    unmapped = [UnmappedValue(rule.field, one) for one in unknown if _accepts(rule, evidence, one.confidence)]
    return accepted, unmapped


def _observe(evidence: Evidence, seen: Seen) -> Iterator[Observation]:
    for value, confidence in _read(evidence, seen.classification):
        if value.strip():
            yield Observation(seen.image, value, confidence, seen.classification.classifier)


def _read(evidence: Evidence, classification: Classification) -> SeenValues:
    reads = evidence.reads
    if not isinstance(reads, str):
        return reads(classification)
    if reads == "color":
        return ((color.name, color.confidence) for color in classification.colors)
    if reads == "label":
        return ((label.name, label.confidence) for label in classification.labels)
    name = reads.removeprefix("attribute:").strip().casefold()
    return ((one.value, one.confidence) for one in classification.attributes if one.name.casefold() == name)


def _join(candidates: dict[str, _Candidate], candidate: _Candidate, *, add: bool) -> None:
    """Several words of one picture for one value: shares of its area add up, other confidences do not."""
    earlier = candidates.get(candidate.value)
    if earlier is None or not add or earlier.confidence is None or candidate.confidence is None:
        _keep_surer(candidates, candidate)
        return
    share = min(1.0, earlier.confidence + candidate.confidence)
    candidates[candidate.value] = _Candidate(candidate.value, share, (*earlier.evidence, *candidate.evidence))


def _keep_surer(candidates: dict[str, _Candidate], candidate: _Candidate) -> None:
    earlier = candidates.get(candidate.value)
    if earlier is None or _sureness(candidate) > _sureness(earlier):
        # Taken out first, so that the order of candidates tells which was as sure as it is now the earliest.
        candidates.pop(candidate.value, None)
        candidates[candidate.value] = candidate


def _sureness(candidate: _Candidate) -> float:
    return -1.0 if candidate.confidence is None else candidate.confidence


def _accepts(rule: FieldRule, evidence: Evidence, confidence: float | None) -> bool:
    if confidence is None:
        return rule.unscored == "accept"
    needed = rule.min_confidence if evidence.min_confidence is None else evidence.min_confidence
    return confidence >= needed


def _change(rule: FieldRule, key: str, before: Any, candidates: Sequence[_Candidate]) -> FieldChange | None:  # noqa: ANN401 - whatever the product holds
    if not candidates:
        return None
    if rule.values == "one":
        best = candidates[0]
        return None if before == best.value else FieldChange(key, before, best.value, best.confidence, best.evidence)
    kept = _parts(before) if rule.existing == "add" else ()
    added = [candidate for candidate in candidates if candidate.value not in kept]
    after = (*kept, *(candidate.value for candidate in added))
    if not added or after == _parts(before):
        return None
    evidence = tuple(one for candidate in added for one in candidate.evidence)
    return FieldChange(key, before, after, min(added, key=_sureness).confidence, evidence)


def _parts(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever the product holds
    """The values of a multi-value field: a list, or one text with ``;`` between them (docs.coveo.com/en/162)."""
    if is_missing(value):
        return ()
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(";") if part.strip())
    return tuple(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else (value,)
