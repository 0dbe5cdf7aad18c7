"""Bytes of a page -> its text: which charset it is in, by the WHATWG Encoding Standard. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import lru_cache

from w3lib.encoding import to_unicode

from scrapeq.legacy import DECODERS
from scrapeq.prescan import declared_label

REPLACEMENT = "replacement"
"""Of charsets that hide markup from whoever does not know them: nothing of such a page is read."""
USER_DEFINED = "x-user-defined"

_WORDS = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "cp866": "866 cp866 csibm866 ibm866",
    "iso8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 "
    "l2 latin2",
    "iso8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 "
    "l3 latin3",
    "iso8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 "
    "l4 latin4",
    "iso8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
    "iso_8859-5:1988",
    "iso8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 "
    "iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 "
    "iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 "
    "iso88598 iso_8859-8 iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical",
    "iso8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "mac-roman": "csmacintosh mac macintosh x-mac-roman",
    "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "cp1250": "cp1250 windows-1250 x-cp1250",
    "cp1251": "cp1251 windows-1251 x-cp1251",
    "cp1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 "
    "iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
    "cp1253": "cp1253 windows-1253 x-cp1253",
    "cp1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 "
    "iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254",
    "cp1255": "cp1255 windows-1255 x-cp1255",
    "cp1256": "cp1256 windows-1256 x-cp1256",
    "cp1257": "cp1257 windows-1257 x-cp1257",
    "cp1258": "cp1258 windows-1258 x-cp1258",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk "
    "gb18030",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc_jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso2022_jp": "csiso2022jp iso-2022-jp",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "cp949": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 "
    "ksc_5601 windows-949",
    "utf-16-be": "unicodefffe utf-16be",
    "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
    REPLACEMENT: "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
    USER_DEFINED: "x-user-defined",
}
LABELS = {label: codec for codec, labels in _WORDS.items() for label in labels.split()}
"""All labels of the standard (4.2), and what Python calls that charset. A word that is none of
them (`utf-7`, `unicode_escape`, `zlib`) says nothing: no codec is looked up by a server's word."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
BOM_BYTES = tuple(bom for bom, _ in _BOMS)

_PARAMETER = re.compile(r'(?:^|;)[ \t]*+([^\s;="]++)(?:=("(?:[^"\\]|\\.)*+"?|[^;]*+))?', re.DOTALL)
"""One `name=value` of a Content-Type; what stands in quotes is no other parameter."""
_SPACE = "\t\n\f\r "  # of the web: a label ends in no other


def decode_text(body: bytes, content_type: str) -> tuple[str, str]:
    """Text and the name of its charset: BOM, then header, then meta, then UTF-8 if it fits,
    else windows-1252. Bytes that fit nowhere become U+FFFD."""
    if body.startswith(BOM_BYTES):
        bom, codec = next(pair for pair in _BOMS if body.startswith(pair[0]))
        return body[len(bom) :].decode(codec, "replace"), codec
    name = _declared(body, content_type)
    if name is not None:
        return _DECODERS.get(name, to_unicode)(body, name), name
    try:
        text, used = codecs.utf_8_decode(body, "strict", False)
    except UnicodeDecodeError:
        return _DECODERS["cp1252"](body, "cp1252"), "cp1252"
    return (text if used == len(body) else text + "\ufffd"), "utf-8"  # cut within a character


def markup(body: bytes, content_type: str) -> tuple[bytes, str]:
    """As `decode_text`, but the text is UTF-8, which the parser works on: sound UTF-8 stays as
    it is, and to spare it both ways is a tenth of the time of parsing."""
    if body.isascii() and (name := _declared(body, content_type) or "utf-8") not in _NOT_ASCII:
        return body, name
    text, name = decode_text(body, content_type)
    if name == "utf-8" and "\ufffd" not in text:
        return body.removeprefix(codecs.BOM_UTF8), name
    return text.encode(), name


def _declared(body: bytes, content_type: str) -> str | None:
    return header_charset(content_type) or meta_charset(body)


@lru_cache(256)
def header_charset(content_type: str) -> str | None:
    """What a Content-Type says, if it says one of the LABELS."""
    for name, value in _PARAMETER.findall(content_type[:1000]):
        if name.lower() == "charset":
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:].removesuffix('"'))
            return codec_of(value.partition(",")[0])  # two headers, joined
    return None


def meta_charset(body: bytes) -> str | None:
    """What the page says of itself, if it can be meant."""
    label = declared_label(body, LABELS)
    name = LABELS.get(label) if label else None
    if name == USER_DEFINED:
        return "cp1252"
    # The declaration could be read, so it is not UTF-16.
    return "utf-8" if name in ("utf-16-le", "utf-16-be") and not body[:2].count(0) else name


def codec_of(label: str) -> str | None:
    """What a label means (4.2, "get an encoding")."""
    return LABELS.get(label.strip(_SPACE).lower()) if label.isascii() else None  # no Kelvin sign


# ---- charsets that are no text of a language


def _nothing(body: bytes, _: str) -> str:
    return "\ufffd" if body else ""


def _user_defined(body: bytes, _: str) -> str:
    return codecs.charmap_decode(body, "strict", _PRIVATE)[0]


_NOT_ASCII = {"utf-16-le", "utf-16-be", "iso2022_jp", REPLACEMENT}
"""Where seven bits may mean something else."""
_PRIVATE = "".join(map(chr, [*range(0x80), *range(0xF780, 0xF800)]))
_DECODERS: dict[str, Callable[[bytes, str], str]] = {
    REPLACEMENT: _nothing,
    USER_DEFINED: _user_defined,
    **DECODERS,
}
