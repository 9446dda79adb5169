"""The report of a run as text, as JSON and in a notebook."""

from __future__ import annotations

import json
from pathlib import Path

from tellers import Teller, item

from coveo_enrich import Enricher, Evidence, FieldMapping, FieldRule, Vocabulary
from coveo_enrich.enrichment.report import EnrichmentReport

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


def test_a_report_shows_itself_in_a_notebook_with_everything_escaped(tmp_path: Path) -> None:
    """Words that classifiers said, and their names, are text in the HTML."""
    html = report_of(tmp_path)._repr_html_()  # pyright: ignore[reportPrivateUsage] - what notebooks call
    assert "<td>kind</td><td>0</td><td>2</td><td>Kayak 2</td>" in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "<b>" not in html


def test_a_report_says_in_words_what_others_speak_against(tmp_path: Path) -> None:
    """Law 9: a conflict is named with its field."""
    assert "kind: 1 values that others speak against" in str(report_of(tmp_path))
