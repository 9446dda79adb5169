"""What is wrong with a classifier that somebody wrote, said before a catalog finds out.

For authors of adapters, in their tests or a notebook. It asks the classifier as a run would, about one picture.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import attrs

from coveo_enrich.classifiers.asking import fitted, in_words
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.errors import ClassifierError, ConfigurationError, ImageRejected
from coveo_enrich.images.image import ProductImage

__all__ = ["ClassifierCheck", "check_classifier"]

_NO_PICTURE: Final = ProductImage.from_bytes(
    b"<!doctype html><title>no picture</title>", url="a page that is no picture"
)
_SURE: Final = 1.0


@attrs.frozen
class ClassifierCheck:
    """What was found. Print it.

    Attributes:
        problems: What is wrong, each with what to do about it; empty when nothing is.
        classification: What the classifier said about the picture; `None` when it said nothing.
    """

    problems: tuple[str, ...]
    classification: Classification | None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        if self.ok:
            return f"nothing is wrong; it said: {self.classification}"
        return "\n".join(f"- {problem}" for problem in self.problems)


def check_classifier(classifier: Any, image: ProductImage, /) -> ClassifierCheck:  # noqa: ANN401 - that is to be seen
    """Try a classifier on one picture, and say what is wrong with it.

    It is asked once about the picture, once about bytes that are no picture, and, if it has a ``max_batch``, once about
    the picture twice. A paid service counts each.

    Args:
        classifier: The classifier; whatever it is or does, nothing of it is raised.
        image: A picture that it should know something about.
    """
    try:
        declared = Declared.of(classifier)
    except ConfigurationError as error:
        return ClassifierCheck((str(error),), None)
    try:
        image = fitted(image, declared.accepts) if declared.accepts else image
    except (ClassifierError, ConfigurationError) as error:
        return ClassifierCheck((f"{image.url} does not fit what it accepts: {error}",), None)
    answer = _answer(lambda: classifier.classify(image))
    problems = [
        *_problems_of_answer(declared, answer, image),
        *_problems_of_rejecting(classifier),
        *_problems_of_batch(classifier, declared, image),
        *_problems_of_pickling(classifier),
    ]
    return ClassifierCheck(tuple(problems), answer if isinstance(answer, Classification) else None)


def _answer(ask: Any) -> object:  # noqa: ANN401 - a call
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - whatever it raises is what is looked at
        return error


def _problems_of_answer(declared: Declared, answer: object, image: ProductImage) -> Iterator[str]:
    if isinstance(answer, ClassifierError | ConfigurationError):
        yield f"classify raised {in_words(answer)} for {image.url}: try a picture that it knows"
    elif isinstance(answer, Exception):
        yield (
            f"classify raised {in_words(answer)}: raise ImageRejected, Throttled, ServiceUnavailable or "
            "ConfigurationError instead, which say whether the picture is asked about again"
        )
    elif not isinstance(answer, Classification):
        yield f"classify returned {type(answer).__name__}: return a Classification"
    else:
        yield from _problems_of_classification(declared, answer)


def _problems_of_classification(declared: Declared, answer: Classification) -> Iterator[str]:
    if answer.classifier != declared.name:
        yield f"the Classification is signed {answer.classifier!r}: sign it with the name, {declared.name!r}"
    confidences = [
        *(label.confidence for label in answer.labels),
        *(attribute.confidence for attribute in answer.attributes),
        *(color.confidence for color in answer.colors),
    ]
    if not confidences:
        yield "the Classification is empty: try a picture that it knows, and look at how its answer is read"
    if len(confidences) > 1 and set(confidences) == {_SURE}:
        yield "every confidence is 1.0: leave it None where the service gives no score"


def _problems_of_rejecting(classifier: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    answer = _answer(lambda: classifier.classify(_NO_PICTURE))
    if isinstance(answer, Exception) and not isinstance(answer, ImageRejected):
        yield f"bytes that are no picture made classify raise {in_words(answer)}: raise ImageRejected"


def _problems_of_batch(classifier: Any, declared: Declared, image: ProductImage) -> Iterator[str]:  # noqa: ANN401
    if declared.max_batch == 1:
        return
    answer = _answer(lambda: classifier.classify_many([image, image]))
    if isinstance(answer, Exception):
        yield f"classify_many raised {in_words(answer)}: what is wrong with one picture is a Failure in its place"
    elif not isinstance(answer, Sequence):
        yield f"classify_many returned {type(answer).__name__}: return a list with an outcome for each picture"
    else:
        yield from _problems_of_outcomes(cast("Sequence[object]", answer))


def _problems_of_outcomes(outcomes: Sequence[object]) -> Iterator[str]:
    if len(outcomes) != 2:  # noqa: PLR2004 - the pictures it was asked about
        yield f"classify_many returned {len(outcomes)} outcomes for 2 pictures: return one for each, in their order"
    odd = [type(one).__name__ for one in outcomes if not isinstance(one, Classification | Failure)]
    if odd:
        yield f"classify_many returned {odd[0]} as an outcome: return Classification or Failure values"


def _problems_of_pickling(classifier: object) -> Iterator[str]:
    error = _answer(lambda: pickle.dumps(classifier))
    if isinstance(error, ConfigurationError):  # it holds a key as text, and says so
        return
    if isinstance(error, Exception):
        yield f"it cannot be pickled ({in_words(error)}): make clients and connections on first use, so that it can"
