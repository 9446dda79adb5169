"""How long the answers may be that list things: what is listed is read to its end. Over real sockets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich._calls import CoveoCall
from coveo_enrich.index import CoveoSearch, ItemQuery
from coveo_enrich.index.fields.calls import create_fields_call, mappings_call, metadata_call, search_fields_call
from coveo_enrich.index.logs.calls import FAILURES, TimeRange, logs_call
from coveo_enrich.index.search.calls import facet_call, fields_call, find_call, items_call, source_call
from coveo_enrich.sandbox import CoveoSandbox

SOURCE = CoveoSource(organization_id="myorg", source_id="src", api_key="xx-key")
WHEN = TimeRange(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))
LISTS = [
    items_call(SOURCE, "@uri", [], of_source=None),
    find_call(SOURCE, ItemQuery(), [], of_source=None, most=1),
    facet_call(SOURCE, "color", expression="", of_source=None, most=1),
    fields_call(SOURCE),
    search_fields_call(SOURCE, ["color"], 0),
    mappings_call(SOURCE),
    metadata_call(SOURCE, 0),
    logs_call(SOURCE, FAILURES, WHEN, 0),
]


def test_items_with_long_texts_are_found_and_compared(sandbox: CoveoSandbox) -> None:
    """A hundred products with descriptions of 13 kB are found, read back and verified."""
    items: list[dict[str, Any]] = [
        {"documentId": f"product://{number}", "objecttype": "Product", "ec_description": "lorem ipsum " * 1_100}
        for number in range(100)
    ]
    expected = {item["documentId"]: item for item in items}
    source = CoveoSource(**sandbox.connection)
    with StreamClient(source) as client, CoveoSearch(source) as search:
        receipt = client.update(items)
        assert search.verify(expected, pushed=receipt, timeout=0).is_complete
        assert search.read_back(expected, ["ec_description"]).keys() == expected.keys()
        assert len(search.find(ItemQuery(), fields=["ec_description"], most=100).items) == 100


def test_a_thousand_values_of_a_field_are_read(sandbox: CoveoSandbox) -> None:
    """As many values as `facet` takes for `most` are given, where there are more."""
    sandbox.create_field("sku", facet=True)
    source = CoveoSource(**sandbox.connection)
    with StreamClient(source) as client, CoveoSearch(source) as search:
        client.update([{"documentId": f"product://{number}", "sku": f"sku {number}"} for number in range(1_001)])
        assert len(search.facet("sku", most=1_000)) == 1_000


@pytest.mark.parametrize("call", LISTS, ids=lambda call: call.operation)
def test_a_list_may_be_longer_than_other_answers(call: CoveoCall) -> None:
    """An answer that lists things may have 32 MB."""
    assert call.max_bytes == 32_000_000


@pytest.mark.parametrize("call", [source_call(SOURCE), create_fields_call(SOURCE, [])], ids=lambda call: call.operation)
def test_what_lists_nothing_is_short(call: CoveoCall) -> None:
    """An answer about one thing may have a megabyte."""
    assert call.max_bytes == 1_000_000
