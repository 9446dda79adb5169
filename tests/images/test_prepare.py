"""Pictures are sent as they are where they fit, and made to fit where they can be."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, Literal

import attrs
import pytest
from PIL import Image, ImageCms

from coveo_enrich.errors import ImageRejected, MissingExtraError
from coveo_enrich.images import ImageFormat, ImageLimits
from coveo_enrich.images.decode import _turns, turn_of, undecoded  # pyright: ignore[reportPrivateUsage] - to look at
from coveo_enrich.images.header import size_of
from coveo_enrich.images.prepare import PreparedImage, prepare

FORMATS: tuple[ImageFormat, ...] = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
ANY = ImageLimits(formats=FORMATS)
ORANGE = (240, 120, 20)
WHITE = (255, 255, 255)
LYING = 6  # EXIF: the first row is the right side
BOMB = 12_000


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The bytes of a file of that format."""
    out = BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def plain(size: tuple[int, int], file_format: str = "PNG", **options: object) -> bytes:
    """An orange picture."""
    return encoded(Image.new("RGB", size, ORANGE), file_format, **options)


def noise(size: tuple[int, int], file_format: str = "PNG") -> bytes:
    """A picture that hardly compresses."""
    pixels = random.Random(1).randbytes(size[0] * size[1] * 3)  # noqa: S311 - not a secret
    return encoded(Image.frombytes("RGB", size, pixels), file_format)


def pixels_of(prepared: PreparedImage) -> Image.Image:
    """What a service sees; what is said of it is true of it."""
    image = Image.open(BytesIO(prepared.data))
    image.load()
    assert (image.format, image.size) == (prepared.format, (prepared.width, prepared.height))
    assert image.mode == "RGB"
    return image


def is_close(image: Image.Image, at: tuple[int, int], color: tuple[int, ...], tolerance: int = 14) -> bool:
    """Whether a pixel has that colour, but for what a codec loses."""
    pixel = image.getpixel(at)
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= tolerance for one, other in zip(pixel, color, strict=True))


def lying(file_format: str) -> bytes:
    """Stored 80 x 40 with orange at its left; upright it is 40 x 80 with orange at its top."""
    exif = Image.Exif()
    exif[0x0112] = LYING
    stored = Image.new("RGB", (80, 40), "white")
    stored.paste(ORANGE, (0, 0, 40, 40))
    return encoded(stored, file_format, exif=exif)


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_fits_is_sent_untouched(file_format: ImageFormat) -> None:
    """In each format, the very same bytes come back with what they are called and their size."""
    data = plain((60, 40), file_format)
    prepared = prepare(data, ANY)
    assert prepared.data is data
    assert (prepared.format, prepared.width, prepared.height) == (file_format, 60, 40)
    assert prepared.mime == f"image/{file_format.lower()}"


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("wanted", ["JPEG", "PNG"])
def test_what_a_service_does_not_read_is_converted(file_format: ImageFormat, wanted: ImageFormat) -> None:
    """Each format becomes the one that the service takes, at the same size and with the same colour."""
    data = plain((60, 40), file_format)
    prepared = prepare(data, ImageLimits(formats={wanted}))
    assert (prepared.data is data) is (file_format == wanted)
    image = pixels_of(prepared)
    assert (image.format, image.size) == (wanted, (60, 40))
    assert is_close(image, (30, 20), ORANGE)


def test_jpeg_is_preferred_to_png() -> None:
    """Where both are taken, a picture that must be converted becomes the smaller JPEG."""
    assert prepare(plain((60, 40), "WEBP"), ImageLimits()).format == "JPEG"


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize(
    ("limits", "size"),
    [
        (attrs.evolve(ANY, max_side=100), (100, 50)),
        (attrs.evolve(ANY, max_pixels=5_000), (100, 50)),
        (attrs.evolve(ANY, max_side=200, max_pixels=5_000), (100, 50)),
        (attrs.evolve(ANY, max_side=100, max_pixels=79_999), (100, 50)),
        (attrs.evolve(ANY, max_side=399), (399, 200)),
    ],
)
def test_sides_and_pixels_are_kept_to(file_format: ImageFormat, limits: ImageLimits, size: tuple[int, int]) -> None:
    """A picture of 400 x 200 is made just as small as the limits ask for, in proportion, whatever its format."""
    image = pixels_of(prepare(plain((400, 200), file_format), limits))
    assert image.size == size
    assert is_close(image, (size[0] // 2, size[1] // 2), ORANGE)


@pytest.mark.parametrize("size", [(999, 1), (1, 999), (7, 5), (333, 332), (1000, 999), (640, 3), (31, 1000)])
@pytest.mark.parametrize("max_pixels", [1, 2, 3, 10, 50, 97, 998, 9_999, 110_000])
def test_rounding_never_exceeds_the_pixels(size: tuple[int, int], max_pixels: int) -> None:
    """However sides are rounded, the picture has no more pixels than the limit, and none is a reason to fail."""
    prepared = prepare(plain(size, "BMP"), ImageLimits(max_pixels=max_pixels))
    image = pixels_of(prepared)
    assert image.width * image.height <= max_pixels
    assert max(image.size) <= max(size)


def test_limits_that_are_just_met_change_nothing() -> None:
    """A limit is the largest or smallest that is taken, not the first that is not."""
    data = plain((100, 50))
    exact = ImageLimits(max_bytes=len(data), min_side=50, max_side=100, max_pixels=5_000)
    assert prepare(data, exact).data is data


def test_too_many_bytes_are_first_saved_by_the_format() -> None:
    """A PNG photograph that is too heavy keeps its size when it is light enough as a JPEG."""
    data = noise((300, 200))
    prepared = prepare(data, ImageLimits(max_bytes=len(data) // 2))
    assert len(prepared.data) <= len(data) // 2
    assert pixels_of(prepared).size == (300, 200)


@pytest.mark.parametrize("wanted", ["JPEG", "PNG"])
@pytest.mark.parametrize("max_bytes", [50_000, 20_000, 5_000, 1_000])
def test_too_many_bytes_are_then_saved_by_its_size(wanted: ImageFormat, max_bytes: int) -> None:
    """What is still too heavy becomes smaller until it fits, in proportion, and not much smaller than it must."""
    prepared = prepare(noise((300, 200)), ImageLimits(formats={wanted}, max_bytes=max_bytes))
    assert max_bytes * 0.4 < len(prepared.data) <= max_bytes
    width, height = pixels_of(prepared).size
    assert width < 300
    assert abs(width / height - 1.5) < 0.1


@pytest.mark.parametrize(
    ("size", "limits"),
    [
        ((79, 200), ImageLimits(min_side=80)),
        ((200, 79), ImageLimits(min_side=80)),
        ((79, 79), ImageLimits(min_side=80, max_side=40)),
        ((79, 200), ImageLimits(min_side=80, formats={"JPEG"})),
        ((79, 200), ImageLimits(min_side=80, max_bytes=10)),
    ],
)
def test_a_picture_that_is_too_small_is_refused(size: tuple[int, int], limits: ImageLimits) -> None:
    """It is never enlarged; the reason names its size and what is asked for."""
    with pytest.raises(ImageRejected, match=rf"too small: {size[0]} x {size[1]} pixels, less than 80 on a side"):
        prepare(plain(size), limits)


@pytest.mark.parametrize(
    ("size", "limits"),
    [
        ((1000, 100), ImageLimits(min_side=80, max_side=500)),
        ((100, 1000), ImageLimits(min_side=80, max_side=500)),
        ((1000, 100), ImageLimits(min_side=80, max_pixels=50_000)),
        ((1000, 100), ImageLimits(min_side=80, max_bytes=200)),
        ((100, 100), ImageLimits(min_side=80, max_side=50)),
        ((100, 100), ImageLimits(max_bytes=10)),
    ],
)
def test_a_picture_that_cannot_be_made_to_fit_is_refused(size: tuple[int, int], limits: ImageLimits) -> None:
    """A thin picture that would be pushed under the shortest side is refused, not sent to be refused there."""
    with pytest.raises(ImageRejected, match=f"cannot be made to fit: .* less than {limits.min_side} pixels on a side"):
        prepare(plain(size), limits)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_converted_picture_stands_upright(file_format: str) -> None:
    """What EXIF says of its turning is done to the pixels, whole and reduced, as a new file would not say it."""
    other: ImageFormat = "JPEG" if file_format == "PNG" else "PNG"
    for limits, size in ((ImageLimits(formats={other}), (40, 80)), (ImageLimits(max_side=40), (20, 40))):
        image = pixels_of(prepare(lying(file_format), limits))
        assert image.size == size
        assert is_close(image, (size[0] // 2, size[1] // 4), ORANGE)
        assert is_close(image, (size[0] // 2, size[1] * 3 // 4), WHITE)
        assert image.getexif().get(0x0112, 1) == 1


TURNS = {
    1: (),
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_90,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_270,),
}
"""How an upright picture is turned to be stored with that note in its EXIF."""
CORNERS = {(10, 10): ORANGE, (50, 10): (0, 0, 255), (10, 30): (0, 255, 0), (50, 30): (255, 0, 255)}


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", TURNS)
def test_each_of_the_eight_orientations_is_followed(file_format: str, orientation: int) -> None:
    """Turned and mirrored in all eight ways, a picture of four corners of their own colours stands as it was taken."""
    picture = Image.new("RGB", (60, 40))
    for (x, y), color in CORNERS.items():
        picture.paste(color, (x - 10, y - 10, x + 20, y + 10))
    for turn in TURNS[orientation]:
        picture = picture.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"subsampling": 0} if file_format == "JPEG" else {}
    data = encoded(picture, file_format, exif=exif, **options)
    other: ImageFormat = "JPEG" if file_format == "PNG" else "PNG"
    image = pixels_of(prepare(data, ImageLimits(formats={other})))
    assert image.size == (60, 40)
    assert all(is_close(image, at, color, tolerance=24) for at, color in CORNERS.items())


def test_a_lying_jpeg_that_fits_is_sent_untouched() -> None:
    """Services follow EXIF themselves, so it is no reason to lose quality; its size is as stored."""
    data = lying("JPEG")
    prepared = prepare(data, ImageLimits())
    assert prepared.data is data
    assert (prepared.width, prepared.height) == (80, 40)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("limits", [ImageLimits(formats={"JPEG"}), ImageLimits(formats={"PNG"}, max_side=40)])
def test_what_is_transparent_becomes_white(file_format: str, limits: ImageLimits) -> None:
    """A cut-out product stands on white, not on the black that its hidden pixels are."""
    cut_out = Image.new("RGBA", (80, 80), (0, 0, 0, 0))
    cut_out.paste((*ORANGE, 255), (20, 20, 60, 60))
    data = encoded(cut_out, file_format)
    image = pixels_of(prepare(data, limits))
    assert is_close(image, (2, 2), WHITE)
    assert is_close(image, (image.width // 2, image.height // 2), ORANGE)


@pytest.mark.parametrize(
    ("mode", "color", "file_format", "expected"),
    [
        ("CMYK", (0, 128, 255, 0), "JPEG", (255, 127, 0)),
        ("CMYK", (0, 128, 255, 0), "TIFF", (255, 127, 0)),
        ("L", 90, "GIF", (90, 90, 90)),
        ("1", 1, "TIFF", WHITE),
        ("1", 0, "BMP", (0, 0, 0)),
        ("I;16", 0x8000, "PNG", (128, 128, 128)),
        ("I;16", 0x8000, "TIFF", (128, 128, 128)),
        ("LA", (90, 255), "PNG", (90, 90, 90)),
        ("LA", (90, 0), "PNG", WHITE),
        ("P", 0, "PNG", (0, 0, 0)),
    ],
)
@pytest.mark.parametrize("max_side", [40, 60])
def test_every_mode_becomes_rgb(
    mode: str, color: int | tuple[int, ...], file_format: str, expected: tuple[int, ...], max_side: int
) -> None:
    """Print colours, grays, bits, palettes and 16-bit values keep their colour, whole and reduced."""
    data = encoded(Image.new(mode, (60, 60), color), file_format)
    wanted: ImageFormat = "JPEG" if file_format == "PNG" else "PNG"
    image = pixels_of(prepare(data, ImageLimits(formats={wanted}, max_side=max_side)))
    assert image.size == (max_side, max_side)
    assert is_close(image, (20, 20), expected)


@pytest.mark.parametrize(
    ("mode", "transparency", "file_format"),
    [("P", 0, "PNG"), ("P", 0, "GIF"), ("P", b"\x00\xff", "PNG"), ("L", 0, "PNG"), ("RGB", (0, 0, 0), "PNG")],
)
@pytest.mark.parametrize("limits", [ImageLimits(formats={"JPEG"}), ImageLimits(max_side=40, formats={"PNG"})])
def test_a_transparent_color_becomes_white(
    mode: str, transparency: object, file_format: str, limits: ImageLimits
) -> None:
    """Where one colour of the file, or one place in its palette, is transparent, that is white, whole and reduced."""
    cut_out = Image.new(mode, (80, 80), 0)
    if mode == "P":
        cut_out.putpalette([0, 0, 0, 90, 90, 90])
    colors: dict[str, float | tuple[int, ...]] = {"P": 1, "L": 90, "RGB": (90, 90, 90)}
    cut_out.paste(colors[mode], (20, 20, 60, 60))
    image = pixels_of(prepare(encoded(cut_out, file_format, transparency=transparency), limits))
    assert is_close(image, (2, 2), WHITE)
    assert is_close(image, (image.width // 2, image.height // 2), (90, 90, 90))


def test_half_transparent_is_half_white() -> None:
    """A soft shadow is mixed with the white that it lies on."""
    data = encoded(Image.new("RGBA", (60, 60), (0, 0, 0, 128)), "WEBP", lossless=True)
    image = pixels_of(prepare(data, ImageLimits(formats={"PNG"})))
    assert is_close(image, (30, 30), (127, 127, 127), tolerance=1)


@pytest.mark.parametrize(("order", "end"), [("II", "<"), ("MM", ">")])
@pytest.mark.parametrize("max_side", [40, 60])
def test_16_bits_are_read_in_both_byte_orders(order: str, end: str, max_side: int) -> None:
    """A gray TIFF of 16 bits is as gray whichever byte comes first."""
    tags = {256: 60, 257: 60, 258: 16, 259: 1, 262: 1, 273: 122, 277: 1, 278: 60, 279: 7200}
    entries = b"".join(struct.pack(end + "HHII", tag, 4, 1, value) for tag, value in tags.items())
    header = order.encode() + struct.pack(end + "HIH", 42, 8, len(tags)) + entries + bytes(4)
    data = header + struct.pack(end + "H", 0x8000) * 3600
    image = pixels_of(prepare(data, ImageLimits(formats={"PNG"}, max_side=max_side)))
    assert is_close(image, (20, 20), (128, 128, 128), tolerance=1)


def built_in(space: Literal["LAB", "sRGB"]) -> bytes:
    """A profile that comes with Pillow."""
    create: Any = ImageCms.createProfile  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - as Pillow's
    return ImageCms.ImageCmsProfile(create(space)).tobytes()


def profile(*, name: str, swapped: bool) -> bytes:
    """A colour profile: that of sRGB, with what it calls red and blue swapped or not."""
    data = built_in("sRGB").replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be"))
    return data.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ") if swapped else data


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("max_side", [40, 60])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_color_profile_is_followed(file_format: str, max_side: int, mode: str) -> None:
    """What a file calls its colours is what they become: red, in a profile that swaps red and blue, is blue."""
    mode = "RGB" if file_format == "JPEG" else mode
    data = encoded(
        Image.new(mode, (60, 60), "red"), file_format, icc_profile=profile(name="Swap", swapped=True), quality=95
    )
    other: ImageFormat = "JPEG" if file_format == "PNG" else "PNG"
    image = pixels_of(prepare(data, ImageLimits(formats={other}, max_side=max_side)))
    assert is_close(image, (20, 20), (0, 0, 255))


@pytest.mark.parametrize(
    ("mode", "icc"),
    [
        ("RGB", profile(name="sRGB", swapped=True)),
        ("RGB", b"no profile"),
        ("RGB", b"\0" * 128),
        ("RGB", built_in("LAB")),
        ("CMYK", profile(name="Swap", swapped=True)),
        ("L", profile(name="Swap", swapped=True)),
    ],
)
def test_a_profile_that_says_nothing_of_use_changes_nothing(mode: str, icc: bytes) -> None:
    """What calls itself sRGB, is damaged, or is for another kind of picture leaves the colours as they are."""
    colors: dict[str, float | tuple[int, ...]] = {"RGB": (255, 0, 0), "CMYK": (0, 255, 255, 0), "L": 90}
    data = encoded(Image.new(mode, (60, 60), colors[mode]), "JPEG", icc_profile=icc)
    image = pixels_of(prepare(data, ImageLimits(formats={"PNG"})))
    assert is_close(image, (30, 30), (90, 90, 90) if mode == "L" else (255, 0, 0))


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "AVIF", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation_is_converted(file_format: str) -> None:
    """What moves, or has pages, is shown as it begins."""
    frames = [Image.new("RGB", (60, 60), color) for color in (ORANGE, (0, 0, 255), (0, 255, 0))]
    data = encoded(frames[0], file_format, save_all=True, append_images=frames[1:])
    assert is_close(pixels_of(prepare(data, ImageLimits(formats={"JPEG"}))), (30, 30), ORANGE)


def test_a_converted_picture_carries_no_metadata() -> None:
    """A place, a comment or a colour profile of the original does not travel on."""
    exif = Image.Exif()
    exif[0x010E] = "a private note"
    data = plain((60, 40), "JPEG", exif=exif, comment=b"a private note", icc_profile=b"a private note")
    assert data.count(b"a private note") == 3
    for wanted in ("JPEG", "PNG"):
        assert b"private" not in prepare(data, ImageLimits(formats={wanted}, max_side=30)).data


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_bomb_is_refused_by_its_header(file_format: str) -> None:
    """A small file that announces more pixels than are decoded is refused when it would have to be."""
    data = bomb(file_format)
    limits = ImageLimits(formats={"JPEG" if file_format == "PNG" else "PNG"}, max_side=100_000, max_pixels=10**12)
    with pytest.raises(ImageRejected, match=r"too large: [0-9,]+ x [0-9,]+ pixels, more than 64,000,000"):
        prepare(data, limits)


def bomb(file_format: str) -> bytes:
    """A small picture that announces 144 million pixels."""
    return announcing(BOMB, BOMB, file_format)


def announcing(width: int, height: int, file_format: str) -> bytes:
    """A small picture whose header is changed to announce another size."""
    data = bytearray(plain((16, 16), file_format))
    match file_format:
        case "PNG":
            return encoded(Image.new("1", (width, height)), "PNG")
        case "JPEG":
            at = data.index(b"\xff\xc0") + 5
            data[at : at + 4] = struct.pack(">HH", height, width)
        case "GIF":
            data[6:10] = struct.pack("<HH", width, height)
        case "BMP":
            data[18:26] = struct.pack("<ii", width, height)
        case "WEBP":
            data[26:30] = struct.pack("<HH", width, height)
        case "AVIF":
            at = data.index(b"ispe") + 8
            data[at : at + 8] = struct.pack(">II", width, height)
        case _:
            return tiff_of(width, height)
    return bytes(data)


def tiff_of(width: int, height: int) -> bytes:
    """A gray TIFF that announces a size and holds one byte of it."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 1}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)


def test_a_bomb_that_is_not_decoded_is_harmless() -> None:
    """What the limits take by its header is sent as it is: no pixel of it is decoded here."""
    data = bomb("PNG")
    assert prepare(data, ImageLimits(max_pixels=BOMB * BOMB)).data is data


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    """A progressive JPEG that repeats a scan of a few bytes, each a pass over every pixel, is refused."""
    drawn = encoded(Image.new("L", (8_000, 8_000), 128), "JPEG", progressive=True)
    scan = drawn[drawn.rindex(b"\xff\xda") : -2]
    data = drawn[:-2] + scan * 10_000 + b"\xff\xd9"
    assert len(data) < 2_000_000
    with pytest.raises(ImageRejected, match="unusually many scans"):
        prepare(data, ImageLimits(max_side=1_000))


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_parts(file_format: str, part: bytes) -> bytes:
    """A whole picture with a million and a half bytes of the same small part after its header."""
    whole = plain((100, 100), file_format)
    at = {"JPEG": 2, "PNG": 33, "GIF": 13 + 3 * (2 << (whole[10] & 7))}[file_format]
    return whole[:at] + part * (12_000_000 // len(part)) + whole[at:]


def run_lengths(width: int, height: int) -> bytes:
    """A BMP that repeats one pixel for as often as its size is, each time by itself."""
    data = b"\x01\x01" * (width * height)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(data), 0, 0, 1078) + header + bytes(1024) + data


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: with_parts("JPEG", b"\xff\xe5\x00\x02"), id="JPEG, segments"),
        pytest.param(lambda: with_parts("JPEG", b"\xff\xe1\x0b\xc0Exif\0\0" + b"a" * 3_000), id="JPEG, EXIF"),
        pytest.param(lambda: with_parts("JPEG", b"\xff\xfe\x00\x02"), id="JPEG, comments"),
        pytest.param(lambda: with_parts("JPEG", b"\xff"), id="JPEG, padding"),
        pytest.param(lambda: with_parts("PNG", chunk(b"abCd", b"")), id="PNG, chunks"),
        pytest.param(lambda: with_parts("GIF", b"!\xfe\x01a\x00"), id="GIF, comments"),
        pytest.param(lambda: run_lengths(1_000, 1_000), id="BMP, runs of one pixel"),
    ],
)
def test_a_picture_of_endless_parts_is_refused(make: Callable[[], bytes]) -> None:
    """A file of millions of parts, each of which would be looked at by itself, is refused before it takes minutes."""
    with pytest.raises(ImageRejected, match="would take too long to decode: it is made of unusually many parts"):
        prepare(make(), ImageLimits(max_side=50))


def test_a_tile_larger_than_a_picture_is_refused() -> None:
    """A TIFF of a few bytes whose one tile takes a gigabyte is refused before room is made for it."""
    tags = {256: 100, 257: 100, 258: 8, 259: 5, 262: 1, 277: 1, 322: 32768, 323: 32768, 324: 8, 325: 100}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = b"II*\x00" + struct.pack("<IH", 8, len(tags)) + entries + bytes(2_000)
    with pytest.raises(ImageRejected, match=r"too large: its tiles are 32,768 x 32,768 pixels"):
        prepare(data, ImageLimits())


def test_what_takes_much_memory_is_worked_on_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that takes more than 300 MB to decode keeps others like it waiting, and none besides."""
    monkeypatch.setattr(_turns, "of_all", threading.BoundedSemaphore(2))
    heavy, light = (undecoded(announcing(*size, "WEBP")) for size in ((5_000, 5_000), (3_872, 3_872)))
    with turn_of(heavy):
        assert _turns.of_heavy.locked()
        assert prepare(plain((300, 200), "WEBP"), ImageLimits()).format == "JPEG"
    with turn_of(light):
        assert not _turns.of_heavy.locked()


def test_no_more_pictures_are_worked_on_at_once_than_there_are_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """While every turn is taken the next picture waits; whatever becomes of a picture, its turn comes free."""
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(_turns, "of_all", turns)
    with turn_of(undecoded(plain((300, 200), "WEBP"))):
        assert not turns.acquire(blocking=False)
    with pytest.raises(ImageRejected):
        prepare(plain((300, 200), "WEBP")[:-40], ImageLimits())
    assert turns.acquire(blocking=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_picture_finds_every_turn_free() -> None:
    """A process that was forked while threads decoded can decode."""
    with turn_of(undecoded(announcing(5_000, 5_000, "WEBP"))):
        child = os.fork()
        if not child:
            os._exit(_turns.of_heavy.locked())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9])
def test_a_picture_that_is_cut_off_is_refused(file_format: ImageFormat, kept: float) -> None:
    """What must be converted and is not whole is refused, wherever it stops."""
    data = noise((120, 120), file_format)
    with pytest.raises(ImageRejected, match="cut off or damaged"):
        prepare(data[: max(16, int(len(data) * kept))], attrs.evolve(ANY, max_side=60))


@pytest.mark.parametrize("file_format", FORMATS)
def test_no_damage_crashes(file_format: ImageFormat) -> None:
    """Whatever happened to the bytes, the outcome is a picture within the limits or a reason."""
    whole = plain((64, 48), file_format)
    chance = random.Random(file_format)  # noqa: S311 - not a secret
    limits = ImageLimits(formats={"JPEG"}, max_side=32)
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        damaged = bytes(data[: chance.randint(1, len(data) * 2)])
        with contextlib.suppress(ImageRejected):
            assert max(pixels_of(prepare(damaged, limits)).size) <= 32


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>404</html>", "this is an HTML page"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "not a picture that can be read"),
        (b"8BPS\x00\x01", "a Photoshop file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b'<?xml version="1.0"?>\n<!-- drawn by hand -->\n<svg/>', "an SVG drawing"),
        (b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" ""><svg/>', "an SVG drawing"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML document"),
        *((b"\x00\x00\x00\x18ftyp" + brand + bytes(12), "a HEIC photograph") for brand in (b"heic", b"mif1", b"hevc")),
        (b"\x00\x00\x00\x18ftypisom" + bytes(12), "this is a video"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"\xff\xd8\xff", "cut off or damaged"),
        (b"\xff\xd8\xff" + b"\xff" * 20_000, "cut off or damaged"),
        (b"\x89PNG\r\n\x1a\n", "cut off or damaged"),
        (b"RIFF\x00\x00\x00\x00WEBP", "cut off or damaged"),
        (b"GIF89a", "cut off or damaged"),
        (b"BMW is a maker of cars", "cut off or damaged"),
        (plain((4, 4)).replace(b"IHDR\x00\x00\x00\x04", b"IHDR\x00\x00\x00\x00"), "cut off or damaged"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_it_is(data: bytes, reason: str) -> None:
    """The first bytes decide what it is, and the reason says so, also where every format is taken."""
    with pytest.raises(ImageRejected, match=reason):
        prepare(data, ANY)


@pytest.mark.parametrize("size", [(1, 1), (300, 7), (7, 300), (16_383, 2), (2, 5_000)])
@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\x00\x00" + b"\xff\xc0" * 3_000, "comment": b"\xff\xc0\x00\x00\x00"}),
        ("PNG", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\x00\x00MM\x00*"}),
    ],
)
def test_a_size_read_without_pillow_is_the_size(
    file_format: ImageFormat, options: dict[str, Any], size: tuple[int, int]
) -> None:
    """The size in a header is read as Pillow reads it, in every kind of the four formats that most pictures are in."""
    data = plain(size, file_format, **options)
    assert size_of(data, file_format) == size
    assert all(size_of(data[:end], file_format) in {None, size} for end in range(64))


def test_pillow_is_not_needed_where_nothing_is_to_be_done() -> None:
    """A picture that fits is prepared without Pillow even being imported."""
    code = (
        "import sys; from coveo_enrich.images.prepare import prepare, ImageLimits; "
        "prepare(sys.stdin.buffer.read(), ImageLimits(min_side=20, max_side=200)); sys.exit('PIL' in sys.modules)"
    )
    for file_format in ("JPEG", "PNG"):
        data = plain((60, 40), file_format)
        run = subprocess.run([sys.executable, "-c", code], input=data, env={**os.environ}, check=False)  # noqa: S603 - our own script
        assert run.returncode == 0


def test_without_pillow_the_extra_is_named_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Pillow, a size that only Pillow can read is unknown, and an error only when a limit asks about it."""
    data = plain((60, 40), "TIFF")
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert prepare(data, ANY) == PreparedImage(data, "TIFF", None, None)
    for limits in (
        attrs.evolve(ANY, min_side=2),
        attrs.evolve(ANY, max_side=15_999),
        attrs.evolve(ANY, max_pixels=1_000_000),
        attrs.evolve(ANY, max_bytes=10),
        ImageLimits(),
    ):
        with pytest.raises(MissingExtraError, match=r"coveo-enrich\[images\]"):
            prepare(data, limits)


def test_threads_get_the_same_pictures() -> None:
    """Prepared from several threads at once, each picture comes out as when it is prepared alone."""
    pictures = [plain((300 + 20 * turn, 200), file_format) for turn in range(4) for file_format in FORMATS]
    limits = ImageLimits(formats={"JPEG"}, max_side=100)
    alone = [prepare(data, limits) for data in pictures]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(prepare, pictures, [limits] * len(pictures))) == alone


def test_a_prepared_picture_crosses_processes() -> None:
    """Law 14: it pickles, and its repr does not spell out its bytes."""
    prepared = prepare(plain((60, 40)), ImageLimits())
    assert pickle.loads(pickle.dumps(prepared)) == prepared  # noqa: S301 - our own bytes
    assert len(repr(prepared)) < 120
