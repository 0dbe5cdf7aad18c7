"""What the tests of the flow share: items, handlers, pipelines, time limits and a clock."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from scrapeq.channel import Channel
from scrapeq.models import Item, Outcome, Page, Request
from scrapeq.pipeline import Pipeline
from scrapeq.stage import Stage

T = TypeVar("T")

Work = Callable[[Item], Awaitable[None]]
"""What a stage of `build` does with one item; what it raises is that item's failure."""
Handle = Callable[[Sequence[Item]], Awaitable[Sequence[Item]]]
Settle = Callable[[Outcome], Awaitable[None]]


def request(n: int) -> Request:
    return Request(n, f"https://host.test/{n}", "host.test")


async def requests(count: int) -> AsyncIterator[Request]:
    for n in range(count):
        yield request(n)


def page(item: Item) -> Page:
    return Page(item.request, item.request.url, 200, b"")


def done(item: Item) -> Outcome:
    return Outcome(item.request, "done")


def number(item: Item) -> int:
    return item.request.id


async def leak_a_cancellation() -> None:
    """Raise a CancelledError that nobody asked this task for, as a careless library may."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def leaky(_: Item) -> None:
    await leak_a_cancellation()


async def jitter(_: Item) -> None:
    """Let the others overtake, or not."""
    await asyncio.sleep(random.random() * 0.002)


def jitter_then(check: Callable[[Item], None]) -> Work:
    async def work(item: Item) -> None:
        await jitter(item)
        check(item)

    return work


def fail(_: Item) -> None:
    raise ValueError("boom")


def plain(work: Work) -> Work:
    return work


def swallowing(work: Work) -> Work:
    """Take its cancellation for a success, as `except BaseException: pass` does."""

    async def swallow(item: Item) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await work(item)

    return swallow


def translating(work: Work) -> Work:
    """Take its cancellation for an error like any other, as some libraries do."""

    async def translate(item: Item) -> None:
        try:
            await work(item)
        except asyncio.CancelledError as exc:
            raise OSError("connection lost") from exc

    return translate


class Stuck:
    """Work that never ends for so many workers, and tells when they are all in it.

    Who comes after them must have got away, and goes free: a test that fails is to end.
    """

    def __init__(self, workers: int) -> None:
        self.missing = workers
        self.reached = asyncio.Event()

    async def __call__(self, _: Item) -> None:
        self.missing -= 1
        if self.missing == 0:
            self.reached.set()
        if self.missing >= 0:
            await asyncio.Event().wait()


def handler(work: Work, make: Callable[[Item], Item] = page) -> Handle:
    """Work on each item of a batch in turn; each becomes what `make` makes of it."""

    async def handle(items: Sequence[Item]) -> Sequence[Item]:
        for item in items:
            await work(item)
        return [make(item) for item in items]

    return handle


class Watched(Channel[T]):
    """A channel that tells when somebody begins to close it."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.closing = asyncio.Event()

    async def close(self) -> None:
        self.closing.set()
        await super().close()


async def holding(count: int) -> Channel[Item]:
    """A closed channel with so many requests inside."""
    channel = Channel[Item](count + 1)
    for n in range(count):
        await channel.put(request(n))
    await channel.close()
    return channel


@dataclass
class Line:
    """A pipeline and what the tests look at."""

    pipeline: Pipeline
    channels: Sequence[Watched[Any]]
    outcomes: list[Outcome] = field(default_factory=list)


def build(
    source: AsyncIterable[Request],
    works: Sequence[Work],
    workers: Sequence[int],
    capacity: int,
    settle: Settle | None = None,
) -> Line:
    """Stages s0, s1, ... in a line. Pages travel; the last stage makes the Outcomes."""
    channels = [Watched[Any](capacity) for _ in works]
    line = Line(Pipeline(source, stages := []), channels)

    async def keep(outcome: Outcome) -> None:
        line.outcomes.append(outcome)

    outbounds = [*channels[1:], None]
    makes = [page] * (len(works) - 1) + [done]
    for n, (work, make) in enumerate(zip(works, makes, strict=True)):
        handle = handler(work, make)
        crew, inbound, outbound = workers[n], channels[n], outbounds[n]
        stages.append(Stage(f"s{n}", handle, crew, inbound, outbound, settle or keep))
    return line


async def settled(work: Awaitable[T], limit: float = 5) -> T:
    """What `work` returns or raises; an error, and not a hang, if it does neither in time."""
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=limit)
    if not task.done():
        task.cancel()
        raise AssertionError(f"still running after {limit} s")
    return await task


async def a_turn() -> None:
    """Let every task that is ready take one step. No clock is involved."""
    await asyncio.sleep(0)


def other_tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


class Clock:
    """The time that meters see: it stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("scrapeq.meter.time", self)

    def monotonic(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds
