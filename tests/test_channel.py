"""The channel by itself: order, the end, levels and times, and cancellation."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import get_args

import pytest

from scrapeq.channel import Channel, EndOfChannel
from scrapeq.models import Order
from tests.flow_kit import Clock, a_turn, settled

ORDERS: tuple[Order, ...] = get_args(Order)
each_order = pytest.mark.parametrize("order", ORDERS)


async def filled(order: Order, *items: float, room: int = 0) -> Channel[float]:
    """A channel in which the items lie, with room for some more. An item is its own rank."""
    channel = Channel[float](len(items) + room, order, rank=float)
    for item in items:
        await settled(channel.put(item))
    return channel


async def consume(channel: Channel[float]) -> list[float]:
    """Everything up to the end."""
    items = []
    while True:
        try:
            items.append(await channel.get())
        except EndOfChannel:
            return items


# ---- order


@pytest.mark.parametrize(
    ("order", "expected"),
    [("fifo", [2, 3, 1]), ("lifo", [1, 3, 2]), ("priority", [1, 2, 3])],
)
async def test_items_leave_in_the_order_asked_for(order: Order, expected: list[float]) -> None:
    channel = await filled(order, 2, 3, 1)
    assert [await settled(channel.get()) for _ in range(3)] == expected


async def test_equal_priorities_leave_as_they_came_and_are_never_compared() -> None:
    channel = Channel[object](20, "priority")
    items = [object() for _ in range(20)]  # `<` between two of them raises
    for item in items:
        await channel.put(item)
    assert [await settled(channel.get()) for _ in range(20)] == items


# ---- capacity


@each_order
async def test_put_waits_for_room(order: Order) -> None:
    """Back-pressure: every queue is bounded, in each order."""
    channel = await filled(order, 1, 2)
    put = asyncio.create_task(channel.put(3))
    await a_turn()
    assert not put.done()
    await channel.get()
    await settled(put)
    assert len(channel) == 2


async def test_the_peak_is_the_deepest_it_ever_was() -> None:
    channel = await filled("fifo", 1, 2, room=5)
    await channel.get()
    await channel.get()
    await channel.put(3)
    assert (len(channel), channel.peak) == (1, 2)


async def test_the_peak_counts_an_item_that_had_to_wait() -> None:
    channel = Channel[float](1)
    consumer = asyncio.create_task(consume(channel))
    for n in range(5):
        await settled(channel.put(n))
    await settled(channel.close())
    assert await settled(consumer) == [0, 1, 2, 3, 4]
    assert channel.peak == 1


# ---- the end


@each_order
@pytest.mark.parametrize("consumers", [1, 2, 5])
@pytest.mark.parametrize(("inside", "room"), [(0, 1), (0, 4), (1, 0), (1, 4), (3, 0), (3, 1)])
async def test_the_end_follows_the_last_item_and_reaches_every_consumer(
    order: Order, consumers: int, inside: int, room: int
) -> None:
    """One marker, sorted last and handed on: nobody counts anybody."""
    items = [float(n) for n in range(inside)]
    channel = await filled(order, *items, room=room)
    close = asyncio.create_task(channel.close())
    await a_turn()
    assert close.done() == (room > 0)  # a full channel cannot take its end yet
    crew = [asyncio.create_task(consume(channel)) for _ in range(consumers)]
    shares = await settled(asyncio.gather(*crew))
    await settled(close)
    assert Counter(item for share in shares for item in share) == Counter(items)


@each_order
async def test_the_end_reaches_every_consumer_that_waits(order: Order) -> None:
    channel = Channel[float](1, order)
    crew = [asyncio.create_task(consume(channel)) for _ in range(5)]
    await a_turn()
    await settled(channel.close())
    assert await settled(asyncio.gather(*crew)) == [[]] * 5


@each_order
async def test_the_end_comes_after_even_the_last_in_rank(order: Order) -> None:
    infinity = float("inf")
    channel = await filled(order, infinity, -infinity, infinity, room=1)
    await channel.close()
    assert Counter(await settled(consume(channel))) == {infinity: 2, -infinity: 1}


@each_order
async def test_the_end_is_met_again_by_whoever_asks_again(order: Order) -> None:
    channel = Channel[float](1, order)
    await channel.close()
    for _ in range(3):
        with pytest.raises(EndOfChannel):
            await settled(channel.get())


@each_order
async def test_the_length_does_not_count_the_end(order: Order) -> None:
    channel = await filled(order, 1, 2, room=1)
    await channel.close()
    assert (len(channel), channel.peak) == (2, 2)
    await channel.get()
    assert len(channel) == 1
    assert await settled(consume(channel))
    assert (len(channel), channel.peak) == (0, 2)


async def test_a_close_that_waits_for_room_does_not_shorten_the_channel() -> None:
    channel = await filled("fifo", 1, 2)
    close = asyncio.create_task(channel.close())
    await a_turn()
    assert len(channel) == 2
    await channel.get()
    await settled(close)
    assert len(channel) == 1


@each_order
@pytest.mark.parametrize("room", [2, 1])
async def test_a_put_after_the_close_is_an_error(order: Order, room: int) -> None:
    """With room or without: nobody would ever get such an item."""
    channel = await filled(order, 1, room=room)
    await channel.close()
    with pytest.raises(RuntimeError, match="put after the end"):
        await settled(channel.put(2))
    assert await settled(consume(channel)) == [1]


@each_order
@pytest.mark.parametrize("room", [2, 1])
async def test_a_second_close_is_an_error(order: Order, room: int) -> None:
    """With room or without: there is one end."""
    channel = await filled(order, 1, room=room)
    await channel.close()
    with pytest.raises(RuntimeError, match="closed twice"):
        await settled(channel.close())
    assert await settled(consume(channel)) == [1]


# ---- many at once


@each_order
async def test_get_many_takes_what_is_there_up_to_its_limit(order: Order) -> None:
    channel = await filled(order, 1, 2, 3, 4, 5, room=5)
    first, second = [await settled(channel.get_many(3)) for _ in range(2)]
    assert (len(first), len(second)) == (3, 2)  # and never waited for a third
    assert sorted(first + second) == [1, 2, 3, 4, 5]


async def test_get_many_waits_for_the_first_item_only() -> None:
    channel = Channel[float](5)
    batch = asyncio.create_task(channel.get_many(3))
    await a_turn()
    assert not batch.done()
    await channel.put(1)
    assert await settled(batch) == [1]


@each_order
async def test_get_many_returns_the_last_items_and_then_the_end(order: Order) -> None:
    channel = await filled(order, 1, 2, room=1)
    await channel.close()
    assert sorted(await settled(channel.get_many(10))) == [1, 2]
    for _ in range(2):
        with pytest.raises(EndOfChannel):
            await settled(channel.get_many(10))


async def test_consumers_that_wait_share_what_comes_at_once() -> None:
    channel = Channel[int](9)
    waiting = [asyncio.create_task(channel.get_many(9)) for _ in range(3)]
    await a_turn()
    for item in range(9):
        await channel.put(item)
    shares = [await settled(task) for task in waiting]
    assert sorted(item for share in shares for item in share) == list(range(9))
    assert [len(share) for share in shares] == [3, 3, 3]


# ---- letting items gather


async def gathering(
    channel: Channel[float], seconds: float = 1e6, enough: int = 100
) -> asyncio.Task[None]:
    task = asyncio.create_task(channel.gather(seconds, lambda inside: inside >= enough))
    await a_turn()
    return task


async def test_items_gather_until_there_are_enough() -> None:
    channel = await filled("fifo", 1, room=9)
    task = await gathering(channel, enough=3)
    await channel.put(2)
    await a_turn()
    assert not task.done()
    await channel.put(3)
    await settled(task)


async def test_nobody_waits_for_what_is_there_already() -> None:
    channel = await filled("fifo", 1, 2, room=9)
    await settled(channel.gather(1e6, lambda inside: inside >= 2))


async def test_a_full_queue_is_enough() -> None:
    channel = await filled("fifo", 1, room=1)
    task = await gathering(channel)
    await channel.put(2)
    await settled(task)


async def test_after_the_end_nobody_waits_for_more() -> None:
    channel = await filled("fifo", 1, room=9)
    task = await gathering(channel)
    await channel.close()
    await settled(task)


async def test_items_gather_no_longer_than_asked_for() -> None:
    channel = await filled("fifo", 1, room=9)
    await channel.gather(0.001, lambda inside: False)


async def test_two_may_let_items_gather() -> None:
    channel = await filled("fifo", room=9)
    few, many = await gathering(channel, enough=1), await gathering(channel, enough=2)
    await channel.put(1)
    await settled(few)
    assert not many.done()
    await channel.put(2)
    await settled(many)


# ---- times


async def test_putting_takes_time_only_while_a_producer_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    channel = await filled("fifo", 1, room=1)
    clock.move(1)
    await channel.put(2)
    clock.move(2)
    assert channel.put_wait_seconds() == 0  # full, and nobody minds
    producers = [asyncio.create_task(channel.put(n)) for n in (3, 4)]
    await a_turn()
    clock.move(4)
    assert channel.put_wait_seconds() == 2 * 4
    await channel.get()
    await settled(producers[0])
    clock.move(8)
    assert channel.put_wait_seconds() == 2 * 4 + 8
    await channel.get()
    await settled(producers[1])
    clock.move(16)
    assert channel.put_wait_seconds() == 2 * 4 + 8
    assert channel.starved_seconds() == 0


async def test_consumers_starve_only_while_they_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    channel = await filled("fifo", 1)
    await channel.get()
    clock.move(1)
    assert channel.starved_seconds() == 0  # empty, and nobody minds
    consumers = [asyncio.create_task(channel.get()) for _ in range(2)]
    await a_turn()
    clock.move(2)
    assert channel.starved_seconds() == 2 * 2
    await channel.put(2)
    await settled(consumers[0])
    clock.move(4)
    assert channel.starved_seconds() == 2 * 2 + 4
    await channel.close()
    with pytest.raises(EndOfChannel):
        await settled(consumers[1])
    clock.move(8)
    assert channel.starved_seconds() == 2 * 2 + 4
    assert channel.put_wait_seconds() == 0


async def test_full_time_is_the_time_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    channel = await filled("fifo", 1, room=1)
    clock.move(1)
    assert channel.full_seconds() == 0
    await channel.put(2)
    clock.move(2)
    assert channel.full_seconds() == 2
    await channel.get()
    clock.move(4)
    assert channel.full_seconds() == 2
    await channel.close()
    clock.move(8)
    assert channel.full_seconds() == 2  # the end takes a place, but nobody waits for it


# ---- cancellation


async def test_a_cancelled_put_loses_nothing_and_stops_its_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What waits in a put is cancelled whenever the intake is drained."""
    clock = Clock(monkeypatch)
    channel = await filled("fifo", 1)
    put = asyncio.create_task(channel.put(2))
    await a_turn()
    clock.move(1)
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(put)
    clock.move(2)
    assert channel.put_wait_seconds() == 1
    assert await settled(channel.get()) == 1
    await settled(channel.put(3))
    await settled(asyncio.gather(channel.close(), took := asyncio.create_task(consume(channel))))
    assert took.result() == [3]


async def test_a_cancelled_get_loses_nothing_and_stops_its_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    channel = Channel[float](2)
    get = asyncio.create_task(channel.get())
    await a_turn()
    clock.move(1)
    get.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(get)
    clock.move(2)
    assert channel.starved_seconds() == 1
    await channel.put(1)
    assert await settled(channel.get()) == 1
    assert (len(channel), channel.peak) == (0, 1)


async def test_a_put_cancelled_as_room_appears_lets_the_next_producer_in() -> None:
    channel = await filled("fifo", 1)
    first, second = (asyncio.create_task(channel.put(n)) for n in (2, 3))
    await a_turn()
    await channel.get()  # wakes the first ...
    first.cancel()  # ... which goes away instead
    await settled(second)
    assert first.cancelled()
    assert await settled(channel.get()) == 3


async def test_a_get_cancelled_as_an_item_arrives_leaves_it_to_the_next_consumer() -> None:
    channel = Channel[float](1)
    first, second = (asyncio.create_task(channel.get()) for _ in range(2))
    await a_turn()
    await channel.put(1)  # wakes the first ...
    first.cancel()  # ... which goes away instead
    assert await settled(second) == 1
    assert first.cancelled()


async def test_a_cancelled_close_leaves_no_end_behind() -> None:
    channel = await filled("fifo", 1)
    close = asyncio.create_task(channel.close())
    await a_turn()
    close.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(close)
    assert len(channel) == 1
    assert await settled(channel.get()) == 1
    await settled(channel.put(2))
    assert await settled(channel.get()) == 2
