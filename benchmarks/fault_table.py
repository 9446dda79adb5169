"""What becomes of a catalog when the service misbehaves, as a table in Markdown.

    python benchmarks/fault_table.py

The rows are those that ``tests/stream/test_fault_table.py`` asserts: 10,000 products in four chunks, four at a time, to
a sandbox with 100 older items. Waits are noted and not waited, so that it takes about two minutes.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

COLUMNS = ("load", "update", "replace", "merge")
NOTHING_TO_SAY = "-"


def main() -> None:
    """Run every row, and print it as soon as it is known."""
    # The rows live beside the tests, whose helpers find one another by their plain names.
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "stream"))
    rows, runs = importlib.import_module("fault_rows"), importlib.import_module("faulty_runs")
    print(_line(["", *COLUMNS]))
    print(_line(["---"] * (1 + len(COLUMNS))))
    told = 0
    for fault in rows.FAULTS:
        accounts = {
            operation: runs.carry_out(
                operation,
                fault.order,
                products=fault.products(),
                chunk_bytes=fault.chunk_bytes,
                time_flies=fault.time_flies,
            )
            for operation in fault.outcomes
        }
        told += sum(len(account.told) for account in accounts.values())
        print(_line([fault.name, *(_in_words(accounts.get(column)) for column in COLUMNS)]), flush=True)
    killed = [runs.kill_half_way(operation) for operation in COLUMNS]
    print(_line(["kill -9 half way", *(_of_the_killed(*accounts) for accounts in killed)]))
    secrets = "no" if not told + sum(len(first.told) for first, _ in killed) else "**YES**"
    print(_line(["API key or signature in output, errors or logs", *[secrets] * len(COLUMNS)]))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _in_words(account: Any) -> str:  # noqa: ANN401 - of a module that the type checkers do not see from here
    if account is None:
        return NOTHING_TO_SAY
    said = [_end(account), *_waits(account)]
    if account.lost:
        said.append(f"**{account.lost:,} LOST**")
    if account.holes:
        said.append(f"**HOLE: {account.holes}**")
    return ", ".join(said)


def _end(account: Any) -> str:  # noqa: ANN401 - as above
    if account.error is None:
        return "complete" if account.new else "nothing sent"
    kind = type(account.error).__name__
    if account.operation == "load":
        return f"{kind}, {_stream(account)}"
    chunks, doubtful = len(account.confirmed) // 2_500, len(account.doubtful) // 2_500
    what = f"{kind}, {chunks} of 4 chunks confirmed" + (f", {doubtful} in doubt and named" if doubtful else "")
    return what if account.old else f"{what}, older items deleted"


def _stream(account: Any) -> str:  # noqa: ANN401 - as above
    if not account.streams:
        return "no stream opened"
    if account.calls["close"] and account.waits:
        return "named: old items or new ones"
    return "stream open, source untouched" if account.old else "**SOURCE CHANGED**"


def _waits(account: Any) -> list[str]:  # noqa: ANN401 - as above
    if not account.waits:
        return []
    if len(account.waits) == 1:
        return [f"again after {account.waits[0]:.1f} s"]
    return [f"given up after {len(account.waits)} waits, {sum(account.waits):,.0f} s"]


def _of_the_killed(first: Any, second: Any) -> str:  # noqa: ANN401 - as above
    live = f"{len(first.new) // 2_500} of 4 chunks live" if first.new else "stream open, source untouched"
    return f"{live}; sent again: {_in_words(second)}"


if __name__ == "__main__":
    main()
