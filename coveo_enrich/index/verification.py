"""What was sent beside what Coveo shows: pure, and a value that says what is missing.

Asking Coveo, and having patience with it, is `coveo_enrich.index.search`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final, Literal

import attrs

from coveo_enrich.index.comparing import same_value
from coveo_enrich.index.expressions import can_be_quoted
from coveo_enrich.index.field_names import RESERVED
from coveo_enrich.index.search_calls import FoundItem

__all__ = ["Finding", "Verification", "compared"]

FindingKind = Literal["missing item", "old version", "missing field", "different value", "cannot be asked for"]

_SHOWN: Final = 20


@attrs.frozen
class Finding:
    """Something that Coveo does not show as it was sent.

    Attributes:
        kind: ``missing item``; ``old version``, an item of an earlier push; ``missing field``, for which there is
            probably no field, or not one that results show; ``different value``; ``cannot be asked for``, as its id
            holds a double quote or a control character.
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
        matching: Items that are there, with every value that was sent.
        findings: What is not as it was sent.
    """

    items: int
    matching: int
    findings: tuple[Finding, ...]

    @property
    def may_change(self) -> bool:
        """Whether another look may show more."""
        return any(finding.kind != "cannot be asked for" for finding in self.findings)

    @property
    def is_complete(self) -> bool:
        """Whether everything is there as it was sent."""
        return self.matching == self.items

    def to_json(self) -> str:
        """The same as a JSON object."""
        return json.dumps(attrs.asdict(self), default=str)

    def __str__(self) -> str:
        more = len(self.findings) - _SHOWN
        lines = [f"{self.matching:,} of {self.items:,} items are as they were sent", *map(str, self.findings[:_SHOWN])]
        return "\n".join([*lines, f"and {more:,} more"] if more > 0 else lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def compared(
    expected: Mapping[str, Mapping[str, Any]], found: Mapping[str, FoundItem], *, since: int | None
) -> Verification:
    """Compare.

    Args:
        expected: By ``documentId``, the fields and values that were sent.
        found: By ``documentId``, what Coveo shows.
        since: The least orderingId of the push that is looked for; `None` for any.
    """
    findings: list[Finding] = []
    matching = 0
    for document_id, fields in expected.items():
        wrong = list(_findings(document_id, fields, found.get(document_id), since))
        matching += not wrong
        findings += wrong
    return Verification(items=len(expected), matching=matching, findings=tuple(findings))


def _findings(
    document_id: str, fields: Mapping[str, Any], item: FoundItem | None, since: int | None
) -> Iterator[Finding]:
    if not can_be_quoted(document_id):
        yield Finding("cannot be asked for", document_id)
    elif item is None:
        yield Finding("missing item", document_id)
    elif since is not None and (item.ordering_id is None or item.ordering_id < since):
        yield Finding("old version", document_id)
    else:
        yield from _fields_that_differ(document_id, fields, item)


def _fields_that_differ(document_id: str, fields: Mapping[str, Any], item: FoundItem) -> Iterator[Finding]:
    shown = _by_small_letters(item.fields.items())
    for field, sent in fields.items():
        found = shown.get(field.lower())
        if field.lower() in RESERVED:
            continue
        if found is None and _is_something(sent):
            yield Finding("missing field", document_id, field, sent)
        elif not same_value(sent, found):
            yield Finding("different value", document_id, field, sent, found)


def _by_small_letters(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name.lower(): value for name, value in fields}


def _is_something(value: object) -> bool:
    return value is not None and value not in ("", [], ())
