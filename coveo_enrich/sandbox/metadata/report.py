"""The metadata report of a source: what the items of its sample say, and what of it would be indexed. No HTTP.

Coveo does not say of when ``isMapped`` and ``indexedBy`` speak. Here it is the time when the report was asked for: they
tell what would become of the metadata if it was sent again then, and not what is in the index.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import attrs

from coveo_enrich.sandbox.clock import milliseconds
from coveo_enrich.sandbox.indexing.indexing import object_type
from coveo_enrich.sandbox.platform.fields import Field
from coveo_enrich.sandbox.platform.mappings import Mappings
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["MetadataReport", "MetadataReports", "reported"]

Sample: TypeAlias = Sequence[Mapping[str, Json]]

# Coveo does not say how long a report is kept.
_KEPT_FOR = timedelta(days=1)
_MOST_VALUES = 100
_WAYS = ("NONE", "FIELD", "MAPPING")


@attrs.frozen
class MetadataReport:
    """What was found in a sample.

    Attributes:
        created: When.
        documents: How many items are in the sample.
        items: For each key what the API tells of it.
    """

    created: datetime
    documents: int
    items: tuple[dict[str, Json], ...]

    @property
    def expires(self) -> datetime:
        """From when on it is gone."""
        return self.created + _KEPT_FOR

    def head(self) -> dict[str, Json]:
        """What the API tells of the report as a whole."""
        return {
            "creationDate": milliseconds(self.created),
            "expirationDate": milliseconds(self.expires),
            "sampledDocumentCount": self.documents,
            "documentErrorCount": 0,
        }


def reported(sample: Sample, fields: Mapping[str, Field], mappings: Mappings, now: datetime) -> MetadataReport:
    """The report of a sample.

    Args:
        sample: What each of its items says.
        fields: The fields that there are, by name.
        mappings: The mapping rules of the source.
        now: The time.
    """
    saying: dict[str, list[Mapping[str, Json]]] = {}
    for metadata in sample:
        for key in metadata:
            saying.setdefault(key, []).append(metadata)
    items = tuple(_item(key, saying[key], fields, mappings) for key in sorted(saying))
    return MetadataReport(now, len(sample), items)


def _item(key: str, sample: Sample, fields: Mapping[str, Field], mappings: Mappings) -> dict[str, Json]:
    """What the API tells of one key, from the items that have it."""
    counted = Counter(text for metadata in sample for text in _values(metadata[key]))
    values: list[Json] = [
        {"metadataValue": json.loads(text), "count": count} for text, count in counted.most_common(_MOST_VALUES)
    ]
    ways = {_way(key, object_type(metadata), fields, mappings) for metadata in sample}
    way = max(ways, key=_WAYS.index)
    return {
        "key": key,
        "values": values,
        "count": len(sample),
        "origin": "crawler",
        "isMapped": way == "MAPPING",
        "indexedBy": way,
    }


def _way(key: str, object_type_: object, fields: Mapping[str, Field], mappings: Mappings) -> str:
    """How the metadata of an item of that type comes into the index."""
    rules = mappings.rules_for(object_type_)
    if any(key in rule.reads for name, candidates in rules.items() if name in fields for rule in candidates):
        return "MAPPING"
    return "FIELD" if key.lower() in fields and key.lower() not in rules else "NONE"


def _values(value: Json) -> Iterable[str]:
    """Each single value as JSON, so that it can be counted."""
    each = value if isinstance(value, list) else [value]
    return {json.dumps(_written(one), sort_keys=True) for one in each}


def _written(value: Json) -> Json:
    """The value, as long as JSON has a way to write it."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@attrs.define
class _State:
    there: MetadataReport | None = None
    coming: MetadataReport | None = None


class MetadataReports:
    """The last report of each source.

    With Coveo a report takes its time. Here it is there when its status was asked for once, so that who does not ask
    finds out.
    """

    def __init__(self) -> None:
        self._states: dict[object, _State] = {}

    def start(self, source: object, report: MetadataReport) -> None:
        """Let a report be there soon."""
        self._states.setdefault(source, _State()).coming = report

    def status(self, source: object, now: datetime) -> tuple[bool, bool]:
        """Whether a report is being made, and whether there is one; the former is over by the next time."""
        state = self._states.setdefault(source, _State())
        is_coming, is_there = state.coming is not None, self.report(source, now) is not None
        if state.coming is not None:
            state.there, state.coming = state.coming, None
        return is_coming, is_there

    def report(self, source: object, now: datetime) -> MetadataReport | None:
        """The report, unless there is none or it is too old."""
        report = self._states.setdefault(source, _State()).there
        return None if report is None or report.expires <= now else report
