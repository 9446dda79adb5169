"""Bytes that call themselves a picture become pixels, or a reason that a merchandiser understands.

A catalog's pictures come from anywhere, so their first bytes decide what they are, only the formats that product
pictures come in are decoded, and the size in the header is checked before a pixel is. The one module that hands
Pillow's pictures around, inside the package only; what is seen in them belongs to `coveo_enrich.classifiers`.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from coveo_enrich.errors import ImageRejected, MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = ["on_white", "open_image", "thumbnail"]

_MAX_PIXELS = 64_000_000
_AVERAGED = frozenset({"RGB", "RGBA", "L", "LA", "CMYK"})
_EMPTY = "the file is empty"
_UNREADABLE = "this is not a picture that can be read (JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF)"
_DAMAGED = "the picture is cut off or damaged"

# What is often served in a picture's place, by its first bytes.
_KNOWN_OTHERS = {
    b"<!doctype html": "this is an HTML page, not a picture",
    b"<html": "this is an HTML page, not a picture",
    b"<head": "this is an HTML page, not a picture",
    b"<svg": "this is an SVG drawing; only pictures made of pixels can be read",
    b"<?xml": "this is an XML document, not a picture",
    b"%pdf": "this is a PDF document, not a picture",
    b"8bps": "this is a Photoshop file; save it as JPEG or PNG",
}


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
    picture = _undecoded(data)
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageRejected(f"the picture is too large: {width:,} x {height:,} pixels, more than {max_pixels:,}")
    try:
        return _upright(_reduced(picture, side))
    except MemoryError:
        raise
    except Exception as error:
        # Pillow raises almost anything on damaged bytes.
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


def _undecoded(data: bytes) -> ImageFile:
    if not data:
        raise ImageRejected(_EMPTY)
    decoder = _decoder_of(data)
    if decoder is None:
        raise ImageRejected(_what_else(data))
    try:
        return decoder(BytesIO(data))
    except Exception as error:
        # Pillow raises almost anything on damaged bytes.
        raise ImageRejected(_DAMAGED) from error


def _decoder_of(data: bytes) -> type[ImageFile] | None:
    """The decoder for these first bytes.

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

    by_start: dict[bytes, type[ImageFile]] = {
        b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
        b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
        b"GIF87a": GifImagePlugin.GifImageFile,
        b"GIF89a": GifImagePlugin.GifImageFile,
        b"BM": BmpImagePlugin.BmpImageFile,
        b"II*\x00": TiffImagePlugin.TiffImageFile,
        b"MM\x00*": TiffImagePlugin.TiffImageFile,
    }
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if data[4:8] == b"ftyp" and any(brand in data[8:40] for brand in (b"avif", b"avis")):
        return AvifImagePlugin.AvifImageFile
    return next((decoder for start, decoder in by_start.items() if data.startswith(start)), None)


def _what_else(data: bytes) -> str:
    start = data[:256].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start[4:8] == b"ftyp" and start[8:12] in {b"heic", b"heix", b"mif1"}:
        return "this is a HEIC photograph; save it as JPEG or PNG"
    return next((what for sign, what in _KNOWN_OTHERS.items() if start.startswith(sign)), _UNREADABLE)


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
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _upright(picture: Image) -> Image:
    from PIL.ImageOps import exif_transpose  # noqa: PLC0415 - needs the extra

    try:
        return exif_transpose(picture)
    except Exception:  # noqa: BLE001 - a note on turning that cannot be read is no reason to refuse the pixels
        return picture
