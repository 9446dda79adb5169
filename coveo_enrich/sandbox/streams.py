"""Open and closed streams, and the containers that belong to each: who may do what when, no file and no index."""

from __future__ import annotations

import uuid

import attrs

from coveo_enrich.sandbox.refusals import invalid_parameter

__all__ = ["Stream", "Streams"]


@attrs.define
class Stream:
    """A stream.

    Attributes:
        stream_id: Coveo's ``streamId``.
        file_ids: Its containers, in the order in which they were given out.
        is_open: Whether it still takes chunks.
    """

    stream_id: str
    file_ids: list[str]
    is_open: bool = True


class Streams:
    """The streams of the source. Several may be open at once."""

    def __init__(self) -> None:
        self._by_id: dict[str, Stream] = {}

    def open(self, file_id: str) -> Stream:
        """A new stream, with its first container."""
        stream = Stream(str(uuid.uuid4()), [file_id])
        self._by_id[stream.stream_id] = stream
        return stream

    def require_open(self, stream_id: str) -> Stream:
        """The stream of that id.

        Raises:
            Refused: 412, when there is none or it is closed. What Coveo answers then is not documented.
        """
        stream = self._by_id.get(stream_id)
        if stream is None:
            raise invalid_parameter("There is no such stream.")
        if not stream.is_open:
            raise invalid_parameter("The stream is closed.")
        return stream

    def all(self) -> list[Stream]:
        """Every stream, the oldest first."""
        return list(self._by_id.values())
