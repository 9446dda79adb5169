from __future__ import annotations

import pytest

from coveo_enrich import Evidence
from coveo_enrich.classifiers import Attribute, Classification, Label
from coveo_enrich.enrichment.rules.evidence import read
from coveo_enrich.errors import ConfigurationError

SEEN = Classification(
    "acme",
    labels=[
        Label("Kayak", 0.9, parents=["Boat", "Vehicle"]),
        Label("boat", 0.8, parents=["Vehicle"]),
        Label("Paddle", None),
    ],
    attributes=[
        Attribute("text", "ACME boats\n\nSince 1901\n"),
        Attribute("Text", "one line", 0.5),
        Attribute("LOGO", "Acme", 0.7),
        Attribute("textile", "linen", 0.9),
    ],
)


@pytest.mark.parametrize(
    ("reads", "words"),
    [
        ("label", [("Kayak", 0.9), ("boat", 0.8), ("Paddle", None)]),
        ("label:leaf", [("Kayak", 0.9), ("Paddle", None)]),
        (
            "label:any",
            [("Kayak", 0.9), ("Boat", 0.9), ("Vehicle", 0.9), ("boat", 0.8), ("Vehicle", 0.8), ("Paddle", None)],
        ),
        ("text", [("ACME boats", None), ("", None), ("Since 1901", None), ("one line", 0.5)]),
        ("logo", [("Acme", 0.7)]),
        ("attribute:textile", [("linen", 0.9)]),
        ("attribute:text", [("ACME boats\n\nSince 1901\n", None), ("one line", 0.5)]),
        ("attribute:size", []),
        ("color", []),
    ],
)
def test_each_spelling_reads_its_part(reads: str, words: list[tuple[str, float | None]]) -> None:
    """Labels, only the most exact, or with their broader words; text line by line; brands; attributes by name."""
    assert list(read(Evidence(reads), SEEN)) == words


@pytest.mark.parametrize("name", ["", " ", 5])
def test_a_classifier_is_believed_by_name(name: object) -> None:
    """What can be no classifier's name is refused."""
    with pytest.raises(ConfigurationError, match="of must be the name"):
        Evidence("color", of=name)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
