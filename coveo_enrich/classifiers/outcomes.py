"""What became of pictures that an adapter was asked about, whatever it did: an answer, a failure, or a wrong setting.

Anybody may write an adapter, so nothing is taken for granted here: what it raises is caught, what it returns is looked
at. When an adapter is asked, and whether again, is decided in `coveo_enrich.classifiers.asking`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final, get_args

import attrs

from coveo_enrich.classifiers.values import Classification, Failure, FailureKind
from coveo_enrich.errors import (
    ConfigurationError,
    ImageRejected,
    ImageUnavailable,
    ServiceUnavailable,
    Throttled,
)
from coveo_enrich.images.image import ProductImage, own_error

__all__ = [
    "Asked",
    "BatchRefused",
    "Outcome",
    "Unforeseen",
    "Unread",
    "asked_about",
    "failure_of",
    "in_words",
    "seconds_asked_for",
]

Outcome = Classification | Failure
"""What became of one picture."""


@attrs.frozen
class Unforeseen:
    """A failure that the classifier did not mean to give: a mistake of its adapter, which may be mended by tomorrow."""

    failure: Failure


@attrs.frozen
class Unread:
    """A failure to read the picture, which its adapter let through: its service was not asked."""

    failure: Failure


@attrs.frozen
class BatchRefused:
    """Several pictures were refused for the sake of one, and it was not said of which.

    Attributes:
        was_sent: Whether the service was asked: else one of them could not be read.
    """

    was_sent: bool


Asked = Outcome | Unforeseen | Unread | ConfigurationError
"""What came of asking about one picture."""

_KINDS: Final[frozenset[str]] = frozenset(get_args(FailureKind))
_FORESEEN: Final = (ImageRejected, ImageUnavailable, Throttled, ServiceUnavailable, ConnectionError, TimeoutError)
_MOST_CHARACTERS: Final = 1_000  # of a reason, which may quote a whole answer


def asked_about(
    classifier: Any,  # noqa: ANN401 - it may be anything
    name: str,
    images: Sequence[ProductImage],
) -> list[Asked] | BatchRefused:
    """Ask in one call, about one picture or several; whatever the classifier does, nothing of it is raised.

    Args:
        classifier: The classifier.
        name: Its name.
        images: The pictures.

    Returns:
        What became of each picture, or that they were refused together.
    """
    if len(images) == 1:
        return [_outcome(lambda: classifier.classify(images[0]), images[0], name)]
    try:
        # One too many is enough to tell: there may be no end of them.
        answers = list[object](islice(classifier.classify_many(images), len(images) + 1))
    except (ImageRejected, ImageUnavailable) as error:
        return BatchRefused(was_sent=not any(error is own_error(image) for image in images))
    except BaseException as error:  # noqa: BLE001 - as below
        return [_error_as_outcome(error, image, name) for image in images]
    if len(answers) != len(images):
        number = f"more than {len(images)}" if len(answers) > len(images) else str(len(answers))
        reason = f"it answered with {number} outcomes for {len(images)} pictures"
        return [Unforeseen(Failure("permanent", reason, image=one.url, classifier=name)) for one in images]
    return [
        _outcome(lambda answer=answer: answer, image, name)  # type: ignore[misc]
        for answer, image in zip(answers, images, strict=True)
    ]


def _outcome(answer: Callable[[], object], image: ProductImage, name: str) -> Asked:
    try:
        return _answer_as_outcome(answer(), image, name)
    except BaseException as error:  # noqa: BLE001 - an adapter may raise anything, and someone waits for the outcome
        return _error_as_outcome(error, image, name)


def _answer_as_outcome(answer: object, image: ProductImage, name: str) -> Asked:
    match answer:
        case Classification():
            # Rules believe a classifier by the name that it has, whatever name it signs with.
            return attrs.evolve(answer, classifier=name)
        case Failure(kind="configuration"):
            return ConfigurationError(_text(answer.reason))
        case Failure():
            kind: FailureKind = answer.kind if answer.kind in _KINDS else "permanent"
            asked = seconds_asked_for(answer.retry_after)
            return Failure(kind, _text(answer.reason), image=image.url, classifier=name, retry_after=asked)
        case _:
            reason = f"it answered with {type(answer).__name__}, not with a Classification"
            return Unforeseen(Failure("permanent", reason, image=image.url, classifier=name))


def _error_as_outcome(error: BaseException, image: ProductImage, name: str) -> Asked:
    if isinstance(error, ConfigurationError):
        return error if _can_be_told(error) else ConfigurationError(in_words(error))
    failure = failure_of(error, image.url, None if isinstance(error, ImageUnavailable) else name)
    if error is own_error(image):
        return Unread(failure)
    return failure if isinstance(error, _FORESEEN) else Unforeseen(failure)


def failure_of(error: BaseException, image: str, classifier: str | None) -> Failure:
    """An error about a picture as a value.

    Args:
        error: What was raised.
        image: The URL of the picture.
        classifier: The classifier that failed; `None` when the picture never reached one.
    """
    match error:
        case ImageRejected():
            return Failure("permanent", _text(error), image=image, classifier=classifier)
        case Throttled() | ServiceUnavailable():
            kind: FailureKind = "throttled" if isinstance(error, Throttled) else "transient"
            asked = seconds_asked_for(error.retry_after)
            return Failure(kind, _text(error), image=image, classifier=classifier, retry_after=asked)
        case ConnectionError() | TimeoutError():
            return Failure("transient", in_words(error), image=image, classifier=classifier)
        case _:
            return Failure("permanent", in_words(error), image=image, classifier=classifier)


def in_words(error: BaseException) -> str:
    """An error of unknown origin, with its kind."""
    kind = type(error).__name__ or "an error without a name"
    text = _text(error)
    return f"{kind}: {text}" if text else kind


def seconds_asked_for(retry_after: object) -> float | None:
    """Seconds to wait as an adapter gave them; `None` for what is no time."""
    if isinstance(retry_after, int | float) and not isinstance(retry_after, bool) and retry_after >= 0:
        return retry_after
    return None


def _can_be_told(error: Exception) -> bool:
    """Whether it has a text: one that was made of what a service answered, such as a dict, has none."""
    try:
        str(error)
    except Exception:  # noqa: BLE001 - an error may do anything
        return False
    return True


def _text(told: object) -> str:
    for tell in (str, repr):
        with contextlib.suppress(Exception):
            return tell(told)[:_MOST_CHARACTERS]
    return ""
