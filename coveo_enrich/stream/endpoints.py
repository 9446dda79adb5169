"""The requests that make up a load, and what their answers hold (docs.coveo.com/en/lb4a0344).

Pure: values in, values out. Their order is decided in `coveo_enrich.stream.protocol`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

import attrs

from coveo_enrich._calls import CoveoCall
from coveo_enrich.errors import CoveoRefused
from coveo_enrich.stream.source import CoveoSource

__all__ = [
    "ClosedStream",
    "Container",
    "OpenedStream",
    "close",
    "new_chunk",
    "open_stream",
]

_MOST_DIGITS: Final = 18  # of a number that 64 bits hold


@attrs.frozen
class Container:
    """A place for one chunk: good for one upload, for an hour.

    Attributes:
        upload_uri: Where the bytes go. Its query is a signature, so it appears in no repr, message or log.
        required_headers: Headers that the signature covers: sent exactly so.
    """

    upload_uri: str = attrs.field(repr=lambda uri: repr(uri.partition("?")[0]))
    required_headers: Mapping[str, str]


@attrs.frozen
class OpenedStream:
    """What opening a stream gave."""

    stream_id: str
    container: Container


@attrs.frozen
class ClosedStream:
    """What closing a stream gave."""

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


def parse_opened(body: Mapping[str, Any]) -> OpenedStream:
    """Read the answer to `open_stream`."""
    return OpenedStream(_text(body, "streamId", "open a stream"), parse_container(body, "open a stream"))


def parse_container(body: Mapping[str, Any], operation: str = "ask for a chunk container") -> Container:
    """Read the answer to `new_chunk`."""
    headers: object = body.get("requiredHeaders") or {}
    if not isinstance(headers, Mapping):
        raise _not_understood(operation, "requiredHeaders")
    pairs = cast("Mapping[object, object]", headers).items()
    upload_uri = _text(body, "uploadUri", operation)
    if not _is_url(upload_uri):
        raise _not_understood(operation, "uploadUri")
    return Container(upload_uri, {str(name): str(value) for name, value in pairs})


def parse_closed(body: Mapping[str, Any]) -> ClosedStream:
    """Read the answer to `close`. Coveo documents ``orderingId`` as text and shows it as a number too."""
    ordering, request = str(body.get("orderingId", "")), body.get("requestId")
    is_number = ordering.isdecimal() and len(ordering) <= _MOST_DIGITS
    return ClosedStream(int(ordering) if is_number else None, str(request) if request else None)


def _stream(source: CoveoSource) -> str:
    organization, source_id = (
        quote(source.organization_id, safe=""),
        quote(source.source_id, safe=""),
    )
    return f"{source.push_host}/push/v1/organizations/{organization}/sources/{source_id}/stream"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _text(body: Mapping[str, Any], key: str, operation: str) -> str:
    value: object = body.get(key)
    if isinstance(value, str) and value:
        return value
    raise _not_understood(operation, key)


def _not_understood(operation: str, key: str) -> CoveoRefused:
    return CoveoRefused(operation, 200, None, f"the body has no usable {key}")
