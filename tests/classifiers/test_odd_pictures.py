"""What catalogs hold: hostile and odd pictures and addresses, each classified or named, none fetched that must not be.

Every row goes through a run as a user's would: an `Enricher`, a classifier that takes JPEG and PNG up to 5 MB with 80
pixels a side at least, as Amazon Rekognition does, and a host of pictures over a real socket.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final

import attrs
import pytest

from coveo_enrich import Enricher, FieldMapping, FieldRule, ProductImage, RetryPolicy
from coveo_enrich.classifiers import Classification, Failure, Label, asking
from coveo_enrich.images import ImageLimits

Image = pytest.importorskip("PIL.Image", reason="needs the extra images")

from picture_server import Answer, PictureServer, Script, serving  # noqa: E402 - after the check

OK: Final = None
"""Classified."""


LIMITS: Final = ImageLimits(formats={"JPEG", "PNG"}, max_bytes=5_242_880, min_side=80, max_side=10_000)


@attrs.frozen
class Picky:
    """Takes what Rekognition takes, and fails the test when it gets anything else."""

    name: str = "picky"
    accepts: ImageLimits = LIMITS

    def classify(self, image: ProductImage, /) -> Classification:
        """Look at it as the service would."""
        data = image.read()
        assert data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n")), data[:16]
        assert len(data) <= self.accepts.max_bytes
        with Image.open(io.BytesIO(data)) as picture:
            assert min(picture.size) >= 80
            assert max(picture.size) <= 10_000
        return Classification(self.name, labels=[Label("kayak", 0.9)])


def _saved(format_: str, mode: str = "RGB", size: tuple[int, int] = (200, 160), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, format_, **options)
    return out.getvalue()


def _noise(side: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((side, side), 100).convert("RGB").save(out, "PNG")
    return out.getvalue()


def _animated(format_: str) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (200, 160), color) for color in ("red", "blue")]
    frames[0].save(out, format_, save_all=True, append_images=frames[1:])
    return out.getvalue()


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _saved("JPEG", exif=exif)


def _png_that_says(width: int, height: int) -> bytes:
    """A small file whose header announces a picture of any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _bytes_rows() -> Iterator[tuple[str, bytes, str | None]]:
    jpeg, png, webp = _saved("JPEG"), _saved("PNG"), _saved("WEBP")
    yield from (
        ("JPEG", jpeg, OK),
        ("PNG", png, OK),
        ("WebP", webp, OK),
        ("AVIF", _saved("AVIF"), OK),
        ("GIF", _saved("GIF", "P"), OK),
        ("BMP", _saved("BMP"), OK),
        ("TIFF", _saved("TIFF"), OK),
        ("TIFF, CMYK", _saved("TIFF", "CMYK"), OK),
        ("TIFF, 20 MB", _saved("TIFF", size=(2600, 2600)), "larger than 16,000,000 bytes"),
        ("JPEG, CMYK", _saved("JPEG", "CMYK"), OK),
        ("JPEG, grey", _saved("JPEG", "L"), OK),
        ("JPEG, turned by EXIF", _rotated(), OK),
        ("JPEG, progressive", _saved("JPEG", progressive=True), OK),
        ("JPEG with a page behind it", jpeg + b"<html>", OK),
        ("PNG, palette", _saved("PNG", "P"), OK),
        ("PNG, transparent", _saved("PNG", "RGBA"), OK),
        ("PNG, grey and transparent", _saved("PNG", "LA"), OK),
        ("PNG, 16 bits", _saved("PNG", "I;16"), OK),
        ("PNG, one bit", _saved("PNG", "1"), OK),
        ("PNG, over 5 MB", _noise(1500), OK),
        ("WebP, transparent", _saved("WEBP", "RGBA"), OK),
        ("WebP, animated", _animated("WEBP"), OK),
        ("GIF, animated", _animated("GIF"), OK),
        ("PNG, animated", _animated("PNG"), OK),
        ("JPEG, wider than 10,000", _saved("JPEG", size=(12_000, 1_000)), OK),
        ("JPEG, so thin that smaller is too thin", _saved("JPEG", size=(12_000, 85)), "80"),
        ("JPEG, under 80 pixels", _saved("JPEG", size=(79, 200)), "80"),
        ("WebP, under 80 pixels", _saved("WEBP", size=(200, 40)), "80"),
        ("one pixel", _saved("GIF", "P", size=(1, 1)), "80"),
        ("nothing", b"", "empty"),
        ("one byte", b"\xff", "not a picture"),
        ("the beginning of a JPEG", b"\xff\xd8\xff\xe0", "damaged"),
        ("half a WebP", webp[: len(webp) // 2], "damaged"),
        ("half a GIF header", b"GIF89a\x10", "damaged"),
        ("RIFF that is no WebP", b"RIFF\x10\0\0\0WAVEfmt ", "not a picture"),
        ("a bomb: PNG of 20,000 x 20,000", _png_that_says(20_000, 20_000), "too large"),
        ("a bomb: PNG of 2,000,000,000 x 100", _png_that_says(2_000_000_000, 100), "too large"),
        ("a PNG without most of its pixels, for its service to say", _png_that_says(300, 300), OK),
        ("a page", b"<!doctype html><html><title>Sorry</title>", "HTML page"),
        ("a page after blanks", b"\n\n  <HTML>", "HTML page"),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        ("XML", b"<?xml version='1.0'?><Error/>", "XML"),
        ("PDF", b"%PDF-1.7", "PDF"),
        ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "not a picture"),
        ("Photoshop", b"8BPS\0\x01", "Photoshop"),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        ("JSON", b'{"error": "no such picture"}', "not a picture"),
        ("text", b"404 Not Found", "not a picture"),
        ("zeros", b"\0" * 1000, "not a picture"),
    )


BYTES: Final = list(_bytes_rows())


def _status(status: int) -> Script:
    return Answer(b"<html>no</html>", status)


def _gzipped(data: bytes) -> Script:
    return Answer(gzip.compress(data), headers={"Content-Encoding": "gzip"})


def _cut_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"\xff\xd8\xff")
    handler.close_connection = True


def _hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.close()


def _speaking(raw: bytes) -> Script:
    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(raw)
        handler.close_connection = True

    return speak


def _announcing(*headers: bytes) -> Script:
    return _speaking(b"\r\n".join([b"HTTP/1.1 200 OK", *headers, b"", b"x"]))


def _longer_than_announced(handler: BaseHTTPRequestHandler) -> None:
    Answer(JPEG)(handler)
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")


JPEG: Final = _saved("JPEG")
ANSWERS: Final[list[tuple[str, Script, str | None]]] = [
    ("a picture called text/html", Answer(JPEG, headers={"Content-Type": "text/html"}), OK),
    ("a picture, gzipped", _gzipped(JPEG), OK),
    ("a page called image/jpeg", Answer(b"<html>", headers={"Content-Type": "image/jpeg"}), "HTML page"),
    (
        "a picture, gzipped twice",
        Answer(gzip.compress(gzip.compress(JPEG)), headers={"Content-Encoding": "gzip, gzip"}),
        "not asked for",
    ),
    (
        "a picture, gzipped and cut off",
        Answer(gzip.compress(JPEG)[:-20], headers={"Content-Encoding": "gzip"}),
        "a part",
    ),
    ("a picture that is called gzipped", Answer(JPEG, headers={"Content-Encoding": "gzip"}), "cannot be decompressed"),
    ("a part that was not asked for", Answer(JPEG[:300], 206, {"Content-Range": "bytes 0-299/999"}), "a part"),
    ("not modified since never", Answer(b"", 304), "304"),
    ("a choice", Answer(b"", 300), "300"),
    ("a picture with a cookie", Answer(JPEG, headers={"Set-Cookie": "seen=1"}), OK),
    ("longer than it says", _longer_than_announced, OK),
    ("a length below zero", _announcing(b"Content-Length: -5"), "did not answer usefully"),
    (
        "a length of 100 GB",
        _announcing(b"Content-Length: 99999999999"),
        "did not answer usefully",
    ),
    ("headers without end", _announcing(*[b"X: y"] * 100_000), "did not answer usefully"),
    ("no HTTP at all", _speaking(JPEG), "did not answer usefully"),
    ("16 kB that become 16 MB", _gzipped(b"\0" * 16_000_001), "larger than 16,000,000 bytes"),
    ("401", _status(401), "401"),
    ("403", _status(403), "does not let programs have it"),
    ("404", _status(404), "404"),
    ("410", _status(410), "410"),
    ("429", _status(429), "429"),
    ("500", _status(500), "500"),
    ("503", _status(503), "503"),
    ("204", Answer(b"", 204), "empty"),
    ("cut off", _cut_off, "did not answer usefully"),
    ("a host that hangs up", _hangs_up, "did not answer usefully"),
    ("to a metadata address", Answer(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data/"}), "public"),
    ("to a metadata address by half a URL", Answer(b"", 302, {"Location": "//169.254.169.254/"}), "public"),
    ("to a user's password", Answer(b"", 302, {"Location": "http://user:secret@example.com/"}), "credentials"),
    ("to a port of its own machine", Answer(b"", 302, {"Location": "http://127.0.0.1:22/"}), "port 22"),
    ("to data", Answer(b"", 302, {"Location": "data:image/png;base64,iVBORw0KGgo="}), "http"),
    ("to a file", Answer(b"", 302, {"Location": "file:///etc/passwd"}), "http"),
    ("to nowhere", Answer(b"", 302, {"Location": "http://["}), "URL"),
    ("to itself", Answer(b"", 302, {"Location": "/again"}), "redirected"),
]

NOT_FETCHED: Final = [
    ("http://127.0.0.1/1.jpg", "public"),
    ("http://localhost/1.jpg", "public"),
    ("http://2130706433/1.jpg", "public"),
    ("http://0x7f.1/1.jpg", "public"),
    ("http://0177.0.0.1/1.jpg", "URL"),
    ("http://①②⑦.0.0.1/1.jpg", "URL"),
    ("http://[2002:a9fe:a9fe::]/1.jpg", "public"),
    ("http://[2001:0:808:808:0:0:5601:5601]/1.jpg", "public"),
    ("http://[fd00:ec2::254]/latest/meta-data/", "public"),
    ("http://a..example/1.jpg", "cannot be the name of a host"),
    (f"http://{'a' * 64}.example/1.jpg", "cannot be the name of a host"),
    ("http://[::1]/1.jpg", "public"),
    ("http://[::ffff:10.0.0.1]/1.jpg", "public"),
    ("http://[64:ff9b::a00:1]/1.jpg", "public"),
    ("http://169.254.169.254/latest/meta-data/", "public"),
    ("http://100.100.100.200/latest/meta-data/", "public"),
    ("http://192.0.0.192/", "public"),
    ("http://10.0.0.1:8080/1.jpg", "port"),
    ("https://user:secret@example.com/1.jpg", "credentials"),
    ("ftp://example.com/1.jpg", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("data:image/png;base64,iVBORw0KGgo=", "scheme"),
    ("//example.com/1.jpg", "image root"),
    ("../secret.jpg", "image root"),
    ("/etc/passwd", "image root"),
    ("C:\\secret.jpg", "image root"),
    ("pictures/\0.jpg", "NUL"),
    ("missing.jpg", "no such file"),
    (".", "image root"),
]


@pytest.fixture(autouse=True)
def unwaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may pass is asked again at once."""
    monkeypatch.setattr(asking, "PATIENCE", RetryPolicy(attempts=2, first_wait_seconds=0, longest_wait_seconds=0))


@pytest.fixture(scope="module")
def host() -> Iterator[PictureServer]:
    """A host of pictures."""
    with serving() as server:
        yield server


@pytest.fixture
def look(tmp_path: Path, host: PictureServer) -> Callable[[str], str | None]:
    """Enrich a product with one picture; returns why it was not classified, or `None`."""

    def do(reference: str) -> str | None:
        mapping = FieldMapping([FieldRule("kind", reads="label")])
        enricher = Enricher(Picky(), mapping, image_root=tmp_path, trusted_hosts=[host.host], concurrency=1)
        (enriched,) = enricher.enrich([{"documentId": "product://1", "ec_images": [reference]}])
        if enriched.document.get("kind") == "kayak":
            assert not enriched.failures
            return None
        (failure,) = enriched.failures
        assert isinstance(failure, Failure)
        assert failure.image == reference
        assert enriched.document is enriched.product
        return failure.reason

    return do


def _assert_outcome(reason: str | None, expected: str | None) -> None:
    if expected is None:
        assert reason is None
    else:
        assert reason is not None
        assert expected in reason


@pytest.mark.parametrize(("data", "expected"), [pytest.param(*row[1:], id=row[0]) for row in BYTES])
def test_odd_bytes_are_classified_or_named(
    look: Callable[[str], str | None], tmp_path: Path, data: bytes, expected: str | None
) -> None:
    """Law 1: whatever a file holds, its product comes out, and the reason names what is wrong with the picture."""
    (tmp_path / "picture.jpg").write_bytes(data)
    _assert_outcome(look("picture.jpg"), expected)


@pytest.mark.parametrize(("script", "expected"), [pytest.param(*row[1:], id=row[0]) for row in ANSWERS])
def test_odd_answers_are_classified_or_named(
    look: Callable[[str], str | None], host: PictureServer, script: Script, expected: str | None
) -> None:
    """Law 1: whatever a host answers, the reason names it."""
    host.scripts["/again"] = Answer(b"", 302, {"Location": "/again"})
    _assert_outcome(look(host.url("/picture.jpg", script)), expected)


@pytest.mark.parametrize(("reference", "expected"), NOT_FETCHED)
def test_what_must_not_be_fetched_is_not(
    look: Callable[[str], str | None], host: PictureServer, reference: str, expected: str
) -> None:
    """Law 15: addresses and paths that a catalog must not reach are refused by name, and nothing is asked for."""
    before = len(host.requests)
    _assert_outcome(look(reference), expected)
    assert len(host.requests) == before


def test_there_are_enough_rows() -> None:
    """At least sixty, and none of them twice."""
    rows = [*(row[0] for row in BYTES), *(row[0] for row in ANSWERS), *(row[0] for row in NOT_FETCHED)]
    assert len(set(rows)) == len(rows) >= 60
