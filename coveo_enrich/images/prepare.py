"""Makes the bytes of a picture fit what a classifier takes, and leaves those that fit as they are.

Pure: bytes and limits in, bytes out. A picture is converted only to another format, made smaller only where a limit
asks for it, and never enlarged. What the limits of a service are is declared by its adapter.
"""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Final

import attrs

from coveo_enrich.errors import ImageRejected, MissingExtraError
from coveo_enrich.images.decode import decoded, on_white, turn_of, undecoded
from coveo_enrich.images.header import format_of, size_of
from coveo_enrich.images.limits import ImageFormat, ImageLimits

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PreparedImage", "prepare"]

_USUAL: Final = ImageLimits()
_QUALITY: Final = 90
_LONGEST_JPEG: Final = 65_500  # libjpeg's own limit
_STEP: Final = 0.9  # at least this much smaller at every try to save bytes


@attrs.frozen
class PreparedImage:
    """The bytes of a picture as a service takes them.

    Attributes:
        data: The file.
        format: Its format, by its first bytes.
        width: In pixels as stored, before EXIF turns it; `None` when it was not needed and Pillow is not installed.
        height: As ``width``.
    """

    data: bytes = attrs.field(repr=lambda data: f"<{len(data):,} bytes>")
    format: ImageFormat
    width: int | None
    height: int | None

    @property
    def mime(self) -> str:
        """Its media type, such as ``image/jpeg``."""
        return f"image/{self.format.lower()}"


def prepare(data: bytes, limits: ImageLimits) -> PreparedImage:
    """The picture as the limits ask for it: the very same bytes when they fit, else a JPEG, or a PNG where that is all.

    A converted picture stands upright, shows the first frame of an animation, is white where it was transparent, and
    carries no metadata.

    Raises:
        ImageRejected: It is empty, damaged, not a picture, too large to decode (64,000,000 pixels), or smaller than
            the limits ask for, if only once it was made to fit them.
        MissingExtraError: It does not fit, or that cannot be told without Pillow, which is not installed.
    """
    file_format = format_of(data)
    width, height = _size(data, file_format, limits) or (None, None)
    if width is not None and height is not None:
        _require_sides(width, height, limits)
    if file_format in limits.formats and len(data) <= limits.max_bytes and _has_room(width, height, limits):
        return PreparedImage(data, file_format, width, height)
    return _converted(data, limits)


def _size(data: bytes, file_format: ImageFormat, limits: ImageLimits) -> tuple[int, int] | None:
    """Width and height; `None` where only Pillow can tell, is missing, and nothing beyond the usual is asked."""
    size = size_of(data, file_format)
    if size is not None:
        return size
    try:
        return undecoded(data).size
    except MissingExtraError:
        if _asks_for_sides(limits):
            raise
        return None


def _asks_for_sides(limits: ImageLimits) -> bool:
    return (
        limits.min_side > _USUAL.min_side or limits.max_side < _USUAL.max_side or limits.max_pixels < _USUAL.max_pixels
    )


def _has_room(width: int | None, height: int | None, limits: ImageLimits) -> bool:
    if width is None or height is None:
        return True
    return max(width, height) <= limits.max_side and width * height <= limits.max_pixels


def _require_sides(width: int, height: int, limits: ImageLimits) -> None:
    if min(width, height) < limits.min_side:
        raise ImageRejected(
            f"the picture is too small: {width:,} x {height:,} pixels, less than {limits.min_side:,} on a side"
        )


def _converted(data: bytes, limits: ImageLimits) -> PreparedImage:
    picture = undecoded(data)
    # Pillow's reading of the header is what is decoded, should it differ from the first.
    _require_sides(*picture.size, limits)
    with turn_of(picture):
        image = on_white(decoded(picture, side=_longest_side(*picture.size, limits)))
        image.info.clear()  # comments, profiles and places, which Pillow would save again
        return _within_bytes(image, limits)


def _longest_side(width: int, height: int, limits: ImageLimits) -> int:
    """The longest side at which the picture keeps within sides and pixels, however the other side is rounded."""
    longest, shortest = max(width, height), min(width, height)
    side = min(longest, limits.max_side, _LONGEST_JPEG, math.isqrt(limits.max_pixels * longest // shortest))
    while side * math.ceil(side * shortest / longest) > limits.max_pixels:
        side -= 1
    return side


def _within_bytes(image: Image, limits: ImageLimits) -> PreparedImage:
    """The picture encoded, made smaller step by step until its bytes are few enough."""
    file_format: ImageFormat = "JPEG" if "JPEG" in limits.formats else "PNG"
    while min(image.size) >= limits.min_side:
        data = _encoded(image, file_format)
        if len(data) <= limits.max_bytes:
            return PreparedImage(data, file_format, *image.size)
        side = int(max(image.size) * min(_STEP, math.sqrt(limits.max_bytes / len(data))))
        if side < limits.min_side:
            break
        image.thumbnail((side, side))
    raise ImageRejected(
        f"the picture cannot be made to fit: at {limits.max_bytes:,} bytes, {limits.max_side:,} pixels a side and "
        f"{limits.max_pixels:,} in all at most, it would be less than {limits.min_side:,} pixels on a side"
    )


def _encoded(image: Image, file_format: ImageFormat) -> bytes:
    out = BytesIO()
    image.save(out, file_format, quality=_QUALITY)
    return out.getvalue()
