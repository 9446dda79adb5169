"""JSON as strictly as Coveo reads it: no ``NaN``, a key that comes twice is noticed, deep nesting is an error."""

from __future__ import annotations

import json
import math
from typing import NoReturn, TypeAlias

__all__ = ["DECODER", "AmbiguousObject", "Json", "parse"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class AmbiguousObject(dict[str, Json]):
    """An object in which a key came twice, case aside: Coveo calls that ``INVALID_JSON`` in an item.

    Attributes:
        repeated: The first such key, as it was written the second time.
    """

    def __init__(self, pairs: list[tuple[str, Json]]) -> None:
        super().__init__(pairs)
        self.repeated = _first_repeated(pairs)


def _first_repeated(pairs: list[tuple[str, Json]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key.lower() in seen:
            return key
        seen.add(key.lower())
    raise ValueError("no key is repeated")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    return value if len(set(map(str.lower, value))) == len(pairs) else AmbiguousObject(pairs)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:20]} is beyond every number")
    return number


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)
# Far below what Python can write again, whatever is put around it.
_DEEPEST = 100
# Slower; what it reads can be written as JSON again, unless it is nested too deeply.
_STRICTER_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite)


def parse(text: bytes) -> Json:
    """The JSON value in ``text``.

    Raises:
        ValueError: It is not UTF-8, not JSON, nested too deeply, or holds a number that is too large for a float.
    """
    try:
        value: Json = _STRICTER_DECODER.decode(text.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _is_deeper(value, _DEEPEST):
        raise ValueError("nested too deeply")
    return value


def _is_deeper(value: Json, levels: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)
