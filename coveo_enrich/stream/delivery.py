"""What is done with a finished chunk: into a stream, into a container that then takes effect, or nowhere.

Runs in the threads of `coveo_enrich.stream.workers`. What to do after each answer is decided in
`coveo_enrich.stream.protocol`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from coveo_enrich._calls import CoveoCall, error_code_of, error_of, is_of_coveo, json_object
from coveo_enrich.errors import ConfigurationError, NoReply
from coveo_enrich.retry import is_success
from coveo_enrich.stream import endpoints
from coveo_enrich.stream.chunks import Chunk
from coveo_enrich.stream.endpoints import Acknowledgement, Container
from coveo_enrich.stream.protocol import CloseAnswer, UpdateVerdict, after_update, leaves_doubt
from coveo_enrich.stream.receipts import ChunkReceipt, UnconfirmedChunk
from coveo_enrich.stream.transfer import ChunkTransfer
from coveo_enrich.stream.workers import Outcome

if TYPE_CHECKING:
    from coveo_enrich._http import Reply
    from coveo_enrich.stream.source import CoveoSource

__all__ = ["Delivery", "FileDelivery", "NoDelivery", "StreamDelivery", "acknowledgement_in", "answer_of", "unconfirmed"]


class Delivery(Protocol):
    """Where chunks go."""

    def deliver(self, chunk: Chunk, /) -> Outcome:
        """Send a chunk; raises when it cannot be."""
        ...

    def may_be_applied(self, chunk: Chunk, /) -> bool:
        """Whether a chunk that failed may have taken effect all the same."""
        ...


class StreamDelivery:
    """Into an open stream, whose items take effect when it is closed."""

    def __init__(
        self,
        source: CoveoSource,
        stream_id: str,
        first_container: Container,
        transfer: ChunkTransfer,
    ) -> None:
        self._new_chunk = endpoints.new_chunk(source, stream_id)
        self._first_container = first_container
        self._transfer = transfer

    def deliver(self, chunk: Chunk, /) -> ChunkReceipt:
        """Upload a chunk: the first one into the container that came with the stream."""
        begun = time.monotonic()
        container = self._first_container if chunk.number == 1 else None
        _, attempts = self._transfer.upload(chunk, container, self._new_container)
        return _receipt(chunk, attempts, begun, Acknowledgement(None, None))

    def may_be_applied(self, _chunk: Chunk, /) -> bool:
        """Nothing takes effect before the close."""
        return False

    def _new_container(self) -> Container:
        return endpoints.parse_container(self._transfer.ask(self._new_chunk))


class FileDelivery:
    """Into a file container, and then the call that makes it take effect: update or merge."""

    def __init__(
        self,
        source: CoveoSource,
        method: Literal["update", "merge"],
        transfer: ChunkTransfer,
    ) -> None:
        self._source = source
        self._method: Literal["update", "merge"] = method
        self._transfer = transfer
        self._caller = transfer.caller
        self._workers = transfer.workers
        self._in_doubt: set[int] = set()

    def deliver(self, chunk: Chunk, /) -> Outcome:
        """Upload a chunk and have it take effect, again if need be and if that does no harm (law 4)."""
        begun = time.monotonic()
        attempts, failures, renewed, container = 0, 0, False, None
        while True:
            if container is None:
                container, uploads = self._transfer.upload(chunk, None, self._new_container)
                attempts += uploads
            call = endpoints.process_file(self._source, self._method, container.file_id)
            outcome = self._ask(call, chunk)
            verdict = after_update(answer_of(outcome), error_code_of(outcome), repeatable=chunk.repeatable)
            if verdict is UpdateVerdict.CONFIRMED and not isinstance(outcome, NoReply):
                return _receipt(chunk, attempts, begun, acknowledgement_in(outcome))
            if verdict is UpdateVerdict.UNKNOWN:
                return unconfirmed(chunk, str(error_of(call, outcome)), may_be_applied=True)
            failures += 1
            if verdict is UpdateVerdict.EXPIRED and not renewed:
                renewed, container = True, None
                continue
            wait = self._caller.wait_after(call, outcome, failures)
            if verdict is UpdateVerdict.REFUSED or wait is None:
                raise error_of(call, outcome)
            self._workers.pause(wait)
            if verdict is UpdateVerdict.NEW_CONTAINER:
                container = None

    def may_be_applied(self, chunk: Chunk, /) -> bool:
        """Whether the call was sent and not refused clearly."""
        return chunk.number in self._in_doubt

    def _ask(self, call: CoveoCall, chunk: Chunk) -> Reply | NoReply:
        request = self._caller.authorised(call)  # a key that cannot be had leaves no doubt about the call
        self._caller.wait_for_turn(call, self._workers.pause)
        in_doubt_before = chunk.number in self._in_doubt  # a later answer does not say what became of an earlier call
        self._in_doubt.add(chunk.number)
        outcome = self._caller.try_once(request, interrupt=self._workers.interrupt)
        answer = answer_of(outcome)
        taken = isinstance(answer, int) and is_success(answer)
        if not (in_doubt_before or taken or leaves_doubt(answer)):
            self._in_doubt.discard(chunk.number)
        return outcome

    def _new_container(self) -> Container:
        return endpoints.parse_file_container(self._transfer.ask(endpoints.file_container(self._source)))


class NoDelivery:
    """Nowhere, for a dry run; the chunk files are kept in a folder if there is one."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        if folder and next(folder.glob("chunk-*.json"), None):
            raise ConfigurationError(f"{folder} holds chunk files of an earlier run: name another folder, or empty it")
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def deliver(self, chunk: Chunk, /) -> ChunkReceipt:
        """Keep a copy of a chunk, or nothing."""
        begun = time.monotonic()
        if self._folder:
            with (self._folder / f"chunk-{chunk.number:04}.json").open("wb") as file:
                file.writelines(chunk.pieces())
        return _receipt(chunk, 0, begun, Acknowledgement(None, None))

    def may_be_applied(self, _chunk: Chunk, /) -> bool:
        """Nothing is sent."""
        return False


def answer_of(outcome: Reply | NoReply) -> CloseAnswer:
    """An outcome as the protocol reads it. A success that says what Coveo never says is not Coveo's, so its is lost."""
    if isinstance(outcome, NoReply):
        return "lost" if outcome.sent else "not sent"
    return "lost" if outcome.ok and not is_of_coveo(outcome) else outcome.status


def acknowledgement_in(reply: Reply) -> Acknowledgement:
    """What Coveo answered to a call that took effect; an empty body holds no ids."""
    return endpoints.parse_acknowledgement(json_object(reply.body) or {})


def _receipt(chunk: Chunk, attempts: int, begun: float, taken: Acknowledgement) -> ChunkReceipt:
    return ChunkReceipt(
        number=chunk.number,
        items=chunk.items,
        deletes=chunk.deletes,
        size=chunk.size,
        first_id=chunk.first_id,
        last_id=chunk.last_id,
        attempts=attempts,
        seconds=time.monotonic() - begun,
        ordering_id=taken.ordering_id,
        request_id=taken.request_id,
    )


def unconfirmed(chunk: Chunk, reason: str, *, may_be_applied: bool) -> UnconfirmedChunk:
    """What is to be said of a chunk that was not confirmed."""
    return UnconfirmedChunk(
        number=chunk.number,
        items=chunk.items,
        deletes=chunk.deletes,
        first_id=chunk.first_id,
        last_id=chunk.last_id,
        may_be_applied=may_be_applied,
        reason=reason,
        document_ids=() if chunk.repeatable or not may_be_applied else chunk.appended_ids(),
    )
