"""What a search sees of an item: the fields that were kept, and those that Coveo adds of its own.

Which items a search finds is decided in `coveo_enrich.sandbox.search.search`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias, cast

import attrs

from coveo_enrich.sandbox.indexing.indexing import Indexed, Scalar
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.values import StoredItem

__all__ = ["Value", "View", "listed", "looked_up", "searched_fields", "view"]

Value: TypeAlias = str | int | float | list[str] | list[float]

_WITHOUT_PATH = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://[^/?#]+)(?=[?#]|$)")
# Larger ones cannot be told from their neighbours anyway.
_LARGEST_WHOLE = 2**53


def _own_fields() -> dict[str, Field]:
    fields = (
        *(Field(name=name, facet=True, system=True) for name in ("filetype", "mappingtype", "syssource", "sysuri")),
        *(Field(name=name, type="DATE", system=True) for name in ("indexeddate", "sysindexeddate")),
        Field(name="orderingid", type="LONG_64", system=True),
    )
    return {field.name: field for field in fields}


_OWN = _own_fields()


@attrs.frozen
class View:
    """An item, as a search sees it.

    Attributes:
        title: What it is called.
        uri: Its ``documentId`` as Coveo writes it: with a slash in the place of a path that is missing.
        source_id: Its source.
        values: Field name to value, Coveo's own fields included.
        dictionaries: Of dictionary fields, the values under all keys; in `values` is the one that is looked at.
    """

    title: str
    uri: str
    source_id: str
    values: Mapping[str, Value]
    dictionaries: Mapping[str, Mapping[str, Scalar]] = attrs.field(factory=dict[str, Mapping[str, Scalar]])

    @property
    def primary_id(self) -> str:
        """Coveo's name of the item in the index."""
        data = f"{self.source_id}\n{self.uri}".encode("utf-8", "surrogatepass")
        return base64.b32encode(hashlib.sha256(data).digest())[:26].decode()

    def raw(self, fields: Mapping[str, Field], names: Collection[str] | None, but: Collection[str]) -> dict[str, Any]:
        """The fields of a result.

        Args:
            fields: The fields of the organization, by name.
            names: The fields to show; `None` means all.
            but: The fields not to show when all are asked for.
        """
        wanted = [name for name in self.values if name not in but] if names is None else names
        return {
            name: _written(self.values[name])
            for name in wanted
            if name in self.values and name in fields and fields[name].include_in_results
        }


def searched_fields(fields: Mapping[str, Field]) -> dict[str, Field]:
    """The fields of an organization with those that Coveo fills itself, which no item can bring."""
    return {**fields, **_OWN}


def view(item: StoredItem, contexts: Mapping[str, str]) -> View:
    """The item, as a search sees it.

    Args:
        item: The item.
        contexts: Of each dictionary field, by lower-case name, the key that is looked at; otherwise it is ``""``.
    """
    sent = {name: looked_up(value, contexts.get(name, "")) for name, value in item.fields.items()}
    given = {name: value for name, value in sent.items() if value is not None}
    uri = _WITHOUT_PATH.sub(r"\1/", item.document_id, count=1)
    title = str(given.get("title") or given.get("ec_name") or uri)
    values = {**_defaults(item, uri, title), **given, **_own_values(item, uri)}
    if "permanentid" not in values:
        values["permanentid"] = _permanent_id(item.document_id)
    if "objecttype" in values:
        values["mappingtype"] = values["objecttype"]
    dictionaries = {
        name: cast("Mapping[str, Scalar]", value) for name, value in item.fields.items() if isinstance(value, dict)
    }
    return View(title, uri, item.source_id, values, dictionaries)


def _defaults(item: StoredItem, uri: str, title: str) -> dict[str, Value]:
    """What Coveo fills in where the item says nothing."""
    return {"title": title, "clickableuri": uri, "date": item.indexed}


def _own_values(item: StoredItem, uri: str) -> dict[str, Value]:
    return {
        "uri": uri,
        "sysuri": uri,
        "source": item.source_id,
        "syssource": item.source_id,
        "filetype": "txt",
        "orderingid": item.ordering_id,
        "indexeddate": item.indexed,
        "sysindexeddate": item.indexed,
    }


def looked_up(value: Indexed | None, key: str) -> Value | None:
    """What a search looks at: of a dictionary, the entry of a key, or else the one without a name."""
    return value.get(key, value.get("")) if isinstance(value, dict) else value


def listed(value: Value | None) -> Sequence[str | float]:
    """The values of a field."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _permanent_id(document_id: str) -> str:
    data = document_id.encode("utf-8", "surrogatepass")
    md5, sha1 = (hashlib.new(name, data, usedforsecurity=False).hexdigest() for name in ("md5", "sha1"))
    return md5[:30] + sha1[:30]


def _written(value: Value) -> Value:
    """The value as it stands in JSON: a price of 540.0 is 540."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE
    return int(value) if is_whole else value  # type: ignore[arg-type] # a float, as was just asked
