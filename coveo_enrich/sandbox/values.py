"""What all parts of the sandbox speak of: sources, and what is or is not in the index for them. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

__all__ = ["LIKE_NO_LOSS", "NO_VALUE", "Dropped", "Source", "SourceSize", "StoredItem", "is_no_loss"]

NO_VALUE: Final = "the value is empty"
"""Why metadata without a value is not in the index, which is no loss; the last words of a reason."""
LIKE_NO_LOSS: Final = f"%{NO_VALUE}"
"""What `is_no_loss` says, as SQL's ``LIKE`` takes it."""


def is_no_loss(reason: str) -> bool:
    """Whether something was dropped for this reason with which nothing is lost."""
    return reason.endswith(NO_VALUE)


@attrs.frozen
class Dropped:
    """Something that was sent and that is not in the index.

    Attributes:
        document_id: The item; `None` when it has no id that can be told, or when a whole file is meant.
        key: The metadata key as it was sent; `None` when the whole item or file was rejected.
        reason: Why.
        file_id: The file it came in.
    """

    document_id: str | None
    key: str | None
    reason: str
    file_id: str


@attrs.frozen
class Source:
    """The name of a source."""

    organization_id: str
    source_id: str


@attrs.frozen
class StoredItem:
    """An item as a search finds it.

    Attributes:
        source_id: Its source.
        document_id: Its id.
        ordering_id: The orderingId of the last operation on it.
        indexed: Since when searches find it so, in milliseconds since 1970.
        fields: The fields that were kept.
    """

    source_id: str
    document_id: str
    ordering_id: int
    indexed: int
    fields: Mapping[str, Any]


@attrs.frozen
class SourceSize:
    """A source.

    Attributes:
        source: Its name.
        items: How many items are in the index for it.
        dropped: How many pieces of what was sent are not, but for empty values.
    """

    source: Source
    items: int
    dropped: int
