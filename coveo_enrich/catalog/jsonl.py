"""Products out of JSON Lines files, and documents into them: one product a line.

What a product means is not looked at here; that a line is a JSON object is.
"""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from coveo_enrich._files import replacing
from coveo_enrich.errors import CatalogFileError

__all__ = ["count_products", "read_products", "write_documents"]


def read_products(path: str | Path) -> Iterator[dict[str, Any]]:
    """Read a JSON Lines file, one product a line; blank lines are passed over.

    Args:
        path: The file, UTF-8, with or without a byte order mark.

    Raises:
        CatalogFileError: The file cannot be opened, or a line is not a JSON object; it names the line.
    """
    try:
        with Path(path).open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                text = _text(path, number, line.removeprefix(BOM_UTF8) if number == 1 else line)
                if text:
                    yield _product(path, number, text)
    except OSError as error:
        raise CatalogFileError(str(path), None, f"it cannot be read: {error.strerror or error}") from error


def count_products(path: str | Path) -> int:
    """Read a whole JSON Lines file and return how many products it holds, so that a broken line shows before a run.

    Raises:
        CatalogFileError: As `read_products`.
    """
    return sum(1 for _ in read_products(path))


def write_documents(path: str | Path, documents: Iterable[Mapping[str, Any]]) -> int:
    """Write documents to a JSON Lines file, one a line, and return how many.

    Args:
        path: The file; what it held is replaced once everything is written.
        documents: Mappings of JSON values. Read one at a time.
    """
    count = 0
    with replacing(Path(path)) as lines:
        for document in documents:
            lines.write(_line(document))
            count += 1
    return count


def _line(document: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(dict(document), ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold as an escape only
        return json.dumps(dict(document), allow_nan=False).encode("ascii") + b"\n"


def _text(path: str | Path, number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise CatalogFileError(str(path), number, f"it is not UTF-8: {error.reason} at byte {error.start}") from error


def _product(path: str | Path, number: int, text: str) -> dict[str, Any]:
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise CatalogFileError(str(path), number, f"it is not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise CatalogFileError(str(path), number, f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CatalogFileError(str(path), number, f"it holds {type(value).__name__}, not an object")
    return cast("dict[str, Any]", value)


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
