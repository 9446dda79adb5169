"""When a load may be closed: the states of a stream, its legal moves, and the guards, without any I/O.

Closing a stream makes its source exactly what the stream held, so everything that was not sent is deleted. That is
why the decision stands here, as a table and pure functions, and why anything that fails parks the stream in `STOPPED`,
from which no move leads to a close. Sending requests is left to `coveo_enrich.stream.client`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from coveo_enrich.errors import EmptyLoad, ShrinkingLoad, StreamStateError
from coveo_enrich.retry import TRANSIENT_STATUSES, is_success

__all__ = [
    "LEGAL_MOVES",
    "CloseAnswer",
    "CloseVerdict",
    "ExpectedItems",
    "LoadProtocol",
    "StreamEvent",
    "StreamState",
    "UploadVerdict",
    "after_close",
    "after_upload",
    "next_state",
]


class StreamState(enum.Enum):
    """How far a load has come."""

    NEW = "new"  # nothing was asked of Coveo yet
    OPEN = "open"  # Coveo gave a stream id
    CLOSING = "closing"  # close was sent, its reply is awaited
    CLOSED = "closed"  # Coveo confirmed the close
    STOPPED = "stopped"  # never closed: the source stays as it was
    UNKNOWN = "unknown"  # the reply to close was lost


class StreamEvent(enum.Enum):
    """What happens to a load."""

    OPENED = "opened"
    UPLOAD_STARTED = "upload started"
    UPLOAD_DONE = "upload done"
    FAILED = "failed"
    ABANDONED = "abandoned"
    CLOSE_SENT = "close sent"
    CLOSE_CONFIRMED = "close confirmed"
    CLOSE_REFUSED = "close refused"
    CLOSE_LOST = "close lost"


LEGAL_MOVES: Final[Mapping[tuple[StreamState, StreamEvent], StreamState]] = {
    (StreamState.NEW, StreamEvent.OPENED): StreamState.OPEN,
    (StreamState.NEW, StreamEvent.FAILED): StreamState.STOPPED,
    (StreamState.NEW, StreamEvent.ABANDONED): StreamState.STOPPED,
    (StreamState.OPEN, StreamEvent.UPLOAD_STARTED): StreamState.OPEN,
    (StreamState.OPEN, StreamEvent.UPLOAD_DONE): StreamState.OPEN,
    (StreamState.OPEN, StreamEvent.FAILED): StreamState.STOPPED,
    (StreamState.OPEN, StreamEvent.ABANDONED): StreamState.STOPPED,
    (StreamState.OPEN, StreamEvent.CLOSE_SENT): StreamState.CLOSING,
    (StreamState.CLOSING, StreamEvent.CLOSE_CONFIRMED): StreamState.CLOSED,
    (StreamState.CLOSING, StreamEvent.CLOSE_REFUSED): StreamState.STOPPED,
    (StreamState.CLOSING, StreamEvent.CLOSE_LOST): StreamState.UNKNOWN,
    (StreamState.STOPPED, StreamEvent.UPLOAD_DONE): StreamState.STOPPED,
    (StreamState.STOPPED, StreamEvent.FAILED): StreamState.STOPPED,
    (StreamState.STOPPED, StreamEvent.ABANDONED): StreamState.STOPPED,
}
"""Every move that there is; whatever is not listed is refused and changes nothing."""


def next_state(state: StreamState, event: StreamEvent) -> StreamState:
    """Where an event leads.

    Raises:
        StreamStateError: The event is not legal in this state.
    """
    try:
        return LEGAL_MOVES[state, event]
    except KeyError:
        raise StreamStateError(f"'{event.value}' cannot happen to a load that is {state.value}") from None


@attrs.frozen
class ExpectedItems:
    """How many items the source is expected to have, which a load is measured against.

    Attributes:
        number: The number; `None` when the caller allowed the catalog to shrink.
        origin: Where it came from, in words.
    """

    number: int | None
    origin: str

    def shrinks_to(self, items: int) -> bool:
        """Whether so many items are less than half of what is expected."""
        return self.number is not None and 2 * items < self.number


@attrs.define
class LoadProtocol:
    """One load: where it stands, and whether it may be closed.

    Several uploads may be under way at once; the close waits until every one of them is done.
    """

    source_id: str
    expected: ExpectedItems
    state: StreamState = StreamState.NEW
    items: int = 0
    uploads_under_way: int = 0

    def happen(self, event: StreamEvent) -> None:
        """Make a legal move; any other raises `StreamStateError` and changes nothing."""
        if event is StreamEvent.CLOSE_SENT:
            self.require_closable()
        if event is StreamEvent.UPLOAD_DONE and not self.uploads_under_way:
            raise StreamStateError("no upload is under way that could be done")
        state = next_state(self.state, event)
        if event is StreamEvent.UPLOAD_STARTED:
            self.uploads_under_way += 1
        if event is StreamEvent.UPLOAD_DONE:
            self.uploads_under_way -= 1
        self.state = state

    def require_adding(self) -> None:
        """Raise `StreamStateError` unless an item may still be added."""
        if self.state not in (StreamState.NEW, StreamState.OPEN):
            raise StreamStateError(f"nothing can be added to a load that is {self.state.value}")

    def require_worth_closing(self) -> None:
        """Raise when closing would empty the source, or leave less than half of it."""
        if not self.items:
            raise EmptyLoad(self.source_id)
        if self.expected.shrinks_to(self.items):
            raise ShrinkingLoad(self.items, self.expected.number or 0, self.expected.origin)

    def require_closable(self) -> None:
        """Raise unless nothing stands against the close: no upload under way, no hole, something to close."""
        if self.uploads_under_way:
            raise StreamStateError(f"{self.uploads_under_way} uploads are still under way")
        self.require_worth_closing()


class UploadVerdict(enum.Enum):
    """What to do after an upload was answered, or not."""

    DONE = "done"
    AGAIN = "again"  # the same bytes into the same container
    NEW_CONTAINER = "new container"  # the same bytes into another one
    GIVE_UP = "give up"


_CONTAINER_IS_GONE: Final = frozenset({403, 404, 410})


def after_upload(status: int | None, code: str | None = None) -> UploadVerdict:
    """Decide after one upload.

    Args:
        status: The HTTP status; `None` when nothing was answered.
        code: The storage's own error code, from its XML body.
    """
    if status is None or status in TRANSIENT_STATUSES or code == "RequestTimeout":
        return UploadVerdict.AGAIN
    if is_success(status):
        return UploadVerdict.DONE
    if status in _CONTAINER_IS_GONE or code == "ExpiredToken":
        return UploadVerdict.NEW_CONTAINER
    return UploadVerdict.GIVE_UP


class CloseVerdict(enum.Enum):
    """What the answers to close mean."""

    CONFIRMED = "confirmed"
    AGAIN = "again"
    REFUSED = "refused"  # certainly not closed
    UNKNOWN = "unknown"  # closed or not: nobody can tell from the answers


CloseAnswer = int | Literal["lost", "not sent"]
"""An HTTP status; or the request left and no reply came; or it never left."""

_NOTHING_WAS_DONE: Final[frozenset[CloseAnswer]] = frozenset({429, 503, "not sent"})


def after_close(answers: Sequence[CloseAnswer], *, may_repeat: bool) -> CloseVerdict:
    """Decide after the answers to close so far, the last one being new.

    A reply that was lost is repeated once, and a 2xx settles it: whatever else then comes back may describe a stream
    that the first request already closed. An answer from in front of the service (500, 502, 504, 408) leaves the same
    doubt, but may be repeated as the policy allows.

    Args:
        answers: What came back, in order.
        may_repeat: Whether the policy allows another try.
    """
    last = answers[-1]
    if isinstance(last, int) and is_success(last):
        return CloseVerdict.CONFIRMED
    if last == "not sent" and may_repeat:
        return CloseVerdict.AGAIN
    if "lost" in answers:
        return CloseVerdict.AGAIN if last == "lost" and answers.count("lost") == 1 else CloseVerdict.UNKNOWN
    if last in TRANSIENT_STATUSES and may_repeat:
        return CloseVerdict.AGAIN
    return CloseVerdict.UNKNOWN if any(map(_leaves_doubt, answers)) else CloseVerdict.REFUSED


def _leaves_doubt(answer: CloseAnswer) -> bool:
    return answer in TRANSIENT_STATUSES and answer not in _NOTHING_WAS_DONE
