"""Answers read by configuration: JMESPath expressions that pick labels, attributes and colours out of any JSON.

An expression that matches nothing gives `None` and no error, or an empty list where a part of it goes through a list:
both are told from an answer whose own list is empty, which says that nothing was seen. That an answer was not
understood is a failure here, and `explain` of the classifier shows what each expression found.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from coveo_enrich.classifiers.http.hiding import cleaned
from coveo_enrich.classifiers.http.service import Observation
from coveo_enrich.classifiers.values import Attribute, Color, Label
from coveo_enrich.errors import ConfigurationError, ImageRejected, MissingExtraError, shown

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

__all__ = ["AnswerPaths"]

_ROUNDING: Final = 1e-5  # of the scale: what arithmetic with 32 bits adds to a certainty
_CHANNELS: Final = 3
_BRIGHTEST: Final = 255


def _expressions(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _check_scale(_instance: object, _attribute: attrs.Attribute[float], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ConfigurationError(f"scale is the highest score of the service, such as 1 or 100; got {value!r}")


@attrs.frozen(kw_only=True)
class AnswerPaths:
    """JMESPath expressions that read an answer. Each gives a list of records; needs the extra ``http``.

    Two functions are there besides JMESPath's own: ``items(object)`` gives records with
    ``key`` and ``value``, ``parse_json(text)`` what a text of JSON holds. A filter that lets nothing pass counts as
    nothing seen. Boxes are not read: services count them in pixels, from corners or from middles, and it takes a
    function to tell.

    Attributes:
        labels: Records with ``name`` and, where scored, ``score``; also ``parents``, a list of texts.
        attributes: Records with ``name``, ``value`` and, where scored, ``score``. A value is a text, number or boolean,
            a list of these, or a list of records with ``value`` and ``score``.
        colors: Records with ``name`` and, where known, ``score``, ``shade``, ``rgb`` (a list) or ``hex``.
        scale: The highest score of the service; default 1.

    Raises:
        ConfigurationError: There is no expression, or a scale that cannot be.
    """

    labels: tuple[str, ...] = attrs.field(default=(), converter=_expressions)
    attributes: tuple[str, ...] = attrs.field(default=(), converter=_expressions)
    colors: tuple[str, ...] = attrs.field(default=(), converter=_expressions)
    scale: float = attrs.field(default=1.0, validator=_check_scale)

    def __attrs_post_init__(self) -> None:
        if not self._all():
            raise ConfigurationError("AnswerPaths needs an expression for labels, attributes or colors")

    @property
    def version(self) -> str:
        """Its own text: another expression may read another thing."""
        return repr(self)

    def check(self) -> None:
        """Raise unless every expression can be used.

        Raises:
            ConfigurationError: An expression is no JMESPath.
            MissingExtraError: The extra ``http`` is not installed.
        """
        for expression, _ in self._all():
            _compiled(expression)

    def __call__(self, answer: Any) -> Sequence[Observation]:  # noqa: ANN401 - whatever JSON holds
        """What the answer holds.

        Raises:
            ImageRejected: Nothing matched although the answer is not empty, or what matched cannot be read.
        """
        found = [(_records(expression, answer), read) for expression, read in self._all()]
        seen = [one for records, read in found for record in records or () for one in read(record, self.scale)]
        saw_nothing = any(records == [] for records, _ in found) and not any(records for records, _ in found)
        if seen or saw_nothing or answer in ([], {}):
            return seen
        raise ImageRejected(f"unmatched response: no expression reads anything from it ({_outline(answer)})")

    def unmatched(self, answer: object) -> tuple[str, ...]:
        """The expressions that read nothing from an answer."""
        return tuple(
            expression
            for expression, read in self._all()
            if not any(list(read(record, self.scale)) for record in _records(expression, answer) or ())
        )

    def _all(self) -> list[tuple[str, _Read]]:
        return [
            *((one, _labels) for one in self.labels),
            *((one, _attributes) for one in self.attributes),
            *((one, _colors) for one in self.colors),
        ]


_Record = Mapping[str, Any]
_Read = Callable[[_Record, float], Iterable[Observation]]


@functools.lru_cache(maxsize=256)
def _compiled(expression: str) -> ParsedResult:
    try:
        import jmespath  # noqa: PLC0415 - needs the extra
        from jmespath.exceptions import JMESPathError  # noqa: PLC0415 - needs the extra
    except ImportError as error:
        raise MissingExtraError.of("Reading answers by JMESPath", "http") from error
    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        said = str(error).replace("\n", " ")
        raise ConfigurationError(f"{expression!r} is no JMESPath expression: {shown(said)}") from None


@functools.cache
def _options() -> Any:  # noqa: ANN401 - stays in this module
    from jmespath import Options, functions  # noqa: PLC0415 - needs the extra

    class More(functions.Functions):  # type: ignore[misc, unused-ignore]
        @functions.signature({"types": []})  # type: ignore[untyped-decorator, unused-ignore]
        def _func_items(self, value: object) -> list[dict[str, object]] | None:
            if not isinstance(value, dict):  # as everywhere in JMESPath, what is something else leads nowhere
                return None
            fields = cast("dict[str, object]", value)
            return [{"key": key, "value": inner} for key, inner in fields.items()]

        @functions.signature({"types": ["string", "null"]})  # type: ignore[untyped-decorator, unused-ignore]
        def _func_parse_json(self, text: str | None) -> object:
            return None if text is None else cleaned(json.loads(text), ())

    return Options(custom_functions=More())


@functools.cache
def _walker() -> type[Any]:
    from jmespath.visitor import TreeInterpreter  # noqa: PLC0415 - needs the extra

    class Walker(TreeInterpreter):  # type: ignore[misc, unused-ignore]
        """Notes when all that a list holds was dropped, because the rest of the expression matched none of it."""

        lost = False

        def visit_projection(self, node: Any, value: object) -> Any:  # noqa: ANN401 - JMESPath's
            return self._noted(super().visit_projection(node, value), node, value)

        def visit_value_projection(self, node: Any, value: object) -> Any:  # noqa: ANN401 - JMESPath's
            return self._noted(super().visit_value_projection(node, value), node, value)

        def visit_filter_projection(self, node: Any, value: object) -> Any:  # noqa: ANN401 - JMESPath's
            found = super().visit_filter_projection(node, value)
            left, _, condition = node["children"]
            whole: Any = {"type": "identity", "children": []}
            chosen: Any = {"type": node["type"], "children": [left, whole, condition]}
            self.lost = self.lost or (found == [] and bool(super().visit_filter_projection(chosen, value)))
            return found

        def _noted(self, found: object, node: Any, value: object) -> object:  # noqa: ANN401 - JMESPath's
            if found == [] and self.visit(node["children"][0], value):
                self.lost = True
            return found

    return Walker


def _found(expression: str, answer: object) -> object:
    """What an expression gives; `None` too when it is an empty list that is none of the answer's."""
    walker = _walker()(_options())
    found: object = walker.visit(_compiled(expression).parsed, answer)
    return None if found == [] and walker.lost else found


def _records(expression: str, answer: object) -> list[_Record] | None:
    """What an expression gives; `None` when it leads nowhere."""
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415 - needs the extra

    try:
        found = _found(expression, answer)
    except (JMESPathError, ValueError, RecursionError) as error:
        said = str(error).replace("\n", " ")
        raise ImageRejected(f"unmatched response: {expression!r} cannot read it: {shown(said)}") from None
    if found is None:
        return None
    records = cast("list[object]", found) if isinstance(found, list) else [found]
    if all(isinstance(record, Mapping) for record in records):
        return cast("list[_Record]", records)
    raise ImageRejected(
        f"unmatched response: {expression!r} gives no records like {{name: …}}; texts become some by [].{{name: @}}"
    )


def _labels(record: _Record, scale: float) -> Iterable[Label]:
    name = _text(record.get("name"))
    if name:
        parents = tuple(filter(None, map(_text, _list(record.get("parents")))))
        yield Label(name, **_scored(record.get("score"), scale), parents=parents)


def _attributes(record: _Record, scale: float) -> Iterable[Attribute]:
    name = _text(record.get("name"))
    for one in _list(record.get("value")) if name else ():
        inner = cast("_Record", one) if isinstance(one, Mapping) else {"value": one, "score": record.get("score")}
        value = _text(inner.get("value"))
        if name and value:
            yield Attribute(name, value, **_scored(inner.get("score"), scale))


def _colors(record: _Record, scale: float) -> Iterable[Color]:
    name = _text(record.get("name"))
    if name:
        rgb = _rgb(record.get("rgb")) or _rgb_of_hex(record.get("hex"))
        yield Color(name, **_scored(record.get("score"), scale), rgb=rgb, shade=_text(record.get("shade")))


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType] - of anything


def _text(value: object) -> str | None:
    """A word; `None` for nothing."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value).strip() or None
    raise ImageRejected(f"unmatched response: a word is wanted where there is {shown(json.dumps(value, default=str))}")


def _scored(score: object, scale: float) -> dict[str, Any]:
    """The three numbers of an observation."""
    if score is None:
        return {"confidence": None}
    raw = _number(score)
    if raw is None or not -_ROUNDING <= raw / scale <= 1 + _ROUNDING:
        raise ImageRejected(f"the score {shown(repr(score))} is no number from 0 to {scale:g}; check the scale")
    confidence = min(max(raw / scale, 0.0), 1.0)
    if scale == 1 and confidence == raw:
        return {"confidence": confidence}
    return {"confidence": confidence, "raw_score": raw, "scale": scale}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _rgb(value: object) -> tuple[int, int, int] | None:
    channels = [_number(channel) for channel in _list(value)]
    whole = [round(one) for one in channels if one is not None and 0 <= one <= _BRIGHTEST]
    return (whole[0], whole[1], whole[2]) if len(whole) == len(channels) == _CHANNELS else None


def _rgb_of_hex(value: object) -> tuple[int, int, int] | None:
    try:
        red, green, blue = bytes.fromhex(value.removeprefix("#")) if isinstance(value, str) else b""
    except ValueError:
        return None
    return red, green, blue


def _outline(answer: object) -> str:
    """Enough of an answer to see what it is."""
    if isinstance(answer, Mapping):
        return "an object with " + shown(", ".join(map(str, cast("Mapping[str, object]", answer))))
    if isinstance(answer, list):
        return f"a list of {len(cast('list[object]', answer))}"
    return type(answer).__name__
