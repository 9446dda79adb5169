"""The Search API of the sandbox, over real sockets: what a caller sees of it, and when."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from sandbox_caller import Caller

from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.access import Privilege
from coveo_enrich.sandbox.indexing.store import Store
from coveo_enrich.sandbox.values import Source

PATH = "/rest/search/v2"
KAYAK = {
    "documentId": "product://38_yellow",
    "objecttype": "Product",
    "permanentid": "38_Yellow",
    "ec_name": "Kayak",
    "ec_price": 540.0,
    "ec_in_stock": True,
    "date": "2024-10-04T00:00:00Z",
    "ec_images": ["https://example.com/1.jpg", "https://example.com/2.jpg"],
    "ec_category": ["Boats", "Boats|Kayaks"],
    "kayak_type": "single seat",
    "accessories": ["Paddle", "Bag"],
    "tags": ["blue", "red"],
    "cost": 5,
    "unknown": "lost",
}


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A sandbox with the fields of the kayak, and the kayak."""
    with Caller.running() as caller:
        caller.sandbox.create_field("kayak_type", facet=True, merge_with_lexicon=True)
        caller.sandbox.create_field("accessories", facet=True, multi_value=True)
        caller.sandbox.create_field("tags")
        caller.post(
            f"{caller.organization_path}/indexes/fields",
            json={"name": "cost", "type": "LONG", "includeInResults": False, "includeInQuery": False},
        ).raise_for_status()
        caller.update(addOrUpdate=[KAYAK])
        yield caller


def ask(coveo: Caller, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a search takes
    """Search: the answer."""
    answer: dict[str, Any] = coveo.post(PATH, json=body).raise_for_status().json()
    return answer


def count(coveo: Caller, **body: Any) -> int:  # noqa: ANN401 - whatever a search takes
    """Search: how many items were found."""
    number: int = ask(coveo, **body)["totalCount"]
    return number


def test_an_item_is_read_back_as_coveo_returns_it(coveo: Caller) -> None:
    """A slash at the end of the address, a flag as text, a date as milliseconds, and no field that is not there.

    A list is an array with the multi-value option only, otherwise one text; what no field holds has vanished.
    """
    ordering_id = coveo.update(addOrUpdate=[KAYAK])
    answer = ask(coveo, aq='@permanentid=="38_Yellow"', cq='@source=="sandbox-catalog"', maximumAge=0, pipeline="")
    (result,) = answer["results"]
    raw = result["raw"]
    assert (answer["totalCount"], answer["totalCountFiltered"]) == (1, 1)
    assert (result["title"], result["uri"], result["clickUri"]) == ("Kayak", *["product://38_yellow/"] * 2)
    assert result["uniqueId"].endswith("product://38_yellow/")
    assert (raw["uri"], raw["source"], raw["permanentid"]) == ("product://38_yellow/", "sandbox-catalog", "38_Yellow")
    assert (raw["orderingid"], raw["date"]) == (ordering_id, 1_728_000_000_000)
    assert raw["indexeddate"] <= ordering_id + 60_000
    assert (raw["ec_price"], raw["ec_in_stock"]) == (540, "True")
    assert (raw["accessories"], raw["tags"]) == (["Paddle", "Bag"], "blue;red")
    assert not {"cost", "unknown"} & raw.keys()
    assert count(coveo, aq="@cost") == 0


def test_only_the_fields_that_are_asked_for_come_back(coveo: Caller) -> None:
    """`fieldsToInclude` gives only these fields; `fieldsToExclude` counts without it only."""
    wanted = {"fieldsToInclude": ["@ec_name", "ec_rating"], "fieldsToExclude": ["ec_name"]}
    assert ask(coveo, **wanted)["results"][0]["raw"] == {"ec_name": "Kayak"}
    assert "ec_name" not in ask(coveo, fieldsToExclude=["ec_name"])["results"][0]["raw"]


def test_the_parts_of_a_query_are_joined_as_coveo_joins_them(coveo: Caller) -> None:
    """The parts of a query are joined as `((q AND lq AND aq) OR dq) AND cq`."""
    yes, no = "@ec_name==Kayak", "@ec_name==Canoe"
    for q, lq, aq, dq, cq, expected in (
        (yes, "kayak", yes, "", yes, 1),
        (no, "", yes, "", yes, 0),
        (yes, "canoe", yes, "", yes, 0),
        (yes, "", no, "", yes, 0),
        (yes, "", yes, "", no, 0),
        (no, "", no, yes, yes, 1),
        (yes, "", yes, yes, no, 0),
    ):
        assert count(coveo, q=q, lq=lq, aq=aq, dq=dq, cq=cq) == expected


def test_free_text_is_taken_as_it_is_without_query_syntax(coveo: Caller) -> None:
    """With `enableQuerySyntax` off nothing in `q` is syntax; by default it is on."""
    assert count(coveo, q="@ec_name==Kayak") == 1
    assert count(coveo, q="@ec_name==Kayak", enableQuerySyntax=False) == 0
    assert count(coveo, q='kayak "', enableQuerySyntax=False) == 1


def test_a_partial_match_needs_half_of_many_words(coveo: Caller) -> None:
    """A partial match, when asked for, needs half of five words or more."""
    words = "kayak single seat green tandem"
    assert count(coveo, q=words) == 0
    assert count(coveo, q=words, partialMatch=True) == 1
    assert count(coveo, q=words, partialMatch=True, partialMatchThreshold="80%") == 0
    assert count(coveo, q=words, partialMatch=True, partialMatchThreshold="3") == 1
    assert count(coveo, q=words, partialMatch=True, partialMatchThreshold="4") == 0
    assert count(coveo, q="kayak green", partialMatch=True) == 0
    assert count(coveo, q="kayak green", partialMatch=True, partialMatchKeywords=2) == 1


@pytest.mark.parametrize("key", ["q", "aq", "cq", "dq"])
def test_an_expression_that_cannot_be_read_answers_200_with_an_exception(coveo: Caller, key: str) -> None:
    """An expression that cannot be read answers 200 with an exception and no results."""
    answer = ask(coveo, **{key: '@ec_name=="Kay"ak"'})
    assert (answer["totalCount"], answer["results"]) == (0, [])
    assert answer["exception"]["code"] == "InvalidSyntax"
    assert "double quote cannot be escaped" in answer["exception"]["context"]
    assert answer["errors"] == [answer["exception"]]
    assert not {"exception", "errors"} & ask(coveo, q="kayak").keys()


@pytest.mark.parametrize("key", ["q", "aq", "cq", "dq"])
def test_a_ranking_expression_keeps_nothing_out(coveo: Caller, key: str) -> None:
    """`$qre` in any part of a query changes order and score only; in `dq` it does not let everything in."""
    coveo.update(addOrUpdate=[{"documentId": "product://1", "ec_name": "Canoe"}])
    boost = {key: "$qre(expression: @ec_name==Canoe, modifier: 100) $qre(expression: '@kayak_type', modifier: 5)"}
    results = ask(coveo, **boost)["results"]
    assert [(result["title"], result["score"]) for result in results] == [("Canoe", 1_000), ("Kayak", 50)]
    if key != "aq":
        assert count(coveo, **boost, aq="@kayak_type") == 1


def test_results_can_be_sorted_by_ranking_expressions_alone(coveo: Caller) -> None:
    """With `qre` as `sortCriteria` words count nothing; by default they do."""
    query = {"q": "kayak $qre(expression: @ec_name==Kayak, modifier: 5)"}
    (alone,) = ask(coveo, **query, sortCriteria="qre")["results"]
    (with_words,) = ask(coveo, **query, sortCriteria="relevancy")["results"]
    assert alone["score"] == 50 < with_words["score"]


def test_a_ranking_expression_is_words_without_query_syntax(coveo: Caller) -> None:
    """With `enableQuerySyntax` off `$qre` in `q` is words; a partial match does not take one for words."""
    boost = "$qre(expression: @ec_name==Kayak, modifier: 100)"
    assert count(coveo, q=boost, enableQuerySyntax=False) == 0
    (result,) = ask(coveo, q=f"kayak single seat green tandem {boost}", partialMatch=True)["results"]
    assert result["score"] > 1_000


@pytest.mark.parametrize("key", ["rankingFunctions", "queryFunctions"])
def test_mathematics_is_refused(coveo: Caller, key: str) -> None:
    """`rankingFunctions` and `queryFunctions` are refused, as they would change results and are not carried out."""
    answer = ask(coveo, **{key: [{"expression": "@ec_price * 2"}]})
    assert (answer["results"], key in answer["exception"]["context"]) == ([], True)
    assert count(coveo, **{key: []}) == 1


def test_an_unknown_field_is_no_error(coveo: Caller) -> None:
    """An unknown field matches nothing, and is no error."""
    answer = ask(coveo, aq="@nobody==1")
    assert (answer["totalCount"], "exception" in answer) == (0, False)


def test_results_come_in_pages(coveo: Caller) -> None:
    """A page has ten results unless asked otherwise, up to 2,000, sorted as asked for."""
    coveo.update(addOrUpdate=[{"documentId": f"product://{number}", "ec_price": number} for number in range(20)])
    answer = ask(coveo, sortCriteria="@ec_price descending")
    assert (answer["totalCount"], len(answer["results"])) == (21, 10)
    second = ask(coveo, sortCriteria="@ec_price descending", firstResult=1, numberOfResults=2)
    assert [result["raw"]["ec_price"] for result in second["results"]] == [19, 18]
    assert len(ask(coveo, numberOfResults=2_000)["results"]) == 21
    assert ask(coveo, sortCriteria="date ascending")["results"][0]["title"] == "Kayak"
    exception = ask(coveo, sortCriteria="relevancy,@tags ascending")["exception"]
    assert (exception["code"], "tags" in exception["context"]) == ("InvalidSortField", True)


def test_facets_come_with_the_results(coveo: Caller) -> None:
    """Results come with facets and groups, a hierarchy as a tree."""
    coveo.update(addOrUpdate=[{"documentId": "product://1", "accessories": "Bag", "ec_category": "Boats"}])
    answer = ask(
        coveo,
        facets=[
            {"facetId": "extras", "field": "accessories", "numberOfValues": 1},
            {"field": "ec_category", "type": "hierarchical", "delimitingCharacter": "|"},
            {"field": "tags"},
        ],
        groupBy=[{"field": "@accessories", "sortCriteria": "alphanumericdescending"}],
    )
    extras, category, tags = answer["facets"]
    assert (extras["facetId"], extras["field"], extras["moreValuesAvailable"]) == ("extras", "accessories", True)
    assert extras["values"] == [{"value": "Bag", "state": "idle", "numberOfResults": 2}]
    (boats,) = category["values"]
    assert (boats["value"], boats["numberOfResults"]) == ("Boats", 2)
    assert [(child["value"], child["numberOfResults"]) for child in boats["children"]] == [("Kayaks", 1)]
    assert tags["values"] == []
    (group,) = answer["groupByResults"]
    assert [(value["value"], value["numberOfResults"]) for value in group["values"]] == [("Paddle", 1), ("Bag", 2)]


def test_a_selected_value_narrows_the_results(coveo: Caller) -> None:
    """A selected value of a facet, or level of a hierarchy, narrows the results."""
    coveo.update(addOrUpdate=[{"documentId": "product://1", "accessories": "Bag", "ec_category": ["Boats"]}])

    def selected(**facet: object) -> int:
        return count(coveo, facets=[facet])

    chosen = {"value": "paddle", "state": "selected"}
    assert selected(field="accessories", currentValues=[chosen]) == 1
    assert selected(field="accessories", currentValues=[{**chosen, "state": "idle"}]) == 2
    below = [{"value": "Boats", "state": "idle", "children": [{"value": "Kayaks", "state": "selected"}]}]
    assert selected(field="ec_category", type="hierarchical", currentValues=below) == 1


def test_the_values_of_a_field_are_counted(coveo: Caller) -> None:
    """The values of a field are counted in all items or those of an expression, by POST and by GET."""
    coveo.update(addOrUpdate=[{"documentId": "product://1", "accessories": "Bag"}])
    asked: list[tuple[dict[str, str | int], list[tuple[str, int]]]] = [
        ({"field": "@accessories"}, [("Bag", 2), ("Paddle", 1)]),
        ({"field": "@accessories", "maximumNumberOfValues": 1}, [("Bag", 2)]),
        ({"field": "accessories", "queryOverride": "kayak"}, [("Bag", 1), ("Paddle", 1)]),
        ({"field": "@nobody"}, []),
    ]
    for body, expected in asked:
        by_post = coveo.post(f"{PATH}/values", json=body).json()["values"]
        assert [(value["value"], value["numberOfResults"]) for value in by_post] == expected
        assert coveo.http.get(f"{PATH}/values", headers=coveo.headers, params=body).json()["values"] == by_post
    assert coveo.post(f"{PATH}/values", json={"field": "@tags", "queryOverride": "("}).json()["exception"]


def test_the_fields_are_listed(coveo: Caller) -> None:
    """Fields are listed with what a search may do with them, Coveo's own among them."""
    answer = coveo.http.get(f"{PATH}/fields", headers=coveo.headers).json()
    fields = {field["name"]: field for field in answer["fields"]}
    assert (fields["@accessories"]["groupByField"], fields["@accessories"]["splitGroupByField"]) == (True, True)
    assert (fields["@cost"]["type"], fields["@cost"]["includeInResults"]) == ("Long", False)
    assert {"@orderingid", "@indexeddate", "@source", "@uri"} <= fields.keys()


def test_a_search_can_be_a_get(coveo: Caller) -> None:
    """A GET with parameters searches as a POST with the same body."""
    parameters = {
        "q": "kayak",
        "aq": "@ec_price=500..600",
        "numberOfResults": "1",
        "fieldsToInclude": "ec_name,ec_price",
        "enableQuerySyntax": "false",
        "facets": '[{"field":"kayak_type"}]',
    }
    answer = coveo.http.get(PATH, headers=coveo.headers, params=parameters).json()
    assert answer["results"][0]["raw"] == {"ec_name": "Kayak", "ec_price": 540}
    assert answer["facets"][0]["values"][0]["value"] == "single seat"


def test_a_dictionary_field_takes_its_key_from_the_query(coveo: Caller) -> None:
    """`dictionaryFieldContext` of a query names the key of a dictionary field."""
    coveo.sandbox.create_field("price_by_store", type="DOUBLE", key_value=True)
    coveo.update(addOrUpdate=[{"documentId": "product://1", "price_by_store": {"": 120.0, "storeA": 99.0}}])
    (result,) = ask(coveo, aq="@price_by_store==99", dictionaryFieldContext={"price_by_store": "storeA"})["results"]
    assert result["raw"]["price_by_store"] == 99
    assert count(coveo, aq="@price_by_store==99") == 0


def test_a_query_that_costs_too_much_is_an_error(coveo: Caller) -> None:
    """A query that costs too much answers 200 with an error inside, as Coveo does for others."""
    for body in ({"q": "kayak " * 201}, {"lq": "kayak " * 201}, {"q": "kayak " * 201, "enableQuerySyntax": False}):
        answer = ask(coveo, **body)
        assert (answer["results"], answer["exception"]["code"]) == ([], "InvalidSyntax")
        assert "up to 200 terms" in answer["exception"]["context"]


def test_all_sources_of_an_organization_are_searched() -> None:
    """A search covers all sources of the organization in its URL, and no other organization."""
    with Caller.running(restricted=False) as coveo:
        coveo.update(addOrUpdate=[{"documentId": "product://1"}])
        assert count(coveo) == 1
        there = coveo.post(PATH, params={"organizationId": "other"}, json={})
        assert there.json()["totalCount"] == 0


BAD_BODIES: list[dict[str, Any]] = [
    {"q": 5},
    {"numberOfResults": 2_001},
    {"numberOfResults": "5"},
    {"firstResult": -1},
    {"enableQuerySyntax": "yes"},
    {"fieldsToInclude": "ec_name"},
    {"fieldsToInclude": [5]},
    {"sortCriteria": "ec_price"},
    {"facets": {}},
    {"facets": ["ec_price"]},
    {"facets": [{}]},
    {"facets": [{"field": "ec_price", "type": "numericalRange"}]},
    {"facets": [{"field": "ec_price", "facetId": "a b"}]},
    {"facets": [{"field": "ec_price", "sortCriteria": "luck"}]},
    {"dictionaryFieldContext": []},
    {"partialMatch": True, "partialMatchThreshold": "half"},
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=str)
def test_a_body_of_another_shape_is_refused(coveo: Caller, body: dict[str, object]) -> None:
    """A body of another shape answers 400 ``INVALID_PARAMETER``."""
    answer = coveo.post(PATH, json=body)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")


@pytest.mark.parametrize(("method", "path"), [("POST", PATH), ("GET", f"{PATH}/fields"), ("POST", f"{PATH}/values")])
def test_a_search_needs_its_privilege(coveo: Caller, method: str, path: str) -> None:
    """`SEARCH_API EXECUTE_QUERY` alone lets a key search; all other privileges together do not."""
    others = [other for other in get_args(Privilege) if other != "SEARCH_API_EXECUTE_QUERY"]

    def status(key: str, **parameters: str) -> int:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        body = {"field": "tags"} if method == "POST" else None
        return coveo.http.request(method, path, headers=headers, params=parameters, json=body).status_code

    key = coveo.sandbox.create_api_key("SEARCH_API_EXECUTE_QUERY")
    assert status(coveo.sandbox.create_api_key(*others)) == 403
    assert status("wrong") == 401
    assert status(key) == 200
    assert status(key, organizationId="sandbox") == 200
    assert status(key, organizationId="other") == 404


def test_a_search_fails_as_ordered(coveo: Caller) -> None:
    """Searches fail as ordered for the operation `search`, and the journal names them so."""
    coveo.sandbox.fail("search", 503)
    assert coveo.post(PATH, json={}).status_code == 503
    assert coveo.post(PATH, json={}).status_code == 200
    assert [request.operation for request in coveo.sandbox.requests()][-2:] == ["search", "search"]


def test_a_search_can_be_ordered_to_answer_200_with_an_error_inside(coveo: Caller) -> None:
    """A search can be ordered to answer 200 with any body, as Coveo does when a query fails."""
    body = '{"totalCount": 0, "results": [], "exception": {"code": "TooManyTerms", "context": ""}}'
    coveo.sandbox.fail("search", 200, body=body, headers={"Content-Type": "application/json"})
    answer = coveo.post(PATH, json={"q": "kayak"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json()["exception"]["code"] == "TooManyTerms"
    assert count(coveo, q="kayak") == 1


SINGLE, TANDEM = {"aq": "@ec_name==Single"}, {"aq": "@ec_name==Tandem"}


def test_a_change_is_found_when_the_index_delay_has_passed() -> None:
    """Until the index delay has passed a search finds what was there before a change or deletion."""
    with Caller.running(index_delay_seconds=30) as coveo:
        ordering_id = coveo.update(addOrUpdate=[{"documentId": "product://1", "ec_name": "Single"}])
        assert (coveo.sandbox.items()[0]["ec_name"], count(coveo)) == ("Single", 0)
        coveo.sandbox.advance(minutes=0.5)
        (result,) = ask(coveo, **SINGLE)["results"]
        assert result["raw"]["orderingid"] == ordering_id
        assert result["raw"]["indexeddate"] >= ordering_id + 30_000

        coveo.update("merge", addOrMerge=[{"documentId": "product://1", "ec_name": "Tandem"}])
        assert (count(coveo, **SINGLE), count(coveo, **TANDEM), count(coveo)) == (1, 0, 1)
        coveo.sandbox.advance(minutes=0.5)
        assert (count(coveo, **SINGLE), count(coveo, **TANDEM), count(coveo)) == (0, 1, 1)

        coveo.update(delete=[{"documentId": "product://1"}])
        assert (coveo.sandbox.items(), count(coveo)) == ([], 1)
        coveo.sandbox.advance(minutes=0.5)
        assert count(coveo) == 0


def test_what_a_load_removes_is_found_until_the_delays_have_passed() -> None:
    """What a load removes is found until the delay of deletion, then that of the index, has passed."""
    with Caller.running(index_delay_seconds=60, deletion_delay_minutes=15) as coveo:
        coveo.load(b'{"addOrUpdate":[{"documentId":"product://1"}]}')
        coveo.sandbox.advance(minutes=1)
        coveo.load(b'{"addOrUpdate":[{"documentId":"product://2"}]}')
        coveo.sandbox.advance(minutes=15)
        assert (coveo.document_ids(), count(coveo)) == (["product://2"], 2)
        coveo.sandbox.advance(minutes=1)
        assert count(coveo) == 1

        coveo.load(b'{"addOrUpdate":[{"documentId":"product://3"}]}')
        coveo.sandbox.advance(minutes=16)
        assert count(coveo) == 1


def test_several_changes_within_the_delay_come_one_after_the_other() -> None:
    """Several changes within the index delay are found each at its own time."""
    with Caller.running(index_delay_seconds=60) as coveo:
        for name in ("Single", "Tandem"):
            coveo.update(addOrUpdate=[{"documentId": "product://1", "ec_name": name}])
            coveo.sandbox.items()
            coveo.sandbox.advance(minutes=0.5)
        assert (count(coveo, **SINGLE), count(coveo, **TANDEM)) == (1, 0)
        coveo.sandbox.advance(minutes=0.5)
        assert (count(coveo, **SINGLE), count(coveo, **TANDEM)) == (0, 1)


def test_a_version_is_found_from_its_time_to_that_of_the_next(tmp_path: Path) -> None:
    """A version of an item is found from its time to that of the next, to the millisecond."""
    store = Store(tmp_path / "sandbox.sqlite", index_delay=10)
    source = store.key(Source("organization", "source"))
    for now, version in ((0, 1), (5, 2)):
        store.settle(now)
        store.put(source, version, [("product://1", {})])

    def found(now: int) -> list[int]:
        store.settle(now)
        return [item.ordering_id for item in store.searchable("organization", now)]

    assert [found(now) for now in (9, 10, 14, 15)] == [[], [1], [1], [2]]
    store.close()


def test_what_is_kept_is_found_after_a_restart(tmp_path: Path) -> None:
    """After a restart a search finds what is kept, once the delay that had begun is over."""
    data = tmp_path / "sandbox.sqlite"
    with Caller.running(data=data, index_delay_seconds=60) as coveo:
        coveo.update(addOrUpdate=[{"documentId": "product://1"}])
    with Caller.running(data=data, index_delay_seconds=60) as coveo:
        assert count(coveo) == 0
        coveo.sandbox.advance(minutes=1)
        assert count(coveo) == 1


def test_a_file_of_before_the_delay_is_searched_too(tmp_path: Path) -> None:
    """What a file from before there were delays holds is found at once."""
    data = tmp_path / "sandbox.sqlite"
    with Caller.running(data=data) as coveo:
        coveo.update(addOrUpdate=[{"documentId": "product://1"}])
    with contextlib.closing(sqlite3.connect(data)) as database:
        database.execute("ALTER TABLE items DROP COLUMN indexed")
        database.execute("DROP TABLE earlier")
    with Caller.running(data=data, index_delay_seconds=60) as coveo:
        assert count(coveo) == 1


def test_a_delay_is_a_number_of_seconds() -> None:
    """An index delay that is not from 0 seconds to ten years is refused."""
    for seconds in (-1, 315_360_001, float("nan")):
        with pytest.raises(ValueError, match="index_delay_seconds"):
            CoveoSandbox(index_delay_seconds=seconds)


def test_another_method_is_refused(coveo: Caller) -> None:
    """A search by another method answers 405, and a body that is not JSON 400."""
    assert coveo.http.put(PATH, headers=coveo.headers).status_code == 405
    broken: httpx.Response = coveo.post(PATH, content=b"{")
    assert (broken.status_code, broken.json()["errorCode"]) == (400, "INVALID_JSON")
