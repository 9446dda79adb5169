"""The mapping API of a source over HTTP: every call, what it answers, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_caller import Caller, batch, untimed

from coveo_enrich.sandbox.access import Privilege


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox with three fields of its own."""
    with Caller.running() as caller:
        for name in ("kayak", "seats", "use"):
            caller.sandbox.create_field(name)
        yield caller


def path(coveo: Caller, rest: str = "") -> str:
    """The path of a call of the mapping API."""
    return f"{coveo.organization_path}/sources/{coveo.sandbox.connection['source_id']}/mappings{rest}"


def call(coveo: Caller, method: str, rest: str = "", **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    """Call it with the usual headers."""
    return coveo.http.request(method, path(coveo, rest), headers=coveo.headers, **options)


def read(coveo: Caller, rest: str = "") -> Any:  # noqa: ANN401 - any JSON
    """What a call by GET answers."""
    answer = call(coveo, "GET", rest)
    assert answer.status_code == 200
    return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status and code of an error."""
    return answer.status_code, answer.json()["errorCode"]


def rule(field: str, *content: str) -> dict[str, object]:
    """The model of a rule."""
    return {"field": field, "content": list(content) or [f"%[{field}_said]"]}


def without_ids(model: Any) -> Any:  # noqa: ANN401 - any JSON
    """The model without the ids that the sandbox gave."""
    return json.loads(json.dumps(model), object_hook=lambda said: {key: said[key] for key in said if key != "id"})


def test_a_source_has_no_rules_at_first(coveo: Caller) -> None:
    """Nothing is mapped but what has a field of its name."""
    assert read(coveo) == {"common": {"rules": []}, "types": []}


def test_all_rules_are_replaced_at_once(coveo: Caller) -> None:
    """PUT answers 200 with what there is now, each rule with an id; what it leaves out is gone."""
    wanted = {"common": {"rules": [rule("kayak")]}, "types": [{"type": "Variant", "rules": [rule("seats")]}]}
    answer = call(coveo, "PUT", json=wanted)
    assert answer.status_code == 200
    assert answer.json() == read(coveo)
    assert without_ids(read(coveo)) == wanted
    assert read(coveo)["types"][0]["id"] == "Variant"
    assert call(coveo, "PUT", json={"common": {"rules": [rule("use")]}, "types": []}).status_code == 200
    assert without_ids(read(coveo)) == {"common": {"rules": [rule("use")]}, "types": []}


def test_what_was_read_can_be_written_back(coveo: Caller) -> None:
    """Rules keep their ids, so that reading, adding one and writing changes nothing else."""
    call(coveo, "PUT", json={"common": {"rules": [rule("kayak")]}})
    before = read(coveo)
    before["common"]["rules"].append(rule("use"))
    after = call(coveo, "PUT", json=before).json()
    assert after["common"]["rules"][0] == before["common"]["rules"][0]
    assert [each["field"] for each in after["common"]["rules"]] == ["kayak", "use"]


def test_the_common_rules_are_replaced_alone(coveo: Caller) -> None:
    """Those of types stay."""
    call(coveo, "PUT", json={"common": {"rules": []}, "types": [{"type": "Variant", "rules": [rule("seats")]}]})
    answer = call(coveo, "PUT", "/common", json={"rules": [rule("kayak")]})
    assert (answer.status_code, without_ids(answer.json())) == (200, {"rules": [rule("kayak")]})
    assert read(coveo, "/common") == answer.json()
    assert without_ids(read(coveo))["types"] == [{"type": "Variant", "rules": [rule("seats")]}]


@pytest.fixture(params=["/common/rules", "/types/Variant/rules"])
def rules(request: pytest.FixtureRequest, coveo: Caller) -> str:
    """The path of rules: the common ones, or those of a type."""
    assert call(coveo, "POST", "/types", json={"type": "Variant", "rules": []}).status_code == 201
    chosen: str = request.param
    return chosen


def test_a_rule_is_added_and_used(coveo: Caller, rules: str) -> None:
    """POST answers 201 with the rule and its id; items that are sent from then on are indexed by it."""
    answer = call(coveo, "POST", rules, params={"rebuild": "false"}, json=rule("kayak", "%[kayak_type]"))
    assert answer.status_code == 201
    made = answer.json()
    assert made == {"id": made["id"], **rule("kayak", "%[kayak_type]")}
    assert read(coveo, rules) == [made]
    assert read(coveo, f"{rules}/{made['id']}") == made
    coveo.load(batch({"documentId": "product://1", "objecttype": "Variant", "kayak_type": "tandem"}))
    assert coveo.sandbox.items()[0]["kayak"] == "tandem"


def test_a_rule_is_changed_and_deleted(coveo: Caller, rules: str) -> None:
    """PUT answers 200 with the rule, which keeps its id and place, and DELETE 204; the others stay."""
    first, second = (call(coveo, "POST", rules, json=rule(name)).json() for name in ("kayak", "seats"))
    answer = call(coveo, "PUT", f"{rules}/{first['id']}", json=rule("use"))
    assert (answer.status_code, answer.json()) == (200, {"id": first["id"], **rule("use")})
    assert read(coveo, rules) == [answer.json(), second]
    answer = call(coveo, "DELETE", f"{rules}/{first['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert read(coveo, rules) == [second]


def test_a_rule_that_is_not_there_cannot_be_found(coveo: Caller, rules: str) -> None:
    """404, whatever is to be done with it."""
    for method, options in (("GET", {}), ("PUT", {"json": rule("kayak")}), ("DELETE", {})):
        assert refusal(call(coveo, method, f"{rules}/nobody", **options)) == (404, "MAPPING_NOT_FOUND")


def test_the_field_of_a_rule_must_be_there(coveo: Caller, rules: str) -> None:
    """412, and there is no rule, by whichever call."""
    made = call(coveo, "POST", rules, json=rule("kayak")).json()
    before = read(coveo)
    calls: list[tuple[str, str, dict[str, object]]] = [
        ("POST", rules, rule("nobody")),
        ("PUT", f"{rules}/{made['id']}", rule("nobody")),
        ("PUT", "", {"common": {"rules": [rule("nobody")]}, "types": []}),
        ("PUT", "/common", {"rules": [rule("nobody")]}),
        ("PUT", "/types/Variant", {"type": "Variant", "rules": [rule("nobody")]}),
    ]
    for method, rest, model in calls:
        assert refusal(call(coveo, method, rest, json=model)) == (412, "FIELD_NOT_FOUND")
    assert read(coveo) == before


def test_a_field_has_one_rule_among_the_same_items(coveo: Caller, rules: str) -> None:
    """A second one is refused with 412, so that who adds a rule twice finds out."""
    made = call(coveo, "POST", rules, json=rule("kayak")).json()
    assert refusal(call(coveo, "POST", rules, json=rule("kayak"))) == (412, "MAPPING_ALREADY_EXISTS")
    assert read(coveo, rules) == [made]
    twice = {"common": {"rules": [{"id": "x", **rule("kayak")}, {"id": "x", **rule("use")}]}}
    assert refusal(call(coveo, "PUT", json=twice)) == (412, "MAPPING_ALREADY_EXISTS")


def test_rules_stay_when_their_field_is_deleted(coveo: Caller) -> None:
    """And stand in the way of no other change."""
    made = call(coveo, "POST", "/common/rules", json=rule("kayak")).json()
    coveo.http.delete(f"{coveo.organization_path}/indexes/fields/kayak", headers=coveo.headers)
    assert call(coveo, "POST", "/common/rules", json=rule("use")).status_code == 201
    assert read(coveo, "/common/rules")[0] == made


def test_types_have_rules_of_their_own(coveo: Caller) -> None:
    """They are made (201), listed, read, replaced (200) and deleted (204) by their name, which is their id."""
    wanted = {"type": "Variant", "rules": [rule("seats")]}
    answer = call(coveo, "POST", "/types", json=wanted)
    assert (answer.status_code, without_ids(answer.json()), answer.json()["id"]) == (201, wanted, "Variant")
    assert refusal(call(coveo, "POST", "/types", json=wanted)) == (412, "MAPPING_ALREADY_EXISTS")
    assert read(coveo, "/types") == [answer.json()]
    assert read(coveo, "/types/Variant") == answer.json()
    answer = call(coveo, "PUT", "/types/Variant", json={"rules": [rule("use")]})
    assert (answer.status_code, without_ids(answer.json())) == (200, {"type": "Variant", "rules": [rule("use")]})
    assert read(coveo, "/types/Variant") == answer.json()
    answer = call(coveo, "DELETE", "/types/Variant")
    assert (answer.status_code, answer.content) == (204, b"")
    assert read(coveo, "/types") == []


def test_a_type_that_is_not_there_cannot_be_found(coveo: Caller) -> None:
    """404, for the type and for its rules."""
    calls: list[tuple[str, str, dict[str, object] | None]] = [
        ("GET", "/types/Nobody", None),
        ("PUT", "/types/Nobody", {"rules": []}),
        ("DELETE", "/types/Nobody", None),
        ("GET", "/types/Nobody/rules", None),
        ("POST", "/types/Nobody/rules", rule("kayak")),
    ]
    for method, rest, model in calls:
        assert refusal(call(coveo, method, rest, json=model)) == (404, "MAPPING_NOT_FOUND")


def test_several_types_are_handled_at_once(coveo: Caller) -> None:
    """201 with what became of each, on its own; what was made stays though another failed."""
    models: list[dict[str, object]] = [
        {"type": "Variant", "rules": [rule("seats")]},
        {"type": "Product", "rules": [rule("nobody")]},
        {"type": "Store", "rules": []},
    ]
    answer = call(coveo, "POST", "/batch/create", json=models)
    assert answer.status_code == 201
    results = answer.json()["batchOperationResourcesStatus"]
    assert [result["resourceModel"] for result in results] == models
    assert [result["operationResult"] for result in results] == ["SUCCESS", "ERROR", "SUCCESS"]
    assert results[1]["errorDetails"]["errorCode"] == "FIELD_NOT_FOUND"
    assert [each["type"] for each in read(coveo, "/types")] == ["Variant", "Store"]

    changed = {"type": "Variant", "rules": [rule("use")]}
    answer = call(coveo, "POST", "/batch/update", json=[changed, models[1]])
    assert [result["successful"] for result in answer.json()["batchOperationResourcesStatus"]] == [True, False]
    assert without_ids(read(coveo, "/types/Variant")) == changed

    answer = call(coveo, "POST", "/batch/delete", json=[changed, {"type": "Nobody", "rules": []}])
    assert [result["successful"] for result in answer.json()["batchOperationResourcesStatus"]] == [True, False]
    assert [each["type"] for each in read(coveo, "/types")] == ["Store"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"field": "kayak"},
        {"content": ["%[a]"]},
        {"field": 7, "content": ["%[a]"]},
        {"field": "kayak", "content": "%[a]"},
        {"field": "kayak", "content": []},
        {"field": "kayak", "content": ["%[a]", None]},
        {"field": "kayak", "content": [""]},
    ],
)
def test_what_is_no_rule_is_refused(coveo: Caller, wrong: dict[str, object]) -> None:
    """400, alone and among others, and nothing is changed."""
    assert refusal(call(coveo, "POST", "/common/rules", json=wrong)) == (400, "INVALID_PARAMETER")
    everything = {"common": {"rules": [rule("kayak"), wrong]}}
    assert refusal(call(coveo, "PUT", json=everything)) == (400, "INVALID_PARAMETER")
    assert read(coveo) == {"common": {"rules": []}, "types": []}


NO_MAPPINGS: list[dict[str, object]] = [
    {"types": {}},
    {"types": "Variant"},
    {"common": ["kayak"]},
    {"common": {"rules": {}}},
    {"types": [{"rules": []}]},
    {"types": [{"type": "Variant"}]},
    {"types": [{"type": "Variant", "rules": []}, {"type": "Variant", "rules": []}]},
]


@pytest.mark.parametrize("wrong", NO_MAPPINGS)
def test_what_are_no_mappings_is_refused(coveo: Caller, wrong: dict[str, object]) -> None:
    """400, with a reason."""
    answer = call(coveo, "PUT", json=wrong)
    assert refusal(answer) == (400, "INVALID_PARAMETER")
    assert answer.json()["message"]


def test_rebuild_is_true_or_false(coveo: Caller) -> None:
    """Both are taken, and neither processes anything again, as a Catalog source cannot be rebuilt."""
    coveo.load(batch({"documentId": "product://1", "kayak_said": "tandem"}))
    answer = call(coveo, "POST", "/common/rules", params={"rebuild": "true"}, json=rule("kayak"))
    assert answer.status_code == 201
    assert coveo.sandbox.items() == [{"documentId": "product://1"}]
    answer = call(coveo, "POST", "/common/rules", params={"rebuild": "soon"}, json=rule("use"))
    assert refusal(answer) == (400, "INVALID_PARAMETER")


def test_rules_are_there_again_after_a_restart(tmp_path: Path) -> None:
    """Where the sandbox keeps its data they belong to it: with their ids, and in force."""
    data = tmp_path / "sandbox.sqlite"
    with Caller.running(data=data) as coveo:
        coveo.sandbox.create_field("kayak")
        call(coveo, "POST", "/common/rules", json=rule("kayak"))
        call(coveo, "POST", "/types", json={"type": "Variant", "rules": [rule("kayak")]})
        before = read(coveo)
    with Caller.running(data=data) as coveo:
        assert read(coveo) == before
        coveo.load(batch({"documentId": "product://1", "kayak_said": "tandem"}))
        assert coveo.sandbox.items() == [{"documentId": "product://1", "kayak": "tandem"}]


CALLS: list[tuple[str, str, Privilege]] = [
    ("GET", "", "SOURCE_VIEW"),
    ("PUT", "", "SOURCE_EDIT"),
    ("GET", "/common", "SOURCE_VIEW"),
    ("PUT", "/common", "SOURCE_EDIT"),
    ("GET", "/common/rules", "SOURCE_VIEW"),
    ("POST", "/common/rules", "SOURCE_EDIT"),
    ("GET", "/common/rules/x", "SOURCE_VIEW"),
    ("PUT", "/common/rules/x", "SOURCE_EDIT"),
    ("DELETE", "/common/rules/x", "SOURCE_EDIT"),
    ("GET", "/types", "SOURCE_VIEW"),
    ("POST", "/types", "SOURCE_EDIT"),
    ("GET", "/types/x", "SOURCE_VIEW"),
    ("PUT", "/types/x", "SOURCE_EDIT"),
    ("DELETE", "/types/x", "SOURCE_EDIT"),
    ("POST", "/types/x/rules", "SOURCE_EDIT"),
    ("POST", "/batch/create", "SOURCE_EDIT"),
    ("POST", "/batch/update", "SOURCE_EDIT"),
    ("POST", "/batch/delete", "SOURCE_EDIT"),
]


@pytest.mark.parametrize(("method", "rest", "privilege"), CALLS)
def test_each_call_needs_its_privilege(coveo: Caller, method: str, rest: str, privilege: Privilege) -> None:
    """403 with a key that may do everything else; without one, 401."""
    key = coveo.sandbox.create_api_key(*(other for other in get_args(Privilege) if other != privilege))
    headers = {**coveo.headers, "Authorization": f"Bearer {key}"}
    assert refusal(coveo.http.request(method, path(coveo, rest), headers=headers)) == (403, "ACCESS_DENIED")
    assert refusal(coveo.http.request(method, path(coveo, rest))) == (401, "UNAUTHORIZED")


def test_another_source_is_not_there(coveo: Caller) -> None:
    """404, as for the source itself."""
    answer = coveo.http.get(f"{coveo.organization_path}/sources/another/mappings", headers=coveo.headers)
    assert refusal(answer) == (404, "SOURCE_NOT_FOUND")


def test_a_fault_can_be_ordered_for_mappings(coveo: Caller) -> None:
    """It strikes every call of theirs, and no other."""
    coveo.sandbox.fail("mappings", 503, times=2)
    assert call(coveo, "GET").status_code == 503
    assert coveo.number_of_documents() == 0
    assert call(coveo, "POST", "/common/rules", json=rule("kayak")).status_code == 503
    assert read(coveo, "/common/rules") == []


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["kayak", "%[kayak]", "Variant"]),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.sampled_from(["common", "types", "type", "rules", "field", "content", "id"]), values)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def lasting_coveo() -> Iterator[Caller]:
    """A running sandbox for many requests."""
    with Caller.running() as caller:
        caller.sandbox.create_field("kayak")
        yield caller


@untimed
@given(any_json)
def test_any_json_may_be_sent(lasting_coveo: Caller, body: object) -> None:
    """It is done or refused, it is never a server error, and the rules can be read afterwards."""
    for method, rest in (("PUT", ""), ("PUT", "/common"), ("POST", "/common/rules"), ("POST", "/batch/create")):
        content = json.dumps(body).encode()
        assert call(lasting_coveo, method, rest, content=content).status_code < 500
    read(lasting_coveo)
