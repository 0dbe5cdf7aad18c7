"""Bytes as they came over the wire -> text. Pure, bounded, and as browsers do it."""

from __future__ import annotations

import codecs
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, Protocol

import brotli
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, to_unicode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _quickest_zlib() -> Any:
    """ISA-L where it is installed (the extra `fast`): gzip in two fifths of the time."""
    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return zlib


_zlib = _quickest_zlib()

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


_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BOM_BYTES = tuple(bom for bom, _ in _BOMS)
_UTF16 = {"utf-16": "utf-16-le"}
_MORE_LABELS = {
    label: codec
    for codec, labels in {
        "utf-8": "unicode_1_1_utf_8 unicode11utf8 unicode20utf8 x_unicode20utf8",
        "iso8859-2": "iso88592",
        "iso8859-3": "iso88593",
        "iso8859-4": "iso88594",
        "iso8859-5": "iso88595",
        "iso8859-6": "csiso88596e csiso88596i iso_8859_6_e iso_8859_6_i iso88596",
        "iso8859-7": "iso88597 sun_eu_greek",
        "iso8859-8": "csiso88598e csiso88598i iso_8859_8_e iso_8859_8_i iso88598 logical visual",
        "iso8859-10": "iso885910",
        "iso8859-13": "iso885913",
        "iso8859-14": "iso885914",
        "iso8859-15": "csisolatin9 iso885915",
        "koi8-r": "koi koi8",
        "koi8-u": "koi8_ru",
        "mac-roman": "csmacintosh mac x_mac_roman",
        "mac-cyrillic": "x_mac_cyrillic x_mac_ukrainian",
        "cp874": "dos_874 iso885911",
        "cp1250": "x_cp1250",
        "cp1251": "x_cp1251",
        "cp1252": "iso88591 x_cp1252",
        "cp1253": "x_cp1253",
        "cp1254": "iso88599 x_cp1254",
        "cp1255": "x_cp1255",
        "cp1256": "x_cp1256",
        "cp1257": "x_cp1257",
        "cp1258": "x_cp1258",
        "gb18030": "csgb2312 gb_2312 x_gbk",
        "big5hkscs": "cn_big5 x_x_big5",
        "euc_jp": "cseucpkdfmtjapanese x_euc_jp",
        "cp949": "cseuckr csksc56011987 iso_ir_149 ks_c_5601_1989 ksc_5601 windows_949",
        "utf-16-le": "csunicode iso_10646_ucs_2 ucs_2 unicode unicodefeff",
        "utf-16-be": "unicodefffe",
    }.items()
    for label in labels.split()
}
"""Labels of the same standard that neither w3lib nor Python knows, with `_` for `-`."""

_GZIP = b"\x1f\x8b"
_GZIP_RESERVED = 0xE0
"""Flags of a header that must be zero (RFC 1952, 2.3.1.2)."""
_ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([n]) + b"\x2a\x4d\x18" for n in range(0x50, 0x60)))
"""A frame, or one that is to be skipped (RFC 8878, 3.1.2)."""


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


_Undo = Callable[[bytes, int], tuple[bytes, bool]]


def decompress(body: bytes, content_encoding: str, limit: int) -> tuple[bytes, bool]:
    """Undo `Content-Encoding`; also tell whether the end was missing.

    Raises DecodeError: `too_large` when more than `limit` bytes come out at any step,
    `encoding` when a coding is unknown, broken, or one of too many.
    """
    whole = True
    for undo in _steps(content_encoding):
        if body:
            body, ended = undo(body, limit)
            whole = whole and ended
        if len(body) > limit:
            break
    if len(body) > limit:
        raise DecodeError("too_large", f"more than {limit:,} bytes when decompressed")
    return body, not whole


def decompress_head(body: bytes, content_encoding: str, limit: int) -> bytes:
    """The first `limit` bytes of a body, however many follow. Raises DecodeError: `encoding`."""
    for undo in _steps(content_encoding):
        if body:
            body = undo(body, limit)[0][:limit]
    return body[:limit]


def _steps(content_encoding: str) -> list[_Undo]:
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > MAX_CODINGS:
        raise DecodeError("encoding", f"{len(names)} content codings; the limit is {MAX_CODINGS}")
    for name in names:
        if name not in _CODINGS:
            raise DecodeError("encoding", f"unknown content coding {name[:40]!r}")
    return [_CODINGS[name] for name in reversed(names)]


def decode_text(body: bytes, content_type: str) -> tuple[str, str]:
    """Text and the name of its charset: BOM, then header, then meta, then UTF-8 if it fits,
    else windows-1252. Bytes that fit nowhere become U+FFFD."""
    for bom, codec in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(codec, "replace"), codec
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


def markup(body: bytes, content_type: str) -> tuple[str | bytes, str]:
    """As `decode_text`, but what is sound UTF-8 stays bytes. The parser works on these: to
    spare it the way back is a tenth of its time."""
    text, name = decode_text(body, content_type)
    if name == "utf-8" and "\ufffd" not in text:
        return body.removeprefix(codecs.BOM_UTF8), name
    return text, name


def looks_binary(body: bytes) -> bool:
    """Whether the first 512 bytes hold one that no text has (WHATWG MIME Sniffing, 7.2)."""
    head = body[:512]
    return not head.startswith(_BOM_BYTES) and head.translate(None, _TEXT_BYTES) != b""


_TEXT_BYTES = bytes(n for n in range(256) if n in (9, 10, 12, 13, 27) or n >= 32)


def _web_codec(name: str | None) -> str | None:
    name = _UTF16.get(name or "", name)
    return name if name in WEB_CODECS else None


def _find_codec(name: str) -> codecs.CodecInfo | None:
    found = _MORE_LABELS.get(name)
    return codecs.lookup(found) if found else None


codecs.register(_find_codec)  # w3lib asks there

# ---- one content coding each: at most a little more than `limit` bytes, and whether the end came


def _gunzip(body: bytes, limit: int) -> tuple[bytes, bool]:
    if not _GZIP.startswith(body[:2]):
        return body, True  # the header lies, the body is plain
    if len(body) > 3 and body[3] & _GZIP_RESERVED:
        raise DecodeError("encoding", "reserved flags in a gzip header")
    return _inflated(body, limit, 31, _GZIP)


def _unzstd(body: bytes, limit: int) -> tuple[bytes, bool]:
    options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
    return _members(body, limit, lambda: zstd.ZstdDecompressor(options=options), _ZSTD)


def _inflate(body: bytes, limit: int) -> tuple[bytes, bool]:
    try:
        return _inflated(body, limit, 15, ())
    except DecodeError:
        return _inflated(body, limit, -15, ())


def _inflated(
    body: bytes, limit: int, bits: int, magic: bytes | tuple[bytes, ...]
) -> tuple[bytes, bool]:
    """By the quickest library, and by zlib where that finds a fault: what is broken has the same
    verdict on every machine."""
    if _zlib is not zlib:
        with suppress(DecodeError):
            found, whole = _members(body, limit, lambda: _zlib.decompressobj(bits), magic)
            if whole:
                return found, whole
    return _members(body, limit, lambda: zlib.decompressobj(bits), magic)


def _members(
    body: bytes, limit: int, new: Callable[[], _Decompressor], magic: bytes | tuple[bytes, ...]
) -> tuple[bytes, bool]:
    """Decompress member after member; what follows the last one is junk and ignored."""
    pieces = []
    size = 0
    for _ in range(MAX_MEMBERS):
        member = new()
        try:
            pieces.append(member.decompress(body, limit + 1 - size))
        except (zlib.error, _zlib.error, zstd.ZstdError) as exc:
            raise DecodeError("encoding", str(exc)) from None
        size += len(pieces[-1])
        if size > limit or not member.eof:
            return b"".join(pieces), False
        body = member.unused_data
        if not body.startswith(magic):
            return b"".join(pieces), True
    raise DecodeError("encoding", f"more than {MAX_MEMBERS:,} compressed members")


def _unbrotli(body: bytes, limit: int) -> tuple[bytes, bool]:
    decompressor = brotli.Decompressor()
    pieces = []
    size = 0
    try:
        while size <= limit and not decompressor.is_finished():
            piece = decompressor.process(body, output_buffer_limit=limit + 1 - size)
            body = b""
            pieces.append(piece)
            size += len(piece)
            if not piece and decompressor.can_accept_more_data():
                break  # it waits for bytes that never came
    except brotli.error as exc:
        raise DecodeError("encoding", f"brotli: {exc}") from None
    return b"".join(pieces), decompressor.is_finished()


_CODINGS: dict[str, _Undo] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
