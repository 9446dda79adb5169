from __future__ import annotations

from typing import Any

import pytest

from coveo_enrich import EnrichedProduct, FieldMapping, FieldRule, PartialUpdate, StreamClient, Vocabulary
from coveo_enrich.classifiers import Attribute, Classification, Color
from coveo_enrich.enrichment.decisions.decide import Seen, decide
from coveo_enrich.enrichment.decisions.targets import targets_of
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.sandbox import CoveoSandbox

MAPPING = FieldMapping(
    [
        FieldRule("ec_color", reads="color", vocabulary=Vocabulary.colors()),
        FieldRule("parts", reads="attribute:part", values="many", existing="add"),
        FieldRule("seats", reads="attribute:seats", type="number", existing="replace"),
        FieldRule("sail", reads="attribute:sail", type="flag"),
    ],
    provenance="wrote",
)
SEEN = [
    Seen(
        "k.jpg",
        Classification(
            "acme",
            colors=[Color("mustard", 0.6)],
            attributes=[
                Attribute("part", "paddle", 0.9),
                Attribute("part", "seat"),
                Attribute("seats", "2", 0.8),
                Attribute("sail", "No", 1.0),
            ],
        ),
    )
]
KAYAK = {"documentId": "product://1", "ec_name": "Heron", "Parts": ["rudder"], "seats": 1}


def enriched(product: dict[str, Any]) -> EnrichedProduct:
    """Return a product as a run gives it out."""
    decision = decide(targets_of(product, MAPPING), SEEN)
    return EnrichedProduct(product, changes=decision.changes, provenance=decision.provenance)


def test_the_document_holds_plain_values_of_their_types() -> None:
    """Texts, lists, numbers and flags are written as such; what the product has beside them stays."""
    document = dict(enriched(KAYAK).document)
    assert str(document.pop("wrote")).startswith("{")
    assert document == {
        "documentId": "product://1",
        "ec_name": "Heron",
        "Parts": ["rudder", "paddle", "seat"],
        "seats": 2,
        "ec_color": "Yellow",
        "sail": False,
    }


def test_the_changes_are_operations_on_fields() -> None:
    """Each changed field is given its new value, by its name in small letters, and the provenance field too."""
    operations = enriched(KAYAK).partial_update()
    assert operations[:4] == (
        PartialUpdate.replace_value("product://1", "ec_color", "Yellow"),
        PartialUpdate.replace_value("product://1", "parts", ["rudder", "paddle", "seat"]),
        PartialUpdate.replace_value("product://1", "seats", 2),
        PartialUpdate.replace_value("product://1", "sail", value=False),
    )
    assert [operation.field for operation in operations[4:]] == ["wrote"]


def test_the_operations_make_the_document_of_an_item_in_the_source(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Sent to a source that has the product, they leave what a whole update with the document would leave."""
    for need in MAPPING.needs()[1:]:  # a catalog has ec_color from the start
        sandbox.create_field(
            need.name,
            type=need.type,
            multi_value=need.multi_value,
            facet=need.facet,
            hierarchical=need.hierarchical,
            merge_with_lexicon=need.free_text,
        )
    client.update([KAYAK])
    client.update_partially(enriched(KAYAK).partial_update())
    (by_operations,) = sandbox.items()
    client.update([enriched(KAYAK).document])
    (as_a_whole,) = sandbox.items()
    assert {key.lower(): value for key, value in by_operations.items()} == {
        key.lower(): value for key, value in as_a_whole.items()
    }
    assert by_operations["seats"] == 2


def test_nothing_changed_is_no_operation() -> None:
    """An unchanged product needs none, also one without an id; a changed one without an id can have none."""
    assert EnrichedProduct({}).partial_update() == ()
    with pytest.raises(ConfigurationError, match="document_id"):
        enriched({"ec_name": "Heron"}).partial_update()


def test_a_row_is_flat() -> None:
    """Per changed field its value, its confidence and its evidence in words, a list as one text; no other field."""
    row = enriched(KAYAK).as_row()
    assert str(row.pop("wrote")).startswith("{")
    assert row == {
        "documentId": "product://1",
        "ec_color": "Yellow",
        "ec_color.confidence": 0.6,
        "ec_color.evidence": "mustard in k.jpg (acme, 60%)",
        "Parts": "rudder;paddle;seat",
        "Parts.confidence": None,
        "Parts.evidence": "paddle in k.jpg (acme, 90%); seat in k.jpg (acme, not scored)",
        "seats": 2,
        "seats.confidence": 0.8,
        "seats.evidence": "2 in k.jpg (acme, 80%)",
        "sail": False,
        "sail.confidence": 1.0,
        "sail.evidence": "No in k.jpg (acme, 100%)",
    }
    assert EnrichedProduct(KAYAK).as_row() == {"documentId": "product://1"}


def test_a_row_has_the_key_that_is_asked_for() -> None:
    """A product is known by its own key where it is kept."""
    assert EnrichedProduct({"sku": "K-1"}).as_row(key="sku") == {"sku": "K-1"}
    assert EnrichedProduct({"sku": "K-1"}).as_row() == {"documentId": None}
