"""Paths to values in nested JSON, such as a PIM exports: ``values.name[locale=en_US,scope=null].data``.

A path only points, and makes the way to where it points; which field comes from where is
`coveo_enrich.catalog.path_mapping`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

import attrs

from coveo_enrich.errors import ConfigurationError

__all__ = ["Key", "Path", "put", "read_path", "text_of", "value_at"]

_KEY: Final = r"[^.,=\[\]{}]+"
_BRACKET: Final = r"\[(?:[0-9]+|[^.,=\[\]{}]+=[^,=\[\]{}]*(?:,[^.,=\[\]{}]+=[^,=\[\]{}]*)*)\]"
_STEP: Final = rf"{_KEY}(?:{_BRACKET})*"
_PATH: Final = re.compile(rf"{_STEP}(?:\.{_STEP})*")
_TOKEN: Final = re.compile(rf"{_BRACKET}|{_KEY}")
_NULL: Final = "null"


@attrs.frozen
class Key:
    """The value under a key of an object."""

    name: str

    def of(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """What the step leads to in a value; `None` when it leads to nothing."""
        return cast("dict[str, Any]", value).get(self.name) if isinstance(value, dict) else None

    def made_in(self, value: Any, inner: Any) -> Any:  # noqa: ANN401 - any JSON
        """The same, with ``inner`` put there if there was nothing; `None` when the value cannot hold it."""
        if isinstance(value, dict) and self.of(value) is None:
            value[self.name] = inner
        return self.of(value)

    def empty(self) -> dict[str, Any]:
        """What such a step starts from."""
        return {}


@attrs.frozen
class _Entry:
    """The first object of a list whose keys have these values; `None` stands for null."""

    conditions: Mapping[str, str | None]

    def of(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        entries = cast("list[object]", value) if isinstance(value, list) else []
        return next((entry for entry in entries if self._fits(entry)), None)

    def made_in(self, value: Any, inner: Any) -> Any:  # noqa: ANN401 - any JSON
        if isinstance(value, list) and isinstance(inner, dict) and self.of(value) is None:
            cast("list[object]", value).append({**self.conditions, **cast("dict[str, Any]", inner)})
        return self.of(value)

    def empty(self) -> list[Any]:
        return []

    def _fits(self, entry: Any) -> bool:  # noqa: ANN401 - any JSON
        return isinstance(entry, dict) and all(
            key in entry and entry[key] is None if wanted is None else text_of(Key(key).of(entry)) == wanted
            for key, wanted in self.conditions.items()
        )


@attrs.frozen
class _Place:
    """The value at a place of a list, the first being 0."""

    index: int

    def of(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        values = cast("list[object]", value) if isinstance(value, list) else []
        return values[self.index] if self.index < len(values) else None

    def made_in(self, value: Any, _inner: Any) -> Any:  # noqa: ANN401 - any JSON
        return self.of(value)  # what comes before a place cannot be made up

    def empty(self) -> list[Any]:
        return []


Path: TypeAlias = "tuple[Key | _Entry | _Place, ...]"


def read_path(field: str, text: str) -> Path:
    """Read a path.

    Args:
        field: What errors name.
        text: The path.

    Raises:
        ConfigurationError: It cannot be read; the message shows from where on.
    """
    found = _PATH.match(text)
    end = found.end() if found else 0
    if end < len(text) or not text:
        raise ConfigurationError(
            f"{field}: the path {text!r} cannot be read from {text[end:]!r} on; paths are such as "
            "'values.name[locale=en_US,scope=null].data' or 'images[0]'"
        )
    return tuple(map(_step, _TOKEN.findall(text)))


def _step(token: str) -> Key | _Entry | _Place:
    if not token.startswith("["):
        return Key(token)
    inside = token[1:-1]
    if inside.isdecimal():
        return _Place(int(inside))
    pairs = (pair.split("=") for pair in inside.split(","))
    return _Entry({key.strip(): None if value.strip() == _NULL else value.strip() for key, value in pairs})


def value_at(path: Path, product: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """What a path leads to; `None` when it leads to nothing."""
    value: Any = product
    for step in path:
        value = step.of(value)
    return value


def put(product: dict[str, Any], path: Path, value: object) -> bool:
    """Let a path that ends in a key lead to a value; objects and lists on the way are made as needed.

    Returns:
        Whether that worked: `False` when something else than the path says stands in its way, such as a text.
    """
    inner: Any = product
    for step, after in itertools.pairwise(path):
        inner = step.made_in(inner, after.empty())
    last = path[-1]
    if not isinstance(inner, dict) or not isinstance(last, Key):
        return False
    inner[last.name] = value
    return True


def text_of(value: object) -> str | None:
    """A text, number or boolean as text; `None` for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None
