"""What the environment of a machine says of proxies and certificates, and what it must not break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient, _http
from coveo_enrich.errors import ConfigurationError
from coveo_enrich.sandbox import CoveoSandbox

ODD = {
    "a proxy of a kind that needs more": {"ALL_PROXY": "socks5://127.0.0.1:9"},
    "a proxy that is no proxy": {"HTTPS_PROXY": "foo://x", "HTTP_PROXY": "foo://x"},
    "exceptions that cannot be understood": {"NO_PROXY": "*.a,[::1],fe80::/10", "HTTP_PROXY": "http://127.0.0.1:9"},
    "certificates that are not there": {"SSL_CERT_FILE": "/nonexistent/certificates.pem"},
}


@pytest.fixture(params=list(ODD.values()), ids=list(ODD))
def odd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An environment that cannot be used."""
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)
    _http._ssl_context.cache_clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # read once a process
    yield request.param
    _http._ssl_context.cache_clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above


def test_what_stays_on_this_machine_works_whatever_the_environment(odd: dict[str, str], client: StreamClient) -> None:
    """A load into the sandbox needs no proxy and no certificate, so none can break it."""
    assert odd
    assert client.load([{"documentId": "product://1"}]).items == 1


def test_an_environment_that_cannot_be_used_is_named(odd: dict[str, str]) -> None:
    """Law 12: outside of this machine it is a configuration error that names the variables, before anything is sent."""
    source = CoveoSource(organization_id="o", source_id="s", api_key="k", api_url="https://coveo.invalid")
    with (
        StreamClient(source, retry=RetryPolicy(attempts=1)) as client,
        pytest.raises(ConfigurationError, match="|".join(odd)),
    ):
        client.load([{"documentId": "product://1"}])


def test_a_client_pickles_before_and_after_its_first_use(sandbox: CoveoSandbox) -> None:
    """Law 14: a client whose source may travel travels itself, without its connections."""
    import pickle  # noqa: PLC0415 - for this test alone

    source = CoveoSource(**{**sandbox.connection, "api_key": _Key(sandbox.connection["api_key"])})  # type: ignore[arg-type]
    with StreamClient(source) as client:
        client.load([{"documentId": "product://1"}])
        with pickle.loads(pickle.dumps(client)) as arrived:  # noqa: S301 - our own bytes
            assert arrived.load([{"documentId": "product://1"}]).items == 1


class _Key:
    """A key that a callable holds."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self) -> str:
        return self.key
