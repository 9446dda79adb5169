"""Where items go: an organization, a source, the hosts that serve them, and the key.

Knows how Coveo's hosts are named per region (docs.coveo.com/en/mcc80216). Sends nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

import attrs

from coveo_enrich._secrets import check_key, check_optional_key, read_key, refuse_to_pickle
from coveo_enrich.errors import ConfigurationError

__all__ = ["CoveoSource"]

_COVEO_API_HOST: Final = re.compile(r"api(?P<deployment>hipaa|dev|stg)?(?:-(?P<region>[a-z]+))?\.cloud\.coveo\.com")
_COVEO_HOST: Final = re.compile(r".*\.coveo\.com")
_STREAM_PATH: Final = re.compile(
    r"/push/v1/organizations/(?P<organization>[^/]+)/sources/(?P<source>[^/]+)(?:/stream(?:/open)?)?/?"
)
_REGIONS: Final = ("us", "ca", "eu", "au", "hipaa")


def _check_not_blank(_instance: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value.strip() or value != value.strip():
        raise ConfigurationError(f"{attribute.name} must be text without blanks around it; got {value!r}")


def _check_region(_instance: object, _attribute: attrs.Attribute[str], value: str) -> None:
    if value not in _REGIONS:
        raise ConfigurationError(f"region must be one of {', '.join(_REGIONS)}; got {value!r}")


def _check_host(_instance: object, attribute: attrs.Attribute[str | None], value: str | None) -> None:
    if value is None:
        return
    if not _is_plain_address(value) or urlsplit(value).path:
        raise ConfigurationError(
            f"{attribute.name} must be an http or https address (https for Coveo's own hosts) without path, "
            "credentials or query, such as https://api-eu.cloud.coveo.com"
        )


def _is_plain_address(url: str) -> bool:
    if not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port_is_a_number = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if parts.scheme == "http" and _COVEO_HOST.fullmatch(parts.hostname or ""):
        return False  # the key would travel in clear
    whole = parts.scheme in ("http", "https") and bool(parts.hostname) and port_is_a_number
    return whole and not ("@" in parts.netloc or parts.query or parts.fragment)


def _strip_slash(value: str | None) -> str | None:
    return value.rstrip("/") if isinstance(value, str) else value


@attrs.frozen
class _KeyFromEnvironment:
    """Reads a key from the environment each time it is needed, so that no object holds it."""

    variable: str

    def __call__(self) -> str:
        return _required(os.environ, self.variable)


@attrs.frozen(kw_only=True)
class CoveoSource:
    """A Coveo source, and how to reach it.

    The key is never shown in a repr, and a source that holds one as text refuses to be pickled; a callable, or
    `from_env`, travels to other processes instead.

    Attributes:
        organization_id: The organization's id.
        source_id: The Catalog source's id.
        api_key: The key that may push to the source, as text or as a callable without arguments that returns it.
        region: ``us`` (default), ``ca``, ``eu``, ``au`` or ``hipaa``: where the organization lives.
        api_url: The host of ``/push/v1`` and ``/logs/v1``; follows from the region unless given.
        platform_url: The host of ``/rest``; follows from ``api_url`` or the region unless given.
        search_url: The host that answers searches; the platform host unless given.
        platform_key: A second, broader key for calls to the platform host; ``api_key`` unless given.

    Raises:
        ConfigurationError: A value cannot be right.
    """

    organization_id: str = attrs.field(validator=_check_not_blank)
    source_id: str = attrs.field(validator=_check_not_blank)
    api_key: str | Callable[[], str] = attrs.field(repr=False, validator=check_key)
    region: str = attrs.field(default="us", validator=_check_region)
    api_url: str | None = attrs.field(default=None, validator=_check_host, converter=_strip_slash)
    platform_url: str | None = attrs.field(default=None, validator=_check_host, converter=_strip_slash)
    search_url: str | None = attrs.field(default=None, validator=_check_host, converter=_strip_slash)
    platform_key: str | Callable[[], str] | None = attrs.field(default=None, repr=False, validator=check_optional_key)

    @classmethod
    def from_stream_url(
        cls,
        url: str,
        *,
        api_key: str | Callable[[], str],
        platform_key: str | Callable[[], str] | None = None,
    ) -> Self:
        """Take everything but the key from the "Stream API URL" that the Coveo console shows for a source.

        Args:
            url: Such as ``https://api.cloud.coveo.com/push/v1/organizations/myorg/sources/src/stream/open``.
            api_key: The key that may push to the source.
            platform_key: A second, broader key for calls to the platform host.

        Raises:
            ConfigurationError: The URL is not a Stream API URL.
        """
        parts = urlsplit(url) if _is_plain_address(url) else None
        path = _STREAM_PATH.fullmatch(parts.path) if parts else None
        if parts is None or path is None:
            raise ConfigurationError(
                "the Stream API URL must look like "
                "https://api.cloud.coveo.com/push/v1/organizations/ORGANIZATION/sources/SOURCE/stream/open"
            )
        return cls(
            organization_id=unquote(path["organization"]),
            source_id=unquote(path["source"]),
            api_key=api_key,
            region=_region_of(parts.hostname or ""),
            api_url=f"{parts.scheme}://{parts.netloc}",
            platform_key=platform_key,
        )

    @classmethod
    def from_env(cls) -> Self:
        """Read the source from the environment.

        ``COVEO_ORGANIZATION_ID``, ``COVEO_SOURCE_ID`` and ``COVEO_API_KEY`` are required; ``COVEO_REGION``,
        ``COVEO_API_URL``, ``COVEO_PLATFORM_URL`` and ``COVEO_PLATFORM_KEY`` are not. The source remembers the names of
        the keys' variables, not their values, so it may be pickled.

        Raises:
            ConfigurationError: A required variable is missing or empty.
        """
        _required(os.environ, "COVEO_API_KEY")
        return cls(
            organization_id=_required(os.environ, "COVEO_ORGANIZATION_ID"),
            source_id=_required(os.environ, "COVEO_SOURCE_ID"),
            api_key=_KeyFromEnvironment("COVEO_API_KEY"),
            region=os.environ.get("COVEO_REGION") or "us",
            api_url=os.environ.get("COVEO_API_URL") or None,
            platform_url=os.environ.get("COVEO_PLATFORM_URL") or None,
            platform_key=_KeyFromEnvironment("COVEO_PLATFORM_KEY") if os.environ.get("COVEO_PLATFORM_KEY") else None,
        )

    @property
    def push_host(self) -> str:
        """The host that answers ``/push/v1``."""
        return self.api_url or _coveo_host("api", self.region)

    @property
    def platform_host(self) -> str:
        """The host that answers ``/rest``: beside a Coveo API host its platform, beside any other that host itself."""
        if self.platform_url:
            return self.platform_url
        return self.push_host if self.api_url and not _is_coveo_api(self.api_url) else _platform_beside(self.push_host)

    @property
    def search_host(self) -> str:
        """The host that answers searches."""
        return self.search_url or self.platform_host

    def read_api_key(self) -> str:
        """The key itself, for an Authorization header and nothing else.

        Raises:
            ConfigurationError: A callable returned something that is not a key.
        """
        return read_key("api_key", self.api_key)

    def read_platform_key(self) -> str:
        """The key for the platform host, for an Authorization header and nothing else.

        Raises:
            ConfigurationError: A callable returned something that is not a key.
        """
        return self.read_api_key() if self.platform_key is None else read_key("platform_key", self.platform_key)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., CoveoSource], tuple[dict[str, Any]]]:
        instead = "give a callable as api_key, or use CoveoSource.from_env()"
        refuse_to_pickle("CoveoSource", self.api_key, self.platform_key, instead=instead)
        return _rebuild, (attrs.asdict(self, recurse=False),)


def _rebuild(values: dict[str, Any]) -> CoveoSource:
    return CoveoSource(**values)


def _required(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "")
    if not value:
        raise ConfigurationError(f"the environment variable {variable} is missing or empty")
    return value


def _coveo_host(service: str, region: str) -> str:
    suffix = {"us": "", "hipaa": "hipaa"}.get(region, f"-{region}")
    return f"https://{service}{suffix}.cloud.coveo.com"


def _region_of(host: str) -> str:
    match = _COVEO_API_HOST.fullmatch(host)
    region = match and (match["region"] or match["deployment"])
    return region if region in _REGIONS else "us"


def _is_coveo_api(url: str) -> bool:
    return _COVEO_API_HOST.fullmatch(urlsplit(url).hostname or "") is not None


def _platform_beside(api_url: str) -> str:
    return api_url.replace("://api", "://platform", 1)
