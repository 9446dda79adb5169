"""One chunk into one container, however often that takes.

The upload URL is signed, so an upload carries the headers that Coveo named, a length, and nothing that would add to the
request or give the API key away. When to try again, and where, is decided in `coveo_enrich.stream.protocol`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from coveo_enrich._calls import seconds_until_retry
from coveo_enrich.errors import NoReply, UploadRefused
from coveo_enrich.retry import RetryPolicy
from coveo_enrich.stream.protocol import UploadVerdict, after_upload
from coveo_enrich.stream.receipts import ChunkReceipt

if TYPE_CHECKING:
    from coveo_enrich._http import HttpSender, Reply
    from coveo_enrich.stream.chunks import Chunk
    from coveo_enrich.stream.endpoints import Container
    from coveo_enrich.stream.workers import UploadWorkers

__all__ = ["ChunkTransfer"]

_STORAGE_ERROR_CODE: Final = re.compile(rb"<Code>([A-Za-z]+)</Code>")


class ChunkTransfer:
    """Uploads the chunks of one load."""

    def __init__(
        self,
        sender: HttpSender,
        retry: RetryPolicy,
        workers: UploadWorkers,
        new_container: Callable[[], Container],
    ) -> None:
        self._sender = sender
        self._retry = retry
        self._workers = workers
        self._new_container = new_container

    def upload(self, chunk: Chunk, container: Container | None) -> ChunkReceipt:
        """Upload a chunk until the storage has taken it.

        Args:
            chunk: What to upload.
            container: Where to; `None` to ask for a new one just before the upload.

        Raises:
            UploadRefused: The storage refused it for good.
            NoReply: The storage did not answer, several times over.
        """
        attempts = 0
        while True:
            container = container or self._new_container()
            outcome = self._put(chunk, container)
            attempts += 1
            verdict = after_upload(_status(outcome), _storage_code(outcome))
            if verdict is UploadVerdict.DONE:
                return ChunkReceipt(chunk.number, chunk.items, chunk.size, attempts)
            wait = seconds_until_retry(self._retry, outcome, attempts)
            if verdict is UploadVerdict.GIVE_UP or wait is None:
                raise _error_of(outcome, chunk)
            self._workers.pause(wait)
            if verdict is UploadVerdict.NEW_CONTAINER:
                container = None

    def _put(self, chunk: Chunk, container: Container) -> Reply | NoReply:
        headers = {**container.required_headers, "Content-Length": str(chunk.size)}
        try:
            return self._sender.send(
                "upload a chunk",
                "PUT",
                container.upload_uri,
                headers=headers,
                content=self._wanted_pieces(chunk),
            )
        except NoReply as error:
            return error

    def _wanted_pieces(self, chunk: Chunk) -> Iterator[bytes]:
        for piece in chunk.pieces():
            self._workers.check_wanted()
            yield piece


def _status(outcome: Reply | NoReply) -> int | None:
    return None if isinstance(outcome, NoReply) else outcome.status


def _storage_code(outcome: Reply | NoReply) -> str | None:
    code = None if isinstance(outcome, NoReply) else _STORAGE_ERROR_CODE.search(outcome.body)
    return code[1].decode() if code else None


def _error_of(outcome: Reply | NoReply, chunk: Chunk) -> UploadRefused | NoReply:
    if isinstance(outcome, NoReply):
        return outcome
    return UploadRefused(outcome.status, _storage_code(outcome), chunk.size)
