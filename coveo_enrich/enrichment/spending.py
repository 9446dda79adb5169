"""What a run asks for: counted, priced, and kept within a budget. What it would ask for is told by a plan."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from coveo_enrich.errors import ConfigurationError

__all__ = ["Spending", "cost_in_words", "cost_of", "prices_of"]

_LEAST_SHOWN: Final = 0.01


class Spending:
    """Counts what classifiers are asked, and what was known already. Safe for threads.

    Args:
        budget: The most pictures that classifiers are asked about, all of them together, those that are asked about
            again included; `None`: as many as there are.
    """

    def __init__(self, budget: int | None) -> None:
        self._lock = threading.Lock()
        self._left = budget
        self._under_way = 0
        self._calls: Counter[str] = Counter()
        self._found: Counter[str] = Counter()

    @property
    def calls(self) -> Mapping[str, int]:
        """Pictures asked about, by classifier; each time that one was asked about again counts."""
        with self._lock:
            return {name: count for name, count in self._calls.items() if count}

    @property
    def hits(self) -> Mapping[str, int]:
        """Answers that cost no call, by classifier."""
        with self._lock:
            return dict(self._found)

    @property
    def is_spent(self) -> bool:
        """Whether no more pictures may be asked about, whatever comes of the calls under way."""
        return self._left == 0 and not self._under_way

    def take(self, classifier: str, pictures: int) -> int | None:
        """How many of so many pictures a call may be about, which then count; `None`: it has to come again.

        The budget has no room for the rest. While calls are under way it is not known to be spent: some of their
        pictures may turn out to be unreadable.
        """
        with self._lock:
            if self._left == 0 and self._under_way:
                return None
            allowed = pictures if self._left is None else min(self._left, pictures)
            if self._left is not None:
                self._left -= allowed
            self._under_way += allowed
            self._calls[classifier] += allowed
            return allowed

    def settle(self, classifier: str, pictures: int, unread: int) -> None:
        """A call about so many pictures has ended; its service was not asked about those that could not be read."""
        with self._lock:
            self._under_way -= pictures
            self._calls[classifier] -= unread
            if self._left is not None:
                self._left += unread

    def found(self, classifier: str, answers: int = 1) -> None:
        """So many answers cost no call."""
        with self._lock:
            self._found[classifier] += answers


def prices_of(prices: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    """Checked prices by classifier.

    Raises:
        ConfigurationError: A price is no number of 0 or more, or of a classifier that is not there.
    """
    for name, price in prices.items():
        if name not in names:
            raise ConfigurationError(f"prices: there is no classifier {name!r}; given: {', '.join(names)}")
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < float("inf"):
            raise ConfigurationError(f"the price of {name} must be a number, 0 or more; got {price!r}")
    return dict(prices)


def cost_of(calls: Mapping[str, int], prices: Mapping[str, float]) -> dict[str, float]:
    """What calls cost, by classifier, where its price is known."""
    return {name: count * prices[name] for name, count in calls.items() if name in prices}


def cost_in_words(cost: float) -> str:
    """A cost with two decimals; one that is too small for them does not look like none."""
    return f"less than {_LEAST_SHOWN}" if 0 < cost < _LEAST_SHOWN else f"{cost:,.2f}"
