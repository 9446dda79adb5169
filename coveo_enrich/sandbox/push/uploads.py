"""What the storage behind an upload URL accepts: S3's rules for a presigned PUT, decided from a request's head."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias
from urllib.parse import parse_qsl

from coveo_enrich.sandbox.push.containers import REQUIRED_HEADERS, Container
from coveo_enrich.sandbox.refusals import StorageRefused

__all__ = ["MAX_FILE_BYTES", "Headers", "check_length", "check_method", "check_signed"]

MAX_FILE_BYTES = 256_000_000

Headers: TypeAlias = Sequence[tuple[str, str]]

_REQUIRED = {name.lower(): value for name, value in REQUIRED_HEADERS.items()}


def check_method(method: str) -> None:
    """Let only a PUT pass.

    Raises:
        StorageRefused: 405.
    """
    if method != "PUT":
        raise StorageRefused(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")


def check_length(headers: Headers) -> None:
    """Let only a body pass that says how long it is, and that is not too long.

    Args:
        headers: Names in lower case.

    Raises:
        StorageRefused: 501, 411 or 400.
    """
    if _values(headers, "transfer-encoding"):
        raise StorageRefused(501, "NotImplemented", "A header you provided implies functionality not implemented.")
    lengths = _values(headers, "content-length")
    if not lengths:
        raise StorageRefused(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    if int(lengths[0]) > MAX_FILE_BYTES:
        raise StorageRefused(400, "EntityTooLarge", f"The upload exceeds the maximum of {MAX_FILE_BYTES} bytes.")


def check_signed(container: Container | None, headers: Headers, query: str, now: datetime) -> Container:
    """Let only what was signed pass: the URL as it was given out, each required header once, and nothing beside them.

    Args:
        container: The one with the request's path; `None` when no URL with that path was given out.
        headers: Names in lower case.
        query: The request's query.
        now: The time in the sandbox.

    Raises:
        StorageRefused: 403 or 400.
    """
    if _values(headers, "authorization"):
        raise StorageRefused(400, "InvalidArgument", "Only one auth mechanism allowed; the URL is already signed.")
    if container is None or not _same_query(container.query, query):
        raise _mismatch()
    if now >= container.expires:
        raise StorageRefused(403, "AccessDenied", "Request has expired")
    for name, value in {**_REQUIRED, "host": container.host}.items():
        if _values(headers, name) != [value]:
            raise _mismatch()
    if any(name.startswith("x-amz-") and name not in _REQUIRED for name, _ in headers):
        raise StorageRefused(403, "AccessDenied", "There were headers present in the request which were not signed")
    # S3 would store it as it comes, and Coveo could not read it; compressed batches are documented nowhere.
    if _values(headers, "content-encoding"):
        raise StorageRefused(400, "InvalidArgument", "A batch is uploaded without Content-Encoding.")
    return container


def _mismatch() -> StorageRefused:
    return StorageRefused(
        403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
    )


def _values(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key == name]


def _same_query(ours: str, theirs: str) -> bool:
    """The same parameters, in any order."""

    def canonical(query: str) -> bytes:
        return repr(sorted(parse_qsl(query, keep_blank_values=True))).encode()

    return hmac.compare_digest(canonical(ours), canonical(theirs))
