"""Export, enrich, write the changes, merge them into the PIM's file: a plain push next day keeps the values."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from coveo_enrich import Enricher, FieldMapping, FieldRule, ProductImage, StreamClient, Vocabulary
from coveo_enrich.catalog import PathMapping, merge_changes, read_products, write_changes, write_documents
from coveo_enrich.classifiers import Attribute, Classification, Color
from coveo_enrich.sandbox import CoveoSandbox

MAPPING = FieldMapping(
    [
        FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors()),
        FieldRule("accessories", reads="attribute:accessories", values="many"),
    ]
)
AKENEO = PathMapping(
    {
        "documentId": "product://{identifier}",
        "objecttype": "{type}",
        "ec_name": "values.name[locale=en_US,scope=null].data",
        "ec_images": ["https://images.example/{values.picture[0].data}"],
        "ec_color": "values.color[locale=null,scope=null].data",
        "accessories": "values.accessories[locale=null,scope=null].data",
    }
)


class Looker:
    """Sees the same on every picture."""

    name = "looker"

    def classify(self, image: ProductImage, /) -> Classification:
        """Two accessories and a colour."""
        assert image.url.startswith("https://images.example/")
        accessories = [Attribute("accessories", "paddle", 0.9), Attribute("accessories", "bag", 0.8)]
        return Classification("looker", colors=[Color("turquoise", 0.9)], attributes=accessories)


def item(number: int, **more: str) -> dict[str, Any]:
    """A product in the form of an item."""
    images = [f"https://images.example/{number}.jpg"]
    return {"documentId": f"product://{number}", "objecttype": "Product", "ec_images": images, **more}


def enrich(products: Iterable[dict[str, Any]], changes: Path) -> list[dict[str, Any]]:
    """Enrich products, write the changes, and return what would be sent."""
    enriched = list(Enricher(Looker(), MAPPING).enrich(products))
    write_changes(changes, enriched)
    return [dict(one.document) for one in enriched]


@pytest.fixture(autouse=True)
def _fields(sandbox: CoveoSandbox) -> None:
    """Make the field that Coveo does not have of its own."""
    sandbox.create_field("accessories", multi_value=True, facet=True)


def pushed(sandbox: CoveoSandbox, client: StreamClient, documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Load documents and return what is in the index then."""
    client.load(documents, allow_shrink=True)
    return sandbox.items()


def test_values_survive_a_plain_push_of_items(tmp_path: Path, sandbox: CoveoSandbox, client: StreamClient) -> None:
    """What was seen is in the file of products, so the next push without a classifier leaves the index as it is."""
    products, changes = tmp_path / "products.jsonl", tmp_path / "changes.jsonl"
    write_documents(products, [item(1), item(2, ec_color="Red")])
    first_day = pushed(sandbox, client, enrich(read_products(products), changes))
    merge_changes(products, changes, products)
    assert pushed(sandbox, client, read_products(products)) == first_day
    colors = [(one["ec_color"], one["accessories"]) for one in first_day]
    assert colors == [(["Blue"], ["paddle", "bag"]), (["Red"], ["paddle", "bag"])]


@pytest.mark.parametrize("name", ["changes.csv", "changes.jsonl"])
def test_values_survive_a_plain_push_out_of_csv(
    tmp_path: Path, sandbox: CoveoSandbox, client: StreamClient, name: str
) -> None:
    """CSV has several values as one text with ``;``, which Coveo splits again."""
    products, changes = tmp_path / "products.csv", tmp_path / name
    with products.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerows(
            [["documentId", "objecttype", "ec_images"], ["product://1", "Product", "https://images.example/1.jpg"]]
        )
    first_day = pushed(sandbox, client, enrich(read_products(products), changes))
    merge_changes(products, changes, products)
    assert [one.get("accessories") for one in read_products(products)] == ["paddle;bag"]
    assert pushed(sandbox, client, read_products(products)) == first_day
    assert (first_day[0]["ec_color"], first_day[0]["accessories"]) == (["Blue"], ["paddle", "bag"])


def test_values_survive_a_plain_push_out_of_the_shape_of_a_pim(
    tmp_path: Path, sandbox: CoveoSandbox, client: StreamClient
) -> None:
    """An export of Akeneo's is mapped, enriched, written back to its attributes, and mapped again."""
    pim, changes = tmp_path / "pim.jsonl", tmp_path / "changes.jsonl"
    values = {
        "name": [{"locale": "en_US", "scope": None, "data": "Kayak"}],
        "picture": [{"locale": None, "scope": None, "data": "1.jpg"}],
    }
    write_documents(pim, [{"identifier": "1", "type": "Product", "values": values}])
    first_day = pushed(sandbox, client, enrich(AKENEO.apply_all(read_products(pim)), changes))
    merge_changes(pim, changes, pim, mapping=AKENEO)
    assert pushed(sandbox, client, AKENEO.apply_all(read_products(pim))) == first_day
    assert (first_day[0]["ec_color"], first_day[0]["accessories"]) == (["Blue"], ["paddle", "bag"])
