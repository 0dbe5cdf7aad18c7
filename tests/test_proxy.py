"""Requests that go by a proxy, which is on this machine while they are about others."""

from __future__ import annotations

import socket

import aiohttp
import pytest
import trustme
from yarl import URL

from scrapeq.breaker import TRIPS
from scrapeq.fetch.secrets import basic
from scrapeq.models import Outcome, Page
from scrapeq.retry import Failure
from tests.fetch_kit import ending, fetched, fetching, wanted
from tests.servers import (
    Names,
    answer,
    client_tls,
    header_of,
    path_of,
    proxying,
    redirect,
    sending,
    server_tls,
    serving,
)


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """No name means anything on this side of the proxy."""
    return Names(monkeypatch)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def trust(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", client_tls(authority))


async def test_http_is_asked_of_the_proxy_and_https_goes_through_it(authority: trustme.CA) -> None:
    tls = server_tls(authority.issue_cert("far.test"))
    async with (
        serving(answer(b"plain")) as plain,
        serving(answer(b"secure"), tls=tls) as secure,
        serving(proxying()) as proxy,
        fetching(proxy=proxy.url()) as fetcher,
    ):
        urls = [plain.url("/a?b", "far.test")] * 2 + [secure.url("/c", "far.test")] * 2
        found = [await fetcher.fetch(wanted(url)) for url in urls]
    assert [isinstance(one, Page) and one.body for one in found] == [b"plain"] * 2 + [b"secure"] * 2
    assert plain.paths == ["/a?b"] * 2
    assert secure.paths == ["/c"] * 2
    assert header_of(secure.heads[0], "host") == f"far.test:{secure.port}"
    asked = [(head.split()[0], path_of(head)) for head in proxy.heads]
    tunnel = (b"CONNECT", f"far.test:{secure.port}")
    assert asked == [(b"GET", urls[0]), (b"GET", urls[1]), tunnel], "a tunnel is kept"


async def test_a_password_of_any_letters_reaches_the_proxy() -> None:
    token = basic("jörg", "p:ä@/ß")
    async with serving(answer(b"hi")) as server, serving(proxying(token)) as proxy:
        url = proxy.url("/", "j%C3%B6rg:p%3A%C3%A4%40%2F%C3%9F@127.0.0.1")
        assert await ending(server.url("/", "far.test"), proxy=url) == "done"
        assert await ending(server.url("/", "far.test"), proxy=proxy.url()) == "407"
        assert await ending("https://far.test/", proxy=proxy.url()) == "proxy"
    assert len(server.heads) == 1


async def test_a_proxy_that_is_not_there_is_no_fault_of_the_host(names: Names) -> None:
    names["broken.test"] = [socket.gaierror(socket.EAI_NONAME, "no such name")]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://me:secret@127.0.0.1:{free.getsockname()[1]}/"
        for url in ("http://far.test/", "https://far.test/"):
            for proxy in (nobody, "http://me:secret@broken.test/"):
                found = await fetched(url, proxy=proxy)
                assert isinstance(found, Outcome)
                assert found.reason == "proxy"
                assert "127.0.0.1" in found.detail or "broken.test" in found.detail
                assert "secret" not in found.detail
        async with fetching(proxy=nobody) as fetcher:
            robots = await fetcher.read_small(URL("http://far.test/robots.txt"), 1000, 5)
    assert isinstance(robots, Failure)
    assert (robots.reason, robots.again) == ("proxy", True)


async def test_an_outage_of_the_proxy_does_not_use_up_the_attempts_of_a_list() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with fetching(proxy=f"http://127.0.0.1:{nobody.getsockname()[1]}/") as fetcher:
            found = [await fetcher.fetch(wanted("http://far.test/")) for _ in range(TRIPS + 3)]
    verdicts = [one.verdict for one in found if isinstance(one, Outcome)]
    assert verdicts == ["failed"] * TRIPS + ["retry"] * 3, "these do not count"


@pytest.mark.parametrize(("status", "again"), [("403 No", False), ("503 Later", True)])
async def test_a_proxy_may_refuse_a_tunnel(status: str, again: bool) -> None:
    refusal = sending(answer(b"why", status), lambda wire: wire.half_close())
    async with serving(refusal) as proxy, fetching(proxy=proxy.url()) as fetcher:
        found = await fetcher.read_small(URL("https://far.test/robots.txt"), 1000, 5)
    assert isinstance(found, Failure)
    assert (found.reason, found.again) == ("proxy", again)
    assert found.detail == f"the proxy says {status}"


async def test_a_bad_certificate_behind_a_proxy_is_the_fault_of_the_host() -> None:
    tls = server_tls(trustme.CA().issue_cert("far.test"))
    async with serving(answer(), tls=tls) as server, serving(proxying()) as proxy:
        assert await ending(server.url("/", "far.test"), proxy=proxy.url()) == "tls_cert"


async def test_a_proxy_may_be_private_and_what_it_is_asked_for_may_not(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrapeq.fetch.addresses.is_private", lambda text: text != "127.0.0.2")
    names["outside.test"], names["inside.test"] = ["127.0.0.2"], ["127.0.0.1"]
    async with serving(answer(b"secret")) as inside, serving(proxying()) as proxy:
        lead = {f"/{n}": redirect(inside.url("/", host))
                for n, host in enumerate(("127.0.0.1", "inside.test"))}  # fmt: skip
        async with serving({**lead, "/on": redirect("/"), "/": answer(b"hi")}) as outside:
            for private in ("default", "block"):
                for path, end in (
                    ("/0", "private_network"),
                    ("/1", "private_network"),
                    ("/on", "done"),
                ):
                    url = outside.url(path, "outside.test")
                    assert await ending(url, proxy=proxy.url(), private=private) == end
            listed = [inside.url("/", "inside.test"), inside.url()]
            for url in listed:
                refused = await ending(url, proxy=proxy.url(), private="block")
                assert refused == "private_network"
            assert inside.heads == []
            assert await ending(listed[0], proxy=proxy.url()) == "done"
