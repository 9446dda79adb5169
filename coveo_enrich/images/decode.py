"""Bytes that call themselves a picture become pixels, or a reason that a merchandiser understands.

A catalog's pictures come from anywhere, so their first bytes decide what they are, only the formats that product
pictures come in are decoded, and the size in the header is checked before a pixel is. The one module that hands
Pillow's pictures around, inside the package only; what is seen in them belongs to `coveo_enrich.classifiers`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from coveo_enrich.errors import ImageRejected, MissingExtraError
from coveo_enrich.images.header import format_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

    from coveo_enrich.images.limits import ImageFormat

__all__ = ["decoded", "on_white", "open_image", "thumbnail", "turn_of", "undecoded"]

_MAX_PIXELS: Final = 64_000_000
_AVERAGED: Final = frozenset({"RGB", "RGBA", "L", "LA", "CMYK"})
# What decoding may come to for a JPEG, whose pixels are worked through once for each of its scans: five seconds or so.
_MAX_SCANNED_PIXELS: Final = 100 * _MAX_PIXELS
_START_OF_SCAN: Final = b"\xff\xda"
_MOST_READS: Final = 1_000_000
"""What Pillow may ask of a file, about two seconds: it reads each part by itself, and a hostile file has millions."""
_START_OF_EXIF: Final = b"Exif\0\0"
_MOST_EXIF: Final = 300  # pieces, each of which Pillow adds to a copy of those before; real files have one
_TILE_SIDES: Final = (322, 323)  # the tags of a TIFF
_ORIENTATION: Final = 0x0112  # the tag of EXIF
_MOST_PROFILE_BYTES: Final = 4_000_000
_SRGB: Final = ("sRGB".encode("ascii"), "sRGB".encode("utf-16-be"))

# What decoding takes in memory, in bytes a pixel: these two decoders hold the picture several times.
_BYTES_A_PIXEL: Final = {"JPEG": 4, "WEBP": 20, "AVIF": 16}
_USUAL_BYTES_A_PIXEL: Final = 8
_HEAVY: Final = 300_000_000
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
    picture = undecoded(data)
    with turn_of(picture):
        return decoded(picture, side=side, max_pixels=max_pixels)


class _Turns:
    """As many pictures at once as there are cores, more would be no faster; of those over 300 MB, one."""

    def __init__(self) -> None:
        self.of_all = threading.BoundedSemaphore(os.cpu_count() or 1)
        self.of_heavy = threading.Lock()


_turns: Final = _Turns()
if hasattr(os, "register_at_fork"):  # whoever holds one does not come along
    os.register_at_fork(after_in_child=_turns.__init__)  # type: ignore[misc]


@contextmanager
def turn_of(picture: ImageFile) -> Generator[None]:
    """What to hold while a picture is worked on, so that neither processor nor memory is asked for too much."""
    width, height = picture.size
    heavy = width * height * _BYTES_A_PIXEL.get(picture.format or "", _USUAL_BYTES_A_PIXEL) > _HEAVY
    with _turns.of_heavy if heavy else nullcontext(), _turns.of_all:
        yield


def undecoded(data: bytes) -> ImageFile:
    """The picture with its header read and no pixel: its ``size`` is as stored, before EXIF turns it.

    Raises:
        ImageRejected: It is empty, damaged, not a picture, or made to take long to decode.
        MissingExtraError: Pillow is not installed.
    """
    file_format = format_of(data)
    decoder = _decoder_of(file_format)
    if file_format == "JPEG" and data.count(_START_OF_EXIF) > _MOST_EXIF:
        raise _too_long("it is made of unusually many parts")
    try:
        picture = decoder(_BoundedReads(data))
    except ImageRejected:
        raise
    except Exception as error:
        # Pillow raises almost anything on damaged bytes.
        raise ImageRejected(_DAMAGED) from error
    if file_format == "JPEG":
        _require_few_scans(picture, data)
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
        _require_modest_tiles(picture, max_pixels)
        return _upright(_reduced(picture, side))
    except (MemoryError, ImageRejected):
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

    white = new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white


class _BoundedReads(BytesIO):
    """The bytes of a file, which may be read in only so many pieces."""

    _left = _MOST_READS

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise _too_long("it is made of unusually many parts")
        return super().read(size)


def _too_long(why: str) -> ImageRejected:
    return ImageRejected(f"the picture would take too long to decode: {why}")


def _require_few_scans(picture: ImageFile, data: bytes) -> None:
    width, height = picture.size
    if width * height * data.count(_START_OF_SCAN) > _MAX_SCANNED_PIXELS:
        raise _too_long("it is a JPEG of unusually many scans")


def _require_modest_tiles(picture: ImageFile, max_pixels: int) -> None:
    """Refuse a TIFF whose tiles are larger than a picture may be: room is made for a whole one, whatever is in it."""
    tags = getattr(picture, "tag_v2", {})
    width, height = (tags.get(tag, 1) for tag in _TILE_SIDES)
    if width * height > max_pixels:
        raise ImageRejected(f"the picture is too large: its tiles are {width:,} x {height:,} pixels")


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
        return _from_16_bits(picture)
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    picture.load()
    picture = _in_srgb(picture)
    # To convert to the mode that it has would copy every pixel.
    return picture if picture.mode == mode else picture.convert(mode)


def _from_16_bits(picture: Image) -> Image:
    """Pillow clips 16-bit values to 255 where it should scale them, which makes almost all of a picture white."""
    whole = picture if picture.mode in ("I", "I;16") else picture.convert("I")
    scaled = whole.point(lambda value: value * (1 / 256))  # pyright: ignore[reportUnknownMemberType] - as Pillow's
    return scaled.convert("L").convert("RGB")


def _in_srgb(picture: Image) -> Image:
    """The picture with the colours that its profile means; as it is when it names none, or one that cannot be used."""
    profile = picture.info.get("icc_profile") or b""
    if picture.mode not in ("RGB", "RGBA", "CMYK") or not 0 < len(profile) <= _MOST_PROFILE_BYTES:
        return picture
    if any(name in profile for name in _SRGB):
        return picture
    try:
        from PIL import ImageCms  # noqa: PLC0415 - needs the extra, and not every build of Pillow has it

        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - as Pillow's
        meant = ImageCms.profileToProfile(picture, BytesIO(profile), srgb, outputMode=mode)
    except Exception:  # noqa: BLE001 - as below
        return picture
    return meant or picture


def _upright(picture: Image) -> Image:
    """As EXIF says; Pillow's own way writes all of EXIF anew, for which a hostile one takes minutes."""
    from PIL.Image import Transpose  # noqa: PLC0415 - needs the extra

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - a note on turning that cannot be read is no reason to refuse the pixels
        return picture
    return picture if turn is None else picture.transpose(turn)
