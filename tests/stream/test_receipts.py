"""What an operation says that it did: to people, to programs, to other processes."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import attrs
import pytest
from loading import operations, products
from updating import appends, patient, replaces, unwaited

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import Acknowledgement, Finding, UnconfirmedChunk
from coveo_enrich.stream.findings import Example
from coveo_enrich.stream.receipts import ChunkReceipt, Receipt

OPERATIONS: dict[str, Callable[[StreamClient], Receipt]] = {
    "load": lambda client: client.load(products(30)),
    "replace": lambda client: client.replace(products(30)),
    "update": lambda client: client.update(products(30), delete=["product://9999"]),
    "partial update": lambda client: client.update_partially(replaces(30)),
    "merge": lambda client: client.merge(products(30)),
    "delete older than": lambda client: client.delete_older_than(client.update(products(30))),
}
FULL = Receipt(
    operation="replace",
    organization_id="<o>",
    source_id="<script>alert(1)</script>",
    all_sent=False,
    items=1_200,
    deletes=1,
    skipped=3,
    chunks=(
        ChunkReceipt(
            number=1, items=1_200, deletes=1, size=5_000, first_id="a://1", last_id="a://2", attempts=2, seconds=1.5
        ),
    ),
    unconfirmed=(
        UnconfirmedChunk(
            number=2,
            items=1,
            first_id="a://<b>",
            last_id="a://é",
            may_be_applied=True,
            reason='the "reply" & more',
            document_ids=("a://<b>",),
        ),
    ),
    findings=(Finding("error", "no-id", None, "it has no <documentId>", 3, (Example(7, None),)),),
    ending=Acknowledgement(17, "r-17"),
    expected_items=5_000,
    expected_from="expected_items",
    seconds=2.25,
)


@pytest.fixture(params=list(OPERATIONS.values()), ids=list(OPERATIONS))
def receipt(request: pytest.FixtureRequest, client: StreamClient) -> Receipt:
    """A receipt of each operation."""
    operation: Callable[[StreamClient], Receipt] = request.param
    return operation(client)


def test_a_receipt_travels(receipt: Receipt) -> None:
    """Law 14: it pickles, and is the same on arrival."""
    arrived = pickle.loads(pickle.dumps(receipt))  # noqa: S301 - our own bytes
    assert arrived == receipt
    assert arrived.to_json() == receipt.to_json()


@pytest.mark.parametrize("one", [FULL, Receipt(operation="load", organization_id="o", source_id="s", all_sent=False)])
def test_the_json_holds_everything(one: Receipt) -> None:
    """Law 9: each attribute of the receipt and of what is in it, by its name; and whether it is complete."""
    told = json.loads(one.to_json())
    assert told.pop("complete") is one.complete
    assert told == json.loads(json.dumps(attrs.asdict(one)))
    assert set(told) == {field.name for field in attrs.fields(Receipt)}


def test_the_json_of_each_operation_parses(receipt: Receipt) -> None:
    """It says what was done where, with what Coveo gave for it."""
    told = json.loads(receipt.to_json())
    assert (told["operation"], told["source_id"]) == (receipt.operation, "sandbox-catalog")
    assert [chunk["size"] for chunk in told["chunks"]] == [chunk.size for chunk in receipt.chunks]
    assert len(told["chunks"]) == len(receipt.chunks)


def test_a_receipt_prints(receipt: Receipt) -> None:
    """One line says what was done and that it is complete."""
    name = "deletion of older items" if receipt.operation == "delete older than" else receipt.operation
    first, *_ = str(receipt).splitlines()
    assert first.startswith(f"{name} of source sandbox-catalog: {receipt.items} items")
    assert first.endswith(", complete")


def test_a_receipt_prints_what_is_wrong() -> None:
    """Law 9: what was skipped, is in doubt or was found is there to be read, and that it is not complete."""
    assert str(FULL).splitlines() == [
        f"replace of source {FULL.source_id}: 1,200 items and 1 delete in 1 chunk, 5,000 bytes, 2.2 s, incomplete",
        "guard: 5,000 items (expected_items)",
        "older items: kept",
        "skipped: 3 items",
        'not confirmed: chunk 2, a://<b> to a://é: the "reply" & more',
        "error: it has no <documentId> (3 times)",
    ]


class _Words(HTMLParser):
    """The tags and the words of some HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and that it has no attribute."""
        assert not attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        """Note some words."""
        self.words.append(data)


def test_a_notebook_shows_text_as_text() -> None:
    """An id, a message or a name that looks like HTML is not taken for it."""
    words = _Words()
    words.feed(FULL._repr_html_())  # pyright: ignore[reportPrivateUsage] - what a notebook calls
    assert words.tags == {"table", "tr", "th", "td"}
    assert "those" not in words.words
    assert any("<script>alert(1)</script>" in word for word in words.words)
    assert any('a://<b> to a://é: the "reply" & more' in word for word in words.words)


def test_a_receipt_counts_its_own(receipt: Receipt) -> None:
    """Items, bytes and numbers of the chunks add up; times are not negative; nothing was tried in vain."""
    assert sum(chunk.items for chunk in receipt.chunks) == receipt.items
    assert sum(chunk.deletes for chunk in receipt.chunks) == receipt.deletes
    assert sum(chunk.size for chunk in receipt.chunks) == receipt.size
    assert [chunk.number for chunk in receipt.chunks] == list(range(1, len(receipt.chunks) + 1))
    assert all(chunk.attempts == 1 and chunk.seconds >= 0 for chunk in receipt.chunks)
    assert receipt.seconds >= max((chunk.seconds for chunk in receipt.chunks), default=0)
    assert (receipt.retry_seconds, receipt.paced_seconds) == (0, 0)
    assert receipt.unconfirmed == ()


def test_chunks_are_named_by_their_ends(client: StreamClient) -> None:
    """The ids of the first and the last entry, so that a chunk can be found again in the catalog."""
    receipt = client.update(products(30), delete=["product://9998", "product://9999"])
    assert receipt.chunks[0].first_id == "product://9998"
    assert receipt.chunks[-1].last_id == "product://0030"
    ends = [(chunk.last_id, after.first_id) for chunk, after in zip(receipt.chunks, receipt.chunks[1:], strict=False)]
    assert [int(after[-4:]) - int(before[-4:]) for before, after in ends] == [1] * len(ends)


@pytest.mark.parametrize("name", ["update", "merge", "partial update"])
def test_every_chunk_has_its_stamp(sandbox: CoveoSandbox, client: StreamClient, name: str) -> None:
    """Law 4: orderingId and requestId of every call that took effect, none of them twice."""
    receipt = OPERATIONS[name](client)
    assert len(receipt.ordering_ids) == len(receipt.request_ids) == len(receipt.chunks) >= 3
    assert len(set(receipt.ordering_ids)) == len(set(receipt.request_ids)) == len(receipt.chunks)
    assert receipt.ending is None
    assert operations(sandbox).count("merge" if name == "merge" else "update") == len(receipt.chunks)


@pytest.mark.parametrize(("name", "stamps"), [("load", 1), ("replace", 4), ("delete older than", 1)])
def test_an_ending_has_its_stamp(client: StreamClient, name: str, stamps: int) -> None:
    """That of the close, or of the deletion, stands last."""
    receipt = OPERATIONS[name](client)
    assert len(receipt.ordering_ids) == len(receipt.request_ids) == stamps
    assert receipt.ending == Acknowledgement(receipt.ordering_ids[-1], receipt.request_ids[-1])


def test_a_load_says_its_stream(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """And only a load has one."""
    stream_id = OPERATIONS["load"](client).stream_id
    assert stream_id == sandbox.streams()[0].stream_id
    assert OPERATIONS["update"](client).stream_id is None


@pytest.mark.parametrize(
    ("arguments", "expected", "origin"),
    [
        ({}, 0, "items in the source now"),
        ({"expected_items": 5}, 5, "expected_items"),
        ({"allow_shrink": True}, None, "allow_shrink=True"),
    ],
)
@pytest.mark.parametrize("name", ["load", "replace"])
def test_the_guard_says_what_it_went_by(
    client: StreamClient, name: str, arguments: dict[str, Any], expected: int | None, origin: str
) -> None:
    """Law 3: the number, and where it came from."""
    receipt = getattr(client, name)(products(5), **arguments)
    assert (receipt.expected_items, receipt.expected_from) == (expected, origin)


def test_waits_between_tries_add_up(
    sandbox: CoveoSandbox, source: CoveoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 7: whatever call they belong to, and none is left out."""
    waits = unwaited(monkeypatch)
    sandbox.fail("source", 503)
    sandbox.fail("files", 429, headers={"Retry-After": "3"})
    sandbox.fail("upload", 503)
    sandbox.fail("update", 500)
    sandbox.fail("delete_older_than", 502)
    with StreamClient(source, concurrency=1) as client:
        receipt = client.replace(products(5))
    assert len(waits) == 5
    assert receipt.retry_seconds == pytest.approx(sum(waits))


def test_attempts_are_counted(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 6: uploads, not calls; for the chunk that needed them."""
    sandbox.fail("upload", 503, times=2)
    sandbox.fail("update", 503, times=2)
    with patient(source) as client:
        assert [chunk.attempts for chunk in client.update(products(30)).chunks] == [3, 1, 1]


@pytest.mark.parametrize("name", ["load", "replace", "update", "partial update", "merge"])
def test_on_chunk_is_told_of_each_chunk(source: CoveoSource, name: str) -> None:
    """Law 9: once each, in the caller's thread, with what stands in the receipt."""
    told: list[ChunkReceipt] = []
    threads: set[int] = set()

    def on_chunk(chunk: ChunkReceipt) -> None:
        told.append(chunk)
        threads.add(threading.get_ident())

    with StreamClient(source, max_chunk_bytes=600, on_chunk=on_chunk) as client:
        receipt = OPERATIONS[name](client)
    assert sorted(told, key=lambda chunk: chunk.number) == list(receipt.chunks)
    assert len(told) >= 3
    assert threads == {threading.get_ident()}


def test_on_chunk_is_not_told_of_a_doubt(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """It is for chunks that were taken."""
    told: list[int] = []
    with patient(source, on_chunk=lambda chunk: told.append(chunk.number)) as client:
        client.load(products(15))
        told.clear()
        sandbox.lose_reply("update")
        receipt = client.update_partially(appends(15))
    assert [chunk.number for chunk in receipt.unconfirmed] == [1]
    assert told == [chunk.number for chunk in receipt.chunks]


def _stop(_chunk: ChunkReceipt) -> None:
    raise KeyError("stop here")


def test_what_on_chunk_raises_stops_a_load(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 2: the stream is left open, and the source as it was."""
    with patient(source, on_chunk=_stop) as client, pytest.raises(KeyError, match="stop here") as caught:
        client.load(products(60))
    assert "close" not in operations(sandbox)
    assert [stream.is_open for stream in sandbox.streams()] == [True]
    assert "so the source is as it was" in caught.value.__notes__[0]


def test_what_on_chunk_raises_at_the_last_chunk_stops_a_load(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 2: also when there is only one chunk, told of just before the close."""
    with patient(source, on_chunk=_stop) as client, pytest.raises(KeyError):
        client.load(products(3))
    assert "close" not in operations(sandbox)


def test_what_on_chunk_raises_stops_a_replace(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 4: nothing is deleted, whichever chunk it is; what was confirmed has taken effect."""
    with patient(source, on_chunk=_stop) as client, pytest.raises(KeyError) as caught:
        client.replace(products(3))
    assert "delete_older_than" not in operations(sandbox)
    assert caught.value.__notes__[0].startswith("1 of 1 chunks with 3 items were confirmed and take effect")


FAILING: dict[str, Callable[[StreamClient], Receipt]] = {
    **OPERATIONS,
    "invalid item": lambda client: client.update([*products(30), {}]),
    "empty load": lambda client: client.load([]),
    "empty replace": lambda client: client.replace([]),
}


@pytest.mark.parametrize("name", FAILING)
def test_an_error_travels_with_its_receipt(sandbox: CoveoSandbox, source: CoveoSource, name: str) -> None:
    """Law 14: type, text, notes and receipt are the same on arrival; every error of an operation has one."""
    for operation in ("close", "update", "merge"):
        sandbox.fail(operation, 400, times=None, after=1 if operation == "update" else 0)
    sandbox.fail("delete_older_than", 400, times=None)
    with patient(source) as client, pytest.raises(CoveoEnrichError) as caught:
        FAILING[name](client)
    arrived = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert type(arrived) is type(caught.value)
    assert str(arrived) == str(caught.value)
    assert arrived.__notes__ == caught.value.__notes__
    assert isinstance(arrived.receipt, Receipt)
    assert arrived.receipt == caught.value.receipt
    assert not arrived.receipt.complete


GUARDED: dict[str, Callable[[StreamClient], object]] = {
    "load": lambda client: client.load(products(3)),
    "replace": lambda client: client.replace(products(3)),
}


@pytest.mark.parametrize("operation", GUARDED.values(), ids=GUARDED.keys())
def test_an_error_about_the_size_has_a_receipt_too(
    sandbox: CoveoSandbox, client: StreamClient, operation: Callable[[StreamClient], object]
) -> None:
    """Whatever an operation raises says what became of the source: nothing was sent."""
    sandbox.fail("source", 403, times=None)
    with pytest.raises(CoveoEnrichError) as caught:
        operation(client)
    assert isinstance(caught.value.receipt, Receipt)
    assert caught.value.receipt.items == 0
    assert caught.value.__notes__
