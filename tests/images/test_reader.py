from __future__ import annotations

import contextlib
import gzip
import os
import pickle
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Generator, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from picture_server import Answer, PictureServer, serving

from coveo_enrich._http import Interrupt, PinnedFetcher, Reply
from coveo_enrich.errors import ConfigurationError, ImageRejected, NoReply, ServiceUnavailable
from coveo_enrich.images import ImageReader, ProductImage
from coveo_enrich.images.reader import MAX_IMAGE_BYTES

PUBLIC = "93.184.215.14"


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next try follow at once; how long it is waited for stands in ``test_fetching.py``."""

    def go_on(_: Interrupt, __: float) -> None:
        """Do not wait."""

    monkeypatch.setattr(Interrupt, "wait", go_on)


@pytest.fixture
def server() -> Iterator[PictureServer]:
    """Return a host of pictures."""
    with serving() as running:
        yield running


@pytest.fixture
def reader(server: PictureServer) -> Iterator[ImageReader]:
    """Return a reader that trusts the host of pictures."""
    made = ImageReader(trusted_hosts=(server.host,))
    yield made
    made.close()


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that this process connects to, as it does; the real connection is made."""
    addresses: list[str] = []
    connect = socket.socket.connect

    def spy(self: socket.socket, address: Any) -> None:  # noqa: ANN401 - as the standard library
        addresses.append(address[0])
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", spy)
    return addresses


def read(reader: ImageReader, reference: str) -> bytes:
    """Read a picture at once."""
    return reader.image(reference).read()


# Which hosts are asked


def test_a_picture_is_read_from_a_trusted_host(server: PictureServer, reader: ImageReader) -> None:
    """A host on loopback is read from when it is named as trusted."""
    assert read(reader, server.url("/a.jpg", Answer(b"abc"))) == b"abc"


@pytest.mark.parametrize("trusted", [(), ("127.0.0.1:1",), ("localhost",), ("127.0.0.10",), ("127.0.0",)])
def test_loopback_needs_trust(server: PictureServer, trusted: tuple[str, ...]) -> None:
    """Law 15: without exactly this host being trusted, nothing is asked of it."""
    with pytest.raises(ImageRejected):
        read(ImageReader(trusted_hosts=trusted), server.url("/a.jpg", Answer()))
    assert server.requests == []


@pytest.mark.parametrize("wrong", ["*.a.example", "https://a.example", " a.example", "", None, 5, "a.example:x"])
def test_a_trusted_host_that_names_none_is_refused(wrong: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A pattern or a URL would trust nothing; it is found before any product."""
    with pytest.raises(ConfigurationError, match="one by one"):
        ImageReader(trusted_hosts=["b.example", wrong])


def test_a_trusted_name_beyond_ascii_is_trusted_as_it_is_looked_up(
    server: PictureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 15: what a user writes with an umlaut is the very host that is connected to."""
    scripted_names(monkeypatch, {"xn--bcher-kva.example": [["127.0.0.1"]]})
    server.url("/a.jpg", Answer(b"abc"))
    reader = ImageReader(trusted_hosts=[f"bücher.example:{server.port}"])
    assert read(reader, f"http://Bücher.example:{server.port}/a.jpg") == b"abc"


def test_trusted_hosts_given_as_one_text_are_refused() -> None:
    """A text in place of a list of hosts would trust its letters; it is refused with the mistake named."""
    with pytest.raises(ConfigurationError, match="trusted_hosts"):
        ImageReader(trusted_hosts="127.0.0.1:8000")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "127.0.1",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.16689662",
        "168.63.129.16",
        "100.64.0.1",
        "224.0.0.1",
        "[fd00::]",
        "[ff02::1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::169.254.169.254]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:808:808:0:0:80ff:fffe]",
        "0",
        "0.0.0.0",  # noqa: S104 - asked for, not bound
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "10.0.0.1",
        "[fd00:ec2::254]",
        "１２７.0.0.1",  # noqa: RUF001 - digits of another alphabet, which IDNA folds
    ],
)
def test_a_name_for_an_address_that_is_not_public_is_refused(host: str, connections: list[str]) -> None:
    """Law 15: what counts is the address that a name resolves to, and it is refused before any connection is made."""
    with pytest.raises(ImageRejected):
        read(ImageReader(), f"http://{host}/a.jpg")
    assert connections == []


def scripted_names(monkeypatch: pytest.MonkeyPatch, answers: dict[str, list[list[str]]]) -> list[str]:
    """Let names resolve as scripted, the last answer for ever; returns the names asked for, as they are."""
    asked: list[str] = []
    resolve = socket.getaddrinfo

    def scripted(host: str, port: int, *args: Any, **options: Any) -> list[Any]:  # noqa: ANN401 - as the standard library
        if host not in answers:
            return list(resolve(host, port, *args, **options))
        asked.append(host)
        script = answers[host]
        addresses = script.pop(0) if len(script) > 1 else script[0]
        return [entry for one in addresses for entry in resolve(one, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", scripted)
    return asked


def no_way_out(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let no connection be made; returns the addresses that were to be connected to."""
    addresses: list[str] = []

    def refuse(_: socket.socket, address: Any) -> None:  # noqa: ANN401 - as the standard library
        addresses.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return addresses


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 15: a name is resolved once for a connection; a second answer, loopback, is not asked for by it."""
    asked = scripted_names(monkeypatch, {"rebind.example": [[PUBLIC], ["127.0.0.1"]]})
    addresses = no_way_out(monkeypatch)
    fetcher = PinnedFetcher(lambda _host, _port, address: None if address == PUBLIC else "not public")
    with pytest.raises(NoReply):
        fetcher.get("test", "http://rebind.example/a.jpg", headers={}, max_bytes=1_000, max_seconds=20)
    assert asked == ["rebind.example"]
    assert addresses == [PUBLIC]


def test_a_name_that_changes_its_address_between_two_tries_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 15: the second try resolves the name anew, and the new address, loopback, is not connected to."""
    asked = scripted_names(monkeypatch, {"rebind.example": [[PUBLIC], ["127.0.0.1"]]})
    addresses = no_way_out(monkeypatch)
    with pytest.raises(ImageRejected, match="public"):
        read(ImageReader(), "http://rebind.example/a.jpg")
    assert asked == ["rebind.example"] * 2
    assert addresses == [PUBLIC]


@pytest.mark.parametrize(
    "answer", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC, "10.1.1.1"]]
)
def test_one_private_address_among_public_ones_refuses_the_name(
    answer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 15: every address of a name must be public, or none is connected to."""
    scripted_names(monkeypatch, {"mixed.example": [answer]})
    addresses = no_way_out(monkeypatch)
    with pytest.raises(ImageRejected, match="public"):
        read(ImageReader(), "http://mixed.example/a.jpg")
    assert addresses == []


def test_the_next_address_is_tried_when_one_refuses(
    server: PictureServer, monkeypatch: pytest.MonkeyPatch, connections: list[str]
) -> None:
    """A host with several addresses is reached at the first that takes the connection."""
    scripted_names(monkeypatch, {"two.example": [["127.0.0.2", "127.0.0.1"]]})
    server.url("/a.jpg", Answer(b"abc"))
    with contextlib.closing(ImageReader(trusted_hosts=("two.example",))) as reader:
        assert read(reader, f"http://two.example:{server.port}/a.jpg") == b"abc"
    assert connections == ["127.0.0.2", "127.0.0.1"]


def test_the_host_header_keeps_the_name(server: PictureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to an address, the request still names the host."""
    scripted_names(monkeypatch, {"named.example": [["127.0.0.1"]]})
    server.url("/a.jpg", Answer())
    with contextlib.closing(ImageReader(trusted_hosts=("named.example",))) as reader:
        read(reader, f"http://named.example:{server.port}/a.jpg")
    assert server.requests[0][1]["Host"] == f"named.example:{server.port}"


def test_a_name_without_an_address_may_have_one_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve is a failure that may pass."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(ServiceUnavailable, match="resolved"):
        read(ImageReader(), "http://nowhere.example/a.jpg")


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@127.0.0.1/a.jpg",
        "http://127.0.0.1:22/a.jpg",
        "http://a.example\\@127.0.0.1/a.jpg",
        "http://a.example#@127.0.0.1:22/a.jpg",
        "http://exa mple.com/a.jpg",
        "http://a\u0000.example/a.jpg",
        "http://.example/a.jpg",
        "http://a..example/a.jpg",
        "http://" + "a" * 70 + ".example/a.jpg",
        "http://xn--a.example/a.jpg",
        "http://\u2100.example/a.jpg",
        "http://a.example/\ud800.jpg",
        "http://\ud800.example/a.jpg",
        "https://a.example/" + "a" * 70_000,
    ],
)
def test_an_odd_url_is_a_failure_of_the_picture(
    url: str, monkeypatch: pytest.MonkeyPatch, connections: list[str]
) -> None:
    """Whatever is written in place of a URL, the picture is refused or not to be had; nothing else is raised."""
    resolve = socket.getaddrinfo

    def resolve_numbers_only(host: str, *args: Any, **options: Any) -> list[Any]:  # noqa: ANN401 - as the standard library
        host.encode("idna")
        return list(resolve(host, *args, **{**options, "flags": socket.AI_NUMERICHOST}))

    monkeypatch.setattr(socket, "getaddrinfo", resolve_numbers_only)
    with pytest.raises((ImageRejected, ServiceUnavailable)) as caught:
        read(ImageReader(), url)
    assert "hunter2" not in str(caught.value)
    assert connections == []


# What is sent to a host


def test_a_request_says_no_more_than_it_must(
    server: PictureServer, reader: ImageReader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Law 15: no credentials of the environment and no cookies are sent; Accept names picture formats, never all."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    url = server.url("/a.jpg", Answer(headers={"Set-Cookie": "id=1; Path=/"}))
    read(reader, url)
    read(reader, url)
    for _, headers in server.requests:
        assert headers["Authorization"] is None
        assert headers["Cookie"] is None
        assert headers["Referer"] is None
        assert headers["User-Agent"].startswith("coveo-enrich/")
        assert "image/jpeg" in headers["Accept"]
        assert "*/*" not in headers["Accept"]


def test_cookies_do_not_follow_a_redirect(server: PictureServer, reader: ImageReader) -> None:
    """A cookie set with a redirect is not sent to where it leads."""
    server.url("/b.jpg", Answer())
    read(reader, server.url("/a.jpg", Answer(b"", 302, {"Location": "/b.jpg", "Set-Cookie": "id=1; Path=/"})))
    assert server.requests[-1][1]["Cookie"] is None


def test_a_proxy_of_the_environment_is_not_used(
    server: PictureServer, reader: ImageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 15: a proxy would resolve names out of sight of the check, so none is used."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert read(reader, server.url("/a.jpg", Answer(b"abc"))) == b"abc"


def test_a_fragment_stays_here_and_a_query_is_sent(server: PictureServer, reader: ImageReader) -> None:
    """The host is asked for path and query as the catalog spelt them."""
    server.url("/a%20b.jpg?w=1&h=%2F", Answer())
    read(reader, server.url("/a%20b.jpg?w=1&h=%2F#top"))
    assert server.paths == ["/a%20b.jpg?w=1&h=%2F"]


# What comes back from a host


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 304, 300, 299 + 700])
def test_a_refusal_of_the_host_is_final(server: PictureServer, reader: ImageReader, status: int) -> None:
    """An answer that a repetition does not change rejects the picture and names the status."""
    with pytest.raises(ImageRejected, match=str(status)):
        read(reader, server.url("/a.jpg", Answer(b"", status)))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_host_may_answer_later(server: PictureServer, reader: ImageReader, status: int) -> None:
    """An answer that may be another a moment later is no verdict on the picture."""
    with pytest.raises(ServiceUnavailable, match=str(status)):
        read(reader, server.url("/a.jpg", Answer(b"", status)))


def test_an_empty_body_is_rejected(server: PictureServer, reader: ImageReader) -> None:
    """A picture of 0 bytes is named so."""
    with pytest.raises(ImageRejected, match="0 bytes"):
        read(reader, server.url("/a.jpg", Answer(b"")))


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    """Send less than announced."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"half")


def nonsense(handler: BaseHTTPRequestHandler) -> None:
    """Send something that is not HTTP."""
    handler.wfile.write(b"\x00\x01nonsense\r\n\r\n")


def broken_gzip(handler: BaseHTTPRequestHandler) -> None:
    """Send something that is not gzip and says that it is."""
    Answer(b"not gzip", headers={"Content-Encoding": "gzip"})(handler)


@pytest.mark.parametrize("script", [reset, cut_off, nonsense])
def test_a_broken_exchange_may_work_later(
    server: PictureServer, reader: ImageReader, script: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """A connection that breaks, a body cut off and noise in place of HTTP are failures that may pass."""
    with pytest.raises(ServiceUnavailable):
        read(reader, server.url("/a.jpg", script))


def test_a_body_that_is_not_encoded_as_announced_fails_as_a_picture(server: PictureServer, reader: ImageReader) -> None:
    """A wrong Content-Encoding is a failure of this picture, whichever kind."""
    with pytest.raises((ServiceUnavailable, ImageRejected)):
        read(reader, server.url("/a.jpg", broken_gzip))


def test_a_host_that_is_not_there_may_be_later() -> None:
    """A refused connection is a failure that may pass."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: a connection is refused
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ServiceUnavailable):
            read(ImageReader(trusted_hosts=(host,)), f"http://{host}/a.jpg")


def test_a_body_without_end_is_stopped_at_the_cap(server: PictureServer, reader: ImageReader) -> None:
    """Law 11: a body that announces no length is read to the cap and no further."""
    sent = 0
    done = threading.Event()

    def endless(handler: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        try:
            handler.send_response(200)
            handler.end_headers()
            while sent < 200_000_000:
                sent += handler.wfile.write(bytes(65_536))
        finally:
            done.set()

    with pytest.raises(ImageRejected, match="16,000,000"):
        read(reader, server.url("/a.jpg", endless))
    assert done.wait(30)
    assert MAX_IMAGE_BYTES < sent < 60_000_000


@pytest.mark.parametrize(("size", "fits"), [(MAX_IMAGE_BYTES, True), (MAX_IMAGE_BYTES + 1, False)])
def test_the_cap_is_exact(server: PictureServer, reader: ImageReader, size: int, *, fits: bool) -> None:
    """A picture of exactly the cap is read, one byte more is not."""
    url = server.url("/a.jpg", Answer(bytes(size)))
    if fits:
        assert len(read(reader, url)) == size
    else:
        with pytest.raises(ImageRejected, match="larger"):
            read(reader, url)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_compressed_bomb_does_not_fill_the_memory(server: PictureServer, reader: ImageReader, layers: int) -> None:
    """Law 11: what a small body would grow to, compressed once or several times, is never held in memory."""
    body = bytes(400_000_000)
    for _ in range(layers):
        body = gzip.compress(body, compresslevel=1 if len(body) > MAX_IMAGE_BYTES else 9)
    encoding = ", ".join(["gzip"] * layers)
    url = server.url("/a.jpg", Answer(body, headers={"Content-Encoding": encoding}))
    tracemalloc.start()
    try:
        with pytest.raises(ImageRejected):
            read(reader, url)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * MAX_IMAGE_BYTES


@pytest.mark.parametrize("part", ["headers", "body", "encoded body"])
def test_the_time_limit_is_for_the_whole_exchange(server: PictureServer, part: str) -> None:
    """A host that sends a byte now and then does not hold a thread longer than the limit, whatever it drips."""
    never = threading.Event()
    drips, sent = 150, 0

    def drip(handler: BaseHTTPRequestHandler) -> None:
        if part == "headers":
            handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        else:
            handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
            handler.wfile.write(b"Content-Encoding: gzip\r\n\r\n" if part == "encoded body" else b"\r\n")
        if part == "encoded body":  # the start of a gzip file whose name goes on and on
            handler.wfile.write(b"\x1f\x8b\x08\x08\0\0\0\0\0\x03")
        nonlocal sent
        for _ in range(drips):
            sent += handler.wfile.write(b"a")
            never.wait(0.02)

    url = server.url("/a.jpg", drip)

    def anywhere(_host: str, _port: int, _address: str) -> None:
        """Allow every address."""

    fetcher = PinnedFetcher(anywhere)
    with contextlib.closing(fetcher), pytest.raises(NoReply):
        fetcher.get("test", url, headers={}, max_bytes=1_000_000, max_seconds=0.3)
    assert sent < drips


# Where a redirect may lead


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["/b.jpg", "b.jpg", "../b.jpg", "?b", "//{host}/b.jpg", "http://{host}/b.jpg"])
def test_a_redirect_is_followed(server: PictureServer, reader: ImageReader, status: int, target: str) -> None:
    """Every kind of redirect, to a whole or a relative URL, leads to the picture."""
    server.url("/b.jpg", Answer(b"abc"))
    server.url("/a.jpg?b", Answer(b"abc"))
    assert read(reader, server.redirect("/a.jpg", target.format(host=server.host), status)) == b"abc"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/secret",
        "http://127.0.0.1:80/secret",
        "http://localhost/secret",
        "http://[::1]/secret",
        "http://2130706433/secret",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/secret",
        "//169.254.169.254/latest",
        "http://localhost:{port}/secret",
        "http://127.0.0.2:{port}/secret",
        "http://user:hunter2@{host}/secret",
        "file:///etc/passwd",
        "ftp://{host}/secret",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http://[::1",
        "http://{host}\\@10.0.0.1/secret",
    ],
)
def test_a_redirect_to_what_may_not_be_reached_is_refused(
    server: PictureServer, reader: ImageReader, connections: list[str], target: str
) -> None:
    """Law 15: the check is made on every hop; nothing but the trusted host was connected to."""
    server.url("/secret", Answer(b"secret"))
    url = server.redirect("/a.jpg", target.format(host=server.host, port=server.port))
    with pytest.raises(ImageRejected) as caught:
        read(reader, url)
    assert server.paths == ["/a.jpg"]
    assert connections == ["127.0.0.1"]
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
def test_five_redirects_are_followed(server: PictureServer, reader: ImageReader, hops: int, *, arrives: bool) -> None:
    """The fifth redirect is followed, the sixth is not."""
    for hop in range(hops):
        server.redirect(f"/{hop}", f"/{hop + 1}")
    url = server.url("/0")
    server.url(f"/{hops}", Answer(b"abc"))
    if arrives:
        assert read(reader, url) == b"abc"
    else:
        with pytest.raises(ImageRejected, match="more than 5"):
            read(reader, url)
        assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("location", "path"),
    [("/kayak-grün.jpg", "/kayak-gr%C3%BCn.jpg"), ("/two words.jpg", "/two%20words.jpg"), ("/a%20b.jpg", "/a%20b.jpg")],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_redirect_is_followed_to_what_was_meant(
    server: PictureServer, reader: ImageReader, location: str, path: str, encoding: str
) -> None:
    """Many hosts write letters and blanks into a Location as they are, in UTF-8 or Latin-1."""

    def redirect(handler: BaseHTTPRequestHandler) -> None:
        lines = [b"HTTP/1.0 302 Found", b"Location: " + location.encode(encoding), b"Content-Length: 0", b"", b""]
        handler.wfile.write(b"\r\n".join(lines))

    server.scripts[path] = Answer(b"abc")
    assert read(reader, server.url("/a.jpg", redirect)) == b"abc"


@pytest.mark.parametrize("compressed", [gzip.compress(b"abc" * 99), zlib.compress(b"abc" * 99)])
def test_half_of_what_was_compressed_is_no_picture(
    server: PictureServer, reader: ImageReader, compressed: bytes
) -> None:
    """Law 9: a body that ends in the middle of its compression is named, not taken for the whole picture."""
    encoded = {"Content-Encoding": "gzip"}
    assert read(reader, server.url("/whole.jpg", Answer(compressed, headers=encoded))) == b"abc" * 99
    for length in (1, len(compressed) // 2, len(compressed) - 1):
        with pytest.raises(ImageRejected, match="only a part"):
            read(reader, server.url("/half.jpg", Answer(compressed[:length], headers=encoded)))


def test_what_is_compressed_to_nothing_is_empty(server: PictureServer, reader: ImageReader) -> None:
    """No bytes at all are an empty picture, whatever they are called."""
    with pytest.raises(ImageRejected, match="empty"):
        read(reader, server.url("/none.jpg", Answer(b"", headers={"Content-Encoding": "gzip"})))


def test_a_part_of_a_picture_is_refused(server: PictureServer, reader: ImageReader) -> None:
    """Law 9: a host that sends a part nobody asked for has not sent the picture."""
    with pytest.raises(ImageRejected, match="a part"):
        read(reader, server.url("/a.jpg", Answer(b"abc", 206, {"Content-Range": "bytes 0-2/9"})))


@pytest.mark.parametrize("host", ["a..example", f"{'a' * 64}.example", ".example"])
def test_what_cannot_be_the_name_of_a_host_is_final(host: str) -> None:
    """Law 7: no other try finds an address for it."""
    with pytest.raises(ImageRejected, match="cannot be the name of a host"):
        read(ImageReader(), f"http://{host}/a.jpg")


def test_a_redirect_in_a_circle_ends(server: PictureServer, reader: ImageReader) -> None:
    """A picture that redirects to itself is refused."""
    with pytest.raises(ImageRejected, match="redirected"):
        read(reader, server.redirect("/a.jpg", "/a.jpg"))


def test_a_redirect_to_nowhere_is_rejected(server: PictureServer, reader: ImageReader) -> None:
    """A redirect without a Location names its status."""
    with pytest.raises(ImageRejected, match="302"):
        read(reader, server.url("/a.jpg", Answer(b"", 302)))


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "Https"])
@pytest.mark.parametrize("target", ["http://a.example/b.jpg", "HTTP://a.example/b.jpg"])
def test_a_redirect_from_https_to_http_is_refused(monkeypatch: pytest.MonkeyPatch, scheme: str, target: str) -> None:
    """Law 15: what began encrypted is not fetched in the clear, however the scheme is spelt."""
    asked: list[str] = []

    def get(_: PinnedFetcher, __: str, url: str, **___: object) -> Reply:
        asked.append(url)
        return Reply(302, {"location": target}, b"") if len(asked) == 1 else Reply(200, {}, b"picture")

    monkeypatch.setattr(PinnedFetcher, "get", get)
    with pytest.raises(ImageRejected, match="from https to http"):
        read(ImageReader(), f"{scheme}://a.example/a.jpg")
    assert asked == [f"{scheme}://a.example/a.jpg"]


# TLS


class TlsHost:
    """A host of one picture over TLS, with a certificate for ``a.example`` that only this test trusts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("makes a certificate with the openssl command, which is not installed")
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=a.example"]
        files = ["-addext", "subjectAltName=DNS:a.example", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*command, *files], check=True, capture_output=True)  # noqa: S603 - nothing from outside
        trusting = ssl.create_default_context(cafile=certificate)

        def trust(*, trust_env: bool) -> ssl.SSLContext:
            assert trust_env
            return trusting

        monkeypatch.setattr("coveo_enrich._http._ssl_context", trust)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.asked_for: list[str] = []
        self.context.sni_callback = lambda _, name, __: self.asked_for.append(name)

    @contextlib.contextmanager
    def serving(self) -> Generator[int]:
        """Answer every request on every connection with the picture; yields the port."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=self._accept, args=(listening,))
            thread.start()
            try:
                yield listening.getsockname()[1]
            finally:
                with socket.create_connection(listening.getsockname()) as last:
                    last.sendall(b"stop")
                thread.join()

    def _accept(self, listening: socket.socket) -> None:
        talks: list[threading.Thread] = []
        while True:
            connection, _ = listening.accept()
            if connection.recv(4, socket.MSG_PEEK) == b"stop":
                connection.close()
                break
            talks.append(threading.Thread(target=self._talk, args=(connection,)))
            talks[-1].start()
        for talk in talks:
            talk.join()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), self.context.wrap_socket(connection, server_side=True) as tls:
            while tls.recv(65_536):
                tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npicture")


def test_the_certificate_is_checked_for_every_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hosts at one address: each is named to the server and its certificate is checked against its own name.

    A connection that was made for one host must not carry requests for another, or the second is fetched from a server
    that never proved to be it.
    """
    host = TlsHost(tmp_path, monkeypatch)
    scripted_names(monkeypatch, {"a.example": [["127.0.0.1"]], "b.example": [["127.0.0.1"]]})
    with (
        host.serving() as port,
        contextlib.closing(ImageReader(trusted_hosts=("a.example", "b.example"))) as reader,
    ):
        assert read(reader, f"https://a.example:{port}/a.jpg") == b"picture"
        with pytest.raises(ImageRejected, match=r"certificate.*b\.example"):
            read(reader, f"https://b.example:{port}/a.jpg")
    assert host.asked_for == ["a.example", "b.example"]


# Threads and runs


def test_closing_leaves_the_reader_usable(server: PictureServer, reader: ImageReader) -> None:
    """After a close the next picture makes a new connection."""
    url = server.url("/a.jpg", Answer(b"abc"))
    read(reader, url)
    reader.close()
    reader.close()
    assert read(reader, url) == b"abc"


# Files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder of pictures, with a secret beside it."""
    folder = tmp_path / "root"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"abc")
    (folder / "deep" / "b#1 %20.jpg").write_bytes(b"def")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "root-beside").mkdir()
    (tmp_path / "root-beside" / "c.jpg").write_bytes(b"secret")
    return folder


@pytest.mark.parametrize(
    ("reference", "data"),
    [
        ("a.jpg", b"abc"),
        ("./a.jpg", b"abc"),
        ("deep/../a.jpg", b"abc"),
        ("deep/b#1 %20.jpg", b"def"),
        ("deep\\b#1 %20.jpg", b"def"),
    ],
)
def test_a_file_below_the_root_is_read(root: Path, reference: str, data: bytes) -> None:
    """A path is relative to the root, and its characters mean themselves."""
    image = ImageReader(image_root=root).image(reference)
    assert (image.url, image.read()) == (reference, data)


@pytest.mark.parametrize(
    "reference", ["../secret.jpg", "deep/../../secret.jpg", "..\\secret.jpg", "../root-beside/c.jpg"]
)
def test_a_path_that_climbs_out_is_refused(root: Path, reference: str) -> None:
    """Law 15: a file beside the root is not read."""
    with pytest.raises(ImageRejected, match="leaves the image root"):
        ImageReader(image_root=root).image(reference)


def test_an_absolute_path_is_refused(root: Path) -> None:
    """Law 15: an absolute path is refused, even one that points into the root."""
    with pytest.raises(ImageRejected, match="leaves the image root"):
        ImageReader(image_root=root).image(str(root / "a.jpg"))


@pytest.mark.parametrize("target", ["../secret.jpg", "../root-beside/c.jpg"])
@pytest.mark.parametrize("absolute", [False, True])
def test_a_link_out_of_the_root_is_refused(root: Path, target: str, *, absolute: bool) -> None:
    """Law 15: links are resolved before a file is read, also in a folder whose name starts like the root's."""
    (root / "link.jpg").symlink_to((root / target).resolve() if absolute else target)
    with pytest.raises(ImageRejected, match="leaves the image root"):
        read(ImageReader(image_root=root), "link.jpg")


def test_a_linked_folder_out_of_the_root_is_refused(root: Path) -> None:
    """Law 15: a link in the middle of a path is resolved too."""
    (root / "linked").symlink_to("..", target_is_directory=True)
    with pytest.raises(ImageRejected, match="leaves the image root"):
        read(ImageReader(image_root=root), "linked/secret.jpg")


def test_a_link_inside_the_root_is_followed(root: Path) -> None:
    """A link to another file of the root is as good as the file."""
    (root / "link.jpg").symlink_to("deep/../a.jpg")
    assert read(ImageReader(image_root=root), "link.jpg") == b"abc"


def test_a_root_that_is_itself_a_link_is_fine(root: Path) -> None:
    """The caller's own root may be a link; what is below its target is below it."""
    root.with_name("linked-root").symlink_to(root)
    assert read(ImageReader(image_root=root.with_name("linked-root")), "a.jpg") == b"abc"


def test_a_link_in_a_circle_is_refused(root: Path) -> None:
    """A link to itself is a failure of this picture."""
    (root / "link.jpg").symlink_to("link.jpg")
    with pytest.raises(ImageRejected):
        read(ImageReader(image_root=root), "link.jpg")


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("deep", "not a file"),
        ("missing.jpg", "no such file"),
        ("missing/a.jpg", "no such file"),
        ("a.jpg/b.jpg", "cannot be read"),
        ("a" * 300 + ".jpg", "cannot be read"),
        ("empty.jpg", "0 bytes"),
        ("large.jpg", "larger than 16,000,000"),
    ],
)
def test_a_file_that_is_no_picture_is_rejected(root: Path, reference: str, reason: str) -> None:
    """A folder, a missing file, an empty one and one over the cap are each named for what they are."""
    (root / "empty.jpg").touch()
    with (root / "large.jpg").open("wb") as large:
        large.truncate(MAX_IMAGE_BYTES + 1)
    with pytest.raises(ImageRejected, match=reason):
        read(ImageReader(image_root=root), reference)


def test_a_file_of_exactly_the_cap_is_read(root: Path) -> None:
    """The cap itself is allowed."""
    with (root / "large.jpg").open("wb") as large:
        large.truncate(MAX_IMAGE_BYTES)
    assert len(read(ImageReader(image_root=root), "large.jpg")) == MAX_IMAGE_BYTES


def test_a_pipe_is_not_waited_for(root: Path) -> None:
    """Something that is neither file nor folder is refused without being opened, which would wait for ever."""
    os.mkfifo(root / "pipe.jpg")
    with pytest.raises(ImageRejected, match="not a file"):
        read(ImageReader(image_root=root), "pipe.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_rejected(root: Path) -> None:
    """A file that this process may not read is a failure of this picture."""
    (root / "a.jpg").chmod(0)
    with pytest.raises(ImageRejected, match="PermissionError"):
        read(ImageReader(image_root=root), "a.jpg")


def test_a_reason_does_not_tell_where_the_root_is(root: Path) -> None:
    """Law 15: what goes into a report about a catalog's paths does not draw a map of this machine."""
    for reference in ("missing.jpg", "deep", "a.jpg/b.jpg", "a" * 300):
        with pytest.raises(ImageRejected) as caught:
            read(ImageReader(image_root=root), reference)
        assert str(root) not in str(caught.value)


@pytest.mark.parametrize("reference", ["a\ud800.jpg", "\ud83d", "deep/\udfff.jpg"])
@pytest.mark.parametrize("where", ["folder", "url"])
def test_half_a_character_in_a_path_rejects_the_picture(
    root: Path, server: PictureServer, reference: str, where: str
) -> None:
    r"""A lone surrogate, which JSON can hold (``"\ud83d"``) and no file name or URL can, rejects the picture."""
    image_root = root if where == "folder" else f"http://{server.host}/"
    with pytest.raises(ImageRejected):
        read(ImageReader(image_root=image_root, trusted_hosts=(server.host,)), reference)


def test_a_path_without_a_root_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 15: without a root no file is read, not even below the current folder."""
    monkeypatch.chdir(root)
    with pytest.raises(ImageRejected, match="image_root"):
        read(ImageReader(), "a.jpg")


@pytest.mark.parametrize("image_root", ["missing", "root/a.jpg", "ftp://a.example/", "file:///"])
def test_a_root_that_is_no_folder_is_refused_at_once(
    root: Path, monkeypatch: pytest.MonkeyPatch, image_root: str
) -> None:
    """A root that cannot work is a mistake in the configuration, found before any product."""
    monkeypatch.chdir(root.parent)
    with pytest.raises(ConfigurationError, match="image_root"):
        ImageReader(image_root=image_root)


def test_a_relative_root_stays_where_it_was(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A root is resolved when it is named, so a later change of the current folder does not move it."""
    monkeypatch.chdir(root.parent)
    reader = ImageReader(image_root="root")
    monkeypatch.chdir(root)
    assert read(reader, "a.jpg") == b"abc"


# A URL as the root


@pytest.mark.parametrize("name", ["a.jpg", "my photo #1?.jpg", "100%.jpg", "%2e%2e.jpg", "é.jpg", "a;b&c=d.jpg"])
def test_a_root_url_serves_paths(server: PictureServer, name: str) -> None:
    """A path below a root URL is asked for with its characters encoded, and evidence names the URL."""
    image = ImageReader(image_root=f"http://{server.host}/shop/", trusted_hosts=(server.host,)).image(name)
    with pytest.raises(ImageRejected, match="404"):
        image.read()
    assert unquote(server.paths[0]) == f"/shop/{name}"


@pytest.mark.parametrize("reference", ["../secret.jpg", "/secret.jpg", "a/../../secret.jpg", "//10.0.0.1/secret.jpg"])
def test_a_path_does_not_climb_out_of_a_root_url(server: PictureServer, reference: str) -> None:
    """Law 15: a root URL is left by no path either."""
    reader = ImageReader(image_root=f"http://{server.host}/shop/", trusted_hosts=(server.host,))
    with pytest.raises(ImageRejected, match="leaves the image root"):
        reader.image(reference)
    assert server.requests == []


def test_a_root_url_is_no_trust(server: PictureServer, connections: list[str]) -> None:
    """Law 15: a host is trusted when it is named so, not because pictures are said to be there."""
    with pytest.raises(ConfigurationError, match="trusted"):
        ImageReader(image_root=f"http://{server.host}/")
    with pytest.raises(ImageRejected, match="trusted"):
        read(ImageReader(image_root="http://127.0.0.1/"), "a.jpg")
    assert (server.requests, connections) == ([], [])


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        ("https://user:secret@a.example/", "credentials"),
        ("https://a.example:8443/", "port 8443"),
        ("https://a.example/pictures?signature=1", "no ?"),
        ("https://a.example/#pictures", "no #"),
        ("https://", "with a host"),
        ("https://[::1", "cannot be understood"),
    ],
)
def test_a_root_url_below_which_nothing_can_be_had_is_refused_at_once(root: str, reason: str) -> None:
    """A mistake that would fail every picture is found before any product, and no password is quoted."""
    with pytest.raises(ConfigurationError, match=re.escape(reason)) as caught:
        ImageReader(image_root=root)
    assert "secret" not in str(caught.value)


# Across processes


def test_a_reader_pickles_after_use(server: PictureServer, reader: ImageReader) -> None:
    """Law 14: a reader crosses to another process without its connections, and works there."""
    url = server.url("/a.jpg", Answer(b"abc"))
    read(reader, url)
    with contextlib.closing(pickle.loads(pickle.dumps(reader))) as copy:  # noqa: S301 - pickled here
        assert read(copy, url) == b"abc"


def test_an_image_of_a_reader_pickles(server: PictureServer, reader: ImageReader, root: Path) -> None:
    """Law 14: a picture that is still to be read crosses to another process."""
    image = reader.image(server.url("/a.jpg", Answer(b"abc")))
    copy: ProductImage = pickle.loads(pickle.dumps(image))  # noqa: S301 - pickled here
    assert (copy, copy.read()) == (image, b"abc")
    file = ImageReader(image_root=root).image("a.jpg")
    copy = pickle.loads(pickle.dumps(file))  # noqa: S301 - pickled here
    assert (copy, copy.read()) == (file, b"abc")
