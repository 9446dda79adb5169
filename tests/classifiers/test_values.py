from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from coveo_enrich.classifiers import Attribute, Classification, Color, Failure, Label

SCORED: dict[str, Callable[[float | None], Label | Attribute | Color]] = {
    "label": lambda confidence: Label("kayak", confidence),
    "attribute": lambda confidence: Attribute("material", "leather", confidence),
    "color": lambda confidence: Color("yellow", confidence),
}

VALUES = [
    Label("kayak", 0.9, raw_score=90, scale=100, parents=("boat", "vehicle")),
    Attribute("material", "leather", 0.5, raw_score=5, scale=10),
    Color("yellow", 0.7, rgb=(250, 200, 10), shade="sunflower yellow", raw_score=0.7, scale=1),
    Classification("acme", labels=(Label("kayak"),), attributes=(Attribute("a", "b"),), colors=(Color("red"),)),
    Failure("throttled", "slow down", image="a.jpg", classifier="acme", retry_after=2.0),
]


@pytest.mark.parametrize("make", SCORED.values(), ids=SCORED)
@pytest.mark.parametrize("confidence", [-0.001, 1.001, 87.0, -math.inf, math.inf, math.nan])
def test_a_confidence_out_of_its_range_is_refused(
    make: Callable[[float | None], Label | Attribute | Color], confidence: float
) -> None:
    """Law 10: a score on another scale, and what is no number, do not pass for a share from 0 to 1."""
    with pytest.raises(ValueError, match="from 0 to 1"):
        make(confidence)


@pytest.mark.parametrize("make", SCORED.values(), ids=SCORED)
@pytest.mark.parametrize("confidence", ["0.9", True, [0.9]])
def test_a_confidence_that_is_no_number_is_refused(
    make: Callable[[Any], Label | Attribute | Color], confidence: object
) -> None:
    """Law 10: a text and a flag are named as what they are, and do not pass for a score."""
    with pytest.raises(TypeError, match="confidence is a number or None"):
        make(confidence)


@pytest.mark.parametrize("make", SCORED.values(), ids=SCORED)
@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0, 0, 1])
def test_a_confidence_in_its_range_is_kept(
    make: Callable[[float | None], Label | Attribute | Color], confidence: float
) -> None:
    """Law 10: both ends of the range belong to it."""
    assert make(confidence).confidence == confidence


@pytest.mark.parametrize("make", SCORED.values(), ids=SCORED)
def test_not_scored_is_none(make: Callable[[float | None], Label | Attribute | Color]) -> None:
    """Law 10: what was not scored stays None, and so do raw score and scale."""
    value = make(None)
    assert (value.confidence, value.raw_score, value.scale) == (None, None, None)


@pytest.mark.parametrize("value", [Label("kayak"), Attribute("a", "b"), Color("red")])
def test_a_value_made_without_a_confidence_has_none(value: Label | Attribute | Color) -> None:
    """Law 10: no confidence is made up."""
    assert value.confidence is None


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_pickle_compare_and_hash(value: object) -> None:
    """Law 14: values cross to another process and are the same there, also as members of a set."""
    copy: object = pickle.loads(pickle.dumps(value))  # noqa: S301 - pickled here
    assert copy == value
    assert len({copy, value}) == 1


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_do_not_change(value: attrs.AttrsInstance) -> None:
    """A value is not changed after it was made."""
    name = attrs.fields(type(value))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(value, name, "other")


def test_lists_become_tuples() -> None:
    """Lists, which adapters make, are taken as well as tuples."""
    classification = Classification("acme", labels=[Label("kayak", parents=["boat"])])
    assert classification == Classification("acme", labels=(Label("kayak", parents=("boat",)),))


def test_a_text_in_place_of_parents_is_not_taken_for_letters() -> None:
    """One text where several are due is a mistake, not as many parents as it has letters."""
    with pytest.raises((TypeError, ValueError)):
        Label("kayak", parents="boat")


def test_a_classification_of_nothing_is_an_answer() -> None:
    """A picture in which nothing was seen has empty observations."""
    empty = Classification("acme")
    assert (empty.labels, empty.attributes, empty.colors, empty.model_version) == ((), (), (), None)
