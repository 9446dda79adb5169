"""The entries of a source in a time, page by page, with a word on whether they were read to their end.

What the entries mean for a push is the matter of `coveo_enrich.index.logs.client`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final

from coveo_enrich.index.logs.calls import LogEntry, TimeRange, entries_in, logs_call
from coveo_enrich.index.looking import OutOfTimeError
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import PlatformCalls
from coveo_enrich.index.search.answer import require_list

if TYPE_CHECKING:
    from coveo_enrich._calls import Pause

__all__ = ["LogReader"]

# Pages that bring nothing new, and pages at all, could go on for ever.
_MOST_IDLE_PAGES: Final = 10
_MOST_PAGES: Final = 100


class LogReader:
    """Reads entries, and tells with ``unread`` why it did not come to their end; empty when it did."""

    def __init__(self, place: CoveoPlace, calls: PlatformCalls, pause: Pause) -> None:
        self._place = place
        self._calls = calls
        self._pause = pause
        self.unread = ""

    def entries(self, filters: Mapping[str, Sequence[str]], when: Iterable[TimeRange]) -> Iterator[LogEntry]:
        """Each entry of the source once.

        Raises:
            OutOfTimeError: What the pause raised.
        """
        seen: set[str] = set()
        for one in when:
            idle = 0
            for page in count():
                entries, has_next = self._page(filters, one, page)
                new = {entry.key: entry for entry in entries if entry.key not in seen}
                seen |= new.keys()
                yield from (entry for entry in new.values() if entry.source_id == self._place.source_id)
                idle = 0 if new else idle + 1
                if not has_next:
                    break
                if idle == _MOST_IDLE_PAGES or page + 1 == _MOST_PAGES:
                    self.unread = f"the logs could not be read to their end, as they had not come to it on page {page}"
                    break

    def _page(self, filters: Mapping[str, Sequence[str]], when: TimeRange, page: int) -> tuple[list[LogEntry], bool]:
        call = logs_call(self._place, filters, when, page)
        try:
            answer = self._calls.ask(call, pause=self._pause)
        except OutOfTimeError:
            self.unread = "the logs could not be read to their end, as the time was over"
            raise
        require_list(call, answer, "documentLogEntries")
        return entries_in(answer)
