"""Lists in pages, so that a page costs the same however much there is. Pure."""

from __future__ import annotations

from collections.abc import Callable

import attrs

__all__ = ["Pager", "pager"]


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


def pager(number: int, address_of: Callable[[int], str], *, last: int | None, has_more: bool) -> Pager:
    """The pager of a page.

    Args:
        number: The page, from 1 on.
        address_of: The address of a page.
        last: The last page; `None` when it is not known.
        has_more: Whether there is a page after this one.
    """
    before = number - 1 if last is None else min(number - 1, last)
    return Pager(number, last, address_of(before) if before else None, address_of(number + 1) if has_more else None)
