"""One JSON for the whole library: the same values and the same refusals, whichever encoder does the work.

Python's own ``json`` is always there; ``orjson`` takes over when the extra ``fast`` is installed. The two differ in
what they do with NaN, large integers, keys that are no text, halves of surrogate pairs and keys that come twice, so
none of that is left to them: `normal` settles values, `encode` texts, `decode` what a line says. What an item of
Coveo's may hold beyond being JSON is not known here.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeAlias, cast

import attrs

__all__ = ["Codec", "NotJson", "codec", "decode", "encode", "is_flat", "normal", "stdlib_codec"]

KeyPath: TypeAlias = "tuple[str | int, ...]"

# Far more than an item has. Each level takes up to five frames of Python's stack of 1,000, and orjson ends at 254.
_DEEPEST: Final = 100
_TOO_DEEP: Final = "it is nested too deeply"
# Within it a number is surely one that a double and 64 bits hold.
_SURELY_FITS: Final = 9e18
_LARGEST_EXPONENT: Final = 307  # of a number that every JSON reader holds
_TEXT: Final = frozenset({str})
_NUMBERS: Final = frozenset({int, float})
_CONTAINERS: Final = frozenset({dict, list})
_SUSPICIOUS: Final = -(10**18)


class NotJson(ValueError):
    """A value that is not sent as JSON.

    Attributes:
        reason: Why not.
        path: The keys and places that lead to it, the outermost first; empty for the value itself.
    """

    def __init__(self, reason: str, path: KeyPath = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def inside(self, place: str | int) -> NotJson:
        """The same, seen from the container that holds it."""
        return NotJson(self.reason, (place, *self.path))


@attrs.frozen
class Codec:
    """A JSON writer and a reader.

    Attributes:
        dumps: Writes a normal value as compact UTF-8; raises `TypeError` or `ValueError` for a text that UTF-8 cannot
            hold.
        decode: As the function `decode`.
    """

    dumps: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]

    def encode(self, value: object) -> bytes:
        """As the function `encode`."""
        try:
            data = self.dumps(value)
        except (TypeError, ValueError) as error:
            _refuse_flawed_texts(value)
            raise NotJson(str(error)) from None
        if b"\\" in data and b"\\u0000" in data:
            _refuse_flawed_texts(value)
        return data


def stdlib_codec() -> Codec:
    """What Python itself brings."""
    write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    return Codec(lambda value: write(value).encode(), _decode_strictly)


@functools.cache
def codec() -> Codec:
    """The fastest that is installed."""
    try:
        import orjson  # noqa: PLC0415 - an optional dependency, and 20 ms
    except ImportError:
        return stdlib_codec()
    loads, dumps, as_line = orjson.loads, orjson.dumps, orjson.OPT_APPEND_NEWLINE

    def decode_line(line: bytes) -> object:
        # orjson takes the last of two equal keys, and makes floats of large integers. Neither happened if it writes
        # what it read, or if every quotation mark is accounted for.
        try:
            value = loads(line)
            if dumps(value, None, as_line) == line or _accounts_for(value, line):
                return value
        except (ValueError, TypeError, RecursionError):
            pass  # the strict way says what is wrong
        return _decode_strictly(line)

    return Codec(dumps, decode_line)


def encode(value: object) -> bytes:
    """The compact UTF-8 JSON of a value that `normal` gave.

    Raises:
        NotJson: A text or key holds half of a surrogate pair, or a NUL character.
    """
    return codec().encode(value)


def decode(line: bytes) -> object:
    """The value that a JSON text holds, integers of any size as they are.

    Raises:
        ValueError: It is not UTF-8 (`UnicodeDecodeError`), not JSON (`json.JSONDecodeError` where a place can be
            named), holds ``NaN``, ``Infinity`` or a number beyond a double, has a key twice in one object, or is
            nested too deeply.
    """
    return codec().decode(line)


def normal(value: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    """The value in plain dicts, lists, texts, numbers, booleans and `None`: itself if it is that already, else a copy.

    A ``Decimal`` becomes an integer or a float, a date or datetime ISO 8601 text, a UUID text, a member of an enum its
    value, a tuple or NumPy array a list, another mapping a dict, and a subclass of ``str``, ``int`` or ``float`` what
    it is one of. Texts are not looked into: `encode` does.

    Raises:
        NotJson: NaN or Infinity, an integer beyond 64 bits, a key that is not text, nesting beyond 100 levels, or a
            type without a form in JSON; sets (they have no order) and paths (how they are written depends on the
            machine) are among those.
    """
    try:
        if type(value) in _CONTAINERS and _is_plain(value, _DEEPEST):
            return value
        return _changed(value, _DEEPEST)
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None


def is_flat(value: object) -> bool:
    """Whether it is a dict of plain texts, numbers, booleans, `None` and lists of texts only, which `normal` keeps.

    `False` also where that takes a closer look. Every item of a catalog passes here, hence one loop over kinds.
    """
    if type(value) is not dict:
        return False
    fields = cast("dict[str, Any]", value)
    for one in fields.values():
        kind = type(one)  # pyright: ignore[reportUnknownVariableType] - of anything
        if kind is str or kind is bool or one is None:
            continue
        if kind is list:
            if not _TEXT.issuperset(map(type, one)):
                return False
        elif kind not in _NUMBERS or not -_SURELY_FITS < one < _SURELY_FITS:
            return False
    return _TEXT.issuperset(map(type, fields))


def _is_plain(value: Any, levels: int) -> bool:  # noqa: ANN401 - a dict or a list
    # Every value of a catalog passes here: one loop, and whatever is unusual is left to _changed.
    if type(value) is dict and not _TEXT.issuperset(map(type, cast("Any", value))):
        return False
    for one in _inside(value):
        kind = type(one)  # pyright: ignore[reportUnknownVariableType] - of anything
        if kind is str or kind is bool or one is None:
            continue
        if kind is float or kind is int:
            if not -_SURELY_FITS < one < _SURELY_FITS:
                return False
        elif kind not in _CONTAINERS or levels == 1:
            return False
        elif kind is list and _TEXT.issuperset(map(type, one)):
            continue
        elif not _is_plain(one, levels - 1):
            return False
    return True


def _inside(value: Any) -> Any:  # noqa: ANN401 - a dict or a list
    return cast("dict[str, Any]", value).values() if type(value) is dict else value


def _changed(value: object, levels: int) -> object:
    if type(value) in (str, bool, type(None)):
        return value
    settle = _SETTLED.get(type(value))
    if settle is not None:
        return settle(value, levels)
    return _changed(_plainer(value), levels)


def _integer(value: int, _levels: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise NotJson("a whole number beyond 64 bits would lose digits on its way: send it as text")
    return value


def _float(value: float, _levels: int) -> float:
    if not math.isfinite(value):
        raise NotJson(f"{value} is not JSON compliant: leave out what has no value")
    return value


def _list(values: list[object], levels: int) -> list[object]:
    return [inner for _, inner in _each_changed(enumerate(values), levels)]


def _dict(value: dict[object, object], levels: int) -> dict[str, object]:
    return dict(_each_changed(((_key(key), inner) for key, inner in value.items()), levels))


def _each_changed(values: Iterable[tuple[Any, object]], levels: int) -> Iterator[tuple[Any, object]]:
    if levels == 0:
        raise NotJson(_TOO_DEEP)
    for place, inner in values:
        try:
            yield place, _changed(inner, levels - 1)
        except NotJson as error:
            raise error.inside(place) from None


def _key(key: object) -> str:
    if isinstance(key, str):
        return str.__str__(key)
    raise NotJson(f"its key {key!r} is not text")


_SETTLED: Final[Mapping[type, Callable[[Any, int], object]]] = {
    int: _integer,
    float: _float,
    list: _list,
    dict: _dict,
}


def _plainer(value: object) -> object:
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    package = type(value).__module__.partition(".")[0]
    if package == "numpy":
        return _out_of_numpy(value)
    if package == "uuid":
        return str(value)
    raise _no_form(value)


def _no_form(value: object) -> NotJson:
    return NotJson(f"{type(value).__name__} has no JSON form")


def _number(value: Decimal) -> int | float:
    if not value.is_finite():
        raise NotJson(f"{value} is not JSON compliant: leave out what has no value")
    if value.adjusted() > _LARGEST_EXPONENT:
        raise NotJson(f"{value} is too large for a number")
    return int(value) if value == value.to_integral_value() else float(value)


def _iso(value: date) -> str:
    text = value.isoformat()
    if text == "NaT":  # pandas' missing moment is a datetime
        raise NotJson("NaT is not JSON compliant: leave out what has no value")
    return text


def _out_of_numpy(value: Any) -> object:  # noqa: ANN401 - NumPy is not imported, so its types have no name here
    # Moments in nanoseconds would come out as bare integers.
    if getattr(getattr(value, "dtype", None), "kind", "M") in "mM":
        raise _no_form(value)
    plain: object = value.tolist()
    if type(plain) is type(value):  # a long double has nothing plainer
        raise _no_form(value)
    return plain


_CONVERSIONS: Final[Sequence[tuple[type, Callable[[Any], object]]]] = (
    (Enum, lambda value: value.value),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (Decimal, _number),
    (date, _iso),
    (Mapping, dict),
    (list, list),
    (tuple, list),
)


def _refuse_flawed_texts(value: object) -> None:
    if isinstance(value, str):
        if flaw := _flaw(value):
            raise NotJson(f"its text holds {flaw}")
    elif isinstance(value, list):
        _refuse_each(enumerate(cast("list[object]", value)))
    elif isinstance(value, dict):
        _refuse_keys(cast("dict[str, object]", value))
        _refuse_each(cast("dict[str, object]", value).items())


def _refuse_each(values: Iterable[tuple[str | int, object]]) -> None:
    for place, inner in values:
        try:
            _refuse_flawed_texts(inner)
        except NotJson as error:
            raise error.inside(place) from None


def _refuse_keys(keys: Iterable[str]) -> None:
    for key in keys:
        if flaw := _flaw(key):
            raise NotJson(f"its key {key!a} holds {flaw}")


def _flaw(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair"
    return None


def _accounts_for(value: object, line: bytes) -> bool:
    return type(value) is dict and 2 * _texts_in(cast("object", value)) == _quotes(line)


def _texts_in(value: Any) -> int:  # noqa: ANN401 - a dict or a list
    # How many texts and keys it holds; below 0 if it holds a float that may have been an integer.
    count = len(cast("Any", value)) if type(value) is dict else 0
    for one in _inside(value):
        kind = type(one)  # pyright: ignore[reportUnknownVariableType] - of anything
        if kind is str:
            count += 1
        elif kind is float:
            if not -_SURELY_FITS < one < _SURELY_FITS:
                return _SUSPICIOUS
        elif kind is list and _TEXT.issuperset(map(type, one)):
            count += len(one)
        elif kind in _CONTAINERS:
            count += _texts_in(one)
    return count


def _quotes(line: bytes) -> int:
    # Those that begin or end a text or key: two for each, so that a key that came twice shows in the sum.
    if b"\\" not in line:
        return line.count(b'"')
    line = line.replace(b"\\\\", b"")
    return line.count(b'"') - line.count(b'\\"')


def _decode_strictly(line: bytes) -> object:
    try:
        return _STRICT.decode(line.decode())
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} comes twice in one object")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large for a number")
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_constant=_refuse_constant)
