"""The stages and queues of one run, wired together, and what can be read of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from scrapeq.breaker import Breaker
from scrapeq.budget import Budget
from scrapeq.channel import Channel
from scrapeq.errors import FatalError
from scrapeq.fetch import Fetcher
from scrapeq.frontier import Frontier
from scrapeq.intake import Intake
from scrapeq.meter import Latency
from scrapeq.models import Outcome, Page, QueueStatus, Reading, Request, StageStatus
from scrapeq.pipeline import Pipeline
from scrapeq.retry import RetryPolicy, given_up, handed_back
from scrapeq.robots import RobotsGate
from scrapeq.settings import Settings
from scrapeq.stage import Stage
from scrapeq.stores.sqlite import SQLiteStore
from scrapeq.tally import Tally
from scrapeq.urls import endpoint_of
from scrapeq.values import shown_size
from scrapeq.verdict import outcome_of, weight
from scrapeq.workers import Pool, Result, Task

JOB = 32
"""Pages that one parse job takes at most, of those already waiting."""
LIGHT = 16 << 10
"""Bytes of values that nobody counts: the queue has room for so many outcomes of them."""
SAVE_PACE = 0.1
"""Seconds from one transaction to the next: each costs some changes of threads and a commit,
however much is in it."""


class Plant:
    """fetch -> parse -> save, over three bounded queues; what fails in fetch goes straight to
    save. The Store is at both ends."""

    def __init__(
        self,
        settings: Settings,
        store: SQLiteStore,
        intake: Intake,
        fetcher: Fetcher,
        pool: Pool,
        retry: RetryPolicy,
        budget: Budget,
        breaker: Breaker,
    ) -> None:
        self.store = store
        self.fetcher = fetcher
        self._settings = settings
        self._intake = intake
        self._pool = pool
        self._retry = retry
        self._budget = budget
        self._breaker = breaker
        self._tally = Tally()
        self._parsing, self._saving = Latency(), Latency()
        self._batches = 0
        self._stopping = ""
        self._before = store.counts
        self._began = time.monotonic()
        gate = RobotsGate(fetcher, retry, user_agent=settings.user_agent)
        self._page_for = gate.fetch if settings.robots else fetcher.fetch
        self.frontier = Frontier(
            store,
            order=settings.order,
            per_host=settings.per_host,
            delay=settings.delay,
            read_ahead=settings.read_ahead,
        )
        self._urls: Channel[Request] = Channel(
            settings.url_queue, settings.order, rank=lambda request: request.priority
        )
        self._pages: Channel[Page] = Channel(settings.page_queue)
        self._outcomes: Channel[Outcome] = Channel(settings.save_queue)
        self.pipeline = Pipeline(self.frontier, self._stages())

    async def read_list(self) -> None:
        await self._intake.read(self.frontier, self._settings.order, self._settings.limit)

    def drain(self, why: str) -> None:
        """Take no more Requests, hand back those not begun, and let the rest flow through."""
        self._stopping = why
        self.fetcher.stop()
        self.pipeline.drain()

    async def sample(self, now: float) -> None:
        """Keep the present reading in the database."""
        reading = self.reading()
        kept = {
            "elapsed": round(reading.elapsed, 3),
            "counts": asdict(reading.counts),
            "stages": [asdict(stage) for stage in reading.stages],
            "queues": [asdict(queue) for queue in reading.queues],
        }
        await self.store.sample(now, kept)

    def reading(self) -> Reading:
        tally = self._tally
        return Reading(
            elapsed=time.monotonic() - self._began,
            counts=self.store.counts,
            before=self._before,
            lines=self._intake.lines,
            complete=self._intake.complete,
            stages=self._stage_readings(),
            queues=self._queue_readings(),
            reasons=tally.reasons + self._unusable_lines(),
            statuses=dict(tally.statuses),
            hosts=tuple(tally.hosts(self.frontier.waits())),
            bytes=tally.bytes,
            records=tally.records,
            retries=tally.retries,
            held_back=self.frontier.held_back,
            held_back_seconds={
                **self.frontier.held_back_seconds,
                f"--max-in-flight {shown_size(self._budget.limit)}": self._budget.short_seconds(),
            },
            stopping=self._stopping,
        )

    def _unusable_lines(self) -> Counter[str]:
        found = self._intake.skipped.items()
        return Counter({f"skipped:{reason}": number for reason, number in found if number})

    def _stages(self) -> tuple[Stage[Request, Page], Stage[Page, Outcome], Stage[Outcome, Outcome]]:
        settings, outcomes = self._settings, self._outcomes
        return (
            Stage("fetch", self._fetch, settings.fetchers, self._urls, self._pages, outcomes.put),
            Stage("parse", self._parse, settings.parsers, self._pages, outcomes, outcomes.put, JOB),
            Stage(
                "save",
                self._save,
                settings.savers,
                outcomes,
                None,
                self._save_bare,
                settings.save_queue,
                SAVE_PACE,
                self._all_are_there,
            ),
        )

    async def _fetch(self, requests: Sequence[Request]) -> Sequence[Page | Outcome]:
        (request,) = requests
        if (settled := self._without_asking(request)) is not None:
            self.frontier.left_out(request)
            return (settled,)
        self.frontier.started(request)
        try:
            result = await self._page_for(request)
        finally:
            if not self._breaker.at_rest:
                # Before its place is free: the next one of the host would go at once.
                down = self._breaker.host_pause(endpoint_of(request.url), time.monotonic())
                self.frontier.pause(request.host, down, "a host that is down")
            self.frontier.answered(request)
        if isinstance(result, Outcome) and result.host_due is not None:
            self.frontier.pause(request.host, result.host_due - time.time())
        return (result,)

    def _without_asking(self, request: Request) -> Outcome | None:
        """What becomes of a Request whose host has failed since it was handed out."""
        if self._breaker.at_rest:
            return None
        endpoint = endpoint_of(request.url)
        if why := self._breaker.given_up(endpoint):
            return given_up(request, why)
        pause = self._breaker.pause(endpoint, time.monotonic())
        return handed_back(request, time.time() + pause) if pause else None

    async def _parse(self, pages: Sequence[Page]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []

        async def told(number: int, result: Result) -> None:
            page = pages[number]
            self._parsing.add(result.seconds)
            outcome = outcome_of(
                page, result, self._retry, time.time(), strict=self._settings.strict
            )
            if (size := weight(outcome.records)) < LIGHT:
                self._budget.free(page.request.id)
                outcomes.append(outcome)
            else:  # the next one is not taken before there is room for this one
                await self._budget.exchange(page.request.id, size)
                await self._outcomes.put(outcome)

        await self._pool.each(
            [
                Task([p.request.url, p.url, p.content_type, p.content_encoding], p.body)
                for p in pages
            ],
            told,
        )
        return outcomes

    async def _save(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        started = time.monotonic()
        if await self.store.save(outcomes):
            self.frontier.list_grew()
        self._saving.add(time.monotonic() - started)
        self._batches += 1
        for outcome in outcomes:
            self._budget.free(outcome.request.id)
            self._tally.add(outcome)
            self.frontier.settled(outcome)
        return ()

    def _all_are_there(self, outcomes: int) -> bool:
        """Whether to wait for another Outcome would be to wait for ourselves."""
        return outcomes >= self.frontier.under_way

    async def _save_bare(self, outcome: Outcome) -> None:
        """The last resort for a verdict whose rows cannot be written: the verdict alone."""
        try:
            await self._save([outcome])
        except Exception as exc:
            raise FatalError(f"no verdict can be saved: {exc}") from exc

    def _stage_readings(self) -> tuple[StageStatus, ...]:
        fetch, parse, save = self.pipeline.snapshot()
        return (
            replace(fetch, percentiles=self.fetcher.latency.percentiles()),
            replace(parse, percentiles=self._parsing.percentiles()),
            replace(
                save,
                percentiles=self._saving.percentiles(),
                batch=save.done / self._batches if self._batches else None,
            ),
        )

    def _queue_readings(self) -> tuple[QueueStatus, ...]:
        settings = self._settings
        return (
            _queue("urls", "urls", "fetch", self._urls, 1),
            _queue("pages", "fetch", "parse", self._pages, settings.fetchers),
            _queue(
                "outcomes", "parse", "save", self._outcomes, settings.fetchers + settings.parsers
            ),
        )


def _queue(
    name: str, producer: str, consumer: str, channel: Channel[Any], producers: int
) -> QueueStatus:
    return QueueStatus(
        name=name,
        producer=producer,
        consumer=consumer,
        depth=len(channel),
        capacity=channel.capacity,
        peak=channel.peak,
        full_seconds=channel.full_seconds(),
        put_wait_seconds=channel.put_wait_seconds(),
        producers=producers,
        item_seconds=channel.item_seconds(),
    )
