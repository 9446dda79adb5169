"""What Google Vision answered: one picture's part of it as a `Classification` or a `Failure`, and refused calls.

Everything that came is data of unknown shape. Proto3 leaves out what is zero or empty, so anything may be missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from coveo_enrich.classifiers.color.shades import name_of
from coveo_enrich.classifiers.service_calls import read_json, require_success, retry_after
from coveo_enrich.classifiers.values import Attribute, Box, Classification, Color, Failure, FailureKind, Label
from coveo_enrich.errors import ConfigurationError, ServiceUnavailable, Throttled, shown

if TYPE_CHECKING:
    from coveo_enrich._http import Reply

__all__ = ["NAME", "SERVICE", "is_out_of_reach", "read_answers", "read_picture"]

NAME: Final = "google-vision"
SERVICE: Final = "Google Vision"

_KINDS: Final[Mapping[int, FailureKind]] = {
    1: "transient",  # CANCELLED
    2: "transient",  # UNKNOWN
    4: "transient",  # DEADLINE_EXCEEDED
    8: "throttled",  # RESOURCE_EXHAUSTED
    10: "transient",  # ABORTED
    13: "transient",  # INTERNAL
    14: "transient",  # UNAVAILABLE
    16: "configuration",  # UNAUTHENTICATED
}
"""What a code of google.rpc.Code means for a picture. Others, as INVALID_ARGUMENT (3) and NOT_FOUND (5), are permanent.

So is PERMISSION_DENIED (7): inside a success it is about this picture, such as one that its host, or its bucket, does
not let Google have. A key or account that may not ask gets no success, but a 401 or 403.
"""
_OUT_OF_REACH: Final = frozenset({3, 4, 7, 12, 14})
"""The codes under which Google has reported that it cannot fetch a picture, or fetched something else."""
_NO_NUMBER: Final = 1e6  # beyond any score, share or channel; NaN is not below it either
_OF_THE_KEY: Final = frozenset({"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED"})


class _Odd(Exception):
    """An answer of another shape than Google documents."""


def read_answers(reply: Reply, pictures: int) -> list[Any]:
    """The answers in a reply, one for each picture, in their order.

    Raises:
        ConfigurationError: The key, the account or the address is wrong.
        Throttled: A quota is used up.
        ServiceUnavailable: It may work later, or what came cannot be told apart.
        ImageRejected: Google cannot work with the request.
    """
    _require_accepted(reply)
    body = read_json(SERVICE, reply)
    answers = cast("dict[str, Any]", body).get("responses") if isinstance(body, dict) else None
    if not isinstance(answers, list):
        raise ServiceUnavailable(f"{SERVICE} answered with JSON that has no list of responses")
    found = cast("Sequence[Any]", answers)
    if len(found) != pictures:
        raise ServiceUnavailable(f"{SERVICE} answered with {len(found)} responses for {pictures} pictures")
    return [_without_secret(answer, reply.secret) for answer in found]


def _without_secret(answer: object, secret: str) -> object:
    """An answer whose error, which is reported with its picture, does not repeat what let the request in."""
    error = _error_in(answer)
    message = error.get("message")
    if not secret or not isinstance(message, str):
        return answer
    return {**cast("dict[str, Any]", answer), "error": {**error, "message": message.replace(secret, "…")}}


def _error_in(answer: object) -> Mapping[str, Any]:
    error = cast("dict[str, Any]", answer).get("error") if isinstance(answer, dict) else None
    return cast("dict[str, Any]", error) if isinstance(error, dict) else {}


def is_out_of_reach(answer: object) -> bool:
    """Whether Google could not have a picture by its URL, so that its bytes may do better."""
    code = _error_in(answer).get("code")
    return isinstance(code, int) and code in _OUT_OF_REACH


def read_picture(answer: object, *, image: str, model: str | None) -> Classification | Failure:
    """What one answer says about its picture.

    Beside an error there may be annotations, which are then right. They are kept where the error is permanent, as there
    will never be more; where it may pass, the picture fails, so that it is asked again and no half answer is stored.

    Args:
        answer: One of the responses.
        image: The picture, as a failure names it.
        model: The model that was asked for.
    """
    try:
        failure = _failure(answer, image)
        if failure is not None and failure.kind != "permanent":
            return failure
        seen = _seen(_mapping(answer), model)
    except _Odd as odd:
        reason = f"{SERVICE} answered with something that it does not document: {odd}"
        return Failure("transient", reason, image=image, classifier=NAME)
    return seen if failure is None or seen.labels or seen.attributes or seen.colors else failure


def _seen(answer: Mapping[str, Any], model: str | None) -> Classification:
    found = [*_labels(answer), *_objects(answer)]
    return Classification(
        NAME,
        labels=sorted(found, key=lambda label: -(label.confidence or 0.0)),
        attributes=[*_logos(answer), *_text(answer)],
        colors=sorted(_colors(answer), key=lambda color: -(color.confidence or 0.0)),
        model_version=model,
    )


def _failure(answer: object, image: str) -> Failure | None:
    error = _mapping(_mapping(answer).get("error", {}), "error")
    code, message = error.get("code", 0), error.get("message", "")
    if not isinstance(code, int) or not isinstance(message, str):
        raise _Odd("an error without a code")
    if code == 0 and not message:
        return None
    reason = f"{SERVICE}: {shown(message) or 'no reason given'} (code {code})"
    return Failure(_KINDS.get(code, "permanent"), reason, image=image, classifier=NAME)


def _labels(answer: Mapping[str, Any]) -> Iterator[Label]:
    for one in _entries(answer, "labelAnnotations"):
        if name := _text_of(one, "description"):
            yield Label(name, **_scored(one))


def _objects(answer: Mapping[str, Any]) -> Iterator[Label]:
    for one in _entries(answer, "localizedObjectAnnotations"):
        if name := _text_of(one, "name"):
            yield Label(name, **_scored(one), box=_box(one))


def _logos(answer: Mapping[str, Any]) -> Iterator[Attribute]:
    for one in _entries(answer, "logoAnnotations"):
        if name := _text_of(one, "description"):
            yield Attribute("logo", name, **_scored(one), box=_box(one))


def _text(answer: Mapping[str, Any]) -> Iterator[Attribute]:
    """The whole text, which is the first entry; the others are its words."""
    for whole in _entries(answer, "textAnnotations")[:1]:
        if text := _text_of(whole, "description"):
            yield Attribute("text", text)


def _colors(answer: Mapping[str, Any]) -> Iterator[Color]:
    properties = _mapping(answer.get("imagePropertiesAnnotation", {}), "imagePropertiesAnnotation")
    for one in _entries(_mapping(properties.get("dominantColors", {}), "dominantColors"), "colors"):
        if "color" not in one:
            continue
        rgb = _rgb(_mapping(one["color"], "color"))
        naming = name_of(rgb)
        share = _share(_number(one, "pixelFraction"))
        yield Color(naming.base, rgb=rgb, shade=naming.shade, **_scored(one) | {"confidence": share})


def _rgb(color: Mapping[str, Any]) -> tuple[int, int, int]:
    """The channels, 0 to 255 in spite of the schema; one that is 0 is left out."""
    red, green, blue = (min(255, max(0, round(_number(color, name) or 0.0))) for name in ("red", "green", "blue"))
    return red, green, blue


def _scored(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The score as the values hold it; nothing where there is none."""
    score = _number(entry, "score")
    return {} if score is None else {"confidence": _share(score), "raw_score": score, "scale": 1.0}


def _share(number: float | None) -> float | None:
    """The number where it can be a share; what is none is no score."""
    return number if number is not None and 0.0 <= number <= 1.0 else None


def _box(entry: Mapping[str, Any]) -> Box | None:
    """The box around the vertices that are shares of the picture; one that is 0 is left out."""
    polygon = _mapping(entry.get("boundingPoly", {}), "boundingPoly")
    corners = [(_within(one, "x"), _within(one, "y")) for one in _entries(polygon, "normalizedVertices")]
    if not corners:
        return None
    across, down = [x for x, _ in corners], [y for _, y in corners]
    return Box(min(across), min(down), max(across) - min(across), max(down) - min(down))


def _within(vertex: Mapping[str, Any], name: str) -> float:
    return min(1.0, max(0.0, _number(vertex, name) or 0.0))


def _mapping(value: object, name: str = "a response") -> Mapping[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise _Odd(f"{name} is not an object")


def _entries(container: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    value = container.get(name, [])
    if not isinstance(value, list):
        raise _Odd(f"{name} is not a list")
    return [_mapping(one, name) for one in cast("Sequence[object]", value)]


def _text_of(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name, "")
    if not isinstance(value, str):
        raise _Odd(f"{name} is not a text")
    return value


def _number(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _NO_NUMBER:
        return float(value)
    raise _Odd(f"{name} is not a number")


@attrs.frozen
class _Refusal:
    """What Google says about a call that it refused: its name for the status, its message, and its reasons."""

    status: str
    message: str
    reasons: frozenset[str]


def _require_accepted(reply: Reply) -> None:
    if reply.ok:
        return
    refusal = _refusal(reply)
    said = refusal.message.replace(reply.secret, "…") if reply.secret else refusal.message
    answered = f"{SERVICE} answered {reply.status} ({shown(said)})"
    if refusal.status == "RESOURCE_EXHAUSTED":
        raise Throttled(answered, retry_after(reply))
    if refusal.reasons & _OF_THE_KEY or "api key" in refusal.message.lower():
        raise ConfigurationError(f"{answered}: check the API key, and which APIs and addresses it is restricted to")
    require_success(SERVICE, reply)


def _refusal(reply: Reply) -> _Refusal:
    try:
        error = _mapping(_mapping(json.loads(reply.body)).get("error", {}))
        details = _entries(error, "details")
        reasons = frozenset(_text_of(detail, "reason") for detail in details)
        return _Refusal(_text_of(error, "status"), _text_of(error, "message"), reasons)
    except (_Odd, ValueError, RecursionError):
        return _Refusal("", "", frozenset())
