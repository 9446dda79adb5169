"""The bytes of the pictures that a catalog names, from where they may be had and from nowhere else.

Files only below a root that the caller named, links resolved. URLs only at public addresses, checked at every hop when
the connection is made, unless their host was named as trusted. Decoding is not done here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import attrs

from coveo_enrich.errors import ConfigurationError, ImageRejected, ImageUnavailable, NoReply
from coveo_enrich.images.addresses import is_public
from coveo_enrich.images.hosts import FAILURES_IN_A_ROW, SilentHosts
from coveo_enrich.images.image import LoadedImage, ProductImage
from coveo_enrich.images.references import (
    check_image_url,
    is_cloud_object,
    is_trusted,
    is_url,
    relative_path,
    require_host,
    url_under,
)
from coveo_enrich.retry import is_success, retry_after_seconds

if TYPE_CHECKING:
    from coveo_enrich._http import Interrupt, PinnedFetcher, Reply

__all__ = ["MAX_IMAGE_BYTES", "ImageReader", "NoPictureThere"]

MAX_IMAGE_BYTES: Final = 16_000_000
"""The largest picture that is read, in bytes, as shopping feeds allow (support.google.com/merchants/answer/6324350)."""

_MAX_SECONDS: Final = 20.0
"""For one try, over all its redirects."""
_WAITS: Final = (0.5, 1.0)
"""Seconds before the second try and the third, unless the host asks for more."""
_LONGEST_WAIT: Final = 10.0
_TRIES: Final = 1 + len(_WAITS)
_TRIES_TIMED_OUT: Final = 2
_MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# Image hosts choose the format by this header; JPEG and PNG are what every service takes.
_ACCEPT: Final[Mapping[str, str]] = {"Accept": "image/jpeg, image/png;q=0.9, image/webp;q=0.6, image/*;q=0.3"}


_TRANSIENT: Final = frozenset({408, 425, 429})
_SERVER_ERRORS: Final = range(500, 600)
_HTML: Final = (b"<!doctype html", b"<html", b"<head", b"<body")
_LONGEST_VALIDATOR: Final = 1_000


@attrs.frozen
class _Connections:
    """What a reader has once it fetches, and what stays in its process."""

    fetcher: PinnedFetcher
    interrupt: Interrupt
    silent_hosts: SilentHosts


@attrs.define(slots=False)
class _MayPass(Exception):
    """A try failed for a reason that another try may not meet."""

    reason: str
    tries: int = _TRIES
    retry_after: float | None = None


class NoPictureThere(ImageRejected):
    """Its host answered, and it is no picture: whoever asks, and however, the answer is the same for a while."""


class ImageReader:
    """Reads pictures by the references that products hold.

    A picture whose host fails in a way that may pass is tried three times, with waits of 0.5 and 1 second, or as long
    as the host asks for, up to 10 seconds; after a time-out, once more only. A host that did not answer three times in
    a row is left alone for 60 seconds.

    Args:
        image_root: What relative references are relative to: a folder, or an http or https URL. Without it they are
            refused.
        trusted_hosts: Hosts that may be fetched from although their address is not public, as ``host`` for any port
            or ``host:port``.
        user_agent: What image hosts are told in place of ``coveo-enrich/`` and the version, such as a name that a bot
            filter lets through, with an address to write to: printable ASCII.
        proxy: The URL of an http or https proxy that every fetch goes through, such as ``http://proxy.example:3128``.
            It resolves the names, so addresses are not checked here: give one only if it is your egress filter, which
            lets nothing through to your network or to the metadata service of your cloud. Proxies that the environment
            names are not used.

    Raises:
        ConfigurationError: The root is no folder, or another value is none that can be used.
    """

    def __init__(
        self,
        *,
        image_root: str | Path | None = None,
        trusted_hosts: Iterable[str] = (),
        user_agent: str | None = None,
        proxy: str | None = None,
    ) -> None:
        if isinstance(trusted_hosts, str):
            raise ConfigurationError(f"trusted_hosts must be a list of hosts; got the text {trusted_hosts!r}")
        self._trusted_hosts = tuple(map(require_host, trusted_hosts))
        is_root_url = isinstance(image_root, str) and is_url(image_root)
        self._root_url = _root_url(str(image_root), self._trusted_hosts) if is_root_url else None
        self._folder = None if image_root is None or is_root_url else _folder(image_root)
        self._headers = dict(_ACCEPT) if user_agent is None else {**_ACCEPT, "User-Agent": _sendable(user_agent)}
        self._proxy = None if proxy is None else _proxy(proxy)
        self._interrupt: Interrupt | None = None
        self._stopped = False

    def image(self, reference: str) -> ProductImage:
        """The picture that a reference stands for; its bytes are read when they are asked for.

        An object in cloud storage (``s3://bucket/key``, ``gs://bucket/key``) is a picture too, for the classifier that
        reads it there; its bytes cannot be read here.

        Raises:
            ImageRejected: The reference is not allowed.
        """
        if is_cloud_object(reference):
            return ProductImage(reference, load=_refuse_cloud_object)
        url = self._url_of(reference)
        if url is None:
            return ProductImage(reference, load=partial(self._read_file, relative_path(reference)))
        return ProductImage(url, load=partial(self._fetch, url))

    def place_of(self, reference: str) -> str:
        """Where a picture is: its URL, or the whole path of its file.

        Raises:
            ImageRejected: The reference is not allowed.
        """
        if is_cloud_object(reference):
            return reference
        return self._url_of(reference) or str((self._folder or Path()) / relative_path(reference))

    def load(self, reference: str) -> LoadedImage:
        """Read the picture that a reference stands for, now.

        Raises:
            ImageRejected: The reference is not allowed, or the picture cannot be had, now or later.
            ImageUnavailable: Its host did not answer usefully; it may do so later.
        """
        return self.image(reference).load()

    def reload(self, reference: str, *, etag: str | None, last_modified: str | None) -> LoadedImage | None:
        """Read the picture again unless it is the version that is known: `None` when it is.

        Args:
            reference: What `image` takes, but for an object in cloud storage.
            etag: The ``etag`` of the version that is known.
            last_modified: Its ``last_modified``.

        Raises:
            ImageRejected: As `load`.
            ImageUnavailable: As `load`.
        """
        if is_cloud_object(reference):
            _refuse_cloud_object()
        url = self._url_of(reference)
        if url is None:
            return self._reread_file(relative_path(reference), etag)
        return self._fetch_unless(url, _conditions(etag, last_modified))

    def mark_of_file(self, reference: str) -> str | None:
        """The ``etag`` that `load` would give for a file, without reading it; `None` when it cannot be read.

        Args:
            reference: A path under the root.
        """
        try:
            _, mark = self._file(relative_path(reference))
        except ImageRejected:
            return None
        return mark

    def for_run(self, interrupt: Interrupt | None = None) -> ImageReader:
        """A reader with the same settings and its own connections, so that to stop it leaves others alone.

        Args:
            interrupt: What breaks off its pictures, besides `stop`.
        """
        reader = object.__new__(ImageReader)
        reader.__dict__.update(self._settings(), _interrupt=interrupt)
        return reader

    def stop(self) -> None:
        """Break off the pictures that are under way, from any thread; none is fetched from then on, until `close`.

        Who reads one meanwhile gets `coveo_enrich._http.Interrupted`.
        """
        self._stopped = True
        made = self.__dict__.get("_made")
        if made is not None:
            made.interrupt.set()

    def close(self) -> None:
        """Release connections; the next picture makes new ones."""
        made = self.__dict__.pop("_made", None)
        self._stopped = False
        if made is not None:
            made.fetcher.close()

    def __copy__(self) -> ImageReader:
        return self.for_run()

    def __getstate__(self) -> dict[str, object]:
        if self._proxy and urlsplit(self._proxy).password is not None:
            raise ConfigurationError(
                "this ImageReader holds the password of its proxy, which would travel with the pickle; make the reader "
                "in each process"
            )
        return self._settings()

    def _settings(self) -> dict[str, object]:
        """All that is not of this process or this run."""
        settings = {name: value for name, value in self.__dict__.items() if name != "_made"}
        return {**settings, "_interrupt": None, "_stopped": False}

    @property
    def _connections(self) -> _Connections:
        # Of threads that come here at once, one makes the connections that all of them use.
        made: _Connections = self.__dict__.get("_made") or self.__dict__.setdefault("_made", self._new_connections())
        if self._stopped:
            made.interrupt.set()  # it was stopped before there was anything to break off
        return made

    def _new_connections(self) -> _Connections:
        from coveo_enrich._http import Interrupt, PinnedFetcher  # noqa: PLC0415 - httpx is loaded by the first picture

        fetcher = PinnedFetcher(self._refusal, proxy=self._proxy)
        return _Connections(fetcher, self._interrupt or Interrupt(), SilentHosts())

    def _refusal(self, host: str, port: int, address: str) -> str | None:
        if is_public(address) or is_trusted(host, port, self._trusted_hosts):
            return None
        return f"the host {host} is not at a public address; name it as trusted if it is yours"

    def _url_of(self, reference: str) -> str | None:
        """The URL that a reference stands for; `None` for a file."""
        if not is_url(reference) and self._root_url is None:
            return None
        url = reference if is_url(reference) else url_under(str(self._root_url), relative_path(reference))
        check_image_url(url, self._trusted_hosts)
        return url

    def _read_file(self, path: str) -> LoadedImage:
        loaded = self._reread_file(path, None)
        assert loaded is not None  # noqa: S101 - no version is known
        return loaded

    def _reread_file(self, path: str, etag: str | None) -> LoadedImage | None:
        file, mark = self._file(path)
        try:
            return None if mark == etag else LoadedImage(_not_empty(file.read_bytes()), mark)
        except OSError as error:
            raise _unreadable(error) from error

    def _file(self, path: str) -> tuple[Path, str]:
        """A file under the root, and what tells this version of it from others."""
        if self._folder is None:
            raise ImageRejected("it is a path, and no image_root was given to look under")
        try:
            file = (self._folder / path).resolve(strict=True)
            if not file.is_relative_to(self._folder):
                raise ImageRejected("the path leaves the image root")
            if not file.is_file():
                raise ImageRejected("it is not a file")
            stat = file.stat()
        except (OSError, RuntimeError) as error:
            raise _unreadable(error) from error
        if stat.st_size > MAX_IMAGE_BYTES:
            raise _too_large()
        return file, f"{stat.st_mtime_ns:x}-{stat.st_size:x}"

    def _fetch(self, url: str) -> LoadedImage:
        fetched = self._fetch_unless(url, {})
        assert fetched is not None  # noqa: S101 - there was no condition
        return fetched

    def _fetch_unless(self, url: str, conditions: Mapping[str, str]) -> LoadedImage | None:
        connections = self._connections
        tries = 0
        while True:
            tries += 1
            try:
                return self._try(connections, url, conditions)
            except _MayPass as failure:
                wait = _seconds_before_retry(failure, tries)
                if wait is None:
                    raise ImageUnavailable(failure.reason, failure.retry_after) from failure.__cause__
            connections.interrupt.wait(wait)

    def _try(self, connections: _Connections, url: str, conditions: Mapping[str, str]) -> LoadedImage | None:
        deadline = time.monotonic() + _MAX_SECONDS
        for _ in range(_MAX_REDIRECTS + 1):
            reply = self._get(connections, url, deadline - time.monotonic(), conditions)
            if reply.status == HTTPStatus.NOT_MODIFIED and conditions:
                return None
            target = reply.headers.get("location")
            if reply.status not in _REDIRECTS or target is None:
                return _picture(reply)
            url = self._next_hop(url, target)
        raise NoPictureThere(f"it was redirected more than {_MAX_REDIRECTS} times")

    def _next_hop(self, url: str, target: str) -> str:
        try:
            following = urljoin(url, _as_meant(target))
        except ValueError as error:
            raise NoPictureThere("it was redirected to something that is no URL") from error
        check_image_url(following, self._trusted_hosts)
        if urlsplit(url).scheme == "https" and urlsplit(following).scheme != "https":
            raise NoPictureThere("it was redirected from https to http")
        return following

    def _get(self, connections: _Connections, url: str, max_seconds: float, conditions: Mapping[str, str]) -> Reply:
        from coveo_enrich._http import FetchRefused, ReplyTooLarge  # noqa: PLC0415 - as _new_connections

        host = urlsplit(url).netloc.lower()
        _require_answering(connections.silent_hosts, host)
        try:
            reply = connections.fetcher.get(
                "fetch a picture",
                url,
                headers={**self._headers, **conditions},
                max_bytes=MAX_IMAGE_BYTES,
                max_seconds=max_seconds,
                interrupt=connections.interrupt,
            )
        except FetchRefused as error:
            raise ImageRejected(str(error)) from error
        except ReplyTooLarge as error:
            raise _too_large() from error
        except NoReply as error:
            raise _no_answer(connections.silent_hosts, host, error) from error
        connections.silent_hosts.answered(host)
        return reply


def _root_url(url: str, trusted_hosts: Iterable[str]) -> str:
    try:
        check_image_url(url, trusted_hosts)
    except ImageRejected as error:
        raise ConfigurationError(f"no picture can be had below this image_root: {error}") from error
    if "?" in url or "#" in url:
        raise ConfigurationError("image_root is what paths are put behind, so it holds no ? and no #")
    return url


def _folder(root: object) -> Path:
    # Nothing, as an unset variable gives it, would be the current folder.
    if isinstance(root, str | Path) and root != "" and Path(root).is_dir():
        return Path(root).resolve()
    raise ConfigurationError(f"image_root must be a folder or a URL; {str(root)!r} is neither")


def _conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    marks = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {name: mark for name, mark in marks.items() if mark is not None and mark.isascii() and mark.isprintable()}


def _sendable(user_agent: object) -> str:
    if isinstance(user_agent, str) and user_agent.isascii() and user_agent.isprintable() and user_agent.strip():
        return user_agent.strip()
    raise ConfigurationError(f"user_agent must be printable ASCII, like acme-shop/1.2; got {user_agent!r}")


def _proxy(proxy: str) -> str:
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and proxy.isprintable()
    except (ValueError, TypeError, AttributeError):
        usable = False
    if not usable:  # and not quoted, as it may hold a password
        raise ConfigurationError("proxy must be the URL of an http or https proxy, like http://proxy.example:3128")
    return proxy


def _refuse_cloud_object() -> LoadedImage:
    raise ImageRejected("it is an object in cloud storage; only a classifier of that cloud reads it")


def _seconds_before_retry(failure: _MayPass, tries: int) -> float | None:
    asked = failure.retry_after or 0.0
    if tries >= failure.tries or asked > _LONGEST_WAIT:
        return None
    return max(asked, _WAITS[tries - 1])


def _require_answering(silent_hosts: SilentHosts, host: str) -> None:
    seconds = silent_hosts.seconds_left(host, time.monotonic())
    if seconds:
        reason = (
            f"its host did not answer {FAILURES_IN_A_ROW} times in a row; it is left alone for {seconds:.0f} seconds"
        )
        raise _MayPass(reason, tries=1)


def _no_answer(silent_hosts: SilentHosts, host: str, error: NoReply) -> _MayPass:
    from coveo_enrich._http import NoReplyInTime  # noqa: PLC0415 - as _new_connections

    timed_out = isinstance(error, NoReplyInTime)
    if timed_out or not error.sent:
        silent_hosts.did_not_answer(host, time.monotonic())
    reason = f"its host did not answer usefully ({error.reason})"
    return _MayPass(reason, tries=_TRIES_TIMED_OUT if timed_out else _TRIES)


def _as_meant(location: str) -> str:
    """A target with the letters that its host meant: headers are read as Latin-1, and many hosts write UTF-8."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _picture(reply: Reply) -> LoadedImage:
    if not is_success(reply.status):
        raise _refusal_of(reply)
    if reply.status == HTTPStatus.PARTIAL_CONTENT:
        raise NoPictureThere("its host sent a part of it, which was not asked for")
    if _is_html(reply):
        raise NoPictureThere("its host sent an HTML page, not a picture")
    etag, last_modified = reply.headers.get("etag"), reply.headers.get("last-modified")
    return LoadedImage(_not_empty(reply.body), _validator(etag), _validator(last_modified))


def _refusal_of(reply: Reply) -> ImageRejected | _MayPass:
    phrase = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else ""
    answer = f"its host answered {reply.status} {phrase}".rstrip()
    if reply.status in _TRANSIENT or reply.status in _SERVER_ERRORS:
        asked = retry_after_seconds(reply.headers.get("retry-after"), now=datetime.now(UTC))
        return _MayPass(answer, retry_after=asked)
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ImageRejected(f"{answer}: it does not let programs have it")  # another name may be let in
    if reply.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        answer += ": the link is dead"
    return NoPictureThere(answer)


def _is_html(reply: Reply) -> bool:
    """Whether it is a page. What is called one and begins otherwise may be a picture: hosts call things anything."""
    start = reply.body[:256].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    said = reply.headers.get("content-type", "").lower()
    return start.startswith(_HTML) or (start.startswith(b"<") and said.startswith("text/html"))


def _validator(header: str | None) -> str | None:
    return header if header and header.isprintable() and len(header) <= _LONGEST_VALIDATOR else None


def _not_empty(data: bytes) -> bytes:
    if not data:
        raise NoPictureThere("it is empty: 0 bytes")
    return data


def _unreadable(error: Exception) -> ImageRejected:
    if isinstance(error, FileNotFoundError):
        return ImageRejected("there is no such file")
    return ImageRejected(f"the file cannot be read ({type(error).__name__})")


def _too_large() -> ImageRejected:
    return NoPictureThere(f"it is larger than {MAX_IMAGE_BYTES:,} bytes")
