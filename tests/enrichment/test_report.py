"""The report of a run as text, as JSON and in a notebook."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from tellers import Teller, item

from coveo_enrich import EnrichedProduct, Enricher, Evidence, FieldMapping, FieldRule, Vocabulary
from coveo_enrich.classifiers import Failure
from coveo_enrich.enrichment import Observation, UnmappedValue
from coveo_enrich.enrichment.report import EnrichmentReport, ReportBuilder

BOATS = Vocabulary({"Kayak": ["kayak"], "Canoe": ["canoe"]})
MAPPING = FieldMapping(
    [FieldRule("kind", reads=[Evidence("label", of="a"), Evidence("label", of="<b>")], vocabulary=BOATS)]
)


def report_of(folder: Path) -> EnrichmentReport:
    """A run in which most things happen."""
    for name in ("kayak", "canoe", "<script>"):
        (folder / f"{name[:1]}.jpg").write_bytes(name.encode())
    enricher = Enricher([Teller("a"), Teller("<b>")], MAPPING, image_root=folder, prices={"a": 0.5})
    run = enricher.enrich(
        [
            item(1, "k.jpg"),
            item(2, "k.jpg", "c.jpg"),
            item(3, "<.jpg"),
            item(4, "gone.jpg"),
            item(5, objecttype="Store"),
        ]
    )
    list(run)
    return run.report


def test_a_report_is_json(tmp_path: Path) -> None:
    """Everything that is counted is in it, by its name."""
    told = json.loads(report_of(tmp_path).to_json())
    assert (told["products"], told["of_other_types"], told["changed"]) == (5, 1, 2)
    assert told["cost"] == {"a": told["calls"]["a"] * 0.5}
    assert told["fields"] == [{"field": "kind", "before": 0, "after": 2, "written": {"Kayak": 2}}]
    assert told["unmapped"] == {"kind": {"<script>": 2}}
    assert told["conflicts"] == {"kind": 1}
    assert sum(failure["count"] for failure in told["failures"]) == 2


def test_a_word_that_comes_late_and_often_is_named() -> None:
    """Law 9: of more words than a report names the most frequent are named with their counts, the rest together."""
    counted = ReportBuilder(MAPPING)
    for number in range(6_000):
        word = f"line {number % 1_500}" if number < 2_000 else "gold yellow"
        seen = Observation("k.jpg", word, 0.9, "a")
        counted.count(EnrichedProduct({}, unmapped=(UnmappedValue("kind", seen),)))
    words = counted.report(calls={}, hits={}, stopped={}, prices={}).unmapped["kind"]
    assert next(iter(words.items())) == ("gold yellow", 4_000)
    assert (len(words), sum(words.values())) == (1_001, 6_000)
    assert all(words[f"line {number}"] == 2 for number in range(500))


def test_half_a_character_from_a_service_prints() -> None:
    """Law 9: what no terminal takes is shown as a question mark, after all that was paid for."""
    counted = ReportBuilder(MAPPING)
    seen = Observation("k.jpg", "boat \ud83d", 0.9, "a")
    failure = Failure("permanent", "no \udc00", image="k.jpg")
    counted.count(
        EnrichedProduct(
            {"documentId": "product://\ud83d"}, failures=(failure,), unmapped=(UnmappedValue("kind", seen),)
        )
    )
    report = counted.report(calls={}, hits={}, stopped={}, prices={})
    assert "boat ? 1" in str(report)
    assert str(report).encode()
    assert report._repr_html_().encode()  # pyright: ignore[reportPrivateUsage] - what notebooks call


def test_a_report_shows_itself_in_a_notebook_with_everything_escaped(tmp_path: Path) -> None:
    """Words that classifiers said, and their names, are text in the HTML."""
    html = report_of(tmp_path)._repr_html_()  # pyright: ignore[reportPrivateUsage] - what notebooks call
    assert re.sub(' style="[^"]*"', "", html).count("<td>kind</td><td>0</td><td>2</td><td>Kayak 2</td>") == 1
    assert "kind: 0 -" not in html, "the coverage stands there twice"
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "<b>" not in html


def test_a_report_says_in_words_what_others_speak_against(tmp_path: Path) -> None:
    """Law 9: a conflict is named with its field."""
    assert "kind: 1 values that others speak against" in str(report_of(tmp_path))


def test_a_report_that_is_read_by_a_person_is_not_endless() -> None:
    """Of a thousand words or failures the most frequent are printed and the rest is counted; JSON has them all."""
    counted = ReportBuilder(MAPPING)
    for number in range(100):
        word = UnmappedValue("kind", Observation("a.jpg", f"word{number}", 0.9, "acme"))
        counted.count(EnrichedProduct(item(number), unmapped=(word,), failures=(Failure("permanent", f"f{number}"),)))
    report = counted.report(calls={}, hits={}, stopped={}, prices={})
    printed = str(report)
    assert ", word29 1, and 70 more\n" in printed
    assert printed.endswith("\nand 70 more failures")
    assert len(printed.splitlines()) < 70
    assert len(json.loads(report.to_json())["unmapped"]["kind"]) == 100


def test_nulls_of_a_data_frame_and_arrays_are_counted(tmp_path: Path) -> None:
    """Law 1: what a data frame holds in the field of a rule ends no run: NA is no value, an array is one."""
    pd: Any = pytest.importorskip("pandas")
    (tmp_path / "k.jpg").write_bytes(b"kayak")
    enricher = Enricher([Teller("a"), Teller("<b>")], MAPPING, image_root=tmp_path)
    run = enricher.enrich([item(1, "k.jpg", kind=pd.NA), item(2, "k.jpg", kind=np.array(["Canoe", "Raft"]))])
    assert [one.failures for one in run] == [(), ()]
    (field,) = run.report.fields
    assert (field.before, field.after, dict(field.written)) == (1, 2, {"Kayak": 1})


def test_pictures_may_come_from_a_data_frame(tmp_path: Path) -> None:
    """A null in the field of pictures is no picture, and no failure; an array is a list of them."""
    pd: Any = pytest.importorskip("pandas")
    (tmp_path / "k.jpg").write_bytes(b"kayak")
    enricher = Enricher([Teller("a"), Teller("<b>")], MAPPING, image_root=tmp_path)
    fields = (pd.NA, float("nan"), np.array([]), np.array(["k.jpg"]))
    run = enricher.enrich({"ec_images": field} for field in fields)
    assert [(one.images, one.failures) for one in run] == [((), ())] * 3 + [(("k.jpg",), ())]
    assert run.report.without_images == 3


class Unreadable(dict[str, Any]):
    """A product of somebody's own class, which breaks when it is asked."""

    def get(self, *_: object) -> Any:  # noqa: ANN401 - as dict has it
        """Break."""
        raise RuntimeError("its row is gone")

    __getitem__ = __iter__ = get


def test_a_product_that_breaks_when_it_is_read_is_counted() -> None:
    """Laws 1 and 9: it ends no run, and the report says what is not in its coverage."""
    counted = ReportBuilder(MAPPING)
    counted.count(EnrichedProduct(Unreadable(kind="Kayak"), failures=(Failure("transient", "gone"),)))
    counted.count(EnrichedProduct(item(2, kind="Kayak")))
    report = counted.report(calls={}, hits={}, stopped={}, prices={})
    assert report.products == 2
    assert [(one.kind, one.reason, one.count) for one in report.failures] == [
        ("permanent", "its fields could not be counted: RuntimeError: its row is gone", 1),
        ("transient", "gone", 1),
    ]
    (field,) = report.fields
    assert field.before == 1


def test_a_report_is_read_at_any_moment() -> None:
    """Another thread may read it at each step of counting a product."""
    counted = ReportBuilder(MAPPING)
    read: list[EnrichmentReport] = []

    def trace(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - as sys.settrace wants it
        frame.f_trace_opcodes = True
        if event == "opcode":
            read.append(counted.report(calls={}, hits={}, stopped={}, prices={}))
        return trace

    sys.settrace(trace)
    try:
        counted.count(EnrichedProduct(item(1), failures=(Failure("permanent", "gone"),)))
    finally:
        sys.settrace(None)
    assert [len(one.failures) for one in (read[0], read[-1])] == [0, 1]
