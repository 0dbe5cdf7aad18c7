"""From the list into the Store: how much of it, with whose password, and when work begins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import pytest

from scrapeq import source as source_module
from scrapeq.errors import UsageError
from scrapeq.frontier import Frontier
from scrapeq.intake import HEAD_START, Intake
from scrapeq.models import Counts, Lines, Order
from scrapeq.source import Source
from scrapeq.stores import Added
from scrapeq.urls import Credentials, Listed, listed
from tests.flow_kit import settled
from tests.frontier_kit import MemoryStore, Row, seconds, skipping_time
from tests.store_kit import counted, done, opened, sql, states, take

each_order = pytest.mark.parametrize("order", get_args(Order))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.db"


@pytest.fixture
def batches_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the batches of a list so small."""

    def make(size: int) -> None:
        monkeypatch.setattr(source_module, "SLICE", size)
        monkeypatch.setattr(source_module, "BATCH", size)

    return make


async def read(
    path: Path, lines: Sequence[str], limit: int | None = None, **options: Any
) -> tuple[Intake, dict[str, Credentials]]:
    """One run that only reads its list."""
    file = path.with_name("list")
    file.write_text("\n".join(lines))
    credentials: dict[str, Credentials] = {}
    async with opened(path) as store:
        intake = Intake(Source([str(file)]), store, credentials)
        await settled(intake.read(Frontier(store, **options), "fifo", limit))
    return intake, credentials


def listing(names: str) -> list[str]:
    return [f"http://x.test/{name}" if name != "#" else "# comment" for name in names]


def names(path: Path) -> str:
    return "".join(url[-1] for (url,) in sql(path, "SELECT url FROM pages ORDER BY id"))


# ---- how much of it


async def test_the_lines_are_counted_for_what_they_were(path: Path) -> None:
    intake, _ = await read(path, [*listing("ab#a"), "", "nonsense"])
    assert intake.lines == Lines(new=3, duplicates=1, ignored=2)
    assert intake.complete
    intake, _ = await read(path, [*listing("cab#aa"), "nonsense"])
    assert intake.lines == Lines(new=1, known=3, duplicates=2, ignored=1)
    assert counted(path) == Counts(pending=3, skipped=1)


@pytest.mark.parametrize("size", [1, 2, 3, 256])
@pytest.mark.parametrize(
    ("lines", "limit", "expected"),
    [
        ("abcde", 3, "abc"),
        ("abcde", 5, "abcde"),
        ("abcde", 9, "abcde"),
        ("aaaaabcde", 3, "abc"),
        ("aabbaabbccdde", 4, "abcd"),
        ("#a##b#cd", 2, "ab"),
        ("abcab", 1, "a"),
    ],
)
async def test_a_limit_counts_the_urls_and_not_the_lines(
    lines: str,
    limit: int,
    expected: str,
    size: int,
    path: Path,
    batches_of: Callable[[int], None],
) -> None:
    batches_of(size)
    intake, _ = await read(path, listing(lines), limit)
    assert names(path) == expected
    assert intake.lines.new == len(expected)
    assert intake.complete


async def test_a_limit_counts_what_an_earlier_run_has_read_too(path: Path) -> None:
    await read(path, listing("abcdef"), 2)
    assert names(path) == "ab"
    intake, _ = await read(path, listing("aabbcdef"), 3)
    assert names(path) == "abc"
    assert intake.lines == Lines(new=1, known=2, duplicates=2)


async def test_after_the_limit_the_list_is_let_go_at_once(path: Path) -> None:
    file = path.with_name("list")
    file.write_text("\n".join(f"http://x.test/{n}" for n in range(50_000)))

    class Watched(Source):
        closed = False

        async def batches(self) -> AsyncGenerator[list[Listed], None]:
            try:
                async with aclosing(super().batches()) as found:
                    async for batch in found:
                        yield batch
            finally:
                self.closed = True

    source = Watched([str(file)])
    async with opened(path) as store:
        await Intake(source, store, {}).read(Frontier(store), "fifo", 10)
        assert source.closed


async def test_a_list_that_cannot_be_read_on_is_an_error_and_not_its_end(path: Path) -> None:
    file = path.with_name("list.csv")
    file.write_text("title\nx\n")
    async with opened(path) as store:
        frontier = Frontier(store)
        intake = Intake(Source(["http://x.test/a", str(file)]), store, {})
        with mock.patch.object(frontier, "list_ended") as ended, pytest.raises(UsageError):
            await settled(intake.read(frontier, "fifo", None))
        assert not intake.complete
        assert not ended.called
        assert store.counts == Counts(pending=1)


# ---- whose password


async def test_credentials_are_remembered_by_origin_and_not_stored(path: Path) -> None:
    lines = ["http://u:s3cr3t@x.test/a", "https://v:t0k3n@x.test:8443/b", "http://x.test/c"]
    _, credentials = await read(path, lines)
    assert credentials == {
        "http://x.test": Credentials("http://x.test", "u", "s3cr3t"),
        "https://x.test:8443": Credentials("https://x.test:8443", "v", "t0k3n"),
    }
    stored = path.read_bytes()
    assert b"s3cr3t" not in stored
    assert b"t0k3n" not in stored


async def test_a_masked_url_in_the_list_does_not_take_the_place_of_its_password(
    path: Path,
) -> None:
    _, credentials = await read(path, ["http://u:s3cr3t@x.test/", "http://***@x.test/"])
    assert credentials["http://x.test"].password == "s3cr3t"
    assert list(states(path)) == ["http://***@x.test/"]


async def test_credentials_are_known_before_the_first_url_that_needs_them(path: Path) -> None:
    async with opened(path) as store:
        credentials: dict[str, Credentials] = {}
        seen = []
        real = store.add

        async def add(lines: Sequence[Listed]) -> Added:
            seen.append(dict(credentials))
            return await real(lines)

        with mock.patch.object(store, "add", add):
            intake = Intake(Source(["http://u:p@x.test/"]), store, credentials)
            await intake.read(Frontier(store), "fifo", None)
    assert list(seen[0]) == ["http://x.test"]


async def test_what_waits_for_its_credentials_waits_for_the_whole_list(path: Path) -> None:
    secret = "http://u:p@x.test/secret"
    await read(path, [secret])
    lines = [*listing("abc"), secret]
    async with opened(path) as store:
        frontier = Frontier(store)
        credentials: dict[str, Credentials] = {}
        with mock.patch.object(frontier, "begin", wraps=frontier.begin) as begin:
            real = store.add

            async def add(batch: Sequence[Listed]) -> Added:
                assert not begin.called
                await asyncio.sleep(0)
                return await real(batch)

            with mock.patch.object(store, "add", add):
                await Intake(Source(lines), store, credentials).read(frontier, "fifo", None)
        assert begin.called
        assert "http://x.test" in credentials


async def test_waiting_for_credentials_and_for_room_is_no_deadlock(
    path: Path, batches_of: Callable[[int], None]
) -> None:
    """Nothing is handed out before the list has ended: nobody would make room for the rest."""
    lines = [*listing("abcdefgh"), "http://u:p@x.test/"]
    await read(path, lines)
    batches_of(2)
    intake, credentials = await read(path, [*lines, *listing("xyz")], read_ahead=3)
    assert intake.lines == Lines(new=3, known=9)
    assert credentials


async def test_when_nothing_waits_for_credentials_work_begins_with_the_list(path: Path) -> None:
    await read(path, ["http://u:p@x.test/"])
    async with opened(path) as store:
        await store.save([done(x) for x in await take(store)])
    async with opened(path) as store:
        frontier = Frontier(store)
        begun = asyncio.Event()
        with mock.patch.object(frontier, "begin", begun.set):
            await Intake(Endless(), store, {}).read(frontier, "fifo", 1)  # type: ignore[arg-type]
            await settled(begun.wait())


# ---- when work begins


class Endless:
    """A list that gives a URL every fifth of a second."""

    ignored = 0

    async def batches(self) -> AsyncGenerator[list[Listed], None]:
        n = 0
        while True:
            yield [listed(f"http://x.test/{n}")]
            n += 1
            await asyncio.sleep(0.2)


class Rows(MemoryStore):
    """A Store in memory that takes lines too."""

    async def add(self, lines: Sequence[Listed]) -> Added:
        self.put(*(Row(line.url, line.host, line.priority) for line in lines))
        return Added(len(lines), 0, 0)

    async def needs_credentials(self) -> bool:
        return any("***@" in row.url for row in self.rows.values())


async def first_handed_out(
    store: Rows, order: Order, limit: int | None = None
) -> tuple[float, str]:
    """When the first URL is handed out, and which."""
    frontier = Frontier(store, order=order)
    intake = Intake(Endless(), store, {})  # type: ignore[arg-type]
    reading = asyncio.create_task(intake.read(frontier, order, limit))
    request = await anext(aiter(frontier))
    when = seconds()
    reading.cancel()
    await asyncio.wait({reading})
    return when, request.url.rpartition("/")[2]


@each_order
@skipping_time
async def test_an_order_other_than_the_lists_own_gets_a_head_start_of_reading(
    order: Order,
) -> None:
    when, name = await first_handed_out(Rows(), order)
    if order == "fifo":
        assert (when, name) == (0.0, "0")
    else:
        assert when == HEAD_START
        assert int(name) == {"lifo": int(HEAD_START / 0.2), "priority": 0}[order]


@each_order
@skipping_time
async def test_a_list_that_ends_sooner_needs_no_head_start(order: Order) -> None:
    when, name = await first_handed_out(Rows(), order, limit=2)
    assert when == (0.0 if order == "fifo" else 0.2)
    assert name == {"fifo": "0", "lifo": "1", "priority": "0"}[order]


@skipping_time
async def test_with_credentials_to_come_the_first_url_is_handed_out_after_the_last_line() -> None:
    store = Rows(Row("http://***@x.test/old", "x.test"))
    assert await first_handed_out(store, "fifo", limit=30) == (5.8, "old")


@skipping_time
async def test_the_list_is_read_no_further_than_there_is_room() -> None:
    store = Rows()
    frontier = Frontier(store, read_ahead=4)
    intake = Intake(Endless(), store, {})  # type: ignore[arg-type]
    reading = asyncio.create_task(intake.read(frontier, "fifo", None))
    await asyncio.sleep(100)
    assert len(store.rows) == 4
    store.rows[1].state = "done"
    frontier.list_grew()
    await asyncio.sleep(100)
    assert len(store.rows) == 5
    assert not intake.complete
    reading.cancel()
    await asyncio.wait({reading})


async def test_lines_that_are_no_url_are_counted_once_each_by_reason(path: Path) -> None:
    lines = ["ftp://x/", "nonsense", *listing("a"), "ftp://x/", "gopher://x/"]
    assert (await read(path, lines))[0].skipped == {"scheme": 2, "invalid_url": 1}
    assert not +(await read(path, lines))[0].skipped, "a line that is known is no new one"
