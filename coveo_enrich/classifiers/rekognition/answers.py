"""Reads what Rekognition answers: leaf labels with where they are, the colours of the product, lines of text.

Pure. botocore checks little of an answer's shape, and a client may be of another make, so everything is looked at
before it is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import attrs

from coveo_enrich.classifiers.values import Attribute, Box, Color, Label
from coveo_enrich.errors import ServiceUnavailable, shown

__all__ = ["read_colors", "read_custom_labels", "read_labels", "read_text", "read_version"]

_PERCENT: Final = 100.0
_MOST_OF_A_CHANNEL: Final = 255
_NO_NUMBER: Final = 1e6  # beyond any share or percent; NaN is not below it either
_PERSON: Final = "Person"

_Table = Mapping[str, Any]

_NOTHING: Final[_Table] = {}


def read_labels(answer: object) -> list[Label]:
    """The most exact labels of ``DetectLabels``, the surest first.

    Rekognition answers *Kayak* with *Boat* and *Vehicle* beside it; those become its parents.
    """
    seen = _seen(answer)
    return _surest_first(_label(one, seen) for one in seen if one.leaf)


def read_custom_labels(answer: object) -> list[Label]:
    """The labels of ``DetectCustomLabels``, the surest first."""
    return _surest_first(_custom_label(table) for table in _required(answer, "CustomLabels"))


def read_colors(answer: object) -> list[Color]:
    """The colours of the product in the answer of ``DetectLabels``, the most present first.

    Those of the surest thing that was found and is no person; else those of the foreground; else those of the whole
    picture, if it has no background. Never those of the background.
    """
    by_name: defaultdict[str, list[_Table]] = defaultdict(list)
    for table in _product_colors(answer):
        name = table.get("SimplifiedColor")
        if name is not None:
            by_name[_text(name, "SimplifiedColor").casefold()].append(table)
    colors = [_color(name, tables) for name, tables in by_name.items()]
    return sorted(colors, key=lambda color: -(color.confidence or 0.0))


def read_text(answer: object) -> list[Attribute]:
    """The lines of ``DetectText``, as it reads them from the top; its single words are left out."""
    lines = (table for table in _required(answer, "TextDetections") if table.get("Type") == "LINE")
    return [_line(table) for table in lines if table.get("DetectedText")]


def read_version(answer: object, key: str) -> str | None:
    """The version of the model that answered; `None` when the answer does not tell."""
    version = _table(answer, "the answer").get(key)
    return version if isinstance(version, str) and version else None


@attrs.frozen
class _Seen:
    """A label as it was answered.

    Attributes:
        name: Its name.
        ancestors: All its broader labels, in no order that AWS promises.
        instances: Where it was found.
        confidence: In percent.
        leaf: Whether no other label names it as broader.
    """

    name: str
    ancestors: Sequence[str]
    instances: Sequence[_Table]
    confidence: float | None
    leaf: bool


def _seen(answer: object) -> list[_Seen]:
    tables = _required(answer, "Labels")
    names = [_text(table.get("Name"), "Name") for table in tables]
    families = [_ancestors(table, name) for table, name in zip(tables, names, strict=True)]
    broader = {ancestor for family in families for ancestor in family}
    return [
        _Seen(name, family, _tables(table, "Instances"), _percent(table, "Confidence"), name not in broader)
        for table, name, family in zip(tables, names, families, strict=True)
    ]


def _ancestors(table: _Table, name: str) -> list[str]:
    ancestors = [_text(parent.get("Name"), "Name") for parent in _tables(table, "Parents")]
    return [ancestor for ancestor in ancestors if ancestor != name]


def _label(seen: _Seen, all_seen: Iterable[_Seen]) -> Label:
    # The more ancestors an ancestor has itself, the nearer it is.
    depths = {one.name: len(one.ancestors) for one in all_seen}
    parents = sorted(seen.ancestors, key=lambda name: -depths.get(name, 0))
    surest = max(seen.instances, key=_sureness, default=_NOTHING)
    return Label(seen.name, **_scored(seen.confidence), parents=parents, box=_box(surest))


def _custom_label(table: _Table) -> Label:
    name = _text(table.get("Name"), "Name")
    return Label(name, **_scored(_percent(table, "Confidence")), box=_box(_part(table, "Geometry")))


def _line(table: _Table) -> Attribute:
    value = _text(table.get("DetectedText"), "DetectedText")
    return Attribute("text", value, **_scored(_percent(table, "Confidence")), box=_box(_part(table, "Geometry")))


def _surest_first(labels: Iterable[Label]) -> list[Label]:
    return sorted(labels, key=lambda label: -(label.confidence or 0.0))


def _product_colors(answer: object) -> Sequence[_Table]:
    properties = _part(_table(answer, "the answer"), "ImageProperties")
    return (
        _instance_colors(answer)
        or _tables(_part(properties, "Foreground"), "DominantColors")
        or (() if _tables(_part(properties, "Background"), "DominantColors") else _tables(properties, "DominantColors"))
    )


def _instance_colors(answer: object) -> Sequence[_Table]:
    if "Labels" not in _table(answer, "the answer"):
        return ()
    # Broader labels too: it is often *Boat* that Rekognition finds in the picture, and not the *Kayak* that it is.
    things = [seen for seen in _seen(answer) if _PERSON not in (seen.name, *seen.ancestors)]
    found = [one for thing in things for one in thing.instances if _tables(one, "DominantColors")]
    surest = max(found, key=_sureness, default=_NOTHING)
    return _tables(surest, "DominantColors")


def _color(name: str, tables: Sequence[_Table]) -> Color:
    """One colour of a word; its shades count together, and the most present one is shown."""
    most = max(tables, key=lambda table: _percent(table, "PixelPercent") or 0.0)
    percents = [percent for table in tables if (percent := _percent(table, "PixelPercent")) is not None]
    share = min(_PERCENT, sum(percents)) if percents else None
    shade = most.get("CSSColor")
    return Color(name, **_scored(share), rgb=_rgb(most), shade=None if shade is None else _text(shade, "CSSColor"))


def _rgb(table: _Table) -> tuple[int, int, int] | None:
    red, green, blue = (_channel(table.get(name)) for name in ("Red", "Green", "Blue"))
    return None if red is None or green is None or blue is None else (red, green, blue)


def _channel(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_OF_A_CHANNEL):
        return value
    raise _odd("a colour channel", value)


def _box(table: _Table) -> Box | None:
    box = _part(table, "BoundingBox")
    left, top, width, height = (_number(box.get(name), name) for name in ("Left", "Top", "Width", "Height"))
    if left is None or top is None or width is None or height is None:
        return None
    return Box(left, top, width, height)


def _sureness(table: _Table) -> float:
    return _percent(table, "Confidence") or 0.0


def _scored(percent: float | None) -> dict[str, Any]:
    if percent is None:
        return {}
    return {"confidence": percent / _PERCENT, "raw_score": percent, "scale": _PERCENT}


def _percent(table: _Table, key: str) -> float | None:
    number = _number(table.get(key), key)
    if number is None or 0 <= number <= _PERCENT:
        return number
    raise _odd(key, number)


def _number(value: object, what: str) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _NO_NUMBER):
        return value
    raise _odd(what, value)


def _text(value: object, what: str) -> str:
    if isinstance(value, str):
        return value
    raise _odd(what, value)


def _required(answer: object, key: str) -> Sequence[_Table]:
    table = _table(answer, "the answer")
    if key not in table:
        raise ServiceUnavailable(f"Rekognition's answer cannot be understood: it has no {key}")
    return _tables(table, key)


def _tables(table: _Table, key: str) -> Sequence[_Table]:
    values = table.get(key)
    if values is None:
        return ()
    if not isinstance(values, list | tuple):
        raise _odd(key, values)
    return [_table(value, key) for value in cast("Sequence[object]", values)]


def _part(table: _Table, key: str) -> _Table:
    value = table.get(key)
    return {} if value is None else _table(value, key)


def _table(value: object, what: str) -> _Table:
    if isinstance(value, Mapping):
        return cast("_Table", value)
    raise _odd(what, value)


def _odd(what: str, value: object) -> ServiceUnavailable:
    return ServiceUnavailable(f"Rekognition's answer cannot be understood: {what} is {shown(repr(value))}")
