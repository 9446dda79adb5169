"""Several processes share the cache, and any of them may be killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from coveo_enrich.classifiers import Classification, Label
from coveo_enrich.enrichment.cache import cache_file
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.enrichment.cache.store import KnownImage
from coveo_enrich.errors import ConfigurationError

SEEN = Classification("acme", labels=[Label("kayak", 0.9, parents=["boat"])] * 8)
FAR_BEYOND = 30
"""Seconds after which what should have happened never will."""

WRITER = """
import sys
from coveo_enrich.classifiers import Classification, Label
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache

path, name, count = sys.argv[1:]
seen = Classification("acme", labels=[Label("kayak", 0.9, parents=["boat"])] * 8)
cache = ClassificationCache(path)
for number in range(int(count)):
    cache.keep(f"{name} {number}", "acme/1", seen)
    print(number, flush=True)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process of its own that keeps answers, and says each time that one is kept."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - the text above


def require_sound(path: Path) -> None:
    """Raise unless SQLite finds no fault with the file, and nothing was put aside."""
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
    assert list(path.parent.glob("*.aside-*")) == []


def test_processes_write_at_once_from_the_first_moment_on(tmp_path: Path) -> None:
    """Four processes that make the same file at the same moment and write at once lose nothing."""
    path = tmp_path / "cache.sqlite"
    writers = [writer(path, str(name), 200) for name in range(4)]
    for one in writers:
        one.communicate(timeout=FAR_BEYOND)
        assert one.returncode == 0
    with ClassificationCache(path) as cache:
        assert cache.figures().answers == 800
        assert all(cache.answer(f"{name} {number}", "acme/1") == SEEN for name in range(4) for number in range(200))
    require_sound(path)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_a_killed_process_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    """Law 8: after kill -9 amid writing every answer that was said to be kept is there, and the file is sound."""
    path = tmp_path / "cache.sqlite"
    surviving = writer(path, "surviving", 300)
    confirmed = dict[str, int]()
    for name in ("first", "second", "third"):
        with writer(path, name, 1_000_000) as killed:
            assert killed.stdout is not None
            for line in killed.stdout:
                if int(line) == 50:
                    killed.kill()
                confirmed[name] = int(line)
        assert killed.returncode == -signal.SIGKILL
    surviving.communicate(timeout=FAR_BEYOND)
    require_sound(path)
    with ClassificationCache(path) as cache:
        for name, last in {**confirmed, "surviving": 299}.items():
            assert last >= 50
            assert all(cache.answer(f"{name} {number}", "acme/1") == SEEN for number in range(last + 1))


def _keep_in_child(cache: ClassificationCache) -> None:
    assert cache.answer("parent", "acme/1") == SEEN
    cache.keep("child", "acme/1", SEEN)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_child_process_opens_it_anew(tmp_path: Path, method: str) -> None:
    """Law 14: a cache in use crosses into a child, forked or not, while threads use it; both write, neither hangs."""
    with ClassificationCache(tmp_path / "cache.sqlite") as cache, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks while there are threads, which is the point
        cache.keep("parent", "acme/1", SEEN)
        enough = threading.Event()

        def look_up() -> None:
            while not enough.is_set():
                cache.answer("parent", "acme/1")

        looking = [threading.Thread(target=look_up) for _ in range(3)]
        for thread in looking:
            thread.start()
        context: Any = multiprocessing.get_context(method)
        child = context.Process(target=_keep_in_child, args=(cache,))
        child.start()
        child.join(FAR_BEYOND)
        enough.set()
        for thread in looking:
            thread.join()
        assert child.exitcode == 0
        assert cache.answer("child", "acme/1") == SEEN
        assert cache.figures().misses == 0
    require_sound(tmp_path / "cache.sqlite")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_no_connection_crosses_a_fork(tmp_path: Path) -> None:
    """Law 14: at a fork the file is closed, in the parent too, and each side opens it when it needs it."""
    with ClassificationCache(tmp_path / "cache.sqlite") as cache:
        cache.keep("parent", "acme/1", SEEN)
        connection = cache._file._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - what the test is about
        assert connection is not None
        child = os.fork()
        if child == 0:
            os._exit(cache._file._connection is not None)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above
        assert os.waitpid(child, 0)[1] == 0
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            connection.execute("SELECT 1")
        assert cache.answer("parent", "acme/1") == SEEN


RESTRICTED = """
import os, resource, signal, sys
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.errors import ConfigurationError

how, path = sys.argv[1:]
if how == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
elif os.geteuid() == 0:
    os.setuid(65_534)
try:
    ClassificationCache(path).known_image("https://img.example/kayak.jpg")
except ConfigurationError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
@pytest.mark.parametrize("how", ["read-only", "full"])
def test_a_folder_that_takes_no_file_raises_at_opening(tmp_path: Path, how: str, *, there: bool) -> None:
    """Law 12: a read-only folder and a full disk are told of when the file is opened, and nothing is put aside."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "cache.sqlite"
    if there:
        with ClassificationCache(path) as cache:
            cache.remember_image("https://img.example/kayak.jpg", KnownImage("7", checked_at=1.0))
    for one in (tmp_path.parent.parent, tmp_path.parent, tmp_path):
        one.chmod(0o755)
    if how == "read-only":
        path.chmod(0o444) if there else None
        folder.chmod(0o555)
    try:
        command = [sys.executable, "-c", RESTRICTED, how, str(path)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - the text above
    finally:
        folder.chmod(0o755)
    assert f"the cache {path} cannot be opened for writing" in said
    assert list(folder.glob("*.aside-*")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a file in use cannot be spoilt there")
def test_of_two_that_find_it_damaged_one_puts_it_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one process put aside and made anew is not put aside by another that had opened the damaged file before."""
    path = tmp_path / "cache.sqlite"
    path.write_bytes(bytes(range(256)) * 100)
    quick, slow = ClassificationCache(path), ClassificationCache(path)
    prepare = cache_file._prepare  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - where the other is quicker

    def late(connection: sqlite3.Connection, name: Path) -> None:
        monkeypatch.undo()
        quick.keep("quick", "acme/1", SEEN)
        prepare(connection, name)

    monkeypatch.setattr(cache_file, "_prepare", late)
    with quick, slow:
        assert slow.answer("quick", "acme/1") == SEEN
    assert len(list(tmp_path.glob("*.aside-????????"))) == 1


def test_a_locked_file_does_not_stop_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Laws 1 and 9: while another program holds the file, answers are found but not kept, with one warning."""
    path = tmp_path / "cache.sqlite"
    with ClassificationCache(path) as cache:
        cache.keep("before", "acme/1", SEEN)
        cache._file.run("PRAGMA busy_timeout = 1")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - so as not to wait long
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            cache.keep(str(number), "acme/1", SEEN)
        assert cache.answer("before", "acme/1") == SEEN
        other.execute("ROLLBACK")
        other.close()
        cache.keep("after", "acme/1", SEEN)
        assert cache.answer("after", "acme/1") == SEEN
        assert cache.answer("0", "acme/1") is None
    (warning,) = caplog.records
    assert "database is locked" in warning.message


def test_opening_a_locked_file_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 12: a file that another program never lets go of is told of at opening."""
    monkeypatch.setattr("coveo_enrich.enrichment.cache.cache_file._BUSY_SECONDS", 0.01)
    path = tmp_path / "cache.sqlite"
    with ClassificationCache(path) as cache:
        cache.keep("before", "acme/1", SEEN)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConfigurationError, match="database is locked"):
        ClassificationCache(path).answer("before", "acme/1")
    other.close()
