from __future__ import annotations

import base64
import hashlib
import importlib
import re
from collections import UserDict
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import picture_server
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from coveo_enrich import EnrichedProduct, Enricher, FieldMapping, FieldRule
from coveo_enrich.classifiers import ColorClassifier, Failure
from coveo_enrich.enrichment import FieldChange, Observation, UnmappedValue, write_review
from coveo_enrich.enrichment.product import Conflict
from coveo_enrich.enrichment.review.card import card
from coveo_enrich.enrichment.review.kinds import kinds_of
from coveo_enrich.enrichment.review.sample import Sampled
from coveo_enrich.errors import ConfigurationError

EVIL = """<script>alert("1")</script>'"><img src=x onerror=alert(2)>&amp;"""
VOID = {"meta", "img", "link", "br", "hr", "input", "rect"}


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

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element that is closed at once."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be of this name."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember a text."""
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All text outside style sheet and script, blanks made one."""
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a picture, and with things that are none."""
    Image.new("RGB", (800, 400), "yellow").save(tmp_path / "a.jpg")
    Image.new("RGBA", (20, 20), (255, 0, 0, 128)).save(tmp_path / "b.png")
    (tmp_path / "page.jpg").write_bytes(b"<!doctype html><title>not found</title>")
    (tmp_path / "empty.jpg").touch()
    return tmp_path


def digest(inline: str) -> str:
    """Return what a policy calls an inline style or script."""
    return f"sha256-{base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()}"


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
        "amber 88% in picture 1 ( acme )",
        "confidence 88%",
    ):
        assert expected in page.text
    assert "Unchanged" not in page.text


def test_what_was_not_scored_says_so(folder: Path) -> None:
    """Law 10: no confidence is drawn for a value that has none."""
    change = FieldChange("a", None, ("x", "y"), None, (Observation("a.jpg", "x", None, "acme"),))
    page = page_of(folder, enriched({"documentId": "1"}, changes=(change,)))
    assert "not scored" in page.text
    assert "svg" not in page.elements
    assert "empty → x y" in page.text


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
        conflicts=(Conflict(f"c{EVIL}", EVIL, (observation,)),),
        kept=(EVIL,),
    )
    harmless = enriched(
        {"documentId": "d", "ec_name": "n", "f": "v"},
        "p",
        changes=(
            FieldChange("f", "b", "a", 0.5, (Observation("p", "s", 0.5, "c"),)),
            FieldChange("f", ["a"], ("a", "a"), 0.5, (Observation("p", "s", 0.5, "c"),)),
        ),
        failures=(Failure("permanent", "r", image="p", classifier="c"),),
        unmapped=(UnmappedValue("f", Observation("p", "s", 0.5, "c")),),
        conflicts=(Conflict("c", "s", (Observation("p", "s", 0.5, "c"),)),),
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
    assert [value for tag, key, value in page.attributes if (tag, key) == ("img", "title")] == [name]
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
    assert not {"link", "iframe", "object", "embed", "base", "a"} & set(page.elements)
    style = (folder / "review.html").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style
    (source,) = [value for tag, name, value in page.attributes if (tag, name) == ("img", "src")]
    assert source is not None
    with Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
        assert max(picture.size) <= 360


def test_the_page_forbids_what_it_does_not_need(folder: Path) -> None:
    """A content security policy lets the page's own style and script run, word for word, and nothing else."""
    page = page_of(folder)
    (policy,) = [value for tag, _, value in page.attributes if tag == "meta" and str(value).startswith("default-src")]
    html = (folder / "review.html").read_text(encoding="utf-8")
    style, script = (html.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0] for tag in ("style", "script"))
    assert policy == (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{digest(style)}'; script-src '{digest(script)}'"
    )


def test_where_no_script_runs_the_page_is_a_list(folder: Path) -> None:
    """Every product shows as the file is, and what only a script can do does not."""
    page = page_of(folder, *(enriched({"documentId": str(number)}) for number in range(60)))
    assert page.elements.count("article") == 60
    hidden = [tag for tag, name, _ in page.attributes if name == "hidden"]
    assert sorted(hidden) == ["form", "nav", "p"]


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


class Unreadable(UserDict[str, Any]):
    """A product of somebody's own class, which breaks when it is asked."""

    def __getitem__(self, _: object) -> Any:  # noqa: ANN401 - as UserDict has it
        """Break."""
        raise RuntimeError("its row is gone")


ODD: tuple[object, ...] = (
    None,
    5,
    "text",
    ["documentId"],
    {},
    {"documentId": 5},
    {"ec_name": None},
    Unreadable({"documentId": "1"}),
)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_an_odd_product_has_its_card(folder: Path, odd: object) -> None:
    """Law 1: what came out of a run is on the page, also what is no product at all."""
    page = page_of(folder, enriched(odd, failures=(Failure("permanent", "it is odd"),)), enriched({"documentId": "2"}))
    assert page.elements.count("article") == 2
    assert "it is odd" in page.text


class Broken:
    """A value of somebody's own class, which can neither be written nor compared."""

    __hash__ = object.__hash__

    def __str__(self) -> str:
        """Break."""
        raise RuntimeError("its database is gone")

    def __ne__(self, _: object) -> bool:
        """Break."""
        raise RuntimeError("its database is gone")


pd: Any = importlib.import_module("pandas")  # which says nothing of its types
VALUES: tuple[tuple[object, str], ...] = (
    (None, "product://1"),
    (float("nan"), "product://1"),
    (pd.NA, "product://1"),
    (pd.NaT, "product://1"),
    (" ", "product://1"),
    ([], "product://1"),
    (np.array(["Kayak", "of two"]), "Kayak, of two"),
    (np.array("Kayak"), "Kayak"),
    (["Kayak", None, pd.NA], "Kayak"),
    ({"en": "Kayak"}, "{'en': 'Kayak'}"),
    (np.float32(2.5), "2.5"),
    (10**5_000, "int that cannot be shown"),
    (Broken(), "Broken that cannot be shown"),
    ([Broken()], "Broken that cannot be shown"),
)


@pytest.mark.parametrize(("value", "shown"), VALUES, ids=[f"{type(value).__name__}-{shown}" for value, shown in VALUES])
def test_no_value_of_a_product_ends_the_page(folder: Path, value: object, shown: str) -> None:
    """Law 1: nulls and arrays of frames, and values that break, have a card; a name that is null is none."""
    product = {"documentId": "product://1", "ec_name": value, "size": value, "color": value}
    odd = enriched(product, changes=(FieldChange("color", value, ("Red",), 0.5, ()),), kept=("size",))
    page = page_of(folder, odd, enriched({"documentId": "2"}))
    assert page.elements.count("article") == 2
    assert f" no picture {shown} product://1 color " in page.text
    assert not re.search(r"\bnan\b|<NA>|NaT|None", page.text)


def test_a_product_of_another_class_has_its_name(folder: Path) -> None:
    """Any mapping is a product."""
    assert "Kayak product://1" in page_of(folder, enriched(UserDict(documentId="product://1", ec_name="Kayak"))).text


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


def test_the_picture_that_speaks_for_a_change_is_the_large_one(folder: Path) -> None:
    """Of many pictures those that something was seen in are on the page, and the one that decided is shown large."""
    references = [f"{number}.jpg" for number in range(1, 10)]
    for reference in references:
        (folder / reference).symlink_to("a.jpg")
    change = FieldChange("ec_color", None, "Yellow", 0.9, (Observation("8.jpg", "amber", 0.9, "acme"),))
    page = page_of(folder, enriched({"documentId": "1", "ec_name": "Kayak"}, *references, changes=(change,)))
    pictures = [dict(zip(("src", "alt", "title"), values, strict=True)) for values in of_images(page)]
    assert [picture["title"] for picture in pictures] == ["8.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert pictures[0]["alt"] == "Kayak, picture 8"
    assert [side_of(picture["src"]) for picture in pictures] == [360, 160, 160, 160]
    assert "5 more" in page.text
    assert "amber 90% in picture 8" in page.text


def of_images(page: Page) -> list[tuple[str, ...]]:
    """Return source, description and name of each picture."""
    wanted = [str(value) for tag, name, value in page.attributes if tag == "img" and name in ("src", "alt", "title")]
    return [tuple(wanted[start : start + 3]) for start in range(0, len(wanted), 3)]


def side_of(source: str) -> int:
    """Return the longest side of a picture inside the page."""
    with Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
        return max(picture.size)


def test_what_speaks_against_a_value_stands_beside_it(folder: Path) -> None:
    """A conflict is shown with the change that it is about, or by itself when the product had the value already."""
    change = FieldChange("EC_Color", None, "Blue", 0.9, (Observation("a.jpg", "blue", 0.9, "acme"),))
    conflicts = (
        Conflict("ec_color", "Blue", (Observation("b.png", "teal", 0.8, "other"),)),
        Conflict("material", ("wool",), (Observation("a.jpg", "silk", None, "other"),), tie=True),
    )
    page = page_of(folder, enriched({"documentId": "1"}, "a.jpg", "b.png", changes=(change,), conflicts=conflicts))
    assert "Against it: teal 80% in picture 2 ( other )" in page.text
    assert "the order of the pictures decided: silk not scored in picture 1" in page.text
    kinds = [value for _, name, value in page.attributes if name == "data-kinds"]
    assert kinds == ["contested filled", "contested"]


def test_of_a_list_the_new_values_stand_out(folder: Path) -> None:
    """A list that was added to marks what is new, and a list in one text counts as a list."""
    change = FieldChange("tags", "a;b", ("a", "b", "c"), 0.9, ())
    path = write_review(folder / "review.html", [enriched({"documentId": "1"}, changes=(change,))])
    html = path.read_text(encoding="utf-8")
    assert "<span><bdi>a</bdi></span> <span><bdi>b</bdi></span> <b><bdi>c</bdi></b>" in html


@pytest.mark.parametrize(("value", "shown"), [(True, "true"), (12.0, "12"), (0.5, "0.5"), (3, "3")])
def test_values_stand_as_a_file_has_them(folder: Path, value: Any, shown: str) -> None:  # noqa: ANN401 - as FieldChange
    """Numbers and flags are written as they will be in the item."""
    change = FieldChange("f", None, value, 0.9, ())
    assert f"empty → {shown} " in page_of(folder, enriched({"documentId": "1"}, changes=(change,))).text


def test_what_the_budget_left_out_is_said(folder: Path) -> None:
    """Law 9: answers that were not asked for, and labels about people, are named."""
    page = page_of(folder, enriched({"documentId": "1"}, not_asked=3, people_labels=2))
    assert "The budget was spent: 3 answers were not asked for" in page.text
    assert "2 labels about people were left out of account" in page.text


def test_endless_texts_and_lists_do_not_fill_the_page(folder: Path) -> None:
    """Law 11: what one product can take on the page is bounded, and what is not shown is counted."""
    observation = Observation("x" * 10_000, "y" * 10_000, 0.5, "z" * 10_000)
    change = FieldChange("f", ["old"] * 1_000, ("new",) * 1_000, 0.5, (observation,) * 1_000)
    endless = enriched(
        {"documentId": "1" * 10_000, "ec_name": "n" * 10_000},
        changes=(change,) * 5,
        failures=(Failure("permanent", "r" * 10_000),) * 1_000,
    )
    page = page_of(folder, endless)
    assert (folder / "review.html").stat().st_size < 100_000
    assert "and 995 more" in page.text  # observations
    assert "and 980 more" in page.text  # values
    assert "and 990 more" in page.text  # failures


FIELDS = ("a", "B", "c")
CONFIDENCES = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
SEEN = st.builds(Observation, st.just("a.jpg"), st.just("amber"), CONFIDENCES, st.just("acme"))
OF_ANY_FIELD = st.sampled_from(FIELDS)


@settings(deadline=None)
@given(
    st.builds(
        EnrichedProduct,
        st.just({}),
        st.lists(
            st.builds(
                FieldChange, OF_ANY_FIELD, st.sampled_from([None, "x"]), st.just("Blue"), CONFIDENCES, st.tuples(SEEN)
            ),
            unique_by=lambda change: change.field,
        ).map(tuple),
        st.lists(st.just(Failure("permanent", "broken")), max_size=30).map(tuple),
        st.lists(st.builds(UnmappedValue, OF_ANY_FIELD, SEEN), max_size=60).map(tuple),
        st.lists(st.builds(Conflict, OF_ANY_FIELD.map(str.lower), st.just("Blue"), st.just(()))).map(tuple),
        kept=st.lists(OF_ANY_FIELD, unique=True).map(tuple),
        not_asked=st.integers(0, 1),
    )
)
def test_whatever_a_product_counts_for_is_found_on_its_card(one: EnrichedProduct) -> None:
    """A card has a row of each kind of its product, and each word's kind, field and confidence are on one row."""
    rows = rows_of(card(Sampled(0, 0.0, one), ()))
    assert {kind for kinds, _, _ in rows for kind in kinds} == kinds_of(one)
    for field in {word.field for word in one.unmapped}:
        seen = [word.observation.confidence for word in one.unmapped if word.field == field]
        least = min((sure for sure in seen if sure is not None), default=None)
        shown = [sure for kinds, of, sure in rows if (kinds, of) == (("unmapped",), field.lower())]
        assert len(shown) == min(len(seen), 11)
        assert min((sure for sure in shown if sure is not None), default=None) == least


def rows_of(html: str) -> list[tuple[tuple[str, ...], str | None, float | None]]:
    """Return what each row of a card is found by: kinds, field and confidence."""
    found: list[tuple[tuple[str, ...], str | None, float | None]] = []
    for tag in re.findall(r'<div class="row [^>]*>', html):
        data = dict(re.findall(r'data-(\w+)="([^"]*)"', tag))
        sure = data.get("confidence")
        found.append((tuple(data["kinds"].split()), data.get("field"), None if sure is None else float(sure)))
    return found


def test_marks_that_turn_a_text_around_are_made_visible(folder: Path) -> None:
    """Control characters and direction overrides cannot disguise a name; right-to-left words stay as they are."""
    page = page_of(folder, enriched({"documentId": "1", "ec_name": "a\u202egpj.exe \x07 \u05e9\u05dc\u05d5\u05dd"}))
    assert "a\ufffdgpj.exe \ufffd \u05e9\u05dc\u05d5\u05dd" in page.text


def test_a_page_says_what_was_left_out(folder: Path) -> None:
    """Law 9: a page that holds a part of a run says how many there were, here and left out, of each kind."""
    failed = [enriched({"documentId": str(number)}, failures=(Failure("permanent", "r"),)) for number in range(30)]
    page = page_of(folder, *failed, *(enriched({"documentId": f"o{number}"}) for number in range(70)), most=20)
    assert page.elements.count("article") == 20
    assert "Here are 20 of the 100 products of this run; 80 were left out." in page.text
    assert "Failed 30 " in page.text
    assert "Unchanged 100 20 80" in page.text


@pytest.mark.parametrize(
    ("stores", "said"), [(1, "1 item of another type is not shown."), (3, "3 items of other types are not shown.")]
)
def test_items_of_other_types_are_counted_and_not_shown(folder: Path, stores: int, said: str) -> None:
    """What a run did not look at because of its type takes no place and is of no kind; the page says how many."""
    mapping = FieldMapping([FieldRule("ec_color", reads="color")])
    store = {"objecttype": "Availability", "documentId": "store://1"}
    run = Enricher(ColorClassifier(), mapping, image_root=folder).enrich([*[store] * stores, {"ec_images": "a.jpg"}])
    page = page_of(folder, *run, most=1)
    assert page.elements.count("article") == 1
    assert f"The one product of this run is here. {said} The most doubtful" in page.text
    assert "Unchanged" not in page.text
    stores_only = page_of(folder, *[EnrichedProduct(store, of_other_type=True)] * stores)
    assert f"This run gave no product. {said} " in stores_only.text


def test_a_page_of_no_product_is_a_page(folder: Path) -> None:
    """A run that gave nothing has a page that says so, and of nothing an order."""
    text = page_of(folder).text
    assert "This run gave no product." in text
    assert "come first" not in text


@pytest.mark.parametrize("wrong", [None, 5, {"documentId": "1"}, [{"documentId": "1"}], "products.jsonl", [None]])
def test_what_did_not_come_out_of_a_run_is_refused(folder: Path, wrong: Any) -> None:  # noqa: ANN401 - whatever a caller gives
    """Products as they were before the run have no page, and the message says what is wanted."""
    with pytest.raises(ConfigurationError, match="products must be what came out of a run"):
        write_review(folder / "review.html", wrong)
    assert not (folder / "review.html").exists()


@pytest.mark.parametrize(("path", "why"), [("none/review.html", "No such file or directory"), (".", "Is a directory")])
def test_a_page_that_cannot_be_written_costs_nothing(folder: Path, path: str, why: str) -> None:
    """A place where no file can be is refused before the first product is asked for."""
    products = iter([enriched({"documentId": "1"})])
    with pytest.raises(ConfigurationError, match=f"{folder / path} cannot be written: {why}"):
        write_review(folder / path, products)
    assert len(list(products)) == 1


@pytest.mark.parametrize("most", [0, -1, 1.5, None])
def test_a_page_holds_at_least_one_product(folder: Path, most: Any) -> None:  # noqa: ANN401 - whatever a caller gives
    """A page for no product is refused before anything is read."""
    with pytest.raises(ConfigurationError, match="most"):
        write_review(folder / "review.html", [], most=most)
