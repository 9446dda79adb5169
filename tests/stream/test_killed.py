"""A process that is killed at any moment leaves the source as its operation promises, and the next run completes.

By default every operation is killed a few times; with ``COVEO_ENRICH_KILLS=30`` in the environment, so many times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import httpx
import pytest
from killed_loader import catalog, send
from promises import Held, held_by, items_of

from coveo_enrich import CoveoSource
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation

KILLS = int(os.environ.get("COVEO_ENRICH_KILLS", "5"))
ITEMS = 2_000
SHIFT = 400
"""Each version leaves out so many items at the start of the one before, and has as many new ones at its end."""

PROGRAM = Path(__file__).with_name("killed_loader.py")
LAST: dict[str, Operation] = {"load": "close", "replace": "delete_older_than", "update": "update"}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where programs put their temporary files; this process has chosen its own place already."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[CoveoSandbox]:
    """A sandbox that keeps its items when it is stopped."""
    with CoveoSandbox(data=tmp_path / "data.sqlite") as sandbox:
        yield sandbox


@attrs.frozen
class Catalog:
    """One version of the catalog."""

    version: int

    @property
    def arguments(self) -> tuple[str, int, int]:
        """What it is made from."""
        return f"version {self.version}", SHIFT * self.version, ITEMS

    @property
    def held(self) -> Held:
        """A source that holds it."""
        return items_of(catalog(*self.arguments))


@attrs.frozen
class Broken:
    """What is known of a program that was broken off.

    Attributes:
        before: What the source held before.
        new: The items that the program was sending.
        now: What the source held right after.
        later: What it held when everything had left it that was to leave.
        last_was_asked: Whether the program got to its last call, be it answered or not.
        last_was_answered: Whether it was answered with a success.
        told: The program's last words.
    """

    before: Held
    new: Held
    now: Held
    later: Held
    last_was_asked: bool
    last_was_answered: bool
    told: str


def _restart(sandbox: CoveoSandbox) -> None:
    """End what is still on its way, and forget which requests there were."""
    sandbox.stop()
    sandbox.start()


def _broken(
    sandbox: CoveoSandbox, operation: str, version: int, *, moment: int, seconds: float, number: signal.Signals
) -> Broken:
    """Run the program, and break it off so long after the sandbox has answered so many requests."""
    before, new = held_by(sandbox), Catalog(version)
    arguments = [sys.executable, str(PROGRAM), operation, *map(str, new.arguments)]
    environment = {**os.environ, **sandbox.environ()}
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stdout
        assert process.stdout.readline() == "begin\n"
        while len(sandbox.requests()) < moment and process.poll() is None:
            time.sleep(0.0005)
        time.sleep(seconds)
        process.send_signal(number)
        told = process.stdout.read()
    for _ in range(3):  # what the program had sent before comes first
        httpx.get(f"{sandbox.url}/nowhere")
    requests = [request for request in sandbox.requests() if request.operation == LAST[operation]]
    _restart(sandbox)
    now = held_by(sandbox)
    sandbox.advance(minutes=15)
    answered = any(request.status in (200, 201) for request in requests)
    return Broken(before, new.held, now, held_by(sandbox), bool(requests), answered, told)


def _check_load(broken: Broken) -> None:
    assert broken.later in (broken.before, broken.new)
    if not broken.last_was_asked or "the source is as it was" in broken.told:
        assert broken.now == broken.later == broken.before
    if broken.last_was_answered or broken.told.startswith("True"):
        assert broken.later == broken.new


def _check_replace(broken: Broken) -> None:
    union = {**broken.before, **broken.new}
    for name, item in broken.now.items():
        assert item in (broken.before.get(name), broken.new.get(name))
    assert set(broken.before) <= set(broken.now) <= set(union)
    if broken.later != broken.now:
        assert broken.last_was_asked
        assert broken.now == union
        assert broken.later == broken.new
    if broken.last_was_answered or broken.told.startswith("True"):
        assert broken.later == broken.new
    if "Nothing was deleted" in broken.told:
        assert broken.later == broken.now


def _check_update(broken: Broken) -> None:
    assert broken.later == broken.now
    assert set(broken.before) <= set(broken.now)
    for name, item in broken.now.items():
        assert item in (broken.before.get(name), broken.new.get(name))
    if broken.told.startswith("True"):
        assert broken.now == {**broken.before, **broken.new}


CHECKS: dict[str, Callable[[Broken], None]] = {"load": _check_load, "replace": _check_replace, "update": _check_update}


@pytest.mark.skipif(os.name != "posix", reason="the system has no such signals")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
@pytest.mark.parametrize("operation", CHECKS)
def test_a_process_that_is_broken_off_keeps_the_promise(
    kept: CoveoSandbox,
    temporary: Path,
    operation: str,
    *,
    name: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Laws 2, 4: killed or told to stop at any moment, close and deletion included; and the next run completes."""
    chance = random.Random(f"{operation} {name}")  # noqa: S311 - moments that are the same in every run
    assert send(CoveoSource(**kept.connection), operation, catalog(*Catalog(0).arguments))
    requests = len(kept.requests())
    _restart(kept)
    unchanged = changed = last = 0
    for turn in range(KILLS):
        # Each part of the run has its moment, and every other one is about the last call, which takes a while.
        moment = requests - 1 if turn % 2 else int(requests * (turn + chance.random()) / KILLS)
        if operation != "update":
            kept.delay(LAST[operation], 0.02)
        seconds = chance.uniform(0, 0.04 if turn % 2 else 0.01)
        broken = _broken(kept, operation, 2 * turn + 1, moment=moment, seconds=seconds, number=signal.Signals[name])
        CHECKS[operation](broken)
        assert not list(temporary.iterdir())
        last += broken.last_was_asked
        unchanged += broken.later == broken.before
        changed += broken.later == ({**broken.before, **broken.new} if operation == "update" else broken.new)
        following = Catalog(2 * turn + 2)
        assert send(CoveoSource(**kept.connection), operation, catalog(*following.arguments))
        kept.advance(minutes=15)
        before: Held = broken.later if operation == "update" else {}
        assert held_by(kept) == {**before, **following.held}
        _restart(kept)
    record_property("the old items", unchanged)
    record_property("the new items", changed)
    record_property("something between", KILLS - unchanged - changed)
    record_property("got to the last call", last)
