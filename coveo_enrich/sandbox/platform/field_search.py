"""Which fields a list of the Field API holds, and in which order: pure, without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, get_args

from coveo_enrich.sandbox.http.paging import page_of, sorted_by
from coveo_enrich.sandbox.platform.fields import Field, FieldType, field_model
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["found_fields"]

_Passes: TypeAlias = Callable[[Mapping[str, Json]], bool]

_KEYS = tuple(field_model(Field(name="a")))
_FLAGS = tuple(key for key, value in field_model(Field(name="a")).items() if isinstance(value, bool))
_WANTED: dict[Json, tuple[Json, ...]] = {"ALL": (True, False), "TRUE_ONLY": (True,), "FALSE_ONLY": (False,)}
_TYPES: dict[Json, tuple[Json, ...]] = {"ALL": get_args(FieldType), **{name: (name,) for name in get_args(FieldType)}}
_ORIGINS: dict[Json, tuple[Json, ...]] = {"ALL": (True, False), "SYSTEM": (True,), "USER": (False,)}


def found_fields(fields: Iterable[Field], query: Mapping[str, Json]) -> dict[str, Json]:
    """A page of the fields that a search finds.

    Args:
        fields: Those that there are.
        query: ``page``, ``perPage``, ``sortBy``, ``order`` and ``filters``.

    Raises:
        Refused: 400 ``INVALID_PARAMETER``, for something that cannot be.
    """
    given = query.get("filters") or {}
    if not isinstance(given, dict):
        raise _wrong("filters is an object.")
    tests = [_test(key, value) for key, value in given.items() if value is not None]
    found = [model for model in map(field_model, fields) if all(passes(model) for passes in tests)]
    listed = sorted_by(found, query.get("sortBy") or "name", query.get("order") or "ASC", _KEYS)
    return page_of(listed, query.get("page", 0), query.get("perPage", 100))


def _test(key: str, wanted: Json) -> _Passes:
    if key == "name":
        return _contains(wanted)
    if key == "fieldNames":
        return _is_named(wanted)
    if key == "type":
        return _is_one_of("type", wanted, _TYPES)
    if key == "origin":
        return _is_one_of("system", wanted, _ORIGINS, said="origin")
    if key in _FLAGS:
        return _is_one_of(key, wanted, _WANTED)
    raise _wrong(f"There is no filter {key[:100]}.")


def _contains(part: Json) -> _Passes:
    if not isinstance(part, str):
        raise _wrong("name is a text.")
    return lambda model: part.lower() in str(model["name"])


def _is_named(names: Json) -> _Passes:
    if not isinstance(names, list):
        raise _wrong("fieldNames is an array of names.")
    return lambda model: not names or model["name"] in names


def _is_one_of(key: str, wanted: Json, choices: Mapping[Json, tuple[Json, ...]], said: str = "") -> _Passes:
    if not isinstance(wanted, str) or wanted not in choices:
        raise _wrong(f"{said or key} is one of {', '.join(map(str, choices))}.")
    return lambda model: model[key] in choices[wanted]


def _wrong(message: str) -> Refused:
    return Refused(400, "INVALID_PARAMETER", message)
