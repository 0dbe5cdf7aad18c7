"""The Store, in real SQLite files: exactly once, whole or not at all, and refused in time."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import aiosqlite
import pytest

from scrapeq.errors import StorageError
from scrapeq.models import Counts, Order, Outcome, Record, Verdict
from scrapeq.retry import WRONG_CLOCK
from scrapeq.stores import Added, opening, patience
from scrapeq.stores import sqlite as module
from scrapeq.stores.adding import insert
from scrapeq.stores.file import DatabaseFile
from scrapeq.stores.opening import open_store
from scrapeq.stores.schema import APPLICATION_ID, SCHEMA_VERSION
from scrapeq.stores.sqlite import SQLiteStore, iso
from scrapeq.urls import listed
from tests.flow_kit import a_turn, settled
from tests.store_kit import (
    NOW,
    TABLES,
    counted,
    done,
    ended,
    ids,
    opened,
    sql,
    states,
    take,
    titles,
    urls,
    waiting,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.db"


@pytest.fixture(autouse=True)
def no_connection_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that is left open hangs the process: its thread is no daemon."""
    made: list[aiosqlite.Connection] = []
    real = aiosqlite.connect

    def connect(*args: Any, **options: Any) -> aiosqlite.Connection:
        made.append(real(*args, **options))
        return made[-1]

    monkeypatch.setattr(aiosqlite, "connect", connect)
    yield
    for connection in made:
        thread = connection._thread
        if thread.ident is not None:
            thread.join(2)
        if thread.is_alive():
            connection.stop()  # so that the tests can go on
            pytest.fail("a connection was left open")


# ---- lines of the list


async def test_each_url_is_a_pending_row_and_each_bad_line_a_skipped_one(path: Path) -> None:
    lines = [listed(x) for x in ("http://B\u00fc.test/x#y", "http://u:s3cr3t@x.test", "ftp://y/")]
    async with opened(path) as store:
        assert await store.add([replace(lines[0], priority=2.5), *lines[1:]]) == Added(3, 0, 0)
        assert store.counts == Counts(pending=2, skipped=1)
    columns = "url, state, reason, host, priority, given, listed_run"
    assert sql(path, f"SELECT {columns} FROM pages ORDER BY id") == [
        ("http://xn--b-eha.test/x", "pending", None, "xn--b-eha.test", 2.5, lines[0].given, 1),
        ("http://***@x.test/", "pending", None, "x.test", 0, None, 1),
        ("ftp://y/", "skipped", "scheme", "", 0, None, 1),
    ]
    assert b"s3cr3t" not in path.read_bytes()


async def test_lines_are_new_known_or_duplicates(path: Path) -> None:
    async with opened(path) as store:
        assert await store.add(urls(3)) == Added(3, 0, 0)
        assert await store.add(urls(5)) == Added(2, 0, 3)
        assert await store.add([*urls(2), *urls(2)]) == Added(0, 0, 4)
    async with opened(path) as store:
        assert await store.add(urls(6) + urls(1)) == Added(1, 5, 1)
        assert await store.add(urls(6)) == Added(0, 0, 6)
        assert store.counts == Counts(pending=6)


async def test_batches_mixed_of_everything_are_counted_right(path: Path) -> None:
    bad = [listed("nonsense"), listed("ftp://x/")]
    async with opened(path) as store:
        assert await store.add([*bad, *urls(2), bad[0], *urls(1)]) == Added(4, 0, 2)
        assert store.counts == counted(path) == Counts(pending=2, skipped=2)
        assert await store.add([*urls(3), *bad, listed("gopher://x/")]) == Added(2, 0, 4)
        assert store.counts == counted(path) == Counts(pending=3, skipped=3)
        assert await store.add([]) == Added(0, 0, 0)
    async with opened(path) as store:
        await store.save([done(x) for x in await take(store)])
        assert await store.add([*bad, *urls(4), *bad]) == Added(1, 5, 2)
        assert store.counts == counted(path) == Counts(pending=1, done=3, skipped=3)


async def test_a_row_the_database_refuses_is_never_counted_as_a_duplicate(path: Path) -> None:
    async with opened(path) as store:
        with pytest.raises(sqlite3.IntegrityError):
            await store.add([*urls(1), replace(urls(2)[1], priority=float("nan"))])
        assert store.counts == counted(path) == Counts()


async def test_urls_with_one_key_are_as_many_pages(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "key_of", lambda url: -1)
    async with opened(path) as store:
        assert await store.add(urls(3)) == Added(3, 0, 0)
        assert await store.add(urls(5)) == Added(2, 0, 3)
        assert len(states(path)) == 5


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 129, 1024, 1025, 2500])
async def test_any_number_of_lines_is_added_in_the_order_of_the_list(
    count: int, path: Path
) -> None:
    lines = urls(count)
    async with opened(path) as store:
        assert await store.add(lines + lines) == Added(count, 0, count)
    assert list(states(path)) == [line.url for line in lines]
    async with opened(path) as store:
        assert await store.add(lines + lines[:40]) == Added(0, count, len(lines[:40]))


async def test_of_two_lines_the_first_one_counts(path: Path) -> None:
    async with opened(path) as store:
        await store.add([replace(x, priority=n) for n, x in enumerate(urls(1) * 3, 1)])
    assert sql(path, "SELECT priority FROM pages") == [(1,)]


async def test_what_was_not_committed_was_not_read(path: Path) -> None:
    async with opened(path) as store:
        await store.add(urls(2))
    bad = replace(listed("http://y.test/"), priority=float("nan"))
    async with opened(path) as store:
        with pytest.raises(sqlite3.IntegrityError):
            await store.add([*urls(2), bad])
        assert await store.add(urls(3)) == Added(1, 2, 0)


async def test_a_page_found_by_a_link_is_no_line_of_an_earlier_run(path: Path) -> None:
    async with opened(path) as store:
        (request,) = await waiting(store, 1)
    async with opened(path) as store:
        await store.save([done(request)._replace(links=("http://x.test/new", request.url))])
        assert await store.add([listed("http://x.test/new")]) == Added(0, 0, 1)
        assert await store.add([listed(request.url)]) == Added(0, 1, 0)


async def test_adding_costs_statements_by_the_thousand_and_not_by_the_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(path) as store:
        told: list[str] = []
        await store._db.set_trace_callback(told.append)
        await store.add(urls(8192))
        assert len(told) < 30


async def test_adding_needs_no_copy_of_each_page_to_take_one_statement_back(path: Path) -> None:
    """SQLite keeps one for a statement of many rows that may abort: a Halt that says so, or any
    call of a function."""
    async with opened(path) as store:
        await store.add(urls(1))
    text, values = insert(1, [(1, "u", "h", None, 0.0, None, None, 0)])
    steps = sql(path, f"EXPLAIN {text}", *values)
    assert any(step[1] == "Insert" for step in steps)
    assert not [step for step in steps if step[1].startswith("Halt") and step[3] == 2]
    assert not [step for step in steps if step[1] in ("Function", "PureFunc")]


async def test_what_is_asked_at_the_start_of_a_run_reads_no_pages(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(path) as store:
        await store.add(urls(10))
        asked: list[tuple[str, Any]] = []
        real = store._db.execute_fetchall

        async def note(query: str, *values: Any) -> Any:
            asked.append((query, *values))
            return await real(query, *values)

        monkeypatch.setattr(store._db, "execute_fetchall", note)
        await store.begin(store.count, {})
        await store.needs_credentials()
    assert len(asked) >= 3
    for query, *values in asked:
        for *_, step in sql(path, f"EXPLAIN QUERY PLAN {query}", *values):
            assert not step.startswith("SCAN pages") or "INDEX" in step, query


# ---- taking


@pytest.mark.parametrize(
    ("order", "expected"), [("fifo", "abcd"), ("lifo", "dcba"), ("priority", "cabd")]
)
async def test_urls_are_taken_in_the_order_asked_for(
    order: Order, expected: str, path: Path
) -> None:
    priorities = {"a": 1.0, "b": 1.0, "c": -0.5, "d": 7.0}
    async with opened(path, order=order) as store:
        await store.add([listed(f"http://x.test/{x}", priorities[x]) for x in "abcd"])
        taken = await take(store, 4, order)
        assert "".join(x.url[-1] for x in taken) == expected
        assert [x.priority for x in taken] == [priorities[x] for x in expected]
        assert {(x.host, x.attempt, x.depth) for x in taken} == {("x.test", 1, 0)}
        assert await take(store, 2, order) == taken[:2]
        assert await take(store, 4, order, held=ids(taken[:2])) == taken[2:]
        assert await take(store, 4, order, held=ids(taken)) == []


@pytest.mark.parametrize("order", get_args(Order))
async def test_retries_that_are_due_come_before_what_was_never_tried(
    order: Order, path: Path
) -> None:
    async with opened(path, order=order) as store:
        await store.add(urls(5))
        first = await take(store)
        again = [ended(x, "retry", due=NOW + n) for n, x in ((3, first[1]), (2, first[3]))]
        await store.save(again)
        assert not {2, 4} & set(ids(await take(store, 5, order, now=NOW + 1.999)))
        assert ids(await take(store, 5, order, now=NOW + 3))[:2] == [4, 2]
        assert ids(await take(store, 1, order, now=NOW + 3)) == [4]
        assert ids(await take(store, 1, order, held={4}, now=NOW + 3)) == [2]
        assert len(await take(store, 5, order, now=NOW + 3)) == 5


async def test_a_retry_is_due_at_its_time_and_not_before(path: Path) -> None:
    async with opened(path) as store:
        (request,) = await waiting(store, 1)
        assert await store.next_due(NOW) is None
        for due in (NOW + 0.125, NOW + 1 / 3, NOW + WRONG_CLOCK):
            await store.save([ended(request, "retry", "503", due=due)])
            stored = await store.next_due(NOW)
            assert stored is not None
            assert await take(store, now=stored - 0.001) == []
            (again,) = await take(store, now=stored)
            assert (again.url, again.attempt) == (request.url, 2)
            assert await store.next_due(stored) is None
            assert abs(stored - due) <= 0.001
        assert store.counts == counted(path) == Counts(pending=1)


async def test_a_due_time_of_a_wrong_clock_is_now(path: Path) -> None:
    async with opened(path) as store:
        some = await waiting(store, 3)
        dues = (NOW + WRONG_CLOCK + 1, NOW + 1e9, 1e18)
        await store.save([ended(x, "retry", due=d) for x, d in zip(some, dues, strict=True)])
        assert await store.next_due(NOW) is None
        assert len(await take(store, now=NOW)) == 3
        assert len(await take(store, 2, now=NOW)) == 2


async def test_the_next_due_time_is_the_earliest_one(path: Path) -> None:
    async with opened(path) as store:
        some = await waiting(store, 3)
        dues = (NOW + 5, NOW + 2, NOW - 1)
        await store.save([ended(x, "retry", due=d) for x, d in zip(some, dues, strict=True)])
        assert await store.next_due(NOW) == NOW + 2
        assert await store.next_due(NOW + 2) == NOW + 5


async def test_what_was_handed_back_untried_is_there_at_once_with_its_attempts(path: Path) -> None:
    async with opened(path) as store:
        (request,) = await waiting(store, 1)
        await store.save([ended(request, "retry", "timeout", due=NOW)])
        (second,) = await take(store)
        await store.save([Outcome(second, "retry", "stopped", attempts=second.attempt - 1)])
        assert await take(store) == [second]
        assert await store.next_due(0) is None


# ---- verdicts


async def test_a_verdict_is_kept_with_its_rows(path: Path) -> None:
    async with opened(path) as store:
        one, two, three = await waiting(store, 3)
        outcome = Outcome(
            one, "done", detail="\u20ac", attempts=2, status=200, final_url="http://y.test/",
            elapsed=0.12345, bytes=7, content_type="text/html", encoding="utf-8", truncated=True,
            records=done(one, "a", "b").records,
        )  # fmt: skip
        assert await store.save([outcome, ended(two, "failed", "404", status=404)]) == 0
        await store.save([ended(three, "skipped", "robots")])
        assert store.counts == counted(path) == Counts(done=1, failed=1, skipped=1)
    (row,) = sql(
        path,
        "SELECT state, reason, status, final_url, attempts, due_at, elapsed_ms, bytes, "
        "content_type, encoding, truncated, detail, settled_run FROM pages WHERE id = ?",
        one.id,
    )
    assert row == (
        "done", None, 200, "http://y.test/", 2, None, 123.45, 7, "text/html", "utf-8", 1,
        "\u20ac", 1,
    )  # fmt: skip
    assert sql(path, "SELECT url, title, links FROM items") == [(one.url, x, 1) for x in "ab"]
    assert sql(path, "SELECT url, reason, status FROM failures") == [(two.url, "404", 404)]


async def test_a_missing_field_is_null_and_an_unknown_one_is_left_out(path: Path) -> None:
    async with opened(path) as store:
        (request,) = await waiting(store, 1)
        record = Record("items", {"title": "x", "other": 1})
        await store.save([Outcome(request, "done", records=(record,))])
    assert sql(path, "SELECT * FROM items") == [(request.url, "x", None)]


async def test_saving_a_verdict_twice_changes_nothing(path: Path) -> None:
    async with opened(path) as store:
        one, two = await waiting(store, 2)
        await store.save([done(one, "a", "b")])
        before = sql(path, "SELECT * FROM pages")
        await store.save([done(one, "a", "b")])
        assert sql(path, "SELECT * FROM pages") == before
        await store.save([done(one, "c"), done(two, "d")])  # beside one that is new
        assert store.counts == counted(path) == Counts(done=2)
    assert titles(path) == ["a", "b", "d"]


@pytest.mark.parametrize("other", get_args(Verdict))
async def test_the_first_verdict_stays(other: Verdict, path: Path) -> None:
    async with opened(path) as store:
        for first in ("done", "failed", "skipped"):
            (request,) = await waiting(store, 1)
            await store.save([ended(request, first)])
            await store.save([ended(request, other, due=NOW)])
            assert states(path)[request.url] == first
            assert store.counts == counted(path)
        assert await take(store, now=NOW + 1) == []


async def test_the_same_verdict_twice_in_one_batch_counts_once(path: Path) -> None:
    async with opened(path) as store:
        one, two = await waiting(store, 2)
        await store.save([done(one, "a"), done(two, "b"), done(one, "a"), ended(two, "failed")])
        assert store.counts == counted(path) == Counts(done=2)
    assert titles(path) == ["a", "b"]


BAD_RECORDS = {
    "a table that no rule made": Record("nowhere", {"title": "x"}),
    "a number SQLite cannot hold": Record("items", {"links": 2**63}),
    "a text in a column of numbers": Record("items", {"links": "many"}),
    "half a character": Record("items", {"title": "\ud800"}),
    "no scalar": Record("items", {"title": ["x"]}),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("bad", BAD_RECORDS.values(), ids=BAD_RECORDS)
async def test_a_row_that_cannot_be_written_takes_back_the_whole_batch(
    bad: Record, path: Path
) -> None:
    async with opened(path) as store:
        one, two, three = await waiting(store, 3)
        batch = [
            done(one, "a")._replace(links=("http://link.test/",)),
            Outcome(two, "done", records=(*done(two, "b").records, bad)),
            done(three, "c"),
        ]
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it is that row's
            await store.save(batch)
        assert not isinstance(caught.value, StorageError)
        assert store.counts == counted(path) == Counts(pending=3)
        assert titles(path) == []
        assert await store.save([batch[0]]) == 1
        assert await store.save([batch[2]]) == 0
        await store.save([ended(two, "failed", "crash_save")])
        assert store.counts == counted(path) == Counts(pending=1, done=2, failed=1)
    assert titles(path) == ["a", "c"]


async def test_links_are_saved_with_their_page_one_step_deeper(path: Path) -> None:
    async with opened(path) as store:
        (seed,) = await waiting(store, 1)
        links = ("http://x.test/1#top", "http://X.test/1", "mailto:me@x.test", seed.url)
        assert await store.save([done(seed, "a")._replace(links=links)]) == 2
        assert store.counts == counted(path) == Counts(pending=1, done=1, skipped=1)
        (link,) = await take(store)
        assert (link.url, link.depth, link.attempt) == ("http://x.test/1", 1, 1)
        assert await store.save([done(link)._replace(links=("http://x.test/2", link.url))]) == 1
        (deeper,) = await take(store)
        assert deeper.depth == 2
        assert await store.save([done(deeper)._replace(links=("http://x.test/1",))]) == 0
        assert store.counts == counted(path)


async def test_the_password_of_a_link_is_not_stored(path: Path) -> None:
    async with opened(path) as store:
        (seed,) = await waiting(store, 1)
        links = ("http://u:s3cr3t@x.test/", "http://u:s3cr3t@x.test:99999/")
        await store.save([done(seed)._replace(links=links)])
    for column in ("url", "given", "detail"):
        assert not sql(path, f"SELECT 1 FROM pages WHERE {column} LIKE '%s3cr3t%'")


async def test_failed_urls_can_be_made_pending_again(path: Path) -> None:
    async with opened(path) as store:
        one, two, three, four = await waiting(store, 4)
        await store.save([ended(x, "failed", "503", status=503) for x in (one, two)])
        await store.save([done(three), ended(four, "skipped")])
    async with opened(path) as store:
        assert await store.retry_failed() == 2
        assert store.counts == counted(path) == Counts(pending=2, done=1, skipped=1)
        again = await take(store)
        assert [(x.url, x.attempt) for x in again] == [(one.url, 1), (two.url, 1)]
        assert not sql(path, "SELECT 1 FROM pages WHERE state = 'pending' AND settled_run > 0")
        await store.save([done(x, "late") for x in again])
        assert await store.retry_failed() == 0
    assert titles(path) == ["late", "late"]


async def test_urls_whose_robots_txt_could_not_be_had_are_tried_again_too(path: Path) -> None:
    async with opened(path) as store:
        one, two = await waiting(store, 2)
        await store.save([ended(one, "skipped", "robots_unreachable"), ended(two, "skipped")])
        assert await store.retry_failed() == 1
        assert store.counts == counted(path) == Counts(pending=1, skipped=1)
        assert [x.url for x in await take(store)] == [one.url]


async def test_urls_that_wait_for_their_credentials_are_known(path: Path) -> None:
    async with opened(path) as store:
        await store.add([*urls(2), listed("ftp://u:p@x.test/"), listed("http://x.test/***@")])
        assert not await store.needs_credentials()
        for scheme in ("http", "https"):
            await store.add([listed(f"{scheme}://u:p@x.test/")])
            assert await store.needs_credentials()
            await store.save([done(x) for x in await take(store)])
            assert not await store.needs_credentials()


# ---- everything at random


class Model:
    """What the database should hold, in the plainest way."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.rows = 0
        self.listed: set[str] = set()

    def add(self, text: str) -> str:
        line = listed(text)
        if line.url not in self.states:
            self.states[line.url] = "skipped" if line.reason else "pending"
            kind = "new"
        else:
            kind = "duplicate" if line.url in self.listed else "known"
        self.listed.add(line.url)
        return kind

    def counts(self) -> Counts:
        held = list(self.states.values())
        return Counts(**{state: held.count(state) for state in set(held)})


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("keys", [None, 2], ids=["", "keys collide"])
async def test_whatever_happens_the_counts_are_those_of_the_database(
    keys: int | None, seed: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if keys:
        monkeypatch.setattr(module, "key_of", lambda url: len(url) % keys)
    chance = random.Random(seed)
    pool = [f"http://x.test/{n}" for n in range(40)] + [
        "HTTP://X.test/1#y",
        "bad",
        "ftp://x",
        "b d",
    ]
    model = Model()
    store = await open_store(path, TABLES)
    seen = {}
    for _ in range(60):
        action = chance.choice(["add", "add", "save", "save", "save", "retry", "reopen"])
        if action == "add":
            texts = chance.choices(pool, k=chance.randint(0, 8))
            kinds = [model.add(text) for text in texts]
            added = await store.add([listed(text) for text in texts])
            expected = [kinds.count(kind) for kind in ("new", "known", "duplicate")]
            assert [added.new, added.known, added.duplicates] == expected
        elif action == "save":
            seen.update({x.url: x for x in await take(store, 5, chance.choice(get_args(Order)))})
            some = chance.sample(sorted(seen), min(len(seen), chance.randint(0, 4)))
            outcomes = []
            for url in some:  # perhaps settled long ago
                verdict = chance.choice(get_args(Verdict))
                rows = done(seen[url], *"xy"[: chance.randint(0, 2)]).records
                outcomes.append(ended(seen[url], verdict, due=NOW - 1, records=rows))
                if verdict != "retry" and model.states[url] == "pending":
                    model.states[url] = verdict
                    model.rows += len(rows)
                elif model.states[url] == "pending":
                    outcomes[-1] = outcomes[-1]._replace(records=())
            await store.save(outcomes)
        elif action == "retry":
            failed = [url for url, state in model.states.items() if state == "failed"]
            assert await store.retry_failed() == len(failed)
            model.states.update(dict.fromkeys(failed, "pending"))
        else:
            await store.close("finished", {})
            store = await open_store(path, TABLES)
            model.listed.clear()
        assert store.counts == counted(path) == model.counts()
    assert states(path) == model.states
    assert len(titles(path)) == model.rows
    await store.close("finished", {})


# ---- cancellation


class Stopped:
    """Holds up one method of the connection, until told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, store: SQLiteStore, name: str) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        real = getattr(store._db, name)

        async def held_up(*values: Any) -> Any:
            self.reached.set()
            await self.go_on.wait()
            return await real(*values)

        monkeypatch.setattr(store._db, name, held_up)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_transaction_that_is_cancelled_in_the_middle_is_whole(
    times: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(path) as store:
        one, two, three = await waiting(store, 3)
        stopped = Stopped(monkeypatch, store, "executemany")
        saving = asyncio.create_task(store.save([done(one, "a"), done(two, "b")]))
        await settled(stopped.reached.wait())
        following = asyncio.create_task(store.save([done(three, "c")]))
        for _ in range(times):
            saving.cancel()
            await a_turn()
        assert store.counts == counted(path) == Counts(pending=3)
        stopped.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await settled(saving)
        await settled(following)
        assert store.counts == counted(path) == Counts(done=3)
    assert titles(path) == ["a", "b", "c"]


@pytest.mark.parametrize("turns", [*range(12), 20, 40])
async def test_a_save_cancelled_at_any_moment_is_whole_or_nothing(turns: int, path: Path) -> None:
    async with opened(path) as store:
        some = await waiting(store, 20)
        saving = asyncio.create_task(store.save([done(x, "t", "u") for x in some]))
        for _ in range(turns):
            await a_turn()
        saving.cancel()
        with suppress(asyncio.CancelledError):
            await settled(saving)
        number = len(titles(path))
        assert number in (0, 40)
        assert store.counts == counted(path)
        assert store.counts.done == number // 2
        await store.save([done(x, "t", "u") for x in some])
        assert store.counts == counted(path) == Counts(done=20)
    assert len(titles(path)) == 40


@pytest.mark.parametrize("turns", range(0, 60, 4))
async def test_an_opening_cancelled_at_any_moment_leaves_neither_lock_nor_thread(
    turns: int, path: Path
) -> None:
    task = asyncio.create_task(open_store(path, TABLES))
    for _ in range(turns):
        await a_turn()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await (await settled(task)).close("too late", {})
    assert not path.with_name("out.db-lock").exists()
    async with opened(path) as store:
        await waiting(store, 1)


async def test_a_close_that_is_cancelled_closes_all_the_same(path: Path) -> None:
    store = await open_store(path, TABLES)
    closing_ = asyncio.create_task(store.close("finished", {}))
    await a_turn()
    closing_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settled(closing_)
    async with opened(path) as again:
        assert again.run == 2
    assert sql(path, "SELECT outcome FROM runs") == [("finished",), ("finished",)]


# ---- the file


async def test_the_database_is_marked_as_ours_and_in_wal_mode(path: Path) -> None:
    async with opened(path) as store:
        assert store.warning == ""
        assert sql(path, "PRAGMA journal_mode") == [("wal",)]
    assert sql(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert sql(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]
    strict = dict(sql(path, "SELECT name, strict FROM pragma_table_list WHERE type = 'table'"))
    assert {strict[name] for name in ("pages", "runs", "samples", "items")} == {1}


async def test_nothing_but_the_database_is_left_in_its_folder(path: Path) -> None:
    async with opened(path) as store:
        await waiting(store, 10)
        assert {x.name for x in path.parent.iterdir()} > {"out.db", "out.db-lock"}
    assert [x.name for x in path.parent.iterdir()] == ["out.db"]


async def test_only_the_owner_may_read_what_was_scraped(path: Path) -> None:
    before = os.umask(0)
    try:
        async with opened(path) as store:
            await waiting(store, 1)
            for file in path.parent.iterdir():
                assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    finally:
        os.umask(before)


async def test_a_file_system_without_wal_gives_a_warning(path: Path) -> None:
    async with aiosqlite.connect(":memory:") as db:  # what has no WAL either
        warning = await opening._configure(db, path, durable=False)
    assert "no WAL" in warning
    assert "memory" in warning


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
async def test_durable_means_that_each_commit_is_on_the_disk(
    durable: bool, level: int, path: Path
) -> None:
    store = await open_store(path, TABLES, durable=durable)
    rows = await store._db.execute_fetchall("PRAGMA synchronous")
    assert [tuple(row) for row in rows] == [(level,)]
    await store.close("finished", {})


async def test_a_name_that_is_special_to_sqlite_is_a_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (":memory:", "file:x.db?mode=memory"):
        async with opened(Path(name)) as store:
            await waiting(store, 1)
        assert len(states(tmp_path / name)) == 1


async def test_a_program_that_reads_does_not_hold_up_the_run(path: Path) -> None:
    async with opened(path) as store:
        some = await waiting(store, 2)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM pages").fetchone() == (2,)
            await settled(store.save([done(x) for x in some]))
            assert reader.execute("SELECT count(*) FROM pages WHERE state = 'done'").fetchone() == (
                0,
            )
        assert counted(path) == Counts(done=2)


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
async def test_a_database_that_is_deleted_or_replaced_meanwhile_ends_the_run(
    suffix: str, replaced: bool, path: Path
) -> None:
    store = await open_store(path, TABLES)
    some = await waiting(store, 2)
    file = path.with_name(path.name + suffix)
    content = file.read_bytes()
    file.unlink()
    if replaced:
        path.with_name("new").write_bytes(content)
        path.with_name("new").rename(file)
    with pytest.raises(StorageError, match="deleted or moved"):
        await store.save([done(x) for x in some])
    assert store.counts == Counts(pending=2)
    with pytest.raises(StorageError):
        await store.close("stopped", {})


# ---- tables of records


async def test_a_table_may_have_many_rows_a_page(path: Path) -> None:
    tables = {"books": {"title": "TEXT", "price": "REAL"}, "shops": {"name": "TEXT"}}
    async with opened(path, tables) as store:
        (request,) = await waiting(store, 1)
        rows = [Record("books", {"title": f"b{n}", "price": n / 2}) for n in range(100)]
        shop = Record("shops", {"name": "\u65e5\u672c"})
        await store.save([Outcome(request, "done", records=(*rows, shop))])
    assert sql(path, "SELECT count(*), sum(price) FROM books") == [(100, 2475.0)]
    assert sql(path, "SELECT * FROM shops") == [(request.url, "\u65e5\u672c")]


async def test_the_urls_of_a_table_are_indexed(path: Path) -> None:
    async with opened(path):
        pass
    (plan,) = sql(path, "EXPLAIN QUERY PLAN SELECT * FROM items WHERE url = 'x'")
    assert "USING INDEX" in plan[3]


async def test_a_new_field_becomes_a_new_column_and_an_old_one_stays(path: Path) -> None:
    async with opened(path, {"items": {"a": "TEXT"}}) as store:
        (one,) = await waiting(store, 1)
        await store.save([Outcome(one, "done", records=(Record("items", {"a": "1"}),))])
        assert store.warning == ""
    async with opened(path, {"items": {"b": "INTEGER"}, "more": {"c": "REAL"}}) as store:
        assert store.warning.startswith("new in table items: b;")
        (two,) = await waiting(store, 1)
        records = (Record("items", {"b": 2}), Record("more", {"c": 0.5}))
        await store.save([Outcome(two, "done", records=records)])
    assert sql(path, "SELECT url, a, b FROM items") == [(one.url, "1", None), (two.url, None, 2)]
    assert sql(path, "SELECT * FROM more") == [(two.url, 0.5)]


async def test_a_field_of_another_type_is_refused_and_nothing_is_changed(path: Path) -> None:
    async with opened(path) as store:
        await waiting(store, 1)
    before = sql(path, "SELECT name, sql FROM sqlite_schema")
    changed = {"before": {"x": "TEXT"}, "items": {"new": "TEXT", "links": "TEXT"}}
    with pytest.raises(StorageError, match=r"items.*links.*INTEGER.*TEXT"):
        await open_store(path, changed, order="priority")
    assert sql(path, "SELECT name, sql FROM sqlite_schema") == before
    assert sql(path, "SELECT count(*) FROM runs") == [(1,)]


async def test_a_table_may_be_named_as_the_index_of_another_would_be(path: Path) -> None:
    tables = {"a": {"x": "TEXT"}, "a_url": {"x": "TEXT"}, "a_url_url": {"x": "TEXT"}}
    async with opened(path, tables):
        pass
    async with opened(path, tables):
        pass


# ---- runs, samples, views, a fresh start


async def test_each_run_and_how_it_ended_is_noted(path: Path) -> None:
    for n, ended_as in enumerate(["stopped by SIGINT", "finished"], start=1):
        store = await open_store(path, TABLES, options={"fetchers": n})
        assert store.run == n
        await store.sample(NOW, {"elapsed": n})
        await store.sample(NOW + 1, {"elapsed": n + 0.5})
        await store.close(ended_as, {"done": n})
    crashed = await open_store(path, TABLES)
    await crashed._disconnect()
    runs = sql(path, "SELECT id, started_at, ended_at, options, outcome, totals FROM runs")
    assert [(row[0], json.loads(row[3]), row[4]) for row in runs] == [
        (1, {"fetchers": 1}, "stopped by SIGINT"),
        (2, {"fetchers": 2}, "finished"),
        (3, {}, None),
    ]
    assert [json.loads(row[5] or "null") for row in runs] == [{"done": 1}, {"done": 2}, None]
    assert runs[2][2] is None
    assert all(row[1] <= row[2] and row[1].endswith("Z") for row in runs[:2])
    samples = sql(path, "SELECT run, at, json_extract(reading, '$.elapsed') FROM samples")
    first, second = iso(NOW), iso(NOW + 1)
    assert samples == [(1, first, 1), (1, second, 1.5), (2, first, 2), (2, second, 2.5)]


async def test_the_views_show_failures_and_hosts(path: Path) -> None:
    async with opened(path) as store:
        await store.add([*urls(3), *urls(1, "y.test"), listed("no URL, so no host")])
        one, two, three, four = await take(store)
        await store.save([ended(one, "failed", "timeout", detail="not done in 30s", elapsed=30.0)])
        await store.save([ended(two, "done", bytes=10, elapsed=0.1)])
        await store.save([ended(three, "done", bytes=5, elapsed=0.2), ended(four, "skipped")])
    columns = "url, reason, attempts, detail"
    assert sql(path, f"SELECT {columns} FROM failures") == [
        (one.url, "timeout", 1, "not done in 30s")
    ]
    assert sql(path, "SELECT * FROM hosts ORDER BY host") == [
        ("x.test", 3, 2, 1, 0, 0, 10100.0, 15),
        ("y.test", 1, 0, 0, 1, 0, None, None),
    ]


async def test_a_fresh_start_forgets_everything(path: Path) -> None:
    async with opened(path, {"old": {"x": "TEXT"}}) as store:
        some = await waiting(store, 3)
        await store.save([Outcome(some[0], "done", records=(Record("old", {"x": "1"}),))])
    sql(path, "CREATE VIEW mine AS SELECT * FROM old")
    async with opened(path, fresh=True) as store:
        assert store.run == 1
        assert store.counts == counted(path) == Counts()
        assert await store.add(urls(2)) == Added(2, 0, 0)
        await store.save([done(x, "t") for x in await take(store)])
    names = {name for (name,) in sql(path, "SELECT name FROM sqlite_schema WHERE sql NOTNULL")}
    assert {"pages", "items", "failures"} <= names
    assert not {"old", "mine"} & names
    assert titles(path) == ["t", "t"]


async def test_a_fresh_start_that_is_refused_forgets_nothing(path: Path) -> None:
    async with opened(path) as store:
        await waiting(store, 3)
    with pytest.raises(StorageError):
        await open_store(path, {"pages": {"url": "REAL"}}, fresh=True)
    assert len(states(path)) == 3


@pytest.mark.parametrize("order", get_args(Order))
@pytest.mark.parametrize("before", get_args(Order))
async def test_a_run_may_use_another_order_than_the_one_before_and_its_own_index(
    before: Order, order: Order, path: Path
) -> None:
    async with opened(path, order=before) as store:
        await store.add(urls(3))
    async with opened(path, order=order) as store:
        assert len(await take(store, 9, order)) == 3
    columns = {"fifo": "id", "lifo": "id DESC", "priority": "priority, id"}[order]
    query = f"SELECT * FROM pages WHERE state = 'pending' AND due_at IS NULL ORDER BY {columns}"
    plan = " ".join(row[3] for row in sql(path, f"EXPLAIN QUERY PLAN {query}"))
    assert "USING INDEX pages_" in plan
    assert "TEMP B-TREE" not in plan


def test_times_are_text_that_sorts_as_time_does() -> None:
    moments = [0.0, 0.001, 1.0, NOW, NOW + 0.5, 4e9, 253402300799.0, 1e12, float("inf")]
    assert sorted(map(iso, moments)) == list(map(iso, moments))
    assert iso(NOW + 0.25) == "2023-11-14T22:13:20.250Z"
    assert iso(1e12).startswith("9999-12-31")


# ---- refused


async def refusal(path: Path, fresh: bool = False) -> str:
    """Why the store cannot be opened there; that it leaves nothing behind."""
    before = set(path.parent.iterdir()) if path.parent.is_dir() else None
    with pytest.raises(StorageError) as caught:
        await settled(open_store(path, TABLES, fresh=fresh))
    assert caught.value.exit_code == 4
    if before is not None:
        assert set(path.parent.iterdir()) == before
    return str(caught.value)


@pytest.mark.parametrize("fresh", [False, True])
async def test_the_database_of_another_program_is_refused_and_left_alone(
    fresh: bool, path: Path
) -> None:
    sql(path, "CREATE TABLE pages (url TEXT)")
    before = path.read_bytes()
    assert "another program (tables: pages)" in await refusal(path, fresh)
    assert path.read_bytes() == before


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0, -5])
async def test_another_schema_version_is_refused_with_both_versions(
    version: int, fresh: bool, path: Path
) -> None:
    async with opened(path) as store:
        await waiting(store, 1)
    sql(path, f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    told = await refusal(path, fresh)
    assert f"version {version}," in told
    assert f"version {SCHEMA_VERSION};" in told
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"http://x.test/\n",
        b"\0" * 5000,
        b"S",
        b"SQLite format 2\0" + b"x" * 5000,
        b"SQLite format 3\0" + b"x" * 5000,
        b"SQLite format 3\0",
    ],
)
@pytest.mark.parametrize("fresh", [False, True])
async def test_what_is_no_database_is_refused_and_never_overwritten(
    content: bytes, fresh: bool, path: Path
) -> None:
    path.write_bytes(content)
    assert str(path) in await refusal(path, fresh)
    assert path.read_bytes() == content


async def test_a_damaged_database_is_a_storage_error(path: Path) -> None:
    async with opened(path) as store:
        await waiting(store, 2000)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError):
        await open_store(path, TABLES)


async def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    async with opened(path) as store:
        await waiting(store, 1)
    assert len(states(path)) == 1


async def test_a_place_where_no_file_can_be_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No such file" in await refusal(path.parent / "missing" / "out.db")
    (path.parent / "file").touch()
    assert "Not a directory" in await refusal(path.parent / "file" / "out.db")
    path.mkdir()
    assert "s a directory" in await refusal(path)
    assert "too long" in await refusal(path.parent / ("x" * 255))
    monkeypatch.chdir(path.parent)
    for name in (".", "", "/"):
        assert "folder" in await refusal(Path(name))


async def test_a_symbolic_link_is_refused(path: Path) -> None:
    target = path.with_name("target.db")
    path.symlink_to(target)
    assert "is a symbolic link" in await refusal(path)
    assert not target.exists()
    async with opened(target):
        pass
    assert "is a symbolic link" in await refusal(path)


async def test_a_pipe_or_a_device_is_refused_and_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    assert "ordinary" in await refusal(path)
    assert "ordinary" in await refusal(Path("/dev/null"))


def in_a_process(script: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def told_by(script: str, *args: object) -> list[str]:
    """The lines it printed; it has to end."""
    process = in_a_process(script, *args)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return out.splitlines()


REFUSED = """
import asyncio, os, sys
from pathlib import Path
from scrapeq.errors import StorageError
from scrapeq.stores.opening import open_store

async def main():
    for name in sys.argv[2:]:
        try:
            store = await open_store(Path(name), {})
            await store.close("finished", {})
            print("opened")
        except StorageError as exc:
            print(exc)

os.chdir(sys.argv[1])
if os.getuid() == 0:
    os.setuid(65534)  # root may write everywhere
asyncio.run(main())
"""


def test_a_folder_or_a_file_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    closed, open_ = tmp_path / "closed", tmp_path / "open"
    for folder in (closed, open_):
        folder.mkdir()
    (open_ / "mine.db").touch()
    (open_ / "mine.db").chmod(0o444)
    open_.chmod(0o777)
    closed.chmod(0o555)
    (told,) = told_by(REFUSED, closed, "out.db")
    assert "no file can be made in its folder (Permission denied)" in told
    (told,) = told_by(REFUSED, open_, "mine.db")
    assert "mine.db: Permission denied" in told
    assert [x.name for x in open_.iterdir()] == ["mine.db"]


def test_a_process_whose_store_was_refused_ends(tmp_path: Path) -> None:
    sql(tmp_path / "other.db", "CREATE TABLE x (y)")
    (tmp_path / "text.db").write_text("no database at all")
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    tmp_path.chmod(0o777)
    for file in tmp_path.iterdir():
        file.chmod(0o666)
    told = told_by(REFUSED, tmp_path, "other.db", "text.db", "broken.db", "no/x.db", ".")
    assert len(told) == 5
    assert "opened" not in told


# ---- two at once


async def test_a_second_run_on_one_database_is_refused_at_once(path: Path) -> None:
    async with opened(path) as store:
        assert "another scrapeq run" in await refusal(path)
        await waiting(store, 1)
        assert "another scrapeq run" in await refusal(path)
    async with opened(path) as store:
        assert store.counts == Counts(pending=1)


HOLDER = """
import asyncio, sys
from pathlib import Path
from scrapeq.stores.opening import open_store
from scrapeq.urls import listed

async def main():
    store = await open_store(Path(sys.argv[1]), {"items": {"title": "TEXT", "links": "INTEGER"}})
    await store.add([listed(f"http://x.test/{n}") for n in range(100)])
    print("open", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


async def test_the_lock_of_a_killed_process_is_gone_and_its_urls_are_pending(path: Path) -> None:
    holder = in_a_process(HOLDER, path)
    with holder:
        assert holder.stdout
        assert await asyncio.to_thread(holder.stdout.readline) == "open\n"
        assert "another scrapeq run" in await refusal(path)
        holder.kill()
    assert path.with_name("out.db-lock").exists()
    async with opened(path) as store:
        assert store.run == 2
        assert store.counts == counted(path) == Counts(pending=100)
    assert sql(path, "SELECT ended_at FROM runs WHERE id = 1") == [(None,)]


def test_a_lock_file_removed_by_its_owner_locks_nobody_out_or_in(path: Path) -> None:
    """The one who opened it just before has to see that it locked a file that is gone."""
    first, second = DatabaseFile(path), DatabaseFile(path)
    first.lock()
    descriptor = second._open_lock()
    first.unlock()
    assert not second._is_still_there(descriptor)
    os.close(descriptor)
    second.lock()
    with pytest.raises(StorageError):
        first.lock()
    second.unlock()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.02)


@pytest.mark.usefixtures("impatient")
async def test_a_database_locked_by_another_program_is_a_storage_error_and_all_is_pending(
    path: Path,
) -> None:
    async with opened(path) as store:
        one, two = await waiting(store, 2)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for work in (store.save([done(one, "a")]), store.add(urls(1)), store.retry_failed()):
                with pytest.raises(StorageError, match="locked"):
                    await settled(work)
            assert store.counts == counted(path) == Counts(pending=2)
            assert len(await take(store)) == 2  # reading goes on
            other.execute("ROLLBACK")
        await store.save([done(one, "a"), done(two, "b")])
        assert store.counts == counted(path) == Counts(done=2)


@pytest.mark.usefixtures("impatient")
async def test_a_database_that_is_locked_cannot_be_opened_but_later_it_can(path: Path) -> None:
    for existing in (False, True):
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE" if not existing else "BEGIN IMMEDIATE")
            assert "locked" in await refusal(path)
            other.execute("ROLLBACK")
        async with opened(path) as store:
            await waiting(store, 1)


# ---- a full disk

FULL = """
import asyncio, resource, sys
from pathlib import Path
from scrapeq.errors import StorageError
from scrapeq.models import Outcome, Record
from scrapeq.stores.opening import open_store
from scrapeq.urls import listed

async def main():
    path = Path(sys.argv[1])
    store = await open_store(path, {"items": {"title": "TEXT", "links": "INTEGER"}})
    await store.add([listed(f"http://x.test/{n}") for n in range(400)])
    wal = path.with_name(path.name + "-wal").stat().st_size
    limit = max(wal, path.stat().st_size) + 300_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    saved = 0
    try:
        while True:
            requests = await store.take(20, "fifo", (), 0.0)
            row = Record("items", {"title": "x" * 2000})
            await store.save([Outcome(x, "done", records=(row,)) for x in requests])
            saved += len(requests)
    except StorageError as exc:
        print(exc.exit_code, flush=True)
    print(saved, store.counts.done, store.counts.pending, flush=True)
    try:
        await store.close("stopped", {})
    except StorageError as exc:
        print(exc.exit_code, flush=True)

asyncio.run(main())
"""


async def test_a_full_disk_is_a_storage_error_that_loses_nothing(path: Path) -> None:
    code, counts, *_ = told_by(FULL, path)
    assert code == "4"
    saved, were_done, pending = map(int, counts.split())
    assert 0 < saved < 400
    assert (were_done, pending) == (saved, 400 - saved)
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]
    assert counted(path) == Counts(done=saved, pending=pending)
    assert len(titles(path)) == saved
    async with opened(path) as store:
        assert store.counts == Counts(done=saved, pending=pending)
        await store.save([done(x, "late") for x in await take(store, 1000)])
    assert counted(path) == Counts(done=400)
    assert len(titles(path)) == 400


async def test_a_disk_that_is_full_from_the_start_is_refused(path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StorageError):
            await open_store(path, TABLES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    async with opened(path) as store:
        await waiting(store, 1)
