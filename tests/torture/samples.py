"""Pages that hurt: bodies that grow, and markup that a parser chokes on."""

from __future__ import annotations

import gzip
import sys
import zlib
from functools import cache

import brotli

from tests.site import Answer, html

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MB = 1 << 20
HTML = "text/html; charset=utf-8"


def page(body: bytes, coding: str = "") -> Answer:
    """An answer of that body, as it goes over the wire."""
    encoding = {"Content-Encoding": coding} if coding else {}
    return Answer(body, headers={"Content-Type": HTML, **encoding})


def squeezed(body: bytes) -> bytes:
    return gzip.compress(body, 6)


def pack_zstd(body: bytes) -> bytes:
    return zstd.compress(body)


@cache
def zeros(megabytes: int, coding: str) -> bytes:
    """So many megabytes of nothing, as small as they get."""
    if coding == "br":
        return bytes(brotli.compress(b"\0" * (megabytes * MB), quality=5, lgwin=24))
    if coding == "zstd":
        return zstd.compress(b"\0" * (megabytes * MB))
    packer = zlib.compressobj(6, zlib.DEFLATED, 31 if coding == "gzip" else 15)
    pieces = [packer.compress(b"\0" * MB) for _ in range(megabytes)]
    return b"".join([*pieces, packer.flush()])


def formatting(number: int) -> bytes:
    """Elements that are open again and again: the work grows with the cube of their number."""
    opened = "".join(f"<b {n}>" for n in range(number)) + "".join(f"<i {n}>" for n in range(number))
    return (opened + "x</b>" * number).encode()


@cache
def bodies() -> dict[str, Answer]:
    """What grows when it is decompressed, by name."""
    stacked = brotli.compress(zstd.compress(gzip.compress(zeros(64, "gzip"))))
    return {
        "tiny-brotli": page(bytes(brotli.compress(b"\0" * 11_511_612)), "br"),
        "brotli": page(zeros(64, "br"), "br"),
        "gzip": page(zeros(64, "gzip"), "gzip"),
        "deflate": page(zeros(64, "deflate"), "deflate"),
        "zstd": page(zeros(64, "zstd"), "zstd"),
        "stacked": page(bytes(stacked), "gzip, gzip, zstd, br"),
        "members": page(gzip.compress(b"") * 50_000, "gzip"),
        "frames": page(zstd.compress(b"") * 50_000, "zstd"),
        "text": page(squeezed(b"<title>" + b"word " * (6 * MB)), "gzip"),
    }


@cache
def markups() -> dict[str, Answer]:
    """What is hard to parse, by name."""
    flood = {
        "divs": b"<div>" * (MB // 5),
        "attributes": b"<p " + b"".join(b"a%d=1 " % n for n in range(10_000)) + b">",
        "attribute": b"<p title='" + b"x" * MB + b"'>",
        "open-attribute": b"<p title='" + b"x" * MB,
        "comment": b"<!-- " + b"x" * MB,
        "script": b"<script>" + b"x<" * (MB // 2),
        "nul": b"\0" * MB,
        "less": b"<" * MB,
        "utf-8": b"\xff\xc0\xed\xa0" * (MB // 4),
        "references": b"&nGt;&nLt;&#0;&#x1F4A9;" * (MB // 24),
        "tables": b"<table><tr><td>" * 20_000,
        "selects": b"<select><option>" * 20_000,
    }
    found = {name: page(squeezed(html(name) + body), "gzip") for name, body in flood.items()}
    found["formatting"] = page(formatting(2_500))
    return found


@cache
def outputs() -> dict[str, Answer]:
    """What gives too much, by name: of their title, and of one row each match."""
    return {
        "title": page(squeezed(b"<title>" + b"x" * (19 * MB)), "gzip"),
        "wide-title": page(squeezed(b"<title>" + "\U0001f4a9".encode() * (4 * MB)), "gzip"),
        "escaped-title": page(squeezed(b"<title>" + b"\x01" * (5 * MB)), "gzip"),
        "fitting-title": page(squeezed(b"<title>" + b"x" * (5 * MB)), "gzip"),
        "many/empty": page(squeezed(b"<i>" + b"<q></q>" * 1_000_000), "gzip"),
        "many/words": page(squeezed(b"<q>some words</q>" * 15_000), "gzip"),
    }
