"""One operation against a sandbox that misbehaves as ordered, and the account of what came of it.

A catalog of 10,000 products goes out in four chunks, four at a time, to a source that holds 100 older items. Waits are
noted and not waited. What must come of it stands in ``fault_rows``.
"""

from __future__ import annotations

import contextlib
import io
import logging
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal
from unittest import mock

import attrs
import httpx
from loading import everything_said

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich._http import Interrupt
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.backend import SandboxStream
from coveo_enrich.sandbox.http.faults import Operation as Call
from coveo_enrich.sandbox.http.journal import SandboxRequest
from coveo_enrich.stream import Receipt

__all__ = [
    "CHUNKS",
    "CHUNK_BYTES",
    "ITEMS",
    "OPERATIONS",
    "PLACES",
    "Account",
    "Calls",
    "Name",
    "Order",
    "Place",
    "carry_out",
    "catalog",
    "kill_half_way",
    "old_ids",
    "product",
    "titles_of_chunks",
]

Name = Literal["load", "update", "replace", "merge"]
"""An operation of the client."""

Place = Literal["first", "next", "upload", "last", "delete"]
"""Where a fault strikes: the call for the first container, the one for the second, an upload, the call by which chunks
take effect, the deletion of what is older."""

Calls = Mapping[Place, Call]
Order = Callable[[CoveoSandbox, Calls], object]
"""Has the sandbox misbehave."""

OPERATIONS: Final[tuple[Name, ...]] = ("load", "update", "replace", "merge")

PLACES: Final[Mapping[Name, Calls]] = {
    "load": {"first": "open", "next": "chunk", "upload": "upload", "last": "close"},
    "update": {"first": "files", "next": "files", "upload": "upload", "last": "update"},
    "replace": {
        "first": "files",
        "next": "files",
        "upload": "upload",
        "last": "update",
        "delete": "delete_older_than",
    },
    "merge": {"first": "files", "next": "files", "upload": "upload", "last": "merge"},
}

ITEMS: Final = 10_000
CHUNKS: Final = 4
_PER_CHUNK: Final = ITEMS // CHUNKS
_ONE_ITEM: Final = len('{"documentId":"product://00000","title":"Kayak 00000"}')
CHUNK_BYTES: Final = len('{"addOrUpdate":[') + _PER_CHUNK * (_ONE_ITEM + 1) + 1
"""Room for a quarter of the catalog."""

_SIGNATURE: Final = "X-Amz-Signature"
_SENDER: Final = Path(__file__).with_name("sending_program.py")
_TIMES_FASTER: Final = 100
_FAR_BEYOND: Final = 60
"""Seconds after which what should have happened never will."""


def product(number: int) -> dict[str, str]:
    """A product; each takes as many bytes as the others."""
    return {"documentId": f"product://{number:05}", "title": f"Kayak {number:05}"}


def catalog() -> Iterable[Mapping[str, Any]]:
    """Every product."""
    return map(product, range(ITEMS))


def titles_of_chunks(numbers: Iterable[int]) -> dict[str, str]:
    """The title of each product of some chunks, by id; chunks count from 1."""
    indices = (index for number in numbers for index in range((number - 1) * _PER_CHUNK, number * _PER_CHUNK))
    return {one["documentId"]: one["title"] for one in map(product, indices)}


def old_ids() -> set[str]:
    """The ids of the older items."""
    return {f"old://{number:03}" for number in range(100)}


@attrs.frozen(kw_only=True)
class Account:
    """What came of an operation.

    Attributes:
        operation: The operation.
        receipt: What it returned.
        error: What it raised.
        waits: The waits between tries.
        requests: What it asked, in the order of the answers.
        streams: The streams that it opened.
        titles: What the source holds once everything has left it that will: each item's title, by id.
        dropped: How much was sent that is not in the source.
        told: The secrets that can be read in what was printed, logged or raised.
    """

    operation: Name
    receipt: Receipt | None = None
    error: BaseException | None = None
    waits: tuple[float, ...] = ()
    requests: tuple[SandboxRequest, ...]
    streams: tuple[SandboxStream, ...]
    titles: Mapping[str, str]
    dropped: int
    told: tuple[str, ...] = ()

    @property
    def calls(self) -> Counter[Call]:
        """How often each call was made, but those that only read."""
        return Counter(one.operation for one in self.requests if one.operation and one.operation != "source")

    @property
    def new(self) -> dict[str, str]:
        """The items of the catalog that are in the source."""
        return {one: title for one, title in self.titles.items() if not one.startswith("old://")}

    @property
    def old(self) -> set[str]:
        """The older items that are in the source."""
        return set(self.titles) - set(self.new)

    @property
    def confirmed(self) -> dict[str, str]:
        """The items of the chunks that were taken, by the receipt of success or failure."""
        return titles_of_chunks(chunk.number for one in self._receipts for chunk in one.chunks)

    @property
    def doubtful(self) -> dict[str, str]:
        """The items of the chunks that may have been taken, by the same receipt."""
        return titles_of_chunks(
            chunk.number for one in self._receipts for chunk in one.unconfirmed if chunk.may_be_applied
        )

    @property
    def lost(self) -> int:
        """Products that are missing although success was reported."""
        return self.receipt.items - len(self.new) if self.receipt else 0

    @property
    def holes(self) -> int:
        """Chunks that are missing in streams that were closed."""
        closed = [stream for stream in self.streams if not stream.is_open]
        return sum(max(0, CHUNKS - sum(one.is_filled for one in stream.containers)) for stream in closed)

    @property
    def _receipts(self) -> list[Receipt]:
        """The receipt of success or failure; none when the operation failed before it began."""
        return [one for one in (self.receipt, getattr(self.error, "receipt", None)) if isinstance(one, Receipt)]


def carry_out(
    operation: Name,
    order: Order,
    *,
    products: Iterable[Mapping[str, Any]],
    chunk_bytes: int = CHUNK_BYTES,
    time_flies: bool = False,
) -> Account:
    """Run an operation against a sandbox that got an order.

    Args:
        operation: The operation.
        order: What goes wrong.
        products: The catalog.
        chunk_bytes: The largest chunk.
        time_flies: Whether the time-outs of the first upload are a hundredth of what they are; the other uploads wait
            until the sandbox has that one.
    """
    with CoveoSandbox() as sandbox, contextlib.ExitStack() as stack:
        source = CoveoSource(**sandbox.connection)
        _fill(source)
        order(sandbox, PLACES[operation])
        begun, streams = len(sandbox.requests()), len(sandbox.streams())
        waits = stack.enter_context(_noting_waits())
        said = stack.enter_context(_listening())
        if time_flies:
            stack.enter_context(_hurrying_first_upload(sandbox))
        receipt, error = None, None
        with StreamClient(source, max_chunk_bytes=chunk_bytes) as client:
            try:
                receipt = getattr(client, operation)(products)
            except CoveoEnrichError as raised:
                error = raised
        text = said.getvalue() + (everything_said(error) if error else "") + repr(receipt) + str(receipt)
        stack.close()
        return _account(
            sandbox,
            operation,
            (begun, streams),
            receipt=receipt,
            error=error,
            waits=tuple(waits),
            told=tuple(secret for secret in (source.read_api_key(), _SIGNATURE) if secret in text),
        )


def kill_half_way(operation: Name) -> tuple[Account, Account]:
    """Kill a program when two of four chunks were taken, then have another one send everything; accounts of both."""
    with CoveoSandbox() as sandbox:
        source = CoveoSource(**sandbox.connection)
        _fill(source)
        begun = len(sandbox.requests()), len(sandbox.streams())
        there = str(3 * _PER_CHUNK + 1)
        command = [sys.executable, str(_SENDER), operation, "--max-chunk-bytes", str(CHUNK_BYTES), "--concurrency", "1"]
        with subprocess.Popen(  # noqa: S603 - nothing from outside
            [*command, "--items", str(ITEMS), "--say-at", there, "--stop-at", there],
            env=sandbox.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            assert process.stderr
            reached = process.stdout.readline()
            process.kill()
            said = reached + process.stdout.read() + process.stderr.read()
        assert reached == "reached\n", said
        told = tuple(secret for secret in (source.read_api_key(), _SIGNATURE) if secret in said)
        killed = _account(sandbox, operation, begun, told=told)
        begun = len(sandbox.requests()), len(sandbox.streams())
        with StreamClient(source, max_chunk_bytes=CHUNK_BYTES) as client:
            receipt = getattr(client, operation)(catalog(), **_ANY_SIZE[operation])
        return killed, _account(sandbox, operation, begun, receipt=receipt)


_ANY_SIZE: Final[Mapping[Name, Mapping[str, Any]]] = {
    "load": {"allow_shrink": True},
    "update": {},
    "replace": {"allow_shrink": True},
    "merge": {},
}


def _fill(source: CoveoSource) -> None:
    with StreamClient(source) as client:
        client.load(({"documentId": one, "title": "old"} for one in sorted(old_ids())), allow_shrink=True)


def _account(sandbox: CoveoSandbox, operation: Name, begun: tuple[int, int], **known: Any) -> Account:  # noqa: ANN401
    sandbox.advance(minutes=30)
    return Account(
        operation=operation,
        requests=tuple(sandbox.requests()[begun[0] :]),
        streams=tuple(sandbox.streams()[begun[1] :]),
        titles={item["documentId"]: item["title"] for item in sandbox.items()},
        dropped=len(sandbox.dropped()),
        **known,
    )


@contextlib.contextmanager
def _noting_waits() -> Generator[list[float]]:
    """Note what the client would wait, in its caller's thread and in its own."""
    waits: list[float] = []
    caller, sleep, wait = threading.current_thread(), time.sleep, Interrupt.wait

    def note_sleep(seconds: float) -> None:
        if threading.current_thread() is caller:
            waits.append(seconds)
        else:
            sleep(seconds)

    def note_wait(interrupt: Interrupt, seconds: float) -> None:
        wait(interrupt, 0)
        waits.append(seconds)

    with mock.patch.object(time, "sleep", note_sleep), mock.patch.object(Interrupt, "wait", note_wait):
        yield waits


@contextlib.contextmanager
def _listening() -> Generator[io.StringIO]:
    """Hear all that is printed, and logged at any level."""
    said = io.StringIO()
    handler, root = logging.StreamHandler(said), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@contextlib.contextmanager
def _hurrying_first_upload(sandbox: CoveoSandbox) -> Generator[None]:
    build, turn, sleep = httpx.Client.build_request, threading.Lock(), time.sleep
    hurried: list[httpx.Request] = []

    def build_request(client: httpx.Client, method: str, url: str, **rest: Any) -> httpx.Request:  # noqa: ANN401
        request = build(client, method, url, **rest)
        if not request.url.params.get(_SIGNATURE):
            return request
        with turn:
            if not hurried:
                hurried.append(request)
                patience: Mapping[str, float] = request.extensions["timeout"]
                fast = {name: seconds / _TIMES_FASTER for name, seconds in patience.items()}
                request.extensions = {**request.extensions, "timeout": fast}
                return request
        for _ in range(100 * _FAR_BEYOND):
            if any(one.operation == "upload" and one.status is None for one in sandbox.requests()):
                return request
            sleep(0.01)
        raise AssertionError("the first upload never reached the sandbox")

    with mock.patch.object(httpx.Client, "build_request", build_request):
        yield
