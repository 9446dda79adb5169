"""The ways into the sandbox beside the class: the command, the pytest fixture, another host."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import attrs
import httpx
import pytest
from sandbox_caller import Caller, batch

from coveo_enrich.sandbox import CoveoSandbox

pytest_plugins = ["pytester"]

COMMAND = (sys.executable, "-m", "coveo_enrich.sandbox")
WITHOUT_THE_EXTRA = "import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None\n"


@attrs.frozen
class Served:
    """The command while it serves, and a client that knows only what it printed."""

    process: subprocess.Popen[str]
    printed: str
    environ: Mapping[str, str]
    http: httpx.Client

    def source(self, organization: str = "", source: str = "") -> str:
        """The path of a source under each API."""
        organization = organization or self.environ["COVEO_ORGANIZATION_ID"]
        return f"organizations/{organization}/sources/{source or self.environ['COVEO_SOURCE_ID']}"

    def headers(self, key: str = "") -> dict[str, str]:
        """What Coveo wants on each call."""
        return {"Authorization": f"Bearer {key or self.environ['COVEO_API_KEY']}", "Content-Type": "application/json"}

    def open(self, source: str, key: str = "") -> httpx.Response:
        """Open a stream."""
        return self.http.post(f"/push/v1/{source}/stream/open", headers=self.headers(key))

    def load(self, source: str, key: str = "") -> None:
        """Make a source one item."""
        opened = self.open(source, key).raise_for_status().json()
        body = batch({"documentId": "product://1", "ec_name": "Kayak"})
        self.http.put(opened["uploadUri"], headers=opened["requiredHeaders"], content=body).raise_for_status()
        close = f"/push/v1/{source}/stream/{opened['streamId']}/close"
        self.http.post(close, headers=self.headers(key)).raise_for_status()

    def count(self, source: str, key: str = "") -> int:
        """Items in a source."""
        answer = self.http.get(f"/rest/{source}", headers=self.headers(key)).raise_for_status().json()
        number: int = answer["information"]["numberOfDocuments"]
        return number

    def end(self, sent: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal: the exit code, and what stands in the error output."""
        self.process.send_signal(sent)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@contextlib.contextmanager
def serving(*options: str | Path) -> Generator[Served]:
    """Run the command on a free port, from the moment at which it says that it is ready."""
    command = [*COMMAND, "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            printed = "".join(_lines_until_ready(process))
            settings = (line.split()[1].partition("=") for line in printed.splitlines() if line.startswith("    "))
            environ = {name: value for name, _, value in settings}
            with httpx.Client(base_url=environ["COVEO_API_URL"], trust_env=False, timeout=30) as http:
                yield Served(process, printed, environ, http)
        finally:
            process.terminate()


def _lines_until_ready(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stdout or ():
        yield line
        if line.startswith("Ready"):
            return


def run(*options: str | Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    program = f"{before}import runpy\nrunpy.run_module('coveo_enrich.sandbox', run_name='__main__', alter_sys=True)"
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, *options], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_end(sent: signal.Signals) -> None:
    """The command prints where it listens and what to set, and ends with 0 at Ctrl-C, clients or not."""
    with serving() as served:
        url = served.environ["COVEO_API_URL"]
        assert url in served.printed.splitlines()[0]
        assert served.open(served.source()).status_code == 201
        assert served.end(sent) == (0, "")
        with pytest.raises(httpx.ConnectError):
            served.http.get("/")


def test_the_command_prints_what_a_client_needs() -> None:
    """The command prints the names that CoveoSource.from_env reads, as commands for a shell."""
    with CoveoSandbox() as sandbox, serving() as served:
        assert set(served.environ) == set(sandbox.environ())
        assert all(served.environ.values())
        assert "any organization, source and API key" in served.printed


def test_the_command_accepts_any_organization_source_and_key() -> None:
    """The command makes any source on first use, and none sees another's items; it prints one of them."""
    with serving() as served:
        first, second = served.source("acme", "kayaks"), served.source("acme", "paddles")
        served.load(first, key="one")
        assert served.count(first, key="another") == 1
        assert served.open(second, key="one").status_code == 201
        assert served.count(second, key="one") == 0
        assert served.open(served.source()).status_code == 201


def test_the_command_can_be_restricted() -> None:
    """With --restricted one organization, one source and one key are served."""
    with serving("--restricted") as served:
        assert "one organization, source and API key" in served.printed
        assert served.open(served.source()).status_code == 201
        assert served.open(served.source(), key="another").status_code == 401
        assert served.open(served.source("acme")).status_code == 404
        assert served.open(served.source(source="kayaks")).status_code == 412


def test_the_command_keeps_what_it_holds_in_a_file(tmp_path: Path) -> None:
    """With --data the fields and items are there again after a restart."""
    file = tmp_path / "sandbox.sqlite"
    with serving("--data", file) as served:
        assert str(file) in served.printed
        source = served.source("acme", "kayaks")
        fields = "/rest/organizations/acme/indexes/fields"
        served.http.post(fields, headers=served.headers(), json={"name": "kayak_type", "type": "STRING"})
        served.load(source)
        assert served.count(source) == 1
        assert served.end() == (0, "")
    with serving("--data", file) as served:
        assert served.count(source) == 1
        assert served.http.get(f"{fields}/kayak_type", headers=served.headers()).status_code == 200


def test_a_taken_port_is_a_message() -> None:
    """A taken port is named in a message with what to do, without a traceback."""
    with CoveoSandbox() as sandbox:
        port = httpx.URL(sandbox.url).port
        done = run("--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: port {port} of 127.0.0.1 is taken: name another one with --port\n"


def test_a_missing_extra_is_a_message() -> None:
    """A missing extra is named in a message, without a traceback."""
    done = run("--port", "0", before=WITHOUT_THE_EXTRA)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert "pip install 'coveo-enrich[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [None, b"no database, and much too long to be the head of one" * 100])
def test_a_file_that_cannot_hold_the_data_is_a_message(tmp_path: Path, content: bytes | None) -> None:
    """A folder, or a file that is something else, is named, without a traceback, and stays as it is."""
    path = tmp_path / "data"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    done = run("--port", "0", "--data", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr
    assert content is None or path.read_bytes() == content


@pytest.mark.parametrize("options", [["--port", "65536"], ["--port", "x"], ["--port", "-1"], ["--sources"]])
def test_options_that_cannot_be_are_explained(options: list[str]) -> None:
    """Wrong options end the command with its usage and the usual exit code."""
    done = run(*options)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m coveo_enrich.sandbox")


def test_a_host_that_does_not_exist_is_a_message() -> None:
    """A host that is not this machine's is an error without a traceback, after the warning."""
    done = run("--port", "0", "--host", "192.0.2.1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: " in done.stderr
    assert "no protection" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_the_loopback_interface_brings_no_warning(host: str) -> None:
    """A sandbox on the loopback interface warns of nothing: a warning would raise here."""
    CoveoSandbox(host=host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])  # noqa: S104 - that is the point
def test_another_host_brings_a_warning(host: str) -> None:
    """Another host brings a warning at the line that names it: nothing is protected."""
    with pytest.warns(RuntimeWarning, match="no protection") as warned:
        CoveoSandbox(host=host)
    assert warned[0].filename == __file__


def test_a_sandbox_on_every_address_can_be_used() -> None:
    """A sandbox on every address works by its own URL; upload URLs name the host by which it was called."""
    with pytest.warns(RuntimeWarning, match="no protection"):
        sandbox = CoveoSandbox(host="0.0.0.0")  # noqa: S104 - that is the point
    with sandbox, httpx.Client(trust_env=False) as http:
        coveo = Caller(sandbox, http)
        port = httpx.URL(sandbox.url).port
        assert sandbox.url == f"http://127.0.0.1:{port}"
        with httpx.Client(trust_env=False, base_url=f"http://127.0.0.2:{port}") as elsewhere:
            opened = elsewhere.post(f"{coveo.stream_path}/open", headers=coveo.headers).json()
            assert httpx.URL(opened["uploadUri"]).host == "127.0.0.2"
            assert Caller(sandbox, elsewhere).upload(opened, batch({"documentId": "product://1"})).status_code == 200


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_the_other_loopback_address_can_be_used() -> None:
    """On the IPv6 loopback address the sandbox's URL and the upload URLs work."""
    try:
        sandbox = CoveoSandbox(host="::1").start()
    except OSError as error:
        pytest.skip(f"there is no IPv6 here: {error}")
    try:
        with httpx.Client(trust_env=False, base_url=sandbox.url) as http:
            Caller(sandbox, http).load(batch({"documentId": "product://1"}))
            assert len(sandbox.items()) == 1
    finally:
        sandbox.stop()


FIXTURE_TEST = """
    import urllib.request

    def test_it_runs(coveo_sandbox):
        assert coveo_sandbox.items() == []
        coveo_sandbox.create_field("kayak_type")
        with urllib.request.urlopen(coveo_sandbox.url) as answer:
            assert answer.status == 200

    def test_it_is_new_in_each_test(coveo_sandbox):
        coveo_sandbox.create_field("kayak_type")

    def test_without_it():
        pass
"""


def test_pytest_finds_the_fixture(pytester: pytest.Pytester) -> None:
    """Where the package is installed, pytest has `coveo_sandbox`, one for each test."""
    pytester.makepyfile(FIXTURE_TEST)
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)


def test_the_fixture_names_the_extra_that_is_missing(pytester: pytest.Pytester) -> None:
    """Without Starlette and uvicorn only a test that asks for the fixture fails, and says what to install."""
    pytester.makeconftest(WITHOUT_THE_EXTRA)
    pytester.makepyfile(FIXTURE_TEST)
    done = pytester.runpytest_subprocess("-W", "error")
    done.assert_outcomes(passed=1, errors=2)
    done.stdout.fnmatch_lines(["*pip install 'coveo-enrich*sandbox*'*"])


def test_the_plugin_costs_nothing() -> None:
    """The plugin that pytest imports at every start loads nothing else of the package but its top."""
    program = "import json, sys, coveo_enrich.pytest_plugin; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    modules: list[str] = json.loads(done.stdout)
    ours = {name for name in modules if name.split(".")[0] == "coveo_enrich"}
    assert ours == {"coveo_enrich", "coveo_enrich.pytest_plugin"}
    assert not {"attrs", "httpx", "starlette", "uvicorn", "sqlite3"} & set(modules)
