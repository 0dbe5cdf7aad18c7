"""Disks that fail, for the launcher: at which moment, and how. Real means where they exist.

`at`: `open`, or before the call `number` of what the Store does: see MOMENTS.
`how`: `limit`: no file may grow (EFBIG); `pages`: the database may not grow (SQLITE_FULL);
`fsync`: the kernel answers it with EIO.
"""

from __future__ import annotations

import ctypes
import platform
import resource
import sqlite3
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from scrapeq.stores import log, patience
from scrapeq.stores.sqlite import SQLiteStore

MOMENTS: dict[str, tuple[type, str]] = {
    "intake": (SQLiteStore, "add"),
    "save": (SQLiteStore, "save"),
    "checkpoint": (log.Log, "copy_back"),
    "end": (SQLiteStore, "close"),
}


def enter(world: Mapping[str, Any]) -> None:
    """`step`: bytes of the log at which it is copied back. `patience`: seconds for a lock.
    `no_wal`: the file system cannot have a WAL."""
    log.STEP = world.get("step", log.STEP)
    patience.PATIENCE = world.get("patience", patience.PATIENCE)
    if world.get("no_wal"):
        _forbid_wal()
    if "how" in world:
        _break_at(world["at"], world["how"], world.get("number", 1), Path(world["db"]))


def _break_at(at: str, how: str, number: int, db: Path) -> None:
    if at == "open":
        if how == "limit":
            _limit(1000)
        else:
            _refuse_fsync()
        return
    owner, name = MOMENTS[at]
    real = getattr(owner, name)
    calls = 0

    @wraps(real)
    async def broken(self: Any, *args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            await _break(how, db if at == "checkpoint" else Path(f"{db}-wal"), self._db)
        return await real(self, *args)

    setattr(owner, name, broken)


async def _break(how: str, file: Path, db: Any) -> None:
    if how == "limit":
        _limit(file.stat().st_size)
    elif how == "pages":
        ((pages,),) = await db.execute_fetchall("PRAGMA page_count")
        await db.execute_fetchall(f"PRAGMA max_page_count = {pages}")
    else:
        _refuse_fsync()


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


# ---- fsync

_SECCOMP = {"x86_64": (317, 74, 75), "aarch64": (277, 82, 83)}
"""Numbers of the calls seccomp, fsync and fdatasync."""


class _Filter(ctypes.Structure):
    """struct sock_filter"""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Filter)))


def _refuse_fsync() -> None:
    """All threads of this process get EIO; where the kernel does not offer that, the one
    statement that needs fsync fails as SQLite would have it fail."""
    numbers = _SECCOMP.get(platform.machine())
    if numbers is None or not _seccomp(*numbers):
        _fail_statements()


def _seccomp(seccomp: int, fsync: int, fdatasync: int) -> bool:
    load, equal, answer = 0x20, 0x15, 0x06
    allow, eio = 0x7FFF0000, 0x00050000 | 5
    rules = (
        (load, 0, 0, 0),  # the number of the call
        (equal, 1, 0, fsync),
        (equal, 0, 1, fdatasync),
        (answer, 0, 0, eio),
        (answer, 0, 0, allow),
    )
    filters = (_Filter * len(rules))(*(_Filter(*rule) for rule in rules))
    program = _Program(len(rules), filters)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        no_new_privileges, set_filter, all_threads = 38, 1, 1
        if libc.prctl(no_new_privileges, 1, 0, 0, 0):
            return False
        return not libc.syscall(seccomp, set_filter, all_threads, ctypes.byref(program))
    except (OSError, AttributeError):
        return False


def _fail_statements() -> None:
    def change(sql: str) -> str:
        if "wal_checkpoint" in sql or "journal_mode" in sql or sql == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return sql

    _change_statements(change)


# ---- no WAL


def _forbid_wal() -> None:
    """SQLite's own way to lock files without shared memory, as the default; where its library
    is not within reach, the same answer."""
    try:
        library = ctypes.CDLL(_loaded_library())
        library.sqlite3_vfs_find.restype = ctypes.c_void_p
        vfs = library.sqlite3_vfs_find(b"unix-dotfile")
        if library.sqlite3_vfs_register(ctypes.c_void_p(vfs), 1) == 0:
            return
    except (OSError, AttributeError):
        pass
    _change_statements(lambda sql: sql.replace("journal_mode = WAL", "journal_mode = DELETE"))


def _loaded_library() -> str | None:
    """The very libsqlite3 that Python uses; None: it is part of Python."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "libsqlite3" in line:
            return line.split()[-1]
    return None


def _change_statements(change: Callable[[str], str]) -> None:
    class Changed(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            return super().execute(change(sql), *args)

    real = sqlite3.connect
    vars(sqlite3)["connect"] = lambda *args, **options: real(*args, factory=Changed, **options)
