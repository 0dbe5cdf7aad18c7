"""Which addresses are nobody's business: loopback, local networks, cloud metadata. Pure."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_NOT_GLOBAL = (  # Python 3.11 takes them for global
    IPv4Network("192.0.0.0/24"),  # RFC 6890; 192.0.0.192 is the metadata of one cloud
    IPv6Network("64:ff9b:1::/48"),  # RFC 8215, NAT64 of a local network
    IPv6Network("3fff::/20"),  # RFC 9637, documentation
    IPv6Network("fec0::/10"),  # RFC 3879, site-local
)
_METADATA = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192")
)
"""Where clouds tell a machine its secrets."""


def is_private(address: str) -> bool:
    """Whether an IP address is not on the public internet, however it is wrapped.

    A text that is no address counts as private: what cannot be judged is not trusted.
    """
    ip = _parsed(address)
    if ip is None or ip.is_multicast or not ip.is_global:
        return True
    return any(ip in network for network in _NOT_GLOBAL)


def is_metadata(address: str) -> bool:
    """Whether a cloud keeps the secrets of a machine there: no redirect may lead to it."""
    return _parsed(address) in _METADATA


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return _unwrapped(ip_address(address.partition("%")[0]))
    except ValueError:
        return None


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv4-mapped, IPv4-compatible, 6to4 or NAT64 one (RFC 4291,
    3056, 6052)."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64 or ip in _COMPATIBLE:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
