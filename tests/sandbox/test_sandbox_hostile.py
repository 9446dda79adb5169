"""Hostile requests: whatever comes in, the answer is a refusal, and the sandbox goes on working."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_caller import Caller, batch, untimed


@pytest.fixture(scope="module")
def coveo() -> Iterator[Caller]:
    """A running sandbox."""
    with Caller.running() as caller:
        caller.sandbox.create_field("stock", type="DOUBLE", key_value=True)
        yield caller


@pytest.mark.parametrize(
    "path",
    [
        "/push/v1/organizations/../../../etc/passwd",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/..%2f..%2fopen/close",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/%00/close",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/%ff%fe/close",
        "/push/v1/organizations/%2e%2e/sources/sandbox-catalog/stream/open",
        "/push/v1/organizations/sandbox/sources/' OR 1=1 --/stream/open",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/" + "x" * 20_000 + "/close",
        "/coveo-sandbox-customerdata/../../../../etc/passwd",
        "/coveo-sandbox-customerdata/index.sqlite",
        "/rest/organizations/sandbox/indexes/fields/..%2f..%2fsearch",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/update?fileId=..%2f..%2findex.sqlite",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/merge?fileId=%00",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/update?fileId=%ff%fe&fileId=x",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/update?" + "fileId=x&" * 2_000,
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/deleteolderthan/' OR 1=1",
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/deleteolderthan/" + "9" * 20_000,
        "/push/v1/organizations/sandbox/sources/sandbox-catalog/status?statusType=%00",
        "/push/v1/organizations/../files",
    ],
)
def test_tricks_in_paths_are_refused(coveo: Caller, path: str) -> None:
    """Tricks in a path are refused: it is compared, never followed."""
    for method in ("GET", "POST", "PUT"):
        answer = coveo.http.request(method, path, headers=coveo.headers)
        assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"NaN",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"name":' + b"1" * 10_000 + b"}",
        b"x" * 2_000_000,
    ],
    ids=lambda body: f"{body[:8]!r} {len(body)}",
)
def test_bodies_that_are_no_json_object_are_refused(coveo: Caller, body: bytes) -> None:
    """A body that is no JSON object is a client error, for both calls that read one."""
    for path in ("/indexes/fields", "/indexes/fields/search"):
        answer = coveo.post(f"{coveo.organization_path}{path}", content=body)
        assert 400 <= answer.status_code < 500
        assert answer.json()["message"]


def test_a_description_that_is_no_unicode_is_given_back(coveo: Caller) -> None:
    """JSON can say a lone surrogate, and so can the answer."""
    path = f"{coveo.organization_path}/indexes/fields"
    assert coveo.post(path, content=b'{"name":"odd","type":"STRING","description":"\\ud800"}').status_code == 204
    assert coveo.http.get(f"{path}/odd", headers=coveo.headers).json()["description"] == "\ud800"


def test_huge_headers_are_refused(coveo: Caller) -> None:
    """A megabyte of headers is a client error, or ends the connection while it is still being sent; no call is made."""
    before = len(coveo.sandbox.requests())
    try:
        answer = coveo.raw(f"POST {coveo.stream_path}/open HTTP/1.1", "X-Large: " + "x" * 1_000_000)
    except ConnectionError:
        answer = b"HTTP/1.1 400"
    assert answer.startswith(b"HTTP/1.1 400")
    assert len(coveo.sandbox.requests()) == before


@pytest.mark.parametrize(
    "lines",
    [
        ["NONSENSE"],
        ["GET / HTTP/x"],
        ["POST / HTTP/1.1", "Content-Length: -1"],
        ["POST / HTTP/1.1", "Content-Length: 1", "Content-Length: 2"],
        ["POST / HTTP/1.1", "Content-Length: " + "9" * 5_000],
        ["PUT /coveo-sandbox-customerdata/x HTTP/1.1", "Content-Length: abc"],
    ],
    ids=lambda lines: "|".join(lines)[:60],
)
def test_requests_that_are_no_http_are_refused(coveo: Caller, lines: list[str]) -> None:
    """What is no HTTP answers 400, and the connection ends."""
    assert coveo.raw(*lines).startswith(b"HTTP/1.1 400")


@settings(untimed, max_examples=60)
@given(st.binary(max_size=200), st.sampled_from([b"", b'{"addOrUpdate":[', b'{"addOrUpdate":[{"documentId":"p://1",']))
def test_any_upload_is_taken_and_processed(coveo: Caller, body: bytes, start: bytes) -> None:
    """Whatever bytes a chunk has, close answers 200, and the sandbox tells what became of them."""
    opened = coveo.open()
    assert coveo.upload(opened, start + body).status_code == 200
    assert coveo.close(opened["streamId"]).status_code == 200
    coveo.sandbox.advance(minutes=15)
    (container,) = coveo.sandbox.streams()[-1].containers
    assert container.items is not None
    assert bool(container.items) == bool(coveo.sandbox.items())
    coveo.load(batch({"documentId": "product://1"}))
    coveo.sandbox.advance(minutes=15)
    assert coveo.document_ids() == ["product://1"]


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_VALUES = st.recursive(
    _SCALARS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values, max_size=3),
    max_leaves=6,
)
_ENTRIES = _VALUES | st.fixed_dictionaries(
    {"documentId": st.sampled_from(["p://1", "p://12", "p://"]) | _VALUES},
    optional={
        "operator": st.sampled_from(
            ["arrayAppend", "arrayRemove", "fieldValueReplace", "dictionaryPut", "DICTIONARYREMOVE"]
        )
        | _VALUES,
        "field": st.sampled_from(["ec_name", "ec_color", "ec_price", "stock", "nobody", ""]) | _VALUES,
        "value": _VALUES,
        "deleteChildren": _VALUES,
        "ec_name": _VALUES,
        "ec_color": _VALUES,
        "stock": _VALUES,
        "\ud800": _VALUES,
    },
)
_ARRAYS = st.dictionaries(
    st.sampled_from(["addOrUpdate", "addOrMerge", "partialUpdate", "delete", "x"]),
    st.lists(_ENTRIES, max_size=4) | _VALUES,
)


@settings(untimed, max_examples=150)
@given(_ARRAYS, st.sampled_from(("update", "merge")))
def test_any_json_may_be_handed_over(coveo: Caller, arrays: dict[str, Any], call: Any) -> None:  # noqa: ANN401 - one of two
    """Any JSON handed over answers 202, is done or reported, and the sandbox works on."""
    container = coveo.container()
    coveo.upload(container, json.dumps(arrays).encode()).raise_for_status()
    assert coveo.send(call, container["fileId"]).status_code == 202
    items = coveo.sandbox.items()
    json.dumps(items, allow_nan=False)
    assert coveo.number_of_documents() == len(items)
    assert all(entry.reason for entry in coveo.sandbox.dropped())


def test_a_file_of_nothing_but_small_changes_to_one_item_ends(coveo: Caller) -> None:
    """Neither a long list that grows entry by entry nor many deletions of nothing take more than moments each."""
    coveo.load(batch({"documentId": "p://1"}))
    change = {"documentId": "p://1", "operator": "arrayAppend", "field": "ec_color", "value": ["x"]}
    coveo.update(partialUpdate=[change] * 3_000, delete=[{"documentId": "p://9", "deleteChildren": True}] * 3_000)
    items = {item["documentId"]: item for item in coveo.sandbox.items()}
    assert len(items["p://1"]["ec_color"]) == 3_000


@settings(untimed, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["name", "type", "facet", "multiValueFacet", "page", "perPage", "filters", "description"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda values: st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=5), values, max_size=2),
            max_leaves=4,
        ),
    )
)
def test_any_json_may_be_sent_to_the_field_api(coveo: Caller, model: dict[str, object]) -> None:
    """Any JSON sent to the Field API is done or refused, and never a server error."""
    for path in ("/indexes/fields", "/indexes/fields/search"):
        assert coveo.post(f"{coveo.organization_path}{path}", json=model).status_code < 500


def test_a_client_that_leaves_early_is_no_error(coveo: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """A client that leaves after half a request is no error, and the next one is served."""
    with httpx.Client(base_url=coveo.sandbox.url, trust_env=False) as http:

        def half() -> Iterator[bytes]:
            yield b"{"
            raise ConnectionAbortedError

        with pytest.raises(ConnectionAbortedError):
            http.post(f"{coveo.stream_path}/open", headers=coveo.headers, content=half())
    assert coveo.open()["streamId"]
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
