"""From what was seen to what a product's fields become: pure functions.

The same product, classifications and rules always give the same decision, so a changed rule or vocabulary is tried by
deciding again, without asking a classifier. Asking them is `coveo_enrich.enrichment.enricher`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import attrs

from coveo_enrich._frames import plain
from coveo_enrich.enrichment.decisions.combine import Candidate, Combined, Heard, combine, sureness
from coveo_enrich.enrichment.decisions.hearing import Seen, hear
from coveo_enrich.enrichment.decisions.provenance import marks_with
from coveo_enrich.enrichment.decisions.targets import Target, Targets, why_rule_failed
from coveo_enrich.enrichment.product import Conflict, FieldChange, Observation, ProvenanceText, UnmappedValue
from coveo_enrich.enrichment.rules.evidence import Evidence
from coveo_enrich.enrichment.rules.field_rule import FieldRule
from coveo_enrich.enrichment.rules.field_types import Value
from coveo_enrich.enrichment.rules.fields import as_text, key_of, parts
from coveo_enrich.enrichment.vocabulary.hierarchy import with_ancestors

__all__ = ["Decision", "Judged", "Seen", "decide", "judge"]


@attrs.frozen
class Decision:
    """What becomes of a product's fields.

    Attributes:
        changes: The fields that are filled.
        unmapped: What was seen surely enough but is no value of its field.
        kept: The fields that are left because they have a value.
        conflicts: Values that other pictures or classifiers speak against.
        provenance: What the provenance field is to hold; `None` when nothing changes or the mapping has none.
        failed: Why rules failed; those of other fields are applied all the same.
    """

    changes: tuple[FieldChange, ...] = ()
    unmapped: tuple[UnmappedValue, ...] = ()
    kept: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    provenance: ProvenanceText | None = None
    failed: tuple[str, ...] = ()


def decide(targets: Targets, seen: Sequence[Seen]) -> Decision:
    """Apply to one product every rule that is for it.

    Args:
        targets: What the rules have to do for it.
        seen: What was said about its pictures, in the order of the pictures.
    """
    changes: list[FieldChange] = []
    unmapped: list[UnmappedValue] = []
    conflicts: list[Conflict] = []
    failed = list(targets.failed)
    for target in targets.fields:
        try:
            judged = judge(target.rule, seen)
            change = _change(target, judged.candidates)
        except Exception as error:  # noqa: BLE001 - a rule may hold a function of the user's, which may raise anything
            failed.append(why_rule_failed(target.rule, error))
            continue
        unmapped += judged.unmapped
        conflicts += judged.conflicts
        if change is not None:
            changes.append(change)
    provenance = _provenance(targets, changes)
    # What two evidences of a rule read was seen once.
    once = tuple(dict.fromkeys(unmapped)) if unmapped else ()
    return Decision(tuple(changes), once, targets.kept, tuple(conflicts), provenance, tuple(failed))


@attrs.frozen
class Judged:
    """What a rule takes from what was seen.

    Attributes:
        candidates: Values of its field, the best first.
        unmapped: What was seen surely enough but is no value of the field.
        conflicts: What is said against the values.
    """

    candidates: Sequence[Candidate]
    unmapped: Sequence[UnmappedValue]
    conflicts: Sequence[Conflict] = ()


def judge(rule: FieldRule, seen: Sequence[Seen]) -> Judged:
    """Read what was seen by a rule: the first of its evidences that yields a value decides.

    Args:
        rule: The rule.
        seen: What was said about the pictures, in the order of the pictures.
    """
    unmapped: list[UnmappedValue] = []
    for place, evidence in enumerate(rule.reads):
        heard = hear(rule, evidence, seen, unmapped)
        if not any(one.candidates for one in heard):
            continue
        combined = combine(rule.combine, heard, many=rule.values == "many")
        if combined.candidates:
            conflicts = _conflict(rule, combined, heard, rule.reads[place + 1 :], seen)
            return Judged(combined.candidates, unmapped, conflicts)
    return Judged((), unmapped)


def _conflict(
    rule: FieldRule, combined: Combined, heard: Sequence[Heard], less_trusted: Sequence[Evidence], seen: Sequence[Seen]
) -> Sequence[Conflict]:
    if not less_trusted and sum(bool(one.candidates) for one in heard) == 1:
        return ()  # a picture does not speak against itself
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


def _change(target: Target, candidates: Sequence[Candidate]) -> FieldChange | None:
    rule, before = target.rule, target.before
    if not candidates:
        return None
    if rule.values == "one":
        best = candidates[0]
        if _holds(before, best.value):
            return None
        return FieldChange(target.key, before, best.value, best.confidence, best.evidence)
    there = parts(before) if rule.existing == "add" else ()
    known = {_known_as(rule, as_text(part)) for part in there}
    seen: dict[str, Candidate] = {}
    for candidate in candidates:
        seen.setdefault(_known_as(rule, str(candidate.value)), candidate)
    added = [candidate for name, candidate in seen.items() if name not in known]
    after = (*there, *(value for value in _listed(rule, added) if _known_as(rule, value) not in known))
    if not added or after == parts(before):
        return None
    evidence = tuple(one for candidate in added for one in candidate.evidence)
    return FieldChange(target.key, before, after, min(added, key=sureness).confidence, evidence)


def _known_as(rule: FieldRule, text: str) -> str:
    """A value of a list as it is compared: ``shoes`` is there where ``Shoes`` would be added."""
    value = None if rule.vocabulary is None else rule.vocabulary.match(text)
    return (value or text).casefold()


def _holds(before: object, value: Value) -> bool:
    """Whether a field has a value already, perhaps in a list of its own, or a number or flag as the text of a file."""
    held = _only(before)
    return held == value if isinstance(value, str) else as_text(held).lower() == as_text(value)


def _only(value: Any) -> Any:  # noqa: ANN401 - whatever the product holds
    """A value, or the only one of a list."""
    if not isinstance(value, list | tuple):
        return value
    listed = cast("Sequence[Any]", value)
    return plain(listed[0]) if len(listed) == 1 else listed


def _listed(rule: FieldRule, candidates: Iterable[Candidate]) -> Iterable[str]:
    """The values as a list holds them: those of a vocabulary with their ancestors, as hierarchical facets need them."""
    values = [str(candidate.value) for candidate in candidates]  # many values are texts
    return values if rule.vocabulary is None else with_ancestors(values)


def _provenance(targets: Targets, changes: Sequence[FieldChange]) -> ProvenanceText | None:
    if targets.provenance is None or not changes:
        return None
    return ProvenanceText(key_of(targets.product, targets.provenance), marks_with(targets.marks, changes))
