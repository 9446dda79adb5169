"""What can be done to a request on its connection: it waits, its bodies come slowly or break off, its reply is lost.

Which of it is done to which request is decided elsewhere. Everything here ends with the connection, and a sandbox that
stops ends all of them. No wait is a task of its own: `coveo_enrich.sandbox.http.server` takes each that is not
a request for a connection that is being accepted, and waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Note", "Wire"]

# Told once, with the status of the answer or `None`, and the bytes of the request's body that were read until then.
Note: TypeAlias = Callable[[int | None, int], None]

# Closing with this option set sends a reset instead of an orderly end.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_PIECES_PER_SECOND = 10


class Wire:
    """One request and its connection. What is done to it adds up, and takes effect when an application serves it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, note: Note) -> None:
        self._scope = scope
        self._receive = receive
        self._server_send = send
        self._send: Send = self._send_noted
        self._note = note
        self._is_noted = False
        self._read = 0
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._gone: asyncio.Event = scope["state"]["gone"]
        self._end: Callable[[], None] | None = None

    async def wait(self, seconds: float) -> None:
        """Wait, as long as there is somebody to wait for.

        Nothing is read meanwhile, so that a client which leaves is seen at once only when it had sent little.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()

    def throttle(self, bytes_per_second: float) -> None:
        """Read the request's body slowly; where it has none, write that of the reply slowly."""
        if self._body_length() != 0:
            self._receive = self._slow_receive(self._receive, bytes_per_second)
        else:
            self._send = self._slow_send(self._send, bytes_per_second)

    def break_middle(self) -> None:
        """Let the connection end after half of the request's body; where it has none, after half of the reply's."""
        length = self._body_length()
        if length == 0:
            self._send = _half_send(self._send)
            # An orderly end: a reset could overtake the half.
            self._end = self._transport.close
        else:
            self._receive = _short_receive(self._receive, max(1, (length or 0) // 2))
            self.lose_reply()

    def lose_reply(self) -> None:
        """Reset the connection in the place of the reply."""
        self._send = _send_nothing
        self._end = self._reset

    async def serve(self, app: ASGIApp) -> None:
        """Let an application answer; when nobody is there any more, do nothing."""
        if not self._gone.is_set():
            await app(self._scope, self._receive_counted, self._send)
        self._note_once(None)
        if self._end is not None:
            self._end()
            # Until then the server would answer for us.
            await self._gone.wait()

    async def hang(self) -> None:
        """Take the request in, and say nothing until the connection ends."""
        while (message := await self._receive_counted())["type"] == "http.request" and message["more_body"]:
            pass
        self._note_once(None)
        # Only the end of the connection is still to come; it is not seen where nobody wants to read.
        await self._receive()

    async def _receive_counted(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        return message

    async def _send_noted(self, message: Message) -> None:
        """Note before the answer is out, so that who gets it can see that."""
        if message["type"] == "http.response.start":
            self._note_once(None if self._gone.is_set() else message["status"])
        await self._server_send(message)

    def _note_once(self, status: int | None) -> None:
        if not self._is_noted:
            self._is_noted = True
            self._note(status, self._read)

    def _body_length(self) -> int | None:
        """Bytes of the request's body; `None` when it comes without a word about its length."""
        headers = dict(self._scope["headers"])
        return None if b"transfer-encoding" in headers else int(headers.get(b"content-length", 0))

    def _slow_receive(self, receive: Receive, bytes_per_second: float) -> Receive:
        async def slow() -> Message:
            message = await receive()
            await self.wait(len(message.get("body", b"")) / bytes_per_second)
            return message

        return slow

    def _slow_send(self, send: Send, bytes_per_second: float) -> Send:
        step = max(1, int(bytes_per_second / _PIECES_PER_SECOND))

        async def slow(message: Message) -> None:
            body: bytes = message.get("body", b"")
            for start in range(0, len(body), step):
                piece = body[start : start + step]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await self.wait(len(piece) / bytes_per_second)
            await send({**message, "body": b""} if body else message)

        return slow

    def _reset(self) -> None:
        connection = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # the client was faster
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()


def _short_receive(receive: Receive, length: int) -> Receive:
    """Give ``length`` bytes of the body, then tell that the client went away."""
    left = length

    async def short() -> Message:
        nonlocal left
        message = await receive() if left else {"type": "http.disconnect"}
        if message["type"] == "http.request":
            message = {**message, "body": message["body"][:left], "more_body": True}
            left -= len(message["body"])
        return message

    return short


def _half_send(send: Send) -> Send:
    """Send the head of a reply and the first half of its body; of a reply without a body, nothing."""
    head: list[Message] = []

    async def half(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.append(message)
        elif head and message.get("body"):
            body = message["body"]
            await send(head.pop())
            await send({**message, "body": body[: len(body) // 2], "more_body": True})

    return half


async def _send_nothing(_message: Message) -> None:
    """Lose it."""
