"""Coveo's JavaScript client as anyone gets it from npm, pointed at the sandbox from outside its source."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

from coveo_enrich.sandbox import CoveoSandbox

__all__ = ["JavaScriptClient", "NotToBeHadError", "Report"]

HERE = Path(__file__).parent
# The client needs tslib, and does not say so.
PACKAGES = ("@coveo/push-api-client@4.0.1", "tslib@2")


class NotToBeHadError(Exception):
    """The client cannot be installed here; the text says why."""


@attrs.frozen
class Report:
    """What the client told the program that used it.

    Attributes:
        uploaded: The ids of each batch that it called uploaded.
        failed: The ids of each batch that it called failed.
        error: The message of the error that its promise was rejected with; `None` when it was resolved.
    """

    uploaded: list[list[str]]
    failed: list[list[str]]
    error: str | None


@attrs.frozen
class JavaScriptClient:
    """An installed client."""

    node: str
    modules: Path

    @classmethod
    def install(cls, folder: Path) -> JavaScriptClient:
        """Install the client into an empty folder.

        Raises:
            NotToBeHadError: Node.js, npm or the package is out of reach.
        """
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise NotToBeHadError("Node.js and npm are not installed")
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
        command = [npm, "install", *options, "--fetch-retries=1", "--fetch-retry-mintimeout=1000", *PACKAGES]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise NotToBeHadError(f"npm cannot install {PACKAGES[0]}: {done.stderr[-500:]}")
        return cls(node, folder / "node_modules")

    def send(self, sandbox: CoveoSandbox, operation: str, files: Sequence[Path], *, api_key: str = "") -> Report:
        """Call ``operation`` of a ``CatalogSource`` with these files, in a process of its own."""
        program: list[str | Path] = ["--require", HERE / "to_the_sandbox.cjs", HERE / "send_files.cjs"]
        settings = {**os.environ, "NODE_PATH": str(self.modules), **sandbox.environ()}
        if api_key:
            settings["COVEO_API_KEY"] = api_key
        command: list[str | Path] = [self.node, *program, operation, *files]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)  # noqa: S603
        assert done.returncode == 0, done.stderr
        return Report(**json.loads(done.stdout))
