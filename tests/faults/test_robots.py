"""Faults of robots.txt: 99 to 101."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.kit import Met, start, wire
from tests.program_kit import PLAIN, write_list
from tests.servers import Handler, Wire, answer, path_of, redirect
from tests.site import Answer, Site

pytestmark = pytest.mark.timeout(120)

PAGE = answer(b"<title>page</title>")
FORBIDS = b"User-agent: *\nDisallow: /secret\n"
QUICK = ("--timeout", "4", "--read-timeout", "2", "--connect-timeout", "2", "--retries", "0")


def met(folder: Path, urls: list[str], *flags: str, **options: Any) -> Met:
    """A run that obeys, to its end."""
    words = [*PLAIN, *QUICK, *flags, write_list(folder, urls)]
    found = start(folder, "run", *words, **{"seconds": 60, **options})
    assert found.code == 0, found.err
    assert {page["state"] for page in found.pages.values()} <= {"done", "failed", "skipped"}
    return found


def behind(robots: bytes | Handler) -> Handler:
    """A server of pages with that robots.txt."""

    async def handler(wire: Wire, head: bytes) -> None:
        if path_of(head) != "/robots.txt":
            await wire.send(PAGE)
        elif isinstance(robots, bytes):
            await wire.send(robots)
        else:
            await robots(wire, head)

    return handler


def test_099_a_robots_txt_that_is_refused_allows_all(tmp_path: Path) -> None:
    names = {f"{status}.test": ["127.0.0.1"] for status in (404, 403, 401, 410)}

    async def handler(wire: Wire, head: bytes) -> None:
        if path_of(head) == "/robots.txt":
            status = head.lower().partition(b"host: ")[2][:3].decode()
            await wire.send(answer(FORBIDS, f"{status} No"))
        else:
            await wire.send(PAGE)

    with wire(handler) as server:
        urls = [server.url("/secret", name) for name in names]
        found = met(tmp_path, urls, world={"names": names})
        assert server.paths.count("/robots.txt") == len(names)
    assert {url: found.ending(url) for url in urls} == dict.fromkeys(urls, "done")


@pytest.mark.parametrize("how", ["503", "silence", "reset"])
def test_100_a_robots_txt_that_is_down_skips_its_pages_and_nobody_elses(
    how: str, site: Site, tmp_path: Path
) -> None:
    async def robots(wire: Wire, _: bytes) -> None:
        if how == "503":
            await wire.send(answer(b"", "503 Busy"))
        elif how == "silence":
            await wire.until_gone()
        else:
            await wire.reset()

    with wire(behind(robots)) as down:
        bad = [down.url(f"/{n}") for n in range(40)]
        found = met(tmp_path, [*bad, *site.pages(3)], "--retries", "1")
        asked = down.paths.count("/robots.txt")
        assert set(down.paths) == {"/robots.txt"}
    assert {found.ending(url) for url in bad} == {"skipped:robots_unreachable"}
    assert {found.ending(url) for url in site.pages(3)} == {"done"}
    assert asked <= (4 if how == "reset" else 2), "once an attempt; aiohttp repeats after a reset"


def odd_files() -> dict[str, tuple[bytes | Handler, str]]:
    """By name of a host: its robots.txt, and what becomes of its /secret."""

    async def endless(wire: Wire, _: bytes) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + FORBIDS)
        with suppress(ConnectionError):
            while True:
                await wire.send(b"# and so on\n" * 5_000)
                await asyncio.sleep(0)

    late = FORBIDS.replace(b"secret", b"late")
    return {
        "large": (answer(FORBIDS + b"# x\n" * 200_000 + late), "skipped:robots"),
        "endless": (endless, "skipped:robots"),
        "html": (answer(b"<html><body>Disallow: /secret</body></html>"), "done"),
        "binary": (answer(bytes(range(256)) * 400 + b"\n" + FORBIDS), "skipped:robots"),
        "bom": (answer(b"\xef\xbb\xbf" + FORBIDS), "skipped:robots"),
        "line": (answer(b"Disallow: /" + b"x" * 1_000_000 + b"\n" + FORBIDS), "done"),
        "hops": (redirect("/robots.txt?5"), "skipped:robots"),
        "far": (redirect("/robots.txt?6"), "done"),
        "loop": (redirect("/robots.txt"), "done"),
        "elsewhere": (redirect("http://nowhere.test/robots.txt"), "skipped:robots_unreachable"),
        "stars": (answer(b"User-agent: *\nDisallow: /" + b"*a" * 200_000 + b"b$\n"), "done"),
    }


def test_101_an_odd_robots_txt_is_read_within_bounds_and_is_its_own_hosts_affair(
    site: Site, tmp_path: Path
) -> None:
    files = odd_files()

    async def handler(wire: Wire, head: bytes) -> None:
        path, _, hops = path_of(head).partition("?")
        name = head.lower().partition(b"host: ")[2].partition(b".")[0].decode()
        robots = files[name][0]
        if path != "/robots.txt":
            await wire.send(PAGE)
        elif hops:
            left = int(hops) - 1
            await wire.send(redirect(f"/robots.txt?{left}") if left else answer(FORBIDS))
        elif isinstance(robots, bytes):
            await wire.send(robots)
        else:
            await robots(wire, head)

    with wire(handler) as server:
        urls = {name: server.url("/secret", f"{name}.test") for name in files}
        world = {"names": {f"{name}.test": ["127.0.0.1"] for name in files}}
        found = met(tmp_path, [*urls.values(), *site.pages(3)], world=world)
    endings = {name: found.ending(url) for name, url in urls.items()}
    assert endings == {name: ending for name, (_, ending) in files.items()}
    assert {found.ending(url) for url in site.pages(3)} == {"done"}


def test_101_a_hundred_workers_ask_an_origin_once(site: Site, tmp_path: Path) -> None:
    site.add("/robots.txt", Answer(FORBIDS, headers={"Content-Type": "text/plain"}))
    urls = [*site.pages(200), f"{site.url}/secret"]
    found = met(tmp_path, urls, "-j", "100", "--per-host", "100")
    assert site.counts["/robots.txt"] == 1
    assert found.ending(urls[-1]) == "skipped:robots"
    assert {found.ending(url) for url in urls[:-1]} == {"done"}
