"""The frame around every page of the shop, and the pieces that several pages share."""

from __future__ import annotations

from html import escape

from scrapeq.demo.shop import Product

SHOP = "Quillwick Books"

_STARS = ("Zero", "One", "Two", "Three", "Four", "Five")


def layout(title: str, body: str, head: str = "", charset: str = "utf-8") -> str:
    """A whole page. `title` is text, the rest HTML; an empty `charset` leaves out its meta tag."""
    meta = f'<meta charset="{charset}">\n' if charset else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
{meta}<title>{escape(title)} | {SHOP}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/shop.css">
{head}</head>
<body>
<header class="masthead">
<a class="logo" href="/">{SHOP}</a>
<nav><a href="/catalogue/page-1.html">All books</a> <a href="/about.html">About us</a></nav>
</header>
<main>
{body}
</main>
<footer><p>{SHOP}, 4 Ferry Steps. Open when the lamp is lit.</p></footer>
</body>
</html>
"""


def notice(title: str, text: str) -> str:
    """A page that says one thing, such as an error."""
    body = (
        f'<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n<p><a href="/">Back to the shop</a></p>'
    )
    return layout(title, body)


def stars(product: Product) -> str:
    word = _STARS[product.rating]
    return f'<p class="star-rating {word}" title="{product.rating} out of 5 stars"></p>'


def price(product: Product) -> str:
    return f"£{product.price:.2f}"


def pod(product: Product) -> str:
    """The product as the lists show it. Its link is relative to the catalogue."""
    title = escape(product.title)
    link = product.path.removeprefix("/catalogue/")
    return f"""<li><article class="product_pod">
<div class="image_container"><a href="{link}"><img class="thumbnail" src="..{product.image}"
 alt="{title}" loading="lazy" width="120" height="180"></a></div>
{stars(product)}
<h3><a href="{link}" title="{title}">{escape(_shortened(product.title))}</a></h3>
<div class="product_price"><p class="price_color">{price(product)}</p>
<p class="instock availability">In stock</p></div>
</article></li>"""


def _shortened(title: str) -> str:
    return title if len(title) <= 32 else f"{title[:29].rstrip()}..."
