"""Law 8: a picture is paid for once, across products, runs and processes; and nothing is kept that is not so."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import picture_server
import pytest
from picture_server import Answer, PictureServer
from tellers import KIND, WAIT, BatchTeller, Teller, enricher_at, item, kinds
from typing_extensions import override

from coveo_enrich import (
    EnrichedProduct,
    Enricher,
    Evidence,
    FieldMapping,
    FieldRule,
    ProductImage,
    RetryPolicy,
    Vocabulary,
)
from coveo_enrich.classifiers import Classification, Failure, Label, asking
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.enrichment.cache.store import KnownImage
from coveo_enrich.enrichment.looking.circuits import Circuits
from coveo_enrich.enrichment.looking.flights import Flights
from coveo_enrich.errors import ConfigurationError, ImageRejected, ServiceUnavailable
from coveo_enrich.images import reader
from coveo_enrich.images.limits import ImageLimits

KAYAK = Answer(b"kayak", headers={"ETag": '"v1"'})


@pytest.fixture(autouse=True)
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may pass is asked again at once."""
    at_once = RetryPolicy(attempts=2, first_wait_seconds=0, longest_wait_seconds=0)
    monkeypatch.setattr(asking, "PATIENCE", at_once)
    monkeypatch.setattr(reader, "_WAITS", (0.0, 0.0))


@pytest.fixture
def server() -> Generator[PictureServer]:
    """A host of pictures."""
    with picture_server.serving() as one:
        yield one


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the cache is."""
    return tmp_path / "cache.sqlite"


def always_asked(path: Path) -> ClassificationCache:
    """A cache that believes no URL without asking."""
    return ClassificationCache(path, url_ttl=0)


# Across products


def test_the_same_bytes_under_several_urls_are_one_picture(server: PictureServer, path: Path) -> None:
    """Law 8: five URLs of the same bytes are fetched once each, and asked about once."""
    for number in range(5):
        server.url(f"/{number}.jpg", Answer(b"kayak"))
    teller = Teller()
    run = enricher_at(server, teller, cache=path, concurrency=1).enrich(item(n, f"{n}.jpg") for n in range(5))
    assert kinds(run) == ["kayak"] * 5
    assert len(teller.asked) == 1
    assert sorted(server.paths) == [f"/{number}.jpg" for number in range(5)]
    assert (run.report.calls, run.report.hits) == ({"acme": 1}, {"acme": 4})


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]])
def test_one_url_in_many_products_at_once_is_one_call_and_one_fetch(
    server: PictureServer, path: Path, names: list[str], *, cached: bool
) -> None:
    """Law 8: while a picture is asked about, all others who want it wait; no call and no fetch is made twice."""
    server.url("/1.jpg", KAYAK)
    all_read = threading.Event()

    def products() -> Iterator[dict[str, Any]]:
        for number in range(16):
            yield item(number, "1.jpg")
            if number == 14:
                all_read.set()

    tellers = [Teller(name, first=lambda _: all_read.wait(WAIT)) for name in names]
    mapping = FieldMapping([FieldRule(f"kind_{name}", reads=Evidence("label", of=name)) for name in names])
    run = enricher_at(server, tellers, mapping=mapping, cache=path if cached else None).enrich(products())
    out = list(run)
    assert [one.document["kind_a"] for one in out] == ["kayak"] * 16
    if cached:
        assert [len(teller.asked) for teller in tellers] == [1] * len(names)
        assert server.paths == ["/1.jpg"]
    else:
        assert len(tellers[0].asked) < 16


def test_two_runs_of_one_enricher_at_once_pay_once(server: PictureServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 8: a run that wants what another run of the enricher is asking about waits for it, without a cache too."""
    server.url("/1.jpg", KAYAK)
    wanted, both_want = threading.Semaphore(0), threading.Event()
    do: Callable[..., Any] = Flights[Any].do

    def counted(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - as Flights.do
        wanted.release()
        return do(*args, **options)

    monkeypatch.setattr(Flights, "do", counted)
    teller = Teller(first=lambda _: both_want.wait(WAIT))
    enricher = enricher_at(server, teller)
    out: list[EnrichedProduct] = []
    runs = [threading.Thread(target=lambda: out.extend(enricher.enrich([item(1, "1.jpg")]))) for _ in range(2)]
    for run in runs:
        run.start()
    assert all(wanted.acquire(timeout=WAIT) for _ in runs)
    both_want.set()
    for run in runs:
        run.join()
    assert kinds(out) == ["kayak", "kayak"]
    assert len(teller.asked) == 1


# Across runs


def test_a_second_run_asks_and_fetches_nothing(server: PictureServer, path: Path) -> None:
    """Law 8: within url_ttl what is known costs neither a call nor a request, and the products come out the same."""
    server.url("/1.jpg", KAYAK)
    server.url("/2.jpg", Answer(b"canoe"))
    products = [item(1, "1.jpg"), item(2, "2.jpg", "1.jpg")]
    before = [one.document for one in enricher_at(server, Teller(), cache=path).enrich(products)]
    server.requests.clear()
    teller = Teller()
    run = enricher_at(server, teller, cache=path).enrich(products)
    assert [one.document for one in run] == before
    assert (teller.asked, server.paths) == ([], [])
    assert (run.report.calls, run.report.hits) == ({}, {"acme": 3})


def test_changed_rules_and_vocabularies_cost_no_call(server: PictureServer, path: Path) -> None:
    """Law 8: what is kept is what was seen, so a whole catalog is decided anew without a call or a request."""
    server.url("/1.jpg", KAYAK)
    list(enricher_at(server, Teller(), cache=path).enrich([item(1, "1.jpg")]))
    server.requests.clear()
    teller = Teller()
    vocabulary = Vocabulary({"Boat": ["kayak"]})
    mapping = FieldMapping([FieldRule("kind", reads="label", vocabulary=vocabulary, min_confidence=0.5)])
    strict = FieldMapping([FieldRule("kind", reads="label", min_confidence=0.95)])
    assert kinds(enricher_at(server, teller, mapping=mapping, cache=path).enrich([item(1, "1.jpg")])) == ["Boat"]
    assert kinds(enricher_at(server, teller, mapping=strict, cache=path).enrich([item(1, "1.jpg")])) == [None]
    assert (teller.asked, server.paths) == ([], [])


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_after_url_ttl_a_host_that_knows_no_change_costs_no_call(
    server: PictureServer, path: Path, header: str
) -> None:
    """Law 8: one conditional request, whose 304 says that it is still the picture that was paid for."""
    mark = {"ETag": '"v1"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}[header]
    server.url("/1.jpg", Answer(b"kayak", headers={header: mark}))
    list(enricher_at(server, Teller(), cache=path).enrich([item(1, "1.jpg")]))
    server.requests.clear()
    server.url("/1.jpg", Answer(b"", 304))
    teller = Teller()
    run = enricher_at(server, teller, cache=always_asked(path)).enrich([item(1, "1.jpg"), item(2, "1.jpg")])
    assert kinds(run) == ["kayak", "kayak"]
    assert teller.asked == []
    condition = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}[header]
    assert {headers[condition] for _, headers in server.requests} == {mark}


def test_a_304_is_believed_for_another_url_ttl(server: PictureServer, path: Path) -> None:
    """What the host confirmed counts from now on: the next run within url_ttl asks nothing."""
    clock = [1_000_000.0]
    cache = ClassificationCache(path, url_ttl=timedelta(days=7))
    server.url("/1.jpg", KAYAK)
    list(enricher_at(server, Teller(), cache=cache).enrich([item(1, "1.jpg")]))
    url = f"http://{server.host}/1.jpg"
    known = cache.known_image(url)
    assert isinstance(known, KnownImage)
    cache.remember_image(url, KnownImage(known.digest, etag=known.etag, checked_at=clock[0]))
    server.requests.clear()
    server.url("/1.jpg", Answer(b"", 304))
    for _ in range(3):
        assert kinds(enricher_at(server, Teller(), cache=cache).enrich([item(1, "1.jpg")])) == ["kayak"]
    assert server.paths == ["/1.jpg"]


@pytest.mark.parametrize("mark", [{"ETag": '"v1"'}, {}], ids=["marked", "unmarked"])
def test_other_bytes_at_the_same_url_cost_one_call(server: PictureServer, path: Path, mark: dict[str, str]) -> None:
    """Law 8: after url_ttl a picture that changed is fetched and asked about once more; another is not."""
    server.url("/1.jpg", Answer(b"kayak", headers=mark))
    cache = always_asked(path)
    list(enricher_at(server, Teller(), cache=cache).enrich([item(1, "1.jpg")]))
    same = Teller()
    assert kinds(enricher_at(server, same, cache=cache).enrich([item(1, "1.jpg")])) == ["kayak"]
    server.url("/1.jpg", Answer(b"canoe", headers=mark))
    server.requests.clear()
    teller = Teller()
    run = enricher_at(server, teller, cache=cache, concurrency=1).enrich([item(1, "1.jpg")])
    assert kinds(run) == ["canoe"]
    assert (len(same.asked), len(teller.asked), server.paths) == (0, 1, ["/1.jpg"])


def test_within_url_ttl_a_change_is_not_seen(server: PictureServer, path: Path) -> None:
    """What url_ttl promises: the host is not asked at all."""
    server.url("/1.jpg", KAYAK)
    list(enricher_at(server, Teller(), cache=path).enrich([item(1, "1.jpg")]))
    server.url("/1.jpg", Answer(b"canoe"))
    server.requests.clear()
    assert kinds(enricher_at(server, Teller(), cache=path).enrich([item(1, "1.jpg")])) == ["kayak"]
    assert server.paths == []


def test_an_answer_is_kept_for_the_bytes_that_were_seen(server: PictureServer, path: Path) -> None:
    """Law 8: bytes that changed before they were read do not speak for those that were told apart."""
    server.url("/1.jpg", KAYAK)
    server.url("/old.jpg", KAYAK)
    list(enricher_at(server, Teller("other"), cache=path).enrich([item(1, "1.jpg"), item(2, "old.jpg")]))
    server.url("/1.jpg", Answer(b"canoe"))
    teller = Teller()
    enricher = enricher_at(server, teller, cache=path, concurrency=1)
    assert kinds(enricher.enrich([item(1, "1.jpg")])) == ["canoe"]
    assert kinds(enricher.enrich([item(2, "old.jpg"), item(1, "1.jpg")])) == ["kayak", "canoe"]
    assert len(teller.asked) == 2


# Across processes

OTHER_PROCESS = """
import pickle, sys
enricher = pickle.loads(sys.stdin.buffer.read())
run = enricher.enrich([{"documentId": "product://1", "ec_images": ["1.jpg"]}])
print([one.document.get("kind") for one in run], dict(run.report.calls), dict(run.report.hits))
"""


def in_other_process(enricher: Enricher) -> str:
    """What a new process says that enriches with it."""
    found = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {found!r}\n{OTHER_PROCESS}"]
    done = subprocess.run(command, input=pickle.dumps(enricher), capture_output=True, check=True, timeout=WAIT)  # noqa: S603 - the text above
    return done.stdout.decode().strip()


def test_another_process_pays_nothing_again(server: PictureServer, path: Path) -> None:
    """Laws 8 and 14: an enricher with a cache pickles, and what it asked in one process is known in the next."""
    server.url("/1.jpg", KAYAK)
    enricher = enricher_at(server, PlainTeller(), cache=path)
    said = [in_other_process(enricher) for _ in range(2)]
    assert said == ["['kayak'] {'plain': 1} {}", "['kayak'] {} {'plain': 1}"]
    assert server.paths == ["/1.jpg"]


def test_two_processes_at_once_share_a_cache(server: PictureServer, path: Path) -> None:
    """Law 8: both get their answer, which is kept once; who comes later pays nothing."""
    server.url("/1.jpg", KAYAK)
    enricher = enricher_at(server, PlainTeller(), cache=path)
    said: list[str] = []
    processes = [threading.Thread(target=lambda: said.append(in_other_process(enricher))) for _ in range(2)]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    assert {one.split("]")[0] for one in said} == {"['kayak'"}
    assert in_other_process(enricher) == "['kayak'] {} {'plain': 1}"
    with ClassificationCache(path) as cache:
        assert (cache.figures().answers, cache.figures().images) == (1, 1)


class PlainTeller:
    """One that pickles."""

    name = "plain"

    def classify(self, image: ProductImage, /) -> Classification:
        """Read it."""
        return Classification(self.name, labels=[Label(image.read().decode(), 0.9)])


# What is a failure


@pytest.mark.parametrize(
    "answer", [Answer(b"", 404), Answer(b"", 410), Answer(b""), Answer(b"<html>")], ids=["404", "410", "empty", "page"]
)
def test_a_dead_link_is_not_asked_again_for_failure_ttl(server: PictureServer, path: Path, answer: Answer) -> None:
    """Negative results are kept too: neither a request nor a call until failure_ttl is over, and the reason stays."""
    server.url("/1.jpg", answer)
    teller = Teller()
    (before,) = enricher_at(server, teller, cache=path).enrich([item(1, "1.jpg")])
    (again,) = enricher_at(server, teller, cache=path).enrich([item(1, "1.jpg")])
    assert [failure.reason for failure in again.failures] == [failure.reason for failure in before.failures]
    assert [(failure.kind, failure.image) for failure in again.failures] == [("permanent", "1.jpg")]
    assert (server.paths, teller.asked) == (["/1.jpg"], [])
    server.url("/1.jpg", KAYAK)
    expired = ClassificationCache(path, failure_ttl=0)
    assert kinds(enricher_at(server, teller, cache=expired).enrich([item(1, "1.jpg")])) == ["kayak"]


def test_a_picture_that_is_gone_after_url_ttl_is_a_dead_link(server: PictureServer, path: Path) -> None:
    """A 404 to the conditional request is kept as any other."""
    server.url("/1.jpg", KAYAK)
    cache = always_asked(path)
    list(enricher_at(server, Teller(), cache=cache).enrich([item(1, "1.jpg")]))
    server.url("/1.jpg", Answer(b"", 404))
    server.requests.clear()
    for _ in range(2):
        (out,) = enricher_at(server, Teller(), cache=cache).enrich([item(1, "1.jpg")])
        assert "404" in out.failures[0].reason
    assert server.paths == ["/1.jpg"]


@pytest.mark.parametrize("status", [500, 503, 429, 403, 401])
def test_what_may_pass_or_depends_on_who_asks_is_not_kept(server: PictureServer, path: Path, status: int) -> None:
    """A host that is ill, or lets this name not in, is asked again by the next run."""
    server.url("/1.jpg", Answer(b"", status))
    (out,) = enricher_at(server, Teller(), cache=path).enrich([item(1, "1.jpg")])
    assert out.failures
    server.url("/1.jpg", KAYAK)
    assert kinds(enricher_at(server, Teller(), cache=path).enrich([item(1, "1.jpg")])) == ["kayak"]


def test_a_host_that_is_trusted_now_is_asked(server: PictureServer, path: Path) -> None:
    """An address that was refused by a setting is no dead link: the setting may be mended."""
    url = server.url("/1.jpg", KAYAK)
    localhost = url.replace("127.0.0.1", "localhost").replace(f":{server.port}", "")
    (out,) = Enricher(Teller(), KIND, cache=path).enrich([item(1, localhost)])
    assert "trusted" in out.failures[0].reason
    with ClassificationCache(path) as cache:
        assert cache.known_image(localhost) is None


@pytest.mark.parametrize(
    ("error", "asked_again"),
    [
        (ImageRejected("too dark"), False),
        (ServiceUnavailable("busy"), True),
        (ConnectionResetError("reset"), True),
        (KeyError("x"), True),
        (MemoryError(), True),
    ],
)
def test_what_a_classifier_refused_is_kept_and_what_may_pass_is_not(
    server: PictureServer, path: Path, error: Exception, *, asked_again: bool
) -> None:
    """A picture that a classifier refuses is not paid for again for a while; a busy service or a broken adapter is."""
    server.url("/1.jpg", KAYAK)

    def first(_: ProductImage) -> None:
        raise error

    (before,) = enricher_at(server, Teller(first=first), cache=path).enrich([item(1, "1.jpg")])
    assert before.failures
    teller = Teller()
    (out,) = enricher_at(server, teller, cache=path).enrich([item(1, "1.jpg")])
    assert bool(teller.asked) is asked_again
    assert bool(out.failures) is not asked_again


@pytest.mark.parametrize("reads", [True, False], ids=["reads the picture", "works by URL"])
def test_a_host_that_is_down_today_costs_no_answer(server: PictureServer, path: Path, *, reads: bool) -> None:
    """Law 8: when a host cannot say whether a picture changed, what was said about it counts, and nothing is paid."""
    server.url("/1.jpg", Answer(b"kayak", headers={"ETag": '"1"'}))

    class ByUrl(Teller):
        @override
        def classify(self, image: ProductImage, /) -> Classification:
            self.asked.append(image.url)
            return Classification(self.name, labels=[Label("kayak", 0.9)])

    kind = Teller if reads else ByUrl
    cache = ClassificationCache(path, url_ttl=0)
    assert kinds(enricher_at(server, kind(), cache=cache).enrich([item(1, "1.jpg")])) == ["kayak"]
    server.url("/1.jpg", Answer(b"busy", status=503))
    teller = kind()
    run = enricher_at(server, teller, cache=cache).enrich([item(1, "1.jpg")])
    assert kinds(run) == ["kayak"]
    assert teller.asked == []
    assert (run.report.calls, run.report.hits, run.report.failures) == ({}, {"acme": 1}, ())


def test_a_spent_budget_leaves_what_is_known(server: PictureServer, path: Path) -> None:
    """Law 8: beyond the budget no host is asked, and the answers about the pictures as they were last seen are used."""
    server.url("/1.jpg", KAYAK)
    cache = ClassificationCache(path, url_ttl=0)
    list(enricher_at(server, Teller(), cache=cache).enrich([item(1, "1.jpg")]))
    before = len(server.paths)
    run = enricher_at(server, Teller(), cache=cache, budget=0).enrich([item(1, "1.jpg")])
    assert kinds(run) == ["kayak"]
    assert len(server.paths) == before


def test_a_cache_that_cannot_be_opened_is_told_ahead_of_the_catalog(server: PictureServer, path: Path) -> None:
    """Law 12: also when the first products lack nothing, and would not need it."""
    enricher = enricher_at(server, Teller(), cache=path.parent / "missing" / "c")
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        next(iter(enricher.enrich([{"documentId": "product://1", "kind": "boat"}])))


def test_what_cannot_be_prepared_is_not_fetched_again(server: PictureServer, path: Path) -> None:
    """Bytes that are no picture that a classifier takes are known to be none: no request until failure_ttl is over."""
    pytest.importorskip("PIL")
    server.url("/1.svg", Answer(b"<svg></svg>", headers={"Content-Type": "image/svg+xml"}))

    class Choosy(Teller):
        accepts = ImageLimits()

    for _ in range(2):
        teller = Choosy()
        (out,) = enricher_at(server, teller, cache=path).enrich([item(1, "1.svg")])
        assert (len(out.failures), teller.asked) == (1, [])
    assert server.paths == ["/1.svg"]


def test_a_failed_read_is_not_held_against_the_bytes(server: PictureServer, path: Path) -> None:
    """A classifier that hides that it could not read a picture, and sees nothing, is not believed later."""
    server.url("/1.jpg", KAYAK)
    server.url("/2.jpg", KAYAK)
    list(enricher_at(server, Teller("other"), cache=path).enrich([item(1, "1.jpg"), item(2, "2.jpg")]))
    server.url("/1.jpg", Answer(b"", 503))

    class Hiding(Teller):
        def classify(self, image: ProductImage, /) -> Classification:
            try:
                return super().classify(image)
            except Exception:  # noqa: BLE001 - as some do
                return Classification(self.name)

    hiding = Hiding()
    assert kinds(enricher_at(server, hiding, cache=path).enrich([item(1, "1.jpg")])) == [None]
    assert kinds(enricher_at(server, hiding, cache=path).enrich([item(2, "2.jpg")])) == ["kayak"]


def test_a_picture_that_many_products_name_is_tried_again(server: PictureServer, path: Path) -> None:
    """A failure that passes is that of the products that waited for it, not of all that name the picture later."""
    answers = iter([Answer(b"", 503)] * 3)

    def passing(handler: Any) -> None:  # noqa: ANN401 - a handler
        answer = next(answers, KAYAK)
        answer(handler)

    server.url("/1.jpg", passing)
    out = kinds(enricher_at(server, Teller(), cache=path).enrich(item(n, "1.jpg") for n in range(200)))
    assert out[0] is None
    assert out[100:] == ["kayak"] * 100


@pytest.mark.parametrize("cached", [True, False])
def test_no_more_pictures_are_fetched_at_once_than_said(server: PictureServer, path: Path, *, cached: bool) -> None:
    """A host is not overrun by the pictures of large batches, however many products are looked at at once."""
    inside, most = [0], [0]
    counting = threading.Lock()

    def counted(handler: Any) -> None:  # noqa: ANN401 - a handler
        with counting:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            if inside[0] == 3:
                three.set()
        assert three.wait(WAIT)
        with counting:
            inside[0] -= 1
        Answer(handler.path.encode())(handler)

    three = threading.Event()
    for number in range(30):
        server.url(f"/{number}.jpg", counted)
    enricher = enricher_at(server, BatchTeller(), cache=path if cached else None, concurrency=3)
    assert None not in kinds(enricher.enrich(item(number, f"{number}.jpg") for number in range(30)))
    assert most == [3]


# Runs that are left


@pytest.mark.parametrize("how", ["break", "Ctrl-C", "close"])
def test_nothing_is_kept_of_what_was_broken_off(server: PictureServer, path: Path, how: str) -> None:
    """A picture whose fetch was broken off because the run was left is unknown to the next run, not failed or empty."""
    held, reached = threading.Event(), threading.Event()

    def slow(handler: Any) -> None:  # noqa: ANN401 - a handler
        reached.set()
        assert held.wait(WAIT)
        KAYAK(handler)

    server.url("/0.jpg", Answer(b"canoe"))
    server.url("/1.jpg", slow)

    def products() -> Iterator[dict[str, Any]]:
        yield item(0, "0.jpg")
        yield item(1, "1.jpg")
        assert reached.wait(WAIT)
        if how == "Ctrl-C":
            raise KeyboardInterrupt
        for number in range(2, 1_000):
            yield item(number, "0.jpg")

    out = iter(enricher_at(server, Teller(), cache=path, concurrency=1).enrich(products()))
    try:
        leave(out, how)
    finally:
        held.set()
    server.url("/1.jpg", KAYAK)
    (again,) = enricher_at(server, Teller(), cache=path).enrich([item(1, "1.jpg")])
    assert (again.failures, again.document["kind"]) == ((), "kayak")


def leave(out: Iterator[EnrichedProduct], how: str) -> None:
    """Take what there is, and leave."""
    if how == "Ctrl-C":
        with pytest.raises(KeyboardInterrupt):
            list(out)
        return
    next(out)
    assert isinstance(out, Generator)
    out.close()


def test_an_answer_that_arrives_when_the_run_was_left_is_kept(
    server: PictureServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 8: what was paid for counts, even when nobody waits for it any more."""
    server.url("/0.jpg", Answer(b"canoe"))
    server.url("/1.jpg", KAYAK)
    asked, answer = threading.Event(), threading.Event()

    def first(image: ProductImage) -> None:
        if image.url.endswith("/1.jpg"):
            image.read()
            asked.set()
            assert answer.wait(WAIT)

    def products() -> Iterator[dict[str, Any]]:
        yield item(0, "0.jpg")
        yield item(1, "1.jpg")
        assert asked.wait(WAIT)
        yield from (item(number, "0.jpg") for number in range(2, 1_000))

    out = iter(enricher_at(server, Teller(first=first), cache=path).enrich(products()))
    next(out)
    stop = Circuits.stop

    def stop_and_answer(circuits: Circuits) -> None:
        stop(circuits)
        answer.set()

    monkeypatch.setattr(Circuits, "stop", stop_and_answer)
    assert isinstance(out, Generator)
    out.close()
    teller = Teller()
    assert kinds(enricher_at(server, teller, cache=path).enrich([item(1, "1.jpg")])) == ["kayak"]
    assert teller.asked == []


# Classifiers


def test_each_fingerprint_pays_once(server: PictureServer, path: Path) -> None:
    """Law 8: another classifier, or another version of one, is asked; the picture itself is known."""
    server.url("/1.jpg", KAYAK)
    a, b = Teller("a", fingerprint="a/1"), Teller("b", fingerprint="b/1")
    for _ in range(2):
        list(enricher_at(server, [a, b], cache=path).enrich([item(1, "1.jpg")]))
    newer = Teller("a", fingerprint="a/2")
    list(enricher_at(server, [newer, b], cache=path).enrich([item(1, "1.jpg")]))
    assert [len(one.asked) for one in (a, b, newer)] == [1, 1, 1]


def test_a_renamed_classifier_keeps_its_answers(server: PictureServer, path: Path) -> None:
    """A classifier is told by its fingerprint; rules believe it, and failures name it, as it is called now."""
    server.url("/1.jpg", KAYAK)
    server.url("/2.jpg", Answer(b"\xff"))
    products = [item(1, "1.jpg"), item(2, "2.jpg")]

    def first(image: ProductImage) -> None:
        if image.url.endswith("2.jpg"):
            raise ImageRejected("too dark")

    list(enricher_at(server, Teller("old", fingerprint="f", first=first), cache=path).enrich(products))
    mapping = FieldMapping([FieldRule("kind", reads=Evidence("label", of="new"))])
    teller = Teller("new", fingerprint="f")
    out = list(enricher_at(server, teller, mapping=mapping, cache=path).enrich(products))
    assert kinds(out) == ["kayak", None]
    assert out[0].changes[0].evidence[0].classifier == "new"
    assert [failure.classifier for failure in out[1].failures] == ["new"]
    assert teller.asked == []


def test_labels_about_people_that_are_not_kept_are_not_decided_with(server: PictureServer, path: Path) -> None:
    """A cache without them cannot serve a run that wants them, and says so before anything is spent."""
    server.url("/1.jpg", Answer(b"Woman"))
    cache = ClassificationCache(path, store_people_labels=False)
    for _ in range(2):
        (out,) = enricher_at(server, Teller(), cache=cache).enrich([item(1, "1.jpg")])
        assert not out.changes
    with pytest.raises(ConfigurationError, match="store_people_labels"):
        enricher_at(server, Teller(), cache=cache, people_labels=True)
    whole = ClassificationCache(path.with_name("whole"))
    for _ in range(2):
        assert kinds(enricher_at(server, Teller(), cache=whole, people_labels=True).enrich([item(1, "1.jpg")])) == [
            "Woman"
        ]


class ByUrl(Teller):
    """A service that fetches pictures itself."""

    def classify(self, image: ProductImage, /) -> Classification:
        """Say what it found."""
        self.asked.append(image.url)
        return Classification(self.name, labels=[Label("kayak", 0.9)])


def test_a_service_that_works_by_url_is_paid_once_for_the_same_bytes(server: PictureServer, path: Path) -> None:
    """Law 8: its pictures are fetched too, as only their bytes tell them apart."""
    for number in range(3):
        server.url(f"/{number}.jpg", KAYAK)
    teller = ByUrl()
    run = enricher_at(server, teller, cache=path, concurrency=1).enrich(item(n, f"{n}.jpg") for n in range(3))
    assert kinds(run) == ["kayak"] * 3
    assert len(teller.asked) == 1


def test_a_service_that_works_by_url_is_asked_although_this_machine_has_no_way_out(
    server: PictureServer, path: Path
) -> None:
    """Law 1: a cache makes no product worse off; what could not be told apart is not kept."""
    server.url("/1.jpg", Answer(b"", 503))
    for asked in (1, 2):
        teller = ByUrl()
        enricher = enricher_at(server, teller, cache=path)
        assert kinds(enricher.enrich([item(1, "1.jpg")])) == ["kayak"]
        assert (len(teller.asked), asked) == (1, asked)


# Objects and files


def test_a_version_of_an_object_is_one_picture_and_another_version_another(path: Path) -> None:
    """Law 8: an object of Amazon S3 is told by its version, for ever and without a request."""
    cache = always_asked(path)
    for _ in range(2):
        teller = ByUrl()
        products = [item(n, f"s3://shop/kayak.jpg?versionId={n % 2}") for n in range(6)]
        assert kinds(Enricher(teller, KIND, cache=cache, concurrency=1).enrich(products)) == ["kayak"] * 6
        assert len(teller.asked) == (2 if _ == 0 else 0)


@pytest.mark.parametrize("reference", ["s3://shop/kayak.jpg", "S3://shop/kayak.jpg", "gs://shop/kayak.jpg"])
def test_an_object_without_a_version_is_believed_for_url_ttl(path: Path, reference: str) -> None:
    """Nothing tells whether it changed, so it is asked about again once url_ttl is over, and not before."""
    counts: list[int] = []
    for cache in (ClassificationCache(path), ClassificationCache(path), always_asked(path)):
        teller = ByUrl()
        assert kinds(Enricher(teller, KIND, cache=cache).enrich([item(1, reference)])) == ["kayak"]
        counts.append(len(teller.asked))
    assert counts == [1, 0, 1]


def test_a_file_that_changes_is_another_picture(tmp_path: Path, path: Path) -> None:
    """Law 8: a file is looked at each time: unchanged it costs nothing, changed it is asked about, gone it fails."""
    file = tmp_path / "1.jpg"
    teller = Teller()

    def kind() -> object:
        (out,) = Enricher(teller, KIND, image_root=tmp_path, cache=path).enrich([item(1, "1.jpg")])
        return out.failures[0].reason if out.failures else out.document["kind"]

    file.write_bytes(b"kayak")
    assert [kind(), kind()] == ["kayak", "kayak"]
    file.write_bytes(b"a canoe")
    assert [kind(), kind()] == ["a canoe", "a canoe"]
    file.unlink()
    assert kind() == "there is no such file"
    file.write_bytes(b"kayak")
    assert kind() == "kayak"
    assert len(teller.asked) == 2


# Stores that fail


def test_a_cache_that_cannot_be_written_ends_the_run_ahead_of_the_catalog(tmp_path: Path) -> None:
    """Law 12: rather than to pay for answers that are lost, the run does not begin."""
    teller = Teller()
    (tmp_path / "1.jpg").write_bytes(b"kayak")
    enricher = Enricher(teller, KIND, image_root=tmp_path, cache=tmp_path / "missing" / "cache.sqlite")
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        list(enricher.enrich([item(1, "1.jpg")]))
    assert teller.asked == []


class Store:
    """A store of somebody's own that does what a test says."""

    url_ttl = 60.0

    def __init__(self, do: Callable[[], Any]) -> None:
        self.do = do

    def known_image(self, _url: str, /) -> Any:  # noqa: ANN401 - it may give anything
        """Do it."""
        return self.do()

    def remember_image(self, _url: str, _known: KnownImage | Failure, /) -> None:
        """Do it."""
        self.do()

    def answer(self, _identity: str, _fingerprint: str, /) -> Any:  # noqa: ANN401 - it may give anything
        """Do it."""
        return self.do()

    def keep(self, _identity: str, _fingerprint: str, _outcome: Classification | Failure, /) -> None:
        """Do it."""
        self.do()


def broken() -> None:
    """Raise what a connection raises."""
    raise ConnectionError("the store is gone")


@pytest.mark.parametrize("do", [broken, lambda: "nonsense", dict, lambda: 5], ids=["raises", "text", "dict", "5"])
def test_no_product_is_lost_by_a_store_of_ones_own(
    tmp_path: Path, do: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Law 1: what a store cannot do, or answers in another form, is not known; the first trouble is logged."""
    (tmp_path / "1.jpg").write_bytes(b"kayak")
    run = Enricher(Teller(), KIND, image_root=tmp_path, cache=Store(do)).enrich([item(1, "1.jpg"), item(2, "1.jpg")])
    assert kinds(run) == ["kayak", "kayak"]
    assert len(caplog.records) == (1 if do is broken else 0)


@pytest.mark.parametrize("ttl", [timedelta(days=7), 7 * 86_400])
def test_a_store_of_somebodys_own_may_say_its_time_as_the_one_here(
    server: PictureServer, path: Path, ttl: float | timedelta
) -> None:
    """Law 1: seconds and a timedelta will do, and what is neither is refused before the catalog, not in its middle."""
    server.url("/1.jpg", KAYAK)

    class Own(ClassificationCache):
        url_ttl: Any = ttl  # pyright: ignore[reportIncompatibleMethodOverride]

    for _ in range(2):
        assert kinds(enricher_at(server, Teller(), cache=Own(path)).enrich([item(1, "1.jpg")])) == ["kayak"]
    Own.url_ttl = "a week"
    with pytest.raises(ConfigurationError, match="url_ttl of the cache is a time"):
        enricher_at(server, Teller(), cache=Own(path))


@pytest.mark.parametrize("fields", [{"digest": 5}, {"etag": 5}, {"last_modified": b"x"}, {"checked_at": None}])
def test_what_a_url_led_to_has_the_right_types(fields: dict[str, Any]) -> None:
    """Law 1: a store that gives nonsense fails where it makes it, and the run goes on as if it knew nothing."""
    with pytest.raises(TypeError, match="KnownImage"):
        KnownImage(**dict[str, Any](digest="d", checked_at=1.0) | fields)


@pytest.mark.parametrize("cache", [5, True, object(), ClassificationCache, {}], ids=repr)
def test_what_is_no_cache_is_refused(cache: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """A wrong setting is an error at once, which says what is wanted."""
    with pytest.raises(ConfigurationError, match="cache is a file, or a store"):
        Enricher(Teller(), KIND, cache=cache)


# Law 12


def test_a_wrong_key_stops_no_catalog_that_is_coming_out(server: PictureServer, path: Path) -> None:
    """Law 12: where answers that were kept are used, a wrong key gives its classifier up; without one it raises."""
    server.url("/1.jpg", KAYAK)
    server.url("/2.jpg", Answer(b"canoe"))
    list(enricher_at(server, Teller(), cache=path).enrich([item(1, "1.jpg")]))

    def first(_: ProductImage) -> None:
        raise ConfigurationError("the key is wrong")

    run = enricher_at(server, Teller(first=first), cache=path).enrich([item(1, "1.jpg"), item(2, "2.jpg")])
    assert kinds(run) == ["kayak", None]
    assert str(run.report).startswith("STOPPED acme: the key is wrong")
    with pytest.raises(ConfigurationError, match="the key is wrong"):
        list(enricher_at(server, Teller(first=first), cache=path).enrich([item(2, "2.jpg")]))
    assert kinds(enricher_at(server, Teller(), cache=path).enrich([item(2, "2.jpg")])) == ["canoe"]


def test_a_classifier_that_was_given_up_still_tells_what_it_said(server: PictureServer, path: Path) -> None:
    """Law 12: once a circuit is open the rest passes, counted as failures of that classifier, and nothing is kept."""
    for number in range(4):
        server.url(f"/{number}.jpg", Answer(b"kayak %d" % number))
    teller = Teller()

    def first(_: ProductImage) -> None:
        if len(teller.asked) > 1:
            raise ConfigurationError("the key was revoked")

    teller.first = first
    run = enricher_at(server, teller, cache=path, concurrency=1).enrich(item(n, f"{n}.jpg") for n in range(4))
    out = list(run)
    assert sorted(map(str, kinds(out)))[:3] == ["None"] * 3
    assert str(run.report).startswith("STOPPED acme: the key was revoked")
    assert None not in kinds(enricher_at(server, Teller(), cache=path).enrich(item(n, f"{n}.jpg") for n in range(4)))


# Other types of items, and other ways to run


def test_availability_items_pass_untouched(server: PictureServer, path: Path) -> None:
    """An item of a type that is not enriched is no failure and lacks no picture; it comes out as it came."""
    server.url("/1.jpg", KAYAK)
    came = [
        item(1, "1.jpg", objecttype="Product"),
        item(2, "1.jpg", objecttype="Availability"),
        item(3, "1.jpg", ObjectType="VARIANT"),
        item(4, "1.jpg"),
        {"documentId": "product://5", "objecttype": "Availability"},
    ]
    run = enricher_at(server, Teller(), cache=path).enrich(came)
    out = list(run)
    assert kinds(out) == ["kayak", None, "kayak", "kayak", None]
    assert [out[n].document is came[n] for n in (1, 4)] == [True, True]
    assert [one.failures for one in out] == [()] * 5
    assert [one.of_other_type for one in out] == [False, True, False, False, True]
    assert (run.report.products, run.report.of_other_types, run.report.without_images, run.report.images) == (
        5,
        2,
        0,
        3,
    )
    assert run.report.fields[0].after == 3
    assert "2 of types that are not enriched" in str(run.report)


def test_the_types_that_are_enriched_are_the_callers_to_name(server: PictureServer) -> None:
    """Other object types can be named; a text in place of a list, which would be its letters, is refused."""
    server.url("/1.jpg", KAYAK)
    came = [item(1, "1.jpg", objecttype="Store"), item(2, "1.jpg", objecttype="Product")]
    assert kinds(enricher_at(server, Teller(), object_types=["store"]).enrich(came)) == ["kayak", None]
    wrong: list[Any] = ["Product", [], [5]]
    for object_types in wrong:
        with pytest.raises(ConfigurationError, match="object_types"):
            enricher_at(server, Teller(), object_types=object_types)


@pytest.mark.parametrize("cached", [True, False])
def test_a_run_works_in_asyncio_and_in_another_thread(server: PictureServer, path: Path, *, cached: bool) -> None:
    """A run may be iterated over in a thread, as `asyncio.to_thread` does it; the second one finds what is kept."""
    server.url("/1.jpg", KAYAK)
    enricher = enricher_at(server, Teller(), cache=path if cached else None)

    async def twice() -> list[list[EnrichedProduct]]:
        runs = (enricher.enrich([item(1, "1.jpg")]) for _ in range(2))
        return [await asyncio.to_thread(list, run) for run in runs]

    assert [kinds(out) for out in asyncio.run(twice())] == [["kayak"], ["kayak"]]
