"""Time limits of one length for many attempts at once."""

from __future__ import annotations

import asyncio


class Deadlines:
    """Each attempt has `seconds`. One timer serves them all: one for each attempt, started and
    cancelled, takes a tenth of the time of a fetch."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[asyncio.Timeout, float] = {}
        """Loop times; the one begun first is due first."""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Timeout:
        """A timeout to enter at once, and to `end` afterwards."""
        timeout = asyncio.timeout(None)
        self._due[timeout] = asyncio.get_running_loop().time() + self._seconds
        if self._timer is None:
            self._wait()
        return timeout

    def end(self, timeout: asyncio.Timeout) -> None:
        self._due.pop(timeout, None)

    def expire_all(self) -> None:
        """The time of all that are under way is over."""
        self._expire(float("inf"))

    def _wait(self) -> None:
        self._timer = None
        for due in self._due.values():
            self._timer = asyncio.get_running_loop().call_at(due, self._expire_due)
            break

    def _expire_due(self) -> None:
        self._expire(asyncio.get_running_loop().time())
        self._wait()

    def _expire(self, now: float) -> None:
        due = [timeout for timeout, when in self._due.items() if when <= now]
        for timeout in due:
            del self._due[timeout]
            timeout.reschedule(0.0)
