"""File containers: the upload URLs that Coveo gives out, and the files behind them.

What an upload may look like is decided in `coveo_enrich.sandbox.uploads`.
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

__all__ = ["BUCKET", "LIFETIME", "REQUIRED_HEADERS", "Container", "Containers"]

BUCKET = "coveo-sandbox-customerdata"
LIFETIME = timedelta(minutes=60)
REQUIRED_HEADERS = {"x-amz-server-side-encryption": "AES256", "Content-Type": "application/octet-stream"}


@attrs.frozen
class Container:
    """Room for one file, for an hour.

    Attributes:
        file_id: Coveo's ``fileId``.
        host: The host that the upload URL was signed for.
        path: The path of the upload URL.
        query: The query of the upload URL; whoever has it may upload.
        expires: When the upload URL ceases to work.
    """

    file_id: str
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

    def issue(self, organization_id: str, now: datetime) -> Container:
        """Give out a new container."""
        file_id = str(uuid.uuid4())
        path = f"/{BUCKET}/proda/blobstore/{organization_id}/{file_id}"
        container = Container(file_id, self._host, path, _query(now), now + LIFETIME)
        self._by_path[path] = container
        return container

    def at(self, path: str) -> Container | None:
        """The container whose upload URL has this path."""
        return self._by_path.get(path)

    def size(self, file_id: str) -> int | None:
        """Bytes of what was uploaded last; `None` as long as nothing was uploaded whole."""
        return self._sizes.get(file_id)

    def forward(self, file_id: str) -> Path | None:
        """Take the file out of its container, so that an upload that comes later changes nothing any more."""
        if file_id not in self._sizes:
            return None
        return (self._folder / file_id).rename(self._folder / f"{file_id}.forwarded")

    @contextlib.contextmanager
    def spool(self, container: Container) -> Generator[BinaryIO]:
        """A file to write an upload to, which fills the container when the block ends and goes when that raises."""
        path = self._folder / f"{container.file_id}.{secrets.token_hex(8)}"
        try:
            with path.open("wb") as file:
                yield file
            self._sizes[container.file_id] = path.stat().st_size
            path.replace(self._folder / container.file_id)
        finally:
            path.unlink(missing_ok=True)


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
