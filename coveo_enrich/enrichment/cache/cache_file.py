"""A SQLite file that threads and processes share, and that may be damaged, locked or full without hurting a run.

Every statement is a transaction of its own, so a process may end at any moment. What the tables hold is not known here.
"""

from __future__ import annotations

import codecs
import contextlib
import logging
import os
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from weakref import WeakSet

from coveo_enrich.errors import ConfigurationError

__all__ = ["SCHEMA_VERSION", "CacheFile"]

SCHEMA_VERSION: Final = 1

Result = TypeVar("Result")

_log = logging.getLogger("coveo_enrich.enrichment")

_APPLICATION_ID: Final = 0x43_45_43_43
"""Tells a cache from the databases of other programs."""
_TABLES: Final = ("answers", "images", "claims")
# With a rowid, as rows of several hundred bytes inside the index of the keys take three times as long to find.
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS {} (key BLOB PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL)"
_BUSY_SECONDS: Final = 10.0
"""How long another process is waited for: a write takes a tenth of a millisecond."""
_BUSY_AGAIN_MILLISECONDS: Final = 50
"""How long once that was in vain, so that a file that stays locked does not stop the run."""
_LOOK_AGAIN_SECONDS: Final = 0.01
_MEMORY_KILOBYTES: Final = 16_000
"""For pages of the file, however large it is."""
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY_CODE: Final = 0xFF
_MAGIC: Final = b"SQLite format 3\0"
_BEGINNING_BYTES: Final = 100  # of a database, its header


class _NotOurs(Exception):
    """The file holds something that cannot be used: the reason stands in the message."""


class CacheFile:
    """The file of a cache, opened at first use in each process. Safe for threads.

    One connection serves all threads of a process: it is as quick as one for each, as measured with up to 16 of them,
    and SQLite has only one writer at a time anyway.

    Args:
        path: The file; it is made when there is none.
    """

    def __init__(self, path: str | Path) -> None:
        self._connection: sqlite3.Connection | None = None
        self.path = Path(path)
        self._lock = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._was_open = False
        self._complained = False
        with _registering:
            _files.add(self)

    def run(self, statement: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Run one statement; its first row, or `None` when there is none, or the file cannot be used just now.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        return self._take(statement, parameters, sqlite3.Cursor.fetchone)

    def change(self, statement: str, parameters: Sequence[object] = ()) -> int | None:
        """Run one statement; how many rows it changed, or `None` when the file cannot be used just now.

        Raises:
            ConfigurationError: The file cannot be opened the first time.
        """
        return self._take(statement, parameters, _rows_changed)

    def size(self) -> int:
        """Bytes on disk, with what SQLite keeps beside the file."""
        return sum(file.stat().st_size for file in _with_companions(self.path.resolve()) if file.exists())

    def close(self) -> None:
        """Close the file; the next statement opens it again."""
        with self._lock:
            self._disconnect()

    def __del__(self) -> None:
        if self._connection is not None:  # of an enricher that nobody has any more
            self._connection.close()

    def _take(
        self, statement: str, parameters: Sequence[object], result: Callable[[sqlite3.Cursor], Result]
    ) -> Result | None:
        with self._lock:
            try:
                return result((self._connection or self._connected()).execute(statement, parameters))
            except (sqlite3.Error, OSError) as error:
                return self._taken_again(error, statement, parameters, result)

    def _taken_again(
        self,
        error: sqlite3.Error | OSError,
        statement: str,
        parameters: Sequence[object],
        result: Callable[[sqlite3.Cursor], Result],
    ) -> Result | None:
        """Once more in a new file, should this one be damaged; `None` when that is no use."""
        try:
            if isinstance(error, sqlite3.DatabaseError) and _is_damage(error):
                self._put_aside(str(error))
                return result(self._connected().execute(statement, parameters))
        except (sqlite3.Error, OSError) as another:
            error = another
        self._complain(error)
        return None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._open()
            self._was_open = True
        return self._connection

    def _open(self) -> sqlite3.Connection:
        try:
            try:
                return self._connect()
            except (_NotOurs, sqlite3.DatabaseError) as error:
                if not (isinstance(error, _NotOurs) or _is_damage(error)):
                    raise
                self._put_aside(str(error))
                return self._connect()
        except (sqlite3.Error, OSError, _NotOurs) as error:
            if self._was_open and not isinstance(error, _NotOurs):
                raise
            raise ConfigurationError(
                f"the cache {self.path} cannot be opened for writing ({error}); its folder has to exist, be writable, "
                "have room, and be on a disk of this machine"
            ) from error

    def _connect(self) -> sqlite3.Connection:
        path = self.path.resolve()
        self._identity = _identity(path)
        _require_no_text(path)
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _put_aside(self, reason: str) -> None:
        self._disconnect()
        path = self.path.resolve()
        if _identity(path) != self._identity:  # another process was quicker, and this is a new file
            return
        aside = path.with_name(f"{path.name}.aside-{secrets.token_hex(4)}")
        for file, name in zip(_with_companions(path), _with_companions(aside), strict=True):
            if file.exists():
                file.rename(name)
        _log.warning("%s is no usable cache (%s): it was renamed to %s, and a new one begun", path, reason, aside.name)

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            _log.warning("the cache %s cannot be used just now, and the run goes on without: %s", self.path, error)
        if self._connection is not None:
            self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_AGAIN_MILLISECONDS}")


def _rows_changed(cursor: sqlite3.Cursor) -> int:
    return cursor.rowcount


def _require_no_text(path: Path) -> None:
    """Refuse a catalog, or whatever else was named by mistake: only what may be a damaged cache is put aside."""
    with contextlib.suppress(FileNotFoundError, IsADirectoryError), path.open("rb") as file:
        beginning = file.read(_BEGINNING_BYTES)
        if beginning and _is_text(beginning):
            raise _of_somebody_else(path, "it is a text")


def _is_text(beginning: bytes) -> bool:
    if beginning.startswith(_MAGIC) or b"\0" in beginning:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True


def _of_somebody_else(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(f"{path} is no cache ({what}), and is left as it is: name another file for the cache")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _check_marks(connection, path)
    _switch_to_wal(connection)
    # With WAL this survives the end of the process; only the end of the machine's power may take the last answers.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{_MEMORY_KILOBYTES}")
    connection.execute("BEGIN IMMEDIATE")  # finds out, too, whether it can be written
    for table in _TABLES:
        connection.execute(_SCHEMA.format(table))
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _check_marks(connection: sqlite3.Connection, path: Path) -> None:
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        return
    application, version = (
        connection.execute(f"PRAGMA {mark}").fetchone()[0] for mark in ("application_id", "user_version")
    )
    if application != _APPLICATION_ID:
        raise _of_somebody_else(path, "it is the database of another program")
    if version > SCHEMA_VERSION:
        raise ConfigurationError(
            f"the cache {path} has version {version}, made by a newer coveo-enrich; this one reads version "
            f"{SCHEMA_VERSION}: update coveo-enrich, or name another file"
        )
    if version < SCHEMA_VERSION:
        raise _NotOurs(f"it has version {version}, and this coveo-enrich reads version {SCHEMA_VERSION}")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:  # SQLite itself does not wait here for another process that does the same
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return _code(error) in _DAMAGED


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _with_companions(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))]


# SQLite forbids a connection in a process that it was not made in: a fork finds all of them closed, and none in use.
_files = WeakSet[CacheFile]()
_registering = threading.Lock()
_held: list[CacheFile] = []


def _before_fork() -> None:
    _registering.acquire()
    for file in list(_files):
        file._lock.acquire()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of this module
        _held.append(file)
        file._disconnect()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of this module


def _after_fork() -> None:
    while _held:
        _held.pop()._lock.release()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of this module
    _registering.release()


if sys.platform != "win32":
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
