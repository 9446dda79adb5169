"""Labels about people decide nothing, unless they are asked for."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from coveo_enrich import Enricher, FieldMapping, FieldRule, ProductImage
from coveo_enrich.classifiers import Attribute, Classification, Label
from coveo_enrich.enrichment.looking.people import without_people_labels

SEEN = ("Jacket", "Woman", "Young Adult", "senior-citizen", "Leather", "Asian", "Man-made material", "Boyfriend jeans")


@attrs.frozen
class Tagger:
    """It says all that it sees."""

    name: str = "tagger"

    def classify(self, _: ProductImage, /) -> Classification:
        """Say it."""
        return Classification(
            self.name, labels=[Label(name, 0.9) for name in SEEN], attributes=[Attribute("gender", "women")]
        )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a picture."""
    (tmp_path / "1.jpg").write_bytes(b"picture")
    return tmp_path


MAPPING = FieldMapping(
    [FieldRule("seen", reads="label", values="many"), FieldRule("ec_gender", reads="attribute:gender")]
)
PRODUCT = {"documentId": "product://1", "ec_images": "1.jpg"}


def test_labels_about_people_are_kept_out_and_counted(root: Path) -> None:
    """Only whole labels about people are: words that hold such a word are not; a named attribute is asked for."""
    run = Enricher(Tagger(), MAPPING, image_root=root).enrich([PRODUCT])
    (enriched,) = run
    assert enriched.document["seen"] == ["Jacket", "Leather", "Man-made material", "Boyfriend jeans"]
    assert enriched.document["ec_gender"] == "women"
    assert enriched.people_labels == run.report.people_labels == 4
    assert "4 labels about people kept out of decisions" in str(run.report)


def test_labels_about_people_take_part_when_they_are_asked_for(root: Path) -> None:
    """With ``people_labels=True`` they are labels as others are, and none is counted."""
    run = Enricher(Tagger(), MAPPING, image_root=root, people_labels=True).enrich([PRODUCT])
    (enriched,) = run
    assert enriched.document["seen"] == list(SEEN)
    assert run.report.people_labels == 0
    assert "about people" not in str(run.report)


def test_parents_about_people_are_kept_out_too() -> None:
    """A rule that reads broader words as well does not get them by another way; they count as labels do."""
    seen = Classification("tagger", labels=[Label("Bridesmaid dress", parents=["Dress", "Female", "Person"])])
    assert without_people_labels(seen) == (
        Classification("tagger", labels=[Label("Bridesmaid dress", parents=["Dress"])]),
        2,
    )


def test_a_classification_without_such_labels_stays_as_it_is() -> None:
    """Nothing is copied where nothing is left out."""
    kayak = Classification("tagger", labels=[Label("Kayak")])
    assert without_people_labels(kayak) == (kayak, 0)
    assert without_people_labels(kayak)[0] is kayak
