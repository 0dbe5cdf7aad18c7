"""The shop as a web server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from scrapeq.demo import files, pages
from scrapeq.demo.kinds import NUMBERS, listed_path, trail
from scrapeq.demo.layout import notice
from scrapeq.demo.manners import Manners, html
from scrapeq.demo.shop import product

_LOOPBACK = "127.0.0.1"


class DemoSite:
    """`async with DemoSite() as site:` serves the shop until the block ends.

    What the first request for a page changes (some fail only once) is remembered for each site
    apart. Entering raises OSError if the port is taken.
    """

    url: str
    """Scheme, host and port, without a slash at the end. There once the site is entered."""

    def __init__(self, port: int = 0) -> None:
        """Port 0 is any free one."""
        self._port = port

    async def __aenter__(self) -> DemoSite:
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, _LOOPBACK, self._port).start()
        self.url = f"http://{_LOOPBACK}:{self._runner.addresses[0][1]}"
        self._manners = Manners(self.url)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    def product_urls(self) -> Iterator[str]:
        """All 1,000, in order of number, good and bad."""
        return (self.url + listed_path(number) for number in NUMBERS)

    def _app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get(r"/catalogue/book-{number:\d{1,4}}.html", self._product),
                web.get(r"/books/{number:\d{1,4}}", self._product),
                web.get(r"/books/{number:\d{1,4}}/", self._product),
                web.get(r"/library/{number:\d{1,4}}/", self._product),
                web.get(r"/catalogue/page-{page:\d{1,2}}.html", _listing),
                web.get(r"/media/covers/{number:\d{1,4}}.svg", _cover),
                web.get("/", _home),
                web.get("/about.html", _about),
                web.get("/static/shop.css", _style),
                web.get("/robots.txt", self._robots),
                web.get("/sitemap.xml", self._sitemap),
                web.get("/{path:.*}", _missing),
            ]
        )
        return app

    async def _product(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        if number not in NUMBERS or request.path not in trail(number):
            return await _missing(request)
        return await self._manners.answer(request, number)

    async def _robots(self, request: web.Request) -> web.Response:
        return web.Response(text=files.robots(self.url))

    async def _sitemap(self, request: web.Request) -> web.Response:
        return web.Response(text=files.sitemap(self.url), content_type="application/xml")


async def _home(request: web.Request) -> web.Response:
    return html(pages.home_page())


async def _about(request: web.Request) -> web.Response:
    return html(pages.about_page())


async def _listing(request: web.Request) -> web.Response:
    page = int(request.match_info["page"])
    if not 1 <= page <= pages.LISTINGS:
        return await _missing(request)
    return html(pages.listing_page(page))


async def _cover(request: web.Request) -> web.Response:
    number = int(request.match_info["number"])
    if number not in NUMBERS:
        return await _missing(request)
    return web.Response(text=files.cover(product(number)), content_type="image/svg+xml")


async def _style(request: web.Request) -> web.Response:
    return web.Response(text=files.STYLE, content_type="text/css")


async def _missing(request: web.Request) -> web.Response:
    return html(notice("No such page", "Perhaps it fell behind a shelf."), 404)
