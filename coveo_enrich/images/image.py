"""The picture as a classifier gets it: where it came from, and its bytes when they are asked for.

How bytes are fetched, and from where they may be, is decided by `coveo_enrich.images.reader`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import attrs

from coveo_enrich.errors import ClassifierError, ImageRejected

__all__ = ["FileBytes", "LoadedImage", "ProductImage", "read_once"]


@attrs.frozen
class LoadedImage:
    """The bytes of a picture, and what its host says to tell this version of it from others.

    Attributes:
        data: The bytes, as its host sent them.
        etag: The host's ``ETag``, word for word; `None` when it sent none. Of a file, its time and size.
        last_modified: The host's ``Last-Modified``, word for word; `None` when it sent none.
    """

    data: bytes = attrs.field(repr=lambda data: f"<{len(data):,} bytes>")
    etag: str | None = None
    last_modified: str | None = None


@attrs.frozen
class _Bytes:
    data: bytes = attrs.field(repr=lambda data: f"<{len(data):,} bytes>")

    def __call__(self) -> bytes:
        return self.data


@attrs.frozen
class FileBytes:
    """Reads a file.

    Attributes:
        path: Where it is.
        most: How many bytes are read at most; -1 (default): all.
    """

    path: Path
    most: int = -1

    def __call__(self) -> bytes:
        """Read it.

        Raises:
            ImageRejected: It cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                return file.read(self.most)
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
    _load: Callable[[], bytes | LoadedImage] = attrs.field(repr=False, eq=False, alias="load")

    @classmethod
    def from_bytes(cls, data: bytes, *, url: str = "bytes:") -> ProductImage:
        """A picture that you already have in memory; ``url`` is what evidence calls it."""
        return cls(url, _Bytes(data))

    @classmethod
    def from_file(cls, path: str | Path) -> ProductImage:
        """A picture in a file that you name yourself. For paths that come from a catalog, see `ImageReader`."""
        return cls(str(path), FileBytes(Path(path)))

    def read(self) -> bytes:
        """The bytes of the picture, as its host sent them.

        Raises:
            ImageRejected: It cannot be had, now or later: a dead link, too large, or not allowed.
            ImageUnavailable: Its host did not answer usefully; it may do so later.
        """
        return self.load().data

    def load(self) -> LoadedImage:
        """The bytes as `read` gives them, with the ``ETag`` and ``Last-Modified`` of their host where it sent them."""
        loaded = self._load()
        return loaded if isinstance(loaded, LoadedImage) else LoadedImage(loaded)


class _Once:
    """Remembers what loading a picture came to, the bytes or the error, for the other classifiers of a product."""

    def __init__(self, load: Callable[[], LoadedImage]) -> None:
        self._load = load
        self._outcome: LoadedImage | ClassifierError | None = None
        self._loading = threading.Lock()

    def __call__(self) -> LoadedImage:
        with self._loading:
            if self._outcome is None:
                self._outcome = self._result()
        if isinstance(self._outcome, ClassifierError):
            raise self._outcome
        return self._outcome

    @property
    def error(self) -> ClassifierError | None:
        """What loading raised, if it did."""
        return self._outcome if isinstance(self._outcome, ClassifierError) else None

    def __getstate__(self) -> dict[str, object]:
        return {"_load": self._load, "_outcome": self._outcome}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._loading = threading.Lock()

    def _result(self) -> LoadedImage | ClassifierError:
        try:
            return self._load()
        except ClassifierError as error:
            return error


def own_error(image: ProductImage) -> ClassifierError | None:
    """Why a picture of `read_once` could not be read; `None` when it could, or nobody tried."""
    return image._load.error if isinstance(image._load, _Once) else None  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of this module


def read_once(image: ProductImage) -> ProductImage:
    """The same picture, fetched at most once however many classifiers, and threads, ask for its bytes."""
    return ProductImage(image.url, load=_Once(image.load))
