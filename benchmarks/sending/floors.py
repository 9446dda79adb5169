"""The least that a load can cost: nothing is checked, nothing is repeated, one socket, one buffer.

    python benchmarks/sending/floors.py raw FILE

``raw`` sends the bytes of the file as they are; ``orjson`` and ``json`` parse each line and encode it again. The
address comes from the environment variable ``COVEO_API_URL``.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

CHUNK_BYTES: Final = 64 << 20
_STREAM: Final = "/push/v1/organizations/organization/sources/source/stream"
_BEGIN, _END = b'{"addOrUpdate":[', b"]}"
_BLOCK: Final = 1 << 20


class Wire:
    """The Stream API over one raw socket."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self._upload_url: str = self._call("/open")["uploadUri"]
        self._is_used = False
        self.chunks = self.bytes = 0

    def begin_chunk(self, size: int) -> None:
        """Announce a chunk."""
        if self._is_used:
            self._upload_url = self._call("/stream/chunk")["uploadUri"]
        self._head("PUT", urlsplit(self._upload_url).path, size)
        self._is_used = True
        self.chunks += 1
        self.bytes += size

    def send(self, data: bytes | memoryview) -> None:
        """Send bytes of a chunk."""
        self._socket.sendall(data)

    def end_chunk(self) -> None:
        """Wait until the chunk is taken."""
        self._answer()

    def close(self) -> None:
        """Close the stream."""
        self._call("/stream/close")
        self._answers.close()
        self._socket.close()

    def _call(self, path: str) -> dict[str, Any]:
        self._head("POST", _STREAM + path, 0)
        answer: dict[str, Any] = json.loads(self._answer())
        return answer

    def _head(self, method: str, path: str, size: int) -> None:
        self._socket.sendall(f"{method} {path} HTTP/1.1\r\nContent-Length: {size}\r\n\r\n".encode())

    def _answer(self) -> bytes:
        length = 0
        while (line := self._answers.readline()) != b"\r\n":
            if not line:
                raise ConnectionError("the sink hung up")
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return self._answers.read(length)


def send_file(wire: Wire, path: Path, chunk_bytes: int) -> None:
    """Send a file as it is; a chunk may begin and end anywhere."""
    left = path.stat().st_size
    block = memoryview(bytearray(_BLOCK))
    with path.open("rb", buffering=0) as file:
        while left:
            size = unsent = min(left, chunk_bytes)
            wire.begin_chunk(size)
            while unsent:
                read = file.readinto(block[: min(unsent, _BLOCK)])
                wire.send(block[:read])
                unsent -= read
            wire.end_chunk()
            left -= size


def send_items(wire: Wire, path: Path, chunk_bytes: int, again: Callable[[bytes], bytes]) -> int:
    """Parse and encode each line, send the items in chunks, and return how many they are."""
    # A buffer that grows anew for each chunk would cost more than what is measured: each page of it is a page fault.
    chunk = io.BytesIO()
    write = chunk.write
    size = write(_BEGIN)
    number = 0
    with path.open("rb") as lines:
        for line in lines:
            item = again(line)
            if size + len(item) + len(_END) > chunk_bytes:
                _send_chunk(wire, chunk)
                size = write(_BEGIN)
            size += write(item) + write(b",")
            number += 1
    _send_chunk(wire, chunk)
    return number


def _send_chunk(wire: Wire, chunk: io.BytesIO) -> None:
    chunk.seek(-1, io.SEEK_CUR)
    chunk.write(_END)
    size = chunk.tell()
    wire.begin_chunk(size)
    with chunk.getbuffer() as content:
        wire.send(content[:size])
    wire.end_chunk()
    chunk.seek(0)


def _again_with_orjson() -> Callable[[bytes], bytes]:
    orjson = importlib.import_module("orjson")
    loads, dumps = orjson.loads, orjson.dumps
    return lambda line: dumps(loads(line))


def _again_with_json() -> Callable[[bytes], bytes]:
    decode = json.JSONDecoder().decode
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return lambda line: encode(decode(line.decode())).encode()


def main() -> None:
    """Send a file at the least cost, and print what was sent."""
    parser = argparse.ArgumentParser(description="The least that a load can cost.")
    parser.add_argument("floor", choices=("raw", "orjson", "json"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--chunk-bytes", type=int, default=CHUNK_BYTES)
    options = parser.parse_args()
    wire = Wire(os.environ["COVEO_API_URL"])
    items = None
    if options.floor == "raw":
        send_file(wire, options.file, options.chunk_bytes)
    else:
        again = _again_with_orjson() if options.floor == "orjson" else _again_with_json()
        items = send_items(wire, options.file, options.chunk_bytes, again)
    wire.close()
    print(json.dumps({"items": items, "chunks": wire.chunks, "bytes": wire.bytes}))


if __name__ == "__main__":
    main()
