"""What a service does to a real connection: it resets, cuts off, or says what is no JSON."""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import Any

import pytest
from wires import Host, Request, answering, read_request

from coveo_enrich.classifiers.http import HttpClassifier, HttpService
from coveo_enrich.classifiers.values import Label
from coveo_enrich.errors import ServiceUnavailable, Throttled
from coveo_enrich.images import ProductImage

IMAGE = ProductImage.from_bytes(b"", url="https://shop.example.com/1")


def one_label(answer: Any) -> list[Label]:  # noqa: ANN401 - JSON
    """The name in an answer."""
    return [Label(answer["name"])]


def classifier(host: Host) -> HttpClassifier:
    """Asks a host."""
    return HttpClassifier("acme", HttpService(host.url, json={"u": "{image_url}"}, parse=one_label))


def reset(connection: socket.socket) -> None:
    """Read a request, then break the connection."""
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reply(body: bytes, *, length: int | None = None, status: str = "200 OK") -> bytes:
    """A whole reply, or one that announces more than it has."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


def cut_off(connection: socket.socket) -> None:
    """Answer with less than was announced."""
    read_request(connection)
    connection.sendall(reply(b'{"name":', length=100))


@pytest.mark.parametrize("talk", [reset, cut_off, answering([], reply(b"<html>ok</html>")), answering([], reply(b""))])
def test_an_answer_that_never_was_one_may_come_later(talk: Any) -> None:  # noqa: ANN401 - a script
    """A reset, a body cut off, a page of a proxy and an empty body are all transient, and end at once."""
    with Host(talk) as host, closing(classifier(host)) as one, pytest.raises(ServiceUnavailable):
        one.classify(IMAGE)


def test_a_call_is_made_once_whatever_it_comes_to() -> None:
    """The adapter repeats nothing by itself: that is the pipeline's to decide."""
    requests: list[Request] = []
    slow = answering(requests, reply(b"", status="429 Slow"))
    with Host(slow) as host, closing(classifier(host)) as one, pytest.raises(Throttled):
        one.classify(IMAGE)
    assert len(requests) == 1


def test_a_connection_serves_one_picture_after_another() -> None:
    """The connection is kept, and made anew after close."""
    requests: list[Request] = []
    with Host(answering(requests, reply(b'{"name":"kayak"}'))) as host:
        one = classifier(host)
        assert [one.classify(IMAGE).labels for _ in range(3)] == [(Label("kayak"),)] * 3
        assert len(host.connections) == 1
        one.close()
        one.classify(IMAGE)
        assert len(host.connections) == 2
        one.close()
