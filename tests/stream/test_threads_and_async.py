"""From a running event loop and from several threads at once: nothing blocks, nothing mixes, nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from loading import document_ids, operations, products
from updating import FAR_BEYOND, appends, patient, sandbox_values
from wires import in_thread, joined

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import CoveoRefused, InvalidItem
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream.receipts import Receipt

Catalog = Iterator[dict[str, Any]]
OPERATIONS: dict[str, Callable[[StreamClient, Any], Receipt]] = {
    "load": lambda client, documents: client.load(documents),
    "replace": lambda client, documents: client.replace(documents),
    "update": lambda client, documents: client.update(documents),
    "merge": lambda client, documents: client.merge(documents),
}
EVERY = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


class Meeting:
    """Two sides that go on only together: neither goes on if the other is blocked."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def catalog(self, count: int) -> Catalog:
        """Items, half of which come only when the other side says so."""
        yield from products(count // 2)
        self.reached.set()
        assert self.released.wait(FAR_BEYOND), "nobody else could run meanwhile"
        yield from products(count - count // 2, first=count // 2 + 1)


def _upload_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("coveo-enrich-upload")]


async def _until(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110 - threads set it, which know of no loop
        await asyncio.sleep(0)


@EVERY
def test_an_event_loop_goes_on_meanwhile(
    sandbox: CoveoSandbox, client: StreamClient, operation: Callable[[StreamClient, Any], Receipt]
) -> None:
    """asyncio.to_thread is all it takes: another coroutine runs while the catalog is being read and sent."""
    meeting = Meeting()

    async def other() -> str:
        await _until(meeting.reached)
        meeting.released.set()
        return "ran"

    async def main() -> tuple[Receipt, str]:
        return await asyncio.gather(asyncio.to_thread(operation, client, meeting.catalog(40)), other())

    receipt, said = asyncio.run(main())
    assert (receipt.items, receipt.complete, said) == (40, True, "ran")
    assert len(document_ids(sandbox)) == 40


def test_an_error_reaches_the_coroutine(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """With its receipt and its note, as in a program without an event loop."""
    sandbox.fail("open", 403)
    with pytest.raises(CoveoRefused, match="open a stream") as caught:
        asyncio.run(asyncio.to_thread(client.load, products(15)))
    assert caught.value.receipt.operation == "load"
    assert "the source is as it was" in caught.value.__notes__[0]


def test_a_cancelled_task_leaves_the_load_to_end(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Python cannot stop a thread: who cancels stops waiting, and the load is completed and closed behind it."""
    meeting = Meeting()

    async def main() -> None:
        task = asyncio.create_task(asyncio.to_thread(client.load, meeting.catalog(40)))
        await _until(meeting.reached)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        meeting.released.set()

    asyncio.run(main())  # waits for the thread as it ends
    assert operations(sandbox).count("close") == 1
    assert len(document_ids(sandbox)) == 40


def test_a_cancelled_task_stops_a_load_by_its_catalog(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 2: to end the load with the task, the catalog raises when told to; then nothing is closed."""
    reached, stop = threading.Event(), threading.Event()

    def catalog() -> Catalog:
        yield from products(20)
        reached.set()
        assert stop.wait(FAR_BEYOND)
        raise InterruptedError("the task was cancelled")

    async def main() -> None:
        task = asyncio.create_task(asyncio.to_thread(client.load, catalog()))
        try:
            await _until(reached)
            task.cancel()
            await task
        finally:
            stop.set()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert "close" not in operations(sandbox)
    assert document_ids(sandbox) == []
    assert _upload_threads() == []


def test_several_tasks_share_a_client(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Updates gathered from one client: each has its receipt, and every item is there."""

    async def main() -> list[Receipt]:
        parts = (products(25, first=first) for first in range(1, 101, 25))
        return await asyncio.gather(*(asyncio.to_thread(client.update, part) for part in parts))

    receipts = asyncio.run(main())
    assert [(receipt.items, receipt.chunks[0].first_id) for receipt in receipts] == [
        (25, f"product://{first:04}") for first in range(1, 101, 25)
    ]
    assert len({stamp for receipt in receipts for stamp in receipt.ordering_ids}) == sum(
        len(receipt.chunks) for receipt in receipts
    )
    assert len(sandbox.items()) == 100


@EVERY
def test_an_operation_that_fails_does_not_disturb_another(
    sandbox: CoveoSandbox, source: CoveoSource, operation: Callable[[StreamClient, Any], Receipt]
) -> None:
    """One client, two threads: an update is broken off while the other operation is half done, which goes on."""
    meeting = Meeting()
    with patient(source, concurrency=4) as client:
        begun = in_thread(lambda: operation(client, meeting.catalog(60)))
        assert meeting.reached.wait(FAR_BEYOND)
        with pytest.raises(InvalidItem) as caught:
            client.update([*products(30, first=901), {"title": "no id"}])
        meeting.released.set()
        receipt = joined(begun)
    assert isinstance(receipt, Receipt), receipt
    assert (receipt.items, receipt.complete, receipt.unconfirmed) == (60, True, ())
    assert {chunk.first_id[:11] for chunk in caught.value.receipt.chunks} <= {"product://0"}
    assert {product["documentId"] for product in products(60)} <= set(document_ids(sandbox))


def test_two_operations_that_overlap_each_fail_by_themselves(sandbox: CoveoSandbox, source: CoveoSource) -> None:
    """A load whose close is refused, an append whose reply is lost: each error and receipt tells of its own."""
    meeting = Meeting()
    with patient(source, concurrency=2) as client:
        client.load(products(60))
        sandbox.fail("close", 400)
        sandbox.lose_reply("update")
        begun = in_thread(lambda: client.load(meeting.catalog(60)))
        assert meeting.reached.wait(FAR_BEYOND)
        receipt = client.update_partially(appends(5))
        meeting.released.set()
        failed = joined(begun)
    assert (receipt.operation, len(receipt.unconfirmed), receipt.stream_id) == ("partial update", 1, None)
    assert isinstance(failed, CoveoRefused)
    assert failed.receipt.operation == "load"
    assert (failed.receipt.unconfirmed, failed.receipt.ending) == ((), None)
    assert list(sandbox_values(sandbox, "ec_color").values()).count(["Red"]) == 5


@EVERY
@pytest.mark.parametrize("fails", [False, True])
def test_no_thread_is_left(
    sandbox: CoveoSandbox,
    source: CoveoSource,
    operation: Callable[[StreamClient, Any], Receipt],
    *,
    fails: bool,
) -> None:
    """When an operation has returned or raised, its threads are gone, while the client is still open."""
    if fails:
        sandbox.fail("upload", 400, after=1)
    with patient(source, concurrency=8) as client:
        with contextlib.suppress(Exception):
            operation(client, products(90))
        assert _upload_threads() == []
    assert operations(sandbox).count("upload") > 1


def test_an_operation_that_asks_nothing_starts_no_thread(client: StreamClient) -> None:
    """Nothing to send, or nothing sent, costs none."""
    client.update([])
    with pytest.raises(InvalidItem):
        client.update([{}])
    assert _upload_threads() == []


def test_a_client_is_used_after_an_operation_failed(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """What broke one operation off does not break the next."""
    sandbox.fail("upload", 400)
    with pytest.raises(Exception, match="the storage answered 400"):
        client.update(products(30))
    assert client.update(products(30)).complete
    assert len(sandbox.items()) == 30
