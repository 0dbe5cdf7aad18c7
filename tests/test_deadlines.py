"""Many time limits, one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from scrapeq.deadlines import Deadlines
from tests.frontier_kit import seconds, skipping_time, this_loop


async def within(deadlines: Deadlines, work: Awaitable[Any]) -> Any:
    timeout = deadlines.begin()
    try:
        async with timeout:
            return await work
    finally:
        deadlines.end(timeout)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_an_attempt_whose_time_is_over_ends_in_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        await within(Deadlines(0.01), forever())


async def test_each_attempt_has_its_own_end() -> None:
    deadlines = Deadlines(0.05)
    loop = asyncio.get_running_loop()
    ends: list[float] = []

    async def attempt() -> float:
        began = loop.time()
        with pytest.raises(TimeoutError):
            await within(deadlines, forever())
        ends.append(loop.time() - began)
        return began

    first = asyncio.create_task(attempt())
    await asyncio.sleep(0.02)
    began = await asyncio.gather(first, attempt())
    assert began[1] - began[0] >= 0.02
    assert min(ends) >= 0.05


async def test_what_ended_in_time_is_left_alone_afterwards() -> None:
    deadlines = Deadlines(0.02)
    assert await within(deadlines, asyncio.sleep(0, "done")) == "done"
    with pytest.raises(TimeoutError):  # by now the first one's time would be over, too
        await within(deadlines, forever())


async def test_one_timer_serves_all_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    started: list[float] = []
    call_at = loop.call_at

    def counting(when: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        started.append(when)
        return call_at(when, *args, **kwargs)

    deadlines = Deadlines(60.0)
    monkeypatch.setattr(loop, "call_at", counting)
    for _ in range(100):
        await within(deadlines, asyncio.sleep(0))
    await asyncio.gather(*(within(deadlines, asyncio.sleep(0)) for _ in range(100)))
    assert len(started) == 1


async def test_all_that_are_under_way_can_be_ended_at_once() -> None:
    deadlines = Deadlines(60.0)
    under_way = [asyncio.create_task(within(deadlines, forever())) for _ in range(3)]
    await asyncio.sleep(0)
    deadlines.expire_all()
    deadlines.expire_all()
    ended = await asyncio.gather(*under_way, return_exceptions=True)
    assert [type(end) for end in ended] == [TimeoutError] * 3
    assert await within(deadlines, asyncio.sleep(0, "later")) == "later"


async def test_a_cancellation_from_elsewhere_is_no_timeout() -> None:
    deadlines = Deadlines(60.0)
    task = asyncio.create_task(within(deadlines, forever()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_clock_that_was_stopped_goes_on_where_it_stood() -> None:
    deadlines = Deadlines(0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def attempt() -> None:
        timeout = deadlines.begin()
        async with timeout:
            with deadlines.stopped(timeout):
                await asyncio.sleep(0.1)  # longer than it has
            await forever()

    with pytest.raises(TimeoutError):
        await attempt()
    assert loop.time() - began >= 0.15


async def test_a_stopped_clock_does_not_hold_the_others() -> None:
    deadlines = Deadlines(0.01)
    waiting = deadlines.begin()
    async with waiting:
        with deadlines.stopped(waiting), pytest.raises(TimeoutError):
            await asyncio.create_task(within(deadlines, forever()))
    deadlines.end(waiting)


async def test_who_waits_with_a_stopped_clock_can_be_ended_too() -> None:
    deadlines = Deadlines(60.0)

    async def wait() -> None:
        timeout = deadlines.begin()
        try:
            async with timeout:
                with deadlines.stopped(timeout):
                    await forever()
        finally:
            deadlines.end(timeout)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    deadlines.expire_all()
    with pytest.raises(TimeoutError):
        await task


@skipping_time
async def test_time_in_which_the_process_stood_still_was_nobodys() -> None:
    deadlines = Deadlines(10)
    began = seconds()
    attempt = asyncio.create_task(within(deadlines, forever()))
    await asyncio.sleep(4)
    this_loop().now += 3600
    with pytest.raises(TimeoutError):
        await attempt
    assert seconds() - began == 3604 + 10


@skipping_time
async def test_whoever_keeps_the_process_busy_is_given_its_time_anew_only_once() -> None:
    deadlines = Deadlines(10)
    began = seconds()
    attempt = asyncio.create_task(within(deadlines, forever()))
    await asyncio.sleep(4)
    this_loop().now += 100
    await asyncio.sleep(1)
    this_loop().now += 100
    with pytest.raises(TimeoutError):
        await attempt
    assert seconds() - began == 205


async def test_a_clock_that_has_run_out_this_very_moment_can_still_be_stopped() -> None:
    deadlines = Deadlines(60.0)
    timeout = deadlines.begin()

    async def attempt() -> None:
        async with timeout:
            deadlines.expire_all()
            with deadlines.stopped(timeout):
                await forever()

    with pytest.raises(TimeoutError):
        await attempt()
    deadlines.end(timeout)
