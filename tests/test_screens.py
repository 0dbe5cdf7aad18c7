"""The screens on real streams: terminals, pipes that close, devices that are full."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import IO, TextIO

import pyte
import pytest

from scrapeq.dashboard import (
    Labels,
    LiveScreen,
    Mode,
    NoScreen,
    PlainLines,
    Screen,
    choose_screen,
    say,
    terminal_console,
)
from scrapeq.models import Reading
from scrapeq.window import Recent
from tests.reading_kit import HOSTILE, a_run

LABELS = Labels("scrapeq run urls.txt → results.db", 17)
ROOT = Path(__file__).parent.parent


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def close(stream: IO[str]) -> None:
    with suppress(OSError):  # what could not be written is tried once more
        stream.close()


def closed_pipe() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full_device() -> TextIO:
    return open("/dev/full", "w", encoding="utf-8")


def hung_up_terminal() -> TextIO:
    master, slave = pty.openpty()
    os.close(master)
    return os.fdopen(slave, "w")


def closed_file() -> TextIO:
    stream = StringIO()
    stream.close()
    return stream


@pytest.fixture(params=[closed_pipe, full_device, hung_up_terminal, closed_file])
def broken(request: pytest.FixtureRequest) -> Iterator[TextIO]:
    stream = request.param()
    yield stream
    close(stream)


# ---- which screen


def chosen(mode: Mode, stream: TextIO, term: str = "xterm") -> type[Screen]:
    return type(choose_screen(mode, stream, labels=LABELS, cores=4, environ={"TERM": term}))


def test_a_terminal_gets_the_table_and_anything_else_gets_lines() -> None:
    assert chosen("auto", Terminal()) is LiveScreen
    assert chosen("auto", StringIO()) is PlainLines
    assert chosen("auto", closed_file()) is PlainLines


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    assert chosen("auto", Terminal(), term="dumb") is PlainLines
    assert chosen("live", Terminal(), term="dumb") is PlainLines


def test_what_is_asked_for_is_what_is_shown() -> None:
    assert chosen("live", StringIO()) is LiveScreen
    assert chosen("plain", Terminal()) is PlainLines
    assert chosen("none", Terminal()) is NoScreen


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"])
def test_the_environment_cannot_put_a_table_into_a_pipe(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    assert chosen("auto", StringIO()) is PlainLines


def test_no_screen_shows_nothing() -> None:
    screen: Screen = NoScreen()
    screen.show(a_run())
    screen.close()


# ---- plain lines


def plain(*readings: Reading) -> list[str]:
    stream = StringIO()
    screen = PlainLines(stream, cores=4)
    for reading in readings:
        screen.show(reading)
    return stream.getvalue().splitlines()


def test_a_plain_line_is_fields_of_a_key_and_a_value() -> None:
    busy, full = {"fetch": 1.0, "parse": 0.5}, {"urls": 1.0}
    first, second = plain(a_run(90, busy=busy, full=full), a_run(100, busy=busy, full=full))
    assert second == (
        "t=100 pending=4338 done=5600 failed=50 skipped=12 read=10000 per_s=56.0 mb_s=11.0 "
        "fetch_busy=16/16 urls=256/256 pages=0/64 outcomes=0/512 retries=31 bottleneck=fetch"
    )
    assert first.split()[0] == "t=90"


def test_a_plain_line_balances() -> None:
    [line] = plain(a_run())
    fields = dict(field.split("=") for field in line.split())
    states = ("pending", "done", "failed", "skipped")
    assert int(fields["read"]) == sum(int(fields[state]) for state in states)


def test_a_plain_line_stays_one_ascii_line() -> None:
    [line] = plain(a_run(stopping=HOSTILE))
    assert line.isascii()
    assert line.isprintable()
    assert all(field.count("=") == 1 for field in line.split())


def test_plain_lines_do_not_wait_for_a_reader_that_has_stopped() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"." * 4096)
    with os.fdopen(reader, "rb") as pipe, os.fdopen(writer, "w") as stream:
        screen = PlainLines(stream, cores=4)
        screen.show(a_run(10))
        while set(pipe.read1(65536)) == {ord(".")} and select.select([pipe], [], [], 0)[0]:
            pass
        screen.show(a_run(20))
        assert pipe.readline().startswith(b"t=20 ")


# ---- a stream that breaks


def test_plain_lines_outlive_their_stream(broken: TextIO) -> None:
    screen = PlainLines(broken, cores=4)
    screen.show(a_run(10))
    screen.show(a_run(20))
    screen.close()


def test_the_table_outlives_its_stream(broken: TextIO) -> None:
    screen = LiveScreen(terminal_console(broken), LABELS, cores=4)
    screen.show(a_run(10))
    screen.show(a_run(20))
    screen.close()


def test_the_table_outlives_a_terminal_that_hangs_up_between_two_frames() -> None:
    master, slave = pty.openpty()
    stream = os.fdopen(slave, "w")
    screen = LiveScreen(terminal_console(stream), LABELS, cores=4)
    screen.show(a_run(10))
    os.close(master)
    screen.show(a_run(20))
    screen.close()
    close(stream)


def test_log_lines_on_the_console_of_a_broken_table_are_dropped(broken: TextIO) -> None:
    console = terminal_console(broken)
    screen = LiveScreen(console, LABELS, cores=4)
    screen.show(a_run(10))
    console.print("a warning")
    screen.close()


def test_a_line_above_a_broken_table_is_dropped(broken: TextIO) -> None:
    screen = LiveScreen(terminal_console(broken), LABELS, cores=4)
    screen.show(a_run(10))
    screen.print_above("waiting")
    screen.close()
    screen.print_above("waiting")


def test_a_line_above_the_table_stays_when_the_table_is_taken_away() -> None:
    stream, shown = Terminal(), pyte.Screen(100, 60)
    screen = LiveScreen(terminal_console(stream), LABELS, cores=4)
    screen.show(a_run(10))
    screen.print_above("waiting for [b]out.db[/b]")
    screen.show(a_run(20))
    screen.close()
    pyte.Stream(shown).feed(stream.getvalue().replace("\n", "\r\n"))
    assert [line.strip() for line in shown.display if line.strip()] == ["waiting for [b]out.db[/b]"]


def test_a_line_that_nobody_can_read_is_no_error(broken: TextIO) -> None:
    assert not say(broken, "finished")
    assert say(StringIO(), "finished")


DATA_AND_BROKEN_SCREEN = """
import sys
from scrapeq.dashboard import Labels, choose_screen
from tests.reading_kit import a_run
screen = choose_screen("live", sys.stderr, labels=Labels("", 1), cores=4)
screen.show(a_run(10))
print("the data")
screen.close()
"""


def test_the_table_leaves_stdout_to_the_data() -> None:
    stdout, stderr = sys.stdout, sys.stderr
    screen = LiveScreen(terminal_console(Terminal()), LABELS, cores=4)
    screen.show(a_run(10))
    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    screen.close()


def test_a_broken_screen_leaves_stdout_and_the_exit_code_alone() -> None:
    with closed_pipe() as stderr:
        child = subprocess.run(
            [sys.executable, "-c", DATA_AND_BROKEN_SCREEN],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=False,
        )
    assert (child.returncode, child.stdout) == (0, b"the data\n")


# ---- a terminal


def read_until(words: bytes, master: int) -> bytes:
    """A terminal hands over what was written to it in pieces of its own choice."""
    received = b""
    while words not in received:
        received += os.read(master, 65536)
    return received


def test_a_paused_terminal_does_not_pause_the_run() -> None:
    master, slave = pty.openpty()
    os.set_blocking(slave, False)  # who writes all the same fails, and does not hang this test
    with os.fdopen(slave, "w") as stream:
        screen = LiveScreen(terminal_console(stream), LABELS, cores=4)
        termios.tcflow(slave, termios.TCOOFF)  # as Ctrl-S does
        screen.show(a_run(10))
        assert not select.select([master], [], [], 0)[0]
        termios.tcflow(slave, termios.TCOON)
        screen.show(a_run(20))
        read_until(b"bottleneck", master)
        screen.close()
    os.close(master)


def test_colours_go_where_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[36m" in drawn()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in drawn()


def drawn() -> str:
    stream = Terminal()
    screen = LiveScreen(terminal_console(stream), LABELS, cores=4)
    screen.show(a_run(10, full={"urls": 0.5}))
    screen.close()
    return stream.getvalue()


def test_a_terminal_that_is_not_utf8_is_sent_ascii() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="ascii") as stream:
        screen = LiveScreen(terminal_console(stream), LABELS, cores=4)
        screen.show(a_run(10))
        assert read_until(b"Ctrl-C", master).isascii()
        screen.close()
    os.close(master)


def test_a_frame_that_says_what_the_last_one_said_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Terminal()
    screen = LiveScreen(terminal_console(stream), LABELS, cores=4)
    sent = []
    for columns, seconds in ((80, 10), (80, 10), (80, 10), (90, 10), (90, 12)):
        monkeypatch.setenv("COLUMNS", str(columns))
        before = len(stream.getvalue())
        screen.show(a_run(seconds))
        sent.append(len(stream.getvalue()) > before)
    screen.close()
    assert sent == [True, True, False, True, True], "the second has a window, unlike the first"


def test_a_window_opens_some_seconds_ago() -> None:
    recent = Recent(5)
    openings = [recent.opening(a_run(quarter / 4)) for quarter in range(400)]
    assert openings[0] is None
    assert [opening and opening.elapsed for opening in openings[1:]] == [
        max(0, quarter / 4 - 5) for quarter in range(1, 400)
    ]


# ---- a real terminal of 80 by 24

CHILD = """
import sys
from scrapeq.dashboard import Labels, choose_screen
from tests.reading_kit import a_run
screen = choose_screen("auto", sys.stderr, labels=Labels("scrapeq run urls.txt", 17), cores=4)
for line in sys.stdin:
    screen.show(a_run(float(line), busy={"fetch": 1}, full={"urls": 1}))
screen.close()
print("finished", file=sys.stderr)
"""


class RealTerminal:
    """A child whose stderr is a terminal, and what that terminal shows."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, 80))
        environ = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        self.child = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            cwd=ROOT,
            env=environ | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=slave,
            text=True,
        )
        os.close(slave)
        self.screen = pyte.HistoryScreen(80, 24)
        self._stream = pyte.ByteStream(self.screen)

    def show(self, seconds: float) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(f"{seconds}\n")
        self.child.stdin.flush()

    def lines_once_it_shows(self, *words: str) -> list[str]:
        while not all(word in "\n".join(self.screen.display) for word in words):
            self._stream.feed(os.read(self._master, 65536))  # an error when the child is gone
        return [line.rstrip() for line in self.screen.display]

    def finish(self) -> list[str]:
        assert self.child.stdin is not None
        self.child.stdin.close()
        return self.lines_once_it_shows("finished")

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            if stream is not None:
                stream.close()
        os.close(self._master)


@pytest.fixture
def terminal() -> Iterator[RealTerminal]:
    terminal = RealTerminal()
    yield terminal
    terminal.close()


def test_on_a_real_terminal_each_frame_takes_the_place_of_the_last(terminal: RealTerminal) -> None:
    terminal.show(100)
    first = terminal.lines_once_it_shows("Ctrl-C")
    terminal.show(104)
    second = terminal.lines_once_it_shows("5,824", "Ctrl-C")
    assert first[0] == f"{'scrapeq run urls.txt':<48}run 17   00:01:40   ETA 00:01:16"
    assert second[0] == f"{'scrapeq run urls.txt':<48}run 17   00:01:44   ETA 00:01:12"
    for start in ("stage", "fetch", "queue", "urls → fetch", "bottleneck", "200", "host"):
        places = [
            [n for n, line in enumerate(f) if line.startswith(start)] for f in (first, second)
        ]
        assert places[0] == places[1]
        assert len(places[0]) == (2 if start == "fetch" else 1)


def test_on_a_real_terminal_the_table_leaves_nothing_behind(terminal: RealTerminal) -> None:
    terminal.show(100)
    terminal.lines_once_it_shows("Ctrl-C")
    lines = terminal.finish()
    assert [line for line in lines if line] == ["finished"]
    assert not terminal.screen.history.top
    assert not terminal.screen.cursor.hidden
