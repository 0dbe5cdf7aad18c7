"""The screen where there is no terminal: one line now and then."""

from __future__ import annotations

import select
from typing import IO, TextIO

from scrapeq.advice import bottleneck
from scrapeq.models import Reading
from scrapeq.text import safe
from scrapeq.window import Window, named

BROKEN = (OSError, ValueError)
"""What a stream raises that is a closed pipe, a full device, a terminal hung up, a closed file."""


def say(stream: TextIO, line: str) -> bool:
    """Write a line, at once. False: nobody can read it any more, which is no reason to stop."""
    try:
        stream.write(line + "\n")
        stream.flush()
    except BROKEN:
        return False
    return True


def has_room(stream: IO[str]) -> bool:
    """Whether a write would not wait: a terminal paused with Ctrl-S must not pause the run."""
    try:
        return bool(select.select([], [stream], [], 0)[1])
    except BROKEN:
        return True  # no file descriptor that could be waited for


class PlainLines:
    """One `key=value` line a reading, in ASCII, for logs and for `grep`."""

    interval = 10.0

    def __init__(self, stream: TextIO, *, cores: int) -> None:
        self._stream: TextIO | None = stream
        self._cores = cores
        self._earlier: Reading | None = None

    def show(self, reading: Reading) -> None:
        if self._stream is None or not has_room(self._stream):
            return
        line = plain_line(reading, self._earlier, self._cores)
        self._earlier = reading
        if not say(self._stream, line):
            self._stream = None

    def close(self) -> None:
        self._stream = None


def plain_line(reading: Reading, earlier: Reading | None, cores: int) -> str:
    """`t=102 pending=4288 done=5646 ...`: no value holds a blank."""
    window, counts = Window(reading, earlier), reading.counts
    fetch = named(reading.stages, "fetch")
    fields = {
        "t": f"{reading.elapsed:.0f}",
        "pending": counts.pending,
        "done": counts.done,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "read": counts.read,
        "per_s": f"{window.settled_per_second():.1f}",
        "mb_s": f"{window.bytes_per_second() / 1e6:.1f}",
        "fetch_busy": f"{fetch.busy}/{fetch.workers}" if fetch else "0/0",
        **{queue.name: f"{queue.depth}/{queue.capacity}" for queue in reading.queues},
        "retries": reading.retries,
        "bottleneck": bottleneck(reading, earlier, cores).stage or "none",
    }
    if reading.stopping:
        fields["stopping"] = "-".join(safe(reading.stopping).split())
    line = " ".join(f"{key}={value}" for key, value in fields.items())
    return line.encode("ascii", "replace").decode()
