"""The notebook runs from top to bottom in a real kernel, and what it shows is true."""

from __future__ import annotations

import json
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest
from PIL import Image

from coveo_enrich import Enricher, FieldMapping
from coveo_enrich.catalog import read_products
from coveo_enrich.classifiers import ColorClassifier

nbclient: Any = pytest.importorskip("nbclient", reason="needs nbclient, which runs notebooks")
nbformat: Any = pytest.importorskip("nbformat", reason="needs nbformat, which reads notebooks")
pytest.importorskip("ipykernel", reason="needs ipykernel, in which notebooks run")
pytest.importorskip("matplotlib", reason="needs matplotlib, which draws")

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOK = EXAMPLES / "notebooks" / "tune.ipynb"
PICTURES = 19
CELL_SECONDS = 60
VALUES = """
import json
print(json.dumps({
    "looked": calls_of_first_look,
    "calls": dict(calls),
    "thresholds": THRESHOLDS,
    "first": by_first,
    "tuned": by_tuned,
    "entered": {title: compare(one) for title, one in {"first": first, "tuned": tuned}.items()},
    "documents": [dict(one.document) for one in results],
}))
"""


@attrs.frozen
class Ran:
    """A notebook after it ran.

    Attributes:
        folder: What it wrote.
        outputs: What its cells show, those of each in order.
        values: What its variables hold in the end.
    """

    folder: Path
    outputs: list[Any]
    values: dict[str, Any]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run the notebook in a folder of its own, beside which is the example catalog; an error in a cell raises."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "catalog").symlink_to(EXAMPLES / "catalog")
    (folder / "notebooks").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(VALUES))
    where = {"metadata": {"path": str(folder / "notebooks")}}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
            patch.setenv(name, str(folder / "jupyter"))  # settings and kernels of whoever runs the tests have no part
        nbclient.NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=where).execute()
    *shown, last = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for outputs in shown for output in outputs]
    return Ran(folder / "notebooks" / "tuning", outputs, json.loads(last[0].text))


def test_it_is_committed_without_outputs() -> None:
    """What a run shows depends on the run; the file holds the cells alone, and can be compared."""
    cells = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 5
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells] == [([], None)] * len(cells)


def test_nothing_but_what_a_reader_wants_is_shown(ran: Ran) -> None:
    """No cell warns: what is shown is printed text and two drawings."""
    kinds = [output.get("name") or output.output_type for output in ran.outputs]
    assert set(kinds) == {"stdout", "display_data"}
    assert kinds.count("display_data") == 2


def test_the_drawings_show_something(ran: Ran) -> None:
    """The drawings are wide enough to be read, and have the colours of the products and of both lines."""
    pictures = [output.data["image/png"] for output in ran.outputs if output.output_type == "display_data"]
    dots, lines = (Image.open(BytesIO(b64decode(picture))).convert("RGB") for picture in pictures)
    for drawing in (dots, lines):
        assert drawing.width >= 700
        assert drawing.height >= 350
    assert {(255, 255, 20), (229, 0, 0), (101, 55, 0), (3, 67, 223)} <= colors_of(dots)  # yellow, red, brown, blue
    assert {(255, 140, 0), (0, 0, 128)} <= colors_of(lines)  # first and tuned vocabulary


def colors_of(drawing: Image.Image) -> set[Any]:
    """The colours that cover at least twenty pixels."""
    return {color for count, color in drawing.getcolors(1 << 20) or [] if count >= 20}


def test_only_the_first_look_costs_calls(ran: Ran) -> None:
    """Law 8: the pictures are asked about once; two vocabularies at fifty-one thresholds each cost no further call."""
    assert len(ran.values["thresholds"]) == len(ran.values["first"]) == len(ran.values["tuned"]) == 51
    assert ran.values["looked"] == PICTURES
    assert ran.values["calls"] == {"color-classifier": PICTURES}


def test_a_lower_threshold_covers_more(ran: Ran) -> None:
    """Coverage never rises with the threshold, from all that can be seen down to what somebody entered."""
    for curve in (ran.values["first"], ran.values["tuned"]):
        assert curve == sorted(curve, reverse=True)
        assert (curve[0], curve[-1]) == (14 / 16, 3 / 16)
        assert len(set(curve)) > 5


def test_a_tuned_vocabulary_covers_more(ran: Ran) -> None:
    """At no threshold does the tuned vocabulary cover less, and at the chosen one it covers two more of 16 products."""
    assert all(tuned >= first for tuned, first in zip(ran.values["tuned"], ran.values["first"], strict=True))
    chosen = ran.values["thresholds"].index(0.5)
    assert (ran.values["first"][chosen], ran.values["tuned"][chosen]) == (12 / 16, 14 / 16)


def test_a_tuned_vocabulary_agrees_with_people(ran: Ran) -> None:
    """What was entered by hand is what the machine says, once the vocabulary has the words for it."""
    agree = {
        title: sum(entered == said for _, entered, said in pairs) for title, pairs in ran.values["entered"].items()
    }
    assert agree == {"first": 1, "tuned": 3}


def test_what_it_keeps_decides_the_same_elsewhere(ran: Ran) -> None:
    """The file of rules gives another process the notebook's documents, and the kept answers spare it every call."""
    mapping = FieldMapping.from_file(ran.folder / "mapping.json")
    enricher = Enricher(ColorClassifier(), mapping, image_root=EXAMPLES / "catalog", cache=ran.folder / "seen.sqlite")
    run = enricher.enrich(read_products(EXAMPLES / "catalog" / "products.jsonl"))
    assert [one.document for one in run] == ran.values["documents"]
    assert run.report.calls == {}
    assert run.report.fields[0].after == 14


def test_words_that_are_not_known_are_in_a_file_to_edit(ran: Ran) -> None:
    """The list for a spreadsheet has each word that the first vocabulary lacks, without a value yet."""
    rows = (ran.folder / "new-words.csv").read_text("utf-8-sig").splitlines()
    assert rows[0] == "value,synonym,count,nearest"
    assert {row.split(",")[1] for row in rows[1:]} == {"navy", "beige", "brown", "teal"}
    assert all(row.startswith(",") for row in rows[1:])
