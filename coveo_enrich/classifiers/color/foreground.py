"""Which pixels of a picture are the product, and not the background or the shadow that it throws.

Works on a picture of about 128 pixels, in plain Python: what a product is coloured does not need more. Nothing here
knows the name of a colour.
"""

from __future__ import annotations

from itertools import compress
from statistics import median_low
from typing import TYPE_CHECKING

import attrs

from coveo_enrich.classifiers.color.difference import RGB
from coveo_enrich.images.decode import on_white

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

__all__ = ["Foreground", "foreground_of"]

# Shares of the picture, or of its border.
_CUT_OUT = 0.02  # transparent at least; rounded corners are less
_TOO_LITTLE = 0.03  # product at least; less is the trim of a product as white as its background
_PLAIN = 0.8  # of the border like the background at least
_SHADOW_MOST = 0.5  # of what is not background; what takes more was the product itself
_HOLLOW_MOST = 0.5  # solid of what the product encloses; a ring or a frame is less, a white label in a product is more
_EVEN = 0.6  # of a product in one light; a shadow fades from dark to nothing
_EDGE_MOST = 0.5  # of the product; thinner things are all edge, so their edges count
_SOLID_LEAST = 0.05  # of what is visible; less is glass, or too thin to be opaque in a small picture
_AS_SOLID = 0.6  # of the highest opacity there, for glass and thin things

# Steps of a channel, 0 to 255.
_OPAQUE = 250  # shadows and soft edges of a cut-out picture are below
_SAME = 14  # the noise of JPEG around one colour
_EXACTLY = 2  # the background itself; a white product on white is seldom as even
_SHADOW_STEP = 14  # between neighbours at the rim of a shadow; the edge of a product is sharper
_SOFT_STEP = 10  # between neighbours in lamplight or on a backdrop that fades; the edges of pale products are near that

# Shares of the light of the background.
_DARKEST_SHADOW = 0.35
_LIGHTEST = 1.3  # where a lamp shines on it


@attrs.frozen
class Foreground:
    """The pixels of the product.

    Attributes:
        pixels: Their colours, in no particular order; empty when the picture is transparent all over.
        certain: Whether product and background could be told apart; if not, these are the pixels of the whole picture.
    """

    pixels: list[RGB]
    certain: bool


def foreground_of(image: Image) -> Foreground:
    """The product's pixels, by transparency where the picture has it, else by its plain background."""
    cut_out = _cut_out(image)
    if cut_out is not None:
        return Foreground(cut_out, certain=True)
    flat = on_white(image)
    product = _off_background(flat)
    if product is not None:
        return Foreground(product, certain=True)
    return Foreground(_pixels(flat), certain=False)


def _cut_out(image: Image) -> list[RGB] | None:
    """The opaque pixels, or of glass and thin things the most opaque ones; `None` when the picture is not cut out."""
    if image.mode != "RGBA":
        return None
    alpha = image.getchannel("A").tobytes()
    solid = [value >= _OPAQUE for value in alpha]
    if sum(solid) > (1 - _CUT_OUT) * len(alpha):
        return None
    if sum(solid) < _SOLID_LEAST * sum(map(bool, alpha)):
        solid = [value >= _AS_SOLID * max(alpha) for value in alpha]
    return list(compress(_pixels(image.convert("RGB")), solid))


def _off_background(image: Image) -> list[RGB] | None:
    """The pixels that the background does not reach from the border; `None` when it is not plain or reaches all."""
    grid = _Grid.of(image)
    border = grid.border()
    ground = _Ground.of([grid.pixels[at] for at in border])
    if sum(ground.is_like(grid.pixels[at]) for at in border) >= _PLAIN * len(border):
        product = _off_plain(grid, ground)
    elif grid.is_soft(border) and all(ground.is_shaded(grid.pixels[at]) for at in border):
        product = grid.worn_off(grid.pixels.keys() - border, ground.fades)
    else:
        return None
    if len(product) < _TOO_LITTLE * len(grid.pixels):
        return None
    return [grid.pixels[at] for at in grid.without_edge(product)]


def _off_plain(grid: _Grid, ground: _Ground) -> set[int]:
    """The places of the product before a background of one colour; none when only a shadow stands out from it."""
    enclosed = grid.not_reached({at for at, pixel in grid.pixels.items() if ground.is_like(pixel)})
    solid = {at for at in enclosed if not ground.is_exactly(grid.pixels[at])}
    standing = solid if len(solid) < _HOLLOW_MOST * len(enclosed) else enclosed
    lit = grid.worn_off(standing, ground.is_shadowed)
    if len(lit) < _TOO_LITTLE * len(grid.pixels):
        return standing if grid.is_even(standing) else set()
    shadow = len(standing) - len(lit)
    return standing if shadow > _SHADOW_MOST * len(standing) else lit


@attrs.frozen
class _Ground:
    """The colour of a plain background, and what light and shadow make of it."""

    color: RGB

    @classmethod
    def of(cls, border: list[RGB]) -> _Ground:
        red, green, blue = (median_low(channel) for channel in zip(*border, strict=True))
        return cls((red, green, blue))

    def is_like(self, pixel: RGB) -> bool:
        return _apart(pixel, self.color) <= _SAME

    def is_exactly(self, pixel: RGB) -> bool:
        return _apart(pixel, self.color) <= _EXACTLY

    def is_shaded(self, pixel: RGB) -> bool:
        """Whether it may be the background in shadow or lamplight: its hue."""
        light = sum(pixel) / max(1, sum(self.color))
        red, green, blue = self.color
        as_lit = red * light, green * light, blue * light
        return _DARKEST_SHADOW <= light <= _LIGHTEST and _apart(pixel, as_lit) <= _SAME

    def is_shadowed(self, come: RGB, to: RGB) -> bool:
        """Whether a step from the background to a neighbour stays on it, in the shadow or light that falls there."""
        step = _SHADOW_STEP if sum(to) < sum(self.color) else _SOFT_STEP
        return _apart(come, to) <= step and self.is_shaded(to)

    def fades(self, come: RGB, to: RGB) -> bool:
        """Whether a step to a neighbour stays on a backdrop that grows softly lighter or darker."""
        return _apart(come, to) <= _SOFT_STEP and self.is_shaded(to)


@attrs.frozen
class _Grid:
    """The pixels of a picture by their place, and which places touch.

    Places are numbered row by row, with one number left out between rows, so that no place at the end of a row touches
    the start of the next.
    """

    pixels: dict[int, RGB]
    width: int
    height: int

    @classmethod
    def of(cls, image: Image) -> _Grid:
        width, height = image.size
        places = (row * (width + 1) + column for row in range(height) for column in range(width))
        return cls(dict(zip(places, _pixels(image), strict=True)), width, height)

    def border(self) -> set[int]:
        """The places that have a neighbour outside of the picture."""
        rows, bottom = range(self.height), (self.height - 1) * (self.width + 1)
        sides = {row * (self.width + 1) + column for row in rows for column in (0, self.width - 1)}
        return sides.union(range(self.width), range(bottom, bottom + self.width))

    def not_reached(self, passable: set[int]) -> set[int]:
        """The places that a flood from the border over the ``passable`` ones does not reach."""
        front = list(passable & self.border())
        unseen = passable.difference(front)
        while front:
            for to in self._around(front.pop()):
                if to in unseen:
                    unseen.remove(to)
                    front.append(to)
        return (self.pixels.keys() - passable) | unseen

    def worn_off(self, region: set[int], enters: Callable[[RGB, RGB], bool]) -> set[int]:
        """The region less what a flood from outside it enters, from one pixel to its neighbour."""
        left = set(region)
        front = [at for at in self.pixels.keys() - region if not left.isdisjoint(self._around(at))]
        while front:
            come = front.pop()
            for to in self._around(come):
                if to in left and enters(self.pixels[come], self.pixels[to]):
                    left.remove(to)
                    front.append(to)
        return left

    def is_soft(self, region: set[int]) -> bool:
        """Whether no two neighbours in the region differ by more than a backdrop that fades."""
        steps = ((self.pixels[at], self.pixels[to]) for at in region for to in self._around(at) if to in region)
        return all(_apart(one, other) <= _SOFT_STEP for one, other in steps)

    def is_even(self, region: set[int]) -> bool:
        """Whether most of the region has much the same light."""
        if not region:
            return False
        lights = [sum(self.pixels[at]) / 3 for at in region]
        middle = median_low(lights)
        return sum(abs(light - middle) <= _SAME for light in lights) >= _EVEN * len(lights)

    def without_edge(self, region: set[int]) -> set[int]:
        """The region less its outermost places, which are mixed with the background; thin regions stay as they are."""
        core = {at for at in region if region.issuperset(self._around(at))}
        return core if len(core) >= _EDGE_MOST * len(region) else region

    def _around(self, at: int) -> tuple[int, int, int, int]:
        return at - 1, at + 1, at - self.width - 1, at + self.width + 1


def _apart(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]), abs(one[2] - other[2]))


def _pixels(image: Image) -> list[RGB]:
    data = image.tobytes()
    return list(zip(data[0::3], data[1::3], data[2::3], strict=True))
