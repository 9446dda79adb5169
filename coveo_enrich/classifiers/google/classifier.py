"""The classifier: settings, one call for up to 16 pictures, and what became of each.

How the JSON looks is not known here, and nothing is asked twice but where a token has to be renewed: that is decided in
`coveo_enrich.classifiers.asking`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, get_args
from urllib.parse import quote, urlsplit

import attrs

from coveo_enrich._secrets import Key, check_optional_key, refuse_to_pickle
from coveo_enrich.classifiers.google.answers import NAME, SERVICE, is_out_of_reach, read_answers, read_picture
from coveo_enrich.classifiers.google.credentials import ApplicationDefault, Authorization
from coveo_enrich.classifiers.google.requests import (
    FEATURES,
    LIMITS,
    MAX_BATCH,
    Feature,
    Question,
    Region,
    address,
    by_bytes,
    by_url,
    goes_by_bytes,
    goes_by_url,
)
from coveo_enrich.classifiers.service_calls import ServiceCalls, key_for_call
from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.errors import (
    ClassifierError,
    ConfigurationError,
    ImageRejected,
    ImageUnavailable,
    ServiceUnavailable,
    Throttled,
)
from coveo_enrich.images.image import ProductImage
from coveo_enrich.images.limits import ImageLimits
from coveo_enrich.images.prepare import prepare
from coveo_enrich.retry import require_count

if TYPE_CHECKING:
    from coveo_enrich._http import Reply

__all__ = ["GoogleVisionClassifier"]

_JSON: Final = {"Content-Type": "application/json"}
_USUAL_RATE: Final = 25
_USUAL_RATE_BY_URL: Final = 15  # each of them may be asked about twice in its turn

_Form = dict[str, Any]
"""A picture as a request holds it."""


def _in_order(features: Iterable[Feature]) -> tuple[Feature, ...]:
    named = set(features)
    if isinstance(features, str) or not named or not named <= FEATURES.keys():
        raise ConfigurationError(f"features must be some of {', '.join(FEATURES)}; got {features!r}")
    return tuple(name for name in FEATURES if name in named)


def _check_choice(*choices: str | None) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value not in choices:
            raise ConfigurationError(f"{attribute.name} must be one of {', '.join(map(str, choices))}; got {value!r}")

    return check


def _strip_slash(value: str | None) -> str | None:
    return value.rstrip("/") if isinstance(value, str) else value


def _check_host(_instance: object, attribute: attrs.Attribute[Any], value: str | None) -> None:
    if value is None:
        return
    try:
        parts = urlsplit(value)
        plain = f"{parts.scheme}://{parts.netloc}" == value and parts.hostname and parts.port != 0
    except ValueError:
        raise _no_host(attribute.name) from None
    google_in_clear = parts.scheme == "http" and (parts.hostname or "").rstrip(".").endswith("googleapis.com")
    if not plain or parts.scheme not in ("http", "https") or google_in_clear or "@" in parts.netloc:
        raise _no_host(attribute.name)


def _no_host(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} must be an http or https address (https for Google's own hosts) without path, credentials or query, "
        "such as https://vision.googleapis.com"
    )


def _usual_rate(classifier: GoogleVisionClassifier) -> float:
    return _USUAL_RATE if classifier.sends == "bytes" else _USUAL_RATE_BY_URL


def _application_default(classifier: GoogleVisionClassifier) -> ApplicationDefault:
    return ApplicationDefault(classifier.project)


@attrs.frozen(kw_only=True)
class GoogleVisionClassifier:
    """Asks Google Cloud Vision what is in pictures.

    With an API key it needs nothing else; without one it uses the Application Default Credentials of the environment,
    which needs the extra ``google``. One classifier serves all pictures and all threads. It pickles, unless it holds a
    key as text; a callable travels.

    What comes of it: labels and, with their box, objects are `Label`; a logo is an `Attribute` ``logo``; the text in
    the picture is one `Attribute` ``text``, which Google does not score; the dominant colours of the whole picture,
    its background included, are `Color`, named as `ColorClassifier` names them. **The confidence of a colour is the
    share of the picture's pixels that have it**, its raw score Google's own score. Google does not tell which model
    answered; ``model_version`` is the one that was asked for.

    Every feature is billed for every picture.

    Attributes:
        api_key: A key, as text or as a callable that returns it; `None`: Application Default Credentials.
        features: What to look for: some of ``labels``, ``objects``, ``colors``, ``text`` and ``logos``.
        max_labels: The most labels for a picture; 1 or more, default 15.
        model: The model that finds labels, such as ``builtin/latest``; `None` leaves it to Google, which takes
            ``builtin/stable``.
        region: ``eu`` or ``us``: pictures are processed only there; `None`: anywhere.
        project: The project that pays, for Application Default Credentials that name none (they need the role Service
            Usage Consumer in it); with a region it is part of the address.
        sends: ``bytes`` (default) fetches a picture and sends it, at most 1,024 pixels wide and high and so small that
            16 fit into the 10 MB of one call. ``url`` lets Google fetch what has an http, https or gs URL, which it
            advises against for production; what it cannot have from the web it gets as bytes, once, in a second
            call.
        images_per_second: The most pictures in a second, over all threads; default 25, as Google's quota of 1,800 a
            minute counts every picture of a call, and 15 by URL, where a picture may count twice. `None`: no limit.
        api_url: Another host than Google's own.

    Raises:
        ConfigurationError: A value is out of its range, or has no effect.
    """

    api_key: Key | None = attrs.field(default=None, repr=False, validator=check_optional_key)
    features: tuple[Feature, ...] = attrs.field(default=("labels", "objects", "colors"), converter=_in_order)
    max_labels: int = 15
    model: str | None = None
    region: Region | None = attrs.field(default=None, validator=_check_choice(None, *get_args(Region)))
    project: str | None = None
    sends: Literal["bytes", "url"] = attrs.field(default="bytes", validator=_check_choice("bytes", "url"))
    images_per_second: float | None = attrs.field(default=attrs.Factory(_usual_rate, takes_self=True))
    api_url: str | None = attrs.field(default=None, validator=_check_host, converter=_strip_slash)
    _calls: ServiceCalls = attrs.field(init=False, repr=False, eq=False, factory=lambda: ServiceCalls(SERVICE))
    _default: ApplicationDefault = attrs.field(
        init=False,
        repr=False,
        eq=False,
        default=attrs.Factory(_application_default, takes_self=True),
    )

    def __attrs_post_init__(self) -> None:
        require_count("max_labels", self.max_labels, 1)
        if self.project and self.api_key is not None and self.region is None:
            raise ConfigurationError("with an API key and no region, project has no effect: the key names its project")

    @property
    def name(self) -> str:
        """Who says so."""
        return NAME

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same picture may get another answer."""
        asked = f"features={','.join(self.features)} max_labels={self.max_labels} model={self.model}"
        return f"{NAME}/1 {asked} region={self.region} sends={self.sends}"

    @property
    def max_batch(self) -> int:
        """The most pictures in one call: 16."""
        return MAX_BATCH

    @property
    def accepts(self) -> ImageLimits | None:
        """The pictures that are sent; `None` when Google fetches them itself."""
        return LIMITS if self.sends == "bytes" else None

    def classify(self, image: ProductImage, /) -> Classification:
        """Say what is in a picture.

        Raises:
            ImageRejected: The picture cannot be had, or Google cannot work with it.
            Throttled: The quota is used up.
            ServiceUnavailable: It may work later.
            ConfigurationError: The key, the account or the address is wrong.
            MissingExtraError: Pillow, which makes the picture fit, or google-auth is not installed.
        """
        (outcome,) = self.classify_many((image,))
        if isinstance(outcome, Failure):
            raise _error_of(outcome)
        return outcome

    def classify_many(self, images: Sequence[ProductImage], /) -> Sequence[Classification | Failure]:
        """Say what is in each of at most 16 pictures, in one call, or two where Google could not have some by URL.

        Google reports a picture's error inside a successful answer, and then annotations beside it are right. They are
        kept where the error is permanent; where it may pass, the picture is a `Failure`, to be asked again as a whole.

        Returns:
            As many outcomes as pictures, in their order.

        Raises:
            ImageRejected: Google refused the call; one of its pictures, or what is asked, does not suit it.
            Throttled: The quota is used up; none of them was looked at.
            ServiceUnavailable: It may work later; none of them was looked at.
            ConfigurationError: The key, the account or the address is wrong, or there are more than 16 pictures.
        """
        if len(images) > MAX_BATCH:
            raise ConfigurationError(f"{SERVICE} takes at most {MAX_BATCH} pictures in one call; got {len(images)}")
        answers = self._answers([self._by_url(image) or _by_bytes(image) for image in images])
        again = [at for at, image in enumerate(images) if self._has_more(image) and is_out_of_reach(answers[at])]
        for at, answer in zip(again, self._second_answers([images[at] for at in again]), strict=True):
            answers[at] = answer
        return [self._outcome(image, answer) for image, answer in zip(images, answers, strict=True)]

    def close(self) -> None:
        """Release connections; the next call makes new ones."""
        self._calls.close()
        self._default.close()

    def __reduce__(self) -> tuple[Callable[..., GoogleVisionClassifier], tuple[dict[str, Any]]]:
        refuse_to_pickle("GoogleVisionClassifier", self.api_key, instead="give a callable as api_key")
        return _rebuild, ({one.name: getattr(self, one.name) for one in attrs.fields(type(self)) if one.init},)

    def _by_url(self, image: ProductImage) -> _Form | None:
        return by_url(image.url) if self.sends == "url" and goes_by_url(image.url) else None

    def _has_more(self, image: ProductImage) -> bool:
        """Whether a picture was sent by URL and its bytes are there to be sent."""
        return self._by_url(image) is not None and goes_by_bytes(image.url)

    def _outcome(self, image: ProductImage, answer: object) -> Classification | Failure:
        return answer if isinstance(answer, Failure) else read_picture(answer, image=image.url, model=self.model)

    def _second_answers(self, images: Sequence[ProductImage]) -> list[Any]:
        """The answers about pictures sent as bytes; what fails here does not spoil what others were answered."""
        try:
            return self._answers([_by_bytes(image) for image in images])
        except (ClassifierError, ConfigurationError) as error:
            return [_failure_of(error, image, NAME) for image in images]

    def _answers(self, forms: Sequence[_Form | Failure]) -> list[Any]:
        """Google's answer about each picture, or why it could not be sent."""
        sendable = [form for form in forms if not isinstance(form, Failure)]
        came = iter(self._call(sendable) if sendable else ())
        return [form if isinstance(form, Failure) else next(came) for form in forms]

    def _call(self, forms: Sequence[_Form]) -> list[Any]:
        content = Question(self.features, self.max_labels, self.model).body(forms)
        let_in = self._authorization()
        reply = self._send(content, let_in)
        if reply.status == HTTPStatus.UNAUTHORIZED and self.api_key is None:
            # A token may be ended before its time, or the clock here be late; a new one shows whether that was all.
            reply = self._send(content, self._default.authorization(refused=let_in.secret))
        return read_answers(reply, len(forms))

    def _send(self, content: bytes, let_in: Authorization) -> Reply:
        url = address(self.api_url, self.region, quote(self.project, safe="") if self.project else None)
        headers = {**_JSON, **let_in.headers}
        return self._calls.send("POST", url, headers=headers, content=content, secret=let_in.secret)

    def _authorization(self) -> Authorization:
        if self.api_key is None:
            return self._default.authorization()
        key = key_for_call("api_key", self.api_key)
        return Authorization({"x-goog-api-key": key}, key)


def _rebuild(values: dict[str, Any]) -> GoogleVisionClassifier:
    return GoogleVisionClassifier(**values)


def _by_bytes(image: ProductImage) -> _Form | Failure:
    try:
        return by_bytes(prepare(image.read(), LIMITS).data)
    except ClassifierError as error:
        return _failure_of(error, image, None)  # it never reached Google


def _failure_of(error: ClassifierError | ConfigurationError, image: ProductImage, classifier: str | None) -> Failure:
    match error:
        case Throttled(retry_after=seconds):
            return Failure("throttled", str(error), image=image.url, classifier=classifier, retry_after=seconds)
        case ServiceUnavailable(retry_after=seconds):
            return Failure("transient", str(error), image=image.url, classifier=classifier, retry_after=seconds)
        case ConfigurationError():
            return Failure("configuration", str(error), image=image.url, classifier=classifier)
        case _:
            return Failure("permanent", str(error), image=image.url, classifier=classifier)


def _error_of(failure: Failure) -> ClassifierError | ConfigurationError:
    match failure.kind:
        case "permanent":
            return ImageRejected(failure.reason)
        case "throttled":
            return Throttled(failure.reason, failure.retry_after)
        case "configuration":
            return ConfigurationError(failure.reason)
        case "transient":
            kind = ServiceUnavailable if failure.classifier else ImageUnavailable
            return kind(failure.reason, failure.retry_after)
