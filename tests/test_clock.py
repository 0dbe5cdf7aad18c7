"""A process that stood still, in a loop whose time is set by hand."""

from __future__ import annotations

import asyncio

from scrapeq.clock import BEAT, LATE, Clock
from tests.frontier_kit import skipping_time, this_loop


@skipping_time
async def test_a_clock_that_goes_has_never_stood_still() -> None:
    clock = Clock()
    clock.start()
    await asyncio.sleep(60)
    assert not clock.stood_still_since(float("-1"))
    clock.stop()


@skipping_time
async def test_a_standstill_is_known_to_whoever_is_woken_by_it() -> None:
    clock = Clock()
    clock.start()
    began = this_loop().now
    late = []

    async def waits(seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            late.append(clock.stood_still_since(began))

    waiting = [asyncio.create_task(waits(BEAT * share)) for share in (0.1, 0.5, 1.5, 3)]
    await asyncio.sleep(0)
    this_loop().now += LATE + 2 * BEAT
    await asyncio.gather(*waiting)
    assert late == [True] * 4
    assert not clock.stood_still_since(this_loop().now + 1)
    clock.stop()


@skipping_time
async def test_a_beat_that_is_a_little_late_is_no_standstill() -> None:
    clock = Clock()
    clock.start()
    this_loop().now += BEAT + LATE / 2
    await asyncio.sleep(5)
    assert not clock.stood_still_since(float("-1"))
    clock.stop()
