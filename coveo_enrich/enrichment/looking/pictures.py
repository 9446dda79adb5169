"""Which picture a reference stands for: told by its bytes, or by what is known of its place without a request.

A picture is fetched at most once for all products that name it at the moment, and again only when what is known of it
is too old. What classifiers said about it is the matter of `coveo_enrich.enrichment.looking.answers`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeAlias
from weakref import WeakValueDictionary

import attrs

from coveo_enrich.classifiers.values import Failure
from coveo_enrich.enrichment.cache.store import ClassificationStore, KnownImage, digest_of
from coveo_enrich.errors import ImageRejected, ImageUnavailable
from coveo_enrich.images.image import LoadedImage, ProductImage, read_once
from coveo_enrich.images.reader import MAX_IMAGE_BYTES, ImageReader, NoPictureThere
from coveo_enrich.images.references import is_cloud_object

__all__ = ["AnyPicture", "GivenPicture", "Picture", "Pictures"]


class Pictures:
    """The pictures of a run, each of them one object for all products that name it at the moment.

    Args:
        reader: Fetches them.
        store: What is known from earlier; `None`: nothing.
        fetched_at_once: The most of them that are being fetched at once.
        now: The clock, in seconds since 1970, UTC.
    """

    def __init__(
        self,
        reader: ImageReader,
        store: ClassificationStore | None,
        *,
        fetched_at_once: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.reader = reader
        self.store = store
        self.now = now
        self._fetching = threading.Semaphore(fetched_at_once)
        self._in_use = WeakValueDictionary[str, Picture]()
        self._finding = threading.Lock()

    def of(self, reference: str) -> Picture:
        """The picture that a reference stands for.

        Raises:
            ImageRejected: The reference is not allowed.
        """
        place = self.reader.place_of(reference)
        with self._finding:
            picture = self._in_use.get(place)
            if picture is None:
                picture = self._in_use[place] = Picture(self, reference, place)
            return picture

    def known(self, reference: str) -> KnownImage | Failure | None:
        """What is known of a picture without a request, however long ago it was found out.

        Raises:
            ImageRejected: The reference is not allowed.
        """
        place = self.reader.place_of(reference)
        if _is_version(place):
            return KnownImage(place, checked_at=self.now())
        if self.store is None:
            return None
        known = self.store.known_image(place)
        if isinstance(known, KnownImage) and _is_file(place):
            # A look at the file is no request, and tells for certain.
            mark = self.reader.mark_of_file(reference)
            return attrs.evolve(known, checked_at=self.now()) if mark and mark == known.etag else None
        return known

    def believed(self, reference: str) -> str | Failure | None:
        """The identity of a picture as far as it is known without a request, or why there is no picture.

        Raises:
            ImageRejected: The reference is not allowed.
        """
        known = self.known(reference)
        if isinstance(known, KnownImage):
            return known.digest if self.believes(known) else None
        return known

    def believes(self, known: KnownImage) -> bool:
        """Whether what is known of a picture is taken for true without asking its host."""
        ttl = float("inf") if self.store is None else self.store.url_ttl
        return _is_version(known.digest) or known.is_fresh(ttl, self.now())

    def fetch(self, reference: str, known: KnownImage | None) -> LoadedImage | None:
        """Fetch a picture, unless its host says that it is the one that is known: `None` then.

        Raises:
            ImageRejected: It cannot be had, now or later.
            ImageUnavailable: Its host did not answer usefully.
        """
        etag, last_modified = (known.etag, known.last_modified) if known else (None, None)
        with self._fetching:
            return self.reader.reload(reference, etag=etag, last_modified=last_modified)

    def forget(self, place: str) -> None:
        """Let whoever asks next have a new picture: this one remembers that it could not be fetched."""
        with self._finding:
            self._in_use.pop(place, None)

    def remember(self, place: str, known: KnownImage | Failure) -> None:
        """Keep what was found out about a place."""
        if self.store is not None:
            self.store.remember_image(place, known)


class Picture:
    """One picture, shared by the products and the classifiers that want it at the same moment.

    Attributes:
        place: Where it is: what tells it from all others as long as its bytes are not known.
        image: What a classifier is given; fetched once, when its bytes are first asked for.
        digest: What tells its bytes from all others; `None` when nothing is known of them.
        is_sound: Whether who read it had its bytes: else what a classifier says may be about nothing.
    """

    def __init__(self, pictures: Pictures, reference: str, place: str) -> None:
        self.place = place
        self.image = read_once(ProductImage(pictures.reader.image(reference).url, load=self._load))
        self.digest: str | None = None
        self.is_sound = True
        self._pictures = pictures
        self._reference = reference
        self._loaded: LoadedImage | None = None
        self._identifying = threading.Lock()

    def identity(self, may_ask: Callable[[], bool]) -> str | None:
        """What tells it from all other pictures: its bytes where they can be had.

        Args:
            may_ask: Whether its host may be asked, when that is needed.

        Returns:
            The identity; `None` when it is not known and its host may not be asked.

        Raises:
            ImageRejected: It cannot be had, now or later.
            ImageUnavailable: Its host did not answer usefully.
        """
        with self._identifying:
            if self.digest is None:
                self._identify(may_ask)
            return self.digest

    def _identify(self, may_ask: Callable[[], bool]) -> None:
        known = self._pictures.known(self._reference)
        if isinstance(known, Failure):
            raise ImageRejected(known.reason)
        if known is None:
            if may_ask():
                self._ask_host(None)
        elif self._pictures.believes(known) or not may_ask():
            self.digest = known.digest
        else:
            self._ask_again(known)

    def _ask_again(self, known: KnownImage) -> None:
        """Ask whether it is still the same; it is taken for that when its host cannot say so today."""
        try:
            self._ask_host(known)
        except ImageUnavailable:
            self.digest = known.digest
            self.is_sound = True  # nobody has read it yet

    def _ask_host(self, known: KnownImage | None) -> None:
        if is_cloud_object(self.place):
            self._take_as_of_now()
        elif known is not None and (known.etag or known.last_modified):
            self._loaded = self._fetch(known)
        else:
            self.image.load()

    def _take_as_of_now(self) -> None:
        """An object of a cloud that does not say its version is taken for the same for a while: nothing else tells."""
        now = self._pictures.now()
        self.digest = f"{self.place} at {now!r}"
        self._pictures.remember(self.place, KnownImage(self.digest, checked_at=now))

    def _load(self) -> LoadedImage:
        loaded = self._loaded or self._fetch(None)
        assert loaded is not None  # noqa: S101 - there was no condition
        self.is_sound = True  # whatever happened before, its readers have bytes from now on
        return loaded

    def _fetch(self, known: KnownImage | None) -> LoadedImage | None:
        try:
            loaded = self._pictures.fetch(self._reference, known)
        except BaseException as error:
            self.is_sound = False
            self._pictures.forget(self.place)
            # A file may be there a moment later, and to look for it costs nothing.
            if isinstance(error, NoPictureThere) and not _is_file(self.place):
                self._pictures.remember(self.place, Failure("permanent", str(error)))
            raise
        now = self._pictures.now()
        if loaded is not None:
            digest = digest_of(loaded.data)
            known = KnownImage(digest, etag=loaded.etag, last_modified=loaded.last_modified, checked_at=now)
        assert known is not None  # noqa: S101 - without a version to compare there was no condition
        self.digest = known.digest
        self._pictures.remember(self.place, attrs.evolve(known, checked_at=now))
        return loaded


class GivenPicture:
    """A picture that somebody has in hand, and that no catalog names.

    Attributes:
        image: What a classifier is given.
        is_sound: As that of a `Picture`.
    """

    def __init__(self, image: ProductImage) -> None:
        self.image = read_once(ProductImage(image.url, load=partial(_load_bounded, image)))
        self.is_sound = True
        self._digest: str | None = None

    # Not functools.cached_property, which lets all pictures wait for the one that is read, before Python 3.12.
    @property
    def digest(self) -> str:
        """What tells its bytes from all others.

        Raises:
            ImageRejected: It cannot be had, now or later, or is too large.
            ImageUnavailable: Its host did not answer usefully.
        """
        if self._digest is None:
            self._digest = digest_of(self.image.read())
        return self._digest

    @property
    def place(self) -> str:
        """What tells it from all others: its bytes, as it has no other place."""
        return self.digest

    def identity(self, _may_ask: Callable[[], bool] | None = None) -> str:
        """As that of a `Picture`; nobody needs to be asked for it."""
        return self.digest


def _load_bounded(image: ProductImage) -> LoadedImage:
    loaded = image.load()
    if len(loaded.data) > MAX_IMAGE_BYTES:
        raise ImageRejected(f"it is larger than {MAX_IMAGE_BYTES:,} bytes")
    return loaded


AnyPicture: TypeAlias = Picture | GivenPicture


def _is_file(place: str) -> bool:
    return "://" not in place


def _is_version(place: str) -> bool:
    """Whether a place always holds the same bytes: a version of an object in Amazon S3."""
    return place[:5].lower() == "s3://" and "?versionId=" in place
