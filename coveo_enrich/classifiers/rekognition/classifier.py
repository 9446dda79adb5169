"""The adapter for Amazon Rekognition: which calls a picture costs, and what they come to.

How an answer is read, and what an error means, stand beside this module. When a call is made again is decided in
`coveo_enrich.classifiers.asking`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, Self, get_args

import attrs

from coveo_enrich.classifiers.rekognition.answers import (
    read_colors,
    read_custom_labels,
    read_labels,
    read_text,
    read_version,
)
from coveo_enrich.classifiers.rekognition.client import ClientOnDemand, RekognitionClient
from coveo_enrich.classifiers.rekognition.failures import meaning_of
from coveo_enrich.classifiers.rekognition.halves import HalfDone
from coveo_enrich.classifiers.rekognition.s3 import BUCKET_NAME, is_s3, s3_object
from coveo_enrich.classifiers.values import Attribute, Classification
from coveo_enrich.errors import ConfigurationError, ServiceUnavailable, Throttled
from coveo_enrich.images.image import ProductImage
from coveo_enrich.images.limits import ImageLimits
from coveo_enrich.images.prepare import prepare
from coveo_enrich.retry import require_count

__all__ = ["Detects", "RekognitionClassifier"]

Detects = Literal["labels", "colors", "text"]

_ALL: Final[tuple[Detects, ...]] = get_args(Detects)
_USUAL: Final[tuple[Detects, ...]] = ("labels", "colors")
_FEATURES: Final[Mapping[Detects, str]] = {"labels": "GENERAL_LABELS", "colors": "IMAGE_PROPERTIES"}
_MODEL_ARN: Final = re.compile(
    r"arn:[a-z\d-]+:rekognition:(?P<region>[a-z\d-]+):\d{12}"
    r":project/(?P<project>[\w.-]{1,255})/version/(?P<version>[\w.-]{1,255})/\d+",
    re.ASCII,
)
_MOST_LABELS: Final = 1000
_LIMITS: Final = ImageLimits(max_bytes=5_242_880, min_side=80, max_side=10_000)
_CUSTOM_LIMITS: Final = attrs.evolve(_LIMITS, max_bytes=4_194_304)


def _detects(wanted: Iterable[Detects] | None) -> tuple[Detects, ...] | None:
    if wanted is None:
        return None
    named = () if isinstance(wanted, str) else frozenset(wanted)
    if not named or not named <= frozenset(_ALL):
        raise ConfigurationError(f"detects must be a list of some of {', '.join(_ALL)}; got {wanted!r}")
    return tuple(one for one in _ALL if one in named)


def _buckets(names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ConfigurationError(f"s3_buckets must be a list of buckets; got the text {names!r}")
    buckets = tuple(names)
    odd = next((name for name in buckets if not BUCKET_NAME.fullmatch(name)), None)
    if odd is not None:
        raise ConfigurationError(f"s3_buckets must be names of buckets, such as shop-pictures; got {odd!r}")
    return buckets


@attrs.frozen
class _CustomModel:
    """What the ARN of a custom model's version says."""

    region: str
    project: str
    version: str

    @classmethod
    def of(cls, arn: str) -> _CustomModel:
        parts = _MODEL_ARN.fullmatch(arn)
        if parts is None:
            raise ConfigurationError(
                "custom_model must be the ARN of a model version, such as "
                f"arn:aws:rekognition:eu-west-1:123456789012:project/shoes/version/shoes.1/1700000000000; got {arn!r}"
            )
        return cls(**parts.groupdict())


def _model_of(classifier: RekognitionClassifier) -> _CustomModel | None:
    return None if classifier.custom_model is None else _CustomModel.of(classifier.custom_model)


def _clients_of(classifier: RekognitionClassifier) -> ClientOnDemand:
    model = _model_of(classifier)
    return ClientOnDemand(classifier.region or (model.region if model else None), classifier.endpoint_url)


@attrs.frozen(kw_only=True)
class RekognitionClassifier:
    """Says what Amazon Rekognition sees in a picture. Needs the extra ``rekognition``.

    Rekognition takes no URL and only JPEG and PNG, so pictures are fetched, and converted where they need it, before
    they are sent. A picture costs one call, and one more for text. Each call is made once; where the one for text has
    to be made again, with the same `ProductImage`, the other is not.

    Labels are the most exact ones, with the broader ones as their parents, the nearest first. The confidence of a label
    and of a text is Rekognition's percent as a share. The confidence of a colour is **a share of the picture**, not a
    probability: how much of the product, as Rekognition found it, has that colour.

    AWS credentials are found by boto3, and never kept here. One client serves all threads of a process; it is made by
    the first call.

    Attributes:
        region: The AWS region; default the one of the custom model, or what the environment or the AWS profile says.
        client: A client to use instead of one of its own, such as ``boto3.Session(…).client("rekognition")``. Turn its
            own retries off, or they multiply with the library's. A classifier with a client cannot be pickled.
        endpoint_url: Where to send requests instead of the region's own host.
        detects: Some of ``labels``, ``colors`` and ``text``; default labels and colours. With labels, colours are those
            of the thing that was found, where there is one. Not for a custom model, which knows only labels.
        custom_model: The ARN of a version of a Custom Labels model to ask instead of Rekognition's own; it must be
            running.
        max_labels: The most labels to ask for, broader ones included, 1 to 1,000; default Rekognition's 1,000.
        min_confidence: The least confidence of labels to ask for, 0 to 1; default Rekognition's 0.55, or what a custom
            model assumes for each of its labels.
        images_per_second: The most pictures asked about in a second, over all threads; default 5. The quota differs by
            region and account; `None`: as many as there are.
        s3_buckets: Buckets whose objects products may name as ``s3://bucket/key`` or
            ``s3://bucket/key?versionId=…``. Rekognition reads these itself, up to 15 MB, in its own region; the
            program does not. An object in another bucket is rejected.

    Raises:
        ConfigurationError: A value cannot be right.
    """

    region: str | None = None
    client: RekognitionClient | None = attrs.field(default=None, repr=False, eq=False)
    endpoint_url: str | None = None
    detects: tuple[Detects, ...] | None = attrs.field(default=None, converter=_detects)
    custom_model: str | None = None
    max_labels: int | None = None
    min_confidence: float | None = None
    images_per_second: float | None = 5
    s3_buckets: tuple[str, ...] = attrs.field(default=(), converter=_buckets)
    _model: _CustomModel | None = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(_model_of, takes_self=True)
    )
    _clients: ClientOnDemand = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(_clients_of, takes_self=True)
    )
    _half_done: HalfDone = attrs.field(init=False, repr=False, eq=False, factory=HalfDone)

    def __attrs_post_init__(self) -> None:
        if self.client is not None and (self.region is not None or self.endpoint_url is not None):
            raise ConfigurationError("a client has its own region and endpoint; give these or the client")
        if self._model is not None and self.detects is not None:
            raise ConfigurationError("a custom model knows labels only: leave detects out, or use two classifiers")
        if self._model is not None and self.region not in (None, self._model.region):
            raise ConfigurationError(f"the custom model is in {self._model.region}, not in {self.region}")
        if self.max_labels is not None:
            require_count("max_labels", self.max_labels, 1, _MOST_LABELS)
        if self.min_confidence is not None and not _is_share(self.min_confidence):
            raise ConfigurationError(f"min_confidence is a share from 0 to 1; got {self.min_confidence!r}")
        if "@" in (self.endpoint_url or ""):
            raise ConfigurationError("endpoint_url holds no credentials: they would be shown, and boto3 finds its own")

    @property
    def name(self) -> str:
        """``rekognition``; for a custom model ``rekognition:`` and the name of its project."""
        return "rekognition" if self._model is None else f"rekognition:{self._model.project}"

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same picture may get another answer."""
        asked = self.custom_model or ",".join(self._detected)
        return f"rekognition/1 {asked} max_labels={self.max_labels} min_confidence={self.min_confidence}"

    @property
    def accepts(self) -> ImageLimits:
        """JPEG and PNG, 80 to 10,000 pixels a side, 5 MB; 4 MB for a custom model."""
        return _LIMITS if self._model is None else _CUSTOM_LIMITS

    def classify(self, image: ProductImage, /) -> Classification:
        """Say what is in the picture.

        Raises:
            ImageRejected: The picture cannot be had or prepared, Rekognition cannot work with it, or it is in a bucket
                that is not among ``s3_buckets``.
            Throttled: There were more calls than the account's quota allows.
            ServiceUnavailable: Rekognition, or the host of the picture, did not answer usefully.
            ConfigurationError: Credentials, region or permissions are wrong, or the custom model does not run.
            MissingExtraError: boto3 is not installed, or Pillow where a picture needs to be converted.
        """
        request = {"Image": self._picture(image)}
        if self._model is not None:
            return self._by_custom_model(request, self._model)
        if "text" not in self._detected:
            return self._seen(request)
        # What was seen is paid for: where only the text fails, only the text is asked for again.
        seen = self._half_done.take(image) or self._seen(request)
        try:
            return self._with_text(seen, request)
        except (Throttled, ServiceUnavailable):
            self._half_done.keep(image, seen)
            raise

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., RekognitionClassifier], tuple[dict[str, Any]]]:
        if self.client is not None:
            raise ConfigurationError(
                "this RekognitionClassifier was given a client, and a client cannot go to another process; "
                "give region= instead, and let the environment or a profile there hold the credentials"
            )
        own = (field.name for field in attrs.fields(type(self)) if field.init and field.name != "client")
        return _rebuild, ({name: getattr(self, name) for name in own},)

    @property
    def _detected(self) -> tuple[Detects, ...]:
        return _USUAL if self.detects is None else self.detects

    def _picture(self, image: ProductImage) -> dict[str, Any]:
        if is_s3(image.url):
            return {"S3Object": s3_object(image.url, self.s3_buckets)}
        return {"Bytes": prepare(image.read(), self.accepts).data}

    def _by_custom_model(self, request: Mapping[str, Any], model: _CustomModel) -> Classification:
        settings = _given(MaxResults=self.max_labels, MinConfidence=self._min_percent)
        answer = self._ask("detect_custom_labels", ProjectVersionArn=self.custom_model, **request, **settings)
        return Classification(self.name, labels=read_custom_labels(answer), model_version=model.version)

    def _seen(self, request: Mapping[str, Any]) -> Classification:
        features = [_FEATURES[one] for one in self._detected if one in _FEATURES]
        if not features:
            return Classification(self.name)
        labelled = "labels" in self._detected
        # Neither may be sent where no labels are asked for.
        settings = _given(MaxLabels=self.max_labels, MinConfidence=self._min_percent) if labelled else {}
        answer = self._ask("detect_labels", Features=features, **request, **settings)
        return Classification(
            self.name,
            labels=read_labels(answer) if labelled else (),
            colors=read_colors(answer) if "colors" in self._detected else (),
            model_version=read_version(answer, "LabelModelVersion"),
        )

    def _with_text(self, seen: Classification, request: Mapping[str, Any]) -> Classification:
        answer = self._ask("detect_text", **request)
        text: list[Attribute] = read_text(answer)
        version = seen.model_version or read_version(answer, "TextModelVersion")
        return attrs.evolve(seen, attributes=text, model_version=version)

    @property
    def _min_percent(self) -> float | None:
        return None if self.min_confidence is None else self.min_confidence * 100

    def _ask(self, operation: str, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as AWS names them
        try:
            client = self._clients.get() if self.client is None else self.client
            answer: Mapping[str, Any] = getattr(client, operation)(**request)
        except Exception as error:
            failed = meaning_of(error)
            if failed is None:
                raise
        else:
            return answer
        # Raised here and not above, where AWS's own words would be its context: they may repeat the session's token.
        raise failed


def _given(**settings: float | None) -> dict[str, float]:
    return {name: value for name, value in settings.items() if value is not None}


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _rebuild(values: dict[str, Any]) -> RekognitionClassifier:
    return RekognitionClassifier(**values)
