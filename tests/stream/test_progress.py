"""The bar that counts what was read: an extra, and nothing depends on it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator

import pytest
from loading import broken_off, operations, products
from updating import replaces

from coveo_enrich import CoveoSource, StreamClient
from coveo_enrich.errors import MissingExtraError
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream.receipts import Receipt

OPERATIONS: dict[str, Callable[[StreamClient], Receipt]] = {
    "load": lambda client: client.load(iter(products(30))),
    "replace": lambda client: client.replace(iter(products(30))),
    "update": lambda client: client.update(iter(products(30))),
    "partial update": lambda client: client.update_partially(iter(replaces(30))),
    "merge": lambda client: client.merge(iter(products(30))),
}
EVERY = pytest.mark.parametrize(("name", "operation"), OPERATIONS.items(), ids=OPERATIONS.keys())


@pytest.fixture
def client(source: CoveoSource) -> Iterator[StreamClient]:
    """A client that draws a bar."""
    with StreamClient(source, max_chunk_bytes=600, progress=True) as one:
        yield one


@EVERY
def test_a_bar_counts_what_was_read(
    client: StreamClient,
    capsys: pytest.CaptureFixture[str],
    name: str,
    operation: Callable[[StreamClient], Receipt],
) -> None:
    """On stderr, under the operation's name; all is sent as without it."""
    assert operation(client).items == 30
    out, drawn = capsys.readouterr()
    assert out == ""
    assert re.search(rf"{name}: 30\S* items", drawn)


def test_a_list_has_an_end_in_sight(client: StreamClient, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the number of items is known, the bar shows it."""
    client.update(products(30))
    assert re.search(r"update: 100%.*30\S*/30", capsys.readouterr().err)


def test_without_it_nothing_is_drawn(
    source: CoveoSource, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default there is no bar, and tqdm is not even looked for."""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with StreamClient(source) as client:
        client.update(products(30))
    assert capsys.readouterr() == ("", "")


@EVERY
def test_without_tqdm_the_extra_is_named(
    sandbox: CoveoSandbox,
    client: StreamClient,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    operation: Callable[[StreamClient], Receipt],
) -> None:
    """A missing extra stops an operation before it sends anything."""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'coveo-enrich\[progress\]'") as caught:
        operation(client)
    assert caught.value.extra == "progress"
    assert set(operations(sandbox)) <= ({"source"} if name in ("load", "replace") else set())


def test_a_bar_leaves_an_error_as_it_is(client: StreamClient) -> None:
    """What the catalog raises goes through it."""
    with pytest.raises(OSError, match="disk gone"):
        client.update(broken_off(15, OSError("disk gone")))
