"""What an error of AWS means for a picture, by the error's name.

Its HTTP status decides only where the name is unknown: AWS answers throttling with 400 as well as with 500. Nothing is
imported from botocore, so that a client of another make may raise errors by the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from traceback import walk_tb
from typing import Any, Final, cast

from coveo_enrich.errors import (
    ClassifierError,
    ConfigurationError,
    ImageRejected,
    ServiceUnavailable,
    Throttled,
    shown,
)
from coveo_enrich.retry import retry_after_seconds

__all__ = ["meaning_of"]

_THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_TRANSIENT: Final = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
_KEYS: Final = "check the AWS credentials, and that they have not expired"
_ALLOWED: Final = "let the account's policy allow rekognition:DetectLabels, DetectText or DetectCustomLabels"
_CONFIGURATION: Final[Mapping[str, str]] = {
    "AccessDenied": _ALLOWED,
    "AccessDeniedException": _ALLOWED,
    "ExpiredToken": _KEYS,
    "ExpiredTokenException": _KEYS,
    "IncompleteSignature": _KEYS,
    "IncompleteSignatureException": _KEYS,
    "InvalidClientTokenId": _KEYS,
    "InvalidSignatureException": _KEYS,
    "LimitExceededException": "a limit of the AWS account is reached",
    "MissingAuthenticationToken": _KEYS,
    "MissingAuthenticationTokenException": _KEYS,
    "OptInRequired": "let the account use this region",
    "RequestExpired": "check the clock of this machine",
    "RequestTimeTooSkewed": "check the clock of this machine",
    "ResourceNotFoundException": "check the custom model's ARN and its region",
    "ResourceNotReadyException": "start the custom model's version first",
    "SignatureDoesNotMatch": _KEYS,
    "SubscriptionRequiredException": "let the account use Rekognition",
    "UnknownOperationException": "check the endpoint",
    "UnrecognizedClientException": _KEYS,
}
_IMAGE: Final = frozenset(
    {
        "ImageTooLargeException",
        "InvalidImageFormatException",
        "InvalidParameterException",
        "InvalidS3ObjectException",
    }
)
# botocore's own, before or without an answer.
_LOST: Final = frozenset(
    {"ConnectionError", "HTTPClientError", "IncompleteReadError", "MetadataRetrievalError", "ResponseParserError"}
)
_READERS: Final = frozenset({"botocore.parsers", "botocore.endpoint"})
_ADVICE: Final[Mapping[str, str]] = {
    "NoCredentialsError": "give AWS credentials as boto3 looks for them: the environment, a profile or a role",
    "NoRegionError": "pass region=, or set AWS_DEFAULT_REGION",
}


def meaning_of(error: Exception) -> ClassifierError | ConfigurationError | None:
    """What an error means; `None` when it is not one of AWS or botocore."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "ClientError" in kinds:
        return _answered(_table(getattr(error, "response", None)))
    if kinds & _LOST:
        return ServiceUnavailable(f"Rekognition did not answer: {shown(str(error))}")
    if _fell_reading(error):
        return ServiceUnavailable(f"Rekognition's answer cannot be understood: {shown(repr(error))}")
    if "BotoCoreError" in kinds:
        advice = _ADVICE.get(type(error).__name__)
        return ConfigurationError(_sentence("Rekognition cannot be asked", str(error), advice))
    return None


def _fell_reading(error: Exception) -> bool:
    """Whether botocore stumbled over an answer, which it takes to have the right shape."""
    modules = [frame.f_globals.get("__name__") for frame, _ in walk_tb(error.__traceback__)]
    return bool(modules) and modules[-1] in _READERS


def _answered(response: Mapping[str, object]) -> ClassifierError | ConfigurationError:
    said = _table(response.get("Error"))
    sent = _table(response.get("ResponseMetadata"))
    code, status = str(said.get("Code", "an error")), sent.get("HTTPStatusCode")
    message = _sentence(f"Rekognition answered {code}", str(said.get("Message") or ""), _CONFIGURATION.get(code))
    pause = _pause(_table(sent.get("HTTPHeaders")))
    if code in _THROTTLED:
        return Throttled(message, pause)
    if code in _TRANSIENT:
        return ServiceUnavailable(message, pause)
    if code in _CONFIGURATION:
        return ConfigurationError(message)
    if code in _IMAGE:
        return ImageRejected(message)
    return _by_status(status if isinstance(status, int) else 0, message, pause)


def _by_status(status: int, message: str, pause: float | None) -> ClassifierError | ConfigurationError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, pause)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServiceUnavailable(message, pause)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return ConfigurationError(f"{message}: check the endpoint, the credentials and what the account may do")
    return ImageRejected(message)


def _pause(headers: Mapping[str, object]) -> float | None:
    milliseconds = str(headers.get("x-amz-retry-after", ""))
    if milliseconds.isascii() and milliseconds.isdigit():
        return int(milliseconds) / 1000
    return retry_after_seconds(str(headers.get("retry-after", "")), now=datetime.now(UTC))


def _sentence(what: str, said: str, advice: str | None) -> str:
    # Only the first line: what follows, in an error about a signature, repeats the request and the session's token.
    first = shown(said.strip().split("\n")[0].rstrip(". "))
    return ": ".join(part for part in (what, first, advice) if part)


def _table(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
