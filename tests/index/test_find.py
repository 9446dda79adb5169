"""`CoveoSearch.find`: what exactly it asks, and when it stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from coveo_enrich import CoveoSource, RetryPolicy
from coveo_enrich.errors import AccessRefused, ConfigurationError, CoveoRefused, NoReply
from coveo_enrich.index import CoveoSearch, FoundItem, FoundItems, ItemQuery

SEARCH = "https://platform.cloud.coveo.com/rest/search/v2?organizationId=myorg"
SOURCE_CALL = "https://platform.cloud.coveo.com/rest/organizations/myorg/sources/src"
YELLOW = ItemQuery(expression='@color=="Yellow"')
WORDS = ItemQuery(keywords="single seat", partial_match=True)


@pytest.fixture
def search() -> Iterator[CoveoSearch]:
    """A client that waits for nothing."""
    source = CoveoSource(organization_id="myorg", source_id="src", api_key="xx-push", platform_key="xx-platform")
    with CoveoSearch(source, retry=RetryPolicy(attempts=2, first_wait_seconds=0)) as one:
        yield one


@pytest.fixture
def name_of_source(httpx_mock: HTTPXMock) -> None:
    """Say what the source is called."""
    httpx_mock.add_response(url=SOURCE_CALL, json={"name": "My Catalog"})


def answer(*uris: str, total: int | None = None) -> dict[str, Any]:
    """An answer with results."""
    results = [{"uri": uri, "raw": {"uri": uri, "orderingid": 7, "ec_name": uri[-1]}} for uri in uris]
    return {"totalCount": len(uris) if total is None else total, "results": results}


def bodies(mock: HTTPXMock) -> list[dict[str, Any]]:
    """What was searched for."""
    return [json.loads(one.content) for one in mock.get_requests() if "/search/" in one.url.path]


@pytest.mark.usefixtures("name_of_source")
def test_an_expression_is_searched_for_in_the_items_of_the_source(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """The expression goes into ``aq``, the source into ``cq``; items come in their order, with the number of all."""
    httpx_mock.add_response(url=SEARCH, json=answer("p://2", "p://1", total=12))
    found = search.find(YELLOW, fields=["ec_name"], most=2)
    assert bodies(httpx_mock) == [
        {
            "aq": '@color=="Yellow"',
            "cq": '@source=="My Catalog"',
            "numberOfResults": 2,
            "fieldsToInclude": ["ec_name", "indexeddate", "orderingid", "uri"],
            "maximumAge": 0,
        }
    ]
    assert found == FoundItems(
        total=12,
        items=tuple(FoundItem(uri, 7, {"uri": uri, "orderingid": 7, "ec_name": uri[-1]}) for uri in ("p://2", "p://1")),
        query=YELLOW,
    )


@pytest.mark.usefixtures("name_of_source")
def test_keywords_are_no_syntax(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """Keywords go into ``q`` with the query syntax switched off; half of them is enough when that is asked for."""
    httpx_mock.add_response(url=SEARCH, json=answer("p://1"))
    search.find(WORDS)
    (body,) = bodies(httpx_mock)
    assert {key: body[key] for key in body if key[0] in "qep"} == {
        "q": "single seat",
        "enableQuerySyntax": False,
        "partialMatch": True,
        "partialMatchKeywords": 2,
        "partialMatchThreshold": "50%",
    }


@pytest.mark.usefixtures("name_of_source")
def test_of_several_queries_the_first_that_finds_something_is_the_last_that_is_sent(
    search: CoveoSearch, httpx_mock: HTTPXMock
) -> None:
    """A query that finds nothing is followed by the next; what comes behind one that finds something is not sent."""
    httpx_mock.add_response(url=SEARCH, json=answer())
    httpx_mock.add_response(url=SEARCH, json=answer("p://1"))
    assert search.find(iter([YELLOW, WORDS, ItemQuery()])).query == WORDS
    assert [body.get("aq") for body in bodies(httpx_mock)] == ['@color=="Yellow"', None]


@pytest.mark.usefixtures("name_of_source")
def test_items_that_are_counted_and_do_not_come_are_an_error(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An answer that counts items and holds none raises: it is not taken for a query that finds nothing."""
    httpx_mock.add_response(url=SEARCH, json=answer(total=5))
    with pytest.raises(CoveoRefused, match="no more than 0 of the 5 results that it counts"):
        search.find([YELLOW, WORDS])


@pytest.mark.usefixtures("name_of_source")
def test_items_of_which_all_are_left_out_are_none(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An answer that says itself that none of the items it counts can be had found nothing."""
    httpx_mock.add_response(url=SEARCH, json={**answer(total=5), "totalCountFiltered": 0})
    assert search.find(YELLOW) == FoundItems()


@pytest.mark.usefixtures("name_of_source")
def test_what_is_too_long_to_be_read_is_told(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An answer of over 32 MB raises an error that says what to do, and is not asked for again."""
    httpx_mock.add_response(url=SEARCH, content=b" " * 32_000_001)
    with pytest.raises(NoReply, match="longer than 32,000,000 bytes: ask for fewer items or fields"):
        search.find(YELLOW)


def test_no_query_finds_nothing_and_asks_nothing(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """No query at all, as from a picture in which nothing was seen, sends nothing and finds nothing."""
    assert search.find([]) == FoundItems()
    assert httpx_mock.get_requests() == []


def test_a_key_that_may_not_see_the_source_searches_the_organization(
    search: CoveoSearch, httpx_mock: HTTPXMock
) -> None:
    """A key that may not read the source's name asks for it once, then searches without it."""
    httpx_mock.add_response(url=SOURCE_CALL, status_code=403, json={"errorCode": "ACCESS_DENIED"})
    httpx_mock.add_response(url=SEARCH, json=answer("p://1"), is_reusable=True)
    search.find(YELLOW)
    search.find(YELLOW)
    assert ["cq" in body for body in bodies(httpx_mock)] == [False, False]


def test_a_source_that_is_not_there_is_told(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An unknown source raises; items of another source are not taken for its own."""
    httpx_mock.add_response(url=SOURCE_CALL, status_code=404, json={"errorCode": "SOURCE_DOES_NOT_EXIST"})
    with pytest.raises(CoveoRefused, match=r"SOURCE_DOES_NOT_EXIST.*Check the source id"):
        search.find(YELLOW)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"errorCode": "ORGANIZATION_IS_PAUSED"}),
        (401, {"errorCode": "INVALID_TOKEN"}),
        (429, {}),
        (500, {}),
        (200, {}),
    ],
)
def test_that_the_source_could_not_be_asked_for_is_no_missing_privilege(
    search: CoveoSearch, httpx_mock: HTTPXMock, status: int, body: dict[str, Any]
) -> None:
    """When asking for the source fails, only a 403 is passed over, as the items of all sources would count."""
    httpx_mock.add_response(url=SOURCE_CALL, status_code=status, json=body, is_reusable=True)
    for ask in (lambda: search.find(YELLOW), lambda: search.facet("color"), lambda: search.verify({"p://1": {}})):
        with pytest.raises(CoveoRefused, match=rf"name of the source: Coveo answered {status}"):
            ask()


@pytest.mark.usefixtures("name_of_source")
def test_an_error_inside_a_success_is_raised(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An error that Coveo gives with a 200, as for an expression it cannot read, is raised."""
    said: dict[str, object] = {"exception": {"code": "QueryExceptionInvalidSyntax", "message": "no"}, "results": []}
    httpx_mock.add_response(url=SEARCH, json=said)
    with pytest.raises(CoveoRefused, match="QueryExceptionInvalidSyntax"):
        search.find(ItemQuery(expression="@color=="))


@pytest.mark.usefixtures("name_of_source")
def test_a_warning_inside_a_success_is_logged(
    search: CoveoSearch, httpx_mock: HTTPXMock, caplog: pytest.LogCaptureFixture
) -> None:
    """What Coveo warns of with a 200 is logged without the key, and what was found counts."""
    httpx_mock.add_response(
        url=SEARCH, json={**answer("p://1"), "warnings": [{"message": "a mirror is late, xx-platform"}]}
    )
    assert search.find(YELLOW).total == 1
    assert caplog.messages == ["search for items: Coveo warns: a mirror is late, (the key)"]


@pytest.mark.usefixtures("name_of_source")
def test_a_missing_privilege_is_named(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """A 403 raises an error that names the privilege."""
    httpx_mock.add_response(url=SEARCH, status_code=403, json={"errorCode": "ACCESS_DENIED", "message": "no"})
    with pytest.raises(AccessRefused, match="Execute queries"):
        search.find(YELLOW)


@pytest.mark.parametrize("most", [0, 1_001, True, 1.5])
def test_a_number_out_of_its_range_raises(search: CoveoSearch, most: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """A `most` out of its range raises: Coveo gives a thousand results a call."""
    with pytest.raises(ConfigurationError, match="most"):
        search.find(YELLOW, most=most)


@pytest.mark.parametrize("query", ["@color==Yellow", {"aq": "x"}, ["@color"], 5, None])
def test_what_is_no_query_raises(search: CoveoSearch, query: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """Anything but `ItemQuery` values, such as a bare expression, raises before anything is asked."""
    with pytest.raises(ConfigurationError, match="ItemQuery"):
        search.find(query)


def test_one_field_in_place_of_several_raises(search: CoveoSearch) -> None:
    """A text in place of `fields` raises: its letters are not taken for fields."""
    with pytest.raises(ConfigurationError, match="ec_name"):
        search.find(YELLOW, fields="ec_name")


def test_an_empty_query_has_no_parameters() -> None:
    """An empty query is for all items, and sends nothing that would change what the search page sends."""
    assert ItemQuery().parameters == {}
    assert ItemQuery(partial_match=True).parameters == {}
