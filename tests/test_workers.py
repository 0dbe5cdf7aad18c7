"""The pool of processes, with tasks that loop, eat, crash and lie."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrapeq import parse, workers
from scrapeq.errors import FatalError
from scrapeq.extract import DEFAULT_RULE
from scrapeq.workers import JOB_BYTES, Pool, Result, Task
from tests.program_kit import sleeps, until

HOUSE = Path(__file__).parent.parent
MEMORY = 300 << 20
SMALL = 160 << 20
"""Memory that is soon eaten."""
GOOD = Task("length", b"good")


@asynccontextmanager
async def pool(
    target: str = "obey", setup: Any = None, *, processes: int = 1, **options: Any
) -> AsyncIterator[Pool]:
    options = {"deadline": 5.0, "memory": MEMORY} | options
    name = target if ":" in target else f"tests.worker_targets:{target}"
    async with Pool(name, setup, processes=processes, **options) as made:
        yield made


def among_good(*deeds: str) -> list[Task]:
    """Each deed with a good task before and after it."""
    tasks = [GOOD]
    for deed in deeds:
        tasks += [Task(deed, b"bad"), GOOD]
    return tasks


def values(results: Sequence[Result]) -> list[Any]:
    """What each task returned; what became of it, if it returned nothing."""
    return [x.lost or (x.error and "error") or x.value for x in results]


@contextmanager
def no_process_left() -> Iterator[None]:
    before = set(psutil.Process().children())
    yield
    assert set(psutil.Process().children()) == before


# ---- good tasks


async def test_results_come_in_the_order_of_the_tasks() -> None:
    async with pool("echo", {"a": [1, "ä"]}) as made:
        tasks = [Task([n, "ü"], f"{n}".encode()) for n in range(100)]
        results = await made.run(tasks)
    assert [x.value[:4] for x in results] == [
        [{"a": [1, "ä"]}, [n, "ü"], len(str(n)), str(n)] for n in range(100)
    ]
    assert not any(x.error or x.lost for x in results)
    assert all(x.seconds > 0 for x in results)


async def test_no_task_gives_no_result() -> None:
    async with pool("echo") as made:
        assert await made.run([]) == []
        assert values(await made.run([GOOD]))


async def test_many_jobs_at_once_are_shared_by_the_processes() -> None:
    async with pool("echo", processes=3) as made:
        jobs = [[Task(n, b"x" * n)] * (n % 5 + 1) for n in range(60)]
        found = await asyncio.gather(*map(made.run, jobs))
        pids = set(made.pids())
    assert [[x.value[1:3] for x in results] for results in found] == [
        [[n, n]] * (n % 5 + 1) for n in range(60)
    ]
    assert len(pids) == 3
    assert {x.value[4] for results in found for x in results} <= pids


@pytest.mark.parametrize("largest", [1, JOB_BYTES, JOB_BYTES + 12_345])
async def test_bodies_of_every_size_arrive_whole(largest: int) -> None:
    sizes = [0, 1, 0, JOB_BYTES - 1, 1, JOB_BYTES, 5, 3 << 20, 3 << 20, 3 << 20, 0]
    sizes += [largest] * (largest > JOB_BYTES)
    async with pool("echo", largest=largest) as made:
        results = await made.run([Task(n, b"%09d" % n + b"x" * (n - 9)) for n in sizes])
    assert [x.value[2] for x in results] == [max(n, 9) for n in sizes]
    assert [x.value[3] for x in results] == [f"{n:09}" for n in sizes]


async def test_large_results_arrive_whole() -> None:
    async with pool() as made:
        results = await made.run(among_good("large", "large", "large"))
    assert [len(x.value) if isinstance(x.value, str) else x.value for x in results] == [
        4, 4 << 20, 4, 4 << 20, 4, 4 << 20, 4,
    ]  # fmt: skip


async def test_text_that_no_encoding_knows_travels_unharmed() -> None:
    async with pool() as made:
        assert values(await made.run([Task("surrogate", b"")])) == ["a\udcffb\0"]


async def test_answers_come_in_more_than_one_piece_when_a_job_takes_long() -> None:
    async with pool() as made:
        assert values(await made.run(among_good("nap", "nap", "nap"))) == [
            4, None, 4, None, 4, None, 4,
        ]  # fmt: skip


async def test_while_the_listener_takes_its_time_no_more_than_a_frame_is_in_memory() -> None:
    """The process waits with what comes next, and is not blamed for it."""
    heard: list[int] = []
    first, go_on = asyncio.Event(), asyncio.Event()

    async def told(number: int, result: Result) -> None:
        assert len(result.value) == 4 << 20
        heard.append(number)
        first.set()
        await go_on.wait()

    async with pool(deadline=30.0) as made:
        job = asyncio.create_task(made.each([Task("large", b"")] * 8, told))
        await first.wait()
        (pid,) = made.pids()
        await asyncio.to_thread(until, lambda: sleeps(pid))
        assert heard == [0]
        assert psutil.Process(pid).memory_info().rss < MEMORY
        go_on.set()
        await job
    assert heard == list(range(8))


async def test_what_a_listener_raises_ends_the_job_and_the_pool_goes_on() -> None:
    async def told(number: int, result: Result) -> None:
        raise OSError(f"not {number}")

    async with pool() as made:
        with pytest.raises(OSError, match="not 0"):
            await made.each([GOOD, GOOD], told)
        assert values(await made.run([GOOD])) == [4]


# ---- bad tasks


@pytest.mark.parametrize(
    ("deed", "fate", "said"),
    [
        ("raise", "error", "KeyError: 'bad'"),
        ("strange", "error", "TypeError: Object of type object is not JSON serializable"),
        ("loop", "timeout", "not done after 0.3s"),
        ("eat", "memory", "out of memory"),
        ("huge", "memory", "out of memory"),
        ("kill", "memory", "killed, perhaps by the system for its memory"),
        ("segv", "crash", "the process died of SIGSEGV"),
        ("exit", "crash", "the process died of exit code 7"),
        ("quit", "crash", "the process died of exit code 0"),
    ],
)
async def test_a_bad_task_is_told_from_its_neighbours(deed: str, fate: str, said: str) -> None:
    with no_process_left():
        async with pool(deadline=0.3 if deed == "loop" else 30.0, memory=SMALL) as made:
            results = await made.run(among_good(deed, deed))
            assert values(results) == [4, fate, 4, fate, 4]
            assert {x.error for x in results if x.value is None} == {said}
            assert values(await made.run([GOOD])) == [4]


async def test_every_kind_of_bad_task_in_one_job() -> None:
    deeds = ["segv", "loop", "raise", "eat", "exit", "kill", "strange"]
    fates = ["crash", "timeout", "error", "memory", "crash", "memory", "error"]
    async with pool(deadline=2.0, memory=SMALL) as made:
        results = await made.run(among_good(*deeds))
    assert values(results) == [4] + [x for fate in fates for x in (fate, 4)]


@pytest.mark.parametrize("at", [0, 17, 31])
async def test_the_one_that_did_it_is_found_at_once(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process, one for its neighbours and one for itself: nobody else is tried alone."""
    starts: list[object] = []
    real = subprocess.Popen

    def counted(*args: Any, **kwargs: Any) -> Any:
        starts.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", counted)
    tasks = [GOOD] * 32
    tasks[at] = Task("segv", b"")
    async with pool() as made:
        assert values(await made.run(tasks)).count("crash") == 1
    assert len(starts) == 3


async def test_a_task_is_not_blamed_for_the_memory_of_others() -> None:
    """It is tried again alone in a fresh process, whatever its neighbours did to the old one."""
    async with pool() as made:
        results = await made.run([Task(deed, b"") for deed in ("hoard", "need", "hoard", "length")])
    assert values(results) == ["hoarded", "enough", "hoarded", 0]


async def test_the_time_that_the_parent_takes_to_listen_is_nobody_s_fault() -> None:
    async with pool(deadline=0.3) as made:
        await made.run([GOOD])
        before = made.pids()
        job = asyncio.create_task(made.run(among_good("large", "large")))
        for _ in range(5):
            await asyncio.sleep(0)
        time.sleep(0.6)  # noqa: ASYNC251 - the loop is busy with something else
        assert [len(x.value) for x in (await job)[1::2]] == [4 << 20] * 2
        assert made.pids() == before


async def test_a_task_that_only_raises_costs_no_process() -> None:
    async with pool() as made:
        await made.run([GOOD])
        before = made.pids()
        await made.run(among_good("raise", "strange"))
        assert made.pids() == before


async def test_a_task_that_stands_still_is_given_up_by_the_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 0.7)
    with no_process_left():
        async with pool(deadline=0.05) as made:
            results = await made.run(among_good("stop"))
            assert values(results) == [4, "timeout", 4]
            assert "no answer in" in results[1].error


async def test_a_process_that_closes_its_connection_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with pool() as made:
        results = await made.run(among_good("close"))
    assert values(results) == [4, "crash", 4]


async def test_other_processes_go_on_while_one_is_busy_dying() -> None:
    async with pool(processes=2, deadline=0.5) as made:
        dying = asyncio.create_task(made.run(among_good("loop")))
        for _ in range(20):
            assert values(await made.run([GOOD] * 10)) == [4] * 10
        assert values(await dying) == [4, "timeout", 4]


async def test_a_process_that_dies_between_jobs_is_not_missed() -> None:
    async with pool(processes=2) as made:
        for _ in range(3):
            found = await asyncio.gather(made.run([GOOD]), made.run([GOOD]))
            assert [values(results) for results in found] == [[4], [4]]
            for pid in made.pids():
                os.kill(pid, signal.SIGKILL)
        assert values(await made.run(among_good("raise"))) == [4, "error", 4]


@settings(deadline=None, max_examples=10)
@given(
    st.lists(
        st.lists(st.sampled_from(["length"] * 9 + ["raise", "segv", "exit", "nap"]), max_size=9),
        max_size=5,
    ),
    st.integers(1, 3),
)
def test_every_task_gets_its_own_result_whatever_the_others_do(
    jobs: list[list[str]], processes: int
) -> None:
    fates = {"length": 3, "raise": "error", "segv": "crash", "exit": "crash", "nap": None}

    async def work() -> list[list[Any]]:
        async with pool(processes=processes) as made:
            found = await asyncio.gather(
                *(made.run([Task(deed, b"abc") for deed in job]) for job in jobs)
            )
        return [values(results) for results in found]

    assert asyncio.run(work()) == [[fates[deed] for deed in job] for job in jobs]


# ---- the real function, and the pages that are made to hurt it


def formatting_bomb(depth: int) -> bytes:
    opened = "".join(f"<b {n}>" for n in range(depth)) + "".join(f"<i {n}>" for n in range(depth))
    return (opened + "x</b>" * depth).encode()


HOSTILE = {
    "formatting elements": (formatting_bomb(3000), "parse"),
    "nested divs": (b"<div>" * 200_000, "parse"),
    "attributes": (b"<p " + b" ".join(b"a%d" % n for n in range(10_000)) + b">", "any"),
    "one attribute": (b"<p a='" + b"x" * 1_000_000 + b"'>", "any"),
    "unclosed comment": (b"<!--" + b"x" * 1_000_000, "any"),
    "unclosed script": (b"<script>" + b"<" * 1_000_000, "any"),
    "angle brackets": (b"<" * 1_000_000, "any"),
    "nulls": (b"\0" * 1_000_000, "any"),
    "bad utf-8": (b"\xff\xc0\x80" * 300_000, "any"),
}


async def test_pages_that_are_made_to_hurt_the_parser_hurt_nobody_else() -> None:
    meta = ["http://a.test/", "http://a.test/", "text/html", ""]
    good = Task(meta, b"<title>good</title>")
    tasks = [good]
    for body, _ in HOSTILE.values():
        tasks += [Task(meta, body), good]
    options = parse.setup([DEFAULT_RULE], 20 << 20)
    with no_process_left():
        async with pool("scrapeq.parse:load", options, processes=1, deadline=1.0) as made:
            results = await made.run(tasks)
    for result in results[::2]:
        assert parse.received(result.value).records[0].row["title"] == "good"
    for (name, (_, fate)), result in zip(HOSTILE.items(), results[1::2], strict=True):
        assert not result.error or result.lost, name
        if fate == "parse":
            assert result.lost in ("timeout", "memory"), name


# ---- starting


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("tests.no_such_module:f", "ModuleNotFoundError: No module named 'tests.no_such_module'"),
        ("no_such_function", "AttributeError: .*no_such_function"),
        ("broken", "ValueError: this setup is not for me"),
        ("dies_at_start", "exit code 3"),
    ],
)
async def test_a_pool_that_cannot_start_says_why(target: str, said: str) -> None:
    with no_process_left():
        async with pool(target) as made:
            for _ in range(2):
                with pytest.raises(FatalError, match=said):
                    await made.run([GOOD])


async def test_a_memory_cap_that_is_too_small_to_start_with_says_so() -> None:
    async with pool(memory=1 << 20) as made:
        with pytest.raises(FatalError, match="no parse process could be started"):
            await made.run([GOOD])


async def test_a_process_that_is_never_ready_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_TIME", 0.3)
    with no_process_left():
        async with pool("hangs_at_start") as made:
            with pytest.raises(FatalError, match="not ready after"):
                await made.run([GOOD])


async def test_a_system_without_room_for_processes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = subprocess.Popen, 0

    def second_fails(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", second_fails)
    with no_process_left(), pytest.raises(FatalError, match="temporarily unavailable"):
        async with pool(processes=3):
            raise AssertionError


def test_a_process_imports_nothing_from_where_the_user_stands(tmp_path: Path) -> None:
    for name in ("json", "signal", "mmap", "resource", "brotli", "selectolax", "w3lib", "scrapeq"):
        (tmp_path / f"{name}.py").write_text("import os\nos._exit(66)\n")
    script = tmp_path / "elsewhere" / "script.py"
    script.parent.mkdir()
    script.write_text(
        textwrap.dedent(f"""
            import sys
            sys.path.append({str(HOUSE)!r})
            import asyncio
            from scrapeq import parse
            from scrapeq.extract import DEFAULT_RULE
            from scrapeq.workers import Pool, Task

            async def main():
                setup = parse.setup([DEFAULT_RULE], 1000)
                async with Pool(
                    "scrapeq.parse:load", setup, processes=1, deadline=5, memory=1 << 29
                ) as pool:
                    task = Task(["http://a.test/", "http://a.test/", "", ""], b"<h1>fine")
                    print((await pool.run([task]))[0].value[0][0][1]["h1"])

            asyncio.run(main())
        """)
    )
    ended = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert (ended.returncode, ended.stdout) == (0, "fine\n"), ended.stderr


# ---- ending


async def test_processes_ignore_the_signals_that_are_for_the_parent() -> None:
    async with pool(processes=2) as made:
        await asyncio.gather(made.run([GOOD]), made.run([GOOD]))
        before = made.pids()
        for pid in before:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(pid, number)
        assert values(await made.run([GOOD] * 5)) == [4] * 5
        assert made.pids() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_while_a_process_starts_does_it_no_harm(number: int) -> None:
    async with pool() as made:
        (pid,) = made.pids()
        status = Path(f"/proc/{pid}/status")
        ignored = 0
        while not ignored >> (number - 1) & 1:  # before it runs any Python, nobody can help it
            ignored = int(status.read_text().split("SigIgn:")[1].split()[0], 16)
            await asyncio.sleep(0)
        job = asyncio.create_task(made.run([GOOD]))
        while not job.done():
            os.kill(pid, number)
            await asyncio.sleep(0)
        assert values(await job) == [4]
        assert made.pids() == [pid]


@pytest.mark.parametrize("deed", ["loop", "length", "stop"])
async def test_a_cancelled_job_leaves_no_process_in_an_unknown_state(deed: str) -> None:
    with no_process_left():
        async with pool(processes=1) as made:
            for turns in range(10):
                for ready in (False, True):
                    if ready:
                        assert values(await made.run(among_good("raise"))) == [4, "error", 4]
                    job = asyncio.create_task(made.run([Task(deed, b"bad")] * 9))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    job.cancel()
                    await asyncio.gather(job, return_exceptions=True)
            assert values(await made.run([GOOD, GOOD])) == [4, 4]


async def test_a_cancelled_wait_for_a_process_takes_none_away() -> None:
    async with pool(processes=1) as made:
        first = asyncio.create_task(made.run([Task("nap", b"")]))
        waiting = [asyncio.create_task(made.run([GOOD])) for _ in range(5)]
        await asyncio.sleep(0)
        for job in waiting[::2]:
            job.cancel()
        await first
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(x, list) for x in found] == [False, True, False, True, False]


@pytest.mark.parametrize("deed", ["loop", "stop", "length"])
async def test_no_process_is_left_when_the_pool_is_closed(deed: str) -> None:
    with no_process_left():
        async with pool(processes=3) as made:
            job = asyncio.create_task(made.run([Task(deed, b"")]))
            await asyncio.sleep(0)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)


PARENT = """
import asyncio, sys
sys.path[:0] = [{house!r}]
from scrapeq.workers import Pool, Task

async def main():
    async with Pool(
        "tests.worker_targets:obey", None, processes=2, deadline=3600, memory=1 << 29
    ) as pool:
        await asyncio.gather(*(pool.run([Task("length", b"")]) for _ in range(2)))
        print(*pool.pids(), flush=True)
        if sys.argv[1] != "idle":
            await pool.run([Task(sys.argv[1], b"")])
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("deed", ["idle", "loop"])
def test_no_process_is_left_when_the_parent_is_killed(deed: str) -> None:
    code = PARENT.format(house=str(HOUSE))
    with subprocess.Popen([sys.executable, "-c", code, deed], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        if deed == "loop":
            busy = time.monotonic() + 30
            while not any(child.cpu_times().user > 0.3 for child in children):
                assert time.monotonic() < busy
                time.sleep(0.01)
        parent.kill()
        _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
