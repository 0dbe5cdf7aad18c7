"""One connection: aiohttp's protocol, and what it lets through that is no HTTP."""

from __future__ import annotations

import re
import ssl
from itertools import chain
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.streams import StreamReader

from scrapeq.clock import LATE

MAX_EARLY = 100
"""Answers of status 1xx before the real one."""

MAX_PIECE = 64 << 10
"""Bytes that are read at once, without TLS."""
MAX_BLANK = 64
"""Bytes of blank lines before a head (RFC 9112, 2.2: a few are to be ignored)."""
MAX_LINES = 4
"""Longest header lines that a head may be as large as, and half of what all heads of one answer
may be."""

_BLANK = re.compile(rb"[\r\n]{0,%d}" % (MAX_BLANK + 1))
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_TRAILER_END = re.compile(rb"(?:\A|\n)\r?\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class BrokenFrameError(aiohttp.ClientPayloadError):
    """What came in the middle of a body is no HTTP."""


class Wire(ResponseHandler):
    """An answer ends where its own frame says. aiohttp reads on, and takes what follows for the
    next answer, or loses the one before it."""

    asked = 0
    """Requests that were sent here."""
    awaited = False
    """The answer to the last of them has no head yet."""
    heard = 0
    """Bytes of its heads so far, those of status 1xx among them."""
    _early = 0
    _head = _blank = _max_head = 0
    """Bytes of the head that is awaited, and of blank lines before it."""
    _unframed = False
    """Its body ends with the connection."""
    _chunked = False
    _seam = b""
    """The last bytes of a head that goes on in the next packet."""
    _tls: ssl.SSLObject | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.max_size = MAX_PIECE  # 256 KB in chunks of a byte hold the loop for 0.2 s
        self._tls = transport.get_extra_info("ssl_object")

    def set_response_params(self, **params: Any) -> None:
        self.asked += 1
        self.awaited, self._early = True, 0
        self.heard = self._head = self._blank = 0
        self._max_head = MAX_LINES * params.get("max_field_size", 8190)  # a proxy's
        self._unframed, self._chunked, self._seam = False, False, b""
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if not data or self._parser is None:  # a pause is over; or the server speaks first
            self._parse(data)
            return
        start = 0
        while start < len(data) and self._parser is not None and self._exception is None:
            if self._is_idle():
                self._hang_up()
                return
            if self.awaited:
                begin, end = self._next_of_head(data, start)
                if fault := self._excess():
                    self._refuse(fault)
                    return
            else:
                begin, end = start, len(data)
            piece, start = data[begin:end], end
            if piece:
                self._parse(piece)
            if self._chunked and self._is_idle() and _has_nul_in_trailer(piece):
                self._break("a NUL in a trailer")

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take an answer from the parser, its body still to come."""
        message, body = data
        if not self.awaited:
            self._hang_up()
        elif fault := self._fault_of(message):
            self._refuse(fault)
        else:
            self._head = self._blank = 0
            if message.code >= 200 or message.code == 101:
                self.awaited = False
                self._expect(message, body)
            super().feed_data(data, size)

    def connection_lost(self, exc: BaseException | None) -> None:
        if exc is None and self._unframed and self._payload is not None and self._is_cut():
            self._payload.set_exception(
                aiohttp.ClientPayloadError("TLS ended without close_notify, and no length is known")
            )
        super().connection_lost(exc)

    def _parse(self, data: bytes) -> None:
        super().data_received(data)
        if self._exception is not None and not self._is_idle():
            # aiohttp tells who waits for an answer, but not who reads its body.
            self._break(str(self._exception))

    def _break(self, why: str) -> None:
        """Tell the reader of the body that there is no more to come."""
        if (body := self._payload) is not None and body.exception() is None:
            body.set_exception(BrokenFrameError(why))
        self._hang_up()

    def _next_of_head(self, data: bytes, start: int) -> tuple[int, int]:
        """Where these bytes go on with the head that is awaited, and until where."""
        begin = start
        if not self._head:
            blank = _BLANK.match(data, start)
            begin = blank.end() if blank else start
            self._blank += begin - start
        seam = self._seam + data[begin : begin + 3]
        if found := _HEAD_END.search(seam):
            end = begin + found.end() - len(self._seam)
        else:
            found = _HEAD_END.search(data, begin)
            end = found.end() if found else len(data)
        self._seam = b"" if found else (self._seam + data[max(begin, end - 3) : end])[-3:]
        self._head += end - begin
        self.heard += end - start
        return begin, end

    def _excess(self) -> str:
        """What there is too much of before the body."""
        if self._blank > MAX_BLANK:
            return f"more than {MAX_BLANK} bytes of blank lines before the answer"
        if self._head > self._max_head:
            return f"Got more than {self._max_head:,} bytes of headers"
        if self.heard > 2 * self._max_head:
            return f"Got more than {2 * self._max_head:,} bytes of headers in all"
        return ""

    def _expect(self, message: RawResponseMessage, body: StreamReader) -> None:
        self._chunked = message.chunked
        framed = message.chunked or "Content-Length" in message.headers
        self._unframed = not framed and not body.is_eof()

    def _fault_of(self, message: RawResponseMessage) -> str:
        if message.code < 200 and message.code != 101:
            self._early += 1
            if self._early > MAX_EARLY:
                return f"more than {MAX_EARLY} answers of status 1xx"
        text = [message.reason.encode("utf-8", "surrogateescape"), *chain(*message.raw_headers)]
        if _CONTROL.search(b"".join(text)):  # one search: it is done for each answer
            return "a control character in the head of the answer"
        return ""

    def _is_idle(self) -> bool:
        """Whatever comes now, nobody has asked for it."""
        return not self.awaited and (self._payload is None or self._payload.is_eof())

    def _refuse(self, fault: str) -> None:
        """End an answer that has no body yet."""
        self._hang_up()
        self.set_exception(BadHttpMessage(fault))

    def _hang_up(self) -> None:
        self.force_close()
        if self.transport is not None:
            self.transport.close()

    def _is_cut(self) -> bool:
        """Whether TLS was broken off by somebody who did not say goodbye."""
        if self._tls is None:
            return False
        try:
            self._tls.read(1)
        except ssl.SSLZeroReturnError:
            return False
        except OSError:
            return True
        return False

    def _on_read_timeout(self) -> None:
        timer = self._read_timeout_handle
        if timer is not None and self._loop.time() - timer.when() > LATE:
            self._reschedule_timeout()  # it was this process that did not listen
        else:
            super()._on_read_timeout()


def _has_nul_in_trailer(piece: bytes) -> bool:
    """Of a body that has ended in this piece. What lies behind its end is no trailer."""
    trailer = piece[piece.rfind(b"\n0") + 1 :]
    end = _TRAILER_END.search(trailer)
    return end is not None and b"\0" in trailer[: end.start()]
