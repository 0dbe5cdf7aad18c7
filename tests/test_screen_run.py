"""What a run shows: on a real terminal, in a pipe, and where nobody looks."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pyte
import pytest

from scrapeq.demo.kinds import NUMBERS, ending_of, expected
from scrapeq.models import Outcome, Request
from scrapeq.tally import Tally
from tests.program_kit import (
    PROGRAM,
    check_whole,
    environment,
    rows,
    run,
    running,
    scrapeq,
    states,
    summary_of,
    titles,
    until,
    write_list,
)
from tests.site import MISSING, PATIENCE, Answer, Site, html, serving

HELD = ("--grace", "600", "--timeout", "600", "--read-timeout", "600")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "scrapeq.db"


class Terminal:
    """The program on a terminal of so many columns and rows, drawn on a wider one: a line that
    is too long shows, where a real terminal would wrap it."""

    def __init__(self, process: pexpect.spawn, columns: int, rows: int) -> None:
        self.process = process
        self.raw = b""
        self.columns = columns
        self.screen = pyte.Screen(columns + 100, rows)
        self._stream = pyte.ByteStream(self.screen)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def read(self, seconds: float = 0.1) -> bool:
        """Take what is there. False: the program has closed the terminal."""
        try:
            data = self.process.read_nonblocking(1 << 16, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def wait_for(self, true: Callable[[], object]) -> None:
        def shown() -> object:
            self.read()
            return true()

        try:
            until(shown)
        except TimeoutError as exc:
            raise TimeoutError(self.text) from exc

    def end(self) -> int:
        """Read to the end; return the exit code."""
        until(lambda: not self.read())
        self.process.close()
        return int(
            self.process.exitstatus
            if self.process.exitstatus is not None
            else -self.process.signalstatus
        )

    def check_width(self) -> None:
        assert max(map(len, self.lines)) <= self.columns, self.text


@contextmanager
def terminal(
    folder: Path,
    *words: str,
    size: tuple[int, int] = (80, 24),
    variables: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    columns, rows = size
    command, *rest = PROGRAM
    process = pexpect.spawn(
        command,
        [*rest, *words],
        cwd=str(folder),
        env=environment(folder, variables),
        dimensions=(rows, columns),
        timeout=PATIENCE,
    )
    try:
        yield Terminal(process, columns, rows)
    finally:
        process.close(force=True)


# ---- on a terminal


WHOLE_FRAME = [
    r"^scrapeq run url.*run 1 +\d\d:\d\d:\d\d",
    r"^[█░]+ +20/60 +33%$",
    r"^ *stage .* done ",
    r"^ *fetch .* 20 ",
    r"^ *parse .* 20 ",
    r"^ *save .* 20 ",
    r"^queue +depth +put wait$",
    r"^urls → fetch .* \d+/256 +\d+%$",
    r"^fetch → parse .* 0/64 +\d+%$",
    r"^parse → save .* 0/512 +\d+%$",
    r"^bottleneck: ",
    r"^200 20 |^2xx 20 ",
    r"^Ctrl-C once: drain and save",
]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 14)])
def test_the_table_shows_three_stages_and_three_queues_and_nothing_wraps(
    size: tuple[int, int], site: Site, tmp_path: Path
) -> None:
    urls = write_list(tmp_path, site.pages(60))
    site.hold(after=20)
    with terminal(tmp_path, "run", "--parsers", "1", urls, *HELD, size=size) as screen:

        def whole() -> bool:
            """All its lines, each of them once, in their order."""
            screen.check_width()
            found = [re.findall(f"(?m){line}", screen.text) for line in WHOLE_FRAME]
            return all(len(lines) == 1 for lines in found) and bool(
                re.search("(?ms)" + ".*".join(WHOLE_FRAME), screen.text)
            )

        screen.wait_for(whole)
        drawn = len(screen.raw)
        screen.wait_for(lambda: len(screen.raw) > 2 * drawn)  # and some frames later
        screen.wait_for(whole)
        site.release()
        assert screen.end() == 0
        assert screen.screen.cursor.hidden is False


def test_at_the_end_the_summary_stands_alone_and_the_cursor_is_back(
    site: Site, tmp_path: Path
) -> None:
    site.add("/page/9", MISSING)
    with terminal(tmp_path, "run", "--parsers", "1", *site.pages(40)) as screen:
        assert screen.end() == 0
    text = screen.text
    assert "\x1b[?25l" in screen.raw.decode(), "it was live"
    assert screen.screen.cursor.hidden is False
    assert "scrapeq  finished in" in text
    assert re.search(r"(?m)^  done +39 +97\.5%", text)
    assert re.search(r"(?m)^  failed +1 +2\.5% +404 x1", text)
    assert "Ctrl-C once" not in text
    assert "put wait" not in text
    assert "look        uvx datasette scrapeq.db" in text


def test_ctrl_c_says_what_it_waits_for_and_a_second_one_leaves(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.hold(after=5)
    urls = write_list(tmp_path, site.pages(30))
    with terminal(tmp_path, "run", "--parsers", "1", urls, *HELD) as screen:
        screen.wait_for(lambda: "5/30" in screen.text)
        screen.process.sendintr()
        screen.wait_for(lambda: "SIGINT: waiting for 8 to fetch" in screen.text)
        screen.check_width()
        assert "Ctrl-C again: stop now" in screen.text
        screen.process.sendintr()
        assert screen.end() == 130
        assert "stopped by SIGINT" in screen.text
        assert "resume      scrapeq run" in screen.text
        assert "Traceback" not in screen.text
        assert screen.screen.cursor.hidden is False
    assert states(db) == {"done": 5, "pending": 25}


def test_ctrl_c_once_saves_what_is_inside(site: Site, tmp_path: Path, db: Path) -> None:
    site.hold(after=5)
    urls = write_list(tmp_path, site.pages(30))
    with terminal(tmp_path, "run", "--parsers", "1", urls, *HELD) as screen:
        screen.wait_for(lambda: "5/30" in screen.text)
        screen.process.sendintr()
        screen.wait_for(lambda: "SIGINT: waiting for 8 to fetch" in screen.text)
        site.release()
        assert screen.end() == 130
    assert states(db) == {"done": 13, "pending": 17}
    check_whole(db)


def test_a_terminal_that_is_closed_stops_the_run_and_loses_nothing(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.hold(after=5)
    urls = write_list(tmp_path, site.pages(30))
    words = ("run", "--parsers", "1", "--summary", "sum.json", "--grace", "1", urls)
    with terminal(tmp_path, *words) as screen:
        screen.wait_for(lambda: "5/30" in screen.text)
        screen.process.ptyproc.fileobj.close()
        until(lambda: (tmp_path / "sum.json").stat().st_size)
    summary = summary_of((tmp_path / "sum.json").read_text())
    assert (summary["outcome"], summary["done"]) == ("stopped by SIGHUP", 5)
    assert states(db) == {"done": 5, "pending": 25}
    check_whole(db)


def test_without_color_there_is_none(site: Site, tmp_path: Path) -> None:
    words = ["run", "--parsers", "1", "--fresh", *site.pages(5)]
    for flags, variables in ((["--no-color"], {}), ([], {"NO_COLOR": "1"})):
        with terminal(tmp_path, *words, *flags, variables=variables) as screen:
            assert screen.end() == 0
        assert not re.search(rb"\x1b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])[;m]", screen.raw)


@pytest.mark.parametrize("words", [(), ("--progress", "plain")])
def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(
    words: tuple[str, ...], site: Site, tmp_path: Path
) -> None:
    variables = {"TERM": "xterm" if words else "dumb"}
    shown = ("run", "--parsers", "1", *words, site.page(1))
    with terminal(tmp_path, *shown, variables=variables) as screen:
        assert screen.end() == 0
    assert b"\x1b" not in screen.raw
    assert b"t=0 pending=" in screen.raw


# ---- not on a terminal

PAIRS = re.compile(r"[a-z_]+=[^ =]+( [a-z_]+=[^ =]+)*")


def test_a_pipe_gets_lines_of_keys_and_values_and_then_the_summary(
    site: Site, tmp_path: Path
) -> None:
    ended = scrapeq(tmp_path, "run", "--parsers", "1", *site.pages(10))
    first, *rest = ended.stderr.splitlines()
    assert PAIRS.fullmatch(first), first
    fields = dict(pair.split("=") for pair in first.split())
    assert {
        "t",
        "pending",
        "done",
        "failed",
        "skipped",
        "urls",
        "pages",
        "outcomes",
    } <= fields.keys()
    assert rest[0].startswith("scrapeq  finished in ")
    assert ended.stdout == ""
    assert "\x1b" not in ended.stderr


def test_no_progress_leaves_the_summary(site: Site, tmp_path: Path) -> None:
    ended = scrapeq(tmp_path, "run", "--parsers", "1", "--progress", "none", site.page(1))
    assert ended.stderr.startswith("scrapeq  finished in ")


def test_quiet_is_silent_unless_something_is_wrong(site: Site, tmp_path: Path, db: Path) -> None:
    good = run(tmp_path, "-q", site.page(1))
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    (tmp_path / "bad.csv").write_text("address\nhttp://127.0.0.1/\n")
    bad = run(tmp_path, "-q", "bad.csv")
    assert bad.returncode == 2
    assert bad.stderr.startswith("scrapeq: bad.csv: no column named 'url'")
    assert bad.stderr.count("\n") == 1
    missing = run(tmp_path, "-q", "-o", "nowhere/x.db", site.page(1))
    assert missing.returncode == 4
    assert missing.stderr.count("\n") == 1


@pytest.mark.parametrize("color", ["FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"])
def test_a_pipe_gets_no_escape_codes_whatever_the_environment_says(
    color: str, site: Site, tmp_path: Path
) -> None:
    ended = scrapeq(tmp_path, "run", "--parsers", "1", *site.pages(3), env={color: "1"})
    assert "t=0 pending=" in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr


def test_a_list_that_turns_out_to_be_no_list_is_said_in_one_sentence(
    site: Site, tmp_path: Path, db: Path
) -> None:
    ended = run(tmp_path, "-", "--summary", "-", stdin="h\0t\0t\0p\0")
    assert ended.returncode == 2
    assert "scrapeq: the list on stdin: is UTF-16; save it as UTF-8" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert max(map(len, ended.stderr.splitlines())) <= 90
    assert summary_of(ended.stdout)["outcome"].startswith("stopped: the list on stdin: is UTF-16")
    assert not site.counts


# ---- where nobody looks


@pytest.mark.parametrize(
    ("streams", "mode"),
    [
        ("2>&-", "auto"), ("2>&-", "live"), ("2>&-", "plain"),
        ("2>/dev/full", "auto"), ("2>/dev/full", "live"),
        (">&-", "auto"), (">/dev/full", "auto"),
        ("<&- >&- 2>&-", "live"), (">/dev/full 2>/dev/full", "live"),
    ],
)  # fmt: skip
def test_streams_that_are_closed_or_full_cost_no_rows(
    streams: str, mode: str, site: Site, tmp_path: Path, db: Path
) -> None:
    words = ["run", "--parsers", "1", "--progress", mode, "--summary", "-", *site.pages(20)]
    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" {streams}', "sh", *PROGRAM, *words],
        cwd=tmp_path, env=environment(tmp_path), timeout=PATIENCE, check=False,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False)
    assert states(db) == {"done": 20}
    check_whole(db)


def test_a_reader_that_goes_away_costs_no_rows(site: Site, tmp_path: Path, db: Path) -> None:
    reader, writer = os.pipe()
    site.hold()
    words = [write_list(tmp_path, site.pages(20)), "--progress", "plain", "--summary", "-"]
    with running(tmp_path, *words, stdout=writer, stderr=writer) as program:
        os.close(writer)
        site.wait_for(8)
        os.close(reader)
        site.release()
        assert program.wait() == 0
    assert states(db) == {"done": 20}


# ---- the summary as JSON


def test_the_summary_is_alone_on_stdout_with_all_its_keys(
    site: Site, tmp_path: Path, db: Path
) -> None:
    site.add("/page/2", MISSING)
    lines = [*site.pages(10), site.page(1), "ftp://host.test/"]
    ended = scrapeq(
        tmp_path, "run", "--parsers", "1", write_list(tmp_path, lines), "--summary", "-"
    )
    found = summary_of(ended.stdout)
    wanted = (
        "urls done failed skipped pending duplicates records bytes elapsed_s pages_per_s "
        "reasons stages queues bottleneck advice outcome"
    )
    assert set(wanted.split()) <= found.keys()
    for stage in ("fetch", "parse", "save"):
        keys = "workers busy done failed p50_ms p95_ms p99_ms put_wait starved"
        assert set(keys.split()) <= found["stages"][stage].keys()
    for queue in ("urls", "pages", "outcomes"):
        assert found["queues"][queue].keys() == {"capacity", "peak", "full"}
    assert (found["urls"], found["done"], found["failed"], found["skipped"]) == (11, 9, 1, 1)
    assert (found["duplicates"], found["records"], found["outcome"]) == (1, 9, "finished")
    assert found["reasons"] == {"failed:404": 1, "skipped:scheme": 1}
    (totals,) = rows(db, "SELECT totals FROM runs")[0]
    assert json.loads(totals)["urls"] == 11


def test_the_summary_may_go_to_a_file_which_it_replaces(site: Site, tmp_path: Path) -> None:
    (tmp_path / "sum.json").write_text("x" * 10_000)
    assert run(tmp_path, site.page(1), "--summary", "sum.json", "-q").returncode == 0
    assert summary_of((tmp_path / "sum.json").read_text())["done"] == 1


def test_what_nobody_was_asked_for_counts_as_no_answer_of_any_kind() -> None:
    request = Request(1, "http://host.test/", "host.test")
    tally = Tally()
    tally.add(Outcome(request, "retry", "stopped"))  # handed back
    tally.add(Outcome(request, "skipped", "robots"))
    assert tally.statuses == {}
    tally.add(Outcome(request, "failed", "dns"))
    tally.add(Outcome(request, "retry", "503", status=503, due=1.0))
    tally.add(Outcome(request, "skipped", "content_type", status=200))
    assert tally.statuses == {0: 1, 503: 1, 200: 1}
    assert (tally.retries, sum(tally.reasons.values())) == (1, 3)


# ---- text from the web

HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x1b[31m\x9b5m\u202egnp.exe\u2066[bold red]x[/b]"
HARMLESS = re.compile(rb"\x1b\[(\?25[lh]|[0-9;]*m|2K|1A|\d+A)")
"""What the live table itself sends: cursor off and on, colors, up one line, clear it."""


def test_nothing_hostile_reaches_the_terminal(site: Site, tmp_path: Path, db: Path) -> None:
    percent = "".join(f"%{byte:02x}" for byte in HOSTILE.encode())
    site.add("/page/1", Answer(html(HOSTILE)))
    site.add("/page/2", Answer(b"x", headers={"Content-Type": "x/\u202e[/b]"}))
    site.add("/page/3", Answer(status=302, headers={"Location": "http://\u202e[/b]/"}))
    site.add("/page/4", Answer(status=302, headers={"Location": f"file:///{percent}"}))
    (tmp_path / HOSTILE.replace("/", "_")).write_text(
        f"{site.url}/{HOSTILE}\nhttp://{HOSTILE}/\n{HOSTILE}\nhttp://h\u202e[/b].test/{HOSTILE}\n"
    )
    words = ["--parsers", "1", "-R", "0", "--no-robots", HOSTILE.replace("/", "_"), *site.pages(20)]
    site.hold(after=19)
    with terminal(tmp_path, "run", *words) as screen:
        screen.wait_for(lambda: "bottleneck" in screen.text and site.arrivals)
        screen.read(0.5)
        screen.check_width()
        site.release()
        assert screen.end() == 0, screen.text
    left = HARMLESS.sub(b"", screen.raw)
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", left), left
    assert not set("\x9b\u202e\u2066") & set(left.decode())
    assert titles(db)[site.page(1)]
    plain = run(tmp_path, *words, "--fresh", "--progress", "plain")
    assert not set("\x1b\x07\x9b\u202e\u2066") & set(plain.stderr)


# ---- the demo


def test_the_demo_ends_as_it_says_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        words = ("demo", "--port", str(free.getsockname()[1]))
    with terminal(tmp_path, *words) as screen:
        screen.wait_for(lambda: "/1,000" in screen.text)
        screen.check_width()
        assert screen.end() == 0, screen.text
    assert "finished in" in screen.text
    assert "\u202e" not in screen.raw.decode()
    db = tmp_path / "demo.db"
    check_whole(db)
    pages = rows(db, "SELECT url, state, coalesce(reason, '') FROM pages")
    found = {int(re.findall(r"\d+", url)[-1]): (state, why) for url, state, why in pages}
    assert found == {number: ending_of(number) for number in NUMBERS}
    again = scrapeq(tmp_path, *words)
    assert again.returncode == 0
    assert f"demo.db already has 1,000 URLs: {expected().done} done" in again.stderr


def test_a_demo_that_is_stopped_exits_as_a_run_does(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "demo", "--port", "0", "--parsers", "1", "-q"],
        cwd=tmp_path, env=environment(tmp_path), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    with process:
        until(lambda: (tmp_path / "demo.db").exists() and begun(tmp_path / "demo.db"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 143
    check_whole(tmp_path / "demo.db")
    assert states(tmp_path / "demo.db")["pending"] > 0


def begun(db: Path) -> bool:
    found = rows(db, "SELECT name FROM sqlite_schema WHERE name = 'pages'")
    return bool(found) and states(db)["done"] > 0
