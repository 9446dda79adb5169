"""The picture as a classifier gets it: where it came from, and its bytes when they are asked for.

How bytes are fetched, and from where they may be, is decided by `coveo_enrich.images.reader`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from coveo_enrich.errors import ImageRejected

__all__ = ["ProductImage"]


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
