"""Asks a service that is described by an `HttpService`. Each call is made once.

How a request is filled in, how answers are read and how keys are shown stand in the modules beside this one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, cast

import attrs
from typing_extensions import override

from coveo_enrich.classifiers.http.auth import Auth, Credentials
from coveo_enrich.classifiers.http.hiding import cleaned, hidden
from coveo_enrich.classifiers.http.paths import AnswerPaths
from coveo_enrich.classifiers.http.request import request_for
from coveo_enrich.classifiers.http.service import HttpService, Observation
from coveo_enrich.classifiers.http.status import error_of, failure_of, value_at
from coveo_enrich.classifiers.http.templates import Picture
from coveo_enrich.classifiers.outcomes import in_words
from coveo_enrich.classifiers.service_calls import ServiceCalls, require_success, retry_after
from coveo_enrich.classifiers.values import Attribute, Classification, Color, Failure, Label
from coveo_enrich.errors import (
    ClassifierError,
    ConfigurationError,
    CoveoEnrichError,
    ImageRejected,
    ServiceUnavailable,
    shown,
)
from coveo_enrich.images.image import ProductImage
from coveo_enrich.images.limits import ImageLimits

if TYPE_CHECKING:
    from coveo_enrich._http import Reply

__all__ = ["Explanation", "HttpClassifier"]

_NO_JSON: Final = object()
_READ_OF_A_REFUSAL: Final = 10_000  # characters, of which a message shows some
_Outcome = TypeVar("_Outcome", Classification | Failure, Failure)


@attrs.frozen
class Explanation:
    """What is read from a sample answer; print it.

    Attributes:
        outcomes: What each picture of the sample would get: one, unless the service takes batches.
        unmatched: The expressions that read nothing from any of them.
    """

    outcomes: tuple[Classification | Failure, ...]
    unmatched: tuple[str, ...] = ()

    @override
    def __str__(self) -> str:
        several = len(self.outcomes) > 1
        lines: list[str] = []
        for number, outcome in enumerate(self.outcomes, 1):
            lines += [f"picture {number}"] if several else []
            lines += _lines(outcome)
        return "\n".join([*lines, *(f"matched nothing: {expression}" for expression in self.unmatched)])


@attrs.frozen(slots=False)
class HttpClassifier:
    """Asks any service that speaks HTTP and JSON.

    Attributes:
        name: Who says so: stands in the evidence of every value.
        service: What it is asked, and how its answer is read.
        auth: How it is shown a key; default not at all.

    Raises:
        ConfigurationError: An expression of the service is no JMESPath.
        MissingExtraError: The service is read by `AnswerPaths`, and the extra ``http`` is not installed.
    """

    name: str
    service: HttpService
    auth: Auth | None = attrs.field(default=None, kw_only=True)
    _calls: ServiceCalls = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.service.parse, AnswerPaths):
            self.service.parse.check()
        object.__setattr__(self, "_calls", ServiceCalls(self.name))

    @property
    def fingerprint(self) -> str:
        """Changes with anything in the service that can change an answer; never with a key."""
        return f"{self.name}/{self.service.fingerprint}"

    @property
    def max_batch(self) -> int:
        """The most pictures in one call."""
        return self.service.batch.size if self.service.batch else 1

    @property
    def accepts(self) -> ImageLimits | None:
        """What pictures it takes; `None` when it is only told where they are."""
        return self.service.accepts if self.service.takes_bytes else None

    @property
    def images_per_second(self) -> float | None:
        """The most pictures that it may be asked about in a second."""
        return self.service.images_per_second

    def classify(self, image: ProductImage, /) -> Classification:
        """Say what is in the picture.

        Raises:
            ImageRejected: The service cannot work with this picture, or its answer cannot be read.
            Throttled: The service asks for a pause.
            ServiceUnavailable: It may work later.
            ConfigurationError: The key, the account or the address is wrong.
        """
        (outcome,) = self._asked([self._picture(image)])
        if isinstance(outcome, Failure):
            raise error_of(outcome)
        return outcome

    def classify_many(self, images: Sequence[ProductImage], /) -> Sequence[Classification | Failure]:
        """Say what is in each of at most ``max_batch`` pictures, in one call.

        Raises:
            ImageRejected: The service refused the whole call.
            Throttled: The service asks for a pause.
            ServiceUnavailable: It may work later.
            ConfigurationError: The key, the account or the address is wrong, or there are too many pictures.
        """
        if len(images) > self.max_batch:
            raise ConfigurationError(
                f"{self.name} takes at most {self.max_batch} pictures in one call; got {len(images)}"
            )
        pictures = [self._picture_or_failure(image) for image in images]
        ready = [one for one in pictures if isinstance(one, Picture)]
        answered = iter(self._asked(ready) if ready else ())
        outcomes = [next(answered) if isinstance(one, Picture) else one for one in pictures]
        return [
            attrs.evolve(outcome, image=image.url) if isinstance(outcome, Failure) else outcome
            for outcome, image in zip(outcomes, images, strict=True)
        ]

    def explain(self, sample: object) -> Explanation:
        """Show what is read from a sample of the service's answers; asks nobody.

        Args:
            sample: The JSON of an answer, as text or as Python values.
        """
        try:
            answer = _json_of(sample) if isinstance(sample, str | bytes) else sample
            if answer is _NO_JSON:
                raise ImageRejected("the sample is no JSON")
            outcomes = self._read(answer, None, ())
        except (ClassifierError, ConfigurationError) as error:
            return Explanation((self._signed(failure_of(error)),))
        return Explanation(tuple(outcomes), self._unmatched(answer))

    def close(self) -> None:
        """Release connections; the next call makes new ones."""
        self._calls.close()

    def _unmatched(self, sample: object) -> tuple[str, ...]:
        parse = self.service.parse
        if not isinstance(parse, AnswerPaths):
            return ()
        try:
            missed = [parse.unmatched(item) for item in self._items(sample, None)]
        except ImageRejected:
            return ()
        return tuple(one for one in (missed[0] if missed else ()) if all(one in others for others in missed))

    def _picture(self, image: ProductImage) -> Picture:
        if "image_url" in self.service.placeholders and cleaned(image.url, ()) != image.url:
            raise ImageRejected(f"{shown(image.url)} cannot be sent: it holds half of a character")
        if not self.service.takes_bytes:
            if not image.url.lower().startswith(("https://", "http://")):
                raise ImageRejected(f"{self.name} fetches pictures itself, and {shown(image.url)} is no web address")
            return Picture(image.url)
        from coveo_enrich.images.prepare import prepare  # noqa: PLC0415 - Pillow is loaded by the first picture

        prepared = prepare(image.read(), self.service.accepts)
        return Picture(image.url, prepared.data, prepared.mime)

    def _picture_or_failure(self, image: ProductImage) -> Picture | Failure:
        try:
            return self._picture(image)
        except ClassifierError as error:
            return self._signed(failure_of(error))

    def _asked(self, pictures: Sequence[Picture]) -> list[Classification | Failure]:
        """The outcomes of one call."""
        credentials = self.auth.credentials() if self.auth else Credentials()
        request = request_for(self.service, pictures, credentials)
        reply = self._calls.send(self.service.method, request.url, headers=request.headers, content=request.content)
        answer = _json_of(reply.body, credentials.secrets)
        if not reply.ok:
            raise self._refusal(reply, answer, credentials.secrets)
        if answer is _NO_JSON:
            raise ServiceUnavailable(
                f"{self.name} answered {reply.status} with something that is no JSON", _wait(reply)
            )
        return self._read(answer, len(pictures), credentials.secrets, _wait(reply))

    def _refusal(self, reply: Reply, answer: object, secrets: tuple[str, ...]) -> ClassifierError | ConfigurationError:
        """What a status that is not 2xx comes to: what its body says of itself, if that is known."""
        errors, wait = self.service.errors, _wait(reply)
        if wait is None and errors:
            wait = errors.seconds(answer)
        failure = errors.failure(answer) if errors and errors.knows(answer) else None
        if failure is None:
            is_json = answer is not _NO_JSON
            text = json.dumps(answer, ensure_ascii=False) if is_json else reply.body.decode("utf-8", "replace")
            said = attrs.evolve(reply, body=hidden(text[:_READ_OF_A_REFUSAL], secrets).encode())
            failure = failure_of(_raised(lambda: require_success(self.name, said)))
        return error_of(self._signed(attrs.evolve(failure, retry_after=wait), secrets))

    def _read(
        self, answer: object, count: int | None, secrets: tuple[str, ...], wait: float | None = None
    ) -> list[Classification | Failure]:
        """The outcomes that an answer holds."""
        whole = self.service.errors.failure(answer) if self.service.errors else None
        if whole and whole.kind != "permanent":
            raise error_of(self._signed(whole if wait is None else attrs.evolve(whole, retry_after=wait), secrets))
        try:
            items = self._items(answer, count)
        except ServiceUnavailable as error:
            raise error_of(self._signed(whole, secrets)) if whole else error  # noqa: B904 - the answer says more
        version = self._version(answer)
        return [self._signed(self._one(item, whole, version), secrets) for item in items]

    def _items(self, answer: object, count: int | None) -> list[object]:
        """The answer's part for each picture."""
        batch = self.service.batch
        if batch is None:
            return [answer]
        items = value_at(answer, batch.answers)
        if not isinstance(items, list):
            raise ServiceUnavailable(f"{self.name} answered without a list at {batch.answers or 'the top'}")
        found = cast("list[object]", items)
        if count is not None and len(found) != count:
            raise ServiceUnavailable(f"{self.name} answered about {len(found)} pictures when asked about {count}")
        return found

    def _one(self, item: object, whole: Failure | None, version: str | None) -> Classification | Failure:
        errors = self.service.batch.errors if self.service.batch else None
        failure = (errors.failure(item) if errors else None) or whole
        if failure:
            return failure
        try:
            return _classification(self.name, self.service.parse(item), self._version(item) or version)
        except ConfigurationError:
            raise
        except ClassifierError as error:
            return failure_of(error)
        except Exception as error:  # noqa: BLE001 - a service may answer anything, and a parse function raise anything
            return Failure("permanent", f"the answer cannot be read ({shown(in_words(error))})")

    def _version(self, answer: object) -> str | None:
        found = value_at(answer, self.service.model_version) if self.service.model_version else None
        return str(found) if isinstance(found, str | int | float) else None

    def _signed(self, outcome: _Outcome, secrets: tuple[str, ...] = ()) -> _Outcome:
        """A failure with the service's name and without its key; an answer as it is."""
        if not isinstance(outcome, Failure):
            return outcome
        reason = hidden(outcome.reason, secrets)
        named = reason.startswith((f"{self.name} ", f"{self.name}: "))
        return attrs.evolve(outcome, reason=reason if named else f"{self.name}: {reason}", classifier=self.name)


def _classification(name: str, read: Iterable[object] | Classification, version: str | None) -> Classification:
    if isinstance(read, Classification):
        read = attrs.evolve(read, classifier=name, model_version=read.model_version or version)
    else:
        read = _sorted(name, list(read), version)
    scored: tuple[Observation, ...] = (*read.labels, *read.attributes, *read.colors)
    if any(isinstance(one.confidence, bool) for one in scored):
        raise TypeError("a confidence is a number; got a boolean")
    return read


def _sorted(name: str, seen: Sequence[object], version: str | None) -> Classification:
    odd = next((one for one in seen if not isinstance(one, Label | Attribute | Color)), None)
    if odd is not None:
        raise TypeError(f"parse gives Label, Attribute and Color; got {type(odd).__name__}")
    return Classification(
        name,
        labels=sorted((one for one in seen if isinstance(one, Label)), key=_unsureness),
        attributes=tuple(one for one in seen if isinstance(one, Attribute)),
        colors=sorted((one for one in seen if isinstance(one, Color)), key=_unsureness),
        model_version=version,
    )


def _unsureness(one: Label | Color) -> float:
    return 1.0 if one.confidence is None else -one.confidence


def _json_of(body: str | bytes, secrets: tuple[str, ...] = ()) -> object:
    """The JSON of an answer, cleaned; `_NO_JSON` when it holds none: an error would hold all of it."""
    try:
        return cleaned(json.loads(body), secrets)
    except (ValueError, RecursionError):
        return _NO_JSON


def _raised(call: Callable[[], object]) -> CoveoEnrichError:
    try:
        call()
    except CoveoEnrichError as error:
        return error
    raise AssertionError  # a status that is not 2xx raises


def _wait(reply: Reply) -> float | None:
    """Seconds that the headers of a reply ask to wait."""
    milliseconds = reply.headers.get("retry-after-ms", "")
    is_number = milliseconds.isascii() and milliseconds.isdecimal()
    seconds = float(milliseconds) / 1000 if is_number else retry_after(reply)
    return seconds if seconds is not None and seconds < math.inf else None


def _lines(outcome: Classification | Failure) -> list[str]:
    if isinstance(outcome, Failure):
        return [f"failure ({outcome.kind}): {outcome.reason}"]
    lines = [f"label {shown(one.name)}{_score(one.confidence)}" for one in outcome.labels]
    lines += [f"attribute {shown(one.name)} = {shown(one.value)}{_score(one.confidence)}" for one in outcome.attributes]
    lines += [f"color {shown(one.name)}{_score(one.confidence)}" for one in outcome.colors]
    return lines or ["nothing was seen"]


def _score(confidence: float | None) -> str:
    return "  not scored" if confidence is None else f"  {confidence:.3f}"
