"""CIELAB and CIEDE2000 against published figures."""

from __future__ import annotations

import pytest

from coveo_enrich.classifiers.color.difference import Lab, ciede2000, lab_of

# Of the test data that goes with the paper by Sharma, Wu and Dalal (2005): the pairs that catch wrong implementations.
PUBLISHED = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0010), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, -0.001, 2.49), (50.0, 0.0009, -2.49), 4.8045),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (56.0, -27.0, -3.0), 31.903),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "difference"), PUBLISHED)
def test_ciede2000_gives_the_published_figures(
    one: tuple[float, float, float], other: tuple[float, float, float], difference: float
) -> None:
    """The difference is the published one to its four places, in either order."""
    assert ciede2000(Lab(*one), Lab(*other)) == pytest.approx(difference, abs=5e-5)
    assert ciede2000(Lab(*other), Lab(*one)) == pytest.approx(difference, abs=5e-5)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0.0, 0.0)),
    ],
)
def test_srgb_becomes_cielab(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    """Well-known colours have their well-known places in CIELAB under D65."""
    assert lab_of(rgb) == pytest.approx(lab, abs=0.01)


def test_a_color_does_not_differ_from_itself() -> None:
    """The difference of a colour to itself is nothing, for gray too, which has no hue."""
    for rgb in [(0, 0, 0), (128, 128, 128), (12, 200, 99)]:
        assert ciede2000(lab_of(rgb), lab_of(rgb)) == 0
