"""The products of a run that are begun and have not come out, in order: few that are waited for, more that are done.

What is known already is done at once and waits only for its turn; if it took the places of those that are asked about,
a catalog with few new pictures would hardly use its classifiers.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from coveo_enrich._threads import Task
from coveo_enrich.enrichment.product import EnrichedProduct

__all__ = ["Window"]

_MOST_PRODUCTS: Final = 2_000


class Window:
    """Products on their way.

    Args:
        most_begun: The most of them that are being looked at, or wait for that.
    """

    def __init__(self, most_begun: int) -> None:
        self._most_begun = most_begun
        self._begun = 0
        self._products = deque[tuple[Task[EnrichedProduct], bool]]()

    def __len__(self) -> int:
        return len(self._products)

    def add(self, task: Task[EnrichedProduct]) -> None:
        """Another product, behind all others."""
        is_waited_for = not task.ended
        self._begun += is_waited_for
        self._products.append((task, is_waited_for))

    @property
    def is_ready(self) -> bool:
        """Whether the first product should come out now: it is there, or nothing more can be begun before."""
        if not self._products:
            return False
        is_full = self._begun >= self._most_begun or len(self._products) >= max(_MOST_PRODUCTS, self._most_begun)
        return is_full or self._products[0][0].ended

    def first(self) -> Task[EnrichedProduct]:
        """Take the first product out; it may not have ended."""
        task, was_waited_for = self._products.popleft()
        self._begun -= was_waited_for
        return task
