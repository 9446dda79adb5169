from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coveo_enrich import _json
from coveo_enrich.catalog import count_products, read_products, write_documents
from coveo_enrich.errors import CatalogFileError, ConfigurationError, InvalidItem

GOOD = b'{"a": 1}\n'


@pytest.fixture(scope="module", autouse=True, params=["stdlib", "orjson"])
def _codec(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run every test with Python's JSON and with orjson."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "stdlib":
            patch.setattr(_json, "codec", _json.stdlib_codec)
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a catalog may be."""
    return tmp_path / "catalog.jsonl"


def read(path: Path, content: bytes) -> list[dict[str, Any]]:
    """Read a catalog that holds this."""
    path.write_bytes(content)
    return list(read_products(path))


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}\n{"a": 2}\n',
        b'{"a": 1}\n{"a": 2}',
        b'{"a": 1}\r\n{"a": 2}\r\n',
        b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n',
        b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}',
        b'\n\n{"a": 1}\n \t\n\r\n{"a": 2}\n\n',
        b'  {"a": 1}  \n\t{"a": 2}\n',
        b'\xef\xbb\xbf\r\n{"a": 1}\n{"a": 2}\n',
    ],
)
def test_products_are_read_one_a_line(path: Path, content: bytes) -> None:
    """Line ends of both kinds, a byte order mark, blank lines and blanks around a product change nothing."""
    assert read(path, content) == [{"a": 1}, {"a": 2}]
    assert count_products(path) == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_file_holds_no_product(path: Path, content: bytes) -> None:
    """A file of nothing, blank lines or only a byte order mark is a catalog of 0 products."""
    assert read(path, content) == []


@pytest.mark.parametrize("text", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "é", "日本", "\U0001f6f6"])
def test_only_a_newline_ends_a_line(path: Path, text: str) -> None:
    """Characters that other tools take for line ends are parts of a text."""
    line = json.dumps({"a": f"x{text}y"}, ensure_ascii=text < " ").encode()
    assert read(path, line + b"\n") == [{"a": f"x{text}y"}]


BROKEN = {
    "not JSON": b"{oops}",
    "cut off": b'{"a": ',
    "two objects": b'{"a": 1} {"b": 2}',
    "trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": [-Infinity]}',
    "a number beyond floats": b'{"a": 1e999}',
    "an array": b'[{"a": 1}]',
    "a text": b'"a"',
    "a number": b"5",
    "null": b"null",
    "huge integer": b'{"a": ' + b"9" * 5_000 + b"}",
    "deep nesting": b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "not UTF-8": b'{"a": "caf\xe9"}',
    "half of a UTF-8 character": b'{"a": "\xf0\x9f"}',
    "an encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "NUL bytes": b"\0\0\0\0",
    "a control character": b'{"a": "\x01"}',
    "a CSV file": b"documentId,ec_name",
    "an HTML page": b"<!doctype html>",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(
    ("before", "number"),
    [
        (b"", 1),
        (GOOD, 2),
        (GOOD + b"\n \n" + GOOD, 5),
        (b'{"a": 1}\r\n\r\n', 3),
        (b"\xef\xbb\xbf" + GOOD, 2),
        ('{"a": "é\u2028\x85"}\n'.encode(), 2),
    ],
    ids=["first", "second", "after blank lines", "after CRLF", "after a BOM", "after other line ends"],
)
def test_a_broken_line_is_named(path: Path, broken: bytes, before: bytes, number: int) -> None:
    """The error names the file and the line, as an editor counts it; what stands before the line is read."""
    path.write_bytes(before + broken + b"\n" + GOOD)
    products = read_products(path)
    for _ in range(before.count(b"{")):
        next(products)
    with pytest.raises(CatalogFileError) as caught:
        next(products)
    assert (caught.value.path, caught.value.line) == (str(path), number)
    assert str(caught.value).startswith(f"{path}, line {number}: it ")
    assert len(str(caught.value)) < len(str(path)) + 200
    with pytest.raises(CatalogFileError):
        count_products(path)


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b'[\n{"a": 1},\n{"a": 2}\n]\n', "it begins an array: write each of its objects on a line of its own"),
        (b'[{"a": 1}, {"a": 2}]', "it begins an array: write each of its objects on a line of its own"),
        (b'[{"a": 1},\n{"a": 2}]', "it begins an array: write each of its objects on a line of its own"),
        (b'{\n  "a": 1\n}\n', "it ends before its JSON does: write each product on one line"),
        (b'{"a": 1,\n "b": 2}\n', "it ends before its JSON does: write each product on one line"),
        (b"id;name\n1;Kayak\n", "if it is CSV, let its name end in .csv"),
    ],
)
def test_another_shape_of_file_is_told_what_to_become(path: Path, content: bytes, advice: str) -> None:
    """JSON that is not one product a line, and CSV under another name, come with what to do about it."""
    with pytest.raises(CatalogFileError) as caught:
        read(path, content)
    assert advice in str(caught.value)
    assert caught.value.line == 1


@pytest.mark.parametrize("suffix", [".xlsx", ".XLS", ".ods"])
def test_a_workbook_is_named(tmp_path: Path, suffix: str) -> None:
    """A spreadsheet's own format is neither read as something else nor written as JSON Lines under its name."""
    path = tmp_path / f"catalog{suffix}"
    with pytest.raises(ConfigurationError, match="save it as CSV UTF-8"):
        read_products(path)


def test_what_is_no_document_is_named(path: Path) -> None:
    """An enriched product in place of its document is told apart, and the old file stays."""
    path.write_bytes(b"old")
    with pytest.raises(ConfigurationError, match=r"such as an enriched product's \.document; got str"):
        write_documents(path, cast("list[dict[str, Any]]", ["a"]))
    assert path.read_bytes() == b"old"


def test_a_missing_file_is_named(path: Path) -> None:
    """A file that is not there is named, without a line."""
    with pytest.raises(CatalogFileError, match="No such file") as caught:
        count_products(path)
    assert (caught.value.path, caught.value.line) == (str(path), None)


def test_a_folder_is_named(tmp_path: Path) -> None:
    """A folder in place of a file is named."""
    with pytest.raises(CatalogFileError, match="cannot be read"):
        count_products(tmp_path)


def test_a_file_is_read_as_it_is_asked_for(path: Path) -> None:
    """Law 11: products before a broken line come out; the file is not read ahead as a whole."""
    path.write_bytes(GOOD * 3 + b"oops\n")
    products = read_products(path)
    assert [next(products) for _ in range(3)] == [{"a": 1}] * 3


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(documents=st.lists(st.dictionaries(st.text(), JSON_VALUES, max_size=4), max_size=4))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, documents: list[dict[str, Any]]
) -> None:
    """Every document that JSON can hold comes back equal, in order, one a line."""
    path = tmp_path_factory.mktemp("written") / "out.jsonl"
    assert write_documents(path, documents) == len(documents)
    assert list(read_products(path)) == documents
    assert path.read_bytes().count(b"\n") == len(documents)


def test_half_a_character_is_written_and_read_back(path: Path) -> None:
    r"""Law 1: a text that ends in half of an emoji (``"\ud83d"``), as cut exports do, does not stop the catalog."""
    products = read(path, b'{"documentId": "a", "ec_name": "Kayak \\ud83d"}\n')
    assert write_documents(path, products) == 1
    assert list(read_products(path)) == products


def test_decimals_and_dates_are_written_as_they_are_sent(path: Path) -> None:
    """A file holds what the stream would send, so that it can be loaded later."""
    documents = [{"price": Decimal("19.90"), "day": date(2026, 3, 1), "sizes": ("s", "m")}]
    assert write_documents(path, documents) == 1
    assert list(read_products(path)) == [{"price": 19.9, "day": "2026-03-01", "sizes": ["s", "m"]}]


def test_integers_of_any_size_are_read_exactly(path: Path) -> None:
    """A long number, such as an id, does not lose its last digits."""
    numbers = [2**53 + 1, 2**63, 2**64, -(2**70), 10**400]
    path.write_text("".join(f'{{"a": {number}}}\n' for number in numbers))
    assert [product["a"] for product in read_products(path)] == numbers


def failing(*documents: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield some documents, then fail."""
    yield from documents
    raise RuntimeError


def test_an_error_on_the_way_leaves_the_old_file(path: Path) -> None:
    """A file is replaced once everything is written; until then it is what it was, and nothing is left beside it."""
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        write_documents(path, failing({"a": 1}, {"a": 2}))
    assert path.read_bytes() == b"old"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1}, b"x", object(), [[Decimal("NaN")]], {(): 1}])
def test_a_document_that_json_cannot_hold_leaves_the_old_file(path: Path, value: object) -> None:
    """What has no JSON form is an error that names document and field, and the old file stays."""
    path.write_bytes(b"old")
    documents: list[dict[str, Any]] = [{"a": 1}, {"documentId": "product://2", "number": 2**70, "price": value}]
    with pytest.raises(InvalidItem, match=r"item 2 \(product://2\): the value of 'price' cannot be written as JSON: "):
        write_documents(path, documents)
    assert path.read_bytes() == b"old"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_key_that_json_cannot_hold_is_named(path: Path) -> None:
    """A key that is no text, of a document without an id, is an error of the same kind."""
    with pytest.raises(InvalidItem, match=r"item 1 \(no documentId\): its key \('a', 1\) is not text"):
        write_documents(path, cast("list[dict[str, Any]]", [{("a", 1): 1}]))
    assert not path.exists()


def test_what_only_a_file_holds_may_stand_beside_what_is_converted(path: Path) -> None:
    """A long number, half of an emoji, a decimal and a date can be in one document."""
    document = {"id": 2**70, "ec_name": "Kayak \ud83d", "price": Decimal("19.90"), "day": date(2026, 3, 1), "é": "ü"}
    assert write_documents(path, [document]) == 1
    assert list(read_products(path)) == [{**document, "price": 19.9, "day": "2026-03-01"}]


def test_a_catalog_is_written_over_itself(path: Path) -> None:
    """The file that is read may be the file that is written."""
    path.write_bytes(GOOD * 3)
    assert write_documents(path, read_products(path)) == 3
    assert path.read_bytes() == b'{"a":1}\n' * 3


@pytest.mark.parametrize("place", ["missing/out.jsonl", "."])
def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, place: str) -> None:
    """A folder that is not there, and a folder in place of a file, are named before the first document is taken."""
    with pytest.raises(ConfigurationError, match="cannot be written: it"):
        write_documents(tmp_path / place, [{"a": 1}])
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_comes_twice_is_named(tmp_path: Path) -> None:
    """Law 9: of two values under one key none is dropped in silence; the line and the key are named."""
    path = tmp_path / "catalog.jsonl"
    path.write_text('{"documentId": "product://1"}\n{"ec_color": "Red", "ec_color": ""}\n')
    with pytest.raises(CatalogFileError, match="'ec_color' comes twice") as caught:
        list(read_products(path))
    assert caught.value.line == 2


def test_what_is_no_regular_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    """A pipe stays a pipe, and its reader gets the documents."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text("utf-8")))
    reader.start()
    assert write_documents(pipe, [{"a": 1}]) == 1
    reader.join()
    assert got == ['{"a":1}\n']
    assert pipe.is_fifo()


def test_a_link_is_followed(tmp_path: Path) -> None:
    """A link to the output stays a link; the file that it names is replaced."""
    target, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    write_documents(link, [{"a": 1}])
    assert link.is_symlink()
    assert target.read_text() == '{"a":1}\n'


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    """Not the temporary file beside it, which nobody knows."""
    path = tmp_path / "missing" / "out.jsonl"
    with pytest.raises(ConfigurationError) as caught:
        write_documents(path, [{"a": 1}])
    assert str(caught.value) == f"{path} cannot be written: its folder does not exist; make it first"
