"""A server that answers every GET with one page, and is never the bottleneck.

python responder.py [--hosts A-B] [--delay S] [--slow HOST=S] [--bytes N] [--busy] [--enough N]

It prints its port. On SIGTERM, or when all hosts that are not slow have answered `--enough` times
together, it prints as JSON by address how many requests there were, and when the first and the
last of them were answered; it goes on answering until SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

try:
    from uvloop import run as run_loop  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from asyncio import run as run_loop

PAGE = (
    "<html><head><title>A page</title><meta name='description' content='Small'></head>"
    "<body><h1>Hello</h1><a href='/a'>a</a><a href='/b'>b</a>"
)


BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 900\r\nContent-Length: 0\r\n\r\n"


def answer(size: int) -> bytes:
    """A whole response; its page is filled up to `size` bytes with small paragraphs."""
    filling = "<p>some words</p>"
    body = (PAGE + filling * max(0, (size - len(PAGE)) // len(filling))).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


class Log:
    """Of one address."""

    def __init__(self) -> None:
        self.requests, self.first, self.last = 0, 0.0, 0.0

    def note(self) -> None:
        self.last = time.time()
        self.first = self.first or self.last
        self.requests += 1


class Connection(asyncio.Protocol):
    """One client. It does not pipeline, so a blank line is one request."""

    def __init__(self, delay: float, page: bytes, note: Callable[[], None]) -> None:
        self._delay, self._page, self._note = delay, page, note
        self._end = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._end = (self._end + data)[-4:]
        if self._end != b"\r\n\r\n":
            return
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._note()
            self._transport.write(self._page)


class Server:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._logs: dict[str, Log] = {}
        self._over = asyncio.Event()
        self._left = options.enough

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._over.set)
        options, port = self._options, 0
        first, _, last = options.hosts.partition("-")
        hosts = {f"127.0.0.{n}": options.delay for n in range(int(first), int(last or first) + 1)}
        slow = {host: float(delay) for host, _, delay in (x.partition("=") for x in options.slow)}
        page = BUSY if options.busy else answer(options.bytes)
        for host, delay in {**hosts, **slow}.items():
            log = self._logs[host] = Log()
            note = log.note if host in slow else partial(self._note, log)
            sock = socket.create_server((host, port), backlog=4096)
            port = sock.getsockname()[1]
            connection = partial(Connection, delay, page, note)
            await loop.create_server(connection, sock=sock, backlog=4096)
        print(port, flush=True)
        await self._over.wait()
        if options.enough <= 0 or self._left > 0:
            self._print()

    def _note(self, log: Log) -> None:
        log.note()
        self._left -= 1
        if self._left == 0:
            self._print()

    def _print(self) -> None:
        print(json.dumps({host: vars(log) for host, log in self._logs.items()}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", default="1", help="last parts of 127.0.0.x")
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--slow", action="append", default=[], metavar="HOST=SECONDS")
    parser.add_argument("--bytes", type=int, default=0)
    parser.add_argument("--busy", action="store_true", help="say 503, and to come back much later")
    parser.add_argument("--enough", type=int, default=0)
    run_loop(Server(parser.parse_args()).serve())
