"""The operations on a Coveo source, as a caller sees them.

Holds what operations share: the source, the connections, the settings. How a load proceeds is in
`coveo_enrich.stream.load`; nothing here knows how the items came about.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from coveo_enrich._calls import CoveoCaller
from coveo_enrich.errors import (
    ConfigurationError,
    CoveoRefused,
    NoReply,
    SourceSizeUnknown,
)
from coveo_enrich.index.item_count import item_count_call, parse_item_count
from coveo_enrich.retry import RetryPolicy
from coveo_enrich.stream.chunks import MAX_CHUNK_BYTES, MIN_CHUNK_BYTES
from coveo_enrich.stream.load import LoadSettings, LoadStream
from coveo_enrich.stream.protocol import ExpectedItems
from coveo_enrich.stream.receipts import LoadReceipt
from coveo_enrich.stream.source import CoveoSource

if TYPE_CHECKING:
    from coveo_enrich._http import HttpSender

__all__ = ["StreamClient"]

_DEFAULT_CHUNK_BYTES: Final = 128_000_000
_DEFAULT_MAX_ITEMS: Final = 1_000_000


class StreamClient:
    """Sends items to a Coveo source.

    Nothing is sent before an operation is called. Leaving the with-block, or `close`, releases connections and never
    closes a stream.

    Args:
        source: Where the items go.
        max_chunk_bytes: Largest chunk, 50 to 256,000,000 bytes, default 128,000,000. Chunks are kept in temporary
            files, so this costs no memory.
        concurrency: Uploads under way at once, 1 or more, default 4.
        retry: How patiently calls are repeated.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    def __init__(
        self,
        source: CoveoSource,
        *,
        max_chunk_bytes: int = _DEFAULT_CHUNK_BYTES,
        concurrency: int = 4,
        retry: RetryPolicy | None = None,
    ) -> None:
        if not MIN_CHUNK_BYTES <= max_chunk_bytes <= MAX_CHUNK_BYTES:
            limits = f"from {MIN_CHUNK_BYTES} to {MAX_CHUNK_BYTES:,}"
            raise ConfigurationError(f"max_chunk_bytes must be {limits}; got {max_chunk_bytes!r}")
        if concurrency < 1:
            raise ConfigurationError(f"concurrency must be 1 or more; got {concurrency!r}")
        self._source = source
        self._max_chunk_bytes = max_chunk_bytes
        self._concurrency = concurrency
        self._retry = retry or RetryPolicy()

    def load(
        self,
        documents: Iterable[Mapping[str, Any]],
        *,
        expected_items: int | None = None,
        allow_shrink: bool = False,
        max_items: int = _DEFAULT_MAX_ITEMS,
    ) -> LoadReceipt:
        """Make the source exactly these items: **whatever is not among them is deleted**.

        Opens a stream, uploads the items in chunks, and closes it only when every item was taken. Whatever goes wrong
        before that leaves the stream open, which leaves the source as it was.

        Args:
            documents: The items: mappings with a ``documentId`` that is a URI. Read once, one at a time.
            expected_items: How many items to expect; asked of Coveo unless given. A load of less than half of it is
                not closed.
            allow_shrink: Whether the catalog may shrink by more than half.
            max_items: Most items of a load, default 1,000,000, as Coveo advises (docs.coveo.com/en/p48b0322).

        Returns:
            What was sent, once Coveo has confirmed the close.

        Raises:
            InvalidItem: An item would be refused by Coveo, or has the id of an earlier one.
            EmptyLoad: There was no item.
            ShrinkingLoad: There were less than half of the expected items.
            SourceSizeUnknown: How many items to expect could not be asked of Coveo.
            TooManyItems: There were more than ``max_items``.
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            UploadRefused: The storage refused a chunk.
            NoReply: Nothing was answered, several times over.
            CloseOutcomeUnknown: The reply to close was lost.
        """
        with self.open_stream(
            expected_items=expected_items,
            allow_shrink=allow_shrink,
            max_items=max_items,
        ) as stream:
            for document in documents:
                stream.add(document)
        return stream.receipt

    def open_stream(
        self,
        *,
        expected_items: int | None = None,
        allow_shrink: bool = False,
        max_items: int = _DEFAULT_MAX_ITEMS,
    ) -> LoadStream:
        """Load piece by piece: leaving the with-block makes the source **exactly the items that were added**.

        Takes what `load` takes. An exception in the block, or `LoadStream.abandon`, leaves the source as it was.
        """
        if expected_items is not None and expected_items < 0:
            raise ConfigurationError(f"expected_items must be 0 or more; got {expected_items!r}")
        if max_items < 1:
            raise ConfigurationError(f"max_items must be 1 or more; got {max_items!r}")

        def expect() -> ExpectedItems:
            if allow_shrink:
                return ExpectedItems(None, "allow_shrink=True")
            return (
                self._items_in_source() if expected_items is None else ExpectedItems(expected_items, "expected_items")
            )

        settings = LoadSettings(self._max_chunk_bytes, self._concurrency, max_items)
        return LoadStream(self._source, self._sender, self._retry, settings, expect)

    def close(self) -> None:
        """Release connections. A stream that is open stays open."""
        if "_sender" in self.__dict__:
            self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_sender"}

    def __repr__(self) -> str:
        return f"StreamClient({self._source!r})"

    @cached_property
    def _sender(self) -> HttpSender:
        from coveo_enrich._http import HttpSender  # noqa: PLC0415 - httpx is loaded by the first request

        return HttpSender()

    def _items_in_source(self) -> ExpectedItems:
        source = self._source
        call = item_count_call(source.platform_host, source.organization_id, source.source_id)
        try:
            answer = CoveoCaller(self._sender, source.read_platform_key, self._retry).send(call, pause=time.sleep)
        except (CoveoRefused, NoReply) as error:
            raise SourceSizeUnknown(source.source_id, str(error)) from error
        number = parse_item_count(answer)
        if number is None:
            raise SourceSizeUnknown(source.source_id, "the answer holds no number of documents")
        return ExpectedItems(number, "items in the source now")
