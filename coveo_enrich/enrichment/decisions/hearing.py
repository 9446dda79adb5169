"""What each picture of a product speaks for, by a rule's vocabulary, type and thresholds.

Pure. What several pictures come to, and what becomes of the field, is decided after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from coveo_enrich.classifiers.values import Classification
from coveo_enrich.enrichment.decisions.combine import Candidate, Heard, sureness
from coveo_enrich.enrichment.product import Observation, UnmappedValue
from coveo_enrich.enrichment.rules.evidence import Evidence, SeenValues, read
from coveo_enrich.enrichment.rules.field_rule import FieldRule
from coveo_enrich.enrichment.rules.field_types import Value

__all__ = ["Seen", "hear"]

_SHARE_DIGITS: Final = 9  # 0.7 and 0.1 are 0.8, which binary numbers miss


@attrs.frozen
class Seen:
    """What one classifier said about one picture of a product."""

    image: str
    classification: Classification


def hear(rule: FieldRule, evidence: Evidence, seen: Sequence[Seen], unmapped: list[UnmappedValue]) -> list[Heard]:
    """What the pictures speak for, as far as an evidence believes who looked at them, in their order.

    Args:
        rule: The rule.
        evidence: The one of its evidences that is read.
        seen: What was said about the pictures.
        unmapped: What is seen surely enough, but is no value of the field, is put here.
    """
    return [
        Heard(one.image, _of_one(rule, evidence, one, unmapped))
        for one in seen
        if evidence.of is None or evidence.of == one.classification.classifier
    ]


def _of_one(rule: FieldRule, evidence: Evidence, seen: Seen, unmapped: list[UnmappedValue]) -> dict[Value, Candidate]:
    candidates: dict[Value, Candidate] = {}
    adds_up = evidence.reads == "color"
    for word, confidence in _words(rule, evidence, seen.classification):
        if not word.strip():
            continue
        value = rule.value_of(word)
        if (value is None or not adds_up) and not _accepts(rule, evidence, confidence):
            continue
        observation = Observation(seen.image, word, confidence, seen.classification.classifier)
        if value is None:
            unmapped.append(UnmappedValue(rule.field, observation))
        else:
            _join(candidates, Candidate(value, confidence, (observation,)), add=adds_up)
    if not adds_up:
        return candidates
    return {value: one for value, one in candidates.items() if _accepts(rule, evidence, one.confidence)}


def _words(rule: FieldRule, evidence: Evidence, classification: Classification) -> SeenValues:
    """What is read; of a list without a vocabulary each word as Coveo cuts it, at ``;`` (docs.coveo.com/en/162)."""
    words = read(evidence, classification)
    if rule.values == "one" or rule.vocabulary is not None:
        return words
    return [(part.strip(), confidence) for word, confidence in words for part in word.split(";")]


def _join(candidates: dict[Value, Candidate], candidate: Candidate, *, add: bool) -> None:
    """Several words of one picture for one value: shares of its area add up, other confidences do not."""
    earlier = candidates.get(candidate.value)
    if earlier is None:
        candidates[candidate.value] = candidate
    elif add and earlier.confidence is not None and candidate.confidence is not None:
        share = min(1.0, round(earlier.confidence + candidate.confidence, _SHARE_DIGITS))
        candidates[candidate.value] = Candidate(candidate.value, share, (*earlier.evidence, *candidate.evidence))
    elif sureness(candidate) > sureness(earlier):
        # Taken out first, so that the order tells which was as sure as it is now the earliest.
        del candidates[candidate.value]
        candidates[candidate.value] = candidate


def _accepts(rule: FieldRule, evidence: Evidence, confidence: float | None) -> bool:
    if confidence is None:
        return rule.unscored == "accept"
    needed = rule.min_confidence if evidence.min_confidence is None else evidence.min_confidence
    return confidence >= needed
