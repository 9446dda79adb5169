"""The kayak of Coveo's article on image classification (docs.coveo.com/en/o43a2025), from its picture to the index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from tagging_service import TaggingService
from wires import Host, forget_environment

from coveo_enrich import EnrichedProduct, Enricher, FieldMapping, FieldRule, StreamClient, Vocabulary
from coveo_enrich.classifiers import Attribute
from coveo_enrich.classifiers.http import AnswerPaths, HttpClassifier, HttpService, Parse
from coveo_enrich.sandbox import CoveoSandbox

SAID = {
    "kayak_type": "single seat",
    "color": "Yellow",
    "accessories": ["Water proof front storage", "Back storage"],
}
"""What the service of the article answers."""

KAYAK = {
    "documentId": "product://001-red",
    "objecttype": "Product",
    "ec_name": "Heron Kayak",
    "ec_images": ["https://images.example.com/001.webp"],
    "accessories": ["Paddle holder", "back storage"],
}
OTHER = {"documentId": "product://002", "objecttype": "Product", "ec_name": "Gift Card"}
AVAILABILITY = {"documentId": "store://1", "objecttype": "Availability", "ec_availability_id": "1"}

MAPPING = FieldMapping(
    [
        FieldRule(
            "kayak_type",
            reads="attribute:kayak_type",
            vocabulary=Vocabulary({"Single seat": ["one person kayak"], "Tandem": ["two person kayak"]}),
        ),
        FieldRule("ec_color", reads="attribute:color", vocabulary=Vocabulary.colors()),
        FieldRule(
            "accessories",
            reads="attribute:accessories",
            values="many",
            existing="add",
            vocabulary=Vocabulary(
                {"Waterproof front storage": ["water proof front storage"], "back storage": [], "Paddle holder": []}
            ),
        ),
    ]
)


def by_a_function(answer: Mapping[str, Any]) -> list[Attribute]:
    """The attributes in an answer, read by code."""
    one_by_one = [(name, answer[name]) for name in ("kayak_type", "color")]
    accessories = [("accessories", value) for value in answer["accessories"]]
    return [Attribute(name, value) for name, value in (*one_by_one, *accessories)]


READERS: dict[str, Parse] = {
    "a function": by_a_function,
    "JMESPath": AnswerPaths(attributes="items(@)[].{name: key, value: value}"),
}


@pytest.fixture(params=READERS)
def classifier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpClassifier]:
    """The article's service on a real port, read in two ways."""
    forget_environment(monkeypatch)
    with Host(TaggingService({"001.webp": SAID}.get)) as host:
        service = HttpService(host.url, json={"image": "{image_url}"}, parse=READERS[request.param])
        with closing(HttpClassifier("acme-tagger", service)) as one:
            yield one


@pytest.fixture(autouse=True)
def _fields(sandbox: CoveoSandbox) -> None:
    """Make the fields that the mapping needs and Coveo does not have of its own."""
    for need in MAPPING.needs():
        if not need.name.startswith("ec_"):
            sandbox.create_field(
                need.name, facet=need.facet, multi_value=need.multi_value, merge_with_lexicon=need.free_text
            )


def enriched(classifier: HttpClassifier) -> list[EnrichedProduct]:
    """Every item of the catalog, enriched."""
    return list(Enricher(classifier, MAPPING).enrich([KAYAK, OTHER, AVAILABILITY]))


def in_index(sandbox: CoveoSandbox) -> dict[str, dict[str, Any]]:
    """What the index holds, by documentId."""
    return {item["documentId"]: item for item in sandbox.items()}


def what_the_index_holds(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """The fields that the article is about."""
    return item["kayak_type"], item["ec_color"], item["accessories"]


FOUND = ("Single seat", ["Yellow"], ["Paddle holder", "back storage", "Waterproof front storage"])
"""One word for one thing, and beside what somebody entered only what was not there."""


def test_the_kayak_of_the_article_reaches_the_index(
    classifier: HttpClassifier, sandbox: CoveoSandbox, client: StreamClient
) -> None:
    """Type, colour and accessories are in the index as the vocabularies say them; no item is lost, no value dropped."""
    client.load((one.document for one in enriched(classifier)), allow_shrink=True)
    items = in_index(sandbox)
    assert what_the_index_holds(items["product://001-red"]) == FOUND
    assert items.keys() == {"product://001-red", "product://002", "store://1"}
    assert "kayak_type" not in items["product://002"]
    assert sandbox.dropped() == []


def test_the_same_as_partial_updates_of_items_that_are_there(
    classifier: HttpClassifier, sandbox: CoveoSandbox, client: StreamClient
) -> None:
    """Products loaded plainly become the same items by updates of single fields; the others are not touched."""
    client.load([KAYAK, OTHER, AVAILABILITY], allow_shrink=True)
    before = in_index(sandbox)
    client.update_partially(one.partial_update() for one in enriched(classifier))
    items = in_index(sandbox)
    assert what_the_index_holds(items["product://001-red"]) == FOUND
    assert items["product://001-red"]["ec_name"] == "Heron Kayak"
    assert (items["product://002"], items["store://1"]) == (before["product://002"], before["store://1"])
    assert sandbox.dropped() == []


def test_each_value_says_what_it_comes_from(classifier: HttpClassifier) -> None:
    """The evidence has the service's own word, the picture and who said it; what is not scored stays unscored."""
    kayak, *others = enriched(classifier)
    found = {change.field: [one.seen for one in change.evidence] for change in kayak.changes}
    assert found == {
        "kayak_type": ["single seat"],
        "ec_color": ["Yellow"],
        "accessories": ["Water proof front storage"],
    }
    for change in kayak.changes:
        assert change.confidence is None
        assert {(one.image, one.classifier) for one in change.evidence} == {(KAYAK["ec_images"][0], "acme-tagger")}
    assert [(one.document, one.changes, one.failures) for one in others] == [(OTHER, (), ()), (AVAILABILITY, (), ())]
