"""How different two colours look: from sRGB to CIELAB, and CIEDE2000 between two CIELAB colours.

CIELAB alone calls navy purple and teal gray, because equal steps in it are not equal to the eye; CIEDE2000 mends that.
Nothing here knows the name of a colour.
"""

from __future__ import annotations

from math import atan2, copysign, cos, degrees, exp, hypot, radians, sin, sqrt
from typing import NamedTuple

__all__ = ["RGB", "Lab", "ciede2000", "lab_of"]

RGB = tuple[int, int, int]

_D65 = (0.95047, 1.0, 1.08883)
_SRGB_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_LINEAR_BELOW = 0.04045  # the foot of the sRGB curve
_HALF_TURN = 180.0  # degrees
_25_TO_THE_7TH = 25.0**7


class Lab(NamedTuple):
    """A colour in CIELAB under D65.

    Attributes:
        lightness: 0 (black) to 100 (white).
        a: Green (negative) to red.
        b: Blue (negative) to yellow.
    """

    lightness: float
    a: float
    b: float

    @property
    def chroma(self) -> float:
        """How far from gray: 0 for black, gray and white, about 100 and more for the purest colours."""
        return hypot(self.a, self.b)


def lab_of(rgb: RGB) -> Lab:
    """The CIELAB colour of an sRGB colour with channels from 0 to 255."""
    linear = [_linear(channel / 255) for channel in rgb]
    x, y, z = (
        _cube_root(sum(map(float.__mul__, row, linear)) / white) for row, white in zip(_SRGB_TO_XYZ, _D65, strict=True)
    )
    return Lab(116 * y - 16, 500 * (x - y), 200 * (y - z))


def ciede2000(one: Lab, other: Lab) -> float:
    """The CIEDE2000 difference: about 1 is just seen side by side, above about 10 is another colour to most people."""
    mean_chroma = (one.chroma + other.chroma) / 2
    stretch = 1.5 - 0.5 * _seventh(mean_chroma)
    a1, a2 = one.a * stretch, other.a * stretch
    chroma1, chroma2 = hypot(a1, one.b), hypot(a2, other.b)
    turn, hue = _hues(a1, one.b, a2, other.b)

    lightness = (one.lightness + other.lightness) / 2
    chroma = (chroma1 + chroma2) / 2
    d_lightness = (other.lightness - one.lightness) / _lightness_scale(lightness)
    d_chroma = (chroma2 - chroma1) / (1 + 0.045 * chroma)
    d_hue = 2 * sqrt(chroma1 * chroma2) * sin(turn / 2) / (1 + 0.015 * chroma * _hue_weight(hue))
    return sqrt(d_lightness**2 + d_chroma**2 + d_hue**2 + _blue_rotation(hue, chroma) * d_chroma * d_hue)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= _LINEAR_BELOW else ((channel + 0.055) / 1.055) ** 2.4


def _cube_root(value: float) -> float:
    return value ** (1 / 3) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29


def _seventh(chroma: float) -> float:
    power = chroma**7
    return sqrt(power / (power + _25_TO_THE_7TH))


def _hues(a1: float, b1: float, a2: float, b2: float) -> tuple[float, float]:
    """The turn from the first hue to the second, in radians, and the hue between them, in degrees."""
    first, second = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    if not (a1 or b1) or not (a2 or b2):
        return 0.0, first + second
    turn, hue = second - first, (first + second) / 2
    if abs(turn) > _HALF_TURN:
        turn, hue = turn - copysign(360, turn), (hue + _HALF_TURN) % 360
    return radians(turn), hue


def _lightness_scale(lightness: float) -> float:
    off_middle = (lightness - 50) ** 2
    return 1 + 0.015 * off_middle / sqrt(20 + off_middle)


def _hue_weight(hue: float) -> float:
    return (
        1
        - 0.17 * cos(radians(hue - 30))
        + 0.24 * cos(radians(2 * hue))
        + 0.32 * cos(radians(3 * hue + 6))
        - 0.20 * cos(radians(4 * hue - 63))
    )


def _blue_rotation(hue: float, chroma: float) -> float:
    angle = radians(60 * exp(-(((hue - 275) / 25) ** 2)))
    return -2 * _seventh(chroma) * sin(angle)
