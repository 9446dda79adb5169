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
from coveo_enrich.enrichment import without_enrichment
from coveo_enrich.errors import ConfigurationError
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


MARKED = FieldMapping(
    [
        *MAPPING.rules,
        FieldRule("seats", reads="attribute:seats", type="number"),
        FieldRule("foldable", reads="attribute:foldable", type="flag"),
        FieldRule("tags", reads="attribute:accessories", values="many", existing="add"),
    ],
    provenance="seen_by",
)


class Looker:
    """Sees the same on every picture."""

    name = "looker"

    def __init__(self, color: str = "turquoise") -> None:
        self.fingerprint = self._color = color

    def classify(self, image: ProductImage, /) -> Classification:
        """Two accessories, a colour, a number and a flag."""
        assert image.url.startswith("https://images.example/")
        accessories = [Attribute("accessories", "paddle", 0.9), Attribute("accessories", "bag", 0.8)]
        others = [Attribute("seats", "2.0", 0.9), Attribute("foldable", "yes", 0.9)]
        return Classification("looker", colors=[Color(self._color, 0.9)], attributes=[*accessories, *others])


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


PRODUCTS = {
    "products.jsonl": """\
{"documentId": "product://1", "ec_images": ["https://images.example/1.jpg"], "tags": ["sale"]}
{"documentId": "product://2", "ec_images": ["https://images.example/2.jpg"], "ec_color": "Red"}
""",
    "products.csv": """\
documentId;ec_images;tags;ec_color\r
product://1;https://images.example/1.jpg;sale;\r
product://2;https://images.example/2.jpg;;Red\r
""",
}


@pytest.fixture(params=["changes.csv", "changes.jsonl"])
def changes(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return where changes may be."""
    return tmp_path / str(request.param)


@pytest.fixture(params=PRODUCTS)
def products(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a file of two products."""
    path = tmp_path / str(request.param)
    path.write_bytes(PRODUCTS[path.name].encode())
    return path


def merged(products: Path, changes: Path, color: str = "turquoise") -> int:
    """Enrich a file under a mapping with provenance, merge what changed, and return of how many products."""
    changed = write_changes(changes, Enricher(Looker(color), MARKED).enrich(read_products(products)))
    result = merge_changes(products, changes, products)
    assert (result.conflicts, result.unknown) == (0, 0)
    return changed


def test_what_a_machine_wrote_is_known_after_the_way_back(products: Path, changes: Path) -> None:
    """The provenance field comes along: another run changes nothing, and what a machine wrote can be taken out."""
    before = list(read_products(products))
    assert merged(products, changes) == 2
    first, second = read_products(products)
    assert (first["ec_color"], second["ec_color"]) == ("Blue", "Red")
    assert (float(first["seats"]), str(first["foldable"]).lower()) == (2, "true")
    assert first["tags"] in ("sale;paddle;bag", ["sale", "paddle", "bag"])
    assert [one.changes for one in Enricher(Looker(), MARKED).enrich([first, second])] == [(), ()]
    without = [without_enrichment(one, MARKED) for one in (first, second)]
    assert without == [{**before[0], "tags": ["sale"]}, before[1]]


def test_what_a_machine_wrote_is_renewed_after_the_way_back(products: Path, changes: Path) -> None:
    """A better service renews the value of a machine in the file, and leaves that of a person."""
    merged(products, changes)
    assert merged(products, changes, color="green") == 1
    assert [one["ec_color"] for one in read_products(products)] == ["Green", "Red"]


def test_what_a_person_changes_on_the_way_is_a_persons(products: Path, changes: Path) -> None:
    """A value that was corrected in the file of changes is neither renewed nor taken out."""
    write_changes(changes, Enricher(Looker(), MARKED).enrich(read_products(products)))
    changes.write_bytes(changes.read_bytes().replace(b"Blue", b"Teal"))
    assert merge_changes(products, changes, products).conflicts == 0
    assert merged(products, changes, color="green") == 0
    first = next(read_products(products))
    assert without_enrichment(first, MARKED)["ec_color"] == first["ec_color"] == "Teal"


def test_provenance_goes_back_into_the_shape_of_a_pim(tmp_path: Path, changes: Path) -> None:
    """It has a place of its own there, and a mapping that names none is refused before anything is lost."""
    pim = tmp_path / "pim.jsonl"
    write_documents(pim, [{"id": "product://1", "images": ["https://images.example/1.jpg"]}])
    fields = {"documentId": "id", "ec_images": "images"}
    fields |= {rule.field: f"values.{rule.field}" for rule in MARKED.rules}
    shape = PathMapping({**fields, "seen_by": "values.seen_by"})
    write_changes(changes, Enricher(Looker(), MARKED).enrich(shape.apply_all(read_products(pim))))
    with pytest.raises(ConfigurationError, match=r"'seen_by' .* give it such a path in the PathMapping"):
        merge_changes(pim, changes, pim, mapping=PathMapping(fields))
    merge_changes(pim, changes, pim, mapping=shape)
    (product,) = shape.apply_all(read_products(pim))
    assert product["ec_color"] == "Blue"
    assert without_enrichment(product, MARKED) == {key: product[key] for key in ("documentId", "ec_images")}
