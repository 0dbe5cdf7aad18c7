"""Charsets of the web that Python has no codec for, or one that differs. Pure.

The tables are what the indexes of the WHATWG Encoding Standard have and Python has not.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from contextlib import suppress

_BAD = "\ufffd"
_Mended = tuple[str, int]
"""What stands for bytes that a codec does not know, and where it goes on."""

_HKSCS = zip(
    re.findall(
        "....",
        "877a877b877c877d877e87a187a287a387a487a587a687a787a887a987aa87ab87ac87ad87ae87af87b087b1"
        "87b287b387b487b587b687b787b887b987ba87bb87bc87bd87be87bf87c087c187c287c387c487c587c687c7"
        "87c887c987ca87cb87cc87cd87ce87cf87d087d187d287d387d487d587d687d787d887d987da87db87dc87dd"
        "87de87df8e698e6f8e7e8eab8eb48ecd8ed08f578f698f6e8fcb8fcc8ffe906d907a90dc90f191bf924492af"
        "92b092b192b292c892d1944794ca95d9964496ed96fc9b769b789b7b9bc69bde9bec9bf69c429c539c629c68"
        "9c6b9c779cbc9cbd9cd09d579d5a9dc49ea99eef9efd9f609f669fcb9fd8a063a077a0d5a0dfa0e4c6cfc6d3"
        "c6d5c6d7c6dec6dffa5ffa66fabdfac5fad5fb48fbb8fbf3fbf9fc4ffc6cfcb9fce2fcf1fdb7fdb8fdbbfdf1"
        "fe52fe6ffeaafedd",
    ),
    "㡵𡵓𣚞𦀡㻬𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆㓦珄𥶹瓆鿇垳䤯呌䄱𣚎堘"
    "穲𧭥讏䚮𦺈䆁𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄𣖻䂴鿊䓡𪷿拁灮鿋箸簆糎緒縝者耨菁蒨萏覦覩起都銹靜響鼖蔃兙兛兝"
    "兞鍮瑹浧禛邗靝瀞嬨爁矗纇駖釔惞澶輶侻營鄄鷰菏尐秣婧輋筑拐恢痹汊鬮鼗僭弌蠏拎瑨煢牐廴无癶隶〃"
    "仝倩偽包卄卿嘅婷幵廐彘悤撐晴杞沜渝港煮猪瑜瓩砉",
    strict=True,
)
_ODD: dict[str, dict[bytes, str]] = {
    "big5hkscs": {
        **{bytes.fromhex(pair): char for pair, char in _HKSCS},
        **{bytes([0xA3, 0xC0 + n]): chr(0x2400 + n) for n in range(0x20)},
        b"\xa3\xe0": "\u2421", b"\xa3\xe1": "\u20ac",
        b"\xa1\x45": "\u2027", b"\xa1\x4e": "\ufe51", b"\xa1\xc2": "\xaf",
        b"\xa1\xe3": "\uff5e", b"\xa1\xf2": "\u2295", b"\xa1\xf3": "\u2299",
        b"\xa2\x41": "\u2215", b"\xa2\x42": "\ufe68", b"\xa2\x44": "\uffe5",
        b"\xa2\x46": "\uffe0", b"\xa2\x47": "\uffe1",
    },
    "euc_jp": {
        b"\xa1\xc1": "\uff5e", b"\xa1\xc2": "\u2225", b"\xa1\xdd": "\uff0d",
        b"\xa1\xf1": "\uffe0", b"\xa1\xf2": "\uffe1", b"\xa2\xcc": "\uffe2",
        b"\x8f\xa2\xb7": "\uff5e",
    },
    "gb18030": {
        b"\xa6\xd9": "\ufe10", b"\xa6\xda": "\ufe12", b"\xa6\xdb": "\ufe11",
        b"\xa6\xdc": "\ufe13", b"\xa6\xdd": "\ufe14", b"\xa6\xde": "\ufe15",
        b"\xa6\xdf": "\ufe16",
        b"\xa6\xec": "\ufe17", b"\xa6\xed": "\ufe18", b"\xa6\xf3": "\ufe19",
        b"\xa3\xa0": "\u3000", b"\xa8\xbc": "\u1e3f", b"\x81\x35\xf4\x37": "\ue7c7",
        b"\xfe\x59": "\u9fb4", b"\xfe\x61": "\u9fb5", b"\xfe\x66": "\u9fb6",
        b"\xfe\x67": "\u9fb7", b"\xfe\x6d": "\u9fb8", b"\xfe\x7e": "\u9fb9",
        b"\xfe\x90": "\u9fba", b"\xfe\xa0": "\u9fbb",
    },
}  # fmt: skip
"""Characters that browsers have for these bytes and Python has not."""

_TOKENS = {
    "big5hkscs": rb"[\x81-\xfe][\x40-\x7e\x80-\xff]|[\x00-\xff]",
    "euc_jp": rb"\x8f[\xa1-\xfe][\x80-\xff]|[\x8e\x8f\xa1-\xfe][\x80-\xff]|[\x00-\xff]",
    "gb18030": rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]|[\x81-\xfe][\x40-\x7e\x80-\xff]|[\x00-\xff]",
}
"""The bytes of one character, or of one fault."""


def _one_of(found: dict[bytes, str]) -> bytes:
    return b"|".join(map(re.escape, found))


_ANY_ODD = {name: re.compile(_one_of(found)) for name, found in _ODD.items()}
_SPLIT = {
    name: re.compile(
        b"((?:(?!%b)(?:%b))*+)(%b)?" % (_one_of(found), _TOKENS[name], _one_of(found)), re.DOTALL
    )
    for name, found in _ODD.items()
}


def _with_odd(body: bytes, name: str) -> str:
    if not _ANY_ODD[name].search(body):
        return body.decode(name, f"scrapeq_{name}")
    odd = _ODD[name]
    pieces = []
    for run, found in _SPLIT[name].findall(body):
        # The space keeps a fault at the end of a run from being taken for one cut there.
        text = (run + b" " if found else run).decode(name, f"scrapeq_{name}")
        pieces.append(text[:-1] + odd[found] if found else text)
    return "".join(pieces)


# ---- what no codec knows: the rules of the standard for how much of it is one U+FFFD


def _at_fault(exc: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(exc, UnicodeDecodeError):
        raise exc
    return exc.object, exc.start


def _pairs(leads: bytes) -> Callable[[UnicodeError], _Mended]:
    """ASCII after a lead byte is not its trail, or markup would be lost."""

    def mend(exc: UnicodeError) -> _Mended:
        body, at = _at_fault(exc)
        has_trail = body[at] in leads and not body[at + 1 : at + 2].isascii()
        return _BAD, at + 1 + has_trail

    return mend


def _euc_jp(exc: UnicodeError) -> _Mended:
    """What browsers know in EUC-JP, and Python only in Shift_JIS, is read: \u2460, \u2116."""
    body, at = _at_fault(exc)
    row, cell = (*body[at : at + 2], 0, 0)[:2]
    if 0xA1 <= row <= 0xFE and 0xA1 <= cell <= 0xFE:
        lead, odd = divmod(row - 0xA1, 2)
        trail = cell - 2 if odd else cell - 0x61 + (cell >= 0xE0)
        pair = bytes([lead + (0x81 if lead < 31 else 0xC1), trail])
        with suppress(UnicodeDecodeError):
            return pair.decode("cp932"), at + 2
    if row == 0x8F and 0xA1 <= cell <= 0xFE:
        return _BAD, at + (2 if body[at + 2 : at + 3].isascii() else 3)
    return _EUC_PAIRS(exc)


def _gb18030(exc: UnicodeError) -> _Mended:
    body, at = _at_fault(exc)
    if body[at] == 0x80:
        return "\u20ac", at + 1
    if _FOUR.fullmatch(body, at, at + 4):
        return _BAD, min(at + 4, len(body))
    return _GB_PAIRS(exc)


def _one_byte(exc: UnicodeError) -> _Mended:
    """Of windows-1250 to 1258 and 874: controls where Python has nothing. Only 1255 lacks 0xCA."""
    body, at = _at_fault(exc)
    byte = body[at]
    return chr(byte) if byte < 0xA0 else "\u05ba" if byte == 0xCA else _BAD, at + 1


_ALL_LEADS = bytes(range(0x81, 0xFF))
_EUC_PAIRS = _pairs(bytes([0x8E, 0x8F, *range(0xA1, 0xFF)]))
_GB_PAIRS = _pairs(_ALL_LEADS)
_FOUR = re.compile(rb"[\x81-\xfe][0-9](?:[\x81-\xfe][0-9]|[\x81-\xfe]?\Z)")
codecs.register_error("scrapeq_big5hkscs", _pairs(_ALL_LEADS))
codecs.register_error("scrapeq_cp949", _pairs(_ALL_LEADS))
codecs.register_error("scrapeq_cp932", _pairs(bytes([*range(0x81, 0xA0), *range(0xE0, 0xFD)])))
codecs.register_error("scrapeq_euc_jp", _euc_jp)
codecs.register_error("scrapeq_gb18030", _gb18030)
codecs.register_error("scrapeq_one_byte", _one_byte)


# ---- one decoder each


def _windows(body: bytes, name: str) -> str:
    return body.decode(name, "scrapeq_one_byte")


def _koi8_u(body: bytes, name: str) -> str:
    return body.decode(name).replace("\u255d", "\u045e").replace("\u256c", "\u040e")


def _cp949(body: bytes, name: str) -> str:
    return body.decode(name, "scrapeq_cp949")


def _shift_jis(body: bytes, name: str) -> str:
    text = body.decode(name, "scrapeq_cp932")
    for private in "\uf8f0\uf8f1\uf8f2\uf8f3":  # what Python makes of 0xA0 and 0xFD to 0xFF
        text = text.replace(private, _BAD)
    return text


_ASCII = "".join(_BAD if n in (0x0E, 0x0F) else chr(n) for n in range(0x80)) + _BAD * 0x80
_ONE_BYTE_SETS = {
    b"(B": _ASCII,
    b"(J": _ASCII.replace("\\", "\u00a5").replace("~", "\u203e"),
    b"(I": _BAD * 0x21 + "".join(map(chr, range(0xFF61, 0xFFA0))) + _BAD * 0xA0,
}
_ESCAPE = re.compile(rb"\x1b(\$[@B]|\([BJI])?")
_JIS_PAIRS = re.compile(rb"((?:[!-~]{2})++)|[!-~]?[\x00-\xff]")
_HIGH = bytes(n | 0x80 for n in range(0x100))


def _iso_2022_jp(body: bytes, _: str) -> str:
    pieces = []
    current, begun, silent = b"(B", 0, False
    for escape in _ESCAPE.finditer(body):
        at = escape.start()
        pieces.append(_in_set(current, body[begun:at]))
        silent = silent and begun == at
        if silent or not escape[1]:  # two in a row, or none
            pieces.append(_BAD)
        silent = bool(escape[1])
        current, begun = escape[1] or current, escape.end()
    pieces.append(_in_set(current, body[begun:]))
    return "".join(pieces)


def _in_set(current: bytes, run: bytes) -> str:
    if table := _ONE_BYTE_SETS.get(current):
        return codecs.charmap_decode(run, "strict", table)[0]
    return "".join(
        _with_odd(pairs[1].translate(_HIGH), "euc_jp") if pairs[1] else _BAD
        for pairs in _JIS_PAIRS.finditer(run)
    )


DECODERS: dict[str, Callable[[bytes, str], str]] = {
    "big5hkscs": _with_odd,
    "euc_jp": _with_odd,
    "gb18030": _with_odd,
    "cp932": _shift_jis,
    "cp949": _cp949,
    "iso2022_jp": _iso_2022_jp,
    "koi8-u": _koi8_u,
    **{f"cp{n}": _windows for n in (874, *range(1250, 1259))},
}
"""By the name that Python has for the charset, which is given to them too."""
