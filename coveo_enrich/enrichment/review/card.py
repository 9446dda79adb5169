"""One product as HTML: its pictures beside what was decided, and why.

Each thing to look for is a row that says of which kinds and field it is, and how sure: what the script filters by. Rows
that are left out are still found, as one row stands for them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, cast

import attrs

from coveo_enrich._frames import is_null, plain
from coveo_enrich.classifiers.values import Failure, FailureKind
from coveo_enrich.enrichment.product import Conflict, EnrichedProduct, FieldChange, Observation, UnmappedValue
from coveo_enrich.enrichment.review.kinds import KIND_NAMES, Kind, is_empty, kinds_of_change
from coveo_enrich.enrichment.review.pictures import Pictured
from coveo_enrich.enrichment.review.sample import Sampled
from coveo_enrich.enrichment.review.text import attribute, first_few, in_words, percent, text, tried
from coveo_enrich.enrichment.rules.fields import key_of, parts

__all__ = ["card"]

_MOST_ALIKE: Final = 10
_MOST_VALUES: Final = 20
_MOST_OBSERVATIONS: Final = 5
_LOW: Final = 0.5
_KINDS_OF_FAILURE: Final[dict[FailureKind, str]] = {
    "permanent": "trying again will not help",
    "transient": "may work later",
    "throttled": "may work later, the service was too busy",
    "configuration": "a setting is wrong",
}


@attrs.frozen
class _Row:
    """One thing to look for.

    Attributes:
        kinds: The kinds that it is of.
        inside: Its HTML.
        field: The field that it is about, in small letters; `None` when it is about none.
        confidence: How sure it is; `None` when that was not scored.
    """

    kinds: tuple[Kind, ...]
    inside: str
    field: str | None = None
    confidence: float | None = None


def card(sampled: Sampled, pictures: Sequence[Pictured]) -> str:
    """The ``article`` of a product."""
    enriched = sampled.enriched
    return (
        f'<article data-position="{sampled.position}">\n'
        f'<figure class="pictures">{_pictures(enriched, pictures)}</figure>\n'
        f'<div class="facts">\n<h2>{text(_name(enriched))}</h2>\n'
        f'<p class="id">{text(enriched.document_id or "no documentId")}</p>\n'
        + "\n".join(chain(map(_html, _bounded(_rows(enriched, pictures))), _notes(enriched, pictures)))
        + "\n</div>\n</article>\n"
    )


def _rows(enriched: EnrichedProduct, pictures: Sequence[Pictured]) -> Iterator[_Row]:
    numbers = {picture.reference: picture.number for picture in pictures}
    changed = {change.field.lower() for change in enriched.changes}
    return chain(
        (_change(enriched, change, numbers) for change in enriched.changes),
        (_conflict(conflict, numbers) for conflict in enriched.conflicts if conflict.field not in changed),
        (_failure(failure, numbers) for failure in enriched.failures),
        (_unmapped(unmapped, numbers) for unmapped in enriched.unmapped),
        _nothing_done(enriched),
        (_kept(enriched, field) for field in enriched.kept),
    )


def _bounded(rows: Iterable[_Row]) -> Iterator[_Row]:
    """The first rows of each field and kind, those of one after the other; fields are as many as the rules have."""
    alike: dict[tuple[object, ...], list[_Row]] = {}
    for row in rows:
        alike.setdefault((row.kinds, row.field), []).append(row)
    for group in alike.values():
        yield from group[:_MOST_ALIKE]
        if more := group[_MOST_ALIKE:]:
            yield _standing_for(more)


def _standing_for(rows: Sequence[_Row]) -> _Row:
    """One row that is found where any of these would be."""
    least = min((row.confidence for row in rows if row.confidence is not None), default=None)
    return _Row(rows[0].kinds, f'<p class="more">and {len(rows):,} more</p>', rows[0].field, least)


def _html(row: _Row) -> str:
    of_field = "" if row.field is None else f' data-field="{attribute(row.field)}"'
    how_sure = "" if row.confidence is None else f' data-confidence="{row.confidence:.4f}"'
    kinds = " ".join(row.kinds)
    return f'<div class="row {row.kinds[0]}" data-kinds="{kinds}"{of_field}{how_sure}>{row.inside}</div>'


def _change(enriched: EnrichedProduct, change: FieldChange, numbers: Mapping[str, int]) -> _Row:
    kinds = tuple(kinds_of_change(enriched, change))
    against = [_against(one, numbers) for one in enriched.conflicts if one.field == change.field.lower()]
    inside = (
        f'<p class="field">{text(change.field)} {_badge("contested") if "contested" in kinds else ""}</p>'
        f'<p class="values">{_before(change.before)} <span class="to" role="img" aria-label="becomes">→</span> '
        f"{_after(change)}</p>"
        f'<p class="confidence">{_confidence(change.confidence)}</p>'
        f"{_observations(change.evidence, numbers)}{''.join(against)}"
    )
    return _Row(kinds, inside, change.field.lower(), change.confidence)


def _badge(kind: Kind) -> str:
    return f'<span class="badge {kind}">{KIND_NAMES[kind].lower()}</span> '


def _before(before: object) -> str:
    return '<span class="none">empty</span>' if is_empty(before) else f"<s>{_joined(_as_list(before))}</s>"


def _after(change: FieldChange) -> str:
    there = set(map(in_words, tried(parts, change.before, ()))) if isinstance(change.after, tuple) else set[str]()
    few, more = first_few(_as_list(change.after), _MOST_VALUES)
    pills = [f"<span>{text(one)}</span>" if in_words(one) in there else f"<b>{text(one)}</b>" for one in few]
    return " ".join(pills) + (f" and {more:,} more" if more else "")


def _joined(values: Iterable[object]) -> str:
    few, more = first_few(values, _MOST_VALUES)
    return ", ".join(map(text, few)) + (f" and {more:,} more" if more else "")


def _as_list(value: object) -> Sequence[object]:
    """The values of a field, without nulls."""
    return tried(_without_nulls, value, [value])


def _without_nulls(value: Any) -> Sequence[object]:  # noqa: ANN401 - whatever a product holds
    there = plain(value)
    several = cast("Sequence[object]", there) if isinstance(there, list | tuple) else (there,)
    return [one for one in several if not tried(is_null, one, otherwise=False)]


def _confidence(confidence: float | None) -> str:
    if confidence is None:
        return "not scored"
    sure = "low" if confidence < _LOW else "high"
    bar = f'<rect width="{100 * confidence:.0f}" height="10"/>'
    return (
        f'<svg class="{sure}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{bar}</svg> '
        f"confidence {confidence:.0%}"
    )


def _observations(seen: Iterable[Observation], numbers: Mapping[str, int]) -> str:
    few, more = first_few(seen, _MOST_OBSERVATIONS)
    lines = [f"<li>{_observation(one, numbers)}</li>" for one in few]
    lines += [f"<li>and {more:,} more</li>"] if more else []
    return f'<ul class="evidence">{"".join(lines)}</ul>' if lines else ""


def _observation(seen: Observation, numbers: Mapping[str, int]) -> str:
    where, who = _where(seen.image, numbers), text(seen.classifier)
    return f'<span class="seen">{text(seen.seen)}</span> {percent(seen.confidence)} in {where} ({who})'


def _where(reference: str, numbers: Mapping[str, int]) -> str:
    return f"picture {numbers[reference]}" if reference in numbers else _place(reference, numbers)


def _place(reference: str, numbers: Mapping[str, int]) -> str:
    return f"picture {numbers[reference]}, {text(reference)}" if reference in numbers else f"picture {text(reference)}"


def _against(conflict: Conflict, numbers: Mapping[str, int]) -> str:
    why = "Another value would be as good; the order of the pictures decided" if conflict.tie else "Against it"
    return f'<div class="against"><p>{why}:</p>{_observations(conflict.against, numbers)}</div>'


def _conflict(conflict: Conflict, numbers: Mapping[str, int]) -> _Row:
    inside = (
        f'<p class="field">{text(conflict.field)} {_badge("contested")}</p>'
        f'<p class="values">{_joined(_as_list(conflict.value))}</p>{_against(conflict, numbers)}'
    )
    return _Row(("contested",), inside, conflict.field)


def _failure(failure: Failure, numbers: Mapping[str, int]) -> _Row:
    where = "" if failure.image is None else f"{_place(failure.image, numbers)}: "
    who = "" if failure.classifier is None else f"{text(failure.classifier)}: "
    kind = _KINDS_OF_FAILURE.get(failure.kind, failure.kind)
    return _Row(("failed",), f"<p>{_badge('failed')}{where}{who}{text(failure.reason)}; {text(kind)}</p>")


def _unmapped(unmapped: UnmappedValue, numbers: Mapping[str, int]) -> _Row:
    inside = (
        f'<p class="field">{text(unmapped.field)} {_badge("unmapped")}</p>'
        f"<p>{_observation(unmapped.observation, numbers)}</p>"
    )
    return _Row(("unmapped",), inside, unmapped.field.lower(), unmapped.observation.confidence)


def _nothing_done(enriched: EnrichedProduct) -> Iterator[_Row]:
    if enriched.not_asked:
        yield _Row(("not-asked",), f"<p>The budget was spent: {enriched.not_asked:,} answers were not asked for</p>")
    if not enriched.changes:
        yield _Row(("unchanged",), "<p>Unchanged</p>" if enriched.images else "<p>Unchanged: it names no picture</p>")


def _notes(enriched: EnrichedProduct, pictures: Sequence[Pictured]) -> Iterator[str]:
    if enriched.people_labels:
        yield f'<p class="note">{enriched.people_labels:,} labels about people were left out of account</p>'
    told = {failure.image for failure in enriched.failures}
    for picture in pictures:
        if picture.problem and picture.reference not in told:
            where = f"picture {picture.number}, {text(picture.reference)}"
            yield f'<p class="note">{where}, cannot be shown: {text(picture.problem)}</p>'


def _kept(enriched: EnrichedProduct, field: str) -> _Row:
    value = enriched.product.get(key_of(enriched.product, field))
    return _Row(("kept",), f"<p>{text(field)}: {_joined(_as_list(value))}, kept</p>", field.lower())


def _name(enriched: EnrichedProduct) -> str:
    if not isinstance(enriched.product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # as in looking
        return "not a product"
    names = (", ".join(map(in_words, _as_list(enriched.product.get(key)))) for key in ("ec_name", "title"))
    return next(filter(None, names), enriched.document_id or "no name")


def _pictures(enriched: EnrichedProduct, pictures: Sequence[Pictured]) -> str:
    if not pictures:
        return '<div class="main">no picture</div>'
    main = next(one for one in pictures if one.is_main)
    left_out = len(enriched.images) - len(pictures)
    small = "".join(f"<li>{_picture(one, enriched)}</li>" for one in pictures if not one.is_main)
    more = f'<li class="rest">and {left_out:,} more</li>' if left_out else ""
    strip = f'<ul class="strip">{small}{more}</ul>' if small or more else ""
    return f'<div class="main">{_picture(main, enriched)}</div>{strip}'


def _picture(picture: Pictured, enriched: EnrichedProduct) -> str:
    number = f'<span class="number">{picture.number}</span>'
    if picture.problem:
        return f'<span class="missing" title="{attribute(picture.reference)}">not shown</span>{number}'
    data = base64.b64encode(picture.jpeg).decode("ascii")
    return (
        f'<img src="data:image/jpeg;base64,{data}" alt="{attribute(_name(enriched))}, picture {picture.number}" '
        f'title="{attribute(picture.reference)}" decoding="async">{number}'
    )
