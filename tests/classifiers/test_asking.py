"""How a classifier is asked: in batches, at its pace, again where that can help, and never for nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from coveo_enrich import ProductImage, RetryPolicy
from coveo_enrich.classifiers import Classification, Failure, Label, asking
from coveo_enrich.classifiers.asking import Asker
from coveo_enrich.errors import (
    ConfigurationError,
    ImageRejected,
    ImageUnavailable,
    ServiceUnavailable,
    Throttled,
)

FAR_BEYOND = 30
"""Seconds after which what should have happened never will."""


@pytest.fixture(autouse=True)
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries, one right after the other."""
    monkeypatch.setattr(asking, "PATIENCE", RetryPolicy(attempts=3, first_wait_seconds=0, longest_wait_seconds=0))


class Service:
    """A classifier that answers with what it was told, one after the other, and remembers what it was asked."""

    name = "acme"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def classify(self, image: ProductImage, /) -> Classification:
        """Give or raise the next answer; when there is none, say that all is well."""
        self.asked.append(image.url)
        answer = self.answers.pop(0) if self.answers else Classification("acme", labels=[Label(image.url)])
        if isinstance(answer, BaseException):
            raise answer
        return cast("Classification", answer)


class BatchService(Service):
    """... several at once."""

    max_batch = 4

    def __init__(self, answer: Callable[[Sequence[ProductImage]], object] | None = None) -> None:
        super().__init__()
        self.answer = answer
        self.batches: list[list[str]] = []

    def classify_many(self, images: Sequence[ProductImage], /) -> Sequence[Classification | Failure]:
        """Answer for each, or as told."""
        self.batches.append([image.url for image in images])
        if self.answer:
            return cast("Sequence[Classification | Failure]", self.answer(images))
        return [Classification("acme", labels=[Label(image.url)]) for image in images]


def image(url: str = "1.jpg", load: Callable[[], bytes] = lambda: b"picture") -> ProductImage:
    """A picture."""
    return ProductImage(url, load=load)


@pytest.fixture
def ask() -> Iterator[Callable[..., Any]]:
    """Asks a service about pictures, each from a thread of its own, and returns the outcomes in their order."""
    askers: list[Asker] = []

    def do(service: Any, *images: ProductImage, calls_at_once: int = 1, on_call: Any = int) -> list[Any]:  # noqa: ANN401
        asker = Asker(service, calls_at_once=calls_at_once, reading=threading.Semaphore(4), on_call=on_call)
        askers.append(asker)
        with ThreadPoolExecutor(max(1, len(images))) as threads:
            return list(threads.map(asker.ask, images))

    yield do
    for asker in askers:
        asker.stop()
    assert not [one for one in threading.enumerate() if one.name.startswith("coveo-enrich-ask")]


def test_an_answer_is_handed_on_under_the_name_of_the_classifier(ask: Callable[..., Any]) -> None:
    """Rules believe a classifier by its name, whatever it signs its answers with."""
    (outcome,) = ask(Service(Classification("somebody else", labels=[Label("kayak")])), image())
    assert outcome == Classification("acme", labels=[Label("kayak")])


@pytest.mark.parametrize("passing", [ServiceUnavailable("later"), Throttled("slow down"), Throttled("slow down", 0)])
def test_what_may_pass_is_asked_again(ask: Callable[..., Any], passing: Exception) -> None:
    """Law 7: a service that does better the second time is asked a second time, and no third."""
    service = Service(passing)
    (outcome,) = ask(service, image())
    assert isinstance(outcome, Classification)
    assert len(service.asked) == 2


def test_what_does_not_pass_is_given_up(ask: Callable[..., Any]) -> None:
    """Law 7: after so many tries the failure says what came back, and that it may work later."""
    service = Service(*[ServiceUnavailable("later")] * 9)
    (outcome,) = ask(service, image())
    assert outcome == Failure("transient", "later", image="1.jpg", classifier="acme")
    assert len(service.asked) == 3


@pytest.mark.parametrize("final", [ImageRejected("no picture"), KeyError("labels"), Throttled("tomorrow", 3600)])
def test_what_cannot_help_is_not_repeated(ask: Callable[..., Any], final: Exception) -> None:
    """Law 7: a picture that never works, a bug, and a pause longer than anyone waits cost one call."""
    service = Service(final)
    (outcome,) = ask(service, image())
    assert isinstance(outcome, Failure)
    assert len(service.asked) == 1


def test_a_picture_that_its_own_host_does_not_send_is_no_failure_of_the_service(ask: Callable[..., Any]) -> None:
    """Law 9: the failure names no classifier, and the service is not asked again for the sake of the host."""

    def read_it(picture: ProductImage) -> bytes:
        return picture.read()

    class Reads(Service):
        def classify(self, image: ProductImage, /) -> Classification:
            self.asked.append(image.url)
            read_it(image)
            raise AssertionError

    def dead() -> bytes:
        raise ImageUnavailable("its host answered 503")

    service = Reads()
    (outcome,) = ask(service, image(load=dead))
    assert outcome == Failure("transient", "its host answered 503", image="1.jpg")
    assert len(service.asked) == 1


def test_a_configuration_error_is_raised_and_nothing_is_asked_after_it() -> None:
    """Law 12: a wrong key fails every picture; the first one tells."""
    service = Service(ConfigurationError("wrong key"))
    asker = Asker(service, calls_at_once=1, reading=threading.Semaphore(1), on_call=int)
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="wrong key"):
            asker.ask(image())
    asker.stop()
    assert len(service.asked) == 1


def test_pictures_that_wait_go_in_one_call(ask: Callable[..., Any]) -> None:
    """Eight pictures at once and a service that takes four: every picture its own answer, and no call over four."""
    service = BatchService()
    images = [image(f"{number}.jpg") for number in range(8)]
    outcomes = ask(service, *images)
    assert [outcome.labels[0].name for outcome in outcomes] == [one.url for one in images]
    sizes = [len(batch) for batch in service.batches]
    assert max(sizes) <= 4
    assert sum(sizes) + len(service.asked) == 8
    assert sizes


def test_one_failure_of_a_batch_is_asked_again_alone(ask: Callable[..., Any]) -> None:
    """Law 8: the pictures beside it have their answers and are not paid for again."""
    refused: list[str] = []

    def answer(images: Sequence[ProductImage]) -> Sequence[Classification | Failure]:
        first = [Failure("transient", "try again")] if not refused else []
        refused.extend(["x"] * len(first))
        return [*first, *(Classification("acme", labels=[Label(one.url)]) for one in images[len(first) :])]

    service = BatchService(answer)
    outcomes = ask(service, *[image(f"{number}.jpg") for number in range(4)])
    assert [outcome.labels[0].name for outcome in outcomes] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert sum(map(len, service.batches)) + len(service.asked) == 5


def test_a_batch_that_is_refused_for_one_picture_is_asked_about_one_by_one(ask: Callable[..., Any]) -> None:
    """A service that refuses all for the sake of one: the others have their answers."""

    def refuse(_: Sequence[ProductImage]) -> object:
        raise ImageRejected("one of them is no picture")

    service = BatchService(refuse)
    outcomes = ask(service, *[image(f"{number}.jpg") for number in range(4)])
    assert all(isinstance(outcome, Classification) for outcome in outcomes)
    assert sorted(service.asked) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


def _too_few(_: Sequence[ProductImage]) -> object:
    return []


def _too_many(images: Sequence[ProductImage]) -> object:
    return [*images, *images]


def _no_outcomes(images: Sequence[ProductImage]) -> object:
    return [None] * len(images)


@pytest.mark.parametrize("nonsense", [_too_few, _too_many, _no_outcomes])
def test_a_batch_answered_with_nonsense_blames_the_classifier(
    ask: Callable[..., Any], nonsense: Callable[[Any], object]
) -> None:
    """Law 1: too few outcomes, too many, or none that is one: each picture has a failure that says so."""

    class OnlyBatches(BatchService):
        def classify(self, image: ProductImage, /) -> Classification:
            (outcome,) = self.classify_many([image])
            return cast("Classification", outcome)

    outcomes = ask(OnlyBatches(nonsense), *[image(f"{number}.jpg") for number in range(4)])
    assert {(outcome.kind, outcome.classifier) for outcome in outcomes} == {("permanent", "acme")}


def test_a_service_is_asked_no_faster_than_it_declares() -> None:
    """Law 7: places for pictures, not for calls: a batch of four takes four of them."""
    pace = asking._pace_of(2.0)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    assert pace
    assert [pace.take(0.0), pace.take(0.0), pace.take(0.0, 4), pace.take(0.0)] == [0, 0, 2, 3]
    slow = asking._pace_of(0.5)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    assert slow
    assert [slow.take(0.0), slow.take(0.0), slow.take(0.0)] == [0, 2, 4]


def test_stopping_ends_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 11: a run that is left does not wait for pauses of a service."""
    monkeypatch.setattr(asking, "PATIENCE", RetryPolicy(attempts=3, longest_wait_seconds=3600))
    asked = threading.Event()

    class Slow(Service):
        def classify(self, image: ProductImage, /) -> Classification:
            asked.set()
            return super().classify(image)

    asker = Asker(Slow(Throttled("slow down", 3000)), calls_at_once=1, reading=threading.Semaphore(1), on_call=int)
    outcomes: list[Any] = []
    waiting = threading.Thread(target=lambda: outcomes.append(asker.ask(image())))
    waiting.start()
    assert asked.wait(FAR_BEYOND)
    begun = time.monotonic()
    asker.stop()
    waiting.join(FAR_BEYOND)
    assert time.monotonic() - begun < FAR_BEYOND
    assert outcomes[0].kind == "throttled"


def test_calls_are_counted_by_pictures(ask: Callable[..., Any]) -> None:
    """Law 8: what is paid for is the picture: the count is that of pictures, tries included."""
    counted: list[int] = []
    ask(Service(ServiceUnavailable("later")), image(), on_call=counted.append)
    assert counted == [1, 1]
