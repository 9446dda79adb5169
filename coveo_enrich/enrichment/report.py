"""What a run came to, counted: coverage, values, failures, unmapped words, calls.

Counts and a few examples, never a list of products, so that a report stays small however large the catalog is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import attrs

from coveo_enrich.classifiers.values import Failure, FailureKind
from coveo_enrich.enrichment.decide import is_missing
from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.rules import FieldMapping

__all__ = ["EnrichmentReport", "FailureCount", "FieldCoverage", "ReportBuilder"]

_EXAMPLES: Final = 5
_DISTINCT: Final = 1_000
_OTHERS: Final = "(others)"


@attrs.frozen
class FieldCoverage:
    """How many products have a field, and what was written into it.

    Attributes:
        field: The field.
        before: Products that had it as they came in.
        after: Products that have it now.
        written: How often each value was written.
    """

    field: str
    before: int
    after: int
    written: Mapping[str, int]


@attrs.frozen
class FailureCount:
    """One reason for which something failed.

    Attributes:
        kind: As in `Failure`.
        reason: As in `Failure`.
        count: How often.
        examples: A few of the products, by ``documentId``, with the picture.
    """

    kind: FailureKind
    reason: str
    count: int
    examples: tuple[str, ...]


@attrs.frozen
class EnrichmentReport:
    """A run in numbers. Prints as text.

    Attributes:
        products: Products that came out, which is all that went in.
        changed: Products with at least one new value.
        without_images: Products that name no picture.
        images: Pictures that the products name.
        images_not_looked_at: Pictures beyond ``max_images`` of a product, or of products that need nothing.
        fields: Coverage of each field.
        failures: What failed, the most frequent first.
        unmapped: Words outside a field's vocabulary, by field, with their counts.
        people_labels: Labels about people that were kept out of decisions.
        calls: Classifications asked for, by classifier.
        stopped: Classifiers that were given up during the run, with the reason.
    """

    products: int
    changed: int
    without_images: int
    images: int
    images_not_looked_at: int
    fields: tuple[FieldCoverage, ...]
    failures: tuple[FailureCount, ...]
    unmapped: Mapping[str, Mapping[str, int]]
    people_labels: int
    calls: Mapping[str, int]
    stopped: Mapping[str, str]

    def __str__(self) -> str:
        return "\n".join(_lines(self))


class ReportBuilder:
    """Counts products as they come out of a run."""

    def __init__(self, mapping: FieldMapping) -> None:
        self._fields = tuple(rule.field for rule in mapping.rules)
        self._totals: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._after: Counter[str] = Counter()
        self._written: dict[str, Counter[str]] = {field: Counter() for field in self._fields}
        self._unmapped: dict[str, Counter[str]] = {field: Counter() for field in self._fields}
        self._failures: Counter[tuple[FailureKind, str]] = Counter()
        self._examples: dict[tuple[FailureKind, str], list[str]] = {}

    def count(self, enriched: EnrichedProduct) -> None:
        """Count one product."""
        self._totals["products"] += 1
        self._totals["changed"] += bool(enriched.changes)
        self._totals["without_images"] += not enriched.images and not enriched.failures
        self._totals["images"] += len(enriched.images)
        self._totals["images_not_looked_at"] += len(enriched.images) - enriched.looked_at
        self._totals["people_labels"] += enriched.people_labels
        if isinstance(enriched.product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # as in looking
            self._count_fields(enriched)
        for unmapped in enriched.unmapped:
            _count_bounded(self._unmapped[unmapped.field], unmapped.observation.seen)
        for failure in enriched.failures:
            self._count_failure(enriched, failure)

    def report(self, *, calls: Mapping[str, int], stopped: Mapping[str, str]) -> EnrichmentReport:
        """What was counted so far."""
        return EnrichmentReport(
            products=self._totals["products"],
            changed=self._totals["changed"],
            without_images=self._totals["without_images"],
            images=self._totals["images"],
            images_not_looked_at=self._totals["images_not_looked_at"],
            fields=tuple(
                FieldCoverage(field, self._before[field], self._after[field], dict(self._written[field].most_common()))
                for field in self._fields
            ),
            failures=tuple(
                FailureCount(kind, reason, count, tuple(self._examples[kind, reason]))
                for (kind, reason), count in self._failures.most_common()
            ),
            unmapped={field: dict(words.most_common()) for field, words in self._unmapped.items() if words},
            people_labels=self._totals["people_labels"],
            calls=dict(calls),
            stopped=dict(stopped),
        )

    def _count_fields(self, enriched: EnrichedProduct) -> None:
        filled = {change.field.lower(): change for change in enriched.changes}
        had = {str(key).lower() for key, value in enriched.product.items() if not is_missing(value)}
        for field in self._fields:
            self._before[field] += field in had
            self._after[field] += field in had or field in filled
            if field in filled:
                after = filled[field].after
                for value in (after,) if isinstance(after, str) else after:
                    _count_bounded(self._written[field], str(value))

    def _count_failure(self, enriched: EnrichedProduct, failure: Failure) -> None:
        key = (failure.kind, failure.reason)
        if key not in self._failures and len(self._failures) >= _DISTINCT:
            key = (failure.kind, _OTHERS)
        self._failures[key] += 1
        examples = self._examples.setdefault(key, [])
        if len(examples) < _EXAMPLES:
            examples.append(" ".join(part for part in (enriched.document_id, failure.image) if part))


def _count_bounded(counter: Counter[str], word: str) -> None:
    counter[word if word in counter or len(counter) < _DISTINCT else _OTHERS] += 1


def _lines(report: EnrichmentReport) -> list[str]:
    lines = [f"STOPPED {name}: {reason}" for name, reason in report.stopped.items()]
    lines.append(
        f"{report.products:,} products, {report.changed:,} changed, {report.without_images:,} without a picture"
    )
    lines.append(f"{report.images:,} pictures, {report.images_not_looked_at:,} not looked at")
    lines += [f"classifier {name}: {count:,} calls" for name, count in report.calls.items()]
    lines += [_field_line(field) for field in report.fields]
    for field_name, words in report.unmapped.items():
        lines.append(f"{field_name}, not in its vocabulary: " + ", ".join(f"{word} {n:,}" for word, n in words.items()))
    if report.people_labels:
        lines.append(f"{report.people_labels:,} labels about people kept out of decisions")
    for failure in report.failures:
        lines.append(f"{failure.kind} failure, {failure.count:,} times: {failure.reason}")
        lines += [f"    {example}" for example in failure.examples]
    return lines


def _field_line(field: FieldCoverage) -> str:
    written = ", ".join(f"{value} {count:,}" for value, count in field.written.items())
    return f"{field.field}: {field.before:,} -> {field.after:,} products" + (f" ({written})" if written else "")
