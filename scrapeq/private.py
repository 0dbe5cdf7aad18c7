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
_UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that has been given out to be public (RFC 4291, 2.4)."""
_NOT_GLOBAL = (  # Python 3.11 takes them for global
    IPv4Network("192.0.0.0/24"),  # RFC 6890; 192.0.0.192 is the metadata of one cloud
    IPv6Network("3fff::/20"),  # RFC 9637, documentation
)
_METADATA = frozenset(
    ip_address(text)
    for text in (
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "192.0.0.192"),
        *("100.100.100.200", "168.63.129.16"),
        *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    )
)
"""Where clouds tell a machine its secrets. Not all of them look private."""


def is_private(address: str) -> bool:
    """Whether an IP address is not on the public internet, however it is wrapped, or a cloud's
    metadata.

    A text that is no address counts as private: what cannot be judged is not trusted.
    """
    ip = _parsed(address)
    if ip is None or ip.is_multicast or not ip.is_global or ip in _METADATA:
        return True
    if isinstance(ip, IPv6Address) and ip not in _UNICAST:
        return True
    return any(ip in network for network in _NOT_GLOBAL)


def is_metadata(address: str) -> bool:
    """Whether a cloud keeps the secrets of a machine there: no redirect may lead to it."""
    ip = _parsed(address)
    if isinstance(ip, IPv6Address) and ip not in _UNICAST:
        # Link-local, SIIT or NAT64 of a local network: the IPv4 address is at the end, if any is.
        return ip in _METADATA or _last_32_bits(ip) in _METADATA
    return ip in _METADATA


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
        return _last_32_bits(ip)
    return ip.ipv4_mapped or ip.sixtofour or ip


def _last_32_bits(ip: IPv6Address) -> IPv4Address:
    return IPv4Address(int(ip) & 0xFFFFFFFF)
