"""The site of `scrapeq bench`, asked byte by byte."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scrapeq.bench.pages import bodies
from scrapeq.bench.server import MOST_HEAD, NOT_ALLOWED, NOT_FOUND, answer
from tests.site import PATIENCE

PAGES = dict(bodies())
FEW = list(PAGES)[:12]


class Asked:
    """The site as a process, and one connection to it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self._port = port
        self.socket = self.connection()

    def connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), PATIENCE)

    def says(self, sent: bytes, expected: bytes) -> bool:
        """Whether exactly this comes back, and nothing after it."""
        self.socket.sendall(sent)
        return self.reads(len(expected)) == expected

    def reads(self, size: int) -> bytes:
        received = b""
        while len(received) < size and (data := self.socket.recv(1 << 16)):
            received += data
        return received

    def closes(self) -> bool:
        return self.socket.recv(1) == b""

    def news(self) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found


@contextmanager
def asked(latency: float = 0) -> Iterator[Asked]:
    process = subprocess.Popen(
        [sys.executable, "-m", "scrapeq.bench.server", str(latency)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        site = Asked(process, json.loads(process.stdout.readline())["port"])
        with site.socket:
            yield site
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def running_site() -> Iterator[Asked]:
    with asked() as site:
        yield site


@pytest.fixture
def site(running_site: Asked) -> Iterator[Asked]:
    running_site.socket = running_site.connection()
    with running_site.socket:
        yield running_site


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def page(path: str) -> bytes:
    return answer("200 OK", PAGES[path])


def test_a_page_comes_as_it_was_made_with_a_head_that_fits() -> None:
    head, _, body = page(FEW[0]).partition(b"\r\n\r\n")
    assert body == PAGES[FEW[0]]
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"
    assert b"Content-Type: text/html; charset=utf-8\r\n" in head


def test_every_page_comes_byte_for_byte_over_one_connection(site: Asked) -> None:
    for path in PAGES:
        assert site.says(get(path), page(path)), path


def test_a_query_makes_no_other_page(site: Asked) -> None:
    assert site.says(get(f"{FEW[0]}?v=17"), page(FEW[0]))


def test_requests_that_come_at_once_are_answered_in_their_order(site: Asked) -> None:
    assert site.says(b"".join(map(get, FEW)), b"".join(map(page, FEW)))


def test_late_answers_keep_their_order_too() -> None:
    with asked(latency=50) as site:
        began = time.monotonic()
        assert site.says(b"".join(map(get, FEW)), b"".join(map(page, FEW)))
        assert time.monotonic() - began > 0.05


def test_a_request_may_come_in_pieces(site: Asked) -> None:
    whole = get(FEW[0]) + get(FEW[1])
    site.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for place in range(0, len(whole) - 1, 7):
        site.socket.sendall(whole[place : min(place + 7, len(whole) - 1)])
    assert site.says(whole[-1:], page(FEW[0]) + page(FEW[1]))


def test_what_is_not_there_is_404_and_the_connection_goes_on(site: Asked) -> None:
    assert site.says(get("/nowhere") + get(FEW[0]), NOT_FOUND + page(FEW[0]))


@pytest.mark.parametrize("sent", [b"POST / HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"\xff \r\n\r\n"])
def test_anything_but_get_is_405_and_the_last_of_its_connection(sent: bytes, site: Asked) -> None:
    assert site.says(sent, NOT_ALLOWED)
    assert site.closes()


def test_a_client_that_wants_no_other_answer_gets_none(site: Asked) -> None:
    assert site.says(get(FEW[0], "Connection: close") + get(FEW[1]), page(FEW[0]))
    assert site.closes()


def test_nor_does_it_while_earlier_answers_are_still_on_their_way(site: Asked) -> None:
    largest = max(PAGES, key=lambda path: len(PAGES[path]))
    last = get(FEW[0], "Connection: close")
    sent = get(largest) * 60 + last + get(FEW[1])  # 10 MB: more than the system takes at once
    assert site.says(sent, page(largest) * 60 + page(FEW[0]))
    assert site.closes()


def test_a_request_without_an_end_is_not_collected_for_ever(site: Asked) -> None:
    site.socket.sendall(b"GET /" + b"x" * (MOST_HEAD + 1))
    assert site.closes()


def test_it_tells_what_it_has_done_since_it_was_last_asked(site: Asked) -> None:
    site.news()
    before = time.monotonic()
    assert site.says(get(FEW[0]) + get("/nowhere"), page(FEW[0]) + NOT_FOUND)
    told = site.news()
    assert told["answered"] == 2
    assert before <= told["first"] <= time.monotonic()
    assert told["cpu"] >= 0
    assert site.news() | {"cpu": 0} == {"answered": 0, "first": None, "cpu": 0}


def test_it_ends_with_its_stdin_though_clients_are_connected() -> None:
    with asked(latency=10_000) as site:
        assert site.process.stdin
        site.socket.sendall(get(FEW[0]))
        site.process.stdin.close()
        site.process.stdin = None
        assert site.process.wait(PATIENCE) == 0


async def test_many_clients_at_once_get_what_each_has_asked_for(site: Asked) -> None:
    async def client(number: int) -> bool:
        reader, writer = await asyncio.open_connection(*site.socket.getpeername())
        path = FEW[number % len(FEW)]
        writer.write(get(path))
        right = await reader.readexactly(len(page(path))) == page(path)
        writer.close()
        await writer.wait_closed()
        return right

    assert all(await asyncio.gather(*map(client, range(200))))
