"""A load as it happens: opens, uploads and closes as `coveo_enrich.stream.protocol` decides.

The one place where a stream is closed. Whatever fails here parks the load, and the error that leaves says, in a note,
what became of the source.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import attrs

from coveo_enrich._calls import CoveoCaller, error_of, json_object
from coveo_enrich.errors import (
    CloseOutcomeUnknown,
    InvalidItem,
    NoReply,
    StreamStateError,
    TooManyItems,
)
from coveo_enrich.stream import endpoints
from coveo_enrich.stream.chunks import CHUNK_WRAPPER_BYTES, ChunkWriter
from coveo_enrich.stream.documents import MAX_ITEM_BYTES, EncodedItem, encode_item
from coveo_enrich.stream.endpoints import ClosedStream, Container
from coveo_enrich.stream.protocol import (
    LEGAL_MOVES,
    CloseAnswer,
    CloseVerdict,
    ExpectedItems,
    LoadProtocol,
    StreamEvent,
    StreamState,
    after_close,
)
from coveo_enrich.stream.receipts import ChunkReceipt, LoadReceipt
from coveo_enrich.stream.transfer import ChunkTransfer
from coveo_enrich.stream.workers import UploadWorkers

if TYPE_CHECKING:
    from coveo_enrich._http import HttpSender, Reply
    from coveo_enrich.retry import RetryPolicy
    from coveo_enrich.stream.source import CoveoSource

__all__ = ["LoadSettings", "LoadStream"]


@attrs.frozen
class LoadSettings:
    """The limits of a load, as `StreamClient` documents them."""

    max_chunk_bytes: int
    concurrency: int
    max_items: int

    @property
    def max_item_bytes(self) -> int:
        """The largest item that Coveo takes and a chunk can hold."""
        return min(MAX_ITEM_BYTES, self.max_chunk_bytes - CHUNK_WRAPPER_BYTES)


class LoadStream:
    """A load under way, made by `StreamClient.open_stream`.

    Serves one with-block, in one process, one thread at a time. Until the first chunk is full nothing is asked of Coveo
    but the size of the source, so an early mistake opens nothing. Leaving the block is the only way to close.
    """

    def __init__(
        self,
        source: CoveoSource,
        sender: HttpSender,
        retry: RetryPolicy,
        settings: LoadSettings,
        expect: Callable[[], ExpectedItems],
    ) -> None:
        self._source = source
        self._settings = settings
        self._expect = expect
        self._caller = CoveoCaller(sender, source.read_api_key, retry)
        self._workers = UploadWorkers(settings.concurrency)
        self._transfer = ChunkTransfer(sender, retry, self._workers, self._new_container)
        self._load: LoadProtocol | None = None
        self._stream_id: str | None = None
        self._first_container: Container | None = None
        self._writer: ChunkWriter | None = None
        self._ids: set[str] = set()
        self._chunks: list[ChunkReceipt] = []
        self._chunks_started = 0
        self._failure: BaseException | None = None
        self._receipt: LoadReceipt | None = None

    @property
    def stream_id(self) -> str | None:
        """Coveo's id of the stream; `None` until the first chunk is on its way."""
        return self._stream_id

    @property
    def state(self) -> StreamState:
        """How far the load has come."""
        return self._load.state if self._load else StreamState.NEW

    @property
    def receipt(self) -> LoadReceipt:
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
            StreamStateError: The stream takes no more items.
        """
        load = self._entered()
        load.require_adding()
        with self._stopping_on_failure(load):
            item = encode_item(
                document,
                position=load.items + 1,
                max_bytes=self._settings.max_item_bytes,
            )
            self._require_place_for(item, load)
            if self._writer and not self._writer.has_room_for(item.data):
                self._send_chunk(load, self._writer)
            if not self._writer:
                self._writer = ChunkWriter(self._chunks_started + 1, self._settings.max_chunk_bytes)
            self._writer.write(item.data)
            load.items += 1

    def abandon(self) -> None:
        """Give the load up: leaving the block will close nothing, and the source stays as it was.

        Also answers an error that you caught inside the block, so that leaving it is quiet.

        Raises:
            StreamStateError: It is too late: the stream was closed, or may have been.
        """
        load = self._entered()
        load.happen(StreamEvent.ABANDONED)
        self._release()
        self._failure = None

    def __enter__(self) -> Self:
        if self._load is not None:
            raise StreamStateError("a stream serves one with-block: open another one")
        self._load = LoadProtocol(self._source.source_id, self._expect())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        load = self._entered()
        if load.state in (StreamState.CLOSED, StreamState.UNKNOWN):
            return
        if error is not None:
            self._fail(load, error)
        elif self._failure is not None:
            raise StreamStateError(
                f"an earlier error was swallowed, and the load is not closed because of it: {self._failure}"
            ) from self._failure
        elif load.state is not StreamState.STOPPED:
            with self._stopping_on_failure(load):
                self._finish(load)

    def __reduce__(self) -> str:
        raise StreamStateError("a stream under way cannot be pickled; ship the CoveoSource and open it there")

    def __repr__(self) -> str:
        items = self._load.items if self._load else 0
        return f"<LoadStream {self._stream_id or 'not opened'}: {self.state.value}, {items:,} items>"

    def _entered(self) -> LoadProtocol:
        if self._load is None:
            raise StreamStateError("a stream is used inside its with-block: with client.open_stream() as stream: ...")
        return self._load

    def _require_place_for(self, item: EncodedItem, load: LoadProtocol) -> None:
        if load.items >= self._settings.max_items:
            raise TooManyItems(self._settings.max_items)
        if item.document_id in self._ids:
            raise InvalidItem(
                item.document_id,
                load.items + 1,
                "an earlier item of this load has the same documentId",
            )
        self._ids.add(item.document_id)

    def _send_chunk(self, load: LoadProtocol, writer: ChunkWriter) -> None:
        if load.state is StreamState.NEW:
            self._open(load)
        self._note_uploaded(load, self._workers.wait_for_place())
        chunk, self._writer = writer.finish(), None
        container, self._first_container = self._first_container, None
        self._chunks_started += 1
        load.happen(StreamEvent.UPLOAD_STARTED)
        self._workers.start(partial(self._transfer.upload, container=container), chunk)

    def _open(self, load: LoadProtocol) -> None:
        call = endpoints.open_stream(self._source)
        opened = endpoints.parse_opened(self._caller.send(call, pause=time.sleep))
        self._stream_id, self._first_container = opened.stream_id, opened.container
        load.happen(StreamEvent.OPENED)

    def _new_container(self) -> Container:
        call = endpoints.new_chunk(self._source, self._opened_id())
        return endpoints.parse_container(self._caller.send(call, pause=self._workers.pause))

    def _note_uploaded(self, load: LoadProtocol, chunks: list[ChunkReceipt]) -> None:
        for chunk in chunks:
            load.happen(StreamEvent.UPLOAD_DONE)
            self._chunks.append(chunk)

    def _finish(self, load: LoadProtocol) -> None:
        load.require_worth_closing()
        if self._writer:
            self._send_chunk(load, self._writer)
        self._note_uploaded(load, self._workers.wait_for_all())
        self._workers.stop()
        self._receipt = self._receipt_of(load, self._close(load))

    def _close(self, load: LoadProtocol) -> ClosedStream:
        call = endpoints.close(self._source, self._opened_id())
        request = self._caller.authorised(call)  # a key that cannot be had leaves no doubt about the close
        load.happen(StreamEvent.CLOSE_SENT)
        answers: list[CloseAnswer] = []
        while True:
            outcome = self._caller.try_once(request)
            answers.append(_close_answer(outcome))
            wait = self._caller.wait_after(outcome, len(answers))
            verdict = after_close(answers, may_repeat=wait is not None)
            if verdict is CloseVerdict.CONFIRMED and not isinstance(outcome, NoReply):
                load.happen(StreamEvent.CLOSE_CONFIRMED)
                return endpoints.parse_closed(json_object(outcome.body) or {})
            if verdict is CloseVerdict.REFUSED:
                load.happen(StreamEvent.CLOSE_REFUSED)
                raise error_of(call, outcome)
            if verdict is CloseVerdict.UNKNOWN:
                load.happen(StreamEvent.CLOSE_LOST)
                raise CloseOutcomeUnknown(self._opened_id(), load.items, str(error_of(call, outcome)))
            time.sleep(wait or 0)
            request = self._caller.authorised(call)

    def _receipt_of(self, load: LoadProtocol, closed: ClosedStream) -> LoadReceipt:
        return LoadReceipt(
            self._opened_id(),
            closed.ordering_id,
            closed.request_id,
            load.items,
            tuple(sorted(self._chunks, key=lambda chunk: chunk.number)),
            load.expected.number,
            load.expected.origin,
        )

    def _opened_id(self) -> str:
        if self._stream_id is None:
            raise StreamStateError("the stream was not opened")
        return self._stream_id

    @contextlib.contextmanager
    def _stopping_on_failure(self, load: LoadProtocol) -> Generator[None]:
        try:
            yield
        except BaseException as error:
            self._fail(load, error)
            raise

    def _fail(self, load: LoadProtocol, error: BaseException) -> None:
        if error is self._failure:
            return
        self._failure = self._failure or error
        if load.state is StreamState.CLOSING:
            load.happen(StreamEvent.CLOSE_LOST)
        if (load.state, StreamEvent.FAILED) in LEGAL_MOVES:
            load.happen(StreamEvent.FAILED)
        self._release()
        error.add_note(self._what_became_of_the_source(load))

    def _release(self) -> None:
        self._workers.stop()
        if self._writer:
            self._writer.discard()
            self._writer = None

    def _what_became_of_the_source(self, load: LoadProtocol) -> str:
        if load.state is StreamState.UNKNOWN:
            return f"Stream {self._stream_id}: close was sent, its outcome is unknown."
        if load.state is StreamState.CLOSED:
            return f"Stream {self._stream_id} was closed: the source becomes the {load.items:,} items of this load."
        if self._stream_id is None:
            return "No stream was opened: the source is as it was."
        return (
            f"Stream {self._stream_id} was left open, so the source is as it was: {len(self._chunks)} of "
            f"{self._chunks_started} chunks had been uploaded, and none of them takes effect."
        )


def _close_answer(outcome: Reply | NoReply) -> CloseAnswer:
    if isinstance(outcome, NoReply):
        return "lost" if outcome.sent else "not sent"
    return outcome.status
