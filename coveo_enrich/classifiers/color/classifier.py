"""The embedded classifier: the colours of the product in a picture, and how much of it each of them takes.

Which pixels are the product is `foreground`'s to say, and what a colour is called `shades`'s; here they are counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

import attrs

from coveo_enrich.classifiers.color.difference import RGB, lab_of
from coveo_enrich.classifiers.color.foreground import foreground_of
from coveo_enrich.classifiers.color.shades import name_of, nearest_shade
from coveo_enrich.classifiers.values import Classification, Color
from coveo_enrich.images.decode import open_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coveo_enrich.images.image import ProductImage

__all__ = ["ColorClassifier"]

_SIDE = 128  # pixels; thin straps are still seen, and plain Python is quick enough
_PARTS = 16
_NOISE = 0.03  # of the product; less is where two colours meet
_LIGHT_GRAY, _DARK_GRAY = 78.0, 30.0  # CIELAB lightness beyond which gray may be white or black in another light
_GRAY_MOST = 3.0  # times the white or black beside it
_UNCERTAIN = 0.5  # what is left of the confidence when the product cannot be told from its background
_OTHER_COLOR = 10.0  # CIEDE2000 at which the nearest shade is another colour to most people: half the confidence


@attrs.frozen
class ColorClassifier:
    """Says what colours the product in a picture has, most present first.

    Needs the extra ``images`` and nothing else. The words it uses are black, white, gray, beige, brown, red, maroon,
    orange, yellow, green, teal, turquoise, blue, navy, purple and pink; each comes with the nearest of about a thousand
    named shades. Gold and silver are not among them: how metal shines is not a colour, so they are yellow and gray.

    The confidence of a colour is the share of the product that has it, less the further the colour is from any named
    shade (half at CIEDE2000 10), and half of that where the product cannot be told from its background. It is no
    probability: a sandal that is half red and half white has two colours of about 0.5, both of them surely there.
    """

    fingerprint: ClassVar[str] = "color-classifier/2"
    """Changes whenever the same picture may get another answer."""

    @property
    def name(self) -> str:
        """Who says so."""
        return "color-classifier"

    def classify(self, image: ProductImage, /) -> Classification:
        """Say what colours the product has; none when the picture is transparent all over.

        Raises:
            ImageRejected: The picture cannot be had, or cannot be read.
            ServiceUnavailable: The host of the picture did not answer usefully.
            MissingExtraError: Pillow is not installed.
        """
        product = foreground_of(open_image(image.read(), side=_SIDE))
        certainty = 1.0 if product.certain else _UNCERTAIN
        parts = _as_lit(_parts_of(product.pixels))
        return Classification(self.name, colors=_colors(parts, certainty))


@attrs.frozen
class _Part:
    """Pixels of nearly one colour.

    Attributes:
        rgb: Their mean.
        share: How much of the product they are, 0 to 1.
        base: The colour word they count for.
    """

    rgb: RGB
    share: float
    base: str


def _parts_of(pixels: Sequence[RGB]) -> list[_Part]:
    """The product's pixels in at most `_PARTS` groups of like colour."""
    if not pixels:
        return []
    from PIL.Image import frombytes  # noqa: PLC0415 - needs the extra

    strip = frombytes("RGB", (len(pixels), 1), bytes(chain.from_iterable(pixels)))
    grouped = strip.quantize(_PARTS, kmeans=1).convert("RGB").tobytes()
    counts = Counter(zip(grouped[0::3], grouped[1::3], grouped[2::3], strict=True))
    return [_Part(rgb, count / len(pixels), name_of(rgb).base) for rgb, count in counts.items()]


def _as_lit(parts: list[_Part]) -> list[_Part]:
    """The parts with gray that is only the light's doing counted for what it is: white in shade, black in the light.

    Gray stays gray where it is far more than the white or black beside it: a print of white on a light gray shirt.
    """
    shaded = _recounted(parts, "white", [part for part in parts if _lightness(part) >= _LIGHT_GRAY])
    return _recounted(shaded, "black", [part for part in shaded if _lightness(part) <= _DARK_GRAY])


def _recounted(parts: list[_Part], base: str, alike: list[_Part]) -> list[_Part]:
    # A list: a sum over a set of texts comes out differently, in the last place, from one process to the next.
    grays = [part for part in alike if part.base == "gray"]
    there = sum(part.share for part in parts if part.base == base)
    if sum(part.share for part in grays) > _GRAY_MOST * there:
        return parts
    return [attrs.evolve(part, base=base) if part in grays else part for part in parts]


def _lightness(part: _Part) -> float:
    return lab_of(part.rgb).lightness


def _colors(parts: list[_Part], certainty: float) -> list[Color]:
    """One colour for each word that is more than noise, the most present first."""
    by_base: defaultdict[str, list[_Part]] = defaultdict(list)
    for part in parts:
        by_base[part.base].append(part)
    shares = {base: sum(part.share for part in same) for base, same in by_base.items()}
    present = sorted((base for base in shares if shares[base] >= _NOISE), key=lambda base: (-shares[base], base))
    return [_color(base, by_base[base], certainty) for base in present]


def _color(base: str, parts: list[_Part], certainty: float) -> Color:
    share = sum(part.share for part in parts)
    rgb = _mean(parts)
    naming = nearest_shade(rgb, base)
    likeness = 1 / (1 + (naming.distance / _OTHER_COLOR) ** 2)
    return Color(base, min(1.0, round(share * likeness * certainty, 4)), rgb=rgb, shade=naming.shade)


def _mean(parts: list[_Part]) -> RGB:
    total = sum(part.share for part in parts)
    red, green, blue = (round(sum(part.rgb[at] * part.share for part in parts) / total) for at in range(3))
    return red, green, blue
