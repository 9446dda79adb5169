from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import EnrichedProduct
from coveo_enrich.classifiers import Failure
from coveo_enrich.enrichment import FieldChange, Observation, UnmappedValue
from coveo_enrich.enrichment.product import Conflict
from coveo_enrich.enrichment.review.kinds import doubt_of, kinds_of
from coveo_enrich.enrichment.review.sample import choose

SEEN = Observation("a.jpg", "amber", 0.9, "acme")
FAILURE = Failure("permanent", "broken")
CONFLICT = Conflict("ec_color", "Blue", (SEEN,))


def product(name: str, confidence: float | None = 1.0, *, before: str | None = None) -> EnrichedProduct:
    """Return a product with one change."""
    return EnrichedProduct({"documentId": name}, (FieldChange("ec_color", before, "Blue", confidence, (SEEN,)),))


products = st.builds(
    EnrichedProduct,
    st.fixed_dictionaries({"documentId": st.sampled_from("abcdefgh")}),
    changes=st.lists(
        st.builds(
            FieldChange,
            st.just("ec_color"),
            st.none(),
            st.just("Blue"),
            st.one_of(st.none(), st.floats(0, 1)),
            st.just((SEEN,)),
        ),
        max_size=2,
    ).map(tuple),
    failures=st.sampled_from([(), (FAILURE,)]),
    conflicts=st.sampled_from([(), (CONFLICT,)]),
)


@given(st.lists(products, max_size=60), st.integers(1, 40))
def test_a_sample_is_full_and_in_order(given_products: list[EnrichedProduct], most: int) -> None:
    """A sample holds all or as many as it may, each once, the most doubtful first, and counts all that were given."""
    sample = choose(given_products, most)
    assert len(sample.products) == min(most, len(given_products))
    assert len({one.position for one in sample.products}) == len(sample.products)
    assert all(given_products[one.position] is one.enriched for one in sample.products)
    doubts = [one.doubt for one in sample.products]
    assert doubts == sorted(doubts, reverse=True)
    assert sample.given == len(given_products)
    for kind, count in sample.kinds.items():
        assert count == sum(kind in kinds_of(one) for one in given_products)


@given(st.lists(products, max_size=60), st.integers(1, 40))
def test_the_most_doubtful_are_never_left_out(given_products: list[EnrichedProduct], most: int) -> None:
    """Whatever is left out is no more doubtful than anything in three quarters of the sample."""
    sample = choose(given_products, most)
    there = {one.position for one in sample.products}
    left_out = [doubt_of(one) for position, one in enumerate(given_products) if position not in there]
    sure_places = sample.products[: most - most // 4]
    assert all(one.doubt >= max(left_out, default=0.0) for one in sure_places)


def test_others_are_drawn_by_chance_always_the_same() -> None:
    """A quarter of the places goes to products from all over the catalog, whatever their order in it."""
    catalog = [product(str(number), number / 10_000) for number in range(10_000)]
    sample = choose(catalog, 100)
    drawn = [one.enriched.document_id for one in sample.products if one.doubt < 0.99]
    assert len(drawn) == 25
    assert sum(int(name or 0) > 5_000 for name in drawn) in range(5, 21)
    again = choose(reversed(catalog), 100)
    assert {one.enriched.document_id for one in again.products} == {one.enriched.document_id for one in sample.products}


def test_a_sea_of_failures_leaves_room_for_what_is_doubtful() -> None:
    """A host that is down for half a catalog hides neither a contested value nor an unsure one."""
    failed = [EnrichedProduct({"documentId": f"f{number}"}, failures=(FAILURE,)) for number in range(1_000)]
    contested = EnrichedProduct({"documentId": "contested"}, product("x").changes, conflicts=(CONFLICT,))
    sample = choose([*failed, contested, product("unsure", 0.3), product("sure", 0.95)], 40)
    assert [one.enriched.document_id for one in sample.products[:2]] == ["contested", "unsure"]


def test_doubt_is_what_a_merchandiser_would_doubt() -> None:
    """Contested, then unsure; then failed, unmapped and not scored alike; then sure, then what nothing happened to."""
    contested = EnrichedProduct({}, product("x").changes, conflicts=(CONFLICT,))
    middling = [
        EnrichedProduct({}, failures=(FAILURE,)),
        EnrichedProduct({}, unmapped=(UnmappedValue("ec_color", SEEN),)),
        product("x", None),
    ]
    ranks = [doubt_of(one) for one in (contested, product("x", 0.4), *middling, product("x", 0.8), EnrichedProduct({}))]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == 5
    assert {doubt_of(one) for one in middling} == {0.5}


def test_kinds_tell_filled_from_changed() -> None:
    """A blank field that was filled is told from a value that was replaced."""
    assert kinds_of(product("x", before=" ")) == {"filled"}
    assert kinds_of(product("x", None, before="Red")) == {"changed", "unscored"}
    assert kinds_of(EnrichedProduct({})) == {"unchanged"}


def test_memory_does_not_grow_with_the_catalog() -> None:
    """Law 11: only so many products as the page may hold are kept, however many there are."""

    def catalog(count: int) -> Iterator[EnrichedProduct]:
        for number in range(count):
            one = product(str(number), (number * 37 % 1_000) / 1_000)
            yield EnrichedProduct({"documentId": str(number), "text": "x" * 2_000 + str(number)}, one.changes)

    tracemalloc.start()
    try:
        peaks: list[int] = []
        for count in (2_000, 20_000):
            tracemalloc.reset_peak()
            assert choose(catalog(count), 100).given == count
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
