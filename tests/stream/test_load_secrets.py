"""Secrets stay secret: whatever goes wrong, neither the key nor an upload's signature is shown, held or logged."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from loading import broken_off, everything_said, products

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation
from coveo_enrich.stream.endpoints import Container

SIGNATURE = "X-Amz-Signature"

Trouble = Callable[[CoveoSandbox], object]

TROUBLES: dict[str, Trouble] = {
    "the source cannot be read": lambda box: box.fail("source", 403, times=None),
    "nobody answers for the source": lambda box: box.break_connection("source", times=None),
    "the key is refused at open": lambda box: box.fail("open", 401, times=None),
    "nobody answers to open": lambda box: box.break_connection("open", times=None),
    "open makes no sense": lambda box: box.fail("open", 201, body="{}", times=None),
    "the key is refused at a chunk": lambda box: box.fail("chunk", 403, times=None),
    "a gateway answers to a chunk": lambda box: box.fail("chunk", 502, body="<html>", times=None),
    "the storage is down": lambda box: box.fail("upload", 503, times=None),
    "the storage refuses": lambda box: box.fail("upload", 403, error_code="SignatureDoesNotMatch", times=None),
    "the storage redirects": lambda box: box.fail("upload", 307, headers={"Location": f"{box.url}/x"}, times=None),
    "the storage breaks the connection": lambda box: box.break_connection("upload", times=None),
    "the storage loses its reply": lambda box: box.lose_reply("upload", times=None),
    "the close is refused": lambda box: box.fail("close", 412, times=None),
    "the reply to close is lost": lambda box: box.lose_reply("close"),
    "nobody answers to close": lambda box: box.break_connection("close", times=None),
    "the close meets a gateway": lambda box: box.fail("close", 504, times=None),
}


def _assert_silent(error: BaseException, key: str) -> None:
    said = everything_said(error)
    assert key not in said
    assert SIGNATURE not in said


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_no_error_holds_a_secret(sandbox: CoveoSandbox, client: StreamClient, trouble: Trouble) -> None:
    """Law 13: no secret is in the text, notes or traceback of an error, nor behind it, nor in its pickle (law 14)."""
    trouble(sandbox)
    with pytest.raises(CoveoEnrichError) as caught:
        client.load(products(15))
    key = sandbox.connection["api_key"]
    _assert_silent(caught.value, key)
    travelling = pickle.dumps(caught.value)
    assert key.encode() not in travelling
    assert SIGNATURE.encode() not in travelling
    arrived = pickle.loads(travelling)  # noqa: S301 - our own bytes
    assert str(arrived) == str(caught.value)
    assert getattr(arrived, "__notes__", []) == getattr(caught.value, "__notes__", [])


@pytest.mark.parametrize("operation", ["source", "open", "chunk", "close"])
@pytest.mark.parametrize("status", [400, 401, 503])
def test_a_key_that_coveo_repeats_is_not_shown(
    sandbox: CoveoSandbox,
    client: StreamClient,
    operation: Operation,
    status: int,
) -> None:
    """Law 13: an answer that quotes the key it was sent does not carry it into the error."""
    key = sandbox.connection["api_key"]
    body = json.dumps({"errorCode": "INVALID_TOKEN", "message": f"The token Bearer {key} is not valid."})
    sandbox.fail(operation, status, body=body, times=None)
    with pytest.raises(CoveoEnrichError) as caught:
        client.load(products(15))
    _assert_silent(caught.value, key)


def test_a_key_on_a_gateways_page_is_not_shown(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 13: a proxy's page that shows the request it got does not carry the key into the error."""
    key = sandbox.connection["api_key"]
    sandbox.fail("open", 400, body=f"<pre>POST /stream/open Authorization: Bearer {key}</pre>", times=None)
    with pytest.raises(CoveoEnrichError) as caught:
        client.load(products(3))
    _assert_silent(caught.value, key)


@pytest.mark.parametrize("operation", ["open", "close"])
def test_a_key_in_an_id_of_a_request_is_not_shown(
    sandbox: CoveoSandbox, client: StreamClient, operation: Operation
) -> None:
    """Law 13: a key that comes back as the request's id, in the body or a header, is not in the error."""
    key = sandbox.connection["api_key"]
    sandbox.fail(operation, 400, body=json.dumps({"requestId": key}))
    with pytest.raises(CoveoEnrichError) as caught:
        client.load(products(3))
    _assert_silent(caught.value, key)
    sandbox.fail(operation, 400, body="{}", headers={"X-Request-ID": key})
    with pytest.raises(CoveoEnrichError) as caught:
        client.load(products(3))
    _assert_silent(caught.value, key)


def test_an_error_of_the_producer_gets_no_secret(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 13: the note on a foreign error names the stream and nothing else."""
    with pytest.raises(OSError, match="disk") as caught:
        client.load(broken_off(35, OSError("disk")))
    _assert_silent(caught.value, sandbox.connection["api_key"])


@pytest.mark.parametrize("trouble", [None, "the storage is down", "the storage breaks the connection"])
def test_no_log_holds_a_secret(
    sandbox: CoveoSandbox, client: StreamClient, caplog: pytest.LogCaptureFixture, trouble: str | None
) -> None:
    """Law 13: no logger has a secret at any level, the HTTP library's included."""
    if trouble:
        TROUBLES[trouble](sandbox)
    with caplog.at_level(logging.DEBUG):
        try:
            client.load(products(15))
        except CoveoEnrichError:
            assert trouble
    logged = "\n".join([caplog.text, *(repr(vars(record)) for record in caplog.records)])
    assert sandbox.connection["api_key"] not in logged
    assert SIGNATURE not in logged


def test_a_receipt_holds_no_secret(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 13: a receipt can be printed and stored, as it holds no secret."""
    receipt = client.load(products(15))
    shown = f"{receipt} {receipt!r} {attrs.asdict(receipt)}"
    assert sandbox.connection["api_key"] not in shown
    assert SIGNATURE not in shown


def test_an_upload_url_shows_its_address_only() -> None:
    """Law 13: a container's repr ends where the signature begins."""
    shown = repr(Container("https://bucket.s3.amazonaws.com/key?X-Amz-Signature=5e11", {"x": "y"}))
    assert "https://bucket.s3.amazonaws.com/key" in shown
    assert SIGNATURE not in shown


def test_a_key_from_a_callable_is_as_secret(sandbox: CoveoSandbox) -> None:
    """Law 13: a key that a callable returns and Coveo refuses is not in the error."""
    settings: dict[str, Any] = sandbox.connection | {"api_key": lambda: "xx-wrong-but-secret"}
    with StreamClient(CoveoSource(**settings), retry=RetryPolicy(first_wait_seconds=0)) as client:
        with pytest.raises(CoveoEnrichError, match="401") as caught:
            client.load(products(3), expected_items=3)
        _assert_silent(caught.value, "xx-wrong-but-secret")
