"""The only module that imports httpx: one request out, one reply in, with no opinion about either.

No httpx type leaves this module, so that another HTTP library can take its place here. Retries are decided in
`coveo_enrich.retry`, what Coveo's answers mean in `coveo_enrich._calls`, which pictures may be fetched in
`coveo_enrich.images`.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs
import httpx
from typing_extensions import override

from coveo_enrich import __version__
from coveo_enrich.errors import NoReply
from coveo_enrich.retry import is_success

__all__ = [
    "AddressCheck",
    "AddressRefused",
    "HttpSender",
    "PinnedFetcher",
    "Reply",
    "ReplyTooLarge",
]

_HEADERS: Final = {"User-Agent": f"coveo-enrich/{__version__}"}
_TIMEOUT: Final = httpx.Timeout(connect=10, read=120, write=60, pool=10)
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
# A proxy of the environment is for the outside world: it cannot reach this machine's own loopback.
_NO_PROXY_FOR_LOOPBACK: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")

AddressCheck = Callable[[str, int, str], str | None]
"""Takes host, port and the address it resolved to; returns why it may not be connected to, or `None`."""


@attrs.frozen
class Reply:
    """What came back: status, headers with lower-case names, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=lambda body: f"<{len(body):,} bytes>")

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return is_success(self.status)


class AddressRefused(Exception):
    """The address check said no; the text says why."""


class ReplyTooLarge(Exception):
    """The body grew over the cap."""


@functools.cache
def _shared_ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _reply(response: httpx.Response, body: bytes) -> Reply:
    return Reply(
        response.status_code,
        {name.lower(): value for name, value in response.headers.items()},
        body,
    )


def _no_reply(operation: str, url: str, error: httpx.RequestError) -> NoReply:
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return NoReply(operation, httpx.URL(url).host, reason, not isinstance(error, _NEVER_SENT))


class _ClientPerThread:
    """One httpx client a thread: a client shared by threads scans its whole pool for each request."""

    def __init__(self, make: Callable[[], httpx.Client]) -> None:
        self._make = make
        self._local = threading.local()
        self._clients: list[httpx.Client] = []
        self._lock = threading.Lock()

    def get(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = self._make()
            with self._lock:
                self._clients.append(client)
        return client

    def close(self) -> None:
        with self._lock:
            clients, self._clients = self._clients, []
            self._local = threading.local()
        for client in clients:
            client.close()


class HttpSender:
    """Sends requests to hosts that the user named."""

    def __init__(self) -> None:
        def make() -> httpx.Client:
            return httpx.Client(
                verify=_shared_ssl_context(),
                timeout=_TIMEOUT,
                headers=_HEADERS,
                mounts=dict.fromkeys(_NO_PROXY_FOR_LOOPBACK),
            )

        self._clients = _ClientPerThread(make)

    def send(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | Iterable[bytes] | None = None,
    ) -> Reply:
        """Send one request, follow no redirect, and return whatever was answered.

        Raises:
            NoReply: Nothing was answered.
        """
        client = self._clients.get()
        try:
            response = client.request(
                method,
                url,
                headers=dict(headers),
                content=content,
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise _no_reply(operation, url, error) from error
        finally:
            client.cookies.clear()
        return _reply(response, response.content)

    def close(self) -> None:
        """Release every connection."""
        self._clients.close()


class PinnedFetcher:
    """Fetches from hosts that a catalog names: connects only to an address that passed the check.

    The name is resolved once, every address of it is checked, and the connection goes to a checked address, so a name
    that resolves differently a moment later changes nothing. Proxies and netrc of the environment are ignored: a proxy
    would do the resolving itself, out of sight of the check.
    """

    def __init__(self, check: AddressCheck) -> None:
        def make() -> httpx.Client:
            return httpx.Client(transport=_PinnedTransport(check), headers=_HEADERS, trust_env=False)

        self._clients = _ClientPerThread(make)

    def get(
        self,
        operation: str,
        url: str,
        *,
        headers: Mapping[str, str],
        max_bytes: int,
        max_seconds: float,
    ) -> Reply:
        """Get one URL, following no redirect.

        Args:
            operation: What this is for, as an error names it.
            url: An http or https URL.
            headers: Headers besides the User-Agent.
            max_bytes: The longest body that is taken, counted as decoded.
            max_seconds: The longest that the whole exchange may take.

        Raises:
            AddressRefused: The host resolves to an address that the check refuses, or the URL cannot be understood.
            ReplyTooLarge: The body is longer than ``max_bytes``.
            NoReply: Nothing, or not all, came back in time.
        """
        deadline = time.monotonic() + max_seconds
        client = self._clients.get()
        try:
            request = client.build_request("GET", url, headers=dict(headers), timeout=max_seconds)
            response = client.send(request, stream=True, follow_redirects=False)
            with contextlib.closing(response):
                return _reply(response, _read(operation, url, response, max_bytes, deadline))
        except httpx.InvalidURL as error:
            raise AddressRefused(f"its URL cannot be understood: {error}") from error
        except httpx.RequestError as error:
            raise _no_reply(operation, url, error) from error
        finally:
            client.cookies.clear()

    def close(self) -> None:
        """Release every connection."""
        self._clients.close()


def _read(operation: str, url: str, response: httpx.Response, max_bytes: int, deadline: float) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > max_bytes:
            raise ReplyTooLarge
        if time.monotonic() > deadline:
            raise NoReply(operation, httpx.URL(url).host, "it took too long", sent=True)
    return bytes(body)


class _PinnedTransport(httpx.BaseTransport):
    """Puts a checked address in place of the host, and keeps the host's name for TLS and the Host header."""

    def __init__(self, check: AddressCheck) -> None:
        self._check = check
        self._inner = httpx.HTTPTransport(verify=_shared_ssl_context(), trust_env=False)

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        request.extensions = {**request.extensions, "sni_hostname": host}
        refused: httpx.TransportError | None = None
        for address in self._checked_addresses(host, port):
            request.url = request.url.copy_with(host=address)
            try:
                return self._inner.handle_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                refused = error
        raise refused or httpx.ConnectError(f"the name {host} has no address")

    @override
    def close(self) -> None:
        self._inner.close()

    def _checked_addresses(self, host: str, port: int) -> list[str]:
        addresses = _resolve(host, port)
        for address in addresses:
            reason = self._check(host, port, address)
            if reason is not None:
                raise AddressRefused(reason)
        return addresses


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(f"the name {host} cannot be resolved") from error
    # A scope (fe80::1%eth0) names an interface, not an address.
    return [str(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found]
