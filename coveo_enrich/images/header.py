"""What the first bytes of a picture say about it: its format, and its size where that is cheap to read.

Needs no Pillow, so a picture that a service takes as it is needs none either. A size that cannot be read here is no
fault of the picture: `coveo_enrich.images.decode` decides whether it is damaged.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from coveo_enrich.errors import ImageRejected

if TYPE_CHECKING:
    from coveo_enrich.images.limits import ImageFormat

__all__ = ["format_of", "size_of"]

_STARTS: Final[dict[bytes, ImageFormat]] = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}
_EMPTY: Final = "the file is empty"
_VIDEO: Final = "this is a video, or a picture in its wrapper, not a picture that can be read"
_UNREADABLE: Final = "this is not a picture that can be read (JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF)"

# What is often served in a picture's place, by its first bytes.
_KNOWN_OTHERS: Final = {
    b"<!doctype html": "this is an HTML page, not a picture",
    b"<html": "this is an HTML page, not a picture",
    b"<head": "this is an HTML page, not a picture",
    b"<svg": "this is an SVG drawing; only pictures made of pixels can be read",
    b"<?xml": "this is an XML document, not a picture",
    b"%pdf": "this is a PDF document, not a picture",
    b"8bps": "this is a Photoshop file; save it as JPEG or PNG",
    b"\x00\x00\x00\x0cjxl ": "this is a JPEG XL picture; save it as JPEG or PNG",
    b"\x00\x00\x00\x0cjp  ": "this is a JPEG 2000 picture; save it as JPEG or PNG",
}
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_XML: Final = (b"<?xml", b"<!--", b"<!doctype svg")  # what an SVG may begin with
_PROLOGUE: Final = 4_096

# Markers of a JPEG without a length after them, and those that announce its size.
_BARE: Final = frozenset({0x01, *range(0xD0, 0xDA)})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_FILL: Final = 0xFF
_MOST_MARKERS: Final = 5_000  # before the size; real ones have less than 300, hostile ones millions


def format_of(data: bytes) -> ImageFormat:
    """The format by the first bytes, whatever the name of the file or its host say.

    Raises:
        ImageRejected: It is empty, or no picture that can be read; the reason says what it seems to be.
    """
    if not data:
        raise ImageRejected(_EMPTY)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and any(brand in data[8:40] for brand in (b"avif", b"avis")):
        return "AVIF"
    for start, file_format in _STARTS.items():
        if data.startswith(start):
            return file_format
    raise ImageRejected(_what_else(data))


def size_of(data: bytes, file_format: ImageFormat) -> tuple[int, int] | None:
    """Width and height in pixels as stored, before EXIF turns it; `None` for what cannot be read here."""
    try:
        width, height = _announced(data, file_format)
    except struct.error:
        return None
    return (width, height) if width and height else None


def _announced(data: bytes, file_format: ImageFormat) -> tuple[int, int]:
    match file_format:
        case "PNG" if data[12:16] == b"IHDR":
            return _two(">II", data, 16)
        case "GIF":
            return _two("<HH", data, 6)
        case "JPEG":
            return _announced_by_jpeg(data)
        case "WEBP":
            return _announced_by_webp(data)
        case _:
            return 0, 0


def _announced_by_jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(_MOST_MARKERS):
        if data[at : at + 1] != b"\xff":
            break
        marker, length = struct.unpack_from(">BH", data, at + 1)
        if marker in _FRAMES:
            height, width = _two(">HH", data, at + 5)
            return width, height
        at += 1 if marker == _FILL else 2 if marker in _BARE else 2 + length
    return 0, 0


def _announced_by_webp(data: bytes) -> tuple[int, int]:
    """As RFC 9649 lays out its three kinds of first chunk."""
    match data[12:16]:
        case b"VP8 ":
            width, height = _two("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
            return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
        case _:
            return 0, 0


def _two(layout: str, data: bytes, at: int) -> tuple[int, int]:
    first, second = struct.unpack_from(layout, data, at)
    return int(first), int(second)


def _what_else(data: bytes) -> str:
    start = data[:_PROLOGUE].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start[4:8] == b"ftyp":
        return "this is a HEIC photograph; save it as JPEG or PNG" if start[8:12] in _HEIC else _VIDEO
    if start.startswith(_XML) and b"<svg" in start:
        return _KNOWN_OTHERS[b"<svg"]
    return next((what for sign, what in _KNOWN_OTHERS.items() if start.startswith(sign)), _UNREADABLE)
