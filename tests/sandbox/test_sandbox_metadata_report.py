"""The metadata report: what a sample of a source's items says, and what of it would be indexed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from sandbox_caller import Caller, batch

from coveo_enrich.sandbox.access import Privilege

KAYAKS = (
    {"documentId": "product://1", "ec_name": "Kayak", "kayak_type": "tandem", "hue": ["Red", "Blue"]},
    {"documentId": "product://2", "ec_name": "Kayak", "hue": ["Red"], "weight_of_it": 21.5},
)


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox that was sent two kayaks, and fills ``ec_color`` from ``hue``."""
    with Caller.running() as caller:
        rule = {"field": "ec_color", "content": ["%[hue]"]}
        assert caller.post(path(caller, "/mappings/common/rules"), json=rule).status_code == 201
        caller.load(batch(*KAYAKS))
        yield caller


def path(coveo: Caller, rest: str) -> str:
    """A path under the source."""
    return f"{coveo.organization_path}/sources/{coveo.sandbox.connection['source_id']}{rest}"


def get(coveo: Caller, rest: str, **query: object) -> httpx.Response:
    """Call by GET."""
    params = {key: str(value) for key, value in query.items()}
    return coveo.http.get(path(coveo, rest), headers=coveo.headers, params=params)


def start(coveo: Caller) -> None:
    """Ask for a report, and wait until it is there."""
    answer = coveo.post(path(coveo, "/metadata"))
    assert (answer.status_code, answer.content) == (204, b"")
    while get(coveo, "/metadata/status").json()["reportGenerationInProgress"]:
        pass


def report(coveo: Caller, **query: object) -> dict[str, Any]:
    """A page of the report that is there."""
    answer = get(coveo, "/metadata", **query)
    assert answer.status_code == 200
    page: dict[str, Any] = answer.json()
    return page


def keys(coveo: Caller, **query: object) -> list[str]:
    """The keys on a page of the report."""
    return [item["key"] for item in report(coveo, **query)["items"]]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of an error."""
    return answer.status_code, answer.json()["errorCode"]


def test_a_report_names_every_metadata_with_its_values(coveo: Caller) -> None:
    """How often each came, its values with the most frequent first, and whence."""
    start(coveo)
    items = {item["key"]: item for item in report(coveo)["items"]}
    assert list(items) == ["ec_name", "hue", "kayak_type", "weight_of_it"]
    assert items["hue"]["count"] == 2
    assert items["hue"]["values"] == [{"metadataValue": "Red", "count": 2}, {"metadataValue": "Blue", "count": 1}]
    assert items["weight_of_it"]["values"] == [{"metadataValue": 21.5, "count": 1}]
    assert {item["origin"] for item in items.values()} == {"crawler"}


def test_a_report_tells_what_vanishes(coveo: Caller) -> None:
    """``indexedBy`` is the field of the name, or a rule, or NONE for what is dropped."""
    start(coveo)
    found = {item["key"]: (item["indexedBy"], item["isMapped"]) for item in report(coveo)["items"]}
    assert found == {
        "ec_name": ("FIELD", False),
        "hue": ("MAPPING", True),
        "kayak_type": ("NONE", False),
        "weight_of_it": ("NONE", False),
    }
    assert {piece.key for piece in coveo.sandbox.dropped()} == {"kayak_type", "weight_of_it"}


def test_a_report_speaks_of_the_time_when_it_was_asked_for(coveo: Caller) -> None:
    """A field that is made later is in the next one, which proves nothing about the index: nothing was sent again."""
    start(coveo)
    coveo.sandbox.create_field("kayak_type")
    assert report(coveo, filter="kayak_type")["items"][0]["indexedBy"] == "NONE"
    start(coveo)
    assert report(coveo, filter="kayak_type")["items"][0]["indexedBy"] == "FIELD"
    assert "kayak_type" not in coveo.sandbox.items()[0]


def test_a_report_goes_by_the_types_of_the_items(coveo: Caller) -> None:
    """A rule of a type is for its items; where a rule fills the field otherwise, the metadata of its name is lost."""
    types = {"type": "Variant", "rules": [{"field": "ec_name", "content": ["%[kayak_type]"]}]}
    assert coveo.post(path(coveo, "/mappings/types"), json=types).status_code == 201
    coveo.load(batch({**KAYAKS[0], "objecttype": "Variant"}))
    coveo.sandbox.advance(minutes=15)
    start(coveo)
    found = {item["key"]: item["indexedBy"] for item in report(coveo)["items"]}
    assert (found["kayak_type"], found["ec_name"], found["objecttype"]) == ("MAPPING", "NONE", "FIELD")


def test_a_report_has_to_be_asked_and_waited_for(coveo: Caller) -> None:
    """It is being made until its status was asked for once, and until then there is none."""
    there = {"sampleAvailable": True, "reportGenerationInProgress": False, "reportAvailable": False}
    assert get(coveo, "/metadata/status").json() == there
    assert refusal(get(coveo, "/metadata")) == (404, "METADATA_REPORT_NOT_FOUND")
    coveo.post(path(coveo, "/metadata")).raise_for_status()
    assert refusal(get(coveo, "/metadata")) == (404, "METADATA_REPORT_NOT_FOUND")
    assert get(coveo, "/metadata/status").json() == {**there, "reportGenerationInProgress": True}
    assert get(coveo, "/metadata/status").json() == {**there, "reportAvailable": True}
    assert get(coveo, "/metadata").status_code == 200


def test_a_report_is_kept_for_a_day(coveo: Caller) -> None:
    """By the sandbox's clock; it says so itself."""
    start(coveo)
    page = report(coveo)
    assert page["expirationDate"] - page["creationDate"] == 24 * 60 * 60 * 1000
    assert (page["sampledDocumentCount"], page["documentErrorCount"]) == (2, 0)
    coveo.sandbox.advance(minutes=24 * 60)
    assert refusal(get(coveo, "/metadata")) == (404, "METADATA_REPORT_NOT_FOUND")
    assert get(coveo, "/metadata/status").json()["reportAvailable"] is False


def test_there_is_no_report_without_a_sample() -> None:
    """The status says so, and asking for one is refused."""
    with Caller.running() as coveo:
        assert get(coveo, "/metadata/status").json()["sampleAvailable"] is False
        assert refusal(coveo.post(path(coveo, "/metadata"))) == (412, "INVALID_PARAMETER")


def test_a_report_comes_in_pages(coveo: Caller) -> None:
    """They count from 0, hold 100 keys unless it is said otherwise, and together each key once."""
    start(coveo)
    first = report(coveo, perPage=3)
    assert (first["totalEntries"], first["totalPages"]) == (4, 2)
    assert keys(coveo, page=0, perPage=3) + keys(coveo, page=1, perPage=3) == keys(coveo)


def test_a_report_can_be_filtered(coveo: Caller) -> None:
    """By a part of the key, of 2 characters at least and whatever their case."""
    start(coveo)
    assert keys(coveo, filter="kA") == ["kayak_type"]
    assert keys(coveo, filter="nobody") == []
    assert refusal(get(coveo, "/metadata", filter="k")) == (400, "INVALID_PARAMETER")


def test_a_report_can_be_sorted(coveo: Caller) -> None:
    """By what it tells of a key, either way; keys that are alike in it stay in their order."""
    start(coveo)
    assert keys(coveo, sortBy="key", order="DESC") == ["weight_of_it", "kayak_type", "hue", "ec_name"]
    assert keys(coveo, sortBy="count") == ["kayak_type", "weight_of_it", "ec_name", "hue"]
    assert keys(coveo, sortBy="isMapped", order="DESC")[0] == "hue"


@pytest.mark.parametrize(
    "query", [{"page": -1}, {"page": "x"}, {"perPage": 0}, {"perPage": 1001}, {"sortBy": "values"}, {"order": "UP"}]
)
def test_a_page_that_cannot_be_is_refused(coveo: Caller, query: dict[str, object]) -> None:
    """400, with a reason."""
    start(coveo)
    assert refusal(get(coveo, "/metadata", **query)) == (400, "INVALID_PARAMETER")


def test_the_sample_follows_what_is_sent(coveo: Caller) -> None:
    """A new version takes the place of the old one, updates and merges add to it, and what leaves is gone."""
    coveo.update(addOrUpdate=[{"documentId": "product://1", "shade": "Lemon"}])
    change = {"documentId": "product://1", "operator": "fieldValueReplace", "field": "ec_brand", "value": "Barca"}
    coveo.update(partialUpdate=[change])
    coveo.update("merge", addOrMerge=[{"documentId": "product://1", "finish": "matt"}])
    coveo.update(delete=[{"documentId": "product://2"}])
    start(coveo)
    assert keys(coveo) == ["ec_brand", "finish", "shade"]
    coveo.load(batch({"documentId": "product://3", "ec_name": "Canoe"}))
    coveo.sandbox.advance(minutes=15)
    start(coveo)
    assert keys(coveo) == ["ec_name"]


def test_the_sample_has_a_thousand_items() -> None:
    """The first ones, so that what only a later item says is not in the report."""
    with Caller.running() as coveo:
        items = [{"documentId": f"product://{number}", "seen": True} for number in range(1_000)]
        coveo.load(batch(*items, {"documentId": "product://late", "unseen": True}))
        start(coveo)
        assert (keys(coveo), report(coveo)["sampledDocumentCount"]) == (["seen"], 1_000)


def test_the_sample_has_no_large_items() -> None:
    """Those above 100,000 bytes are left out, also when they take the place of a small one."""
    with Caller.running() as coveo:
        small = {"documentId": "product://1", "seen": True}
        coveo.load(batch(small, {"documentId": "product://2", "unseen": "x" * 100_000}))
        start(coveo)
        assert (keys(coveo), report(coveo)["sampledDocumentCount"]) == (["seen"], 1)
        coveo.load(batch({**small, "unseen": "x" * 100_000}, {"documentId": "product://3", "small": True}))
        start(coveo)
        assert keys(coveo) == ["small"]


def test_the_sample_is_there_after_a_restart(tmp_path: Path) -> None:
    """With the other data; the report itself is made again."""
    with Caller.running(data=tmp_path / "sandbox.sqlite") as coveo:
        coveo.load(batch(*KAYAKS))
        start(coveo)
    with Caller.running(data=tmp_path / "sandbox.sqlite") as coveo:
        assert get(coveo, "/metadata").status_code == 404
        start(coveo)
        assert keys(coveo) == ["ec_name", "hue", "kayak_type", "weight_of_it"]


def test_a_value_beyond_json_is_written_as_text(coveo: Caller) -> None:
    """A batch may hold a number that is too large for any field; the report is JSON all the same."""
    coveo.load(b'{"addOrUpdate": [{"documentId": "product://1", "ec_price": 1e999}]}')
    start(coveo)
    assert report(coveo, filter="ec_price")["items"][0]["values"] == [{"metadataValue": "inf", "count": 1}]


@pytest.mark.parametrize("privilege", ["SOURCE_EDIT", "SOURCE_METADATA_VIEW"])
@pytest.mark.parametrize(("method", "rest"), [("POST", ""), ("GET", ""), ("GET", "/status")])
def test_a_report_needs_both_privileges(coveo: Caller, method: str, rest: str, privilege: Privilege) -> None:
    """403 with a key that has all but one of them; without a key, 401."""
    key = coveo.sandbox.create_api_key(*(other for other in get_args(Privilege) if other != privilege))
    headers = {**coveo.headers, "Authorization": f"Bearer {key}"}
    there = path(coveo, f"/metadata{rest}")
    assert refusal(coveo.http.request(method, there, headers=headers)) == (403, "ACCESS_DENIED")
    assert refusal(coveo.http.request(method, there)) == (401, "UNAUTHORIZED")


def test_a_fault_can_be_ordered_for_the_report(coveo: Caller) -> None:
    """It strikes each of its calls."""
    coveo.sandbox.fail("metadata", 503, times=2)
    assert coveo.post(path(coveo, "/metadata")).status_code == 503
    assert get(coveo, "/metadata/status").status_code == 503
    assert get(coveo, "/metadata/status").json()["reportGenerationInProgress"] is False
