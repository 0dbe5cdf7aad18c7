"""The demo's server, asked as a client would: every kind of page behaves as stated."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import brotli
import pytest
from aiohttp import ClientPayloadError, ClientSession, TooManyRedirects
from protego import Protego
from selectolax.lexbor import LexborHTMLParser
from w3lib.encoding import html_to_unicode

from scrapeq.demo.kinds import (
    NUMBERS,
    NUMBERS_BY_KIND,
    Expected,
    Kind,
    expected,
    kind_of,
    trail,
    wait_of,
)
from scrapeq.demo.shop import Product, product, products
from scrapeq.demo.site import DemoSite

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODINGS: list[tuple[Kind, str, Callable[[bytes], bytes]]] = [
    (Kind.GZIP, "gzip", gzip.decompress),
    (Kind.BROTLI, "br", brotli.decompress),
    (Kind.ZSTD, "zstd", zstd.decompress),
    (Kind.DEFLATE, "deflate", zlib.decompress),
]

CHARSETS = [
    (Kind.WINDOWS_1251, "text/html; charset=windows-1251", b"", "cp1251"),
    (Kind.SHIFT_JIS, "text/html", b'<meta charset="shift_jis">', "cp932"),
    (Kind.LATIN_1, "text/html; charset=iso-8859-1", b'<meta charset="iso-8859-1">', "cp1252"),
    (Kind.UTF_16, "text/html", b"", "utf-16-le"),
    (Kind.GB2312, "text/html; charset=gb2312", b'<meta charset="gb2312">', "gb18030"),
]


@dataclass(frozen=True)
class Answer:
    """What came back, the body as it was on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    hops: list[int]
    url: str

    @property
    def text(self) -> str:
        return html_to_unicode(self.headers["Content-Type"], self.body)[1]

    @property
    def tree(self) -> LexborHTMLParser:
        return LexborHTMLParser(self.text)


class Client:
    """Asks a site for paths, on a connection of its own each time."""

    def __init__(self, site: DemoSite) -> None:
        self.site = site

    async def get(self, path: str, accept: str = "identity", redirects: bool = True) -> Answer:
        headers = {"Accept-Encoding": accept}
        async with (
            ClientSession(auto_decompress=False, headers=headers) as session,
            session.get(self.site.url + path, allow_redirects=redirects) as page,
        ):
            hops = [hop.status for hop in page.history]
            body = await page.read()
            return Answer(page.status, dict(page.headers), body, hops, str(page.url))

    async def product(self, number: int, accept: str = "identity") -> Answer:
        return await self.get(product(number).path, accept)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with DemoSite() as site:
        yield Client(site)


async def raw_answer(site: DemoSite, path: str) -> bytes:
    """All bytes until the server hangs up; aiohttp would quietly ask a second time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(site.url).port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def first(kind: Kind) -> int:
    return NUMBERS_BY_KIND[kind][0]


def text_of(tree: LexborHTMLParser, selector: str) -> str:
    node = tree.css_first(selector)
    assert node is not None, selector
    return node.text()


def attribute_of(tree: LexborHTMLParser, selector: str, name: str) -> str:
    node = tree.css_first(selector)
    assert node is not None, selector
    return node.attributes[name] or ""


def facts_of(tree: LexborHTMLParser) -> dict[str, str]:
    return {row.css("th")[0].text(): row.css("td")[0].text() for row in tree.css(".table tr")}


def shown_on(tree: LexborHTMLParser, number: int) -> Product:
    """The product as a reader of the page would write it down."""
    facts = facts_of(tree)
    return Product(
        number=number,
        title=text_of(tree, "h1"),
        author=text_of(tree, ".author span"),
        price=float(text_of(tree, ".price_color").removeprefix("£")),
        stock=int(text_of(tree, ".availability").split("(")[1].split()[0]),
        rating=int(attribute_of(tree, ".star-rating", "title")[0]),
        category=tuple(node.text() for node in tree.css(".breadcrumb .category")),
        upc=facts["UPC"],
        description=text_of(tree, ".description"),
    )


async def ending(client: Client, number: int) -> tuple[str, str]:
    """How a client that retries twice would file the product's URL."""
    for _ in range(3):
        try:
            page = await client.product(number)
        except TooManyRedirects:
            return "failed", "redirects"
        except ClientPayloadError:
            return "failed", "truncated"
        if page.status == 200:
            html = page.headers["Content-Type"].startswith("text/html")
            return ("done", "") if html else ("skipped", "content_type")
        if page.status == 404:
            return "failed", "404"
    return "failed", "retries"


def counted(endings: list[tuple[str, str]]) -> Expected:
    counts = Counter(endings)
    failed, skipped = (
        {why: n for (state, why), n in counts.items() if state == name}
        for name in ("failed", "skipped")
    )
    return Expected(counts["done", ""], failed, skipped)


async def test_a_client_that_retries_ends_as_expected(client: Client) -> None:
    special = [number for number in NUMBERS if kind_of(number) not in (Kind.PLAIN, Kind.SLOW)]
    assert counted([await ending(client, number) for number in special]) == expected(special)


async def test_every_page_that_can_be_read_shows_its_product(client: Client) -> None:
    unreadable = (Kind.GONE, Kind.CUT_SHORT, Kind.LOOP, Kind.PDF, Kind.SLOW)
    for number in [number for number in NUMBERS if kind_of(number) not in unreadable]:
        if kind_of(number) in (Kind.FAILS_ONCE, Kind.BUSY_ONCE, Kind.DROPPED_ONCE):
            await ending(client, number)
        page = await client.product(number)
        assert shown_on(page.tree, number) == product(number)


async def test_a_page_says_the_same_in_its_json_ld(client: Client) -> None:
    angled = next(book.number for book in products() if "<" in book.title)
    for number in (1, angled, *(first(kind) for kind, *_ in CHARSETS), first(Kind.HOSTILE)):
        tree = (await client.product(number)).tree
        script = text_of(tree, 'script[type="application/ld+json"]')
        assert "<" not in script
        data = json.loads(script)
        assert data["@type"] == "Product"
        assert (data["name"], data["sku"]) == (product(number).title, product(number).upc)
        assert float(data["offers"]["price"]) == product(number).price


async def test_a_page_says_the_same_to_those_who_link_to_it(client: Client) -> None:
    book, tree = product(1), (await client.product(1)).tree
    assert attribute_of(tree, 'meta[name="description"]', "content") == book.description
    assert attribute_of(tree, 'meta[property="og:title"]', "content") == book.title
    assert attribute_of(tree, 'link[rel="canonical"]', "href") == client.site.url + book.path
    assert attribute_of(tree, "html", "lang") == "en"
    assert facts_of(tree)["Price"] == text_of(tree, ".price_color") == f"£{book.price:.2f}"


async def test_the_listing_pages_lead_to_every_product_in_order(client: Client) -> None:
    url, links, pages = client.site.url + "/catalogue/page-1.html", list[str](), 0
    while url:
        tree = (await client.get(urlsplit(url).path)).tree
        found = [node.attributes["href"] or "" for node in tree.css("article.product_pod h3 a")]
        links += [urljoin(url, link) for link in found]
        ahead = tree.css("li.next a")
        url, pages = urljoin(url, ahead[0].attributes["href"]) if ahead else "", pages + 1
    assert pages == 50
    assert links == list(client.site.product_urls())


async def test_a_listing_page_shows_what_the_product_pages_show(client: Client) -> None:
    tree = (await client.get("/catalogue/page-2.html")).tree
    shown = [
        (
            pod.css("h3 a")[0].attributes["title"],
            float(pod.css(".price_color")[0].text().removeprefix("£")),
            int((pod.css(".star-rating")[0].attributes["title"] or "0")[0]),
            urljoin("/catalogue/page-2.html", pod.css("img")[0].attributes["src"]),
        )
        for pod in tree.css("article.product_pod")
    ]
    assert shown == [(p.title, p.price, p.rating, p.image) for p in products()[20:40]]


@pytest.mark.parametrize("path", ["/", "/about.html", "/catalogue/page-50.html", product(1).path])
async def test_every_link_picture_and_style_of_a_page_is_there(client: Client, path: str) -> None:
    page = await client.get(path)
    base = page.tree.css("base")
    root = urljoin(path, base[0].attributes["href"]) if base else path
    for node in page.tree.css("a, img, link[rel=stylesheet]"):
        link = node.attributes.get("href") or node.attributes.get("src")
        answer = await client.get(urlsplit(urljoin(root, link)).path)
        assert answer.status == 200, link


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/books/17", "/media/covers/0.svg", "/catalogue/page-0.html"]
    + [f"/catalogue/{name}.html" for name in ("page-51", "book-0", "book-01", "book-1001")],
)
async def test_what_the_shop_does_not_have_is_a_404_with_a_page(client: Client, path: str) -> None:
    page = await client.get(path)
    assert page.status == 404
    assert text_of(page.tree, "h1") == "No such page"


async def test_robots_allow_everything_and_name_the_sitemap(client: Client) -> None:
    rules = Protego.parse((await client.get("/robots.txt")).body.decode())
    assert all(rules.can_fetch(url, "scrapeq") for url in client.site.product_urls())
    assert list(rules.sitemaps) == [client.site.url + "/sitemap.xml"]


async def test_the_sitemap_names_every_page(client: Client) -> None:
    page = await client.get("/sitemap.xml")
    places = [node.text() for node in LexborHTMLParser(page.body.decode()).css("loc")]
    assert set(client.site.product_urls()) <= set(places)
    assert len(places) == len(set(places)) == 1_052


@pytest.mark.parametrize(("kind", "header", "meta", "codec"), CHARSETS)
async def test_odd_charsets_are_declared_as_stated_and_decode_right(
    client: Client, kind: Kind, header: str, meta: bytes, codec: str
) -> None:
    for number in NUMBERS_BY_KIND[kind]:
        page = await client.product(number)
        assert page.headers["Content-Type"] == header
        assert meta in page.body
        assert (b"<meta charset" in page.body) == (meta != b"")
        assert html_to_unicode(header, page.body)[0] == codec
        assert product(number).title.encode(codec) in page.body
        assert not product(number).title.isascii()


async def test_pages_labelled_gb2312_hold_characters_that_it_lacks(client: Client) -> None:
    for number in NUMBERS_BY_KIND[Kind.GB2312]:
        with pytest.raises(UnicodeDecodeError):
            (await client.product(number)).body.decode("gb2312")


async def test_pages_labelled_iso_8859_1_hold_quotes_that_it_lacks(client: Client) -> None:
    for number in NUMBERS_BY_KIND[Kind.LATIN_1]:
        assert set((await client.product(number)).body) & set(range(0x80, 0xA0))


async def test_utf_16_pages_begin_with_their_byte_order_mark(client: Client) -> None:
    page = await client.product(first(Kind.UTF_16))
    assert page.body.startswith(b"\xff\xfe<\x00")


@pytest.mark.parametrize(("kind", "coding", "decompress"), CODINGS)
async def test_pages_are_compressed_for_those_who_can_read_it(
    client: Client, kind: Kind, coding: str, decompress: Callable[[bytes], bytes]
) -> None:
    packed = await client.product(first(kind), accept="gzip, deflate, br, zstd")
    plain = await client.product(first(kind))
    assert packed.headers["Content-Encoding"] == coding
    assert "Content-Encoding" not in plain.headers
    assert decompress(packed.body) == plain.body


@pytest.mark.parametrize(("kind", "coding", "decompress"), CODINGS)
async def test_pages_are_not_compressed_for_those_who_refuse_it(
    client: Client, kind: Kind, coding: str, decompress: Callable[[bytes], bytes]
) -> None:
    page = await client.product(first(kind), accept=f"{coding};q=0, compress")
    assert "Content-Encoding" not in page.headers
    assert shown_on(page.tree, first(kind)) == product(first(kind))


async def test_slow_pages_are_late_but_whole_and_hold_up_nobody(client: Client) -> None:
    async def seconds(number: int) -> float:
        start = time.monotonic()
        page = await client.product(number)
        assert shown_on(page.tree, number) == product(number)
        return time.monotonic() - start

    slow = NUMBERS_BY_KIND[Kind.SLOW]
    waits = [wait_of(number) for number in slow]
    start = time.monotonic()
    taken = await asyncio.gather(*map(seconds, slow))
    assert all(took >= wait for took, wait in zip(taken, waits, strict=True))
    assert time.monotonic() - start < sum(waits) / 2


async def test_gone_products_are_404_however_often_one_asks(client: Client) -> None:
    for number in [*NUMBERS_BY_KIND[Kind.GONE], first(Kind.GONE)]:
        assert (await client.product(number)).status == 404


async def test_some_products_are_500_at_first_and_fine_afterwards(client: Client) -> None:
    for number in NUMBERS_BY_KIND[Kind.FAILS_ONCE]:
        statuses = [(await client.product(number)).status for _ in range(3)]
        assert statuses == [500, 200, 200]


async def test_some_products_are_429_at_first_and_say_when_to_come_back(client: Client) -> None:
    for number in NUMBERS_BY_KIND[Kind.BUSY_ONCE]:
        refused = await client.product(number)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert (await client.product(number)).status == 200


async def test_a_new_site_has_forgotten_who_asked(client: Client) -> None:
    assert (await client.product(first(Kind.FAILS_ONCE))).status == 500
    async with DemoSite() as other:
        assert (await Client(other).product(first(Kind.FAILS_ONCE))).status == 500


async def test_moved_products_are_three_redirects_away(client: Client) -> None:
    for number in NUMBERS_BY_KIND[Kind.MOVED]:
        page = await client.product(number)
        assert page.hops == [301, 302, 308]
        assert page.url == client.site.url + product(number).home != product(number).path
        assert attribute_of(page.tree, 'link[rel="canonical"]', "href") == page.url


async def test_the_loop_comes_back_to_where_it_began(client: Client) -> None:
    start, other, _ = trail(first(Kind.LOOP))
    assert (await client.get(start, redirects=False)).headers["Location"] == other
    assert (await client.get(other, redirects=False)).headers["Location"] == start


async def test_the_pdf_is_a_pdf(client: Client) -> None:
    page = await client.product(first(Kind.PDF))
    assert page.headers["Content-Type"] == "application/pdf"
    assert page.body.startswith(b"%PDF-1.4\n")
    assert page.body.endswith(b"%%EOF\n")


async def test_a_body_cut_short_is_cut_short_every_time(client: Client) -> None:
    for number in NUMBERS_BY_KIND[Kind.CUT_SHORT]:
        for _ in range(3):
            head, body = (await raw_answer(client.site, product(number).path)).split(b"\r\n\r\n")
            promised = int(head.split(b"Content-Length: ")[1].split()[0])
            assert len(body) == promised // 2


async def test_a_dropped_connection_gives_no_byte_and_then_works(client: Client) -> None:
    for number in NUMBERS_BY_KIND[Kind.DROPPED_ONCE]:
        assert await raw_answer(client.site, product(number).path) == b""
        assert (await client.product(number)).status == 200


async def test_one_title_holds_escape_codes_and_bidi_overrides(client: Client) -> None:
    page = await client.product(first(Kind.HOSTILE))
    assert {"\x1b", "\x07", "\x9b", "\u202e", "\u2066"} <= set(text_of(page.tree, "title"))


async def test_the_site_is_on_the_port_it_was_given_and_leaves_it_free(client: Client) -> None:
    port = urlsplit(client.site.url).port
    assert port is not None
    with pytest.raises(OSError, match="in use"):
        async with DemoSite(port):
            pass
    async with DemoSite() as other:
        again = urlsplit(other.url).port or 0
    async with DemoSite(again) as site:
        assert site.url == f"http://127.0.0.1:{again}"
