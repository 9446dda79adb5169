from __future__ import annotations

import contextlib
import http.server
import pickle
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import picture_server
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
from coveo_enrich.classifiers import Classification, Color, Label, asking
from coveo_enrich.errors import (
    ConfigurationError,
    ImageRejected,
    MissingExtraError,
    ServiceUnavailable,
    Throttled,
)

COLOR = FieldMapping([FieldRule("ec_color", reads="color")])
WAIT = 30.0
"""Seconds after which something that should have happened did not; no test waits for it to pass."""


class Says:
    """A classifier that says a colour, or does what it is told."""

    def __init__(self, do: Callable[[ProductImage], object] | None = None, *, name: str = "acme") -> None:
        self.name = name
        self.do = do
        self.asked: list[str] = []

    def classify(self, image: ProductImage, /) -> Classification:
        """Remember the picture, and do it."""
        self.asked.append(image.url)
        if self.do is None:
            return Classification(self.name, colors=(Color("yellow", 0.9),))
        return cast("Classification", self.do(image))  # some say nonsense on purpose


def raises(error: BaseException) -> Callable[[ProductImage], object]:
    """Raise this."""

    def do(_: ProductImage) -> object:
        raise error

    return do


@pytest.fixture(autouse=True)
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may pass is asked again once, at once."""
    at_once = RetryPolicy(attempts=2, first_wait_seconds=0, longest_wait_seconds=0)
    monkeypatch.setattr(asking, "PATIENCE", at_once)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of forty pictures."""
    for number in range(40):
        (tmp_path / f"{number}.jpg").write_bytes(b"picture %d" % number)
    return tmp_path


def product(number: int, **fields: object) -> dict[str, Any]:
    """Return a product with a picture."""
    return {"documentId": f"product://{number}", "ec_images": [f"{number % 40}.jpg"], **fields}


def enriched(
    folder: Path,
    do: Callable[[ProductImage], object] | None,
    *products: Any,  # noqa: ANN401
    **options: Any,  # noqa: ANN401
) -> list[EnrichedProduct]:
    """Enrich products with one classifier."""
    return list(Enricher(Says(do), COLOR, image_root=folder, **options).enrich(products))


# Law 1


class Mute(Exception):
    """An error that fails even to say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


class Nameless(Exception):
    """An error whose text is no text."""

    def __str__(self) -> str:
        return cast("str", None)


ERRORS: list[Exception] = [
    ImageRejected("too dark"),
    Throttled("slow down", 2.5),
    ServiceUnavailable("busy"),
    KeyError("labels"),
    KeyError(),
    ValueError(),
    Exception(),
    Exception("a", 1, None),
    Exception("half a character: \ud83d"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
    OSError(5, "broken"),
    TimeoutError(),
    StopIteration(),
    StopAsyncIteration(),
    RecursionError(),
    MemoryError(),
    AssertionError(),
    ZeroDivisionError(),
    NotImplementedError(),
    ExceptionGroup("several", [ValueError("x"), ConfigurationError("y")]),
    Mute(),
    Nameless(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_no_product_is_lost_whatever_a_classifier_raises(folder: Path, error: Exception) -> None:
    """Law 1: N products in, N out, in order, each as it came in, with the failure named beside it."""
    products = [product(number) for number in range(5)]
    out = enriched(folder, raises(error), *products)
    assert all(one.document is came for one, came in zip(out, products, strict=True))
    for number, one in enumerate(out):
        (failure,) = one.failures
        assert (failure.image, failure.classifier) == (f"{number}.jpg", "acme")
        assert failure.reason.strip()


@pytest.mark.parametrize(
    ("error", "kind", "retry_after"),
    [
        (ImageRejected("x"), "permanent", None),
        (Throttled("x", 2.5), "throttled", 2.5),
        (Throttled("x"), "throttled", None),
        (ServiceUnavailable("x"), "transient", None),
        (KeyError("x"), "permanent", None),
    ],
)
def test_what_is_raised_says_what_kind_of_failure_it_is(
    folder: Path, error: Exception, kind: str, retry_after: float | None
) -> None:
    """The errors that an adapter may raise keep their meaning, and what else it raises is named by its type."""
    ((failure,),) = [one.failures for one in enriched(folder, raises(error), product(1))]
    assert (failure.kind, failure.retry_after) == (kind, retry_after)
    assert failure.reason == ("KeyError: 'x'" if isinstance(error, KeyError) else "x")


@pytest.mark.parametrize("nonsense", [None, {}, "yellow", 5, [], Classification, Color("yellow")], ids=repr)
def test_a_classifier_that_answers_nonsense_is_the_one_that_is_blamed(folder: Path, nonsense: object) -> None:
    """Law 1: an answer that is no Classification is a failure of that classifier; what others saw still counts."""
    classifiers = [Says(lambda _: nonsense, name="odd"), Says(name="good")]
    (out,) = Enricher(classifiers, COLOR, image_root=folder).enrich([product(1)])
    assert out.document["ec_color"] == "yellow"
    ((classifier, image),) = [(failure.classifier, failure.image) for failure in out.failures]
    assert (classifier, image) == ("odd", "1.jpg")


def test_an_answer_under_another_name_does_not_go_unheard(folder: Path) -> None:
    """Law 9: a classifier that signs with another name than its own is believed or blamed, not passed over."""
    classifier = Says(lambda _: Classification("somebody else", colors=(Color("yellow", 0.9),)))
    mapping = FieldMapping([FieldRule("ec_color", reads=Evidence("color", of="acme"))])
    (out,) = Enricher(classifier, mapping, image_root=folder).enrich([product(1)])
    assert out.changes or out.failures


@pytest.mark.parametrize("odd", [None, 5, "text", b"bytes", [("documentId", "a")], object(), [], ()], ids=repr)
def test_a_product_that_is_no_mapping_comes_out_as_it_came_in(folder: Path, odd: object) -> None:
    """Law 1: whatever is in place of a product is handed on, with a failure that names its type."""
    out = enriched(folder, None, product(1), odd, product(2))
    assert len(out) == 3
    assert out[1].document is odd
    assert out[1].failures[0].reason == f"the product is not a mapping but {type(odd).__name__}"
    assert [one.document["ec_color"] for one in (out[0], out[2])] == ["yellow", "yellow"]


@pytest.mark.parametrize("images", [None, "", [], (), " ; "], ids=repr)
def test_a_product_without_pictures_is_no_failure(folder: Path, images: object) -> None:
    """Law 1: a product that names no picture passes, and nobody is asked."""
    came = {"documentId": "a", "ec_images": images}
    (out,) = enriched(folder, None, came)
    assert out.document is came
    assert (out.failures, out.images, out.looked_at) == ((), (), 0)


@pytest.mark.parametrize("images", [5, 1.5, True, {"url": "1.jpg"}, b"1.jpg", [5], [["1.jpg"]], {"1.jpg"}], ids=repr)
def test_an_image_field_of_another_type_is_a_failure(folder: Path, images: object) -> None:
    """Laws 1 and 9: a field that cannot be read as references is named, and the product passes."""
    came = {"documentId": "a", "ec_images": images}
    (out,) = enriched(folder, None, came)
    assert out.document is came
    assert "image field" in out.failures[0].reason


@pytest.mark.parametrize(
    "reference",
    ["../1.jpg", "/etc/passwd", "file:///etc/passwd", "data:,x", "http://user:hunter2@a.example/1.jpg", "http://[::1",
     "a\0.jpg", "\ud83d.jpg", "http://a.example/\ud83d.jpg", "a" * 5_000, "http://xn--a.example/1.jpg"],
)  # fmt: skip
@pytest.mark.parametrize("root", ["folder", "url", "none"])
def test_a_reference_that_is_not_allowed_is_a_failure_of_that_picture(folder: Path, reference: str, root: str) -> None:
    """Laws 1, 13 and 15: the other pictures of the product still count, and no credentials are in the reason."""
    roots: dict[str, Path | str | None] = {"folder": folder, "url": "http://127.0.0.1:80/", "none": None}
    image_root = roots[root]
    classifier = Says(lambda image: image.read() and Classification("acme", colors=(Color("yellow", 0.9),)))
    run = Enricher(classifier, COLOR, image_root=image_root).enrich([product(1, ec_images=[reference])])
    (out,) = run
    assert "ec_color" not in out.document
    assert out.failures[0].image == reference
    assert "hunter2" not in out.failures[0].reason


def zero(classification: Classification) -> Any:  # noqa: ANN401
    """Fail in a way that nobody foresaw."""
    return len(classification.labels) / 0


@pytest.mark.parametrize("seen", [[5], None, [("a", "b", "c")], zero], ids=repr)
def test_a_rule_of_the_users_own_that_fails_loses_no_product(folder: Path, seen: Any) -> None:  # noqa: ANN401
    """Law 1: a function in a rule that raises is a failure beside the unchanged product."""

    def reads(classification: Classification) -> Any:  # noqa: ANN401
        return seen(classification) if callable(seen) else seen

    mapping = FieldMapping([FieldRule("a", reads=reads)])
    came = product(1)
    (out,) = Enricher(Says(), mapping, image_root=folder).enrich([came])
    assert out.document is came
    assert out.failures[0].reason.startswith("a rule failed")


class Frame(list[str]):
    """Like the data frames of pandas and Polars in what tells them."""

    columns = ("ec_images",)


@pytest.mark.parametrize(
    ("products", "message"),
    [
        (Frame(["ec_images"]), "not a data frame"),
        (None, "one after the other; got NoneType"),
        (5, "one after the other; got int"),
    ],
)
def test_what_are_no_products_is_refused_at_once(products: Any, message: str) -> None:  # noqa: ANN401 - whatever a caller passes
    """A data frame would be read by the names of its columns; it is refused with what to give instead."""
    with pytest.raises(ConfigurationError, match=message):
        Enricher(Says(), COLOR).enrich(products)
    with pytest.raises(ConfigurationError, match=message):
        Enricher(Says(), COLOR).plan(products)


def test_a_condition_that_raises_costs_no_call(folder: Path) -> None:
    """Laws 1 and 8: a product whose rule fails before anything was seen comes out as it was, and nobody was asked."""
    classifier = Says()

    def is_cheap(item: Mapping[str, Any]) -> bool:
        return bool(item["ec_price"] < 10)

    mapping = FieldMapping([FieldRule("ec_color", reads="color", when=is_cheap)])
    came = product(1)
    run = Enricher(classifier, mapping, image_root=folder).enrich([came])
    (out,) = run
    assert out.document is came
    assert [failure.kind for failure in out.failures] == ["permanent"]
    assert "KeyError" in out.failures[0].reason
    assert not run.report.calls


@pytest.mark.parametrize("where", ["reads", "when"])
def test_a_rule_that_fails_takes_no_other_field_along(folder: Path, where: str) -> None:
    """No rule drops another field: what the others decide is written, and the failure names the field of the rule."""

    def broken(_: Any) -> Any:  # noqa: ANN401 - whatever it is given
        raise LookupError("gone")

    bad = FieldRule("b", reads=broken) if where == "reads" else FieldRule("b", reads="color", when=broken)
    for rules in ([FieldRule("ec_color", reads="color"), bad], [bad, FieldRule("ec_color", reads="color")]):
        (out,) = Enricher(Says(), FieldMapping(rules), image_root=folder).enrich([product(1)])
        assert out.document == {**product(1), "ec_color": "yellow"}
        assert [failure.reason for failure in out.failures] == ["a rule failed, that for b: LookupError: gone"]


@pytest.mark.parametrize("images", [None, "", " ", ["ec_images"], 5])
def test_the_field_of_pictures_is_one_name(images: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """Law 12: a wrong setting is told before the catalog, not as a failure of every product."""
    with pytest.raises(ConfigurationError, match="images must be the name of one field"):
        Enricher(Says(), COLOR, images=images)


def test_classifiers_with_one_fingerprint_are_refused() -> None:
    """Law 10: one would be given the other's answers, in its own name."""

    class Marked(Says):
        fingerprint = "model/3"

    with pytest.raises(ConfigurationError, match="different fingerprints"):
        Enricher([Marked(name="a"), Marked(name="b")], COLOR)


class Elsewhere(Mapping[str, Any]):
    """A product that would be read from a database that is gone."""

    @override
    def __getitem__(self, key: str) -> Any:
        raise ConnectionError("the database is gone")

    @override
    def __iter__(self) -> Iterator[str]:
        raise ConnectionError("the database is gone")

    @override
    def __len__(self) -> int:
        return 1


def test_a_product_that_cannot_be_read_is_not_lost(folder: Path) -> None:
    """Law 1: a mapping of the user's own that raises comes out beside its failure, and the next product is enriched."""
    gone = Elsewhere()
    run = Enricher(Says(), COLOR, image_root=folder).enrich([gone, product(1)])
    first, second = run
    assert first.product is gone
    assert "the database is gone" in first.failures[0].reason
    assert second.changes
    assert (run.report.products, run.report.changed) == (2, 1)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(["sees", "sees nothing", "fails", "no picture", "bad picture", "no product"]), max_size=60
    ),
    st.integers(1, 9),
)
def test_n_in_n_out_in_order(kinds: list[str], concurrency: int) -> None:
    """Law 1: whatever mixture of products, as many come out as went in, in the same order."""

    def do(image: ProductImage) -> Classification:
        if "fails" in image.url:
            raise KeyError(image.url)
        return Classification("acme", colors=(Color("red"),) if "nothing" not in image.url else ())

    products: list[Any] = []
    for number, kind in enumerate(kinds):
        reference = {"no picture": None, "bad picture": "../x"}.get(kind, f"http://a.example/{kind}/{number}")
        products.append(number if kind == "no product" else {"documentId": str(number), "ec_images": reference})
    run = Enricher(Says(do), COLOR, concurrency=concurrency).enrich(products)
    out = list(run)
    assert all(one.product is came for one, came in zip(out, products, strict=True))
    assert ["ec_color" in one.document if kind == "sees" else one.document is one.product
            for one, kind in zip(out, kinds, strict=True)] == [True] * len(kinds)  # fmt: skip
    assert run.report.products == len(kinds)
    assert run.report.changed == kinds.count("sees")


def test_the_products_are_not_touched(folder: Path) -> None:
    """Law 1: the mapping that went in is not changed, the document is another one."""
    came = product(1, ec_color="", tags=["a"])
    before = pickle.loads(pickle.dumps(came))  # noqa: S301 - pickled here
    (out,) = enriched(folder, None, came)
    assert came == before
    assert out.document == {**before, "ec_color": "yellow"}


# How a run goes


def looking_threads() -> list[str]:
    """Return the threads of runs that are alive."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("coveo-enrich")]


def counted(products: Iterator[dict[str, Any]], taken: list[int]) -> Iterator[dict[str, Any]]:
    """Count what is taken."""
    for one in products:
        taken[0] += 1
        yield one


def endless() -> Iterator[dict[str, Any]]:
    """Yield products without end."""
    number = 0
    while True:
        yield product(number)
        number += 1


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_only_a_few_products_are_read_ahead(folder: Path, concurrency: int) -> None:
    """Law 11: however long the catalog is, the run is only a fixed number of products ahead of its reader."""
    taken = [0]
    run = iter(Enricher(Says(), COLOR, image_root=folder, concurrency=concurrency).enrich(counted(endless(), taken)))
    for came_out in range(1, 101):
        next(run)
        assert taken[0] - came_out <= 4 * concurrency
    del run


def test_nothing_is_read_before_it_is_asked_for(folder: Path) -> None:
    """A run that nobody iterates over takes no product and starts no thread."""
    taken = [0]
    run = Enricher(Says(), COLOR, image_root=folder).enrich(counted(endless(), taken))
    iter(run)
    assert (taken, looking_threads()) == ([0], [])
    assert run.report.products == 0


def test_leaving_early_leaves_nothing_behind(folder: Path) -> None:
    """Leaving the loop stops the run: no thread goes on, and the source is closed by its owner."""
    classifier = Says()
    for out in Enricher(classifier, COLOR, image_root=folder).enrich(endless()):
        assert out.changes
        break
    assert looking_threads() == []
    assert len(classifier.asked) <= 40


def test_a_run_that_is_left_asks_no_further_classifier(folder: Path) -> None:
    """Leaving stops all classifiers before it waits for the calls of any: nothing more is paid for at the second."""
    first, second = Says(name="first"), Says(name="second")
    at_work, paid_for = threading.Event(), threading.Event()

    def hang(image: ProductImage) -> Classification:
        if not image.url.endswith("0.jpg"):
            at_work.set()
            paid_for.wait(1.5)
        return Classification("first")

    def count(image: ProductImage) -> Classification:
        if not image.url.endswith("0.jpg"):
            paid_for.set()
        return Classification("second")

    first.do, second.do = hang, count
    for _ in Enricher([first, second], COLOR, image_root=folder).enrich(product(number) for number in range(3)):
        assert at_work.wait(30)
        break
    assert len(second.asked) == 1
    assert looking_threads() == []


def test_a_source_that_dies_ends_the_run_with_its_own_error(folder: Path) -> None:
    """An error of the catalog is not swallowed: it comes out as it is, and no thread goes on."""

    def dying() -> Iterator[dict[str, Any]]:
        yield product(1)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(Enricher(Says(), COLOR, image_root=folder).enrich(dying()))
    assert looking_threads() == []


def test_what_was_read_before_the_source_died_comes_out_first(folder: Path) -> None:
    """Law 1: the products that the source gave come out before its error does."""

    def dying() -> Iterator[dict[str, Any]]:
        yield product(1)
        yield product(2)
        raise OSError

    out: list[EnrichedProduct] = []
    with pytest.raises(OSError):  # noqa: PT011 - raised above without a text
        out.extend(Enricher(Says(), COLOR, image_root=folder).enrich(dying()))
    assert [one.document_id for one in out] == ["product://1", "product://2"]


def test_a_run_is_iterated_over_once(folder: Path) -> None:
    """A second iteration, which would find nothing, is an error."""
    run = Enricher(Says(), COLOR, image_root=folder).enrich([product(1)])
    assert len(list(run)) == 1
    with pytest.raises(ConfigurationError, match="once"):
        list(run)


def test_an_enricher_makes_many_runs(folder: Path) -> None:
    """Runs of one enricher do not share what they count."""
    enricher = Enricher(Says(), COLOR, image_root=folder)
    for _ in range(3):
        run = enricher.enrich([product(1), product(2)])
        assert [one.document["ec_color"] for one in run] == ["yellow"] * 2
        assert run.report.products == 2


def test_products_are_looked_at_at_once(folder: Path) -> None:
    """As many products as said are in the classifier's hands at the same time, no more."""
    together = threading.Barrier(8)
    inside, most = [0], [0]
    lock = threading.Lock()

    def do(_: ProductImage) -> Classification:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        together.wait(WAIT)  # breaks, and fails the picture, unless eight meet here
        with lock:
            inside[0] -= 1
        return Classification("acme", colors=(Color("red"),))

    out = enriched(folder, do, *(product(number) for number in range(32)), concurrency=8)
    assert [one.failures for one in out] == [()] * 32
    assert most == [8]


def test_order_is_kept_when_later_products_are_ready_first(folder: Path) -> None:
    """The first product comes out first although its picture is the last to be answered."""
    others = threading.Semaphore(0)

    def do(image: ProductImage) -> Classification:
        if image.url == "0.jpg":
            for _ in range(7):
                assert others.acquire(timeout=WAIT)
        others.release()
        return Classification("acme", colors=(Color("red"),))

    out = enriched(folder, do, *(product(number) for number in range(8)), concurrency=2)
    assert [one.document_id for one in out] == [f"product://{number}" for number in range(8)]
    assert [one.failures for one in out] == [()] * 8


@contextlib.contextmanager
def serving(answer: Callable[[str], bytes]) -> Generator[tuple[str, list[str]]]:
    """Serve pictures on loopback; yields the host and the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = answer(self.path)
            with contextlib.suppress(ConnectionError):
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def reads(image: ProductImage) -> Classification:
    """Read the picture, and say what its bytes say."""
    return Classification("acme", labels=(Label(image.read().decode(), 0.9),))


@pytest.mark.parametrize("dead", [False, True])
def test_a_picture_is_fetched_once_for_all_classifiers(*, dead: bool) -> None:
    """Three classifiers that want the bytes cost one download, also of a picture that is not there."""
    with serving(lambda _: b"" if dead else b"kayak") as (host, asked):
        classifiers = [Says(reads, name=name) for name in ("a", "b", "c")]
        enricher = Enricher(classifiers, COLOR, image_root=f"http://{host}/", trusted_hosts=[host])
        (out,) = enricher.enrich([product(1)])
    assert asked == ["/1.jpg"]
    assert len(out.failures) == (3 if dead else 0)


@pytest.mark.parametrize("key", ["ec_images", "EC_Images"])
@pytest.mark.parametrize("named", ["ec_images", "EC_IMAGES"])
def test_the_images_are_found_however_their_field_is_spelled(folder: Path, key: str, named: str) -> None:
    """Coveo tells no fields apart by case, so neither the product nor the setting has to be in small letters."""
    enricher = Enricher(Says(), COLOR, image_root=folder, images=named)
    item = {"documentId": "product://1", key: ["1.jpg"]}
    assert enricher.plan([item]).images == 1
    (out,) = enricher.enrich([item])
    assert (out.images, out.document["ec_color"]) == (("1.jpg",), "yellow")


def test_a_classifier_that_does_not_read_costs_no_download() -> None:
    """A service that works by URL gets the URL, and nothing is fetched."""
    with serving(lambda _: b"kayak") as (host, asked):
        classifier = Says()
        (out,) = Enricher(classifier, COLOR, image_root=f"http://{host}/", trusted_hosts=[host]).enrich([product(1)])
    assert (asked, classifier.asked) == ([], [f"http://{host}/1.jpg"])
    assert out.changes[0].evidence[0].image == "1.jpg"


def test_image_hosts_are_told_who_asks() -> None:
    """The name given as ``user_agent`` is what the host of a picture reads."""
    with picture_server.serving() as server:
        url = server.url("/1.jpg", picture_server.Answer(b"kayak"))
        (out,) = Enricher(Says(reads), COLOR, trusted_hosts=[server.host], user_agent="acme-pim/7").enrich(
            [{"ec_images": [url]}]
        )
    assert [headers["User-Agent"] for _, headers in server.requests] == ["acme-pim/7"]
    assert not out.failures


def test_pictures_are_fetched_through_the_proxy_that_is_named() -> None:
    """An egress proxy gets every fetch, as a URL that it resolves by itself."""
    with picture_server.serving() as proxy:
        proxy.scripts["http://shop.example/1.jpg"] = picture_server.Answer(b"kayak")
        (out,) = Enricher(Says(reads), COLOR, proxy=f"http://{proxy.host}").enrich(
            [{"ec_images": ["http://shop.example/1.jpg"]}]
        )
    assert proxy.paths == ["http://shop.example/1.jpg"]
    assert not out.failures


def test_the_end_of_one_run_does_not_disturb_another() -> None:
    """Two runs of one enricher at the same time: when one is done, the other's downloads go on."""
    started, finish = threading.Event(), threading.Event()

    def answer(path: str) -> bytes:
        if path == "/2.jpg":
            started.set()
            assert finish.wait(WAIT)
        return b"kayak"

    mapping = FieldMapping([FieldRule("kind", reads="label")])
    slow: list[EnrichedProduct] = []
    with serving(answer) as (host, _):
        enricher = Enricher(Says(reads), mapping, image_root=f"http://{host}/", trusted_hosts=[host])
        other = threading.Thread(target=lambda: slow.extend(enricher.enrich([product(2), product(3)])))
        other.start()
        try:
            assert started.wait(WAIT)
            (quick,) = enricher.enrich([product(1)])
        finally:
            finish.set()
            other.join()
    assert [one.failures for one in (quick, *slow)] == [(), (), ()]
    assert [one.document["kind"] for one in (quick, *slow)] == ["kayak"] * 3


# What is not asked


def test_a_product_that_needs_nothing_is_not_looked_at(folder: Path) -> None:
    """Nobody is asked, nor paid, about a product whose fields are all kept."""
    classifier = Says()
    run = Enricher(classifier, COLOR, image_root=folder).enrich([product(1, ec_color="Blue"), product(2)])
    kept, changed = run
    assert (kept.kept, kept.looked_at, kept.images) == (("ec_color",), 0, ("1.jpg",))
    assert changed.looked_at == 1
    assert classifier.asked == ["2.jpg"]
    assert dict(run.report.calls) == {"acme": 1}


def test_a_classifier_that_no_open_rule_believes_is_not_asked(folder: Path) -> None:
    """Of two classifiers only the one that could fill a missing field is asked."""
    mapping = FieldMapping(
        [FieldRule("a", reads=Evidence("color", of="x")), FieldRule("b", reads=Evidence("color", of="y"))]
    )
    x, y = Says(name="x"), Says(name="y")
    list(Enricher([x, y], mapping, image_root=folder).enrich([product(1, a="kept"), product(2, b="kept"), product(3)]))
    assert sorted(x.asked) == ["2.jpg", "3.jpg"]
    assert sorted(y.asked) == ["1.jpg", "3.jpg"]


def test_only_the_first_pictures_are_looked_at(folder: Path) -> None:
    """Beyond max_images a product's pictures are counted, not looked at."""
    classifier = Says()
    references = [f"{number}.jpg" for number in range(7)]
    run = Enricher(classifier, COLOR, image_root=folder, max_images=3).enrich([product(1, ec_images=references)])
    (out,) = run
    assert (out.images, out.looked_at) == (tuple(references), 3)
    assert classifier.asked == references[:3]
    assert (run.report.images, run.report.images_not_looked_at) == (7, 4)


# Law 12


@pytest.mark.parametrize("error", [ConfigurationError("the key is wrong"), MissingExtraError.of("Seeing", "images")])
def test_a_configuration_error_before_the_first_success_ends_the_run(folder: Path, error: ConfigurationError) -> None:
    """Law 12: a key that never worked is found ahead of the catalog."""
    taken = [0]
    run = Enricher(Says(raises(error)), COLOR, image_root=folder).enrich(counted(endless(), taken))
    with pytest.raises(type(error), match=str(error).replace("[", r"\[")):
        next(iter(run))
    assert taken[0] <= 32
    assert looking_threads() == []


def test_a_configuration_error_of_the_second_classifier_ends_the_run_too(folder: Path) -> None:
    """Law 12: that another classifier works does not hide the one that never did."""
    classifiers = [Says(name="good"), Says(raises(ConfigurationError("the key is wrong")), name="bad")]
    with pytest.raises(ConfigurationError, match="the key is wrong"):
        list(Enricher(classifiers, COLOR, image_root=folder).enrich([product(1)]))


def test_other_failures_before_are_no_success(folder: Path) -> None:
    """Law 12: a classifier that only failed has not worked yet."""
    errors: list[Exception] = [ImageRejected("x"), ServiceUnavailable("x"), ConfigurationError("the key is wrong")]

    def do(_: ProductImage) -> object:
        raise errors.pop(0)

    run = Enricher(Says(do), COLOR, image_root=folder, concurrency=1).enrich([product(n) for n in range(3)])
    with pytest.raises(ConfigurationError, match="the key is wrong"):
        list(run)


def test_a_configuration_error_later_opens_the_circuit(folder: Path) -> None:
    """Law 12: a key revoked on the way stops that classifier; the rest passes unchanged; the report says so first."""
    classifier = Says()

    def do(_: ProductImage) -> Classification:
        if len(classifier.asked) > 3:
            raise ConfigurationError("the key was revoked")
        return Classification("acme", colors=(Color("yellow", 0.9),))

    classifier.do = do
    products = [product(number) for number in range(50)]
    run = Enricher(classifier, COLOR, image_root=folder, concurrency=1).enrich(products)
    out = list(run)
    assert ["ec_color" in one.document for one in out] == [True] * 3 + [False] * 47
    assert all(one.document is one.product for one in out[3:])
    assert {failure.kind for one in out[3:] for failure in one.failures} == {"configuration"}
    assert len(classifier.asked) == 4
    assert dict(run.report.stopped) == {"acme": "the key was revoked"}
    assert str(run.report).splitlines()[0] == "STOPPED acme: the key was revoked"
    assert dict(run.report.calls) == {"acme": 4}


def test_an_open_circuit_stops_one_classifier_alone(folder: Path) -> None:
    """Law 12: the other classifiers of the run go on."""
    bad = Says(name="bad")

    def do(_: ProductImage) -> Classification:
        if len(bad.asked) > 1:
            raise ConfigurationError("revoked")
        return Classification("bad")

    bad.do = do
    run = Enricher([bad, Says(name="good")], COLOR, image_root=folder, concurrency=1).enrich(
        [product(n) for n in range(5)]
    )
    assert [one.document["ec_color"] for one in run] == ["yellow"] * 5
    assert list(run.report.stopped) == ["bad"]


def test_a_circuit_is_of_one_run(folder: Path) -> None:
    """A new run asks again: the key may have been mended."""
    classifier = Says(raises(ConfigurationError("wrong")))
    enricher = Enricher(classifier, COLOR, image_root=folder)
    with pytest.raises(ConfigurationError):
        list(enricher.enrich([product(1)]))
    classifier.do = None
    assert [one.document["ec_color"] for one in enricher.enrich([product(1)])] == ["yellow"]


# Settings


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"concurrency": "8"}, {"max_images": 2.5}])
def test_a_setting_out_of_its_range_is_refused(options: dict[str, Any]) -> None:
    """Numbers that cannot work are refused before a product is read."""
    with pytest.raises(ConfigurationError, match="1 or more"):
        Enricher(Says(), COLOR, **options)


def test_rules_that_are_no_mapping_are_refused() -> None:
    """The error says what they must be in."""
    rules: Any = [FieldRule("ec_color", reads="color")]
    with pytest.raises(ConfigurationError, match="mapping must be a FieldMapping of rules; got list"):
        Enricher(Says(), rules)


def test_names_of_classifiers_are_checked() -> None:
    """Two of a name, a name that a rule believes but nobody has, and no classifier at all are refused."""
    with pytest.raises(ConfigurationError, match="different names"):
        Enricher([Says(), Says()], COLOR)
    with pytest.raises(ConfigurationError, match="other"):
        Enricher(Says(), FieldMapping([FieldRule("a", reads=Evidence("color", of="other"))]))
    with pytest.raises(ConfigurationError, match="at least one"):
        Enricher([], COLOR)


def test_trusted_hosts_given_as_one_text_are_refused() -> None:
    """Law 15: a text in place of a list would trust its letters."""
    with pytest.raises(ConfigurationError, match="trusted_hosts"):
        Enricher(Says(), COLOR, trusted_hosts="cdn.example")


def test_another_field_may_name_the_pictures(folder: Path) -> None:
    """The field of pictures is the caller's to name."""
    (out,) = enriched(folder, None, {"photos": "1.jpg;2.jpg"}, images="photos")
    assert out.images == ("1.jpg", "2.jpg")


class Module:
    """A classifier that pickles."""

    name = "module"

    def classify(self, image: ProductImage, /) -> Classification:
        """Say what the bytes say."""
        return Classification("module", colors=(Color(image.read().decode(), 0.5),))


def test_an_enricher_pickles_and_so_does_what_comes_out(folder: Path) -> None:
    """Law 14: an enricher crosses to another process and works there; its products and report cross back."""
    enricher = Enricher(Module(), COLOR, image_root=folder)
    list(enricher.enrich([product(1)]))
    copy: Enricher = pickle.loads(pickle.dumps(enricher))  # noqa: S301 - pickled here
    run = copy.enrich([product(1), product(2, ec_images="missing.jpg")])
    out = list(run)
    assert out[0].document["ec_color"] == "picture 1"
    assert pickle.loads(pickle.dumps(out)) == out  # noqa: S301 - pickled here
    assert pickle.loads(pickle.dumps(run.report)) == run.report  # noqa: S301 - pickled here


# The report


def test_the_report_counts_everything(folder: Path) -> None:
    """Law 9: products, pictures, coverage, values, unknown words, failures and calls are counted and named."""

    def do(image: ProductImage) -> Classification:
        if image.url == "3.jpg":
            raise ImageRejected("too dark")
        names = {"1.jpg": ("red", 0.9), "2.jpg": ("plaid", 0.9), "4.jpg": ("crimson", 0.9)}
        return Classification("acme", colors=(Color(*names[image.url]),))

    mapping = FieldMapping([FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors())])
    products: list[Mapping[str, Any]] = [
        product(1),
        product(2),
        product(3),
        product(4),
        product(5, EC_Color="Blue"),
        {"documentId": "bare"},
        product(6, ec_images="../6.jpg"),
    ]
    run = Enricher(Says(do), mapping, image_root=folder).enrich(products)
    list(run)
    report = run.report
    assert (report.products, report.changed, report.without_images) == (7, 2, 1)
    assert (report.images, report.images_not_looked_at) == (6, 1)
    (field,) = report.fields
    assert (field.field, field.before, field.after, dict(field.written)) == ("ec_color", 1, 3, {"Red": 2})
    assert report.unmapped == {"ec_color": {"plaid": 1}}
    assert dict(report.calls) == {"acme": 4}
    assert [(one.kind, one.count) for one in report.failures] == [("permanent", 1), ("permanent", 1)]
    assert {example for one in report.failures for example in one.examples} == {
        "product://3 3.jpg",
        "product://6 ../6.jpg",
    }
    for expected in ("7 products, 2 changed", "plaid 1", "too dark", "product://3 3.jpg", "1 -> 3 products"):
        assert expected in str(report)


def test_the_report_stays_small(folder: Path) -> None:
    """Law 11: failures and words without end do not make a report without end, and none goes uncounted."""
    numbers = iter(range(10_000))

    def do(_: ProductImage) -> Classification:
        number = next(numbers)
        if number % 2:
            raise ValueError(number)
        return Classification("acme", colors=(Color(f"colour {number}", 0.9),))

    run = Enricher(Says(do), COLOR, image_root=folder, concurrency=1).enrich(map(product, range(4_000)))
    assert sum(1 for _ in run) == 4_000
    assert len(run.report.failures) <= 1_001
    assert len(run.report.fields[0].written) <= 1_001
    assert sum(one.count for one in run.report.failures) == 2_000
    assert sum(run.report.fields[0].written.values()) == 2_000
