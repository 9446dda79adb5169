"""Each request of an update, a merge and a deletion to the letter, as it would go to Coveo's own hosts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from pytest_httpx import HTTPXMock

from coveo_enrich import CoveoSource, PartialUpdate, RetryPolicy, StreamClient, __version__
from coveo_enrich.errors import CoveoEnrichError, CoveoRefused, DeletionRefused
from coveo_enrich.stream.receipts import Receipt

ORGANIZATION = "https://api-eu.cloud.coveo.com/push/v1/organizations/my%20org"
STREAM = f"{ORGANIZATION}/sources/src%2F1/stream"
PLATFORM = "https://platform-eu.cloud.coveo.com/rest/organizations/my%20org/sources/src%2F1"
BUCKET = "https://coveo-nprod-customerdata.s3.amazonaws.com/proda/blobstore/myorg"
QUERY = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260301%2Fs3&X-Amz-Signature=5e11%2B"
REQUIRED = {"x-amz-server-side-encryption": "AES256", "Content-Type": "application/octet-stream"}
USUAL = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
ITEMS = [{"documentId": "product://1", "title": "Vélo"}, {"documentId": "product://2"}]
BODY = '{"addOrUpdate":[{"documentId":"product://1","title":"Vélo"},{"documentId":"product://2"}]}'.encode()

Answer = httpx.Response | httpx.TransportError


class Coveo:
    """Coveo as documented, with a stamp for every update, and answers in their place where a test has some."""

    def __init__(self, mock: HTTPXMock) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.stamps: Iterator[int | None] = itertools.count(1_716_387_965_000, 1_000)
        self._numbers = itertools.count(1)
        self._mock = mock
        mock.add_callback(self._answer, is_reusable=True, is_optional=True)

    def asked(self, name: str) -> list[httpx.Request]:
        """The requests whose path ends so, or, for ``upload``, those to the storage."""
        return [request for request in self._mock.get_requests() if _name(request) == name]

    @property
    def names(self) -> list[str]:
        """What was asked, in the order of the requests."""
        return [_name(request) for request in self._mock.get_requests()]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        name = _name(request)
        if self.answers.get(name):
            answer = self.answers[name].pop(0)
            if isinstance(answer, httpx.TransportError):
                raise answer
            return answer
        if name == "source":
            return httpx.Response(200, json={"information": {"numberOfDocuments": 2}})
        if name == "files":
            number = next(self._numbers)
            uri = f"{BUCKET}/a%20{number}?{QUERY}"
            return httpx.Response(201, json={"uploadUri": uri, "fileId": f"f/{number}", "requiredHeaders": REQUIRED})
        if name == "upload":
            return httpx.Response(200)
        stamp = next(self.stamps)
        body = {"requestId": f"r-{stamp}"} if stamp is None else {"requestId": f"r-{stamp}", "orderingId": str(stamp)}
        return httpx.Response(202, json=body)


def _name(request: httpx.Request) -> str:
    if str(request.url).startswith(BUCKET):
        return "upload"
    if str(request.url) == PLATFORM:
        return "source"
    return next(part for part in ("files", "update", "merge", "deleteolderthan") if f"/{part}" in request.url.path)


@pytest.fixture
def coveo(httpx_mock: HTTPXMock) -> Coveo:
    """Coveo, which answers as documented."""
    return Coveo(httpx_mock)


@pytest.fixture
def source() -> CoveoSource:
    """A source in Europe whose ids have to be quoted."""
    return CoveoSource(
        organization_id="my org", source_id="src/1", api_key="xx-push", platform_key="xx-broad", region="eu"
    )


@pytest.fixture
def client(source: CoveoSource) -> Iterator[StreamClient]:
    """A client that never waits, with one upload at a time."""
    with StreamClient(source, retry=RetryPolicy(first_wait_seconds=0), concurrency=1) as one:
        yield one


def _file_ids(requests: list[httpx.Request]) -> list[list[str]]:
    return [parse_qs(request.url.query.decode())["fileId"] for request in requests]


def test_an_update_is_these_three_requests(httpx_mock: HTTPXMock, coveo: Coveo, client: StreamClient) -> None:
    """Method, host, path and query of each, in this order, ids quoted, the upload URL untouched; no source is read."""
    client.update(ITEMS)
    assert [(request.method, str(request.url)) for request in httpx_mock.get_requests()] == [
        ("POST", f"{ORGANIZATION}/files"),
        ("PUT", f"{BUCKET}/a%201?{QUERY}"),
        ("PUT", f"{STREAM}/update?fileId=f%2F1"),
    ]
    assert coveo.asked("upload")[0].url.raw_path.endswith(f"/a%201?{QUERY}".encode())


def test_a_merge_is_these_three_requests(httpx_mock: HTTPXMock, coveo: Coveo, client: StreamClient) -> None:
    """As an update, but PUT stream/merge, and an array of its own: addOrMerge."""
    client.merge(ITEMS)
    assert [(request.method, str(request.url)) for request in httpx_mock.get_requests()] == [
        ("POST", f"{ORGANIZATION}/files"),
        ("PUT", f"{BUCKET}/a%201?{QUERY}"),
        ("PUT", f"{STREAM}/merge?fileId=f%2F1"),
    ]
    assert coveo.asked("upload")[0].content == BODY.replace(b"addOrUpdate", b"addOrMerge")


def test_a_replace_is_an_update_and_a_deletion(httpx_mock: HTTPXMock, coveo: Coveo, client: StreamClient) -> None:
    """The source's size first, the deletion last: a POST with the stamp in the path, and Coveo's own delay."""
    receipt = client.replace(ITEMS)
    assert [(request.method, str(request.url)) for request in httpx_mock.get_requests()] == [
        ("GET", PLATFORM),
        ("POST", f"{ORGANIZATION}/files"),
        ("PUT", f"{BUCKET}/a%201?{QUERY}"),
        ("PUT", f"{STREAM}/update?fileId=f%2F1"),
        ("POST", f"{STREAM}/deleteolderthan/1716387965000"),
    ]
    assert (receipt.older_than, receipt.ordering_ids) == (1_716_387_965_000, (1_716_387_965_000, 1_716_387_966_000))
    assert receipt.request_ids == ("r-1716387965000", "r-1716387966000")
    assert len(coveo.asked("files")) == 1


def test_every_call_has_these_headers(httpx_mock: HTTPXMock, coveo: Coveo, client: StreamClient) -> None:
    """Law 13: the push key, the broader one only for the source; update and merge carry an empty object."""
    client.replace(ITEMS)
    client.merge(ITEMS)
    bodies: dict[str, set[bytes]] = {}
    for request in httpx_mock.get_requests():
        name = _name(request)
        if name == "upload":
            continue
        bodies.setdefault(name, set()).add(request.content)
        assert request.headers["authorization"] == ("Bearer xx-broad" if name == "source" else "Bearer xx-push")
        assert request.headers["content-type"] == "application/json"
        assert request.headers["accept"] == "application/json"
        assert request.headers["user-agent"] == f"coveo-enrich/{__version__}"
        assert set(request.headers) <= USUAL | {"authorization", "content-type"}
    assert bodies == {"source": {b""}, "files": {b""}, "update": {b"{}"}, "merge": {b"{}"}, "deleteolderthan": {b""}}
    assert coveo.names.count("deleteolderthan") == 1


UPLOADING: dict[str, Callable[[StreamClient], Receipt]] = {
    "update": lambda client: client.update(ITEMS, delete=["product://3"]),
    "replace": lambda client: client.replace(ITEMS),
    "merge": lambda client: client.merge(ITEMS),
    "partial update": lambda client: client.update_partially([PartialUpdate.remove_field("product://1", "title")]),
}


@pytest.mark.parametrize("operation", UPLOADING.values(), ids=UPLOADING.keys())
def test_an_upload_has_these_headers_and_no_other(
    coveo: Coveo, client: StreamClient, operation: Callable[[StreamClient], Receipt]
) -> None:
    """Law 6: every required header verbatim and a length; no key, no other x-amz-*, no content or transfer encoding."""
    receipt = operation(client)
    (upload,) = coveo.asked("upload")
    assert set(upload.headers) == USUAL | {name.lower() for name in REQUIRED}
    assert {name: upload.headers[name] for name in REQUIRED} == REQUIRED
    assert upload.headers["content-length"] == str(len(upload.content)) == str(receipt.size)
    assert "xx-" not in repr(upload.headers.raw)


def test_the_chunk_of_an_update_is_these_bytes(coveo: Coveo, client: StreamClient) -> None:
    """Law 5: deletions first, children spared, then the items, compact and in UTF-8."""
    client.update(ITEMS, delete=["product://3"])
    deletion = b'"delete":[{"documentId":"product://3","deleteChildren":false}]'
    assert coveo.asked("upload")[0].content == b"{" + deletion + b"," + BODY[1:]


def test_the_chunk_of_a_partial_update_is_these_bytes(coveo: Coveo, client: StreamClient) -> None:
    """The five operators as Coveo spells them; a field that is removed has no value."""
    one = "product://1"
    client.update_partially(
        [
            PartialUpdate.append_values(one, "ec_color", ["Red"]),
            PartialUpdate.remove_values(one, "ec_color", ["Blue"]),
            PartialUpdate.replace_value(one, "ec_price", 3.5),
            PartialUpdate.remove_field(one, "ec_brand"),
            PartialUpdate.put_entries(one, "stock", {"": "0", "s1": "7"}),
            PartialUpdate.remove_entries(one, "stock", ["s2"]),
        ]
    )
    start = '{"documentId":"product://1","operator":'
    rows = (
        '"arrayAppend","field":"ec_color","value":["Red"]}',
        '"arrayRemove","field":"ec_color","value":["Blue"]}',
        '"fieldValueReplace","field":"ec_price","value":3.5}',
        '"fieldValueReplace","field":"ec_brand"}',
        '"dictionaryPut","field":"stock","value":{"":"0","s1":"7"}}',
        '"dictionaryRemove","field":"stock","value":["s2"]}',
    )
    assert coveo.asked("upload")[0].content == f'{{"partialUpdate":[{",".join(start + row for row in rows)}]}}'.encode()
    assert coveo.names == ["files", "upload", "update"]


DOUBTS = [
    httpx.Response(500),
    httpx.Response(502, text="<html>"),
    httpx.Response(504),
    httpx.Response(408),
    httpx.ReadError("reset"),
    httpx.ReadTimeout("slow"),
    httpx.WriteError("broken"),
    httpx.RemoteProtocolError("gone"),
]


@pytest.mark.parametrize("answer", DOUBTS, ids=repr)
@pytest.mark.parametrize("operation", ["update", "merge"])
def test_a_lost_reply_sends_the_same_bytes_in_a_new_container(
    coveo: Coveo, client: StreamClient, operation: str, answer: Answer
) -> None:
    """Law 4: another file with the same bytes is updated; the call is not repeated with a file that may be gone."""
    coveo.answers[operation] = [answer]
    receipt = getattr(client, operation)(ITEMS)
    first, second = coveo.asked("upload")
    assert first.url != second.url
    assert first.content == second.content
    assert _file_ids(coveo.asked(operation)) == [["f/1"], ["f/2"]]
    assert (receipt.chunks[0].attempts, receipt.complete) == (2, True)


NOTHING_DONE = [httpx.Response(429), httpx.Response(503), httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")]


@pytest.mark.parametrize("answer", NOTHING_DONE, ids=repr)
@pytest.mark.parametrize("operation", ["update", "merge"])
def test_a_call_that_was_not_served_is_repeated_as_it_was(
    coveo: Coveo, client: StreamClient, operation: str, answer: Answer
) -> None:
    """Law 7: 429, 503 and a connection that was not made leave no doubt: the same fileId, no other upload."""
    coveo.answers[operation] = [answer]
    receipt = getattr(client, operation)(ITEMS)
    assert _file_ids(coveo.asked(operation)) == [["f/1"], ["f/1"]]
    assert len(coveo.asked("upload")) == len(coveo.asked("files")) == 1
    assert (receipt.chunks[0].attempts, receipt.complete) == (1, True)


def test_an_append_whose_call_was_not_served_is_repeated(coveo: Coveo, client: StreamClient) -> None:
    """Law 4: where it is certain that nothing was appended, appending again is right."""
    coveo.answers["update"] = [httpx.ConnectError("refused"), httpx.Response(429), httpx.Response(503)]
    receipt = client.update_partially([PartialUpdate.append_values("product://1", "ec_color", ["Red"])])
    assert _file_ids(coveo.asked("update")) == [["f/1"]] * 4
    assert receipt.complete


@pytest.mark.parametrize("answer", DOUBTS, ids=repr)
def test_an_append_is_never_sent_twice(coveo: Coveo, client: StreamClient, answer: Answer) -> None:
    """Law 4: whatever leaves it open whether it was done, one request is all there is, and the receipt names the id."""
    coveo.answers["update"] = [answer]
    receipt = client.update_partially([PartialUpdate.append_values("product://1", "ec_color", ["Red"])])
    assert coveo.names == ["files", "upload", "update"]
    (doubtful,) = receipt.unconfirmed
    assert (doubtful.document_ids, doubtful.may_be_applied) == (("product://1",), True)
    assert not receipt.complete


def test_an_upload_of_an_append_is_repeated(coveo: Coveo, client: StreamClient) -> None:
    """Law 6: an upload has no effect by itself, so one that broke is sent again into the same container."""
    coveo.answers["upload"] = [httpx.WriteError("broken"), httpx.Response(503)]
    assert client.update_partially([PartialUpdate.append_values("product://1", "ec_color", ["Red"])]).complete
    assert len({request.url for request in coveo.asked("upload")}) == len(coveo.asked("update")) == 1


def test_the_smallest_stamp_bounds_the_deletion(coveo: Coveo, source: CoveoSource) -> None:
    """Law 4: not the first one given, nor the last: calls that overlap are stamped in any order."""
    coveo.stamps = iter([7_000, 9_000, 5_000, 8_000, 99_000])
    documents = [{"documentId": f"product://{number}"} for number in range(4)]
    with StreamClient(source, max_chunk_bytes=60, concurrency=4) as client:
        receipt = client.replace(documents)
    assert [request.url.path.rpartition("/")[2] for request in coveo.asked("deleteolderthan")] == ["5000"]
    assert (receipt.older_than, len(receipt.chunks)) == (5_000, 4)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_stamp_that_is_missing_deletes_nothing(coveo: Coveo, source: CoveoSource, place: int) -> None:
    """Law 4: one chunk of several without its orderingId, and the bound is not known: no request to delete."""
    stamps: list[int | None] = [7_000, 8_000, 9_000]
    stamps[place] = None
    coveo.stamps = iter(stamps)
    documents = [{"documentId": f"product://{number}"} for number in range(3)]
    with (
        StreamClient(source, max_chunk_bytes=60, concurrency=1) as client,
        pytest.raises(DeletionRefused, match="orderingId") as caught,
    ):
        client.replace(documents)
    assert "deleteolderthan" not in coveo.names
    assert (caught.value.receipt.items, caught.value.receipt.older_than) == (3, None)


@pytest.mark.parametrize("failing", ["files", "upload", "update"])
@pytest.mark.parametrize("place", [0, 2])
def test_nothing_is_deleted_after_a_failure(coveo: Coveo, source: CoveoSource, failing: str, place: int) -> None:
    """Law 4: whichever request of whichever chunk is refused, no deletion follows."""
    good = {"files": httpx.Response(201, json={"uploadUri": f"{BUCKET}/1?{QUERY}", "fileId": "f"})}
    usual = good.get(failing, httpx.Response(200, json={"orderingId": "1"}))
    coveo.answers[failing] = [*([usual] * place), httpx.Response(400)]
    documents = [{"documentId": f"product://{number}"} for number in range(3)]
    with (
        StreamClient(source, max_chunk_bytes=60, concurrency=1) as client,
        pytest.raises(CoveoEnrichError) as caught,
    ):
        client.replace(documents)
    assert "deleteolderthan" not in coveo.names
    assert not caught.value.receipt.complete


def test_a_deletion_that_is_refused_is_asked_once(coveo: Coveo, client: StreamClient) -> None:
    """Law 7: a 4xx is not cured by repeating; what was updated stands in the error's receipt."""
    coveo.answers["deleteolderthan"] = [httpx.Response(400, json={"errorCode": "INVALID_PARAMETER"})]
    with pytest.raises(CoveoRefused, match="delete older items: Coveo answered 400") as caught:
        client.replace(ITEMS)
    assert coveo.names.count("deleteolderthan") == 1
    assert (caught.value.receipt.items, caught.value.receipt.older_than) == (2, None)


DRY: dict[str, Callable[[StreamClient], Any]] = {
    "update": lambda client: client.update(ITEMS, delete=["product://3"], dry_run=True),
    "merge": lambda client: client.merge(ITEMS, dry_run=True),
    "partial update": lambda client: client.update_partially(
        [PartialUpdate.append_values("product://1", "ec_color", ["Red"])], dry_run=True
    ),
    "replace, told the size": lambda client: client.replace(ITEMS, expected_items=2, dry_run=True),
    "replace, allowed to shrink": lambda client: client.replace(ITEMS, allow_shrink=True, dry_run=True),
    "load, told the size": lambda client: client.load(ITEMS, expected_items=2, dry_run=True),
}


@pytest.mark.parametrize("operation", DRY.values(), ids=DRY.keys())
def test_a_dry_run_asks_nothing(
    httpx_mock: HTTPXMock, client: StreamClient, operation: Callable[[StreamClient], Any]
) -> None:
    """Not one request of any kind leaves."""
    assert operation(client).dry_run
    assert httpx_mock.get_requests() == []


SIZED: dict[str, Callable[[StreamClient], Any]] = {
    "replace": lambda client: client.replace(ITEMS, dry_run=True),
    "load": lambda client: client.load(ITEMS, dry_run=True),
}


@pytest.mark.parametrize("operation", SIZED.values(), ids=SIZED.keys())
def test_a_dry_run_reads_the_size_of_the_source(
    coveo: Coveo, client: StreamClient, operation: Callable[[StreamClient], Any]
) -> None:
    """Law 3 holds in a dry run too, so the size of the source is asked for, and nothing else."""
    receipt = operation(client)
    assert coveo.names == ["source"]
    assert (receipt.expected_items, receipt.dry_run) == (2, True)
