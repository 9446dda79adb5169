"""What Coveo does in silence to an item that is fine as JSON, found before the item is sent.

Pure: an item in, what is wrong with it out. Each rule stands on Coveo's documentation; the catalog's own meaning is not
judged. What JSON itself cannot hold is no matter here, nor is what becomes of an item that has a flaw.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import attrs

__all__ = ["Flaw", "ItemChecks", "UnfitItem", "is_uri"]

# docs.coveo.com/en/78: <scheme>://<rest>. The first of the two rests is the second in ASCII, and found twice as fast.
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[!-~]+|[^\s\x00-\x1f\x7f]+)")
# platform.cloud.coveo.com, Field API: ^([a-z][a-z0-9_]{0,254})$; the case of a key does not matter.
_FIELD_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")

_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_SEPARATOR: Final = ";"  # docs.coveo.com/en/1833: where a field splits a text into values
_LEVELS: Final = "|"
_MAX_KEYS_REMEMBERED: Final = 10_000
_MAX_SHOWN: Final = 80

_BODIES: Final = {"data", "compressedbinarydata", "compressedbinarydatafileid"}
_COMPRESSIONS: Final = {"uncompressed", "zlib", "gzip", "lzma", "deflate"}
# docs.coveo.com/en/n73f0502: a # in it breaks Coveo's machine learning.
_PRODUCT_IDS: Final = {"ec_product_id", "ec_variant_id", "ec_item_group_id", "permanentid"}


@attrs.frozen
class Flaw:
    """Something wrong with an item.

    Attributes:
        code: A short name of it, the same for every item that has it.
        field: The key that it is about; `None` when it is about the item.
        message: What becomes of the data, and what to do.
    """

    code: str
    field: str | None
    message: str


class UnfitItem(Exception):
    """An item that must not be sent."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def is_uri(text: str) -> bool:
    """Whether Coveo takes a text for a documentId: ``<scheme>://<rest>`` without blanks and control characters."""
    return _URI.fullmatch(text) is not None


@attrs.frozen
class _OwnKey:
    """A key whose value Coveo takes for itself (docs.coveo.com/en/162), so that it is never a field's."""

    spelling: str
    wants: str
    fits: Callable[[Any], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_permission_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in cast("list[object]", value))


_OWN_KEYS: Final[Mapping[str, _OwnKey]] = {
    own.spelling.lower(): own
    for own in (
        _OwnKey("data", "the text of the item", _is_text),
        _OwnKey("compressedBinaryData", "the content of a file as text", _is_text),
        _OwnKey("compressedBinaryDataFileId", "the id of a file container", _is_text),
        _OwnKey(
            "compressionType",
            "one of UNCOMPRESSED, ZLIB, GZIP, LZMA and DEFLATE",
            lambda value: _is_text(value) and value.lower() in _COMPRESSIONS,
        ),
        _OwnKey("fileExtension", "an extension such as .html", lambda value: _is_text(value) and value[:1] == "."),
        _OwnKey("parentId", "the URI of another item", lambda value: _is_text(value) and is_uri(value)),
        _OwnKey("permissions", "a list of permission sets", _is_permission_list),
    )
}


@attrs.frozen
class _Shape:
    """What the keys of an item alone tell; items of a catalog share a few.

    Attributes:
        flaws: What is worth a warning whatever the values are.
        own: Keys of Coveo's own, with what their values must be.
        product_ids: Keys whose values must not hold a ``#``.
        categories: Keys of ``ec_category``.
    """

    flaws: tuple[Flaw, ...]
    own: Mapping[str, _OwnKey]
    product_ids: tuple[str, ...]
    categories: tuple[str, ...]


class ItemChecks:
    """The full checks of items. Made once a run, as it remembers the sets of keys that it has seen.

    Args:
        dictionary_fields: Fields that exist as dictionary fields, and may therefore hold an object.
    """

    def __init__(self, dictionary_fields: Iterable[str] = ()) -> None:
        self._dictionary_fields = frozenset(field.lower() for field in dictionary_fields)
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._keys_remembered = 0
        self._whole_categories: set[tuple[str, ...]] = set()

    def is_faultless(self, item: Mapping[str, Any], data: bytes) -> bool:
        """Whether nothing is to be said about an item; `False` where that takes a closer look.

        Every item of a catalog passes here, and most need nothing more.

        Args:
            item: The item, which `coveo_enrich._json.is_flat`.
            data: Its JSON, in which what is not there is quickly not found.
        """
        shape = self._shapes.get(tuple(item))
        if shape is None or shape.flaws or shape.own:
            return False
        if b";" in data and _SEPARATOR in "".join(map("".join, _lists_of(item))):
            return False
        if b"#" in data and any("#" in str(item[key]) for key in shape.product_ids):
            return False
        for key in shape.categories:  # noqa: SIM110 - a generator costs as much as all of the above
            if not self._is_whole_category(item[key]):
                return False
        return True

    def check(self, item: Mapping[str, Any]) -> list[Flaw]:
        """What is worth a warning about an item.

        Args:
            item: The item, its values as `coveo_enrich._json.normal` gives them.

        Raises:
            UnfitItem: It must not be sent.
        """
        keys = tuple(item)
        shape = self._shapes.get(keys) or self._remembered(keys)
        flaws = list(shape.flaws)
        for key, value in item.items():
            kind = type(value)  # pyright: ignore[reportUnknownVariableType] - of anything
            if kind is str or kind in _SCALARS or key in shape.own:
                continue
            if kind is list:
                _check_list(key, value, flaws)
            else:
                self._check_object(key, value)
        for key, rule in shape.own.items():
            _check_own_key(key, item[key], rule)
        flaws += [_hash_in_id(key, item[key]) for key in shape.product_ids if "#" in str(item[key])]
        for key in shape.categories:
            _check_category(key, item[key], flaws)
        return flaws

    def _is_whole_category(self, value: object) -> bool:
        if not isinstance(value, list):
            return False
        paths = tuple(cast("list[str]", value))
        if paths in self._whole_categories:
            return True
        flaws: list[Flaw] = []
        _check_category("ec_category", paths, flaws)
        if not flaws and len(self._whole_categories) < _MAX_KEYS_REMEMBERED:
            self._whole_categories.add(paths)
        return not flaws

    def _remembered(self, keys: tuple[str, ...]) -> _Shape:
        shape = _shape_of(keys)
        self._keys_remembered += len(keys)
        if self._keys_remembered > _MAX_KEYS_REMEMBERED:
            self._shapes.clear()
            self._keys_remembered = len(keys)
        self._shapes[keys] = shape
        return shape

    def _check_object(self, key: str, value: dict[str, object]) -> None:
        if key.lower() not in self._dictionary_fields:
            raise UnfitItem(
                "nested-object",
                f"{key!r} holds an object, which Coveo indexes in a dictionary field only: flatten it into fields of "
                "their own, or name it in dictionary_fields if it is such a field",
            )
        odd = next((inner for inner, one in value.items() if type(one) not in _SCALARS), None)
        if odd is not None:
            raise UnfitItem(
                "nested-object",
                f"{key!r} holds a list or an object under {_shown(odd)}, and a dictionary field takes texts, numbers "
                "and booleans only: flatten it",
            )


def _check_list(key: str, values: list[Any], flaws: list[Flaw]) -> None:
    try:
        joined = "".join(values)
    except TypeError:  # not only texts
        values = _texts_of(key, values)
        joined = "".join(values)
    if _SEPARATOR in joined:
        split = next(one for one in values if _SEPARATOR in one)
        flaws.append(
            Flaw(
                "separator-in-value",
                key,
                f"{key!r} lists {_shown(split)}: Coveo splits the values of a multi-value field at each "
                f"{_SEPARATOR!r}, so it becomes several; write another character",
            )
        )


def _lists_of(item: Mapping[str, Any]) -> Iterator[list[str]]:
    return (cast("list[str]", value) for value in item.values() if type(value) is list)


def _texts_of(key: str, values: list[Any]) -> list[str]:
    if _SCALARS.issuperset(map(type, values)):
        return [one for one in values if type(one) is str]
    raise UnfitItem(
        "nested-list",
        f"{key!r} is a list that holds lists or objects, and Coveo indexes lists of texts, numbers and booleans only: "
        "flatten it, or send it as text",
    )


def _check_own_key(key: str, value: object, rule: _OwnKey) -> None:
    if not rule.fits(value):
        raise UnfitItem(
            "reserved-key",
            f"{key!r} is a key of Coveo's own and wants {rule.wants}; {_shown(value)} would be taken for that and "
            "reach no field: rename it",
        )


def _hash_in_id(key: str, value: object) -> Flaw:
    return Flaw(
        "hash-in-id",
        key,
        f"{key!r} is {_shown(value)}, and Coveo's machine learning cannot work with a '#' in it: write another "
        "character",
    )


def _check_category(key: str, value: object, flaws: list[Flaw]) -> None:
    paths = cast("Sequence[object]", value) if isinstance(value, list | tuple) else str(value).split(_SEPARATOR)
    for path in paths:
        parent = str(path).rpartition(_LEVELS)[0]
        if parent and parent not in paths:
            flaws.append(_missing_ancestor(key, path, parent))
            return


def _missing_ancestor(key: str, path: object, parent: str) -> Flaw:
    return Flaw(
        "missing-ancestor",
        key,
        f"{key!r} has {_shown(path)} without {_shown(parent)}, so the product is not found under the latter: list "
        "every ancestor as a value of its own",
    )


def _shape_of(keys: tuple[str, ...]) -> _Shape:
    _check_for_clashes(keys)
    own = {key: _OWN_KEYS[key.lower()] for key in keys if key.lower() in _OWN_KEYS}
    bodies = [key for key in own if key.lower() in _BODIES]
    if len(bodies) > 1:
        raise UnfitItem(
            "several-bodies", f"it has {' and '.join(map(repr, bodies))}, and an item has one body: keep one"
        )
    return _Shape(
        tuple(_flaws_of_keys(keys, own)),
        own,
        tuple(key for key in keys if key.lower() in _PRODUCT_IDS),
        tuple(key for key in keys if key.lower() == "ec_category"),
    )


def _check_for_clashes(keys: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for key in keys:
        earlier = seen.setdefault(key.lower(), key)
        if earlier is not key:
            raise UnfitItem(
                "keys-differ-by-case",
                f"two of its keys differ only by case ({earlier!r} and {key!r}), which Coveo answers with INVALID_JSON",
            )
        if key.lower() == "orderingid":
            raise UnfitItem(
                "reserved-key", f"its key {key!r} is Coveo's own and never sent: leave it out, or rename the field"
            )


def _flaws_of_keys(keys: Iterable[str], own: Mapping[str, _OwnKey]) -> Iterator[Flaw]:
    for key in keys:
        if key in own and key != own[key].spelling:
            yield Flaw(
                "reserved-key-in-another-case",
                key,
                f"Coveo takes {key!r} for its own key {own[key].spelling!r}, not for a field: write it that way, or "
                "rename the field",
            )
        if not _FIELD_NAME.fullmatch(key):
            yield Flaw(
                "field-name",
                key,
                f"no field can be named {_shown(key)} (a letter, then letters, digits and _, 255 at most), so what it "
                "holds is dropped without a word unless a mapping rule reads it: rename it",
            )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
