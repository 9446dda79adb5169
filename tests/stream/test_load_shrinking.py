"""A shrinking catalog is stopped, measured against what the source has or what the caller expects."""

from __future__ import annotations

import pytest
from loading import document_ids, fill, operations, products

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.errors import ConfigurationError, ShrinkingLoad, SourceSizeUnknown
from coveo_enrich.sandbox import CoveoSandbox


def test_less_than_half_of_the_source_is_not_closed(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: the error comes before the close, with both numbers and how to allow it; the source is as it was."""
    old = fill(client, 41)
    with pytest.raises(ShrinkingLoad, match="allow_shrink=True") as caught:
        client.load(products(20))
    assert (caught.value.items, caught.value.expected) == (20, 41)
    assert caught.value.expected_from == "items in the source now"
    assert operations(sandbox).count("close") == 1
    assert document_ids(sandbox) == old


def test_half_of_the_source_is_enough(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: exactly half is not less than half."""
    fill(client, 40)
    assert client.load(products(20)).items == 20
    assert len(document_ids(sandbox)) == 20


def test_a_small_catalog_that_shrank_opens_nothing(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: what fits into one chunk is measured before a stream is opened."""
    fill(client, 20)
    opened = len(sandbox.streams())
    with pytest.raises(ShrinkingLoad):
        client.load(products(1))
    assert len(sandbox.streams()) == opened


def test_shrinking_may_be_allowed(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: allow_shrink asks nothing, measures nothing, and says so in the receipt."""
    fill(client, 40)
    receipt = client.load(products(1), allow_shrink=True)
    assert (receipt.expected_items, receipt.expected_from) == (None, "allow_shrink=True")
    assert len(document_ids(sandbox)) == 1
    assert "source" not in operations(sandbox)


def test_an_expected_number_stands_in_place_of_the_sources(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: with expected_items the source is not asked, and the number is what counts."""
    old = fill(client, 4)
    with pytest.raises(ShrinkingLoad) as caught:
        client.load(products(49), expected_items=100)
    assert (caught.value.expected, caught.value.expected_from) == (100, "expected_items")
    assert document_ids(sandbox) == old
    receipt = client.load(products(50), expected_items=100)
    assert (receipt.expected_items, receipt.expected_from) == (100, "expected_items")
    assert "source" not in operations(sandbox)


def test_an_expected_number_may_be_lower_than_the_sources(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: who names a smaller number means it."""
    fill(client, 40)
    client.load(products(5), expected_items=10)
    assert len(document_ids(sandbox)) == 5


def test_the_same_guard_stands_before_a_stream(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: open_stream takes what load takes."""
    old = fill(client, 40)
    with pytest.raises(ShrinkingLoad), client.open_stream() as first:
        first.add(products(1)[0])
    with pytest.raises(ShrinkingLoad), client.open_stream(expected_items=3) as second:
        second.add(products(1)[0])
    assert document_ids(sandbox) == old
    with client.open_stream(allow_shrink=True) as third:
        third.add(products(1)[0])
    assert len(document_ids(sandbox)) == 1


@pytest.mark.parametrize("expected_items", [-1, -1_000])
def test_a_negative_number_is_refused_at_once(sandbox: CoveoSandbox, client: StreamClient, expected_items: int) -> None:
    """A number that makes no sense is a configuration error, before anything is asked."""
    with pytest.raises(ConfigurationError, match="expected_items must be a whole number, 0 or more"):
        client.load(products(1), expected_items=expected_items)
    assert sandbox.requests() == []


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_a_size_that_cannot_be_had_opens_nothing(sandbox: CoveoSandbox, client: StreamClient, status: int) -> None:
    """Law 3: without a number the load ends before it opens anything, and says the three ways on."""
    sandbox.fail("source", status, times=None)
    with pytest.raises(SourceSizeUnknown, match="so nothing was sent") as caught:
        client.load(products(3))
    assert caught.value.source_id == "sandbox-catalog"
    assert str(status) in caught.value.reason
    for way in ("expected_items", "allow_shrink", "platform_key"):
        assert way in str(caught.value)
    assert set(operations(sandbox)) == {"source"}
    assert sandbox.streams() == []


def test_no_catalog_is_read_when_the_size_cannot_be_had(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: the guard comes first: a long catalog is not read for nothing."""
    sandbox.fail("source", 403)
    catalog = iter(products(3))
    with pytest.raises(SourceSizeUnknown):
        client.load(catalog)
    assert len(list(catalog)) == 3


@pytest.mark.parametrize("body", ["", "[]", "<html>", "{}", '{"information": {"numberOfDocuments": "many"}}'])
def test_an_answer_without_a_number_opens_nothing(sandbox: CoveoSandbox, client: StreamClient, body: str) -> None:
    """Law 3: a 200 that does not tell the number is not taken for zero."""
    sandbox.fail("source", 200, body=body, times=None)
    with pytest.raises(SourceSizeUnknown):
        client.load(products(3))
    assert sandbox.streams() == []


def test_a_network_that_is_gone_opens_nothing(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 3: no answer is no number."""
    sandbox.break_connection("source", times=None)
    with pytest.raises(SourceSizeUnknown, match="the reply was lost"):
        client.load(products(3))
    assert operations(sandbox) == ["source"] * RetryPolicy().attempts


def test_the_size_is_asked_for_again_when_that_may_help(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 7: a hiccup of the platform does not end a load."""
    sandbox.fail("source", 503, times=2)
    sandbox.break_connection("source")
    assert client.load(products(3)).items == 3


def test_a_platform_host_that_is_not_there(sandbox: CoveoSandbox) -> None:
    """Law 3: a wrong platform_url stops the load, although the push host is there."""
    source = CoveoSource(**sandbox.connection | {"platform_url": "http://127.0.0.1:9"})
    with StreamClient(source, retry=RetryPolicy(attempts=2, first_wait_seconds=0)) as client:
        with pytest.raises(SourceSizeUnknown, match="no connection was made"):
            client.load(products(3))
        assert sandbox.requests() == []
        assert client.load(products(3), expected_items=3).items == 3
