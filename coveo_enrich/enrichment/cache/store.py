"""What is known of pictures from earlier runs, so that none is paid for twice: the store's protocol, and its values.

A store keeps what was seen, never what was decided from it, so a changed rule costs no call. The store that comes with
the library is `coveo_enrich.enrichment.cache.sqlite_cache`; when it is asked is decided in
`coveo_enrich.enrichment.looking`.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final, Protocol, runtime_checkable

import attrs

from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.errors import ConfigurationError

__all__ = [
    "CLAIM_SECONDS",
    "CacheFigures",
    "ClaimingStore",
    "ClassificationStore",
    "KnownImage",
    "digest_of",
    "seconds_of",
]

CLAIM_SECONDS: Final = 120.0
"""How long a claim counts: a call, with those that follow when it fails, takes seconds; who died on another machine is
not waited for much longer."""


def digest_of(data: bytes) -> str:
    """The identity of a picture whose bytes are at hand: their SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def seconds_of(name: str, value: float | timedelta) -> float:
    """A time in seconds.

    Raises:
        ConfigurationError: It is none, or less than 0.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
        raise ConfigurationError(f"{name} is a time, 0 or more: seconds or a timedelta; got {value!r}")
    return seconds


def _check_text(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) and (value is not None or attribute.name == "digest"):
        raise TypeError(f"KnownImage.{attribute.name} is a text; got {value!r}")


def _check_number(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, int | float):
        raise TypeError(f"KnownImage.{attribute.name} is a number of seconds; got {value!r}")


@attrs.frozen
class KnownImage:
    """What a URL led to when it was last looked at.

    Attributes:
        digest: The bytes that were there: see `digest_of`.
        etag: Their host's ``ETag``, word for word; `None` when it sent none.
        last_modified: Their host's ``Last-Modified``, word for word; `None` when it sent none.
        checked_at: When the host last said so, in seconds since 1970, UTC.
    """

    digest: str = attrs.field(validator=_check_text)
    etag: str | None = attrs.field(default=None, kw_only=True, validator=_check_text)
    last_modified: str | None = attrs.field(default=None, kw_only=True, validator=_check_text)
    checked_at: float = attrs.field(kw_only=True, validator=_check_number)

    def is_fresh(self, ttl: float, now: float) -> bool:
        """Whether it is believed without asking the host again.

        Args:
            ttl: How long it is believed, in seconds.
            now: Seconds since 1970, UTC. A clock that stands before ``checked_at`` was set back, or is another
                machine's; so it is the distance that counts.
        """
        return abs(now - self.checked_at) < ttl


class ClassificationStore(Protocol):
    """Where answers are kept between runs. Called from many threads at once; no base class is needed.

    What cannot be looked up is not known, and what cannot be kept is asked again: neither is a reason to raise. A
    `coveo_enrich.errors.ConfigurationError` ends the run.
    """

    @property
    def url_ttl(self) -> float:
        """How long what is known of a URL is believed without a request, in seconds."""
        ...

    def known_image(self, url: str, /) -> KnownImage | Failure | None:
        """What the URL led to; a failure that has not expired, when it is dead; `None` when it is not known.

        Args:
            url: The URL. It may hold a signature or a password, so a store keeps a hash of it and not the URL.
        """
        ...

    def remember_image(self, url: str, known: KnownImage | Failure, /) -> None:
        """Keep what a URL led to, in place of what was known of it. Only permanent failures are kept."""
        ...

    def answer(self, identity: str, fingerprint: str, /) -> Classification | Failure | None:
        """What a classifier said about a picture: the answer, or a failure that has not expired; else `None`.

        Args:
            identity: What tells the picture from all others, such as its digest.
            fingerprint: What tells the classifier, with its settings, from all others.
        """
        ...

    def keep(self, identity: str, fingerprint: str, outcome: Classification | Failure, /) -> None:
        """Keep what a classifier said, safe from the end of this process when it returns.

        Only permanent failures are kept; another may be gone when it is asked next.
        """
        ...


@runtime_checkable
class ClaimingStore(Protocol):
    """What a `ClassificationStore` may have besides, so that of several runs that want to know the same, one asks.

    Without it they find what others have kept, but those that meet a new picture at the same moment all pay for it.
    """

    def claim(self, identity: str, fingerprint: str, /) -> bool:
        """Take it upon oneself to ask a classifier about a picture, in one step that no other caller can divide.

        A claim ends with its release, or by itself after two minutes or so: its owner may have died.

        Args:
            identity: As for `ClassificationStore.answer`.
            fingerprint: As for `ClassificationStore.answer`.

        Returns:
            `False` when somebody else is asking, be it another thread of this process. The caller comes again every
            few tens of milliseconds then, asks unclaimed after two minutes, and looks for an answer before it asks.
        """
        ...

    def release(self, identity: str, fingerprint: str, /) -> None:
        """End a claim: the answer is kept, or there is none."""
        ...


@attrs.frozen
class CacheFigures:
    """How large a cache is, and what it was good for.

    Attributes:
        answers: What classifiers said about pictures, failures included.
        images: URLs of which something is known.
        bytes: Its size on disk.
        oldest_seconds: How long ago the oldest answer was given; `None` when there is none.
        hits: Answers that were found, by this object in this process.
        misses: Times that an answer was looked for and not found, or had expired: two or three for a new picture.
    """

    answers: int
    images: int
    bytes: int
    oldest_seconds: float | None
    hits: int
    misses: int

    def __str__(self) -> str:
        age = "" if self.oldest_seconds is None else f", the oldest {self.oldest_seconds / 86_400:,.1f} days old"
        return (
            f"{self.answers:,} answers and {self.images:,} images in {self.bytes / 1e6:,.1f} MB{age}; "
            f"{self.hits:,} hits, {self.misses:,} misses"
        )
