"""Opening a database: is it ours, is it free, does it fit the rules of this run?"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiosqlite

from scrapeq import __version__
from scrapeq.errors import StorageError
from scrapeq.models import Order
from scrapeq.stores.file import DatabaseFile
from scrapeq.stores.schema import (
    APPLICATION_ID,
    CREATE,
    SCHEMA_VERSION,
    create_table,
    pending_index,
    quoted,
)
from scrapeq.stores.sqlite import SQLiteStore, Tables, storage_error

BUSY_TIMEOUT = 10.0
"""Seconds to wait for another program that is writing into the database."""


async def open_store(
    path: Path,
    tables: Tables,
    *,
    order: Order = "fifo",
    durable: bool = False,
    fresh: bool = False,
    options: Mapping[str, Any] | None = None,
) -> SQLiteStore:
    """Create or continue the database at `path`, and begin a run in it.

    Raises StorageError, with nothing changed, when the file is not scrapeq's, is of
    another version, is in use by another run, or cannot be written.
    """
    file = DatabaseFile(path)
    file.lock()
    db: aiosqlite.Connection | None = None
    try:
        file.check()
        # Absolute: to SQLite, `:memory:` and `file:x` are no names of files.
        where = path.absolute()
        db = await aiosqlite.connect(where, isolation_level=None, timeout=BUSY_TIMEOUT)
        store = SQLiteStore(db, file, tables)
        await _check_identity(db, path)
        slow = await _configure(db, path, durable=durable)
        added = await _lay_out(db, tables, order=order, fresh=fresh)
        store.warning = "; ".join(filter(None, [slow, *added]))
        await store.begin_run(options or {})
    except BaseException as exc:
        try:
            if db is not None:
                await db.close()
        finally:
            file.unlock()
        if isinstance(exc, sqlite3.Error):
            raise storage_error(exc, path) from exc
        raise
    return store


async def _configure(db: aiosqlite.Connection, path: Path, *, durable: bool) -> str:
    """Set the connection up; return a warning when the file system has no WAL."""
    mode = next(iter(await db.execute_fetchall("PRAGMA journal_mode = WAL")))[0]
    await db.executescript(
        f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'};"
        "PRAGMA journal_size_limit = 67108864;"
        "PRAGMA cache_size = -4000;"
        "PRAGMA wal_autocheckpoint = 4000;"  # a page that changes often is copied back less often
    )
    return "" if mode == "wal" else f"{path}: no WAL on this file system (it uses {mode}): slower"


async def _lay_out(
    db: aiosqlite.Connection, tables: Tables, *, order: Order, fresh: bool
) -> list[str]:
    """Make the tables that are missing, all or none; tell of new columns in old tables."""
    await db.execute("BEGIN IMMEDIATE")
    if fresh:
        await _forget_everything(db)
    if not await _names(db, "table"):
        for statement in CREATE.strip().split(";\n"):
            await db.execute(statement)
        await db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        await db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    for statement in pending_index(by_priority=order == "priority"):
        await db.execute(statement)
    added = [await _fit_table(db, table, columns) for table, columns in tables.items()]
    await db.execute("COMMIT")
    return added


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
