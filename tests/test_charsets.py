"""Bytes -> text in the charset that a browser would choose, whatever the bytes are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapeq.charsets import LABELS, decode_text, header_charset, markup, meta_charset

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


@pytest.mark.parametrize(
    "head",
    [
        b"<!-- <meta charset=koi8-r> -->",
        b"<!-- <meta charset=koi8-r>",
        b"<!--><!-- --<meta charset=koi8-r> -->",
        b'<a title="<meta charset=koi8-r>">',
        b"<a title='>' x=<meta charset=koi8-r>",
        b"</a <meta charset=koi8-r>>",
        b"<! <meta charset=koi8-r>",
        b"<? <meta charset=koi8-r>",
        b"<metal charset=koi8-r>",
        b"<metacharset=koi8-r>",
        b"<meta name=x content='text/html; charset=koi8-r'>",
        b"<meta http-equiv=refresh content='text/html; charset=koi8-r'>",
        b"<meta http-equiv=content-type content='text/html; charset'>",
        b"<meta http-equiv=content-type content='text/html; charset=\"koi8-r'>",
        b"<meta http-equiv=content-type x='charset=koi8-r'>",
        b"<meta charset=nonsense http-equiv=content-type content='a; charset=koi8-r'>",
        b"<meta charset='koi8-r>",
        b"<meta charset=koi8-r",
        b" " * 1007 + b"<meta charset=koi8-r>",
        b"<?xml encoding='koi8-r'",
        b" <?xml version='1.0' encoding='koi8-r'?>",
        b"<?xml version='1.0' encoding='koi8 r'?>",
        b"<meta \0charset=koi8-r>",
    ],
)
def test_what_is_no_declaration_says_nothing(head: bytes) -> None:
    assert meta_charset(head) is None
    assert decode_text(head + "ä".encode(), "")[1] == "utf-8"


@pytest.mark.parametrize(
    "head",
    [
        b"<body><meta charset=koi8-r>",
        b"<!--><meta charset=koi8-r>",
        b"<!---><meta charset=koi8-r>",
        b"<!-- -- > -> --><meta charset=koi8-r>",
        b"<meta/charset=koi8-r>",
        b"<META\x0cx / charSet \n=\t 'KOI8-R' />",
        b"<meta charset=koi8-r charset=utf-8>",
        b"<meta content='text/html; charset=koi8-r' http-equiv=Content-Type>",
        b"<meta http-equiv='content-type' content='CHARSET charset  =  \"koi8-r\"; x'>",
        b"<meta http-equiv='content-type' content='charset=utf-8' charset=koi8-r>",
        b"<meta charset=nonsense><meta charset=koi8-r>",
        b"<a b='>' c=\"<!--\" d><meta charset=koi8-r>",
        b"< a><1><meta charset=koi8-r>",
        b"</><!doctype html><?x?><meta charset=koi8-r>",
        b" " * 1003 + b"<meta charset=koi8-r>",
        b"<?xml version='1.0' encoding = \"koi8-r\"?>",
        b"<?xml encoding='nonsense'?><meta charset=koi8-r>",
        b"\0<meta charset=koi8-r>",
    ],
)
def test_a_declaration_is_found_as_a_browser_finds_it(head: bytes) -> None:
    assert meta_charset(head) == "koi8-r"


def test_an_xml_declaration_in_utf_16_tells_by_its_bytes() -> None:
    for name in ("utf-16-le", "utf-16-be"):
        text = '<?xml version="1.0"?><p>ä'
        assert decode_text(text.encode(name), "text/html") == (text, name)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<",
                ">",
                "!--",
                "-->",
                "meta",
                " ",
                "/",
                "charset",
                "=",
                "koi8-r",
                "'",
                '"',
                "content",
                "http-equiv",
                "content-type",
                ";",
                "a",
                "?xml",
                "encoding",
                "\0",
            ]
        ),
        max_size=60,
    ).map(lambda words: "".join(words).encode())
)
def test_no_head_is_too_strange(head: bytes) -> None:
    assert meta_charset(head) in (None, "koi8-r")


@pytest.mark.parametrize(
    "piece", [b"<", b"<!--", b"<a ", b"<meta ", b"<meta a=", b"<a b='", b"a=", b"="]
)
def test_a_head_of_a_megabyte_is_read_no_further_than_a_browser_reads(piece: bytes) -> None:
    assert meta_charset(piece * (1_000_000 // len(piece)) + b"><meta charset=koi8-r>") is None


@pytest.mark.parametrize(
    "header",
    ["text/html; charset=utf-8", 'text/html; charset="UTF-8"', "text/html;charset=utf8",
     "text/html; x=y; charset=utf-8", 'text/html; x="; charset=koi8-r"; charset=utf-8',
     'text/html; charset="utf\\-8"', 'text/html; charset="utf-8',
     "text/html; charset=utf-8; charset=koi8-r",
     "TEXT/HTML; CHARSET=UTF-8", "text/html; charset=utf-8, a/b"],
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


STANDARD = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "ibm866": "866 cp866 csibm866 ibm866",
    "iso-8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 "
    "l2 latin2",
    "iso-8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 "
    "l3 latin3",
    "iso-8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 "
    "l4 latin4",
    "iso-8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
    "iso_8859-5:1988",
    "iso-8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 "
    "iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso-8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 "
    "iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso-8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 "
    "iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual",
    "iso-8859-8-i": "csiso88598i iso-8859-8-i logical",
    "iso-8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "macintosh": "csmacintosh mac macintosh x-mac-roman",
    "windows-874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "windows-1250": "cp1250 windows-1250 x-cp1250",
    "windows-1251": "cp1251 windows-1251 x-cp1251",
    "windows-1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 "
    "iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
    "windows-1253": "cp1253 windows-1253 x-cp1253",
    "windows-1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 "
    "iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254",
    "windows-1255": "cp1255 windows-1255 x-cp1255",
    "windows-1256": "cp1256 windows-1256 x-cp1256",
    "windows-1257": "cp1257 windows-1257 x-cp1257",
    "windows-1258": "cp1258 windows-1258 x-cp1258",
    "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gbk": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "gb18030": "gb18030",
    "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso-2022-jp": "csiso2022jp iso-2022-jp",
    "shift_jis": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "euc-kr": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 "
    "ksc5601 ksc_5601 windows-949",
    "replacement": "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
    "utf-16be": "unicodefffe utf-16be",
    "utf-16le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
    "x-user-defined": "x-user-defined",
}
"""All names and labels of the Encoding Standard (4.2), lower case."""
CODECS = {
    "ibm866": "cp866", "koi8-u": "koi8-u", "macintosh": "mac-roman", "windows-874": "cp874",
    "x-mac-cyrillic": "mac-cyrillic", "gbk": "gb18030", "big5": "big5hkscs", "euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp", "shift_jis": "cp932", "euc-kr": "cp949", "utf-16be": "utf-16-be",
    "utf-16le": "utf-16-le", "iso-8859-8-i": "iso8859-8",
}  # fmt: skip
"""What Python calls them, where that differs by more than `iso-8859` and `windows-`."""
ALL_LABELS = " ".join(STANDARD.values()).split()


def codec(name: str) -> str:
    plain = name.replace("iso-8859", "iso8859").replace("windows-", "cp")
    return CODECS.get(name, plain)


def test_the_table_is_that_of_the_standard_and_nothing_else() -> None:
    assert {label: codec(name) for name, words in STANDARD.items() for label in words.split()} == (
        LABELS
    )
    assert len(STANDARD) == 40
    assert len(ALL_LABELS) == len(set(ALL_LABELS)) == 228


@pytest.mark.parametrize("label", ALL_LABELS)
def test_a_label_means_what_it_means_in_a_browser(label: str) -> None:
    name = LABELS[label]
    for written in (label, label.upper(), f'"{label}"', f"\t{label} "):
        assert decode_text(b"x ", f"text/html; charset={written}")[1] == name
    in_meta = {"utf-16-le": "utf-8", "utf-16-be": "utf-8", "x-user-defined": "cp1252"}
    for body in (meta(label), meta(label.upper()), meta(f" {label}\n")):
        assert decode_text(body, "")[1] == in_meta.get(name, name)


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
    name = LABELS[label]
    assert decode_text(text.encode(name), f"text/html; charset={label}") == (text, name)


@pytest.mark.parametrize(
    "label",
    ["utf-7", "unicode_escape", "raw_unicode_escape", "zlib", "rot13", "rot_13", "base64", "hex",
     "bz2", "punycode", "idna", "undefined", "mbcs", "utf-32", "utf-8-sig", "ebcdic-cp-us",
     "cp037", "utf_8", "latin-1", "cp936", "\u212aoi8-r", "koi8\u2212r", "", " ", "'utf-8'"],
)  # fmt: skip
def test_a_label_that_browsers_do_not_know_is_none(label: str) -> None:
    body = meta(label) + "+ADw-ä\\u003c".encode()
    for header in ("", f"text/html; charset={label}"):
        assert decode_text(body, header) == (body.decode(), "utf-8")


@pytest.mark.parametrize(
    "header",
    ["text/html; charset = koi8-r", "text/html charset=koi8-r", "text/html; xcharset=koi8-r",
     "charset", "text/html; charset"],
)  # fmt: skip
def test_what_is_no_charset_in_a_header_says_nothing(header: str) -> None:
    assert header_charset(header) is None


def test_a_header_of_a_megabyte_is_read_in_no_time() -> None:
    for piece in (";", '"', "\\", "; charset", "=", 'a="\\'):
        assert header_charset("text/html;" + piece * 200_000) is None


def test_a_charset_that_hides_markup_is_not_read_at_all() -> None:
    for label in STANDARD["replacement"].split():
        for header, body in ((f"text/html; charset={label}", b"<p>"), ("", meta(label))):
            assert decode_text(body, header) == ("\ufffd", "replacement")
        assert decode_text(b"", f"text/html; charset={label}") == ("", "replacement")


def test_user_defined_bytes_have_characters_of_their_own() -> None:
    body = bytes(range(256))
    text, name = decode_text(body, "text/html; charset=x-user-defined")
    assert name == "x-user-defined"
    assert text == "".join(map(chr, [*range(128), *range(0xF780, 0xF800)]))


@pytest.mark.parametrize(
    ("label", "body", "text"),
    [
        ("utf-8", b"a\xffb", "a\ufffdb"),
        ("utf-8", b"a\xe2\x82", "a\ufffd"),
        ("utf-8", b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        ("utf-8", b"\xc0\xbc\xf4\x90\x80\x80", "\ufffd" * 6),
        ("windows-1253", b"a\xaab", "a\ufffdb"),
        ("utf-16", b"a\0\0\xd8b\0c", "a\ufffdb\ufffd"),
        ("gbk", b"a\x80b", "a€b"),
        ("gbk", b"\x81\x30\x81\x30\x90\x30\x81\x30", "\x80\U00010000"),
        ("gb18030", b"\x84\x31\xa4\x37", "\ufffd"),
        ("gb18030", b"a\x81", "a\ufffd"),
        ("gb18030", b"a\x81\x30", "a\ufffd"),
        ("gb18030", b"a\x81\x30\x81", "a\ufffd"),
        ("gb18030", b"\x81<p>", "\ufffd<p>"),
        ("gb18030", b"\x81\x30<p>", "\ufffd0<p>"),
        ("gb18030", b"\x81\x30\x81<p>", "\ufffd0\ufffd<p>"),
        ("shift_jis", b"\x81<p>", "\ufffd<p>"),
        ("shift_jis", b"\x87\x40\x81", "①\ufffd"),
        ("euc-jp", b"\xad\xa1\xad\xea\xad\xe2\xa4\xa2", "①㈱№あ"),
        ("euc-jp", b"\x8f\xa1<p>\xad", "\ufffd<p>\ufffd"),
        ("euc-jp", b"\x8f\xa1\xa1\xa2\xaf\xff\x8e\x80\xa4\xa2", "\ufffd" * 4 + "あ"),
        ("gb18030", b"\xf47\xa8\xbc\xe3\x32\x9a\x36", "\ufffd7ḿ\ufffd"),
        ("euc-kr", b"\x81<p>", "\ufffd<p>"),
        ("big5", b"\x81<p>", "\ufffd<p>"),
        ("iso-2022-jp", b"\x1b$B$\".!\x1b(B<p>", "あ\ufffd<p>"),
    ],
)  # fmt: skip
def test_bytes_that_fit_nowhere_become_u_fffd(label: str, body: bytes, text: str) -> None:
    assert decode_text(body, f"text/html; charset={label}")[0] == text


@pytest.mark.parametrize(
    ("label", "body", "text"),
    [
        ("euc-jp", b"\xa1\xc1\xa1\xc2\xa1\xdd\xa1\xf1\xa1\xf2\xa2\xcc", "\uff5e∥\uff0d￠￡￢"),
        ("euc-jp", b"~\x8f\xa2\xb7\xa4\xa2", "~\uff5eあ"),
        ("euc-jp", b"\xb0\xa1\xc1\xa1", "亜繊"),
        ("iso-2022-jp", b"\x1b(I1_\x1b$B!A-!\x1b(J\\~\x1b(B\\", "ｱﾟ\uff5e①¥‾\\"),
        ("iso-2022-jp", b"\x1b$B\x1b(B<\x1b\x1b(X\x0e", "\ufffd<\ufffd\ufffd(X\ufffd"),
        ("iso-2022-jp", b'\x1b$@$"$\x1b(B<\x1b$B$\n$', "あ\ufffd<\ufffd\ufffd"),
        ("koi8-u", b"\xae\xbe", "ўЎ"),
        ("windows-1250", b"\x81\x83\x88\x90\x98", "\x81\x83\x88\x90\x98"),
        ("windows-1251", b"\x98", "\x98"),
        ("windows-1252", b"\x81\x8d\x8f\x90\x9d\x80", "\x81\x8d\x8f\x90\x9d€"),
        ("windows-1253", b"\x81\xaa\xd2\xff", "\x81\ufffd\ufffd\ufffd"),
        ("windows-1254", b"\x9e", "\x9e"),
        ("windows-1255", b"\x8a\xca\xd9", "\x8a\u05ba\ufffd"),
        ("windows-1257", b"\x9f\xa1\xa5", "\x9f\ufffd\ufffd"),
        ("windows-1258", b"\x9a", "\x9a"),
        ("windows-874", b"\x81\x85\x9f\xdb\xfc", "\x81…\x9f\ufffd\ufffd"),
        ("big5", b"\xa1\x45\xa3\xe1\xa2\x41\xa1\xfe\x88\x62\xa3\xc0\x87\x7a", "‧€\u2215\uff0fÊ̄␀㡵"),
        ("big5", b"\x81\xff\xa4\x40", "\ufffd一"),
        ("shift_jis", b"\x80\xa0\xb1\xfd\xfe\xff\x81\x60", "\x80\ufffdｱ\ufffd\ufffd\ufffd\uff5e"),
        ("shift_jis", b"\x82\x80\x82\xa0", "\ufffdあ"),
        ("euc-kr", b"\x81\x80\xb0\xa1", "\ufffd가"),
        ("gb18030", b"\xa8\xbc\x81\x35\xf4\x37\xa6\xd9\xa6\xf3", "ḿ\ue7c7︐︙"),
        ("gbk", b"\xa3\xa0\xfe\x59\x81\xff\xd2\xbb", "\u3000龴\ufffd一"),
    ],
)  # fmt: skip
def test_bytes_are_the_characters_that_the_indexes_of_the_web_have(
    label: str, body: bytes, text: str
) -> None:
    assert decode_text(body, f"text/html; charset={label}")[0] == text


@pytest.mark.parametrize("label", ["big5", "euc-jp", "gbk", "euc-kr", "shift_jis", "iso-2022-jp"])
def test_what_is_odd_in_the_middle_changes_nothing_around_it(label: str) -> None:
    text = "一二<p>" * 50
    plain = text.encode(LABELS[label]) if label != "euc-kr" else "가나<p>".encode("cp949") * 50
    odd = {
        "big5": b"\xa1\x45", "euc-jp": b"\xa1\xc1", "gbk": b"\xa8\xbc", "euc-kr": b"\xff",
        "shift_jis": b"\xff", "iso-2022-jp": b"\x1b(I1\x1b(Bx",
    }[label]  # fmt: skip
    kind = f"text/html; charset={label}"
    around = decode_text(plain, kind)[0]
    assert "\ufffd" not in around
    found = decode_text(plain + odd + plain, kind)[0]
    assert found == around + decode_text(odd, kind)[0] + around


def test_bad_bytes_after_a_bom_become_u_fffd_too() -> None:
    assert decode_text(b"a\x81b", "") == ("a\x81b", "cp1252")
    assert decode_text(b"\xef\xbb\xbfa\xff", "")[0] == "a\ufffd"
    assert decode_text(b"\xff\xfea\0b", "")[0] == "a\ufffd"
    assert decode_text(b"\xff\xfe\0\xd8a\0", "")[0] == "\ufffda"


def test_utf_8_that_is_cut_within_a_character_is_still_utf_8() -> None:
    for length in range(1, 4):
        assert decode_text("ä€".encode() + "𝄞".encode()[:length], "") == ("ä€\ufffd", "utf-8")


@settings(max_examples=300)
@given(
    st.binary(max_size=200)
    | st.builds(
        lambda label, rest: meta(label) + rest,
        st.sampled_from(ALL_LABELS) | st.text(max_size=10),
        st.binary(max_size=100),
    ),
    st.sampled_from(["", "text/html", "text/html; charset="]),
    st.sampled_from(ALL_LABELS) | st.text(max_size=20),
)
def test_any_bytes_are_some_text_that_can_be_stored(
    body: bytes, content_type: str, label: str
) -> None:
    text, name = decode_text(body, content_type + label)
    assert name in LABELS.values()
    text.encode()
    found, same = markup(body, content_type + label)
    assert same == name
    assert found.decode() == text


@pytest.mark.parametrize(
    ("body", "content_type", "found"),
    [
        ("ä".encode(), "", "ä".encode()),
        (b"\xef\xbb\xbfx", "text/html; charset=koi8-r", b"x"),
        (b"\xff", "text/html; charset=utf-8", "\ufffd".encode()),
        (b"x", "text/html; charset=koi8-r", b"x"),
        (b"\xd0\xd2", "text/html; charset=koi8-r", "пр".encode()),
        (b"x\0", "text/html; charset=utf-16", b"x"),
        (b'\x1b$B$"\x1b(B', "text/html; charset=iso-2022-jp", "あ".encode()),
        (b"~{VPND~}", "text/html; charset=hz-gb-2312", "\ufffd".encode()),
    ],
)
def test_sound_utf_8_stays_as_it_is(body: bytes, content_type: str, found: str | bytes) -> None:
    assert markup(body, content_type)[0] == found
