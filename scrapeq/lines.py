"""Bytes in blocks -> lines of a list. Pure, and its memory is bounded."""

from __future__ import annotations

import re

from scrapeq.errors import UsageError
from scrapeq.urls import visible

MAX_LINE = 1 << 16
"""Bytes kept of a line. A longer one is no URL, and is skipped as such."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_OTHER_ENCODINGS = {
    b"\xff\xfe\x00\x00": "UTF-32", b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16",
}  # fmt: skip
_UTF_16_WITHOUT_A_BOM = re.compile(rb"(?:[!-~]\0){2}|(?:\0[!-~]){2}")


class LineSplitter:
    r"""Bytes in blocks -> lines ended by \n, \r\n or \r. Holds at most one bounded line."""

    def __init__(self, name: str = "-") -> None:
        self._name = name
        self._rest = b""
        self._dropped = 0
        self._first = True
        self._after_cr = False

    def feed(self, block: bytes) -> list[str]:
        """The lines that ended in this block. Raises UsageError on UTF-16 and UTF-32."""
        if self._first:
            block, self._rest = self._rest + block, b""
            if len(block) < len(b"a BOM"):
                self._rest = block
                return []
            _check_encoding(self._name, block)
            self._first = False
        if self._after_cr:
            block = block.removeprefix(b"\n")
        self._after_cr = block.endswith(b"\r")
        *pieces, last = _split(self._rest + block)
        if pieces and not self._dropped and max(map(len, pieces)) <= MAX_LINE:
            lines = [_text(piece) for piece in pieces]
        else:
            lines = [self._line(piece) for piece in pieces]
        self._rest = self._cut(last)
        return lines

    def end(self) -> list[str]:
        """The last line, if it has no end of its own."""
        if self._first:
            _check_encoding(self._name, self._rest)
        *pieces, last = _split(self._rest)
        self._rest = b""
        return [self._line(piece) for piece in ([*pieces, last] if last else pieces)]

    def _cut(self, piece: bytes) -> bytes:
        self._dropped += max(0, len(piece) - MAX_LINE)
        return piece[:MAX_LINE]

    def _line(self, piece: bytes) -> str:
        text = _text(self._cut(piece))
        dropped, self._dropped = self._dropped, 0
        return f"{text}[{dropped:,} more bytes]" if dropped else text


def _split(block: bytes) -> list[bytes]:
    return _LINE_END.split(block) if b"\r" in block else block.split(b"\n")


def _text(line: bytes) -> str:
    # A byte that is no UTF-8 becomes a surrogate, which no URL may have: never a guess.
    # Lists that were put together by `cat` have a BOM in the middle.
    return line.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _check_encoding(name: str, block: bytes) -> None:
    if found := _other_encoding(block):
        raise UsageError(
            f"{_shown_name(name)}: is {found}; save it as UTF-8 (iconv -f {found} -t UTF-8)"
        )


def _other_encoding(block: bytes) -> str:
    for bom, encoding in _OTHER_ENCODINGS.items():
        if block.startswith(bom):
            return encoding
    return "UTF-16" if _UTF_16_WITHOUT_A_BOM.match(block) else ""


def _shown_name(source: str) -> str:
    return "the list on stdin" if source == "-" else visible(source)
