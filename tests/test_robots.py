"""robots.txt: who asks for it how often, and what each answer to that means."""

from __future__ import annotations

import asyncio
import gzip
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protego import Protego
from yarl import URL

from scrapeq.decode import decompress_head
from scrapeq.fetch import Fetcher, FetchLimits
from scrapeq.models import Outcome, Page, Request
from scrapeq.retry import Failure, RetryPolicy
from scrapeq.robots import MAX_ORIGINS, MAX_ROBOTS, RobotsGate, Rules, rules_for
from tests.servers import (
    Handler,
    Names,
    Wire,
    answer,
    chunked,
    path_of,
    redirect,
    sending,
    serving,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMITS = FetchLimits(total=10, connect=5, read=5)
POLICY = RetryPolicy(2, jitter=lambda: 1.0)
FORBIDS = b"User-agent: *\nDisallow: /secret\n"


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@asynccontextmanager
async def gated(
    limits: FetchLimits = LIMITS, user_agent: str = "scrapeq/1.0", **options: Any
) -> AsyncIterator[tuple[RobotsGate, Fetcher]]:
    async with Fetcher(limits, POLICY, user_agent=user_agent, **options) as fetcher:
        yield RobotsGate(fetcher, POLICY, user_agent=user_agent), fetcher


def wanted(url: str, attempt: int = 1) -> Request:
    return Request(1, url, "host.test", attempt)


def site(robots: bytes | Handler) -> Handler:
    """A server with that robots.txt, where every other path is a page."""

    async def handler(wire: Wire, head: bytes) -> None:
        if path_of(head) != "/robots.txt":
            await wire.send(answer(b"page"))
        elif isinstance(robots, bytes):
            await wire.send(robots)
        else:
            await robots(wire, head)

    return handler


async def verdicts(
    robots: bytes | Handler, *paths: str, **options: Any
) -> Mapping[str, Page | Outcome]:
    """By path: what the gate says to each, one after another."""
    async with serving(site(robots)) as server, gated(**options) as (gate, _):
        return {path: await gate.fetch(wanted(server.url(path))) for path in paths}


def passes(found: Page | Outcome) -> bool:
    """Whether it was fetched; when it was not, then because robots.txt says so."""
    if isinstance(found, Outcome):
        assert (found.verdict, found.reason, found.attempts) == ("skipped", "robots", 1)
        return False
    return True


async def allowed(robots: bytes | Handler, *paths: str, **options: Any) -> list[bool]:
    found = await verdicts(robots, *paths, **options)
    return [passes(found[path]) for path in paths]


# ---- what it says


async def test_what_it_forbids_is_skipped_and_the_rest_is_fetched() -> None:
    found = await verdicts(answer(FORBIDS), "/", "/secret", "/secret/x?y", "/open")
    assert [passes(x) for x in found.values()] == [True, False, False, True]
    skipped = found["/secret/x?y"]
    assert isinstance(skipped, Outcome)
    assert "forbids /secret/x?y to scrapeq" in skipped.detail


async def test_a_group_of_our_own_counts_before_the_one_for_everybody() -> None:
    rules = b"User-agent: *\nDisallow: /\n\nUser-agent: Scrapeq\nDisallow: /a\n"
    assert await allowed(answer(rules), "/", "/a") == [True, False]
    assert await allowed(answer(rules), "/", "/a", user_agent="other/2 (+https://x)") == [
        False, False,
    ]  # fmt: skip
    assert await allowed(answer(rules), "/", user_agent="SCRAPEQ") == [True]


async def test_the_longest_rule_wins_and_wildcards_work() -> None:
    rules = b"User-agent: *\nDisallow: /*.pdf$\nDisallow: /d/\nAllow: /d/open\n"
    paths = ("/x.pdf", "/x.pdf?y", "/d/", "/d/open", "/d/openly")
    assert await allowed(answer(rules), *paths) == [False, True, False, True, True]


async def test_percent_encoding_is_no_way_around_it() -> None:
    rules = "User-agent: *\nDisallow: /caf\u00e9\n".encode()
    assert await allowed(answer(rules), "/caf%C3%A9", "/caf%c3%a9/x", "/cafe") == [
        False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rules",
    [
        b"\xef\xbb\xbf" + FORBIDS,
        FORBIDS.replace(b"\n", b"\r\n"),
        FORBIDS.replace(b"\n", b"\r"),
        b"\xff\xfe\0\x80 junk\n" + FORBIDS + b"\xf0\x9f",
        b"<!DOCTYPE html><p>no robots here\n" + FORBIDS,
        FORBIDS.rstrip(),
    ],
)
@pytest.mark.parametrize("frame", [answer, chunked])
async def test_a_file_in_bad_shape_still_counts(
    rules: bytes, frame: Callable[[bytes], bytes]
) -> None:
    assert await allowed(frame(rules), "/secret", "/open") == [False, True]


@pytest.mark.parametrize("rules", [b"", b"\0" * 5000, bytes(range(256)) * 20, b"<html><p>404"])
async def test_a_file_that_says_nothing_allows_all(rules: bytes) -> None:
    assert await allowed(answer(rules), "/secret") == [True]


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", ""])
async def test_its_content_type_does_not_matter(kind: str) -> None:
    assert await allowed(answer(FORBIDS, Content_Type=kind), "/secret") == [False]


async def test_it_may_be_compressed() -> None:
    packed = answer(gzip.compress(FORBIDS), Content_Encoding="gzip")
    assert await allowed(packed, "/secret", "/open") == [False, True]


# ---- which of its groups count


@pytest.mark.parametrize(
    ("text", "open_"),
    [
        ("user-agent: scrapeq\ndisallow: /", False),
        ("User-Agent : ScrapeQ\nDisallow : /", False),
        ("Useragent: *\nDisallow /", False),
        ("user  agent *\nDisallow: /", False),
        ("User-agent: scrapeq/2.0\nDisallow: /", False),
        ("User-agent: scrapeq # us\nDisallow: / # all", False),
        ("User-agent: scrapeq*\nDisallow: /", False),
        ("User-agent: a\nUser-agent: scrapeq\nUser-agent: b\nDisallow: /", False),
        ("User-agent: a\n\n\nUser-agent: scrapeq\n\nDisallow: /", False),
        ("User-agent: scrapeq\nSitemap: http://a/\nHost: b\nUser-agent: b\nDisallow: /", False),
        ("User-agent: scrapeq\nCrawl-delay: 3\nDisallow: /", False),
        ("User-agent: *\nDisallow: /a\nUser-agent: *\nDisallow: /", False),
        ("User-agent: scrapeq\nAllow: /a\nUser-agent: b\nAllow: /\nUser-agent: scrapeq\n"
         "Disallow: /", False),
        ("User-agent: scr\nAllow: /\nUser-agent: scrap\nDisallow: /", False),
        ("User-agent: *\nDisallow: /\nUser-agent: scrapeq\nDisallow:", True),
        ("User-agent: *\nDisallow: /\nUser-agent: scrapeq", True),
        ("User-agent: scrapeqq\nDisallow: /", True),
        ("User-agent: myscrapeq\nDisallow: /", True),
        ("User-agent: scrapeq\nCrawl-delay: 3\nUser-agent: b\nDisallow: /", True),
        ("User-agent:\nDisallow: /", True),
        ("User-agent: /\nDisallow: /", True),
        ("Disallow: /\nUser-agent: *\nAllow: /", True),
        ("# User-agent: *\nDisallow: /", True),
        ("Sitemap: /user-agent: *\nDisallow: /", True),
    ],
)  # fmt: skip
async def test_the_groups_for_us_count_and_no_others(text: str, open_: bool) -> None:
    for line_end in ("\n", "\r\n", "\r"):
        sent = answer(text.replace("\n", line_end).encode())
        assert await allowed(sent, "/x") == [open_]


async def test_a_name_with_a_version_and_a_comment_is_known_by_its_first_word() -> None:
    rules = b"User-agent: mybot\nDisallow: /\n"
    for name in ("mybot", "MyBot/2.0", "mybot/2.0 (+https://my.test)"):
        assert await allowed(answer(rules), "/x", user_agent=name) == [False]
    assert await allowed(answer(rules), "/x", user_agent="Mozilla/5.0 (mybot)") == [True]


def test_many_agents_with_many_rules_cost_little() -> None:
    """Each rule for each agent would be 400 million of them."""
    agents = "".join(f"User-agent: bot{n}\nUser-agent: *\n" for n in range(9_000))
    text = agents + "".join(f"Allow: /{n}\n" for n in range(20_000))
    tracemalloc.start()
    try:
        kept = rules_for("scrapeq", text)
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert kept.count("\n") == 20_000


# ---- how large it may be


def padded(size: int, *after: bytes) -> bytes:
    """FORBIDS, filled up with comments to exactly that size, and then more."""
    filler = size - len(FORBIDS)
    return FORBIDS + b"#" * (filler - 1) + b"\n" + b"".join(after)


async def test_only_so_much_of_it_is_read() -> None:
    late = padded(MAX_ROBOTS, b"User-agent: *\nDisallow: /late\n")
    assert await allowed(answer(late), "/secret", "/late") == [False, True]
    early = padded(MAX_ROBOTS - 40, b"User-agent: *\nDisallow: /late\n", b"#" * 5000)
    assert await allowed(answer(early), "/secret", "/late") == [False, False]


async def test_half_a_rule_at_the_limit_is_no_rule() -> None:
    """`Disallow: /late` cut after its slash would forbid everything."""
    cut = padded(MAX_ROBOTS - len(b"Disallow: /"), b"Disallow: /late\n")
    assert await allowed(answer(cut), "/secret", "/open") == [False, True]


async def test_an_endless_file_is_cut_off() -> None:
    async def endless(wire: Wire, _: bytes) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\n" + FORBIDS)
        await wire.flood(b"# and so on\n" * 5000)

    assert await allowed(endless, "/secret", "/open") == [False, True]


async def test_a_bomb_is_read_as_far_as_any_other() -> None:
    bomb = gzip.compress(FORBIDS + b"#" * 50_000_000)
    assert await allowed(answer(bomb, Content_Encoding="gzip"), "/secret", "/open") == [
        False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("coding", "members", "layers"), [("gzip", 17, 1), ("zstd", 17, 1), ("zstd", 1, 2)]
)
async def test_one_in_more_codings_or_members_than_anybody_needs_is_none(
    coding: str, members: int, layers: int
) -> None:
    pack: Callable[[bytes], bytes] = gzip.compress if coding == "gzip" else zstd.compress
    body = FORBIDS
    for _ in range(layers):
        body = pack(b"") * (members - 1) + pack(body)
    robots = answer(body, Content_Encoding=", ".join([coding] * layers))
    found = (await verdicts(robots, "/open"))["/open"]
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason) == ("retry", "robots_unreachable")


async def test_it_is_not_decompressed_in_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def head(*args: Any) -> bytes:
        threads.append(threading.current_thread())
        return decompress_head(*args)

    monkeypatch.setattr("scrapeq.fetch.fetcher.decompress_head", head)
    robots = answer(gzip.compress(FORBIDS), Content_Encoding="gzip")
    assert await allowed(robots, "/secret") == [False]
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


async def test_one_long_line_allows_all() -> None:
    line = b"User-agent: *" + b" " * 1_000_000 + b"\nDisallow: /\n"
    assert await allowed(answer(line), "/open") == [True]


# ---- what the statuses mean


@pytest.mark.parametrize(
    "status", ["400 Bad", "401 Who", "403 No", "404 Not Found", "410 Gone", "429 Slow", "304 Same"]
)
async def test_a_refusal_allows_all(status: str) -> None:
    assert await allowed(answer(b"", status), "/secret") == [True]


async def test_a_refusal_counts_whatever_its_body_is_like() -> None:
    for sent in (
        answer(FORBIDS, "404 Not Found"),
        answer(b"no gzip", "404 Not Found", Content_Encoding="nonsense"),
        answer(b"half", "404 Not Found", Content_Length="500"),
    ):
        assert await allowed(sending(sent, Wire.close), "/secret") == [True]


async def test_a_server_in_trouble_is_asked_later_and_its_pages_are_skipped_in_the_end() -> None:
    async with serving(answer(b"", "503 Busy")) as server, gated() as (gate, _):
        found = [await gate.fetch(wanted(server.url("/a"), n)) for n in (1, 2, 3)]
    assert [(x.verdict, x.reason) for x in found if isinstance(x, Outcome)] == [
        ("retry", "robots_unreachable"),
        ("retry", "robots_unreachable"),
        ("skipped", "robots_unreachable"),
    ]
    assert [x.attempts for x in found if isinstance(x, Outcome)] == [1, 2, 3]
    first = found[0]
    assert isinstance(first, Outcome)
    assert first.due is not None
    assert first.due > time.time()
    assert "503" in first.detail
    assert server.paths == ["/robots.txt"] * 3


@pytest.mark.parametrize(
    "robots",
    [
        sending(b"", Wire.until_gone),
        sending(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", Wire.until_gone),
        sending(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nUser", Wire.close),
        sending(b"", Wire.reset),
        sending(b"nonsense\r\n\r\n", Wire.close),
        sending(answer(b"x", Content_Encoding="nonsense"), Wire.close),
    ],
)
async def test_no_answer_defers_the_page(robots: Handler) -> None:
    found = await verdicts(robots, "/a", limits=FetchLimits(total=0.3, read=0.2))
    (only,) = found.values()
    assert isinstance(only, Outcome)
    assert (only.verdict, only.reason) == ("retry", "robots_unreachable")


async def test_a_server_that_recovers_is_obeyed() -> None:
    answers = [answer(b"", "500 Oops"), answer(FORBIDS)]

    async def robots(wire: Wire, _: bytes) -> None:
        await wire.send(answers.pop(0))

    async with serving(site(robots)) as server, gated() as (gate, _):
        first = await gate.fetch(wanted(server.url("/secret")))
        assert isinstance(first, Outcome)
        assert first.verdict == "retry"
        assert passes(await gate.fetch(wanted(server.url("/open"), attempt=2)))
        assert not passes(await gate.fetch(wanted(server.url("/secret"))))


async def test_a_host_that_is_not_there_gets_the_reason_for_that(names: Names) -> None:
    """There is no page either: robots.txt is not what is missing."""
    names["down.test"] = ["127.0.0.1"]
    tries = [("nowhere.test", 1), ("down.test:1", 1), ("down.test:1", 2), ("down.test:1", 3)]
    async with gated() as (gate, _):
        found = [await gate.fetch(wanted(f"http://{host}/", n)) for host, n in tries]
    assert [(x.verdict, x.reason) for x in found if isinstance(x, Outcome)] == [
        ("failed", "dns"), ("retry", "connect"), ("retry", "connect"), ("failed", "connect"),
    ]  # fmt: skip


async def test_a_private_host_is_not_asked_for_it_when_those_are_blocked() -> None:
    async with serving(site(answer(b""))) as server, gated(private="block") as (gate, _):
        found = await gate.fetch(wanted(server.url()))
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason) == ("failed", "private_network")
    assert server.heads == []


# ---- redirects


def moved(hops: int) -> Handler:
    """A robots.txt that is so many redirects away."""

    async def handler(wire: Wire, head: bytes) -> None:
        path = path_of(head)
        at = 0 if path == "/robots.txt" else int(path.strip("/")) if path[1:].isdigit() else -1
        if at < 0:
            await wire.send(answer(b"page"))
        else:
            await wire.send(answer(FORBIDS) if at == hops else redirect(f"/{at + 1}"))

    return handler


@pytest.mark.parametrize(("hops", "obeyed"), [(0, True), (1, True), (5, True), (6, False)])
async def test_five_redirects_are_followed_and_then_all_is_allowed(hops: int, obeyed: bool) -> None:
    async with serving(moved(hops)) as server, gated() as (gate, _):
        assert passes(await gate.fetch(wanted(server.url("/secret")))) is not obeyed


@pytest.mark.parametrize("target", ["/robots.txt", "file:///etc/passwd", "http://[::1", "//"])
async def test_a_redirect_to_nowhere_allows_all(target: str) -> None:
    assert await allowed(redirect(target), "/secret") == [True]


async def test_a_redirect_to_a_name_that_cannot_be_looked_up_now_is_no_permission(
    names: Names,
) -> None:
    names["later.test"] = [socket.gaierror(socket.EAI_AGAIN, "not now")]
    found = await verdicts(redirect("http://later.test/robots.txt"), "/secret")
    outcome = found["/secret"]
    assert isinstance(outcome, Outcome)
    assert (outcome.verdict, outcome.reason) == ("retry", "robots_unreachable")


async def test_it_may_be_on_another_host() -> None:
    async with serving({"/r": answer(FORBIDS)}) as other:
        assert await allowed(redirect(other.url("/r")), "/secret", "/open") == [False, True]


async def test_a_page_does_not_redirect_around_it() -> None:
    async def handler(wire: Wire, head: bytes) -> None:
        match path_of(head):
            case "/robots.txt":
                await wire.send(answer(FORBIDS))
            case "/door":
                await wire.send(redirect("/secret/room"))
            case "/gate":
                await wire.send(redirect(other.url("/secret")))
            case _:
                await wire.send(answer(b"page"))

    async with (
        serving(handler) as server,
        serving(site(answer(FORBIDS))) as other,
        gated() as (gate, _),
    ):
        assert not passes(await gate.fetch(wanted(server.url("/door"))))
        assert not passes(await gate.fetch(wanted(server.url("/gate"))))
    assert server.paths == ["/robots.txt", "/door", "/gate"]
    assert other.paths == ["/robots.txt"]


async def test_a_page_on_a_host_without_rules_to_be_had_is_deferred() -> None:
    async with (
        serving(answer(b"", "500 Oops")) as down,
        serving({"/": redirect(down.url("/x"))}) as server,
        gated() as (gate, _),
    ):
        found = await gate.fetch(wanted(server.url()))
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason) == ("retry", "robots_unreachable")
    assert down.paths == ["/robots.txt"]


# ---- how often, and for whom


async def test_a_hundred_workers_ask_once() -> None:
    go = asyncio.Event()

    async def robots(wire: Wire, _: bytes) -> None:
        await go.wait()
        await wire.send(answer(FORBIDS))

    async with serving(site(robots)) as server, gated() as (gate, _):
        work = [asyncio.create_task(gate.fetch(wanted(server.url(f"/{n}")))) for n in range(100)]
        await server.asked.wait()
        go.set()
        assert all(passes(x) for x in await asyncio.gather(*work))
        assert passes(await gate.fetch(wanted(server.url("/later"))))
    assert server.paths.count("/robots.txt") == 1


async def test_a_hundred_workers_share_one_silence() -> None:
    async with serving(answer(b"", "503 Busy")) as server, gated() as (gate, _):
        work = [gate.fetch(wanted(server.url(f"/{n}"))) for n in range(100)]
        found = await asyncio.gather(*work)
    assert {x.reason for x in found if isinstance(x, Outcome)} == {"robots_unreachable"}
    assert server.paths == ["/robots.txt"]


async def test_each_origin_has_its_own(names: Names) -> None:
    names["a.test"] = names["b.test"] = ["127.0.0.1"]
    async with (
        serving(site(answer(FORBIDS))) as strict,
        serving(site(answer(b""))) as open_,
        gated() as (gate, _),
    ):
        assert not passes(await gate.fetch(wanted(strict.url("/secret", "a.test"))))
        assert not passes(await gate.fetch(wanted(strict.url("/secret", "b.test"))))
        assert passes(await gate.fetch(wanted(open_.url("/secret", "a.test"))))
    assert strict.paths == ["/robots.txt"] * 2


async def test_one_that_does_not_answer_holds_nobody_else_up() -> None:
    async with (
        serving(sending(b"", Wire.until_gone)) as silent,
        serving(site(answer(b""))) as server,
        gated() as (gate, fetcher),
    ):
        stuck = [asyncio.create_task(gate.fetch(wanted(silent.url(f"/{n}")))) for n in range(50)]
        await silent.asked.wait()
        assert passes(await gate.fetch(wanted(server.url("/a"))))
        assert not any(task.done() for task in stuck)
        fetcher.abort()
        found = await asyncio.gather(*stuck)
    assert {(x.verdict, x.reason) for x in found if isinstance(x, Outcome)} == {
        ("retry", "stopped")
    }


async def test_a_worker_that_is_cancelled_does_not_take_the_answer_from_the_others() -> None:
    go = asyncio.Event()

    async def robots(wire: Wire, _: bytes) -> None:
        await go.wait()
        await wire.send(answer(FORBIDS))

    async with serving(site(robots)) as server, gated() as (gate, _):
        first, second = (
            asyncio.create_task(gate.fetch(wanted(server.url("/secret")))) for _ in range(2)
        )
        await server.asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go.set()
        assert not passes(await second)
    assert server.paths == ["/robots.txt"]


async def test_nothing_is_asked_after_stop() -> None:
    async with serving(site(answer(b""))) as server, gated() as (gate, fetcher):
        fetcher.stop()
        found = await gate.fetch(wanted(server.url(), attempt=2))
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason, found.attempts) == ("retry", "stopped", 1)
    assert server.heads == []


async def test_user_and_password_are_not_sent_for_it() -> None:
    async with serving(site(answer(b""))) as server, gated() as (gate, _):
        found = await gate.fetch(wanted(server.url().replace("//", "//***@")))
    assert isinstance(found, Outcome)
    assert found.reason == "credentials"  # of the page: for robots.txt none are needed
    assert server.paths == ["/robots.txt"]
    assert b"authorization" not in server.heads[0].lower()


class Fake:
    """A Fetcher of the mind: robots.txt allows all."""

    stopping = False

    def __init__(self) -> None:
        self.asked: list[URL] = []

    async def fetch(self, request: Request, hop: object = None) -> Page | Outcome:
        return Page(request, request.url, 200, b"")

    async def read_small(
        self,
        url: URL,
        limit: int,
        max_redirects: int,
        hop: object = None,
        *,
        listed: bool = False,
    ) -> tuple[int, bytes] | Failure:
        self.asked.append(url)
        return 404, b""


async def test_a_fault_of_the_library_costs_the_rules_that_it_cannot_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Protego.parse

    def parse(text: str) -> Protego:
        if "/boom" in text:
            raise IndexError("a bug")
        return real(text)

    monkeypatch.setattr(Protego, "parse", parse)
    robots = answer(b"User-agent: *\nDisallow: /boom\nDisallow: /secret\n")
    assert await allowed(robots, "/secret", "/open", "/boom") == [False, True, True]


async def test_a_fault_of_the_library_that_comes_with_a_url_is_that_urls_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Protego.can_fetch

    def can_fetch(self: Protego, url: str, agent: str) -> bool:
        if url.endswith("/boom"):
            raise IndexError("a bug")
        return real(self, url, agent)

    monkeypatch.setattr(Protego, "can_fetch", can_fetch)
    async with serving(site(answer(FORBIDS))) as server, gated() as (gate, _):
        found = await gate.fetch(wanted(server.url("/boom")))
        assert passes(await gate.fetch(wanted(server.url("/open"))))
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason) == ("skipped", "robots_unreachable")
    assert "a bug" in found.detail


async def test_a_fault_of_ours_is_no_end_of_the_origin() -> None:
    class Broken(Fake):
        async def read_small(self, *_: object, **__: object) -> tuple[int, bytes] | Failure:
            self.asked.append(URL())
            if len(self.asked) == 1:
                raise RuntimeError("a bug")
            return 404, b""

    gate = RobotsGate(Broken(), POLICY, user_agent="scrapeq/1")
    found = await gate.fetch(wanted("http://host.test/"))
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason) == ("retry", "robots_unreachable")
    assert isinstance(await gate.fetch(wanted("http://host.test/", attempt=2)), Page)


async def test_a_robots_txt_on_a_host_that_is_not_there_does_not_blame_the_living_one() -> None:
    async with serving(site(redirect("http://nowhere.test/r"))) as server, gated() as (gate, _):
        found = await gate.fetch(wanted(server.url()))
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason) == ("retry", "robots_unreachable")


async def test_a_silence_stands_for_all_urls_of_an_attempt_and_for_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(
        "scrapeq.robots.time", SimpleNamespace(monotonic=lambda: clock[0], time=time.time)
    )

    class Down(Fake):
        async def read_small(self, *_: object, **__: object) -> tuple[int, bytes] | Failure:
            self.asked.append(URL())
            return 503, b""

    fake = Down()
    gate = RobotsGate(fake, POLICY, user_agent="scrapeq/1")
    for attempt, seconds, asked in (
        (1, 0, 1), (1, 1, 1), (2, 2, 2), (1, 3, 2), (3, 4, 3), (2, 5, 3), (1, 63, 3), (1, 65, 4),
    ):  # fmt: skip
        clock[0] = seconds
        await gate.fetch(wanted("http://host.test/", attempt))
        assert len(fake.asked) == asked


async def test_many_rules_are_not_looked_through_in_the_event_loop() -> None:
    where: list[bool] = []

    class Told(Protego):
        def can_fetch(self, url: str, user_agent: str) -> bool:
            where.append(threading.current_thread() is threading.main_thread())
            return super().can_fetch(url, user_agent)

    for many in (False, True):
        assert await Rules(Told.parse(""), are_many=many).allow(URL("http://host.test/"))
    assert where == [True, False]
    for rules, many in ((100, False), (10_000, True)):
        gate = RobotsGate(Fake(), POLICY, user_agent="scrapeq/1")
        text = "User-agent: *\n" + "".join(f"Disallow: /*{n}\n" for n in range(rules))
        assert gate._parsed(text.encode()).are_many == many


async def test_rules_stand_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(
        "scrapeq.robots.time", SimpleNamespace(monotonic=lambda: clock[0], time=time.time)
    )
    fake = Fake()
    gate = RobotsGate(fake, POLICY, user_agent="scrapeq/1")
    for seconds, asked in ((0, 1), (86_000, 1), (86_401, 2)):
        clock[0] = seconds
        await gate.fetch(wanted("http://host.test/", 2))
        assert len(fake.asked) == asked


async def test_only_so_many_are_remembered() -> None:
    fake = Fake()
    gate = RobotsGate(fake, POLICY, user_agent="scrapeq/1")
    for n in (*range(MAX_ORIGINS + 1), MAX_ORIGINS, 0):
        await gate.fetch(wanted(f"http://h{n}.test/"))
    assert len(fake.asked) == MAX_ORIGINS + 2
    assert fake.asked[-1] == URL("http://h0.test/robots.txt")


_lines = st.sampled_from(
    ["User-agent: *", "User-agent: scrapeq", "Disallow: /", "Disallow: /*", "Allow: /a$",
     "Disallow:", "Crawl-delay: x", "Sitemap: ::", "Request-rate: 1/0", "Visit-time: 9-9", ":",
     "Disallow: %zz\udcff", "Disallow: http://[", "User-agent:", "Disallow: /\0*$*"]
)  # fmt: skip


@settings(deadline=None)
@given(
    st.binary(max_size=300)
    | st.lists(_lines).map("\n".join).map(lambda s: s.encode("utf-8", "replace")),
    st.sampled_from(["/", "//", "//[", "/%zz", "/?", "/robots.txt", "/a;b?c=%", "/\\x"]),
)
def test_no_file_makes_it_raise(content: bytes, path: str) -> None:
    class Given(Fake):
        async def read_small(self, *_: object, **__: object) -> tuple[int, bytes] | Failure:
            return 200, content

    gate = RobotsGate(Given(), POLICY, user_agent="scrapeq/1")
    passes(asyncio.run(_fetched(gate, "http://host.test" + path)))


async def _fetched(gate: RobotsGate, url: str) -> Page | Outcome:
    return await gate.fetch(wanted(url))


async def test_an_outage_is_one_attempt_of_the_url_that_met_it_and_does_not_stand() -> None:
    class Down(Fake):
        async def read_small(
            self, url: URL, *_: object, **__: object
        ) -> tuple[int, bytes] | Failure:
            self.asked.append(url)
            await asyncio.sleep(0)
            return Failure("connect", "refused", again=True)

    down = Down()
    gate = RobotsGate(down, POLICY, user_agent="scrapeq/1")
    found = await asyncio.gather(*(gate.fetch(wanted(f"http://h.test/{n}")) for n in range(5)))
    assert sorted(one.attempts for one in found if isinstance(one, Outcome)) == [0, 0, 0, 0, 1]
    assert {one.verdict for one in found if isinstance(one, Outcome)} == {"retry"}
    assert len(down.asked) == 1
    await gate.fetch(wanted("http://h.test/5"))
    assert len(down.asked) == 2
