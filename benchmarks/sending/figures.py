"""What is made of the figures: a table for each section, and where each target stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from statistics import median
from typing import Final

import attrs

from .cases import CHUNK_BYTES, FULL, JSON, LINK_SPEED, MEGABYTE, ORJSON, RAW, STDLIB, TRUSTED
from .products import LINE_BYTES
from .runs import Figures, Run, Section

__all__ = ["Target", "table", "target_table", "targets"]

_MEBIBYTE: Final = 1 << 20
_PRODUCTS: Final = 10_000_000  # for which the target of calls is set
_LEEWAY: Final = 10  # MB that an allocator may keep in one run and not in another


@attrs.frozen
class Target:
    """A promise, and what became of it; `holds` is `None` when it was not measured."""

    what: str
    target: str
    measured: str = "not measured"
    holds: bool | None = None


def table(section: Section, figures: Figures) -> Iterator[str]:
    """A section as a table: a row for each case, medians over its runs."""
    columns = _columns(has_slow_link=section.link.bytes_per_second > 0)
    yield f"\n## {section.title}\n"
    yield _row(["case", *columns])
    yield _row(["---"] + ["---:"] * len(columns))
    for name in figures:
        yield _row([name, *(cell(figures, name) for cell in columns.values())])


def _columns(*, has_slow_link: bool) -> dict[str, Callable[[Figures, str], str]]:
    def median_of(what: Callable[[Run], float], digits: int = 2) -> Callable[[Figures, str], str]:
        return lambda figures, name: _text(_median(figures, name, what), digits)

    def times(floor: str) -> Callable[[Figures, str], str]:
        return lambda figures, name: _text(_ratio(figures, name, floor))

    columns = {
        "wall s (min-max)": _wall,
        "x raw": times(RAW),
        "x orjson": times(ORJSON),
        "x json": times(JSON),
        "CPU s": median_of(lambda run: run.cpu),
        "peak RSS MiB": median_of(lambda run: run.peak / _MEBIBYTE, 0),
        "calls": median_of(lambda run: run.tally.calls, 0),
        "PUTs": median_of(lambda run: run.tally.puts, 0),
        "PUTs at once": median_of(lambda run: run.tally.most_puts_at_once, 0),
        "first to last request s": median_of(lambda run: run.tally.seconds),
        "sink CPU %": median_of(_sink_percent, 1),
    }
    return columns | ({"of the link": median_of(_of_the_link)} if has_slow_link else {})


def targets(loads: Mapping[int, Figures], slow: Figures, concurrent: Figures) -> Iterator[Target]:
    """Where each target stands; those of a load by the largest that was measured."""
    items = max(loads)
    largest, size = loads[items], f"load of {items:,}"
    yield _at_most(f"{size}, fast, full checks, against orjson", 2.0, "x", _ratio(largest, FULL, ORJSON))
    yield _at_most(f"{size}, fast, trusted, against orjson", 1.5, "x", _ratio(largest, TRUSTED, ORJSON))
    yield _at_most(f"{size}, stdlib, full checks, against json", 1.5, "x", _ratio(largest, STDLIB, JSON))
    yield _at_most(f"{size}: peak memory", 120, "MB", _peak(largest))
    yield _growth(loads)
    yield _calls(items, largest)
    yield _link(_median(slow, FULL, _of_the_link))
    yield _at_most("4 chunks, concurrency 4", 2.5, "s", _median(concurrent, FULL, lambda run: run.tally.seconds))
    yield _at_most(f"{size}: CPU of the sink", 10, "% of the client's", _median(largest, FULL, _sink_percent))


def target_table(found: Iterable[Target]) -> Iterator[str]:
    """The targets as a table."""
    yield "\n## Targets\n"
    yield _row(["what", "target", "measured", "holds"])
    yield _row(["---"] * 4)
    for one in found:
        yield _row([one.what, one.target, one.measured, {True: "yes", False: "**no**", None: "-"}[one.holds]])


def _at_most(what: str, limit: float, unit: str, measured: float | None) -> Target:
    target = f"<= {limit} {unit}"
    return Target(what, target) if measured is None else Target(what, target, _text(measured), measured <= limit)


def _growth(loads: Mapping[int, Figures]) -> Target:
    fewest, most = min(loads), max(loads)
    limit = 16 * (most - fewest) / MEGABYTE + _LEEWAY
    what = f"the same, beyond that of {fewest:,}"
    target = f"<= {limit:.0f} MB: 16 bytes an id, and {_LEEWAY} MB leeway"
    before, after = _peak(loads[fewest]), _peak(loads[most])
    if fewest == most or before is None or after is None:
        return Target(what, target)
    return Target(what, target, f"{after - before:.1f}", after - before <= limit)


def _calls(items: int, figures: Figures) -> Target:
    """Each chunk takes one call and one PUT; the calls besides are those that were measured."""
    what, limit = f"calls for {_PRODUCTS:,} products, from the load of {items:,}", 500
    if FULL not in figures:
        return Target(what, f"< {limit}")
    tally = figures[FULL][-1].tally
    chunks = -(-_PRODUCTS * LINE_BYTES // CHUNK_BYTES)
    calls = tally.calls - tally.puts + chunks
    return Target(what, f"< {limit}", f"{calls}, and {chunks} PUTs", calls + chunks < limit)


def _link(reached: float | None) -> Target:
    what, least = "slow link, from the first byte to the last", 0.9
    target = f">= {least} of it"
    return Target(what, target) if reached is None else Target(what, target, _text(reached), reached >= least)


def _ratio(figures: Figures, name: str, floor: str) -> float | None:
    """How often a case's wall time holds a floor's, each time in the same repetition."""
    if name not in figures or floor not in figures:
        return None
    return median(one.wall / least.wall for one, least in zip(figures[name], figures[floor], strict=True))


def _median(figures: Figures, name: str, what: Callable[[Run], float]) -> float | None:
    return median(map(what, figures[name])) if name in figures else None


def _wall(figures: Figures, name: str) -> str:
    walls = [run.wall for run in figures[name]]
    return f"{median(walls):.2f} ({min(walls):.2f}-{max(walls):.2f})"


def _peak(figures: Figures) -> float | None:
    return _median(figures, FULL, lambda run: run.peak / MEGABYTE)


def _sink_percent(run: Run) -> float:
    return 100 * run.tally.cpu_seconds / run.cpu


def _of_the_link(run: Run) -> float:
    return run.tally.put_bytes / run.tally.put_seconds / LINK_SPEED


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
