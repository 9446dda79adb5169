"""What an import costs, and what the public face shows."""

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

import coveo_enrich
import coveo_enrich.classifiers

PUBLIC_MODULES = (
    "coveo_enrich",
    "coveo_enrich.catalog",
    "coveo_enrich.classifiers",
    "coveo_enrich.enrichment",
    "coveo_enrich.errors",
    "coveo_enrich.images",
    "coveo_enrich.index",
    "coveo_enrich.sandbox",
    "coveo_enrich.stream",
)
HEAVY = ("httpx", "PIL", "boto3", "google", "pyspark", "jinja2", "starlette", "uvicorn", "sqlite3", "ssl")


@pytest.mark.parametrize(
    "statement", ["import coveo_enrich", "from coveo_enrich import *", "from coveo_enrich.classifiers import *"]
)
def test_importing_loads_nothing_heavy(statement: str) -> None:
    """Importing the package, or all of its names, loads no HTTP library, no Pillow, no vendor SDK and no server."""
    script = f"{statement}; import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_exports_are_complete_and_sorted(module: str) -> None:
    """Every public module names its exports in order, and each of them is there."""
    public = importlib.import_module(module)
    exported: list[str] = list(public.__all__)
    # The order is ruff's: constants, then classes, then functions.
    assert exported == sorted(exported, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert [name for name in exported if not hasattr(public, name)] == []


@pytest.mark.parametrize("module", [coveo_enrich, coveo_enrich.classifiers])
def test_a_name_that_is_not_there_is_an_attribute_error(module: ModuleType) -> None:
    """Names that are loaded on first use do not change what a wrong name raises."""
    with pytest.raises(AttributeError, match="Enrichr"):
        _ = module.Enrichr


def test_the_version_is_a_version() -> None:
    """The package knows its version."""
    assert coveo_enrich.__version__.count(".") == 2
