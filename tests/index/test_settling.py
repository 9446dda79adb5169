"""A load of which nobody knows whether it was closed: what Coveo shows of its items settles it. Over real sockets."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import CloseOutcomeUnknown
from coveo_enrich.index import CoveoSearch
from coveo_enrich.sandbox import CoveoSandbox

OLD: list[dict[str, Any]] = [
    {"documentId": f"product://{number}", "objecttype": "Product", "ec_name": f"Kayak {number}"} for number in range(4)
]
NEW: list[dict[str, Any]] = [
    {"documentId": f"product://{number}", "objecttype": "Product", "ec_name": f"Canoe {number}"}
    for number in range(1, 5)
]
EXPECTED = {item["documentId"]: item for item in NEW}


def lose(sandbox: CoveoSandbox) -> None:
    """The stream is closed, and the replies to both tries are lost."""
    sandbox.lose_reply("close", times=2)


def cut(sandbox: CoveoSandbox) -> None:
    """Neither try comes to anything."""
    sandbox.break_connection("close", times=2)


@pytest.fixture
def sandbox() -> Iterator[CoveoSandbox]:
    """A source with the old items."""
    with CoveoSandbox() as one:
        with StreamClient(CoveoSource(**one.connection)) as client:
            client.update(OLD)
        yield one


def unknown(sandbox: CoveoSandbox, break_it: Callable[[CoveoSandbox], None]) -> CloseOutcomeUnknown:
    """Load the new items, lose the reply to the close, and bring the error to another process."""
    break_it(sandbox)
    retry = RetryPolicy(attempts=2, first_wait_seconds=0)
    client = StreamClient(CoveoSource(**sandbox.connection), retry=retry, max_chunk_bytes=1_000)
    with client, pytest.raises(CloseOutcomeUnknown) as raised:
        client.load(NEW, expected_items=4)
    error: CloseOutcomeUnknown = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - pickled here
    return error


@pytest.mark.parametrize(("break_it", "was_closed"), [(lose, True), (cut, False)], ids=["closed", "not closed"])
def test_a_look_at_the_items_settles_a_close(
    sandbox: CoveoSandbox, break_it: Callable[[CoveoSandbox], None], *, was_closed: bool
) -> None:
    """The items that were loaded, or the ids at the ends of each chunk in the error, settle a lost close."""
    search = CoveoSearch(CoveoSource(**sandbox.connection), poll_seconds=0)
    ends = ["product://1", "product://4"]
    before = search.read_back(ends, ["ec_name"])
    error = unknown(sandbox, break_it)
    assert error.items == 4

    ids = {one for chunk in error.receipt.chunks for one in (chunk.first_id, chunk.last_id)}
    assert ids >= set(ends)
    after = search.read_back(ends, ["ec_name"])
    found = search.verify(EXPECTED, timeout=0)
    search.close()

    assert found.is_complete == was_closed
    assert (after == before) == (not was_closed)
    assert (after["product://1"]["orderingid"] > before["product://1"]["orderingid"]) == was_closed
    assert ("product://4" in after) == was_closed
    names = [item["ec_name"] for item in sandbox.items()]
    assert ("Canoe 1" in names) == was_closed
    if not was_closed:
        assert {(one.kind, one.document_id) for one in found.findings} == {
            ("different value", "product://1"),
            ("different value", "product://2"),
            ("different value", "product://3"),
            ("missing item", "product://4"),
        }
