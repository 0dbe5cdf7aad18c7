"""SIGINT, SIGTERM, SIGHUP and SIGKILL on the real program: when it ends, and what it leaves."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.program_kit import (
    Running,
    check_whole,
    endings,
    environment,
    has_open,
    rows,
    run,
    running,
    states,
    summary_of,
    until,
    write_list,
)
from tests.site import Answer, Site, html, serving

ALL = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
AT_ONCE = 10.0
"""Generous for what takes a tenth of it, and far below the grace of these runs."""
LONG = ("--grace", "600", "--timeout", "600", "--read-timeout", "600")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "scrapeq.db"


def delivered(program: Running, number: signal.Signals) -> None:
    """Send it, and return when the process has it: two of a kind at once would be one."""
    program.signal(number)
    until(lambda: not mask_of(program.pid, "ShdPnd") & 1 << number - 1)


def mask_of(pid: int, name: str) -> int:
    """A set of signals, as the system tells it of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")), 16)


def answer_what_has_arrived(site: Site, program: Running) -> None:
    """And nothing else, until the program has ended."""

    def ended() -> bool:
        site.hold()
        return program.process.poll() is not None

    until(ended)


# ---- the first signal


@pytest.mark.parametrize("number", ALL)
def test_one_signal_saves_what_is_inside_and_leaves_the_rest_for_the_next_run(
    number: signal.Signals, site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, site.pages(100))
    site.hold(after=20)
    queued = ("-j", "8", "--per-host", "100")  # what waits in the queue is not begun any more
    with running(tmp_path, urls, *queued, *LONG, "--summary", "sum.json") as program:
        site.wait_for(28)
        children = program.children()
        delivered(program, number)
        answer_what_has_arrived(site, program)
        assert program.wait() == CODES[number], program.stderr
        assert children.gone()
        assert f"stopped by {number.name}" in program.stderr
        assert "resume      scrapeq run" in program.stderr
    asked = len(site.arrivals)
    assert asked < 100
    assert states(db) == {"done": asked, "pending": 100 - asked}
    summary = summary_of((tmp_path / "sum.json").read_text())
    assert (summary["done"], summary["pending"]) == (asked, 100 - asked)
    assert summary["outcome"] == f"stopped by {number.name}"
    assert rows(db, "SELECT outcome FROM runs") == [(f"stopped by {number.name}",)]
    check_whole(db)
    site.release()
    assert run(tmp_path, urls).returncode == 0
    assert states(db) == {"done": 100}
    assert len(site.arrivals) == 100, "nothing twice"
    check_whole(db)


def test_a_server_that_never_answers_holds_the_exit_no_longer_than_the_grace(
    site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, site.pages(50))
    site.hold(after=10)
    with running(tmp_path, urls, *LONG, "--grace", "1") as program:
        site.wait_for(18)
        children = program.children()
        program.signal(signal.SIGTERM)
        assert program.wait(1 + AT_ONCE) == 143
        assert children.gone()
    assert states(db) == {"done": 10, "pending": 40}
    untried = "SELECT count(*) FROM pages WHERE state = 'pending' AND attempts = 0"
    assert rows(db, untried) == [(40,)], "an attempt that we cut short counts as none"
    check_whole(db)
    site.release()
    assert run(tmp_path, urls).returncode == 0
    assert states(db) == {"done": 50}


def test_no_grace_is_no_wait(site: Site, tmp_path: Path, db: Path) -> None:
    site.hold(after=3)
    with running(tmp_path, write_list(tmp_path, site.pages(20)), "--grace", "0") as program:
        site.wait_for(11)
        until(lambda: states(db)["done"] == 3)
        program.signal(signal.SIGINT)
        assert program.wait(AT_ONCE) == 130
    assert states(db) == {"done": 3, "pending": 17}


def test_a_page_that_holds_its_parser_holds_the_exit_no_longer_than_the_grace(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.add("/page/1", Answer(b"<div>" * 1_000_000))
    with running(tmp_path, site.page(1), "--parse-timeout", "60", "--grace", "1") as program:
        site.wait_for(1)
        children = program.children()
        until(children.work)
        program.signal(signal.SIGTERM)
        assert program.wait(1 + AT_ONCE) == 143
        assert children.gone()
    assert endings(db) == {site.page(1): "pending"}


def test_a_retry_that_is_due_much_later_does_not_hold_the_exit(
    site: Site, tmp_path: Path, db: Path
) -> None:
    wait = {"Retry-After": "100", "Content-Type": "text/html"}
    site.add("/page/2", Answer(status=429, headers=wait), Answer(html("At last")))
    with running(tmp_path, *site.pages(5), *LONG) as program:
        until(lambda: site.arrivals and rows(db, "SELECT 1 FROM pages WHERE due_at IS NOT NULL"))
        program.signal(signal.SIGTERM)
        assert program.wait(AT_ONCE) == 143
    assert endings(db)[site.page(2)] == "pending"


def test_a_silent_stdin_does_not_hold_the_exit(site: Site, tmp_path: Path, db: Path) -> None:
    with running(tmp_path, "-", *LONG, stdin=subprocess.PIPE) as program:
        program.stdin.write(f"{site.page(1)}\n")
        program.stdin.flush()
        site.wait_for(1)
        until(lambda: states(db)["done"] == 1)
        program.signal(signal.SIGTERM)
        assert program.wait(AT_ONCE) == 143
    check_whole(db)


SLOW_NAMES = """
import socket, sys, threading
def getaddrinfo(host, *rest, **more):
    if host == "slow.test":
        open("asked", "w").close()
        threading.Event().wait()
    return real(host, *rest, **more)
real, socket.getaddrinfo = socket.getaddrinfo, getaddrinfo
from scrapeq.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_name_server_that_never_answers_does_not_hold_the_exit(
    number: signal.Signals, site: Site, tmp_path: Path, db: Path
) -> None:
    words = [
        "run",
        "--no-robots",
        "--parsers",
        "1",
        "--grace",
        "1",
        site.page(1),
        "http://slow.test/",
    ]
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_NAMES, *words, site.page(1), "http://slow.test/"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            until((tmp_path / "asked").exists)
            until(lambda: states(db)["done"] == 1)
            process.send_signal(number)
            assert process.wait(1 + AT_ONCE) == CODES[number]
        finally:
            process.kill()
    assert states(db) == {"done": 1, "pending": 1}
    check_whole(db)


# ---- the second signal


@pytest.mark.parametrize(
    ("first", "second"), [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGHUP)]
)
def test_two_signals_end_it_at_once_with_a_whole_database(
    first: signal.Signals, second: signal.Signals, site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, site.pages(50))
    site.hold(after=10)
    with running(tmp_path, urls, *LONG, "--summary", "sum.json") as program:
        site.wait_for(18)
        until(lambda: states(db)["done"] == 10)
        children = program.children()
        delivered(program, first)
        assert program.process.poll() is None
        program.signal(second)
        assert program.wait(AT_ONCE) == CODES[first]
        assert children.gone()
        assert "Traceback" not in program.stderr
    assert states(db) == {"done": 10, "pending": 40}
    assert summary_of((tmp_path / "sum.json").read_text())["pending"] == 40
    check_whole(db)
    site.release()
    assert run(tmp_path, urls).returncode == 0
    assert states(db) == {"done": 50}


@pytest.mark.parametrize("arrived", [20, 150])
def test_two_signals_in_full_flow_leave_a_whole_database(
    arrived: int, site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, site.pages(200))
    with running(tmp_path, urls, "--savers", "2", "--save-queue", "3") as program:
        site.wait_for(arrived)
        delivered(program, signal.SIGINT)
        program.signal(signal.SIGINT)
        assert program.wait(AT_ONCE) in (130, 0, -signal.SIGINT)
    check_whole(db)
    assert sum(states(db).values()) == 200
    assert run(tmp_path, urls).returncode == 0
    assert states(db) == {"done": 200}
    check_whole(db)


# ---- signals that are not for us


def test_a_sighup_that_was_ignored_stays_ignored(site: Site, tmp_path: Path, db: Path) -> None:
    ignore_and_send(signal.SIGHUP, site, tmp_path, db)


def test_a_sigint_that_was_ignored_stays_ignored(site: Site, tmp_path: Path, db: Path) -> None:
    ignore_and_send(signal.SIGINT, site, tmp_path, db)


def ignore_and_send(number: signal.Signals, site: Site, folder: Path, db: Path) -> None:
    """As `nohup` does it, and `&` in a script."""

    def ignore() -> None:
        signal.signal(number, signal.SIG_IGN)

    site.hold(after=5)
    urls = write_list(folder, site.pages(20))
    with running(folder, urls, preexec_fn=ignore) as program:
        site.wait_for(6)
        assert mask_of(program.pid, "SigIgn") & 1 << number - 1
        program.signal(number)
        site.release()
        assert program.wait() == 0, program.stderr
    assert states(db) == {"done": 20}


def test_sigterm_still_works_where_sigint_is_ignored(site: Site, tmp_path: Path, db: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    site.hold()
    with running(tmp_path, site.page(1), "--grace", "0", preexec_fn=ignore) as program:
        site.wait_for(1)
        program.signal(signal.SIGTERM)
        assert program.wait(AT_ONCE) == 143
    assert states(db) == {"pending": 1}


def test_parse_processes_leave_signals_to_their_parent(
    site: Site, tmp_path: Path, db: Path
) -> None:
    urls = write_list(tmp_path, site.pages(30))
    site.hold(after=10)
    with running(tmp_path, urls, "--parsers", "2", *LONG) as program:
        until(lambda: site.arrivals and states(db)["done"] == 10)
        children = program.children()
        assert len(children.pids) == 2
        until(lambda: all(map(ignores, children.pids)))
        program.signal_group(signal.SIGINT)
        until(lambda: not mask_of(program.pid, "ShdPnd"))
        assert children.alive()
        answer_what_has_arrived(site, program)
        assert program.wait() == 130
        assert children.gone()
    assert states(db)["done"] == len(site.arrivals)
    check_whole(db)


def ignores(pid: int) -> bool:
    return all(mask_of(pid, "SigIgn") & 1 << number - 1 for number in ALL)


# ---- start and end


@pytest.mark.parametrize("number", ALL)
def test_a_signal_while_the_configuration_is_read_ends_it_with_nothing_begun(
    number: signal.Signals, site: Site, tmp_path: Path, db: Path
) -> None:
    os.mkfifo(tmp_path / "c.toml")
    pipe = os.open(tmp_path / "c.toml", os.O_RDWR)
    with running(tmp_path, site.page(1), "-c", "c.toml") as program:
        until(lambda: reads(program.pid, tmp_path / "c.toml"))
        program.signal(number)
        assert program.wait(AT_ONCE) == -number
        assert program.stderr == ""
    os.close(pipe)
    assert not db.exists()
    assert not site.counts


@pytest.mark.parametrize("number", ALL)
def test_a_signal_while_the_database_is_opened_ends_it_with_nothing_begun(
    number: signal.Signals, site: Site, tmp_path: Path, db: Path
) -> None:
    assert run(tmp_path, site.page(1)).returncode == 0
    before = len(site.arrivals)
    with closing(sqlite3.connect(db)) as other:
        other.execute("BEGIN IMMEDIATE")
        with running(tmp_path, site.page(2)) as program:
            until(lambda: has_open(program.pid, tmp_path / "scrapeq.db-wal"))
            program.signal(number)
            assert program.wait(2 * AT_ONCE) in (CODES[number], -number)
            assert "Traceback" not in program.stderr
    assert len(site.arrivals) == before
    assert run(tmp_path, site.page(2)).returncode == 0
    assert states(db) == {"done": 2}


def reads(pid: int, pipe: Path) -> bool:
    """Whether the process has opened this pipe."""
    with suppress(FileNotFoundError):
        return str(pipe) in [os.readlink(x) for x in Path(f"/proc/{pid}/fd").iterdir()]
    return False


def test_parse_processes_do_not_outlive_a_parent_that_was_killed(
    site: Site, tmp_path: Path
) -> None:
    site.add("/page/1", Answer(b"<div>" * 1_000_000))
    with running(tmp_path, site.page(1), "--parsers", "3", "--parse-timeout", "60") as program:
        site.wait_for(1)
        children = program.children()
        assert len(children.pids) == 3
        until(children.work)
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        assert children.gone()


def test_signals_that_keep_coming_do_not_cut_the_end_short(
    site: Site, tmp_path: Path, db: Path
) -> None:
    """An idle run has drained at once: the next signal meets it while it closes the database."""
    busy = site.add("/busy", Answer(status=503))
    with running(tmp_path, busy, "--retries", "9") as program:
        site.wait_for(1)
        until(lambda: rows(db, "SELECT 1 FROM pages WHERE due_at IS NOT NULL"))
        while program.process.poll() is None:
            program.signal(signal.SIGTERM)
            time.sleep(0.001)
        assert program.wait() == 143, program.stderr
    assert "resume" in program.stderr
    assert rows(db, "SELECT outcome FROM runs") == [("stopped by SIGTERM",)]
