from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coveo_enrich.images.addresses import is_public

NOT_PUBLIC = {
    "0.0.0.0": "this host",  # noqa: S104 - looked at, not bound
    "0.1.2.3": "this network",
    "10.0.0.1": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "carrier-grade NAT",
    "100.100.100.200": "metadata of Alibaba Cloud",
    "100.127.255.255": "carrier-grade NAT",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "Azure's platform service, which every virtual machine there reaches",
    "169.254.0.1": "link-local",
    "169.254.169.254": "metadata of most clouds",
    "169.254.170.2": "credentials of AWS containers",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.1": "protocol assignments",
    "192.0.0.192": "metadata of Oracle Cloud",
    "192.0.2.1": "documentation",
    "192.88.99.1": "relays of 6to4",
    "192.168.0.1": "private",
    "192.168.255.255": "private",
    "198.18.0.1": "benchmarks",
    "198.19.255.255": "benchmarks",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::127.0.0.1": "IPv4-compatible loopback",
    "::8.8.8.8": "IPv4-compatible, given up",
    "::ffff:127.0.0.1": "IPv4-mapped loopback",
    "::ffff:10.0.0.1": "IPv4-mapped private",
    "::ffff:169.254.169.254": "IPv4-mapped metadata",
    "::ffff:100.64.0.1": "IPv4-mapped carrier-grade NAT",
    "::ffff:192.0.0.192": "IPv4-mapped metadata of Oracle Cloud",
    "::ffff:224.0.0.1": "IPv4-mapped multicast",
    "::ffff:168.63.129.16": "IPv4-mapped platform service",
    "64:ff9b::127.0.0.1": "NAT64 of loopback",
    "64:ff9b::10.0.0.1": "NAT64 of private",
    "64:ff9b::169.254.169.254": "NAT64 of metadata",
    "64:ff9b::168.63.129.16": "NAT64 of Azure's platform service",
    "64:ff9b::192.0.0.192": "NAT64 of Oracle's metadata",
    "64:ff9b:1::8.8.8.8": "local NAT64",
    "64:ff9b:1::127.0.0.1": "local NAT64 of loopback",
    "100::1": "discard only",
    "2001::1": "Teredo, of nobody",
    # A Teredo address holds its client's IPv4 address inverted in its last 32 bits.
    "2001:0:808:808:0:0:80ff:fffe": "Teredo of loopback",
    "2001:0:808:808:0:0:5601:5601": "Teredo of metadata",
    "2001:2::1": "benchmarks",
    "2001:10::1": "ORCHID, given up",
    "2001:db8::1": "documentation",
    "3fff::1": "documentation (RFC 9637)",
    "3fff:fff::1": "documentation (RFC 9637)",
    "2002:7f00:1::": "6to4 of loopback",
    "2002:a00:1::": "6to4 of private",
    "2002:a9fe:a9fe::": "6to4 of metadata",
    "2002:6440:1::": "6to4 of carrier-grade NAT",
    "2002:a83f:8110::": "6to4 of Azure's platform service",
    "2002:c0a8:1::1": "6to4 of private",
    "5f00::1": "segment routing",
    "fc00::1": "unique local",
    "fd00::": "unique local",
    "fd00:ec2::254": "metadata of AWS over IPv6",
    "fe80::1": "link-local",
    "febf::1": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast with global scope",
}

PUBLIC = {
    "1.1.1.1": "a resolver",
    "8.8.8.8": "a resolver",
    "9.255.255.255": "just before 10/8",
    "11.0.0.0": "just after 10/8",
    "93.184.215.14": "a web server",
    "100.63.255.255": "just before 100.64/10",
    "100.128.0.0": "just after 100.64/10",
    "126.255.255.255": "just before 127/8",
    "128.0.0.1": "just after 127/8",
    "169.253.255.255": "just before 169.254/16",
    "172.15.255.255": "just before 172.16/12",
    "172.32.0.0": "just after 172.16/12",
    "192.0.1.1": "just after 192.0.0/24",
    "192.167.255.255": "just before 192.168/16",
    "198.17.255.255": "just before 198.18/15",
    "223.255.255.255": "just before multicast",
    "::ffff:8.8.8.8": "IPv4-mapped",
    "64:ff9b::8.8.8.8": "NAT64",
    "2002:808:808::1": "6to4",
    "2001:4860:4860::8888": "a resolver",
    "2606:2800:21f:cb07:6820:80da:af6b:8b2c": "a web server",
    "2a00:1450:4001::1": "Europe",
    "2c0f::1": "Africa",
}


@pytest.mark.parametrize("address", NOT_PUBLIC, ids=lambda address: f"{address} {NOT_PUBLIC[address]}")
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    """Law 15: addresses of this machine, its network, its cloud, and of no host at all are not public."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC, ids=lambda address: f"{address} {PUBLIC[address]}")
def test_a_public_address_is_allowed(address: str) -> None:
    """Law 15: addresses of the public Internet may be fetched from, in both families, up to the edges of the others."""
    assert is_public(address)


@settings(deadline=None)
@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "64:ff9b::{}"]))
def test_a_wrapped_address_is_as_public_as_the_one_inside(address: object, wrapping: str) -> None:
    """Law 15: wrapping an IPv4 address in an IPv6 one changes nothing."""
    assert is_public(wrapping.format(address)) == is_public(str(address))
