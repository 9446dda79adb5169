"""A dry run: everything but the sending, with the receipt that it would give and, if wanted, the chunk files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from loading import document_ids, fill, operations, products
from pytest_httpx import HTTPXMock
from updating import appends, patient, replaces

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import EmptyLoad, InvalidItem, ShrinkingLoad, TooManyItems
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream.receipts import Receipt
from coveo_enrich.stream.settings import DryRun

DRY, REAL = True, False
Operation = Callable[[StreamClient, DryRun], Receipt]
OPERATIONS: dict[str, Operation] = {
    "load": lambda client, dry_run: client.load(products(30), dry_run=dry_run),
    "replace": lambda client, dry_run: client.replace(products(30), dry_run=dry_run),
    "update": lambda client, dry_run: client.update(products(30), delete=["product://9999"], dry_run=dry_run),
    "partial update": lambda client, dry_run: client.update_partially([appends(9), replaces(9)], dry_run=dry_run),
    "merge": lambda client, dry_run: client.merge(products(30), dry_run=dry_run),
}
EVERY = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


@pytest.fixture
def client(source: CoveoSource) -> Iterator[StreamClient]:
    """A client that sends one chunk after the other."""
    with patient(source) as one:
        yield one


@EVERY
def test_nothing_is_sent(sandbox: CoveoSandbox, client: StreamClient, operation: Operation) -> None:
    """Nothing but the source's size is asked of Coveo, and the source stays as it was."""
    old = fill(client, 40)
    before = operations(sandbox)
    receipt = operation(client, DRY)
    assert set(operations(sandbox)[len(before) :]) <= {"source"}
    assert document_ids(sandbox) == old
    assert receipt.dry_run
    assert str(receipt).startswith("dry run, nothing was sent: ")


def _apart_from_answers(receipt: Receipt) -> dict[str, Any]:
    """What a receipt says that does not come from Coveo or a clock."""
    told = attrs.asdict(receipt)
    for chunk in told["chunks"]:
        for name in ("attempts", "seconds", "ordering_id", "request_id"):
            del chunk[name]
    for name in ("seconds", "dry_run", "ending", "stream_id", "older_than"):
        del told[name]
    return told


@EVERY
def test_the_receipt_is_the_one_that_it_would_give(client: StreamClient, operation: Operation) -> None:
    """Items, deletes, chunks, their sizes and ids, findings, guard: all but what Coveo answers."""
    dry = operation(client, DRY)
    real = operation(client, REAL)
    assert _apart_from_answers(dry) == _apart_from_answers(real)
    assert dry.complete is real.complete is True
    assert all(chunk.attempts == 0 for chunk in dry.chunks)
    assert (dry.ordering_ids, dry.request_ids) == ((), ())


@pytest.mark.parametrize("kind", [str, Path])
@EVERY
def test_a_folder_keeps_the_chunk_files(
    httpx_mock: HTTPXMock, operation: Operation, kind: Callable[[Path], str | Path], tmp_path: Path
) -> None:
    """They are numbered as in the receipt, and hold to the byte what would be uploaded; the folder is made."""
    httpx_mock.add_callback(_coveo, is_reusable=True)
    source = CoveoSource(organization_id="o", source_id="s", api_key="xx")
    folder = tmp_path / "made" / "for it"
    with patient(source) as client:
        dry = operation(client, kind(folder))
        asked = len(httpx_mock.get_requests())
        operation(client, REAL)
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"chunk-{chunk.number:04}.json" for chunk in dry.chunks]
    assert len(files) > 1
    uploads = [request.content for request in httpx_mock.get_requests()[asked:] if request.url.host == "bucket.example"]
    assert [file.read_bytes() for file in files] == uploads
    assert [file.stat().st_size for file in files] == [chunk.size for chunk in dry.chunks]


def _coveo(request: httpx.Request) -> httpx.Response:
    body = {
        "uploadUri": "https://bucket.example/1?X-Amz-Signature=5",
        "fileId": "f",
        "streamId": "s",
        "orderingId": "5",
        "information": {"numberOfDocuments": 30},
    }
    return httpx.Response(200, json={} if request.url.host == "bucket.example" else body)


REFUSED: dict[str, tuple[Callable[[StreamClient], object], type[Exception]]] = {
    "invalid item": (lambda client: client.update([*products(3), {}], dry_run=True), InvalidItem),
    "repeated id": (lambda client: client.load([*products(3), *products(1)], dry_run=True), InvalidItem),
    "id in both": (lambda client: client.update(products(3), delete=["product://0002"], dry_run=True), InvalidItem),
    "empty load": (lambda client: client.load([], dry_run=True), EmptyLoad),
    "empty replace": (lambda client: client.replace([], dry_run=True), EmptyLoad),
    "shrinking load": (lambda client: client.load(products(3), dry_run=True), ShrinkingLoad),
    "shrinking replace": (lambda client: client.replace(products(3), dry_run=True), ShrinkingLoad),
    "too many": (lambda client: client.load(products(30), max_items=29, dry_run=True), TooManyItems),
}


@pytest.mark.parametrize(("operation", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_be_refused_is_refused(
    sandbox: CoveoSandbox,
    client: StreamClient,
    operation: Callable[[StreamClient], object],
    error: type[Exception],
) -> None:
    """Laws 2, 3, 5 and 6 hold in a dry run as in a real one, and the error's receipt says that it was one."""
    fill(client, 40)
    before = operations(sandbox)
    with pytest.raises(error) as caught:
        operation(client)
    assert caught.value.receipt.dry_run  # type: ignore[attr-defined] # every one of this library's has it
    assert set(operations(sandbox)[len(before) :]) <= {"source"}


def test_the_note_of_a_dry_run_claims_nothing(client: StreamClient) -> None:
    """A dry update that fails confirmed nothing, and nothing takes effect: its note must not say so."""
    with pytest.raises(InvalidItem) as caught:
        client.update([*products(30), {}], dry_run=True)
    note = "".join(caught.value.__notes__)
    assert "take effect" not in note
    assert "confirmed" not in note


def test_invalid_items_are_skipped_as_in_a_real_run(client: StreamClient) -> None:
    """Law 9: a dry run is where they are best found."""
    receipt = client.update([*products(3), {}, {"documentId": "0001"}], skip_invalid=True, dry_run=True)
    assert (receipt.items, receipt.skipped, receipt.complete) == (3, 2, False)
    assert [finding.code for finding in receipt.findings] == ["no-id", "id-is-no-uri"]


def test_an_open_stream_runs_dry(sandbox: CoveoSandbox, client: StreamClient, tmp_path: Path) -> None:
    """Piece by piece too; there is no stream id, and the block ends as it would."""
    with client.open_stream(dry_run=tmp_path) as stream:
        for product in products(30):
            stream.add(product)
        assert stream.stream_id is None
    assert stream.state.value == "closed"
    assert stream.receipt.items == 30
    assert operations(sandbox) == ["source"]
    assert len(list(tmp_path.iterdir())) == len(stream.receipt.chunks) == 3


def test_an_abandoned_stream_runs_dry(client: StreamClient) -> None:
    """It gives no receipt, as a real one would not."""
    with client.open_stream(dry_run=True) as stream:
        stream.add(products(1)[0])
        stream.abandon()
    assert stream.state.value == "stopped"


def test_on_chunk_is_told_in_a_dry_run(source: CoveoSource) -> None:
    """A program can be tried out with it."""
    told: list[int] = []
    with patient(source, on_chunk=lambda chunk: told.append(chunk.number)) as client:
        client.update(products(30), dry_run=True)
    assert told == [1, 2, 3]
