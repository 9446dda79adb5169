"""The checker of classifiers: it names what is wrong with one, and raises nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from coveo_enrich import ProductImage
from coveo_enrich.classifiers import Classification, ColorClassifier, Failure, Label, check_classifier
from coveo_enrich.errors import ConfigurationError, ImageRejected
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

    def classify(self, image: ProductImage, /) -> Any:  # noqa: ANN401
        """Answer as told, and reject what is no picture."""
        if image.read().startswith(b"<!doctype"):
            raise ImageRejected("no picture")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def classify_many(self, images: Sequence[ProductImage], /) -> Any:  # noqa: ANN401
        """Answer as told, or for each."""
        if isinstance(self.batch_answer, Exception):
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


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
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


def test_the_picture_is_made_to_fit_first() -> None:
    """A classifier that accepts JPEG gets one, and a picture that it does not accept is named."""
    assert check_classifier(Jpeg(), KAYAK).ok
    (problem,) = check_classifier(Jpeg(accepts=ImageLimits(min_side=5_000)), KAYAK).problems
    assert "does not fit what it accepts" in problem
