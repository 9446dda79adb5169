"""The sandbox as its user sees it: start and stop, orders, and looks inside.

Nothing here imports Starlette or uvicorn before a sandbox is started, so that naming the class costs nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

from coveo_enrich.sandbox.access import Account
from coveo_enrich.sandbox.backend import Backend, SandboxStream
from coveo_enrich.sandbox.faults import Answer, BrokenConnection, Faults, LostReply, Operation
from coveo_enrich.sandbox.fields import Field, FieldType
from coveo_enrich.sandbox.index import Dropped
from coveo_enrich.sandbox.journal import Journal, SandboxRequest
from coveo_enrich.sandbox.refusals import Refused

__all__ = ["CoveoSandbox"]

_HOST = "127.0.0.1"


@attrs.frozen
class _Running:
    """All that there is between start and stop."""

    url: str
    backend: Backend
    faults: Faults
    journal: Journal
    stack: contextlib.ExitStack


class CoveoSandbox:
    """A Coveo organization with one Catalog source on localhost: a real HTTP server, as strict as the real one.

    It serves from ``with`` (or `start`) to the end of the block (or `stop`), and starts empty every time. It listens on
    the loopback interface only.

    Args:
        port: The port to listen on; 0 picks a free one.

    Example:
        ```python
        with CoveoSandbox() as sandbox:
            source = CoveoSource(**sandbox.connection)
            ...
            sandbox.items()
        ```
    """

    def __init__(self, *, port: int = 0) -> None:
        self._port = port
        self._account = Account("sandbox", "sandbox-catalog", f"xx-{secrets.token_urlsafe(24)}")
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        """Start, as `start` does."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, as `stop` does."""
        self.stop()

    def start(self) -> Self:
        """Start serving, for a notebook, say, where a ``with`` block is in the way.

        Returns:
            This sandbox, which answers from now on.

        Raises:
            ImportError: The extra ``sandbox`` is not installed.
            OSError: The port is taken.
            RuntimeError: It is running already.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        self._running = _start(self._account, self._port)
        return self

    def stop(self) -> None:
        """Stop serving and forget everything: no thread, socket or file is left. Harmless when it is not running."""
        if self._running is not None:
            running, self._running = self._running, None
            running.stack.close()

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:49152``."""
        return self._now.url

    @property
    def connection(self) -> dict[str, str]:
        """The arguments of a ``CoveoSource`` that points here."""
        return {
            "organization_id": self._account.organization_id,
            "source_id": self._account.source_id,
            "api_key": self._account.api_key,
            "api_url": self.url,
            "platform_url": self.url,
        }

    def environ(self) -> dict[str, str]:
        """The same as environment variables, for ``CoveoSource.from_env`` and for other processes."""
        return {f"COVEO_{name.upper()}": value for name, value in self.connection.items()}

    def create_field(
        self,
        name: str,
        *,
        type: FieldType = "STRING",  # noqa: A002 - the name that Coveo gives it
        multi_value: bool = False,
        key_value: bool = False,
        facet: bool = False,
        hierarchical: bool = False,
        merge_with_lexicon: bool = False,
    ) -> None:
        """Add a field to the organization. As with Coveo, it takes effect for what is sent from now on.

        Args:
            name: A lower-case letter, then up to 254 of a-z, 0-9 and ``_``.
            type: ``STRING``, ``LONG`` (32 bits), ``LONG_64``, ``DOUBLE``, ``DATE`` or ``VECTOR``.
            multi_value: Coveo's ``multiValueFacet``: a list, split at ``;``. ``STRING`` only.
            key_value: Coveo's ``keyValue``: a dictionary field.
            facet: Coveo's ``facet``; other types than ``STRING`` have it always.
            hierarchical: Coveo's ``hierarchicalFacet``. ``STRING`` only.
            merge_with_lexicon: Coveo's ``mergeWithLexicon``, "Free text search" in its console. ``STRING`` only.

        Raises:
            ValueError: Coveo would not make such a field, or has one of that name.
        """
        field = Field(
            name=name,
            type=type,
            multi_value=multi_value,
            key_value=key_value,
            facet=facet or type != "STRING",
            hierarchical=hierarchical,
            merge_with_lexicon=merge_with_lexicon,
        )
        try:
            self._now.backend.create_field(field)
        except Refused as refused:
            raise ValueError(refused.message) from None

    def items(self) -> list[dict[str, Any]]:
        """What is in the index now: each item's ``documentId`` and the fields that were kept, by ``documentId``.

        Waits until everything that was accepted is processed.
        """
        return self._now.backend.index.items().result()

    def dropped(self) -> list[Dropped]:
        """What was sent and is not in the index, and why: of each item's last version, and of files that are no batch.

        Waits until everything that was accepted is processed.
        """
        return self._now.backend.index.dropped().result()

    def streams(self) -> list[SandboxStream]:
        """Every stream with its containers, the oldest first.

        Waits until everything that was accepted is processed.
        """
        return self._now.backend.streams()

    def requests(self) -> list[SandboxRequest]:
        """Every request, in the order in which they were answered, without bodies."""
        return self._now.journal.all()

    def advance(self, *, minutes: float) -> None:
        """Move the sandbox's clock forward: an upload URL works for 60 minutes.

        Raises:
            ValueError: ``minutes`` is negative.
        """
        self._now.backend.clock.advance(timedelta(minutes=minutes))

    def fail(
        self,
        operation: Operation,
        status: int = 503,
        *,
        error_code: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        times: int | None = 1,
        after: int = 0,
    ) -> None:
        """Answer with an error, in the place of what was asked for, which does not happen.

        Args:
            operation: ``open``, ``chunk``, ``close``, ``upload``, ``source`` (reading it) or ``fields``.
            status: The HTTP status.
            error_code: Coveo's ``errorCode``, or the storage's ``<Code>`` for an upload; by default a usual one.
            headers: More headers of the answer, such as ``{"Retry-After": "2"}``.
            body: The whole body, in the place of the one that Coveo or the storage would send.
            times: How many requests fail; `None` means all from then on.
            after: How many requests of that operation are served as usual before.

        Raises:
            ValueError: An operation that is not known, or a number out of range.
        """
        answer = Answer.of(operation, status, error_code=error_code, headers=headers, body=body)
        self._now.faults.order(operation, answer, times=times, after=after)

    def break_connection(self, operation: Operation, *, times: int | None = 1, after: int = 0) -> None:
        """Reset the connection in the place of what was asked for, which does not happen.

        Args:
            operation: As in `fail`.
            times: As in `fail`.
            after: As in `fail`.

        Raises:
            ValueError: As in `fail`.
        """
        self._now.faults.order(operation, BrokenConnection(), times=times, after=after)

    def lose_reply(self, operation: Operation, *, times: int | None = 1, after: int = 0) -> None:
        """Do what was asked for, and reset the connection in the place of the reply.

        Args:
            operation: As in `fail`.
            times: As in `fail`.
            after: As in `fail`.

        Raises:
            ValueError: As in `fail`.
        """
        self._now.faults.order(operation, LostReply(), times=times, after=after)

    @property
    def _now(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the sandbox is not running: use it in a with block, or call start()")
        return self._running


def _listener(port: int) -> socket.socket:
    # The protocol is named because asyncio looks at it when it decides to send small answers without delay.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this option would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _start(account: Account, port: int) -> _Running:
    try:
        from coveo_enrich.sandbox.app import build_app  # noqa: PLC0415 - needs the extra
        from coveo_enrich.sandbox.front_door import FrontDoor  # noqa: PLC0415 - needs the extra
        from coveo_enrich.sandbox.server import HttpServer  # noqa: PLC0415 - needs the extra
    except ImportError as error:
        raise ImportError(
            "CoveoSandbox needs an optional dependency: run: pip install 'coveo-enrich[sandbox]'"
        ) from error

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coveo-sandbox-")))
        listener = stack.enter_context(_listener(port))
        url = f"http://{_HOST}:{listener.getsockname()[1]}"
        backend = Backend(folder, url, account.organization_id)
        stack.callback(backend.index.stop)
        faults, journal = Faults(), Journal()
        server = HttpServer(FrontDoor(build_app(backend, account), faults, journal), listener)
        server.start()
        stack.callback(server.stop)
        return _Running(url, backend, faults, journal, stack.pop_all())
