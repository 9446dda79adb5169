from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from coveo_enrich import FieldMapping, FieldRule
from coveo_enrich.classifiers import Classification, Color
from coveo_enrich.enrichment.decisions.decide import Seen, decide
from coveo_enrich.enrichment.decisions.targets import targets_of
from coveo_enrich.enrichment.rules.when import When
from coveo_enrich.errors import ConfigurationError

RED = [Seen("1.jpg", Classification("acme", colors=[Color("red", 0.9)]))]


@pytest.mark.parametrize(
    "category",
    [
        "Shoes",
        "shoes",
        " SHOES ",
        "Clothing|Shoes",
        "Clothing | Shoes|Sneakers",
        "Clothing;Clothing|Shoes",
        ["Clothing", "Clothing|Shoes"],
        ("Bags", "Shoes"),
    ],
)
def test_a_category_is_found_at_any_level(category: object) -> None:
    """Lists, texts with semicolons and paths with bars, in any case: the level is found, and what is below it."""
    assert When({"ec_category": ["Shoes"]})({"ec_category": category})


@pytest.mark.parametrize("category", ["Shoes and bags", "Snowshoes", "", None, [], {"Shoes": 1}, "Shoe", 5, ["Bags"]])
def test_another_category_is_not_found(category: object) -> None:
    """A level is found as a whole, never as a part of a word; what is missing is not found."""
    assert not When({"ec_category": "Shoes"})({"ec_category": category})
    assert not When({"ec_category": "Shoes"})({})


def test_several_levels_must_follow_one_another() -> None:
    """A wanted path is found where its levels stand side by side."""
    wanted = When({"ec_category": "Clothing|Shoes"})
    assert wanted({"ec_category": "Sale|Clothing|Shoes|Sneakers"})
    assert not wanted({"ec_category": "Clothing|Sale|Shoes"})
    assert not wanted({"ec_category": ["Clothing", "Shoes"]})


def test_all_fields_are_needed_and_one_of_the_values_of_each() -> None:
    """Fields are joined by and, the values of a field by or."""
    wanted = When({"ec_category": ["Shoes", "Bags"], "ec_brand": "Acme"})
    assert wanted({"ec_category": "Bags", "ec_brand": "acme"})
    assert not wanted({"ec_category": "Bags", "ec_brand": "Other"})
    assert not wanted({"ec_category": "Hats", "ec_brand": "Acme"})


@pytest.mark.parametrize(
    ("wanted", "held"), [(5, 5), (5, "5"), (5, 5.0), ("5.5", 5.5), (True, True), (True, "TRUE"), ("x", ["y", "X"])]
)
def test_numbers_and_flags_are_found_however_they_are_written(wanted: object, held: object) -> None:
    """A number is found as a number and as a text, a flag too."""
    assert When({"a": wanted})({"A": held})
    assert not When({"a": wanted})({"A": "6"})


@pytest.mark.parametrize("given", [{}, "Shoes", ["Shoes"], {"a": []}, {"a": None}, {"a": [None]}, {"a": ""}, {"a": {}}])
def test_a_condition_that_says_nothing_is_refused(given: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """A condition without a field or a value is a mistake, not one that is always or never met."""
    with pytest.raises(ConfigurationError, match="when"):
        FieldRule("b", reads="color", when=given)


@pytest.mark.parametrize("field", ["EC_Category", "documentid", "a b", 5])
def test_a_condition_names_a_field_of_coveo(field: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """What can be no field's name is a mistake in the condition."""
    with pytest.raises(ConfigurationError):
        FieldRule("b", reads="color", when={field: "x"})


def is_cheap(product: Mapping[str, Any]) -> bool:
    """Tell by the price."""
    return bool(product["ec_price"] < 10)


@pytest.mark.parametrize("when", [{"ec_price": [5]}, is_cheap, When({"ec_price": 5})])
def test_a_rule_is_only_for_its_products(when: Any) -> None:  # noqa: ANN401 - a condition
    """Law 8: a product that no rule is for stays as it is, is not among those kept, and asks no classifier."""
    mapping = FieldMapping([FieldRule("ec_color", reads="color", when=when)])
    cheap, dear = {"ec_price": 5}, {"ec_price": 50, "ec_color": "Blue"}
    assert [change.after for change in decide(targets_of(cheap, mapping), RED).changes] == ["red"]
    assert set(targets_of(cheap, mapping).classifiers_needed(["acme"])) == {"acme"}
    decision = decide(targets_of(dear, mapping), RED)
    assert (decision.changes, decision.kept) == ((), ())
    assert set(targets_of(dear, mapping).classifiers_needed(["acme"])) == set()


def test_what_a_condition_raises_is_told_before_anybody_is_asked() -> None:
    """Law 8: a rule whose function raises is named with the targets, which are found before anything is paid."""
    mapping = FieldMapping([FieldRule("ec_color", reads="color", when=is_cheap)])
    targets = targets_of({}, mapping)
    assert (targets.fields, targets.kept) == ((), ())
    assert targets.failed == ("a rule failed, that for ec_color: KeyError: 'ec_price'",)


@pytest.mark.parametrize("looked_at", ["a", "b", "wrote"])
def test_a_condition_looks_at_nothing_that_is_written(looked_at: str) -> None:
    """A rule that depends on another's result would act the second time and not the first, so it is refused."""
    rules = [FieldRule("a", reads="color", when={looked_at: "x"}), FieldRule("b", reads="color")]
    with pytest.raises(ConfigurationError, match=f"must not name a field that this mapping writes: {looked_at}$"):
        FieldMapping(rules, provenance="wrote")
