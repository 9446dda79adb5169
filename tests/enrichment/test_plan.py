"""What a plan says before anything is spent is what the run then asks for."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import picture_server
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_server import Answer, PictureServer
from tellers import KIND, Teller, enricher_at, item, kinds

from coveo_enrich import Enricher, Evidence, FieldMapping, FieldRule
from coveo_enrich.enrichment.cache.sqlite_cache import ClassificationCache
from coveo_enrich.errors import ConfigurationError

TWO = FieldMapping(
    [FieldRule("kind", reads=Evidence("label", of="a")), FieldRule("more", reads=Evidence("label", of="b"))]
)


@pytest.fixture(scope="module")
def server() -> Generator[PictureServer]:
    """A host of six pictures, all of them different."""
    with picture_server.serving() as one:
        for number in range(6):
            one.url(f"/{number}.jpg", Answer(b"kayak %d" % number))
        yield one


PICTURES = st.lists(st.sampled_from([f"{number}.jpg" for number in range(6)] + ["../no.jpg"]), max_size=4)
PRODUCTS = st.lists(
    st.tuples(PICTURES, st.sampled_from(["Product", "Availability", None]), st.sampled_from([{}, {"kind": "x"}])),
    max_size=12,
)


def products_of(drawn: list[Any]) -> list[dict[str, Any]]:
    """The products that were drawn."""
    return [item(n, *pictures, objecttype=kind, **fields) for n, (pictures, kind, fields) in enumerate(drawn)]


@settings(max_examples=60)
@given(before=PRODUCTS, drawn=PRODUCTS, names=st.sampled_from([["a"], ["b"], ["a", "b"]]))
def test_a_plan_is_what_the_run_then_asks_for(
    server: PictureServer, before: list[Any], drawn: list[Any], names: list[str]
) -> None:
    """Law 8: whatever is kept, and however often pictures recur, the run makes exactly the calls of the plan."""
    with tempfile.TemporaryDirectory() as folder, ClassificationCache(Path(folder, "c")) as cache:
        mapping = FieldMapping([rule for rule in TWO.rules if rule.reads[0].of in names])
        list(
            enricher_at(server, [Teller(name) for name in names], mapping=mapping, cache=cache).enrich(
                products_of(before)
            )
        )
        tellers = [Teller("a"), Teller("b")]
        enricher = enricher_at(server, tellers, mapping=TWO, cache=cache)
        products = products_of(drawn)
        fetched = len(server.paths)
        plan = enricher.plan(products)
        assert len(server.paths) == fetched
        assert [one.asked for one in tellers] == [[], []]
        run = enricher.enrich(products)
        list(run)
        assert {name: count for name, count in plan.calls.items() if count} == run.report.calls
        assert [len(one.asked) for one in tellers] == [plan.calls["a"], plan.calls["b"]]
        assert plan.products == len(products)
        assert plan.images == run.report.images - run.report.images_not_looked_at
        again = enricher.plan(products)
        assert set(again.calls.values()) == {0}
        assert (again.images, again.distinct_images) == (plan.images, plan.distinct_images)


def test_a_product_that_breaks_when_it_is_read_ends_no_plan(server: PictureServer) -> None:
    """A condition that fails for one product makes it one that nothing is asked about, as in the run."""
    sold = FieldMapping([FieldRule("kind", reads="label", when=lambda product: product["sold"] > 0)])
    plan = enricher_at(server, Teller("a"), mapping=sold).plan([item(1, "1.jpg"), item(2, "2.jpg", sold=1)])
    assert (plan.products, plan.to_look_at, plan.calls) == (2, 1, {"a": 1})


def test_a_budget_of_the_planned_calls_is_enough(server: PictureServer, tmp_path: Path) -> None:
    """What was approved pays for the whole catalog, repeated pictures included."""
    products = [item(n, f"{n % 6}.jpg", f"{(n + 1) % 6}.jpg") for n in range(40)]
    planned = sum(enricher_at(server, Teller(), cache=tmp_path / "c").plan(products).calls.values())
    run = enricher_at(server, Teller(), cache=tmp_path / "c", budget=planned).enrich(products)
    assert None not in kinds(run)
    assert (planned, run.report.not_asked) == (6, 0)


def test_without_a_cache_every_naming_may_cost_a_call(server: PictureServer) -> None:
    """Nothing is kept, so the plan says what it costs at most, and the run asks no more than that."""
    teller = Teller()
    enricher = enricher_at(server, teller)
    products = [item(n, "1.jpg") for n in range(10)]
    plan = enricher.plan(products)
    assert (plan.calls, plan.images, plan.distinct_images) == ({"acme": 10}, 10, 1)
    list(enricher.enrich(products))
    assert 1 <= len(teller.asked) <= 10


def test_what_is_known_too_long_is_no_call_but_a_question_to_its_host(server: PictureServer, tmp_path: Path) -> None:
    """After url_ttl a plan does not claim that all is paid for again; it says how many hosts are asked."""
    products = [item(n, f"{n}.jpg") for n in range(6)]
    list(enricher_at(server, Teller(), cache=tmp_path / "c").enrich(products))
    plan = enricher_at(server, Teller(), cache=ClassificationCache(tmp_path / "c", url_ttl=0)).plan(products)
    assert (plan.calls, plan.known, plan.to_check) == ({"acme": 0}, {"acme": 6}, 6)
    assert "6 known too long: their hosts are asked whether they changed" in str(plan)


def test_files_are_known_as_long_as_they_do_not_change(tmp_path: Path) -> None:
    """A plan looks at files, which is no request: what changed is a call, what did not is known."""
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"kayak %d" % number)
    enricher = Enricher(Teller(), KIND, image_root=tmp_path, cache=tmp_path / "c")
    products = [item(n, f"{n}.jpg") for n in range(3)]
    list(enricher.enrich(products))
    assert enricher.plan(products).calls == {"acme": 0}
    (tmp_path / "1.jpg").write_bytes(b"another")
    plan = enricher.plan(products)
    assert (plan.calls, plan.known, plan.to_check) == ({"acme": 1}, {"acme": 2}, 0)


def test_dead_links_are_known(server: PictureServer, tmp_path: Path) -> None:
    """A link that was found dead costs nothing in the plan as in the run."""
    enricher = enricher_at(server, Teller(), cache=tmp_path / "c")
    list(enricher.enrich([item(1, "dead.jpg")]))
    plan = enricher.plan([item(1, "dead.jpg")])
    assert (plan.calls, plan.known) == ({"acme": 0}, {"acme": 1})


def test_a_plan_tells_everything_in_words_in_json_and_in_a_notebook(server: PictureServer, tmp_path: Path) -> None:
    """Products, pictures, different ones, refused ones, calls and cost are told, with names of classifiers escaped."""
    products = [
        item(1, "1.jpg", "2.jpg"),
        item(2, "1.jpg", "../x"),
        item(3, "3.jpg", kind="kept", objecttype="Product"),
        item(4, "4.jpg", objecttype="Availability"),
        {"documentId": "bare"},
    ]
    teller = Teller("<acme>")
    plan = enricher_at(server, teller, cache=tmp_path / "c", prices={"<acme>": 0.5}).plan(products)
    assert json.loads(plan.to_json()) == {
        "products": 5,
        "to_look_at": 2,
        "images": 4,
        "distinct_images": 2,
        "refused": 1,
        "to_check": 0,
        "known": {"<acme>": 0},
        "calls": {"<acme>": 2},
        "cost": {"<acme>": 1.0},
    }
    assert str(plan) == (
        "5 products, 2 to look at\n4 pictures, 2 different ones, 1 refused\n<acme>: 2 calls, 0 known, cost 1.00"
    )
    html = plan._repr_html_()  # pyright: ignore[reportPrivateUsage] - what notebooks call
    assert "&lt;acme&gt;" in html
    assert "<acme>" not in html
    assert "1.00" in html


def test_a_plan_takes_whatever_is_in_a_catalog(server: PictureServer) -> None:
    """Law 1: what is no product is counted, not an error; one product in place of several is named."""
    one: Any = item(1, "1.jpg")
    odd: list[Any] = [None, 5, "x", {}, {"ec_images": 5}, {5: 6}]
    plan = enricher_at(server, Teller()).plan(odd)
    assert (plan.products, plan.images) == (6, 0)
    with pytest.raises(ConfigurationError, match="several products"):
        enricher_at(server, Teller()).plan(one)


@pytest.mark.parametrize("file", ["products.csv", Path("products.csv")], ids=["text", "path"])
def test_the_name_of_a_file_is_no_products(server: PictureServer, file: Any) -> None:  # noqa: ANN401 - what a caller mixes up
    """The error says how to read the file, for a plan and for a run."""
    enricher = enricher_at(server, Teller())
    for take in (enricher.plan, enricher.enrich):
        with pytest.raises(ConfigurationError, match="read_products"):
            take(file)


def test_a_plan_starts_no_thread(server: PictureServer, tmp_path: Path) -> None:
    """Counting is all that is done."""
    before = threading.active_count()
    enricher_at(server, Teller(), cache=tmp_path / "c").plan([item(1, "1.jpg")])
    assert threading.active_count() == before
