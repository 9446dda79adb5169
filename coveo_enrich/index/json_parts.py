"""The parts of an answer's JSON, whatever stands where an object or a list of objects should: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

__all__ = ["object_of", "objects_of"]


def object_of(value: object) -> Mapping[str, Any]:
    """An object; empty when it is none."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def objects_of(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list; none when it is no list."""
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Mapping[str, Any]", one) for one in listed if isinstance(one, Mapping)]
