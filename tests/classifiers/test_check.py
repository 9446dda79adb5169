"""The checker of classifiers: it names what is wrong with one, and raises nothing of it."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Sequence
from typing import Any, cast

import attrs
import pytest

from coveo_enrich import ProductImage
from coveo_enrich.classifiers import Attribute, Classification, ColorClassifier, Failure, Label, check_classifier
from coveo_enrich.errors import ConfigurationError, ImageRejected, ServiceUnavailable, Throttled
from coveo_enrich.images import ImageLimits

KAYAK = ProductImage.from_file("examples/catalog/images/kayak-yellow.webp")
GOOD = Classification("acme", labels=[Label("kayak", 0.9)])


@attrs.frozen
class Acme:
    """A classifier that is right, or wrong in one way."""

    answer: Any = GOOD
    name: Any = "acme"
    max_batch: Any = 1
    batch_answer: Any = None
    fingerprint: Any = "acme/1"
    images_per_second: Any = None

    def classify(self, image: ProductImage, /) -> Any:  # noqa: ANN401
        """Answer as told, and reject what is no picture."""
        if image.read().startswith(b"<!doctype"):
            raise ImageRejected("no picture")
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def classify_many(self, images: Sequence[ProductImage], /) -> Any:  # noqa: ANN401
        """Answer as told, or for each."""
        if isinstance(self.batch_answer, BaseException):
            raise self.batch_answer
        return [GOOD for _ in images] if self.batch_answer is None else self.batch_answer


@pytest.mark.parametrize("right", [ColorClassifier(), Acme(), Acme(max_batch=4)])
def test_nothing_is_wrong_with_one_that_is_right(right: object) -> None:
    """A right one has no problems, and what it said is there to be looked at."""
    found = check_classifier(right, KAYAK)
    assert found.ok, str(found)
    assert found.classification


class Unpicklable(Acme):
    """It holds a lock."""

    def __reduce__(self) -> Any:  # noqa: ANN401
        raise TypeError("cannot pickle '_thread.lock' object")


class Gullible(Acme):
    """It trips over what is no picture."""

    def classify(self, image: ProductImage, /) -> Any:  # noqa: ANN401
        """Look for something that is not there."""
        if image.read().startswith(b"<!doctype"):
            raise KeyError("width")
        return self.answer


class Async(Acme):
    """It is asked from threads, and gives them a coroutine."""

    async def classify(self, image: ProductImage, /) -> Any:  # noqa: ANN401
        """Answer when somebody awaits it."""


class TakesNothing(Acme):
    """It forgot the picture."""

    def classify(self) -> Any:  # type: ignore[override] # noqa: ANN401 # pyright: ignore[reportIncompatibleMethodOverride]
        """Answer."""
        return self.answer


class Broken(Acme):
    """What it declares is made by code that fails, in a way that looks as if nothing was declared."""

    @property
    def accepts(self) -> Any:  # noqa: ANN401
        """Look at what is not there yet."""
        raise AttributeError("_model")


class Restless(Acme):
    """Its fingerprint is never the same."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401
        """Make one up."""
        return next(NUMBERS) if name == "fingerprint" else super().__getattribute__(name)


class Homesick(Acme):
    """Its fingerprint is another one in another process."""

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401
        """Make it of where it lives."""
        return f"acme-{id(self)}" if name == "fingerprint" else super().__getattribute__(name)


class CannotReturn(Acme):
    """Its copy cannot be made."""

    def __reduce__(self) -> Any:  # noqa: ANN401
        return float, ("nothing",)


class Unbatched:
    """It takes batches, and does not say of how many."""

    name = "acme"

    def classify(self, image: ProductImage, /) -> Any:  # noqa: ANN401
        """Reject what is no picture."""
        if image.read().startswith(b"<!doctype"):
            raise ImageRejected("no picture")
        return GOOD

    def classify_many(self, images: Sequence[ProductImage], /) -> Any:  # noqa: ANN401
        """Answer for each."""
        return [GOOD for _ in images]


class ReturnsError(Acme):
    """It returns what it should raise."""

    def classify(self, image: ProductImage, /) -> Any:  # noqa: ANN401, ARG002
        """Say no in the wrong way."""
        return ImageRejected("no picture")


NUMBERS = map(str, itertools.count())
UNKNOWN = Classification("acme", attributes=[Attribute("color", "Unknown")])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Async(), "write it without async"),
        (TakesNothing(), "classify(self, image, /)"),
        (Broken(), "its accepts cannot be read (AttributeError: _model)"),
        (Homesick(), "in a copy for another process: let it depend on settings alone"),
        (CannotReturn(), "cannot be pickled (ValueError"),
        (Unbatched(), "declare max_batch"),
        (ReturnsError(), "classify returned ImageRejected: no picture: raise it"),
        (Acme(answer=Failure("permanent", "no")), "returned Failure: return a Classification"),
        (Acme(answer=UNKNOWN), "color is 'Unknown': leave out"),
        (Acme(answer=ServiceUnavailable("down")), "check again when the service answers"),
        (Acme(answer=ImageRejected(cast("str", {"code": 3}))), "'code': 3"),
        (Acme(answer=SystemExit(2)), "SystemExit: 2: mend it"),
        (Acme(answer=asyncio.CancelledError()), "CancelledError: mend it"),
        (Acme(fingerprint=3), "fingerprint is a text"),
        (Acme(images_per_second=math.nan), "images_per_second is a number"),
        (Acme(images_per_second=0), "images_per_second is a number"),
        (Acme(max_batch=2, batch_answer={GOOD}), "returned set: return a list"),
        (Acme(max_batch=2, batch_answer=[GOOD, Failure(cast("Any", "oops"), "no")]), "of the kind 'oops': use one of"),
        (Acme(max_batch=2, batch_answer=[GOOD, Failure("throttled", "no", retry_after=-1)]), "retry_after is -1"),
        (Acme, "not their classes"),
        (object(), "has a name"),
        (Acme(name=" "), "has a name"),
        (Acme(max_batch=0), "max_batch"),
        (Acme(answer={"color": "red"}), "returned dict"),
        (Acme(answer=KeyError("labels")), "KeyError"),
        (Acme(answer=ImageRejected("too small")), "too small"),
        (Acme(answer=ConfigurationError("wrong key")), "wrong key"),
        (Acme(answer=Classification("other", labels=[Label("kayak", 0.9)])), "signed 'other'"),
        (Acme(answer=Classification("acme")), "is empty"),
        (Acme(answer=Classification("acme", labels=[Label("a", 1.0), Label("b", 1.0)])), "every confidence is 1.0"),
        (Acme(max_batch=2, batch_answer=[GOOD]), "1 outcomes for 2"),
        (Acme(max_batch=2, batch_answer=[GOOD, "blue"]), "returned str"),
        (Acme(max_batch=2, batch_answer=5), "returned int"),
        (Acme(max_batch=2, batch_answer=KeyError("records")), "KeyError"),
        (Gullible(), "no picture"),
        (Unpicklable(), "pickled"),
    ],
)
def test_what_is_wrong_is_named(wrong: object, said: str) -> None:
    """One problem, and it says what."""
    found = check_classifier(wrong, KAYAK)
    assert len(found.problems) == 1
    assert said in found.problems[0]
    assert said in str(found)


def test_each_of_several_mistakes_is_named() -> None:
    """A fingerprint that is never the same is another one in the copy, too; a pause is looked at beside its error."""
    assert [problem.split()[1] for problem in check_classifier(Restless(), KAYAK).problems] == ["fingerprint"] * 2
    throttled, pause = check_classifier(Acme(answer=Throttled("slow", cast("float", "5"))), KAYAK).problems
    assert "check again when the service answers" in throttled
    assert pause == "retry_after is '5': give seconds as a number, 0 or more, or None"


def test_a_class_in_a_function_is_told_why_it_cannot_be_pickled() -> None:
    """What is wrong is where the class stands, not what it holds."""

    class Local(Acme):
        pass

    (problem,) = check_classifier(Local(), KAYAK).problems
    assert problem.endswith("put it at the top of a module")


@pytest.mark.parametrize("picture", ["kayak.jpg", b"", None])
def test_what_is_no_picture_is_refused(picture: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A path in place of a picture is a mistake of whoever calls, not of the classifier."""
    with pytest.raises(TypeError, match="from_file"):
        check_classifier(Acme(), picture)


def test_an_interruption_is_no_mistake() -> None:
    """Ctrl-C in a notebook ends the check."""
    with pytest.raises(KeyboardInterrupt):
        check_classifier(Acme(answer=KeyboardInterrupt()), KAYAK)


def test_failures_in_a_batch_are_outcomes() -> None:
    """A batch may answer with failures."""
    failing = Acme(max_batch=2, batch_answer=[GOOD, Failure("transient", "later")])
    assert check_classifier(failing, KAYAK).ok


def test_a_classifier_that_cannot_be_pickled_for_its_key_is_not_wrong() -> None:
    """A key as text refuses to be pickled, as it should."""

    class Keyed(Acme):
        def __reduce__(self) -> Any:  # noqa: ANN401
            raise ConfigurationError("give the key as a callable")

    assert check_classifier(Keyed(), KAYAK).ok


@attrs.frozen
class Jpeg(Acme):
    """It takes JPEG only."""

    accepts: ImageLimits = attrs.field(factory=lambda: ImageLimits(formats={"JPEG"}))

    def classify(self, image: ProductImage, /) -> Any:  # noqa: ANN401
        """Reject what is none."""
        if not image.read().startswith(b"\xff\xd8\xff"):
            raise ImageRejected("no JPEG")
        return self.answer


class Trusting(Jpeg):
    """It relies on what it accepts."""

    def classify(self, image: ProductImage, /) -> Any:  # noqa: ANN401
        """Trip over anything else."""
        assert image.read().startswith(b"\xff\xd8\xff")
        return self.answer


def test_a_classifier_may_rely_on_what_it_accepts() -> None:
    """Bytes that a run would keep from it are kept from it here."""
    assert check_classifier(Trusting(), KAYAK).ok


def test_the_picture_is_made_to_fit_first() -> None:
    """A classifier that accepts JPEG gets one, and a picture that it does not accept is named."""
    assert check_classifier(Jpeg(), KAYAK).ok
    (problem,) = check_classifier(Jpeg(accepts=ImageLimits(min_side=5_000)), KAYAK).problems
    assert "does not fit what it accepts" in problem
