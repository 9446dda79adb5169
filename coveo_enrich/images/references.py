"""What a product's image reference stands for: a URL, a path under the root that the caller named, or nothing allowed.

Pure: looks at text only. Links in folders are resolved, and addresses checked, in `coveo_enrich.images.reader`.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PureWindowsPath
from typing import Final, cast
from urllib.parse import quote, urlsplit

import attrs

from coveo_enrich._frames import is_null
from coveo_enrich.errors import ConfigurationError, ImageRejected

__all__ = [
    "References",
    "check_image_url",
    "is_cloud_object",
    "is_trusted",
    "is_url",
    "references_in",
    "relative_path",
    "require_host",
    "url_under",
]

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_URL_BEGINS: Final = re.compile(r"(?:https?|s3|gs)://", re.IGNORECASE)
# A `;` may be part of a URL, unless a blank or another URL follows.
_NEXT_REFERENCE: Final = re.compile(r";(?:\s+|(?=(?:https?|s3|gs)://))", re.IGNORECASE)
_CLOUDS: Final = frozenset({"s3", "gs"})
_HOST: Final = re.compile(r"[a-z0-9._:-]+")
_NEVER: Final = re.compile("[\0\ud800-\udfff]")
_PLAIN_URL: Final = re.compile(r"https?://[a-z0-9.-]+/[!-~]*")
"""An http or https URL without credentials and without a port."""
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


@attrs.frozen
class References:
    """What a product's image field names.

    Attributes:
        texts: The references, each once.
        odd: Why parts of the field are no references: one reason for each that is neither text nor null.
    """

    texts: tuple[str, ...]
    odd: tuple[str, ...]


def references_in(value: object) -> References:
    """The image references in a field: a list, or one text with ``;`` between them, as Coveo reads both.

    Nulls and blanks are left out.
    """
    texts: dict[str, None] = {}
    odd: list[str] = []
    for part in _parts(value):
        if isinstance(part, str):
            texts[part.strip()] = None
        elif not is_null(part):
            odd.append(f"the image field holds {type(part).__name__} where a text should be")
    texts.pop("", None)
    return References(tuple(texts), tuple(odd))


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, str):
        return _split_text(value)
    if isinstance(value, list | tuple):
        return cast("Sequence[object]", value)
    return (value,)


def _split_text(text: str) -> Iterator[str]:
    first_url = _URL_BEGINS.search(text)
    if first_url is None:
        yield from text.split(";")
        return
    yield from text[: first_url.start()].split(";")
    for part in _NEXT_REFERENCE.split(text[first_url.start() :]):
        yield from (part,) if _URL_BEGINS.match(part) else part.split(";")


def is_url(reference: str) -> bool:
    """Whether a reference is an http or https URL."""
    return reference.lower().startswith(("http://", "https://"))


def is_cloud_object(reference: str) -> bool:
    """Whether a reference names an object of Amazon S3 or Google Cloud Storage, as ``s3://bucket/key`` or ``gs://…``.

    Raises:
        ImageRejected: It begins like one and names no object.
    """
    scheme, separator, rest = reference.partition("://")
    if not separator or scheme.lower() not in _CLOUDS:
        return False
    _check_text(reference)
    bucket, _, key = rest.partition("/")
    if not (bucket and key):
        raise ImageRejected("it names no object: a bucket and a key are needed, as in s3://bucket/key")
    return True


def relative_path(reference: str) -> str:
    """The reference as a path below a root, with ``/`` between its parts.

    Raises:
        ImageRejected: It has another scheme, is absolute, or climbs out of the root.
    """
    if reference.startswith("//"):
        raise ImageRejected("what begins with // leaves the image root; a URL begins with http:// or https://")
    scheme = _SCHEME.match(reference)
    if scheme is not None:
        raise ImageRejected(f"the scheme '{scheme[1]}:' is not allowed; a URL begins with http:// or https://")
    _check_text(reference)
    path = posixpath.normpath(reference.replace("\\", "/"))
    if path.startswith("/") or PureWindowsPath(reference).drive or path.split("/")[0] in ("..", "."):
        raise ImageRejected("the path leaves the image root")
    return path


def url_under(root_url: str, path: str) -> str:
    """The URL of a path below a root URL."""
    return f"{root_url.rstrip('/')}/{quote(path)}"


def check_image_url(url: str, trusted_hosts: Iterable[str]) -> None:
    """Refuse a URL by what it says; what it resolves to is checked when the connection is made.

    Args:
        url: The URL.
        trusted_hosts: Hosts, with or without a port, that may be reached at any port.

    Raises:
        ImageRejected: It is no http or https URL, carries credentials, or names a port besides 80 and 443.
    """
    if _PLAIN_URL.fullmatch(url):  # as nearly all are, and there may be many
        return
    _check_text(url)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ImageRejected("its URL cannot be understood") from error
    if parts.scheme not in _PORTS or not host:
        raise ImageRejected("its URL is not an http or https URL with a host")
    if parts.username is not None or parts.password is not None:
        raise ImageRejected("its URL carries credentials")
    if port not in (None, 80, 443) and not is_trusted(host, port or _PORTS[parts.scheme], trusted_hosts):
        raise ImageRejected(f"port {port} is not allowed; name the host as trusted if it is yours")


def _check_text(reference: str) -> None:
    if _NEVER.search(reference):
        raise ImageRejected("it holds a NUL character or half of a surrogate pair")


def require_host(entry: object) -> str:
    """The entry, if it names a host that may be trusted.

    Raises:
        ConfigurationError: It is a URL, a pattern or nothing, and would be the name of no host ever asked for.
    """
    try:
        parts = urlsplit(f"//{entry}")
        usable = parts.netloc == entry and parts.username is None and parts.port != 0
        usable = usable and _HOST.fullmatch(_as_resolved(parts.hostname or "")) is not None
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(
            f"trusted_hosts are named one by one, as name, name:port or [IPv6 address]:port; got {entry!r}"
        )
    return str(entry)


def is_trusted(host: str, port: int, trusted_hosts: Iterable[str]) -> bool:
    """Whether a host was named as trusted, for any port or for this one."""
    name = _as_resolved(f"[{host}]" if ":" in host else host)
    wanted = {name, f"{name}:{port}"}
    return any(_as_resolved(trusted) in wanted for trusted in trusted_hosts)


def _as_resolved(name: str) -> str:
    """A name with letters beyond ASCII as it is looked up; left alone where standards differ about that."""
    with contextlib.suppress(UnicodeError):
        encoded = name.lower().encode("idna")
        if encoded.decode("idna") == name.lower():
            return encoded.decode("ascii")
    return name.lower()
