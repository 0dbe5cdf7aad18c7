"""A web of three hosts and 50 URLs, with one of each way to answer. It is quick, and it does not
mind what clients do."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakSet

from tests.servers import answer, chunked, path_of, redirect
from tests.site import PATIENCE, html


class SmallWeb:
    """`a.test` and `b.test` by HTTP, `s.test` by HTTPS."""

    def __init__(self, plain: int, tls: int) -> None:
        self.plain = plain
        self.tls = tls
        self.open: WeakSet[asyncio.Transport] = WeakSet()

    def urls(self) -> list[str]:
        a, b = f"http://a.test:{self.plain}", f"http://b.test:{self.plain}"
        odd = ["/missing", "/image", "/busy", "/private/1", "/moved/1", "/moved/2", "/big/1"]
        return [
            *(f"{a}/page/{n}" for n in range(19)),
            *(a + path for path in odd),
            *(f"{a}/chunked/{n}" for n in range(5)),
            *(f"{a}/gzip/{n}" for n in range(3)),
            *(f"{b}/page/{n}" for n in range(8)),
            *(f"https://s.test:{self.tls}/page/{n}" for n in range(7)),
            "ftp://a.test/no-web",
        ]

    def replies(self, head: bytes) -> bytes:
        path = path_of(head)
        kind, _, number = path.strip("/").partition("/")
        page = html(f"{kind} {number}", f'<a href="/{kind}/{number}0">more</a>')
        match kind:
            case "page":
                return answer(page)
            case "big":
                return answer(html(path, "<p>text</p>" * 30_000))
            case "chunked":
                return chunked(page[:20], page[20:])
            case "gzip":
                return answer(gzip.compress(page, mtime=0), Content_Encoding="gzip")
            case "moved":
                return redirect(f"http://b.test:{self.plain}/page/moved-{number}", body=page)
            case "busy":
                return answer(page, "503 Not Now")
            case "image":
                return answer(b"\x89PNG", Content_Type="image/png")
            case "robots.txt" if b"Host: a.test" in head:
                return answer(b"User-agent: *\nDisallow: /private\n", Content_Type="text/plain")
        return answer(html("Nothing"), "404 Not Found")


class _Peer(asyncio.Protocol):
    def __init__(self, web: SmallWeb) -> None:
        self._web = web
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._web.open.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._web.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, _, self._rest = self._rest.partition(b"\r\n\r\n")
            self._transport.write(self._web.replies(head))


@contextmanager
def small_web(tls: ssl.SSLContext) -> Iterator[SmallWeb]:
    """It answers until the block ends."""
    web = SmallWeb(0, 0)
    ready = threading.Event()
    stopping: list[Callable[[], object]] = []

    async def serve() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(lambda _, context: None)  # TLS that breaks off
        listeners = [
            await loop.create_server(lambda: _Peer(web), "127.0.0.1", 0, ssl=context, backlog=256)
            for context in (None, tls)
        ]
        web.plain, web.tls = (one.sockets[0].getsockname()[1] for one in listeners)
        stopping.append(lambda: loop.call_soon_threadsafe(stopped.set))
        ready.set()
        await stopped.wait()
        for listener in listeners:
            listener.close()
        for transport in list(web.open):
            transport.abort()
        await asyncio.sleep(0)  # they are closed in the next round

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="small web", daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield web
    finally:
        stopping[0]()
        thread.join(PATIENCE)
