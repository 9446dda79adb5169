"""A store of somebody's own, kept from ending a run: what it cannot do, or answers in some other form, is not known."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from coveo_enrich.classifiers.outcomes import in_words
from coveo_enrich.classifiers.values import Classification, Failure
from coveo_enrich.enrichment.cache.store import ClaimingStore, ClassificationStore, KnownImage, seconds_of
from coveo_enrich.errors import ConfigurationError

__all__ = ["CarefulStore"]

_log = logging.getLogger("coveo_enrich.enrichment")


class CarefulStore:
    """A `ClassificationStore` and `ClaimingStore` that asks another one, and raises nothing but `ConfigurationError`.

    The first thing that goes wrong is logged; later ones are not.

    Args:
        store: The other one.

    Raises:
        ConfigurationError: Its ``url_ttl`` is no time.
    """

    def __init__(self, store: ClassificationStore) -> None:
        self._store = store
        self._claims = _claiming(store)
        self.url_ttl = seconds_of("url_ttl of the cache", store.url_ttl)
        self._complained = False

    def known_image(self, url: str, /) -> KnownImage | Failure | None:
        """As the other store says."""
        found = self._try(self._store.known_image, url)
        return found if isinstance(found, KnownImage | Failure) else None

    def remember_image(self, url: str, known: KnownImage | Failure, /) -> None:
        """Have the other store do it."""
        self._try(self._store.remember_image, url, known)

    def answer(self, identity: str, fingerprint: str, /) -> Classification | Failure | None:
        """As the other store says."""
        found = self._try(self._store.answer, identity, fingerprint)
        return found if isinstance(found, Classification | Failure) else None

    def keep(self, identity: str, fingerprint: str, outcome: Classification | Failure, /) -> None:
        """Have the other store do it."""
        self._try(self._store.keep, identity, fingerprint, outcome)

    def claim(self, identity: str, fingerprint: str, /) -> bool:
        """As the other store says; granted, when it does not know of claims."""
        claims = self._claims
        return claims is None or self._try(claims.claim, identity, fingerprint) is not False

    def release(self, identity: str, fingerprint: str, /) -> None:
        """Have the other store do it."""
        claims = self._claims
        if claims is not None:
            self._try(claims.release, identity, fingerprint)

    def _try(self, work: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401 - whatever the store gives
        try:
            return work(*given)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - a store may do anything, and no product is lost by it
            if not self._complained:
                self._complained = True
                _log.warning("the cache failed, and the run goes on without what it cannot do: %s", in_words(error))


def _claiming(store: Any) -> ClaimingStore | None:  # noqa: ANN401 - a store may be of any type
    return store if hasattr(store, "claim") and hasattr(store, "release") else None
