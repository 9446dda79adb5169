"""The clients that Coveo publishes, installed as anyone gets them, into a temporary folder.

How they are pointed at the sink stands in the programs that use them, beside this module and beside the tests.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

__all__ = ["InstalledClient", "NotToBeHadError", "install_javascript_client", "install_python_client"]

_HERE: Final = Path(__file__).parent
_TO_THE_SINK: Final = _HERE.parent.parent / "tests" / "official_clients" / "to_the_sandbox.cjs"
# The JavaScript client needs tslib, and does not say so.
_FROM_NPM: Final = ("@coveo/push-api-client@4.0.1", "tslib@2")
_FROM_PYPI: Final = "coveo-push-api-client.py==1.1.2"


class NotToBeHadError(Exception):
    """A client cannot be installed here; the text says why."""


@attrs.frozen
class InstalledClient:
    """A program that sends the files named after it, and the environment that it needs."""

    command: tuple[str, ...]
    environ: Mapping[str, str]


def install_javascript_client(folder: Path) -> InstalledClient:
    """Install Coveo's client for Node.js; its program takes the name of an operation before the files.

    Raises:
        NotToBeHadError: Node.js, npm or the package is out of reach.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotToBeHadError("Node.js and npm are not installed")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    options = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
    _install((npm, "install", *options, *_FROM_NPM), folder)
    command = (node, "--require", str(_TO_THE_SINK), str(_HERE / "send_files.cjs"))
    return InstalledClient(command, {"NODE_PATH": str(folder / "node_modules")})


def install_python_client(folder: Path) -> InstalledClient:
    """Install Coveo's client for Python into a virtual environment.

    Raises:
        NotToBeHadError: The package is out of reach.
    """
    _install((sys.executable, "-m", "venv", "venv"), folder)
    python = str(folder / "venv" / "bin" / "python")
    _install((python, "-m", "pip", "install", "--quiet", "--retries=1", _FROM_PYPI), folder)
    return InstalledClient((python, str(_HERE / "push_batches.py")), {})


def _install(command: tuple[str, ...], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise NotToBeHadError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-300:]}")
