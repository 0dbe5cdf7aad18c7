"""How many bytes of bodies may be in memory at once."""

from __future__ import annotations

import asyncio

from scrapeq.meter import Meter


class Budget:
    """Bytes by holder: taken while a body is read, and held until it has been parsed.

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
        self._waiting: dict[int, tuple[int, asyncio.Future[None]]] = {}
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

    def free(self, holder: int) -> None:
        """Take back what a holder has, if it has anything."""
        self.used -= self._reading.pop(holder, 0) + self._read.pop(holder, 0)
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
        return not self._read and holder == next(iter(self._reading))

    def _give(self, holder: int, size: int) -> None:
        self._reading[holder] += size
        self.used += size
        self.peak = max(self.peak, self.used)
