"""What the measurements share: running a command, saying what it took, servers to ask."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
ROOT = HERE.parent
EXTRACT = HERE / "extract.toml"

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
"""The scrapeq that is measured is the one that lies beside this folder."""


def scrapeq(urls: Path | str, db: Path, *options: str, progress: str = "none") -> list[str]:
    """The command of one run that extracts the four fields of extract.toml."""
    command = [sys.executable, "-m", "scrapeq", "run", str(urls), "-o", str(db)]
    return [*command, "-c", str(EXTRACT), "--no-robots", "--progress", progress, *options]


def need(*missing: str) -> None:
    """Leave with a list of what has to be installed first, if there is anything."""
    if wanted := [what for what in missing if what]:
        sys.exit("missing:\n  " + "\n  ".join(wanted))


# ---- one run


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command took, all its processes together."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds in user and system, of every process that was waited for."""
    rss: float = 0.0
    """Peak MB; pages that processes share count once for each."""
    pss: float = 0.0
    """Peak MB; pages that processes share are divided between them."""


def run(
    command: Sequence[str], *, cpus: str = "", memory: bool = False, terminal: int | None = None
) -> Spent:
    """Run to the end. Exits with its last words where it failed.

    `memory` samples every process, which itself costs some CPU on another core. `terminal` is
    the descriptor that it writes to.
    """
    pin = ["taskset", "-c", cpus] if cpus else []
    with tempfile.TemporaryFile() as words:
        before, start = _children(), time.perf_counter()
        process = subprocess.Popen(
            [*pin, *command],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words if terminal is None else terminal,
            env=ENVIRONMENT,
        )
        peak = Peak(process.pid) if memory else None
        code = process.wait()
        wall, cpu = time.perf_counter() - start, _children() - before
        rss, pss = peak.stop() if peak else (0.0, 0.0)
        if code:
            words.seek(0)
            sys.exit(f"{command}: exit {code}\n{words.read().decode()[-2000:]}")
    return Spent(wall, cpu, rss, pss)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its descendants that are alive."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


class Peak:
    """The most memory that a process and its descendants held at once, looked at by a thread."""

    def __init__(self, pid: int, every: float = 0.2) -> None:
        self._pid, self._every = pid, every
        self._rss = self._pss = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[float, float]:
        """Peak RSS and PSS in MB."""
        self._over.set()
        self._thread.join()
        return self._rss, self._pss

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            rss = pss = 0
            for process in tree(self._pid):
                with suppress(psutil.Error):
                    full = process.memory_full_info()
                    rss, pss = rss + full.rss, pss + full.pss
            self._rss, self._pss = max(self._rss, rss / 1e6), max(self._pss, pss / 1e6)


@dataclass(frozen=True, slots=True)
class Activity:
    """What the threads of all processes of a run did so far."""

    cpu: float
    """Seconds on a core."""
    wakeups: int
    """Times that a thread slept of its own will, and so was woken."""

    def __sub__(self, other: Activity) -> Activity:
        return Activity(self.cpu - other.cpu, self.wakeups - other.wakeups)


def activity(pid: int) -> Activity:
    """Read from /proc, in nanoseconds where user and system time are in hundredths."""
    cpu = wakeups = 0
    for process in tree(pid):
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            with suppress(OSError):
                cpu += int((task / "schedstat").read_text().split()[0])
                status = (task / "status").read_text()
                wakeups += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return Activity(cpu / 1e9, wakeups)


# ---- servers


class Responder:
    """`responder.py` as a process: the same page to everybody, on many addresses."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, str(HERE / "responder.py"), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> Responder:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> dict[str, Any]:
        """End it. Returns its log: by address `requests`, and `first` and `last` as epoch times."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> dict[str, Any]:
        """Its log, when it has answered `--enough` times."""
        assert self._process.stdout is not None
        log: dict[str, Any] = json.loads(self._process.stdout.readline())
        return log


@contextmanager
def nginx(folder: Path) -> Iterator[None]:
    """The corpus on the ports of nginx.conf, for as long as the block lasts."""
    if _answers(8481) or _answers(8482):
        sys.exit("port 8481 or 8482 is in use: does another measurement run?")
    command = ["nginx", "-p", str(folder), "-c", str(HERE / "nginx.conf"), "-e", "stderr"]
    server = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        while not _answers(8481):
            if server.poll() is not None:
                sys.exit("nginx has ended")
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
