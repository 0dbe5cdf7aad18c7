"""SQLite's write-ahead log, copied back into the database before it grows large.

SQLite would do it by itself, and would keep silent about a disk that fails meanwhile.
"""

from __future__ import annotations

from pathlib import Path

import aiosqlite

from scrapeq.stores.patience import Say

STEP = 16 << 20
"""Bytes of the log at which it is copied back: a page that changes often is copied once."""
LARGE = 64 << 20
"""Bytes of the log that are worth a word."""


class Log:
    """`FILE-wal`. It cannot shrink while another program reads what it was before."""

    def __init__(self, db: aiosqlite.Connection, path: Path, say: Say) -> None:
        self._db = db
        self._path = path.with_name(path.name + "-wal")
        self._say = say
        self._said = False
        self._next = STEP

    async def shrink(self) -> None:
        """Copy it back when it is due. Between two transactions. Raises sqlite3.Error."""
        size = self._size()
        if size < self._next:
            return
        # A reader who keeps it from shrinking is waited for a little each time: readers that
        # take turns would else hold it for ever.
        await self.copy_back()
        left = self._size()
        self._next = left + STEP
        if left >= LARGE and not self._said:
            self._said = True
            self._say(
                f"{self._path}: has grown to {left >> 20} MB, because another program has been "
                "reading the database for long; it shrinks when that ends"
            )

    async def copy_back(self) -> None:
        """Copy all of it that nobody reads, and empty it if that is all."""
        await self._db.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:  # no WAL on this file system; or deleted, which is found out elsewhere
            return 0
