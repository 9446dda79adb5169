from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from coveo_enrich import ProductImage
from coveo_enrich.errors import ClassifierError, ImageRejected, ServiceUnavailable
from coveo_enrich.images.image import read_once


def test_bytes_are_read_as_they_are() -> None:
    """A picture made of bytes gives the same bytes, every time."""
    image = ProductImage.from_bytes(b"abc", url="memory:1")
    assert (image.url, image.read(), image.read()) == ("memory:1", b"abc", b"abc")


def test_a_file_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    """A picture made of a file costs nothing before it is read."""
    image = ProductImage.from_file(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(b"abc")
    assert (image.url, image.read()) == (str(tmp_path / "a.jpg"), b"abc")


@pytest.mark.parametrize("name", ["missing.jpg", "."])
def test_a_file_that_cannot_be_read_is_rejected(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are failures of the picture, by name."""
    with pytest.raises(ImageRejected, match="cannot be read"):
        ProductImage.from_file(tmp_path / name).read()


def test_the_repr_is_short() -> None:
    """A picture prints without its bytes."""
    assert len(repr(ProductImage.from_bytes(bytes(1_000_000)))) < 100


@pytest.mark.parametrize("read_first", [False, True])
def test_images_pickle(tmp_path: Path, *, read_first: bool) -> None:
    """Law 14: pictures cross to another process, read or unread."""
    (tmp_path / "a.jpg").write_bytes(b"abc")
    for image in (ProductImage.from_bytes(b"abc", url="u"), ProductImage.from_file(tmp_path / "a.jpg")):
        for one in (image, read_once(image)):
            if read_first:
                one.read()
            copy: ProductImage = pickle.loads(pickle.dumps(one))  # noqa: S301 - pickled here
            assert (copy, copy.read()) == (one, b"abc")


def test_images_are_equal_by_what_they_are_called() -> None:
    """Two pictures by the same name are the same picture, and one key of a dict."""
    assert ProductImage.from_bytes(b"a", url="u") == ProductImage.from_bytes(b"b", url="u")
    assert len({ProductImage.from_bytes(b"a", url="u"), ProductImage.from_bytes(b"b", url="u")}) == 1


def test_an_image_cannot_be_changed() -> None:
    """A picture is a value."""
    with pytest.raises(AttributeError):
        ProductImage.from_bytes(b"a").url = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


class Loads:
    """Gives what it is told, and counts how often."""

    def __init__(self, outcome: bytes | Exception) -> None:
        self.outcome = outcome
        self.count = 0

    def __call__(self) -> bytes:
        """Count, and give or raise."""
        self.count += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def test_read_once_reads_once() -> None:
    """However many classifiers ask, the bytes are fetched once."""
    load = Loads(b"abc")
    image = read_once(ProductImage("u", load=load))
    assert load.count == 0
    assert [image.read() for _ in range(3)] == [b"abc"] * 3
    assert load.count == 1


def test_read_once_keeps_empty_bytes() -> None:
    """Bytes that count as false are an outcome too."""
    load = Loads(b"")
    image = read_once(ProductImage("u", load=load))
    assert [image.read(), image.read()] == [b"", b""]
    assert load.count == 1


@pytest.mark.parametrize("error", [ImageRejected("too large"), ServiceUnavailable("busy")])
def test_read_once_fails_once(error: ClassifierError) -> None:
    """A dead link is asked for once, and every classifier hears the same reason."""
    load = Loads(error)
    image = read_once(ProductImage("u", load=load))
    for _ in range(3):
        with pytest.raises(type(error), match=str(error)):
            image.read()
    assert load.count == 1
