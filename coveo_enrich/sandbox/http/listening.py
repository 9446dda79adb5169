"""Where the sandbox listens: the loopback interface, unless it is told otherwise, which it does not like."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import warnings

__all__ = ["is_loopback", "listen", "named_host", "url_of", "warn_of_exposure"]

_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::[0-9]*)?")


def warn_of_exposure(host: str, *, stacklevel: int) -> None:
    """Warn when ``host`` can be reached from other machines: the sandbox protects nothing."""
    if not is_loopback(host):
        warnings.warn(
            f"the sandbox is to listen on {host}, where other machines may reach it. It has no protection: no "
            "encryption, no limits, and whoever reaches it may read and change all that is in it.",
            RuntimeWarning,
            stacklevel=stacklevel + 1,
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        OSError: The port is taken, or there is no such host here.
    """
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # The protocol is named because asyncio looks at it when it decides to send small answers without delay.
    listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this option would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of a socket that listens, as it works on this machine: by loopback when it listens everywhere."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004 - IPv4
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def named_host(header: str) -> str:
    """The name or address in a ``Host`` header, in lower case; empty when it names none."""
    found = _HOST.fullmatch(header)
    return found[1].strip("[]").lower() if found else ""


def is_loopback(host: str) -> bool:
    """Whether a name or address is always that of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
