"""Products out of CSV files: a header that names fields, and a product a record.

Every value is text, as CSV knows nothing else; an empty cell is a field that the product lacks.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from coveo_enrich import _csv
from coveo_enrich.errors import CatalogFileError

__all__ = ["Table", "products_of_csv", "table_of_csv"]


@attrs.frozen
class Table:
    """A CSV file whose header was read.

    Attributes:
        columns: The fields that its header names, as it names them; one without a name is blank.
        delimiter: What stands between its cells.
        products: Its products, read as they are asked for; broken records come out as errors.
    """

    columns: tuple[str, ...]
    delimiter: str
    products: Generator[dict[str, Any] | CatalogFileError]


def products_of_csv(path: str | Path, file: BinaryIO) -> Generator[dict[str, Any] | CatalogFileError]:
    """The products of a file; blank records are passed over, broken ones come out as errors.

    Args:
        path: What errors name.
        file: The file, UTF-8 with or without a byte order mark.

    Raises:
        CatalogFileError: Its header cannot be read, or names a field twice.
    """
    yield from table_of_csv(path, file).products


def table_of_csv(path: str | Path, file: BinaryIO) -> Table:
    """Read the header of a file; arguments and errors as `products_of_csv`."""
    records = _csv.records(path, file)
    header = next(records, None)
    if header is None:
        return Table((), ",", _none())
    if isinstance(header, CatalogFileError):
        raise header
    columns = tuple(cell.strip() for cell in header.cells)
    double = next((column for column in columns if column and columns.count(column) > 1), None)
    if double is not None:
        raise CatalogFileError(str(path), header.line, f"its header names {double!r} twice")
    return Table(columns, header.delimiter, _products(path, columns, records))


def _none() -> Generator[dict[str, Any] | CatalogFileError]:
    yield from ()


def _products(
    path: str | Path, columns: tuple[str, ...], records: Generator[_csv.Record | CatalogFileError]
) -> Generator[dict[str, Any] | CatalogFileError]:
    for record in records:
        if isinstance(record, CatalogFileError):
            yield record
        elif len(record.cells) != len(columns):
            reason = f"it has {len(record.cells)} cells, and the header {len(columns)}"
            yield CatalogFileError(str(path), record.line, reason)
        elif any(cell for column, cell in zip(columns, record.cells, strict=True) if not column):
            yield CatalogFileError(str(path), record.line, "it has a value in a column that the header does not name")
        else:
            yield {column: cell for column, cell in zip(columns, record.cells, strict=True) if cell}
