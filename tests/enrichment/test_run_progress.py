"""The bar that counts the products of a run: an extra, and nothing depends on it."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import pytest
from tellers import KIND, Teller, item, kinds

from coveo_enrich import Enricher
from coveo_enrich.errors import MissingExtraError


@pytest.fixture
def enricher(tmp_path: Path) -> Enricher:
    """An enricher of one picture."""
    (tmp_path / "1.jpg").write_bytes(b"kayak")
    return Enricher(Teller(), KIND, image_root=tmp_path)


def test_a_bar_counts_what_came_out(enricher: Enricher, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, with an end in sight where there is one; all comes out as without it."""
    products = [item(number, "1.jpg") for number in range(30)]
    assert kinds(enricher.enrich(products, progress=True)) == ["kayak"] * 30
    out, drawn = capsys.readouterr()
    assert out == ""
    assert re.search(r"enrich: 100%.*30\S*/30", drawn)
    assert kinds(enricher.enrich(iter(products), progress=True)) == ["kayak"] * 30
    assert re.search(r"enrich: 30\S* products", capsys.readouterr().err)


def test_leaving_a_run_with_a_bar_leaves_nothing_behind(enricher: Enricher) -> None:
    """To leave the loop stops the run at once, with a bar as without."""
    for _ in enricher.enrich((item(number, "1.jpg") for number in range(1_000)), progress=True):
        break
    assert [one.name for one in threading.enumerate() if one.name.startswith("coveo-enrich")] == []


def test_without_it_nothing_is_drawn(
    enricher: Enricher, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default there is no bar, and tqdm is not even looked for."""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert kinds(enricher.enrich([item(1, "1.jpg")])) == ["kayak"]
    assert capsys.readouterr() == ("", "")


def test_without_tqdm_the_extra_is_named(enricher: Enricher, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra stops a run before it begins."""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'coveo-enrich\[progress\]'"):
        enricher.enrich([item(1, "1.jpg")], progress=True)
