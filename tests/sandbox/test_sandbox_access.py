"""Who is let in: Coveo's refusals, with their codes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_caller import Caller


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
    """A content type with parameters is JSON all the same."""
    headers = {**coveo.headers, "Content-Type": "Application/JSON; charset=utf-8"}
    assert coveo.http.post(f"{coveo.stream_path}/open", headers=headers).status_code == 201


@pytest.mark.parametrize("action", ["open", "1234/chunk", "1234/close"])
def test_another_organization_or_source_is_refused(coveo: Caller, action: str) -> None:
    """404 for the organization, 412 for the source."""
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
    """Opening is a POST; the answer to anything else is JSON."""
    answer = coveo.http.request(method, f"{coveo.stream_path}/open", headers=coveo.headers)
    assert answer.status_code == 405
    assert answer.json()["message"]


def test_the_key_is_not_in_the_repr_of_a_request(coveo: Caller) -> None:
    """Headers are kept for assertions, and stay out of logs and of pytest's output."""
    coveo.open()
    (request,) = coveo.sandbox.requests()
    assert request.headers["authorization"] == coveo.headers["Authorization"]
    assert coveo.sandbox.connection["api_key"] not in repr(request)
    assert "X-Amz-Signature" not in repr(request)
