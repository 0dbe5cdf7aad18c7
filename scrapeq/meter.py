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
        self._found: Percentiles | None = None
        """Of all of them, until there is another."""

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)
        self._found = None

    def percentiles(self) -> Percentiles | None:
        if self._found is None and self._seconds:
            two = self._seconds if len(self._seconds) > 1 else [self._seconds[0]] * 2
            cuts = statistics.quantiles(two, n=100, method="inclusive")
            self._found = Percentiles(cuts[49], cuts[94], cuts[98])
        return self._found
