"""What the first items of a source say about themselves, kept as it was sent for the metadata report.

It is a sample, as Coveo's is: what is in none of these items is not known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from coveo_enrich.sandbox.indexing.store import Store
from coveo_enrich.sandbox.strict_json import Json

__all__ = ["Sampling"]

_MOST_ITEMS = 1_000
# Larger ones are left out, so that all together have room anywhere.
_MOST_BYTES = 100_000


class Sampling:
    """Takes items into the sample of a source, and holds them back until they are written together."""

    def __init__(self, store: Store, source: int) -> None:
        self._store = store
        self._source = source
        self._known = store.sampled(source)
        self._held: dict[str, Mapping[str, Json]] = {}

    def put(self, document_id: str, metadata: Mapping[str, Json], size: int) -> None:
        """Take a whole item, if there is room, in the place of what was known of it."""
        is_small = size <= _MOST_BYTES
        if document_id in self._known or (is_small and len(self._known) < _MOST_ITEMS):
            self._known.add(document_id)
            self._held[document_id] = metadata if is_small else {}

    def add(self, document_id: str, metadata: Mapping[str, Json], size: int) -> None:
        """Take what is said beside what is known of an item."""
        known = self._held.get(document_id)
        if known is None and document_id in self._known:
            known = self._store.sample(self._source, document_id)
        self.put(document_id, {**(known or {}), **metadata}, size)

    def flush(self) -> None:
        """Write what is held back."""
        self._store.put_samples(self._source, ((name, json.dumps(said)) for name, said in self._held.items()))
        self._held = {}
