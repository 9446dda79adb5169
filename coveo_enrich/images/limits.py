"""What a classifier takes: which formats, how many bytes and pixels.

A value that adapters declare. What is done to a picture that does not fit is decided in `coveo_enrich.images.prepare`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

import attrs

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.retry import require_count

__all__ = ["ImageFormat", "ImageLimits"]

ImageFormat = Literal["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"]

_FORMATS: Final[frozenset[ImageFormat]] = frozenset(get_args(ImageFormat))


def _formats(formats: Iterable[ImageFormat]) -> frozenset[ImageFormat]:
    named = frozenset(formats)
    if not named or not named <= _FORMATS:
        raise ConfigurationError(f"formats must be some of {', '.join(sorted(_FORMATS))}; got {sorted(named)}")
    return named


@attrs.frozen(kw_only=True)
class ImageLimits:
    """What a classifier takes. A picture within the limits is sent as it is; another one is converted and made smaller.

    Attributes:
        formats: The formats that it reads; one of JPEG and PNG must be among them, as pictures are converted to these.
        max_bytes: The largest picture, in bytes; default 16,000,000.
        min_side: The shortest side that it takes, in pixels; a smaller picture is refused, never enlarged. Default 1.
        max_side: The longest side that it takes, in pixels; default 16,000.
        max_pixels: The most pixels in all; default 64,000,000.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    formats: frozenset[ImageFormat] = attrs.field(default=frozenset({"JPEG", "PNG"}), converter=_formats)
    max_bytes: int = 16_000_000
    min_side: int = 1
    max_side: int = 16_000
    max_pixels: int = 64_000_000

    def __attrs_post_init__(self) -> None:
        if not self.formats & {"JPEG", "PNG"}:
            raise ConfigurationError("one of JPEG and PNG must be among the formats")
        for name in ("max_bytes", "min_side", "max_side", "max_pixels"):
            require_count(name, getattr(self, name), 1)
