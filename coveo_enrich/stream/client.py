"""The operations on a Coveo source, as a caller sees them.

Holds what operations share: the source, the connections, the settings. How each proceeds is in
`coveo_enrich.stream.load` and `coveo_enrich.stream.updates`; nothing here knows how the items came about.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from coveo_enrich._calls import CALLS_PER_FIVE_MINUTES, Connections, CoveoCall, CoveoCaller, Patience
from coveo_enrich._progress import require_progress, with_progress
from coveo_enrich.errors import CoveoRefused, NoReply, SourceSizeUnknown
from coveo_enrich.index.fields.needs import FieldNeed
from coveo_enrich.index.item_count import item_count_call, parse_item_count
from coveo_enrich.retry import RetryPolicy, require_count
from coveo_enrich.stream.load import LoadStream
from coveo_enrich.stream.partial import PartialUpdate
from coveo_enrich.stream.preflight import FieldCheck, Preflight
from coveo_enrich.stream.protocol import ExpectedItems
from coveo_enrich.stream.receipts import ChunkReceipt, Operation, Receipt
from coveo_enrich.stream.run import Connection
from coveo_enrich.stream.settings import Checks, DryRun, StreamSettings, require_many
from coveo_enrich.stream.source import CoveoSource
from coveo_enrich.stream.updates import UpdateRun

__all__ = ["StreamClient"]

_DEFAULT_CHUNK_BYTES: Final = 128_000_000
_DEFAULT_MAX_ITEMS: Final = 1_000_000

Documents = Iterable[Mapping[str, Any]]
_Given = TypeVar("_Given")


class StreamClient:
    """Sends items to a Coveo source.

    Nothing is sent before an operation is called. Leaving the with-block, or `close`, releases connections and never
    closes a stream. Every operation reads what it is given once, one item at a time, and takes ``dry_run``: ``True``
    does everything but the sending and returns the receipt that it would give; a folder does the same and keeps the
    chunk files there.

    Whatever an operation raises carries a note of what became of the source; an error of this library also carries the
    receipt of what was done until then, as ``receipt``.

    Args:
        source: Where the items go.
        max_chunk_bytes: Largest chunk, 50 to 256,000,000 bytes, default 128,000,000. Chunks are kept in temporary
            files, at most ``concurrency`` + 1 of them at once, so this costs no memory.
        concurrency: Uploads under way at once, 1 to 64, default 4.
        retry: How patiently calls are repeated.
        checks: ``"full"`` (default) looks for everything that Coveo would refuse, drop or misread; ``"trusted"``, for
            items that were checked before, only for the id, its uniqueness and the size.
        dictionary_fields: Names of fields that take an object: dictionary fields (docs.coveo.com/en/2036). An object
            elsewhere is refused, as Coveo cannot index it.
        needs: The fields that items fill, as ``FieldMapping.needs()`` says them: operations look first whether they are
            there, and send nothing when values would vanish. Default none.
        on_chunk: Called in the caller's thread with the `ChunkReceipt` of each chunk that was taken. What it raises
            stops the operation.
        progress: Whether a bar shows how many items were read (extra ``progress``); also in notebooks.
        calls_per_five_minutes: How many calls this client makes in any five minutes, 1 or more, default 250, as Coveo
            allows a production organization (150 for others, docs.coveo.com/en/o64d1129), the three or more that look
            at fields included. Waits are logged as warnings, and those of the operation stand in the receipt. Uploads
            do not count.
        ca_bundle: A file or folder of certificates to trust instead of the usual ones.
        user_agent_suffix: What your program is called, added to the User-Agent header.

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
        checks: Checks = "full",
        dictionary_fields: Collection[str] = (),
        needs: Iterable[FieldNeed] = (),
        on_chunk: Callable[[ChunkReceipt], object] | None = None,
        progress: bool = False,
        calls_per_five_minutes: int = CALLS_PER_FIVE_MINUTES,
        ca_bundle: str | Path | None = None,
        user_agent_suffix: str | None = None,
    ) -> None:
        require_many("dictionary_fields", dictionary_fields)
        if progress:
            require_progress()
        self._connections = Connections(
            calls_per_five_minutes, ca_bundle=ca_bundle, user_agent_suffix=user_agent_suffix
        )
        self._source = source
        self._settings = StreamSettings(
            max_chunk_bytes=max_chunk_bytes,
            concurrency=concurrency,
            retry=retry or RetryPolicy(),
            checks=checks,
            dictionary_fields=frozenset(dictionary_fields),
            on_chunk=on_chunk,
            progress=progress,
        )
        self._preflight = Preflight(source, needs)

    def load(
        self,
        documents: Documents,
        *,
        expected_items: int | None = None,
        allow_shrink: bool = False,
        max_items: int = _DEFAULT_MAX_ITEMS,
        dry_run: DryRun = False,
        fields: FieldCheck | None = None,
    ) -> Receipt:
        """Make the source exactly these items: **whatever is not among them is deleted**.

        Opens a stream, uploads the items in chunks, and closes it only when every item was taken. Whatever goes wrong
        before that leaves the stream open, which leaves the source as it was. Coveo keeps a chunk for an hour: where
        making the items takes longer, `replace` does the same.

        Args:
            documents: The items: mappings with a ``documentId`` that is a URI.
            expected_items: How many items to expect; asked of Coveo unless given. A load of less than half of it is
                not closed.
            allow_shrink: Whether the catalog may shrink by more than half.
            max_items: Most items of a load, default 1,000,000, as Coveo advises (docs.coveo.com/en/p48b0322).
            dry_run: Whether nothing is sent; or a folder to keep the chunk files in.
            fields: ``"check"`` looks first whether the fields that are needed are there, ``"ignore"`` does not; default
                ``"check"`` when the client was given ``needs``. Not with ``dry_run``.

        Returns:
            What was sent, once Coveo has confirmed the close.

        Raises:
            InvalidItem: An item would be refused by Coveo, or has the id of an earlier one.
            EmptyLoad: There was no item.
            ShrinkingLoad: There were less than half of the expected items.
            SourceSizeUnknown: How many items to expect could not be asked of Coveo.
            TooManyItems: There were more than ``max_items``.
            ChunksExpired: The load took about an hour.
            FieldsNotReady: Values would vanish.
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            UploadRefused: The storage refused a chunk.
            NoReply: Nothing was answered, several times over.
            CloseOutcomeUnknown: The reply to close was lost.
        """
        require_many("documents", documents)
        stream = self.open_stream(
            expected_items=expected_items,
            allow_shrink=allow_shrink,
            max_items=max_items,
            dry_run=dry_run,
            fields=fields,
        )
        return stream.load(self._shown(documents, "load"))

    def open_stream(
        self,
        *,
        expected_items: int | None = None,
        allow_shrink: bool = False,
        max_items: int = _DEFAULT_MAX_ITEMS,
        dry_run: DryRun = False,
        fields: FieldCheck | None = None,
    ) -> LoadStream:
        """Load piece by piece: leaving the with-block makes the source **exactly the items that were added**.

        Takes what `load` takes. An exception in the block, or `LoadStream.abandon`, leaves the source as it was.
        """
        expect = self._expectation(expected_items, allow_shrink=allow_shrink)
        require_count("max_items", max_items, 1)
        settings = self._settings.for_run(dry_run)
        self._check_fields(fields, dry_run)
        return LoadStream(self._connection, settings, max_items, expect)

    def replace(
        self,
        documents: Documents,
        *,
        expected_items: int | None = None,
        allow_shrink: bool = False,
        skip_invalid: bool = False,
        dry_run: DryRun = False,
        fields: FieldCheck | None = None,
    ) -> Receipt:
        """Make the source exactly these items, the way that Coveo prefers: update them all, then delete what is older.

        Until the deletion, which follows 15 minutes after the last update, the source holds old and new items together,
        each in its old or its new form. Whatever goes wrong leaves it so: nothing is deleted. Takes any number of items
        and any length of time.

        Args:
            documents: The items: mappings with a ``documentId`` that is a URI.
            expected_items: How many items to expect; asked of Coveo unless given. With less than half of it, nothing
                is deleted.
            allow_shrink: Whether the catalog may shrink by more than half.
            skip_invalid: Whether invalid items are left out and reported, instead of raising. Nothing is deleted then
                if there were any, as it would delete what the source has of them.
            dry_run: Whether nothing is sent; or a folder to keep the chunk files in.
            fields: ``"check"`` looks first whether the fields that are needed are there, ``"ignore"`` does not; default
                ``"check"`` when the client was given ``needs``. Not with ``dry_run``.

        Returns:
            What was sent. ``older_than`` says whether older items are deleted.

        Raises:
            InvalidItem: An item would be refused by Coveo, or has the id of an earlier one.
            EmptyLoad: There was no item.
            ShrinkingLoad: There were less than half of the expected items.
            SourceSizeUnknown: How many items to expect could not be asked of Coveo.
            DeletionRefused: Coveo confirmed a chunk without an ``orderingId``, so the bound is not known.
            FieldsNotReady: Values would vanish.
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            UploadRefused: The storage refused a chunk.
            NoReply: Nothing was answered, several times over.
        """
        require_many("documents", documents)
        expect = self._expectation(expected_items, allow_shrink=allow_shrink)
        self._check_fields(fields, dry_run)
        run = self._update_run("replace", dry_run, skip_invalid=skip_invalid)
        return run.replace(run.intake.items(self._shown(documents, "replace")), expect)

    def update(
        self,
        documents: Documents,
        *,
        delete: Iterable[str] = (),
        skip_invalid: bool = False,
        dry_run: DryRun = False,
        fields: FieldCheck | None = None,
    ) -> Receipt:
        """Add items, or put them in the place of those with the same id; the rest of the source is left alone.

        An item is replaced as a whole: a field that is left out leaves the index. Each chunk takes effect by itself, so
        an update that is broken off has been applied in part; the error says which.

        Args:
            documents: The items: mappings with a ``documentId`` that is a URI.
            delete: Ids of items to delete.
            skip_invalid: Whether invalid items are left out and reported, instead of raising.
            dry_run: Whether nothing is sent; or a folder to keep the chunk files in.
            fields: ``"check"`` looks first whether the fields that are needed are there, ``"ignore"`` does not; default
                ``"check"`` when the client was given ``needs``. Not with ``dry_run``.

        Raises:
            InvalidItem: An item would be refused by Coveo, has the id of an earlier one, or is also to be deleted.
            FieldsNotReady: Values would vanish.
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            UploadRefused: The storage refused a chunk.
            NoReply: Nothing was answered, several times over.
        """
        require_many("documents", documents)
        require_many("delete", delete)
        self._check_fields(fields, dry_run)
        run = self._update_run("update", dry_run, skip_invalid=skip_invalid)
        items = run.intake.items(self._shown(documents, "update"))
        return run.update(chain(run.intake.deletes(delete), items))

    def update_partially(
        self,
        operations: Iterable[PartialUpdate | Iterable[PartialUpdate]],
        *,
        skip_invalid: bool = False,
        dry_run: DryRun = False,
        fields: FieldCheck | None = None,
    ) -> Receipt:
        """Change single fields of items that exist; everything else about them is left alone.

        Operations are applied in their order: chunks are sent one after the other. An operation on an item that does
        not exist is rejected by Coveo later, in its logs.

        Args:
            operations: The operations, or groups of them, such as one group a product.
            skip_invalid: Whether what is invalid is left out and reported, instead of raising.
            dry_run: Whether nothing is sent; or a folder to keep the chunk files in.
            fields: ``"check"`` looks first whether the fields that are needed are there, ``"ignore"`` does not; default
                ``"check"`` when the client was given ``needs``. Not with ``dry_run``.

        Returns:
            What was sent. A chunk that appends values to arrays is not sent again when its reply was lost, as they
            might be added twice: it stands in ``unconfirmed``.

        Raises:
            InvalidItem: An operation cannot be sent.
            FieldsNotReady: Values would vanish.
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            UploadRefused: The storage refused a chunk.
            NoReply: Nothing was answered, several times over.
        """
        require_many("operations", operations)
        self._check_fields(fields, dry_run)
        run = self._update_run("partial update", dry_run, skip_invalid=skip_invalid, concurrency=1)
        return run.update(run.intake.operations(self._shown(operations, "partial update")))

    def merge(
        self,
        documents: Documents,
        *,
        skip_invalid: bool = False,
        dry_run: DryRun = False,
        fields: FieldCheck | None = None,
    ) -> Receipt:
        """Set the given top-level fields of items, and make items that do not exist (docs.coveo.com/en/p4eb0515).

        Coveo prefers `update_partially` where it is known that the items exist. A dictionary field is replaced as a
        whole. The source must belong to a catalog entity, or nothing is indexed.

        Args:
            documents: Mappings with a ``documentId`` and the fields to set.
            skip_invalid: Whether invalid items are left out and reported, instead of raising.
            dry_run: Whether nothing is sent; or a folder to keep the chunk files in.
            fields: ``"check"`` looks first whether the fields that are needed are there, ``"ignore"`` does not; default
                ``"check"`` when the client was given ``needs``. Not with ``dry_run``.

        Raises:
            InvalidItem: An item would be refused by Coveo, or has the id of an earlier one.
            FieldsNotReady: Values would vanish.
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            UploadRefused: The storage refused a chunk.
            NoReply: Nothing was answered, several times over.
        """
        require_many("documents", documents)
        self._check_fields(fields, dry_run)
        run = self._update_run("merge", dry_run, skip_invalid=skip_invalid)
        return run.update(run.intake.items(self._shown(documents, "merge")))

    def delete_older_than(
        self,
        receipt: Receipt,
        *,
        expected_items: int | None = None,
        allow_shrink: bool = False,
        dry_run: DryRun = False,
    ) -> Receipt:
        """Delete what an update of the whole catalog left behind, 15 minutes from now: the second half of `replace`.

        Args:
            receipt: The receipt of a complete `update` of **every** item, or of a `replace` that deleted nothing. What
                was not in it is deleted.
            expected_items: How many items to expect; what the receipt expected, or asked of Coveo, unless given. When
                the receipt has less than half of it, nothing is deleted.
            allow_shrink: Whether the catalog may shrink by more than half.
            dry_run: Whether nothing is sent.

        Raises:
            DeletionRefused: The receipt does not show that every item was sent again.
            ShrinkingLoad: The receipt has less than half of the expected items.
            SourceSizeUnknown: How many items to expect could not be asked of Coveo.
            CoveoRefused: Coveo answered with an error that repeating does not cure.
            NoReply: Nothing was answered, several times over.
        """
        expect = self._expectation(expected_items, allow_shrink=allow_shrink, known=_expected_by(receipt))
        return self._update_run("delete older than", dry_run).delete_older(receipt, expect)

    def close(self) -> None:
        """Release connections. A stream that is open stays open."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"StreamClient({self._source!r})"

    @property
    def _connection(self) -> Connection:
        return Connection(self._source, self._connections.sender, self._connections.pace)

    def _check_fields(self, fields: FieldCheck | None, dry_run: DryRun) -> None:
        if dry_run is False:
            self._preflight.check(fields, self._ask_platform)

    def _ask_platform(self, call: CoveoCall, patience: Patience | None = None) -> Mapping[str, Any]:
        own = patience or Patience(self._settings.retry, self._connections.pace)
        caller = CoveoCaller(self._connections.sender, self._source.read_platform_key, own)
        return caller.send(call, pause=time.sleep)

    def _update_run(
        self,
        operation: Operation,
        dry_run: DryRun,
        *,
        skip_invalid: bool = False,
        **changes: int,
    ) -> UpdateRun:
        settings = self._settings.for_run(dry_run, skip_invalid=skip_invalid, **changes)
        return UpdateRun(operation, self._connection, settings)

    def _shown(self, given: Iterable[_Given], operation: Operation) -> Iterable[_Given]:
        return with_progress(given, operation) if self._settings.progress else given

    def _expectation(
        self, expected_items: int | None, *, allow_shrink: bool, known: ExpectedItems | None = None
    ) -> Callable[[Patience], ExpectedItems]:
        if allow_shrink:
            return lambda _patience: ExpectedItems(None, "allow_shrink=True")
        if expected_items is not None:
            require_count("expected_items", expected_items, 0)
            known = ExpectedItems(expected_items, "expected_items")
        return self._items_in_source if known is None else lambda _patience: known

    def _items_in_source(self, patience: Patience) -> ExpectedItems:
        source = self._source
        try:
            answer = self._ask_platform(item_count_call(source), patience)
        except (CoveoRefused, NoReply) as error:
            raise SourceSizeUnknown(source.source_id, str(error)) from error
        number = parse_item_count(answer)
        if number is None:
            raise SourceSizeUnknown(source.source_id, "the answer holds no number of documents")
        return ExpectedItems(number, "items in the source now")


def _expected_by(receipt: Receipt) -> ExpectedItems | None:
    number, origin = receipt.expected_items, receipt.expected_from
    return None if number is None or origin is None else ExpectedItems(number, origin)
