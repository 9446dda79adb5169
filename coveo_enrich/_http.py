"""The only module that imports httpx, and httpcore under it: one request out, one reply in, no opinion about either.

No type of theirs leaves this module, so that another HTTP library can take its place here. Retries are decided in
`coveo_enrich.retry`, what Coveo's answers mean in `coveo_enrich._calls`, which pictures may be fetched in
`coveo_enrich.images`.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import logging
import math
import os
import socket
import ssl
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import attrs
import httpcore  # comes with httpx, whose transports it is
import httpx
from typing_extensions import override

from coveo_enrich import __version__
from coveo_enrich._threads import Event, Task
from coveo_enrich.errors import ConfigurationError, NoReply, shown
from coveo_enrich.retry import is_success

__all__ = [
    "AddressCheck",
    "AnswerLimits",
    "FetchRefused",
    "HttpSender",
    "Interrupt",
    "Interrupted",
    "NoReplyInTime",
    "NoReplyTooLong",
    "PinnedFetcher",
    "Reply",
    "ReplyTooLarge",
]

_HEADERS: Final = {"User-Agent": f"coveo-enrich/{__version__}", "Accept-Encoding": "identity"}
_TIMEOUT: Final = httpx.Timeout(connect=10, read=120, write=60, pool=10)
_SLOWEST_UPLOAD: Final = 100_000
"""Bytes a second: 128 MB take 22 minutes at most, and a container lives 60."""
_UPLOAD_GRACE: Final = 60
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,  # it refused the tunnel
)
_NEVER_SENDABLE: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_CONNECT_SECONDS: Final = 10.0
"""The longest that a picture's host is given to take a connection, for each of its addresses."""

AddressCheck = Callable[[str, int, str], str | None]
"""Takes host, port and the address it resolved to; returns why it may not be connected to, or `None`."""


@attrs.frozen
class Reply:
    """What came back.

    Attributes:
        status: The HTTP status.
        headers: Headers with lower-case names.
        body: The body, as it came.
        secret: What was sent to get it and may stand in no message about it; empty when there is no such thing.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=lambda body: f"<{len(body):,} bytes>")
    secret: str = attrs.field(default="", repr=False, eq=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return is_success(self.status)


@attrs.frozen
class AnswerLimits:
    """How long an answer is waited for, and how much of it is read.

    Attributes:
        seconds: From the last byte of the request to the last byte of the answer; default 120.
        max_bytes: The longest answer that is read, counted as decoded; default 1,000,000.
    """

    seconds: float = 120
    max_bytes: int = 1_000_000


class NoReplyInTime(NoReply):
    """No answer came back, or not all of it, because the time was up."""


class NoReplyTooLong(NoReply):
    """What came back is longer than an answer is read; another try brings the same."""

    @override
    def __str__(self) -> str:
        return f"{self.operation}: {self.reason} ({self.host})"


class FetchRefused(Exception):
    """Something may not, or cannot, be fetched; the text says why."""


class ReplyTooLarge(Exception):
    """The body grew over the cap."""


class _HideQueries(logging.Filter):
    """Takes the query out of URLs that httpx logs at level INFO, of this library's requests and others'.

    An upload's query is a signature, and each storage names its parts in its own way.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_query, record.args))
        return True


def _without_query(value: object) -> object:
    return f"{value.copy_with(query=None)}?…" if isinstance(value, httpx.URL) and value.query else value


logging.getLogger("httpx").addFilter(_HideQueries())


class _Forked(Protocol):
    def start_anew(self) -> None:
        """Share nothing with the process that this one is a copy of, and touch none of its connections."""


_of_this_process: Final = weakref.WeakSet[_Forked]()


def _start_anew() -> None:
    for one in list(_of_this_process):
        one.start_anew()


if hasattr(os, "register_at_fork"):  # where there is fork
    # Now, and not on first use: here no second thread can be there yet, and a lock that one held in the other process
    # would never be released in this one.
    os.register_at_fork(after_in_child=_start_anew)


@functools.cache
def _ssl_context(*, trust_env: bool) -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context(trust_env=trust_env)
    except OSError as error:
        raise ConfigurationError(
            f"the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read ({error})"
        ) from error


def _context_trusting(ca_bundle: str | Path) -> ssl.SSLContext:
    """Trusts what a PEM file, or a folder of them, holds, and nothing else."""
    try:
        files = _certificate_files(Path(ca_bundle))
        context = ssl.create_default_context(cafile=files[0])
        for more in files[1:]:
            context.load_verify_locations(more)
    except IndexError as error:
        raise ConfigurationError(f"ca_bundle: {ca_bundle} holds no certificates in PEM form") from error
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"ca_bundle: {ca_bundle!s} cannot be read ({error})") from error
    return context


def _certificate_files(path: Path) -> list[Path]:
    files = sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]
    return [file for file in files if b"CERTIFICATE-----" in file.read_bytes()]


def _user_agent(suffix: object) -> str:
    own = _HEADERS["User-Agent"]
    if suffix is None:
        return own
    if not (isinstance(suffix, str) and suffix.isascii() and suffix.isprintable() and suffix.strip() == suffix != ""):
        raise ConfigurationError(
            f"user_agent_suffix must be printable ASCII with no space at its ends, like acme/1.2; got {suffix!r}"
        )
    return f"{own} {suffix}"


def _reason(error: Exception) -> str:
    if isinstance(error, (httpx.ProtocolError, httpcore.ProtocolError)):  # its text may quote what was sent or answered
        return f"{type(error).__name__}: the connection ended too early, or what came is not HTTP"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


class _Lendable(Protocol):
    @property
    def usable(self) -> bool: ...

    def close(self) -> None: ...


_Connections = TypeVar("_Connections", bound=_Lendable)


class _Lender(Generic[_Connections]):
    """Lends sets of connections to threads, each to one at a time: one that threads share scans all it has each time.

    There are never more than were lent at once, however many threads come and go.
    """

    def __init__(self, make: Callable[[], _Connections]) -> None:
        self._make = make
        self._free: list[_Connections] = []
        self._round = 0
        self._lock = threading.Lock()
        _of_this_process.add(self)

    @contextlib.contextmanager
    def lend(self) -> Generator[_Connections]:
        with self._lock:
            lent_in = self._round
            free = self._free.pop() if self._free else None
        connections = free or self._make()
        try:
            yield connections
        finally:
            self._take_back(connections, lent_in)

    def close(self) -> None:
        """Close what is free now, and what is lent when it comes back."""
        with self._lock:
            self._round += 1
            free, self._free = self._free, []
        for connections in free:
            connections.close()

    def start_anew(self) -> None:
        """Let go of what another process made: two that share a connection read each other's answers.

        To close gives back this process's numbers of the sockets. It sends nothing, no farewell of TLS either, and the
        other process keeps its connections; unclosed, they would outlast it here. What was lent when the process
        was forked stays open, unused: the threads that had it are not here.
        """
        self._lock = threading.Lock()
        self.close()

    def _take_back(self, connections: _Connections, lent_in: int) -> None:
        with self._lock:
            if lent_in == self._round and connections.usable:
                self._free.append(connections)
                return
        connections.close()


@attrs.define
class _Line:
    """The socket of a connection, and a second one on the same connection that httpx does not know.

    Through the second, another thread can shut the connection at any moment: also during a TLS handshake, which takes
    the first out of its owner's hands, and never a stranger's, because its number is not given to another connection
    as long as it is open.
    """

    first: socket.socket
    second: socket.socket

    def shut(self) -> None:
        with contextlib.suppress(OSError):  # the other side was quicker
            self.second.shutdown(socket.SHUT_RDWR)


class _Breakable(Protocol):
    def shut(self) -> None:
        """End whatever is under way."""


class _Lines:
    """The connections that one thread at a time uses, and that any thread can shut."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._lock = threading.Lock()
        self.shut_for_good = False

    def shut(self) -> None:
        """End whatever is under way; a connection that is being made ends as soon as it is made."""
        with self._lock:
            self.shut_for_good = True
            for line in self._lines:
                line.shut()

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from httpx of a step that is taken: the documented way to a connection and its socket."""
        if event.endswith("connect_tcp.complete"):
            self._add(info["return_value"])
        elif event.endswith("start_tls.complete"):
            self._lines[-1].first = info["return_value"].get_extra_info("socket")

    def drop_closed(self) -> None:
        """A connection that httpx closed ends when its second socket is closed too."""
        with self._lock:
            for line in self._lines:
                if line.first.fileno() < 0:
                    line.second.close()
            self._lines = [line for line in self._lines if line.second.fileno() >= 0]

    def _add(self, stream: httpcore.NetworkStream) -> None:
        made = stream.get_extra_info("socket")
        try:
            line = _Line(made, made.dup())
        except OSError as error:  # no more files may be open
            stream.close()
            raise httpcore.ConnectError(str(error)) from error
        self.drop_closed()
        with self._lock:
            self._lines.append(line)
            if self.shut_for_good:
                line.shut()


class _Client:
    """An httpx client that one thread at a time uses, and that any thread can break off."""

    def __init__(self, client: httpx.Client, limits: AnswerLimits, clock: Callable[[], float]) -> None:
        self._client = client
        self._limits = limits
        self._clock = clock
        self._deadline: float | None = None
        self._was_read = False
        self._lines = _Lines()

    @property
    def usable(self) -> bool:
        """Whether it was not broken off."""
        return not self._lines.shut_for_good

    def exchange(
        self,
        method: str,
        url: httpx.URL,
        headers: httpx.Headers,
        content: bytes | Iterable[bytes] | None,
        max_bytes: int,
    ) -> Reply:
        self._deadline = None
        try:
            request = self._client.build_request(
                method, url, headers=headers, content=content, extensions={"trace": self._watch}
            )
            response = self._client.send(request, stream=True, follow_redirects=False)
            with contextlib.closing(response):
                received = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status_code, received, _whole_body(response, max_bytes))
        finally:
            self._client.cookies.clear()
            self._lines.drop_closed()

    def shut(self) -> None:
        self._lines.shut()

    def close(self) -> None:
        self._client.close()
        self._lines.drop_closed()

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        self._lines.watch(event, info)
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._hold_to_deadline(info["return_value"])
        elif event.endswith("receive_response_headers.started"):
            self._deadline, self._was_read = self._clock() + self._limits.seconds, False
        elif event.endswith("receive_response_headers.complete") and not self._was_read:
            # It came behind the last answer: whatever it is an answer to, it is not this request.
            raise httpcore.RemoteProtocolError("the answer was there before the question")

    def _hold_to_deadline(self, stream: httpcore.NetworkStream) -> None:
        """Look at the clock before each read: headers that drip, or one provisional answer after another, end too."""
        read = stream.read

        def read_in_time(max_bytes: int, timeout: float | None = None) -> bytes:
            self._was_read = True
            return read(max_bytes, self._seconds_to_read(timeout))

        # httpx takes no connections of others, so this one is changed where it stands.
        stream.read = read_in_time  # type: ignore[method-assign]

    def _seconds_to_read(self, timeout: float | None) -> float | None:
        if self._deadline is None:
            return timeout
        left = self._deadline - self._clock()
        if left <= 0:
            raise httpcore.ReadTimeout(f"the answer was not whole after {self._limits.seconds} seconds")
        return left if timeout is None else min(left, timeout)


class Interrupted(Exception):
    """The request was broken off, or not sent at all, because its `Interrupt` is set.

    What became of a request that was under way is not known.
    """


class Interrupt:
    """Breaks off the requests that are sent with it, from any thread; none is sent with it from then on.

    Whatever a request waits for ends at once: a reply, room for more to send, a TLS handshake. Only a connection that
    is being made is waited for, ten seconds for each address of its host at most. Requests that are sent without it, or
    with another one, go on.
    """

    def __init__(self) -> None:
        self._event = Event()
        self._under_way: set[_Breakable] = set()
        self._lock = threading.Lock()
        _of_this_process.add(self)

    def set(self) -> None:
        """Break off what is under way, and let nothing more begin. Does not wait for it to end."""
        with self._lock:
            self._event.set()
            for connections in self._under_way:
                connections.shut()

    def start_anew(self) -> None:
        """Leave alone what is under way in another process: to shut a connection shuts it for both."""
        was_set, self._event = self._event.is_set(), Event()
        if was_set:
            self._event.set()
        self._under_way = set()
        self._lock = threading.Lock()

    def wait(self, seconds: float) -> None:
        """Wait so long; raises `Interrupted` as soon as it is set."""
        if self._event.wait(seconds):
            raise Interrupted

    @contextlib.contextmanager
    def covering(self, connections: _Breakable) -> Generator[None]:
        """Break off what is done with these connections, meanwhile; raises `Interrupted` when it was."""
        with self._lock:
            if self._event.is_set():
                raise Interrupted
            self._under_way.add(connections)
        try:
            yield
        except NoReply:
            # What a connection that was shut under it looks like to a request.
            if not self._event.is_set():
                raise
        finally:
            with self._lock:
                self._under_way.discard(connections)
        # A reply that ends with its connection looks whole when it was broken off.
        if self._event.is_set():
            raise Interrupted from None


class HttpSender:
    """Sends requests to hosts that the user named.

    Args:
        user_agent_suffix: What stands behind this library's own name in the User-Agent, like ``acme/1.2``: printable
            ASCII.
        ca_bundle: A PEM file, or a folder of PEM files: certificates to trust in place of the default ones. Read once,
            here. Not for what stays on this machine.
        limits: How long an answer is waited for, and how much of it is read.
        clock: Seconds, by a clock that never goes back.

    Raises:
        ConfigurationError: The suffix cannot stand in a header, or the bundle cannot be read or holds no certificates.
    """

    def __init__(
        self,
        *,
        user_agent_suffix: str | None = None,
        ca_bundle: str | Path | None = None,
        limits: AnswerLimits = AnswerLimits(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        headers = {**_HEADERS, "User-Agent": _user_agent(user_agent_suffix)}
        trusted = None if ca_bundle is None else _context_trusting(ca_bundle)
        self._limits = limits
        self._clock = clock
        self._outside = _Lender(lambda: _client(headers, trusted, limits, clock, trust_env=True))
        # A proxy of the environment is for the outside world: it cannot reach this machine's own loopback.
        self._loopback = _Lender(lambda: _client(headers, None, limits, clock, trust_env=False))

    def send(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | Iterable[bytes] | None = None,
        content_length: int | None = None,
        max_bytes: int | None = None,
        interrupt: Interrupt | None = None,
    ) -> Reply:
        """Send one request, follow no redirect, and return whatever was answered.

        Args:
            operation: What this is for, as an error names it.
            method: The HTTP method.
            url: An http or https URL.
            headers: Headers besides the User-Agent.
            content: The body, whole or in pieces, as long as a Content-Length among the headers says.
            content_length: Bytes that the pieces hold together. They must go out within a minute and a second for every
                100,000 bytes, looked at between pieces; without it, only each piece has its time-out.
            max_bytes: The longest answer to this request that is read; `None` for what the sender's limits say.
            interrupt: What may break it off.

        Raises:
            NoReply: Nothing was answered, the body went out too slowly or with another length than announced, or the
                answer was not whole in time. Another try may do better.
            NoReplyTooLong: The answer was too long, which another try does not mend.
            Interrupted: It was broken off.
            ConfigurationError: No try can do better: the URL or a header cannot stand in a request, the proxies or
                certificates that the environment names cannot be used, or the host's certificate is not trusted.
        """
        target = _parse_target(operation, url)
        named = _parse_headers(operation, target.host, headers)
        body = self._in_time(_as_announced(content, named.get("Content-Length", "")), content_length)
        most = self._limits.max_bytes if max_bytes is None else max_bytes
        lender = self._loopback if target.host in _LOOPBACK else self._outside
        with lender.lend() as client, (interrupt or Interrupt()).covering(client):
            try:
                return client.exchange(method, target, named, body, most)
            except httpx.RequestError as error:
                failed, cause = _error_of(operation, target.host, error), _without_secrets(error, method, target)
            except ReplyTooLarge:
                reason = f"the answer is longer than {most:,} bytes"
                failed, cause = NoReplyTooLong(operation, target.host, reason, sent=True), None
            # Raised here and not above, where an error that may quote secrets would be its context.
            raise failed from cause

    def close(self) -> None:
        """Release every connection."""
        self._outside.close()
        self._loopback.close()

    def _in_time(self, content: bytes | Iterable[bytes] | None, length: int | None) -> bytes | Iterable[bytes] | None:
        if content is None or isinstance(content, bytes) or length is None:
            return content
        return _pieces_in_time(content, length, self._clock)


def _parse_target(operation: str, url: str) -> httpx.URL:
    with contextlib.suppress(httpx.InvalidURL, ValueError):
        target = httpx.URL(url)
        target.raw_host.decode("ascii").encode("idna")  # as its address will be looked for
        return target
    raise ConfigurationError(f"{operation}: its URL cannot be understood")


def _parse_headers(operation: str, host: str, headers: Mapping[str, str]) -> httpx.Headers:
    with contextlib.suppress(ValueError):
        return httpx.Headers(dict(headers))
    raise _not_sendable(operation, host)


def _not_sendable(operation: str, host: str) -> ConfigurationError:
    return ConfigurationError(
        f"{operation}: no such request can be sent to {host or 'no host'}: its URL is none of http or https, or a "
        "header has a character that HTTP does not allow"
    )


def _as_announced(content: bytes | Iterable[bytes] | None, length: str) -> bytes | Iterable[bytes] | None:
    """A body that ends with an error of this module when it is not as long as its header says."""
    if content is None or not length.isdecimal():
        return content
    return _pieces_of_length([content] if isinstance(content, bytes) else content, int(length))


def _pieces_of_length(pieces: Iterable[bytes], length: int) -> Iterator[bytes]:
    left = length
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise httpx.WriteError(f"the body is longer than the {length:,} bytes that were announced")
        yield piece
    if left:
        raise httpx.WriteError(f"the body is {left:,} bytes shorter than the {length:,} that were announced")


def _pieces_in_time(pieces: Iterable[bytes], length: int, clock: Callable[[], float]) -> Iterator[bytes]:
    allowed = _UPLOAD_GRACE + length / _SLOWEST_UPLOAD
    began, sent = clock(), 0
    for piece in pieces:
        if clock() - began > allowed:
            raise httpx.WriteTimeout(f"too slow: {sent:,} of {length:,} bytes went out in {allowed:,.0f} seconds")
        yield piece
        sent += len(piece)


def _error_of(operation: str, host: str, error: httpx.RequestError) -> NoReply | ConfigurationError:
    if _is_distrust(error):
        return ConfigurationError(
            f"{operation}: the certificate of {host} is not trusted; if a certificate authority of your own signed it, "
            f"name its certificate in ca_bundle or SSL_CERT_FILE ({error})"
        )
    if isinstance(error, _NEVER_SENDABLE):
        return _not_sendable(operation, host)
    return NoReply(operation, host, _reason(error), not isinstance(error, _NEVER_SENT))


def _without_secrets(error: httpx.RequestError, method: str, url: httpx.URL) -> httpx.RequestError | None:
    """The error, fit to stand behind another; `None` when it quotes what was sent or answered."""
    if isinstance(error, (httpx.ProtocolError, httpx.UnsupportedProtocol)):
        return None
    error.request = httpx.Request(method, url.copy_with(query=None))  # without the key, and without the signature
    return error


def _is_distrust(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _client(
    headers: Mapping[str, str],
    trusted: ssl.SSLContext | None,
    limits: AnswerLimits,
    clock: Callable[[], float],
    *,
    trust_env: bool,
) -> _Client:
    context = trusted or _ssl_context(trust_env=trust_env)
    try:
        client = httpx.Client(verify=context, timeout=_TIMEOUT, headers=headers, trust_env=trust_env)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            "a proxy that the environment names cannot be used: look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and "
            f"NO_PROXY ({error})"
        ) from error
    return _Client(client, limits, clock)


def _whole_body(response: httpx.Response, max_bytes: int) -> bytes:
    try:
        return _bounded(response.iter_raw(), response.headers.get("Content-Encoding", ""), max_bytes)
    except FetchRefused:  # the status counts; what stands in a body that is not as announced does not
        return b""


class PinnedFetcher:
    """Fetches from hosts that a catalog names: connects only to an address that passed the check.

    A name is resolved when the connection is made, every address of it is checked, and the connection goes to a checked
    address, so a name that resolves differently a moment later changes nothing. Connections are kept by the name of
    their host, so what was fetched from a host came from a server that proved to be it. Netrc, cookies and the proxies
    of the environment are not used: a proxy does the resolving itself, out of sight of the check.

    Args:
        check: What says which addresses may be connected to.
        proxy: The URL of a proxy, http or https, that every fetch goes through. It resolves the names, so nothing is
            checked here: the proxy is what keeps fetches from where they must not go.
    """

    def __init__(self, check: AddressCheck, *, proxy: str | None = None) -> None:
        # Certificates are looked for only when a picture, or the proxy, is behind TLS.
        self._pools = {
            "http": _Lender(lambda: _PicturePool(check, None, proxy)),
            "https": _Lender(lambda: _PicturePool(check, _ssl_context(trust_env=True), proxy)),
        }

    def get(
        self,
        operation: str,
        url: str,
        *,
        headers: Mapping[str, str],
        max_bytes: int,
        max_seconds: float,
        interrupt: Interrupt | None = None,
    ) -> Reply:
        """Get one URL, following no redirect.

        Args:
            operation: What this is for, as an error names it.
            url: An http or https URL.
            headers: Headers, also in place of the usual User-Agent.
            max_bytes: The longest body that is taken, counted as decoded.
            max_seconds: The longest that the whole exchange may take, with the resolving of its host's name.
            interrupt: What may break it off.

        Raises:
            FetchRefused: The check refuses the host's address, the proxy refuses the host, the host's certificate is
                not trusted, the URL cannot be understood, or the body is encoded in a way that was not asked for.
            ReplyTooLarge: The body is longer than ``max_bytes``.
            NoReply: Nothing, or not all, came back; `NoReplyInTime` when the time was up.
            Interrupted: It was broken off.
        """
        target = _parse(url)
        with self._pools[target.scheme].lend() as pool, (interrupt or Interrupt()).covering(pool):
            try:
                return pool.get(target, {**_HEADERS, **headers}, max_bytes, max_seconds)
            except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
                raise _no_picture(operation, target.raw_host.decode("ascii"), error) from error
            except httpcore.ProxyError as error:
                raise _refused_by_proxy(operation, target.raw_host.decode("ascii"), error) from error

    def close(self) -> None:
        """Release every connection."""
        for pools in self._pools.values():
            pools.close()


def _parse(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchRefused("its URL cannot be understood") from error


def _no_picture(operation: str, host: str, error: Exception) -> NoReply | FetchRefused:
    if _is_distrust(error):
        return FetchRefused(f"the certificate of its host is not trusted ({error})")
    kind = NoReplyInTime if isinstance(error, httpcore.TimeoutException) else NoReply
    sent = not isinstance(error, (httpcore.ConnectError, httpcore.ConnectTimeout))
    return kind(operation, host, _reason(error), sent)


def _refused_by_proxy(operation: str, host: str, error: httpcore.ProxyError) -> NoReply | FetchRefused:
    """What a proxy answered in place of a tunnel: httpcore's text begins with the status."""
    answer = shown(str(error))
    if answer.startswith("4"):
        return FetchRefused(f"the proxy does not let it through ({answer})")
    return NoReply(operation, host, f"the proxy made no connection: {answer}", sent=False)


class _PicturePool:
    """Connections that one thread at a time uses, and that any thread can break off."""

    def __init__(self, check: AddressCheck, ssl_context: ssl.SSLContext | None, proxy: str | None) -> None:
        self._lines = _Lines()
        self._network = _CheckedNetwork(check if proxy is None else _any_address, self._lines)
        self._connections = (
            httpcore.ConnectionPool(
                ssl_context=ssl_context, network_backend=self._network, max_connections=None, keepalive_expiry=5
            )
            if proxy is None
            else _through_proxy(proxy, ssl_context, self._network)
        )

    @property
    def usable(self) -> bool:
        """Whether it was not broken off."""
        return not self._lines.shut_for_good

    def get(self, url: httpx.URL, headers: Mapping[str, str], max_bytes: int, max_seconds: float) -> Reply:
        self._network.deadline = time.monotonic() + max_seconds
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        sent: list[tuple[bytes | str, bytes | str]] = [("Host", url.netloc)]
        sent += headers.items()
        watched = {"trace": self._lines.watch}
        try:
            with self._connections.stream("GET", target, headers=sent, extensions=watched) as response:
                received = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                body = _bounded(response.iter_stream(), received.get("content-encoding", ""), max_bytes)
                return Reply(response.status, received, body)
        finally:
            self._lines.drop_closed()

    def shut(self) -> None:
        self._lines.shut()
        self._network.leave_lookup()

    def close(self) -> None:
        self._connections.close()
        self._lines.drop_closed()


def _any_address(_host: str, _port: int, _address: str) -> None:
    """Allow it: what is connected to is the proxy."""


def _through_proxy(
    proxy: str, ssl_context: ssl.SSLContext | None, network: httpcore.NetworkBackend
) -> httpcore.ConnectionPool:
    url = httpx.URL(proxy)
    return httpcore.HTTPProxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
        proxy_auth=(url.username.encode(), url.password.encode()) if url.username or url.password else None,
        ssl_context=ssl_context,
        proxy_ssl_context=_ssl_context(trust_env=True) if url.scheme == "https" else None,
        network_backend=network,
        max_connections=None,
        keepalive_expiry=5,
    )


def _bounded(pieces: Iterable[bytes], encoding: str, max_bytes: int) -> bytes:
    """A body that never grows over the cap, not even while it is decoded."""
    body = bytearray()
    decode = _decoder(encoding.strip().lower())
    for piece in filter(None, pieces):
        body += decode(piece, max_bytes + 1 - len(body))
        if len(body) > max_bytes:
            raise ReplyTooLarge
    decode(b"", 1)
    return bytes(body)


def _decoder(encoding: str) -> Callable[[bytes, int], bytes]:
    """Takes a piece and how many bytes may come of it; an empty piece stands behind the last."""
    if encoding in ("", "identity"):
        return lambda piece, _most: piece
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchRefused("its host compressed it in a way that was not asked for")
    return _Decompressor()


class _Decompressor:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._begun = False

    def __call__(self, piece: bytes, most: int) -> bytes:
        if not piece and self._begun and not self._zlib.eof:
            raise FetchRefused("its host compressed it, and sent only a part")
        self._begun = self._begun or bool(piece)
        try:
            return self._zlib.decompress(piece, most)
        except zlib.error as error:
            raise FetchRefused("its host compressed it, and it cannot be decompressed") from error


class _CheckedNetwork(httpcore.SyncBackend):
    """Connects to checked addresses only, and lets no exchange outlast its deadline."""

    def __init__(self, check: AddressCheck, lines: _Lines) -> None:
        self._check = check
        self._lines = lines
        self._lookup_over = Event()
        self.deadline = math.inf

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"the name {host} has no address")
        for address in self._checked_addresses(host, port):
            seconds = min(self.seconds_left(httpcore.ConnectTimeout), _CONNECT_SECONDS)
            try:
                stream = super().connect_tcp(address, port, seconds, local_address, socket_options)
                return _StreamWithDeadline(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def seconds_left(self, kind: type[httpcore.TimeoutException]) -> float:
        """Seconds until the deadline; raises when it has passed, or when what is under way was broken off."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise kind("it took too long")
        if self._lines.shut_for_good:
            raise httpcore.ConnectError("it was broken off")
        return left

    def leave_lookup(self) -> None:
        """Wait no longer for a name that is being resolved."""
        self._lookup_over.set()

    def _checked_addresses(self, host: str, port: int) -> list[str]:
        addresses = self._resolve(host, port)
        for address in addresses:
            reason = self._check(host, port, address)
            if reason is not None:
                raise FetchRefused(reason)
        return addresses

    def _resolve(self, host: str, port: int) -> list[str]:
        """Look a name up in a thread of its own: the system's resolver knows no deadline, and no other way to stop."""
        over = self._lookup_over = Event()
        lookup = Task(functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))

        def look_up() -> None:
            lookup.run()
            over.set()

        seconds = self.seconds_left(
            httpcore.ConnectTimeout
        )  # after the new event, which `leave_lookup` may have missed
        _start_daemon(look_up)
        over.wait(seconds)
        if not lookup.ended:
            raise httpcore.ConnectTimeout(f"the name {host} was not resolved in time")
        return _addresses(host, lookup)


def _start_daemon(work: Callable[[], None]) -> None:
    try:
        threading.Thread(target=work, name="coveo-enrich-lookup", daemon=True).start()
    except RuntimeError as error:  # no more threads may be started
        raise httpcore.ConnectError(str(error)) from error


def _addresses(host: str, lookup: Task[Any]) -> list[str]:
    try:
        found = lookup.result()
    except UnicodeError as error:  # too long a part, or an empty one
        raise FetchRefused(f"{shown(host)} cannot be the name of a host") from error
    except OSError as error:
        raise httpcore.ConnectError(f"the name {host} cannot be resolved") from error
    # A scope (fe80::1%eth0) names an interface, not an address.
    return [str(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found]


@attrs.frozen
class _StreamWithDeadline(httpcore.NetworkStream):
    """A connection whose every step ends by the deadline of the exchange it is used for."""

    _stream: httpcore.NetworkStream
    _network: _CheckedNetwork

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._network.seconds_left(httpcore.ReadTimeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._network.seconds_left(httpcore.WriteTimeout))

    @override
    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._network.seconds_left(httpcore.ConnectTimeout)
        return _StreamWithDeadline(self._stream.start_tls(ssl_context, server_hostname, left), self._network)

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
