"""Waiting for another program that holds the database: not for long, and never deaf."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from scrapeq.stores.faults import is_locked

T = TypeVar("T")
Say = Callable[[str], None]

BUSY_TIMEOUT = 0.2
"""Seconds that SQLite itself waits, in which nobody can stop it."""
PATIENCE = 10.0
"""Seconds in all, from the first time that the database was locked to the next commit."""
_PAUSE = 0.05


class Patience:
    """Tries again while the database is locked and there is time left."""

    def __init__(self, path: Path, say: Say) -> None:
        self._path = path
        self._say = say
        self._said = False
        self._until: float | None = None
        self._hurried = False

    async def attempt(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns; it is done again, whole, after SQLite refused it. Raises what
        SQLite raised last."""
        while True:
            try:
                return await work()
            except sqlite3.OperationalError as exc:
                if not is_locked(exc) or not self._may_wait():
                    raise
            await asyncio.sleep(_PAUSE)

    def renew(self) -> None:
        """The lock was had: whoever waits next has the whole time again."""
        self._until = None

    def hurry(self) -> None:
        """Wait for nobody any more."""
        self._hurried = True

    def _may_wait(self) -> bool:
        if self._hurried:
            return False
        if self._until is None:
            self._until = time.monotonic() + PATIENCE
        if time.monotonic() >= self._until:
            return False
        if not self._said:
            self._said = True
            self._say(f"waiting for {self._path}: another program has locked it")
        return True
