"""Coveo's article from one end to the other, run as a new user would."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.sandbox import CoveoSandbox

SCRIPT = Path(__file__).parent.parent / "examples" / "kayak.py"
FOUND = [f"by {way}: Heron 300 Kayak" for way in ("keyword", "facet", "picture")]


@pytest.fixture
def kayak(monkeypatch: pytest.MonkeyPatch, sandbox: CoveoSandbox) -> Callable[[], int]:
    """Return the script's main function, in an environment that names the source of a running sandbox."""
    monkeypatch.setattr(sys, "path", [str(SCRIPT.parent), *sys.path])
    for name, value in sandbox.environ().items():
        monkeypatch.setenv(name, value)
    main: Callable[[list[str]], int] = runpy.run_path(str(SCRIPT))["main"]
    return lambda: main(["--poll-seconds", "0"])


def test_the_example_runs_without_an_account() -> None:
    """In a fresh process, in a sandbox of its own, the kayak is found in all three ways."""
    names = ("COVEO_ORGANIZATION_ID", "COVEO_SOURCE_ID", "COVEO_API_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    ran = subprocess.run(  # noqa: S603 - a script of this repository
        [sys.executable, "-W", "error", str(SCRIPT)], capture_output=True, text=True, env=environment, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "16 of 16 items are as they were sent" in ran.stdout
    assert [line for line in ran.stdout.splitlines() if line in FOUND] == FOUND


def test_the_example_runs_against_the_source_that_the_environment_names(
    kayak: Callable[[], int], source: CoveoSource, sandbox: CoveoSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """The source's other items stay, and a second run finds all fields there and comes to the same."""
    with StreamClient(source) as client:
        client.update([{"documentId": "product://other", "objecttype": "Product", "ec_name": "Other"}])
    assert kayak() == 0
    first = capsys.readouterr().out
    assert "created: kayak_type, accessories, color, enriched_by" in first
    assert kayak() == 0
    second = capsys.readouterr().out
    assert "to create" not in second
    assert all(line in second for line in FOUND)
    assert "product://other" in {item["documentId"] for item in sandbox.items()}
    assert len(sandbox.items()) == 17


def test_a_wrong_key_is_a_message(
    kayak: Callable[[], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Coveo refuses is told without a traceback and without the key."""
    monkeypatch.setenv("COVEO_API_KEY", "xx-not-the-key")
    assert kayak() == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "xx-not-the-key" not in said


def test_half_an_environment_is_a_message(
    kayak: Callable[[], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A `COVEO_SOURCE_ID` that is missing ends the script with 1, and the message names it."""
    monkeypatch.delenv("COVEO_SOURCE_ID")
    assert kayak() == 1
    assert "COVEO_SOURCE_ID" in capsys.readouterr().err
