"""The database as a file: its lock against a second run, its mode, and what it is not."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from scrapeq.errors import StorageError

_SQLITE_HEADER = b"SQLite format 3\0"


class DatabaseFile:
    """One run a file. The lock lies beside it and dies with its process, also after `kill -9`."""

    def __init__(self, path: Path) -> None:
        if not path.name:
            raise StorageError(f"{path}: is a folder; give a file with -o")
        self.path = path
        self._lock_path = path.with_name(path.name + "-lock")
        self._lock: int | None = None
        self._seen: dict[Path, os.stat_result] = {}

    def lock(self) -> None:
        """Raise StorageError when another run has it, or the folder cannot be written."""
        while True:
            descriptor = self._open_lock()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise StorageError(f"{self.path}: another scrapeq run is using it") from None
            if self._is_still_there(descriptor):
                self._lock = descriptor
                return
            os.close(descriptor)  # its owner ended and removed it in between

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock_path.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def check(self) -> None:
        """Create an empty file only its owner may read, or refuse one that is no database."""
        if self.path.is_symlink():
            raise StorageError(f"{self.path}: is a symbolic link; give the file itself with -o")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags, 0o600)
        except OSError as exc:
            raise StorageError(f"{self.path}: {exc.strerror}") from None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # reading a pipe would wait
                raise StorageError(f"{self.path}: is no ordinary file; give another with -o")
            header = os.read(descriptor, len(_SQLITE_HEADER))
        finally:
            os.close(descriptor)
        if header not in (b"", _SQLITE_HEADER):
            raise StorageError(f"{self.path}: is not a SQLite database; give another file with -o")

    def remember(self) -> None:
        """Note which files the names stand for, once SQLite has made them all."""
        for path in (self.path, self.path.with_name(self.path.name + "-wal")):
            if path.exists():
                self._seen[path] = path.stat()

    def check_place(self) -> None:
        """Raise StorageError if they no longer do: SQLite writes on into a deleted file."""
        try:
            same = all(os.path.samestat(os.stat(path), was) for path, was in self._seen.items())
        except OSError:
            same = False
        if not same:
            raise StorageError(f"{self.path}: was deleted or moved while in use")

    def _open_lock(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(self._lock_path, flags, 0o600)
        except OSError as exc:
            raise StorageError(
                f"{self.path}: no file can be made in its folder ({exc.strerror})"
            ) from None

    def _is_still_there(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._lock_path))
        except FileNotFoundError:
            return False
