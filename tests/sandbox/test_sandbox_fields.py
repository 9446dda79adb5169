"""Fields: those that are there, those that are made, and the Field API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
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
    """A sandbox has the commerce fields of a Catalog source, with their types, ec_color as a searchable list facet."""
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
    """A field is read by its name; there is a 404 when there is none."""
    path = f"{coveo.organization_path}/indexes/fields"
    assert coveo.http.get(f"{path}/ec_name", headers=coveo.headers).json()["name"] == "ec_name"
    answer = coveo.http.get(f"{path}/nobody", headers=coveo.headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "FIELD_NOT_FOUND")


def test_fields_come_in_pages(coveo: Caller) -> None:
    """Pages of fields count from 0, and together they hold every field once, by name."""
    first = _search(coveo, perPage=10)
    pages = [_search(coveo, page=number, perPage=10)["items"] for number in range(first["totalPages"])]
    names = [field["name"] for page in pages for field in page]
    assert names == sorted(set(names))
    assert len(names) == first["totalEntries"]
    assert _search(coveo, page=first["totalPages"], perPage=10)["items"] == []


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"fieldNames": ["ec_name", "kayak_type", "nobody"]}, ["ec_name", "kayak_type"]),
        ({"fieldNames": [], "origin": "USER"}, ["kayak_type", "seats"]),
        ({"origin": "USER"}, ["kayak_type", "seats"]),
        ({"origin": "SYSTEM", "name": "EC_P"}, ["ec_price", "ec_product_id", "ec_promo_price"]),
        ({"origin": "ALL", "name": "seat"}, ["seats"]),
        ({"type": "LONG"}, ["seats"]),
        ({"type": "ALL", "fieldNames": ["seats", "ec_name"]}, ["ec_name", "seats"]),
        ({"facet": "TRUE_ONLY", "origin": "USER"}, ["kayak_type", "seats"]),
        ({"sort": "TRUE_ONLY", "origin": "USER"}, ["seats"]),
        ({"sort": "FALSE_ONLY", "origin": "USER"}, ["kayak_type"]),
        ({"multiValueFacet": "TRUE_ONLY", "origin": "USER"}, []),
        ({"sort": "ALL", "origin": "USER", "type": None}, ["kayak_type", "seats"]),
    ],
)
def test_fields_can_be_filtered(coveo: Caller, filters: dict[str, object], names: list[str]) -> None:
    """Names, part of a name, type, options and maker filter the fields; those that pass all filters are found."""
    coveo.sandbox.create_field("kayak_type", facet=True)
    coveo.sandbox.create_field("seats", type="LONG")
    assert [field["name"] for field in _search(coveo, filters=filters)["items"]] == names


@pytest.mark.parametrize(
    "filters",
    [
        {"facet": True},
        {"facet": "yes"},
        {"origin": "user"},
        {"type": "TEXT"},
        {"name": 7},
        {"fieldNames": "ec_name"},
        {"colour": "ALL"},
        ["ec_name"],
    ],
)
def test_a_filter_that_cannot_be_is_refused(coveo: Caller, filters: object) -> None:
    """An unknown filter, or value of one, answers 400, so that nobody relies on a filter that does nothing."""
    answer = coveo.post(f"{coveo.organization_path}/indexes/fields/search", json={"filters": filters})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")


def test_fields_can_be_sorted(coveo: Caller) -> None:
    """Fields come by name, or by another key when asked, either way round."""
    names = [field["name"] for field in _search(coveo, perPage=1000)["items"]]
    down = [field["name"] for field in _search(coveo, perPage=1000, sortBy="name", order="DESC")["items"]]
    assert down == sorted(names, reverse=True)
    types = [field["type"] for field in _search(coveo, perPage=1000, sortBy="type")["items"]]
    assert types == sorted(types)
    for query in ({"sortBy": "size"}, {"order": "UP"}):
        answer = coveo.post(f"{coveo.organization_path}/indexes/fields/search", json=query)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")


EVERYTHING: dict[str, object] = {
    "name": "kayak_type",
    "type": "STRING",
    "description": "What it is",
    "label": "Type",
    "includeInQuery": False,
    "includeInResults": False,
    "mergeWithLexicon": True,
    "facet": True,
    "multiValueFacet": True,
    "multiValueFacetTokenizers": "|",
    "hierarchicalFacet": True,
    "sort": True,
    "stemming": True,
    "ranking": True,
    "keyValue": True,
    "multilingual": True,
    "useCacheForSort": True,
    "useCacheForNestedQuery": True,
    "useCacheForNumericQuery": True,
    "useCacheForComputedFacet": True,
    "keepAccentsDisplayValueFacet": True,
    "keepDistinctDisplayValueFacet": True,
    "automaticFacetsCandidate": True,
    "automaticFacetsCandidateTags": "shape",
    "smartDateFacet": True,
    "dateFormat": "yyyy",
    "projectIds": ["p1"],
    "system": False,
}


def _read(coveo: Caller, name: str) -> dict[str, Any]:
    answer = coveo.http.get(f"{coveo.organization_path}/indexes/fields/{name}", headers=coveo.headers)
    model: dict[str, Any] = answer.raise_for_status().json()
    return model


def test_every_option_of_a_field_is_kept(tmp_path: Path) -> None:
    """Options that were given come back, also after a restart; others have Coveo's default."""
    with Caller.running(data=tmp_path / "sandbox.sqlite") as coveo:
        path = f"{coveo.organization_path}/indexes/fields"
        assert coveo.post(path, json=EVERYTHING).status_code == 204
        assert _read(coveo, "kayak_type") == EVERYTHING
        assert coveo.post(path, json={"name": "plain", "type": "STRING", "unknown": 1}).status_code == 204
        assert set(_read(coveo, "plain")) == set(EVERYTHING)
        on = {key for key, value in _read(coveo, "plain").items() if value is True}
        assert on == {"includeInQuery", "includeInResults"}
    with Caller.running(data=tmp_path / "sandbox.sqlite") as coveo:
        assert _read(coveo, "kayak_type") == EVERYTHING


def test_a_field_of_numbers_is_a_facet_whatever_is_said(coveo: Caller) -> None:
    """A field of any type but STRING is a facet whatever is said; sorting is only on by default."""
    path = f"{coveo.organization_path}/indexes/fields"
    for name, said in (("seats", {}), ("weight", {"facet": False, "sort": False})):
        assert coveo.post(path, json={"name": name, "type": "LONG", **said}).status_code == 204
    assert [(_read(coveo, name)["facet"], _read(coveo, name)["sort"]) for name in ("seats", "weight")] == [
        (True, True),
        (True, False),
    ]


@pytest.mark.parametrize("query", [{"page": -1}, {"perPage": 0}, {"perPage": 1001}, {"page": "1"}, {"page": 10**400}])
def test_a_page_that_cannot_be_is_refused(coveo: Caller, query: dict[str, object]) -> None:
    """A page or page size out of its range answers 400 with a reason."""
    answer = coveo.post(f"{coveo.organization_path}/indexes/fields/search", json=query)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")


def test_a_field_made_over_http_is_used(coveo: Caller) -> None:
    """Making a field answers 204, and its metadata is indexed from then on; making it again answers 412."""
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
        {"type": "STRING"},
        {"name": "Kayak", "type": "STRING"},
        {"name": "kayak type", "type": "STRING"},
        {"name": "k" * 256, "type": "STRING"},
        {"name": 7, "type": "STRING"},
        {"name": "kayak"},
        {"name": "kayak", "type": None},
        {"name": "kayak", "type": "BOOLEAN"},
        {"name": "kayak", "type": ["STRING"]},
        {"name": "kayak", "type": "STRING", "facet": "yes"},
        {"name": "kayak", "type": "LONG", "multiValueFacet": True},
        {"name": "kayak", "type": "STRING", "multiValueFacetTokenizers": ""},
        {"name": "kayak", "type": "STRING", "system": True},
        {"name": "kayak", "type": "STRING", "stemming": "yes"},
        {"name": "kayak", "type": "STRING", "label": 7},
        {"name": "kayak", "type": "STRING", "projectIds": "p1"},
        {"name": "kayak", "type": "STRING", "multilingual": True},
        {"name": "kayak\ud800", "type": "STRING"},
    ],
)
def test_a_field_that_cannot_be_is_refused(coveo: Caller, model: dict[str, object]) -> None:
    """A field that cannot be answers 400, and is not made."""
    before = _search(coveo)["totalEntries"]
    answer = coveo.post(f"{coveo.organization_path}/indexes/fields", content=json.dumps(model).encode())
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_PARAMETER")
    assert _search(coveo)["totalEntries"] == before


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"multiValueFacet": "yes"}, "multiValueFacet is true or false"),
        ({"mergeWithLexicon": 1}, "mergeWithLexicon is true or false"),
        ({"description": 7}, "description is a text"),
        ({"type": "BOOLEAN"}, "type is one of STRING, LONG, LONG_64, DOUBLE, DATE, VECTOR"),
        (
            {"type": "DATE", "hierarchicalFacet": True},
            "hierarchicalFacet is for STRING fields only; kayak is a DATE field",
        ),
        ({"multiValueFacetTokenizers": ""}, "multiValueFacetTokenizers is a text of at least one character"),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_coveos_words(
    coveo: Caller, said: dict[str, object], message: str
) -> None:
    """The error names the option as in Coveo's API, and its type not as in Python."""
    path = f"{coveo.organization_path}/indexes/fields"
    answer = coveo.post(path, json={"name": "kayak", "type": "STRING", **said})
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_create_field_refuses_what_coveo_refuses(coveo: Caller) -> None:
    """`create_field` refuses a name that is taken or cannot be, and options that do not go together."""
    with pytest.raises(ValueError, match="already"):
        coveo.sandbox.create_field("ec_name")
    with pytest.raises(ValueError, match="lower-case"):
        coveo.sandbox.create_field("Kayak Type")
    with pytest.raises(ValueError, match="STRING fields only"):
        coveo.sandbox.create_field("kayak_length", type="DOUBLE", multi_value=True)


def test_created_fields_hold_their_types(coveo: Caller) -> None:
    """Fields made for numbers, dates, dictionaries and lists hold them."""
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
