"""The pages of the embedded site: the demo's books, as heavy as pages out there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape

from scrapeq.demo import words
from scrapeq.demo.layout import pod, price, stars
from scrapeq.demo.product_page import product_page
from scrapeq.demo.shop import Product, product

PAGES = 240
"""Different ones: together more than the caches of a processor hold."""

_ORIGIN = "https://quillwick.example"
_KILOBYTES = (8, 14, 18, 22, 28, 34, 42, 54, 80, 160)
"""What pages weigh, in turn: many small ones, some large, and 46 in the mean."""
_SHELF = 12


def bodies() -> Iterator[tuple[str, bytes]]:
    """The path and the body of each page, the same on every machine and in every run."""
    for number in range(1, PAGES + 1):
        kilobytes = _KILOBYTES[number % len(_KILOBYTES)]
        yield f"/catalogue/book-{number}.html", _page(product(number), 1000 * kilobytes).encode()


def _page(product: Product, wanted: int) -> str:
    """The demo's page, with menu, reviews and shelves until it has `wanted` characters."""
    small = product_page(product, _ORIGIN)
    top, main, rest = small.partition("<main>")
    content, end, foot = rest.partition("</main>")
    parts = [top, _style(), _menu(), main, content]
    size = len(small) + len(_style()) + len(_menu())
    for piece in _pieces(product.number):
        if size >= wanted:
            break
        parts.append(piece)
        size += len(piece)
    return "\n".join([*parts, end, foot])


def _pieces(number: int) -> Iterator[str]:
    """What fills a page: what readers say, and now and then a shelf of other books."""
    while True:
        number = number % PAGES + 1
        yield _shelf(number) if number % 6 == 0 else _review(product(number))


@cache
def _style() -> str:
    """What stands in each page's source and is no element: rules, and a script's settings."""
    rules = "\n".join(
        f".{noun.lower()}__item--{subject.lower()} {{ margin: 0 0 {n}px; color: #{n:06x}; }}"
        for noun in words.NOUNS[:8]
        for n, subject in enumerate(words.SUBJECTS[:4])
    )
    return f"<style>\n{rules}\n</style>\n<script>window.shop = {{'basket': []}};</script>"


@cache
def _menu() -> str:
    """The way to everywhere, as each page of a shop has it."""
    shelves = "\n".join(
        f'<li class="menu__shelf"><a class="menu__link" href="/shelf/{n}/">'
        f"<span>{escape(shelf)}</span></a></li>"
        for n, shelf in enumerate(words.SHELVES)
    )
    return f'<nav class="menu" aria-label="Shelves">\n<ul>\n{shelves}\n</ul>\n</nav>'


@cache
def _review(product: Product) -> str:
    opening, closing = (escape(words.OPENINGS[product.stock % 10]), words.CLOSINGS[product.rating])
    return f"""<section class="review" id="review-{product.number}">
<header class="review__head"><a class="review__author" href="/readers/{product.number}/">\
<img src="/media/readers/{product.number}.svg" alt="" width="40" height="40" loading="lazy">\
<span>{escape(product.author)}</span></a>
{stars(product)}</header>
<div class="review__body"><p>I came for <em>{escape(product.title)}</em> and stayed for this one.
{opening} {closing}</p>
<p>{escape(product.description)} At {price(product)} it is no risk, and it was sent within
{product.rating} days.</p></div>
<footer><a href="/reviews/{product.number}/helpful" rel="nofollow">Helpful</a> ({product.stock})
</footer>
</section>"""


@cache
def _shelf(number: int) -> str:
    books = (product((number + n) % PAGES + 1) for n in range(_SHELF))
    pods = "\n".join(map(pod, books))
    return f'<h2>Readers also took</h2>\n<ol class="row">\n{pods}\n</ol>'
