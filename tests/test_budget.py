"""Bytes of bodies in memory: who waits, who goes first, and that nobody waits for ever."""

from __future__ import annotations

import asyncio
import random

from scrapeq.budget import Budget
from tests.flow_kit import a_turn, settled


async def waiting(budget: Budget, holder: int, size: int) -> asyncio.Task[None]:
    assert not budget.take_now(holder, size)
    task = asyncio.create_task(budget.take(holder, size))
    await a_turn()
    return task


async def test_what_fits_need_not_wait() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 4)
    assert budget.take_now(1, 6)
    assert budget.used == budget.peak == 10


async def test_what_does_not_fit_waits_until_enough_is_given_back() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 4)
    assert budget.take_now(2, 6)
    task = await waiting(budget, 3, 5)
    budget.free(1)
    await a_turn()
    assert not task.done()
    budget.free(2)
    await settled(task)
    assert (budget.used, budget.waiting) == (5, 0)


async def test_a_whole_body_counts_until_it_is_freed() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 10)
    budget.keep(1)
    task = await waiting(budget, 2, 1)
    budget.free(1)
    await settled(task)


async def test_a_body_larger_than_all_gets_through_alone() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 25)
    second = await waiting(budget, 2, 1)
    budget.keep(1)
    await a_turn()
    assert not second.done()  # it will be parsed, so there is something to wait for
    budget.free(1)
    await settled(second)


async def test_readers_that_wait_for_each_other_are_let_through_one_by_one() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 5)
    assert budget.take_now(2, 5)
    second = await waiting(budget, 2, 5)
    assert budget.take_now(1, 5)  # the elder one
    assert not second.done()
    budget.keep(1)
    budget.free(1)
    await settled(second)


async def test_who_waits_for_many_bytes_does_not_bar_the_way_for_few() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 9)
    large = await waiting(budget, 2, 8)
    assert budget.take_now(3, 1)
    assert not large.done()


async def test_what_comes_back_goes_to_the_eldest_that_waits() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 10)
    large, small = await waiting(budget, 2, 8), await waiting(budget, 3, 3)
    budget.free(1)
    await settled(large)
    assert not small.done()
    budget.free(2)
    await settled(small)


async def test_who_gives_up_waits_no_longer_and_holds_nothing() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 10)
    task = await waiting(budget, 2, 5)
    task.cancel()
    await asyncio.wait({task})
    budget.free(2)
    assert budget.waiting == 0
    budget.free(1)
    assert budget.used == 0


async def test_bytes_given_to_one_who_just_gave_up_come_back() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 10)
    task = await waiting(budget, 2, 5)
    budget.free(1)
    task.cancel()
    await asyncio.wait({task})
    budget.free(2)
    assert budget.used == 0


async def test_nothing_is_given_to_one_who_is_about_to_leave() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 10)
    leaving, staying = await waiting(budget, 2, 5), await waiting(budget, 3, 10)
    leaving.cancel()
    budget.free(1)
    await settled(staying)
    assert leaving.cancelled()
    budget.free(2)
    assert budget.used == 10


# ---- what was in the bodies


async def test_values_take_the_place_of_their_body() -> None:
    budget = Budget(80)
    assert budget.take_now(1, 40)
    budget.keep(1)
    await budget.exchange(1, 5)
    assert budget.used == 5
    budget.free(1)
    assert budget.used == 0


async def test_values_wait_for_others_to_be_saved_in_the_order_in_which_they_come() -> None:
    budget = Budget(80)
    await budget.exchange(1, 6)
    second, third = (asyncio.create_task(budget.exchange(n, n + 4)) for n in (2, 3))
    await a_turn()
    assert not second.done()
    budget.free(1)
    await settled(second)
    await a_turn()
    assert not third.done()
    budget.free(2)
    await settled(third)
    assert (budget.used, budget.peak) == (7, 7)


async def test_values_of_one_page_may_be_more_than_all() -> None:
    budget = Budget(80)
    await budget.exchange(1, 500)
    assert budget.used == 500


async def test_who_gives_up_waiting_with_values_lets_the_next_one_go() -> None:
    budget = Budget(80)
    await budget.exchange(1, 10)
    second, third = (asyncio.create_task(budget.exchange(n, 1)) for n in (2, 3))
    await a_turn()
    second.cancel()
    budget.free(1)
    await settled(third)
    assert budget.used == 1


async def test_readers_wait_for_values_to_be_saved() -> None:
    budget = Budget(80)
    await budget.exchange(1, 75)
    reader = await waiting(budget, 2, 10)
    budget.free(1)
    await settled(reader)


async def test_to_free_twice_or_nothing_changes_nothing() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 4)
    budget.free(1)
    budget.free(1)
    budget.free(7)
    budget.keep(7)
    assert budget.used == 0


async def test_the_time_in_which_somebody_waits_is_measured() -> None:
    budget = Budget(10)
    assert budget.take_now(1, 10)
    assert budget.short_seconds() == 0
    task = await waiting(budget, 2, 5)
    await asyncio.sleep(0.001)
    assert budget.short_seconds() > 0
    budget.free(1)
    await settled(task)
    short = budget.short_seconds()
    await asyncio.sleep(0.001)
    assert budget.short_seconds() == short


async def test_many_readers_of_any_size_all_end_and_stay_within_one_body_of_the_limit() -> None:
    chance = random.Random(5)
    limit, largest = 50, 30
    budget = Budget(limit)
    whole: asyncio.Queue[int] = asyncio.Queue()

    async def read(holder: int) -> None:
        for _ in range(chance.randint(1, 6)):
            size = chance.randint(0, 5)
            if not budget.take_now(holder, size):
                await budget.take(holder, size)
            await asyncio.sleep(0)
        if chance.random() < 0.2:
            budget.free(holder)
        else:
            budget.keep(holder)
            await whole.put(holder)

    async def parse() -> None:
        while True:
            budget.free(await whole.get())
            await asyncio.sleep(0)

    parser = asyncio.create_task(parse())
    await settled(asyncio.gather(*map(read, range(500))))
    while not whole.empty():
        await a_turn()
    await a_turn()
    parser.cancel()
    assert budget.used == 0
    assert limit - largest < budget.peak <= limit + largest
