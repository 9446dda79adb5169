"""Only a clean end closes a stream: whatever else happens, the source stays as it was."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from loading import broken_off, document_ids, fill, operations, products

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import (
    AccessRefused,
    ConfigurationError,
    CoveoEnrichError,
    CoveoRefused,
    EmptyLoad,
    InvalidItem,
    NoReply,
    StreamStateError,
    TooManyItems,
    UploadRefused,
)
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation
from coveo_enrich.stream import StreamState

INVALID = {"title": "without an id"}


class Before:
    """A source with items in it, and the proof that it was left alone."""

    def __init__(self, sandbox: CoveoSandbox, ids: list[str]) -> None:
        self._sandbox = sandbox
        self._ids = ids
        self._requests = len(sandbox.requests())

    @property
    def asked(self) -> list[str | None]:
        """What was asked of Coveo since."""
        return operations(self._sandbox)[self._requests :]

    def assert_untouched(self) -> None:
        """No close was sent since, every stream since is open, and the source holds what it held."""
        assert "close" not in self.asked
        assert all(stream.is_open for stream in self._sandbox.streams()[1:])
        assert document_ids(self._sandbox) == self._ids


@pytest.fixture
def before(sandbox: CoveoSandbox, client: StreamClient) -> Before:
    """Twenty items, loaded a while ago."""
    return Before(sandbox, fill(client, 20))


def _notes(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", []))


@pytest.mark.parametrize("count", [0, 1, 35])
@pytest.mark.parametrize("error", [OSError("disk"), KeyError("k"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_a_producer_that_breaks_off_closes_nothing(
    before: Before, client: StreamClient, count: int, error: BaseException
) -> None:
    """Law 2: an error in the generator, of any kind and at any time, comes out as it is and leaves the source alone."""
    with pytest.raises(type(error)) as caught:
        client.load(broken_off(count, error))
    before.assert_untouched()
    assert "the source is as it was" in _notes(caught.value)


def test_the_note_tells_how_far_it_came(before: Before, sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 2: the error says which stream was left open, or that none was opened, once."""
    with pytest.raises(OSError, match="early") as early:
        client.load(broken_off(2, OSError("early")))
    assert early.value.__notes__ == ["No stream was opened: the source is as it was."]
    assert before.asked == ["source"]
    with pytest.raises(OSError, match="late") as late:
        client.load(broken_off(35, OSError("late")))
    (note,) = late.value.__notes__
    assert note.startswith(f"Stream {sandbox.streams()[-1].stream_id} was left open, so the source is as it was: ")
    assert note.endswith("of 3 chunks had been uploaded, and none of them takes effect.")
    before.assert_untouched()


@pytest.mark.parametrize("count", [0, 1, 35])
def test_an_error_in_the_block_closes_nothing(before: Before, client: StreamClient, count: int) -> None:
    """Law 2: the with-block is no finally: an error that leaves it keeps the stream open."""
    stream = client.open_stream()

    def program() -> None:
        with stream:
            for product in products(count):
                stream.add(product)
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        program()
    assert stream.state is StreamState.STOPPED
    before.assert_untouched()


def test_a_generator_that_is_given_up_closes_nothing(before: Before, client: StreamClient) -> None:
    """Law 2: a pipeline written as a generator, and not run to its end, leaves the source as it was."""

    def pipeline() -> Generator[str]:
        with client.open_stream() as stream:
            for product in products(50):
                stream.add(product)
                yield product["documentId"]

    running = pipeline()
    for _ in range(30):
        next(running)
    running.close()
    assert "open" in before.asked
    before.assert_untouched()


def test_an_early_return_after_abandon_closes_nothing(before: Before, client: StreamClient) -> None:
    """Law 2: abandon leaves without an error and without a close, whatever was uploaded; there is no receipt."""
    with client.open_stream() as stream:
        for product in products(35):
            stream.add(product)
        stream.abandon()
    assert stream.state is StreamState.STOPPED
    with pytest.raises(StreamStateError, match="it was not closed"):
        _ = stream.receipt
    before.assert_untouched()


def test_abandoning_before_anything_opens_nothing(before: Before, client: StreamClient) -> None:
    """Law 2: a stream that was abandoned at once was never opened."""
    with client.open_stream() as stream:
        stream.abandon()
        stream.abandon()
    assert before.asked == ["source"]
    before.assert_untouched()


def test_nothing_can_be_added_to_an_abandoned_stream(before: Before, client: StreamClient) -> None:
    """Law 2: to go on after abandon is a mistake that is said, not a load that goes nowhere."""

    def program() -> None:
        with client.open_stream() as stream:
            stream.abandon()
            stream.add(products(1)[0])

    with pytest.raises(StreamStateError, match="nothing can be added to a load that is stopped"):
        program()
    before.assert_untouched()


@pytest.mark.parametrize("count", [0, 1, 35])
def test_an_invalid_item_stops_the_load(before: Before, client: StreamClient, count: int) -> None:
    """Laws 2 and 5: a load has no skip: the item is named by its position, and the rest is not sent without it."""
    with pytest.raises(InvalidItem, match="it has no documentId") as caught:
        client.load([*products(count), INVALID, *products(10, first=500)])
    assert caught.value.position == count + 1
    before.assert_untouched()


def test_two_items_with_one_id_stop_the_load(before: Before, client: StreamClient) -> None:
    """Laws 2 and 5: one of them would be lost, so neither is sent; the second one is named."""
    with pytest.raises(InvalidItem, match="same documentId") as caught:
        client.load([*products(15), products(1)[0]])
    assert (caught.value.document_id, caught.value.position) == ("product://0001", 16)
    before.assert_untouched()


def test_an_item_larger_than_a_chunk_stops_the_load(before: Before, client: StreamClient) -> None:
    """Law 5: an item that no chunk could hold is refused with both sizes."""
    with pytest.raises(InvalidItem, match=r"it takes 6\d\d bytes as JSON; the limit is 582"):
        client.load([*products(3), {"documentId": "product://large", "title": "x" * 600}])
    before.assert_untouched()


@pytest.mark.parametrize("count", [0, 3, 35])
def test_an_error_that_was_swallowed_still_prevents_the_close(before: Before, client: StreamClient, count: int) -> None:
    """Law 2: the block ends without an error, and the stream does not believe it: it names the error behind."""

    def program() -> None:
        with client.open_stream() as stream:
            for product in products(count):
                stream.add(product)
            with contextlib.suppress(InvalidItem):
                stream.add(INVALID)

    with pytest.raises(StreamStateError, match="an earlier error was swallowed") as caught:
        program()
    assert isinstance(caught.value.__cause__, InvalidItem)
    assert "it has no documentId" in str(caught.value)
    before.assert_untouched()


def test_swallowing_every_error_does_not_help_either(before: Before, client: StreamClient) -> None:
    """Law 2: a program that swallows each error of each item loads nothing and is told so at the end."""
    stream = client.open_stream()

    def program() -> None:
        with stream:
            for document in [*products(12), INVALID, *products(20, first=100)]:
                with contextlib.suppress(CoveoEnrichError):
                    stream.add(document)

    with pytest.raises(StreamStateError, match="an earlier error was swallowed"):
        program()
    assert stream.state is StreamState.STOPPED
    before.assert_untouched()


def test_an_error_that_was_answered_with_abandon_is_answered(before: Before, client: StreamClient) -> None:
    """Law 2: who catches the error and abandons has decided: leaving is quiet, and closes nothing."""
    with client.open_stream() as stream:
        try:
            stream.add(INVALID)
        except InvalidItem:
            stream.abandon()
    before.assert_untouched()


@pytest.mark.parametrize("empty", [[], (), iter([])])
def test_no_item_opens_nothing(before: Before, client: StreamClient, empty: Any) -> None:  # noqa: ANN401
    """Law 2: an empty catalog is an error that names the source; nothing is opened for it."""
    with pytest.raises(EmptyLoad, match="there was no item") as caught:
        client.load(empty)
    assert caught.value.source_id == "sandbox-catalog"
    assert before.asked == ["source"]
    before.assert_untouched()


def test_no_item_opens_nothing_even_where_shrinking_is_allowed(before: Before, client: StreamClient) -> None:
    """Law 2: allow_shrink does not empty a source."""
    with pytest.raises(EmptyLoad):
        client.load([], allow_shrink=True)
    assert before.asked == []
    before.assert_untouched()


@pytest.mark.parametrize("documents", [None, 3, object(), {}])
def test_what_is_no_catalog_opens_nothing(before: Before, client: StreamClient, documents: Any) -> None:  # noqa: ANN401
    """Law 2: a call with something that is not iterable fails before anything is opened."""
    with pytest.raises(ConfigurationError, match="documents must be an iterable"):
        client.load(documents)
    before.assert_untouched()


def test_one_item_given_as_a_catalog_is_refused(before: Before, client: StreamClient) -> None:
    """Law 2: a single item where many are expected would be read as its keys: that is said, and nothing opened."""
    with pytest.raises(ConfigurationError, match=r"documents must be an iterable.*; got one dict"):
        client.load(products(1)[0])  # type: ignore[arg-type] # that is the test
    before.assert_untouched()


def test_more_items_than_a_load_is_made_for(before: Before, client: StreamClient) -> None:
    """Law 2: the item over the limit raises before the close, and the error names replace."""
    with pytest.raises(TooManyItems, match=r"more than 30 items.*replace") as caught:
        client.load(products(31), max_items=30)
    assert caught.value.limit == 30
    before.assert_untouched()


def test_as_many_items_as_a_load_is_made_for(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 2: a load of exactly the limit passes."""
    assert client.load(products(30), max_items=30).items == len(sandbox.items()) == 30


def test_a_storage_that_never_takes_a_chunk(before: Before, sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Laws 2 and 7: after the last attempt the error names status, code and size; the stream is left open."""
    sandbox.fail("upload", 503, times=None)
    with pytest.raises(UploadRefused) as caught:
        client.load(products(15))
    assert (caught.value.status, caught.value.code) == (503, "SlowDown")
    assert 0 < caught.value.size <= 600
    assert "was left open" in _notes(caught.value)
    before.assert_untouched()


def test_one_chunk_of_many_that_is_refused(before: Before, sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 2: ninety chunks that arrived do not outweigh one that did not: no close over a hole."""
    sandbox.fail("upload", 400, error_code="EntityTooLarge", after=7)
    with pytest.raises(UploadRefused):
        client.load(products(900))
    before.assert_untouched()


def test_the_last_chunk_that_is_refused(before: Before, sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 2: a refusal that comes only while leaving the block still prevents the close."""
    sandbox.fail("upload", 413, after=2)
    with StreamClient(source, max_chunk_bytes=600, concurrency=1) as one, pytest.raises(UploadRefused):
        one.load(products(30))
    before.assert_untouched()


@pytest.mark.parametrize("operation", ["open", "chunk"])
def test_a_key_that_is_refused_on_the_way(
    before: Before,
    sandbox: CoveoSandbox,
    client: StreamClient,
    operation: Operation,
) -> None:
    """Laws 2 and 7: a key revoked before or during the load is named, asked for once, and closes nothing."""
    sandbox.fail(operation, 401, times=None)
    with pytest.raises(AccessRefused, match="INVALID_TOKEN"):
        client.load(products(15))
    assert before.asked.count(operation) == 1
    before.assert_untouched()


@pytest.mark.parametrize("operation", ["open", "chunk", "upload"])
def test_a_network_that_is_gone(
    before: Before,
    sandbox: CoveoSandbox,
    client: StreamClient,
    operation: Operation,
) -> None:
    """Laws 2 and 7: a connection that breaks each time ends in NoReply after as many attempts as the policy says."""
    sandbox.break_connection(operation, times=None)
    with pytest.raises(NoReply):
        client.load(products(12))
    assert before.asked.count(operation) >= 6
    before.assert_untouched()


@pytest.mark.parametrize(
    ("status", "error_code"),
    [
        (400, "ORGANIZATION_IS_PAUSED"),
        (403, None),
        (404, None),
        (412, "DOCUMENT_LIMIT_EXCEEDED"),
        (429, None),
        (503, None),
    ],
)
def test_a_close_that_was_refused_is_a_load_that_did_not_happen(
    before: Before, sandbox: CoveoSandbox, client: StreamClient, status: int, error_code: str | None
) -> None:
    """Laws 2 and 7: Coveo said no, so the source is as it was, and the error says so."""
    sandbox.fail("close", status, error_code=error_code, times=None)
    with pytest.raises(CoveoRefused, match=rf"close the stream: Coveo answered {status}") as caught:
        client.load(products(15))
    assert "the source is as it was" in _notes(caught.value)
    assert document_ids(sandbox) == [f"old://{n:04}" for n in range(20)]
    assert sandbox.streams()[-1].is_open
    assert before.asked[-1] == "close"


def test_releasing_the_client_closes_no_stream(before: Before, source: CoveoSource) -> None:
    """Law 2: neither close() nor the end of the client's with-block closes a stream that is not finished."""
    with StreamClient(source, max_chunk_bytes=600) as releasing:
        stream = releasing.open_stream()
        stream.__enter__()
        stream.add(products(1)[0])
        releasing.close()
    before.assert_untouched()
    stream.abandon()
    before.assert_untouched()


class _SlowStorage(ThreadingHTTPServer):
    """A storage that says when an upload has arrived, and answers when it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SlowAnswer)
        self.arrived = threading.Event()
        self.let_go = threading.Event()

    @property
    def opened(self) -> str:
        """An answer to open that leads here."""
        return json.dumps({"streamId": "s-1", "uploadUri": f"http://127.0.0.1:{self.server_port}/key"})


class _SlowAnswer(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        """Take an upload."""
        assert isinstance(self.server, _SlowStorage)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.arrived.set()
        self.server.let_go.wait()
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Say nothing."""


@pytest.fixture
def storage() -> Iterator[_SlowStorage]:
    """A running slow storage."""
    with _SlowStorage() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.let_go.set()
        server.shutdown()
        thread.join()


def test_releasing_the_client_during_an_upload_blocks_nothing(
    before: Before, sandbox: CoveoSandbox, source: CoveoSource, storage: _SlowStorage
) -> None:
    """Law 2: a client that is closed while an upload awaits its answer leaves no thread waiting on what is gone.

    A thread that waits on a connection which another thread closes goes on waiting on whatever file is opened next.
    """
    sandbox.fail("open", 201, body=storage.opened)
    releasing = StreamClient(source, max_chunk_bytes=600, retry=RetryPolicy(first_wait_seconds=0))
    stream = releasing.open_stream()
    stream.__enter__()
    for product in products(12):
        stream.add(product)
    storage.arrived.wait()
    releaser = threading.Thread(target=releasing.close, daemon=True)
    releaser.start()
    releaser.join(1)  # closing may as well wait for the upload
    opened_next = [end for _ in range(50) for end in socket.socketpair()]
    storage.let_go.set()
    leaver = threading.Thread(target=stream.abandon, daemon=True)
    leaver.start()
    leaver.join(10)
    assert not leaver.is_alive()
    releaser.join(10)
    assert not releaser.is_alive()
    before.assert_untouched()
    releasing.close()
    for end in opened_next:
        end.close()


def test_the_client_block_closes_no_stream_after_an_error(before: Before, source: CoveoSource) -> None:
    """Law 2: an error that leaves both blocks closes nothing on its way."""
    with pytest.raises(OSError, match="out"), StreamClient(source, max_chunk_bytes=600) as client:
        client.load(broken_off(35, OSError("out")))
    before.assert_untouched()


def test_a_load_that_failed_can_be_done_again(before: Before, sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 2: the stream that was left open does not stand in the way of the next one, and adds nothing to it."""
    with pytest.raises(OSError, match="first"):
        client.load(broken_off(35, OSError("first")))
    before.assert_untouched()
    client.load(products(15, first=101))
    assert document_ids(sandbox) == [product["documentId"] for product in products(15, first=101)]
