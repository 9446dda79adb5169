"""Lists in pages, so that a page costs the same however much there is. Pure."""

from __future__ import annotations

from collections.abc import Callable

import attrs

__all__ = ["Cut", "Pager", "cut", "pager"]


@attrs.frozen
class Cut:
    """The part of a list that is shown.

    Attributes:
        page: The page, from 1 on.
        last: The last page.
        first: How many rows come before it.
        size: How many rows a page has.
    """

    page: int
    last: int
    first: int
    size: int

    @property
    def rows(self) -> slice:
        """The rows of the page, of the whole list."""
        return slice(self.first, self.first + self.size)


@attrs.frozen
class Pager:
    """Where a page stands among the others.

    Attributes:
        number: The page, from 1 on.
        last: The last page; `None` when it is not known.
        before: The address of the page before; `None` when this is the first.
        after: The address of the page after; `None` when this is the last.
    """

    number: int
    last: int | None
    before: str | None
    after: str | None

    @property
    def is_needed(self) -> bool:
        """Whether there is another page."""
        return bool(self.before or self.after)


def cut(page: int, total: int, size: int) -> Cut:
    """The part that a page shows: that of the last page where the one that is asked for is beyond it.

    Args:
        page: The page that is asked for, from 1 on.
        total: How many rows there are.
        size: How many rows a page has.
    """
    last = max(1, -(-total // size))
    page = min(page, last)
    return Cut(page, last, (page - 1) * size, size)


def pager(number: int, address_of: Callable[[int], str], *, last: int | None, has_more: bool) -> Pager:
    """The pager of a page.

    Args:
        number: The page, from 1 on.
        address_of: The address of a page.
        last: The last page; `None` when it is not known.
        has_more: Whether there is a page after this one.
    """
    before = address_of(number - 1) if number > 1 else None
    after = address_of(number + 1) if has_more else None
    return Pager(number, last, before, after)
