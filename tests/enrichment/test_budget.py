"""A budget stops the spending at a number of pictures; laws 1 and 9 hold beyond it, and a price tells the cost."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import picture_server
import pytest
from picture_server import Answer, PictureServer
from tellers import BatchTeller, Teller, enricher_at, item, kinds
from typing_extensions import override

from coveo_enrich import Evidence, FieldMapping, FieldRule, ProductImage, RetryPolicy
from coveo_enrich.classifiers import Classification, asking
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.errors import ConfigurationError, ImageRejected, ServiceUnavailable
from coveo_enrich.images.limits import ImageLimits


@pytest.fixture
def server() -> Generator[PictureServer]:
    """A host of a hundred pictures."""
    with picture_server.serving() as one:
        for number in range(100):
            one.url(f"/{number}.jpg", Answer(b"kayak %d" % number))
        yield one


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("kind", [Teller, BatchTeller])
@pytest.mark.parametrize("budget", [0, 1, 17, 60])
def test_exactly_so_many_pictures_are_asked_about(
    server: PictureServer, tmp_path: Path, kind: type[Teller], budget: int, *, cached: bool
) -> None:
    """Laws 1 and 9: at 8 calls at once, and in batches, not one more; the rest comes out as it came in, and counted."""
    teller = kind()
    came = [item(number, f"{number}.jpg") for number in range(60)]
    run = enricher_at(server, teller, budget=budget, cache=tmp_path / "c" if cached else None).enrich(came)
    out = list(run)
    assert len(teller.asked) == len(set(teller.asked)) == budget
    assert sum(bool(one.changes) for one in out) == budget
    assert all(one.document is product for one, product in zip(out, came, strict=True) if not one.changes)
    assert [one.failures for one in out] == [()] * 60
    assert [one.not_asked for one in out if not one.changes] == [1] * (60 - budget)
    assert (run.report.products, run.report.not_asked, sum(run.report.calls.values())) == (60, 60 - budget, budget)
    assert ("as the budget was spent" in str(run.report)) is (budget < 60)


@pytest.mark.parametrize("kind", [Teller, BatchTeller])
def test_what_is_asked_about_again_costs_its_budget_again(
    server: PictureServer, monkeypatch: pytest.MonkeyPatch, kind: type[Teller]
) -> None:
    """A service that is down, or refuses a batch, is paid for each try: the calls are never more than the budget."""
    at_once = RetryPolicy(attempts=4, first_wait_seconds=0, longest_wait_seconds=0)
    monkeypatch.setattr(asking, "PATIENCE", at_once)

    def first(_: ProductImage) -> None:
        raise ServiceUnavailable("down")

    teller = kind(first=first)
    run = enricher_at(server, teller, budget=9).enrich(item(number, f"{number}.jpg") for number in range(30))
    out = list(run)
    assert len(out) == 30
    assert sum(run.report.calls.values()) == 9
    assert len(teller.asked) <= 9
    assert all(one.failures or one.not_asked for one in out)


def test_pictures_that_cannot_be_read_leave_their_place_to_others(server: PictureServer) -> None:
    """Ten dead links of an adapter that reads pictures itself are no calls, cost nothing, and take no budget."""
    teller = Teller()
    products = [item(number, f"{number + 1_000}.jpg") for number in range(10)]
    products += [item(number, f"{number}.jpg") for number in range(10)]
    run = enricher_at(server, teller, budget=10, prices={"acme": 1.0}, concurrency=1).enrich(products)
    assert [kind is not None for kind in kinds(run)] == [False] * 10 + [True] * 10
    assert (run.report.calls, run.report.cost, run.report.not_asked) == ({"acme": 10}, {"acme": 10.0}, 0)


class ByUrl(Teller):
    """Has its service fetch the picture, which may reach what this machine does not."""

    @override
    def classify(self, image: ProductImage, /) -> Classification:
        self.asked.append(image.url)
        raise ImageRejected("the service refused it")


@pytest.mark.parametrize("known", [True, False])
def test_what_a_service_refused_is_paid_for_although_its_host_is_down(
    server: PictureServer, tmp_path: Path, *, known: bool
) -> None:
    """A call that was made counts, whether or not the picture can be read here; the budget holds, and no more."""
    cache = ClassificationCache(tmp_path / "c", url_ttl=0)
    products = [item(number, f"{number}.jpg") for number in range(10)]
    if known:
        list(enricher_at(server, Teller("other"), cache=cache).enrich(products))
    for number in range(10):
        server.url(f"/{number}.jpg", Answer(b"busy", status=503))
    service = ByUrl()
    run = enricher_at(server, service, budget=3, cache=cache).enrich(products)
    out = list(run)
    assert (len(service.asked), run.report.calls, run.report.not_asked) == (3, {"acme": 3}, 7)
    assert len(out) == 10


class ReadsFirst(BatchTeller):
    """Reads all pictures of a batch before it asks its service."""

    @override
    def classify_many(self, images: Sequence[ProductImage], /) -> list[Classification]:
        for image in images:
            image.read()
        return super().classify_many(images)

    @override
    def classify(self, image: ProductImage, /) -> Classification:
        image.read()
        return super().classify(image)


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("status", [404, 503])
def test_one_unreadable_picture_of_a_batch_costs_its_neighbours_nothing(
    server: PictureServer, tmp_path: Path, status: int, *, cached: bool
) -> None:
    """A batch that was not sent is not counted, and its pictures are asked about one by one within the budget."""
    for number in range(0, 24, 4):
        server.url(f"/{number}.jpg", Answer(b"no", status=status))
    service = ReadsFirst()
    options: dict[str, Any] = {"cache": tmp_path / "c"} if cached else {}
    run = enricher_at(server, service, budget=24, **options).enrich(item(n, f"{n}.jpg") for n in range(24))
    assert [kind is not None for kind in kinds(run)] == [number % 4 != 0 for number in range(24)]
    assert (len(service.asked), run.report.calls, run.report.not_asked) == (18, {"acme": 18}, 0)


def test_several_classifiers_share_the_budget(server: PictureServer) -> None:
    """The budget is that of the run, not of each classifier."""
    tellers = [Teller("a"), Teller("b")]
    run = enricher_at(server, tellers, budget=7).enrich(item(number, f"{number}.jpg") for number in range(20))
    assert sum(one.not_asked for one in run) == 33
    assert sum(len(teller.asked) for teller in tellers) == 7


def test_once_the_budget_is_spent_no_host_is_asked_for_nothing(server: PictureServer, tmp_path: Path) -> None:
    """A trial of a few pictures ends soon however large the catalog is: what cannot be asked about is not fetched."""
    teller = Teller()
    enricher = enricher_at(server, teller, budget=3, cache=tmp_path / "c", concurrency=1)
    list(enricher.enrich(item(number, f"{number}.jpg") for number in range(100)))
    assert len(teller.asked) == 3
    assert len(server.paths) <= 6


def test_what_is_known_is_used_beyond_the_budget(server: PictureServer, tmp_path: Path) -> None:
    """Answers that were kept cost nothing, so they count with a budget of 0 too; runs add up to the whole catalog."""
    path = tmp_path / "c"
    came = [item(number, f"{number}.jpg") for number in range(10)]
    written: list[int] = []
    for budget in (4, 0, 4, 4, 0):
        run = enricher_at(server, Teller(), budget=budget, cache=path).enrich(came)
        written.append(sum(kind is not None for kind in kinds(run)))
    assert written == [4, 4, 8, 10, 10]


def test_one_picture_of_many_products_costs_its_budget_once(server: PictureServer, tmp_path: Path) -> None:
    """Law 8: those who wait for an answer that is being paid for get it, although the budget is spent meanwhile."""
    teller = Teller()
    run = enricher_at(server, teller, budget=1, cache=tmp_path / "c").enrich(item(n, "1.jpg") for n in range(50))
    assert kinds(run) == ["kayak 1"] * 50
    assert len(teller.asked) == 1
    assert (run.report.calls, run.report.hits) == ({"acme": 1}, {"acme": 49})


@pytest.mark.parametrize("cached", [True, False])
def test_a_picture_that_reaches_no_classifier_costs_no_budget(
    server: PictureServer, tmp_path: Path, *, cached: bool
) -> None:
    """Dead links and what is no picture leave their place to others."""
    pytest.importorskip("PIL")

    class Choosy(Teller):
        accepts = ImageLimits()

    options: dict[str, Any] = {"cache": tmp_path / "c"} if cached else {}
    run = enricher_at(server, Choosy(), budget=2, concurrency=1, **options).enrich(
        item(number, f"{number}.jpg") for number in (*range(3), 400)
    )
    out = list(run)
    assert [(len(one.failures), one.not_asked) for one in out] == [(1, 0)] * 4
    assert run.report.calls == {}


def test_a_price_tells_the_cost(server: PictureServer) -> None:
    """The report multiplies calls by the price that was given, and knows no cost where none was."""
    mapping = FieldMapping([FieldRule("kind", reads=[Evidence("label", of="a"), Evidence("label", of="b")])])
    run = enricher_at(server, [Teller("a"), Teller("b")], mapping=mapping, prices={"a": 0.0015}).enrich(
        [item(number, f"{number}.jpg") for number in range(10)]
    )
    list(run)
    assert run.report.cost == {"a": pytest.approx(0.015)}
    assert "classifier a: 10 calls, 0 known, cost 0.0" in str(run.report)


@pytest.mark.parametrize(
    ("price", "words"), [(0, "0.00"), (0.0015, "less than 0.01"), (0.005, "0.01"), (1_000, "2,000.00")]
)
def test_a_cost_that_is_too_small_to_show_is_not_shown_as_none(server: PictureServer, price: float, words: str) -> None:
    """Law 9: in the plan and in the report alike."""
    enricher = enricher_at(server, Teller("a"), prices={"a": price})
    products = [item(n, f"{n}.jpg") for n in range(2)]
    run = enricher.enrich(products)
    list(run)
    assert f"a: 2 calls, 0 known, cost {words}" in str(enricher.plan(products))
    assert f"classifier a: 2 calls, 0 known, cost {words}\n" in str(run.report)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"budget": -1}, "budget"),
        ({"budget": 1.5}, "budget"),
        ({"budget": True}, "budget"),
        ({"prices": {"acme": -1}}, "price of acme"),
        ({"prices": {"acme": "1"}}, "price of acme"),
        ({"prices": {"acme": float("nan")}}, "price of acme"),
        ({"prices": {"acne": 1}}, "no classifier 'acne'"),
    ],
    ids=str,
)
def test_a_wrong_budget_or_price_is_refused(server: PictureServer, options: dict[str, Any], match: str) -> None:
    """A setting that cannot be meant is an error at once, and names itself."""
    with pytest.raises(ConfigurationError, match=match):
        enricher_at(server, Teller(), **options)


def test_a_cache_without_a_file_yet_is_made(server: PictureServer, tmp_path: Path) -> None:
    """The first run with a budget makes the cache, which tells how many answers it holds."""
    list(enricher_at(server, Teller(), cache=tmp_path / "c", budget=5).enrich([item(1, "1.jpg"), item(2, "2.jpg")]))
    with ClassificationCache(tmp_path / "c") as cache:
        assert cache.figures().answers == 2
