"""What was decided, on its way back to where the products are kept: the changes alone, one file.

Who decided does not matter here: whatever has a product and its changes will do, such as
`coveo_enrich.EnrichedProduct`. Putting the changes into a file of products is `coveo_enrich.catalog.merging`.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, cast

import attrs

from coveo_enrich import _csv
from coveo_enrich._frames import is_null
from coveo_enrich.catalog.jsonl import write_documents
from coveo_enrich.catalog.reading import ProductReader, format_of, opened, read_products
from coveo_enrich.catalog.tables import table_of_csv
from coveo_enrich.catalog.writing import written
from coveo_enrich.errors import CatalogFileError, ConfigurationError

__all__ = [
    "Change",
    "Changed",
    "Evidence",
    "Provenance",
    "WrittenChange",
    "as_text",
    "fits_cell",
    "read_changes",
    "write_changes",
]

_COLUMNS: Final = ("field", "before", "after", "confidence", "classifier", "image")
_NEEDED: Final = ("field", "before", "after")
_CHANGES: Final = "changes"
_JSON_BEGINS: Final = ("[", '"')


class Evidence(Protocol):
    """What speaks for a change."""

    @property
    def image(self) -> str:
        """The picture, as the product names it."""
        ...

    @property
    def classifier(self) -> str:
        """Who said so."""
        ...


class Change(Protocol):
    """One field that was filled."""

    @property
    def field(self) -> str:
        """The field."""
        ...

    @property
    def before(self) -> Any:  # noqa: ANN401 - whatever the product had
        """Its value before; `None` when there was none."""
        ...

    @property
    def after(self) -> Any:  # noqa: ANN401 - whatever it has now
        """Its value now."""
        ...

    @property
    def confidence(self) -> float | None:
        """0 to 1; `None` when not scored."""
        ...

    @property
    def evidence(self) -> Sequence[Evidence]:
        """What speaks for it, the surest first."""
        ...


class Provenance(Protocol):
    """What a product is to say about who wrote its values."""

    @property
    def field(self) -> str:
        """The field that says it."""
        ...

    @property
    def text(self) -> str:
        """What it is to hold."""
        ...


class Changed(Protocol):
    """A product with what changed about it. It may also have a ``provenance``: a `Provenance` or `None`."""

    @property
    def product(self) -> Mapping[str, Any]:
        """The product as it came in."""
        ...

    @property
    def changes(self) -> Sequence[Change]:
        """The fields that were filled."""
        ...


@attrs.frozen
class WrittenChange:
    """One change as it was read back.

    Attributes:
        key_field: The field that tells products apart.
        key: Its value, as text.
        field: The field that was filled.
        before: Its value before.
        after: Its value now.
    """

    key_field: str
    key: str
    field: str
    before: Any
    after: Any


def write_changes(path: str | Path, enriched: Iterable[Changed], *, key: str = "documentId") -> int:
    """Write what changed, and nothing else, to a CSV or JSON Lines file; return how many products changed.

    CSV (``.csv``) has a row for each field that was filled, with the columns ``key``, ``field``, ``before``,
    ``after``, ``confidence``, ``classifier`` and ``image``, the first under the key's own name, and a row for what the
    product's provenance field is to hold. Several values stand with ``;`` between them; a list with a ``;`` inside a
    value is written as JSON. A cell that a spreadsheet would take for a formula, as it begins with ``=``, ``+``, ``-``,
    ``@``, a tab or a line end, gets an apostrophe before it, negative numbers too; `merge_changes` takes it off again.
    JSON Lines (any other suffix) has an object for each product that changed, with the key and the list ``changes``;
    its values keep their types.

    Args:
        path: The file; what it held is replaced once everything is written.
        enriched: What a run yields: products with their changes. Read one at a time.
        key: The field that tells products apart where they are kept, default ``documentId``.

    Raises:
        ConfigurationError: The file cannot be written there, a product that changed has no key, the key has the name of
            another column, or something is no product with its changes.
    """
    if key in (*_COLUMNS, _CHANGES):
        raise ConfigurationError(f"the key {key!r} would be confused with the column of that name")
    changed = _changed(enriched)
    if format_of(path) == "jsonl":
        return write_documents(path, (_object_of(one, key) for one in changed))
    count = 0
    with written(path) as file:
        file.write(_csv.encoded((key, *_COLUMNS)))
        for count, one in enumerate(changed, start=1):  # noqa: B007 - what is returned
            file.writelines(_csv.encoded(map(_csv.guarded, row)) for row in _rows_of(one, key))
    return count


def read_changes(path: str | Path) -> Iterator[WrittenChange]:
    """Read what `write_changes` wrote.

    Raises:
        CatalogFileError: The file cannot be read, or a line of it is no change; it names the line.
    """
    return _changes_of_csv(path) if format_of(path) == "csv" else _changes_of_jsonl(path)


def as_text(value: object) -> str:
    """A value as a cell shows it: `None` as nothing, several values with ``;`` between them."""
    if is_null(value):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return ";".join(map(as_text, cast("Sequence[object]", value)))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # as provenance knows it again
    return json.dumps(value, ensure_ascii=False) if isinstance(value, bool | int | float | dict) else str(value)


def fits_cell(value: object) -> bool:
    """Whether a value can be had back from `as_text`: of a list only if ``;`` cuts its text where its values end."""
    if not isinstance(value, list | tuple) or not value:
        return True
    return as_text(cast("object", value)).split(";") == list(map(as_text, cast("Sequence[object]", value)))


def _changed(enriched: Iterable[Changed]) -> Iterator[Changed]:
    for one in enriched:
        if not hasattr(one, "changes"):
            raise ConfigurationError(
                "changes are written of what a run yields, such as Enricher(…).enrich(products) itself; "
                f"got {type(one).__name__}"
            )
        if one.changes:
            yield one


def _key_of(product: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - whatever the product holds
    value = product.get(key)
    if not as_text(value):
        raise ConfigurationError(f"a product that changed has no {key!r}, so its changes would find no way back")
    return value


def _object_of(one: Changed, key: str) -> dict[str, Any]:
    changes = [dict(zip(_COLUMNS, values, strict=True)) for values in _values_of(one)]
    return {key: _key_of(one.product, key), _CHANGES: changes}


def _rows_of(one: Changed, key: str) -> Iterator[list[str]]:
    value = as_text(_key_of(one.product, key))
    for field, before, after, *why in _values_of(one):
        yield [value, field, _cell(before), _cell(after), *map(as_text, why)]


def _values_of(one: Changed) -> Iterator[tuple[Any, ...]]:
    for change in one.changes:
        surest = next(iter(change.evidence), None)
        classifier, image = (surest.classifier, surest.image) if surest else (None, None)
        yield change.field, _filled(change.before), change.after, change.confidence, classifier, image
    provenance: Provenance | None = getattr(one, "provenance", None)
    if provenance is not None:
        yield provenance.field, _filled(one.product.get(provenance.field)), provenance.text, None, None, None


def _filled(value: Any) -> Any:  # noqa: ANN401 - whatever the product holds
    return value if as_text(value) else None


def _cell(value: object) -> str:
    """A value as `_value_of` reads it: as text, or as JSON where that would come back as something else."""
    if not fits_cell(value):
        return json.dumps(value, ensure_ascii=False, default=str)
    text = as_text(value)
    return text if _value_of(text) == text else json.dumps(text, ensure_ascii=False)


def _value_of(cell: str) -> Any:  # noqa: ANN401 - a text or a list of whatever JSON holds
    if not cell.startswith(_JSON_BEGINS):
        return cell
    try:
        value: Any = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return value if str(value).startswith(_JSON_BEGINS) else cell  # a list, or a text that would be read as one


def _changes_of_csv(path: str | Path) -> Generator[WrittenChange]:
    with opened(path) as file:
        table = table_of_csv(path, file)
        if not set(_NEEDED) <= set(table.columns[1:]):
            raise CatalogFileError(str(path), 1, f"its header must name a key, and then {', '.join(_NEEDED)}")
        key_field = table.columns[0]
        for row in ProductReader(table.products, skips=False):
            cells = {column: _csv.unguarded(cell) for column, cell in row.items()}
            values = {column: _value_of(cells.get(column, "")) or None for column in ("before", "after")}
            yield _written(path, key_field, cells.get(key_field), {**cells, **values})


def _changes_of_jsonl(path: str | Path) -> Generator[WrittenChange]:
    key_field: str | None = None
    for row in read_products(path, format="jsonl"):
        key_field = key_field or next((name for name in row if name != _CHANGES), None)
        changes = row.get(_CHANGES)
        if key_field is None or not isinstance(changes, list):
            raise CatalogFileError(str(path), None, f"{row!r} is no product with its changes")
        for change in cast("list[object]", changes):
            yield _written(path, key_field, row.get(key_field), change)


def _written(path: str | Path, key_field: str, key: object, change: object) -> WrittenChange:
    values = cast("dict[str, Any]", change) if isinstance(change, dict) else {}
    if not as_text(key) or not isinstance(values.get("field"), str) or "after" not in values:
        raise CatalogFileError(str(path), None, f"{change!r} is no change of a product with a {key_field!r}")
    return WrittenChange(key_field, as_text(key), values["field"], values.get("before"), values["after"])
