"""A look after the push: what Coveo shows of the items that were sent, and the values of a field.

A 202 only says that something was received. What Coveo shows is proof; that takes half a minute and more.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from coveo_enrich._calls import CoveoCall, Pause
from coveo_enrich.errors import ConfigurationError, CoveoRefused, shown
from coveo_enrich.index.answer import lacks, require_list
from coveo_enrich.index.catalog.reading import read_catalog
from coveo_enrich.index.catalog.source_catalog import SourceCatalog
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import CALLS_PER_FIVE_MINUTES
from coveo_enrich.index.platform_client import PlatformClient, require_seconds
from coveo_enrich.index.polling import OutOfTimeError, looks
from coveo_enrich.index.receipts import Pushed
from coveo_enrich.index.search.arguments import queries_in, require_fields_by_id, stamps_of, texts_in
from coveo_enrich.index.search.calls import (
    MOST_FOUND,
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
    name_in,
    source_call,
)
from coveo_enrich.index.search.expressions import can_be_quoted
from coveo_enrich.index.search.item_query import ItemQuery
from coveo_enrich.index.search.reading_back import by_id, groups_of, with_one_of
from coveo_enrich.index.search.verification import Verification, compared
from coveo_enrich.retry import RetryPolicy, require_count

__all__ = ["CoveoSearch"]

_MOST_VALUES: Final = 5_000
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
            NoReply: Nothing was answered, several times over.
        """
        wanted = texts_in("fields", fields)
        found: dict[str, Mapping[str, Any]] = {}
        for some in self._found(texts_in("ids", ids), wanted):
            shown = {one: items for one, items in some.items() if items}
            found |= {one: max(items, key=lambda item: item.ordering_id or 0).fields for one, items in shown.items()}
        return found

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
            CoveoRefused: Coveo answered with another error, perhaps inside a success.
            NoReply: Nothing was answered, several times over.
        """
        require_fields_by_id(expected)
        require_seconds("timeout", timeout)
        looked_for = _sampled(expected, sample)
        stamps = stamps_of(pushed)
        fields = {field for one in looked_for.values() for field in one}
        found: dict[str, list[FoundItem]] = {}
        left = list(looked_for)
        with suppress(OutOfTimeError):
            for pause in looks(timeout, self._poll_seconds):
                for some in self._found(left, fields, pause):
                    found.update(some)
                so_far = compared(looked_for, found, given=len(expected), stamps=stamps, is_shown=self._is_shown)
                left = so_far.to_look_at_again
                if not left:
                    break
        return compared(looked_for, found, given=len(expected), stamps=stamps, is_shown=self._is_shown)

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
            NoReply: Nothing was answered, several times over.
        """
        require_count("most", most, 1, MOST_FOUND)
        wanted = texts_in("fields", fields)
        for one in queries_in(query):
            call = find_call(self._place, one, wanted, of_source=self._source_name, most=most)
            found = found_in(self._asked(call, "results"), one)
            if found.items:
                return found
        return FoundItems()

    def facet(self, field: str, *, expression: str = "", most: int = 100) -> dict[str, int]:
        """The values of a field, with how many items of the source have them, the most frequent first.

        Args:
            field: The field, which has to be a facet.
            expression: Which items count, as an expression of Coveo's; default all.
            most: How many values are given, 1 to 5,000, default 100.

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

    def _found(
        self, ids: list[str], fields: Iterable[str], pause: Pause | None = None
    ) -> Iterator[dict[str, list[FoundItem]]]:
        """The items of each id, none of one that is not shown, group by group."""
        for some in groups_of(ids):
            yield by_id(some, self._items(with_one_of(some), fields, pause))

    def _items(self, expression: str, fields: Iterable[str], pause: Pause | None) -> list[FoundItem]:
        """All items that match, also where Coveo gives fewer at once than it was asked for.

        Raises:
            CoveoRefused: It gives fewer than it counts.
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
                raise lacks(call, f"more than {len(items):,} of the {count_in(answer):,} results that it counts")

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
        try:
            name = name_in(self._calls.send(source_call(self._place)))
        except CoveoRefused as refused:
            if refused.status == HTTPStatus.FORBIDDEN:
                return None
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            raise ConfigurationError(
                f"there is no source {self._place.source_id} in the organization {self._place.organization_id}: "
                f"{refused}"
            ) from refused
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
        return answer.body


def _sampled(expected: Mapping[str, Mapping[str, Any]], sample: int | None) -> Mapping[str, Mapping[str, Any]]:
    if sample is None:
        return expected
    require_count("sample", sample, 1)
    chosen = random.sample(list(expected), min(sample, len(expected)))
    return {document_id: expected[document_id] for document_id in chosen}
