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
        self._calls: Counter[str] = Counter()
        self._found: Counter[str] = Counter()

    @property
    def calls(self) -> Mapping[str, int]:
        """Pictures asked about, by classifier; each time that one was asked about again counts."""
        with self._lock:
            return dict(self._calls)

    @property
    def hits(self) -> Mapping[str, int]:
        """Answers that cost no call, by classifier."""
        with self._lock:
            return dict(self._found)

    @property
    def is_spent(self) -> bool:
        """Whether no more pictures may be asked about."""
        return self._left == 0

    def take(self, classifier: str, pictures: int) -> int:
        """How many of so many pictures a call may be about, which then counts; the budget has no room for the rest."""
        with self._lock:
            allowed = pictures if self._left is None else min(self._left, pictures)
            if self._left is not None:
                self._left -= allowed
            self._calls[classifier] += allowed
            return allowed

    def was_not_called(self, classifier: str) -> None:
        """A picture that was counted could not be read, so its service was not asked: the place is another's."""
        with self._lock:
            self._calls[classifier] -= 1
            if self._left is not None:
                self._left += 1

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
