"""One fault, met by the whole program among URLs that are well."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import servers
from tests.program_kit import PLAIN, environment, rows, write_list
from tests.site import PATIENCE, Site

LAUNCHER = Path(__file__).with_name("launcher.py")
"""Starts the program in a world that a test has made: names, and what else no flag can change."""


@dataclass(frozen=True)
class Met:
    """What a run came to that met a fault."""

    code: int
    out: str
    err: str
    seconds: float
    pages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Rows of `pages` by URL, with `ending`: `done`, `failed:dns`, `pending`, ..."""
    items: Sequence[Mapping[str, Any]] = ()

    def ending(self, url: str) -> str:
        return str(self.pages[url]["ending"])

    def row(self, url: str) -> Mapping[str, Any]:
        return self.pages[url]


def meet(
    folder: Path,
    site: Site,
    *bad: str,
    flags: Sequence[str | Path] = (),
    code: int = 0,
    seconds: float = 30,
    env: Mapping[str, str] | None = None,
    world: Mapping[str, Any] | None = None,
    retries: int = 0,
) -> Met:
    """Run over `bad` between good pages of `site`. What holds whatever the fault is: the exit
    code, the time limit, every URL has one verdict (if the code says that the run is finished),
    the good ones are done, with one row each, and nothing on stderr looks like a crash.

    `world` goes to the launcher; see there.
    """
    good = site.pages(3)
    urls = [*good[:2], *bad, good[2]]
    write_list(folder, urls)
    words = [*PLAIN, "--retries", str(retries), "--no-robots", *map(str, flags), "urls.txt"]
    met = start(folder, "run", *words, env=env, world=world, seconds=seconds)
    assert met.code == code, met.err
    if code in (0, 3):
        assert [url for url in good if met.ending(url) != "done"] == []
        assert [url for url, page in met.pages.items() if page["state"] == "pending"] == []
        assert sorted(row["url"] for row in met.items) == sorted(
            url for url, page in met.pages.items() if page["state"] == "done"
        )
    return met


def start(
    folder: Path,
    *words: str | Path,
    env: Mapping[str, str] | None = None,
    world: Mapping[str, Any] | None = None,
    seconds: float = 30,
    db: str = "scrapeq.db",
    **options: Any,
) -> Met:
    """Run a command line to its end, within `seconds`, and read its database."""
    program = [
        sys.executable,
        *([str(LAUNCHER), json.dumps(world)] if world else ["-m", "scrapeq"]),
    ]
    began = time.monotonic()
    ended = subprocess.run(
        [*program, *map(str, words)],
        cwd=folder,
        env=environment(folder, env),
        **{
            "stdin": subprocess.DEVNULL,
            "capture_output": True,
            "timeout": seconds,
            "check": False,
            **options,
        },
    )
    took = time.monotonic() - began
    err = (ended.stderr or b"").decode("utf-8", "backslashreplace")
    out = (ended.stdout or b"").decode("utf-8", "backslashreplace")
    assert "Traceback" not in err, err
    assert "\x1b" not in err, err
    path = folder / db
    if not path.is_file() or path.read_bytes()[:16] != b"SQLite format 3\0":
        return Met(ended.returncode, out, err, took)
    return Met(ended.returncode, out, err, took, *look_into(path))


def look_into(db: Path) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Pages by URL and the rows of `items`, of a database that is whole."""
    assert rows(db, "PRAGMA integrity_check") == [("ok",)]
    if not rows(db, "SELECT 1 FROM sqlite_schema WHERE name = 'pages'"):
        return {}, []
    pages = {}
    for page in as_dicts(db, "pages"):
        reason = f":{page['reason']}" if page["state"] in ("failed", "skipped") else ""
        assert page["url"] not in pages, f"{page['url']} is there twice"
        pages[page["url"]] = {**page, "ending": page["state"] + reason}
    has_items = rows(db, "SELECT 1 FROM sqlite_schema WHERE name = 'items'")
    return pages, as_dicts(db, "items") if has_items else []


def as_dicts(db: Path, table: str) -> list[dict[str, Any]]:
    names = [name for (name,) in rows(db, f"SELECT name FROM pragma_table_info('{table}')")]
    return [dict(zip(names, row, strict=True)) for row in rows(db, f"SELECT * FROM {table}")]


@contextmanager
def wire(
    given: servers.Handler | Mapping[str, bytes] | bytes,
    *,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[servers.Server]:
    """`servers.serving` in a thread of its own, for programs that the test waits for."""
    ready = threading.Event()
    world: dict[str, Any] = {}

    async def serve() -> None:
        world["stop"], world["loop"] = asyncio.Event(), asyncio.get_running_loop()
        try:
            async with servers.serving(given, tls=tls, host=host, port=port) as server:
                world["server"] = server
                ready.set()
                await world["stop"].wait()
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="wire", daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    assert "server" in world, "the server did not start"
    try:
        yield world["server"]
    finally:
        world["loop"].call_soon_threadsafe(world["stop"].set)
        thread.join(PATIENCE)
