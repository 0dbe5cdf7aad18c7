"""One run as a person sees it: what is said before, during and after."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import resource
import stat
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

from scrapeq import runner
from scrapeq.dashboard import Labels, LiveScreen, Screen, choose_screen, say, terminal_console
from scrapeq.errors import FatalError, StorageError, UsageError
from scrapeq.extract import Rule
from scrapeq.settings import Settings, cores, masked_words
from scrapeq.source import Source
from scrapeq.stores.file import COMPANIONS
from scrapeq.stores.sqlite import SQLiteStore
from scrapeq.summary import as_json, render_summary
from scrapeq.text import count, safe
from scrapeq.urls import visible, without_secrets

MOST_FILES = 1 << 16
"""Open files that are enough for anybody: above this the system's own limit is left alone."""
OTHER_FILES = 64
"""Descriptors that are no fetcher's: the database, name look-ups, robots.txt, this process."""


def scrape(
    settings: Settings, sources: Sequence[str], rules: Sequence[Rule], command: Sequence[str]
) -> NoReturn:
    """Run to the end, and exit. Raises ScrapeqError before the first request."""
    source = Source(sources)
    source.check()
    _check_files(settings, sources)
    end_with(perform(settings, source, rules, command))


def end_with(performance: Coroutine[Any, Any, runner.Ended]) -> NoReturn:
    """Run it and leave the process at once with its exit code: all is saved, and a thread
    that waits for a name server, or for stdin, would hold the exit for as long as it likes."""
    # Millions of short-lived objects, and no rings of them: looking for rings less often is
    # 3 % of a run's CPU.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    # A busy event loop hands the interpreter to SQLite's thread only after this time, some
    # five times a transaction.
    sys.setswitchinterval(0.001)
    with asyncio.Runner() as loop:
        try:
            ended = loop.run(performance)
        except asyncio.CancelledError:
            raise FatalError("the run was lost: run the same command again") from None
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(ended.exit_code)  # before the Runner waits for those threads


async def perform(
    settings: Settings, source: Source, rules: Sequence[Rule], command: Sequence[str]
) -> runner.Ended:
    """The run itself, with its screen and its closing words."""
    shown = [safe(without_secrets(word), limit=200) for word in masked_words(settings, command)]
    settings = _within_descriptors(settings)
    screen: Screen | None = None

    def tell(text: str) -> None:
        line = f"scrapeq: {safe(text, limit=1000)}"
        if isinstance(screen, LiveScreen):
            screen.print_above(line)
        elif not settings.quiet:
            say(sys.stderr, line)

    def screen_for(store: SQLiteStore) -> Screen:
        if not settings.quiet:
            _say_what_is_there(settings, store)
        mode = "none" if settings.quiet else settings.progress
        title = f"{_title(command, source.sources)} → {settings.output}"
        console = terminal_console(sys.stderr)
        console.no_color = console.no_color or not settings.color
        nonlocal screen
        screen = choose_screen(
            mode, sys.stderr, labels=Labels(title, store.run), cores=cores(), console=console
        )
        return screen

    ended = await runner.run(settings, source, rules, screen_for=screen_for, tell=tell)
    _say_how_it_ended(settings, ended, shown)
    return _with_summary(settings, ended)


def _title(command: Sequence[str], sources: Sequence[str]) -> str:
    """`scrapeq run urls.txt +2`: the command without its flags."""
    listed = [without_secrets(visible(word)) for word in sources if word in command]
    more = [f"+{len(listed) - 1}"] if len(listed) > 1 else []
    return " ".join([*command[:2], *listed[:1], *more])


def _within_descriptors(settings: Settings) -> Settings:
    """No more fetchers than there may be open files, after asking for as many as we may."""
    unlimited = resource.RLIM_INFINITY
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == unlimited else min(hard, MOST_FILES)
    if soft != unlimited and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    others = OTHER_FILES + 2 * settings.parsers
    room = max(1, soft - others)
    if soft != unlimited and soft < others // 2:
        raise UsageError(
            f"only {count(soft)} files may be open (ulimit -n): at least {others // 2} are needed"
        )
    if soft == unlimited or settings.fetchers <= room:
        return settings
    say(
        sys.stderr,
        f"scrapeq: only {count(soft)} files may be open (ulimit -n): "
        f"{count(room)} fetchers instead of {count(settings.fetchers)}",
    )
    return replace(settings, fetchers=room)


def _say_what_is_there(settings: Settings, store: SQLiteStore) -> None:
    if store.warning:
        say(sys.stderr, f"scrapeq: {store.warning}")
    counts = store.counts
    if counts.read:
        states = ", ".join(
            f"{count(number)} {state}"
            for state, number in (
                ("done", counts.done), ("failed", counts.failed),
                ("skipped", counts.skipped), ("pending", counts.pending),
            ) if number
        )  # fmt: skip
        output = safe(str(settings.output))
        say(sys.stderr, f"scrapeq: {output} already has {count(counts.read)} URLs: {states}")


def _say_how_it_ended(settings: Settings, ended: runner.Ended, command: Sequence[str]) -> None:
    if ended.fault:
        say(sys.stderr, f"scrapeq: {safe(ended.fault, limit=1000)}")
    if not settings.quiet:
        lines = render_summary(
            ended.reading,
            output=str(settings.output),
            run=ended.run,
            outcome="stopped" if ended.fault else ended.outcome,
            command=command,
            cores=cores(),
        )
        say(sys.stderr, "\n".join(lines))


def _with_summary(settings: Settings, ended: runner.Ended) -> runner.Ended:
    """Write the summary as JSON where it is wanted. A file that cannot be had is said, and
    told by the exit code; a stdout that nobody reads is nobody's loss."""
    if not settings.summary:
        return ended
    found = as_json(ended.reading, outcome=ended.outcome, cores=cores())
    text = json.dumps(found, indent=2, ensure_ascii=True)
    if settings.summary == "-":
        say(sys.stdout, text)
        return ended
    try:
        with open(_writable(settings.summary, os.O_TRUNC), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as exc:
        say(sys.stderr, f"scrapeq: --summary {safe(settings.summary)}: {exc.strerror}")
        return replace(ended, exit_code=ended.exit_code or StorageError.exit_code)
    return ended


def _check_files(settings: Settings, sources: Sequence[str]) -> None:
    """Raise UsageError rather than write over the list or the results, or fail at the end."""
    try:
        lists = set(map(os.path.realpath, sources))
        results = os.path.realpath(settings.output)
        written = os.path.realpath(settings.summary or "-")
    except OSError as exc:
        raise UsageError(f"the current folder: {exc.strerror}") from None
    # What SQLite, and the lock, keep beside the database is removed with the run.
    database = {results, *(results + end for end in COMPANIONS)}
    if taken := database & lists:
        kind = "" if results in taken else f" (as {os.path.basename(min(taken))})"
        raise UsageError(f"--output {safe(str(settings.output))}: is the list of URLs{safe(kind)}")
    target = settings.summary
    if target is None or target == "-":
        return
    if written in database | lists:
        raise UsageError(f"--summary {safe(target)}: is the list of URLs, or the results")
    try:
        descriptor = _writable(target)
        # The reader of a FIFO would take it for the end if this were closed.
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.close(descriptor)
    except OSError as exc:
        raise UsageError(f"--summary {safe(target)}: {exc.strerror}") from None


def _writable(path: str, flags: int = 0) -> int:
    """A descriptor. Raises OSError also for a pipe that nobody reads, where others wait."""
    flags |= os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as exc:
        if exc.errno == errno.ENXIO:
            raise OSError(exc.errno, "a pipe that nobody reads") from None
        raise
    os.set_blocking(descriptor, True)
    return descriptor
