"""What the environment of a machine says of proxies and certificates, and what it must not break."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import attrs
import pytest
from wires import OK, Host, Identity, Request, answering, forget_environment, read_request, resolve

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient, _http
from coveo_enrich._http import HttpSender
from coveo_enrich.errors import ConfigurationError, NoReply
from coveo_enrich.sandbox import CoveoSandbox

ODD = {
    "a proxy of a kind that needs more": {"ALL_PROXY": "socks5://127.0.0.1:9"},
    "a proxy that is no proxy": {"HTTPS_PROXY": "foo://x", "HTTP_PROXY": "foo://x"},
    "exceptions that cannot be understood": {"NO_PROXY": "*.a,[::1],fe80::/10", "HTTP_PROXY": "http://127.0.0.1:9"},
    "certificates that are not there": {"SSL_CERT_FILE": "/nonexistent/certificates.pem"},
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no proxy and no certificates."""
    forget_environment(monkeypatch)


@contextlib.contextmanager
def fresh_certificates() -> Generator[None]:
    """Certificates are read once a process; here, again, and afterwards too."""
    _http._ssl_context.cache_clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above
    yield
    _http._ssl_context.cache_clear()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above


@pytest.fixture(params=list(ODD.values()), ids=list(ODD))
def odd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An environment that cannot be used."""
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)
    with fresh_certificates():
        yield request.param


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


# Proxies and certificates, on the wire

KEY = {"Authorization": "Bearer xx-secret"}


@pytest.fixture
def sender() -> Iterator[HttpSender]:
    """A sender."""
    with contextlib.closing(HttpSender()) as one:
        yield one


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A certificate for a made-up host."""
    return Identity.made("coveo.test", tmp_path_factory.mktemp("identity"))


@attrs.frozen
class Tunnel:
    """A proxy that connects to a host what asks for it, and reads all that passes."""

    port: int
    asked: list[Request] = attrs.field(factory=list[Request])
    passed: list[bytes] = attrs.field(factory=list[bytes])

    def __call__(self, connection: socket.socket) -> None:
        """Talk to a connection."""
        request = read_request(connection)
        if request is None:
            return
        self.asked.append(request)
        with socket.create_connection(("127.0.0.1", self.port)) as onward:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=self._pass_on, args=(onward, connection))
            back.start()
            self._pass_on(connection, onward)
            back.join()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                self.passed.append(piece)
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)


def test_a_proxy_of_the_environment_is_used(sender: HttpSender, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the clear the proxy is asked for the whole URL, and its answer is the answer."""
    requests: list[Request] = []
    with Host(answering(requests)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        reply = sender.send("look", "POST", "http://coveo.test/push?a=b", headers=KEY, content=b"body")
    assert reply.body == b"ok"
    assert [(request.line, request.body) for request in requests] == [
        ("POST http://coveo.test/push?a=b HTTP/1.1", b"body")
    ]


@pytest.mark.parametrize("exceptions", ["coveo.test", "other.example,.test", "*"])
def test_what_no_proxy_names_is_asked_itself(
    sender: HttpSender, monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    """A host that NO_PROXY names is connected to, past the proxy."""
    requests: list[Request] = []
    resolve(monkeypatch, "coveo.test")
    with Host(answering(requests)) as host, Host(answering([])) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", exceptions)
        assert sender.send("look", "GET", f"http://coveo.test:{host.port}/push", headers={}).ok
        assert proxy.connections == []
    assert [request.line for request in requests] == ["GET /push HTTP/1.1"]


def test_a_proxy_carries_tls_without_reading_it(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 13: it is asked for a tunnel to the host, and of what passes it can read neither key, path nor body."""
    requests: list[Request] = []

    def talk(connection: socket.socket) -> None:
        with identity.serving(connection) as inside:
            answering(requests)(inside)

    with (
        Host(talk) as host,
        Host(tunnel := Tunnel(host.port)) as proxy,
        contextlib.closing(HttpSender(ca_bundle=identity.certificate, user_agent_suffix="acme/1")) as sender,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        url = "https://coveo.test/secret-path"
        assert sender.send("look", "POST", url, headers=KEY, content=b"secret-body").body == b"ok"
    assert [request.line for request in tunnel.asked] == ["CONNECT coveo.test:443 HTTP/1.1"]
    assert "authorization" not in tunnel.asked[0].headers
    assert b"secret" not in b"".join(tunnel.passed)
    assert [request.line for request in requests] == ["POST /secret-path HTTP/1.1"]
    assert [request.headers["authorization"] for request in requests] == ["Bearer xx-secret"]


def test_what_a_proxy_wants_to_know_stays_with_it(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 13: the password of a proxy goes to the proxy and not to the host behind it."""
    requests: list[Request] = []

    def talk(connection: socket.socket) -> None:
        with identity.serving(connection) as inside:
            answering(requests)(inside)

    with (
        Host(talk) as host,
        Host(tunnel := Tunnel(host.port)) as proxy,
        contextlib.closing(HttpSender(ca_bundle=identity.certificate)) as sender,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:password@"))
        assert sender.send("look", "GET", "https://coveo.test/", headers={}).ok
    assert tunnel.asked[0].headers["proxy-authorization"].startswith("Basic ")
    assert [name for name in requests[0].headers if "auth" in name] == []


def test_a_proxy_that_refuses_a_tunnel_is_no_reply(sender: HttpSender, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named for what it is, and the host was not reached."""
    with Host(answering([], OK.replace(b"200 OK", b"407 Who are you"))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(NoReply, match="407 Who are you") as caught:
            sender.send("look", "GET", "https://coveo.test/", headers=KEY)
    assert not caught.value.sent


@pytest.mark.parametrize("trusted", ["coveo.test", "another.test"])
def test_certificates_of_the_environment_are_used(
    sender: HttpSender, identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str
) -> None:
    """A host is talked to if SSL_CERT_FILE vouches for it, and only then."""
    requests: list[Request] = []

    def talk(connection: socket.socket) -> None:
        with identity.serving(connection) as inside:
            answering(requests)(inside)

    voucher = identity if trusted == identity.name else Identity.made(trusted, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(voucher.certificate))
    resolve(monkeypatch, "coveo.test")
    with Host(talk) as host, fresh_certificates(), contextlib.suppress(ConfigurationError):
        sender.send("look", "GET", f"https://coveo.test:{host.port}/", headers=KEY)
    assert len(requests) == (trusted == "coveo.test")
