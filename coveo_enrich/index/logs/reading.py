"""The entries of a source in a time, page by page, with a word on whether they were read to their end.

What the entries mean for a push is the matter of `coveo_enrich.index.logs.following`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final

import attrs

from coveo_enrich.index.answer import require_list
from coveo_enrich.index.logs.calls import LogEntry, TimeRange, entries_in, logs_call
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import PlatformCalls

if TYPE_CHECKING:
    from coveo_enrich._calls import Pause

__all__ = ["UNREAD", "LogReader", "NewEntries"]

UNREAD: Final = "the logs could not be read to their end"

# Pages that bring nothing new, and pages at all, could go on for ever.
_MOST_IDLE_PAGES: Final = 10
_MOST_PAGES: Final = 100


@attrs.frozen
class NewEntries:
    """What a page tells that no page before it did.

    Attributes:
        entries: Its entries of the source.
        unread: Why no page behind it is read, although there is one; else empty.
    """

    entries: Sequence[LogEntry]
    unread: str


@attrs.frozen
class LogReader:
    """Reads entries of a source.

    Attributes:
        place: The source.
        calls: How its logs are asked.
        pause: What waits meanwhile.
    """

    place: CoveoPlace
    calls: PlatformCalls
    pause: Pause

    def pages(self, filters: Mapping[str, Sequence[str]], when: Iterable[TimeRange]) -> Iterator[NewEntries]:
        """Each entry once, page by page.

        Raises:
            OutOfTimeError: What the pause raised.
        """
        seen: set[str] = set()
        for one in when:
            yield from self._pages_of(filters, one, seen)

    def _pages_of(self, filters: Mapping[str, Sequence[str]], when: TimeRange, seen: set[str]) -> Iterator[NewEntries]:
        """The pages of one time; what they hold is added to what was seen."""
        idle = 0
        for page in count():
            entries, has_next = self._page(filters, when, page)
            new = {entry.key: entry for entry in entries if entry.key not in seen}
            seen.update(new)
            idle = 0 if new else idle + 1
            is_left = has_next and (idle == _MOST_IDLE_PAGES or page + 1 == _MOST_PAGES)
            own = [entry for entry in new.values() if entry.source_id == self.place.source_id]
            yield NewEntries(own, f"{UNREAD}, as they had not come to it on page {page}" if is_left else "")
            if is_left or not has_next:
                return

    def _page(self, filters: Mapping[str, Sequence[str]], when: TimeRange, page: int) -> tuple[list[LogEntry], bool]:
        call = logs_call(self.place, filters, when, page)
        answer = self.calls.ask(call, pause=self.pause)
        require_list(call, answer, "documentLogEntries")
        return entries_in(answer)
