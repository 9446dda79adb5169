"""The rest of the Field API: several fields at once, the older list, changing and deleting, and what a key may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import Caller, batch, untimed

from coveo_enrich.sandbox.access import Privilege


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def path(coveo: Caller, rest: str = "") -> str:
    """The path of a call of the Field API."""
    return f"{coveo.organization_path}/indexes/fields{rest}"


def call(coveo: Caller, method: str, rest: str = "", **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    """Call it with the usual headers."""
    return coveo.http.request(method, path(coveo, rest), headers=coveo.headers, **options)


def own_fields(coveo: Caller) -> list[str]:
    """The names of the fields that are not Coveo's."""
    query = {"perPage": 1000, "filters": {"origin": "USER"}}
    return [field["name"] for field in call(coveo, "POST", "/search", json=query).json()["items"]]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of an error."""
    return answer.status_code, answer.json()["errorCode"]


def text(name: str, **options: object) -> dict[str, object]:
    """The model of a text field."""
    return {"name": name, "type": "STRING", **options}


def test_several_fields_are_made_at_once(coveo: Caller) -> None:
    """A JSON array, 204 without a body; they are used at once."""
    answer = call(coveo, "POST", "/batch/create", json=[text("kayak_type"), {"name": "seats", "type": "LONG"}])
    assert (answer.status_code, answer.content) == (204, b"")
    coveo.load(batch({"documentId": "product://1", "kayak_type": "single seat", "seats": 1}))
    assert coveo.sandbox.items() == [{"documentId": "product://1", "kayak_type": "single seat", "seats": 1}]


def test_no_field_is_made_when_one_is_there_already(coveo: Caller) -> None:
    """All or none, also when two of the array have the same name."""
    coveo.sandbox.create_field("seats", type="LONG")
    for names in (["kayak_type", "seats"], ["kayak_type", "kayak_type"], ["kayak_type", "ec_name"]):
        answer = call(coveo, "POST", "/batch/create", json=[text(name) for name in names])
        assert refusal(answer) == (412, "FIELD_ALREADY_EXISTS")
    assert own_fields(coveo) == ["seats"]


def test_no_field_is_made_when_one_cannot_be(coveo: Caller) -> None:
    """All or none: 400."""
    wrongs: list[object] = [text("Kayak Type"), "kayak_type", None, 7]
    for wrong in wrongs:
        answer = call(coveo, "POST", "/batch/create", json=[text("seats"), wrong])
        assert refusal(answer) == (400, "INVALID_PARAMETER")
    assert own_fields(coveo) == []


def test_an_empty_array_makes_nothing(coveo: Caller) -> None:
    """204, as nothing failed."""
    assert call(coveo, "POST", "/batch/create", json=[]).status_code == 204
    assert own_fields(coveo) == []


@pytest.mark.parametrize("rest", ["/batch/create", "/batch/create/results"])
def test_several_fields_are_an_array(coveo: Caller, rest: str) -> None:
    """Anything else is not what the call takes; without a JSON content type it is not looked at."""
    assert refusal(call(coveo, "POST", rest, json=text("seats"))) == (400, "INVALID_JSON")
    assert refusal(call(coveo, "POST", rest, content=b"[")) == (400, "INVALID_JSON")
    headers = {**coveo.headers, "Content-Type": "text/plain"}
    answer = coveo.http.post(path(coveo, rest), headers=headers, content=b"[]")
    assert refusal(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_the_result_of_each_field_can_be_asked_for(coveo: Caller) -> None:
    """Each is made or not on its own, and the answer says which."""
    models = [text("kayak_type"), text("ec_name"), text("Kayak Type"), {"name": "seats", "type": "LONG"}]
    answer = call(coveo, "POST", "/batch/create/results", json=models)
    assert answer.status_code == 200
    report = answer.json()
    assert report["status"] == "COMPLETED"
    assert report["batchOperationId"]
    results = report["batchOperationResourcesStatus"]
    assert [result["resourceModel"] for result in results] == models
    assert [result["operationResult"] for result in results] == ["SUCCESS", "ERROR", "ERROR", "SUCCESS"]
    assert [result["successful"] for result in results] == [True, False, False, True]
    assert [result["errorDetails"] and result["errorDetails"]["errorCode"] for result in results] == [
        None,
        "FIELD_ALREADY_EXISTS",
        "INVALID_PARAMETER",
        None,
    ]
    assert own_fields(coveo) == ["kayak_type", "seats"]


def test_the_older_list_holds_the_same_fields(coveo: Caller) -> None:
    """GET, with page and perPage in the query: the pages together are what a search finds."""
    coveo.sandbox.create_field("kayak_type")
    searched = call(coveo, "POST", "/search", json={"perPage": 1000}).json()["items"]
    older = f"{coveo.organization_path}/indexes/page/fields"
    first = coveo.http.get(older, headers=coveo.headers, params={"perPage": 7}).json()
    pages = [
        coveo.http.get(older, headers=coveo.headers, params={"page": page, "perPage": 7}).json()["items"]
        for page in range(first["totalPages"])
    ]
    assert [field for page in pages for field in page] == searched
    assert first["totalEntries"] == len(searched)
    assert coveo.http.get(older, headers=coveo.headers).json()["items"] == searched
    own = coveo.http.get(older, headers=coveo.headers, params={"origin": "USER"}).json()["items"]
    assert [field["name"] for field in own] == ["kayak_type"]
    dates = {"filter": "DATE", "type": "DATE", "sortBy": "name", "order": "DESC"}
    found = coveo.http.get(older, headers=coveo.headers, params=dates).json()["items"]
    assert [field["name"] for field in found] == ["modifieddate", "date"]


@pytest.mark.parametrize("query", ["page=-1", "page=x", "perPage=0", "perPage=1001", "perPage=", "page=" + "9" * 5000])
def test_a_page_of_the_older_list_that_cannot_be_is_refused(coveo: Caller, query: str) -> None:
    """400, with a reason."""
    answer = coveo.http.get(f"{coveo.organization_path}/indexes/page/fields?{query}", headers=coveo.headers)
    assert refusal(answer) == (400, "INVALID_PARAMETER")


def test_a_field_can_be_changed(coveo: Caller) -> None:
    """204; what is sent from then on is indexed by the new options, and what the model leaves out is the default."""
    coveo.sandbox.create_field("accessories", facet=True)
    item = {"documentId": "product://1", "accessories": "paddle;rope"}
    coveo.load(batch(item))
    assert coveo.sandbox.items() == [item]
    answer = call(coveo, "PUT", "/accessories", json=text("accessories", multiValueFacet=True))
    assert (answer.status_code, answer.content) == (204, b"")
    coveo.load(batch(item))
    assert coveo.sandbox.items() == [{**item, "accessories": ["paddle", "rope"]}]
    assert call(coveo, "GET", "/accessories").json()["facet"] is False


def test_a_field_of_coveo_stays_one_when_it_is_changed(coveo: Caller) -> None:
    """What was read can be written back with a change, and the field is still Coveo's own."""
    model = call(coveo, "GET", "/ec_brand").json()
    assert (model["system"], model["multiValueFacet"]) == (True, False)
    assert call(coveo, "PUT", "/ec_brand", json={**model, "multiValueFacet": True}).status_code == 204
    assert call(coveo, "GET", "/ec_brand").json() == {**model, "multiValueFacet": True}


def test_a_change_that_cannot_be_is_refused(coveo: Caller) -> None:
    """No such field: 404. A model that cannot be: 400, and the field stays as it was."""
    coveo.sandbox.create_field("seats", type="LONG")
    assert refusal(call(coveo, "PUT", "/nobody", json=text("nobody"))) == (404, "FIELD_NOT_FOUND")
    for model in (text("seats", system=True), {"type": "LONG", "multiValueFacet": True}, {"type": "NUMBER"}):
        assert refusal(call(coveo, "PUT", "/seats", json=model)) == (400, "INVALID_PARAMETER")
    assert call(coveo, "GET", "/seats").json()["type"] == "LONG"


def test_a_field_can_be_deleted(coveo: Caller) -> None:
    """204; what is sent from then on has no such field. Coveo's own fields stay."""
    coveo.sandbox.create_field("kayak_type")
    answer = call(coveo, "DELETE", "/kayak_type")
    assert (answer.status_code, answer.content) == (204, b"")
    assert refusal(call(coveo, "DELETE", "/kayak_type")) == (404, "FIELD_NOT_FOUND")
    coveo.load(batch({"documentId": "product://1", "kayak_type": "single seat"}))
    assert [piece.key for piece in coveo.sandbox.dropped()] == ["kayak_type"]
    assert refusal(call(coveo, "DELETE", "/ec_name")) == (412, "INVALID_PARAMETER")
    assert call(coveo, "GET", "/ec_name").status_code == 200


def test_several_fields_are_changed_at_once(coveo: Caller) -> None:
    """204, all or none: with one that is not there or cannot be, the others stay as they were."""
    for name in ("kayak_type", "hue"):
        coveo.sandbox.create_field(name)
    changes = [text("kayak_type", mergeWithLexicon=True), text("hue", facet=True)]
    for wrong, status in ((text("nobody"), 404), (text("kayak_type", facet="yes"), 400), ({"type": "LONG"}, 400)):
        assert call(coveo, "PUT", "/batch/update", json=[*changes, wrong]).status_code == status
        assert call(coveo, "GET", "/hue").json()["facet"] is False
    answer = call(coveo, "PUT", "/batch/update", json=changes)
    assert (answer.status_code, answer.content) == (204, b"")
    assert call(coveo, "GET", "/kayak_type").json()["mergeWithLexicon"] is True
    assert call(coveo, "GET", "/hue").json()["facet"] is True


def test_the_result_of_each_change_can_be_asked_for(coveo: Caller) -> None:
    """Each is made or not on its own, and a field of Coveo's stays one."""
    coveo.sandbox.create_field("hue")
    brand = call(coveo, "GET", "/ec_brand").json()
    models = [text("hue", facet=True), text("nobody"), {**brand, "description": "Who made it"}]
    answer = call(coveo, "PUT", "/batch/update/results", json=models)
    assert answer.status_code == 200
    results = answer.json()["batchOperationResourcesStatus"]
    assert [result["operationResult"] for result in results] == ["SUCCESS", "ERROR", "SUCCESS"]
    assert results[1]["errorDetails"]["errorCode"] == "FIELD_NOT_FOUND"
    assert call(coveo, "GET", "/hue").json()["facet"] is True
    assert call(coveo, "GET", "/ec_brand").json() == {**brand, "description": "Who made it"}


def test_several_fields_are_deleted_at_once(coveo: Caller) -> None:
    """204, all or none, by their names in the query."""
    for name in ("kayak_type", "hue", "seats"):
        coveo.sandbox.create_field(name)
    for names, status in (("hue,nobody", 404), ("hue,ec_name", 412)):
        assert call(coveo, "DELETE", "/batch/delete", params={"fields": names}).status_code == status
    assert refusal(call(coveo, "DELETE", "/batch/delete")) == (412, "MISSING_PARAMETER")
    assert own_fields(coveo) == ["hue", "kayak_type", "seats"]
    answer = call(coveo, "DELETE", "/batch/delete", params={"fields": "hue,seats"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert own_fields(coveo) == ["kayak_type"]


def test_the_result_of_each_deletion_can_be_asked_for(coveo: Caller) -> None:
    """Each is deleted or not on its own."""
    coveo.sandbox.create_field("hue")
    answer = call(coveo, "DELETE", "/batch/delete/results", params={"fields": "nobody,ec_name,hue"})
    assert answer.status_code == 200
    results = answer.json()["batchOperationResourcesStatus"]
    assert [result["resourceModel"]["name"] for result in results] == ["nobody", "ec_name", "hue"]
    assert [result["successful"] for result in results] == [False, False, True]
    assert own_fields(coveo) == []


CALLS: list[tuple[str, str, Privilege]] = [
    ("PUT", "/batch/update", "FIELD_EDIT"),
    ("PUT", "/batch/update/results", "FIELD_EDIT"),
    ("DELETE", "/batch/delete", "FIELD_EDIT"),
    ("DELETE", "/batch/delete/results", "FIELD_EDIT"),
    ("GET", "/ec_name", "FIELD_VIEW"),
    ("POST", "/search", "FIELD_VIEW"),
    ("POST", "", "FIELD_CREATE"),
    ("POST", "/batch/create", "FIELD_CREATE"),
    ("POST", "/batch/create/results", "FIELD_CREATE"),
    ("PUT", "/ec_name", "FIELD_EDIT"),
    ("DELETE", "/ec_name", "FIELD_EDIT"),
]


@pytest.mark.parametrize(("method", "rest", "privilege"), CALLS)
def test_each_call_needs_its_privilege(coveo: Caller, method: str, rest: str, privilege: Privilege) -> None:
    """403 with a key that may do everything else; without one, 401."""
    key = coveo.sandbox.create_api_key(*(other for other in get_args(Privilege) if other != privilege))
    headers = {**coveo.headers, "Authorization": f"Bearer {key}"}
    assert refusal(coveo.http.request(method, path(coveo, rest), headers=headers)) == (403, "ACCESS_DENIED")
    assert refusal(coveo.http.request(method, path(coveo, rest))) == (401, "UNAUTHORIZED")


def evaluate(coveo: Caller, key: str, **wanted: str) -> httpx.Response:
    """Ask what a key may do."""
    body = {"organizationId": coveo.sandbox.connection["organization_id"], "requestedPrivilege": wanted}
    headers = {**coveo.headers, "Authorization": f"Bearer {key}"}
    return coveo.http.post("/rest/privilege/evaluate", headers=headers, json=body)


def test_a_client_can_ask_what_its_key_may_do(coveo: Caller) -> None:
    """As Coveo's own clients do before they make fields: approved or not, with the question repeated."""
    key = coveo.sandbox.create_api_key("FIELD_VIEW")
    wanted = {"type": "VIEW", "targetDomain": "FIELD", "targetId": "*", "owner": "PLATFORM"}
    answer = evaluate(coveo, key, **wanted)
    assert answer.status_code == 200
    assert (answer.json()["approved"], answer.json()["requestedPrivilege"]) == (True, wanted)
    assert evaluate(coveo, key, **{**wanted, "type": "CREATE"}).json()["approved"] is False
    own_key = coveo.sandbox.connection["api_key"]
    assert evaluate(coveo, own_key, **{**wanted, "type": "CREATE"}).json()["approved"] is True
    assert evaluate(coveo, own_key, targetDomain="SPACESHIP", type="LAUNCH").json()["approved"] is False


def test_asking_needs_a_valid_key_and_question(coveo: Caller) -> None:
    """401 with an unknown key, 404 about another organization, 400 without a question."""
    assert refusal(evaluate(coveo, "xx-nobody", type="VIEW", targetDomain="FIELD")) == (401, "INVALID_TOKEN")
    answer = coveo.post("/rest/privilege/evaluate", json={"organizationId": "another", "requestedPrivilege": {}})
    assert refusal(answer) == (404, "ORGANIZATION_NOT_FOUND")
    organization_id = coveo.sandbox.connection["organization_id"]
    questions: list[dict[str, object]] = [{}, {"organizationId": organization_id}, {"requestedPrivilege": {}}]
    for body in questions:
        assert refusal(coveo.post("/rest/privilege/evaluate", json=body)) == (400, "INVALID_PARAMETER")


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(["name", "type", "system", "facet", "organizationId", "requestedPrivilege"])
models = st.dictionaries(keys, st.sampled_from(["kayak", "STRING", "LONG", "sandbox"]) | any_json)


@pytest.fixture(scope="module")
def lasting_coveo() -> Iterator[Caller]:
    """A running sandbox for many requests."""
    with Caller.running() as caller:
        yield caller


@untimed
@given(body=any_json | models | st.lists(models | any_json, max_size=3))
def test_any_json_may_be_sent(lasting_coveo: Caller, body: object) -> None:
    """It is done or refused; it is never a server error."""
    coveo = lasting_coveo
    for method, rest in (
        ("POST", "/batch/create"),
        ("POST", "/batch/create/results"),
        ("POST", "/search"),
        ("PUT", "/batch/update/results"),
        ("PUT", "/ec_name"),
    ):
        assert call(coveo, method, rest, json=body).status_code < 500
    assert coveo.post("/rest/privilege/evaluate", json=body).status_code < 500


@pytest.mark.parametrize("value", ["1e999", "-1e999", *("[" * depth + "]" * depth for depth in range(850, 1000, 3))])
def test_what_cannot_be_repeated_is_refused(lasting_coveo: Caller, value: str) -> None:
    """A number beyond all, or nesting at the edge of what can be read: no server error, and an answer in JSON."""
    content = f'[{{"name": "kayak", "type": {value}}}]'.encode()
    answer = call(lasting_coveo, "POST", "/batch/create/results", content=content)
    assert answer.status_code in (200, 400)
    assert "Infinity" not in answer.text


def test_every_call_about_fields_is_known_as_one(coveo: Caller) -> None:
    """A fault ordered for fields strikes the older list and a batch too."""
    coveo.sandbox.fail("fields", 503, times=2)
    older = f"{coveo.organization_path}/indexes/page/fields"
    assert coveo.http.get(older, headers=coveo.headers).status_code == 503
    assert call(coveo, "POST", "/batch/create", json=[text("seats")]).status_code == 503
    assert own_fields(coveo) == []
