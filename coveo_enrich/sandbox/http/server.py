"""The HTTP server: uvicorn in a thread of its own, which leaves the host's signals and logging alone."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HttpServer"]

# Longer than any client keeps a connection, so that it is always the client who closes an idle one.
_KEEP_ALIVE_SECONDS = 300


class HttpServer:
    """A server that runs from `start` to `stop`."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = _Config(
            app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._server = _Server(config)
        self._listener = listener
        self._failure: BaseException | None = None
        # A daemon, so that a notebook that never stops its sandbox can still be closed.
        self._thread = threading.Thread(target=self._run, name="coveo-sandbox", daemon=True)

    def start(self) -> None:
        """Serve, and return when requests are answered."""
        self._thread.start()
        self._server.ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Cut every connection, and return when the thread is gone."""
        self._server.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=[self._listener]))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in start
            self._failure = error
        finally:
            self._server.ready.set()


class _Config(uvicorn.Config):
    def configure_logging(self) -> None:
        """Leave logging as the host has set it up."""


class _Protocol(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the base class
        """Hand the connection to the application, which may have to break it, and an event for when it is gone."""
        super().connection_made(transport)
        self.access_log = False
        self._gone = asyncio.Event()
        self.app_state = {"transport": transport, "gone": self._gone}

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake up who waits; only now, so that the server does not answer for them."""
        super().connection_lost(exc)
        self._gone.set()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    def stop(self) -> None:
        """End the main loop, from another thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the waiting thread."""
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        await super().startup(sockets=sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """Wait to be stopped, without the base class's clock ticks."""
        await self._stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut the connections, where the base class would wait for as long as a client likes."""
        # asyncio loses a connection whose server closes while it is being accepted, so those are waited for first.
        while arriving := self._arriving():
            await asyncio.gather(*arriving, return_exceptions=True)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        while self.server_state.connections:  # noqa: ASYNC110 - they leave one by one, without an event to wait for
            await asyncio.sleep(0)
        await asyncio.gather(*self.server_state.tasks)

    def _arriving(self) -> list[asyncio.Task[Any]]:
        """Connections that are being accepted: tasks of the event loop that are neither this one nor a request."""
        ours = self.server_state.tasks | {asyncio.current_task()}
        return [task for task in asyncio.all_tasks() if task not in ours]
