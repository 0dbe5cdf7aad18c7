"""The site that the torture runs scrape, for a process of its own: `python site.py` (the standard
library only, so that it is there at once).

It is asked for pages, and on the same port for what it has seen:

- `/_tally` gives the requests so far, by path, once every other connection has ended: what a
  killed program had sent is counted then.
- `/_reset` forgets them all.
- `/_kill?pid=&group=&at=&after=` kills that process, or its group, `after` seconds after request
  number `at` has come.

Its first line on stdout is its port. It serves until its stdin ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from typing import cast
from urllib.parse import parse_qsl

SLOW = 0.2
"""Seconds that a slow page takes."""


class Seen:
    """What was asked for, who is connected, and whom to kill when."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.total = 0
        self.connections = 0
        self.ended = asyncio.Condition()
        self._victim: tuple[int, int, bool, float] | None = None

    def count(self, path: str) -> int:
        self.counts[path] += 1
        self.total += 1
        self._look()
        return self.counts[path]

    def reset(self) -> None:
        self.counts.clear()
        self.total, self._victim = 0, None

    def kill(self, *, pid: int, group: bool, at: int, after: float) -> None:
        self._victim = (at, pid, group, after)
        self._look()

    def _look(self) -> None:
        if self._victim is not None and self.total >= self._victim[0]:
            _, pid, group, after = self._victim
            self._victim = None
            asyncio.get_running_loop().call_later(after, _kill, pid, group)


def _kill(pid: int, group: bool) -> None:
    with suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, signal.SIGKILL)


def _answer(status: str, body: bytes = b"", *headers: str, kind: str = "text/html") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *headers]
    if not any(header.startswith("Content-Length") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _page(name: str) -> bytes:
    parts = "".join(f"<li>Part {letter} of {name}" for letter in "abc")
    body = f"<!doctype html><html><title>Page {name}</title><ul>{parts}</ul></html>"
    return _answer("200 OK", body.encode())


async def _reply(path: str, time: int) -> tuple[bytes, bool]:
    """The answer to the request number `time` for a path, and whether it is cut short."""
    _, kind, name, *_ = (path + "//").split("/")
    match kind:
        case "page" | "moved":
            return _page(name), False
        case "slow":
            await asyncio.sleep(SLOW)
            return _page(name), False
        case "busy" if time > 1:
            return _page(name), False
        case "busy" | "down":
            return _answer("503 Service Unavailable"), False
        case "gone":
            return _answer("410 Gone"), False
        case "old":
            return _answer("302 Found", b"", f"Location: /moved/{name}"), False
        case "older":
            return _answer("301 Moved Permanently", b"", f"Location: /old/{name}"), False
        case "image":
            return _answer("200 OK", b"\x89PNG", kind="image/png"), False
        case "cut":
            return _answer("200 OK", b"<title>Half", "Content-Length: 1000"), True
    return _answer("404 Not Found"), False


async def _serve(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    seen.connections += 1
    try:
        while line := await reader.readline():
            target = line.decode("latin-1").split(" ")[1]
            while await reader.readline() not in (b"\r\n", b""):
                pass
            if target.startswith("/_"):
                answer, is_last = await _tell(seen, target), True
            else:
                answer, is_last = await _reply(target, seen.count(target))
            writer.write(answer)
            await writer.drain()
            if is_last:
                return
    except (OSError, ValueError, IndexError):
        pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        async with seen.ended:
            seen.connections -= 1
            seen.ended.notify_all()


async def _tell(seen: Seen, target: str) -> bytes:
    command, _, query = target[2:].partition("?")
    found = dict(parse_qsl(query))
    match command:
        case "tally":
            async with seen.ended:
                await seen.ended.wait_for(lambda: seen.connections == 1)
        case "reset":
            seen.reset()
        case "kill":
            seen.kill(
                pid=int(found["pid"]),
                group=found["group"] == "1",
                at=int(found["at"]),
                after=float(found["after"]),
            )
    body = json.dumps(seen.counts).encode()
    return _answer("200 OK", body, kind="application/json")


async def main() -> None:
    seen = Seen()
    server = await asyncio.start_server(
        lambda reader, writer: _serve(seen, reader, writer), "127.0.0.1", 0, backlog=1024
    )
    end = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(end), sys.stdin)
    sys.stdout.write(f"{cast('tuple[str, int]', server.sockets[0].getsockname())[1]}\n")
    sys.stdout.flush()
    await end.read()


if __name__ == "__main__":
    asyncio.run(main())
