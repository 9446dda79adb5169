"""Which products of a catalog are on the page: the doubtful ones, and some of the others, always the same.

The catalog is gone through once, and only as many products as the page could hold are kept in memory, twice.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import attrs

from coveo_enrich.enrichment.product import EnrichedProduct
from coveo_enrich.enrichment.review.kinds import Kind, doubt_of, kinds_of
from coveo_enrich.errors import ConfigurationError

__all__ = ["Sample", "Sampled", "choose"]


@attrs.frozen
class Sampled:
    """A product that is on the page.

    Attributes:
        position: Its place in the catalog, from 0.
        doubt: As `doubt_of` has it.
        enriched: The product.
    """

    position: int
    doubt: float
    enriched: EnrichedProduct


@attrs.frozen
class Sample:
    """The products of a page, and how many there were.

    Attributes:
        products: Those on the page, the most doubtful first; of equal ones the earlier in the catalog.
        given: How many there were, without the items of types that are not enriched.
        of_other_types: How many of those there were.
        kinds: How many there were of each kind.
    """

    products: tuple[Sampled, ...]
    given: int
    kinds: Mapping[Kind, int]
    of_other_types: int = 0


def choose(products: Iterable[EnrichedProduct], most: int) -> Sample:
    """All products when there are at most ``most``; else the most doubtful, and a quarter of the places by chance.

    Chance is a hash of the ``documentId``, so the same catalog gives the same page. Items of types that are not
    enriched are counted only.

    Raises:
        ConfigurationError: One of them did not come out of a run.
    """
    doubtful, drawn = _Best(most), _Best(most)
    kinds = Counter[Kind]()
    given = of_other_types = 0
    for position, enriched in enumerate(products):
        if not isinstance(enriched, EnrichedProduct):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
            raise ConfigurationError(
                f"products must be what came out of a run, as enricher.enrich(products) gives it; the one at position "
                f"{position} is a {type(enriched).__name__}"
            )
        if enriched.of_other_type:
            of_other_types += 1
            continue
        sampled = Sampled(position, doubt_of(enriched), _readable(enriched))
        lot = _lot(sampled)
        doubtful.offer((sampled.doubt, lot, -position), sampled)
        drawn.offer((0.0, lot, -position), sampled)
        kinds.update(kinds_of(enriched))
        given += 1
    chosen = {one.position: one for one in doubtful.first(most - most // 4)}
    for one in drawn.first(most):
        if len(chosen) < most:
            chosen[one.position] = one
    ordered = sorted(chosen.values(), key=lambda one: (-one.doubt, one.position))
    return Sample(tuple(ordered), given, kinds, of_other_types)


def _readable(enriched: EnrichedProduct) -> EnrichedProduct:
    """The same with a product that can be read on the way: of a user's own class, it may not be, as failures tell."""
    product = enriched.product
    if type(product) is dict or not isinstance(product, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # as in looking
        return enriched
    try:
        return attrs.evolve(enriched, product=dict(product))
    except Exception:  # noqa: BLE001 - as above
        return attrs.evolve(enriched, product={})


def _lot(sampled: Sampled) -> int:
    name = sampled.enriched.document_id or str(sampled.position)
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())


class _Best:
    """The products of the highest ranks among all that were offered."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[tuple[float, int, int], Sampled]] = []

    def offer(self, rank: tuple[float, int, int], sampled: Sampled) -> None:
        """Keep a product if it is among the best so far; no two have the same rank."""
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, (rank, sampled))
        else:
            heapq.heappushpop(self._heap, (rank, sampled))

    def first(self, count: int) -> Iterator[Sampled]:
        """The best of them, the highest rank first."""
        return (sampled for _, sampled in heapq.nlargest(count, self._heap))
