"""What the cache keeps, for how long, and what it does with a file that cannot be used."""

from __future__ import annotations

import logging
import math
import pickle
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from coveo_enrich.classifiers import Classification, Color, Failure, Label
from coveo_enrich.classifiers.values import FailureKind
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.enrichment.cache.store import ClassificationStore, KnownImage, digest_of
from coveo_enrich.errors import ConfigurationError

URL = "https://joe:pass@img.example/kayak.jpg?X-Amz-Signature=abcdef0123"
DIGEST = digest_of(b"kayak")
SEEN = Classification("acme", labels=[Label("kayak", 0.9), Label("man")], colors=[Color("yellow")])
DEAD = Failure("permanent", "it is not there (404)")
DAY = 86_400.0
HEADER = 100
"""Bytes at the start of a SQLite file, in which it counts its changes."""


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.time


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where there is no file yet."""
    return tmp_path / "cache.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[ClassificationCache]:
    """A new cache."""
    with ClassificationCache(path) as one:
        yield one


def known_at(time: float) -> KnownImage:
    """What is known of a picture whose host was asked then."""
    return KnownImage(DIGEST, etag='"7"', last_modified="Mon, 23 Nov 2026 10:00:00 GMT", checked_at=time)


def test_an_answer_is_there_for_the_next_run(path: Path) -> None:
    """Law 8: what was kept for a picture and a classifier is found by another object, and for no other pair."""
    with ClassificationCache(path) as earlier:
        earlier.keep(DIGEST, "acme/1", SEEN)
        earlier.remember_image(URL, known_at(7.0))
    with ClassificationCache(path) as later:
        assert later.answer(DIGEST, "acme/1") == SEEN
        assert later.answer(DIGEST, "acme/2") is None
        assert later.answer("another", "acme/1") is None
        assert later.known_image(URL) == known_at(7.0)
        assert later.known_image("https://img.example/other.jpg") is None


def test_a_store_needs_no_base_class(cache: ClassificationCache) -> None:
    """The cache is a store by its shape alone."""
    store: ClassificationStore = cache
    assert store.url_ttl == 7 * DAY


def test_what_was_checked_again_replaces_what_was_known(cache: ClassificationCache) -> None:
    """A picture that its host says is unchanged is fresh again; one that is gone is dead."""
    cache.remember_image(URL, known_at(7.0))
    cache.remember_image(URL, known_at(8.0))
    assert cache.known_image(URL) == known_at(8.0)
    cache.remember_image(URL, DEAD)
    assert cache.known_image(URL) == DEAD


@pytest.mark.parametrize(
    ("age", "ttl", "fresh"),
    [
        (0, 0, False),
        (0, 1, True),
        (9.9, 10, True),
        (10, 10, False),
        (-9, 10, True),
        (-11, 10, False),
        (1e9, math.inf, True),
    ],
)
def test_a_picture_is_fresh_for_its_time(age: float, ttl: float, *, fresh: bool) -> None:
    """Freshness depends on the distance of two times alone; a clock that was set back makes nothing fresh for ever."""
    assert known_at(1_000.0).is_fresh(ttl, 1_000.0 + age) is fresh


@pytest.mark.parametrize("kind", [kind for kind in get_args(FailureKind) if kind != "permanent"])
def test_a_failure_that_may_pass_is_not_kept(cache: ClassificationCache, kind: FailureKind) -> None:
    """Only what never works is remembered as failing; the rest is asked again, and replaces no answer."""
    cache.keep(DIGEST, "acme/1", SEEN)
    for identity in (DIGEST, "another"):
        cache.keep(identity, "acme/1", Failure(kind, "not now"))
    cache.remember_image(URL, Failure(kind, "not now"))
    assert cache.answer(DIGEST, "acme/1") == SEEN
    assert cache.answer("another", "acme/1") is None
    assert cache.known_image(URL) is None


def test_a_permanent_failure_expires(path: Path) -> None:
    """A picture that failed is asked about again once `failure_ttl` is over, and an answer never is."""
    with ClassificationCache(path, failure_ttl=timedelta(hours=1)) as cache:
        cache.now = clock = Clock()
        cache.keep("bad", "acme/1", DEAD)
        cache.remember_image(URL, DEAD)
        cache.keep("good", "acme/1", SEEN)
        clock.time += 3_599
        assert (cache.answer("bad", "acme/1"), cache.known_image(URL)) == (DEAD, DEAD)
        clock.time += 1
        assert (cache.answer("bad", "acme/1"), cache.known_image(URL)) == (None, None)
        clock.time += 1_000 * DAY
        assert cache.answer("good", "acme/1") == SEEN


def test_no_secret_is_in_the_file(path: Path) -> None:
    """Law 13: neither a URL's password nor its signature is written, as a key or inside a failure; nor is the URL."""
    failure = Failure("permanent", f"{URL} is not there", image=URL, classifier="acme")
    with ClassificationCache(path) as cache:
        cache.remember_image(URL, failure)
        cache.keep(URL, "acme/1", failure)
        cache.keep(f"{URL} etag=7", "acme/1", SEEN)
        cache.remember_image(f"{URL}&v=2", known_at(1.0))
        written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"kayak" in written
    assert [secret for secret in (b"joe", b"pass@", b"abcdef0123", b"v=2") if secret in written] == []
    assert "pass" not in repr(cache)


def test_labels_about_people_are_left_out_on_request(path: Path) -> None:
    """Without them answers are kept apart: who wants them later asks again, and who does not finds no whole ones."""
    with ClassificationCache(path, store_people_labels=False) as without, ClassificationCache(path) as whole:
        without.keep(DIGEST, "acme/1", SEEN)
        seen = without.answer(DIGEST, "acme/1")
        assert isinstance(seen, Classification)
        assert [label.name for label in seen.labels] == ["kayak"]
        assert seen.colors == SEEN.colors
        assert whole.answer(DIGEST, "acme/1") is None
        written = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert b'"man"' not in written
        whole.keep(DIGEST, "acme/1", SEEN)
        assert whole.answer(DIGEST, "acme/1") == SEEN
        assert without.answer(DIGEST, "acme/1") == seen


def test_figures(path: Path) -> None:
    """The cache tells how large it is, how old, and how often it helped."""
    with ClassificationCache(path) as cache:
        cache.now = clock = Clock()
        assert cache.figures().oldest_seconds is None
        cache.keep("one", "acme/1", SEEN)
        clock.time += 2 * DAY
        cache.keep("two", "acme/1", DEAD)
        cache.remember_image(URL, known_at(1.0))
        for identity in ("one", "one", "two", "three"):
            cache.answer(identity, "acme/1")
        figures = cache.figures()
    assert (figures.answers, figures.images, figures.oldest_seconds) == (2, 1, 2 * DAY)
    assert (figures.hits, figures.misses) == (3, 1)
    assert figures.bytes > 10_000
    assert str(figures).startswith("2 answers and 1 images in 0.")
    assert str(figures).endswith("MB, the oldest 2.0 days old; 3 hits, 1 misses")


def test_it_travels_as_path_and_settings(path: Path) -> None:
    """Law 14: a copy opens the file anew, with the same settings, and its figures begin at nothing."""
    cache = ClassificationCache(path, url_ttl=5, failure_ttl=0, store_people_labels=False)
    cache.keep(DIGEST, "acme/1", SEEN)
    cache.answer(DIGEST, "acme/1")
    with cache, pickle.loads(pickle.dumps(cache)) as copy:  # noqa: S301 - made here
        assert (copy.path, copy.url_ttl, copy.store_people_labels) == (path, 5, False)
        assert copy.figures().hits == 0
        assert copy.answer(DIGEST, "acme/1") == cache.answer(DIGEST, "acme/1")
        copy.keep("bad", "acme/1", DEAD)
        assert copy.answer("bad", "acme/1") is None


def test_a_closed_cache_opens_again(cache: ClassificationCache) -> None:
    """Closing releases the file, twice as well as once; using it opens it again."""
    cache.keep(DIGEST, "acme/1", SEEN)
    cache.close()
    cache.close()
    assert cache.answer(DIGEST, "acme/1") == SEEN


@pytest.mark.parametrize("setting", ["url_ttl", "failure_ttl"])
@pytest.mark.parametrize("value", [-1, math.nan, timedelta(days=-1), True, "7 days"])
def test_times_are_checked(path: Path, setting: str, value: object) -> None:
    """Law 12: a time below 0, or that is none, is refused when the cache is made."""
    settings: dict[str, Any] = {setting: value}
    with pytest.raises(ConfigurationError, match=f"{setting} is a time, 0 or more"):
        ClassificationCache(path, **settings)
    assert not path.exists()


def test_threads_share_it(cache: ClassificationCache) -> None:
    """Sixteen threads that write and read at once find all that was written, and count every look-up."""
    found = list[bool]()

    def work(name: int) -> None:
        for number in range(50):
            cache.keep(f"{name} {number}", "acme/1", SEEN)
            found.append(cache.answer(f"{(name + 1) % 16} {number}", "acme/1") in (SEEN, None))
            found.append(cache.answer(f"{name} {number}", "acme/1") == SEEN)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures = cache.figures()
    assert all(found)
    assert (figures.answers, figures.hits + figures.misses) == (800, 1_600)


def not_sqlite(path: Path) -> None:
    """A text."""
    path.write_bytes(bytes(range(256)) * 50)


def of_another_program(path: Path) -> None:
    """A database that somebody else made."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE orders (number INTEGER)")
    database.close()


def of_an_older_version(path: Path) -> None:
    """A cache whose version is below the one that is read."""
    set_version(path, 0)


def cut_off(path: Path) -> None:
    """A cache whose second half is missing."""
    filled(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scrambled(path: Path) -> None:
    """A cache whose pages hold noise after the first."""
    filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(byte ^ 0x5A for byte in whole[4096:]))


def filled(path: Path) -> None:
    """Keep some answers."""
    with ClassificationCache(path) as cache:
        for number in range(300):
            cache.keep(str(number), "acme/1", SEEN)


def set_version(path: Path, version: int) -> None:
    """Make it a cache of that version."""
    with ClassificationCache(path) as cache:
        cache.keep(DIGEST, "acme/1", SEEN)
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {version}")
    database.close()


@pytest.mark.parametrize("spoil", [not_sqlite, of_an_older_version, cut_off, scrambled])
def test_a_file_that_cannot_be_used_is_put_aside(
    path: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """It is renamed with a warning, keeps what it holds, and a new one is begun: never a crash."""
    spoil(path)
    before = path.read_bytes()
    with ClassificationCache(path) as cache:
        for number in range(300):
            cache.answer(str(number), "acme/1")
        cache.keep(DIGEST, "acme/1", SEEN)
        assert cache.answer(DIGEST, "acme/1") == SEEN
        assert cache.figures().answers == 1
    (aside,) = (file for file in path.parent.glob("cache.sqlite.aside-*") if file.suffix.count("-") == 1)
    assert aside.read_bytes()[HEADER:] == before[HEADER:]
    (warning,) = caplog.records
    assert (warning.name, warning.levelno) == ("coveo_enrich.enrichment", logging.WARNING)
    assert f"{path} is no usable cache" in warning.message
    assert aside.name in warning.message


def a_catalog(path: Path) -> None:
    """A file of products."""
    path.write_text('{"documentId": "1"}\n' * 500, "utf-8")


def a_catalog_of_a_spreadsheet(path: Path) -> None:
    """CSV with a byte order mark; the hundredth byte is half of a letter."""
    path.write_text("documentId,ec_names\n" + "é" * 300, "utf-8-sig")


@pytest.mark.parametrize("make", [a_catalog, a_catalog_of_a_spreadsheet, of_another_program])
def test_a_file_of_somebody_else_is_left_alone(path: Path, make: Callable[[Path], None]) -> None:
    """Law 12: what was named by mistake raises, and stays as it is."""
    make(path)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"is no cache .* left as it is"):
        ClassificationCache(path).answer(DIGEST, "acme/1")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_newer_cache_is_left_alone(path: Path) -> None:
    """Law 12: a file of a newer version raises, naming both versions, and stays as it is."""
    set_version(path, 2)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"has version 2.*reads version 1"):
        ClassificationCache(path).answer(DIGEST, "acme/1")
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", ["missing/cache.sqlite", "file/cache.sqlite", "."])
def test_a_place_that_cannot_hold_it_raises_at_once(tmp_path: Path, where: str) -> None:
    """Law 12: a folder that does not exist, or a path that is no file, stops the run at the first look-up."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be opened for writing"):
        ClassificationCache(tmp_path / where).known_image(URL)


def test_what_somebody_else_wrote_into_it_is_not_there(cache: ClassificationCache, path: Path) -> None:
    """A row that holds no answer is a miss, and is replaced by the next answer."""
    cache.keep(DIGEST, "acme/1", SEEN)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("UPDATE answers SET value = '[]'")
    database.close()
    assert cache.answer(DIGEST, "acme/1") is None
    cache.keep(DIGEST, "acme/1", SEEN)
    assert cache.answer(DIGEST, "acme/1") == SEEN


def test_an_answer_that_cannot_be_written_is_told_of(
    cache: ClassificationCache, caplog: pytest.LogCaptureFixture
) -> None:
    """Law 1: an adapter's odd number costs a call the next time, and no product."""
    cache.keep(DIGEST, "acme/1", Classification("acme", labels=[Label("boat", raw_score=object())]))  # type: ignore[arg-type]
    assert cache.answer(DIGEST, "acme/1") is None
    assert "an answer of acme cannot be kept" in caplog.text


def test_a_full_disk_during_a_run_is_told_of_once(cache: ClassificationCache, caplog: pytest.LogCaptureFixture) -> None:
    """Laws 1 and 9: what cannot be written is not kept, with one warning; what was written is still found."""
    cache.keep(DIGEST, "acme/1", SEEN)
    cache._file.run("PRAGMA max_page_count = 1")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - SQLite's full disk
    large = Classification("acme", labels=[Label("word" * 10_000)])
    for number in range(3):
        cache.keep(str(number), "acme/1", large)
        assert cache.answer(str(number), "acme/1") is None
    assert cache.answer(DIGEST, "acme/1") == SEEN
    (warning,) = caplog.records
    assert "the run goes on without: database or disk is full" in warning.message
