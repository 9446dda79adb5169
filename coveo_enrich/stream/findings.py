"""What was noticed about the items of a run: counted, with examples, in a memory that does not grow with the catalog.

What is worth noticing is decided elsewhere, most of it in `coveo_enrich.stream.checks`.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs

from coveo_enrich.errors import InvalidItem

__all__ = ["Example", "Finding", "Findings", "Severity"]

Severity: TypeAlias = Literal["error", "warning"]

_MAX_EXAMPLES: Final = 5
_MAX_FIELDS: Final = 100  # under one code that are told apart


@attrs.frozen
class Example:
    """An item that a finding is about.

    Attributes:
        position: Its place among the items of the call, counted from 1.
        document_id: Its ``documentId``; `None` when it has none.
    """

    position: int
    document_id: str | None


@attrs.frozen
class Finding:
    """Something noticed about one or many items.

    Attributes:
        severity: ``error`` for items that were left out, ``warning`` for items that were sent all the same.
        code: A short name of what was noticed.
        field: The field that it is about; `None` when it is about the item, or about more fields than are told apart.
        message: What it means and what to do, in the words for the first such item.
        count: How many times it was noticed.
        examples: The first few items.
    """

    severity: Severity
    code: str
    field: str | None
    message: str
    count: int
    examples: tuple[Example, ...]


@attrs.define
class _Group:
    severity: Severity
    message: str
    count: int = 0
    examples: list[Example] = attrs.field(factory=list[Example])


class Findings:
    """Collects the findings of a run. Serves one thread."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str | None], _Group] = {}
        self._fields: dict[str, int] = {}

    def note(
        self, severity: Severity, code: str, message: str, *, field: str | None, position: int, document_id: str | None
    ) -> None:
        """Count something that was noticed about an item; attributes as of `Finding` and `Example`."""
        group = self._groups.get((code, field)) or self._new_group(severity, code, message, field)
        group.count += 1
        if len(group.examples) < _MAX_EXAMPLES:
            group.examples.append(Example(position, document_id))

    def note_skipped(self, error: InvalidItem) -> None:
        """Count an item that was left out."""
        self.note("error", error.code, error.reason, field=None, position=error.position, document_id=error.document_id)

    def values(self) -> tuple[Finding, ...]:
        """What was noticed so far, errors first, each kind in the order in which it was met."""
        found = [
            Finding(group.severity, code, field, group.message, group.count, tuple(group.examples))
            for (code, field), group in self._groups.items()
        ]
        return tuple(sorted(found, key=lambda finding: finding.severity))

    def _new_group(self, severity: Severity, code: str, message: str, field: str | None) -> _Group:
        if field is not None and self._fields.get(code, 0) >= _MAX_FIELDS:
            field = None
        if field is not None:
            self._fields[code] = self._fields.get(code, 0) + 1
        return self._groups.setdefault((code, field), _Group(severity, message))
