"""Open and closed streams, and the containers that belong to each: who may do what when, no file and no index."""

from __future__ import annotations

import uuid

import attrs

from coveo_enrich.sandbox.refusals import invalid_parameter
from coveo_enrich.sandbox.values import Source

__all__ = ["Receipt", "Stream", "Streams"]


@attrs.frozen
class Receipt:
    """What Coveo answers when it has taken something in.

    Attributes:
        ordering_id: Milliseconds since 1970 by the sandbox's clock, larger than every one before.
        request_id: A name for the call.
    """

    ordering_id: int
    request_id: str


@attrs.define
class Stream:
    """A stream.

    Attributes:
        stream_id: Coveo's ``streamId``.
        source: The source that it loads.
        file_ids: Its containers, in the order in which they were given out.
        receipt: What its close was answered; `None` as long as it takes chunks.
    """

    stream_id: str
    source: Source
    file_ids: list[str] = attrs.field(factory=list[str])
    receipt: Receipt | None = None


class Streams:
    """The streams of all sources. Several of a source may be open at once."""

    def __init__(self) -> None:
        self._by_id: dict[str, Stream] = {}

    def open(self, source: Source) -> Stream:
        """A new stream, without a container."""
        stream = Stream(str(uuid.uuid4()), source)
        self._by_id[stream.stream_id] = stream
        return stream

    def require(self, source: Source, stream_id: str) -> Stream:
        """The stream of that id.

        Raises:
            Refused: 412, when the source has none. What Coveo answers then is not documented.
        """
        stream = self._by_id.get(stream_id)
        if stream is None or stream.source != source:
            raise invalid_parameter("There is no such stream.")
        return stream

    def require_open(self, source: Source, stream_id: str) -> Stream:
        """The stream of that id.

        Raises:
            Refused: 412, when the source has none, or it is closed. What Coveo answers then is not documented.
        """
        stream = self.require(source, stream_id)
        if stream.receipt is not None:
            raise invalid_parameter("The stream is closed.")
        return stream

    def all(self) -> list[Stream]:
        """Every stream, the oldest first."""
        return list(self._by_id.values())

    def of(self, source: Source) -> list[Stream]:
        """Every stream of a source, the oldest first."""
        return [stream for stream in self._by_id.values() if stream.source == source]
