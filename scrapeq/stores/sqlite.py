"""The Store in one SQLite file, through one writing connection."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiosqlite

from scrapeq import __version__
from scrapeq.errors import StorageError
from scrapeq.models import Counts, Order, Outcome, Record, Request, Scalar
from scrapeq.retry import WRONG_CLOCK
from scrapeq.stores import Added
from scrapeq.stores.adding import SIZES, Row, find, insert, key_of
from scrapeq.stores.faults import storage_error
from scrapeq.stores.file import DatabaseFile
from scrapeq.stores.log import Log
from scrapeq.stores.marks import Marks
from scrapeq.stores.patience import Patience
from scrapeq.stores.schema import MASKED, insert_record
from scrapeq.urls import Listed, listed

T = TypeVar("T")

Tables = Mapping[str, Mapping[str, str]]
"""Tables of records: name -> column -> SQLite type (TEXT, INTEGER, REAL)."""

_BEGIN = "BEGIN IMMEDIATE; SELECT check_place();"
"""The look at the file goes along: another statement would be another change of threads."""

_LOST = "an answer of SQLite was lost; run the same command again: what was saved is safe"

_SETTLE = """
UPDATE pages SET state = ?, reason = ?, status = ?, final_url = ?, attempts = ?, due_at = ?,
  fetched_at = ?, elapsed_ms = ?, bytes = ?, content_type = ?, encoding = ?, truncated = ?,
  detail = ?, settled_run = ?
WHERE id = ? AND state = 'pending'
"""
_TAKE = """
SELECT id, url, host, attempts + 1, depth, priority FROM pages
WHERE state = 'pending' AND due_at {due} AND id NOT IN (SELECT value FROM json_each(?))
ORDER BY {order} LIMIT ?
"""
_COUNT = """
SELECT 'all', count(*) FROM pages
UNION ALL SELECT 'pending', count(*) FROM pages WHERE state = 'pending'
UNION ALL SELECT state, count(*) FROM pages WHERE state IN ('failed', 'skipped') GROUP BY state
"""
"""Nothing but indexes are read, and the one of all pages is only counted, not looked into."""
_ORDERS: dict[Order, str] = {"fifo": "id", "lifo": "id DESC", "priority": "priority, id"}


class SQLiteStore:
    """Made by `open_store`. What it does is one transaction at a time, whole or not at all."""

    def __init__(
        self,
        db: aiosqlite.Connection,
        file: DatabaseFile,
        tables: Tables,
        patience: Patience,
        log: Log,
    ) -> None:
        self._db = db
        self._file = file
        self._patience = patience
        self._log = log
        self._lock = asyncio.Lock()
        self._columns = {name: tuple(columns) for name, columns in tables.items()}
        self._insert = {name: insert_record(name, cols) for name, cols in self._columns.items()}
        self.counts = Counts()
        self.run = 0
        self._last_before = 0
        """The last row that an earlier run has made."""
        self._listed = Marks()
        """Of the rows that earlier runs have made, those that this run has read again."""
        self.warning = ""

    async def add(self, lines: Sequence[Listed]) -> Added:
        known: set[int] = set()
        added = await self.transaction(lambda: self._add(lines, known))
        self._listed.update(known)  # not before it is committed
        return added

    async def take(
        self, limit: int, order: Order, held: Collection[int], now: float
    ) -> list[Request]:
        ids = json.dumps(list(held))
        retries = _TAKE.format(due="<= ?", order="due_at, id")
        lost = _TAKE.format(due="> ?", order="due_at, id")
        fresh = _TAKE.format(due="IS NULL", order=_ORDERS[order])

        async def read() -> list[Any]:
            rows = list(await self._db.execute_fetchall(retries, (iso(now), ids, limit)))
            far = iso(now + WRONG_CLOCK)
            rows += await self._db.execute_fetchall(lost, (far, ids, limit - len(rows)))
            rows += await self._db.execute_fetchall(fresh, (ids, limit - len(rows)))
            return rows

        return [Request(*row) for row in await self._read(read)]

    async def next_due(self, now: float) -> float | None:
        query = (
            "SELECT min(due_at) FROM pages WHERE state = 'pending' AND due_at > ? AND due_at <= ?"
        )
        span = (iso(now), iso(now + WRONG_CLOCK))
        rows = await self._read(lambda: self._db.execute_fetchall(query, span))
        due = next(iter(rows))[0]
        return datetime.fromisoformat(due).timestamp() if due else None

    async def save(self, outcomes: Sequence[Outcome]) -> int:
        return await self.transaction(lambda: self._save(outcomes))

    async def sample(self, at: float, reading: Mapping[str, Any]) -> None:
        """Keep one reading of the run, for a later report."""
        row = (self.run, iso(at), json.dumps(reading))
        insert = "INSERT INTO samples VALUES (?, ?, ?)"
        await self.transaction(lambda: self._db.execute(insert, row))

    async def retry_failed(self) -> int:
        """Make every failed URL pending again, its attempts forgotten; also one that was
        skipped because nobody could say whether it may be fetched."""
        reset = (
            "UPDATE pages SET state = 'pending', attempts = 0, due_at = NULL, settled_run = NULL "
            "WHERE state = 'failed' OR state = 'skipped' AND reason = 'robots_unreachable'"
        )

        async def work() -> int:
            moved = (await self._db.execute(reset)).rowcount
            await self.count()
            return moved

        return await self.transaction(work)

    async def needs_credentials(self) -> bool:
        """Whether a pending URL was listed with a user or password, which are never stored."""
        query = f"SELECT 1 FROM pages WHERE state = 'pending' AND {MASKED} LIMIT 1"  # noqa: S608
        return bool(list(await self._read(lambda: self._db.execute_fetchall(query))))

    async def close(self, ended: str, totals: Mapping[str, Any]) -> None:
        update = "UPDATE runs SET ended_at = ?, outcome = ?, totals = ? WHERE id = ?"
        row = (iso(_now()), ended, json.dumps(totals), self.run)
        try:
            await self.transaction(lambda: self._db.execute(update, row))
        finally:
            await self._disconnect()

    def hurry(self) -> None:
        """From now on wait for no other program."""
        self._patience.hurry()

    async def begin(self, lay_out: Callable[[], Awaitable[T]], options: Mapping[str, Any]) -> T:
        """Lay the database out and number this run, both or neither."""
        insert = "INSERT INTO runs (started_at, version, options) VALUES (?, ?, ?)"
        row = (iso(_now()), __version__, json.dumps(options))

        async def work() -> T:
            made = await lay_out()
            ((last,),) = await self._db.execute_fetchall("SELECT max(id) FROM pages")
            self._last_before = last or 0
            self.run = (await self._db.execute(insert, row)).lastrowid or 0
            return made

        await self._db.create_function("check_place", 0, self._file.check_place)
        made = await self.transaction(work)
        self._file.remember()
        return made

    async def _disconnect(self) -> None:
        # aiosqlite's thread is no daemon: a connection left open would hang the process.
        closing = asyncio.ensure_future(self._let_go())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await asyncio.wait({closing})
            raise
        except sqlite3.DatabaseError as exc:
            raise storage_error(exc, self._file.path) from exc
        finally:
            self._file.unlock()

    async def _let_go(self) -> None:
        try:
            # Into the file that is open: a database that was moved away is whole as well.
            await self._log.copy_back()
        finally:
            await self._db.close()

    async def _add(self, lines: Sequence[Listed], known: set[int] | None = None) -> Added:
        """Put into `known` the rows of earlier runs that this one reads for the first time."""
        known = set() if known is None else known
        new, skipped = 0, Counter[str]()
        for start in range(0, len(lines), SIZES[-1]):
            fresh = await self._add_some(lines[start : start + SIZES[-1]], known)
            new += len(fresh)
            skipped.update(line.reason for line in fresh if line.reason)
        counts, unusable = self.counts, skipped.total()
        self.counts = replace(
            counts, pending=counts.pending + new - unusable, skipped=counts.skipped + unusable
        )
        return Added(new, len(known), len(lines) - new - len(known), skipped)

    async def _add_some(self, lines: Sequence[Listed], known: set[int]) -> list[Listed]:
        """Add the new ones of at most SIZES[-1] lines, and return them."""
        first: dict[str, Listed] = {}
        for line in lines:
            first.setdefault(line.url, line)
        keys = list(map(key_of, first))
        ((places, ids),) = await self._db.execute_fetchall(*find(keys, list(first)))
        found = dict(zip(json.loads(places), json.loads(ids), strict=True))
        known.update(x for x in found.values() if x <= self._last_before and x not in self._listed)
        pairs = zip(keys, first.values(), strict=True)
        new = [pair for place, pair in enumerate(pairs) if place not in found]
        if new:
            await self._db.execute(*insert(self.run, [_row(key, line) for key, line in new]))
        return [line for _, line in new]

    async def _changed(self, sql: str, rows: Sequence[tuple[Scalar, ...]]) -> int:
        """Execute `sql` for each of `rows`; return how many rows of the table it changed."""
        before = self._db.total_changes
        if rows:
            await self._db.executemany(sql, rows)
        return self._db.total_changes - before

    async def count(self) -> None:
        found = {str(x): int(number) for x, number in await self._db.execute_fetchall(_COUNT)}
        everything = found.pop("all")
        self.counts = Counts(done=everything - sum(found.values()), **found)

    async def _save(self, outcomes: Sequence[Outcome]) -> int:
        # The same Request twice would be pending twice while its rows go in.
        outcomes = list({x.request.id: x for x in reversed(outcomes)}.values())[::-1]
        records: dict[str, list[tuple[Scalar, ...]]] = defaultdict(list)
        links: list[Listed] = []
        for outcome in outcomes:
            request = outcome.request
            for record in outcome.records:
                records[record.table].append((request.url, *self._values(record), request.id))
            links += (replace(listed(x), depth=request.depth + 1) for x in outcome.links)
        for table, rows in records.items():
            await self._db.executemany(self._insert[table], rows)
        now = iso(_now())
        changed = await self._changed(_SETTLE, [self._settled(x, now) for x in outcomes])
        self._count_verdicts(outcomes)
        if changed != len(outcomes):  # one of them had its verdict already
            await self.count()
        return (await self._add(links)).new if links else 0

    def _values(self, record: Record) -> tuple[Scalar, ...]:
        return tuple(record.row.get(name) for name in self._columns[record.table])

    def _settled(self, outcome: Outcome, now: str) -> tuple[Scalar, ...]:
        again = outcome.verdict == "retry"
        return (
            "pending" if again else outcome.verdict, outcome.reason or None, outcome.status,
            outcome.final_url, outcome.attempts, iso(outcome.due) if outcome.due else None,
            now, None if outcome.elapsed is None else round(outcome.elapsed * 1000, 2),
            outcome.bytes, outcome.content_type, outcome.encoding, int(outcome.truncated),
            outcome.detail or None, None if again else self.run, outcome.request.id,
        )  # fmt: skip

    def _count_verdicts(self, outcomes: Sequence[Outcome]) -> None:
        verdicts = [outcome.verdict for outcome in outcomes]
        done, failed, skipped = (verdicts.count(x) for x in ("done", "failed", "skipped"))
        counts = self.counts
        self.counts = Counts(
            pending=counts.pending - done - failed - skipped,
            done=counts.done + done,
            failed=counts.failed + failed,
            skipped=counts.skipped + skipped,
        )

    async def transaction(self, work: Callable[[], Awaitable[T]]) -> T:
        async def whole() -> T:
            counts = self.counts
            await self._log.shrink()
            try:
                await self._patience.attempt(lambda: self._db.executescript(_BEGIN))
                result = await work()
                await self._patience.attempt(lambda: self._db.execute("COMMIT"))
            except BaseException:
                self.counts = counts
                if self._db.in_transaction:
                    await self._db.execute("ROLLBACK")
                raise
            self._patience.renew()
            return result

        return await self._alone(whole)

    async def _read(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._alone(lambda: self._patience.attempt(work))

    async def _alone(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work` to its end, with nothing in between, even if the caller is cancelled.

        A cancelled aiosqlite call is executed all the same: a cancelled transaction would
        leave its half behind, and the next one would commit it.
        """

        async def locked() -> T:
            async with self._lock:
                return await work()

        task = asyncio.ensure_future(locked())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            if task.cancelled():  # by nobody of ours: we only ever wait for it
                raise StorageError(f"{self._file.path}: {_LOST}") from None
            raise
        except sqlite3.DatabaseError as exc:
            self._file.check_place()  # SQLite knows only that something is wrong
            raise storage_error(exc, self._file.path) from exc


def _row(key: int, line: Listed) -> Row:
    return (
        key, line.url, line.host, line.reason or None, line.priority, line.detail or None,
        line.given, line.depth,
    )  # fmt: skip


def iso(seconds: float) -> str:
    """Seconds since the epoch -> UTC in ISO 8601 with milliseconds; sorts as time does."""
    moment = datetime.fromtimestamp(min(seconds, 253402300799.0), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _now() -> float:
    return datetime.now(UTC).timestamp()
