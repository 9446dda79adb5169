"""Google's Application Default Credentials, for those who use no API key: found, renewed and kept by google-auth.

google-auth brings no HTTP of its own that is always there, so its requests go out over the one of this library.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol, cast

import attrs

from coveo_enrich.classifiers.service_calls import ServiceCalls
from coveo_enrich.errors import ConfigurationError, MissingExtraError, ServiceUnavailable, shown

__all__ = ["ApplicationDefault", "Authorization"]

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-vision",)
_OF_THE_FILE: Final = (OSError, ValueError, LookupError, AttributeError, TypeError)
"""How google-auth stumbles over a file of credentials that is none, or of another shape than it takes for granted."""
_HOW: Final = "give api_key=, set GOOGLE_APPLICATION_CREDENTIALS, or run: gcloud auth application-default login"


@attrs.frozen
class Authorization:
    """What a request carries to be let in.

    Attributes:
        headers: Headers.
        secret: The part of them that may stand in no message.
    """

    headers: Mapping[str, str] = attrs.field(repr=False)
    secret: str = attrs.field(repr=False)


class ApplicationDefault:
    """Finds the credentials of the environment on first use, in each process, and renews their token when it is due.

    Args:
        project: The project that pays, where it is not the credentials' own.
    """

    def __init__(self, project: str | None) -> None:
        self._project = project
        self._calls = ServiceCalls("Google's sign-in")
        self._credentials: _Credentials | None = None
        self._one_at_a_time = threading.Lock()

    def authorization(self, *, refused: str | None = None) -> Authorization:
        """The headers for a request that is sent now.

        Args:
            refused: A token that Google refused before its time; it is not given again.

        Raises:
            MissingExtraError: google-auth is not installed.
            ConfigurationError: There are no credentials, or Google does not accept them.
            ServiceUnavailable: Google's sign-in did not answer usefully.
        """
        try:
            from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - needs the extra
        except ImportError as error:
            raise MissingExtraError.of("Google Vision without an API key", "google") from error
        try:
            with self._one_at_a_time:
                return self._renewed(refused)
        except GoogleAuthError as error:
            failed = _meaning_of(error)
        # Raised here and not above, where an error that may quote a token would be its context.
        raise failed

    def close(self) -> None:
        """Release connections."""
        self._calls.close()

    def _renewed(self, refused: str | None) -> Authorization:
        request = _transport(self._calls)
        if self._credentials is None:
            self._credentials = _found(request, self._project)
        if not self._credentials.valid or self._credentials.token == refused:
            self._credentials.refresh(request)
        headers: dict[str, str] = {}
        self._credentials.apply(headers)
        return Authorization(headers, str(self._credentials.token))


class _Credentials(Protocol):
    """What google-auth's credentials have in common."""

    token: str | None

    @property
    def valid(self) -> bool: ...

    def refresh(self, request: Callable[..., object]) -> None: ...

    def apply(self, headers: dict[str, str]) -> None: ...


@attrs.frozen
class _Response:
    """An answer as google-auth reads it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _found(request: Callable[..., object], project: str | None) -> _Credentials:
    from google import auth  # noqa: PLC0415 - needs the extra
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError  # noqa: PLC0415 - as above

    try:
        found = cast("Any", auth).default(scopes=_SCOPES, request=request, quota_project_id=project)
    except GoogleAuthError:
        raise
    except _OF_THE_FILE as error:
        reason = f"their file cannot be read: {type(error).__name__}: {error}"
        raise DefaultCredentialsError(reason) from error  # type: ignore[no-untyped-call]
    return cast("_Credentials", found[0])


def _transport(calls: ServiceCalls) -> Callable[..., _Response]:
    from google.auth.exceptions import TransportError  # noqa: PLC0415 - needs the extra

    def request(
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: object,
    ) -> _Response:
        try:
            reply = calls.send(method, url, headers=headers or {}, content=body)
        except (ServiceUnavailable, ConfigurationError) as error:
            raise TransportError(str(error)) from error  # type: ignore[no-untyped-call]
        return _Response(reply.status, reply.headers, reply.body)

    return request


def _meaning_of(error: Exception) -> ConfigurationError | ServiceUnavailable:
    from google.auth.exceptions import TransportError  # noqa: PLC0415 - needs the extra

    # Only the first argument is a sentence; the others may be what the sign-in answered, tokens and all.
    reason = shown(str(error.args[0] if error.args else type(error).__name__))
    causes = list(_causes(error))
    broken = any(isinstance(one, TransportError) for one in causes) or getattr(error, "retryable", False)
    if broken and not any(isinstance(one, ConfigurationError) for one in causes):
        return ServiceUnavailable(f"Google's sign-in did not answer usefully: {reason}")
    return ConfigurationError(f"there are no credentials that Google accepts ({reason}); {_HOW}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
