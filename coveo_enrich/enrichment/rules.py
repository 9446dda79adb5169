"""What fills which field, from what was seen, and how sure it must be.

Rules are frozen values that print, compare and pickle. Applying them to a product is `coveo_enrich.enrichment.decide`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, cast

import attrs

from coveo_enrich.classifiers.values import Classification
from coveo_enrich.enrichment.vocabulary import Vocabulary
from coveo_enrich.errors import ConfigurationError

__all__ = ["Evidence", "FieldMapping", "FieldRule", "Reads", "SeenValues"]

SeenValues = Iterable[tuple[str, float | None]]
"""Observed values, each with its confidence from 0 to 1, or `None` when it is not scored."""

Reads = str | Callable[[Classification], SeenValues]
"""``color``, ``label``, ``attribute:NAME``, or a function that takes observed values out of a classification."""

# docs.coveo.com, Field API
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,254}")
# docs.coveo.com/en/162
_RESERVED: Final = frozenset(
    {
        "compressedbinarydata",
        "compressedbinarydatafileid",
        "compressiontype",
        "data",
        "documentid",
        "fileextension",
        "orderingid",
        "parentid",
        "permissions",
    }
)


def _check_reads(_instance: object, _attribute: object, value: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    if callable(value) or value in ("color", "label"):
        return
    if isinstance(value, str) and value.startswith("attribute:") and value.removeprefix("attribute:").strip():
        return
    raise ConfigurationError(f"reads must be 'color', 'label', 'attribute:NAME' or a function; got {value!r}")


def _check_share(_instance: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
    if value is None or not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"{attribute.name} must be from 0 to 1; got {value!r}")


@attrs.frozen
class Evidence:
    """What a rule believes, from whom, and how sure it must be.

    Attributes:
        reads: ``color``, ``label``, ``attribute:NAME``, or a function from a `Classification` to pairs of a value and
            its confidence.
        of: The name of the classifier that is believed; `None` (default) for any.
        min_confidence: The least confidence that counts, 0 to 1; `None` (default) for that of the rule.
    """

    reads: Reads = attrs.field(validator=_check_reads)
    of: str | None = attrs.field(default=None, kw_only=True)
    min_confidence: float | None = attrs.field(
        default=None, kw_only=True, validator=attrs.validators.optional(_check_share)
    )


def _evidence(reads: Reads | Evidence | Sequence[Reads | Evidence]) -> tuple[Evidence, ...]:
    several = tuple(cast("Sequence[Reads | Evidence]", reads)) if isinstance(reads, list | tuple) else (reads,)
    return tuple(one if isinstance(one, Evidence) else Evidence(cast("Reads", one)) for one in several)


def _check_field(_instance: object, _attribute: object, value: str) -> None:
    if not isinstance(value, str) or not _FIELD_NAME.fullmatch(value):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
        raise ConfigurationError(
            f"{value!r} is no Coveo field name: a lower-case letter, then letters, digits and underscores"
        )
    if value in _RESERVED:
        raise ConfigurationError(f"{value!r} is a reserved key of a Coveo item, not a field")


def _check_vocabulary(_instance: object, _attribute: object, value: Any) -> None:  # noqa: ANN401 - as _check_reads
    if value is not None and not isinstance(value, Vocabulary):
        raise ConfigurationError(f"vocabulary must be a Vocabulary; got {type(value).__name__}")


def _one_of(*allowed: str) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in allowed:
            raise ConfigurationError(f"{attribute.name} must be one of {', '.join(allowed)}; got {value!r}")

    return check


@attrs.frozen
class FieldRule:
    """How one field is filled.

    Attributes:
        field: The field, as Coveo names it.
        reads: What fills it: see `Evidence`. Of several, the first that yields a value is believed: order is trust.
        vocabulary: The values that the field may hold; `None` (default) to write what was seen as it was seen.
        min_confidence: The least confidence that counts, 0 to 1, default 0.
        values: ``one`` (default): the surest value, as text. ``many``: all of them, the surest first, as a list.
        existing: What to do with a value that the product has: ``keep`` it (default; blank texts and empty lists count
            as missing), ``replace`` it, or ``add`` to it (with ``values="many"``).
        unscored: Whether a value without a confidence counts: ``accept`` (default) or ``reject``.

    Raises:
        ConfigurationError: The field's name is not allowed, or an option is unknown.
    """

    field: str = attrs.field(validator=_check_field)
    reads: tuple[Evidence, ...] = attrs.field(converter=_evidence)
    vocabulary: Vocabulary | None = attrs.field(default=None, kw_only=True, validator=_check_vocabulary)
    min_confidence: float = attrs.field(default=0.0, kw_only=True, validator=_check_share)
    values: Literal["one", "many"] = attrs.field(default="one", kw_only=True, validator=_one_of("one", "many"))
    existing: Literal["keep", "replace", "add"] = attrs.field(
        default="keep", kw_only=True, validator=_one_of("keep", "replace", "add")
    )
    unscored: Literal["accept", "reject"] = attrs.field(
        default="accept", kw_only=True, validator=_one_of("accept", "reject")
    )

    def __attrs_post_init__(self) -> None:
        if not self.reads:
            raise ConfigurationError(f"the rule for {self.field} reads nothing")
        if self.existing == "add" and self.values != "many":
            raise ConfigurationError(f"the rule for {self.field}: existing='add' needs values='many'")


@attrs.frozen
class FieldMapping:
    """The rules for all fields, one a field.

    Raises:
        ConfigurationError: Two rules fill the same field, or there is no rule.
    """

    rules: tuple[FieldRule, ...] = attrs.field(converter=tuple[FieldRule, ...])

    def __attrs_post_init__(self) -> None:
        if not self.rules:
            raise ConfigurationError("a FieldMapping needs at least one rule")
        fields = [rule.field for rule in self.rules]
        double = sorted({field for field in fields if fields.count(field) > 1})
        if double:
            raise ConfigurationError(f"two rules fill the same field: {', '.join(double)}")

    @property
    def believed(self) -> frozenset[str]:
        """The names of the classifiers that rules ask for by name."""
        return frozenset(evidence.of for rule in self.rules for evidence in rule.reads if evidence.of is not None)
