"""Products out of files of either format, one at a time, and what is done about lines that cannot be read."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from coveo_enrich.catalog.jsonl import products_of_jsonl
from coveo_enrich.catalog.tables import products_of_csv
from coveo_enrich.errors import CatalogFileError, ConfigurationError

__all__ = ["Format", "ProductReader", "count_products", "format_of", "opened", "read_products"]

Format = Literal["jsonl", "csv"]

_READ_BYTES: Final = 65_536  # at a time: Python's own 8 KB hold few products
_ERRORS_KEPT: Final = 20
_WORKBOOKS: Final = frozenset({".xlsx", ".xls", ".ods"})
_READERS: Final = {"jsonl": products_of_jsonl, "csv": products_of_csv}


class ProductReader(Iterator[dict[str, Any]]):
    """The products of a file, to be iterated over once.

    Attributes:
        skipped: How many broken lines were passed over until now, with ``on_error="skip"``.
        errors: What was wrong with them, the first 20.
    """

    def __init__(self, rows: Generator[dict[str, Any] | CatalogFileError], *, skips: bool) -> None:
        self.skipped = 0
        self.errors: list[CatalogFileError] = []
        self._rows = rows
        self._skips = skips

    def __next__(self) -> dict[str, Any]:
        for row in self._rows:
            if not isinstance(row, CatalogFileError):
                return row
            self._pass_over(row)
        raise StopIteration

    def _pass_over(self, error: CatalogFileError) -> None:
        if not self._skips:
            self._rows.close()
            raise error
        self.skipped += 1
        if len(self.errors) < _ERRORS_KEPT:
            self.errors.append(error)


def read_products(
    path: str | Path,
    *,
    format: Format | None = None,  # noqa: A002 - what a file's kind is called
    on_error: Literal["raise", "skip"] = "raise",
) -> ProductReader:
    """Read a file of products: JSON Lines, one a line, or CSV, one a record under a header that names the fields.

    Blank lines and records are passed over. In CSV every value is text, ``;`` between several of them included, and an
    empty cell is a field that the product lacks; cells are separated by commas, semicolons, tabs or ``|``, whichever
    cut the header into the most, unless a first line such as ``sep=;`` names it, as Excel has it. The file is read as
    products are asked for, so its size does not matter.

    Args:
        path: The file, UTF-8, with or without a byte order mark.
        format: ``jsonl`` or ``csv``; `None` (default) for what the name says: CSV for ``.csv`` and ``.tsv``, else JSON
            Lines.
        on_error: What to do about a line that cannot be read: ``raise`` (default), or ``skip`` it, to be counted in the
            reader's ``skipped`` and shown in its ``errors``.

    Raises:
        CatalogFileError: While reading: the file cannot be opened, a CSV header cannot be used, or a line is not a JSON
            object or has another number of cells than the header; it names the line.
        ConfigurationError: The format or ``on_error`` is unknown, or the file is a workbook by its name.
    """
    kind = format or format_of(path)
    if kind not in _READERS or on_error not in ("raise", "skip"):
        raise ConfigurationError(
            f"format must be 'jsonl' or 'csv', and on_error 'raise' or 'skip'; got {kind!r} and {on_error!r}"
        )
    return ProductReader(_rows(path, kind), skips=on_error == "skip")


def count_products(path: str | Path) -> int:
    """Read a whole file of products and return how many it holds, so that a broken line shows before a run.

    Raises:
        CatalogFileError: As `read_products`.
    """
    return sum(1 for _ in read_products(path))


def format_of(path: str | Path) -> Format:
    """What a file is by its name.

    Raises:
        ConfigurationError: It is a spreadsheet's workbook.
    """
    suffix = Path(path).suffix.lower()
    if suffix in _WORKBOOKS:
        raise ConfigurationError(f"{path} is a workbook: save it as CSV UTF-8, with a name that ends in .csv")
    return "csv" if suffix in {".csv", ".tsv"} else "jsonl"


@contextlib.contextmanager
def opened(path: str | Path) -> Generator[BinaryIO]:
    """A file to read.

    Raises:
        CatalogFileError: It cannot be opened.
    """
    try:
        file = Path(path).open("rb", buffering=_READ_BYTES)  # noqa: SIM115 - closed below
    except OSError as error:
        raise CatalogFileError(str(path), None, f"it cannot be read: {error.strerror or error}") from error
    with file:
        yield file


def _rows(path: str | Path, kind: Format) -> Generator[dict[str, Any] | CatalogFileError]:
    with opened(path) as file:
        yield from _READERS[kind](path, file)
