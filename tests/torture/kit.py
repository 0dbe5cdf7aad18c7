"""What torture runs share: the site in a process of its own, programs in a group of their own."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGKILL
from typing import Any

import psutil

from tests.program_kit import environment

PATIENCE = 120.0
"""Seconds after which a run hangs. A run takes some 3 seconds on a quiet machine."""
GONE_WITHIN = 20.0
"""Seconds in which what a dead program has started must be gone as well."""


class Site:
    """The process of `site.py`, and what can be asked of it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def tally(self) -> dict[str, int]:
        """Requests by path, once nobody is connected any more."""
        return self._ask("/_tally")

    def reset(self) -> None:
        self._ask("/_reset")

    def kill(self, pid: int, *, group: bool, at: int, after: float) -> None:
        self._ask(f"/_kill?pid={pid}&group={int(group)}&at={at}&after={after}")

    def _ask(self, path: str) -> dict[str, int]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path)
            answer: dict[str, int] = json.loads(connection.getresponse().read())
            return answer


@contextmanager
def site() -> Iterator[Site]:
    """A site that serves until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-IS", str(Path(__file__).with_name("site.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Site(int(process.stdout.readline()))
        finally:
            process.stdin.close()


class Group:
    """A program and all that it starts, in a process group of its own."""

    def __init__(self, command: Sequence[str], folder: Path, log: Path) -> None:
        self.log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """The exit code, negative for a signal; None if it is still at work."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self, *, group: bool = True) -> None:
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self.pid, SIGKILL)
        self._process.wait(PATIENCE)

    def leftovers(self) -> list[str]:
        """Processes of the group that outlive the program for longer than they may."""
        end = time.monotonic() + GONE_WITHIN
        while (found := self._members()) and time.monotonic() < end:
            time.sleep(0.02)
        return found

    def _members(self) -> list[str]:
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):  # the latter: only zombies, on macOS
            return []
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                is_member = os.getpgid(process.pid) == self.pid
                if is_member and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} {process.cmdline()[:4]}")
        return found


def read_copy(db: Path, scratch: Path) -> sqlite3.Connection | None:
    """Open a copy of a database and of its log, so that what a dead run has left stays as it is.
    None if there is nothing to open."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for name in (db.name, db.name + "-wal"):
        if (db.parent / name).exists():
            shutil.copy(db.parent / name, scratch / name)
    copy = scratch / db.name
    return sqlite3.connect(copy) if copy.exists() else None


def in_checkpoint(db: Path) -> bool:
    """Whether its log's index (walformat: WAL-Index Header) says that a checkpoint has begun, or
    a recovery was made, and not all frames were copied yet."""
    index = db.with_name(db.name + "-shm")
    words = struct.unpack_from("=9I", index.read_bytes(), 96) if index.exists() else [0] * 9
    return words[8] > words[0]


def select(connection: sqlite3.Connection, query: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(query))


def mapping(connection: sqlite3.Connection, query: str) -> Mapping[Any, Any]:
    return dict(connection.execute(query))
