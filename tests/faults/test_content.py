"""Faults of content: 87 to 91."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kit import meet, wire
from tests.servers import Wire
from tests.site import Answer, Site

pytestmark = pytest.mark.timeout(60)

PAGE = "<title>ä page</title>".encode()
XHTML = (
    b'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>&c; &x;</title></head></html>'
)


def typed(site: Site, path: str, kind: str, body: bytes) -> str:
    return site.add(path, Answer(body, headers={"Content-Type": kind}))


def test_087_what_is_no_page_is_skipped_after_its_headers(site: Site, tmp_path: Path) -> None:
    """Its body has no end: it is not read, and its connection is cut."""
    cut = []

    async def endless(wire: Wire, head: bytes) -> None:
        kind = head.split(b" ")[1].strip(b"/")
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n")
        await wire.flood(b"\0" * 65536)
        cut.append(kind)

    kinds = ["image/png", "application/pdf", "application/zip", "video/mp4", "multipart/mixed"]
    with wire(endless) as server:
        bad = [server.url(f"/{kind}") for kind in kinds]
        met = meet(tmp_path, site, *bad)
        assert {met.ending(url) for url in bad} == {"skipped:content_type"}
        assert [met.row(url)["content_type"] for url in bad] == kinds
    assert sorted(cut) == sorted(kind.encode() for kind in kinds)


def test_088_what_has_no_type_is_looked_at(site: Site, tmp_path: Path) -> None:
    def untyped(body: bytes, kind: bytes = b"") -> bytes:
        return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)

    replies = {
        "/page": untyped(PAGE),
        "/empty-type": untyped(PAGE, b"Content-Type:\r\n"),
        "/nothing": untyped(b""),
        "/any": untyped(PAGE, b"Content-Type: */*\r\n"),
        "/unknown": untyped(PAGE, b"Content-Type: unknown/unknown; charset=utf-8\r\n"),
        "/png": untyped(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        "/pdf": untyped(b"%PDF-1.7\n\x01\x02\0", b"Content-Type: application/unknown\r\n"),
    }
    with wire(replies) as server:
        met = meet(tmp_path, site, *map(server.url, replies))
        assert [met.ending(server.url(path)) for path in replies] == [
            "done", "done", "done", "done", "done", "skipped:content_type", "skipped:content_type",
        ]  # fmt: skip


def test_089_text_is_read_as_html_whatever_it_says_of_itself(site: Site, tmp_path: Path) -> None:
    """And what says that it is HTML is read as HTML, though it be plain text or a picture."""
    html = [typed(site, f"/{n}", kind, PAGE) for n, kind in enumerate(["text/plain", "text/css"])]
    text = typed(site, "/text", "text/html", b"plain text, a < b && c > d")
    picture = typed(site, "/picture", "text/html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    met = meet(tmp_path, site, *html, text, picture)
    assert {met.ending(url) for url in (*html, text, picture)} == {"done"}
    titles = {row["url"]: row["title"] for row in met.items}
    assert [titles[url] for url in (*html, text, picture)] == ["ä page", "ä page", None, None]


def test_090_entities_of_xml_are_no_entities(site: Site, tmp_path: Path) -> None:
    kinds = ["application/xhtml+xml", "application/xml", "text/xml", "text/html"]
    urls = [typed(site, f"/{n}", kind, XHTML) for n, kind in enumerate(kinds)]
    met = meet(tmp_path, site, *urls)
    assert {met.ending(url) for url in urls} == {"done"}
    assert {row["title"] for row in met.items if row["url"] in urls} == {"&c; &x;"}


def test_091_an_empty_page_is_done_and_has_a_row_of_nulls(site: Site, tmp_path: Path) -> None:
    url = typed(site, "/empty", "text/html", b"")
    met = meet(tmp_path, site, url)
    assert (met.ending(url), met.row(url)["bytes"]) == ("done", 0)
    (row,) = (row for row in met.items if row["url"] == url)
    assert {text for name, text in row.items() if name not in ("url", "page", "links")} == {None}
