"""A look after the push: what Coveo shows of the items that were sent, and the values of a field.

A 202 only says that something was received. What Coveo shows is proof; that takes half a minute and more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import ConfigurationError, CoveoRefused
from coveo_enrich.index.comparing import ids_by_uri
from coveo_enrich.index.expressions import can_be_quoted, is_any_of, split_by_length
from coveo_enrich.index.place import CoveoPlace
from coveo_enrich.index.platform_calls import CALLS_PER_FIVE_MINUTES, PlatformCalls
from coveo_enrich.index.search_calls import (
    FoundItem,
    facet_call,
    facet_values_in,
    items_call,
    items_in,
    require_no_error,
    source_call,
)
from coveo_enrich.index.verification import Verification, compared
from coveo_enrich.retry import RetryPolicy, require_count

__all__ = ["CoveoSearch", "Pushed"]

_ITEMS_A_CALL: Final = 100
_MOST_VALUES: Final = 5_000
_TIMEOUT_SECONDS: Final = 900.0
_POLL_SECONDS: Final = 30.0


class Pushed(Protocol):
    """What a push said: a `coveo_enrich.stream.Receipt`, for example."""

    @property
    def ordering_ids(self) -> Sequence[int]:
        """The orderingIds that Coveo gave it."""
        ...


class CoveoSearch:
    """Reads items back by the Search API.

    Args:
        place: The organization, as `coveo_enrich.CoveoSource` names it. Its ``platform_key`` is used where there is
            one; it needs the privilege to execute queries, and to view the source where others have items of the same
            ids.
        retry: How patiently calls are repeated.
        calls_per_five_minutes: How many calls this client makes in any five minutes, 1 or more, default 250.
        poll_seconds: How long `verify` waits between two looks, 0 or more, default 30: an item is shown half a minute
            and more after its push.
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
        if not poll_seconds >= 0:
            raise ConfigurationError(f"poll_seconds must be 0 or more; got {poll_seconds!r}")
        self._place = place
        self._calls = PlatformCalls(
            place, retry, calls_per_five_minutes, ca_bundle=ca_bundle, user_agent_suffix=user_agent_suffix
        )
        self._poll_seconds = poll_seconds

    def read_back(self, ids: Iterable[str], fields: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """What Coveo shows of items now.

        Args:
            ids: Their ``documentId``.
            fields: The fields to read.

        Returns:
            By ``documentId`` the fields that have a value, as Coveo gives them; an item that is not shown is not there,
            nor is one whose id holds a double quote, for which Coveo's expressions have no form.

        Raises:
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error, perhaps inside a success.
            NoReply: Nothing was answered, several times over.
        """
        return {document_id: item.fields for document_id, item in self._found(list(ids), list(fields)).items()}

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
            expected: By ``documentId``, the fields and values that were sent.
            pushed: The receipt of the push: items of an earlier one count as old versions. `None` (default): whatever
                push they are of.
            sample: How many items are looked for, chosen by chance, 1 or more; `None` (default) for all.
            timeout: How long Coveo is given, in seconds, default 900; 0 for one look.

        Raises:
            ConfigurationError: A value is out of its range.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error, perhaps inside a success.
            NoReply: Nothing was answered, several times over.
        """
        looked_for = _sampled(expected, sample)
        fields = {field for one in looked_for.values() for field in one}
        if not timeout >= 0:
            raise ConfigurationError(f"timeout must be 0 or more seconds; got {timeout!r}")
        since = None if pushed is None else min(pushed.ordering_ids, default=None)
        if pushed is not None and since is None:
            raise ConfigurationError("pushed has no orderingId to tell its items by: it sent nothing, or was a dry run")
        until = time.monotonic() + timeout
        while True:
            verification = compared(looked_for, self._found(list(looked_for), fields), since=since)
            if not verification.may_change or time.monotonic() + self._poll_seconds > until:
                return verification
            time.sleep(self._poll_seconds)

    def facet(self, field: str, *, expression: str = "", most: int = 100) -> dict[str, int]:
        """The values of a field, with how many items have them, the most frequent first.

        Args:
            field: The field.
            expression: Which items count, as an expression of Coveo's; default all.
            most: How many values are given, 1 to 5,000, default 100.

        Raises:
            ConfigurationError: A value is out of its range.
            AccessRefused: The key lacks a privilege; the message says which.
            CoveoRefused: Coveo answered with another error, perhaps inside a success.
            NoReply: Nothing was answered, several times over.
        """
        require_count("most", most, 1)
        if most > _MOST_VALUES:
            raise ConfigurationError(f"most is 1 to {_MOST_VALUES:,}; got {most:,}")
        return facet_values_in(self._asked(facet_call(self._place, field, expression=expression, most=most)))

    def close(self) -> None:
        """Release connections; the next call makes new ones."""
        self._calls.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"CoveoSearch({self._place!r})"

    def _found(self, ids: list[str], fields: Iterable[str]) -> dict[str, FoundItem]:
        found: dict[str, FoundItem] = {}
        for some in split_by_length((one for one in ids if can_be_quoted(one)), _ITEMS_A_CALL):
            # Coveo puts a slash behind a URI that has no path; which it does, an item tells only once it is found.
            uris = [uri for one in some for uri in (one, f"{one}/")]
            call = items_call(
                self._place, is_any_of("uri", uris), fields, of_source=self._source_name, most=2 * len(some)
            )
            asked_for = ids_by_uri(some)
            for item in items_in(self._asked(call)):
                document_id = asked_for.get(item.uri, asked_for.get(item.uri.lower()))
                if document_id is not None:
                    found[document_id] = item
        return found

    @cached_property
    def _source_name(self) -> str | None:
        """What items of the source say of where they come from; `None` when the key may not ask for it."""
        try:
            name = self._calls.send(source_call(self._place)).get("name")
        except CoveoRefused:
            return None
        return name if isinstance(name, str) and can_be_quoted(name) else None

    def _asked(self, call: CoveoCall) -> Mapping[str, Any]:
        answer = self._calls.send(call)
        require_no_error(call, answer, self._place.read_platform_key())
        return answer


def _sampled(expected: Mapping[str, Mapping[str, Any]], sample: int | None) -> Mapping[str, Mapping[str, Any]]:
    if sample is None:
        return expected
    require_count("sample", sample, 1)
    chosen = random.sample(list(expected), min(sample, len(expected)))
    return {document_id: expected[document_id] for document_id in chosen}
