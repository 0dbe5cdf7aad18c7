"""Headers, cookies and a proxy of the user's own: what may be written, and what is shown of it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapeq.custom import (
    MAX_FILE,
    headers_of,
    lines_of,
    masked_cookie,
    masked_header,
    parse_cookie,
    parse_header,
    parse_proxy,
)
from scrapeq.errors import UsageError
from scrapeq.settings import Settings, completed, masked, masked_words
from tests.program_kit import CommandLine

SECRET = "s3cret"


@pytest.fixture
def cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capsys)


# ---- what may be written


@pytest.mark.parametrize(
    "text", ["A: b", "X-Api-Key:s3cret", "Authorization: Bearer a.b=", "accept: */*", "a!#: x:y"]
)
def test_a_header_is_a_name_and_a_value(text: str) -> None:
    assert parse_header(text) == text


@pytest.mark.parametrize(
    "text",
    ["", s := SECRET, f"{s}:", f": {s}", f"a b: {s}", f"A:{s}\r\nX: y", f"A: {s}\n", f"A\t: {s}",
     f"A: {s}\0", f"Ä: {s}", f"A: {s}é", f"A: {s}\x7f", f"A : {s}", f"[x]: {s}", "A: \u2028 b"],
)  # fmt: skip
def test_what_is_no_header_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="a header") as refused:
        parse_header(text)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "Keep-Alive", "Upgrade", "TE",
     "Trailer", "Expect", "Proxy-Connection", "Proxy-Authorization"],
)  # fmt: skip
def test_headers_that_would_make_another_request_of_it_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} (is scrapeq's own|belongs into --proxy)"):
        parse_header(f"{name}: {SECRET}")


@pytest.mark.parametrize("text", ["a=b", "a=", "a=b; c=d", "a=b=c;", "__Host-x=1"])
def test_a_cookie_is_a_name_and_a_value_or_several(text: str) -> None:
    assert parse_cookie(text) == text


@pytest.mark.parametrize(
    "text", ["", "a", "=b", f"a={SECRET}; b", f"a={SECRET};; b=c", f"a={SECRET}\r\nX: y", "é=b"]
)
def test_what_is_no_cookie_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"a cookie is written|printable ASCII") as refused:
        parse_cookie(text)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.test:3128", "http://proxy.test:3128/"),
        ("HTTP://Proxy.test", "http://proxy.test/"),
        ("http://me:a%3Ab@proxy.test:3128/", "http://me:a%3Ab@proxy.test:3128/"),
    ],
)
def test_a_proxy_is_the_url_of_one(text: str, url: str) -> None:
    assert parse_proxy(text) == parse_proxy(url) == url


@pytest.mark.parametrize(
    "text",
    [f"http://me:{(s := SECRET)}@proxy.test:99999", f"me:{s}@proxy.test:3128", "proxy.test:3128",
     f"socks5://me:{s}@proxy.test", f"https://me:{s}@proxy.test", f"http://me:{s}@", f"http://{s}@",
     f"http://me:{s}@proxy.test/path", f"http://me:{s}@proxy.test?x=y", f"http://m%3Ae:{s}@p.test",
     f"http://me:{s}/@proxy.test", f"http://me:{s}@proxy.test\r\nX: y", "", "http://[::1"],
)  # fmt: skip
def test_what_is_no_proxy_is_refused_and_its_password_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as refused:
        parse_proxy(text)
    assert SECRET not in str(refused.value)
    if SECRET in text:
        assert "***" in str(refused.value)


@given(
    st.text()
    | st.text("a:=;@ \r\n\0/[]").map(lambda rest: f"A{rest}")
    | st.text("a:@/[]%9?#é").map(lambda rest: f"http://{rest}")
)
def test_whatever_is_taken_cannot_end_a_line(text: str) -> None:
    for parse in (parse_header, parse_cookie, parse_proxy):
        try:
            made = parse(text)
        except ValueError:
            continue
        assert made.startswith("@") or (made.isascii() and made.isprintable())


# ---- files of them


def test_a_file_has_one_a_line_but_for_blanks_and_comments(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_bytes(b"\xef\xbb\xbfA: b\r\n\n  \n# C: d\nE: f #g")
    found = lines_of(["X: y", f"@{file}", "Z: z"], parse_header, "--header")
    assert found == ("X: y", "A: b", "E: f #g", "Z: z")


def test_a_file_may_be_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("a=b\n"))
    writer.start()
    assert lines_of([f"@{pipe}"], parse_cookie, "--cookie") == ("a=b",)
    writer.join()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"A: b\n" + SECRET.encode(), r"@h, line 2: a header is written 'Name: value'$"),
        (f"A: {SECRET}\x85X: y".encode(), "line 1: only printable ASCII"),
        (f"A: {SECRET}\r\r\n".encode(), "line 1: only printable ASCII"),
        (b"Host: b", "line 1: Host is scrapeq's own to set"),
        (b"@other", "line 1: a file names no other file"),
        (b"A: \xff", "not UTF-8"),
        (b"A: b\n" * (MAX_FILE // 5 + 1), "more than 1 MB"),
        (None, "No such file"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_without_what_it_says(
    content: bytes | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("h").write_bytes(content)
    with pytest.raises(UsageError, match=why) as refused:
        lines_of(["@h"], parse_header, "--header")
    assert SECRET not in str(refused.value)


# ---- what is sent


def test_cookies_are_one_header_and_a_name_has_one_spelling() -> None:
    headers = ["X-Key: 1", "Cookie: a=1", "x-key:2", "cookie: b=2 "]
    found = headers_of(headers, ["c=3; d=4;", "e=5"])
    cookies = ("Cookie", "a=1; b=2; c=3; d=4; e=5")
    assert found == (("X-Key", "1"), ("X-Key", "2"), cookies)
    assert headers_of([], []) == ()


def test_a_user_agent_among_the_headers_is_that_of_its_flag() -> None:
    given = Settings(header=("A: b", "user-agent: me/2", "User-Agent:me/3"), user_agent="me/1")
    assert completed(given) == Settings(header=("A: b",), user_agent="me/3")


# ---- where they are given


def test_they_come_from_flags_or_from_a_file_or_both_in_one(cli: CommandLine) -> None:
    cli.write("h", "A: b\n")
    cli.write("scrapeq.toml", '[run]\nheader = ["@h", "C: d"]\ncookie = ["e=f"]\n')
    found = cli.run()
    assert (found.header, found.cookie) == (("A: b", "C: d"), ("e=f",))
    found = cli.run("-H", "X: y z", "-HZ: z", "--cookie", "i=j", "--cookie=k=l")
    assert (found.header, found.cookie) == (("X: y z", "Z: z"), ("i=j", "k=l"))


def test_wrong_ones_are_refused_wherever_they_are_given(cli: CommandLine) -> None:
    assert "'Name: value'" in cli.refusal("-H", SECRET)
    assert "printable ASCII" in cli.refusal("--cookie", f"a={SECRET}\r\nX: y")
    assert "No such file" in cli.refusal("--cookie", "@nothing")
    for line in (f'header = ["{SECRET}"]', f'header = "A: {SECRET}"', f'proxy = "x:{SECRET}@y"'):
        cli.write("scrapeq.toml", f"[run]\n{line}\n")
        refusal = cli.refusal()
        assert "scrapeq.toml, line 2: " in refusal
        assert SECRET not in refusal
    (cli.folder / "scrapeq.toml").unlink()
    refusal = cli.refusal(SCRAPEQ_RUN_PROXY=f"http://me:{SECRET}@p.test:x")
    assert "'-x' / '--proxy': http://(***)@p.test:x: cannot be read" in refusal
    assert SECRET not in refusal


# ---- what is shown

_texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9)


@given(_texts.map(lambda value: f"{value}{SECRET}"))
def test_no_value_outlives_its_mask(value: str) -> None:
    header, cookie = f"X-Key: {value}", f"a={value.replace(';', '')}"
    assert masked_header(parse_header(header)) == "X-Key: ***"
    assert masked_cookie(parse_cookie(cookie)) == "a=***"
    settings = Settings(header=(header,), cookie=(cookie,))
    command = ["scrapeq", "run", "-H", header, f"-qH{header}", f"--header={header}", "--cookie",
               cookie, f"--cookie={cookie}", "-xhttp://u:p@h.test/", "urls.txt"]  # fmt: skip
    assert masked_words(settings, command) == [
        *("scrapeq", "run", "-H", "X-Key: ***", "-qHX-Key: ***", "--header=X-Key: ***"),
        *("--cookie", "a=***", "--cookie=a=***", "-xhttp://***@h.test/", "urls.txt"),
    ]


def test_options_are_stored_without_their_secrets() -> None:
    stored = masked(
        Settings(
            header=(f"Authorization:{SECRET}", "@file"),
            cookie=(f"a={SECRET}; b={SECRET};", "@file"),
            proxy=f"http://me:{SECRET}@proxy.test/",
            output=Path("x.db"),
        )
    )
    assert stored["header"] == ["Authorization: ***", "@file"]
    assert stored["cookie"] == ["a=***; b=***", "@file"]
    assert stored["proxy"] == "http://***@proxy.test/"
    assert stored["output"] == "x.db"
    assert SECRET not in str(stored)
