"""What went wrong elsewhere: advisories about redirects, cookies, credentials, proxies and
private networks, and what becomes of the same here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import brotli
import pytest
import trustme
from yarl import URL

from scrapeq.custom import Header, headers_of
from scrapeq.fetch.secrets import basic
from scrapeq.models import Page
from scrapeq.urls import Credentials, listed, remember
from tests.fetch_kit import ending, fetched, fetching, wanted
from tests.servers import (
    Names,
    Server,
    Wire,
    answer,
    client_tls,
    header_of,
    path_of,
    proxying,
    redirect,
    server_tls,
    serving,
)

OURS = {"host", "accept", "accept-encoding", "user-agent"}
"""Headers that everybody is told."""


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    found = Names(monkeypatch)
    for name in ("a.test", "b.test", "sub.a.test"):
        found[name] = ["127.0.0.1"]
    return found


def told(head: bytes) -> set[str]:
    """Names of all headers of a request, but for those that everybody is told."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {line.partition(":")[0].lower() for line in lines if line} - OURS


# ---- what is said to one origin


CROSSING: Sequence[tuple[str, tuple[Header, ...], str, str]] = [
    # advisory, what the user says, and from where to where
    ("CVE-2026-34518", headers_of(["Cookie: a=b", "Authorization: x"], []), "a.test", "b.test"),
    ("CVE-2026-47265", headers_of([], ["a=b", "c=d"]), "a.test", "b.test"),
    ("aiohttp-13180", headers_of(["Authorization: x"] * 2 + ["Cookie: a=b"] * 2, []), "a.test",
     "b.test"),
    ("CVE-2022-0577", headers_of([], ["session=x"]), "a.test", "sub.a.test"),
    ("CVE-2024-3574", headers_of(["Authorization: x"], []), "a.test", "b.test"),
    ("CVE-2024-1968", headers_of(["Authorization: x"], []), "a.test", "other-port"),
    ("CVE-2026-8368", headers_of(["X-Api-Key: x"], []), "a.test", "127.0.0.1"),
    ("CVE-2026-102944", headers_of(["Authorization: x", "Referer: x"], []), "sub.a.test", "a.test"),
    ("CVE-2026-45300", headers_of(["Authorization: x", "X-Own: y"], ["a=b"]), "a.test", "b.test"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "start", "end"), [row[1:] for row in CROSSING], ids=[row[0] for row in CROSSING]
)
async def test_headers_and_cookies_stay_in_the_origin_that_they_are_for(
    own: tuple[Header, ...], start: str, end: str
) -> None:
    async with serving(answer(b"there")) as other:

        async def lead(wire: Wire, head: bytes) -> None:
            port, host = (other.port, start) if end == "other-port" else (first.port, end)
            away = redirect(f"http://{host}:{port}/end")
            replies = {"/": redirect("/here"), "/here": away, "/end": answer(b"there")}
            await wire.send(replies[path_of(head)])

        async with serving(lead) as first:
            assert await ending(first.url("/", start), own=own) == "done"
    *before, last = [*first.heads, *other.heads]
    assert [told(head) for head in before] == [{name.lower() for name, _ in own}] * 2
    assert told(last) == set()


async def test_cve_2021_41125_a_password_is_not_for_every_host_of_the_list() -> None:
    credentials: dict[str, Credentials] = {}
    async with serving(answer(b"hi")) as server:
        urls = [server.url("/", "me:secret@a.test"), server.url("/", "b.test")]
        lines = [listed(url) for url in urls]
        for line in lines:
            remember(credentials, line)
        async with fetching(credentials=credentials) as fetcher:
            for line in lines:
                assert isinstance(await fetcher.fetch(wanted(line.url)), Page)
    assert [told(head) for head in server.heads] == [{"authorization"}, set()]


async def test_a_password_of_a_url_goes_before_one_for_all() -> None:
    own = headers_of(["Authorization: for all", "X-Own: y"], [])
    async with serving(answer(b"hi")) as server:
        assert await ending(server.url("/", "me:secret@a.test"), own=own) == "done"
        assert await ending(server.url("/", "a.test"), own=own) == "done"
    said = [line for head in server.heads for line in head.split(b"\r\n") if b"horization" in line]
    assert said == [f"Authorization: {basic('me', 'secret')}".encode(), b"Authorization: for all"]
    assert [header_of(head, "x-own") for head in server.heads] == ["y", "y"]


async def test_a_robots_txt_is_told_only_what_its_origin_may_know() -> None:
    async with serving(answer(b"", "404 No")) as other:
        replies = {"/robots.txt": redirect("/r"), "/r": redirect(other.url("/robots.txt"))}
        async with serving(replies) as first:
            own = headers_of(["X-Api-Key: x"], ["a=b"])
            async with fetching(own=own) as fetcher:
                for listed in (True, False):
                    await fetcher.read_small(URL(first.url("/robots.txt")), 1000, 5, listed=listed)
    everything = {"x-api-key", "cookie"}
    assert [told(head) for head in first.heads] == [everything, everything, set(), set()]
    assert [told(head) for head in other.heads] == [set(), set()]


async def test_aiohttp_12825_no_challenge_is_answered() -> None:
    digest = answer(b"", "401 No", WWW_Authenticate='Digest realm="r", nonce="n", qop="auth"')
    async with serving(digest) as other, serving(redirect(other.url("/"))) as first:
        assert await ending(first.url("/", "me:secret@127.0.0.1")) == "401"
    assert [told(head) for head in other.heads] == [set()]


async def test_ghsa_76g3_c3x4_crvx_what_was_said_by_https_is_not_said_in_the_clear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", client_tls(authority))
    async with serving(answer(b"hi")) as plain:
        tls = server_tls(authority.issue_cert("a.test"))
        async with serving(redirect(plain.url("/", "a.test")), tls=tls) as secure:
            own = headers_of(["Authorization: x"], [])
            assert await ending(secure.url("/", "a.test"), own=own) == "redirect_downgrade"
    assert plain.heads == []


# ---- cookies that servers set


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("a=b", id="CVE-2026-54279-host-only"),
        pytest.param("a=b; Domain=test", id="GHSA-mfjm-vh54-3f96-public-suffix"),
        pytest.param("a=b; Domain=.a.test; Path=/", id="PYSEC-2026-4392"),
        pytest.param(f"a=b; Max-Age=1{'0' * 30}", id="CVE-2026-111065"),
        pytest.param("a=b; Expires=Fri, 31 Dec 99999 23:59:59 GMT", id="expires-never"),
    ],
)
async def test_a_cookie_that_a_server_sets_is_dropped_and_does_no_harm(cookie: str) -> None:
    async with serving(answer(b"hi", Set_Cookie=cookie)) as server, fetching() as fetcher:
        for n in range(100):
            host = ("a.test", "sub.a.test", "b.test")[n % 3]
            assert isinstance(await fetcher.fetch(wanted(server.url(f"/{n}", host))), Page)
    assert [head for head in server.heads if told(head)] == []


# ---- where a redirect may lead


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "data:text/html,x", "ftp://a.test/", "s3://bucket/key"]
)
async def test_ghsa_23j4_mw76_5v7h_no_other_scheme_is_followed(target: str) -> None:
    async with serving(redirect(target)) as server:
        assert await ending(server.url()) == "redirect_scheme"


async def test_cve_2021_33503_a_url_of_10k_at_signs_takes_no_time() -> None:
    for scheme in ("http://", "//", "http:", ""):
        for rest in ("", "a.test/", "[::1]", ":80"):
            text = f"{scheme}{'@' * 10_000}{rest}"
            assert listed(text).reason
            async with serving(redirect(text)) as server:
                assert await ending(server.url()) in ("redirect_invalid", "404", "redirects")
            assert len(server.heads) <= 2


async def test_cve_2026_21441_a_bomb_in_the_body_of_a_redirect_is_not_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def explode(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("scrapeq.fetch.fetcher.decompress_head", explode)
    bomb = answer(
        brotli.compress(bytes(10 << 20)), "302 Found", Content_Encoding="br", Location="/b"
    )
    async with serving({"/": bomb, "/b": answer(b"here")}) as server:
        found = await fetched(server.url())
    assert isinstance(found, Page)
    assert found.body == b"here"


# ---- private networks


@asynccontextmanager
async def inside_and_out(
    monkeypatch: pytest.MonkeyPatch, names: Names
) -> AsyncIterator[tuple[Server, str]]:
    """A server that nobody may reach from outside, and the start of URLs that lead to what
    comes after it."""
    public = "127.0.0.2"
    monkeypatch.setattr("scrapeq.fetch.addresses.is_private", lambda address: address != public)
    names["public.test"] = [public]

    async def lead(wire: Wire, head: bytes) -> None:
        await wire.send(redirect(f"http://{path_of(head)[1:]}"))

    async with serving(answer(b"secret")) as inside, serving(lead, host=public) as outside:
        yield inside, outside.url("/", "public.test")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "017700000001", "127.1", "0x7f000001", "127.0.0.1.", "localhost",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "0", "0.0.0.0", "[::]", "inside.test"],
)  # fmt: skip
async def test_aiohttp_12827_no_spelling_of_loopback_is_reached_from_outside(
    host: str, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    names["localhost"] = names["inside.test"] = names["127.0.0.1."] = ["127.0.0.1"]
    refusals = ("private_network", "invalid_url", "redirect_invalid")
    async with inside_and_out(monkeypatch, names) as (inside, lead):
        assert await ending(f"{lead}{host}:{inside.port}/") in refusals
        assert await ending(inside.url("/", host), private="block") in refusals
    assert inside.heads == []


async def test_cve_2026_57573_files_of_the_run_itself_pass_the_same_check(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2026-46497 too, and CVE-2025-28197: pages and robots.txt have one choke point."""
    async with inside_and_out(monkeypatch, names) as (inside, lead), fetching() as fetcher:
        await fetcher.read_small(URL(f"{lead}127.0.0.1:{inside.port}/"), 1000, 5)
        async with fetching(private="block") as blocked:
            await blocked.read_small(URL(inside.url("/")), 1000, 5)
    assert inside.heads == []


# ---- proxies, .netrc and the environment


async def test_cve_2023_32681_what_a_proxy_is_told_never_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GHSA-jm3v-qxmh-hxwv too, and the stale credentials of Scrapy 2.6.2: a redirect to another
    scheme goes by the same proxy, which is told the same."""
    authority = trustme.CA()
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", client_tls(authority))
    tls = server_tls(authority.issue_cert("a.test"))
    token = basic("me", "secret")
    async with AsyncExitStack() as stack:
        secure = await stack.enter_async_context(serving(answer(b"safe"), tls=tls))
        lead = serving(redirect(secure.url("/end", "a.test")))
        plain = await stack.enter_async_context(lead)
        proxy = await stack.enter_async_context(serving(proxying(token)))
        url = proxy.url("/", "me:secret@127.0.0.1")
        found = await fetched(plain.url("/", "a.test"), proxy=url)
    assert isinstance(found, Page)
    assert found.body == b"safe"
    assert [head.split()[0] for head in proxy.heads] == [b"GET", b"CONNECT"]
    assert [header_of(head, "proxy-authorization") for head in proxy.heads] == [token] * 2
    assert [told(head) for head in (*plain.heads, *secure.heads)] == [set(), set()]


async def test_cve_2024_47081_and_cve_2026_6429_no_netrc_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    machines = ("a.test", "b.test", "127.0.0.1")
    netrc.write_text("".join(f"machine {name} login me password secret\n" for name in machines))
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))

    async def lead(wire: Wire, head: bytes) -> None:
        away = redirect(server.url("/end", "b.test"))
        await wire.send(away if path_of(head) == "/" else answer(b"hi"))

    async with serving(lead) as server:
        for host in ("a.test", "127.0.0.1"):
            assert await ending(server.url("/", host)) == "done"
        await ending(f"http://b.test:{server.port};@a.test/")
    assert len(server.heads) >= 4
    assert [head for head in server.heads if told(head)] == []


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answer(b"from the proxy")) as proxy, serving(answer(b"direct")) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
            monkeypatch.setenv(name.upper(), proxy.url())
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert "no_proxy" not in os.environ
        found = await fetched(server.url("/", "a.test"))
    assert isinstance(found, Page)
    assert (found.body, proxy.heads) == (b"direct", [])


# ---- TLS


async def test_aiohttp_12835_a_connection_is_not_used_for_another_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", client_tls(authority))
    tls = server_tls(authority.issue_cert("a.test"))
    async with serving(answer(b"hi"), tls=tls) as server, fetching() as fetcher:
        assert isinstance(await fetcher.fetch(wanted(server.url("/", "a.test"))), Page)
        found = await fetcher.fetch(wanted(server.url("/", "b.test")))
    assert not isinstance(found, Page)
    assert found.reason == "tls_cert"
    assert len(server.heads) == 1


async def test_cve_2024_35195_no_attempt_turns_the_check_of_certificates_off() -> None:
    tls = server_tls(trustme.CA().issue_cert("a.test"))
    async with serving(answer(b"hi"), tls=tls) as server, fetching() as fetcher:
        for _ in range(3):
            found = await fetcher.fetch(wanted(server.url("/", "a.test")))
            assert not isinstance(found, Page)
            assert found.reason == "tls_cert"
    assert server.heads == []
