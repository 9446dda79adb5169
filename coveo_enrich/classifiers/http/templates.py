"""Requests with placeholders for a picture, filled without ever gluing JSON or URLs together from text.

A catalog's URLs are written by others. A placeholder is replaced inside a JSON value, quoted inside a URL, and nothing
that was filled in is looked at again. What a request is made of belongs to `coveo_enrich.classifiers.http.service`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import quote

import attrs

from coveo_enrich.errors import ConfigurationError

__all__ = ["BYTES", "Json", "Picture", "fill", "fill_url", "placeholders"]

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
"""Whatever JSON holds."""

BYTES: Final = "{image_bytes}"
"""Stands for the bytes themselves, so it is the whole of a body or of a form field."""

_PLACEHOLDER: Final = re.compile(r"\{(image_[a-z0-9_]+)\}")
_KNOWN: Final = ("image_url", "image_base64", "image_data_url", "image_mime", "image_bytes")


@attrs.frozen
class Picture:
    """What placeholders stand for.

    Attributes:
        url: Where the picture is.
        data: Its bytes, ready to be sent; empty when no placeholder needs them.
        mime: What they are, such as ``image/jpeg``.
    """

    url: str
    data: bytes = attrs.field(default=b"", repr=False)
    mime: str = ""

    def text(self, name: str) -> str:
        """What one placeholder stands for."""
        if name == "image_url":
            return self.url
        if name == "image_mime":
            return self.mime
        encoded = b64encode(self.data).decode("ascii")
        return encoded if name == "image_base64" else f"data:{self.mime};base64,{encoded}"


def placeholders(template: Json) -> frozenset[str]:
    """The names of the placeholders in a template.

    Raises:
        ConfigurationError: One of them is unknown.
    """
    names = frozenset(name for text in _texts(template) for name in _PLACEHOLDER.findall(text))
    unknown = names.difference(_KNOWN)
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in _KNOWN)
        raise ConfigurationError(f"there is no placeholder {{{min(unknown)}}}; there are {known}")
    return names


def fill(template: Json, picture: Picture) -> Json:
    """The template with its placeholders replaced, in values and not in keys."""
    if isinstance(template, str):
        return _replaced(template, picture.text)
    if isinstance(template, Mapping):
        return {key: fill(value, picture) for key, value in template.items()}
    if isinstance(template, Sequence):
        return [fill(value, picture) for value in template]
    return template


def fill_url(template: str, picture: Picture) -> str:
    """The URL with its placeholders replaced, all that has a meaning in a URL quoted."""
    return _replaced(template, lambda name: quote(picture.text(name), safe=""))


def _replaced(template: str, text_of: Callable[[str], str]) -> str:
    return _PLACEHOLDER.sub(lambda found: text_of(found[1]), template)


def _texts(template: Json) -> Iterator[str]:
    if isinstance(template, str):
        yield template
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from _texts(value)
    elif isinstance(template, Sequence):
        for value in template:
            yield from _texts(value)
