"""When a load may be closed, and older items deleted: states, legal moves and guards, without any I/O.

Closing a stream makes its source exactly what the stream held, so everything that was not sent is deleted. That is
why the decision stands here, as a table and pure functions, and why anything that fails parks the stream in `STOPPED`,
from which no move leads to a close. Sending requests is left to others.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import attrs

from coveo_enrich.errors import ChunksExpired, EmptyLoad, ShrinkingLoad, StreamStateError
from coveo_enrich.retry import TRANSIENT_STATUSES, is_success

__all__ = [
    "LEGAL_MOVES",
    "CloseAnswer",
    "CloseVerdict",
    "ExpectedItems",
    "LoadProtocol",
    "StreamEvent",
    "StreamState",
    "UpdateVerdict",
    "UploadVerdict",
    "after_close",
    "after_update",
    "after_upload",
    "leaves_doubt",
    "next_state",
    "require_fresh",
    "require_worth_it",
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
    adding: bool = attrs.field(init=False, default=True)

    def __attrs_post_init__(self) -> None:
        self.adding = self._may_be_added_to()

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
        self.adding = self.adding and self._may_be_added_to()

    def _may_be_added_to(self) -> bool:
        return self.state in (StreamState.NEW, StreamState.OPEN)

    def end_adding(self) -> None:
        """From now on nothing can be added."""
        self.adding = False

    def require_adding(self) -> None:
        """Raise `StreamStateError` unless an item may still be added."""
        if not self.adding:
            state = "about to be closed" if self._may_be_added_to() else self.state.value
            raise StreamStateError(f"nothing can be added to a load that is {state}")

    def require_worth_closing(self) -> None:
        """Raise when closing would empty the source, or leave less than half of it."""
        require_worth_it(self.source_id, self.items, self.expected)

    def require_closable(self) -> None:
        """Raise unless nothing stands against the close: no upload under way, no hole, something to close."""
        if self.uploads_under_way:
            raise StreamStateError(f"{self.uploads_under_way} uploads are still under way")
        self.require_worth_closing()


def require_worth_it(source_id: str, items: int, expected: ExpectedItems) -> None:
    """Raise when a source of so many items would be empty, or have less than half of what is expected (law 3)."""
    if not items:
        raise EmptyLoad(source_id)
    if expected.shrinks_to(items):
        raise ShrinkingLoad(items, expected.number or 0, expected.origin)


_LONGEST_LOAD_SECONDS: Final = 58 * 60  # a container lives 60 minutes "in any case", docs.coveo.com/en/43


def require_fresh(seconds: float) -> None:
    """Raise when the first chunk of a load may have expired.

    Args:
        seconds: Time since its container was asked for.
    """
    if seconds > _LONGEST_LOAD_SECONDS:
        raise ChunksExpired(seconds / 60)


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

_SERVER_ERROR: Final = 500
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
    return CloseVerdict.UNKNOWN if any(map(leaves_doubt, answers)) else CloseVerdict.REFUSED


def leaves_doubt(answer: CloseAnswer) -> bool:
    """Whether the service may have done what was asked, although it did not say so."""
    if isinstance(answer, int):
        # Gateways have statuses of their own above 500, and give them after the service got the request too.
        return (answer >= _SERVER_ERROR or answer in TRANSIENT_STATUSES) and answer not in _NOTHING_WAS_DONE
    return answer == "lost"


class UpdateVerdict(enum.Enum):
    """What to do after a call that makes an uploaded file take effect was answered, or not."""

    CONFIRMED = "confirmed"
    AGAIN = "again"  # the same call
    NEW_CONTAINER = "new container"  # the same bytes into another one, and another call
    EXPIRED = "expired"  # the same, but without a doubt, and at once
    UNKNOWN = "unknown"  # applied or not, and it must not be applied twice
    REFUSED = "refused"


def after_update(answer: CloseAnswer, error_code: str | None, *, repeatable: bool) -> UpdateVerdict:
    """Decide after one call.

    A reply that was lost, or an answer from in front of the service, leaves it open whether the file was taken. Whole
    items may be sent twice, so they are; an operation that adds to what is there may not.

    Args:
        answer: An HTTP status; or the request left and no reply came; or it never left.
        error_code: Coveo's ``errorCode``.
        repeatable: Whether applying the file twice comes to the same as once.
    """
    if isinstance(answer, int) and is_success(answer):
        return UpdateVerdict.CONFIRMED
    if answer in _NOTHING_WAS_DONE and error_code != "TOO_MANY_DOCUMENTS_DAILY":
        return UpdateVerdict.AGAIN
    if leaves_doubt(answer):
        return UpdateVerdict.NEW_CONTAINER if repeatable else UpdateVerdict.UNKNOWN
    return UpdateVerdict.EXPIRED if error_code == "INVALID_PARAMETER" else UpdateVerdict.REFUSED
