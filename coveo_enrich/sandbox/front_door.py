"""What every request passes first: it is written down, and it meets the fault that was ordered for it."""

from __future__ import annotations

import asyncio
import socket
import struct

import attrs
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coveo_enrich.sandbox.faults import Answer, Faults, LostReply, operation_of
from coveo_enrich.sandbox.journal import Journal, SandboxRequest

__all__ = ["FrontDoor"]

# Closing with this option set sends a reset instead of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class FrontDoor:
    """An ASGI application around the sandbox's own."""

    def __init__(self, app: ASGIApp, faults: Faults, journal: Journal) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = _request(scope)
        effect = None if request.operation is None else self._faults.take(request.operation)
        if effect is None:
            await self._serve(request, self._app, scope, receive, send)
        elif isinstance(effect, Answer):
            answer = Response(effect.body, effect.status, effect.headers)
            await self._serve(request, answer, scope, receive, send)
        else:
            if isinstance(effect, LostReply):
                await self._app(scope, receive, _lose)
            self._journal.add(request)
            await _reset(scope, receive)

    async def _serve(self, request: SandboxRequest, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Let ``app`` answer, and write the request down before the answer is out, so that its sender can see it."""
        statuses: list[int] = []

        async def note_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                self._journal.add(attrs.evolve(request, status=message["status"]))
            await send(message)

        await app(scope, receive, note_and_send)
        if not statuses:
            self._journal.add(request)


def _request(scope: Scope) -> SandboxRequest:
    headers: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    method, path = scope["method"], scope["path"]
    return SandboxRequest(method, path, operation_of(method, path), None, headers)


async def _lose(message: Message) -> None:
    """Send nothing."""


async def _reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection, and wait until that is done: the server would otherwise answer for us."""
    transport: asyncio.Transport = scope["state"]["transport"]
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
