"""Each request of a load to the letter, as it would go to Coveo's own hosts."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient, __version__
from coveo_enrich.errors import UploadRefused

API = "https://api-eu.cloud.coveo.com/push/v1/organizations/my%20org/sources/src%2F1/stream"
PLATFORM = "https://platform-eu.cloud.coveo.com/rest/organizations/my%20org/sources/src%2F1"
BUCKET = "https://coveo-nprod-customerdata.s3.amazonaws.com/proda/blobstore/myorg/a%20b"
QUERY = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260301%2Fs3&X-Amz-Signature=5e11%2B"
REQUIRED = {"x-amz-server-side-encryption": "AES256", "Content-Type": "application/octet-stream"}
USUAL = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
ITEMS = [{"documentId": "product://1", "title": "Vélo"}, {"documentId": "product://2"}]
BODY = '{"addOrUpdate":[{"documentId":"product://1","title":"Vélo"},{"documentId":"product://2"}]}'.encode()


def _container(number: int) -> dict[str, Any]:
    return {"uploadUri": f"{BUCKET}/{number}?{QUERY}", "fileId": f"f-{number}", "requiredHeaders": REQUIRED}


@pytest.fixture
def source() -> CoveoSource:
    """A source in Europe whose ids have to be quoted."""
    return CoveoSource(
        organization_id="my org", source_id="src/1", api_key="xx-push", platform_key="xx-broad", region="eu"
    )


@pytest.fixture
def client(source: CoveoSource) -> Iterator[StreamClient]:
    """A client that never waits."""
    with StreamClient(source, retry=RetryPolicy(first_wait_seconds=0)) as one:
        yield one


@pytest.fixture
def coveo(httpx_mock: HTTPXMock) -> HTTPXMock:
    """Coveo as documented, for a load of one chunk."""
    httpx_mock.add_response(method="GET", url=PLATFORM, json={"information": {"numberOfDocuments": 2}})
    httpx_mock.add_response(method="POST", url=f"{API}/open", status_code=201, json=_container(1) | {"streamId": "s/1"})
    httpx_mock.add_response(method="PUT", url=f"{BUCKET}/1?{QUERY}")
    httpx_mock.add_response(
        method="POST", url=f"{API}/s%2F1/close", json={"orderingId": "1716387965000", "requestId": "r-1"}
    )
    return httpx_mock


def test_a_load_is_these_four_requests(coveo: HTTPXMock, client: StreamClient) -> None:
    """Law 6: method, host, path and query of each, in this order, ids quoted, the upload URL untouched."""
    client.load(ITEMS)
    assert [(request.method, str(request.url)) for request in coveo.get_requests()] == [
        ("GET", PLATFORM),
        ("POST", f"{API}/open"),
        ("PUT", f"{BUCKET}/1?{QUERY}"),
        ("POST", f"{API}/s%2F1/close"),
    ]
    assert coveo.get_requests()[2].url.raw_path == f"/proda/blobstore/myorg/a%20b/1?{QUERY}".encode()


def test_the_chunk_is_these_bytes(coveo: HTTPXMock, client: StreamClient) -> None:
    """Law 5: the upload's body is the batch object, compact, in UTF-8, as long as its header and the receipt say."""
    receipt = client.load(ITEMS)
    upload = coveo.get_requests()[2]
    assert upload.content == BODY
    assert upload.headers["content-length"] == str(len(BODY)) == str(receipt.size)


def test_a_call_to_coveo_has_these_headers_and_no_body(coveo: HTTPXMock, client: StreamClient) -> None:
    """Law 13: open and close carry the push key, the platform the broader one, and none of them a body."""
    client.load(ITEMS)
    source, opened, _, closed = coveo.get_requests()
    for request, key in [(source, "xx-broad"), (opened, "xx-push"), (closed, "xx-push")]:
        assert request.content == b""
        assert request.headers["authorization"] == f"Bearer {key}"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["accept"] == "application/json"
        assert request.headers["user-agent"] == f"coveo-enrich/{__version__}"
        assert set(request.headers) <= USUAL | {"authorization", "content-type"}
        assert request.headers.get("content-length", "0") == "0"


def test_an_upload_has_these_headers_and_no_other(coveo: HTTPXMock, client: StreamClient) -> None:
    """Law 6: the required ones verbatim beside those of every request; no key, no cookie, no encoding."""
    client.load(ITEMS)
    upload = coveo.get_requests()[2]
    assert set(upload.headers) == USUAL | {"x-amz-server-side-encryption", "content-type"}
    assert upload.headers["x-amz-server-side-encryption"] == "AES256"
    assert upload.headers["content-type"] == "application/octet-stream"
    assert "xx-" not in repr(upload.headers.raw)


def test_no_cookie_is_kept(httpx_mock: HTTPXMock, client: StreamClient) -> None:
    """Law 6: a cookie that Coveo sets goes neither to the storage nor back."""
    cookie = {"Set-Cookie": "session=1; Domain=coveo.com; Path=/"}
    httpx_mock.add_response(method="POST", url=f"{API}/open", json=_container(1) | {"streamId": "s1"}, headers=cookie)
    httpx_mock.add_response(method="PUT", headers={"Set-Cookie": "aws=1"})
    httpx_mock.add_response(method="POST", url=f"{API}/s1/close", json={}, headers=cookie)
    client.load(ITEMS, allow_shrink=True)
    assert not any("cookie" in request.headers for request in httpx_mock.get_requests())


@pytest.mark.parametrize("trouble", [httpx.Response(503), httpx.ReadError("reset"), httpx.WriteTimeout("slow")])
def test_an_upload_is_repeated_with_the_same_bytes(
    httpx_mock: HTTPXMock, client: StreamClient, trouble: httpx.Response | httpx.TransportError
) -> None:
    """Law 6: the same container, the same headers, the same bytes."""
    httpx_mock.add_response(method="POST", url=f"{API}/open", json=_container(1) | {"streamId": "s1"})
    if isinstance(trouble, httpx.Response):
        httpx_mock.add_response(method="PUT", status_code=trouble.status_code)
    else:
        httpx_mock.add_exception(trouble, method="PUT")
    httpx_mock.add_response(method="PUT")
    httpx_mock.add_response(method="POST", url=f"{API}/s1/close", json={})
    receipt = client.load(ITEMS, allow_shrink=True)
    first, second = httpx_mock.get_requests(method="PUT")
    assert (first.url, first.headers) == (second.url, second.headers)
    assert first.read() == second.read() == BODY
    assert receipt.chunks[0].attempts == 2


def test_a_container_without_required_headers_is_taken(httpx_mock: HTTPXMock, client: StreamClient) -> None:
    """Law 6: an empty or missing requiredHeaders means that none is sent: not even a content type is made up."""
    opened = {"uploadUri": f"{BUCKET}/1?{QUERY}", "streamId": "s1"}
    httpx_mock.add_response(method="POST", url=f"{API}/open", json=opened)
    httpx_mock.add_response(method="PUT")
    httpx_mock.add_response(method="POST", url=f"{API}/s1/close", json={})
    client.load(ITEMS, allow_shrink=True)
    (upload,) = httpx_mock.get_requests(method="PUT")
    assert set(upload.headers) == USUAL


def test_nothing_follows_an_upload_that_was_refused(httpx_mock: HTTPXMock, client: StreamClient) -> None:
    """Law 2: no close; pytest-httpx would fail on any request that is not named here."""
    httpx_mock.add_response(method="POST", url=f"{API}/open", json=_container(1) | {"streamId": "s1"})
    httpx_mock.add_response(method="PUT", status_code=413)
    with pytest.raises(UploadRefused):
        client.load(ITEMS, allow_shrink=True)


class _Storage:
    """A storage that answers only when as many uploads as may be are there at once, and counts them."""

    def __init__(self, at_once: int) -> None:
        self._together = threading.Barrier(at_once, timeout=30)
        self._lock = threading.Lock()
        self._present = 0
        self.most = 0
        self.ids: list[str] = []

    def take(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self._present += 1
            self.most = max(self.most, self._present)
        self._together.wait()
        batch = json.loads(request.read())
        with self._lock:
            self._present -= 1
            self.ids += [item["documentId"] for item in batch["addOrUpdate"]]
        return httpx.Response(200)


@pytest.mark.parametrize("concurrency", [1, 3, 8])
def test_so_many_uploads_are_under_way_at_once_and_no_more(
    httpx_mock: HTTPXMock, source: CoveoSource, concurrency: int
) -> None:
    """Law 11: concurrency is reached, which the storage waits for, and never exceeded; every item arrives."""
    storage = _Storage(concurrency)
    httpx_mock.add_response(method="POST", url=f"{API}/open", json=_container(0) | {"streamId": "s1"})
    numbers = iter(range(1, 1000))
    httpx_mock.add_callback(
        lambda _request: httpx.Response(200, json=_container(next(numbers))),
        method="POST",
        url=f"{API}/s1/chunk",
        is_reusable=True,
        is_optional=True,
    )
    httpx_mock.add_callback(storage.take, method="PUT", is_reusable=True)
    httpx_mock.add_response(method="POST", url=f"{API}/s1/close", json={})
    documents = [{"documentId": f"product://{number:04}"} for number in range(3 * concurrency)]
    with StreamClient(source, max_chunk_bytes=60, concurrency=concurrency) as client:
        receipt = client.load(documents, allow_shrink=True)
    assert storage.most == concurrency
    assert len(receipt.chunks) == 3 * concurrency
    assert sorted(storage.ids) == [str(document["documentId"]) for document in documents]


def test_the_catalog_is_not_read_ahead(httpx_mock: HTTPXMock, source: CoveoSource) -> None:
    """Law 11: while uploads are under way the producer waits: at most one chunk more than they hold is read."""
    read = 0
    ahead: list[int] = []

    def catalog() -> Iterator[dict[str, str]]:
        nonlocal read
        for number in range(20):
            read += 1
            yield {"documentId": f"product://{number:04}"}

    def take(_request: httpx.Request) -> httpx.Response:
        ahead.append(read - len(ahead))
        return httpx.Response(200)

    httpx_mock.add_response(method="POST", url=f"{API}/open", json=_container(0) | {"streamId": "s1"})
    httpx_mock.add_response(method="POST", url=f"{API}/s1/chunk", json=_container(1), is_reusable=True)
    httpx_mock.add_callback(take, method="PUT", is_reusable=True)
    httpx_mock.add_response(method="POST", url=f"{API}/s1/close", json={})
    with StreamClient(source, max_chunk_bytes=60, concurrency=1) as client:
        assert len(client.load(catalog(), allow_shrink=True).chunks) == 20
    assert max(ahead) <= 3
