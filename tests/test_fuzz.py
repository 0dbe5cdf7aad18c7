"""A small share of `python -m tests.fuzz`, the same cases in each run."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from scrapeq.private import is_private
from tests.fuzz import PROPERTIES, Property, check

CASES = 150


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds_whatever_comes(name: str) -> None:
    assert check(name, int(CASES / PROPERTIES[name].weight), seed=1) > 10


def test_what_does_not_hold_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_are_public(_: str, number: int) -> None:
        assert not is_private(str(IPv4Address(number)))

    addresses = Property(all_are_public, PROPERTIES["addresses"].given)
    monkeypatch.setitem(PROPERTIES, "addresses", addresses)
    with pytest.raises(AssertionError):
        check("addresses", CASES, seed=1)
