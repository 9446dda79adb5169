from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coveo_enrich import EnrichedProduct, FieldMapping, FieldRule
from coveo_enrich.classifiers import Classification, Label
from coveo_enrich.enrichment.decisions.decide import Seen, decide
from coveo_enrich.enrichment.decisions.provenance import without_enrichment
from coveo_enrich.enrichment.decisions.targets import targets_of
from coveo_enrich.enrichment.rules.fields import as_text, is_missing, parts
from coveo_enrich.errors import ConfigurationError

WROTE = "wrote"


def mapping(*rules: FieldRule, **options: Any) -> FieldMapping:  # noqa: ANN401 - options of a rule
    """Return a mapping that keeps provenance, with these rules or one for the field ``a``."""
    return FieldMapping(rules or [FieldRule("a", reads="label", **options)], provenance=WROTE)


def enriched(
    product: Mapping[str, Any],
    rules: FieldMapping,
    *words: str,
    by: str = "acme",
) -> Mapping[str, Any]:
    """Return the document after these labels were seen."""
    seen = [Seen("1.jpg", Classification(by, labels=[Label(word, 0.75) for word in words]))]
    decision = decide(targets_of(product, rules), seen)
    return EnrichedProduct(product, changes=decision.changes, provenance=decision.provenance).document


def test_what_a_machine_wrote_is_named_in_the_document() -> None:
    """For each field the provenance field holds who wrote it, how surely, and a digest of each value."""
    document = enriched({"b": "mine"}, mapping(FieldRule("a", reads="label"), FieldRule("b", reads="label")), "red")
    assert list(document) == ["b", "a", WROTE]
    (field, mark), *others = json.loads(document[WROTE]).items()
    assert (field, mark["by"], mark["confidence"], others) == ("a", ["acme"], 0.75, [])
    assert len(mark["values"]) == 1
    assert "red" not in document[WROTE]


def test_without_a_change_nothing_is_named() -> None:
    """A product that stays as it is gets no provenance field; one that is there is written under its own key."""
    product = {"a": "mine", "Wrote": ""}
    assert enriched(product, mapping(), "red") is product
    assert list(enriched({"Wrote": ""}, mapping(), "red")) == ["Wrote", "a"]


def test_a_mapping_without_provenance_writes_none() -> None:
    """The field is there on request only."""
    assert enriched({}, FieldMapping([FieldRule("a", reads="label")]), "red") == {"a": "red"}


def test_what_a_machine_wrote_is_renewed() -> None:
    """A rule that keeps fills a field again that a machine filled and nobody changed, and asks for it again."""
    once = enriched({}, mapping(), "red")
    assert set(targets_of(once, mapping()).classifiers_needed(["acme"])) == {"acme"}
    twice = enriched(once, mapping(), "blue", by="other")
    assert twice["a"] == "blue"
    assert json.loads(twice[WROTE])["a"]["by"] == ["other"]
    assert enriched(twice, mapping()) is twice


@pytest.mark.parametrize("values", ["one", "many"])
def test_what_a_machine_wrote_is_renewed_again_and_again(values: Literal["one", "many"]) -> None:
    """A renewed value is a machine's as well, so the next run renews it too, and undoing takes out the last."""
    rules = mapping(values=values)
    document: Mapping[str, Any] = {"b": "mine"}
    for word in ("navy", "blue", "teal", "navy"):
        document = enriched(document, rules, word)
        assert parts(document["a"]) == (word,)
        assert len(json.loads(document[WROTE])["a"]["values"]) == 1
    assert without_enrichment(document, rules) == {"b": "mine"}


@pytest.mark.parametrize("changed", ["Red", "green", "red wine", ["red", "green"], 5])
def test_what_a_person_changed_is_kept(changed: object) -> None:
    """A value that differs from what a machine wrote is a person's, however little it differs."""
    document = {**enriched({}, mapping(), "red"), "a": changed}
    assert set(targets_of(document, mapping()).classifiers_needed(["acme"])) == set()
    assert enriched(document, mapping(), "blue") is document


@pytest.mark.parametrize("changed", [["red"], ["red", "blue", "green"], ["red", "green"], "red"])
def test_a_list_that_a_person_changed_is_kept(changed: object) -> None:
    """A value taken out of a machine's list is a change as well as one put in."""
    many = mapping(values="many")
    document = {**enriched({}, many, "red", "blue"), "a": changed}
    assert enriched(document, many, "yellow") is document


@pytest.mark.parametrize("form", [["red", "blue"], ("blue", "red"), "red;blue", "red; blue"])
def test_a_list_is_known_however_a_file_gives_it_back(form: object) -> None:
    """A table makes one text of a list; that is no change by a person."""
    many = mapping(values="many")
    document = {**enriched({}, many, "red", "blue"), "a": form}
    assert enriched(document, many, "yellow")["a"] == ["yellow"]


@pytest.mark.parametrize(
    ("kind", "word", "form"),
    [
        ("flag", "yes", True),
        ("flag", "yes", "True"),
        ("flag", "no", "FALSE"),
        ("number", "2", 2.0),
        ("number", "2", "2"),
        ("number", "12.50", "12.5"),
    ],
)
def test_a_flag_or_number_is_known_however_a_file_gives_it_back(
    kind: Literal["flag", "number"], word: str, form: object
) -> None:
    """What a table wrote as a text is a machine's still, and seeing the same again is no change."""
    rules = mapping(type=kind)
    document = {**enriched({}, rules, word), "a": form}
    assert without_enrichment(document, rules) == {}
    assert enriched(document, rules, word) is document


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", "5", '{"a": 5}', '{"a": {"values": "x"}}', '{"a": {"values": [5]}}', 5, None]
)
def test_a_broken_provenance_field_marks_nothing(broken: object) -> None:
    """What cannot be read makes no value a machine's, so that it is kept; the next change mends the field."""
    document = {"a": "red", WROTE: broken}
    rules = mapping(FieldRule("a", reads="label"), FieldRule("b", reads="label"))
    after = enriched(document, rules, "blue")
    assert (after["a"], after["b"]) == ("red", "blue")
    assert list(json.loads(after[WROTE])) == ["b"]


def test_marks_of_other_fields_stay() -> None:
    """A run with other rules does not forget what the run before wrote."""
    once = enriched({}, mapping(FieldRule("a", reads="label")), "red")
    twice = enriched(once, mapping(FieldRule("b", reads="label")), "blue")
    assert set(json.loads(twice[WROTE])) == {"a", "b"}


def test_a_number_that_is_there_is_not_added_as_a_text() -> None:
    """A value that a person has as a number is the same value."""
    document = {"a": [12, "x"]}
    assert enriched(document, mapping(values="many", existing="add"), "12") is document


# Undone


def test_undoing_takes_out_what_a_machine_wrote() -> None:
    """The field goes, and the provenance field; the rest stays in its order, and the document is not changed."""
    product = {"documentId": "product://1", "b": "mine"}
    document = enriched(product, mapping(FieldRule("a", reads="label"), FieldRule("c", reads="label")), "red")
    before = dict(document)
    assert without_enrichment(document, mapping()) == product
    assert document == before


def test_undoing_leaves_what_a_person_changed() -> None:
    """A value that a person changed is the person's; so is a list's value that a person had or put in."""
    assert without_enrichment({**enriched({}, mapping(), "red"), "a": "green"}, mapping()) == {"a": "green"}
    add = mapping(values="many", existing="add")
    document = enriched({"a": ["mine"]}, add, "red", "blue")
    assert document["a"] == ["mine", "red", "blue"]
    assert without_enrichment({**document, "a": ["mine", "blue", "new"]}, add) == {"a": ["mine", "new"]}


def test_adding_again_does_not_make_a_persons_value_a_machines() -> None:
    """What is added in several runs is all marked, and nothing else is."""
    add = mapping(values="many", existing="add")
    document = enriched(enriched({"a": "mine;yours"}, add, "red"), add, "blue", "mine")
    assert document["a"] == ["mine", "yours", "red", "blue"]
    assert without_enrichment(document, add) == {"a": ["mine", "yours"]}


def test_undoing_without_provenance() -> None:
    """A document without the field comes back as it is; a mapping without one cannot tell and says so."""
    document = {"a": "red"}
    assert without_enrichment(document, mapping()) is document
    with pytest.raises(ConfigurationError, match="keeps no provenance"):
        without_enrichment(document, FieldMapping([FieldRule("a", reads="label")]))


@pytest.mark.parametrize("field", ["a", "documentid", "EC_Wrote", ""])
def test_the_provenance_field_is_a_field_of_its_own(field: str) -> None:
    """A field that a rule fills, a reserved key and what is no field's name are refused."""
    with pytest.raises(ConfigurationError):
        FieldMapping([FieldRule("a", reads="label")], provenance=field)


WORDS = st.sampled_from(["red", "blue", "12", "yes", "Ünlaut", "a|b"])
VALUES = st.sampled_from(["", None, "mine", ["mine", 5], "x;y", [], 12, ["red"], "blue"])


@st.composite
def mappings(draw: st.DrawFn) -> FieldMapping:
    """Draw rules that write over nothing."""
    rules: list[FieldRule] = []
    for field in ("a", "b"):
        many = draw(st.booleans())
        existing: Any = draw(st.sampled_from(["keep", "add"])) if many else "keep"
        rules.append(FieldRule(field, reads="label", values="many" if many else "one", existing=existing))
    return mapping(*rules)


@given(st.dictionaries(st.sampled_from(["a", "B", "c"]), VALUES), mappings(), st.lists(st.lists(WORDS), max_size=3))
def test_undoing_brings_back_what_a_person_wrote(
    product: dict[str, Any], rules: FieldMapping, runs: list[list[str]]
) -> None:
    """Law 1: after any number of runs, taking a machine's values out leaves each value of a person, and no other."""
    document: Mapping[str, Any] = product
    for words in runs:
        document = enriched(document, rules, *words)
    undone = without_enrichment(document, rules)
    assert {key for key, value in product.items() if not is_missing(value)} <= set(undone) <= set(product)
    for key, value in undone.items():
        assert list(map(as_text, parts(value))) == list(map(as_text, parts(product[key])))
