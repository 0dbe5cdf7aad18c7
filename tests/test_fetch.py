"""The Fetcher against real servers that misbehave."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import socket
import ssl
import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from email.utils import format_datetime
from typing import Any

import aiohttp
import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from scrapeq.budget import Budget
from scrapeq.fetch import Fetcher, FetchLimits
from scrapeq.fetch.bodies import SMALL_BODY
from scrapeq.fetch.failures import told
from scrapeq.models import Outcome, Page, Request
from scrapeq.retry import Failure, RetryPolicy
from scrapeq.urls import Credentials, listed, remember
from tests.servers import (
    Handler,
    Names,
    Server,
    Wire,
    answer,
    chunked,
    client_tls,
    header_of,
    path_of,
    redirect,
    sending,
    server_tls,
    serving,
)

LIMITS = FetchLimits(total=10, connect=5, read=5, max_size=100_000, max_redirects=5)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@asynccontextmanager
async def fetching(limits: FetchLimits = LIMITS, **options: Any) -> AsyncIterator[Fetcher]:
    options = {"user_agent": "tests/1"} | options
    async with Fetcher(limits, RetryPolicy(2, jitter=lambda: 1.0), **options) as fetcher:
        yield fetcher


def wanted(url: str, attempt: int = 1) -> Request:
    return Request(1, url, "host.test", attempt)


async def fetched(url: str, limits: FetchLimits = LIMITS, **options: Any) -> Page | Outcome:
    async with fetching(limits, **options) as fetcher:
        return await fetcher.fetch(wanted(url))


async def page(url: str, limits: FetchLimits = LIMITS, **options: Any) -> Page:
    found = await fetched(url, limits, **options)
    assert isinstance(found, Page), found
    return found


async def outcome(url: str, limits: FetchLimits = LIMITS, **options: Any) -> Outcome:
    found = await fetched(url, limits, **options)
    assert isinstance(found, Outcome), found
    return found


async def outcome_of(given: Handler | bytes, limits: FetchLimits = LIMITS) -> Outcome:
    async with serving(given) as server:
        return await outcome(server.url(), limits)


# ---- what came back


async def test_a_page_is_what_the_server_sent() -> None:
    body = gzip.compress(b"<title>packed</title>")
    sent = answer(body, Content_Type="text/html; charset=X", Content_Encoding="gzip")
    async with serving(sent) as server:
        found = await page(server.url("/a?b=1"))
    assert (found.url, found.status, found.body) == (server.url("/a?b=1"), 200, body)
    assert (found.content_type, found.content_encoding) == ("text/html; charset=X", "gzip")
    assert found.elapsed > 0


async def test_two_headers_of_content_encoding_are_one_list() -> None:
    sent = HEAD + b"Content-Encoding: deflate\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx"
    async with serving(sent) as server:
        assert (await page(server.url())).content_encoding == "deflate, br"


async def test_it_introduces_itself_and_asks_for_html_in_any_compression() -> None:
    async with serving(answer()) as server:
        await page(server.url(), user_agent="somebody/2 (+https://some.test)")
    assert header_of(server.heads[0], "user-agent") == "somebody/2 (+https://some.test)"
    assert header_of(server.heads[0], "accept-encoding") == "gzip, deflate, br, zstd"
    assert "text/html" in (header_of(server.heads[0], "accept") or "")


async def test_cookies_are_neither_kept_nor_sent(names: Names) -> None:
    names["cookies.test"] = ["127.0.0.1"]
    flood = [f"Set-Cookie: c{n}=v; Max-Age={'9' * (n % 40 + 1)}; Path=/" for n in range(100)]
    sent = "\r\n".join(["HTTP/1.1 200 OK", *flood, "Content-Length: 0", "", ""]).encode()
    async with serving(sent) as server, fetching() as fetcher:
        for _ in range(3):
            found = await fetcher.fetch(wanted(server.url(host="cookies.test")))
            assert isinstance(found, Page)
    assert [header_of(head, "cookie") for head in server.heads] == [None] * 3


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (chunked(b"one", b"two"), b"onetwo"),
        (chunked(), b""),
        (answer(), b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + answer(b"hi"), b"hi"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(b"hi"), b"hi"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 18_000 + b"\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    ],
)
async def test_a_body_is_whole_however_it_is_framed(sent: bytes, body: bytes) -> None:
    async with serving(sent) as server:
        assert (await page(server.url())).body == body


@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.0 200 OK\r\n"])
async def test_a_body_without_a_length_ends_with_its_connection(head: bytes) -> None:
    async with serving(sending(head + b"\r\nhi", Wire.half_close)) as server:
        assert (await page(server.url())).body == b"hi"


@pytest.mark.parametrize(
    "kind",
    ["", "text/html", "TEXT/HTML;charset=x", "text/plain", "application/xhtml+xml",
     "application/xml", "application/rss+xml", "*/*", "unknown/unknown", "Application/Unknown;a=b"],
)  # fmt: skip
async def test_text_of_any_kind_is_wanted(kind: str) -> None:
    async with serving(answer(b"x", Content_Type=kind)) as server:
        assert (await page(server.url())).content_type == kind


@pytest.mark.parametrize(
    "kind", ["image/png", "application/pdf", "application/zip", "multipart/mixed; boundary=a"]
)
async def test_other_content_is_skipped_after_its_headers(kind: str) -> None:
    gone = asyncio.Event()

    async def endless(wire: Wire, _: bytes) -> None:
        await wire.send(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())
        await wire.flood(b"x" * 65_536)
        gone.set()

    async with serving(endless) as server:
        found = await outcome(server.url())
        await asyncio.wait_for(gone.wait(), 5)
    assert (found.verdict, found.reason, found.detail) == ("skipped", "content_type", kind)
    assert (found.status, found.final_url, found.content_type) == (200, server.url(), kind)


async def test_headers_that_are_not_utf_8_can_be_stored() -> None:
    sent = b"HTTP/1.1 200 OK\r\nContent-Type: text/\xe9\r\nContent-Length: 0\r\n\r\n"
    async with serving(sent) as server:
        assert (await page(server.url())).content_type == "text/\ufffd"
    found = await outcome_of(b"HTTP/1.1 404 Non trouv\xe9\r\nContent-Length: 0\r\n\r\n")
    assert found.detail == "404 Non trouv\ufffd"


# ---- limits


async def endless(wire: Wire, _: bytes) -> None:
    await wire.send(HEAD + b"\r\n")
    await wire.flood(b"x" * 65_536)


@pytest.mark.parametrize("length", [100_001, 1 << 63])
async def test_a_length_over_the_limit_is_refused_before_the_body(length: int) -> None:
    sent = HEAD + b"Content-Length: %d\r\n\r\n" % length
    found = await outcome_of(sending(sent, Wire.until_gone))
    assert (found.verdict, found.reason, found.status) == ("failed", "too_large", 200)


async def test_an_endless_body_is_cut_off_at_the_limit() -> None:
    found = await outcome_of(endless)
    assert (found.verdict, found.reason) == ("failed", "too_large")
    assert found.final_url


async def test_an_endless_body_is_cut_off_on_a_tls_connection_too(tls: Tls) -> None:
    """Where to close is to say goodbye first, and to go on reading until it is answered."""
    gone = asyncio.Event()

    async def handler(wire: Wire, head: bytes) -> None:
        await endless(wire, head)
        gone.set()

    async with serving(handler, tls=tls("127.0.0.1")) as server, fetching() as fetcher:
        found = await fetcher.fetch(wanted(server.url()))
        assert isinstance(found, Outcome)
        assert found.reason == "too_large"
        await asyncio.wait_for(gone.wait(), 5)


@pytest.mark.parametrize("frame", [answer, chunked])
async def test_the_limit_itself_is_allowed(frame: Callable[[bytes], bytes]) -> None:
    async with serving({"/most": frame(b"x" * 100_000), "/more": frame(b"x" * 100_001)}) as server:
        assert len((await page(server.url("/most"))).body) == 100_000
        assert (await outcome(server.url("/more"))).reason == "too_large"


async def silent(wire: Wire, _: bytes) -> None:
    await wire.until_gone()


async def trickle(wire: Wire, _: bytes) -> None:
    await wire.send(HEAD + b"\r\n")
    while True:
        await wire.send(b"x")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("handler", "limits", "reason"),
    [
        (silent, FetchLimits(total=9, read=0.1), "read_timeout"),
        (sending(HEAD, Wire.until_gone), FetchLimits(total=9, read=0.1), "read_timeout"),
        (sending(HEAD + b"\r\nx", Wire.until_gone), FetchLimits(total=9, read=0.1), "read_timeout"),
        (silent, FetchLimits(total=0.1, read=9), "timeout"),
        (sending(HEAD + b"\r\nx", Wire.until_gone), FetchLimits(total=0.1, read=9), "timeout"),
        (trickle, FetchLimits(total=0.2, read=9), "timeout"),
    ],
)
async def test_each_time_limit_has_its_reason(
    handler: Handler, limits: FetchLimits, reason: str
) -> None:
    found = await outcome_of(handler, limits)
    assert (found.verdict, found.reason, found.status) == ("retry", reason, None)
    assert found.elapsed is not None
    assert found.elapsed >= 0.1


async def test_a_connection_that_is_never_made_has_a_time_limit_of_its_own() -> None:
    async with serving(silent) as server:  # it never says a word of TLS
        url = server.url().replace("http:", "https:")
        found = await outcome(url, FetchLimits(total=9, connect=0.1, read=9))
    assert (found.verdict, found.reason) == ("retry", "connect_timeout")


# ---- statuses


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 501, 505, 300, 304, 600, 999])
async def test_a_status_that_will_not_change_is_final(status: int) -> None:
    found = await outcome_of(answer(b"", f"{status} Some Reason"))
    assert (found.verdict, found.reason, found.status) == ("failed", str(status), status)
    assert found.detail == f"{status} Some Reason"
    assert (found.attempts, found.due) == (1, None)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 522, 524])
async def test_a_status_that_may_change_is_tried_again(status: int) -> None:
    before = time.time()
    found = await outcome_of(answer(b"no", f"{status} Some Reason"))
    assert (found.verdict, found.reason, found.status) == ("retry", str(status), status)
    assert found.due is not None
    assert before + 1 <= found.due <= time.time() + 1
    assert found.host_due is None


async def test_the_last_attempt_is_final() -> None:
    async with serving(answer(b"", "500 Oops")) as server, fetching() as fetcher:
        found = [await fetcher.fetch(wanted(server.url(), attempt)) for attempt in (1, 2, 3)]
    assert [isinstance(x, Outcome) and (x.verdict, x.attempts) for x in found] == [
        ("retry", 1), ("retry", 2), ("failed", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("status", ["429 Slow Down", "503 Busy"])
@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7), ("1000000000", 120), ("9" * 40, 120), ("date", 30)]
)
async def test_retry_after_is_kept_up_to_a_cap(status: str, value: str, seconds: int) -> None:
    before = time.time()
    if value == "date":
        value = format_datetime(datetime.datetime.fromtimestamp(before + 30, datetime.UTC), True)
    found = await outcome_of(answer(b"", status, Retry_After=value))
    assert found.verdict == "retry"
    assert found.due == found.host_due
    assert found.due is not None
    assert before + seconds - 2 <= found.due <= time.time() + seconds


@pytest.mark.parametrize(
    "value", ["", "soon", "-3", "0", "Wed, 21 Oct 2015 07:28:00 GMT", "1e9",
              "Mon, 01 Jan 99999999999999 00:00:00 GMT"]
)  # fmt: skip
async def test_a_retry_after_without_sense_is_no_news(value: str) -> None:
    found = await outcome_of(answer(b"", "503 Busy", Retry_After=value))
    assert (found.verdict, found.host_due) == ("retry", None)


# ---- connections that end badly


BROKEN = HEAD + b"Content-Length: 20\r\n\r\nhi"
UNENDED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"


@pytest.mark.parametrize(
    ("data", "then", "reason"),
    [
        (b"", Wire.close, "disconnected"),
        (b"HTT", Wire.close, "disconnected"),
        (b"HTTP/1.1 200 OK\r\nCont", Wire.close, "disconnected"),
        (b"", Wire.reset, "reset"),
        (b"HTTP/1.1 200 OK\r\nCont", Wire.reset, "reset"),
        (BROKEN, Wire.close, "truncated"),
        (BROKEN, Wire.half_close, "truncated"),
        (UNENDED, Wire.close, "truncated"),
        (BROKEN, Wire.reset, "reset"),
        (UNENDED, Wire.reset, "reset"),
        (HEAD + b"\r\nhi", Wire.reset, "reset"),
    ],
)
async def test_half_an_answer_is_none_and_is_tried_again(
    data: bytes, then: Callable[[Wire], Any], reason: str
) -> None:
    found = await outcome_of(sending(data, then))
    assert (found.verdict, found.reason) == ("retry", reason)


async def test_a_connection_that_died_while_idle_is_not_noticed() -> None:
    async def once(wire: Wire, _: bytes) -> None:
        await wire.send(answer(b"hi"))
        await wire.half_close()

    async with serving(once) as server, fetching() as fetcher:
        for _ in range(5):
            assert isinstance(await fetcher.fetch(wanted(server.url())), Page)
    assert len(server.heads) == 5


async def test_an_attempt_asks_once_where_nobody_answers() -> None:
    """aiohttp alone would ask twice."""
    async with serving(sending(b"", Wire.close)) as server:
        await outcome(server.url())
    assert len(server.heads) == 1


async def test_however_many_kept_connections_are_dead_nobody_notices() -> None:
    """Each of them answers once, and closes when it is asked again."""
    asked: Counter[Wire] = Counter()
    together = asyncio.Barrier(4)

    async def once(wire: Wire, _: bytes) -> None:
        asked[wire] += 1
        if asked[wire] > 1:
            wire.close()
            return
        if len(asked) <= 4:
            await together.wait()
        await wire.send(answer(b"hi"))

    async with serving(once) as server, fetching() as fetcher:
        urls = [server.url(f"/{n}") for n in range(4)]
        found = await asyncio.gather(*(fetcher.fetch(wanted(url)) for url in urls))
        found += [await fetcher.fetch(wanted(url)) for url in urls[:2]]
        assert [type(one) for one in found] == [Page] * 6
    assert sorted(asked.values()) == [1] * 4 + [2] * 2


@pytest.mark.parametrize("words", [b"rubbish\r\n\r\n", b"H", b"\r\n", b"HTTP/1.1 200 OK\r\n"])
async def test_who_has_begun_to_answer_on_a_kept_connection_is_not_asked_again(
    words: bytes,
) -> None:
    async def once(wire: Wire, head: bytes) -> None:
        if path_of(head) == "/good":
            await wire.send(answer(b"hi"))
        else:
            await wire.send(words)
            await wire.half_close()

    async with serving(once) as server, fetching() as fetcher:
        assert isinstance(await fetcher.fetch(wanted(server.url("/good"))), Page)
        found = await fetcher.fetch(wanted(server.url("/bad")))
        assert isinstance(found, Outcome)
        assert found.reason in ("protocol", "disconnected")
        assert server.connections == 1
    assert server.paths == ["/good", "/bad"]


@pytest.mark.parametrize(
    ("content_range", "asked", "whole"),
    [("bytes 0-1/2", "", True), ("Bytes 0-1/2", "", True), ("bytes 0-1/3", "", False),
     ("bytes 1-2/3", "", False), ("bytes 0-1/*", "", False), ("", "", False),
     ("bytes 0-1/3", "bytes=0-1", True)],
)  # fmt: skip
async def test_a_part_that_nobody_asked_for_is_no_page_unless_it_is_all_of_it(
    content_range: str, asked: str, whole: bool
) -> None:
    own = [("Range", asked)] if asked else []
    sent = answer(b"hi", "206 Partial Content", Content_Range=content_range)
    async with serving(sent) as server, fetching(own=own) as fetcher:
        found = await fetcher.fetch(wanted(server.url()))
    if whole:
        assert isinstance(found, Page)
    else:
        assert isinstance(found, Outcome)
        assert (found.reason, found.detail, found.status) == ("protocol", "206 unasked", 206)


async def test_a_detail_is_one_line() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n") as server:
        found = await outcome(server.url())
    assert found.reason == "protocol"
    assert found.detail
    assert "\n" not in found.detail


@pytest.mark.parametrize("end", [b"", answer(b"of the answer before")])
async def test_what_lies_on_a_kept_connection_is_seen_before_it_is_used_again(end: bytes) -> None:
    """Also when the event loop has not read it yet."""

    async def once(wire: Wire, _: bytes) -> None:
        await wire.send(answer(b"hi"))

    async with serving(once) as server, fetching() as fetcher:
        await fetcher.fetch(wanted(server.url()))
        (other,) = server.sockets
        other.send(end) if end else other.shutdown(socket.SHUT_WR)
        found = await fetcher.fetch(wanted(server.url()))
        assert isinstance(found, Page)
        assert found.body == b"hi"
    assert server.connections == 2


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next() -> None:
    async with serving(answer(b"hi") + answer(b"surplus")) as server, fetching() as fetcher:
        for _ in range(3):
            found = await fetcher.fetch(wanted(server.url()))
            assert isinstance(found, Page)
            assert found.body == b"hi"
    assert server.connections == 3


async def test_a_refused_connection_is_tried_again() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        found = await outcome(f"http://127.0.0.1:{nobody.getsockname()[1]}/")
    assert (found.verdict, found.reason) == ("retry", "connect")


async def test_a_name_that_does_not_exist_is_not_tried_again(names: Names) -> None:
    found = await outcome("http://nowhere.test/")
    assert (found.verdict, found.reason) == ("failed", "dns")


async def test_a_dns_that_fails_is_tried_again(names: Names) -> None:
    names["flaky.test"] = [socket.gaierror(socket.EAI_AGAIN, "try again")]
    found = await outcome("http://flaky.test/")
    assert (found.verdict, found.reason) == ("retry", "dns")


async def test_the_next_address_is_tried_when_one_does_not_answer(names: Names) -> None:
    names["two.test"] = ["127.0.0.9 127.0.0.1"]
    async with serving(answer(b"hi")) as server:
        assert (await page(server.url(host="two.test"))).body == b"hi"


# ---- answers that are no HTTP


@pytest.mark.parametrize(
    "data",
    [
        b"hello world\r\n\r\n",
        b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 " + b"2" * 100 + b" OK\r\nContent-Length: 2\r\n\r\nhi",
        b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\nhi",
        HEAD + b"X: a\0b\r\nContent-Length: 2\r\n\r\nhi",
        HEAD + b"Content-Length: -2\r\n\r\nhi",
        HEAD + b"Content-Length: two\r\n\r\nhi",
        HEAD + b"Content-Length: \r\n\r\nhi",
        HEAD + b"Content-Length: %d\r\n\r\nhi" % (1 << 70),
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhi",
    ],
)
async def test_what_is_no_http_is_a_protocol_error(data: bytes) -> None:
    found = await outcome_of(sending(data, Wire.half_close))
    assert (found.verdict, found.reason) == ("failed", "protocol")
    assert found.detail


async def test_not_all_of_what_is_no_http_is_told() -> None:
    found = await outcome_of(sending(b"x" * 300_000, Wire.half_close))
    assert found.reason in ("protocol", "header_too_large")
    assert len(found.detail) <= 500


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"X: " + b"a" * 40_000 + b"\r\n\r\n",
        HEAD + b"X" * 40_000 + b": a\r\n\r\n",
        HEAD + b"X: a\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 " + b"a" * 40_000 + b"\r\n\r\n",
    ],
)
async def test_too_much_header_has_a_reason_of_its_own(data: bytes) -> None:
    found = await outcome_of(sending(data, Wire.half_close))
    assert (found.verdict, found.reason) == ("failed", "header_too_large")


async def test_headers_without_end_are_cut_off() -> None:
    async def handler(wire: Wire, _: bytes) -> None:
        await wire.send(HEAD)
        await wire.flood(b"X: a\r\n" * 1000)

    assert (await outcome_of(handler)).reason == "header_too_large"


async def test_trailers_without_end_are_cut_off() -> None:
    async def handler(wire: Wire, _: bytes) -> None:
        await wire.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
        await wire.flood(b"X: a\r\n" * 1000)

    found = await fetched_from(handler)
    assert isinstance(found, Page) or found.reason in ("header_too_large", "protocol")


@pytest.mark.parametrize("at_once", [1, 100])
async def test_early_answers_without_end_are_cut_off(at_once: int) -> None:
    async def handler(wire: Wire, _: bytes) -> None:
        await wire.flood(b"HTTP/1.1 103 Early Hints\r\n\r\n" * at_once)

    found = await outcome_of(handler)
    assert (found.verdict, found.reason) == ("failed", "protocol")


async def test_a_transfer_coding_that_nobody_undoes_is_not_taken_for_the_page() -> None:
    sent = chunked(gzip.compress(b"hi"), Transfer_Encoding="gzip, chunked")
    found = await outcome_of(sent)
    assert (found.verdict, found.reason, found.status) == ("failed", "encoding", 200)


garbage = st.lists(
    st.binary(max_size=200)
    | st.sampled_from([
        b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: ", b"\r\n",
        b"\r\n\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\n", b"0",
        b"Content-Type: text/html\r\n", b"Content-Encoding: gzip\r\n", b"\0", b"://", b"http://[",
    ])
).map(b"".join)  # fmt: skip


async def fetched_from(given: Handler | bytes, limits: FetchLimits = LIMITS) -> Page | Outcome:
    async with serving(given) as server:
        return await fetched(server.url(), limits)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=150)
@given(garbage, st.booleans())
def test_garbage_is_an_outcome_and_never_an_exception(data: bytes, reset: bool) -> None:
    handler = sending(data, Wire.reset if reset else Wire.close)
    found = asyncio.run(fetched_from(handler, FetchLimits(2, 1, 1, 1000, 3)))
    if isinstance(found, Outcome):
        assert found.reason
        found.detail.encode()  # it can be stored


# ---- TLS


Tls = Callable[..., ssl.SSLContext]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Tls:
    """Makes a server's side of TLS, by the names of the server; the Fetcher trusts it."""
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", client_tls(authority))

    def made(*names: str, **options: Any) -> ssl.SSLContext:
        return server_tls(authority.issue_cert(*names, **options))

    return made


async def test_a_server_with_a_good_certificate_is_believed(tls: Tls) -> None:
    async with serving(answer(b"hi"), tls=tls("127.0.0.1")) as server:
        assert (await page(server.url())).body == b"hi"


async def test_a_bad_certificate_is_final_and_nothing_is_asked(
    tls: Tls, subtests: pytest.Subtests
) -> None:
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    bad = {
        "wrong host": tls("example.org"),
        "expired": tls("127.0.0.1", not_after=yesterday),
        "unknown authority": server_tls(trustme.CA().issue_cert("127.0.0.1")),
    }
    for name, context in bad.items():
        with subtests.test(name):
            async with serving(answer(b"hi"), tls=context) as server:
                found = await outcome(server.url())
            assert (found.verdict, found.reason) == ("failed", "tls_cert")
            assert "certificate" in found.detail
            assert server.heads == []


async def test_a_server_that_refuses_our_tls_is_final() -> None:
    refusal = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal, handshake_failure

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(refusal)
        await reader.read()
        writer.close()

    found = await outcome_of_raw(talk)
    assert (found.verdict, found.reason) == ("failed", "tls")


async def test_plain_http_on_the_https_port_is_final() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"You speak TLS to a port without", "400 Bad Request"))
        await reader.read()
        writer.close()

    found = await outcome_of_raw(talk)
    assert (found.verdict, found.reason) == ("failed", "tls")


async def outcome_of_raw(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> Outcome:
    """Of https to a server that is no TLS server."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        return await outcome(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


async def test_tls_on_the_http_port_is_an_outcome(tls: Tls) -> None:
    async with serving(answer(b"hi"), tls=tls("127.0.0.1")) as server:
        found = await outcome(server.url().replace("https:", "http:"))
    assert found.reason in ("disconnected", "reset", "protocol")


# ---- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["/end", "end", "http://127.0.0.1:{port}/end", "//127.0.0.1:{port}/end",
                 " /end ", "/end#part", "?x=1", "/caf\u00e9?q=\u00fc"]
)  # fmt: skip
async def test_a_redirect_is_followed(status: int, location: str) -> None:
    async def handler(wire: Wire, head: bytes) -> None:
        if path_of(head) == "/dir/start":
            target = location.format(port=server.port)
            await wire.send(answer(status=f"{status} Moved", Location=target))
        else:
            await wire.send(answer(b"arrived"))

    async with serving(handler) as server:
        found = await page(server.url("/dir/start"))
    assert found.body == b"arrived"
    assert found.url == server.url(server.paths[-1])
    assert "#" not in found.url
    assert server.paths[-1] in ("/end", "/dir/end", "/dir/start?x=1", "/caf%C3%A9?q=%C3%BC")


async def test_a_location_in_another_charset_is_followed_byte_by_byte() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9\r\nContent-Length: 0\r\n\r\n"
    async with serving({"/": moved, "/caf%E9": answer(b"arrived")}) as server:
        assert (await page(server.url())).url == server.url("/caf%E9")


def hops(count: int) -> dict[str, bytes]:
    return {f"/{n}": redirect(f"/{n + 1}") for n in range(count)} | {f"/{count}": answer(b"end")}


async def test_as_many_redirects_as_allowed_are_followed_and_no_more() -> None:
    async with serving(hops(6)) as server:
        assert (await page(server.url("/1"))).url == server.url("/6")
        found = await outcome(server.url("/0"))
    assert (found.verdict, found.reason) == ("failed", "redirects")
    assert found.final_url == server.url("/5")
    assert server.paths.count("/6") == 1


async def test_no_redirect_is_followed_when_none_is_allowed() -> None:
    async with serving(hops(1)) as server:
        assert (await outcome(server.url("/0"), FetchLimits(max_redirects=0))).reason == "redirects"
        assert (await page(server.url("/1"), FetchLimits(max_redirects=0))).body == b"end"


@pytest.mark.parametrize("target", ["/", "", "/#part", "//", "http://"])
async def test_a_loop_is_seen_at_once(target: str) -> None:
    async with serving(redirect(target)) as server:
        found = await outcome(server.url())
    assert (found.verdict, found.reason, len(server.heads)) == ("failed", "redirects", 1)


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "data:text/html,hi", "gopher://x/", "javascript:alert(1)",
                 "ftp://x/", "FILE:///etc/passwd", "mailto:a@b"]
)  # fmt: skip
async def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    found = await outcome_of(redirect(location))
    assert (found.verdict, found.reason) == ("failed", "redirect_scheme")


@pytest.mark.parametrize(
    "location", ["http://[::1", "http://[]@", "http://:80/", "http://a:99999/", "http://a:x/",
                 "http://a b/", "http://exa\u00admple%00.org/", "http://" + "a" * 64 + "/",
                 "http://a..b/", "/" + "a" * 9000]
)  # fmt: skip
async def test_a_redirect_to_no_url_is_refused(location: str) -> None:
    found = await outcome_of(redirect(location))
    assert (found.verdict, found.reason) == ("failed", "redirect_invalid")


async def test_a_redirect_to_two_places_is_refused() -> None:
    two = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    assert (await outcome_of(two)).reason == "redirect_invalid"
    same = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n"
    async with serving({"/": same, "/a": answer(b"hi")}) as server:
        assert (await page(server.url())).body == b"hi"


async def test_a_redirect_to_nowhere_is_its_status() -> None:
    found = await outcome_of(answer(b"", "302 Found"))
    assert (found.verdict, found.reason, found.status) == ("failed", "302", 302)


async def test_the_body_of_a_redirect_is_not_read_to_its_end(names: Names) -> None:
    async def bomb(wire: Wire, head: bytes) -> None:
        if path_of(head) == "/":
            await wire.send(HEAD.replace(b"200", b"302") + b"Location: /end\r\n\r\n")
            await wire.flood(b"x" * 65_536)
        await wire.send(answer(b"arrived"))

    async with serving(bomb) as server:
        assert (await page(server.url())).body == b"arrived"


@pytest.mark.parametrize("rest", [Wire.until_gone, Wire.close, Wire.reset])
async def test_half_a_body_of_a_redirect_or_an_error_changes_nothing(
    rest: Callable[[Wire], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrapeq.fetch.bodies.SMALL_WAIT", 0.05)

    async def handler(wire: Wire, head: bytes) -> None:
        status = b"302" if path_of(head) == "/" else b"404"
        await wire.send(
            b"HTTP/1.1 " + status + b" X\r\nLocation: /end\r\nContent-Length: 9\r\n\r\nhi"
        )
        await rest(wire) if rest is not Wire.close else wire.close()

    found = await outcome_of(handler)
    assert (found.verdict, found.reason) == ("failed", "404")


async def test_https_does_not_lead_to_http(tls: Tls) -> None:
    async with (
        serving(answer(b"open")) as plain,
        serving(redirect(plain.url()), tls=tls("127.0.0.1")) as safe,
    ):
        found = await outcome(safe.url(), private="allow")
    assert (found.verdict, found.reason) == ("failed", "redirect_downgrade")
    assert plain.heads == []


async def test_http_leads_to_https(tls: Tls) -> None:
    async with (
        serving(answer(b"safe"), tls=tls("127.0.0.1")) as safe,
        serving(redirect(safe.url())) as plain,
    ):
        assert (await page(plain.url())).body == b"safe"


async def test_a_hop_may_be_forbidden_by_who_asked() -> None:
    class ForbiddenError(Exception):
        pass

    async def hop(url: object) -> None:
        seen.append(str(url))
        if str(url).endswith("/2"):
            raise ForbiddenError

    seen: list[str] = []
    async with serving(hops(4)) as server, fetching() as fetcher:
        with pytest.raises(ForbiddenError):
            await fetcher.fetch(wanted(server.url("/0")), hop)
    assert seen == [server.url("/1"), server.url("/2")]
    assert server.paths == ["/0", "/1"]


# ---- credentials


SECRET = "Basic " + b64encode("üser:pa:ss".encode()).decode()


def with_secret(url: str) -> tuple[Request, dict[str, Credentials]]:
    """A URL with user and password as the Store hands it out, and what was kept of it."""
    found = listed(url.replace("://", "://%C3%BCser:pa%3Ass@", 1))
    credentials: dict[str, Credentials] = {}
    remember(credentials, found)
    assert "pa" not in found.url.split("@")[0]
    return wanted(found.url), credentials


async def test_user_and_password_of_a_url_are_sent_to_its_server() -> None:
    async with serving(answer(b"hi")) as server:
        request, credentials = with_secret(server.url("/a"))
        async with fetching(credentials=credentials) as fetcher:
            found = await fetcher.fetch(request)
    assert isinstance(found, Page)
    assert found.url == server.url("/a")
    assert [header_of(head, "authorization") for head in server.heads] == [SECRET]
    assert path_of(server.heads[0]) == "/a"


async def test_a_masked_url_without_its_secret_is_not_asked_for() -> None:
    async with serving(answer(b"hi")) as server:
        request, _ = with_secret(server.url())
        async with fetching() as fetcher:
            found = await fetcher.fetch(request)
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason, server.heads) == ("failed", "credentials", [])


async def test_a_url_without_a_mask_gets_no_secret_of_its_origin() -> None:
    async with serving(answer(b"hi")) as server:
        _, credentials = with_secret(server.url())
        async with fetching(credentials=credentials) as fetcher:
            await fetcher.fetch(wanted(server.url()))
    assert header_of(server.heads[0], "authorization") is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        ("{plain}/", "/end", True),
        ("{plain}/", "{plain}/end", True),
        ("{plain}/", "{plain_userinfo}/end", True),
        ("{plain}/", "{other_port}/end", False),
        ("{plain}/", "{other_port_userinfo}/end", False),
        ("{plain}/", "{other_name}/end", False),
        ("{plain}/", "{subdomain}/end", False),
        ("{plain}/", "{literal}/end", False),
        ("{plain}/", "{safe}/end", False),
        ("{plain}/", "{other_port}/back", False),
        ("{safe}/", "{safe}/end", True),
        ("{safe}/", "{other_safe}/end", False),
        ("{safe}/", "{plain}/end", False),
    ],
)
async def test_a_secret_never_leaves_its_origin(
    status: int, start: str, end: str, kept: bool, names: Names, tls: Tls
) -> None:
    for name in ("site.test", "www.site.test", "else.test"):
        names[name] = ["127.0.0.1"]
    origins: dict[str, str] = {}

    async def handler(wire: Wire, head: bytes) -> None:
        match path_of(head):
            case "/":
                await wire.send(redirect(end.format(**origins), f"{status} Moved"))
            case "/back":  # to where the secret is from: it is not sent there again
                await wire.send(redirect(start.format(**origins) + "end"))
            case _:
                await wire.send(answer(b"arrived"))

    async with AsyncExitStack() as stack:
        context = tls("site.test")
        servers: list[Server] = []
        for number in range(4):
            safe = context if number > 1 else None
            servers.append(await stack.enter_async_context(serving(handler, tls=safe)))
        plain, other, safe_one, safe_two = servers
        origins |= {
            "plain": plain.url("", "site.test"),
            "plain_userinfo": plain.url("", "a:b@site.test"),
            "other_port": other.url("", "site.test"),
            "other_port_userinfo": other.url("", "a:b@site.test"),
            "other_name": plain.url("", "else.test"),
            "subdomain": plain.url("", "www.site.test"),
            "literal": plain.url("", "127.0.0.1"),
            "safe": safe_one.url("", "site.test"),
            "other_safe": safe_two.url("", "site.test"),
        }
        request, credentials = with_secret(start.format(**origins))
        fetcher = await stack.enter_async_context(
            fetching(credentials=credentials, private="allow")
        )
        found = await fetcher.fetch(request)
    sent = {
        path_of(head): header_of(head, "authorization")
        for server in servers
        for head in server.heads
    }
    assert sent.pop("/") == SECRET
    if start == "{safe}/" and end == "{plain}/end":
        assert isinstance(found, Outcome)
        assert (found.reason, sent) == ("redirect_downgrade", {})
    else:
        assert isinstance(found, Page)
        assert "@" not in found.url
        assert set(sent.values()) == {SECRET if kept else None}


def test_a_secret_is_masked_wherever_a_detail_is_cut() -> None:
    for before in range(470, 500):
        long = Failure("reset", "x" * before + " http://me:password@host.test/")
        assert "password"[:3] not in told(long, 0.0).detail
        assert len(told(long, 0.0).detail) <= 500


# ---- private addresses


PUBLIC = "127.0.0.2"


@pytest.fixture
def internet(names: Names, monkeypatch: pytest.MonkeyPatch) -> Names:
    """Where one address of loopback counts as public, with the name public.test."""
    monkeypatch.setattr("scrapeq.fetch.addresses.is_private", lambda address: address != PUBLIC)
    names["public.test"] = names["public.too.test"] = [PUBLIC]
    names["private.test"] = ["127.0.0.1"]
    return names


@asynccontextmanager
async def two_worlds() -> AsyncIterator[tuple[Server, Server]]:
    """A public server that redirects /HOST to a private one of that name, and /too to itself
    by another name; the private one redirects / to /end and /out to the public one."""

    async def outside(wire: Wire, head: bytes) -> None:
        match path_of(head).strip("/"):
            case "":
                await wire.send(answer(b"outside"))
            case "too":
                await wire.send(redirect(public.url("/", "public.too.test")))
            case host:
                await wire.send(redirect(inside.url("/end", host)))

    async def within(wire: Wire, head: bytes) -> None:
        match path_of(head):
            case "/":
                await wire.send(redirect("/end"))
            case "/out":
                await wire.send(redirect(public.url("/", "public.test")))
            case "/elsewhere":
                await wire.send(redirect(inside.url("/end", "localhost")))
            case _:
                await wire.send(answer(b"inside"))

    async with serving(outside, host=PUBLIC) as public, serving(within) as inside:
        yield public, inside


@pytest.mark.parametrize("host", ["127.0.0.1", "private.test", "localhost", "[::ffff:127.0.0.1]"])
async def test_the_public_does_not_lead_into_the_private_network(
    host: str, internet: Names
) -> None:
    internet["localhost"] = ["127.0.0.1"]
    async with two_worlds() as (public, inside):
        found = await outcome(public.url(f"/{host}", "public.test"))
        assert (found.verdict, found.reason) == ("failed", "private_network")
        assert inside.heads == []


async def test_it_may_when_the_user_allows_it(internet: Names) -> None:
    async with two_worlds() as (public, _):
        found = await page(public.url("/private.test", "public.test"), private="allow")
    assert found.body == b"inside"


@pytest.mark.parametrize("path", ["/end", "/", "/elsewhere"])
async def test_a_listed_private_host_may_be_fetched_and_lead_on(path: str, internet: Names) -> None:
    internet["localhost"] = ["127.0.0.1"]
    async with two_worlds() as (_, inside):
        assert (await page(inside.url(path))).body == b"inside"


async def test_the_private_network_may_lead_out_but_not_back(internet: Names) -> None:
    async with two_worlds() as (public, inside):
        assert (await page(inside.url("/out"))).body == b"outside"
        async with serving(redirect(public.url("/private.test", "public.test"))) as start:
            assert (await outcome(start.url())).reason == "private_network"
        assert inside.paths == ["/out"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/end", "http://private.test:{}/end"])
async def test_no_private_host_is_asked_when_they_are_blocked(url: str, internet: Names) -> None:
    async with two_worlds() as (public, inside):
        found = await outcome(url.format(inside.port), private="block")
        assert (found.verdict, found.reason) == ("failed", "private_network")
        found = await outcome(public.url("/private.test", "public.test"), private="block")
        assert (found.verdict, found.reason) == ("failed", "private_network")
        assert (await page(public.url("/", "public.test"), private="block")).body == b"outside"
    assert inside.heads == []


async def test_a_robots_txt_is_not_read_from_a_blocked_host(internet: Names) -> None:
    async with two_worlds() as (_, inside), fetching(private="block") as fetcher:
        found = await fetcher.read_small(URL(inside.url("/robots.txt")), 1000, 5)
        assert not isinstance(found, tuple)
        assert (found.reason, found.again) == ("private_network", False)
    assert inside.heads == []


async def test_a_name_that_changes_its_mind_is_caught_when_it_is_connected_to(
    internet: Names,
) -> None:
    async with two_worlds() as (public, inside):
        for private in ("default", "block"):
            internet["rebound.test"] = [PUBLIC, "127.0.0.1"]
            found = await outcome(public.url("/rebound.test", "public.test"), private=private)
            if private == "block":  # it is looked up only once there
                found = await outcome(inside.url("/end", "rebound.test"), private=private)
            assert (found.verdict, found.reason) == ("failed", "private_network")
        assert inside.heads == []


@pytest.mark.parametrize("target", ["rebound.test", "private.test"])
@pytest.mark.parametrize("kept", [False, True])
async def test_who_was_outside_stays_there_though_the_name_changes_its_mind(
    target: str, kept: bool, internet: Names
) -> None:
    async def outside(wire: Wire, head: bytes) -> None:
        if path_of(head) == "/page":
            await wire.send(answer(b"outside"))
            return
        internet["rebound.test"] = ["127.0.0.1"]
        await wire.send(redirect(inside.url("/end", target)))

    internet["rebound.test"] = [PUBLIC]
    async with (
        serving(outside, host=PUBLIC) as public,
        serving(answer(b"inside")) as inside,
        fetching() as fetcher,
    ):
        if kept:
            first = await fetcher.fetch(wanted(public.url("/page", "rebound.test")))
            assert isinstance(first, Page)
        found = await fetcher.fetch(wanted(public.url("/", "rebound.test")))
        assert isinstance(found, Outcome)
        assert (found.verdict, found.reason) == ("failed", "private_network")
        assert inside.heads == []
        listed_one = await fetcher.fetch(wanted(inside.url("/end", "private.test")))
        assert isinstance(listed_one, Page)


async def test_what_one_attempt_may_not_do_the_next_one_may(internet: Names) -> None:
    async with two_worlds() as (public, inside), fetching() as fetcher:
        for _ in range(2):
            refused = await fetcher.fetch(wanted(public.url("/private.test", "public.test")))
            assert isinstance(refused, Outcome)
            assert isinstance(await fetcher.fetch(wanted(public.url("/too", "public.test"))), Page)
            listed_one = await fetcher.fetch(wanted(inside.url("/end", "private.test")))
            assert isinstance(listed_one, Page)


@pytest.mark.parametrize("private", ["default", "allow", "block"])
async def test_the_secrets_of_a_cloud_are_nothing_to_redirect_to(private: str) -> None:
    limits = FetchLimits(total=5, connect=0.5)
    async with serving(redirect("http://169.254.169.254/latest/meta-data/")) as server:
        found = await outcome(server.url(), limits, private=private)
    assert (found.verdict, found.reason) == ("failed", "private_network")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1", "0"])
async def test_a_number_is_not_taken_for_loopback(host: str, internet: Names) -> None:
    async with two_worlds() as (public, inside):
        found = await outcome(public.url(f"/{host}", "public.test"))
        assert found.verdict == "failed"
        assert found.reason in ("private_network", "invalid_url", "redirect_invalid")
        assert inside.heads == []


# ---- stopping


async def test_what_was_not_begun_is_handed_back_after_stop() -> None:
    async with serving(answer(b"hi")) as server, fetching() as fetcher:
        fetcher.stop()
        found = await fetcher.fetch(wanted(server.url(), attempt=2))
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason, found.attempts) == ("retry", "stopped", 1)
    assert (found.due, found.host_due, server.heads) == (None, None, [])


class Held:
    """Answers when it is told to, and tells when it was asked so often."""

    def __init__(self, times: int = 1) -> None:
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        self._missing = times

    async def __call__(self, wire: Wire, _: bytes) -> None:
        self._missing -= 1
        if self._missing == 0:
            self.asked.set()
        await self.go.wait()
        await wire.send(answer(b"hi"))


async def test_what_is_under_way_goes_on_after_stop() -> None:
    held = Held()
    async with serving(held) as server, fetching() as fetcher:
        attempt = asyncio.create_task(fetcher.fetch(wanted(server.url())))
        await held.asked.wait()
        fetcher.stop()
        held.go.set()
        assert isinstance(await attempt, Page)


async def test_abort_hands_back_what_is_under_way_and_counts_no_attempt() -> None:
    held = Held(times=3)
    async with serving(held) as server, fetching() as fetcher:
        attempts = [
            asyncio.create_task(fetcher.fetch(wanted(server.url(), attempt=n))) for n in (1, 2, 3)
        ]
        await held.asked.wait()
        fetcher.abort()
        found = await asyncio.gather(*attempts)
    assert [(x.verdict, x.reason, x.attempts) for x in found if isinstance(x, Outcome)] == [
        ("retry", "stopped", n) for n in (0, 1, 2)
    ]


async def test_abort_twice_is_abort_once() -> None:
    held = Held(times=2)
    async with serving(held) as server, fetching() as fetcher:
        attempts = [asyncio.create_task(fetcher.fetch(wanted(server.url()))) for _ in range(2)]
        await held.asked.wait()
        faults: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(context))
        fetcher.abort()
        fetcher.abort()
        loop.call_soon(fetcher.abort)  # just when the time limits are ending
        found = await asyncio.gather(*attempts)
        fetcher.abort()
    assert {x.reason for x in found if isinstance(x, Outcome)} == {"stopped"}
    assert faults == []


async def test_a_real_time_limit_counts_as_an_attempt_also_after_stop() -> None:
    held = Held()
    async with serving(held) as server, fetching(FetchLimits(total=9, read=0.2)) as fetcher:
        attempt = asyncio.create_task(fetcher.fetch(wanted(server.url())))
        await held.asked.wait()
        fetcher.stop()
        found = await attempt
    assert isinstance(found, Outcome)
    assert (found.reason, found.attempts) == ("read_timeout", 1)


async def test_a_cancelled_attempt_is_cancelled_and_the_next_one_works() -> None:
    held = Held()
    async with serving(held) as server, fetching() as fetcher:
        attempt = asyncio.create_task(fetcher.fetch(wanted(server.url())))
        await held.asked.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        held.go.set()
        assert isinstance(await fetcher.fetch(wanted(server.url())), Page)


# ---- connections


@pytest.mark.parametrize(
    "sent",
    [
        answer(b"page"),
        chunked(b"page"),
        answer(b"x" * 1000, "404 Not Found"),
        chunked(b"x" * 1000, status="404 Not Found"),
        answer(b"", "500 Oops"),
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
async def test_a_connection_is_used_again(sent: bytes) -> None:
    async with serving(sent) as server, fetching() as fetcher:
        for _ in range(4):
            await fetcher.fetch(wanted(server.url()))
    assert (len(server.heads), server.connections) == (4, 1)


async def test_no_more_connections_are_kept_than_there_may_be() -> None:
    async with serving(answer(b"page")) as server, fetching(many_sockets=1) as fetcher:
        for _ in range(3):
            await fetcher.fetch(wanted(server.url()))
    assert [b"Connection: close" in head for head in server.heads] == [False, True, True]
    assert server.connections == 2  # the server would have kept the first for ever


async def test_a_connection_is_used_again_after_redirects() -> None:
    async with serving(hops(5)) as server, fetching() as fetcher:
        assert isinstance(await fetcher.fetch(wanted(server.url("/0"))), Page)
    assert (len(server.heads), server.connections) == (6, 1)


@pytest.mark.parametrize("frame", [answer, chunked])
async def test_a_large_body_of_an_error_is_not_worth_its_connection(
    frame: Callable[..., bytes],
) -> None:
    sent = frame(b"x" * (100 * SMALL_BODY), status="404 Not Found")
    async with serving(sent) as server, fetching() as fetcher:
        for _ in range(3):
            found = await fetcher.fetch(wanted(server.url()))
            assert isinstance(found, Outcome)
            assert found.reason == "404"
    assert server.connections == 3


async def test_each_attempt_has_a_latency() -> None:
    async with serving(answer(b"hi")) as server, fetching() as fetcher:
        assert fetcher.latency.percentiles() is None
        await fetcher.fetch(wanted(server.url()))
        assert fetcher.latency.percentiles() is not None


# ---- bytes of bodies in memory

BODY = b"x" * 30_000


async def read_all(fetcher: Fetcher, url: str, count: int, budget: Budget) -> list[Page | Outcome]:
    """Fetch it so many times at once; each Page is parsed at once, and its bytes are free again."""

    async def one(number: int) -> Page | Outcome:
        found = await fetcher.fetch(Request(number, url, "host.test"))
        await asyncio.sleep(0)
        budget.free(number)
        return found

    return await asyncio.gather(*map(one, range(count)))


@pytest.mark.parametrize("sent", [answer(BODY), chunked(*[BODY[:3000]] * 10)])
async def test_bodies_in_memory_stay_within_the_budget_and_one_body(sent: bytes) -> None:
    budget = Budget(50_000)
    async with serving(sent) as server, fetching(budget=budget) as fetcher:
        found = await read_all(fetcher, server.url(), 40, budget)
    assert all(isinstance(page, Page) and page.body == BODY for page in found)
    assert 30_000 <= budget.peak <= 80_000
    assert budget.used == 0


async def test_a_body_larger_than_the_budget_is_fetched_all_the_same() -> None:
    budget = Budget(1)
    async with serving(answer(BODY)) as server, fetching(budget=budget) as fetcher:
        found = await read_all(fetcher, server.url(), 3, budget)
    assert all(isinstance(page, Page) for page in found)


async def test_a_page_that_failed_half_way_leaves_nothing_in_the_budget() -> None:
    budget = Budget(50_000)
    cut = answer(BODY)[:-1000]
    async with serving(cut) as server, fetching(budget=budget) as fetcher:
        found = await fetcher.fetch(wanted(server.url()))
    assert isinstance(found, Outcome)
    assert budget.used == 0


async def test_nobody_is_late_who_waited_for_memory() -> None:
    budget = Budget(10)
    limits = FetchLimits(total=0.2, connect=5, read=5)
    assert budget.take_now(99, 10)
    budget.keep(99)
    async with serving(answer(BODY)) as server, fetching(limits, budget=budget) as fetcher:
        waiting = asyncio.create_task(fetcher.fetch(wanted(server.url())))
        while not budget.waiting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        await asyncio.sleep(0.3)  # longer than it has
        budget.free(99)
        assert isinstance(await waiting, Page)


async def test_who_waits_for_memory_is_handed_back_when_the_run_is_aborted() -> None:
    budget = Budget(10)
    assert budget.take_now(99, 10)
    budget.keep(99)
    async with serving(answer(BODY)) as server, fetching(budget=budget) as fetcher:
        waiting = asyncio.create_task(fetcher.fetch(wanted(server.url())))
        while not budget.waiting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        fetcher.abort()
        found = await waiting
    assert isinstance(found, Outcome)
    assert (found.verdict, found.reason) == ("retry", "stopped")
    assert budget.waiting == 0


async def test_a_promise_of_many_bytes_holds_nobody_back() -> None:
    budget = Budget(50_000)
    promised = asyncio.Event()

    async def stall(wire: Wire) -> None:
        promised.set()
        await asyncio.Event().wait()

    head = HEAD + b"Content-Length: 90000\r\n\r\nx"
    async with (
        serving(sending(head, stall)) as slow,
        serving(answer(BODY)) as quick,
        fetching(budget=budget) as fetcher,
    ):
        stuck = [asyncio.create_task(fetcher.fetch(Request(n, slow.url(), "h"))) for n in range(3)]
        await promised.wait()
        assert isinstance(await fetcher.fetch(Request(9, quick.url(), "q")), Page)
        fetcher.abort()
        await asyncio.gather(*stuck)
