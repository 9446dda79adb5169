"""What tests of every folder share: a running sandbox, and a client that never waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich.sandbox import CoveoSandbox

# On a busy machine time would decide about a test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture
def sandbox() -> Iterator[CoveoSandbox]:
    """A sandbox with an empty source."""
    with CoveoSandbox() as running:
        yield running


@pytest.fixture
def source(sandbox: CoveoSandbox) -> CoveoSource:
    """The sandbox's source."""
    return CoveoSource(**sandbox.connection)


@pytest.fixture
def client(source: CoveoSource) -> Iterator[StreamClient]:
    """A client of the sandbox's source; its chunks hold about ten small items, and it repeats without waiting."""
    with StreamClient(source, max_chunk_bytes=600, retry=RetryPolicy(first_wait_seconds=0)) as one:
        yield one
