"""Which addresses are private, however they are written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapeq.private import is_metadata, is_private

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "172.15.0.1", "172.32.0.1", "192.167.1.1",
          "100.63.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450::1"]  # fmt: skip
PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "100.64.0.1", "169.254.1.1", "169.254.169.254", "192.0.0.192", "198.18.0.1",
    "192.0.2.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1",
    "64:ff9b:1::a00:1", "64:ff9b:2::808:808", "::ffff:0:8.8.8.8", "::1:7f00:1", "5f00::1",
    "4000::1", "a000::1", "3fff::1", "168.63.129.16", "fd20:ce::254",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_public(address: str) -> None:
    assert not is_private(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_on_it_is_private(address: str) -> None:
    assert is_private(address)


def wrappings(address: IPv4Address) -> list[str]:
    """An IPv4 address in the clothes of IPv6: mapped, compatible, NAT64, 6to4."""
    n = int(address)
    return [
        f"::ffff:{address}",
        str(IPv6Address(n)),
        str(IPv6Address((0x64FF9B << 96) + n)),
        str(IPv6Address((0x2002 << 112) + (n << 80) + 1)),
    ]


@given(st.sampled_from([x for x in (*PUBLIC, *PRIVATE) if ":" not in x]))
def test_a_wrapped_address_is_as_private_as_the_one_inside(address: str) -> None:
    for wrapped in wrappings(IPv4Address(address)):
        if IPv6Address(wrapped) not in (IPv6Address("::"), IPv6Address("::1")):
            assert is_private(wrapped) == is_private(address), wrapped


@given(st.text())
def test_what_is_no_address_is_private(text: str) -> None:
    assert is_private(text) or text.count(".") == 3 or ":" in text


@pytest.mark.parametrize("text", ["", "localhost", "2130706433", "127.1", "0x7f.1", "1.2.3.4.5"])
def test_what_cannot_be_judged_is_not_trusted(text: str) -> None:
    assert is_private(text)


def test_the_secrets_of_clouds_are_known_in_every_wrapping() -> None:
    for address in (
        *("169.254.169.254", "192.0.0.192", "100.100.100.200"),
        *("169.254.170.2", "169.254.170.23", "168.63.129.16"),
    ):
        for wrapped in (address, *wrappings(IPv4Address(address))):
            assert is_metadata(wrapped), wrapped
            assert is_private(wrapped), wrapped
    for address in (
        *("fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fe80::a9fe:a9fe", "fe80::a9fe:a9fe%1"),
        *("::ffff:0:169.254.169.254", "64:ff9b:1::a9fe:a9fe", "64:ff9b:2::a9fe:a9fe"),
    ):
        assert is_metadata(address), address
        assert is_private(address), address
    assert not is_metadata("2606:4700::a9fe:a9fe")
    assert not is_metadata("168.63.129.17")
    assert not is_metadata("169.254.169.253")
    assert not is_metadata("10.0.0.1")
    assert not is_metadata("no address")
