"""`CoveoSearch` over the wire: what it asks, how it compares, and how long it waits."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from itertools import count
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from passing_time import PassingTime
from pytest_httpx import HTTPXMock

from coveo_enrich import CoveoSource, RetryPolicy
from coveo_enrich.errors import AccessRefused, ConfigurationError, CoveoRefused, NoReply
from coveo_enrich.index import CoveoSearch, Finding
from coveo_enrich.index.search.expressions import LONGEST, can_be_quoted, is_any_of
from coveo_enrich.index.search.reading_back import groups_of, with_one_of

SEARCH = "https://platform.cloud.coveo.com/rest/search/v2?organizationId=myorg"
SOURCE = CoveoSource(organization_id="myorg", source_id="src", api_key="xx-push", platform_key="xx-platform")
YELLOW = {"product://1": {"color": "Yellow"}}


@attrs.frozen
class Push:
    """What a push said."""

    ordering_ids: tuple[int, ...]


SOURCE_CALL = "https://platform.cloud.coveo.com/rest/organizations/myorg/sources/src"
CATALOG_CALL = "https://platform.cloud.coveo.com/rest/organizations/myorg/catalogconfigurations/source/src"


@pytest.fixture(autouse=True)
def name_of_source(httpx_mock: HTTPXMock) -> None:
    """Say what the source is called, if that is asked."""
    httpx_mock.add_response(url=SOURCE_CALL, json={"name": "My Catalog"}, is_optional=True, is_reusable=True)


@pytest.fixture(autouse=True)
def passing(monkeypatch: pytest.MonkeyPatch) -> PassingTime:
    """No time passes but by waiting."""
    return PassingTime(monkeypatch)


@pytest.fixture
def search() -> Iterator[CoveoSearch]:
    """A client that waits for nothing."""
    with CoveoSearch(SOURCE, retry=RetryPolicy(attempts=2, first_wait_seconds=0), poll_seconds=0) as one:
        yield one


def item(uri: str, ordering_id: int = 5, **raw: object) -> dict[str, Any]:
    """A result as Coveo gives it."""
    return {"title": uri, "uri": uri, "raw": {"uri": uri, "orderingid": ordering_id, **raw}}


def bodies(mock: HTTPXMock) -> list[dict[str, Any]]:
    """What was asked."""
    return [json.loads(one.content) for one in searches(mock)]


def searches(mock: HTTPXMock) -> list[httpx.Request]:
    """The searches among the requests."""
    return [one for one in mock.get_requests() if "/search/" in one.url.path]


def test_items_are_asked_for_by_their_uri_past_the_caches(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """Items are asked for by their URI, with and without the slash that Coveo adds, with the wanted fields."""
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1/", color="Yellow")]})
    assert search.read_back(["product://1", "product://2"], ["color"]) == {
        "product://1": {"uri": "product://1/", "orderingid": 5, "color": "Yellow"}
    }
    assert bodies(httpx_mock) == [
        {
            "aq": '@uri==("product://1","product://1/","product://2","product://2/")',
            "numberOfResults": 1000,
            "fieldsToInclude": ["color", "indexeddate", "orderingid", "uri"],
            "maximumAge": 0,
            "cq": '@source=="My Catalog"',
        }
    ]
    assert searches(httpx_mock)[0].headers["authorization"] == "Bearer xx-platform"


def test_what_is_shown_as_it_was_sent_is_complete(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """Items shown as they were sent are complete after one look."""
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1/", color="Yellow")]})
    found = search.verify(YELLOW, pushed=Push((5, 7)))
    assert (found.is_complete, found.items, found.matching, found.findings) == (True, 1, 1, ())
    assert str(found) == "1 of 1 items are as they were sent"


def test_only_what_was_not_as_sent_is_looked_at_again(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """A second look asks only for the items that were missing, and keeps what the first one found."""
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1/", color="Yellow")]})
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://2/", color="Red")]})
    verification = search.verify({**YELLOW, "product://2": {"color": "Red"}})
    assert verification.is_complete
    assert [body["aq"] for body in bodies(httpx_mock)][1] == '@uri==("product://2","product://2/")'


def test_it_looks_again_until_it_is_shown(search: CoveoSearch, httpx_mock: HTTPXMock, passing: PassingTime) -> None:
    """What is missing or old is looked for again until it is shown, as the index needs half a minute and more."""
    httpx_mock.add_response(url=SEARCH, json={"results": []})
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1", 4, color="Yellow")]})
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1", 5, color="Yellow")]})
    assert search.verify(YELLOW, pushed=Push((5,))).is_complete
    assert len(searches(httpx_mock)) == 3
    assert passing.waits == pytest.approx([0.05, 0.1])


@pytest.mark.parametrize(
    ("timeout", "waits"), [(0, []), (20, [20]), (30, [30]), (70, [30, 30, 10])], ids=["one look", "20", "30", "70"]
)
def test_the_last_look_is_at_the_end_of_the_time(
    httpx_mock: HTTPXMock, passing: PassingTime, timeout: float, waits: list[float]
) -> None:
    """The last look is at the end of the time, also if that is shorter than a poll."""
    httpx_mock.add_response(url=SEARCH, json={"results": []}, is_reusable=True)
    with CoveoSearch(SOURCE) as search:
        assert search.verify(YELLOW, timeout=timeout).findings == (Finding("missing item", "product://1"),)
    assert passing.waits == waits
    assert len(searches(httpx_mock)) == len(waits) + 1


def test_a_poll_of_nothing_does_not_use_up_all_calls(
    search: CoveoSearch, httpx_mock: HTTPXMock, passing: PassingTime
) -> None:
    """With `poll_seconds=0` waits grow to a second, so that the time ends before the calls of five minutes do."""
    httpx_mock.add_response(url=SEARCH, json={"results": []}, is_reusable=True)
    search.verify(YELLOW, timeout=10)
    assert passing.waits == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, *[1] * 8, 0.45])
    assert passing.monotonic() == pytest.approx(10)


def test_no_wait_for_another_try_goes_beyond_the_time(httpx_mock: HTTPXMock, passing: PassingTime) -> None:
    """A try that would come after the end of the time is not made: what is known by then is returned."""
    httpx_mock.add_response(url=SEARCH, json={"results": []})
    httpx_mock.add_response(url=SEARCH, status_code=503)
    with CoveoSearch(SOURCE, retry=RetryPolicy(attempts=5, first_wait_seconds=200)) as search:
        assert search.verify(YELLOW, timeout=90).findings == (Finding("missing item", "product://1"),)
    assert passing.waits == [30]


def test_the_first_look_is_always_finished(httpx_mock: HTTPXMock, passing: PassingTime) -> None:
    """The first look waits for all its tries, however short the time is."""
    httpx_mock.add_response(url=SEARCH, status_code=503)
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1", color="Yellow")]})
    with CoveoSearch(SOURCE, retry=RetryPolicy(attempts=5, first_wait_seconds=200)) as search:
        assert search.verify(YELLOW, timeout=0).is_complete
    assert len(passing.waits) == 1


def test_no_wait_for_the_pace_goes_beyond_the_time(httpx_mock: HTTPXMock, passing: PassingTime) -> None:
    """When the calls of five minutes are used up, what is known is returned at the end of the time."""
    httpx_mock.add_response(url=SEARCH, json={"results": []}, is_reusable=True)
    with CoveoSearch(SOURCE, calls_per_five_minutes=3) as search:
        assert search.verify(YELLOW, timeout=150).findings == (Finding("missing item", "product://1"),)
    assert passing.waits == [30, 30]


def test_what_a_look_that_was_broken_off_found_counts(httpx_mock: HTTPXMock) -> None:
    """Of a look that was broken off, the items that it found count."""
    first, second = (f"product://{letter * 1_900}" for letter in "ab")
    expected: dict[str, dict[str, Any]] = {first: {}, second: {}}
    for found in ([], [], [item(first)]):
        httpx_mock.add_response(url=SEARCH, json={"results": found})
    with CoveoSearch(SOURCE, calls_per_five_minutes=4) as search:
        assert search.verify(expected, timeout=100).findings == (Finding("missing item", second),)


@pytest.mark.parametrize(
    ("results", "finding"),
    [
        ([], Finding("missing item", "product://1")),
        ([item("product://1", 4, color="Yellow")], Finding("old version", "product://1")),
        ([item("product://1")], Finding("missing field", "product://1", "color", "Yellow")),
        ([item("product://1", color="Red")], Finding("different value", "product://1", "color", "Yellow", "Red")),
    ],
    ids=["missing", "old", "no field", "other value"],
)
def test_what_is_not_as_it_was_sent_is_named(httpx_mock: HTTPXMock, results: list[Any], finding: Finding) -> None:
    """Law 9: each way to vanish has its own kind, and the time that Coveo is given ends."""
    httpx_mock.add_response(url=SEARCH, json={"results": results})
    found = CoveoSearch(SOURCE).verify(YELLOW, pushed=Push((5,)), timeout=0)
    assert (found.findings, found.is_complete) == ((finding,), False)
    assert str(finding) in str(found)
    assert json.loads(found.to_json())["matching"] == 0
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - pickled here


def test_why_an_item_may_be_missing_is_told_a_line_each(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """The reasons stand at the end of a printed report with a missing item, and of no other."""
    httpx_mock.add_response(url=SEARCH, json={"results": []})
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1")]})
    told = str(search.verify(YELLOW, timeout=0)).splitlines()
    assert told[1:3] == ["missing item: product://1", "an item may be missing because, the likeliest first:"]
    assert [line[:2] for line in told[3:]] == ["- "] * 5
    assert "an item may be missing" not in str(search.verify(YELLOW, timeout=0))


def test_an_id_that_cannot_be_asked_for_is_named(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """A double quote has no form in an expression: it is in no request, and no part of the syntax."""
    httpx_mock.add_response(url=SEARCH, json={"results": []})
    evil = 'product://1" OR @uri="'
    found = search.verify({evil: {}, "product://2": {}}, timeout=0)
    assert Finding("cannot be asked for", evil) in found.findings
    assert [body["aq"] for body in bodies(httpx_mock)] == ['@uri==("product://2","product://2/")']


def test_many_items_are_asked_for_in_several_calls(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """A call asks for a hundred items at most, and fewer where their ids are long."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)["aq"].removeprefix("@uri==(").removesuffix(")").split(",")
        return httpx.Response(200, json={"results": [item(one.strip('"')) for one in asked[1::2]]})

    httpx_mock.add_callback(answer, url=SEARCH, is_reusable=True)
    expected: dict[str, dict[str, Any]] = {f"product://{number}": {} for number in range(250)}
    assert search.verify(expected).matching == 250
    assert len(searches(httpx_mock)) == 3


def test_a_sample_looks_for_some(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """`sample=` looks for as many items of a large catalog, and for all of a small one."""
    httpx_mock.add_response(url=SEARCH, json={"results": []}, is_reusable=True)
    expected: dict[str, dict[str, Any]] = {f"product://{number}": {} for number in range(50)}
    found = search.verify(expected, sample=3, timeout=0)
    assert (found.items, found.given) == (3, 50)
    assert str(found).startswith("0 of 3 items are as they were sent, a sample of the 50 that were given")
    assert search.verify(expected, sample=99, timeout=0).items == 50


@pytest.mark.parametrize(
    "body",
    [
        {"exception": {"code": "QueryExceptionInvalidSyntax", "message": "bad"}, "results": []},
        {"errors": [{"message": "bad"}], "results": []},
        {"exception": "bad", "results": []},
        {"errors": ["bad"], "results": []},
        {"errors": {"code": "bad"}, "results": []},
        {"statusCode": 400, "message": "bad", "type": "InvalidQueryException"},
        {"errorCode": "X", "message": "bad", "results": []},
    ],
)
def test_an_error_inside_a_success_is_an_error(
    search: CoveoSearch, httpx_mock: HTTPXMock, body: dict[str, Any]
) -> None:
    """A 200 with an error in its body raises, and is not taken for missing items."""
    httpx_mock.add_response(url=SEARCH, json=body)
    with pytest.raises(CoveoRefused, match="bad"):
        search.read_back(["product://1"], [])


@pytest.mark.parametrize("body", [b"", b"{}", b'{"results": null, "totalCount": 5}', b'{"results": {}}'])
def test_an_answer_without_results_is_an_error(search: CoveoSearch, httpx_mock: HTTPXMock, body: bytes) -> None:
    """An answer without `results` raises, and is not taken for missing items."""
    httpx_mock.add_response(url=SEARCH, content=body)
    with pytest.raises(CoveoRefused, match="the body has no results"):
        search.verify(YELLOW)


@pytest.mark.parametrize("result", [None, 5, {}, {"uri": "product://1"}, {"raw": None}, {"raw": []}])
def test_a_result_that_is_no_item_is_an_error(search: CoveoSearch, httpx_mock: HTTPXMock, result: object) -> None:
    """A result without fields raises, and is not taken for a missing item."""
    httpx_mock.add_response(url=SEARCH, json={"results": [result], "totalCount": 1})
    with pytest.raises(CoveoRefused, match="a result without the fields of an item"):
        search.verify(YELLOW)


@pytest.mark.parametrize("counts", [{"totalCount": 3}, {"totalCount": 9, "totalCountFiltered": 3}])
def test_results_that_come_in_pages_are_all_read(
    search: CoveoSearch, httpx_mock: HTTPXMock, counts: dict[str, int]
) -> None:
    """Where Coveo gives fewer results than were asked for and are counted, the next ones are asked for."""
    expected: dict[str, dict[str, Any]] = {f"product://{number}": {} for number in range(3)}
    uris = list(expected)
    httpx_mock.add_response(url=SEARCH, json={"results": [item(uri) for uri in uris[:2]], **counts})
    httpx_mock.add_response(url=SEARCH, json={"results": [item(uris[2])], **counts})
    assert search.verify(expected).is_complete
    asked = [(body.get("firstResult"), body["numberOfResults"]) for body in bodies(httpx_mock)]
    assert asked == [(None, 1000), (2, 998)]


@pytest.mark.parametrize("later", [[], [item("product://1")]], ids=["none", "the same"])
def test_fewer_results_than_are_counted_are_an_error(
    search: CoveoSearch, httpx_mock: HTTPXMock, later: list[Any]
) -> None:
    """Results that are counted and do not come, or come again, raise, and are not taken for missing items."""
    for results in ([item("product://1")], later):
        httpx_mock.add_response(url=SEARCH, json={"results": results, "totalCount": 5})
    with pytest.raises(CoveoRefused, match="of the 5 results that it counts"):
        search.read_back(["product://1", "product://2"], [])


def test_a_look_that_gives_fewer_than_it_counts_is_followed_by_another(
    search: CoveoSearch, httpx_mock: HTTPXMock
) -> None:
    """An answer that counts more than it gives ends no `verify`: what was seen before stays, what follows counts."""
    both = {**YELLOW, "product://2": {"color": "Red"}}
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1", color="Yellow")]})
    httpx_mock.add_response(url=SEARCH, json={"results": [], "totalCount": 1})
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://2", color="Red")], "totalCount": 1})
    assert search.verify(both).is_complete
    assert [body["aq"].count("product://1") for body in bodies(httpx_mock)] == [2, 0, 0]


def test_what_gives_fewer_than_it_counts_is_asked_for_again_alone(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """Of a look with one such answer the other answers count, and only what that one was about is asked for again."""
    first, second = (f"product://{letter * 1_900}" for letter in "ab")
    expected: dict[str, dict[str, Any]] = {first: {}, second: {}}
    httpx_mock.add_response(url=SEARCH, json={"results": [], "totalCount": 1})
    httpx_mock.add_response(url=SEARCH, json={"results": [item(second)], "totalCount": 1})
    httpx_mock.add_response(url=SEARCH, json={"results": [item(first)], "totalCount": 1})
    assert search.verify(expected).is_complete
    assert [first in body["aq"] for body in bodies(httpx_mock)] == [True, False, True]


def test_fewer_results_than_are_counted_are_an_error_at_the_end_of_the_time(
    search: CoveoSearch, httpx_mock: HTTPXMock, passing: PassingTime
) -> None:
    """What Coveo counts and does not give until the last look raises, and is not taken for missing items."""
    httpx_mock.add_response(url=SEARCH, json={"results": []})
    httpx_mock.add_response(url=SEARCH, json={"results": [], "totalCount": 1}, is_reusable=True)
    with pytest.raises(CoveoRefused, match="no more than 0 of the 1 results that it counts") as raised:
        search.verify(YELLOW, timeout=10)
    assert passing.monotonic() == pytest.approx(10)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301 - pickled here


def test_a_last_look_that_was_broken_off_settles_nothing(httpx_mock: HTTPXMock, passing: PassingTime) -> None:
    """When the last finished look gave fewer results than it counted, that raises, although one more was begun."""
    httpx_mock.add_response(url=SEARCH, json={"results": []})
    httpx_mock.add_response(url=SEARCH, json={"results": [], "totalCount": 1})
    client = CoveoSearch(SOURCE, calls_per_five_minutes=3)
    with client, pytest.raises(CoveoRefused, match="results that it counts"):
        client.verify(YELLOW, timeout=150)
    assert passing.waits == [30, 30]


def test_a_variant_is_looked_at_again_when_more_was_counted(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """That a variant is no result of its own is said after an answer that gives all that it counts."""
    httpx_mock.add_response(url=CATALOG_CALL, status_code=404)
    httpx_mock.add_response(url=SEARCH, json={"results": [], "totalCount": 1})
    httpx_mock.add_response(url=SEARCH, json={"results": []})
    found = search.verify({"variant://1": {"objecttype": "Variant"}})
    assert [one.kind for one in found.findings] == ["no result of its own"]
    assert len(searches(httpx_mock)) == 2


TOO_LONG = b" " * 32_000_001


def test_what_is_too_long_for_one_answer_is_asked_for_in_halves(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """Items whose answer is over 32 MB together are asked for in halves, until the answers can be read."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = [number for number in range(5) if f'"product://{number}"' in json.loads(request.content)["aq"]]
        results = [item(f"product://{number}") for number in asked]
        return (
            httpx.Response(200, json={"results": results}) if len(asked) < 3 else httpx.Response(200, content=TOO_LONG)
        )

    httpx_mock.add_callback(answer, url=SEARCH, is_reusable=True)
    ids = [f"product://{number}" for number in range(5)]
    assert list(search.read_back(ids, [])) == ids
    assert [body["aq"].count("product:") // 2 for body in bodies(httpx_mock)] == [5, 2, 3, 1, 2]
    expected: dict[str, dict[str, Any]] = {one: {} for one in ids}
    assert search.verify(expected, timeout=0).is_complete


def test_an_item_that_is_too_long_for_an_answer_is_told(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """One item alone with more than is read raises an error that names it and what to do, without another try."""
    httpx_mock.add_response(url=SEARCH, content=TOO_LONG)
    with pytest.raises(NoReply) as raised:
        search.read_back(["product://1"], [])
    assert str(raised.value) == (
        "search for items: the answer is longer than 32,000,000 bytes for product://1 alone: ask for fewer fields "
        "(platform.cloud.coveo.com)"
    )


def test_no_more_results_are_wanted_than_a_call_may_give(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """Of items of the same id in very many sources a thousand are read."""
    results = [item("product://1", number) for number in range(1_000)]
    httpx_mock.add_response(url=SEARCH, json={"results": results, "totalCount": 5_000})
    assert search.read_back(["product://1"], [])["product://1"]["orderingid"] == 999


def test_what_is_gone_in_a_later_look_is_missing(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An item with an old value in the first look, and in none after it, is missing, whatever it was."""
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1", color="Red")]})
    httpx_mock.add_response(url=SEARCH, json={"results": []}, is_reusable=True)
    assert search.verify(YELLOW, timeout=1).findings == (Finding("missing item", "product://1"),)


@pytest.mark.parametrize(
    "body", [{}, {"facets": None}, {"facets": [{"values": [{"value": "a", "numberOfResults": "x"}]}]}]
)
def test_an_answer_without_counts_is_an_error(search: CoveoSearch, httpx_mock: HTTPXMock, body: dict[str, Any]) -> None:
    """An answer without `facets` raises, and is not taken for a field without values."""
    httpx_mock.add_response(url=SEARCH, json=body)
    with pytest.raises(CoveoRefused, match="read the values of"):
        search.facet("color")


def test_a_missing_privilege_is_named(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """A 403 says which privilege is lacking, and the key is in no message."""
    httpx_mock.add_response(url=SEARCH, status_code=403, json={"message": "no", "errorCode": "ACCESS_DENIED"})
    with pytest.raises(AccessRefused, match="Execute queries") as raised:
        search.read_back(["product://1"], [])
    assert "xx-platform" not in str(raised.value)


def test_the_values_of_a_field_are_counted(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """The values of a field come with their counts, the most frequent first."""
    values = [{"value": "Red", "numberOfResults": 2}, {"value": "Yellow", "numberOfResults": 9}]
    httpx_mock.add_response(url=SEARCH, json={"results": [], "facets": [{"field": "color", "values": values}]})
    assert list(search.facet("color", expression="@kind==kayak").items()) == [("Yellow", 9), ("Red", 2)]
    (body,) = bodies(httpx_mock)
    assert (body["aq"], body["numberOfResults"], body["facets"][0]["field"]) == ("@kind==kayak", 0, "color")


@pytest.mark.parametrize("most", [0, 1_001, True])
def test_a_number_of_values_out_of_its_range_is_refused(search: CoveoSearch, most: int) -> None:
    """More than a thousand values, or none, are not asked for."""
    with pytest.raises(ConfigurationError, match="most must be a whole number, from 1 to 1,000"):
        search.facet("color", most=most)


@given(st.text())
def test_no_value_becomes_a_part_of_the_syntax(value: str) -> None:
    """In an expression a value stands between two double quotes and holds none, or it is refused."""
    if can_be_quoted(value):
        assert is_any_of("f", [value]) == f'@f=="{value}"'
        assert '"' not in value
    else:
        with pytest.raises(ValueError, match="cannot be asked for"):
            is_any_of("f", [value])


@example([f"product://{number:040}" for number in range(100)])
@given(st.lists(st.text("ab/é", min_size=1, max_size=2_500), max_size=250))
def test_a_group_of_ids_is_neither_too_long_nor_too_many(ids: list[str]) -> None:
    """Groups hold all ids that can be asked for, in their order; no expression is too long, with both forms of each."""
    groups = list(groups_of(ids))
    assert [one for group in groups for one in group] == [one for one in ids if len(with_one_of([one])) <= LONGEST]
    assert all(len(group) <= 100 for group in groups)
    assert all(len(with_one_of(group)) <= LONGEST for group in groups)


def test_an_id_that_is_too_long_to_be_asked_for_is_named(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An id that no expression holds is in no request, and is not taken for a missing item."""
    long = f"product://{'a' * 5_000}"
    assert search.verify({long: {}}).findings == (Finding("cannot be asked for", long),)
    assert not httpx_mock.get_requests()


@pytest.mark.parametrize("options", [{"poll_seconds": -1}, {"calls_per_five_minutes": 0}])
def test_a_value_out_of_its_range_is_refused(options: dict[str, Any]) -> None:
    """A value out of its range raises at once."""
    with pytest.raises(ConfigurationError):
        CoveoSearch(SOURCE, **options)


@pytest.mark.parametrize(
    "body",
    [
        {"exception": {"message": "token xx-platform is bad"}},
        {"exception": {"code": "xx-platform", "message": "bad"}},
        {"errors": [{"message": "xx-platform" * 999}]},
        {"errors": ["xx-platform"]},
    ],
)
def test_no_key_is_in_a_message_of_a_search(search: CoveoSearch, httpx_mock: HTTPXMock, body: dict[str, Any]) -> None:
    """Law 13: what Coveo says inside a success is shown without the key, and not without end."""
    httpx_mock.add_response(url=SEARCH, json=body)
    with pytest.raises(CoveoRefused) as raised:
        search.read_back(["product://1"], [])
    assert "xx-platform" not in str(raised.value)
    assert "xx-platform" not in repr(raised.value)
    assert len(str(raised.value)) < 1_000


def test_the_key_that_was_sent_is_the_one_that_is_not_shown(httpx_mock: HTTPXMock) -> None:
    """Law 13: also where the callable gives another one each time."""
    keys = count()
    source = attrs.evolve(SOURCE, platform_key=lambda: f"key-{next(keys)}")

    def echo(request: httpx.Request) -> httpx.Response:
        told = request.headers["Authorization"]
        return httpx.Response(200, json={"exception": {"code": told, "message": told}})

    httpx_mock.add_callback(echo, url=SEARCH)
    with CoveoSearch(source) as search, pytest.raises(CoveoRefused) as raised:
        search.verify(YELLOW)
    assert "key-" not in f"{raised.value} {raised.value!r}"
    assert str(raised.value).count("(the key)") == 2


def test_ids_that_differ_by_a_slash_or_case_are_told_apart(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An item is that of the id that it has, and of one in other letters only where none has it."""
    found = [item("product://x/a/", color="1"), item("product://x/A", color="2"), item("product://Y", color="3")]
    httpx_mock.add_response(url=SEARCH, json={"results": found})
    shown = search.read_back(["product://x/a", "product://x/A", "product://y"], ["color"])
    assert {one: fields["color"] for one, fields in shown.items()} == {
        "product://x/a": "1",
        "product://x/A": "2",
        "product://y": "3",
    }


def test_what_proves_no_push_is_refused_or_old(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """A receipt without an orderingId cannot tell items of its push, nor can an item without one be told."""
    with pytest.raises(ConfigurationError, match="no orderingId"):
        search.verify(YELLOW, pushed=Push(()))
    with pytest.raises(ConfigurationError, match="CloseOutcomeUnknown"):
        search.verify(YELLOW, pushed=Push(()))
    with pytest.raises(ConfigurationError, match="timeout"):
        search.verify(YELLOW, timeout=float("nan"))
    bare = {"uri": "product://1", "raw": {"uri": "product://1", "color": "Yellow"}}
    httpx_mock.add_response(url=SEARCH, json={"results": [bare]})
    assert search.verify(YELLOW, pushed=Push((5,)), timeout=0).findings == (Finding("old version", "product://1"),)


def test_keys_of_an_item_are_not_looked_for(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """Keys of an item that are no fields are passed over, so that whole documents may be given."""
    httpx_mock.add_response(url=SEARCH, json={"results": [item("product://1", color="Yellow")]})
    whole = {"documentId": "product://1", "data": "<html>", "fileExtension": ".html", "color": "Yellow"}
    assert search.verify({"product://1": whole}).is_complete


def test_where_nothing_is_looked_for_nothing_is_proven(search: CoveoSearch, httpx_mock: HTTPXMock) -> None:
    """An empty mapping of items, mostly a mistake, is not complete."""
    found = search.verify({})
    assert (found.is_complete, found.may_change) == (False, False)
    assert str(found) == "no item was given to be looked for"
    assert httpx_mock.get_requests() == []


OTHERS = [item("product://1", 9, color="Red"), item("product://1", 5, color="Yellow"), item("product://1", 7)]


@pytest.mark.parametrize("results", [OTHERS, OTHERS[::-1]], ids=["in order", "backwards"])
def test_of_several_items_of_one_id_the_one_of_the_push_is_compared(
    search: CoveoSearch, httpx_mock: HTTPXMock, results: list[dict[str, Any]]
) -> None:
    """Of items of one id in several sources that of the push is compared, or without a receipt the most alike."""
    httpx_mock.add_response(url=SEARCH, json={"results": results}, is_reusable=True)
    assert search.verify(YELLOW, timeout=0).is_complete
    assert search.verify(YELLOW, pushed=Push((5,)), timeout=0).is_complete
    other = search.verify(YELLOW, pushed=Push((9, 8)), timeout=0)
    assert other.findings == (Finding("different value", "product://1", "color", "Yellow", "Red"),)
    assert search.verify(YELLOW, pushed=Push((7,)), timeout=0).findings[0].kind == "missing field"
    assert search.read_back(["product://1"], ["color"])["product://1"]["color"] == "Red"


def test_an_item_in_other_letters_does_not_take_the_place_of_one_in_the_same(
    search: CoveoSearch, httpx_mock: HTTPXMock
) -> None:
    """An item whose id differs in case does not take the place of the exact one, in whichever order they come."""
    found = [item("product://x/A/", color="Yellow"), item("product://X/a/", color="Red")]
    httpx_mock.add_response(url=SEARCH, json={"results": found})
    assert search.verify({"product://x/A": {"color": "Yellow"}}, timeout=0).is_complete
