"""The sandbox as a process citizen: what it takes when it starts, and that it gives everything back."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import httpx
import pytest
from sandbox_caller import Caller, batch

from coveo_enrich.sandbox import CoveoSandbox


def _sandbox_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("coveo-sandbox")]


def _address(url: str) -> tuple[str, int]:
    parts = httpx.URL(url)
    assert parts.port is not None
    return parts.host, parts.port


def test_nothing_is_left_when_the_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the block there is no thread, no listening socket and no file, though a client still has a connection."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with httpx.Client(trust_env=False) as http:
        with CoveoSandbox() as sandbox:
            address = _address(sandbox.url)
            assert http.get(sandbox.url).status_code == 200
            assert list(tmp_path.iterdir())
            assert _sandbox_threads()
        assert not list(tmp_path.iterdir())
        assert not _sandbox_threads()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_nothing_is_left_when_the_block_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the block comes out as it is, and the sandbox is gone all the same."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError), CoveoSandbox():
        _ = 1 / 0
    assert not list(tmp_path.iterdir())
    assert not _sandbox_threads()


def test_an_upload_under_way_does_not_keep_the_sandbox_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving the block cuts a client off that has sent only half of what it announced."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Caller.running() as coveo:
        uri = httpx.URL(coveo.open()["uploadUri"])
        connection = socket.create_connection(coveo.address, timeout=30)
        head = [
            f"PUT {uri.raw_path.decode()} HTTP/1.1",
            f"Host: {coveo.host}",
            "x-amz-server-side-encryption: AES256",
            "Content-Type: application/octet-stream",
            "Content-Length: 1000",
        ]
        connection.sendall("\r\n".join([*head, "", "half"]).encode())
    with connection:
        assert not list(tmp_path.iterdir())
        assert not _sandbox_threads()


def test_start_and_stop_without_a_block() -> None:
    """A notebook starts and stops it by hand, more than once; it is empty after every start."""
    sandbox = CoveoSandbox()
    assert sandbox.start() is sandbox
    sandbox.create_field("kayak_type")
    with pytest.raises(RuntimeError, match="running already"):
        sandbox.start()
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(RuntimeError, match="not running"):
        sandbox.items()
    with sandbox:
        sandbox.create_field("kayak_type")
        assert sandbox.requests() == []


def test_it_starts_within_a_running_event_loop() -> None:
    """A notebook cell runs inside an event loop: the sandbox does not mind."""

    async def cell() -> int:
        with CoveoSandbox() as sandbox:
            async with httpx.AsyncClient(trust_env=False) as http:
                return (await http.get(sandbox.url)).status_code

    assert asyncio.run(cell()) == 200


def test_a_named_port_is_used_and_a_taken_one_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port can be named; when it is taken, that is an error, and nothing is left behind."""
    with CoveoSandbox() as sandbox:
        port = _address(sandbox.url)[1]
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with pytest.raises(OSError, match=r"[Aa]ddress"):
            CoveoSandbox(port=port).start()
        assert not list(tmp_path.iterdir())
    with CoveoSandbox(port=port) as sandbox:
        assert sandbox.url == f"http://127.0.0.1:{port}"


def test_only_loopback_is_listened_on() -> None:
    """Another address of this machine, even another loopback one, is not answered."""
    with CoveoSandbox() as sandbox:
        host, port = _address(sandbox.url)
        assert host == "127.0.0.1"
        with pytest.raises(OSError, match=r"refused|reach|assign|timed"):
            socket.create_connection(("127.0.0.2", port), timeout=5)


def test_signals_and_logging_of_the_host_stay_as_they_are() -> None:
    """The server installs no signal handler and changes no logger."""

    def state() -> list[object]:
        loggers = [logging.getLogger(name) for name in ("", "uvicorn", "uvicorn.error", "uvicorn.access")]
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        return [handlers, *((log.level, log.handlers[:], log.propagate, log.disabled) for log in loggers)]

    before = state()
    with Caller.running() as coveo:
        coveo.open()
        assert state() == before
    assert state() == before


def test_the_connection_and_the_environment_say_the_same() -> None:
    """Both point a client at the sandbox, with plain texts."""
    with CoveoSandbox() as sandbox:
        connection = sandbox.connection
        assert connection["api_url"] == connection["platform_url"] == sandbox.url
        assert sandbox.environ() == {
            "COVEO_ORGANIZATION_ID": connection["organization_id"],
            "COVEO_SOURCE_ID": connection["source_id"],
            "COVEO_API_KEY": connection["api_key"],
            "COVEO_API_URL": sandbox.url,
            "COVEO_PLATFORM_URL": sandbox.url,
        }


def test_two_sandboxes_do_not_know_each_other() -> None:
    """Sandboxes run side by side, each with its own key and items."""
    with Caller.running() as one, Caller.running() as other:
        one.load(batch({"documentId": "product://1"}))
        assert one.document_ids() == ["product://1"]
        assert other.document_ids() == []
        assert other.http.post(f"{other.stream_path}/open", headers=one.headers).status_code == 401


def test_without_the_extra_the_class_can_be_named_and_starting_says_what_to_install() -> None:
    """Importing needs neither Starlette nor uvicorn; starting without them names the extra."""
    program = (
        "import sys\n"
        "sys.modules['starlette'] = sys.modules['uvicorn'] = None\n"
        "from coveo_enrich.sandbox import CoveoSandbox\n"
        "try:\n"
        "    CoveoSandbox().start()\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert "pip install 'coveo-enrich[sandbox]'" in done.stdout
