"""One chunk into one container, however often that takes.

The upload URL is signed, so an upload carries the headers that Coveo named, a length, and nothing that would add to the
request or give the API key away. When to try again, and where, is decided in `coveo_enrich.stream.protocol`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from coveo_enrich.errors import NoReply, UploadRefused
from coveo_enrich.stream.protocol import UploadVerdict, after_upload

if TYPE_CHECKING:
    from coveo_enrich._calls import CoveoCall, CoveoCaller, Patience
    from coveo_enrich._http import HttpSender, Reply
    from coveo_enrich.stream.chunks import Chunk
    from coveo_enrich.stream.endpoints import Container
    from coveo_enrich.stream.workers import ChunkWorkers

__all__ = ["ChunkTransfer"]

_OPERATION: Final = "upload a chunk"
_MOST_NEW_CONTAINERS: Final = 2  # one that is refused may have expired; three in a row have not
_STORAGE_ERROR_CODE: Final = re.compile(rb"<Code>([A-Za-z]+)</Code>")


class ChunkTransfer:
    """Uploads the chunks of one run.

    Attributes:
        caller: Makes calls to Coveo.
        workers: The threads that it is called from.
    """

    def __init__(self, sender: HttpSender, patience: Patience, caller: CoveoCaller, workers: ChunkWorkers) -> None:
        self._sender = sender
        self._patience = patience
        self.caller = caller
        self.workers = workers

    def ask(self, call: CoveoCall) -> Mapping[str, Any]:
        """Make a call that may safely be repeated."""
        return self.caller.send(call, pause=self.workers.pause, interrupt=self.workers.interrupt)

    def upload(
        self, chunk: Chunk, container: Container | None, new_container: Callable[[], Container]
    ) -> tuple[Container, int]:
        """Upload a chunk until the storage has taken it; returns the container that holds it, and how many tries.

        Args:
            chunk: What to upload.
            container: Where to; `None` to ask for a new one just before the upload.
            new_container: Asks for a container.

        Raises:
            UploadRefused: The storage refused it for good.
            NoReply: The storage did not answer, several times over.
        """
        attempts, refused = 0, 0
        while True:
            container = container or new_container()
            outcome = self._put(chunk, container)
            attempts += 1
            verdict = after_upload(_status(outcome), _storage_code(outcome))
            if verdict is UploadVerdict.DONE:
                return container, attempts
            if verdict is UploadVerdict.NEW_CONTAINER and refused < _MOST_NEW_CONTAINERS:
                container, refused = None, refused + 1
                continue
            if verdict is not UploadVerdict.AGAIN:
                raise _error_of(outcome, chunk)
            wait = self._patience.wait_after(_OPERATION, outcome, attempts)
            if wait is None:
                raise _error_of(outcome, chunk)
            self.workers.pause(wait)

    def _put(self, chunk: Chunk, container: Container) -> Reply | NoReply:
        headers = {**container.required_headers, "Content-Length": str(chunk.size)}
        try:
            return self._sender.send(
                _OPERATION,
                "PUT",
                container.upload_uri,
                headers=headers,
                content=chunk.pieces(),
                content_length=chunk.size,
                interrupt=self.workers.interrupt,
            )
        except NoReply as error:
            return error


def _status(outcome: Reply | NoReply) -> int | None:
    return None if isinstance(outcome, NoReply) else outcome.status


def _storage_code(outcome: Reply | NoReply) -> str | None:
    code = None if isinstance(outcome, NoReply) else _STORAGE_ERROR_CODE.search(outcome.body)
    return code[1].decode() if code else None


def _error_of(outcome: Reply | NoReply, chunk: Chunk) -> UploadRefused | NoReply:
    if isinstance(outcome, NoReply):
        return outcome
    return UploadRefused(outcome.status, _storage_code(outcome), chunk.size)
