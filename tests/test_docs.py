"""The documentation says what the code does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import coveo_enrich
from coveo_enrich import stream
from coveo_enrich.stream.protocol import LEGAL_MOVES

ROOT = Path(__file__).parent.parent
COMMANDS = (
    'python -m pip install -e ".[quickstart]" && python examples/quickstart.py',
    'python -m pip install -e ".[test]" && python -m pytest',
)
CODE_AT: Final = {"InvalidItem": 3, "UnfitItem": 0, "Flaw": 0}
"""What says that something is wrong with an item, and which of its arguments is the code."""


def table_of_moves() -> str:
    """The transition table as the loading page shows it."""
    rows = [f"| {state.value} | {event.value} | {after.value} |" for (state, event), after in LEGAL_MOVES.items()]
    return "\n".join(["| state | what happens | state after |", "| --- | --- | --- |", *rows])


def test_states_on_the_loading_page_are_those_of_the_code() -> None:
    """The loading page shows the transition table exactly as the protocol has it."""
    page = (ROOT / "docs" / "loading.md").read_text("utf-8")
    shown = re.search(r"<!-- table of states.*?-->\n\n(.*?)\n*<!-- end of table -->", page, re.DOTALL)
    assert shown is not None
    assert shown[1] == table_of_moves()


def codes(source: Path) -> Iterator[tuple[str, str, str]]:
    """Every code in a module, with its severity, and when it is looked for."""
    when = "full" if source.name == "checks.py" else "always"
    for call in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in CODE_AT:
            code = call.args[CODE_AT[call.func.id]]
            if isinstance(code, ast.Constant):
                yield str(code.value), "warning" if call.func.id == "Flaw" else "error", when


def test_checks_on_their_page_are_those_of_the_code() -> None:
    """The page of the checks has a row for every code that an item can be found at fault with, and no other."""
    page = (ROOT / "docs" / "checks.md").read_text("utf-8")
    shown = re.findall(r"^\| `([\w-]+)` \| (error|warning) \| (always|full) \|", page, re.MULTILINE)
    there = {found for module in (ROOT / "coveo_enrich" / "stream").glob("*.py") for found in codes(module)}
    assert len(there) > 10
    assert sorted(shown) == sorted(there)


def test_every_name_of_the_stream_is_in_the_reference() -> None:
    """What a program imports to send items has its place in the reference."""
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs" / "reference").glob("*.md"))
    missing = [name for name in {*stream.__all__, *coveo_enrich.__all__} if not re.search(rf"\.{name}\n", pages)]
    assert missing == []


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_prints_each_command_on_its_own_line(command: str) -> None:
    """The README prints the two commands exactly so, each alone on a line."""
    assert (ROOT / "README.md").read_text("utf-8").splitlines().count(command) == 1


def test_every_page_is_in_the_navigation() -> None:
    """Every page of the documentation can be reached from its navigation."""
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert pages
    assert [page for page in pages if page not in navigation] == []
