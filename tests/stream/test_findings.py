"""What was noticed about items: counted, with examples, in a bounded memory."""

from __future__ import annotations

import json
import pickle

import attrs

from coveo_enrich.errors import InvalidItem
from coveo_enrich.stream.findings import Example, Finding, Findings


def _note(findings: Findings, code: str = "field-name", field: str | None = "a b", position: int = 1) -> None:
    findings.note("warning", code, f"{code} of {field}", field=field, position=position, document_id=f"p://{position}")


def test_nothing_noticed_is_no_finding() -> None:
    """A clean run has none."""
    assert Findings().values() == ()


def test_the_same_thing_is_one_finding() -> None:
    """Law 9: a million items with one flaw are one finding with a count, the first five as examples."""
    findings = Findings()
    for position in range(1, 1001):
        _note(findings, position=position)
    (finding,) = findings.values()
    assert finding.count == 1000
    assert finding.message == "field-name of a b"
    assert finding.examples == tuple(Example(position, f"p://{position}") for position in range(1, 6))


def test_findings_are_told_apart_by_code_and_field() -> None:
    """Another field, or another flaw of the same field, is another finding."""
    findings = Findings()
    for code, field in (("x", "a"), ("x", "b"), ("y", "a"), ("x", "a")):
        _note(findings, code, field)
    assert [(found.code, found.field, found.count) for found in findings.values()] == [
        ("x", "a", 2),
        ("x", "b", 1),
        ("y", "a", 1),
    ]


def test_fields_without_measure_are_one_finding() -> None:
    """Law 11: a catalog with a new field name in every item does not fill the memory, and no count is lost."""
    findings = Findings()
    for position in range(10_000):
        _note(findings, field=f"field {position}", position=position)
    _note(findings, field="field 0")
    found = findings.values()
    assert len(found) == 101
    assert sum(one.count for one in found) == 10_001
    assert {one.field: one.count for one in found}["field 0"] == 2
    assert {one.field: one.count for one in found}[None] == 9_900


def test_one_code_takes_no_room_from_another() -> None:
    """The fields of each code are counted on their own."""
    findings = Findings()
    for position in range(200):
        _note(findings, "x", f"field {position}")
    _note(findings, "y", "field")
    assert ("y", "field") in {(one.code, one.field) for one in findings.values()}


def test_skipped_items_are_errors_and_come_first() -> None:
    """Law 9: what was left out stands above what was only odd, with the reason and where it was."""
    findings = Findings()
    _note(findings)
    findings.note_skipped(InvalidItem("p://2", 2, "it has no price", "no-price"))
    findings.note_skipped(InvalidItem(None, 3, "it has no price either", "no-price"))
    assert findings.values() == (
        Finding("error", "no-price", None, "it has no price", 2, (Example(2, "p://2"), Example(3, None))),
        Finding("warning", "field-name", "a b", "field-name of a b", 1, (Example(1, "p://1"),)),
    )


def test_findings_pickle_and_are_json() -> None:
    """Law 14: a receipt with findings crosses a process, and can be written to a file."""
    findings = Findings()
    _note(findings)
    (finding,) = findings.values()
    assert pickle.loads(pickle.dumps(finding)) == finding  # noqa: S301 - our own bytes
    assert json.loads(json.dumps(attrs.asdict(finding)))["examples"] == [{"position": 1, "document_id": "p://1"}]


def test_values_are_a_moment_of_the_run() -> None:
    """What was handed out does not change when the run goes on."""
    findings = Findings()
    _note(findings)
    before = findings.values()
    _note(findings)
    assert [one.count for one in before] == [1]
