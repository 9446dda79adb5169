"""Which requests were served, without their bodies."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime

import attrs

from coveo_enrich.sandbox.http.faults import Operation

__all__ = ["Journal", "SandboxRequest"]


@attrs.frozen
class SandboxRequest:
    """A request, as `CoveoSandbox.requests` shows it.

    Attributes:
        method: The HTTP method.
        path: The path, without the query: the query of an upload URL is a secret.
        operation: What it asked for; `None` when that is nothing that the sandbox does.
        status: The HTTP status of the answer; `None` when there was none.
        headers: Its headers as they came, names in lower case. They hold the API key, so they are not in the repr.
        time: When it came, by the sandbox's clock, in UTC.
        body_size: Bytes of its body that were read, before the answer; 0 when its head alone was answered.
    """

    method: str
    path: str
    operation: Operation | None
    status: int | None
    headers: Mapping[str, str] = attrs.field(repr=False)
    time: datetime
    body_size: int


class Journal:
    """The requests, in the order in which they were answered."""

    def __init__(self) -> None:
        self._requests: list[SandboxRequest] = []
        self._lock = threading.Lock()

    def add(self, request: SandboxRequest) -> None:
        """Write down a request."""
        with self._lock:
            self._requests.append(request)

    def all(self) -> list[SandboxRequest]:
        """Every request so far."""
        with self._lock:
            return list(self._requests)
