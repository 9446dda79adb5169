"""The pages about what surrounds the items: sources, streams, fields and mapping rules. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from coveo_enrich.sandbox.browser.addresses import address
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.platform.mappings import Mappings, Rule
from coveo_enrich.sandbox.values import Source, SourceSize

__all__ = ["FieldRow", "RuleGroup", "RuleRow", "SourceRow", "field_rows", "rule_groups", "source_rows"]


@attrs.frozen
class SourceRow:
    """A source.

    Attributes:
        source: The source with its organization.
        items: How many items it holds.
        dropped: How many pieces of what was sent are not in the index, but for empty values.
        streams: How many streams were opened.
        open_streams: How many of them are open.
    """

    source: Source
    items: int
    dropped: int
    streams: int
    open_streams: int

    @property
    def address(self) -> str:
        """Its page."""
        return address("/", self.source)

    @property
    def is_empty(self) -> bool:
        """Whether nothing came of what was sent to it."""
        return not (self.items or self.dropped)


@attrs.frozen
class FieldRow:
    """A field.

    Attributes:
        name: Its name.
        type: Its type.
        description: What it is for.
        options: The options that it has, in the words of Coveo's console.
        is_own: Whether Coveo made it.
        filled: How many items of the source have a value in it.
        values: The page that counts its values; `None` when it is no facet, or has none.
    """

    name: str
    type: str
    description: str
    options: tuple[str, ...]
    is_own: bool
    filled: int
    values: str | None


@attrs.frozen
class RuleRow:
    """A mapping rule; ``is_idle`` says that its field is not there, so that it does nothing."""

    field: str
    content: tuple[str, ...]
    is_idle: bool


@attrs.frozen
class RuleGroup:
    """The rules for items of one type; of `None`, for those of every type."""

    type: str | None
    rules: tuple[RuleRow, ...]


def source_rows(sizes: Iterable[SourceSize], streams: Sequence[tuple[Source, bool]]) -> list[SourceRow]:
    """Every source, by organization and name.

    Args:
        sizes: What the sources hold.
        streams: The source of every stream, and whether it is open.
    """
    by_source = {size.source: size for size in sizes}
    opened = Counter(source for source, _ in streams)
    open_now = Counter(source for source, is_open in streams if is_open)
    return [
        SourceRow(
            source=source,
            items=by_source[source].items if source in by_source else 0,
            dropped=by_source[source].dropped if source in by_source else 0,
            streams=opened[source],
            open_streams=open_now[source],
        )
        for source in sorted({*by_source, *opened}, key=attrs.astuple)
    ]


def field_rows(fields: Iterable[Field], filled: Mapping[str, int], source: Source) -> list[FieldRow]:
    """Every field: those that somebody made first, by name."""
    rows = (
        FieldRow(
            name=field.name,
            type=field.type,
            description=field.description,
            options=tuple(_options(field)),
            is_own=field.system,
            filled=filled.get(field.name, 0),
            values=_values_page(field, source) if filled.get(field.name) else None,
        )
        for field in fields
    )
    return sorted(rows, key=lambda row: (row.is_own, row.name))


def rule_groups(mappings: Mappings, fields: Mapping[str, Field]) -> list[RuleGroup]:
    """The mapping rules of a source, the common ones first."""
    groups = [(None, mappings.common), *((each.type, each.rules) for each in mappings.types)]
    return [RuleGroup(type_, tuple(_rule(rule, fields) for rule in rules)) for type_, rules in groups if rules]


def _rule(rule: Rule, fields: Mapping[str, Field]) -> RuleRow:
    return RuleRow(rule.field, rule.content, rule.field not in fields)


def _values_page(field: Field, source: Source) -> str | None:
    if not field.facet or field.type in ("DATE", "VECTOR"):
        return None
    return f"{address('/', source, [('more', field.name)])}#facet-{field.name}"


def _options(field: Field) -> Iterator[str]:
    is_text = field.type == "STRING"
    options = {
        "Facet": field.facet and is_text,
        "Multi-value": field.multi_value,
        "Hierarchical": field.hierarchical,
        "Free text search": field.merge_with_lexicon,
        "Sortable": field.sort,
        "Dictionary": field.key_value,
        "Not searchable": not field.include_in_query,
        "Not in results": not field.include_in_results,
    }
    return (name for name, is_on in options.items() if is_on)
