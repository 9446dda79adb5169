"""Who asks about a picture that several want to know about at the same moment, and who may take that over."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coveo_enrich.classifiers import Classification, Label
from coveo_enrich.enrichment.cache import owners
from coveo_enrich.enrichment.cache.careful_store import CarefulStore
from coveo_enrich.enrichment.cache.owners import has_ended, this_process
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.enrichment.cache.store import CLAIM_SECONDS, ClaimingStore

SEEN = Classification("acme", labels=[Label("kayak", 0.9)])
FAR_BEYOND = 30
"""Seconds after which what should have happened never will."""
ENDED = 7
"""The exit code of a child that ends amid its work."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where there is no file yet."""
    return tmp_path / "cache.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[ClassificationCache]:
    """A new cache."""
    with ClassificationCache(path) as one:
        yield one


def claims_in(path: Path) -> list[tuple[str, float]]:
    """Who has claimed something, and since when."""
    database = sqlite3.connect(path)
    rows = database.execute("SELECT value, at FROM claims").fetchall()
    database.close()
    return rows


def set_owner(path: Path, owner: object) -> None:
    """Let all claims be somebody else's."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("UPDATE claims SET value = ?", (owner,))
    database.close()


# What a claim is


def test_one_of_several_has_the_claim(path: Path, cache: ClassificationCache) -> None:
    """A pair of picture and classifier has one claim, whichever object asks; other pairs, and later ones, are free."""
    store: ClaimingStore = cache
    with ClassificationCache(path) as other:
        assert store.claim("1", "acme/1")
        assert not store.claim("1", "acme/1")
        assert not other.claim("1", "acme/1")
        assert other.claim("1", "acme/2")
        assert other.claim("2", "acme/1")
        store.release("1", "acme/1")
        assert other.claim("1", "acme/1")


def test_answers_that_are_kept_apart_are_claimed_apart(path: Path, cache: ClassificationCache) -> None:
    """Whoever waits for a claim finds its answer: a cache without labels about people does not wait for one with."""
    with ClassificationCache(path, store_people_labels=False) as without:
        assert cache.claim("1", "acme/1")
        assert without.claim("1", "acme/1")


def test_of_many_threads_one_has_the_claim(cache: ClassificationCache) -> None:
    """Sixteen threads that claim the same at once: each time it is granted once."""
    granted = list[int]()
    begin = threading.Barrier(16)

    def work() -> None:
        begin.wait(FAR_BEYOND)
        granted.extend(number for number in range(100) if cache.claim(str(number), "acme/1"))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(granted) == list(range(100))


CLAIMER = """
import sys
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache

cache = ClassificationCache(sys.argv[1])
sys.stdin.readline()
print(*(number for number in range(500) if cache.claim(str(number), "acme/1")), flush=True)
sys.stdin.readline()
"""


def claimer(path: Path) -> subprocess.Popen[str]:
    """A process that claims 500 pictures when it is told to, says which it got, and lives until its input ends."""
    command = [sys.executable, "-c", CLAIMER, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - the text above


def claimed_by(process: subprocess.Popen[str]) -> list[int]:
    """What it says that it got."""
    assert process.stdout is not None
    return [int(number) for number in process.stdout.readline().split()]


def begin(process: subprocess.Popen[str]) -> None:
    """Tell it to."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_of_several_processes_one_has_the_claim(path: Path) -> None:
    """Law 8: four processes that claim the same at once: every picture is granted to exactly one of them."""
    claimers = [claimer(path) for _ in range(4)]
    for one in claimers:
        begin(one)
    granted = [claimed_by(one) for one in claimers]
    for one in claimers:
        one.communicate(timeout=FAR_BEYOND)
    assert sorted(number for one in granted for number in one) == list(range(500))


# Who died


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_what_a_killed_process_claimed_is_free_at_once(path: Path, cache: ClassificationCache) -> None:
    """Law 8: a claim is refused as long as its process lives, and granted, once, as soon as it was killed."""
    with claimer(path) as other:
        begin(other)
        assert claimed_by(other) == list(range(500))
        assert not any(cache.claim(str(number), "acme/1") for number in range(500))
        other.kill()
    assert other.returncode == -signal.SIGKILL
    assert all(cache.claim(str(number), "acme/1") for number in range(500))
    assert not any(cache.claim(str(number), "acme/1") for number in range(500))


def test_what_two_find_free_is_granted_to_one(
    path: Path, cache: ClassificationCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that find a dead process's claim at the same moment, the slower is refused."""
    cache.claim("1", "acme/1")
    set_owner(path, "nonsense")
    quicker = list[bool]()

    def found_dead(owner: str) -> bool:
        monkeypatch.undo()
        quicker.append(cache.claim("1", "acme/1"))
        return has_ended(owner)

    monkeypatch.setattr("coveo_enrich.enrichment.cache.sqlite_cache.has_ended", found_dead)
    assert not cache.claim("1", "acme/1")
    assert quicker == [True]


def test_a_claim_ends_after_its_time(path: Path, cache: ClassificationCache) -> None:
    """What a process of another machine claimed is free after two minutes, whichever way the clocks differ."""
    with ClassificationCache(path) as other:
        other.claim("another", "acme/1")  # so that it has cleared away what is old
        for seconds, granted in [(CLAIM_SECONDS - 1, False), (CLAIM_SECONDS, True), (-CLAIM_SECONDS, True)]:
            cache.now = lambda: 1_800_000_000.0
            assert cache.claim("1", "acme/1")
            set_owner(path, "elsewhere 7 0123456789abcdef")
            other.now = lambda seconds=seconds: 1_800_000_000.0 + seconds  # type: ignore[misc]
            assert other.claim("1", "acme/1") is granted
            set_owner(path, this_process())
            cache.release("1", "acme/1")


def test_a_claim_is_ended_by_its_owner_alone(path: Path, cache: ClassificationCache) -> None:
    """Who comes back late, and finds its claim taken over, leaves it to the other."""
    cache.claim("1", "acme/1")
    set_owner(path, "elsewhere 7 0123456789abcdef")
    cache.release("1", "acme/1")
    assert not cache.claim("1", "acme/1")


@pytest.mark.parametrize(
    ("owner", "ended"),
    [
        (this_process(), False),
        (f"{socket.gethostname()} {os.getpid()} another", True),
        (f"{socket.gethostname()} {os.getppid()} another", False),
        (f"{socket.gethostname()} {10**30} another", True),
        (f"elsewhere {os.getpid()} another", False),
        (f"else where {10**30} another", False),
        ("nonsense", True),
        ("", True),
        (f"{socket.gethostname()} x another", True),
    ],
    ids=["this", "earlier-in-this-place", "parent", "none", "elsewhere", "spaces", "word", "empty", "number"],
)
def test_who_has_ended(owner: str, *, ended: bool) -> None:
    """On this machine processes are known to live or not, with the same number too; elsewhere nothing is known."""
    assert has_ended(owner) is ended


@pytest.mark.skipif(sys.platform == "win32", reason="signals are something else there")
def test_a_process_of_another_user_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may not be signalled is there."""

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert not has_ended(f"{socket.gethostname()} 1 another")


def test_a_claim_of_nobody_is_free(path: Path, cache: ClassificationCache) -> None:
    """What somebody else wrote into the table stands in nobody's way."""
    cache.claim("1", "acme/1")
    set_owner(path, "nonsense")
    assert cache.claim("1", "acme/1")


# Into other processes


def _claim_and_end(path: Path, cache: ClassificationCache) -> None:
    mine = ClassificationCache(path)
    assert not cache.claim("parent", "acme/1")
    assert not mine.claim("parent", "acme/1")
    assert cache.claim("child", "acme/1")
    os._exit(ENDED)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_child_process_is_somebody_else(path: Path, cache: ClassificationCache, method: str) -> None:
    """Law 14: a child, forked or not, waits for its parent's claims, and what it claimed itself ends with it."""
    assert cache.claim("parent", "acme/1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks while there are threads
        context: Any = multiprocessing.get_context(method)
        child = context.Process(target=_claim_and_end, args=(path, cache))
        child.start()
    child.join(FAR_BEYOND)
    assert child.exitcode == ENDED
    assert len(claims_in(path)) == 2
    assert not cache.claim("parent", "acme/1")
    if sys.platform != "win32":
        assert cache.claim("child", "acme/1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_is_told_by_more_than_its_number() -> None:
    """A child that gets the number of another that died is not taken for it."""
    token = this_process().rpartition(" ")[2]
    child = os.fork()
    if child == 0:
        os._exit(this_process().rpartition(" ")[2] == token)
    assert os.waitpid(child, 0)[1] == 0
    assert this_process().rpartition(" ")[2] == token


def test_a_copy_claims_in_the_same_file(cache: ClassificationCache) -> None:
    """Law 14: a cache that was pickled knows of the claims of the first one."""
    assert cache.claim("1", "acme/1")
    with pickle.loads(pickle.dumps(cache)) as copy:  # noqa: S301 - made here
        assert not copy.claim("1", "acme/1")
        cache.release("1", "acme/1")
        assert copy.claim("1", "acme/1")


def test_only_signals_that_do_nothing_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where signal 0 is Ctrl-C, nobody is asked whether it lives."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(owners.os, "kill", lambda *_: pytest.fail("it was sent"))  # type: ignore[attr-defined]
    assert not has_ended(f"{socket.gethostname()} {os.getpid() + 1} another")
    assert has_ended(f"{socket.gethostname()} {os.getpid()} another")


# What stays


def test_claims_of_the_dead_do_not_pile_up(path: Path, cache: ClassificationCache) -> None:
    """What was claimed by a process that was killed, and nobody asks about any more, is cleared away by a later run."""
    times = iter([0.0, 60.0])
    for number in ("old", "new"):
        time = next(times)
        cache.now = lambda time=time: 1_800_000_000.0 + time  # type: ignore[misc]
        cache.claim(number, "acme/1")
    with ClassificationCache(path) as later:
        later.now = lambda: 1_800_000_000.0 + CLAIM_SECONDS
        later.claim("another", "acme/1")
    assert [at - 1_800_000_000 for _, at in sorted(claims_in(path))] == [60.0, CLAIM_SECONDS]


def test_claims_are_no_answers(cache: ClassificationCache) -> None:
    """The figures count answers and images, and what was looked for; claims are none of these."""
    before = cache.figures()
    cache.claim("1", "acme/1")
    cache.claim("1", "acme/1")
    cache.release("1", "acme/1")
    after = cache.figures()
    assert (after.answers, after.images, after.hits, after.misses) == (0, 0, 0, 0)
    assert before.oldest_seconds is after.oldest_seconds is None


def test_a_cache_from_before_there_were_claims_is_used_on(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that an earlier version made keeps its answers, and takes claims."""
    with ClassificationCache(path) as earlier:
        earlier.keep("1", "acme/1", SEEN)
    database = sqlite3.connect(path)
    database.execute("DROP TABLE claims")
    database.close()
    with ClassificationCache(path) as cache:
        assert cache.answer("1", "acme/1") == SEEN
        assert cache.claim("2", "acme/1")
        assert not cache.claim("2", "acme/1")
    assert not caplog.records


# When the file cannot be used


def locked(path: Path) -> sqlite3.Connection:
    """Have another program hold the file."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_locked_file_grants_every_claim(
    path: Path, cache: ClassificationCache, caplog: pytest.LogCaptureFixture
) -> None:
    """Law 1: while another program holds the file, whoever wants to ask may, with one warning."""
    cache.keep("before", "acme/1", SEEN)
    cache._file.run("PRAGMA busy_timeout = 1")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - so as not to wait long
    other = locked(path)
    assert cache.claim("1", "acme/1")
    assert cache.claim("1", "acme/1")
    cache.release("1", "acme/1")
    other.close()
    assert cache.claim("1", "acme/1")
    assert not cache.claim("1", "acme/1")
    (warning,) = caplog.records
    assert "database is locked" in warning.message


def test_a_full_disk_grants_every_claim(cache: ClassificationCache, caplog: pytest.LogCaptureFixture) -> None:
    """Law 1: what cannot be written down may be asked, with one warning."""
    cache.keep("before", "acme/1", SEEN)
    cache._file.run("PRAGMA max_page_count = 1")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - SQLite's full disk
    for number in range(300):  # more than fit on the pages that are there
        assert cache.claim(str(number), "acme/1")
    assert cache.claim("299", "acme/1")
    (warning,) = caplog.records
    assert "database or disk is full" in warning.message


def test_a_damaged_file_grants_the_claim(path: Path, cache: ClassificationCache) -> None:
    """A file that is found damaged is put aside, and the claim written into the new one."""
    for number in range(300):
        cache.keep(str(number), "acme/1", SEEN)
    cache.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(byte ^ 0x5A for byte in whole[4096:]))
    assert cache.claim("1", "acme/1")
    assert not cache.claim("1", "acme/1")
    assert list(path.parent.glob("*.aside-*"))


# A store of somebody's own


class Store:
    """A store of somebody's own; only its claims matter here."""

    url_ttl = 60.0

    def __init__(self, do: Callable[[], Any]) -> None:
        self._do = do
        self.released = list[str]()

    def known_image(self, _url: str, /) -> None:
        """Know nothing."""

    def remember_image(self, _url: str, _known: object, /) -> None:
        """Remember nothing."""

    def answer(self, _identity: str, _fingerprint: str, /) -> None:
        """Know nothing."""

    def keep(self, _identity: str, _fingerprint: str, _outcome: object, /) -> None:
        """Keep nothing."""

    def claim(self, _identity: str, _fingerprint: str, /) -> Any:  # noqa: ANN401 - it may give anything
        """Do what the test says."""
        return self._do()

    def release(self, identity: str, _fingerprint: str, /) -> None:
        """Do what the test says, too."""
        self.released.append(identity)
        self._do()


def broken() -> None:
    """Raise what a connection raises."""
    raise ConnectionError("the store is gone")


@pytest.mark.parametrize(
    ("do", "granted"),
    [(lambda: True, True), (lambda: False, False), (broken, True), (lambda: None, True), (dict, True)],
    ids=["true", "false", "raises", "nothing", "dict"],
)
def test_only_a_plain_no_of_a_store_makes_anyone_wait(
    do: Callable[[], Any], caplog: pytest.LogCaptureFixture, *, granted: bool
) -> None:
    """Law 1: a store that fails, or answers in another form, costs a call, and no product waits for it."""
    store = Store(do)
    careful = CarefulStore(store)
    assert careful.claim("1", "acme/1") is granted
    careful.release("1", "acme/1")
    assert store.released == ["1"]
    assert len(caplog.records) == (do is broken)


def test_a_store_without_claims_grants_them() -> None:
    """Claims are a store's own choice: without them whoever wants to ask may."""

    class Plain:
        url_ttl = 60.0
        known_image, remember_image, answer, keep = Store.known_image, Store.remember_image, Store.answer, Store.keep

    careful = CarefulStore(Plain())
    assert careful.claim("1", "acme/1")
    assert careful.claim("1", "acme/1")
    careful.release("1", "acme/1")
