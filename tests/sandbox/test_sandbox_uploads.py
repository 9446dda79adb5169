"""The storage behind the upload URLs: what S3 refuses is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from sandbox_caller import Caller, batch

BODY = batch({"documentId": "product://1"})


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        yield caller


def _refusal(answer: httpx.Response) -> tuple[int, str | None]:
    assert answer.headers["Content-Type"].startswith("application/xml")
    return answer.status_code, ET.fromstring(answer.content).findtext("Code")  # noqa: S314 - our own server's


def _is_filled(coveo: Caller) -> bool:
    return coveo.sandbox.streams()[0].containers[0].is_filled


def _put_line(container: dict[str, Any]) -> str:
    return f"PUT {httpx.URL(container['uploadUri']).raw_path.decode()} HTTP/1.1"


def test_an_upload_as_asked_for_is_taken(coveo: Caller) -> None:
    """200 with an empty body."""
    answer = coveo.upload(coveo.open(), BODY)
    assert (answer.status_code, answer.content) == (200, b"")
    assert coveo.sandbox.streams()[0].containers[0].size == len(BODY)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Type": None}, 403, "SignatureDoesNotMatch"),
        ({"Content-Type": "application/json"}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-server-side-encryption": None}, 403, "SignatureDoesNotMatch"),
        ({"x-amz-server-side-encryption": "aws:kms"}, 403, "SignatureDoesNotMatch"),
        ({"Host": "localhost"}, 403, "SignatureDoesNotMatch"),
        ({"Authorization": "Bearer xx"}, 400, "InvalidArgument"),
        ({"x-amz-acl": "private"}, 403, "AccessDenied"),
        ({"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}, 403, "AccessDenied"),
        ({"Content-Encoding": "gzip"}, 400, "InvalidArgument"),
    ],
)
def test_other_headers_than_required_are_refused(
    coveo: Caller, headers: dict[str, str | None], status: int, code: str
) -> None:
    """Each required header as it was given, and no more that is signed, authorizes or encodes."""
    container = coveo.open()
    merged = {**container["requiredHeaders"], **headers}
    sent = {name: value for name, value in merged.items() if value is not None}
    answer = coveo.http.put(container["uploadUri"], headers=sent, content=BODY)
    assert _refusal(answer) == (status, code)
    assert not _is_filled(coveo)


def test_a_required_header_that_comes_twice_is_refused(coveo: Caller) -> None:
    """The same header twice is not what was signed."""
    container = coveo.open()
    headers = [*container["requiredHeaders"].items(), ("Content-Type", "application/octet-stream")]
    answer = coveo.http.put(container["uploadUri"], headers=headers, content=BODY)
    assert _refusal(answer) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=36000"),
        ("X-Amz-Algorithm", "x-amz-algorithm"),
        ("/proda/", "/prodb/"),
    ],
)
def test_a_changed_url_is_refused(coveo: Caller, old: str, new: str) -> None:
    """An upload URL works as it was given out, not as someone made it."""
    container = coveo.open()
    container["uploadUri"] = container["uploadUri"].replace(old, new)
    assert _refusal(coveo.upload(container, BODY)) == (403, "SignatureDoesNotMatch")
    assert not _is_filled(coveo)


def test_the_signature_of_another_container_is_refused(coveo: Caller) -> None:
    """Every container has its own."""
    one, other = httpx.URL(coveo.open()["uploadUri"]), coveo.open()
    other["uploadUri"] = str(httpx.URL(other["uploadUri"]).copy_with(query=one.query))
    assert _refusal(coveo.upload(other, BODY)) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
def test_anything_but_a_put_is_refused(coveo: Caller, method: str) -> None:
    """An upload URL is for uploading."""
    container = coveo.open()
    answer = coveo.http.request(method, container["uploadUri"], headers=container["requiredHeaders"])
    assert answer.status_code == 405


def test_a_chunked_transfer_is_refused(coveo: Caller) -> None:
    """S3 does not implement it: 501."""
    container = coveo.open()
    answer = coveo.http.put(container["uploadUri"], headers=container["requiredHeaders"], content=iter([BODY]))
    assert _refusal(answer) == (501, "NotImplemented")


def test_an_upload_of_unknown_length_is_refused(coveo: Caller) -> None:
    """Without a Content-Length: 411."""
    container = coveo.open()
    headers = [f"{name}: {value}" for name, value in container["requiredHeaders"].items()]
    answer = coveo.raw(_put_line(container), *headers)
    assert answer.startswith(b"HTTP/1.1 411")
    assert b"<Code>MissingContentLength</Code>" in answer


def test_a_file_over_the_limit_is_refused_before_it_is_sent(coveo: Caller) -> None:
    """256,000,000 bytes are the limit; the announcement of one more is answered at once, without waiting for it."""
    container = coveo.open()
    headers = [f"{name}: {value}" for name, value in container["requiredHeaders"].items()]
    answer = coveo.raw(_put_line(container), *headers, "Content-Length: 256000001")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"<Code>EntityTooLarge</Code>" in answer


def test_a_refusal_reaches_a_client_that_sends_everything_first(coveo: Caller) -> None:
    """A client that only reads after it has sent megabytes gets the answer, and its connection goes on working."""
    container = coveo.open()
    headers = {**container["requiredHeaders"], "Authorization": "Bearer xx"}
    answer = coveo.http.put(container["uploadUri"], headers=headers, content=bytes(20_000_000))
    assert _refusal(answer) == (400, "InvalidArgument")
    assert coveo.upload(container, BODY).status_code == 200


def test_a_container_lives_for_an_hour_of_the_sandboxs_time(coveo: Caller) -> None:
    """It works after 59 minutes and is refused after 60; a new one works."""
    container = coveo.open()
    coveo.sandbox.advance(minutes=59)
    assert coveo.upload(container, BODY).status_code == 200
    coveo.sandbox.advance(minutes=1)
    answer = coveo.upload(container, BODY)
    assert _refusal(answer) == (403, "AccessDenied")
    assert "Request has expired" in answer.text
    assert coveo.upload(coveo.chunk(container["streamId"]), BODY).status_code == 200


def test_time_does_not_go_back(coveo: Caller) -> None:
    """A negative move is an error."""
    with pytest.raises(ValueError, match="forward"):
        coveo.sandbox.advance(minutes=-1)
