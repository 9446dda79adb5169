"""`FieldClient` over the wire: what it asks, what it makes, and what it leaves alone."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from coveo_enrich import CoveoSource, RetryPolicy
from coveo_enrich.errors import AccessRefused, ConfigurationError, CoveoRefused, FieldsInConflict
from coveo_enrich.index import AppliedFields, CatalogNote, FieldClient, FieldNeed, FieldPlan

CATALOG = "https://platform.cloud.coveo.com/rest/organizations/myorg/catalogconfigurations/source/src"
PLATFORM = "https://platform.cloud.coveo.com/rest/organizations/myorg"
SOURCE = CoveoSource(organization_id="myorg", source_id="src", api_key="xx-push", platform_key="xx-platform")
COLOR = FieldNeed("color", facet=True, free_text=True)
CONFIGURATION = {
    "id": "c-1",
    "product": {"objectType": "Product", "idField": "ec_product_id"},
    "variant": {"objectType": "Sku", "idField": "SKU_id"},
    "fieldsMapping": {},
}
EXISTS = {"message": "Field color already exists.", "errorCode": "FIELD_ALREADY_EXISTS"}


@pytest.fixture
def client() -> Iterator[FieldClient]:
    """A client that waits for nothing."""
    with FieldClient(SOURCE, retry=RetryPolicy(attempts=2, first_wait_seconds=0)) as one:
        yield one


def page(*models: dict[str, Any], pages: int = 1) -> dict[str, Any]:
    """A page of the list of fields."""
    return {"items": list(models), "totalEntries": len(models), "totalPages": pages}


def answers(mock: HTTPXMock, *pages: dict[str, Any], rules: Any = (), report: Any = None) -> None:  # noqa: ANN401 - as Coveo answers
    """Have Coveo answer what a plan asks for."""
    for one in pages:
        mock.add_response(url=f"{PLATFORM}/indexes/fields/search", method="POST", json=one)
    mock.add_response(url=f"{PLATFORM}/sources/src/mappings", json={"common": {"rules": list(rules)}, "types": []})
    if any(one["items"] for one in pages):
        status = 200 if report is not None else 404
        mock.add_response(
            url=f"{PLATFORM}/sources/src/metadata?page=0&perPage=100", json=report or {}, status_code=status
        )


def none_there(mock: HTTPXMock) -> None:
    """Have none of the fields be there when they are first looked for."""
    mock.add_response(url=f"{PLATFORM}/indexes/fields/search", method="POST", json=page())


def bodies(mock: HTTPXMock, path: str) -> list[Any]:
    """What was sent to a path."""
    return [json.loads(one.content) for one in mock.get_requests() if one.url.path.endswith(path)]


def test_a_plan_asks_for_the_fields_that_are_needed_and_the_rules(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A plan asks for its fields by name and for the rules, with the broader key, and changes nothing."""
    answers(httpx_mock, page())
    plan = client.plan([COLOR])
    assert plan == FieldPlan(to_create=(COLOR,))
    (search,) = bodies(httpx_mock, "/fields/search")
    assert search == {
        "page": 0,
        "perPage": 1000,
        "sortBy": "name",
        "order": "ASC",
        "filters": {"fieldNames": ["color"]},
    }
    assert {one.headers["authorization"] for one in httpx_mock.get_requests()} == {"Bearer xx-platform"}


def test_a_plan_reads_every_page_and_passes_over_other_fields(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A plan reads every page, and passes over fields of other names, which come where the filter is not heeded."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    answers(httpx_mock, page({"name": "other"}, pages=2), page(color, pages=2))
    assert client.plan([COLOR]).right == ("color",)
    assert [body["page"] for body in bodies(httpx_mock, "/fields/search")] == [0, 1]


def test_what_the_report_says_vanishes_is_to_be_mapped(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Metadata that the metadata report of the source shows as indexed nowhere is to be mapped."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    report = {"items": [{"key": "color", "isMapped": False, "indexedBy": "NONE"}], "totalPages": 1}
    answers(httpx_mock, page(color), report=report)
    plan = client.plan([COLOR])
    assert (plan.to_map, plan.is_ready, plan.loses_values) == (("color",), False, True)


def test_the_report_is_read_by_case(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """What the report says of a key in other letters says nothing of the one that is sent."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    answers(httpx_mock, page(color), report={"items": [{"key": "Color", "indexedBy": "NONE"}], "totalPages": 1})
    assert client.plan([COLOR]).is_ready


@pytest.mark.parametrize(
    ("ways", "to_map"),
    [
        (["NONE", "NONE"], ("color",)),
        (["NONE", "MAPPING"], ("color",)),
        (["NONE", "FIELD"], ()),
        (["FIELD", "NONE"], ()),
    ],
)
def test_an_old_report_maps_nothing(
    client: FieldClient, httpx_mock: HTTPXMock, ways: list[str], to_map: tuple[str, ...]
) -> None:
    """A report that shows any metadata indexed by its name maps nothing, as it may be older than a field."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    items = [{"key": key, "indexedBy": way} for key, way in zip(("color", "ec_name"), ways, strict=True)]
    answers(httpx_mock, page(color), report={"items": items, "totalPages": 1})
    assert client.plan([COLOR]).to_map == to_map


def test_a_report_with_long_pages_is_read(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A page that has the values of a hundred metadata may be some megabytes long."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    report = {"items": [{"key": "color", "indexedBy": "NONE", "values": ["a" * 2_000_000]}], "totalPages": 1}
    answers(httpx_mock, page(color), report=report)
    assert client.plan([COLOR]).to_map == ("color",)


def test_a_report_that_is_too_long_is_none(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A report that is longer than is read is asked for once, and stops no plan: it is a help only."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    httpx_mock.add_response(url=f"{PLATFORM}/indexes/fields/search", method="POST", json=page(color))
    httpx_mock.add_response(url=f"{PLATFORM}/sources/src/mappings", json={"common": {"rules": []}, "types": []})
    url = f"{PLATFORM}/sources/src/metadata?page=0&perPage=100"
    httpx_mock.add_response(url=url, content=b" " * 32_000_001)
    assert client.plan([COLOR]).right == ("color",)


DOCUMENTS: list[dict[str, Any]] = [
    {"documentId": "product://1", "objecttype": "Product", "ec_product_id": "1", "empty": ""},
    {"documentId": "variant://1", "objecttype": "Sku", "ec_product_id": "1", "sku_id": "2", "Color": "Red"},
    {"documentId": "variant://2", "objecttype": "Sku", "empty": "not"},
]


def test_a_plan_for_documents_knows_the_catalog(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A plan for documents names what only variants hold, and types not listed, by the names of the configuration."""
    answers(httpx_mock, page())
    httpx_mock.add_response(url=CATALOG, json=CONFIGURATION)
    plan = client.plan([*DOCUMENTS, {"documentId": "b://1", "objecttype": "Bundle"}, {"documentId": "b://2"}])
    assert plan.catalog == (
        CatalogNote("unlisted type", "Bundle"),
        CatalogNote("only in variants", "color"),
        CatalogNote("only in variants", "empty"),
    )
    assert (plan.is_ready, plan.loses_values) == (False, True)
    assert "only in variants: color: no product in the sample has it; put it on the products" in str(plan)
    assert "unlisted type: Bundle: no search finds items of this objecttype; list it in" in str(plan)
    assert "Bundle" in plan._repr_html_()  # pyright: ignore[reportPrivateUsage] - what notebooks call
    assert {"kind": "unlisted type", "name": "Bundle"} in json.loads(plan.to_json())["catalog"]


def test_of_a_sample_without_products_the_same_is_said(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """No product of a sample of variants has a field of theirs; ids tell items of all kinds apart, and are none."""
    answers(httpx_mock, page())
    httpx_mock.add_response(url=CATALOG, json=CONFIGURATION)
    notes = client.plan([{**DOCUMENTS[1], "permanentid": "2"}, DOCUMENTS[2]]).catalog
    assert notes == (CatalogNote("only in variants", "color"), CatalogNote("only in variants", "empty"))


def test_what_only_availabilities_hold_is_told(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A field that only availabilities hold finds no product either; the ids that they list are no such field."""
    answers(httpx_mock, page())
    shop = {"objectType": "Shop", "idField": "shop_id", "availableSkusField": "has"}
    httpx_mock.add_response(url=CATALOG, json={**CONFIGURATION, "availability": shop})
    there = {"documentId": "s://1", "objecttype": "Shop", "shop_id": "1", "has": ["1"], "town": "Quebec"}
    assert client.plan([DOCUMENTS[0], there]).catalog == (CatalogNote("only in variants", "town"),)


def test_of_items_without_a_type_no_catalog_is_missed(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Without a catalog, items with an `objecttype` are not found; of others nothing is documented, or said."""
    answers(httpx_mock, page())
    httpx_mock.add_response(url=CATALOG, status_code=404, json={"errorCode": "CATALOG_CONFIGURATION_NOT_FOUND"})
    assert client.plan([{"documentId": "product://1", "color": "Red"}]).catalog == ()


def test_a_source_without_a_catalog_is_told(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Without a catalog the plan says so; what only variants hold is told by their usual name."""
    answers(httpx_mock, page())
    httpx_mock.add_response(url=CATALOG, status_code=404, json={"errorCode": "CATALOG_CONFIGURATION_NOT_FOUND"})
    usual = {"documentId": "variant://1", "objecttype": "Variant", "ec_variant_id": "2", "color": "Red"}
    plan = client.plan([DOCUMENTS[0], usual])
    assert plan.catalog == (CatalogNote("no catalog"), CatalogNote("only in variants", "color"))
    assert "no search finds items with an objecttype; create a catalog entity for the source" in str(plan)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"errorCode": "ACCESS_DENIED"}),
        (401, {"errorCode": "UNAUTHORIZED"}),
        (200, {}),
        (200, {"product": 5}),
    ],
)
def test_a_catalog_that_cannot_be_read_stops_no_plan(
    client: FieldClient, httpx_mock: HTTPXMock, status: int, body: dict[str, Any]
) -> None:
    """A key that may not read the catalog gets a plan that says so, and that is ready once its fields are there."""
    answers(httpx_mock, page())
    httpx_mock.add_response(url=CATALOG, status_code=status, json=body)
    (note,) = client.plan([{"documentId": "product://1", "objecttype": "Product"}]).catalog
    assert note.kind == "not looked at"
    assert ("Catalogs: View" in note.name) == (status in (401, 403))
    assert FieldPlan(catalog=(note,)).is_ready
    assert str(FieldPlan(catalog=(note,))).startswith("not looked at: ")


def test_documents_tell_their_needs(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A sample of documents will do in place of needs, and mixed types stand among the conflicts only."""
    answers(httpx_mock, page())
    httpx_mock.add_response(url=CATALOG, json=CONFIGURATION)
    documents: list[dict[str, Any]] = [
        {"documentId": "product://1", "weight": 5, "seats": 2},
        {"documentId": "product://2", "weight": "light"},
    ]
    plan = client.plan(documents)
    assert plan.to_create == (FieldNeed("seats", type="LONG", facet=True),)
    assert plan.reserved == ("documentid",)
    assert [conflict.has for conflict in plan.conflicts] == ["LONG in 1, STRING in 1"]


@pytest.mark.parametrize("needs", [[COLOR, {}], ["color"], "color", {"color": 1}, None, 5, COLOR])
def test_what_are_no_needs_is_refused(client: FieldClient, needs: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """Needs or documents, and not both, are told before anything is asked."""
    with pytest.raises(ConfigurationError, match=r"needs are .*; got "):
        client.plan(needs)


@pytest.mark.parametrize("plan", [None, [COLOR], "color", AppliedFields()])
def test_what_is_no_plan_is_not_applied(client: FieldClient, plan: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """Anything but a FieldPlan given to `apply` raises ConfigurationError, which names `FieldClient.plan`."""
    with pytest.raises(ConfigurationError, match=r"FieldClient\.plan"):
        client.apply(plan)


def test_what_was_done_shows_itself() -> None:
    """What was done prints as text, as JSON and as an escaped table in a notebook, and pickles."""
    done = AppliedFields(created=("a", "b"), mapped=("c",), found=("<d>",))
    assert str(done).splitlines() == [
        "created: a, b",
        "mapped: c",
        "found as they are needed: <d>",
        "items that were pushed before them have to be pushed again: Coveo does not look back at them",
    ]
    assert json.loads(done.to_json()) == {
        "created": ["a", "b"],
        "mapped": ["c"],
        "found": ["<d>"],
        "in_conflict": [],
        "must_push_again": True,
    }
    html = done._repr_html_()  # pyright: ignore[reportPrivateUsage] - what notebooks call
    assert "&lt;d&gt;" in html
    assert "<d>" not in html
    assert pickle.loads(pickle.dumps(done)) == done  # noqa: S301 - pickled here


def test_applying_creates_and_maps_exactly_that(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Applying creates fields in one call, adds a rule each without a rebuild, and replaces no rule set."""
    none_there(httpx_mock)
    httpx_mock.add_response(url=f"{PLATFORM}/indexes/fields/batch/create", method="POST", status_code=204)
    httpx_mock.add_response(url=f"{PLATFORM}/sources/src/mappings", json={"common": {"rules": []}, "types": []})
    rules = f"{PLATFORM}/sources/src/mappings/common/rules?rebuild=false"
    httpx_mock.add_response(url=rules, method="POST", status_code=201, json={"id": "1"})
    done = client.apply(FieldPlan(to_create=(COLOR,), to_map=("size",)))
    assert done == AppliedFields(created=("color",), mapped=("size",))
    assert done.must_push_again
    assert "pushed again" in str(done)
    assert bodies(httpx_mock, "/common/rules") == [{"field": "size", "content": ["%[size]"]}]
    ((model,),) = bodies(httpx_mock, "/batch/create")
    assert (model["name"], model["mergeWithLexicon"]) == ("color", True)


def test_a_plan_with_nothing_to_do_sends_nothing(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Applying a plan in which all is right sends nothing."""
    done = client.apply(FieldPlan(right=("color",)))
    assert (done.must_push_again, str(done)) == (False, "nothing had to be done")
    assert not httpx_mock.get_requests()


def test_a_field_that_somebody_else_made_meanwhile_is_taken_when_it_fits(
    client: FieldClient, httpx_mock: HTTPXMock
) -> None:
    """A 412 is looked into, and the others are created all the same."""
    size = FieldNeed("size")
    none_there(httpx_mock)
    create = f"{PLATFORM}/indexes/fields/batch/create"
    httpx_mock.add_response(url=create, method="POST", status_code=412, json=EXISTS)
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    httpx_mock.add_response(url=f"{PLATFORM}/indexes/fields/search", method="POST", json=page(color))
    httpx_mock.add_response(url=create, method="POST", status_code=204)
    done = client.apply(FieldPlan(to_create=(COLOR, size)))
    assert (done.created, done.found, done.must_push_again) == (("color", "size"), (), True)
    assert [[model["name"] for model in body] for body in bodies(httpx_mock, "/batch/create")] == [
        ["color", "size"],
        ["size"],
    ]


def test_a_field_that_somebody_else_made_otherwise_is_an_error(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A field that somebody else made otherwise is not changed; the error says what does not fit, and pickles."""
    none_there(httpx_mock)
    create = f"{PLATFORM}/indexes/fields/batch/create"
    httpx_mock.add_response(url=create, method="POST", status_code=412, json=EXISTS)
    httpx_mock.add_response(url=f"{PLATFORM}/indexes/fields/search", method="POST", json=page({"name": "color"}))
    with pytest.raises(FieldsInConflict, match="mergeWithLexicon is False") as raised:
        client.apply(FieldPlan(to_create=(COLOR,)))
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301 - pickled here


def test_a_412_that_cannot_be_explained_ends(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Law 7: when the list does not show the field that is said to exist, nothing is tried for ever."""
    none_there(httpx_mock)
    create = f"{PLATFORM}/indexes/fields/batch/create"
    httpx_mock.add_response(url=create, method="POST", status_code=412, json=EXISTS)
    httpx_mock.add_response(url=f"{PLATFORM}/indexes/fields/search", method="POST", json=page())
    with pytest.raises(CoveoRefused, match="FIELD_ALREADY_EXISTS"):
        client.apply(FieldPlan(to_create=(COLOR,)))


@pytest.mark.parametrize(
    ("path", "privilege"),
    [("/indexes/fields/search", "Fields: View"), ("/sources/src/mappings", "Sources: View")],
)
def test_a_missing_privilege_is_named(client: FieldClient, httpx_mock: HTTPXMock, path: str, privilege: str) -> None:
    """A 403 says which privilege is lacking, and that a broader key may be given for it; the key is in no message."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(path):
            return httpx.Response(403, json={"message": "Access is denied.", "errorCode": "ACCESS_DENIED"})
        return httpx.Response(200, json=page())

    httpx_mock.add_callback(answer, is_reusable=True)
    with pytest.raises(AccessRefused, match=privilege) as raised:
        client.plan([COLOR])
    assert "platform_key" in str(raised.value)
    assert "xx-platform" not in str(raised.value)


def test_many_fields_go_in_batches(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Five hundred fields are created a call, as by Coveo's own client."""
    httpx_mock.add_response(url=f"{PLATFORM}/indexes/fields/search", method="POST", json=page(), is_reusable=True)
    httpx_mock.add_response(
        url=f"{PLATFORM}/indexes/fields/batch/create", method="POST", status_code=204, is_reusable=True
    )
    done = client.apply(FieldPlan(to_create=tuple(FieldNeed(f"f{number}") for number in range(1_001))))
    assert [len(body) for body in bodies(httpx_mock, "/batch/create")] == [500, 500, 1]
    assert len(done.created) == 1_001


def test_a_client_pickles_and_shows_no_key() -> None:
    """Laws 13 and 14: a client pickles, as it connects on first use in each process; its repr has no key."""
    source = CoveoSource(organization_id="myorg", source_id="src", api_key=len)  # type: ignore[arg-type] # any callable
    client = pickle.loads(pickle.dumps(FieldClient(source)))  # noqa: S301 - pickled here
    assert isinstance(client, FieldClient)
    assert "xx-push" not in repr(FieldClient(SOURCE))


def test_a_page_of_a_proxy_is_no_success(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A log-in page that answers 200 made nothing, and nothing is reported as made."""
    httpx_mock.add_response(text="<html>log in</html>", is_reusable=True)
    with pytest.raises(CoveoRefused, match="not a JSON object"):
        client.apply(FieldPlan(to_create=(COLOR,)))
    with pytest.raises(CoveoRefused, match="not a JSON object"):
        client.plan([COLOR])


LIES: list[dict[str, Any]] = [
    {},
    {"errorCode": "INTERNAL", "message": "token xx-platform is bad"},
    {"items": None, "common": None},
]


@pytest.mark.parametrize("body", LIES)
@pytest.mark.parametrize("path", ["/indexes/fields/search", "/sources/src/mappings"])
def test_a_success_without_what_was_asked_for_is_an_error(
    client: FieldClient, httpx_mock: HTTPXMock, path: str, body: dict[str, Any]
) -> None:
    """Law 9: an answer without fields or rules is not taken for a source that has none; the key is in no message."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=body if request.url.path.endswith(path) else page())

    httpx_mock.add_callback(answer, is_reusable=True)
    with pytest.raises(CoveoRefused, match="Coveo answered 200") as raised:
        client.plan([COLOR])
    assert "xx-platform" not in str(raised.value)


def test_a_success_that_says_that_it_failed_made_nothing(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Law 9: a 200 with an error inside is not reported as fields that were made."""
    none_there(httpx_mock)
    create = f"{PLATFORM}/indexes/fields/batch/create"
    httpx_mock.add_response(url=create, method="POST", json={"errorCode": "INTERNAL", "message": "no"})
    with pytest.raises(CoveoRefused, match="create fields: Coveo answered 200 INTERNAL: no") as raised:
        client.apply(FieldPlan(to_create=(COLOR,)))
    assert raised.value.receipt == AppliedFields()


def test_pages_that_are_claimed_and_empty_end(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Law 7: a number of pages is not believed beyond two empty ones."""
    answers(httpx_mock, page(pages=999_999_999), page(pages=999_999_999))
    assert client.plan([COLOR]).to_create == (COLOR,)


def test_an_empty_page_ends_no_list(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A field on the second page is there, although the first page is empty."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    answers(httpx_mock, page(pages=2), page(color, pages=2))
    assert client.plan([COLOR]).right == ("color",)


def test_pages_that_come_again_end(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Law 7: paging ends at a page that brings nothing new, of fields and of the report alike."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    report = {"items": [{"key": "color", "indexedBy": "NONE"}], "totalPages": 999_999_999}
    answers(httpx_mock, page(color, pages=999_999_999), page(color, pages=999_999_999), report=report)
    httpx_mock.add_response(url=f"{PLATFORM}/sources/src/metadata?page=1&perPage=100", json=report)
    assert client.plan([COLOR]).to_map == ("color",)
    assert [body["page"] for body in bodies(httpx_mock, "/fields/search")] == [0, 1]


def test_pages_that_are_new_for_ever_end(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Law 7: a list of ever new fields raises after a hundred pages."""

    def fresh(request: httpx.Request) -> httpx.Response:
        number = json.loads(request.content)["page"]
        return httpx.Response(200, json=page({"name": f"f{number}"}, pages=number + 2))

    httpx_mock.add_callback(fresh, url=f"{PLATFORM}/indexes/fields/search", is_reusable=True)
    with pytest.raises(CoveoRefused, match="more than 100 pages"):
        client.plan([COLOR])
    assert len(httpx_mock.get_requests()) == 100


PAUSED = {"message": "The organization is paused.", "errorCode": "ORGANIZATION_IS_PAUSED"}


@pytest.mark.parametrize(
    ("status", "body", "is_error"),
    [
        (400, {}, False),
        (401, {}, False),
        (403, {}, False),
        (404, {}, False),
        (412, {}, False),
        (200, {}, False),
        (200, {"errorCode": "INTERNAL", "items": []}, False),
        (400, PAUSED, True),
        (409, {}, True),
        (500, {}, True),
    ],
)
def test_only_a_report_that_there_is_not_is_passed_over(
    client: FieldClient, httpx_mock: HTTPXMock, status: int, body: dict[str, Any], *, is_error: bool
) -> None:
    """A key without the privilege, or no report, stops no plan; whatever else goes wrong is told."""
    color = {"name": "color", "type": "STRING", "facet": True, "mergeWithLexicon": True}
    httpx_mock.add_response(url=f"{PLATFORM}/indexes/fields/search", method="POST", json=page(color))
    httpx_mock.add_response(url=f"{PLATFORM}/sources/src/mappings", json={"common": {"rules": []}, "types": []})
    url = f"{PLATFORM}/sources/src/metadata?page=0&perPage=100"
    httpx_mock.add_response(url=url, status_code=status, json=body, is_reusable=True)
    if not is_error:
        assert client.plan([COLOR]).right == ("color",)
        return
    with pytest.raises(CoveoRefused, match="read the metadata report") as raised:
        client.plan([COLOR])
    assert raised.value.status == status


@pytest.mark.parametrize(("status", "body"), [(400, PAUSED), (500, {})])
def test_a_catalog_that_fails_is_an_error(
    client: FieldClient, httpx_mock: HTTPXMock, status: int, body: dict[str, Any]
) -> None:
    """A paused organization, or Coveo in trouble, is an error of the plan, other than a missing privilege."""
    answers(httpx_mock, page())
    httpx_mock.add_response(url=CATALOG, status_code=status, json=body, is_reusable=True)
    with pytest.raises(CoveoRefused, match="read the catalog configuration"):
        client.plan([{"documentId": "product://1", "color": "Red"}])


def test_needs_of_one_field_with_different_types_are_refused(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """Needs of one field with two types raise before anything is asked; both types are named."""
    with pytest.raises(ConfigurationError, match="x is needed as DOUBLE and as STRING"):
        client.plan([FieldNeed("x", type="DOUBLE"), FieldNeed("x", free_text=True)])
    assert not httpx_mock.get_requests()


def test_a_rule_that_was_made_meanwhile_is_fine(client: FieldClient, httpx_mock: HTTPXMock) -> None:
    """A rule that is there after all, by a lost reply or somebody else, is no error."""
    mappings = f"{PLATFORM}/sources/src/mappings"
    httpx_mock.add_response(url=mappings, json={"common": {"rules": []}, "types": []})
    httpx_mock.add_response(url=f"{mappings}/common/rules?rebuild=false", method="POST", status_code=412, json={})
    rule = {"field": "size", "content": ["%[size]"]}
    httpx_mock.add_response(url=mappings, json={"common": {"rules": [rule]}, "types": []})
    assert client.apply(FieldPlan(to_map=("size",))).mapped == ("size",)
