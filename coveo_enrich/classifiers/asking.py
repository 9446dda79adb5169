"""One classifier, asked from many threads: in batches, at its pace, and again where that can help.

The same way for every adapter, driven by what it declares. A picture is fetched and made to fit before it takes up a
call, so what fails there costs none. Which pictures are asked about, and what becomes of the answers, is decided in
`coveo_enrich.enrichment`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from typing import Final

from coveo_enrich._threads import Event
from coveo_enrich.classifiers.declared import Declared
from coveo_enrich.classifiers.outcomes import Asked, BatchRefused, Outcome, Unforeseen, Unread, asked_about, failure_of
from coveo_enrich.classifiers.protocols import Classifier
from coveo_enrich.classifiers.shared_limits import Caller, SharedLimits
from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.images.image import ProductImage
from coveo_enrich.images.limits import ImageLimits
from coveo_enrich.retry import RetryBudget, RetryPolicy, seconds_before_retry

__all__ = ["PATIENCE", "Asker", "fitted"]

PATIENCE: Final = RetryPolicy(attempts=6, first_wait_seconds=0.5, longest_wait_seconds=60, budget_seconds=1800)
"""How patiently a picture is asked about again: about 15 seconds, or what the service asks for."""
_LINGER_SECONDS: Final = 0.05
"""How long a batch that is not full waits for more pictures: little beside the call itself, and enough for those whose
turn came with the end of the last call."""
_LOOK_AGAIN_SECONDS: Final = 0.5
_ALLOWED_AGAIN_SECONDS: Final = 0.02
_FAREWELL_SECONDS: Final = 10.0
"""How long the calls under way are waited for when a run is left; an adapter may never come back."""
_CLOUD_STORAGE: Final = ("s3://", "gs://")
_LEFT: Final = "the run was left before it was asked"
_TOO_LONG: Final = "the service asked for a longer pause than is waited for"


_Settled = Asked | BaseException | None
"""What became of a picture; `None`: no call about it was allowed."""


def _no_matter(_outcome: Outcome) -> None:
    pass


def _no_settling(_pictures: int, _unread: int) -> None:
    pass


class _Ticket:
    """A picture on its way to an answer."""

    def __init__(self, image: ProductImage, on_answer: Callable[[Outcome], object]) -> None:
        self.image = image
        self._on_answer = on_answer
        self.outcome: _Settled = None
        self._settled = threading.Lock()
        self._settled.acquire()

    def settle(self, outcome: _Settled) -> None:
        self.outcome = outcome
        try:
            if isinstance(outcome, Classification | Failure):
                self._on_answer(outcome)
        except BaseException as error:  # noqa: BLE001 - raised where the outcome is waited for
            self.outcome = error
        finally:
            self._settled.release()

    def wait(self, seconds: float) -> bool:
        return self._settled.acquire(timeout=seconds)


class Asker:
    """Asks one classifier about pictures, from any thread; threads of its own make the calls.

    Args:
        classifier: The classifier.
        calls_at_once: The most calls under way at once.
        reading: Lets only so many pictures be fetched and prepared at once.
        take: Told how many pictures a call would be about, before it is made, and says about how many of them it may
            be, or `None` when that is not known before other calls have ended; called from several threads.
        settle: Told of each call that was allowed, once it has ended, about how many pictures it was to be, and how
            many of these its service was not asked about, as they could not be read.
        limits: Concurrency, pace and pauses shared with others that ask this classifier; `None` (default): its own.
        patience: How patiently a picture is asked about again; `None` (default): as a run over a catalog does.
        has_answered: Whether the classifier has said something about a picture before.
        goes_first: Whether its calls go before those of others that do not: a shopper waits for them.

    Attributes:
        declared: What the classifier declares.
        has_answered: Whether it has said something about a picture yet.

    Raises:
        ConfigurationError: The classifier declares something that cannot be.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        calls_at_once: int,
        reading: threading.Semaphore,
        take: Callable[[int], int | None],
        settle: Callable[[int, int], object] = _no_settling,
        limits: SharedLimits | None = None,
        patience: RetryPolicy | None = None,
        has_answered: bool = False,
        goes_first: bool = False,
    ) -> None:
        self.declared = Declared.of(classifier)
        self._classifier = classifier
        self._calls_at_once = calls_at_once
        self._reading = reading
        self._take = take
        self._settle = settle
        self._limits = limits or SharedLimits(calls_at_once, self.declared.images_per_second)
        self._patience = patience or PATIENCE
        self._budget = RetryBudget(self._patience.budget_seconds)
        self.has_answered = has_answered
        self._broken: ConfigurationError | None = None
        self._tickets = SimpleQueue[_Ticket | None]()
        self._gathering = threading.Lock()
        self._starting = threading.Lock()
        self._callers: list[threading.Thread] = []
        self._stopped = Event()
        self._farewell_until = 0.0
        self._caller = Caller(self._stopped, self._patience.longest_wait_seconds, goes_first)

    def ask(self, image: ProductImage, on_answer: Callable[[Outcome], object] = _no_matter) -> Outcome | None:
        """Say what is in a picture, or why that cannot be said; waits until it is known. `None`: it may not be asked.

        Args:
            image: The picture.
            on_answer: Told what became of each call about it before its thread makes another call, so that at no moment
                there are more answers that were paid for and not heard of than calls at once.

        Raises:
            ConfigurationError: No picture will work until something is mended.
        """
        try:
            ready = self._ready(image)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - a picture may be anything
            return failure_of(error, image.url, None)
        outcome: Outcome | None = None
        for failures in count(1):
            answered = self._ask_once(ready, on_answer)
            if answered is None:
                break
            outcome = answered
            seconds = self._seconds_before_retry(outcome, failures)
            if seconds is None or self._stopped.wait(seconds):
                break
        return outcome

    def begin_stop(self) -> None:
        """Ask nothing more, and wait for nothing: `stop` does."""
        if not self._stopped.is_set():
            self._farewell_until = time.monotonic() + _FAREWELL_SECONDS
            self._stopped.set()
        with self._starting:
            for _ in self._callers:
                self._tickets.put(None)

    def stop(self) -> None:
        """Ask nothing more; waits for the calls that are under way, until 10 seconds after the stop began at most."""
        self.begin_stop()
        for caller in self._callers:
            if caller is not threading.current_thread():  # where a run that nobody has any more may be cleared away
                with suppress(RuntimeError):  # Ctrl-C came while it was being started
                    caller.join(max(0.0, self._farewell_until - time.monotonic()))

    def _ready(self, image: ProductImage) -> ProductImage:
        """The picture as the classifier takes it; as it is, when it declares nothing."""
        if self.declared.accepts is None:
            return image
        with self._reading:
            return fitted(image, self.declared.accepts)

    def _ask_once(self, image: ProductImage, on_answer: Callable[[Outcome], object]) -> Outcome | None:
        ticket = _Ticket(image, on_answer)
        self._start_callers()
        self._tickets.put(ticket)
        while not ticket.wait(_LOOK_AGAIN_SECONDS):
            if self._stopped.is_set():
                return Failure("transient", _LEFT, image=image.url, classifier=self.declared.name)
        if isinstance(ticket.outcome, BaseException):
            raise ticket.outcome
        return ticket.outcome.failure if isinstance(ticket.outcome, Unforeseen | Unread) else ticket.outcome

    def _seconds_before_retry(self, outcome: Outcome, failures: int) -> float | None:
        if not isinstance(outcome, Failure) or outcome.kind not in ("transient", "throttled"):
            return None
        if outcome.classifier is None:  # it never reached one: its own host was asked again already
            return None
        seconds = seconds_before_retry(
            self._patience,
            failures=failures,
            retry_after=outcome.retry_after,
            jitter=random.random(),  # noqa: S311 - chance, not a secret
        )
        return seconds if seconds is not None and self._budget.take(seconds) else None

    def _start_callers(self) -> None:
        if self._callers:
            return
        with self._starting:
            if self._callers or self._stopped.is_set():
                return
            for number in range(self._calls_at_once):
                name = f"coveo-enrich-ask-{self.declared.name}_{number}"
                caller = threading.Thread(target=self._call_until_stopped, name=name, daemon=True)
                self._callers.append(caller)  # first, so that it is stopped although Ctrl-C comes meanwhile
                caller.start()

    def _call_until_stopped(self) -> None:
        while batch := self._gather():
            for ticket, outcome in zip(batch, self._outcomes_or_errors([one.image for one in batch]), strict=True):
                ticket.settle(outcome)

    def _outcomes_or_errors(self, images: Sequence[ProductImage]) -> Sequence[_Settled]:
        """What went wrong here is raised where the outcomes are waited for, or they would be waited for in vain."""
        try:
            return self._outcomes(images)
        except BaseException as error:  # noqa: BLE001 - as said
            return [error] * len(images)

    def _gather(self) -> list[_Ticket]:
        """The next pictures for one call; none when it is time to stop. One thread at a time, so that batches fill."""
        with self._gathering:
            first = self._tickets.get()
            batch = [] if first is None or self._stopped.is_set() else [first]
            until = time.monotonic() + _LINGER_SECONDS
            while batch and len(batch) < self.declared.max_batch:
                try:
                    ticket = self._tickets.get(timeout=max(0.0, until - time.monotonic()))
                except Empty:
                    break
                if ticket is None:
                    self._tickets.put(None)
                    break
                batch.append(ticket)
            return batch

    def _outcomes(self, images: Sequence[ProductImage]) -> Sequence[Asked | None]:
        if self._broken is not None:
            return [self._broken] * len(images)
        allowed = 0
        outcomes: Sequence[Asked | None] | BatchRefused = ()
        with self._limits.call(len(images), self._caller) as may_call:
            if not may_call:
                return [self._not_asked(image) for image in images]
            allowed = self._allowed(len(images))
            if allowed:
                outcomes = self._called(images[:allowed])
        if isinstance(outcomes, BatchRefused):  # which one it was is found by asking about each
            outcomes = [one for image in images[:allowed] for one in self._outcomes([image])]
        return [*outcomes, *[None] * (len(images) - allowed)]

    def _allowed(self, pictures: int) -> int:
        while (allowed := self._take(pictures)) is None:
            if self._stopped.wait(_ALLOWED_AGAIN_SECONDS):
                return 0
        return allowed

    def _called(self, images: Sequence[ProductImage]) -> Sequence[Asked | None] | BatchRefused:
        unread = 0
        try:
            outcomes = asked_about(self._classifier, self.declared.name, images)
            if isinstance(outcomes, BatchRefused):
                unread = 0 if outcomes.was_sent else len(images)
            else:
                unread = sum(isinstance(one, Unread) for one in outcomes)
        finally:
            self._settle(len(images), unread)
        if isinstance(outcomes, BatchRefused):
            return outcomes
        # Before anyone hears of it: whoever hears of an error next has to know whether there was a success.
        if any(isinstance(one, Classification) for one in outcomes):
            self.has_answered = self._limits.has_answered = True
        self._broken = self._broken or next((one for one in outcomes if isinstance(one, ConfigurationError)), None)
        self._heed_pauses(outcomes)
        return outcomes

    def _not_asked(self, image: ProductImage) -> Failure:
        if self._stopped.is_set():
            return Failure("transient", _LEFT, image=image.url, classifier=self.declared.name)
        seconds = self._limits.seconds_quiet
        return Failure("throttled", _TOO_LONG, image=image.url, classifier=self.declared.name, retry_after=seconds)

    def _heed_pauses(self, outcomes: Sequence[Asked]) -> None:
        """A pause that the service asks for is for every call."""
        asked = [one.retry_after or 0.0 for one in outcomes if isinstance(one, Failure) and one.kind == "throttled"]
        self._limits.keep_quiet(max(asked, default=0.0))


def fitted(image: ProductImage, limits: ImageLimits) -> ProductImage:
    """The picture within limits; one that lies in a cloud's storage stays there, for its classifier to read or refuse.

    Raises:
        ImageRejected: It cannot be made to fit, or not be had.
        ImageUnavailable: Its host did not send it.
        MissingExtraError: Pillow is needed, and not installed.
    """
    from coveo_enrich.images.prepare import prepare  # noqa: PLC0415 - Pillow is loaded by the first picture

    if image.url.lower().startswith(_CLOUD_STORAGE):
        return image
    return ProductImage.from_bytes(prepare(image.read(), limits).data, url=image.url)
