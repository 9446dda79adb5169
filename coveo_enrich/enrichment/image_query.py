"""Image-based search: what was seen in a shopper's picture, as queries that find the products that look the same.

Pure. Looking at the picture is the matter of `coveo_enrich.enrichment.enricher`, sending a query that of
`coveo_enrich.index.CoveoSearch` or of a search page of your own.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from math import ceil
from typing import Final

import attrs

from coveo_enrich.classifiers.values import Failure
from coveo_enrich.enrichment.decisions.combine import Candidate, sureness
from coveo_enrich.enrichment.decisions.decide import judge
from coveo_enrich.enrichment.decisions.targets import why_rule_failed
from coveo_enrich.enrichment.looking.looking import PictureSeen
from coveo_enrich.enrichment.product import Observation, UnmappedValue
from coveo_enrich.enrichment.rules.field_rule import FieldRule
from coveo_enrich.enrichment.rules.field_types import Value
from coveo_enrich.enrichment.rules.fields import as_text
from coveo_enrich.enrichment.rules.mapping import FieldMapping
from coveo_enrich.enrichment.vocabulary.hierarchy import LEVELS
from coveo_enrich.index import ItemQuery
from coveo_enrich.index.search.expressions import LONGEST, can_be_quoted, is_any_of, raised_by

__all__ = ["ImageQuery", "QueryValue", "image_query"]

_RAISED_BY: Final = 100
_MOST_EXPRESSIONS: Final = 8
"""Each costs a search while a shopper waits."""
_AND: Final = " AND "


@attrs.frozen
class QueryValue:
    """A value that is searched for.

    Attributes:
        field: The field.
        value: A value of its vocabulary, or a number or flag.
        confidence: What the rule measured: 0 to 1, or `None` when it was not scored.
        evidence: What was seen, the surest first.
    """

    field: str
    value: Value
    confidence: float | None
    evidence: tuple[Observation, ...]

    @property
    def expression(self) -> str:
        """What finds the items that have it."""
        if isinstance(self.value, str | bool):
            return is_any_of(self.field, [as_text(self.value)])
        return f"@{self.field}=={_as_literal(self.value)}"

    def __str__(self) -> str:
        sure = "not scored" if self.confidence is None else f"{self.confidence:.0%}"
        return f"{self.field}: {as_text(self.value)} ({sure})"


@attrs.frozen(kw_only=True)
class ImageQuery:
    """What finds the products that look like a picture, made by `Enricher.query`. Prints as text.

    Attributes:
        values: What is searched for, the surest first; what was not scored comes last. Without any, there is nothing to
            search for, and the expressions are empty: an empty expression finds everything.
        left_out: Why something that was seen is not searched for.
        unmapped: What was seen but is in no vocabulary.
        failures: What went wrong while the picture was looked at.
        people_labels: Labels about people that were kept out.
    """

    values: tuple[QueryValue, ...] = ()
    left_out: tuple[str, ...] = ()
    unmapped: tuple[UnmappedValue, ...] = ()
    failures: tuple[Failure, ...] = ()
    people_labels: int = 0

    @property
    def strict(self) -> str:
        """An expression, for ``aq``, that finds the items that have all values."""
        return self._needing(len(self.values))

    @property
    def ranked(self) -> str:
        """An expression, for ``aq``, that finds the items that have the surest value, those with more values first."""
        return self._needing(1)

    @property
    def lenient(self) -> str:
        """Keywords, for ``q``, with which texts are found in any field that has Free text search."""
        texts = (value.value for value in self.values if isinstance(value.value, str))
        return " ".join(dict.fromkeys(part.strip() for text in texts for part in text.split(LEVELS)))

    @property
    def attempts(self) -> tuple[ItemQuery, ...]:
        """Queries to send one after the other until one finds something.

        The first is the strict one. Each further one needs one value less, the least sure, and puts the items that have
        it first; of more than eight values, several less at once. The last of these is the ranked one. At the end comes
        the lenient one, for items that have half of the words.
        """
        attempts = tuple(ItemQuery(expression=self._needing(needed)) for needed in _numbers_needed(len(self.values)))
        return (*attempts, ItemQuery(keywords=self.lenient, partial_match=True)) if self.lenient else attempts

    def __str__(self) -> str:
        if not self.values:
            lines = ["nothing to search for"]
        else:
            lines = [", ".join(map(str, self.values)), f"strict: {self.strict}"]
            lines += [f"ranked: {self.ranked}"] if len(self.values) > 1 else []
            lines += [f"lenient: {self.lenient}"] if self.lenient else []
        lines += [f"left out: {reason}" for reason in self.left_out]
        lines += [f"not in the vocabulary of {one.field}: {one.observation.seen}" for one in self.unmapped]
        lines += [f"labels about people, left out: {self.people_labels}"] if self.people_labels else []
        return "\n".join([*lines, *(f"failed: {failure.reason}" for failure in self.failures)])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def _needing(self, needed: int) -> str:
        """What needs so many values, the surest, and raises the items that have others."""
        expressions = [value.expression for value in self.values]
        raising = (raised_by(_RAISED_BY, expression) for expression in expressions[needed:])
        return " ".join(filter(None, [_AND.join(expressions[:needed]), *raising]))


def image_query(mapping: FieldMapping, seen: PictureSeen) -> ImageQuery:
    """Make queries of what was seen in one picture, by rules whatever their ``when``: nothing is known of a product."""
    found: list[QueryValue] = []
    left_out: list[str] = []
    unmapped: list[UnmappedValue] = []
    failed = list(seen.failures)
    for rule in mapping.rules:
        try:
            judged = judge(rule, seen.said)
        except Exception as error:  # noqa: BLE001 - a rule may hold a function of the user's, which may raise anything
            failed.append(Failure("permanent", why_rule_failed(rule, error)))
            continue
        unmapped += judged.unmapped
        values = _values_of(rule, judged.candidates)
        why_not = {value: why for value in values if (why := _why_not_asked_for(rule, value))}
        found += [value for value in values if value not in why_not]
        left_out += [f"{value}: {why}" for value, why in why_not.items()]
    asked_for = _as_many_as_fit(sorted(found, key=sureness, reverse=True))
    left_out += [f"{value}: the expression would be too long" for value in found if value not in asked_for]
    return ImageQuery(
        values=asked_for,
        left_out=tuple(left_out),
        unmapped=tuple(dict.fromkeys(unmapped)),
        failures=tuple(failed),
        people_labels=seen.people_labels,
    )


def _values_of(rule: FieldRule, candidates: Sequence[Candidate]) -> list[QueryValue]:
    wanted = candidates if rule.values == "many" else candidates[:1]
    return [QueryValue(rule.field, one.value, one.confidence, one.evidence) for one in wanted]


def _numbers_needed(values: int) -> Sequence[int]:
    """How many of so many values each expression needs: all at first, then fewer each time, down to one."""
    if values < 2:  # noqa: PLR2004 - there is nothing between all and one
        return range(values, 0, -1)
    step = ceil((values - 1) / (_MOST_EXPRESSIONS - 1))
    return (*range(values, 1, -step), 1)


def _why_not_asked_for(rule: FieldRule, value: QueryValue) -> str | None:
    """Why a value is no part of a query. What a classifier says is a part only as a vocabulary or a type has it."""
    if not isinstance(value.value, str):
        return None
    if rule.vocabulary is None:
        return "its rule has no vocabulary, and a classifier's own words are not put into queries"
    return None if can_be_quoted(value.value) else "no expression can hold a double quote or a control character"


def _as_many_as_fit(values: Sequence[QueryValue]) -> tuple[QueryValue, ...]:
    """The surest values, as far as an expression of a bearable length holds them."""
    fitting: list[QueryValue] = []
    room = LONGEST
    for value in values:
        length = len(raised_by(_RAISED_BY, value.expression)) + 1
        if length <= room:
            fitting.append(value)
            room -= length
    return tuple(fitting)


def _as_literal(value: Value) -> str:
    """A number without an exponent, which expressions do not have."""
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else as_text(value)
