"""What a service does over real connections, and that whatever it does to one picture costs no other picture."""

from __future__ import annotations

import functools
import gzip
import json
import logging
import socket
import threading
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from itertools import repeat
from typing import Any

import pytest
from picture_server import Answer, serving
from PIL import Image
from scripted_service import ScriptedService, Talk, answer, reset_after, says, service_at, url_of
from wires import Host, Request, answering, everything_said, forget_environment, in_thread, joined, read_request

from coveo_enrich import Enricher, FieldMapping, FieldRule, RetryPolicy, _http
from coveo_enrich._http import HttpSender
from coveo_enrich.classifiers import Classification, Failure, Label, asking, service_calls
from coveo_enrich.classifiers.http import (
    Auth,
    BasicAuth,
    Batch,
    HeaderAuth,
    HttpClassifier,
    HttpService,
    QueryAuth,
    StatusInside,
)
from coveo_enrich.enrichment import EnrichedProduct, EnrichmentReport
from coveo_enrich.errors import ConfigurationError, ServiceUnavailable, Throttled
from coveo_enrich.images import ProductImage


def png(width: int) -> bytes:
    """A picture like no other."""
    out = BytesIO()
    Image.new("RGB", (width + 1, 1)).save(out, "PNG")
    return out.getvalue()


IMAGE = ProductImage.from_bytes(b"", url=url_of("bad"))
KIND = FieldMapping([FieldRule("kind", reads="label", unscored="accept")])
PICTURES = ("0", "1", "bad", "3", "4")
TRIES = 3
STATUS = StatusInside(code="code", ok={0}, kinds={7: "throttled"}, message="text")
HTML = b"<!doctype html><title>Sign in</title>"


@pytest.fixture(autouse=True)
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries, one right after the other; whoever asks for a longer pause than none is not asked again."""
    forget_environment(monkeypatch)
    patience = RetryPolicy(attempts=TRIES, first_wait_seconds=0, longest_wait_seconds=0)
    monkeypatch.setattr(asking, "PATIENCE", patience)


def enriched(
    classifier: HttpClassifier, pictures: Sequence[str] = PICTURES
) -> tuple[dict[str, EnrichedProduct], EnrichmentReport]:
    """Products with a picture each, after a run, by their pictures."""
    products = [{"documentId": f"product://{one}", "ec_images": [url_of(one)]} for one in pictures]
    run = Enricher(classifier, KIND, concurrency=3).enrich(products)
    with closing(classifier):
        results = list(run)
    assert [one.product for one in results] == products
    return dict(zip(pictures, results, strict=True)), run.report


def limited(headers: Mapping[str, str] | None = None) -> Talk:
    """Too many requests."""
    return says(answer({}, status="429 Too Many Requests", headers=headers))


def quota(headers: Mapping[str, str] | None = None) -> Talk:
    """Too many requests, said inside 200."""
    return says(answer({"code": "7", "text": "quota used up"}, headers=headers))


PASSES = {
    "429 with no wait": limited({"Retry-After": "0"}),
    "429 with a date that is past": limited({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "429 with milliseconds": limited({"Retry-After-Ms": "0"}),
    "503": says(answer(b"busy", status="503 Service Unavailable", kind="text/plain")),
    "quota inside 200": quota(),
    "reset before the headers": reset_after(b""),
    "reset in the headers": reset_after(b"HTTP/1.1 200 OK\r\nConte"),
    "reset in the body": reset_after(answer(b'{"name":', length=100)),
    "end in the body": says(answer(b'{"name":', length=100), then_ends=True),
    "no HTTP at all": says(b"SSH-2.0-OpenSSH_9.6\r\n", then_ends=True),
    "a page as 200": says(answer(HTML, kind="text/html")),
    "a page that says that it is JSON": says(answer(HTML)),
    "nothing as 200": says(answer(b"")),
    "no content": says(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "an encoding that is none": says(answer(b'{"name": "k\xe4yak"}')),
    "compressed, which it is not": says(answer(b'{"name": "kayak"}', headers={"Content-Encoding": "gzip"})),
    "brackets without end": says(answer(b"[" * 5_000 + b"]" * 5_000)),
}


@pytest.mark.parametrize("talk", PASSES.values(), ids=PASSES.keys())
def test_what_may_pass_costs_one_more_call_and_nothing_else(talk: Talk) -> None:
    """The picture is asked about once more and has its answer; every other picture costs one call and has its own."""
    service = ScriptedService(bad=[talk])
    with Host(service) as host:
        results, report = enriched(HttpClassifier("acme", service_at(host.url, errors=STATUS)))
    assert {one: result.document["kind"] for one, result in results.items()} == {
        one: f"kayak {one}" for one in PICTURES
    }
    assert sorted(service.asked) == sorted([*PICTURES, "bad"])
    assert report.calls == {"acme": len(PICTURES) + 1}
    assert report.failures == ()


@pytest.mark.parametrize("talk", PASSES.values(), ids=PASSES.keys())
def test_what_never_passes_costs_its_tries_and_no_other_product(talk: Talk) -> None:
    """Law 1 and 7: after three tries that product comes out as it came in with the reason, the others with answers."""
    service = ScriptedService(bad=repeat(talk))
    with Host(service) as host:
        results, report = enriched(HttpClassifier("acme", service_at(host.url, errors=STATUS)))
    bad = results.pop("bad")
    assert all(result.document["kind"] == f"kayak {one}" for one, result in results.items())
    assert bad.document == bad.product
    (failure,) = bad.failures
    assert failure.kind in ("transient", "throttled")
    assert failure.reason.startswith(("acme", "ask acme"))
    assert (failure.image, failure.classifier) == (url_of("bad"), "acme")
    assert [service.asked.count(one) for one in PICTURES] == [1, 1, TRIES, 1, 1]
    assert report.calls == {"acme": len(PICTURES) - 1 + TRIES}


FINAL = {
    "a picture that is refused": (says(answer({"e": "no"}, status="422 No")), '422 ({"e": "no"})'),
    "an error of its own inside 200": (says(answer({"code": 3, "text": "no picture"})), "3: no picture"),
    "another shape": (says(answer({"label": "kayak"})), "KeyError: 'name'"),
    "null": (says(answer(None)), "TypeError"),
    "a number for a word": (says(answer({"name": 5})), "Label.name is a text"),
}


@pytest.mark.parametrize(("talk", "words"), FINAL.values(), ids=FINAL.keys())
def test_what_no_try_mends_costs_one_call_and_no_other_product(talk: Talk, words: str) -> None:
    """Law 7: it is asked once, named, and the other products have their answers."""
    service = ScriptedService(bad=repeat(talk))
    with Host(service) as host:
        results, report = enriched(HttpClassifier("acme", service_at(host.url, errors=STATUS)))
    (failure,) = results["bad"].failures
    assert failure.kind == "permanent"
    assert words in failure.reason
    assert sorted(service.asked) == sorted(PICTURES)
    assert report.calls == {"acme": len(PICTURES)}
    assert report.products == len(PICTURES)
    assert report.changed == len(PICTURES) - 1


@pytest.mark.parametrize(
    ("talk", "seconds"),
    [
        (limited({"Retry-After": "3600"}), 3600),
        (limited({"Retry-After-Ms": "250"}), 0.25),
        (limited({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 0),
        (limited({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}), pytest.approx(2.5e11, rel=0.1)),
        (quota({"Retry-After": "9"}), 9),
        (limited(), None),
        (limited({"Retry-After": "soon"}), None),
        (limited({"Retry-After-Ms": "9" * 400}), None),
    ],
)
def test_the_wait_that_a_service_asks_for_is_handed_on(talk: Talk, seconds: object) -> None:
    """In seconds, in milliseconds, and as a date; also where the quota stands inside 200; what is no wait is none."""
    with Host(ScriptedService(bad=[talk])) as host:
        one = HttpClassifier("acme", service_at(host.url, errors=STATUS))
        with closing(one), pytest.raises(Throttled) as caught:
            one.classify(IMAGE)
    assert caught.value.retry_after == seconds


def test_an_answer_that_is_longer_than_announced_is_not_read_to_half() -> None:
    """The announced part of it is no JSON, so nothing is read from it."""
    service = ScriptedService(bad=[says(answer({"name": "kayak"}, length=5), then_ends=True)])
    with Host(service) as host:
        one = HttpClassifier("acme", service_at(host.url))
        with closing(one), pytest.raises(ServiceUnavailable, match="no JSON"):
            one.classify(IMAGE)


def test_a_second_answer_to_one_question_is_no_answer_to_the_next() -> None:
    """Two answers to one picture: the second is never taken for what is in the next picture of that connection."""
    service = ScriptedService(bad=[says(answer({"name": "kayak bad"}) + answer({"name": "a lie"}))])
    with Host(service) as host, closing(HttpClassifier("acme", service_at(host.url))) as one:
        assert one.classify(IMAGE).labels == (Label("kayak bad"),)
        following = ProductImage.from_bytes(b"", url=url_of("next"))
        for _ in range(2):  # a connection that answers before it is asked is given up
            try:
                assert one.classify(following).labels == (Label("kayak next"),)
            except ServiceUnavailable:
                continue
        assert one.classify(following).labels == (Label("kayak next"),)


def test_json_is_read_whatever_type_it_is_sent_as() -> None:
    """Text, HTML or nothing as the content type: what is JSON is an answer."""
    kinds = ["text/plain; charset=latin-1", "text/html", ""]
    service = ScriptedService(bad=[says(answer({"name": "kayak é"}, kind=kind)) for kind in kinds])
    with Host(service) as host, closing(HttpClassifier("acme", service_at(host.url))) as one:
        assert {one.classify(IMAGE).labels[0].name for _ in kinds} == {"kayak é"}


@pytest.mark.parametrize(
    "talk",
    [
        says(answer(b'{"name": "' + b"x" * 20_000 + b'"}'), then_ends=True),
        says(answer(gzip.compress(bytes(5_000_000)), headers={"Content-Encoding": "gzip"})),
    ],
    ids=["long", "short until it is unpacked"],
)
def test_an_answer_longer_than_anyone_means_is_not_read(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 11: it ends at the cap, counted as unpacked, and is asked for again like any answer that was lost."""
    monkeypatch.setattr(service_calls, "_MAX_ANSWER_BYTES", 10_000)
    service = ScriptedService(bad=repeat(talk))
    with Host(service) as host:
        results, _ = enriched(HttpClassifier("acme", service_at(host.url)))
    assert "longer than 10,000 bytes" in results["bad"].failures[0].reason
    assert [service.asked.count(one) for one in PICTURES] == [1, 1, TRIES, 1, 1]


@pytest.mark.parametrize(
    ("head", "drop"),
    [(answer(b"", length=900_000), b" "), (b"HTTP/1.1 200 OK\r\n", b"X-More: x\r\n")],
    ids=["its body", "its headers"],
)
def test_an_answer_that_trickles_ends(head: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a little more comes, it is not waited for beyond a minute, and costs its tries."""
    now = [1_000.0]

    def trickle(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            now[0] += 10
            connection.sendall(drop)

    monkeypatch.setattr(_http, "HttpSender", functools.partial(HttpSender, clock=lambda: now[0]))
    service = ScriptedService(bad=repeat(trickle))
    with Host(service) as host:
        results, _ = enriched(HttpClassifier("acme", service_at(host.url)), ["bad"])
    assert "not whole after 60 seconds" in results["bad"].failures[0].reason
    assert service.asked == ["bad"] * TRIES


KEY = "sk-1234567890"


def _keyed(url: str) -> HttpClassifier:
    return HttpClassifier("acme", service_at(url), auth=HeaderAuth(KEY))


def test_a_key_does_not_follow_a_redirect() -> None:
    """Law 13: the other host is never asked; after a success the classifier is given up and the product comes out."""
    requests: list[Request] = []
    with Host(answering(requests, answer({"name": "elsewhere"}))) as other:
        away = says(answer(b"", status="307 Temporary Redirect", headers={"Location": f"{other.url}/v2"}))
        service = ScriptedService(bad=repeat(away))
        with Host(service) as host, closing(_keyed(host.url)) as keyed:
            run = Enricher(keyed, KIND).enrich([{"documentId": "1", "ec_images": [url_of("0"), url_of("bad")]}])
            (result,) = list(run)
            with pytest.raises(ConfigurationError, match="307"):
                enriched(keyed, ["bad"])
    assert requests == []
    assert {request.headers["authorization"] for request in service.requests} == {f"Bearer {KEY}"}
    assert result.document["kind"] == "kayak 0"
    assert [failure.kind for failure in result.failures] == ["configuration"]
    assert list(run.report.stopped) == ["acme"]


@pytest.mark.parametrize("auth", [HeaderAuth(KEY), QueryAuth(KEY), BasicAuth("user-12345", KEY)])
def test_no_log_has_the_key(auth: Auth, caplog: pytest.LogCaptureFixture) -> None:
    """Law 13: at the level of debugging too, of this library and of those under it."""
    with (
        caplog.at_level(logging.DEBUG),
        Host(ScriptedService()) as host,
        closing(HttpClassifier("acme", service_at(host.url), auth=auth)) as one,
    ):
        one.classify(IMAGE)
    assert caplog.records
    assert KEY not in caplog.text
    assert b64encode(f"user-12345:{KEY}".encode()).decode() not in caplog.text


def test_a_host_that_is_not_there_is_no_answer() -> None:
    """Nothing is listening: it may come back, and the message names no key."""
    with Host(answering([])) as host:
        url = host.url
    one = HttpClassifier("acme", service_at(url), auth=QueryAuth("sk-1234567890"))
    with closing(one), pytest.raises(ServiceUnavailable, match="no connection was made") as caught:
        one.classify(IMAGE)
    assert "1234567890" not in everything_said(caught.value)


@pytest.mark.parametrize("status", ["200 OK", "500 Broken", "302 Found"])
def test_a_page_that_repeats_the_request_gives_no_key_away(status: str) -> None:
    """Law 13: not in the error, not in the errors behind it, whether the page is taken for an answer or not."""

    def echo(connection: socket.socket) -> None:
        while request := read_request(connection):
            page = HTML + request.line.encode() + request.body + repr(request.headers).encode()
            connection.sendall(answer(page, status=status, kind="text/html"))

    with Host(echo) as host:
        one = HttpClassifier("acme", service_at(host.url), auth=QueryAuth("sk/1234+567890"))
        with closing(one), pytest.raises((ServiceUnavailable, ConfigurationError)) as caught:
            one.classify(IMAGE)
    assert "567890" not in everything_said(caught.value)


def test_threads_get_their_own_answers() -> None:
    """Eight threads on one classifier: each picture's answer is its own, and each costs one call."""
    service = ScriptedService()
    pictures = [f"p{number}" for number in range(80)]
    with Host(service) as host, closing(HttpClassifier("acme", service_at(host.url))) as one:
        with ThreadPoolExecutor(8) as threads:
            answers = threads.map(one.classify, [ProductImage.from_bytes(b"", url=url_of(name)) for name in pictures])
            assert [found.labels[0].name for found in answers] == [f"kayak {name}" for name in pictures]
        assert sorted(service.asked) == sorted(pictures)
        assert len(host.connections) <= 8


def test_a_connection_serves_one_picture_after_another_and_is_made_anew_after_close() -> None:
    """The connection is kept, so that a picture costs no handshake; close releases it and ends nothing for good."""
    with Host(ScriptedService()) as host, closing(HttpClassifier("acme", service_at(host.url))) as one:
        assert [one.classify(IMAGE).labels for _ in range(3)] == [(Label("kayak bad"),)] * 3
        assert len(host.connections) == 1
        one.close()
        one.classify(IMAGE)
        assert len(host.connections) == 2


class Held:
    """A service that holds its answer back until it is told."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        """Wait, then answer."""
        self.asked.set()
        assert self.released.wait(60)
        connection.sendall(answer({"name": "kayak"}))


def test_close_lets_a_call_that_is_under_way_end() -> None:
    """Connections are released when their call has ended; what was paid for is not thrown away."""
    held = Held()
    with Host(ScriptedService(bad=[held])) as host:
        one = HttpClassifier("acme", service_at(host.url))
        begun = in_thread(lambda: one.classify(IMAGE))
        assert held.asked.wait(60)
        one.close()
        held.released.set()
        assert joined(begun) == Classification("acme", labels=[Label("kayak")])
        one.close()


def test_a_run_that_is_left_asks_nothing_more() -> None:
    """What is under way when the loop is left ends; no call is made for what was not asked yet, and no thread stays."""
    held = Held()
    service = ScriptedService(bad=[held])
    endless = ({"documentId": str(n), "ec_images": [url_of("bad" if n == 1 else str(n))]} for n in range(10_000))
    with Host(service) as host, closing(HttpClassifier("acme", service_at(host.url))) as one:
        run = Enricher(one, KIND, concurrency=1).enrich(endless)
        results = iter(run)
        assert next(results).document["kind"] == "kayak 0"
        assert held.asked.wait(60)
        leaving = in_thread(results.close)  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]
        held.released.set()
        joined(leaving)
        assert run.report.calls == {"acme": len(service.asked)}
        assert len(service.asked) < 50
    assert not [one for one in threading.enumerate() if one.name.startswith("coveo-enrich-ask")]


# Batches, with the bytes of pictures from their own host

NAMES = {png(number): str(number) for number in range(8)}
BAD = "2"


def batch_talk(requests: list[list[str]], refuse: Callable[[list[str]], bytes | None]) -> Talk:
    """Say which pictures a request holds, by their bytes, unless the whole request is refused."""

    def talk(connection: socket.socket) -> None:
        while request := read_request(connection):
            asked = [NAMES[b64decode(record["b"])] for record in json.loads(request.body)["records"]]
            requests.append(asked)
            each = [{"code": 404, "text": "?"} if one == BAD else {"code": 0, "name": one} for one in asked]
            connection.sendall(refuse(asked) or answer({"records": each}))

    return talk


def name_of(record: Any) -> list[Label]:  # noqa: ANN401 - JSON
    """The name in a record."""
    return [Label(record["name"])]


def in_batches(url: str) -> HttpClassifier:
    """Asks about three pictures in a request, by their bytes."""
    errors = StatusInside(code="code", ok={0}, message="text")
    batch = Batch(items="records", answers="records", size=3, errors=errors)
    return HttpClassifier(
        "acme", HttpService(url, json={"records": [{"b": "{image_base64}"}]}, batch=batch, parse=name_of)
    )


def never(_: list[str]) -> bytes | None:
    """Refuse no request."""
    return None


def several_with_the_bad_one(asked: list[str]) -> bytes | None:
    """Refuse what holds the bad picture besides others."""
    return answer({"e": 1}, status="400 No") if BAD in asked and len(asked) > 1 else None


@pytest.mark.parametrize(
    "refuse",
    [never, several_with_the_bad_one],
    ids=["its own failure", "the whole batch is refused for its sake"],
)
def test_one_picture_of_a_batch_costs_no_other_picture(refuse: Callable[[list[str]], bytes | None]) -> None:
    """Each product has what was said of its own bytes, by position, whatever becomes of one; each call is counted."""
    requests: list[list[str]] = []
    with (
        serving() as pictures,
        Host(batch_talk(requests, refuse)) as host,
        closing(in_batches(host.url)) as one,
    ):
        urls = [pictures.url(f"/{name}", Answer(data)) for data, name in NAMES.items()]
        products = [{"documentId": url, "ec_images": [url]} for url in urls]
        run = Enricher(one, KIND, trusted_hosts=[pictures.host], concurrency=4).enrich(products)
        results = list(run)
    failed = results.pop(int(BAD))
    assert [result.document["kind"] for result in results] == [name for name in NAMES.values() if name != BAD]
    assert failed.document == failed.product
    assert failed.failures == (
        Failure("permanent", "acme: 404: ?", image=f"http://{pictures.host}/{BAD}", classifier="acme"),
    )
    asked = Counter(name for request in requests for name in request)
    assert set(asked) == set(NAMES.values())
    assert run.report.calls == {"acme": asked.total()}
    assert max(map(len, requests)) <= 3
    refused = [request for request in requests if BAD in request and len(request) > 1 and refuse(request)]
    twice = Counter(name for request in refused for name in request)
    assert asked == Counter(NAMES.values()) + twice
