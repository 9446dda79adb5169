"""What a classifier says about one picture, as values.

These are raw observations: nothing here knows about commerce fields, vocabularies or thresholds, which are decided
later, in `coveo_enrich.enrichment`, so that a decision can be changed without asking a service again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import attrs

__all__ = ["Attribute", "Box", "Classification", "Color", "Failure", "FailureKind", "Label", "check_confidence"]

FailureKind = Literal["permanent", "transient", "throttled", "configuration"]


def check_confidence(instance: object, attribute: attrs.Attribute[float | None], value: float | None) -> None:
    """Raise unless a confidence is 0 to 1, or `None`: the validator of every value that holds one."""
    if value is None or (value.__class__ is float and 0.0 <= value <= 1.0):  # almost always, and quickly told
        return
    if isinstance(value, bool) or not isinstance(value, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]  # an adapter may give anything
        raise TypeError(f"{type(instance).__name__}.{attribute.name} is a number or None; got {value!r}")
    if not 0.0 <= value <= 1.0:
        raise ValueError(
            f"{type(instance).__name__}.{attribute.name} is a share from 0 to 1, or None where the service gives "
            f"no score; got {value!r}. Divide by the service's scale and keep the original in raw_score."
        )


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise TypeError(f"a list of texts is wanted; got the text {texts!r}")
    return tuple(texts)


def _check_word(instance: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{type(instance).__name__}.{attribute.name} is a text; got {value!r}")


@attrs.frozen
class Box:
    """Where in the picture something is, as shares of its width and height from its upper left corner.

    Attributes:
        left: 0 is the left side, 1 the right one.
        top: 0 is the upper side, 1 the lower one.
        width: A share of the picture's width.
        height: A share of its height.
    """

    left: float
    top: float
    width: float
    height: float


@attrs.frozen
class Label:
    """A word for what is in the picture.

    Attributes:
        name: The word, as the service spelt it.
        confidence: 0 to 1; `None` when the service does not score it, never a made-up 1.0.
        raw_score: The service's own number, on the service's own scale.
        scale: The upper end of that scale, such as 100.
        parents: Broader words, the nearest first.
        box: Where it is, when the service found the thing itself and not only the word.
    """

    name: str = attrs.field(validator=_check_word)
    confidence: float | None = attrs.field(default=None, validator=check_confidence)
    raw_score: float | None = attrs.field(default=None, kw_only=True)
    scale: float | None = attrs.field(default=None, kw_only=True)
    parents: tuple[str, ...] = attrs.field(default=(), converter=_texts, kw_only=True)
    box: Box | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class Attribute:
    """A named property and one value of it, such as ``material`` and ``leather``; several values are several of these.

    Attributes:
        name: The property, as the service spelt it.
        value: Its value.
        confidence: 0 to 1; `None` when not scored.
        raw_score: The service's own number.
        scale: The upper end of its scale.
        box: Where it was seen, when the service tells.
    """

    name: str = attrs.field(validator=_check_word)
    value: str = attrs.field(validator=_check_word)
    confidence: float | None = attrs.field(default=None, validator=check_confidence)
    raw_score: float | None = attrs.field(default=None, kw_only=True)
    scale: float | None = attrs.field(default=None, kw_only=True)
    box: Box | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class Color:
    """A colour of the product.

    Attributes:
        name: A colour word, such as ``yellow`` or ``navy``.
        confidence: 0 to 1; what it measures (a share of the product, a probability) is the classifier's to say.
        rgb: The colour itself, each channel 0 to 255, sRGB.
        shade: A more exact name, such as ``sunflower yellow``.
        raw_score: The service's own number.
        scale: The upper end of its scale.
    """

    name: str = attrs.field(validator=_check_word)
    confidence: float | None = attrs.field(default=None, validator=check_confidence)
    rgb: tuple[int, int, int] | None = attrs.field(default=None, kw_only=True)
    shade: str | None = attrs.field(default=None, kw_only=True)
    raw_score: float | None = attrs.field(default=None, kw_only=True)
    scale: float | None = attrs.field(default=None, kw_only=True)


def _each_is(kind: type) -> Callable[[object, attrs.Attribute[Any], tuple[object, ...]], None]:
    def check(_instance: object, attribute: attrs.Attribute[Any], value: tuple[object, ...]) -> None:
        for one in value:
            if not isinstance(one, kind):
                raise TypeError(f"Classification.{attribute.name} holds {type(one).__name__}, not {kind.__name__}")

    return check


@attrs.frozen
class Classification:
    """All that one classifier said about one picture. Empty when it saw nothing: that is an answer, not a failure.

    Attributes:
        classifier: The name of the classifier that said it.
        labels: Words, the surest first.
        attributes: Named properties.
        colors: Colours, the most present first.
        model_version: The model that answered, where the service tells.
    """

    classifier: str
    labels: tuple[Label, ...] = attrs.field(
        default=(), converter=tuple[Label, ...], kw_only=True, validator=_each_is(Label)
    )
    attributes: tuple[Attribute, ...] = attrs.field(
        default=(), converter=tuple[Attribute, ...], kw_only=True, validator=_each_is(Attribute)
    )
    colors: tuple[Color, ...] = attrs.field(
        default=(), converter=tuple[Color, ...], kw_only=True, validator=_each_is(Color)
    )
    model_version: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class Failure:
    """Why there is no answer for a picture. The product it belongs to goes on unchanged.

    Attributes:
        kind: ``permanent`` (this picture never works), ``transient`` (it may work later), ``throttled`` (the service
            asked for a pause) or ``configuration`` (a key or setting is wrong).
        reason: What happened, in words.
        image: The picture, as the product names it; `None` when the failure is not about one picture.
        classifier: The classifier that failed; `None` when the picture never reached one.
        retry_after: Seconds that the service asked to wait; `None` when it did not say.
    """

    kind: FailureKind
    reason: str
    image: str | None = attrs.field(default=None, kw_only=True)
    classifier: str | None = attrs.field(default=None, kw_only=True)
    retry_after: float | None = attrs.field(default=None, kw_only=True)
