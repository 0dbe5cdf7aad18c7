"""Levels and times, measured where they happen and read by the screen."""

from __future__ import annotations

import statistics
import time
from collections import deque

from scrapeq.models import Percentiles


class Meter:
    """A level over time: `area()` is its integral, in level-seconds."""

    __slots__ = ("_area", "_since", "level")

    def __init__(self) -> None:
        self.level = 0
        self._area = 0.0
        self._since = time.monotonic()

    def set(self, level: int) -> None:
        now = time.monotonic()
        self._area += self.level * (now - self._since)
        self._since = now
        self.level = level

    def area(self) -> float:
        return self._area + self.level * (time.monotonic() - self._since)


class Latency:
    """How long items took: the last 2,048 of them."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=2048)

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)

    def percentiles(self) -> Percentiles | None:
        if len(self._seconds) < 2:
            return Percentiles(*[self._seconds[0]] * 3) if self._seconds else None
        cuts = statistics.quantiles(self._seconds, n=100, method="inclusive")
        return Percentiles(cuts[49], cuts[94], cuts[98])
