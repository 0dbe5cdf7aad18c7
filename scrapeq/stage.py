"""N workers between two channels. A stage knows no HTTP, no HTML, no SQL and no screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from scrapeq.channel import Channel, EndOfChannel
from scrapeq.errors import FatalError
from scrapeq.meter import Meter
from scrapeq.models import Item, Outcome, Request, StageStatus
from scrapeq.urls import kept

In = TypeVar("In", bound=Item)
Out = TypeVar("Out", bound=Item)


def _any(waiting: int) -> bool:
    return waiting > 0


@dataclass(eq=False)
class Stage(Generic[In, Out]):
    """Workers that turn what arrives inbound into what leaves outbound.

    `handle` gets up to `batch` waiting items and returns what they became, in any
    order: an Outcome is settled, anything else goes outbound. What it raises is the
    Outcome of that one item; a FatalError, or the cancellation of the run, ends the run.
    """

    name: str
    handle: Callable[[Sequence[In]], Awaitable[Sequence[Out | Outcome]]]
    workers: int
    inbound: Channel[In]
    outbound: Channel[Out] | None
    """Closed when the last worker has returned. None: what arrives ends here."""
    settle: Callable[[Outcome], Awaitable[None]]
    batch: int = 1
    pace: float = 0.0
    """Seconds from a worker's batch to its next, so that this one is worth its costs."""
    enough: Callable[[int], bool] = _any
    """Whether so many waiting items are worth a batch before that."""
    done: int = field(default=0, init=False)
    failed: int = field(default=0, init=False)
    retried: int = field(default=0, init=False)
    _stopping: bool = field(default=False, init=False)
    _busy: Meter = field(default_factory=Meter, init=False)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            crew = [
                group.create_task(self._work(), name=f"{self.name}-{n}")
                for n in range(self.workers)
            ]
            try:
                await asyncio.wait(crew)
            except asyncio.CancelledError:
                self._stopping = True  # before the group cancels the crew
                raise
        if any(worker.cancelled() for worker in crew):  # TaskGroup does not mind; we do
            raise FatalError(f"{self.name}: a worker was lost")
        if self.outbound is not None:
            await self.outbound.close()

    async def _work(self) -> None:
        while True:
            self._stop_if_told()  # settle() may have swallowed it
            try:
                items = await self.inbound.get_many(self.batch)
            except EndOfChannel:
                return
            began = time.monotonic()
            self._busy.set(self._busy.level + 1)
            try:
                await self._process(items)
            except asyncio.CancelledError:
                raise
            except BaseException:
                self._stopping = True  # before the group cancels the others
                raise
            finally:
                self._busy.set(self._busy.level - 1)
            if (early := began + self.pace - time.monotonic()) > 0:
                await self.inbound.gather(early, self.enough)

    async def _process(self, items: list[In]) -> None:
        try:
            results = await self.handle(items)
        except FatalError:
            raise
        except (Exception, asyncio.CancelledError) as exc:
            self._stop_if_told()
            await self._isolate(items, exc)
        else:
            self._stop_if_told()
            self.done += len(items)
            items.clear()  # what they became may have to wait for room, and they may be large
            for result in results:
                await self._pass_on(result)

    def _stop_if_told(self) -> None:
        """Pass on a cancellation of ours, whatever the handler made of it.

        Task.cancelling() cannot tell: on 3.11 a TaskGroup whose child failed leaves it raised.
        """
        if self._stopping:
            raise asyncio.CancelledError

    async def _isolate(self, items: Sequence[In], exc: BaseException) -> None:
        """Blame the one item, or find it among many by trying each alone."""
        if len(items) > 1:
            for item in items:
                await self._process([item])
            return
        self.done += 1
        self.failed += 1
        await self.settle(crashed(items[0].request, self.name, exc))

    async def _pass_on(self, result: Out | Outcome) -> None:
        if isinstance(result, Outcome):
            self.failed += result.verdict == "failed"
            self.retried += result.verdict == "retry"
            await self.settle(result)
        elif self.outbound is not None:
            await self.outbound.put(result)

    @property
    def busy(self) -> int:
        return self._busy.level

    def status(self) -> StageStatus:
        return StageStatus(
            name=self.name,
            workers=self.workers,
            busy=self.busy,
            done=self.done,
            failed=self.failed,
            retried=self.retried,
            busy_seconds=self._busy.area(),
            starved_seconds=self.inbound.starved_seconds(),
        )


def crashed(request: Request, stage: str, exc: BaseException) -> Outcome:
    """The Outcome of an item whose handling raised what nobody expected."""
    return Outcome(
        request,
        "failed",
        f"crash_{stage}",
        kept(f"{type(exc).__name__}: {exc}"),
        attempts=request.attempt,
    )
