"""A source of Requests and the stages they pass through, from the first to the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Sequence
from typing import Any

from scrapeq.errors import FatalError
from scrapeq.models import Request, StageStatus
from scrapeq.stage import Stage


class Pipeline:
    """Feeds the first stage; each stage closes the next one's queue when it is done."""

    def __init__(self, source: AsyncIterable[Request], stages: Sequence[Stage[Any, Any]]) -> None:
        self.source = source
        self.stages = stages
        self._intake: asyncio.Task[None] | None = None
        self._draining = False

    async def run(self) -> None:
        """Return when the last item was settled. Raises what ended the run early."""
        async with asyncio.TaskGroup() as group:
            self._intake = group.create_task(self._feed(), name="intake")
            if self._draining:
                self._intake.cancel()
            for stage in self.stages:
                group.create_task(stage.run(), name=stage.name)
            await asyncio.wait({self._intake})  # exhausted, drained or failed
            if self._intake.cancelled() and not self._draining:
                raise FatalError("the source was lost")
            # Not in a `finally`: a run that failed is cancelled, it is not closed.
            await self.stages[0].inbound.close()

    async def _feed(self) -> None:
        async for request in self.source:
            if self._draining:
                return
            await self.stages[0].inbound.put(request)

    def drain(self) -> None:
        """Take no more Requests; what is inside still reaches the end."""
        if self._intake is not None and not self._draining:
            self._intake.cancel()
        self._draining = True

    def snapshot(self) -> tuple[StageStatus, ...]:
        return tuple(stage.status() for stage in self.stages)
