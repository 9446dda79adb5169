"""The requests of the Stream API, and what their answers hold (docs.coveo.com/en/lb4a0344, /en/p4eb0129).

Pure: values in, values out. Their order is decided in `coveo_enrich.stream.protocol`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, cast
from urllib.parse import quote, urlsplit

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused
from coveo_enrich.stream.source import CoveoSource

__all__ = [
    "Acknowledgement",
    "Container",
    "OpenedStream",
    "close",
    "delete_older_than",
    "file_container",
    "new_chunk",
    "open_stream",
    "parse_acknowledgement",
    "parse_container",
    "parse_file_container",
    "parse_opened",
    "process_file",
]

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_KEPT_FROM_UPLOADS: Final = frozenset(
    {"authorization", "proxy-authorization", "transfer-encoding", "content-encoding", "host"}
)
_MOST_DIGITS: Final = 18  # of a number that 64 bits hold


@attrs.frozen
class Container:
    """A place for one chunk: good for one upload, for an hour.

    Attributes:
        upload_uri: Where the bytes go. Its query is a signature, so it appears in no repr, message or log.
        required_headers: Headers that the signature covers: sent exactly so.
        file_id: Coveo's id of it, which an update names; empty for a stream's chunk, where no call needs it.
    """

    upload_uri: str = attrs.field(repr=lambda uri: repr(uri.partition("?")[0]))
    required_headers: Mapping[str, str]
    file_id: str = ""


@attrs.frozen
class OpenedStream:
    """What opening a stream gave."""

    stream_id: str
    container: Container


@attrs.frozen
class Acknowledgement:
    """What Coveo answers to a call that takes effect.

    Attributes:
        ordering_id: Coveo's stamp for the call, in milliseconds since 1970; `None` when the answer held none.
        request_id: Coveo's id for the request; `None` when the answer held none.
    """

    ordering_id: int | None
    request_id: str | None


def open_stream(source: CoveoSource) -> CoveoCall:
    """Begin a load."""
    return CoveoCall("open a stream", "POST", f"{_stream(source)}/open")


def new_chunk(source: CoveoSource, stream_id: str) -> CoveoCall:
    """Ask for another container."""
    return CoveoCall(
        "ask for a chunk container",
        "POST",
        f"{_stream(source)}/{quote(stream_id, safe='')}/chunk",
    )


def close(source: CoveoSource, stream_id: str) -> CoveoCall:
    """End a load: the source becomes what the stream holds."""
    return CoveoCall(
        "close the stream",
        "POST",
        f"{_stream(source)}/{quote(stream_id, safe='')}/close",
    )


def file_container(source: CoveoSource) -> CoveoCall:
    """Ask for a container that an update or a merge will name."""
    url = f"{_organization(source)}/files"
    return CoveoCall("ask for a file container", "POST", url)


def process_file(source: CoveoSource, method: Literal["update", "merge"], file_id: str) -> CoveoCall:
    """Have what was uploaded to a container take effect (docs.coveo.com/en/p4eb0129, /en/p4eb0515)."""
    url = f"{_stream(source)}/{method}?fileId={quote(file_id, safe='')}"
    return CoveoCall(f"{method} the source", "PUT", url, b"{}")


def delete_older_than(source: CoveoSource, ordering_id: int) -> CoveoCall:
    """Delete the items whose last operation is strictly older, 15 minutes from now (docs.coveo.com/en/131)."""
    return CoveoCall("delete older items", "POST", f"{_stream(source)}/deleteolderthan/{ordering_id}")


def parse_opened(body: Mapping[str, Any]) -> OpenedStream:
    """Read the answer to `open_stream`."""
    return OpenedStream(_text(body, "streamId", "open a stream"), parse_container(body, "open a stream"))


def parse_container(body: Mapping[str, Any], operation: str = "ask for a chunk container") -> Container:
    """Read the answer to `new_chunk`."""
    headers = _required_headers(body, operation)
    upload_uri = _text(body, "uploadUri", operation)
    if not _is_url(upload_uri):
        raise _not_understood(operation, "uploadUri")
    return Container(upload_uri, headers)


def parse_file_container(body: Mapping[str, Any]) -> Container:
    """Read the answer to `file_container`."""
    operation = "ask for a file container"
    return attrs.evolve(parse_container(body, operation), file_id=_text(body, "fileId", operation))


def parse_acknowledgement(body: Mapping[str, Any]) -> Acknowledgement:
    """Read the answer to a call that takes effect. Coveo documents ``orderingId`` as text and shows numbers too."""
    ordering, request = str(body.get("orderingId", "")), body.get("requestId")
    is_number = ordering.isdecimal() and len(ordering) <= _MOST_DIGITS
    return Acknowledgement(int(ordering) if is_number else None, str(request) if request else None)


def _organization(source: CoveoSource) -> str:
    return f"{source.push_host}/push/v1/organizations/{quote(source.organization_id, safe='')}"


def _stream(source: CoveoSource) -> str:
    return f"{_organization(source)}/sources/{quote(source.source_id, safe='')}/stream"


def _required_headers(body: Mapping[str, Any], operation: str) -> Mapping[str, str]:
    headers: object = body.get("requiredHeaders") or {}
    if not isinstance(headers, Mapping):
        raise _not_understood(operation, "requiredHeaders")
    pairs = {str(name): str(value) for name, value in cast("Mapping[object, object]", headers).items()}
    if not all(_may_be_sent(name, value) for name, value in pairs.items()):
        raise _not_understood(operation, "requiredHeaders")
    # An upload states the length of its own chunk.
    return {name: value for name, value in pairs.items() if name.lower() != "content-length"}


def _may_be_sent(name: str, value: str) -> bool:
    """Whether a header can stand in an HTTP/1.1 request, and is none that an upload must not carry."""
    stands = value.isascii() and value.isprintable() and value == value.strip()
    return stands and _HEADER_NAME.fullmatch(name) is not None and name.lower() not in _KEPT_FROM_UPLOADS


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # A user before the host would be sent as an Authorization header.
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        return False


def _text(body: Mapping[str, Any], key: str, operation: str) -> str:
    value: object = body.get(key)
    if isinstance(value, str) and value:
        return value
    raise _not_understood(operation, key)


def _not_understood(operation: str, key: str) -> CoveoRefused:
    return CoveoRefused(operation, 200, None, f"the body has no usable {key}")
