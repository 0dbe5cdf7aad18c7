"""Whether this process stood still for a while: SIGSTOP, a laptop that slept."""

from __future__ import annotations

import asyncio

LATE = 2.0
"""Seconds by which a timer is late only if nothing ran. aiohttp rounds its own up by up to one."""
BEAT = 1.0


class Clock:
    """Beats while it is started. A beat that comes late tells of a standstill before anybody is
    told of the timers that ran out meanwhile: those say nothing about a server."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._woke = float("-inf")

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(BEAT, self._beat, loop)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def stood_still_since(self, moment: float) -> bool:
        """`moment` is a time of the loop."""
        return self._woke > moment

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None and loop.time() - self._timer.when() > LATE:
            self._woke = loop.time()
        self._timer = loop.call_later(BEAT, self._beat, loop)
