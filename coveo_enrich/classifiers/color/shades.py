"""The names of colours: several hundred named shades, each with its colour word, and which word a new colour gets.

A few words with a formula for each do worse than many examples: what people call teal or beige is no regular region of
any colour space. The examples stand in ``shades.csv`` beside this module: names and colours of the XKCD colour survey
(public domain), of CSS, and some of the clothing trade. Which of these words a shop uses is its vocabulary's choice.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache, cached_property, lru_cache
from heapq import nsmallest
from importlib.resources import files
from typing import TYPE_CHECKING

import attrs

from coveo_enrich.classifiers.color.difference import RGB, Lab, ciede2000, lab_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Naming", "Shade", "name_of", "named_among", "nearest_shade", "shades"]

_VOTERS = 7
# Candidates by plain distance in CIELAB, which is quick; the voters are among the nearest of them by CIEDE2000.
_CANDIDATES = 48


@attrs.frozen
class Shade:
    """A named example of a colour.

    Attributes:
        name: What people call it, such as ``sky blue``.
        base: The colour word it belongs to, such as ``blue``.
        rgb: The colour.
        source: Where the name and the colour are from: ``xkcd``, ``css`` or ``retail``.
    """

    name: str
    base: str
    rgb: RGB
    source: str

    @cached_property
    def lab(self) -> Lab:
        """The colour in CIELAB."""
        return lab_of(self.rgb)


@attrs.frozen
class Naming:
    """What a colour is called.

    Attributes:
        base: The colour word.
        shade: The nearest shade of that word.
        distance: CIEDE2000 from the colour to that shade.
    """

    base: str
    shade: str
    distance: float


@cache
def shades() -> tuple[Shade, ...]:
    """All named shades; read from the package's data when first asked for."""
    text = files("coveo_enrich.classifiers.color").joinpath("shades.csv").read_text(encoding="utf-8")
    return tuple(
        Shade(row["shade"], row["base"], _rgb(row["hex"]), row["source"]) for row in csv.DictReader(text.splitlines())
    )


@lru_cache(maxsize=8192)
def name_of(rgb: RGB) -> Naming:
    """What this colour is called."""
    return named_among(shades(), rgb)


def named_among(examples: Iterable[Shade], rgb: RGB) -> Naming:
    """What this colour is called, by a vote of the nearest examples in which the nearer count for more."""
    lab = lab_of(rgb)
    candidates = nsmallest(_CANDIDATES, examples, key=lambda shade: _plain_distance(shade.lab, lab))
    voters = sorted((ciede2000(lab, shade.lab), shade.name, shade.base) for shade in candidates)[:_VOTERS]
    votes: defaultdict[str, float] = defaultdict(float)
    for distance, _, base in voters:
        votes[base] += 1 / (1 + distance) ** 2
    winner = max(votes, key=votes.__getitem__)
    distance, shade, _ = next(voter for voter in voters if voter[2] == winner)
    return Naming(winner, shade, distance)


def nearest_shade(rgb: RGB, base: str) -> Naming:
    """The shade of this colour word that is nearest to the colour."""
    lab = lab_of(rgb)
    distance, shade = min((ciede2000(lab, shade.lab), shade.name) for shade in shades() if shade.base == base)
    return Naming(base, shade, distance)


def _plain_distance(one: Lab, other: Lab) -> float:
    return (one.lightness - other.lightness) ** 2 + (one.a - other.a) ** 2 + (one.b - other.b) ** 2


def _rgb(hex_code: str) -> RGB:
    red, green, blue = bytes.fromhex(hex_code.removeprefix("#"))
    return red, green, blue
