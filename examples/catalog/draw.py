"""Draws the pictures of the example catalog, so that it has pictures which nobody else has a right to.

Run it as ``python examples/catalog/draw.py``; it writes into the ``images`` folder beside it, the same pixels each
time. The first part is the drawing tools, then comes one function a shape, then the table of files. What the products
cost and are called stands in ``products.jsonl``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from math import cos, dist, inf, pi, sin
from pathlib import Path
from typing import TypeAlias

import attrs
from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter

IMAGES = Path(__file__).parent / "images"

Point: TypeAlias = tuple[float, float]
Outline: TypeAlias = Sequence[Point]
Rgb: TypeAlias = tuple[int, int, int]

BEIGE: Rgb = (217, 195, 158)
BLACK: Rgb = (36, 36, 39)
BLUE: Rgb = (22, 98, 196)
BROWN: Rgb = (124, 72, 36)
GRAY: Rgb = (139, 141, 145)
GREEN: Rgb = (58, 132, 62)
NAVY: Rgb = (22, 33, 84)
ORANGE: Rgb = (245, 120, 22)
PINK: Rgb = (242, 126, 170)
PURPLE: Rgb = (112, 60, 156)
RED: Rgb = (212, 34, 38)
SILVER: Rgb = (186, 190, 196)
TURQUOISE: Rgb = (36, 184, 180)
WHITE: Rgb = (250, 250, 247)
YELLOW: Rgb = (250, 204, 22)

OVERSAMPLING = 4
CURVE_STEPS = 12
ELLIPSE_STEPS = 96


# --- Outlines, in pixels of the finished picture


def between(start: Point, end: Point, share: float) -> Point:
    """Return the point that lies at ``share`` (0 to 1) of the way from ``start`` to ``end``."""
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def bend(before: Point, corner: Point, after: Point, radius: float) -> Iterator[Point]:
    """Yield a curve that cuts a corner ``radius`` pixels away from it, at most half-way to its neighbours."""
    start = between(corner, before, min(0.5, radius / max(dist(corner, before), 1e-9)))
    end = between(corner, after, min(0.5, radius / max(dist(corner, after), 1e-9)))
    for step in range(CURVE_STEPS + 1):
        share = step / CURVE_STEPS
        yield between(between(start, corner, share), between(corner, end, share), share)


def rounded(points: Outline, radius: float = inf) -> list[Point]:
    """Return a closed outline with round corners; a point given twice stays a sharp one."""
    following = [*points[1:], points[0]]
    preceding = [points[-1], *points[:-1]]
    corners = zip(preceding, points, following, strict=True)
    return [point for corner in corners for point in bend(*corner, radius)]


def flowing(points: Outline) -> list[Point]:
    """Return an open line from the first point to the last, round in between."""
    corners = zip(points, points[1:], points[2:], strict=False)
    return [points[0], *(point for corner in corners for point in bend(*corner, inf)), points[-1]]


def mirrored(left: Outline, axis: float = 240) -> list[Point]:
    """Return the left half, given from top to bottom, and its mirror image."""
    return [*left, *((2 * axis - x, y) for x, y in reversed(left))]


def ellipse(x: float, y: float, width: float, height: float) -> list[Point]:
    """Return an ellipse around ``x``, ``y`` with these half axes."""
    angles = (2 * pi * step / ELLIPSE_STEPS for step in range(ELLIPSE_STEPS))
    return [(x + width * cos(angle), y + height * sin(angle)) for angle in angles]


def box(left: float, top: float, right: float, bottom: float, radius: float = 0) -> list[Point]:
    """Return a rectangle with round corners."""
    return rounded([(left, top), (right, top), (right, bottom), (left, bottom)], radius)


# --- Light and colour


def mixed(color: Rgb, other: Rgb, share: float) -> Rgb:
    """Return ``color`` with ``share`` (0 to 1) of another colour in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return (red, green, blue)


def lighter(color: Rgb, share: float = 0.3) -> Rgb:
    """Return the colour with white in it."""
    return mixed(color, (255, 255, 255), share)


def darker(color: Rgb, share: float = 0.3) -> Rgb:
    """Return the colour with black in it."""
    return mixed(color, (0, 0, 0), share)


def scaled(mask: Image.Image, share: float) -> Image.Image:
    """Return the mask with only ``share`` (0 to 1) of its strength."""
    return Image.blend(Image.new("L", mask.size), mask, share)


def edge(mask: Image.Image, shift: tuple[int, int], blur: float) -> Image.Image:
    """Return a soft band along the inner side of the mask from which ``shift`` leads away."""
    core = ImageChops.offset(mask, *shift).filter(ImageFilter.GaussianBlur(blur))
    return ImageChops.multiply(ImageChops.invert(core), mask)


def ramp(size: tuple[int, int], region: tuple[int, int, int, int]) -> Image.Image:
    """Return a mask that goes from 0 at the top of the region to 255 at its bottom."""
    left, top, right, bottom = region
    mask, gradient = Image.new("L", size), Image.linear_gradient("L")
    # Pillow types `resize` with NumPy's arrays, and NumPy is not installed.
    gradient = gradient.resize((right - left, bottom - top))  # pyright: ignore[reportUnknownMemberType]
    mask.paste(gradient, (left, top))
    return mask


def lit(mask: Image.Image, color: Rgb, relief: float) -> Image.Image:
    """Return the part behind the mask, lit from the top left; ``relief`` 0 is flat, 1 is round."""
    region = mask.getbbox() or (0, 0, 1, 1)
    depth = min(region[2] - region[0], region[3] - region[1], 160) * 0.09 + 1
    shift = round(depth * 0.8)
    light = Image.new("RGB", mask.size, lighter(color, 0.45))
    dark = Image.new("RGB", mask.size, darker(color, 0.55))
    part = Image.new("RGB", mask.size, lighter(color, 0.12 * relief))
    part.paste(dark, mask=scaled(ramp(mask.size, region), 0.32 * relief))
    part.paste(dark, mask=scaled(edge(mask, (-shift, -shift), depth), 0.6 * relief))
    part.paste(light, mask=scaled(edge(mask, (shift, shift), depth), 0.6 * relief))
    part.putalpha(mask)
    return part


class Sketch:
    """A transparent sheet on which the parts of a product are laid one over the other."""

    def __init__(self, width: int = 480, height: int = 480) -> None:
        """Start with nothing on the sheet."""
        self.sheet = Image.new("RGBA", (width, height))

    def part(self, outline: Outline, color: Rgb, relief: float = 0.6) -> None:
        """Lay a filled part."""
        mask, pen = self._big_mask()
        pen.polygon(_enlarged(outline), fill=255)
        self._lay(mask, color, relief)

    def line(self, points: Outline, color: Rgb, width: float = 3, relief: float = 0) -> None:
        """Lay a line with round ends: a seam, a cord, a strap."""
        mask, pen = self._big_mask()
        big, half = _enlarged(points), width * OVERSAMPLING / 2
        pen.line(big, fill=255, width=round(2 * half), joint="curve")
        for x, y in (big[0], big[-1]):
            pen.ellipse((x - half, y - half, x + half, y + half), fill=255)
        self._lay(mask, color, relief)

    def stitches(self, points: Outline, color: Rgb) -> None:
        """Lay a dashed line; the dashes are as long as the steps between the points."""
        for start, end in zip(points[::2], points[1::2], strict=False):
            self.line((start, end), color, 2)

    def _big_mask(self) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        width, height = self.sheet.size
        mask = Image.new("L", (width * OVERSAMPLING, height * OVERSAMPLING))
        return mask, ImageDraw.Draw(mask)

    def _lay(self, big_mask: Image.Image, color: Rgb, relief: float) -> None:
        self.sheet.alpha_composite(lit(big_mask.reduce(OVERSAMPLING), color, relief))


def _enlarged(points: Outline) -> list[Point]:
    return [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]


# --- The shapes, one function each


def kayak_side(color: Rgb) -> Sketch:
    """Draw a single-seat kayak from the side and a little above."""
    sketch = Sketch(640, 320)
    tips = ((26, 106), (26, 106)), ((614, 100), (614, 100))
    sketch.part(
        rounded([*tips[0], (70, 190), (220, 244), (430, 244), (574, 186), *tips[1], (470, 150), (160, 150)]), color, 1
    )
    deck = [*tips[0], (120, 176), (330, 200), (520, 172), *tips[1], (480, 120), (330, 108), (140, 118)]
    sketch.part(rounded(deck), lighter(color, 0.18), 0.35)
    sketch.line(flowing([(40, 116), (130, 178), (330, 202), (520, 174), (600, 112)]), darker(color, 0.35), 4)
    sketch.part(ellipse(322, 148, 92, 25), BLACK, 0.5)
    sketch.part(ellipse(322, 148, 80, 18), darker(BLACK, 0.5), 0)
    sketch.part(rounded([(352, 162), (352, 120), (372, 104), (396, 112), (398, 150), (380, 162)]), BLACK, 0.9)
    for left, right in ((182, 216), (216, 182), (432, 462), (462, 432)):
        sketch.line(((left, 132), (right, 164)), BLACK, 3.5)
    sketch.part(ellipse(508, 136, 22, 8), BLACK, 0.7)
    sketch.line(flowing([(40, 112), (52, 100), (66, 116)]), BLACK, 6, 0.5)
    sketch.line(flowing([(574, 112), (588, 94), (602, 106)]), BLACK, 6, 0.5)
    return sketch


def kayak_top(color: Rgb) -> Sketch:
    """Draw the kayak from above."""
    sketch = Sketch(640, 240)
    half = [(20, 120), (20, 120), (130, 70), (320, 40), (500, 66), (620, 120), (620, 120)]
    sketch.part(rounded([*half, *((x, 240 - y) for x, y in reversed(half))]), color, 1)
    sketch.line(((60, 120), (580, 120)), darker(color, 0.18), 3)
    sketch.part(ellipse(330, 120, 88, 40), BLACK, 0.6)
    sketch.part(ellipse(330, 120, 77, 31), darker(BLACK, 0.45), 0)
    sketch.part(box(338, 96, 396, 144, 18), lighter(BLACK, 0.12), 0.9)
    for left, right in ((170, 206), (206, 170), (442, 474), (474, 442)):
        sketch.line(((left, 96), (right, 144)), BLACK, 3.5)
    sketch.part(ellipse(520, 120, 20, 15), BLACK, 0.8)
    for x in (44, 596):
        sketch.line(((x, 112), (x, 128)), BLACK, 6)
    return sketch


def _sleeves(sketch: Sketch, color: Rgb) -> None:
    left = [(158, 92), (112, 116), (70, 250), (40, 372), (92, 392), (140, 260), (178, 180)]
    cuff = [(40, 366), (94, 386), (88, 404), (34, 384)]
    for side in (left, [(480 - x, y) for x, y in left]):
        sketch.part(rounded(side, 34), color, 0.9)
    for side in (cuff, [(480 - x, y) for x, y in cuff]):
        sketch.part(rounded(side, 8), darker(color, 0.3), 0.6)


def _torso(sketch: Sketch, color: Rgb) -> None:
    body = mirrored([(196, 74), (150, 94), (138, 150), (146, 280), (138, 412)])
    sketch.part(rounded(body, 26), color, 0.8)
    sketch.part(rounded(mirrored([(137, 398), (139, 420)]), 7), darker(color, 0.3), 0.5)


def jacket_front(color: Rgb) -> Sketch:
    """Draw a rain jacket with a stand-up collar and a long zip."""
    sketch = Sketch()
    _sleeves(sketch, color)
    _torso(sketch, color)
    sketch.line(flowing([(146, 168), (190, 190), (240, 190)]), darker(color, 0.4))
    sketch.line(flowing([(334, 168), (290, 190), (240, 190)]), darker(color, 0.4))
    sketch.part(rounded(mirrored([(190, 48), (184, 92), (214, 108)]), 16), darker(color, 0.2), 0.8)
    sketch.line(((240, 50), (240, 418)), darker(color, 0.65), 9)
    sketch.line(((240, 50), (240, 418)), SILVER, 2)
    sketch.part(box(235, 76, 245, 98, 4), SILVER, 0.8)
    for inner, outer in ((206, 168), (274, 312)):
        sketch.line(((inner, 290), (outer, 352)), darker(color, 0.6), 5)
    sketch.part(box(276, 212, 308, 220, 3), ORANGE, 0.3)
    return sketch


def jacket_back(color: Rgb) -> Sketch:
    """Draw the same rain jacket from behind."""
    sketch = Sketch()
    _sleeves(sketch, color)
    _torso(sketch, color)
    sketch.part(rounded(mirrored([(192, 50), (186, 86), (214, 96)]), 16), darker(color, 0.25), 0.8)
    sketch.line(flowing([(148, 164), (240, 196), (332, 164)]), darker(color, 0.45))
    sketch.line(((240, 180), (240, 398)), darker(color, 0.35), 2)
    sketch.part(box(226, 112, 254, 119, 3), ORANGE, 0.3)
    return sketch


def fleece(color: Rgb) -> Sketch:
    """Draw a hooded fleece with a kangaroo pocket."""
    sketch = Sketch()
    _sleeves(sketch, color)
    _torso(sketch, color)
    sketch.part(rounded(mirrored([(214, 24), (166, 44), (160, 104), (206, 140)]), 34), color, 0.9)
    sketch.part(rounded(mirrored([(214, 52), (192, 74), (196, 108), (224, 126)]), 26), darker(color, 0.55), 0.7)
    sketch.part(rounded(mirrored([(190, 276), (168, 350), (168, 374)]), 10), darker(color, 0.08), 0.5)
    sketch.line(((240, 128), (240, 216)), darker(color, 0.55), 5)
    for x in (222, 258):
        sketch.line(flowing([(x, 122), (x - 3, 150), (x + 2, 184)]), WHITE, 5, 0.4)
    return sketch


def tent(color: Rgb) -> Sketch:
    """Draw a two-person tent with an open door."""
    sketch = Sketch(560, 400)
    for start, end in (((250, 66), (26, 352)), ((470, 210), (548, 346))):
        sketch.line((start, end), SILVER, 2)
    sketch.part(rounded([(236, 62), (372, 76), (470, 190), (512, 340), (340, 352)], 22), darker(color, 0.22), 0.6)
    sketch.part(rounded([(236, 56), (252, 56), (352, 352), (352, 352), (60, 352), (60, 352)], 12), color, 0.7)
    sketch.part(rounded([(236, 132), (296, 350), (296, 350), (158, 350), (158, 350)], 26), darker(color, 0.82), 0.2)
    sketch.part(rounded([(236, 128), (222, 220), (136, 352), (166, 352), (228, 250)], 18), lighter(color, 0.15), 0.5)
    sketch.line(((244, 60), (60, 352)), darker(color, 0.35), 4)
    sketch.line(((246, 60), (352, 352)), darker(color, 0.35), 4)
    sketch.line(flowing([(372, 80), (440, 200), (452, 344)]), darker(color, 0.45), 4)
    sketch.line(((58, 353), (512, 342)), darker(color, 0.6), 5)
    return sketch


def backpack(color: Rgb) -> Sketch:
    """Draw a trekking backpack from the front."""
    sketch = Sketch()
    sketch.line(flowing([(206, 66), (210, 22), (270, 22), (274, 66)]), darker(color, 0.5), 11, 0.6)
    for x in (106, 374):
        sketch.part(box(x - 28, 250, x + 28, 400, 22), darker(color, 0.25), 0.9)
    sketch.part(rounded(mirrored([(150, 84), (116, 220), (112, 440)]), 48), color, 0.9)
    sketch.part(box(146, 266, 334, 416, 34), lighter(color, 0.08), 0.8)
    sketch.line(((164, 300), (316, 300)), darker(color, 0.6), 5)
    sketch.part(rounded(mirrored([(150, 50), (124, 96), (122, 184), (150, 206)]), 34), lighter(color, 0.04), 0.9)
    for x in (184, 296):
        sketch.line(((x, 120), (x, 262)), darker(color, 0.62), 12, 0.4)
        sketch.part(box(x - 13, 212, x + 13, 238, 5), BLACK, 0.9)
    sketch.part(box(212, 118, 268, 142, 4), lighter(color, 0.6), 0.2)
    return sketch


def backpack_back(color: Rgb) -> Sketch:
    """Draw the side of the backpack that carries: shoulder straps and hip belt."""
    sketch = Sketch()
    sketch.line(flowing([(206, 62), (210, 24), (270, 24), (274, 62)]), darker(color, 0.5), 11, 0.6)
    sketch.part(rounded(mirrored([(146, 50), (112, 220), (112, 440)]), 48), color, 0.8)
    sketch.part(rounded(mirrored([(178, 96), (160, 220), (160, 380)]), 30), darker(color, 0.25), 0.7)
    for left in ([(214, 84), (150, 130), (140, 260), (164, 388)], [(266, 84), (330, 130), (340, 260), (316, 388)]):
        sketch.line(flowing(left), darker(color, 0.45), 34, 0.9)
    sketch.line(((196, 190), (284, 190)), BLACK, 8, 0.4)
    sketch.part(rounded(mirrored([(54, 372), (54, 412), (180, 428), (200, 384)]), 18), darker(color, 0.35), 0.9)
    sketch.part(box(220, 386, 260, 422, 8), BLACK, 0.9)
    return sketch


def mug(color: Rgb) -> Sketch:
    """Draw an enamelled mug with a dark rim."""
    sketch = Sketch()
    sketch.line(flowing([(322, 160), (448, 140), (450, 320), (318, 326)]), color, 28, 0.9)
    side = [(82, 108), (82, 108), (92, 386), (118, 414)]
    sketch.part(rounded(mirrored(side, 208), 40), color, 0.5)
    sketch.part(ellipse(208, 108, 127, 34), mixed(color, NAVY, 0.85), 0.5)
    sketch.part(ellipse(208, 109, 118, 28), mixed(color, GRAY, 0.35), 0.6)
    mountains = [(138, 316), (186, 226), (208, 262), (226, 240), (278, 316)]
    sketch.part(rounded(mountains, 5), mixed(color, NAVY, 0.75), 0.2)
    return sketch


def _boot(sketch: Sketch, color: Rgb, x: float, y: float) -> None:
    def at(*points: Point) -> list[Point]:
        return [(x + dx, y + dy) for dx, dy in points]

    upper = at((10, 0), (112, 6), (120, 110), (180, 158), (262, 182), (278, 238), (6, 238), (14, 130))
    sketch.part(rounded(upper, 34), color, 1)
    sketch.part(rounded(at((186, 166), (256, 182), (278, 212), (278, 240), (196, 240)), 30), darker(color, 0.35), 1)
    sketch.part(rounded(at((4, -8), (116, -2), (116, 26), (4, 22)), 12), lighter(color, 0.14), 0.8)
    sole = at((2, 232), (284, 232), (286, 264), (106, 264), (98, 256), (88, 266), (2, 266))
    sketch.part(rounded(sole, 8), darker(color, 0.5), 0.6)
    sketch.line(at((8, 234), (280, 234)), lighter(color, 0.25), 3)
    for step in range(6):
        lace = at((76 + step * 14, 46 + step * 22), (112 + step * 13, 38 + step * 23))
        sketch.line(lace, lighter(color, 0.32), 5, 0.5)
    sketch.line(flowing(at((16, 140), (70, 128), (110, 180), (186, 196))), lighter(color, 0.18), 2)


def boots(color: Rgb) -> Sketch:
    """Draw a pair of hiking boots."""
    sketch = Sketch(480, 400)
    _boot(sketch, lighter(color, 0.05), 150, 46)
    _boot(sketch, color, 46, 94)
    return sketch


def life_vest(color: Rgb) -> Sketch:
    """Draw a buoyancy vest with three buckles."""
    sketch = Sketch()
    sketch.part(rounded(mirrored([(176, 60), (150, 120), (160, 400)]), 20), darker(color, 0.55), 0.4)
    panel = [(150, 44), (196, 40), (212, 150), (234, 190), (234, 430), (120, 430), (92, 404), (96, 236), (136, 168)]
    for side in (panel, [(480 - x, y) for x, y in panel]):
        sketch.part(rounded(side, 26), color, 1)
    sketch.line(((240, 192), (240, 426)), darker(color, 0.7), 6)
    for y in (226, 296, 366):
        sketch.line(((98, y), (382, y)), BLACK, 16, 0.5)
        sketch.part(box(214, y - 15, 266, y + 15, 7), lighter(BLACK, 0.15), 0.9)
    for x in (168, 312):
        sketch.line(((x - 14, 112), (x + 14, 112)), SILVER, 14, 0.3)
    return sketch


def bottle(color: Rgb) -> Sketch:
    """Draw a steel bottle with a screw lid and a carrying loop."""
    sketch = Sketch(400, 520)
    sketch.line(flowing([(164, 92), (158, 26), (242, 26), (236, 92)]), BLACK, 12, 0.7)
    sketch.part(box(156, 62, 244, 116, 12), BLACK, 0.9)
    sketch.part(box(164, 112, 236, 136, 4), SILVER, 0.7)
    sketch.part(rounded(mirrored([(164, 132), (160, 152), (118, 196), (118, 480)], 200), 30), color, 1)
    sketch.part(box(134, 220, 146, 440, 6), lighter(color, 0.5), 0)
    sketch.part(ellipse(214, 320, 30, 30), lighter(color, 0.6), 0.2)
    sketch.part(rounded([(194, 334), (210, 306), (217, 318), (222, 312), (234, 334)], 3), color, 0)
    return sketch


def belt(color: Rgb) -> Sketch:
    """Draw a leather belt, rolled up, with its buckle in front."""
    sketch = Sketch(480, 400)
    front = [(240 - 196 * cos(pi * step / 60), 106 * sin(pi * step / 60)) for step in range(61)]
    wall = [*((x, 158 + y) for x, y in front), *((x, 244 + y) for x, y in reversed(front))]
    sketch.part(ellipse(240, 158, 196, 106), darker(color, 0.72), 0)
    for width in (196, 160, 124, 88):
        sketch.line(ellipse(240, 158, width - 9, (width - 9) * 0.54), color, 17, 0.7)
    sketch.part(wall, color, 0.8)
    for drop in (172, 232):
        sketch.stitches([(x, drop + y) for x, y in front[1:-1]], lighter(color, 0.5))
    sketch.part(box(192, 258, 288, 360, 16), SILVER, 0.9)
    sketch.part(box(207, 273, 273, 345, 8), darker(color, 0.15), 0.5)
    sketch.line(((204, 309), (282, 309)), lighter(SILVER), 10, 0.9)
    for x in (312, 344, 374):
        sketch.part(ellipse(x, 202 + front[round(60 * (x - 44) / 392)][1], 4, 5), darker(color, 0.75), 0)
    return sketch


def sleeping_bag(color: Rgb) -> Sketch:
    """Draw a mummy sleeping bag, laid out."""
    sketch = Sketch(360, 560)
    bag = [(150, 24), (92, 44), (76, 120), (58, 190), (84, 380), (108, 528), (140, 540)]
    sketch.part(rounded(mirrored(bag, 180), 60), color, 0.9)
    for y in range(220, 520, 50):
        inset = 70 + (y - 190) * 0.12
        sketch.line(flowing([(inset, y), (180, y + 22), (360 - inset, y)]), darker(color, 0.35), 3)
    sketch.part(rounded(mirrored([(150, 46), (112, 74), (112, 140), (150, 172)], 180), 50), darker(color, 0.5), 0.8)
    sketch.part(rounded(mirrored([(150, 78), (126, 106), (134, 160)], 180), 30), lighter(color, 0.55), 0.8)
    sketch.line(flowing([(226, 164), (262, 250), (250, 400)]), BLACK, 4)
    sketch.part(box(252, 300, 262, 324, 4), SILVER, 0.8)
    return sketch


def sleeping_bag_packed(color: Rgb) -> Sketch:
    """Draw the sleeping bag in its compression sack."""
    sketch = Sketch(480, 320)
    sketch.part(box(56, 62, 410, 266, 60), color, 1)
    sketch.part(ellipse(386, 164, 44, 100), darker(color, 0.3), 0.7)
    sketch.part(ellipse(388, 164, 12, 20), BLACK, 0.9)
    for x in (132, 222, 312):
        sketch.line(flowing([(x + 6, 64), (x - 16, 164), (x + 6, 264)]), BLACK, 11, 0.5)
        sketch.part(box(x - 16, 136, x + 8, 168, 5), lighter(BLACK, 0.18), 0.9)
    sketch.line(flowing([(150, 62), (180, 22), (260, 22), (290, 62)]), BLACK, 12, 0.6)
    return sketch


def paddle(color: Rgb) -> Sketch:
    """Draw a double-bladed paddle, its shaft and tips in black."""
    sketch = Sketch(640, 200)
    sketch.line(((150, 100), (490, 100)), BLACK, 13, 0.8)
    blade = [(16, 92), (26, 58), (110, 50), (186, 90), (186, 110), (120, 136), (28, 132)]
    tip = [(16, 92), (26, 60), (42, 58), (42, 133), (28, 130)]
    for outline, tone in ((blade, color), (tip, BLACK)):
        sketch.part(rounded(outline, 24), tone, 0.8)
        sketch.part(rounded([(640 - x, 200 - y) for x, y in outline], 24), tone, 0.8)
    sketch.line(((60, 98), (180, 100)), darker(color, 0.35), 4)
    sketch.line(((580, 102), (460, 100)), darker(color, 0.35), 4)
    for x in (236, 404):
        sketch.part(box(x - 30, 91, x + 30, 109, 6), darker(BLACK, 0.4), 0.9)
    sketch.part(box(312, 91, 328, 109, 3), SILVER, 0.9)
    return sketch


def hat(color: Rgb) -> Sketch:
    """Draw a sun hat with a wide brim."""
    sketch = Sketch(520, 360)
    sketch.line(flowing([(150, 240), (200, 350), (260, 330), (320, 350), (370, 240)]), BROWN, 5, 0.4)
    brim = [(14, 226), (120, 176), (400, 176), (506, 226), (430, 292), (260, 300), (90, 292)]
    sketch.part(rounded(brim), color, 0.7)
    sketch.part(ellipse(260, 224, 146, 40), darker(color, 0.22), 0.3)
    crown = [(122, 232), (146, 90), (196, 50), (260, 66), (324, 50), (374, 90), (398, 232), (260, 276)]
    sketch.part(rounded(crown, 50), color, 0.8)
    band = [(124, 190), (124, 190), (260, 236), (396, 190), (396, 190), (400, 228), (260, 280), (120, 228)]
    sketch.part(rounded(band, 110), darker(color, 0.28), 0.5)
    for x in (168, 186, 334, 352):
        sketch.part(ellipse(x, 140, 4, 5), darker(color, 0.6), 0)
    return sketch


def dry_bag(color: Rgb) -> Sketch:
    """Draw a roll-top dry bag."""
    sketch = Sketch(400, 520)
    sketch.line(flowing([(120, 90), (130, 22), (270, 22), (280, 90)]), BLACK, 13, 0.6)
    sketch.part(box(180, 14, 220, 36, 6), lighter(BLACK, 0.15), 0.9)
    sketch.part(rounded(mirrored([(104, 92), (84, 176), (84, 488)], 200), 36), color, 1)
    for x in (134, 266):
        sketch.line(((x, 104), (200 + (x - 200) * 0.55, 172)), darker(color, 0.3), 3)
    sketch.part(box(92, 76, 308, 112, 16), darker(color, 0.2), 0.9)
    sketch.part(box(84, 438, 316, 492, 26), darker(color, 0.22), 0.7)
    sketch.part(box(150, 214, 250, 362, 10), lighter(color, 0.25), 0.2)
    drop = [(200, 232), (200, 232), (166, 296), (180, 344), (220, 344), (234, 296)]
    sketch.part(rounded(drop, 30), WHITE, 0.3)
    return sketch


def lantern(color: Rgb) -> Sketch:
    """Draw a camping lantern, switched on."""
    sketch = Sketch(360, 480)
    sketch.line(flowing([(92, 150), (80, 20), (280, 20), (268, 150)]), SILVER, 8, 0.6)
    sketch.part(box(112, 150, 248, 360, 24), (255, 226, 150), 0.7)
    sketch.part(ellipse(180, 256, 30, 62), (255, 250, 226), 0.2)
    for x in (112, 180, 248):
        sketch.line(((x, 140), (x, 366)), darker(color, 0.3), 7, 0.6)
    sketch.part(rounded(mirrored([(152, 74), (96, 130), (96, 156)], 180), 14), color, 0.9)
    sketch.part(rounded(mirrored([(96, 346), (78, 452)], 180), 18), color, 0.9)
    sketch.part(ellipse(180, 402, 20, 20), BLACK, 0.9)
    return sketch


# --- What is behind the product: the drawing becomes a picture


def cut_out(drawing: Image.Image) -> Image.Image:
    """Leave the background transparent."""
    return drawing


def on_white(drawing: Image.Image) -> Image.Image:
    """Put the drawing on white."""
    return _before(Image.new("RGBA", drawing.size, "white"), drawing)


def with_shadow(drawing: Image.Image) -> Image.Image:
    """Put the drawing on white, with a soft shadow to its bottom right."""
    return _before(_shadowed(Image.new("RGBA", drawing.size, "white"), drawing), drawing)


def in_studio(drawing: Image.Image) -> Image.Image:
    """Put the drawing before a light gray screen, with a soft shadow."""
    screen = Image.new("RGBA", drawing.size, (238, 239, 241))
    screen.paste((220, 222, 225), mask=ramp(drawing.size, (0, 0, *drawing.size)))
    return _before(_shadowed(screen, drawing), drawing)


def _shadowed(wall: Image.Image, drawing: Image.Image) -> Image.Image:
    shadow = ImageChops.offset(drawing.getchannel("A"), 7, 9).filter(ImageFilter.GaussianBlur(9))
    wall.paste((60, 62, 70), mask=scaled(shadow, 0.45))
    return wall


def _before(wall: Image.Image, drawing: Image.Image) -> Image.Image:
    return Image.alpha_composite(wall, drawing).convert("RGB")


# --- What kind of file it becomes


def webp(picture: Image.Image) -> bytes:
    """Encode as lossy WebP, with transparency when the picture has it."""
    file = BytesIO()
    picture.save(file, "WEBP", quality=82)
    return file.getvalue()


def png(picture: Image.Image) -> bytes:
    """Encode as PNG, with transparency when the picture has it."""
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def palette_png(picture: Image.Image) -> bytes:
    """Encode as PNG with a palette whose last entry is transparent, so the rim is hard."""
    inside = picture.getchannel("A").convert("1", dither=Image.Dither.NONE)
    reduced = on_white(picture).quantize(255)
    palette = reduced.getpalette() or []
    clear = len(palette) // 3
    reduced.putpalette([*palette, 255, 255, 255])
    reduced.paste(clear, mask=ImageChops.invert(inside))
    reduced.info["transparency"] = clear
    return png(reduced)


def jpeg(picture: Image.Image, orientation: int = 1) -> bytes:
    """Encode as JPEG; an EXIF ``orientation`` is written only when it is not 1, upright."""
    exif, file = Image.Exif(), BytesIO()
    if orientation != 1:
        exif[ExifTags.Base.Orientation] = orientation
    picture.save(file, "JPEG", quality=86, optimize=True, exif=exif)
    return file.getvalue()


def lying_jpeg(picture: Image.Image) -> bytes:
    """Encode as a camera held upright does: the pixels lie on their side, and EXIF orientation 6 says so."""
    return jpeg(picture.transpose(Image.Transpose.ROTATE_90), orientation=6)


def torn_jpeg(picture: Image.Image) -> bytes:
    """Encode as JPEG of which only the first half arrived."""
    whole = jpeg(picture)
    return whole[: len(whole) // 2]


# --- The pictures


@attrs.frozen
class Picture:
    """One file of the folder, and how it comes about."""

    file: str
    shape: Callable[[Rgb], Sketch]
    color: Rgb
    background: Callable[[Image.Image], Image.Image]
    encode: Callable[[Image.Image], bytes]

    def draw(self) -> bytes:
        """Return the bytes of the file."""
        return self.encode(self.background(self.shape(self.color).sheet))


PICTURES = (
    Picture("kayak-yellow.webp", kayak_side, YELLOW, on_white, webp),
    Picture("kayak-yellow-top.jpg", kayak_top, YELLOW, on_white, jpeg),
    Picture("paddle-blue.png", paddle, BLUE, cut_out, png),
    Picture("life-vest-orange.png", life_vest, ORANGE, cut_out, palette_png),
    Picture("dry-bag-turquoise.webp", dry_bag, TURQUOISE, on_white, webp),
    Picture("jacket-navy.jpg", jacket_front, NAVY, with_shadow, jpeg),
    Picture("jacket-navy-back.jpg", jacket_back, NAVY, with_shadow, jpeg),
    Picture("fleece-gray.webp", fleece, GRAY, cut_out, webp),
    Picture("hat-beige.jpg", hat, BEIGE, on_white, jpeg),
    Picture("belt-brown.jpg", belt, BROWN, on_white, jpeg),
    Picture("boots-black.jpg", boots, BLACK, on_white, lying_jpeg),
    Picture("tent-red.webp", tent, RED, on_white, webp),
    Picture("sleeping-bag-purple.webp", sleeping_bag, PURPLE, cut_out, webp),
    Picture("sleeping-bag-purple-packed.jpg", sleeping_bag_packed, PURPLE, with_shadow, jpeg),
    Picture("backpack-green.png", backpack, GREEN, cut_out, png),
    Picture("backpack-green-straps.jpg", backpack_back, GREEN, on_white, jpeg),
    Picture("mug-white.png", mug, WHITE, cut_out, png),
    Picture("bottle-pink.jpg", bottle, PINK, in_studio, jpeg),
    Picture("lantern-green.jpg", lantern, GREEN, on_white, torn_jpeg),
)


def draw_all(folder: Path = IMAGES) -> None:
    """Write every picture into the folder, which is made when it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        (folder / picture.file).write_bytes(picture.draw())


if __name__ == "__main__":
    draw_all()
