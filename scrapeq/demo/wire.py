"""A product's page as bytes and headers: its charset, its compression, its content type."""

from __future__ import annotations

import codecs
import gzip
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import brotli

from scrapeq.demo.files import leaflet
from scrapeq.demo.kinds import COUNT, Kind, kind_of
from scrapeq.demo.product_page import product_page
from scrapeq.demo.shop import Product, product

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@dataclass(frozen=True, slots=True)
class Reply:
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Charset:
    """What the bytes are in, and what the page says they are in."""

    codec: str
    content_type: str
    meta: str
    """Empty: the page has no such tag."""
    mark: bytes = b""


_UTF_8 = Charset("utf-8", "text/html; charset=utf-8", "utf-8")

_CHARSETS: Mapping[Kind, Charset] = {
    Kind.WINDOWS_1251: Charset("cp1251", "text/html; charset=windows-1251", ""),
    Kind.SHIFT_JIS: Charset("cp932", "text/html", "shift_jis"),
    Kind.LATIN_1: Charset("cp1252", "text/html; charset=iso-8859-1", "iso-8859-1"),
    Kind.UTF_16: Charset("utf-16-le", "text/html", "", codecs.BOM_UTF16_LE),
    Kind.GB2312: Charset("gbk", "text/html; charset=gb2312", "gb2312"),
}

_CODINGS: Mapping[Kind, tuple[str, Callable[[bytes], bytes]]] = {
    # Without a fixed time the same page would be other bytes each second.
    Kind.GZIP: ("gzip", partial(gzip.compress, mtime=0)),
    # At its highest quality a page takes as long as a hundred plain ones.
    Kind.BROTLI: ("br", partial(brotli.compress, quality=5)),
    Kind.ZSTD: ("zstd", zstd.compress),
    Kind.DEFLATE: ("deflate", zlib.compress),
}


def coding_for(number: int, accept_encoding: str) -> str:
    """The Content-Encoding that the product's kind wants and the client takes, or empty."""
    wanted, _ = _CODINGS.get(kind_of(number), ("", None))
    return wanted if wanted and accepts(accept_encoding, wanted) else ""


def accepts(accept_encoding: str, coding: str) -> bool:
    """Whether the header names the coding, with a weight above zero."""
    for part in accept_encoding.lower().split(","):
        name, weighted, weight = part.partition(";")
        if name.strip() == coding:
            return not weighted or weight.strip("q=0. ") != ""
    return False


@lru_cache(maxsize=COUNT)
def reply(number: int, origin: str, coding: str = "") -> Reply:
    """The product's page, compressed if `coding` is not empty."""
    kind = kind_of(number)
    if kind is Kind.PDF:
        return Reply(leaflet(product(number)), {"Content-Type": "application/pdf"})
    charset = _CHARSETS.get(kind, _UTF_8)
    headers = {"Content-Type": charset.content_type, "Vary": "Accept-Encoding"}
    body = _encoded(product(number), origin, charset)
    if not coding:
        return Reply(body, headers)
    name, compress = _CODINGS[kind]
    return Reply(compress(body), headers | {"Content-Encoding": name})


def _encoded(product: Product, origin: str, charset: Charset) -> bytes:
    text = product_page(product, origin, charset.meta)
    if charset.codec == "cp932":
        text = text.replace("£", "&pound;")  # cp932 would make it the full-width sign
    # Letters that the charset lacks become character references.
    return charset.mark + text.encode(charset.codec, "xmlcharrefreplace")
