"""Coveo's official JavaScript client works with the sandbox, and the sandbox shows where that client loses items."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from javascript_client import JavaScriptClient, NotToBeHadError

from coveo_enrich.sandbox import CoveoSandbox

pytestmark = pytest.mark.official_clients

LOAD = "batchStreamDocumentsFromFiles"
UPDATE = "batchUpdateDocumentsFromFiles"

# The client's chunks have 5 MiB, which cannot be changed: four files of 2.9 MB make three, and none ends with a file.
FILES, PRODUCTS_PER_FILE = 4, 1_000
DESCRIPTION = "A kayak for calm water, für Anfänger. " * 70


def product(number: int) -> dict[str, Any]:
    """A product with metadata of every type that the client can tell."""
    return {
        "documentId": f"https://shop.example/products/{number:05}",
        "title": f"Kayak {number}",
        "ec_name": f"Kayak {number}",
        "ec_description": DESCRIPTION,
        "ec_price": number + 0.5,
        "kayak_type": "single seat",
        "kayak_seats": number % 3,
        "kayak_serial": 10**12 + number,
        "kayak_weight": number + 0.25,
    }


def ids(products: list[dict[str, Any]]) -> list[str]:
    """Their documentIds."""
    return [product["documentId"] for product in products]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> JavaScriptClient:
    """The client; where it cannot be had the tests are skipped, but in the continuous integration they fail."""
    try:
        return JavaScriptClient.install(tmp_path_factory.mktemp("npm"))
    except NotToBeHadError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def products() -> list[dict[str, Any]]:
    """A catalog."""
    return [product(number) for number in range(FILES * PRODUCTS_PER_FILE)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, products: list[dict[str, Any]]) -> list[Path]:
    """The catalog in files."""
    folder = tmp_path_factory.mktemp("catalog")
    paths: list[Path] = []
    for number in range(FILES):
        part = products[number * PRODUCTS_PER_FILE : (number + 1) * PRODUCTS_PER_FILE]
        paths.append(folder / f"products-{number}.json")
        paths[-1].write_text(json.dumps(part), encoding="utf-8")
    return paths


def assert_all_arrived(sandbox: CoveoSandbox, products: list[dict[str, Any]]) -> None:
    """Every product is in the index with all that it says, in fields that the client made, and nothing else is."""
    indexed = sandbox.items()
    assert ids(indexed) == ids(products)
    assert [{key: item[key] for key in item if key != "permanentid"} for item in indexed] == products
    assert sandbox.dropped() == []


def test_every_id_of_a_load_arrives_exactly_once(
    client: JavaScriptClient, sandbox: CoveoSandbox, files: list[Path], products: list[dict[str, Any]]
) -> None:
    """A load of several files with createFields: three chunks hold every product once, with every field."""
    report = client.send(sandbox, LOAD, files)
    assert (report.error, report.failed) == (None, [])
    assert [one for uploaded in report.uploaded for one in uploaded] == ids(products)
    assert_all_arrived(sandbox, products)
    (stream,) = sandbox.streams()
    assert not stream.is_open
    # The client leaves the container of open unfilled, and asks for one more for each chunk.
    assert [container.is_filled for container in stream.containers] == [False, True, True, True]
    assert stream.items == len(products)


def test_every_id_of_an_update_arrives_exactly_once(
    client: JavaScriptClient, sandbox: CoveoSandbox, files: list[Path], products: list[dict[str, Any]]
) -> None:
    """An update of several files with createFields: three containers hold every product once, with every field."""
    report = client.send(sandbox, UPDATE, files)
    assert (report.error, report.failed) == (None, [])
    assert [one for uploaded in report.uploaded for one in uploaded] == ids(products)
    assert_all_arrived(sandbox, products)
    uploads = [request for request in sandbox.requests() if request.operation == "upload"]
    updates = [request for request in sandbox.requests() if request.operation == "update"]
    assert [request.status for request in uploads] == [200] * 3
    assert [request.status for request in updates] == [202] * 3


def test_a_second_load_finds_the_fields_and_replaces_the_catalog(
    client: JavaScriptClient, sandbox: CoveoSandbox, files: list[Path], products: list[dict[str, Any]]
) -> None:
    """The client sees the fields that it made before, and what the second load does not hold leaves the index."""
    client.send(sandbox, LOAD, files)
    report = client.send(sandbox, LOAD, files[:1])
    sandbox.advance(minutes=15)
    assert report.error is None
    assert ids(sandbox.items()) == ids(products[:PRODUCTS_PER_FILE])


def test_a_refused_upload_is_a_hole_that_the_client_closes_over(
    client: JavaScriptClient, sandbox: CoveoSandbox, files: list[Path], products: list[dict[str, Any]]
) -> None:
    """One PUT answered 503: the client resolves its promise and closes; the sandbox shows which items are missing."""
    sandbox.fail("upload", 503, after=1)
    report = client.send(sandbox, LOAD, files)
    assert report.error is None
    (lost,) = report.failed
    assert lost in report.uploaded  # it says both
    assert lost
    (stream,) = sandbox.streams()
    assert not stream.is_open
    assert [container.is_filled for container in stream.containers] == [False, True, False, True]
    indexed = ids(sandbox.items())
    assert set(ids(products)) - set(indexed) == set(lost)
    assert len(indexed) == len(products) - len(lost) == stream.items


def test_an_update_loses_a_refused_upload_too(
    client: JavaScriptClient, sandbox: CoveoSandbox, files: list[Path], products: list[dict[str, Any]]
) -> None:
    """One PUT answered 503: the client resolves its promise, and the items of that upload are not there."""
    sandbox.fail("upload", 503)
    report = client.send(sandbox, UPDATE, files)
    assert report.error is None
    (lost,) = report.failed
    assert lost
    assert set(ids(products)) - set(ids(sandbox.items())) == set(lost)


def test_an_empty_catalog_empties_the_source(
    client: JavaScriptClient, sandbox: CoveoSandbox, files: list[Path], tmp_path: Path
) -> None:
    """A file with an empty list: the client closes an empty stream, and reports success."""
    client.send(sandbox, LOAD, files[:1])
    (tmp_path / "products.json").write_text("[]", encoding="utf-8")
    report = client.send(sandbox, LOAD, [tmp_path / "products.json"])
    sandbox.advance(minutes=15)
    assert report.error is None
    assert sandbox.items() == []


def test_a_key_that_may_not_make_fields_is_found_out_by_the_client(
    client: JavaScriptClient, sandbox: CoveoSandbox, files: list[Path]
) -> None:
    """The client asks what its key may do before it makes fields, and says in its own words what is missing."""
    key = sandbox.create_api_key("SOURCE_EDIT", "FIELD_VIEW")
    report = client.send(sandbox, LOAD, files, api_key=key)
    assert report.error is not None
    assert "privilege to create or update fields" in report.error
    assert sandbox.items() == []
    assert sandbox.streams()[0].is_open  # opened before anything was checked, and left so
