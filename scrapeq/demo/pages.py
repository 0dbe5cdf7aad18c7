"""The shop's other pages: home, the listing pages, about."""

from __future__ import annotations

from functools import cache

from scrapeq.demo.kinds import COUNT
from scrapeq.demo.layout import SHOP, layout, pod
from scrapeq.demo.shop import product, products

SHELF = 20
"""Products on one listing page."""

LISTINGS = COUNT // SHELF

_FEATURED = (42, 118, 256, 377, 512, 640, 801, 936)

_ABOUT = """<h1>About us</h1>
<p>Quillwick Books began as two crates on a ferry landing and now fills four rooms and a stair.
We keep a thousand titles, most of them patient.</p>
<p>None of them exists. The shop, its books and their authors were invented for people who learn
to collect data from pages: some of our shelves answer late, some are gone, a few speak in odd
alphabets. Take whatever you like, as fast as you like.</p>"""


def listing_path(page: int) -> str:
    """`page` counts from 1."""
    return f"/catalogue/page-{page}.html"


def home_page() -> str:
    featured = "\n".join(pod(product(number)) for number in _FEATURED)
    # Its lists are relative to the catalogue, as on the listing pages.
    base = '<base href="/catalogue/">\n'
    body = f"""<h1>Welcome to {SHOP}</h1>
<p>{COUNT:,} books that nobody else has. <a href="page-1.html">See all of them</a>, or
<a href="/about.html">read about us</a>.</p>
<h2>On the table by the door</h2>
<ol class="row">
{featured}
</ol>"""
    return layout("New and rediscovered", body, base)


def about_page() -> str:
    return layout("About us", _ABOUT)


@cache
def listing_page(page: int) -> str:
    """`page` counts from 1."""
    first = (page - 1) * SHELF
    pods = "\n".join(map(pod, products()[first : first + SHELF]))
    body = f"""<ul class="breadcrumb">
<li><a href="/">Home</a></li>
<li class="active">Books</li>
</ul>
<h1>All books</h1>
<p><strong>{COUNT}</strong> results, showing {first + 1} to {first + SHELF}.</p>
<ol class="row">
{pods}
</ol>
{_pager(page)}"""
    return layout(f"All books, page {page} of {LISTINGS}", body)


def _pager(page: int) -> str:
    back = f'<li class="previous"><a rel="prev" href="page-{page - 1}.html">previous</a></li>\n'
    on = f'\n<li class="next"><a rel="next" href="page-{page + 1}.html">next</a></li>'
    return (
        f'<ul class="pager">\n{back if page > 1 else ""}'
        f'<li class="current">Page {page} of {LISTINGS}</li>{on if page < LISTINGS else ""}\n</ul>'
    )
