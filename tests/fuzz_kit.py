"""What the properties of `tests.fuzz` are tried on: strategies, and makers that take a seed.

A seed costs hypothesis little, however much is made of it; what is made is not shrunk then.
"""

from __future__ import annotations

import gzip
import random
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import brotli
from hypothesis import strategies as st

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Random = random.Random

seeds = st.integers(0, 2**64 - 1)


def joined(pieces: Sequence[str], most: int = 12) -> st.SearchStrategy[str]:
    """Pieces that mean something, in no order that does, and now and then any character between.

    A byte for a piece: hypothesis makes bytes ten times as fast as a list of choices.
    """
    return st.binary(max_size=most).map(partial(_joined, pieces))


def _joined(pieces: Sequence[str], choices: bytes) -> str:
    out = []
    numbers = iter(choices)
    for number in numbers:
        if number < _ANY:
            out.append(pieces[number % len(pieces)])
        else:  # of the Basic Multilingual Plane, or with 255 beyond
            point = next(numbers, 0) << 8 | next(numbers, 0)
            out.append(chr(point + (0x10000 if number == 255 else 0)))
    return "".join(out)


_ANY = 240
any_text = joined([chr(point) for point in range(_ANY)], 30)
"""Lone surrogates among it, as a byte of a list that is not UTF-8 gives them."""


def joined_bytes(pieces: Sequence[bytes], most: int = 10) -> st.SearchStrategy[bytes]:
    """The same for bytes."""
    texts = [piece.decode("latin-1") for piece in pieces]
    return joined(texts, most).map(lambda found: found.encode("latin-1", "ignore"))


# ---- URLs and lists

_URL_PIECES = (
    "http://", "https://", "HTTP://", "http:", "ftp://", "mailto:", "//", "/", "\\", "\\\\",
    "user", "pa:ss", "@", ":", ":80", ":443", ":0", ":99999", ":8_0", ": 80", "[::1]", "[", "]",
    "[::ffff:1.2.3.4]", "[v1.x]", "[fe80::1%25en0]", "host.test", "HOST.Test", "a" * 64, "a" * 8200,
    "xn--bcher-kva", "xn--", "xn--zzzzzz", "b\xfccher.test", "\uff11\uff12\uff17.0.0.1",
    "127.0.0.1", "2130706433", "0x7f.1", "..", "./", "/../", "/.", "?", "#", "a=b", "&", "%",
    "%2f", "%2F", "%zz", "%41", "%00", "%0d%0a", "%C3%A9", "%c3", " ", "\t", "\r", "\n", "\0",
    "\x7f", "\x85", "\u2028", "\u200d", "\u3002", "\ufb00", "\u0130", "\xdf", "\udc80", "\ud800",
    "\xe9", "+", ";", '"', "'", "<", ">", "|", "^", "`", "{", "}", "~", "*", "-", "_", ".", "***",
)  # fmt: skip
url_texts = joined(_URL_PIECES) | st.tuples(
    st.sampled_from(["http://host.test", "https://host.test/", "http://"]), joined(_URL_PIECES)
).map("".join)

_QUICK = "abzAZ09_-.~!$&'()*+,;=:@/%?#[]\\\"<>^`{|} \x7f\xe9"
_PATHS = (
    "%2F", "%41", "%C3", "%c3", "%5B", "%26", "%3D", "%2B", "%20", "%25", "/.", "/../", "?",
    *_QUICK,
)  # fmt: skip
_LABELS = (
    "a", "host", "test", "xn--a", "-", "_", "1", "127", "a" * 63, ".", ".", ".", ".", "A",
)  # fmt: skip
canonical_texts = st.builds(
    "{}{}{}/{}".format,
    st.sampled_from(["http://", "https://"]),
    joined(_LABELS, 6),
    st.sampled_from(["", "", "", ":8080", ":80", ":443", ":1", ":0", ":08", ":65536", ":99999"]),
    joined(
        [
            *[
                "%2F",
                "%41",
                "%C3",
                "%c3",
                "%5B",
                "%26",
                "%3D",
                "%2B",
                "%20",
                "%25",
                "/.",
                "/../",
                "?",
            ],
            *_QUICK,
        ],
        8,
    ),
)
"""Nearly all that the quick look knows, and what comes close to it."""

SECRET = "hunter2"
_SCHEMES = ("http://", "https://", "HTTP://", "ftp://", "", "//", "http:/", "http:", "\\\\", " ")
_JUNK = joined(
    [":", "%", "%40", "@", "[", "]", " ", "\t", "\xe9", "\udc80", "*", "%zz", "=", ";"], 3
)
secret_texts = st.builds(
    "{}{}:{}{}{}@{}".format,
    st.sampled_from(_SCHEMES), st.sampled_from(["user", "", "\xfcser", "%", "user:", "a b"]),
    _JUNK, st.just(SECRET), _JUNK, joined(_URL_PIECES, 5),
)  # fmt: skip

_BLOCKS = (
    b"http://host.test/a", b"\r", b"\n", b"\r\n", b"\n\r", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\xfe\xff",
    b"\xff", b"\xe9", b"\0", b"# x", b" ", b"x" * 40_000, b"y" * 65_536, b'{"url": "http://a.b/"}',
)  # fmt: skip
list_bytes = joined_bytes(_BLOCKS)

_CELLS = (
    "url", "URL ", "priority", ",", "\t", '"', "http://host.test/a", "http://u:p@h.test/", "nan",
    "inf", "1e999", "-1", "\u0663", "1_0", "# x", "\0", "\udc80", "{", "}", "[", "]", ":", '"url"',
    '"priority"', '{"url": "http://a.test/", "priority": ', "null", "true", "9" * 400, "\\ud800",
)  # fmt: skip
list_lines = st.lists(joined(_CELLS, 6), max_size=5)


# ---- bytes of a page


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


_CHECKED = {int(zstd.CompressionParameter.checksum_flag): 1}

PACKERS: Mapping[str, Sequence[Callable[[bytes], bytes]]] = {
    "gzip": [lambda data: gzip.compress(data, 6, mtime=0), lambda data: gzip.compress(data, 0)],
    "deflate": [zlib.compress, _raw_deflate],
    "br": [lambda data: bytes(brotli.compress(data, quality=4))],
    "zstd": [zstd.compress, lambda data: zstd.compress(data, options=_CHECKED)],
}


def payload(rng: Random) -> bytes:
    words = (b"<p>words</p>", b"\0" * rng.randrange(3000), rng.randbytes(rng.randrange(60)), b"x")
    return b"".join(rng.choice(words) for _ in range(rng.randrange(6)))


def packed(rng: Random, data: bytes, most: int = 3) -> tuple[list[str], list[bytes]]:
    """Codings in the order of the header, and the body after each of them."""
    names = [rng.choice(list(PACKERS)) for _ in range(rng.randint(1, most))]
    bodies = []
    for name in names:
        data = rng.choice(PACKERS[name])(data)
        bodies.append(data)
    return names, bodies


def mutated(rng: Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(found) + 1)
        match rng.randrange(7):
            case 0 if at < len(found):
                found[at] ^= 1 << rng.randrange(8)
            case 1:
                del found[at:]
            case 2:
                found[at:at] = rng.randbytes(rng.randint(1, 4))
            case 3:
                del found[at : at + rng.randint(1, 4)]
            case 4:
                found += found[at:] + data
            case 5:
                found += bytes(rng.randrange(40))
            case _:
                found[at : at + 4] = b"\xff\xff\xff\xff"
    return bytes(found)


_CHARSET_BYTES = (
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"<meta charset=", b"<meta http-equiv=content-type ",
    b'content="text/html; charset=', b'">', b">", b"utf-8", b"utf-16", b"gb18030", b"shift_jis",
    b"iso-2022-jp", b"euc-kr", b"big5", b"utf-7", b"zlib", b"x-user-defined", b"\x1b$B", b"\x1b(J",
    b"\x81", b"\x81\x30\x81\x30", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"\xe9t\xe9",
    b"\0",
    b"\xd8\x00", b"\x00\xd8", b"<?xml version='1.0' encoding='", b"+ADw-", b"~{", b"a", b"\x8e\xa1",
)  # fmt: skip
charset_bytes = joined_bytes((*_CHARSET_BYTES, *(bytes([n]) for n in range(128, 256))), 14)
content_types = st.just("") | joined(
    ["text/html", ";", " ", "charset=", "charset", "=", '"', "'", "utf-8", "UTF-16", "gbk", "zlib",
     "shift_jis", "iso-2022-jp", "hz-gb-2312", "replacement", "latin1", "\ufffd", "unicode_escape",
     "iso-8859-8-i", "x-user-defined", "idna", "punycode", "base64", "undefined", "mbcs"], 6,
)  # fmt: skip


# ---- pages and rules

TAGS = (
    "a", "b", "base", "body", "br", "button", "caption", "div", "font", "form", "frameset", "h1",
    "head", "html", "i", "iframe", "li", "link", "math", "meta", "noscript", "option", "p",
    "plaintext", "pre", "script", "select", "style", "svg", "table", "tbody", "td", "template",
    "textarea", "title", "tr", "ul", "xmp", "foreignObject", "annotation-xml", "mi", "\xe9", "x:y",
)  # fmt: skip
_ATTRIBUTES = (
    "href", "HREF", "class", "id", "name", "content", "rel", "lang", "viewBox", "xlink:href",
    "\xe9",
    "data-x", "type", "encoding", "=", '"', "on\0load",
)  # fmt: skip
_VALUES = (
    "x", "/a?b#c", "http://[::1", "//h\\i", "javascript:0", "&amp;", "&nGt;", "&nLt;", "&nGt",
    "&#0;",
    "&#xD800;", "&#x110000;", "&NotEqualTilde;", "\0", "\ud800", "\udfff", "\xe9", "\U0001f600",
    " ",
    "\n", "", "description", "canonical", "data:,x", "a" * 300, "http://h:99999/", "?", "%",
    "\ufdd0",
)  # fmt: skip
_LOOSE = (
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<!doctype html>",
    "<?x",
    "</",
    "<",
    "&",
    "</p>",
    "\x0c",
)
_SELECTORS = (
    "a", "p", "*", "title", "h1", "a[href]", "[lang]", "svg *", "template", "li:nth-child(2n+1)",
    ":not(p)", "div > a", "p + p", "p ~ a", ":root", ":empty", '[href^="/" i]', "td, tr", ":has(a)",
    'meta[name="description" i]', ":is(a, b)", "p:first-child", 'a:lexbor-contains("x")', "html",
)  # fmt: skip
ENDINGS = ("", "", "::text", "::html", "::attr(href)", "::attr(viewBox)", "::attr(\xe9)")


def soup(rng: Random) -> str:
    """Markup as bad as it gets, but small."""
    out = []
    for _ in range(rng.randrange(24)):
        match rng.randrange(6):
            case 0 | 1:
                attributes = "".join(
                    rng.choice([' {}="{}"', " {}='{}'", " {}={}", " {}"]).format(
                        rng.choice(_ATTRIBUTES), rng.choice(_VALUES)
                    )
                    for _ in range(rng.randrange(3))
                )
                out.append(f"<{rng.choice(TAGS)}{attributes}{rng.choice(['>', '/>', ''])}")
            case 2:
                out.append(f"</{rng.choice(TAGS)}>")
            case 3:
                out.append(rng.choice(_LOOSE))
            case 4:
                out.append("".join(rng.choice(_VALUES) for _ in range(rng.randrange(4))))
            case _:
                out.append(chr(rng.randrange(0x110000)))
    return "".join(out) * rng.choice([1, 1, 1, 2, 20])


def selector(rng: Random) -> str:
    return rng.choice(_SELECTORS) + rng.choice(ENDINGS)


_CSS_PIECES = (
    "a", "*", ".x", "#x", "[", "]", "href", "=", "~=", '"', "'", ":", "::", "text", "attr(",
    "href)",
    ")", "(", ":not(", ":has(", ":is(", ":nth-child(", "2n+1", "of ", ">", "+", "~", "||", ",", " ",
    "|", "\\", "\\41 ", "\0", "\xe9", "\ud800", "/*", "*/", "{", "}", "@", "!", "-", "--", "1",
    "i]",
    "::text", "::html", "::attr(x)", ":lexbor-contains(", "x" * 300, "\n", "9" * 30,
)  # fmt: skip
css_texts = joined(_CSS_PIECES, 8) | st.builds(
    "{}{}".format, st.sampled_from(_SELECTORS), joined(_CSS_PIECES, 4)
)
select_words = st.lists(
    st.builds("{}{}{}".format, st.sampled_from(["a", "url", "b", "A", "", " c ", "1", "a b", "=",
    "\0"]),
              st.sampled_from(["=", "=", "=", "", "=="]), css_texts),
    min_size=1, max_size=3,
)  # fmt: skip

_KEYS = (
    "table", "match", "each", "fields", "css", "count", "type", "title", "url", "a", "Table", "x y",
    "", "pages", "items", "sqlite_x", "order", "select", "rowid", "a" * 64, "\xe9", '"', "run",
)  # fmt: skip
_WORDS = (
    *_SELECTORS, *ENDINGS, "items", "pages", "order", "str", "url", "int", "*", "[", "[!", "[a-",
    "**/x",
    "a\0", "\ud7ff", "pages_x", "group", "rowid",
)  # fmt: skip


def anything(rng: Random, depth: int = 0) -> Any:
    """What TOML can say."""
    match rng.randrange(10 if depth < 4 else 7):
        case 0 | 1 | 2:
            return rng.choice(_WORDS)
        case 3:
            return rng.choice([True, False])
        case 4:
            return rng.choice([0, -1, 1, 10**30])
        case 5:
            return rng.choice([float("nan"), float("inf"), 1.5])
        case 6:
            return date(2026, 1, 1)
        case 7:
            return [anything(rng, depth + 1) for _ in range(rng.randrange(3))]
        case _:
            keys = [rng.choice(_KEYS) for _ in range(rng.randrange(4))]
            return {key: anything(rng, depth + 1) for key in keys}


def rule_table(rng: Random) -> dict[str, Any]:
    """Something like `[[extract]]`: mostly right, so that it gets far."""
    fields = {
        rng.choice(["title", "a", "order", "select", "rowid", "b"]): rng.choice(
            [selector(rng), {"css": selector(rng)}, {"css": "a", "count": True},
             {"css": "a::attr(href)", "type": "url"}]
        )
        for _ in range(rng.randint(1, 3))
    }  # fmt: skip
    table: dict[str, Any] = {"fields": fields}
    for key, values in (("table", _KEYS), ("match", _WORDS), ("each", _SELECTORS)):
        if rng.random() < 0.5:
            table[key] = rng.choice(values)
    if rng.random() < 0.5:
        inside = rng.choice([table, fields])
        inside[rng.choice(_KEYS)] = anything(rng)
    return table


_TOML = (
    "[run]\n", "[extract]\n", "[[extract]]\n", "[extract.fields]\n", "[[run]]\n", "fields = {",
    "fetchers = 3\n", "fetchers = 0\n", "max_size = '10M'\n", "max_size = 1.5\n", "delay = nan\n",
    "delay = -1\n", "order = 'lifo'\n", "select = ['a=b']\n", "select = [1]\n", "resume = 1\n",
    "timeout = 9" + "9" * 400 + "\n", "private = 'x'\n", "title = 'h1'\n", "a.b = 1\n", "x = 1\n",
    "run = 1\n", "extract = [1]\n", "output = '-'\n", "max_failures = '5%'\n", "}", "=", "'''", "[",
    "]", "\n", "\0", "\ufeff", "\r", "a = {css = 'a', count = true}\n",
    "x = " + "[" * 4000 + "\n",
    "max_failures = 5\n", "d = 2026-13-01\n", "d = 1979-05-27T07:32:00Z\n", "user_agent = '\xe9'\n",
    "config = 'x'\n", "quiet = true\n", "\"\\u0000\" = 1\n", "x = 0x" + "f" * 5000 + "\n",
    "x = " + "9" * 5000 + "\n",
)  # fmt: skip


def toml_text(rng: Random) -> str:
    return "".join(rng.choice(_TOML) for _ in range(rng.randrange(8)))


# ---- the rest

_AMOUNTS = (
    "10", "M", "K", "G", "i", "B", ".", "5", "%", " ", "-", "+", "e", "\u0663", "9" * 400, "0", "_",
    "inf", "nan", "\n", "k", "100", "1.5", "\u212a",
)  # fmt: skip
amounts = joined(_AMOUNTS, 5) | st.integers() | any_text

_FLAGS = (
    "--fetchers", "-j", "-j8", "--delay", "-w", "--max-size", "--max-failures", "--select", "-s",
    "--output", "-o", "--order", "--limit", "--timeout", "--user-agent", "-A", "--private",
    "--progress", "--summary", "--quiet", "--no-color", "--robots", "--no-robots", "--fresh",
    "--retry-failed", "--parse-memory", "--grace", "--url-queue", "--config", "-c", "--", "-", "-x",
    "--help", "--nonsense", "--fetchers=3", "--max-size=", "--read-ahead", "--retries", "--durable",
)  # fmt: skip
_ARGUMENTS = (
    "8", "0", "-1", "1e9", "10M", "5%", "nan", "inf", "lifo", "a=b", "title=h1", "a=[", "=x",
    "x.db",
    "-", "x.csv", ".", "..", "/", "", " ", "\xe9", "\udc80", "\x1b]0;x\x07", "http://host.test/",
    "http://u:p@h.test", "ftp://x", "missing.txt", "a" * 300, "block", "none", "9" * 400, "\u0663",
    "no.toml", "/dev/null", "1G", "100%", "1_0", "0x10", "x\ny", "[/b]", "{", "a=" + "(" * 200,
)  # fmt: skip
command_words = st.lists(
    st.sampled_from(_FLAGS) | st.sampled_from(_ARGUMENTS) | any_text, max_size=6
)
commands = st.lists(
    st.sampled_from(_FLAGS) | st.sampled_from(_ARGUMENTS) | any_text, min_size=1, max_size=8
)

retry_afters = joined(
    ["Wed", ", ", "21 Oct 2015 07:28:00 GMT", "21 ", "Oct ", "Feb 30 ", "2015 ", "99999 ",
    "0001 ", "9999 ",
     "07:28:00", "25:61:61", " GMT", " +0000", " -9999", "+99999999", "120", "-1", "1e9",
     "\u0663", "\xb2",
     "9" * 30, " ", "\0", "Sunday", "06-Nov-94 ", "Nov  6 08:49:37 1994", ":", ".", "-", "(",
     ")"], 8,
)  # fmt: skip

robots_texts = joined(
    ["User-agent: *\n", "User-agent: scrapeq\n", "User-agent:scrapeq/1.0\n", "user agent x\n",
    "Disallow: /\n",
     "Disallow:\n", "Allow: /a\n", "Disallow: /*a*b$\n", "Crawl-delay: 1e999\n", "Crawl-delay: x\n",
     "Request-rate: 1/0\n", "Request-rate: 9/1s 9999-1\n", "Visit-time: 9\n",
     "Sitemap: http://[::1\n",
     "Host: x\n", "# x", "\r", "\x0b", "\x1c", "\u2028", "\0", "\ufeff", ":", "*", "%", "%zz",
     "\xe9", "$",
     "<html>", "Disallow: " + "*a" * 30 + "\n", "Clean-param: a /\n", "\ud800"], 10,
)  # fmt: skip

_ADDRESS_PIECES = (
    "::",
    ":",
    "ffff",
    "127.0.0.1",
    "10.1",
    ".",
    "%",
    "/8",
    "64:ff9b::",
    "2002:",
    "1",
    " ",
)
addresses = joined(_ADDRESS_PIECES, 6)
