"""Stages and pipelines: every item gets one outcome, and every run ends.

Each test names, where its own name does not, the decision in `scrapeq/` that it proves.
`tests/mutations.py` takes these decisions back one by one to see that a test notices.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from scrapeq.channel import Channel, EndOfChannel
from scrapeq.errors import FatalError
from scrapeq.models import Item, Order, Outcome, Page, Request
from scrapeq.pipeline import Pipeline
from scrapeq.stage import Stage
from tests.flow_kit import (
    Clock,
    Stuck,
    Watched,
    Work,
    a_turn,
    build,
    done,
    fail,
    handler,
    holding,
    jitter,
    jitter_then,
    leak_a_cancellation,
    leaky,
    number,
    other_tasks,
    page,
    plain,
    request,
    requests,
    settled,
    swallowing,
    translating,
)

CREWS = [(1, 1, 1), (5, 3, 2), (1, 8, 1), (8, 1, 8)]


def numbers(outcomes: Sequence[Outcome]) -> Counter[int]:
    return Counter(map(number, outcomes))


def ends_with(error: type[Exception]) -> pytest.RaisesExc[ExceptionGroup[Exception]]:
    """The run ended with such errors and no others, however deep in its groups."""
    return pytest.raises(ExceptionGroup, check=lambda group: group.split(error)[1] is None)


# ---- every item gets exactly one outcome


@pytest.mark.parametrize("crew", CREWS)
@pytest.mark.parametrize("capacity", [1, 2, 7])
async def test_every_request_gets_exactly_one_outcome(crew: tuple[int, ...], capacity: int) -> None:
    """The stage, and not its first worker to finish, closes what comes next."""
    line = build(requests(100), [jitter] * 3, crew, capacity)
    await settled(line.pipeline.run())
    assert numbers(line.outcomes) == Counter(range(100))
    assert {o.verdict for o in line.outcomes} == {"done"}
    readings = line.pipeline.snapshot()
    assert [(s.name, s.workers, s.busy, s.done, s.failed) for s in readings] == [
        (f"s{n}", crew[n], 0, 100, 0) for n in range(3)
    ]
    assert not other_tasks()


async def test_a_stage_lets_go_of_what_it_has_done() -> None:
    """Pages are large: none is held while their outcomes wait for room, or the worker for more."""
    inbound, outbound = Channel[Request](9), Channel[Outcome](1)
    given: list[Sequence[Request]] = []

    async def handle(items: Sequence[Request]) -> Sequence[Outcome]:
        given.append(items)
        return [done(item) for item in items]

    stage = Stage("parse", handle, 1, inbound, outbound, outbound.put, 9)
    for n in range(3):
        await inbound.put(request(n))
    await inbound.close()
    running = asyncio.create_task(stage.run())
    assert number(await settled(outbound.get())) == 0
    assert list(given[0]) == []
    assert [number(await settled(outbound.get())) for _ in range(2)] == [1, 2]
    await settled(running)


async def test_a_stage_at_a_pace_takes_together_what_comes_within_it() -> None:
    channel = Channel[Request](9)
    batches: list[int] = []

    async def count(items: Sequence[Request]) -> Sequence[Outcome]:
        batches.append(len(items))
        return ()

    async def settle(_: Outcome) -> None:
        raise AssertionError

    stage = Stage[Request, Outcome](
        "save", count, 1, channel, None, settle, 9, 1e6, lambda inside: inside >= 3
    )
    running = asyncio.create_task(stage.run())
    for n in range(6):
        await channel.put(request(n))
        for _ in range(5):
            await a_turn()
    await channel.close()
    await settled(running)
    assert batches == [1, 3, 2]  # the first need not wait, the last are not left behind


async def test_an_empty_source_ends_the_run() -> None:
    """The end marker alone reaches every worker of every stage."""
    line = build(requests(0), [jitter] * 3, (4, 4, 4), 1)
    await settled(line.pipeline.run())
    assert line.outcomes == []


async def test_what_a_handler_raises_is_the_outcome_of_that_one_item() -> None:
    def fail_some(item: Item) -> None:
        if number(item) % 3 == 0:
            raise ValueError("boom")

    line = build(requests(90), [jitter, jitter_then(fail_some), jitter], (4, 4, 4), 2)
    await settled(line.pipeline.run())
    assert numbers(line.outcomes) == Counter(range(90))
    for outcome in line.outcomes:
        expected = "failed" if number(outcome) % 3 == 0 else "done"
        assert outcome.verdict == expected
        assert outcome.reason == ("crash_s1" if expected == "failed" else "")
    assert [s.done for s in line.pipeline.snapshot()] == [90, 90, 60]


async def test_a_run_whose_every_item_fails_still_ends() -> None:
    """A stage that never hears from the one before it still hears its end."""
    line = build(requests(50), [jitter_then(fail), jitter, jitter], (4, 4, 4), 1)
    await settled(line.pipeline.run())
    assert numbers(line.outcomes) == Counter(range(50))
    assert [s.failed for s in line.pipeline.snapshot()] == [50, 0, 0]


async def test_a_timeout_inside_a_handler_is_the_outcome_of_its_item() -> None:
    """It begins as a cancellation of this very task, and ends as a plain error."""

    async def too_slow(_: Item) -> None:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()

    line = build(requests(10), [too_slow, jitter, jitter], (3, 1, 1), 1)
    await settled(line.pipeline.run())
    assert numbers(line.outcomes) == Counter(range(10))
    assert {o.detail.partition(":")[0] for o in line.outcomes} == {"TimeoutError"}


async def test_a_cancellation_leaked_by_a_handler_fails_its_item_only() -> None:
    """A CancelledError is ours only if the stage was told to stop."""
    line = build(requests(40), [jitter, leaky, jitter], (3, 3, 3), 1)
    await settled(line.pipeline.run())
    assert numbers(line.outcomes) == Counter(range(40))
    assert {(o.verdict, o.reason) for o in line.outcomes} == {("failed", "crash_s1")}


async def fail_in_a_group(_: Item) -> None:
    """On 3.11 a group whose child failed leaves the task around it marked as cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(leave_with(OSError("boom")))


async def cancel_itself(_: Item) -> None:
    """So did libraries end a wait before Task.uncancel() came."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await a_turn()


@pytest.mark.parametrize("mark", [fail_in_a_group, cancel_itself])
async def test_a_worker_marked_as_cancelled_is_not_lost_to_the_next_leaked_cancellation(
    mark: Work,
) -> None:
    """Task.cancelling() cannot tell whose a cancellation is."""

    async def work(item: Item) -> None:
        if number(item) == 3:
            await mark(item)
        if number(item) == 6:
            await leaky(item)

    line = build(requests(10), [work, jitter], (1, 1), 1)
    await settled(line.pipeline.run())
    assert numbers(line.outcomes) == Counter(range(10))
    assert sorted(number(o) for o in line.outcomes if o.verdict == "failed") == [3, 6]


async def test_a_crash_names_its_stage_its_error_and_its_attempt() -> None:
    async def third_try() -> AsyncIterator[Request]:
        yield Request(7, "https://host.test/7", "host.test", attempt=3)

    line = build(third_try(), [jitter_then(fail)], (1,), 1)
    await settled(line.pipeline.run())
    [outcome] = line.outcomes
    assert (outcome.verdict, outcome.reason) == ("failed", "crash_s0")
    assert (outcome.detail, outcome.attempts) == ("ValueError: boom", 3)


async def test_what_a_crash_says_is_kept_without_secrets_as_one_short_line() -> None:
    def refuse(_: Item) -> None:
        raise ValueError("http://me:word@h.test/?api_key=abc\n\ud800" + "x" * 100_000)

    line = build(requests(1), [jitter_then(refuse)], (1,), 1)
    await settled(line.pipeline.run())
    [outcome] = line.outcomes
    assert outcome.detail.startswith("ValueError: http://***@h.test/?api_key=***\u240a\ufffdx")
    assert len(outcome.detail) == 500


# ---- batches


@pytest.mark.parametrize("capacity", [1, 3, 50])
@pytest.mark.parametrize("count", [0, 1, 49, 150])
@pytest.mark.parametrize("workers", [1, 3])
async def test_a_bad_row_does_not_take_its_batch_with_it(
    capacity: int, count: int, workers: int
) -> None:
    """A failed batch is tried again one by one, and only the bad item is blamed."""
    rows: list[int] = []
    sizes: list[int] = []
    outcomes: list[Outcome] = []

    async def settle(outcome: Outcome) -> None:
        outcomes.append(outcome)

    async def write(items: Sequence[Item]) -> Sequence[Outcome]:
        await jitter(items[0])
        if 7 in map(number, items):
            raise ValueError("bad row")
        sizes.append(len(items))
        rows.extend(map(number, items))
        return [done(item) for item in items]

    urls, pages = Channel[Item](20), Channel[Item](capacity)
    fetch = Stage("fetch", handler(jitter), 8, urls, pages, settle)
    save: Stage[Item, Item] = Stage("save", write, workers, pages, None, settle, batch=10)
    await settled(Pipeline(requests(count), [fetch, save]).run())
    assert numbers(outcomes) == Counter(range(count))
    assert Counter(rows) == Counter(n for n in range(count) if n != 7)
    assert [number(o) for o in outcomes if o.verdict != "done"] == ([7] if count > 7 else [])
    assert all(size <= 10 for size in sizes)
    assert (save.done, save.failed) == (count, int(count > 7))


async def test_a_failed_batch_is_tried_again_one_by_one() -> None:
    tries: list[list[int]] = []
    outcomes: list[Outcome] = []

    async def settle(outcome: Outcome) -> None:
        outcomes.append(outcome)

    async def write(items: Sequence[Item]) -> Sequence[Outcome]:
        tries.append([number(item) for item in items])
        if 2 in tries[-1]:
            raise ValueError("bad row")
        return [done(item) for item in items]

    inbound = await holding(4)
    await settled(Stage("save", write, 1, inbound, None, settle, batch=4).run())
    assert tries == [[0, 1, 2, 3], [0], [1], [2], [3]]
    assert [o.verdict for o in outcomes] == ["done", "done", "failed", "done"]


async def test_a_stage_takes_what_waits_up_to_its_batch() -> None:
    batches: list[list[int]] = []

    async def handle(items: Sequence[Item]) -> Sequence[Outcome]:
        batches.append([number(item) for item in items])
        return []

    inbound = await holding(25)
    await settled(Stage("save", handle, 1, inbound, None, nobody, batch=10).run())
    assert batches == [[*range(10)], [*range(10, 20)], [*range(20, 25)]]


async def test_a_cancellation_leaked_by_a_batch_fails_its_items_only() -> None:
    outcomes: list[Outcome] = []

    async def settle(outcome: Outcome) -> None:
        outcomes.append(outcome)

    urls, pages = Channel[Item](2), Channel[Item](5)
    fetch = Stage("fetch", handler(jitter), 3, urls, pages, settle)
    save = Stage("save", handler(leaky), 1, pages, None, settle, batch=5)
    await settled(Pipeline(requests(30), [fetch, save]).run())
    assert numbers(outcomes) == Counter(range(30))
    assert {(o.verdict, o.reason) for o in outcomes} == {("failed", "crash_save")}


async def test_a_fatal_error_met_while_trying_a_batch_one_by_one_ends_the_run() -> None:
    tries: list[int] = []

    async def write(items: Sequence[Item]) -> Sequence[Outcome]:
        tries.append(len(items))
        raise ValueError if len(items) > 1 else FatalError("disk full")

    inbound = await holding(10)
    with ends_with(FatalError):
        await settled(Stage("save", write, 1, inbound, None, nobody, batch=5).run())
    assert tries == [5, 1]


# ---- what ends a run early


@pytest.mark.parametrize("stage", [0, 1, 2])
async def test_a_fatal_error_ends_the_run_and_leaves_no_task(stage: int) -> None:
    """On a full disk nobody tries the rest: every queue is full, and nothing hangs."""
    fed: list[int] = []

    async def source() -> AsyncIterator[Request]:
        for n in range(1000):
            fed.append(n)
            yield request(n)

    def dead_disk(item: Item) -> None:
        if number(item) >= 40:
            raise FatalError("disk full")

    works: list[Work] = [jitter] * 3
    works[stage] = jitter_then(dead_disk)
    line = build(source(), works, (4, 4, 4), 1)
    with ends_with(FatalError):
        await settled(line.pipeline.run())
    assert not other_tasks()
    assert not any(s.busy for s in line.pipeline.snapshot())
    assert all(n < 40 for n in numbers(line.outcomes))
    assert len(fed) <= 40 + 3 * (4 + 1) + 1


@pytest.mark.parametrize("wrap", [plain, swallowing, translating])
async def test_a_fatal_error_stops_the_workers_beside_it_whatever_they_make_of_it(
    wrap: Callable[[Work], Work],
) -> None:
    """They are cancelled in the midst of an item, before their stage hears of it."""
    stuck = Stuck(2)

    async def dead_disk(item: Item) -> None:
        if number(item) == 0:
            await stuck.reached.wait()
            raise FatalError("disk full")
        await stuck(item)

    line = build(requests(100), [wrap(dead_disk), jitter], (3, 1), 1)
    with ends_with(FatalError):
        await settled(line.pipeline.run())
    assert line.outcomes == []
    assert not other_tasks()


async def test_a_stage_that_crashes_does_not_wait_to_close_what_comes_next() -> None:
    """Closing is not in a `finally`: behind a crash nobody may be left to make room."""
    inbound, outbound = await holding(5), Watched[Item](1)
    await outbound.put(request(9))  # no room for an end

    async def crash(items: Sequence[Item]) -> Sequence[Item]:
        raise FatalError("broken pool")

    with ends_with(FatalError):
        await settled(Stage("fetch", crash, 2, inbound, outbound, nobody).run())
    assert not outbound.closing.is_set()


async def test_a_call_to_exit_is_no_failure_of_an_item() -> None:
    class Exit(BaseException):
        """Stands for SystemExit and KeyboardInterrupt, which would end pytest."""

    async def leave(_: Item) -> None:
        raise Exit

    inbound = await holding(5)
    with pytest.raises(BaseExceptionGroup, check=lambda group: not group.split(Exit)[1]):
        await settled(Stage("parse", handler(leave), 2, inbound, None, nobody).run())


async def test_a_source_that_raises_ends_the_run() -> None:
    async def source() -> AsyncIterator[Request]:
        yield request(0)
        yield request(1)
        raise OSError("the list is gone")

    line = build(source(), [jitter] * 3, (2, 2, 2), 1)
    with ends_with(OSError):
        await settled(line.pipeline.run())
    assert not other_tasks()


async def test_a_source_that_raises_before_full_queues_ends_the_run() -> None:
    """A run that failed is cancelled, it is not closed: there is no room for an end."""
    stuck = Stuck(2)

    async def source() -> AsyncIterator[Request]:
        for n in range(3):
            yield request(n)
        await stuck.reached.wait()
        raise OSError("the list is gone")

    line = build(source(), [stuck], (2,), 1)
    with ends_with(OSError):
        await settled(line.pipeline.run())
    assert not other_tasks()


async def test_a_source_lost_to_a_leaked_cancellation_ends_the_run_with_an_error() -> None:
    """A TaskGroup takes an intake that was cancelled for one that has finished."""

    async def source() -> AsyncIterator[Request]:
        yield request(0)
        await leak_a_cancellation()
        yield request(1)

    line = build(source(), [jitter] * 3, (2, 2, 2), 1)
    with ends_with(FatalError):
        await settled(line.pipeline.run())
    assert not other_tasks()


async def test_a_source_lost_before_full_queues_ends_the_run() -> None:
    """Here too there is no room for an end, and none is waited for."""
    stuck = Stuck(2)

    async def source() -> AsyncIterator[Request]:
        for n in range(3):
            yield request(n)
        await stuck.reached.wait()
        await leak_a_cancellation()

    line = build(source(), [stuck], (2,), 1)
    with ends_with(FatalError):
        await settled(line.pipeline.run())
    assert not other_tasks()


async def test_a_verdict_that_cannot_be_settled_ends_the_run() -> None:
    async def settle(_: Outcome) -> None:
        raise FatalError("the database is gone")

    line = build(requests(100), [jitter] * 3, (2, 2, 2), 1, settle)
    with ends_with(FatalError):
        await settled(line.pipeline.run())
    assert not other_tasks()


async def test_a_failure_that_cannot_be_settled_ends_the_run() -> None:
    async def settle(_: Outcome) -> None:
        raise OSError("not even fatal, and yet nobody else will hear of this item")

    line = build(requests(100), [jitter_then(fail), jitter], (1, 2), 1, settle)
    with ends_with(OSError):
        await settled(line.pipeline.run())
    assert not other_tasks()


async def test_losing_every_worker_of_a_stage_ends_the_run_with_an_error() -> None:
    """Nobody is left to take what the stage before it puts."""

    async def settle(_: Outcome) -> None:
        await leak_a_cancellation()

    line = build(requests(1000), [jitter] * 3, (3, 3, 2), 1, settle)
    with ends_with(FatalError):
        await settled(line.pipeline.run())
    assert not other_tasks()


async def test_a_lost_worker_ends_the_run_with_an_error() -> None:
    """A TaskGroup takes a worker that was cancelled for one that has finished."""
    tried = 0

    async def settle(_: Outcome) -> None:
        nonlocal tried
        tried += 1
        if tried == 5:
            await leak_a_cancellation()

    line = build(requests(60), [jitter] * 3, (3, 3, 4), 1, settle)
    with ends_with(FatalError):
        await settled(line.pipeline.run())
    assert tried == 60
    assert not other_tasks()


@pytest.mark.parametrize("stage", [0, 1, 2])
async def test_a_run_full_to_the_brim_can_be_cancelled(stage: int) -> None:
    """Every queue is full, every worker holds an item, and so does the intake."""
    brim = (2 + 1) * (stage + 1) + 1  # workers and places up to the stuck stage, intake
    full = asyncio.Event()

    async def source() -> AsyncIterator[Request]:
        for n in range(1000):
            if n == brim - 1:
                full.set()
            yield request(n)

    works: list[Work] = [jitter] * 3
    works[stage] = Stuck(2)
    line = build(source(), works, (2, 2, 2), 1)
    run = asyncio.create_task(line.pipeline.run())
    await settled(full.wait())
    assert not run.done()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(run)
    assert line.outcomes == []
    assert not any(s.busy for s in line.pipeline.snapshot())
    assert not other_tasks()


@pytest.mark.parametrize("wrap", [swallowing, translating])
async def test_a_handler_that_hides_its_cancellation_does_not_keep_the_run_alive(
    wrap: Callable[[Work], Work],
) -> None:
    """A worker that was told to stop stops, and nothing becomes of its item."""
    stuck = Stuck(2)
    line = build(requests(100), [wrap(stuck), jitter], (2, 1), 1)
    run = asyncio.create_task(line.pipeline.run())
    await settled(stuck.reached.wait())
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(run)
    assert line.outcomes == []
    assert [(s.busy, s.done) for s in line.pipeline.snapshot()] == [(0, 0), (0, 0)]
    assert not other_tasks()


@pytest.mark.parametrize("wrap", [plain, swallowing, translating])
async def test_a_cancellation_ends_the_trying_of_a_batch_one_by_one(
    wrap: Callable[[Work], Work],
) -> None:
    tries: list[int] = []
    stuck = Stuck(1)
    one = wrap(stuck)

    async def write(items: Sequence[Item]) -> Sequence[Outcome]:
        tries.append(len(items))
        if len(items) > 1:
            raise ValueError("bad row")
        await one(items[0])
        return []

    inbound = await holding(4)
    run = asyncio.create_task(Stage("save", write, 1, inbound, None, nobody, batch=4).run())
    await settled(stuck.reached.wait())
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(run)
    assert tries == [4, 1]


# ---- draining


async def test_draining_settles_everything_inside_and_takes_no_more() -> None:
    """Only the intake is cancelled; the end then walks down the stages."""
    fed: list[int] = []
    line = build(unending(fed), [jitter] * 3, (3, 2, 2), 2, settle=None)
    enough = asyncio.Event()
    line.pipeline.stages[-1].settle = keep_until(20, line.outcomes, enough)
    run = asyncio.create_task(line.pipeline.run())
    await settled(enough.wait())
    assert not run.done()
    line.pipeline.drain()
    line.pipeline.drain()  # as a nervous user may
    await settled(run)
    assert {o.verdict for o in line.outcomes} == {"done"}
    assert numbers(line.outcomes) == Counter(range(len(line.outcomes)))
    assert len(fed) - len(line.outcomes) in (0, 1)  # one may be in the hand of the intake
    assert not other_tasks()


async def test_draining_ends_a_source_that_waits_for_ever() -> None:
    quiet = asyncio.Event()

    async def source() -> AsyncIterator[Request]:
        for n in range(5):
            yield request(n)
        quiet.set()
        await asyncio.Event().wait()

    line = build(source(), [jitter] * 3, (3, 2, 2), 2)
    run = asyncio.create_task(line.pipeline.run())
    await settled(quiet.wait())
    assert not run.done()
    line.pipeline.drain()
    await settled(run)
    assert numbers(line.outcomes) == Counter(range(5))


async def test_a_source_that_swallows_the_drain_is_drained_all_the_same() -> None:
    """The intake asks before each put, and leaves with the source what it yields too late."""
    fed: list[int] = []
    quiet = asyncio.Event()

    async def source() -> AsyncIterator[Request]:
        async for item in unending(fed):
            if number(item) == 5:
                quiet.set()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            yield item

    line = build(source(), [jitter] * 3, (3, 2, 2), 2)
    run = asyncio.create_task(line.pipeline.run())
    await settled(quiet.wait())
    line.pipeline.drain()
    await settled(run)
    assert numbers(line.outcomes) == Counter(range(5))
    assert fed == [*range(6)]


async def test_a_second_drain_does_not_interrupt_the_cleanup_of_the_source() -> None:
    quiet, cleaning, gate = asyncio.Event(), asyncio.Event(), asyncio.Event()
    clean = False

    async def source() -> AsyncIterator[Request]:
        nonlocal clean
        try:
            yield request(0)
            quiet.set()
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await gate.wait()
            clean = True

    line = build(source(), [jitter] * 3, (1, 1, 1), 1)
    run = asyncio.create_task(line.pipeline.run())
    await settled(quiet.wait())
    line.pipeline.drain()
    await settled(cleaning.wait())
    line.pipeline.drain()
    await a_turn()
    gate.set()
    await settled(run)
    assert clean
    assert numbers(line.outcomes) == Counter(range(1))


async def test_draining_while_the_first_queue_waits_to_be_closed_loses_nothing() -> None:
    """A drain cancels the intake and never the close that follows it."""
    gate = asyncio.Event()

    async def gated(_: Item) -> None:
        await gate.wait()

    line = build(requests(4), [gated, jitter, jitter], (1, 1, 1), 3)
    run = asyncio.create_task(line.pipeline.run())
    await settled(line.channels[0].closing.wait())  # one in hand, three queued: no room
    line.pipeline.drain()
    await a_turn()
    gate.set()
    await settled(run)
    assert numbers(line.outcomes) == Counter(range(4))


async def test_draining_before_the_start_takes_nothing() -> None:
    """A signal may come before the run does."""
    fed: list[int] = []
    line = build(unending(fed), [jitter] * 3, (1, 1, 1), 1)
    line.pipeline.drain()
    await settled(line.pipeline.run())
    assert (line.outcomes, fed) == ([], [])


async def test_draining_after_the_end_is_harmless() -> None:
    line = build(requests(3), [jitter] * 3, (1, 1, 1), 1)
    await settled(line.pipeline.run())
    line.pipeline.drain()
    assert numbers(line.outcomes) == Counter(range(3))


async def test_a_drain_can_be_followed_by_a_cancellation() -> None:
    """The second signal forces: it also ends the wait for room for the end."""
    stuck = Stuck(2)
    line = build(requests(100), [stuck, jitter, jitter], (2, 1, 1), 1)
    run = asyncio.create_task(line.pipeline.run())
    await settled(stuck.reached.wait())
    line.pipeline.drain()
    await settled(line.channels[0].closing.wait())
    assert not run.done()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(run)
    assert not other_tasks()


# ---- back-pressure, the end, counts and times


async def test_the_source_waits_for_the_slowest_stage() -> None:
    alive: set[int] = set()
    peak = 0

    async def source() -> AsyncIterator[Request]:
        nonlocal peak
        for n in range(200):
            alive.add(n)
            peak = max(peak, len(alive))
            yield request(n)

    async def settle(outcome: Outcome) -> None:
        alive.discard(number(outcome))

    line = build(source(), [jitter] * 3, (3, 3, 1), 4, settle)
    await settled(line.pipeline.run())
    assert not alive
    assert peak <= 3 * 4 + (3 + 3 + 1) + 1  # queued, in the workers' hands, in the intake's


async def test_the_next_stage_hears_the_end_only_after_the_slowest_worker() -> None:
    """Workers that find the end go home; the stage closes when the last one has."""
    gate = asyncio.Event()
    ends = asyncio.Semaphore(0)

    class Telling(Channel[Item]):
        async def get(self) -> Item:
            try:
                return await super().get()
            except EndOfChannel:
                ends.release()
                raise

    async def gated(_: Item) -> None:
        await gate.wait()

    inbound, outbound = Telling(5), Watched[Item](5)
    stage = Stage("fetch", handler(gated), 3, inbound, outbound, nobody)
    run = asyncio.create_task(stage.run())
    await inbound.put(request(1))
    await inbound.close()
    for _ in range(2):
        await settled(ends.acquire())  # two of the three workers go home
    assert not outbound.closing.is_set()
    gate.set()
    await settled(run)
    assert number(await settled(outbound.get())) == 1
    with pytest.raises(EndOfChannel):
        await settled(outbound.get())


async def test_outcomes_are_settled_and_everything_else_goes_on() -> None:
    """One handler may settle some of a batch, and its counts tell the verdicts apart."""
    settlements: list[Outcome] = []

    async def settle(outcome: Outcome) -> None:
        settlements.append(outcome)

    async def sort(items: Sequence[Item]) -> Sequence[Item]:
        return [
            Outcome(request(0), "failed", "404"),
            Outcome(request(1), "skipped", "robots"),
            Outcome(request(2), "retry", "timeout"),
            page(request(3)),
            Outcome(request(4), "done"),
            Outcome(request(5), "retry", "timeout"),
        ]

    inbound, outbound = await holding(6), Channel[Item](6)
    stage = Stage("fetch", sort, 1, inbound, outbound, settle, batch=6)
    await settled(stage.run())
    assert [number(o) for o in settlements] == [0, 1, 2, 4, 5]
    assert number(await settled(outbound.get())) == 3
    reading = stage.status()
    assert (reading.done, reading.failed, reading.retried) == (6, 1, 2)


async def test_what_leaves_the_last_stage_ends_there() -> None:
    stage = Stage("save", handler(jitter), 2, await holding(5), None, nobody)
    await settled(stage.run())
    assert stage.done == 5


async def test_a_worker_is_busy_only_while_it_has_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    stuck = Stuck(2)
    inbound = Channel[Item](5)
    stage = Stage("fetch", handler(stuck), 3, inbound, None, nobody)
    run = asyncio.create_task(stage.run())
    await a_turn()
    await a_turn()  # all three wait
    clock.move(1)
    await inbound.put(request(1))
    await inbound.put(request(2))
    await settled(stuck.reached.wait())
    clock.move(2)
    reading = stage.status()
    assert (reading.workers, reading.busy) == (3, 2)
    assert (reading.starved_seconds, reading.busy_seconds) == (3 * 1 + 1 * 2, 2 * 2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(run)
    clock.move(4)
    reading = stage.status()
    assert (reading.busy, stage.busy) == (0, 0)
    assert (reading.starved_seconds, reading.busy_seconds) == (3 * 1 + 1 * 2, 2 * 2)


# ---- the topology of a real run


@dataclass
class House:
    """Fetch, parse and save, where fetch settles straight onto the last channel."""

    workers: tuple[int, ...]
    capacity: int
    batch: int = 1
    order: Order = "fifo"
    ledger: list[Outcome] = field(default_factory=list)
    written: asyncio.Event = field(default_factory=asyncio.Event)

    def pipeline(self, source: AsyncIterator[Request]) -> Pipeline:
        urls = Channel[Request](self.capacity, self.order, rank=lambda item: item.priority)
        pages, outcomes = Channel[Page](self.capacity), Channel[Outcome](self.capacity)
        crew = self.workers
        return Pipeline(
            source,
            [
                Stage("fetch", self.fetch, crew[0], urls, pages, outcomes.put),
                Stage("parse", self.parse, crew[1], pages, outcomes, outcomes.put),
                Stage("save", self.save, crew[2], outcomes, None, self.note, self.batch),
            ],
        )

    async def fetch(self, items: Sequence[Request]) -> Sequence[Page | Outcome]:
        [item] = items
        await jitter(item)
        match item.id % 10:
            case 1:
                raise ValueError("boom")
            case 2:
                return [Outcome(item, "retry", "timeout")]
        return [page(item)]

    async def parse(self, items: Sequence[Page]) -> Sequence[Outcome]:
        [item] = items
        await jitter(item)
        match number(item) % 10:
            case 3:
                raise ValueError("boom")
            case 4:
                return [Outcome(item.request, "skipped", "noindex")]
        return [done(item)]

    async def save(self, items: Sequence[Outcome]) -> Sequence[Outcome]:
        await asyncio.sleep(random.random() * 0.001)
        if any(number(item) % 10 == 5 for item in items):
            raise ValueError("bad row")  # and the whole transaction is rolled back
        self.ledger.extend(items)
        self.written.set()
        return []

    async def note(self, outcome: Outcome) -> None:
        self.ledger.append(outcome)


@pytest.mark.parametrize("crew", CREWS)
@pytest.mark.parametrize(("capacity", "order"), [(1, "fifo"), (2, "lifo"), (7, "priority")])
@pytest.mark.parametrize("batch", [1, 5])
async def test_every_verdict_of_fetch_parse_and_save_is_written_once(
    crew: tuple[int, ...], capacity: int, order: Order, batch: int
) -> None:
    """Parse closes the channel that fetch settles on, and fetch has ended by then."""
    expected = {
        1: ("failed", "crash_fetch"),
        2: ("retry", "timeout"),
        3: ("failed", "crash_parse"),
        4: ("skipped", "noindex"),
        5: ("failed", "crash_save"),
    }
    house = House(crew, capacity, batch, order)
    pipeline = house.pipeline(requests(60))
    await settled(pipeline.run())
    assert numbers(house.ledger) == Counter(range(60))
    for outcome in house.ledger:
        assert (outcome.verdict, outcome.reason) == expected.get(number(outcome) % 10, ("done", ""))
    assert [(s.done, s.failed, s.retried) for s in pipeline.snapshot()] == [
        (60, 6, 6),
        (48, 6, 0),
        (60, 6, 0),
    ]
    assert not other_tasks()


async def test_a_drained_run_writes_everything_it_fetched() -> None:
    fed: list[int] = []
    house = House((4, 2, 1), 3, batch=5)
    pipeline = house.pipeline(unending(fed))
    run = asyncio.create_task(pipeline.run())
    await settled(house.written.wait())
    pipeline.drain()
    await settled(run)
    assert numbers(house.ledger) == Counter(range(len(house.ledger)))
    assert len(fed) - len(house.ledger) in (0, 1)


async def test_a_dead_store_ends_a_run_whose_every_worker_waits_for_it() -> None:
    """Fetch and parse both wait to put on the last channel, and nobody takes from it."""
    fed: list[int] = []

    async def dead_disk(items: Sequence[Outcome]) -> Sequence[Outcome]:
        raise FatalError("disk full")

    pipeline = House((4, 2, 1), 1).pipeline(unending(fed))
    pipeline.stages[-1].handle = dead_disk
    with ends_with(FatalError):
        await settled(pipeline.run())
    assert len(fed) <= 1 + (4 + 2 + 1) + 3 * 1
    assert not other_tasks()


# ---- more for these tests


async def leave_with(error: Exception) -> None:
    raise error


async def nobody(outcome: Outcome) -> None:
    raise AssertionError(f"nothing is to be settled here, and {outcome} was")


async def unending(fed: list[int]) -> AsyncIterator[Request]:
    for n in range(10**6):
        fed.append(n)
        yield request(n)


def keep_until(count: int, outcomes: list[Outcome], enough: asyncio.Event) -> Any:
    """A settle that says when so many have come."""

    async def settle(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if len(outcomes) == count:
            enough.set()

    return settle


async def test_a_call_to_exit_stops_the_workers_beside_it() -> None:
    class Exit(BaseException):
        """Stands for SystemExit and KeyboardInterrupt, which would end pytest."""

    stuck = Stuck(2)

    async def leave(item: Item) -> None:
        if number(item) == 0:
            await stuck.reached.wait()
            raise Exit
        await stuck(item)

    line = build(requests(100), [leave, jitter], (3, 1), 1)
    with pytest.raises(BaseExceptionGroup, check=lambda group: not group.split(Exit)[1]):
        await settled(line.pipeline.run())
    assert line.outcomes == []
    assert not other_tasks()


async def test_a_settlement_that_swallows_its_cancellation_does_not_keep_the_run_alive() -> None:
    stuck = Stuck(1)

    async def settle(outcome: Outcome) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await stuck(outcome)

    async def source() -> AsyncIterator[Request]:
        yield request(0)
        await asyncio.Event().wait()

    line = build(source(), [jitter], (2,), 1, settle)
    run = asyncio.create_task(line.pipeline.run())
    await settled(stuck.reached.wait())
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(run)
    assert not other_tasks()
