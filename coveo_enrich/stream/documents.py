"""An item, checked and encoded as Coveo will receive it.

Pure: a mapping in, bytes or a reason out. What the item means, and which chunk it goes into, is not decided here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, cast

import attrs

from coveo_enrich.errors import InvalidItem

__all__ = ["MAX_ITEM_BYTES", "EncodedItem", "encode_item"]

MAX_ITEM_BYTES: Final = 3_000_000
"""The largest item that the Stream API takes, in bytes of UTF-8 JSON (docs.coveo.com/en/o64d1129)."""

# docs.coveo.com/en/78: <scheme>://<rest>
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\x00-\x1f\x7f]+")
_LARGEST_EXPONENT: Final = 307  # of a number that every JSON reader holds
_CLASHING_KEYS: Final = "two of its keys differ only by case ({}), which Coveo answers with INVALID_JSON"


@attrs.frozen
class EncodedItem:
    """An item ready to be written: its id, and its UTF-8 JSON."""

    document_id: str
    data: bytes


def encode_item(document: object, *, position: int, max_bytes: int = MAX_ITEM_BYTES) -> EncodedItem:
    """Check an item and encode it.

    Args:
        document: The item: a mapping with a ``documentId`` that is a URI.
        position: Its place among the items of this call, counted from 1, for the error.
        max_bytes: The largest encoding that fits.

    Raises:
        InvalidItem: Coveo would refuse it, with the reason.
    """
    if not isinstance(document, Mapping):
        raise InvalidItem(None, position, f"an item must be a mapping, not {type(document).__name__}")
    item = cast("Mapping[object, object]", document)
    document_id = _document_id(item, position)
    _check_keys(item, document_id, position)
    data = _encode(item, document_id, position)
    if len(data) > max_bytes:
        reason = f"it takes {len(data):,} bytes as JSON; the limit is {max_bytes:,}"
        raise InvalidItem(document_id, position, reason)
    return EncodedItem(document_id, data)


def _document_id(item: Mapping[object, object], position: int) -> str:
    value = item.get("documentId")
    if isinstance(value, str) and _URI.fullmatch(value):
        return _whole_text(value, position)
    if "documentId" in item and value is None:
        raise InvalidItem(None, position, "it has no documentId: the value is null")
    if value is None:
        other = next(
            (key for key in item if isinstance(key, str) and key.lower() == "documentid"),
            None,
        )
        hint = f" (it has {other!r}: write documentId)" if other else ""
        raise InvalidItem(None, position, f"it has no documentId{hint}")
    raise InvalidItem(
        str(value),
        position,
        "its documentId must be a URI without blanks, such as product://001-red",
    )


def _whole_text(document_id: str, position: int) -> str:
    shown = document_id.encode("utf-8", "replace").decode()
    if shown != document_id:
        raise InvalidItem(shown, position, "its documentId holds half of a surrogate pair")
    return document_id


def _check_keys(item: Mapping[object, object], document_id: str, position: int) -> None:
    seen: dict[str, str] = {}
    for key in item:
        if not isinstance(key, str):
            raise InvalidItem(document_id, position, f"its key {key!r} is not text")
        earlier = seen.setdefault(key.lower(), key)
        if earlier is not key:
            raise InvalidItem(document_id, position, _CLASHING_KEYS.format(f"{earlier!r} and {key!r}"))


def _encode(item: Mapping[object, object], document_id: str, position: int) -> bytes:
    try:
        for value in item.values():
            _check_inner_keys(value)
        return _to_json(dict(item))
    except (TypeError, ValueError, RecursionError):
        raise InvalidItem(document_id, position, _culprit(item)) from None


def _to_json(value: object) -> bytes:
    text = json.dumps(
        value,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
        default=_plain,
    )
    return text.encode("utf-8")


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _number(value: Decimal) -> int | float:
    if not value.is_finite():
        raise ValueError(f"{value} is not JSON compliant")
    if value.adjusted() > _LARGEST_EXPONENT:
        raise ValueError(f"{value} is too large for a number")
    return int(value) if value == value.to_integral_value() else float(value)


def _check_inner_keys(value: object) -> None:
    # json would turn a number into text as a key, where it may meet a text that is there.
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, object]", value).items():
            if not isinstance(key, str):
                raise TypeError(f"its key {key!r} is not text")
            _check_inner_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("Sequence[object]", value):
            _check_inner_keys(inner)


def _culprit(item: Mapping[object, object]) -> str:
    for key, value in item.items():
        try:
            _check_inner_keys(value)
            _to_json({key: value})
        except (TypeError, ValueError, RecursionError) as error:
            return f"the value of {key!a} cannot be sent as JSON: {_why(error)}"
    return "it cannot be sent as JSON"


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "its text holds half of a surrogate pair"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)
