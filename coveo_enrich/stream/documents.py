"""An item, or another entry of a batch, encoded as Coveo will receive it.

Pure: a mapping in, bytes or a reason out. What Coveo does with an item that JSON can hold is judged in
`coveo_enrich.stream.checks`; which chunk it goes into is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from coveo_enrich import _json
from coveo_enrich.errors import InvalidItem
from coveo_enrich.stream.checks import ItemChecks, UnfitItem, is_uri
from coveo_enrich.stream.findings import Findings

__all__ = ["MAX_ITEM_BYTES", "ItemEncoder", "require_document_id"]

MAX_ITEM_BYTES: Final = 3_000_000
"""The largest item that the Stream API takes, in bytes of UTF-8 JSON (docs.coveo.com/en/o64d1129)."""


class ItemEncoder:
    """Checks and encodes the items of one run.

    Args:
        checks: ``full`` looks for everything that `ItemChecks` knows; ``trusted`` only for what no item can do without:
            an id, a form in JSON, and a size that fits.
        dictionary_fields: Fields that exist as dictionary fields, and may therefore hold an object.
        max_bytes: The largest encoding that fits.
        findings: Takes the warnings.
    """

    def __init__(
        self,
        checks: Literal["full", "trusted"],
        dictionary_fields: Iterable[str],
        max_bytes: int,
        findings: Findings,
    ) -> None:
        self._checks = ItemChecks(dictionary_fields) if checks == "full" else None
        self._max_bytes = max_bytes
        self._findings = findings
        self._to_json = _json.codec().encode

    def encode(self, document: Any, position: int) -> tuple[str, bytes]:  # noqa: ANN401 - whatever a caller has
        """An item's id, and its UTF-8 JSON.

        Args:
            document: The item: a mapping with a ``documentId`` that is a URI.
            position: Its place among the items of the call, counted from 1, for the error.

        Raises:
            InvalidItem: Coveo would refuse it, or make something else of it, with the reason.
        """
        kind = type(document)  # pyright: ignore[reportUnknownVariableType] - of anything
        if kind is not dict and not issubclass(kind, Mapping):
            reason = f"an item must be a mapping, not {kind.__name__}"
            raise InvalidItem(None, position, reason, "not-a-mapping")
        document_id = _document_id(document, position)
        try:
            data = self._encoded(document, document_id, position)
        except _json.NotJson as error:
            raise InvalidItem(document_id, position, _reason(error), "not-json") from None
        except UnfitItem as error:
            raise InvalidItem(document_id, position, error.reason, error.code) from None
        if len(data) > self._max_bytes:
            raise self._too_large(data, document_id, position)
        return document_id, data

    def encode_entry(self, entry: Mapping[str, Any], document_id: str, position: int) -> bytes:
        """The UTF-8 JSON of another entry of a batch, about the item with that id.

        Raises:
            InvalidItem: It has no form in JSON, or is too large.
        """
        try:
            data = self._to_json(_json.normal(entry))
        except _json.NotJson as error:
            raise InvalidItem(document_id, position, _reason(error), "not-json") from None
        if len(data) > self._max_bytes:
            raise self._too_large(data, document_id, position)
        return data

    def _encoded(self, document: Any, document_id: str, position: int) -> bytes:  # noqa: ANN401 - of any mapping
        if _json.is_flat(document):
            data = self._to_json(document)
            if self._checks is None or self._checks.is_faultless(document, data):
                return data
        plain = _json.normal(document)
        data = self._to_json(plain)
        for flaw in self._checks.check(plain) if self._checks and len(data) <= self._max_bytes else ():
            self._findings.note(
                "warning", flaw.code, flaw.message, field=flaw.field, position=position, document_id=document_id
            )
        return data

    def _too_large(self, data: bytes, document_id: str, position: int) -> InvalidItem:
        reason = f"it takes {len(data):,} bytes as JSON; the limit is {self._max_bytes:,}"
        return InvalidItem(document_id, position, reason, "too-large")


def require_document_id(value: object, position: int) -> str:
    """The id as plain text.

    Raises:
        InvalidItem: It is not a URI without blanks.
    """
    if not isinstance(value, str) or not is_uri(value):
        reason = "its documentId must be a URI without blanks, such as product://001-red"
        raise InvalidItem(_printable(str(value)), position, reason, "id-is-no-uri")
    if not value.isascii() and _printable(value) != value:
        reason = "its documentId holds half of a surrogate pair"
        raise InvalidItem(_printable(value), position, reason, "not-json")
    return value if type(value) is str else str.__str__(value)


def _document_id(item: Mapping[Any, Any], position: int) -> str:
    value = item.get("documentId")
    if type(value) is str and value.isascii() and is_uri(value):
        return value
    if value is not None:
        return require_document_id(value, position)
    if "documentId" in item:
        raise InvalidItem(None, position, "it has no documentId: the value is null", "no-id")
    other = next((key for key in item if isinstance(key, str) and key.lower() == "documentid"), None)
    hint = f" (it has {other!r}: write documentId)" if other else ""
    raise InvalidItem(None, position, f"it has no documentId{hint}", "no-id")


def _printable(document_id: str) -> str:
    return document_id.encode("utf-8", "replace").decode()


def _reason(error: _json.NotJson) -> str:
    return f"the value of {error.path[0]!a} cannot be sent as JSON: {error.reason}" if error.path else error.reason
