"""A bare sink in a process of its own: takes what a client of the Stream API sends, and costs next to nothing.

    python benchmarks/sending/sink.py --call-delay 0.2 --put-delay 1 --bytes-per-second 50000000

It prints its address, serves until its standard input ends, and prints what it counted. It does not look at the items,
keeps nothing, and answers every call with success; a Coveo that behaves is `coveo_enrich.sandbox`.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import socket
import subprocess
import sys
import threading
from time import perf_counter, sleep
from typing import Any, Final

import attrs

__all__ = ["Link", "RunningSink", "Tally"]

_HEAD_END: Final = b"\r\n\r\n"
_LONGEST_HEAD: Final = 16_384
_PIECE: Final = 1 << 20
_LATENESS: Final = 0.05  # seconds of the link that may be made up for, so that a late wake-up does not slow it down
_CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_UPLOAD: Final = "/upload/"


@attrs.frozen
class Link:
    """What stands between a client and the sink.

    Attributes:
        call_delay: Seconds before the answer to a call.
        put_delay: Seconds before the answer to the upload of a chunk.
        bytes_per_second: How fast chunks come in, all uploads together; 0 for as fast as they can.
    """

    call_delay: float = 0.0
    put_delay: float = 0.0
    bytes_per_second: float = 0.0


@attrs.define
class Tally:
    """What came in.

    Attributes:
        calls: Requests to Coveo.
        puts: Chunks that arrived whole, which Coveo's storage takes and Coveo does not count.
        put_bytes: Bytes of them.
        faults: Requests that did not arrive whole, or that Coveo would not know.
        most_puts_at_once: The most uploads that were under way at one time.
        seconds: From the first request to the answer to the last.
        put_seconds: From the first byte of a chunk to the last.
        cpu_seconds: User and system time of the sink, without its start.
    """

    calls: int = 0
    puts: int = 0
    put_bytes: int = 0
    faults: int = 0
    most_puts_at_once: int = 0
    seconds: float = 0.0
    put_seconds: float = 0.0
    cpu_seconds: float = 0.0


class RunningSink:
    """A sink in a process of its own."""

    def __init__(self, link: Link) -> None:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in attrs.asdict(link).items()]
        self._process = subprocess.Popen(  # noqa: S603 - this very file
            [sys.executable, __file__, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = next(iter(self._process.stdout or ())).strip()

    def stop(self) -> Tally:
        """End it, and return what it counted."""
        output, _ = self._process.communicate()
        return Tally(**json.loads(output))


@attrs.frozen
class _Request:
    method: str
    path: str
    length: int
    received: int  # bytes of the body that came with the head


class _Torn(Exception):
    """A connection ended in the middle of a request."""


class _Sink:
    """Serves each connection in a thread of its own; the lock is taken per request, and per piece on a slow link."""

    def __init__(self, link: Link) -> None:
        self.tally = Tally()
        self._link = link
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._puts_under_way = 0
        self._first_request = self._first_put = 0.0
        self._link_is_free = 0.0

    def accept(self) -> None:
        """Serve whoever comes."""
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = memoryview(bytearray(_PIECE))
        with connection:
            try:
                while request := _read_head(connection, buffer):
                    self._take(connection, request, buffer)
            except (_Torn, ConnectionError):
                with self._lock:
                    self.tally.faults += 1

    def _take(self, connection: socket.socket, request: _Request, buffer: memoryview) -> None:
        started = perf_counter()
        is_put = request.path.startswith(_UPLOAD)
        with self._lock:
            self._first_request = self._first_request or started
            if is_put:
                self._begin_put(started)
        self._swallow(connection, request, buffer, is_put=is_put)
        if is_put:
            self._end_put(request.length)
        sleep(self._link.put_delay if is_put else self._link.call_delay)
        status, body = (200, b"") if is_put else self._answer(request)
        with self._lock:
            self._puts_under_way -= is_put
            self.tally.seconds = perf_counter() - self._first_request
        connection.sendall(b"HTTP/1.1 %d \r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))

    def _begin_put(self, now: float) -> None:
        if not self._first_put:
            self._first_put = self._link_is_free = now
        self._puts_under_way += 1
        self.tally.most_puts_at_once = max(self.tally.most_puts_at_once, self._puts_under_way)

    def _end_put(self, length: int) -> None:
        with self._lock:
            self.tally.puts += 1
            self.tally.put_bytes += length
            self.tally.put_seconds = perf_counter() - self._first_put

    def _swallow(self, connection: socket.socket, request: _Request, buffer: memoryview, *, is_put: bool) -> None:
        is_slow = is_put and self._link.bytes_per_second > 0
        most = _PIECE // 8 if is_slow else _PIECE
        left, received = request.length - request.received, request.received
        while left > 0:
            if is_slow:
                self._wait_for_the_link(received)
            received = connection.recv_into(buffer, min(left, most))
            if not received:
                raise _Torn
            left -= received
        if is_slow:
            self._wait_for_the_link(received)

    def _wait_for_the_link(self, received: int) -> None:
        with self._lock:
            earliest = max(self._link_is_free, perf_counter() - _LATENESS)
            self._link_is_free = earliest + received / self._link.bytes_per_second
            wait = self._link_is_free - perf_counter()
        if wait > 0:
            sleep(wait)

    def _answer(self, request: _Request) -> tuple[int, bytes]:
        with self._lock:
            self.tally.calls += 1
            status, body = _answer_of_coveo(request, f"{self.url}{_UPLOAD}{self.tally.calls}")
            self.tally.faults += status >= 400  # noqa: PLR2004 - where HTTP's errors begin
        return status, json.dumps(body).encode()


def _read_head(connection: socket.socket, buffer: memoryview) -> _Request | None:
    """The next request of a connection, with the beginning of its body; `None` when the client is done."""
    filled, end = 0, -1
    while end < 0:
        received = connection.recv_into(buffer[filled:_LONGEST_HEAD])
        if not received and not filled:
            return None
        if not received:
            raise _Torn
        filled += received
        end = bytes(buffer[:filled]).find(_HEAD_END)
    head = bytes(buffer[:end])
    method, target, _ = head.split(b" ", 2)
    length = _CONTENT_LENGTH.search(head)
    received_of_body = filled - end - len(_HEAD_END)
    return _Request(
        method.decode(), target.decode().partition("?")[0], int(length[1]) if length else 0, received_of_body
    )


def _answer_of_coveo(request: _Request, upload_url: str) -> tuple[int, dict[str, Any]]:
    if request.method == "GET":
        return 200, {"information": {"numberOfDocuments": 0}}
    operation = request.path.rpartition("/")[2]
    container: dict[str, Any] = {"uploadUri": upload_url, "fileId": "file", "requiredHeaders": {}}
    taken = {"orderingId": "1700000000000", "requestId": "request"}
    known = {
        "open": (201, {"streamId": "stream", **container}),
        "chunk": (200, container),
        "close": (200, taken),
        "files": (201, container),
        "update": (202, taken),
        "batch": (202, taken),  # of the Push API
    }
    return known.get(operation, (404, {"errorCode": "NOT_FOUND"}))


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="A bare sink for clients of the Stream API.")
    for option in attrs.fields(Link):
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=float, default=option.default)
    sink = _Sink(Link(**vars(parser.parse_args())))
    print(sink.url, flush=True)
    at_start = _cpu_seconds()
    threading.Thread(target=sink.accept, daemon=True).start()
    sys.stdin.read()
    sink.tally.cpu_seconds = _cpu_seconds() - at_start
    print(json.dumps(attrs.asdict(sink.tally)))


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
