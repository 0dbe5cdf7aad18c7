"""The embedded site, for a process of its own: `python -m scrapeq.bench.server [MILLISECONDS]`.

The least server that can be asked fast: each answer is made beforehand, and an answer costs a
look into a dictionary. It serves until its stdin ends, so that it outlives nobody. Its first
line on stdout tells where it is and what it has; for each line on stdin it then says, as one
line, what it has done since the last.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import cast

from scrapeq.bench.pages import bodies

MOST_HEAD = 1 << 16
"""Bytes of one request, after which its connection is closed."""

_HEAD = (
    "HTTP/1.1 {status}\r\n"
    "Server: scrapeq-bench\r\n"
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: {length}\r\n"
    "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    "Cache-Control: max-age=3600\r\n"
    "Vary: Accept-Encoding\r\n"
    "\r\n"
)


def answer(status: str, body: bytes) -> bytes:
    """A whole response, as it goes over the wire. `status` is `200 OK`."""
    return _HEAD.format(status=status, length=len(body)).encode() + body


NOT_FOUND = answer("404 Not Found", b"no such page")
NOT_ALLOWED = answer("405 Method Not Allowed", b"only GET")


class Site:
    """The answers by path, and what has been asked for."""

    def __init__(self, answers: Mapping[bytes, bytes], latency: float) -> None:
        """`latency` is seconds from a request to its answer."""
        self.answers = answers
        self.latency = latency
        self.answered = 0
        self._first: float | None = None
        self._cpu = time.process_time()

    def count(self) -> None:
        self._first = self._first or time.monotonic()
        self.answered += 1

    def news(self) -> dict[str, float | None]:
        """What it did since this was last asked. `first` is the time, on the clock that all
        processes share, of the first request; `cpu` is seconds."""
        cpu = time.process_time()
        found = {"answered": self.answered, "first": self._first, "cpu": cpu - self._cpu}
        self.answered, self._first, self._cpu = 0, None, cpu
        return found


class Connection(asyncio.Protocol):
    """One client: requests may come in pieces, or several at once; answers keep their order."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._received = b""
        self._late: deque[tuple[bytes, bool]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        for head in heads:
            self._reply(head)
        if len(self._received) > MOST_HEAD:
            self._transport.close()

    def pause_writing(self) -> None:
        self._transport.pause_reading()  # who does not read gets no more to read

    def resume_writing(self) -> None:
        self._transport.resume_reading()

    def _reply(self, head: bytes) -> None:
        self._site.count()
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        found = self._site.answers.get(path, NOT_FOUND) if method == b"GET" else NOT_ALLOWED
        is_last = b"connection: close" in head.lower() or method != b"GET"
        if not self._site.latency:
            self._send(found, is_last)
            return
        self._late.append((found, is_last))
        asyncio.get_running_loop().call_later(
            self._site.latency, lambda: self._send(*self._late.popleft())
        )

    def _send(self, found: bytes, is_last: bool) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(found)
        if is_last:
            self._transport.close()


async def serve(latency: float) -> None:
    """Serve on a free port of 127.0.0.1 until stdin ends."""
    pages = dict(bodies())
    answers = {path.encode(): answer("200 OK", body) for path, body in pages.items()}
    site, loop = Site(answers, latency), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(site), "127.0.0.1", 0, backlog=1024)
    questions = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    _tell(
        {
            "port": server.sockets[0].getsockname()[1],
            "paths": list(pages),
            "mean_bytes": sum(map(len, pages.values())) // len(pages),
        }
    )
    async for _ in questions:
        _tell(site.news())


def _tell(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0))
