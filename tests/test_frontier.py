"""Which Request may go now: order, fairness, pace and due times, in a time that is skipped."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import get_args
from unittest import mock

import pytest

from scrapeq import frontier as module
from scrapeq.frontier import WINDOWS, Frontier
from scrapeq.models import Order, Outcome, Request, Verdict
from scrapeq.urls import listed
from tests.flow_kit import a_turn
from tests.frontier_kit import (
    EPOCH,
    Answer,
    Crew,
    MemoryStore,
    Row,
    frontier_of,
    rows,
    seconds,
    skipping_time,
    this_loop,
)
from tests.store_kit import counted, opened, titles
from tests.store_kit import done as done_with

each_order = pytest.mark.parametrize("order", get_args(Order))


def done(request: Request) -> Outcome:
    return Outcome(request, "done", attempts=request.attempt)


def again(request: Request, due: float | None) -> Outcome:
    """A retry, so many seconds from the start of the test."""
    when = None if due is None else EPOCH + due
    return Outcome(request, "retry", attempts=request.attempt, due=when)


class Handed:
    """What a Frontier hands out, asked for one at a time."""

    def __init__(self, frontier: Frontier) -> None:
        self._requests: AsyncIterator[Request] = aiter(frontier)
        self._next: asyncio.Task[Request | None] | None = None

    async def next(self) -> Request | None:
        """The next one, or None at the end; waits for it."""
        self._next = self._next or asyncio.ensure_future(anext(self._requests, None))
        request = await self._next
        self._next = None
        return request

    async def nothing(self, moments: float = 0.001) -> bool:
        """Whether so much time passes and nothing is handed out, nor is it the end."""
        self._next = self._next or asyncio.ensure_future(anext(self._requests, None))
        await asyncio.wait({self._next}, timeout=moments)
        return not self._next.done()

    async def all_now(self) -> list[Request]:
        """All that can be had without an answer to any of it."""
        requests = []
        while not await self.nothing():
            request = await self.next()
            if request is None:
                break
            requests.append(request)
        return requests

    async def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})


async def settle(frontier: Frontier, store: MemoryStore, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        frontier.started(outcome.request)
        frontier.answered(outcome.request)
        await store.save([outcome])
        frontier.settled(outcome)


# ---- the beginning and the end


@skipping_time
async def test_an_empty_list_ends_at_once() -> None:
    assert await Handed(frontier_of(MemoryStore())).next() is None


@skipping_time
async def test_nothing_is_handed_out_before_it_may_begin() -> None:
    frontier = Frontier(MemoryStore(*rows(1)))
    handed = Handed(frontier)
    frontier.list_grew()
    assert await handed.nothing(100)
    frontier.begin()
    assert await handed.next()
    assert await handed.nothing()
    await handed.close()


@skipping_time
async def test_the_end_comes_when_the_list_has_ended_and_every_url_has_its_verdict() -> None:
    store = MemoryStore(*rows(2))
    frontier = Frontier(store)
    frontier.begin()
    handed = Handed(frontier)
    one, two = await handed.all_now()
    await settle(frontier, store, done(one))
    frontier.list_ended()
    assert await handed.nothing(1000)
    frontier.answered(two)
    assert await handed.nothing(1000)
    await store.save([done(two)])
    assert await handed.nothing(1000)
    frontier.settled(done(two))
    assert await handed.next() is None


@skipping_time
async def test_the_end_waits_for_the_list() -> None:
    store = MemoryStore(*rows(1))
    frontier = Frontier(store)
    frontier.begin()
    handed = Handed(frontier)
    (one,) = await handed.all_now()
    await settle(frontier, store, done(one))
    assert await handed.nothing(1000)
    store.put(*rows(1, "b"))
    frontier.list_grew()
    (two,) = await handed.all_now()
    frontier.list_ended()
    await settle(frontier, store, done(two))
    assert await handed.next() is None


@skipping_time
async def test_links_that_come_with_the_last_verdict_are_handed_out_too() -> None:
    store = MemoryStore(*rows(1))
    frontier = frontier_of(store)
    handed = Handed(frontier)
    (one,) = await handed.all_now()
    frontier.answered(one)
    await store.save([done(one)])
    store.put(*rows(1, "b"))
    frontier.list_grew()
    frontier.settled(done(one))
    (two,) = await handed.all_now()
    await settle(frontier, store, done(two))
    assert await handed.next() is None


@skipping_time
async def test_what_an_earlier_run_left_is_handed_out_each_at_its_time() -> None:
    left = [Row("http://a/1", "a", attempts=1, due=EPOCH + due) for due in (-5.0, 30.0, 20.0)]
    crew = Crew(frontier_of(store := MemoryStore(*left)), store.save)
    await crew.work()
    assert [(when, x.id, x.attempt) for when, x in crew.started] == [
        (0.0, 1, 2),
        (20.0, 3, 2),
        (30.0, 2, 2),
    ]


# ---- retries


@skipping_time
async def test_a_retry_is_handed_out_when_it_is_due_and_not_before() -> None:
    store = MemoryStore(*rows(1))
    frontier = frontier_of(store)
    handed = Handed(frontier)
    for n, due in enumerate((10.0, 10.5, 500.0), start=1):
        (request,) = await handed.all_now()
        assert request.attempt == n
        await settle(frontier, store, again(request, due))
        assert await handed.nothing(due - seconds() - 0.001)
        store.takes = 0
        again_ = await handed.next()
        assert again_ is not None
        assert seconds() == pytest.approx(due, abs=1e-6)
        await settle(frontier, store, again(again_, None))
        store.rows[1].attempts = n


@skipping_time
async def test_a_clock_that_is_set_back_holds_a_retry_no_longer_than_it_was_to_wait() -> None:
    store = MemoryStore(*rows(1))
    frontier = frontier_of(store)
    handed = Handed(frontier)
    request = await handed.next()
    assert request is not None
    frontier.answered(request)
    await store.save([again(request, 5.0)])
    frontier.settled(again(request, 5.0))
    with mock.patch("scrapeq.frontier.time", mock.Mock(time=lambda: EPOCH - 1e6 + seconds())):
        store.rows[1].due = EPOCH - 1e6  # the real one sees at once that it was a wrong clock
        assert await handed.next() is not None
    assert seconds() <= 5.0
    await handed.close()


@skipping_time
async def test_a_retry_does_not_hold_up_what_can_go_now() -> None:
    store = MemoryStore(*rows(3))
    crew = Crew(
        frontier_of(store, per_host=1),
        store.save,
        lambda x: Answer(1.0, "retry", due=60.0) if (x.id, x.attempt) == (1, 1) else Answer(1.0),
    )
    await crew.work()
    assert [(when, x.id) for when, x in crew.started] == [(0, 1), (1, 2), (2, 3), (61, 1)]


@skipping_time
async def test_what_is_handed_back_untried_is_handed_out_again() -> None:
    store = MemoryStore(*rows(1))
    frontier = frontier_of(store)
    handed = Handed(frontier)
    (request,) = await handed.all_now()
    await settle(frontier, store, Outcome(request, "retry", "stopped", attempts=0))
    assert await handed.all_now() == [request]
    await settle(frontier, store, done(request))
    assert await handed.next() is None


@skipping_time
async def test_the_earliest_of_many_retries_is_not_forgotten() -> None:
    store = MemoryStore(*rows(20, "a"), *rows(20, "b"))
    frontier = frontier_of(store, per_host=3)
    dues = {n: chance * 7.0 for n, chance in enumerate(random.Random(1).choices(range(90), k=41))}
    crew = Crew(
        frontier,
        store.save,
        lambda x: Answer(1.0, "retry", due=dues[x.id]) if x.attempt == 1 else Answer(),
    )
    due_at = {}
    settled = frontier.settled

    def note(outcome: Outcome) -> None:
        if outcome.due is not None:
            due_at[outcome.request.id] = outcome.due - EPOCH
        settled(outcome)

    with mock.patch.object(frontier, "settled", note):
        await crew.work()
    seconds_tries = {x.id: when for when, x in crew.started if x.attempt == 2}
    assert len(seconds_tries) == 40
    for id_, when in seconds_tries.items():
        assert when >= round(due_at[id_], 5)


class Interrupted(MemoryStore):
    """Calls somebody in the middle of the next `take`, once it has looked."""

    meanwhile = staticmethod(lambda: None)

    async def take(self, *args: object) -> list[Request]:
        found = await super().take(*args)  # type: ignore[arg-type]
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return found


@skipping_time
async def test_a_list_that_grows_during_a_look_is_looked_at_again() -> None:
    store = Interrupted(*rows(1))
    frontier = frontier_of(store)

    def grow() -> None:
        store.put(*rows(1, "b"))
        frontier.list_grew()

    store.meanwhile = grow
    crew = Crew(frontier, store.save)
    await crew.work()
    assert len(crew.verdicts) == 2


@skipping_time
async def test_links_that_come_during_the_last_look_are_not_the_end() -> None:
    store = Interrupted(*rows(1))
    frontier = frontier_of(store)
    handed = Handed(frontier)
    (one,) = await handed.all_now()

    def save_with_a_link() -> None:
        store.rows[1].state = "done"
        store.put(*rows(1, "b"))
        frontier.answered(one)
        frontier.list_grew()
        frontier.settled(done(one))

    store.meanwhile = save_with_a_link
    frontier.list_grew()
    (two,) = await handed.all_now()
    await settle(frontier, store, done(two))
    assert await handed.next() is None


@skipping_time
async def test_a_retry_that_is_noted_during_a_look_is_not_forgotten() -> None:
    store = Interrupted(*rows(2))
    frontier = frontier_of(store)
    handed = Handed(frontier)
    one, two = await handed.all_now()

    def retry() -> None:
        frontier.answered(one)
        store.rows[1].attempts, store.rows[1].due = 1, EPOCH + 5
        frontier.settled(again(one, 5))

    store.meanwhile = retry
    frontier.list_grew()
    await settle(frontier, store, done(two))
    third = await handed.next()
    assert third is not None
    assert (third.id, third.attempt, seconds()) == (1, 2, 5.0)
    await settle(frontier, store, done(third))
    assert await handed.next() is None


# ---- hosts


def always_used_up(crew: Crew, store: MemoryStore, per_host: int) -> None:
    """Whenever everybody waits: no host has a free place and something that could take it."""

    def check() -> None:
        paused = crew.frontier.waits()
        now = EPOCH + this_loop().time()
        free = [
            row.host
            for id_, row in store.rows.items()
            if row.state == "pending" and id_ not in crew.under_way and (row.due or 0) <= now
        ]
        for host in set(free) - paused.keys():
            assert crew.active[host] == per_host, f"{host}: {crew.active[host]} at {seconds()}"

    this_loop().when_idle.append(check)


@pytest.mark.parametrize("per_host", [1, 2, 5])
@skipping_time
async def test_the_places_of_a_host_are_all_used_and_never_more(per_host: int) -> None:
    chance = random.Random(per_host)
    store = MemoryStore(*rows(30, "a"), *rows(7, "b"), *rows(1, "c"))
    frontier = frontier_of(store, per_host=per_host)
    crew = Crew(frontier, store.save, lambda _: Answer(chance.random()))
    always_used_up(crew, store, per_host)
    await crew.work()
    assert crew.most == {"a": per_host, "b": per_host, "c": 1}


@skipping_time
async def test_a_place_is_free_when_the_answer_is_there_and_not_when_it_is_saved() -> None:
    frontier = frontier_of(MemoryStore(*rows(3)), per_host=1)
    handed = Handed(frontier)
    for n in (1, 2, 3):
        (request,) = await handed.all_now()
        assert request.id == n
        assert await handed.nothing()
        frontier.answered(request)
    assert await handed.nothing(1000)
    await handed.close()


@skipping_time
async def test_after_a_pause_all_places_of_the_host_are_used_again() -> None:
    store = MemoryStore(*rows(40, "a"), *rows(10, "b"))
    frontier = frontier_of(store, per_host=4)
    crew = Crew(
        frontier,
        store.save,
        lambda x: Answer(1.0, pause=50.0) if x.id in (3, 12) else Answer(1.0),
    )
    always_used_up(crew, store, 4)
    await crew.work()
    # Four a second; when the third answers, the host is left alone for 50 seconds.
    starts = crew.starts("a")
    waves = [(when, starts.count(when)) for when in sorted(set(starts))]
    assert waves[:4] == [(0.0, 4), (51.0, 4), (52.0, 4), (103.0, 4)]
    assert waves[4:] == [(104.0 + n, 4) for n in range(6)]
    assert crew.starts("b")[-1] == 2.0


@skipping_time
async def test_a_longer_pause_wins_and_a_shorter_one_does_not_end_it() -> None:
    store = MemoryStore(*rows(3))
    frontier = frontier_of(store, per_host=2)
    handed = Handed(frontier)
    frontier.pause("a", 10)
    frontier.pause("a", 30)
    frontier.pause("a", 5)
    assert frontier.waits() == {"a": 30}
    assert await handed.nothing(29.99)
    assert await handed.next()
    assert seconds() == 30
    assert len(await handed.all_now()) == 1
    assert frontier.waits() == {}
    await handed.close()


@skipping_time
async def test_what_is_settled_without_a_request_costs_no_interval() -> None:
    store = MemoryStore(*rows(5))
    frontier = Frontier(store, delay=10.0, per_host=2)
    frontier.list_ended()
    async for request in frontier:
        frontier.left_out(request)
        await store.save([done(request)])
        frontier.settled(done(request))
    assert seconds() == 0.0


@skipping_time
async def test_a_pause_holds_one_host_and_no_other() -> None:
    store = MemoryStore(*rows(2, "a"), *rows(2, "b"))
    frontier = frontier_of(store)
    frontier.pause("a", 60)
    crew = Crew(frontier, store.save)
    await crew.work()
    assert (crew.starts("a"), crew.starts("b")) == ([60, 60], [0, 0])


@skipping_time
async def test_an_answer_during_a_pause_lets_nothing_out() -> None:
    store = MemoryStore(*rows(6))
    frontier = frontier_of(store, per_host=2)
    handed = Handed(frontier)
    one, two = await handed.all_now()
    frontier.pause("a", 60)
    await settle(frontier, store, done(one), done(two))
    assert await handed.nothing(59)
    assert await handed.next()
    assert len(await handed.all_now()) == 1
    await handed.close()


@each_order
@skipping_time
async def test_a_slow_host_does_not_hold_back_others(order: Order) -> None:
    store = MemoryStore(*rows(100, "slow"), *rows(20, "fast"))
    frontier = frontier_of(store, per_host=2, order=order)
    crew = Crew(frontier, store.save, lambda x: Answer(1000.0 if x.host == "slow" else 0.5))
    await crew.work()
    assert crew.starts("fast")[-1] == 4.5
    assert crew.most["slow"] == 2


@each_order
@skipping_time
async def test_more_of_one_host_than_the_window_holds_are_all_handed_out(order: Order) -> None:
    with mock.patch.dict(WINDOWS, {order: 4}):
        store = MemoryStore(*rows(50, "a"), *rows(5, "b"))
        frontier = frontier_of(store, per_host=1, order=order)
        crew = Crew(frontier, store.save, lambda _: Answer(1.0))
        await crew.work()
    assert sum(crew.verdicts.values()) == 55
    assert max(store.limits) <= 4


@skipping_time
async def test_no_more_than_the_window_is_in_memory() -> None:
    with mock.patch.dict(WINDOWS, {"fifo": 10}):
        store = MemoryStore(*rows(200))
        frontier = frontier_of(store, per_host=3)
        crew = Crew(frontier, store.save, lambda _: Answer(1.0))
        sizes = []
        this_loop().when_idle.append(lambda: sizes.append(len(frontier._held)))
        await crew.work()
    assert 3 < max(sizes) <= 10 + 3
    assert len(store.limits) < 100  # taken by the handful, not one by one


# ---- pace


@pytest.mark.parametrize("per_host", [1, 3])
@skipping_time
async def test_two_requests_to_one_host_never_start_closer_than_the_delay(per_host: int) -> None:
    chance = random.Random(per_host)
    store = MemoryStore(*rows(20, "a"), *rows(20, "b"))
    frontier = frontier_of(store, per_host=per_host, delay=1.5)
    crew = Crew(frontier, store.save, lambda _: Answer(chance.random() * 4))
    await crew.work()
    for host in "ab":
        starts = crew.starts(host)
        gaps = [b - a for a, b in itertools.pairwise(starts)]
        assert min(gaps) >= 1.5 - 1e-6
        assert crew.most[host] <= per_host


@skipping_time
async def test_with_places_enough_the_delay_alone_gives_the_pace() -> None:
    store = MemoryStore(*rows(5, "a"), *rows(3, "b"))
    crew = Crew(frontier_of(store, delay=2.0), store.save, lambda _: Answer(30.0))
    await crew.work()
    assert crew.starts("a") == [0, 2, 4, 6, 8]
    assert crew.starts("b") == [0, 2, 4]


@skipping_time
async def test_no_second_request_is_handed_out_before_the_first_has_started() -> None:
    """Or both could start at once, later, when fetchers are free."""
    store = MemoryStore(*rows(3, "a"), *rows(1, "b"))
    frontier = frontier_of(store, delay=1.0)
    handed = Handed(frontier)
    one, other = await handed.all_now()
    assert (one.host, other.host) == ("a", "b")
    assert await handed.nothing(100)
    frontier.started(one)
    assert await handed.nothing(0.999)
    two = await handed.next()
    assert two is not None
    assert two.host == "a"
    await handed.close()


@skipping_time
async def test_few_fetchers_keep_the_delay_too() -> None:
    store = MemoryStore(*rows(6, "a"), *rows(6, "b"))
    crew = Crew(
        frontier_of(store, delay=1.0), store.save, lambda _: Answer(0.7), fetchers=1, queue=1
    )
    await crew.work()
    for host in "ab":
        starts = crew.starts(host)
        assert min(b - a for a, b in itertools.pairwise(starts)) >= 1 - 1e-6


# ---- order


async def order_of(order: Order, store: MemoryStore, grow: Sequence[Row] = ()) -> list[str]:
    """The paths in the order in which one fetcher gets them; `grow` comes after the first."""
    frontier = Frontier(store, order=order, per_host=1)
    frontier.begin()
    handed = Handed(frontier)
    paths = []
    while (request := await handed.next()) is not None:
        paths.append(request.url.rpartition("/")[2])
        if grow:
            store.put(*grow)
            frontier.list_grew()
            grow = ()
        await settle(frontier, store, done(request))
        frontier.list_ended()
        await a_turn()
    return paths


@pytest.mark.parametrize(
    ("order", "expected"),
    [("fifo", "a b c d"), ("lifo", "d c b a"), ("priority", "c a d b")],
)
@skipping_time
async def test_urls_are_handed_out_in_the_order_asked_for(order: Order, expected: str) -> None:
    priorities = {"a": 1.0, "b": 2.0, "c": -1.0, "d": 1.0}
    store = MemoryStore(*(Row(f"http://h/{x}", "h", priority=priorities[x]) for x in "abcd"))
    assert " ".join(await order_of(order, store)) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [("fifo", "a b x y"), ("lifo", "b y x a"), ("priority", "b y a x")],
)
@skipping_time
async def test_a_url_that_is_read_later_takes_its_place_in_the_order(
    order: Order, expected: str
) -> None:
    before = [Row("http://h/a", "h", 2.0), Row("http://h/b", "h", 1.0)]
    after = [Row("http://h/x", "h", 3.0), Row("http://h/y", "h", 0.0)]
    assert " ".join(await order_of(order, MemoryStore(*before), after)) == expected


@each_order
@skipping_time
async def test_the_order_holds_beyond_the_window_when_the_list_is_known(order: Order) -> None:
    chance = random.Random(3)
    priorities = [chance.random() for _ in range(100)]
    store = MemoryStore(*(Row(f"http://h/{n}", "h", p) for n, p in enumerate(priorities)))
    with mock.patch.dict(WINDOWS, {order: 8}):
        found = [int(x) for x in await order_of(order, store)]
    expected = {
        "fifo": list(range(100)),
        "lifo": list(range(100))[::-1],
        "priority": sorted(range(100), key=lambda n: priorities[n]),
    }
    assert found == expected[order]


# ---- back-pressure on the list


@skipping_time
async def test_the_list_waits_while_too_much_is_pending() -> None:
    store = MemoryStore()
    frontier = Frontier(store, read_ahead=3)
    frontier.begin()
    handed = Handed(frontier)
    for size in (2, 1):
        await asyncio.wait_for(frontier.room(), 1)
        store.put(*rows(size))
        frontier.list_grew()
    waiting = asyncio.ensure_future(frontier.room())
    one, two, three = await handed.all_now()
    await settle(frontier, store, again(one, None))
    assert not waiting.done()
    await settle(frontier, store, done(two))
    await asyncio.wait_for(waiting, 1)
    store.put(*rows(1))
    frontier.list_grew()
    waiting = asyncio.ensure_future(frontier.room())
    await a_turn()
    assert not waiting.done()
    await settle(frontier, store, done(three))
    await asyncio.wait_for(waiting, 1)
    await handed.close()


# ---- what it tells


@skipping_time
async def test_it_names_the_limit_that_holds_requests_back() -> None:
    store = MemoryStore(*rows(5))
    frontier = frontier_of(store, per_host=2)
    assert frontier.held_back == ""
    handed = Handed(frontier)
    one, two = await handed.all_now()
    assert frontier.held_back == "--per-host 2"
    await settle(frontier, store, done(one), done(two))
    frontier.pause("a", 20)
    await handed.all_now()
    assert frontier.held_back == "Retry-After"
    frontier.pause("a", 20, "a host that is down")
    assert frontier.held_back == "a host that is down"
    assert frontier.waits() == {"a": pytest.approx(20, abs=0.1)}
    await handed.close()


@skipping_time
async def test_it_names_the_delay_as_what_holds_requests_back() -> None:
    frontier = frontier_of(MemoryStore(*rows(5)), delay=2.5)
    handed = Handed(frontier)
    (one,) = await handed.all_now()
    frontier.started(one)
    assert frontier.held_back == "--delay 2.5"
    await handed.close()


# ---- what it costs


@skipping_time
async def test_the_store_is_asked_for_many_at_a_time() -> None:
    store = MemoryStore(*rows(500))
    crew = Crew(frontier_of(store, per_host=2), store.save, lambda _: Answer(1.0))
    await crew.work()
    assert store.takes <= 3


class Busy(MemoryStore):
    """Its second `take` waits for somebody."""

    def __init__(self, *rows: Row) -> None:
        super().__init__(*rows)
        self.free = asyncio.Event()

    async def take(self, *args: object) -> list[Request]:
        if self.takes:
            await self.free.wait()
        return await super().take(*args)  # type: ignore[arg-type]


@skipping_time
async def test_what_is_ready_does_not_wait_for_a_store_that_is_busy() -> None:
    with mock.patch.dict(WINDOWS, {"fifo": 8}):
        store = Busy(*rows(12))
        handed = Handed(frontier_of(store, per_host=100))
        assert len(await handed.all_now()) == 8
        store.free.set()
        assert len(await handed.all_now()) == 4
        await handed.close()


@skipping_time
async def test_a_store_that_fails_while_others_are_handed_out_is_not_overheard() -> None:
    with mock.patch.dict(WINDOWS, {"fifo": 8}):
        store = Busy(*rows(12))
        handed = Handed(frontier_of(store, per_host=100))
        assert len(await handed.all_now()) == 8
        with mock.patch.object(MemoryStore, "take", side_effect=OSError):
            store.free.set()
            with pytest.raises(OSError):  # noqa: PT011 - whatever the Store says
                await handed.next()


@skipping_time
async def test_a_look_at_the_store_ends_with_who_asked_for_it() -> None:
    with mock.patch.dict(WINDOWS, {"fifo": 8}):
        requests = aiter(frontier_of(Busy(*rows(12)), per_host=100))
        for _ in range(5):
            await anext(requests)
        await a_turn()
        assert len(asyncio.all_tasks()) == 2
        await requests.aclose()  # type: ignore[attr-defined]
        assert len(asyncio.all_tasks()) == 1


@skipping_time
async def test_waiting_costs_nothing_however_long_it_is() -> None:
    store = MemoryStore(*rows(3, "a"), *rows(1, "b"))
    frontier = frontier_of(store, per_host=1)
    handed = Handed(frontier)
    one, other = await handed.all_now()
    await settle(frontier, store, again(other, 5000))
    frontier.pause("a", 3000)
    await settle(frontier, store, done(one))
    with mock.patch.object(frontier, "_next", wraps=frontier._next) as looks:
        store.takes = 0
        assert await handed.nothing(2999)
        assert looks.call_count <= 4
        assert store.takes <= 2
        two = await handed.next()
        assert two is not None
        await settle(frontier, store, done(two))
        three = await handed.next()
        assert three is not None
        await settle(frontier, store, done(three))
        assert await handed.nothing(1999)
        assert looks.call_count <= 14
    assert await handed.next()
    await handed.close()


@pytest.mark.parametrize("delay", [0.0, 3.0])
@skipping_time
async def test_hosts_that_are_done_with_are_forgotten(delay: float) -> None:
    store = MemoryStore(*(Row(f"http://h{n}/", f"h{n}") for n in range(2000)))
    frontier = frontier_of(store, delay=delay)
    crew = Crew(
        frontier,
        store.save,
        lambda x: Answer(1.0, pause=2.0) if x.id % 10 == 0 else Answer(1.0),
        fetchers=20,
        queue=5,
    )
    hosts, timers = [], []
    this_loop().when_idle.append(lambda: hosts.append(len(frontier._hosts)))
    this_loop().when_idle.append(lambda: timers.append(len(frontier._timers)))
    await crew.work()
    assert sum(crew.verdicts.values()) == 2000
    assert max(hosts) <= 130  # twenty a second, each for four seconds at the most, and some queued
    assert max(timers) <= 130
    assert not frontier._held


@skipping_time
async def test_a_host_that_is_only_paused_is_forgotten_afterwards() -> None:
    store = MemoryStore(*rows(1, "b"))
    frontier = Frontier(store)
    frontier.begin()
    handed = Handed(frontier)
    (request,) = await handed.all_now()
    frontier.pause("a", 10)
    await settle(frontier, store, done(request))
    assert await handed.nothing(11)
    assert frontier.waits() == {}
    assert not frontier._hosts
    assert not frontier._timers
    await handed.close()


# ---- everything at random


@pytest.mark.parametrize("seed", range(25))
@skipping_time
async def test_whatever_the_hosts_do_every_url_gets_one_verdict(seed: int) -> None:
    chance = random.Random(seed)
    order: Order = chance.choice(get_args(Order))
    per_host, delay = chance.randint(1, 4), chance.choice([0.0, 0.0, 0.7])
    hosts = "abcde"[: chance.randint(1, 5)]
    store = MemoryStore()
    frontier = Frontier(
        store, order=order, per_host=per_host, delay=delay, read_ahead=chance.choice([10, 1000])
    )

    def answer(request: Request) -> Answer:
        pause = chance.choice([0.0] * 9 + [chance.random() * 20])
        lasts = chance.choice([0.0, chance.random(), chance.random() * 10])
        if request.attempt < 4 and chance.random() < 0.3:
            due = chance.choice([None, 0.0, chance.random() * 30])
            return Answer(lasts, "retry", due, pause)
        return Answer(lasts, chance.choice(["done", "failed", "skipped"]), pause=pause)

    async def read_list() -> None:
        for _ in range(chance.randint(0, 30)):
            await frontier.room()
            store.put(*rows(chance.randint(0, 8), chance.choice(hosts), priority=chance.random()))
            frontier.list_grew()
            if chance.random() < 0.5:
                await asyncio.sleep(chance.random() * 5)
        frontier.list_ended()

    crew = Crew(
        frontier, store.save, answer, fetchers=chance.randint(1, 20), queue=chance.randint(1, 10)
    )
    this_loop().call_later(chance.random(), frontier.begin)
    with mock.patch.dict(WINDOWS, {order: chance.choice([2, 5, 50])}):
        async with asyncio.TaskGroup() as group:
            group.create_task(read_list())
            group.create_task(crew.work())
    assert crew.verdicts == one_each(store)
    assert max(crew.most.values(), default=0) <= per_host
    for host in hosts:
        starts = crew.starts(host)
        assert all(b - a >= delay - 1e-6 for a, b in itertools.pairwise(starts))


def one_each(store: MemoryStore) -> dict[int, int]:
    assert store.counts.pending == 0
    return dict.fromkeys(store.rows, 1)


@pytest.mark.parametrize("seed", range(15))
@skipping_time
async def test_whatever_the_hosts_do_their_places_are_used_up(seed: int) -> None:
    chance = random.Random(seed)
    per_host, order = chance.randint(1, 5), chance.choice(get_args(Order))
    hosts = "abcd"[: chance.randint(1, 4)]
    store = MemoryStore()
    frontier = Frontier(store, order=order, per_host=per_host)
    frontier.begin()

    def answer(request: Request) -> Answer:
        pause = chance.choice([0.0] * 5 + [chance.random() * 9])
        lasts = chance.choice([0.0, chance.random(), chance.random() * 10])
        if request.attempt < 4 and chance.random() < 0.4:
            return Answer(lasts, "retry", chance.choice([0.0, chance.random() * 30]), pause)
        return Answer(lasts, pause=pause)

    async def read_list() -> None:
        for _ in range(10):
            store.put(*rows(chance.randint(0, 12), chance.choice(hosts), priority=chance.random()))
            frontier.list_grew()
            await asyncio.sleep(chance.choice([0.0, chance.random() * 9]))
        frontier.list_ended()

    crew = Crew(frontier, store.save, answer)
    always_used_up(crew, store, per_host)
    async with asyncio.TaskGroup() as group:
        group.create_task(read_list())
        group.create_task(crew.work())
    assert crew.verdicts == one_each(store)


@pytest.mark.parametrize("order", get_args(Order))
async def test_with_the_real_store_too_every_url_gets_one_verdict(
    order: Order, tmp_path: Path
) -> None:
    chance = random.Random(7)
    path = tmp_path / "out.db"
    verdicts: tuple[Verdict, ...] = ("done", "failed", "skipped")

    def answer(request: Request) -> Answer:
        if request.attempt < 3 and chance.random() < 0.3:
            due = time.time() + chance.random() * 0.01 - (EPOCH + asyncio.get_event_loop().time())
            return Answer(0.0, "retry", due)
        return Answer(chance.random() * 0.002, chance.choice(verdicts))

    async with opened(path, order=order) as store:

        async def save(outcomes: Sequence[Outcome]) -> int:
            kept = [
                done_with(x.request, str(x.request.id)) if x.verdict == "done" else x
                for x in outcomes
            ]
            return await store.save(kept)

        frontier = Frontier(store, order=order, per_host=3)
        crew = Crew(frontier, save, answer, fetchers=12, queue=4)

        async def read_list() -> None:
            for n in range(20):
                await frontier.room()
                hosts = [chance.choice("abcd") for _ in range(20)]
                await store.add([listed(f"http://{x}/{n}/{i}") for i, x in enumerate(hosts)])
                frontier.list_grew()
            frontier.list_ended()

        frontier.begin()
        with mock.patch.dict(module.WINDOWS, {order: 30}):
            async with asyncio.TaskGroup() as group:
                group.create_task(read_list())
                group.create_task(crew.work())
        counts = store.counts
    assert counts == counted(path)
    assert counts.settled == counts.read == 400
    assert set(crew.verdicts.values()) == {1}
    assert len(crew.verdicts) == 400
    assert len(titles(path)) == counts.done
    assert max(crew.most.values()) == 3
