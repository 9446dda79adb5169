"""What each call does to the sandbox's organization. It knows no HTTP, and trusts that the caller may call."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import attrs

from coveo_enrich.sandbox.clock import Clock
from coveo_enrich.sandbox.containers import Container, Containers
from coveo_enrich.sandbox.fields import Field, standard_fields
from coveo_enrich.sandbox.index import Index, UploadedFile
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.streams import Stream, Streams

__all__ = ["Backend", "Receipt", "SandboxContainer", "SandboxStream"]


@attrs.frozen
class Receipt:
    """What Coveo answers when it has taken something in.

    Attributes:
        ordering_id: Milliseconds since 1970 by the sandbox's clock, larger than every one before.
        request_id: A name for the call.
    """

    ordering_id: int
    request_id: str


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
    """One organization with one source.

    Requests come from the server's thread while a test looks in from another: the lock is held only for moments.
    """

    def __init__(self, folder: Path, url: str, organization_id: str) -> None:
        self.index = Index(folder / "index.sqlite")
        self.containers = Containers(folder, url)
        self._clock = Clock()
        self._organization_id = organization_id
        self._streams = Streams()
        self._fields = {field.name: field for field in standard_fields()}
        self._last_ordering_id = 0
        self._lock = threading.Lock()

    @property
    def clock(self) -> Clock:
        """The sandbox's time."""
        return self._clock

    def open_stream(self) -> tuple[str, Container]:
        """Open a stream: its id and its first container."""
        with self._lock:
            container = self._container()
            return self._streams.open(container.file_id).stream_id, container

    def add_chunk(self, stream_id: str) -> Container:
        """Give an open stream another container.

        Raises:
            Refused: 412.
        """
        with self._lock:
            stream = self._streams.require_open(stream_id)
            container = self._container()
            stream.file_ids.append(container.file_id)
            return container

    def close_stream(self, stream_id: str) -> Receipt:
        """Close a stream: the source becomes the union of what was uploaded to it. Does not wait for that.

        Raises:
            Refused: 412.
        """
        with self._lock:
            stream = self._streams.require_open(stream_id)
            stream.is_open = False
            receipt = self._receipt()
            self.index.load(self._forward(stream), dict(self._fields), receipt.ordering_id)
            return receipt

    def create_field(self, field: Field) -> None:
        """Add a field.

        Raises:
            Refused: 412 ``FIELD_ALREADY_EXISTS``.
        """
        with self._lock:
            if field.name in self._fields:
                raise Refused(412, "FIELD_ALREADY_EXISTS", f"There is already a field {field.name}.")
            self._fields[field.name] = field

    def fields(self) -> list[Field]:
        """Every field, by name."""
        with self._lock:
            return sorted(self._fields.values(), key=lambda field: field.name)

    def field(self, name: str) -> Field:
        """The field of that name.

        Raises:
            Refused: 404.
        """
        with self._lock:
            field = self._fields.get(name)
        if field is None:
            raise Refused(404, "FIELD_NOT_FOUND", "There is no such field.")
        return field

    def streams(self) -> list[SandboxStream]:
        """Every stream, the oldest first, as soon as the closed ones are processed."""
        items = self.index.items_by_file().result()
        with self._lock:
            return [self._shown(stream, items) for stream in self._streams.all()]

    def _shown(self, stream: Stream, items: dict[str, int]) -> SandboxStream:
        containers = (
            SandboxContainer(file_id, self.containers.size(file_id), items.get(file_id)) for file_id in stream.file_ids
        )
        return SandboxStream(stream.stream_id, stream.is_open, tuple(containers))

    def _container(self) -> Container:
        return self.containers.issue(self._organization_id, self._clock.now())

    def _receipt(self) -> Receipt:
        now = int(self._clock.now().timestamp() * 1000)
        self._last_ordering_id = max(now, self._last_ordering_id + 1)
        return Receipt(self._last_ordering_id, str(uuid.uuid4()))

    def _forward(self, stream: Stream) -> list[UploadedFile]:
        paths = ((file_id, self.containers.forward(file_id)) for file_id in stream.file_ids)
        return [UploadedFile(file_id, path) for file_id, path in paths if path is not None]
