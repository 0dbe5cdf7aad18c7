"""Faults of connections: 35 to 41."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.kit import meet, wire
from tests.servers import Wire, answer, path_of, sending
from tests.site import Site

pytestmark = pytest.mark.timeout(90)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
PAGE = answer(b"<title>here</title>")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_035_a_refused_connection_is_tried_again_and_then_failed(
    site: Site, tmp_path: Path
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        met = meet(tmp_path, site, url, retries=1)
    assert met.ending(url) == "failed:connect"
    assert met.row(url)["attempts"] == 2


def test_036_a_connection_that_nobody_takes_has_a_time_limit(site: Site, tmp_path: Path) -> None:
    """The queue of a server that accepts nothing is full: Linux drops what comes then."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        met = meet(tmp_path, site, url, flags=["--connect-timeout", "1"], retries=1)
    assert met.ending(url) == "failed:connect_timeout"
    assert met.row(url)["attempts"] == 2


def test_037_a_reset_in_the_middle_leaves_no_row(site: Site, tmp_path: Path) -> None:
    replies = {
        "/length": HEAD + b"Content-Length: 99\r\n\r\n<title>half</title>",
        "/chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n14\r\n<title>half</title>\r\n",
        "/unframed": HEAD + b"\r\n<title>half</title>",
        "/head": HEAD,
    }

    async def handler(wire: Wire, head: bytes) -> None:
        await wire.send(replies[path_of(head)])
        await asyncio.sleep(0.05)  # what is sent before a reset may be lost, and means the same
        await wire.reset()

    with wire(handler) as server:
        bad = [server.url(path) for path in replies]
        met = meet(tmp_path, site, *bad, retries=1)
    assert {met.ending(url) for url in bad} == {"failed:reset"}
    assert {met.row(url)["attempts"] for url in bad} == {2}
    assert "half" not in [row["title"] for row in met.items]


def test_038_a_connection_closed_without_a_byte_is_asked_once_an_attempt(
    site: Site, tmp_path: Path
) -> None:
    async def handler(wire: Wire, _: bytes) -> None:
        wire.close()

    with wire(handler) as server:
        bad = [server.url("/1"), server.url("/2")]
        met = meet(tmp_path, site, *bad, retries=1)
    assert {met.ending(url) for url in bad} <= {"failed:disconnected", "failed:reset"}
    assert {met.row(url)["attempts"] for url in bad} == {2}
    assert Counter(server.paths) == {"/1": 2, "/2": 2}


def test_039_kept_connections_that_have_died_are_not_noticed(site: Site, tmp_path: Path) -> None:
    """Each answers twice. One half then closes at once, the other when it is asked again."""
    asked: Counter[Wire] = Counter()

    async def handler(wire: Wire, head: bytes) -> None:
        asked[wire] += 1
        if asked[wire] > 2:
            wire.close()
            return
        await wire.send(answer(f"<title>{path_of(head)}</title>".encode()))
        if asked[wire] == 2 and len(asked) % 2:
            await wire.half_close()

    with wire(handler) as server:
        pages = [server.url(f"/{n}") for n in range(60)]
        met = meet(tmp_path, site, *pages)
    assert {met.ending(url) for url in pages} == {"done"}
    assert {met.row(url)["attempts"] for url in pages} == {1}
    assert Counter(row["title"] for row in met.items if row["title"].startswith("/")) == {
        f"/{n}": 1 for n in range(60)
    }


@pytest.mark.parametrize("hosts", [1, 60])
def test_040_an_outage_finalises_nothing(hosts: int, site: Site, tmp_path: Path) -> None:
    """Nobody answers for some seconds. Without a breaker each URL would have failed by then."""
    port = free_port()
    names = {f"{n}.back.test": ["127.0.0.1"] for n in range(hosts)}
    pages = [f"http://{n % hosts}.back.test:{port}/{n}" for n in range(60)]
    with ExitStack() as stack:

        def come_back() -> None:
            stack.enter_context(wire(PAGE, port=port))
            site.release()

        site.hold(0)
        back = threading.Timer(5, come_back)
        back.start()
        met = meet(tmp_path, site, *pages, world={"names": names}, retries=2, seconds=80)
        back.join()
    assert {met.ending(url) for url in pages} == {"done"}


def test_040_a_host_that_only_fails_is_given_up(site: Site, tmp_path: Path) -> None:
    with wire(PAGE) as server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        pages = [f"http://dead.test:{nobody.getsockname()[1]}/{n}" for n in range(300)]
        names = {"dead.test": ["127.0.0.1"], "good.test": ["127.0.0.1"]}
        good = [server.url(f"/{n}", host="good.test") for n in range(20)]
        flags = ["--max-host-errors", "7"]
        met = meet(tmp_path, site, *pages, *good, world={"names": names}, flags=flags, seconds=40)
    assert {met.ending(url) for url in good} == {"done"}
    endings = Counter(met.ending(url) for url in pages)
    assert set(endings) == {"failed:connect", "failed:host_down"}
    assert endings["failed:connect"] <= 7 * 8  # so many at once, and none of those it waited for
    assert {met.row(url)["attempts"] for url in pages} == {0, 1}
    down = next(met.row(url) for url in pages if met.ending(url) == "failed:host_down")
    assert "7 times in a row" in down["detail"]


def test_040_a_dead_port_does_not_make_its_host_dead(site: Site, tmp_path: Path) -> None:
    with wire(PAGE) as server:
        dead = [f"http://127.0.0.1:{free_port()}/{n}" for n in range(40)]
        good = [server.url(f"/{n}") for n in range(40)]
        flags = ["--max-host-errors", "5"]
        met = meet(tmp_path, site, *dead, *good, flags=flags, seconds=60)
    assert {met.ending(url) for url in good} == {"done"}
    assert {met.ending(url) for url in dead} <= {"failed:connect", "failed:host_down"}


def test_040_dead_hosts_do_not_hold_up_those_that_were_not_asked_yet(
    site: Site, tmp_path: Path
) -> None:
    with wire(PAGE) as server:
        names = {f"{n}.dead.test": ["127.0.0.1"] for n in range(100)}
        dead = [f"http://{name}:{free_port()}/" for name in names]
        good = [server.url(f"/{n}") for n in range(40)]
        met = meet(tmp_path, site, *dead, *good, world={"names": names}, retries=1, seconds=60)
    assert {met.ending(url) for url in good} == {"done"}
    assert {met.ending(url) for url in dead} == {"failed:connect"}
    assert max(met.row(url)["fetched_at"] for url in good) < max(
        met.row(url)["fetched_at"] for url in dead
    )


def test_040_a_server_that_takes_requests_and_never_answers_is_given_up_too(
    site: Site, tmp_path: Path
) -> None:
    """Also where the time of an attempt ends before that of a silence."""
    with wire(sending(b"", Wire.until_gone)) as server:
        pages = [server.url(f"/{n}") for n in range(40)]
        flags = ["--timeout", "1", "--max-host-errors", "5"]
        met = meet(tmp_path, site, *pages, flags=flags, seconds=80)
    endings = Counter(met.ending(url) for url in pages)
    assert set(endings) == {"failed:timeout", "failed:host_down"}


def test_041_a_machine_without_a_free_port_loses_no_url(site: Site, tmp_path: Path) -> None:
    """No server is to blame: it slows down, and no attempt counts."""
    with wire(PAGE) as server:
        pages = [server.url(f"/{n}") for n in range(30)]
        met = meet(tmp_path, site, *pages, world={"no_ports": 3}, seconds=60)
    assert {met.ending(url) for url in pages} == {"done"}
    assert {met.row(url)["attempts"] for url in pages} == {1}
