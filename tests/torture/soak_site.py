"""The server of a soak, in a process of its own: pages that are well, and faults of many kinds.

`python -m tests.torture.soak_site` says its port, and serves until its stdin ends.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, cast

import brotli

from scrapeq.bench import pages
from tests.servers import answer, chunked, redirect

HOSTS = 37 if sys.platform == "linux" else 1
"""Addresses of loopback; a prime, so that each host has faults of each kind. Other systems
have but one."""
RARE_EVERY = 1000
"""One in so many faults is one of the rare."""
BAD_LINES: Mapping[str, str] = {
    "ftp://soak.test/{}": "skipped:scheme",
    "http://soak test/{}": "skipped:invalid_url",
}

Then = Literal["keep", "close", "reset", "stall", "trickle"]


@dataclass(frozen=True)
class Reply:
    """Bytes for one request, and what becomes of the connection."""

    data: bytes
    then: Then = "keep"


@dataclass(frozen=True)
class Kind:
    """A page of one path, by the number of the request for it; the last reply stays."""

    replies: tuple[Reply, ...]
    endings: tuple[str, ...] = ("done",)
    """Any of them is right."""
    row: Mapping[str, Any] = field(default_factory=dict)
    """Columns of its row in `pages`."""


_PARSED = ("failed:parse_memory", "failed:parse_timeout", "done")
"""What becomes of a page that is too much for a parser, or nearly."""


def _typed(content_type: str, body: bytes) -> Reply:
    return Reply(answer(body, Content_Type=content_type))


def _html(title: str, more: bytes = b"") -> bytes:
    return f"<!doctype html><title>{title}</title><h1>{title}</h1>".encode() + more


def _cut(whole: bytes) -> bytes:
    """The head says more than comes."""
    return whole[: len(whole) - 2000]


_PAGE = _html("A page", b"<p>" + b"words and more words " * 400)
_WELL = Reply(answer(_PAGE))
_BUSY = Reply(answer(b"busy", "503 Service Unavailable", Retry_After="1"))
_BOMB = bytes(40 << 20)
_TAGS = (
    b"".join(b"<b %d>" % n for n in range(1500))
    + b"".join(b"<i %d>" % n for n in range(1500))
    + b"x</b>" * 1500
)


def _coded(body: bytes, coding: str) -> Reply:
    return Reply(answer(body, Content_Encoding=coding))


COMMON: Mapping[str, Kind] = {
    "missing": Kind((Reply(answer(b"none", "404 Not Found")),), ("failed:404",), {"status": 404}),
    "busy": Kind((_BUSY,), ("failed:503",), {"status": 503, "attempts": 2}),
    "busy-once": Kind((_BUSY, _WELL), row={"attempts": 2}),
    "error-once": Kind((Reply(answer(b"oh", "500 Oh")), _WELL), row={"attempts": 2}),
    "reset": Kind((Reply(answer(_PAGE)[:900], "reset"),), ("failed:reset",), {"attempts": 2}),
    "reset-once": Kind((Reply(b"", "reset"), _WELL)),
    "cut": Kind((Reply(_cut(answer(_PAGE)), "close"),), ("failed:truncated",), {"attempts": 2}),
    "cut-chunks": Kind((Reply(chunked(_PAGE)[:-5], "close"),), ("failed:truncated",)),
    "cut-gzip": Kind((_coded(gzip.compress(_PAGE)[:-40], "gzip"),), row={"truncated": 1}),
    "slow": Kind((Reply(answer(_PAGE), "trickle"),)),
    "stall": Kind((Reply(answer(_PAGE)[:900], "stall"),), ("failed:read_timeout",)),
    "silent": Kind((Reply(b"", "stall"),), ("failed:read_timeout",)),
    "rubbish": Kind((Reply(b"\0rubbish\r\n\r\n", "close"),), ("failed:protocol",)),
    "gzip-bomb": Kind((_coded(gzip.compress(_BOMB), "gzip"),), ("failed:too_large",)),
    "br-bomb": Kind((_coded(brotli.compress(_BOMB, quality=5), "br"),), ("failed:too_large",)),
    "unknown-coding": Kind((_coded(_PAGE, "snake"),), ("failed:encoding",)),
    "broken-coding": Kind((_coded(b"\x28\xb5\x2f\xfd" + _PAGE, "zstd"),), ("failed:encoding",)),
    "no-charset": Kind((_typed("text/html; charset=zlib", b"<title>\xe9\xff\0"),)),
    "bad-bytes": Kind((_typed("text/html; charset=utf-8", b"<title>\xe9\xff\x80"),)),
    "empty": Kind((Reply(answer(b"")),), row={"bytes": 0}),
    "image": Kind((_typed("image/gif", b"GIF"),), ("skipped:content_type",)),
    "moved": Kind((Reply(redirect("/page/0")),)),
    "moved-away": Kind((Reply(redirect("ftp://soak.test/")),), ("failed:redirect_scheme",)),
    "loop": Kind((Reply(redirect("?")),), ("failed:redirects",)),
}  # fmt: skip
RARE: Mapping[str, Kind] = {
    "tags": Kind((Reply(answer(_TAGS)),), _PARSED),
    "divs": Kind((Reply(answer(b"<div>" * 200_000)),), _PARSED),
}
"""They cost a parse process seconds, or its life."""

KINDS = {**COMMON, **RARE}


def line(number: int, every: int, port: int) -> tuple[str, str]:
    """Line `number` of the list, and its kind: one in `every` is a fault, each kind in turn."""
    kind = "page"
    if number % every == every - 1:
        fault = number // every
        few, many = list(RARE), [*COMMON, *BAD_LINES]
        is_rare = fault % RARE_EVERY == 1
        kind = few[fault // RARE_EVERY % len(few)] if is_rare else many[fault % len(many)]
    if kind in BAD_LINES:
        return kind.format(number), kind
    return f"http://127.0.0.{1 + number % HOSTS}:{port}/{kind}/{number}", kind


def endings_of(kind: str) -> tuple[str, ...]:
    if kind in BAD_LINES:
        return (BAD_LINES[kind],)
    return KINDS[kind].endings if kind in KINDS else ("done",)


def bodies() -> list[bytes]:
    """Page `number` of the list has the body `number`, or that modulo their count."""
    return [body for _, body in pages.bodies()]


def _answers() -> list[bytes]:
    """As the web gives them: plain and compressed, whole and in chunks."""
    found = []
    for number, body in enumerate(bodies()):
        match number % 4:
            case 0:
                found.append(answer(body))
            case 1:
                found.append(answer(gzip.compress(body), Content_Encoding="gzip"))
            case 2:
                found.append(answer(brotli.compress(body, quality=5), Content_Encoding="br"))
            case _:
                found.append(chunked(gzip.compress(body), Content_Encoding="gzip"))
    return found


class Connection(asyncio.Protocol):
    """One client, which waits for each answer before it asks again."""

    def __init__(self, pages: list[bytes], asked: dict[str, int]) -> None:
        self._pages = pages
        self._asked = asked
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in heads:
            path = head.split(b" ", 2)[1].decode()
            _, kind, *rest = path.split("/")
            if kind == "page":
                self._transport.write(self._pages[int(rest[0]) % len(self._pages)])
            else:
                self._send(self._reply(kind, path))

    def _reply(self, kind: str, path: str) -> Reply:
        if kind not in KINDS:
            return Reply(answer(b"none", "404 Not Found"))
        replies = KINDS[kind].replies
        before = self._asked.pop(path, 0)
        if before + 1 < len(replies):
            self._asked[path] = before + 1
        return replies[min(before, len(replies) - 1)]

    def _send(self, reply: Reply) -> None:
        match reply.then:
            case "trickle":
                self._trickle(reply.data)
                return
            case "reset":
                raw = cast("socket.socket", self._transport.get_extra_info("socket"))
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._transport.write(reply.data)
                asyncio.get_running_loop().call_later(0.05, self._transport.abort)
                return
        self._transport.write(reply.data)
        if reply.then == "close":
            self._transport.close()

    def _trickle(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        piece, rest = data[:2000], data[2000:]
        self._transport.write(piece)
        if rest:
            asyncio.get_running_loop().call_later(0.2, partial(self._trickle, rest))


async def serve() -> None:
    """Listen on one free port of all the hosts until stdin ends."""
    loop, answers, asked = asyncio.get_running_loop(), _answers(), dict[str, int]()
    servers: list[asyncio.Server] = []
    port = 0
    for number in range(1, HOSTS + 1):
        servers.append(
            await loop.create_server(
                lambda: Connection(answers, asked), f"127.0.0.{number}", port, backlog=1024
            )
        )
        port = servers[0].sockets[0].getsockname()[1]
    print(port, flush=True)
    end = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(end), sys.stdin)
    await end.read()


if __name__ == "__main__":
    asyncio.run(serve())
