"""What may go wrong between a client and Coveo, and what must come of it, operation by operation.

Asserted by ``test_fault_table.py``, printed by ``benchmarks/fault_table.py``. How a row is run stands in
``faulty_runs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import attrs
from faulty_runs import CHUNK_BYTES, CHUNKS, ITEMS, Calls, Name, Order, Place, catalog, product

from coveo_enrich.errors import (
    AccessRefused,
    CloseOutcomeUnknown,
    CoveoEnrichError,
    CoveoRefused,
    EmptyLoad,
    InvalidItem,
    NoReply,
    SourceSizeUnknown,
    UploadRefused,
)
from coveo_enrich.sandbox import CoveoSandbox

__all__ = ["FAULTS", "Complete", "Fails", "Fault", "Outcome", "Seconds", "SendsNothing"]

Seconds = tuple[float, float]
"""From and to."""


@attrs.frozen(kw_only=True)
class Complete:
    """Every item arrives, once.

    Attributes:
        waits: The waits between tries, shortest first.
        again: Calls more than usual.
        spare: Containers of the stream that stay empty because another one took their chunk.
    """

    waits: tuple[Seconds, ...] = ()
    again: Mapping[Place, int] = attrs.field(factory=dict[Place, int])
    spare: int = 0


@attrs.frozen
class SendsNothing:
    """There was nothing to send, and nothing was."""


@attrs.frozen(kw_only=True)
class Fails:
    """It is raised that the operation failed, and said what became of the source.

    Attributes:
        error: What is raised.
        says: What stands in its message.
        asked: How often a call may be made, from and to.
        waits: Between which seconds each wait between tries is; `None` when nothing may be tried again.
        may_be_done: Whether what was to be done in the end may have been done all the same.
    """

    error: type[CoveoEnrichError]
    says: str
    asked: Mapping[Place, tuple[int, int]] = attrs.field(factory=dict[Place, tuple[int, int]])
    waits: Seconds | None = None
    may_be_done: bool = False


Outcome = Complete | SendsNothing | Fails


def _as_usual(_sandbox: CoveoSandbox, _calls: Calls) -> None: ...


@attrs.frozen(kw_only=True)
class Fault:
    """A row of the table.

    Attributes:
        name: What goes wrong.
        outcomes: What must come of it; operations that it cannot meet are left out.
        order: Has the sandbox do it.
        products: What is sent.
        chunk_bytes: The largest chunk.
        time_flies: Whether the time-outs of the first upload pass quickly.
        memory: Bytes that it takes.
    """

    name: str
    outcomes: Mapping[Name, Outcome]
    order: Order = _as_usual
    products: Callable[[], Iterable[Mapping[str, Any]]] = catalog
    chunk_bytes: int = CHUNK_BYTES
    time_flies: bool = False
    memory: int = 0


def _everywhere(outcome: Outcome) -> dict[Name, Outcome]:
    """The same for every operation; a merge differs from an update only in the call by which chunks take effect."""
    return {"load": outcome, "update": outcome, "replace": outcome}


def _load_and_others(load: Outcome, others: Outcome) -> dict[Name, Outcome]:
    return {"load": load, "update": others, "replace": others, "merge": others}


def _answer(place: Place, status: int, **more: Any) -> Order:  # noqa: ANN401 - passed on
    def order(sandbox: CoveoSandbox, calls: Calls) -> None:
        sandbox.fail(calls[place], status, after=_before(place, calls), **more)

    return order


def _cut(place: Place, when: Literal["before", "middle"], times: int | None = 1) -> Order:
    def order(sandbox: CoveoSandbox, calls: Calls) -> None:
        sandbox.break_connection(calls[place], when=when, times=times, after=_before(place, calls))

    return order


def _lose(place: Place, times: int | None = 1) -> Order:
    def order(sandbox: CoveoSandbox, calls: Calls) -> None:
        sandbox.lose_reply(calls[place], times=times, after=_before(place, calls))

    return order


def _before(place: Place, calls: Calls) -> int:
    """How many calls are served before: with a stream comes a container, so its second one has a call of its own."""
    return 1 if place == "next" and calls["next"] == calls["first"] else 0


def _revoke_the_key(sandbox: CoveoSandbox, calls: Calls) -> None:
    sandbox.fail(calls["next"], 401, times=None, after=_before("next", calls))
    sandbox.fail("close", 401, times=None)


def _hang_once(sandbox: CoveoSandbox, _calls: Calls) -> None:
    sandbox.hang("upload")


def _catalog_with(entry: Callable[[], Mapping[str, Any]], position: int) -> Callable[[], Iterator[Mapping[str, Any]]]:
    def products() -> Iterator[Mapping[str, Any]]:
        yield from map(product, range(position))
        yield entry()
        yield from map(product, range(position, ITEMS))

    return products


def _item_of(size: int) -> Callable[[], Mapping[str, Any]]:
    return lambda: {"documentId": "product://large", "title": "x" * size}


_ASKED_FOR: Final[Seconds] = (2, 2)
_OR_LONGER: Final[Seconds] = (2, 300)
_FIRST_WAIT: Final[Seconds] = (0.5, 1)
_ANY_WAIT: Final[Seconds] = (0.5, 300)
_PAUSE: Final = {"Retry-After": "2"}
_EXPIRED: Final = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
_CHUNK_AGAIN: Final[Mapping[Place, int]] = {"first": 1, "upload": 1, "last": 1}
_ONE_TRY_A_CHUNK: Final = (1, CHUNKS)
_TEN_TRIES_A_CHUNK: Final = (10, 10 * CHUNKS)
_FIRST: Final = "open/files"
_NEXT: Final = "chunk/2nd container"
_LAST: Final = "close/update/merge"
_DELETE: Final = "delete older than"


def _again(place: Place, wait: Seconds = _FIRST_WAIT, spare: int = 0) -> Complete:
    return Complete(waits=(wait,), again={place: 1}, spare=spare)


def _once_refused(place: Place, error: type[CoveoEnrichError], says: str) -> Fails:
    return Fails(error=error, says=says, asked={place: _ONE_TRY_A_CHUNK})


FAULTS: Final = (
    Fault(name="nothing", outcomes=_load_and_others(Complete(), Complete())),
    Fault(
        name="403 on reading the size of the source",
        order=lambda sandbox, _calls: sandbox.fail("source", 403, times=None),
        outcomes={
            "load": Fails(error=SourceSizeUnknown, says="403 ACCESS_DENIED", asked={"first": (0, 0)}),
            "update": Complete(),
            "replace": Fails(error=SourceSizeUnknown, says="403 ACCESS_DENIED", asked={"first": (0, 0)}),
        },
    ),
    Fault(
        name=f"429 `Retry-After: 2` on {_FIRST}",
        order=_answer("first", 429, headers=_PAUSE),
        outcomes=_everywhere(_again("first", _ASKED_FOR)),
    ),
    Fault(
        name=f"... on {_NEXT}",
        order=_answer("next", 429, headers=_PAUSE),
        outcomes=_everywhere(_again("next", _ASKED_FOR)),
    ),
    Fault(
        name=f"... on {_LAST}",
        order=_answer("last", 429, headers=_PAUSE),
        outcomes=_load_and_others(_again("last", _ASKED_FOR), _again("last", _ASKED_FOR)),
    ),
    Fault(
        name=f"... on {_DELETE}",
        order=_answer("delete", 429, headers=_PAUSE),
        outcomes={"replace": _again("delete", _ASKED_FOR)},
    ),
    Fault(
        name="... on PUT",
        order=_answer("upload", 429, headers=_PAUSE),
        outcomes=_everywhere(_again("upload", _ASKED_FOR)),
    ),
    Fault(
        name=f"429 for ever on {_FIRST}",
        order=_answer("first", 429, headers=_PAUSE, times=None),
        outcomes=_load_and_others(
            Fails(error=CoveoRefused, says="429 TOO_MANY_REQUESTS", asked={"first": (10, 10)}, waits=_OR_LONGER),
            Fails(
                error=CoveoRefused,
                says="429 TOO_MANY_REQUESTS",
                asked={"first": _TEN_TRIES_A_CHUNK, "upload": (0, 0)},
                waits=_OR_LONGER,
            ),
        ),
    ),
    Fault(
        name=f"429 of the daily limit on {_LAST}",
        order=_answer("last", 429, error_code="TOO_MANY_DOCUMENTS_DAILY", times=None),
        outcomes=_load_and_others(
            Fails(error=CoveoRefused, says="try again tomorrow", asked={"last": (1, 1)}),
            _once_refused("last", CoveoRefused, "try again tomorrow"),
        ),
    ),
    Fault(
        name=f"412 of the item limit on {_FIRST}",
        order=_answer("first", 412, error_code="DOCUMENT_LIMIT_EXCEEDED", times=None),
        outcomes=_everywhere(_once_refused("first", CoveoRefused, "412 DOCUMENT_LIMIT_EXCEEDED")),
    ),
    Fault(name=f"500 once on {_FIRST}", order=_answer("first", 500), outcomes=_everywhere(_again("first"))),
    Fault(name=f"500 once on {_NEXT}", order=_answer("next", 500), outcomes=_everywhere(_again("next"))),
    Fault(
        name=f"500 once on {_LAST}",
        order=_answer("last", 500),
        outcomes=_load_and_others(_again("last"), Complete(waits=(_FIRST_WAIT,), again=_CHUNK_AGAIN)),
    ),
    Fault(name=f"500 once on {_DELETE}", order=_answer("delete", 500), outcomes={"replace": _again("delete")}),
    Fault(
        name=f"500 for ever on {_LAST}",
        order=_answer("last", 500, times=None),
        outcomes=_load_and_others(
            Fails(error=CloseOutcomeUnknown, says="500", asked={"last": (10, 10)}, waits=_ANY_WAIT, may_be_done=True),
            Fails(error=CoveoRefused, says="500", asked={"last": _TEN_TRIES_A_CHUNK}, waits=_ANY_WAIT),
        ),
    ),
    Fault(
        name=f"502 HTML page on {_NEXT}",
        order=_answer("next", 502, body="<html>Bad gateway</html>", headers={"Content-Type": "text/html"}),
        outcomes=_everywhere(_again("next")),
    ),
    Fault(name="PUT 503 once", order=_answer("upload", 503), outcomes=_everywhere(_again("upload"))),
    Fault(
        name="PUT 503 for ever",
        order=_answer("upload", 503, times=None),
        outcomes=_everywhere(
            Fails(
                error=UploadRefused,
                says="the storage answered 503 SlowDown",
                asked={"upload": _TEN_TRIES_A_CHUNK, "last": (0, 0)},
                waits=_ANY_WAIT,
            )
        ),
    ),
    Fault(
        name="PUT connection reset once, at its start",
        order=_cut("upload", "before"),
        outcomes=_everywhere(_again("upload")),
    ),
    Fault(name="... in its middle", order=_cut("upload", "middle"), outcomes=_everywhere(_again("upload"))),
    Fault(name="... in the place of its reply", order=_lose("upload"), outcomes=_everywhere(_again("upload"))),
    Fault(
        name="PUT 413 once",
        order=_answer("upload", 413, error_code="EntityTooLarge"),
        outcomes=_everywhere(_once_refused("upload", UploadRefused, "the storage answered 413 EntityTooLarge")),
    ),
    Fault(
        name='PUT 403 "Request has expired" once',
        order=_answer("upload", 403, body=_EXPIRED),
        outcomes=_load_and_others(
            Complete(again={"next": 1, "upload": 1}, spare=1),
            Complete(again={"first": 1, "upload": 1}),
        ),
    ),
    Fault(
        name="401 from the 2nd chunk on",
        order=_revoke_the_key,
        outcomes=_everywhere(_once_refused("next", AccessRefused, "401 INVALID_TOKEN")),
    ),
    Fault(
        name=f"reset on {_LAST}, before it arrives",
        order=_cut("last", "before"),
        outcomes=_load_and_others(_again("last"), Complete(waits=(_FIRST_WAIT,), again=_CHUNK_AGAIN)),
    ),
    Fault(
        name="... in the place of its reply",
        order=_lose("last"),
        outcomes=_load_and_others(
            Fails(error=CloseOutcomeUnknown, says="412", asked={"last": (2, 2)}, waits=_FIRST_WAIT, may_be_done=True),
            Complete(waits=(_FIRST_WAIT,), again=_CHUNK_AGAIN),
        ),
    ),
    Fault(
        name=f"reset on {_NEXT}, before it arrives",
        order=_cut("next", "before"),
        outcomes=_everywhere(_again("next")),
    ),
    Fault(
        name="... in the place of its reply",
        order=_lose("next"),
        outcomes=_load_and_others(_again("next", spare=1), _again("next")),
    ),
    Fault(
        name=f"reset on {_DELETE}, before it arrives",
        order=_cut("delete", "before"),
        outcomes={"replace": _again("delete")},
    ),
    Fault(name="... in the place of its reply", order=_lose("delete"), outcomes={"replace": _again("delete")}),
    Fault(
        name="... every time",
        order=_lose("delete", times=None),
        outcomes={
            "replace": Fails(
                error=NoReply, says="the reply was lost", asked={"delete": (10, 10)}, waits=_ANY_WAIT, may_be_done=True
            )
        },
    ),
    Fault(name="PUT never answered", order=_hang_once, time_flies=True, outcomes=_everywhere(_again("upload"))),
    Fault(
        name="one item of 4 MB",
        products=_catalog_with(_item_of(4_000_000), ITEMS),
        chunk_bytes=128_000_000,
        outcomes=_everywhere(Fails(error=InvalidItem, says="the limit is 3,000,000", asked={"first": (0, 0)})),
    ),
    Fault(
        name="one item of 300 MB",
        products=_catalog_with(_item_of(300_000_000), ITEMS),
        chunk_bytes=128_000_000,
        memory=2_000_000_000,
        outcomes=_everywhere(Fails(error=InvalidItem, says="the limit is 3,000,000", asked={"first": (0, 0)})),
    ),
    Fault(
        name="item without id, the 6,001st",
        products=_catalog_with(lambda: {"title": "without an id"}, 6_000),
        outcomes=_everywhere(Fails(error=InvalidItem, says="item 6001 (no documentId)", asked={"upload": (0, 2)})),
    ),
    Fault(
        name="empty catalog",
        products=list[Mapping[str, Any]],
        outcomes={
            "load": Fails(error=EmptyLoad, says="there was no item", asked={"first": (0, 0)}),
            "replace": Fails(error=EmptyLoad, says="there was no item", asked={"first": (0, 0)}),
            "update": SendsNothing(),
            "merge": SendsNothing(),
        },
    ),
)
