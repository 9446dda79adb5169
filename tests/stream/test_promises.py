"""What operations promise when they are interrupted, whatever goes wrong and whatever came before (laws 2, 3, 4 and 7).

A machine draws operations and troubles, and after each operation looks at what the sandbox's source holds. By default
it runs for some seconds; with ``COVEO_ENRICH_EXAMPLES=2000`` in the environment, and ``-o faulthandler_timeout=0`` on
the command line as that takes a while, for as many examples.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar
from unittest.mock import patch

import attrs
import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from promises import (
    Entry,
    Held,
    Part,
    Parts,
    changed,
    held_by,
    items_of,
    merged,
    note_of,
    parts_by_note,
    parts_by_receipt,
    possible,
    put,
    removed,
    valid_ones,
)

from coveo_enrich import CoveoSource, PartialUpdate, RetryPolicy, StreamClient
from coveo_enrich.errors import (
    CloseOutcomeUnknown,
    CoveoEnrichError,
    DeletionRefused,
    EmptyLoad,
    InvalidItem,
    ShrinkingLoad,
    SourceSizeUnknown,
    StreamStateError,
)
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.sandbox.http.faults import Operation
from coveo_enrich.stream import ChunkReceipt, Receipt

EXAMPLES = int(os.environ.get("COVEO_ENRICH_EXAMPLES", "60"))
STEPS = 15
ATTEMPTS = 3
UNIVERSE = 12
READ_SECONDS = 0.25
LOADING: tuple[Operation, ...] = ("source", "open", "chunk", "upload", "close", "close")
UPDATING: tuple[Operation, ...] = ("files", "upload", "update", "update")
MERGING: tuple[Operation, ...] = ("files", "upload", "merge", "merge")
DELETING: tuple[Operation, ...] = ("source", "delete_older_than", "delete_older_than")
PASSING = (408, 429, 500, 502, 503, 504)
LASTING = (400, 401, 403, 404, 412, 413)
OPEN_FILES = Path("/proc/self/fd")
UNNAMED_FILE = re.compile(r"/#\d+ \(deleted\)$")

Thing = TypeVar("Thing")
Outcome = Receipt | BaseException
Keywords = dict[str, Any]


@attrs.frozen
class Fault:
    """Something that goes wrong at the sandbox."""

    operation: Operation
    kind: Literal["answer", "daily limit", "broken before", "broken in the middle", "lost reply", "hang"]
    status: int
    retry_after: bool
    times: int
    after: int

    def order(self, sandbox: CoveoSandbox) -> None:
        """Let it happen."""
        operation, times, after = self.operation, self.times, self.after
        if self.kind == "answer":
            headers = {"Retry-After": "0"} if self.retry_after else None
            sandbox.fail(operation, self.status, headers=headers, times=times, after=after)
        elif self.kind == "daily limit":
            sandbox.fail(operation, 429, error_code="TOO_MANY_DOCUMENTS_DAILY", times=times, after=after)
        elif self.kind == "broken before":
            sandbox.break_connection(operation, times=times, after=after)
        elif self.kind == "broken in the middle":
            sandbox.break_connection(operation, when="middle", times=times, after=after)
        elif self.kind == "lost reply":
            sandbox.lose_reply(operation, times=times, after=after)
        else:
            sandbox.hang(operation, after=after)

    @property
    def passes(self) -> bool:
        """Whether repeating cures it."""
        if self.kind == "answer":
            return self.status in PASSING or (self.operation == "upload" and self.status in (403, 404))
        return self.kind.startswith(("broken", "lost")) and self.operation != "close"

    @property
    def leaves_doubt_about_a_close(self) -> bool:
        """Whether whoever closes a stream cannot know what came of it."""
        clear = (400, 401, 403, 404, 412, 413, 429, 503)
        return self.operation == "close" and not (
            self.kind == "daily limit" or (self.kind == "answer" and self.status in clear)
        )


@attrs.frozen
class Way:
    """How an operation is called, and what happens meanwhile.

    Attributes:
        max_chunk_bytes: A setting of the client.
        concurrency: A setting of the client.
        faults: What goes wrong at the sandbox.
        breaks_off: Who raises, after how many items or chunks, and what.
        leaps: Before which items the clocks of the sandbox and of loads go forward, and by how many minutes.
    """

    max_chunk_bytes: int
    concurrency: int
    faults: tuple[Fault, ...]
    breaks_off: tuple[Literal["documents", "chunks"], int, type[BaseException]] | None
    leaps: tuple[tuple[int, int], ...]

    @property
    def succeeds(self) -> bool:
        """Whether nothing happens that keeps an operation from succeeding."""
        return (
            self.breaks_off is None
            and not self.leaps
            and all(fault.passes for fault in self.faults)
            and sum(fault.times for fault in self.faults) < ATTEMPTS
        )

    @property
    def hangs(self) -> bool:
        """Whether a request is never answered."""
        return any(fault.kind == "hang" for fault in self.faults)


@attrs.define
class Clock:
    """The clock of loads, which can go forward together with the sandbox's."""

    seconds_ahead: float = 0.0

    def monotonic(self) -> float:
        """As `time.monotonic`."""
        return time.monotonic() + self.seconds_ahead

    def time(self) -> float:
        """As `time.time`."""
        return time.time() + self.seconds_ahead

    def sleep(self, _seconds: float) -> None:
        """Wait for nothing."""


@attrs.frozen
class Guard:
    """How the caller guards against a catalog that shrinks."""

    expected_items: int | None
    allow_shrink: bool

    def allows(self, before: int, after: int) -> bool:
        """Whether a source of so many items may become one of so many (law 3)."""
        expected = before if self.expected_items is None else self.expected_items
        return after > 0 and (self.allow_shrink or 2 * after >= expected)


def _faults(operations: Sequence[Operation]) -> st.SearchStrategy[Fault]:
    answers = st.sampled_from([*PASSING, *PASSING, *LASTING])
    kinds = st.sampled_from(
        [
            *(["answer"] * 4),
            "daily limit",
            "broken before",
            *(["broken in the middle"] * 2),
            *(["lost reply"] * 4),
            "hang",
        ]
    )
    times = st.sampled_from([1, 1, 1, 2, ATTEMPTS, 2 * ATTEMPTS])
    after = st.sampled_from([0, 0, 0, 1, 2, 3])
    return st.builds(Fault, st.sampled_from(operations), kinds, answers, st.booleans(), times, after)


def _ways(*operations: Operation) -> st.SearchStrategy[Way]:
    places = st.integers(0, UNIVERSE)
    ends = st.tuples(
        st.sampled_from(["documents", "documents", "chunks"]), places, st.sampled_from([OSError, KeyboardInterrupt])
    )
    leaps = st.lists(st.tuples(places, st.sampled_from([30, 61])), max_size=2)
    return st.builds(
        Way,
        st.sampled_from([200, 300, 450, 10_000]),
        st.integers(1, 4),
        st.lists(_faults(operations), max_size=3).map(tuple),
        st.none() | st.none() | st.none() | ends,
        st.just(()) | st.just(()) | leaps.map(tuple),
    )


TEXTS = st.lists(st.sampled_from("abc"), max_size=2, unique=True)
ENTRIES = st.dictionaries(st.sampled_from("sml"), st.sampled_from("12"), max_size=2)
SOME_ENTRIES = st.dictionaries(st.sampled_from("sml"), st.sampled_from("12"), min_size=1, max_size=2)
NUMBERS = st.lists(st.integers(0, UNIVERSE - 1), unique=True)
SHAPES = st.lists(st.tuples(st.integers(0, UNIVERSE - 1), TEXTS, ENTRIES), unique_by=lambda shape: shape[0])
MANY_SHAPES = st.lists(
    st.tuples(st.integers(0, UNIVERSE - 1), TEXTS, ENTRIES), min_size=8, unique_by=lambda shape: shape[0]
)
INVALID = st.none() | st.none() | st.tuples(st.integers(0, UNIVERSE), st.sampled_from(["no id", "no uri", "repeated"]))
GUARDS = st.builds(Guard, st.none() | st.none() | st.integers(0, 2 * UNIVERSE), st.booleans())
CHANGES = st.one_of(
    st.tuples(st.just("append_values"), st.just("tags"), st.lists(st.sampled_from("abc"), min_size=1, max_size=2)),
    st.tuples(st.just("remove_values"), st.just("tags"), st.lists(st.sampled_from("abc"), min_size=1, max_size=2)),
    st.tuples(st.just("replace_value"), st.just("title"), st.sampled_from(["new", "newer"])),
    st.tuples(st.just("replace_value"), st.just("tags"), st.lists(st.sampled_from("abc"), min_size=1, max_size=2)),
    st.tuples(st.just("put_entries"), st.just("sizes"), SOME_ENTRIES),
    st.tuples(st.just("remove_entries"), st.just("sizes"), st.lists(st.sampled_from("sml"), min_size=1, max_size=2)),
    st.tuples(st.just("remove_field"), st.sampled_from(["tags", "sizes"]), st.none()),
)
OPERATIONS_ON_FIELDS = st.lists(st.tuples(st.integers(0, UNIVERSE - 1), CHANGES), min_size=1, max_size=10)


def _id_of(number: int) -> str:
    return f"product://{number:02}"


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("coveo-enrich")]


def _unnamed_files() -> int:
    """How many temporary files without a name this process has open, where that can be seen."""
    count = 0
    for file in OPEN_FILES.iterdir() if OPEN_FILES.exists() else ():
        with contextlib.suppress(FileNotFoundError):  # the listing itself is one of its entries, gone a moment later
            count += bool(UNNAMED_FILE.search(str(file.readlink())))
    return count


class Promises(RuleBasedStateMachine):
    """One source, and a client that everything happens to."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._sandbox = CoveoSandbox(data=Path(self._folder.name) / "data.sqlite").start()
        self._sandbox.create_field("tags", multi_value=True)
        self._sandbox.create_field("sizes", key_value=True)
        self._clock = Clock()
        first = [_document(_id_of(number), "v0", ["a"], {"s": "1"}) for number in range(UNIVERSE)]
        with StreamClient(CoveoSource(**self._sandbox.connection), dictionary_fields=["sizes"]) as client:
            client.update(first)
        self._held = items_of(first)
        self._step = 0
        # The first and the last step in which an item may have been touched for the last time.
        self._touched: dict[str, tuple[int, int]] = dict.fromkeys(self._held, (0, 0))
        self._receipts: list[tuple[int, Receipt]] = []

    def teardown(self) -> None:
        """Leave nothing behind."""
        self._sandbox.stop()
        self._folder.cleanup()

    @rule(way=_ways(*LOADING), shapes=SHAPES | MANY_SHAPES, invalid=INVALID, guard=GUARDS, piecewise=st.booleans())
    def load(self, way: Way, shapes: Any, invalid: Any, guard: Guard, *, piecewise: bool) -> None:  # noqa: ANN401
        """The old items or the new ones, and which of them it says."""
        documents = self._documents(shapes, invalid)
        keywords = attrs.asdict(guard)

        def load(client: StreamClient) -> Receipt:
            if not piecewise:
                return client.load(self._produced(documents, way), **keywords)
            with client.open_stream(**keywords) as stream:
                for document in self._produced(documents, way):
                    stream.add(document)
            return stream.receipt

        outcome = self._outcome(way, load)
        new: Held = items_of(documents) if self._all_valid(documents) else {}
        allowed = guard.allows(len(self._held), len(documents))
        if isinstance(outcome, Receipt):
            self._receipts.append((self._step, outcome))
            assert outcome.complete
            assert outcome.all_sent
            assert allowed
            assert not outcome.unconfirmed
            assert self._all_valid(documents)
            assert outcome.items == sum(chunk.items for chunk in outcome.chunks) == len(documents)
            self._touched = dict.fromkeys([*self._held, *new], (self._step, self._step))
            self._look([{**self._held, **new}], [new])
            return
        assert not self._must_succeed(way, outcome, documents, allowed=allowed)
        self._check_failed_load(way, outcome, new if allowed else None)

    @rule(way=_ways(*LOADING), shapes=MANY_SHAPES, swallowed=st.booleans())
    def load_in_vain(self, way: Way, shapes: Any, *, swallowed: bool) -> None:  # noqa: ANN401
        """Abandoned, or an error that was swallowed: the old items."""
        documents = self._documents(shapes, None)

        def load(client: StreamClient) -> None:
            with client.open_stream(allow_shrink=True) as stream:
                for document in self._produced(documents, way):
                    stream.add(document)
                if swallowed:
                    with contextlib.suppress(InvalidItem):
                        stream.add({"title": "without an id"})
                else:
                    stream.abandon()

        outcome = self._outcome(way, load)
        if not swallowed:
            assert outcome is None or not way.succeeds
        else:
            assert isinstance(outcome, StreamStateError) or not way.succeeds
        assert not any(request.operation == "close" for request in self._asked)
        self._look([self._held], [self._held])

    @rule(
        way=_ways(*UPDATING, *DELETING),
        shapes=SHAPES | MANY_SHAPES,
        invalid=INVALID,
        guard=GUARDS,
        skip=st.booleans(),
    )
    def replace(self, way: Way, shapes: Any, invalid: Any, guard: Guard, *, skip: bool) -> None:  # noqa: ANN401
        """Old and new items, each in its old or new form, until the delete; then exactly the new ones."""
        documents = self._documents(shapes, invalid)
        keywords: dict[str, Any] = {**attrs.asdict(guard), "skip_invalid": skip}
        outcome = self._outcome(way, lambda client: client.replace(self._produced(documents, way), **keywords))
        valid = valid_ones(documents)
        entries = [put(document) for document in valid]
        new, union = items_of(valid), {**self._held, **items_of(valid)}
        allowed = guard.allows(len(self._held), len(valid))
        if isinstance(outcome, Receipt):
            self._receipts.append((self._step, outcome))
            assert not outcome.unconfirmed
            assert outcome.items == len(valid)
            assert outcome.skipped == len(documents) - len(valid)
            assert outcome.complete is outcome.all_sent is (not outcome.skipped)
            assert allowed or outcome.skipped
            self._touch(parts_by_receipt(outcome, entries))
            self._look([union], [new if outcome.complete else union])
            return
        assert not self._must_succeed(way, outcome, documents, allowed=allowed, skip=skip)
        self._keep_receipt(outcome)
        states = self._states_after_failure(
            way,
            outcome,
            entries,
            lambda client: client.update(self._cut(documents, way), skip_invalid=skip, dry_run=True),
        )
        may_be_deleted = allowed and self._was_asked("delete_older_than") and states == [union]
        deleted = [new] if may_be_deleted and "Nothing was deleted" not in note_of(outcome) else []
        self._look(states, [*states, *deleted])

    @rule(way=_ways(*UPDATING), shapes=SHAPES | MANY_SHAPES, invalid=INVALID, numbers=NUMBERS, skip=st.booleans())
    def update(self, way: Way, shapes: Any, invalid: Any, numbers: list[int], *, skip: bool) -> None:  # noqa: ANN401
        """Some chunks are applied, and those that are not confirmed are named."""
        documents = self._documents(shapes, invalid)
        given = {document.get("documentId") for document in documents}
        deletes = [_id_of(number) for number in numbers]
        # Mostly without those that are also given, which is an error.
        deletes = deletes if len(numbers) % 5 == 1 else [one for one in deletes if one not in given]
        entries = [*map(removed, deletes), *map(put, valid_ones(documents))]

        def update(client: StreamClient, documents: Iterable[Any], **keywords: Any) -> Receipt:  # noqa: ANN401
            return client.update(documents, delete=deletes, skip_invalid=skip, **keywords)

        is_clear = not given.intersection(deletes)
        self._check_update(way, documents, entries, update, skip=skip, is_clear=is_clear)

    @rule(way=_ways(*MERGING), shapes=SHAPES | MANY_SHAPES, invalid=INVALID, skip=st.booleans())
    def merge(self, way: Way, shapes: Any, invalid: Any, *, skip: bool) -> None:  # noqa: ANN401
        """Some chunks are applied, and those that are not confirmed are named."""
        documents = self._documents(shapes, invalid)
        entries = [merged(document) for document in valid_ones(documents)]

        def merge(client: StreamClient, documents: Iterable[Any], **keywords: Any) -> Receipt:  # noqa: ANN401
            return client.merge(documents, skip_invalid=skip, **keywords)

        self._check_update(way, documents, entries, merge, skip=skip, is_clear=True)

    @rule(way=_ways(*UPDATING), drawn=OPERATIONS_ON_FIELDS)
    def update_partially(self, way: Way, drawn: Sequence[tuple[int, tuple[str, str, Any]]]) -> None:
        """Operations are applied once and in their order, but for those that are named as not confirmed."""
        operations = [_operation(_id_of(number), *change) for number, change in drawn]
        entries = [changed(operation) for operation in operations]
        before = self._held
        outcome = self._outcome(way, lambda client: client.update_partially(self._produced(operations, way)))
        if isinstance(outcome, Receipt):
            self._check_partial_receipt(outcome, entries, operations)
            return
        assert not way.succeeds, outcome
        states = self._states_after_failure(
            way, outcome, entries, lambda client: client.update_partially(self._cut(operations, way), dry_run=True)
        )
        self._look(states, states)
        assert set(self._held) == set(before)

    @rule(way=_ways(*DELETING), number=st.integers(0, 20), guard=GUARDS)
    def delete_older_than(self, way: Way, number: int, guard: Guard) -> None:
        """What was touched last before an update of everything goes, and only on the receipt of a complete one."""
        if not self._receipts:  # a precondition would make what is drawn depend on what went before
            return
        step, receipt = self._receipts[number % len(self._receipts)]
        keywords = attrs.asdict(guard)
        outcome = self._outcome(way, lambda client: client.delete_older_than(receipt, **keywords))
        serves = receipt.operation in ("update", "replace") and receipt.all_sent and receipt.items > 0
        expected = receipt.expected_items if guard.expected_items is None else guard.expected_items
        allowed = attrs.evolve(guard, expected_items=expected).allows(len(self._held), receipt.items)
        assert isinstance(outcome, DeletionRefused) is not serves
        sure = {name: item for name, item in self._held.items() if self._touched[name][0] >= step}
        doubtful = {name for name in self._held if self._touched[name][0] < step <= self._touched[name][1]}
        if isinstance(outcome, Receipt):
            assert serves
            assert allowed
            assert outcome.complete
            before = self._held
            self._look([before], None)
            assert {**before, **self._held} == before
            assert set(sure) <= set(self._held) <= set(sure) | doubtful
            return
        assert not (serves and allowed and way.succeeds), outcome
        may_be_deleted = allowed and self._was_asked("delete_older_than")
        before = self._held
        self._look([before], None)
        assert self._held == before or (may_be_deleted and set(sure) <= set(self._held) <= set(sure) | doubtful)

    # What every operation shares.

    def _documents(self, shapes: Iterable[Any], invalid: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401
        self._step += 1
        documents: list[Mapping[str, Any]] = [
            _document(_id_of(number), f"v{self._step}-{place}", tags, sizes)
            for place, (number, tags, sizes) in enumerate(shapes)
        ]
        if invalid and documents:
            place, kind = invalid
            place = min(place, len(documents))
            first = documents[0]["documentId"]
            given: Mapping[str, Keywords] = {
                "no id": {},
                "no uri": {"documentId": "product 1"},
                "repeated": {"documentId": first},
            }
            documents.insert(max(place, 1), {**given[kind], "title": "invalid"})
        return documents

    def _all_valid(self, documents: Sequence[Mapping[str, Any]]) -> bool:
        return len(valid_ones(documents)) == len(documents)

    def _produced(self, things: Sequence[Thing], way: Way) -> Generator[Thing]:
        for place in range(len(things) + 1):
            for at, minutes in way.leaps:
                if at == place:
                    self._leap(minutes)
            if way.breaks_off and way.breaks_off[:2] == ("documents", place):
                raise way.breaks_off[2]("the producer broke off")
            if place < len(things):
                yield things[place]

    def _cut(self, things: Sequence[Thing], way: Way) -> Sequence[Thing]:
        """As much as the producer got to."""
        if way.breaks_off and way.breaks_off[0] == "documents":
            return things[: way.breaks_off[1]]
        return things

    def _leap(self, minutes: int) -> None:
        self._clock.seconds_ahead += 60 * minutes
        self._sandbox.advance(minutes=minutes)

    @contextlib.contextmanager
    def _client(self, way: Way, on_chunk: Callable[[ChunkReceipt], None] | None = None) -> Generator[StreamClient]:
        with StreamClient(
            CoveoSource(**self._sandbox.connection),
            max_chunk_bytes=way.max_chunk_bytes,
            concurrency=way.concurrency,
            retry=RetryPolicy(attempts=ATTEMPTS, first_wait_seconds=0),
            dictionary_fields=["sizes"],
            on_chunk=on_chunk,
            calls_per_five_minutes=10_000,
        ) as client:
            yield client

    def _outcome(self, way: Way, operate: Callable[[StreamClient], Any]) -> Any:  # noqa: ANN401 - a receipt or an error
        """What an operation returns or raises, when nothing of it can happen any more."""
        files, chunks = _unnamed_files(), 0

        def on_chunk(_chunk: ChunkReceipt) -> None:
            nonlocal chunks
            chunks += 1
            if way.breaks_off and way.breaks_off[:2] == ("chunks", chunks):
                raise way.breaks_off[2]("the callback broke off")

        for fault in way.faults:
            fault.order(self._sandbox)
        outcome: Any
        with contextlib.ExitStack() as stack:
            stack.enter_context(patch("coveo_enrich.stream.load.time", self._clock))
            if way.hangs:
                stack.enter_context(patch("coveo_enrich._http._TIMEOUT", httpx.Timeout(10, read=READ_SECONDS)))
            client = stack.enter_context(self._client(way, on_chunk))
            try:
                outcome = operate(client)
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every one of them is looked at
                outcome = error
            assert not _threads()
            assert _unnamed_files() == files
        self._asked = self._sandbox.requests()
        if isinstance(outcome, AssertionError | TypeError | AttributeError | LookupError):
            raise outcome
        # Whatever was still under way ends here, and so do faults that met nothing.
        self._sandbox.stop()
        self._sandbox.start()
        return outcome

    def _was_asked(self, operation: Operation) -> bool:
        return any(request.operation == operation for request in self._asked)

    def _look(self, now: Sequence[Held], later: Sequence[Held] | None) -> None:
        """The source holds one of these now, and one of those when everything has left it that is to leave."""
        held = held_by(self._sandbox)
        assert held in now, f"{held} is none of {now}"
        self._leap(15)
        held = held_by(self._sandbox)
        assert later is None or held in later, f"{held} is none of {later}"
        self._held = held
        self._touched = {name: steps for name, steps in self._touched.items() if name in held}

    def _touch(self, parts: Parts) -> None:
        for part in parts:
            for entry in part.entries:
                first = self._touched.get(entry.document_id, (self._step, self._step))[0]
                if True in part.fates:
                    self._touched[entry.document_id] = (first if False in part.fates else self._step, self._step)

    def _keep_receipt(self, outcome: BaseException) -> None:
        if isinstance(outcome, CoveoEnrichError) and outcome.receipt:
            self._receipts.append((self._step, outcome.receipt))

    def _must_succeed(
        self,
        way: Way,
        outcome: BaseException,
        documents: Sequence[Mapping[str, Any]],
        *,
        allowed: bool,
        skip: bool = False,
    ) -> bool:
        """Whether nothing stands against the operation, and, if something does, whether the error says what."""
        if way.succeeds and not allowed and self._all_valid(documents):
            assert isinstance(outcome, EmptyLoad | ShrinkingLoad)
        if way.succeeds and not skip and not self._all_valid(documents):
            assert isinstance(outcome, InvalidItem)
        return way.succeeds and allowed and (skip or self._all_valid(documents))

    def _check_failed_load(self, way: Way, outcome: BaseException, new: Held | None) -> None:
        assert not (isinstance(outcome, CoveoEnrichError) and outcome.receipt and outcome.receipt.complete)
        if not isinstance(outcome, CloseOutcomeUnknown):
            self._look([self._held], [self._held])
            return
        assert any(fault.leaves_doubt_about_a_close for fault in way.faults)
        assert new
        assert "its outcome is unknown" in note_of(outcome)
        self._look([self._held, {**self._held, **new}], [self._held, new])
        if self._held == new:
            self._touched = dict.fromkeys(new, (self._step, self._step))

    def _check_update(
        self,
        way: Way,
        documents: Sequence[Mapping[str, Any]],
        entries: Sequence[Entry],
        update: Callable[..., Receipt],
        *,
        skip: bool,
        is_clear: bool,
    ) -> None:
        outcome = self._outcome(way, lambda client: update(client, self._produced(documents, way)))
        if isinstance(outcome, Receipt):
            self._receipts.append((self._step, outcome))
            assert is_clear
            assert skip or self._all_valid(documents)
            assert not outcome.unconfirmed
            assert outcome.skipped == len(documents) - len(valid_ones(documents))
            assert outcome.complete is outcome.all_sent is (not outcome.skipped)
            assert outcome.items + outcome.deletes == len(entries)
            parts = parts_by_receipt(outcome, entries)
            self._touch(parts)
            self._look(possible(self._held, parts), possible(self._held, parts))
            return
        assert not (way.succeeds and is_clear and (skip or self._all_valid(documents))), outcome
        self._keep_receipt(outcome)
        states = self._states_after_failure(
            way, outcome, entries, lambda client: update(client, self._cut(documents, way), dry_run=True)
        )
        self._look(states, states)

    def _check_partial_receipt(
        self, receipt: Receipt, entries: Sequence[Entry], operations: Sequence[PartialUpdate]
    ) -> None:
        self._receipts.append((self._step, receipt))
        assert receipt.complete is receipt.all_sent is (not receipt.unconfirmed)
        assert receipt.items + sum(chunk.items for chunk in receipt.unconfirmed) == len(entries)
        parts = parts_by_receipt(receipt, entries)
        by_number = dict(enumerate(parts, start=1))
        for chunk in receipt.unconfirmed:
            start = sum(len(part.entries) for number, part in by_number.items() if number < chunk.number)
            held = operations[start : start + chunk.items]
            assert chunk.may_be_applied
            assert (
                set(chunk.document_ids) == {one.document_id for one in held if one.operator == "arrayAppend"} != set()
            )
        self._touch(parts)
        states = possible(self._held, parts)
        self._look(states, states)

    def _states_after_failure(
        self,
        way: Way,
        outcome: BaseException,
        entries: Sequence[Entry],
        rehearse: Callable[[StreamClient], Receipt],
    ) -> list[Held]:
        """What the source may hold, going by what the error says."""
        if isinstance(outcome, SourceSizeUnknown):
            return [self._held]
        if isinstance(outcome, CoveoEnrichError):
            assert isinstance(outcome.receipt, Receipt)
            parts = parts_by_receipt(outcome.receipt, entries)
            self._touch(parts)
            return possible(self._held, parts)
        plan = self._rehearsed(way, rehearse)
        found = list(parts_by_note(note_of(outcome), plan, entries))
        self._touch([Part(part.entries, (True, False)) for part in found[0]])
        return [state for parts in found for state in possible(self._held, parts)]

    def _rehearsed(self, way: Way, rehearse: Callable[[StreamClient], Receipt]) -> Receipt:
        """What a dry run says of the chunks."""
        with self._client(way) as client:
            try:
                return rehearse(client)
            except InvalidItem as error:
                receipt: Receipt = error.receipt
                return receipt


def _document(document_id: str, title: str, tags: list[str], sizes: dict[str, str]) -> Mapping[str, Any]:
    fields = {"documentId": document_id, "title": title, "tags": tags, "sizes": sizes}
    return {name: value for name, value in fields.items() if value}


def _operation(document_id: str, make: str, field: str, value: object) -> PartialUpdate:
    make_it = getattr(PartialUpdate, make)
    made: PartialUpdate = make_it(document_id, field) if value is None else make_it(document_id, field, value)
    return made


def test_every_operation_keeps_its_promise() -> None:
    """Laws 2, 3, 4, 7: whatever goes wrong, the source holds what the operation promises, and it says which."""
    run_state_machine_as_test(
        Promises,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            phases=[Phase.generate],  # threads do not do the same twice, so shrinking takes long and leads nowhere
            report_multiple_bugs=False,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


@pytest.mark.parametrize("fault", ["lost reply", "broken before", "broken in the middle", "answer", "hang"])
@pytest.mark.parametrize("times", [1, 2 * ATTEMPTS])
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("max_chunk_bytes", [200, 10_000])
def test_values_are_never_appended_twice(fault: Any, times: int, after: int, max_chunk_bytes: int) -> None:  # noqa: ANN401
    """Law 4: whatever becomes of the call, a chunk that appends is applied once, or is named as not confirmed."""
    machine = Promises()
    way = Way(max_chunk_bytes, 1, (Fault("update", fault, 500, retry_after=False, times=times, after=after),), None, ())
    machine.update_partially(way, [(number, ("append_values", "tags", ["b"])) for number in range(UNIVERSE)])
    machine.teardown()


def _refused_load(client: StreamClient) -> object:
    return client.load([{"documentId": "product://1"}])


def _refused_stream(client: StreamClient) -> object:
    with client.open_stream() as stream:
        return stream


def _refused_replace(client: StreamClient) -> object:
    return client.replace([{"documentId": "product://1"}])


def _refused_deletion(client: StreamClient) -> object:
    return client.delete_older_than(client.update([{"documentId": "product://1"}]))


@pytest.mark.parametrize("operate", [_refused_load, _refused_stream, _refused_replace, _refused_deletion])
def test_an_error_ahead_of_everything_says_what_became_of_the_source(
    sandbox: CoveoSandbox, client: StreamClient, operate: Callable[[StreamClient], object]
) -> None:
    """Whatever an operation raises carries a note, and an error of the library a receipt; also before it sends."""
    sandbox.fail("source", 403, times=None)
    with pytest.raises(SourceSizeUnknown) as caught:
        operate(client)
    assert note_of(caught.value) != "no note"


def test_a_deletion_whose_reply_was_lost_is_not_denied(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """Law 9: where the deletion may have been taken, the error does not say that nothing was deleted."""
    client.load([{"documentId": "product://old"}])
    sandbox.lose_reply("delete_older_than", times=None)
    with pytest.raises(CoveoEnrichError) as caught:
        client.replace([{"documentId": "product://new"}])
    sandbox.advance(minutes=15)
    assert [item["documentId"] for item in sandbox.items()] == ["product://new"]
    assert "Nothing was deleted" not in note_of(caught.value)


def test_a_deletion_of_older_items_is_complete(sandbox: CoveoSandbox, client: StreamClient) -> None:
    """The receipt of an operation that did all it is for says so."""
    receipt = client.delete_older_than(client.update([{"documentId": "product://1"}]))
    assert receipt.complete
    assert "incomplete" not in str(receipt)
    assert [item["documentId"] for item in sandbox.items()] == ["product://1"]


@pytest.mark.parametrize("callback_fails", [False, True])
def test_a_chunk_that_was_confirmed_is_on_the_receipt_of_a_failure(
    sandbox: CoveoSandbox, source: CoveoSource, *, callback_fails: bool
) -> None:
    """Law 9: a chunk that ended just before another one failed, or the caller's own code did, is not forgotten."""

    def on_chunk(_chunk: ChunkReceipt) -> None:
        if callback_fails:
            raise OSError("the callback broke off")

    documents = [{"documentId": f"product://{number:02}", "title": "a" * 20} for number in range(4)]
    if not callback_fails:
        sandbox.fail("update", 400, after=3)
    with (
        StreamClient(source, max_chunk_bytes=100, on_chunk=on_chunk) as client,
        pytest.raises((CoveoEnrichError, OSError)) as caught,
    ):
        client.update(documents)
    note = note_of(caught.value)
    (confirmed,) = map(int, re.findall(r"^(\d+) of \d chunks?", note))
    doubtful = len(re.findall(r"chunk \d \(", note))
    assert confirmed <= len(sandbox.items()) <= confirmed + doubtful
