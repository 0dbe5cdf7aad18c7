"""What the tests of the Frontier share: a time that is skipped, a Store in memory, a crew."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ParamSpec
from unittest import mock

from scrapeq.frontier import Frontier
from scrapeq.models import Counts, Order, Outcome, Request, Verdict
from scrapeq.stores import Added
from scrapeq.urls import Listed

P = ParamSpec("P")

EPOCH = 1_700_000_000.0
"""What time.time() says at second 0 of a loop."""

# ---- time


class _Selector(selectors.DefaultSelector):
    """Never waits: it moves the clock of its loop to where something is due."""

    loop: SkippingLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout > 0:
            for check in self.loop.when_idle:
                check()
            if timeout is None:
                raise AssertionError("everybody waits for somebody: this is a deadlock")
            self.loop.now += timeout
            self.loop.turns = 0
        self.loop.turns += 1
        if self.loop.turns > 20_000:
            raise AssertionError("it runs and runs, and no time passes")
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop in which seconds cost nothing, a deadlock is an error, and so is a busy loop."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = 0
        self.when_idle: list[Callable[[], None]] = []
        """Called when everybody waits, before time moves on."""
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def skipping_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test in a SkippingLoop; the Frontier's other clock goes with it."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        loop = SkippingLoop()
        clock = mock.Mock(time=lambda: EPOCH + loop.now)
        with (
            mock.patch("scrapeq.frontier.time", clock),
            asyncio.Runner(loop_factory=lambda: loop) as runner,
        ):
            runner.run(test(*args, **kwargs))

    return run


def this_loop() -> SkippingLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    return loop


def seconds() -> float:
    """Since the test began."""
    return round(asyncio.get_running_loop().time(), 6)


# ---- the Store


@dataclass
class Row:
    url: str
    host: str
    priority: float = 0.0
    state: str = "pending"
    attempts: int = 0
    due: float | None = None


class MemoryStore:
    """The Store without a database. It yields to others before and after each look."""

    def __init__(self, *rows: Row) -> None:
        self.rows: dict[int, Row] = {}
        self.takes = 0
        self.limits: list[int] = []
        self.put(*rows)

    def put(self, *rows: Row) -> None:
        for row in rows:
            self.rows[len(self.rows) + 1] = row

    @property
    def counts(self) -> Counts:
        return Counts(**Counter(row.state for row in self.rows.values()))

    async def add(self, lines: Sequence[Listed]) -> Added:
        raise NotImplementedError

    async def take(
        self, limit: int, order: Order, held: Collection[int], now: float
    ) -> list[Request]:
        self.takes += 1
        self.limits.append(limit)
        held = set(held)
        await asyncio.sleep(0)
        free = {i: r for i, r in self.rows.items() if r.state == "pending" and i not in held}
        retries = sorted((r.due, i) for i, r in free.items() if r.due is not None and r.due <= now)
        fresh = [i for i, row in free.items() if row.due is None]
        match order:
            case "lifo":
                fresh.reverse()
            case "priority":
                fresh.sort(key=lambda i: (free[i].priority, i))
        found = [i for _, i in retries] + fresh
        await asyncio.sleep(0)
        return [
            Request(i, free[i].url, free[i].host, free[i].attempts + 1, 0, free[i].priority)
            for i in found[:limit]
        ]

    async def next_due(self, now: float) -> float | None:
        await asyncio.sleep(0)
        dues = [r.due for r in self.rows.values() if r.state == "pending" and r.due is not None]
        return min((due for due in dues if due > now), default=None)

    async def save(self, outcomes: Sequence[Outcome]) -> int:
        await asyncio.sleep(0)
        for outcome in outcomes:
            row = self.rows[outcome.request.id]
            assert row.state == "pending", f"{row} has its verdict already"
            row.state = "pending" if outcome.verdict == "retry" else outcome.verdict
            row.attempts, row.due = outcome.attempts, outcome.due
        return 0

    async def close(self, ended: str, totals: Mapping[str, Any]) -> None:
        raise NotImplementedError


def rows(count: int, host: str = "a", **more: Any) -> list[Row]:
    return [Row(f"http://{host}/{n}", host, **more) for n in range(count)]


def frontier_of(store: Any, **options: Any) -> Frontier:
    """One whose list has ended."""
    frontier = Frontier(store, **options)
    frontier.list_ended()
    return frontier


# ---- those who work on what is handed out


@dataclass
class Answer:
    """How a host takes a Request."""

    seconds: float = 0.0
    verdict: Verdict = "done"
    due: float | None = None
    """For a retry: how many seconds later."""
    pause: float = 0.0
    """How long the whole host asks to be left alone."""


@dataclass
class Crew:
    """Fetchers and a saver in front of a Frontier, that note all they see."""

    frontier: Frontier
    save: Callable[[Sequence[Outcome]], Awaitable[int]]
    answer: Callable[[Request], Answer] = lambda _: Answer()
    fetchers: int = 1000
    queue: int = 0
    handed: list[Request] = field(default_factory=list)
    started: list[tuple[float, Request]] = field(default_factory=list)
    verdicts: Counter[int] = field(default_factory=Counter)
    active: Counter[str] = field(default_factory=Counter)
    """By host: handed out and not answered."""
    under_way: set[int] = field(default_factory=set)
    """Handed out, and no verdict is saved."""
    most: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By host: the most that were active at once."""

    async def work(self) -> None:
        """Until the Frontier ends."""
        urls: asyncio.Queue[Request | None] = asyncio.Queue(self.queue)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.fetchers):
                group.create_task(self._fetch(urls))
            async for request in self.frontier:
                assert request.id not in self.under_way, f"{request} is handed out twice"
                self.under_way.add(request.id)
                self.active[request.host] += 1
                self.most[request.host] = max(self.most[request.host], self.active[request.host])
                self.handed.append(request)
                await urls.put(request)
            assert not self.under_way, "it ended too soon"
            for _ in range(self.fetchers):
                await urls.put(None)

    async def _fetch(self, urls: asyncio.Queue[Request | None]) -> None:
        loop = asyncio.get_running_loop()
        while (request := await urls.get()) is not None:
            self.started.append((seconds(), request))
            self.frontier.started(request)
            answer = self.answer(request)
            await asyncio.sleep(answer.seconds)
            self.active[request.host] -= 1
            self.frontier.answered(request)
            if answer.pause:
                self.frontier.pause(request.host, answer.pause)
            due = None if answer.due is None else EPOCH + loop.time() + answer.due
            outcome = Outcome(request, answer.verdict, attempts=request.attempt, due=due)
            await self.save([outcome])
            self.under_way.discard(request.id)
            self.verdicts[request.id] += answer.verdict != "retry"
            self.frontier.settled(outcome)

    def starts(self, host: str) -> list[float]:
        return [when for when, request in self.started if request.host == host]
