"""From the nested JSON that a PIM exports to the flat items that Coveo takes, field by field along paths.

What stands where a path leads is taken as it is. What Coveo makes of it is checked where items are sent.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import attrs

from coveo_enrich.catalog.paths import Key, Path, put, read_path, text_of, value_at
from coveo_enrich.errors import ConfigurationError

__all__ = ["MappedProducts", "PathMapping"]

_PLACE: Final = re.compile(r"\{([^{}]*)\}")

_Source: TypeAlias = "str | tuple[str, ...]"


@attrs.frozen
class _Template:
    """Texts with what stands at paths between them."""

    texts: tuple[str, ...]
    paths: tuple[Path, ...]

    def of(self, product: Mapping[str, Any]) -> str | None:
        found = [text_of(value_at(path, product)) for path in self.paths]
        if None in found:
            return None
        return "".join(part or "" for pair in zip(self.texts, [*found, ""], strict=True) for part in pair)


@attrs.frozen
class _Several:
    """What stands at several paths, as one list."""

    sources: tuple[Path | _Template, ...]

    def of(self, product: Mapping[str, Any]) -> list[Any]:
        found = (_found(source, product) for source in self.sources)
        return [one for value in found for one in _listed(value) if not _lacks(one)]


_Compiled: TypeAlias = "Path | _Template | _Several"


def _entries(fields: Mapping[str, str | Sequence[str]]) -> tuple[tuple[str, _Source], ...]:
    if not isinstance(fields, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
        raise ConfigurationError(f"a PathMapping is a dict of fields with their paths; got {fields!r}")
    return tuple(
        (field, tuple(source) if isinstance(source, list) else cast("_Source", source))
        for field, source in fields.items()
    )


def _compiled(mapping: PathMapping) -> Mapping[str, _Compiled]:
    return {
        field: _Several(tuple(_read(field, one) for one in source))
        if isinstance(source, tuple)
        else _read(field, source)
        for field, source in mapping.fields
    }


@attrs.frozen
class PathMapping:
    """Which field of an item comes from where in a product of a PIM.

    A path names keys with dots between them. Behind a key, ``[locale=en_US,scope=ecommerce]`` takes the first object
    of a list that has these values (``null`` for none), and ``[0]`` the value at a place. A text with paths in braces,
    such as ``product://{identifier}``, is a template; a list of paths and templates gives a list of what they lead to.

    Attributes:
        fields: Each field with its path, template or list of them; given as a dict such as
            ``{"documentId": "product://{identifier}", "ec_name": "values.name[locale=en_US,scope=ecommerce].data"}``.

    Raises:
        ConfigurationError: A path cannot be read; it names the field and the place.
    """

    fields: tuple[tuple[str, _Source], ...] = attrs.field(converter=_entries)
    _sources: Mapping[str, _Compiled] = attrs.field(
        default=attrs.Factory(_compiled, takes_self=True), init=False, repr=False, eq=False
    )

    def apply(self, product: Mapping[str, Any]) -> dict[str, Any]:
        """The item that a product makes. A field is left out where its path leads to nothing, null or something empty.

        A template is left out when one of its paths does not lead to a text, number or boolean.
        """
        found = ((field, _found(source, product)) for field, source in self._sources.items())
        return {field: value for field, value in found if not _lacks(value)}

    def apply_all(self, products: Iterable[Mapping[str, Any]]) -> MappedProducts:
        """The items that products make, one by one, with a count of what they lack."""
        return MappedProducts(self, iter(products))

    def with_value(self, product: Mapping[str, Any], field: str, value: object) -> dict[str, Any] | None:
        """A copy of a product in which the path of a field leads to a value; objects on the way are made as needed.

        Returns:
            The copy; `None` when something else than the path says stands in its way, such as a text.

        Raises:
            ConfigurationError: The field does not come from one path that ends in a key.
        """
        path = self._sources.get(field)
        if not isinstance(path, tuple) or not isinstance(path[-1], Key):
            raise ConfigurationError(
                f"{field!r} does not come from one path that ends in a key, so it cannot be written back: "
                "give it such a path in the PathMapping"
            )
        changed = copy.deepcopy(dict(product))
        return changed if put(changed, path, value) else None

    def column_of(self, field: str) -> str:
        """The column that a field comes from, for products out of a table.

        Raises:
            ConfigurationError: The field does not come from one column.
        """
        path = self._sources.get(field)
        steps = path if isinstance(path, tuple) else ()
        if len(steps) != 1 or not isinstance(steps[0], Key):
            raise ConfigurationError(
                f"{field!r} does not come from one column, so it cannot be written back: give it one in the PathMapping"
            )
        return steps[0].name


class MappedProducts(Iterator[dict[str, Any]]):
    """Items on their way out of a `PathMapping`, to be iterated over once.

    Attributes:
        products: How many came until now.
        missing: How many of them lack each field; fields that none lacks are not in it.
    """

    def __init__(self, mapping: PathMapping, products: Iterator[Mapping[str, Any]]) -> None:
        self.products = 0
        self.missing: Counter[str] = Counter()
        self._mapping = mapping
        self._products = products

    def __next__(self) -> dict[str, Any]:
        item = self._mapping.apply(next(self._products))
        self.products += 1
        self.missing.update(field for field, _ in self._mapping.fields if field not in item)
        return item


def _read(field: str, source: object) -> Path | _Template:
    if not isinstance(source, str):
        raise ConfigurationError(f"{field}: a path is text; got {source!r}")
    if "{" not in source and "}" not in source:
        return read_path(field, source)
    texts = _PLACE.split(source)
    if any(brace in text for text in texts[::2] for brace in "{}"):
        raise ConfigurationError(f"{field}: a brace in {source!r} has no second one")
    return _Template(tuple(texts[::2]), tuple(read_path(field, path) for path in texts[1::2]))


def _found(source: _Compiled, product: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    return value_at(source, product) if isinstance(source, tuple) else source.of(product)


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _lacks(value: object) -> bool:
    return value is None or value in ("", [], {})
