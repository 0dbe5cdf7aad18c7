"""`scrapeq bench` as a program: what it prints, what it leaves, and that its rivals do the same."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from scrapeq.bench.cpu import STAGES, look
from scrapeq.bench.lab import Lab, lab
from scrapeq.bench.pages import bodies
from scrapeq.bench.trial import Flags
from tests.program_kit import PROGRAM, Running, environment, rows, until
from tests.site import PATIENCE

ENDS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LITTLE = ("--pages", "20", "--rounds", "1")
WIDTH = 80
LONG = 180
"""Seconds for a search on a machine that is busy: it is some fifteen runs, each with its start."""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where the program makes its temporary folder."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def bench(
    folder: Path, *words: str, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    variables = {"TMPDIR": str(folder / "scratch"), **(env or {})}
    return subprocess.run(
        [*PROGRAM, "bench", *LITTLE, *words],
        cwd=folder,
        env=environment(folder, variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
        **options,
    )


# ---- what it prints


def test_a_comparison_is_shown_in_80_columns_and_nothing_is_left(
    tmp_path: Path, scratch: Path
) -> None:
    ended = bench(tmp_path, "--quick")
    assert ended.returncode == 0, ended.stderr
    assert max(map(len, (ended.stdout + ended.stderr).splitlines())) <= WIDTH
    assert "bare loop" in ended.stdout
    assert "times as fast as the bare loop" in ended.stdout
    assert [word for word in STAGES if f"\n  {word} " in ended.stdout] == list(STAGES)
    assert all(line.startswith("scrapeq bench: ") for line in ended.stderr.splitlines())
    assert "round 1 of 1: bare loop" in ended.stderr
    assert list(scratch.iterdir()) == []


@pytest.mark.timeout(LONG)
def test_the_whole_search_as_json_on_one_core(tmp_path: Path, scratch: Path) -> None:
    one = min(os.sched_getaffinity(0))
    ended = bench(tmp_path, "--json", preexec_fn=lambda: os.sched_setaffinity(0, {one}))
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert (found["cores"], found["pages"], found["rounds"]) == (1, [20, 20], 1)
    assert found["ratio"] == found["ratios"][0] > 0
    assert found["bare"]["pages_per_s"] == found["bare"]["runs"][0] > 0
    assert list(found["stages"]) == list(STAGES)
    tried = {(run["fetchers"], run["parsers"]) for run in found["search"]["tried"]}
    assert {(32, 1), (32, 2)} <= tried
    assert {16, 32, 64, 128} <= {fetchers for fetchers, _ in tried}
    assert tuple(found["search"]["best"].values()) in tried
    assert list(scratch.iterdir()) == []


def test_what_the_user_has_configured_changes_nothing(tmp_path: Path, scratch: Path) -> None:
    for place in (tmp_path / "scrapeq.toml", tmp_path / ".config/scrapeq/config.toml"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("[run]\nlimit = 1\n")
    ended = bench(tmp_path, "--quick", "--json", env={"SCRAPEQ_RUN_LIMIT": "1"})
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert (found["pages"], found["search"]) == ([20, 20], None)
    for stage in found["stages"].values():
        assert stage.keys() == {"cpu", "share", "workers", "busy"}


def test_a_program_that_cannot_do_its_work_is_named_with_the_reason(
    tmp_path: Path, scratch: Path
) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    ended = bench(tmp_path, "--quick", preexec_fn=no_room)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "scrapeq: the bare loop saved 0 of 20 pages and ended with 1: " in ended.stderr
    assert "Traceback" not in ended.stderr.partition("ended with 1")[0]
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("words", [["--pages", "0"], ["--rounds", "x"], ["--latency", "-1"]])
def test_a_wrong_value_is_refused_before_anything_is_measured(
    words: list[str], tmp_path: Path, scratch: Path
) -> None:
    ended = bench(tmp_path, *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words[0] in ended.stderr


# ---- signals


@contextmanager
def under_way(folder: Path, pages: int, latency: int = 5000) -> Iterator[Running]:
    """A bench whose site answers so late that it is far from its end, once a run has begun."""
    errors = folder / "stderr.txt"
    words = ["bench", "--pages", str(pages), "--latency", str(latency)]
    with errors.open("w") as file:
        process = subprocess.Popen(
            [*PROGRAM, *words],
            cwd=folder,
            env=environment(folder, {"TMPDIR": str(folder / "scratch")}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            text=True,
            start_new_session=True,
        )
    program = Running(process, errors)
    try:
        until(lambda: len(program.children().pids) >= 2)  # the site, and the bare loop
        yield program
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_ends_it_at_once_and_leaves_no_process_and_no_folder(
    number: signal.Signals, tmp_path: Path, scratch: Path
) -> None:
    with under_way(tmp_path, 1000) as program:
        children = program.children()
        program.signal_group(number)
        assert program.wait() == ENDS[number]
        assert children.gone()
    assert program.stderr.endswith(f"scrapeq bench: stopped by {number.name}\n")
    assert list(scratch.iterdir()) == []


def test_the_processes_of_a_run_of_scrapeq_go_with_it(tmp_path: Path, scratch: Path) -> None:
    with under_way(tmp_path, 1, latency=2000) as program:
        until(lambda: len(program.children().pids) >= 3)  # the site, scrapeq, a parse process
        children = program.children()
        program.signal_group(signal.SIGINT)
        assert program.wait() == 130
        assert children.gone()


def test_the_site_does_not_outlive_a_bench_that_was_killed(tmp_path: Path, scratch: Path) -> None:
    with under_way(tmp_path, 1000) as program:
        site = next(
            child
            for child in psutil.Process(program.pid).children()
            if "scrapeq.bench.server" in child.cmdline()
        )
        program.signal(signal.SIGKILL)
        assert psutil.wait_procs([site], PATIENCE)[1] == []
        for left in psutil.process_iter(["environ"]):  # the run that nobody stopped
            if (left.info["environ"] or {}).get("TMPDIR") == str(scratch):
                left.kill()


# ---- the lab


async def saved_by(place: Lab, folder: Path) -> list[tuple[Any, ...]]:
    (database,) = folder.glob("scrapeq-bench-*/rows.db")
    return rows(database, "SELECT url, title, h1, description, links FROM items ORDER BY url")


async def test_scrapeq_and_the_bare_loop_save_the_same_rows(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    async with lab(0) as place:
        bare = await place.bare(60, 8)
        theirs = await saved_by(place, scratch)
        ours = await place.scrapeq(60, Flags(8, 1))
        assert theirs == await saved_by(place, scratch)
    assert (bare.pages, ours.pages) == (60, 60)
    assert len({row[1] for row in theirs}) > 50
    assert all(all(row) for row in theirs)
    assert ours.summary["done"] == 60
    assert bare.summary == {}
    assert list(scratch.iterdir()) == []


async def test_the_bare_loop_does_without_uvloop(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.modules['uvloop'] = None\n"
        "sys.argv = ['bare', 'urls.txt', 'rows.db', '2']\n"
        "runpy.run_module('scrapeq.bench.bare', run_name='__main__')"
    )
    async with lab(0) as place:
        place.write_list(5, tmp_path / "urls.txt")
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=tmp_path)
        assert await process.wait() == 0
    assert rows(tmp_path / "rows.db", "SELECT count(*) FROM items") == [(5,)]


async def test_the_lists_urls_are_all_different() -> None:
    async with lab(0) as place:
        listed = list(place.urls(1000))
    assert len(set(listed)) == 1000


def test_a_process_that_is_gone_is_not_looked_at() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert look(ended.pid) is None


def test_children_count_as_parsers_and_the_main_thread_as_the_event_loop() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        until(lambda: len(psutil.Process(process.pid).children()) == 1)
        found = look(process.pid)
        process.communicate(b"\n")
    assert found is not None
    (child,) = [number for stage, number in found.used if stage == "parse"]
    assert found.used.keys() == {("fetch", process.pid), ("parse", child)}


# ---- the pages


def test_the_pages_are_the_same_each_time_and_as_heavy_as_promised() -> None:
    once, again = list(bodies()), list(bodies())
    assert once == again
    sizes = [len(body) for _, body in once]
    assert 40_000 < sum(sizes) / len(sizes) < 55_000
    assert min(sizes) < 10_000
    assert max(sizes) > 150_000
    assert len({path for path, _ in once}) == len(once)
