"""A load that goes well, over real sockets: the source becomes exactly the items."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from loading import document_ids, fill, operations, products

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import StreamState


def test_the_source_becomes_exactly_the_items(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """What was there and is not loaded is deleted; what is loaded is there, each item once."""
    fill(client, 30)
    receipt = client.load(products(25))
    assert document_ids(sandbox) == [product["documentId"] for product in products(25)]
    assert receipt.items == 25


def test_a_small_load_is_one_chunk(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Four requests and no more: the size of the source, open, upload, close; open's container is used."""
    receipt = client.load(products(3))
    assert operations(sandbox) == ["source", "open", "upload", "close"]
    assert [request.status for request in sandbox.requests()] == [200, 201, 200, 200]
    (stream,) = sandbox.streams()
    assert (stream.stream_id, stream.is_open, len(stream.containers)) == (receipt.stream_id, False, 1)


def test_every_container_is_asked_for_just_before_its_upload(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 6: one container, one chunk; none is asked for ahead, as it lives for an hour."""
    with StreamClient(source, max_chunk_bytes=600, concurrency=1) as client:
        receipt = client.load(products(30))
    assert len(receipt.chunks) == 3
    assert operations(sandbox) == ["source", "open", "upload", "chunk", "upload", "chunk", "upload", "close"]
    (stream,) = sandbox.streams()
    assert all(container.is_filled for container in stream.containers)


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_many_chunks_hold_every_item_once(sandbox: CoveoSandbox, source: CoveoSource, concurrency: int) -> None:
    """Law 2: whatever the number of uploads at once, all containers are filled and together hold the catalog."""
    with StreamClient(source, max_chunk_bytes=600, concurrency=concurrency) as client:
        receipt = client.load(products(200))
    assert document_ids(sandbox) == [product["documentId"] for product in products(200)]
    (stream,) = sandbox.streams()
    sizes = sorted(container.size or 0 for container in stream.containers)
    assert sizes == sorted(chunk.size for chunk in receipt.chunks)
    assert max(sizes) <= 600
    assert operations(sandbox)[-1] == "close"


def test_the_receipt_tells_what_was_sent(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Items, chunks in order, bytes, Coveo's ids, and what the guard measured against."""
    fill(client, 40)
    receipt = client.load(products(45))
    assert [chunk.number for chunk in receipt.chunks] == list(range(1, len(receipt.chunks) + 1))
    assert sum(chunk.items for chunk in receipt.chunks) == receipt.items == 45
    assert {chunk.attempts for chunk in receipt.chunks} == {1}
    assert receipt.size == sum(container.size or 0 for container in sandbox.streams()[-1].containers)
    assert receipt.ending is not None
    (ordering_id,) = receipt.ordering_ids
    assert receipt.ending.ordering_id == ordering_id > 1_600_000_000_000
    assert receipt.request_ids == (receipt.ending.request_id,)
    assert receipt.complete
    assert (receipt.expected_items, receipt.expected_from) == (40, "items in the source now")
    assert str(receipt).startswith(f"load of source sandbox-catalog: 45 items in {len(receipt.chunks)} chunks, ")
    assert f"stream: {receipt.stream_id}" in str(receipt)
    assert attrs.asdict(receipt)["items"] == 45


def test_a_generator_is_read_once_and_one_item_at_a_time(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """A catalog that cannot be read twice is enough."""
    read: list[str] = []

    def catalog() -> Iterator[dict[str, Any]]:
        for product in products(50):
            read.append(product["documentId"])
            yield product

    client.load(catalog())
    assert document_ids(sandbox) == read


def test_values_arrive_as_they_were(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Letters of any script, quotes and line ends pass through JSON, chunk, socket and storage unharmed."""
    title = 'Vélo "été" \\ 自転車 🚲 \n\t</script>'
    client.load([{"documentId": "https://shop.example/p?a=1&b=é", "title": title}])
    (item,) = sandbox.items()
    assert (item["documentId"], item["title"]) == ("https://shop.example/p?a=1&b=é", title)


def test_a_stream_takes_items_piece_by_piece(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """The same load from a with-block; the receipt is there after it, and nothing is asked of Coveo too early."""
    with client.open_stream() as stream:
        assert (stream.state, stream.stream_id) == (StreamState.NEW, None)
        for product in products(3):
            stream.add(product)
        assert operations(sandbox) == ["source"]
    assert stream.state.value == "closed"
    assert (stream.receipt.items, stream.receipt.stream_id) == (3, stream.stream_id)
    assert len(document_ids(sandbox)) == 3


def test_one_client_loads_again_and_again(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Each load is a stream of its own, and the last one is what the source holds."""
    ids = {client.load(products(10, first=first)).stream_id for first in (1, 101, 201)}
    assert len(ids) == 3
    assert document_ids(sandbox) == [product["documentId"] for product in products(10, first=201)]


def test_a_chunk_may_be_filled_to_the_last_byte(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Law 5: an item that fills a chunk exactly is sent; the limit of a chunk is also one of an item."""
    document = {"documentId": "product://1", "title": "x"}
    size = len('{"addOrUpdate":[{"documentId":"product://1","title":"x"}]}')
    with StreamClient(source, max_chunk_bytes=size) as client:
        receipt = client.load([document])
    assert [chunk.size for chunk in receipt.chunks] == [size]
    assert len(sandbox.items()) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_stands_before_the_own_machine(
    sandbox: CoveoSandbox, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """A proxy in the environment is for the outside world: loopback is reached without it."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    there = sandbox.connection | {"api_url": sandbox.url.replace("127.0.0.1", host), "platform_url": sandbox.url}
    with StreamClient(CoveoSource(**there), retry=RetryPolicy(attempts=1)) as client:
        assert client.load(products(2)).items == 2


def test_an_async_program_loads_in_a_thread(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """asyncio.to_thread is all that it takes."""

    async def main() -> int:
        return (await asyncio.to_thread(client.load, products(20))).items

    assert asyncio.run(main()) == len(document_ids(sandbox)) == 20


def test_two_loads_at_once_from_one_client_do_not_mix(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Two streams under way in one client keep their items apart; the one closed last is what the source holds."""
    with contextlib.ExitStack() as both:
        first = both.enter_context(client.open_stream())
        second = both.enter_context(client.open_stream())
        for ours, theirs in zip(products(30), products(30, first=101), strict=True):
            first.add(ours)
            second.add(theirs)
    assert first.stream_id != second.stream_id
    assert document_ids(sandbox) == [product["documentId"] for product in products(30)]


def test_the_source_is_read_from_the_environment(sandbox: CoveoSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's environment is enough for a load."""
    for name, value in sandbox.environ().items():
        monkeypatch.setenv(name, value)
    with StreamClient(CoveoSource.from_env()) as client:
        client.load(products(2))
    assert len(sandbox.items()) == 2


@pytest.mark.parametrize("max_chunk_bytes", [-1, 0, 18, 256_000_001])
def test_a_chunk_size_out_of_range_is_refused(source: CoveoSource, max_chunk_bytes: int) -> None:
    """Law 5: Coveo's limit of a file cannot be exceeded by setting; the refusal names what was given."""
    with pytest.raises(ConfigurationError, match=rf"max_chunk_bytes must be .*got {max_chunk_bytes}"):
        StreamClient(source, max_chunk_bytes=max_chunk_bytes)


@pytest.mark.parametrize("concurrency", [0, -1])
def test_a_concurrency_out_of_range_is_refused(source: CoveoSource, concurrency: int) -> None:
    """At least one upload at a time."""
    with pytest.raises(ConfigurationError, match="concurrency must be a whole number, from 1 to 64"):
        StreamClient(source, concurrency=concurrency)


def test_making_a_client_sends_nothing(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """Neither a client nor a stream that is not entered asks anything of Coveo."""
    with StreamClient(source) as client:
        client.open_stream()
    assert sandbox.requests() == []


def test_a_load_without_trouble_waits_for_nothing(client: StreamClient, caplog: pytest.LogCaptureFixture) -> None:
    """Where every call is answered at once, no wait is counted, and nothing is warned of."""
    with caplog.at_level("WARNING", logger="coveo_enrich"):
        receipt = client.load(products(30))
    assert (receipt.retry_seconds, receipt.paced_seconds) == (0, 0)
    assert [record.getMessage() for record in caplog.records] == []
