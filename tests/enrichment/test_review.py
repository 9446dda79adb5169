from __future__ import annotations

import base64
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import picture_server
import pytest
from PIL import Image

from coveo_enrich import EnrichedProduct, Enricher, FieldMapping, FieldRule
from coveo_enrich.classifiers import ColorClassifier, Failure
from coveo_enrich.enrichment import FieldChange, Observation, UnmappedValue, write_review

EVIL = """<script>alert("1")</script>'"><img src=x onerror=alert(2)>&amp;"""
VOID = {"meta", "img", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """What a browser would make of a page: elements, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be of this name."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember a text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text outside the style sheet, blanks made one."""
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a picture, and with things that are none."""
    Image.new("RGB", (800, 400), "yellow").save(tmp_path / "a.jpg")
    Image.new("RGBA", (20, 20), (255, 0, 0, 128)).save(tmp_path / "b.png")
    (tmp_path / "page.jpg").write_bytes(b"<!doctype html><title>not found</title>")
    (tmp_path / "empty.jpg").touch()
    return tmp_path


def page_of(folder: Path, *products: EnrichedProduct, **options: Any) -> Page:  # noqa: ANN401 - of write_review
    """Write a page and read it as a browser does."""
    path = folder / "review.html"
    assert write_review(path, products, image_root=folder, **options) == path
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def enriched(product: Any, *images: str, **fields: Any) -> EnrichedProduct:  # noqa: ANN401 - whatever a product holds
    """Return a product whose pictures were all looked at."""
    return EnrichedProduct(product, images=images, looked_at=len(images), **fields)


def test_its_pictures_are_fetched_as_those_of_the_run(folder: Path) -> None:
    """The page reads pictures under the same name, and through the same proxy, as the run that it is about."""
    with picture_server.serving() as proxy:
        proxy.scripts["http://shop.example/a.jpg"] = picture_server.Answer((folder / "a.jpg").read_bytes())
        run = Enricher(
            ColorClassifier(), FieldMapping([FieldRule("ec_color", reads="color")]), proxy=f"http://{proxy.host}"
        ).enrich([{"ec_images": ["http://shop.example/a.jpg"]}])
        page = page_of(folder, *run, user_agent="acme-pim/7", proxy=f"http://{proxy.host}")
    assert [path for path, _ in proxy.requests] == ["http://shop.example/a.jpg"] * 2
    assert proxy.requests[1][1]["User-Agent"] == "acme-pim/7"
    assert page.elements.count("img") == 1


def test_a_page_shows_what_was_decided(folder: Path) -> None:
    """Name, id, before, after, evidence and confidence stand beside the picture."""
    observation = Observation("a.jpg", "amber", 0.876, "acme")
    change = FieldChange("ec_color", "Gold", "Yellow", 0.876, (observation,))
    product = {"documentId": "product://1", "ec_name": "Kayak"}
    page = page_of(folder, enriched(product, "a.jpg", changes=(change,)), title="My catalog")
    for expected in (
        "My catalog",
        "Kayak",
        "product://1",
        "ec_color",
        "Gold",
        "Yellow",
        "amber",
        "88%",
        "acme",
        "a.jpg",
    ):
        assert expected in page.text
    assert "Unchanged" not in page.text


def test_what_was_not_scored_says_so(folder: Path) -> None:
    """Law 10: no confidence is drawn for a value that has none."""
    change = FieldChange("a", None, ("x", "y"), None, (Observation("a.jpg", "x", None, "acme"),))
    page = page_of(folder, enriched({"documentId": "1"}, changes=(change,)))
    assert "not scored" in page.text
    assert "meter" not in page.elements
    assert "x, y" in page.text


def test_everything_from_outside_is_escaped(folder: Path) -> None:
    """Whatever a catalog or a classifier wrote stands on the page as text: no element, no attribute comes of it."""
    observation = Observation(EVIL, EVIL, 0.5, EVIL)
    product = {"documentId": EVIL, "ec_name": EVIL, EVIL: EVIL}
    evil = enriched(
        product,
        EVIL,
        changes=(
            FieldChange(EVIL, EVIL, EVIL, 0.5, (observation,)),
            FieldChange(EVIL, [EVIL], (EVIL, EVIL), 0.5, (observation,)),
        ),
        failures=(Failure("permanent", EVIL, image=EVIL, classifier=EVIL),),
        unmapped=(UnmappedValue(EVIL, observation),),
        kept=(EVIL,),
    )
    harmless = enriched(
        {"documentId": "d", "ec_name": "n", "f": "v"},
        "p",
        changes=(
            FieldChange("f", "b", "a", 0.5, (Observation("p", "s", 0.5, "c"),)),
            FieldChange("f", ["b"], ("a", "a"), 0.5, (Observation("p", "s", 0.5, "c"),)),
        ),
        failures=(Failure("permanent", "r", image="p", classifier="c"),),
        unmapped=(UnmappedValue("f", Observation("p", "s", 0.5, "c")),),
        kept=("f",),
    )
    page, expected = page_of(folder, evil, title=EVIL), page_of(folder, harmless, title="t")
    assert page.elements == expected.elements
    assert [(tag, name) for tag, name, _ in page.attributes] == [(tag, name) for tag, name, _ in expected.attributes]
    assert EVIL in page.text


def test_a_reference_with_quotes_stays_inside_its_attribute(folder: Path) -> None:
    """A file name that would end an attribute is part of it."""
    name = "a\" onload='x' <b>&.jpg"
    (folder / name).write_bytes((folder / "a.jpg").read_bytes())
    page = page_of(folder, enriched({"documentId": "1"}, name))
    assert {value for tag, key, value in page.attributes if tag == "img" and key in ("alt", "title")} == {name}
    assert "b" not in page.elements
    assert not any(key.startswith("on") for _, key, _ in page.attributes)


@pytest.mark.parametrize("reference", ["a.jpg", "b.png"])
def test_a_page_asks_nothing_of_anybody(folder: Path, reference: str) -> None:
    """The pictures are inside the page, reduced; no address, script or style sheet from elsewhere is in it."""
    product = {"documentId": "1", "ec_name": "https://a.example/x", "clickableuri": "https://a.example/x"}
    page = page_of(folder, enriched(product, reference))
    for _, name, value in page.attributes:
        if name in {"src", "href", "srcset", "action", "data", "poster", "background", "style"}:
            assert value is not None
            assert value.startswith("data:image/")
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(page.elements)
    style = (folder / "review.html").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style
    (source,) = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert source is not None
    with Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
        assert max(picture.size) <= 360


def test_the_page_forbids_what_it_does_not_need(folder: Path) -> None:
    """A content security policy in the page would stop what escaping missed."""
    page = page_of(folder)
    (policy,) = [value for tag, _, value in page.attributes if tag == "meta" and str(value).startswith("default-src")]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("page.jpg", "HTML page"),
        ("empty.jpg", "0 bytes"),
        ("missing.jpg", "no such file"),
        ("../a.jpg", "leaves the image root"),
        ("file:///etc/passwd", "scheme"),
        ("http://127.0.0.1/a.jpg", "public"),
        ("\ud83d.jpg", ""),
    ],
)
def test_a_broken_picture_is_named(folder: Path, reference: str, reason: str) -> None:
    """In place of a picture that cannot be shown stands its reference and why; the rest of the page is whole."""
    page = page_of(folder, enriched({"documentId": "1"}, reference), enriched({"documentId": "2"}, "a.jpg"))
    assert reason in page.text
    assert reference.encode("utf-8", "replace").decode() in page.text
    assert page.elements.count("img") == 1


def test_a_product_of_many_pictures_does_not_fill_the_page(folder: Path) -> None:
    """Law 11: of a product's pictures the first few are on the page."""
    references = [f"{number}.jpg" for number in range(100)]
    for reference in references:
        (folder / reference).symlink_to("a.jpg")
    page = page_of(folder, enriched({"documentId": "1"}, *references))
    assert 1 <= page.elements.count("img") <= 10


@pytest.mark.parametrize("odd", [None, 5, "text", ["documentId"], {}, {"documentId": 5}, {"ec_name": None}], ids=repr)
def test_an_odd_product_has_its_card(folder: Path, odd: object) -> None:
    """Law 1: what came out of a run is on the page, also what is no product at all."""
    page = page_of(folder, enriched(odd, failures=(Failure("permanent", "it is odd"),)), enriched({"documentId": "2"}))
    assert page.elements.count("article") == 2
    assert "it is odd" in page.text


def test_half_a_character_does_not_stop_the_page(folder: Path) -> None:
    """A text that ends in half of an emoji, as cut exports do, is shown with a mark in its place."""
    product = {"documentId": "1", "ec_name": "Kayak \ud83d"}
    assert "Kayak" in page_of(folder, enriched(product), enriched({"documentId": "2"})).text


def test_a_page_that_fails_leaves_the_old_one(folder: Path) -> None:
    """A page is replaced once it is whole."""
    path = folder / "review.html"
    path.write_text("the old page")

    def dying() -> Any:  # noqa: ANN401 - a generator
        yield enriched({"documentId": "1"})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_review(path, dying(), image_root=folder)
    assert path.read_text() == "the old page"
