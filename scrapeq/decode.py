"""Bytes as they came over the wire -> text. Pure, bounded, and as browsers do it."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
    to_unicode,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_CODINGS = 5
"""Stacked content codings; urllib3 stops at the same number (CVE-2025-66418)."""
MAX_MEMBERS = 1024
"""Concatenated gzip or zstd members (CVE-2026-128131)."""
_ZSTD_WINDOW_LOG = 23
"""RFC 9659: a window of at most 8 MB."""

WEB_CODECS = frozenset(
    {
        "utf-8", "utf-16-le", "utf-16-be", "cp866", "iso8859-2", "iso8859-3", "iso8859-4",
        "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-10", "iso8859-13",
        "iso8859-14", "iso8859-15", "iso8859-16", "koi8-r", "koi8-u", "mac-roman",
        "mac-cyrillic", "cp874", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255",
        "cp1256", "cp1257", "cp1258", "gb18030", "big5hkscs", "euc_jp", "iso2022_jp", "cp932",
        "cp949",
    }
)  # fmt: skip
"""What the labels of the WHATWG Encoding Standard lead to, by Python's names. A label that
leads anywhere else (`utf-7`, `unicode_escape`, `zlib`) does not count as one."""


class DecodeError(Exception):
    """The body cannot be read. `reason` is the word for the verdict."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def decompress(body: bytes, content_encoding: str, limit: int) -> tuple[bytes, bool]:
    """Undo `Content-Encoding`; also tell whether the end was missing.

    Raises DecodeError: `too_large` when more than `limit` bytes come out at any step,
    `encoding` when a coding is unknown, broken, or one of too many.
    """
    codings = [name.strip().lower() for name in content_encoding.split(",")]
    codings = [name for name in codings if name not in ("", "identity")]
    if len(codings) > MAX_CODINGS:
        raise DecodeError("encoding", f"{len(codings)} content codings; the limit is {MAX_CODINGS}")
    whole = True
    for name in reversed(codings):
        undo = _CODINGS.get(name)
        if undo is None:
            raise DecodeError("encoding", f"unknown content coding {name[:40]!r}")
        if body:
            body, ended = undo(body, limit)
            whole = whole and ended
    return body, not whole


def decode_text(body: bytes, content_type: str) -> tuple[str, str]:
    """Text and the name of its charset: BOM, then header, then meta, then UTF-8 if it fits,
    else windows-1252. Bytes that fit nowhere become U+FFFD."""
    name, bom = read_bom(body)
    if name in WEB_CODECS and bom:
        return body[len(bom) :].decode(name, "replace"), name
    name = _web_codec(http_content_type_encoding(content_type))
    if name is None:
        name = _web_codec(html_body_declared_encoding(body))
        if name is not None and name.startswith("utf-16"):
            name = "utf-8"  # the declaration could be read, so it is not UTF-16 (WHATWG)
    if name is None:
        try:
            return body.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            name = "cp1252"
    return to_unicode(body, name), name


def looks_binary(body: bytes) -> bool:
    """Whether the first 512 bytes hold one that no text has (WHATWG MIME Sniffing, 7.2)."""
    head = body[:512]
    return read_bom(head)[0] is None and head.translate(None, _TEXT_BYTES) != b""


_TEXT_BYTES = bytes(n for n in range(256) if n in (9, 10, 12, 13, 27) or n >= 32)


def _web_codec(name: str | None) -> str | None:
    name = _UTF16.get(name or "", name)
    return name if name in WEB_CODECS else None


_UTF16 = {"utf-16": "utf-16-le"}


def _gunzip(body: bytes, limit: int) -> tuple[bytes, bool]:
    if not body.startswith(b"\x1f\x8b"):
        return body, True  # the header lies, the body is plain
    return _members(body, limit, lambda: zlib.decompressobj(31), b"\x1f\x8b")


def _unzstd(body: bytes, limit: int) -> tuple[bytes, bool]:
    options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
    return _members(
        body, limit, lambda: zstd.ZstdDecompressor(options=options), b"\x28\xb5\x2f\xfd"
    )


def _inflate(body: bytes, limit: int) -> tuple[bytes, bool]:
    try:
        return _members(body, limit, zlib.decompressobj, None)
    except DecodeError as exc:
        if exc.reason != "encoding":
            raise
        return _members(body, limit, lambda: zlib.decompressobj(-15), None)


def _members(
    body: bytes, limit: int, new: Callable[[], _Decompressor], magic: bytes | None
) -> tuple[bytes, bool]:
    """Decompress member after member; what follows the last one is junk and ignored."""
    pieces = []
    size = 0
    for _ in range(MAX_MEMBERS):
        member = new()
        try:
            pieces.append(member.decompress(body, limit + 1 - size))
        except (zlib.error, zstd.ZstdError) as exc:
            raise DecodeError("encoding", str(exc)) from None
        size += len(pieces[-1])
        if size > limit:
            raise DecodeError("too_large", f"more than {limit:,} bytes when decompressed")
        body = member.unused_data
        if not member.eof:
            return b"".join(pieces), False
        if magic is None or not body.startswith(magic):
            return b"".join(pieces), True
    raise DecodeError("encoding", f"more than {MAX_MEMBERS:,} compressed members")


def _unbrotli(body: bytes, limit: int) -> tuple[bytes, bool]:
    decompressor = brotli.Decompressor()
    pieces = []
    size = 0
    try:
        while not decompressor.is_finished():
            piece = decompressor.process(body, output_buffer_limit=limit + 1 - size)
            body = b""
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise DecodeError("too_large", f"more than {limit:,} bytes when decompressed")
            if not piece and decompressor.can_accept_more_data():
                break  # it waits for bytes that never came
    except brotli.error as exc:
        raise DecodeError("encoding", f"brotli: {exc}") from None
    return b"".join(pieces), decompressor.is_finished()


_CODINGS: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
