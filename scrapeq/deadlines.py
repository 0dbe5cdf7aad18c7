"""Time limits of one length for many attempts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from scrapeq.clock import LATE


class Deadlines:
    """Each attempt has `seconds`. One timer serves them all: one for each attempt, started and
    cancelled, takes a tenth of the time of a fetch."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[asyncio.Timeout, float] = {}
        """Loop times; infinite while the clock stands still."""
        self._anew: set[asyncio.Timeout] = set()
        """Those that began anew: once only, since it may be a server that keeps us so busy."""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Timeout:
        """A timeout to enter at once, and to `end` afterwards."""
        timeout = asyncio.timeout(None)
        self._set(timeout, asyncio.get_running_loop().time() + self._seconds)
        return timeout

    def end(self, timeout: asyncio.Timeout) -> None:
        self._due.pop(timeout, None)
        self._anew.discard(timeout)

    @contextmanager
    def stopped(self, timeout: asyncio.Timeout) -> Iterator[None]:
        """Its clock stands still: nobody is late who was told to wait."""
        clock = asyncio.get_running_loop().time
        if timeout in self._due:  # else it is over this very moment
            left = self._due[timeout] - clock()
            self._due[timeout] = float("inf")
        try:
            yield
        finally:
            if timeout in self._due:
                self._set(timeout, clock() + left)

    def expire_all(self) -> None:
        """The time of all that are under way is over."""
        self._expire(float("inf"))

    def _set(self, timeout: asyncio.Timeout, due: float) -> None:
        self._due[timeout] = due
        if self._timer is None or due < self._timer.when():
            self._wait(due)

    def _wait(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if due < float("inf"):
            self._timer = asyncio.get_running_loop().call_at(due, self._expire_due)

    def _expire_due(self) -> None:
        now = asyncio.get_running_loop().time()
        late = now - self._timer.when() if self._timer is not None else 0.0
        if late > LATE:  # it was this process that stood still: all begin anew
            for timeout in self._due.keys() - self._anew:
                self._due[timeout] = max(self._due[timeout], now + self._seconds)
            self._anew.update(self._due)
        self._expire(now)
        self._wait(min(self._due.values(), default=float("inf")))

    def _expire(self, now: float) -> None:
        over = [timeout for timeout, due in self._due.items() if due <= now]
        for timeout in over:
            del self._due[timeout]
            timeout.reschedule(0.0)
