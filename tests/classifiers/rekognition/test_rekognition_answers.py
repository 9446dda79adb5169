"""How answers of Rekognition are read: leaves and their parents, the product's colours, odd but right shapes."""

from __future__ import annotations

from typing import Any

import pytest
from rekognition_samples import color, instance, label, properties

from coveo_enrich.classifiers.rekognition.answers import read_colors, read_labels, read_text, read_version
from coveo_enrich.errors import ServiceUnavailable


def names(colors: object) -> list[str]:
    """The colour words of an answer."""
    return [one.name for one in read_colors(colors)]


def test_ancestors_become_parents_and_no_labels() -> None:
    """A label that another one names as broader is dropped, and the nearest parent stands first in whatever order."""
    answer = {
        "Labels": [
            label("Car", 99.0, "Vehicle", "Transportation"),
            label("Transportation", 99.0, "Vehicle"),
            label("Vehicle", 99.0),
            label("Wheel", 80.0, "Machine"),
        ]
    }
    assert [(one.name, one.parents) for one in read_labels(answer)] == [
        ("Car", ("Transportation", "Vehicle")),
        ("Wheel", ("Machine",)),
    ]


def test_a_label_that_is_its_own_parent_is_kept() -> None:
    """A label does not drop itself."""
    assert [(one.name, one.parents) for one in read_labels({"Labels": [label("Car", 99.0, "Car")]})] == [("Car", ())]


def test_a_label_without_a_score_has_none() -> None:
    """A missing confidence is None, not 1.0 and not 0."""
    (car,) = read_labels({"Labels": [{"Name": "Car"}]})
    assert (car.confidence, car.raw_score, car.scale, car.box) == (None, None, None, None)


def test_the_box_is_that_of_the_surest_instance() -> None:
    """Of several instances, the surest is where the label is."""
    seen = [instance(50.0, left=0.125), instance(75.0, left=0.5), instance(60.0, left=0.25)]
    (car,) = read_labels({"Labels": [label("Car", 99.0, Instances=seen)]})
    assert car.box is not None
    assert car.box.left == 0.5


PLAIN = properties(foreground=[color("Green", 30.0)], background=[color("White", 70.0)], whole=[color("White", 60.0)])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"Labels": [label("Shoe", 90.0, Instances=[instance(90.0, color("Red", 9.0))])]}, ["red"]),
        ({"Labels": [label("Shoe", 90.0, Instances=[instance(90.0)])]}, ["green"]),
        ({"Labels": [label("Shoe", 90.0)]}, ["green"]),
        ({"Labels": []}, ["green"]),
        ({}, ["green"]),
        (
            {
                "Labels": [
                    label("Woman", 99.0, "Adult", "Person", Instances=[instance(99.0, color("Pink", 60.0))]),
                    label("Shoe", 80.0, Instances=[instance(80.0, color("Blue", 60.0))]),
                ]
            },
            ["blue"],
        ),
        ({"Labels": [label("Person", 99.0, Instances=[instance(99.0, color("Pink", 60.0))])]}, ["green"]),
        (
            {
                "Labels": [
                    label("Kayak", 99.0, "Boat", "Vehicle"),
                    label("Boat", 99.0, "Vehicle", Instances=[instance(95.0, color("Yellow", 60.0))]),
                    label("Wheel", 70.0, "Machine", Instances=[instance(60.0, color("Black", 60.0))]),
                ]
            },
            ["yellow"],
        ),
        (
            {
                "Labels": [
                    label("Bride", 99.0, "Female", "Person"),
                    label("Female", 99.0, "Person", Instances=[instance(99.0, color("Pink", 60.0))]),
                ]
            },
            ["green"],
        ),
    ],
)
def test_the_colors_are_those_of_the_thing_else_of_the_foreground(answer: dict[str, Any], expected: list[str]) -> None:
    """The surest thing that is no person has the colours, by whatever word it was found; else the foreground has."""
    assert names({**answer, "ImageProperties": PLAIN}) == expected


def test_the_whole_picture_counts_only_where_it_has_no_background() -> None:
    """Colours of the whole picture hold those of the background, so they count only where none was found."""
    whole = [color("White", 60.0)]
    assert names({"ImageProperties": properties(foreground=[], background=whole, whole=whole)}) == []
    assert names({"ImageProperties": properties(foreground=[], background=[], whole=whole)}) == ["white"]
    assert names({}) == []


def test_shades_of_a_color_count_together() -> None:
    """Two blues are one blue of their shares together, shown as the greater one; the most present colour is first."""
    foreground = [
        color("Red", 35.0),
        color("Blue", 15.0, (0, 0, 128), "navy"),
        color("blue", 25.0, (100, 149, 237), "cornflowerblue"),
    ]
    first, second = read_colors({"ImageProperties": {"Foreground": {"DominantColors": foreground}}})
    assert (first.name, first.confidence, first.raw_score, first.scale) == ("blue", 0.4, 40.0, 100)
    assert (first.shade, first.rgb) == ("cornflowerblue", (100, 149, 237))
    assert second.name == "red"


def test_shares_that_round_beyond_all_of_it_are_all_of_it() -> None:
    """Rounded percents that come to more than 100 are a share of 1."""
    foreground = [color("blue", 50.25), color("blue", 50.0)]
    (blue,) = read_colors({"ImageProperties": {"Foreground": {"DominantColors": foreground}}})
    assert blue.confidence == 1.0


def test_a_color_without_word_score_or_channel_is_read_as_far_as_it_goes() -> None:
    """Without a colour word there is no colour; without a percent no confidence; without a channel no rgb."""
    foreground = [{"CSSColor": "navy", "PixelPercent": 20.0}, {"SimplifiedColor": "blue", "Red": 1, "Green": 2}]
    (blue,) = read_colors({"ImageProperties": {"Foreground": {"DominantColors": foreground}}})
    assert (blue.name, blue.confidence, blue.rgb, blue.shade) == ("blue", None, None, None)


def test_no_text_is_an_answer() -> None:
    """A picture without text has none; an answer without the list is no answer."""
    assert read_text({"TextDetections": []}) == []
    assert read_text({"TextDetections": [{"Type": "LINE", "DetectedText": ""}]}) == []
    with pytest.raises(ServiceUnavailable, match="it has no TextDetections"):
        read_text({"Labels": []})


@pytest.mark.parametrize("version", [None, 3, ""])
def test_a_version_that_is_no_text_is_none(version: object) -> None:
    """A version is told only where the service tells one."""
    assert read_version({"LabelModelVersion": version}, "LabelModelVersion") is None
