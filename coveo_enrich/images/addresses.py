"""Which addresses a picture may be fetched from: public ones.

A catalog's image URLs are data that others wrote; fetched without care they reach the machine's own services, its
network, or the metadata service of its cloud. Pure: takes an address that a name resolved to. Which names are trusted
all the same is decided in `coveo_enrich.images.reader`.
"""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

__all__ = ["is_public"]

# `is_global` of the standard library calls these public: IETF protocol assignments, among them Oracle's metadata
# address; the anycast address of 6to4 relays; and the platform service that every Azure machine reaches.
_NOT_PUBLIC_V4: Final = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("168.63.129.16/32"),
)
# Documentation (RFC 9637), younger than some releases of the standard library.
_NOT_PUBLIC_V6: Final = IPv6Network("3fff::/20")
# All that is handed out for the public Internet; it leaves out site-local, unique local and IPv4-compatible addresses.
_GLOBAL_UNICAST_V6: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address belongs to the public Internet, also when an IPv4 address is wrapped in an IPv6 one."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, IPv4Address):
        return _is_public_v4(parsed)
    inner = _wrapped_v4(parsed)
    if inner is not None:
        return _is_public_v4(inner)
    return parsed.is_global and parsed in _GLOBAL_UNICAST_V6 and parsed not in _NOT_PUBLIC_V6


def _is_public_v4(address: IPv4Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC_V4):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _wrapped_v4(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
