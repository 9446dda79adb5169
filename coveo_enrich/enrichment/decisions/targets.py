"""Which fields of a product are to be filled, by which rules, before anything is seen.

Pure. What is seen, and what becomes of the fields, is decided after, for the same targets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attrs

from coveo_enrich._frames import plain
from coveo_enrich.classifiers.outcomes import in_words
from coveo_enrich.enrichment.decisions.provenance import Marks, is_machine_written, marks_of
from coveo_enrich.enrichment.rules.field_rule import FieldRule
from coveo_enrich.enrichment.rules.fields import is_missing, keys_by_field
from coveo_enrich.enrichment.rules.mapping import FieldMapping

__all__ = ["Target", "Targets", "targets_of", "why_rule_failed"]


@attrs.frozen
class Target:
    """A field that is to be filled: the rule that fills it, the key that it has in the product, what is there now."""

    rule: FieldRule
    key: str
    before: Any


@attrs.frozen
class Targets:
    """What the rules of a mapping have to do for a product.

    Attributes:
        product: The product as it came in.
        provenance: The field that says what a machine wrote, if there is one.
        marks: What it says so far.
        fields: The fields that are to be filled.
        kept: Those that are left because they have a value.
        failed: Why rules could not tell whether they are for it.
    """

    product: Mapping[str, Any]
    provenance: str | None
    marks: Marks
    fields: tuple[Target, ...]
    kept: tuple[str, ...]
    failed: tuple[str, ...]

    def classifiers_needed(self, names: Collection[str]) -> Collection[str]:
        """Those of the classifiers whose answers can change anything: the others are not asked, nor paid."""
        believed = {evidence.of for target in self.fields for evidence in target.rule.reads}
        return names if None in believed else [name for name in names if name in believed]


def targets_of(product: Mapping[str, Any], mapping: FieldMapping) -> Targets:
    """What the rules of a mapping have to do for a product."""
    marks: Marks = {} if mapping.provenance is None else marks_of(product, mapping.provenance)
    keys = keys_by_field(product)
    fields: list[Target] = []
    kept: list[str] = []
    failed: list[str] = []
    for rule in mapping.rules:
        try:
            is_for_it = rule.when is None or rule.when(product)
        except Exception as error:  # noqa: BLE001 - a function of the user's may raise anything
            failed.append(why_rule_failed(rule, error))
            continue
        if is_for_it:
            key = keys.get(rule.field, rule.field)
            before = plain(product.get(key))
            if rule.existing != "keep" or is_missing(before) or is_machine_written(before, marks.get(rule.field)):
                fields.append(Target(rule, key, before))
            else:
                kept.append(key)
    return Targets(product, mapping.provenance, marks, tuple(fields), tuple(kept), tuple(failed))


def why_rule_failed(rule: FieldRule, error: Exception) -> str:
    """What a function of the user's in a rule raised, in words."""
    return f"a rule failed, that for {rule.field}: {in_words(error)}"
