"""What the tests of the Store and of those around it share: databases on disk, looked into."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from scrapeq.models import Counts, Order, Outcome, Record, Request, Verdict
from scrapeq.stores.opening import open_store
from scrapeq.stores.sqlite import SQLiteStore, Tables
from scrapeq.urls import Listed, listed

NOW = 1_700_000_000.0
TABLES: Tables = {"items": {"title": "TEXT", "links": "INTEGER"}}


@asynccontextmanager
async def opened(
    path: Path, tables: Tables = TABLES, *, order: Order = "fifo", fresh: bool = False
) -> AsyncIterator[SQLiteStore]:
    """A store that is closed in the end, as a run does it."""
    store = await open_store(path, tables, order=order, fresh=fresh)
    try:
        yield store
    finally:
        await store.close("finished", {})


def sql(path: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What another program finds in the database."""
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute(query, values).fetchall()


def counted(path: Path) -> Counts:
    return Counts(**dict(sql(path, "SELECT state, count(*) FROM pages GROUP BY state")))


def states(path: Path) -> dict[str, str]:
    return dict(sql(path, "SELECT url, state FROM pages"))


def urls(count: int, host: str = "x.test", start: int = 0) -> list[Listed]:
    return [listed(f"http://{host}/{n}") for n in range(start, start + count)]


async def take(
    store: SQLiteStore,
    limit: int = 100,
    order: Order = "fifo",
    held: Iterable[int] = (),
    now: float = NOW,
) -> list[Request]:
    return await store.take(limit, order, set(held), now)


async def waiting(store: SQLiteStore, count: int) -> list[Request]:
    """So many new URLs in the store, as Requests."""
    await store.add(urls(count, host="new.test", start=store.counts.read))
    return [x for x in await take(store, 10_000) if x.host == "new.test"][-count:]


def done(request: Request, *titles: str) -> Outcome:
    """Its verdict, with a row for each title."""
    rows = tuple(Record("items", {"title": title, "links": 1}) for title in titles)
    return Outcome(request, "done", status=200, records=rows)


def ended(request: Request, verdict: Verdict, reason: str = "x", **more: Any) -> Outcome:
    return Outcome(request, verdict, reason, attempts=request.attempt, **more)


def titles(path: Path) -> list[str]:
    return [title for (title,) in sql(path, "SELECT title FROM items ORDER BY title")]


def ids(requests: Sequence[Request]) -> list[int]:
    return [request.id for request in requests]
