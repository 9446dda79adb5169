"""What a query finds among items: the facts of Coveo's search, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import untimed

from coveo_enrich.sandbox.platform.fields import Field, standard_fields
from coveo_enrich.sandbox.search import matching
from coveo_enrich.sandbox.search.expressions import EVERYTHING, QueryError, SortError, words
from coveo_enrich.sandbox.search.facets import FacetRequest, FacetValue
from coveo_enrich.sandbox.search.item import searched_fields, view
from coveo_enrich.sandbox.search.matching import Candidate
from coveo_enrich.sandbox.search.query_language import parse_expression
from coveo_enrich.sandbox.search.search import Found, Query, SortKey, search
from coveo_enrich.sandbox.values import StoredItem

DAY = 86_400_000
NOON = 20_000 * DAY + DAY // 2  # of 4 October 2024
FIELDS = {
    field.name: field
    for field in (
        *standard_fields(),
        Field(name="kayak_type", facet=True, merge_with_lexicon=True, sort=True),
        Field(name="material", merge_with_lexicon=True),
        Field(name="note"),
        Field(name="seats", type="LONG"),
        Field(name="cost", include_in_query=False),
        Field(name="hidden", include_in_results=False, merge_with_lexicon=True),
        Field(name="price_by_store", type="DOUBLE", key_value=True),
        Field(name="vector", type="VECTOR"),
        Field(name="story", key_value=True, merge_with_lexicon=True),
        Field(name="whisper", key_value=True),
    )
}


def stored(name: str, **fields: Any) -> StoredItem:  # noqa: ANN401 - whatever an index holds
    """An item."""
    return StoredItem("Catalog", f"product://{name}", 5, 7, fields)


KAYAKS = [
    stored("1", ec_name="Yellow Kayak", kayak_type="Single Seat", ec_color=["Yellow", "Dark blue"], ec_price=540.0),
    stored("2", ec_name="Canoë", kayak_type="tandem", ec_price=50.0, seats=2, date=NOON, note="kayak"),
    stored("3", ec_name="Paddle", ec_color=["Red"], ec_price=10.0, cost="kayak", material="Glued;Wood"),
]


def found(expression: str, *items: StoredItem, **options: Any) -> list[str]:  # noqa: ANN401 - of a query
    """The ids of what an expression finds."""
    return [hit.item.uri[10:-1] for hit in ask(expression, *items, **options).hits]


def ask(expression: str, *items: StoredItem, **options: Any) -> Found:  # noqa: ANN401 - of a query
    """What an expression finds, among the kayaks unless it is said otherwise."""
    parsed = parse_expression(expression)
    return search(items or KAYAKS, FIELDS, Query(expression=parsed.condition, boosts=parsed.boosts, **options))


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ("", "1 2 3"),
        ('@kayak_type=="Single Seat"', "1"),
        ('@kayak_type=="single seat"', "1"),
        ('@kayak_type=="single"', ""),
        ("@kayak_type=single", "1"),
        ('@kayak_type="seat single"', ""),
        ('@ec_color=="dark blue"', "1"),
        ('@ec_color==("Yellow","Red")', "1 3"),
        ("@ec_color=(blue red)", "1 3"),
        ('NOT @ec_color=="Yellow"', "2 3"),
        ('@ec_color<>"Yellow"', "3"),
        ("@ec_color", "1 3"),
        ("NOT @ec_color", "2"),
        ("@ec_name==CANOE", "2"),
        ("@ec_price=10..50", "2 3"),
        ("@ec_price>50", "1"),
        ("@ec_price>=50", "1 2"),
        ("@ec_price<50", "3"),
        ("@ec_price<=50", "2 3"),
        ("@ec_price==540", "1"),
        ("@ec_price<>540", "2 3"),
        ("@ec_price==cheap", ""),
        ("@seats=2", "2"),
        ("@ec_name>5", ""),
        ("@ec_name=a..z", ""),
        ("@date=2024/10/04", "2"),
        ("@date>2024/10/04", ""),
        ("@date<2024/10/05", "1 2 3"),
        ("@date=2024/10/01..2024/10/04", "2"),
        ("@date=2024/10/04@12:00:00..2024/10/04@12:00:01", "2"),
        ("@date=2024/99/99", ""),
        ("@orderingid>=5", "1 2 3"),
        ("@orderingid>5", ""),
        ('@source=="Catalog"', "1 2 3"),
        ('@kayak_type*="*seat"', "1"),
        ('@kayak_type*="tan?em"', "2"),
        ('@material*="glued*"', ""),
        ("@ec_color==Yellow OR @seats=2", "1 2"),
        ("@ec_color==Yellow @seats=2", ""),
        ("@nobody", ""),
        ("@nobody==1", ""),
        ("NOT @nobody==1", "1 2 3"),
        ("@cost", ""),
        ("@cost==kayak", ""),
        ('@uri=="product://1/"', "1"),
        ('@uri=="product://1"', ""),
    ],
)
def test_an_expression_finds_what_coveo_documents(expression: str, ids: str) -> None:
    """Each operator; an unknown field, and one that is not for queries, matches nothing without an error.

    Case and diacritics are ignored, `NOT` includes items without the field, `<>` does not, and wildcards need a facet
    with free text search.
    """
    assert found(expression) == ids.split()


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ("kayak", "1"),
        ("KAYAK yellow", "1"),
        ("kayak red", ""),
        ('"yellow kayak"', "1"),
        ('"kayak yellow"', ""),
        ("canoe", "2"),
        ("tandem", "2"),
        ("wood", "3"),
        ("product", ""),
        ("catalog", ""),
        ("NOT kayak", "2 3"),
    ],
)
def test_free_text_is_found_only_where_free_text_search_is_on(expression: str, ids: str) -> None:
    """A keyword finds no value in a field without Free text search; addresses are no text."""
    assert found(expression) == ids.split()


def test_a_list_in_a_field_without_the_multi_value_option_is_one_value() -> None:
    """A list in a field without the multi-value option is found whole or by words, not by one value."""
    assert found('@material=="Wood"') == []
    assert found('@material=="Glued;Wood"') == ["3"]
    assert found("@material=Wood") == ["3"]


def test_a_dictionary_field_is_looked_up_by_the_context() -> None:
    """A dictionary field gives the value of the context's key, else of the empty one."""
    item = stored("4", price_by_store={"": 120.0, "a": 99.0})
    for context, price in (({}, 120), ({"price_by_store": "a"}, 99), ({"price_by_store": "b"}, 120)):
        assert found(f"@price_by_store=={price}", item, contexts=context) == ["4"]
    assert found("@price_by_store", stored("4", price_by_store={"a": 99.0})) == []


def test_keywords_find_what_stands_under_any_key() -> None:
    """Keywords find values under any key of a dictionary field; an expression sees one key only."""
    item = stored("4", story={"en": "A tandem kayak", "": "ein Paddel", "fr": "une pagaie"})
    for keywords in ("tandem", "paddel", "PAGAIE", '"tandem kayak"'):
        assert found(keywords, item) == found(keywords, item, contexts={"story": "fr"}) == ["4"]
    assert found('"kayak ein"', item) == found("@story=tandem", item) == []
    assert found("@story=tandem", item, contexts={"story": "en"}) == ["4"]
    assert found("quiet", stored("4", whisper={"en": "quiet"})) == []


def test_a_vector_can_only_be_there() -> None:
    """Of a vector an expression can ask only whether it is there."""
    item = stored("4", vector=[1.0])
    assert found("@vector", item) == ["4"]
    assert found("@vector=1", item) == found("@vector=1..2", item) == found("@vector>0", item) == []


def test_what_fits_better_comes_first() -> None:
    """A word of the title counts more than one elsewhere, and `$qre` lifts or lowers what its expression finds."""
    items = [stored("1", ec_description="kayak"), stored("2", title="kayak")]
    assert found("kayak", *items) == ["2", "1"]
    assert found("kayak $qre(expression: '@ec_description', modifier: 10)", *items) == ["1", "2"]
    assert found("$qre(expression: kayak, modifier: -10)", *items, stored("3")) == ["3", "1", "2"]


def test_a_ranking_expression_adds_ten_times_its_modifier() -> None:
    """`$qre` adds ten times its modifier to the score of what it matches, beside words and other `$qre`."""
    yellow, seat = "$qre(expression: @ec_color==Yellow, modifier: 100)", "$qre(expression: '@seats', modifier: 7)"
    assert [(hit.item.title, hit.score) for hit in ask(f"{yellow} AND {seat}").hits] == [
        ("Yellow Kayak", 1_000),
        ("Canoë", 70),
        ("Paddle", 0),
    ]
    plain, boosted = (ask(text).hits[0].score for text in ("kayak", f"kayak {yellow}"))
    assert boosted == plain + 1_000


@pytest.mark.parametrize("expression", ["@nobody==1", "@cost==kayak", "@ec_color==Green", "NOT kayak yellow paddle"])
def test_a_ranking_expression_that_matches_nothing_does_nothing(expression: str) -> None:
    """A `$qre` that matches nothing, as of an unknown field, changes no score; all items are found."""
    hits = ask(f"$qre(expression: {expression}, modifier: 5)").hits
    assert [hit.score for hit in hits] == [0, 0, 0]


def test_what_is_boosted_alike_keeps_its_order() -> None:
    """Items of the same score come in the order of their addresses, every time."""
    items = [stored(name, ec_color=["Yellow"]) for name in ("3", "1", "2")]
    assert found("$qre(expression: @ec_color==Yellow, modifier: 5)", *items) == ["1", "2", "3"]


def test_results_are_sorted_and_paged() -> None:
    """Results are sorted by one field after the other; items without the field come last, either way round."""
    by_type = (SortKey("kayak_type"),)
    assert found("", sort=by_type) == ["1", "2", "3"]
    assert found("", sort=(SortKey("kayak_type", is_descending=True),)) == ["2", "1", "3"]
    assert found("", sort=(SortKey("ec_price"),)) == ["3", "2", "1"]
    assert found("", sort=(SortKey("seats"), SortKey("ec_price"))) == ["2", "3", "1"]
    page = ask("", first=1, count=1, sort=by_type)
    assert (page.total, [hit.item.title for hit in page.hits]) == (3, ["Canoë"])


@pytest.mark.parametrize("name", ["note", "nobody"])
def test_results_are_sorted_by_sortable_fields_only(name: str) -> None:
    """Sorting by a field that is not sortable, as a STRING field by default, or is not there, raises."""
    with pytest.raises(SortError, match=name):
        ask("", sort=(SortKey(name),))


def facet(field: str, *items: StoredItem, **options: Any) -> tuple[FacetValue, ...]:  # noqa: ANN401 - of a request
    """The values of a facet."""
    request = FacetRequest(facet_id="it", field=field, **options)
    (result,) = search(items or KAYAKS, FIELDS, Query(expression=EVERYTHING, facets=(request,))).facets
    return result.values


def test_a_facet_counts_the_items_of_each_value() -> None:
    """Facet values come most frequent first; case makes no other value, and an item counts once."""
    items = [stored("4", ec_color=["Red", "red"]), stored("5", ec_color=["RED", "Blue"]), stored("6", ec_color=["Ash"])]
    assert facet("ec_color", *items) == (FacetValue("Red", 2), FacetValue("Ash", 1), FacetValue("Blue", 1))
    by_name = [value.value for value in facet("ec_color", *items, order="alphanumericDescending")]
    assert by_name == ["Red", "Blue", "Ash"]
    assert facet("ec_price") == (FacetValue("10", 1), FacetValue("50", 1), FacetValue("540", 1))


@pytest.mark.parametrize("name", ["note", "material", "nobody"])
def test_a_field_without_the_facet_option_has_no_values(name: str) -> None:
    """A field that is no facet, or is not there, has no values."""
    assert facet(name) == ()


def test_a_facet_tells_whether_there_is_more() -> None:
    """A facet gives as many values as asked for, and tells whether there are more."""
    request = FacetRequest(facet_id="it", field="ec_color", count=2)
    (result,) = ask("", facets=(request,)).facets
    assert (len(result.values), result.has_more) == (2, True)


def test_what_is_selected_in_a_facet_narrows_all_but_its_own_counts() -> None:
    """Selected values of a facet narrow the results and the counts of other fields, not its own."""
    chosen = frozenset({("red",)})
    colors = FacetRequest(facet_id="color", field="ec_color", selected=chosen)
    result = ask("", facets=(colors, FacetRequest(facet_id="type", field="kayak_type")))
    assert [hit.item.title for hit in result.hits] == ["Paddle"]
    of_color, of_type = (facet.values for facet in result.facets)
    assert [(value.value, value.is_selected) for value in of_color] == [
        ("Dark blue", False),
        ("Red", True),
        ("Yellow", False),
    ]
    assert of_type == ()


def test_of_several_values_that_are_selected_one_is_enough() -> None:
    """An item needs one of the values selected in a facet, and that in each facet."""
    colors = FacetRequest(facet_id="color", field="ec_color", selected=frozenset({("yellow",), ("red",)}))
    types = FacetRequest(facet_id="type", field="kayak_type", selected=frozenset({("single seat",)}))
    assert found("", facets=(colors,)) == ["1", "3"]
    assert found("", facets=(colors, types)) == ["1"]


def test_only_a_star_and_a_question_mark_are_wildcards() -> None:
    """Brackets in a pattern mean themselves: only `*` and `?` are wildcards."""
    items = [stored("4", kayak_type="a[b]c"), stored("5", kayak_type="abc")]
    assert found('@kayak_type*="a[b]*"', *items) == ["4"]


def test_a_hierarchy_counts_the_levels_that_are_listed() -> None:
    """A hierarchy counts only levels that an item lists, so that all ancestors have to be listed."""
    items = [
        stored("4", ec_category=["Boats", "Boats|Kayaks"]),
        stored("5", ec_category=["Boats|Kayaks", "Tools|Saws"]),
    ]
    (boats,) = facet("ec_category", *items, delimiter="|")
    assert boats == FacetValue("Boats", 1, children=(FacetValue("Kayaks", 2),))
    assert facet("kayak_type", delimiter="|") == ()  # it is no hierarchical field


def test_an_item_comes_back_with_coveos_own_fields() -> None:
    """An item comes back with its address, an id, a title, the times and the source."""
    item = view(StoredItem("Catalog", "product://AB290", 5, 7, {"ec_name": "Kit", "objecttype": "Product"}), {})
    raw = item.raw(searched_fields(FIELDS), None, ())
    assert item.uri == raw["uri"] == raw["sysuri"] == raw["clickableuri"] == "product://AB290/"
    assert (raw["orderingid"], raw["indexeddate"], raw["date"]) == (5, 7, 7)
    assert raw["source"] == raw["syssource"] == "Catalog"
    assert (raw["title"], raw["mappingtype"]) == ("Kit", "Product")
    assert (len(raw["permanentid"]), set(raw["permanentid"]) - set("0123456789abcdef")) == (60, set())


@pytest.mark.parametrize(
    ("document_id", "uri"),
    [
        ("product://1", "product://1/"),
        ("product://1/", "product://1/"),
        ("https://shop.example.com", "https://shop.example.com/"),
        ("https://shop.example.com/1", "https://shop.example.com/1"),
        ("https://shop.example.com?id=1", "https://shop.example.com/?id=1"),
    ],
)
def test_a_missing_path_becomes_a_slash(document_id: str, uri: str) -> None:
    """An address without a path gets a slash; others stay as they are."""
    assert view(StoredItem("s", document_id, 1, 1, {}), {}).uri == uri


def test_a_result_shows_what_may_be_shown() -> None:
    """A result leaves out fields with `includeInResults` off, and shows those asked for, or all but some."""
    item = view(stored("4", hidden="kayak", ec_price=540.0, ec_rating=4.5, ec_images=["a", "b"], material="a;b"), {})
    known = searched_fields(FIELDS)
    assert item.raw(known, ("hidden", "ec_price", "nobody", "seats"), ()) == {"ec_price": 540}
    assert isinstance(item.raw(known, ("ec_price",), ())["ec_price"], int)
    shown = item.raw(known, None, {"uri"})
    assert "uri" not in shown
    assert "hidden" not in shown
    assert (shown["ec_rating"], shown["ec_images"], shown["material"]) == (4.5, ["a", "b"], "a;b")
    assert found("kayak", stored("4", hidden="kayak")) == ["4"]


class Counted(Candidate):
    """A candidate that counts how often it is asked for words."""

    asked = 0

    def has(self, phrase: tuple[str, ...]) -> bool:
        """Count, and tell."""
        Counted.asked += 1
        return super().has(phrase)


@pytest.mark.parametrize("between", [" ", " OR "])
def test_a_word_that_is_repeated_is_looked_for_once(between: str) -> None:
    """Words of a query that come again are not matched again, so that a long query costs no more than a short one."""
    known = searched_fields({"hull": Field(name="hull", merge_with_lexicon=True)})
    item = view(StoredItem("catalog", "product://1", 1, 0, {"hull": "flat wide"}), {})
    for word, is_there in (("flat", True), ("gone", False)):
        test = matching.test_of(parse_expression(between.join([word] * 60)).condition, known)
        Counted.asked = 0
        assert (test(Counted(item, ["hull"])), Counted.asked) == (is_there, 1)


@untimed
@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_expression_can_be_searched_for(text: str, colors: list[str]) -> None:
    """Any expression that can be read finds something or nothing, and never fails."""
    try:
        expression = parse_expression(text).condition
    except QueryError:
        return
    request = FacetRequest(facet_id="it", field="ec_color")
    result = search([stored("4", ec_color=colors)], FIELDS, Query(expression=expression, facets=(request,)))
    assert result.total in (0, 1)


@untimed
@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=4), st.integers(0, 3))
def test_words_are_found_where_they_stand_in_a_text(phrase: str, texts: list[str], place: int) -> None:
    """A phrase is found within one text, word after word, and not across two."""
    told = [*texts[:place], f"{''.join(texts)} {phrase}", *texts[place:]]
    wanted = words(phrase)
    for colors in (texts, told):
        split = [words(text) for text in colors]
        there = any(wanted == one[at : at + len(wanted)] for one in split for at in range(len(one)))
        item = view(stored("4", ec_color=colors), {})
        assert Candidate(item, ["ec_color"]).has(wanted) == (there or (not wanted and bool(colors)))


@untimed
@given(st.text(st.characters(exclude_characters='"'), min_size=1))
def test_a_value_is_found_by_itself(value: str) -> None:
    """A value, quoted and with `==`, finds its item, whatever it holds but a double quote."""
    assert found(f'@kayak_type=="{value}"', stored("4", kayak_type=value)) == ["4"]
