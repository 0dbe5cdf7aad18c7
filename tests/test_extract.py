"""Rules and text -> rows, against an independent parser where there is one to ask."""

from __future__ import annotations

import html
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapeq import extract
from scrapeq.extract import (
    DEFAULT_RULE,
    Extractor,
    Field,
    OutputTooLargeError,
    Rule,
    check_css,
    field,
    tables,
)
from scrapeq.models import Scalar

URL = "http://site.test/dir/page?q=1"

PAGE = """<!DOCTYPE html>
<html lang="en-GB"><head><title>
  The &amp; title </title>
<meta name="Description" content=" What it is about ">
<link rel="shortcut canonical" href="../page">
</head><body><h1 class="big">Head<b>line</b> of it</h1>
<ul><li class="row" data-id="1"><a href="/a">one <i>a</i></a> <s>9</s></li>
<li class="row" data-id=2><a href="b#c">two</a></li>
<li class="row"><a>three</a></li></ul></body></html>"""


def rows(
    text: str, *fields: Field, each: str = "", url: str = URL, final_url: str = URL
) -> list[dict[str, Scalar]]:
    rule = Rule("t", fields, each=each)
    found = Extractor([rule]).records(text, url, final_url)
    assert {record.table for record in found} <= {"t"}
    return [dict(record.row) for record in found]


def value(text: str, selector: str, *, absolute: bool = False, count: bool = False) -> Scalar:
    ((_, found),) = rows(text, field("f", selector, absolute=absolute, count=count))[0].items()
    return found


def default_row(text: str, url: str = URL) -> dict[str, Scalar]:
    (record,) = Extractor([DEFAULT_RULE]).records(text, url, url)
    assert record.table == "items"
    return dict(record.row)


# ---- the default record


def test_the_default_record_of_a_page() -> None:
    assert default_row(PAGE) == {
        "title": "The & title",
        "h1": "Headline of it",
        "description": "What it is about",
        "canonical": "http://site.test/page",
        "lang": "en-GB",
        "links": 2,
    }


@pytest.mark.parametrize("text", ["", " ", "plain text", "<!-- nothing -->", "<", "\0", "<title>"])
def test_a_page_without_anything_gives_a_row_of_nothing(text: str) -> None:
    assert default_row(text) == {
        "title": None, "h1": None, "description": None, "canonical": None, "lang": None, "links": 0,
    }  # fmt: skip


class Oracle(HTMLParser):
    """The default record as the standard library sees it, of documents that are well formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, Scalar] = dict.fromkeys(["title", "h1", "description", "lang"])
        self.found["links"] = 0
        self._seen: set[str] = set()
        self._inside: str | None = None
        self._heard = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and "href" in given:
            self.found["links"] = int(self.found["links"] or 0) + 1
        elif tag == "meta" and (given.get("name") or "").lower() == "description":
            self._keep("description", given.get("content") or "")
        elif tag == "html":
            self._keep("lang", given.get("lang") or "")
        elif tag in ("title", "h1") and tag not in self._seen and not self._inside:
            self._inside, self._heard = tag, ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._heard += data

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._keep(tag, " ".join(self._heard.split()))
            self._inside = None

    def _keep(self, name: str, text: str) -> None:
        """The first of its kind counts, also when it is empty."""
        if name not in self._seen:
            self._seen.add(name)
            self.found[name] = text.strip() or None


_texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(html.escape)
_attributes = st.one_of(
    st.just(""),
    st.builds(' href="{}"'.format, _texts),
    st.builds(" HREF='{}'".format, _texts),
    st.just(" href"),
    st.builds(' name="{}"'.format, _texts),
)
_inline = st.recursive(
    _texts,
    lambda inner: st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["b", "i", "span"]), inner),
    max_leaves=4,
)
_blocks = st.one_of(
    st.builds("<p>{}</p>".format, _inline),
    st.builds("<h1>{}</h1>".format, _inline),
    st.builds("<a{}>{}</a>".format, _attributes, _inline),
    st.builds("<!-- {} -->".format, st.text("ab <>a", max_size=9).map(lambda x: x.strip("<>"))),
    st.just('<img src="x" alt=y>'),
    st.just("<br/>"),
)
_heads = st.one_of(
    st.builds("<title>{}</title>".format, _texts),
    st.builds('<meta name="{}" content="{}">'.format, st.sampled_from(["description", "DESCRIPTION",
              "keywords"]), _texts),
    st.just('<meta charset="utf-8">'),
)  # fmt: skip
_documents = st.builds(
    "<!DOCTYPE html><html{}><head>{}</head><body>{}</body></html>".format,
    st.sampled_from(["", ' lang="de"', " lang=fr", ' LANG="pt-BR"']),
    st.lists(_heads, max_size=4).map("".join),
    st.lists(_blocks, max_size=8).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(_documents)
def test_the_default_record_is_what_an_independent_parser_finds(text: str) -> None:
    found = default_row(text)
    del found["canonical"]
    assert found == Oracle(text).found


# ---- what a field takes


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("h1", "Headline of it"),
        ("h1::text", "Head of it"),
        ("h1 ::text", "Head of it"),
        ("h1::html", '<h1 class="big">Head<b>line</b> of it</h1>'),
        ("h1::attr(class)", "big"),
        ("h1::attr( CLASS )", "big"),
        ("li.row:nth-of-type(2)::attr(data-id)", "2"),
        ("li:last-child a", "three"),
        ("ul > li a[href$='#c']", "two"),
        ("li:has(s) a", "one a"),
        ("p, h1", "Headline of it"),
        ("h2", None),
        ("h2::text", None),
        ("h2::attr(x)", None),
        ("h1::attr(missing)", None),
        ("", "The & title Headline of it one a 9 two three"),
    ],
)
def test_a_selector_takes_the_first_match(selector: str, expected: str | None) -> None:
    assert value(PAGE, selector) == expected


def test_attributes_of_svg_keep_their_case_and_those_of_html_have_none() -> None:
    text = '<svg viewBox="0 0 9 9"></svg><p Data-Id="7" hidden>'
    assert value(text, "svg::attr(viewBox)") == "0 0 9 9"
    assert value(text, "p::attr(data-ID)") == "7"
    assert value(text, "p::attr(hidden)") is None


def test_count_counts() -> None:
    assert value(PAGE, "li", count=True) == 3
    assert value(PAGE, "a[href]", count=True) == 2
    assert value(PAGE, "h1::text", count=True) == 1
    assert value(PAGE, "table", count=True) == 0


def test_whitespace_of_every_kind_becomes_one_blank() -> None:
    assert value("<h1>\n a\t \u00a0b\u2003\u2028c&nbsp;</h1>", "h1") == "a b c"
    assert value('<p title="  a  b ">', "p::attr(title)") == "a  b"
    assert value("<h1> \n </h1>", "h1") is None


def test_what_no_database_takes_is_removed() -> None:
    for text in ("<p title='a\0b'>c\0d", "<p title='a\ud800b'>c\udfffd", "<p title=&#0;>&#xD800;"):
        for selector in ("p", "p::attr(title)", "p::html", "p::text"):
            found = value(text, selector)
            assert isinstance(found, str | None)
            assert "\0" not in (found or "")
            (found or "").encode()


def test_what_is_nothing_once_that_is_removed_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "_taken", lambda *_: "\0\ud800")
    assert value("<p>", "p") is None
    assert value("<p>", "p", absolute=True) is None


# ---- rows


def test_each_gives_a_row_a_match() -> None:
    found = rows(
        PAGE, field("name", "a"), field("id", "::attr(data-id)"), field("all", ""),
        field("own", "a::text"), field("n", "s", count=True), each="li.row",
    )  # fmt: skip
    assert found == [
        {"name": "one a", "id": "1", "all": "one a 9", "own": "one", "n": 1},
        {"name": "two", "id": "2", "all": "two", "own": "two", "n": 0},
        {"name": "three", "id": None, "all": "three", "own": "three", "n": 0},
    ]


def test_a_field_looks_only_inside_its_row() -> None:
    text = "<div class=r><p>in</p></div><p>out</p><div class=r></div>"
    assert rows(text, field("p", "p"), each=".r") == [{"p": "in"}, {"p": None}]


def test_nothing_to_match_gives_no_row() -> None:
    assert rows(PAGE, field("x", "a"), each="table tr") == []


def test_the_first_rule_that_fits_the_url_applies() -> None:
    rules = [
        Rule("books", (field("a", "h1"),), match="*/catalogue/*"),
        Rule("news", (field("a", "h1"),), match="http://news.test/*"),
        Rule("rest", (field("a", "h1"),)),
    ]
    extractor = Extractor(rules)

    def table(url: str) -> str:
        return extractor.records(PAGE, url, "http://elsewhere.test/")[0].table

    assert table("http://a.test/catalogue/1") == "books"
    assert table("http://news.test/catalogue/1") == "books"
    assert table("http://news.test/a?b=[c]") == "news"
    assert table("http://a.test/Catalogue/1") == "rest"


def test_a_url_that_no_rule_fits_gives_no_row() -> None:
    extractor = Extractor([Rule("t", (field("a", "h1"),), match="https://*")])
    assert extractor.records(PAGE, "http://a.test/", "https://a.test/") == []


def test_too_much_output_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "MAX_OUTPUT", 11_000)
    text = "<p>" + "x" * 3000
    assert rows(text * 3, field("f", ""), each="p")
    with pytest.raises(OutputTooLargeError):
        rows(text * 4, field("f", ""), each="p")
    with pytest.raises(OutputTooLargeError):
        rows(text, *[field(f"f{n}", "p") for n in range(4)])


def test_many_small_rows_are_much_output_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "MAX_OUTPUT", 100 * (extract.ROW_COST + extract.VALUE_COST))
    assert rows("<i></i>" * 100, field("f", ""), each="i")
    with pytest.raises(OutputTooLargeError):
        rows("<i></i>" * 101, field("f", ""), each="i")


@pytest.mark.parametrize("text", ["\x01", "\N{SNOWMAN}", "\N{GRINNING FACE}"])
def test_characters_count_as_much_as_they_take(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory or on its way as JSON: two to six bytes each."""
    monkeypatch.setattr(extract, "MAX_OUTPUT", 10_000)
    assert rows(f"<p title='{'x' * 9000}'>", field("f", "p::attr(title)"))
    with pytest.raises(OutputTooLargeError):
        rows(f"<p title='{text * 5000}'>", field("f", "p::attr(title)"))


# ---- links


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("x", "http://site.test/dir/x"),
        ("/x", "http://site.test/x"),
        ("../x", "http://site.test/x"),
        ("?x", "http://site.test/dir/page?x"),
        ("#x", "http://site.test/dir/page?q=1#x"),
        ("//other.test/x", "http://other.test/x"),
        ("https://other.test", "https://other.test"),
        (" x\n", "http://site.test/dir/x"),
        ("mailto:a@b.test", "mailto:a@b.test"),
        ("", None),
        ("http://[::1", "http://[::1"),
    ],
)
def test_a_link_is_made_absolute(href: str, expected: str | None) -> None:
    assert value(f'<a href="{href}">', "a::attr(href)", absolute=True) == expected


def test_links_are_relative_to_where_the_page_was_found_in_the_end() -> None:
    link = field("f", "a::attr(href)", absolute=True)
    found = rows("<a href=x>", link, final_url="https://moved.test/a/")
    assert found == [{"f": "https://moved.test/a/x"}]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("/other/", "http://site.test/other/x"),
        (" other/ ", "http://site.test/dir/other/x"),
        ("https://cdn.test/a", "https://cdn.test/x"),
        ("//cdn.test/a/", "http://cdn.test/a/x"),
        ("", "http://site.test/dir/x"),
        ("http://[::1", "http://site.test/dir/x"),
        ("javascript:x", "http://site.test/dir/x"),
        ("data:text/html,x", "http://site.test/dir/x"),
        ("/one/'><base href='/two/", "http://site.test/one/x"),
    ],
)
def test_links_are_relative_to_the_base_of_the_page(base: str, expected: str) -> None:
    text = f"<base target=x><base href='{base}'><a href=x>"
    assert value(text, "a::attr(href)", absolute=True) == expected
    assert default_row(text + "<link rel=canonical href=x>")["canonical"] == expected


def test_text_is_not_made_absolute_unless_asked_for() -> None:
    assert value("<base href=/b/><a href=x>y</a>", "a::attr(href)") == "x"


# ---- selectors that cannot be used


@pytest.mark.parametrize(
    "selector",
    ["a,", "a >", "a[", "(", "#", ">a", "a{}", "a||b", "@media", "a:is()", "::before", "a::foo",
     "a::attr()", "a::attr(x y)", "a::text::text", "a::text b", "::attr(x)::text", "a::TEXT",
     "\ud800"],
)  # fmt: skip
def test_a_selector_that_cannot_be_used_is_refused(selector: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        field("f", selector)


@pytest.mark.parametrize("selector", ["", " ", "::text"])
def test_there_must_be_something_to_count(selector: str) -> None:
    with pytest.raises(ValueError, match="count"):
        field("f", selector, count=True)


@given(st.text() | st.text("a*#.:[]()>~+,'\"\\|=^$ ::attr(text)html"))
def test_a_selector_that_is_accepted_works(selector: str) -> None:
    for count in (False, True):
        try:
            made = field("f", selector, count=count)
        except ValueError:
            continue
        assert len(rows(PAGE, made)) == 1
        assert len(rows(PAGE, made, each="li")) == 3


def test_the_selector_of_rows_is_checked_too() -> None:
    check_css("li.row > a")
    for bad in ("li::text", "li >", "::attr(x)"):
        with pytest.raises(ValueError, match=r".+"):
            check_css(bad)


def test_the_tables_of_all_rules_together() -> None:
    rules = [
        Rule("a", (field("x", "p"), field("n", "p", count=True))),
        Rule("a", (field("x", "b"), field("y", "b"))),
        Rule("b", (field("x", "p", count=True),)),
    ]
    assert tables(rules) == {
        "a": {"x": "TEXT", "n": "INTEGER", "y": "TEXT"}, "b": {"x": "INTEGER"},
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"table a: .* x "):
        tables([*rules, Rule("a", (field("x", "p", count=True),))])


# ---- any text at all


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters()) | st.text("<>/!-abp hrefi='\"&;#\0").map("<base href=".__add__))
def test_any_text_gives_a_row_that_can_be_stored(text: str) -> None:
    for found in default_row(text).values():
        if isinstance(found, str):
            found.encode()
            assert "\0" not in found
