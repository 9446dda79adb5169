"""File containers: the upload URLs that Coveo gives out, and the files behind them.

What an upload may look like is decided in `coveo_enrich.sandbox.push.uploads`.
"""

from __future__ import annotations

import contextlib
import secrets
import uuid
from collections.abc import Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode, urlsplit

import attrs

from coveo_enrich.sandbox.refusals import invalid_parameter

__all__ = ["BUCKET", "LIFETIME", "REQUIRED_HEADERS", "Container", "Containers"]

BUCKET = "coveo-sandbox-customerdata"
LIFETIME = timedelta(minutes=60)
REQUIRED_HEADERS = {"x-amz-server-side-encryption": "AES256", "Content-Type": "application/octet-stream"}


@attrs.frozen
class Container:
    """Room for one file, for an hour.

    Attributes:
        file_id: Coveo's ``fileId``.
        organization_id: Whose it is.
        stream_id: The stream that it belongs to; `None` when it was asked for by itself.
        host: The host that the upload URL was signed for.
        path: The path of the upload URL.
        query: The query of the upload URL; whoever has it may upload.
        expires: When the upload URL ceases to work.
    """

    file_id: str
    organization_id: str
    stream_id: str | None
    host: str
    path: str
    query: str = attrs.field(repr=False)
    expires: datetime

    @property
    def upload_uri(self) -> str:
        """The whole upload URL."""
        return f"http://{self.host}{self.path}?{self.query}"


class Containers:
    """The containers that were given out, and the files that were uploaded to them."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._host = urlsplit(url).netloc
        self._by_path: dict[str, Container] = {}
        self._sizes: dict[str, int] = {}
        self._forwarded: set[str] = set()

    def issue(self, organization_id: str, stream_id: str | None, host: str, now: datetime) -> Container:
        """Give out a new container, whose upload URL names the host by which the sandbox was called, if it said one."""
        file_id = str(uuid.uuid4())
        path = _path(file_id)
        expires = now + LIFETIME
        container = Container(file_id, organization_id, stream_id, host or self._host, path, _query(now), expires)
        self._by_path[path] = container
        return container

    def at(self, path: str) -> Container | None:
        """The container whose upload URL has this path."""
        return self._by_path.get(path)

    def size(self, file_id: str) -> int | None:
        """Bytes of what was uploaded last; `None` as long as nothing was uploaded whole."""
        return self._sizes.get(file_id)

    def take(self, file_id: str, organization_id: str, now: datetime) -> Path:
        """Take the file out of a container that belongs to no stream.

        Raises:
            Refused: 412, when there is no such container, or nothing in it any more, or not yet.
        """
        container = self._by_path.get(_path(file_id))
        if container is None or container.organization_id != organization_id or container.stream_id is not None:
            raise invalid_parameter("There is no such file container.")
        if file_id in self._forwarded:
            raise invalid_parameter("The file container is gone: its content was forwarded already.")
        if now >= container.expires:
            raise invalid_parameter("The file container is gone: it has expired.")
        path = self.forward(file_id)
        if path is None:
            raise invalid_parameter("The file container is empty: nothing was uploaded to it.")
        return path

    def has_expired(self, file_id: str, now: datetime) -> bool:
        """Whether the container is gone because its time is over."""
        return now >= self._by_path[_path(file_id)].expires

    def discard(self, file_id: str) -> None:
        """Delete what the container holds, and take nothing more for it."""
        path = self.forward(file_id)
        if path is not None:
            path.unlink()
        self._forwarded.add(file_id)

    def forward(self, file_id: str) -> Path | None:
        """Take the file out of its container, so that an upload that comes later changes nothing any more."""
        if file_id not in self._sizes or file_id in self._forwarded:
            return None
        self._forwarded.add(file_id)
        return (self._folder / file_id).rename(self._folder / f"{file_id}.forwarded")

    @contextlib.contextmanager
    def spool(self, container: Container) -> Generator[BinaryIO]:
        """A file to write an upload to, which fills the container when the block ends and goes when that raises."""
        path = self._folder / f"{container.file_id}.{secrets.token_hex(8)}"
        try:
            with path.open("wb") as file:
                yield file
            if container.file_id not in self._forwarded:
                self._sizes[container.file_id] = path.stat().st_size
                path.replace(self._folder / container.file_id)
        finally:
            path.unlink(missing_ok=True)


def _path(file_id: str) -> str:
    return f"/{BUCKET}/proda/blobstore/{file_id}"


def _query(now: datetime) -> str:
    """A query like that of a presigned S3 URL. The signature is drawn by lot, as nothing here has to compute it."""
    return urlencode(
        {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"SANDBOX/{now:%Y%m%d}/us-east-1/s3/aws4_request",
            "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": str(int(LIFETIME.total_seconds())),
            "X-Amz-SignedHeaders": "content-type;host;x-amz-server-side-encryption",
            "X-Amz-Signature": secrets.token_hex(32),
        }
    )
