"""Pictures fetched again, broken off, through a proxy, and named for what they are when they are none."""

from __future__ import annotations

import base64
import contextlib
import copy
import pickle
import socket
import struct
import threading
from collections.abc import Callable, Generator, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from picture_server import Answer, PictureServer, serving
from wires import Host, answer_by_half, in_thread, joined, read_a_byte, read_request, silent_after

from coveo_enrich._http import Interrupt, Interrupted, NoReplyInTime, PinnedFetcher, Reply
from coveo_enrich.errors import ConfigurationError, ImageRejected, ImageUnavailable, NoReply
from coveo_enrich.images import ImageReader, ProductImage
from coveo_enrich.images.image import LoadedImage, read_once


@pytest.fixture
def server() -> Iterator[PictureServer]:
    """Return a host of pictures."""
    with serving() as running:
        yield running


@pytest.fixture
def reader(server: PictureServer) -> Iterator[ImageReader]:
    """Return a reader that trusts the host of pictures."""
    with contextlib.closing(ImageReader(trusted_hosts=(server.host,))) as made:
        yield made


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the seconds that are waited between tries; nothing is really waited for."""
    waited: list[float] = []

    def wait(_: Interrupt, seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(Interrupt, "wait", wait)
    return waited


def in_turn(*answers: Callable[[BaseHTTPRequestHandler], None]) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answer one after the other, the last one for ever."""
    left = list(answers)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        now = left.pop(0) if len(left) > 1 else left[0]
        now(handler)

    return answer


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def get(url: str, seconds: float, interrupt: Interrupt | None = None) -> tuple[threading.Thread, list[object]]:
    """Fetch in a thread, from whatever address."""
    fetcher = PinnedFetcher(lambda _host, _port, _address: None)

    def fetch() -> Reply:
        with contextlib.closing(fetcher):
            return fetcher.get("x", url, headers={}, max_bytes=1_000, max_seconds=seconds, interrupt=interrupt)

    return in_thread(fetch)


# Again


@pytest.mark.parametrize("failure", [*(Answer(b"", status) for status in (408, 425, 429, 500, 503, 599)), reset])
def test_what_may_pass_is_tried_again(
    server: PictureServer, reader: ImageReader, waits: list[float], failure: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """Law 7: a failure that passes costs the picture a wait, not its classification."""
    assert reader.image(server.url("/a.jpg", in_turn(failure, failure, Answer(b"abc")))).read() == b"abc"
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize("failure", [Answer(b"", 503), reset])
def test_three_tries_are_all(
    server: PictureServer, reader: ImageReader, waits: list[float], failure: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """After the third try the picture is not to be had, and it is its host that says so, not a service."""
    with pytest.raises(ImageUnavailable):
        reader.image(server.url("/a.jpg", failure)).read()
    assert (len(server.requests), waits) == (3, [0.5, 1.0])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_does_not_pass_is_not_tried_again(
    server: PictureServer, reader: ImageReader, waits: list[float], status: int
) -> None:
    """Law 7: a refusal is final."""
    with pytest.raises(ImageRejected):
        reader.image(server.url("/a.jpg", Answer(b"", status))).read()
    assert (len(server.requests), waits) == (1, [])


@pytest.mark.parametrize(("asked", "waited"), [("0", 0.5), ("7", 7.0), ("10", 10.0)])
def test_a_pause_that_the_host_asks_for_is_kept(
    server: PictureServer, reader: ImageReader, waits: list[float], asked: str, waited: float
) -> None:
    """Up to 10 seconds are waited for, and never less than without the wish."""
    busy = Answer(b"", 429, {"Retry-After": asked})
    assert reader.image(server.url("/a.jpg", in_turn(busy, Answer(b"abc")))).read() == b"abc"
    assert waits == [waited]


def test_a_long_pause_is_handed_on(server: PictureServer, reader: ImageReader, waits: list[float]) -> None:
    """More than 10 seconds are not waited for: the host is not asked again, and the error says how long."""
    with pytest.raises(ImageUnavailable, match="429 Too Many Requests") as caught:
        reader.image(server.url("/a.jpg", Answer(b"", 429, {"Retry-After": "11"}))).read()
    assert (caught.value.retry_after, len(server.requests), waits) == (11, 1, [])


def test_a_time_out_is_tried_once_more(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """A host that lets time run out does so twice for a picture, not three times."""

    def get(*_: object, **__: object) -> Reply:
        raise NoReplyInTime("x", "a.example", "ReadTimeout", sent=True)

    monkeypatch.setattr(PinnedFetcher, "get", get)
    with pytest.raises(ImageUnavailable, match="ReadTimeout"):
        ImageReader().image("http://a.example/a.jpg").read()
    assert waits == [0.5]


def test_the_time_of_a_try_is_for_all_its_redirects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each hop gets what the hops before it left of 20 seconds."""
    given: list[float] = []

    def get(_: PinnedFetcher, __: str, ___: str, *, max_seconds: float, **____: object) -> Reply:
        given.append(max_seconds)
        return Reply(302, {"location": "/b.jpg"}, b"") if len(given) < 3 else Reply(200, {}, b"abc")

    monkeypatch.setattr(PinnedFetcher, "get", get)
    assert ImageReader().image("http://a.example/a.jpg").read() == b"abc"
    assert 20 > given[0] > given[1] > given[2] > 0


def test_a_dead_host_is_left_alone(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """After three failures in a row the next pictures of a host fail at once, and say why; another host is asked."""
    asked: list[str] = []

    def get(_: PinnedFetcher, __: str, url: str, **___: object) -> Reply:
        asked.append(url)
        raise NoReply("x", "dead.example", "refused", sent=False)

    monkeypatch.setattr(PinnedFetcher, "get", get)
    reader = ImageReader()
    with pytest.raises(ImageUnavailable, match="refused"):
        reader.image("http://dead.example/a.jpg").read()
    assert len(asked) == 3
    with pytest.raises(ImageUnavailable, match="3 times in a row"):
        reader.image("http://DEAD.example/b.jpg").read()
    assert len(asked) == 3
    assert len(waits) == 2
    with pytest.raises(ImageUnavailable, match="refused"):
        reader.image("http://other.example/a.jpg").read()


def test_a_host_that_answers_anything_is_not_dead(
    server: PictureServer, reader: ImageReader, waits: list[float]
) -> None:
    """Errors that a host sends are answers: its next picture is asked for."""
    with pytest.raises(ImageUnavailable):
        reader.image(server.url("/a.jpg", Answer(b"", 503))).read()
    assert reader.image(server.url("/b.jpg", Answer(b"abc"))).read() == b"abc"
    assert len(waits) == 2


# Broken off


@pytest.mark.parametrize(
    ("scheme", "begin"),
    [("http", read_request), ("http", answer_by_half), ("https", read_a_byte)],
    ids=["a reply", "the rest of a reply", "a handshake"],
)
def test_a_picture_under_way_is_broken_off(scheme: str, begin: Callable[[socket.socket], object]) -> None:
    """Whatever it waits for, with an hour to go, it ends when it is told to."""
    interrupt = Interrupt()
    with silent_after(begin) as (host, begun):
        request = get(f"{scheme}://127.0.0.1:{host.port}/", 3_600, interrupt)
        assert begun.acquire(timeout=60)
        interrupt.set()
        assert isinstance(joined(request), Interrupted)


@contextlib.contextmanager
def stuck_resolver(monkeypatch: pytest.MonkeyPatch) -> Generator[threading.Semaphore]:
    """A resolver that never answers, and what tells that it was asked."""
    asked, over = threading.Semaphore(0), threading.Event()

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        asked.release()
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        yield asked
    finally:
        over.set()


def test_a_name_that_is_being_resolved_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver cannot be stopped; who is told to stop leaves it to itself."""
    interrupt = Interrupt()
    with stuck_resolver(monkeypatch) as asked:
        request = get("http://a.example/", 3_600, interrupt)
        assert asked.acquire(timeout=60)
        interrupt.set()
        assert isinstance(joined(request), Interrupted)


def test_resolving_a_name_ends_with_the_time_of_its_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that never answers holds a thread no longer than a host that does not."""
    with stuck_resolver(monkeypatch):
        failure = joined(get("http://a.example/", 0.05))
    assert isinstance(failure, NoReplyInTime)
    assert not failure.sent
    assert "a.example was not resolved in time" in failure.reason


def test_a_reader_that_is_stopped_ends_its_pictures_and_no_others(server: PictureServer) -> None:
    """To leave a run ends its picture and lets it begin no other; the reader that it was made from goes on."""
    with silent_after(read_request) as (host, begun):
        run = ImageReader(trusted_hosts=("127.0.0.1",)).for_run()
        other = run.for_run()
        under_way = in_thread(run.image(f"http://127.0.0.1:{host.port}/a.jpg").read)
        assert begun.acquire(timeout=60)
        run.stop()
        assert isinstance(joined(under_way), Interrupted)
    url = server.url("/a.jpg", Answer(b"abc"))
    with pytest.raises(Interrupted):
        run.image(url).read()
    assert server.requests == []
    assert other.image(url).read() == b"abc"
    other.close()
    run.close()
    assert run.image(url).read() == b"abc"
    run.close()


def test_a_reader_stopped_before_its_first_picture_fetches_none(server: PictureServer, reader: ImageReader) -> None:
    """A stop that comes before there is anything to break off counts all the same."""
    reader.stop()
    with pytest.raises(Interrupted):
        reader.image(server.url("/a.jpg", Answer(b"abc"))).read()
    assert server.requests == []


def test_an_interrupt_of_a_run_ends_the_wait_for_another_try(server: PictureServer, reader: ImageReader) -> None:
    """A pause that a host asked for is left when the run is."""
    interrupt = Interrupt()

    def busy(handler: BaseHTTPRequestHandler) -> None:
        Answer(b"", 503, {"Retry-After": "10"})(handler)
        interrupt.set()

    with contextlib.closing(reader.for_run(interrupt)) as run, pytest.raises(Interrupted):
        run.image(server.url("/a.jpg", busy)).read()
    assert len(server.requests) == 1


# What tells versions apart


def test_validators_are_kept(server: PictureServer, reader: ImageReader) -> None:
    """ETag and Last-Modified come with the bytes, word for word, of the last hop."""
    told = {"ETag": 'W/"1"', "Last-Modified": "Wed, 21 Oct 2026 07:28:00 GMT"}
    server.url("/b.jpg", Answer(b"abc", headers=told))
    url = server.url("/a.jpg", Answer(b"", 302, {"Location": "/b.jpg", "ETag": '"redirect"'}))
    loaded = LoadedImage(b"abc", 'W/"1"', "Wed, 21 Oct 2026 07:28:00 GMT")
    assert reader.load(url) == reader.image(url).load() == read_once(reader.image(url)).load() == loaded
    assert reader.image(url).read() == b"abc"


@pytest.mark.parametrize("etag", ["", "x" * 1_001, "a\x80b"])
def test_a_validator_that_cannot_be_kept_is_none(server: PictureServer, reader: ImageReader, etag: str) -> None:
    """An ETag without end, or of control characters, does not get into a cache."""
    assert reader.load(server.url("/a.jpg", Answer(b"abc", headers={"ETag": etag}))) == LoadedImage(b"abc")


def test_what_came_from_no_host_has_no_validators(tmp_path: Path) -> None:
    """Bytes and files that a program names itself have none; a loader of one's own may give plain bytes."""
    (tmp_path / "a.jpg").write_bytes(b"abc")
    images = (
        ProductImage.from_bytes(b"abc"),
        ProductImage.from_file(tmp_path / "a.jpg"),
        ProductImage("own", load=lambda: b"abc"),
    )
    assert [image.load() for image in images] == [LoadedImage(b"abc")] * 3


# Read again unless it is known


MARKED = {"ETag": '"v1"', "Last-Modified": "Sun, 22 Nov 2026 10:00:00 GMT"}


def test_a_picture_that_is_known_is_not_sent_again(server: PictureServer, reader: ImageReader) -> None:
    """Its host is asked with the marks of the version that is known, and 304 means that it still is that one."""
    url = server.url("/a.jpg", Answer(b"", 304, MARKED))
    assert reader.reload(url, etag='"v1"', last_modified=MARKED["Last-Modified"]) is None
    ((_, asked),) = server.requests
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v1"', MARKED["Last-Modified"])


def test_a_picture_that_changed_comes_with_its_new_marks(server: PictureServer, reader: ImageReader) -> None:
    """Another version comes whole, through a redirect too."""
    server.url("/b.jpg", Answer(b"new", headers={"ETag": '"v2"'}))
    loaded = reader.reload(server.redirect("/a.jpg", "/b.jpg"), etag='"v1"', last_modified=None)
    assert loaded == LoadedImage(b"new", '"v2"')


def test_a_version_without_marks_is_asked_for_whole(server: PictureServer, reader: ImageReader) -> None:
    """Without marks, or with marks that no header can hold, there is no condition, and 304 is no answer."""
    url = server.url("/a.jpg", Answer(b"", 304))
    with pytest.raises(ImageRejected, match="304"):
        reader.reload(url, etag=None, last_modified="a\nb")


def test_a_file_is_read_again_when_it_changed(tmp_path: Path) -> None:
    """Its time and size tell, so that to look costs no reading."""
    reader = ImageReader(image_root=tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"abc")
    mark = reader.load("a.jpg").etag
    assert reader.reload("a.jpg", etag=mark, last_modified=None) is None
    (tmp_path / "a.jpg").write_bytes(b"other")
    assert reader.reload("a.jpg", etag=mark, last_modified=None) == reader.load("a.jpg")


def test_what_cannot_be_read_cannot_be_read_again(reader: ImageReader) -> None:
    """Objects in cloud storage and addresses that are not allowed are refused as ever."""
    for reference in ("s3://bucket/a.jpg", "http://169.254.169.254/a.jpg", "../a.jpg"):
        with pytest.raises(ImageRejected):
            reader.reload(reference, etag='"v1"', last_modified=None)


def test_read_once_reads_once_for_threads_that_come_together() -> None:
    """Two classifiers that ask at the same moment cost one fetch."""
    calls, both_here = list[None](), threading.Barrier(2, timeout=60)

    def load() -> bytes:
        calls.append(None)
        return b"abc"

    image = read_once(ProductImage("u", load=load))

    def ask() -> bytes:
        both_here.wait()
        return image.read()

    assert [joined(one) for one in (in_thread(ask), in_thread(ask))] == [b"abc", b"abc"]
    assert len(calls) == 1


# What is no picture


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>gone", b"\xef\xbb\xbf \n<HTML>", b"<head>", b"<!-- x --><div>"])
def test_a_page_in_place_of_a_picture_is_named(server: PictureServer, reader: ImageReader, page: bytes) -> None:
    """A page sent as 200 is named as one, before any decoder sees it."""
    answer = Answer(page, headers={"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(ImageRejected, match="its host sent an HTML page, not a picture"):
        reader.image(server.url("/a.jpg", answer)).read()


def test_what_a_host_calls_a_page_may_be_a_picture(server: PictureServer, reader: ImageReader) -> None:
    """A Content-Type is no proof: the bytes are."""
    answer = Answer(b"\xff\xd8\xff\xe0", headers={"Content-Type": "text/html"})
    assert reader.image(server.url("/a.jpg", answer)).read() == b"\xff\xd8\xff\xe0"


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "let programs"), (403, "let programs"), (404, "link is dead"), (410, "link is dead")]
)
def test_refusals_are_named(server: PictureServer, reader: ImageReader, status: int, reason: str) -> None:
    """A hotlink refusal and a dead link say what they are."""
    with pytest.raises(ImageRejected, match=f"{status}.*{reason}"):
        reader.image(server.url("/a.jpg", Answer(b"", status))).read()


@pytest.mark.parametrize("reference", ["s3://bucket/a.jpg", "gs://bucket/deep/a b.jpg", "S3://bucket/a"])
def test_an_object_in_cloud_storage_is_a_picture_for_others(reference: str) -> None:
    """Its classifier gets its name; who asks for its bytes hears who can read them; it crosses to other processes."""
    image: ProductImage = pickle.loads(pickle.dumps(ImageReader().image(reference)))  # noqa: S301 - pickled here
    assert image.url == reference
    with pytest.raises(ImageRejected, match="only a classifier of that cloud reads it"):
        image.read()


@pytest.mark.parametrize(
    "reference", ["s3://", "s3://bucket", "gs:///a.jpg", "s3:a", "s4://b/a", "file:///a", "s3://b/\0"]
)
def test_what_names_no_object_is_refused(reference: str) -> None:
    """Half a name is refused, and every other scheme still is."""
    with pytest.raises(ImageRejected):
        ImageReader().image(reference)


# Switches


def test_the_user_agent_is_as_told(server: PictureServer) -> None:
    """A name of one's own stands in place of the usual one."""
    with contextlib.closing(ImageReader(trusted_hosts=(server.host,), user_agent="acme/1 (+https://a.example)")) as own:
        own.image(server.url("/a.jpg", Answer())).read()
    assert server.requests[0][1].get_all("User-Agent") == ["acme/1 (+https://a.example)"]


@pytest.mark.parametrize("user_agent", ["", " ", "a\r\nX: y", "é", 3])
def test_a_user_agent_that_cannot_be_sent_is_refused(user_agent: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It would end the header, or never get into it."""
    with pytest.raises(ConfigurationError, match="user_agent"):
        ImageReader(user_agent=user_agent)


def test_a_proxy_gets_every_fetch(server: PictureServer) -> None:
    """With a proxy of one's own no name is resolved and no address checked here; its password goes to it alone."""
    url = "http://nowhere.example/a.jpg"
    server.scripts[url] = Answer(b"abc")
    with contextlib.closing(ImageReader(proxy=f"http://me:p%40ss@{server.host}")) as reader:
        assert reader.image(url).read() == b"abc"
    ((path, headers),) = server.requests
    assert (path, headers["Host"]) == (url, "nowhere.example")
    assert headers["Proxy-Authorization"] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"


@pytest.mark.parametrize(("status", "error"), [(b"403 No", ImageRejected), (b"502 Bad", ImageUnavailable)])
def test_a_proxy_may_refuse_a_host(waits: list[float], status: bytes, error: type[Exception]) -> None:
    """An egress filter that says no is final; one that cannot reach the host is tried again."""
    asked: list[str] = []

    def talk(connection: socket.socket) -> None:
        request = read_request(connection)
        assert request is not None
        asked.append(request.line)
        connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    with (
        Host(talk) as proxy,
        contextlib.closing(ImageReader(proxy=proxy.url)) as reader,
        pytest.raises(error, match="proxy"),
    ):
        reader.image("https://nowhere.example/a.jpg").read()
    assert asked == ["CONNECT nowhere.example:443 HTTP/1.1"] * (len(waits) + 1)


@pytest.mark.parametrize("proxy", ["", "proxy:3128", "socks5://p", "http://", "http://p:99999", "http://a\nb", 3])
def test_a_proxy_that_cannot_be_one_is_refused(proxy: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """A mistake in the configuration is found before any product."""
    with pytest.raises(ConfigurationError, match="proxy must be"):
        ImageReader(proxy=proxy)


def test_the_password_of_a_proxy_does_not_travel() -> None:
    """Law 13: a reader that holds a password is copied for a run but refuses to pickle, and names no password."""
    reader = ImageReader(proxy="http://me:hunter2@p.example")
    copy.copy(reader)
    with pytest.raises(ConfigurationError, match="in each process") as caught:
        pickle.dumps(reader)
    assert "hunter2" not in f"{caught.value}{reader!r}"
    pickle.dumps(ImageReader(proxy="http://p.example", user_agent="acme/1"))
