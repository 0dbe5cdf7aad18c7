"""The database as a file: its lock against a second run, its mode, and what it is not."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from scrapeq.errors import StorageError, UsageError

_SQLITE_HEADER = b"SQLite format 3\0"
_ELSE = "or give another file with -o"

COMPANIONS = {
    "-lock": (),
    "-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    "-shm": ((3007000).to_bytes(4, sys.byteorder),),
    "-journal": (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7",),
}
"""Files beside the database that it writes over and deletes, and how theirs begin:
https://www.sqlite.org/fileformat.html and walformat.html. They may also be empty or zeros."""


class DatabaseFile:
    """One run a file. The lock lies beside it and dies with its process, also after `kill -9`."""

    def __init__(self, path: Path) -> None:
        if not path.name:
            raise StorageError(f"{path}: is a folder; give a file with -o")
        self.path = path
        self._lock_path = self._beside("-lock")
        self._lock: int | None = None
        self._is_made = False
        self._seen: dict[Path, os.stat_result] = {}

    def lock(self) -> None:
        """Raise StorageError when another run has it, or the folder cannot be written, and
        UsageError when something of somebody else's has the name of a file to be made."""
        self._check_companions()
        while True:
            descriptor = self._open_lock()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise StorageError(
                    f"{self.path}: another scrapeq run is using it; wait for its end, {_ELSE}"
                ) from None
            if self._is_still_there(descriptor):
                self._lock = descriptor
                return
            os.close(descriptor)  # its owner ended and removed it in between

    def unlock(self) -> None:
        if self._is_made:
            with suppress(OSError):
                if not self.path.stat().st_size:  # nothing came of it
                    self.path.unlink()
        if self._lock is not None:
            with suppress(OSError):  # a lock file that is left over locks nobody out
                self._lock_path.unlink(missing_ok=True)
            with suppress(OSError):
                os.close(self._lock)
            self._lock = None

    def check(self) -> None:
        """Create an empty file only its owner may read, or refuse one that is no database."""
        if self.path.is_symlink():
            raise StorageError(f"{self.path}: is a symbolic link; give the file itself with -o")
        is_new = not self.path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
        except OSError as exc:
            raise StorageError(f"{self.path}: {exc.strerror}; mend that, {_ELSE}") from None
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):  # reading a pipe would wait
                raise StorageError(f"{self.path}: is no ordinary file; give another with -o")
            header = os.read(descriptor, len(_SQLITE_HEADER))
        finally:
            os.close(descriptor)
        if header not in (b"", _SQLITE_HEADER):
            raise StorageError(f"{self.path}: is not a SQLite database; give another file with -o")
        if about.st_nlink > 1:
            # Its log has the name of one of them only, and so has the lock:
            # https://www.sqlite.org/howtocorrupt.html, 2.5
            raise StorageError(
                f"{self.path}: has another name too (a hard link), under which its -wal would not "
                "be found; copy it, and give the copy with -o"
            )
        if not header and not is_new and self._size("-wal"):
            raise StorageError(
                f"{self.path}: is empty, but its -wal is not, which SQLite would delete; put the "
                "database back, or move both away"
            )
        self._is_made = is_new

    def remember(self) -> None:
        """Note which files the names stand for, once SQLite has made them all."""
        for path in (self.path, self._beside("-wal"), self._beside("-shm")):
            if path.exists():
                self._seen[path] = path.stat()

    def check_place(self) -> None:
        """Raise StorageError if they no longer do: SQLite writes on into a deleted file."""
        try:
            same = all(os.path.samestat(os.stat(path), was) for path, was in self._seen.items())
        except OSError:
            same = False
        if not same:
            raise StorageError(
                f"{self.path}: was deleted or moved while in use (or its -wal or -shm); put back "
                "what you can, then run the same command again"
            )

    def _open_lock(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(self._lock_path, flags, 0o600)
        except OSError as exc:
            raise StorageError(
                f"{self.path}: no file can be made in its folder ({exc.strerror}); mend it, {_ELSE}"
            ) from None

    def _check_companions(self) -> None:
        for end, beginnings in COMPANIONS.items():
            path = self._beside(end)
            if not _is_nobodys(path, beginnings):
                raise UsageError(
                    f"{path}: is in the way: the database {self.path.name} needs that name; rename "
                    f"it, {_ELSE}"
                )

    def _beside(self, end: str) -> Path:
        return self.path.with_name(self.path.name + end)

    def _size(self, end: str) -> int:
        try:
            return self._beside(end).stat().st_size
        except OSError:
            return 0

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._lock_path))
        except FileNotFoundError:
            return False


def _is_nobodys(path: Path, beginnings: tuple[bytes, ...]) -> bool:
    """Whether a file may be taken: it is not there, or begins as one of ours."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return False
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:  # what is not there; what may not be read is refused where it is opened
        return True
    return not head.strip(b"\0") or head.startswith(beginnings)
