"""Advisories about what a client reads from the wire, each met by the means that it names.

The numbers are those of the advisories against aiohttp.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scrapeq.fetch import Fetcher, FetchLimits
from scrapeq.models import Outcome, Page, Request
from scrapeq.retry import RetryPolicy
from tests.faults.kit import meet, wire
from tests.servers import Names, Wire, answer, header_of, path_of, serving
from tests.site import Site
from tests.site import serving as pages

pytestmark = pytest.mark.timeout(90)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def site() -> Iterator[Site]:
    with pages() as site:
        yield site


def test_trailers_without_end_are_a_protocol_error(site: Site, tmp_path: Path) -> None:
    """CVE-2026-22815: they were kept in memory, however many."""

    async def handler(wire: Wire, head: bytes) -> None:
        await wire.send(CHUNKED + b"2\r\nhi\r\n0\r\n")
        await wire.flood(b"X: a\r\n" if path_of(head) == "/drip" else b"X: a\r\n" * 1000)

    with wire(handler) as server:
        bad = [server.url("/flood"), server.url("/drip")]
        met = meet(tmp_path, site, *bad)
    assert {met.ending(url) for url in bad} == {"failed:protocol"}
    assert met.seconds < 20


def test_control_characters_in_a_head_are_a_protocol_error_and_nothing_of_them_is_kept(
    site: Site, tmp_path: Path
) -> None:
    """CVE-2026-34520: they went through to whoever wrote a log."""
    evil = [bytes([n]) for n in range(32) if chr(n) not in "\t\r\n"] + [b"\x7f"]
    heads = [b"HTTP/1.1 200 OK\r\nX-Evil: a" + sign + b"[2Jb\r\n" for sign in evil]
    heads += [b"HTTP/1.1 200 \x1b[2JOK\r\n", b"HTTP/1.1 503 \x1b]0;x\x07\r\n"]
    heads += [b"HTTP/1.1 200 OK\r\nLocation\x1b[2J: /\r\n"]

    async def handler(wire: Wire, head: bytes) -> None:
        await wire.send(heads[int(path_of(head)[1:])] + b"Content-Length: 2\r\n\r\nhi")

    with wire(handler) as server:
        bad = [server.url(f"/{n}") for n in range(len(heads))]
        met = meet(tmp_path, site, *bad)
    assert {met.ending(url) for url in bad} == {"failed:protocol"}
    told = met.out + met.err + "".join(met.row(url)["detail"] for url in bad)
    assert [sign for sign in told if sign not in "\n\r" and not sign.isprintable()] == []


def test_a_reason_in_single_bytes_has_the_limit_of_a_whole_one(site: Site, tmp_path: Path) -> None:
    """PYSEC-2026-2110: each write was measured alone."""

    async def handler(wire: Wire, head: bytes) -> None:
        start = {"/reason": b"HTTP/1.1 200 ", "/name": HEAD, "/value": HEAD + b"X: "}[path_of(head)]
        await wire.send(start)
        await wire.flood(b"a")

    with wire(handler) as server:
        bad = [server.url(path) for path in ("/reason", "/name", "/value")]
        met = meet(
            tmp_path, site, *bad, flags=["--max-header", "2000", "--timeout", "60"], seconds=45
        )
    assert {met.ending(url) for url in bad} == {"failed:header_too_large"}


def test_a_cookie_for_ever_stops_no_later_request(site: Site, tmp_path: Path) -> None:
    """CVE-2026-111065: an age that overflows left connections taken for ever."""
    ages = ("9" * 31, "-" + "9" * 31, "1e400", str(2**63), str(2**31 + 1))

    async def handler(wire: Wire, head: bytes) -> None:
        age = ages[int(path_of(head)[1:]) % len(ages)]
        expires = "Fri, 31 Dec 99999 23:59:59 GMT"
        await wire.send(answer(b"hi", Set_Cookie=f"a=b; Max-Age={age}; Expires={expires}; Path=/"))

    with wire(handler) as server:
        urls = [server.url(f"/{n}") for n in range(500)]
        met = meet(tmp_path, site, *urls, flags=["--fetchers", "4"], seconds=60)
    assert {met.ending(url) for url in urls} == {"done"}
    assert server.connections <= 8


def test_a_flood_of_cookies_is_neither_kept_nor_sent(site: Site, tmp_path: Path) -> None:
    """PYSEC-2026-4392: a jar took all of them, and all went into each later request."""

    async def handler(wire: Wire, head: bytes) -> None:
        number = int(path_of(head)[1:])
        cookies = b"".join(
            b"Set-Cookie: c%d-%d=%b\r\n" % (number, n, b"x" * 200) for n in range(90)
        )
        await wire.send(HEAD + cookies + b"Content-Length: 2\r\n\r\nhi")

    names = {"cookies.test": ["127.0.0.1"]}  # a jar keeps none for a bare address
    with wire(handler) as server:
        urls = [server.url(f"/{n}", host="cookies.test") for n in range(100)]
        met = meet(tmp_path, site, *urls, world={"names": names})
    assert {met.ending(url) for url in urls} == {"done"}
    assert [head for head in server.heads if header_of(head, "cookie")] == []


@asynccontextmanager
async def fetching(**options: Any) -> AsyncIterator[Fetcher]:
    limits = FetchLimits(total=30, connect=10, read=10)
    async with Fetcher(limits, RetryPolicy(0), user_agent="tests/1", **options) as fetcher:
        yield fetcher


async def test_very_many_host_names_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2026-34513: each name was kept with its addresses, and so might its connection be."""
    names = Names(monkeypatch)
    hosts = [f"host{n}.test" for n in range(1500)]
    names.update({host: ["127.0.0.1"] for host in hosts})
    waiting = asyncio.Semaphore(16)
    async with serving(answer(b"hi")) as server, fetching(many_sockets=50) as fetcher:

        async def fetch(host: str) -> Page | Outcome:
            async with waiting:
                return await fetcher.fetch(Request(1, server.url(host=host), host))

        found = await asyncio.gather(*map(fetch, hosts))
        assert {type(one) for one in found} == {Page}
        kept = len(server.sockets)
        gc.collect()
        tables = [x for x in gc.get_objects() if type(x).__name__ == "_DNSCacheTable"]
    assert kept <= 80
    assert max(len(table._timestamps) for table in tables) <= 1000
