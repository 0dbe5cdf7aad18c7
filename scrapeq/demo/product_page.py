"""A product's own page, as text."""

from __future__ import annotations

import json
from html import escape

from scrapeq.demo.layout import SHOP, layout, price, stars
from scrapeq.demo.shop import Product


def product_page(product: Product, origin: str, charset: str = "utf-8") -> str:
    """`origin` is the site's scheme, host and port; `charset` is what the meta tag says, if any."""
    body = "\n".join((_breadcrumb(product), _article(product)))
    return layout(product.title, body, _head(product, origin), charset)


def _head(product: Product, origin: str) -> str:
    properties = {
        "og:type": "product",
        "og:site_name": SHOP,
        "og:title": product.title,
        "og:description": product.description,
        "og:url": origin + product.home,
        "og:image": origin + product.image,
        "product:price:amount": f"{product.price:.2f}",
        "product:price:currency": "GBP",
    }
    graph = "".join(
        f'<meta property="{name}" content="{escape(value)}">\n'
        for name, value in properties.items()
    )
    return f"""<meta name="description" content="{escape(product.description)}">
<link rel="canonical" href="{escape(origin + product.home)}">
{graph}<script type="application/ld+json">{_json_ld(product, origin)}</script>
"""


def _json_ld(product: Product, origin: str) -> str:
    data = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.title,
        "sku": product.upc,
        "url": origin + product.home,
        "image": origin + product.image,
        "description": product.description,
        "category": " > ".join(product.category),
        "author": {"@type": "Person", "name": product.author},
        "aggregateRating": {"@type": "AggregateRating", "ratingValue": product.rating},
        "offers": {
            "@type": "Offer",
            "price": f"{product.price:.2f}",
            "priceCurrency": "GBP",
            "availability": "https://schema.org/InStock",
        },
    }
    # ASCII, because character references mean nothing inside a script; and a `<` could end it.
    return json.dumps(data).replace("<", "\\u003c")


def _breadcrumb(product: Product) -> str:
    shop, *shelves = product.category
    items = "\n".join(f'<li class="category">{escape(shelf)}</li>' for shelf in shelves)
    return f"""<ul class="breadcrumb">
<li><a href="/">Home</a></li>
<li class="category"><a href="/catalogue/page-1.html">{escape(shop)}</a></li>
{items}
<li class="active">{escape(product.title)}</li>
</ul>"""


def _article(product: Product) -> str:
    title = escape(product.title)
    return f"""<article class="product_page">
<div class="gallery"><img src="{product.image}" alt="{title}" width="240" height="360"></div>
<div class="product_main">
<h1>{title}</h1>
<p class="author">by <span>{escape(product.author)}</span></p>
<p class="price_color">{price(product)}</p>
<p class="instock availability">In stock ({product.stock} available)</p>
{stars(product)}
</div>
<h2>About this book</h2>
<p class="description">{escape(product.description)}</p>
<h2>Product information</h2>
{_table(product)}
</article>"""


def _table(product: Product) -> str:
    facts = {
        "UPC": product.upc,
        "Product type": "Book",
        "Author": product.author,
        "Price": price(product),
        "Availability": f"In stock ({product.stock} available)",
    }
    rows = "\n".join(
        f"<tr><th>{name}</th><td>{escape(fact)}</td></tr>" for name, fact in facts.items()
    )
    return f'<table class="table">\n{rows}\n</table>'
