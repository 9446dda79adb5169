"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest

from coveo_enrich.stream.protocol import LEGAL_MOVES

ROOT = Path(__file__).parent.parent
COMMANDS = (
    'python -m pip install -e ".[quickstart]" && python examples/quickstart.py',
    'python -m pip install -e ".[test]" && python -m pytest',
)


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
