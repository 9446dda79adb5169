"""A look after the push: what Coveo shows of the items that were sent, and the values of a field.

A 202 only says that something was received. What Coveo shows is proof; that takes half a minute and more.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import attrs

from coveo_enrich._calls import CALLS_PER_FIVE_MINUTES, CoveoCall, Pause
from coveo_enrich.errors import AccessRefused, ConfigurationError, shown
from coveo_enrich.index.answer import lacks, require_list, warnings_in
from coveo_enrich.index.catalog.reading import read_catalog
from coveo_enrich.index.catalog.source_catalog import SourceCatalog
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_client import PlatformClient, require_seconds
from coveo_enrich.index.polling import OutOfTimeError, looks
from coveo_enrich.index.receipts import Pushed
from coveo_enrich.index.search.arguments import queries_in, require_fields_by_id, stamps_of, texts_in
from coveo_enrich.index.search.calls import (
    MOST_FOUND,
    FewerThanCounted,
    FoundItem,
    FoundItems,
    count_in,
    facet_call,
    facet_values_in,
    facets_in,
    fields_call,
    find_call,
    found_in,
    items_call,
    items_in,
    source_call,
)
from coveo_enrich.index.search.expressions import can_be_quoted
from coveo_enrich.index.search.item_query import ItemQuery
from coveo_enrich.index.search.reading_back import by_id, groups_of, with_one_of
from coveo_enrich.index.search.verification import Verification, compared
from coveo_enrich.retry import RetryPolicy, require_count

__all__ = ["CoveoSearch"]

_log = logging.getLogger("coveo_enrich.index")

_MOST_VALUES: Final = 1_000  # no limit is documented; Coveo takes them from a thousand items by default
_TIMEOUT_SECONDS: Final = 900.0
_POLL_SECONDS: Final = 30.0


class CoveoSearch(PlatformClient):
    """Reads items back by the Search API.

    Args:
        place: The organization, as `coveo_enrich.CoveoSource` names it. Its ``platform_key`` is used where there is
            one; it needs the privilege to execute queries, and to view the source where others have items of the same
            ids.
        retry: How patiently calls are repeated.
        calls_per_five_minutes: How many calls this client makes in any five minutes, 1 or more, default 250.
        poll_seconds: How long `verify` waits between two looks, 0 or more, default 30: an item is shown half a minute
            and more after its push. With less than a second, at first as little as 0.05, the waits grow to one.
        ca_bundle: A file or folder of certificates to trust instead of the usual ones.
        user_agent_suffix: What your program is called, added to the User-Agent header.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    def __init__(
        self,
        place: CoveoPlace,
        *,
        retry: RetryPolicy | None = None,
        calls_per_five_minutes: int = CALLS_PER_FIVE_MINUTES,
        poll_seconds: float = _POLL_SECONDS,
        ca_bundle: str | Path | None = None,
        user_agent_suffix: str | None = None,
    ) -> None:
        require_seconds("poll_seconds", poll_seconds)
        super().__init__(place, retry, calls_per_five_minutes, ca_bundle=ca_bundle, user_agent_suffix=user_agent_suffix)
        self._poll_seconds = poll_seconds
        self._known_catalog: SourceCatalog | None = None
        self._has_asked_for_name = False
        self._known_name: str | None = None

    def read_back(self, ids: Iterable[str], fields: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """What Coveo shows of items now.

        Args:
            ids: Their ``documentId``.
            fields: The fields to read.

        Returns:
            By ``documentId`` the fields that have a value, as Coveo gives them; an item that is not shown is not there,
            such as a variant, and one whose id holds a double quote, for which Coveo's expressions have no form. Of
            several of one id, which other sources may have, the one that was pushed last.

        Raises:
            ConfigurationError: The ids or fields are not several texts.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error, perhaps inside a success.
            NoReply: Nothing was answered, several times over; or more than is read, for one item alone.
        """
        wanted = texts_in("fields", fields)
        found: dict[str, list[FoundItem]] = {}
        for some in groups_of(texts_in("ids", ids)):
            found |= self._shown(some, wanted)
        return {one: max(items, key=lambda item: item.ordering_id or 0).fields for one, items in found.items() if items}

    def verify(
        self,
        expected: Mapping[str, Mapping[str, Any]],
        *,
        pushed: Pushed | None = None,
        sample: int | None = None,
        timeout: float = _TIMEOUT_SECONDS,
    ) -> Verification:
        """Look whether Coveo shows what was sent, again and again until it does or the time is over.

        Args:
            expected: By ``documentId``, the fields and values that were sent; a whole item will do.
            pushed: The receipt of the push: items of an earlier one count as old versions. `None` (default): whatever
                push they are of. Where other sources have items of the same ids, those of this push are compared.
            sample: How many items are looked for, chosen by chance, 1 or more; `None` (default) for all.
            timeout: How long Coveo is given, in seconds, default 900; 0 for one look. The first look is always
                finished, and a call under way is not broken off; nothing else takes longer.

        Raises:
            ConfigurationError: A value is out of its range, or of another kind.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error, perhaps inside a success; or still gave fewer items than it
                counts at the end of the time.
            NoReply: Nothing was answered, several times over; or more than is read, for one item alone.
        """
        require_fields_by_id(expected)
        require_seconds("timeout", timeout)
        looked_for = _sampled(expected, sample)
        stamps = stamps_of(pushed)
        fields = {field for one in looked_for.values() for field in one}
        seen = _Seen()
        left = list(looked_for)
        with suppress(OutOfTimeError):
            for pause in looks(timeout, self._poll_seconds):
                self._look(left, fields, pause, seen)
                so_far = compared(looked_for, seen.items, given=len(expected), stamps=stamps, is_shown=self._is_shown)
                left = list(dict.fromkeys([*so_far.to_look_at_again, *seen.unsure]))
                if not left:
                    break
        if seen.unsure:
            raise next(iter(seen.unsure.values()))
        return compared(looked_for, seen.items, given=len(expected), stamps=stamps, is_shown=self._is_shown)

    def find(self, query: ItemQuery | Iterable[ItemQuery], *, fields: Iterable[str] = (), most: int = 10) -> FoundItems:
        """Search the items of the source; those of all sources where the key may not ask what the source is called.

        Unlike a shopper's search it goes past all caches, and finds what the platform key may see.

        Args:
            query: What is searched for; of several, one after the other until one finds something, as those of
                `coveo_enrich.enrichment.ImageQuery.attempts`.
            fields: The fields to read of what is found; ``uri`` always is.
            most: How many items are given, 1 to 1,000, default 10.

        Returns:
            What the first query that finds anything finds; nothing when none does.

        Raises:
            ConfigurationError: A value is out of its range.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error, perhaps inside a success.
            NoReply: Nothing was answered, several times over; or more than is read.
        """
        require_count("most", most, 1, MOST_FOUND)
        wanted = texts_in("fields", fields)
        for one in queries_in(query):
            call = find_call(self._place, one, wanted, of_source=self._source_name, most=most)
            answer = self._results_of(call)
            found = found_in(answer, one)
            if found.items:
                return found
            if count_in(answer):
                raise FewerThanCounted.of(call, 0, count_in(answer))
        return FoundItems()

    def facet(self, field: str, *, expression: str = "", most: int = 100) -> dict[str, int]:
        """The values of a field, with how many items of the source have them, the most frequent first.

        Coveo looks for values in a thousand items, and estimates counts: in a large source rare ones may be missing
        (coveo.github.io/search-ui/interfaces/ifacetrequest.html, ``injectionDepth``).

        Args:
            field: The field, which has to be a facet.
            expression: Which items count, as an expression of Coveo's; default all.
            most: How many values are given, 1 to 1,000, default 100.

        Returns:
            The values; none when no item has one.

        Raises:
            ConfigurationError: A value is out of its range; or there is no such field, or it is no facet.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error, perhaps inside a success.
            NoReply: Nothing was answered, several times over.
        """
        require_count("most", most, 1, _MOST_VALUES)
        if not isinstance(field, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # whatever a caller passes
            raise ConfigurationError(f"the name of a field is wanted; got {field!r:.200}")
        call = facet_call(self._place, field, expression=expression, of_source=self._source_name, most=most)
        values = facet_values_in(self._asked(call, "facets"))
        if not values:
            self._require_facet(field)
        return values

    def _results_of(self, call: CoveoCall) -> Mapping[str, Any]:
        from coveo_enrich._http import NoReplyTooLong  # noqa: PLC0415 - httpx is loaded by the first request

        try:
            return self._asked(call, "results")
        except NoReplyTooLong as error:
            raise attrs.evolve(error, reason=f"{error.reason}: ask for fewer items or fields") from error

    def _look(self, ids: list[str], fields: Iterable[str], pause: Pause, seen: _Seen) -> None:
        """Look at items once; an answer that gives fewer than it counts takes away nothing that was seen before."""
        for some in groups_of(ids):
            try:
                seen.take(self._shown(some, fields, pause))
            except FewerThanCounted as trouble:
                seen.unsure |= dict.fromkeys(some, trouble)

    def _shown(self, ids: list[str], fields: Iterable[str], pause: Pause | None = None) -> dict[str, list[FoundItem]]:
        """The items of each id of a group, none of one that is not shown.

        Raises:
            FewerThanCounted: Coveo gives fewer than it counts.
            NoReplyTooLong: The answer is too long for one id alone.
        """
        from coveo_enrich._http import NoReplyTooLong  # noqa: PLC0415 - httpx is loaded by the first request

        try:
            return by_id(ids, self._items(with_one_of(ids), fields, pause))
        except NoReplyTooLong as error:
            if len(ids) == 1:
                reason = f"{error.reason} for {shown(ids[0])} alone: ask for fewer fields"
                raise attrs.evolve(error, reason=reason) from error
        half = len(ids) // 2
        return self._shown(ids[:half], fields, pause) | self._shown(ids[half:], fields, pause)

    def _items(self, expression: str, fields: Iterable[str], pause: Pause | None) -> list[FoundItem]:
        """All items that match, also where Coveo gives fewer at once than it was asked for.

        Raises:
            FewerThanCounted: It gives fewer than it counts.
        """
        items: list[FoundItem] = []
        page: list[FoundItem] = []
        while True:
            call = items_call(self._place, expression, fields, of_source=self._source_name, first=len(items))
            answer = self._asked(call, "results", pause)
            before, page = page, items_in(answer)
            items += page
            if len(items) >= count_in(answer):
                return items
            if not page or page == before:
                raise FewerThanCounted.of(call, len(items), count_in(answer))

    def _require_facet(self, field: str) -> None:
        """Raise when a field has no values as it is none, or no facet: a search has no error for that."""
        facets = facets_in(self._asked(fields_call(self._place), "fields"))
        if facets and field.lower() not in facets:
            raise ConfigurationError(f"there is no field {shown(field)}: make it with FieldClient, or correct the name")
        if not facets.get(field.lower(), True):
            raise ConfigurationError(f"the field {field} is no facet: FieldClient.plan tells what it would have to be")

    def _is_shown(self, object_type: str) -> bool:
        return not self._catalog.is_of_kind(object_type, "variant", "availability")

    # Not functools.cached_property, which lets all clients wait for the one that asks, before Python 3.12.
    @property
    def _catalog(self) -> SourceCatalog:
        if self._known_catalog is None:
            self._known_catalog = read_catalog(self._place, self._calls.send)
        return self._known_catalog

    @property
    def _source_name(self) -> str | None:
        """What items of the source say of where they come from; `None` when the key may not ask for it."""
        if not self._has_asked_for_name:
            self._known_name = self._read_source_name()
            self._has_asked_for_name = True
        return self._known_name

    def _read_source_name(self) -> str | None:
        call = source_call(self._place)
        try:
            name = self._calls.send(call).get("name")
        except AccessRefused as refused:
            if refused.status == HTTPStatus.FORBIDDEN:
                return None
            raise
        if not isinstance(name, str):
            raise lacks(call, "name")
        if not can_be_quoted(name):
            raise ConfigurationError(
                f"the source is called {shown(name)!r}, which no expression can hold, so that searches cannot be kept "
                "to its items: give it a name without a double quote"
            )
        return name

    def _asked(self, call: CoveoCall, wanted: str, pause: Pause | None = None) -> Mapping[str, Any]:
        """An answer that holds the list that is wanted."""
        answer = self._calls.ask(call, pause=pause)
        require_list(call, answer, wanted)
        for warning in warnings_in(answer):
            _log.warning("%s: Coveo warns: %s", call.operation, warning)
        return answer.body


@attrs.define
class _Seen:
    """What all looks saw together.

    Attributes:
        items: By id, what was shown last.
        unsure: By id, what was wrong with the last answer about it, which proves nothing.
    """

    items: dict[str, list[FoundItem]] = attrs.field(factory=dict[str, list[FoundItem]])
    unsure: dict[str, FewerThanCounted] = attrs.field(factory=dict[str, FewerThanCounted])

    def take(self, items: Mapping[str, list[FoundItem]]) -> None:
        """Take in an answer that is about these ids."""
        self.items |= items
        for one in items:
            self.unsure.pop(one, None)


def _sampled(expected: Mapping[str, Mapping[str, Any]], sample: int | None) -> Mapping[str, Mapping[str, Any]]:
    if sample is None:
        return expected
    require_count("sample", sample, 1)
    chosen = random.sample(list(expected), min(sample, len(expected)))
    return {document_id: expected[document_id] for document_id in chosen}
