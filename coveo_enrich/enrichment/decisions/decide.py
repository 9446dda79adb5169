"""From what was seen to what a product's fields become: pure functions.

The same product, classifications and rules always give the same decision, so a changed rule or vocabulary is tried by
deciding again, without asking a classifier. Asking them is `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from coveo_enrich.enrichment.decisions.combine import Candidate, Combined, Heard, combine, sureness
from coveo_enrich.enrichment.decisions.hearing import Seen, hear
from coveo_enrich.enrichment.decisions.provenance import Marks, is_machine_written, marks_of, marks_with
from coveo_enrich.enrichment.product import Conflict, FieldChange, Observation, ProvenanceText, UnmappedValue
from coveo_enrich.enrichment.rules.evidence import Evidence
from coveo_enrich.enrichment.rules.field_rule import FieldRule
from coveo_enrich.enrichment.rules.field_types import Value
from coveo_enrich.enrichment.rules.fields import as_text, is_missing, key_of, keys_by_field, parts, plain
from coveo_enrich.enrichment.rules.mapping import FieldMapping
from coveo_enrich.enrichment.vocabulary.hierarchy import with_ancestors

__all__ = ["Decision", "Seen", "classifiers_needed", "decide"]


@attrs.frozen
class Decision:
    """What becomes of a product's fields.

    Attributes:
        changes: The fields that are filled.
        unmapped: What was seen surely enough but is no value of its field.
        kept: The fields that are left because they have a value.
        conflicts: Values that other pictures or classifiers speak against.
        provenance: What the provenance field is to hold; `None` when nothing changes or the mapping has none.
    """

    changes: tuple[FieldChange, ...]
    unmapped: tuple[UnmappedValue, ...]
    kept: tuple[str, ...]
    conflicts: tuple[Conflict, ...] = ()
    provenance: ProvenanceText | None = None


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
    conflicts: list[Conflict] = []
    marks = _marks(product, mapping)
    for target in _targets(product, mapping, marks):
        if target.kept:
            kept.append(target.key)
            continue
        verdict = _judge(target.rule, seen)
        unmapped += verdict.unmapped
        conflicts += verdict.conflicts
        changes += _change(target, verdict.candidates)
    provenance = _provenance(product, mapping, marks, changes)
    return Decision(tuple(changes), tuple(unmapped), tuple(kept), tuple(conflicts), provenance)


def classifiers_needed(product: Mapping[str, Any], mapping: FieldMapping, names: Iterable[str]) -> frozenset[str]:
    """The classifiers whose answers can change anything about a product: the others are not asked, nor paid.

    A condition of the user's that raises asks nobody; `decide` raises the same where it is reported.

    Args:
        product: The product as it came in.
        mapping: The rules.
        names: All classifiers that there are.
    """
    try:
        targets = [target for target in _targets(product, mapping, _marks(product, mapping)) if not target.kept]
    except Exception:  # noqa: BLE001 - whatever a user's function raises
        return frozenset()
    believed = {evidence.of for target in targets for evidence in target.rule.reads}
    return frozenset(name for name in names if None in believed or name in believed)


@attrs.frozen
class _Target:
    """A rule that is for a product: the key that it fills there, and what that holds."""

    rule: FieldRule
    key: str
    before: Any
    kept: bool


def _targets(product: Mapping[str, Any], mapping: FieldMapping, marks: Marks) -> Iterator[_Target]:
    keys = keys_by_field(product)
    for rule in mapping.rules:
        if rule.when is None or rule.when(product):
            key = keys.get(rule.field, rule.field)
            before = plain(product.get(key))
            kept = rule.existing == "keep" and not is_missing(before)
            yield _Target(rule, key, before, kept and not is_machine_written(before, marks.get(rule.field)))


@attrs.frozen
class _Verdict:
    candidates: tuple[Candidate, ...] = ()
    unmapped: Sequence[UnmappedValue] = ()
    conflicts: Sequence[Conflict] = ()


def _judge(rule: FieldRule, seen: Sequence[Seen]) -> _Verdict:
    """What the first evidence that yields a value comes to, and what is said against it."""
    unmapped: list[UnmappedValue] = []
    for place, evidence in enumerate(rule.reads):
        heard = hear(rule, evidence, seen, unmapped)
        if not any(one.candidates for one in heard):
            continue
        combined = combine(rule.combine, heard, many=rule.values == "many")
        if combined.candidates:
            conflict = _conflict(rule, combined, heard, rule.reads[place + 1 :], seen)
            return _Verdict(combined.candidates, unmapped, conflict)
    return _Verdict(unmapped=unmapped)


def _conflict(
    rule: FieldRule, combined: Combined, heard: Sequence[Heard], less_trusted: Sequence[Evidence], seen: Sequence[Seen]
) -> Sequence[Conflict]:
    against = [candidate.evidence[0] for candidate in combined.tied]
    if rule.values == "one":
        later = [one for evidence in less_trusted for one in hear(rule, evidence, seen, [])]
        against += _dissent(combined.candidates[0].value, (*heard, *later))
    if not against:
        return ()
    values = tuple(candidate.value for candidate in combined.candidates)
    value = values if rule.values == "many" else values[0]
    return (Conflict(rule.field, value, tuple(dict.fromkeys(against)), tie=bool(combined.tied)),)


def _dissent(value: Value, heard: Iterable[Heard]) -> Iterator[Observation]:
    """The surest observation of each picture that speaks for other values, and not for this."""
    for one in heard:
        if one.candidates and not any(_same(value, other) for other in one.candidates):
            yield max(one.candidates.values(), key=sureness).evidence[0]


def _same(value: Value, other: Value) -> bool:
    if isinstance(value, str) and isinstance(other, str):
        return value.casefold() == other.casefold()
    return value == other


def _change(target: _Target, candidates: Sequence[Candidate]) -> Iterator[FieldChange]:
    rule, before = target.rule, target.before
    if not candidates:
        return
    if rule.values == "one":
        best = candidates[0]
        if not _holds(before, best.value):
            yield FieldChange(target.key, before, best.value, best.confidence, best.evidence)
        return
    there = parts(before) if rule.existing == "add" else ()
    known = {as_text(part) for part in there}
    added = [candidate for candidate in candidates if as_text(candidate.value) not in known]
    after = (*there, *(value for value in _listed(rule, added) if as_text(value) not in known))
    if added and after != parts(before):
        evidence = tuple(one for candidate in added for one in candidate.evidence)
        yield FieldChange(target.key, before, after, min(added, key=sureness).confidence, evidence)


def _holds(before: object, value: Value) -> bool:
    """Whether a field has a value already: a number or flag also as the text that a file without types has for it."""
    return before == value if isinstance(value, str) else as_text(before).lower() == as_text(value)


def _listed(rule: FieldRule, candidates: Iterable[Candidate]) -> Iterable[Value]:
    """The values as a list holds them: those of a vocabulary with their ancestors, as hierarchical facets need them."""
    values = [str(candidate.value) for candidate in candidates]  # many values are texts
    return values if rule.vocabulary is None else with_ancestors(values)


def _marks(product: Mapping[str, Any], mapping: FieldMapping) -> Marks:
    return {} if mapping.provenance is None else marks_of(product, mapping.provenance)


def _provenance(
    product: Mapping[str, Any], mapping: FieldMapping, marks: Marks, changes: Sequence[FieldChange]
) -> ProvenanceText | None:
    if mapping.provenance is None or not changes:
        return None
    key = key_of(product, mapping.provenance)
    return ProvenanceText(key, marks_with(marks, changes))
