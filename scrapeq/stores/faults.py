"""What SQLite's errors mean to a person: what happened, where, and what to do next."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from scrapeq.errors import StorageError

_AGAIN = "then run the same command again: what was saved is safe"

_SENTENCES = {
    sqlite3.SQLITE_FULL: f"the disk is full; make room, {_AGAIN}",
    sqlite3.SQLITE_IOERR: (
        "the disk does not take or give what it should ({name}): it fails, or is full, or a quota "
        f"or limit of size (ulimit -f) is reached; mend that, {_AGAIN}"
    ),
    sqlite3.SQLITE_READONLY: (
        f"may not be written ({{name}}); make the file, its folder and the disk writable, {_AGAIN}"
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "SQLite can open or make no file there ({name}); see that the folder exists and may be "
        f"written, {_AGAIN}"
    ),
    sqlite3.SQLITE_BUSY: f"is locked by another program; close that, {_AGAIN}",
    sqlite3.SQLITE_PROTOCOL: f"is locked by other programs ({{name}}); close them, {_AGAIN}",
    sqlite3.SQLITE_CORRUPT: (
        "is damaged ({name}); keep a copy, take out what can be read with `sqlite3 FILE .recover`, "
        "and give another file with -o"
    ),
    sqlite3.SQLITE_NOTADB: (
        "is damaged, or no SQLite database ({name}); give another file with -o"
    ),
}


def storage_error(exc: sqlite3.Error, path: Path) -> Exception:
    """A fault of the file or the disk ends the run; a fault of one row is that row's."""
    if not isinstance(exc, sqlite3.OperationalError) and type(exc) is not sqlite3.DatabaseError:
        return exc
    name = getattr(exc, "sqlite_errorname", str(exc))  # not where Python itself made the error
    sentence = _SENTENCES.get(_primary_code(exc), f"{exc} ({{name}}); mend that, {_AGAIN}")
    return StorageError(f"{path}: {sentence.replace('{name}', name)}")


def is_locked(exc: sqlite3.Error) -> bool:
    """Whether another program has the database for itself at this moment."""
    return _primary_code(exc) == sqlite3.SQLITE_BUSY


def _primary_code(exc: sqlite3.Error) -> int:
    """https://www.sqlite.org/rescode.html: the last byte of the extended code."""
    return int(getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
