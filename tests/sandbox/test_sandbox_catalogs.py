"""Catalogs: which objects a source holds, which of them a search finds, and the API that tells and changes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from sandbox_caller import Caller, batch

from coveo_enrich.sandbox.access import Privilege

PRODUCT = {"documentId": "product://1", "objecttype": "Product", "ec_product_id": "1", "ec_name": "Kayak"}
VARIANT = {"documentId": "variant://1", "objecttype": "Variant", "ec_product_id": "1", "ec_color": "Yellow"}
STORE = {"documentId": "store://1", "objecttype": "Availability", "ec_name": "Kayak shop"}
UNTYPED = {"documentId": "product://2", "ec_name": "Kayak"}
CONFIGURATION: dict[str, Any] = {
    "name": "Boats",
    "product": {"objectType": "Boat", "idField": "ec_product_id"},
    "variant": {"objectType": "Size", "idField": "ec_variant_id"},
    "availability": {
        "objectType": "Store",
        "idField": "ec_availability_id",
        "availableSkusField": "ec_available_items",
    },
    "fieldsMapping": {"ec_name": "boat_name"},
    "availabilityFilterStrategy": "WHEN_SPECIFIED",
}


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def search(coveo: Caller, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a search takes
    """Search: the answer."""
    answer: dict[str, Any] = coveo.post("/rest/search/v2", json=body).raise_for_status().json()
    return answer


def found(coveo: Caller, **body: Any) -> list[str]:  # noqa: ANN401 - whatever a search takes
    """Search: the addresses of what was found."""
    return [result["uri"] for result in search(coveo, **body)["results"]]


def call(coveo: Caller, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
    """Call the catalog API."""
    return coveo.http.request(method, f"{coveo.organization_path}/{path}", headers=coveo.headers, **options)


def read(coveo: Caller, path: str) -> Any:  # noqa: ANN401 - whatever there is
    """Read from the catalog API."""
    return call(coveo, "GET", path).raise_for_status().json()


def test_a_source_has_a_catalog_from_the_start(coveo: Caller) -> None:
    """A source starts with a catalog of Coveo's documented types and id fields, read by its source and its id."""
    there = read(coveo, "catalogconfigurations/source/sandbox-catalog")
    assert there["product"] == {"objectType": "Product", "idField": "ec_product_id"}
    assert there["variant"] == {"objectType": "Variant", "idField": "ec_variant_id"}
    assert there["availability"] == {
        "objectType": "Availability",
        "idField": "ec_availability_id",
        "availableSkusField": "ec_available_items",
    }
    catalogs = read(coveo, "catalogs")
    (catalog,) = catalogs["items"]
    assert (catalogs["totalEntries"], catalogs["totalPages"]) == (1, 1)
    assert (catalog["sourceId"], catalog["catalogConfigurationId"]) == ("sandbox-catalog", there["id"])
    assert read(coveo, f"catalogs/{catalog['id']}") == catalog
    assert read(coveo, f"catalogconfigurations/{there['id']}") == there
    assert read(coveo, "catalogconfigurations")["items"] == [there]
    assert read(coveo, "catalogs?page=1&pageSize=1")["items"] == []


def test_variants_and_availabilities_are_no_results(coveo: Caller) -> None:
    """A value that only a variant has finds neither it nor its product, and is in no facet; all are in the source."""
    coveo.update(addOrUpdate=[PRODUCT, VARIANT, STORE])
    assert found(coveo) == found(coveo, q="kayak") == ["product://1/"]
    answer = search(coveo, aq="@ec_color==Yellow", facets=[{"field": "ec_color"}])
    assert (answer["totalCount"], answer["facets"][0]["values"]) == (0, [])
    assert coveo.number_of_documents() == 3
    assert coveo.post("/rest/search/v2/values", json={"field": "@ec_color"}).json()["values"] == []


@pytest.mark.parametrize("object_type", ["Boat", "product", "Product "])
def test_an_item_of_another_type_is_in_the_source_and_not_found(coveo: Caller, object_type: str) -> None:
    """An item of another type is accepted, counted and in the metadata report, and yet not found nor dropped."""
    coveo.load(batch({**PRODUCT, "objecttype": object_type}))
    assert (coveo.document_ids(), coveo.number_of_documents(), coveo.sandbox.dropped()) == (["product://1"], 1, [])
    assert found(coveo) == found(coveo, aq='@ec_product_id=="1"') == []
    metadata = "sources/sandbox-catalog/metadata"
    assert call(coveo, "POST", metadata).status_code == 204
    read(coveo, f"{metadata}/status")
    report = {item["key"]: item["indexedBy"] for item in read(coveo, metadata)["items"]}
    assert report["objecttype"] == report["ec_product_id"] == "FIELD"


def test_an_item_without_a_type_is_found(coveo: Caller) -> None:
    """An item without a type is found, with a catalog and without one: Coveo documents nothing else."""
    coveo.update(addOrUpdate=[UNTYPED])
    assert found(coveo) == ["product://2/"]
    coveo.sandbox.remove_catalog()
    coveo.update(addOrUpdate=[UNTYPED])
    assert found(coveo) == ["product://2/"]


def test_a_type_is_what_the_catalog_says(coveo: Caller) -> None:
    """`set_catalog` gives the types, and only items whose type is spelled exactly so are found."""
    coveo.sandbox.set_catalog(product="product", variant=None, availability="store")
    there = read(coveo, "catalogconfigurations/source/sandbox-catalog")
    assert (there["product"]["objectType"], "variant" in there, there["availability"]["objectType"]) == (
        "product",
        False,
        "store",
    )
    coveo.update(addOrUpdate=[PRODUCT, {**PRODUCT, "documentId": "product://3", "objecttype": "product"}])
    assert found(coveo) == ["product://3/"]


def test_without_a_catalog_no_product_is_found(coveo: Caller) -> None:
    """Without a catalog products are in the source and not found, until there is one and they are sent again."""
    coveo.sandbox.remove_catalog()
    coveo.sandbox.remove_catalog()
    assert call(coveo, "GET", "catalogconfigurations/source/sandbox-catalog").status_code == 404
    coveo.update(addOrUpdate=[PRODUCT])
    assert (coveo.document_ids(), found(coveo)) == (["product://1"], [])
    coveo.sandbox.set_catalog()
    assert found(coveo) == []
    coveo.update(addOrUpdate=[PRODUCT])
    assert found(coveo) == ["product://1/"]


def test_a_change_counts_for_what_is_sent_from_then_on(coveo: Caller) -> None:
    """A changed catalog counts for items sent from then on; a partial update is enough for its item."""
    items = [{**PRODUCT, "documentId": f"product://{number}"} for number in (1, 2)]
    coveo.update(addOrUpdate=items)
    coveo.sandbox.set_catalog(product="Boat")
    assert found(coveo) == ["product://1/", "product://2/"]
    change = {"documentId": "product://1", "operator": "fieldValueReplace", "field": "ec_name", "value": "Canoe"}
    coveo.update(partialUpdate=[change])
    assert found(coveo) == ["product://2/"]


def test_a_merge_without_a_catalog_indexes_nothing(coveo: Caller) -> None:
    """A merge without a catalog is accepted and indexes nothing: what was sent is named, and the logs warn."""
    coveo.update(addOrUpdate=[UNTYPED])
    coveo.sandbox.remove_catalog()
    coveo.update("merge", addOrMerge=[{"documentId": "product://2", "ec_name": "Canoe"}])
    assert coveo.sandbox.items() == [UNTYPED]
    (dropped,) = coveo.sandbox.dropped()
    assert (dropped.document_id, "without a catalog" in dropped.reason) == (None, True)
    coveo.sandbox.set_catalog()
    coveo.update("merge", addOrMerge=[{"documentId": "product://2", "ec_name": "Canoe"}])
    assert coveo.sandbox.items() == [{**UNTYPED, "ec_name": "Canoe"}]


def test_a_configuration_is_changed_by_its_id(coveo: Caller) -> None:
    """A configuration changed by its id comes back as written, and its catalog goes by it from then on."""
    (catalog,) = read(coveo, "catalogs")["items"]
    path = f"catalogconfigurations/{catalog['catalogConfigurationId']}"
    written = call(coveo, "PUT", path, json=CONFIGURATION).raise_for_status().json()
    assert written == {**CONFIGURATION, "id": catalog["catalogConfigurationId"]} == read(coveo, path)
    coveo.update(addOrUpdate=[PRODUCT, {**PRODUCT, "documentId": "product://3", "objecttype": "Boat"}])
    assert found(coveo) == ["product://3/"]


def test_products_without_availability_are_found_whatever_is_said_of_them(coveo: Caller) -> None:
    """Products without an availability are found whatever the filter strategy, which has Coveo's default."""
    (catalog,) = read(coveo, "catalogs")["items"]
    configuration = read(coveo, f"catalogconfigurations/{catalog['catalogConfigurationId']}")
    assert configuration["availabilityFilterStrategy"] == "ALWAYS"
    coveo.update(addOrUpdate=[PRODUCT])
    assert found(coveo) == ["product://1/"]


def test_a_catalog_is_made_as_coveo_documents_it(coveo: Caller) -> None:
    """A catalog is made of a configuration, then of a source with it; what is in use cannot be deleted."""
    (old,) = read(coveo, "catalogs")["items"]
    made = call(coveo, "POST", "catalogconfigurations", json=CONFIGURATION)
    assert made.status_code == 201
    new = {"name": "Boats", "sourceId": "sandbox-catalog", "catalogConfigurationId": made.json()["id"]}
    assert call(coveo, "POST", "catalogs", json=new).json()["errorCode"] == "CATALOG_ALREADY_EXISTS"
    assert call(coveo, "DELETE", f"catalogs/{old['id']}").status_code == 204
    catalog = call(coveo, "POST", "catalogs", json=new)
    assert catalog.status_code == 201
    assert read(coveo, "catalogs")["items"] == [catalog.json()] == [{**new, "id": catalog.json()["id"]}]
    assert read(coveo, "catalogconfigurations/source/sandbox-catalog") == made.json()

    in_use = call(coveo, "DELETE", f"catalogconfigurations/{made.json()['id']}")
    assert (in_use.status_code, in_use.json()["errorCode"]) == (412, "INVALID_PARAMETER")
    renamed = {**catalog.json(), "name": "Ships", "catalogConfigurationId": old["catalogConfigurationId"]}
    assert call(coveo, "PUT", f"catalogs/{catalog.json()['id']}", json=renamed).json() == renamed
    assert call(coveo, "DELETE", f"catalogconfigurations/{made.json()['id']}").status_code == 204
    assert [each["name"] for each in read(coveo, "catalogs")["items"]] == ["Ships"]
    assert len(read(coveo, "catalogconfigurations")["items"]) == 1


@pytest.mark.parametrize("path", ["catalogs/nobody", "catalogconfigurations/nobody"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_not_there_answers_404(coveo: Caller, method: str, path: str) -> None:
    """Reading, writing or deleting what is not there answers 404."""
    answer = call(coveo, method, path, json=CONFIGURATION if method == "PUT" else None)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "CATALOG_NOT_FOUND")


WRONG: list[tuple[str, dict[str, Any], int]] = [
    ("catalogconfigurations", {**CONFIGURATION, "name": ""}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "name": "n" * 51}, 400),
    ("catalogconfigurations", {"name": "Boats"}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "product": "Boat"}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "product": {"objectType": "Boat"}}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "product": {"objectType": "b" * 256, "idField": "id"}}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "availability": CONFIGURATION["variant"]}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "fieldsMapping": []}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "fieldsMapping": {"ec_name": 5}}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "availabilityFilterStrategy": "NEVER"}, 400),
    ("catalogconfigurations", {**CONFIGURATION, "availabilityFilterStrategy": ["ALWAYS"]}, 400),
    ("catalogs", {"name": "Boats", "sourceId": "sandbox-catalog"}, 400),
    ("catalogs", {"name": "Boats", "sourceId": "sandbox-catalog", "catalogConfigurationId": "nobody"}, 412),
    ("catalogs", {"name": "Boats", "sourceId": "other", "catalogConfigurationId": "nobody"}, 412),
]


@pytest.mark.parametrize(("path", "body", "status"), WRONG, ids=[f"{number}" for number in range(len(WRONG))])
def test_what_is_no_catalog_is_refused(coveo: Caller, path: str, body: dict[str, Any], status: int) -> None:
    """What is no catalog is refused with the reason, and nothing is changed."""
    before = read(coveo, path)
    answer = call(coveo, "POST", path, json=body)
    assert (answer.status_code, bool(answer.json()["message"])) == (status, True)
    assert read(coveo, path) == before


CALLS: list[tuple[str, str, Privilege]] = [
    ("GET", "catalogs", "CATALOG_VIEW"),
    ("GET", "catalogs/nobody", "CATALOG_VIEW"),
    ("GET", "catalogconfigurations", "CATALOG_VIEW"),
    ("GET", "catalogconfigurations/source/sandbox-catalog", "CATALOG_VIEW"),
    ("GET", "catalogconfigurations/nobody", "CATALOG_VIEW"),
    ("POST", "catalogs", "CATALOG_EDIT"),
    ("PUT", "catalogs/nobody", "CATALOG_EDIT"),
    ("DELETE", "catalogs/nobody", "CATALOG_EDIT"),
    ("POST", "catalogconfigurations", "CATALOG_EDIT"),
    ("PUT", "catalogconfigurations/nobody", "CATALOG_EDIT"),
    ("DELETE", "catalogconfigurations/nobody", "CATALOG_EDIT"),
]


@pytest.mark.parametrize(("method", "path", "privilege"), CALLS)
def test_a_call_needs_its_privilege(coveo: Caller, method: str, path: str, privilege: Privilege) -> None:
    """A call needs Coveo's COMMERCE CATALOG VIEW to read and EDIT to change; all others together do not do."""

    def status(*privileges: Privilege) -> int:
        headers = {**coveo.headers, "Authorization": f"Bearer {coveo.sandbox.create_api_key(*privileges)}"}
        return coveo.http.request(method, f"{coveo.organization_path}/{path}", headers=headers).status_code

    assert status(*(other for other in get_args(Privilege) if other != privilege)) == 403
    assert status(privilege) != 403


def test_catalogs_are_there_again_after_a_restart(tmp_path: Path) -> None:
    """After a restart catalogs are there with their ids, and find what they found."""
    data = tmp_path / "sandbox.sqlite"
    with Caller.running(data=data) as coveo:
        coveo.update(addOrUpdate=[PRODUCT])
        coveo.sandbox.set_catalog(product="Boat", variant=None)
        coveo.update(addOrUpdate=[{**PRODUCT, "documentId": "product://3"}])
        before = read(coveo, "catalogs"), read(coveo, "catalogconfigurations")
        assert found(coveo) == ["product://1/"]
    with Caller.running(data=data) as coveo:
        assert (read(coveo, "catalogs"), read(coveo, "catalogconfigurations")) == before
        coveo.update(addOrUpdate=[{**PRODUCT, "documentId": "product://4", "objecttype": "Boat"}])
        assert found(coveo) == ["product://1/", "product://4/"]


def test_each_source_has_its_own() -> None:
    """Each source has its own catalog, also one that is there as soon as it is named; no other source is listed."""
    with Caller.running(restricted=False) as coveo:
        coveo.sandbox.set_catalog(product="Boat", source_id="boats")
        coveo.update(addOrUpdate=[PRODUCT])
        assert found(coveo) == ["product://1/"]
        sources = [each["sourceId"] for each in read(coveo, "catalogs")["items"]]
        assert sorted(sources) == ["boats", "sandbox-catalog"]
        assert read(coveo, "catalogconfigurations/source/other")["product"]["objectType"] == "Product"


def test_the_sandbox_has_no_other_source_when_it_is_restricted(coveo: Caller) -> None:
    """A restricted sandbox refuses catalogs of other sources, in Python and over HTTP."""
    for change in (coveo.sandbox.set_catalog, coveo.sandbox.remove_catalog):
        with pytest.raises(ValueError, match="restricted"):
            change(source_id="other")
    answer = call(coveo, "GET", "catalogconfigurations/source/other")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "SOURCE_NOT_FOUND")


@pytest.mark.parametrize("product", ["", "p" * 256])
def test_a_type_has_1_to_255_characters(coveo: Caller, product: str) -> None:
    """A type that is empty or longer than 255 characters is refused, and the catalog stays as it was."""
    with pytest.raises(ValueError, match="objectType"):
        coveo.sandbox.set_catalog(product=product)
    assert read(coveo, "catalogconfigurations/source/sandbox-catalog")["product"]["objectType"] == "Product"


def test_a_call_fails_as_ordered(coveo: Caller) -> None:
    """Calls of the Catalog API fail as ordered for the operation `catalogs`, and the journal names them so."""
    coveo.sandbox.fail("catalogs", 503, times=2)
    assert call(coveo, "GET", "catalogs").status_code == 503
    assert call(coveo, "GET", "catalogconfigurations/source/sandbox-catalog").status_code == 503
    assert call(coveo, "GET", "catalogs").status_code == 200
    assert [request.operation for request in coveo.sandbox.requests()] == ["catalogs"] * 3
