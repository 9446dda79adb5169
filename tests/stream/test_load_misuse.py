"""A stream used as it is not meant to be: each mistake is named, and none closes or changes anything."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from loading import document_ids, fill, operations, products

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import CloseOutcomeUnknown, SourceSizeUnknown, StreamStateError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import StreamState


def test_a_stream_outside_its_block_takes_nothing(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """The error shows the with-block that is missing; nothing was asked of Coveo."""
    stream = client.open_stream()
    with pytest.raises(StreamStateError, match=r"with client\.open_stream\(\) as stream"):
        stream.add(products(1)[0])
    with pytest.raises(StreamStateError, match="with-block"):
        stream.abandon()
    with pytest.raises(StreamStateError, match="there is no receipt"):
        _ = stream.receipt
    assert sandbox.requests() == []


def test_a_block_that_never_began_cannot_end(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Leaving without entering is an error, not a close."""
    with pytest.raises(StreamStateError, match="with-block"):
        client.open_stream().__exit__(None, None, None)
    assert sandbox.requests() == []


def test_a_stream_serves_one_block(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """A second block on the same stream is refused before it begins, and the first one's load stands."""
    with client.open_stream() as stream:
        stream.add(products(1)[0])
    with pytest.raises(StreamStateError, match="one with-block"):
        stream.__enter__()
    assert stream.state is StreamState.CLOSED
    assert operations(sandbox).count("close") == 1


def test_a_block_in_a_block_is_refused(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Entering a stream twice at once stops the load."""
    old = fill(client, 3)

    def program() -> None:
        with client.open_stream() as stream:
            stream.add(products(1)[0])
            with stream:
                stream.add(products(2)[1])

    with pytest.raises(StreamStateError, match="one with-block"):
        program()
    assert document_ids(sandbox) == old


def test_nothing_can_be_added_after_the_block(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """An item that comes too late is an error, as it is not in the source."""
    with client.open_stream() as stream:
        stream.add(products(1)[0])
    with pytest.raises(StreamStateError, match="nothing can be added to a load that is closed"):
        stream.add(products(2)[1])
    assert stream.receipt.items == len(document_ids(sandbox)) == 1


def test_a_load_that_was_closed_cannot_be_abandoned(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 2: abandon promises that the source stays as it was: after the close that is said to be too late."""
    with client.open_stream() as stream:
        stream.add(products(1)[0])
    with pytest.raises(StreamStateError, match="closed"):
        stream.abandon()
    assert stream.state is StreamState.CLOSED
    assert len(document_ids(sandbox)) == 1


def test_a_load_whose_close_is_unknown_cannot_be_abandoned(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Laws 2 and 7: nor after a close that may have happened."""
    stream = client.open_stream()
    sandbox.lose_reply("close")

    def program() -> None:
        with stream:
            stream.add(products(1)[0])

    with pytest.raises(CloseOutcomeUnknown):
        program()
    with pytest.raises(StreamStateError, match="unknown"):
        stream.abandon()
    assert stream.state is StreamState.UNKNOWN


def test_leaving_twice_sends_one_close(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 2: a block that is left again sends nothing, and nothing false is said of the source."""
    with client.open_stream() as stream:
        stream.add(products(1)[0])
    try:
        stream.__exit__(None, None, None)
    except StreamStateError as error:
        notes = "".join(getattr(error, "__notes__", []))
        assert "the source is as it was" not in notes
    assert operations(sandbox).count("close") == 1
    assert stream.state is StreamState.CLOSED


def test_a_late_error_does_not_deny_the_close(client: StreamClient) -> None:
    """Law 2: an error that meets a load after its close says nothing of a source that is as it was: it is not."""
    with client.open_stream() as stream:
        stream.add(products(1)[0])
    error = OSError("late")
    stream.__exit__(OSError, error, None)
    assert "the source is as it was" not in "".join(getattr(error, "__notes__", []))
    assert stream.state is StreamState.CLOSED


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_stream_does_not_pickle(client: StreamClient, protocol: int) -> None:
    """Law 14: a stream belongs to its process; the error says what to ship instead."""
    with pytest.raises(StreamStateError, match="ship the CoveoSource"):
        pickle.dumps(client.open_stream(), protocol)


def test_a_size_that_could_not_be_had_leaves_nothing_behind(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: the block does not begin; its stream takes nothing."""
    sandbox.fail("source", 403)
    stream = client.open_stream()
    with pytest.raises(SourceSizeUnknown):
        stream.__enter__()
    with pytest.raises(StreamStateError):
        stream.add(products(1)[0])
    assert operations(sandbox) == ["source"]


@pytest.mark.parametrize(("calls", "last"), [(0, None), (1, "source"), (2, "upload"), (3, "upload")])
def test_a_key_callable_that_fails_is_the_callers_error(sandbox: CoveoSandbox, calls: int, last: str | None) -> None:
    """Law 2: what a key callable raises comes out as it is; a close that was never sent is no riddle."""
    left = [sandbox.connection["api_key"]] * calls

    def key() -> str:
        if not left:
            raise LookupError("the vault is shut")
        return left.pop()

    settings: dict[str, Any] = sandbox.connection | {"api_key": key}
    with StreamClient(CoveoSource(**settings), max_chunk_bytes=600, concurrency=1) as client:
        stream = client.open_stream()

        def program() -> None:
            with stream:
                for product in products(15):
                    stream.add(product)

        with pytest.raises(LookupError, match="the vault is shut"):
            program()
    assert "close" not in operations(sandbox)
    assert operations(sandbox)[-1:] == ([last] if last else [])
    assert stream.state in (StreamState.NEW, StreamState.STOPPED)


def test_a_repr_shows_how_far_a_stream_came(client: StreamClient, sandbox: CoveoSandbox) -> None:
    """Law 13: id, state and items, and no key."""
    with client.open_stream() as stream:
        assert repr(stream) == "<LoadStream not opened: new, 0 items>"
        for product in products(15):
            stream.add(product)
        assert repr(stream) == f"<LoadStream {stream.stream_id}: open, 15 items>"
    assert repr(stream) == f"<LoadStream {stream.stream_id}: closed, 15 items>"
    for shown in (repr(client), repr(stream)):
        assert sandbox.connection["api_key"] not in shown
