"""What tests of Rekognition share: an AWS account that is nobody's, a stubbed client, a scripted service."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rekognition_server import RekognitionServer, rekognition_server

AWS_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials that open nothing, no region, no profile, and no machine to ask for a role."""
    for name in (*AWS_VARIABLES, *PROXIES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-example")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def boto_client() -> Any:  # noqa: ANN401 - boto3 has no types
    """A client of boto3 that no test lets out."""
    boto3: Any = import_module("boto3")
    return boto3.Session(region_name="eu-west-1").client("rekognition")


@pytest.fixture
def stubber(boto_client: Any) -> Iterator[Any]:  # noqa: ANN401 - as above
    """Checks requests and answers of that client against botocore's model; all that was foreseen must be asked."""
    stub: Any = import_module("botocore.stub")
    with stub.Stubber(boto_client) as active:
        yield active
        active.assert_no_pending_responses()


@pytest.fixture
def server() -> Iterator[RekognitionServer]:
    """A scripted Rekognition over real sockets."""
    with rekognition_server() as running:
        yield running
