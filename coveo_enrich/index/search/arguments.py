"""What a caller of `coveo_enrich.index.CoveoSearch` passes, looked at before anything is asked: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from coveo_enrich.errors import ConfigurationError
from coveo_enrich.index.search.item_query import ItemQuery

__all__ = ["queries_in", "require_fields_by_id", "stamps_of", "texts_in"]


def stamps_of(pushed: Any) -> frozenset[int]:  # noqa: ANN401 - whatever a caller passes
    """The orderingIds in a receipt; none when there is no receipt."""
    if pushed is None:
        return frozenset()
    if not hasattr(pushed, "ordering_ids"):
        raise ConfigurationError(f"pushed is a receipt, such as StreamClient.update gives; got {pushed!r:.200}")
    if not pushed.ordering_ids:
        raise ConfigurationError(
            "pushed has no orderingId to tell its items by: it sent nothing, or was a dry run, or the reply that would "
            "have told it was lost, as with CloseOutcomeUnknown; verify without it, by values that only this push has"
        )
    return frozenset(pushed.ordering_ids)


def require_fields_by_id(expected: Any) -> None:  # noqa: ANN401 - whatever a caller passes
    """Raise unless these are fields and values by documentId."""
    if isinstance(expected, Mapping):
        named = cast("Mapping[object, object]", expected)
        if all(isinstance(one, str) and isinstance(fields, Mapping) for one, fields in named.items()):
            return
    raise ConfigurationError(
        "expected are fields and values by documentId, such as {item['documentId']: item for item in items}; "
        f"got {expected!r:.200}"
    )


def texts_in(name: str, several: Any) -> list[str]:  # noqa: ANN401 - whatever a caller passes
    """Several texts as a list."""
    if not isinstance(several, str) and isinstance(several, Iterable):
        listed = list(cast("Iterable[object]", several))
        texts = [one for one in listed if isinstance(one, str)]
        if len(texts) == len(listed):
            return texts
    raise ConfigurationError(f"{name} are several texts, in a list for example; got {several!r:.200}")


def queries_in(query: Any) -> list[ItemQuery]:  # noqa: ANN401 - whatever a caller passes
    """One query or several as a list."""
    if isinstance(query, ItemQuery):
        return [query]
    if not isinstance(query, str) and isinstance(query, Iterable):
        listed = list(cast("Iterable[object]", query))
        queries = [one for one in listed if isinstance(one, ItemQuery)]
        if len(queries) == len(listed):
            return queries
    raise ConfigurationError(f"a query is an ItemQuery, or several of them, ItemQuery(keywords=…); got {query!r:.200}")
