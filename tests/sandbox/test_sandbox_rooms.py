"""The rooms of the sandbox, its folders and its modules beside them: they stand on each other in one direction."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import coveo_enrich.sandbox

HOUSE = Path(coveo_enrich.sandbox.__file__).parent
PREFIX = "coveo_enrich.sandbox."


def rooms_imported_by(module: Path) -> set[str]:
    """The rooms that a module imports, inside functions and for type checking too."""
    nodes = ast.walk(ast.parse(module.read_text("utf-8")))
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.removeprefix(PREFIX).split(".")[0] for name in names if name.startswith(PREFIX)}


def test_no_two_rooms_need_each_other() -> None:
    """The rooms can be put in an order in which each imports only those before it."""
    needed: dict[str, set[str]] = {}
    for module in HOUSE.rglob("*.py"):
        room = module.relative_to(HOUSE).with_suffix("").parts[0]
        needed.setdefault(room, set()).update(rooms_imported_by(module) - {room})
    in_order = list(TopologicalSorter(needed).static_order())
    assert in_order.index("values") < in_order.index("indexing") < in_order.index("browser")
