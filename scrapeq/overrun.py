"""Two character references that make the parser write past the end of its buffer. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

# Of all references of HTML only these are shorter than what they stand for. Lexbor writes the
# longer text over the shorter one without a look at the room it has.
_HARMLESS = {
    b"&nGt;": "\u226b\u20d2".encode(),
    b"&nLt;": "\u226a\u20d2".encode(),
}


def without_overrun(text: bytes) -> bytes:
    """The same UTF-8, with those two written out."""
    hidden = b"\0" in text
    for reference, meaning in _HARMLESS.items():
        if _finder()(text, reference) or (hidden and reference in text):
            text = text.replace(reference, meaning)
    return text


@cache
def _finder() -> Callable[[bytes, bytes], object]:
    """strstr, up to a NUL: every page is searched, and Python would take ten times as long."""
    try:
        import ctypes  # a parse process has it loaded; the command line need not

        search = ctypes.CDLL(None).strstr
    except (ImportError, OSError, AttributeError):
        return bytes.__contains__
    search.argtypes = ctypes.c_char_p, ctypes.c_char_p
    search.restype = ctypes.c_void_p
    found: Callable[[bytes, bytes], object] = search
    return found
