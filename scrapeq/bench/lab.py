"""Where programs are run: a folder that is gone afterwards, the site, and its list."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from scrapeq.bench.cpu import Look, shares
from scrapeq.bench.processes import started, watch
from scrapeq.bench.trial import Flags, Trial
from scrapeq.errors import FatalError
from scrapeq.text import safe

RULES = """\
[[extract]]
[extract.fields]
title = "title"
h1 = "h1"
description = 'meta[name="description"]::attr(content)'
links = { css = "a[href]", count = true }
"""
"""The four fields that the bare loop takes."""


class Lab:
    """Runs the bare loop and scrapeq, one at a time. Raises FatalError when one of them does
    not save every page."""

    def __init__(self, folder: Path, site: Process, about: dict[str, Any]) -> None:
        self._folder = folder
        self._site = site
        self._port: int = about["port"]
        self._paths: list[str] = about["paths"]
        self.mean_bytes: int = about["mean_bytes"]
        (folder / "scrapeq.toml").write_text(RULES)

    async def bare(self, pages: int, fetchers: int) -> Trial:
        words = ["scrapeq.bench.bare", "urls.txt", "rows.db", str(fetchers)]
        return await self._run("the bare loop", words, pages)

    async def scrapeq(self, pages: int, flags: Flags) -> Trial:
        words = ["scrapeq", "run", "urls.txt", "-o", "rows.db", *str(flags).split()]
        words += ["--per-host", str(flags.fetchers), "--no-robots", "--progress", "none"]
        return await self._run("scrapeq", [*words, "-q", "--summary", "summary.json"], pages)

    def urls(self, pages: int) -> Iterator[str]:
        """So many different ones, of fewer different pages."""
        for number, path in enumerate(islice(cycle(self._paths), pages)):
            yield f"http://127.0.0.1:{self._port}{path}?v={number}"

    def write_list(self, pages: int, file: Path) -> None:
        file.write_text("".join(f"{url}\n" for url in self.urls(pages)))

    async def _run(self, name: str, words: Sequence[str], pages: int) -> Trial:
        for old in self._folder.glob("rows.db*"):
            old.unlink()
        self.write_list(pages, self._folder / "urls.txt")
        looks: list[Look] = []
        await self._news()
        with (self._folder / "errors.txt").open("wb") as errors:
            async with (
                started(words, self._folder, errors=errors) as process,
                asyncio.TaskGroup() as group,
            ):
                looking = group.create_task(watch(process.pid, looks))
                code = await process.wait()
                end = time.monotonic()
                looking.cancel()
        news = await self._news()
        if code or self._rows() != pages or not news["first"]:
            raise FatalError(f"{name} saved {self._rows()} of {pages} pages{self._why(code)}")
        seconds = end - news["first"]
        return Trial(
            pages,
            seconds,
            site=news["cpu"] / seconds,
            shares=shares(looks, news["first"] + seconds / 4, end),
            summary=self._summary(),
        )

    async def _news(self) -> dict[str, Any]:
        """What the site has done since it was last asked."""
        if self._site.stdin:
            self._site.stdin.write(b"\n")
        return await _told_by(self._site)

    def _rows(self) -> int:
        try:
            with closing(sqlite3.connect(self._folder / "rows.db")) as connection:
                return int(connection.execute("SELECT count(*) FROM items").fetchone()[0])
        except sqlite3.Error:
            return 0

    def _summary(self) -> dict[str, Any]:
        file = self._folder / "summary.json"
        try:
            found: dict[str, Any] = json.loads(file.read_text())
        except OSError:
            return {}
        file.unlink()  # the next program may write none
        return found

    def _why(self, code: int) -> str:
        last = (self._folder / "errors.txt").read_text(errors="replace").strip()[-300:]
        return f" and ended with {code}: {safe(last, 300)}" if last or code else ""


@asynccontextmanager
async def lab(latency: float) -> AsyncIterator[Lab]:
    """The site answers after `latency` milliseconds. Raises FatalError when it does not start,
    or ends too early."""
    with tempfile.TemporaryDirectory(prefix="scrapeq-bench-") as name:
        folder = Path(name)
        words = ["scrapeq.bench.server", f"{latency:g}"]
        with (folder / "site.txt").open("wb") as errors:
            async with started(words, folder, errors=errors, piped=True) as site:
                yield Lab(folder, site, await _told_by(site))


async def _told_by(site: Process) -> dict[str, Any]:
    line = await site.stdout.readline() if site.stdout else b""
    if not line:
        raise FatalError("the embedded site has ended")
    found: dict[str, Any] = json.loads(line)
    return found
