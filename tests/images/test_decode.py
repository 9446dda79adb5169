"""Pictures as catalogs hold them, and what is served in their place."""

from __future__ import annotations

import sys
from io import BytesIO

import pytest
from PIL import Image

from coveo_enrich.errors import ImageRejected, MissingExtraError
from coveo_enrich.images.decode import open_image, thumbnail

ORANGE = (240, 120, 20)


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """The bytes of a file of that format."""
    out = BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def close(pixel: float | tuple[int, ...] | None, color: tuple[int, ...], tolerance: int = 12) -> bool:
    """Whether a pixel has that colour, but for what a codec loses."""
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= tolerance for one, other in zip(pixel, color, strict=True))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_every_format_of_product_pictures_is_read(file_format: str) -> None:
    """A picture in each of the seven formats comes out in RGB with its colour and its size."""
    image = open_image(encoded(Image.new("RGB", (40, 30), ORANGE), file_format))
    assert (image.mode, image.size) == ("RGB", (40, 30))
    assert close(image.getpixel((20, 15)), ORANGE)


@pytest.mark.parametrize(
    ("mode", "color", "file_format", "expected"),
    [
        ("CMYK", (0, 128, 255, 0), "JPEG", (255, 127, 0)),
        ("L", 90, "PNG", (90, 90, 90)),
        ("1", 1, "PNG", (255, 255, 255)),
        ("I;16", 0x8000, "PNG", (128, 128, 128)),
        ("I;16", 0x8000, "TIFF", (128, 128, 128)),
        ("LA", (90, 255), "PNG", (90, 90, 90, 255)),
        ("RGBA", (240, 120, 20, 128), "PNG", (240, 120, 20, 128)),
        ("RGBA", (240, 120, 20, 128), "WEBP", (240, 120, 20, 128)),
    ],
)
@pytest.mark.parametrize("side", [None, 8])
def test_every_mode_keeps_its_color_and_its_transparency(
    mode: str, color: int | tuple[int, ...], file_format: str, expected: tuple[int, ...], side: int | None
) -> None:
    """Whatever the mode of the file, the picture is RGB or RGBA with the same colour, reduced or not."""
    image = open_image(encoded(Image.new(mode, (32, 32), color), file_format, **_lossless(file_format)), side=side)
    pixel = image.getpixel((4, 4))
    assert close(pixel, expected)


def _lossless(file_format: str) -> dict[str, object]:
    return {"lossless": True} if file_format == "WEBP" else {}


def test_a_transparent_palette_is_transparent() -> None:
    """A GIF-like picture with a transparent index comes out with alpha, also when it is reduced."""
    drawn = Image.new("P", (64, 64), 0)
    drawn.putpalette([255, 255, 255, *ORANGE])
    drawn.paste(1, (16, 16, 48, 48))
    image = open_image(encoded(drawn, "PNG", transparency=0), side=32)
    assert image.mode == "RGBA"
    corner, middle = image.getpixel((1, 1)), image.getpixel((16, 16))
    assert isinstance(corner, tuple)
    assert corner[3] == 0
    assert close(middle, (*ORANGE, 255))


def test_exif_turns_the_picture_upright() -> None:
    """A camera's note that the picture lies on its side is followed, also when the picture is reduced."""
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.new("RGB", (80, 40), "white")
    lying.paste(ORANGE, (0, 0, 40, 40))
    image = open_image(encoded(lying, "JPEG", exif=exif), side=40)
    assert image.size == (20, 40)
    assert close(image.getpixel((10, 5)), ORANGE)


def test_exif_that_cannot_be_read_is_no_reason_to_refuse() -> None:
    """Damaged EXIF leaves the picture as it lies."""
    data = encoded(Image.new("RGB", (20, 10), ORANGE), "PNG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert open_image(data).size == (20, 10)


def test_the_first_frame_of_an_animation_counts() -> None:
    """An animated GIF is looked at as its first frame shows it."""
    frames = [Image.new("RGB", (20, 20), color) for color in (ORANGE, (0, 0, 255))]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert close(open_image(data).getpixel((5, 5)), ORANGE)


def test_side_reduces_the_longest_side_and_never_enlarges() -> None:
    """A larger picture is reduced in proportion; a smaller one keeps its size."""
    data = encoded(Image.new("RGB", (400, 200), ORANGE), "JPEG")
    assert open_image(data, side=100).size == (100, 50)
    assert open_image(data, side=1000).size == (400, 200)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n  <!DOCTYPE html><html>404</html>", "this is an HTML page, not a picture"),
        (b"<html><body>Sign in</body></html>", "this is an HTML page, not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "a HEIC photograph"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "not a picture that can be read"),
        (b'{"error": "not found"}', "not a picture that can be read"),
        (b"\x00" * 64, "not a picture that can be read"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_it_is(data: bytes, reason: str) -> None:
    """What hosts serve in a picture's place is named, so that a merchandiser knows what to mend."""
    with pytest.raises(ImageRejected, match=reason):
        open_image(data)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_refused(file_format: str, kept: float) -> None:
    """A download that stopped early is refused as damaged, wherever it stopped, not read as a gray picture."""
    noisy = Image.effect_noise((200, 200), 80).convert("RGB")
    data = encoded(noisy, file_format)
    with pytest.raises(ImageRejected, match="cut off or damaged"):
        open_image(data[: max(16, int(len(data) * kept))])


def test_too_many_pixels_are_refused_by_the_header() -> None:
    """A small file that announces a huge picture is refused before a pixel is decoded, and without a warning."""
    bomb = encoded(Image.new("1", (12_000, 12_000)), "PNG")
    assert len(bomb) < 100_000
    with pytest.raises(ImageRejected, match=r"too large: 12,000 x 12,000 pixels, more than 64,000,000"):
        open_image(bomb)
    with pytest.raises(ImageRejected, match="more than 99"):
        open_image(encoded(Image.new("RGB", (10, 10)), "PNG"), max_pixels=99)


def test_the_first_bytes_decide_whatever_the_name_says() -> None:
    """Bytes are all that is asked for: a WebP that a host calls JPEG is read as WebP."""
    assert open_image(encoded(Image.new("RGB", (9, 9), ORANGE), "WEBP")).size == (9, 9)


def test_a_thumbnail_is_a_small_jpeg_on_white() -> None:
    """A cut-out picture becomes a small JPEG whose transparent parts are white, not black."""
    cut_out = Image.new("RGBA", (300, 150), (0, 0, 0, 0))
    cut_out.paste((*ORANGE, 255), (100, 50, 200, 100))
    small = Image.open(BytesIO(thumbnail(encoded(cut_out, "PNG"), 60)))
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (60, 30))
    assert close(small.getpixel((2, 2)), (255, 255, 255))
    assert close(small.getpixel((30, 15)), ORANGE, tolerance=20)


def test_without_pillow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Pillow is not installed, the error says what to install."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"coveo-enrich\[images\]"):
        open_image(b"\xff\xd8\xff")
