"""What each call does to the sandbox. It knows no HTTP, and trusts that the caller may call."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import attrs

from coveo_enrich.sandbox.clock import Clock, milliseconds
from coveo_enrich.sandbox.indexing.batches import Call
from coveo_enrich.sandbox.indexing.index import Index
from coveo_enrich.sandbox.indexing.processing import Intake, UploadedFile
from coveo_enrich.sandbox.indexing.source_reader import SourceReader
from coveo_enrich.sandbox.logs.entries import LogEntry, LogQuery
from coveo_enrich.sandbox.platform.catalog_registry import CatalogRegistry
from coveo_enrich.sandbox.platform.organizations import Organization, Organizations
from coveo_enrich.sandbox.push.containers import Container, Containers
from coveo_enrich.sandbox.push.streams import Receipt, Stream, Streams
from coveo_enrich.sandbox.refusals import Refused, invalid_parameter
from coveo_enrich.sandbox.values import Dropped, Source, SourceSize, StoredItem

__all__ = ["Backend", "RepeatedClose", "Rules", "SandboxContainer", "SandboxStream"]

RepeatedClose: TypeAlias = Literal[200, 404, 412]

T = TypeVar("T")

_MINUTE = 60_000
_SECOND = 1_000
_AHEAD = "milliseconds ahead"


@attrs.frozen(kw_only=True)
class Rules:
    """Where Coveo leaves a choice, or is not known to behave in one way only.

    Attributes:
        deletion_delay_minutes: When items that a load does not contain leave the source, from the close on.
        protect_empty: Whether the close of an empty stream deletes nothing.
        repeated_close: The status that answers the close of a stream which is closed.
        chunks_expire: Whether a chunk that was uploaded is gone after 60 minutes if its stream is still open.
        index_delay_seconds: How long after something was done to an item searches find it so.
        log_delay_seconds: How long after its time an entry of the logs is there to be read.
        log_loads: Whether loads are logged, as updates are.
    """

    deletion_delay_minutes: float = 15.0
    protect_empty: bool = False
    repeated_close: RepeatedClose = 412
    chunks_expire: bool = True
    index_delay_seconds: float = 0.0
    log_delay_seconds: float = 0.0
    log_loads: bool = False


@attrs.frozen
class SandboxContainer:
    """A container of a stream, as `CoveoSandbox.streams` shows it.

    Attributes:
        file_id: Coveo's ``fileId``.
        size: Bytes of what was uploaded last; `None` when nothing was uploaded whole.
        items: Items that were taken up from it; `None` before its stream is closed, or when nothing was uploaded.
    """

    file_id: str
    size: int | None
    items: int | None

    @property
    def is_filled(self) -> bool:
        """Whether something was uploaded whole."""
        return self.size is not None


@attrs.frozen
class SandboxStream:
    """A stream, as `CoveoSandbox.streams` shows it.

    Attributes:
        stream_id: Coveo's ``streamId``.
        is_open: Whether it was not closed yet.
        containers: Its containers, in the order in which they were given out.
    """

    stream_id: str
    is_open: bool
    containers: tuple[SandboxContainer, ...]

    @property
    def items(self) -> int:
        """Items that were taken up from all its containers; 0 before it is closed."""
        return sum(container.items or 0 for container in self.containers)


class Backend:
    """Organizations with their fields, and sources with their items.

    Requests come from the server's thread while a test looks in from another: the lock is held only for moments.

    Args:
        folder: For what is uploaded; and for the items, when they need not be kept.
        url: Where the sandbox listens.
        rules: What it does where there is a choice.
        data: A file that keeps fields and items over restarts.
    """

    def __init__(self, folder: Path, url: str, rules: Rules, data: Path | None = None) -> None:
        delay = int(rules.index_delay_seconds * _SECOND)
        self._index = Index(data or folder / "index.sqlite", finishes=data is not None, delay=delay)
        self._clock = Clock(timedelta(milliseconds=self._index.number(_AHEAD)))
        self._last_ordering_id = self._index.last_ordering_id()
        self._organizations = Organizations(
            self._index.fields(), self._save_field, self._index.mappings(), self._save_mappings
        )
        self.catalogs = CatalogRegistry(self._index.catalogs(), self._save_catalogs, lambda: self._last_ordering_id + 1)
        self.containers = Containers(folder, url)
        self._rules = rules
        self._streams = Streams()
        self._lock = threading.Lock()

    @property
    def clock(self) -> Clock:
        """The sandbox's time."""
        return self._clock

    def abandon(self) -> None:
        """Give up what was accepted, unless it is kept, so that nobody waits for it any more."""
        self._index.abandon()

    def stop(self) -> None:
        """Close the index."""
        self._index.stop()

    def advance(self, by: timedelta) -> None:
        """Move the time forward, for the next start too when the data is kept.

        Raises:
            ValueError: ``by`` is negative, or leads too far.
        """
        self._clock.advance(by)
        self._index.save_number(_AHEAD, self._clock.ahead // timedelta(milliseconds=1), self._now())

    def organization(self, organization_id: str) -> Organization:
        """The organization of that id, which is made when there is none."""
        return self._organizations.of(organization_id)

    def open_stream(self, source: Source, host: str) -> tuple[str, Container]:
        """Open a stream: its id and its first container."""
        with self._lock:
            stream = self._streams.open(source)
            return stream.stream_id, self._chunk(stream, host)

    def add_chunk(self, source: Source, stream_id: str, host: str) -> Container:
        """Give an open stream another container.

        Raises:
            Refused: 412.
        """
        with self._lock:
            return self._chunk(self._streams.require_open(source, stream_id), host)

    def close_stream(self, source: Source, stream_id: str) -> Receipt:
        """Close a stream: the source becomes the union of what was uploaded to it. Does not wait for that.

        Raises:
            Refused: 412; 404 for a second close when the rules say so.
        """
        with self._lock:
            stream = self._streams.require(source, stream_id)
            if stream.receipt is not None:
                return self._closed_again(stream.receipt)
            stream.receipt = self._receipt()
            expired = self._discard_expired(stream)
            files = tuple(self._forward(stream))
            now = self._now()
            rules = self._rules
            logged_at = now if rules.log_loads else None
            # A source that was never named gets its usual catalog.
            self.catalogs.with_source(source.organization_id, source.source_id)
            intake = self._intake(source, "load", stream.receipt, files, logged_at)
            removal_at = now + int(rules.deletion_delay_minutes * _MINUTE)
            self._index.load(source, intake, now, removal_at=removal_at, protects=rules.protect_empty, expired=expired)
            return stream.receipt

    def create_container(self, organization_id: str, host: str) -> Container:
        """Give out a container that belongs to no stream."""
        with self._lock:
            return self.containers.issue(organization_id, None, host, self._clock.now())

    def update(self, source: Source, call: Literal["update", "merge"], file_id: str) -> Receipt:
        """Carry out what was uploaded to a container. Does not wait for that.

        Raises:
            Refused: 412.
        """
        with self._lock:
            path = self.containers.take(file_id, source.organization_id, self._clock.now())
            receipt = self._receipt()
            files = (UploadedFile(file_id, path),)
            now = self._now()
            catalogs = self.catalogs.with_source(source.organization_id, source.source_id)
            intake = self._intake(source, call, receipt, files, now)
            if call == "merge" and catalogs.catalog_of(source.source_id) is None:
                intake = attrs.evolve(intake, refusal="a merge into a source without a catalog indexes nothing")
            self._index.update(source, intake, now)
            return receipt

    def delete_older_than(self, source: Source, ordering_id: int, delay_minutes: int) -> Receipt:
        """Let items whose last operation is strictly older leave after a delay. Does not wait for that."""
        with self._lock:
            receipt = self._receipt()
            now = self._now()
            self._index.remove_older(source, ordering_id, now, due=now + delay_minutes * _MINUTE)
            return receipt

    def count(self, source: Source) -> Future[int]:
        """How many items a source has, as soon as all that was accepted is processed."""
        return self._index.count(source, self._now())

    def stream_states(self) -> list[tuple[Source, bool]]:
        """The source of every stream, and whether the stream is open."""
        with self._lock:
            return [(stream.source, stream.receipt is None) for stream in self._streams.all()]

    def sizes(self) -> Future[list[SourceSize]]:
        """Every source that was sent something or looked at, with the number of its items, as `count` tells it."""
        return self._index.sizes(self._now())

    def items(self, source: Source) -> list[dict[str, Any]]:
        """Every item of a source, as soon as all that was accepted is processed."""
        return self._index.items(source, self._now()).result()

    def logged(self, organization_id: str, query: LogQuery, read: Callable[[Iterator[LogEntry]], T]) -> Future[T]:
        """What ``read`` makes of the entries of the logs that are asked for and there, the newest first.

        As soon as all that was accepted is processed.
        """
        now = self._now()
        there = now - int(self._rules.log_delay_seconds * _SECOND)
        return self._index.logged(organization_id, attrs.evolve(query, end=min(query.end, there)), read, now)

    def searched(self, organization_id: str, ask: Callable[[Iterator[StoredItem]], T]) -> Future[T]:
        """What ``ask`` makes of the items that searches find, which come in no order.

        As soon as all that was accepted is processed.
        """
        catalogs = self.catalogs.of(organization_id)
        return self._index.searched(organization_id, lambda items: ask(filter(catalogs.is_result, items)), self._now())

    def look(self, source: Source, read: Callable[[SourceReader], T]) -> Future[T]:
        """What ``read`` reads of what is stored of a source, as soon as all that was accepted is processed."""
        return self._index.look(source, read, self._now())

    def samples(self, source: Source) -> Future[list[dict[str, Any]]]:
        """What the items of the source's sample said, as soon as all that was accepted is processed."""
        return self._index.samples(source, self._now())

    def dropped(self, source: Source) -> list[Dropped]:
        """What was dropped, as soon as all that was accepted is processed."""
        return self._index.dropped(source, self._now()).result()

    def streams(self, source: Source) -> list[SandboxStream]:
        """Every stream of a source, the oldest first, as soon as the closed ones are processed."""
        items = self._index.items_by_file(self._now()).result()
        with self._lock:
            return [self._shown(stream, items) for stream in self._streams.of(source)]

    def _shown(self, stream: Stream, items: Mapping[str, int]) -> SandboxStream:
        containers = (
            SandboxContainer(file_id, self.containers.size(file_id), items.get(file_id)) for file_id in stream.file_ids
        )
        return SandboxStream(stream.stream_id, stream.receipt is None, tuple(containers))

    def _chunk(self, stream: Stream, host: str) -> Container:
        container = self.containers.issue(stream.source.organization_id, stream.stream_id, host, self._clock.now())
        stream.file_ids.append(container.file_id)
        return container

    def _closed_again(self, receipt: Receipt) -> Receipt:
        if self._rules.repeated_close == 200:  # noqa: PLR2004 - HTTP's OK
            return receipt
        if self._rules.repeated_close == 404:  # noqa: PLR2004 - HTTP's Not Found
            raise Refused(404, "STREAM_NOT_FOUND", "There is no such open stream.")
        raise invalid_parameter("The stream is closed.")

    def _receipt(self) -> Receipt:
        self._last_ordering_id = max(self._now(), self._last_ordering_id + 1)
        return Receipt(self._last_ordering_id, str(uuid.uuid4()))

    def _now(self) -> int:
        return milliseconds(self._clock.now())

    def _intake(
        self, source: Source, call: Call, receipt: Receipt, files: tuple[UploadedFile, ...], logged_at: int | None
    ) -> Intake:
        """What was accepted, with the fields and mapping rules of now: a later change does nothing to it."""
        organization = self.organization(source.organization_id)
        mappings = organization.mappings(source.source_id).now
        return Intake(call, receipt.ordering_id, files, organization.by_name, logged_at, mappings=mappings)

    def _discard_expired(self, stream: Stream) -> list[str]:
        """Lose the chunks whose time is over; returns those that held something."""
        if not self._rules.chunks_expire:
            return []
        now = self._clock.now()
        expired = [file_id for file_id in stream.file_ids if self.containers.has_expired(file_id, now)]
        lost = [file_id for file_id in expired if self.containers.size(file_id) is not None]
        for file_id in expired:
            self.containers.discard(file_id)
        return lost

    def _forward(self, stream: Stream) -> Iterator[UploadedFile]:
        for file_id in stream.file_ids:
            path = self.containers.forward(file_id)
            if path is not None:
                yield UploadedFile(file_id, path)
            else:
                self.containers.discard(file_id)

    def _save_field(self, organization_id: str, name: str, model: Mapping[str, Any] | None) -> None:
        self._index.save_field(organization_id, name, model, self._now())

    def _save_mappings(self, organization_id: str, source_id: str, model: Mapping[str, Any]) -> None:
        self._index.save_mappings(organization_id, source_id, model, self._now())

    def _save_catalogs(self, organization_id: str, model: Mapping[str, Any]) -> None:
        self._index.save_catalogs(organization_id, model, self._now())
