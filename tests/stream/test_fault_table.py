"""Whatever goes wrong, in any operation: nothing is lost, nothing is closed over a hole, and success means complete."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Final

import pytest
from fault_rows import FAULTS, Complete, Fails, Fault, Seconds, SendsNothing
from faulty_runs import (
    CHUNKS,
    ITEMS,
    OPERATIONS,
    PLACES,
    Account,
    Name,
    carry_out,
    kill_half_way,
    old_ids,
    titles_of_chunks,
)
from loading import products
from updating import ending_together

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import EmptyLoad, UploadRefused
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation as Call
from coveo_enrich.stream import ChunkReceipt, Receipt

USUAL_CALLS: Final[Mapping[Name, Mapping[Call, int]]] = {
    "load": {"open": 1, "chunk": 3, "upload": 4, "close": 1},
    "update": {"files": 4, "upload": 4, "update": 4},
    "replace": {"files": 4, "upload": 4, "update": 4, "delete_older_than": 1},
    "merge": {"files": 4, "upload": 4, "merge": 4},
}
WHOLE_CATALOG: Final = titles_of_chunks(range(1, CHUNKS + 1))
BECOMES_THE_CATALOG: Final = ("load", "replace")


def _is_within(wait: float, seconds: Seconds) -> bool:
    return seconds[0] <= wait <= seconds[1]


def _assert_complete(account: Account, outcome: Complete) -> None:
    assert account.error is None
    assert account.receipt
    assert account.receipt.complete
    assert (account.receipt.items, account.receipt.unconfirmed, account.dropped) == (ITEMS, (), 0)
    assert sorted((chunk.number, chunk.items) for chunk in account.receipt.chunks) == [
        (number, ITEMS // CHUNKS) for number in range(1, CHUNKS + 1)
    ]
    assert account.new == WHOLE_CATALOG
    assert account.old == (set() if account.operation in BECOMES_THE_CATALOG else old_ids())
    places = PLACES[account.operation]
    extra: Counter[Call] = Counter()
    for place, times in outcome.again.items():
        extra[places[place]] += times
    assert account.calls == Counter(USUAL_CALLS[account.operation]) + extra
    assert len(account.waits) == len(outcome.waits)
    assert all(map(_is_within, sorted(account.waits), outcome.waits))
    assert account.receipt.retry_seconds == pytest.approx(sum(account.waits))
    _assert_stream_is_whole(account, outcome.spare)


def _assert_stream_is_whole(account: Account, spare: int) -> None:
    """Each item stands in one container of the stream, and no container is empty without a reason."""
    if account.operation != "load":
        assert account.streams == ()
        return
    (stream,) = account.streams
    assert not stream.is_open
    assert sorted(container.items or 0 for container in stream.containers) == [0] * spare + [ITEMS // CHUNKS] * CHUNKS


def _assert_failed(account: Account, outcome: Fails) -> None:
    assert account.receipt is None
    error = account.error
    assert isinstance(error, outcome.error)
    assert outcome.says in str(error)
    assert error.receipt
    assert not error.receipt.complete
    for place, (least, most) in outcome.asked.items():
        assert least <= account.calls[PLACES[account.operation][place]] <= most
    if outcome.waits is None:
        assert account.waits == ()
    else:
        assert account.waits
        assert all(_is_within(wait, outcome.waits) for wait in account.waits)
    _assert_source_is_as_said(account, "\n".join(error.__notes__), may_be_done=outcome.may_be_done)


def _assert_source_is_as_said(account: Account, note: str, *, may_be_done: bool) -> None:
    if account.operation == "load":
        _assert_load_left_no_mark(account, note, may_be_done=may_be_done)
        return
    assert account.confirmed.items() <= account.new.items()
    assert account.new.items() <= {**account.confirmed, **account.doubtful}.items()
    assert f"{len(account.confirmed) // (ITEMS // CHUNKS)} of" in note
    assert ("not confirmed: chunk" in note) is bool(account.doubtful)
    if account.operation != "replace":
        assert account.old == old_ids()
    elif may_be_done:
        assert "Nothing was deleted" not in note
    else:
        assert account.calls["delete_older_than"] == 0
        assert account.old == old_ids()
        assert "Nothing was deleted for being older." in note


def _assert_load_left_no_mark(account: Account, note: str, *, may_be_done: bool) -> None:
    if may_be_done:
        assert "close was sent, its outcome is unknown" in note
        assert (account.old, account.new) in [(old_ids(), {}), (set(), WHOLE_CATALOG)]
        return
    assert all(stream.is_open for stream in account.streams)
    assert (account.old, account.new) == (old_ids(), {})
    assert "the source is as it was" in note
    for stream in account.streams:
        assert stream.stream_id in note


def _memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("fault", "operation"),
    [
        pytest.param(fault, operation, id=f"{number}-{fault.name}-{operation}")
        for number, fault in enumerate(FAULTS)
        for operation in fault.outcomes
    ],
)
def test_whatever_goes_wrong_nothing_is_lost(fault: Fault, operation: Name) -> None:
    """Laws 1, 4 and 7: every id once and whole, or an error that says what became of the source; and no secret."""
    if fault.memory > _memory():
        pytest.skip("memory is short")
    account = carry_out(
        operation,
        fault.order,
        products=fault.products(),
        chunk_bytes=fault.chunk_bytes,
        time_flies=fault.time_flies,
    )
    assert (account.lost, account.holes, account.told) == (0, 0, ())
    match fault.outcomes[operation]:
        case Complete() as outcome:
            _assert_complete(account, outcome)
        case Fails() as outcome:
            _assert_failed(account, outcome)
        case SendsNothing():
            assert account.receipt
            assert (account.receipt.items, account.receipt.complete) == (0, True)
            assert (account.calls, account.waits) == (Counter(), ())
            assert (account.old, account.new) == (old_ids(), {})


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_program_that_is_killed_half_way_loses_nothing(operation: Name) -> None:
    """Laws 1 and 4: a load that was killed takes no effect; of an update, whole chunks do; sending again completes."""
    killed, sent_again = kill_half_way(operation)
    assert killed.told == ()
    assert killed.old == old_ids()
    if operation == "load":
        assert killed.new == {}
        assert [stream.is_open for stream in killed.streams] == [True]
    else:
        assert killed.new in (titles_of_chunks([1, 2]), titles_of_chunks([1, 2, 3]))
        assert killed.calls["delete_older_than"] == 0
    _assert_complete(sent_again, Complete())


@pytest.fixture
def ends_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads that are under way end at the same moment, those that went well before those that failed."""
    ending_together(monkeypatch)


@pytest.mark.usefixtures("ends_together")
@pytest.mark.parametrize("operation", ["update", "replace", "merge"])
def test_what_was_taken_is_told_when_another_chunk_failed_at_the_same_moment(
    sandbox: CoveoSandbox, client: StreamClient, operation: Name
) -> None:
    """Law 4: one chunk of four is refused: the receipt of the error has what took effect, or names it as in doubt."""
    sandbox.fail("upload", 413, after=3)
    with pytest.raises(UploadRefused) as caught:
        getattr(client, operation)(products(40), **({"allow_shrink": True} if operation == "replace" else {}))
    _assert_accounted_for(sandbox, caught.value.receipt)


def _assert_accounted_for(sandbox: CoveoSandbox, receipt: Receipt) -> None:
    doubtful = sum(chunk.items for chunk in receipt.unconfirmed if chunk.may_be_applied)
    told = sum(chunk.items for chunk in receipt.chunks)
    assert told <= len(sandbox.items()) <= told + doubtful


@pytest.mark.usefixtures("ends_together")
@pytest.mark.parametrize("operation", ["update", "merge"])
def test_what_was_taken_is_told_when_the_callback_raises(
    source: CoveoSource, sandbox: CoveoSandbox, operation: Name
) -> None:
    """Law 4: ``on_chunk`` raises for a chunk while others end: every one that was taken is told, and no other."""

    def refuse(_chunk: ChunkReceipt) -> None:
        raise EmptyLoad("enough")

    with StreamClient(source, max_chunk_bytes=600, on_chunk=refuse) as client, pytest.raises(EmptyLoad) as caught:
        getattr(client, operation)(products(40))
    assert caught.value.receipt.chunks
    _assert_accounted_for(sandbox, caught.value.receipt)
