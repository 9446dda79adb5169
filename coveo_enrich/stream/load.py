"""A load as it happens: opens, uploads and closes as `coveo_enrich.stream.protocol` decides.

The one place where a stream is closed. Whatever fails here parks the load, and the error that leaves says, in a note,
what became of the source.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import attrs

from coveo_enrich._calls import error_of
from coveo_enrich.errors import ChunksExpired, CloseOutcomeUnknown, NoReply, StreamStateError, TooManyItems
from coveo_enrich.stream import endpoints
from coveo_enrich.stream.delivery import Delivery, NoDelivery, StreamDelivery, acknowledgement_in, answer_of
from coveo_enrich.stream.endpoints import Acknowledgement
from coveo_enrich.stream.protocol import (
    LEGAL_MOVES,
    CloseAnswer,
    CloseVerdict,
    ExpectedItems,
    LoadProtocol,
    StreamEvent,
    StreamState,
    after_close,
    leaves_doubt,
    require_fresh,
)
from coveo_enrich.stream.receipts import Receipt
from coveo_enrich.stream.run import Connection, Run

if TYPE_CHECKING:
    from coveo_enrich._calls import Patience
    from coveo_enrich.stream.settings import StreamSettings

__all__ = ["LoadStream"]


@attrs.frozen
class _Moment:
    """A point in time, by a clock that nobody sets, and by one that goes on while the machine sleeps."""

    steady: float
    wall: float

    def since(self, earlier: _Moment) -> float:
        """Seconds, by the clock that saw more of them."""
        return max(self.steady - earlier.steady, self.wall - earlier.wall)


def _now() -> _Moment:
    return _Moment(time.monotonic(), time.time())


class LoadStream:
    """A load under way, made by `StreamClient.open_stream`.

    Serves one with-block, in one process, one thread at a time. Until the first chunk is full nothing is asked of Coveo
    but the size of the source, so an early mistake opens nothing. Leaving the block is the only way to close.
    """

    def __init__(
        self,
        connection: Connection,
        settings: StreamSettings,
        max_items: int,
        expect: Callable[[Patience], ExpectedItems],
    ) -> None:
        self._source = connection.source
        self._settings = settings
        self._max_items = max_items
        self._expect = expect
        self._run = Run("load", connection, settings, self._open, self._happen)
        self._load: LoadProtocol | None = None
        self._stream_id: str | None = None
        self._opened_at: _Moment | None = None
        self._in_use = threading.Lock()
        self._failure: BaseException | None = None
        self._receipt: Receipt | None = None

    @property
    def stream_id(self) -> str | None:
        """Coveo's id of the stream; `None` until the first chunk is on its way, and in a dry run."""
        return self._stream_id

    @property
    def state(self) -> StreamState:
        """How far the load has come."""
        return self._load.state if self._load else StreamState.NEW

    @property
    def receipt(self) -> Receipt:
        """What was sent, once Coveo has confirmed the close.

        Raises:
            StreamStateError: The stream is not closed.
        """
        if self._receipt is None:
            raise StreamStateError(f"there is no receipt for a load that is {self.state.value}: it was not closed")
        return self._receipt

    def add(self, document: Mapping[str, Any]) -> None:
        """Add one item.

        Raises:
            InvalidItem: Coveo would refuse it, or an earlier item has its id. The load will not be closed.
            TooManyItems: There are more items than ``max_items``. The load will not be closed.
            ChunksExpired: The first chunk is about an hour old. The load will not be closed.
            StreamStateError: The stream takes no more items.
        """
        load = self._entered()
        load.require_adding()
        self._begin_use()
        try:
            self._add(document, load)
        except BaseException as error:
            self._fail(load, error)
            raise
        finally:
            self._in_use.release()

    def load(self, documents: Iterable[Mapping[str, Any]]) -> Receipt:
        """Enter the block, add all of these items, and leave it: what `StreamClient.load` does."""
        try:
            with self:
                for document in documents:
                    self.add(document)
        except BaseException as error:
            # Once more, for Ctrl-C that came in the moment before the leaving of the block could see to it.
            if self._load:
                self._fail(self._load, error)
            raise
        return self.receipt

    def abandon(self) -> None:
        """Give the load up: leaving the block will close nothing, and the source stays as it was.

        Also answers an error that you caught inside the block, so that leaving it is quiet.

        Raises:
            StreamStateError: It is too late: the stream was closed, or may have been.
        """
        load = self._entered()
        load.happen(StreamEvent.ABANDONED)
        self._run.stop()
        self._failure = None

    def __enter__(self) -> Self:
        if self._load is not None:
            raise StreamStateError("a stream serves one with-block: open another one")
        self._load = LoadProtocol(self._source.source_id, ExpectedItems(None, "not known yet"))
        try:
            self._load.expected = self._expect(self._run.patience)
        except BaseException as error:
            self._fail(self._load, error)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        try:
            self._leave(self._entered(), error)
        except BaseException as failure:
            self._fail(self._entered(), failure)
            raise

    def __reduce__(self) -> str:
        raise StreamStateError("a stream under way cannot be pickled; ship the CoveoSource and open it there")

    def __repr__(self) -> str:
        items = self._load.items if self._load else 0
        return f"<LoadStream {self._stream_id or 'not opened'}: {self.state.value}, {items:,} items>"

    def _entered(self) -> LoadProtocol:
        if self._load is None:
            raise StreamStateError("a stream is used inside its with-block: with client.open_stream() as stream: ...")
        return self._load

    def _leave(self, load: LoadProtocol, error: BaseException | None) -> None:
        if load.state in (StreamState.CLOSED, StreamState.UNKNOWN):
            return
        if error is not None:
            self._fail(load, error)
        elif self._failure is not None:
            raise StreamStateError(
                f"an earlier error was swallowed, and the load is not closed because of it: {self._failure}"
            ) from self._failure
        elif load.state is not StreamState.STOPPED:
            load.end_adding()
            self._begin_use()
            self._finish(load)

    def _begin_use(self) -> None:
        """Keep a second thread out, and what `on_chunk` would add in the middle of an `add`."""
        if not self._in_use.acquire(blocking=False):
            raise StreamStateError("a stream is used by one thread at a time, and nothing is added from on_chunk")

    def _happen(self, event: StreamEvent) -> None:
        self._entered().happen(event)

    def _add(self, document: Mapping[str, Any], load: LoadProtocol) -> None:
        if self._opened_at is not None:
            require_fresh(time.monotonic() - self._opened_at.steady)
        entry = self._run.intake.take(document)
        if entry is None:
            return
        if load.items >= self._max_items:
            raise TooManyItems(self._max_items)
        self._run.chunks.write(entry)
        load.items += 1

    def _require_fresh(self) -> None:
        if self._opened_at is not None:
            require_fresh(_now().since(self._opened_at))

    def _require_fresh_after(self, answers: list[CloseAnswer], load: LoadProtocol) -> None:
        try:
            self._require_fresh()
        except ChunksExpired as error:
            if any(map(leaves_doubt, answers)):
                load.happen(StreamEvent.CLOSE_LOST)
                raise CloseOutcomeUnknown(self._opened_id(), load.items, str(error)) from error
            load.happen(StreamEvent.CLOSE_REFUSED)
            raise

    def _open(self) -> Delivery:
        load = self._entered()
        if self._settings.dry_run:
            load.happen(StreamEvent.OPENED)
            return NoDelivery(self._settings.keep_chunks_in)
        self._opened_at = _now()
        opened = endpoints.parse_opened(self._run.caller.send(endpoints.open_stream(self._source), pause=time.sleep))
        self._stream_id = opened.stream_id
        load.happen(StreamEvent.OPENED)
        return StreamDelivery(self._source, opened.stream_id, opened.container, self._run.transfer)

    def _finish(self, load: LoadProtocol) -> None:
        load.require_worth_closing()
        self._run.chunks.finish()
        self._run.stop()
        if load.state is StreamState.STOPPED:  # abandoned by what was told of a chunk
            return
        self._require_all_taken(load)
        ending = self._close_dry(load) if self._settings.dry_run else self._close(load)
        self._receipt = self._receipt_of(load, ending)
        self._run.log_end(self._receipt)

    def _require_all_taken(self, load: LoadProtocol) -> None:
        taken = sum(chunk.items for chunk in self._run.chunks.taken.values())
        if taken != load.items:
            raise StreamStateError(f"{load.items:,} items were added, and {taken:,} were taken: nothing was closed")

    def _close(self, load: LoadProtocol) -> Acknowledgement:
        call = endpoints.close(self._source, self._opened_id())
        caller = self._run.caller
        request = caller.authorised(call)  # a key that cannot be had leaves no doubt about the close
        caller.wait_for_turn(call, time.sleep)  # neither does a wait that is broken off
        self._require_fresh()
        load.happen(StreamEvent.CLOSE_SENT)
        answers: list[CloseAnswer] = []
        while True:
            outcome = caller.try_once(request)
            answers.append(answer_of(outcome))
            wait = caller.wait_after(call, outcome, len(answers))
            verdict = after_close(answers, may_repeat=wait is not None)
            if verdict is CloseVerdict.CONFIRMED and not isinstance(outcome, NoReply):
                load.happen(StreamEvent.CLOSE_CONFIRMED)
                return acknowledgement_in(outcome)
            if verdict is CloseVerdict.REFUSED:
                load.happen(StreamEvent.CLOSE_REFUSED)
                raise error_of(call, outcome)
            if verdict is CloseVerdict.UNKNOWN:
                load.happen(StreamEvent.CLOSE_LOST)
                raise CloseOutcomeUnknown(self._opened_id(), load.items, str(error_of(call, outcome)))
            time.sleep(wait or 0)
            caller.wait_for_turn(call, time.sleep)
            self._require_fresh_after(answers, load)
            request = caller.authorised(call)

    def _close_dry(self, load: LoadProtocol) -> Acknowledgement:
        load.happen(StreamEvent.CLOSE_SENT)
        load.happen(StreamEvent.CLOSE_CONFIRMED)
        return Acknowledgement(None, None)

    def _receipt_of(self, load: LoadProtocol, ending: Acknowledgement | None) -> Receipt:
        return self._run.receipt(
            all_sent=ending is not None,
            items=load.items if ending else 0,
            expected=load.expected,
            stream_id=self._stream_id,
            ending=ending,
        )

    def _opened_id(self) -> str:
        if self._stream_id is None:
            raise StreamStateError("the stream was not opened")
        return self._stream_id

    def _fail(self, load: LoadProtocol, error: BaseException) -> None:
        if error is self._failure:
            return
        self._failure = self._failure or error
        if load.state is StreamState.CLOSING:
            load.happen(StreamEvent.CLOSE_LOST)
        if (load.state, StreamEvent.FAILED) in LEGAL_MOVES:
            load.happen(StreamEvent.FAILED)
        self._run.stop()
        self._run.fail(error, self._receipt_of(load, None), self._what_became_of_the_source(load))

    def _what_became_of_the_source(self, load: LoadProtocol) -> str:
        if load.state is StreamState.UNKNOWN:
            return f"Stream {self._stream_id}: close was sent, its outcome is unknown."
        if load.state is StreamState.CLOSED:
            return f"Stream {self._stream_id} was closed: the source becomes the {load.items:,} items of this load."
        if self._settings.dry_run:
            return "It was a dry run: nothing was sent."
        if self._stream_id is None:
            return "No stream was opened: the source is as it was."
        chunks = self._run.chunks
        return (
            f"Stream {self._stream_id} was left open, so the source is as it was: {len(chunks.taken)} of "
            f"{chunks.started} chunks had been uploaded, and none of them takes effect."
        )
