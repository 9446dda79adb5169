"""Changes put into the file of products that they were decided for.

A product is changed only where it still has what it had when the decision was taken: what somebody wrote since then is
not overwritten.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import attrs

from coveo_enrich import _csv
from coveo_enrich.catalog.changes import WrittenChange, as_text, fits_cell, read_changes
from coveo_enrich.catalog.jsonl import encoded_line
from coveo_enrich.catalog.path_mapping import PathMapping
from coveo_enrich.catalog.reading import ProductReader, format_of, opened, read_products
from coveo_enrich.catalog.tables import table_of_csv
from coveo_enrich.catalog.writing import written
from coveo_enrich.errors import ConfigurationError

if TYPE_CHECKING:
    import sqlite3

__all__ = ["MergedChanges", "merge_changes"]

_EXAMPLES: Final = 20


@attrs.frozen
class MergedChanges:
    """What became of the changes: written, already there, in conflict or of no product.

    Attributes:
        products: Products that were written, which is all that were read.
        written: Changes that were put in, those of provenance fields among them.
        unchanged: Changes whose value the product had already.
        conflicts: Changes that were left out, as the product has another value than when they were decided, or shares
            its key with products that were given other values, or, with a mapping, has something else where the path
            of the field leads; or is a list that CSV would cut elsewhere than where its values end.
        unknown: Changes that were left out, as the file has no such product.
        examples: The first 20 of those that were left out, with the reason.
    """

    products: int = 0
    written: int = 0
    unchanged: int = 0
    conflicts: int = 0
    unknown: int = 0
    examples: tuple[str, ...] = ()


def merge_changes(
    products_path: str | Path,
    changes_path: str | Path,
    out_path: str | Path,
    *,
    mapping: PathMapping | None = None,
) -> MergedChanges:
    """Put what `write_changes` wrote into a file of products.

    Every product and every other field stays as it is. Changes out of a CSV file are text, which goes into a list as
    the values that it holds with ``;`` between them; those out of a JSON Lines file keep their types. JSON text of an
    object, such as a provenance field has, is changed key by key. Changes wait in a temporary file, so that
    memory does not grow with them.

    Args:
        products_path: The products, as `coveo_enrich.catalog.read_products` takes them.
        changes_path: The changes.
        out_path: Where the result goes, in the format of the products; it may be the same file.
        mapping: How the products' items came about, for a file in the shape of a PIM; the fields that changed must each
            come from one path, or one column of a CSV file. `None` (default) for a file of items.

    Raises:
        CatalogFileError: A file cannot be read; what stood in ``out_path`` is still there.
        ConfigurationError: The formats of the products and of the result differ, the result cannot be written there, or
            a field cannot be written back.
    """
    if format_of(products_path) != format_of(out_path):
        raise ConfigurationError(f"products of {products_path} cannot be written as {out_path}: the formats differ")
    import sqlite3  # noqa: PLC0415 - 5 ms that only merging needs

    with contextlib.closing(sqlite3.connect("")) as database, written(out_path) as out:
        waiting = _Waiting(database, read_changes(changes_path))
        merger = _Merger(waiting, mapping, text_only=format_of(changes_path) == "csv")
        if format_of(out_path) == "csv":
            _merge_csv(products_path, out, merger)
        else:
            out.writelines(encoded_line(merger.merged(product)) for product in read_products(products_path))
        return merger.result()


def _merge_csv(products_path: str | Path, out: BinaryIO, merger: _Merger) -> None:
    with opened(products_path) as file:
        out.write(_csv.preamble(file))
    with opened(products_path) as file:
        table = table_of_csv(products_path, file)
        if not table.columns:
            return
        columns = merger.into_table(table.columns)
        out.write(_csv.encoded(columns, table.delimiter))
        for product in ProductReader(table.products, skips=False):
            merged = merger.merged(product)
            out.write(_csv.encoded((as_text(merged.get(column)) for column in columns), table.delimiter))


class _Waiting:
    """Changes by the key of their product, in a temporary database that is in no file with a name."""

    def __init__(self, database: sqlite3.Connection, changes: Iterable[WrittenChange]) -> None:
        self.key_field = ""
        self._db = database
        self._db.execute("CREATE TABLE changes (key TEXT, field TEXT, before TEXT, after TEXT, used INTEGER)")
        self._db.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, 0)", self._rows(changes))
        self._db.execute("CREATE INDEX by_key ON changes (key)")

    def _rows(self, changes: Iterable[WrittenChange]) -> Iterator[list[str]]:
        for change in changes:
            self.key_field = change.key_field
            # JSON, as SQLite takes no half of a surrogate pair.
            yield [json.dumps(value) for value in (change.key, change.field, change.before, change.after)]

    def of(self, key: str) -> list[list[Any]]:
        """Field, before and after of each change of a product, which count as used from now on."""
        rows = self._db.execute(
            "SELECT field, before, after FROM changes WHERE key = ? ORDER BY rowid", (json.dumps(key),)
        ).fetchall()
        if rows:
            self._db.execute("UPDATE changes SET used = 1 WHERE key = ?", (json.dumps(key),))
        return [[json.loads(value) for value in row] for row in rows]

    def unused(self) -> Iterator[tuple[str, str]]:
        """Key and field of each change that no product had."""
        for key, field in self._db.execute("SELECT key, field FROM changes WHERE used = 0 ORDER BY rowid"):
            yield json.loads(key), json.loads(field)

    def fields(self) -> list[str]:
        """The fields that changes fill, in the order of their first."""
        rows = self._db.execute("SELECT field FROM changes GROUP BY field ORDER BY min(rowid)")
        return [json.loads(field) for (field,) in rows]


class _Merger:
    """Applies changes to products as they come, and counts.

    Args:
        waiting: The changes.
        mapping: How items came about, if the products are none.
        text_only: Whether the changes come out of a file that has lists as one text.
    """

    def __init__(self, waiting: _Waiting, mapping: PathMapping | None, *, text_only: bool) -> None:
        self._waiting = waiting
        self._mapping = mapping
        self._text_only = text_only
        self._into_cells = False
        self._spelt: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._examples: list[str] = []

    def into_table(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Put changes into a table with these columns from now on; return them with those that it lacks.

        Raises:
            ConfigurationError: It has no column for the key, or the mapping none for a field.
        """
        self._into_cells = True
        fields = self._waiting.fields()
        if self._mapping is None:
            if fields and self._waiting.key_field not in columns:
                raise ConfigurationError(
                    f"the products have no column {self._waiting.key_field!r}, by which the changes name them"
                )
            # Coveo refuses an item with two keys that differ by case only.
            self._spelt = {column.lower(): column for column in columns} | {column: column for column in columns}
            filled = [self._spelling(field) for field in fields]
        else:
            filled = [self._mapping.column_of(field) for field in fields]
        return tuple(dict.fromkeys((*columns, *filled)))

    def merged(self, product: dict[str, Any]) -> dict[str, Any]:
        """A product with its changes."""
        self._counts["products"] += 1
        key = as_text(self._item(product).get(self._waiting.key_field))
        changes = self._waiting.of(key)
        unclear = _unclear(changes)
        for field, before, after in changes:
            if (field, as_text(before)) in unclear:
                why = f"other products have this {self._waiting.key_field} too, and other values"
                self._leave_out("conflicts", f"{key} {field}: {why}")
            else:
                product = self._with_change(product, f"{key} {field}", self._spelling(field), before, after)
        return product

    def result(self) -> MergedChanges:
        """What was counted, once every product came by."""
        for key, field in self._waiting.unused():
            self._leave_out("unknown", f"{key} {field}: the file has no such product")
        return MergedChanges(**self._counts, examples=tuple(self._examples))

    def _spelling(self, field: str) -> str:
        return self._spelt.get(field, self._spelt.get(field.lower(), field))

    def _item(self, product: dict[str, Any]) -> dict[str, Any]:
        return product if self._mapping is None else self._mapping.apply(product)

    def _with_change(
        self, product: dict[str, Any], name: str, field: str, before: object, after: object
    ) -> dict[str, Any]:
        now: object = self._item(product).get(field)
        if self._text_only:
            after = _in_the_form_of(now, after)
        if not _same(now, before) and not _same(now, after):
            joined = _joined(before, now, after)
            if joined is None:
                self._leave_out("conflicts", f"{name}: it is {as_text(now)!r} now, and was {as_text(before)!r}")
                return product
            after = joined
        if _same(now, after):
            self._counts["unchanged"] += 1
            return product
        return self._put(product, name, field, after)

    def _put(self, product: dict[str, Any], name: str, field: str, value: object) -> dict[str, Any]:
        if self._into_cells and not fits_cell(value):
            self._leave_out("conflicts", f"{name}: a value of {value!r} holds ;, where CSV would cut it")
            return product
        changed = self._with_value(product, field, value)
        if changed is None:
            self._leave_out("conflicts", f"{name}: something else stands where its path leads")
            return product
        self._counts["written"] += 1
        return changed

    def _with_value(self, product: dict[str, Any], field: str, value: object) -> dict[str, Any] | None:
        return {**product, field: value} if self._mapping is None else self._mapping.with_value(product, field, value)

    def _leave_out(self, why: str, example: str) -> None:
        self._counts[why] += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(example)


def _unclear(changes: Iterable[Sequence[Any]]) -> set[tuple[str, str]]:
    """Fields, with the value before, that changes of one key take to different values: a key of several products."""
    led_to: dict[tuple[str, str], set[str]] = {}
    for field, before, after in changes:
        led_to.setdefault((field, as_text(before)), set()).add(as_text(after))
    return {start for start, ends in led_to.items() if len(ends) > 1}


def _same(one: object, other: object) -> bool:
    """Whether two values are the same but for how a file has them: one text, or a list."""
    text = as_text(one)
    sizes = {len(cast("list[object]", value)) for value in (one, other) if isinstance(value, list)}
    return text == as_text(other) and (not text or len(sizes) < 2)  # noqa: PLR2004 - two lists cut at other places


def _in_the_form_of(now: object, after: object) -> object:
    """A value out of a file that has lists as one text: a list again where a product has a list."""
    return after.split(";") if isinstance(now, list) and isinstance(after, str) else after


def _joined(before: object, now: object, after: object) -> str | None:
    """JSON text of what a product has now, with each key that a change touched and nobody else did.

    Returns:
        The text; `None` when that is no key at all, or not all are JSON text of an object or nothing.
    """
    was, there, then = map(_object_in, (before, now, after))
    if was is None or there is None or then is None:
        return None
    taken = {
        key: value for key, value in then.items() if value != was.get(key) and there.get(key) in (was.get(key), value)
    }
    whole = {**there, **taken}
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")) if taken else None


def _object_in(value: object) -> dict[str, Any] | None:
    text = as_text(value)
    try:
        found: object = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None
