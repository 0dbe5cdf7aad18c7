"""Starts the program and kills it at a moment that only it can know: `launcher.py JSON WORD...`.

JSON has `steps`, each of which waits for the one before:

    {"on": "sql", "match": "^COMMIT", "nth": 3, "do": "kill", "after": 0.001}

`on`: `sql`, a statement that SQLite begins, or `audit`, an event of the interpreter and its first
argument (`subprocess.Popen /usr/bin/python3`). `do`: `kill` the whole process group, or this
process `alone`; send it `SIGTERM` or `SIGINT`; kill one of its `child`ren; or set `limit`, so that
the system kills it, with SIGXFSZ, in the middle of the write that makes the -wal file grow by more
than `bytes`. A step without `do` only waits. `after`: seconds from the event.

`checkpoint`: kill the group in the checkpoint with this number, seen in SQLite's own shared memory.
`pages`: make a checkpoint whenever the -wal file has so many.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sqlite3
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

DATABASE = Path("scrapeq.db")
_EVENTS = ("open", "os.remove", "sqlite3.connect", "subprocess.Popen")
_WAL, _SHM = (DATABASE.with_name(DATABASE.name + end) for end in ("-wal", "-shm"))


def kill() -> None:
    os.killpg(0, signal.SIGKILL)


class Script:
    """The steps that are still to come."""

    def __init__(self, steps: list[dict[str, Any]]) -> None:
        self._steps = steps
        self._seen = 0

    def tell(self, source: str, what: str) -> None:
        """Something has happened: it may be what the next step waits for."""
        if not self._steps:
            return
        step = self._steps[0]
        if step["on"] != source or not re.search(step["match"], what):
            return
        self._seen += 1
        if self._seen == step.get("nth", 1):
            self._seen = 0
            self._steps.pop(0)
            if "do" in step:
                _do(step)


def _do(step: dict[str, Any]) -> None:
    action = _actions(step)[step["do"]]
    if after := step.get("after", 0.0):
        timer = threading.Timer(after, action)
        timer.daemon = True
        timer.start()
    else:
        action()


def _actions(step: dict[str, Any]) -> dict[str, Callable[[], None]]:
    own = os.getpid()
    return {
        "kill": kill,
        "alone": lambda: os.kill(own, signal.SIGKILL),
        "SIGTERM": lambda: os.kill(own, signal.SIGTERM),
        "SIGINT": lambda: os.kill(own, signal.SIGINT),
        "child": _kill_child,
        "limit": lambda: _limit(step["bytes"]),
    }


def _kill_child() -> None:
    import psutil

    psutil.Process().children()[0].kill()


def _limit(growth: int) -> None:
    file = _WAL if _WAL.exists() else DATABASE
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + growth, -1))


def watch(script: Script, pages: int | None) -> None:
    """Tell the script of each statement and event from now on."""

    class Watched(sqlite3.Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.set_trace_callback(lambda sql: script.tell("sql", sql[:60]))

        def executescript(self, text: str) -> sqlite3.Cursor:
            if pages is not None and "wal_autocheckpoint" in text:
                text += f"; PRAGMA wal_autocheckpoint = {pages}"
            return super().executescript(text)

    real = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        return real(*args, factory=Watched, **options)

    vars(sqlite3)["connect"] = connect

    def heard(event: str, args: tuple[Any, ...]) -> None:
        if event in _EVENTS:
            script.tell("audit", f"{event} {args[0]!r}")

    sys.addaudithook(heard)


def watch_checkpoints(number: int) -> None:
    """From a process of its own, which no lock of the interpreter holds up: kill the group in
    checkpoint `number`. In SQLite's shared memory (walformat: WAL-Index Header) the frames that a
    checkpoint wants to copy, at byte 128, are then ahead of those copied, at byte 96."""
    parent = os.getpid()
    if os.fork():
        return
    seen, inside = 0, False
    while os.getppid() == parent:
        with suppress(OSError, struct.error), _SHM.open("rb", buffering=0) as file:
            while os.getppid() == parent and file.seek(96) == 96:
                words = struct.unpack("=9I", file.read(36))
                inside, before = words[8] > words[0], inside
                seen += inside and not before
                if seen == number:
                    kill()
                time.sleep(0.00002)
        time.sleep(0.00002)
    os._exit(0)


def main() -> None:
    told, *words = sys.argv[1:]
    world = json.loads(told)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # for `limit`: Python ignores it
    if "checkpoint" in world:
        watch_checkpoints(world["checkpoint"])
    from scrapeq import cli

    watch(Script(world.get("steps", [])), world.get("pages"))
    sys.argv = ["scrapeq", *words]
    cli.main()


if __name__ == "__main__":
    main()
