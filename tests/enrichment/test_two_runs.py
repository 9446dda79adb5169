"""Law 8 for runs that meet the same new pictures at the same moment: in one process, and in several."""

from __future__ import annotations

import collections
import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import attrs
import pytest
from killed import CONCURRENCY
from tellers import KIND, WAIT, BatchTeller, Teller, item, kinds

from coveo_enrich import EnrichedProduct, Enricher, ProductImage, RetryPolicy
from coveo_enrich.classifiers import Classification, Failure, Label, asking
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.enrichment.cache.store import digest_of
from coveo_enrich.enrichment.looking import answers
from coveo_enrich.errors import ConfigurationError, ServiceUnavailable

PICTURES = 200
FIRST = digest_of(b"picture 0")

PROCESS = """
import sys
sys.path.insert(0, sys.argv[1])
from killed import CONCURRENCY, Tagger
from coveo_enrich import Enricher, FieldMapping, FieldRule

folder, (port, count, max_batch) = sys.argv[2], map(int, sys.argv[3:])

def products():
    for number in range(count):
        if number == CONCURRENCY * max_batch:
            print("at work", flush=True)
        yield {"documentId": f"product://{number}", "ec_images": [f"{number}.jpg"]}

mapping = FieldMapping([FieldRule("kind", reads="label")])
tagger = Tagger(port, max_batch)
enricher = Enricher(tagger, mapping, image_root=folder, cache=f"{folder}/cache.sqlite", concurrency=CONCURRENCY)
run = enricher.enrich(products())
right = sum(one.document.get("kind") == f"picture {number}" for number, one in enumerate(run))
print(right, run.report.calls.get("tagger", 0), run.report.hits.get("tagger", 0), flush=True)
"""


@pytest.fixture(autouse=True)
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may pass is asked again at once."""
    at_once = RetryPolicy(attempts=2, first_wait_seconds=0, longest_wait_seconds=0)
    monkeypatch.setattr(asking, "PATIENCE", at_once)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the cache is."""
    return tmp_path / "cache.sqlite"


@attrs.define(eq=False)
class Service:
    """What the processes ask, over HTTP: it counts what it is asked about, and answers as many calls as it may."""

    asked: collections.Counter[str] = attrs.field(factory=collections.Counter[str])
    may_answer: threading.Semaphore = attrs.field(factory=lambda: threading.Semaphore(0))
    calls: threading.Semaphore = attrs.field(factory=lambda: threading.Semaphore(0))
    counting: threading.Lock = attrs.field(factory=threading.Lock)
    port: int = 0

    def __call__(self, pictures: list[str]) -> list[str]:
        """Say about each picture what is in it."""
        with self.counting:
            self.asked.update(pictures)
        self.calls.release()
        assert self.may_answer.acquire(timeout=WAIT)
        return pictures


@pytest.fixture
def service() -> Generator[Service]:
    """A service that is there."""
    one = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = json.dumps(one(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of a process that was killed."""

    with Server(("127.0.0.1", 0), Handler) as server:
        one.port = server.server_port
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield one
        one.may_answer.release(10 * PICTURES)
        server.shutdown()
        serving.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with new pictures."""
    for number in range(PICTURES):
        Path(tmp_path, f"{number}.jpg").write_bytes(b"picture %d" % number)
    return tmp_path


def process(service: Service, folder: Path, max_batch: int = 1) -> subprocess.Popen[str]:
    """A process that enriches the pictures of the folder, and says when it is at work, and what came of it."""
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", PROCESS, here, str(folder), *map(str, (service.port, PICTURES, max_batch))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - the text above


def wait_until_at_work(one: subprocess.Popen[str]) -> None:
    """Wait until it has begun as many products as it may ask about at once."""
    assert one.stdout is not None
    assert one.stdout.readline() == "at work\n"


def ended(one: subprocess.Popen[str]) -> tuple[int, ...]:
    """What it says in the end: products that are right, calls, hits."""
    said, _ = one.communicate(timeout=WAIT)
    return tuple(int(number) for number in said.split())


def claims_in(path: Path) -> int:
    """How many claims there are."""
    database = sqlite3.connect(path)
    (count,) = database.execute("SELECT count(*) FROM claims").fetchone()
    database.close()
    return int(count)


def products(count: int) -> list[dict[str, Any]]:
    """So many products, with a picture each."""
    return [item(number, f"{number}.jpg") for number in range(count)]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Told each time that somebody waits for what somebody else asks about."""
    refusals = threading.Semaphore(0)
    claim = ClassificationCache.claim

    def told(cache: ClassificationCache, identity: str, fingerprint: str) -> bool:
        granted = claim(cache, identity, fingerprint)
        if not granted:
            refusals.release()
        return granted

    monkeypatch.setattr(ClassificationCache, "claim", told)
    return refusals


def wait_for_refusal(refused: threading.Semaphore) -> None:
    """Wait until somebody waits; it stays so."""
    assert refused.acquire(timeout=WAIT)
    refused.release()


# Several processes


@pytest.mark.parametrize(("processes", "max_batch"), [(2, 1), (4, 1), (2, 8), (4, 8)])
def test_processes_that_begin_together_pay_once(
    service: Service, folder: Path, path: Path, processes: int, max_batch: int
) -> None:
    """Law 8: of processes that enrich the same new pictures at once, each picture is asked about by exactly one."""
    runs = [process(service, folder, max_batch) for _ in range(processes)]
    for one in runs:
        wait_until_at_work(one)
    assert service.calls.acquire(timeout=WAIT)
    service.may_answer.release(10 * PICTURES)
    said = [ended(one) for one in runs]
    assert service.asked == {f"picture {number}": 1 for number in range(PICTURES)}
    assert [right for right, _, _ in said] == [PICTURES] * processes
    assert sum(calls for _, calls, _ in said) == PICTURES
    assert all(calls + hits == PICTURES for _, calls, hits in said)
    assert claims_in(path) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_after_kill_9_the_next_run_asks_at_once_and_only_what_is_left(
    service: Service, folder: Path, path: Path, refused: threading.Semaphore
) -> None:
    """Law 8: what a killed process had claimed is not waited for, and what it had got is not asked again."""
    service.may_answer.release(PICTURES // 2)
    with process(service, folder) as killed:
        for _ in range(PICTURES // 2 + CONCURRENCY):
            assert service.calls.acquire(timeout=WAIT)
        killed.kill()
    assert killed.returncode == -signal.SIGKILL
    assert CONCURRENCY <= claims_in(path) <= 2 * CONCURRENCY
    teller = Teller("tagger")
    run = Enricher(teller, KIND, image_root=folder, cache=path).enrich(products(PICTURES))
    assert kinds(run) == [f"picture {number}" for number in range(PICTURES)]
    assert not refused.acquire(blocking=False)
    assert len(teller.asked) == len(set(teller.asked)) == PICTURES // 2


# Two enrichers in one process


class Run(threading.Thread):
    """A run in a thread of its own; what came of it."""

    def __init__(self, enricher: Enricher, products: Iterable[dict[str, Any]]) -> None:
        super().__init__(daemon=True)
        self._run = enricher.enrich(products)
        self._out: list[EnrichedProduct] = []
        self.start()

    def run(self) -> None:
        """Enrich, as far as it goes."""
        with contextlib.suppress(ConfigurationError):
            self._out.extend(self._run)

    def out(self) -> list[EnrichedProduct]:
        """All products, once it has ended."""
        self.join(WAIT)
        assert not self.is_alive()
        return self._out

    @property
    def calls(self) -> int:
        """Pictures that were asked about."""
        return sum(self._run.report.calls.values())

    @property
    def hits(self) -> int:
        """Answers that cost nothing."""
        return sum(self._run.report.hits.values())


@pytest.mark.parametrize("kind", [Teller, BatchTeller])
def test_two_enrichers_with_one_file_pay_once(
    folder: Path, path: Path, refused: threading.Semaphore, kind: type[Teller]
) -> None:
    """Law 8: enrichers that know nothing of each other but the name of the cache ask about each picture once."""
    tellers = [kind(first=lambda _: wait_for_refusal(refused)) for _ in range(2)]
    runs = [Run(Enricher(one, KIND, image_root=folder, cache=path), products(50)) for one in tellers]
    assert [kinds(run.out()) for run in runs] == [[f"picture {number}" for number in range(50)]] * 2
    asked = [url for teller in tellers for url in teller.asked]
    assert len(asked) == len(set(asked)) == 50
    counts = [(run.calls, run.hits) for run in runs]
    assert sum(calls for calls, _ in counts) == 50
    assert [calls + hits for calls, hits in counts] == [50, 50]
    assert claims_in(path) == 0


@pytest.mark.parametrize("error", [ServiceUnavailable("busy"), ConfigurationError("the key is wrong")], ids=repr)
def test_when_the_one_that_asks_gets_nothing_the_other_one_asks(
    folder: Path, path: Path, refused: threading.Semaphore, error: Exception
) -> None:
    """A claim ends with the call, well or not, and who waited asks then, a classifier of its own."""
    at_work = threading.Event()

    def fail(_: ProductImage) -> None:
        at_work.set()
        wait_for_refusal(refused)
        raise error

    failing = Run(Enricher(Teller(first=fail), KIND, image_root=folder, cache=path), products(1))
    assert at_work.wait(WAIT)
    other = Run(Enricher(Teller(), KIND, image_root=folder, cache=path), products(1))
    assert kinds(other.out()) == ["picture 0"]
    assert (other.calls, other.hits) == (1, 0)
    assert kinds(failing.out()) == [None] * isinstance(error, ServiceUnavailable)
    assert claims_in(path) == 0


def test_whatever_ends_a_run_ends_its_claims(folder: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no error of a picture, such as Ctrl-C where an answer is kept, leaves nobody waiting."""

    def interrupted(*_: object) -> None:
        assert claims_in(path) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(ClassificationCache, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(Enricher(Teller(), KIND, image_root=folder, cache=path).enrich(products(1)))
    assert claims_in(path) == 0


# One that waits


@pytest.fixture
def holder(path: Path) -> Generator[ClassificationCache]:
    """Somebody else who shares the cache, and is asking about the first picture."""
    with ClassificationCache(path) as cache:
        assert cache.claim(FIRST, "acme")
        yield cache


def test_who_waits_gets_what_the_other_one_got_and_spends_nothing(
    folder: Path, path: Path, refused: threading.Semaphore, holder: ClassificationCache
) -> None:
    """A budget is for calls: a picture that another run paid for takes nothing from it, and counts as a hit."""
    teller = Teller()

    def come() -> Iterator[dict[str, Any]]:
        yield item(0, "0.jpg")
        wait_for_refusal(refused)
        yield item(1, "1.jpg")

    run = Run(Enricher(teller, KIND, image_root=folder, cache=path, budget=1), come())
    wait_for_refusal(refused)
    holder.keep(FIRST, "acme", Classification("acme", labels=[Label("of the other", 0.9)]))
    holder.release(FIRST, "acme")
    assert kinds(run.out()) == ["of the other", "picture 1"]
    assert [Path(url).name for url in teller.asked] == ["1.jpg"]
    assert (run.calls, run.hits) == (1, 1)


def test_who_waits_gets_a_refusal_for_good_too(
    folder: Path, path: Path, refused: threading.Semaphore, holder: ClassificationCache
) -> None:
    """A picture that a classifier never takes is found out once."""
    teller = Teller()
    run = Run(Enricher(teller, KIND, image_root=folder, cache=path), products(1))
    wait_for_refusal(refused)
    holder.keep(FIRST, "acme", Failure("permanent", "too dark", classifier="acme"))
    holder.release(FIRST, "acme")
    (out,) = run.out()
    assert [(failure.reason, failure.image) for failure in out.failures] == [("too dark", "0.jpg")]
    assert teller.asked == []


@pytest.mark.usefixtures("holder")
def test_who_may_not_spend_waits_for_nobody(folder: Path, path: Path, refused: threading.Semaphore) -> None:
    """With a budget of nothing what is known is used, and the rest passes at once."""
    list(Enricher(Teller("other"), KIND, image_root=folder, cache=path).enrich(products(1)))
    run = Run(Enricher(Teller(), KIND, image_root=folder, cache=path, budget=0), products(1))
    assert [one.not_asked for one in run.out()] == [1]
    assert not refused.acquire(blocking=False)


@pytest.mark.parametrize("how", ["close", "Ctrl-C"])
def test_a_run_that_waits_ends_when_it_is_left(
    folder: Path, path: Path, refused: threading.Semaphore, holder: ClassificationCache, how: str
) -> None:
    """Who leaves a run does not wait for the other one, asks nothing, and leaves it its claim."""
    teller = Teller()

    def come() -> Iterator[dict[str, Any]]:
        yield item(1, "1.jpg")
        yield item(0, "0.jpg")
        wait_for_refusal(refused)
        if how == "Ctrl-C":
            raise KeyboardInterrupt
        yield from (item(number, "1.jpg") for number in range(2, 1_000))

    out = iter(Enricher(teller, KIND, image_root=folder, cache=path, concurrency=1).enrich(come()))
    leaving = threading.Thread(target=leave, args=(out, how), daemon=True)
    leaving.start()
    leaving.join(WAIT)
    assert not leaving.is_alive()
    assert "0.jpg" not in [Path(url).name for url in teller.asked]
    assert not holder.claim(FIRST, "acme")


def leave(out: Iterator[EnrichedProduct], how: str) -> None:
    """Take what there is, and leave."""
    if how == "Ctrl-C":
        with pytest.raises(KeyboardInterrupt):
            list(out)
        return
    next(out)
    assert isinstance(out, Generator)
    out.close()


# What it costs, and when it cannot be had


def test_what_is_known_is_not_claimed(folder: Path, path: Path) -> None:
    """A run over what is known writes nothing."""
    with ClassificationCache(path) as cache:
        list(Enricher(Teller(), KIND, image_root=folder, cache=cache).enrich(products(20)))
        database = sqlite3.connect(path)
        before = database.execute("PRAGMA data_version").fetchall()
        assert kinds(Enricher(Teller(), KIND, image_root=folder, cache=cache).enrich(products(20)))[19] == "picture 19"
        assert database.execute("PRAGMA data_version").fetchall() == before
        cache.claim("1", "acme")
        assert database.execute("PRAGMA data_version").fetchall() != before
        database.close()


def test_a_locked_file_stops_nobody(folder: Path, path: Path) -> None:
    """Law 1: while another program holds the file, every picture is asked about, by whoever wants to know."""
    with ClassificationCache(path) as cache:
        cache.claim("opened", "acme")
        cache._file.run("PRAGMA busy_timeout = 1")  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - so as not to wait long
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        run = Enricher(Teller(), KIND, image_root=folder, cache=cache).enrich(products(3))
        assert kinds(run) == ["picture 0", "picture 1", "picture 2"]
        other.close()


class Stubborn:
    """A store of somebody's own that remembers nothing, and never lets go of a claim."""

    url_ttl = 60.0

    def __init__(self) -> None:
        self.released: list[str] = []

    def known_image(self, _url: str, /) -> None:
        """Know nothing."""

    def remember_image(self, _url: str, _known: object, /) -> None:
        """Remember nothing."""

    def answer(self, _identity: str, _fingerprint: str, /) -> None:
        """Know nothing."""

    def keep(self, _identity: str, _fingerprint: str, _outcome: object, /) -> None:
        """Keep nothing."""

    def claim(self, _identity: str, _fingerprint: str, /) -> bool:
        """Refuse."""
        return False

    def release(self, identity: str, _fingerprint: str, /) -> None:
        """Remember that."""
        self.released.append(identity)


def test_a_store_that_never_lets_go_stops_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 1: a claim is waited for as long as one counts, not longer; who asks after that ends it."""
    monkeypatch.setattr(answers, "CLAIM_SECONDS", 0.0)
    store, teller = Stubborn(), Teller()
    assert kinds(Enricher(teller, KIND, image_root=folder, cache=store).enrich(products(1))) == ["picture 0"]
    assert (len(teller.asked), store.released) == (1, [FIRST])
