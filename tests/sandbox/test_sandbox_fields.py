"""Fields: those that are there, those that are made, and the Field API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sandbox_caller import Caller, batch


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def _search(coveo: Caller, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    answer = coveo.post(f"{coveo.organization_path}/indexes/fields/search", json=query)
    assert answer.status_code == 200
    page: dict[str, Any] = answer.json()
    return page


def test_the_standard_fields_are_there(coveo: Caller) -> None:
    """The commerce fields that a Catalog source brings, with their types, and ec_color as a searchable list facet."""
    fields = {field["name"]: field for field in _search(coveo, perPage=1000)["items"]}
    assert fields["ec_price"]["type"] == "DOUBLE"
    assert fields["ec_name"]["type"] == "STRING"
    color = fields["ec_color"]
    assert (color["type"], color["facet"], color["multiValueFacet"], color["mergeWithLexicon"]) == (
        "STRING",
        True,
        True,
        True,
    )
    assert {"objecttype", "permanentid", "language", "clickableuri", "title", "date", "author", "uri"} <= set(fields)
    assert all(field["system"] for field in fields.values())


def test_one_field_can_be_read(coveo: Caller) -> None:
    """By its name; 404 when there is none."""
    path = f"{coveo.organization_path}/indexes/fields"
    assert coveo.http.get(f"{path}/ec_name", headers=coveo.headers).json()["name"] == "ec_name"
    answer = coveo.http.get(f"{path}/nobody", headers=coveo.headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "FIELD_NOT_FOUND")


def test_fields_come_in_pages(coveo: Caller) -> None:
    """Pages count from 0, and together they hold every field once, by name."""
    first = _search(coveo, perPage=10)
    pages = [_search(coveo, page=number, perPage=10)["items"] for number in range(first["totalPages"])]
    names = [field["name"] for page in pages for field in page]
    assert names == sorted(set(names))
    assert len(names) == first["totalEntries"]
    assert _search(coveo, page=first["totalPages"], perPage=10)["items"] == []


def test_fields_can_be_filtered(coveo: Caller) -> None:
    """By name, and by who made them."""
    coveo.sandbox.create_field("kayak_type")
    found = _search(coveo, filters={"fieldNames": ["ec_name", "kayak_type", "nobody"]})
    assert [field["name"] for field in found["items"]] == ["ec_name", "kayak_type"]
    found = _search(coveo, filters={"origin": "USER"})
    assert [field["name"] for field in found["items"]] == ["kayak_type"]


@pytest.mark.parametrize("query", [{"page": -1}, {"perPage": 0}, {"perPage": 1001}, {"page": "1"}, {"page": 10**400}])
def test_a_page_that_cannot_be_is_refused(coveo: Caller, query: dict[str, object]) -> None:
    """400, with a reason."""
    answer = coveo.post(f"{coveo.organization_path}/indexes/fields/search", json=query)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")


def test_a_field_made_over_http_is_used(coveo: Caller) -> None:
    """204, then metadata of that name is indexed; a second time: 412."""
    path = f"{coveo.organization_path}/indexes/fields"
    model = {"name": "accessories", "type": "STRING", "multiValueFacet": True, "automaticFacetsCandidate": True}
    assert coveo.post(path, json=model).status_code == 204
    coveo.load(batch({"documentId": "product://1", "accessories": "paddle;rope"}))
    assert coveo.sandbox.items() == [{"documentId": "product://1", "accessories": ["paddle", "rope"]}]
    answer = coveo.post(path, json=model)
    assert (answer.status_code, answer.json()["errorCode"]) == (412, "FIELD_ALREADY_EXISTS")


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"name": "Kayak"},
        {"name": "kayak type"},
        {"name": "k" * 256},
        {"name": 7},
        {"name": "kayak", "type": "BOOLEAN"},
        {"name": "kayak", "type": ["STRING"]},
        {"name": "kayak", "facet": "yes"},
        {"name": "kayak", "type": "LONG", "multiValueFacet": True},
        {"name": "kayak", "multiValueFacetTokenizers": ""},
        {"name": "kayak", "system": True},
        {"name": "kayak\ud800"},
    ],
)
def test_a_field_that_cannot_be_is_refused(coveo: Caller, model: dict[str, object]) -> None:
    """400, and it is not made."""
    before = _search(coveo)["totalEntries"]
    answer = coveo.post(f"{coveo.organization_path}/indexes/fields", content=json.dumps(model).encode())
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")
    assert _search(coveo)["totalEntries"] == before


def test_create_field_refuses_what_coveo_refuses(coveo: Caller) -> None:
    """A name that is taken or cannot be, and options that do not go together."""
    with pytest.raises(ValueError, match="already"):
        coveo.sandbox.create_field("ec_name")
    with pytest.raises(ValueError, match="lower-case"):
        coveo.sandbox.create_field("Kayak Type")
    with pytest.raises(ValueError, match="STRING fields only"):
        coveo.sandbox.create_field("kayak_length", type="DOUBLE", multi_value=True)


def test_created_fields_hold_their_types(coveo: Caller) -> None:
    """Numbers, dates, dictionaries and lists go into the fields made for them."""
    coveo.sandbox.create_field("seats", type="LONG")
    coveo.sandbox.create_field("made_on", type="DATE")
    coveo.sandbox.create_field("price_by_store", type="DOUBLE", key_value=True)
    item = {
        "documentId": "product://1",
        "seats": 2,
        "made_on": "1970-01-02T00:00:00Z",
        "price_by_store": {"": 10.5, "montreal": 9},
    }
    coveo.load(batch(item))
    assert coveo.sandbox.items() == [{**item, "made_on": 86_400_000}]
    assert coveo.sandbox.dropped() == []
