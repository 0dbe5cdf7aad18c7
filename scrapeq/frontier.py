"""Which Request may go now: order, host fairness, pace and due times."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from scrapeq.models import Order, Outcome, Request
from scrapeq.retry import WRONG_CLOCK
from scrapeq.stores import Store

WINDOWS: dict[Order, int] = {"fifo": 4096, "lifo": 256, "priority": 256}
"""Pending URLs held in memory beyond those under way: how far the Frontier looks past a
host that may not be asked now. Smaller where a URL read later may have to go first."""

Ranked = tuple[float, int, Request]
"""No two have the same numbers: Requests are never compared."""


@dataclass(slots=True)
class _Host:
    active: int = 0
    """Requests handed out and not yet answered."""
    unstarted: int = 0
    """Of those, the ones that no fetcher has begun."""
    not_before: float = 0.0
    """Loop time at which the host may be asked again."""
    why: str = ""
    parked: list[Ranked] = field(default_factory=list)
    """A heap of its Requests that may not go now."""


class Frontier:
    """Hands out pending URLs of the Store, one at a time, as its host and the order allow.

    It holds no truth: what it has in memory is pending in the Store. It ends when the list
    has ended and every URL has its verdict.
    """

    def __init__(
        self,
        store: Store,
        *,
        order: Order = "fifo",
        per_host: int = 8,
        delay: float = 0.0,
        read_ahead: int = 1_000_000,
    ) -> None:
        self._store = store
        self._order = order
        self._per_host = per_host
        self._delay = delay
        self._read_ahead = read_ahead
        self._window = WINDOWS[order]
        self._hosts: dict[str, _Host] = {}
        self._ready: list[Ranked] = []
        self._held: set[int] = set()
        """Rows in memory or under way: the Store still calls them pending."""
        self._waiting = 0
        self._timers: list[tuple[float, str]] = []
        self._more = True
        """The Store may have rows to take that were never looked at."""
        self._next_due: float | None = 0.0
        self._list_ended = False
        self._begun = asyncio.Event()
        self.held_back_seconds: defaultdict[str, float] = defaultdict(float)
        """By politeness limit: how long nothing might go because of it."""
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    # ---- what the run tells it

    def begin(self) -> None:
        """Hand out from now on: enough of the list is in the Store to have an order."""
        self._begun.set()

    def list_grew(self) -> None:
        """New pending URLs are in the Store."""
        self._more = True
        self._update_room()
        self._changed.set()

    def list_ended(self) -> None:
        self._list_ended = True
        self.begin()
        self._changed.set()

    async def room(self) -> None:
        """Wait while more than `read_ahead` URLs lie pending: the back-pressure on the list."""
        await self._room.wait()

    def started(self, request: Request) -> None:
        """A fetcher begins with it: from now on the host's interval counts."""
        if self._delay and (host := self._hosts.get(request.host)):
            host.unstarted -= 1
            self._hold(request.host, asyncio.get_running_loop().time() + self._delay)
            self._changed.set()

    def left_out(self, request: Request) -> None:
        """It was settled without a request: no interval counts."""
        self._hosts[request.host].unstarted -= 1
        self.answered(request)
        self._changed.set()

    def answered(self, request: Request) -> None:
        """Its fetcher is done with it: the host has a place free."""
        host = self._hosts[request.host]
        host.active -= 1
        if host.parked:
            self._changed.set()
        self._unpark(request.host)

    def pause(self, host: str, seconds: float, why: str = "Retry-After") -> None:
        """Leave a host alone: it said 429, or asked for patience in another way, or is down."""
        if seconds <= 0:
            return
        self._hosts.setdefault(host, _Host()).why = why
        self._hold(host, asyncio.get_running_loop().time() + seconds)
        self._changed.set()

    def settled(self, outcome: Outcome) -> None:
        """The Store has committed this verdict."""
        self._held.discard(outcome.request.id)
        if outcome.verdict == "retry":
            if outcome.due is None:
                self._more = True
            else:
                self._note_due(outcome.due)
            self._changed.set()
        elif not self._held:  # it may have been the last
            self._changed.set()
        self._update_room()

    # ---- what it tells

    @property
    def under_way(self) -> int:
        """Requests that left and whose Outcome is not committed yet."""
        return len(self._held) - self._waiting

    @property
    def held_back(self) -> str:
        """The politeness limit that keeps Requests here while nothing else may go."""
        if self._ready or not self._waiting:
            return ""
        now = asyncio.get_running_loop().time()
        full = any(h.parked and h.active >= self._per_host for h in self._hosts.values())
        if full:
            return f"--per-host {self._per_host}"
        paused = [h for h in self._hosts.values() if h.parked and h.not_before > now + self._delay]
        return paused[0].why if paused else f"--delay {self._delay:g}"

    def waits(self) -> dict[str, float]:
        """Hosts that are left alone now, and for how many seconds more."""
        now = asyncio.get_running_loop().time()
        return {
            name: host.not_before - now
            for name, host in self._hosts.items()
            if host.not_before > now
        }

    async def __aiter__(self) -> AsyncIterator[Request]:
        await self._begun.wait()
        look: asyncio.Task[None] | None = None
        try:
            while True:
                self._changed.clear()
                if look is None and self._may_find():
                    look = asyncio.create_task(self._refill())
                # The Store may be at work on something else: what is ready need not wait for
                # it, unless a URL that goes before it is still to be found there.
                if look is not None and (look.done() or self._order != "fifo" or not self._ready):
                    await look
                    look = None
                if (request := self._next()) is not None:
                    yield request
                elif look is not None:
                    await look
                    look = None
                elif self._finished():
                    return
                else:
                    await self._something_new()
        finally:
            if look is not None:
                look.cancel()
                await asyncio.wait({look})

    def _next(self) -> Request | None:
        if self._timers:
            self._wake_hosts()
        while self._ready:
            ranked = heapq.heappop(self._ready)
            request = ranked[2]
            host = self._hosts.get(request.host)
            if host is None:
                host = self._hosts[request.host] = _Host()
            if self._may_go(host):
                host.active += 1
                host.unstarted += 1
                self._waiting -= 1
                if host.parked and self._may_go(host):  # there may be a place for one more
                    self._unpark(request.host)
                return request
            heapq.heappush(host.parked, ranked)
        return None

    def _may_go(self, host: _Host) -> bool:
        if host.active >= self._per_host or (self._delay and host.unstarted):
            return False
        return not host.not_before or host.not_before <= asyncio.get_running_loop().time()

    def _hold(self, name: str, until: float) -> None:
        host = self._hosts[name]
        if until > host.not_before:
            host.not_before = until
            heapq.heappush(self._timers, (until, name))

    def _wake_hosts(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._timers and self._timers[0][0] <= now:
            self._unpark(heapq.heappop(self._timers)[1])

    def _unpark(self, name: str) -> None:
        """Let a host's first parked Request try again; forget a host that has none."""
        host = self._hosts.get(name)
        if host is None:
            return
        if host.parked:
            heapq.heappush(self._ready, heapq.heappop(host.parked))
        elif not host.active and host.not_before <= asyncio.get_running_loop().time():
            del self._hosts[name]

    async def _refill(self) -> None:
        """Take from the Store what fits into the window."""
        now = time.time()
        room = self._window - self._waiting
        # Before the queries: what is told to us while they run comes on top.
        self._more, self._next_due = False, None
        taken = await self._store.take(room, self._order, self._held, now)
        self._held.update([request.id for request in taken])
        self._ready += map(self._ranked, taken)
        heapq.heapify(self._ready)
        self._waiting += len(taken)
        self._more = self._more or len(taken) == room
        if (stored := await self._store.next_due(now)) is not None:
            self._note_due(stored)

    def _may_find(self) -> bool:
        """The Store may have something to take, and there is room for it."""
        wait = 1.0 if self._next_due is None else self._next_due - time.time()
        due = not 0 < wait <= WRONG_CLOCK
        return (self._more or due) and self._has_room()

    def _has_room(self) -> bool:
        return self._waiting <= self._window // 2

    def _note_due(self, due: float) -> None:
        self._next_due = due if self._next_due is None else min(due, self._next_due)

    def _ranked(self, request: Request) -> Ranked:
        match self._order:
            case "fifo":
                return request.id, 0, request
            case "lifo":
                return -request.id, 0, request
            case "priority":
                return request.priority, request.id, request

    def _finished(self) -> bool:
        return self._list_ended and not self._held and not self._more and self._next_due is None

    async def _something_new(self) -> None:
        """Wait for news, or for the next host or retry to be due."""
        delays = []
        if self._timers:
            delays.append(self._timers[0][0] - asyncio.get_running_loop().time())
        if self._next_due is not None and self._has_room():
            delays.append(self._next_due - time.time())
        limit, since = self.held_back, asyncio.get_running_loop().time()
        if delays:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(delays))):
                    await self._changed.wait()
        else:
            await self._changed.wait()
        if limit:
            self.held_back_seconds[limit] += asyncio.get_running_loop().time() - since

    def _update_room(self) -> None:
        if self._store.counts.pending < self._read_ahead:
            self._room.set()
        else:
            self._room.clear()
