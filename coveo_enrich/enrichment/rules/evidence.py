"""What a rule believes: which part of a classification it reads, from whom, and how sure that must be.

What becomes of the words that are read is decided by `coveo_enrich.enrichment.decisions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from coveo_enrich.classifiers.values import Classification, Label
from coveo_enrich.errors import ConfigurationError

__all__ = ["Evidence", "Reads", "SeenValues", "check_share", "read"]

SeenValues = Iterable[tuple[str, float | None]]
"""Observed values, each with its confidence from 0 to 1, or `None` when it is not scored."""

Reads = str | Callable[[Classification], SeenValues]
"""What is read, as `Evidence.reads` says, or a function that takes observed values out of a classification."""

_WORDS: Final = ("color", "label", "label:leaf", "label:any", "text", "logo")
_ATTRIBUTE: Final = "attribute:"


def check_share(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """Raise unless a threshold is from 0 to 1: the validator of every value that holds one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"{attribute.name} must be from 0 to 1; got {value!r}")


def _check_reads(_instance: object, _attribute: object, value: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    if callable(value) or (isinstance(value, str) and (value in _WORDS or _attribute_name(value))):
        return
    words = ", ".join(map(repr, _WORDS))
    raise ConfigurationError(f"reads must be {words}, 'attribute:NAME' or, in Python, a function; got {value!r}")


def _attribute_name(reads: str) -> str:
    """The attribute that is read, as names are compared; empty when none is."""
    return reads.removeprefix(_ATTRIBUTE).strip().casefold() if reads.startswith(_ATTRIBUTE) else ""


def _check_name(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{attribute.name} must be the name of a classifier; got {value!r}")


@attrs.frozen
class Evidence:
    """What a rule believes, from whom, and how sure it must be.

    Attributes:
        reads: One of

            - ``color``: the names of colours;
            - ``label``: the names of labels, ``label:leaf`` only those that no other label of the picture has as a
              parent, ``label:any`` their parents too, as sure as the label itself;
            - ``attribute:NAME``: the values of an attribute, found whatever its case;
            - ``text``: lines of writing in the picture, ``logo``: brands by their logos: what the adapters give as
              attributes ``text`` and ``logo``;
            - a function from a `Classification` to pairs of a value and its confidence.
        of: The name of the classifier that is believed; `None` (default) for any.
        min_confidence: The least confidence that counts, 0 to 1; `None` (default) for that of the rule.

    Raises:
        ConfigurationError: Nobody gives such evidence, or a value is out of its range.
    """

    reads: Reads = attrs.field(validator=_check_reads)
    of: str | None = attrs.field(default=None, kw_only=True, validator=attrs.validators.optional(_check_name))
    min_confidence: float | None = attrs.field(
        default=None, kw_only=True, validator=attrs.validators.optional(check_share)
    )


def read(evidence: Evidence, classification: Classification) -> SeenValues:
    """The words of a classification that an evidence is about, in the classifier's order."""
    reads = evidence.reads
    if not isinstance(reads, str):
        return list(_scored(reads(classification)))
    if reads == "color":
        return [(color.name, color.confidence) for color in classification.colors]
    if reads == "text":
        return _lines(_attributes(classification, "text"))
    if reads == "logo":
        return _attributes(classification, "logo")
    return _attributes(classification, name) if (name := _attribute_name(reads)) else _labels(classification, reads)


def _scored(pairs: SeenValues) -> Iterator[tuple[str, float | None]]:
    for word, confidence in pairs:
        if confidence is not None and not 0.0 <= confidence <= 1.0:
            raise ValueError(f"a function that reads gives confidences from 0 to 1, or None; got {confidence!r}")
        yield word, confidence


def _labels(classification: Classification, reads: str) -> SeenValues:
    labels = classification.labels
    if reads == "label:any":
        return [(word, label.confidence) for label in labels for word in (label.name, *label.parents)]
    counted = _leaves(labels) if reads == "label:leaf" else labels
    return [(label.name, label.confidence) for label in counted]


def _leaves(labels: Sequence[Label]) -> list[Label]:
    broader = {parent.casefold() for label in labels for parent in label.parents}
    return [label for label in labels if label.name.casefold() not in broader]


def _attributes(classification: Classification, name: str) -> list[tuple[str, float | None]]:
    return [(one.value, one.confidence) for one in classification.attributes if one.name.casefold() == name]


def _lines(texts: SeenValues) -> SeenValues:
    """Line by line, as some services give a picture's text whole."""
    return [(line, confidence) for text, confidence in texts for line in text.splitlines()]
