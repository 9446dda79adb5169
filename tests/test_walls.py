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
    "_frames": set[str](),
    "_threads": set[str](),
    "_progress": {"errors"},
    "_csv": {"errors"},
    "_secrets": {"errors"},
    "_json": set[str](),
    "_http": {"_threads", "errors", "retry", "__init__"},
    "_calls": FOUNDATION | {"_http"},
    "images": FOUNDATION | {"_frames", "_http", "_threads"},
    "classifiers": FOUNDATION | {"_http", "_secrets", "_threads", "images"},
    "enrichment": FOUNDATION | {"_csv", "_files", "_frames", "_progress", "_threads", "classifiers", "images", "index"},
    "index": FOUNDATION | {"_calls", "_http", "_json"},
    "stream": FOUNDATION | {"_calls", "_http", "_json", "_progress", "_secrets", "_threads", "index"},
    "catalog": {"_csv", "_files", "_frames", "_json", "errors"},
    "pytest_plugin": {"sandbox"},
    "sandbox": set[str](),
}
"""A room, and the other rooms that it may import."""

OPEN_TO = {"stream.partial": {"enrichment"}}
"""A module of values only, in a room that is closed, and the other rooms that may import it nevertheless."""

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
    "jinja2": {"sandbox"},
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
    closed = [parts for parts in inside if room_of(module) not in OPEN_TO.get(".".join(parts[1:3]), set())]
    rooms = {parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else "__init__" for parts in closed}
    return rooms - {room_of(module)}


def modules_needed_by(name: str) -> set[str]:
    """The modules of its own room, such as ``stream.partial``, that one of them stands on, itself among them."""
    needed, new = set[str](), {name}
    while new:
        needed |= new
        imported = {found for one in new for found in imports_of(PACKAGE / f"{one.replace('.', '/')}.py")}
        same_room = {".".join(found.split(".")[1:3]) for found in imported if found.startswith("coveo_enrich.")}
        new = {one for one in same_room if one.split(".")[0] == name.split(".", maxsplit=1)[0]} - needed
    return needed


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


@pytest.mark.parametrize("name", OPEN_TO)
def test_a_module_that_is_open_to_other_rooms_holds_values_only(name: str) -> None:
    """What such a module stands on, however many steps down, imports no other room but the errors."""
    modules = [PACKAGE / f"{one.replace('.', '/')}.py" for one in modules_needed_by(name)]
    assert {room for module in modules for room in rooms_imported_by(module)} <= {"errors"}
    outside = {found.split(".")[0] for module in modules for found in imports_of(module)}
    assert outside - sys.stdlib_module_names <= {"attrs", "coveo_enrich"}
