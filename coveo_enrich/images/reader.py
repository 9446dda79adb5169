"""The bytes of the pictures that a catalog names, from where they may be had and from nowhere else.

Files only below a root that the caller named, links resolved. URLs only at public addresses, checked at every hop when
the connection is made, unless their host was named as trusted. Decoding is not done here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from coveo_enrich.errors import ConfigurationError, ImageRejected, NoReply, ServiceUnavailable
from coveo_enrich.images.addresses import is_public
from coveo_enrich.images.image import ProductImage
from coveo_enrich.images.references import check_image_url, is_trusted, is_url, relative_path, url_under
from coveo_enrich.retry import TRANSIENT_STATUSES, is_success

if TYPE_CHECKING:
    from coveo_enrich._http import PinnedFetcher, Reply

__all__ = ["MAX_IMAGE_BYTES", "ImageReader"]

MAX_IMAGE_BYTES: Final = 16_000_000
"""The largest picture that is read, in bytes, as shopping feeds allow (support.google.com/merchants/answer/6324350)."""

_MAX_SECONDS: Final = 20.0
_MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# Image hosts choose the format by this header; JPEG and PNG are what every service takes.
_ACCEPT: Final = {"Accept": "image/jpeg, image/png;q=0.9, image/webp;q=0.6, image/*;q=0.3"}


class ImageReader:
    """Reads pictures by the references that products hold.

    Args:
        image_root: What relative references are relative to: a folder, or an http or https URL. Without it they are
            refused.
        trusted_hosts: Hosts that may be fetched from although their address is not public, as ``host`` for any port
            or ``host:port``.

    Raises:
        ConfigurationError: The root is no folder.
    """

    def __init__(self, *, image_root: str | Path | None = None, trusted_hosts: Iterable[str] = ()) -> None:
        if isinstance(trusted_hosts, str):
            raise ConfigurationError(f"trusted_hosts must be a list of hosts; got the text {trusted_hosts!r}")
        self._trusted_hosts = tuple(trusted_hosts)
        self._root_url = image_root if isinstance(image_root, str) and is_url(image_root) else None
        self._folder = None if image_root is None or self._root_url else _folder(Path(image_root))

    def image(self, reference: str) -> ProductImage:
        """The picture that a reference stands for; its bytes are read when they are asked for.

        Raises:
            ImageRejected: The reference is not allowed.
        """
        if is_url(reference):
            check_image_url(reference, self._trusted_hosts)
            return ProductImage(reference, load=partial(self._fetch, reference))
        path = relative_path(reference)
        if self._root_url is not None:
            url = url_under(self._root_url, path)
            check_image_url(url, self._trusted_hosts)
            return ProductImage(url, load=partial(self._fetch, url))
        return ProductImage(reference, load=partial(self._read_file, path))

    def close(self) -> None:
        """Release connections; the next picture makes new ones."""
        fetcher = self.__dict__.pop("_connections", None)
        if fetcher is not None:
            fetcher.close()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_connections"}

    @property
    def _fetcher(self) -> PinnedFetcher:
        from coveo_enrich._http import PinnedFetcher  # noqa: PLC0415 - httpx is loaded by the first picture

        # Of threads that come here at once, one makes the fetcher that all of them use.
        fetcher: PinnedFetcher = self.__dict__.setdefault("_connections", PinnedFetcher(self._refusal))
        return fetcher

    def _refusal(self, host: str, port: int, address: str) -> str | None:
        if is_public(address) or is_trusted(host, port, self._trusted_hosts):
            return None
        return f"the host {host} is not at a public address; name it as trusted if it is yours"

    def _read_file(self, path: str) -> bytes:
        if self._folder is None:
            raise ImageRejected("it is a path, and no image_root was given to look under")
        try:
            file = (self._folder / path).resolve(strict=True)
            if not file.is_relative_to(self._folder):
                raise ImageRejected("the path leaves the image root")
            if not file.is_file():
                raise ImageRejected("it is not a file")
            if file.stat().st_size > MAX_IMAGE_BYTES:
                raise _too_large()
            return _not_empty(file.read_bytes())
        except FileNotFoundError as error:
            raise ImageRejected("there is no such file") from error
        except (OSError, RuntimeError) as error:
            raise ImageRejected(f"the file cannot be read ({type(error).__name__})") from error

    def _fetch(self, url: str) -> bytes:
        for _ in range(_MAX_REDIRECTS + 1):
            reply = self._get(url)
            target = reply.headers.get("location")
            if reply.status not in _REDIRECTS or target is None:
                return _picture(reply)
            url = self._next_hop(url, target)
        raise ImageRejected(f"it was redirected more than {_MAX_REDIRECTS} times")

    def _next_hop(self, url: str, target: str) -> str:
        try:
            following = urljoin(url, target)
        except ValueError as error:
            raise ImageRejected("it was redirected to something that is no URL") from error
        check_image_url(following, self._trusted_hosts)
        if urlsplit(url).scheme == "https" and urlsplit(following).scheme != "https":
            raise ImageRejected("it was redirected from https to http")
        return following

    def _get(self, url: str) -> Reply:
        from coveo_enrich._http import FetchRefused, ReplyTooLarge  # noqa: PLC0415 - as _fetcher

        try:
            return self._fetcher.get(
                "fetch a picture", url, headers=_ACCEPT, max_bytes=MAX_IMAGE_BYTES, max_seconds=_MAX_SECONDS
            )
        except FetchRefused as error:
            raise ImageRejected(str(error)) from error
        except ReplyTooLarge as error:
            raise _too_large() from error
        except NoReply as error:
            raise ServiceUnavailable(f"its host did not answer usefully ({error.reason})") from error


def _folder(path: Path) -> Path:
    if not path.is_dir():
        raise ConfigurationError(f"image_root must be a folder or a URL; {str(path)!r} is neither")
    return path.resolve()


def _picture(reply: Reply) -> bytes:
    if is_success(reply.status):
        return _not_empty(reply.body)
    phrase = HTTPStatus(reply.status).phrase if reply.status in set(HTTPStatus) else ""
    answer = f"its host answered {reply.status} {phrase}".rstrip()
    if reply.status in TRANSIENT_STATUSES:
        raise ServiceUnavailable(answer)
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        answer += ": it does not let programs have it"
    raise ImageRejected(answer)


def _not_empty(data: bytes) -> bytes:
    if not data:
        raise ImageRejected("it is empty: 0 bytes")
    return data


def _too_large() -> ImageRejected:
    return ImageRejected(f"it is larger than {MAX_IMAGE_BYTES:,} bytes")
