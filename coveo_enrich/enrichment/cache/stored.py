"""What a cache keeps, as text and back, without loss: plain JSON that says what it holds.

Values are written by the names of their fields, and what has its default is left out; so a field that a later version
adds is read from an older text as its default. How long a text is good for is not known here.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

import attrs

from coveo_enrich.classifiers.values import Attribute, Box, Classification, Color, Failure, Label
from coveo_enrich.enrichment.cache.store import KnownImage

__all__ = ["Stored", "read_stored", "stored_text"]

Stored: TypeAlias = "Classification | Failure | KnownImage"

_Fields: TypeAlias = "dict[str, Any]"

_URL: Final = re.compile(r"\b([a-z][a-z0-9+.-]*://)([^\s/?#@]*@)?([^\s?#]*)([?#]\S*)?", re.IGNORECASE)


def stored_text(value: Stored) -> str:
    """The value as ASCII text. A failure loses its picture's name, and what may be secret in URLs that it quotes.

    Raises:
        TypeError: It holds something that is neither text nor a number.
    """
    plain = _without_urls(value) if isinstance(value, Failure) else value
    # ASCII, as a service may send a NUL or half of a surrogate pair, which UTF-8 or SQLite would not hold.
    return _encode([type(value).__name__, attrs.asdict(plain, filter=_has_value)])


def read_stored(text: str) -> Stored:
    """The value that a text was made of.

    Raises:
        ValueError: It is none.
    """
    try:
        (kind, fields), end = _decode(text)
        if end == len(text):
            return _KINDS[kind](fields)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError("it holds something else") from error
    raise ValueError("it holds more")


def _without_urls(failure: Failure) -> Failure:
    return attrs.evolve(failure, image=None, reason=_URL.sub(r"\1\3", failure.reason))


def _has_value(_attribute: object, value: object) -> bool:
    return bool(cast("tuple[object, ...]", value)) if isinstance(value, tuple) else value is not None


def _plain(number: Any) -> float:  # noqa: ANN401 - such as a scalar of NumPy
    return operator.index(number) if hasattr(number, "__index__") else float(number)


def _classification(fields: _Fields) -> Classification:
    for name, read in _OBSERVATIONS.items():
        if name in fields:
            fields[name] = [read(one) for one in fields[name]]
    return Classification(**fields)


def _label(fields: _Fields) -> Label:
    if "box" in fields:
        fields["box"] = Box(**fields["box"])
    return Label(**fields)


def _attribute(fields: _Fields) -> Attribute:
    if "box" in fields:
        fields["box"] = Box(**fields["box"])
    return Attribute(**fields)


def _color(fields: _Fields) -> Color:
    if "rgb" in fields:
        fields["rgb"] = tuple(fields["rgb"])
    return Color(**fields)


_encode: Final = json.JSONEncoder(separators=(",", ":"), default=_plain).encode
_decode: Final = json.JSONDecoder().raw_decode  # `decode` also looks for blanks around it, which takes as long again
_OBSERVATIONS: Final[dict[str, Callable[[_Fields], object]]] = {
    "labels": _label,
    "attributes": _attribute,
    "colors": _color,
}
_KINDS: Final[dict[str, Callable[[_Fields], Stored]]] = {
    "Classification": _classification,
    "Failure": lambda fields: Failure(**fields),
    "KnownImage": lambda fields: KnownImage(**fields),
}
