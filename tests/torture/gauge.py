"""Starts the program and measures it from inside: `gauge.py FILE WORD...`.

FILE is told at the end, as JSON: the memory of the program itself before the first page and at
most, in bytes; how long its event loop was held at most between two looks at its sockets, in
seconds of CPU and of the clock; and how long each parse process took that replaced another.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from scrapeq import plant, workers
from scrapeq.__main__ import main


class Gauge:
    """What has been measured so far."""

    def __init__(self) -> None:
        self.running = False
        self.memory = 0
        self.held_cpu = self.held_wall = 0.0
        self.starts: list[float] = []

    def as_json(self) -> str:
        return json.dumps(
            {
                "memory": self.memory,
                "peak": _memory("VmHWM"),
                "held_cpu": round(self.held_cpu, 4),
                "held_wall": round(self.held_wall, 4),
                "starts": [round(seconds, 3) for seconds in self.starts],
            }
        )


def _memory(what: str) -> int:
    """Bytes, of this program alone: what getrusage tells began with the one that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(what))


def _watch_the_loop(gauge: Gauge) -> None:
    loop: Any = asyncio.SelectorEventLoop
    real = loop._run_once

    def run_once(self: Any) -> None:
        woken = time.perf_counter()
        select = self._selector.select

        def selected(timeout: float | None) -> Any:
            nonlocal woken
            found = select(timeout)
            woken = time.perf_counter()
            return found

        self._selector.select = selected
        began = time.thread_time()
        try:
            real(self)
        finally:
            del self._selector.select
            if gauge.running:
                gauge.held_cpu = max(gauge.held_cpu, time.thread_time() - began)
                gauge.held_wall = max(gauge.held_wall, time.perf_counter() - woken)

    loop._run_once = run_once


def _watch_the_processes(gauge: Gauge) -> None:
    slot: Any = workers._Slot
    start, ready = slot.start, slot.ready

    def timed_start(self: Any) -> Any:
        self.started = time.perf_counter() if gauge.running else 0.0  # not the first ones
        return start(self)

    async def timed_ready(self: Any) -> Any:
        process = await ready(self)
        if gauge.running and self.started:
            gauge.starts.append(time.perf_counter() - self.started)
        self.started = 0.0
        return process

    slot.start, slot.ready = timed_start, timed_ready


def _begin_with_the_run(gauge: Gauge) -> None:
    real: Any = plant.Plant.__init__

    def begin(self: Any, *args: Any, **options: Any) -> None:
        real(self, *args, **options)
        gauge.memory = _memory("VmRSS")
        gauge.running = True

    plant.Plant.__init__ = begin  # type: ignore[method-assign]


def _tell_at_the_end(gauge: Gauge, file: Path) -> None:
    leave = os._exit

    def tell(status: int) -> NoReturn:
        file.write_text(gauge.as_json())
        leave(status)

    os._exit = tell


if __name__ == "__main__":
    told, *words = sys.argv[1:]
    measured = Gauge()
    _watch_the_loop(measured)
    _watch_the_processes(measured)
    _begin_with_the_run(measured)
    _tell_at_the_end(measured, Path(told))
    sys.argv = ["scrapeq", *words]
    main()
