"""After a load, however it ended, no thread, no file and no connection of it is left."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from loading import broken_off, products

from coveo_enrich import StreamClient
from coveo_enrich.errors import CoveoEnrichError
from coveo_enrich.sandbox import CoveoSandbox

OPEN_FILES = Path("/proc/self/fd")
CONNECTIONS = Path("/proc/self/net/tcp")
ESTABLISHED = "01"


def _success(client: StreamClient, _sandbox: CoveoSandbox) -> None:
    client.load(products(60))


def _producer_fails(client: StreamClient, _sandbox: CoveoSandbox) -> None:
    with pytest.raises(OSError, match="disk"):
        client.load(broken_off(57, OSError("disk")))


def _invalid_item(client: StreamClient, _sandbox: CoveoSandbox) -> None:
    with pytest.raises(CoveoEnrichError):
        client.load([*products(57), {}])


def _upload_refused(client: StreamClient, sandbox: CoveoSandbox) -> None:
    sandbox.fail("upload", 413, times=None)
    with pytest.raises(CoveoEnrichError):
        client.load(products(60))


def _open_refused(client: StreamClient, sandbox: CoveoSandbox) -> None:
    sandbox.fail("open", 401)
    with pytest.raises(CoveoEnrichError):
        client.load(products(60))


def _empty(client: StreamClient, _sandbox: CoveoSandbox) -> None:
    with pytest.raises(CoveoEnrichError):
        client.load([])


def _close_lost(client: StreamClient, sandbox: CoveoSandbox) -> None:
    sandbox.lose_reply("close")
    with pytest.raises(CoveoEnrichError):
        client.load(products(60))


def _abandoned(client: StreamClient, _sandbox: CoveoSandbox) -> None:
    with client.open_stream() as stream:
        for product in products(57):
            stream.add(product)
        stream.abandon()


ENDS = [_success, _producer_fails, _invalid_item, _upload_refused, _open_refused, _empty, _close_lost, _abandoned]


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("coveo-enrich")}


def _temporary_files() -> list[str]:
    links: list[str] = []
    for name in os.listdir(OPEN_FILES):  # noqa: PTH208 - the listing itself is one of its entries, gone a moment later
        try:
            links.append(str((OPEN_FILES / name).readlink()))
        except FileNotFoundError:
            continue
    return [link for link in links if link.endswith("(deleted)")]


def _connections_to(sandbox: CoveoSandbox) -> int:
    port = urlsplit(sandbox.url).port
    rows = [line.split() for line in CONNECTIONS.read_text().splitlines()[1:]]
    return sum(1 for row in rows if int(row[2].partition(":")[2], 16) == port and row[3] == ESTABLISHED)


@pytest.mark.parametrize("end", ENDS)
def test_no_thread_is_left(
    sandbox: CoveoSandbox, client: StreamClient, end: Callable[[StreamClient, CoveoSandbox], None]
) -> None:
    """Uploads have threads of their own, which are gone when the load is over, also while the client lives on."""
    before = _threads()
    end(client, sandbox)
    assert _threads() == before


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="open files are counted where the system shows them")
@pytest.mark.parametrize("end", ENDS)
def test_no_file_is_left(
    sandbox: CoveoSandbox, client: StreamClient, end: Callable[[StreamClient, CoveoSandbox], None]
) -> None:
    """Law 11: chunks are temporary files; every one of them is deleted, sent or not, half written or not begun."""
    before = _temporary_files()
    end(client, sandbox)
    assert _temporary_files() == before


@pytest.mark.skipif(not CONNECTIONS.exists(), reason="connections are counted where the system shows them")
@pytest.mark.parametrize("end", ENDS)
def test_no_connection_is_left(
    sandbox: CoveoSandbox, client: StreamClient, end: Callable[[StreamClient, CoveoSandbox], None]
) -> None:
    """Closing the client releases every connection of every load."""
    end(client, sandbox)
    client.close()
    assert _connections_to(sandbox) == 0


@pytest.mark.skipif(not CONNECTIONS.exists(), reason="connections are counted where the system shows them")
def test_connections_do_not_grow_with_the_number_of_loads(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """A client that lives for months holds no more connections after its tenth load than it can use."""
    for _ in range(10):
        client.load(products(60))
    assert _connections_to(sandbox) <= 1 + 4
