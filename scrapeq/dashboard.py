"""The screen during a run: a live table, plain lines, or nothing. Given readings, never handles.

A terminal may go away at any moment. Then the screen goes quiet and the run goes on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Literal, NoReturn, Protocol, TextIO

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.text import Text

from scrapeq.frame import Labels, render
from scrapeq.models import Reading
from scrapeq.plain import BROKEN, PlainLines, has_room, say
from scrapeq.window import Recent

__all__ = [
    "Labels",
    "LiveScreen",
    "Mode",
    "NoScreen",
    "PlainLines",
    "Screen",
    "choose_screen",
    "render",
    "say",
    "terminal_console",
]

Mode = Literal["auto", "live", "plain", "none"]

WINDOW_SECONDS = 5.0
"""Rates on the live screen are of about this long: shorter, and they flicker."""


class Screen(Protocol):
    """Where readings go. Neither method ever raises because of the stream."""

    interval: float
    """Seconds between two calls of `show`."""

    def show(self, reading: Reading) -> None: ...

    def close(self) -> None: ...


class NoScreen:
    """Shows nothing."""

    interval = 10.0

    def show(self, reading: Reading) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class LiveScreen:
    """The table, redrawn in place on a terminal, and taken away at the end."""

    interval = 0.25

    def __init__(self, console: Console, labels: Labels, *, cores: int) -> None:
        # Where its pipe is broken, Rich would point stdout, and so the data, at /dev/null
        # and then exit the process.
        console.on_broken_pipe = _reraise  # type: ignore[method-assign]
        self._console = console
        self._labels = labels
        self._cores = cores
        self._recent = Recent(WINDOW_SECONDS)
        self._shown: tuple[ConsoleDimensions, Sequence[RenderableType]] | None = None
        self._live: Live | None = Live(
            console=console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
            vertical_overflow="crop",
        )

    def show(self, reading: Reading) -> None:
        if self._live is None or not has_room(self._console.file):
            return
        size = self._console.size
        frame = self._frame(reading, size)
        if (shown := (size, frame.renderables)) == self._shown:
            return  # Rich takes longer to print a frame than it took to make it
        self._shown = shown
        try:
            self._live.start()
            self._live.update(frame, refresh=True)
        except BROKEN:
            self._turn_off(self._live)

    def print_above(self, line: str) -> None:
        """A line that stays; the table is drawn again below it."""
        if self._live is None or not has_room(self._console.file):
            return
        try:
            self._console.print(Text(line), soft_wrap=True)
        except BROKEN:
            self._turn_off(self._live)

    def close(self) -> None:
        """Take the table away. The console stays open for what is printed next."""
        if self._live is None:
            return
        try:
            self._live.stop()
        except BROKEN:
            self._turn_off(self._live)
        self._live = None

    def _frame(self, reading: Reading, size: ConsoleDimensions) -> Group:
        return render(
            reading,
            self._recent.opening(reading),
            title=self._labels.title,
            run=self._labels.run,
            log=self._labels.log,
            width=size.width,
            height=size.height,
            cores=self._cores,
            ascii_only=self._console.options.ascii_only,
        )

    def _turn_off(self, live: Live) -> None:
        self._live = None
        self._console.quiet = True  # it drops what is still printed to it, log lines included
        # Rich takes back a hook that it may not have set yet when the terminal broke.
        with suppress(*BROKEN, IndexError):
            live.stop()


def _reraise() -> NoReturn:
    raise BrokenPipeError


def terminal_console(stream: TextIO) -> Console:
    """The one Console of a terminal: the table and the log lines above it must share it.

    It is a terminal because we say so: Rich would ask the environment (FORCE_COLOR) first.
    """
    return Console(file=stream, force_terminal=True, force_interactive=True)


def choose_screen(
    mode: Mode,
    stream: TextIO,
    *,
    labels: Labels,
    cores: int,
    console: Console | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Screen:
    """`auto` is live on a terminal that can move its cursor, and plain lines elsewhere.

    `console`, if given, is the one for `stream` that log lines go through as well.
    """
    if mode == "none":
        return NoScreen()
    dumb = environ.get("TERM", "").lower() in ("dumb", "unknown")
    if dumb or mode == "plain" or (mode == "auto" and not _is_terminal(stream)):
        return PlainLines(stream, cores=cores)
    return LiveScreen(console or terminal_console(stream), labels, cores=cores)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except BROKEN:
        return False
