"""What is wrong with a classifier that somebody wrote, said before a catalog finds out.

For authors of adapters, in their tests or a notebook. It asks the classifier as a run would, about one picture.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast, get_args

import attrs

from coveo_enrich.classifiers.asking import fitted
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.outcomes import in_words, seconds_asked_for
from coveo_enrich.classifiers.values import Attribute, Classification, Color, Failure, FailureKind, Label
from coveo_enrich.errors import ClassifierError, ConfigurationError, ImageRejected, ServiceUnavailable, Throttled
from coveo_enrich.images.image import ProductImage

__all__ = ["ClassifierCheck", "check_classifier"]

_NO_PICTURE: Final = ProductImage.from_bytes(
    b"<!doctype html><title>no picture</title>", url="a page that is no picture"
)
_SURE: Final = 1.0
_NO_VALUES: Final = frozenset({"", "unknown", "none", "null", "n/a", "nan", "undefined"})


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


@attrs.frozen
class _Raised:
    """What came back was an error."""

    error: BaseException


def check_classifier(classifier: Any, image: ProductImage, /) -> ClassifierCheck:  # noqa: ANN401 - that is to be seen
    """Try a classifier on one picture, and say what is wrong with it.

    It is asked once about the picture; once about bytes that are no picture, unless what it ``accepts`` keeps these
    from it; and, if it has a ``max_batch``, once about the picture twice. A paid service counts each.

    Args:
        classifier: The classifier; whatever it is or does, nothing of it is raised.
        image: A picture that it should know something about.

    Raises:
        TypeError: The picture is no `ProductImage`.
    """
    if not isinstance(image, ProductImage):  # pyright: ignore[reportUnnecessaryIsInstance]  # a path or bytes, easily
        raise TypeError(f"give a ProductImage, such as ProductImage.from_file(path); got {type(image).__name__}")
    try:
        declared = Declared.of(classifier)
        image = fitted(image, declared.accepts) if declared.accepts else image
    except ConfigurationError as error:
        return ClassifierCheck((str(error),), None)
    except ClassifierError as error:
        return ClassifierCheck((f"{image.url} does not fit what it accepts: {in_words(error)}",), None)
    answer = _tried(lambda: classifier.classify(image))
    problems = [
        *_problems_of_answer(declared, answer, image),
        *(() if _is_out_of_order(answer) else _problems_of_more_calls(classifier, declared, image)),
        *_problems_of_declaring(classifier, declared),
        *_problems_of_pickling(classifier, declared),
    ]
    return ClassifierCheck(tuple(problems), answer if isinstance(answer, Classification) else None)


def _tried(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it raises is what is looked at
        return _Raised(error)


def _is_out_of_order(answer: object) -> bool:
    """Whether more calls would only say the same again."""
    return isinstance(answer, _Raised) and isinstance(
        answer.error, ConfigurationError | Throttled | ServiceUnavailable | TypeError
    )


def _problems_of_answer(declared: Declared, answer: object, image: ProductImage) -> Iterator[str]:
    match answer:
        case Classification():
            yield from _problems_of_classification(declared, answer)
        case _Raised(error):
            yield f"classify raised {in_words(error)}: {_advice(error, image)}"
            yield from _problems_of_pause(error)
        case BaseException():
            yield f"classify returned {in_words(answer)}: raise it"
        case _:
            yield f"classify returned {type(answer).__name__}: return a Classification"


def _advice(error: BaseException, image: ProductImage) -> str:
    match error:
        case ImageRejected():
            return f"if {image.url} is a good picture, look at why; else try one that it knows"
        case Throttled() | ServiceUnavailable():
            return "check again when the service answers"
        case ConfigurationError():
            return "mend that first"
        case TypeError() if "positional argument" in str(error):
            return "is it written as classify(self, image, /)?"
        case _:
            return (
                "mend it; where the picture or the service is the reason, raise ImageRejected, Throttled, "
                "ServiceUnavailable or ConfigurationError, which say whether the picture is asked about again"
            )


def _problems_of_pause(error: object) -> Iterator[str]:
    asked = getattr(error, "retry_after", None)
    if asked is not None and seconds_asked_for(asked) is None:
        yield f"retry_after is {asked!r}: give seconds as a number, 0 or more, or None"


def _problems_of_classification(declared: Declared, answer: Classification) -> Iterator[str]:
    if answer.classifier != declared.name:
        yield f"the Classification is signed {answer.classifier!r}: sign it with the name, {declared.name!r}"
    seen: tuple[Label | Attribute | Color, ...] = (*answer.labels, *answer.attributes, *answer.colors)
    confidences = [one.confidence for one in seen]
    if not confidences:
        yield "the Classification is empty: try a picture that it knows, and look at how its answer is read"
    if len(confidences) > 1 and set(confidences) == {_SURE}:
        yield "every confidence is 1.0: leave it None where the service gives no score"
    made_up = [one for one in answer.attributes if one.value.strip().lower() in _NO_VALUES]
    if made_up:
        yield f"the attribute {made_up[0].name} is {made_up[0].value!r}: leave out what the service does not know"


def _problems_of_more_calls(classifier: Any, declared: Declared, image: ProductImage) -> Iterator[str]:  # noqa: ANN401
    if declared.accepts is None:
        yield from _problems_of_rejecting(classifier)
    if declared.max_batch > 1:
        yield from _problems_of_batch(_tried(lambda: classifier.classify_many([image, image])))


def _problems_of_rejecting(classifier: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    answer = _tried(lambda: classifier.classify(_NO_PICTURE))
    if isinstance(answer, _Raised) and not isinstance(answer.error, ImageRejected):
        yield f"bytes that are no picture made classify raise {in_words(answer.error)}: raise ImageRejected"


def _problems_of_batch(answer: object) -> Iterator[str]:
    if isinstance(answer, _Raised):
        yield (
            f"classify_many raised {in_words(answer.error)}: what is wrong with one picture is a Failure in its place"
        )
        yield from _problems_of_pause(answer.error)
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
    for failure in (one for one in outcomes if isinstance(one, Failure)):
        if failure.kind not in get_args(FailureKind):
            yield f"a Failure is of the kind {failure.kind!r}: use one of {', '.join(get_args(FailureKind))}"
        yield from _problems_of_pause(failure)


def _problems_of_declaring(classifier: Any, declared: Declared) -> Iterator[str]:  # noqa: ANN401 - as above
    if hasattr(classifier, "classify_many") and not hasattr(classifier, "max_batch"):
        yield "it has classify_many and no max_batch, so one picture is sent a call: declare max_batch"
    for what, before, after in _differences(declared, _tried(lambda: Declared.of(classifier))):
        yield f"its {what} is {before!r} once and {after!r} the next time: let it depend on settings alone"


def _problems_of_pickling(classifier: Any, declared: Declared) -> Iterator[str]:  # noqa: ANN401 - as above
    copy = _tried(lambda: Declared.of(pickle.loads(pickle.dumps(classifier))))  # noqa: S301 - made here
    for what, before, after in _differences(declared, copy):
        yield f"its {what} is {before!r}, and {after!r} in a copy for another process: let it depend on settings alone"
    if not isinstance(copy, _Raised) or isinstance(copy.error, ConfigurationError):  # it holds a key as text
        return
    if "<locals>" in type(classifier).__qualname__:
        yield "it cannot be pickled, because its class stands in a function: put it at the top of a module"
    else:
        yield (
            f"it cannot be pickled ({in_words(copy.error)}): make clients and connections on first use, and leave them "
            "out of __getstate__"
        )


def _differences(declared: Declared, other: object) -> Iterator[tuple[str, object, object]]:
    if isinstance(other, Declared):
        for name in attrs.fields_dict(Declared):
            before, after = getattr(declared, name), getattr(other, name)
            if before != after:
                yield name, before, after
