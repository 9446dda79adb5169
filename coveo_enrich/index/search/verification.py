"""What was sent beside what Coveo shows: pure, and a value that says what is missing.

Asking Coveo, and having patience with it, is `coveo_enrich.index.search.client`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from html import escape
from typing import Any, Final, Literal, cast

import attrs

from coveo_enrich.index.fields.names import RESERVED
from coveo_enrich.index.fields.values import is_something
from coveo_enrich.index.search.calls import FoundItem
from coveo_enrich.index.search.comparing import same_value
from coveo_enrich.index.search.reading_back import can_be_asked_for

__all__ = ["Finding", "Verification", "compared"]

FindingKind = Literal[
    "missing item",
    "no result of its own",
    "old version",
    "missing field",
    "different value",
    "cannot be compared",
    "cannot be asked for",
]

_SHOWN: Final = 20
_FINAL: Final = frozenset[FindingKind]({"no result of its own", "cannot be compared", "cannot be asked for"})
_URIS: Final = frozenset({"uri", "sysuri", "clickableuri"})
_WHY_MISSING: Final = (
    "an item may be missing because, the likeliest first:",
    "- Coveo has not indexed it yet",
    "- it or its batch was refused, which IndexingLog tells",
    "- the source has no catalog entity, or one that does not list its objecttype: see FieldClient.plan(documents)",
    "- the key lacks the privilege View all content, and not everybody may see the item",
    "- a query pipeline leaves it out",
)


@attrs.frozen
class Finding:
    """Something that Coveo does not show as it was sent.

    Attributes:
        kind: ``missing item``; ``no result of its own``, a variant or availability, which no search shows; ``old
            version``, an item of an earlier push; ``missing field``, for which there is probably no field, or not one
            that results show; ``different value``; ``cannot be compared``, entries of a dictionary, of which a search
            shows the default only; ``cannot be asked for``, as its id holds a double quote or a control character, or
            has some 2,000 characters and more.
        document_id: The item.
        field: The field; empty where it is about the whole item.
        sent: What was sent; `None` for a whole item.
        found: What Coveo shows; `None` when it shows nothing.
    """

    kind: FindingKind
    document_id: str
    field: str = ""
    sent: Any = None
    found: Any = None

    def __str__(self) -> str:
        what = f"{self.kind}: {self.document_id}" + (f" {self.field}" if self.field else "")
        return f"{what}: {self.found!r} in place of {self.sent!r}" if self.kind == "different value" else what


@attrs.frozen(kw_only=True)
class Verification:
    """How far Coveo shows what was sent. Prints as text.

    Attributes:
        items: Items that were looked for.
        given: Items of which a sample was looked for; where none was wanted, the same number.
        matching: Items that are there, with every value that was sent.
        findings: What is not as it was sent.
    """

    items: int
    given: int
    matching: int
    findings: tuple[Finding, ...]

    @property
    def may_change(self) -> bool:
        """Whether another look may show more."""
        return bool(self.to_look_at_again)

    @property
    def to_look_at_again(self) -> list[str]:
        """The ids of items of which another look may show more."""
        return list(dict.fromkeys(one.document_id for one in self.findings if one.kind not in _FINAL))

    @property
    def is_complete(self) -> bool:
        """Whether everything that was looked for is there as it was sent, and something was looked for."""
        return self.matching == self.items > 0

    def to_json(self) -> str:
        """The same as a JSON object, with ``is_complete`` and ``may_change``."""
        told = {**attrs.asdict(self), "is_complete": self.is_complete, "may_change": self.may_change}
        return json.dumps(told, default=str)

    def __str__(self) -> str:
        more = len(self.findings) - _SHOWN
        lines = [self._summary(), *map(str, self.findings[:_SHOWN])]
        if more > 0:
            lines.append(f"and {more:,} more")
        if any(finding.kind == "missing item" for finding in self.findings):
            lines += _WHY_MISSING
        return "\n".join(lines)

    def _summary(self) -> str:
        if not self.items:
            return "no item was given to be looked for"
        sample = "" if self.items == self.given else f", a sample of the {self.given:,} that were given"
        return f"{self.matching:,} of {self.items:,} items are as they were sent{sample}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def compared(
    expected: Mapping[str, Mapping[str, Any]],
    found: Mapping[str, Sequence[FoundItem]],
    *,
    given: int,
    stamps: AbstractSet[int],
    is_shown: Callable[[str], bool],
) -> Verification:
    """Compare.

    Args:
        expected: By ``documentId``, the fields and values that were sent.
        found: By ``documentId``, what Coveo shows: several items where other sources have one of that id, of which one
            of this push is compared, else the one that is the most like what was sent.
        given: How many items these are a sample of.
        stamps: The orderingIds of the push that is looked for; none for any.
        is_shown: Whether items of an ``objecttype`` are results of a search at all.
    """
    findings: list[Finding] = []
    matching = 0
    since = min(stamps, default=None)
    for document_id, fields in expected.items():
        items = found.get(document_id)
        if items:
            wrong = _least_wrong(document_id, fields, items, stamps, since)
        else:
            wrong = [Finding(_why_missing(document_id, fields, is_shown), document_id)]
        matching += not wrong
        findings += wrong
    return Verification(items=len(expected), given=given, matching=matching, findings=tuple(findings))


def _why_missing(document_id: str, fields: Mapping[str, Any], is_shown: Callable[[str], bool]) -> FindingKind:
    if not can_be_asked_for(document_id):
        return "cannot be asked for"
    object_type = _by_small_letters(fields.items()).get("objecttype")
    return "no result of its own" if isinstance(object_type, str) and not is_shown(object_type) else "missing item"


def _least_wrong(
    document_id: str, fields: Mapping[str, Any], items: Sequence[FoundItem], stamps: AbstractSet[int], since: int | None
) -> list[Finding]:
    """What is found about the item of this push, or about the one of several that is the most like what was sent."""
    own = [item for item in items if item.ordering_id in stamps] or items
    return min((list(_findings(document_id, fields, item, since)) for item in own), key=len)


def _findings(document_id: str, fields: Mapping[str, Any], item: FoundItem, since: int | None) -> Iterator[Finding]:
    if since is not None and (item.ordering_id is None or item.ordering_id < since):
        yield Finding("old version", document_id)
    else:
        yield from _fields_that_differ(document_id, fields, item)


def _fields_that_differ(document_id: str, fields: Mapping[str, Any], item: FoundItem) -> Iterator[Finding]:
    shown = _by_small_letters(item.fields.items())
    for field, sent in fields.items():
        found = shown.get(field.lower())
        if field.lower() in RESERVED:
            continue
        kind = _differs(field, sent, found)
        if kind is not None:
            yield Finding(kind, document_id, field, sent, found)


def _differs(field: str, sent: object, found: object) -> FindingKind | None:
    if isinstance(sent, Mapping):
        return _entries_differ(cast("Mapping[str, Any]", sent), found)
    if found is None and is_something(sent):
        return "missing field"
    return None if same_value(sent, found, is_uri=field.lower() in _URIS) else "different value"


def _entries_differ(sent: Mapping[str, Any], found: object) -> FindingKind | None:
    """A search shows of a dictionary the entry without a name, or, asked for so, one other (docs.coveo.com/en/2036)."""
    if isinstance(found, Mapping):
        shown = cast("Mapping[str, Any]", found)
        same = sent.keys() == shown.keys() and all(same_value(sent[key], shown[key]) for key in sent)
        return None if same else "different value"
    kind = _differs("", sent.get(""), found) if "" in sent else None
    return kind or ("cannot be compared" if sent.keys() - {""} else None)


def _by_small_letters(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name.lower(): value for name, value in fields}
