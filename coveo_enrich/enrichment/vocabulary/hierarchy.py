"""Values with levels, such as ``Footwear|Shoes``, as Coveo's hierarchical facets take them.

docs.coveo.com/en/n73f0502: levels are joined by ``|``, and each ancestor is a value of its own beside its descendants.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["LEVELS", "leaf", "with_ancestors"]

LEVELS: Final = "|"


def leaf(value: str) -> str:
    """The last level of a value, which is the value itself when it has one level."""
    return value.rpartition(LEVELS)[2]


def with_ancestors(values: Iterable[str]) -> tuple[str, ...]:
    """The values, each after its ancestors and none twice: what a field such as ``ec_category`` must list.

    ``["Footwear|Shoes"]`` gives ``("Footwear", "Footwear|Shoes")``; values of one level stay as they are.
    """
    return tuple(dict.fromkeys(path for value in values for path in _paths(value)))


def _paths(value: str) -> Iterable[str]:
    levels = value.split(LEVELS)
    return (LEVELS.join(levels[:depth]) for depth in range(1, len(levels) + 1))
