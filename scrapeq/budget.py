"""How many bytes of bodies, and of what was in them, may be in memory at once."""

from __future__ import annotations

import asyncio

from scrapeq.meter import Meter

VALUES_SHARE = 8
"""An eighth of all may be values that wait to be saved: they come from bodies that have gone."""


class Budget:
    """Bytes by holder: taken while a body is read, and held until it has been parsed; then those
    of its values, until they are saved.

    Who wants more than there is waits its turn. There is a way out for a body that alone is more
    than all, and for readers that wait for each other: the eldest gets its bytes when nothing
    else would be given back without it.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.peak = 0
        self._reading: dict[int, int] = {}
        """Bytes by holder, the eldest first."""
        self._read: dict[int, int] = {}
        self._values: dict[int, int] = {}
        self._waiting: dict[int, tuple[int, asyncio.Future[None]]] = {}
        self._turn = asyncio.Lock()
        self._saved = asyncio.Event()
        self._short = Meter()

    @property
    def waiting(self) -> int:
        """Readers that wait for their turn."""
        return len(self._waiting)

    def short_seconds(self) -> float:
        """How long somebody had to wait."""
        return self._short.area()

    def take_now(self, holder: int, size: int) -> bool:
        """Give a reader `size` bytes (more), if it need not wait for them. Who waits for many
        does not bar the way for few."""
        self._reading.setdefault(holder, 0)
        if not self._fits(holder, size):
            return False
        self._give(holder, size)
        return True

    async def take(self, holder: int, size: int) -> None:
        """The same, waiting for them. A reader that gives up has to `free` what it has."""
        self._reading.setdefault(holder, 0)
        given: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[holder] = size, given
        self._serve()
        try:
            await given
        finally:
            self._waiting.pop(holder, None)
            self._short.set(bool(self._waiting))

    def keep(self, holder: int) -> None:
        """The body is whole: it will be parsed, whatever the others do."""
        if (size := self._reading.pop(holder, None)) is not None:
            self._read[holder] = size

    async def exchange(self, holder: int, size: int) -> None:
        """A body was parsed: take it back for `size` bytes of values. Waits while there are too
        many values; there is always room for one holder's. What saves them must not wait here."""
        self.free(holder)
        async with self._turn:
            while self._values and sum(self._values.values()) + size > self.limit // VALUES_SHARE:
                self._saved.clear()
                await self._saved.wait()
            self._values[holder] = size
            self.used += size
            self.peak = max(self.peak, self.used)

    def free(self, holder: int) -> None:
        """Take back what a holder has, if it has anything."""
        self.used -= self._reading.pop(holder, 0) + self._read.pop(holder, 0)
        if holder in self._values:
            self.used -= self._values.pop(holder)
            self._saved.set()
        if self._waiting:
            self._serve()

    def _serve(self) -> None:
        """Let those go that may, the eldest first: what comes back is for them."""
        for holder in [reader for reader in self._reading if reader in self._waiting]:
            size, given = self._waiting[holder]
            if not self._fits(holder, size):
                break
            del self._waiting[holder]
            if not given.done():  # cancelled this very moment
                self._give(holder, size)
                given.set_result(None)
        self._short.set(bool(self._waiting))

    def _fits(self, holder: int, size: int) -> bool:
        if self.used + size <= self.limit:
            return True
        return not self._read and not self._values and holder == next(iter(self._reading))

    def _give(self, holder: int, size: int) -> None:
        self._reading[holder] += size
        self.used += size
        self.peak = max(self.peak, self.used)
