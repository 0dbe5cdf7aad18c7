"""What went wrong elsewhere: advisories about decompression, regular expressions, multipart
bodies and entities of XML, and what becomes of the same here."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from scrapeq import extract, overrun, parse
from scrapeq.charsets import decode_text, header_charset
from scrapeq.decode import DecodeError, decompress
from scrapeq.extract import DEFAULT_RULE, Extractor
from scrapeq.parse import Meta, Parsed
from tests.faults.kit import meet, wire
from tests.servers import answer
from tests.site import serving
from tests.test_floors import PACKAGE, imports_of
from tests.torture import samples

pytestmark = pytest.mark.timeout(60)

LIMIT = 20 << 20
META = Meta("http://a.test/", "http://a.test/", "text/html", "")


def failure(body: bytes, coding: str) -> str:
    with pytest.raises(DecodeError) as caught:
        decompress(body, coding, LIMIT)
    return caught.value.reason


def read(body: bytes, coding: str = "", kind: str = "text/html") -> Parsed:
    meta = META._replace(content_encoding=coding, content_type=kind)
    return parse.parse(body, meta, Extractor([DEFAULT_RULE]), LIMIT)


def cpu(work: Callable[[], object]) -> float:
    """Seconds of it, of this thread alone."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_cve_2025_69223_ghsa_2qfp_q593_8484_a_bomb_is_too_large(coding: str) -> None:
    """aiohttp's auto_decompress; Scrapy's brotli and deflate; httplib2 GHSA-j5g9-f88f-gfj3."""
    assert failure(samples.zeros(64, coding), coding) == "too_large"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_cve_2026_128131_so_many_members_cost_no_more_than_few(coding: str) -> None:
    """Empty ones, 50,000 of them: the rest of the body is not copied for each."""
    body = (gzip.compress(b"") if coding == "gzip" else samples.pack_zstd(b"")) * 50_000
    assert cpu(lambda: failure(body, coding)) < 2
    assert failure(body, coding) == "encoding"


def test_cve_2025_66418_a_chain_of_a_thousand_codings_is_refused() -> None:
    body = b"x"
    for _ in range(6):
        body = gzip.compress(body)
    assert failure(body, ", ".join(["gzip"] * 6)) == "encoding"
    assert cpu(lambda: failure(body, ", ".join(["gzip"] * 1000))) < 1


def test_cve_2024_3572_cve_2025_66471_the_limit_holds_after_decompression_too() -> None:
    """And of a stream that gives much at once no more than the limit is made."""
    assert failure(zlib.compress(b"x" * (LIMIT + 1)), "deflate") == "too_large"
    inner = gzip.compress(b"\0" * (LIMIT + 1))
    assert failure(samples.pack_zstd(inner), "gzip, zstd") == "too_large"


def test_cve_2026_21441_cve_2026_44432_the_body_of_a_redirect_is_never_decompressed(
    tmp_path: Path,
) -> None:
    bomb = samples.zeros(64, "br")
    with serving() as site, wire({
        "/": answer(bomb, "302 Found", Location=site.page(9), Content_Encoding="br"),
        "/error": answer(bomb, "500 Oh", Content_Encoding="br"),
    }) as server:  # fmt: skip
        met = meet(tmp_path, site, server.url("/"), server.url("/error"))
        assert met.ending(server.url("/")) == "done"
        assert met.ending(server.url("/error")) == "failed:500"


def test_cve_2024_1892_no_pattern_takes_more_than_linear_time() -> None:
    """Every regular expression that meets a page or a header, with what could make it go back
    and forth; twice as much must not take four times as long, so a megabyte takes no time."""
    pieces = ["<", "<a ", "<meta ", "<!--", "charset", "charset=", "charset = ", "<?xml ", "a='",
              'a="', "\\", ";", "; charset", ' "', "encoding=", "::attr(", "=", "/ "]  # fmt: skip
    for piece in pieces:
        text = piece * (1_000_000 // len(piece))
        for body in (text.encode(), b"<meta charset=" + text.encode(), b"<?xml " + text.encode()):
            assert cpu(lambda body=body: decode_text(body, "")) < 1, piece  # type: ignore[misc]
        assert cpu(lambda text=text: header_charset("text/html;" + text)) < 1  # type: ignore[misc]
        assert cpu(lambda text=text: overrun.without_overrun(text.encode())) < 1  # type: ignore[misc]


def test_cve_2024_1892_a_glob_meets_a_url_in_linear_time() -> None:
    rule = extract.Rule("t", (extract.field("a", "p"),), match="*a*a*a*a*a*a*a*a*a*a*b")
    extractor = Extractor([rule])
    assert cpu(lambda: extractor.records(b"", "http://x.test/" + "a" * 2000, "")) < 1


def test_cve_2026_34516_a_multipart_answer_is_not_parsed(tmp_path: Path) -> None:
    part = b"--x\r\nContent-Type: text/html\r\n" + b"X: y\r\n" * 10_000 + b"\r\n<title>in"
    kinds = ["multipart/mixed; boundary=x", "multipart/x-mixed-replace;boundary=x",
             "multipart/form-data; boundary=x"]  # fmt: skip
    replies = {f"/{n}": answer(part * 3, Content_Type=kind) for n, kind in enumerate(kinds)}
    with serving() as site, wire(replies) as server:
        urls = [server.url(path) for path in replies]
        met = meet(tmp_path, site, *urls)
        assert {met.ending(url) for url in urls} == {"skipped:content_type"}
        assert {row["url"] for row in met.items}.isdisjoint(urls)


@pytest.mark.parametrize("kind", ["application/xml", "application/xhtml+xml", "text/html"])
def test_entities_of_xml_are_neither_expanded_nor_fetched(kind: str) -> None:
    """Billion laughs, quadratic blow-up and files from outside: no parser of XML is asked."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY l0 "ha">{laughs}'
        '<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY % p SYSTEM "http://a.test/p">%p;]>'
        "<html><head><title>&l9;&x;</title></head></html>"
    )
    (record,) = read(body.encode(), kind=kind).records
    assert record.row["title"] == "&l9;&x;"


def test_no_room_that_reads_a_page_knows_a_parser_of_xml_or_unpickles() -> None:
    rooms = (
        "charsets",
        "decode",
        "extract",
        "legacy",
        "overrun",
        "parse",
        "prescan",
        "worker",
        "workers",
    )
    known = {name.split(".")[0] for room in rooms for name in imports_of(PACKAGE / f"{room}.py")}
    assert known.isdisjoint({"xml", "lxml", "pickle", "marshal", "shelve", "multiprocessing"})


def test_ghsa_cwxj_rr6w_m6w7_no_word_of_a_server_names_code_or_a_codec() -> None:
    for word in ("zlib", "unicode_escape", "os.system", "scrapeq.parse", "idna", "rot13"):
        found = read("<title>ä</title>".encode(), kind=f"text/html; charset={word}")
        assert found.encoding == "utf-8"
        assert read(b"x", coding=word).failed == "encoding"
