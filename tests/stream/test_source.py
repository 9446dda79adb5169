"""Where items go: hosts, keys, and what a source shows of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import attrs
import pytest

from coveo_enrich import CoveoSource
from coveo_enrich.errors import ConfigurationError

KEY = "xx-recognisable-7f3a9c"
REGIONS = [
    ("us", "https://api.cloud.coveo.com", "https://platform.cloud.coveo.com"),
    ("ca", "https://api-ca.cloud.coveo.com", "https://platform-ca.cloud.coveo.com"),
    ("eu", "https://api-eu.cloud.coveo.com", "https://platform-eu.cloud.coveo.com"),
    ("au", "https://api-au.cloud.coveo.com", "https://platform-au.cloud.coveo.com"),
    ("hipaa", "https://apihipaa.cloud.coveo.com", "https://platformhipaa.cloud.coveo.com"),
]
INTERNAL = [
    ("", "https://apidev.cloud.coveo.com", "https://platformdev.cloud.coveo.com"),
    ("", "https://apistg-eu.cloud.coveo.com", "https://platformstg-eu.cloud.coveo.com"),
]


def _source(
    *,
    api_key: str | Callable[[], str] = KEY,
    platform_key: str | Callable[[], str] | None = None,
    region: str = "us",
    **hosts: str,
) -> CoveoSource:
    return CoveoSource(
        organization_id="myorg", source_id="src", api_key=api_key, platform_key=platform_key, region=region, **hosts
    )


def a_key() -> str:
    """A key out of a vault, say; at module level, so that it pickles."""
    return KEY


@pytest.mark.parametrize(("region", "api", "platform"), REGIONS)
def test_a_region_names_its_hosts(region: str, api: str, platform: str) -> None:
    """Coveo's own host names, for each region that it documents."""
    source = _source(region=region)
    assert (source.push_host, source.platform_host, source.search_host) == (api, platform, platform)


@pytest.mark.parametrize("region", ["", "US", "usa", "eu-west-1", "dev"])
def test_an_unknown_region_is_refused(region: str) -> None:
    """The refusal lists the regions."""
    with pytest.raises(ConfigurationError, match="us, ca, eu, au, hipaa"):
        _source(region=region)


@pytest.mark.parametrize(("region", "api", "platform"), [*REGIONS, *INTERNAL])
@pytest.mark.parametrize("end", ["/stream/open", "/stream/open/", "/stream", "", "/"])
def test_the_console_url_is_enough(region: str, api: str, platform: str, end: str) -> None:
    """Organization, source and hosts follow from the "Stream API URL", with or without its end."""
    url = f"{api}/push/v1/organizations/myorg/sources/myorg-abc123{end}"
    source = CoveoSource.from_stream_url(url, api_key=KEY)
    assert (source.organization_id, source.source_id) == ("myorg", "myorg-abc123")
    assert (source.push_host, source.platform_host) == (api, platform), region


def test_the_console_url_is_decoded() -> None:
    """Percent-encoding in the URL is undone, as it is done again for each request."""
    url = "https://api.cloud.coveo.com/push/v1/organizations/my%20org/sources/a%2Fb%C3%A9/stream/open"
    source = CoveoSource.from_stream_url(url, api_key=KEY)
    assert (source.organization_id, source.source_id) == ("my org", "a/bé")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "myorg",
        "api.cloud.coveo.com/push/v1/organizations/o/sources/s/stream/open",
        "ftp://api.cloud.coveo.com/push/v1/organizations/o/sources/s/stream/open",
        "https:///push/v1/organizations/o/sources/s/stream/open",
        "https://api.cloud.coveo.com",
        "https://api.cloud.coveo.com/push/v1/organizations/o/sources//stream/open",
        "https://api.cloud.coveo.com/push/v1/organizations/o/sources/s/documents",
        "https://api.cloud.coveo.com/push/v1/organizations/o/sources/s/stream/open/more",
        "https://api.cloud.coveo.com/push/v1/organizations/%20/sources/s/stream/open",
        "https://platform.cloud.coveo.com/admin/#/myorg/content/sources/",
        "https://user:pass-9d8f@api.cloud.coveo.com/push/v1/organizations/o/sources/s/stream/open",
        "https://[::1/push/v1/organizations/o/sources/s/stream/open",
        "https://host:port/push/v1/organizations/o/sources/s/stream/open",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    """What is not a Stream API URL is a configuration error, which repeats neither password nor key."""
    with pytest.raises(ConfigurationError) as caught:
        CoveoSource.from_stream_url(url, api_key=KEY)
    assert "pass-9d8f" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("name", ["api_url", "platform_url", "search_url"])
def test_every_host_is_checked(name: str) -> None:
    """The refusal names the one that is wrong."""
    with pytest.raises(ConfigurationError, match=name):
        CoveoSource(organization_id="myorg", source_id="src", api_key=KEY, **{name: "localhost"})


@pytest.mark.parametrize(
    "value",
    [
        "",
        "localhost",
        "localhost:8011",
        "ftp://host",
        "file:///etc",
        "https://",
        "https://user:pw-1c2d@host",
        "https://:pw-1c2d@host",
        "https://host?token=pw-1c2d",
        "https://host#pw-1c2d",
        "http://[::1",
        "http://host:port",
        "http://host:99999",
        "http://ho st",
        "http://127.0.0.1:8011\n",
    ],
)
def test_a_host_is_an_address_without_secrets(value: str) -> None:
    """Law 13: what no request can go to, or what carries credentials, is refused and not repeated."""
    with pytest.raises(ConfigurationError, match="api_url") as caught:
        _source(api_url=value)
    assert "pw-1c2d" not in str(caught.value)


def test_slashes_at_the_end_of_a_host_are_no_matter() -> None:
    """A host with a slash is the same host."""
    source = _source(api_url="http://127.0.0.1:8011/", platform_url="http://127.0.0.1:8012//")
    assert (source.push_host, source.platform_host) == ("http://127.0.0.1:8011", "http://127.0.0.1:8012")


def test_the_platform_stands_beside_the_api() -> None:
    """Law 13: beside a host of one's own the platform is that same host, so that the key goes nowhere else."""
    assert _source(api_url="http://127.0.0.1:8011").platform_host == "http://127.0.0.1:8011"
    assert _source(api_url="https://api.internal.example").platform_host == "https://api.internal.example"
    assert _source(api_url="https://api.cloud.coveo.com.evil.example").platform_host == (
        "https://api.cloud.coveo.com.evil.example"
    )
    assert _source(api_url="https://api-eu.cloud.coveo.com").platform_host == "https://platform-eu.cloud.coveo.com"
    assert _source(api_url="http://a.example", platform_url="http://b.example").platform_host == "http://b.example"


def test_the_search_host_may_be_another() -> None:
    """Searches go to the platform unless a host is given."""
    assert _source(search_url="https://myorg.org.coveo.com").search_host == "https://myorg.org.coveo.com"
    assert _source(platform_url="http://b.example").search_host == "http://b.example"


@pytest.mark.parametrize("name", ["organization_id", "source_id"])
@pytest.mark.parametrize("value", ["", " ", "a ", " a", "\t", None, 3])
def test_ids_are_text(name: str, value: object) -> None:
    """An id that is blank, or has blanks around it, is refused by name."""
    values = {"organization_id": "myorg", "source_id": "src", "api_key": KEY, name: value}
    with pytest.raises(ConfigurationError, match=name):
        CoveoSource(**values)  # type: ignore[arg-type] # that is the test


BAD_KEYS = [
    "",
    " ",
    f"{KEY}\n",
    f"{KEY}\r\nX-Evil: 1",
    f" {KEY}",
    f"{KEY} {KEY}",
    f"{KEY}é",
    f"{KEY}\x00",
    f"{KEY}\x7f",
]


@pytest.mark.parametrize("name", ["api_key", "platform_key"])
@pytest.mark.parametrize("key", [*BAD_KEYS, KEY.encode(), 42])
def test_a_key_that_cannot_be_sent_is_refused_unseen(name: str, key: object) -> None:
    """Law 13: line ends, blanks and accents cannot stand in a header; the refusal names the argument, not the key."""
    values = {"organization_id": "myorg", "source_id": "src", "api_key": KEY, name: key}
    with pytest.raises(ConfigurationError, match=name) as caught:
        CoveoSource(**values)  # type: ignore[arg-type] # that is the test
    assert KEY not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("key", [*BAD_KEYS, None, KEY.encode()])
def test_a_callable_that_returns_no_key_is_refused_unseen(key: object) -> None:
    """Law 13: the same holds for what a callable returns, at the moment it is asked."""
    source = _source(api_key=lambda: key, platform_key=lambda: key)  # type: ignore[arg-type,return-value] # the test
    for read in (source.read_api_key, source.read_platform_key):
        with pytest.raises(ConfigurationError) as caught:
            read()
        assert KEY not in f"{caught.value!r} {caught.value}"


def test_a_callable_is_asked_each_time() -> None:
    """A key that changes while a program runs is taken up."""
    keys = iter(["first", "second"])
    source = _source(api_key=lambda: next(keys))
    assert [source.read_api_key(), source.read_api_key()] == ["first", "second"]


def test_the_platform_key_is_the_api_key_unless_given() -> None:
    """A second key is for the platform host alone."""
    assert _source().read_platform_key() == KEY
    both = _source(platform_key="xx-broad")
    assert (both.read_api_key(), both.read_platform_key()) == (KEY, "xx-broad")


def test_a_source_shows_no_key() -> None:
    """Law 13: neither repr nor text of a source holds a key."""
    source = _source(platform_key="xx-broad-key")
    for shown in (repr(source), str(source), f"{source}", f"{[source]}"):
        assert KEY not in shown
        assert "xx-broad-key" not in shown
        assert "myorg" in shown


@pytest.mark.parametrize("platform_key", [None, KEY, a_key])
def test_a_source_with_its_key_as_text_does_not_pickle(platform_key: str | Callable[[], str] | None) -> None:
    """Law 13: the refusal names the ways that work, and not the key."""
    with pytest.raises(ConfigurationError, match=r"callable.*CoveoSource\.from_env\(\)") as caught:
        pickle.dumps(_source(platform_key=platform_key))
    assert KEY not in str(caught.value)


def test_a_platform_key_as_text_does_not_pickle_either() -> None:
    """Law 13: one key as text is enough."""
    with pytest.raises(ConfigurationError):
        pickle.dumps(_source(api_key=a_key, platform_key=KEY))


def test_a_source_with_callables_pickles() -> None:
    """Law 14: it arrives equal, and the pickle holds the callable's name and no key."""
    source = _source(api_key=a_key, platform_key=a_key, region="eu", search_url="https://myorg.org.coveo.com")
    travelling = pickle.dumps(source)
    assert KEY.encode() not in travelling
    assert pickle.loads(travelling) == source  # noqa: S301 - our own bytes


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a program that names its source in it."""
    for name in ("REGION", "API_URL", "PLATFORM_URL", "PLATFORM_KEY"):
        monkeypatch.delenv(f"COVEO_{name}", raising=False)
    monkeypatch.setenv("COVEO_ORGANIZATION_ID", "myorg")
    monkeypatch.setenv("COVEO_SOURCE_ID", "src")
    monkeypatch.setenv("COVEO_API_KEY", KEY)
    return monkeypatch


def test_the_environment_is_enough(environment: pytest.MonkeyPatch) -> None:
    """Three variables are needed; the others move the hosts."""
    source = CoveoSource.from_env()
    assert (source.organization_id, source.source_id, source.read_api_key()) == ("myorg", "src", KEY)
    assert source.push_host == "https://api.cloud.coveo.com"
    environment.setenv("COVEO_REGION", "eu")
    assert CoveoSource.from_env().platform_host == "https://platform-eu.cloud.coveo.com"
    environment.setenv("COVEO_API_URL", "http://127.0.0.1:8011")
    environment.setenv("COVEO_PLATFORM_URL", "http://127.0.0.1:8012")
    hosts = CoveoSource.from_env()
    assert (hosts.push_host, hosts.platform_host) == ("http://127.0.0.1:8011", "http://127.0.0.1:8012")


def test_a_second_key_may_be_in_the_environment(environment: pytest.MonkeyPatch) -> None:
    """COVEO_PLATFORM_KEY is for the platform host alone, and stays in the environment too; empty, there is none."""
    assert CoveoSource.from_env().read_platform_key() == KEY
    environment.setenv("COVEO_PLATFORM_KEY", "")
    assert CoveoSource.from_env().read_platform_key() == KEY
    environment.setenv("COVEO_PLATFORM_KEY", "xx-second")
    source = pickle.loads(pickle.dumps(CoveoSource.from_env()))  # noqa: S301 - pickled here
    assert (source.read_api_key(), source.read_platform_key()) == (KEY, "xx-second")
    assert "xx-second" not in repr(source)


@pytest.mark.parametrize("variable", ["COVEO_ORGANIZATION_ID", "COVEO_SOURCE_ID", "COVEO_API_KEY"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, variable: str, value: str | None) -> None:
    """Missing or empty: the error names the variable and shows no other one's value."""
    if value is None:
        environment.delenv(variable)
    else:
        environment.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        CoveoSource.from_env()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("variable", ["COVEO_REGION", "COVEO_API_URL", "COVEO_PLATFORM_URL"])
def test_an_empty_optional_variable_is_as_none(environment: pytest.MonkeyPatch, variable: str) -> None:
    """A variable that a build system sets to nothing changes nothing."""
    environment.setenv(variable, "")
    assert CoveoSource.from_env().platform_host == "https://platform.cloud.coveo.com"


@pytest.mark.usefixtures("environment")
def test_the_environments_key_stays_there() -> None:
    """Laws 13 and 14: the source keeps the variable's name, so it pickles, and no output holds the key."""
    source = CoveoSource.from_env()
    travelling = pickle.dumps(source)
    assert KEY.encode() not in travelling
    assert b"COVEO_API_KEY" in travelling
    for shown in (repr(source), repr(attrs.asdict(source)), repr(source.api_key)):
        assert KEY not in shown
    assert pickle.loads(travelling).read_api_key() == KEY  # noqa: S301 - our own bytes


def test_the_environment_is_read_where_the_key_is_needed(environment: pytest.MonkeyPatch) -> None:
    """Law 14: in another process the key comes from that process's environment, or its absence is named."""
    source = CoveoSource.from_env()
    environment.setenv("COVEO_API_KEY", "xx-renewed")
    assert source.read_api_key() == "xx-renewed"
    environment.delenv("COVEO_API_KEY")
    with pytest.raises(ConfigurationError, match="COVEO_API_KEY"):
        source.read_api_key()


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, attrs.evolve])
@pytest.mark.parametrize("api_key", [KEY, a_key])
def test_a_source_can_be_copied(
    duplicate: Callable[[CoveoSource], CoveoSource], api_key: str | Callable[[], str]
) -> None:
    """A copy within the process is no pickle: it equals the source, key included."""
    source = _source(api_key=api_key)
    assert duplicate(source) == source
    assert duplicate(source).read_api_key() == KEY


def test_a_source_can_be_changed_into_another() -> None:
    """attrs.evolve makes a source beside this one, checked as a new one is."""
    assert attrs.evolve(_source(), source_id="other").source_id == "other"
    with pytest.raises(ConfigurationError):
        attrs.evolve(_source(), region="mars")


def test_a_source_cannot_be_changed_in_place() -> None:
    """It is a value."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        _source().region = "eu"  # type: ignore[misc] # that is the test
