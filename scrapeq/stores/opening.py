"""Opening a database: is it ours, is it free, does it fit the rules of this run?"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite

from scrapeq import __version__
from scrapeq.errors import StorageError, UsageError
from scrapeq.models import Order
from scrapeq.stores.agreement import Described, differences
from scrapeq.stores.faults import storage_error
from scrapeq.stores.file import DatabaseFile
from scrapeq.stores.log import Log
from scrapeq.stores.patience import BUSY_TIMEOUT, Patience, Say
from scrapeq.stores.schema import (
    APPLICATION_ID,
    CREATE,
    SCHEMA_VERSION,
    create_table,
    pending_index,
    quoted,
)
from scrapeq.stores.sqlite import SQLiteStore, Tables


async def open_store(
    path: Path,
    tables: Tables,
    *,
    order: Order = "fifo",
    durable: bool = False,
    fresh: bool = False,
    force: bool = False,
    rules: Described | None = None,
    options: Mapping[str, Any] | None = None,
    say: Say = lambda _: None,
) -> SQLiteStore:
    """Create or continue the database at `path`, and begin a run in it.

    `rules` are kept with the run, and refused, unless by `force`, if pages were done by others.
    `say` is given what a person should know meanwhile.

    Raises StorageError or UsageError, with nothing changed, when the file is not scrapeq's, is of
    another version, is in use by another run, cannot be written, or was filled by other rules.
    """
    file = DatabaseFile(path)
    db: aiosqlite.Connection | None = None
    try:
        file.lock()
        file.check()
        # Absolute: to SQLite, `:memory:` and `file:x` are no names of files.
        where = path.absolute()
        db = await aiosqlite.connect(where, isolation_level=None, timeout=BUSY_TIMEOUT)
        patience = Patience(path, say)
        store = SQLiteStore(db, file, tables, patience, Log(db, path, say))
        await patience.attempt(lambda: _check_identity(db, path))
        slow = await patience.attempt(lambda: _configure(db, path, durable=durable))
        lay_out = partial(
            _lay_out, db, store, path, tables, order=order, fresh=fresh, rules=rules, force=force
        )
        kept = {**(options or {}), **({} if rules is None else {"rules": rules})}
        added = await store.begin(lay_out, kept)
        store.warning = "; ".join(filter(None, [slow, *added]))
    except BaseException as exc:
        try:
            if db is not None:
                with suppress(sqlite3.Error):
                    await db.close()
        finally:
            file.unlock()
        if isinstance(exc, OSError):
            raise StorageError(f"{path}: {exc.strerror or exc}") from exc
        if isinstance(exc, RuntimeError) and db is None:  # no thread for it
            raise StorageError(f"{path}: cannot be opened: {exc}") from exc
        if isinstance(exc, sqlite3.Error):
            raise storage_error(exc, path) from exc
        raise
    return store


async def _lay_out(
    db: aiosqlite.Connection,
    store: SQLiteStore,
    path: Path,
    tables: Tables,
    *,
    order: Order,
    fresh: bool,
    rules: Described | None,
    force: bool,
) -> list[str]:
    """Make the tables that are missing; tell of new columns in old tables."""
    if fresh:
        await _forget_everything(db)
    if not await _names(db, "table"):
        for statement in CREATE.strip().split(";\n"):
            await db.execute(statement)
        await db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        await db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    await store.count()
    if rules is not None and not force and store.counts.done:
        await _check_rules(db, path, rules)
    for statement in pending_index(by_priority=order == "priority"):
        await db.execute(statement)
    return [await _fit_table(db, table, columns) for table, columns in tables.items()]


async def _configure(db: aiosqlite.Connection, path: Path, *, durable: bool) -> str:
    """Set the connection up; return a warning when the file system has no WAL."""
    mode = next(iter(await db.execute_fetchall("PRAGMA journal_mode = WAL")))[0]
    await db.executescript(
        f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'};"
        "PRAGMA journal_size_limit = 67108864;"
        "PRAGMA cache_size = -4000;"
        "PRAGMA wal_autocheckpoint = 0;"  # log.py does it
    )
    return "" if mode == "wal" else f"{path}: no WAL on this file system (it uses {mode}): slower"


async def _check_rules(db: aiosqlite.Connection, path: Path, rules: Described) -> None:
    """Raise UsageError when the last run had others: what is done would not be done again."""
    query = (
        "SELECT json_extract(options, '$.rules') FROM runs "
        "WHERE json_type(options, '$.rules') IS NOT NULL ORDER BY id DESC LIMIT 1"
    )
    for (text,) in await db.execute_fetchall(query):
        if found := differences(json.loads(text), rules):
            raise UsageError(
                f"{path}: its pages were done by other rules ({found}) and would not be done "
                "again; add --force to go on with the new ones, --fresh to start over, or give "
                "another file with -o"
            )


async def _check_identity(db: aiosqlite.Connection, path: Path) -> None:
    found = next(iter(await db.execute_fetchall("PRAGMA application_id")))[0]
    version = next(iter(await db.execute_fetchall("PRAGMA user_version")))[0]
    names = await _names(db, "table")
    if names and found != APPLICATION_ID:
        shown = ", ".join(sorted(names)[:5])
        raise StorageError(
            f"{path}: is a SQLite database of another program (tables: {shown}); "
            "give another file with -o"
        )
    if names and version != SCHEMA_VERSION:
        raise StorageError(
            f"{path}: was written with schema version {version}, this scrapeq {__version__} "
            f"reads version {SCHEMA_VERSION}; give another file with -o"
        )


async def _names(db: aiosqlite.Connection, kind: str) -> list[str]:
    query = "SELECT name FROM sqlite_schema WHERE type = ? AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    return [row[0] for row in await db.execute_fetchall(query, (kind,))]


async def _forget_everything(db: aiosqlite.Connection) -> None:
    for kind in ("view", "table"):
        for name in await _names(db, kind):
            await db.execute(f"DROP {kind} {quoted(name)}")


async def _fit_table(db: aiosqlite.Connection, table: str, columns: Mapping[str, str]) -> str:
    """Create the table of a rule, or add the columns that an existing one lacks, and say so:
    the rows of finished pages have nothing in them."""
    info = await db.execute_fetchall("SELECT name, type FROM pragma_table_info(?)", (table,))
    existing = {str(name): str(kind) for name, kind in info}
    if not existing:
        for statement in create_table(table, columns):
            await db.execute(statement)
        return ""
    added = [name for name in columns if name not in existing]
    for name, kind in columns.items():
        if name in added:
            await db.execute(f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(name)} {kind}")
        elif existing[name] != kind:
            raise StorageError(
                f"table {table}: column {name} holds {existing[name]}, the rule gives {kind}; "
                "rename the field or give another file with -o"
            )
    if not added:
        return ""
    return (
        f"new in table {table}: {', '.join(added)}; pages that are done are not fetched again for "
        "it (--fresh starts over)"
    )
