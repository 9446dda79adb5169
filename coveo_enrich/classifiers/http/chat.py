"""Vision models behind an OpenAI-compatible chat: asked for attributes by a JSON schema, never for a score.

A model's own opinion of how sure it is says little, so a confidence is always `None` here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NoReturn, cast

import attrs

from coveo_enrich.classifiers.http.hiding import cleaned
from coveo_enrich.classifiers.http.service import HttpService
from coveo_enrich.classifiers.http.status import LIKE_HTTP, StatusInside
from coveo_enrich.classifiers.http.templates import Json
from coveo_enrich.classifiers.values import Attribute
from coveo_enrich.errors import ConfigurationError, ImageRejected, shown
from coveo_enrich.images.limits import ImageLimits

__all__ = ["ChatAnswer", "chat"]

_INSTRUCTIONS: Final = (
    "You look at the picture of one product of a shop and fill in its attributes. Fill in only what can be seen in the "
    "picture; leave the list of an attribute empty when it cannot be seen. Answer with JSON only."
)
_FENCED: Final = re.compile(r"```[a-zA-Z]*\s*(.*?)\s*(?:```|\Z)", re.DOTALL)  # some stop before they close the fence


def chat(
    base_url: str,
    model: str,
    attributes: Mapping[str, Sequence[str] | None],
    *,
    send: Literal["url", "bytes"] = "bytes",
    instructions: str = _INSTRUCTIONS,
) -> HttpService:
    """A vision model that speaks OpenAI's chat completions: ``HeaderAuth(api_key)``.

    Args:
        base_url: Such as ``https://api.openai.com/v1``.
        model: The id of the model.
        attributes: The attributes that are asked for, each with the values that it can have; `None`: any.
        send: Whether the model gets the ``url`` of a picture, or its ``bytes`` as a data URL.
        instructions: What the model is told before it sees the picture.

    Raises:
        ConfigurationError: No attribute is asked for, or one that has no list of values.
    """
    if not attributes:
        raise ConfigurationError("ask for one attribute or more")
    odd = next((name for name, values in attributes.items() if not _is_list(values)), None)
    if odd is not None:
        raise ConfigurationError(f"the values of {odd} are a list with one or more of them, or None for any")
    image = "{image_url}" if send == "url" else "{image_data_url}"
    return HttpService(
        f"{base_url.rstrip('/')}/chat/completions",
        json={
            "model": model,
            "messages": [
                {"role": "system", "content": instructions},
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": image}}]},
            ],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "product_attributes", "strict": True, "schema": _schema(attributes)},
            },
        },
        parse=ChatAnswer(tuple(attributes)),
        errors=StatusInside(
            code="error.code",
            kinds={
                **LIKE_HTTP,  # some servers answer 200, with a status in the error
                "insufficient_quota": "configuration",
                "invalid_api_key": "configuration",
                "model_not_found": "configuration",
                "rate_limit_exceeded": "throttled",
            },
            message="error.message",
        ),
        model_version="model",
        accepts=ImageLimits(formats=frozenset({"JPEG", "PNG", "WEBP"}), max_side=2048, max_bytes=20_000_000),
    )


def _is_list(values: Sequence[str] | None) -> bool:
    return values is None or (not isinstance(values, str) and len(values) > 0)


def _schema(attributes: Mapping[str, Sequence[str] | None]) -> Json:
    return {
        "type": "object",
        "properties": {name: {"type": "array", "items": _one_of(values)} for name, values in attributes.items()},
        "required": list(attributes),
        "additionalProperties": False,
    }


def _one_of(values: Sequence[str] | None) -> Json:
    return {"type": "string"} if values is None else {"type": "string", "enum": list(values)}


@attrs.frozen
class ChatAnswer:
    """Reads the JSON that a model wrote into its message.

    Attributes:
        attributes: The attributes that were asked for.
    """

    attributes: tuple[str, ...]

    @property
    def version(self) -> str:
        """Changes when the same answer may be read in another way."""
        return f"1 {self.attributes}"

    def __call__(self, answer: Any) -> Iterable[Attribute]:  # noqa: ANN401 - whatever JSON holds
        """All attributes that the model wrote, asked for or not, and all unscored.

        Raises:
            ImageRejected: It refused, was cut off, or did not answer with the JSON that was asked for.
        """
        written = _json_of(_content(_first_choice(answer)))
        if not any(name in written for name in self.attributes):
            raise ImageRejected("unmatched response: the model filled in none of the attributes that it was asked for")
        return [Attribute(name, word) for name, value in written.items() for word in self._words(name, value)]

    def _words(self, name: str, value: object) -> Iterable[str]:
        for one in cast("list[object]", value) if isinstance(value, list) else [value]:
            if isinstance(one, Mapping | list) and name in self.attributes:
                raise ImageRejected(f"the model gave no words for {name}: {shown(json.dumps(value))}")
            word = one if isinstance(one, str) else json.dumps(one)
            if one is not None and word.strip():
                yield word.strip()


def _first_choice(answer: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    match answer:
        case {"choices": [{"message": {}}, *_]}:  # pyright: ignore[reportUnknownVariableType] - of anything
            return cast("Any", answer)["choices"][0]
        case _:
            raise ImageRejected(f"unmatched response: it has no choices[0].message ({shown(json.dumps(answer))})")


def _content(choice: Mapping[str, Any]) -> str:
    message = choice["message"]
    if message.get("refusal"):
        raise ImageRejected(f"the model refused: {shown(str(message['refusal']))}")
    if choice.get("finish_reason") == "content_filter":
        raise ImageRejected("the model refused: its content filter stopped the answer")
    if choice.get("finish_reason") == "length":
        raise ImageRejected("the model's answer was cut off: it reached its limit of tokens")
    content = message.get("content")
    if isinstance(content, list):
        parts = [cast("Mapping[str, object]", one) for one in cast("list[object]", content) if isinstance(one, Mapping)]
        content = "".join(str(part.get("text") or "") for part in parts)
    if isinstance(content, str) and content.strip():
        return content
    raise ImageRejected("the model answered with no text")


def _json_of(content: str) -> Mapping[str, object]:
    fenced = _FENCED.search(content)
    for text in (content, fenced[1]) if fenced else (content,):
        try:
            written = cleaned(json.loads(text, parse_constant=_refuse), ())
        except (ValueError, RecursionError):
            continue
        if isinstance(written, Mapping):
            return cast("Mapping[str, object]", written)
        raise ImageRejected(f"the model did not answer with a JSON object: {shown(content.strip())}")
    raise ImageRejected(f"the model did not answer with JSON: {shown(content.strip())}")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are no JSON
