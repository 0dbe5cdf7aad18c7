"""Faults of charsets: 80 to 86."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults.kit import as_dicts, meet
from tests.program_kit import rows
from tests.site import Answer, Site

pytestmark = pytest.mark.timeout(60)


Read = dict[str, tuple[str | None, str | None]]


def read(folder: Path, site: Site, pages: Mapping[str, tuple[str, bytes]]) -> Read:
    """Run over pages by name, each a Content-Type and a body. All are done; return the title
    and the charset of each."""
    urls = {
        name: site.add(f"/{n}", Answer(body, headers={"Content-Type": kind}))
        for n, (name, (kind, body)) in enumerate(pages.items())
    }
    met = meet(folder, site, *urls.values())
    assert {met.ending(url) for url in urls.values()} == {"done"}
    titles = {row["url"]: row["title"] for row in met.items}
    return {name: (titles[url], met.row(url)["encoding"]) for name, url in urls.items()}


def titled(text: str, charset: str = "utf-8") -> bytes:
    return f"<title>{text}</title>".encode(charset)


def test_080_an_unknown_label_says_nothing(site: Site, tmp_path: Path) -> None:
    found = read(
        tmp_path,
        site,
        {
            "header": ("text/html; charset=nonsense", titled("ä")),
            "meta": ("text/html", b"<meta charset=nonsense>" + titled("ä")),
            "then meta": (
                "text/html; charset=nonsense",
                b"<meta charset=koi8-r>" + titled("Привет", "koi8-r"),
            ),
            "legacy": ("text/html; charset=", titled("“ä”", "cp1252")),
        },
    )
    assert found == {
        "header": ("ä", "utf-8"), "meta": ("ä", "utf-8"), "then meta": ("Привет", "koi8-r"),
        "legacy": ("“ä”", "cp1252"),
    }  # fmt: skip


@pytest.mark.parametrize("place", ["header", "meta"])
def test_081_a_codec_that_is_no_charset_is_not_used(place: str, site: Site, tmp_path: Path) -> None:
    labels = ["zlib", "base64", "rot13", "hex", "bz2", "quopri", "uu"]
    pages = {}
    for label in labels:
        kind = f"text/html; charset={label}" if place == "header" else "text/html"
        meta = b"" if place == "header" else f"<meta charset={label}>".encode()
        pages[label] = (kind, meta + titled("ä"))
    assert read(tmp_path, site, pages) == dict.fromkeys(labels, ("ä", "utf-8"))


def test_082_only_the_labels_of_the_web_count(site: Site, tmp_path: Path) -> None:
    sly = "+ADw-b+AD4- \\u003c"
    pages = {
        label: (f"text/html; charset={label}", titled(sly))
        for label in ("unicode_escape", "utf-7", "punycode", "idna", "mbcs", "cp037", "utf-32")
    }
    more = {
        "x-sjis": ("①㈱", "cp932"),
        "windows-874": ("กข", "cp874"),
        "x-mac-cyrillic": ("Ђѓ", "mac-cyrillic"),
        "iso-8859-8-i": ("שלום", "iso8859-8"),
        "gb2312": ("镕㐀", "gb18030"),
        "iso-8859-1": ("“€”", "cp1252"),
    }
    pages |= {
        label: (f"text/html; charset={label}", titled(text, codec))
        for label, (text, codec) in more.items()
    }
    pages["x-user-defined"] = ("text/html; charset=x-user-defined", b"<title>\x80\xff</title>")
    pages["hz-gb-2312"] = ("text/html; charset=hz-gb-2312", titled("x"))
    expected = dict.fromkeys(pages, (sly, "utf-8")) | more
    expected["x-user-defined"] = ("\uf780\uf7ff", "x-user-defined")
    assert read(tmp_path, site, pages) == expected | {"hz-gb-2312": (None, "replacement")}


def test_083_the_bom_goes_before_the_header_and_the_header_before_meta(
    site: Site, tmp_path: Path
) -> None:
    koi = b"<meta charset=koi8-r>"
    found = read(
        tmp_path,
        site,
        {
            "bom": ("text/html; charset=windows-1251", b"\xef\xbb\xbf" + koi + titled("ä")),
            "bom 16": ("text/html; charset=utf-8", b"\xff\xfe" + titled("ä", "utf-16-le")),
            "header": ("text/html; charset=windows-1251", koi + titled("Привет", "cp1251")),
            "meta": ("text/html", koi + titled("Привет", "koi8-r")),
            "late": ("text/html", b" " * 1024 + koi + titled("Привет")),
            "commented": ("text/html", b"<!--" + koi + b"-->" + titled("ä")),
            "meta 16": ("text/html", b"<meta charset=utf-16>" + titled("ä")),
        },
    )
    assert found == {
        "bom": ("ä", "utf-8"), "bom 16": ("ä", "utf-16-le"), "header": ("Привет", "cp1251"),
        "meta": ("Привет", "koi8-r"), "late": ("Привет", "utf-8"), "commented": ("ä", "utf-8"),
        "meta 16": ("ä", "utf-8"),
    }  # fmt: skip


def test_084_bytes_that_fit_nowhere_become_u_fffd(site: Site, tmp_path: Path) -> None:
    bodies = {
        "utf-8": b"a\xffb\xc0\x80\xed\xa0\x80",
        "euc-jp": b"a\x8fb",
        "gb18030": b"a\x81\x30b",
        "big5": b"a\x80b",
        "shift_jis": b"a\x81",
        "iso-2022-jp": b"a\xffb",
        "windows-1253": b"a\xaab",
    }
    pages = {
        label: (f"text/html; charset={label}", b"<title>" + body) for label, body in bodies.items()
    }
    for title, _ in read(tmp_path, site, pages).values():
        assert title is not None
        assert title.startswith("a\ufffd")


def test_085_lone_surrogates_reach_no_database(site: Site, tmp_path: Path) -> None:
    half = "<title>a\ud800b</title>".encode("utf-16-le", "surrogatepass")
    found = read(
        tmp_path,
        site,
        {
            "reference": ("text/html", b"<title>a&#xD800;b&#xDFFF;</title>"),
            "utf-16": ("text/html; charset=utf-16", half),
            "utf-8": ("text/html; charset=utf-8", b"<title>a\xed\xa0\x80b</title>"),
        },
    )
    for title, _ in found.values():
        assert title is not None
        assert title.startswith("a\ufffd")
        assert "b" in title


def test_086_no_text_in_the_database_has_a_nul(site: Site, tmp_path: Path) -> None:
    read(
        tmp_path,
        site,
        {
            "title": ("text/html", b"<title>a\0b</title><h1>c\0d</h1>"),
            "attribute": ("text/html", b"<meta name=description content='a\0b'><html lang='\0'>"),
            "reference": ("text/html", b"<title>a&#0;b</title><link rel=canonical href='/\0x'>"),
        },
    )
    db = tmp_path / "scrapeq.db"
    for table in ("items", "pages"):
        for row in as_dicts(db, table):
            assert not [text for text in row.values() if isinstance(text, str) and "\0" in text]
    assert rows(db, "SELECT count(*) FROM items WHERE title LIKE 'a%b'") == [(2,)]
