"""What sending a catalog costs: this client beside the floors and beside the clients that Coveo publishes.

    python benchmarks/stream.py
    python benchmarks/stream.py --quick
    python benchmarks/stream.py --items 500000 --repeat 5 --only floor "this client"

Every run of a case is a process of its own, its start and its imports included, against a sink in a process of its own
(`sending/sink.py`). The cases take turns within a repetition, a ratio is made inside a repetition, and what is printed
is the median over repetitions. ``calls`` are requests to Coveo; ``PUTs`` go to Coveo's storage and are not among them.

It needs a Unix system, and for the official clients what npm and pip install from. A target that is missed is a result;
a run in which bytes, items or chunks are missing is none, and ends the benchmark with status 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
from sending.cases import NPM, NPM_UPDATE, ORJSON, PYPI, Catalogs, concurrency_section, load_section, slow_link_section
from sending.figures import table, target_table, targets
from sending.peers import InstalledClient, NotToBeHadError, install_javascript_client, install_python_client
from sending.runs import BrokenRunError, Figures, Section, measure


def main() -> int:
    """Measure what the command line asks for."""
    options = _arguments()
    print(f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        try:
            measure_all(options, Path(folder))
        except BrokenRunError as error:
            print(f"broken: {error}", file=sys.stderr)
            return 1
    return 0


def measure_all(options: argparse.Namespace, folder: Path) -> None:
    """Measure each section, print its table, and at the end the targets."""
    is_wanted = _choice(options.only)
    catalogs, clients = Catalogs(folder), install_clients(folder, is_wanted)

    def figures_of(section: Section) -> Figures:
        cases = tuple(case for case in section.cases if is_wanted(case.name))
        figures = measure(attrs.evolve(section, cases=cases), options.repeat)
        if figures:
            print("\n".join(table(section, figures)), flush=True)
        return figures

    loads = {
        items: figures_of(load_section(items, catalogs, clients if items <= options.peers_up_to else {}))
        for items in sorted(options.items)
    }
    slow = figures_of(slow_link_section(options.slow_items, catalogs))
    concurrent = figures_of(concurrency_section(catalogs, clients))
    print("\n".join(target_table(targets(loads, slow, concurrent))))


def install_clients(folder: Path, is_wanted: Callable[[str], bool]) -> dict[str, InstalledClient]:
    """Install the official clients that are wanted and can be had."""
    clients: dict[str, InstalledClient] = {}
    for name, install, cases in (
        ("npm", install_javascript_client, (NPM, NPM_UPDATE)),
        ("PyPI", install_python_client, (PYPI,)),
    ):
        if any(map(is_wanted, cases)):
            (folder / name).mkdir()
            try:
                clients[name] = install(folder / name)
            except NotToBeHadError as reason:
                print(f"\nskipped: {name}: {reason}")
    return clients


def _choice(only: Sequence[str]) -> Callable[[str], bool]:
    if importlib.util.find_spec("orjson"):
        return lambda name: not only or any(part in name for part in only)
    print("\nskipped: what needs orjson, which is not installed")
    return lambda name: "fast" not in name and name != ORJSON and (not only or any(part in name for part in only))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What sending a catalog costs.")
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 500_000], metavar="N")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="repetitions; default: %(default)s")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART", help="only cases with this in their names")
    parser.add_argument(
        "--peers-up-to", type=int, default=100_000, metavar="N", help="largest catalog of other clients"
    )
    parser.add_argument("--slow-items", type=int, default=100_000, metavar="N", help="products over the slow link")
    parser.add_argument("--quick", action="store_true", help="10,000 products, once: whether all works, no figures")
    options = parser.parse_args()
    if options.quick:
        options.items, options.repeat, options.slow_items = [10_000], 1, 10_000
    return options


if __name__ == "__main__":
    sys.exit(main())
