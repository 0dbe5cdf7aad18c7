"""A small web server on loopback for tests of the whole program.

It serves numbered pages, keeps the order in which they were asked for, and holds its answers
back for as long as a test likes. It runs in a thread of its own: a test looks at what it has
seen without asking.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

PATIENCE = 40.0
"""Seconds after which something that should have happened has not."""


@dataclass(frozen=True)
class Answer:
    """What the server says to one request."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"}
    )


def html(title: str, body: str = "") -> bytes:
    page = f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1>{body}</html>"
    return page.encode()


def moved(target: str) -> Answer:
    return Answer(status=302, headers={"Location": target})


MISSING = Answer(html("No such page"), 404)
BUSY = Answer(html("Not now"), 503)


class Site:
    """`/page/N` is a page with the title `Page N`; `answers` has others, by path.

    Of several answers to one path each is given once, and the last one for ever.
    """

    url: str

    def __init__(self) -> None:
        self.answers: dict[str, Sequence[Answer]] = {"/robots.txt": [MISSING]}
        self.arrivals: list[str] = []
        """Paths in the order in which they were asked for, robots.txt left out."""
        self.counts: Counter[str] = Counter()
        """Requests by path, robots.txt included."""
        self.headers: dict[str, Mapping[str, str]] = {}
        """Of the last request for each path."""
        self._news = threading.Condition()
        self._free = float("inf")
        self._waiting: list[asyncio.Event] = []

    def page(self, number: int) -> str:
        return f"{self.url}/page/{number}"

    def pages(self, count: int) -> list[str]:
        """The URLs of pages 1 to `count`."""
        return [self.page(number) for number in range(1, count + 1)]

    def add(self, path: str, *answers: Answer) -> str:
        """Give these answers at `path`, one after another; return its URL."""
        self.answers[path] = answers
        return self.url + path

    def hold(self, after: int = 0) -> None:
        """From now on answer `after` requests, and keep all later ones waiting."""
        self._loop.call_soon_threadsafe(self._set_free, len(self.arrivals) + after)

    def release(self) -> None:
        """Answer whoever waits, and everybody from now on."""
        self._loop.call_soon_threadsafe(self._set_free, float("inf"))

    def wait_for(self, arrived: int) -> None:
        """Return when so many requests have arrived, all in all."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.arrivals) >= arrived, PATIENCE):
                raise TimeoutError(f"{len(self.arrivals)} requests, not {arrived}")

    # ---- in the server's thread

    async def serve(self, ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready()
        await self._stopped.wait()
        await runner.cleanup()

    def stop(self) -> None:
        self.release()
        self._loop.call_soon_threadsafe(self._stopped.set)

    def _set_free(self, number: float) -> None:
        self._free = number
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            event.set()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path_qs
        self.counts[path] += 1
        self.headers[path] = dict(request.headers)
        if path != "/robots.txt":
            await self._wait_for_turn(path)
        answer = self._answer_for(path)
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)

    async def _wait_for_turn(self, path: str) -> None:
        with self._news:
            self.arrivals.append(path)
            self._news.notify_all()
        turn = len(self.arrivals)
        while turn > self._free:
            event = asyncio.Event()
            self._waiting.append(event)
            await event.wait()

    def _answer_for(self, path: str) -> Answer:
        if answers := self.answers.get(path):
            return answers[min(self.counts[path], len(answers)) - 1]
        kind, _, number = path.strip("/").partition("/")
        if kind != "page":
            return MISSING
        return Answer(html(f"Page {number}", f'<a href="/page/{number}0">more</a>'))


@contextmanager
def serving() -> Iterator[Site]:
    """A Site that listens until the block ends."""
    site, ready = Site(), threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(site.serve(ready.set)), name="site", daemon=True
    )
    thread.start()
    if not ready.wait(PATIENCE):
        raise TimeoutError("the server did not start")
    try:
        yield site
    finally:
        site.stop()
        thread.join(PATIENCE)
