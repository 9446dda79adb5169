"""Which values came from enrichment: the sandbox's reading of it against what the library writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from page_reader import Page, parameters_of
from sandbox_caller import Caller, batch, untimed

from coveo_enrich import Enricher, FieldMapping, FieldRule, ProductImage
from coveo_enrich.classifiers import Attribute, Classification, Color
from coveo_enrich.enrichment import FieldChange, Observation
from coveo_enrich.enrichment.decisions.provenance import is_machine_written, marks_of, marks_with
from coveo_enrich.enrichment.rules.fields import parts
from coveo_enrich.sandbox.browser.provenance import Mark, provenance_of
from coveo_enrich.sandbox.indexing.indexing import UnfitError, fitted
from coveo_enrich.sandbox.platform.fields import Field

SEEN = Observation("a.png", "yellow", 0.9, "acme")
# A value of a list has no semicolon in it.
LETTERS = st.text(max_size=12).map(lambda text: text.replace(";", ","))
TEXTS = LETTERS | st.sampled_from(["True", "FALSE", "12.0", " a ", "\ud800", "Ä"])
VALUES = TEXTS | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def coveo() -> Iterator[Caller]:
    """A sandbox with fields for enrichment."""
    with Caller.running() as running:
        running.sandbox.create_field("told", type="STRING")
        running.sandbox.create_field("material", multi_value=True, facet=True)
        yield running


def told(field: str, value: Any, sure: float | None = 0.9) -> str:  # noqa: ANN401 - whatever a machine writes
    """Return what the library writes into its provenance field when a machine fills a field."""
    return marks_with({}, [FieldChange(field, None, value, sure, (SEEN,))])


def read(text: str) -> Mark:
    """Return what the sandbox reads of it."""
    return provenance_of({"told": text}).marks["hue"]


@untimed
@given(VALUES | st.lists(TEXTS, max_size=3).map(tuple), st.sampled_from([None, 0.0, 0.25, 1.0]))
def test_both_sides_know_what_a_machine_wrote(value: Any, sure: float | None) -> None:  # noqa: ANN401 - as told
    """The sandbox knows each value that a machine wrote, who saw it, and how surely."""
    mark = read(told("hue", value, sure))
    assert (mark.by, mark.confidence) == (("acme",), sure)
    assert all(mark.wrote(part) for part in parts(value) if str(part).strip())


@untimed
@given(VALUES, VALUES)
def test_both_sides_know_what_a_machine_did_not_write(written: object, other: object) -> None:
    """A value that somebody put in the place of a machine's is a machine's to both sides, or to neither.

    But for the text 12.0, which is what a text field makes of the number 12.
    """
    assume(parts(written) and parts(other) and not str(other).strip().endswith(".0"))
    text = told("hue", written)
    assert read(text).wrote(other) is is_machine_written(other, marks_of({"told": text}, "told")["hue"])


@pytest.mark.parametrize("value", ["Yellow", "12.5", 12, 12.0, 0.1, True, False, ["Yellow", "Dark blue"], "a;b"])
@pytest.mark.parametrize("type_", ["STRING", "DOUBLE", "LONG"])
@pytest.mark.parametrize("is_list", [True, False])
def test_values_are_known_after_their_way_through_the_index(value: Any, type_: Any, *, is_list: bool) -> None:  # noqa: ANN401 - whatever a field holds
    """In a field of any type, a machine's value is still known as the index holds it."""
    field = Field(name="hue", type=type_, multi_value=is_list and type_ == "STRING")
    try:
        kept = fitted(value, field)
    except UnfitError:
        return
    mark = read(told("hue", tuple(cast("list[str]", value)) if isinstance(value, list) else value))
    assert all(mark.wrote(one) for one in (kept if isinstance(kept, list) else [kept]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "{",
        '{"hue": {}}',
        '{"hue": "acme"}',
        '{"hue": {"by": ["acme"], "confidence": 0.5, "values": ["yellow"]}}',
        '{"hue": {"by": "acme", "confidence": 0.5, "values": []}}',
        '{"hue": {"confidence": 0.5, "values": []}}',
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_other_texts_tell_nothing(text: str) -> None:
    """A field of another shape, or without one, is not read as provenance."""
    assert provenance_of({"told": text, "list": [text], "number": 1}).field is None


@pytest.mark.parametrize(
    ("said", "expected"), [(2, None), (-1, None), ("high", None), (True, None), (None, None), (1, 1)]
)
def test_a_confidence_that_cannot_be_is_none(said: object, expected: float | None) -> None:
    """A confidence that is not from 0 to 1 is `None`."""
    mark = read(json.dumps({"hue": {"by": [], "confidence": said, "values": []}}))
    assert mark.confidence == expected


@untimed
@given(
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(["T", " "]),
    st.sampled_from(["minutes", "seconds", "milliseconds"]),
    st.sampled_from(["", "Z", "+00:00"]),
)
def test_dates_are_known_however_they_were_written(moment: datetime, between: str, precision: str, zone: str) -> None:
    """In a DATE field a machine's date is known in each usual spelling, and another date is not."""
    text = moment.replace(tzinfo=None).isoformat(between, precision) + zone
    kept = fitted(text, Field(name="hue", type="DATE"))
    assert isinstance(kept, int)
    assert read(told("hue", text)).wrote_date(kept)
    assert not read(told("hue", text)).wrote_date(kept + 60_000)


@pytest.mark.parametrize("written", ["2024-10-04", 1_728_000_000_000, "1728000000000", 9_000_000_000_000_000])
def test_days_and_milliseconds_are_known_as_dates(written: str | int) -> None:
    """A day alone is known as its first moment, and so are milliseconds, even those of no calendar."""
    kept = 1_728_000_000_000 if isinstance(written, str) else written
    assert read(told("hue", written)).wrote_date(kept)
    assert not read(told("hue", written)).wrote_date(kept + 1)


class Sees:
    """A classifier that sees the same everywhere."""

    name = "acme-tagger"

    def classify(self, _image: ProductImage, /) -> Classification:
        """Return it."""
        colors = [Color("yellow", 0.9)]
        return Classification("acme-tagger", colors=colors, attributes=[Attribute("material", "Canvas", 0.62)])


def enriched() -> dict[str, Any]:
    """Return a product as the library sends it, enriched."""
    rules = [
        FieldRule("ec_color", reads="color"),
        FieldRule("material", reads="attribute:material", values="many", existing="add"),
        FieldRule("finish", reads="attribute:material"),
    ]
    said = {"ec_name": "Heron", "ec_images": ["https://shop.example/1.jpg"], "material": ["Oak"]}
    kayak = {"documentId": "product://1", "objecttype": "Product", **said}
    (one,) = Enricher(Sees(), FieldMapping(rules, provenance="told")).enrich([kayak])
    return dict(one.document)


def test_an_enriched_item_says_what_a_machine_saw(coveo: Caller) -> None:
    """Values of a machine are marked with who saw them and how sure; a person's are not; lost ones are told."""
    coveo.load(batch(enriched()))
    page = Page(coveo.http.get("/browse/item", params={"id": "product://1"}))
    assert "As the item's field told tells:" in page.text
    assert page.texts("li", **{"class": "enriched"}) == ["yellow", "Canvas (enriched)"]
    marks = page.texts("span", **{"class": "badge enriched"})
    assert (
        marks
        == [
            "Enriched: acme-tagger, 90% sure",
            "Enriched in part: acme-tagger, 62% sure",
        ]
        * 2
    )
    assert "finish Not in the index: there is no field of that name acme-tagger, 62% sure" in page.texts("li")
    assert page.texts("tr", **{"class": "enriched"})[0].startswith("ec_colorSTRING yellow")


def test_a_value_that_a_person_changed_is_no_longer_a_machines(coveo: Caller) -> None:
    """Where no value fits a digest any more, the page says that it differs, and who had said what it was."""
    coveo.load(batch({**enriched(), "ec_color": "Sunflower"}))
    page = Page(coveo.http.get("/browse/item", params={"id": "product://1"}))
    badges = page.texts("span", **{"class": "badge warn"})
    assert badges[0] == "Differs from what was written: acme-tagger, 90% sure"
    assert page.texts("li", **{"class": "enriched"}) == ["Canvas (enriched)"]


def test_a_date_that_nobody_changed_is_a_machines(coveo: Caller) -> None:
    """A date of a machine that the index holds in its own form is marked as what a machine wrote."""
    coveo.sandbox.create_field("seen_on", type="DATE")
    marks = told("seen_on", "2024-10-04")
    coveo.load(batch({"documentId": "product://1", "told": marks, "seen_on": "2024-10-04"}))
    page = Page(coveo.http.get("/browse/item", params={"id": "product://1"}))
    assert page.texts("li", **{"class": "enriched"}) == ["2024-10-04 00:00:00 UTC"]
    coveo.update(addOrUpdate=[{"documentId": "product://1", "told": marks, "seen_on": "2024-10-05"}])
    page = Page(coveo.http.get("/browse/item", params={"id": "product://1"}))
    assert page.texts("li", **{"class": "enriched"}) == []


def test_the_list_marks_enriched_items_and_finds_them(coveo: Caller) -> None:
    """A card marks what a machine wrote, and a link keeps the list to such items, whatever else is asked."""
    plain = {"documentId": "product://2", "objecttype": "Product", "ec_name": "Heron, plain", "ec_color": "Red"}
    coveo.load(batch(enriched(), plain))
    page = Page(coveo.http.get("/", params={"q": "heron"}))
    assert sorted(page.titles) == ["Heron", "Heron, plain"]
    sparks = [given["title"] for given in page.attributes("span") if given.get("class") == "spark"]
    assert sparks == ["Enriched: acme-tagger, 62% sure", "Enriched: acme-tagger, 90% sure"]
    only = Page(coveo.http.get(page.links()["Only enriched items"]))
    assert only.titles == ["Heron"]
    assert "Only enriched items" not in only.links()
    both = Page(coveo.http.get("/", params={"aq": '@ec_color=="Red" OR @ec_color=="yellow"'}))
    assert parameters_of(both.links()["Only enriched items"])["aq"] == '@ec_color=="Red" OR @ec_color=="yellow"'
    enriched_only = Page(coveo.http.get(both.links()["Only enriched items"]))
    assert enriched_only.titles == ["Heron"]
    back = Page(coveo.http.get(enriched_only.link_to("Remove only items with")))
    assert sorted(back.titles) == ["Heron", "Heron, plain"]


def test_only_enriched_items_leaves_the_expression_its_meaning(coveo: Caller) -> None:
    """The link to enriched items puts no parentheses around an expression, in which a comma would then mean OR."""
    other = {**enriched(), "documentId": "product://2", "ec_name": "Gull"}
    coveo.load(batch({**enriched(), "ec_name": "Heron and gull"}, other))
    page = Page(coveo.http.get("/", params={"aq": "heron, gull"}))
    assert page.titles == ["Heron and gull"]
    assert Page(coveo.http.get(page.links()["Only enriched items"])).titles == ["Heron and gull"]


def test_what_a_machine_is_called_is_shown_in_part(coveo: Caller) -> None:
    """Long names of machines are cut, and at most a hundred lost marks are told."""
    mark = {"by": ["acme" * 10_000], "confidence": None, "values": []}
    marks = {"ec_color": mark, **{f"lost_{number:03}": {**mark, "by": ["acme"]} for number in range(150)}}
    coveo.load(batch({**enriched(), "told": json.dumps(marks)}))
    answer = coveo.http.get("/browse/item", params={"id": "product://1"})
    listed = Page(answer).texts("li")
    assert "ec_color Differs from what was written: " + ("acme" * 50) + "…" in listed
    assert len([text for text in listed if text.startswith("lost_")]) == 100
    assert "and 50 more" in listed
    assert len(answer.content) < 100_000
