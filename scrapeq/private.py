"""Which addresses are nobody's business: loopback, local networks, cloud metadata. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")


def is_private(address: str) -> bool:
    """Whether an IP address is not on the public internet, however it is wrapped.

    A text that is no address counts as private: what cannot be judged is not trusted.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return True
    return not _unwrapped(ip).is_global


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an IPv4-mapped, 6to4 or NAT64 one (RFC 4291, 3056, 6052)."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
