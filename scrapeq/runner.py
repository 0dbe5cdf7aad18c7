"""The one place that knows everyone: builds the parts of a run and runs them."""

from __future__ import annotations

import asyncio
import errno
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from scrapeq import parse
from scrapeq.breaker import Breaker
from scrapeq.budget import Budget
from scrapeq.custom import headers_of
from scrapeq.dashboard import Screen
from scrapeq.errors import FatalError, ScrapeqError, StorageError
from scrapeq.extract import Rule, tables
from scrapeq.fetch import Fetcher, FetchLimits
from scrapeq.intake import Intake
from scrapeq.models import Reading
from scrapeq.plant import Plant
from scrapeq.retry import RetryPolicy
from scrapeq.settings import Settings, cores, masked
from scrapeq.signals import listening
from scrapeq.source import Source
from scrapeq.stores.opening import open_store
from scrapeq.stores.sqlite import SQLiteStore
from scrapeq.summary import as_json
from scrapeq.urls import Credentials
from scrapeq.workers import Pool

P = ParamSpec("P")
T = TypeVar("T")

FETCH_SHARE = 0.8
"""Of the grace: how long fetchers may finish; the rest is for parsing and saving."""


class _Threads(ThreadPoolExecutor):
    """A thread that cannot be started is a fault of the system, as a file that cannot be opened."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError as exc:
            raise OSError(errno.EAGAIN, str(exc)) from None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run came to its end."""

    run: int
    outcome: str
    """`finished`, `stopped by SIGINT`, or `stopped: ` and why."""
    exit_code: int
    reading: Reading
    fault: str = ""
    """What ended it early, when it was no signal."""


async def run(
    settings: Settings,
    source: Source,
    rules: Sequence[Rule],
    *,
    screen_for: Callable[[SQLiteStore], Screen],
    tell: Callable[[str], None],
) -> Ended:
    """Scrape `source` into the database of `settings`; `tell` what a person should know meanwhile.

    Raises StorageError and UsageError for what is wrong before the first request; what goes
    wrong later is told by the Ended.
    """
    asyncio.get_running_loop().set_default_executor(_Threads(8))  # to parse a robots.txt
    store = await open_store(
        settings.output,
        tables(rules),
        order=settings.order,
        durable=settings.durable,
        fresh=not settings.resume,
        force=settings.force,
        rules=[rule.described() for rule in rules],
        say=tell,
        options=masked(settings),
    )
    try:
        if settings.retry_failed:
            await store.retry_failed()
        async with AsyncExitStack() as stack:
            plant = await _build(settings, source, rules, store, stack)
            screen = screen_for(store)
            stack.callback(screen.close)
            outcome, exit_code, fault = await _Shift(plant, screen, settings).work()
            reading = plant.reading()
    except BaseException:
        with suppress(StorageError):  # what went wrong first is what is told
            await store.close("crashed", {})
        raise
    try:
        await store.close(outcome, as_json(reading, outcome=outcome, cores=cores()))
    except StorageError as exc:
        if not fault:
            outcome, fault = f"stopped: {exc}", str(exc)
            exit_code = max(exit_code, exc.exit_code)  # after a signal, that of the signal
    return Ended(store.run, outcome, exit_code, reading, fault)


async def _build(
    settings: Settings,
    source: Source,
    rules: Sequence[Rule],
    store: SQLiteStore,
    stack: AsyncExitStack,
) -> Plant:
    credentials: dict[str, Credentials] = {}
    retry = RetryPolicy(settings.retries)
    pool = await stack.enter_async_context(
        Pool(
            "scrapeq.parse:load",
            parse.setup(rules, settings.max_decoded),
            processes=settings.parsers,
            deadline=settings.parse_timeout,
            memory=settings.parse_memory,
            largest=settings.max_size,
        )
    )
    limits = FetchLimits(
        total=settings.timeout,
        connect=settings.connect_timeout,
        read=settings.read_timeout,
        max_size=settings.max_size,
        max_redirects=settings.max_redirects,
        max_header=settings.max_header,
    )
    budget, breaker = Budget(settings.max_in_flight), Breaker(settings.max_host_errors)
    fetcher = Fetcher(
        limits,
        retry,
        user_agent=settings.user_agent,
        own=headers_of(settings.header, settings.cookie),
        proxy=settings.proxy,
        credentials=credentials,
        private=settings.private,
        many_sockets=max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - settings.fetchers),
        budget=budget,
        breaker=breaker,
    )
    await stack.enter_async_context(fetcher)
    intake = Intake(source, store, credentials)
    return Plant(settings, store, intake, fetcher, pool, retry, budget, breaker)


class _Shift:
    """One run from the first URL to the last verdict, or to a signal."""

    def __init__(self, plant: Plant, screen: Screen, settings: Settings) -> None:
        self._plant = plant
        self._screen = screen
        self._settings = settings
        self._signal: signal.Signals | None = None
        self._work: asyncio.Task[None] | None = None

    async def work(self) -> tuple[str, int, str]:
        """Return how it ended, the exit code that says so, and the fault if it was one."""
        self._work = asyncio.create_task(self._everything())
        try:
            with listening(self._drain, self._force):
                await self._work
        except asyncio.CancelledError:
            if self._signal is None:
                raise
        except BaseExceptionGroup as group:
            fault = _first_fault(group)
            if fault is None:
                raise
            return f"stopped: {fault}", fault.exit_code, str(fault)
        if self._signal is not None:
            return f"stopped by {self._signal.name}", 128 + self._signal, ""
        return "finished", 3 if self._too_many_failures() else 0, ""

    async def _everything(self) -> None:
        async with asyncio.TaskGroup() as group:
            aides = [
                group.create_task(_kept(self._plant.read_list, "list"), name="list"),
                group.create_task(_kept(self._show, "screen"), name="screen"),
                group.create_task(_kept(self._sample, "samples"), name="samples"),
            ]
            try:
                await self._plant.pipeline.run()
            finally:
                for aide in aides:
                    aide.cancel()

    async def _show(self) -> None:
        while True:
            self._screen.show(self._plant.reading())
            await asyncio.sleep(self._screen.interval)

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            await self._plant.sample(time.time())

    def _drain(self, number: signal.Signals) -> None:
        """Take no more; save what is inside, in the time that the grace gives."""
        self._signal = number
        self._plant.drain(number.name)
        loop = asyncio.get_running_loop()
        loop.call_later(self._settings.grace * FETCH_SHARE, self._plant.fetcher.abort)
        loop.call_later(self._settings.grace, self._force, number)

    def _force(self, number: signal.Signals) -> None:
        self._plant.store.hurry()
        if self._work is not None:
            self._work.cancel()

    def _too_many_failures(self) -> bool:
        allowed = self._settings.max_failures
        if allowed is None:
            return False
        counts = self._plant.store.counts
        if allowed.endswith("%"):
            return counts.failed * 100 > float(allowed[:-1]) * counts.read
        return counts.failed > int(allowed)


async def _kept(work: Callable[[], Awaitable[None]], name: str) -> None:
    """An aide that is lost to a cancellation that nobody sent ends the run. Its TaskGroup would
    not mind, and without a reader of the list there would be no end."""
    try:
        await work()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and not task.cancelling():
            raise FatalError(f"the {name} was lost: run the same command again") from None
        raise


def _first_fault(group: BaseExceptionGroup[BaseException]) -> ScrapeqError | None:
    """The fault that ended the run, if it is one that has a clear sentence."""
    faults: list[ScrapeqError] = []

    def collect(found: BaseExceptionGroup[BaseException]) -> bool:
        for exc in found.exceptions:
            if isinstance(exc, BaseExceptionGroup):
                if not collect(exc):
                    return False
            elif isinstance(exc, ScrapeqError):
                faults.append(exc)
            else:
                return False
        return True

    only_faults = collect(group)
    faults.sort(key=lambda fault: not isinstance(fault, FatalError))
    return faults[0] if only_faults and faults else None
