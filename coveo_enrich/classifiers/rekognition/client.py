"""The client that speaks to AWS: what is asked of it, and one of boto3's, made when it is first needed.

The one module that imports boto3. What an error means is decided in `coveo_enrich.classifiers.rekognition.failures`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from threading import Lock
from typing import Any, Final, Protocol

from coveo_enrich.errors import ConfigurationError, MissingExtraError

__all__ = ["ClientOnDemand", "RekognitionClient"]

_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 60
_CONNECTIONS: Final = 32


class RekognitionClient(Protocol):
    """What is asked of a client: ``boto3.Session().client("rekognition")`` is one, and so is a stand-in for tests.

    Only keywords are sent. That any arguments may stand here lets a type checker accept typed stubs of boto3 as well.
    """

    def detect_labels(self, *_: Any, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - see above
        """Answer with labels and the properties of the picture."""
        ...

    def detect_text(self, *_: Any, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - see above
        """Answer with the text in the picture."""
        ...

    def detect_custom_labels(self, *_: Any, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - see above
        """Answer with the labels of a custom model."""
        ...


class ClientOnDemand:
    """One client for all threads of a process, made by the first that needs it.

    Args:
        region: The AWS region; `None`: as the environment or the AWS profile says.
        endpoint_url: Where to send requests instead of the region's own host.
    """

    def __init__(self, region: str | None, endpoint_url: str | None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._making = Lock()
        self._made: tuple[int, RekognitionClient] | None = None

    def get(self) -> RekognitionClient:
        """The client of this process; one that a fork brought along is left alone, as it shares its connections.

        Raises:
            MissingExtraError: boto3 is not installed.
            ConfigurationError: There is no such endpoint.
            Exception: botocore's own errors, such as one about a region that nothing names.
        """
        # One thread makes it: finding the credentials may cost requests, or ask a person for a code.
        with self._making:
            if self._made is None or self._made[0] != os.getpid():
                self._made = os.getpid(), _new_client(self._region, self._endpoint_url)
            return self._made[1]


def _new_client(region: str | None, endpoint_url: str | None) -> RekognitionClient:
    try:
        # Not by import statements: boto3 has no types, and whether stubs for it are installed may change nothing here.
        boto3: Any = import_module("boto3")
        config: Any = import_module("botocore.config")
    except ImportError as error:
        raise MissingExtraError.of("RekognitionClassifier", "rekognition") from error
    settings = config.Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
    )
    # A session of its own, as boto3's shared one is not safe for threads while its clients are.
    session = boto3.Session(region_name=region)
    try:
        client: RekognitionClient = session.client("rekognition", endpoint_url=endpoint_url, config=settings)
    except ValueError as error:
        raise ConfigurationError(f"no client for Rekognition can be made: {error}") from error
    return client
