"""The cases of the benchmark: the floors, this client, the official clients, and what each of them sends."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from .peers import InstalledClient
from .products import LINE_BYTES, write_json_arrays, write_json_lines
from .runs import Case, Section
from .sink import Link

CHUNK_BYTES: Final = 128_000_000  # the client's default
LINK_SPEED: Final = 50_000_000  # bytes a second
MEGABYTE: Final = 1_000_000

RAW, ORJSON, JSON = "floor: raw", "floor: orjson", "floor: json"
FULL, TRUSTED = "this client, fast, full", "this client, fast, trusted"
STDLIB, STDLIB_TRUSTED = "this client, stdlib, full", "this client, stdlib, trusted"
UPDATE = "this client, update, fast, full"
NPM, NPM_UPDATE, PYPI = "npm, stream", "npm, update", "PyPI, push, 2,500 a batch"


@attrs.frozen
class Catalogs:
    """The catalog in files, written when they are first asked for."""

    folder: Path

    def lines(self, items: int) -> str:
        """A JSON Lines file."""
        path = self.folder / f"{items}.jsonl"
        if not path.exists():
            write_json_lines(path, items)
            os.sync()  # or the disk is still busy with it while the first case runs
        return str(path)

    def arrays(self, items: int) -> tuple[str, ...]:
        """Files with a JSON array of 50,000 products each."""
        folder = self.folder / f"{items}-arrays"
        if not folder.exists():
            folder.mkdir()
            write_json_arrays(folder, items)
            os.sync()
        return tuple(map(str, sorted(folder.iterdir())))


def floor(name: str, file: str, **options: int) -> Case:
    """A floor, such as ``floor: raw``."""
    return Case(name, (*_program("floors.py"), name.removeprefix("floor: "), file, *_options(options)))


def this_client(name: str, file: str, puts: int, **options: str | int) -> Case:
    """This client; its name says with which JSON and which checks."""
    settings = {
        "operation": "update" if "update" in name else "load",
        "json": "stdlib" if "stdlib" in name else "fast",
        "checks": "trusted" if "trusted" in name else "full",
    }
    return Case(name, (*_program("this_client.py"), file, *_options(settings | options)), puts=puts)


def javascript(name: str, client: InstalledClient, files: Sequence[str]) -> Case:
    """The JavaScript client."""
    operation = "batchUpdateDocumentsFromFiles" if name == NPM_UPDATE else "batchStreamDocumentsFromFiles"
    return Case(name, (*client.command, operation, *files), client.environ)


def load_section(items: int, catalogs: Catalogs, clients: Mapping[str, InstalledClient]) -> Section:
    """One size of catalog, sent by everyone."""
    file, puts = catalogs.lines(items), -(-items * LINE_BYTES // CHUNK_BYTES)
    cases = [floor(name, file) for name in (RAW, ORJSON, JSON)]
    cases += [this_client(name, file, puts) for name in (FULL, TRUSTED, STDLIB, STDLIB_TRUSTED, UPDATE)]
    if "npm" in clients:
        cases += [javascript(name, clients["npm"], catalogs.arrays(items)) for name in (NPM, NPM_UPDATE)]
    if "PyPI" in clients:
        cases.append(Case(PYPI, (*clients["PyPI"].command, file), clients["PyPI"].environ))
    return Section(f"{items:,} products, {items * LINE_BYTES / MEGABYTE:,.0f} MB", items, tuple(cases))


def slow_link_section(items: int, catalogs: Catalogs) -> Section:
    """A load over a link that is slower than this machine."""
    file, puts = catalogs.lines(items), -(-items * LINE_BYTES // CHUNK_BYTES)
    link = Link(call_delay=0.1, bytes_per_second=LINK_SPEED)
    title = f"Slow link: {items:,} products, 0.1 s a call, {LINK_SPEED / MEGABYTE:.0f} MB/s"
    return Section(title, items, (floor(ORJSON, file), this_client(FULL, file, puts)), link)


def concurrency_section(catalogs: Catalogs, clients: Mapping[str, InstalledClient]) -> Section:
    """Four chunks, each of which the storage takes a second to confirm."""
    items, chunks = 10_000, 4
    file, size = catalogs.lines(items), items * LINE_BYTES // chunks + 10_000
    cases = [floor(ORJSON, file, chunk_bytes=size), this_client(FULL, file, chunks, max_chunk_bytes=size)]
    if "npm" in clients:
        cases.append(javascript(NPM, clients["npm"], catalogs.arrays(items)))
    link = Link(call_delay=0.2, put_delay=1)
    return Section(f"Slow answers: {items:,} products, 0.2 s a call, 1 s a PUT", items, tuple(cases), link)


def _program(name: str) -> tuple[str, str]:
    return sys.executable, str(Path(__file__).parent / name)


def _options(options: Mapping[str, str | int]) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
