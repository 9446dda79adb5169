from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich.catalog import count_products, read_products
from coveo_enrich.errors import CatalogFileError, ConfigurationError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a catalog may be."""
    return tmp_path / "catalog.csv"


def read(path: Path, content: bytes) -> list[dict[str, Any]]:
    """Read a catalog that holds this."""
    path.write_bytes(content)
    return list(read_products(path))


@pytest.mark.parametrize(
    "content",
    [
        b"documentId,ec_name\na://1,Kayak\na://2,Boot\n",
        b"documentId;ec_name\na://1;Kayak\na://2;Boot\n",
        b"documentId\tec_name\na://1\tKayak\na://2\tBoot\n",
        b"documentId|ec_name\na://1|Kayak\na://2|Boot\n",
        b"sep=;\r\ndocumentId;ec_name\r\na://1;Kayak\r\na://2;Boot\r\n",
        b'\xef\xbb\xbf"SEP=|"\ndocumentId|ec_name\na://1|Kayak\na://2|Boot\n',
        b"documentId,ec_name\r\na://1,Kayak\r\na://2,Boot",
        b"\xef\xbb\xbfdocumentId,ec_name\na://1,Kayak\na://2,Boot\n",
        b'\xef\xbb\xbf"documentId","ec_name"\n"a://1","Kayak"\n"a://2","Boot"\n',
        b" documentId , ec_name \n\na://1,Kayak\n,\na://2,Boot\n\n",
        b"documentId,ec_name,\na://1,Kayak,\na://2,Boot,\n",
    ],
)
def test_products_are_read_one_a_record(path: Path, content: bytes) -> None:
    """Delimiters, line ends, byte order marks, blank records and an empty last column change nothing."""
    expected = [{"documentId": "a://1", "ec_name": "Kayak"}, {"documentId": "a://2", "ec_name": "Boot"}]
    assert read(path, content) == expected
    assert count_products(path) == 2


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a,b\n", b"a,b", b"\xef\xbb\xbf", b"\xef\xbb\xbfa,b\r\n\r\n", b"sep=;", b"sep=;\na;b"]
)
def test_a_file_without_a_record_holds_no_product(path: Path, content: bytes) -> None:
    """Nothing, or a header alone, is a catalog of 0 products."""
    assert read(path, content) == []


def test_the_line_of_a_spreadsheet_overrules_the_header(path: Path) -> None:
    """``sep=;`` says what stands between cells even where the header has more commas."""
    assert read(path, b"sep=;\na,b,c;d\n1,5;2\n") == [{"a,b,c": "1,5", "d": "2"}]


def test_cells_are_text_and_empty_ones_are_missing(path: Path) -> None:
    """Numbers, several values with ``;`` and blanks stay the text that they are; an empty cell is no field."""
    content = b'id,price,tags,name,note\n1,19.90,a;b, Kayak ,\n2,,,"x ""y"" z"," "\n'
    assert read(path, content) == [
        {"id": "1", "price": "19.90", "tags": "a;b", "name": " Kayak "},
        {"id": "2", "name": 'x "y" z', "note": " "},
    ]


def test_a_quoted_cell_may_span_lines(path: Path) -> None:
    """Line ends and delimiters between quotation marks belong to the text, and later lines keep their numbers."""
    path.write_bytes(b'id,text\n1,"a\nb\r\nc,d"\n2\n')
    products = read_products(path)
    assert next(products) == {"id": "1", "text": "a\nb\r\nc,d"}
    with pytest.raises(CatalogFileError, match="1 cells, and the header 2") as caught:
        next(products)
    assert caught.value.line == 5


BROKEN = {
    "too few cells": b"1",
    "too many cells": b"1,2,3,4",
    "a value without a name": b"1,2,3",
    "not UTF-8": b"caf\xe9,1,",
    "a quotation mark inside": b'"a"b,1,',
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(
    ("before", "line"),
    [(b"a,b,\n", 2), (b'a,b,\n1,"x\ny",\n\n', 5), (b"\xef\xbb\xbfa,b,\r\n1,2,\r\n", 3), (b"sep=,\na,b,\n", 3)],
)
def test_a_broken_record_is_named(path: Path, broken: bytes, before: bytes, line: int) -> None:
    """The error names the file and the line as an editor counts it."""
    path.write_bytes(before + broken + b"\n3,4,\n")
    with pytest.raises(CatalogFileError) as caught:
        list(read_products(path))
    assert (caught.value.path, caught.value.line) == (str(path), line)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_record_is_skipped_and_counted(path: Path, broken: bytes) -> None:
    """Law 9: what is skipped on request is counted and shown, and every other record is read."""
    path.write_bytes(b"a,b,\n1,2,\n" + broken + b"\n3,4,\n" + broken + b"\n")
    products = read_products(path, on_error="skip")
    assert list(products) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert products.skipped == 2
    assert [error.line for error in products.errors] == [3, 5]


def test_a_quotation_mark_without_its_second_is_named(path: Path) -> None:
    """The rest of the file is not taken for one cell in silence, however long it is."""
    for rest in (b"", b"2,y\n" * 100_000):
        path.write_bytes(b'id,name\n1,"x\n' + rest)
        with pytest.raises(CatalogFileError, match="it is not CSV") as caught:
            list(read_products(path))
        assert caught.value.line == 2


@pytest.mark.parametrize("on_error", ["raise", "skip"])
@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"a,b,a", "'a' twice"),
        (b"a,caf\xe9", "UTF-8"),
        (b'"a"x,b', "not CSV"),
        (b"a,b\r1,2\r", "not CSV"),  # as old spreadsheets of the Mac end lines
        ("a,b\r\n".encode("utf-16"), "save it as CSV UTF-8"),
        (b"a," + b"b" * 200_000, "not CSV"),
    ],
)
def test_a_header_that_cannot_be_used_is_an_error(
    path: Path, on_error: Literal["raise", "skip"], header: bytes, reason: str
) -> None:
    """Without a header no record means anything, so it is never skipped."""
    path.write_bytes(header + b"\n1,2,3\n")
    with pytest.raises(CatalogFileError, match=reason) as caught:
        list(read_products(path, on_error=on_error))
    assert caught.value.line == 1


def test_the_format_may_be_named(tmp_path: Path) -> None:
    """A name that says nothing, or the wrong thing, is overruled."""
    path = tmp_path / "export.txt"
    path.write_bytes(b"id;name\n1;Kayak\n")
    assert list(read_products(path, format="csv")) == [{"id": "1", "name": "Kayak"}]
    (tmp_path / "lines.csv").write_bytes(b'{"id": 1}\n')
    assert list(read_products(tmp_path / "lines.csv", format="jsonl")) == [{"id": 1}]


@pytest.mark.parametrize("options", [{"format": "xml"}, {"on_error": "ignore"}])
def test_an_unknown_option_is_refused(path: Path, options: dict[str, Any]) -> None:
    """It is refused before the file is opened."""
    with pytest.raises(ConfigurationError, match="must be"):
        read_products(path, **options)


def test_lines_of_json_are_skipped_and_counted(tmp_path: Path) -> None:
    """Skipping works for both formats; only the first twenty errors are kept."""
    path = tmp_path / "catalog.jsonl"
    path.write_bytes(b'{"a": 1}\noops\n{"a": 2}\n' + b"[]\n" * 30)
    products = read_products(path, on_error="skip")
    assert list(products) == [{"a": 1}, {"a": 2}]
    assert products.skipped == 31
    assert [error.line for error in products.errors] == [2, *range(4, 23)]


def test_a_reader_ends_with_its_error(tmp_path: Path) -> None:
    """Whoever catches the error and asks on gets no product from behind the broken line."""
    path = tmp_path / "catalog.jsonl"
    path.write_bytes(b'oops\n{"a": 1}\n')
    products = read_products(path)
    with pytest.raises(CatalogFileError):
        next(products)
    assert list(products) == []


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NAMES = st.from_regex(r"[a-z]{1,4}", fullmatch=True)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """A header of several names, as one alone does not show what stands between them, and rows of as many cells."""
    header = draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    return header, draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=4))


@given(tables(), st.sampled_from(",;\t|"), st.sampled_from(["", "\ufeff"]))
def test_what_spreadsheets_write_is_read(
    tmp_path_factory: pytest.TempPathFactory, table: tuple[list[str], list[list[str]]], delimiter: str, mark: str
) -> None:
    """Any text in any cell comes back, whichever delimiter; empty cells and records come back as nothing."""
    header, rows = table
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *rows])
    path = tmp_path_factory.mktemp("written") / "out.csv"
    path.write_bytes((mark + text.getvalue()).encode())
    expected = [{name: cell for name, cell in zip(header, row, strict=True) if cell} for row in rows if any(row)]
    assert list(read_products(path)) == expected
