"""How many items a source has: the call, and its answer."""

from __future__ import annotations

import pytest

from coveo_enrich import CoveoSource
from coveo_enrich.index.item_count import item_count_call, parse_item_count


def test_the_call_reads_the_source() -> None:
    """A GET of the source on the platform host, with ids quoted so that they cannot leave their place in the path."""
    call = item_count_call(CoveoSource(organization_id="my org", source_id="../a/b?c#d", api_key="xx"))
    assert call.method == "GET"
    assert call.url == "https://platform.cloud.coveo.com/rest/organizations/my%20org/sources/..%2Fa%2Fb%3Fc%23d"


@pytest.mark.parametrize("number", [0, 1, 12_345_678_901])
def test_the_number_is_read(number: int) -> None:
    """The number stands in information.numberOfDocuments, and nothing is a number too."""
    assert parse_item_count({"id": "src", "information": {"numberOfDocuments": number}}) == number


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"information": None},
        {"information": []},
        {"information": {}},
        {"numberOfDocuments": 3},
        {"information": {"numberOfDocuments": None}},
        {"information": {"numberOfDocuments": "3"}},
        {"information": {"numberOfDocuments": 3.5}},
        {"information": {"numberOfDocuments": True}},
        {"information": {"numberOfDocuments": -1}},
        {"information": {"numberOfProcessedDocuments": 3}},
    ],
)
def test_anything_else_is_no_number(body: dict[str, object]) -> None:
    """Law 3: a number that is not there is not guessed."""
    assert parse_item_count(body) is None
