"""Faults of headers: 53."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kit import meet, wire
from tests.servers import answer
from tests.site import Site, html

pytestmark = pytest.mark.timeout(90)

PAGE = html("here")


def test_053_a_header_longer_than_max_header_or_too_many_of_them_end_the_attempt(
    site: Site, tmp_path: Path
) -> None:
    """curl accepts the one of 18 KB in its test 1205."""
    replies = {
        "/18K": answer(PAGE, X_Long="x" * 18_000),
        "/40K": answer(PAGE, X_Long="x" * 40_000),
        "/reason": answer(PAGE, f"200 {'x' * 40_000}"),
        "/128": answer(PAGE, **{f"X_{n}": "x" for n in range(120)}),
        "/200": answer(PAGE, **{f"X_{n}": "x" for n in range(200)}),
        "/2K": answer(PAGE, X_Long="x" * 2_000),
    }

    def endings(flag: str) -> dict[str, str]:
        folder = tmp_path / flag
        folder.mkdir()
        met = meet(folder, site, *map(server.url, replies), flags=["--max-header", flag])
        return {path: met.ending(server.url(path)) for path in replies}

    bad = "failed:header_too_large"
    good = dict.fromkeys(replies, "done")
    with wire(replies) as server:
        assert endings("32K") == {**good, "/40K": bad, "/reason": bad, "/200": bad}
        assert endings("64K") == {**good, "/200": bad}
        few = dict.fromkeys(("/18K", "/40K", "/reason", "/200", "/2K"), bad)
        assert endings("1K") == {**good, **few}
