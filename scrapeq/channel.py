"""The bounded queue with an end. It knows nothing of what travels in it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from scrapeq.meter import Meter
from scrapeq.models import Order

T = TypeVar("T")


class EndOfChannel(Exception):  # noqa: N818 - a signal, as StopIteration is, not an error
    """Every producer is done and the queue is empty."""


class _End:
    """The marker that follows the last item."""


class _LastInFirstOut(asyncio.LifoQueue[Any]):
    """A stack whose end marker lies at the bottom, below what is still inside."""

    def _put(self, item: Any) -> None:
        if isinstance(item, _End):
            self._queue.insert(0, item)  # type: ignore[attr-defined]
        else:
            super()._put(item)


class _LowestFirst(asyncio.PriorityQueue[Any]):
    """A heap whose end marker sorts after every item; equals leave as they came."""

    def __init__(self, capacity: int, rank: Callable[[Any], float]) -> None:
        super().__init__(capacity)
        self._rank = rank
        self._arrival = itertools.count()

    def _put(self, item: Any) -> None:
        end = isinstance(item, _End)
        super()._put((end, 0.0 if end else self._rank(item), next(self._arrival), item))

    def _get(self) -> Any:
        return super()._get()[-1]


class Channel(Generic[T]):
    """A bounded queue whose consumers learn when its producers are done."""

    def __init__(
        self,
        capacity: int,
        order: Order = "fifo",
        rank: Callable[[T], float] = lambda item: 0.0,
    ) -> None:
        self.capacity = capacity
        self.peak = 0
        self._queue: asyncio.Queue[T | _End]
        match order:
            case "fifo":
                self._queue = asyncio.Queue(capacity)
            case "lifo":
                self._queue = _LastInFirstOut(capacity)
            case "priority":
                self._queue = _LowestFirst(capacity, rank)
        self._closed = False
        self._gatherers: list[tuple[Callable[[int], bool], asyncio.Event]] = []
        self._putting = Meter()
        self._getting = Meter()
        self._full = Meter()
        self._depth = Meter()

    def __len__(self) -> int:
        return self._queue.qsize() - self._closed

    async def put(self, item: T) -> None:
        """Wait for room, then put. Raises RuntimeError on a closed channel."""
        if self._closed:
            raise RuntimeError("put after the end")
        if self._queue.full():
            self._putting.set(self._putting.level + 1)
            try:
                await self._queue.put(item)
            finally:
                self._putting.set(self._putting.level - 1)
        else:
            self._queue.put_nowait(item)
        self._note_depth()
        if self._gatherers:
            self._tell_gatherers()

    async def close(self) -> None:
        """Mark the end: once, after the last producer has returned."""
        if self._closed:
            raise RuntimeError("closed twice")
        await self._queue.put(_End())
        self._closed = True
        self._tell_gatherers()

    async def get(self) -> T:
        """Wait for an item. Raises EndOfChannel when there will be none."""
        if self._queue.empty():
            self._getting.set(self._getting.level + 1)
            try:
                item = await self._queue.get()
            finally:
                self._getting.set(self._getting.level - 1)
        else:
            item = self._queue.get_nowait()
        if isinstance(item, _End):
            # Hand the marker on to the next consumer. This get() freed its slot
            # and nobody else puts any more, so there is always room.
            self._queue.put_nowait(item)
            raise EndOfChannel
        self._note_depth()
        return item

    async def get_many(self, limit: int) -> list[T]:
        """Wait for one item, then take what is already there, and leave their share to those who
        wait as well."""
        items = [await self.get()]
        for _ in range(min(limit - 1, len(self) // (1 + self._getting.level))):
            items.append(await self.get())  # noqa: PERF401 - a list has no await
        return items

    async def gather(self, seconds: float, enough: Callable[[int], bool]) -> None:
        """Let items gather for so many seconds, or until `enough` says so of their number, the
        queue is full, or there will be no more."""
        told = asyncio.Event()
        gatherer = (enough, told)
        timer = asyncio.get_running_loop().call_later(seconds, told.set)
        self._gatherers.append(gatherer)
        self._tell_gatherers()
        try:
            await told.wait()
        finally:
            self._gatherers.remove(gatherer)
            timer.cancel()

    def put_wait_seconds(self) -> float:
        """Producer-seconds spent waiting for room."""
        return self._putting.area()

    def starved_seconds(self) -> float:
        """Consumer-seconds spent waiting for an item."""
        return self._getting.area()

    def full_seconds(self) -> float:
        return self._full.area()

    def item_seconds(self) -> float:
        """Seconds that items spent waiting inside, all together."""
        return self._depth.area()

    def _tell_gatherers(self) -> None:
        depth = len(self)
        for enough, told in self._gatherers:
            if self._closed or depth >= self.capacity or enough(depth):
                told.set()

    def _note_depth(self) -> None:
        depth = len(self)
        self._depth.set(depth)
        self.peak = max(self.peak, depth)
        full = depth >= self.capacity
        if full != self._full.level:
            self._full.set(full)
