"""A wrong region, organization or source, and a paused organization: what each client of the index says of it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from pytest_httpx import HTTPXMock

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import CoveoRefused
from coveo_enrich.index import CoveoSearch, FieldClient, FieldNeed, IndexingLog, ItemQuery
from coveo_enrich.stream import ChunkReceipt, Receipt

SOURCE = CoveoSource(organization_id="myorg", source_id="src", api_key="xx-key", region="eu")
COLOR = FieldNeed("color")
STAMP = int(time.time() * 1_000)


def plan() -> None:
    """Plan a field."""
    with FieldClient(SOURCE, retry=RetryPolicy(attempts=1)) as client:
        client.plan([COLOR])


def look_before_push() -> None:
    """Push with a look at the fields."""
    with StreamClient(SOURCE, retry=RetryPolicy(attempts=1), needs=[COLOR]) as client:
        client.update([{"documentId": "p://1"}])


def search() -> None:
    """Search the items of the source."""
    with CoveoSearch(SOURCE, retry=RetryPolicy(attempts=1)) as client:
        client.find(ItemQuery(keywords="kayak"), fields=["ec_name"])


def follow_logs() -> None:
    """Follow a receipt through the logs."""
    chunk = ChunkReceipt(
        number=1, items=1, size=9, first_id="a://1", last_id="a://1", attempts=1, seconds=0, ordering_id=STAMP
    )
    receipt = Receipt(operation="update", organization_id="myorg", source_id="src", all_sent=True, chunks=(chunk,))
    with IndexingLog(SOURCE, retry=RetryPolicy(attempts=1)) as client:
        client.wait(receipt, timeout=0)


ASKS = {"plan": plan, "look before a push": look_before_push, "search": search, "logs": follow_logs}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (401, "INVALID_TOKEN", "belongs to another organization or region"),
        (401, None, "wrong region"),
        (404, "ORGANIZATION_NOT_FOUND", "Check the organization id and the region"),
        (404, "SOURCE_DOES_NOT_EXIST", "Check the source id, and that the source belongs to this organization"),
        (400, "ORGANIZATION_IS_PAUSED", "Resume the organization in the Coveo console first"),
    ],
)
def test_a_wrong_place_is_an_error_that_says_what_to_check(
    httpx_mock: HTTPXMock, ask: Callable[[], None], status: int, code: str | None, advice: str
) -> None:
    """Every client asks its region's host, raises CoveoRefused, and advises what its user can mend."""
    httpx_mock.add_response(status_code=status, json={"errorCode": code} if code else {})
    with pytest.raises(CoveoRefused, match=advice) as raised:
        ask()
    (request,) = httpx_mock.get_requests()
    assert "-eu." in request.url.host
    assert "xx-key" not in str(raised.value)
