"""One JSON: the same values and the same refusals with Python's encoder and with orjson."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coveo_enrich import _json
from coveo_enrich._json import Codec, NotJson, codec, decode, encode, normal, stdlib_codec

DEEPEST = 100


class Size(StrEnum):
    """Texts that are members of an enum."""

    SMALL = "s"


class Rank(IntEnum):
    """Numbers that are members of an enum."""

    FIRST = 1


class Material(Enum):
    """Members of an enum that are nothing else."""

    LEATHER = "leather"


class Text(str):
    """A text of a type of its own."""

    __slots__ = ()


class Whole(int):
    """A whole number of a type of its own."""


class Real(float):
    """A number of a type of its own."""


class Several(list[int]):
    """A list of a type of its own."""


class Point(NamedTuple):
    """A tuple of a type of its own."""

    x: int
    y: int


@pytest.fixture(params=["stdlib", "orjson"])
def one_codec(request: pytest.FixtureRequest) -> Codec:
    """Return each of the two codecs."""
    return stdlib_codec() if request.param == "stdlib" else codec()


def test_orjson_is_used_where_it_is_installed() -> None:
    """What the extra `fast` brings does the work."""
    assert codec().dumps is orjson.dumps
    assert stdlib_codec().dumps is not orjson.dumps


def test_python_does_the_work_without_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is optional."""
    monkeypatch.setitem(sys.modules, "orjson", None)
    codec.cache_clear()
    try:
        assert "orjson" not in codec().dumps.__module__
        assert decode(encode({"a": "é"})) == {"a": "é"}
    finally:
        codec.cache_clear()


def test_orjson_is_imported_when_it_is_needed() -> None:
    """Importing the library costs no import of an optional dependency."""
    check = "import sys, coveo_enrich._json, coveo_enrich.catalog; sys.exit('orjson' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0  # noqa: S603 - our own line


# --- values that are JSON already, and values that are not


def outcome(work: Callable[[], object]) -> str:
    """What came out, its types told apart, or why nothing did."""
    try:
        return repr(work())
    except NotJson as error:
        return f"refused: {error.reason} at {error.path}"
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


NUMBERS = st.integers() | st.integers(2**63 - 2, 2**63 + 2) | st.integers(-(2**53) - 2, -(2**53) + 2) | st.floats()
TEXTS = st.text() | st.lists(st.sampled_from(["\0", "\ud83d", "\udc00", "\\", '"', "u0000", "é", "x"]), max_size=4).map(
    "".join
)
ODD = st.sampled_from(
    [
        Size.SMALL,
        Rank.FIRST,
        Material.LEATHER,
        Text("t"),
        Whole(3),
        Whole(2**70),
        Real(1.5),
        Real("nan"),
        Several([1]),
        Point(1, 2),
        UUID(int=7),
        {1, 2},
        b"x",
        Path("a"),
        object,
        1j,
        date(2026, 3, 1),
        datetime(2026, 3, 1, 12, tzinfo=UTC),
        time(1),
        timedelta(1),
        Decimal("1.10"),
        Decimal("NaN"),
        Decimal("1e30"),
        Decimal("1e400"),
    ]
)
KEYS = TEXTS | st.sampled_from([Size.SMALL, Text("k"), 1, None, True, 2.5, Material.LEATHER])


def _containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    lists = st.lists(inner, max_size=4)
    mappings = st.dictionaries(KEYS, inner, max_size=4)
    return lists | lists.map(tuple) | mappings | mappings.map(MappingProxyType) | mappings.map(OrderedDict)


ANYTHING = st.recursive(st.none() | st.booleans() | NUMBERS | TEXTS | ODD, _containers, max_leaves=8)


@given(ANYTHING)
def test_both_encoders_say_the_same(value: object) -> None:
    """The same JSON values, or the same refusal at the same place, whichever encoder is installed."""
    said = outcome(lambda: json.loads(stdlib_codec().encode(normal(value))))
    assert outcome(lambda: json.loads(codec().encode(normal(value)))) == said


@given(ANYTHING)
def test_what_is_normal_is_json_and_stays_as_it_is(value: object) -> None:
    """What comes out is JSON without any help, and goes through again unchanged."""
    try:
        plain = normal(value)
    except NotJson:
        return
    assert normal(plain) == plain
    assert json.loads(json.dumps(plain, ensure_ascii=False)) == plain


def test_a_normal_value_is_not_copied() -> None:
    """What a catalog usually holds is handed back itself."""
    item = {"a": "x", "b": [1, 2.5, True, None], "c": {"d": ["e"]}, "f": -1, "g": []}
    assert normal(item) is item


PLAIN: list[tuple[object, object]] = [
    (Size.SMALL, "s"),
    (Rank.FIRST, 1),
    (Material.LEATHER, "leather"),
    (Text("t"), "t"),
    (Whole(3), 3),
    (Real(1.5), 1.5),
    (Several([1]), [1]),
    (Point(1, 2), [1, 2]),
    ((1, (2,)), [1, [2]]),
    (MappingProxyType({"a": (1,)}), {"a": [1]}),
    (OrderedDict[str, int](b=1, a=2), {"b": 1, "a": 2}),
    ({Size.SMALL: 1}, {"s": 1}),
    (Decimal("19.90"), 19.9),
    (Decimal("20.00"), 20),
    (Decimal("1E+3"), 1000),
    (date(2026, 3, 1), "2026-03-01"),
    (datetime(2026, 3, 1, 12, 30, tzinfo=UTC), "2026-03-01T12:30:00+00:00"),
    (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (2**63 - 1, 2**63 - 1),
    (-(2**63), -(2**63)),
]


@pytest.mark.parametrize(("value", "plain"), PLAIN, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("levels", [0, 1, 3])
def test_other_types_become_plain_ones(value: object, plain: object, levels: int, one_codec: Codec) -> None:
    """What has an obvious form in JSON takes it, at any depth, with the exact type."""
    got = normal(_nested(levels, WRAPS["dicts"], value))
    assert repr(got) == repr(_nested(levels, WRAPS["dicts"], plain))
    assert json.loads(one_codec.encode(got)) == got


REFUSED = [
    (float("nan"), "nan is not JSON compliant: leave out what has no value"),
    (float("-inf"), "-inf is not JSON compliant: leave out what has no value"),
    (Decimal("sNaN"), "sNaN is not JSON compliant: leave out what has no value"),
    (Decimal("1E+400"), "1E+400 is too large for a number"),
    (2**63, "a whole number beyond 64 bits would lose digits on its way: send it as text"),
    (-(2**63) - 1, "a whole number beyond 64 bits would lose digits on its way: send it as text"),
    (Decimal("1E+30"), "a whole number beyond 64 bits would lose digits on its way: send it as text"),
    ({1}, "set has no JSON form"),
    (b"x", "bytes has no JSON form"),
    (Path("a"), f"{type(Path('a')).__name__} has no JSON form"),
    (time(1), "time has no JSON form"),
    (timedelta(1), "timedelta has no JSON form"),
    (iter([1]), "list_iterator has no JSON form"),
    ("a\0b", "its text holds a NUL character"),
    ("\ud83d", "its text holds half of a surrogate pair"),
    ({"a\0": 1}, r"its key 'a\x00' holds a NUL character"),
    ({"\udc00": 1}, r"its key '\udc00' holds half of a surrogate pair"),
    ({1: 2}, "its key 1 is not text"),
    ({None: 2}, "its key None is not text"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED, ids=[reason[:30] for _, reason in REFUSED])
def test_what_json_cannot_say_is_refused_with_its_place(value: object, reason: str, one_codec: Codec) -> None:
    """Both encoders refuse it in the same words, and the path leads to it."""
    with pytest.raises(NotJson) as caught:
        one_codec.encode(normal({"fine": "é", "odd": [0, value]}))
    assert (caught.value.reason, caught.value.path) == (reason, ("odd", 1))


def _nested(levels: int, wrap: Callable[[object], object], value: object = 1) -> object:
    for _ in range(levels):
        value = wrap(value)
    return value


WRAPS: dict[str, Callable[[object], object]] = {
    "lists": lambda one: [one],
    "dicts": lambda one: {"a": one},
    "tuples": lambda one: (one,),
    "mappings": lambda one: MappingProxyType({"a": one}),
}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_nesting_has_the_same_end_for_both(wrap: Callable[[object], object], one_codec: Codec) -> None:
    """100 levels are written, one more is refused, whatever is innermost."""
    one_codec.encode(normal(_nested(DEEPEST, wrap)))
    for inner in (1, "x", Decimal(1)):
        with pytest.raises(NotJson, match="nested too deeply"):
            one_codec.encode(normal(_nested(DEEPEST + 1, wrap, inner)))


def test_a_circle_is_refused() -> None:
    """A value that holds itself has no end, and no error of another kind comes of it."""
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(NotJson, match="nested too deeply"):
        normal(circle)


def test_a_backslash_before_u0000_is_no_nul(one_codec: Codec) -> None:
    """A text that spells the escape is sent as it is."""
    assert json.loads(one_codec.encode({"a": "\\u0000"})) == {"a": "\\u0000"}


def test_the_bytes_are_compact_utf8(one_codec: Codec) -> None:
    """No blanks, no escaped letters, keys in their order."""
    assert one_codec.encode({"b": ["é", "自"], "a": 1.5}) == '{"b":["é","自"],"a":1.5}'.encode()


# --- frames


def test_numpy_values_become_plain_ones(one_codec: Codec) -> None:
    """Scalars, arrays and arrays of arrays of NumPy are numbers, texts and lists."""
    np: Any = pytest.importorskip("numpy")
    row = {
        "whole": np.int64(3),
        "small": np.uint8(4),
        "real": np.float64(1.5),
        "half": np.float32(0.5),
        "flag": np.bool_(True),  # noqa: FBT003 - NumPy's
        "text": np.str_("x"),
        "texts": np.array(["a", "b"]),
        "mixed": np.array(["a", 1, None, np.int64(2)], dtype=object),
        "table": np.array([[1, 2], [3, 4]]),
    }
    assert json.loads(one_codec.encode(normal(row))) == {
        "whole": 3,
        "small": 4,
        "real": 1.5,
        "half": 0.5,
        "flag": True,
        "text": "x",
        "texts": ["a", "b"],
        "mixed": ["a", 1, None, 2],
        "table": [[1, 2], [3, 4]],
    }


def test_numpy_values_without_a_form_are_refused() -> None:
    """Above all, a moment does not become a bare number of nanoseconds."""
    np: Any = pytest.importorskip("numpy")
    odd: list[object] = [
        np.float64("nan"),
        np.array([1.0, np.inf]),
        np.uint64(2**63),
        np.datetime64("2026-03-01T00:00:00.000000001"),
        np.timedelta64(1, "ns"),
        np.array(["2026-03-01"], dtype="datetime64[ns]"),
        np.longdouble(1),
        np.complex128(1),
        np.bytes_(b"x"),
        np.dtype("int64"),
        np.array([(1, b"x")], dtype=[("a", int), ("b", "S1")]),
    ]
    for value in odd:
        with pytest.raises(NotJson):
            normal({"a": value})


def test_rows_of_pandas_are_normal_but_for_what_is_missing() -> None:
    """A missing value is refused rather than sent as null, whatever pandas calls it."""
    pd: Any = pytest.importorskip("pandas")
    assert normal({"at": pd.Timestamp("2026-03-01", tz="UTC")}) == {"at": "2026-03-01T00:00:00+00:00"}
    for missing in (pd.NaT, pd.NA, float("nan")):
        with pytest.raises(NotJson):
            normal({"a": missing})


# --- reading

BLANKS = st.text(" \t\r\n", max_size=2)
ESCAPED = st.text(st.sampled_from('ab"\\:é\0'), max_size=2)
WRITTEN_TEXTS = (
    ESCAPED.map(json.dumps)
    | ESCAPED.map(lambda text: json.dumps(text, ensure_ascii=False))
    | st.sampled_from([r'"\u0061"', r'"\u0022"', r'"\ud83d"', r'"\ud83d\udef6"', '"a', r'"\x"'])
)
OTHER_WORDS = """
    0 -0 -0.0 1e5 1E-400 1e999 -1e999 NaN Infinity 01 1e19 0.1 true false null nul
    9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616
    -9223372036854775808 -9223372036854775809 123456789012345678901234567890
"""
WRITTEN_NUMBERS = st.sampled_from(OTHER_WORDS.split()) | st.floats(allow_nan=False, allow_infinity=False).map(repr)


def _written(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    values = st.tuples(BLANKS, inner, BLANKS).map("".join)
    pairs = st.tuples(BLANKS, WRITTEN_TEXTS, BLANKS, st.just(":"), values).map("".join)
    return st.lists(values, max_size=3).map(lambda all_: f"[{','.join(all_)}]") | st.lists(pairs, max_size=4).map(
        lambda all_: f"{{{','.join(all_)}}}"
    )


LINES = st.recursive(WRITTEN_TEXTS | WRITTEN_NUMBERS, _written, max_leaves=10)


@given(LINES | LINES.map(lambda inner: f'{{"a":{inner}}}') | st.text())
@example('{"a" :1,"a":2}')
@example('{"a" :"\\"","a":2}')
@example('{"a":{"b":1,"b":2},"c":"\\u0022\\u0022\\u0022\\u0022"}')
@example('{"a":123456789012345678901234567890}')
@example('{"a":[["x"],[-9223372036854775809]]}')
@example('\ufeff{"a":1}')
def test_both_readers_say_the_same(text: str) -> None:
    """The same values, integers of any size exact, or the same refusal, whichever reader is installed."""
    line = text.encode("utf-8", "surrogatepass")
    assert outcome(lambda: codec().decode(line)) == outcome(lambda: stdlib_codec().decode(line))


@given(st.binary(max_size=20))
def test_both_readers_say_the_same_about_any_bytes(line: bytes) -> None:
    """Bytes that are no text at all get the same refusal too."""
    assert outcome(lambda: codec().decode(line)) == outcome(lambda: stdlib_codec().decode(line))


def test_usual_lines_are_read_by_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escapes, blanks and nested values do not make a good line take the slow way."""
    read = codec().decode

    def refuse(line: bytes) -> object:
        raise AssertionError(line)

    monkeypatch.setattr(_json, "_decode_strictly", refuse)
    item = {"a": 'x "y" \\ z\n', "b": [1, 2.5, "c", {"d": None}], "é": "Couleur : rouge"}
    assert read(json.dumps(item).encode()) == item
    assert read(json.dumps(item, ensure_ascii=False, indent=1).encode()) == item
    assert read(json.dumps(item, separators=(" , ", " : ")).encode()) == item


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": [-Infinity]}', "-Infinity is no JSON number"),
        (b'{"a": 1e999}', "1e999 is too large for a number"),
        (b'{"a": 1, "b": {"c": 1, "c": 1}}', "the key 'c' comes twice in one object"),
        (b'{"a": "\xff"}', "invalid start byte"),
        (b'{"a": 1', "Expecting ',' delimiter"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(line: bytes, why: str, one_codec: Codec) -> None:
    """The refusal says why, and is a ValueError."""
    with pytest.raises(ValueError, match=why):
        one_codec.decode(line)


@pytest.mark.parametrize("levels", [1, 100, 500])
def test_nesting_that_a_catalog_may_have_is_read(levels: int, one_codec: Codec) -> None:
    """Reading goes deeper than writing."""
    assert one_codec.decode(b'{"a":' * levels + b"1" + b"}" * levels) == _nested(levels, WRAPS["dicts"])
