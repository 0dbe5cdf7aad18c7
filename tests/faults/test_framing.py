"""Faults of HTTP framing: 51 to 63."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kit import meet, wire
from tests.site import Site

pytestmark = pytest.mark.timeout(60)


def test_051_what_is_no_status_line_is_a_protocol_error(site: Site, tmp_path: Path) -> None:
    replies = {
        "/rubbish": b"rubbish\r\n\r\n",
        "/0.9": b"<title>HTTP/0.9</title>",
        "/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "/digits": b"HTTP/1.1 " + b"2" * 100 + b" OK\r\nContent-Length: 0\r\n\r\n",
    }
    with wire(replies) as server:
        bad = [server.url(path) for path in replies]
        met = meet(tmp_path, site, *bad, seconds=20, flags=["--read-timeout", "2"])
    assert {met.ending(url) for url in bad} == {"failed:protocol"}
