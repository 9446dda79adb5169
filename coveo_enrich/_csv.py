"""CSV as people and spreadsheets write it, read record by record with the lines that an editor shows.

Which columns a file must have, and what its cells mean, is its reader's matter.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from codecs import BOM_UTF8
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from coveo_enrich.errors import CatalogFileError

__all__ = ["Record", "encoded", "guarded", "preamble", "records", "unguarded"]

_DELIMITERS: Final = ",;\t|"
# What Excel takes before the header for the word about what stands between cells.
_SAYS_DELIMITER: Final = re.compile(rb'"?sep=([,;\t|])"?\r?\n?', re.IGNORECASE)
# What a spreadsheet takes for the start of a formula: owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")


@attrs.frozen
class Record:
    """One record of a file, which may span several lines.

    Attributes:
        line: The line where it begins, counted from 1.
        cells: Its cells.
        delimiter: What stands between the cells of this file.
    """

    line: int
    cells: list[str]
    delimiter: str


def records(path: str | Path, file: BinaryIO) -> Generator[Record | CatalogFileError]:
    """The records of a file, the header first; blank ones are passed over, broken ones come out as errors.

    The delimiter is what the line ``sep=;`` names that Excel puts first, else the comma, semicolon, tab or ``|`` that
    cuts the header into the most cells. A cell has at most ``csv.field_size_limit()`` characters, so that a quotation
    mark without its second does not swallow the file.

    Args:
        path: What errors name.
        file: The file, UTF-8 with or without a byte order mark.
    """
    first = file.readline().removeprefix(BOM_UTF8)
    said = _SAYS_DELIMITER.fullmatch(first)
    delimiter = said[1].decode() if said else _delimiter_of(first)
    lines = _Lines(file if said else itertools.chain([first], file), 1 if said else 0)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        begin = lines.count + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            yield CatalogFileError(
                str(path), lines.count, f"it is not UTF-8: {error.reason} at byte {error.start}; save it as CSV UTF-8"
            )
        except csv.Error as error:
            yield CatalogFileError(str(path), begin, f"it is not CSV: {error}")
        else:
            if any(cells):
                yield Record(begin, cells, delimiter)


class _Lines:
    """The lines of a file as text, counted. One that is not UTF-8 raises, and the next can still be had."""

    def __init__(self, lines: Iterable[bytes], before: int) -> None:
        self._lines = iter(lines)
        self.count = before

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        return line.decode()


def preamble(file: BinaryIO) -> bytes:
    """What a file has before its header: a byte order mark, and the line that names the delimiter."""
    first = file.readline()
    line = first.removeprefix(BOM_UTF8)
    return first if _SAYS_DELIMITER.fullmatch(line) else first[: len(first) - len(line)]


def _delimiter_of(header: bytes) -> str:
    line = header.decode(errors="replace")
    try:
        return max(_DELIMITERS, key=lambda delimiter: sum(map(len, csv.reader([line], delimiter=delimiter))))
    except csv.Error:  # UTF-16, or no CSV at all: reading its first record says so
        return _DELIMITERS[0]


def encoded(cells: Iterable[str], delimiter: str = ",") -> bytes:
    """One record as it stands in a file. What UTF-8 cannot hold, half of an emoji, is written as its escape."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe before it."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(cell: str) -> str:
    """The text that `guarded` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
