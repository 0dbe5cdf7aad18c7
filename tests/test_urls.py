"""One line of a list by itself: what it becomes, why it is refused, and what it never tells."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Sequence

import aiohttp
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from yarl import URL

from scrapeq.text import MASK
from scrapeq.urls import (
    MAX_URL,
    BadURLError,
    Credentials,
    Listed,
    canonical_host,
    listed,
    parse,
    remember,
    visible,
    without_secrets,
)
from scrapeq.urls import without_credentials as masked

SECRET = "s3cr3t"

patiently = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def canonical(text: str) -> str:
    line = listed(text)
    assert not line.reason, line
    return line.url


def refused(text: str) -> Listed:
    line = listed(text)
    assert line.reason, line
    assert line.detail
    assert line.host == ""
    assert line.given is None
    assert line.credentials is None
    return line


def told(line: Listed) -> str:
    """Everything of a line that is stored or shown."""
    return " | ".join([line.url, line.host, line.given or "", line.reason, line.detail])


def has_controls(text: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text)


# ---- one spelling of each URL


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("HTTPS://Shop.Example.COM/Path", "https://shop.example.com/Path"),
        ("http://a.test:80/x", "http://a.test/x"),
        ("https://a.test:443/x", "https://a.test/x"),
        ("http://a.test:/x", "http://a.test/x"),
        ("http://a.test:080/x", "http://a.test/x"),
        ("http://a.test/x#part", "http://a.test/x"),
        ("http://a.test/x?q=1#part?", "http://a.test/x?q=1"),
        ("http://a.test/x/../y/./z", "http://a.test/y/z"),
        ("http://a.test/../../x", "http://a.test/x"),
        ("http://a.test/%7Ex/%41", "http://a.test/~x/A"),
        ("http://a.test/%2e%2e/x", "http://a.test/x"),
        ("http://a.test/a b", "http://a.test/a%20b"),
        ("http://a.test/?q=a b", "http://a.test/?q=a+b"),
        ("http://a.test/100%", "http://a.test/100%25"),
        ("http://a.test/%e2%82%ac", "http://a.test/%E2%82%AC"),
        ("http://a.test/\u20ac", "http://a.test/%E2%82%AC"),
        ("http://a.test/a\\b", "http://a.test/a%5Cb"),
        ("http://[0:0::1]:80/", "http://[::1]/"),
        ("  http://a.test/x\t\r\n", "http://a.test/x"),
    ],
)
def test_spellings_of_one_url_become_one(text: str, url: str) -> None:
    assert canonical(text) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://a.test:8080/x",
        "https://a.test:80/x",
        "http://a.test/x?",
        "http://a.test/a%2Fb",
        "http://a.test/%00",
        "http://a.test/%0D%0AX-Injected:%20yes",
        "http://a.test/x;v=1?a;b&c=%26",
        "http://a.test//double//slash",
        "http://a.test/@user",
        "http://under_score.test/",
        "http://a.test./",
        "http://127.0.0.1:8000/",
    ],
)
def test_what_makes_a_difference_is_kept(url: str) -> None:
    assert canonical(url) == url.removesuffix("?")
    assert canonical(url + "#x") == url.removesuffix("?")


@pytest.mark.parametrize("tail", ["", "?q=1", "#part", "?#"])
def test_no_path_and_an_empty_path_are_one_url(tail: str) -> None:
    assert canonical(f"http://a.test{tail}") == canonical(f"http://a.test/{tail}")
    for userinfo in ("u:p@", "u@"):
        assert canonical(f"http://{userinfo}a.test{tail}").startswith("http://***@a.test/")


def test_the_line_as_written_is_kept_where_it_differs() -> None:
    assert listed("http://a.test/x").given is None
    assert listed(" http://a.test/x\n").given is None
    assert listed("HTTP://A.test/x").given == "HTTP://A.test/x"
    assert listed("http://a.test/x#top").given == "http://a.test/x#top"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("http://b\u00fccher.example/", "xn--bcher-kva.example"),
        ("http://B\u00dcCHER.Example/", "xn--bcher-kva.example"),
        ("http://\u4f8b\u3048.\u30c6\u30b9\u30c8/", "xn--r8jz45g.xn--zckzah"),
        ("http://stra\u00dfe.test/", "xn--strae-oqa.test"),
        ("http://\uff41\uff42.test\u3002/", "ab.test."),
        ("http://A.\u00a1/", "a.xn--7a"),  # only the older IDNA knows it, and leaves the A
        ("http://\uff11\uff12\uff17.0.0.1/", "127.0.0.1"),
    ],
)
def test_a_host_in_other_letters_is_kept_as_given_and_in_ascii(text: str, host: str) -> None:
    line = listed(text)
    assert line.reason == ""
    assert (line.host, line.url, line.given) == (host, f"http://{host}/", text)


def test_a_priority_stays_with_its_line() -> None:
    assert listed("http://a.test/", 2.5).priority == 2.5
    assert listed("nonsense", 2.5).priority == 2.5
    assert listed("http://u:p@a.test/", 2.5).priority == 2.5


# ---- what is no URL


@pytest.mark.parametrize(
    "text",
    [
        "example.com",
        "example.com/path",
        "example.com:8080",
        "localhost:8080/x",
        "localhost:8080?x",
        "www.example.com:80#x",
        "//example.com/",
        "/path",
        "?",
        ".",
        "ht tp://a.test/",
        "\ufeff\ufeffhttp://a.test/",
    ],
)
def test_a_line_without_a_scheme_is_never_guessed(text: str) -> None:
    line = refused(text)
    assert line.reason == "invalid_url"
    assert "https://" in line.detail
    assert line.url == text


@pytest.mark.parametrize(
    "text",
    [
        "ftp://a.test/x",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,<b>x</b>",
        "gopher://a.test/",
        "mailto:me@a.test",
        "ws://a.test/",
        "httpx://a.test/",
        "view-source:http://a.test/",
    ],
)
def test_another_scheme_is_skipped_as_such(text: str) -> None:
    assert refused(text).reason == "scheme"


def test_a_scheme_is_named_and_bounded_in_the_reason() -> None:
    assert "gopher" in refused("gopher://a.test/").detail
    assert len(refused(f"{'x' * 5000}://a.test/").detail) < 200


@pytest.mark.parametrize(
    "authority",
    [
        "a.test:99999",
        "a.test:65536",
        "a.test:0",
        "a.test:-1",
        "a.test:abc",
        "a.test:80:80",
        "a.test:+80",
        "a.test:8_0",
        "a.test: 80",
        "a.test:80 ",
        "a.test:\uff18\uff10",
        "[::1]:8_0",
        "u:p@a.test:+80",
    ],
)
def test_a_bad_port_is_refused_and_not_made_to_fit(authority: str) -> None:
    assert refused(f"http://{authority}/").reason == "invalid_url"
    assert refused(f"http://{authority}?x").reason == "invalid_url"


@pytest.mark.parametrize(
    "authority",
    [
        "[::1",
        "::1]",
        "[::1]x",
        "x[::1]",
        "[]",
        "[1.2.3.4]",
        "[v1.a]",
        "[v1.a:b]",
        "[::g]",
        "[1:2]",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[::1]]",
        "[[::1]",
        "[]@",
        "user:password[]@",
    ],
)
def test_brackets_hold_an_ipv6_address_or_the_line_is_refused(authority: str) -> None:
    assert refused(f"http://{authority}/").reason == "invalid_url"


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "..",
        "a..test",
        ".a.test",
        "a.test..",
        f"{'a' * 64}.test",
        ".".join(["a" * 60] * 5),
        f"{chr(0xFC) * 60}.test",
        "a b",
        "a%20b",
        "a%2Fb",
        "exa%6Dple.test",
        "a<b",
        "a>b",
        "a|b",
        "a^b",
        "a\\b",
        "a\u2100b",
        "a\u200b.test",
        "\u00ad.test",
        "%",
    ],
)
def test_a_host_that_cannot_be_is_refused(host: str) -> None:
    assert refused(f"http://{host}/x").reason == "invalid_url"


def test_the_longest_labels_and_names_are_taken() -> None:
    name = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(name) == 253
    assert canonical(f"http://{name}/") == f"http://{name}/"
    assert canonical(f"http://{name[:-1]}./").endswith("b./")


@pytest.mark.parametrize(
    "control", ["\0", "\n", "\r", "\r\nX: y", "\t", "\x1b[2J", "\x7f", "\x85", "\u2028", "\ud800"]
)
def test_a_control_character_inside_is_refused_and_made_visible(control: str) -> None:
    line = refused(f"http://a.test/{control}/x")
    assert line.reason == "invalid_url"
    assert not has_controls(told(line))
    assert f"\\x{ord(control[0]):02x}" in line.url


def test_a_byte_that_is_no_utf8_is_refused_and_shown_as_that_byte() -> None:
    line = refused(b"http://a.test/caf\xe9".decode("utf-8", "surrogateescape"))
    assert (line.url, line.reason) == ("http://a.test/caf\\xe9", "invalid_url")
    assert "UTF-8" in line.detail


def test_a_line_of_a_megabyte_is_refused_and_shown_in_short() -> None:
    line = refused("http://a.test/" + "x" * 1_000_000)
    assert line.reason == "url_too_long"
    assert "1,000,014" in line.detail
    assert len(line.url) < 500


def test_a_line_that_is_too_long_is_looked_at_no_further() -> None:
    for start in ("", "ftp://", "http://[", "\0"):
        assert refused(start + "x" * 10_000).reason == "url_too_long"


def test_what_is_wrong_with_a_long_host_is_told_in_short() -> None:
    assert len(refused(f"http://{'a' * 5000}\u2100/").detail) < 300


def test_long_lines_that_differ_at_the_end_stay_two_lines() -> None:
    assert refused("x" * 9000 + "1").url != refused("x" * 9000 + "2").url


def test_the_longest_url_is_counted_as_it_is_requested() -> None:
    room = MAX_URL - len("http://a.test/")
    assert len(canonical("http://a.test/" + "x" * room)) == MAX_URL
    assert refused("http://a.test/" + "x" * (room + 1)).reason == "url_too_long"
    assert refused("http://a.test/" + "\u20ac" * (room // 2)).reason == "url_too_long"


@pytest.mark.parametrize(
    "text",
    ["@" * 60_000, ":" * 60_000 + "@x", "//" * 30_000 + "@", "a:" * 30_000, "\\" * 60_000 + "@"],
)
def test_a_hostile_line_costs_no_more_than_its_length(text: str) -> None:
    refused(text)  # the time limit of the test would notice a quadratic search
    refused(f"http://[{text}")


def test_parse_tells_the_reason_in_its_error() -> None:
    with pytest.raises(BadURLError, match="only http") as caught:
        parse("ftp://a.test/")
    assert caught.value.reason == "scheme"


# ---- user and password


@pytest.mark.parametrize(
    ("userinfo", "user", "password"),
    [
        ("me:s3cr3t", "me", "s3cr3t"),
        ("me", "me", ""),
        (":s3cr3t", "", "s3cr3t"),
        ("me:", "me", ""),
        ("me:s3cr3t@home", "me", "s3cr3t@home"),
        ("me:a:b", "me", "a:b"),
        ("m%40e:%C3%BC%3A", "m@e", "\u00fc:"),
        ("\u00fc:\u20ac", "\u00fc", "\u20ac"),
        ("me:s3cr3t key", "me", "s3cr3t key"),
    ],
)
def test_credentials_are_kept_apart_from_the_url(userinfo: str, user: str, password: str) -> None:
    line = listed(f"https://{userinfo}@A.test:443/x?q=1#part")
    assert line.reason == ""
    assert line.url == f"https://{MASK}@a.test/x?q=1"
    assert line.given is None
    assert line.host == "a.test"
    assert line.credentials == Credentials("https://a.test", user, password)


def test_the_origin_of_credentials_is_scheme_host_and_port() -> None:
    found = [listed(f"http://u:p@{x}/x").credentials for x in ("a.test:8080", "[::1]:81")]
    assert [x.origin for x in found if x] == ["http://a.test:8080", "http://[::1]:81"]


def test_a_masked_url_read_again_is_itself_and_brings_no_credentials() -> None:
    line = listed("https://***@a.test/x")
    assert line.url == "https://***@a.test/x"
    assert line.reason == ""
    assert line.credentials is None


def test_a_password_behind_a_user_of_three_stars_is_a_password() -> None:
    line = listed(f"https://***:{SECRET}@a.test/x")
    assert line.url == "https://***@a.test/x"
    assert line.credentials == Credentials("https://a.test", "***", SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "http://t0k3n:s3cr3t@a.test:99999/",
        "http://t0k3n:s3cr3t@[::1",
        "http://t0k3n:s3cr3t@a..test/",
        "http://t0k3n:s3cr3t@/x",
        "http://t0k3n:s3cr3t@a.test:x/@y",
        "http://t0k3n:s3cr3t\0@a.test/",
        "http://t0k3n:s3cr3t\u2100@a.test/",
        "http://t0k3n:x/s3cr3t@a.test/",
        "http://t0k3n:x?s3cr3t@a.test/",
        "http://t0k3n:x#s3cr3t@a.test/",
        "http://:x/s3cr3t@a.test/",
        "ftp://t0k3n:s3cr3t@a.test/",
        "ftp://t0k3n@a.test/path@x",
        "t0k3n:s3cr3t@a.test/x",
        "t0k3n:@a.test/s",
        "t0k3n@a.test/x",
        "http:t0k3n:s3cr3t@a.test/",
        "http:/t0k3n:s3cr3t@a.test/",
        "http:\\\\t0k3n:s3cr3t@a.test/",
        "http:////t0k3n:s3cr3t@a.test/",
        "//t0k3n:s3cr3t@a.test/",
        "http://t0k3n:s3cr3t@" + "a" * MAX_URL,
        "http://t0k3n:s3cr3t" + "t" * MAX_URL + "@a.test/",
        "http:t0k3n:s3cr3t@a.test//x@y",
        "http://a b/ http://t0k3n:s3cr3t@a.test/",
        "http://t0k3n\u200b:1/s3cr3t@a.test/",
        '{"link": "http:\\/\\/t0k3n:s3cr3t@a.test\\/"}',
        '{"a": "http://x@y/", "b": "http:\\/\\/t0k3n:s3cr3t@a.test\\/"}',
        '{"link": "http://t0k3n:s3cr3t@a.test/"',
    ],
)
def test_a_refused_line_does_not_tell_its_password(text: str) -> None:
    line = refused(text)
    assert SECRET not in told(line)
    assert "t0k3n" not in told(line)
    assert MASK in line.url


def test_a_refused_line_cannot_take_the_row_of_a_good_one() -> None:
    """The mask hides what was wrong with it; the good URL must not be taken for a duplicate."""
    good = canonical("http://u:p@a.test/")
    for text in ("http://u:p\0@a.test/", "http://u:p/x@a.test/", "http://u\u2100@a.test/"):
        assert refused(text).url != good


def test_the_digest_of_a_long_line_cannot_be_searched_for_its_password() -> None:
    lines = {refused(f"http://u:{word}@a.test/{'x' * 9000}").url for word in ("one", "two")}
    assert len(lines) == 1


@pytest.mark.parametrize("text", ["https://a b/@user", "a.test/img@2x.png", "nonsense", ""])
def test_an_at_sign_in_a_path_hides_nothing(text: str) -> None:
    assert refused(text).url == text


def test_any_text_can_be_freed_of_credentials() -> None:
    text = "from https://u:p@a.test/x to ftp://v@b.test"
    assert masked(text) == "from https://***@a.test/x to ftp://***@b.test"


# ---- any text at all

_free = st.text(st.characters(), max_size=40)  # surrogates included
_odd = st.text("ab/.%2eEfF+ ?&=;#:@\\[]\u00e9\u00a1\u3002\0\r\n\u2028\ud800", max_size=24)
_hosts = st.one_of(
    st.sampled_from(["a.test", "[::1]", "1.2.3.4", "b\u00fccher.test", "a.", "[v1.a]"]),
    st.text("aA\u00e9\u00dfI\u0130.-_0xn\u00a1", max_size=12),
    _free,
)
_tails = st.one_of(st.just(""), *(st.builds(form.format, _odd) for form in ("/{}", "?{}", "#{}")))
_ports = st.sampled_from(["", ":", ":80", ":443", ":0080", ":8_0", ":99999", ":x"])
_schemes = st.sampled_from(
    ["http://", "http://", "https://", "http:", "http:/", "HTTP:\\\\", "ftp://", "//", ""]
)
_lines = st.one_of(_free, st.builds("{}{}{}{}".format, _schemes, _hosts, _ports, _tails))


@patiently
@given(_lines)
@example("http://A.\u00a1")
@example("http://a.test")
@example("http://a.test/%zz?%zz")
@example("http://" + "\u20ac" * 3000)
def test_any_text_gives_a_url_or_a_reason_and_nothing_that_controls_a_terminal(text: str) -> None:
    line = listed(text)
    assert not has_controls(told(line))
    if line.reason:
        assert line.reason in ("invalid_url", "scheme", "url_too_long")
        assert len(line.url) < 500
        assert len(line.detail) < 500
    else:
        assert line.url.isascii()
        assert line.host
        assert len(line.url) <= MAX_URL


@patiently
@given(_lines)
@example("http://A.\u00a1")
@example("http://a.test?x")
@example("http://[v1.a]/")
@example("http://u%3A:@a.test")
def test_a_url_that_was_kept_is_kept_unchanged_when_read_again(text: str) -> None:
    line = listed(text)
    if line.reason:
        return
    again = listed(line.url)
    assert (again.url, again.host, again.reason) == (line.url, line.host, "")
    assert again.given is None


@patiently
@given(_lines)
def test_a_url_that_was_kept_is_what_yarl_makes_of_it_encoded_or_not(text: str) -> None:
    line = listed(text)
    if line.reason:
        return
    for url in (URL(line.url), URL(line.url, encoded=True)):
        assert str(url) == line.url
        assert url.raw_path.startswith("/")
        assert not url.fragment
        assert url.raw_host == line.host


_letters = st.text("abcxyz019-_", min_size=1, max_size=5)
_quick_hosts = st.lists(
    st.one_of(
        _letters,
        st.sampled_from(
            ["xn--", "xn--caf-dma", "xn--a", "X", "", "127", "0", "00", "0x7f", "x" * 64]
        ),
        st.integers(60, 64).map(lambda n: "a" * n),
    ),
    min_size=1,
    max_size=6,
).map(".".join)
_quick_ports = st.one_of(
    st.sampled_from(["", "", ":", ":0", ":80", ":443", ":8080", ":08", ":65535", ":65536", ":8_0"]),
    st.integers(0, 70_000).map(":{}".format),
)
_pieces = st.one_of(
    st.integers(0, 255).map("%{:02X}".format),
    st.integers(0, 255).map("%{:02x}".format),
    st.characters(min_codepoint=33, max_codepoint=127),
    st.sampled_from([".", "..", "/", "//", "/.", "/..", "/./", "%", "%4", "?", "#", "@", ":", "é"]),
    _letters,
)
_quick_tails = st.lists(_pieces, max_size=8).map("".join)
_nearly_canonical = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(
        ["http://", "https://", "https://", "http:/", "HTTP://", "http://u@", "ftp://"]
    ),
    _quick_hosts,
    st.sampled_from(["", "", "", "."]),
    _quick_ports,
    st.sampled_from(["/", "/", "/", "", "?", "#"]),
    _quick_tails,
)


@settings(patiently, max_examples=3000)
@given(_nearly_canonical | _lines)
@example("http://a.test/b/../c")
@example("http://a.test/%41")
@example("http://a.test/%c3%a9")
@example("http://a.test/%")
@example("http://a.test/?")
@example("http://a.test/??")
@example("http://a.test:80/")
@example("https://a.test:443/?x")
@example("http://a.test:443/")
@example("http://a.test./")
@example("http://a..test/")
@example("http://[::1]/")
@example("http://u@a.test/")
@example("http://xn--/")
@example("http://127.1/")
@example("http://a.test/?a=%2F%26+b")
@example("http://a.test/\n")
@example("http://" + ".".join(["a" * 63] * 4) + "/")
@example("http://" + ".".join(["a" * 63] * 3) + "." + "a" * 61 + "/")
@example("http://a.test/" + "x" * MAX_URL)
@example("http://a.test/" + "x" * (MAX_URL - 14))
def test_what_is_clearly_canonical_is_what_a_close_look_finds_too(text: str) -> None:
    if (host := canonical_host(text)) is not None:
        url = parse(text)
        assert (str(url), url.raw_host) == (text, host)
        assert url.raw_user is None
        assert url.raw_password is None


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8081/rust-doc/html/index.html?v=3",
        "https://www.shop-1.example.co.uk/",
        "https://xn--caf-dma.test/gr%C3%B6%C3%9Fe/a%20b?q=1&r=a+b;c=%E2%82%AC",
        "http://a_b.test/~x/(y)/z,w;v=1:2@3!$&'*=?/?",
    ],
)
def test_common_urls_are_clearly_canonical(text: str) -> None:
    assert canonical_host(text) == URL(text).raw_host


_words = st.text("abcXYZ019._~-!$&'()*+,;=%\u00e9", max_size=8)
_secrets = st.builds("{}s3cr3t{}".format, _words, _words)


@patiently
@given(
    _schemes,
    _words,
    _secrets,
    _hosts,
    _ports,
    st.text("ab/?#.: ", max_size=8),
)
@example("http://", "u", "%s3cr3t", "a.test", ":x", "")
@example("", "u", "s3cr3t", "a.test", "", "")
def test_a_password_is_never_told_wherever_the_line_is_broken(
    scheme: str, user: str, password: str, host: str, port: str, tail: str
) -> None:
    line = listed(f"{scheme}{user}:{password}@{host}{port}{tail}")
    assert SECRET not in told(line)
    if line.credentials:
        assert SECRET in line.credentials.password


@patiently
@given(_free | _odd, st.integers(10, 60))
def test_what_is_made_visible_is_bounded_and_has_no_control_characters(
    text: str, limit: int
) -> None:
    shown = visible(text, limit)
    assert not has_controls(shown)
    assert len(shown) <= limit + 60
    shown.encode()


# ---- the real thing


async def requested(urls: Sequence[str]) -> list[str]:
    """The targets and hosts that aiohttp asks a server for, who is every host at once."""
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        host = next(x for x in lines if x.startswith("Host: ")).removeprefix("Host: ")
        seen.append(f"http://{host}{lines[0].split(' ')[1]}")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    class Here(aiohttp.abc.AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: int = 0
        ) -> list[aiohttp.abc.ResolveResult]:
            return [
                {
                    "hostname": host,
                    "host": "127.0.0.1",
                    "port": local,
                    "family": family,
                    "proto": 0,
                    "flags": 0,
                }
            ]

        async def close(self) -> None:
            pass

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    local = server.sockets[0].getsockname()[1]
    async with (
        server,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=Here(), force_close=True)
        ) as session,
    ):
        for url in urls:
            async with session.get(URL(url, encoded=True)):
                pass
    return seen


async def test_aiohttp_asks_for_the_very_url_that_was_kept() -> None:
    texts = [
        "http://a.test",
        "http://A.test?q=a b&c=%26+%C3%BC#x",
        "http://b\u00fccher.test/\u20ac/%2F/%zz/../a\\b",
        "http://a.test:8080//x;y=1/%00?%0d%0a",
        "http://a.test/@user?http://u:p@b.test/",
    ]
    kept = [canonical(text) for text in texts]
    assert await requested(kept) == kept


def test_users_of_one_origin_are_told_apart() -> None:
    ann, bob, other = (
        listed(f"http://{who}@x.test/{who[:3]}") for who in ("ann:1", "bob:2", "ann:1")
    )
    known: dict[str, Credentials] = {}
    for line in (ann, bob, other, listed("http://x.test/plain")):
        remember(known, line)
    assert known == {"http://x.test": ann.credentials, bob.url: bob.credentials}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://h.test/?token=abc&page=2", "http://h.test/?token=***&page=2"),
        ("a loop: http://h.test/?x=1&API_KEY=a%20b#c", "a loop: http://h.test/?x=1&API_KEY=***#c"),
        ("http://me:pw@h.test/?X-Amz-Signature=00ff x", "http://***@h.test/?X-Amz-Signature=*** x"),
        ("'/a?password=x;sig=y'", "'/a?password=***;sig=***'"),
        ("/token=1/key=2?page=3", "/token=1/key=2?page=3"),
        ("/?key=&secret", "/?key=&secret"),
    ],
)
def test_a_parameter_that_speaks_of_a_secret_is_masked_where_it_is_shown(
    text: str, expected: str
) -> None:
    assert without_secrets(text) == expected
    assert without_secrets(expected) == expected
