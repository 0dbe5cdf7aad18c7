"""What the shop serves besides HTML: robots.txt, the sitemap, covers, a stylesheet, a leaflet."""

from __future__ import annotations

from html import escape

from scrapeq.demo.kinds import NUMBERS, listed_path
from scrapeq.demo.pages import LISTINGS, listing_path
from scrapeq.demo.shop import Product

STYLE = """body { margin: 0; font: 16px/1.5 Georgia, serif; color: #2b2622; background: #fbf8f2; }
main { max-width: 60rem; margin: auto; padding: 1rem; }
a { color: #7a3b1d; }
.masthead { display: flex; gap: 2rem; padding: 1rem; background: #2f3e46; }
.masthead a { color: #fbf8f2; text-decoration: none; }
.logo { font-weight: bold; }
footer { padding: 1rem; text-align: center; color: #8a8178; }
.row { display: flex; flex-wrap: wrap; gap: 1.5rem; padding: 0; list-style: none; }
.product_pod { width: 10rem; }
.product_pod h3 { font-size: 1rem; margin: 0; }
.breadcrumb, .pager { display: flex; gap: 1rem; padding: 0; list-style: none; color: #8a8178; }
.pager { justify-content: space-between; }
.gallery { float: left; margin: 0 2rem 1rem 0; }
.product_page h2 { clear: left; }
.price_color { font-weight: bold; color: #40694b; }
.table { border-collapse: collapse; }
.table th, .table td { padding: .3rem 1rem; border: 1px solid #e2dacd; text-align: left; }
.star-rating { letter-spacing: .2em; color: #c98b2b; margin: 0; }
.One::before { content: "\\2605"; }
.Two::before { content: "\\2605\\2605"; }
.Three::before { content: "\\2605\\2605\\2605"; }
.Four::before { content: "\\2605\\2605\\2605\\2605"; }
.Five::before { content: "\\2605\\2605\\2605\\2605\\2605"; }
"""


def robots(origin: str) -> str:
    return f"User-agent: *\nAllow: /\n\nSitemap: {origin}/sitemap.xml\n"


def sitemap(origin: str) -> str:
    """Every page but errors and covers: 2 of the shop, the listing pages, the products."""
    listings = map(listing_path, range(1, LISTINGS + 1))
    paths = ("/", "/about.html", *listings, *map(listed_path, NUMBERS))
    urls = "".join(f"<url><loc>{escape(origin + path)}</loc></url>\n" for path in paths)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    )


def cover(product: Product) -> str:
    """An SVG. It shows no title: some hold characters that XML forbids."""
    hue = product.number * 47 % 360
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 360">
<rect width="240" height="360" fill="hsl({hue} 35% 40%)"/>
<rect x="16" y="16" width="208" height="328" fill="none" stroke="hsl({hue} 40% 80%)"/>
<circle cx="120" cy="{120 + product.number % 60}" r="56" fill="hsl({hue} 40% 80%)"/>
<text x="120" y="320" text-anchor="middle" fill="#fff" font-family="Georgia, serif">\
{escape(product.category[-1])}</text>
</svg>
"""


def leaflet(product: Product) -> bytes:
    """A PDF of one line. It lacks a cross-reference table, which readers rebuild."""
    text = f"BT /F1 18 Tf 40 120 Td (Leaflet no. {product.number}) Tj ET".encode()
    return (
        b"%%PDF-1.4\n"
        b"1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n"
        b"2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj\n"
        b"3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 300 240] /Contents 4 0 R"
        b" /Resources <</Font <</F1 5 0 R>>>>>> endobj\n"
        b"4 0 obj <</Length %d>> stream\n%s\nendstream endobj\n"
        b"5 0 obj <</Type /Font /Subtype /Type1 /BaseFont /Times-Roman>> endobj\n"
        b"trailer <</Root 1 0 R>>\n%%%%EOF\n"
    ) % (len(text), text)
