"""How a classifier is asked: in batches, at its pace, again where that can help, and never for nothing."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
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


def takes_all(counted: list[int]) -> Callable[[int], int]:
    """Allow every call, and count its pictures."""

    def take(pictures: int) -> int:
        counted.append(pictures)
        return pictures

    return take


@pytest.fixture
def ask() -> Iterator[Callable[..., Any]]:
    """Asks a service about pictures, each from a thread of its own, and returns the outcomes in their order."""
    askers: list[Asker] = []

    def do(service: Any, *images: ProductImage, calls_at_once: int = 1, take: Any = int) -> list[Any]:  # noqa: ANN401
        asker = Asker(service, calls_at_once=calls_at_once, reading=threading.Semaphore(4), take=take)
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
    asker = Asker(service, calls_at_once=1, reading=threading.Semaphore(1), take=int)
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


def test_a_refused_batch_costs_every_picture_another_call_that_is_counted(ask: Callable[..., Any]) -> None:
    """Law 8: the batch was paid for, and so is each picture that is asked about alone."""

    def refuse(_: Sequence[ProductImage]) -> object:
        raise ImageRejected("one of them is no picture")

    counted: list[int] = []
    service = BatchService(refuse)
    ask(service, *[image(f"{number}.jpg") for number in range(4)], take=takes_all(counted))
    assert sum(counted) == sum(map(len, service.batches)) + len(service.asked)


def test_a_dead_host_of_one_picture_does_not_fail_its_batch(ask: Callable[..., Any]) -> None:
    """Law 1: a batch reads its pictures itself; the others have their answers, and the service is not blamed."""

    class Reads(BatchService):
        def classify(self, image: ProductImage, /) -> Classification:
            image.read()
            return super().classify(image)

        def classify_many(self, images: Sequence[ProductImage], /) -> Sequence[Classification | Failure]:
            self.batches.append([image.read().decode() for image in images])
            return [Classification("acme", labels=[Label(image.url)]) for image in images]

    def dead() -> bytes:
        raise ImageUnavailable("its host answered 503")

    dead_one, *others = ask(Reads(), image("dead.jpg", dead), *[image(f"{number}.jpg") for number in range(3)])
    assert dead_one == Failure("transient", "its host answered 503", image="dead.jpg")
    assert [outcome.labels[0].name for outcome in others] == ["0.jpg", "1.jpg", "2.jpg"]


def _too_few(_: Sequence[ProductImage]) -> object:
    return []


def _too_many(images: Sequence[ProductImage]) -> object:
    return [*images, *images]


def _no_outcomes(images: Sequence[ProductImage]) -> object:
    return [None] * len(images)


def _endless(_: Sequence[ProductImage]) -> object:
    return repeat(Classification("acme"))


def _exits(_: Sequence[ProductImage]) -> object:
    raise SystemExit(1)


def _nothing(_: Sequence[ProductImage]) -> object:
    return None


@pytest.mark.parametrize("nonsense", [_too_few, _too_many, _no_outcomes, _endless, _exits, _nothing])
def test_a_batch_answered_with_nonsense_blames_the_classifier(
    ask: Callable[..., Any], nonsense: Callable[[Any], object]
) -> None:
    """Law 1: too few outcomes, too many, no end of them, or none: each picture has a failure that says so."""

    class OnlyBatches(BatchService):
        def classify(self, image: ProductImage, /) -> Classification:
            (outcome,) = self.classify_many([image])
            return cast("Classification", outcome)

    outcomes = ask(OnlyBatches(nonsense), *[image(f"{number}.jpg") for number in range(4)])
    assert {(outcome.kind, outcome.classifier) for outcome in outcomes} == {("permanent", "acme")}


def test_a_pause_longer_than_anyone_waits_is_kept_without_a_call() -> None:
    """Law 7: a quota that is used up for an hour costs the rest of a catalog neither calls nor an hour."""
    service = Service(Throttled("no more today", 3600))
    asker = Asker(service, calls_at_once=1, reading=threading.Semaphore(4), take=int)
    assert asker.ask(image()).retry_after == 3600  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue]
    outcomes = [asker.ask(image()) for _ in range(3)]
    asker.stop()
    assert len(service.asked) == 1
    assert {(one.kind, one.reason) for one in outcomes if isinstance(one, Failure)} == {
        ("throttled", "the service asked for a longer pause than is waited for")
    }
    assert all(isinstance(one, Failure) and one.retry_after and one.retry_after > 3000 for one in outcomes)


def test_stopping_ends_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 11: a run that is left does not wait for pauses of a service."""
    monkeypatch.setattr(asking, "PATIENCE", RetryPolicy(attempts=3, longest_wait_seconds=3600))
    asked = threading.Event()

    class Slow(Service):
        def classify(self, image: ProductImage, /) -> Classification:
            asked.set()
            return super().classify(image)

    asker = Asker(Slow(Throttled("slow down", 3000)), calls_at_once=1, reading=threading.Semaphore(1), take=int)
    outcomes: list[Any] = []
    waiting = threading.Thread(target=lambda: outcomes.append(asker.ask(image())))
    waiting.start()
    assert asked.wait(FAR_BEYOND)
    begun = time.monotonic()
    asker.stop()
    waiting.join(FAR_BEYOND)
    assert time.monotonic() - begun < FAR_BEYOND
    assert outcomes[0].kind == "throttled"


def test_nothing_is_started_once_it_is_stopped() -> None:
    """Law 11: a picture that comes while everything is being stopped leaves no thread behind."""
    asker = Asker(Service(), calls_at_once=4, reading=threading.Semaphore(1), take=int)

    class StoppedMeanwhile:
        def __enter__(self) -> None:
            asker._stopped.set()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

        def __exit__(self, *_: object) -> None:
            """Do nothing more."""

    vars(asker)["_starting"] = StoppedMeanwhile()
    assert isinstance(asker.ask(image()), Failure)
    assert not [one for one in threading.enumerate() if one.name.startswith("coveo-enrich-ask")]


def test_calls_are_counted_by_pictures(ask: Callable[..., Any]) -> None:
    """Law 8: what is paid for is the picture: the count is that of pictures, tries included."""
    counted: list[int] = []
    ask(Service(ServiceUnavailable("later")), image(), take=takes_all(counted))
    assert counted == [1, 1]


def takes(places: int) -> Callable[[int], int]:
    """Allow calls about so many pictures, all of them together."""
    left = [places]

    def take(pictures: int) -> int:
        allowed = min(left[0], pictures)
        left[0] -= allowed
        return allowed

    return take


def test_a_picture_is_not_asked_about_again_beyond_what_is_allowed(ask: Callable[..., Any]) -> None:
    """Law 8: a try that may not be repeated leaves the failure that it came to; one that is not made leaves none."""
    service = Service(ServiceUnavailable("later"))
    (failed,) = ask(service, image(), take=takes(1))
    assert (failed.kind, len(service.asked)) == ("transient", 1)
    assert ask(service, image(), take=takes(0)) == [None]
    assert len(service.asked) == 1


def test_of_a_batch_as_many_are_asked_about_as_are_allowed(ask: Callable[..., Any]) -> None:
    """Law 8: a call that would be about too many pictures is about fewer, and after a refusal about no more of them."""
    service = BatchService()
    outcomes = ask(service, *[image(f"{number}.jpg") for number in range(4)], take=takes(3))
    assert sum(isinstance(one, Classification) for one in outcomes) == sum(map(len, service.batches)) == 3
    assert outcomes.count(None) == 1

    def refuse(_: Sequence[ProductImage]) -> object:
        raise ImageRejected("one of them is no picture")

    refusing = BatchService(refuse)
    outcomes = ask(refusing, *[image(f"{number}.jpg") for number in range(4)], take=takes(6))
    assert sum(map(len, refusing.batches)) + len(refusing.asked) == 6
    assert len(outcomes) == 4


@pytest.mark.parametrize("error", [ConnectionResetError("reset"), TimeoutError("slow")])
def test_a_broken_connection_is_asked_again(ask: Callable[..., Any], error: Exception) -> None:
    """Law 7: an adapter that lets its connection's own error through is asked again, as that may pass."""
    service = Service(error)
    (answer,) = ask(service, image())
    assert isinstance(answer, Classification)
    assert len(service.asked) == 2


class Untold(Exception):
    """An error that cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError


class Odd(Classification):
    """One that was not made as it should be."""

    def __init__(self) -> None:
        """Set nothing."""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (asyncio.CancelledError(), "CancelledError"),
        (GeneratorExit(), "GeneratorExit"),
        (StopIteration(), "StopIteration"),
        (MemoryError(), "MemoryError"),
        (Untold(), "Untold"),
        (ImageRejected(cast("str", {"code": 3})), "'code': 3"),
        (ImageRejected(cast("str", None)), "None"),
        (ImageRejected("x" * 1_000_000), "x" * 1_000),
        (Odd(), "AttributeError"),
        (None, "NoneType"),
        ({"color": "red"}, "dict"),
        (Failure(cast("Any", "oops"), "what is that"), "what is that"),
        (Failure("permanent", cast("str", {"code": 3})), "'code': 3"),
    ],
)
def test_whatever_an_adapter_does_the_picture_has_an_outcome(
    ask: Callable[..., Any], answer: object, reason: str
) -> None:
    """Law 1: nobody waits for ever for an adapter that raises or returns what it should not."""
    service = Service(answer)
    odd, good = ask(service, image(), image())
    odd, good = (odd, good) if isinstance(odd, Failure) else (good, odd)
    assert (odd.kind, odd.classifier, odd.image) == ("permanent", "acme", "1.jpg")
    assert reason in odd.reason
    assert len(odd.reason) <= 1_100
    assert isinstance(good, Classification)
    assert len(service.asked) == 2


@pytest.mark.parametrize("nonsense", ["5", -1, math.nan, True, object()])
@pytest.mark.parametrize("kind", [Throttled, ServiceUnavailable])
def test_a_pause_that_is_no_time_is_none(ask: Callable[..., Any], kind: Any, nonsense: Any) -> None:  # noqa: ANN401
    """Law 7: the picture is asked about again as if nothing had been said, and the budget stays a number."""
    service = Service(kind("slow down", nonsense), Failure("throttled", "slow down", retry_after=nonsense))
    (outcome,) = ask(service, image())
    assert isinstance(outcome, Classification)
    assert len(service.asked) == 3


def test_a_configuration_error_without_a_text_is_one_all_the_same(ask: Callable[..., Any]) -> None:
    """Law 12: a message made of what a service answered can be printed."""
    with pytest.raises(ConfigurationError, match="'code': 7"):
        ask(Service(ConfigurationError(cast("str", {"code": 7}))), image())


def test_what_goes_wrong_on_the_way_to_a_call_is_raised() -> None:
    """A mistake of this library's own is heard of by whoever waits, who would wait for ever otherwise."""

    def broken(_: int) -> int:
        raise ZeroDivisionError

    asker = Asker(Service(), calls_at_once=1, reading=threading.Semaphore(1), take=broken)
    with pytest.raises(ZeroDivisionError):
        asker.ask(image())
    asker.stop()


def test_a_call_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 11: a run is left although its adapters do not come back; a thread ends when its call does.

    The time begins when all are told, so that several adapters are waited for no longer than one.
    """
    monkeypatch.setattr(asking, "_FAREWELL_SECONDS", 0)
    begun, end = threading.Event(), threading.Event()

    class Endless(Service):
        def classify(self, image: ProductImage, /) -> Classification:
            begun.set()
            end.wait()
            return super().classify(image)

    asker = Asker(Endless(), calls_at_once=1, reading=threading.Semaphore(1), take=int)
    outcomes: list[object] = []
    waiting = threading.Thread(target=lambda: outcomes.append(asker.ask(image())))
    waiting.start()
    assert begun.wait(FAR_BEYOND)
    asker.begin_stop()
    monkeypatch.setattr(asking, "_FAREWELL_SECONDS", 100 * FAR_BEYOND)
    asker.stop()
    waiting.join(FAR_BEYOND)
    assert isinstance(outcomes[0], Failure)
    (caller,) = [one for one in threading.enumerate() if one.name.startswith("coveo-enrich-ask")]
    end.set()
    caller.join(FAR_BEYOND)
    assert not caller.is_alive()


def test_stopping_from_a_call_does_not_wait_for_itself() -> None:
    """A run that nobody has any more is cleared away by whatever thread comes along, one of its own perhaps."""
    raised: list[BaseException] = []

    class Stops(Service):
        def classify(self, image: ProductImage, /) -> Classification:
            try:
                asker.stop()
            except BaseException as error:  # looked at below
                raised.append(error)
                raise
            return super().classify(image)

    asker = Asker(Stops(), calls_at_once=1, reading=threading.Semaphore(1), take=int)
    asker.ask(image())
    assert raised == []
