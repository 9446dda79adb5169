"""Where the sandbox ends: depths, times, numbers and paths that are too much for it are refused, and break nothing."""

from __future__ import annotations

import contextlib
import math
import threading
from typing import Any

import httpx
import pytest
from sandbox_caller import Caller, batch

from coveo_enrich.sandbox import CoveoSandbox


@pytest.fixture(scope="module")
def shared() -> Any:  # noqa: ANN401 - a generator of a Caller
    """One sandbox for the tests that change nothing in it."""
    with Caller.running() as caller:
        yield caller


@pytest.mark.parametrize("depth", [1, 90, 101, 500, *range(940, 1_000, 3), 100_000])
def test_no_depth_of_nesting_is_a_500(shared: Caller, depth: int) -> None:
    """What is read can be written again, whatever its depth; what is nested too deeply is refused as no JSON."""
    body = '[{"name": "a", "x": ' + "[" * depth + "]" * depth + "}]"
    answer = shared.post(f"{shared.organization_path}/indexes/fields/batch/create/results", content=body)
    assert answer.status_code == (200 if depth <= 98 else 400)


def test_a_stop_does_not_wait_for_who_waits_for_the_index() -> None:
    """A count that waits for a large load is answered or cut when the sandbox stops, which gives the load up."""
    looking: threading.Thread
    with Caller.running() as caller:
        items = [{"documentId": f"product://{number}", "a": 1, "b": 2} for number in range(20_000)]
        caller.load(batch(*items))
        url = f"{caller.sandbox.url}{caller.organization_path}/sources/{caller.sandbox.connection['source_id']}"
        headers = caller.headers

        def look() -> None:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url, headers=headers, timeout=60)

        looking = threading.Thread(target=look)
        looking.start()
    looking.join(60)
    assert not looking.is_alive()


@pytest.mark.parametrize(("minutes", "expire", "there"), [(59, True, True), (60, True, False), (600, False, True)])
def test_a_chunk_does_not_outlive_its_container(minutes: int, *, expire: bool, there: bool) -> None:
    """A chunk whose container expired before the close is lost, and named; a switch keeps it."""
    with Caller.running(chunks_expire=expire) as caller:
        opened = caller.open()
        caller.upload(opened, batch({"documentId": "product://1"})).raise_for_status()
        caller.sandbox.advance(minutes=minutes)
        assert caller.close(opened["streamId"]).status_code == 200
        assert bool(caller.document_ids()) is there
        reasons = [dropped.reason for dropped in caller.sandbox.dropped()]
        assert reasons == ([] if there else ["the chunk expired before its stream was closed"])


@pytest.mark.parametrize(
    "order",
    [
        {"status": -1},
        {"status": 0},
        {"status": 100},
        {"status": 600},
        {"headers": {"X": "a\nb"}},
        {"headers": {"X": "\u2603"}},
        {"headers": {"X Y": "a"}},
        {"headers": {"Content-Length": "5"}},
        {"body": "\ud800"},
    ],
)
def test_a_fault_that_cannot_be_sent_is_refused_when_it_is_ordered(shared: Caller, order: dict[str, Any]) -> None:
    """An order that HTTP cannot carry out is the test's mistake, told at once."""
    with pytest.raises(ValueError, match=r"status|header|body"):
        shared.sandbox.fail("open", **order)


def test_a_fault_has_one_content_type(shared: Caller) -> None:
    """An ordered Content-Type takes the place of the usual one, whatever its case."""
    shared.sandbox.fail("open", 400, headers={"content-type": "text/plain"})
    answer = shared.post(f"{shared.stream_path}/open")
    assert answer.headers.get_list("content-type") == ["text/plain"]


@pytest.mark.parametrize("minutes", [-1, math.inf, math.nan, 1e300, 5_256_001])
def test_a_delay_that_cannot_be_is_refused(minutes: float) -> None:
    """A deletion delay is 0 to ten years."""
    with pytest.raises(ValueError, match="deletion_delay_minutes"):
        CoveoSandbox(deletion_delay_minutes=minutes)


def test_time_that_goes_too_far_stays_where_it_is() -> None:
    """The clock refuses to leave the years that Python knows, and works on."""

    def to_the_end_of_time(sandbox: CoveoSandbox) -> None:
        for _ in range(1_000):
            sandbox.advance(minutes=3650 * 24 * 60)

    with Caller.running() as caller:
        with pytest.raises(ValueError, match="further"):
            to_the_end_of_time(caller.sandbox)
        assert caller.open()["streamId"]


@pytest.mark.parametrize("end", ["/", "%0A", "%0D%0A"])
def test_a_path_that_coveo_does_not_have_is_no_path(shared: Caller, end: str) -> None:
    """A slash or a line end more is 404, neither served nor redirected."""
    assert shared.post(f"{shared.files_path}{end}").status_code == 404


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"type": "VECTOR"}, set[str]()),
        ({"name": "nosuch"}, set[str]()),
        ({"name": "ec_col"}, {"ec_color"}),
        ({"name": "EC_RAT", "type": "DOUBLE"}, {"ec_rating"}),
    ],
)
def test_a_search_for_fields_is_filtered(shared: Caller, filters: dict[str, str], names: set[str]) -> None:
    """A client that asks whether a field is there is not told yes because its filter was passed over."""
    answer = shared.post(
        f"{shared.organization_path}/indexes/fields/search", json={"filters": filters, "perPage": 1000}
    )
    assert {item["name"] for item in answer.json()["items"]} == names
