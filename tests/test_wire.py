"""What a connection takes before and behind an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scrapeq.fetch.limits import FetchLimits
from scrapeq.fetch.wire import MAX_PIECE, Wire
from scrapeq.models import Outcome, Page
from tests import servers
from tests.fetch_kit import LIMITS, fetched, fetching, wanted
from tests.servers import answer, path_of, serving

pytestmark = pytest.mark.timeout(60)

EARLY = b"HTTP/1.1 103 Early Hints\r\n"
LINE = b"X-Long: " + b"x" * 30_000 + b"\r\n"


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what goes to the parser."""
    found: list[int] = []
    parse: Callable[[Wire, bytes], None] = Wire._parse

    def counted(wire: Wire, data: bytes) -> None:
        found.append(len(data))
        parse(wire, data)

    monkeypatch.setattr(Wire, "_parse", counted)
    return found


async def said(path: str, limits: FetchLimits = LIMITS) -> str:
    found = await fetched(path, limits=limits)
    return "done" if isinstance(found, Page) else f"{found.reason}: {found.detail}"


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"\r"])
async def test_blank_lines_before_an_answer_are_few_and_no_work(
    blank: bytes, pieces: list[int]
) -> None:
    async def handler(wire: servers.Wire, head: bytes) -> None:
        match path_of(head):
            case "/few":
                await wire.send(blank * 8 + answer(b"hi"))
            case "/many":
                await wire.send(blank * 600_000 + answer(b"hi"))
                await wire.until_gone()
            case _:
                await wire.flood(blank)

    async with serving(handler) as server:
        if blank != b"\r":
            assert await said(server.url("/few")) == "done"
        for path in ("/many", "/endless"):
            assert await said(server.url(path)) == (
                "protocol: more than 64 bytes of blank lines before the answer"
            )
    assert len(pieces) < 5


async def test_a_head_is_bounded_as_a_whole(pieces: list[int]) -> None:
    async def handler(wire: servers.Wire, head: bytes) -> None:
        lines = int(path_of(head)[1:])
        await wire.send(b"HTTP/1.1 200 OK\r\n" + LINE * lines + b"Content-Length: 2\r\n\r\nhi")

    async with serving(handler) as server:
        assert await said(server.url("/4")) == "done"
        assert await said(server.url("/100")) == (
            "header_too_large: Got more than 131,072 bytes of headers"
        )
    assert sum(pieces) < 300_000


async def test_all_heads_of_one_answer_are_bounded_together(pieces: list[int]) -> None:
    async def handler(wire: servers.Wire, head: bytes) -> None:
        early = (EARLY + LINE * 4 + b"\r\n") * int(path_of(head)[1:])
        await wire.send(early + answer(b"hi"))

    async with serving(handler) as server:
        assert await said(server.url("/2")) == "done"
        assert await said(server.url("/90")) == (
            "header_too_large: Got more than 262,144 bytes of headers in all"
        )
    assert sum(pieces) < 600_000


async def test_a_head_ends_wherever_its_packets_do() -> None:
    """Blank lines, early answers and an end of either kind, a byte a packet."""
    early = b"\r\n" + EARLY + b"\r\n" + b"\n" + EARLY + b"\n"
    head = b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

    async def handler(wire: servers.Wire, _: bytes) -> None:
        for byte in early.replace(b"\n\n", b"\n\r\n") + head:
            await wire.send(bytes([byte]))
            await wire.pause()

    async with serving(handler) as server, fetching() as fetcher:
        found = await fetcher.fetch(wanted(server.url()))
    assert not isinstance(found, Outcome), found
    assert found.body == b"hi"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"


@pytest.mark.parametrize("packets", [1, 2, 3])
@pytest.mark.parametrize(
    "junk", [b"\0", b"\0" * 1000, b"\0\n0\0", b"junk", b"\r\n\0", answer(b"surplus")]
)
@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n"])
async def test_what_lies_behind_a_body_is_surplus_whatever_its_packets(
    end: bytes, junk: bytes, packets: int
) -> None:
    sent = {
        1: [CHUNKED + end + junk],
        2: [CHUNKED, end + junk],
        3: [CHUNKED + end[:-1], end[-1:] + junk],
    }

    async def handler(wire: servers.Wire, _: bytes) -> None:
        for packet in sent[packets]:
            await wire.send(packet)
            await wire.pause()

    async with serving(handler) as server, fetching() as fetcher:
        for _ in range(2):
            found = await fetcher.fetch(wanted(server.url()))
            assert not isinstance(found, Outcome), found
            assert found.body == b"hi"
        assert server.connections == 2


@pytest.mark.parametrize("cut", [0, 3, 6, 7])
async def test_a_nul_in_the_last_packet_of_a_trailer_is_a_fault(cut: int) -> None:
    trailer = b"0\r\nX: a\0b\r\n\r\n"

    async def handler(wire: servers.Wire, _: bytes) -> None:
        await wire.send(CHUNKED + trailer[:cut])
        await wire.pause()
        await wire.send(trailer[cut:])

    async with serving(handler) as server:
        assert await said(server.url()) == "protocol: a NUL in a trailer"


async def test_so_much_is_read_at_once_and_no_more(pieces: list[int]) -> None:
    body = b"1\r\nx\r\n" * 90_000
    async with serving(CHUNKED + body + b"0\r\n\r\n") as server:
        assert await said(server.url()) == "done"
    assert max(pieces) <= MAX_PIECE
    assert sum(pieces) > len(body)
