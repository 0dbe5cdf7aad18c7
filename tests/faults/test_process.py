"""Faults of the process and of those around it: 116 and 117."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.faults.kit import start, wire
from tests.program_kit import (
    PLAIN,
    PROGRAM,
    check_whole,
    endings,
    environment,
    run,
    running,
    states,
    write_list,
)
from tests.servers import answer
from tests.site import PATIENCE, Answer, Site
from tests.test_signals import ALL, AT_ONCE, CODES, LONG, answer_what_has_arrived, delivered

pytestmark = pytest.mark.timeout(120)

QUIET = ("--no-robots", "--retries", "0")


def seen_by_a_shell(code: int) -> int:
    return code if code >= 0 else 128 - code


# ---- signals


@pytest.mark.parametrize("number", ALL)
def test_116_the_first_signal_drains_the_second_saves_and_leaves(
    number: signal.Signals, site: Site, tmp_path: Path
) -> None:
    urls = write_list(tmp_path, site.pages(40))
    db = tmp_path / "scrapeq.db"
    site.hold(after=10)
    with running(tmp_path, urls, *QUIET, *LONG) as program:
        site.wait_for(18)
        delivered(program, number)
        answer_what_has_arrived(site, program)
        assert program.wait() == CODES[number]
    done = len(site.arrivals)
    assert done < 40
    assert states(db) == {"done": done, "pending": 40 - done}
    with running(tmp_path, urls, *QUIET, *LONG) as program:
        site.wait_for(done + 8)
        delivered(program, number)
        assert program.process.poll() is None
        program.signal(number)
        assert program.wait(AT_ONCE) == CODES[number]
        assert "Traceback" not in program.stderr
    assert states(db) == {"done": done, "pending": 40 - done}
    check_whole(db)
    site.release()
    assert run(tmp_path, urls, *QUIET).returncode == 0
    assert states(db) == {"done": 40}
    check_whole(db)


def test_116_sigkill_loses_nothing_and_doubles_nothing(site: Site, tmp_path: Path) -> None:
    urls = write_list(tmp_path, site.pages(60))
    db = tmp_path / "scrapeq.db"
    for arrived in (8, 30):
        site.hold(after=arrived)
        with running(tmp_path, urls, *QUIET) as program:
            site.wait_for(arrived + 1)
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        check_whole(db)
        assert sum(states(db).values()) == 60
    site.release()
    assert run(tmp_path, urls, *QUIET).returncode == 0
    assert states(db) == {"done": 60}
    check_whole(db)


def test_116_in_the_background_of_a_script_sigint_is_ignored_and_sigterm_works(
    site: Site, tmp_path: Path
) -> None:
    """A shell without job control starts `&` with SIGINT ignored."""
    urls = write_list(tmp_path, site.pages(20))
    site.hold(after=5)
    script = '"$@" & echo $!; wait $!; echo code $?'
    with subprocess.Popen(
        ["sh", "-c", script, "sh", *PROGRAM, "run", *PLAIN, *QUIET, *LONG, urls],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as shell:
        assert shell.stdout
        pid = int(shell.stdout.readline())
        try:
            site.wait_for(6)
            os.kill(pid, signal.SIGINT)
            site.release()
            site.hold(after=3)
            site.wait_for(9)
            os.kill(pid, signal.SIGTERM)
            site.release()
            assert shell.stdout.read() == "code 143\n"
        finally:
            shell.kill()
    check_whole(tmp_path / "scrapeq.db")


STAGES = (
    "import scrapeq.cli",  # before there is a command line
    "import scrapeq.config",
    "open scrapeq.toml",
    "import scrapeq.session",
    "import aiohttp",
    "sqlite3.connect",
    "subprocess.Popen",  # a parse process
)
"""Of a start, in their order."""


@pytest.mark.parametrize("number", ALL)
def test_116_a_signal_at_any_stage_of_the_start_ends_it_with_nothing_begun(
    number: signal.Signals, site: Site, tmp_path: Path
) -> None:
    (tmp_path / "scrapeq.toml").write_text("[run]\nretries = 0\n")
    chosen = STAGES[:1] + STAGES[4:] if number is signal.SIGINT else STAGES[1::2]
    for stage in chosen:
        world = {"signal": number, "at": stage}
        found = start(tmp_path, "run", *PLAIN, *QUIET, site.page(1), world=world)
        assert seen_by_a_shell(found.code) == CODES[number], (stage, found.err)
        assert (found.out, found.err) == ("", "")
        assert not found.items
    assert not site.counts
    found = start(tmp_path, "run", *PLAIN, *QUIET, site.page(1))
    assert (found.code, found.ending(site.page(1))) == (0, "done")


# ---- where nobody looks


@pytest.mark.parametrize(
    "streams", [">&- 2>&-", ">/dev/full 2>/dev/full", "2>&1 | head -c 1 >/dev/null"]
)
def test_117_who_does_not_look_costs_no_rows(streams: str, site: Site, tmp_path: Path) -> None:
    words = ["run", "--parsers", "1", *QUIET, "--progress", "live", "--summary", "-"]
    urls = write_list(tmp_path, site.pages(20))
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$@" {streams}', "bash", *PROGRAM, *words, urls],
        cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL, capture_output=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert states(tmp_path / "scrapeq.db") == {"done": 20}
    check_whole(tmp_path / "scrapeq.db")


def test_117_a_terminal_that_is_closed_in_the_middle_costs_no_rows(
    site: Site, tmp_path: Path
) -> None:
    """One that sends no SIGHUP: the program is not of its session."""
    urls = write_list(tmp_path, site.pages(30))
    ours, theirs = pty.openpty()
    site.hold(after=10)
    words = ["run", "--parsers", "1", *QUIET, *LONG, urls]
    with subprocess.Popen(
        [*PROGRAM, *words], cwd=tmp_path, env=environment(tmp_path), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs,
    ) as program:  # fmt: skip
        os.close(theirs)
        try:
            shown = b""
            while b"bottleneck" not in shown:
                shown += os.read(ours, 1 << 16)
            os.close(ours)
            site.release()
            assert program.wait(PATIENCE) == 0
        finally:
            program.kill()
    assert b"\x1b[?25l" in shown, "it was the live screen"
    assert states(tmp_path / "scrapeq.db") == {"done": 30}
    check_whole(tmp_path / "scrapeq.db")


def test_117_nothing_that_a_server_says_reaches_a_terminal_as_it_is(tmp_path: Path) -> None:
    hostile = "\x1b]0;pwned\x07\x1b[2J\x9b5m\u202e[bold]x[/b]"
    raw = hostile.encode()
    replies = {
        "/reason": b"HTTP/1.1 404 " + raw + b"\r\nContent-Length: 0\r\n\r\n",
        "/type": answer(b"x", Content_Type=hostile),
        "/moved": answer(b"", "302 Found", Location=f"http://{hostile}.test/"),
        "/coding": answer(b"x", Content_Encoding=hostile),
        "/title": answer(f"<title>{hostile}</title>".encode()),
    }
    with wire(replies) as server:
        urls = [server.url(path) for path in replies]
        ours, theirs = pty.openpty()
        words = ["run", "--parsers", "1", *QUIET, "--summary", "-", *urls]
        with subprocess.Popen(
            [*PROGRAM, *words], cwd=tmp_path, env=environment(tmp_path), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        ) as program:  # fmt: skip
            os.close(theirs)
            shown = b""
            try:
                while piece := os.read(ours, 1 << 16):
                    shown += piece
            except OSError:  # that is how Linux tells of the end
                pass
            os.close(ours)
            assert program.wait(PATIENCE) == 0
    own = re.compile(rb"\x1b\[(?:\?25[lh]|[0-9;]*m|2K|\d*A)")
    left = own.sub(b"", shown).decode()
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", left), left
    assert endings(tmp_path / "scrapeq.db")[server.url("/title")] == "done"


def test_117_results_of_a_bench_that_nobody_can_read_are_no_success(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        found = start(
            tmp_path, "bench", "--quick", "--pages", "20", "--rounds", "1",
            stdout=full, stderr=subprocess.PIPE, capture_output=False, seconds=60,
        )  # fmt: skip
    assert found.code == 1
    assert found.err.endswith("scrapeq: nobody can read the results on stdout\n")


# ---- parse processes


def test_117_parse_processes_that_die_at_the_start_end_the_run(site: Site, tmp_path: Path) -> None:
    urls = site.pages(10)
    words = ["run", *PLAIN, *QUIET, write_list(tmp_path, urls)]
    found = start(tmp_path, *words, world={"parsers": "raise SystemExit(3)"})
    assert found.code == 1
    assert "scrapeq: no parse process could be started: the process died of exit code 3" in (
        found.err
    )
    assert {page["state"] for page in found.pages.values()} == {"pending"}
    assert start(tmp_path, *words).code == 0


def test_117_parse_processes_that_cannot_be_replaced_end_the_run(
    site: Site, tmp_path: Path
) -> None:
    site.add("/page/3", Answer(b"<div>" * 400_000))
    words = ["run", *PLAIN, *QUIET, "-j", "1", "--parse-timeout", "0.5"]
    only_once = "import os\nos.mkdir('started')"  # raises the second time
    found = start(
        tmp_path, *words, write_list(tmp_path, site.pages(10)), world={"parsers": only_once}
    )
    assert found.code == 1
    assert found.err.count("no parse process could be started") >= 1
    assert {page["state"] for page in found.pages.values()} == {"done", "pending"}
    check_whole(tmp_path / "scrapeq.db")
    again = start(tmp_path, *words, "urls.txt")
    assert again.code == 0
    assert again.ending(site.page(3)) == "failed:parse_timeout"
