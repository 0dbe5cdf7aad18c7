"""How a product's page is handed over: late, at the second asking, in part, or as it should be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from scrapeq.demo.kinds import Kind, kind_of, trail, wait_of
from scrapeq.demo.layout import notice
from scrapeq.demo.wire import coding_for, reply

Handler = Callable[[web.Request, int], Awaitable[web.StreamResponse]]

_REDIRECTS = (301, 302, 308)


class Manners:
    """Answers for one server, and remembers which products that server was asked for."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._asked: set[int] = set()
        self._handlers: Mapping[Kind, Handler] = {
            Kind.SLOW: self._late,
            Kind.GONE: self._gone,
            Kind.FAILS_ONCE: self._failing,
            Kind.BUSY_ONCE: self._busy,
            Kind.DROPPED_ONCE: self._dropping,
            Kind.CUT_SHORT: self._cutting,
            Kind.MOVED: self._moving,
            Kind.LOOP: self._moving,
        }

    async def answer(self, request: web.Request, number: int) -> web.StreamResponse:
        handler = self._handlers.get(kind_of(number), self._whole)
        return await handler(request, number)

    async def _whole(self, request: web.Request, number: int) -> web.StreamResponse:
        coding = coding_for(number, request.headers.get("Accept-Encoding", ""))
        page = reply(number, self._origin, coding)
        return web.Response(body=page.body, headers=page.headers)

    async def _late(self, request: web.Request, number: int) -> web.StreamResponse:
        await asyncio.sleep(wait_of(number))
        return await self._whole(request, number)

    async def _gone(self, request: web.Request, number: int) -> web.StreamResponse:
        return html(notice("Gone", "We no longer keep this book."), 404)

    async def _failing(self, request: web.Request, number: int) -> web.StreamResponse:
        if self._is_first(number):
            return html(notice("Something broke", "Please try again."), 500)
        return await self._whole(request, number)

    async def _busy(self, request: web.Request, number: int) -> web.StreamResponse:
        if self._is_first(number):
            page = html(notice("One at a time", "Please come back in a second."), 429)
            page.headers["Retry-After"] = "1"
            return page
        return await self._whole(request, number)

    async def _dropping(self, request: web.Request, number: int) -> web.StreamResponse:
        if self._is_first(number):
            hang_up(request)
        return await self._whole(request, number)

    async def _cutting(self, request: web.Request, number: int) -> web.StreamResponse:
        page = reply(number, self._origin)
        response = web.StreamResponse(headers=page.headers)
        response.content_length = len(page.body)
        await response.prepare(request)
        await response.write(page.body[: len(page.body) // 2])
        hang_up(request)
        return response

    async def _moving(self, request: web.Request, number: int) -> web.StreamResponse:
        """Redirect along the trail, until the request is for its last path."""
        steps = trail(number)
        place = steps.index(request.path)
        if place == len(steps) - 1:
            return await self._whole(request, number)
        status = _REDIRECTS[place]
        return web.Response(status=status, headers={"Location": steps[place + 1]})

    def _is_first(self, number: int) -> bool:
        first = number not in self._asked
        self._asked.add(number)
        return first


def html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")


def hang_up(request: web.Request) -> None:
    """Close the connection once what was already written to it has left."""
    if request.transport is not None:
        request.transport.close()
