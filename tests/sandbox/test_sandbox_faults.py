"""Faults to order: they strike what was named, as often as said, and leave the rest alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sandbox_caller import Caller, batch


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def _open(coveo: Caller) -> httpx.Response:
    return coveo.post(f"{coveo.stream_path}/open")


def test_a_fault_strikes_the_times_that_were_ordered(coveo: Caller) -> None:
    """A fault lets some calls pass, then strikes as often as ordered, and what it struck did not happen."""
    coveo.sandbox.fail("open", times=2, after=1)
    assert [_open(coveo).status_code for _ in range(5)] == [201, 503, 503, 201, 201]
    assert len(coveo.sandbox.streams()) == 3


def test_a_fault_can_stay(coveo: Caller) -> None:
    """A fault with `times=None` strikes every request of its operation, and no other."""
    opened = coveo.open()
    coveo.sandbox.fail("chunk", 500, times=None)
    chunks = [coveo.post(f"{coveo.stream_path}/{opened['streamId']}/chunk") for _ in range(5)]
    assert [answer.status_code for answer in chunks] == [500] * 5
    assert coveo.close(opened["streamId"]).status_code == 200


def test_faults_follow_each_other(coveo: Caller) -> None:
    """Two orders for one operation strike one after the other."""
    coveo.sandbox.fail("open", 500)
    coveo.sandbox.fail("open", 503)
    assert [_open(coveo).status_code for _ in range(3)] == [500, 503, 201]


def test_an_ordered_answer_speaks_like_coveo(coveo: Caller) -> None:
    """Status, errorCode and headers are those ordered; the codes that are usual for a status come by themselves."""
    coveo.sandbox.fail("open", 429, headers={"Retry-After": "2"})
    answer = _open(coveo)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    assert answer.json()["errorCode"] == "TOO_MANY_REQUESTS"
    coveo.sandbox.fail("open", 429, error_code="TOO_MANY_DOCUMENTS_DAILY")
    assert _open(coveo).json()["errorCode"] == "TOO_MANY_DOCUMENTS_DAILY"
    coveo.sandbox.fail("open", 400, error_code="ORGANIZATION_IS_PAUSED")
    answer = _open(coveo)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "ORGANIZATION_IS_PAUSED")
    coveo.sandbox.fail("open", 504)
    assert set(_open(coveo).json()) == {"message"}
    coveo.sandbox.fail("open", 502, body="<html>Bad gateway</html>", headers={"Content-Type": "text/html"})
    assert _open(coveo).text == "<html>Bad gateway</html>"


def test_an_ordered_answer_to_an_upload_speaks_like_the_storage(coveo: Caller) -> None:
    """A fault of an upload answers in XML, also to a large body, and the container stays empty."""
    container = coveo.open()
    coveo.sandbox.fail("upload", 503)
    answer = coveo.upload(container, bytes(10_000_000))
    assert answer.status_code == 503
    assert "<Code>SlowDown</Code>" in answer.text
    assert not coveo.sandbox.streams()[0].containers[0].is_filled


def test_a_lost_reply_comes_after_the_effect(coveo: Caller) -> None:
    """A lost reply breaks the connection after the stream was closed and its items are there."""
    opened = coveo.open()
    coveo.sandbox.lose_reply("upload")
    with pytest.raises(httpx.TransportError):
        coveo.upload(opened, batch({"documentId": "product://1"}))
    coveo.sandbox.lose_reply("close")
    with pytest.raises(httpx.TransportError):
        coveo.close(opened["streamId"])
    assert coveo.document_ids() == ["product://1"]
    assert coveo.close(opened["streamId"]).status_code == 412


@pytest.mark.parametrize("size", [10, 20_000_000])
def test_a_broken_connection_comes_before_the_effect(coveo: Caller, size: int) -> None:
    """A broken connection, be the body small or large, comes before anything has happened."""
    opened = coveo.open()
    coveo.sandbox.break_connection("upload")
    with pytest.raises(httpx.TransportError):
        coveo.upload(opened, bytes(size))
    assert not coveo.sandbox.streams()[0].containers[0].is_filled
    coveo.sandbox.break_connection("close")
    with pytest.raises(httpx.TransportError):
        coveo.close(opened["streamId"])
    assert coveo.sandbox.streams()[0].is_open


def test_faults_reach_the_platform_side(coveo: Caller) -> None:
    """Faults strike reading the source and the fields, too."""
    coveo.sandbox.fail("source")
    with pytest.raises(httpx.HTTPStatusError, match="503"):
        coveo.number_of_documents()
    assert coveo.number_of_documents() == 0
    coveo.sandbox.fail("fields")
    path = f"{coveo.organization_path}/indexes/fields/ec_name"
    assert [coveo.http.get(path, headers=coveo.headers).status_code for _ in range(2)] == [503, 200]


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "{push}/files", "files"),
        ("POST", "{push}/sources/one/status?statusType=REBUILD", "status"),
        ("PUT", "{push}/sources/one/stream/update?fileId=1", "update"),
        ("PUT", "{push}/sources/one/stream/merge?fileId=1", "merge"),
        ("POST", "{push}/sources/one/stream/deleteolderthan/1?queueDelay=0", "delete_older_than"),
        ("GET", "{rest}/sources/one", "source"),
        ("GET", "{rest}/indexes/fields", "fields"),
        ("GET", "{rest}/indexes/page/fields", "fields"),
        ("POST", "{rest}/indexes/fields/batch/create", "fields"),
        ("PUT", "{rest}/indexes/fields/ec_name", "fields"),
    ],
)
def test_every_operation_can_fail(coveo: Caller, method: str, path: str, operation: Any) -> None:  # noqa: ANN401 - one of many
    """An order for an operation strikes its calls, for each that the sandbox answers, and no other."""
    organization = f"organizations/{coveo.sandbox.connection['organization_id']}"
    url = path.format(push=f"/push/v1/{organization}", rest=f"/rest/{organization}")
    coveo.sandbox.fail(operation, 502)
    assert coveo.open()["streamId"]
    assert coveo.http.request(method, url, headers=coveo.headers).status_code == 502
    assert coveo.sandbox.requests()[-1].operation == operation


def test_requests_shows_when_it_came_and_how_much_was_read(coveo: Caller) -> None:
    """A request has the sandbox's time and the size that was read: 0 if it was refused by its head."""
    container = coveo.open()
    coveo.sandbox.advance(minutes=59)
    assert coveo.upload(container, bytes(1_000_000)).status_code == 200
    assert coveo.upload({**container, "requiredHeaders": {}}, bytes(1_000_000)).status_code == 403
    opened, upload, refused = coveo.sandbox.requests()
    assert [opened.body_size, upload.body_size, refused.body_size] == [0, 1_000_000, 0]
    assert upload.time - opened.time >= timedelta(minutes=59)
    assert opened.time.utcoffset() == timedelta()


def test_requests_shows_what_was_answered_and_what_was_not(coveo: Caller) -> None:
    """A request has its operation, status and headers; `None` without a reply or such an operation."""
    container = coveo.open()
    coveo.upload(container, b"{}")
    coveo.sandbox.break_connection("chunk")
    with pytest.raises(httpx.TransportError):
        coveo.chunk(container["streamId"])
    coveo.http.get("/nowhere?with=query")
    served = [(request.method, request.operation, request.status) for request in coveo.sandbox.requests()]
    assert served == [("POST", "open", 201), ("PUT", "upload", 200), ("POST", "chunk", None), ("GET", None, 404)]
    upload = coveo.sandbox.requests()[1]
    assert "authorization" not in upload.headers
    assert upload.headers["content-length"] == "2"
    assert coveo.sandbox.requests()[-1].path == "/nowhere"


@pytest.mark.parametrize(
    ("operation", "options"), [("opne", {}), ("open", {"times": 0}), ("open", {"times": -1}), ("open", {"after": -1})]
)
def test_an_order_that_cannot_be_carried_out_is_an_error(coveo: Caller, operation: Any, options: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """An order that cannot be carried out, as of a misspelt operation, raises."""
    box = coveo.sandbox
    for order in (box.fail, box.break_connection, box.lose_reply, box.hang):
        with pytest.raises(ValueError, match=r"operation|times"):
            order(operation, **options)
    for slowness in (box.delay, box.throttle):
        with pytest.raises(ValueError, match=r"operation|times"):
            slowness(operation, 1, **options)
