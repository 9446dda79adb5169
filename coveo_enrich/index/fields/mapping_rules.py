"""The mapping rules of a source: from what an item says to the field that it fills, as values.

docs.coveo.com/en/1839: of several entries, the first that yields a value counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import attrs

from coveo_enrich.index.json_parts import object_of, objects_of

__all__ = ["MappingRule", "rules_in"]

_METADATA: Final = re.compile(r"%\[([^\]]*)\]")


@attrs.frozen
class MappingRule:
    """A rule of a source.

    Attributes:
        field: The field that it fills.
        content: What it is filled with: texts with ``%[metadata]`` in them.
        type: The type of item that it is for; empty for all.
    """

    field: str
    content: tuple[str, ...]
    type: str = ""

    def copies(self, metadata: str) -> bool:
        """Whether it surely fills the field with a metadata of this name, in which case counts.

        What comes second counts only where the first is missing, and what is joined with other metadata or is to be of
        one origin may yield nothing. The same name in another case may stand before it: no item has both.
        """
        for text in self.content:
            if text == f"%[{metadata}]":
                return True
            if text.lower() != f"%[{metadata.lower()}]":
                return False
        return False

    def reads(self, metadata: str, *, any_case: bool = False) -> bool:
        """Whether a metadata of this name comes into the field where nothing else does before it.

        Of other origins than the crawler's, of which is what is pushed, it does not (docs.coveo.com/en/1839).

        Args:
            metadata: The name.
            any_case: Whether the metadata may be spelled with other capitals.
        """
        for text in self.content:
            read = _METADATA.findall(text)
            if not read:  # a text as it stands always counts
                return False
            if {metadata, f"{metadata}:crawler"}.issuperset(one.lower() if any_case else one for one in read):
                return True
        return False


def rules_in(mappings: Mapping[str, Any]) -> Iterator[MappingRule]:
    """The rules in what Coveo answers about a source: the common ones, then those of single types."""
    yield from _rules(mappings.get("common"), "")
    for each in objects_of(mappings.get("types")):
        yield from _rules(each, str(each.get("type") or ""))


def _rules(group: object, kind: str) -> Iterator[MappingRule]:
    for rule in objects_of(object_of(group).get("rules")):
        content = rule.get("content")
        texts = cast("Sequence[object]", content) if isinstance(content, list) else ()
        yield MappingRule(str(rule.get("field") or "").lower(), tuple(map(str, texts)), kind)
