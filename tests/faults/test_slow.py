"""Faults of time and size: 92 to 96."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme

from tests.faults.kit import meet, wire
from tests.servers import Wire, chunked, path_of, server_tls
from tests.site import Site

pytestmark = pytest.mark.timeout(60)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def _drip(wire: Wire, byte: bytes) -> None:
    while True:
        await wire.send(byte)
        await asyncio.sleep(0.2)


def test_092_headers_that_never_come_end_in_a_read_timeout(site: Site, tmp_path: Path) -> None:
    async def handler(wire: Wire, head: bytes) -> None:
        if path_of(head) == "/half":
            await wire.send(HEAD)
        await wire.until_gone()

    with wire(handler) as server:
        bad = [server.url("/nothing"), server.url("/half")]
        met = meet(tmp_path, site, *bad, flags=["--read-timeout", "1"], retries=1)
    assert {met.ending(url) for url in bad} == {"failed:read_timeout"}
    assert {met.row(url)["attempts"] for url in bad} == {2}


def test_093_a_body_that_stalls_ends_in_a_read_timeout(site: Site, tmp_path: Path) -> None:
    replies = {
        "/length": HEAD + b"Content-Length: 99\r\n\r\n<title>half</title>",
        "/chunked": CHUNKED + b"14\r\n<title>half</title>\r\n",
        "/unframed": HEAD + b"\r\n<title>half</title>",
        "/nothing": HEAD + b"Content-Length: 99\r\n\r\n",
    }

    async def handler(wire: Wire, head: bytes) -> None:
        await wire.send(replies[path_of(head)])
        await wire.until_gone()

    with wire(handler) as server:
        bad = [server.url(path) for path in replies]
        met = meet(tmp_path, site, *bad, flags=["--read-timeout", "1"])
    assert {met.ending(url) for url in bad} == {"failed:read_timeout"}
    assert "half" not in [row["title"] for row in met.items]


def test_094_one_byte_after_another_is_ended_by_the_total_time(site: Site, tmp_path: Path) -> None:
    async def handler(wire: Wire, head: bytes) -> None:
        match path_of(head):
            case "/head":
                await wire.send(HEAD + b"X: ")
            case "/body":
                await wire.send(HEAD + b"\r\n")
            case "/chunks":
                await wire.send(CHUNKED)
                await _drip(wire, b"1\r\nx\r\n")
        await _drip(wire, b"x")

    with wire(handler) as server:
        bad = [server.url(path) for path in ("/head", "/body", "/chunks")]
        met = meet(tmp_path, site, *bad, flags=["--timeout", "2", "--read-timeout", "1"])
    assert {met.ending(url) for url in bad} == {"failed:timeout"}
    assert met.seconds < 20


def test_095_a_body_without_end_is_cut_off_at_the_limit(site: Site, tmp_path: Path) -> None:
    """Over TLS too, where closing alone would go on reading: the server sees the end."""
    ends: list[str] = []
    piece = chunked(b"x" * 60_000).partition(b"\r\n\r\n")[2].removesuffix(b"0\r\n\r\n")

    async def handler(wire: Wire, head: bytes) -> None:
        await wire.send(CHUNKED if path_of(head) == "/chunked" else HEAD + b"\r\n")
        await wire.flood(piece)
        ends.append(path_of(head))

    ca = trustme.CA()
    pem = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(pem))
    tls = server_tls(ca.issue_cert("127.0.0.1"))
    with wire(handler) as plain, wire(handler, tls=tls) as secure:
        bad = [server.url(path) for server in (plain, secure) for path in ("/chunked", "/plain")]
        met = meet(
            tmp_path, site, *bad, flags=["--max-size", "200K"], retries=2,
            env={"SSL_CERT_FILE": str(pem)},
        )  # fmt: skip
    assert {met.ending(url) for url in bad} == {"failed:too_large"}
    assert {met.row(url)["attempts"] for url in bad} == {1}
    assert sorted(ends) == ["/chunked", "/chunked", "/plain", "/plain"]


def test_096_a_length_over_the_limit_is_refused_before_the_body(site: Site, tmp_path: Path) -> None:
    lengths = (2**63, 2**63 - 1, 2**64 - 1, 200_001)

    async def handler(wire: Wire, head: bytes) -> None:
        await wire.send(HEAD + b"Content-Length: %b\r\n\r\n" % path_of(head)[1:].encode())
        await wire.until_gone()  # not a byte of it

    with wire(handler) as server:
        bad = [server.url(f"/{length}") for length in lengths]
        met = meet(tmp_path, site, *bad, flags=["--max-size", "200000"], retries=2)
    assert {met.ending(url) for url in bad} == {"failed:too_large"}
    assert {met.row(url)["attempts"] for url in bad} == {1}
    assert met.seconds < 15
