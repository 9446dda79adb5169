"""Nothing retries what cannot help, nothing gives up on what can; and what a lost reply to close means."""

from __future__ import annotations

import time

import pytest
from loading import document_ids, fill, operations, products

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import AccessRefused, CloseOutcomeUnknown, CoveoEnrichError, CoveoRefused, NoReply
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation
from coveo_enrich.stream import Acknowledgement, StreamState
from coveo_enrich.stream.workers import ChunkWorkers

CALLS: list[Operation] = ["open", "chunk", "close"]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for, none of which is waited."""
    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", asked.append)

    def pause(_workers: ChunkWorkers, seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(ChunkWorkers, "pause", pause)
    return asked


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_call_that_failed_for_a_moment_is_repeated(
    sandbox: CoveoSandbox, client: StreamClient, operation: Operation, status: int
) -> None:
    """Law 7: twice an error that passes, then the load is complete."""
    sandbox.fail(operation, status, times=2)
    client.load(products(15))
    assert len(document_ids(sandbox)) == 15
    assert operations(sandbox).count(operation) == 3
    assert len(sandbox.streams()) == 1


@pytest.mark.parametrize("operation", CALLS)
def test_a_gateways_page_is_no_riddle(sandbox: CoveoSandbox, client: StreamClient, operation: Operation) -> None:
    """Law 7: an HTML page with a 502 is repeated like any other 502."""
    sandbox.fail(operation, 502, body="<html>Bad gateway</html>", headers={"Content-Type": "text/html"})
    assert client.load(products(15)).items == len(document_ids(sandbox)) == 15


@pytest.mark.parametrize("operation", ["open", "chunk"])
@pytest.mark.parametrize("way", ["break_connection", "lose_reply"])
def test_a_call_without_a_reply_is_repeated(
    sandbox: CoveoSandbox, client: StreamClient, operation: Operation, way: str
) -> None:
    """Law 7: a stream or container more than needed costs nothing; only the last stream is closed."""
    getattr(sandbox, way)(operation)
    receipt = client.load(products(15))
    assert len(document_ids(sandbox)) == 15
    closed = [stream.stream_id for stream in sandbox.streams() if not stream.is_open]
    assert closed == [receipt.stream_id]


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 412, 413, 415])
def test_a_refusal_is_not_repeated(
    sandbox: CoveoSandbox, client: StreamClient, operation: Operation, status: int
) -> None:
    """Law 7: what a repetition does not cure is asked once, and the error names operation, status and code."""
    sandbox.fail(operation, status, error_code="SOME_CODE", times=None)
    with pytest.raises(CoveoRefused, match=f"Coveo answered {status} SOME_CODE: Ordered by the test") as caught:
        client.load(products(15))
    assert (caught.value.status, caught.value.error_code) == (status, "SOME_CODE")
    assert isinstance(caught.value, AccessRefused) is (status in (401, 403))
    assert operations(sandbox).count(operation) == 1


@pytest.mark.parametrize("operation", CALLS)
def test_the_daily_limit_is_not_repeated(sandbox: CoveoSandbox, client: StreamClient, operation: Operation) -> None:
    """Law 7: TOO_MANY_DOCUMENTS_DAILY is a 429 that no pause of minutes cures; the advice says tomorrow."""
    sandbox.fail(operation, 429, error_code="TOO_MANY_DOCUMENTS_DAILY", times=None)
    with pytest.raises(CoveoRefused, match=r"TOO_MANY_DOCUMENTS_DAILY.*tomorrow"):
        client.load(products(15))
    assert operations(sandbox).count(operation) == 1


@pytest.mark.parametrize("operation", [*CALLS, "upload"])
def test_a_pause_that_was_asked_for_is_kept(
    sandbox: CoveoSandbox, source: CoveoSource, waits: list[float], operation: Operation
) -> None:
    """Law 7: Retry-After is waited to the second, in place of the own wait, at every call and at the storage."""
    sandbox.fail(operation, 429, headers={"Retry-After": "7"})
    with StreamClient(source, max_chunk_bytes=600) as client:
        client.load(products(15))
    assert waits == [7.0]


@pytest.mark.parametrize("operation", [*CALLS, "upload"])
def test_waits_grow_with_the_default_policy(
    sandbox: CoveoSandbox, source: CoveoSource, waits: list[float], operation: Operation
) -> None:
    """Law 7: without Retry-After the waits double, each cut by up to half."""
    sandbox.fail(operation, 503, times=4)
    with StreamClient(source, max_chunk_bytes=600, concurrency=1) as client:
        client.load(products(15))
    assert len(waits) == 4
    assert all(whole / 2 <= wait <= whole for wait, whole in zip(waits, [1, 2, 4, 8], strict=True))


@pytest.mark.parametrize("operation", [*CALLS, "upload"])
def test_a_pause_that_is_too_long_is_not_waited(
    sandbox: CoveoSandbox, source: CoveoSource, waits: list[float], operation: Operation
) -> None:
    """Law 7: a service that wants more than the longest wait is told no more, and the load ends at once."""
    sandbox.fail(operation, 429, headers={"Retry-After": "3600"}, times=None)
    with StreamClient(source, max_chunk_bytes=600, concurrency=1) as client, pytest.raises(CoveoEnrichError):
        client.load(products(15))
    assert waits == []
    assert operations(sandbox).count(operation) == 1


def test_throttling_for_ever_ends(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 7: after the policy's attempts the error says what Coveo said."""
    sandbox.fail("open", 429, times=None, headers={"Retry-After": "0"})
    with pytest.raises(CoveoRefused, match="TOO_MANY_REQUESTS"):
        client.load(products(3))
    assert operations(sandbox) == ["source", *["open"] * RetryPolicy().attempts]


def test_a_policy_of_one_attempt_repeats_nothing(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 7: `attempts` counts the first try, so that a policy of one repeats nothing."""
    sandbox.fail("open", 503)
    with StreamClient(source, retry=RetryPolicy(attempts=1)) as client, pytest.raises(CoveoRefused):
        client.load(products(3))
    assert operations(sandbox) == ["source", "open"]


def test_nobody_there_is_told_apart(sandbox: CoveoSandbox) -> None:
    """Law 7: a host that cannot be connected to is NoReply, not sent, after the policy's attempts."""
    there = sandbox.connection | {"api_url": "http://127.0.0.1:9"}
    with StreamClient(CoveoSource(**there), retry=RetryPolicy(attempts=3, first_wait_seconds=0)) as client:
        with pytest.raises(NoReply, match="open a stream: no connection was made") as caught:
            client.load(products(3), expected_items=3)
        assert (caught.value.host, caught.value.sent) == ("127.0.0.1", False)


@pytest.mark.parametrize("body", ["", "not json", "[]", "{}", '{"streamId": "s"}', '{"uploadUri": "http://h/"}'])
def test_an_open_that_makes_no_sense_is_a_refusal(sandbox: CoveoSandbox, client: StreamClient, body: str) -> None:
    """Law 2: a 2xx without a stream id and an upload URL is named, and nothing goes on from there."""
    sandbox.fail("open", 201, body=body, times=None)
    with pytest.raises(CoveoRefused, match="open a stream"):
        client.load(products(3))
    assert operations(sandbox) == ["source", "open"]


@pytest.mark.parametrize(
    "uri", ["not a url", "/relative", "ftp://host/key", "http://[::1", "http://host:port/k", "http://"]
)
def test_an_upload_url_that_makes_no_sense_is_an_error_of_ours(
    sandbox: CoveoSandbox, client: StreamClient, uri: str
) -> None:
    """Law 2: no error of the HTTP library comes through to the caller, whatever Coveo hands out."""
    sandbox.fail("open", 201, body=f'{{"streamId": "s-1", "uploadUri": "{uri}"}}', times=None)
    with pytest.raises(CoveoEnrichError):
        client.load(products(3))
    assert "close" not in operations(sandbox)


@pytest.mark.parametrize("operation", ["source", "open", "upload"])
def test_an_answer_that_cannot_be_unpacked_is_an_error_of_ours(
    sandbox: CoveoSandbox, client: StreamClient, operation: Operation
) -> None:
    """Law 7: a body that is not what its Content-Encoding says is told by an error of this library."""
    sandbox.fail(operation, 400, body="not gzip", headers={"Content-Encoding": "gzip"}, times=None)
    with pytest.raises(CoveoEnrichError):
        client.load(products(3))
    assert "close" not in operations(sandbox)


@pytest.mark.parametrize("operation", ["source", "open", "chunk", "close"])
def test_a_redirect_is_not_followed(sandbox: CoveoSandbox, client: StreamClient, operation: Operation) -> None:
    """Laws 7 and 13: the key is not sent to where an answer points."""
    with CoveoSandbox() as other:
        location = {"Location": f"{other.url}/push/v1/organizations/sandbox/sources/sandbox-catalog/stream/open"}
        sandbox.fail(operation, 307, headers=location, times=None)
        with pytest.raises(CoveoEnrichError, match="307"):
            client.load(products(15))
        assert other.requests() == []


def test_a_close_that_did_not_arrive_is_repeated(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 7: the connection broke before Coveo read the close; the repetition settles it."""
    sandbox.break_connection("close")
    receipt = client.load(products(15))
    assert operations(sandbox).count("close") == 2
    assert receipt.items == len(document_ids(sandbox)) == 15


def test_a_close_whose_reply_was_lost_is_not_called_done_or_failed(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 7: the repetition meets a stream that is closed already, so nobody knows: the error names the stream."""
    fill(client, 20)
    stream = client.open_stream()
    sandbox.lose_reply("close")

    def program() -> None:
        with stream:
            for product in products(15):
                stream.add(product)

    with pytest.raises(CloseOutcomeUnknown, match="Read some items back") as caught:
        program()
    assert operations(sandbox).count("close") == 3
    assert caught.value.stream_id == stream.stream_id == sandbox.streams()[-1].stream_id
    assert caught.value.items == 15
    assert "412" in caught.value.reason
    assert stream.state is StreamState.UNKNOWN
    assert "its outcome is unknown" in "".join(caught.value.__notes__)
    assert len(document_ids(sandbox)) == 15


def test_two_lost_replies_end_the_questions(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 7: a close is repeated once after a lost reply, not six times; here nothing had happened."""
    old = fill(client, 20)
    sandbox.break_connection("close", times=None)
    with pytest.raises(CloseOutcomeUnknown, match="the reply was lost"):
        client.load(products(15))
    assert operations(sandbox).count("close") == 3
    assert document_ids(sandbox) == old


@pytest.mark.parametrize("status", [401, 404, 412, 429, 500, 503])
def test_an_error_after_a_lost_reply_settles_nothing(sandbox: CoveoSandbox, client: StreamClient, status: int) -> None:
    """Law 7: after a lost reply only a 2xx settles a close: another answer may speak of what the first one ended."""
    sandbox.break_connection("close")
    sandbox.fail("close", status, times=None)
    with pytest.raises(CloseOutcomeUnknown, match=str(status)):
        client.load(products(15))


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_gateway_that_never_answers_a_close_leaves_doubt(
    sandbox: CoveoSandbox, client: StreamClient, status: int
) -> None:
    """Law 7: after the last attempt it is unknown whether the service behind the gateway closed the stream."""
    sandbox.fail("close", status, times=None)
    with pytest.raises(CloseOutcomeUnknown, match=str(status)):
        client.load(products(15))
    assert operations(sandbox).count("close") == RetryPolicy().attempts


def test_a_lost_reply_is_repeated_whatever_the_policy(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 7: the one repetition after a lost reply is part of the protocol, also with a policy of one attempt."""
    sandbox.break_connection("close")
    with StreamClient(source, retry=RetryPolicy(attempts=1)) as client:
        assert client.load(products(3)).items == len(document_ids(sandbox)) == 3


@pytest.mark.parametrize(
    ("body", "ordering_id", "request_id"),
    [
        ('{"orderingId": "1716387965000", "requestId": "r-1"}', 1_716_387_965_000, "r-1"),
        ('{"orderingId": 1716387965000}', 1_716_387_965_000, None),
        ("{}", None, None),
        ("", None, None),
        ('{"orderingId": "soon", "requestId": 7}', None, "7"),
        ('{"orderingId": -5}', None, None),
        ('{"orderingId": "' + "9" * 5_000 + '"}', None, None),
    ],
)
def test_a_confirmed_close_is_confirmed_whatever_else_it_says(
    sandbox: CoveoSandbox, client: StreamClient, body: str, ordering_id: int | None, request_id: str | None
) -> None:
    """Laws 2 and 7: a 2xx to close is a load that happened; ids that are missing or odd change nothing."""
    sandbox.fail("close", 200, body=body)
    receipt = client.load(products(3))
    assert receipt.ending == Acknowledgement(ordering_id, request_id)


@pytest.mark.parametrize("page", ["<html>Please log in</html>", "OK", "[]"])
def test_a_log_in_page_does_not_confirm_a_close(sandbox: CoveoSandbox, client: StreamClient, page: str) -> None:
    """Law 7: a success that is not Coveo's is a lost reply: asked once more, and then unknown, never done."""
    sandbox.fail("close", 200, body=page, times=None)
    with pytest.raises(CloseOutcomeUnknown):
        client.load(products(3))
    assert operations(sandbox).count("close") == 2
    assert document_ids(sandbox) == []


def test_a_gateway_of_its_own_kind_leaves_doubt(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 7: what stands between has statuses of its own above 500, and may give them after the stream was closed."""
    sandbox.fail("close", 524)
    with pytest.raises(CloseOutcomeUnknown, match="524"):
        client.load(products(3))


def test_a_confirmed_close_that_cannot_be_unpacked_is_not_called_failed(
    sandbox: CoveoSandbox, client: StreamClient
) -> None:
    """Law 7: a 200 to close with a body that cannot be read: done, or unknown, but never an error of another kind."""
    sandbox.fail("close", 200, body="not gzip", headers={"Content-Encoding": "gzip"}, times=None)
    try:
        assert client.load(products(3)).items == 3
    except CloseOutcomeUnknown as unknown:
        assert unknown.items == 3  # noqa: PT017 - one of two outcomes that are both true
