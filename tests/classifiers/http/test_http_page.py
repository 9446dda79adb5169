"""The page about services over HTTP shows what really comes out, and the reference has every name."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from coveo_enrich.classifiers import http

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_what_the_page_shows_is_what_its_code_prints() -> None:
    """Each output on the page is, to the letter, what the code before it prints."""
    names: dict[str, object] = {}
    printed, shown = "", 0
    for kind, text in BLOCK.findall((DOCS / "http.md").read_text("utf-8")):
        if kind == "text":
            assert text == printed
            shown += 1
            continue
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(text, names)  # noqa: S102 - the page's own code, as its readers run it
        printed = out.getvalue()
    assert shown == 3


def test_every_name_is_in_the_reference() -> None:
    """What a program imports to ask a service over HTTP has its place in the reference."""
    page = (DOCS / "reference" / "classifiers.md").read_text("utf-8")
    assert [name for name in http.__all__ if not re.search(rf"\.{name}\n", page)] == []
