"""Products out of JSON Lines files, and documents into them: one product a line.

What a product means is not looked at here; that a line is a JSON object is.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from coveo_enrich import _json
from coveo_enrich.catalog.writing import written
from coveo_enrich.errors import CatalogFileError, ConfigurationError, InvalidItem

__all__ = ["encoded_line", "products_of_jsonl", "write_documents"]

_ARRAY: Final = "it begins an array: write each of its objects on a line of its own, as jq -c '.[]' does"
_PART: Final = "it ends before its JSON does: write each product on one line, as jq -c does"
_CSV: Final = 'if it is CSV, let its name end in .csv, or read it with format="csv"'


def products_of_jsonl(path: str | Path, file: BinaryIO) -> Generator[dict[str, Any] | CatalogFileError]:
    """The products of a file, one a line; blank lines are passed over, broken ones come out as errors.

    Args:
        path: What errors name.
        file: The file, UTF-8 with or without a byte order mark.
    """
    decode = _json.codec().decode
    for number, line in enumerate(file, start=1):
        text = line.removeprefix(BOM_UTF8) if number == 1 else line
        if not text.isspace() and text:
            try:
                product = _product(path, number, text, decode)
            except CatalogFileError as error:
                yield error
            else:
                yield product


def write_documents(path: str | Path, documents: Iterable[Mapping[str, Any]]) -> int:
    """Write documents to a JSON Lines file, one a line, and return how many.

    Args:
        path: The file; what it held is replaced once everything is written.
        documents: Mappings of JSON values, and of what `coveo_enrich.stream` sends as such, decimals and dates for
            example. Read one at a time.

    Raises:
        ConfigurationError: The file cannot be written there, or a document is no mapping.
        InvalidItem: A document holds what JSON cannot, such as NaN; it names the document and the field.
    """
    count = 0
    with written(path) as lines:
        for document in documents:
            if not isinstance(document, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # of anything
                kind = type(document).__name__
                raise ConfigurationError(f"documents are mappings, such as an enriched product's .document; got {kind}")
            count += 1
            try:
                lines.write(encoded_line(document))
            except _json.NotJson as error:
                raise _invalid(document, count, error) from None
    return count


def encoded_line(document: Mapping[str, Any]) -> bytes:
    """A document as it stands in a file.

    Raises:
        NotJson: It holds what JSON cannot.
    """
    try:
        return _json.encode(_json.normal(document)) + b"\n"
    except _json.NotJson:  # a file holds more than Coveo takes: large integers, NUL, halves of surrogate pairs
        return b"{" + b",".join(_encoded_field(key, value) for key, value in document.items()) + b"}\n"


def _encoded_field(key: str, value: object) -> bytes:
    field = {key: value}
    try:
        line = _json.encode(_json.normal(field))
    except _json.NotJson as error:
        try:
            line = json.dumps(field, allow_nan=False, separators=(",", ":")).encode("ascii")
        except (TypeError, ValueError, RecursionError):
            raise error from None
    return line[1:-1]


def _invalid(document: Mapping[str, Any], position: int, error: _json.NotJson) -> InvalidItem:
    name = document.get("documentId")
    where = f"the value of {error.path[0]!a} cannot be written as JSON: " if error.path else ""
    return InvalidItem(name if isinstance(name, str) else None, position, f"{where}{error.reason}", "not-json")


def _product(path: str | Path, number: int, line: bytes, decode: Callable[[bytes], object]) -> dict[str, Any]:
    try:
        value = decode(line)
    except UnicodeDecodeError as error:
        raise CatalogFileError(str(path), number, f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise CatalogFileError(str(path), number, _reason(error)) from error
    except ValueError as error:
        raise CatalogFileError(str(path), number, f"it is not JSON: {error}") from error
    if isinstance(value, list):
        raise CatalogFileError(str(path), number, _ARRAY)
    if not isinstance(value, dict):
        raise CatalogFileError(str(path), number, f"it holds {type(value).__name__}, not an object")
    return cast("dict[str, Any]", value)


def _reason(error: json.JSONDecodeError) -> str:
    text = error.doc.strip()
    if text.startswith("["):
        return _ARRAY
    if text.startswith("{") and error.pos >= len(error.doc.rstrip()):
        return _PART
    reason = f"it is not JSON: {error.msg} at column {error.colno}"
    return reason if text.startswith("{") else f"{reason}; {_CSV}"
