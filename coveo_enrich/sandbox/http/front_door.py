"""What every request passes first: it is written down, counted, and meets what was ordered for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import attrs
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from coveo_enrich.sandbox.clock import Clock
from coveo_enrich.sandbox.http.budgets import CallBudget, organization_of
from coveo_enrich.sandbox.http.faults import (
    Answer,
    BrokenConnection,
    Delay,
    Effect,
    Faults,
    Hang,
    LostReply,
    Throttle,
    operation_of,
)
from coveo_enrich.sandbox.http.journal import Journal, SandboxRequest
from coveo_enrich.sandbox.http.wire import Note, Wire

__all__ = ["FrontDoor"]


class FrontDoor:
    """An ASGI application around the sandbox's own.

    Args:
        app: The sandbox's own.
        clock: Its time.
        faults: What was ordered.
        budget: How many calls there may be.
        journal: Where requests are written down.
        is_page: Whether a path is that of a page for people; a look at one is no call of a client that is tested, and
            not written down.
    """

    def __init__(
        self,
        app: ASGIApp,
        clock: Clock,
        faults: Faults,
        budget: CallBudget,
        journal: Journal,
        *,
        is_page: Callable[[str], bool],
    ) -> None:
        self._app = app
        self._clock = clock
        self._faults = faults
        self._budget = budget
        self._journal = journal
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = _request(scope, self._clock.now())
        wire = Wire(scope, receive, send, self._note(request))
        for effect in self._effects(request):
            match effect:
                case Delay():
                    await wire.wait(effect.seconds)
                case Throttle():
                    wire.throttle(effect.bytes_per_second)
                case LostReply():
                    wire.lose_reply()
                case BrokenConnection(when="middle"):
                    wire.break_middle()
                case BrokenConnection():
                    wire.lose_reply()
                    return await wire.serve(_do_nothing)
                case Answer():
                    return await wire.serve(Response(effect.body, effect.status, effect.headers))
                case Hang():
                    return await wire.hang()
        # A line end in a path would reach a route all the same, and neither its faults nor its budget.
        await wire.serve(self._app if request.path.isprintable() else _nowhere)
        return None

    def _note(self, request: SandboxRequest) -> Note:
        is_look = request.method in ("GET", "HEAD") and self._is_page(request.path)

        def note(status: int | None, body_size: int) -> None:
            if not is_look:
                self._journal.add(attrs.evolve(request, status=status, body_size=body_size))

        return note

    def _effects(self, request: SandboxRequest) -> list[Effect]:
        """A call that is over the budget goes no further, and meets none of the faults."""
        organization_id = organization_of(request.path)
        seconds = None if organization_id is None else self._budget.charge(organization_id, request.time)
        if seconds is not None:
            return [_too_many_requests(seconds)]
        return [] if request.operation is None else self._faults.take(request.operation)


def _request(scope: Scope, now: datetime) -> SandboxRequest:
    headers: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    method, path = scope["method"], scope["path"]
    return SandboxRequest(method, path, operation_of(method, path), None, headers, now, 0)


def _too_many_requests(seconds: int) -> Answer:
    error = {"message": "The organization has made too many calls.", "errorCode": "TOO_MANY_REQUESTS"}
    return Answer(429, {"Content-Type": "application/json", "Retry-After": str(seconds)}, json.dumps(error))


_nowhere = Response('{"message": "Not Found"}', 404, media_type="application/json")


async def _do_nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """What was asked for does not happen."""
