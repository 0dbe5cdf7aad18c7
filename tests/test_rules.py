"""`-s` and `[[extract]]` become rules, or are refused before the first request."""

from __future__ import annotations

from pathlib import Path

import pytest

from scrapeq.config import load
from scrapeq.errors import UsageError
from scrapeq.extract import DEFAULT_RULE, Field, Rule
from scrapeq.rules import rules_of
from tests.program_kit import CommandLine


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


def rules(folder: Path, text: str) -> tuple[Rule, ...]:
    file = folder / "c.toml"
    file.write_text(text)
    return rules_of((), load(file))


def fault(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        rules(folder, text)
    return str(caught.value).removeprefix(str(folder / "c.toml"))


# ---- -s


def test_selectors_become_fields_of_items_in_the_order_given() -> None:
    select = (
        "title=h1",
        " price = .p::text ",
        "link=a::attr( href )",
        "raw=p::html",
        "me=::text",
    )
    assert rules_of(select, None) == (
        Rule(
            "items",
            (
                Field("title", "h1"),
                Field("price", ".p", "own"),
                Field("link", "a", "attr", "href"),
                Field("raw", "p", "html"),
                Field("me", "", "own"),
            ),
        ),
    )


def test_a_selector_may_hold_an_equals_sign() -> None:
    (rule,) = rules_of(['x=a[rel="next"]'], None)
    assert rule.fields == (Field("x", 'a[rel="next"]'),)


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("h1", "--select h1: write it as NAME=SELECTOR"),
        ("=h1", "must be of a-z"),
        ("Title=h1", "must be of a-z"),
        ("1st=h1", "must be of a-z"),
        ("a b=h1", "must be of a-z"),
        ('x" TEXT); --=h1', "must be of a-z"),
        ("é=h1", "must be of a-z"),
        (f"{'x' * 64}=h1", "must be of a-z"),
        ("url=h1", "is there already"),
        ("x=h1[", "'h1[' is not a CSS selector"),
        ("x=h1::before", "only ::text, ::html and ::attr(name) are known"),
        ("x=h1::attr()", "only ::text, ::html and ::attr(name) are known"),
        ("x=h1::text::text", "only ::text, ::html and ::attr(name) are known"),
    ],
)
def test_a_wrong_selector_is_refused_and_named(
    select: str, expected: str, cli: CommandLine
) -> None:
    said = cli.refusal("-s", "ok=p", "-s", select)
    assert f"--select {select}: " in said
    assert expected in said


def test_a_name_is_given_once(cli: CommandLine) -> None:
    assert "'a' is there already" in cli.refusal("-s", "a=p", "-s", "a=b")


def test_no_selector_and_no_rule_is_the_default_record(tmp_path: Path) -> None:
    assert rules_of((), None) == (DEFAULT_RULE,)
    assert rules(tmp_path, "[run]\nfetchers = 1\n") == (DEFAULT_RULE,)


def test_selectors_win_over_rules(cli: CommandLine) -> None:
    cli.write("scrapeq.toml", "[[extract]]\nfields = { a = 'b' }\n")
    assert cli("run", "x://y").rules[0].fields == (Field("a", "b"),)
    assert cli("run", "x://y", "-s", "c=d").rules[0].fields == (Field("c", "d"),)


def test_the_projects_rules_go_over_the_personal_ones_which_stand_where_it_has_none(
    cli: CommandLine,
) -> None:
    cli.write(cli.personal, "[[extract]]\nfields = { a = 'b' }\n")
    cli.write("scrapeq.toml", "[run]\nfetchers = 3\n")
    assert cli("run", "x://y").rules[0].fields == (Field("a", "b"),)
    cli.write("scrapeq.toml", "[[extract]]\nfields = { c = 'd' }\n")
    assert [rule.fields for rule in cli("run", "x://y").rules] == [(Field("c", "d"),)]


# ---- [[extract]]


def test_a_rule_is_made_of_all_that_it_says(tmp_path: Path) -> None:
    text = """
[[extract]]
table = "books"
match = "*/catalogue/*"
each = "article.product_pod"
[extract.fields]
title = "h3 a::attr(title)"
image = { css = "img::attr(src)", type = "url" }
links = { css = "a[href]", count = true }
plain = { css = "p", type = "str", count = false }
[[extract]]
fields.name = "h1"
"""
    assert rules(tmp_path, text) == (
        Rule(
            "books",
            (
                Field("title", "h3 a", "attr", "title"),
                Field("image", "img", "attr", "src", absolute=True),
                Field("links", "a[href]", "count"),
                Field("plain", "p"),
            ),
            "*/catalogue/*",
            "article.product_pod",
        ),
        Rule("items", (Field("name", "h1"),)),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tabel = 'x'", ", line 4: unknown key 'tabel'; did you mean 'table'?"),
        ("key = ['x']", ", line 4: unknown key 'key' (there are: each, fields, match, table)"),
        ("table = 3", ", line 4: table must be a text"),
        ("table = 'Books'", ", line 4: table 'Books' must be of a-z"),
        ("table = 'pages'", ", line 4: table 'pages' is a name that scrapeq"),
        ("table = 'runs'", ", line 4: table 'runs' is a name that scrapeq"),
        ("table = 'failures'", ", line 4: table 'failures' is a name that"),
        ("table = 'sqlite_x'", ", line 4: table 'sqlite_x' is a name that"),
        ("""table = 'a"; drop table pages; --'""", ", line 4: table "),
        ("match = ['x']", ", line 4: match must be a text"),
        ("each = 'p['", ", line 4: each: 'p[' is not a CSS selector"),
        ("each = 'p::text'", ", line 4: each: 'p::text': only ::text"),
        ("each = 1", ", line 4: each must be a text"),
    ],
)
def test_a_wrong_key_of_a_rule_is_named_with_its_line(
    text: str, expected: str, tmp_path: Path
) -> None:
    first = "[[extract]]\nfields.ok = 'p'\n"
    assert fault(tmp_path, f"{first}[[extract]]\n{text}\nfields.ok = 'p'\n").startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("url = 'p'", ", line 4: field 'url' is there already"),
        ("Title = 'p'", ", line 4: field 'Title' must be of a-z"),
        ("'a b' = 'p'", ", line 4: field 'a b' must be of a-z"),
        ("x = 'p['", ", line 4: field x: 'p[' is not a CSS selector"),
        ("x = 3", ", line 4: field x: a selector, or a table with css"),
        ("x = ['p', 'q']", ", line 4: field x: a selector, or a table with css"),
        ("x = {}", ", line 4: field x: css must be a text"),
        ("x = { css = ['p'] }", ", line 4: field x: css must be a text"),
        ("x = { css = 'p', cuont = true }", ", line 4: unknown key 'cuont'; did you mean 'count'?"),
        ("x = { css = 'p', count = 1 }", ", line 4: field x: count must be true or false"),
        ("x = { css = 'p', type = 'uri' }", ", line 4: field x: type 'uri' is unknown"),
        ("x = { css = 'p', type = ['url'] }", ", line 4: field x: type ['url'] is unknown"),
        (
            "x = { css = 'p', count = true, type = 'url' }",
            ", line 4: field x: a count has",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_line(text: str, expected: str, tmp_path: Path) -> None:
    assert fault(tmp_path, f"[[extract]]\n\n[extract.fields]\n{text}\n").startswith(expected)


@pytest.mark.parametrize("fields", ["", "fields = {}", "fields = 'p'", "fields = ['p']"])
def test_a_rule_without_fields_is_refused(fields: str, tmp_path: Path) -> None:
    said = fault(tmp_path, f"[[extract]]\ntable = 'x'\n{fields}\n")
    assert said == ", line 1: a rule needs fields: write [extract.fields] below it"


def test_two_rules_of_one_table_agree_on_its_columns(tmp_path: Path) -> None:
    same = "[[extract]]\nfields = { n = 'p' }\n"
    other = "[[extract]]\nfields = { n = { css = 'p', count = true } }\n"
    assert len(rules(tmp_path, same + same)) == 2
    assert "two rules give n different types" in fault(tmp_path, same + other)


@pytest.mark.parametrize("text", ["[[extract]]\ntable = 'x'\n", "[run]\nselect = ['a']\n"])
def test_what_is_wrong_with_rules_is_told_before_the_first_request(
    text: str, cli: CommandLine
) -> None:
    cli.write("scrapeq.toml", text)
    assert "scrapeq.toml, line " in cli.refusal()
