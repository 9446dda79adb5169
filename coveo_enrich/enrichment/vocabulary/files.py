"""Vocabularies in files that a merchandiser edits: CSV as spreadsheets write it, and JSON.

Rows go in and out; whether they make a vocabulary is `coveo_enrich.enrichment.vocabulary`.
"""

from __future__ import annotations

import difflib
import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, cast

import attrs

from coveo_enrich import _csv
from coveo_enrich._files import replacing
from coveo_enrich.errors import CatalogFileError, ConfigurationError

__all__ = ["Row", "file_format", "read_rows", "write_csv", "write_entries", "write_json"]

_BETWEEN_SYNONYMS: Final = re.compile(r"[;,\n]")
_COLUMNS: Final = ("value", "synonyms", "synonym")
_NEAR: Final = 0.8  # of 1, by difflib's ratio: "values" is near "value", "value_id" is not
_SUGGESTED: Final = "nearest"
"""The key of suggestions alone: a row that has it may lack a value, as nobody decided about it."""


@attrs.frozen
class Row:
    """A value with some of its synonyms.

    Attributes:
        line: Where it stands, counted from 1; `None` in JSON, which a program may have written on one line.
        value: The value.
        synonyms: Words that mean it.
    """

    line: int | None
    value: str
    synonyms: tuple[str, ...]


def file_format(path: Path) -> Literal["csv", "json"]:
    """What a file is by its name.

    Raises:
        ConfigurationError: It ends neither in ``.csv`` nor in ``.json``.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix == ".json":
        return "json"
    raise ConfigurationError(f"a vocabulary is kept in a .csv or .json file; got {path.name!r}")


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a file.

    Raises:
        CatalogFileError: It cannot be read, or its columns or keys are not those of a vocabulary.
        ConfigurationError: As `file_format`.
    """
    read = _rows_of_csv if file_format(path) == "csv" else _rows_of_json
    try:
        return list(read(path))
    except OSError as error:
        raise CatalogFileError(str(path), None, f"it cannot be read: {error.strerror or error}") from error


def write_entries(path: Path, entries: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Write values with their synonyms; what the file held is replaced once everything is written."""
    if file_format(path) == "json":
        write_json(path, {value: list(synonyms) for value, synonyms in entries})
    else:
        rows = ((value, synonym) for value, synonyms in entries for synonym in synonyms or ("",))
        write_csv(path, ("value", "synonym"), rows)


def write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Write rows so that spreadsheets read them as UTF-8 and take none of their cells for a formula."""
    with replacing(path) as file:
        file.write(BOM_UTF8 + _csv.encoded(header))
        file.writelines(_csv.encoded(map(_csv.guarded, row)) for row in rows)


def write_json(path: Path, value: object) -> None:
    """Write a value on as many lines as a person wants to read."""
    with replacing(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=2).encode(errors="backslashreplace") + b"\n")


def _rows_of_csv(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        records = _csv.records(path, file)
        header = _sound(next(records, None) or CatalogFileError(str(path), None, "it is empty"))
        columns = [cell.strip().casefold() for cell in header.cells]
        _check_names(path, header.line, columns)
        if "value" not in columns:
            raise CatalogFileError(str(path), header.line, "its first line must name a column 'value'")
        double = next((column for column in _COLUMNS if columns.count(column) > 1), None)
        if double is not None:
            raise CatalogFileError(str(path), header.line, f"its first line names {double!r} twice")
        for record in map(_sound, records):
            if len(record.cells) != len(columns):
                raise CatalogFileError(
                    str(path),
                    record.line,
                    f"it has {len(record.cells)} cells, and the first line {len(columns)}: put several synonyms "
                    "between quotation marks",
                )
            if any(cell.strip() for column, cell in zip(columns, record.cells, strict=True) if not column):
                raise CatalogFileError(
                    str(path),
                    record.line,
                    "it has a word in a column that the first line does not name: put several synonyms into one cell, "
                    "with ; between them",
                )
            cells = (_csv.unguarded(cell).strip() for cell in record.cells)
            yield from _row(path, record.line, dict(zip(columns, cells, strict=True)))


def _check_names(path: Path, line: int | None, names: Iterable[str]) -> None:
    """Refuse a name that is nearly one that is read, as its words would be passed over in silence."""
    for name in names:
        nearest = None if name in _COLUMNS else _nearest(name.casefold())
        if nearest is not None:
            known = ", ".join(map(repr, _COLUMNS))
            raise CatalogFileError(
                str(path), line, f"{name!r} is unknown: did you mean {nearest!r}? What is read is {known}"
            )


def _nearest(name: str) -> str | None:
    if name.startswith("synonym"):
        return "synonyms"
    return next(iter(difflib.get_close_matches(name, _COLUMNS, n=1, cutoff=_NEAR)), None)


def _sound(record: _csv.Record | CatalogFileError) -> _csv.Record:
    if isinstance(record, CatalogFileError):
        raise record
    return record


def _rows_of_json(path: Path) -> Iterator[Row]:
    content = _decoded(path)
    if isinstance(content, dict):
        content = [{"value": value, "synonyms": words} for value, words in cast("dict[str, Any]", content).items()]
    if not isinstance(content, list):
        raise CatalogFileError(str(path), None, "it must hold an object of values with lists of synonyms")
    for row in cast("list[object]", content):
        yield from _row(path, None, _checked(path, row))


def _decoded(path: Path) -> object:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise CatalogFileError(str(path), None, f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise CatalogFileError(str(path), error.lineno, f"it is not JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise CatalogFileError(str(path), None, f"it is no vocabulary: {error}") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)!r} comes twice")
    return value


def _checked(path: Path, row: object) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise CatalogFileError(str(path), None, f"each row must be an object; got {row!r}")
    fields = cast("dict[str, Any]", row)
    _check_names(path, None, fields)
    value, words = fields.get("value"), fields.get("synonyms", [])
    if not isinstance(value, str) or not isinstance(fields.get("synonym", ""), str):
        raise CatalogFileError(str(path), None, f"a value and a synonym must be texts; got {row!r}")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in cast("list[object]", words)):
        raise CatalogFileError(str(path), None, f"the synonyms of {value!r} must be a list of words; got {words!r}")
    return fields


def _row(path: Path, line: int | None, fields: Mapping[str, Any]) -> Iterator[Row]:
    words = fields.get("synonyms", ())
    several = _BETWEEN_SYNONYMS.split(words) if isinstance(words, str) else words
    synonyms = tuple(word.strip() for word in (*several, fields.get("synonym", "")) if word.strip())
    if fields["value"]:
        yield Row(line, fields["value"], synonyms)
    elif _SUGGESTED not in fields:
        raise CatalogFileError(str(path), line, f"it has no value for {', '.join(map(repr, synonyms)) or 'anything'}")
