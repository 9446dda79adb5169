"""Takes keys out of what a service answered, before a label, a message or a log can hold them.

A service may repeat what it was sent: in an error, in a page of its proxy, in a field of its answer. Which texts are
keys is told by `coveo_enrich.classifiers.http.auth`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html.entities import codepoint2name
from typing import Any, Final, cast

__all__ = ["cleaned", "hidden"]

_SHORT: Final = 8
"""Keys with fewer characters may be words, or parts of words."""


def hidden(text: str, secrets: tuple[str, ...]) -> str:
    """A message without keys, as they are or as URLs, JSON and HTML write them; short ones where they stand alone."""
    for secret in secrets:
        text = _pattern(secret).sub("…", text)
    return text


def cleaned(answer: object, secrets: tuple[str, ...]) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The JSON of an answer without keys, and with no text that could not be written down (lone surrogates).

    What may be a word, such as a user name, is left where a label may be that word.

    Raises:
        RecursionError: It is nested too deeply.
    """
    patterns = [_pattern(secret) for secret in secrets if len(secret) >= _SHORT and not secret.isalpha()]

    def clean(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub("…", text)
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    return _each_text(answer, clean)


def _each_text(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, object]", value)
        return {_each_text(key, change): _each_text(inner, change) for key, inner in fields.items()}
    if isinstance(value, list):
        return [_each_text(one, change) for one in cast("list[object]", value)]
    return value


def _pattern(secret: str) -> re.Pattern[str]:
    spelt = "".join(map(_spellings, secret))
    return re.compile(spelt if len(secret) >= _SHORT else f"(?<![A-Za-z0-9]){spelt}(?![A-Za-z0-9])")


def _spellings(character: str) -> str:
    """A character of a key in all its spellings; nobody escapes letters and digits."""
    if character.isalnum():
        return character
    code = ord(character)
    entity = codepoint2name.get(code, "apos")
    return (
        rf"(?:\\*{re.escape(character)}|%(?:25)*(?i:{code:02x})|\\+u(?i:{code:04x})"
        rf"|&(?:amp;)*(?:#0*{code}|#(?i:x0*{code:x})|{entity});)"
    )
