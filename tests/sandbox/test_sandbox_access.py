"""Who is let in: Coveo's refusals, with their codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import quote

import attrs
import httpx
import pytest
from sandbox_caller import Caller, batch

from coveo_enrich.sandbox.access import Privilege


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": None}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Basic abc"}, 401, "UNAUTHORIZED"),
        ({"Authorization": ""}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Bearer xx-wrong"}, 401, "INVALID_TOKEN"),
        ({"Authorization": "Bearer"}, 401, "UNAUTHORIZED"),
        ({"Content-Type": None}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
@pytest.mark.parametrize("action", ["open", "1234/chunk", "1234/close"])
def test_wrong_headers_are_refused(
    coveo: Caller, headers: dict[str, str | None], status: int, code: str, action: str
) -> None:
    """Coveo's own calls need a bearer token with the right key, and JSON as content type even without a body."""
    merged = {name: value for name, value in {**coveo.headers, **headers}.items() if value is not None}
    answer = coveo.http.post(f"{coveo.stream_path}/{action}", headers=merged)
    assert answer.status_code == status
    assert answer.json()["errorCode"] == code
    assert answer.json()["message"]
    assert coveo.sandbox.streams() == []


def test_json_may_say_its_character_set(coveo: Caller) -> None:
    """A JSON content type with parameters is let in."""
    headers = {**coveo.headers, "Content-Type": "Application/JSON; charset=utf-8"}
    assert coveo.http.post(f"{coveo.stream_path}/open", headers=headers).status_code == 201


@pytest.mark.parametrize("action", ["open", "1234/chunk", "1234/close"])
def test_another_organization_or_source_is_refused(coveo: Caller, action: str) -> None:
    """Another organization answers 404, another source 412."""
    there = coveo.sandbox.connection
    other_organization = coveo.stream_path.replace(there["organization_id"], "other", 1)
    answer = coveo.post(f"{other_organization}/{action}")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "ORGANIZATION_NOT_FOUND")
    other_source = coveo.stream_path.replace(f"sources/{there['source_id']}", "sources/other")
    answer = coveo.post(f"{other_source}/{action}")
    assert (answer.status_code, answer.json()["errorCode"]) == (412, "SOURCE_DOES_NOT_EXIST")


def test_the_platform_refuses_too(coveo: Caller) -> None:
    """Reading the source needs the key, and a source that is there."""
    path = f"{coveo.organization_path}/sources/{coveo.sandbox.connection['source_id']}"
    assert coveo.http.get(path).json()["errorCode"] == "UNAUTHORIZED"
    answer = coveo.http.get(f"{coveo.organization_path}/sources/other", headers=coveo.headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "SOURCE_NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_refused(coveo: Caller, method: str) -> None:
    """Opening by another method than POST is refused, with an answer in JSON."""
    answer = coveo.http.request(method, f"{coveo.stream_path}/open", headers=coveo.headers)
    assert answer.status_code == 405
    assert answer.json()["message"]


def test_the_key_is_not_in_the_repr_of_a_request(coveo: Caller) -> None:
    """Headers of a request are kept for assertions and are not in its repr."""
    coveo.open()
    (request,) = coveo.sandbox.requests()
    assert request.headers["authorization"] == coveo.headers["Authorization"]
    assert coveo.sandbox.connection["api_key"] not in repr(request)
    assert "X-Amz-Signature" not in repr(request)


CALLS: list[tuple[str, str, Privilege]] = [
    ("POST", "{files}", "ORGANIZATION_VIEW"),
    ("POST", "{stream}/open", "SOURCE_EDIT"),
    ("POST", "{stream}/1234/chunk", "SOURCE_EDIT"),
    ("POST", "{stream}/1234/close", "SOURCE_EDIT"),
    ("PUT", "{stream}/update?fileId=1234", "SOURCE_EDIT"),
    ("PUT", "{stream}/merge?fileId=1234", "SOURCE_EDIT"),
    ("POST", "{stream}/deleteolderthan/1234", "SOURCE_EDIT"),
    ("POST", "{source}/status?statusType=IDLE", "SOURCE_EDIT"),
    ("GET", "{platform}/sources/{source_id}", "SOURCE_VIEW"),
    ("GET", "{platform}/indexes/fields/ec_name", "FIELD_VIEW"),
    ("POST", "{platform}/indexes/fields/search", "FIELD_VIEW"),
    ("POST", "{platform}/indexes/fields", "FIELD_CREATE"),
    ("DELETE", "{platform}/indexes/fields/ec_name", "FIELD_EDIT"),
]


def _path(coveo: Caller, template: str) -> str:
    return template.format(
        files=coveo.files_path,
        stream=coveo.stream_path,
        source=coveo.source_path,
        platform=coveo.organization_path,
        source_id=coveo.sandbox.connection["source_id"],
    )


def _call(coveo: Caller, method: str, template: str, key: str) -> httpx.Response:
    headers = {**coveo.headers, "Authorization": f"Bearer {key}"}
    return coveo.http.request(method, _path(coveo, template), headers=headers, content=b"{}")


@pytest.mark.parametrize(("method", "template", "privilege"), CALLS)
def test_a_key_needs_the_privilege_of_the_call(coveo: Caller, method: str, template: str, privilege: Privilege) -> None:
    """A key with the privilege of the call alone is let in; with all others, or none, it is refused with 403."""
    others = [other for other in get_args(Privilege) if other != privilege]
    for key in (coveo.sandbox.create_api_key(*others), coveo.sandbox.create_api_key()):
        answer = _call(coveo, method, template, key)
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "ACCESS_DENIED")
    for key in (coveo.sandbox.create_api_key(privilege), coveo.sandbox.connection["api_key"]):
        assert _call(coveo, method, template, key).status_code not in (401, 403)


def test_a_privilege_that_there_is_not_is_an_error(coveo: Caller) -> None:
    """A misspelt privilege raises, as its key could do nothing and a test would prove nothing."""
    wrong: Any = "SOURCE_WRITE"
    with pytest.raises(ValueError, match="SOURCE_WRITE"):
        coveo.sandbox.create_api_key("SOURCE_EDIT", wrong)


def test_only_the_sandboxs_own_source_is_there(coveo: Caller) -> None:
    """Looking for another source raises, in place of an empty answer."""
    for look in (coveo.sandbox.items, coveo.sandbox.dropped, coveo.sandbox.streams):
        assert look(source_id=coveo.sandbox.connection["source_id"]) == []
        with pytest.raises(ValueError, match="restricted"):
            look(source_id="other")
        with pytest.raises(ValueError, match="restricted"):
            look(organization_id="other")


@attrs.frozen
class Elsewhere:
    """A source of any name in a sandbox that takes any."""

    coveo: Caller
    organization_id: str
    source_id: str

    @property
    def headers(self) -> dict[str, str]:
        """With a key that nobody made."""
        return {"Authorization": "Bearer anything", "Content-Type": "application/json"}

    @property
    def path(self) -> str:
        """The source; both names may need quoting."""
        return f"organizations/{quote(self.organization_id, safe='')}/sources/{quote(self.source_id, safe='')}"

    def load(self, *document_ids: str) -> str:
        """Make the source these items: the stream's id."""
        http = self.coveo.http
        opened = http.post(f"/push/v1/{self.path}/stream/open", headers=self.headers).raise_for_status().json()
        self.coveo.upload(opened, batch(*({"documentId": name} for name in document_ids))).raise_for_status()
        self.close(opened["streamId"]).raise_for_status()
        return str(opened["streamId"])

    def close(self, stream_id: str) -> httpx.Response:
        """Close a stream."""
        return self.coveo.http.post(f"/push/v1/{self.path}/stream/{stream_id}/close", headers=self.headers)

    def count(self) -> int:
        """The size of the source, as the platform tells it."""
        answer = self.coveo.http.get(f"/rest/{self.path}", headers=self.headers).raise_for_status()
        return int(answer.json()["information"]["numberOfDocuments"])

    def items(self) -> list[str]:
        """The ids in the index."""
        found = self.coveo.sandbox.items(organization_id=self.organization_id, source_id=self.source_id)
        return [item["documentId"] for item in found]


def test_any_organization_source_and_key_is_accepted_on_request() -> None:
    """Unrestricted, each source has its own items, each organization its own fields, and no file crosses."""
    with Caller.running(restricted=False) as coveo:
        one, two = Elsewhere(coveo, "one", "source"), Elsewhere(coveo, "one", "other source")
        three = Elsewhere(coveo, "trois é ..%", "source")
        stream_id = one.load("product://1")
        two.load("product://2", "product://3")
        three.load("product://4", "product://5", "product://6")
        assert [there.count() for there in (one, two, three)] == [1, 2, 3]
        assert [there.items() for there in (one, two)] == [["product://1"], ["product://2", "product://3"]]
        assert coveo.document_ids() == []
        assert len(coveo.sandbox.streams(organization_id="one", source_id="source")) == 1
        assert coveo.sandbox.streams() == []
        assert two.close(stream_id).status_code == 412

        fields = "/rest/organizations/one/indexes/fields"
        assert coveo.http.post(fields, headers=one.headers, json={"name": "seats", "type": "LONG"}).status_code == 204
        assert coveo.http.get(f"{fields}/seats", headers=one.headers).status_code == 200
        assert coveo.http.get(f"{coveo.organization_path}/indexes/fields/seats", headers=one.headers).status_code == 404

        file = coveo.http.post("/push/v1/organizations/one/files", headers=one.headers).json()
        coveo.upload(file, batch({"documentId": "product://9"}))
        assert coveo.send("update", file["fileId"]).status_code == 412
        answer = coveo.http.put(f"/push/v1/{two.path}/stream/update?fileId={file['fileId']}", headers=two.headers)
        assert answer.status_code == 202
        assert two.count() == 3


def test_a_load_of_one_source_deletes_nothing_of_another() -> None:
    """Neither a load nor deleteolderthan of one source deletes anything of another."""
    with Caller.running(restricted=False, deletion_delay_minutes=0) as coveo:
        one, two = Elsewhere(coveo, "one", "source"), Elsewhere(coveo, "two", "source")
        one.load("product://1")
        two.load("product://2")
        one.load("product://3")
        path = f"/push/v1/{one.path}/stream/deleteolderthan/{10**13}?queueDelay=0"
        assert coveo.http.post(path, headers=one.headers).status_code == 201
        assert [one.count(), two.count()] == [0, 1]
        two.load("product://4")
        assert two.items() == ["product://4"]


def test_a_key_with_privileges_has_no_more_where_any_key_is_accepted() -> None:
    """Where any key is accepted, one made with privileges has only these; a call without a key is refused."""
    with Caller.running(restricted=False) as coveo:
        key = coveo.sandbox.create_api_key("SOURCE_VIEW")
        assert _call(coveo, "POST", "{stream}/open", key).status_code == 403
        assert _call(coveo, "POST", "{stream}/open", "anything").status_code == 201
        assert coveo.http.post(f"{coveo.stream_path}/open").json()["errorCode"] == "UNAUTHORIZED"
