"""What fills which field, from what was seen, and how sure it must be: the rules of all fields together.

Rules are frozen values that print, compare and pickle. Applying them to a product is the matter of
`coveo_enrich.enrichment.decisions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

import attrs

from coveo_enrich.enrichment.rules.evidence import Evidence
from coveo_enrich.enrichment.rules.field_rule import FieldRule
from coveo_enrich.enrichment.rules.field_types import typed
from coveo_enrich.enrichment.rules.fields import check_field_name
from coveo_enrich.enrichment.rules.mapping_file import read_mapping, write_mapping
from coveo_enrich.enrichment.rules.when import When
from coveo_enrich.enrichment.vocabulary.hierarchy import LEVELS
from coveo_enrich.enrichment.vocabulary.vocabulary import Vocabulary
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index.fields.needs import ExistingFieldType, FieldNeed

__all__ = ["Evidence", "FieldMapping", "FieldRule"]

_LARGEST_LONG: Final = 2**31  # of Coveo's field type LONG


def _check_rules(_instance: object, _attribute: attrs.Attribute[Any], value: tuple[object, ...]) -> None:
    for one in value:
        if not isinstance(one, FieldRule):
            raise ConfigurationError(f"rules must be FieldRule values; got {type(one).__name__}")


def _several(rules: Iterable[FieldRule]) -> tuple[FieldRule, ...]:
    if not isinstance(rules, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
        raise ConfigurationError(f"rules must be FieldRule values in a list; got {type(rules).__name__}")
    return tuple(rules)


@attrs.frozen
class FieldMapping:
    """The rules for all fields, one a field.

    Attributes:
        rules: The rules.
        provenance: A text field of its own that says, for each field, what a machine wrote into it: digests of the
            values, the classifiers and the confidence, as JSON. With it such values can be found, renewed and, by
            `coveo_enrich.enrichment.without_enrichment`, taken out again. `None` (default) for no such field.

    Raises:
        ConfigurationError: There is no rule, two rules fill the same field, the provenance field is one that a rule
            fills, or a rule's ``when`` looks at a field that a rule fills (conditions look at products as they come in,
            so such a rule would do something else the second time).
    """

    rules: tuple[FieldRule, ...] = attrs.field(converter=_several, validator=_check_rules)
    provenance: str | None = attrs.field(
        default=None, kw_only=True, validator=attrs.validators.optional(check_field_name)
    )

    def __attrs_post_init__(self) -> None:
        if not self.rules:
            raise ConfigurationError("a FieldMapping needs at least one rule")
        fields = [rule.field for rule in self.rules]
        double = sorted({field for field in fields if fields.count(field) > 1})
        if double:
            raise ConfigurationError(f"two rules fill the same field: {', '.join(double)}")
        if self.provenance in fields:
            raise ConfigurationError(f"the provenance field {self.provenance} is one that a rule fills")
        self._check_conditions({*fields, self.provenance})

    def _check_conditions(self, written: set[str | None]) -> None:
        for rule in self.rules:
            looked_at = [field for field, _ in rule.when.fields] if isinstance(rule.when, When) else []
            both = [field for field in looked_at if field in written]
            if both:
                raise ConfigurationError(
                    f"the rule for {rule.field}: when looks at products as they come in, so it must not name a field "
                    f"that this mapping writes: {', '.join(both)}"
                )

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read a mapping that `to_file` wrote, or that was written by hand in the same form.

        Args:
            path: A file of JSON in UTF-8.

        Raises:
            CatalogFileError: The file cannot be opened, or is not JSON.
            ConfigurationError: Something in it cannot work; the message names the key, as ``rules[2].min_confidence``.
        """
        rules, provenance = read_mapping(Path(path))
        try:
            return cls(rules, provenance=provenance)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from None

    def to_file(self, path: str | Path) -> None:
        """Write the mapping as JSON that can be edited and read again by `from_file`.

        Args:
            path: The file; what is there is replaced once all of it is written.

        Raises:
            ConfigurationError: A rule holds a function, which a file cannot.
            OSError: The file cannot be written.
        """
        write_mapping(Path(path), self.rules, self.provenance)

    def needs(self) -> tuple[FieldNeed, ...]:
        """The fields that Coveo needs so that nothing that is written vanishes: one a rule, and the provenance field.

        A text can be searched and is a facet; a list is a multi-value facet, and a hierarchical one when the
        vocabulary's values have levels. A number needs decimals; where all values of its vocabulary are whole, a field
        of whole numbers that is there already will do.
        """
        fields = tuple(_need(rule) for rule in self.rules)
        return fields if self.provenance is None else (*fields, FieldNeed(self.provenance))

    @property
    def believed(self) -> frozenset[str]:
        """The names of the classifiers that rules ask for by name."""
        return frozenset(evidence.of for rule in self.rules for evidence in rule.reads if evidence.of is not None)


def _need(rule: FieldRule) -> FieldNeed:
    if rule.type == "number":
        return FieldNeed(rule.field, type="DOUBLE", facet=True, also_fits=_whole_number_types(rule.vocabulary))
    many = rule.values == "many"
    return FieldNeed(
        rule.field,
        facet=True,
        multi_value=many,
        hierarchical=many and rule.vocabulary is not None and any(LEVELS in value for value in rule.vocabulary.values),
        free_text=rule.type == "text",
    )


def _whole_number_types(vocabulary: Vocabulary | None) -> tuple[ExistingFieldType, ...]:
    """The types of field for whole numbers that hold all numbers that may be written."""
    numbers = [] if vocabulary is None else [typed(value, "number") for value in vocabulary.values]
    if not numbers or not all(isinstance(number, int) for number in numbers):
        return ()
    is_long = all(isinstance(number, int) and -_LARGEST_LONG <= number < _LARGEST_LONG for number in numbers)
    return ("LONG", "LONG_64") if is_long else ("LONG_64",)
