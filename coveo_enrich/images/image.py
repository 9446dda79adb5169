"""The picture as a classifier gets it: where it came from, and its bytes when they are asked for.

How bytes are fetched, and from where they may be, is decided by `coveo_enrich.images.reader`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from coveo_enrich.errors import ClassifierError, ImageRejected

__all__ = ["ProductImage", "read_once"]


@attrs.frozen
class _Bytes:
    data: bytes = attrs.field(repr=lambda data: f"<{len(data):,} bytes>")

    def __call__(self) -> bytes:
        return self.data


@attrs.frozen
class _File:
    path: Path

    def __call__(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise ImageRejected(f"{self.path.name} cannot be read: {error.strerror or error}") from error


@attrs.frozen
class ProductImage:
    """One picture of a product.

    Its bytes are fetched when `read` is first called, so a classifier that works by URL alone costs no download.

    Attributes:
        url: Where the picture is, as evidence names it: a URL, or a path for a local file.
    """

    url: str
    _load: Callable[[], bytes] = attrs.field(repr=False, eq=False, alias="load")

    @classmethod
    def from_bytes(cls, data: bytes, *, url: str = "bytes:") -> ProductImage:
        """A picture that you already have in memory; ``url`` is what evidence calls it."""
        return cls(url, _Bytes(data))

    @classmethod
    def from_file(cls, path: str | Path) -> ProductImage:
        """A picture in a file that you name yourself. For paths that come from a catalog, see `ImageReader`."""
        return cls(str(path), _File(Path(path)))

    def read(self) -> bytes:
        """The bytes of the picture, as its host sent them.

        Raises:
            ImageRejected: It cannot be had, now or later: a dead link, too large, or not allowed.
            ServiceUnavailable: Its host did not answer usefully; it may do so later.
        """
        return self._load()


class _Once:
    """Remembers what reading a picture came to, the bytes or the error, for the other classifiers of a product."""

    def __init__(self, load: Callable[[], bytes]) -> None:
        self._load = load
        self._outcome: bytes | ClassifierError | None = None

    def __call__(self) -> bytes:
        if self._outcome is None:
            try:
                self._outcome = self._load()
            except ClassifierError as error:
                self._outcome = error
        if isinstance(self._outcome, ClassifierError):
            raise self._outcome
        return self._outcome


def read_once(image: ProductImage) -> ProductImage:
    """The same picture, fetched at most once however many classifiers ask for its bytes."""
    return ProductImage(image.url, load=_Once(image.read))
