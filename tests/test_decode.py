"""Bytes as they came over the wire -> text, whatever the bytes are."""

from __future__ import annotations

import gzip
import random
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapeq.decode import (
    MAX_CODINGS,
    MAX_MEMBERS,
    WEB_CODECS,
    DecodeError,
    decode_text,
    decompress,
    decompress_head,
    looks_binary,
    markup,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMIT = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def pack_brotli(data: bytes) -> bytes:
    return bytes(brotli.compress(data, quality=4))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw": raw_deflate,
    "br": pack_brotli,
    "zstd": zstd.compress,
}
NAMES = {"raw": "deflate"}
"""What a server calls it, where that differs."""


@pytest.fixture(autouse=True, params=["zlib", "isal.isal_zlib"])
def either_zlib(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library's, and that of the extra `fast`."""
    monkeypatch.setattr("scrapeq.decode._zlib", import_module(request.param))


each_coding = pytest.mark.parametrize("coding", list(PACKERS))
LONG = "".join(random.Random(1).choices("abcdefgh <>/äöü\n", k=400_000)).encode()
TEXT = LONG[:20_001]


def name_of(coding: str) -> str:
    return NAMES.get(coding, coding)


def fault(body: bytes, coding: str, limit: int = LIMIT) -> str:
    """The reason of the DecodeError."""
    with pytest.raises(DecodeError) as caught:
        decompress(body, coding, limit)
    assert caught.value.detail
    return caught.value.reason


# ---- content codings


@pytest.mark.parametrize("coding", ["", "identity", " Identity ", ",", "identity, identity"])
def test_a_body_without_a_coding_is_itself(coding: str) -> None:
    assert decompress(TEXT, coding, LIMIT) == (TEXT, False)


@each_coding
@pytest.mark.parametrize("content", [b"", b"x", TEXT])
def test_each_coding_is_undone(coding: str, content: bytes) -> None:
    assert decompress(PACKERS[coding](content), name_of(coding), LIMIT) == (content, False)


@each_coding
def test_an_empty_body_is_empty_in_every_coding(coding: str) -> None:
    assert decompress(b"", name_of(coding), LIMIT) == (b"", False)


def test_the_name_of_a_coding_may_be_written_in_any_case() -> None:
    assert decompress(gzip.compress(TEXT), " GZip ", LIMIT) == (TEXT, False)


@given(st.lists(st.sampled_from(list(PACKERS)), max_size=MAX_CODINGS))
def test_stacked_codings_are_undone_from_the_last_to_the_first(stack: list[str]) -> None:
    body = TEXT
    for coding in stack:
        body = PACKERS[coding](body)
    header = ", ".join(map(name_of, stack))
    assert decompress(body, header, LIMIT) == (TEXT, False)


def test_more_codings_than_anybody_needs_are_refused() -> None:
    body = TEXT
    for _ in range(MAX_CODINGS + 1):
        body = gzip.compress(body)
    assert fault(body, ", ".join(["gzip"] * (MAX_CODINGS + 1))) == "encoding"
    assert decompress(body, ", ".join(["identity"] * 50 + ["gzip"]), LIMIT) == (
        gzip.decompress(body), False,
    )  # fmt: skip


@pytest.mark.parametrize("coding", ["compress", "nonsense", "utf-8", "gzip;q=1", "gzip gzip", "\0"])
def test_an_unknown_coding_is_refused(coding: str) -> None:
    assert fault(TEXT, coding) == "encoding"
    assert fault(b"", f"gzip, {coding}") == "encoding"


def test_a_plain_body_under_a_gzip_header_is_taken_as_it_is() -> None:
    assert decompress(TEXT, "gzip", LIMIT) == (TEXT, False)
    assert decompress(zlib.compress(TEXT), "deflate, gzip", LIMIT) == (TEXT, False)


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd"])
def test_a_plain_body_under_another_header_is_refused(coding: str) -> None:
    assert fault(TEXT, coding) == "encoding"


@each_coding
def test_a_body_cut_short_gives_what_there_is_and_says_so(coding: str) -> None:
    body = PACKERS[coding](TEXT)
    for length in (1, 2, 3, len(body) // 2, len(body) - 1):
        content, truncated = decompress(body[:length], name_of(coding), LIMIT)
        assert truncated, length
        assert TEXT.startswith(content)
    long = PACKERS[coding](LONG)
    assert len(decompress(long[:-1], name_of(coding), LIMIT)[0]) > 100_000


def test_a_stack_is_cut_short_if_one_of_its_codings_is() -> None:
    inner = gzip.compress(TEXT)[:-9]
    assert decompress(pack_brotli(inner), "gzip, br", LIMIT)[1]
    outer = pack_brotli(gzip.compress(TEXT))[:-9]
    assert decompress(outer, "gzip, br", LIMIT)[1]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_body_that_is_damaged_is_refused(coding: str) -> None:
    """A sum over the content is optional in zstd, and there is none in brotli."""
    body = bytearray(PACKERS[coding](TEXT))
    body[len(body) // 2] ^= 0xFF
    assert fault(bytes(body), coding) == "encoding"


@pytest.mark.parametrize("junk", [b"\0", b"\0" * 1000, b"<!-- a footer -->", b"\x1f", b"\x28\xb5"])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw", "zstd"])
def test_junk_after_the_end_is_ignored(coding: str, junk: bytes) -> None:
    body = PACKERS[coding](TEXT) + junk
    assert decompress(body, name_of(coding), LIMIT) == (TEXT, False)


def test_junk_after_brotli_is_refused_for_its_library_does_not_tell_where_it_ended() -> None:
    assert fault(pack_brotli(TEXT) + b"junk", "br") == "encoding"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_follow_one_another(coding: str) -> None:
    pack = PACKERS[coding]
    body = b"".join(map(pack, [b"one", b"", b"two", TEXT]))
    assert decompress(body, coding, LIMIT) == (b"onetwo" + TEXT, False)
    assert decompress(body[:-1], coding, LIMIT)[1]


def test_zstd_frames_that_are_to_be_skipped_are_skipped() -> None:
    note = b"\x5a\x2a\x4d\x18\x04\0\0\0note"
    body = note + zstd.compress(b"one") + note + zstd.compress(b"two") + note
    assert decompress(body, "zstd", LIMIT) == (b"onetwo", False)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_so_many_members_and_no_more(coding: str) -> None:
    member = PACKERS[coding](b"")
    last = PACKERS[coding](b"x")
    assert decompress(member * (MAX_MEMBERS - 1) + last, coding, LIMIT) == (b"x", False)
    assert fault(member * MAX_MEMBERS + last, coding) == "encoding"
    assert fault(member * 50_000, coding) == "encoding"


# ---- the limit


@each_coding
@pytest.mark.parametrize("size", [1, 100, 65_536, 300_001])
def test_the_limit_is_exact(coding: str, size: int) -> None:
    body = PACKERS[coding](b"x" * size)
    assert decompress(body, name_of(coding), size) == (b"x" * size, False)
    assert fault(body, name_of(coding), size - 1) == "too_large"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_the_limit_is_for_all_members_together(coding: str) -> None:
    body = PACKERS[coding](b"x" * 100) * 10
    assert decompress(body, coding, 1000) == (b"x" * 1000, False)
    assert fault(body, coding, 999) == "too_large"


def test_the_limit_is_for_each_step_of_a_stack() -> None:
    body = gzip.compress(gzip.compress(b"x") + b"\0" * 1000)
    assert decompress(body, "gzip, gzip", 2000) == (b"x", False)
    assert fault(body, "gzip, gzip", 999) == "too_large"


def test_the_limit_is_for_a_plain_body_too() -> None:
    for coding in ("", "gzip"):
        assert decompress(b"x" * 100, coding, 100) == (b"x" * 100, False)
        assert fault(b"x" * 100, coding, 99) == "too_large"


BOMB = bytes(brotli.compress(b"\0" * 11_500_000))
_ZEROS = b"\0" * (1 << 25)
BOMBS = {
    "gzip": gzip.compress(_ZEROS),
    "deflate": raw_deflate(_ZEROS),
    "br": pack_brotli(_ZEROS),
    "zstd": zstd.compress(_ZEROS),
    "gzip, gzip": gzip.compress(gzip.compress(_ZEROS)),
    "br, br": pack_brotli(pack_brotli(_ZEROS)),
    "gzip, zstd, br": pack_brotli(zstd.compress(gzip.compress(_ZEROS))),
}
del _ZEROS


@pytest.mark.parametrize("coding", list(BOMBS))
def test_a_bomb_costs_little_more_than_the_limit(coding: str) -> None:
    assert len(BOMBS[coding]) < 200_000
    tracemalloc.start()
    try:
        assert fault(BOMBS[coding], coding) == "too_large"
        assert tracemalloc.get_traced_memory()[1] < 8 * LIMIT
    finally:
        tracemalloc.stop()


def test_thirty_bytes_of_brotli_are_a_bomb_too() -> None:
    assert len(BOMB) < 40
    assert fault(BOMB, "br") == "too_large"
    assert fault(BOMB, "br", 11_499_999) == "too_large"
    assert decompress(BOMB, "br", 11_500_000) == (b"\0" * 11_500_000, False)


def test_a_zstd_frame_that_wants_a_huge_window_is_refused() -> None:
    options = {int(zstd.CompressionParameter.window_log): 27}
    packer = zstd.ZstdCompressor(options=options)
    body = packer.compress(TEXT) + packer.flush()
    assert fault(body, "zstd") == "encoding"


# ---- only the beginning


@each_coding
def test_the_beginning_of_a_large_body_can_be_had(coding: str) -> None:
    body = PACKERS[coding](TEXT)
    assert decompress_head(body, name_of(coding), 100) == TEXT[:100]
    assert decompress_head(body, name_of(coding), LIMIT) == TEXT
    assert TEXT.startswith(decompress_head(body[:500], name_of(coding), 5000))


@pytest.mark.parametrize("coding", list(BOMBS))
def test_the_beginning_of_a_bomb_is_harmless(coding: str) -> None:
    head = decompress_head(BOMBS[coding], coding, 1000)
    assert head == b"\0" * len(head)


def test_the_beginning_of_a_plain_body_is_the_body() -> None:
    assert decompress_head(b"abc", "", 100) == b"abc"
    with pytest.raises(DecodeError):
        decompress_head(b"abc", "nonsense", 100)


# ---- any bytes at all


_codings = st.lists(
    st.sampled_from(["gzip", "deflate", "br", "zstd", "identity", "", "x"]), max_size=7
).map(",".join)
_streams = st.builds(
    lambda coding, data, cut, junk: PACKERS[coding](data)[cut:] + junk,
    st.sampled_from(list(PACKERS)),
    st.binary(max_size=300),
    st.integers(0, 10),
    st.binary(max_size=50),
)


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=300) | _streams, _codings, st.integers(1, 400))
def test_any_bytes_are_a_body_or_a_decode_error(body: bytes, coding: str, limit: int) -> None:
    found = tried(body, coding, limit)
    if isinstance(found, DecodeError):
        assert found.reason in ("encoding", "too_large")
    else:
        assert len(found[0]) <= limit
        assert decompress_head(body, coding, limit) == found[0]
    with suppress(DecodeError):
        assert len(decompress_head(body, coding, limit)) <= limit


def tried(body: bytes, coding: str, limit: int) -> tuple[bytes, bool] | DecodeError:
    try:
        return decompress(body, coding, limit)
    except DecodeError as exc:
        return exc


@settings(deadline=None)
@given(
    st.sampled_from(list(PACKERS)), st.binary(max_size=2000), st.floats(0, 1), st.integers(0, 3000)
)
def test_any_beginning_of_a_stream_is_a_beginning_of_its_content(
    coding: str, data: bytes, share: float, limit: int
) -> None:
    body = PACKERS[coding](data)
    part = body[: round(share * len(body))]
    found = tried(part, name_of(coding), limit)
    if isinstance(found, DecodeError):
        assert found.reason == "too_large"
        assert len(data) > limit
    else:
        assert data.startswith(found[0])
        assert found[1] == (0 < len(part) < len(body))


# ---- charsets: who says what it is


def meta(charset: str) -> bytes:
    return f'<html><head><meta charset="{charset}"><title>'.encode()


def test_the_bom_counts_before_the_header() -> None:
    for codec, bom in (
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
    ):
        body = bom + "<p>ä€".encode(codec)
        assert decode_text(body, "text/html; charset=windows-1251") == ("<p>ä€", codec)


def test_the_header_counts_before_the_meta_element() -> None:
    body = meta("utf-8") + "Привет".encode("cp1251")
    text, name = decode_text(body, "text/html; charset=windows-1251")
    assert name == "cp1251"
    assert text.endswith("Привет")


@pytest.mark.parametrize(
    "head",
    [
        b'<meta charset="windows-1251">',
        b"<meta charset=windows-1251>",
        b'<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=windows-1251">',
        b'<?xml version="1.0" encoding="windows-1251"?>',
        b"<!-- a long comment " + b"x" * 900 + b" --><meta charset=windows-1251>",
    ],
)
def test_the_meta_element_counts_when_the_header_says_nothing(head: bytes) -> None:
    for content_type in ("", "text/html", "text/html; charset=nonsense"):
        text, name = decode_text(head + "Привет".encode("cp1251"), content_type)
        assert (name, text[-6:]) == ("cp1251", "Привет")


def test_without_any_word_utf_8_is_tried_and_then_windows_1252() -> None:
    assert decode_text("ä€文".encode(), "text/html") == ("ä€文", "utf-8")
    assert decode_text("“ä€”".encode("cp1252"), "text/html") == ("“ä€”", "cp1252")
    assert decode_text(b"", "") == ("", "utf-8")


def test_a_comment_or_a_body_says_nothing() -> None:
    for before in (b"<!-- <meta charset=windows-1251> -->", b"<body><meta charset=windows-1251>"):
        assert decode_text(before + "ä".encode(), "")[1] == "utf-8"


@pytest.mark.parametrize(
    "header",
    ["text/html; charset=utf-8", 'text/html; charset="UTF-8"', "text/html;charset=utf8",
     "text/html; x=y; charset=utf-8", "TEXT/HTML; CHARSET=UTF-8", "text/html; charset=utf-8, a/b"],
)  # fmt: skip
def test_the_header_is_read_as_servers_write_it(header: str) -> None:
    assert decode_text("ä".encode(), header) == ("ä", "utf-8")


def test_utf_16_without_a_bom_is_believed_of_a_header_and_not_of_a_meta_element() -> None:
    body = "<p>ä".encode("utf-16-le")
    assert decode_text(body, "text/html; charset=utf-16") == ("<p>ä", "utf-16-le")
    for label in ("utf-16", "utf-16le", "utf-16be", "unicode"):
        body = meta(label) + "ä".encode()
        assert decode_text(body, "") == (body.decode(), "utf-8")


# ---- charsets: what the labels mean


LABELS = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "cp866": "866 cp866 csibm866 ibm866",
    "iso8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 l2 latin2",
    "iso8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 l3 latin3",
    "iso8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 l4 latin4",
    "iso8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5",
    "iso8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 "
    "iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6",
    "iso8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 "
    "iso88597 iso_8859-7 sun_eu_greek",
    "iso8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 "
    "iso88598 iso_8859-8 visual csiso88598i iso-8859-8-i logical",
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
    "cp1252": "ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
    "iso_8859-1 l1 latin1 us-ascii windows-1252 x-cp1252",
    "cp1253": "cp1253 windows-1253 x-cp1253",
    "cp1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 l5 latin5 "
    "windows-1254 x-cp1254",
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
}
"""The labels of the WHATWG Encoding Standard, but for those with a colon in them."""


@pytest.mark.parametrize("codec", list(LABELS))
def test_a_label_means_what_it_means_in_a_browser(codec: str) -> None:
    assert codec in WEB_CODECS
    for label in LABELS[codec].split():
        for written in (label, label.upper()):
            assert decode_text(b"x ", f"text/html; charset={written}")[1] == codec, label
            if not codec.startswith("utf-16"):
                assert decode_text(meta(written), "")[1] == codec, label


def test_every_codec_has_a_label() -> None:
    assert set(LABELS) == WEB_CODECS


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("iso-8859-1", "“x”€"),
        ("gb2312", "镕㐀"),
        ("shift_jis", "①㈱"),
        ("euc-kr", "뷁"),
        ("tis-620", "ก…"),
        ("koi8-u", "їЇ"),
        ("x-mac-cyrillic", "Ђѓ"),
    ],
)
def test_text_that_only_the_tables_of_the_web_know_is_read(label: str, text: str) -> None:
    codec = next(codec for codec, labels in LABELS.items() if label in labels.split())
    assert decode_text(text.encode(codec), f"text/html; charset={label}") == (text, codec)


@pytest.mark.parametrize(
    "label",
    ["utf-7", "unicode_escape", "raw_unicode_escape", "zlib", "rot13", "rot_13", "base64", "hex",
     "bz2", "punycode", "idna", "undefined", "mbcs", "utf-32", "utf-8-sig", "hz-gb-2312",
     "iso-2022-kr", "iso-2022-cn", "replacement", "ebcdic-cp-us", "cp037", "x-user-defined"],
)  # fmt: skip
def test_a_label_that_browsers_do_not_know_is_none(label: str) -> None:
    body = meta(label) + "+ADw-ä\\u003c".encode()
    for header in ("", f"text/html; charset={label}"):
        assert decode_text(body, header) == (body.decode(), "utf-8")


def test_bytes_that_fit_nowhere_become_u_fffd() -> None:
    assert decode_text(b"a\xffb", "text/html; charset=utf-8") == ("a\ufffdb", "utf-8")
    assert decode_text(b"a\x81b", "") == ("a\ufffdb", "cp1252")
    assert decode_text(b"\xff\xfea\0b", "")[0] == "a\ufffd"
    assert decode_text(b"\xff\xfe\0\xd8a\0", "")[0] == "\ufffda"
    assert decode_text(b"a\x80b", "text/html; charset=gbk") == ("a€b", "gb18030")


@settings(max_examples=300)
@given(
    st.binary(max_size=200)
    | st.builds(
        lambda label, rest: meta(label) + rest,
        st.sampled_from(" ".join(LABELS.values()).split()) | st.text(max_size=10),
        st.binary(max_size=100),
    ),
    st.sampled_from(["", "text/html", "text/html; charset="]),
    st.sampled_from(" ".join(LABELS.values()).split()) | st.text(max_size=20),
)
def test_any_bytes_are_some_text_that_can_be_stored(
    body: bytes, content_type: str, label: str
) -> None:
    text, name = decode_text(body, content_type + label)
    assert name in WEB_CODECS
    text.encode()
    found, same = markup(body, content_type + label)
    assert same == name
    assert (found.decode() if isinstance(found, bytes) else found) == text


@pytest.mark.parametrize(
    ("body", "content_type", "found"),
    [
        ("ä".encode(), "", "ä".encode()),
        (b"\xef\xbb\xbfx", "text/html; charset=koi8-r", b"x"),
        (b"\xff", "text/html; charset=utf-8", "\ufffd"),
        (b"x", "text/html; charset=koi8-r", "x"),
    ],
)
def test_sound_utf_8_stays_as_it_is(body: bytes, content_type: str, found: str | bytes) -> None:
    assert markup(body, content_type)[0] == found


# ---- is it text at all


@pytest.mark.parametrize(
    "body",
    [b"", b"plain", "ä文".encode(), b"\t\r\n\x0c\x1b[0m", b"\xef\xbb\xbf\0", b"\xff\xfe<\0",
     b"\xfe\xff\0<", b"x" * 512 + b"\0"],
)  # fmt: skip
def test_text_does_not_look_binary(body: bytes) -> None:
    assert not looks_binary(body)


@pytest.mark.parametrize(
    "body", [b"\x89PNG\r\n\x1a\n\0", b"PK\x03\x04", b"\x7fELF\x02", b"x" * 511 + b"\0", b"\x08"]
)
def test_what_has_a_byte_that_no_text_has_looks_binary(body: bytes) -> None:
    assert looks_binary(body)


# ---- the same verdict with either library


@pytest.mark.parametrize("flag", [0x20, 0x40, 0x80])
def test_reserved_flags_of_gzip_are_an_error(flag: int) -> None:
    packed = bytearray(gzip.compress(b"x"))
    packed[3] |= flag
    with pytest.raises(DecodeError) as raised:
        decompress(bytes(packed), "gzip", LIMIT)
    assert raised.value.reason == "encoding"


@settings(max_examples=200)
@given(st.integers(0, 10**6), st.integers(0, 7), st.sampled_from(["gzip", "deflate", "raw"]))
def test_a_flipped_bit_has_one_verdict_whichever_library_there_is(
    place: int, bit: int, coding: str
) -> None:
    packed = bytearray(PACKERS[coding](TEXT[:3000]))
    packed[place % len(packed)] ^= 1 << bit

    def verdict(library: str) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("scrapeq.decode._zlib", import_module(library))
            try:
                return decompress(bytes(packed), NAMES.get(coding, coding), LIMIT)
            except DecodeError as exc:
                return exc.reason

    assert verdict("isal.isal_zlib") == verdict("zlib")
