"""Connections that break in the middle: within the request's body, or, where it has none, within the reply's."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
from sandbox_caller import Caller, batch

# What a client sees when the other side goes away; a client's own timeout is neither.
CUT_OFF = (httpx.NetworkError, httpx.RemoteProtocolError)


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def _post_raw(coveo: Caller, path: str) -> bytes:
    headers = [f"{name}: {value}" for name, value in coveo.headers.items()]
    return coveo.raw(f"POST {path} HTTP/1.1", *headers)


@pytest.mark.parametrize("size", [1, 10, 20_000_000])
def test_an_upload_that_breaks_off_leaves_the_container_unfilled(coveo: Caller, size: int) -> None:
    """Half of it was read, a byte at least, the client sees a broken connection, and nothing was stored."""
    container = coveo.open()
    coveo.sandbox.break_connection("upload", when="middle")
    with pytest.raises(CUT_OFF):
        coveo.upload(container, bytes(size))
    assert not coveo.sandbox.streams()[0].containers[0].is_filled
    request = coveo.sandbox.requests()[-1]
    assert (request.status, request.body_size) == (None, max(1, size // 2))


def test_an_upload_that_breaks_off_leaves_what_was_there(coveo: Caller) -> None:
    """The second upload to a container breaks off: the first one stays."""
    opened = coveo.open()
    first = batch({"documentId": "product://1"})
    coveo.upload(opened, first).raise_for_status()
    coveo.sandbox.break_connection("upload", when="middle")
    with pytest.raises(CUT_OFF):
        coveo.upload(opened, batch({"documentId": "product://2", "ec_name": "Kayak"}))
    assert coveo.sandbox.streams()[0].containers[0].size == len(first)
    coveo.close(opened["streamId"]).raise_for_status()
    assert coveo.document_ids() == ["product://1"]


@pytest.mark.parametrize("content", [b'{"name": "kayak_type"}', iter([b'{"name": ', b'"kayak_type"}'])])
def test_a_call_whose_body_breaks_off_does_not_happen(coveo: Caller, content: bytes | Iterator[bytes]) -> None:
    """Coveo never saw the whole of it, be its length known or not."""
    fields = f"{coveo.organization_path}/indexes/fields"
    coveo.sandbox.break_connection("fields", when="middle")
    with pytest.raises(CUT_OFF):
        coveo.post(fields, content=content)
    assert coveo.http.get(f"{fields}/kayak_type", headers=coveo.headers).status_code == 404


def test_the_reply_to_a_call_without_a_body_breaks_off(coveo: Caller) -> None:
    """The stream is closed; the client gets the head of the reply and half of the body that it announces."""
    opened = coveo.open()
    coveo.sandbox.break_connection("close", when="middle")
    reply = _post_raw(coveo, f"{coveo.stream_path}/{opened['streamId']}/close")
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body.startswith(b'{"orderingId"')
    assert (
        f"content-length: {2 * len(body)}".encode() in head or f"content-length: {2 * len(body) + 1}".encode() in head
    )
    assert not coveo.sandbox.streams()[0].is_open


def test_a_client_sees_that_a_reply_broke_off(coveo: Caller) -> None:
    """It is an error, not a short answer."""
    coveo.sandbox.break_connection("open", when="middle")
    with pytest.raises(CUT_OFF):
        coveo.open()
    assert len(coveo.sandbox.streams()) == 1


def test_a_reply_without_a_body_has_no_middle(coveo: Caller) -> None:
    """Where neither side sends a body, what was asked for happens, and no reply comes."""
    opened = coveo.open()
    coveo.sandbox.break_connection("upload", when="middle")
    with pytest.raises(CUT_OFF):
        coveo.upload(opened, b"")
    assert coveo.sandbox.streams()[0].containers[0].size == 0
    assert coveo.sandbox.requests()[-1].status is None


def test_a_throttled_connection_breaks_too(coveo: Caller) -> None:
    """A body that comes slowly breaks off, and so does a reply."""
    opened = coveo.open()
    coveo.sandbox.throttle("upload", 1_000_000)
    coveo.sandbox.break_connection("upload", when="middle")
    with pytest.raises(CUT_OFF):
        coveo.upload(opened, bytes(1_000))
    assert not coveo.sandbox.streams()[0].containers[0].is_filled
    coveo.sandbox.throttle("close", 1_000_000)
    coveo.sandbox.break_connection("close", when="middle")
    with pytest.raises(CUT_OFF):
        coveo.close(opened["streamId"])
    assert not coveo.sandbox.streams()[0].is_open


def test_a_client_that_leaves_within_its_body_got_no_answer(coveo: Caller) -> None:
    """Without any order: the request shows no status, as nobody was there to get one."""
    head = [f"POST {coveo.organization_path}/indexes/fields HTTP/1.1", f"Host: {coveo.host}", "Content-Length: 100"]
    headers = [f"{name}: {value}" for name, value in coveo.headers.items()]
    with socket.create_connection(coveo.address, timeout=30) as connection:
        connection.sendall("\r\n".join([*head, *headers, "", "half"]).encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    coveo.open()
    assert [request.status for request in coveo.sandbox.requests()] == [None, 201]


def test_another_moment_is_an_error(coveo: Caller) -> None:
    """A misspelt moment would prove something else."""
    with pytest.raises(ValueError, match="when is one of before, middle"):
        coveo.sandbox.break_connection("open", when="after")  # type: ignore[arg-type] # wrong on purpose
