"""The sandbox as its user sees it: start and stop, orders, and looks inside.

Nothing here imports Starlette or uvicorn before a sandbox is started, so that naming the class costs nothing.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args

import attrs

from coveo_enrich.sandbox.access import Account, Privilege
from coveo_enrich.sandbox.backend import Backend, RepeatedClose, Rules, SandboxStream
from coveo_enrich.sandbox.http.budgets import CallBudget, Limits
from coveo_enrich.sandbox.http.faults import (
    Answer,
    BrokenConnection,
    Delay,
    Faults,
    Hang,
    LostReply,
    Moment,
    Operation,
    Throttle,
)
from coveo_enrich.sandbox.http.journal import Journal, SandboxRequest
from coveo_enrich.sandbox.http.listening import is_loopback, listen, url_of, warn_of_exposure
from coveo_enrich.sandbox.platform.catalog_models import check_configuration
from coveo_enrich.sandbox.platform.catalogs import usual_configuration
from coveo_enrich.sandbox.platform.fields import Field, FieldType
from coveo_enrich.sandbox.refusals import Refused
from coveo_enrich.sandbox.values import Dropped, Source

__all__ = ["CoveoSandbox"]

_LONGEST_DELAY = 5_256_000
_LONGEST_LOG_DELAY = 315_360_000


@attrs.frozen
class _Running:
    """All that there is between start and stop."""

    url: str
    backend: Backend
    faults: Faults
    budget: CallBudget
    journal: Journal
    stack: contextlib.ExitStack


class CoveoSandbox:
    """A Coveo organization with one Catalog source on localhost: a real HTTP server, as strict as the real one.

    It serves from ``with`` (or `start`) to the end of the block (or `stop`), and starts empty every time, unless it
    is told where to keep its data.

    Args:
        port: The port to listen on; 0 picks a free one.
        host: Where to listen. Anything but the loopback interface brings a ``RuntimeWarning``, as the sandbox has no
            protection against who reaches it.
        data: A SQLite file that keeps fields and items over restarts, and what is still to leave the index. `None`
            means a temporary file, which is gone when the sandbox stops.
        restricted: Whether there is one organization, one source and one API key (and those of `create_api_key`).
            Otherwise any is accepted: organizations and sources are there as soon as they are named.
        protect_empty: Whether the close of an empty stream deletes nothing, as Coveo documents for a source with a
            catalog. Otherwise it empties the source, as documented for one without, whatever catalog there is.
        deletion_delay_minutes: When items that a load does not contain leave the index: so long after the close, by
            the sandbox's clock, which `advance` moves. 0 to 5,256,000, which is ten years.
        repeated_close: The status that answers the close of a stream which is closed already: 200, 404 or 412. Coveo's
            is not documented.
        chunks_expire: Whether a chunk that was uploaded is lost when its stream is closed 60 minutes or more after its
            container was given out, as Coveo says of containers "in any case". `dropped` names it.
        index_delay_seconds: How long after something was done to an item searches find it so, by the sandbox's clock;
            some 14 to 40 seconds with Coveo. `items` does not wait for it. 0 to 315,360,000, which is ten years.
        log_delay_seconds: How long after its time an entry of the logs is there to be read, by the sandbox's clock. 0
            to 315,360,000, which is ten years.
        log_loads: Whether loads are logged, as updates are. What Coveo logs of a load is not documented.

    Raises:
        ValueError: A delay or a status that cannot be.

    Example:
        ```python
        with CoveoSandbox() as sandbox:
            source = CoveoSource(**sandbox.connection)
            ...
            sandbox.items()
        ```
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        data: str | PathLike[str] | None = None,
        restricted: bool = True,
        protect_empty: bool = False,
        deletion_delay_minutes: float = 15.0,
        repeated_close: RepeatedClose = 412,
        chunks_expire: bool = True,
        index_delay_seconds: float = 0.0,
        log_delay_seconds: float = 0.0,
        log_loads: bool = False,
    ) -> None:
        warn_of_exposure(host, stacklevel=2)
        if not 0 <= deletion_delay_minutes <= _LONGEST_DELAY:
            raise ValueError(f"deletion_delay_minutes is 0 to {_LONGEST_DELAY:,}; got {deletion_delay_minutes}")
        if not 0 <= index_delay_seconds <= _LONGEST_LOG_DELAY:
            raise ValueError(f"index_delay_seconds is 0 to {_LONGEST_LOG_DELAY:,}; got {index_delay_seconds}")
        if not 0 <= log_delay_seconds <= _LONGEST_LOG_DELAY:
            raise ValueError(f"log_delay_seconds is 0 to {_LONGEST_LOG_DELAY:,}; got {log_delay_seconds}")
        if repeated_close not in get_args(RepeatedClose):
            raise ValueError(f"repeated_close is 200, 404 or 412; got {repeated_close}")
        self._host = host
        self._port = port
        self._data = None if data is None else Path(data)
        self._rules = Rules(
            deletion_delay_minutes=deletion_delay_minutes,
            protect_empty=protect_empty,
            repeated_close=repeated_close,
            chunks_expire=chunks_expire,
            index_delay_seconds=index_delay_seconds,
            log_delay_seconds=log_delay_seconds,
            log_loads=log_loads,
        )
        self._account = Account("sandbox", "sandbox-catalog", is_restricted=restricted)
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
            OSError: The port is taken, ``host`` is none of this machine's, or ``data`` is used by another sandbox or
                is none of a sandbox's files.
            RuntimeError: It is running already.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        self._running = _start(self._account, self._host, self._port, self._rules, self._data)
        return self

    def stop(self) -> None:
        """Stop serving and forget everything: no thread, socket or file is left but ``data``, which is complete.

        Harmless when it is not running.
        """
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
            self._now.backend.organization(self._account.organization_id).create_fields([field])
        except Refused as refused:
            raise ValueError(refused.message) from None

    def set_catalog(
        self,
        *,
        product: str = "Product",
        variant: str | None = "Variant",
        availability: str | None = "Availability",
        source_id: str | None = None,
        organization_id: str | None = None,
    ) -> None:
        """Give a source a catalog with these types of objects, in the place of the one that each has from the start.

        As with Coveo, it takes effect for what is sent from now on. Searches find items whose ``objecttype`` is that of
        products, spelled so, and items without one; others are in the source, and no search finds them.

        Args:
            product: The ``objecttype`` of products, 1 to 255 characters.
            variant: That of variants; `None` when there are none.
            availability: That of availabilities; `None` when there are none.
            source_id: As in `items`.
            organization_id: As in `items`.

        Raises:
            ValueError: As in `items`, or a type that is too short or too long.
        """
        source = self._source(source_id, organization_id)
        configuration = usual_configuration(source.source_id, product, variant, availability)
        try:
            check_configuration(configuration)
        except Refused as refused:
            raise ValueError(refused.message) from None
        self._now.backend.catalogs.change(
            source.organization_id,
            lambda now: now.with_source(source.source_id).configured(source.source_id, configuration),
        )

    def remove_catalog(self, *, source_id: str | None = None, organization_id: str | None = None) -> None:
        """Leave a source without a catalog: of what is sent from now on, searches find items without an ``objecttype``.

        A merge does nothing in such a source.

        Args:
            source_id: As in `items`.
            organization_id: As in `items`.

        Raises:
            ValueError: As in `items`.
        """
        source = self._source(source_id, organization_id)
        self._now.backend.catalogs.change(
            source.organization_id,
            lambda now: now.with_source(source.source_id).without_catalog_of(source.source_id),
        )

    def create_api_key(self, *privileges: Privilege) -> str:
        """Another API key, which may do only this; a call that needs more is answered with 403 ``ACCESS_DENIED``.

        Args:
            privileges: ``ORGANIZATION_VIEW`` (for file containers and logs), ``SOURCE_EDIT`` (for streams, updates,
                deletions, the status, changing mapping rules and the metadata report), ``SOURCE_VIEW`` (for reading a
                source, its mapping rules and logs, too), ``SOURCE_METADATA_VIEW`` (for the metadata report, too),
                ``FIELD_VIEW``, ``FIELD_CREATE``, ``FIELD_EDIT``, ``CATALOG_VIEW``, ``CATALOG_EDIT`` and
                ``SEARCH_API_EXECUTE_QUERY``. None of them contains another.

        Raises:
            ValueError: A privilege that is not known.
        """
        return self._account.create_key(privileges)

    def items(self, *, source_id: str | None = None, organization_id: str | None = None) -> list[dict[str, Any]]:
        """What is in the index now: each item's ``documentId`` and the fields that were kept, by ``documentId``.

        Waits until everything that was accepted is processed.

        Args:
            source_id: The source; by default the sandbox's own.
            organization_id: Its organization; by default the sandbox's own.

        Raises:
            ValueError: There is no such source, as the sandbox is restricted to its own.
        """
        return self._now.backend.items(self._source(source_id, organization_id))

    def dropped(self, *, source_id: str | None = None, organization_id: str | None = None) -> list[Dropped]:
        """What was sent and is not in the index, and why: of each item's last version, and of files that are no batch.

        Each load starts the list anew. Waits until everything that was accepted is processed.

        Args:
            source_id: As in `items`.
            organization_id: As in `items`.

        Raises:
            ValueError: As in `items`.
        """
        return self._now.backend.dropped(self._source(source_id, organization_id))

    def streams(self, *, source_id: str | None = None, organization_id: str | None = None) -> list[SandboxStream]:
        """Every stream with its containers, the oldest first.

        Waits until everything that was accepted is processed.

        Args:
            source_id: As in `items`.
            organization_id: As in `items`.

        Raises:
            ValueError: As in `items`.
        """
        return self._now.backend.streams(self._source(source_id, organization_id))

    def requests(self) -> list[SandboxRequest]:
        """Every request but looks at the content browser, in the order in which they were answered, without bodies."""
        return self._now.journal.all()

    def advance(self, *, minutes: float) -> None:
        """Move the sandbox's clock forward: upload URLs expire after 60 minutes, and items leave when they are due.

        Args:
            minutes: 0 or more, up to ten years.

        Raises:
            ValueError: ``minutes`` is out of this range.
        """
        try:
            by = timedelta(minutes=minutes)
        except OverflowError:
            raise ValueError(f"minutes is a number up to ten years; got {minutes}") from None
        self._now.backend.advance(by)

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
            operation: ``open``, ``chunk``, ``close``, ``files``, ``update``, ``merge``, ``delete_older_than``,
                ``status``, ``upload``, ``source`` (reading it), ``fields``, ``mappings``, ``metadata``, ``catalogs``
                (whatever is done with them), ``logs`` or ``search`` (with the lists of fields and values).
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

    def break_connection(
        self, operation: Operation, *, when: Moment = "before", times: int | None = 1, after: int = 0
    ) -> None:
        """Break the connection.

        Args:
            operation: As in `fail`.
            when: ``before`` resets the connection in the place of what was asked for, which does not happen.
                ``middle`` resets it when half of the request's body was read, so that what was asked for does not
                happen either; a request without a body is carried out, and the connection ends after half of the reply.
            times: As in `fail`.
            after: As in `fail`.

        Raises:
            ValueError: As in `fail`, or for another ``when``.
        """
        self._now.faults.order(operation, BrokenConnection(when), times=times, after=after)

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

    def delay(self, operation: Operation, seconds: float, *, times: int | None = 1, after: int = 0) -> None:
        """Wait before anything happens; for a client that gives up meanwhile, nothing does.

        That a client gives up is seen only in what it has sent, so an upload that was on its way to the end may be
        stored all the same. A delayed request goes on to what was ordered after the delay: it can be late and fail.

        Args:
            operation: As in `fail`.
            seconds: How long, in real time: the sandbox's clock and `advance` have no part in it.
            times: As in `fail`.
            after: As in `fail`.

        Raises:
            ValueError: As in `fail`.
        """
        self._now.faults.order(operation, Delay(seconds), times=times, after=after)

    def throttle(self, operation: Operation, bytes_per_second: float, *, times: int | None = 1, after: int = 0) -> None:
        """Read the body of the request slowly; where it has none, write the body of the reply slowly.

        As with `delay`, the request goes on to what was ordered after it.

        Args:
            operation: As in `fail`.
            bytes_per_second: How fast; more than 0.
            times: As in `fail`.
            after: As in `fail`.

        Raises:
            ValueError: As in `fail`.
        """
        self._now.faults.order(operation, Throttle(bytes_per_second), times=times, after=after)

    def hang(self, operation: Operation, *, times: int | None = 1, after: int = 0) -> None:
        """Take the request in, do nothing and say nothing, until the client gives up or the sandbox stops.

        `requests` shows it as soon as it was taken in.

        Args:
            operation: As in `fail`.
            times: As in `fail`.
            after: As in `fail`.

        Raises:
            ValueError: As in `fail`.
        """
        self._now.faults.order(operation, Hang(), times=times, after=after)

    def limit_calls(self, *, per_5_minutes: int | None = None, per_day: int | None = None) -> None:
        """Let each organization make no more calls than these, counted from now on by the sandbox's clock.

        A call too many is answered with 429 ``TOO_MANY_REQUESTS``. Its ``Retry-After`` says in how many seconds the
        next may pass: up to 300, or up to midnight when the day is used up. What is refused so does not count, and
        meets no fault; every other call that names an organization counts, whatever becomes of it. Uploads do not.

        Args:
            per_5_minutes: Calls in any five minutes; `None` means any number.
            per_day: Calls in a day of UTC; `None` means any number.

        Raises:
            ValueError: A number below 1.
        """
        self._now.budget.limit(Limits(per_5_minutes, per_day))

    def _source(self, source_id: str | None, organization_id: str | None) -> Source:
        own = self._account.source
        source = Source(organization_id or own.organization_id, source_id or own.source_id)
        if self._account.is_restricted and source != own:
            raise ValueError(f"a restricted sandbox has only the source {own.source_id} of {own.organization_id}")
        return source

    @property
    def _now(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the sandbox is not running: use it in a with block, or call start()")
        return self._running


def _start(account: Account, host: str, port: int, rules: Rules, data: Path | None) -> _Running:
    try:
        from coveo_enrich.sandbox.app import build_app  # noqa: PLC0415 - needs the extra
        from coveo_enrich.sandbox.browser import is_page  # noqa: PLC0415 - needs the extra
        from coveo_enrich.sandbox.http.front_door import FrontDoor  # noqa: PLC0415 - needs the extra
        from coveo_enrich.sandbox.http.server import HttpServer  # noqa: PLC0415 - needs the extra
    except ModuleNotFoundError as error:
        raise ImportError(
            "CoveoSandbox needs an optional dependency: run: pip install 'coveo-enrich[sandbox]'"
        ) from error

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coveo-sandbox-")))
        listener = stack.enter_context(listen(host, port))
        url = url_of(listener)
        backend = Backend(folder, url, rules, data)
        stack.callback(backend.stop)
        faults, budget, journal = Faults(), CallBudget(), Journal()
        app = build_app(backend, account, is_local=is_loopback(host))
        door = FrontDoor(app, backend.clock, faults, budget, journal, is_page=is_page)
        server = HttpServer(door, listener)
        server.start()
        stack.callback(server.stop)
        stack.callback(backend.abandon)  # first of all, as the server waits for its requests, and they for the index
        return _Running(url, backend, faults, budget, journal, stack.pop_all())
