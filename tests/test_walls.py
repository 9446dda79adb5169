"""The walls of the house: who may import whom, as the source says it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "coveo_enrich"
MODULES = sorted(PACKAGE.rglob("*.py"))

FOUNDATION = {"errors", "retry"}
MAY_IMPORT = {
    "__init__": {"enrichment", "images", "retry", "stream"},
    "errors": set[str](),
    "retry": {"errors"},
    "_files": set[str](),
    "_threads": set[str](),
    "_secrets": {"errors"},
    "_json": set[str](),
    "_http": {"_threads", "errors", "retry", "__init__"},
    "_calls": FOUNDATION | {"_http"},
    "images": FOUNDATION | {"_http", "_threads"},
    "classifiers": FOUNDATION | {"_http", "_secrets", "_threads", "images"},
    "enrichment": FOUNDATION | {"_files", "_threads", "classifiers", "images"},
    "index": FOUNDATION | {"_calls", "_http"},
    "stream": FOUNDATION | {"_calls", "_http", "_json", "_secrets", "_threads", "index"},
    "catalog": {"_files", "_json", "errors"},
    "pytest_plugin": {"sandbox"},
    "sandbox": set[str](),
}
"""A room, and the other rooms that it may import."""

OUTSIDE = {
    "attrs": set(MAY_IMPORT),
    "httpx": {"_http"},
    "httpcore": {"_http"},
    "orjson": {"_json"},
    "PIL": {"images", "classifiers"},
    "boto3": {"classifiers"},
    "botocore": {"classifiers"},
    "google": {"classifiers"},
    "jmespath": {"classifiers"},
    "starlette": {"sandbox"},
    "uvicorn": {"sandbox"},
    "pytest": {"pytest_plugin"},
    "typing_extensions": set(MAY_IMPORT),
}
"""An outside package, and the rooms that may import it."""


def room_of(module: Path) -> str:
    """The folder or file at the top of the package that a module belongs to."""
    parts = module.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports_of(module: Path) -> Iterator[str]:
    """Every dotted name that a module imports, inside functions and for type checking too."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported_by(module: Path) -> set[str]:
    """The other rooms of the package that a module imports."""
    inside = (name.split(".") for name in imports_of(module) if name.split(".")[0] == "coveo_enrich")
    rooms = {parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else "__init__" for parts in inside}
    return rooms - {room_of(module)}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_a_room_imports_only_the_rooms_that_it_may(module: Path) -> None:
    """No module imports a room of the package that its own room may not know."""
    assert rooms_imported_by(module) <= MAY_IMPORT[room_of(module)]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_outside_packages_are_imported_only_where_they_belong(module: Path) -> None:
    """An outside package is imported only by the rooms that are made for it, httpx by one module."""
    outside = {name.split(".")[0] for name in imports_of(module)} - sys.stdlib_module_names - {"coveo_enrich"}
    assert {package for package in outside if room_of(module) not in OUTSIDE.get(package, set())} == set()


def test_every_room_has_its_walls() -> None:
    """Each folder and file of the package has an entry above, and each entry its folder or file."""
    assert {room_of(module) for module in MODULES} == set(MAY_IMPORT)
