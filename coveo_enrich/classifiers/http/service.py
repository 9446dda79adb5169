"""A classification service as a value: what it is asked, and how its answer is read.

Nothing is sent from here, and no key is in here, so a service can be shown, compared, kept in a repository and shared.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import attrs

from coveo_enrich.classifiers.http.status import StatusInside, value_at
from coveo_enrich.classifiers.http.templates import BYTES, Json, placeholders
from coveo_enrich.classifiers.values import Attribute, Classification, Color, Label
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.images.limits import ImageLimits
from coveo_enrich.retry import require_count

__all__ = ["Batch", "HttpService", "Observation", "Parse"]

Observation = Label | Attribute | Color
"""One thing that a service saw."""

Parse = Callable[[Any], Iterable[Observation] | Classification]
"""Reads the JSON of an answer. Its attribute ``version`` is part of the fingerprint; a function may do without one."""

_KEY_HEADER: Final = re.compile(r"(?:.*[-_])?(?:apikey|key|token|secret|password|authorization|cookie)", re.IGNORECASE)
_KEY_FIELD: Final = re.compile(r"(?:api|access|auth)[-_]?(?:key|token|secret)|secret|password", re.IGNORECASE)
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_METHOD: Final = re.compile(r"[A-Za-z]+")


@attrs.frozen(kw_only=True)
class Batch:
    """How several pictures go into one request, and where their answers are: by position.

    Paths are keys joined by dots; an empty one stands for the whole.

    Attributes:
        items: The path, in the JSON body, of a list that holds the template of one picture.
        answers: The path, in the answer, of the list with one answer for each picture, in their order.
        size: The most pictures in one request.
        errors: How one picture's own failure is told.
    """

    items: str
    answers: str
    size: int
    errors: StatusInside | None = None

    def __attrs_post_init__(self) -> None:
        require_count("size", self.size, 1)


def _copied(body: Json) -> Json:
    return copy.deepcopy(body)


def _copied_texts(texts: Mapping[str, str]) -> dict[str, str]:
    return dict(texts)


@attrs.frozen
class HttpService:
    """What a service is asked about a picture, and how its answer is read.

    Texts in the URL, the query and the body may hold ``{image_url}``, ``{image_base64}``, ``{image_data_url}`` and
    ``{image_mime}``; ``{image_bytes}`` is the whole of ``content`` or of a field of ``form``. The picture is fetched
    only if one of them needs its bytes. Keys belong to `HttpClassifier`'s ``auth``.

    Attributes:
        url: Where to ask.
        parse: Reads the JSON of the answer, or of one picture's part of it: `AnswerPaths`, or a function that gives
            labels, attributes and colours, or a whole `Classification`.
        method: The HTTP method; default ``POST``.
        headers: More headers; no keys.
        query: Parameters for the URL.
        json: A JSON body.
        form: The fields of a form, which is ``multipart/form-data`` when one of them is ``{image_bytes}``.
        content: Any other body: ``{image_bytes}`` for the bytes of the picture, or a text.
        batch: How several pictures go into one request; `None`: each takes its own.
        errors: How the answer tells a failure, whatever its HTTP status.
        model_version: The path of the model's version in the answer, as keys joined by dots.
        accepts: What pictures it takes, where it takes their bytes.
        images_per_second: The most pictures that it may be asked about in a second; `None`: no limit.

    Raises:
        ConfigurationError: No such request can be made.
    """

    url: str
    parse: Parse = attrs.field(kw_only=True)
    method: str = attrs.field(default="POST", kw_only=True)
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], kw_only=True, converter=_copied_texts)
    query: Mapping[str, str] = attrs.field(factory=dict[str, str], kw_only=True, converter=_copied_texts)
    json: Json = attrs.field(default=None, kw_only=True, converter=_copied)
    form: Mapping[str, str] | None = attrs.field(
        default=None, kw_only=True, converter=attrs.converters.optional(_copied_texts)
    )
    content: str | None = attrs.field(default=None, kw_only=True)
    batch: Batch | None = attrs.field(default=None, kw_only=True)
    errors: StatusInside | None = attrs.field(default=None, kw_only=True)
    model_version: str | None = attrs.field(default=None, kw_only=True)
    accepts: ImageLimits = attrs.field(factory=ImageLimits, kw_only=True)
    images_per_second: float | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_url(self.url)
        if not _METHOD.fullmatch(self.method):
            raise ConfigurationError(f"{self.method!r} is no HTTP method")
        _check_headers(self.headers)
        _check_body(self)
        _check_no_key(self)
        _check_parse(self.parse)
        if not self.placeholders:
            raise ConfigurationError("nothing in the request stands for the picture: use {image_url} or another one")
        if self.batch is not None:
            _check_batch(self.json, self.batch, self._beside_json())

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of all placeholders in the request."""
        return placeholders([*self._beside_json(), self.json])

    @property
    def takes_bytes(self) -> bool:
        """Whether the bytes of a picture are needed."""
        return bool(self.placeholders - {"image_url"})

    @property
    def fingerprint(self) -> str:
        """Changes when the same picture may get another answer."""
        asked = [self.url, self.method, dict(self.headers), dict(self.query), self.json, self.form, self.content]
        limits = attrs.asdict(self.accepts) | {"formats": sorted(self.accepts.formats)}
        read = [_called(self.parse), str(getattr(self.parse, "version", ""))]
        where = [self.batch.items, self.batch.answers] if self.batch else []
        whole = json.dumps([asked, limits, read, self.model_version, where], sort_keys=True, default=dict)
        return sha256(whole.encode()).hexdigest()[:16]

    def _beside_json(self) -> list[Json]:
        return [self.url, self.query, self.form, self.content]


def _called(parse: Parse) -> str:
    named = parse if hasattr(parse, "__qualname__") else type(parse)
    return f"{named.__module__}.{named.__qualname__}"


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigurationError("the URL of the service cannot be understood") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"the URL of a service begins with https:// or http://; got {url!r}")
    if "@" in parts.netloc:
        raise ConfigurationError("the URL of a service holds no credentials; give them as auth")
    if placeholders(parts.netloc):
        raise ConfigurationError("a picture does not decide which host is asked: no placeholder there")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (_HEADER.fullmatch(name) and value.isascii() and value.isprintable()):
            raise ConfigurationError(f"the header {name!r} has a character that HTTP does not allow")
        if _KEY_HEADER.fullmatch(name):
            raise ConfigurationError(f"a key in the header {name} would be shown and stored; give it as auth")
    if placeholders(list(headers.values())):
        raise ConfigurationError("headers take no placeholders")


def _check_body(service: HttpService) -> None:
    if sum(body is not None for body in (service.json, service.form, service.content)) > 1:
        raise ConfigurationError("a request has one body: json, form or content")
    whole = {service.content, *(service.form or {}).values()}
    texts: Sequence[Json] = [text for text in whole if text != BYTES]
    if "image_bytes" in placeholders([service.url, service.query, service.json, texts]):
        raise ConfigurationError(f"{BYTES} is the whole of content or of a field of form")
    try:
        json.dumps(service.json, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"the body is no JSON: {error}") from None


def _check_parse(parse: object) -> None:
    if not callable(parse):
        raise ConfigurationError("parse is a function that reads an answer, or AnswerPaths")
    if not hasattr(parse, "__qualname__") and not hasattr(parse, "version"):
        raise ConfigurationError("parse is no plain function: give it a version, a text that changes as its answers do")


def _check_no_key(service: HttpService) -> None:
    names = [*parse_qs(urlsplit(service.url).query), *service.query, *(service.form or ())]
    names += service.json if isinstance(service.json, Mapping) else ()
    named = next((name for name in names if _KEY_FIELD.fullmatch(name)), None)
    if named is not None:
        raise ConfigurationError(f"a key as {named} would be shown and stored; give it as auth")


def _check_batch(body: Json, batch: Batch, rest: Json) -> None:
    items = value_at(body, batch.items)
    if not isinstance(items, list) or len(items) != 1:  # pyright: ignore[reportUnknownArgumentType] - of anything
        raise ConfigurationError(f"{batch.items or 'the body'} must be a list that holds the template of one picture")
    if placeholders(rest) or json.dumps(body).count("{image_") != json.dumps(items).count("{image_"):
        raise ConfigurationError(f"with a batch, placeholders stand inside {batch.items or 'the body'} only")
