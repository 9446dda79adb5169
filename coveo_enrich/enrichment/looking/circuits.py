"""Which classifiers of a run still work.

A wrong key fails for every picture. Before a classifier's first success that ends the run, ahead of the catalog; after
it the classifier alone is given up, and the rest of the catalog passes without it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from coveo_enrich.errors import ConfigurationError

__all__ = ["Circuits"]


class Circuits:
    """Remembers which classifiers were given up. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given_up: dict[str, str] = {}
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether the run was left: nobody waits for what was not asked yet."""
        return self._stopped

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped = True

    @property
    def given_up(self) -> Mapping[str, str]:
        """Why classifiers were given up, by classifier."""
        with self._lock:
            return dict(self._given_up)

    def why_given_up(self, classifier: str) -> str | None:
        """Why a classifier is not asked any more; `None` when it may be asked."""
        with self._lock:
            return self._given_up.get(classifier)

    def misconfigured(self, classifier: str, error: ConfigurationError, *, worked: bool) -> None:
        """A call failed for a reason that fails them all: give the classifier up, or raise if it never worked."""
        if not worked:
            raise error
        with self._lock:
            self._given_up.setdefault(classifier, str(error))
