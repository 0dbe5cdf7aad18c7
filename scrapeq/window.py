"""What happened between two readings of one run, as rates and as shares of 0 to 1."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from scrapeq.models import QueueStatus, Reading, StageStatus

HALF_FULL = 0.4
"""The mean depth, as a share, of a queue that is filled up again as fast as it is emptied: a
consumer that takes 32 of 64 at a time leaves it at half."""


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def named(things: Sequence[N], name: str) -> N | None:
    """The stage or queue of that name."""
    return next((thing for thing in things if thing.name == name), None)


def share(part: float, whole: float) -> float:
    """0 to 1, whatever the clocks and the counters did."""
    return min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0


@dataclass(frozen=True)
class Window:
    """From `earlier` to `reading`, or the whole run so far where there is no earlier one."""

    reading: Reading
    earlier: Reading | None = None

    @property
    def seconds(self) -> float:
        return max(0.0, self.reading.elapsed - (self.earlier.elapsed if self.earlier else 0.0))

    def rate(self, amount: float, before: float = 0.0) -> float:
        """A second, of something that was `before` when the window opened."""
        return max(0.0, amount - before) / self.seconds if self.seconds else 0.0

    def bytes_per_second(self) -> float:
        return self.rate(self.reading.bytes, self.earlier.bytes if self.earlier else 0)

    def settled_per_second(self) -> float:
        before = self.earlier.counts if self.earlier else self.reading.before
        return self.rate(self.reading.counts.settled, before.settled)

    def per_second(self, stage: StageStatus) -> float:
        was = self._stage_before(stage)
        return self.rate(stage.done, was.done if was else 0)

    def busy(self, stage: StageStatus) -> float:
        """Of the time of all its workers."""
        was = self._stage_before(stage)
        spent = stage.busy_seconds - (was.busy_seconds if was else 0.0)
        return share(spent, stage.workers * self.seconds)

    def starved(self, stage: StageStatus) -> float:
        """Of the time of all its workers."""
        was = self._stage_before(stage)
        spent = stage.starved_seconds - (was.starved_seconds if was else 0.0)
        return share(spent, stage.workers * self.seconds)

    def held_back(self) -> dict[str, float]:
        """By flag: the share of the time in which it held fetchers back."""
        before = self.earlier.held_back_seconds if self.earlier else {}
        spent = self.reading.held_back_seconds
        return {
            limit: share(spent[limit] - before.get(limit, 0.0), self.seconds) for limit in spent
        }

    def full(self, queue: QueueStatus) -> float:
        was = self._queue_before(queue)
        return share(queue.full_seconds - (was.full_seconds if was else 0.0), self.seconds)

    def put_wait(self, queue: QueueStatus) -> float:
        """Of the time of all its producers."""
        was = self._queue_before(queue)
        spent = queue.put_wait_seconds - (was.put_wait_seconds if was else 0.0)
        return share(spent, queue.producers * self.seconds)

    def mean_fill(self, queue: QueueStatus) -> float:
        """How full it was on the average."""
        was = self._queue_before(queue)
        spent = queue.item_seconds - (was.item_seconds if was else 0.0)
        return share(spent, queue.capacity * self.seconds)

    def stays_full(self, queue: QueueStatus) -> bool:
        """Nearly full all along: its consumer takes a batch, and it fills up again at once."""
        if self.full(queue) >= 0.5 or self.mean_fill(queue) >= HALF_FULL:
            return True
        was = self._queue_before(queue)
        return was is not None and min(_filled(was), _filled(queue)) >= 0.8

    def _stage_before(self, stage: StageStatus) -> StageStatus | None:
        return named(self.earlier.stages, stage.name) if self.earlier else None

    def _queue_before(self, queue: QueueStatus) -> QueueStatus | None:
        return named(self.earlier.queues, queue.name) if self.earlier else None


def _filled(queue: QueueStatus) -> float:
    return share(queue.depth, queue.capacity)


class Recent:
    """Remembers readings, so that a window can open some seconds in the past."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._readings: deque[Reading] = deque()

    def opening(self, reading: Reading) -> Reading | None:
        """The earlier reading of the window that this one closes; none for the first."""
        readings = self._readings
        while len(readings) > 1 and reading.elapsed - readings[1].elapsed >= self._seconds:
            readings.popleft()
        earlier = readings[0] if readings else None
        readings.append(reading)
        return earlier
