"""What the headers of an answer say."""

from __future__ import annotations

import re
from functools import lru_cache

import aiohttp

from scrapeq.decode import is_unknown

RAW_BYTE = re.compile("[\udc80-\udcff]")
"""How aiohttp writes a byte that is not UTF-8: no database takes those."""

_RANGE = re.compile(r"bytes\s+0-(\d{1,18})/(\d{1,18})", re.A | re.I)
"""Of a part that may be the whole."""
_WANTED = ("text/", "application/xhtml+xml", "application/xml")


@lru_cache(1024)
def is_wanted(content_type: str) -> bool:
    """Whether a body of this type may hold text to extract from."""
    kind = content_type.partition(";")[0].strip().lower()
    return is_unknown(kind) or kind.startswith(_WANTED) or kind.endswith("+xml")


def readable(text: str) -> str:
    """Text of a header, its bytes that are not UTF-8 replaced."""
    return text if text.isascii() else RAW_BYTE.sub("\ufffd", text)


def content_encoding(response: aiohttp.ClientResponse) -> str:
    """All headers of it as one list."""
    return ", ".join(response.headers.getall("Content-Encoding", ()))


def is_part(response: aiohttp.ClientResponse) -> bool:
    """Whether it is less than the page, though nobody asked for less."""
    if response.status != 206 or "Range" in response.request_info.headers:
        return False
    found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    return found is None or int(found[1]) + 1 != int(found[2])
