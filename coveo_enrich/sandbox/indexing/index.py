"""What is in the index, written and read by one thread of its own.

Coveo answers at once and indexes later; here everything happens in its order, and who asks what is in the index waits
until all that was accepted before is done. Nothing runs by a timer: what is due by the sandbox's clock is carried out
before whatever comes next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from coveo_enrich.sandbox.indexing.processing import Abandoned, Intake, process_file, reject_file
from coveo_enrich.sandbox.indexing.source_reader import SourceReader
from coveo_enrich.sandbox.indexing.store import Store
from coveo_enrich.sandbox.logs.entries import LogEntry, LogQuery
from coveo_enrich.sandbox.values import Dropped, Source, SourceSize, StoredItem

__all__ = ["Index"]

T = TypeVar("T")


class Index:
    """The items of every source.

    All times are milliseconds since 1970 by the sandbox's clock, and never go back from one call to the next.

    Args:
        path: The SQLite file.
        finishes: Whether what was accepted is still carried out when the index is stopped.
        delay: Milliseconds until searches find what was done.
    """

    def __init__(self, path: Path, *, finishes: bool = False, delay: int = 0) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="coveo-sandbox-index")
        self._finishes = finishes
        self._is_stopping = threading.Event()
        self._items_by_file: dict[str, int] = {}
        self._failure: Exception | None = None
        try:
            self._store = self._thread.submit(Store, path, delay).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def load(
        self,
        source: Source,
        intake: Intake,
        now: int,
        *,
        removal_at: int,
        protects: bool,
        expired: Sequence[str] = (),
    ) -> None:
        """Make the source the union of the files; of two items with the same id the later one stays. Does not wait.

        Args:
            source: The source.
            intake: The files.
            now: The time in the sandbox.
            removal_at: When items that the files do not contain leave.
            protects: Whether they stay when the files contain no item at all.
            expired: Files that were uploaded and are gone.
        """
        lost = [Dropped(None, None, "the chunk expired before its stream was closed", name) for name in expired]
        self._do(lambda: self._load(source, intake, lost, removal_at=removal_at, protects=protects), now)

    def update(self, source: Source, intake: Intake, now: int) -> None:
        """Carry out the files, and leave other items alone. Does not wait."""
        self._do(lambda: self._update(source, intake), now)

    def remove_older(self, source: Source, ordering_id: int, now: int, *, due: int) -> None:
        """Let items whose last operation is strictly older leave when ``due`` has come. Does not wait."""
        self._do(lambda: self._store.plan_removal(self._store.key(source), ordering_id, due), now)

    def save_field(self, organization_id: str, name: str, model: Mapping[str, Any] | None, now: int) -> None:
        """Remember a field over restarts, or forget it when there is no model. Does not wait."""
        self._do(lambda: self._store.save_field(organization_id, name, model), now)

    def save_mappings(self, organization_id: str, source_id: str, model: Mapping[str, Any], now: int) -> None:
        """Remember the mapping rules of a source over restarts. Does not wait."""
        self._do(lambda: self._store.save_mappings(organization_id, source_id, model), now)

    def save_catalogs(self, organization_id: str, model: Mapping[str, Any], now: int) -> None:
        """Remember the catalogs of an organization over restarts. Does not wait."""
        self._do(lambda: self._store.save_catalogs(organization_id, model), now)

    def save_number(self, name: str, value: int, now: int) -> None:
        """Remember a number over restarts. Does not wait."""
        self._do(lambda: self._store.set_number(name, value), now)

    def fields(self) -> list[tuple[str, dict[str, Any]]]:
        """The model of every field that was remembered, with its organization."""
        return self._thread.submit(self._store.fields).result()

    def mappings(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The mapping rules that were remembered, each with its organization and source."""
        return self._thread.submit(self._store.mappings).result()

    def catalogs(self) -> list[tuple[str, dict[str, Any]]]:
        """The catalogs that were remembered, each with its organization."""
        return self._thread.submit(self._store.catalogs).result()

    def number(self, name: str) -> int:
        """A number that was remembered; 0 when it was not."""
        return self._thread.submit(self._store.number, name).result()

    def last_ordering_id(self) -> int:
        """The largest orderingId that was given for files; 0 when there is none."""
        return self._thread.submit(self._store.last_ordering_id).result()

    def items(self, source: Source, now: int) -> Future[list[dict[str, Any]]]:
        """Every item with the fields that were kept, by ``documentId``."""
        return self._read(lambda: self._store.items(self._store.key(source)), now)

    def samples(self, source: Source, now: int) -> Future[list[dict[str, Any]]]:
        """What the items of the source's sample said."""
        return self._read(lambda: self._store.samples(self._store.key(source)), now)

    def dropped(self, source: Source, now: int) -> Future[list[Dropped]]:
        """What was dropped of what was last sent."""
        return self._read(lambda: self._store.dropped(self._store.key(source)), now)

    def logged(
        self, organization_id: str, query: LogQuery, read: Callable[[Iterator[LogEntry]], T], now: int
    ) -> Future[T]:
        """What ``read`` makes of the entries of the logs that are asked for, the newest first."""
        return self._read(
            lambda: read(filter(query.passes, self._store.logged(organization_id, query.start, query.end))), now
        )

    def searched(self, organization_id: str, ask: Callable[[Iterator[StoredItem]], T], now: int) -> Future[T]:
        """What ``ask`` makes of the items that searches find now, which come in no order."""
        return self._read(lambda: ask(self._store.searchable(organization_id, now)), now)

    def look(self, source: Source, read: Callable[[SourceReader], T], now: int) -> Future[T]:
        """What ``read`` reads of what is stored of a source."""
        return self._read(lambda: read(self._store.reader(source)), now)

    def count(self, source: Source, now: int) -> Future[int]:
        """How many items there are."""
        return self._read(lambda: self._store.count(self._store.key(source)), now)

    def sizes(self, now: int) -> Future[list[SourceSize]]:
        """Every source that was called, with the number of its items."""
        return self._read(self._store.sizes, now)

    def items_by_file(self, now: int) -> Future[dict[str, int]]:
        """How many entries of each file were taken up; files that were not processed are missing."""
        return self._read(lambda: dict(self._items_by_file), now)

    def abandon(self) -> None:
        """Give up what was accepted, unless it is to be finished, so that nobody waits for it any more."""
        if not self._finishes:
            self._is_stopping.set()

    def stop(self) -> None:
        """Finish or abandon what is being done, and close."""
        self.abandon()
        self._thread.submit(self._store.close).result()
        self._thread.shutdown()

    def _do(self, work: Callable[[], None], now: int) -> None:
        def do() -> None:
            if self._failure is not None or self._is_stopping.is_set():
                return
            try:
                self._store.settle(now)
                work()
            except Abandoned:
                return
            except Exception as error:  # noqa: BLE001 - raised by whoever looks next
                self._failure = error

        self._thread.submit(do)

    def _read(self, query: Callable[[], T], now: int) -> Future[T]:
        def read() -> T:
            if self._failure is not None:
                raise self._failure
            self._store.settle(now)
            return query()

        return self._thread.submit(read)

    def _load(
        self, source: Source, intake: Intake, lost: Sequence[Dropped], *, removal_at: int, protects: bool
    ) -> None:
        key = self._store.key(source)
        with self._store.transaction():
            self._store.forget_dropped_before(key, intake.ordering_id)
            self._store.drop(key, intake.ordering_id, lost)
            items = self._take_in(key, intake)
            if items or not protects:
                self._store.plan_removal(key, intake.ordering_id, removal_at)

    def _update(self, source: Source, intake: Intake) -> None:
        with self._store.transaction():
            self._take_in(self._store.key(source), intake)

    def _why_barred(self, source: int, ordering_id: int) -> str | None:
        barred_until = self._store.barred_until(source)
        if ordering_id >= barred_until:
            return None
        return f"the source takes nothing in before {barred_until}, as deleteolderthan was told"

    def _take_in(self, source: int, intake: Intake) -> int:
        counts = {file.file_id: 0 for file in intake.files}
        reason = intake.refusal or self._why_barred(source, intake.ordering_id)
        if reason is not None:
            for file in intake.files:
                reject_file(self._store, source, intake, file, reason)
        else:
            for file in intake.files:
                counts[file.file_id] = process_file(self._store, source, intake, file, self._is_stopping.is_set)
            self._store.note_newest(source, intake.ordering_id)
        self._items_by_file.update(counts)
        for file in intake.files:
            file.path.unlink()
        return sum(counts.values())
