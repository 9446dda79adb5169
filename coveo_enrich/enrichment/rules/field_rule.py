"""How one field is filled, as a frozen value that prints, compares and pickles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

import attrs

from coveo_enrich.enrichment.rules.evidence import Evidence, Reads, check_share
from coveo_enrich.enrichment.rules.field_types import FieldType, Value, typed
from coveo_enrich.enrichment.rules.fields import check_field_name
from coveo_enrich.enrichment.rules.when import When
from coveo_enrich.enrichment.vocabulary.vocabulary import Vocabulary
from coveo_enrich.errors import ConfigurationError

__all__ = ["Condition", "FieldRule"]

Condition = Callable[[Mapping[str, Any]], bool]
"""Whether a rule is for a product."""


def _evidence(reads: Reads | Evidence | Sequence[Reads | Evidence]) -> tuple[Evidence, ...]:
    several = tuple(cast("Sequence[Reads | Evidence]", reads)) if isinstance(reads, list | tuple) else (reads,)
    return tuple(one if isinstance(one, Evidence) else Evidence(cast("Reads", one)) for one in several)


def _condition(when: Condition | Mapping[str, Any] | None) -> Condition | None:
    return when if when is None or callable(when) else When(when)


def _check_vocabulary(_instance: object, _attribute: object, value: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    if value is not None and not isinstance(value, Vocabulary):
        raise ConfigurationError(f"vocabulary must be a Vocabulary; got {type(value).__name__}")


def _one_of(*allowed: str) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in allowed:
            raise ConfigurationError(f"{attribute.name} must be one of {', '.join(map(repr, allowed))}; got {value!r}")

    return check


def _usual_combination(rule: FieldRule) -> str:
    return "union" if rule.values == "many" else "best"


@attrs.frozen
class FieldRule:
    """How one field is filled.

    Attributes:
        field: The field, as Coveo names it.
        reads: What fills it: see `Evidence`. Of several, the first that yields a value is believed: order is trust.
        vocabulary: The values that the field may hold; `None` (default) to write what was seen as it was seen.
        min_confidence: The least confidence that counts, 0 to 1, default 0.
        values: ``one`` (default): one value. ``many``: a list of them, the surest first; those of a vocabulary with
            levels come with their ancestors.
        existing: What to do with a value that the product has: ``keep`` it (default; blank texts and empty lists count
            as missing, and a value that the provenance field marks as written by a machine, and that nobody changed
            since, is renewed), ``replace`` it, or ``add`` to it (with ``values="many"``).
        combine: What several pictures come to: ``best``, what was seen most surely (of many values, those of that
            picture); ``vote``, the value that most pictures speak for (of many values, each that more than half of
            them speak for); ``union``, the values of all (with ``values="many"``). Default ``best``, and ``union`` for
            many values. A tie goes to the earlier picture and is reported among the conflicts.
        when: The products that the rule is for: fields and their values, such as ``{"ec_category": ["Shoes"]}`` (see
            `When`), or a function from a product to a truth value; `None` (default) for all.
        type: What the field holds: ``text`` (default), ``number`` or ``flag`` (both with ``values="one"``). A word that
            is no such value counts as unmapped. A list is ``values="many"``.
        unscored: Whether a value without a confidence counts: ``accept`` (default) or ``reject``.

    Raises:
        ConfigurationError: The field's name is not allowed, or an option is unknown or does not go with another.
    """

    field: str = attrs.field(validator=check_field_name)
    reads: tuple[Evidence, ...] = attrs.field(converter=_evidence)
    vocabulary: Vocabulary | None = attrs.field(default=None, kw_only=True, validator=_check_vocabulary)
    min_confidence: float = attrs.field(default=0.0, kw_only=True, validator=check_share)
    values: Literal["one", "many"] = attrs.field(default="one", kw_only=True, validator=_one_of("one", "many"))
    existing: Literal["keep", "replace", "add"] = attrs.field(
        default="keep", kw_only=True, validator=_one_of("keep", "replace", "add")
    )
    combine: Literal["best", "vote", "union"] = attrs.field(
        default=attrs.Factory(_usual_combination, takes_self=True),
        kw_only=True,
        validator=_one_of("best", "vote", "union"),
    )
    when: Condition | None = attrs.field(default=None, kw_only=True, converter=_condition)
    type: FieldType = attrs.field(default="text", kw_only=True, validator=_one_of("text", "number", "flag"))
    unscored: Literal["accept", "reject"] = attrs.field(
        default="accept", kw_only=True, validator=_one_of("accept", "reject")
    )

    def __attrs_post_init__(self) -> None:
        if not self.reads:
            raise ConfigurationError(f"the rule for {self.field} reads nothing")
        if self.values != "many":
            for option, value in (("existing", "add"), ("combine", "union")):
                if getattr(self, option) == value:
                    raise ConfigurationError(f"the rule for {self.field}: {option}={value!r} needs values='many'")
        elif self.type != "text":
            # Coveo's fields of numbers hold one each.
            raise ConfigurationError(f"the rule for {self.field}: type={self.type!r} needs values='one'")
        self._check_vocabulary_fits()

    def _check_vocabulary_fits(self) -> None:
        values = () if self.vocabulary is None else self.vocabulary.values
        odd = next((value for value in values if typed(value, self.type) is None), None)
        if odd is not None:
            raise ConfigurationError(f"the rule for {self.field}: the vocabulary's {odd!r} is no {self.type}")

    def value_of(self, word: str) -> Value | None:
        """What the field holds when a word is seen; `None` when the vocabulary or the type has no such value."""
        known = word if self.vocabulary is None else self.vocabulary.match(word)
        return known if known is None or self.type == "text" else typed(known, self.type)
