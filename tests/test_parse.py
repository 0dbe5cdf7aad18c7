"""A page as it came over the wire -> what is in it, and how that travels between processes."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapeq import extract
from scrapeq.extract import DEFAULT_RULE, Extractor, Rule, field
from scrapeq.models import Record
from scrapeq.parse import Meta, Parsed, load, parse, received, setup

RULE = Rule("t", (field("title", "title"), field("n", "p", count=True)))
META = Meta("http://a.test/", "http://a.test/end", "text/html", "")
PAGE = "<title>Grüße</title><p><p>".encode()
LIMIT = 1000


def parsed(body: bytes = PAGE, limit: int = LIMIT, **changes: str) -> Parsed:
    return parse(body, META._replace(**changes), Extractor([RULE]), limit)


def test_a_page_gives_its_records_and_the_charset_it_was_read_in() -> None:
    assert parsed() == Parsed((Record("t", {"title": "Grüße", "n": 2}),), "utf-8")


def test_a_compressed_page_is_the_page() -> None:
    assert parsed(gzip.compress(PAGE), content_encoding="gzip") == parsed()


def test_a_page_without_its_end_is_read_as_far_as_it_goes_and_says_so() -> None:
    found = parsed(gzip.compress(PAGE)[:-8], content_encoding="gzip")
    assert found == Parsed((Record("t", {"title": "Grüße", "n": 2}),), "utf-8", truncated=True)


@pytest.mark.parametrize(
    ("body", "coding", "limit", "reason"),
    [
        (PAGE, "nonsense", LIMIT, "encoding"),
        (PAGE, "br", LIMIT, "encoding"),
        (gzip.compress(PAGE), "gzip", len(PAGE) - 1, "too_large"),
        (PAGE, "", len(PAGE) - 1, "too_large"),
    ],
)
def test_a_body_that_cannot_be_read_has_failed(
    body: bytes, coding: str, limit: int, reason: str
) -> None:
    found = parsed(body, limit, content_encoding=coding)
    assert (found.failed, found.records, found.truncated) == (reason, (), False)
    assert found.detail


def test_too_much_output_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "MAX_OUTPUT", 10)
    found = parsed()
    assert (found.failed, found.records, found.encoding) == ("too_large", (), "utf-8")


def test_what_has_no_type_and_is_no_text_is_skipped() -> None:
    for coding, body in (("", b"%PDF-1.7\0"), ("gzip", gzip.compress(b"%PDF-1.7\0"))):
        found = parsed(body, content_type="", content_encoding=coding)
        assert (found.skipped, found.failed, found.records) == ("content_type", "", ())
    assert parsed(PAGE, content_type="").records
    assert parsed(b"", content_type="").records
    assert parsed(b"<title>a\0</title>").records, "its type says that it is text"


def test_the_charset_of_the_header_counts() -> None:
    body = "<title>Привет</title>".encode("koi8-r")
    found = parsed(body, content_type="text/html; charset=koi8-r")
    assert (found.records[0].row["title"], found.encoding) == ("Привет", "koi8-r")


# ---- how it travels


def travelled(body: bytes, meta: Meta, rules: list[Rule], limit: int = LIMIT) -> Parsed:
    """What arrives in the parent, everything having been JSON on its way."""
    call = load(json.loads(json.dumps(setup(rules, limit))))
    sent = [meta.url, meta.final_url, meta.content_type, meta.content_encoding]
    return received(json.loads(json.dumps(call(json.loads(json.dumps(sent)), body))))


RULES = [
    Rule("a", (field("x", "p::attr(x)", absolute=True), field("n", "p", count=True)), "*/a*", "b"),
    Rule("b", (field("own", "p::text"), field("html", "p::html"))),
    DEFAULT_RULE,
]


@pytest.mark.parametrize("path", ["a", "b"])
@pytest.mark.parametrize("body", [PAGE, b"", b"<b><p x=1>y</p></b>", b"\xff\xfe\0", b"<p>\0"])
def test_nothing_is_lost_between_processes(path: str, body: bytes) -> None:
    meta = META._replace(url=f"http://a.test/{path}")
    assert travelled(body, meta, RULES) == parse(body, meta, Extractor(RULES), LIMIT)


def test_failures_and_skips_travel_too() -> None:
    for meta in (META._replace(content_encoding="x"), META._replace(content_type="")):
        expected = parse(b"\0", meta, Extractor(RULES), LIMIT)
        assert expected.failed or expected.skipped
        assert travelled(b"\0", meta, RULES) == expected


@settings(deadline=None)
@given(
    st.binary(max_size=200),
    st.text(max_size=20),
    st.sampled_from(["", "gzip", "br", "zstd, deflate", "x"]) | st.text(max_size=20),
)
def test_any_page_is_an_answer_that_travels(body: bytes, kind: str, coding: str) -> None:
    meta = META._replace(content_type=kind, content_encoding=coding)
    assert travelled(body, meta, RULES, 150) == parse(body, meta, Extractor(RULES), 150)
