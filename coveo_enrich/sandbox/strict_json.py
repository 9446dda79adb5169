"""JSON as strictly as Coveo reads it: no ``NaN``, a key that comes twice is noticed, deep nesting is an error."""

from __future__ import annotations

import json
from typing import NoReturn, TypeAlias

__all__ = ["DECODER", "Json", "JsonObject", "parse"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class JsonObject(dict[str, Json]):
    """An object that remembers a key which came twice, case aside: Coveo calls that ``INVALID_JSON`` in an item."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, Json]]) -> None:
        super().__init__(pairs)
        self.repeated = None if len({key.lower() for key, _ in pairs}) == len(pairs) else _first_repeated(pairs)


def _first_repeated(pairs: list[tuple[str, Json]]) -> str | None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key.lower() in seen:
            return key
        seen.add(key.lower())
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(object_pairs_hook=JsonObject, parse_constant=_refuse_constant)


def parse(text: bytes) -> Json:
    """The JSON value in ``text``.

    Raises:
        ValueError: It is not UTF-8, not JSON, or nested too deeply.
    """
    try:
        value: Json = DECODER.decode(text.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value
