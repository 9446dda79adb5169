"""The cache that comes with the library: one SQLite file on one machine, for its threads and processes.

What is kept, and how long it is good for. The file itself is `coveo_enrich.enrichment.cache.cache_file`.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.enrichment.cache.cache_file import CacheFile
from coveo_enrich.enrichment.cache.owners import has_ended, this_process
from coveo_enrich.enrichment.cache.store import CLAIM_SECONDS, CacheFigures, KnownImage, seconds_of
from coveo_enrich.enrichment.cache.stored import Stored, read_stored, stored_text
from coveo_enrich.enrichment.looking.people import without_people_labels

__all__ = ["ClassificationCache"]

_log = logging.getLogger("coveo_enrich.enrichment")

_FIND: Final = {table: f"SELECT value, at FROM {table} WHERE key = ?" for table in ("answers", "images", "claims")}  # noqa: S608 - constants
_KEEP: Final = {table: f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)" for table in ("answers", "images")}  # noqa: S608 - two constants
# Takes nothing that another has claimed since it was looked at. Not with RETURNING, which SQLite has only since 3.35.
_CLAIM: Final = (
    "INSERT INTO claims VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at "
    "WHERE claims.value = ? AND claims.at = ?"
)
_RELEASE: Final = "DELETE FROM claims WHERE key = ? AND value = ?"
_SWEEP: Final = "DELETE FROM claims WHERE abs(at - ?) >= ?"
_WITHOUT_PEOPLE: Final = "\0without people labels"


class ClassificationCache:
    """Keeps what classifiers said in a SQLite file, for all threads and processes of one machine.

    A `coveo_enrich.enrichment.ClassificationStore`. An answer is in the file when `keep` returns, and survives the end
    of the process. Of several runs that want the same answer at the same moment, one asks: see `claim`. URLs and
    identities are kept as hashes. A file that is damaged, or holds something else, is renamed with a warning, and a new
    one begun; a file that cannot be written during a run costs further calls, and no product. It is opened at first use
    in each process, so it can be pickled, and used again after `close`.

    Args:
        path: The file, on a disk of this machine (SQLite's WAL does not work over a network); made when there is none.
        url_ttl: How long what is known of a URL is believed without a request: seconds, or a timedelta; 0 or more,
            default 7 days.
        failure_ttl: How long a permanent failure is believed: seconds, or a timedelta; 0 or more, default 1 day.
        store_people_labels: Whether labels about the sex, age or origin of people are kept; default true. Without them
            answers are kept apart from whole ones: to have these later costs the calls again.

    Attributes:
        now: The clock, in seconds since 1970, UTC.

    Raises:
        ConfigurationError: A setting is out of its range; at first use: the file cannot be opened for writing, or is of
            a newer version.
    """

    now: Callable[[], float]

    def __init__(
        self,
        path: str | Path,
        *,
        url_ttl: float | timedelta = timedelta(days=7),
        failure_ttl: float | timedelta = timedelta(days=1),
        store_people_labels: bool = True,
    ) -> None:
        self._url_ttl = seconds_of("url_ttl", url_ttl)
        self._failure_ttl = seconds_of("failure_ttl", failure_ttl)
        self._store_people_labels = store_people_labels
        self.now = time.time
        self._start(path)

    def _start(self, path: str | Path) -> None:
        self._file = CacheFile(path)
        self._counting = threading.Lock()
        self._hits = self._misses = 0
        self._has_swept = False

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def url_ttl(self) -> float:
        """How long what is known of a URL is believed without a request, in seconds."""
        return self._url_ttl

    @property
    def store_people_labels(self) -> bool:
        """Whether labels about people are kept."""
        return self._store_people_labels

    def known_image(self, url: str) -> KnownImage | Failure | None:
        """What a URL led to; a failure that has not expired, when it is dead; `None` when it is not known.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        found = self._find("images", _key(url))
        return None if isinstance(found, Classification) else found

    def remember_image(self, url: str, known: KnownImage | Failure) -> None:
        """Keep what a URL led to, in place of what was known of it; of failures only a permanent one.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        self._keep("images", _key(url), known)

    def answer(self, identity: str, fingerprint: str) -> Classification | Failure | None:
        """What a classifier said about a picture: the answer, or a failure that has not expired; else `None`.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        found = self._find("answers", self._answer_key(identity, fingerprint))
        with self._counting:
            self._hits += found is not None
            self._misses += found is None
        return None if isinstance(found, KnownImage) else found

    def keep(self, identity: str, fingerprint: str, outcome: Classification | Failure) -> None:
        """Keep what a classifier said; of failures only a permanent one. It is in the file when this returns.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        if isinstance(outcome, Classification) and not self._store_people_labels:
            outcome, _ = without_people_labels(outcome)
        self._keep("answers", self._answer_key(identity, fingerprint), outcome)

    def claim(self, identity: str, fingerprint: str) -> bool:
        """Take it upon this caller to ask a classifier about a picture, unless somebody else is asking.

        What a process of this machine claimed that has ended is free at once, all else after two minutes. While the
        file cannot be used, everything is.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        self._sweep_once()
        key = self._answer_key(identity, fingerprint)
        owner, at = self._file.run(_FIND["claims"], (key,)) or (None, 0.0)
        if owner is not None and abs(self.now() - at) < CLAIM_SECONDS and not has_ended(owner):
            return False
        return self._file.change(_CLAIM, (key, this_process(), self.now(), owner, at)) != 0

    def release(self, identity: str, fingerprint: str) -> None:
        """End a claim of this process: the answer is kept, or there is none.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        self._file.run(_RELEASE, (self._answer_key(identity, fingerprint), this_process()))

    def figures(self) -> CacheFigures:
        """How large it is, and what it was good for; counting takes about a second for every ten million answers.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        answers, oldest = self._file.run("SELECT count(*), min(at) FROM answers") or (0, None)
        (images,) = self._file.run("SELECT count(*) FROM images") or (0,)
        age = None if oldest is None else max(0.0, self.now() - oldest)
        with self._counting:
            return CacheFigures(answers, images, self._file.size(), age, self._hits, self._misses)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ClassificationCache({str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        here = ("_file", "_counting", "_hits", "_misses", "_has_swept")
        return {"path": self.path, **{name: value for name, value in self.__dict__.items() if name not in here}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        path = state.pop("path")
        self.__dict__.update(state)
        self._start(path)

    def _sweep_once(self) -> None:
        """Clear away what was claimed by processes that were killed, and that nobody asks about any more."""
        if not self._has_swept:
            self._has_swept = True
            self._file.run(_SWEEP, (self.now(), CLAIM_SECONDS))

    def _answer_key(self, identity: str, fingerprint: str) -> bytes:
        return _key(identity, fingerprint if self._store_people_labels else fingerprint + _WITHOUT_PEOPLE)

    def _find(self, table: str, key: bytes) -> Stored | None:
        row = self._file.run(_FIND[table], (key,))
        if row is None:
            return None
        try:
            found = read_stored(row[0])
        except ValueError:  # somebody else wrote into it: as if it were not there
            return None
        if isinstance(found, Failure) and abs(self.now() - row[1]) >= self._failure_ttl:
            return None
        return found

    def _keep(self, table: str, key: bytes, value: Stored) -> None:
        if isinstance(value, Failure) and value.kind != "permanent":
            return
        try:
            text = stored_text(value)
        except (TypeError, ValueError) as error:
            _log.warning("an answer of %s cannot be kept: %s", getattr(value, "classifier", None), error)
            return
        self._file.run(_KEEP[table], (key, text, self.now()))


def _key(*parts: str) -> bytes:
    """A hash in place of what may hold a signature, a password or any character."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
