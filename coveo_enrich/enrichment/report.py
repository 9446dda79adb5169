"""What a run came to, counted: coverage, values, failures, unmapped words, calls.

Counts and a few examples, never a list of products, so that a report stays small however large the catalog is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from html import escape
from itertools import islice
from typing import Final

import attrs

from coveo_enrich.classifiers.outcomes import in_words
from coveo_enrich.classifiers.values import Failure, FailureKind
from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.rules.fields import is_missing, keys_by_field
from coveo_enrich.enrichment.rules.mapping import FieldMapping
from coveo_enrich.enrichment.spending import cost_in_words, cost_of
from coveo_enrich.enrichment.vocabulary.suggestions import OTHERS

__all__ = ["EnrichmentReport", "FailureCount", "FieldCoverage", "ReportBuilder"]

_EXAMPLES: Final = 5
_DISTINCT: Final = 1_000
_MOST_WORDS: Final = 50_000
"""How many words of a field are counted one by one: some 5 MB."""
_PRINTED: Final = 30
# Colours and letters are left to the notebook, which knows whether it is dark.
_LEFT: Final = "text-align: left"
_LINES: Final = "white-space: pre-wrap; overflow-wrap: anywhere"


@attrs.frozen
class FieldCoverage:
    """How many products have a field, and what was written into it.

    Attributes:
        field: The field.
        before: Products that had it as they came in.
        after: Products that have it now.
        written: How often each value was written: a thousand values, and ``(others)`` for the rest, the rarest.
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
    """A run in numbers. Prints as text, in a notebook with a table; of words and failures the thirty most frequent.

    Attributes:
        products: Products that came out, which is all that went in.
        of_other_types: Of these, items of types that are not enriched, such as ``Availability``; counted nowhere else.
        changed: Products with at least one new value.
        without_images: Products that name no picture.
        images: Pictures that the products name.
        images_not_looked_at: Pictures beyond ``max_images`` of a product, or of products that need nothing.
        fields: Coverage of each field.
        failures: What failed, the most frequent first.
        unmapped: Words outside a field's vocabulary, by field, with their counts: a thousand of a field, and
            ``(others)`` for the rest, which were seen the least often.
        people_labels: Labels about people that were kept out of decisions.
        calls: Pictures asked about, by classifier; one that is asked about again counts again.
        hits: Answers that cost no call, as they were known or being asked for, by classifier.
        not_asked: Answers that were not asked for, as the budget was spent.
        cost: What the calls cost, by classifier, where its price is given.
        conflicts: Values that other pictures or classifiers speak against, by field.
        stopped: Classifiers that were given up during the run, with the reason.
    """

    products: int
    of_other_types: int
    changed: int
    without_images: int
    images: int
    images_not_looked_at: int
    fields: tuple[FieldCoverage, ...]
    failures: tuple[FailureCount, ...]
    unmapped: Mapping[str, Mapping[str, int]]
    people_labels: int
    calls: Mapping[str, int]
    hits: Mapping[str, int]
    not_asked: int
    cost: Mapping[str, float]
    conflicts: Mapping[str, int]
    stopped: Mapping[str, str]

    def to_json(self) -> str:
        """The same as a JSON object."""
        return json.dumps(attrs.asdict(self))

    def __str__(self) -> str:
        return _printable("\n".join([*_of_the_run(self), *map(_field_line, self.fields), *_of_what_to_mend(self)]))

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="{_LEFT}">{escape(one.field)}</td><td>{one.before:,}</td><td>{one.after:,}</td>'
            f'<td style="{_LEFT}">{escape(_in_numbers(one.written))}</td></tr>'
            for one in self.fields
        )
        head = f'<th style="{_LEFT}">field</th><th>before</th><th>after</th><th style="{_LEFT}">values</th>'
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return _printable(_paragraph(_of_the_run(self)) + table + _paragraph(_of_what_to_mend(self)))


class ReportBuilder:
    """Counts products as they come out of a run.

    Args:
        mapping: The rules of the run.
    """

    def __init__(self, mapping: FieldMapping) -> None:
        self._fields = tuple(rule.field for rule in mapping.rules)
        self._totals: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._after: Counter[str] = Counter()
        self._written: dict[str, Counter[str]] = {field: Counter() for field in self._fields}
        self._unmapped: dict[str, Counter[str]] = {field: Counter() for field in self._fields}
        self._failures: Counter[tuple[FailureKind, str]] = Counter()
        self._conflicts: Counter[str] = Counter()
        self._examples: dict[tuple[FailureKind, str], list[str]] = {}

    def count(self, enriched: EnrichedProduct) -> None:
        """Count one product."""
        self._totals["products"] += 1
        if enriched.of_other_type:
            self._totals["of_other_types"] += 1
            return
        try:
            self._count_fields(enriched)
        except Exception as error:  # noqa: BLE001 - a product may be of the user's own class; no product is lost by it
            self._count_failure(enriched, Failure("permanent", f"its fields could not be counted: {in_words(error)}"))
        self._totals["changed"] += bool(enriched.changes)
        self._totals["without_images"] += not enriched.images and not enriched.failures
        self._totals["images"] += len(enriched.images)
        self._totals["images_not_looked_at"] += len(enriched.images) - enriched.looked_at
        self._totals["people_labels"] += enriched.people_labels
        self._totals["not_asked"] += enriched.not_asked
        for conflict in enriched.conflicts:
            self._conflicts[conflict.field] += 1
        for unmapped in enriched.unmapped:
            _count_bounded(self._unmapped[unmapped.field], unmapped.observation.seen)
        for failure in enriched.failures:
            self._count_failure(enriched, failure)

    def report(
        self,
        *,
        calls: Mapping[str, int],
        hits: Mapping[str, int],
        stopped: Mapping[str, str],
        prices: Mapping[str, float],
    ) -> EnrichmentReport:
        """What was counted so far."""
        return EnrichmentReport(
            products=self._totals["products"],
            of_other_types=self._totals["of_other_types"],
            changed=self._totals["changed"],
            without_images=self._totals["without_images"],
            images=self._totals["images"],
            images_not_looked_at=self._totals["images_not_looked_at"],
            fields=tuple(
                FieldCoverage(field, self._before[field], self._after[field], _named(self._written[field]))
                for field in self._fields
            ),
            failures=tuple(
                FailureCount(kind, reason, count, tuple(self._examples[kind, reason]))
                for (kind, reason), count in self._failures.most_common()
            ),
            unmapped={field: _named(words) for field, words in self._unmapped.items() if words},
            people_labels=self._totals["people_labels"],
            calls=dict(calls),
            hits=dict(hits),
            not_asked=self._totals["not_asked"],
            cost=cost_of(calls, prices),
            conflicts=dict(self._conflicts),
            stopped=dict(stopped),
        )

    def _count_fields(self, enriched: EnrichedProduct) -> None:
        if not isinstance(enriched.product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # as in looking
            return
        filled = {change.field.lower(): change for change in enriched.changes}
        keys = keys_by_field(enriched.product)
        for field in self._fields:
            had = field in keys and not is_missing(enriched.product[keys[field]])
            self._before[field] += had
            self._after[field] += had or field in filled
            if field in filled:
                after = filled[field].after
                for value in after if isinstance(after, tuple) else (after,):
                    _count_bounded(self._written[field], str(value))

    def _count_failure(self, enriched: EnrichedProduct, failure: Failure) -> None:
        key = (failure.kind, failure.reason)
        if key not in self._failures and len(self._failures) >= _DISTINCT:
            key = (failure.kind, OTHERS)
        # First, as another thread may read the report meanwhile, and looks for examples of each failure.
        examples = self._examples.setdefault(key, [])
        self._failures[key] += 1
        example = " ".join(part for part in (enriched.document_id, failure.image) if part)
        if example and len(examples) < _EXAMPLES:
            examples.append(example)


def _count_bounded(counter: Counter[str], word: str) -> None:
    counter[word if word in counter or len(counter) < _MOST_WORDS else OTHERS] += 1


def _named(counter: Counter[str]) -> dict[str, int]:
    """The most frequent words with their counts, and together those of the rest."""
    named = {word: count for word, count in counter.most_common(_DISTINCT + 1) if word != OTHERS}
    most = dict(list(named.items())[:_DISTINCT])
    rest = counter.total() - sum(most.values())
    return most | ({OTHERS: rest} if rest else {})


def _of_the_run(report: EnrichmentReport) -> list[str]:
    lines = [f"STOPPED {name}: {reason}" for name, reason in report.stopped.items()]
    lines.append(
        f"{report.products:,} products, {report.changed:,} changed, {report.without_images:,} without a picture"
    )
    if report.of_other_types:
        lines.append(f"{report.of_other_types:,} of types that are not enriched")
    lines.append(f"{report.images:,} pictures, {report.images_not_looked_at:,} not looked at")
    lines += [_classifier_line(report, name) for name in sorted({*report.calls, *report.hits})]
    if report.not_asked:
        lines.append(f"{report.not_asked:,} answers not asked for, as the budget was spent")
    return lines


def _of_what_to_mend(report: EnrichmentReport) -> list[str]:
    lines = [f"{field}, not in its vocabulary: {_in_numbers(words)}" for field, words in report.unmapped.items()]
    lines += [f"{field}: {count:,} values that others speak against" for field, count in report.conflicts.items()]
    if report.people_labels:
        lines.append(f"{report.people_labels:,} labels about people kept out of decisions")
    for failure in report.failures[:_PRINTED]:
        times = "1 time" if failure.count == 1 else f"{failure.count:,} times"
        lines.append(f"{failure.kind} failure, {times}: {failure.reason}")
        lines += [f"    {example}" for example in failure.examples]
    more = len(report.failures) - _PRINTED
    return [*lines, f"and {more:,} more failures"] if more > 0 else lines


def _classifier_line(report: EnrichmentReport, name: str) -> str:
    cost = f", cost {cost_in_words(report.cost[name])}" if name in report.cost else ""
    return f"classifier {name}: {report.calls.get(name, 0):,} calls, {report.hits.get(name, 0):,} known{cost}"


def _field_line(field: FieldCoverage) -> str:
    written = _in_numbers(field.written)
    return f"{field.field}: {field.before:,} -> {field.after:,} products" + (f" ({written})" if written else "")


def _in_numbers(counts: Mapping[str, int]) -> str:
    """The most frequent words with their counts."""
    few = [f"{word} {count:,}" for word, count in islice(counts.items(), _PRINTED)]
    more = len(counts) - len(few)
    return ", ".join([*few, f"and {more:,} more"] if more else few)


def _printable(text: str) -> str:
    """A text without halves of surrogate pairs, which a service may send and no terminal takes."""
    return text.encode("utf-8", "replace").decode()


def _paragraph(lines: list[str]) -> str:
    text = escape("\n".join(lines))
    return f'<p style="{_LINES}">{text}</p>' if text else ""
