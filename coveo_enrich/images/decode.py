"""Bytes that call themselves a picture become pixels, or a reason that a merchandiser understands.

A catalog's pictures come from anywhere, so their first bytes decide what they are, only the formats that product
pictures come in are decoded, and the size in the header is checked before a pixel is. The one module that hands
Pillow's pictures around, inside the package only; what is seen in them belongs to `coveo_enrich.classifiers`.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from coveo_enrich.errors import ImageRejected, MissingExtraError
from coveo_enrich.images.header import format_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

    from coveo_enrich.images.limits import ImageFormat

__all__ = ["decoded", "on_white", "open_image", "thumbnail", "undecoded"]

_MAX_PIXELS: Final = 64_000_000
_AVERAGED: Final = frozenset({"RGB", "RGBA", "L", "LA", "CMYK"})
# What decoding may come to for a JPEG, whose pixels are worked through once for each of its scans: five seconds or so.
_MAX_SCANNED_PIXELS: Final = 100 * _MAX_PIXELS
_START_OF_SCAN: Final = b"\xff\xda"
_DAMAGED: Final = "the picture is cut off or damaged"


def open_image(data: bytes, *, side: int | None = None, max_pixels: int = _MAX_PIXELS) -> Image:
    """The picture, upright, in mode RGB or RGBA; the first frame of an animation.

    Args:
        data: The bytes of the file, whatever its name or its host calls them.
        side: The longest side wanted, in pixels; a larger picture is reduced to it, a smaller one stays as it is. A
            JPEG is then decoded at a fraction of its size, which is several times faster. `None` keeps every pixel.
        max_pixels: The most pixels that the header may announce.

    Raises:
        ImageRejected: It is empty, damaged, too large, or not a picture; the reason says which.
        MissingExtraError: Pillow is not installed.
    """
    return decoded(undecoded(data), side=side, max_pixels=max_pixels)


def undecoded(data: bytes) -> ImageFile:
    """The picture with its header read and no pixel: its ``size`` is as stored, before EXIF turns it.

    Raises:
        ImageRejected: It is empty, damaged, not a picture, or made to take long to decode.
        MissingExtraError: Pillow is not installed.
    """
    file_format = format_of(data)
    decoder = _decoder_of(file_format)
    try:
        picture = decoder(BytesIO(data))
    except Exception as error:
        # Pillow raises almost anything on damaged bytes.
        raise ImageRejected(_DAMAGED) from error
    width, height = picture.size
    if file_format == "JPEG" and width * height * data.count(_START_OF_SCAN) > _MAX_SCANNED_PIXELS:
        raise ImageRejected("the picture would take too long to decode: it is a JPEG of unusually many scans")
    return picture


def decoded(picture: ImageFile, *, side: int | None = None, max_pixels: int = _MAX_PIXELS) -> Image:
    """The pixels of `undecoded`, which is used up, as `open_image` describes them.

    Raises:
        ImageRejected: It is damaged or too large.
    """
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageRejected(f"the picture is too large: {width:,} x {height:,} pixels, more than {max_pixels:,}")
    try:
        return _upright(_reduced(picture, side))
    except MemoryError:
        raise
    except Exception as error:
        # As above.
        raise ImageRejected(_DAMAGED) from error


def thumbnail(data: bytes, side: int) -> bytes:
    """A small JPEG of the picture, what is transparent made white, its longest side at most ``side`` pixels.

    Raises:
        ImageRejected: It cannot be read, as `open_image` says.
        MissingExtraError: Pillow is not installed.
    """
    out = BytesIO()
    on_white(open_image(data, side=side)).save(out, "JPEG", quality=85)
    return out.getvalue()


def on_white(image: Image) -> Image:
    """The picture in mode RGB, what is transparent made white: a plain conversion would make it black."""
    if image.mode == "RGB":
        return image
    from PIL.Image import new  # noqa: PLC0415 - needs the extra

    white = new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white.convert("RGB")


def _decoder_of(file_format: ImageFormat) -> type[ImageFile]:
    """The decoder of a format.

    Taken directly, not through `PIL.Image.open`, whose check of the size warns through state that all threads share,
    and refuses nothing below 178 million pixels.
    """
    try:
        from PIL import (  # noqa: PLC0415 - needs the extra
            AvifImagePlugin,
            BmpImagePlugin,
            GifImagePlugin,
            JpegImagePlugin,
            PngImagePlugin,
            TiffImagePlugin,
            WebPImagePlugin,
        )
    except ImportError as error:
        raise MissingExtraError.of("Reading pictures", "images") from error

    decoders: dict[ImageFormat, type[ImageFile]] = {
        "AVIF": AvifImagePlugin.AvifImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
    }
    return decoders[file_format]


def _reduced(picture: Image, side: int | None) -> Image:
    """The picture in mode RGB or RGBA, no larger than wanted, decoded no larger than needed.

    Only what Pillow can average is reduced before it is converted; the indexes of a palette, single bits and 16-bit
    values are not.
    """
    if side is None:
        return _converted(picture)
    if picture.mode not in _AVERAGED or "transparency" in picture.info:
        picture = _converted(picture)
    picture.thumbnail((side, side))
    return _converted(picture)


def _converted(picture: Image) -> Image:
    if picture.mode.startswith("I"):
        # Pillow clips 16-bit values to 255 where it should scale them, which makes almost all of a picture white.
        whole = picture.convert("I")
        scaled = whole.point(lambda value: value * (1 / 256))  # pyright: ignore[reportUnknownMemberType] - as Pillow's
        return scaled.convert("L").convert("RGB")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    picture.load()
    # To convert to the mode that it has would copy every pixel.
    return picture if picture.mode == mode else picture.convert(mode)


def _upright(picture: Image) -> Image:
    from PIL.ImageOps import exif_transpose  # noqa: PLC0415 - needs the extra

    try:
        exif_transpose(picture, in_place=True)
    except Exception:  # noqa: BLE001 - a note on turning that cannot be read is no reason to refuse the pixels
        return picture
    return picture
