"""A body as it came over the wire -> its bytes, decompressed. Pure and bounded."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, Protocol

import brotli

from scrapeq.charsets import BOM_BYTES

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
MAX_HEAD_CODINGS = 1
MAX_HEAD_MEMBERS = 16
"""The same for a file of which only the beginning is read: nobody sends one in more."""
_PLAIN = frozenset({"", "identity", "none", "binary", "7bit", "8bit", "utf-8", "utf8"})
"""What servers call no coding at all; some take the header for a charset or for MIME's."""
_ZSTD_WINDOW_LOG = 23
"""RFC 9659: a window of at most 8 MB."""

_GZIP = (b"\x1f\x8b",)
_GZIP_RESERVED = 0xE0
"""Flags of a header that must be zero (RFC 1952, 2.3.1.2)."""
_GZIP_NEXT = tuple(b"\x1f\x8b\x08" + bytes([flags]) for flags in range(0x20))
"""How each further member begins: deflate is the only method there is."""
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


_Undo = Callable[[bytes, int, int], tuple[bytes, bool]]


def decompress(body: bytes, content_encoding: str, limit: int) -> tuple[bytes, bool]:
    """Undo `Content-Encoding`; also tell whether the end was missing.

    Raises DecodeError: `too_large` when more than `limit` bytes come out at any step,
    `encoding` when a coding is unknown, broken, or one of too many.
    """
    whole = True
    for undo in _steps(content_encoding, MAX_CODINGS):
        if body:
            body, ended = undo(body, limit, MAX_MEMBERS)
            whole = whole and ended
        if len(body) > limit:
            break
    if len(body) > limit:
        raise DecodeError("too_large", f"more than {limit:,} bytes when decompressed")
    return body, not whole


def decompress_head(body: bytes, content_encoding: str, limit: int) -> bytes:
    """The first `limit` bytes of a body, however many follow. Raises DecodeError: `encoding`."""
    for undo in _steps(content_encoding, MAX_HEAD_CODINGS):
        if body:
            body = undo(body, limit, MAX_HEAD_MEMBERS)[0]
    return body[:limit]


def _steps(content_encoding: str, most: int) -> list[_Undo]:
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in _PLAIN]
    if len(names) > most:
        raise DecodeError("encoding", f"{len(names)} content codings; the limit is {most}")
    for name in names:
        if name not in _CODINGS:
            raise DecodeError("encoding", f"unknown content coding {name[:40]!r}")
    return [_CODINGS[name] for name in reversed(names)]


def is_unknown(content_type: str) -> bool:
    """Whether it says nothing of the body (WHATWG MIME Sniffing, 7)."""
    return content_type.partition(";")[0].strip().lower() in _UNKNOWN


_UNKNOWN = frozenset({"", "*/*", "unknown/unknown", "application/unknown"})


def looks_binary(body: bytes) -> bool:
    """Whether the first 512 bytes hold one that no text has (WHATWG MIME Sniffing, 7.2)."""
    head = body[:512]
    return not head.startswith(BOM_BYTES) and head.translate(None, _TEXT_BYTES) != b""


_TEXT_BYTES = bytes(n for n in range(256) if n in (9, 10, 12, 13, 27) or n >= 32)


# ---- one content coding each: at most a little more than `limit` bytes, of so many members, and
# ---- whether the end came


def _gunzip(body: bytes, limit: int, members: int) -> tuple[bytes, bool]:
    if not _begins(body, _GZIP):
        return body, True  # the header lies: what lacks the mark of its coding is plain
    if len(body) > 3 and body[3] & _GZIP_RESERVED:
        raise DecodeError("encoding", "reserved flags in a gzip header")
    if _zlib is not zlib:  # what it finds fault with has zlib's verdict, as on every machine
        with suppress(DecodeError):
            found, whole = _members(
                body, limit, lambda: _zlib.decompressobj(31), _GZIP_NEXT, members
            )
            if whole:
                return found, whole
    return _members(body, limit, lambda: zlib.decompressobj(31), _GZIP_NEXT, members)


def _unzstd(body: bytes, limit: int, members: int) -> tuple[bytes, bool]:
    if not _begins(body, _ZSTD):
        return body, True
    options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
    return _members(body, limit, lambda: zstd.ZstdDecompressor(options=options), _ZSTD, members)


def _inflate(body: bytes, limit: int, _: int) -> tuple[bytes, bool]:
    """By zlib alone: ISA-L takes a raw stream that is broken for one that ends there."""
    try:
        return _members(body, limit, zlib.decompressobj, (), 1)
    except DecodeError:
        return _members(body, limit, lambda: zlib.decompressobj(-15), (), 1)


def _begins(body: bytes, marks: tuple[bytes, ...]) -> bool:
    """Whether it begins with one of `marks`, or ends within it."""
    return body.startswith(marks) or any(mark.startswith(body) for mark in marks)


def _members(
    body: bytes,
    limit: int,
    new: Callable[[], _Decompressor],
    marks: tuple[bytes, ...],
    most: int,
) -> tuple[bytes, bool]:
    """Decompress member after member. What follows the last one and can be neither the beginning
    of another nor a piece of one is junk and ignored: bytes that differ from all `marks`. So the
    end within a mark is a body that was cut, and a fault after a mark is one of the body."""
    pieces = []
    size = 0
    for _ in range(most):
        member = new()
        try:
            pieces.append(member.decompress(body, limit + 1 - size))
        except (zlib.error, _zlib.error, zstd.ZstdError) as exc:
            raise DecodeError("encoding", str(exc)) from None
        size += len(pieces[-1])
        if size > limit or not member.eof:
            return b"".join(pieces), False
        body = member.unused_data
        if not body or not _begins(body, marks):
            return b"".join(pieces), True
    raise DecodeError("encoding", f"more than {most:,} compressed members")


def _unbrotli(body: bytes, limit: int, _: int) -> tuple[bytes, bool]:
    try:
        return _brotli(body, limit)
    except brotli.error as exc:
        if end := _brotli_end(body, limit):
            return _brotli(body[:end], limit)
        raise DecodeError("encoding", f"brotli: {exc}") from None


def _brotli(body: bytes, limit: int) -> tuple[bytes, bool]:
    decompressor = brotli.Decompressor()
    pieces = []
    size = 0
    while size <= limit and not decompressor.is_finished():
        piece = decompressor.process(body, output_buffer_limit=limit + 1 - size)
        body = b""
        pieces.append(piece)
        size += len(piece)
        if not piece and decompressor.can_accept_more_data():
            break  # it waits for bytes that never came
    return b"".join(pieces), decompressor.is_finished()


def _brotli_end(body: bytes, limit: int) -> int:
    """Where the stream ends before junk, which its library finds a fault and says no more of.
    0 if it ends nowhere: the fault is in it."""
    sound, faulty = 0, len(body)
    while faulty - sound > 1:
        middle = (sound + faulty) // 2
        try:
            _, ended = _brotli(body[:middle], limit)
        except brotli.error:
            faulty = middle
        else:
            if ended:
                return middle
            sound = middle
    return 0


_CODINGS: dict[str, _Undo] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
