"""One container, one batch: what an upload carries, and what happens when it does not arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from loading import document_ids, operations, products

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import UploadRefused
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream.workers import ChunkWorkers

REQUIRED = {"x-amz-server-side-encryption": "AES256", "content-type": "application/octet-stream"}


def _uploads(sandbox: CoveoSandbox) -> list[str]:
    return [request.path for request in sandbox.requests() if request.operation == "upload"]


@pytest.fixture
def one_by_one(source: CoveoSource) -> Iterator[StreamClient]:
    """A client that uploads one chunk at a time, so that the order of requests is certain."""
    with StreamClient(source, max_chunk_bytes=600, concurrency=1, retry=RetryPolicy(first_wait_seconds=0)) as one:
        yield one


def test_an_upload_carries_what_was_signed_and_no_more(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 6: the required headers verbatim, a length, no key, no other x-amz header, no encoding of any kind."""
    receipt = client.load(products(25))
    uploads = [request for request in sandbox.requests() if request.operation == "upload"]
    assert len(uploads) == len(receipt.chunks) == 3
    for request in uploads:
        assert {name: request.headers[name] for name in REQUIRED} == REQUIRED
        assert not {"authorization", "cookie", "transfer-encoding", "content-encoding"} & set(request.headers)
        assert [name for name in request.headers if name.startswith("x-amz-")] == ["x-amz-server-side-encryption"]
    lengths = sorted(int(request.headers["content-length"]) for request in uploads)
    assert lengths == sorted(chunk.size for chunk in receipt.chunks)


def test_the_key_goes_with_coveos_calls_alone(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Laws 6 and 13: each call to Coveo has the bearer key, each upload has none."""
    client.load(products(25))
    bearer = f"Bearer {sandbox.connection['api_key']}"
    for request in sandbox.requests():
        assert request.headers.get("authorization") == (None if request.operation == "upload" else bearer)


def test_each_chunk_has_a_container_of_its_own(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 6: no upload URL is used for two chunks: the second would replace the first."""
    client.load(products(50))
    uploads = _uploads(sandbox)
    assert len(set(uploads)) == len(uploads) == 5


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_an_upload_that_failed_for_a_moment_is_repeated(
    sandbox: CoveoSandbox, one_by_one: StreamClient, status: int
) -> None:
    """Laws 6 and 7: into the same container, and the load is complete; the receipt counts the attempts."""
    sandbox.fail("upload", status, times=2, after=1)
    receipt = one_by_one.load(products(25))
    uploads = _uploads(sandbox)
    assert len(uploads) == 5
    assert len(set(uploads)) == 3
    assert uploads[1] == uploads[2] == uploads[3]
    assert [chunk.attempts for chunk in receipt.chunks] == [1, 3, 1]
    assert len(document_ids(sandbox)) == 25


@pytest.mark.parametrize("way", ["break_connection", "lose_reply"])
def test_an_upload_that_broke_on_the_way_is_repeated(sandbox: CoveoSandbox, one_by_one: StreamClient, way: str) -> None:
    """Law 6: the same container gets the same bytes, whether or not they had arrived; no item is lost or doubled."""
    getattr(sandbox, way)("upload", times=2)
    receipt = one_by_one.load(products(25))
    uploads = [request for request in sandbox.requests() if request.operation == "upload"]
    assert len({request.path for request in uploads}) == 3
    assert len({request.headers["content-length"] for request in uploads[:3]}) == 1
    assert [chunk.attempts for chunk in receipt.chunks] == [3, 1, 1]
    assert len(document_ids(sandbox)) == 25
    (stream,) = sandbox.streams()
    assert stream.items == 25


def test_a_storage_time_out_is_repeated(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 6: the storage says 400 RequestTimeout to an upload that stalled: that is no refusal."""
    sandbox.fail("upload", 400, error_code="RequestTimeout")
    assert client.load(products(3)).chunks[0].attempts == 2
    assert len(set(_uploads(sandbox))) == 1


@pytest.mark.parametrize(
    ("status", "error_code"),
    [(403, "AccessDenied"), (403, "SignatureDoesNotMatch"), (404, None), (400, "ExpiredToken")],
)
def test_a_container_that_is_refused_is_replaced(
    sandbox: CoveoSandbox, one_by_one: StreamClient, status: int, error_code: str | None
) -> None:
    """Law 6: a new container is asked for, and the same chunk goes there."""
    sandbox.fail("upload", status, error_code=error_code)
    receipt = one_by_one.load(products(25))
    uploads = _uploads(sandbox)
    assert len(set(uploads)) == len(uploads) == 4
    assert operations(sandbox)[:5] == ["source", "open", "upload", "chunk", "upload"]
    assert receipt.chunks[0].attempts == 2
    assert len(document_ids(sandbox)) == 25


def test_a_container_that_expired_is_replaced(
    sandbox: CoveoSandbox, client: StreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 6: an hour passes between two attempts; the storage refuses the old URL, and a new one is asked for."""

    def an_hour_passes(_workers: ChunkWorkers, _seconds: float) -> None:
        sandbox.advance(minutes=61)

    monkeypatch.setattr(ChunkWorkers, "pause", an_hour_passes)
    sandbox.fail("upload", 503)
    receipt = client.load(products(3))
    statuses = [request.status for request in sandbox.requests() if request.operation == "upload"]
    assert statuses == [503, 403, 200]
    assert receipt.chunks[0].attempts == 3
    assert len(document_ids(sandbox)) == 3


def test_containers_that_are_refused_for_ever_are_given_up(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Laws 2, 6 and 7: a signature that never fits ends the load after the third container, with no close."""
    sandbox.fail("upload", 403, error_code="SignatureDoesNotMatch", times=None)
    with pytest.raises(UploadRefused, match="403 SignatureDoesNotMatch"):
        client.load(products(3))
    assert operations(sandbox).count("upload") == 3
    assert "close" not in operations(sandbox)


@pytest.mark.parametrize(
    ("status", "error_code"),
    [(400, "EntityTooLarge"), (411, "MissingContentLength"), (413, None), (501, "NotImplemented"), (301, None)],
)
def test_an_upload_that_cannot_work_is_not_repeated(
    sandbox: CoveoSandbox, client: StreamClient, status: int, error_code: str | None
) -> None:
    """Law 7: the storage's own code and the size of the chunk are in the error; one attempt is enough."""
    sandbox.fail("upload", status, error_code=error_code, times=None)
    with pytest.raises(UploadRefused) as caught:
        client.load(products(3))
    assert caught.value.status == status
    assert error_code is None or caught.value.code == error_code
    assert operations(sandbox) == ["source", "open", "upload"]


def test_an_upload_is_not_redirected(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 6: the bytes go where Coveo said, and nowhere that the storage may name."""
    with CoveoSandbox() as other:
        sandbox.fail("upload", 307, headers={"Location": f"{other.url}/elsewhere"})
        with pytest.raises(UploadRefused, match="307"):
            client.load(products(3))
        assert other.requests() == []


def test_required_headers_are_whatever_coveo_names(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 6: headers that Coveo never named before are sent as they come."""
    with CoveoSandbox() as storage:
        opened = {
            "streamId": "s-1",
            "uploadUri": f"{storage.url}/coveo-sandbox-customerdata/key?X-Amz-Signature=5e11",
            "requiredHeaders": {
                "X-Amz-Acl": "owner",
                "Content-Type": "text/plain; charset=utf-8",
                "X-New": "a, b",
            },
        }
        sandbox.fail("open", 201, body=json.dumps(opened))
        storage.fail("upload", 413)
        with pytest.raises(UploadRefused):
            client.load(products(3))
        (upload,) = storage.requests()
        assert upload.headers["host"] == urlsplit(storage.url).netloc
    assert upload.headers["x-amz-acl"] == "owner"
    assert upload.headers["content-type"] == "text/plain; charset=utf-8"
    assert upload.headers["x-new"] == "a, b"
    assert "authorization" not in upload.headers


def test_a_refusal_that_is_not_repeated_is_not_called_so(
    sandbox: CoveoSandbox, client: StreamClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Law 7: an upload that is given up waits for nothing: no log says that it is tried again, no second is counted."""
    sandbox.fail("upload", 413)
    with caplog.at_level("WARNING", logger="coveo_enrich.calls"), pytest.raises(UploadRefused) as caught:
        client.load(products(3))
    assert [record.getMessage() for record in caplog.records if record.name == "coveo_enrich.calls"] == []
    assert caught.value.receipt.retry_seconds == 0
