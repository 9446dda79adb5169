"""A plain HTTP caller of the sandbox, written from Coveo's documentation alone, for the tests beside it."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Generator
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs
import httpx
from hypothesis import HealthCheck, settings

from coveo_enrich.sandbox import CoveoSandbox

__all__ = ["Caller", "batch", "untimed"]

# How long an example takes decides nothing.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def batch(*items: object) -> bytes:
    """A batch file with these items."""
    return json.dumps({"addOrUpdate": items}).encode()


@attrs.frozen
class Caller:
    """A running sandbox, and a client that calls it."""

    sandbox: CoveoSandbox
    http: httpx.Client

    @classmethod
    @contextlib.contextmanager
    def running(cls, **options: Any) -> Generator[Caller]:  # noqa: ANN401 - whatever a sandbox takes
        """Start a sandbox and a client for it."""
        with (
            CoveoSandbox(**options) as sandbox,
            httpx.Client(base_url=sandbox.url, trust_env=False, timeout=30) as http,
        ):
            yield cls(sandbox, http)

    @property
    def headers(self) -> dict[str, str]:
        """What Coveo wants on each of its own calls."""
        return {"Authorization": f"Bearer {self.sandbox.connection['api_key']}", "Content-Type": "application/json"}

    @property
    def organization_path(self) -> str:
        """The organization on the platform side."""
        return f"/rest/organizations/{self.sandbox.connection['organization_id']}"

    @property
    def source_path(self) -> str:
        """The source on the side that takes items in."""
        there = self.sandbox.connection
        return f"/push/v1/organizations/{there['organization_id']}/sources/{there['source_id']}"

    @property
    def stream_path(self) -> str:
        """The streams of the source."""
        return f"{self.source_path}/stream"

    @property
    def files_path(self) -> str:
        """The file containers of the organization."""
        return f"/push/v1/organizations/{self.sandbox.connection['organization_id']}/files"

    def post(self, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - whatever httpx takes
        """POST with the usual headers."""
        return self.http.post(path, headers=self.headers, **options)

    def open(self) -> dict[str, Any]:
        """Open a stream."""
        opened: dict[str, Any] = self.post(f"{self.stream_path}/open").raise_for_status().json()
        return opened

    def chunk(self, stream_id: str) -> dict[str, Any]:
        """Ask for another container."""
        container: dict[str, Any] = self.post(f"{self.stream_path}/{stream_id}/chunk").raise_for_status().json()
        return container

    def close(self, stream_id: str) -> httpx.Response:
        """Close a stream."""
        return self.post(f"{self.stream_path}/{stream_id}/close")

    def upload(self, container: dict[str, Any], body: bytes) -> httpx.Response:
        """Upload as the container wants it."""
        return self.http.put(container["uploadUri"], headers=container["requiredHeaders"], content=body)

    def load(self, *files: bytes) -> None:
        """Make the source the union of these files."""
        opened = self.open()
        for number, file in enumerate(files):
            container = self.chunk(opened["streamId"]) if number else opened
            self.upload(container, file).raise_for_status()
        self.close(opened["streamId"]).raise_for_status()

    def container(self) -> dict[str, Any]:
        """Ask for a file container."""
        container: dict[str, Any] = self.post(self.files_path).raise_for_status().json()
        return container

    def send(self, call: Literal["update", "merge"], file_id: str) -> httpx.Response:
        """Hand an uploaded file over."""
        return self.http.put(f"{self.stream_path}/{call}", headers=self.headers, params={"fileId": file_id})

    def update(self, call: Literal["update", "merge"] = "update", **arrays: object) -> int:
        """Upload a file with these arrays and hand it over: its orderingId."""
        container = self.container()
        self.upload(container, json.dumps(arrays).encode()).raise_for_status()
        return int(self.send(call, container["fileId"]).raise_for_status().json()["orderingId"])

    def delete_older_than(self, ordering_id: int | str, **query: object) -> httpx.Response:
        """Let items leave whose last operation is older."""
        path = f"{self.stream_path}/deleteolderthan/{ordering_id}"
        return self.http.post(path, headers=self.headers, params={name: str(value) for name, value in query.items()})

    def document_ids(self) -> list[str]:
        """The ids in the index."""
        return [item["documentId"] for item in self.sandbox.items()]

    def number_of_documents(self) -> int:
        """The size of the source, as the platform tells it."""
        path = f"{self.organization_path}/sources/{self.sandbox.connection['source_id']}"
        number: int = (
            self.http.get(path, headers=self.headers).raise_for_status().json()["information"]["numberOfDocuments"]
        )
        return number

    def raw(self, *lines: str, body: bytes = b"") -> bytes:
        """Send a request as written, and read until the sandbox ends the connection."""
        head = "\r\n".join([*lines, f"Host: {self.host}", "Connection: close", "", ""])
        with socket.create_connection(self.address, timeout=30) as connection:
            connection.sendall(head.encode() + body)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    @property
    def host(self) -> str:
        """Host and port, as in a Host header."""
        return urlsplit(self.sandbox.url).netloc

    @property
    def address(self) -> tuple[str, int]:
        """Where the sandbox listens."""
        host, port = self.host.split(":")
        return host, int(port)
