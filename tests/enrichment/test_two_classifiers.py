"""Real photographs, looked at by colour and by a second classifier over HTTP that agrees, or does not."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import picture_server
import pytest
from picture_server import Answer, PictureServer
from tagging_service import TaggingService
from wires import Host, forget_environment

from coveo_enrich import EnrichedProduct, Enricher, Evidence, FieldMapping, FieldRule, Vocabulary
from coveo_enrich.catalog import read_products
from coveo_enrich.classifiers import Color, ColorClassifier
from coveo_enrich.classifiers.http import HttpClassifier, HttpService
from coveo_enrich.enrichment import ClassificationCache, EnrichmentReport

CATALOG = Path(__file__).parents[2].parent / "shared" / "catalog"
pytestmark = pytest.mark.skipif(not CATALOG.is_dir(), reason="the real catalog is not beside this repository")

PRODUCTS = list(read_products(CATALOG / "products.jsonl")) if CATALOG.is_dir() else []
ACCEPTED: dict[str, list[str]] = json.loads((CATALOG / "colors.json").read_text("utf-8")) if CATALOG.is_dir() else {}
PICTURES = {Path(image).name: str(one["ec_product_id"]) for one in PRODUCTS for image in one["ec_images"]}
"""The product of each picture, by its file name."""

PIXELS = Evidence("color", of="color-classifier", min_confidence=0.2)
TAGGER = Evidence("color", of="acme-tagger", min_confidence=0.6)

Said = dict[str, dict[str, Any]]


def read_color(answer: Mapping[str, Any]) -> list[Color]:
    """The colour in an answer, which is scored from 0 to 100."""
    return [Color(one["name"], one["score"] / 100, raw_score=one["score"], scale=100) for one in answer["colors"]]


def says(name: str, score: int = 90) -> dict[str, Any]:
    """An answer with one colour."""
    return {"colors": [{"name": name, "score": score}]}


class Shop:
    """The catalog's pictures on one real port, a tagging service on another, and runs over them."""

    def __init__(self, pictures: PictureServer, tagger: TaggingService, classifier: HttpClassifier) -> None:
        self.pictures = pictures
        self.tagger = tagger
        self.classifiers = (ColorClassifier(), classifier)

    def enrich(
        self, *reads: Evidence, vocabulary: Vocabulary | None = None, cache: Path | None = None
    ) -> tuple[dict[str, EnrichedProduct], EnrichmentReport]:
        """Enrich the whole catalog; the products are by their ``ec_product_id``."""
        rule = FieldRule("ec_color", reads=reads, vocabulary=vocabulary or Vocabulary.colors())
        run = Enricher(
            self.classifiers,
            FieldMapping([rule]),
            image_root=self.pictures.url("/"),
            trusted_hosts=[self.pictures.host],
            cache=cache,
        ).enrich(PRODUCTS)
        return {str(one.product["ec_product_id"]): one for one in run}, run.report


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Return a shop whose tagger says of each picture the first colour that a shopper would accept."""
    forget_environment(monkeypatch)
    tagger = TaggingService(lambda picture: says(ACCEPTED[PICTURES[picture]][0]))
    with picture_server.serving() as pictures, Host(tagger) as host:
        for file in (CATALOG / "images").iterdir():
            pictures.url(f"/images/{file.name}", Answer(file.read_bytes()))
        service = HttpService(host.url, json={"image": "{image_url}"}, parse=read_color)
        with closing(HttpClassifier("acme-tagger", service)) as classifier:
            yield Shop(pictures, tagger, classifier)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache that knows the colours of all pictures, and nothing else."""
    path = tmp_path_factory.mktemp("looked") / "colors.sqlite"
    with ClassificationCache(path) as cache:
        mapping = FieldMapping([FieldRule("ec_color", reads="color")])
        for one in Enricher(ColorClassifier(), mapping, image_root=CATALOG, cache=cache).enrich(PRODUCTS):
            assert not one.failures
    return path


@pytest.fixture
def known(looked: Path, tmp_path: Path) -> Path:
    """Return a cache of the test's own, in which the colours are known: pixels are counted once for all tests."""
    return Path(shutil.copy(looked, tmp_path / "known.sqlite"))


def colors(results: Mapping[str, EnrichedProduct]) -> dict[str, Any]:
    """The colour of each product."""
    return {key: one.document.get("ec_color") for key, one in results.items()}


def who(results: Mapping[str, EnrichedProduct]) -> dict[str, set[str]]:
    """Who speaks for each product's colour."""
    return {
        key: {seen.classifier for change in one.changes for seen in change.evidence} for key, one in results.items()
    }


def speak_against(results: Mapping[str, EnrichedProduct], classifier: str) -> set[str]:
    """The products whose colour a classifier speaks against."""
    return {
        key
        for key, one in results.items()
        for conflict in one.conflicts
        if any(seen.classifier == classifier for seen in conflict.against)
    }


def test_colors_alone_are_those_that_a_shopper_accepts(shop: Shop, known: Path) -> None:
    """Every product gets a colour, at least 95 of 100 an accepted one, and who is not read is not asked."""
    results, report = shop.enrich(PIXELS, cache=known)
    found = colors(results)
    right = [key for key, accepted in ACCEPTED.items() if found[key] in accepted]
    assert len(found) == len(PRODUCTS) == report.products
    assert len(right) >= 0.95 * len(ACCEPTED), sorted(set(ACCEPTED) - set(right))
    assert shop.tagger.asked == []
    assert (report.calls, report.hits) == ({}, {"color-classifier": len(PICTURES)})


def test_the_first_evidence_is_believed_where_both_agree(shop: Shop) -> None:
    """The trusted tagger's word is written for every product, and each picture is asked about once by each."""
    results, report = shop.enrich(TAGGER, PIXELS)
    assert colors(results) == {key: accepted[0] for key, accepted in ACCEPTED.items()}
    assert set().union(*who(results).values()) == {"acme-tagger"}
    assert report.calls == {"color-classifier": len(PICTURES), "acme-tagger": len(PICTURES)}
    assert Counter(shop.tagger.asked) == Counter(dict.fromkeys(PICTURES, 1))
    assert Counter(shop.pictures.paths) == Counter({f"/images/{picture}": 1 for picture in PICTURES})


def test_no_conflict_where_the_second_says_the_same_of_every_picture(shop: Shop, known: Path) -> None:
    """A second classifier that repeats the first, in its own spelling, changes no value and contradicts none."""
    alone, _ = shop.enrich(PIXELS, cache=known)
    found = colors(alone)
    shop.tagger.says = lambda picture: says(found[PICTURES[picture]].upper().replace("GRAY", "grey"))
    both, _ = shop.enrich(PIXELS, TAGGER, cache=known)
    assert colors(both) == found
    assert speak_against(both, "acme-tagger") == set()


def test_disagreement_is_reported_and_trust_decides(shop: Shop, known: Path) -> None:
    """What the less trusted says against a value stands in the conflicts and the report; the value is the trusted's."""
    shop.tagger.says = lambda _: says("emerald", 95)
    alone, _ = shop.enrich(PIXELS, cache=known)
    pixels_first, report = shop.enrich(PIXELS, TAGGER, cache=known)
    tagger_first, _ = shop.enrich(TAGGER, PIXELS, cache=known)
    others = {key for key, color in colors(alone).items() if color != "Green"}
    assert len(others) >= 20
    assert colors(pixels_first) == colors(alone)
    assert speak_against(pixels_first, "acme-tagger") == others
    assert report.conflicts["ec_color"] == sum(bool(one.conflicts) for one in pixels_first.values()) >= len(others)
    assert set(colors(tagger_first).values()) == {"Green"}
    assert speak_against(tagger_first, "color-classifier") >= others


def test_who_is_not_sure_enough_is_neither_believed_nor_a_conflict(shop: Shop, known: Path) -> None:
    """Below its own threshold the trusted tagger yields to the second evidence, and contradicts nothing."""
    shop.tagger.says = lambda _: says("Green", 59)
    alone, _ = shop.enrich(PIXELS, cache=known)
    both, _ = shop.enrich(TAGGER, PIXELS, cache=known)
    assert colors(both) == colors(alone)
    assert speak_against(both, "acme-tagger") == set()
    assert all(speakers == {"color-classifier"} for speakers in who(both).values())


def test_each_product_takes_the_first_who_has_something_to_say(shop: Shop, known: Path) -> None:
    """A tagger that fails for some pictures and sees nothing in others leaves these, and only these, to the colours."""
    failing, blind = "blue-hoodie", "grey-hoodie"
    answers: Said = {picture: says("Pink") for picture, product in PICTURES.items() if product != failing}
    answers.update({picture: {"colors": []} for picture, product in PICTURES.items() if product == blind})
    shop.tagger.says = answers.get
    results, report = shop.enrich(TAGGER, PIXELS, cache=known)
    found = colors(results)
    assert (found.pop(failing), found.pop(blind)) == ("Blue", "Gray")
    assert set(found.values()) == {"Pink"}
    assert {key for key, one in results.items() if one.failures} == {failing}
    assert [failure.kind for failure in report.failures] == ["permanent"]


def test_a_second_run_asks_nobody(shop: Shop, tmp_path: Path) -> None:
    """Law 8: what both said is kept, so the same run again gives the same without a call or a request for a picture."""
    cache = tmp_path / "cache.sqlite"
    first, _ = shop.enrich(TAGGER, PIXELS, cache=cache)
    asked, fetched = len(shop.tagger.asked), len(shop.pictures.paths)
    assert (asked, fetched) == (len(PICTURES), len(PICTURES))
    second, report = shop.enrich(TAGGER, PIXELS, cache=cache)
    assert second == first
    assert report.calls == {}
    assert report.hits == {"color-classifier": len(PICTURES), "acme-tagger": len(PICTURES)}
    assert (len(shop.tagger.asked), len(shop.pictures.paths)) == (asked, fetched)


SHADES: dict[str, Callable[[], Vocabulary]] = {
    "fewer values": lambda: Vocabulary({"Blue": ["navy", "teal"], "White": [], "Grey": ["gray"]}),
    "other words": lambda: Vocabulary({"Bleu": ["blue", "navy"], "Blanc": ["white"], "Gris": ["gray"]}),
}


@pytest.mark.parametrize("shades", SHADES.values(), ids=SHADES)
def test_a_changed_vocabulary_trust_or_threshold_asks_nobody(
    shop: Shop, known: Path, shades: Callable[[], Vocabulary]
) -> None:
    """Law 8: the catalog is decided again under other values, trust and thresholds, from what was kept."""
    vocabulary = shades()
    first, _ = shop.enrich(TAGGER, PIXELS, cache=known)
    asked, fetched = len(shop.tagger.asked), len(shop.pictures.paths)
    surer = Evidence("color", of="color-classifier", min_confidence=0.5)
    changed, report = shop.enrich(surer, TAGGER, vocabulary=vocabulary, cache=known)
    assert colors(changed) != colors(first)
    assert {color for color in colors(changed).values() if color} <= set(vocabulary.values)
    assert set().union(*who(changed).values()) == {"acme-tagger", "color-classifier"}
    assert report.calls == {}
    assert (len(shop.tagger.asked), len(shop.pictures.paths)) == (asked, fetched)
